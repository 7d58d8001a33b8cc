"""Runs the image as GitHub's runner does, against the sandbox, in friendly and in hostile surroundings."""

import argparse
import compileall
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from dx_action.sandbox import Fault, Sandbox  # noqa: E402
from stand_in import GitHub, Repo  # noqa: E402

EVENTS = ROOT / "tests" / "data" / "events"
ENTRYPOINT = ["/opt/dx/bin/python", "-I", "-u", "-B", "/opt/dx/entrypoint.py"]
TOKEN = "dx-token-5f1c0a9e7b3d4826"
REFUSED = "dx-token-refused-77aa21"
OWNER = 1001  # the user who runs the jobs on GitHub's own machines

SHADOWED = ["json", "logging", "requests", "pydantic", "github", "yaml", "sitecustomize", "usercustomize"]
EVIL = 'print("EVIL: imported from the workspace")\nraise SystemExit("EVIL: imported from the workspace")\n'
NETRC = "machine 127.0.0.1 login evil password evil\ndefault login evil password evil\n"
HOSTILE_ENV = {
    "PATH": "/nonsense",
    "PYTHONPATH": ".",
    "PYTHONHOME": "/nonsense",
    "PYTHONSTARTUP": "/github/workspace/json.py",
    "PYTHONINSPECT": "1",
    "PYTHONWARNINGS": "error",
    "NETRC": "/github/workspace/netrc",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
    "LC_ALL": "C",
    "LD_LIBRARY_PATH": "/opt/hostedtoolcache/Python/3.12.1/x64/lib",  # by actions/setup-python
    "OPENSSL_CONF": "/nonsense",
    "TMPDIR": "/nonsense",
}

# Stands between the runner and podman: podman itself keeps its surroundings, the container gets the job's.
WRAPPER = """#!{python} -I
import os, sys
args = sys.argv[1:]
for at, arg in enumerate(args):
    if arg.endswith(":/github/home"):
        with open(arg.removesuffix(":/github/home") + "/.netrc", "w") as file:
            file.write({netrc!r})
    if arg in ("PATH", "TMPDIR") and args[at - 1] == "-e":
        args[at] = arg + "=" + os.environ.pop(arg)
os.environ["PATH"] = {path!r}
os.execv({podman!r}, [{podman!r}, *args])
"""

# Prints the modules that have no bytecode in the image, and so would be compiled at every run.
UNCOMPILED = """
import importlib, os, pkgutil, sys, warnings
warnings.simplefilter("ignore")
import dx_action.bundle, github
for found in pkgutil.walk_packages(dx_action.__path__, "dx_action."):
    importlib.import_module(found.name)
for module in list(sys.modules.values()):
    spec = getattr(module, "__spec__", None)
    if spec and (spec.origin or "").endswith(".py") and not os.path.exists(spec.cached):
        print(spec.origin)
"""

# Prints the bytecode that a run reads from files of its own, once the interpreter has started.
READ = """
import os, sys
read, path = [], sys.argv.pop()
sys.addaudithook(lambda event, given: read.append(str(given[0])) if event == "open" else None)

def leave(code):
    print(*[os.path.join(*each.split("/")[-2:]) for each in read if each.endswith(".pyc")], file=sys.stderr)
    end(code)

end, os._exit = os._exit, leave
exec(compile(open(path).read(), path, "exec"), {"__name__": "__main__", "__file__": path})
"""
# What leads to the bundle; and a module that ends with an error, as PySocks is not in the image.
UNBUNDLED = {
    *("dx_action/__init__.pyc", "dx_action/process.pyc", "dx_action/bundle.pyc", "importlib/__init__.pyc"),
    "contrib/socks.pyc",
}

# Prints every file that could be started as a program, shared libraries left out.
PROGRAMS = """
import os
for folder, _, names in os.walk("/"):
    if folder.startswith(("/dev", "/proc", "/sys")):
        continue
    for path in (os.path.join(folder, name) for name in names):
        if ".so" not in os.path.basename(path) and os.path.isfile(path) and os.access(path, os.X_OK):
            print(os.path.realpath(path))
"""

# Prints how large a part of a layer busybox is, and whether its licence and the place of its source are in the image.
BUSYBOX_SIZE = "import zlib; print(len(zlib.compress(open('/bin/sh', 'rb').read())))"
BUSYBOX_LICENCE = """
folder = "/usr/share/doc/busybox/"
print("GNU GENERAL PUBLIC LICENSE" in open(folder + "COPYING").read(), "https://busybox.net" in open(folder + "SOURCE").read())
"""

# Prints how many CAs a connection can look up by their hash, each file read as one.
AUTHORITIES = """
import glob, ssl
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
for path in glob.glob(ssl.get_default_verify_paths().openssl_capath + "/*.0"):
    context.load_verify_locations(cafile=path)
print(len(context.get_ca_certs()))
"""

# Prints the seconds from the start of a command to its exit. First it lets the runtime finish what it still does in the
# background, for this container and the one before.
STOPWATCH = """
import os, sys, time
time.sleep(1)
log = os.open(os.devnull, os.O_WRONLY)
began = time.perf_counter()
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, log, 1)])
_, status = os.waitpid(process, 0)
print(time.perf_counter() - began)
sys.exit(os.waitstatus_to_exitcode(status))
"""
ROUNDS = 9
MOST_RATIO = 1.25


@dataclass
class Tally:
    """What held and what did not."""

    passed: int = 0
    failed: int = 0

    def check(self, what: str, holds: object, seen: object = "") -> None:
        """Print one check, with what was seen instead if it failed."""
        if holds:
            self.passed += 1
            print(f"  ok      {what}")
        else:
            self.failed += 1
            print(f"  FAILED  {what}" + (f": {seen!r}" if seen != "" else ""))


@dataclass(frozen=True)
class Image:
    """The built image, and the tools that run it."""

    name: str
    tools: Path
    podman: str
    runner: tuple[str, ...] = ("runner_sim.py",)
    action: Path = ROOT

    def act(
        self,
        workspace: Path,
        inputs: dict[str, str],
        env: dict[str, str] | None = None,
        *,
        wrapper: Path,
        cancel_after: float = 120,
        event: str = "pull_request_merged",
        github: Mapping[str, str] | None = None,
    ) -> "Run":
        """One step of a job, as the runner does it; a job that is cancelled gets SIGINT, then SIGTERM."""
        command = [
            *(sys.executable, str(self.tools / self.runner[0]), *self.runner[1:]),
            *("--action", str(self.action), "--image", self.name, "--docker", str(wrapper)),
            *("--event-name", event_name(event), "--event", str(EVENTS / f"{event}.json")),
            *("--workspace", str(workspace), "--network", "host", "--timeout", str(cancel_after)),
        ]
        for name, value in (github or {}).items():
            command += ["--github", f"{name}={value}"]
        for name, value in inputs.items():
            command += ["--with", f"{name}={value}"]
        for name, value in (env or {}).items():
            command += ["--env", f"{name}={value}"]
        started = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180)
        if done.returncode:
            raise SystemExit(f"{self.runner[0]} ended with {done.returncode}:\n{done.stderr}")
        return Run(seconds=time.monotonic() - started, **pick(json.loads(done.stdout)))

    def python(self, code: str) -> str:
        """What the image's own interpreter prints for this code."""
        command = [self.podman, "run", "--rm", "--entrypoint", "/opt/dx/bin/python", self.name, "-I", "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        return done.stdout + done.stderr

    def step(self, env: Mapping[str, str]) -> list[str]:
        """The beginning of a command that runs a container with these variables."""
        mount = ["--volume", f"{EVENTS}:{EVENTS}:ro"]
        given = [part for name, value in env.items() for part in ("--env", f"{name}={value}")]
        return [self.podman, "run", "--rm", "--network", "host", *mount, *given]

    def read(self, env: Mapping[str, str]) -> set[str]:
        """The modules whose own files a step reads."""
        command = [*self.step(env), "--entrypoint", ENTRYPOINT[0], self.name, "-I", "-B", "-c", READ, ENTRYPOINT[-1]]
        return set(subprocess.run(command, capture_output=True, check=True, text=True, timeout=60).stderr.split())

    def stopwatch(self, env: Mapping[str, str]) -> tuple[float, float]:
        """The seconds from start to exit inside a new container, and those from outside, without the stopwatch."""
        run = self.step(env)
        watched = [*run, "--entrypoint", ENTRYPOINT[0], self.name, "-I", "-B", "-c", STOPWATCH, *ENTRYPOINT]
        inside = float(subprocess.run(watched, capture_output=True, check=True, timeout=60).stdout)
        began = time.monotonic()
        subprocess.run([*run, self.name], capture_output=True, check=True, timeout=60)
        return inside, time.monotonic() - began

    def command(self, argv: list[str], *flags: str, **env: str) -> subprocess.CompletedProcess[str]:
        """The image as a command with arguments, as its documentation starts it: the variables by their names alone."""
        named = [part for name in env for part in ("--env", name)]
        run = [self.podman, "run", "--rm", "--network", "host", *flags, *named, self.name, *argv]
        return subprocess.run(run, env=os.environ | env, capture_output=True, text=True, check=False, timeout=60)

    def config(self) -> dict[str, Any]:
        """The image's configuration: user, entrypoint and so on."""
        command = [self.podman, "image", "inspect", "--format", "{{json .Config}}", self.name]
        config: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        return config


@dataclass(frozen=True)
class Run:
    """What the runner saw of one step."""

    exit_code: int
    outputs: dict[str, str]
    annotations: list[dict[str, Any]]
    summary: str
    log: list[str]
    seconds: float = field(compare=False)
    post: "Run | None" = None

    def text(self) -> str:
        """Everything a person, or a later step, can read of it."""
        return "\n".join([*self.log, self.summary, json.dumps(self.outputs), json.dumps(self.annotations)])


def pick(result: dict[str, Any]) -> dict[str, Any]:
    picked = {name: result[name] for name in ("exit_code", "outputs", "annotations", "summary", "log")}
    if post := result.get("post"):  # its outputs reach no step
        post = pick(post | {"outputs": post["outputs_that_nobody_reads"]})
        picked["post"] = Run(seconds=0, **post)
    return picked


def event_name(event: str) -> str:
    """What GitHub calls the event of a fixture."""
    (name,) = re.findall(r"^GITHUB_EVENT_NAME=(\S+)$", (EVENTS / f"{event}.env").read_text(), re.MULTILINE)
    return str(name)


def hidden(text: str, token: str) -> bool:
    """The token is not there, and neither is what the runner's mask would have made of it."""
    return token not in text and "***" not in text


@contextlib.contextmanager
def workspace() -> Iterator[Path]:
    """An empty checkout that belongs to the jobs' user."""
    folder = Path(tempfile.mkdtemp(prefix="workspace_"))
    try:
        os.chown(folder, OWNER, OWNER)
        yield folder
    finally:
        shutil.rmtree(folder)


def plant_evil(folder: Path) -> None:
    """Modules that would be imported, were the workspace or PYTHONPATH looked at."""
    for name in SHADOWED:
        (folder / f"{name}.py").write_text(EVIL)
    package = folder / "dx_action"
    package.mkdir()
    (package / "__init__.py").write_text(EVIL)
    (package / "main.py").write_text(EVIL)
    (folder / "netrc").write_text(NETRC)


def check_registered(tally: Tally, run: Run, sandbox: Sandbox) -> None:
    """A merged pull request is one deployment in DX."""
    deployments = sandbox.deployments()
    tally.check("exit code 0", run.exit_code == 0, run.log[-20:])
    tally.check("status is registered", run.outputs.get("status") == "registered", run.outputs)
    tally.check("the sandbox holds one deployment", len(deployments) == 1, deployments)
    tally.check("the summary says something", run.summary.strip())
    tally.check("the token is nowhere", hidden(run.text(), TOKEN), re.findall(r".*\*\*\*.*", run.text()))
    tally.check("nothing was imported from the workspace", "EVIL" not in run.text(), run.log[-20:])


def check_failed(tally: Tally, run: Run, sandbox: Sandbox, token: str) -> None:
    """A failure is reported, and shows no secret."""
    deployments = sandbox.deployments()
    tally.check("exit code 1", run.exit_code == 1, (run.exit_code, run.log[-20:]))
    tally.check("status is failed", run.outputs.get("status") == "failed", run.outputs)
    tally.check("the sandbox holds nothing", deployments == [], deployments)
    tally.check("an error is shown", any(a["level"] == "error" for a in run.annotations), run.annotations)
    tally.check("the token is nowhere", hidden(run.text(), token), re.findall(r".*\*\*\*.*", run.text()))


def check_failed_file(tally: Tally, file: Path, token: str) -> None:
    """What DX has not registered is saved, for the job's own user."""
    text = file.read_text() if file.is_file() else ""
    services = [json.loads(line)["service"]["identifier"] for line in text.splitlines()]
    tally.check("the failed-file holds the deployment", services == ["payments-service"], text)
    tally.check("it belongs to the workspace's owner", text and file.stat().st_uid == OWNER)
    tally.check("the token is not in it", token not in text)


def check_image(tally: Tally, image: Image) -> None:
    config = image.config()
    entrypoint = config["Entrypoint"]
    print("The image itself")
    tally.check("it runs as root", config.get("User", "") in {"", "root", "0"}, config.get("User"))
    tally.check("its entrypoint is an absolute interpreter", entrypoint[0] == "/opt/dx/bin/python", entrypoint)
    tally.check("it has no pip to import", "ModuleNotFoundError" in image.python("import pip"))
    uncompiled = image.python(UNCOMPILED)
    tally.check("every module it imports has its bytecode", uncompiled == "", uncompiled)
    programs = set(image.python(PROGRAMS).split())
    real = image.python(f"import os; print(os.path.realpath({ENTRYPOINT[0]!r}))").strip()
    known = {real, *(f"/opt/dx/{name}.py" for name in ("entrypoint", "start", "end")), "/bin/sh"}
    tally.check("it has no program but the interpreter, three entry files and one busybox", programs == known, programs)
    size = int(image.python(BUSYBOX_SIZE)) / 1_000_000
    tally.check(f"busybox is {size:.2f} MB compressed, at most 1.2", size <= 1.2)
    about = image.python(BUSYBOX_LICENCE)
    tally.check("its licence and where its source is are beside it", about.split() == ["True", "True"], about)
    authorities = image.python(AUTHORITIES).strip()
    tally.check(f"a connection finds public CAs by their hash ({authorities})", int(authorities) > 100)


def check_speed(tally: Tally, image: Image) -> None:
    """The same deployment, in a new container and by the entrypoint alone on this machine, in turns.

    Of each the quickest run counts: whatever else this machine does only ever makes a run slower.
    """
    print("From start to exit")
    compileall.compile_dir(ROOT / "dx_action", quiet=2)
    bare = [sys.executable, "-I", "-B", "-c", STOPWATCH, sys.executable, "-I", "-u", "-B", str(ROOT / "entrypoint.py")]
    inside, outside, alone = [], [], []
    with Sandbox(token=TOKEN) as sandbox, tempfile.TemporaryDirectory() as folder:
        env = {
            "GITHUB_EVENT_NAME": "pull_request",
            "GITHUB_EVENT_PATH": str(EVENTS / "pull_request_merged.json"),
            "GITHUB_REPOSITORY": "acme/shop",
            "GITHUB_RUN_ID": "1",
            "GITHUB_JOB": "register",
            "HOME": "/",
            "INPUT_DX-HOST": sandbox.url,
            "INPUT_DX-TOKEN": TOKEN,
            "INPUT_SERVICE": "payments-service",
        }
        read = image.read(env)
        tally.check("one file has the bytecode of a plain run", read == UNBUNDLED, read)
        for _ in range(ROUNDS):
            alone.append(float(subprocess.run(bare, env=env, cwd=folder, capture_output=True, check=True).stdout))
            within, around = image.stopwatch(env)
            inside.append(within)
            outside.append(around)
        runs = 3 * ROUNDS + 1
        tally.check(f"all {runs} runs reached the sandbox", len(sandbox.requests()) == runs)
    ratio = min(inside) / min(alone)
    version = ".".join(map(str, sys.version_info[:2]))
    tally.check(
        f"inside the container {min(inside):.3f} s, bare (Python {version}) {min(alone):.3f} s: "
        f"ratio {ratio:.2f}, at most {MOST_RATIO}",
        ratio <= MOST_RATIO,
    )
    print(f"  (the runtime's own start and end: {min(outside) - min(inside):.3f} s)")


def wrappers(folder: Path, podman: str) -> tuple[Path, Path]:
    """Two programs in podman's place: one with an empty home for the step, and one with a hostile one."""
    friendly, hostile = folder / "podman", folder / "podman-hostile"
    for file, netrc in ((friendly, ""), (hostile, NETRC)):
        file.write_text(WRAPPER.format(python=sys.executable, netrc=netrc, path=os.environ["PATH"], podman=podman))
        file.chmod(0o755)
    return friendly, hostile


def check_runs(tally: Tally, image: Image, friendly: Path, hostile: Path) -> None:
    inputs = {"dx-token": TOKEN, "service": "payments-service"}

    print("A merged pull request")
    with Sandbox(token=TOKEN) as sandbox, workspace() as checkout:
        run = image.act(checkout, {**inputs, "dx-host": sandbox.url}, wrapper=friendly)
        check_registered(tally, run, sandbox)
        print(f"  ({run.seconds:.1f} s, the container's start included)")

    print("Services by the files that changed, looked up at GitHub")
    repo = Repo("acme/shop")
    repo.commit({"CODEOWNERS": "* @acme/owners", "README.md": "Shop"})
    pull = repo.pulls.ship({"web/a.py": "1"}, how="squash", title="Add a")
    with Sandbox(token=TOKEN) as sandbox, GitHub(repo) as github, workspace() as checkout:
        asked = {
            "dx-token": TOKEN,
            "dx-host": sandbox.url,
            "github-token": github.token,
            "services-from": "codeowners",
            "commit-sha": str(pull.merge_commit_sha),
            "pull-number": str(pull.number),
        }
        served = {name.removeprefix("GITHUB_").lower(): value for name, value in github.env.items()}
        run = image.act(checkout, asked, wrapper=friendly, event="workflow_dispatch", github=served)
        check_registered(tally, run, sandbox)
        tally.check("the service is that of the files", run.outputs.get("services") == '["owners"]', run.outputs)
        warned = [line for line in run.log if "Warning: " in line]
        tally.check("this version of Python warns of nothing", warned == [], warned)

    print("A merged pull request in a hostile checkout, environment and home")
    with Sandbox(token=TOKEN) as sandbox, workspace() as checkout:
        plant_evil(checkout)
        run = image.act(checkout, {**inputs, "dx-host": sandbox.url}, HOSTILE_ENV, wrapper=hostile)
        check_registered(tally, run, sandbox)

    print("A DX with a private CA")
    with workspace() as checkout, Sandbox(token=TOKEN, tls=checkout / "ca.pem") as sandbox:
        private = {"dx-host": sandbox.url, "ca-bundle": "ca.pem"}
        run = image.act(checkout, {**inputs, **private}, wrapper=friendly)
        check_registered(tally, run, sandbox)

    print("A token that DX refuses, with a failed-file")
    with Sandbox(token=TOKEN) as sandbox, workspace() as checkout:
        refused = {"dx-token": REFUSED, "dx-host": sandbox.url, "failed-file": "failed.jsonl"}
        run = image.act(checkout, {**inputs, **refused}, wrapper=friendly)
        check_failed(tally, run, sandbox, REFUSED)
        check_failed_file(tally, checkout / "failed.jsonl", REFUSED)

    print("A DX that hangs, and a job that is cancelled")
    with Sandbox(token=TOKEN, faults=[Fault(hang=60, times="forever")]) as sandbox, workspace() as checkout:
        hanging = {"dx-host": sandbox.url, "failed-file": "failed.jsonl"}
        run = image.act(checkout, {**inputs, **hanging}, wrapper=friendly, cancel_after=4)
        check_failed(tally, run, sandbox, TOKEN)
        check_failed_file(tally, checkout / "failed.jsonl", TOKEN)
        tally.check("it ends at once, as process 1 too", run.seconds < 7, run.seconds)


def check_command(tally: Tally, image: Image) -> None:
    """With arguments and outside of GitHub Actions, as the user and within the bounds of the example for Argo CD."""
    print("As a command")
    shown = image.command(["--help"])
    tally.check("--help lists the flags", (shown.returncode, "--service" in shown.stdout) == (0, True), shown)
    bounds = ("--user", "65532:65532", "--read-only", "--cap-drop", "all", "--security-opt", "no-new-privileges")
    given = ["--service", "web", "--repository", "acme/shop", "--commit-sha", "abc1234", "--reference-id", "build-7"]
    with Sandbox(token=TOKEN) as sandbox:
        done = image.command([*given, "--json"], *bounds, DX_HOST=sandbox.url, DX_TOKEN=TOKEN)
        status = json.loads(done.stdout or "{}").get("status")
        tally.check("a deployment is registered", (done.returncode, status) == (0, "registered"), done)
        tally.check("the sandbox holds it", [each["reference_id"] for each in sandbox.deployments()] == ["build-7"])
        refused = image.command([*given, "--dx-token", REFUSED], DX_HOST=sandbox.url, DX_TOKEN=TOKEN)
        text = refused.stdout + refused.stderr
        tally.check("a token as a flag is refused", (refused.returncode, "`--dx-token`" in text) == (1, True), text)
        tally.check("neither token is shown", TOKEN not in text + done.stdout + done.stderr and REFUSED not in text)
        tally.check("nothing was sent for that", len(sandbox.requests()) == 1)


def check(about: str | None, name: str, checks: Callable[[Tally, Image, Path, Path], None]) -> int:
    """Read the command line, run the checks with the image and both wrappers, and return the exit code."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--tools", type=Path, required=True, help="the folder with runner_sim.py and k8s_sim.py")
    parser.add_argument("--image", required=True)
    options = parser.parse_args()
    podman = shutil.which("podman")
    if podman is None:
        parser.error("podman is not on PATH")
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="wrappers_") as folder:
        image = Image(options.image, options.tools.resolve(), podman)
        checks(tally, image, *wrappers(Path(folder), podman))
    print(f"{name}: {tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


def check_all(tally: Tally, image: Image, friendly: Path, hostile: Path) -> None:
    check_image(tally, image)
    check_speed(tally, image)
    check_runs(tally, image, friendly, hostile)
    check_command(tally, image)


if __name__ == "__main__":
    raise SystemExit(check(__doc__, "image", check_all))

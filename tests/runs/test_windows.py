"""Runs and files on a system that has only what Windows has, as `support/windows.py` pretends."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from composite import fill
from dx_action.sandbox import Fault, Sandbox
from environment import this_host
from runner import ROOT, TOKEN, Run, Step, connected

WINDOWS = ROOT / "tests" / "support" / "windows.py"
LINK = "cannot be opened or written: it is a symbolic link or a folder"
# What is tried, and how its refusal begins.
CASES: dict[str, str] = {
    "read plain.txt": "",
    "read out/inner.txt": "",
    "append plain.txt": "",
    "append out/new/file.jsonl": "",
    "replace plain.txt": "",
    "replace out/fresh.csv": "",
    "read missing.txt": "is not in the workspace",
    "read missing/x.txt": "is not in the workspace",
    "read out": LINK,
    "read plain.txt/x": LINK,
    "read link.txt": LINK,
    "append link.txt": LINK,
    "replace link.txt": LINK,
    "read folder-link/inner.txt": LINK,
    "append folder-link/x.txt": LINK,
    "read C:plain.txt": LINK,
    "append plain.txt:stream": LINK,
    "append NUL": LINK,
    "append out/com1.txt": LINK,
    "append dot.": LINK,
    "append GIT~1/config": LINK,
    "append a*b": LINK,
    "append out\\inner.txt": LINK,
}
TRIED = """
import json, sys
sys.path[:0] = [{support!r}, {root!r}]
import windows
windows.become()
from dx_action.errors import InvalidValue
from dx_action.runner.workspace import Workspace

def tried(case):
    use, _, path = case.partition(" ")
    try:
        if use == "read":
            return workspace.read(path).decode("latin-1")
        if use == "append":
            return workspace.append(path, b"one\\r\\n\\x1atwo\\n")
        with workspace.replacing(path) as file:
            file.write(b"one\\r\\n\\x1atwo\\n")
    except InvalidValue as error:
        return [str(error)]

workspace = Workspace({workspace!r})
print(json.dumps({{case: tried(case) for case in json.loads(sys.argv[1])}}))
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("windows") / "workspace"
    (folder / "out").mkdir(parents=True)
    (folder / "plain.txt").write_bytes(b"a\r\n\x1ab\n")
    (folder / "out" / "inner.txt").write_bytes(b"inner")
    (folder / "link.txt").symlink_to("plain.txt")
    (folder / "folder-link").symlink_to("out")
    return folder


@pytest.fixture(scope="module")
def results(workspace: Path) -> dict[str, object]:
    code = TRIED.format(support=str(WINDOWS.parent), root=str(ROOT), workspace=str(workspace))
    command = [sys.executable, "-I", "-c", code, json.dumps(list(CASES))]
    found: dict[str, object] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return found


@pytest.mark.parametrize("case", CASES)
def test_a_file_is_used_or_refused(results: dict[str, object], case: str) -> None:
    refusal, result = CASES[case], results[case]
    if refusal:
        assert isinstance(result, list)
        assert refusal in result[0]
    else:
        assert result == {"read plain.txt": "a\r\n\x1ab\n", "read out/inner.txt": "inner"}.get(case)


def test_what_was_written_is_there_as_it_was_written(workspace: Path, results: dict[str, object]) -> None:
    assert results
    written = b"one\r\n\x1atwo\n"
    files = {str(path.relative_to(workspace)): path.read_bytes() for path in workspace.rglob("*") if path.is_file()}
    assert files == {
        "plain.txt": written,  # replaced after it was appended to
        "link.txt": written,
        "out/inner.txt": b"inner",
        "out/new/file.jsonl": written,
        "out/fresh.csv": written,
    }


def run(folder: Path, **given: str) -> Run:
    """Run a step there."""
    step = Step(folder, {name.replace("_", "-"): value for name, value in given.items()})
    env = step.environment()
    command = [sys.executable, "-I", "-u", "-B", str(WINDOWS), str(ROOT / "entrypoint.py")]
    done = subprocess.run(
        command, env=env, cwd=step.workspace, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    return step.read(env, done.returncode, done.stdout.decode())


def test_the_start_without_a_container(tmp_path: Path) -> None:
    """The packages are there; the inputs' JSON and the tool cache come as the runner hands them over."""
    fill(tmp_path / "tools", this_host()._replace(machine="AMD64", libc=""))
    with Sandbox(token=TOKEN) as dx:
        step = Step(tmp_path, {})
        env = step.environment() | {
            "DX_ACTION_INPUTS": json.dumps(connected(dx)),
            "RUNNER_TOOL_CACHE": str(tmp_path / "tools"),
            "PROCESSOR_ARCHITECTURE": "AMD64",
        }
        command = [sys.executable, "-I", "-S", "-u", "-X", "utf8", str(WINDOWS), str(ROOT / "native" / "launcher.py")]
        done = subprocess.run(
            command, env=env, cwd=step.workspace, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
        result = step.read(env, done.returncode, done.stdout.decode())
        assert (result.status, result.exit_code, len(dx.deployments())) == ("registered", 0, 1)


def test_a_deployment_is_registered(tmp_path: Path) -> None:
    with Sandbox(token=TOKEN) as dx:
        result = run(tmp_path, **connected(dx, metadata='{"naïve": "☃"}'))
        assert (result.status, result.exit_code, len(dx.deployments())) == ("registered", 0, 1)


def test_what_fails_is_kept_and_sent_by_a_backfill(tmp_path: Path) -> None:
    with Sandbox(token=TOKEN, faults=[Fault(status=503, times="forever")]) as dx:
        failed = run(tmp_path, **connected(dx, timeout="1", failed_file="out/failed.jsonl"))
        assert (failed.status, failed.exit_code, len(dx.deployments())) == ("failed", 1, 0)
        kept = (failed.workspace / "out/failed.jsonl").read_bytes()
        assert (kept.count(b"\n"), kept.count(b"\r")) == (1, 0)
    with Sandbox(token=TOKEN) as dx:
        given = connected(dx, operation="backfill", backfill_file="out/failed.jsonl", failed_file="out/failed.jsonl")
        sent = run(tmp_path, **{name: value for name, value in given.items() if name != "service"})
        assert (sent.status, sent.exit_code, len(dx.deployments())) == ("registered", 0, 1)
        assert (failed.workspace / "out/failed.jsonl").read_bytes() == b""

"""The packages of a runner without a container: what is installed, from where, once, and whole or not at all."""

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from environment import (
    LEFT_OUT,
    Environment,
    Host,
    Unusable,
    explain,
    is_complete,
    name_of,
    prepare,
    read_lock,
    share,
    this_host,
)
from runner import ROOT
from wheels import from_folder, put_wheel

LOCK = (ROOT / "requirements.txt").read_text(encoding="utf-8")


def making(tmp_path: Path, env: Mapping[str, str], lock: str) -> Environment:
    return prepare(lock, {**env, "RUNNER_TOOL_CACHE": str(tmp_path / "tools")}, lambda _: None)


def cached(tmp_path: Path) -> list[str]:
    """Return the names of what is in the cache."""
    return [path.name for path in (tmp_path / "tools" / "dx-deployment-action").iterdir()]


def refused(tmp_path: Path, env: Mapping[str, str], lock: str) -> Unusable:
    """Fail to make the environment, and leave nothing of it."""
    with pytest.raises(Unusable) as raised:
        making(tmp_path, env, lock)
    assert cached(tmp_path) == []
    return raised.value


def test_the_lock_is_read_whole_but_for_what_no_run_needs() -> None:
    every = {re.sub("[-_.]+", "-", name).lower() for name in re.findall(r"^([\w.-]+)==", LOCK, re.MULTILINE)}
    read = read_lock(LOCK)
    assert {entry.rpartition("-")[0] for entry in read} == every - LEFT_OUT
    assert every >= LEFT_OUT
    assert all("--hash=sha256:" in text and text.count("==") == 1 for text in read.values())


def test_what_is_left_out_is_what_the_image_leaves_out() -> None:
    image = re.search(r"^UNUSED_DISTRIBUTIONS = \{(.*)\}$", (ROOT / "image/rootfs.py").read_text(), re.MULTILINE)
    assert image
    assert {name.replace("_", "-") for name in re.findall(r'"([^"]+)"', image[1])} == LEFT_OUT


def test_the_lock_is_shared_out_whole_and_evenly() -> None:
    read = read_lock(LOCK)
    parts = share(read)
    assert sorted(entry for part in parts for entry in part) == sorted(read.values())
    sizes = [sum(entry.count("--hash=") for entry in part) for part in parts]
    assert len(parts) == 2
    assert max(sizes) < 2 * min(sizes)
    assert share({"one-1.0": "one==1.0"}) == [["one==1.0"]]


HOST = Host("3.12.1", ".cpython-312-x86_64-linux-gnu.so", "x86_64", "glibc 2.36")


@pytest.mark.parametrize(
    ("lock", "host"),
    [
        ("another", HOST),
        ("lock", HOST._replace(python="3.12.2")),
        ("lock", HOST._replace(abi=".cpython-312-x86_64-linux-musl.so")),
        ("lock", HOST._replace(machine="aarch64")),
        ("lock", HOST._replace(libc="glibc 2.39")),
    ],
)
def test_each_lock_and_each_host_has_a_folder_of_its_own(lock: str, host: Host) -> None:
    assert name_of(lock, host) != name_of("lock", HOST) == name_of("lock", HOST)
    assert name_of(lock, host).startswith(f"{host.python}-")


def test_this_host_is_this_python() -> None:
    host = this_host()
    assert host.python == ".".join(map(str, sys.version_info[:3]))
    assert host.machine == os.uname().machine
    assert all(host[:3])


@pytest.mark.parametrize(
    ("names", "complete"),
    [
        ({"One_Thing-1.0.dist-info", "two-2.0.dist-info", "one", "two"}, True),
        ({"one_thing-1.0.dist-info"}, False),
        ({"one_thing-1.0.dist-info", "two-2.1.dist-info"}, False),
        ({"one_thing-1.0.dist-info", "two-2.0.dist-info", "three-3.0.dist-info"}, False),
        (set(), False),
    ],
)
def test_an_environment_has_exactly_what_the_lock_names(tmp_path: Path, names: set[str], complete: bool) -> None:
    for name in names:
        (tmp_path / "packages" / name).mkdir(parents=True)
    assert is_complete(Environment(tmp_path), {"one-thing-1.0", "two-2.0"}) is complete


def test_it_is_made_once(tmp_path: Path) -> None:
    lock = put_wheel(tmp_path / "wheels", "one_thing") + put_wheel(tmp_path / "wheels", "two")
    env = from_folder(tmp_path / "wheels")
    said: list[str] = []
    tools = {"RUNNER_TOOL_CACHE": str(tmp_path / "tools")}
    first = prepare(lock, {**env, **tools}, said.append)
    again = prepare(lock, {"PIP_INDEX_URL": "http://127.0.0.1:1/", **tools}, said.append)
    assert (first.seconds or 0) > 0
    assert (again.folder, again.seconds) == (first.folder, None)
    assert (first.packages / "one_thing.py").is_file()
    assert cached(tmp_path) == [name_of(lock, this_host())]
    assert len(said) == 1


def hashes(tmp_path: Path) -> str:
    lock = put_wheel(tmp_path / "wheels", "tiny")
    put_wheel(tmp_path / "wheels", "tiny", code="raise SystemExit('another')")
    return lock


def test_a_file_with_another_hash_is_not_installed(tmp_path: Path) -> None:
    lock = hashes(tmp_path)
    assert refused(tmp_path, from_folder(tmp_path / "wheels"), lock).kind == "hash"


def test_a_wheel_for_another_platform_is_none(tmp_path: Path) -> None:
    lock = put_wheel(tmp_path / "wheels", "tiny", "cp311-cp311-win32")
    assert refused(tmp_path, from_folder(tmp_path / "wheels"), lock).kind == "wheel"


def test_a_source_distribution_is_not_built(tmp_path: Path) -> None:
    lock = put_wheel(tmp_path / "wheels", "tiny")
    (tmp_path / "wheels" / "tiny-1.0-py3-none-any.whl").rename(tmp_path / "wheels" / "tiny-1.0.zip")
    assert refused(tmp_path, from_folder(tmp_path / "wheels"), lock).kind == "wheel"


def test_no_setting_of_the_job_s_changes_what_is_installed_or_where(tmp_path: Path) -> None:
    lock = put_wheel(tmp_path / "wheels", "tiny")
    extra = tmp_path / "extra.txt"
    extra.write_text(put_wheel(tmp_path / "wheels", "extra"))
    env = from_folder(tmp_path / "wheels") | {
        "PIP_REQUIREMENT": str(extra),
        "PIP_ROOT": str(tmp_path / "root"),
        "PIP_PREFIX": str(tmp_path / "prefix"),
        "PIP_USER": "1",
        "PIP_CONSTRAINT": str(tmp_path / "no-such-file"),
        "PIP_DRY_RUN": "1",
    }
    found = making(tmp_path, env, lock)
    assert {path.name for path in found.packages.iterdir()} == {"tiny.py", "tiny-1.0.dist-info"}
    assert not (tmp_path / "root").exists()
    assert not (tmp_path / "prefix").exists()


def test_what_pip_s_configuration_adds_is_noticed(tmp_path: Path) -> None:
    lock = put_wheel(tmp_path / "wheels", "tiny")
    extra, conf = tmp_path / "extra.txt", tmp_path / "pip.conf"
    extra.write_text(put_wheel(tmp_path / "wheels", "extra"))
    conf.write_text(f"[install]\nrequirement = {extra}\n")
    env = from_folder(tmp_path / "wheels") | {"PIP_CONFIG_FILE": str(conf)}
    assert refused(tmp_path, env, lock).kind == "wrong"


@contextmanager
def index(status: int) -> Iterator[str]:
    """Serve an index that answers by this status alone."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://someone:s3cret-word@127.0.0.1:{server.server_port}/simple"
        server.shutdown()
        thread.join()


@contextmanager
def nothing() -> Iterator[str]:
    """Return the address of an index that is not there."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/simple"


@pytest.mark.parametrize(
    ("serving", "kind"), [(nothing, "network"), (lambda: index(401), "refused"), (lambda: index(404), "wheel")]
)
def test_an_index_that_gives_nothing(tmp_path: Path, serving: object, kind: str) -> None:
    assert callable(serving)
    with serving() as url:
        env = {"PATH": os.defpath, "PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": url, "PIP_RETRIES": "0"}
        error = refused(tmp_path, env, put_wheel(tmp_path / "wheels", "tiny"))
    assert error.kind == kind
    assert error.lines
    assert "s3cret-word" not in "\n".join(error.lines)


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        ("WARNING: Retrying (Retry(total=3)) … NewConnectionError … No matching distribution found for x", "network"),
        ("ReadTimeoutError(\"HTTPSConnectionPool(host='index.example.com', port=443): Read timed out.\")", "network"),
        ("ProxyError('Cannot connect to proxy.')", "network"),
        ("502 Server Error: Bad Gateway for url", "network"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] … Retrying (", "certificate"),
        ("ERROR: HTTP error 403 while getting https://…", "refused"),
        ("401 Client Error: Unauthorized for url: https://…", "refused"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "hash"),
        ("OSError: [Errno 28] No space left on device", "space"),
        ("ERROR: No matching distribution found for pydantic-core==2.50.4", "wheel"),
        ("ERROR: x.whl is not a supported wheel on this platform.", "wheel"),
        ("something else", "failed"),
        ("", "failed"),
    ],
)
def test_why_pip_failed(output: str, kind: str) -> None:
    assert explain(output) == kind


def test_a_broken_one_is_not_used(tmp_path: Path) -> None:
    lock = put_wheel(tmp_path / "wheels", "tiny")
    env = from_folder(tmp_path / "wheels")
    first = making(tmp_path, env, lock)
    (first.packages / "tiny-1.0.dist-info").rename(first.packages / "gone")
    second = making(tmp_path, env, lock)
    assert (second.folder, second.seconds is None) == (first.folder, False)
    assert not (second.packages / "gone").exists()
    assert cached(tmp_path) == [first.folder.name]


def test_what_an_interrupted_job_left_is_removed_a_day_later(tmp_path: Path) -> None:
    lock = put_wheel(tmp_path / "wheels", "tiny")
    parts = [tmp_path / "tools" / "dx-deployment-action" / f".3.12.1-{age}.part" for age in ("new", "old")]
    for part in parts:
        (part / "packages").mkdir(parents=True)
    os.utime(parts[1], (time.time() - 25 * 3600,) * 2)
    found = making(tmp_path, from_folder(tmp_path / "wheels"), lock)
    assert sorted(cached(tmp_path)) == [".3.12.1-new.part", found.folder.name]


def test_what_another_job_takes_away_meanwhile_stops_nothing(tmp_path: Path) -> None:
    lock = put_wheel(tmp_path / "wheels", "tiny")
    gone = tmp_path / "tools" / "dx-deployment-action" / ".3.12.1-renamed.part"
    gone.parent.mkdir(parents=True)
    gone.symlink_to("nothing")  # listed, and not there when it is looked at
    assert making(tmp_path, from_folder(tmp_path / "wheels"), lock).folder.parent == gone.parent


def test_two_jobs_at_once_share_one(tmp_path: Path) -> None:
    lock = put_wheel(tmp_path / "wheels", "tiny")
    found: list[Environment] = []
    env = from_folder(tmp_path / "wheels")
    threads = [threading.Thread(target=lambda: found.append(making(tmp_path, env, lock))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {environment.folder.name for environment in found} == {name_of(lock, this_host())} == set(cached(tmp_path))
    assert len(found) == 2


def test_a_tool_cache_that_cannot_be_written_is_passed_over(tmp_path: Path) -> None:
    lock = put_wheel(tmp_path / "wheels", "tiny")
    (tmp_path / "file").touch()
    env = from_folder(tmp_path / "wheels") | {"RUNNER_TOOL_CACHE": str(tmp_path / "file")}
    found = prepare(lock, {**env, "RUNNER_TEMP": str(tmp_path / "temp")}, lambda _: None)
    assert found.folder.parent == tmp_path / "temp" / "dx-deployment-action"
    for more in ({}, {"RUNNER_TEMP": ""}, {"RUNNER_TEMP": str(tmp_path / "file")}):
        with pytest.raises(Unusable, match="cannot be written") as raised:
            prepare(lock, {**env, **more}, lambda _: None)
        assert raised.value.kind == "no-place"


def test_a_place_that_fails_while_it_is_written_is_passed_over(tmp_path: Path) -> None:
    """As a disk that is full, or a folder that somebody cleans."""
    lock = put_wheel(tmp_path / "wheels", "tiny")
    places = [tmp_path / "tools", tmp_path / "temp"]
    env = from_folder(tmp_path / "wheels")
    env |= {"RUNNER_TOOL_CACHE": str(places[0]), "RUNNER_TEMP": str(places[1])}
    found = prepare(lock, env, lambda _: shutil.rmtree(places[0], ignore_errors=True))
    assert found.folder.parent == places[1] / "dx-deployment-action"

    def clean(_text: str) -> None:
        for place in places:
            shutil.rmtree(place, ignore_errors=True)

    clean("")
    with pytest.raises(Unusable) as raised:
        prepare(lock, env, clean)
    assert raised.value.kind == "no-place"


INSTALLED = """
import os, sys
sys.path.insert(0, sys.argv[1])
from environment import Unusable, prepare
try:
    print(prepare(open(sys.argv[2]).read(), os.environ, lambda _: None).packages)
except Unusable as error:
    print(error.kind)
"""


def by_a_python_without_pip(tmp_path: Path, code: str) -> str:
    """Make the environment by a Python whose own packages are this one module, which it imports first."""
    home = tmp_path / "python"
    subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", home], check=True)
    (site,) = home.glob("lib/python*/site-packages")
    (site / "sitecustomize.py").write_text(code)
    lock = tmp_path / "lock.txt"
    lock.write_text(put_wheel(tmp_path / "wheels", "tiny"))
    env = from_folder(tmp_path / "wheels") | {"RUNNER_TOOL_CACHE": str(tmp_path / "tools")}
    command = [str(home / "bin" / "python"), "-I", "-S", "-c", INSTALLED, str(ROOT / "native"), str(lock)]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout.strip()


def test_a_python_without_pip_takes_the_one_of_its_venv(tmp_path: Path) -> None:
    """Which takes some seconds: the module unpacks a whole pip."""
    packages = Path(by_a_python_without_pip(tmp_path, ""))
    assert {path.name for path in packages.iterdir()} == {"tiny.py", "tiny-1.0.dist-info"}
    assert {path.name for path in packages.parent.iterdir()} == {"packages", "requirements-0.txt"}


def test_a_python_without_pip_and_venv_says_so(tmp_path: Path) -> None:
    assert by_a_python_without_pip(tmp_path, "import sys\nsys.modules['venv'] = None\n") == "no-pip"
    assert cached(tmp_path) == []

"""Owns the fault table: what everyone does when the other side misbehaves. Each case has a server of its own; all run at once."""

import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import certifi

from bench import published
from bench.contestants import CURL, DATADOG, ENTRYPOINT, HERE, OURS, SENTRY, curl_variables, inputs, step
from bench.server import NAMES, Interim, Server, Trickling, here
from dx_action.sandbox import Fault
from dx_action.sandbox.certificate import issue
from dx_action.sandbox.handler import Handler

# Who takes longer is stopped, and the table says so.
PATIENCE = 100.0
# Seconds between two starts, so that few start at once.
APART = 0.4


@dataclass(frozen=True, slots=True)
class Case:
    """A misbehaviour, and what is right for ours: the exit code, and the deployments that DX holds afterwards."""

    name: str
    right: tuple[int, int]
    faults: Sequence[Fault] = field(default=())
    refused: bool = False
    handler: type[Handler] = Handler


def _always(**fault: Any) -> list[Fault]:
    return [Fault(times="forever", **fault)]


_TAKEN: dict[str, Any] = {"status": 409, "error": "reference_id_taken"}
CASES = (
    Case("401", (1, 0), _always(status=401, error="invalid_auth")),
    Case("404 for ever", (1, 0), _always(status=404)),
    Case("409: registered already", (0, 1), [Fault(commit=True, **_TAKEN), *_always(**_TAKEN)]),
    Case("409: locked", (1, 0), _always(status=409, error="deployment_locked", message="Locked. Try later.")),
    Case("500 for ever", (1, 0), _always(status=500)),
    Case("503 twice, then fine", (0, 1), [Fault(status=503, times=2)]),
    Case("429 with `Retry-After: 3`, then fine", (0, 1), [Fault(status=429, retry_after=3)]),
    Case("103, then fine", (0, 1), handler=Interim),
    Case("200 with `ok: false`", (1, 0), _always(ok=False)),
    Case('200 with `ok: "true"`', (1, 0), _always(ok="true")),
    Case("200 with an HTML page, for ever", (1, 0), _always(status=200, body="html")),
    Case("200 with an empty body, for ever", (1, 0), _always(status=200, body="empty")),
    Case("taken, but the answer is cut, once", (0, 1), [Fault(cut=True, commit=True)]),
    Case("the first answer comes after 40 s", (0, 1), [Fault(latency=40)]),
    Case("headers that never end", (1, 0), handler=Trickling),
    Case("refused connection", (1, 0), refused=True),
    Case("no answer, ever", (1, 0), _always(hang=600)),
)


@dataclass(frozen=True, slots=True)
class Found:
    """What one did in one case. No exit code: it was stopped. No number of requests: none could arrive."""

    case: str
    who: str
    exit_code: int | None
    requests: int | None
    seconds: float
    held: int


def table(scratch: Path, npm: Path) -> list[dict[str, Any]]:
    """Run every case for everyone who is at hand."""
    tls = issue(NAMES, ())
    reporters = [OURS]
    if shutil.which("bash") and shutil.which("curl") and shutil.which("jq"):
        reporters.append(CURL)
    if not published.install(npm):
        reporters += [DATADOG, SENTRY]
    todo = [(case, who) for case in CASES for who in reporters]
    with ThreadPoolExecutor(len(todo)) as pool:
        runs = []
        for case, who in todo:
            runs.append(pool.submit(_run, case, who, tls, scratch, npm))
            sleep(APART)
        found = [run.result() for run in runs]
    told = [{name: getattr(each, name) for name in Found.__slots__} for each in found]
    return [row | {"verdict": verdict(row)} for row in told]


def verdict(found: Mapping[str, Any]) -> str:
    """Say in words what a run's end is worth, by what is held then. `right` is what this action must do."""
    (right,) = (case.right for case in CASES if case.name == found["case"])
    code, held = found["exit_code"], found["held"]
    if code is None:
        return "still waiting"
    if (bool(code), held) == (bool(right[0]), right[1]):
        return "right"
    if held > 1:
        return "registered twice"
    if code == 0:
        return "green, and not registered"
    return "red, though registered" if held else "gave up"


def _run(case: Case, who: str, tls: tuple[bytes, ssl.SSLContext], scratch: Path, npm: Path) -> Found:
    folder = scratch / f"{who}-{CASES.index(case)}"
    folder.mkdir()
    with ExitStack() as stack:
        server = stack.enter_context(here(tls, folder / "ca.pem", case.faults, handler=case.handler))
        port = stack.enter_context(_nobody()) if case.refused else server.port
        command, env, where = _commands(folder, npm)[who](Server(port, server.ca))
        began = perf_counter()
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, env=env, cwd=where, stdout=log, stderr=log)
            try:
                code: int | None = process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                code = None
        seconds = round(perf_counter() - began, 1)
        requests = None if case.refused else server.requests()
        return Found(case.name, who, code, requests, seconds, server.held())


@contextmanager
def _nobody() -> Iterator[int]:
    """Hold a port at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield int(taken.getsockname()[1])


Command = tuple[list[str], dict[str, str], Path]


def _commands(folder: Path, npm: Path) -> dict[str, Callable[[Server], Command]]:
    def both(server: Server) -> Path:
        path = folder / "both.pem"
        path.write_bytes(Path(certifi.where()).read_bytes() + server.ca.read_bytes())
        return path

    def ours(server: Server) -> Command:
        env, workspace = step(folder, inputs(server))
        shutil.copy(server.ca, workspace / "ca.pem")
        return [*ENTRYPOINT], env, workspace

    def curl(server: Server) -> Command:
        bash = shutil.which("bash") or os.devnull
        env = curl_variables(server, folder) | {"CURL_CA_BUNDLE": str(both(server))}
        return [bash, str(HERE / "step.sh")], env, folder

    return {
        OURS: ours,
        CURL: curl,
        DATADOG: lambda server: (*published.datadog(npm, server.port, server.ca), folder),
        SENTRY: lambda server: (*published.sentry(npm, server.port, both(server)), folder),
    }

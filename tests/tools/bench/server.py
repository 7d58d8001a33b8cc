"""Owns the other side: one loopback server over TLS that takes what each contestant sends, in a process of its own or in this one.

It is the sandbox, and so as strict with DX's methods; what other services are sent, it takes and counts.
"""

import contextlib
import json
import re
import ssl
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dx_action.sandbox import Fault, Script, Store
from dx_action.sandbox.certificate import issue
from dx_action.sandbox.handler import Handler
from dx_action.sandbox.journal import Journal
from dx_action.sandbox.listener import Listener

TOKEN = "sandbox-token"
# Where datadog-ci finds its service: at `api.` before the site that it is told.
NAMES = ("api.localhost",)
_DATADOG = "v2/dora/deployment"
_SENTRY = re.compile(r"0/organizations/[^/]+/releases/[^/]+/deploys/")
_TAKEN = {"data": {"id": "1", "type": "dora_deployment"}}
_DEPLOY = {
    "id": "1",
    "environment": "production",
    "name": "1",
    "dateStarted": None,
    "dateFinished": "2025-03-04T12:00:00Z",
}


class Everyone(Store):
    """A DX that is other services, too."""

    def __init__(self) -> None:
        super().__init__(TOKEN)
        self._foreign: list[dict[str, Any]] = []

    def handle(self, method: str, token: str | None, body: bytes) -> tuple[int, dict[str, Any]]:
        """Take one call."""
        if method == _DATADOG or _SENTRY.fullmatch(method):
            self._foreign.append(json.loads(body))
            return (202, _TAKEN) if method == _DATADOG else (201, _DEPLOY)
        return super().handle(method, token, body)

    def deployments(self) -> list[dict[str, Any]]:
        """List what is held, from anyone."""
        return [*super().deployments(), *self._foreign]

    def reset(self) -> None:
        """Forget it."""
        super().reset()
        self._foreign.clear()


class Interim(Handler):
    """Says something before every answer, which is no answer."""

    def _call(self, method: str, token: str | None, body: bytes) -> None:
        self.wfile.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        super()._call(method, token, body)


class Trickling(Handler):
    """Takes nothing, and never comes to the end of its answer's headers."""

    def _call(self, method: str, token: str | None, body: bytes) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):  # whoever asked has left
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not self._interrupted(1):
                self.wfile.write(b".")


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs, as its clients see it."""

    port: int
    ca: Path

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"https://localhost:{self.port}"

    def ask(self, path: str, body: Any = None) -> Any:
        """Ask the server itself, outside of what is measured."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/sandbox/{path}", data)
        context = ssl.create_default_context(cafile=str(self.ca))
        with urllib.request.urlopen(request, context=context, timeout=10) as answer:
            return json.loads(answer.read())

    def held(self) -> int:
        """Count the deployments held."""
        return len(self.ask("deployments"))

    def requests(self) -> int:
        """Count the requests that arrived."""
        return len(self.ask("requests"))


@contextlib.contextmanager
def here(
    tls: tuple[bytes, ssl.SSLContext],
    ca: Path,
    faults: Iterable[Fault | Mapping[str, Any]] = (),
    latency: float = 0.0,
    handler: type[Handler] = Handler,
) -> Iterator[Server]:
    """Serve from this process."""
    ca.write_bytes(tls[0])
    store = Everyone()
    listener = Listener(
        ("127.0.0.1", 0),
        handler,
        store=store,
        script=Script(faults),
        journal=Journal(store.mask),
        latency=latency,
        tls=tls[1],
    )
    thread = threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield Server(listener.server_address[1], ca)
    finally:
        listener.stop()
        thread.join()


@contextlib.contextmanager
def beside(folder: Path, latency: float = 0.0) -> Iterator[Server]:
    """Serve from a process of its own, so that it takes no time from what is measured but what the machine has."""
    ca = folder / "ca.pem"
    command = [sys.executable, "-m", "bench.server", str(ca), str(latency)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        yield Server(int(process.stdout.readline()), ca)
    finally:
        process.communicate()


if __name__ == "__main__":
    with here(issue(NAMES, ()), Path(sys.argv[1]), latency=float(sys.argv[2])) as running:
        print(running.port, flush=True)
        sys.stdin.read()

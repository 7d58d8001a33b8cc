"""The stand-in as one object: start it, script it, ask what it has, stop it.

It puts the parts together. It does not speak HTTP itself, and reads no environment.
"""

import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from ssl import SSLContext
from types import TracebackType
from typing import Any, Self

from dx_action.sandbox.attribution import MergedPullRequest
from dx_action.sandbox.control import reset
from dx_action.sandbox.faults import Fault, Script
from dx_action.sandbox.handler import Handler
from dx_action.sandbox.journal import Journal
from dx_action.sandbox.listener import Listener
from dx_action.sandbox.store import Store

# How long stopping may wait for the accepting thread to look up.
_POLL = 0.002
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, and bound only if asked for


class Sandbox:
    """A DX on a socket of its own, from its making until close; a context manager."""

    def __init__(
        self,
        *,
        token: str = "sandbox-token",
        inactive_token: str | None = None,
        repositories: Iterable[str] | None = None,
        pull_requests: Iterable[MergedPullRequest | Mapping[str, Any]] = (),
        imported: Iterable[str] = (),
        faults: Iterable[Fault | Mapping[str, Any]] = (),
        latency: float = 0.0,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: str | Path | None = None,
        names: Iterable[str] = (),
        addresses: Iterable[str] = (),
    ) -> None:
        store = Store(
            token,
            inactive_token=inactive_token,
            repositories=repositories,
            pull_requests=pull_requests,
            imported=imported,
        )
        script = Script(faults)
        self._listener = Listener(
            (host, port),
            Handler,
            store=store,
            script=script,
            journal=Journal(store.mask),
            latency=latency,
            tls=None if tls is None else _certified(Path(tls), names, addresses),
        )
        bound, self.port = self._listener.server_address[:2]
        shown = _ANYWHERE.get(str(bound), str(bound))
        shown = f"[{shown}]" if ":" in shown else shown
        self.url = f"{'http' if tls is None else 'https'}://{shown}:{self.port}"
        self._thread: threading.Thread | None = threading.Thread(
            target=self._listener.serve_forever, args=(_POLL,), name="dx-sandbox", daemon=True
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop at once, even if an answer hangs. What it has can still be asked."""
        if self._thread is not None:
            self._listener.stop()
            self._thread.join()
            self._thread = None

    def deployments(self) -> list[dict[str, Any]]:
        """Return the deployments, in the order in which they were created."""
        return self._listener.store.deployments()

    def pull_services(self) -> list[dict[str, Any]]:
        """Return the pull requests whose services were set."""
        return self._listener.store.pull_services()

    def requests(self) -> list[dict[str, Any]]:
        """Return every request that was not for the stand-in itself, without tokens."""
        return self._listener.journal.requests()

    def know(self, pulls: Iterable[MergedPullRequest | Mapping[str, Any]]) -> None:
        """Add merged pull requests, or replace them; dx_action.sandbox.crediting says what one is."""
        self._listener.store.know(pulls)

    def attribution(self) -> list[dict[str, Any]]:
        """Return each deployment with the known pull requests that DX would credit it with, by its page."""
        return self._listener.store.attribution()

    def script(self, faults: Iterable[Fault | Mapping[str, Any]]) -> None:
        """Misbehave like this from now on."""
        self._listener.script.replace(faults)

    def reset(self) -> None:
        """Forget all deployments, pull requests, requests and faults."""
        reset(self._listener)


def _certified(ca_file: Path, names: Iterable[str], addresses: Iterable[str]) -> SSLContext:
    from dx_action.sandbox.certificate import issue  # noqa: PLC0415 - only TLS needs the cryptography package

    ca, context = issue(names, addresses)
    ca_file.write_bytes(ca)
    return context

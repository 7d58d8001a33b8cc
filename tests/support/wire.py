"""DX without sockets and by virtual time: what stands between a run's connection and the stand-in's store.

Everything above the socket is real, `dx.Dx` and requests included. Whoever makes a `Wire` says what becomes of each request.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any, NoReturn

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse
from urllib3.exceptions import NewConnectionError, ProtocolError

from dx_action.dx.client import Dx
from dx_action.runner.runtime import Clock


@dataclass(slots=True)
class Time:
    """A clock that moves only where somebody waits. `start` is UTC."""

    start: datetime = datetime(2025, 3, 4, 12, tzinfo=UTC)
    passed: float = 0.0
    waits: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.passed += seconds

    def clock(self, random: Callable[[], float] = lambda: 0.5) -> Clock:
        return Clock(lambda: self.passed, self.sleep, lambda: self.start + timedelta(seconds=self.passed), random)


@dataclass(frozen=True, slots=True)
class Request:
    """A request on its way. It is sent once its body is read; until then DX cannot hold it."""

    prepared: requests.PreparedRequest
    seconds: float

    @property
    def method(self) -> str:
        """The method as in the URL."""
        return str(self.prepared.path_url).removeprefix("/api/")

    @property
    def token(self) -> str:
        """The bare token."""
        return str(self.prepared.headers["Authorization"]).removeprefix("Bearer ")

    @property
    def json(self) -> Any:
        """What it says, read without sending it."""
        body: Any = self.prepared.body
        return json.loads(body.getvalue())

    def body(self) -> bytes:
        """Send it."""
        body: Any = self.prepared.body
        sent: bytes = body.read()
        return sent


@dataclass(frozen=True, slots=True)
class Reply:
    """What comes back. `length` is that of the header, where the body is cut."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None


Wire = Callable[[Request], Reply]


class _Adapter(HTTPAdapter):
    def __init__(self, wire: Wire) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1)
        self._wire = wire

    def send(self, request: requests.PreparedRequest, *_args: Any, **more: Any) -> requests.Response:
        reply = self._wire(Request(request, more["timeout"][1]))
        headers = dict(reply.headers) | {
            "Content-Length": str(len(reply.body) if reply.length is None else reply.length)
        }
        raw = HTTPResponse(BytesIO(reply.body), headers, reply.status, preload_content=False)
        return self.build_response(request, raw)


def over(wire: Wire) -> Callable[..., Dx]:
    """Make connections as a run does, and speak over this wire."""

    def connect(*args: Any, **more: Any) -> Dx:
        dx = Dx(*args, **more)
        for adapter in dx._session.adapters.values():
            adapter.close()
        dx._session.adapters.clear()
        dx._session.mount("http", _Adapter(wire))
        return dx

    return connect


def refused() -> NoReturn:
    """Nobody listens there."""
    raise requests.ConnectionError(NewConnectionError(None, "refused"))  # type: ignore[arg-type]


def reset() -> NoReturn:
    """The connection breaks."""
    raise requests.ConnectionError(ProtocolError("reset"))


def silent() -> NoReturn:
    """No answer comes in time."""
    raise requests.ReadTimeout

"""DX without sockets and by virtual time: what stands between a run's connection and the stand-in's store.

Everything above the socket is real: `dx.Dx`, requests, and the reading of an answer. Whoever makes a `Wire` says what
becomes of each request.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from io import BufferedReader, BytesIO
from typing import Any, NoReturn

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse
from urllib3.exceptions import NewConnectionError, ProtocolError

from dx_action.dx.client import Dx, _Final
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
    """What comes back. `length` is that of the header, where the body is cut; `interim` are the statuses that come before it.

    `hangs`: after the body nothing more comes, and it is told for how many seconds that was waited for.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None
    interim: tuple[int, ...] = ()
    hangs: Callable[[float], None] | None = None

    def sent(self) -> bytes:
        """As it goes over the wire."""
        headers = {"Content-Length": str(len(self.body) if self.length is None else self.length)} | dict(self.headers)
        lines = [f"HTTP/1.1 {self.status} X", *(f"{name}: {value}" for name, value in headers.items())]
        head = "".join(f"{line}\r\n" for line in lines).encode("latin-1")
        return b"".join(b"HTTP/1.1 %d X\r\n\r\n" % status for status in self.interim) + head + b"\r\n" + self.body


Wire = Callable[[Request], Reply]


class _Received(BytesIO):
    """The receiving end of a socket: an answer's bytes, and then its end or nothing at all."""

    def __init__(self, reply: Reply, seconds: float) -> None:
        super().__init__(reply.sent())
        self._hangs, self._seconds = reply.hangs, seconds

    def gettimeout(self) -> float:
        return self._seconds

    def settimeout(self, seconds: float) -> None:
        self._seconds = seconds

    def makefile(self, _mode: str) -> BufferedReader:
        return BufferedReader(self)

    def readinto(self, buffer: Any, /) -> int:
        size = super().readinto(buffer)
        if not size and self._hangs:
            self._hangs(self._seconds)
            raise TimeoutError
        return size


class _Adapter(HTTPAdapter):
    def __init__(self, wire: Wire, monotonic: Callable[[], float]) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1)
        self._wire, self._monotonic = wire, monotonic

    def send(self, request: requests.PreparedRequest, *_args: Any, **more: Any) -> requests.Response:
        seconds = more["timeout"][1]
        final = _Final(
            _Received(self._wire(Request(request, seconds)), seconds), monotonic=self._monotonic, method="POST"
        )
        try:
            final.begin()
        except TimeoutError:
            raise requests.ReadTimeout from None
        except (OSError, HTTPException) as error:
            raise requests.ConnectionError(ProtocolError(error)) from None
        headers = HTTPHeaderDict(final.msg.items())
        raw = HTTPResponse(final, headers, final.status, preload_content=False, original_response=final)
        return self.build_response(request, raw)


def over(wire: Wire) -> Callable[..., Dx]:
    """Make connections as a run does, and speak over this wire."""

    def connect(*args: Any, **more: Any) -> Dx:
        dx = Dx(*args, **more)
        for adapter in dx._session.adapters.values():
            adapter.close()
        dx._session.adapters.clear()
        dx._session.mount("http", _Adapter(wire, more["monotonic"]))
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

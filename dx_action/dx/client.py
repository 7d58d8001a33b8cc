"""The connection to DX's API, the only one. It makes one attempt and returns the answer, or the verdict on having got none.

`delivery` decides about further attempts. An exception's text is never shown: it may quote a header, a proxy's password or foreign
text.
"""

import ssl
from collections.abc import Callable, Mapping
from functools import partial
from http.client import CONTINUE, HTTPException, HTTPMessage, HTTPResponse
from http.cookiejar import DefaultCookiePolicy
from io import BufferedReader, BytesIO, RawIOBase
from typing import Any

import requests
from pydantic import SecretStr
from requests.auth import AuthBase
from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema, RequestException
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, LocationValueError
from urllib3.poolmanager import PoolManager

from dx_action import __version__
from dx_action.deployment.calls import Call
from dx_action.dx.answers import Answer, Verdict
from dx_action.dx.delivery import Transport
from dx_action.errors import BadInput, Server, is_final
from dx_action.inputs.model import Inputs, missing_connection
from dx_action.inputs.values import DxHost
from dx_action.runner.network import Adapter, cause_of, proxies, read_ca_bundle, server, tls_context
from dx_action.runner.runtime import Clock
from dx_action.runner.workspace import Workspace

CONNECT_SECONDS = 10.0
# How long the rest of an answer is waited for once its status alone has decided: the body only explains it.
WORDS_SECONDS = 2.0
_LARGEST_ANSWER = 1 << 20
_DECIDED = 300
_BROKEN = (RequestException, HTTPError, OSError, ValueError)


class _Bearer(AuthBase):
    """An auth object: unlike a plain header, it is not replaced by an entry of ~/.netrc."""

    def __init__(self, token: SecretStr) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
        return request


class _Timely(RawIOBase):
    """What a socket receives. Its timeout is for all of an answer and not for each piece, so a trickle gains no time."""

    def __init__(self, received: RawIOBase, sock: Any, monotonic: Callable[[], float]) -> None:
        self._received, self._sock, self._monotonic = received, sock, monotonic
        self._end = monotonic() + sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        left = self._end - self._monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        return self._received.readinto(buffer)

    def close(self) -> None:
        self._received.close()
        super().close()

    def hurry(self) -> None:
        self._end = min(self._end, self._monotonic() + WORDS_SECONDS)


class _Final(HTTPResponse):
    """An answer within the socket's timeout. It passes over every 1xx, as its parent does with 100 alone.

    After another one, the connection would seem free, and the next request on it would get this one's answer. From 300 on, the
    status counts whatever follows it: headers or a body that are broken, or that do not come.
    """

    _decided = False

    def __init__(self, sock: Any, *args: Any, monotonic: Callable[[], float], **more: Any) -> None:
        super().__init__(sock, *args, **more)
        self._received = _Timely(self.fp.detach(), sock, monotonic)
        self.fp = BufferedReader(self._received)

    def begin(self, **more: Any) -> None:
        try:
            super().begin(**more)
        except (OSError, HTTPException):
            if not self._decided:
                raise
            self.headers = self.msg = HTTPMessage()
            self.will_close = True
            self.close()
        if self._decided:  # the parent has read how long the body is, and urllib3 would stumble over nonsense
            del self.headers["Content-Length"]

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc] # typeshed leaves it out
        if status >= _DECIDED:
            self._decided = True
            self._received.hurry()
        return version, CONTINUE if status < 200 else status, reason


class _FinalPool(HTTPConnectionPool):
    def __init__(self, *args: Any, monotonic: Callable[[], float], **more: Any) -> None:
        super().__init__(*args, **more)
        self._monotonic = monotonic

    def _new_conn(self) -> Any:
        connection: Any = super()._new_conn()
        connection.response_class = partial(_Final, monotonic=self._monotonic)
        return connection


class _FinalTlsPool(_FinalPool, HTTPSConnectionPool):
    pass


class _Adapter(Adapter):
    """Reads answers by `_Final`."""

    def __init__(self, context: ssl.SSLContext | None, connections: int, monotonic: Callable[[], float]) -> None:
        pools = {"http": _FinalPool, "https": _FinalTlsPool}
        self._pools: Any = {scheme: partial(pool, monotonic=monotonic) for scheme, pool in pools.items()}
        super().__init__(context, pool_connections=1, pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, **more)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **more: Any) -> PoolManager:
        manager = super().proxy_manager_for(proxy, **more)
        manager.pool_classes_by_scheme = self._pools
        return manager


class _Session(requests.Session):
    """Ignores redirects: even one that is not followed would have its body read without end and its target parsed."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002 - the name is the parent's
        return None


class _Body(BytesIO):
    """A request's body. `sent`: its sending has begun, so that DX may hold what it says."""

    sent = False

    def read(self, size: int | None = -1, /) -> bytes:
        self.sent = True
        return super().read(size)


class Dx:
    """A connection to one DX host."""

    def __init__(
        self,
        host: DxHost,
        token: SecretStr | None,
        *,
        context: ssl.SSLContext | None,
        proxies: Mapping[str, str],
        monotonic: Callable[[], float],
        connections: int = 1,
    ) -> None:
        self._host = host
        self._prepared: dict[str, requests.PreparedRequest] = {}
        self._session = _Session()
        self._session.trust_env = False
        self._session.proxies = {} if host.loopback else dict(proxies)
        self._server = server(host.base, next(iter(self._session.proxies.values()), ""), "dx-host")
        self._session.auth = _Bearer(token) if token else None
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers = requests.structures.CaseInsensitiveDict(
            {
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "Content-Type": "application/json",
                "User-Agent": f"dx-deployment-action/{__version__}",
            }
        )
        self._session.mount(f"{host.base}/", _Adapter(context, connections, monotonic))

    def __call__(self, call: Call, seconds: float) -> Answer | Verdict:
        """Make one attempt, whose answer may take `seconds`."""
        body = _Body(call.body)
        try:
            with self._session.send(
                self._request(call, body),
                timeout=(min(CONNECT_SECONDS, seconds), seconds),
                allow_redirects=False,
                stream=True,
            ) as response:
                status, retry_after = response.status_code, response.headers.get("Retry-After")
                try:
                    return Answer(status, _read(response), retry_after)
                except _BROKEN:
                    if status < _DECIDED:
                        raise
                    return Answer(status, b"", retry_after)
        except _BROKEN as error:
            return _verdict(error, self._server, sent=body.sent)

    def _request(self, call: Call, body: _Body) -> requests.PreparedRequest:
        """Return the request. All but its body is prepared once, because a backfill makes thousands."""
        if call.path not in self._prepared:
            url = f"{self._host.base}{call.path}"
            self._prepared[call.path] = self._session.prepare_request(requests.Request("POST", url))
        request = self._prepared[call.path].copy()
        request.headers["Content-Length"] = str(len(call.body))
        request.body = body  # type: ignore[assignment] # requests takes whatever can be read
        return request


def connect(
    inputs: Inputs,
    env: Mapping[str, str],
    clock: Clock,
    workspace: Workspace,
    *,
    lanes: int,
    fetch: Callable[[str], bytes | None] | None = None,
    wire: Callable[..., Transport] | None = None,
) -> tuple[Transport, tuple[str, ...]]:
    """Return a connection for so many lanes, and the warnings about it. Raises BadInput, and what `fetch` raises.

    `fetch` reads a file of the repository that the workspace does not have. `wire` makes the connection instead of `Dx`.
    A check needs no token.
    """
    host, token = inputs.dx_host, inputs.dx_token
    if host is None or (token is None and inputs.operation != "check"):
        raise BadInput(*missing_connection(inputs))
    context, warnings = trusted(inputs, env, workspace, fetch)
    return (wire or Dx)(
        host,
        token,
        context=context,
        proxies={} if host.loopback else proxies(env, host.base),
        monotonic=clock.monotonic,
        connections=lanes,
    ), warnings


def trusted(
    inputs: Inputs, env: Mapping[str, str], workspace: Workspace, fetch: Callable[[str], bytes | None] | None
) -> tuple[ssl.SSLContext | None, tuple[str, ...]]:
    """Return the context of a connection, None for plain http, and the warnings about it. Raises as `connect`."""
    pem = read_ca_bundle(inputs.ca_bundle, workspace)
    if inputs.ca_bundle and pem is None:
        pem = fetch(inputs.ca_bundle) if fetch else None
        if pem is None:
            text = "names a file that is neither in the workspace nor in the deployed commit. Check its path."
            raise BadInput.of("ca-bundle", text)
    plain = inputs.dx_host is not None and inputs.dx_host.base.startswith("http:")
    return (None, ()) if plain else tls_context(env, pem)


def _read(response: requests.Response) -> bytes:
    """Read the body as it comes. What is longer than any answer of DX's is cut, and is no JSON then."""
    body = b""
    response.raw.decode_content = True
    while len(body) < _LARGEST_ANSWER and (piece := response.raw.read1(1 << 16)):
        body += piece
    return body


def _verdict(error: Exception, server: Server, *, sent: bool) -> Verdict:
    """Return the verdict on an attempt without an answer. DX cannot hold what was not `sent`."""
    cause = cause_of(error, sent=sent)
    if not sent and isinstance(error, InvalidURL | InvalidSchema | MissingSchema | LocationValueError):
        if not server.proxy:
            return Verdict("refused", "request_impossible")
        cause = "proxy_unusable"
    final = is_final(cause)
    return Verdict("refused" if final else "try-again", cause, server.sentence(cause), may_hold=sent and not final)

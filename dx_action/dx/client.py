"""Owns the wire to DX's API: the one speaker to it. One attempt goes in, an answer or the verdict on having got none comes out.

It decides nothing about trying again (`delivery` does) and never shows an exception's text, which may quote a header, a proxy's
password or foreign text.
"""

import ssl
from collections.abc import Callable, Mapping
from http.cookiejar import DefaultCookiePolicy
from io import BytesIO
from typing import Any

import requests
from pydantic import SecretStr
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.exceptions import (
    InvalidSchema,
    InvalidURL,
    MissingSchema,
    ReadTimeout,
    RequestException,
)
from urllib3.exceptions import (
    HTTPError,
    LocationValueError,
    ReadTimeoutError,
)

from dx_action import __version__
from dx_action.deployment.calls import Call
from dx_action.dx.answers import Answer, Verdict
from dx_action.inputs.values import DxHost
from dx_action.runner.network import exception_chain

CONNECT_SECONDS, READ_SECONDS = 10.0, 30.0
_LARGEST_ANSWER = 1 << 20
_BROKEN = (RequestException, HTTPError, OSError, ValueError)


class _Bearer(AuthBase):
    """An auth object, unlike a plain header, is not replaced by what a ~/.netrc says of the host."""

    def __init__(self, token: SecretStr) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
        return request


class _Adapter(HTTPAdapter):
    """Connects by the context it is given, and loads no CAs of its own into it."""

    def __init__(self, context: ssl.SSLContext | None, connections: int) -> None:
        self._context = context
        super().__init__(pool_connections=1, pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        return super().proxy_manager_for(*args, ssl_context=self._context, **kwargs)

    def cert_verify(self, conn: Any, *_args: Any, **_kwargs: Any) -> None:
        conn.cert_reqs = "CERT_REQUIRED"


class _Session(requests.Session):
    """Sees no redirect: even one that is not followed would have its body read without end and its target parsed."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002 - the name is the parent's
        return None


class _Body(BytesIO):
    """A request's body, which knows whether its sending has begun: only then can DX hold what it says."""

    sent = False

    def read(self, size: int | None = -1, /) -> bytes:
        self.sent = True
        return super().read(size)


class Dx:
    """A connection to one DX host."""

    def __init__(
        self,
        host: DxHost,
        token: SecretStr,
        *,
        context: ssl.SSLContext | None,
        proxies: Mapping[str, str],
        monotonic: Callable[[], float],
        connections: int = 1,
    ) -> None:
        self._host, self._monotonic = host, monotonic
        self._prepared: dict[str, requests.PreparedRequest] = {}
        self._session = _Session()
        self._session.trust_env = False
        self._session.proxies = {} if host.loopback else dict(proxies)
        self._session.auth = _Bearer(token)
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers = requests.structures.CaseInsensitiveDict(
            {
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "Content-Type": "application/json",
                "User-Agent": f"dx-deployment-action/{__version__}",
            }
        )
        self._session.mount(f"{host.base}/", _Adapter(context, connections))

    def __call__(self, call: Call, seconds: float) -> Answer | Verdict:
        """Make one attempt of at most `seconds`, and say what came of it."""
        end = self._monotonic() + seconds
        body = _Body(call.body)
        try:
            with self._session.send(
                self._request(call, body),
                timeout=(min(CONNECT_SECONDS, seconds), min(READ_SECONDS, seconds)),
                allow_redirects=False,
                stream=True,
            ) as response:
                status, retry_after = response.status_code, response.headers.get("Retry-After")
                try:
                    return Answer(status, self._read(response, end), retry_after)
                except _BROKEN:
                    if status < 300:
                        raise
                    return Answer(status, b"", retry_after)  # the status decides without its body, too
        except _BROKEN as error:
            return _verdict(error, sent=body.sent)

    def _request(self, call: Call, body: _Body) -> requests.PreparedRequest:
        """Give the request: all but its body is prepared once, for a backfill makes thousands."""
        if call.path not in self._prepared:
            url = f"{self._host.base}{call.path}"
            self._prepared[call.path] = self._session.prepare_request(requests.Request("POST", url))
        request = self._prepared[call.path].copy()
        request.headers["Content-Length"] = str(len(call.body))
        request.body = body  # type: ignore[assignment] # requests takes whatever can be read
        return request

    def _read(self, response: requests.Response, end: float) -> bytes:
        """Read what comes, as it comes; what is longer than any answer of DX is cut, and no JSON then."""
        body = b""
        response.raw.decode_content = True
        while len(body) < _LARGEST_ANSWER and (piece := response.raw.read1(1 << 16)):
            body += piece
            if self._monotonic() > end:
                raise ReadTimeout
        return body


def _verdict(error: Exception, *, sent: bool) -> Verdict:
    """Say what an attempt without an answer means. What was not `sent` DX cannot hold."""
    wrapped = list(exception_chain(error))
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in wrapped):
        return Verdict("refused", "certificate")
    if not sent:
        impossible = InvalidURL | InvalidSchema | MissingSchema | LocationValueError
        if isinstance(error, impossible):
            return Verdict("refused", "request_impossible")
        return Verdict("try-again", "connection_failed")
    timed_out = any(isinstance(cause, ReadTimeout | ReadTimeoutError) for cause in wrapped)
    return Verdict("try-again", "no_answer" if timed_out else "connection_lost", may_hold=True)

"""Why a server gave no answer, over real sockets on loopback, and what is said about it: the same for DX and for GitHub."""

import errno
import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any, get_args

import pytest
from urllib3 import exceptions as wire

from asking import Patience
from dx_action.dx.answers import Verdict
from dx_action.errors import OUTAGES, Cause, Server, is_final
from dx_action.github.errors import NoAnswerError
from dx_action.github.retries import RETRIES
from dx_action.runner.network import cause_of, server
from peers import DAY, Reach, answering, ask_dx, ask_github, certified, closed_port, full_backlog
from proxies import Tunnel

Scene = Callable[[Path], AbstractContextManager[Reach]]
NOWHERE, GITHUB = "https://dx.invalid", "http://github.invalid"
PASSWORD = "pass-of-the-proxy"


def named(url: str, proxy: str = "") -> Scene:
    @contextmanager
    def scene(_: Path) -> Iterator[Reach]:
        yield Reach(url, {"HTTPS_PROXY": proxy, "HTTP_PROXY": proxy} if proxy else {})

    return scene


def reset(connection: socket.socket) -> None:
    connection.recv(1 << 16)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def served(answer: bytes | Callable[[socket.socket], None], url: str = "", proxy: str = "") -> Scene:
    """A server of such an answer, at the port that the URL, or that of the proxy, leaves open."""

    @contextmanager
    def scene(_: Path) -> Iterator[Reach]:
        with answering(answer) as port:
            at = proxy.format(port)
            yield Reach(url.format(port), {"HTTPS_PROXY": at, "HTTP_PROXY": at} if proxy else {})

    return scene


def silent(url: str, proxy: str = "") -> Scene:
    @contextmanager
    def scene(_: Path) -> Iterator[Reach]:
        with full_backlog() as port:
            yield Reach(url.format(port), {"HTTPS_PROXY": proxy.format(port)} if proxy else {})

    return scene


def shown(
    name: str, begins: int, ends: int, *, trusted: bool, url: str = "https://127.0.0.1:{}", proxy: str = ""
) -> Scene:
    """A server with a certificate for such a name and for these days."""

    @contextmanager
    def scene(folder: Path) -> Iterator[Reach]:
        with certified(folder, name, begins * DAY, ends * DAY) as (port, pem):
            env = {"HTTPS_PROXY": proxy.format(port)} if proxy else {}
            yield Reach(url.format(port), env, pem if trusted else None)

    return scene


def tunnelled(name: str, begins: int, ends: int, *, trusted: bool) -> Scene:
    """Such a server behind a proxy that works."""

    @contextmanager
    def scene(folder: Path) -> Iterator[Reach]:
        with certified(folder, name, begins * DAY, ends * DAY) as (port, pem), Tunnel(port) as proxy:
            yield Reach(NOWHERE, {"HTTPS_PROXY": proxy.url}, pem if trusted else None)

    return scene


AT = f"http://user:{PASSWORD}@127.0.0.1:{{}}"
TLS_AT = AT.replace("http:", "https:")
HTTP = b"HTTP/1.1 "
SCENES: list[tuple[Cause, Scene]] = [
    ("name_not_found", named(NOWHERE)),
    ("name_not_found", named("https://dx.invalid:8443")),
    ("connection_refused", named(f"https://127.0.0.1:{closed_port()}")),
    ("connection_refused", named(f"http://127.0.0.1:{closed_port()}")),
    ("connection_timed_out", silent("http://127.0.0.1:{}")),
    ("connection_timed_out", silent("https://127.0.0.1:{}")),
    ("tls_failed", served(b"HTTP/1.1 400 Bad Request\r\n\r\n", "https://127.0.0.1:{}")),
    ("tls_failed", served(b"SSH-2.0-OpenSSH_9.6\r\n", "https://127.0.0.1:{}")),
    ("connection_lost", served(b"", "http://127.0.0.1:{}")),
    ("connection_lost", served(b"garbage\r\n\r\n", "http://127.0.0.1:{}")),
    ("certificate_untrusted", shown("127.0.0.1", -1, 1, trusted=False)),
    ("certificate_untrusted", shown("elsewhere.test", -3, -2, trusted=False)),
    ("certificate_expired", shown("127.0.0.1", -3, -2, trusted=True)),
    ("certificate_not_yet_valid", shown("127.0.0.1", 2, 3, trusted=True)),
    ("certificate_wrong_name", shown("127.0.0.2", -1, 1, trusted=True)),
    ("certificate_wrong_name", shown("elsewhere.test", -1, 1, trusted=True)),
    ("certificate_wrong_name", shown("elsewhere.test", -1, 1, trusted=True, url="https://localhost:{}")),
    ("certificate_untrusted", tunnelled("dx.invalid", -1, 1, trusted=False)),
    ("certificate_expired", tunnelled("dx.invalid", -3, -2, trusted=True)),
    ("certificate_wrong_name", tunnelled("elsewhere.test", -1, 1, trusted=True)),
    ("proxy_name_not_found", named(NOWHERE, f"http://user:{PASSWORD}@proxy.invalid:3128")),
    ("proxy_name_not_found", named(NOWHERE, "proxy.invalid:3128")),
    ("proxy_refused", named(NOWHERE, AT.format(closed_port()))),
    ("proxy_refused", named(NOWHERE, TLS_AT.format(closed_port()))),
    ("proxy_timed_out", silent(NOWHERE, AT)),
    ("proxy_timed_out", silent(NOWHERE, TLS_AT)),
    ("proxy_password", served(HTTP + b"407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", NOWHERE, AT)),
    ("proxy_password", served(HTTP + b"407 Who\r\n\r\n<html>::error::x</html>", NOWHERE, AT)),
    ("proxy_denied", served(HTTP + b"403 Forbidden\r\n\r\n<html>::error::x</html>", NOWHERE, AT)),
    *(
        ("proxy_failed", served(HTTP + f"{status} Bad Gateway\r\n\r\n".encode(), NOWHERE, AT))
        for status in (408, 429, 500, 502, 503, 504)
    ),
    *(
        ("proxy_broken", served(HTTP + f"{status} Bad Gateway\r\n\r\n".encode(), NOWHERE, AT))
        for status in (302, 400, 404, 405, 501)
    ),
    ("proxy_certificate", shown("127.0.0.1", -1, 1, trusted=False, url=NOWHERE, proxy=TLS_AT)),
    ("proxy_certificate", shown("127.0.0.1", -3, -2, trusted=True, url=NOWHERE, proxy=TLS_AT)),
    ("proxy_unusable", named(NOWHERE, "ftp://127.0.0.1:9")),
    ("proxy_unusable", named(NOWHERE, "http://")),
    ("proxy_unusable", named(NOWHERE, f"http://user:{PASSWORD}@127.0.0.1:x")),
]
# What GitHub's client cannot tell from a connection that broke after the request was sent.
BEFORE_SENDING: list[tuple[Cause, Scene]] = [
    ("proxy_broken", served(b"", NOWHERE, TLS_AT)),
    ("connection_failed", served(reset, "https://127.0.0.1:{}")),
    ("connection_failed", served(reset, NOWHERE, AT)),
    ("proxy_broken", served(HTTP + b"4030 ::error::x\r\n\r\n", NOWHERE, AT)),
    ("proxy_broken", served(b"garbage\r\n\r\n", NOWHERE, AT)),
]
ROWS = [pytest.param(cause, scene, id=f"{cause}-{number}") for number, (cause, scene) in enumerate(SCENES)]


def check(cause: Cause, reach: Reach, error: str, said: str) -> None:
    assert error == cause
    host, _, proxy = reach.url.partition("://")[2], "", reach.env.get("HTTPS_PROXY", "").rpartition("@")[2]
    assert cause == "proxy_unusable" or (proxy.partition("://")[2] or proxy or host) in said
    for foreign in (PASSWORD, "::error", "html", "Errno", "Forbidden", "Gateway"):
        assert foreign not in said


@pytest.mark.parametrize(("cause", "scene"), [*ROWS, *BEFORE_SENDING])
def test_why_dx_gave_no_answer(tmp_path: Path, cause: Cause, scene: Scene) -> None:
    with scene(tmp_path) as reach:
        verdict, _ = ask_dx(reach, 0.2 if cause.endswith("timed_out") else 5)
        assert isinstance(verdict, Verdict)
        final = "certificate" in cause or cause == "proxy_unusable"
        assert (verdict.kind, verdict.http_status, is_final(cause)) == (
            "refused" if final else "try-again",
            None,
            final,
        )
        check(cause, reach, verdict.error, verdict.message)


# A proxy answers for a server without TLS by itself, where no tunnel is asked for.
PLAIN: list[tuple[Cause, Scene]] = [
    ("proxy_password", served(HTTP + b"407 Who\r\nContent-Length: 2\r\n\r\n{}", GITHUB, AT)),
    ("proxy_password", served(HTTP + b"407 Who\r\n\r\n<html>::error::x</html>", GITHUB, AT)),
    ("proxy_password", served(HTTP + b"407 Who\r\n\r\n", GITHUB, AT)),
]


@pytest.mark.parametrize(("cause", "scene"), [*(row for row in ROWS if "timed_out" not in str(row.id)), *PLAIN])
def test_why_github_gave_no_answer(tmp_path: Path, cause: Cause, scene: Scene) -> None:
    patience = Patience()
    with scene(tmp_path) as reach:
        with pytest.raises(NoAnswerError) as raised:
            ask_github(reach, tmp_path, patience.clock)
        again = not is_final(cause) and reach.url != GITHUB
        assert len(patience.waits) == (RETRIES if again else 0)
        (problem,) = raised.value.problems
        assert (problem.subject, raised.value.outage) == ("GITHUB_API_URL", cause in OUTAGES)
        assert ("in 4 attempts" in problem.text) == again
        check(cause, reach, raised.value.cause, problem.text)


def test_every_cause_has_its_scene() -> None:
    assert {cause for cause, _ in (*SCENES, *BEFORE_SENDING)} | {"no_answer"} == set(get_args(Cause))


POOL: Any = None


@pytest.mark.parametrize(
    ("error", "sent", "cause"),
    [
        (wire.NewConnectionError(POOL, "no way"), None, "connection_failed"),
        (wire.ProxyError("no way", wire.NewConnectionError(POOL, "no way")), None, "proxy_broken"),
        (wire.ProxyError("no way", OSError(errno.ENETUNREACH, "Network is unreachable")), False, "proxy_broken"),
        (wire.ProxyError("no way", ConnectionResetError()), True, "connection_lost"),
        (wire.ProxyError("no way", ConnectionResetError()), None, "connection_lost"),
        (wire.ReadTimeoutError(POOL, "/", "slow"), True, "no_answer"),
        (wire.ReadTimeoutError(POOL, "/", "slow"), None, "no_answer"),
        (wire.ReadTimeoutError(POOL, "/", "slow"), False, "connection_timed_out"),
        (TimeoutError(), True, "no_answer"),
        (ConnectionResetError(), True, "connection_lost"),
        (ConnectionResetError(), None, "connection_lost"),
        (ConnectionResetError(), False, "connection_failed"),
        (ssl.SSLError(1, "wrong version number"), None, "tls_failed"),
        (ssl.SSLError(1, "bad record"), True, "connection_lost"),
        (ssl.SSLEOFError(8, "the end"), False, "tls_failed"),
        (ssl.SSLEOFError(8, "the end"), None, "connection_lost"),
        (HTTPException(), True, "connection_lost"),
        (HTTPException(), None, "connection_lost"),
        (HTTPException(), False, "proxy_broken"),
        (OSError("Tunnel connection failed: 407 Who"), None, "proxy_password"),
        (OSError("Tunnel connection failed: 4071 Who"), None, "connection_lost"),
        (OSError("no Tunnel connection failed: 407"), None, "connection_lost"),
    ],
)
def test_the_cause_in_an_exception(error: Exception, sent: bool | None, cause: Cause) -> None:
    assert cause_of(error, sent=sent) == cause
    assert cause_of(wire.MaxRetryError(POOL, "/", error), sent=sent) == cause


@pytest.mark.parametrize(
    ("proxy", "shown"),
    [
        ("", ""),
        ("http://proxy.test:3128", "proxy.test:3128"),
        ("http://user:p@ss/word@proxy.test:3128/", "proxy.test:3128"),
        ("user:pass@proxy.test", "proxy.test"),
        ("proxy.test:3128", "proxy.test:3128"),
        ("http://", "without a host"),
        ("http://[2001:db8::1]:3128", "[2001:db8::1]:3128"),
        ("http://proxy.test\n::error::x", "proxy.test::error::x"),
    ],
)
def test_a_proxy_is_named_without_its_password(proxy: str, shown: str) -> None:
    assert server("https://acme.getdx.net", proxy, "dx-host") == Server("acme.getdx.net", "dx-host", shown)

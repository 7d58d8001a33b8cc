"""The wire to DX, over real sockets on loopback: what is sent, and what every end of an attempt is taken for."""

import gzip
import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any, Self

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from requests.adapters import HTTPAdapter

import builders
from dx_action import __version__
from dx_action.deployment.calls import Call, serialise
from dx_action.dx.answers import Answer, Verdict, judge
from dx_action.dx.client import WORDS_SECONDS, Dx, connect
from dx_action.dx.sender import Batch, Sender, Terms
from dx_action.errors import BadInput, Server
from dx_action.inputs.model import read_inputs
from dx_action.inputs.values import DxHost, parse_host
from dx_action.runner.network import tls_context
from dx_action.runner.runtime import Clock
from dx_action.runner.workspace import Workspace
from dx_action.sandbox import Fault, Sandbox
from runner import fast_clock

TOKEN = "the-token-of-the-tests"
BODY = {"reference_id": "r", "deployed_at": "2025-01-01T12:05:00Z", "service": "web", "repository": "o/r"}
CALL = Call("deployments.create", "web", "r", serialise(BODY))
NOW = datetime(2025, 1, 1, 12, 5, tzinfo=UTC)
OK = b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"ok": true}'
Reply = bytes | Callable[[socket.socket], None]


@contextmanager
def connected(
    url: str,
    *,
    context: ssl.SSLContext | None = None,
    proxies: Mapping[str, str] | None = None,
    token: str = TOKEN,
) -> Iterator[Dx]:
    dx = Dx(parse_host(url), SecretStr(token), context=context, proxies=proxies or {}, monotonic=time.monotonic)
    try:
        yield dx
    finally:
        dx._session.close()


def verdict(dx: Dx, seconds: float = 5, call: Call = CALL) -> Verdict:
    """Return the verdict on a call, without the sentence on why there is no answer."""
    answer = dx(call, seconds)
    return judge(answer, call.method, NOW) if isinstance(answer, Answer) else answer._replace(message="")


def until(true: Callable[[], bool]) -> None:
    """A client that gave up may be ahead of the server."""
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class Peer:
    """A server that reads each request whole and sends what it is told to, byte by byte as given."""

    def __init__(self, *replies: Reply, keep: bool = False) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._replies, self._keep = list(replies), keep
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = Thread(target=self._serve)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(5)
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        while self._replies:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            with connection, suppress(OSError):
                connection.settimeout(5)
                while self._replies and self._read(connection):
                    reply = self._replies.pop(0)
                    if callable(reply):
                        reply(connection)
                    else:
                        connection.sendall(reply)
                    if not self._keep:
                        break

    def _read(self, connection: socket.socket) -> bool:
        raw = b""
        while b"\r\n\r\n" not in raw:
            if not (more := connection.recv(1 << 16)):
                return False
            raw += more
        head, _, body = raw.partition(b"\r\n\r\n")
        [length] = [line[15:] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        while len(body) < int(length):
            body += connection.recv(1 << 16)
        self.requests.append(head + b"\r\n\r\n" + body)
        return True


def framed(status: str, body: bytes = b"", *headers: str) -> bytes:
    head = "\r\n".join((f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers))
    return head.encode("latin-1") + b"\r\n\r\n" + body


def test_the_request_as_it_goes_over_the_wire() -> None:
    with Peer(OK) as peer, connected(peer.url) as dx:
        assert dx(CALL, 5) == Answer(200, b'{"ok": true}')
        [request] = peer.requests
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    assert first == "POST /api/deployments.create HTTP/1.1"
    assert sorted(lines, key=str.lower) == [
        "Accept-Encoding: identity",
        "Accept: application/json",
        f"Authorization: Bearer {TOKEN}",
        f"Content-Length: {len(CALL.body)}",
        "Content-Type: application/json",
        f"Host: {peer.url.removeprefix('http://')}",
        f"User-Agent: dx-deployment-action/{__version__}",
    ]
    assert body == CALL.body


@pytest.mark.parametrize(
    "body",
    [
        serialise(BODY | {"metadata": {"text": "zoë 🚀 \u2028 \x00 \r\n ::error::x"}}),
        b'{ "spaces" :  1.10 }\n',
        b"x" * 200_000,
    ],
)
def test_the_body_s_bytes_are_sent_as_they_are(body: bytes) -> None:
    with Peer(OK) as peer, connected(peer.url) as dx:
        dx(Call("deployments.upsert", "web", "r", body), 5)
        head, _, sent = peer.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /api/deployments.upsert HTTP/1.1\r\n")
    assert sent == body


def test_a_deployment_arrives() -> None:
    with Sandbox(token=TOKEN) as sandbox, connected(sandbox.url) as dx:
        assert verdict(dx) == Verdict("accepted", http_status=200)
        assert sandbox.requests()[0]["authorization"] == "valid"
        assert sandbox.requests()[0]["json"] == BODY
        assert sandbox.deployments()[0]["reference_id"] == "r"
    with Sandbox(token=TOKEN) as sandbox, connected(sandbox.url, token="another-token") as dx:
        assert verdict(dx).error == "invalid_auth"


def test_a_netrc_does_not_replace_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "machine 127.0.0.1 login user password netrc-password\ndefault login user password netrc-password\n"
    for file in (tmp_path / ".netrc", tmp_path / "elsewhere"):
        file.write_text(text)
        file.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in (None, str(tmp_path / "elsewhere")):
        if variable:
            monkeypatch.setenv("NETRC", variable)
        with Peer(OK) as peer, connected(peer.url) as dx:
            assert verdict(dx).kind == "accepted"
            assert peer.requests[0].count(b"Authorization:") == 1
            assert f"Authorization: Bearer {TOKEN}\r\n".encode() in peer.requests[0]


def test_the_environment_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, "/nowhere/ca.pem")
    with Sandbox(token=TOKEN) as sandbox, connected(sandbox.url) as dx:
        assert verdict(dx).kind == "accepted"


def test_http_on_loopback_never_goes_through_a_proxy() -> None:
    proxies = {"http": "http://127.0.0.1:9", "https": "http://127.0.0.1:9", "all": "http://127.0.0.1:9"}
    with Sandbox(token=TOKEN) as sandbox, connected(sandbox.url, proxies=proxies) as dx:
        assert verdict(dx).kind == "accepted"


def test_no_cookie_is_kept() -> None:
    setting = framed("200 OK", b'{"ok": true}', "Set-Cookie: a=b; Path=/", "Set-Cookie: c=d; Domain=127.0.0.1")
    with Peer(setting, setting, keep=True) as peer, connected(peer.url) as dx:
        calls = [CALL, CALL._replace(method="deployments.upsert")]
        assert [verdict(dx, call=call).kind for call in calls] == ["accepted", "accepted"]
        assert b"ookie" not in b"".join(peer.requests)


def test_a_connection_is_used_again() -> None:
    with Peer(OK, framed("422 Unprocessable", b"{}"), framed("503 Down"), OK, keep=True) as peer:
        with connected(peer.url) as dx:
            assert [verdict(dx).http_status for _ in range(4)] == [200, 422, 503, 200]
        assert peer.connections == 1


def test_a_connection_that_was_closed_meanwhile_is_made_anew() -> None:
    with Peer(OK, OK) as peer, connected(peer.url) as dx:
        for _ in range(2):
            assert verdict(dx).kind == "accepted"
            time.sleep(0.02)
        assert peer.connections == 2


@pytest.mark.parametrize("status", ["100 Continue", "101 Switching Protocols", "102 Processing", "103 Early Hints"])
def test_an_interim_answer_is_passed_over(status: str) -> None:
    """Else the request that comes next on this connection would get the answer to this one."""

    def interim(connection: socket.socket) -> None:
        connection.sendall(f"HTTP/1.1 {status}\r\nLink: </x>\r\n\r\n".encode() * 2)
        time.sleep(0.05)
        connection.sendall(OK)

    with Peer(interim, framed("422 Unprocessable", b'{"ok": false}'), keep=True) as peer:
        with connected(peer.url) as dx:
            assert [verdict(dx).http_status, verdict(dx).http_status] == [200, 422]
        assert len(peer.requests) == 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(status: int) -> None:
    with Sandbox(token=TOKEN) as elsewhere:
        reply = framed(f"{status} Elsewhere", b"", f"Location: {elsewhere.url}/api/deployments.create")
        with Peer(reply) as peer, connected(peer.url) as dx:
            assert dx(CALL, 5) == Answer(status, b"")
        assert elsewhere.requests() == []


@pytest.mark.parametrize(
    "location", ["", "http://[", "//", "http://", "/caf\xe9", "\xff", "file:///etc/passwd", "http://a b", "/" * 4000]
)
def test_where_a_redirect_leads_is_not_looked_at(location: str) -> None:
    with Peer(framed("302 Sourced", b"<html>", f"Location: {location}")) as peer, connected(peer.url) as dx:
        assert verdict(dx) == Verdict("refused", "redirect", http_status=302)


LOST = Verdict("try-again", "connection_lost", may_hold=True)
NO_ANSWER = Verdict("try-again", "no_answer", may_hold=True)
UNREADABLE = Verdict("try-again", "unreadable_answer", http_status=200, may_hold=True)


@pytest.mark.parametrize(
    ("fault", "expected", "stored"),
    [
        ({"reset": "before"}, LOST, 0),
        ({"reset": "after"}, LOST, 1),
        ({"cut": True}, LOST, 0),
        ({"cut": True, "commit": True}, LOST, 1),
        ({"hang": 0}, LOST, 0),
        ({"hang": 60}, NO_ANSWER, 0),
        ({"hang": 60, "commit": True}, NO_ANSWER, 1),
        ({"trickle": 60}, NO_ANSWER, 1),
        ({"latency": 60}, NO_ANSWER, 0),
        ({"status": 200, "body": "html"}, UNREADABLE, 0),
        ({"status": 200, "body": "empty", "commit": True}, UNREADABLE, 1),
        ({"status": 200, "text": '{"ok": tr'}, UNREADABLE, 0),
        ({"status": 204}, Verdict("try-again", "unreadable_answer", http_status=204, may_hold=True), 0),
        ({"ok": "true"}, Verdict("refused", "not_ok", http_status=200), 0),
        ({"ok": False}, Verdict("refused", "not_ok", http_status=200), 0),
        (
            {"status": 503, "retry_after": 7},
            Verdict("try-again", "http_503", "", 503, may_hold=True, retry_after=7.0),
            0,
        ),
        (
            {"status": 429, "retry_after": "Wed, 01 Jan 2025 12:05:30 GMT"},
            Verdict("try-again", "http_429", "", 429, retry_after=30.0),
            0,
        ),
        ({"status": 429, "retry_after": -1}, Verdict("try-again", "http_429", "", 429), 0),
        ({"status": 408}, Verdict("try-again", "http_408", "", 408, may_hold=True), 0),
        ({"status": 401, "body": "html"}, Verdict("unauthorized", "http_401", "", 401), 0),
        ({"status": 404, "body": "html"}, Verdict("refused", "http_404", "", 404), 0),
        ({"status": 409}, Verdict("refused", "http_409", "", 409), 0),
        (
            {"status": 409, "error": "reference_id_taken"},
            Verdict("conflict", "reference_id_taken", "", 409),
            0,
        ),
        ({"status": 422, "error": "odd", "message": "Odd."}, Verdict("refused", "odd", "Odd.", 422), 0),
        ({"redirect": "https://elsewhere.test/"}, Verdict("refused", "redirect", http_status=302), 0),
    ],
)
def test_faults(fault: dict[str, Any], expected: Verdict, stored: int) -> None:
    with Sandbox(token=TOKEN, faults=[fault]) as sandbox, connected(sandbox.url) as dx:
        found = verdict(dx, 0.15 if expected is NO_ANSWER else 5)
        assert found == expected
        assert TOKEN not in repr(found)
        until(lambda: len(sandbox.deployments()) == stored)
        sandbox.script([])
        assert verdict(dx).kind == "accepted"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("200 OK", LOST),
        ("299 X", LOST),
        ("300 X", Verdict("refused", "redirect", http_status=300)),
        ("302 Found", Verdict("refused", "redirect", http_status=302)),
        ("401 Unauthorized", Verdict("unauthorized", "http_401", "", 401)),
        ("409 Conflict", Verdict("refused", "http_409", "", 409)),
        ("422 Unprocessable", Verdict("refused", "http_422", "", 422)),
        ("429 Too Many", Verdict("try-again", "http_429", "", 429, retry_after=7.0)),
        ("503 Down", Verdict("try-again", "http_503", "", 503, may_hold=True, retry_after=7.0)),
    ],
)
def test_the_status_decides_where_the_body_is_cut(status: str, expected: Verdict) -> None:
    reply = f'HTTP/1.1 {status}\r\nRetry-After: 7\r\nContent-Length: 99\r\n\r\n{{"ok": '.encode()
    with Peer(reply) as peer, connected(peer.url) as dx:
        assert verdict(dx) == expected


# What comes after a status that decides, and the verdict that its body would bring if it were waited for.
REFUSED = Verdict("refused", "http_404", "", 404)
LATE_WORDS = b'{"ok": false, "error": "words_that_came_late"}'
CHUNKED = "Transfer-Encoding: chunked\r\n\r\n"
SIZED = f"Content-Length: {len(LATE_WORDS)}\r\n\r\n"


def trickling(*parts: str | bytes, every: float) -> Callable[[socket.socket], None]:
    """Send the first part at once and the second one byte by byte; then the rest, if anyone still reads it."""
    first, slow, *rest = (part.encode() if isinstance(part, str) else part for part in parts)

    def reply(connection: socket.socket) -> None:
        connection.sendall(first)
        for byte in slow:
            time.sleep(every)
            connection.sendall(bytes([byte]))
        connection.sendall(b"".join(rest))

    return reply


STALLED: dict[str, tuple[Reply, Verdict]] = {
    "404, a body that does not come": (trickling(f"HTTP/1.1 404 X\r\n{SIZED}", b"    ", LATE_WORDS, every=1), REFUSED),
    "404, a body that trickles": (trickling(f"HTTP/1.1 404 X\r\n{SIZED}", LATE_WORDS, every=0.1), REFUSED),
    "404, a chunk's size that trickles": (
        trickling(
            f"HTTP/1.1 404 X\r\n{CHUNKED}", f"{len(LATE_WORDS):040x}\r\n", LATE_WORDS, b"\r\n0\r\n\r\n", every=0.1
        ),
        REFUSED,
    ),
    "404, headers that trickle": (
        trickling("HTTP/1.1 404 X\r\n", f"{'X: y' * 10}\r\n{SIZED}", LATE_WORDS, every=0.1),
        REFUSED,
    ),
    "404 after interim answers, a body that trickles": (
        trickling(f"HTTP/1.1 103 X\r\n\r\nHTTP/1.1 404 X\r\n{SIZED}", LATE_WORDS, every=0.1),
        REFUSED,
    ),
    "302, a body that does not come": (
        trickling(f"HTTP/1.1 302 X\r\nLocation: /x\r\n{SIZED}", b"    ", LATE_WORDS, every=1),
        Verdict("refused", "redirect", http_status=302),
    ),
    "401, a body that trickles": (
        trickling(f"HTTP/1.1 401 X\r\n{SIZED}", LATE_WORDS, every=0.1),
        Verdict("unauthorized", "http_401", "", 401),
    ),
    "422, trailers that trickle": (
        trickling(f"HTTP/1.1 422 X\r\n{CHUNKED}0\r\n", "X: y\r\n" * 7, every=0.1),
        Verdict("refused", "http_422", "", 422),
    ),
    "429, a body that trickles": (
        trickling(f"HTTP/1.1 429 X\r\nRetry-After: 7\r\n{SIZED}", LATE_WORDS, every=0.1),
        Verdict("try-again", "http_429", "", 429, retry_after=7),
    ),
    "503, a body that does not come": (
        trickling(f"HTTP/1.1 503 X\r\n{SIZED}", b"    ", LATE_WORDS, every=1),
        Verdict("try-again", "http_503", "", 503, may_hold=True),
    ),
}


def test_a_status_that_decides_waits_for_no_body() -> None:
    """Two seconds for DX's words, all of these side by side; whoever waited longer would read them."""
    assert WORDS_SECONDS == 2

    def found(reply: Reply) -> Verdict:
        with Peer(reply) as peer, connected(peer.url) as dx:
            return verdict(dx, 30)

    with ThreadPoolExecutor(len(STALLED)) as pool:
        answers = pool.map(found, (reply for reply, _ in STALLED.values()))
    assert dict(zip(STALLED, answers, strict=True)) == {name: expected for name, (_, expected) in STALLED.items()}


TRICKLES: dict[str, Reply] = {
    "the status": trickling("", "HTTP/1.1 200 OK" + " " * 20, "\r\n\r\n", every=0.05),
    "headers": trickling("HTTP/1.1 200 OK\r\n", "X: y\r\n" * 5, OK.partition(b"\r\n")[2], every=0.05),
    "100 Continue": trickling("", b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 3, every=0),
    "a body": trickling("HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\n", " " * 30 + '{"ok": true}', every=0.05),
    "a chunk's size": trickling(
        f"HTTP/1.1 200 OK\r\n{CHUNKED}", f"{12:030x}\r\n", '{"ok": true}\r\n0\r\n\r\n', every=0.05
    ),
    "a chunk's extension": trickling(
        f"HTTP/1.1 200 OK\r\n{CHUNKED}c;", "x" * 30, '\r\n{"ok": true}\r\n0\r\n\r\n', every=0.05
    ),
    "trailers": trickling(
        f'HTTP/1.1 200 OK\r\n{CHUNKED}c\r\n{{"ok": true}}\r\n0\r\n', "X: y\r\n" * 5, "\r\n", every=0.05
    ),
}


def endless_interim(connection: socket.socket) -> None:
    for _ in range(30):
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.05)
    connection.sendall(OK)


@pytest.mark.parametrize("trickles", TRICKLES)
def test_an_attempt_ends_in_time_whatever_trickles(trickles: str) -> None:
    """Each piece comes in time, and all of them would take a second and a half: then the answer would be read."""
    reply = endless_interim if trickles == "100 Continue" else TRICKLES[trickles]
    with Peer(reply) as peer, connected(peer.url) as dx:
        assert verdict(dx, 0.3) == NO_ANSWER


@pytest.mark.parametrize("per_call", [False, True], ids=["a step", "a backfill"])
def test_a_step_and_a_backfill_end_within_timeout_whatever_trickles(per_call: bool) -> None:
    """All of these side by side, each for a second: with half a second more, the answer would be there."""

    def found(reply: Reply) -> tuple[str, str, int]:
        batch = Batch([CALL])
        clock = Clock(time.monotonic, time.sleep, lambda: NOW, lambda: 0.0)
        with Peer(reply) as peer, connected(peer.url) as dx:
            Sender(
                batch, batch, dx, clock, Terms(timeout=1.0, lanes=1, per_call=per_call), say=lambda _text: None
            ).run()
        (result,) = batch.results("")
        return result.outcome, result.error, result.attempts

    replies = {**TRICKLES, "100 Continue": endless_interim}
    with ThreadPoolExecutor(len(replies)) as pool:
        answers = dict(zip(replies, pool.map(found, replies.values()), strict=True))
    assert answers == dict.fromkeys(replies, ("unknown", "no_answer", 1))


def test_a_read_has_the_time_that_is_left() -> None:
    """A hundredth of a second of thirty: whoever had all of it would see the server leave after five."""

    def silent(connection: socket.socket) -> None:
        connection.recv(1)

    ticks = iter([0.0])
    with Peer(silent) as peer:
        dx = Dx(parse_host(peer.url), None, context=None, proxies={}, monotonic=lambda: next(ticks, 29.99))
        assert verdict(dx, 30) == NO_ANSWER


def test_an_attempt_of_less_than_a_second_may_be_answered() -> None:
    with Peer(OK) as peer, connected(peer.url) as dx:
        assert verdict(dx, 0.9) == Verdict("accepted", http_status=200)


@pytest.mark.parametrize(
    "headers", ["Content-Length: 5, 6", "Content-Length: -1", "Transfer-Encoding: x", "X", "X: y\r\n" * 200]
)
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("302 Found", Verdict("refused", "redirect", http_status=302)),
        ("401 Unauthorized", Verdict("unauthorized", "http_401", "", 401)),
        ("404 Not Found", REFUSED),
        ("503 Down", Verdict("try-again", "http_503", "", 503, may_hold=True)),
    ],
)
def test_the_status_decides_where_the_headers_are_broken(status: str, headers: str, expected: Verdict) -> None:
    with Peer(f"HTTP/1.1 {status}\r\n{headers}\r\n\r\n".encode()) as peer, connected(peer.url) as dx:
        assert verdict(dx) == expected


def test_a_connection_whose_headers_broke_is_not_used_again() -> None:
    broken = b"HTTP/1.1 404 X\r\n" + b"X: y\r\n" * 200 + b"\r\n"
    with Peer(broken, OK, keep=True) as peer, connected(peer.url) as dx:
        assert [verdict(dx).kind, verdict(dx).kind] == ["refused", "accepted"]
        assert peer.connections == 2


@pytest.mark.parametrize("status", ["400 Bad Request", "401 Unauthorized", "422 Unprocessable"])
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "gzip, gzip"])
def test_the_status_decides_where_the_body_cannot_be_unpacked(status: str, encoding: str) -> None:
    reply = framed(status, gzip.compress(LATE_WORDS)[:20], f"Content-Encoding: {encoding}")
    with Peer(reply) as peer, connected(peer.url) as dx:
        found = verdict(dx)
    assert (found.kind in ("refused", "unauthorized"), found.error) == (True, f"http_{status[:3]}")


def test_a_refusal_s_words_are_read_however_they_are_framed() -> None:
    words = b'{"ok": false, "error": "repo_not_found"}'
    chunked = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(words), words)
    packed = framed("422 X", gzip.compress(words), "Content-Encoding: gzip")
    plain = b"HTTP/1.1 422 X\r\n\r\n" + words
    replies = (framed("422 X", words), b"HTTP/1.1 422 X\r\n" + chunked, packed, plain)
    with Peer(*replies, keep=True) as peer, connected(peer.url) as dx:
        for _ in replies[:-1]:
            assert verdict(dx) == Verdict("refused", "repo_not_found", "", 422)
        assert peer.connections == 1


@pytest.mark.parametrize(("seconds", "connecting"), [(60, 10), (55, 10), (10, 10), (4, 4), (0.001, 0.001)])
def test_how_long_an_attempt_waits(seconds: float, connecting: float) -> None:
    class Recorded(HTTPAdapter):
        def send(self, *args: Any, **more: Any) -> requests.Response:
            waits.append(more["timeout"])
            raise requests.ConnectionError

    waits: list[object] = []
    with connected("http://127.0.0.1:9") as dx:
        dx._session.adapters.clear()
        dx._session.mount("http://", Recorded())
        dx(CALL, seconds)
    assert waits == [(connecting, seconds)]


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_a_refused_connection() -> None:
    with connected(closed_port()) as dx:
        assert verdict(dx) == Verdict("try-again", "connection_refused")


def test_a_verdict_names_the_host_and_its_input() -> None:
    url = closed_port()
    with connected(url) as dx:
        found = dx(CALL, 5)
    assert isinstance(found, Verdict)
    assert found.message == Server(url.removeprefix("http://"), "dx-host").sentence("connection_refused")


def test_a_request_that_cannot_be_made() -> None:
    dx = Dx(
        DxHost(f"https://{'a' * 64}.test", loopback=False), None, context=None, proxies={}, monotonic=time.monotonic
    )
    assert dx(CALL, 5) == Verdict("refused", "request_impossible")


def test_a_name_that_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_args: Any, **_more: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with connected("https://acme.getdx.net", context=tls_context({}, None)[0]) as dx:
        assert verdict(dx) == Verdict("try-again", "name_not_found")


def test_a_server_that_does_not_accept() -> None:
    # A full backlog: the handshake of TCP itself gets no answer.
    with socket.socket() as listening, ExitStack() as stack:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listening.getsockname())
        with connected(f"http://127.0.0.1:{listening.getsockname()[1]}") as dx:
            started = time.monotonic()
            assert verdict(dx, 0.1) == Verdict("try-again", "connection_timed_out")
            assert time.monotonic() - started < 2


def test_a_trickle_ends_when_the_time_is_up() -> None:
    with Sandbox(token=TOKEN, faults=[Fault(trickle=0.1)]) as sandbox, connected(sandbox.url) as dx:
        started = time.monotonic()
        assert verdict(dx, 0.15) == NO_ANSWER
        # Each byte came well in time; all twelve would have taken 1.2 s.
        assert time.monotonic() - started < 0.9


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("200 OK", UNREADABLE),
        ("404 Not Sourced", Verdict("refused", "http_404", "", 404)),
        ("503 Down", Verdict("try-again", "http_503", "", 503, may_hold=True)),
        ("302 Sourced", Verdict("refused", "redirect", http_status=302)),
    ],
)
@pytest.mark.parametrize("length", ["Content-Length: 1000000000", "Transfer-Encoding: chunked", "X-Until: the end"])
def test_no_more_than_a_mebibyte_is_read(status: str, length: str, expected: Verdict) -> None:
    sent = 0

    def endless(connection: socket.socket) -> None:
        nonlocal sent
        connection.sendall(f"HTTP/1.1 {status}\r\nLocation: /x\r\n{length}\r\n\r\n".encode())
        block = b"x" * 65_536
        for _ in range(400):
            connection.sendall(b"10000\r\n" + block + b"\r\n" if "chunked" in length else block)
            sent += len(block)

    with Peer(endless) as peer, connected(peer.url) as dx:
        answer = dx(CALL, 5)
        assert isinstance(answer, Answer)
        assert 1 << 20 <= len(answer.body) < (1 << 20) + (1 << 17)
        assert judge(answer, CALL.method, NOW) == expected
    assert sent < 20 << 20


GARBAGE: list[bytes] = [
    b"",
    b"\n",
    b"garbage\r\n\r\n",
    b"HTTP/1.1 OK\r\n\r\n",
    b"HTTP/1.1 2000 OK\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1" + b"0" * 30 + b"\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n{}\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, br, x\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=\xff\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n{}",
    b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\n no header\r\n:\r\n\x00\r\n\r\n{}",
    b"HTTP/1.1 100 Continue\r\n\r\n" * 3,
    b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n",
    b"HTTP/2.0 200 OK\r\n\r\n",
    b"HTTP/1.1 302 Sourced\r\nLocation: \xff\xfe\r\n\r\n",
    b"\x15\x03\x01\x00\x02\x02\x50",
    b"SSH-2.0-OpenSSH_9.6\r\n",
]


@given(st.binary() | st.sampled_from(GARBAGE).flatmap(lambda each: st.integers(0, 60).map(lambda at: each[:at])))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_once_it_was_sent_no_garbage_makes_it_unsent(reply: bytes) -> None:
    unclear(reply)


@pytest.mark.parametrize("reply", GARBAGE)
def test_garbage(reply: bytes) -> None:
    unclear(reply)


def unclear(reply: bytes) -> None:
    with Peer(reply) as peer, connected(peer.url) as dx:
        answer = dx(CALL, 5)
        assert len(peer.requests) == 1
    found = judge(answer, CALL.method, NOW) if isinstance(answer, Answer) else answer
    said_so = isinstance(answer, Answer) and (300 <= answer.status < 500 or answer.body == b"{}")
    assert (found.kind, found.may_hold) == (("refused", False) if said_so else ("try-again", True))


def test_compressed_against_what_was_asked() -> None:
    body = gzip.compress(b'{"ok": true}')
    with Peer(framed("200 OK", body, "Content-Encoding: gzip")) as peer, connected(peer.url) as dx:
        assert verdict(dx).kind == "accepted"


def test_a_certificate_of_an_unknown_authority(tmp_path: Path) -> None:
    with (
        Sandbox(token=TOKEN, tls=tmp_path / "ca.pem") as sandbox,
        connected(sandbox.url, context=tls_context({}, None)[0]) as dx,
    ):
        assert verdict(dx) == Verdict("refused", "certificate_untrusted")
        assert sandbox.requests() == []


def test_a_certificate_of_another_host(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    with Sandbox(token=TOKEN, tls=ca, host="127.0.0.2") as sandbox:
        context, _ = tls_context({}, ca.read_bytes())
        with connected(sandbox.url, context=context) as dx:
            assert verdict(dx) == Verdict("refused", "certificate_wrong_name")
        assert sandbox.requests() == []


def test_a_certificate_of_a_known_authority(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    with Sandbox(token=TOKEN, tls=ca, faults=[Fault(reset="after")]) as sandbox:
        context, _ = tls_context({}, ca.read_bytes())
        for url in (sandbox.url, sandbox.url.replace("127.0.0.1", "localhost")):
            with connected(url, context=context) as dx:
                assert verdict(dx) == (LOST if url == sandbox.url else Verdict("accepted", http_status=200))


def test_no_tls_at_all() -> None:
    with Sandbox(token=TOKEN) as sandbox:
        url = sandbox.url.replace("http:", "https:")
        with connected(url, context=tls_context({}, None)[0]) as dx:
            found = verdict(dx)
        assert (found.kind, found.error, found.may_hold) == ("try-again", "tls_failed", False)
        assert sandbox.requests() == []


@pytest.mark.parametrize("proxy", ["ftp://127.0.0.1:9", "http://", "http://[", "http://127.0.0.1:x", "socks5://x:1"])
def test_a_proxy_that_cannot_be_used(proxy: str) -> None:
    context, _ = tls_context({}, None)
    with connected("https://dx.example.test", context=context, proxies={"https": proxy}) as dx:
        found = verdict(dx)
    assert found == Verdict("refused", "proxy_unusable")
    assert "127.0.0.1" not in repr(found)


def test_the_token_is_not_shown() -> None:
    with connected("http://127.0.0.1:9") as dx:
        session = dx._session
        shown = f"{dx!r} {session.auth!r} {session.headers!r} {json.dumps(dict(session.headers))}"
    assert TOKEN not in shown


# The connection of a run.


class Wired:
    """What the connection was made of."""

    def __init__(self, tmp_path: Path, given: Mapping[str, str], env: Mapping[str, str] | None = None) -> None:
        self.fetched: list[str] = []
        self._folder, self._given, self._env = tmp_path, given, env or {}

    def fetch(self, path: str) -> bytes | None:
        self.fetched.append(path)
        return b"no certificate" if path == "there.pem" else None

    def made(self, *, fetches: bool = True) -> dict[str, Any]:
        found: dict[str, Any] = {}

        def wire(host: DxHost, token: SecretStr, **more: Any) -> Dx:
            found.update(more, base=host.base, token=token.get_secret_value())
            return Dx(host, token, **more)

        inputs = read_inputs(builders.variables(dict(self._given)))
        fetch = self.fetch if fetches else None
        workspace = Workspace(str(self._folder))
        connect(inputs, self._env, fast_clock(), workspace, lanes=3, fetch=fetch, wire=wire)
        return found


HOST = {"dx-host": "acme", "dx-token": TOKEN}
PROXIES = {"HTTPS_PROXY": "http://proxy.test:1", "HTTP_PROXY": "http://proxy.test:2"}


def test_what_a_connection_is_made_of(tmp_path: Path) -> None:
    found = Wired(tmp_path, HOST, PROXIES).made()
    assert (found["base"], found["token"], found["connections"]) == ("https://acme.getdx.net", TOKEN, 3)
    assert found["proxies"] == {"https": "http://proxy.test:1"}
    assert found["context"].verify_mode == ssl.CERT_REQUIRED
    found = Wired(tmp_path, HOST | {"dx-host": "http://127.0.0.1:1"}, PROXIES).made()
    assert (found["base"], found["proxies"], found["context"]) == ("http://127.0.0.1:1", {}, None)


def test_a_connection_needs_a_host_and_a_token(tmp_path: Path) -> None:
    for missing in HOST:
        with pytest.raises(BadInput) as caught:
            Wired(
                tmp_path, {name: text for name, text in HOST.items() if name != missing} | {"dry-run": "false"}
            ).made()
        assert [problem.subject for problem in caught.value.problems] == [missing]


@pytest.mark.parametrize(
    ("path", "fetches", "fetched", "said"),
    [
        ("here.pem", True, [], "certificate"),
        ("there.pem", True, ["there.pem"], "certificate"),
        ("there.pem", False, [], "neither in the workspace nor in the deployed commit"),
        ("nowhere.pem", True, ["nowhere.pem"], "neither in the workspace nor in the deployed commit"),
    ],
)
def test_where_the_authorities_of_a_connection_are_read(
    tmp_path: Path, path: str, fetches: bool, fetched: list[str], said: str
) -> None:
    (tmp_path / "here.pem").write_text("no certificate")
    wired = Wired(tmp_path, HOST | {"ca-bundle": path})
    with pytest.raises(BadInput) as caught:
        wired.made(fetches=fetches)
    (problem,) = caught.value.problems
    assert (problem.subject, said in problem.text, wired.fetched) == ("ca-bundle", True, fetched)

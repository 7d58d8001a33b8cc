"""How much of GitHub's answer is read, and for how long."""

import gzip
import itertools
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from io import BytesIO
from threading import Event

import pytest
from requests.exceptions import ConnectionError as RequestsConnectionError
from urllib3.response import HTTPResponse

from dx_action.github.client import Repository
from dx_action.github.errors import LookupFailedError
from dx_action.runner.network import UnreadableError, read_bounded
from dx_action.runner.runtime import Clock
from peers import answering
from runner import NOW
from scenes import hang_up, looking

# The bounds, as literals: what the code has must be these.
MEBIBYTE, LARGEST, SECONDS = 1 << 20, 64 << 20, 60.0
Answer = Callable[[socket.socket], None]


def head(status: str, *headers: str) -> bytes:
    return "\r\n".join((f"HTTP/1.1 {status}", "Content-Type: application/json", *headers, "", "")).encode()


@cache
def bomb(encoding: str) -> bytes:
    """More zeros than may be read, packed to a thousandth."""
    pack = zlib.compressobj(1, wbits=31 if "gzip" in encoding else 15)
    zeros = b"0" * MEBIBYTE
    data = b"".join(pack.compress(zeros) for _ in range((LARGEST >> 20) + 1)) + pack.flush()
    return gzip.compress(data) if encoding == "gzip, gzip" else data


def packed(status: str, encoding: str) -> Answer:
    body = bomb(encoding)
    return whole(head(status, f"Content-Encoding: {encoding}", f"Content-Length: {len(body)}") + body)


def whole(answer: bytes) -> Answer:
    def send(connection: socket.socket) -> None:
        connection.recv(1 << 16)
        connection.sendall(answer)

    return send


def endless(status: str, piece: bytes, *headers: str) -> Answer:
    def send(connection: socket.socket) -> None:
        connection.recv(1 << 16)
        connection.sendall(head(status, "Connection: close", *headers))
        while True:
            connection.sendall(piece)

    return send


@contextmanager
def asked(answer: Answer, monotonic: Callable[[], float] = lambda: 0.0) -> Iterator[Repository]:
    with answering(answer) as port:
        clock = Clock(monotonic, lambda _: None, lambda: NOW, lambda: 0.5)
        speaker = Repository("acme/shop", replace(looking(f"http://127.0.0.1:{port}", token="t"), clock=clock))
        yield speaker
        hang_up(speaker)


@pytest.mark.parametrize(
    ("status", "encoding"),
    [
        ("200 OK", "gzip"),
        ("200 OK", "deflate"),
        ("200 OK", "gzip, gzip"),
        ("403 Forbidden", "gzip"),
        ("404 Not Found", "deflate"),
    ],
)
def test_an_answer_that_unpacks_to_too_much(status: str, encoding: str) -> None:
    with asked(packed(status, encoding)) as api, pytest.raises(LookupFailedError) as raised:
        api.get("pulls/1", "pull-requests", object)
    (problem,) = raised.value.problems
    assert str(problem) == "`GITHUB_API_URL` returned an answer of more than 64 MiB, which is not read."


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (endless("200 OK", b"x" * MEBIBYTE), "more than 64 MiB"),
        (endless("403 Forbidden", b"x" * MEBIBYTE), "more than 64 MiB"),
        (endless("503 Down", b"x" * MEBIBYTE), "more than 64 MiB"),
        (endless("302 Found", b"x" * MEBIBYTE, "Location: /x"), "redirect"),
        (packed("503 Down", "gzip"), "more than 64 MiB"),
        (whole(head("200 OK", "Content-Encoding: gzip", "Content-Length: 2") + b"{}"), "cannot be unpacked"),
        (whole(head("403 No", "Content-Encoding: gzip", "Content-Length: 2") + b"{}"), "cannot be unpacked"),
    ],
)
def test_an_answer_that_does_not_end(answer: Answer, words: str) -> None:
    with asked(answer) as api, pytest.raises(LookupFailedError) as raised:
        api.get("pulls/1", "pull-requests", object)
    assert words in str(raised.value)


@pytest.mark.parametrize("status", ["200 OK", "403 Forbidden", "404 Not Found", "503 Down"])
def test_a_trickle_ends_when_the_time_is_up(status: str) -> None:
    """Each piece takes a second of this clock."""
    seconds = itertools.count()
    trickle = endless(status, b"x")
    with asked(trickle, lambda: float(next(seconds))) as api, pytest.raises(LookupFailedError) as raised:
        api.get("pulls/1", "pull-requests", object)
    assert "did not answer within the 60 s" in str(raised.value)
    assert next(seconds) < SECONDS + 20


@pytest.mark.parametrize("status", ["200 OK", "403 Forbidden", "404 Not Found"])
def test_a_trickle_leaves_half_of_the_time_to_what_replaces_it(status: str) -> None:
    seconds = itertools.count()
    with asked(endless(status, b"x"), lambda: float(next(seconds))) as api:
        with pytest.raises(LookupFailedError), api.replaceable():
            api.get("pulls/1", "pull-requests", object)
        assert next(seconds) < SECONDS / 2 + 20
        assert api.left() > 10


def test_headers_that_trickle_leave_half_of_the_time_to_what_replaces_them() -> None:
    """The rest of the answer comes when the client has gone on, or late enough for one that waits."""
    gone_on = Event()

    def send(connection: socket.socket) -> None:
        connection.recv(1 << 16)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n")
        for _ in range(40):
            connection.sendall(b"X: y\r\n")
            if gone_on.wait(0.1):
                break
        connection.sendall(b"\r\n{}")

    used = 0.0
    with asked(send, lambda: time.monotonic() + used) as api:
        assert api.left() > SECONDS - 1
        used = SECONDS - 10
        with api.replaceable():
            used += 4.9
            with pytest.raises(LookupFailedError, match="did not answer within"):
                api.get("pulls/1", "pull-requests", object)
        gone_on.set()
        assert api.left() > 4


class Raw:
    """An answer as urllib3 has it, in pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces, self.closed = list(pieces), False

    def read1(self, most: int, *, decode_content: bool) -> bytes:
        assert decode_content
        return self.pieces.pop(0)[:most] if self.pieces else b""

    def close(self) -> None:
        self.closed = True


def test_the_largest_answer_is_read() -> None:
    pieces = [b"x" * (1 << 16)] * (LARGEST >> 16)
    assert len(read_bounded(Raw(*pieces), lambda: 1.0)) == LARGEST
    larger = Raw(*pieces, b"x", b"y")
    with pytest.raises(UnreadableError):
        read_bounded(larger, lambda: 1.0)
    assert (larger.closed, larger.pieces) == (True, [b"y"])


def test_an_answer_that_is_there_is_read_however_late() -> None:
    assert read_bounded(Raw(b"whole"), lambda: -1.0) == b"whole"
    late = Raw(b"a", b"b", b"c")
    with pytest.raises(TimeoutError):
        read_bounded(late, lambda: 0.0)
    assert (late.closed, late.pieces) == (True, [b"c"])


def test_an_answer_that_is_cut() -> None:
    cut = HTTPResponse(BytesIO(b"a"), headers={"Content-Length": "3"}, preload_content=False)
    with pytest.raises(RequestsConnectionError):
        read_bounded(cut, lambda: 1.0)

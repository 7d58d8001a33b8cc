"""Targets: what DX answers, and the wire that its answers come by."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from pydantic import SecretStr

import wire
from drawing import NOW, TOKEN, Draw, Target, plain
from dx_action.deployment.calls import Call, Method
from dx_action.dx.answers import Answer, judge, retry_after_seconds
from dx_action.dx.delivery import Delivery
from dx_action.inputs.values import parse_host

_METHODS: tuple[Method, ...] = (
    *("deployments.create", "deployments.upsert", "deployments.update", "deployments.delete"),
    "deployments.setPullServices",
)
_BODY = b'{"reference_id":"a","deployed_at":"2025-03-04T12:00:00Z","service":{"identifier":"web"}}'


def answer(data: bytes) -> None:
    """What DX did not say, no verdict says."""
    draw = Draw(data)
    method, status = (
        draw.pick(_METHODS),
        draw.pick((200, 409, 422, 201, 204, 301, 400, 401, 403, 404, 408, 429, 500, 503)),
    )
    retry, body = draw.text(), draw.take(len(data))
    after = retry_after_seconds(retry, NOW)
    assert after is None or after >= 0
    found = judge(Answer(status, body, retry), method, NOW)
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    told = said.get("ok") if isinstance(said, dict) else None
    if found.kind == "accepted":
        assert (told is True and 200 <= status < 300) or (method == "deployments.delete" and told is False)
    if found.kind == "conflict":
        assert (method, told) == ("deployments.create", False)
        assert status in (409, 422)
    if status in (408, 429) or status >= 500:
        assert found.kind == "try-again"


class _Raw(NamedTuple):
    """An answer as its bytes come, after which nothing more comes, or the connection ends."""

    data: bytes
    hangs: Callable[[float], None] | None

    def sent(self) -> bytes:
        return self.data


def delivery(data: bytes) -> None:
    """Whatever comes over the wire, one call ends in its time, and was accepted only if an answer says so."""
    draw, time = Draw(data), wire.Time()
    method, budget = draw.pick(_METHODS), draw.pick((1.0, 5.0, 60.0))
    hanging = draw.pick((None, time.sleep))
    replies = data[3:].split(b"\xff\xff")

    def speak(request: wire.Request) -> Any:
        request.body()
        return _Raw(replies.pop(0) if len(replies) > 1 else replies[0], hanging)

    clock = time.clock()
    connect = wire.over(speak)
    dx = connect(parse_host("acme"), SecretStr(TOKEN), context=None, proxies={}, monotonic=clock.monotonic)
    call = Call(method, "web", "a", _BODY)
    sending, said = Delivery(call), list[str]()
    sending.run(dx, clock, budget, said.append)
    result = sending.end("")
    assert time.passed <= budget + 1
    assert len(said) == result.attempts - 1 <= 200
    if result.outcome == "accepted":
        assert b"ok" in data or b"\\u00" in data
    for line in said:
        plain(line)


def _reply(body: bytes, status: bytes = b"200 OK", headers: bytes = b"") -> bytes:
    return b"HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s" % (status, headers, len(body), body)


_OK = _reply(b'{"ok": true}')
TARGETS = {
    "answer": Target(
        answer,
        (
            b'\0\0\0{"ok": true}',
            b'\0\1\0{"ok": false, "error": "reference_id_taken"}',
            b'\0\2\0{"ok": false, "message": "Reference id \'a\' is already in use by another deployment."}',
            b"\0\x0b\x1dWed, 21 Oct 2015 07:28:00 GMT<html>",
            b'\3\1\0{"ok": false, "error": "deployment_not_found"}',
        ),
    ),
    "delivery": Target(
        delivery,
        (
            b"\0\2\0" + _OK,
            b"\0\2\1" + _reply(b"", b"503 X", b"Retry-After: 2\r\n") + b"\xff\xff" + _OK,
            b"\0\2\1HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 X\r\nLink: a\r\n\r\n" + _OK,
            b'\0\2\0HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nc\r\n{"ok": true}\r\n0\r\nA: b\r\n\r\n',
            b"\1\1\0" + _reply(b'{"ok": false, "error": "invalid_auth"}', b"401 X") + b"\xff\xff",
        ),
    ),
}

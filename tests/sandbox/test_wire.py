"""The stand-in as a server: its answers, its faults and how it stops."""

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, IncompleteRead, RemoteDisconnected
from typing import Any

import pytest

from dx_action.sandbox import Fault, FaultError, Sandbox, Script, parse_faults

TOKEN = "the-token-of-the-tests"
BODY = {
    "reference_id": "r",
    "deployed_at": "2025-01-01T12:05:00Z",
    "service": "web",
    "repository": "o/r",
    "commit_sha": "abc1234",
}
PULL = {"github_pull_id": 7, "services": [{"identifier": "web"}]}
Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture
def dx() -> Iterator[Sandbox]:
    with Sandbox(token=TOKEN) as sandbox:
        yield sandbox


def ask(
    dx: Sandbox,
    path: str,
    body: Any = None,
    *,
    verb: str = "POST",
    headers: dict[str, str] | None = None,
    timeout: float = 5.0,
) -> Answer:
    connection = HTTPConnection("127.0.0.1", dx.port, timeout=timeout)
    try:
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        bearer = {"Authorization": f"Bearer {TOKEN}"} if headers is None else headers
        connection.request(verb, path, raw, bearer)
        response = connection.getresponse()
        return response.status, dict(response.headers), response.read()
    finally:
        connection.close()


def call(dx: Sandbox, body: Any = BODY, *, method: str = "create", timeout: float = 5.0) -> Answer:
    return ask(dx, f"/api/deployments.{method}", body, timeout=timeout)


def until(true: Callable[[], bool]) -> None:
    """A client that gave up may be ahead of the server."""
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def listed(dx: Sandbox, name: str) -> Any:
    status, _, body = ask(dx, f"/sandbox/{name}", verb="GET", headers={})
    assert status == 200
    return json.loads(body)


def test_what_was_sent_can_be_listed(dx: Sandbox) -> None:
    assert dx.url == f"http://127.0.0.1:{dx.port}"
    assert call(dx)[0::2] == (200, b'{"ok": true}')
    assert call(dx, PULL, method="setPullServices")[0] == 200
    assert call(dx, {"service": "web"})[0] == 422
    assert listed(dx, "deployments") == dx.deployments()
    assert dx.deployments()[0]["service"] == {"identifier": "web", "name": "web"}
    assert listed(dx, "pull-services") == dx.pull_services() == [PULL]
    assert listed(dx, "requests") == dx.requests()
    first, _, last = dx.requests()
    assert (first["verb"], first["path"], first["status"]) == ("POST", "/api/deployments.create", 200)
    assert (first["body"], first["json"]) == (json.dumps(BODY), BODY)
    assert first["headers"]["host"] == f"127.0.0.1:{dx.port}"
    assert (last["status"], last["at"] > first["at"] >= 0) == (422, True)


@pytest.mark.parametrize(
    ("header", "told", "error"),
    [
        (None, "absent", "not_authed"),
        ("Bearer", "absent", "not_authed"),
        ("Bearer not-this-token", "invalid", "invalid_auth"),
        (f"Bearer {TOKEN} {TOKEN}", "invalid", "invalid_auth"),
        ("Basic dXNlcjpwYXNz", "invalid", "invalid_auth"),
        (f"bearer {TOKEN}", "valid", None),
    ],
)
def test_authorization(dx: Sandbox, header: str | None, told: str, error: str | None) -> None:
    body = ask(dx, "/api/deployments.create", BODY, headers={"Authorization": header} if header else {})[2]
    assert json.loads(body).get("error") == error
    assert dx.requests()[0]["authorization"] == told
    assert "authorization" not in dx.requests()[0]["headers"]


def test_no_token_is_listed(dx: Sandbox) -> None:
    with_token = BODY | {"metadata": {"t": TOKEN}, "source_url": f"https://x/{TOKEN}"}
    ask(dx, f"/api/deployments.create?token={TOKEN}", with_token, headers={"X-T": TOKEN, "Cookie": f"t={TOKEN}"})
    call(dx, with_token)
    call(dx, TOKEN.encode())
    assert len(dx.requests()) == 3
    for name in ("requests", "deployments", "pull-services"):
        assert TOKEN not in json.dumps(listed(dx, name))


def test_a_connection_serves_many_requests(dx: Sandbox) -> None:
    connection = HTTPConnection("127.0.0.1", dx.port, timeout=5)
    started = time.monotonic()
    for _ in range(50):
        connection.request("POST", "/api/deployments.create", json.dumps(BODY), {"Authorization": f"Bearer {TOKEN}"})
        assert connection.getresponse().read() == b'{"ok": true}'
    connection.close()
    # An answer in two packets would wait 40 ms for the client's delayed acknowledgement.
    assert time.monotonic() - started < 1.5


def test_one_of_twenty_clients_creates(dx: Sandbox) -> None:
    bodies = [BODY | {"commit_sha": f"abc12{number % 2:02}"} for number in range(20)]
    with ThreadPoolExecutor(20) as pool:
        statuses = [status for status, *_ in pool.map(lambda body: call(dx, body), bodies)]
    [held] = dx.deployments()
    assert [status == 200 for status in statuses] == [body["commit_sha"] == held["commit_sha"] for body in bodies]
    assert len(dx.requests()) == 20


@pytest.mark.parametrize(
    ("verb", "path", "status", "error"),
    [
        ("GET", "/api/deployments.create", 405, "method_not_allowed"),
        ("PUT", "/api/deployments.create", 405, "method_not_allowed"),
        ("POST", "/api/deployments.destroy", 404, "unknown_method"),
        ("POST", "/elsewhere", 404, "not_found"),
        ("GET", "/sandbox/elsewhere", 404, "not_found"),
        ("GET", "/sandbox/reset", 404, "not_found"),
    ],
)
def test_other_routes(dx: Sandbox, verb: str, path: str, status: int, error: str) -> None:
    answered, _, body = ask(dx, path, verb=verb)
    assert (answered, json.loads(body)["error"]) == (status, error)
    assert [each["status"] for each in dx.requests()] == ([] if "sandbox" in path else [status])


def test_a_body_without_its_end_is_not_stored(dx: Sandbox) -> None:
    head = f"POST /api/deployments.create HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
    raw = json.dumps(BODY).encode()
    for framing, answer in ((f"Content-Length: {len(raw) + 1}", b""), ("Transfer-Encoding: chunked", b"HTTP/1.1 411")):
        with socket.create_connection(("127.0.0.1", dx.port), 5) as client:
            client.sendall(f"{head}{framing}\r\n\r\n".encode() + (raw if not answer else b""))
            client.shutdown(socket.SHUT_WR)
            assert client.recv(12) == answer
    assert (dx.deployments(), dx.requests()) == ([], [])


def test_a_target_that_is_no_url_is_not_found(dx: Sandbox) -> None:
    with socket.create_connection(("127.0.0.1", dx.port), 5) as client:
        client.sendall(b"POST http://[/api/ HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.1 404"


def said(answer: Answer) -> tuple[int, str, bytes]:
    return answer[0], answer[1]["Content-Type"].partition(";")[0], answer[2]


JSON, TEXT, HTML = "application/json", "text/plain", "text/html"


@pytest.mark.parametrize(
    ("fault", "status", "kind", "body"),
    [
        ({"status": 503}, 503, JSON, b'{"ok": false}'),
        (
            {"status": 422, "error": "odd", "message": "::error::x"},
            422,
            JSON,
            b'{"ok": false, "error": "odd", "message": "::error::x"}',
        ),
        ({"status": 502, "body": "html"}, 502, HTML, b"<html><head><title>502 Bad Gateway</title>"),
        ({"status": 599, "body": "html"}, 599, HTML, b"<html><head><title>599 Unnamed</title>"),
        ({"status": 200, "body": "empty"}, 200, TEXT, b""),
        ({"status": 200, "text": "not \ud800 json\r"}, 200, TEXT, b"not ? json\r"),
        ({"status": 204}, 204, JSON, b""),
        ({"ok": "true"}, 200, JSON, b'{"ok": "true"}'),
        ({"ok": None}, 200, JSON, b'{"ok": null}'),
        ({"ok": False}, 200, JSON, b'{"ok": false}'),
    ],
)
@pytest.mark.parametrize("commit", [False, True])
def test_faults_that_answer(
    dx: Sandbox, fault: dict[str, Any], status: int, kind: str, body: bytes, *, commit: bool
) -> None:
    dx.script([fault | {"commit": commit}])
    got = said(call(dx))
    assert got[:2] == (status, kind)
    assert got[2].startswith(body)
    assert bool(got[2]) == bool(body)
    assert len(dx.deployments()) == commit
    assert dx.requests()[0]["status"] == status
    assert call(dx)[0] == 200


@pytest.mark.parametrize("value", [9999, "Wed, 21 Oct 2026 07:28:00 GMT", "soon", -1, 1.5])
def test_retry_after_is_sent_as_it_is(dx: Sandbox, value: Any) -> None:
    dx.script([Fault(status=429, retry_after=value)])
    assert call(dx)[1]["Retry-After"] == str(value)


def test_redirect(dx: Sandbox) -> None:
    dx.script([Fault(redirect=f"{dx.url}/elsewhere", commit=True)])
    status, headers, body = call(dx)
    assert (status, headers["Location"], body) == (302, f"{dx.url}/elsewhere", b"")
    assert len(dx.deployments()) == 1


@pytest.mark.parametrize(
    ("fault", "error", "stored", "status"),
    [
        (Fault(reset="before"), ConnectionResetError, 0, None),
        (Fault(reset="after"), ConnectionResetError, 1, None),
        (Fault(cut=True), IncompleteRead, 0, 200),
        (Fault(cut=True, commit=True), IncompleteRead, 1, 200),
        (Fault(hang=0), RemoteDisconnected, 0, None),
        (Fault(hang=0.01, commit=True), RemoteDisconnected, 1, None),
        (Fault(hang=60), TimeoutError, 0, None),
        (Fault(hang=60, commit=True), TimeoutError, 1, None),
        (Fault(latency=60, status=500), TimeoutError, 0, None),
        (Fault(trickle=60), TimeoutError, 1, 200),
    ],
)
def test_faults_that_leave_no_answer(
    dx: Sandbox, fault: Fault, error: type[Exception], stored: int, status: int | None
) -> None:
    dx.script([fault])
    with pytest.raises(error) as raised:
        call(dx, timeout=0.1 if error is TimeoutError else 5)
    # RemoteDisconnected is a ConnectionResetError too: it says that the connection closed in good order.
    assert isinstance(raised.value, RemoteDisconnected) == (error is RemoteDisconnected)
    until(lambda: [len(dx.deployments()), *(each["status"] for each in dx.requests())] == [stored, status])
    started = time.monotonic()
    dx.close()
    assert time.monotonic() - started < 1.5


def test_late_answers(dx: Sandbox) -> None:
    dx.script([Fault(trickle=0.01), Fault(latency=0.1), Fault(latency=0.1, status=500)])
    for status in (200, 200, 500):
        started = time.monotonic()
        assert call(dx)[0] == status
        assert time.monotonic() - started >= 0.1
    with Sandbox(token=TOKEN, latency=0.1) as slow:
        started = time.monotonic()
        assert call(slow)[0] == 200
        assert time.monotonic() - started >= 0.1


def test_faults_come_in_order_and_by_method() -> None:
    script: list[dict[str, Any]] = [
        {"status": 500, "times": 2},
        {"status": 501, "method": "deployments.setPullServices"},
        {"latency": 0},
        {"status": 503, "times": "forever", "method": "deployments.create"},
        {"status": 504, "times": 0},
    ]
    with Sandbox(token=TOKEN, faults=script) as dx:
        assert [call(dx)[0] for _ in range(4)] == [500, 500, 200, 503]
        assert [call(dx, PULL, method="setPullServices")[0] for _ in range(3)] == [501, 504, 504]
        assert call(dx)[0] == 503
        ask(dx, "/sandbox/faults", [])
        assert call(dx)[0] == 200


def test_each_fault_is_taken_once() -> None:
    script = Script([Fault(status=500, times=50)])
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: script.take("deployments.create"), range(100)))
    assert sum(fault is not None for fault in taken) == 50


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ({}, "must be a JSON array"),
        ("status", "must be a JSON array"),
        (["status"], "faults[0] must be a JSON object"),
        ([{"status": 500}, {}], "faults[1]: one of status, reset"),
        ([{"stats": 500}], "faults[0]: stats is not known"),
        ([{"status": None}], "status must not be null"),
        ([{"status": "500"}], "status must be an integer from 200 to 599"),
        ([{"status": 100}], "status must be an integer from 200 to 599"),
        ([{"status": True}], "status must be an integer"),
        ([{"status": 500, "times": -1}], "times must be a whole number"),
        ([{"status": 500, "times": False}], "times must be a whole number"),
        ([{"status": 500, "times": 1.0}], "times must be a whole number"),
        ([{"status": 500, "method": "create"}], "method must be one of deployments.create"),
        ([{"status": 500, "commit": 0}], "commit must be true or false"),
        ([{"status": 500, "body": "xml"}], "body must be json, html or empty"),
        ([{"status": 500, "body": "html", "text": "x"}], "exclude each other"),
        ([{"status": 500, "body": "html", "error": "x"}], "exclude each other"),
        ([{"status": 500, "text": "x", "message": "x"}], "exclude each other"),
        ([{"status": 500, "error": 1}], "error must be text"),
        ([{"status": 429, "retry_after": "1\r\nX: 2"}], "retry_after must be a number or a line"),
        ([{"status": 500, "hang": 1}], "status and hang cannot be in one fault"),
        ([{"hang": 1, "retry_after": 1}], "retry_after belongs to a fault with status"),
        ([{"hang": -1}], "hang must be seconds"),
        ([{"trickle": "1"}], "trickle must be seconds"),
        ([{"latency": float("nan")}], "latency must be seconds"),
        ([{"cut": "true"}], "cut must be true or false"),
        ([{"cut": False}], "one of status, reset"),
        ([{"redirect": ""}], "redirect must be a URL"),
        ([{"reset": "now"}], "reset must be before or after"),
        ([{"reset": "before", "commit": True}], "contradict each other"),
    ],
)
def test_a_bad_script_is_refused(dx: Sandbox, script: Any, sentence: str) -> None:
    with pytest.raises(FaultError) as raised:
        parse_faults(script)
    assert sentence in str(raised.value)
    if "nan" not in repr(script):
        status, _, body = ask(dx, "/sandbox/faults", script)
        assert (status, json.loads(body)) == (
            422,
            {"ok": False, "error": "invalid_faults", "message": str(raised.value)},
        )
    assert call(dx)[0] == 200


def test_faults_over_http(dx: Sandbox) -> None:
    assert ask(dx, "/sandbox/faults", b"[")[0] == 422
    assert ask(dx, "/sandbox/faults", [{"ok": 1}])[0] == 200
    assert call(dx)[2] == b'{"ok": 1}'


def test_reset_forgets_everything(dx: Sandbox) -> None:
    call(dx)
    call(dx, PULL, method="setPullServices")
    dx.script([Fault(status=500)])
    assert ask(dx, "/sandbox/reset", headers={})[0] == 200
    assert (dx.deployments(), dx.pull_services(), dx.requests()) == ([], [], [])
    assert call(dx)[0] == 200
    dx.reset()
    assert dx.deployments() == []


def test_closing_is_quick_whatever_is_open() -> None:
    with Sandbox(token=TOKEN, faults=[Fault(hang=60), Fault(trickle=60)]) as dx:
        clients = [socket.create_connection(("127.0.0.1", dx.port), 5) for _ in range(3)]
        raw = json.dumps(BODY)
        for client in clients[:2]:
            client.sendall(
                f"POST /api/deployments.create HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\n"
                f"Content-Length: {len(raw)}\r\n\r\n{raw}".encode()
            )
        until(lambda: len(dx.requests()) == 2)
        started = time.monotonic()
        dx.close()
        assert time.monotonic() - started < 1.5
        for client in clients:
            # One that was not accepted yet is reset, by the kernel.
            with client, contextlib.suppress(ConnectionResetError):
                client.settimeout(1)
                while client.recv(4096):
                    pass
    with pytest.raises(ConnectionRefusedError):
        call(dx)
    assert len(dx.requests()) == 2

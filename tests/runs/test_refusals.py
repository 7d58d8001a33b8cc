"""What DX answers, and what a whole run makes of it: by virtual time, over the real reading of an answer's bytes."""

import gzip
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import wire
from dx_action.main import main
from runner import TOKEN, Run, Step
from wire import Reply, Request, Time

Answer = Reply | Callable[[Request, Time], Reply]
OK, DOWN = Reply(200, b'{"ok": true}'), Reply(503)
UPSERT = {"method": "upsert"}
PULLS = {"operation": "set-pull-services"}
CONFLICT = b'{"ok": false, "error": "reference_id_taken", "message": "This reference_id already exists."}'


def said(error: str, message: str = "") -> bytes:
    return f'{{"ok": false, "error": "{error}", "message": "{message}"}}'.encode()


def reset(_request: Request, _time: Time) -> Reply:
    wire.reset()


def unread(reply: Reply) -> Answer:
    """Let nothing come after its body."""
    return lambda _request, time: Reply(
        reply.status, reply.body, reply.headers, length=reply.length, hangs=lambda waited: pass_by(time, waited)
    )


def pass_by(time: Time, seconds: float) -> None:
    time.passed += seconds


def after(seconds: float, reply: Reply = OK) -> Answer:
    """Answer after so many seconds, if the attempt has them."""

    def answer(request: Request, time: Time) -> Reply:
        pass_by(time, min(seconds, request.seconds))
        return reply if seconds <= request.seconds else wire.silent()

    return answer


def played(folder: Path, inputs: dict[str, str], answers: Sequence[Answer]) -> tuple[Run, list[str], Time]:
    """Run the step against these answers, the last one for ever; return the methods of its requests, too."""
    time, methods, left, log = Time(), list[str](), list(answers), io.StringIO()

    def speak(request: Request) -> Reply:
        request.body()
        methods.append(request.method.removeprefix("deployments."))
        answer = left.pop(0) if len(left) > 1 else left[0]
        return answer if isinstance(answer, Reply) else answer(request, time)

    given = {"dx-host": "http://127.0.0.1:9", "dx-token": TOKEN, "service": "web"} | inputs
    step = Step(folder, given)
    env = step.environment()
    code = main(env, log, time.clock(), wire=wire.over(speak))
    return step.read(env, code, log.getvalue()), methods, time


FAILED, UNKNOWN, ACCEPTED, HELD = "failed", "unknown", "accepted", "already-registered"
CREATES, UPSERTS, SETS = ["create"], ["upsert"], ["setPullServices"]


@pytest.mark.parametrize(
    ("inputs", "answers", "outcome", "error", "methods"),
    [
        # Refusals of a creation that are no conflict.
        ({}, [Reply(409, said("processing", "currently being processed"))], FAILED, "processing", CREATES),
        ({}, [Reply(409, b"{}")], FAILED, "http_409", CREATES),
        ({}, [Reply(409, said("repo_not_found"))], FAILED, "repo_not_found", CREATES),
        ({}, [Reply(422, said("conflict", "reference_id is locked"))], FAILED, "conflict", CREATES),
        (
            {},
            [Reply(422, said("duplicate_key", "reference_id index is being rebuilt"))],
            FAILED,
            "duplicate_key",
            CREATES,
        ),
        ({}, [Reply(409, said("try_later", "reference_id: try again later"))], FAILED, "try_later", CREATES),
        ({}, [Reply(422, said("reference_id_invalid"))], FAILED, "reference_id_invalid", CREATES),
        ({}, [Reply(409, b"<html>already exists</html>")], FAILED, "http_409", CREATES),
        ({}, [Reply(409, CONFLICT.replace(b"false", b"true"))], FAILED, "reference_id_taken", CREATES),
        ({}, [Reply(409, CONFLICT[:-1])], FAILED, "http_409", CREATES),
        ({}, [DOWN, Reply(409, said("processing"))], UNKNOWN, "processing", CREATES * 2),
        ({}, [reset, Reply(422, said("conflict"))], UNKNOWN, "conflict", CREATES * 2),
        # An upsert and the setting of services know no conflict.
        (UPSERT, [Reply(409, said("deployment_locked"))], FAILED, "deployment_locked", UPSERTS),
        (UPSERT, [DOWN, Reply(409, said("deployment_locked"))], UNKNOWN, "deployment_locked", UPSERTS * 2),
        (UPSERT, [Reply(422, CONFLICT)], FAILED, "reference_id_taken", UPSERTS),
        (UPSERT, [reset, Reply(409, CONFLICT)], UNKNOWN, "reference_id_taken", UPSERTS * 2),
        (PULLS, [DOWN, Reply(409, said("pull_request_locked"))], UNKNOWN, "pull_request_locked", SETS * 2),
        (PULLS, [Reply(409, CONFLICT)], FAILED, "reference_id_taken", SETS),
        (PULLS, [DOWN, Reply(422, CONFLICT)], UNKNOWN, "reference_id_taken", SETS * 2),
        # Conflicts.
        ({}, [Reply(409, CONFLICT)], HELD, "reference_id_taken", CREATES),
        ({}, [DOWN, Reply(422, CONFLICT)], ACCEPTED, "", CREATES * 2),
        ({"on-conflict": "fail"}, [Reply(409, CONFLICT)], FAILED, "reference_id_conflict", CREATES),
        ({"on-conflict": "fail"}, [DOWN, Reply(409, CONFLICT)], ACCEPTED, "", CREATES * 2),
        ({"on-conflict": "update"}, [DOWN, Reply(409, CONFLICT), OK], ACCEPTED, "", [*CREATES * 2, *UPSERTS]),
        ({"on-conflict": "update"}, [reset, Reply(422, CONFLICT), OK], ACCEPTED, "", [*CREATES * 2, *UPSERTS]),
        ({"on-conflict": "update"}, [Reply(422, CONFLICT), OK], ACCEPTED, "", [*CREATES, *UPSERTS]),
        ({"on-conflict": "update"}, [Reply(409, said("conflict"))], FAILED, "conflict", CREATES),
        (
            {"on-conflict": "update"},
            [DOWN, Reply(409, CONFLICT), Reply(409, said("locked"))],
            UNKNOWN,
            "locked",
            [*CREATES * 2, *UPSERTS],
        ),
        # The status decides, body or none.
        ({}, [Reply(401, b'{"ok": f', length=99)], FAILED, "http_401", CREATES),
        ({}, [Reply(422, b'{"ok": f', length=99)], FAILED, "http_422", CREATES),
        ({}, [Reply(302, b"<html", {"Location": "/x"}, length=99)], FAILED, "redirect", CREATES),
        (
            {},
            [Reply(400, gzip.compress(said("x"))[:20], {"Content-Encoding": "gzip"})],
            FAILED,
            "http_400",
            CREATES,
        ),
        ({}, [Reply(403, b"\x1f", {"Content-Encoding": "gzip"})], FAILED, "http_403", CREATES),
        ({}, [unread(Reply(404, b"<html", length=99))], FAILED, "http_404", CREATES),
        ({}, [unread(Reply(404, headers={"Transfer-Encoding": "chunked"}))], FAILED, "http_404", CREATES),
        ({}, [unread(Reply(302, headers={"Location": "/x"}, length=99))], FAILED, "redirect", CREATES),
        (UPSERT, [unread(Reply(401, length=1))], FAILED, "http_401", UPSERTS),
        # A success says so; what cannot be read is tried again; what can be, and is none, is final.
        ({}, [Reply(200, OK.body, interim=(103,))], ACCEPTED, "", CREATES),
        ({}, [Reply(200, OK.body, interim=(100, 102, 103))], ACCEPTED, "", CREATES),
        ({}, [Reply(422, said("odd"), interim=(103, 103))], FAILED, "odd", CREATES),
        ({}, [Reply(200, OK.body[:5], length=12), OK], ACCEPTED, "", CREATES * 2),
        ({}, [Reply(200, b"<html>"), Reply(204), OK], ACCEPTED, "", CREATES * 3),
        ({}, [Reply(200, b"[" * 100_000), OK], ACCEPTED, "", CREATES * 2),
        ({}, [Reply(200, b"{}")], FAILED, "not_ok", CREATES),
        ({}, [Reply(202, b'{"ok": "true"}')], FAILED, "not_ok", CREATES),
        ({}, [DOWN, Reply(200, b"[]")], UNKNOWN, "not_ok", CREATES * 2),
    ],
)
def test_what_becomes_of_a_call(
    tmp_path: Path, inputs: dict[str, str], answers: Sequence[Answer], outcome: str, error: str, methods: list[str]
) -> None:
    run, asked, time = played(tmp_path, inputs, answers)
    assert run.results("outcome", "error") == [(outcome, error)]
    assert asked == methods
    delivered = {ACCEPTED: "registered", HELD: "already-registered"}
    assert run.status == delivered.get(outcome, "failed")
    assert run.exit_code == (0 if outcome in delivered else 1)
    # Nothing is waited for but a moment between two attempts, or for the rest of a refusal.
    assert time.passed <= 3
    if outcome == FAILED and error not in ("redirect", "not_ok", "reference_id_conflict") and "http_" not in error:
        assert error in run.outputs["reason"]


@pytest.mark.parametrize(
    ("timeout", "answers", "outcome"),
    [
        ("110", [after(32)], ACCEPTED),
        ("110", [after(54)], ACCEPTED),
        ("110", [after(56)], UNKNOWN),
        # By the whole budget, whatever came before.
        ("110", [DOWN, after(54)], ACCEPTED),
        ("110", [after(3, DOWN), after(54)], ACCEPTED),
        ("60", [after(29)], ACCEPTED),
        ("60", [after(31)], UNKNOWN),
        ("60", [DOWN, DOWN, after(29)], ACCEPTED),
        ("10", [after(9)], ACCEPTED),
        ("10", [after(11)], UNKNOWN),
        ("600", [after(299)], ACCEPTED),
        ("600", [after(301)], UNKNOWN),
        # The first is given up, and the second has what is left.
        ("60", [after(31), after(20)], ACCEPTED),
    ],
)
def test_an_answer_that_comes_within_the_budget_is_not_thrown_away(
    tmp_path: Path, timeout: str, answers: Sequence[Answer], outcome: str
) -> None:
    run, _, time = played(tmp_path, {"timeout": timeout}, answers)
    assert run.results("outcome") == [(outcome,)]
    assert time.passed <= float(timeout)

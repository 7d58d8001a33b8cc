"""Several calls side by side: who goes first, when each may start, what stops the others, and how it all ends."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise, product
from threading import Barrier, Event, Lock, Thread
from threading import enumerate as threads
from typing import Any

import pytest
from pydantic import SecretStr

from backfills import Hurried, Listed, Scripted, prepared, sent
from dx_action.deployment.calls import Call, Method, Outcome, Result, serialise
from dx_action.dx import sender
from dx_action.dx.answers import Answer, Verdict
from dx_action.dx.client import Dx
from dx_action.dx.delivery import Transport
from dx_action.dx.sender import Batch, Progress, Sender, Terms, why_stop
from dx_action.errors import Interrupted
from dx_action.inputs.values import parse_host
from dx_action.main import interruptible
from dx_action.runner.runtime import Clock
from dx_action.sandbox import Fault, Sandbox

TOKEN = "the-token-of-the-tests"
# How many calls are under way at once, and for how many seconds more than the budget an answer is waited for.
LANES, GRACE = 8, 0.25
OK = Answer(200, b'{"ok": true}')
CONFLICT = Answer(409, b'{"ok": false, "error": "reference_id_taken"}')
REFUSED = Answer(422, b'{"ok": false, "error": "repo_not_found", "message": "No such repository."}')
AUTH = Answer(422, b'{"ok": false, "error": "invalid_auth", "message": "InvalidValue token."}')
NO_CODE = Answer(403, b"<html>")
BUSY = Answer(429, b"")
DOWN = Answer(503, b"")
NO_CONNECTION = Verdict("try-again", "connection_failed")
LOST = Verdict("try-again", "connection_lost", may_hold=True)
Answers = Sequence[Answer | Verdict]


def made(service: str, method: Method = "deployments.create", **more: Any) -> Call:
    body = {
        "reference_id": f"r/{service}",
        "deployed_at": "2025-01-01T12:05:00Z",
        "service": {"identifier": service},
        "repository": "o/r",
        "commit_sha": "abc1234",
    }
    return Call(method, service, f"r/{service}", serialise(body | more))


def calls(count: int) -> list[Call]:
    return [made(f"s{number}") for number in range(count)]


def hurried(monotonic: Callable[[], float] = time.monotonic) -> Clock:
    """A clock in which waiting between attempts takes no time."""
    return Clock(monotonic, lambda _seconds: None, lambda: datetime.now(UTC), lambda: 0.0)


def standing() -> float:
    """A time that stands still, however busy the machine: no deadline comes."""
    return 0.0


def ignore(_text: str) -> None:
    pass


class Script:
    """A transport that answers each service by a list of its own, the last entry for ever; what is not named is accepted."""

    def __init__(
        self, answers: dict[str, Answers] | None = None, before: Callable[[Call], object] = lambda _call: None
    ):
        self._left = {service: list(each) for service, each in (answers or {}).items()}
        self._before, self._lock = before, Lock()
        self.sent: list[Call] = []
        self.busy = self.most = 0

    def __call__(self, call: Call, seconds: float) -> Answer | Verdict:
        with self._lock:
            self.sent.append(call)
            self.busy += 1
            self.most = max(self.most, self.busy)
            left = self._left.get(call.service, [OK])
            answer = left.pop(0) if len(left) > 1 else left[0]
        try:
            self._before(call)
        finally:
            with self._lock:
                self.busy -= 1
        return answer

    @property
    def services(self) -> list[str]:
        return [call.service for call in self.sent]


class Outbox:
    """The calls of one step, and what became of each."""

    def __init__(
        self,
        planned: Sequence[Call],
        transport: Transport,
        clock: Clock | None = None,
        *,
        seconds: float = 30,
        on_conflict: str = "keep",
        say: Callable[[str], None] = ignore,
    ) -> None:
        self.planned, self.batch = planned, Batch(planned)
        lanes, rounds = min(len(planned), LANES), -(-len(planned) // LANES)
        terms = Terms(timeout=seconds, lanes=lanes, rounds=rounds, on_conflict=on_conflict)
        self.sender = Sender(self.batch, self.batch, transport, clock or hurried(), terms, say=say)

    def run(self) -> None:
        self.sender.run()

    def results(self, reason: str = "out_of_time") -> tuple[Result, ...]:
        self.sender.close(reason)
        return tuple(self.batch.results(self.sender.reason))

    @property
    def updates(self) -> list[Call]:
        pairs = zip(self.planned, self.results(), strict=True)
        return [result.call for call, result in pairs if result.call != call]


def delivered(
    planned: Sequence[Call], script: Script, *, on_conflict: str = "keep"
) -> tuple[tuple[Result, ...], Outbox]:
    outbox = Outbox(planned, script, on_conflict=on_conflict)
    outbox.run()
    return outbox.results(), outbox


@contextmanager
def running(outbox: Outbox) -> Iterator[None]:
    """Run it in a thread, which must come to its end."""
    thread = Thread(target=outbox.run, daemon=True)
    thread.start()
    yield
    thread.join(5)
    assert not thread.is_alive()


def short(results: Sequence[Result]) -> list[tuple[str, Outcome, str]]:
    return [(result.call.service, result.outcome, result.error) for result in results]


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@contextmanager
def released() -> Iterator[Event]:
    """An event that is set at the end, so that no thread waits on."""
    go = Event()
    try:
        yield go
    finally:
        go.set()


def test_no_calls_no_results() -> None:
    assert delivered([], Script())[0] == ()


def test_each_call_has_its_result_in_order() -> None:
    answers: dict[str, Answers] = {
        "s1": [REFUSED],
        "s2": [CONFLICT],
        "s3": [BUSY, BUSY, OK],
        "s5": [LOST, CONFLICT],
        "s6": [LOST, REFUSED],
        "s7": [NO_CONNECTION, REFUSED],
    }
    # The later a call, the sooner its answer.
    script = Script(answers, lambda call: time.sleep((12 - int(call.service[1:])) / 400))
    planned = calls(12)
    results, outbox = delivered(planned, script)
    assert [result.call for result in results] == planned
    assert short(results)[:8] == [
        ("s0", "accepted", ""),
        ("s1", "failed", "repo_not_found"),
        ("s2", "already-registered", "reference_id_taken"),
        ("s3", "accepted", ""),
        ("s4", "accepted", ""),
        ("s5", "accepted", ""),
        ("s6", "unknown", "repo_not_found"),
        ("s7", "failed", "repo_not_found"),
    ]
    assert [result.attempts for result in results[:8]] == [1, 1, 1, 3, 1, 2, 2, 2]
    assert outbox.updates == []
    assert script.services[0] == "s0"
    assert outbox.results("another reason") == results


@pytest.mark.parametrize("count", [1, 2, LANES, LANES + 1, 40])
def test_as_many_at_once_as_there_are_lanes_and_each_once(count: int) -> None:
    with released() as go:
        lanes = min(count - 1, LANES)

        def meet(call: Call) -> None:
            if script.busy >= lanes:
                go.set()
            assert call.service == "s0" or go.wait(5)

        script = Script(before=meet)
        results, _ = delivered(calls(count), script)
    assert all(result.outcome == "accepted" for result in results)
    assert max(lanes, 1) == script.most
    assert Counter(script.services) == Counter(call.service for call in calls(count))


@pytest.mark.parametrize("answer", [OK, REFUSED, CONFLICT, DOWN])
def test_the_first_goes_alone_until_it_has_had_an_answer(answer: Answer) -> None:
    answered = Event()

    def before(call: Call) -> None:
        if call.service != "s0":
            assert answered.is_set()
        elif script.services.count("s0") == 1:
            time.sleep(0.05)
            answered.set()

    script = Script({"s0": [answer, OK]}, before)
    delivered(calls(20), script)
    assert answered.is_set()
    assert set(script.services) == {f"s{number}" for number in range(20)}


def test_the_others_do_not_wait_with_it() -> None:
    script = Script({"s0": [DOWN, OK]})

    def wait(_seconds: float) -> None:
        until(lambda: len(script.services) == 5)

    clock = Clock(time.monotonic, wait, lambda: datetime.now(UTC), lambda: 0.0)
    outbox = Outbox(calls(5), script, clock)
    outbox.run()
    assert script.services[-1] == "s0"
    assert {result.outcome for result in outbox.results()} == {"accepted"}


def test_too_many_requests_pause_all_lanes() -> None:
    virtual = Hurried()
    at: dict[str, float] = {}

    def before(call: Call) -> None:
        at[call.service] = virtual.at

    script = Script({"s0": [Answer(429, b"", "10"), OK]}, before)
    outbox = Outbox(calls(5), script, virtual.clock())
    outbox.run()
    assert {result.outcome for result in outbox.results()} == {"accepted"}
    # Those that were let go by the first answer may start before the pause begins.
    assert at["s0"] == 10
    assert set(at.values()) <= {0, 10}


def test_a_refused_token_ends_what_is_tried_again() -> None:
    def before(call: Call) -> None:
        if call.service == "s1":
            until(lambda: "s2" in script.services)

    def wait(_seconds: float) -> None:
        until(lambda: outbox.sender.reason != "")

    script = Script({"s1": [AUTH], "s2": [DOWN]}, before)
    clock = Clock(time.monotonic, wait, lambda: datetime.now(UTC), lambda: 0.0)
    outbox = Outbox(calls(3), script, clock)
    outbox.run()
    assert short(outbox.results())[1:] == [("s1", "failed", "invalid_auth"), ("s2", "unknown", "http_503")]
    assert script.services.count("s2") == 1


def test_an_answer_that_comes_late_counts_for_who_asks_later() -> None:
    now = 0.0
    with released() as go:

        def before(call: Call) -> None:
            nonlocal now
            now = 10.0
            assert go.wait(5)

        outbox = Outbox(calls(1), Script(before=before), hurried(lambda: now), seconds=10)
        outbox.run()
        assert short(outbox.results()) == [("s0", "unknown", "no_answer")]
        go.set()
        until(lambda: short(outbox.results()) == [("s0", "accepted", "")])


def test_a_first_call_that_is_tried_again_lets_no_more_start() -> None:
    script = Script({"s0": [DOWN, DOWN, DOWN, OK]}, lambda _call: time.sleep(0.005))
    results, _ = delivered(calls(60), script)
    assert script.most == LANES
    assert {result.outcome for result in results} == {"accepted"}


@pytest.mark.parametrize("answer", [AUTH, NO_CODE, Answer(200, b'{"ok": false, "error": "account_inactive"}')])
def test_a_refused_token_is_seen_once(answer: Answer) -> None:
    script = Script({f"s{number}": [answer] for number in range(20)})
    results, outbox = delivered(calls(20), script)
    assert script.services == ["s0"]
    assert outbox.sender.reason == "unauthorized_before"
    first, *rest = results
    assert (first.outcome, first.http_status, first.attempts) == ("failed", answer.status, 1)
    assert {(result.outcome, result.error, result.attempts) for result in rest} == {
        ("not-sent", "unauthorized_before", 0)
    }


@pytest.mark.parametrize("answer", [REFUSED, Answer(403, b'{"error": "missing_scope"}'), Answer(404, b"")])
def test_another_refusal_stops_nobody(answer: Answer) -> None:
    results, outbox = delivered(calls(5), Script({"s0": [answer]}))
    assert [result.outcome for result in results] == ["failed", *["accepted"] * 4]
    assert outbox.sender.reason == "out_of_time"


def test_a_token_that_is_refused_midway_stops_the_rest() -> None:
    def before(call: Call) -> None:
        # Those that are under way come to their own end, after the refusal.
        if call.service not in ("s0", "s1", "s2", "s3"):
            until(lambda: outbox.sender.reason != "")

    script = Script({"s3": [AUTH]}, before)
    outbox = Outbox(calls(60), script, hurried())
    outbox.run()
    sent = set(script.services)
    assert {"s0", "s3"} < sent
    assert len(sent) <= LANES + 3
    for result in outbox.results():
        service = result.call.service
        expected: tuple[Outcome, str] = ("accepted", "") if service in sent else ("not-sent", "unauthorized_before")
        if service == "s3":
            expected = ("failed", "invalid_auth")
        assert (service, result.outcome, result.error) == (service, *expected)


@pytest.mark.parametrize(
    ("on_conflict", "method", "answers", "outcome", "error", "sent"),
    [
        ("keep", "deployments.create", [CONFLICT], "already-registered", "reference_id_taken", ["create"]),
        ("fail", "deployments.create", [CONFLICT], "failed", "reference_id_conflict", ["create"]),
        # Nothing but a creation knows a conflict.
        ("keep", "deployments.upsert", [CONFLICT], "failed", "reference_id_taken", ["upsert"]),
        ("fail", "deployments.upsert", [CONFLICT], "failed", "reference_id_taken", ["upsert"]),
        ("keep", "deployments.upsert", [LOST, CONFLICT], "unknown", "reference_id_taken", ["upsert", "upsert"]),
        ("update", "deployments.create", [CONFLICT, OK], "accepted", "", ["create", "upsert"]),
        (
            "update",
            "deployments.create",
            [BUSY, CONFLICT, DOWN, OK],
            "accepted",
            "",
            ["create", "create", "upsert", "upsert"],
        ),
        (
            "update",
            "deployments.create",
            [CONFLICT, DOWN, CONFLICT],
            "unknown",
            "reference_id_taken",
            ["create", "upsert", "upsert"],
        ),
        ("update", "deployments.create", [CONFLICT, REFUSED], "failed", "repo_not_found", ["create", "upsert"]),
        (
            "update",
            "deployments.create",
            [CONFLICT, LOST, REFUSED],
            "unknown",
            "repo_not_found",
            ["create", "upsert", "upsert"],
        ),
        ("update", "deployments.create", [CONFLICT], "failed", "reference_id_taken", ["create", "upsert"]),
        ("update", "deployments.upsert", [CONFLICT], "failed", "reference_id_taken", ["upsert"]),
        ("update", "deployments.setPullServices", [CONFLICT], "failed", "reference_id_taken", ["setPullServices"]),
        # What DX holds is then what an earlier attempt left there.
        ("keep", "deployments.create", [LOST, CONFLICT], "accepted", "", ["create", "create"]),
        ("fail", "deployments.create", [DOWN, CONFLICT], "accepted", "", ["create", "create"]),
        # An update is sent all the same: whose values DX holds is not known.
        ("update", "deployments.create", [DOWN, CONFLICT, OK], "accepted", "", ["create", "create", "upsert"]),
        (
            "update",
            "deployments.create",
            [DOWN, CONFLICT, REFUSED],
            "unknown",
            "repo_not_found",
            ["create", "create", "upsert"],
        ),
        # Nobody held it before, so nobody is told of a conflict.
        ("fail", "deployments.create", [OK], "accepted", "", ["create"]),
        ("update", "deployments.create", [OK], "accepted", "", ["create"]),
    ],
)
def test_on_conflict(
    on_conflict: str,
    method: Method,
    answers: Answers,
    outcome: Outcome,
    error: str,
    sent: list[str],
) -> None:
    call = made("web", method)
    script = Script({"web": answers})
    (result,), outbox = delivered([call], script, on_conflict=on_conflict)
    assert (result.outcome, result.error) == (outcome, error)
    assert [each.method.removeprefix("deployments.") for each in script.sent] == sent
    updates = {each for each in script.sent if each != call}
    assert list(updates) == outbox.updates
    assert result.call == (outbox.updates or [call])[0]


# What 409 and 422 may say, and whether it says that the `reference_id` is held already.
SAYS: dict[bytes, bool] = {
    b'{"ok": false, "error": "reference_id_taken"}': True,
    b'{"ok": false, "message": "This reference_id already exists."}': True,
    b'{"ok": false, "error": "invalid_params", "message": "Reference has already been taken"}': True,
    b'{"ok": false, "error": "deployment_locked"}': False,
    b'{"ok": false, "error": "conflict", "message": "reference_id is locked"}': False,
    b'{"ok": false, "message": "currently being processed"}': False,
    b'{"ok": false, "error": "repo_not_found", "message": "reference_id already exists"}': False,
    b'{"error": "reference_id_taken"}': False,
    b"{}": False,
    b"<html>reference_id already exists</html>": False,
}
BEFORE: dict[str, Answers] = {
    "nothing": [],
    "no attempt that DX saw": [BUSY, NO_CONNECTION],
    "an attempt of unknown fate": [DOWN],
    "and one that DX did not see": [LOST, BUSY],
}
UPDATED: tuple[tuple[Answer, Outcome], ...] = ((OK, "accepted"), (REFUSED, "failed"))


@pytest.mark.parametrize("on_conflict", ["keep", "update", "fail"])
@pytest.mark.parametrize("method", ["deployments.create", "deployments.upsert", "deployments.setPullServices"])
@pytest.mark.parametrize("before", BEFORE)
def test_every_409_and_422(on_conflict: str, method: Method, before: str) -> None:
    """The contract's rule: only a creation knows a conflict, and after an attempt of unknown fate it is that attempt's."""
    unclear = before in ("an attempt of unknown fate", "and one that DX did not see")
    for (body, held), status, (answer, outcome) in product(SAYS.items(), (409, 422), UPDATED):
        script = Script({"web": [*BEFORE[before], Answer(status, body), answer]})
        outbox = Outbox([made("web", method)], script, Hurried().clock(), on_conflict=on_conflict)
        outbox.run()
        (result,) = outbox.results()
        expected: Outcome = "failed"
        upserts = held and method == "deployments.create" and on_conflict == "update"
        if upserts:
            expected = outcome
        elif held and method == "deployments.create":
            kept: Outcome = "already-registered" if on_conflict == "keep" else "failed"
            expected = "accepted" if unclear else kept
        if expected == "failed" and unclear:
            expected = "unknown"
        assert (body, status, result.outcome) == (body, status, expected)
        assert len(script.sent) == len(BEFORE[before]) + 1 + upserts
        assert script.sent[-1].method == ("deployments.upsert" if upserts else method)


def test_an_update_says_what_a_creation_leaves_out() -> None:
    script = Script({"a": [CONFLICT, OK], "b": [CONFLICT, OK]})
    planned = [made("a"), made("b", success=False)]
    results, outbox = delivered(planned, script, on_conflict="update")
    assert [result.outcome for result in results] == ["accepted", "accepted"]
    assert {(each.reference_id, each.json()["success"]) for each in outbox.updates} == {("r/a", True), ("r/b", False)}
    for update in outbox.updates:
        [create] = [call for call in planned if call.service == update.service]
        assert create.json().items() <= update.json().items()


def test_a_refused_token_stops_an_update_s_successors() -> None:
    results, _ = delivered(calls(3), Script({"s0": [CONFLICT, AUTH]}), on_conflict="update")
    assert short(results) == [
        ("s0", "failed", "invalid_auth"),
        ("s1", "not-sent", "unauthorized_before"),
        ("s2", "not-sent", "unauthorized_before"),
    ]


@pytest.mark.parametrize(
    ("answers", "outcome", "error"),
    [
        ([OK], "accepted", ""),
        ([REFUSED], "failed", "repo_not_found"),
        ([BUSY], "failed", "http_429"),
        ([LOST], "unknown", "connection_lost"),
        # The update that it asks for is not sent.
        ([CONFLICT, OK], "failed", "reference_id_conflict"),
    ],
)
def test_nothing_starts_once_the_time_is_used_up(answers: Answers, outcome: Outcome, error: str) -> None:
    now = 0.0

    def use_up(_call: Call) -> None:
        nonlocal now
        now = 10.0

    script = Script({"s0": answers}, use_up)
    outbox = Outbox(calls(2), script, hurried(lambda: now), seconds=10, on_conflict="update")
    outbox.run()
    assert short(outbox.results()) == [("s0", outcome, error), ("s1", "not-sent", "out_of_time")]
    assert script.services == ["s0"]


@pytest.mark.parametrize("at", ["s0", "s7"])
def test_a_bug_in_a_lane_surfaces(at: str) -> None:
    with released() as go:

        def before(call: Call) -> None:
            if call.service == at:
                raise ZeroDivisionError
            if call.service != "s0":
                assert go.wait(5)

        script = Script(before=before)
        outbox = Outbox(calls(30), script, hurried())
        with pytest.raises(ZeroDivisionError):
            outbox.run()
        results = outbox.results("internal_error")
        sent = set(script.services)
    for result in results:
        service = result.call.service
        done = service == "s0" != at
        outcome = "accepted" if done else "unknown" if service in sent else "not-sent"
        assert (service, result.outcome) == (service, outcome)
        assert result.error == ("" if done else "internal_error")


def test_a_bug_in_what_is_told_surfaces() -> None:
    def say(_text: str) -> None:
        raise ZeroDivisionError

    outbox = Outbox(calls(2), Script({"s0": [BUSY, OK]}), hurried(), say=say)
    with pytest.raises(ZeroDivisionError):
        outbox.run()
    assert short(outbox.results("internal_error")) == [
        ("s0", "failed", "internal_error"),
        ("s1", "not-sent", "internal_error"),
    ]


@pytest.mark.parametrize("hangs", ["s0", "s1"])
def test_a_hang_ends_by_the_deadline(hangs: str) -> None:
    others = set(threads())
    with released() as go:
        now = 0.0

        def before(call: Call) -> None:
            nonlocal now
            if call.service == hangs:
                until(lambda: len(script.sent) == (1 if hangs == "s0" else 4))
                now = 10.0
                assert go.wait(5)

        script = Script(before=before)
        outbox = Outbox(calls(4), script, hurried(lambda: now), seconds=10)
        started = time.monotonic()
        outbox.run()
        assert time.monotonic() - started < 2 * GRACE + 1
        # What hangs does not keep the process.
        assert all(thread.daemon for thread in threads() if thread not in others)
        results = outbox.results()
    expected: list[tuple[str, Outcome, str]] = [
        (f"s{number}", "accepted", "") if hangs == "s1" else (f"s{number}", "not-sent", "out_of_time")
        for number in range(4)
    ]
    # It was sent, so that it ran out of time is not what is said.
    expected[int(hangs[1:])] = (hangs, "unknown", "no_answer")
    assert short(results) == expected


@pytest.mark.parametrize("hangs", [True, False])
def test_a_first_call_that_hangs_leaves_the_others_half_of_the_time(hangs: bool) -> None:
    now = 100.0
    with released() as go:

        def before(call: Call) -> None:
            nonlocal now
            if call.service == "s0":
                now = 104.9
                time.sleep(0.6)  # two looks of the waiting thread
                assert len(script.sent) == 1
                now = 105.0
                until(lambda: len(script.sent) == 4)
                now = 110.0
                assert not hangs or go.wait(5)

        script = Script(before=before)
        outbox = Outbox(calls(4), script, hurried(lambda: now), seconds=10)
        outbox.run()
        results = short(outbox.results())
    assert results[0] == (("s0", "unknown", "no_answer") if hangs else ("s0", "accepted", ""))
    assert results[1:] == [(f"s{number}", "accepted", "") for number in range(1, 4)]


@pytest.mark.parametrize(
    ("stuck", "begun"),
    [
        ([1], [20]),
        ([8], [20]),
        ([0, 3], [1, 20]),
        ([*range(1, 9)], [9, 20]),
        ([*range(1, 17)], [9, 17, 20]),
    ],
    ids=str,
)
@pytest.mark.parametrize("way", ["hang", "fail again and again"])
def test_calls_that_are_stuck_leave_each_other_call_its_attempt(stuck: list[int], begun: list[int], way: str) -> None:
    """Twenty calls are three rounds of eight lanes: after a sixth of the time, whoever is stuck has had its share.

    `begun`: how many have begun when it started, and after each sixth of the time.
    """
    now = 0.0
    slow = {f"s{number}" for number in stuck}
    with released() as go:

        def wait(_seconds: float) -> None:
            assert go.wait(5)

        def before(call: Call) -> None:
            if way == "hang" and call.service in slow:
                assert go.wait(5)

        answers: dict[str, Answers] = {service: [DOWN] for service in slow}
        script = Script(answers, before)
        clock = Clock(lambda: now, wait, lambda: datetime.now(UTC), lambda: 0.0)
        outbox = Outbox(calls(20), script, clock, seconds=24)
        with running(outbox):
            # A first answer, even a bad one, lets the others go.
            for number in begun[0 in stuck and way != "hang" :]:
                until(lambda number=number: len(script.sent) == number)  # type: ignore[misc]
                if number < 20:
                    time.sleep(0.6)  # two looks of the waiting thread
                    assert len(script.sent) == number
                    now += 4.0
            now = 24.0
            if way == "hang":
                until(lambda: outbox.sender.reason == "out_of_time")
            go.set()
        results = short(outbox.results())
    assert {outcome for service, outcome, _ in results if service in slow} == {"unknown"}
    assert {outcome for service, outcome, _ in results if service not in slow} == {"accepted"}
    assert set(script.services) == {f"s{number}" for number in range(20)}


def test_in_two_seconds_one_that_hangs_starves_nobody() -> None:
    """By real time, which is its subject: the first, the second and the third hang side by side, each in a step of its own."""

    def ended(hangs: int) -> Counter[Outcome]:
        faults = [*[Fault(latency=0)] * hangs, Fault(hang=60)]
        with Sandbox(token=TOKEN, faults=faults) as sandbox:
            dx = Dx(parse_host(sandbox.url), SecretStr(TOKEN), context=None, proxies={}, monotonic=time.monotonic)
            outbox = Outbox(calls(3), dx, hurried()._replace(sleep=time.sleep), seconds=2)
            outbox.run()
            results = outbox.results()
            dx._session.close()
        return Counter(result.outcome for result in results)

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(ended, range(3))) == [{"accepted": 2, "unknown": 1}] * 3


def test_a_stall_before_the_first_call_leaves_nobody_waiting() -> None:
    now = 0.0

    class Stalled(Batch):
        def call(self, index: int) -> Call:
            nonlocal now
            time.sleep(0.05)  # the other lanes come, and wait for the first answer
            now = 10.0
            return super().call(index)

    batch = Stalled(calls(3))
    terms = Terms(timeout=10, lanes=3)
    sender = Sender(batch, batch, Script(), hurried(lambda: now), terms, say=ignore)
    thread = Thread(target=sender.run, daemon=True)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
    assert short(batch.results(sender.reason))[1:] == [(name, "not-sent", "out_of_time") for name in ("s1", "s2")]


def test_the_deadline_is_by_the_clock_that_is_handed_in() -> None:
    with released() as go:
        outbox = Outbox(calls(1), Script(before=lambda _call: bool(go.wait(5))), seconds=0.5)
        started = time.monotonic()
        outbox.run()
        assert time.monotonic() - started < 0.5 + 2 * GRACE + 1
        assert short(outbox.results()) == [("s0", "unknown", "no_answer")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_while_waiting(number: signal.Signals) -> None:
    with released() as go:
        all_busy = Barrier(LANES, lambda: os.kill(os.getpid(), number))

        def before(call: Call) -> None:
            if call.service != "s0":
                all_busy.wait(5)
                assert go.wait(5)

        script = Script(before=before)
        outbox = Outbox(calls(20), script, hurried())
        with interruptible(), pytest.raises(Interrupted):
            outbox.run()
        results = outbox.results("cancelled")
        sent = set(script.services)
    assert sent == {f"s{number}" for number in range(LANES + 1)}
    for result in results:
        service = result.call.service
        expected: tuple[Outcome, str] = ("unknown", "cancelled") if service in sent else ("not-sent", "cancelled")
        assert (result.outcome, result.error) == (("accepted", "") if service == "s0" else expected)


def test_cancelled_after_a_refused_token_each_call_has_its_own_reason() -> None:
    with released() as go:

        def before(call: Call) -> None:
            if call.service == "s2":
                until(lambda: len(script.sent) == LANES + 1)
            elif call.service != "s0":
                assert go.wait(5)

        script = Script({"s2": [AUTH]}, before)
        outbox = Outbox(calls(20), script, hurried(standing))
        with running(outbox):
            until(lambda: outbox.sender.reason != "")
            results = outbox.results("cancelled")
            sent = set(script.services)
            go.set()
    for result in results:
        service = result.call.service
        expected = ("unknown", "cancelled") if service in sent else ("not-sent", "unauthorized_before")
        if service in ("s0", "s2"):
            expected = ("accepted", "") if service == "s0" else ("failed", "invalid_auth")
        assert (service, result.outcome, result.error) == (service, *expected)
    assert len(sent) == LANES + 1


def test_nothing_is_sent_after_the_end() -> None:
    with released() as go:

        def before(call: Call) -> None:
            assert call.service == "s0" or go.wait(5)

        script = Script({f"s{number}": [CONFLICT, BUSY, OK] for number in range(1, 20)}, before)
        outbox = Outbox(calls(20), script, hurried(standing), on_conflict="update")
        with running(outbox):
            until(lambda: len(script.sent) == LANES + 1)
            results = outbox.results()
            sent = list(script.sent)
            go.set()
    assert script.sent == sent
    assert outbox.updates == []
    assert all(result.outcome == ("unknown" if result.call in sent[1:] else "not-sent") for result in results[1:])
    # A conflict that came in meanwhile is not taken for a success.
    late = [result for result in outbox.results() if result.call in sent[1:]]
    assert {(result.outcome, result.error) for result in late} == {("failed", "reference_id_conflict")}


def test_a_cancel_while_it_is_closed_loses_no_call_that_was_sent() -> None:
    """It is closed after a bug, too, and a cancel may come meanwhile."""
    planned, cancels = calls(9), [Interrupted]

    class Cancelled(Batch):
        def record(self, index: int, result: Result) -> None:
            if result.error == "internal_error" and cancels:
                raise cancels.pop()
            super().record(index, result)

    with released() as go:
        script = Script(before=lambda call: call.service == "s0" or go.wait(5))
        batch = Cancelled(planned)
        sender = Sender(batch, batch, script, hurried(standing), Terms(lanes=LANES), say=ignore)
        Thread(target=sender.run, daemon=True).start()
        until(lambda: len(script.sent) == 9)
        with pytest.raises(Interrupted):
            sender.close("internal_error")
        sender.close("cancelled")
        results = batch.results(sender.reason)
    assert [result.outcome for result in results] == ["accepted", *["unknown"] * 8]


def test_nothing_is_logged_after_the_end() -> None:
    said: list[str] = []
    with released() as go:
        script = Script({"s0": [DOWN]}, lambda _call: go.wait(5))
        outbox = Outbox(calls(1), script, hurried(standing), say=said.append)
        with running(outbox):
            until(lambda: len(script.sent) == 1)
            outbox.results("cancelled")
            go.set()
    assert said == []


def test_results_before_anything_ran() -> None:
    outbox = Outbox(calls(2), Script())
    assert {(result.outcome, result.error) for result in outbox.results("cancelled")} == {("not-sent", "cancelled")}


def test_two_hundred_services() -> None:
    faults = [Fault(status=503, times=3), Fault(reset="after", times=3), Fault(status=429, times=3)]
    planned = calls(200)
    with Sandbox(token=TOKEN, latency=0.05, faults=[Fault(latency=0), *faults]) as sandbox:
        dx = Dx(
            parse_host(sandbox.url),
            SecretStr(TOKEN),
            context=None,
            proxies={},
            monotonic=time.monotonic,
            connections=LANES,
        )
        busy = most = 0
        lock = Lock()

        def counted(call: Call, seconds: float) -> Answer | Verdict:
            nonlocal busy, most
            with lock:
                busy += 1
                most = max(most, busy)
            try:
                return dx(call, seconds)
            finally:
                with lock:
                    busy -= 1

        outbox = Outbox(planned, counted, seconds=3600, on_conflict="fail")  # a slow machine is to relieve no lane
        outbox.run()
        results = outbox.results()
        assert [result.call for result in results] == planned
        assert {(result.outcome, result.error) for result in results} == {("accepted", "")}
        assert sum(result.attempts for result in results) == 209 == len(sandbox.requests())
        assert Counter(each["reference_id"] for each in sandbox.deployments()) == Counter(
            call.reference_id for call in planned
        )
        assert 1 < most <= LANES
        dx._session.close()


# Rows, each with a deadline of its own, in the order of a backfill.

TEN = [("a", minute) for minute in range(5)] + [("b", minute) for minute in range(5)]
HELD, NOT_SENT = "accepted", "not-sent"


def test_every_row_is_sent_once_oldest_first_of_its_key() -> None:
    rows = Listed([(f"s{number % 7}", -number) for number in range(100)])
    dx = Scripted()
    told = sent(rows, dx, concurrency=8)
    assert set(told.outcomes) == {HELD}
    assert sorted(dx.ids) == sorted(rows.call(index).reference_id for index in range(100))
    for service in {name for _, name, _ in rows.names}:
        mine = [call.json()["deployed_at"] for call in dx.sent if call.service == service]
        assert mine == sorted(mine)


def test_pull_requests_go_first() -> None:
    dx = Scripted()
    sent(Listed([("a", 1), 7, ("b", 2), 8]), dx, concurrency=4)
    assert {call.method for call in dx.sent[:2]} == {"deployments.setPullServices"}


@pytest.mark.parametrize("lanes", [1, 3, 8])
def test_so_many_are_in_flight_and_no_two_of_a_key(lanes: int) -> None:
    rows = Listed([(f"s{number % 20}", number) for number in range(60)])
    dx = Scripted()
    inside: Counter[str] = Counter()
    most: Counter[str] = Counter()
    full = Event()

    def before(call: Call) -> None:
        inside[call.service] += 1
        most[call.service] = max(most[call.service], inside[call.service])
        if len(dx.sent) > 1:
            until(lambda: full.is_set() or dx.busy == lanes)
            full.set()
        inside[call.service] -= 1

    dx.before = before
    sent(rows, dx, concurrency=lanes)
    assert dx.most == lanes
    assert set(most.values()) == {1}


def test_a_refused_token_is_seen_once_by_rows() -> None:
    dx = Scripted({"a": [AUTH], "b": [AUTH]})
    dx.before = lambda _call: time.sleep(0.05)  # others would come meanwhile
    told = sent(Listed(TEN), dx, concurrency=8)
    assert len(dx.sent) == 1
    assert Counter(told.outcomes) == {"failed": 1, NOT_SENT: 9}
    assert told.job.reason == "unauthorized_before"


def test_the_others_wait_for_the_first_answer_only() -> None:
    """Not for the second attempt of a row whose first one failed."""
    dx = Scripted({"a/0/0": [DOWN, OK]})
    clock = Hurried().clock()._replace(sleep=lambda _seconds: until(lambda: len(dx.sent) > 1))
    sent(Listed(TEN), dx, clock, concurrency=2)
    assert dx.ids[:2] == ["a/0/0", "b/0/5"]


def test_who_waits_for_a_turn_is_not_sent_after_a_stop() -> None:
    dx, waiting = Scripted({"b": [AUTH]}), Event()
    hurried = Hurried()

    def sleep(seconds: float) -> None:
        hurried.sleep(seconds)
        if "b/2/1" in dx.ids:
            waiting.set()
            until(lambda: told.job.reason != "")

    dx.before = lambda call: until(waiting.is_set) if call.service == "b" else None
    rows = Listed([("a", 1), ("b", 2), ("c", 3)])
    told = prepared(rows, dx, hurried.clock()._replace(sleep=sleep), concurrency=2, per_second=1.0)
    told.job.run()
    assert told.outcomes == [HELD, "failed", NOT_SENT]


def test_a_token_that_is_revoked_meanwhile_ends_it() -> None:
    dx = Scripted({"a/2/2": [AUTH]})
    told = sent(Listed([("a", minute) for minute in range(5)]), dx)
    assert told.outcomes == [HELD, HELD, "failed", NOT_SENT, NOT_SENT]


def test_a_refused_row_stops_nothing() -> None:
    told = sent(Listed(TEN), Scripted({"a/1/1": [REFUSED], "b/4/9": [CONFLICT]}), on_conflict="fail")
    assert Counter(told.outcomes) == {HELD: 8, "failed": 2}
    assert [call.reference_id for call in told.kept] == ["a/1/1", "b/4/9"]
    assert [line.number for line in told.tally.failed] == [3, 11]


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [([DOWN], "unknown"), ([LOST], "unknown"), ([NO_CONNECTION], "failed"), ([LOST, REFUSED], "unknown")],
)
def test_what_was_not_delivered_holds_back_the_rest_of_its_key(
    answers: Sequence[Answer | Verdict], outcome: str
) -> None:
    rows = Listed([("a", 1), ("a", 2), ("b", 1), ("b", 3), ("a", 3)])
    told = sent(rows, Scripted({"a/2/1": answers}), concurrency=2)
    assert told.outcomes == [HELD, outcome, HELD, HELD, NOT_SENT]
    assert (told.order.held_back, told.job.reason) == (1, "stopped_before")


def test_an_outage_ends_it() -> None:
    rows = Listed([(f"s{number}", number) for number in range(100)])
    dx = Scripted({f"s{number}": [DOWN] for number in range(10, 100)})
    told = sent(rows, dx, concurrency=2, timeout=5.0)
    assert told.outcomes[:10] == [HELD] * 10
    assert Counter(told.outcomes[10:])["unknown"] in (4, 5)
    assert set(told.outcomes[20:]) == {NOT_SENT}


def test_rows_that_fail_among_others_are_no_outage() -> None:
    rows = Listed([(f"s{number}", number) for number in range(40)])
    told = sent(rows, Scripted({f"s{number}": [DOWN] for number in range(1, 40, 2)}), concurrency=1, timeout=5.0)
    assert told.outcomes == [HELD, "unknown"] * 20


@pytest.mark.parametrize("error", ["certificate_untrusted", "proxy_unusable", "redirect", "request_impossible"])
def test_a_host_that_no_row_can_be_sent_to_is_asked_once(error: str) -> None:
    dx = Scripted({"a": [Verdict("refused", error)], "b": [Verdict("refused", error)]})
    told = sent(Listed(TEN), dx, concurrency=8)
    assert len(dx.sent) == 1
    assert told.job.reason == "stopped_before"


OTHER = Answer(422, b'{"ok": false, "error": "x"}')


@pytest.mark.parametrize(
    ("verdict", "down", "reason"),
    [
        (Verdict("accepted"), 0, ""),
        (Verdict("conflict"), 0, ""),
        (Verdict("refused", "repo_not_found", http_status=422), 0, ""),
        (Verdict("refused", "http_404", http_status=404), 0, ""),
        (Verdict("refused", "redirect", http_status=302), 0, "stopped_before"),
        (Verdict("unauthorized", "invalid_auth"), 0, "unauthorized_before"),
        (Verdict("try-again", "http_429", http_status=429), 1, ""),
        (Verdict("try-again", "http_429", http_status=429, retry_after=59), 1, ""),
        (Verdict("try-again", "http_429", http_status=429, retry_after=60), 1, "http_429"),
        (Verdict("try-again", "http_503", http_status=503, retry_after=999), 1, ""),
        (Verdict("try-again", "http_503", http_status=503), 7, ""),
        (Verdict("try-again", "http_503", http_status=503), 8, "stopped_before"),
    ],
)
def test_what_ends_it(verdict: Verdict, down: int, reason: str) -> None:
    assert why_stop(verdict, longest=59.0, down=down, lanes=4) == reason


def test_too_many_without_a_time_to_wait_ends_nothing() -> None:
    assert why_stop(Verdict("try-again", "http_429", http_status=429), longest=0.5, down=1, lanes=4) == ""


@pytest.mark.parametrize(
    ("on_conflict", "outcome", "methods"),
    [
        ("keep", "already-registered", ["create"]),
        ("fail", "failed", ["create"]),
        ("update", HELD, ["create", "upsert"]),
    ],
)
def test_a_conflict(on_conflict: str, outcome: str, methods: list[str]) -> None:
    dx = Scripted({"a": [CONFLICT, OK]})
    told = sent(Listed([("a", 1)]), dx, on_conflict=on_conflict)
    assert told.outcomes == [outcome]
    assert [call.method.partition(".")[2] for call in dx.sent] == methods


def test_an_update_has_the_time_that_its_row_has_left() -> None:
    hurried = Hurried()
    dx = Scripted({"a": [*[NO_CONNECTION] * 4, CONFLICT, NO_CONNECTION]})
    told = sent(Listed([("a", 1)]), dx, hurried.clock(), on_conflict="update", timeout=10.0)
    assert told.outcomes == ["failed"]
    assert hurried.at <= 10


def test_the_rate_holds_for_all_lanes_and_every_attempt() -> None:
    hurried = Hurried()
    at: list[float] = []
    dx = Scripted({"a/0/0": [DOWN, DOWN, OK]})
    dx.before = lambda _call: at.append(hurried.at)
    told = sent(Listed(TEN), dx, hurried.clock(), concurrency=4, per_second=2.0)
    assert set(told.outcomes) == {HELD}
    assert len(at) == 12
    assert all(after - before >= 0.499 for before, after in pairwise(sorted(at)))


def test_a_wait_for_its_turn_is_no_part_of_a_row_s_time() -> None:
    """At one request in 100 s, a row waits for its second attempt much longer than `timeout`."""
    dx = Scripted({"a/1/1": [LOST, OK]})
    told = sent(Listed(TEN), dx, concurrency=4, per_second=0.01, timeout=10.0)
    assert set(told.outcomes) == {HELD}


def test_too_many_requests_pause_the_lanes_of_rows() -> None:
    hurried = Hurried()
    at: list[tuple[float, str]] = []
    dx = Scripted({"a/1/1": [Answer(429, b"", "30"), OK]})
    dx.before = lambda call: at.append((hurried.at, call.reference_id))
    told = sent(Listed(TEN), dx, hurried.clock(), concurrency=2, per_second=1.0, timeout=40.0)
    assert set(told.outcomes) == {HELD}
    limited = next(moment for moment, name in at if name == "a/1/1")
    # One that was on its way already may come between.
    assert len([moment for moment, _ in at if limited < moment < limited + 29.5]) <= 1


def test_pauses_do_not_use_up_a_row_s_time() -> None:
    dx = Scripted({"a/1/1": [Answer(429, b"", "30"), OK], "b/1/6": [BUSY, Answer(429, b"", "35"), OK]})
    told = sent(Listed(TEN), dx, concurrency=4, timeout=40.0)
    assert set(told.outcomes) == {HELD}


@pytest.mark.parametrize("answer", [Answer(429, b"", "9999"), BUSY, Answer(429, b"", "20")])
def test_a_pause_that_is_too_long_ends_it(answer: Answer) -> None:
    hurried = Hurried()
    dx = Scripted({"a/3/3": [answer], "b": [OK, OK, OK, answer]})
    told = sent(Listed(TEN), dx, hurried.clock(), concurrency=4, timeout=60.0)
    assert told.job.reason == "http_429"
    assert Counter(told.outcomes)["failed"] in (1, 2)
    assert Counter(told.outcomes)[HELD] <= 6
    assert hurried.at <= 130


def test_failing_attempts_are_told_up_to_a_point() -> None:
    rows = Listed([(f"s{number}", number) for number in range(60)])
    told = sent(rows, Scripted({f"s{number}": [DOWN, OK] for number in range(60)}), timeout=600.0)
    assert set(told.outcomes) == {HELD}
    assert len([line for line in told.said if line.startswith("Attempt 1 for")]) == 20
    assert told.said.count("Further failed attempts are not logged one by one.") == 1


def test_a_step_has_eight_lanes_and_logs_every_failed_attempt() -> None:
    assert sender.LANES == LANES
    said: list[str] = []
    answers: dict[str, Answers] = {"s0": [*[NO_CONNECTION] * 30, OK]}
    outbox = Outbox(calls(1), Script(answers), Hurried().clock(), seconds=3600, say=said.append)
    outbox.run()
    assert [line.partition(":")[0] for line in said] == [f"Attempt {number} for s0" for number in range(1, 31)]


def test_how_far_it_is_is_told_now_and_then() -> None:
    hurried = Hurried()
    dx = Scripted()
    told = prepared(Listed([("a", minute) for minute in range(10)]), dx, hurried.clock())

    def before(_call: Call) -> None:
        if len(dx.sent) == 5:
            hurried.sleep(10)
            until(lambda: told.said != [])

    dx.before = before
    told.job.run()
    assert told.said[0] == "4 of 10 sent, 0 failed, 0.4 a second, about 15 s left"


def test_closing_settles_what_is_in_flight() -> None:
    go = Event()
    dx = Scripted({"a/1/1": [DOWN, OK]})

    def before(call: Call) -> None:
        if call.reference_id == "b/1/6":
            raise KeyboardInterrupt  # as a signal would in the waiting thread
        if len(dx.sent) > 3:
            go.wait(5)

    dx.before = before
    told = prepared(Listed(TEN), dx, concurrency=2)
    with pytest.raises(KeyboardInterrupt):
        told.job.run()
    told.job.close("cancelled")
    before_release = list(told.outcomes)
    go.set()
    assert before_release[6] == "unknown"
    assert Counter(before_release)[NOT_SENT] >= 5
    assert {call.reference_id for call in told.kept} <= {"b/1/6", "a/1/1", "a/2/2"}
    assert told.outcomes == before_release


@pytest.mark.parametrize("lanes", [1, 2])
def test_a_server_that_never_answers_ends_a_row_by_its_timeout(lanes: int) -> None:
    go, hurried, dx = Event(), Hurried(), Scripted()

    def before(call: Call) -> None:
        if call.reference_id == "a/1/1":
            hurried.sleep(60)
            go.wait(5)

    dx.before = before
    started = time.monotonic()
    told = sent(Listed(TEN), dx, hurried.clock(), concurrency=lanes, timeout=60.0)
    assert time.monotonic() - started < 3
    before_release = list(told.outcomes)
    assert before_release == [HELD, "unknown", *[NOT_SENT] * 3, *[HELD] * 5]
    assert [result.error for result in told.results] == ["no_answer"]
    go.set()
    until(lambda: dx.busy == 0)
    time.sleep(0.02)
    # An answer that comes after the row was reported changes nothing.
    assert told.outcomes == before_release
    assert [call.reference_id for call in told.kept] == ["a/1/1"]


@pytest.mark.parametrize("lanes", [1, 3])
def test_a_machine_that_stalls_between_any_two_steps_loses_no_row(lanes: int) -> None:
    seconds = iter(range(0, 1_000_000, 60))
    dx = Scripted()
    told = prepared(Listed(TEN), dx, hurried(lambda: next(seconds)), concurrency=lanes, timeout=60.0)
    thread = Thread(target=told.job.run, daemon=True)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
    assert told.outcomes == [HELD] * 10
    assert sorted(dx.ids) == sorted(f"{service}/{minute}/{index}" for index, (service, minute) in enumerate(TEN))


def test_a_server_that_answers_no_more_is_an_outage() -> None:
    go, hurried, dx = Event(), Hurried(), Scripted()

    def before(call: Call) -> None:
        if len(dx.sent) > 3:
            hurried.sleep(60)
            go.wait(5)

    dx.before = before
    told = sent(Listed([(f"s{number}", number) for number in range(20)]), dx, hurried.clock(), concurrency=1)
    go.set()
    assert told.outcomes == [*[HELD] * 3, *["unknown"] * 2, *[NOT_SENT] * 15]
    assert told.job.reason == "stopped_before"


class Lost(Listed):
    """Rows whose file breaks."""

    def call(self, index: int) -> Call:
        if index == 2:
            raise FileNotFoundError
        return super().call(index)


def test_a_row_that_cannot_be_read_again_ends_it() -> None:
    told = prepared(Lost([("a", minute) for minute in range(5)]), Scripted())
    with pytest.raises(FileNotFoundError):
        told.job.run()
    told.job.close("internal_error")
    assert told.outcomes == [HELD, HELD, NOT_SENT, NOT_SENT, NOT_SENT]
    assert told.job.reason == "internal_error"


def test_a_bug_in_a_lane_reaches_the_caller() -> None:
    dx = Scripted()

    def before(_call: Call) -> None:
        raise ZeroDivisionError

    dx.before = before
    with pytest.raises(ZeroDivisionError):
        sent(Listed(TEN), dx)


def test_the_terms_of_a_step_that_sets_none() -> None:
    assert Terms() == Terms(60.0, LANES, 1, per_call=False, per_second=0.0, on_conflict="keep")


def test_progress_is_by_the_seconds_since_the_sending_began() -> None:
    """And without a reader of it there is nothing to say."""
    at = [100.0]
    clock = hurried()._replace(monotonic=lambda: at[0])
    batch, progress = Batch(calls(1)), Progress(lambda seconds: f"after {seconds:g} s", ignore, 5)
    sender = Sender(batch, batch, Script(), clock, Terms(), say=ignore, progress=progress)
    at[0] = 107.5
    assert sender.progress() == "after 7.5 s"
    assert Sender(batch, batch, Script(), clock, Terms(), say=ignore).progress() == ""

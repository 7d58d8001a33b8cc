"""One call's attempts, against scripted transports and a clock that only the tests move."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from dx_action.deployment.calls import Call, Outcome, Result, serialise
from dx_action.dx.answers import Answer, Verdict
from dx_action.dx.delivery import ClosedError, Delivery
from dx_action.runner.runtime import Clock
from dx_action.sandbox import Store

# The bounds, as literals: what the code has must be these.
FIRST_WAIT, LEAST_ATTEMPT, LONGEST_WAIT = 0.5, 1.0, 15.0

BODY = {"reference_id": "r", "deployed_at": "2025-01-01T12:05:00Z", "service": "web", "repository": "o/r"}
CALL = Call("deployments.create", "web", "r", serialise(BODY))
BUDGET = 60.0
# A machine that is busy with something else is no failure.
LOADED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

OK = Answer(200, b'{"ok": true}')
CONFLICT = Answer(409, b'{"ok": false, "error": "reference_id_taken"}')
LOCKED = Answer(409, b'{"ok": false, "error": "locked"}')
TAKEN = Answer(422, b'{"ok": false, "error": "reference_id_taken", "message": "It already exists."}')
REFUSED = Answer(422, b'{"ok": false, "error": "repo_not_found", "message": "No such repository."}')
ABSENT = Answer(422, b'{"error": "deployment_not_found", "message": "No existing deployment found for reference_id r"}')
AUTH = Answer(422, b'{"ok": false, "error": "invalid_auth"}')
BUSY = Answer(429, b"")
DOWN = Answer(503, b"")
HTML = Answer(200, b"<html>")
REDIRECT = Answer(302, b"")
NO_CONNECTION = Verdict("try-again", "connection_failed")
NO_ANSWER = Verdict("try-again", "no_answer", may_hold=True)
LOST = Verdict("try-again", "connection_lost", may_hold=True)
UNTRUSTED = Verdict("refused", "certificate_untrusted")


@dataclass
class Time:
    """A virtual clock; it moves by sleeping and where a transport says that it took time."""

    at: float = 0.0
    chance: float = 0.0
    slept: list[float] = field(default_factory=list)
    on_sleep: Callable[[], None] = lambda: None

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.on_sleep()
        self.at += seconds

    def clock(self) -> Clock:
        start = datetime(2025, 1, 1, 12, 0, tzinfo=UTC)
        return Clock(lambda: self.at, self.sleep, lambda: start + timedelta(seconds=self.at), lambda: self.chance)


class Script:
    """A transport that answers by a list, its last entry for ever, each attempt taking a moment."""

    def __init__(self, time: Time, answers: Iterable[Answer | Verdict], *, takes: float = 0.1) -> None:
        self.time, self.answers, self.takes = time, list(answers), takes
        self.attempts: list[tuple[float, float, bytes]] = []

    def __call__(self, call: Call, seconds: float) -> Answer | Verdict:
        self.attempts.append((self.time.at, seconds, call.body))
        self.time.at += min(self.takes, seconds)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def ignore(_text: str) -> None:
    pass


def delivered(
    *answers: Answer | Verdict, budget: float = BUDGET, takes: float = 0.1, chance: float = 0.0
) -> tuple[Result, Script, Time]:
    time = Time(chance=chance)
    script = Script(time, answers, takes=takes)
    delivery = Delivery(CALL)
    delivery.run(script, time.clock(), budget, ignore)
    return delivery.end("never said"), script, time


@pytest.mark.parametrize(
    ("answers", "outcome", "error", "status"),
    [
        ([OK], "accepted", "", 200),
        ([CONFLICT], "already-registered", "reference_id_taken", 409),
        ([LOCKED], "failed", "locked", 409),
        ([DOWN, LOCKED], "unknown", "locked", 409),
        ([TAKEN], "already-registered", "http_422", 422),
        ([REFUSED], "failed", "repo_not_found", 422),
        ([AUTH], "failed", "invalid_auth", 422),
        ([REDIRECT], "failed", "redirect", 302),
        ([UNTRUSTED], "failed", "certificate_untrusted", None),
        # Nobody has taken anything yet.
        ([BUSY, OK], "accepted", "", 200),
        ([NO_CONNECTION, OK], "accepted", "", 200),
        ([BUSY, NO_CONNECTION, REFUSED], "failed", "repo_not_found", 422),
        ([BUSY, TAKEN], "already-registered", "http_422", 422),
        ([NO_CONNECTION, CONFLICT], "already-registered", "reference_id_taken", 409),
        ([BUSY], "failed", "http_429", 429),
        ([NO_CONNECTION], "failed", "connection_failed", None),
        ([NO_CONNECTION, BUSY], "failed", "http_429", 429),
        # One attempt's fate is unknown, and stays so until DX says that it holds the deployment.
        ([DOWN, OK], "accepted", "", 200),
        ([DOWN, TAKEN], "accepted", "", 422),
        ([DOWN, CONFLICT], "accepted", "", 409),
        ([HTML, CONFLICT], "accepted", "", 409),
        ([NO_ANSWER, BUSY, NO_CONNECTION, CONFLICT], "accepted", "", 409),
        ([LOST, REFUSED], "unknown", "repo_not_found", 422),
        ([LOST, ABSENT], "unknown", "deployment_not_found", 422),
        ([NO_ANSWER, AUTH], "unknown", "invalid_auth", 422),
        ([DOWN, REDIRECT], "unknown", "redirect", 302),
        ([DOWN, UNTRUSTED], "unknown", "certificate_untrusted", None),
        ([DOWN, BUSY], "unknown", "http_429", 429),
        ([LOST, NO_CONNECTION], "unknown", "connection_failed", None),
        ([DOWN], "unknown", "http_503", 503),
        ([HTML], "unknown", "unreadable_answer", 200),
        ([NO_ANSWER], "unknown", "no_answer", None),
        ([LOST], "unknown", "connection_lost", None),
    ],
)
def test_outcomes(answers: list[Answer | Verdict], outcome: Outcome, error: str, status: int | None) -> None:
    if answers[-1] is TAKEN:
        answers = [*answers[:-1], Answer(422, b'{"ok": false, "message": "This reference_id already exists."}')]
    result, script, _ = delivered(*answers)
    assert (result.call, result.outcome, result.error, result.http_status) == (CALL, outcome, error, status)
    assert result.attempts == len(script.attempts) >= len(answers)
    assert result.delivered == (outcome in ("accepted", "already-registered"))


def test_dx_s_own_words_are_kept() -> None:
    assert delivered(REFUSED)[0].message == "No such repository."
    assert delivered(DOWN, REFUSED)[0].message == "No such repository."
    assert delivered(DOWN, CONFLICT)[0].message == ""


def test_every_attempt_sends_the_same_bytes_within_what_is_left() -> None:
    _, script, _ = delivered(DOWN)
    assert {body for *_, body in script.attempts} == {CALL.body}
    assert all(seconds == pytest.approx(min(BUDGET - at, 30)) for at, seconds, _ in script.attempts)


@pytest.mark.parametrize(
    ("budget", "takes", "first", "second"),
    [
        (110, 32, 55, 55),
        (110, 2, 55, 55),
        (110, 80, 55, 29.5),
        (61, 1, 30.5, 30.5),
        (60, 1, 30, 30),
        (31, 10, 30, 20.5),
    ],
)
def test_an_attempt_has_thirty_seconds_or_half_of_the_budget(
    budget: float, takes: float, first: float, second: float
) -> None:
    """By the budget that the first one began with: a slow server's answer is not thrown away after a failure at once."""
    time, delivery, given = Time(chance=1.0), Delivery(CALL), list[float]()

    def transport(call: Call, seconds: float) -> Answer | Verdict:
        given.append(seconds)
        time.at += takes
        return NO_ANSWER

    delivery.run(transport, time.clock(), budget, ignore)
    assert given[:2] == [first, second]


@pytest.mark.parametrize(("chance", "first"), [(0.0, [0.25, 0.5, 1, 2, 4, 7.5, 7.5]), (1.0, [0.5, 1, 2, 4, 8, 15, 15])])
def test_waits_grow_up_to_a_bound(chance: float, first: list[float]) -> None:
    assert (FIRST_WAIT, LONGEST_WAIT) == (0.5, 15.0)
    _, _, time = delivered(DOWN, budget=600, chance=chance)
    assert time.slept[: len(first)] == pytest.approx(first)
    assert set(time.slept[len(first) :]) == {first[-1]}


def test_waits_are_jittered() -> None:
    chances = iter([0.0, 0.5, 0.9, 0.1, 0.0])
    time = Time()
    clock = Clock(lambda: time.at, time.sleep, lambda: datetime.now(UTC), lambda: next(chances))
    Delivery(CALL).run(Script(time, [BUSY, BUSY, BUSY, BUSY, OK]), clock, BUDGET, ignore)
    assert time.slept == pytest.approx([0.25, 0.75, 1.9, 2.2])


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("7", 7),
        ("Wed, 01 Jan 2025 12:00:20 GMT", 19.9),
        # Less than what would be waited anyway does not shorten that.
        ("0", 0.25),
        ("Wed, 01 Jan 2025 11:00:00 GMT", 0.25),
        ("soon", 0.25),
        ("-3", 0.25),
        (None, 0.25),
    ],
)
@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_retry_after_is_honoured(status: int, header: str | None, wait: float) -> None:
    result, script, time = delivered(Answer(status, b"", header), OK)
    assert result.outcome == "accepted"
    assert time.slept == pytest.approx([wait])
    assert script.attempts[1][0] == pytest.approx(0.1 + wait)


@pytest.mark.parametrize("header", ["59", "9999", "9" * 30, "9" * 400, "Thu, 01 Jan 2026 12:00:00 GMT"])
def test_a_retry_after_beyond_the_budget_ends_it_at_once(header: str) -> None:
    for status, outcome in ((429, "failed"), (503, "unknown")):
        result, script, time = delivered(Answer(status, b"", header), OK)
        assert (result.outcome, result.error) == (outcome, f"http_{status}")
        assert (len(script.attempts), time.slept) == (1, [])


@pytest.mark.parametrize(("budget", "attempts"), [(6.0, 2), (5.9, 1), (5.0, 1), (10.9, 2), (11.0, 3)])
def test_the_last_attempt_has_a_second_at_least(budget: float, attempts: int) -> None:
    assert LEAST_ATTEMPT == 1.0
    _, script, _ = delivered(Answer(429, b"", "5"), budget=budget, takes=0.0)
    assert len(script.attempts) == attempts
    assert script.attempts[-1][1] >= 1.0


@given(
    st.lists(st.sampled_from([BUSY, DOWN, HTML, NO_CONNECTION, NO_ANSWER, Answer(429, b"", "3")]), min_size=1),
    st.floats(1, 100),
    st.floats(0, 40),
    st.floats(0, 1, exclude_max=True),
)
@LOADED
def test_nothing_is_sent_or_waited_for_beyond_the_budget(
    answers: list[Answer | Verdict], budget: float, takes: float, chance: float
) -> None:
    result, script, time = delivered(*answers, budget=budget, takes=takes, chance=chance)
    assert time.at <= budget
    assert all(at + seconds <= budget + 1e-9 for at, seconds, _ in script.attempts)
    for number, wait in enumerate(time.slept):
        grown = min(FIRST_WAIT * 2**number, LONGEST_WAIT)
        assert grown / 2 <= wait <= max(grown, 3)
    assert result.outcome in ("failed", "unknown")


def test_each_wait_is_told() -> None:
    time, told = Time(), list[str]()
    answers: list[Answer | Verdict] = [DOWN, NO_CONNECTION, Answer(429, b'{"error": "::error::x"}', "7"), OK]
    Delivery(CALL).run(Script(time, answers), time.clock(), BUDGET, told.append)
    assert told == [
        "Attempt 1 for web: HTTP 503. Trying again in 0.2 s.",
        "Attempt 2 for web: no connection. Trying again in 0.5 s.",
        "Attempt 3 for web: HTTP 429. Trying again in 7.0 s.",
    ]


def test_before_the_first_attempt_nothing_was_sent() -> None:
    time, delivery = Time(), Delivery(CALL)
    script = Script(time, [OK])
    assert delivery.end("cancelled") == Result(CALL, "not-sent", error="cancelled")
    with pytest.raises(ClosedError):
        delivery.run(script, time.clock(), BUDGET, ignore)
    assert script.attempts == []


@pytest.mark.parametrize(
    ("answers", "outcome", "status", "error"),
    [
        ([BUSY], "failed", 429, "http_429"),
        ([NO_CONNECTION], "failed", None, "connection_failed"),
        ([DOWN], "unknown", 503, "http_503"),
        ([DOWN, BUSY], "unknown", 429, "http_429"),
        ([NO_ANSWER, NO_CONNECTION], "unknown", None, "connection_failed"),
    ],
)
@pytest.mark.parametrize("reason", ["cancelled", "out_of_time"])
@pytest.mark.parametrize("moment", ["told", "asleep"])
def test_ended_between_two_attempts(
    answers: list[Answer | Verdict], outcome: Outcome, status: int | None, error: str, reason: str, moment: str
) -> None:
    ended: list[Result] = []
    time, delivery = Time(), Delivery(CALL)
    script = Script(time, answers)

    def end() -> None:
        if len(script.attempts) == len(answers):
            ended.append(delivery.end(reason))

    if moment == "asleep":
        time.on_sleep = end
    with pytest.raises(ClosedError):
        delivery.run(script, time.clock(), BUDGET, lambda _text: end() if moment == "told" else None)
    # What was sent was sent: "out of time" would say that it was not.
    said = reason if reason == "cancelled" else error
    assert ended == [Result(CALL, outcome, status, said, attempts=len(answers))]
    assert len(script.attempts) == len(answers)
    assert delivery.end("later") == Result(CALL, outcome, status, "later", attempts=len(answers))


@pytest.mark.parametrize(("reason", "error"), [("cancelled", "cancelled"), ("out_of_time", "no_answer")])
@pytest.mark.parametrize("before", [[], [BUSY], [DOWN]])
@pytest.mark.parametrize("answer", [OK, BUSY, REFUSED, TAKEN, DOWN])
def test_ended_while_an_attempt_is_under_way(
    before: list[Answer | Verdict], answer: Answer, reason: str, error: str
) -> None:
    ended: list[Result] = []
    time, delivery = Time(), Delivery(CALL)
    inner = Script(time, [*before, answer])

    def transport(call: Call, seconds: float) -> Answer | Verdict:
        if len(inner.attempts) == len(before):
            ended.append(delivery.end(reason))
        return inner(call, seconds)

    try:
        delivery.run(transport, time.clock(), BUDGET, ignore)
    except ClosedError:
        assert answer in (BUSY, DOWN)
    assert len(inner.attempts) == len(before) + 1
    [result] = ended
    assert result == Result(CALL, "unknown", None, error, attempts=len(before) + 1)


def test_ended_from_another_thread_while_an_attempt_hangs() -> None:
    time, delivery = Time(), Delivery(CALL)
    sent, go = Event(), Event()

    def transport(call: Call, seconds: float) -> Answer | Verdict:
        sent.set()
        assert go.wait(5)
        return OK

    thread = Thread(target=delivery.run, args=(transport, time.clock(), BUDGET, ignore))
    thread.start()
    assert sent.wait(5)
    first = delivery.end("cancelled")
    go.set()
    thread.join(5)
    assert (first.outcome, first.attempts) == ("unknown", 1)
    # What came in later is told to whoever asks later.
    assert delivery.end("cancelled").outcome == "accepted"


def test_an_attempt_is_in_flight_from_its_start_to_its_answer() -> None:
    time, seen = Time(), list[bool]()
    delivery = Delivery(CALL)

    def transport(call: Call, seconds: float) -> Answer | Verdict:
        seen.append(delivery.in_flight)
        return Answer(503, b"") if len(seen) == 2 else Answer(200, b'{"ok": true}')

    time.on_sleep = lambda: seen.append(delivery.in_flight)
    seen.append(delivery.in_flight)
    delivery.run(transport, time.clock(), 60, ignore)
    assert [*seen, delivery.in_flight] == [False, True, False, True, False]


def test_what_has_an_end_keeps_it() -> None:
    for answer, outcome in ((OK, "accepted"), (REFUSED, "failed"), (CONFLICT, "already-registered")):
        result, _, _ = delivered(answer)
        assert result.outcome == outcome
        assert result.error != "never said"


def test_a_transport_that_breaks_leaves_the_fate_unknown() -> None:
    def transport(call: Call, seconds: float) -> Answer | Verdict:
        raise ZeroDivisionError

    delivery = Delivery(CALL)
    with pytest.raises(ZeroDivisionError):
        delivery.run(transport, Time().clock(), BUDGET, ignore)
    assert delivery.end("internal_error") == Result(CALL, "unknown", None, "internal_error", attempts=1)


@pytest.mark.parametrize(
    ("answers", "outcome", "error"),
    [([CONFLICT], "already-registered", "reference_id_taken"), ([DOWN, CONFLICT], "unknown", "reference_id_conflict")],
)
def test_until_an_update_is_sent_what_it_follows_counts(
    answers: list[Answer | Verdict], outcome: Outcome, error: str
) -> None:
    time, create = Time(), Delivery(CALL, updates=True)
    create.run(Script(time, answers), time.clock(), BUDGET, ignore)
    update = Delivery(CALL._replace(method="deployments.upsert"), after=create)
    assert update.end("cancelled") == Result(CALL, outcome, 409, error, attempts=len(answers))


Step = Literal["answer", "busy", "unreached", "lost before", "lost after", "late", "down", "down after", "html after"]
STEPS: list[Step] = [
    "answer",
    "busy",
    "unreached",
    "lost before",
    "lost after",
    "late",
    "down",
    "down after",
    "html after",
]


class Unreliable:
    """A transport to a store in memory, which misbehaves step by step; `interrupt` looks at every moment of it."""

    def __init__(self, store: Store, steps: list[Step], interrupt: Callable[[], None]) -> None:
        self.store, self.steps, self.interrupt = store, steps, interrupt
        self.attempts = 0

    def __call__(self, call: Call, seconds: float) -> Answer | Verdict:
        self.attempts += 1
        step: Step = self.steps.pop(0) if self.steps else "answer"
        self.interrupt()
        if step == "busy":
            return BUSY
        if step == "unreached":
            return NO_CONNECTION
        if step == "lost before":
            return LOST
        if step == "down":
            return DOWN
        status, said = self.store.handle(call.method, "sandbox-token", call.body)
        self.interrupt()
        if step == "answer":
            return Answer(status, json.dumps(said).encode())
        faults: dict[Step, Answer | Verdict]
        faults = {"lost after": LOST, "late": NO_ANSWER, "down after": DOWN, "html after": HTML}
        return faults[step]


def held(store: Store, **values: Any) -> int:
    return sum(each.items() >= values.items() for each in store.deployments())


@given(
    steps=st.lists(st.sampled_from(STEPS), max_size=12),
    budget=st.sampled_from([1.0, 2.0, 10.0, BUDGET]),
    chance=st.floats(0, 1, exclude_max=True),
    other=st.booleans(),
    allowed=st.sampled_from([True, True, True, False]),
    ends_at=st.sampled_from([None, None, *range(12)]),
)
@settings(LOADED, max_examples=250)
def test_an_outcome_is_never_a_lie(
    steps: list[Step], budget: float, chance: float, *, other: bool, allowed: bool, ends_at: int | None
) -> None:
    store = Store(repositories=["o/r", "o/other"] if allowed else ["o/other"])
    if other:
        first = BODY | {"repository": "o/other"}
        assert store.handle("deployments.create", "sandbox-token", serialise(first))[0] == 200
    before = store.deployments()
    delivery, moments, ended = Delivery(CALL), iter(range(1000)), list[tuple[Result, int]]()

    def moment() -> None:
        if next(moments) == ends_at:
            ended.append((delivery.end("cancelled"), transport.attempts))

    transport = Unreliable(store, steps, moment)
    time = Time(chance=chance, on_sleep=moment)
    moment()
    try:
        delivery.run(transport, time.clock(), budget, ignore)
    except ClosedError:
        assert ended
    told = ended[0] if ended else (delivery.end("never said"), transport.attempts)
    result, attempts = told
    event(f"{result.outcome}{', ended early' if ended else ''}")
    # What is said at the end is true of what DX holds afterwards, although an attempt may have been under way.
    assert transport.attempts == attempts == result.attempts
    assert len(store.deployments()) <= 1
    if result.delivered:
        assert held(store, reference_id="r") == 1
    if result.outcome in ("failed", "not-sent"):
        assert store.deployments() == before
    if result.outcome == "already-registered":
        assert (other, store.deployments()) == (True, before)
    if result.outcome == "accepted" and not other:
        assert held(store, reference_id="r", repository="o/r") == 1


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (NO_CONNECTION, "no connection"),
        (LOST, "the connection broke"),
        (NO_ANSWER, "no answer in time"),
        (HTML, "the answer is not JSON"),
        (DOWN, "HTTP 503"),
        (BUSY, "HTTP 429"),
    ],
)
def test_the_log_says_why_it_is_tried_again(answer: Answer | Verdict, told: str) -> None:
    time, said = Time(chance=1.0), list[str]()
    verdict = Delivery(CALL).run(Script(time, [answer, OK]), time.clock(), BUDGET, said.append)
    assert said == [f"Attempt 1 for web: {told}. Trying again in 0.5 s."]
    assert verdict.kind == "accepted"


def test_the_waits_double_up_to_a_quarter_of_a_minute() -> None:
    *_, time = delivered(BUSY, takes=0.0, budget=62.0, chance=1.0)
    assert time.slept == [0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0]


@pytest.mark.parametrize(
    ("answer", "asked"), [(BUSY, True), (DOWN, False), (NO_CONNECTION, False), (OK, False), (REFUSED, False)]
)
def test_dx_asks_for_fewer_requests_by_429(answer: Answer | Verdict, asked: bool) -> None:
    time, delivery = Time(), Delivery(CALL)
    assert not delivery.throttled
    delivery.run(Script(time, [answer]), time.clock(), 1.0, ignore)
    assert delivery.throttled is asked


@pytest.mark.parametrize(("budget", "attempts"), [(1.5, 2), (1.49, 1)])
def test_an_attempt_has_a_second_at_the_least(budget: float, attempts: int) -> None:
    _, script, _ = delivered(BUSY, takes=0.0, budget=budget, chance=1.0)
    assert len(script.attempts) == attempts

"""A backfill's engine: lanes side by side, what stops them, and what is known at any moment; and whole runs of the step."""

import io
import json
import signal
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from backfills import (
    AUTH,
    BUSY,
    CONFLICT,
    DOWN,
    LOST,
    NO_CONNECTION,
    OK,
    REFUSED,
    Hurried,
    Listed,
    Scripted,
    prepared,
    sent,
)
from dx_action.deployment.calls import Call
from dx_action.dx.answers import Answer, Verdict
from dx_action.dx.delivery import Transport
from dx_action.dx.sender import why_stop
from dx_action.errors import BadInput, Interrupted
from dx_action.main import main
from dx_action.sandbox import Fault, Sandbox
from runner import TOKEN, Run, Step, connected, fast_clock, until

TEN = [("a", minute) for minute in range(5)] + [("b", minute) for minute in range(5)]
HELD, NOT_SENT = "accepted", "not-sent"


# The engine.


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


def test_a_refused_token_is_seen_once() -> None:
    dx = Scripted({"a": [AUTH], "b": [AUTH]})
    dx.before = lambda _call: time.sleep(0.05)  # others would come meanwhile
    told = sent(Listed(TEN), dx, concurrency=8)
    assert len(dx.sent) == 1
    assert Counter(told.outcomes) == {"failed": 1, NOT_SENT: 9}
    assert told.job.reason == "unauthorized_before"


def test_the_others_wait_for_the_first_answer_only() -> None:
    """Not for the second attempt of a row whose first one failed."""
    dx = Scripted({"a/0/0": [DOWN, OK]})
    clock = replace(Hurried().clock(), sleep=lambda _seconds: until(lambda: len(dx.sent) > 1))
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
    told = prepared(rows, dx, replace(hurried.clock(), sleep=sleep), concurrency=2, per_second=1.0)
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
    assert (told.order.dropped, told.job.reason) == (1, "stopped_before")


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


@pytest.mark.parametrize("error", ["certificate", "redirect", "request_impossible"])
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


def test_too_many_requests_pause_all_lanes() -> None:
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
    assert "Further failed attempts are not logged one by one." in told.said


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


class Changed(Listed):
    """Rows of a file that somebody writes to meanwhile."""

    def call(self, index: int) -> Call:
        if index == 2:
            raise BadInput.of("backfill-file", "was changed.")
        return super().call(index)


def test_a_row_that_cannot_be_read_again_ends_it() -> None:
    told = sent(Changed([("a", minute) for minute in range(5)]), Scripted())
    assert told.outcomes == [HELD, HELD, NOT_SENT, NOT_SENT, NOT_SENT]
    assert str(told.job.problem) == "`backfill-file` was changed."
    assert told.job.reason == "stopped_before"


def test_a_bug_in_a_lane_reaches_the_caller() -> None:
    dx = Scripted()

    def before(_call: Call) -> None:
        raise ZeroDivisionError

    dx.before = before
    with pytest.raises(ZeroDivisionError):
        sent(Listed(TEN), dx)


# The step.


def row(service: str, number: int, **more: Any) -> dict[str, Any]:
    body = {"deployed_at": f"2025-01-{1 + number % 28:02}T12:{number % 60:02}:00Z", "service": service}
    return body | {"repository": "acme/shop", "commit_sha": f"{number:07x}"} | more


def write(folder: Path, rows: Sequence[Mapping[str, Any]], name: str = "rows.jsonl") -> None:
    workspace = folder / "workspace"
    workspace.mkdir(exist_ok=True)
    (workspace / name).write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf-8")


def step(folder: Path, dx: Sandbox, **more: str) -> Step:
    given = {"operation": "backfill", "backfill_file": "rows.jsonl", "max_per_second": "0"} | more
    return Step(folder, connected(dx, **given), "workflow_dispatch")


def lines(run: Run, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run.workspace / name).read_text(encoding="utf-8").splitlines()]


ROWS = [row(f"s{number % 3}", number) for number in range(30)]


def test_a_backfill_registers_every_row(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    with Sandbox(token=TOKEN) as dx:
        run = step(tmp_path, dx).inside()
        held = dx.deployments()
    assert (run.exit_code, run.status, len(held)) == (0, "registered", 30)
    assert run.said[-1] == "30 deployments: 30 registered."
    assert sorted(run.json("services")) == ["s0", "s1", "s2"]
    assert len(run.json("reference-ids")) == len(run.json("results")) == 30
    assert (run.json("requests"), run.outputs["truncated"]) == ([], "false")
    assert run.outputs["repository"] == "acme/shop"
    assert "| <code>s0</code> | 10 |" in run.summary
    assert 'title "Deployments per week"' in run.summary
    assert [command.data for command in run.commands if command.name == "group"] == [
        f"s{number}: 10 registered" for number in range(3)
    ]


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    with Sandbox(token=TOKEN) as dx:
        step(tmp_path, dx).inside()
        held = dx.deployments()
        run = step(tmp_path, dx).inside()
        assert dx.deployments() == held
    assert (run.exit_code, run.status) == (0, "registered")


def test_what_dx_holds_with_other_values_is_told(tmp_path: Path) -> None:
    write(tmp_path, [row("web", 1, reference_id="r1")])
    with Sandbox(token=TOKEN) as dx:
        step(tmp_path, dx).inside()
        write(tmp_path, [row("web", 2, reference_id="r1")])
        kept = step(tmp_path, dx).inside()
        updated = step(tmp_path, dx, on_conflict="update").inside()
    assert (kept.exit_code, kept.status) == (0, "already-registered")
    ((level, message),) = kept.annotations
    assert (level, message[:52]) == ("warning", "1 of 1 deployment (line 1) is already registered in ")
    assert "with other values, which DX keeps. If the rows correct" in message
    assert (updated.exit_code, updated.status) == (0, "registered")


def test_what_fails_is_kept_and_can_be_sent(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    faults = [Fault(status=422, error="repo_not_found", message="::error::x|<b>`\r")]
    with Sandbox(token=TOKEN, faults=faults) as dx:
        run = step(tmp_path, dx, failed_file="failed.jsonl").inside()
        assert len(dx.deployments()) == 29
        (failed,) = lines(run, "failed.jsonl")
        assert failed["reference_id"]
        again = step(tmp_path, dx, backfill_file="failed.jsonl").inside()
        assert len(dx.deployments()) == 30
    assert (run.exit_code, run.status) == (1, "partial")
    (error,) = (message for level, message in run.annotations if level == "error")
    assert error.startswith(
        "DX did not register 1 of 30 deployments (line 1): repo_not_found. DX could not find the repo"
    )
    assert "saved in failed.jsonl, ready to be sent as a `backfill-file`" in error
    assert run.results("outcome")[0] == ("failed",)
    assert "<b>" not in run.summary
    assert (again.exit_code, again.status) == (0, "registered")


def test_a_file_that_is_both_ends_empty_and_is_then_skipped(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    both = {"failed_file": "rows.jsonl"}
    with Sandbox(token=TOKEN, faults=[Fault(status=422, error="repo_not_found", times=2)]) as dx:
        runs = [step(tmp_path, dx, **both).inside()]
        left = lines(runs[0], "rows.jsonl")
        runs += [step(tmp_path, dx, **both).inside() for _ in range(2)]
        assert len(dx.deployments()) == 30
    assert len(left) == 2
    assert [run.status for run in runs] == ["partial", "registered", "skipped"]
    assert [run.exit_code for run in runs] == [1, 0, 0]
    assert (runs[0].workspace / "rows.jsonl").read_bytes() == b""
    assert list(runs[0].workspace.iterdir()) == [runs[0].workspace / "rows.jsonl"]


def test_a_csv_cannot_be_both(tmp_path: Path) -> None:
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "rows.csv").write_text("deployed_at,service\n2025-01-01T12:00:00Z,web\n")
    with Sandbox(token=TOKEN) as dx:
        run = step(tmp_path, dx, backfill_file="rows.csv", failed_file="rows.csv").inside()
        assert dx.requests() == []
    assert (run.exit_code, run.status) == (1, "failed")
    assert "what fails is written as JSON Lines" in run.outputs["reason"]


def test_a_refused_token_is_told_with_what_follows(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    with Sandbox(token="another-token") as dx:
        run = step(tmp_path, dx, failed_file="failed.jsonl").inside()
        assert len(dx.requests()) == 1
    assert (run.exit_code, run.status) == (1, "failed")
    (error,) = (message for level, message in run.annotations if level == "error")
    assert "1 of 30 deployments (line 1): invalid_auth. " in error
    assert "Because of it, 29 more were not sent." in error
    assert len(lines(run, "failed.jsonl")) == 30


def test_a_failure_may_be_a_warning(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    with Sandbox(token=TOKEN, faults=[Fault(status=422, error="repo_not_found")]) as dx:
        run = step(tmp_path, dx, fail_on_error="false").inside()
    assert (run.exit_code, run.status, {level for level, _ in run.annotations}) == (0, "partial", {"warning"})


def test_an_outage_leaves_the_rest_of_each_key_in_order(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    with Sandbox(token=TOKEN) as dx:
        dx.script([Fault(ok=True, times=10), Fault(status=503, times="forever")])
        run = step(tmp_path, dx, failed_file="failed.jsonl", timeout="5").inside(fast_clock())
        assert run.status == "partial"
        dx.script([])
        dx.reset()
        step(tmp_path, dx).inside()
        times = [(each["service"]["identifier"], each["deployed_at"]) for each in dx.deployments()]
    for service in ("s0", "s1", "s2"):
        mine = [time for name, time in times if name == service]
        assert mine == sorted(mine)
    assert "and order matters." in run.summary


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_cancelled_backfill_says_how_far_it_came_and_can_be_run_again(tmp_path: Path, number: signal.Signals) -> None:
    write(tmp_path, ROWS)
    with Sandbox(token=TOKEN, latency=0.1) as dx:
        process = step(tmp_path, dx, failed_file="failed.jsonl", concurrency="2").start()
        until(lambda: len(dx.deployments()) >= 4)
        process.send(number)
        run = process.wait()
        held = len(dx.deployments())
        left = lines(run, "failed.jsonl")
        again = step(tmp_path, dx).inside()
        assert len(dx.deployments()) == 30
    outcomes = Counter(outcome for (outcome,) in run.results("outcome"))
    assert (run.exit_code, run.status) == (1, "partial")
    assert outcomes[HELD] <= held < 30
    assert len(left) == 30 - outcomes[HELD]
    error = run.annotations[0][1]
    assert error.startswith(f"The job was cancelled. 30 deployments: {outcomes[HELD]} registered, ")
    assert "run the same backfill again" in error or "ready to be sent as a `backfill-file`" in error
    assert (again.exit_code, again.status) == (0, "registered")


def test_a_killed_backfill_can_be_run_again(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    with Sandbox(token=TOKEN, latency=0.05) as dx:
        process = step(tmp_path, dx, failed_file="rows.jsonl", concurrency="2").start()
        until(lambda: len(dx.deployments()) >= 4)
        process.send(signal.SIGKILL)
        process.wait()
        again = step(tmp_path, dx).inside()
        assert len(dx.deployments()) == 30
    assert (again.exit_code, again.status) == (0, "registered")


def test_a_dry_run_shows_what_a_live_one_sends(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    with Sandbox(token=TOKEN) as dx:
        dry = step(tmp_path, dx, dry_run="true").inside()
        assert dx.requests() == []
        step(tmp_path, dx, concurrency="1").inside()
        bodies = [request["body"] for request in dx.requests()]
    assert (dry.exit_code, dry.status) == (0, "dry-run")
    shown = [line.strip() for line in dry.said if line.strip().startswith("{")]
    assert shown == bodies


def test_a_long_dry_run_says_how_many_more(tmp_path: Path) -> None:
    write(tmp_path, [row("web", number) for number in range(250)])
    with Sandbox(token=TOKEN) as dx:
        run = step(tmp_path, dx, dry_run="true").inside()
    assert run.said[-1] == "  … and 50 more, not shown."


def test_a_csv_is_written_and_nothing_sent(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    with Sandbox(token=TOKEN) as dx:
        run = step(tmp_path, dx, csv_file="out/rows.csv", dx_token="").inside()
        assert dx.requests() == []
    assert (run.exit_code, run.status) == (0, "written")
    assert len((run.workspace / "out/rows.csv").read_text().splitlines()) == 31


def test_the_secret_is_in_nothing_that_is_kept(tmp_path: Path) -> None:
    write(tmp_path, [row("web", 1, metadata={"note": TOKEN})])
    with Sandbox(token=TOKEN, faults=[Fault(status=422, error="no", message=TOKEN)]) as dx:
        run = step(tmp_path, dx, failed_file="failed.jsonl").inside()
    text = (run.workspace / "failed.jsonl").read_text() + run.summary + run.raw_outputs + "".join(run.said)
    assert TOKEN not in text
    assert "***" in text


def test_only_calls_about_pull_requests(tmp_path: Path) -> None:
    pulls = [{"method": "setPullServices", "github_pull_id": 7, "services": ["web", "api"]}]
    write(tmp_path, pulls)
    with Sandbox(token=TOKEN) as dx:
        run = step(tmp_path, dx).inside()
        assert len(dx.pull_services()) == 1
    assert (run.exit_code, run.status) == (0, "pull-services-set")
    assert run.json("services") == []


def test_a_missing_token_is_told_after_the_rows_are_read(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    with Sandbox(token=TOKEN) as dx:
        run = step(tmp_path, dx, dx_token="").inside()
    assert (run.exit_code, run.status) == (1, "failed")
    assert "`dx-token` is missing or empty" in run.outputs["reason"]


@pytest.mark.parametrize("more", [{}, {"fail_on_error": "false"}], ids=["red", "green"])
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"dx_token": ""}, "`dx-token` is missing or empty"),
        ({"dx_host": ""}, "`dx-host` is missing"),
        ({"ca_bundle": "missing.pem"}, "`ca-bundle` names a file that is neither"),
        ({"ca_bundle": "rows.jsonl", "dx_host": "acme"}, "`ca-bundle` "),
    ],
    ids=str,
)
@pytest.mark.parametrize("kept", ["failed.jsonl", "rows.jsonl"], ids=["a file of its own", "the backfill-file"])
def test_what_cannot_be_sent_at_all_is_kept_whole(
    tmp_path: Path, wrong: dict[str, str], words: str, kept: str, more: dict[str, str]
) -> None:
    """As with every operation, `failed-file` holds what was not sent; where it is the `backfill-file`, it is left as it is."""
    write(tmp_path, ROWS)
    before = (tmp_path / "workspace" / "rows.jsonl").read_bytes()
    with Sandbox(token=TOKEN) as dx:
        run = step(tmp_path, dx, failed_file=kept, **wrong, **more).inside()
        assert dx.requests() == []
        assert (run.workspace / "rows.jsonl").read_bytes() == before
        assert (run.exit_code, run.status) == (0 if more else 1, "failed")
        assert words in run.outputs["reason"]
        assert len(lines(run, kept)) == 30
        assert step(tmp_path, dx, backfill_file=kept).inside().status == "registered"
        assert len(dx.deployments()) == 30


def test_what_cannot_be_sent_nor_kept_is_told_together(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    (tmp_path / "workspace" / "link").symlink_to(tmp_path)
    with Sandbox(token=TOKEN) as dx:
        run = step(tmp_path, dx, failed_file="link/failed.jsonl", dx_token="").inside()
    assert run.outputs["reason"].count("`dx-token` is missing or empty") == 1
    assert run.outputs["reason"].count("`failed-file` names a file that cannot be opened") == 1


@pytest.mark.parametrize("kept", ["failed.jsonl", "rows.jsonl"], ids=["a file of its own", "the backfill-file"])
def test_a_cancel_while_the_connection_is_made_ready_keeps_every_row(tmp_path: Path, kept: str) -> None:
    write(tmp_path, ROWS)

    def cancelled(*_given: object, **_more: object) -> Transport:
        raise Interrupted

    with Sandbox(token=TOKEN) as dx:
        env = step(tmp_path, dx, failed_file=kept).environment()
        assert main(env, io.StringIO(), fast_clock(), wire=cancelled) == 1
    assert len((tmp_path / "workspace" / kept).read_text().splitlines()) == 30


def test_requests_are_shown_where_step_debugging_is_on(tmp_path: Path) -> None:
    write(tmp_path, ROWS[:2])
    with Sandbox(token=TOKEN) as dx:
        quiet = step(tmp_path, dx).inside()
        loud = step(tmp_path, dx)
        loud.env = {"RUNNER_DEBUG": "1"}
        shown = [command.data for command in loud.inside().commands if command.name == "debug"]
        bodies = [request["body"] for request in dx.requests()[:2]]
    assert "debug" not in {command.name for command in quiet.commands}
    assert shown == [f"POST /api/deployments.create {body}" for body in bodies]


def test_a_failed_file_that_cannot_be_written_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    (tmp_path / "workspace" / "link").symlink_to(tmp_path)
    with Sandbox(token=TOKEN) as dx:
        run = step(tmp_path, dx, failed_file="link/failed.jsonl").inside()
        assert dx.requests() == []
    assert (run.exit_code, run.status) == (1, "failed")
    assert "`failed-file` names a file that cannot be opened" in run.outputs["reason"]


def test_a_job_that_is_cancelled_at_once_has_sent_nothing(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    with Sandbox(token=TOKEN, latency=5) as dx:
        process = step(tmp_path, dx, failed_file="failed.jsonl").start()
        process.wait_for("Read 30 rows")
        process.send(signal.SIGINT)
        run = process.wait()
    assert (run.exit_code, run.status) == (1, "failed")
    assert run.annotations[0][1].startswith("The job was cancelled")

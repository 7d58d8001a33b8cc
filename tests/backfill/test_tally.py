"""The results of a backfill: what is kept of how many."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import repeat

import pytest

from backfills import Listed
from dx_action.backfill.tally import BackfillResult, Tally, Unread
from dx_action.deployment.calls import Call, Method, Outcome, Result

# The bounds, as literals: what the code has must be these.
MOST_RESULTS, MOST_KINDS, MOST_LINES = 1300, 50, 3
CALL = Call("deployments.create", "web", "web/1", b"{}")

End = tuple[Outcome, str]
HELD: End = ("accepted", "")
ALREADY: End = ("already-registered", "reference_id_taken")
REFUSED: End = ("failed", "repo_not_found")
UNKNOWN: End = ("unknown", "http_503")


def tallied(size: int, ends: Sequence[End]) -> Tally:
    tally = Tally(size)
    for index, (outcome, error) in enumerate(ends):
        tally.add(index, index + 2, Result(CALL, outcome, 422, error, "Words.", 1))
    return tally


def test_each_row_has_an_outcome() -> None:
    tally = tallied(5, [HELD, ALREADY, REFUSED, UNKNOWN])
    outcomes = ["accepted", "already-registered", "failed", "unknown", "not-sent"]
    assert [tally[index] for index in range(5)] == outcomes
    assert tally.counts == dict.fromkeys(outcomes, 1)
    assert (len(tally), tally.ended) == (5, 4)


CREATE, UPSERT, UPDATE = "deployments.create", "deployments.upsert", "deployments.update"
DELETE: Method = "deployments.delete"


@pytest.mark.parametrize(
    ("method", "body", "outcome", "count"),
    [
        (CREATE, b'{"success": false}', "accepted", 1),
        (CREATE, b'{"success":false}', "already-registered", 1),
        (UPSERT, b'{"success": false}', "accepted", 1),
        (UPSERT, b'{"success": true}', "accepted", 0),
        (CREATE, b"{}", "accepted", 0),
        (CREATE, b'{"metadata": {"success": false}}', "accepted", 0),
        (UPDATE, b'{"success": false}', "accepted", 0),
        (CREATE, b'{"success": false}', "failed", 0),
        (CREATE, b'{"success": false}', "unknown", 0),
    ],
)
def test_failed_deployments_that_are_registered_are_counted(
    method: Method, body: bytes, outcome: Outcome, count: int
) -> None:
    tally = Tally(1)
    tally.add(0, 2, Result(Call(method, "web", "web/1", body), outcome, 200, "", "", 1))
    assert tally.unsuccessful == count


@pytest.mark.parametrize(
    ("method", "outcome", "error", "count"),
    [
        (DELETE, "accepted", "deployment_not_found", 1),
        (DELETE, "accepted", "", 0),
        (DELETE, "failed", "deployment_not_found", 0),
        (UPDATE, "accepted", "deployment_not_found", 0),
    ],
)
def test_deletions_of_what_is_not_there_are_counted(method: Method, outcome: Outcome, error: str, count: int) -> None:
    tally = Tally(2)
    for index in range(2):
        tally.add(index, 2, Result(Call(method, "", "web/1", b"{}"), outcome, 404, error, "", 1))
    assert tally.absent == 2 * count


@pytest.mark.parametrize(("statuses", "outage"), [((503, 503), True), ((503, 422), False), ((422, 503), False)])
def test_a_kind_is_an_outage_if_each_of_its_rows_is(statuses: tuple[int, int], outage: bool) -> None:
    tally = Tally(2)
    for index, status in enumerate(statuses):
        tally.add(index, 2, Result(CALL, "failed", status, "odd_code", "", 1))
    assert tally.kinds["failed", "odd_code"].outage is outage


def test_the_first_that_fail_are_kept_with_their_bodies() -> None:
    tally = tallied(3, [HELD, REFUSED, ALREADY])
    (line,) = tally.failed
    assert (line.number, line.result) == (3, tally.kinds["failed", "repo_not_found"].first)
    assert line.result.call.body == b"{}"
    assert {line.result.call.body for line in tally.delivered} == {b""}
    refused = tallied(60, [REFUSED] * 60).failed
    assert [bool(line.result.call.body) for line in refused] == [True] * 50 + [False] * 10
    assert [(line.number, line.result.outcome) for line in tally.delivered] == [
        (2, "accepted"),
        (4, "already-registered"),
    ]


@pytest.mark.parametrize("end", [HELD, REFUSED])
def test_the_first_results_are_kept_and_all_are_counted(end: End) -> None:
    tally = tallied(MOST_RESULTS + 2, [*repeat(end, MOST_RESULTS + 1)])
    kept = tally.delivered if end is HELD else tally.failed
    assert [line.number for line in kept] == [*range(2, MOST_RESULTS + 2)]
    assert tally.counts[end[0]] == tally.ended == MOST_RESULTS + 1


def test_a_kind_of_failure_has_its_first_lines() -> None:
    tally = tallied(6, [REFUSED, REFUSED, UNKNOWN, HELD, REFUSED, REFUSED])
    found = {name: (kind.first.error, kind.count, kind.lines) for name, kind in tally.kinds.items()}
    assert found == {REFUSED: ("repo_not_found", 4, [2, 3, 6]), UNKNOWN: ("http_503", 1, [4])}
    assert MOST_LINES == 3


def test_kinds_beyond_the_first_are_one() -> None:
    ends: list[End] = [("failed", f"code{number}") for number in range(MOST_KINDS + 5)]
    tally = tallied(100, [*ends, ends[0], ends[-1]])
    assert len(tally.kinds) == MOST_KINDS + 1
    assert (tally.kinds[ends[0]].count, tally.kinds["", ""].count) == (2, 6)
    assert tally.kinds["", ""].first.error == f"code{MOST_KINDS}"


@pytest.mark.parametrize(
    ("size", "ends", "seconds", "held_back", "told"),
    [
        (4, [], 0, 0, "0 of 4 sent, 0 failed, 0.0 a second"),
        (4, [HELD] * 4, 2, 0, "4 of 4 sent, 0 failed, 2.0 a second"),
        (4, [HELD, ALREADY, REFUSED, UNKNOWN], 0, 0, "4 of 4 sent, 2 failed, 4000.0 a second"),
        (100, [HELD] * 10, 10, 90, "10 of 100 sent, 0 failed, 1.0 a second"),
        (100, [HELD] * 10, 10, 1, "10 of 100 sent, 0 failed, 1.0 a second, about 89 s left"),
        (100, [HELD] * 10, 5, 0, "10 of 100 sent, 0 failed, 2.0 a second, about 45 s left"),
        (100, [HELD] * 10, 10, 0, "10 of 100 sent, 0 failed, 1.0 a second, about 2 min left"),
        (5_409, [HELD] * 10, 10, 0, "10 of 5,409 sent, 0 failed, 1.0 a second, about 90 min left"),
        (5_410, [HELD] * 10, 10, 0, "10 of 5,410 sent, 0 failed, 1.0 a second, about 1.5 h left"),
    ],
)
def test_how_far_it_is(size: int, ends: list[End], seconds: float, held_back: int, told: str) -> None:
    assert tallied(size, ends).progress(seconds, held_back) == told


def test_how_far_a_very_long_one_is() -> None:
    tally = Tally(3_600_001)
    tally.add(0, 2, Result(CALL, "accepted"))
    assert tally.progress(1, 0) == "1 of 3,600,001 sent, 0 failed, 1.0 a second, about 1000.0 h left"


# What a backfill that ended is made of.


@pytest.mark.parametrize(
    ("rows", "noun"),
    [([("web", 1)], "deployment"), ([7], "pull request"), ([("web", 1), 7], "row")],
    ids=["deployments", "pull requests", "both"],
)
def test_what_a_row_is_called(rows: list[tuple[str, int] | int], noun: str) -> None:
    assert BackfillResult(rows=Listed(rows), tally=Tally(len(rows))).noun == noun


def test_what_dx_may_not_have() -> None:
    ends = [HELD, ALREADY, REFUSED, UNKNOWN]
    rows = Listed([("web", minute) for minute in range(6)])
    assert BackfillResult(rows=rows, tally=tallied(6, ends)).missing == 4


@pytest.mark.parametrize(("from_file", "noun"), [(True, "line"), (False, "row")])
def test_what_a_rows_number_counts(from_file: bool, noun: str) -> None:
    assert BackfillResult(rows=Listed([7]), tally=Tally(1), from_file=from_file).line_noun == noun


def test_a_pull_request_that_is_unread_is_an_outages_only_if_that_is_said() -> None:
    assert not Unread(7, datetime(2025, 1, 6, tzinfo=UTC), "its list of files is cut").outage

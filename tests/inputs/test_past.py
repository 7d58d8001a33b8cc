"""The window of `since` and `until`: its defaults, and what cannot be written beside it to set services of the past."""

from datetime import UTC, datetime, timedelta

import pytest

from builders import CONNECTION, NOW, inputs, variables
from dx_action.errors import BadInput
from dx_action.inputs.model import read_inputs
from dx_action.inputs.past import window

PULLS = {"operation": "set-pull-services"}
SINCE = {"since": "2025-01-01T00:00:00Z"}
ONE = "is about one change, but `since` is set, so the step is about every pull request of a window. Leave one of them out."


@pytest.mark.parametrize(
    ("given", "start", "end"),
    [
        (PULLS | SINCE, datetime(2025, 1, 1, tzinfo=UTC), NOW),
        (
            PULLS | SINCE | {"until": "1738368000"},
            datetime(2025, 1, 1, tzinfo=UTC),
            datetime(2025, 2, 1, tzinfo=UTC),
        ),
        ({"operation": "backfill"}, NOW - timedelta(days=90), NOW),
    ],
    ids=str,
)
def test_a_window(given: dict[str, str], start: datetime, end: datetime) -> None:
    assert window(inputs(given), NOW) == (start, end)


@pytest.mark.parametrize(
    ("given", "name", "text"),
    [
        (PULLS | {"since": "2026-01-01T00:00:00Z"}, "since", "is after `until`, or after now. "),
        (PULLS | SINCE | {"until": "2024-01-01T00:00:00Z"}, "since", "is after `until`, or after now. "),
        ({"operation": "backfill", "until": "2024-01-01T00:00:00Z"}, "until", "is before `since`. "),
    ],
    ids=str,
)
def test_a_window_that_ends_before_it_starts(given: dict[str, str], name: str, text: str) -> None:
    with pytest.raises(BadInput) as caught:
        window(inputs(given), NOW)
    ((subject, words, _),) = caught.value.problems
    default = "; its default is 90 days ago" if name == "until" else ""
    assert (subject, words) == (name, f"{text}Set `since` to a time before `until`{default}.")


def test_a_window_of_one_moment() -> None:
    given = PULLS | SINCE | {"until": SINCE["since"]}
    assert len({*window(inputs(given), NOW)}) == 1


@pytest.mark.parametrize(
    ("given", "name", "text"),
    [
        *((SINCE | {name: "41"}, name, ONE) for name in ("pull-number", "pull-id")),
        *((SINCE | {name: "abc1234"}, name, ONE) for name in ("commit-sha", "since-sha")),
        (
            {"until": "2025-01-01T00:00:00Z"},
            "until",
            "ends a window of time, and `since`, which starts it, is missing. Set that as well, or leave this out.",
        ),
        (
            SINCE | {"csv-file": "out.csv"},
            "csv-file",
            "is only for `operation: backfill`. Set that as well, or leave this out.",
        ),
        (
            SINCE | {"services-from": "map"},
            "services-from",
            "is `map`, but `service-map` is missing. Write the map's path there.",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_written_together(given: dict[str, str], name: str, text: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_inputs(variables(CONNECTION | PULLS | given))
    assert [(problem.subject, problem.text) for problem in caught.value.problems] == [(name, text)]


@pytest.mark.parametrize(
    ("given", "name", "text"),
    [
        (
            PULLS | {"until": "2025-01-01T00:00:00Z", "pull-number": "41"},
            "until",
            "ends a window of time, and `since`, which starts it, is missing. Set that as well, or leave this out.",
        ),
        (
            {"operation": "backfill", "pull-number": "41"} | SINCE,
            "pull-number",
            "is about one deployment, and a backfill registers many. Leave it out.",
        ),
    ],
    ids=str,
)
def test_a_rule_of_a_window_is_about_nothing_else(given: dict[str, str], name: str, text: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_inputs(variables(CONNECTION | given))
    assert [(problem.subject, problem.text) for problem in caught.value.problems] == [(name, text)]


@pytest.mark.parametrize(
    ("given", "expected"),
    [(PULLS, False), (PULLS | SINCE, True), ({"operation": "backfill"} | SINCE, False)],
    ids=str,
)
def test_which_steps_are_about_a_window_of_pull_requests(given: dict[str, str], expected: bool) -> None:
    assert inputs(given).sets_past is expected

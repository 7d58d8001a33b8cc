"""What is said of the pull requests of a window, for ends of every kind."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backfills import Listed
from dx_action.backfill import report
from dx_action.backfill.report import counted, dry_run, no_pulls, sent
from dx_action.backfill.summary import groups, summary
from dx_action.backfill.tally import BackfillResult, PullWindow, Unread
from ends import HELD, REFUSED, UNKNOWN, End, ended
from gfm import check_summary

START = datetime(2025, 1, 6, tzinfo=UTC)
PLACE = "into main from 2025-01-06T00:00:00Z to 2025-03-04T12:00:00Z"
READ = f"{{}} merged {PLACE}."
DOWN = "`GITHUB_API_URL` answered every attempt with HTTP 500"


def at(days: float) -> datetime:
    return START + timedelta(days=days)


def unread(number: int, days: float = 0, reason: str = DOWN, *, outage: bool = True) -> Unread:
    return Unread(number, at(days), reason, outage)


def window(ends: list[End], *unread: Unread, services: Any = None, none: int = 0, **more: Any) -> BackfillResult:
    """A window whose pull requests #1, #2, … were merged a day after each other, and ended so."""
    count = len(ends)
    pulls = PullWindow(
        repository="acme/shop",
        place=PLACE,
        read=count + none + sum(bool(pull.number) for pull in unread),
        merged_at=tuple(at(days) for days in range(count)),
        services=tuple(services or (("a",),) * count),
        none=none,
        unread=unread,
    )
    return ended(Numbered(count), ends, from_file=False, window=pulls, **more)


class Numbered(Listed):
    """Calls about pull requests #1, #2, …, each in a row of its number."""

    def __init__(self, count: int) -> None:
        super().__init__([*range(1, count + 1)])

    def line(self, index: int) -> int:
        return index + 1


def failures(ending: BackfillResult) -> list[str]:
    return [each.text for each in report.failures(ending)]


# Where to go on.


@pytest.mark.parametrize(
    ("ends", "lost", "days"),
    [
        ([HELD, HELD, HELD], (), None),
        ([HELD, REFUSED, UNKNOWN], (), 1),
        ([HELD, HELD, UNKNOWN], (), 2),
        ([HELD, None, REFUSED], (), 1),
        ([HELD, HELD, HELD], (unread(7, 5), unread(8, 4)), 4),
        ([HELD, HELD, REFUSED], (unread(7, 1.5),), 1.5),
        ([HELD, REFUSED, HELD], (unread(7, 1.5),), 1),
        ([], (), None),
    ],
)
def test_where_to_go_on(ends: list[End], lost: tuple[Unread, ...], days: float | None) -> None:
    """From the oldest that is not done."""
    ending = window(ends, *lost)
    assert ending.window
    assert ending.window.resume_at(ending.tally) == (None if days is None else at(days))


AGAIN = "all that was merged before is done, and setting the same services again changes nothing."


@pytest.mark.parametrize(
    ("ends", "more", "text"),
    [
        ([HELD, REFUSED, HELD], {}, f"Run the step again with `since: 2025-01-07T00:00:00Z`: {AGAIN}"),
        (
            [REFUSED, None, None],
            {"saved": "out/failed.jsonl", "reason": "stopped_before"},
            (
                "What DX may not have set is saved in out/failed.jsonl, ready to be sent as a `backfill-file`. Or run the "
                f"step again with `since: 2025-01-06T00:00:00Z`: {AGAIN}"
            ),
        ),
        (
            [HELD, None, None],
            {"reason": "cancelled"},
            f"Run the step again with `since: 2025-01-07T00:00:00Z`: {AGAIN}",
        ),
    ],
    ids=["a failure", "saved", "a cancel"],
)
def test_the_first_message_says_how_to_go_on(ends: list[End], more: dict[str, Any], text: str) -> None:
    first, *others = failures(window(ends, **more))
    assert first.endswith(f" {text}")
    assert not any("again" in other for other in others)


# The failures.


def test_a_failure_names_the_first_numbers() -> None:
    texts = failures(window([REFUSED, UNKNOWN, REFUSED, REFUSED, REFUSED, HELD]))
    assert texts[0].startswith("DX did not set the services of 4 of 6 pull requests (#1, #3, #4 and 1 more): repo_not_")
    assert texts[1].startswith("It is unknown whether DX set the services of 1 of 6 pull requests (#2): http_503. ")


ONE_LOST = (
    "The services of {} are not set, because their files are not known: {}. Once this is fixed, run the step again with "
    "`since: {}`{}."
)


@pytest.mark.parametrize(
    ("lost", "texts", "outages"),
    [
        (
            [unread(3, 2)],
            [("1 pull request (#3)", DOWN, "2025-01-08T00:00:00Z", " or with the `pull-number` of each")],
            [True],
        ),
        (
            [unread(5, 2), unread(3, 1), unread(0, 4, "GitHub did not return them", outage=False)],
            [
                ("2 pull requests (#5, #3)", DOWN, "2025-01-07T00:00:00Z", " or with the `pull-number` of each"),
                ("1 pull request", "GitHub did not return them", "2025-01-10T00:00:00Z", ""),
            ],
            [True, False],
        ),
    ],
    ids=["one", "of several kinds"],
)
def test_what_is_not_known_fails(lost: list[Unread], texts: list[tuple[str, ...]], outages: list[bool]) -> None:
    ending = window([HELD], *lost)
    assert failures(ending) == [ONE_LOST.format(*text) for text in texts]
    assert [each.outage for each in report.unread(ending)] == outages
    saved = failures(replace(ending, saved="out/failed.jsonl"))
    assert saved == [f"{ONE_LOST.format(*text)} They are not in out/failed.jsonl." for text in texts]


def test_a_window_whose_files_are_known_lacks_nothing() -> None:
    assert report.unread(window([HELD])) == []


def test_a_backfill_has_no_window() -> None:
    assert report.unread(ended(Listed([("a", 0)]), [HELD])) == []


# The report.


@pytest.mark.parametrize(
    ("ends", "lost", "status", "title", "code"),
    [
        ([HELD, HELD], (), "pull-services-set", "Services set in DX", 0),
        ([HELD, REFUSED], (), "partial", "Services of 1 of 2 pull requests NOT set in DX", 1),
        ([REFUSED, REFUSED], (), "failed", "Services of 2 of 2 pull requests NOT set in DX", 1),
        ([HELD, UNKNOWN], (), "partial", "Services of 1 of 2 pull requests NOT known to be set in DX", 1),
        ([HELD], (unread(2),), "partial", "Services of 1 of 2 pull requests NOT set in DX", 1),
        ([], (unread(1), unread(2)), "failed", "Services of 2 of 2 pull requests NOT set in DX", 1),
        ([], (unread(1),), "failed", "Services NOT set in DX", 1),
    ],
)
def test_a_report(ends: list[End], lost: tuple[Unread, ...], status: str, title: str, code: int) -> None:
    found = sent(window(ends, *lost), fail_on_error="true")
    assert (found.outputs["status"], found.title, found.exit_code) == (status, title, code)
    assert found.done.startswith(f"{title}. ")
    check_summary(found.summary)


@pytest.mark.parametrize(("fails", "code"), [("true", 1), ("except-outages", 0), ("false", 0)])
def test_an_outage_of_github_is_one(fails: Any, code: int) -> None:
    assert sent(window([HELD], unread(2)), fail_on_error=fails).exit_code == code
    assert dry_run(window([None], unread(2)), [], fail_on_error=fails).exit_code == code


@pytest.mark.parametrize(
    ("ending", "line"),
    [
        (window([HELD, HELD]), "2 pull requests: 2 set."),
        (window([HELD], none=1), "1 pull request: 1 set. 1 pull request touches no service and is left out."),
        (window([HELD], none=2), "1 pull request: 1 set. 2 pull requests touch no service and are left out."),
        (window([HELD, REFUSED], unread(3)), "3 pull requests: 1 set, 1 not set, 1 not known."),
        (
            window([], unread(3), none=1),
            "1 pull request: 1 not known. 1 pull request touches no service and is left out.",
        ),
    ],
    ids=["all", "one left out", "two left out", "failures", "nothing known"],
)
def test_a_line_counts_all(ending: BackfillResult, line: str) -> None:
    assert counted(ending) == line


def test_a_dry_run_says_what_is_not_known() -> None:
    ending = window([None], unread(2, 1))
    found = dry_run(ending, [ending.rows.call(0)])
    assert (found.outputs["status"], found.exit_code) == ("dry-run", 1)
    assert found.outputs["reason"] == failures(replace(ending, tally=window([HELD]).tally))[0]
    assert dry_run(window([None]), []).exit_code == 0


@pytest.mark.parametrize(
    ("ending", "outputs"),
    [
        (window([HELD]), {"services": '["a"]', "pull-number": "1", "pull-id": "", "repository": "acme/shop"}),
        (
            window([HELD, HELD], services=[("b", "a"), ("a", "c")]),
            {"services": '["b", "a", "c"]', "pull-number": "", "pull-id": "", "repository": "acme/shop"},
        ),
        (window([], unread(1)), {"services": "[]", "pull-number": "", "repository": "acme/shop"}),
    ],
    ids=["one", "two", "none"],
)
def test_the_outputs(ending: BackfillResult, outputs: dict[str, str]) -> None:
    found = sent(ending, fail_on_error="true").outputs
    assert {name: found[name] for name in outputs} == outputs
    assert (found["requests"], found["reference-ids"]) == ("[]", "[]")


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        (
            window([]),
            f"No pull request was merged {PLACE}. Set an earlier `since`, or name the branches in `only-branches`.",
        ),
        (
            window([], none=1),
            (
                f"1 pull request was merged {PLACE}, and none touches a service. If some should, add their files to what "
                "`services-from` or `service-map` names."
            ),
        ),
        (
            window([], none=2),
            (
                f"2 pull requests were merged {PLACE}, and none touches a service. If some should, add their files to what "
                "`services-from` or `service-map` names."
            ),
        ),
    ],
    ids=["none", "one", "two"],
)
def test_a_window_without_a_row(ending: BackfillResult, reason: str) -> None:
    found = no_pulls(replace(ending, hints=(("warning", "It was renamed."),)))
    assert (found.outputs["status"], found.outputs["reason"], found.exit_code) == ("skipped", reason, 0)
    assert found.hints == (("notice", f"Nothing was sent to DX. {reason}"), ("warning", "It was renamed."))


# The summary and the log.


def test_a_pull_request_counts_for_each_of_its_services() -> None:
    services = [("a",), ("a", "b"), ("b",), ()]
    text = summary(window([HELD, REFUSED, HELD, HELD], services=services, none=3))
    page = check_summary(text)
    assert page.rows[:5] == [
        ["service", "✅ set", "❌ not set"],
        ["a", "1", "1"],
        ["b", "1", "1"],
        ["(services removed)", "1", ""],
        ["all pull requests", "3", "1"],
    ]
    assert page.rows[5:] == [
        ["pull request", "service", "outcome", "error", "DX says"],
        ["2", "a, b", "❌ not set", "repo_not_found", ""],
    ]
    assert READ.format("7 pull requests were") + " 3 pull requests touch no service and are left out.\n" in text


@pytest.mark.parametrize(
    ("ending", "sentences"),
    [
        (window([HELD]), READ.format("1 pull request was")),
        (window([], unread(1)), READ.format("1 pull request was") + " The files of 1 pull request are not known."),
        (
            window([HELD], unread(2), unread(3), none=1),
            (
                READ.format("4 pull requests were")
                + " 1 pull request touches no service and is left out. The files of 2 pull requests are not known."
            ),
        ),
    ],
    ids=["plain", "not known", "both"],
)
def test_the_sentences_below_the_table(ending: BackfillResult, sentences: str) -> None:
    text = summary(ending)
    check_summary(text)
    assert text.endswith(f"{sentences}\n\n")
    assert ("<table>" in text) is bool(len(ending.tally))


def test_no_more_services_than_there_is_room_for() -> None:
    services = [(f"s{number:03}", "all-of-them") for number in range(203)]
    rows = check_summary(summary(window([HELD] * 203, services=services))).rows
    assert rows[1] == ["all-of-them", "203"]
    assert rows[-2:] == [["4 more", "4"], ["all pull requests", "203"]]


def test_the_log_has_a_group_for_each_service() -> None:
    services = [("a",), ("a", "b"), ("b",), (), *[("a",)] * 4]
    ends = [HELD, REFUSED, HELD, HELD, HELD, HELD, HELD, None]
    assert list(groups(window(ends, services=services))) == [
        (
            "a: 4 set, 1 not set, 1 not sent",
            ["  week of 2025-01-06  4 set, 1 not set", "  week of 2025-01-13  1 not sent"],
        ),
        ("b: 1 set, 1 not set", ["  week of 2025-01-06  1 set, 1 not set"]),
        ("(services removed): 1 set", ["  week of 2025-01-06  1 set"]),
        ("Failed: 1", ["  pull request #2: failed (HTTP 422, repo_not_found)"]),
    ]

"""What a backfill says of itself, for ends of every kind and size."""

import json
import re
from collections.abc import Sequence
from itertools import cycle, islice
from typing import Any

import pytest

from backfills import Listed
from dx_action.backfill.report import conflicts, counted, dry_run, failures, nothing, sent, written
from dx_action.backfill.summary import groups, summary
from dx_action.backfill.tally import BackfillResult, Tally
from dx_action.deployment.calls import Outcome, Result
from dx_action.errors import Problem
from dx_action.report.failures import advise
from runner import check_summary

# The bounds, as literals: what the code has must be these.
MOST_BARS, MOST_GROUPS, MOST_KINDS, MOST_RESULTS, LARGEST = 53, 50, 50, 1300, 256 * 1024


End = tuple[Outcome, str] | None
HELD: End = ("accepted", "")
ALREADY: End = ("already-registered", "reference_id_taken")
REFUSED: End = ("failed", "repo_not_found")
UNKNOWN: End = ("unknown", "http_503")


def ended(rows: Listed, ends: Sequence[End], message: str = "", **more: Any) -> BackfillResult:
    """Rows that ended so; None is what was not sent."""
    tally = Tally(len(rows))
    for index, end in enumerate(ends):
        if end:
            tally.add(index, rows.line(index), Result(rows.call(index), end[0], 422, end[1], message, 1))
    return BackfillResult(rows=rows, tally=tally, **more)


def rows_of(count: int, services: int = 3, minutes: int = 60) -> Listed:
    return Listed([(f"s{number % services}", number * minutes) for number in range(count)])


@pytest.mark.parametrize(
    ("ends", "reason", "held_back", "starts"),
    [
        ([HELD] * 4, "", 0, []),
        (
            [HELD, REFUSED, HELD, HELD],
            "",
            0,
            ["DX did not register 1 of 4 deployments (line 3): repo_not_found. DX could"],
        ),
        (
            [REFUSED] * 4,
            "",
            0,
            ["DX did not register 4 of 4 deployments (lines 2, 3, 4 and 1 more): repo_not_found. DX"],
        ),
        (
            [REFUSED, REFUSED, HELD, HELD],
            "",
            0,
            ["DX did not register 2 of 4 deployments (lines 2 and 3): repo_not_found"],
        ),
        (
            [HELD, UNKNOWN, None, None],
            "",
            2,
            [
                "It is unknown whether DX registered 1 of 4 deployments (line 3): http_503. ",
                "DX did not register 2 of 4 deployments: order_kept. Not sent, because an earlier",
            ],
        ),
        (
            [("failed", "invalid_auth"), None, None, None],
            "unauthorized_before",
            0,
            ["DX did not register 1 of 4 deployments (line 2): invalid_auth. "],
        ),
        (
            [HELD, UNKNOWN, None, None],
            "cancelled",
            1,
            [
                "The job was cancelled. 4 deployments: 1 registered, 1 unknown, 2 not sent.",
                "It is unknown whether",
                "DX did not register 1 of 4 deployments: order_kept.",
            ],
        ),
        (
            [HELD, None, None, None],
            "cancelled",
            0,
            ["The job was cancelled. 4 deployments: 1 registered, 3 not sent. Run"],
        ),
        (
            [REFUSED, None, None, None],
            "stopped_before",
            0,
            ["DX did not register 3 of 4 deployments: stopped_before. Not sent, because", "DX did not register 1 of 4"],
        ),
    ],
)
def test_one_message_for_each_kind(ends: list[End], reason: str, held_back: int, starts: list[str]) -> None:
    found = failures(ended(rows_of(4), ends, reason=reason, held_back=held_back))
    assert [text[: len(start)] for text, start in zip(found, starts, strict=True)] == starts


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("unauthorized_before", "http_401"),
        ("unauthorized_before", "http_403"),
        ("unauthorized_before", "invalid_auth"),
        ("http_429", "http_429"),
    ],
)
def test_what_follows_from_a_failure_is_told_with_it(reason: str, error: str) -> None:
    (message,) = failures(ended(rows_of(4), [HELD, ("failed", error), None, None], reason=reason))
    assert "Because of it, 2 more were not sent." in message


def test_what_ended_it_comes_first_and_alone_is_called_the_cause() -> None:
    ends: list[End] = [REFUSED, REFUSED, UNKNOWN, ("failed", "invalid_auth"), None, None]
    found = failures(ended(rows_of(6), ends, reason="unauthorized_before"))
    starts = ["DX did not register 1 of 6", "DX did not register 2 of 6", "It is unknown whether DX registered 1 of 6"]
    assert [text[: len(start)] for text, start in zip(found, starts, strict=True)] == starts
    assert [" Because of it, 2 more were not sent." in text for text in found] == [True, False, False]


@pytest.mark.parametrize(("kinds", "messages"), [(6, 6), (7, 7), (8, 7)])
def test_the_last_message_is_for_the_kinds_that_have_no_place(kinds: int, messages: int) -> None:
    found = failures(ended(rows_of(kinds), [("failed", f"code{number}") for number in range(kinds)]))
    assert len(found) == messages
    assert found[-1].startswith("2 more kinds of failure") == (kinds > messages)
    assert sum("more kinds of failure" in message for message in found) == (kinds > messages)


@pytest.mark.parametrize(
    ("rows", "noun"),
    [
        ([("web", 1)], "1 deployment"),
        ([("web", 1), ("web", 2)], "2 deployments"),
        ([7], "1 pull request"),
        ([7, ("web", 1)], "2 rows"),
    ],
)
def test_what_a_row_is_called(rows: list[tuple[str, int] | int], noun: str) -> None:
    assert (
        counted(ended(Listed(rows), [HELD] * len(rows)))
        == f"{noun}: {len(rows)} {'set' if rows == [7] else 'registered'}."
    )


def test_dx_s_own_words_are_told_inert() -> None:
    (message,) = failures(ended(rows_of(1), [REFUSED], "::error::x\r\n##[error]y"))
    assert r"DX says: . ::error::x\r\n# #[error]y." in message


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("Gone", "Gone."),
        ("Gone.", "Gone."),
        ("Gone!", "Gone!"),
        ("Gone?", "Gone?"),
        ("Gone…", "Gone…"),
        ("(a)", "(a)."),
    ],
)
def test_dx_s_own_words_end_as_a_sentence(words: str, told: str) -> None:
    (message,) = failures(ended(rows_of(1), [REFUSED], words))
    assert f" DX says: {told} Once this is fixed" in message


def test_a_long_code_is_cut() -> None:
    (message,) = failures(ended(rows_of(1), [("failed", "x" * 101)]))
    assert f" (line 2): {'x' * 99}…. " in message


@pytest.mark.parametrize(
    ("saved", "reason", "says"),
    [
        ("out/failed.jsonl", "", "is saved in out/failed.jsonl, ready to be sent as a `backfill-file`; "),
        (None, "", "Once this is fixed, run the same backfill again"),
        (None, "cancelled", "Run the same backfill again"),
    ],
)
def test_how_to_go_on(saved: str | None, reason: str, says: str) -> None:
    assert says in failures(ended(rows_of(2), [REFUSED, None], reason=reason, saved=saved))[0]


def test_many_kinds_are_few_messages() -> None:
    rows = rows_of(200)
    ending = ended(rows, [("failed", f"code{number}") for number in range(200)])
    found = failures(ending)
    assert len(found) == 7
    assert found[-1] == f"{MOST_KINDS + 1 - 6} more kinds of failure: see the summary and the output `results`."
    assert len(ending.tally.kinds) == MOST_KINDS + 1
    assert sum(kind.count for kind in ending.tally.kinds.values()) == 200


@pytest.mark.parametrize(("from_file", "level", "noun"), [(True, "warning", "line 3"), (False, "notice", "row 3")])
def test_what_dx_held_with_other_values(from_file: bool, level: str, noun: str) -> None:
    ((found, text),) = conflicts(ended(rows_of(2), [HELD, ALREADY], from_file=from_file))
    assert found == level
    assert (
        f" ({noun}) is already registered in DX under the same `reference_id` with other values, which DX keeps."
        in text
    )


def test_what_dx_held_beyond_what_is_remembered_has_no_lines() -> None:
    count = MOST_RESULTS + 1
    ((_, text),) = conflicts(ended(rows_of(count), [*[HELD] * MOST_RESULTS, ALREADY]))
    assert text.startswith(
        f"1 of {count:,} deployments is already registered in DX under the same `reference_id` with "
    )


@pytest.mark.parametrize(
    ("ends", "status", "code", "headline", "reason"),
    [
        ([HELD, HELD], "registered", 0, "2 deployments registered in DX", ""),
        ([HELD, ALREADY], "registered", 0, "2 deployments registered in DX", ""),
        (
            [ALREADY, ALREADY],
            "already-registered",
            0,
            "2 deployments already registered in DX",
            "2 of 2 deployments (lines 2 and 3) are already",
        ),
        ([HELD, REFUSED], "partial", 1, "1 of 2 deployments NOT registered in DX", "DX did not register 1 of 2"),
        ([ALREADY, REFUSED], "partial", 1, "1 of 2 deployments NOT registered in DX", "DX did not register 1 of 2"),
        (
            [HELD, UNKNOWN],
            "partial",
            1,
            "1 of 2 deployments NOT known to be registered in DX",
            "It is unknown whether",
        ),
        ([HELD, None], "partial", 1, "1 of 2 deployments NOT registered in DX", "The job was cancelled. 2 dep"),
        ([REFUSED, None], "failed", 1, "2 of 2 deployments NOT registered in DX", "The job was cancelled. 2 dep"),
    ],
)
def test_the_status(ends: list[End], status: str, code: int, headline: str, reason: str) -> None:
    ending = ended(rows_of(2), ends, reason="cancelled")
    told = sent(ending, fail_on_error=True)
    assert (told.outputs["status"], told.exit_code) == (status, code)
    assert told.outputs["reason"][: len(reason) or None] == reason
    assert told.summary.startswith(f"### {headline}\n")
    gentle = sent(ending, fail_on_error=False)
    assert gentle.exit_code == 0
    assert "error" not in {level for level, _ in gentle.annotations}


@pytest.mark.parametrize(
    ("ends", "line"),
    [
        ([HELD, HELD, HELD], "3 deployments: 3 registered."),
        (
            [HELD, ALREADY, UNKNOWN],
            "3 deployments: 1 registered, 1 already registered, 1 unknown.",
        ),
        ([None, REFUSED, None], "3 deployments: 1 not registered, 2 not sent."),
    ],
)
def test_all_outcomes_in_a_line(ends: list[End], line: str) -> None:
    assert counted(ended(rows_of(3), ends)) == line


def test_what_could_not_be_kept_fails_it() -> None:
    told = sent(ended(rows_of(1), [HELD]), fail_on_error=True, problems=[Problem("failed-file", "cannot be written.")])
    assert (told.exit_code, told.annotations[-1]) == (1, ("error", "`failed-file` cannot be written."))


def test_outputs_stay_small_and_have_failures_first() -> None:
    rows = Listed([(f"service-{'x' * 200}-{number % 900}", number) for number in range(5_000)])
    ends = list(islice(cycle([HELD, HELD, REFUSED, HELD]), 5_000))
    found = sent(ended(rows, ends, "é" * 4_000), fail_on_error=True).outputs
    assert sum(len(value.encode()) for value in found.values()) < LARGEST
    assert found["truncated"] == "true"
    results = json.loads(found["results"])
    assert {each["outcome"] for each in results} == {"failed"}
    assert json.loads(found["requests"]) == []
    assert 0 < len(json.loads(found["services"])) < 900


def test_what_is_remembered_does_not_grow() -> None:
    rows = rows_of(10_000)
    tally = ended(rows, [REFUSED, HELD] * 5_000).tally
    assert (len(tally.failed), len(tally.delivered)) == (MOST_RESULTS, MOST_RESULTS)
    assert {line.result.call.body for line in (*tally.failed, *tally.delivered)} == {b""}


def test_a_single_deployment_has_its_id_plain() -> None:
    found = sent(ended(Listed([("web", 1)]), [HELD]), fail_on_error=True).outputs
    assert (found["reference-id"], found["repository"], found["truncated"]) == ("web/1/0", "o/r", "false")


def test_pull_requests_are_no_services() -> None:
    told = sent(ended(Listed([7, ("web", 1)]), [HELD, HELD]), fail_on_error=True)
    assert json.loads(told.outputs["services"]) == ["web"]
    assert json.loads(told.outputs["reference-ids"]) == ["web/1/1"]
    assert "| <code>&#40;pull requests&#41;</code> | 1 |" in told.summary
    alone = sent(ended(Listed([7]), [HELD]), fail_on_error=True)
    assert alone.outputs["status"] == "pull-services-set"
    assert alone.summary.startswith("### Services set in DX\n")


def test_the_repository_is_named_where_it_is_one() -> None:
    rows = Listed([("a", 1), ("b", 2), ("c", 3)])
    rows.names[0] = ("", "a", "")
    assert written(ended(rows, []), "out.csv").outputs["repository"] == "o/r"
    rows.names[1] = ("o/other", "b", "")
    assert written(ended(rows, []), "out.csv").outputs["repository"] == ""


def test_no_more_than_two_thousand_names_are_given() -> None:
    rows = rows_of(2_001, services=2_001)
    assert len(json.loads(written(ended(rows, []), "out.csv").outputs["services"])) == 2_000


def test_the_summary_counts_by_service_and_outcome() -> None:
    text = summary(ended(rows_of(6), [HELD, HELD, REFUSED, HELD, None, HELD]))
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert table[:6] == [
        "| service | ✅ registered | ❌ not registered | ⏸️ not sent |",
        "| --- | ---: | ---: | ---: |",
        "| <code>s0</code> | 2 |  |  |",
        "| <code>s1</code> | 1 |  | 1 |",
        "| <code>s2</code> | 1 | 1 |  |",
        "| all | 4 | 1 | 1 |",
    ]
    assert table[-1].startswith("| 4 | <code>s2</code> | ❌ not registered | <code>repo&#95;not&#95;found</code> |")


@pytest.mark.parametrize(
    ("services", "last"), [(200, ["| s199 | 1 |", "| all | 200 |"]), (203, ["| 3 more | 3 |", "| all | 203 |"])]
)
def test_the_table_has_two_hundred_services_at_most(services: int, last: list[str]) -> None:
    rows = Listed([(f"s{number:03}", 0) for number in range(services)])
    text = summary(ended(rows, [HELD] * services))
    table = [re.sub("</?code>", "", line) for line in text.splitlines() if line.startswith("|")]
    assert (len(table), table[-2:]) == (2 + 200 + (services > 200) + 1, last)


def test_a_table_of_one_service_has_no_row_for_all() -> None:
    text = summary(ended(rows_of(2, services=1), [HELD, HELD]))
    assert text == "| service | ✅ registered |\n| --- | ---: |\n| <code>s0</code> | 2 |\n\n"


@pytest.mark.parametrize(("failed", "more"), [(100, ""), (101, "… and 1 more."), (1_500, "… and 1,400 more.")])
def test_a_hundred_of_what_failed_are_in_the_summary(failed: int, more: str) -> None:
    text = summary(ended(rows_of(failed, services=1), [*[REFUSED] * (failed - 1), UNKNOWN]))
    assert text.count("\n| --") == 2
    assert len([line for line in text.splitlines() if re.match(r"\| \d", line)]) == 100
    assert text.endswith(f"\n\n{more}\n" if more else " |\n")
    assert ("… and" in text) == bool(more)


@pytest.mark.parametrize(("failed", "more"), [(100, []), (101, ["  … and 1 more"])])
def test_a_hundred_of_what_failed_are_in_the_log(failed: int, more: list[str]) -> None:
    *_, (title, lines) = groups(ended(rows_of(failed), [REFUSED] * failed))
    assert (title, lines[100:]) == (f"Failed: {failed}", more)


@pytest.mark.parametrize(
    ("weeks", "first"),
    [(60, "  week of "), (61, "  1 earlier week not shown"), (62, "  2 earlier weeks not shown")],
)
def test_sixty_weeks_of_a_service_are_in_the_log(weeks: int, first: str) -> None:
    [(_, lines)] = groups(ended(Listed([("web", week * 7 * DAY) for week in range(weeks)]), [HELD] * weeks))
    assert lines[0].startswith(first)
    assert len([line for line in lines if line.startswith("  week of ")]) == 60


@pytest.mark.parametrize(("services", "more"), [(50, []), (51, ["1 more service: 1 registered"])])
def test_fifty_services_have_a_group(services: int, more: list[str]) -> None:
    rows = Listed([(f"s{number:03}", 0) for number in range(services)])
    assert [title for title, _ in groups(ended(rows, [HELD] * services))][50:] == more


def test_long_texts_are_cut() -> None:
    rows = Listed([("s" * 250, 0)])
    ending = ended(rows, [("failed", "e" * 101)], "m" * 201)
    text = summary(ending)
    service, error = f"<code>{'s' * 99}…</code>", f"<code>{'e' * 99}…</code>"
    assert f"\n| {service} | 1 |\n" in text
    assert text.endswith(
        f"| 2 | {service} | ❌ not registered | {error} | <code>{'m' * 199}…</code> | <code>{'s' * 199}…</code> |\n"
    )
    assert list(groups(ending)) == [
        (f"{'s' * 99}…: 1 not registered", ["  week of 2025-01-06  1 not registered"]),
        ("Failed: 1", [f"  line 2, {'s' * 99}…: failed (HTTP 422, {'e' * 99}…)"]),
    ]


@pytest.mark.parametrize(
    ("http_status", "attempts", "how"),
    [(None, 1, "no_answer"), (None, 2, "2 attempts, no_answer"), (503, 3, "HTTP 503, 3 attempts, no_answer")],
)
@pytest.mark.parametrize(("from_file", "noun"), [(True, "line"), (False, "row")])
def test_how_a_row_failed(http_status: int | None, attempts: int, how: str, from_file: bool, noun: str) -> None:
    rows = rows_of(1)
    tally = Tally(1)
    tally.add(0, 2, Result(rows.call(0), "unknown", http_status, "no_answer", "", attempts))
    ending = BackfillResult(rows=rows, tally=tally, from_file=from_file)
    assert list(groups(ending))[-1] == ("Failed: 1", [f"  {noun} 2, s0: unknown ({how})"])
    assert f"| {noun} | service | outcome | error | DX says | reference id |\n" in summary(ending)
    assert "| <code>no&#95;answer</code> |  | <code>s0/0/0</code> |\n" in summary(ending)


DAY = 24 * 60


@pytest.mark.parametrize(
    ("days", "title", "bars"),
    [
        ([0, 1, 7, 8, 13], "Deployments per week", [2, 3]),
        ([-1, 0, 6, 7], "Deployments per week", [1, 2, 1]),
        ([7 * week for week in range(9)], "Deployments per week", [1] * 9),
        ([7 * week for week in range(10)], "Deployments per week", [1] * 10),
        ([0, 7 * 52], "Deployments per week", [1, *[0] * 51, 1]),
        ([0, 7, 7 * 53], "Deployments per 2 weeks", [2, *[0] * 25, 1]),
    ],
)
def test_the_chart(days: list[int], title: str, bars: list[int]) -> None:
    """The rows start on a Monday."""
    rows = Listed([("web", day * DAY) for day in days])
    text = summary(ended(rows, [HELD] * len(days)))
    assert f'title "{title}' in text
    found = re.search(r"bar \[(.*)\]", text)
    assert found
    assert [int(bar) for bar in found[1].split(", ")] == bars
    if len(bars) > 9:  # the dates of so many would lie on each other
        assert re.search(rf'title "{title}, from 20..-..-.."', text)
        assert re.search(rf'x-axis "{title.removeprefix("Deployments per ")}" 1 --> {len(bars)}\n', text)
    else:
        assert f'title "{title}"' in text
        assert text.count('"20') == len(bars)


def test_the_chart_is_bounded_however_long_the_history() -> None:
    rows = Listed([("web", day * DAY) for day in range(-18_000, 0, 500)])
    text = summary(ended(rows, [HELD] * len(rows)))
    found = re.search(r"1 --> (\d+)\n", text)
    assert found
    assert 9 < int(found[1]) <= MOST_BARS


def test_what_dx_does_not_hold_is_not_in_the_chart() -> None:
    rows = Listed([("web", 0), ("web", 7 * DAY), ("web", 14 * DAY)])
    assert "bar [1, 1]" in summary(ended(rows, [HELD, HELD, REFUSED]))
    assert "bar [1, 1]" in summary(ended(rows, [HELD, ALREADY, REFUSED]))
    assert "bar" not in summary(ended(rows, [REFUSED] * 3))
    assert "bar [1, 1, 1]" in summary(ended(rows, []))


def test_the_summary_is_bounded_and_inert() -> None:
    hostile = "`|<b>@x *y* ::error::z\r\n" + "&" * 300
    rows = Listed([(f"{number}{hostile}", number * DAY) for number in range(3_000)])
    told = sent(ended(rows, [("failed", hostile)] * 3_000, hostile), fail_on_error=True)
    assert len(told.summary.encode()) < 1_000_000
    for line in told.summary.splitlines():
        assert not re.search(r"[`@*]|<b>", line.replace("```mermaid", "").replace("```", "")), line
        if line.startswith("|"):
            assert line.count("|") in (3, 7), line
    assert "… and 2,900 more." in told.summary


def test_the_summary_of_few_is_markdown_of_ours_only() -> None:
    check_summary(nothing(("`since` is after <b>all</b> of it.",)).summary)


def test_groups_are_services_with_their_weeks() -> None:
    rows = Listed([("a", 0), ("b", 1), ("a", 7 * DAY), 7])
    found = list(groups(ended(rows, [HELD, REFUSED, ALREADY, None])))
    assert found == [
        (
            "a: 1 registered, 1 already registered",
            ["  week of 2025-01-06  1 registered", "  week of 2025-01-13  1 already registered"],
        ),
        ("(pull requests): 1 not sent", []),
        ("b: 1 not registered", ["  week of 2025-01-06  1 not registered"]),
        ("Failed: 1", ["  line 3, b: failed (HTTP 422, repo_not_found)"]),
    ]


def test_groups_are_bounded() -> None:
    rows = Listed([(f"s{number:03}", 0) for number in range(200)] + [("big", week * 7 * DAY) for week in range(90)])
    found = list(groups(ended(rows, [HELD] * 290)))
    assert len(found) == MOST_GROUPS + 1
    assert found[0][0] == "big: 90 registered"
    assert found[0][1][0] == "  30 earlier weeks not shown"
    assert len(found[0][1]) == 61
    assert found[-1][0] == "151 more services: 151 registered"


def test_the_list_of_what_failed_is_bounded() -> None:
    *_, (title, lines) = groups(ended(rows_of(150), [REFUSED, UNKNOWN] * 75))
    assert (title, len(lines), lines[-1]) == ("Failed: 150", 101, "  … and 50 more")


def test_a_dry_run_and_a_csv_send_nothing() -> None:
    rows = rows_of(3)
    ending = ended(rows, [])
    dry = dry_run(ending, [rows.call(0), rows.call(1)])
    assert (dry.exit_code, dry.outputs["status"], dry.outputs["truncated"]) == (0, "dry-run", "true")
    assert len(json.loads(dry.outputs["reference-ids"])) == 2
    whole = dry_run(ending, [rows.call(index) for index in range(3)])
    assert whole.outputs["truncated"] == "false"
    assert [line[:7] for line in whole.lines] == ["Dry run", *["  POST ", '    {"r'] * 3]
    assert dry_run(ending, [rows.call(0)]).outputs["truncated"] == "true"
    assert dry_run(ended(rows_of(1), []), []).lines[0] == "Dry run. A live run would send 1 request:"
    assert dry.lines[0] == "Dry run. A live run would send 3 requests:"
    assert dry.lines[-1] == "  … and 1 more, not shown."
    file = written(ending, "out/rows.csv")
    assert (file.exit_code, file.outputs["status"]) == (0, "written")
    assert file.lines == ["3 deployments written to out/rows.csv. Nothing was sent to DX."]


def test_nothing_to_send_is_skipped() -> None:
    told = nothing(("The window is empty.",))
    assert (told.exit_code, told.outputs["status"]) == (0, "skipped")
    assert told.annotations == (
        ("notice", "Nothing was sent to DX. There is nothing to backfill. The window is empty."),
    )


def test_every_reason_has_its_sentence() -> None:
    for reason in ("order_kept", "stopped_before", "unauthorized_before", "http_429", "cancelled"):
        assert "does not list" not in advise(reason, None, said=False)


@pytest.mark.parametrize(
    ("rows", "headline", "message", "line"),
    [
        (
            [7, 8],
            "Services of 1 of 2 pull requests NOT set in DX",
            "set the services of 1 of 2 pull requests",
            "1 set, 1 not set",
        ),
        ([7, ("web", 1)], "1 of 2 rows NOT accepted by DX", "accept 1 of 2 rows", "1 registered, 1 not registered"),
        (
            [("web", 1), ("web", 2)],
            "1 of 2 deployments NOT registered in DX",
            "register 1 of 2 deployments",
            "1 registered, 1 not registered",
        ),
    ],
)
def test_what_rows_of_each_kind_are_called(
    rows: list[tuple[str, int] | int], headline: str, message: str, line: str
) -> None:
    found = sent(ended(Listed(rows), [HELD, REFUSED]), fail_on_error=True)
    assert found.summary.startswith(f"### {headline}\n")
    assert found.annotations[0][1].startswith(f"DX did not {message} (line 3): repo_not_found. ")
    assert found.lines[0].endswith(f": {line}.")


def test_the_group_of_pull_requests_counts_what_was_set() -> None:
    assert next(groups(ended(Listed([7]), [HELD])))[0] == "(pull requests): 1 set"

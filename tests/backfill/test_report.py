"""What a backfill says of itself, for ends of every kind and size."""

import json
from itertools import cycle, islice

import pytest

from backfills import Listed
from dx_action.backfill import report
from dx_action.backfill.report import MOST_SHOWN, conflicts, counted, dry_run, nothing, sent, written
from dx_action.backfill.tally import BackfillResult
from dx_action.errors import Problem
from dx_action.report.failures import advise
from ends import ALREADY, HELD, REFUSED, UNKNOWN, End, ended, rows_of
from gfm import check_summary

# The bounds, as literals: what the code has must be these.
MOST_KINDS, MOST_RESULTS, LARGEST = 50, 1300, 256 * 1024
ALREADY_STAY = "deployments that are already registered stay as they are."


def failures(ending: BackfillResult) -> list[str]:
    return [each.text for each in report.failures(ending)]


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
    assert r"DX says: “. ::error::x\r\n# #[error]y”." in message


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("Gone", "“Gone”."),
        ("Gone.", "“Gone.”"),
        ("Gone!", "“Gone!”"),
        ("Gone?", "“Gone?”"),
        ("Gone…", "“Gone…”"),
        ("(a)", "“(a)”."),
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
    assert found[-1] == f"{MOST_KINDS + 1 - 6} more kinds of failure: see the summary and the log."
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
        (
            [REFUSED, None],
            "failed",
            1,
            "2 of 2 deployments NOT registered in DX",
            "2 of 2 deployments NOT registered in DX. The job was",
        ),
    ],
)
def test_the_status(ends: list[End], status: str, code: int, headline: str, reason: str) -> None:
    ending = ended(rows_of(2), ends, reason="cancelled")
    told = sent(ending, fail_on_error="true")
    assert (told.outputs["status"], told.exit_code) == (status, code)
    assert told.outputs["reason"][: len(reason) or None] == reason
    assert told.summary.startswith(f"### {headline}\n")
    gentle = sent(ending, fail_on_error="false")
    assert gentle.exit_code == 0
    assert "error" not in {level for level, _ in gentle.annotations}


@pytest.mark.parametrize(
    ("ends", "status", "headline"),
    [
        ([HELD, HELD, HELD], "registered", "3 rows accepted by DX"),
        ([HELD, HELD, ALREADY], "registered", "3 rows accepted by DX"),
        ([HELD, ALREADY, ALREADY], "already-registered", "2 deployments already registered in DX"),
        ([HELD, ALREADY, REFUSED], "partial", "1 of 3 rows NOT accepted by DX"),
        ([REFUSED, ALREADY, ALREADY], "partial", "1 of 3 rows NOT accepted by DX"),
    ],
)
def test_the_status_of_pull_requests_and_deployments_is_that_of_a_step(
    ends: list[End], status: str, headline: str
) -> None:
    """A step that sets pull requests, and whose deployments DX holds already, is `already-registered` too."""
    told = sent(ended(Listed([7, ("web", 1), ("web", 2)]), ends), fail_on_error="true")
    assert told.outputs["status"] == status
    assert told.summary.startswith(f"### {headline}\n")


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


@pytest.mark.parametrize(
    ("count", "more"),
    [
        (0, ""),
        (1, " Of those that DX has, 1 is a failed deployment."),
        (1200, " Of those that DX has, 1,200 are failed deployments."),
    ],
)
def test_failed_deployments_among_the_registered_are_counted(count: int, more: str) -> None:
    ending = ended(rows_of(3), [HELD] * 3)
    ending.tally.unsuccessful = count
    assert counted(ending) == f"3 deployments: 3 registered.{more}"


def test_what_could_not_be_kept_fails_it() -> None:
    told = sent(
        ended(rows_of(1), [HELD]), fail_on_error="true", problems=[Problem("failed-file", "cannot be written.")]
    )
    assert (told.exit_code, told.annotations[-1]) == (1, ("error", "`failed-file` cannot be written."))


def test_outputs_stay_small_and_have_failures_first() -> None:
    rows = Listed([(f"service-{'x' * 200}-{number % 900}", number) for number in range(5_000)])
    ends = list(islice(cycle([HELD, HELD, REFUSED, HELD]), 5_000))
    found = sent(ended(rows, ends, "é" * 4_000), fail_on_error="true").outputs
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
    assert {line.result.call.body for line in (*tally.failed[50:], *tally.delivered)} == {b""}
    # The first have their requests, to be shown whole.
    assert all(line.result.call.body for line in tally.failed[:50])


def test_a_single_deployment_has_its_id_plain() -> None:
    found = sent(ended(Listed([("web", 1)]), [HELD]), fail_on_error="true").outputs
    assert (found["reference-id"], found["repository"], found["truncated"]) == ("web/1/0", "o/r", "false")


def test_pull_requests_are_no_services() -> None:
    told = sent(ended(Listed([7, ("web", 1)]), [HELD, HELD]), fail_on_error="true")
    assert json.loads(told.outputs["services"]) == ["web"]
    assert json.loads(told.outputs["reference-ids"]) == ["web/1/1"]
    assert '<td nowrap><code>&#40;pull requests&#41;</code></td><td align="right" nowrap>1</td>' in told.summary
    alone = sent(ended(Listed([7]), [HELD]), fail_on_error="true")
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


def test_the_summary_is_bounded_and_inert() -> None:
    hostile = "`|<b>@x *y* ::error::z\r\n" + "&" * 300
    rows = Listed([(f"{number}{hostile}", number * 24 * 60) for number in range(3_000)])
    told = sent(ended(rows, [("failed", hostile)] * 3_000, hostile), fail_on_error="true")
    assert len(told.summary.encode()) < 1_000_000
    page = check_summary(told.summary)
    shown = len([row for row in page.rows if len(row) == 6]) - 1
    assert 20 < shown <= 100
    assert f"\n… and {3_000 - shown:,} more.\n" in told.summary
    assert len([row for row in page.rows if len(row) == 2]) == 203


def test_the_summary_of_few_is_markdown_of_ours_only() -> None:
    check_summary(nothing([("notice", "`since` is after <b>all</b> of it.")]).summary)


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
    told = nothing([("warning", "1 is missing."), ("notice", "The window is empty.")])
    assert (told.exit_code, told.outputs["status"]) == (0, "skipped")
    assert told.annotations == (
        ("warning", "1 is missing."),
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
    found = sent(ended(Listed(rows), [HELD, REFUSED]), fail_on_error="true")
    assert found.summary.startswith(f"### {headline}\n")
    assert found.annotations[0][1].startswith(f"DX did not {message} (line 3): repo_not_found. ")
    assert found.lines[0].endswith(f": {line}.")


@pytest.mark.parametrize(
    ("rows", "counted", "mark", "again"),
    [
        ([7, 8], "✅ set, ❌ not set", "❌ not set", "setting the same services again changes nothing."),
        ([("web", 1), 8], "✅ registered, ❌ not registered", "❌ not set", ALREADY_STAY),
        ([7, ("web", 1)], "✅ registered, ❌ not registered", "❌ not registered", ALREADY_STAY),
    ],
)
def test_a_summary_says_of_each_kind_of_row_what_dx_does_with_it(
    rows: list[tuple[str, int] | int], counted: str, mark: str, again: str
) -> None:
    found = sent(ended(Listed(rows), [HELD, REFUSED]), fail_on_error="true")
    cells = check_summary(found.summary).rows
    assert ", ".join(cells[0][1:]) == counted
    assert cells[-1][2] == mark
    assert found.annotations[0][1].endswith(f"Once this is fixed, run the same backfill again: {again}")


def test_with_calls_about_pull_requests_it_is_about_the_deployments() -> None:
    rows = Listed([7, ("web", 5)])
    assert sent(ended(rows, [HELD, HELD]), fail_on_error="true").outputs["status"] == "registered"
    assert sent(ended(Listed([7, 8]), [HELD, HELD]), fail_on_error="true").outputs["status"] == "pull-services-set"
    assert MOST_SHOWN == 200


DOWN: End = ("failed", "connection_failed")


@pytest.mark.parametrize(
    ("ends", "reason", "held_back", "code"),
    [
        ([DOWN, HELD, HELD], "", 0, 0),
        ([DOWN, None, HELD], "", 1, 0),
        ([DOWN, DOWN, None], "stopped_before", 0, 0),
        ([DOWN, ("unknown", "stopped_before"), None], "stopped_before", 0, 0),
        ([("failed", "http_429"), None, None], "http_429", 0, 0),
        ([HELD, None, None], "http_429", 0, 0),
        ([DOWN, REFUSED, HELD], "", 0, 1),
        ([("failed", "certificate_untrusted"), None, None], "stopped_before", 0, 1),
        ([("failed", "invalid_auth"), None, None], "unauthorized_before", 0, 1),
        ([DOWN, None, None], "cancelled", 0, 1),
        ([("unknown", "cancelled"), HELD, HELD], "cancelled", 0, 1),
        ([HELD, HELD, HELD], "", 0, 0),
    ],
    ids=str,
)
def test_which_ends_of_rows_are_outages(ends: list[End], reason: str, held_back: int, code: int) -> None:
    told = sent(
        ended(rows_of(3), ends, reason=reason, held_back=held_back, status=None), fail_on_error="except-outages"
    )
    assert told.exit_code == code
    strict = sent(ended(rows_of(3), ends, reason=reason, held_back=held_back), fail_on_error="true")
    assert strict.exit_code == (ends != [HELD] * 3)


def test_a_kind_of_rows_is_an_outage_if_each_of_them_is() -> None:
    ending = ended(rows_of(1), [("failed", "oops")], status=503)
    assert sent(ending, fail_on_error="except-outages").exit_code == 0
    ending.tally.add(0, 3, ending.tally.failed[0].result._replace(http_status=422))
    assert sent(ending, fail_on_error="except-outages").exit_code == 1


@pytest.mark.parametrize(
    ("ends", "notice"),
    [
        ([HELD, HELD], "2 deployments registered in DX. 2 deployments: 2 registered."),
        ([HELD, ALREADY], "2 deployments registered in DX. 2 deployments: 1 registered, 1 already registered."),
        ([ALREADY, ALREADY], None),
        ([HELD, REFUSED], None),
    ],
)
def test_a_success_has_its_one_notice(ends: list[End], notice: str | None) -> None:
    found = [
        text for level, text in sent(ended(rows_of(2), ends), fail_on_error="true").annotations if level == "notice"
    ]
    assert found == ([notice] if notice else [])


def test_what_sends_nothing_has_its_notice() -> None:
    ending = ended(rows_of(3), [])
    assert dry_run(ending, []).annotations == (
        ("notice", "Dry run: nothing was sent to DX. A live run would send 3 requests."),
    )
    assert written(ending, "a.csv").annotations == (
        ("notice", "3 deployments written to a.csv. Nothing was sent to DX."),
    )


def test_what_failed_is_whole_up_to_fifty() -> None:
    rows = rows_of(60)
    found = sent(ended(rows, [HELD, *[REFUSED] * 55, UNKNOWN, None]), fail_on_error="true")
    assert [call.body for call in found.undelivered] == [rows.call(index).body for index in range(1, 51)]
    assert found.saved

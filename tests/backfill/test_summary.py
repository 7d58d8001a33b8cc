"""The summary of a backfill and the groups of its log, for rows of every kind and number."""

import re
from datetime import date, timedelta

import pytest
import yaml

from backfills import Listed
from dx_action.backfill.summary import groups, summary
from dx_action.backfill.tally import BackfillResult, Tally
from dx_action.deployment.calls import Result
from ends import ALREADY, HELD, REFUSED, UNKNOWN, ended, rows_of
from gfm import check_summary

# The bounds, as literals: what the code has must be these.
MOST_BARS, MOST_GROUPS = 53, 50
DAY = 24 * 60


def test_the_summary_counts_by_service_and_outcome() -> None:
    text = summary(ended(rows_of(6), [HELD, HELD, REFUSED, HELD, None, HELD]))
    table = check_summary(text).rows
    assert table[:5] == [
        ["service", "✅ registered", "❌ not registered", "⏸️ not sent"],
        ["s0", "2", "", ""],
        ["s1", "1", "", "1"],
        ["s2", "1", "1", ""],
        ["all", "4", "1", "1"],
    ]
    assert table[-1] == ["4", "s2", "❌ not registered", "repo_not_found", "", "s2/120/2"]
    number, prose = '<td align="right" nowrap>', "<td>"
    assert f"<tr><td nowrap><code>s0</code></td>{number}2</td>{number}</td>{number}</td></tr>\n" in text
    assert f"<tr>{number}4</td><td nowrap><code>s2</code></td><td nowrap>❌ not registered</td>" in text
    assert f"</td>{prose}</td><td nowrap><samp>s2/120/2</samp></td></tr>\n" in text


@pytest.mark.parametrize(
    ("services", "last"), [(200, [["s199", "1"], ["all", "200"]]), (203, [["3 more", "3"], ["all", "203"]])]
)
def test_the_table_has_two_hundred_services_at_most(services: int, last: list[list[str]]) -> None:
    rows = Listed([(f"s{number:03}", 0) for number in range(services)])
    table = check_summary(summary(ended(rows, [HELD] * services))).rows
    assert (len(table), table[-2:]) == (1 + 200 + (services > 200) + 1, last)


def test_a_table_of_one_service_has_no_row_for_all() -> None:
    text = summary(ended(rows_of(2, services=1), [HELD, HELD]))
    assert check_summary(text).rows == [["service", "✅ registered"], ["s0", "2"]]
    assert text.endswith("</table>\n\n")


@pytest.mark.parametrize(("failed", "more"), [(100, ""), (101, "… and 1 more."), (1_500, "… and 1,400 more.")])
def test_a_hundred_of_what_failed_are_in_the_summary(failed: int, more: str) -> None:
    text = summary(ended(rows_of(failed, services=1), [*[REFUSED] * (failed - 1), UNKNOWN]))
    page = check_summary(text)
    assert page.count["table"] == 2
    assert len([row for row in page.rows if row[0].isdigit()]) == 100
    assert text.endswith(f"</table>\n\n{more}\n" if more else "</table>\n")
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
    service, error = f"{'s' * 99}…", f"{'e' * 99}…"
    (_, first, _, last) = check_summary(text).rows
    assert first == [service, "1"]
    assert last == ["2", service, "❌ not registered", error, f"{'m' * 199}…", f"{'s' * 199}…"]
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
    *_, head, row = check_summary(summary(ending)).rows
    assert head == [noun, "service", "outcome", "error", "DX says", "reference id"]
    assert row[3:] == ["no_answer", "", "s0/0/0"]


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
    assert f'    y-axis "deployments" 0 --> {max(bars)}\n' in text
    if len(bars) > 9:  # the dates of so many would lie on each other
        assert re.search(rf'title "{title}, from 20..-..-.."', text)
        assert re.search(rf'x-axis "{title.removeprefix("Deployments per ")}" 1 --> {len(bars)}\n', text)
    else:
        assert f'title "{title}"' in text
        assert text.count('"20') == len(bars)
        first = date(2025, 1, 6) + timedelta(days=min(days) // 7 * 7)
        weeks = ", ".join(f'"{first + timedelta(weeks=number)}"' for number in range(len(bars)))
        assert f"    x-axis [{weeks}]\n" in text


def test_the_bars_are_seen_in_light_and_dark() -> None:
    ((language, chart),) = check_summary(summary(ended(Listed([("web", 0), ("web", 7 * DAY)]), []))).fences
    settings, _, drawing = chart.removeprefix("---\n").partition("---\n")
    (colour,) = yaml.safe_load(settings)["config"]["themeVariables"]["xyChart"].values()
    assert (language, drawing.partition("\n")[0]) == ("mermaid", "xychart-beta")
    # GitHub's two backgrounds. What is no text needs a contrast of 3 to 1.
    for background in ("#ffffff", "#0d1117"):
        bright, dark = sorted((brightness(colour), brightness(background)), reverse=True)
        assert (bright + 0.05) / (dark + 0.05) >= 3


def brightness(colour: str) -> float:
    """Return the relative luminance, as WCAG 2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


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


def test_the_group_of_pull_requests_counts_what_was_set() -> None:
    assert next(groups(ended(Listed([7]), [HELD])))[0] == "(pull requests): 1 set"

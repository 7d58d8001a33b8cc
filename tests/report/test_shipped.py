"""The summary's part on what ships, whole; and how much of it is shown."""

from dataclasses import replace

import pytest

from changesets import BEFORE, COMMIT, DEPLOYED_AT, HISTORY, pull
from dx_action.changes.changeset import Changes, ChangeSet, MergedPull
from dx_action.inputs.values import Sourced
from dx_action.report.shipped import lead_time, shipped
from runner import check_summary

HEAD = "| pull request | title | author | merged | lead time |\n| --- | --- | --- | --- | --- |\n"
SINCE = f"Deployed before: <code>{BEFORE}</code>, from GitHub&#39;s deployment history &#40;deployment 1&#41;.\n\n"
TWO = ChangeSet(HISTORY, True, "forward", (pull(1), pull(2)))


def told(*shipments: ChangeSet, listed: bool = True) -> str:
    text = shipped(
        Changes({f"s{number}": each for number, each in enumerate(shipments)}, listed=listed), DEPLOYED_AT, COMMIT
    )
    check_summary(text)
    return text


def row(number: int) -> str:
    url = f"https&#58;//github.com/acme/shop/pull/{number}"
    return f'| <a href="{url}">#{number}</a> | Change {number} | octocat | 2025-03-09 10&#58;{number:02} | 1 d 23 h |\n'


def test_a_deployment_with_two_pull_requests() -> None:
    assert told(TWO) == (
        f"#### Ships 2 pull requests\n\n{SINCE}{HEAD}{row(1)}{row(2)}\n"
        "```mermaid\n---\ndisplayMode: compact\n---\ngantt\n  dateFormat YYYY-MM-DDTHH:mm:ss\n  axisFormat %d %b %H h\n"
        "  todayMarker off\n"
        "  section #1\n    to the merge :2025-03-08T10:01:00, 2025-03-09T10:01:00\n"
        "    to production :done, 2025-03-09T10:01:00, 2025-03-10T09:30:15\n"
        "  section #2\n    to the merge :2025-03-08T10:02:00, 2025-03-09T10:02:00\n"
        "    to production :done, 2025-03-09T10:02:00, 2025-03-10T09:30:15\n"
        "```\n\n"
    )


@pytest.mark.parametrize(
    ("shipment", "before"),
    [
        (TWO, SINCE),
        (replace(TWO, previous=None), ""),
        (replace(TWO, certain=False), SINCE.replace("Deployed before", "Compared with")),
        (replace(TWO, course="diverged"), SINCE.replace("41;.", "41;. One does not follow the other.")),
        (
            replace(TWO, previous=Sourced("v" * 41, "s" * 101)),
            f"Deployed before: <code>{'v' * 39}…</code>, from {'s' * 99}….\n\n",
        ),
        (
            replace(TWO, previous=Sourced("v" * 40, "s" * 100)),
            f"Deployed before: <code>{'v' * 40}</code>, from {'s' * 100}.\n\n",
        ),
    ],
)
def test_since_when(shipment: ChangeSet, before: str) -> None:
    assert told(shipment, listed=False) == f"#### {shipment.headline(COMMIT)}\n\n{before}"


@pytest.mark.parametrize(
    ("made", "cells"),
    [
        (pull(1, url="javascript:x"), "#&#8203;1 | Change 1 | octocat | 2025-03-09 10&#58;01 | 1 d 23 h"),
        (pull(1, url="", first_commit_at=None), "#&#8203;1 | Change 1 | octocat | 2025-03-09 10&#58;01 | —"),
        (
            pull(1, url="", title="t" * 121, author="a" * 51),
            f"#&#8203;1 | {'t' * 119}… | {'a' * 49}… | 2025-03-09 10&#58;01 | 1 d 23 h",
        ),
        (
            pull(1, url="", title="t" * 120, author="a" * 50),
            f"#&#8203;1 | {'t' * 120} | {'a' * 50} | 2025-03-09 10&#58;01 | 1 d 23 h",
        ),
    ],
)
def test_a_row(made: MergedPull, cells: str) -> None:
    assert f"{HEAD}| {cells} |\n\n" in told(replace(TWO, pulls=(made,)))


def test_services_that_ship_the_same_share_a_section() -> None:
    other = replace(TWO, pulls=(pull(3),))
    headings = [line for line in told(TWO, other, TWO, listed=False).splitlines() if line.startswith("####")]
    assert headings == [
        "#### Ships 2 pull requests: <code>s0</code>, <code>s2</code>",
        "#### Ships 1 pull request: <code>s1</code>",
    ]
    assert "<code>s" not in told(TWO, TWO)


@pytest.mark.parametrize(("count", "more"), [(10, ""), (11, " and 1 more")])
def test_up_to_ten_services_are_named(count: int, more: str) -> None:
    names = ", ".join(f"<code>s{number}</code>" for number in range(1, 11))
    other = replace(TWO, pulls=(pull(3),))
    assert f"#### Ships 2 pull requests: {names}{more}\n" in told(other, *[TWO] * count, listed=False)


def test_long_names_of_services_are_cut() -> None:
    ships = {"n" * 101: TWO, "m" * 100: replace(TWO, pulls=())}
    text = shipped(Changes(ships), DEPLOYED_AT, COMMIT)
    assert f": <code>{'n' * 99}…</code>\n" in text
    assert f": <code>{'m' * 100}</code>\n" in text


@pytest.mark.parametrize(
    ("count", "more"), [(20, ""), (21, "… and what ships of 1 more service.\n"), (22, "of 2 more services.\n")]
)
def test_up_to_twenty_sections(count: int, more: str) -> None:
    text = told(*(replace(TWO, pulls=(pull(number),)) for number in range(1, count + 1)), listed=False)
    assert text.count("####") == 20
    assert text.endswith(more or SINCE)


@pytest.mark.parametrize(
    ("counts", "rows", "more"),
    [
        ([100], 100, []),
        ([101], 100, ["… and 1 more."]),
        ([60, 59], 100, ["… and 19 more."]),
        ([100, 59], 100, ["… and 59 more."]),
    ],
)
def test_up_to_a_hundred_rows_in_all_sections(counts: list[int], rows: int, more: list[str]) -> None:
    shipments = [replace(TWO, pulls=tuple(pull(number % 60) for number in range(count))) for count in counts]
    text = told(*shipments)
    assert text.count("\n| <a ") == rows
    assert [line for line in text.splitlines() if line.startswith("… and ")] == more
    assert text.count(HEAD) == len([count for count in counts[:1] if count]) + (len(counts) > 1 and counts[0] < 100)


@pytest.mark.parametrize(
    ("since", "axis"),
    [("2025-03-05T09:30:16Z", "%d %b %H h"), ("2025-03-05T09:30:15Z", "%d %b"), ("2025-01-01T00:00:00Z", "%d %b")],
)
def test_the_axis_has_hours_where_the_longest_took_few_days(since: str, axis: str) -> None:
    text = told(replace(TWO, pulls=(pull(1, first_commit_at=since), pull(2))))
    assert f"\n  axisFormat {axis}\n" in text


@pytest.mark.parametrize(
    ("more", "drawn"),
    [
        ({}, True),
        ({"first_commit_at": "2025-03-09T10:03:00Z"}, True),
        ({"first_commit_at": "2025-03-09T10:03:01Z"}, False),
        ({"merged_at": DEPLOYED_AT}, True),
        ({"merged_at": "2025-03-10T09:30:16Z"}, False),
        ({"merged_at": ""}, False),
        ({"first_commit_at": "soon"}, False),
    ],
)
def test_what_is_drawn(more: dict[str, str], drawn: bool) -> None:
    text = told(replace(TWO, pulls=(*TWO.pulls, pull(3, **more))))
    assert ("section #3\n" in text) is drawn


def test_a_rollback_is_not_drawn_and_the_newest_twenty_are() -> None:
    text = told(replace(TWO, course="rollback"))
    assert "gantt" not in text
    # What is taken out of production has no lead time.
    assert "| pull request | title | author | merged |\n| --- | --- | --- | --- |\n| <a href=" in text
    assert "| pull request | title | author | merged | lead time |\n| --- | --- | --- | --- | --- |\n" in told(TWO)
    assert "gantt" in told(replace(TWO, course="diverged"))
    text = told(replace(TWO, pulls=tuple(pull(number) for number in range(1, 22))))
    assert [text.count(f"section #{number}\n") for number in (1, 2, 21)] == [0, 1, 1]


@pytest.mark.parametrize(
    ("since", "told"),
    [
        (DEPLOYED_AT, "0 min"),
        ("2025-03-10T09:30:16Z", ""),
        (None, ""),
        ("soon", ""),
        ("2025-03-08T08:29:15Z", "2 d 1 h"),
    ],
)
def test_how_long_it_took(since: str | None, told: str) -> None:
    assert lead_time(since, DEPLOYED_AT) == told

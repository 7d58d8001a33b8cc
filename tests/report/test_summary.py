"""The step's summary, whole: what was sent or would be, and how others' words are kept from being markup."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import inputs, resolved
from changesets import BEFORE, COMMIT, DEPLOYED_AT, HISTORY, pull, ships_of
from dx_action.changes.changeset import NO_CHANGES, Changes, ChangeSet, Course, MergedPull
from dx_action.deployment.calls import Call, Outcome, Result, deployment_calls, serialise
from dx_action.errors import Failure
from dx_action.inputs.values import Sourced
from dx_action.report import summary
from dx_action.report.summary import lead_time, what_ships
from dx_action.text import one_line
from hostile import TEXT
from runner import check_summary

ID = "github.com/pull/2401500041/deploy/0/success"
HEAD = (
    "| service | commit | deployed at | attribution | outcome | reference id |\n| --- | --- | --- | --- | --- | --- |\n"
)
FACTS = 'Repository <code>acme/shop</code> · <a href="https&#58;//github.com/acme/shop/pull/41">source</a>\n'
GIVEN = {"service": "web,cart"}
CONTEXT = resolved("pull_request_merged", GIVEN)
WEB, CART = deployment_calls(CONTEXT, inputs(GIVEN))


def told_pull(*services: str, subject: str = "pull request #7") -> Call:
    body = {"services": [{"identifier": name} for name in services]}
    return Call("deployments.setPullServices", "", "", serialise(body), subject)


def row(service: str, mark: str, attribution: str = "commit") -> str:
    return (
        f"| <code>{service}</code> | <code>312c5c6455a5</code> | 2025-03-10T09:30:15Z | {attribution} | {mark} "
        f"| <code>{ID}/{service}</code> |\n"
    )


def test_what_was_sent() -> None:
    results = [
        Result(WEB, "accepted", 200),
        Result(told_pull("a|b", "web"), "accepted", 200),
        Result(CART, "failed", 422, "some_code", "no ``` way\nout"),
        Result(told_pull(subject="the pull request of id 8"), "unknown", 503, "http_503", ""),
    ]
    text = summary.whole("Done", [Failure("One.")], [("notice", "Two: `x`.")], summary.sent(CONTEXT, results))
    assert text == (
        "### Done\n\n"
        "> One.\n>\n> Two&#58; <code>x</code>.\n>\n\n"
        "- Services of the pull request of id 8: none · ❓ unknown\n"
        "- Services of pull request &#35;7: <code>a&#124;b</code>, <code>web</code> · ✅ set\n\n"
        f"{HEAD}{row('cart', '❌ not registered')}{row('web', '✅ registered')}\n"
        f"{FACTS}"
        "\n````text\ncart: some_code: no ``` way\nout\n````\n"
    )
    check_summary(text)


@pytest.mark.parametrize(
    ("outcome", "mark", "for_pulls"),
    [
        ("accepted", "✅ registered", "✅ set"),
        ("already-registered", "☑️ already registered", "☑️ already set"),
        ("failed", "❌ not registered", "❌ not set"),
        ("not-sent", "⏸️ not sent", "⏸️ not sent"),
        ("unknown", "❓ unknown", "❓ unknown"),
    ],
)
def test_each_outcome_has_its_mark(outcome: Outcome, mark: str, for_pulls: str) -> None:
    text = summary.sent(CONTEXT, [Result(WEB, outcome), Result(told_pull("a"), outcome)])
    assert (
        text == f"- Services of pull request &#35;7: <code>a</code> · {for_pulls}\n\n{HEAD}{row('web', mark)}\n{FACTS}"
    )


def test_a_dry_run() -> None:
    told = told_pull("a")
    text = summary.dry_run(CONTEXT, [told, WEB])
    assert text == (
        "- Services of pull request &#35;7: <code>a</code> · 🧪 not sent (dry run)\n\n"
        f"{HEAD}{row('web', '🧪 not sent (dry run)')}\n"
        f"{FACTS}"
        "\n```text\n"
        f"POST /api/deployments.setPullServices\n{told.body.decode()}\n"
        f"POST /api/deployments.create\n{WEB.body.decode()}\n"
        "```\n"
    )


def test_where_only_pull_requests_are_told_there_is_no_table() -> None:
    text = summary.dry_run(CONTEXT, [told_pull("a")])
    assert "|" not in text


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"merge_commit_shas": ["a"]}, "1 merge commit"),
        ({"merge_commit_shas": ["a", "b"]}, "2 merge commits"),
        ({"merge_commit_shas": ["a", "b"], "commit_sha": "c"}, "2 merge commits"),
        ({"commit_sha": "c"}, "commit"),
        ({"repository": "acme/shop"}, "repository"),
    ],
)
def test_what_it_is_attributed_by(body: dict[str, object], told: str) -> None:
    call = Call("deployments.create", "web", f"{ID}/web", serialise(body))
    assert row("web", "✅ registered", told) in summary.sent(CONTEXT, [Result(call, "accepted")])


@pytest.mark.parametrize(
    ("given", "facts"),
    [
        ({}, ""),
        ({"success": "true"}, ""),
        ({"success": "failure"}, " · **failed** deployment"),
        ({"environment": "e_u"}, " · environment <code>e&#95;u</code>"),
        ({"success": "failure", "environment": "eu"}, " · **failed** deployment · environment <code>eu</code>"),
    ],
)
def test_the_facts_in_a_line(given: dict[str, str], facts: str) -> None:
    text = summary.sent(resolved("pull_request_merged", given), [])
    assert text == f"Repository <code>acme/shop</code>{facts} · {FACTS.partition(' · ')[2]}"


@pytest.mark.parametrize(("count", "more"), [(200, ""), (202, "\n… and 2 more.\n")])
def test_a_long_table_is_cut_at_two_hundred(count: int, more: str) -> None:
    text = summary.dry_run(CONTEXT, [WEB] * count)
    rows = row("web", "🧪 not sent (dry run)") * 200
    assert f"{HEAD}{rows}{more}\n{FACTS}" in text
    assert text.count("\nPOST ") == 20


@pytest.mark.parametrize(("ticks", "fence"), [(0, 3), (1, 3), (2, 3), (3, 4), (7, 8)])
def test_the_fence_is_longer_than_any_run_of_backticks(ticks: int, fence: int) -> None:
    message = f"` {'`' * ticks} x"
    text = summary.sent(CONTEXT, [Result(WEB, "failed", 422, "e", message)])
    assert text.endswith(f"\n\n{'`' * fence}text\nweb: e: {message}\n{'`' * fence}\n")


def test_the_words_of_twenty_are_quoted() -> None:
    text = summary.sent(CONTEXT, [Result(WEB, "failed", 422, "e", f"word{n}") for n in range(30)])
    assert text.count("web: e: word") == 20
    assert "word19\n" in text


def test_a_paragraph_and_a_list() -> None:
    assert summary.paragraph("Head", "a `b` <c>") == "### Head\n\na <code>b</code> &#60;c&#62;\n"
    assert summary.bullets("Head", ["a", "`b`"]) == "### Head\n\n- a\n- <code>b</code>\n"


@pytest.mark.parametrize("over", [0, 1])
def test_long_names_ids_and_words_are_cut(over: int) -> None:
    name, key, word = "n" * (100 + over), "r" * (200 + over), "w" * (4000 - len("web: e: ") + over)
    tail = "…" if over else ""
    call = Call("deployments.create", name, key, b"{}")
    text = summary.dry_run(CONTEXT, [told_pull(name), call])
    assert f"| <code>{name[: 100 - over]}{tail}</code> |" in text
    assert f"| <code>{key[: 200 - over]}{tail}</code> |" in text
    assert f"#7: <code>{name[: 100 - over]}{tail}</code> ·" in text.replace("&#35;", "#")
    text = summary.sent(CONTEXT, [Result(WEB, "failed", 422, "e", word)])
    assert f"\nweb: e: {word[: len(word) - 2 * over]}{tail}\n" in text


# What ships.

PULLS_HEAD = "| pull request | title | author | merged | lead time |\n| --- | --- | --- | --- | --- |\n"
SINCE = f"Previous deployment: <code>{BEFORE}</code>, from GitHub&#39;s deployment history &#40;deployment 1&#41;.\n\n"
TWO = ChangeSet(HISTORY, True, "forward", (pull(1), pull(2)))


def told(*shipments: ChangeSet, listed: bool = True) -> str:
    text = what_ships(
        Changes({f"s{number}": each for number, each in enumerate(shipments)}, listed=listed), DEPLOYED_AT, COMMIT
    )
    check_summary(text)
    return text


def pull_row(number: int) -> str:
    url = f"https&#58;//github.com/acme/shop/pull/{number}"
    return f'| <a href="{url}">#{number}</a> | Change {number} | octocat | 2025-03-09 10&#58;{number:02} | 1 d 23 h |\n'


def test_a_deployment_with_two_pull_requests() -> None:
    assert told(TWO) == (
        f"#### Ships 2 pull requests\n\n{SINCE}{PULLS_HEAD}{pull_row(1)}{pull_row(2)}\n"
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
        (replace(TWO, certain=False), SINCE.replace("Previous deployment", "Compared with")),
        (replace(TWO, course="diverged"), SINCE.replace("41;.", "41;. The two commits have diverged.")),
        (
            replace(TWO, previous=Sourced("v" * 41, "s" * 101)),
            f"Previous deployment: <code>{'v' * 39}…</code>, from {'s' * 99}….\n\n",
        ),
        (
            replace(TWO, previous=Sourced("v" * 40, "s" * 100)),
            f"Previous deployment: <code>{'v' * 40}</code>, from {'s' * 100}.\n\n",
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
    assert f"{PULLS_HEAD}| {cells} |\n\n" in told(replace(TWO, pulls=(made,)))


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
    text = what_ships(Changes(ships), DEPLOYED_AT, COMMIT)
    assert f": <code>{'n' * 99}…</code>\n" in text
    assert f": <code>{'m' * 100}</code>\n" in text


@pytest.mark.parametrize(
    ("count", "more"), [(20, ""), (21, "… and 1 more service.\n"), (22, "… and 2 more services.\n")]
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
    assert text.count(PULLS_HEAD) == len([count for count in counts[:1] if count]) + (
        len(counts) > 1 and counts[0] < 100
    )


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
        ("2025-03-09T09:30:15Z", "1 d"),
    ],
)
def test_how_long_it_took(since: str | None, told: str) -> None:
    assert lead_time(since, DEPLOYED_AT) == told


def test_what_ships_follows_the_facts() -> None:
    changes = Changes({"web": TWO})
    for text in (
        summary.sent(replace(CONTEXT, changes=changes), [Result(WEB, "accepted")]),
        summary.dry_run(replace(CONTEXT, changes=changes), [WEB]),
    ):
        assert CONTEXT.commit
        ships = what_ships(changes, CONTEXT.deployed_at.value, CONTEXT.commit.value)
        assert f"{FACTS}\n{ships}" in text
    text = summary.sent(replace(CONTEXT, changes=changes, commit=None), [])
    assert what_ships(changes, CONTEXT.deployed_at.value, "") in text


@settings(max_examples=300, deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=4))
def test_a_fence_holds_what_is_put_into_it(words: list[str]) -> None:
    fence = summary._fence(words)
    check_summary(fence)
    opening, *inside, closing, end = fence.removeprefix("\n").split("\n")
    assert (opening, end) == (f"{closing}text", "")
    assert all(closing not in line for line in inside)
    assert inside == [one_line(line) for each in words for line in each.split("\n")]


# The bounds, as literals: what the code has must be these.
MOST_BARS, MOST_ROWS, MOST_SECTIONS = 20, 100, 20


@pytest.mark.parametrize(
    ("since", "until", "told"),
    [
        ("2025-03-10T09:30:00Z", DEPLOYED_AT, "0 min"),
        ("2025-03-10T09:00:15Z", DEPLOYED_AT, "30 min"),
        ("2025-03-10T08:30:15Z", DEPLOYED_AT, "1 h 0 min"),
        ("2025-03-10T10:30:15+02:00", DEPLOYED_AT, "1 h 0 min"),
        ("2025-03-09T09:30:15Z", DEPLOYED_AT, "1 d"),
        ("2025-03-08T08:31:15Z", DEPLOYED_AT, "2 d"),
        ("2025-03-08T08:30:15Z", DEPLOYED_AT, "2 d 1 h"),
        ("2024-03-10T09:30:15Z", DEPLOYED_AT, "365 d"),
        ("2025-03-10T09:30:16Z", DEPLOYED_AT, ""),
        (None, DEPLOYED_AT, ""),
        ("soon", DEPLOYED_AT, ""),
    ],
)
def test_how_long(since: str | None, until: str, told: str) -> None:
    assert lead_time(since, until) == told


def test_what_is_not_to_be_listed_is_a_headline() -> None:
    text = what_ships(ships_of(3), DEPLOYED_AT, COMMIT)
    assert text.startswith("#### Ships 3 pull requests\n\nPrevious deployment: ")
    assert "|" not in text


def test_nothing_looked_up_is_nothing_told() -> None:
    assert what_ships(NO_CHANGES, DEPLOYED_AT, COMMIT) == ""


def test_the_chart_needs_two_and_their_times() -> None:
    """It holds what was merged between its first commit and the deployment."""
    whole = (pull(1), pull(2))
    for pulls, bars in (
        (whole, 2),
        (whole[:1], 0),
        ((pull(1), pull(2, first_commit_at=None)), 0),
        ((*whole, pull(3, first_commit_at="2025-03-10T00:00:00Z")), 2),
        ((*whole, pull(3, merged_at="2025-03-11T00:00:00Z")), 2),
    ):
        text = what_ships(replace(ships_of(1, pulls=pulls), listed=True), DEPLOYED_AT, COMMIT)
        assert text.count("section #") == bars
        assert ("```mermaid" in text) is bool(bars)


def test_the_summary_is_bounded() -> None:
    many = ships_of(300).by_service["web"]
    every = {f"s{number}": replace(many, pulls=many.pulls[number:]) for number in range(30)}
    text = what_ships(Changes(every, listed=True), DEPLOYED_AT, COMMIT)
    assert text.count("\n| <a ") == MOST_ROWS
    assert text.count("#### Ships") == MOST_SECTIONS
    assert text.count("section #") == MOST_SECTIONS * MOST_BARS
    assert text.endswith("… and 10 more services.\n")
    check_summary(text)


wild = st.text(st.characters(), max_size=40) | st.sampled_from(
    ["::x", "##[y]", "|", "`", "<!--", "[a](b)", "\n```\n", "%%{"]
)


@given(wild, wild, wild, wild, wild, st.sampled_from(["forward", "rollback", "redeploy", "diverged"]))
def test_whatever_others_wrote_is_no_markup(
    title: str, author: str, url: str, when: str, service: str, course: Course
) -> None:
    wild_one = pull(1, title=title, author=author, url=url, merged_at=when, first_commit_at=when)
    made = ChangeSet(Sourced(title, author), True, course, (wild_one, pull(2), pull(3)))
    other = replace(made, pulls=(pull(4),))
    text = what_ships(Changes({service: made, "other": other}, listed=True), DEPLOYED_AT, COMMIT)
    check_summary(text)

"""The step's summary, whole: what was sent or would be, and how others' words are kept from being markup."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from builders import inputs, resolved
from changesets import BEFORE, COMMIT, DEPLOYED_AT, HISTORY, pull, ships_of
from dx_action.changes.changeset import NO_CHANGES, Changes, ChangeSet, Course, MergedPull
from dx_action.deployment.calls import Call, Outcome, Result, deployment_calls, serialise
from dx_action.errors import Problem
from dx_action.inputs.values import Sourced
from dx_action.report import endings, summary
from dx_action.report.endings import Report
from dx_action.report.failures import Hint
from dx_action.report.summary import lead_time, what_ships
from dx_action.text import escaped, one_line
from gfm import check_summary
from hostile import MARKUP, TEXT
from thorough import times

ID = "github.com/pull/2401500041/deploy/0/success"
HEAD = "<table>\n<tr><th>service</th><th>outcome</th><th>attribution</th><th>reference id</th></tr>\n"
PLACE = "Repository <code>acme/shop</code>"
COMMITTED = "commit <code>312c5c6455a5</code> · deployed at <code>2025-03-10T09:30:15Z</code>"
SOURCE = 'source <a href="https://github.com/acme/shop/pull/41"><code>github.com/acme/shop/pull/41</code></a>\n'
FACTS = f"{PLACE} · {COMMITTED} · {SOURCE}"
GIVEN = {"service": "web,cart"}
CONTEXT = resolved("pull_request_merged", GIVEN)
WEB, CART = deployment_calls(CONTEXT, inputs(GIVEN))


def told_pull(*services: str, subject: str = "pull request #7") -> Call:
    body = {"services": [{"identifier": name} for name in services]}
    return Call("deployments.setPullServices", "", "", serialise(body), subject)


# Text of others as JSON may have it.
WORDS = TEXT.map(lambda text: text.encode(errors="replace").decode())


def row(service: str, mark: str, attribution: str = "commit") -> str:
    return (
        f"<tr><td nowrap><code>{service}</code></td><td nowrap>{mark}</td><td nowrap>{attribution}</td>"
        f"<td nowrap><samp>{escaped(ID)}/{service}</samp></td></tr>\n"
    )


def deployments(*rows: str, more: str = "") -> str:
    return f"{HEAD}{''.join(rows)}</table>\n{more}\n"


def test_what_was_sent() -> None:
    results = [
        Result(WEB, "accepted", 200),
        Result(told_pull("a|b", "web"), "accepted", 200),
        Result(CART, "failed", 422, "some_code", "no ``` way\nout"),
        Result(told_pull(subject="the pull request of id 8"), "unknown", 503, "http_503", ""),
    ]
    text = summary.whole("Done", [("error", "One."), ("notice", "Two: `x`.")], summary.sent(CONTEXT, results))
    assert text == (
        "### Done\n\n"
        "> [!CAUTION]\n> One.\n\n> [!NOTE]\n> Two: <code>x</code>.\n\n"
        "- Services of the pull request of id 8: none · ❓ unknown\n"
        "- Services of pull request &#35;<span></span>7: <code>a&#124;b</code>, <code>web</code> · ✅ set\n\n"
        f"{deployments(row('cart', '❌ not registered'), row('web', '✅ registered'))}"
        f"{FACTS}"
        "\n````text\ncart: some_code: no ``` way\nout\n````\n"
    )
    check_summary(text)


@pytest.mark.parametrize(
    ("annotations", "alerts"),
    [
        ([], ""),
        ([("error", "a")], "> [!CAUTION]\n> a\n\n"),
        ([("warning", "a")], "> [!WARNING]\n> a\n\n"),
        ([("notice", "a")], "> [!NOTE]\n> a\n\n"),
        ([("error", "a"), ("error", "b")], "> [!CAUTION]\n> a\n>\n> b\n\n"),
        (
            [("error", "2 problems.\n`a` b\n`c`")],
            "> [!CAUTION]\n> 2 problems.\n> - <code>a</code> b\n> - <code>c</code>\n\n",
        ),
        ([("error", "Two.\na\n\nb")], "> [!CAUTION]\n> Two.\n> - a\n> - b\n\n"),
        ([("notice", "Head. It is no deployment.")], "> [!NOTE]\n> It is no deployment.\n\n"),
        ([("notice", "Headless. So.")], "> [!NOTE]\n> Headless. So.\n\n"),
        (
            [("notice", "n"), ("warning", "w"), ("error", "e")],
            "> [!CAUTION]\n> e\n\n> [!WARNING]\n> w\n\n> [!NOTE]\n> n\n\n",
        ),
    ],
)
def test_what_is_annotated_is_an_alert_for_each_level(annotations: list[Hint], alerts: str) -> None:
    assert summary.whole("Head", annotations, "body") == f"### Head\n\n{alerts}body\n"
    assert summary.whole("Head", annotations, "") == f"### Head\n\n{alerts}".rstrip("\n") + "\n"
    check_summary(summary.whole("Head", annotations, ""))


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
    pulls = f"- Services of pull request &#35;<span></span>7: <code>a</code> · {for_pulls}\n\n"
    assert text == f"{pulls}{deployments(row('web', mark))}{FACTS}"


@pytest.mark.parametrize("success", ["true", "false"])
@pytest.mark.parametrize("outcome", ["accepted", "failed", "unknown", "not-sent", "already-registered"])
def test_a_failed_deployment_is_registered_as_one(success: str, outcome: Outcome) -> None:
    registration = resolved("pull_request_merged", {"success": success})
    text = summary.sent(registration, [Result(WEB, outcome), Result(told_pull("a"), outcome)])
    as_failed = outcome == "accepted" and success == "false"
    assert row("web", "🔻 registered as failed" if as_failed else summary.MARKS[outcome]) in text
    assert ("✅ registered" in text) is (outcome == "accepted" and success == "true")
    assert ("✅ set" in text) is (outcome == "accepted")


def request(call: Call) -> str:
    return f"<code>POST {call.path}</code>\n\n```json\n{json.dumps(call.json(), indent=2, ensure_ascii=False)}\n```\n\n"


def test_a_dry_run() -> None:
    told = told_pull("a")
    text = summary.dry_run(CONTEXT, [told, WEB])
    assert text == (
        "- Services of pull request &#35;<span></span>7: <code>a</code> · 🧪 not sent (dry run)\n\n"
        f"{deployments(row('web', '🧪 not sent (dry run)'))}"
        f"{FACTS}\n{request(told)}{request(WEB)}"
    )
    assert all(len(line) < 120 for _, fence in check_summary(text).fences for line in fence.splitlines())


def test_what_is_not_delivered_is_whole_and_folded() -> None:
    told = told_pull("a")
    text = summary.undelivered([told, WEB])
    title = "Requests that DX has not confirmed, to be sent again"
    assert text == f"\n<details><summary>{title}</summary>\n\n{request(told)}{request(WEB)}</details>\n"
    assert [json.loads(fence) for _, fence in check_summary(text).fences] == [told.json(), WEB.json()]
    assert summary.undelivered([]) == ""


def test_no_more_is_whole_than_there_is_room_for() -> None:
    large = WEB._replace(body=serialise({"metadata": {"a": "x" * 60_000}}))
    text = summary.undelivered([large] * 9)
    assert [json.loads(fence) for _, fence in check_summary(text).fences] == [large.json()] * 4
    assert "\n\n… and 5 more.\n</details>\n" in text


@pytest.mark.parametrize(("over", "shown"), [(0, 1), (1, 0)])
def test_the_room_for_requests_is_counted_in_bytes(over: int, shown: int) -> None:
    empty = WEB._replace(body=serialise({"metadata": {"a": ""}}))
    rest = 250_000 + over - len(request(empty))
    text = summary.undelivered(
        [WEB._replace(body=serialise({"metadata": {"a": "é" * (rest // 2) + "x" * (rest % 2)}}))]
    )
    assert len(check_summary(text).fences) == shown


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(WORDS, WORDS, max_size=3))
@example({"a": "```\n##[error]\u202e\U000e0041"})
def test_a_request_is_read_back_as_it_was(metadata: dict[str, str]) -> None:
    call = WEB._replace(body=serialise({"metadata": metadata}))
    for text in (summary.undelivered([call]), summary.dry_run(CONTEXT, [call])):
        ((language, fence),) = check_summary(text).fences
        assert (language, json.loads(fence)) == ("json", call.json())


def test_where_only_pull_requests_are_told_there_is_no_table() -> None:
    text = summary.dry_run(CONTEXT, [told_pull("a")])
    assert "<table>" not in text


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
    ("given", "failed", "environment"),
    [
        ({}, "", ""),
        ({"success": "true"}, "", ""),
        ({"success": "failure"}, " · **failed** deployment", ""),
        ({"environment": "e_u"}, "", " · environment <code>e&#95;u</code>"),
        ({"success": "failure", "environment": "eu"}, " · **failed** deployment", " · environment <code>eu</code>"),
    ],
)
def test_the_facts_in_a_line(given: dict[str, str], failed: str, environment: str) -> None:
    text = summary.sent(resolved("pull_request_merged", given), [])
    assert text == f"{PLACE}{failed} · {COMMITTED}{environment} · {SOURCE}"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ci.example.com/a?b=1", "<code>ci.example.com/a?b=1</code>"),
        (f"https://ci.example.com/{'a' * 100}", f"<code>ci.example.com/{'a' * 84}…</code>"),
        ("https://www.x.co/@a", "<code>www<span></span>.x.co/&#64;<span></span>a</code>"),
    ],
)
def test_a_link_says_where_it_leads(url: str, shown: str) -> None:
    text = summary.link(url)
    assert text == f'<a href="{url.replace("@", "&#64;")}">{shown}</a>'
    assert check_summary(text).links[0][0] == url


def test_what_is_no_address_is_no_link() -> None:
    text = summary.sent(CONTEXT._replace(source_url=Sourced("javascript:x", "")), [])
    assert text == f"{PLACE} · {COMMITTED}\n"


@pytest.mark.parametrize(("count", "more"), [(200, ""), (202, "\n… and 2 more.\n")])
def test_a_long_table_is_cut_at_two_hundred(count: int, more: str) -> None:
    text = summary.dry_run(CONTEXT, [WEB] * count)
    assert deployments(*[row("web", "🧪 not sent (dry run)")] * 200, more=more) + FACTS in text
    assert text.count("<code>POST ") == 20
    assert text.endswith(f"… and {count - 20} more.\n")


def test_a_table_of_long_rows_is_cut_by_its_size() -> None:
    text = summary.table(("a", "b"), [("x" * 1000, "y")] * 300, 7)
    assert text.count("<tr><td") == 242
    assert text.endswith("</table>\n\n… and 65 more.\n")
    check_summary(text)


@pytest.mark.parametrize(("over", "more"), [(0, ""), (1, "\n… and 1 more.\n")])
def test_the_room_for_rows_is_counted_in_bytes(over: int, more: str) -> None:
    cells = len("<td nowrap></td>")
    text = summary.table(("a",), [("é" * 50_000,), ("x" * (150_000 - 2 * cells + over),)])
    assert text.partition("</table>\n")[2] == more


def test_what_a_column_is() -> None:
    text = summary.table(("a", "b", "c"), [("1", "2", "3")], numbers=("b",), prose=("c",))
    assert text == (
        "<table>\n<tr><th>a</th><th>b</th><th>c</th></tr>\n"
        '<tr><td nowrap>1</td><td align="right" nowrap>2</td><td>3</td></tr>\n</table>\n'
    )
    assert (summary.table(("a",), []), summary.table(("a",), [], 3)) == ("", "\n… and 3 more.\n")


@pytest.mark.parametrize(("ticks", "fence"), [(0, 3), (1, 3), (2, 3), (3, 4), (7, 8)])
def test_the_fence_is_longer_than_any_run_of_backticks(ticks: int, fence: int) -> None:
    message = f"` {'`' * ticks} x"
    text = summary.sent(CONTEXT, [Result(WEB, "failed", 422, "e", message)])
    assert text.endswith(f"\n\n{'`' * fence}text\nweb: e: {message}\n{'`' * fence}\n")


def test_the_words_of_twenty_are_quoted() -> None:
    text = summary.sent(CONTEXT, [Result(WEB, "failed", 422, "e", f"word{n}") for n in range(30)])
    assert text.count("web: e: word") == 20
    assert "word19\n" in text


@pytest.mark.parametrize("over", [0, 1])
def test_long_names_ids_and_words_are_cut(over: int) -> None:
    name, key, word = "n" * (100 + over), "r" * (200 + over), "w" * (4000 - len("web: e: ") + over)
    tail = "…" if over else ""
    call = Call("deployments.create", name, key, b"{}")
    text = summary.dry_run(CONTEXT, [told_pull(name), call])
    assert f"<td nowrap><code>{name[: 100 - over]}{tail}</code></td>" in text
    assert f"<td nowrap><samp>{key[: 200 - over]}{tail}</samp></td>" in text
    assert f"7: <code>{name[: 100 - over]}{tail}</code> ·" in text
    text = summary.sent(CONTEXT, [Result(WEB, "failed", 422, "e", word)])
    assert f"\nweb: e: {word[: len(word) - 2 * over]}{tail}\n" in text
    # Of several lines, it is all of them that are cut.
    text = summary.sent(CONTEXT, [Result(WEB, "failed", 422, "e", f"{word[:2000]}\n{word[2001:]}")])
    assert f"\n{word[2001 : len(word) - 2 * over]}{tail}\n" in text


# What ships.

COLUMNS = "<th>pull request</th><th>title</th><th>author</th><th>merged</th>"
PULLS_HEAD = f"<table>\n<tr>{COLUMNS}<th>lead time</th></tr>\n"
SINCE = f"Previous deployment: <code>{BEFORE}</code>, from GitHub&#39;s deployment history &#40;deployment 1&#41;.\n\n"
TWO = ChangeSet(HISTORY, True, "forward", (pull(1), pull(2)))


def told(*shipments: ChangeSet, listed: bool = True) -> str:
    text = what_ships(
        Changes({f"s{number}": each for number, each in enumerate(shipments)}, listed=listed), DEPLOYED_AT, COMMIT
    )
    check_summary(text)
    return text


def pull_row(number: str, title: str, author: str, merged: str, lead: str = "1 d 23 h") -> str:
    cells = f"<td nowrap>{number}</td><td>{title}</td><td>{author}</td><td nowrap>{merged}</td><td nowrap>{lead}</td>"
    return f"<tr>{cells}</tr>\n"


def linked(number: int) -> str:
    url = f"https://github.com/acme/shop/pull/{number}"
    number_of = f'<a href="{url}">&#35;<span></span>{number}</a>'
    return pull_row(number_of, f"Change {number}", "octocat", f"2025-03-09 10:{number:02}")


def test_a_deployment_with_two_pull_requests() -> None:
    assert told(TWO) == (
        f"#### Ships 2 pull requests\n\n{SINCE}{PULLS_HEAD}{linked(1)}{linked(2)}</table>\n\n"
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
        (TWO._replace(previous=None), ""),
        (TWO._replace(certain=False), SINCE.replace("Previous deployment", "Compared with")),
        (TWO._replace(course="diverged"), SINCE.replace("41;.", "41;. The two commits have diverged.")),
        (
            TWO._replace(previous=Sourced("v" * 41, "s" * 101)),
            f"Previous deployment: <code>{'v' * 39}…</code>, from {'s' * 99}….\n\n",
        ),
        (
            TWO._replace(previous=Sourced("v" * 40, "s" * 100)),
            f"Previous deployment: <code>{'v' * 40}</code>, from {'s' * 100}.\n\n",
        ),
    ],
)
def test_since_when(shipment: ChangeSet, before: str) -> None:
    assert told(shipment, listed=False) == f"#### {shipment.headline(COMMIT)}\n\n{before}"


@pytest.mark.parametrize(
    ("made", "cells"),
    [
        (pull(1, url="javascript:x"), ("Change 1", "octocat")),
        (pull(1, url="", first_commit_at=None), ("Change 1", "octocat")),
        (pull(1, url="", title="t" * 121, author="a" * 51), (f"{'t' * 119}…", f"{'aaaaaa<span></span>' * 8}a…")),
        (pull(1, url="", title="t" * 120, author="b-" * 25), ("t" * 120, "b-" * 25)),
    ],
)
def test_a_row(made: MergedPull, cells: tuple[str, str]) -> None:
    lead = "1 d 23 h" if made.first_commit_at else "—"
    cut = pull_row("&#35;<span></span>1", *cells, "2025-03-09 10:01", lead)
    assert f"{PULLS_HEAD}{cut}</table>\n\n" in told(TWO._replace(pulls=(made,)))


def test_services_that_ship_the_same_share_a_section() -> None:
    other = TWO._replace(pulls=(pull(3),))
    headings = [line for line in told(TWO, other, TWO, listed=False).splitlines() if line.startswith("####")]
    assert headings == [
        "#### Ships 2 pull requests: <code>s0</code>, <code>s2</code>",
        "#### Ships 1 pull request: <code>s1</code>",
    ]
    assert "<code>s" not in told(TWO, TWO)


@pytest.mark.parametrize(("count", "more"), [(10, ""), (11, " and 1 more")])
def test_up_to_ten_services_are_named(count: int, more: str) -> None:
    names = ", ".join(f"<code>s{number}</code>" for number in range(1, 11))
    other = TWO._replace(pulls=(pull(3),))
    assert f"#### Ships 2 pull requests: {names}{more}\n" in told(other, *[TWO] * count, listed=False)


def test_long_names_of_services_are_cut() -> None:
    ships = {"n" * 101: TWO, "m" * 100: TWO._replace(pulls=())}
    text = what_ships(Changes(ships), DEPLOYED_AT, COMMIT)
    assert f": <code>{'n' * 99}…</code>\n" in text
    assert f": <code>{'m' * 100}</code>\n" in text


@pytest.mark.parametrize(
    ("count", "more"), [(20, ""), (21, "… and 1 more service.\n"), (22, "… and 2 more services.\n")]
)
def test_up_to_twenty_sections(count: int, more: str) -> None:
    text = told(*(TWO._replace(pulls=(pull(number),)) for number in range(1, count + 1)), listed=False)
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
    shipments = [TWO._replace(pulls=tuple(pull(number % 60) for number in range(count))) for count in counts]
    text = told(*shipments)
    assert text.count("\n<tr><td nowrap><a ") == rows
    assert [line for line in text.splitlines() if line.startswith("… and ")] == more
    assert text.count(PULLS_HEAD) == len([count for count in counts[:1] if count]) + (
        len(counts) > 1 and counts[0] < 100
    )


@pytest.mark.parametrize(
    ("since", "axis"),
    [("2025-03-05T09:30:16Z", "%d %b %H h"), ("2025-03-05T09:30:15Z", "%d %b"), ("2025-01-01T00:00:00Z", "%d %b")],
)
def test_the_axis_has_hours_where_the_longest_took_few_days(since: str, axis: str) -> None:
    text = told(TWO._replace(pulls=(pull(1, first_commit_at=since), pull(2))))
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
    text = told(TWO._replace(pulls=(*TWO.pulls, pull(3, **more))))
    assert ("section #3\n" in text) is drawn


def test_a_rollback_is_not_drawn_and_the_newest_twenty_are() -> None:
    text = told(TWO._replace(course="rollback"))
    assert "gantt" not in text
    # What is taken out of production has no lead time.
    assert f"<table>\n<tr>{COLUMNS}</tr>\n<tr><td nowrap><a href=" in text
    assert PULLS_HEAD in told(TWO)
    assert "gantt" in told(TWO._replace(course="diverged"))
    text = told(TWO._replace(pulls=tuple(pull(number) for number in range(1, 22))))
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
        summary.sent(CONTEXT._replace(changes=changes), [Result(WEB, "accepted")]),
        summary.dry_run(CONTEXT._replace(changes=changes), [WEB]),
    ):
        assert CONTEXT.commit
        ships = what_ships(changes, CONTEXT.deployed_at.value, CONTEXT.commit.value)
        assert f"{FACTS}\n{ships}" in text
    text = summary.sent(CONTEXT._replace(changes=changes, commit=None), [])
    assert what_ships(changes, CONTEXT.deployed_at.value, "") in text


@settings(max_examples=300, deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=4))
def test_a_fence_holds_what_is_put_into_it(words: list[str]) -> None:
    lines = [one_line(line) for line in words]
    fence = summary._fence(lines, "text")
    ((language, text),) = check_summary(fence).fences
    assert (language, text) == ("text", "\n".join(lines) + "\n")
    closing = fence.rstrip("\n").rpartition("\n")[2]
    assert set(closing) == {"`"}
    assert all(closing not in line for line in lines)


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
    assert "<table>" not in text


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
        text = what_ships(ships_of(1, pulls=pulls)._replace(listed=True), DEPLOYED_AT, COMMIT)
        assert text.count("section #") == bars
        assert ("```mermaid" in text) is bool(bars)


def test_the_summary_is_bounded() -> None:
    many = ships_of(300).by_service["web"]
    every = {f"s{number}": many._replace(pulls=many.pulls[number:]) for number in range(30)}
    text = what_ships(Changes(every, listed=True), DEPLOYED_AT, COMMIT)
    assert text.count("\n<tr><td nowrap><a ") == MOST_ROWS
    assert text.count("#### Ships") == MOST_SECTIONS
    assert text.count("section #") == MOST_SECTIONS * MOST_BARS
    assert text.endswith("… and 10 more services.\n")
    check_summary(text)


def named(words: st.SearchStrategy[str], value: str = "") -> st.SearchStrategy[Sourced[str]]:
    return st.builds(Sourced, words, st.just(value) | words)


@st.composite
def everything_hostile(draw: st.DrawFn) -> Report:
    """A report of which everything is a text of others."""
    words = WORDS | st.sampled_from(MARKUP)
    pulls = st.builds(
        pull,
        st.integers(1, 9),
        title=words,
        author=words,
        url=words | st.just("https://github.com/acme/shop/pull/1"),
        merged_at=words,
    )
    change_set = st.builds(
        ChangeSet,
        named(words),
        st.booleans(),
        st.sampled_from(["forward", "diverged"]),
        st.lists(pulls, max_size=2),
        st.just(True),
    )
    by_service = draw(st.dictionaries(words, change_set, max_size=2))
    registration = CONTEXT._replace(
        repository=draw(named(words)),
        commit=draw(named(words)),
        deployed_at=draw(named(words)),
        environment=draw(named(words)),
        source_url=draw(named(words | words.map("https://x.co/{}".format))),
        warnings=draw(st.lists(words, max_size=2).map(tuple)),
        notices=draw(st.lists(words, max_size=2).map(tuple)),
        problems=draw(st.lists(st.builds(Problem, words, words), max_size=1).map(tuple)),
        changes=Changes(by_service, draw(st.booleans())),
    )
    metadata = draw(st.dictionaries(words, words, max_size=2))
    call = WEB._replace(service=draw(words), reference_id=draw(words), body=serialise({"metadata": metadata}))
    results = [
        Result(call, draw(st.sampled_from(list(summary.MARKS))), 422, draw(words), draw(words)),
        Result(told_pull(draw(words), subject=draw(words)), "failed", 422, draw(words), draw(words)),
    ]
    return endings.sent(registration, inputs(), results, calls=[WEB])


@settings(max_examples=times(300), deadline=None)
@given(everything_hostile())
def test_text_of_others_is_text_in_every_field(report: Report) -> None:
    """No link, mention, picture or element but those of the action's own template."""
    check_summary(report.summary)


wild = st.text(st.characters(), max_size=40) | st.sampled_from(
    ["::x", "##[y]", "|", "`", "<!--", "[a](b)", "\n```\n", "%%{"]
)


@settings(deadline=None)
@given(wild, wild, wild, wild, wild, st.sampled_from(["forward", "rollback", "redeploy", "diverged"]))
def test_whatever_others_wrote_is_no_markup(
    title: str, author: str, url: str, when: str, service: str, course: Course
) -> None:
    wild_one = pull(1, title=title, author=author, url=url, merged_at=when, first_commit_at=when)
    made = ChangeSet(Sourced(title, author), True, course, (wild_one, pull(2), pull(3)))
    other = made._replace(pulls=(pull(4),))
    text = what_ships(Changes({service: made, "other": other}, listed=True), DEPLOYED_AT, COMMIT)
    check_summary(text)

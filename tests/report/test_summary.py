"""The step's summary, whole: what was sent or would be, and how others' words are kept from being markup."""

import pytest

from builders import inputs, resolved
from dx_action.deployment.calls import Call, Outcome, Result, deployment_calls, serialise
from dx_action.report import summary
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
    text = summary.sent("Done", CONTEXT, results, ("One.", "Two: `x`."))
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
    text = summary.sent("Done", CONTEXT, [Result(WEB, outcome), Result(told_pull("a"), outcome)], ())
    assert (
        text
        == f"### Done\n\n- Services of pull request &#35;7: <code>a</code> · {for_pulls}\n\n{HEAD}{row('web', mark)}\n{FACTS}"
    )


def test_a_dry_run() -> None:
    told = told_pull("a")
    text = summary.dry(CONTEXT, [told, WEB], ())
    assert text == (
        "### Dry run: nothing was sent to DX\n\n"
        "- Services of pull request &#35;7: <code>a</code> · 🧪 not sent (dry run)\n\n"
        f"{HEAD}{row('web', '🧪 not sent (dry run)')}\n"
        f"{FACTS}"
        "\n```text\n"
        f"POST /api/deployments.setPullServices\n{told.body.decode()}\n"
        f"POST /api/deployments.create\n{WEB.body.decode()}\n"
        "```\n"
    )


def test_where_only_pull_requests_are_told_there_is_no_table() -> None:
    text = summary.dry(CONTEXT, [told_pull("a")], ())
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
    assert row("web", "✅ registered", told) in summary.sent("Done", CONTEXT, [Result(call, "accepted")], ())


@pytest.mark.parametrize(
    ("given", "facts"),
    [
        ({}, ""),
        ({"success": "true"}, ""),
        ({"success": "failure"}, " · a **failed** deployment"),
        ({"environment": "e_u"}, " · environment <code>e&#95;u</code>"),
        ({"success": "failure", "environment": "eu"}, " · a **failed** deployment · environment <code>eu</code>"),
    ],
)
def test_the_facts_in_a_line(given: dict[str, str], facts: str) -> None:
    text = summary.sent("Done", resolved("pull_request_merged", given), [], ())
    assert text == f"### Done\n\nRepository <code>acme/shop</code>{facts} · {FACTS.partition(' · ')[2]}"


@pytest.mark.parametrize(("count", "more"), [(200, ""), (202, "\n… and 2 more.\n")])
def test_a_long_table_is_cut_at_two_hundred(count: int, more: str) -> None:
    text = summary.dry(CONTEXT, [WEB] * count, ())
    rows = row("web", "🧪 not sent (dry run)") * 200
    assert f"{HEAD}{rows}{more}\n{FACTS}" in text
    assert text.count("\nPOST ") == 20


@pytest.mark.parametrize(("ticks", "fence"), [(0, 3), (1, 3), (2, 3), (3, 4), (7, 8)])
def test_the_fence_is_longer_than_any_run_of_backticks(ticks: int, fence: int) -> None:
    message = f"` {'`' * ticks} x"
    text = summary.sent("Done", CONTEXT, [Result(WEB, "failed", 422, "e", message)], ())
    assert text.endswith(f"\n\n{'`' * fence}text\nweb: e: {message}\n{'`' * fence}\n")


def test_the_words_of_twenty_are_quoted() -> None:
    text = summary.sent("Done", CONTEXT, [Result(WEB, "failed", 422, "e", f"word{n}") for n in range(30)], ())
    assert text.count("web: e: word") == 20
    assert "word19\n" in text


def test_a_paragraph_and_a_list() -> None:
    assert summary.told("Head", "a `b` <c>") == "### Head\n\na <code>b</code> &#60;c&#62;\n"
    assert summary.problems("Head", ["a", "`b`"]) == "### Head\n\n- a\n- <code>b</code>\n"


@pytest.mark.parametrize("over", [0, 1])
def test_long_names_ids_and_words_are_cut(over: int) -> None:
    name, key, word = "n" * (100 + over), "r" * (200 + over), "w" * (4000 - len("web: e: ") + over)
    tail = "…" if over else ""
    call = Call("deployments.create", name, key, b"{}")
    text = summary.dry(CONTEXT, [told_pull(name), call], ())
    assert f"| <code>{name[: 100 - over]}{tail}</code> |" in text
    assert f"| <code>{key[: 200 - over]}{tail}</code> |" in text
    assert f"#7: <code>{name[: 100 - over]}{tail}</code> ·" in text.replace("&#35;", "#")
    text = summary.sent("Done", CONTEXT, [Result(WEB, "failed", 422, "e", word)], ())
    assert f"\nweb: e: {word[: len(word) - 2 * over]}{tail}\n" in text

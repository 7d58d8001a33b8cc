"""Owns the step's summary: Markdown in which every value that others wrote is inert. Pure."""

from collections.abc import Sequence

from dx_action.deployment.calls import Call, Outcome, Result
from dx_action.deployment.registration import Registration
from dx_action.text import code, escaped, markdown, one_line, truncate

MOST_ROWS = 200
# In the order of a backfill's columns.
MARKS: dict[Outcome, str] = {
    "accepted": "✅ registered",
    "already-registered": "☑️ already registered",
    "failed": "❌ not registered",
    "unknown": "❓ unknown",
    "not-sent": "⏸️ not sent",
}


def told(headline: str, text: str) -> str:
    """Give a summary that is a headline and a paragraph."""
    return f"### {headline}\n\n{markdown(text)}\n"


def problems(headline: str, lines: Sequence[str]) -> str:
    """Give a summary that lists what is wrong."""
    return f"### {headline}\n\n" + "".join(f"- {markdown(line)}\n" for line in lines)


def sent(headline: str, registration: Registration, results: Sequence[Result], notes: Sequence[str]) -> str:
    """Give the summary of what was sent: a table with a row a service, failures first, and DX's own words below."""
    ranked = sorted(results, key=lambda result: result.delivered)
    rows = [(result.call, MARKS[result.outcome]) for result in ranked]
    words = [f"{result.call.label}: {result.error}: {result.message}" for result in ranked if result.message]
    return (
        f"### {headline}\n\n{quoted(notes)}{_pulls(rows)}{_table(registration, rows)}{_facts(registration)}{_ships(registration)}"
        f"{_fence(words[:20])}"
    )


def dry(registration: Registration, calls: Sequence[Call], notes: Sequence[str]) -> str:
    """Give the summary of a dry run: what would be sent."""
    rows = [(call, "🧪 not sent (dry run)") for call in calls]
    bodies = [f"POST {call.path}\n{call.body.decode()}" for call in calls[:20]]
    tables = _pulls(rows) + _table(registration, rows)
    facts = _facts(registration) + _ships(registration)
    return f"### Dry run: nothing was sent to DX\n\n{quoted(notes)}{tables}{facts}{_fence(bodies)}"


def _ships(registration: Registration) -> str:
    if not registration.changes.by_service:
        return ""
    from dx_action.report.shipped import shipped  # noqa: PLC0415 - most runs do not look it up

    commit = registration.commit.value if registration.commit else ""
    return "\n" + shipped(registration.changes, registration.deployed_at.value, commit)


def _pulls(rows: Sequence[tuple[Call, str]]) -> str:
    """List the pull requests that were told their services."""
    lines = []
    for call, mark in rows[:MOST_ROWS]:
        if call.subject:
            names = ", ".join(code(truncate(service["identifier"], 100)) for service in call.json()["services"])
            done = mark.replace("registered", "set")
            lines.append(f"- Services of {markdown(call.subject)}: {names or 'none'} · {done}\n")
    return "".join(lines) + ("\n" if lines else "")


def _table(registration: Registration, calls: Sequence[tuple[Call, str]]) -> str:
    rows = [(call, mark) for call, mark in calls if not call.subject]
    if not rows:
        return ""
    head = "| service | commit | deployed at | attribution | outcome | reference id |\n| --- | --- | --- | --- | --- | --- |\n"
    commit = code(registration.commit.value[:12]) if registration.commit else "—"
    lines = [
        f"| {code(truncate(call.service, 100))} | {commit} | {registration.deployed_at.value} | {_attribution(call)} | {mark} "
        f"| {code(truncate(call.reference_id, 200))} |\n"
        for call, mark in rows[:MOST_ROWS]
    ]
    more = f"\n… and {len(rows) - MOST_ROWS} more.\n" if len(rows) > MOST_ROWS else ""
    return head + "".join(lines) + more + "\n"


def _attribution(call: Call) -> str:
    body = call.json()
    if shas := body.get("merge_commit_shas"):
        return f"{len(shas)} merge commit" + ("" if len(shas) == 1 else "s")
    return "commit" if "commit_sha" in body else "repository"


def _facts(registration: Registration) -> str:
    facts = [f"Repository {code(registration.repository.value)}"]
    if registration.success is not None and not registration.success.value:
        facts.append("a **failed** deployment")
    if registration.environment:
        facts.append(f"environment {code(registration.environment.value)}")
    if registration.source_url:
        facts.append(f'<a href="{escaped(registration.source_url.value)}">source</a>')
    return " · ".join(facts) + "\n"


def quoted(notes: Sequence[str]) -> str:
    """Give what is to be noted, a paragraph each."""
    return "".join(f"> {markdown(note)}\n>\n" for note in notes) + ("\n" if notes else "")


def _fence(lines: Sequence[str]) -> str:
    """Give foreign words in a fence that is longer than any run of backticks in them."""
    if not lines:
        return ""
    text = "\n".join(one_line(part) for line in lines for part in truncate(line, 4000).split("\n"))
    longest = max((len(run) for run in _runs(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"\n{fence}text\n{text}\n{fence}\n"


def _runs(text: str) -> list[str]:
    return "".join(character if character == "`" else " " for character in text).split()

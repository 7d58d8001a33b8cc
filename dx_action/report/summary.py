"""The summary of a step: Markdown in which every foreign value is made inert. Pure.

Only numbers and dates go into the chart of what ships, because Mermaid reads it as a language of its own.
"""

from collections.abc import Container, Sequence
from datetime import datetime, timedelta

from dx_action.changes.changeset import Changes, ChangeSet, MergedPull, grouped
from dx_action.deployment.calls import Call, Outcome, Result
from dx_action.deployment.registration import Registration
from dx_action.errors import Failure
from dx_action.inputs.times import parse_time_or_none
from dx_action.inputs.values import is_url
from dx_action.report.failures import Hint
from dx_action.text import code, escaped, markdown, one_line, plural, truncate

MOST_ROWS = 200
MOST_PULLS, MOST_BARS, MOST_SECTIONS = 100, 20, 20
_MOST_NAMES, _MOST_QUOTED = 10, 20
# A longer chart has no hours on its axis.
_DAYS = timedelta(days=5)
# In the order of a backfill's columns.
MARKS: dict[Outcome, str] = {
    "accepted": "✅ registered",
    "already-registered": "☑️ already registered",
    "failed": "❌ not registered",
    "unknown": "❓ unknown",
    "not-sent": "⏸️ not sent",
}


def paragraph(headline: str, text: str) -> str:
    """Return a summary of a headline and a paragraph."""
    return f"### {headline}\n\n{markdown(text)}\n"


def bullets(headline: str, lines: Sequence[str]) -> str:
    """Return a summary of a headline and a list."""
    return f"### {headline}\n\n" + "".join(f"- {markdown(line)}\n" for line in lines)


def sent(registration: Registration, results: Sequence[Result]) -> str:
    """Return what was sent: a table with a row for each service, failures first, and DX's own words."""
    ranked = sorted(results, key=lambda result: result.delivered)
    rows = [(result.call, MARKS[result.outcome]) for result in ranked]
    return _body(
        registration, rows, [f"{each.call.label}: {each.error}: {each.message}" for each in ranked if each.message]
    )


def dry_run(registration: Registration, calls: Sequence[Call]) -> str:
    """Return what a live run would send."""
    rows = [(call, "🧪 not sent (dry run)") for call in calls]
    return _body(registration, rows, [f"POST {call.path}\n{call.body.decode()}" for call in calls[:_MOST_QUOTED]])


def whole(headline: str, messages: Sequence[Failure], hints: Sequence[Hint], body: str) -> str:
    """Return a summary: what is annotated is a quotation, a paragraph each, and the body follows it."""
    quoted = "".join(
        f"> {markdown(note)}\n>\n" for note in (*(each.text for each in messages), *(text for _, text in hints))
    )
    return f"### {headline}\n\n{quoted}" + ("\n" if quoted else "") + body


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], more: int = 0, numbers: Container[str] = ()) -> str:
    """Return the rows as a table, and how many `more` there are. `numbers` are the columns that are aligned on the right."""
    lines = [columns, ["---:" if column in numbers else "---" for column in columns], *rows] if rows else []
    text = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    return text + (f"\n… and {more:,} more.\n" if more else "")


def cell(text: str, longest: int = 100) -> str:
    """Return foreign text as code, cut to fit into a table; empty if the text is."""
    return code(truncate(one_line(text), longest)) if text else ""


def _body(registration: Registration, rows: Sequence[tuple[Call, str]], foreign: Sequence[str]) -> str:
    ships = ""
    if registration.changes.by_service:
        commit = registration.commit.value if registration.commit else ""
        ships = "\n" + what_ships(registration.changes, registration.deployed_at.value, commit)
    tables = _pull_services(rows) + _deployments(registration, rows)
    return f"{tables}{_facts(registration)}{ships}{_fence(foreign[:_MOST_QUOTED])}"


def _pull_services(rows: Sequence[tuple[Call, str]]) -> str:
    lines = []
    for call, mark in rows[:MOST_ROWS]:
        if call.subject:
            names = ", ".join(cell(service["identifier"]) for service in call.json()["services"])
            outcome = mark.replace("registered", "set")
            lines.append(f"- Services of {markdown(call.subject)}: {names or 'none'} · {outcome}\n")
    return "".join(lines) + ("\n" if lines else "")


def _deployments(registration: Registration, calls: Sequence[tuple[Call, str]]) -> str:
    every = [(call, mark) for call, mark in calls if not call.subject]
    commit, at = code(registration.commit.value[:12]) if registration.commit else "—", registration.deployed_at.value
    rows = [
        (cell(call.service), commit, at, _attribution(call), mark, cell(call.reference_id, 200))
        for call, mark in every[:MOST_ROWS]
    ]
    columns = ("service", "commit", "deployed at", "attribution", "outcome", "reference id")
    return table(columns, rows, len(every) - len(rows)) + ("\n" if rows else "")


def _attribution(call: Call) -> str:
    body = call.json()
    if shas := body.get("merge_commit_shas"):
        return plural(len(shas), "merge commit")
    return "commit" if "commit_sha" in body else "repository"


def _facts(registration: Registration) -> str:
    facts = [f"Repository {code(registration.repository.value)}"]
    if not registration.success.value:
        facts.append("**failed** deployment")
    if registration.environment:
        facts.append(f"environment {code(registration.environment.value)}")
    if registration.source_url:
        facts.append(f'<a href="{escaped(registration.source_url.value)}">source</a>')
    return " · ".join(facts) + "\n"


def _fence(lines: Sequence[str]) -> str:
    """Return foreign words in a fence that is longer than any run of backticks in them."""
    if not lines:
        return ""
    text = "\n".join(one_line(part) for line in lines for part in truncate(line, 4000).split("\n"))
    runs = "".join(character if character == "`" else " " for character in text).split()
    fence = "`" * max(3, 1 + max(map(len, runs), default=0))
    return f"\n{fence}text\n{text}\n{fence}\n"


def what_ships(changes: Changes, deployed_at: str, commit: str) -> str:
    """Return a section for each group of services that ship the same pull requests."""
    groups = grouped(
        ((each.previous, each.course, tuple(pull.number for pull in each.pulls)), service)
        for service, each in changes.by_service.items()
    )
    left, parts = MOST_PULLS, []
    for services in list(groups.values())[:MOST_SECTIONS]:
        change_set = changes.by_service[services[0]]
        parts.append(_heading(change_set, services if len(groups) > 1 else (), commit))
        if changes.listed and change_set.pulls:
            parts += [_pulls(change_set, left, deployed_at), _chart(change_set, deployed_at)]
            left = max(0, left - len(change_set.pulls))
    if more := sum(len(services) for services in list(groups.values())[MOST_SECTIONS:]):
        parts.append(f"… and {plural(more, 'more service')}.\n")
    return "".join(parts)


def lead_time(since: str | None, until: str) -> str:
    """Return how long it is from one time to another, in its two largest units; empty if that is unknown."""
    start, end = parse_time_or_none(since), parse_time_or_none(until)
    if start is None or end is None or end < start:
        return ""
    days, rest = divmod(end - start, timedelta(days=1))
    hours, minutes = rest.seconds // 3600, rest.seconds // 60 % 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _heading(change_set: ChangeSet, services: Sequence[str], commit: str) -> str:
    names = ", ".join(cell(service) for service in services[:_MOST_NAMES])
    more = f" and {len(services) - _MOST_NAMES} more" if len(services) > _MOST_NAMES else ""
    text = f"#### {escaped(change_set.headline(commit))}{': ' if names else ''}{names}{more}\n\n"
    if previous := change_set.previous:
        label = "Previous deployment" if change_set.certain else "Compared with"
        diverged = ". The two commits have diverged" if change_set.course == "diverged" else ""
        source = escaped(truncate(previous.source, 100))
        text += f"{label}: {cell(previous.value, 40)}, from {source}{diverged}.\n\n"
    return text


def _pulls(change_set: ChangeSet, most: int, deployed_at: str) -> str:
    # What a rollback takes out of production has no lead time.
    until = "" if change_set.course == "rollback" else deployed_at
    columns = ("pull request", "title", "author", "merged", *(["lead time"] if until else []))
    rows = [_row(pull, until) for pull in change_set.pulls[:most]]
    return table(columns, rows, len(change_set.pulls) - len(rows)) + "\n"


def _row(pull: MergedPull, until: str) -> list[str]:
    number = f"#&#8203;{pull.number}"
    if is_url(pull.url):
        number = f'<a href="{escaped(pull.url)}">#{pull.number}</a>'
    merged = parse_time_or_none(pull.merged_at)
    at = f"{merged:%Y-%m-%d %H:%M}" if merged else truncate(pull.merged_at, 16)
    texts = (truncate(pull.title, 120), truncate(pull.author, 50), at)
    return [number, *map(escaped, texts), *([lead_time(pull.first_commit_at, until) or "—"] if until else [])]


def _chart(change_set: ChangeSet, deployed_at: str) -> str:
    """Draw the newest pull requests, each from its first commit by its merge to the deployment."""
    end = parse_time_or_none(deployed_at)
    bars: list[str] = []
    starts: list[datetime] = []
    for pull in change_set.pulls[-MOST_BARS:]:
        first, merged = parse_time_or_none(pull.first_commit_at), parse_time_or_none(pull.merged_at)
        if first and merged and end and first <= merged <= end:
            starts.append(first)
            start, middle, last = (moment.strftime("%Y-%m-%dT%H:%M:%S") for moment in (first, merged, end))
            bars.append(
                f"  section #{pull.number}\n    to the merge :{start}, {middle}\n    to production :done, {middle}, {last}\n"
            )
    if not change_set.ships or len(bars) < 2 or not end:
        return ""
    axis = "%d %b %H h" if end - min(starts) < _DAYS else "%d %b"
    settings = f"  dateFormat YYYY-MM-DDTHH:mm:ss\n  axisFormat {axis}\n  todayMarker off\n"
    return f"```mermaid\n---\ndisplayMode: compact\n---\ngantt\n{settings}{''.join(bars)}```\n\n"

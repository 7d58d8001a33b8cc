"""The summary of a step: Markdown in which every foreign value is made inert. Pure.

Only numbers and dates go into the chart of what ships, because Mermaid reads it as a language of its own.
"""

import json
from collections.abc import Container, Sequence
from datetime import datetime, timedelta

from dx_action.changes.changeset import Changes, ChangeSet, MergedPull, grouped
from dx_action.deployment.calls import Call, Outcome, Result
from dx_action.deployment.registration import Registration
from dx_action.errors import Level
from dx_action.inputs.times import parse_time_or_none
from dx_action.inputs.values import is_url
from dx_action.report.failures import Hint
from dx_action.text import attribute, code, escaped, json_line, markdown, one_line, plural, truncate

MOST_ROWS = 200
MOST_PULLS, MOST_BARS, MOST_SECTIONS = 100, 20, 20
_MOST_NAMES, _MOST_QUOTED = 10, 20
# GitHub drops a summary of more than 1 MiB. So many bytes are for a table, and so many for the requests.
_ROOM = 250_000
_ALERTS: dict[Level, str] = {"error": "CAUTION", "warning": "WARNING", "notice": "NOTE"}
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
UNDELIVERED = "Requests that DX has not confirmed, to be sent again"
_FAILED = "🔻 registered as failed"


def whole(headline: str, annotations: Sequence[Hint], body: str) -> str:
    """Return a summary: what is annotated as GitHub's alerts, one for each level, and the body below them."""
    alerts = ""
    for level, name in _ALERTS.items():
        if texts := [text for each, text in annotations if each == level]:
            quoted = "\n>\n".join(_quoted(text.removeprefix(f"{headline}. ")) for text in texts)
            alerts += f"> [!{name}]\n{quoted}\n\n"
    return f"### {headline}\n\n{alerts}{body}".rstrip("\n") + "\n"


def undelivered(calls: Sequence[Call]) -> str:
    """Return the requests whole, folded, so that they can be sent again."""
    if not calls:
        return ""
    shown, more = _requests(calls)
    return f"\n<details><summary>{UNDELIVERED}</summary>\n\n{shown}{more}</details>\n"


def sent(registration: Registration, results: Sequence[Result]) -> str:
    """Return what was sent: a table with a row for each service, failures first, and DX's own words."""
    ranked = sorted(results, key=lambda result: result.delivered)
    body = _body(registration, [(result.call, _mark(registration, result)) for result in ranked])
    words = [f"{each.call.label}: {each.error}: {each.message}" for each in ranked if each.message][:_MOST_QUOTED]
    lines = [truncate(one_line(line), 4000) for each in words for line in truncate(each, 4000).split("\n")]
    return body + (f"\n{_fence(lines, 'text')}" if words else "")


def dry_run(registration: Registration, calls: Sequence[Call]) -> str:
    """Return what a live run would send."""
    return f"{_body(registration, [(call, '🧪 not sent (dry run)') for call in calls])}\n{requests(calls)}"


def requests(calls: Sequence[Call]) -> str:
    """Return the first requests, whole, and how many more there are."""
    shown, more = _requests(calls[:_MOST_QUOTED])
    more = f"… and {len(calls) - _MOST_QUOTED:,} more.\n" if len(calls) > _MOST_QUOTED else more
    return shown + more


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    more: int = 0,
    *,
    numbers: Container[str] = (),
    prose: Container[str] = (),
) -> str:
    """Return the rows as a table, and how many `more` there are.

    `numbers` are the columns that are aligned on the right, and `prose` those whose lines may wrap. It is HTML, because a
    column of a Markdown table always wraps.
    """
    marks = ["" if name in prose else ' align="right" nowrap' if name in numbers else " nowrap" for name in columns]
    text = f"<table>\n<tr>{''.join(f'<th>{name}</th>' for name in columns)}</tr>\n"
    size = 0
    for index, row in enumerate(rows):
        line = "".join(f"<td{mark}>{each}</td>" for mark, each in zip(marks, row, strict=True))
        size += len(line.encode())
        if size > _ROOM:
            more += len(rows) - index
            break
        text += f"<tr>{line}</tr>\n"
    return (f"{text}</table>\n" if rows else "") + (f"\n… and {more:,} more.\n" if more else "")


def cell(text: str, longest: int = 100) -> str:
    """Return foreign text as code, cut to fit into a table; empty if the text is."""
    return code(truncate(one_line(text), longest)) if text else ""


def identifier(text: str, longest: int = 200) -> str:
    """Return foreign text as `cell` does, but such that it does not wrap, as `code` does everywhere on GitHub."""
    return f"<samp>{escaped(truncate(one_line(text), longest))}</samp>" if text else ""


def link(url: str) -> str:
    """Return a link whose text is the address that it leads to."""
    return f'<a href="{attribute(url)}">{cell(url.partition("://")[2])}</a>'


def _mark(registration: Registration, result: Result) -> str:
    return (
        _FAILED
        if registration.failed and result.outcome == "accepted" and not result.call.subject
        else MARKS[result.outcome]
    )


def _quoted(text: str) -> str:
    first, *more = text.split("\n")
    return "\n".join((f"> {markdown(first)}", *(f"> - {markdown(line)}" for line in more if line)))


def _body(registration: Registration, rows: Sequence[tuple[Call, str]]) -> str:
    ships = ""
    if registration.changes.by_service:
        ships = "\n" + what_ships(registration.changes, registration.deployed_at.value, registration.sha)
    return f"{_pull_services(rows)}{_deployments(rows)}{_facts(registration)}{ships}"


def _pull_services(rows: Sequence[tuple[Call, str]]) -> str:
    lines = []
    for call, mark in rows[:MOST_ROWS]:
        if call.subject:
            names = ", ".join(cell(service["identifier"]) for service in call.json()["services"])
            outcome = mark.replace("registered", "set")
            lines.append(f"- Services of {markdown(f'{call.subject}:')} {names or 'none'} · {outcome}\n")
    return "".join(lines) + ("\n" if lines else "")


def _deployments(calls: Sequence[tuple[Call, str]]) -> str:
    every = [(call, mark) for call, mark in calls if not call.subject]
    rows = [
        (cell(call.service), mark, _attribution(call), identifier(call.reference_id))
        for call, mark in every[:MOST_ROWS]
    ]
    columns = ("service", "outcome", "attribution", "reference id")
    return table(columns, rows, len(every) - len(rows)) + ("\n" if rows else "")


def _attribution(call: Call) -> str:
    body = call.json()
    if shas := body.get("merge_commit_shas"):
        return plural(len(shas), "merge commit")
    return "commit" if "commit_sha" in body else "repository"


def _facts(registration: Registration) -> str:
    facts = [f"Repository {cell(registration.repository.value, 300)}"]
    if registration.failed:
        facts.append("**failed** deployment")
    if registration.commit:
        facts.append(f"commit {code(registration.commit.value[:12])}")
    if registration.services.value:
        facts.append(f"deployed at {code(registration.deployed_at.value)}")
    if registration.environment:
        facts.append(f"environment {cell(registration.environment.value, 300)}")
    if registration.source_url and is_url(registration.source_url.value):
        facts.append(f"source {link(registration.source_url.value)}")
    return " · ".join(facts) + "\n"


def _requests(calls: Sequence[Call]) -> tuple[str, str]:
    """Return the requests that there is room for, whole and with lines of a readable length, and a line on the others."""
    shown, size = "", 0
    for index, call in enumerate(calls):
        lines = json.dumps(call.json(), ensure_ascii=False, indent=2).split("\n")
        request = f"{code(f'POST {call.path}')}\n\n{_fence([json_line(line) for line in lines], 'json')}\n"
        size += len(request.encode())
        if size > _ROOM:
            return shown, f"… and {len(calls) - index:,} more.\n"
        shown += request
    return shown, ""


def _fence(lines: Sequence[str], language: str) -> str:
    """Return lines of foreign words, each as `one_line` leaves it, in a fence longer than any run of backticks in them."""
    text = "\n".join(lines)
    runs = "".join(character if character == "`" else " " for character in text).split()
    fence = "`" * max(3, 1 + max(map(len, runs), default=0))
    return f"{fence}{language}\n{text}\n{fence}\n"


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
    headline = escaped(change_set.headline(commit) + (":" if names else ""))
    text = f"#### {headline}{' ' if names else ''}{names}{more}\n\n"
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
    return table(columns, rows, len(change_set.pulls) - len(rows), prose=("title", "author")) + "\n"


def _row(pull: MergedPull, until: str) -> list[str]:
    number = f"#{pull.number}"
    number = f'<a href="{attribute(pull.url)}">{escaped(number)}</a>' if is_url(pull.url) else escaped(number)
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

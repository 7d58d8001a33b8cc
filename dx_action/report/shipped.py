"""Owns the summary's part on what ships: the pull requests, and how long each was on its way. Pure.

Every text that others wrote is inert. Into the chart, which Mermaid reads as a language of its own, go numbers and dates only.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from dx_action.changes.changeset import Changes, ChangeSet, MergedPull
from dx_action.inputs.times import parse_time_or_none
from dx_action.inputs.values import is_url
from dx_action.text import code, escaped, truncate

MOST_ROWS, MOST_BARS, MOST_SECTIONS = 100, 20, 20
_MOST_NAMES = 10
_FORMAT, _DAYS = "YYYY-MM-DDTHH:mm:ss", timedelta(days=5)
_COLUMNS = ("pull request", "title", "author", "merged")


def shipped(changes: Changes, deployed_at: str, commit: str) -> str:
    """Give the part, with a section for each group of services that ship the same; empty where nothing was looked up."""
    groups: dict[tuple[object, ...], tuple[ChangeSet, list[str]]] = {}
    for service, each in changes.by_service.items():
        same = (each.previous, each.course, tuple(pull.number for pull in each.pulls))
        groups.setdefault(same, (each, []))[1].append(service)
    alone, left, parts = len(groups) == 1, MOST_ROWS, []
    for each, names in list(groups.values())[:MOST_SECTIONS]:
        rows = min(len(each.pulls), left) if changes.listed else 0
        parts.append(_section(each, [] if alone else names, deployed_at, commit, rows=rows, listed=changes.listed))
        left -= rows
    if more := sum(len(names) for _, names in list(groups.values())[MOST_SECTIONS:]):
        parts.append(f"… and what ships of {more} more service{'' if more == 1 else 's'}.\n")
    return "".join(parts)


def _section(
    shipment: ChangeSet, services: Sequence[str], deployed_at: str, commit: str, *, rows: int, listed: bool
) -> str:
    names = ", ".join(code(truncate(service, 100)) for service in services[:_MOST_NAMES])
    more = f" and {len(services) - _MOST_NAMES} more" if len(services) > _MOST_NAMES else ""
    lines = [f"#### {escaped(shipment.headline(commit))}{': ' if names else ''}{names}{more}\n\n"]
    if shipment.previous:
        before = "Deployed before" if shipment.certain else "Compared with"
        aside = ". One does not follow the other" if shipment.course == "diverged" else ""
        source = escaped(truncate(shipment.previous.source, 100))
        lines.append(f"{before}: {code(truncate(shipment.previous.value, 40))}, from {source}{aside}.\n\n")
    if listed and shipment.pulls:
        if rows:
            # What is taken out of production has no lead time.
            until = "" if shipment.course == "rollback" else deployed_at
            lines += [_head(until), *(_row(pull, until) for pull in shipment.pulls[:rows]), "\n"]
        if len(shipment.pulls) > rows:
            lines.append(f"… and {len(shipment.pulls) - rows} more.\n\n")
        lines += _chart(shipment, deployed_at)
    return "".join(lines)


def _head(until: str) -> str:
    columns = (*_COLUMNS, "lead time") if until else _COLUMNS
    return f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}\n"


def _row(pull: MergedPull, until: str) -> str:
    number = f"#&#8203;{pull.number}"
    if is_url(pull.url):
        number = f'<a href="{escaped(pull.url)}">#{pull.number}</a>'
    merged = pull.merged_at[:16].replace("T", " ")
    cells = [number, escaped(truncate(pull.title, 120)), escaped(truncate(pull.author, 50)), escaped(merged)]
    if until:
        cells.append(lead_time(pull.first_commit_at, until) or "—")
    return f"| {' | '.join(cells)} |\n"


def lead_time(since: str | None, until: str) -> str:
    """Say how long it is from one time to another, in its two largest units; empty where that is not known."""
    start, end = parse_time_or_none(since), parse_time_or_none(until)
    if start is None or end is None or end < start:
        return ""
    minutes = int((end - start).total_seconds()) // 60
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [f"{days} d"] if days else []
    parts += [f"{hours} h"] if hours else []
    parts += [f"{minutes} min"] if not days else []
    return " ".join(parts)


def _chart(shipment: ChangeSet, deployed_at: str) -> Iterator[str]:
    """Draw each pull request's way from its first commit by its merge to the deployment."""
    end = parse_time_or_none(deployed_at)
    bars: list[str] = []
    starts: list[datetime] = []
    for pull in shipment.pulls[-MOST_BARS:]:
        first, merged = parse_time_or_none(pull.first_commit_at), parse_time_or_none(pull.merged_at)
        if first and merged and end and first <= merged <= end:
            starts.append(first)
            start, middle, last = (moment.strftime("%Y-%m-%dT%H:%M:%S") for moment in (first, merged, end))
            bars.append(
                f"  section #{pull.number}\n    to the merge :{start}, {middle}\n    to production :done, {middle}, {last}\n"
            )
    if shipment.course in ("forward", "diverged") and len(bars) > 1 and end:
        axis = "%d %b %H h" if end - min(starts) < _DAYS else "%d %b"
        yield f"```mermaid\n---\ndisplayMode: compact\n---\ngantt\n  dateFormat {_FORMAT}\n  axisFormat {axis}\n"
        yield "  todayMarker off\n"
        yield from bars
        yield "```\n\n"

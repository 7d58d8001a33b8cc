"""A backfill's summary and the groups of its log: counts for each service and each week. Pure.

Every foreign value is made inert, and every list has a limit.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from heapq import nsmallest

from dx_action.backfill.tally import BackfillResult, Line
from dx_action.deployment.calls import Method, Outcome
from dx_action.report.endings import result_line
from dx_action.report.summary import MARKS, cell, identifier, table
from dx_action.text import markdown, plural, truncate

MOST_SERVICES, MOST_FAILED, MOST_BARS, MOST_GROUPS, MOST_IN_GROUP = 200, 100, 53, 50, 60
# The dates of more bars would overlap.
_MOST_DAYS = 9
PULLS, UPDATES, DELETIONS, CLEARED = "(pull requests)", "(updates)", "(deletions)", "(services removed)"
_OTHERS: dict[Method, str] = {
    "deployments.setPullServices": PULLS,
    "deployments.update": UPDATES,
    "deployments.delete": DELETIONS,
}
_DONE = {PULLS: "set", UPDATES: "updated", DELETIONS: "deleted"}
_DAY = 86_400_000
_MONDAY = date(1969, 12, 29).toordinal()  # of the week in which the epoch began
# The bars' own colour is next to white. This one can be seen on GitHub's white and on its black.
_COLOURS = '---\nconfig:\n  themeVariables:\n    xyChart:\n      plotColorPalette: "#388bfd"\n---\n'
Counts = Counter[Outcome]


def summary(ending: BackfillResult) -> str:
    """Return what happened, by service and by week, and the rows that failed."""
    return _services(ending) + _chart(ending) + _failed(ending)


def by_outcome(counts: Counts, done: str = "registered") -> str:
    """Return the counts in words: `2 registered, 1 unknown`. `done` is what DX does with what is counted."""
    words = ((counts[outcome], mark.split(" ", 1)[1]) for outcome, mark in MARKS.items() if counts[outcome])
    return ", ".join(f"{count:,} {_word(word, done)}" for count, word in words)


def done_with(ending: BackfillResult) -> str:
    """Return what DX does with each row."""
    return "accepted" if ending.rows.corrections else "set" if ending.noun == "pull request" else "registered"


def _word(mark: str, done: str) -> str:
    """Return an outcome in words or as a mark. Only a deployment can be registered already."""
    return mark if mark.endswith("already registered") else mark.replace("registered", done)


def by_service(ending: BackfillResult, most: int) -> tuple[dict[str, Counts], int, Counts]:
    """Return the outcomes of the `most` largest services, how many others there are, and the outcomes of those together.

    Calls about pull requests count as a service of their own, and so do updates and deletions.
    """
    every: defaultdict[str, Counts] = defaultdict(Counter)
    for index in range(len(ending.tally)):
        for name in _services_of(ending, index):
            every[name][ending.tally[index]] += 1
    largest = {name: every[name] for name in nsmallest(most, every, key=lambda name: (-every[name].total(), name))}
    return largest, len(every) - len(largest), sum(every.values(), Counter()) - sum(largest.values(), Counter())


def groups(ending: BackfillResult) -> Iterator[tuple[str, list[str]]]:
    """Yield a group of the log for each service: its title, and a line for each week; then one for what failed."""
    services, more, rest = by_service(ending, MOST_GROUPS)
    weeks: dict[str, dict[int, Counts]] = {service: defaultdict(Counter) for service in services}
    for index in range(len(ending.tally)):
        for service in weeks.keys() & set(_services_of(ending, index)):
            weeks[service][_week(_time(ending, index))][ending.tally[index]] += 1
    for service, by_week in weeks.items():
        shown = sorted(by_week.items()) if service not in _DONE else []
        done = "set" if ending.window else _DONE.get(service, "registered")
        lines = [f"  week of {_monday(week)}  {by_outcome(counts, done)}" for week, counts in shown[-MOST_IN_GROUP:]]
        if earlier := len(shown[:-MOST_IN_GROUP]):
            lines.insert(0, f"  {plural(earlier, 'earlier week')} not shown")
        yield f"{truncate(service, 100)}: {by_outcome(services[service], done)}", lines
    if more:
        yield f"{plural(more, 'more service')}: {by_outcome(rest, done_with(ending))}", []
    if failed := ending.tally.counts["failed"] + ending.tally.counts["unknown"]:
        rows = [
            result_line(line.result, f"{_prefix(ending, line)}{truncate(line.result.call.label, 100)}")
            for line in ending.tally.failed[:MOST_FAILED]
        ]
        if failed > MOST_FAILED:
            rows.append(f"  … and {failed - MOST_FAILED:,} more")
        yield f"Failed: {failed:,}", rows


def _prefix(ending: BackfillResult, line: Line) -> str:
    return "" if ending.window else f"{ending.line_noun} {line.number}, "


def _services_of(ending: BackfillResult, index: int) -> tuple[str, ...]:
    """Return what a row counts for. A pull request of a window counts for each of its services."""
    rows = ending.rows
    if ending.window:
        return ending.window.services[index] or (CLEARED,)
    return (rows.names[rows.keys[index]][1] if rows.times[index] else _OTHERS[rows.method(index)],)


def _time(ending: BackfillResult, index: int) -> int:
    return int(ending.window.merged_at[index].timestamp()) * 1000 if ending.window else ending.rows.times[index]


def _services(ending: BackfillResult) -> str:
    services, more, rest = by_service(ending, MOST_SERVICES)
    total = ending.tally.counts
    counted = [(cell(service), counts) for service, counts in services.items()]
    counted += [(f"{more:,} more", rest)] if more else []
    every = "all pull requests" if ending.window else "all"
    counted += [(every, total)] if len(services) > 1 else []
    shown = [outcome for outcome in MARKS if total[outcome]]
    rows = [
        [name, *(f"{counts[outcome]:,}" if counts[outcome] else "" for outcome in shown)] for name, counts in counted
    ]
    columns = [_word(MARKS[outcome], done_with(ending)) for outcome in shown]
    return (table(["service", *columns], rows, numbers=columns) + "\n" if rows else "") + _left_out(ending)


def _left_out(ending: BackfillResult) -> str:
    if not ending.window:
        return ""
    window = ending.window
    sentences = [
        f"{plural(window.read, 'pull request was', 'pull requests were')} merged {window.place}.",
        window.left_out,
    ]
    if window.unread:
        sentences.append(f"The files of {plural(len(window.unread), 'pull request')} are not known.")
    return markdown(" ".join(filter(None, sentences))) + "\n\n"


def _chart(ending: BackfillResult) -> str:
    """Draw the registered deployments by week; of more than a year, several weeks are one bar."""
    weeks: Counter[int] = Counter()
    for index, time in enumerate(ending.rows.times):
        if time and (not ending.tally.ended or ending.tally[index] in ("accepted", "already-registered")):
            weeks[_week(time)] += 1
    if len(weeks) < 2:
        return ""
    first, last = min(weeks), max(weeks)
    step = -(-(last - first + 1) // MOST_BARS)
    starts = range(first, last + 1, step)
    bars = [sum(weeks[start + number] for number in range(step)) for start in starts]
    every = "week" if step == 1 else f"{step} weeks"
    title, axis = f"Deployments per {every}", ", ".join(f'"{_monday(start)}"' for start in starts)
    axis = f"[{axis}]"
    if len(bars) > _MOST_DAYS:
        title, axis = f"{title}, from {_monday(first)}", f'"{every}" 1 --> {len(bars)}'
    return (
        f'```mermaid\n{_COLOURS}xychart-beta\n    title "{title}"\n    x-axis {axis}\n'
        f'    y-axis "deployments" 0 --> {max(bars)}\n    bar {bars}\n```\n\n'
    )


def _failed(ending: BackfillResult) -> str:
    total, window = ending.tally.counts["failed"] + ending.tally.counts["unknown"], ending.window
    names = {ending.rows.line(index): ", ".join(each) for index, each in enumerate(window.services if window else ())}
    rows = []
    for line in ending.tally.failed[:MOST_FAILED]:
        call, result = line.result.call, line.result
        mark = _word(MARKS[result.outcome], _DONE.get(_OTHERS.get(call.method, ""), "registered"))
        texts = (
            cell(names.get(line.number, "") if window else call.service if call.corrects else call.label),
            mark,
            cell(result.error),
            cell(result.message, 200),
        )
        rows.append([f"{line.number}", *texts, *([] if window else [identifier(call.reference_id)])])
    columns = (ending.line_noun, "service", "outcome", "error", "DX says", *(() if window else ("reference id",)))
    return table(columns, rows, total - len(rows), numbers=columns[:1], prose=("DX says",))


def _week(time: int) -> int:
    return (time // _DAY + 3) // 7


def _monday(week: int) -> str:
    return date.fromordinal(_MONDAY + 7 * week).isoformat()

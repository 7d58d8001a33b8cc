"""A backfill's summary and the groups of its log: counts for each service and each week. Pure.

Every foreign value is made inert, and every list has a limit.
"""

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from heapq import nsmallest

from dx_action.backfill.tally import OUTCOMES, BackfillResult, Line
from dx_action.deployment.calls import Outcome
from dx_action.report.endings import result_line
from dx_action.report.summary import MARKS, quoted
from dx_action.text import code, one_line, plural, truncate

MOST_SERVICES, MOST_FAILED, MOST_BARS, MOST_GROUPS, MOST_IN_GROUP = 200, 100, 53, 50, 60
# The dates of more bars would overlap.
_MOST_DAYS = 9
PULLS = "(pull requests)"
_DAY = 86_400_000
_MONDAY = date(1969, 12, 29).toordinal()  # of the week in which the epoch began
Counts = Counter[Outcome]


@dataclass(frozen=True, slots=True)
class Services:
    """How many services there are, the outcomes of the largest, and those of all together."""

    number: int
    largest: dict[str, Counts]
    total: Counts

    def rest(self, shown: int) -> Counts:
        """Return the outcomes of all services but the `shown` largest."""
        return self.total - sum(list(self.largest.values())[:shown], Counter())


def summary(headline: str, ending: BackfillResult, notes: Sequence[str]) -> str:
    """Return the summary: what happened, by service and by week, and the rows that failed."""
    return f"### {headline}\n\n{quoted(notes)}{_table(by_service(ending))}{_chart(ending)}{_failed(ending)}"


def by_outcome(counts: Mapping[Outcome, int], *, pulls: bool = False) -> str:
    """Return the counts in words: `2 registered, 1 unknown`. `pulls`: they count calls that set a pull request's services."""
    words = ((counts[outcome], mark.split(" ", 1)[1]) for outcome, mark in MARKS.items() if counts[outcome])
    text = ", ".join(f"{count:,} {word}" for count, word in words)
    return text.replace("registered", "set") if pulls else text


def by_service(ending: BackfillResult) -> Services:
    """Count each service's outcomes; calls about pull requests count as a service of their own."""
    tally, width = ending.tally, len(OUTCOMES)
    places: dict[str, int] = {}
    counts = array("I")
    for index in range(len(tally)):
        place = places.setdefault(_service(ending, index), len(places))
        if place * width == len(counts):
            counts.extend([0] * width)
        counts[place * width + tally.code(index)] += 1

    def of(place: int) -> Counts:
        return Counter(dict(zip(OUTCOMES, counts[place * width : (place + 1) * width], strict=True)))

    largest = nsmallest(MOST_SERVICES, places, key=lambda name: (-sum(of(places[name]).values()), name))
    return Services(len(places), {name: of(places[name]) for name in largest}, Counter(tally.counts))


def groups(ending: BackfillResult) -> Iterator[tuple[str, list[str]]]:
    """Yield a group of the log for each service: its title, and a line for each week; then one for what failed."""
    services = by_service(ending)
    weeks: dict[str, dict[int, Counts]] = {service: {} for service in list(services.largest)[:MOST_GROUPS]}
    for index in range(len(ending.tally)):
        service = _service(ending, index)
        if service in weeks:
            weeks[service].setdefault(_week(ending.rows.times[index]), Counter())[ending.tally[index]] += 1
    for service, by_week in weeks.items():
        shown = sorted(by_week.items()) if service != PULLS else []
        lines = [f"  week of {_monday(week)}  {by_outcome(counts)}" for week, counts in shown[-MOST_IN_GROUP:]]
        if earlier := len(shown[:-MOST_IN_GROUP]):
            lines.insert(0, f"  {plural(earlier, 'earlier week')} not shown")
        yield f"{truncate(service, 100)}: {by_outcome(services.largest[service], pulls=service == PULLS)}", lines
    if (more := services.number - MOST_GROUPS) > 0:
        yield f"{plural(more, 'more service')}: {by_outcome(services.rest(MOST_GROUPS))}", []
    if failed := ending.tally.counts["failed"] + ending.tally.counts["unknown"]:
        rows = [
            result_line(line.result, f"{ending.line_noun} {line.number}, {truncate(line.result.call.label, 100)}")
            for line in ending.tally.failed[:MOST_FAILED]
        ]
        if failed > MOST_FAILED:
            rows.append(f"  … and {failed - MOST_FAILED:,} more")
        yield f"Failed: {failed:,}", rows


def _service(ending: BackfillResult, index: int) -> str:
    rows = ending.rows
    return rows.names[rows.keys[index]][1] if rows.times[index] else PULLS


def _table(services: Services) -> str:
    columns = [outcome for outcome in MARKS if services.total[outcome]]
    head = "".join(f" {MARKS[outcome]} |" for outcome in columns)
    lines = [f"| service |{head}\n| --- |{' ---: |' * len(columns)}\n"]
    rows = [(code(truncate(service, 100)), counts) for service, counts in services.largest.items()]
    if services.number > MOST_SERVICES:
        rows.append((f"{services.number - MOST_SERVICES:,} more", services.rest(MOST_SERVICES)))
    if services.number > 1:
        rows.append(("all", services.total))
    for name, counts in rows:
        cells = (f" {counts[outcome]:,} |" if counts[outcome] else "  |" for outcome in columns)
        lines.append(f"| {name} |{''.join(cells)}\n")
    return "".join(lines) + "\n"


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
    bars: Counter[int] = Counter()
    for week, count in weeks.items():
        bars[(week - first) // step] += count
    size = (last - first) // step + 1
    axis = "[" + ", ".join(f'"{_monday(first + number * step)}"' for number in range(size)) + "]"
    counts = ", ".join(str(bars[number]) for number in range(size))
    title = "Deployments per week" if step == 1 else f"Deployments per {step} weeks"
    if size > _MOST_DAYS:
        title, axis = f"{title}, from {_monday(first)}", f'"{"week" if step == 1 else f"{step} weeks"}" 1 --> {size}'
    return (
        f'```mermaid\nxychart-beta\n    title "{title}"\n    x-axis {axis}\n'
        f'    y-axis "deployments" 0 --> {max(bars.values())}\n    bar [{counts}]\n```\n\n'
    )


def _failed(ending: BackfillResult) -> str:
    failed = ending.tally.failed
    if not failed:
        return ""
    head = f"| {ending.line_noun} | service | outcome | error | DX says | reference id |\n| ---: | --- | --- | --- | --- | --- |\n"
    total = ending.tally.counts["failed"] + ending.tally.counts["unknown"]
    more = f"\n… and {total - MOST_FAILED:,} more.\n" if total > MOST_FAILED else ""
    return head + "".join(map(_row, failed[:MOST_FAILED])) + more


def _row(line: Line) -> str:
    result = line.result
    words = code(truncate(one_line(result.message), 200)) if result.message else ""
    return (
        f"| {line.number} | {code(truncate(result.call.label, 100))} | {MARKS[result.outcome]} "
        f"| {code(truncate(result.error, 100))} "
        f"| {words} | {code(truncate(result.call.reference_id, 200))} |\n"
    )


def _week(time: int) -> int:
    return (time // _DAY + 3) // 7


def _monday(week: int) -> str:
    return date.fromordinal(_MONDAY + 7 * week).isoformat()

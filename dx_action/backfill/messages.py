"""Owns the sentences on a backfill's end: one for each kind of failure, with how many and the first lines. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dx_action.backfill.store import Rows
from dx_action.backfill.tally import MOST_LINES, Kind, Tally
from dx_action.deployment.calls import Outcome
from dx_action.dx.answers import AUTH_CODES
from dx_action.errors import Level
from dx_action.report.failures import advise
from dx_action.report.summary import MARKS
from dx_action.text import one_line, truncate

# The runner keeps ten annotations of a level, and other problems need theirs.
MOST_MESSAGES = 7
_CAUSES = {"unauthorized_before": (*AUTH_CODES, "http_401", "http_403"), "http_429": ("http_429",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillResult:
    """A backfill that ended, or was ended.

    `held_back`: how many rows were not sent for the sake of order. `reason`: why the others were not. `kept`: the file that holds
    what DX does not hold for certain. `from_file`: a row's number is its line in a file.
    """

    rows: Rows
    tally: Tally
    held_back: int = 0
    reason: str = ""
    kept: str | None = None
    from_file: bool = True
    notices: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def missing(self) -> int:
        """How many rows DX does not hold for certain."""
        return len(self.tally) - self.tally.held

    @property
    def noun(self) -> str:
        """What a row is: a deployment, unless some are calls about pull requests."""
        noun = "deployment" if all(self.rows.times) else "row"
        return noun if len(self.tally) == 1 else f"{noun}s"


def failures(ending: BackfillResult) -> list[str]:
    """Give one message for each kind of failure; what was not sent because of one is told with it."""
    unsent = ending.tally.counts["not-sent"] - ending.held_back
    kinds = sorted(ending.tally.kinds.items(), key=lambda item: -item[1].count)
    cause = next((name for name, _ in kinds if name[1] in _CAUSES.get(ending.reason, ())), None)
    messages = []
    if unsent and ending.reason == "cancelled":
        messages.append(_cancelled(ending, unsent))
    elif unsent and not cause:
        messages.append(f"{_share(unsent, ending)} {_were(unsent)} not sent. {_advice(ending.reason)}")
    for name, kind in sorted(kinds, key=lambda item: item[0] != cause):
        follows = f" {unsent:,} more {_were(unsent)} not sent because of it." if name == cause and unsent else ""
        messages.append(_message(name, kind, ending) + follows)
    if ending.held_back:
        messages.append(
            f"{_share(ending.held_back, ending)} {_were(ending.held_back)} not sent. {_advice('order_kept')}"
        )
    if len(messages) > MOST_MESSAGES:
        more = len(messages) - MOST_MESSAGES + 1
        messages[MOST_MESSAGES - 1 :] = [f"{more} more kinds of failure: see the summary and the output `results`."]
    if messages:
        messages[0] += f" {how_to_go_on(ending)}"
    return messages


def how_to_go_on(ending: BackfillResult) -> str:
    """Say how the rest gets into DX."""
    again = "what DX holds already stays as it is"
    if ending.kept:
        return f"What DX does not hold for certain is kept in {one_line(ending.kept)}: send it as `backfill-file`; {again}."
    if ending.reason == "cancelled":
        return f"Run the same backfill again: {again}."
    return f"Once that is mended, run the same backfill again: {again}."


def already_held(ending: BackfillResult) -> list[tuple[Level, str]]:
    """Say that DX held rows with other values: worth a look where somebody wrote them into a file."""
    count = ending.tally.counts["already-registered"]
    if not count:
        return []
    first = [line.number for line in ending.tally.delivered if line.result.outcome == "already-registered"]
    where = _lines(first[:MOST_LINES], count, ending)
    what = f"DX already holds {_share(count, ending)} by `reference_id` with other values, and keeps those{where}."
    level: Level = "warning" if ending.from_file else "notice"
    return [(level, f"{what} Where the rows correct what DX holds, set `on-conflict: update`.")]


def by_outcome(counts: Mapping[Outcome, int]) -> str:
    """Count the outcomes that there are, in words."""
    return ", ".join(
        f"{counts[outcome]:,} {mark.split(' ', 1)[1]}" for outcome, mark in MARKS.items() if counts[outcome]
    )


def counted(ending: BackfillResult) -> str:
    """Tell all outcomes in a line."""
    are = "is" if len(ending.tally) == 1 else "are"
    return (
        f"{ending.tally.held:,} of {len(ending.tally):,} {ending.noun} {are} in DX: {by_outcome(ending.tally.counts)}."
    )


def _cancelled(ending: BackfillResult, unsent: int) -> str:
    counts = ending.tally.counts
    maybe = f"{counts['unknown']:,} may be, " if counts["unknown"] else ""
    return (
        f"The job was cancelled: {ending.tally.held:,} of {len(ending.tally):,} {ending.noun} are in DX, {maybe}and {unsent:,} "
        f"{_were(unsent)} not sent."
    )


def _message(name: tuple[str, str], kind: Kind, ending: BackfillResult) -> str:
    outcome, error = name
    if not error:
        return f"{_share(kind.count, ending)} failed for other reasons{_lines(kind.lines, kind.count, ending)}."
    result = kind.first
    known = "It is not known whether DX took" if outcome == "unknown" else "DX did not take"
    where = _lines(kind.lines, kind.count, ending)
    said = truncate(one_line(truncate(result.message))) if result.message else ""
    parts = [
        f"{known} {_share(kind.count, ending)}: {one_line(truncate(error, 100))}{where}.",
        advise(error, result.http_status, said=bool(said)),
    ]
    if said:
        parts.append(f"DX says: {said}" + ("" if said.endswith((".", "!", "?", "…")) else "."))
    return " ".join(parts)


def _share(count: int, ending: BackfillResult) -> str:
    total = len(ending.tally)
    return f"{count:,} of {total:,} {ending.noun}"


def _lines(lines: Sequence[int], count: int, ending: BackfillResult) -> str:
    """Name the first lines: ` (lines 17, 20 and 312 more)`."""
    noun = "line" if ending.from_file else "row"
    shown = [f"{line}" for line in lines]
    if not lines:
        return ""
    if count > len(lines):
        told = f"{', '.join(shown)} and {count - len(lines):,} more"
    else:
        told = " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))
    return f" ({noun}{'s' if count > 1 else ''} {told})"


def _advice(reason: str) -> str:
    return advise(reason, None, said=False)


def _were(count: int) -> str:
    return "was" if count == 1 else "were"

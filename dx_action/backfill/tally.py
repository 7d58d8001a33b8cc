"""The results of a backfill: a byte for each row, the first results, and each kind of failure. Pure.

Only that byte grows with the number of rows.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from dx_action.backfill.store import Rows
from dx_action.deployment.calls import Outcome, Result
from dx_action.report.failures import Hint, is_absent, is_outage
from dx_action.text import plural

# The step's outputs have no room for more.
MOST_RESULTS = 1_300
# Shown with their requests.
MOST_WHOLE = 50
MOST_KINDS = 50
MOST_LINES = 3
# A row's byte is the index of its outcome.
_OUTCOMES: tuple[Outcome, ...] = ("not-sent", "accepted", "already-registered", "failed", "unknown")


@dataclass(slots=True)
class Kind:
    """A kind of failure: its first result, how many there are, and the first lines. `outage`: each of them is an outage's."""

    first: Result
    outage: bool = True
    count: int = 0
    lines: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Line:
    """A row's line in its file, and its result. Only the first that failed have a call with its body."""

    number: int
    result: Result


class Tally:
    """The results of `size` rows."""

    def __init__(self, size: int) -> None:
        self._codes = bytearray(size)
        self.counts: Counter[Outcome] = Counter({"not-sent": size})
        self.kinds: dict[tuple[str, str], Kind] = {}
        self.absent = 0
        # Of the rows that DX has, those that are failed deployments.
        self.unsuccessful = 0
        self.failed: list[Line] = []
        self.delivered: list[Line] = []

    def __len__(self) -> int:
        return len(self._codes)

    def __getitem__(self, index: int) -> Outcome:
        return _OUTCOMES[self._codes[index]]

    @property
    def ended(self) -> int:
        """How many rows have a result."""
        return len(self) - self.counts["not-sent"]

    def progress(self, seconds: float, held_back: int) -> str:
        """Return a line for the log after so many seconds. `held_back` rows will not be sent."""
        failed, rate = self.counts["failed"] + self.counts["unknown"], self.ended / max(seconds, 0.001)
        parts = [f"{self.ended:,} of {len(self):,} sent", f"{failed:,} failed", f"{rate:.1f} a second"]
        if left := rate and len(self) - self.ended - held_back:
            parts.append(f"about {_span(left / rate)} left")
        return ", ".join(parts)

    def add(self, index: int, line: int, result: Result) -> None:
        """Record the result of a row, which is on this line of its file."""
        self._codes[index] = _OUTCOMES.index(result.outcome)
        self.counts[result.outcome] += 1
        self.counts["not-sent"] -= 1
        lines = self.delivered if result.delivered else self.failed
        if len(lines) < MOST_RESULTS:
            kept = lines is self.failed and len(lines) < MOST_WHOLE
            call = result.call if kept else result.call._replace(body=b"")
            lines.append(Line(line, result._replace(call=call)))
        self.absent += is_absent(result)
        self.unsuccessful += result.delivered and result.call.is_failed_deployment
        if not result.delivered:
            name: tuple[str, str] = (result.outcome, result.error)
            if name not in self.kinds and len(self.kinds) >= MOST_KINDS:
                name = ("", "")
            kind = self.kinds.setdefault(name, Kind(result))
            kind.outage &= is_outage(result)
            kind.count += 1
            if len(kind.lines) < MOST_LINES:
                kind.lines.append(line)


class Unread(NamedTuple):
    """A pull request whose files are not known, and why, as the end of a sentence; its number is 0 if not even that is known."""

    number: int
    merged_at: datetime
    reason: str
    outage: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PullWindow:
    """The pull requests of a window of time. The number of a row is its pull request's.

    `place` says into which branches they were merged, and when. `read` are all of them, `none` those that touch no service and
    are not sent. `merged_at` and `services` are of each row.
    """

    repository: str
    place: str
    read: int
    merged_at: tuple[datetime, ...]
    services: tuple[tuple[str, ...], ...]
    none: int
    unread: tuple[Unread, ...]

    @property
    def left_out(self) -> str:
        """The sentence on those that touch no service; empty if each touches one."""
        if not self.none:
            return ""
        which = plural(self.none, "pull request touches", "pull requests touch")
        return f"{which} no service and {'is' if self.none == 1 else 'are'} left out."

    def resume_at(self, tally: Tally) -> datetime | None:
        """Return when the oldest pull request was merged that is not done; None if each is."""
        left = [at for index, at in enumerate(self.merged_at) if tally[index] not in ("accepted", "already-registered")]
        return min((*left, *(pull.merged_at for pull in self.unread)), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillResult:
    """A backfill that has ended, or was ended.

    `held_back`: how many rows were not sent because of the order. `reason`: why the others were not. `saved`: the file with
    everything that DX may not have registered. `from_file`: a row's number is its line in a file. `hints` fail nothing.
    `window`: the rows are its pull requests.
    """

    rows: Rows
    tally: Tally
    held_back: int = 0
    reason: str = ""
    saved: str | None = None
    from_file: bool = True
    hints: tuple[Hint, ...] = ()
    window: PullWindow | None = None

    @property
    def missing(self) -> int:
        """How many rows DX may not have registered, and how many pull requests could not become one."""
        return self.total - self.tally.counts["accepted"] - self.tally.counts["already-registered"]

    @property
    def total(self) -> int:
        """How many rows there are, and pull requests that could not become one."""
        return len(self.tally) + len(self.window.unread if self.window else ())

    @property
    def noun(self) -> str:
        """What a row is: a deployment, or a call about a pull request, or any of the calls."""
        if self.window:
            return "pull request"
        if self.rows.corrections:
            return "row"
        return "deployment" if all(self.rows.times) else "row" if any(self.rows.times) else "pull request"

    @property
    def line_noun(self) -> str:
        """What a row's number counts."""
        return "pull request" if self.window else "line" if self.from_file else "row"


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"

"""Ends of a backfill for tests of its report and its summary."""

from collections.abc import Sequence
from typing import Any

from backfills import Listed
from dx_action.backfill.tally import BackfillResult, Tally
from dx_action.deployment.calls import Outcome, Result

End = tuple[Outcome, str] | None
HELD: End = ("accepted", "")
ALREADY: End = ("already-registered", "reference_id_taken")
REFUSED: End = ("failed", "repo_not_found")
UNKNOWN: End = ("unknown", "http_503")


def ended(
    rows: Listed, ends: Sequence[End], message: str = "", status: int | None = 422, **more: Any
) -> BackfillResult:
    """Rows that ended so, each with the same HTTP status; None is what was not sent."""
    tally = Tally(len(rows))
    for index, end in enumerate(ends):
        if end:
            tally.add(index, rows.line(index), Result(rows.call(index), end[0], status, end[1], message, 1))
    return BackfillResult(rows=rows, tally=tally, **more)


def rows_of(count: int, services: int = 3, minutes: int = 60) -> Listed:
    return Listed([(f"s{number % services}", number * minutes) for number in range(count)])

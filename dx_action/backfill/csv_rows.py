"""Owns the CSV that DX imports: RFC 4180, UTF-8, the columns in one order, and cells that read back as what would be sent.

Nothing is put before a cell that a spreadsheet would take for a formula: the content would be another.
"""

import csv
from collections.abc import Iterator

from dx_action.backfill.rows import COLUMNS
from dx_action.backfill.store import Rows
from dx_action.deployment.calls import FIELDS, compact


def csv_lines(rows: Rows) -> Iterator[bytes]:
    """Give the header and each deployment's line, in the rows' order. `method` is a column where not all are created."""
    columns = COLUMNS if rows.upserts else FIELDS
    yield _line(columns)
    for index in range(len(rows)):
        call = rows.call(index)
        if call.reference_id:
            body = call.json() | {"method": call.method.removeprefix("deployments.")}
            yield _line(tuple(_cell(body.get(column)) for column in columns))


def pulls_among(rows: Rows) -> int:
    """Count the calls of setPullServices, which are no deployments."""
    return sum(not time for time in rows.times)


def _cell(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return compact(value)


class _Echo:
    """Hands on what is written to it."""

    def write(self, text: str) -> str:
        return text


def _line(cells: tuple[str, ...]) -> bytes:
    text: str = csv.writer(_Echo(), lineterminator="\r\n").writerow(cells)  # what `write` gives
    return text.encode()

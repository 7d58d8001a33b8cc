"""Owns the reading of a backfill's file: every row is checked before the first is sent, and of each an index is kept."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import IO

from dx_action.backfill.records import Record, Unreadable, csv_cells, form_of, header, json_cells, records
from dx_action.backfill.rows import BadRow, Fill, Row, read_row
from dx_action.backfill.store import Rows
from dx_action.deployment.calls import Call
from dx_action.errors import BadInput, InvalidValue, Problem
from dx_action.text import one_line, truncate

_SHOWN = 5
_START = 4096
_OF_A_RUN = ("deployed_at", "source_url")
_LOOKED_UP = ("commit_timestamp", "first_commit_timestamp")  # see `lead-time-metadata`


@dataclass(slots=True)
class Counted:
    """What was found beside the rows: those that stand there twice, and those that name no service, with one of theirs.

    `again` are those of a job that ran again, and `anew` the updates among them.
    """

    twice: int = 0
    again: int = 0
    anew: int = 0
    unnamed: int = 0
    example: str = ""


def read_rows(path: str, file: IO[bytes], fill: Fill) -> tuple[Rows, Counted]:
    """Check and index every row of a file. `path` tells its form.

    Raises BadInput with the first rows that cannot be used, and how many more there are.
    """
    try:
        form = form_of(path, file.read(_START))
        file.seek(0)
        found = records(file, form)
        columns: tuple[str, ...] = ()
        if form == "CSV":
            first = next(found, None)
            columns = header(first) if first else ()
        reader = _Reader((lambda data: csv_cells(data, columns)) if form == "CSV" else json_cells, fill)
        for record in found:
            reader.take(record)
    except Unreadable as wrong:
        raise BadInput.of("backfill-file", str(wrong)) from None
    reader.finish(empty="has no row below its first line." if columns else "is empty.")
    return reader.rows, reader.counted


class _Reader:
    """The first pass over a file."""

    def __init__(self, cells: Callable[[bytes], dict[str, object]], fill: Fill) -> None:
        self._cells, self._fill = cells, fill
        self.rows = Rows()
        self.counted = Counted()
        self._seen: dict[bytes, int] = {}
        self._problems: list[Problem] = []
        self._more = 0

    def take(self, record: Record) -> None:
        """Check a row, and keep its place."""
        try:
            cells = self._cells(record.data)
            if not cells:  # commas alone, as Excel leaves them below a table
                return
            row = read_row(cells, self._fill)
            if not self._again(row, record.line):
                self._seen[_key(row.call)] = len(self.rows)
                self.rows.add(row.call, record.line, row.time, row.name)
                if row.assumed:
                    self.counted.unnamed += 1
                    self.counted.example = self.counted.example or row.call.service
        except BadRow as bad:
            places = (f"line {record.line}, column `{_shown(each.subject)}`: {each.text}" for each in bad.problems)
            self._wrong(*places)
        except InvalidValue as wrong:
            self._wrong(f"line {record.line} {wrong}")

    def finish(self, empty: str) -> None:
        """Raise BadInput where there is anything wrong; `empty` says what, where there is no row."""
        if self._more:
            rows = "1 more row" if self._more == 1 else f"{self._more:,} more rows"
            self._problems.append(Problem("backfill-file", f"has {rows} that cannot be used."))
        if not self._problems and not len(self.rows):
            self._problems.append(Problem("backfill-file", f"{empty} Write a row for each deployment."))
        if self._problems:
            raise BadInput(*self._problems)

    def _again(self, row: Row, line: int) -> bool:
        """Tell whether an earlier row is this deployment. Raises InvalidValue where it has other values there.

        What is told of a pull request may be told again: between the two, something else may have been.
        """
        index = self._seen.get(_key(row.call)) if row.call.reference_id else None
        if index is None:
            return False
        earlier = self.rows.call(index)
        if earlier.reference_id != row.call.reference_id:
            return False
        if _values(earlier) == _values(row.call):
            self.counted.twice += 1
        elif row.derived or earlier.method != row.call.method or _lasting(earlier) != _lasting(row.call):
            raise InvalidValue(
                f"is the deployment of line {self.rows.line(index)}, by its `reference_id`, with other values. Keep one of "
                "them, or give each an id of its own."
            )
        elif row.call.method == "deployments.upsert":
            self.rows.replace(index, row.call, line, row.time)
            self.counted.anew += 1
        else:
            self.counted.again += 1
        return True

    def _wrong(self, *texts: str) -> None:
        if len(self._problems) >= _SHOWN:
            self._more += 1
            return
        self._problems += [Problem("backfill-file", text) for text in texts]


def notices(counted: Counted) -> tuple[str, ...]:
    """Say what was counted."""
    found: list[str] = []
    if counted.unnamed:
        rows = "1 row names" if counted.unnamed == 1 else f"{counted.unnamed:,} rows name"
        found.append(
            f"{rows} no `service`, and what has none counts for its repository's own name, as {counted.example}."
        )
    if counted.twice:
        rows = (
            "1 row repeats an earlier one, and is"
            if counted.twice == 1
            else f"{counted.twice:,} rows repeat earlier ones, and are"
        )
        found.append(f"{rows} not sent again.")
    for count, method, which in ((counted.again, "create", "first"), (counted.anew, "upsert", "last")):
        if count:
            rows = "1 row has" if count == 1 else f"{count:,} rows have"
            found.append(
                f"{rows} the `reference_id` of an earlier one and only another time or page, as where a job ran again: by "
                f"`{method}` the {which} one counts in DX, and it alone is sent."
            )
    return tuple(found)


def _key(call: Call) -> bytes:
    return blake2b(call.reference_id.encode(), digest_size=8).digest()


def _values(call: Call) -> str:
    """What DX holds of it afterwards, by whichever method, in one order."""
    return json.dumps({"success": True} | call.json(), sort_keys=True)


def _lasting(call: Call) -> str:
    """What a job that runs again tells of the same deployment once more: all but when, by which run, and what it looked up."""
    body = call.json()
    metadata = {name: value for name, value in body.pop("metadata", {}).items() if name not in _LOOKED_UP}
    return json.dumps(
        {name: value for name, value in body.items() if name not in _OF_A_RUN} | {"metadata": metadata}, sort_keys=True
    )


def _shown(column: str) -> str:
    return truncate(one_line(column).replace("`", ""), 60)

"""Owns a file's records: where each begins, and its cells. CSV as RFC 4180 has it, or JSON Lines; UTF-8. Pure.

A record's text is at most 1 MiB, so that a file without an end costs no more.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Literal

from dx_action.backfill.rows import COLUMNS
from dx_action.errors import InvalidValue
from dx_action.inputs.metadata import json_value
from dx_action.text import one_line, truncate

Form = Literal["CSV", "JSON Lines"]
LONGEST = 1 << 20
_BOM = b"\xef\xbb\xbf"
_NAMES: dict[str, Form] = {".csv": "CSV", ".jsonl": "JSON Lines", ".ndjson": "JSON Lines", ".json": "JSON Lines"}
_QUOTED, _CR = re.compile(rb'"[^"]*"?'), re.compile(rb"\r(?!\n|$)")
_CR_ALONE = "has a line end that is CR alone. Save the file with LF or CRLF at the end of each line."
_KNOWN = ", ".join(f"`{column}`" for column in COLUMNS)


@dataclass(frozen=True, slots=True)
class Record:
    """A record's bytes, and the line on which it begins, from 1 on."""

    line: int
    data: bytes


class Unreadable(InvalidValue):
    """A file that is of no use as a whole; the text says which line, where it is one."""


def form_of(path: str, start: bytes) -> Form:
    """Tell a file's form by what it starts with, else by its name. Raises Unreadable for what is neither."""
    if start[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in start[:4]:
        raise Unreadable("is not UTF-8 but UTF-16. In Excel, save it as `CSV UTF-8 (Comma delimited)`.")
    content = start.removeprefix(_BOM).strip()
    if content[:1] == b"{":  # no column's name begins so, and what failed of a CSV is kept in its place as JSON Lines
        return "JSON Lines"
    form: Form = _NAMES.get(path[path.rfind(".") :].lower(), "JSON Lines" if content[:1] == b"[" else "CSV")
    if form == "JSON Lines" and content[:1] == b"[":
        raise Unreadable(
            "is one JSON array, and should be JSON Lines: one object on each line, without commas between them."
        )
    return form


def records(file: IO[bytes], form: Form) -> Iterator[Record]:
    """Give every record but blank ones. Raises Unreadable at one that does not end."""
    line, first = 1, True
    while data := _read(file, form, line):
        content = data.removeprefix(_BOM) if first else data
        if content.strip():
            yield Record(line, content)
        line, first = line + data.count(b"\n"), False


def _read(file: IO[bytes], form: Form, line: int) -> bytes:
    parts: list[bytes] = []
    size = quotes = 0
    # Quotes are doubled inside of quotes: an odd number of them leaves a cell open, and it goes on below.
    while (not parts or (form == "CSV" and quotes % 2)) and (part := file.readline(LONGEST + 1)):
        parts.append(part)
        size, quotes = size + len(part), quotes + part.count(b'"')
        if size > LONGEST:
            if _CR.search(_QUOTED.sub(b"", b"".join(parts))):
                raise Unreadable(f"line {line} {_CR_ALONE}")
            hint = ", as where a quote is never closed" if form == "CSV" else ""
            raise Unreadable(f"has a record of more than {LONGEST >> 20} MiB from line {line} on{hint}.")
    return b"".join(parts)


def header(record: Record) -> tuple[str, ...]:
    """Read the names of the columns. Raises Unreadable."""
    try:
        names = tuple(cell.strip().lower() for cell in _without_end(_split(record.data), 1))
    except InvalidValue as wrong:
        raise Unreadable(f"line {record.line} {wrong}") from None
    if len(names) == 1 and any(mark in names[0] for mark in ";\t"):
        raise Unreadable("has semicolons or tabs between its columns. Save it with commas, as RFC 4180 has it.")
    for name in names:
        if name not in COLUMNS:
            shown = f"`{truncate(one_line(name).replace('`', ''), 60)}`" if name else "without a name"
            raise Unreadable(f"has a column {shown} in line {record.line}, and the columns are {_KNOWN}.")
        if names.count(name) > 1:
            raise Unreadable(f"has the column `{name}` twice. Keep one of them.")
    if "deployed_at" not in names:
        raise Unreadable(f"has no column `deployed_at` in line {record.line}, which every deployment needs.")
    return names


def csv_cells(data: bytes, columns: Sequence[str]) -> dict[str, object]:
    """Give a row's cells by column. Raises InvalidValue."""
    found = _without_end(_split(data), len(columns))
    if not any(cell.strip() for cell in found):
        return {}
    if len(found) != len(columns):
        raise InvalidValue(
            f"has {_counted(len(found), 'cell')}, and the first line has {_counted(len(columns), 'column')}."
        )
    return dict(zip(columns, found, strict=True))


def json_cells(data: bytes) -> dict[str, object]:
    """Give an object's fields. Raises InvalidValue."""
    found = json_value(_decoded(data).strip())
    if found is None and _CR.search(data):
        raise InvalidValue(_CR_ALONE)
    if not isinstance(found, dict) or not found:
        raise InvalidValue(
            'is no JSON object. Write one whole object on each line, {"deployed_at": "2025-01-01T12:05:00Z", …}.'
        )
    return found


def _split(data: bytes) -> list[str]:
    text = _decoded(data).removesuffix("\n").removesuffix("\r")
    csv.field_size_limit(LONGEST)
    try:
        (cells,) = csv.reader([text], strict=True)
    except (csv.Error, ValueError):
        if _CR.search(_QUOTED.sub(b"", data)):
            raise InvalidValue(_CR_ALONE) from None
        raise InvalidValue(
            'is no CSV: a quote in a cell is written twice, and the cell in quotes, "say ""hello""".'
        ) from None
    return cells


def _without_end(cells: list[str], least: int) -> list[str]:
    """Drop blank cells beyond the columns: Excel keeps those that were once in use."""
    while len(cells) > least and not cells[-1].strip():
        cells.pop()
    return cells


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise InvalidValue("is not UTF-8. In Excel, save the file as `CSV UTF-8 (Comma delimited)`.") from None


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")

"""The rows of a `backfill-file`: CSV by RFC 4180 or JSON Lines, in UTF-8. Pure, but for the workspace and the store of rows.

Every row is checked before the first is sent. A record has at most 1 MiB, so that a file without line ends costs no more memory.
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import IO, Literal, get_args

from dx_action.backfill.rows import COLUMNS, BadRow, Row, read_row
from dx_action.backfill.store import Rows
from dx_action.deployment.calls import Call, Method, secrets_in
from dx_action.errors import BadInput, Interrupted, InvalidValue, Problem, naming_input
from dx_action.inputs.metadata import COMMIT_KEY, FIRST_KEY, Fact, json_value
from dx_action.inputs.model import Inputs
from dx_action.inputs.times import AHEAD
from dx_action.report.endings import hints
from dx_action.report.failures import Hint
from dx_action.runner.runtime import Runtime
from dx_action.runner.workspace import Workspace
from dx_action.secrecy import NO_SECRETS, Secrets
from dx_action.services.service import naming
from dx_action.text import DEEPEST, join_names, one_line, plural, truncate

Form = Literal["CSV", "JSON Lines"]
MOST_BYTES = 1 << 20
_START = 4096
_MOST_SHOWN = 5
_BOM = b"\xef\xbb\xbf"
_FORMS: dict[str, Form] = {".csv": "CSV", ".jsonl": "JSON Lines", ".ndjson": "JSON Lines", ".json": "JSON Lines"}
_QUOTED, _CR = re.compile(rb'"[^"]*"?'), re.compile(rb"\r(?!\n|$)")
_CR_ALONE = "has a line end that is CR alone. Save the file with LF or CRLF line ends."
_KNOWN = ", ".join(f"`{column}`" for column in COLUMNS)
# What another attempt of the same job changes: when, in which run, and what was looked up (see `extra-metadata`).
_OF_A_RUN = ("deployed_at", "source_url")
_LOOKED_UP = (COMMIT_KEY, FIRST_KEY, *get_args(Fact))
_KEPT: dict[Method, str] = {"deployments.create": "first", "deployments.upsert": "last"}


def rows_from_file(
    inputs: Inputs,
    runtime: Runtime,
    workspace: Workspace,
    say: Callable[[str], None],
    now: datetime,
    secrets: Secrets = NO_SECRETS,
    late: Callable[[], bool] = lambda: False,
) -> tuple[Rows, tuple[Hint, ...]]:
    """Return every row of the `backfill-file`, all checked, and the hints about them. `now` is UTC.

    Raises BadInput with the first problems, and how many more there are; and Interrupted once it is `late`.
    """
    if len(inputs.service) > 1:
        text = "names several services, but a row of the `backfill-file` is a deployment of one. Name them in the file."
        raise BadInput.of("service", text)
    if inputs.success == "skip":
        raise BadInput.of("success", "means that nothing was deployed, but every row is a deployment. Leave it out.")
    path, reader = inputs.backfill_file or "", _Reader(inputs, runtime.repository, now, secrets)
    with naming_input("backfill-file"), workspace.opened(path) as file:
        reader.read(path, file, late)
    if problems := _refused(inputs, reader.rows):
        raise BadInput(*problems)
    say(f"Read {plural(len(reader.rows), 'row')} from {path}")
    return reader.rows, reader.hints()


def _refused(inputs: Inputs, rows: Rows) -> list[Problem]:
    """Return what keeps the file's corrections from being sent, or written as a CSV."""
    problems, deletions = [], rows.counts["deployments.delete"]
    if inputs.csv_file and rows.corrections:
        text = (
            f"is for deployments to register, but the `backfill-file` has {plural(rows.corrections, 'row')} to update or "
            "delete. Take them out, or leave `csv-file` out to send them."
        )
        problems.append(Problem("csv-file", text))
    if (inputs.confirm_delete or "0") != str(deletions):
        text = (
            f"is not the number of rows to delete: the `backfill-file` has {deletions:,}. A deletion is permanent: check them, "
            f"and write {deletions}."
        )
        problems.append(Problem("confirm-delete", text))
    return problems


class _Reader:
    """The rows read so far, the problems found, and the counts for the hints. `own` is the workflow's repository."""

    def __init__(self, inputs: Inputs, own: str, now: datetime, secrets: Secrets) -> None:
        self.rows = Rows()
        self._inputs, self._own, self._now, self._secrets = inputs, own, now, secrets
        self._ahead: list[int] = []
        self._indexes: dict[bytes, int] = {}
        self._corrections: dict[bytes, list[int]] = {}
        self._problems: list[str] = []
        self._more = self._repeated = 0
        self._assumed: Counter[str] = Counter()
        self._rerun: Counter[Method] = Counter()

    def read(self, path: str, file: IO[bytes], late: Callable[[], bool]) -> None:
        """Read the whole file. Raises BadInput, Interrupted, and InvalidValue if the file as a whole cannot be read."""
        form = form_of(path, file.read(_START))
        file.seek(0)
        remaining = records(file, form)
        first = next(remaining, None) if form == "CSV" else None
        columns = header(first) if first else ()
        for record in remaining:
            if late():
                raise Interrupted
            self._take(record, columns)
        if self._more:
            self._problems.append(f"has {plural(self._more, 'more row')} that cannot be used.")
        if not self._problems and not len(self.rows):
            empty = "has no row below its header." if columns else "is empty."
            self._problems.append(f"{empty} Write a row for each deployment.")
        if self._problems:
            raise BadInput(*(Problem("backfill-file", text) for text in self._problems))
        for key, corrections in self._corrections.items():
            anchor = self._indexes.get(key, corrections[0])
            self.rows.anchors |= dict.fromkeys((anchor, *corrections), anchor)

    def _take(self, record: "Record", columns: Sequence[str]) -> None:
        line, texts = record.line, list[str]()
        try:
            cells = csv_cells(record.data, columns) if columns else json_cells(record.data)
            if cells:  # a spreadsheet leaves rows of commas below a table
                self._add(self._without_secrets(read_row(cells, self._inputs, self._own, self._now)), line)
        except BadRow as bad:
            texts = [f"line {line}, column `{_shown(each.subject)}`: {each.text}" for each in bad.problems]
        except InvalidValue as wrong:
            texts = [f"line {line} {wrong}"]
        if len(self._problems) < _MOST_SHOWN:
            self._problems += texts
        elif texts:
            self._more += 1

    def _without_secrets(self, row: Row) -> Row:
        if found := secrets_in(row.call, self._secrets):
            raise BadRow(*(Problem(column, f"contains {secret}. Remove it.") for column, secret in found.items()))
        return row

    def _add(self, row: Row, line: int) -> None:
        """Add a row unless an earlier one is the same deployment. Raises InvalidValue if their values differ.

        Calls about pull requests are all kept: one that repeats an earlier one may follow a third with other services.
        """
        call, index = row.call, len(self.rows)
        if row.ahead:
            self._ahead.append(line)
        key = blake2b(call.reference_id.encode(), digest_size=16).digest()
        if call.corrects:
            self._corrections.setdefault(key, []).append(index)
        elif call.reference_id:
            index = self._indexes.setdefault(key, index)
        if index == len(self.rows):
            self.rows.add(call, line)
            if row.assumed:
                self._assumed[call.service] += 1
            return
        if (corrections := self._corrections.get(key)) and corrections[-1] > index:
            raise InvalidValue(
                f"registers the deployment of line {self.rows.line(index)} again, and line {self.rows.line(corrections[-1])} in "
                "between corrects it. Register it once, before or after its corrections."
            )
        earlier = self.rows.call(index)
        if _values(earlier) == _values(call):
            self._repeated += 1
        elif row.derived or earlier.method != call.method or _lasting_values(earlier) != _lasting_values(call):
            raise InvalidValue(
                f"is the same deployment as line {self.rows.line(index)} (same `reference_id`), but has other values. Keep one "
                "of the two, or give each its own `reference_id`."
            )
        else:
            self._rerun[call.method] += 1
            if call.method == "deployments.upsert":
                self.rows.replace(index, call, line)

    def hints(self) -> tuple[Hint, ...]:
        warnings: list[str] = []
        if self._ahead:
            lines = join_names([f"{line}" for line in self._ahead[:_MOST_SHOWN]])
            more = f" and {len(self._ahead) - _MOST_SHOWN:,} more" if len(self._ahead) > _MOST_SHOWN else ""
            rows, s = plural(len(self._ahead), "row"), "s" if len(self._ahead) > 1 else ""
            warnings.append(f"`deployed_at` of {rows} (line{s} {lines}{more}) is {AHEAD}")
        texts: list[str] = []
        if self._assumed:
            rows, name = plural(self._assumed.total(), "row has", "rows have"), next(iter(self._assumed))
            texts.append(f"{rows} no `service`. The repository's own name is used instead, such as {name}.")
        if self._repeated:
            rows = plural(self._repeated, "row repeats an earlier one and is", "rows repeat earlier ones and are")
            texts.append(f"{rows} not sent again.")
        for method, kept in _KEPT.items():
            if count := self._rerun[method]:
                rows = plural(count, "row repeats", "rows repeat")
                texts.append(
                    f"{rows} an earlier `reference_id` with a different time or URL, as a re-run job writes. By "
                    f"`{method.removeprefix('deployments.')}`, DX keeps the {kept} one, so only that one is sent."
                )
        return hints(warnings, texts)


def _values(call: Call) -> str:
    """Return the values that DX has afterwards, in one order, whichever method is used."""
    return json.dumps({"success": True} | call.json(), sort_keys=True)


def _lasting_values(call: Call) -> str:
    """Return the values that another attempt of the same job does not change."""
    body = call.json()
    metadata = {name: value for name, value in body.pop("metadata", {}).items() if name not in _LOOKED_UP}
    values = {name: value for name, value in body.items() if name not in _OF_A_RUN}
    return json.dumps(values | {"metadata": metadata}, sort_keys=True)


@dataclass(frozen=True, slots=True)
class Record:
    """A record's bytes, and the line on which it begins, from 1 on."""

    line: int
    data: bytes


def form_of(path: str, start: bytes) -> Form:
    """Return a file's form by what it starts with, else by its name. Raises InvalidValue if it has neither form."""
    if start[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in start[:4]:
        raise InvalidValue("is not UTF-8 but UTF-16. In Excel, save it as `CSV UTF-8 (Comma delimited)`.")
    content = start.removeprefix(_BOM).strip()
    if content[:1] == b"{":  # no column's name begins so, and the failed rows of a CSV replace it as JSON Lines
        return "JSON Lines"
    form: Form = _FORMS.get(path[path.rfind(".") :].lower(), "JSON Lines" if content[:1] == b"[" else "CSV")
    if form == "JSON Lines" and content[:1] == b"[":
        raise InvalidValue("is a JSON array. Write JSON Lines: one object on each line, without commas between them.")
    return form


def records(file: IO[bytes], form: Form) -> Iterator[Record]:
    """Yield every record that is not blank. Raises InvalidValue at one that is too long."""
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
    while (not parts or (form == "CSV" and quotes % 2)) and (part := file.readline(MOST_BYTES + 1)):
        parts.append(part)
        size, quotes = size + len(part), quotes + part.count(b'"')
        if size > MOST_BYTES:
            if _CR.search(_QUOTED.sub(b"", b"".join(parts))):
                raise InvalidValue(f"line {line} {_CR_ALONE}")
            hint = " Check that every quote is closed." if form == "CSV" else ""
            raise InvalidValue(f"has a record of more than {MOST_BYTES >> 20} MiB from line {line} on.{hint}")
    return b"".join(parts)


def header(record: Record) -> tuple[str, ...]:
    """Return the names of the columns. Raises InvalidValue."""
    with naming(f"line {record.line}"):
        names = tuple(cell.strip().lower() for cell in _without_end(_split(record.data), 1))
    if len(names) == 1 and any(mark in names[0] for mark in ";\t"):
        raise InvalidValue("has semicolons or tabs between its columns. Save it with commas (RFC 4180).")
    for name in names:
        if name not in COLUMNS:
            shown = f"an unknown column `{_shown(name)}`" if name else "a column without a name"
            raise InvalidValue(f"has {shown} in line {record.line}. The columns are {_KNOWN}.")
        if names.count(name) > 1:
            raise InvalidValue(f"has the column `{name}` twice. Keep one of them.")
    if "deployed_at" not in names and not {"reference_id", "method"} <= set(names):
        raise InvalidValue(
            f"has no column `deployed_at` in line {record.line}. Every deployment to register needs one."
        )
    return names


def csv_cells(data: bytes, columns: Sequence[str]) -> dict[str, object]:
    """Return a row's cells by column, none if all are blank. Raises InvalidValue."""
    cells = _without_end(_split(data), len(columns))
    if not any(cell.strip() for cell in cells):
        return {}
    if len(cells) != len(columns):
        raise InvalidValue(f"has {plural(len(cells), 'cell')}, but the header has {plural(len(columns), 'column')}.")
    return dict(zip(columns, cells, strict=True))


def json_cells(data: bytes) -> dict[str, object]:
    """Return an object's fields. Raises InvalidValue."""
    fields = json_value(
        _decoded(data).strip(), deepest=DEEPEST + 1
    )  # around metadata, which may be as deep as an input's
    if fields is None and _CR.search(data):
        raise InvalidValue(_CR_ALONE)
    if not isinstance(fields, dict) or not fields:
        raise InvalidValue(
            'is not a JSON object. Write one whole object on each line, {"deployed_at": "2025-01-01T12:05:00Z", …}.'
        )
    return fields


def _split(data: bytes) -> list[str]:
    text = _decoded(data).removesuffix("\n").removesuffix("\r")
    csv.field_size_limit(MOST_BYTES)
    try:
        (cells,) = csv.reader([text], strict=True)
    except (csv.Error, ValueError):
        if _CR.search(_QUOTED.sub(b"", data)):
            raise InvalidValue(_CR_ALONE) from None
        raise InvalidValue(
            'is not valid CSV. Double each quote in a cell, and put the cell in quotes: "say ""hello""".'
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


def _shown(column: str) -> str:
    return truncate(one_line(column).replace("`", ""), 60)

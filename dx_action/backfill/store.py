"""The checked rows of a backfill, and the CSV of them.

Their requests lie in a file without a name, and an index of them in memory. What was checked is what is sent, whatever becomes
of the file that the rows came from.
"""

import csv
import json
import os
import weakref
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import StringIO
from tempfile import TemporaryFile
from threading import Lock
from typing import IO

from dx_action.backfill.rows import COLUMNS
from dx_action.deployment.calls import FIELDS, Call, Method, compact
from dx_action.deployment.pull_services import PullServices
from dx_action.errors import BadEvent, BadInput, InvalidValue
from dx_action.runner.workspace import Workspace
from dx_action.text import plural

_METHODS: tuple[Method, ...] = ("deployments.create", "deployments.upsert", "deployments.setPullServices")
_NO_ENVIRONMENT = (
    "production"  # DX counts a deployment without an environment as one of production, so both share a key
)


class Rows:
    """Rows by their index. Their file is closed once nothing refers to them.

    `times`: a row's `deployed_at` in ms since the epoch; 0 for a call of setPullServices, which goes before all others.
    `keys`: the number of its (repository, service, environment) in `names`; a pull request has a number of its own.
    """

    def __init__(self) -> None:
        """Raises BadEvent."""
        self._file = _unnamed_file()
        weakref.finalize(self, self._file.close)
        self._lock = Lock()
        self._written = self._flushed = 0
        self._offsets, self._lengths, self._lines = array("Q"), array("I"), array("I")
        self._methods = array("B")
        self.times, self.keys = array("q"), array("I")
        self.names: list[tuple[str, str, str]] = []
        self._numbers: dict[tuple[str, str, str], int] = {}

    def add(self, call: Call, line: int, time: int, name: tuple[str, str, str]) -> None:
        """Add a row, which is found on this line of its file. Raises BadEvent."""
        repository, service, environment = name
        folded = (repository.casefold(), service, environment or _NO_ENVIRONMENT)
        number = self._numbers.setdefault(folded, len(self.names))
        if number == len(self.names):
            self.names.append(name)
        self._offsets.append(self._put(call.body))
        self._lengths.append(len(call.body))
        self._lines.append(line)
        self._methods.append(_METHODS.index(call.method))
        self.times.append(time)
        self.keys.append(number)

    def replace(self, index: int, call: Call, line: int, time: int) -> None:
        """Replace a row by another one of the same method and name. Raises BadEvent."""
        self._offsets[index], self._lengths[index] = self._put(call.body), len(call.body)
        self._lines[index], self.times[index] = line, time

    def _put(self, body: bytes) -> int:
        with _room():
            self._file.write(body)
        self._written += len(body)
        return self._written - len(body)

    def __len__(self) -> int:
        return len(self._offsets)

    def call(self, index: int) -> Call:
        """Read the row again, with the same bytes each time. Several threads may do so at once. Raises BadEvent."""
        offset, length = self._offsets[index], self._lengths[index]
        if offset + length > self._flushed:
            self._flush()
        data = os.pread(self._file.fileno(), length, offset)
        method, body = _METHODS[self._methods[index]], json.loads(data)
        if method == "deployments.setPullServices":
            pull = PullServices((), body.get("github_pull_id"), body.get("pull_number"))
            return Call(method, "", "", data, pull.subject)
        return Call(method, body["service"]["identifier"], body["reference_id"], data)

    def _flush(self) -> None:
        with self._lock, _room():
            self._file.flush()
            self._flushed = self._written

    def line(self, index: int) -> int:
        """Return the row's line in its file, from 1 on."""
        return self._lines[index]

    @property
    def upserts(self) -> bool:
        """Whether any row is sent by `deployments.upsert`."""
        return _METHODS.index("deployments.upsert") in self._methods


def write_csv(path: str, rows: Rows, workspace: Workspace, scrubbed: Callable[[str], str]) -> tuple[str, ...]:
    """Write the deployments as the CSV that DX imports, and return the notices about it. Raises BadInput.

    It is RFC 4180 in UTF-8, in the rows' order, and replaces the file atomically; its cells read back as what would be sent.
    Nothing is put before a cell that a spreadsheet would take for a formula: its content would be another. `scrubbed`
    returns a text without secrets.
    """
    try:
        with workspace.replacing(path) as file:
            file.writelines(scrubbed(line).encode() for line in _csv_lines(rows))
    except InvalidValue as wrong:
        raise BadInput.of("csv-file", str(wrong)) from None
    if pulls := sum(not time for time in rows.times):
        return (f"Left out {plural(pulls, 'setPullServices call')}: the CSV is for deployments only.",)
    return ()


def _csv_lines(rows: Rows) -> Iterator[str]:
    columns = COLUMNS if rows.upserts else FIELDS
    yield _csv_line(columns)
    for index, time in enumerate(rows.times):
        if time:
            call = rows.call(index)
            body = call.json() | {"method": call.method.removeprefix("deployments.")}
            yield _csv_line(_cell(body.get(column)) for column in columns)


def _csv_line(cells: Iterable[str]) -> str:
    buffer = StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()


def _cell(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return compact(value)


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError:
        raise BadEvent.of("TMPDIR", "is a folder without room for the rows. Name one that has more.") from None


def _unnamed_file() -> IO[bytes]:
    try:
        return TemporaryFile()
    except OSError:
        raise BadEvent.of(
            "TMPDIR", "is not a folder in which a temporary file can be written. Name one that is."
        ) from None

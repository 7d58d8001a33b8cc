"""The checked rows of a backfill, and the CSV of them.

Their calls are in a file without a name, and an index of them in memory. What was checked is what is sent, whatever becomes
of the file that the rows came from.
"""

import csv
import json
import weakref
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from tempfile import TemporaryFile
from threading import Lock
from typing import IO, Any, get_args

from dx_action.backfill.rows import COLUMNS
from dx_action.deployment.calls import FIELDS, Call, Method
from dx_action.errors import BadEvent, naming_input
from dx_action.runner.workspace import Workspace, read_at
from dx_action.text import plural

# DX counts a deployment without an environment as one of production, so both share a key.
_NO_ENVIRONMENT = "production"
_METHODS: tuple[Method, ...] = get_args(Method)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Rows:
    """Rows by their index. Their file is closed once nothing refers to them.

    `times`: the `deployed_at` in ms since the epoch of a row that registers; 0 for any other.
    `keys`: the number of its (repository, service, environment) in `names`; a pull request, and an id that is corrected, has a
    number of its own. `counts`: how many rows each method has. `anchors`: for each row of a `reference_id` that is corrected, the
    row whose place in the order counts for all of them.
    """

    def __init__(self) -> None:
        """Raises BadEvent."""
        try:
            self._file: IO[bytes] = TemporaryFile()  # noqa: SIM115 - closed below
        except OSError:
            text = "is not a folder in which a temporary file can be written. Name one that is."
            raise BadEvent.of("TMPDIR", text) from None
        weakref.finalize(self, self._file.close)
        self._reading = Lock()
        self._written = 0
        self._offsets, self._lengths, self._lines = array("Q"), array("I"), array("I")
        self.times, self.keys = array("q"), array("I")
        self.names: list[tuple[str, str, str]] = []
        self._numbers: dict[tuple[str, str, str], int] = {}
        self.counts: Counter[Method] = Counter()
        self.anchors: dict[int, int] = {}
        self._methods = bytearray()

    def add(self, call: Call, line: int) -> None:
        """Add a row, which is found on this line of its file. Raises BadEvent."""
        body = call.json()
        repository, environment = body.get("repository", ""), body.get("environment", "")
        folded = (repository.casefold(), call.label, environment or _NO_ENVIRONMENT)
        if call.corrects:  # no repository has such a name
            repository, environment, folded = "", "", ("\n", call.label, "")
        number = self._numbers.setdefault(folded, len(self.names))
        if number == len(self.names):
            self.names.append((repository, call.label, environment))
        self._offsets.append(self._written)
        self._lengths.append(self._write(call))
        self._lines.append(line)
        self.times.append(_milliseconds(body) if call.registers else 0)
        self.keys.append(number)
        self.counts[call.method] += 1
        self._methods.append(_METHODS.index(call.method))

    def replace(self, index: int, call: Call, line: int) -> None:
        """Replace a row by another one of the same method and name. Raises BadEvent."""
        self._offsets[index], self._lengths[index] = self._written, self._write(call)
        self._lines[index], self.times[index] = line, _milliseconds(call.json())

    def _write(self, call: Call) -> int:
        fields = (call.method, call.service, call.reference_id, call.body.decode(), call.subject)
        data = json.dumps(fields).encode()
        try:
            self._file.seek(self._written)  # reading may have moved it
            self._file.write(data)
            self._file.flush()
        except OSError:
            raise BadEvent.of("TMPDIR", "is a folder without room for the rows. Name one that has more.") from None
        self._written += len(data)
        return len(data)

    def __len__(self) -> int:
        return len(self._offsets)

    def call(self, index: int) -> Call:
        """Read the row again, with the same bytes each time. Several threads may do so at once."""
        with self._reading:
            data = read_at(self._file.fileno(), self._offsets[index], self._lengths[index])
        method, service, reference_id, body, subject = json.loads(data)
        return Call(method, service, reference_id, body.encode(), subject)

    def method(self, index: int) -> Method:
        return _METHODS[self._methods[index]]

    @property
    def corrections(self) -> int:
        """How many rows change or delete a deployment that DX has."""
        return self.counts["deployments.update"] + self.counts["deployments.delete"]

    def line(self, index: int) -> int:
        """Return the row's line in its file, from 1 on."""
        return self._lines[index]


def write_csv(path: str, rows: Rows, workspace: Workspace, scrubbed: Callable[[str], str]) -> tuple[str, ...]:
    """Write the deployments as the CSV that DX imports, and return the notices about it. Raises BadInput.

    It is RFC 4180 in UTF-8, in the rows' order, and replaces the file atomically; its cells read back as what would be sent.
    Nothing is put before a cell that a spreadsheet would take for a formula: its content would be another. `scrubbed`
    returns a text without secrets.
    """
    with naming_input("csv-file"), workspace.replacing(path) as file:
        file.writelines(scrubbed(line).encode() for line in _csv_lines(rows))
    if pulls := sum(not time for time in rows.times):
        return (f"Left out {plural(pulls, 'setPullServices call')}: the CSV is for deployments only.",)
    return ()


def _csv_lines(rows: Rows) -> Iterator[str]:
    columns = COLUMNS if rows.counts["deployments.upsert"] else FIELDS
    yield _csv_line(columns)
    for index, time in enumerate(rows.times):
        if time:
            call = rows.call(index)
            cells = call.texts() | {"method": call.method.removeprefix("deployments.")}
            yield _csv_line(cells.get(column, "") for column in columns)


def _csv_line(cells: Iterable[str]) -> str:
    buffer = StringIO(newline="")
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()


def _milliseconds(body: dict[str, Any]) -> int:
    """Return the `deployed_at` of a request. It is never 0, which means that there is none."""
    if "deployed_at" not in body:
        return 0
    return (datetime.fromisoformat(body["deployed_at"]) - _EPOCH) // timedelta(milliseconds=1) or 1

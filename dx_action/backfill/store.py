"""Owns a backfill's checked rows: each one's request lies in a file without a name, and of each an index is held and no more.

What was checked is what is sent, whatever becomes of the file that the rows came from.
"""

import json
import os
import weakref
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryFile
from threading import Lock
from typing import IO

from dx_action.deployment.calls import Call, Method
from dx_action.deployment.pull_services import PullServices
from dx_action.errors import BadEvent

_METHODS: tuple[Method, ...] = ("deployments.create", "deployments.upsert", "deployments.setPullServices")
_NO_ENVIRONMENT = "production"  # what DX takes none for, so that these go one after the other


class Rows:
    """Rows that were all checked before, each known by its index. Their file is gone once they are. Raises BadEvent."""

    def __init__(self) -> None:
        self._file = _unnamed_file()
        weakref.finalize(self, self._file.close)
        self._lock = Lock()  # several threads may ask at once
        self._written = self._flushed = 0
        self._offsets, self._lengths, self._lines = array("Q"), array("I"), array("I")
        self._methods = array("B")
        self._times, self._keys = array("q"), array("I")
        self._names: list[tuple[str, str, str]] = []
        self._numbers: dict[tuple[str, str, str], int] = {}

    def add(self, call: Call, line: int, time: int, name: tuple[str, str, str]) -> None:
        """Add a row. `time` is in ms, `name` is (repository, service, environment)."""
        repository, service, environment = name
        folded = (repository.casefold(), service, environment or _NO_ENVIRONMENT)
        number = self._numbers.setdefault(folded, len(self._names))
        if number == len(self._names):
            self._names.append(name)
        self._offsets.append(self._put(call.body))
        self._lengths.append(len(call.body))
        self._lines.append(line)
        self._methods.append(_METHODS.index(call.method))
        self._times.append(time)
        self._keys.append(number)

    def replace(self, index: int, call: Call, line: int, time: int) -> None:
        """Put another row of the same method and name in the place of one."""
        self._offsets[index], self._lengths[index] = self._put(call.body), len(call.body)
        self._lines[index], self._times[index] = line, time

    def _put(self, body: bytes) -> int:
        with _room():
            self._file.write(body)
        self._written += len(body)
        return self._written - len(body)

    def __len__(self) -> int:
        return len(self._offsets)

    def call(self, index: int) -> Call:
        """Read the row again: the bytes of its body are the same each time. Several threads may ask at once."""
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
        """The row's line in its file, from 1 on, for messages."""
        return self._lines[index]

    @property
    def upserts(self) -> bool:
        """Whether some are not to be created but updated."""
        return _METHODS.index("deployments.upsert") in self._methods

    @property
    def times(self) -> Sequence[int]:
        """`deployed_at` in ms since the epoch, by index; 0 for a call of setPullServices, which goes before all others."""
        return self._times

    @property
    def keys(self) -> Sequence[int]:
        """The number of the row's (repository, service, environment), by index; a pull request has one of its own."""
        return self._keys

    @property
    def names(self) -> list[tuple[str, str, str]]:
        """(repository, service, environment) by that number."""
        return self._names


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError:
        raise BadEvent.of("TMPDIR", "names a folder in which there is no room for the rows.") from None


def _unnamed_file() -> IO[bytes]:
    try:
        return TemporaryFile()
    except OSError:
        raise BadEvent.of("TMPDIR", "names no folder in which a temporary file can be written.") from None

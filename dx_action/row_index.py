"""Owns the index of a file's rows: where each begins, when and of what it is. The row itself is read again when it is asked for."""

import os
import weakref
from array import array
from collections.abc import Callable, Sequence

from dx_action.calls import Call
from dx_action.errors import BadInput, Wrong
from dx_action.rows import BadRow


class RowIndex:
    """Rows of an open file; see `rows.Rows`. `read` makes a call of a row's bytes. The file stays open as long as this lives.

    `upserts`: some are not to be created but updated.
    """

    def __init__(self, file: int, read: Callable[[bytes], Call]) -> None:
        self._file = os.dup(file)
        weakref.finalize(self, os.close, self._file)
        self._read = read
        self._offsets, self._lengths, self._lines = array("Q"), array("I"), array("I")
        self._times, self._keys = array("q"), array("I")
        self._names: list[tuple[str, str, str]] = []
        self._numbers: dict[tuple[str, str, str], int] = {}
        self.upserts = False

    def add(
        self, offset: int, length: int, line: int, time: int, name: tuple[str, str, str], *, upsert: bool = False
    ) -> None:
        """Add a row. `time` is in ms, `name` is (repository, service, environment)."""
        self.upserts = self.upserts or upsert
        folded = (name[0].casefold(), *name[1:])
        number = self._numbers.setdefault(folded, len(self._names))
        if number == len(self._names):
            self._names.append(name)
        self._offsets.append(offset)
        self._lengths.append(length)
        self._lines.append(line)
        self._times.append(time)
        self._keys.append(number)

    def __len__(self) -> int:
        return len(self._offsets)

    def call(self, index: int) -> Call:
        """See Rows. Raises BadInput where somebody wrote to the file meanwhile."""
        try:
            return self._read(os.pread(self._file, self._lengths[index], self._offsets[index]))
        except (BadRow, Wrong, ValueError, LookupError):
            raise BadInput.of("backfill-file", f"was changed at line {self.line(index)} while it was read.") from None

    def line(self, index: int) -> int:
        """See Rows."""
        return self._lines[index]

    @property
    def times(self) -> Sequence[int]:
        """See Rows."""
        return self._times

    @property
    def keys(self) -> Sequence[int]:
        """See Rows."""
        return self._keys

    @property
    def names(self) -> Sequence[tuple[str, str, str]]:
        """See Rows."""
        return self._names

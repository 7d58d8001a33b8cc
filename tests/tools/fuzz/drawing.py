"""What the targets share: values drawn from bytes, good JSON with other leaves, and what holds for every sentence."""

import copy
import json
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple, TypeVar

from dx_action.errors import ActionError, InvalidValue

T = TypeVar("T")
NOW = datetime(2025, 3, 4, 12, tzinfo=UTC)
MARK = "s3cr3t"
TOKEN = "tok_Zq9w41ltR8v5Jx"
# What a terminal, the runner or a reader takes for something else than a character.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_LONGEST = 20_000
_JUNK: tuple[Any, ...] = (
    *(None, 0, -1, 1, 10**30, 1.5, float("nan"), True, False, "", " ", [], {}, [None], [[]], {"a": {}}),
    *("\ud800", "::error::x", "\n::error::x", "##[error]x", "\u202e", "\x00", "a\r\nb", "`", "|", "0" * 40, "a" * 40),
    *("2025-03-04T12:00:00Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "https://[", "x" * 5000),
)


class Target(NamedTuple):
    """A reader of foreign bytes, which raises what it refuses and AssertionError if a property does not hold."""

    read: Callable[[bytes], object]
    seeds: tuple[bytes, ...]


class Draw:
    """Choices drawn from bytes. Once these have run out, each choice is the first."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def left(self) -> bool:
        return self._at < len(self._data)

    def take(self, length: int) -> bytes:
        self._at += length
        return self._data[self._at - length : self._at]

    def number(self, most: int) -> int:
        """Return a number from 0 to `most`."""
        return int.from_bytes(self.take(1 if most < 256 else 2)) % (most + 1)

    def pick(self, items: Sequence[T]) -> T:
        return items[self.number(len(items) - 1)]

    def text(self, most: int = 255) -> str:
        """Return a text of at most so many bytes. Bytes that are not UTF-8 are lone surrogates, as in a variable."""
        return self.take(self.number(most)).decode(errors="surrogateescape")

    def variable(self, most: int = 255) -> str:
        return self.text(most).replace("\0", "")

    def junk(self) -> Any:
        return copy.deepcopy(self.pick(_JUNK))

    def altered(self, value: Any, most: int = 3) -> Any:
        """Return a copy of the JSON value in which up to so many places are gone or hold something else."""
        count = self.number(most)
        value = copy.deepcopy(value) if count else value
        for _ in range(count):
            ways = list(places(value))
            if not ways:
                return self.junk()
            *parents, last = ways[self.number(min(len(ways), 65_535) - 1)]
            place = value
            for parent in parents:
                place = place[parent]
            match self.number(4):
                case 0:
                    place[last] = self.junk()
                case 1:
                    place[last] = self.text()
                case 2:
                    del place[last]
                case 3:
                    place[last] = [place[last]] * self.number(3)
                case 4 if isinstance(place, list):
                    place.insert(last, copy.deepcopy(place[last]))
        return value


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each value inside."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, key)
        yield from places(inner, (*path, key))


def plain(text: str) -> str:
    """Return a text that is one bounded line, commands nothing and hides nothing."""
    assert not _CONTROL.search(text), f"a control character: {text[:500]!r}"
    assert not text.lstrip().startswith("::"), f"a command: {text[:500]!r}"
    assert "##[" not in text, f"a command: {text[:500]!r}"
    assert len(text) <= _LONGEST, f"{len(text)} characters"
    return text


def refusals(read: Callable[[], object]) -> list[str]:
    """Read, and return what it says if it refuses."""
    try:
        read()
    except ActionError as error:
        return [str(problem) for problem in error.problems]
    except InvalidValue as error:
        return [str(error)]
    return []


def attempt(read: Callable[[], object]) -> None:
    """Read. What it refuses is plain."""
    for said in refusals(read):
        plain(said)


def unquoted(read: Callable[[str], object], text: str) -> None:
    """Read the text, and the same around a mark, which no refusal shows."""
    for value in (text, f"{MARK}{text}", f"{text}{MARK}"):
        for said in refusals(partial(read, value)):
            assert MARK not in plain(said)
            assert said.endswith(".")


def same(one: Any, other: Any) -> bool:
    """Return whether two JSON values are the same, true and 1 apart."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)

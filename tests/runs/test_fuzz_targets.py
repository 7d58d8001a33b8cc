"""The targets of `make fuzz`, without its engine: each holds for its seeds, and for every input that was found to break it."""

from pathlib import Path

import pytest

import fuzz
from drawing import TOKEN, attempt

TARGETS = fuzz.targets()
SEEDS = [(name, seed) for name, target in TARGETS.items() for seed in target.seeds]
_BACKSLASHES = (
    b"\xf7\xf7\xf7\xe7\xf7\xf7\xe7\x03\xf7\x0b\xf7\xf7\xf7\xf7\xf7\xf7\xf7\xf7\xf7\x0b\xf7\xf7\xf7\xf7\xf7\xf7\xf7\xf7\xf7\xf7I\xf7"
    b"\xf7\x0b\xf7\xf7I\xf7\xf7\xff\xff\xff\xff\x0b\xf7\xf7\xf7\xf7\xd4\xf7I\xf7\xf7I\xf7\x0b=======\xf7w\xf7\xf7\x0b\xf7\xf7\xf7"
)
FOUND: list[tuple[str, bytes]] = [
    # A title was written with the run's secrets in it.
    ("log", b"\3\0" + bytes([len(TOKEN)]) + TOKEN.encode() + b"\1a"),
    # What was left of a token of backslashes, decoded, was a token by itself: each lone backslash.
    ("hidden", _BACKSLASHES),
    # A name took away more than the one before it had.
    ("index", b"\2\1a"),
    # A message that was wrapped had a line that looks like a command.
    ("console", b"\1\xf6\xff\xff\0W\xff\xff::r31\xed|ja\r\nb -"),
    # No variable can have such a name, and the start ended in a traceback.
    ("handed", b'\0{"a=b": "c"}'),
    ("handed", b'\0{"\\ud800": "c"}'),
    ("handed", b"\0" + b"[" * 3000),
    # Half of a character, which JSON may escape, came as far as a request.
    ("lookups", b"\0\x0c\1\1\x10\0\x10"),
    # What is no address of a server ended a run as an unexpected error.
    ("address", b"\0\0\x0bhttp://[::1"),
    ("address", b"\0\0\x07acme:x/"),
    ("address", b"\0\0\x0ehttp://a:99999"),
    ("address", b"\0\0\x0bhttps://a:b"),
]


@pytest.mark.parametrize(("name", "data"), SEEDS + FOUND)
def test_a_target_holds(name: str, data: bytes) -> None:
    attempt(lambda: TARGETS[name].read(data))


def test_every_target_has_seeds_and_every_module_is_listed() -> None:
    assert not [name for name, target in TARGETS.items() if not target.seeds]
    assert sorted(file.stem for file in Path(fuzz.__file__).parent.glob("of_*.py")) == sorted(fuzz.MODULES)

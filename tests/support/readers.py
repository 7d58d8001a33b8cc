"""How readers of text are tried: each reads a text or says what is wrong with it, in a sentence that does not quote it."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st

from dx_action.errors import InvalidValue

few = settings(max_examples=100, deadline=None)
many = settings(max_examples=150, deadline=None)
PIECES = (
    *"{}[]:,-?!&*#|>%@`\"'\\/=.~ \n\r\t\x00\x85\u2028\ud800",
    *(
        "a: ",
        "- ",
        "https://",
        "http://",
        "127.0.0.1",
        "[::1]",
        ":80",
        "..",
        ".git",
        "a",
        "true",
        "null",
        "NaN",
        "1e999",
    ),
    *(
        "2025-01-01",
        "T12:05:00",
        "Z",
        "+99:99",
        "0000-00-00",
        "1" * 13,
        "9" * 400,
        "8" * 5000,
        "\\U",
        "FFFFFFFF",
        "\\ud800",
    ),
    *("!!str ", "&x ", "*x", "<<", "|2", "---", "%YAML 1.", '{"a":', "[" * 150),
)
ANY_TEXT = st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=8).map("".join))


def shown(value: object) -> str:
    return repr(value)[:50]


def wrong(read: Callable[[Any], object], value: Any) -> str:
    with pytest.raises(InvalidValue) as caught:
        read(value)
    return str(caught.value)


def refusal(read: Callable[[str], object], text: str) -> str:
    try:
        read(text)
    except InvalidValue as error:
        return str(error)
    return "Fine."


def reads_or_refuses(read: Callable[[str], object], text: str) -> None:
    """The text, and the same around a secret, are read, or refused in a sentence without it."""
    for value in (text, f"s3cr3t{text}", f"{text}s3cr3t"):
        said = refusal(read, value)
        assert "s3cr3t" not in said
        assert said.endswith(".")

"""Owns how an input holds a list: a JSON array, else one item a line, else commas."""

import json
import re
from collections.abc import Iterable

from dx_action.errors import InvalidValue

# What is left of a list of YAML's, or of a list of commas over several lines. A name of that form goes into a JSON array.
_SLIP = re.compile(r"^-(\s|$)|,$")


def items(text: str) -> tuple[object, ...]:
    """Read a list. The items of a JSON array are any JSON values, all others are trimmed, non-blank texts.

    Raises InvalidValue for a broken or an empty list.
    """
    text = text.strip()
    if text.startswith("["):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            raise InvalidValue(
                'starts like a JSON array and is none. Write ["one", "two"], or one item a line.'
            ) from None
    elif text.startswith("{"):
        raise InvalidValue('is a list in braces. Write a JSON array, ["one", "two"], or one item a line.')
    else:
        parts = text.splitlines() if "\n" in text or "\r" in text else text.split(",")
        found = [part.strip() for part in parts if part.strip()]
        if any(_SLIP.search(part) for part in found):
            raise InvalidValue(
                "has an item that begins with `- ` or ends in a comma. "
                'Write one item a line and nothing else, or a JSON array, ["one", "two"].'
            )
    if not found:
        raise InvalidValue("is an empty list. Leave it out, or name at least one item.")
    return tuple(found)


def texts(text: str) -> tuple[str, ...]:
    """Read a list of texts, each once, in the order written. Raises InvalidValue."""
    return unique(text_item(item) for item in items(text))


def text_item(item: object) -> str:
    """Give the item as a trimmed text. Raises InvalidValue where it is anything else."""
    if not isinstance(item, str) or not item.strip():
        raise InvalidValue('has an item that is not text. Write a JSON array of texts, ["one", "two"].')
    return item.strip()


def unique(found: Iterable[str]) -> tuple[str, ...]:
    """Give each text once, in the order of its first place."""
    return tuple(dict.fromkeys(found))

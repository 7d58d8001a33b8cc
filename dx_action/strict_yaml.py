"""Owns YAML as this action reads it: JSON's types only, nothing expanded, nothing guessed.

A plain scalar is `true`, `false`, `null` or a number only where it reads back exactly as written; all else is text, so that
`1.10`, `0123456` and `2025-01-01` stay what they are. PyYAML parses; its resolvers and constructors are not used.
"""

import math
from collections.abc import Iterator
from typing import Any

import yaml

from dx_action.errors import InvalidValue

Where = tuple[str | int, ...]
_DEEPEST = 100
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "": None}


def read_yaml(text: str) -> Any:
    """Read one document. Raises InvalidValue, with the line, for YAML that is broken, uses aliases or tags, or repeats a key."""
    return read_with_lines(text)[0]


def read_with_lines(text: str) -> tuple[Any, dict[Where, int]]:
    """Read one document as `read_yaml` does, and tell on which line each key and item is: `("a", 0)` is the first item of `a`."""
    for event in yaml_events(text):
        if isinstance(event, yaml.AliasEvent):
            raise InvalidValue(f"uses an alias{_line(event.start_mark)}. Write the value out.")
        if getattr(event, "tag", None) is not None:
            raise InvalidValue(f"uses a tag{_line(event.start_mark)}. Quote the value where it is to be text.")
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise InvalidValue(f"is not YAML that can be read{_line(error.problem_mark)}.") from None
    lines: dict[Where, int] = {}
    return None if node is None else _value(node, (), lines), lines


def yaml_events(text: str) -> Iterator[yaml.Event]:
    """Give the events of every document. Raises InvalidValue, with the line, for what is broken or would take PyYAML ages."""
    depth = 0
    for event in _events(text):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise InvalidValue(f"is nested too deeply{_line(event.start_mark)}.")
        yield event


def _events(text: str) -> Iterator[yaml.Event]:
    loader: yaml.SafeLoader | None = None
    try:
        loader = yaml.SafeLoader(text)
        while loader.check_event():
            yield loader.get_event()  # type: ignore[no-untyped-call]
    except yaml.MarkedYAMLError as error:
        raise InvalidValue(f"is not YAML that can be read{_line(error.problem_mark)}.") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # PyYAML lets out what becomes of an escape that is no character, and of a version with thousands of digits.
        before = text.count("\n", 0, getattr(error, "position", 0)) if loader is None else loader.line
        raise InvalidValue(f"is not YAML that can be read (line {before + 1}).") from None


def _value(node: yaml.Node, where: Where, lines: dict[Where, int]) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    if isinstance(node, yaml.SequenceNode):
        lines.update(((*where, number), item.start_mark.line + 1) for number, item in enumerate(node.value))
        return [_value(item, (*where, number), lines) for number, item in enumerate(node.value)]
    found: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise InvalidValue(f"has a key that is not text{_line(key.start_mark)}.")
        if key.value in found:
            raise InvalidValue(f"has the same key twice{_line(key.start_mark)}.")
        lines[*where, key.value] = key.start_mark.line + 1
        found[key.value] = _value(value, (*where, key.value), lines)
    return found


def _scalar(node: yaml.ScalarNode) -> str | float | bool | None:
    text: str = node.value
    if node.style is not None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    for read in (int, float):
        try:
            number: int | float = read(text)
        except ValueError:
            continue
        if (isinstance(number, int) or math.isfinite(number)) and str(number) == text:
            return number
    return text


def _line(mark: Any) -> str:
    return "" if mark is None else f" (line {mark.line + 1})"

"""Owns YAML as this action reads it: JSON's types only, nothing expanded, nothing guessed.

A plain scalar is `true`, `false`, `null` or a number only where it reads back exactly as written; all else is text, so that
`1.10`, `0123456` and `2025-01-01` stay what they are. PyYAML parses; its resolvers and constructors are not used.
"""

import math
from typing import Any

import yaml

from dx_action.errors import Wrong

_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "": None}


def read_yaml(text: str) -> Any:
    """Read one document. Raises Wrong, with the line, for YAML that is broken, uses aliases or tags, or repeats a key."""
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise Wrong(f"uses an alias{_line(event.start_mark)}. Write the value out.")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise Wrong(f"is not YAML that can be read{_line(error.problem_mark)}.") from None
    except (yaml.YAMLError, RecursionError):
        raise Wrong("is not YAML that can be read.") from None
    try:
        return None if node is None else _value(node)
    except RecursionError:
        raise Wrong("is nested too deeply.") from None


def _value(node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item) for item in node.value]
    if not isinstance(node, yaml.MappingNode):
        raise Wrong(f"holds something that is neither text, list nor mapping{_line(node.start_mark)}.")
    found: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise Wrong(f"has a key that is not text{_line(key.start_mark)}.")
        if key.value in found:
            raise Wrong(f"has the same key twice{_line(key.start_mark)}.")
        found[key.value] = _value(value)
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
        if math.isfinite(number) and str(number) == text:
            return number
    return text


def _line(mark: Any) -> str:
    return "" if mark is None else f" (line {mark.line + 1})"

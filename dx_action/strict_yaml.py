"""YAML with JSON's types only: nothing is expanded, nothing is guessed. Pure.

A plain scalar is `true`, `false`, `null` or a number only if it reads back exactly as written. Everything else is text, so that
`1.10`, `0123456` and `2025-01-01` stay what they are. PyYAML parses and composes; its resolvers and constructors are not used.
"""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from dx_action.errors import InvalidValue
from dx_action.text import DEEPEST

Where = tuple[str | int, ...]
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "": None}


# PyYAML's context and problem → what is wrong, and what to do. Its own words quote the text, and are never shown.
_QUOTE = "If it belongs to a value, put the value in quotes."
_CAUSES = {
    r"character '\\t'": "A tab is where YAML allows only spaces. Indent with spaces.",
    r"found character": "A value begins with a character that YAML reserves. Put the value in quotes.",
    r"scanning a quoted": "A quote is opened and not closed, or a value has a quote inside. Check the quotes.",
    r"escape": "A backslash in double quotes begins no escape that YAML has. Use single quotes.",
    r"scanning an (?:alias|anchor)": "A key or a value begins with `*` or `&`. Put it in quotes.",
    r"(?:scanning|parsing) a tag": "A key or a value begins with `!`. Put it in quotes.",
    r"parsing a flow|expected the node": f"A bracket, a brace or a comma is missing, or there is one too many. {_QUOTE}",
    r"but found '[]}]'": f"A bracket or a brace is closed that was not opened. {_QUOTE}",
    r"but found '<scalar>'": "Text follows a value that is complete, such as one in quotes. Put the whole value in quotes.",
    r"<block end>|<document start>": "The line is not indented as the lines that it belongs to. Correct its indentation.",
    r"expected ':'": "The line is no `key: value`. Write a colon with a space after it.",
    r"are not allowed": "A list or a key begins in the middle of a line. Begin it on a new line, or put the value in quotes.",
    r"block scalar": "Text follows `|` or `>`. Begin the value on the next line, or put it in quotes.",
    r"another document": "There are several documents. Keep one, without `---`.",
    r"directive|version": "A line begins with `%`. Remove it, or put the value in quotes.",
    r"": "A control character is in the text. Remove it.",
}
_TWO_COLONS = "A value has a colon with a space after it. Put the value in quotes."
_ONE_COLON = (
    "The line before is no `key: value`, or this one is indented too far. Correct it, or put the value in quotes."
)


class AliasNode(yaml.Node):
    """An alias, which is never replaced by what it stands for."""


def read_yaml(text: str) -> tuple[Any, dict[Where, int]]:
    """Return one document, and the line of each key and item: `("a", 0)` is the first item of `a`.

    Raises InvalidValue, with the line, for YAML that is broken, uses aliases or tags, or repeats a key.
    """
    with _loading(text) as loader:
        node = loader.get_single_node()
    lines: dict[Where, int] = {}
    return None if node is None else _value(node, (), lines), lines


def documents(text: str) -> Iterator[yaml.Node]:
    """Yield every document; a node's tag is empty unless written. Raises InvalidValue, with the line, for YAML that is broken."""
    with _loading(text) as loader:
        while loader.check_node():
            document: Any = loader.get_node()
            yield document


class _Loader(yaml.SafeLoader):
    """PyYAML's loader, except that aliases stay aliases and nesting is bounded, as PyYAML takes ages for what is nested deeply."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> Any:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            event = self.get_event()  # type: ignore[no-untyped-call]
            return AliasNode("", event.anchor, event.start_mark, event.end_mark)
        nested = isinstance(event, yaml.CollectionStartEvent)
        if nested and self.depth == DEEPEST:
            raise InvalidValue.at(line_of(event), "is nested too deeply", f"Write at most {DEEPEST} levels.")
        self.depth += nested
        self.anchors = {}  # nothing looks one up
        node: Any = super().compose_node(parent, index)
        self.depth -= nested
        node.tag = event.tag or ""
        return node


@contextmanager
def _loading(text: str) -> Iterator[_Loader]:
    """Yield a loader of the text. If the text is not YAML, raises InvalidValue, with the line."""
    loader: _Loader | None = None
    try:
        loader = _Loader(text)
        yield loader
    except InvalidValue:
        raise
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # PyYAML does not catch what an escape that is no character raises, nor a version with thousands of digits.
        failed: Any = getattr(error, "problem_mark", loader)
        line = text.count("\n", 0, getattr(error, "position", 0)) if failed is None else failed.line
        raise InvalidValue.at(line + 1, "is not valid YAML", _cause(error, failed)) from None


def _cause(error: Exception, place: Any) -> str:
    """Return what is wrong, and what to do."""
    if not isinstance(error, yaml.YAMLError):
        return "An escape in double quotes is no character. Use single quotes."
    said = f"{getattr(error, 'context', '')} {getattr(error, 'problem', '')}"
    if "mapping values" in said:
        return _TWO_COLONS if ": " in place.buffer[place.pointer - place.column : place.pointer] else _ONE_COLON
    return next(sentence for pattern, sentence in _CAUSES.items() if re.search(pattern, said))


def line_of(node: yaml.Node | yaml.Event) -> int:
    mark: Any = node.start_mark
    return int(mark.line) + 1


def _value(node: yaml.Node, where: Where, lines: dict[Where, int]) -> Any:
    _check(node)
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    if isinstance(node, yaml.SequenceNode):
        lines.update(((*where, number), line_of(item)) for number, item in enumerate(node.value))
        return [_value(item, (*where, number), lines) for number, item in enumerate(node.value)]
    found: dict[str, Any] = {}
    for key, value in node.value:
        _check(key)
        if not isinstance(key, yaml.ScalarNode):
            raise InvalidValue.at(
                line_of(key), "has a key that is not text", "If braces or brackets belong to a value, put it in quotes."
            )
        if key.value in found:
            raise InvalidValue.at(line_of(key), "has the same key twice", "Keep one of them.")
        lines[*where, key.value] = line_of(key)
        found[key.value] = _value(value, (*where, key.value), lines)
    return found


def _check(node: yaml.Node) -> None:
    if isinstance(node, AliasNode):
        raise InvalidValue.at(line_of(node), "uses an alias", "Write the value out, or put it in quotes if it is text.")
    if node.tag:
        raise InvalidValue.at(line_of(node), "uses a tag", "If the value is text, put it in quotes.")


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

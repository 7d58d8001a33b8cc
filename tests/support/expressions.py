"""GitHub's expressions, as far as the examples use them: names, texts, comparisons, `!`, `&&`, `||` and a few functions.

The rules are those of GitHub's page on expressions: texts are compared in any case, and `&&` and `||` return a side of theirs.
"""

import json
import re
from collections.abc import Callable
from typing import Any

_TOKENS = re.compile(r"\s*(?:('(?:[^']|'')*')|([A-Za-z_][\w.-]*)|(==|!=|&&|\|\||[!(),]))")
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "always": lambda: True,
    "contains": lambda where, what: any(_same(each, what) for each in where),
    "fromJSON": json.loads,
    "toJSON": lambda value: json.dumps(value, indent=2),
    "startsWith": lambda text, start: str(text or "").casefold().startswith(start.casefold()),
}


def evaluate(text: str, value: Callable[[str], Any]) -> Any:
    """Return what an expression comes to; `value` returns that of a name. Raises ValueError for syntax that is not known here."""
    tokens: list[tuple[str, str, str]] = []
    place = 0
    while place < len(text.rstrip()):
        found = _TOKENS.match(text, place)
        if not found:
            raise ValueError(text[place:])
        tokens.append((found[1] or "", found[2] or "", found[3] or ""))
        place = found.end()
    parser = _Parser(tokens, value)
    result = parser.either()
    if tokens:
        raise ValueError(tokens)
    return result


def filled(text: str, value: Callable[[str], Any]) -> str:
    """Put the values of all `${{ … }}` into a text."""
    return re.sub(r"\$\{\{(.+?)\}\}", lambda found: shown(evaluate(found[1], value)), text, flags=re.DOTALL)


def shown(value: Any) -> str:
    """Return a value as GitHub writes it into a text."""
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _same(one: Any, other: Any) -> bool:
    return shown(one).casefold() == shown(other).casefold()


class _Parser:
    """Takes tokens from the front. Both sides are always evaluated, which no example can notice."""

    def __init__(self, tokens: list[tuple[str, str, str]], value: Callable[[str], Any]) -> None:
        self._tokens, self._value = tokens, value

    def either(self) -> Any:
        result = self._both()
        while self._take("||"):
            other = self._both()
            result = result or other
        return result

    def _both(self) -> Any:
        result = self._compared()
        while self._take("&&"):
            other = self._compared()
            result = result and other
        return result

    def _compared(self) -> Any:
        result = self._single()
        for sign, wanted in (("==", True), ("!=", False)):
            if self._take(sign):
                return _same(result, self._single()) is wanted
        return result

    def _single(self) -> Any:
        if self._take("!"):
            return not self._single()
        if self._take("("):
            result = self.either()
            self._expect(")")
            return result
        quoted, name, sign = self._tokens.pop(0) if self._tokens else ("", "", "the end")
        if sign:
            raise ValueError(sign)
        if quoted:
            return quoted[1:-1].replace("''", "'")
        return _FUNCTIONS[name](*self._arguments()) if self._take("(") else self._value(name)

    def _arguments(self) -> list[Any]:
        found: list[Any] = []
        while not self._take(")"):
            if found:
                self._expect(",")
            found.append(self.either())
        return found

    def _take(self, sign: str) -> bool:
        if self._tokens and self._tokens[0][2] == sign:
            self._tokens.pop(0)
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise ValueError(f"{sign} is missing")

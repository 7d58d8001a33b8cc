"""Foreign text made safe for the log and the summary, or read as JSON; and small forms of words. Pure.

The runner reads commands from the log: `::name` at the start of a line, and the legacy form with two hashes and a bracket anywhere
in one. A lone carriage return ends a line too. GitHub renders Markdown and HTML in the summary.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

# How deep JSON and YAML may be nested.
DEEPEST = 100
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": " "}
_MARKUP = re.compile(r"[&<>\"'`|@\[\]()*_~#!\\$:{}^]")
_QUOTED = re.compile(r"&#96;(?! )((?:[a-zA-Z0-9 ./,-]|&#58;|&#95;){1,80})(?<! )&#96;")
_JSON_NESTING = r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{]|[\]}]'


class TooDeepError(ValueError):
    """JSON that is nested too deeply."""


def parse_json(text: str | bytes, *, deepest: int = DEEPEST, **hooks: Any) -> Any:
    """Return the JSON value; `hooks` are those of `json.loads`. Raises TooDeepError, and ValueError for what is not JSON.

    How deep the parser itself can go differs between versions of Python, and with some it crashes. It never sees such text.
    """
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text), "surrogatepass")
    if text.count("[") + text.count("{") > deepest:
        depth = 0
        for token in re.finditer(_JSON_NESTING, text, re.DOTALL):
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
            if depth > deepest:
                raise TooDeepError
    return json.loads(text, **hooks)


def one_line(text: str) -> str:
    """Return the text as one line without commands to the runner and without invisible characters."""
    line = _UNSEEN.sub(lambda found: _NAMED.get(found[0]) or f"\\u{ord(found[0]):04x}", text)
    line = line.replace("##[", "# #[")
    return f". {line}" if line.lstrip().startswith("::") else line


def truncate(text: str, longest: int = 500) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def join_names(names: Sequence[str], most: int = 10) -> str:
    """Return the first of the names, each truncated, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(truncate(name, 80) for name in names[:most]) + more


def markdown(text: str) -> str:
    """Return a sentence of our own, which may contain foreign words, for a summary: only plain words in backticks become code."""
    return _QUOTED.sub(r"<code>\1</code>", escaped(text))


def code(text: str) -> str:
    """Return the text as code for a summary or a table cell: every character that Markdown or HTML reads is an entity."""
    return f"<code>{escaped(text)}</code>"


def escaped(text: str) -> str:
    """Return the text as plain words for a summary, or as an attribute of a tag there."""
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", one_line(text))


def plural(count: int, one: str, many: str = "") -> str:
    """Return the count with its noun: `1 row`, `2,000 rows`; `many` is an irregular plural."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"

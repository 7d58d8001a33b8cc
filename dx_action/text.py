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
_MARKUP = re.compile(r"[&<>\"'`|@\[\]()*_~#!\\$^]")
_QUOTED = re.compile(r"`((?:[\w-]+: )?[\w./,:=@#-]{1,200}|(?! )[\w ./,:=-]{1,80}(?<! ))`", re.ASCII)
# An element of no width. GitHub looks for links in each piece of text between elements, and what is copied is unchanged.
_BREAK = "<span></span>"
# What begins a link anywhere, and what only outside of `code`: an issue, a commit, an emoji.
_LINKS = r"@|:(?=//)|www(?=\.)"
_REFERENCES = r"#(?=\d)|\bgh-(?=\d)|[0-9a-f]{6}(?=[0-9a-f])|:(?!\d+:)(?=[\w+-]++:)|:(?=(?:100|1234):)"
_IN_CODE = re.compile(_LINKS, re.IGNORECASE)
_IN_PROSE = re.compile(f"{_LINKS}|{_REFERENCES}", re.IGNORECASE)
# What begins a block at the start of a line, and is no markup elsewhere.
_AT_START = re.compile(r"\A(?:[-+= ]|\d+(?=[.)]))")
_QUOTES = ('""', "''", "``", "“”", "\u2018\u2019")
# What languages print for no value, and an expression for no result. `none` is a word of several inputs.
_NOTHING = ("null", "undefined", "nil", "nan", "false", "[object object]", "<no value>")
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


def slip(text: str) -> tuple[str, str] | None:
    """Return what makes a name one that nobody can have meant, and what to do; None for any other name."""
    if len(text) > 1 and text[0] + text[-1] in _QUOTES:
        return "has quotes around it, which would be part of the name", "Remove them."
    if "${{" in text or ("{{" in text and "}}" in text):
        return "has an expression that was not evaluated", "Check how the value gets there, or write the name itself."
    if text.startswith("$") and re.fullmatch(r"\$\w+|\$\{\w+\}", text, re.ASCII):
        return "is a shell variable, which a workflow does not expand", "Write ${{ env.NAME }}, or the name itself."
    if text.lower() in _NOTHING or text == "None":
        return "is what an expression without a value leaves behind", "Check the expression that it comes from."
    return None


def one_line(text: str) -> str:
    """Return the text as one line without commands to the runner and without invisible characters."""
    line = _UNSEEN.sub(lambda found: _NAMED.get(found[0]) or f"\\u{ord(found[0]):04x}", text)
    line = line.replace("##[", "# #[")
    return f". {line}" if line.lstrip().startswith("::") else line


def quoted(text: str) -> str:
    """Return words of others as one line, in quotation marks that do not end within them."""
    inner = one_line(text).replace("”", '"')
    return f"“{inner}”"


def truncate(text: str, longest: int = 500) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def join_names(names: Sequence[str], most: int = 10) -> str:
    """Return the first of the names, each truncated, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(truncate(one_line(name), 80) for name in names[:most]) + more


def markdown(text: str) -> str:
    """Return a sentence of our own, which may contain foreign words, for a summary: only plain words in backticks become code."""
    parts = _QUOTED.split(one_line(text))
    return _no_block("".join(_code(part) if index % 2 else _prose(part) for index, part in enumerate(parts)))


def code(text: str) -> str:
    """Return the text as code for a summary or a table cell."""
    return _code(one_line(text))


def escaped(text: str) -> str:
    """Return the text as plain words for a summary, in which neither Markdown nor HTML nor GitHub finds anything."""
    return _no_block(_prose(one_line(text)))


def attribute(text: str) -> str:
    """Return the text as the value of an HTML element's attribute."""
    return _entities(one_line(text))


def json_line(text: str) -> str:
    """Return a JSON text without line breaks such that `one_line` leaves it as it is, and with the same meaning."""

    def escape(found: re.Match[str]) -> str:
        units = found[0].encode("utf-16-be", "surrogatepass").hex()
        return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))

    return _UNSEEN.sub(escape, text).replace("##[", "#\\u0023[")


def _no_block(line: str) -> str:
    return _AT_START.sub(lambda found: "".join(map(_entity, found[0])), line)


def _code(line: str) -> str:
    return f"<code>{_inert(line, _IN_CODE)}</code>"


def _prose(line: str) -> str:
    # GitHub's documentation has a dollar sign that begins no formula in an element of its own.
    return _inert(line, _IN_PROSE).replace("&#36;", "<span>&#36;</span>")


def _inert(line: str, active: re.Pattern[str]) -> str:
    # A line has no NUL.
    return _entities(active.sub("\\g<0>\0", line)).replace("\0", _BREAK)


def _entities(text: str) -> str:
    return _MARKUP.sub(lambda found: _entity(found[0]), text)


def _entity(character: str) -> str:
    return f"&#{ord(character)};"


def plural(count: int, one: str, many: str = "") -> str:
    """Return the count with its noun: `1 row`, `2,000 rows`; `many` is an irregular plural."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"

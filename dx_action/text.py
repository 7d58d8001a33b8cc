"""Owns the making inert of text that others wrote, for the log, a single line, and the summary. Pure.

The runner reads commands from the log: `::name` at the start of a line, and the legacy form with two hashes and a bracket anywhere
in one. It ends a line at a lone carriage return, too. GitHub renders Markdown and HTML in the summary.
"""

import re
from collections.abc import Sequence

LONGEST = 500
MOST_NAMES = 10
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": " "}
_MARKUP = re.compile(r"[&<>\"'`|@\[\]()*_~#!\\$:{}^]")
_QUOTED = re.compile(r"&#96;(?! )((?:[a-zA-Z0-9 ./,-]|&#58;|&#95;){1,80})(?<! )&#96;")


def one_line(text: str) -> str:
    """Give the text as one line in which nothing commands the runner and nothing is hidden."""
    line = _UNSEEN.sub(lambda found: _NAMED.get(found[0]) or f"\\u{ord(found[0]):04x}", text)
    line = line.replace("##[", "# #[")
    return f". {line}" if line.lstrip().startswith("::") else line


def truncate(text: str, longest: int = LONGEST) -> str:
    """Cut the text where it is longer than a reader wants."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def join_names(names: Sequence[str], most: int = MOST_NAMES) -> str:
    """Give the first of the names, each cut, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(truncate(name, 80) for name in names[:most]) + more


def markdown(text: str) -> str:
    """Give a sentence of our own, which may hold foreign words, for a summary: only plain words in backticks become code."""
    return _QUOTED.sub(r"<code>\1</code>", escaped(text))


def code(text: str) -> str:
    """Give the text as code in a summary or a table's cell: every character that Markdown or HTML reads is an entity."""
    return f"<code>{escaped(text)}</code>"


def escaped(text: str) -> str:
    """Give the text as words in a summary, or as an attribute of a tag there."""
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", one_line(text))


def plural(count: int, one: str, many: str = "") -> str:
    """Return the count with its noun: `1 row`, `2,000 rows`; `many` is the plural of what takes no s."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"

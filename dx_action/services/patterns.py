"""Lists of gitignore's patterns, and which of them take a path. Pure.

Within a list, the last pattern that matches a path decides, and `!` excludes; that is the whole rule. Git itself walks folders and
cannot take back a file in an excluded folder. Git, like pathspec's GitIgnoreSpec, also lets an earlier pattern for a file win over
a later one for its folder. Here nothing is walked: `[apps/**, "!apps/docs/"]` excludes apps/docs, and
`[apps/docs/, "!apps/docs/*.md"]` takes everything in it except the *.md files.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dx_action.errors import InvalidValue
from dx_action.services.path_tree import PathTree, Rule, glob_matches, over_a_bound, read_rule, tokens, unmatched
from dx_action.services.service import CONTROL

MOST_PATTERNS, MOST_STARS = 5000, 3

# Where nothing before `**/` is special, git takes the rest for a pattern of its own: a**/b matches ab and ax/y/b.
_GLUED = re.compile(r"[^*?\[\\]*[^*?\[\\/]\*\*+/.")
_FORM = "Write a path from the repository's root, as in services/payments/**."


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern as written, and its line."""

    text: str
    line: int

    def wrong(self, what: str, cure: str) -> InvalidValue:
        """Return the error for this pattern."""
        return InvalidValue.at(self.line, f"has a pattern {what}", cure)


class PatternLists:
    """Several lists of patterns, one for each service."""

    def __init__(self, lists: Iterable[Sequence[Pattern]]) -> None:
        """Read the patterns. Raises InvalidValue, with the line."""
        numbered = [(group, pattern) for group, patterns in enumerate(lists) for pattern in patterns]
        if len(numbered) > MOST_PATTERNS:
            cure = "Combine those of a folder: services/payments/** takes everything in it."
            line = numbered[MOST_PATTERNS][1].line
            raise InvalidValue.at(line, f"has more than {MOST_PATTERNS:,} patterns", cure)
        self._takes = [not pattern.text.startswith("!") for _, pattern in numbered]
        self._patterns = [pattern for _, pattern in numbered]
        self._rules = [_rule(pattern, group) for group, pattern in numbered]
        self._tree = PathTree(self._rules, self._taken)

    def taking(self, path: str) -> tuple[int, ...]:
        """Return the numbers of the lists that take the path, in order."""
        return self._tree.at(_in_bytes(path))

    def unmatched(self, paths: Iterable[str]) -> tuple[Pattern, ...]:
        """Return the patterns that match none of the paths."""
        return tuple(self._patterns[number] for number in unmatched(self._rules, map(_in_bytes, paths)))

    def _taken(self, last: Mapping[int, int]) -> tuple[int, ...]:
        return tuple(sorted(group for group, number in last.items() if self._takes[number]))


def _rule(pattern: Pattern, group: int) -> Rule:
    bare = _in_bytes(_without_not(pattern))
    if any(tokens(part).count("*") > MOST_STARS for part in bare.split("/")):
        cure = "Use fewer, or `**` between slashes for any number of folders."
        raise pattern.wrong(f"with more than {MOST_STARS} `*` between two slashes", cure)
    rule = read_rule(bare, group)
    for part in rule.parts:
        found = tokens(part)
        if part in {"", ".", ".."}:
            raise pattern.wrong("with `//`, `./` or `../` in it, which matches nothing", _FORM)
        if {"[", "\\"} & set(found):
            cure = (
                "It has a [ without its ], or a \\ with nothing after it. For the character itself write \\[ or \\\\."
            )
            raise pattern.wrong("that cannot be read", cure)
        classes = [token for token in found if len(token) > 2]
        if any("[:" in text[1:] for text in classes):
            raise pattern.wrong("with a class such as [:alpha:]", "Write a range, [a-z].")
        if not all(map(str.isascii, classes)):
            cure = "Git takes a class for one byte, and this character has several. Use `*` instead."
            raise pattern.wrong("with a character outside ASCII in a class", cure)
        try:
            if classes:
                glob_matches(part, "")
        except re.error:
            raise pattern.wrong("with a range that runs backwards", "Write [a-z], not [z-a].") from None
    return rule


def _without_not(pattern: Pattern) -> str:
    """Return the pattern without its `!` and without the spaces at its end, which git ignores unless escaped."""
    if too_much := over_a_bound(pattern.text):
        raise pattern.wrong(too_much, "Write a shorter one: services/payments/** takes everything in that folder.")
    if CONTROL.search(pattern.text):
        raise pattern.wrong("with a line break or another control character in it", "Write a list of patterns.")
    if pattern.text.startswith("#"):
        raise pattern.wrong("that is a comment", "For a name that begins with # write \\#.")
    text = pattern.text.rstrip(" ")
    escapes = len(text) - len(text.rstrip("\\"))
    bare = (text + " " * (escapes % 2 and text != pattern.text)).removeprefix("!")
    if not bare.strip("/ "):
        raise pattern.wrong("that names no path", _FORM)
    if _GLUED.match(bare):
        cure = "Write `*`, or `**` with a slash before it."
        raise pattern.wrong("with `**/` right after other characters, which git reads in two ways", cure)
    return bare


def _in_bytes(text: str) -> str:
    """Return the text with a character for each of its bytes, as git matches bytes: `?` is one of them."""
    return text if text.isascii() else text.encode("utf-8", "surrogatepass").decode("latin-1")

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
from dx_action.services.path_tree import PathTree, Rule, glob_matches, read_rule, special
from dx_action.services.service import CONTROL

MOST_PATTERNS, MOST_STARS = 5000, 3

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
        self._tree = PathTree([_rule(pattern, group) for group, pattern in numbered], self._taken)

    def taking(self, path: str) -> tuple[int, ...]:
        """Return the numbers of the lists that take the path, in order."""
        return self._tree.at(path)

    def _taken(self, last: Mapping[int, int]) -> tuple[int, ...]:
        return tuple(sorted(group for group, number in last.items() if self._takes[number]))


def _rule(pattern: Pattern, group: int) -> Rule:
    rule = read_rule(_without_not(pattern), group)
    for part in rule.parts:
        found = special(part)
        if part in {"", ".", ".."}:
            raise pattern.wrong("with `//`, `./` or `../` in it, which matches nothing", _FORM)
        if found.count("*") > MOST_STARS:
            cure = "Use fewer, or `**` between slashes for any number of folders."
            raise pattern.wrong(f"with more than {MOST_STARS} `*` between two slashes", cure)
        if any("[:" in text for text in found):
            raise pattern.wrong("with a class such as [:alpha:]", "Write a range, [a-z].")
        try:
            if "[" in part:
                glob_matches(part, "")
        except re.error:
            raise pattern.wrong("with a range that runs backwards", "Write [a-z], not [z-a].") from None
    return rule


def _without_not(pattern: Pattern) -> str:
    """Return the pattern without its `!` and without the spaces at its end, which gitignore ignores unless escaped."""
    from pathspec.patterns.gitignore.base import GitIgnorePatternError  # noqa: PLC0415 - only if there is a map
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern  # noqa: PLC0415

    text = pattern.text if pattern.text.endswith("\\ ") else pattern.text.rstrip()
    bare = text.removeprefix("!")
    if CONTROL.search(pattern.text):
        raise pattern.wrong("with a line break or another control character in it", "Write a list of patterns.")
    if not bare.strip("/ "):
        raise pattern.wrong("that names no path", _FORM)
    if text.startswith("#"):
        raise pattern.wrong("that is a comment", "For a name that begins with # write \\#.")
    try:
        _, include = GitIgnoreSpecPattern.pattern_to_regex(text)
    except GitIgnorePatternError:
        include = None
    if include is None:
        cure = "It has a [ without its ], or a \\ with nothing after it. For the character itself write \\[ or \\\\."
        raise pattern.wrong("that cannot be read", cure)
    return bare

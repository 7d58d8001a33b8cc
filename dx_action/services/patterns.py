"""Owns lists of gitignore's patterns: which of them take a path. Pure.

Within a list the last pattern that matches a path decides, `!` leaves it out: nothing else. Git itself walks folders, and cannot
take back a file whose folder is out; and it, as pathspec's GitIgnoreSpec, lets an earlier pattern for a file win over a later one
for its folder. Here there is no walk: `[apps/**, "!apps/docs/"]` leaves apps/docs out, and `[apps/docs/, "!apps/docs/*.md"]` takes
all of it but the *.md files.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dx_action.errors import InvalidValue
from dx_action.services.path_tree import Glob, PathTree, Rule, read_rule, wildcards

MOST_PATTERNS, MOST_STARS = 5000, 3

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_FORM = "Write a path from the repository's root, as in services/payments/**."


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern as it is written, and on which line."""

    text: str
    line: int


class PatternLists:
    """Several lists of patterns, one a service."""

    def __init__(self, lists: Iterable[Sequence[Pattern]]) -> None:
        """Read the patterns. Raises InvalidValue, with the line."""
        rules: list[Rule] = []
        self._takes: list[bool] = []
        for group, patterns in enumerate(lists):
            for pattern in patterns:
                if len(rules) == MOST_PATTERNS:
                    raise InvalidValue(
                        f"has more than {MOST_PATTERNS:,} patterns (line {pattern.line}). "
                        "Join those of one folder: services/payments/** takes everything below it."
                    )
                rules.append(_rule(pattern, group))
                self._takes.append(not pattern.text.startswith("!"))
        self._tree = PathTree(rules, self._taken)

    def taking(self, path: str) -> tuple[int, ...]:
        """Give the numbers of the lists that take the path, in order."""
        return self._tree.at(path)

    def _taken(self, last: Mapping[int, int]) -> tuple[int, ...]:
        return tuple(sorted(group for group, number in last.items() if self._takes[number]))


def _rule(pattern: Pattern, group: int) -> Rule:
    rule = read_rule(_checked(pattern), group)
    where = f"(line {pattern.line})"
    for part in rule.parts:
        special = wildcards(part)
        if part in {"", ".", ".."}:
            raise InvalidValue(f"has a pattern with `//`, `./` or `../` in it, which matches nothing {where}. {_FORM}")
        if special.count("*") > MOST_STARS:
            raise InvalidValue(
                f"has a pattern with more than {MOST_STARS} `*` between two slashes {where}. "
                "Use fewer, or `**` between slashes for any number of folders."
            )
        if any(text[0] == "[" for text in special):
            _check_range(part, where)
    return rule


def _checked(pattern: Pattern) -> str:
    """Give the pattern without its `!` and the spaces after it, as gitignore has it."""
    from pathspec.patterns.gitignore.base import GitIgnorePatternError  # noqa: PLC0415 - only where there is a map
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern  # noqa: PLC0415

    text, where = pattern.text, f"(line {pattern.line})"
    if _CONTROL.search(text):
        raise InvalidValue(
            f"has a pattern with a line break or another control character in it {where}. Write a list of patterns."
        )
    if not text.endswith("\\ "):
        text = text.rstrip()
    bare = text.removeprefix("!")
    if not bare.strip("/ "):
        raise InvalidValue(f"has a pattern that names no path {where}. {_FORM}")
    if text.startswith("#"):
        raise InvalidValue(f"has a pattern that is a comment {where}. For a name that begins with # write \\#.")
    try:
        _, include = GitIgnoreSpecPattern.pattern_to_regex(text)
    except GitIgnorePatternError:
        include = None
    if include is None:
        raise InvalidValue(
            f"has a pattern that cannot be read {where}: a [ without its ], or a \\ with nothing after it. "
            "For the character itself write \\[ or \\\\."
        )
    return bare


def _check_range(part: str, where: str) -> None:
    if "[:" in part:
        raise InvalidValue(f"has a pattern with a class such as [:alpha:] {where}. Write a range, [a-z].")
    try:
        Glob(part).matches("")
    except re.error:
        raise InvalidValue(f"has a pattern with a range that runs backwards {where}. Write [a-z], not [z-a].") from None

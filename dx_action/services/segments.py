"""Owns one part of a pattern, between two slashes: plain text, or a glob as `pathspec` reads it. Pure.

What a glob's characters mean is pathspec's to say. Its regular expression is then made to run in linear time: the text that follows
a `*` is taken where it first fits and never given back, which loses no match, as the last `*` takes up the rest.
"""

import re
import warnings
from collections.abc import Callable
from enum import Enum
from itertools import pairwise

# An escaped character, a range such as [a-z], and the two wildcards. All else is itself.
_SPECIAL = re.compile(r"\\.|\[[!^]?\]?[^\]]*\]|[*?]", re.DOTALL)
_STAR = "[^/]*"  # pathspec's `*`; no other part of a glob has this in its regular expression, as no part has a slash


class Wild(Enum):
    """The parts that need no look at the text."""

    ANY = "*"
    DEEP = "**"


class Glob:
    """A part with wildcards. `head` and `tail` are plain text that it begins and ends with, `longest` is somewhere in it.

    A range that runs backwards raises re.error at the first match.
    """

    __slots__ = ("_match", "_regex", "head", "longest", "tail", "text")

    def __init__(self, text: str) -> None:
        from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern  # noqa: PLC0415 - only where a glob is used

        plain = _SPECIAL.split(text)
        self.text, self.head, self.tail, self.longest = text, plain[0], plain[-1], max(plain, key=len)
        regex, _ = GitIgnoreSpecPattern.pattern_to_regex(f"/{text}/")
        first, *parts = str(regex).split(_STAR)
        self._regex = first
        if parts:
            self._regex += "".join(f"(?>{_STAR}?{part})" for part in parts[:-1]) + _STAR + parts[-1]
        self._match: Callable[[str], object] | None = None

    def matches(self, name: str) -> bool:
        """Tell whether the whole name matches."""
        if self._match is None:
            with warnings.catch_warnings():
                # [[a] and [a&&b] may mean more in a Python to come.
                warnings.simplefilter("ignore", FutureWarning)
                self._match = re.compile(self._regex).match
        return self._match(f"{name}/") is not None


Step = str | Wild | Glob


def stars(text: str) -> int:
    """Count the `*` that are wildcards."""
    return _SPECIAL.findall(text).count("*")


def step(text: str) -> Step:
    """Give the plain text, or how the part matches."""
    special = _SPECIAL.findall(text)
    if all(found[0] == "\\" for found in special):
        return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL) if special else text
    return Wild(text) if text in {"*", "**"} else Glob(text)


def split(pattern: str) -> tuple[list[str], bool]:
    """Split a pattern at its slashes into its parts, from the repository's root on, and tell whether only a folder matches.

    gitignore's rules: a slash at the beginning or in the middle ties the pattern to the root, without one it matches at any
    depth; a slash at the end is a folder's.
    """
    parts = pattern.split("/")
    folder = len(parts) > 1 and not parts[-1]
    if folder:
        parts.pop()
    if not parts[0]:
        del parts[0]
    elif len(parts) == 1:
        parts.insert(0, "**")
    return [part for before, part in pairwise(["", *parts]) if not before == part == "**"], folder

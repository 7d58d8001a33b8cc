"""Matching of a path against many patterns at once, in time linear in the path. Pure.

The parts of all patterns, as they stand between slashes, form a tree, in which patterns that begin alike share nodes. A path is
walked once, part by part, through the set of nodes reached so far; nothing is tried twice. Each such set is a state, as in an
automaton that is built on demand: where a name leads from there, and what the answer is there, is worked out once.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import chain, groupby, pairwise
from typing import Generic, TypeVar

from dx_action.services.service import LONGEST_PATH

Answer = TypeVar("Answer")

# An escaped character, a class such as [a-z], or any other character, which is a wildcard or matches itself.
_TOKEN = re.compile(r"\\.|\[[!^]?+\]?+(?:\\.|[^\]\\])*+\]|.", re.DOTALL)
# Of a class, a character, or a range of two.
_MEMBER = re.compile(r"(\\.|[^\\])(?:-(\\.|[^\\]))?", re.DOTALL)
_STAR = "[^/]*"
_DEEPEST = 100
_LONGEST_PIECE = 8  # the bound on what is looked up for each character of a name
_PLACES = 32  # at both ends of a plain text, where pieces are taken from it


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern: the parts that lead to a path, and whether it matches that path itself, and everything below it."""

    parts: list[str]
    itself: bool
    group: int
    below: bool = True


def over_a_bound(pattern: str) -> str | None:
    """Return what is too much of a pattern, after "has a pattern". Any other is matched with any path within a second."""
    if len(pattern.encode("utf-8", "surrogatepass")) > LONGEST_PATH:
        return f"of more than {LONGEST_PATH:,} bytes"
    return f"with more than {_DEEPEST} slashes" if pattern.count("/") > _DEEPEST else None


def read_rule(pattern: str, group: int = 0) -> Rule:
    """Return the rule of a pattern by gitignore's documentation.

    A slash at the beginning or in the middle ties the pattern to the repository's root; without one it matches at any depth. A
    pattern that ends in a slash or in `/**` matches only what is below.
    """
    folder = pattern.endswith("/")
    parts = pattern.removesuffix("/").split("/")
    if not parts[0]:
        del parts[0]
    elif len(parts) == 1:
        parts.insert(0, "**")
    parts = ["**" if len(part) > 2 and not part.strip("*") else part for part in parts]  # as git reads ***
    parts = [part for before, part in pairwise(["", *parts]) if not before == part == "**"]
    if folder and parts[-1] == "**":
        parts[-1] = "*"  # everything that is in a folder there
    below = parts[-1] == "**"
    return Rule(parts[:-1] if below else parts, itself=not (folder or below), group=group)


def tokens(part: str) -> list[str]:
    """Return the characters, wildcards and classes of a part of a pattern, as written. A `[` alone has no `]`."""
    return _TOKEN.findall(part)


def glob_matches(glob: str, name: str) -> bool:
    """Return whether a part, read as git's wildmatch reads it, matches the whole name. Raises re.error for a range like [z-a]."""
    return _compiled(glob)(name) is not None


@cache
def _compiled(glob: str) -> Callable[[str], object]:
    """Return the match by a regular expression that runs in linear time.

    The text after a `*` is taken where it first fits and never given back. That loses no match, as the last `*` takes up the rest.
    """
    texts = [""]
    for token in tokens(glob):
        if token == "*":
            texts.append("")
        else:
            texts[-1] += _regex(token)
    first, *middle = texts
    if middle:
        last = middle.pop()
        first += "".join(f"(?>{_STAR}?{text})" for text in middle if text) + _STAR + last
    return re.compile(first).fullmatch


def _is_wild(token: str) -> bool:
    return token in {"*", "?"} or len(token) > 2


def _regex(token: str) -> str:
    if token == "?":
        return "[^/]"
    if len(token) < 3:
        return re.escape(token[-1])
    negated = token[1] in "!^"
    members = _MEMBER.findall(token[1 + negated : -1])
    ranges = ("-".join(re.escape(end[-1]) for end in ends if end) for ends in members)
    return f"[{'^' if negated else ''}{''.join(ranges)}]"


def _pieces(glob: str) -> set[str]:
    """Return pieces of the glob's plain texts."""
    found: set[str] = set()
    for wild, each in groupby(tokens(glob), _is_wild):
        text = "" if wild else "".join(token[-1] for token in each)
        last = max(len(text) - _LONGEST_PIECE, 0)
        found |= {text[at : at + _LONGEST_PIECE] for at in range(last + 1) if at < _PLACES or at > last - _PLACES}
    return found - {""}


@dataclass(slots=True, eq=False)
class _Node:
    """Where patterns that begin alike have come to.

    `deep` is the node of a `**` that follows; it `stays` whatever the name. `pieces` are the globs by a piece of plain text, which
    is in every name that they match. `itself` and `below` are the numbers of the rules that match here.
    """

    stays: bool = False
    deep: "_Node | None" = None
    plain: dict[str, "_Node"] = field(default_factory=dict)
    globs: dict[str, "_Node"] = field(default_factory=dict)
    pieces: dict[str, list[tuple[str, "_Node"]]] = field(default_factory=dict)
    itself: list[int] = field(default_factory=list)
    below: list[int] = field(default_factory=list)

    def after(self, name: str, pieces: set[str]) -> Iterator["_Node"]:
        """Yield the nodes that a name leads to. Only the globs of its own pieces are tried."""
        if self.stays:
            yield self
        if name in self.plain:
            yield self.plain[name]
        for piece in self.pieces.keys() & pieces:
            for glob, node in self.pieces[piece]:
                if glob_matches(glob, name):
                    yield node


@dataclass(slots=True, eq=False)
class _State(Generic[Answer]):
    """The nodes that a path has come to; by group, the last rule that matches a folder above it, and the last for what is below."""

    nodes: frozenset[_Node]
    above: Mapping[int, int]
    below: Mapping[int, int]
    answer: Answer
    next: dict[str, "_State[Answer]"] = field(default_factory=dict)


class PathTree(Generic[Answer]):
    """Rules, of which within each group the last one that matches a path counts.

    `answer` turns the numbers of those rules, by group, into what is wanted. Paths that no rule tells apart share one answer.
    """

    def __init__(self, rules: Iterable[Rule], answer: Callable[[Mapping[int, int]], Answer]) -> None:
        self._answer = answer
        self._groups: list[int] = []
        self._sizes: set[int] = set()
        self._with_globs: list[_Node] = []
        root = _Node()
        for number, rule in enumerate(rules):
            self._groups.append(rule.group)
            node = root
            for part in rule.parts:
                node = self._grow(node, part)
            if rule.itself:
                node.itself.append(number)
            if rule.below:
                node.below.append(number)
        for node in self._with_globs:
            self._sort(node)
        self._states: dict[tuple[frozenset[_Node], int], _State[Answer]] = {}
        self._root = self._state([root], {})

    def at(self, path: str) -> Answer:
        """Return the answer for a file's path, relative to the repository's root, or for a folder's, which ends with a slash.

        A rule matches a folder if it matches its path, or whatever lies in it.
        """
        state = self._root
        for name in path.removesuffix("/").split("/"):
            state = self._after(state, name)
        if not path.endswith("/"):
            return state.answer
        inside = self._after(state, "")  # only what takes any name takes this one
        return self._answer(self._last(state.below, (n for node in state.nodes | inside.nodes for n in node.itself)))

    def _after(self, state: _State[Answer], name: str) -> _State[Answer]:
        if name not in state.next:
            pieces = {name[at : at + size] for size in self._sizes for at in range(len(name) + 1 - size)}
            nodes = (after for node in state.nodes for after in node.after(name, pieces))
            state.next[name] = self._state(nodes, state.below)
        return state.next[name]

    def _grow(self, node: _Node, part: str) -> _Node:
        """Return the node that a part leads to from another, new if no pattern went there before."""
        if part == "**":
            node.deep = node.deep or _Node(stays=True)
            return node.deep
        found = tokens(part)
        if not any(map(_is_wild, found)):
            return node.plain.setdefault("".join(token[-1] for token in found), _Node())
        if not node.globs:
            self._with_globs.append(node)
        return node.globs.setdefault(part, _Node())

    def _sort(self, node: _Node) -> None:
        """Sort the globs by the piece of each that the fewest others have, too."""
        pieces = {glob: _pieces(glob) for glob in node.globs}
        count = Counter(chain.from_iterable(pieces.values()))
        for glob, after in node.globs.items():
            rarest = min(pieces[glob], key=lambda piece: (count[piece], -len(piece), piece), default="")
            node.pieces.setdefault(rarest, []).append((glob, after))
            self._sizes.add(len(rarest))

    def _state(self, nodes: Iterable[_Node], above: Mapping[int, int]) -> _State[Answer]:
        reached = frozenset(nodes)
        reached |= {node.deep for node in reached if node.deep}  # as `**` may stand for nothing
        key = reached, id(above)  # of an object that the state keeps alive
        if key not in self._states:
            answer = self._answer(self._last(above, (number for node in reached for number in node.itself)))
            below = self._last(above, (number for node in reached for number in node.below))
            self._states[key] = _State(reached, above, below, answer)
        return self._states[key]

    def _last(self, above: Mapping[int, int], numbers: Iterable[int]) -> Mapping[int, int]:
        last = dict(above)
        for number in numbers:
            group = self._groups[number]
            last[group] = max(number, last.get(group, number))
        return above if last == above else last


def unmatched(rules: Sequence[Rule], paths: Iterable[str]) -> tuple[int, ...]:
    """Return the numbers of the rules that match none of the paths, even if a later rule were not there."""
    tree = PathTree([replace(rule, group=number) for number, rule in enumerate(rules)], frozenset)
    answers = {id(found): found for found in map(tree.at, paths)}  # most files share one, which the tree keeps
    matched = frozenset[int]().union(*answers.values())
    return tuple(number for number in range(len(rules)) if number not in matched)

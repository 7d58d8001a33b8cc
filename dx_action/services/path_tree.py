"""Owns matching paths against many patterns at once, in time linear in the path. Pure.

The patterns' parts form a tree, in which patterns that begin alike share their places. A path is walked once, folder by folder,
with the set of places reached so far: nothing is tried twice, and a folder is walked once for all the files below it. A place's
plain parts are found by look-up, its globs by plain text in them. What came of the same places once is not worked out again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from dx_action.services.segments import Glob, Step, Wild

Answer = TypeVar("Answer")
_GRAM = 3


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern: the parts that lead to its place, and whether it matches that place itself, and everything below it."""

    steps: Sequence[Step]
    itself: bool
    below: bool = True
    group: int = 0


class PathTree(Generic[Answer]):
    """Rules, of which within each group the last one that matches a path counts.

    `answer` makes what is wanted of the groups and the numbers of these rules. Files that differ in nothing share one answer.
    """

    def __init__(self, rules: Iterable[Rule], answer: Callable[[Mapping[int, int]], Answer]) -> None:
        self._answer = answer
        self._groups: list[int] = []
        root = _Place()
        for number, rule in enumerate(rules):
            self._groups.append(rule.group)
            place = root
            for step in rule.steps:
                place = place.grown(step)
            if rule.itself:
                place.itself.append(number)
            if rule.below:
                place.below.append(number)
        self._root = self._folder(_reached([root]), _Hits({}))

    def at(self, path: str) -> Answer:
        """Give the answer for a file's path, which is relative to the repository's root."""
        *folders, name = path.split("/")
        folder = self._root
        for part in folders:
            known = folder.folders.get(part)
            if known is None:
                known = folder.folders[part] = self._folder(_next(folder.places, part), folder.hits)
            folder = known
        hits = folder.hits
        if folder.places:
            hits = self._after(hits, tuple(place for place in _next(folder.places, name) if place.itself), below=False)
        if hits.answer is None:
            hits.answer = (self._answer(hits.numbers),)
        return hits.answer[0]

    def _folder(self, places: Iterable["_Place"], hits: "_Hits[Answer]") -> "_Folder[Answer]":
        after = self._after(hits, tuple(place for place in places if place.below), below=True)
        return _Folder(tuple(place for place in places if place.grows), after)

    def _after(self, hits: "_Hits[Answer]", places: tuple["_Place", ...], *, below: bool) -> "_Hits[Answer]":
        """Give the hits with those of the places."""
        if not places:
            return hits
        after = hits.after.get((places, below))
        if after is None:
            added: dict[int, int] = {}
            for place in places:
                for number in place.below if below else place.itself:
                    group = self._groups[number]
                    if number > added.get(group, hits.numbers.get(group, -1)):
                        added[group] = number
            after = hits.after[places, below] = _Hits({**hits.numbers, **added}) if added else hits
        return after


class _Hits(Generic[Answer]):
    """By group the last rule so far, the answer to that once it was asked, and what further places made of it."""

    __slots__ = ("after", "answer", "numbers")

    def __init__(self, numbers: Mapping[int, int]) -> None:
        self.numbers = numbers
        self.answer: tuple[Answer] | None = None
        self.after: dict[tuple[tuple[_Place, ...], bool], _Hits[Answer]] = {}


class _Folder(Generic[Answer]):
    """A folder that was walked: the places from which its files may go on, and the rules that match all of them."""

    __slots__ = ("folders", "hits", "places")

    def __init__(self, places: tuple["_Place", ...], hits: _Hits[Answer]) -> None:
        self.places, self.hits = places, hits
        self.folders: dict[str, _Folder[Answer]] = {}


class _Place:
    """Where patterns that begin alike have come to. `loops`: it may stay for any number of parts, as it stands for `**`."""

    __slots__ = ("below", "deep", "globs", "itself", "loops", "one", "plain")

    def __init__(self, *, loops: bool = False) -> None:
        self.loops = loops
        self.plain: dict[str, _Place] = {}
        self.one: _Place | None = None
        self.deep: _Place | None = None
        self.globs: _Globs | None = None
        self.itself: list[int] = []
        self.below: list[int] = []

    @property
    def grows(self) -> bool:
        return self.loops or bool(self.plain or self.one or self.globs)

    def grown(self, step: Step) -> "_Place":
        """Give the place that the step leads to, which is made where there is none."""
        if isinstance(step, str):
            if step not in self.plain:
                self.plain[step] = _Place()
            return self.plain[step]
        if step is Wild.ANY:
            self.one = self.one or _Place()
            return self.one
        if step is Wild.DEEP:
            self.deep = self.deep or _Place(loops=True)
            return self.deep
        self.globs = self.globs or _Globs()
        return self.globs.grown(step)


class _Globs:
    """A place's globs, each found by its ending, else its beginning, else a few plain characters; else it is always tried."""

    __slots__ = ("_found", "_index", "_places", "_sizes")

    def __init__(self) -> None:
        self._places: dict[str, _Place] = {}
        self._index: dict[tuple[str, str], list[tuple[Glob, _Place]]] = {}
        self._sizes: dict[str, set[int]] = {"tail": set(), "head": set(), "gram": set()}
        self._found: dict[str, list[_Place]] = {}

    def grown(self, glob: Glob) -> _Place:
        place = self._places.get(glob.text)
        if place is None:
            place = self._places[glob.text] = _Place()
            kind = "tail" if glob.tail else "head" if glob.head else "gram"
            text = glob.tail or glob.head or glob.longest[-_GRAM:]
            self._sizes[kind].add(len(text))
            self._index.setdefault((kind, text), []).append((glob, place))
        return place

    def find(self, name: str) -> list[_Place]:
        """Give the places of the globs that match the name."""
        found = self._found.get(name)
        if found is None:
            keys = {("tail", name[-size:]) for size in self._sizes["tail"]}
            keys |= {("head", name[:size]) for size in self._sizes["head"]}
            keys |= {("gram", name[i : i + size]) for size in self._sizes["gram"] for i in range(len(name) + 1 - size)}
            found = self._found[name] = [
                place
                for key in sorted(keys)
                for glob, place in self._index.get(key, ())
                if glob.longest in name and glob.matches(name)
            ]
        return found


def _reached(places: Iterable[_Place]) -> dict[_Place, None]:
    """Give the places once each, with those that `**` leads to at once, as it may stand for nothing."""
    reached: dict[_Place, None] = {}
    for place in places:
        reached[place] = None
        if place.deep is not None:
            reached[place.deep] = None
    return reached


def _next(places: Iterable[_Place], name: str) -> dict[_Place, None]:
    """Give the places that one more part of a path leads to."""
    found: list[_Place] = []
    for place in places:
        if place.loops:
            found.append(place)
        if name in place.plain:
            found.append(place.plain[name])
        if place.one is not None:
            found.append(place.one)
        if place.globs is not None:
            found += place.globs.find(name)
    return _reached(found)

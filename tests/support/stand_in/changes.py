"""Owns what differs between two trees, moves of unchanged files included, and how two changes are merged. Pure."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from stand_in.objects import TREE, Entry, Objects


class Change(NamedTuple):
    """One file's change, in GitHub's words: added, removed, modified, changed (another mode or type), renamed, copied."""

    status: str
    path: str
    old: Entry | None
    new: Entry | None
    previous: str | None = None


class ConflictError(ValueError):
    """Two changes touch the same file."""


def compare(objects: Objects, before: str, after: str, *, copies: bool = False) -> list[Change]:
    """Return the changed files as `git diff -M100%` does, in its order; with `copies`, as with --find-copies-harder."""
    plain = list(_walk(objects, before, after, ""))
    gone = {change.path: change for change in plain if change.new is None}
    sources: dict[str, list[str]] = {}
    for path in sorted(gone):
        old = gone[path].old
        if old is not None:
            sources.setdefault(old.sha, []).append(path)
    there = {entry.sha: path for path, entry in objects.walk(before) if entry.kind == "blob"} if copies else {}
    found = []
    for change in sorted(plain, key=_path):
        if change.old is None and change.new is not None and sources.get(change.new.sha):
            source = _source(sources[change.new.sha], change.path)
            found.append(Change("renamed", change.path, gone.pop(source).old, change.new, source))
        elif change.old is None and change.new is not None and change.new.sha in there:
            found.append(Change("copied", change.path, None, change.new, there[change.new.sha]))
        elif change.new is not None:
            found.append(change)
    return sorted([*found, *gone.values()], key=_path)


def lines(objects: Objects, change: Change) -> tuple[int, int]:
    """Count the lines that came and went, without minding their order."""
    old, new = (
        Counter(objects.blobs.get(e.sha, b"").splitlines()) if e else Counter() for e in (change.old, change.new)
    )
    return (new - old).total(), (old - new).total()


def merge(objects: Objects, base: str, ours: str, theirs: str, folder: str = "") -> str:
    """Return the tree that has both changes. Raises ConflictError where they touch the same file."""
    trees = [objects.trees[tree] for tree in (base, ours, theirs)]
    merged = {}
    for name in sorted(trees[0].keys() | trees[1].keys() | trees[2].keys()):
        was, our, their = (tree.get(name) for tree in trees)
        if their in (our, was):
            result = our
        elif our == was:
            result = their
        elif all(entry is None or entry.mode == TREE for entry in (was, our, their)):
            below = [entry.sha if entry else objects.empty for entry in (was, our, their)]
            result = Entry(TREE, merge(objects, below[0], below[1], below[2], f"{folder}{name}/"))
            result = None if result.sha == objects.empty else result
        else:
            raise ConflictError(f"{folder}{name} was changed on both sides")
        if result is not None:
            merged[name] = result
    return objects.tree(merged)


def _path(change: Change) -> str:
    return change.path  # by code points, which is the order of UTF-8 bytes, and so git's


def _source(candidates: list[str], path: str) -> str:
    """Choose as git does: a file of the same name first, else the first."""
    name = path.rpartition("/")[2]
    chosen = next((source for source in candidates if source.rpartition("/")[2] == name), candidates[0])
    candidates.remove(chosen)
    return chosen


def _walk(objects: Objects, before: str, after: str, folder: str) -> Iterator[Change]:
    old, new = objects.trees[before], objects.trees[after]
    for name in old.keys() | new.keys():
        was, now = old.get(name), new.get(name)
        if was == now:
            continue
        path = f"{folder}{name}"
        below = [entry.sha if entry and entry.mode == TREE else objects.empty for entry in (was, now)]
        if below[0] != below[1]:
            yield from _walk(objects, below[0], below[1], f"{path}/")
        was, now = (None if entry and entry.mode == TREE else entry for entry in (was, now))
        if was and now:
            yield Change("modified" if was.mode == now.mode else "changed", path, was, now)
        elif was or now:
            yield Change("removed" if was else "added", path, was, now)

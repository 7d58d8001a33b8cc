"""Owns which paths differ between two commits, by their trees: exact where GitHub's own lists are cut. Pure, but for `fetch`."""

from collections.abc import Callable, Iterator
from typing import Any

# (tree or commit id, recursive) → the answer of GitHub's "Get a tree".
Fetch = Callable[[str, bool], dict[str, Any]]
_Entries = dict[str, tuple[str, str, str]]


class CutError(Exception):
    """GitHub does not list even one folder whole."""


def changed_paths(before: str, after: str, fetch: Fetch) -> frozenset[str]:
    """Give the paths that were added, removed or changed, a moved file's both paths among them.

    Two calls where the trees come whole; a tree that GitHub cuts is walked folder by folder, where the ids differ.
    Raises CutError.
    """
    whole = [fetch(commit, True) for commit in (before, after)]
    if not any(answer.get("truncated") for answer in whole):
        old, new = ({path: entry for path, entry in _entries(answer).items() if entry[1] != "tree"} for answer in whole)
        return frozenset(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))
    return frozenset(_walk(_folder(before, fetch), _folder(after, fetch), "", fetch))


def _entries(answer: dict[str, Any]) -> _Entries:
    return {entry["path"]: (entry["mode"], entry["type"], entry["sha"]) for entry in answer["tree"]}


def _folder(tree: str, fetch: Fetch) -> _Entries:
    answer = fetch(tree, False)
    if answer.get("truncated"):
        raise CutError
    return _entries(answer)


def _walk(old: _Entries, new: _Entries, folder: str, fetch: Fetch) -> Iterator[str]:
    for name in sorted(old.keys() | new.keys()):
        entries = old.get(name), new.get(name)
        if entries[0] == entries[1]:
            continue
        if any(entry and entry[1] != "tree" for entry in entries):
            yield f"{folder}{name}"
        below = [_folder(entry[2], fetch) if entry and entry[1] == "tree" else {} for entry in entries]
        yield from _walk(below[0], below[1], f"{folder}{name}/", fetch)

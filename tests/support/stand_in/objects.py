"""Owns git's objects: blobs, trees and their ids, computed as git computes them. It knows no history."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

TREE, FILE, EXECUTABLE, LINK, SUBMODULE = "40000", "100644", "100755", "120000", "160000"


class Entry(NamedTuple):
    """What a tree says of one name."""

    mode: str
    sha: str

    @property
    def kind(self) -> str:
        """The object's type, in git's words."""
        return {TREE: "tree", SUBMODULE: "commit"}.get(self.mode, "blob")


@dataclass(frozen=True, slots=True)
class File:
    """A file that is more than text: bytes, or another mode."""

    data: bytes
    mode: str = FILE


# What may be written at a path: text, bytes, a File, an Entry as it is, or None to remove it.
Content = str | bytes | File | Entry | None


def link(target: str) -> File:
    """Make a symbolic link."""
    return File(target.encode(), LINK)


def submodule(sha: str) -> Entry:
    """Make a submodule, a commit of another repository."""
    return Entry(SUBMODULE, sha)


def object_id(kind: str, data: bytes) -> str:
    """Return an object's id."""
    return hashlib.sha1(b"%s %d\0" % (kind.encode(), len(data)) + data, usedforsecurity=False).hexdigest()


class Objects:
    """The blobs and trees of one repository, by their ids."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.trees: dict[str, dict[str, Entry]] = {}
        self.empty = self.tree({})

    def blob(self, data: bytes) -> str:
        """Keep a file's content; give its id."""
        sha = object_id("blob", data)
        self.blobs[sha] = data
        return sha

    def tree(self, entries: Mapping[str, Entry]) -> str:
        """Keep a folder; give its id."""
        ordered = sorted(entries.items(), key=lambda item: f"{item[0]}/" if item[1][0] == TREE else item[0])
        data = b"".join(
            [b"%s %s\0%s" % (mode.encode(), name.encode(), bytes.fromhex(sha)) for name, (mode, sha) in ordered]
        )
        sha = object_id("tree", data)
        self.trees.setdefault(sha, dict(ordered))
        return sha

    def entry(self, content: Content) -> Entry | None:
        """Keep what is to be written at a path."""
        match content:
            case None | Entry():
                return content
            case str():
                return Entry(FILE, self.blob(content.encode()))
            case bytes():
                return Entry(FILE, self.blob(content))
            case File():
                return Entry(content.mode, self.blob(content.data))

    def change(self, tree: str, changes: Mapping[str, Entry | None]) -> str:
        """Return the id of a tree with some paths changed; a folder without files is gone, as in git."""
        entries = dict(self.trees[tree])
        below: dict[str, dict[str, Entry | None]] = {}
        for path, entry in changes.items():
            name, _, rest = path.partition("/")
            if rest:
                below.setdefault(name, {})[rest] = entry
            elif entry is None:
                entries.pop(name, None)
            else:
                entries[name] = entry
        for name, inner in below.items():
            old = entries.get(name)
            new = self.change(old.sha if old and old.mode == TREE else self.empty, inner)
            if new != self.empty:
                entries[name] = Entry(TREE, new)
            elif old and old.mode == TREE:
                del entries[name]
        return self.tree(entries)

    def find(self, tree: str, path: str) -> Entry | None:
        """Look a path up; the empty path is the tree itself."""
        entry: Entry | None = Entry(TREE, tree)
        for name in filter(None, path.split("/")):
            if entry is None or entry.mode != TREE:
                return None
            entry = self.trees[entry.sha].get(name)
        return entry

    def walk(self, tree: str, folder: str = "") -> Iterator[tuple[str, Entry]]:
        """Yield every path below a tree, folders before their contents, in git's order."""
        for name, entry in self.trees[tree].items():
            yield f"{folder}{name}", entry
            if entry.mode == TREE:
                yield from self.walk(entry.sha, f"{folder}{name}/")

    def size(self, entry: Entry) -> int:
        """Return a file's size; a folder and a submodule have none."""
        return len(self.blobs.get(entry.sha, b""))

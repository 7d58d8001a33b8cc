"""The files of a repository at one commit: from the workspace if it is checked out there, else from GitHub."""

from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Self, TypeVar
from urllib.parse import quote

from pydantic import RootModel, model_validator

from dx_action.errors import InvalidValue
from dx_action.github.client import Answer, Repository
from dx_action.github.commits import Tree, listed_paths, tree_at
from dx_action.github.errors import LookupFailedError, Missing
from dx_action.github.retries import BACKOFF, RETRIES
from dx_action.runner.workspace import MEBIBYTE, NoFolder, NotThere, Unusable, Workspace
from dx_action.text import one_line, truncate

T = TypeVar("T")
# GitHub does not load a larger CODEOWNERS; maps and catalogs have their own, smaller limits.
_MOST = 3 * MEBIBYTE
# Seconds before another attempt at an answer that cannot be read.
_WAITS = tuple(BACKOFF * 2**number for number in range(RETRIES))
# What may be in place of a file, by the words of a content and of a tree.
_NO_FILES = {"dir": "a folder", "tree": "a folder", "submodule": "a submodule", "commit": "a submodule"}
_NO_FILES |= dict.fromkeys(("symlink", _LINK := "120000"), "a symbolic link, which is not followed")


class _Blob(Answer):
    content: str | None = None
    encoding: str | None = None
    size: int

    @property
    def data(self) -> bytes:
        """The content. Raises ValueError if it is not whole, and in base64, as documented."""
        data = b64decode("".join((self.content or "").split()), validate=True)
        if self.encoding != "base64" or len(data) != self.size:
            raise ValueError
        return data

    @model_validator(mode="after")
    def _check(self) -> Self:
        _ = self.data
        return self


class _Content(_Blob):
    """What is at a path. Over 1 MB a file's content is left out."""

    type: str
    sha: str

    @model_validator(mode="after")
    def _check(self) -> Self:
        _ = self.encoding == "none" or self.type in _NO_FILES or self.data
        return self


class _Contents(RootModel[_Content | list[object]]):
    """A file, a link or a submodule; a list for a folder."""


class FilesAt:
    """The files of a repository at a commit. `own`: the workspace may be its checkout."""

    def __init__(self, repository: Repository, commit: str, workspace: Workspace, *, own: bool) -> None:
        self._repository, self._commit, self._workspace, self._own = repository, commit, workspace, own

    def read(self, path: str) -> bytes | None:
        """Return a file; None if there is none. Raises InvalidValue, LookupFailedError."""
        if not self.checked_out:
            with _asking_for(path):
                return self._read_there(path)
        try:
            return self._workspace.read(path, _MOST)
        except (NotThere, NoFolder):  # what was a folder before the change may be a file now
            return None
        except Unusable as wrong:
            raise InvalidValue(f"is {wrong.what}") from None

    @cached_property
    def checked_out(self) -> bool:
        """Looked at once: of a monorepo's catalogs, hundreds of paths are tried."""
        return self._own and self._workspace.is_checkout(self._repository.name)

    def paths(self) -> frozenset[str]:
        """Return every path of the commit, a submodule's with a slash at its end. Raises CutError, LookupFailedError."""
        tracked = self._workspace.tracked() if self.checked_out else None
        if tracked is not None:
            return frozenset(tracked)
        return frozenset(self._again(lambda: [*listed_paths(self._repository, self._commit)]))

    def read_named(self, path: str) -> bytes | None:
        """Return a file that an input names: the workspace's own counts, whichever step put it there."""
        try:
            return self._workspace.read(path, _MOST)
        except NotThere:
            return self.read_committed(path)

    def read_committed(self, path: str) -> bytes | None:
        """Return a file that an input names as it is in the commit, whatever the workspace has."""
        with _asking_for(path):
            return self._contents(path, "names")

    def _read_there(self, path: str) -> bytes | None:
        """Read a file from GitHub: one call for the names of all files, and one for each that is read."""
        entry = self._tree.by_path.get(path)
        if entry is None:
            return self._contents(path, "is") if self._tree.truncated else None
        kind = _LINK if entry.mode == _LINK else entry.type
        if kind in _NO_FILES:
            raise _no_file(kind, "is")
        return self._blob(entry.sha)

    @cached_property
    def _tree(self) -> Tree:
        return self._again(lambda: tree_at(self._repository, self._commit, recursive=True))

    def _contents(self, path: str, verb: str) -> bytes | None:
        place = f"contents/{quote(path)}"
        try:
            found = self._again(lambda: self._repository.get(place, "contents", _Contents, ref=self._commit)).root
        except Missing:
            return None
        if isinstance(found, list) or found.type in _NO_FILES:
            raise _no_file("dir" if isinstance(found, list) else found.type, verb)
        return self._blob(found.sha) if found.encoding == "none" else found.data

    def _blob(self, sha: str) -> bytes:
        return self._again(lambda: self._repository.get(f"git/blobs/{sha}", "contents", _Blob)).data

    def _again(self, ask: Callable[[], T]) -> T:
        """Ask again for an answer that cannot be read: what a proxy or an overloaded server put there may pass."""
        for wait in _WAITS:
            try:
                return ask()
            except LookupFailedError as error:
                if not error.unreadable or wait >= self._repository.left():
                    raise
                self._repository.clock.sleep(wait)
        return ask()


def _no_file(kind: str, verb: str) -> InvalidValue:
    return InvalidValue(f"{verb} {_NO_FILES[kind]}. Put a file there.")


@contextmanager
def _asking_for(path: str) -> Iterator[None]:
    """Name the file in the error for an answer that cannot be read."""
    try:
        yield
    except LookupFailedError as error:
        if not error.unreadable:
            raise
        text = f"was asked for the file {truncate(one_line(path))}, and {error.problems[0].text}"
        raise LookupFailedError(text, error.kind) from None

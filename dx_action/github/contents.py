"""The files of a repository at one commit: from the workspace if it is checked out there, else from GitHub."""

from functools import cached_property
from urllib.parse import quote

from pydantic import Base64Bytes, Field, RootModel

from dx_action.errors import InvalidValue
from dx_action.github.client import Answer, Repository
from dx_action.github.commits import Tree, tree_at
from dx_action.github.errors import Missing
from dx_action.runner.workspace import MEBIBYTE, NoFolder, NotThere, Workspace

# GitHub does not load a larger CODEOWNERS; maps and catalogs have their own, smaller limits.
_MOST = 3 * MEBIBYTE
_LINK = "120000"


class _Blob(Answer):
    content: Base64Bytes = Field(strict=False)


class _Content(Answer):
    type: str
    sha: str
    encoding: str | None = None
    content: Base64Bytes = Field(b"", strict=False)


class _Contents(RootModel[_Content | list[object]]):
    """A file, a link or a submodule; a list for a folder."""


class FilesAt:
    """The files of a repository at a commit. `own`: the workspace may be its checkout."""

    def __init__(self, repository: Repository, commit: str, workspace: Workspace, *, own: bool) -> None:
        self._repository, self._commit, self._workspace, self._own = repository, commit, workspace, own

    def read(self, path: str) -> bytes | None:
        """Return a file; None if there is none. Raises InvalidValue, LookupFailedError."""
        if not self._checked_out:
            return self._read_there(path)
        try:
            return self._workspace.read(path, _MOST)
        except (NotThere, NoFolder):  # what was a folder before the change may be a file now
            return None

    @cached_property
    def _checked_out(self) -> bool:
        """Looked at once: of a monorepo's catalogs, hundreds of paths are tried."""
        return self._own and self._workspace.is_checkout(self._repository.name)

    def read_named(self, path: str) -> bytes | None:
        """Return a file that an input names: the workspace's own counts, whichever step put it there."""
        try:
            return self._workspace.read(path, _MOST)
        except NotThere:
            return self._contents(path)

    def _read_there(self, path: str) -> bytes | None:
        """Read a file from GitHub: one call for the names of all files, and one for each that is read."""
        entry = self._tree.by_path.get(path)
        if entry is None or entry.type != "blob":
            return self._contents(path) if self._tree.truncated else None
        if entry.mode == _LINK:
            raise InvalidValue("is a symbolic link, which is not followed. Put a file there.")
        return self._blob(entry.sha)

    @cached_property
    def _tree(self) -> Tree:
        return tree_at(self._repository, self._commit, recursive=True)

    def _contents(self, path: str) -> bytes | None:
        try:
            found = self._repository.get(f"contents/{quote(path)}", "contents", _Contents, ref=self._commit).root
        except Missing:
            return None
        if not isinstance(found, _Content) or found.type != "file":
            return None
        # Over 1 MB the file's own answer leaves its content out.
        return found.content if found.encoding == "base64" else self._blob(found.sha)

    def _blob(self, sha: str) -> bytes:
        return self._repository.get(f"git/blobs/{sha}", "contents", _Blob).content

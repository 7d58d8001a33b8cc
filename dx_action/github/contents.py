"""Owns where a repository's files are read: the workspace where it is checked out, else GitHub at the deployed commit."""

import base64
from collections.abc import Callable
from functools import cached_property
from urllib.parse import quote

from dx_action.errors import InvalidValue
from dx_action.github.client import Api, Missing
from dx_action.runner.workspace import MEBIBYTE, NoFolder, NotThere, Workspace

# GitHub does not load a larger CODEOWNERS; maps and catalogs have their own, smaller limits.
_MOST = 3 * MEBIBYTE
_LINK = "120000"


class FilesAt:
    """The files of one repository at one commit. `checkout` is where it may be checked out; `api` is called only when needed."""

    def __init__(
        self, checkout: Workspace | None, workspace: Workspace, api: Callable[[], Api], repository: str, commit: str
    ) -> None:
        self._checkout, self._workspace, self._api, self._repository = checkout, workspace, api, repository
        self._where = f"/repos/{repository}"
        self._commit = commit
        self._blobs: dict[str, tuple[str, str]] | None = None
        self._whole = True

    def read(self, path: str) -> bytes | None:
        """Give a file, or None where there is none. Raises InvalidValue, LookupFailedError, Missing."""
        if self._checked_out:
            try:
                return self._read_here(path)
            except NoFolder:  # what was a folder before the change may be a file now
                return None
        return self._read_there(path)

    @cached_property
    def _checked_out(self) -> bool:
        """Tell it once: of a monorepo's catalogs, hundreds of paths are tried."""
        return self._checkout is not None and self._checkout.is_checkout(self._repository)

    def read_named(self, path: str) -> bytes | None:
        """Give a file that an input names: from the workspace where it lies there, whoever put it there."""
        found = self._read_here(path)
        return self._contents(path) if found is None else found

    def _read_here(self, path: str) -> bytes | None:
        try:
            return self._workspace.read(path, _MOST)
        except NotThere:
            return None

    def _read_there(self, path: str) -> bytes | None:
        """Give a file as GitHub has it: one call for the names of all files, and one for each that is read."""
        if self._blobs is None:
            tree = self._api().get(f"{self._where}/git/trees/{self._commit}", "contents", recursive=1)
            self._blobs = {
                entry["path"]: (entry["mode"], entry["sha"]) for entry in tree["tree"] if entry["type"] == "blob"
            }
            self._whole = not tree.get("truncated")
        if path in self._blobs:
            mode, sha = self._blobs[path]
            if mode == _LINK:
                raise InvalidValue("is a symbolic link, which is not followed. Put a file there.")
            return self._blob(sha)
        return None if self._whole else self._contents(path)

    def _contents(self, path: str) -> bytes | None:
        try:
            found = self._api().get(f"{self._where}/contents/{quote(path)}", "contents", ref=self._commit)
        except Missing:
            return None
        if not isinstance(found, dict) or found["type"] != "file":
            return None
        # Over 1 MB the file's own answer leaves its content out.
        return base64.b64decode(found["content"]) if found["encoding"] == "base64" else self._blob(found["sha"])

    def _blob(self, sha: str) -> bytes:
        return base64.b64decode(self._api().get(f"{self._where}/git/blobs/{sha}", "contents")["content"])

"""Commits: the way from one to another, the files that differ between two, and when one was made."""

from collections.abc import Iterator, Sequence
from typing import Literal
from urllib.parse import quote

from pydantic import AliasPath, Field

from dx_action.changes.changeset import Course, Span, UnknownCommitError
from dx_action.github.client import PER_PAGE, Answer, Repository
from dx_action.github.errors import Missing

# So many commits are a year's work or a mistake, and their look-up would use up the time for all.
MOST_COMMITS = 2_500
# GitHub's "Compare two commits" lists no more files than these.
MOST_FILES = 300
_PERMISSION = "contents"
_COURSES: dict[str, Course] = {
    "ahead": "forward",
    "behind": "rollback",
    "identical": "redeploy",
    "diverged": "diverged",
}


class TooManyCommitsError(Exception):
    """Two commits lie further apart than is looked up."""


class CutError(Exception):
    """GitHub does not list even one folder whole."""


class ChangedFile(Answer):
    """A file that changed, and its former path if it was moved."""

    filename: str
    previous_filename: str | None = None


class _Commit(Answer):
    sha: str


class _Comparison(Answer):
    status: Literal["ahead", "behind", "identical", "diverged"]
    total_commits: int
    commits: list[_Commit]
    merge_base: str = Field(validation_alias=AliasPath("merge_base_commit", "sha"))
    files: list[ChangedFile] | None = None

    @property
    def course(self) -> Course:
        return _COURSES[self.status]


class Entry(Answer):
    """A file, a folder (`tree`) or a submodule (`commit`) in a tree."""

    path: str
    mode: str
    type: str
    sha: str


class Tree(Answer):
    """A folder's entries, or all below it. `truncated`: some are left out."""

    entries: list[Entry] = Field(alias="tree")
    truncated: bool = False


class _Committed(Answer):
    at: str = Field(validation_alias=AliasPath("commit", "committer", "date"))


_Entries = dict[str, tuple[str, str, str]]


def span(repository: Repository, before: str, after: str) -> Span:
    """Compare two commits: a call, and one more for each further 100 between them.

    Raises UnknownCommitError and TooManyCommitsError.
    """
    try:
        found = _compared(repository, before, after)
        if found.total_commits > MOST_COMMITS:
            raise TooManyCommitsError
        new = found.course in ("forward", "diverged")
        return Span(found.course, commits_between(repository, before, after) if new else ())
    except Missing:
        raise UnknownCommitError from None


def course(repository: Repository, before: str, after: str) -> Course:
    """Return the way from one commit, or a branch, to another: one call. Raises UnknownCommitError."""
    try:
        return _compared(repository, before, after, most=1).course
    except Missing:
        raise UnknownCommitError from None


def commits_between(repository: Repository, before: str, after: str) -> tuple[str, ...]:
    """Return the commits that `after` has and `before` does not: a call for each 100. Raises Missing."""
    found: list[str] = []
    page = 1
    while True:
        answer = _compared(repository, before, after, page)
        found += [commit.sha for commit in answer.commits]
        if len(found) >= answer.total_commits or not answer.commits:
            return tuple(found)
        page += 1


def merge_base(repository: Repository, base: str, head: str) -> str:
    """Return the commit at which two branches parted: one call, without files. Raises Missing."""
    return _compared(repository, base, head, page=2, most=1).merge_base


def committed_at(repository: Repository, commit: str) -> str:
    """Return the commit's committer date. Raises Missing."""
    return repository.get(f"commits/{commit}", _PERMISSION, _Committed, per_page=1).at


def range_files(repository: Repository, before: str, after: str) -> frozenset[str]:
    """Return the paths that differ between two commits: one call, or two trees more if `after` does not follow `before`.

    Raises UnknownCommitError and CutError.
    """
    try:
        found = _compared(repository, before, after)
    except Missing:
        raise UnknownCommitError from None
    files = found.files or []
    if found.status == "identical":
        return frozenset()
    if found.status == "ahead" and len(files) < MOST_FILES:
        return paths_of(files)
    return changed_paths(repository, before, after)


def paths_of(files: Sequence[ChangedFile]) -> frozenset[str]:
    """Return the files' paths, and the former ones of those that moved: the service that lost a file changed, too."""
    return frozenset(path for file in files for path in (file.filename, file.previous_filename) if path is not None)


def tree_at(repository: Repository, tree: str, *, recursive: bool) -> Tree:
    """Return a tree, by its own id or a commit's. Raises Missing."""
    parameters = {"recursive": 1} if recursive else {}
    return repository.get(f"git/trees/{tree}", _PERMISSION, Tree, **parameters)


def changed_paths(repository: Repository, before: str, after: str) -> frozenset[str]:
    """Return the paths that were added, removed or changed, with both paths of a moved file.

    Two calls if the trees come whole; a tree that GitHub cuts is walked folder by folder, where the ids differ.
    Raises CutError and Missing.
    """
    whole = [tree_at(repository, commit, recursive=True) for commit in (before, after)]
    if not any(tree.truncated for tree in whole):
        old, new = ({path: entry for path, entry in _entries(tree).items() if entry[1] != "tree"} for tree in whole)
        return frozenset(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))
    return frozenset(_walk(repository, _folder(repository, before), _folder(repository, after), ""))


def _compared(repository: Repository, before: str, after: str, page: int = 1, most: int = PER_PAGE) -> _Comparison:
    # A branch or a tag may have a slash in its name.
    ends = f"{quote(before, safe='')}...{quote(after, safe='')}"
    return repository.get(f"compare/{ends}", _PERMISSION, _Comparison, per_page=most, page=page)


def _entries(tree: Tree) -> _Entries:
    return {entry.path: (entry.mode, entry.type, entry.sha) for entry in tree.entries}


def _folder(repository: Repository, tree: str) -> _Entries:
    found = tree_at(repository, tree, recursive=False)
    if found.truncated:
        raise CutError
    return _entries(found)


def _walk(repository: Repository, old: _Entries, new: _Entries, folder: str) -> Iterator[str]:
    for name in sorted(old.keys() | new.keys()):
        entries = old.get(name), new.get(name)
        if entries[0] == entries[1]:
            continue
        if any(entry and entry[1] != "tree" for entry in entries):
            yield f"{folder}{name}"
        below = [_folder(repository, entry[2]) if entry and entry[1] == "tree" else {} for entry in entries]
        yield from _walk(repository, below[0], below[1], f"{folder}{name}/")

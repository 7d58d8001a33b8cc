"""Commits: the way from one to another, the files that differ between two, and when one was made."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Literal
from urllib.parse import quote

from pydantic import AliasPath, Field

from dx_action.changes.changeset import Course, Span, UnavailableError, UnknownCommitError
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


class CutError(UnavailableError):
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


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, a folder (`tree`) or a submodule (`commit`) in a tree."""

    path: str
    mode: str
    type: str
    sha: str


class Tree(Answer):
    """A folder's entries, or all below it. `truncated`: some are left out."""

    entries: list[Entry] = Field(alias="tree")
    truncated: bool = False

    @cached_property
    def by_path(self) -> dict[str, Entry]:
        return {entry.path: entry for entry in self.entries}


class _Committed(Answer):
    at: str = Field(validation_alias=AliasPath("commit", "committer", "date"))


def span(repository: Repository, before: str, after: str) -> Span:
    """Compare two commits: a call, and one more for each further 100 between them.

    Raises UnknownCommitError, and UnavailableError if there are too many.
    """
    try:
        found = _compared(repository, before, after)
        if found.total_commits > MOST_COMMITS:
            raise UnavailableError(f"more than {MOST_COMMITS:,} commits lie between {before[:12]} and it")
        new = found.course in ("forward", "diverged")
        return Span(found.course, commits_between(repository, before, after) if new else ())
    except Missing:
        raise UnknownCommitError from None


def course(repository: Repository, before: str, after: str) -> Course:
    """Return the way from one commit, or a branch, to another: one call. Raises Missing."""
    return _compared(repository, before, after, most=1).course


def commits_between(repository: Repository, before: str, after: str) -> tuple[str, ...]:
    """Return the commits that `after` has and `before` does not: a call for each 100. Raises Missing."""
    found: list[str] = []
    for page in count(1):
        answer = _compared(repository, before, after, page)
        found += [commit.sha for commit in answer.commits]
        if len(found) >= answer.total_commits or not answer.commits:
            break
    return tuple(found)


def merge_base(repository: Repository, base: str, head: str) -> str:
    """Return the commit at which two branches parted: one call, without files. Raises Missing."""
    return _compared(repository, base, head, page=2, most=1).merge_base


def committed_at(repository: Repository, commit: str) -> str:
    """Return the commit's committer date. Raises Missing."""
    return repository.get(f"commits/{commit}", _PERMISSION, _Committed, per_page=1).at


def range_files(repository: Repository, before: str, after: str) -> frozenset[str]:
    """Return the paths that differ between two commits: one call, or two trees more if `after` does not follow `before`.

    Raises Missing and CutError.
    """
    found = _compared(repository, before, after)
    files = found.files or []
    if found.status in ("ahead", "identical") and len(files) < MOST_FILES:
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
        old, new = (set(tree.entries) for tree in whole)
        return frozenset(entry.path for entry in old ^ new if entry.type != "tree")
    return frozenset(_walk(repository, _folder(repository, before), _folder(repository, after), ""))


def _compared(repository: Repository, before: str, after: str, page: int = 1, most: int = PER_PAGE) -> _Comparison:
    # A branch or a tag may have a slash in its name.
    ends = f"{quote(before, safe='')}...{quote(after, safe='')}"
    return repository.get(f"compare/{ends}", _PERMISSION, _Comparison, per_page=most, page=page)


def _folder(repository: Repository, tree: str) -> dict[str, Entry]:
    found = tree_at(repository, tree, recursive=False)
    if found.truncated:
        raise CutError(f"{repository.name} has a folder too large for GitHub to list whole")
    return found.by_path


def _walk(repository: Repository, old: Mapping[str, Entry], new: Mapping[str, Entry], folder: str) -> Iterator[str]:
    for name in sorted(old.keys() | new.keys()):
        entries = old.get(name), new.get(name)
        if entries[0] == entries[1]:
            continue
        if any(entry and entry.type != "tree" for entry in entries):
            yield f"{folder}{name}"
        below = [_folder(repository, entry.sha) if entry and entry.type == "tree" else {} for entry in entries]
        yield from _walk(repository, below[0], below[1], f"{folder}{name}/")

"""Commits: the way from one to another, the files that differ between two, and when one was made."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple
from urllib.parse import quote

from pydantic import AliasPath, ConfigDict, Field, with_config

from dx_action.changes.changeset import Course, Span, UnavailableError, UnknownCommitError, UnrelatedError
from dx_action.errors import ActionError
from dx_action.github.client import PER_PAGE, Answer, Repository
from dx_action.github.errors import LASTING, UNREADABLE, LookupFailedError, Missing

# So many commits are a year's work or a mistake, and their look-up would use up the time for all.
MOST_COMMITS = 2_500
# So many calls take the time for all. Only a push can have as many commits.
MOST_PAGES = 100
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


class EndlessError(LookupFailedError):
    """GitHub lists more commits than are read."""


class MissingCommit(Missing):
    """The repository does not have the tree of a commit, or GitHub hides it from this token."""

    def __init__(self, commit: str, error: ActionError) -> None:
        super().__init__(error.problems[0].text, "missing")
        self.commit = commit


class ChangedFile(Answer):
    """A file of one of GitHub's lists. `previous_filename` is where it was moved or copied from."""

    filename: str = Field(min_length=1)
    status: str
    previous_filename: str | None = None


class ComparedFiles(NamedTuple):
    """The `number` files of a comparison. `paths` is None if GitHub does not say where one was; `cut`: there may be more."""

    paths: frozenset[str] | None
    number: int
    cut: bool
    merge_base: str


@dataclass(frozen=True, slots=True)
class ChangedPaths:
    """The paths that changed. A submodule's ends with a slash; unless `exact`, it may look like a file's."""

    paths: frozenset[str]
    exact: bool


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


# A dataclass can come only from a mapping that is made to be one; its fields are all text.
@with_config(ConfigDict(strict=False))
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
    truncated: bool

    @cached_property
    def by_path(self) -> dict[str, Entry]:
        return {entry.path: entry for entry in self.entries}


class _Committed(Answer):
    at: str = Field(validation_alias=AliasPath("commit", "committer", "date"))


def span(repository: Repository, before: str, after: str) -> Span:
    """Compare two commits: a call, and one more for each further 100 between them.

    Raises UnknownCommitError, UnrelatedError, and UnavailableError if there are too many.
    """
    try:
        found = _compared(repository, before, after)
        if found.total_commits > MOST_COMMITS:
            raise UnavailableError(f"more than {MOST_COMMITS:,} commits lie between {before[:12]} and it")
        new = found.course in ("forward", "diverged")
        commits = commits_between(repository, before, after, MOST_COMMITS // PER_PAGE + 1) if new else ()
        return Span(found.course, commits)
    except Missing:
        # GitHub's answer for commits that share no ancestor, too.
        if not all(_is_there(repository, commit) for commit in (before, after)):
            raise UnknownCommitError from None
        text = f"GitHub finds no common history of {before[:12]} and the deployed commit"
        raise UnrelatedError(text) from None


def _is_there(repository: Repository, commit: str) -> bool:
    try:
        tree_at(repository, commit, recursive=False)
    except Missing:
        return False
    return True


def course(repository: Repository, before: str, after: str) -> Course:
    """Return the way from one commit, or a branch, to another: one call. Raises Missing."""
    return _compared(repository, before, after, most=1).course


def commits_between(repository: Repository, before: str, after: str, most: int = MOST_PAGES) -> tuple[str, ...]:
    """Return the commits that `after` has and `before` does not: a call for each 100, until a page is short. Raises Missing.

    Not more than `most` pages are read, whatever GitHub answers.
    """
    found: dict[str, None] = {}
    for page in range(1, most + 1):
        known = len(found)
        commits = [commit.sha for commit in _compared(repository, before, after, page).commits]
        found |= dict.fromkeys(commits)
        if len(commits) < PER_PAGE:
            return tuple(found)
        if len(found) == known:
            raise LookupFailedError(UNREADABLE, unreadable=True)  # the same page again
    text = f"lists {most * PER_PAGE:,} commits or more since {before[:12]}, which are not all read."
    raise EndlessError(text, "rejected")


def merge_base(repository: Repository, base: str, head: str) -> str:
    """Return the commit at which two branches parted: one call, without files. Raises Missing."""
    return _compared(repository, base, head, page=2, most=1).merge_base


def committed_at(repository: Repository, commit: str) -> str:
    """Return the commit's committer date. Raises Missing."""
    return repository.get(f"commits/{commit}", _PERMISSION, _Committed, per_page=1).at


def compared_files(repository: Repository, base: str, head: str) -> ComparedFiles:
    """Return what a branch changed since it parted from another one: one call. Raises Missing."""
    found = _compared(repository, base, head, most=1)
    files = found.files or ()
    return ComparedFiles(listed(files), len(files), len(files) >= MOST_FILES, found.merge_base)


def range_files(repository: Repository, before: str, after: str) -> ChangedPaths:
    """Return what differs between two commits: one call, and two more for the trees if the comparison does not serve.

    It does not if `after` does not follow `before`, if GitHub fails to compare or cuts the list, and if the list is empty.
    Raises MissingCommit and CutError.
    """
    try:
        with repository.replaceable():
            found = _compared(repository, before, after)
    except LookupFailedError as error:
        if error.kind in LASTING:
            raise
        files: Sequence[ChangedFile] = ()
    else:
        files = found.files or () if found.status in ("ahead", "identical") else ()
    if 0 < len(files) < MOST_FILES and (paths := listed(files)):
        return ChangedPaths(paths, exact=False)
    return changed_paths(repository, before, after)


def listed(files: Sequence[ChangedFile]) -> frozenset[str] | None:
    """Return the paths of listed files, with the former one of a file that moved: the service that lost it changed, too.

    None if GitHub does not say where such a file was.
    """
    changed = [file for file in files if file.status != "unchanged"]
    former = [file.previous_filename or "" for file in changed if file.status == "renamed"]
    return None if "" in former else frozenset((*(file.filename for file in changed), *former))


def tree_at(repository: Repository, tree: str, *, recursive: bool) -> Tree:
    """Return a tree, by its own id or a commit's. Raises Missing."""
    parameters = {"recursive": 1} if recursive else {}
    return repository.get(f"git/trees/{quote(tree, safe='')}", _PERMISSION, Tree, **parameters)


def changed_paths(repository: Repository, before: str, after: str) -> ChangedPaths:
    """Return the paths that were added, removed or changed, with both paths of a moved file.

    Two calls if the trees come whole; a tree that GitHub cuts is walked folder by folder, where the ids differ.
    Raises CutError and MissingCommit.
    """
    whole = [_tree_of(repository, commit) for commit in (before, after)]
    if any(tree.truncated for tree in whole):
        paths = _walk(repository, _folder(repository, before), _folder(repository, after), "")
    else:
        old, new = (set(tree.entries) for tree in whole)
        paths = (_path(entry, entry.path) for entry in old ^ new if entry.type != "tree")
    return ChangedPaths(frozenset(paths), exact=True)


def listed_paths(repository: Repository, tree: str) -> Iterator[str]:
    """Yield the path of every file in a commit's tree: one call, and of a tree that GitHub cuts one more, and one for each folder.

    Raises CutError and Missing.
    """
    found = tree_at(repository, tree, recursive=True)
    if not found.truncated:
        yield from (_path(entry, entry.path) for entry in found.entries if entry.type != "tree")
        return
    for name, entry in _folder(repository, tree).items():
        if entry.type == "tree":
            yield from (f"{name}/{path}" for path in listed_paths(repository, entry.sha))
        else:
            yield _path(entry, name)


def _tree_of(repository: Repository, commit: str) -> Tree:
    try:
        return tree_at(repository, commit, recursive=True)
    except Missing as error:
        raise MissingCommit(commit, error) from None


def _path(entry: Entry, path: str) -> str:
    return f"{path}/" if entry.type == "commit" else path


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
        yield from (_path(entry, f"{folder}{name}") for entry in entries if entry and entry.type != "tree")
        below = [_folder(repository, entry.sha) if entry and entry.type == "tree" else {} for entry in entries]
        yield from _walk(repository, below[0], below[1], f"{folder}{name}/")

"""Pull requests: by which ones commits were merged, when their first commits were written, and which files they changed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Generic, TypeVar

from pydantic import AliasPath, ConfigDict, Field

from dx_action.changes.changeset import MergedPull, PullChange
from dx_action.github.client import PER_PAGE, Answer, Connection, Node, Repository
from dx_action.github.commits import ChangedFile, ChangedPaths, CutError, changed_paths, listed, merge_base
from dx_action.github.errors import UNREADABLE, LookupFailedError

K = TypeVar("K", int, str)
T = TypeVar("T")

# GitHub's "List pull requests files" lists no more than these.
MOST_FILES = 3000
_PERMISSION = "pull-requests"


class _Pull(Answer):
    """A pull request by the names of MergedPull's fields, and its repository."""

    number: int
    id: int | None
    title: str
    url: str
    author: str = Field("ghost", validation_alias=AliasPath("author", "login"))
    merged_at: str | None
    merge_commit_sha: str | None = Field(None, validation_alias=AliasPath("mergeCommit", "oid"))
    base_ref: str
    base: str
    head: str
    changed_files: int
    merged: bool
    repository: str = Field(validation_alias=AliasPath("repository", "nameWithOwner"))


class _Commit(Answer):
    authored_date: str = Field(validation_alias=AliasPath("commit", "authoredDate"))


class _File(Node):
    path: str
    change_type: str


class _Item(Answer, Generic[T]):
    page: Connection[T | None] | None = None


class _Batch(Answer, Generic[T]):
    """The repository's name of today, and a page of each commit or pull request under an alias."""

    model_config = ConfigDict(extra="allow")
    own: str
    __pydantic_extra__: dict[str, _Item[T] | None] = Field(init=False)


@dataclass(frozen=True, slots=True)
class _Query(Generic[T]):
    """The query for a list of each of many commits or pull requests. `field` has `$key`, whose type is `kind`, and `$after`.

    `size`: GitHub answers for so many in a call well within its ten seconds.
    """

    answer: type[_Batch[T]]
    size: int
    kind: str
    field: str
    connection: str
    nodes: str


_ASSOCIATED = _Query(
    _Batch[_Pull],
    200,
    "String!",
    "object(expression: $key) { ... on Commit { page: associatedPullRequests(first: 20, after: $after) { ...page } } }",
    "PullRequestConnection",
    "number id: fullDatabaseId title url merged merged_at: mergedAt changed_files: changedFiles author { login } "
    "base_ref: baseRefName base: baseRefOid head: headRefOid mergeCommit { oid } repository { nameWithOwner }",
)
_AUTHORED = _Query(
    _Batch[_Commit],
    150,
    "Int!",
    "pullRequest(number: $key) { page: commits(first: 100, after: $after) { ...page } }",
    "PullRequestCommitConnection",
    "commit { authoredDate }",
)
_FILES = _Query(
    _Batch[_File],
    50,
    "Int!",
    "pullRequest(number: $key) { page: files(first: 100, after: $after) { ...page } }",
    "PullRequestChangedFileConnection",
    "path changeType",
)


class _Ends(Answer):
    base: str = Field(validation_alias=AliasPath("base", "sha"))
    head: str = Field(validation_alias=AliasPath("head", "sha"))


def merged_by(commits: Sequence[str], pulls: Mapping[str, Sequence[MergedPull]]) -> tuple[MergedPull, ...]:
    """Keep those of each commit's pull requests whose merge commit is one of the commits, in the commits' order."""
    whole = frozenset(sha.lower() for sha in commits)
    short = tuple(sha for sha in whole if len(sha) < 40)
    found = {}
    for pull in (pull for commit in commits for pull in pulls[commit]):
        if pull.merge_commit_sha in whole or pull.merge_commit_sha.startswith(short):
            found[pull.number] = pull
    return tuple(found.values())


def associated(repository: Repository, commits: Sequence[str]) -> dict[str, tuple[MergedPull, ...]]:
    """Return each commit's merged pull requests of this very repository: a call for each 200 commits. Raises Missing.

    GitHub lists those of forks and of what this was forked from, too, so that more calls are needed if these are many.
    """
    found: dict[str, tuple[MergedPull, ...]] = dict.fromkeys(commits, ())
    after: dict[str, str | None] = dict.fromkeys(commits)
    while after:
        more: dict[str, str | None] = {}
        for sha, own, page in _pages(repository, _ASSOCIATED, after):
            here = [pull for pull in page.nodes if pull and pull.repository == own]
            found[sha] = tuple(_merged(pull) for pull in here if pull.merged and pull.merge_commit_sha)
            if not found[sha] and page.has_next_page:
                more[sha] = page.end_cursor
        after = more
    return found


def first_authored(repository: Repository, pulls: Sequence[MergedPull]) -> tuple[MergedPull, ...]:
    """Return the pull requests with when the earliest commit of each was authored. Raises Missing.

    A call for each 150 pull requests; and again one for each 150 of those that have more than 100 commits, or than 200.
    """
    dates: dict[int, list[str]] = {pull.number: [] for pull in pulls}
    after: dict[int, str | None] = dict.fromkeys(dates)
    while after:
        more: dict[int, str | None] = {}
        for number, _, page in _pages(repository, _AUTHORED, after):
            dates[number] += [commit.authored_date for commit in page.nodes if commit]
            if page.has_next_page:
                more[number] = page.end_cursor
        after = more
    return tuple(replace(pull, first_commit_at=min(dates[pull.number], default=None)) for pull in pulls)


def pull_files(repository: Repository, pull: PullChange) -> ChangedPaths:
    """Return a pull request's changed paths: a call for each 100 files, or the trees of its merge base and head.

    The trees are compared if GitHub's list is cut or empty. The number of files that the event has only saves a list that
    would be cut. Raises Missing and CutError.
    """
    if (pull.changed_files or 0) >= MOST_FILES:
        found = pull_trees(repository, pull)
        if len(found.paths) >= MOST_FILES:
            return found
    pages = repository.pages(f"pulls/{pull.number}/files", _PERMISSION, list[ChangedFile])
    files = [file for page in islice(pages, MOST_FILES // PER_PAGE) for file in page]
    paths = listed(files)
    if paths and len(files) < MOST_FILES:
        return ChangedPaths(paths, exact=False)
    found = pull_trees(repository, pull)
    if paths and not paths <= {path.rstrip("/") for path in found.paths}:
        raise CutError(f"GitHub lists other files of pull request #{pull.number} than its commits have")
    return found


def pull_trees(repository: Repository, pull: PullChange) -> ChangedPaths:
    """Return a pull request's changed paths by the trees of its merge base and head: three calls, and one if no event names them.

    Raises Missing and CutError.
    """
    base, head = pull.base, pull.head
    if base is None or head is None:
        found = repository.get(f"pulls/{pull.number}", _PERMISSION, _Ends)
        base, head = found.base, found.head
    return changed_paths(repository, merge_base(repository, base, head), head)


def pulls_files(repository: Repository, pulls: Sequence[MergedPull]) -> dict[int, ChangedPaths]:
    """Return the changed paths of several pull requests, by their numbers: a call for each 50.

    One with more than 100 files is asked for by itself, and one with a file that moved: only its list has the former path.
    Raises Missing and CutError.
    """
    found: dict[int, ChangedPaths] = {}
    short = [pull.number for pull in pulls if 0 < pull.changed_files <= PER_PAGE]
    for number, _, page in _pages(repository, _FILES, dict.fromkeys(short)):
        files = [file for file in page.nodes if file and file.change_type != "RENAMED"]
        if files and len(files) == len(page.nodes) and not page.has_next_page:
            found[number] = ChangedPaths(frozenset(file.path for file in files), exact=False)
    return {pull.number: found.get(pull.number) or pull_files(repository, pull.change) for pull in pulls}


def _pages(
    repository: Repository, query: _Query[T], after: Mapping[K, str | None]
) -> Iterator[tuple[K, str, Connection[T | None]]]:
    """Yield each key that exists, the repository's name of today, and the page after the key's cursor."""
    fragment = (
        f" fragment page on {query.connection} {{ pageInfo {{ hasNextPage endCursor }} nodes {{ {query.nodes} }} }}"
    )
    every = list(after)
    for start in range(0, len(every), query.size):
        batch = every[start : start + query.size]
        fields, variables = ["own: nameWithOwner"], dict[str, tuple[str, int | str | None]]()
        for number, key in enumerate(batch):
            field = query.field.replace("$key", f"$key{number}").replace("$after", f"$after{number}")
            fields.append(f"item{number}: {field}")
            variables |= {f"key{number}": (query.kind, key), f"after{number}": ("String", after[key])}
        found = repository.query(" ".join(fields), _PERMISSION, query.answer, variables, fragment)
        for number, key in enumerate(batch):
            item = found.__pydantic_extra__.get(f"item{number}")
            if item and item.page:
                yield key, found.own, item.page


def _merged(pull: _Pull) -> MergedPull:
    if pull.id is None or pull.merged_at is None:
        raise LookupFailedError(UNREADABLE)
    return MergedPull(**pull.model_dump(exclude={"merged", "repository"}))

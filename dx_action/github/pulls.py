"""Pull requests: by which ones commits were merged, when their first commits were written, and which files they changed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from pydantic import AliasPath, ConfigDict, Field

from dx_action.changes.changeset import MergedPull, PullChange
from dx_action.github.client import PER_PAGE, Answer, Connection, Node, Repository
from dx_action.github.commits import ChangedFile, changed_paths, merge_base, paths_of
from dx_action.github.errors import UNREADABLE, failure

T = TypeVar("T")

# GitHub's "List pull requests files" lists no more than these.
MOST_FILES = 3000
_PERMISSION = "pull-requests"
# What GitHub answers well within its ten seconds.
_COMMITS_A_CALL, _DATED_A_CALL, _LISTED_A_CALL = 200, 150, 50
_PULLS = """
fragment pulls on PullRequestConnection {
  pageInfo { hasNextPage endCursor }
  nodes {
    number fullDatabaseId title url merged mergedAt baseRefName baseRefOid headRefOid changedFiles
    repository { nameWithOwner }
    author { login }
    mergeCommit { oid }
  }
}
"""
_AUTHORED = """
fragment authored on PullRequestCommitConnection {
  pageInfo { hasNextPage endCursor } nodes { commit { authoredDate } }
}
"""
_FILES = """
fragment files on PullRequest { number files(first: 100) { nodes { path changeType } } }
"""


class _Pull(Node):
    number: int
    full_database_id: int | None
    title: str
    url: str
    merged: bool
    merged_at: str | None
    base_ref_name: str
    base_ref_oid: str
    head_ref_oid: str
    changed_files: int
    author: str = Field("ghost", validation_alias=AliasPath("author", "login"))
    merge_commit: str | None = Field(None, validation_alias=AliasPath("mergeCommit", "oid"))
    repository: str = Field(validation_alias=AliasPath("repository", "nameWithOwner"))


class _Commit(Node):
    associated_pull_requests: Connection[_Pull | None] | None = None


class _Associated(Node):
    """The repository's name of today, and each commit under an alias."""

    model_config = ConfigDict(extra="allow")
    own: str
    __pydantic_extra__: dict[str, _Commit | None] = Field(init=False)


class _PullCommit(Node):
    authored_date: str = Field(validation_alias=AliasPath("commit", "authoredDate"))


class _Dated(Node):
    number: int
    commits: Connection[_PullCommit | None]


class _File(Node):
    path: str
    change_type: str


class _Listed(Node):
    number: int
    files: list[_File | None] | None = Field(None, validation_alias=AliasPath("files", "nodes"))


class _Ends(Answer):
    base: str = Field(validation_alias=AliasPath("base", "sha"))
    head: str = Field(validation_alias=AliasPath("head", "sha"))
    changed_files: int


def merged_by(commits: Sequence[str], pulls: Mapping[str, Sequence[MergedPull]]) -> tuple[MergedPull, ...]:
    """Keep those of each commit's pull requests whose merge commit is one of the commits, in the commits' order."""
    whole = frozenset(sha.lower() for sha in commits)
    short = tuple(sha for sha in whole if len(sha) < 40)
    found = {}
    for pull in (pull for commit in commits for pull in pulls[commit]):
        if pull.merge_commit_sha in whole or pull.merge_commit_sha.startswith(short or ("-",)):
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
        for batch in _batches(after, _COMMITS_A_CALL):
            for sha, own, pulls in _associated(repository, {sha: after[sha] for sha in batch}):
                here = [pull for pull in pulls.nodes if pull and pull.repository == own]
                found[sha] = tuple(_merged(pull) for pull in here if pull.merged and pull.merge_commit)
                if not found[sha] and pulls.has_next_page:
                    more[sha] = pulls.end_cursor
        after = more
    return found


def _associated(
    repository: Repository, after: Mapping[str, str | None]
) -> Iterator[tuple[str, str, Connection[_Pull | None]]]:
    """Yield each commit that exists, the name of the repository, and a page of the commit's pull requests."""
    fields, variables = ["own: nameWithOwner"], dict[str, tuple[str, str]]()
    for number, (sha, cursor) in enumerate(after.items()):
        page = f", after: $after{number}" if cursor else ""
        pulls = f"associatedPullRequests(first: 20{page}) {{ ...pulls }}"
        fields.append(f"c{number}: object(expression: $c{number}) {{ ... on Commit {{ {pulls} }} }}")
        variables[f"c{number}"] = ("String!", sha)
        if cursor:
            variables[f"after{number}"] = ("String!", cursor)
    found = repository.query(" ".join(fields), _PERMISSION, _Associated, variables, _PULLS)
    for number, sha in enumerate(after):
        commit = found.__pydantic_extra__.get(f"c{number}")
        if commit and commit.associated_pull_requests:
            yield sha, found.own, commit.associated_pull_requests


def first_authored(repository: Repository, pulls: Sequence[MergedPull]) -> tuple[MergedPull, ...]:
    """Return the pull requests with when the earliest commit of each was authored. Raises Missing.

    A call for each 150 pull requests; and again one for each 150 of those that have more than 100 commits, or than 200.
    """
    after: dict[int, str | None] = {pull.number: None for pull in pulls}
    first: dict[int, str] = {}
    while after:
        more: dict[int, str | None] = {}
        for batch in _batches(after, _DATED_A_CALL):
            for pull in _authored(repository, {number: after[number] for number in batch}):
                dates = [node.authored_date for node in pull.commits.nodes if node]
                dates += [first[pull.number]] if pull.number in first else []
                if dates:
                    first[pull.number] = min(dates)
                if pull.commits.has_next_page:
                    more[pull.number] = pull.commits.end_cursor
        after = more
    return tuple(replace(pull, first_commit_at=first.get(pull.number)) for pull in pulls)


def _authored(repository: Repository, after: Mapping[int, str | None]) -> list[_Dated]:
    fields, variables = list[str](), dict[str, tuple[str, int | str | None]]()
    for number, cursor in after.items():
        commits = f"commits(first: 100, after: $after{number}) {{ ...authored }}"
        fields.append(f"p{number}: pullRequest(number: $p{number}) {{ number {commits} }}")
        variables |= {f"p{number}": ("Int!", number), f"after{number}": ("String", cursor)}
    found = repository.query(" ".join(fields), _PERMISSION, dict[str, _Dated | None], variables, _AUTHORED)
    return [pull for pull in found.values() if pull]


def pull_files(repository: Repository, pull: PullChange) -> frozenset[str]:
    """Return a pull request's changed paths: a call for each 100 files, or, over 3,000, the trees of merge base and head.

    Raises Missing and CutError.
    """
    if pull.changed_files is None or pull.base is None or pull.head is None:
        found = repository.get(f"pulls/{pull.number}", _PERMISSION, _Ends)
        pull = PullChange(pull.number, found.base, found.head, found.changed_files)
    count, base, head = pull.changed_files or 0, str(pull.base), str(pull.head)
    if count <= MOST_FILES:
        files: list[ChangedFile] = []
        for page in range(1, -(-count // PER_PAGE) + 1):
            path = f"pulls/{pull.number}/files"
            files += repository.get(path, _PERMISSION, list[ChangedFile], per_page=PER_PAGE, page=page)
        if len(files) >= count:
            return paths_of(files)
    return changed_paths(repository, merge_base(repository, base, head), head)


def pulls_files(repository: Repository, pulls: Sequence[MergedPull]) -> dict[int, frozenset[str]]:
    """Return the changed paths of several pull requests, by their numbers: a call for each 50.

    One with more than 100 files is asked for by itself, and one with a file that moved: only its list has the former path.
    Raises Missing and CutError.
    """
    found: dict[int, frozenset[str]] = {}
    for numbers in _batches([pull.number for pull in pulls if 0 < pull.changed_files <= PER_PAGE], _LISTED_A_CALL):
        fields = " ".join(f"p{number}: pullRequest(number: $p{number}) {{ ...files }}" for number in numbers)
        variables = {f"p{number}": ("Int!", number) for number in numbers}
        answer = repository.query(fields, _PERMISSION, dict[str, _Listed | None], variables, _FILES)
        for pull in (pull for pull in answer.values() if pull):
            files = [file for file in pull.files or () if file]
            if files and all(file.change_type not in ("RENAMED", "COPIED") for file in files):
                found[pull.number] = frozenset(file.path for file in files)
    for each in pulls:
        if each.number not in found:
            found[each.number] = pull_files(
                repository, PullChange(each.number, each.base, each.head, each.changed_files)
            )
    return found


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    every = list(items)
    return (every[start : start + size] for start in range(0, len(every), size))


def _merged(pull: _Pull) -> MergedPull:
    if pull.full_database_id is None or pull.merged_at is None or pull.merge_commit is None:
        raise failure(UNREADABLE)
    return MergedPull(
        number=pull.number,
        id=pull.full_database_id,
        title=pull.title,
        url=pull.url,
        author=pull.author,
        merged_at=pull.merged_at,
        merge_commit_sha=pull.merge_commit,
        base_ref=pull.base_ref_name,
        base=pull.base_ref_oid,
        head=pull.head_ref_oid,
        changed_files=pull.changed_files,
    )

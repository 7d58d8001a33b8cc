"""The pull requests that were merged in a window of time, with their changed files.

GitHub's list can be sorted by the last update, which never comes before the merge. So it is read from the newest update on until
every update is older than the window. Its search can filter by the merge instead, but ends after 1,000 results, lags behind, and
is empty without a word if the token lacks a permission.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import AliasPath, Field

from dx_action.changes.changeset import PullChange
from dx_action.github.client import Repository
from dx_action.github.commits import ChangedPaths, CutError, changed_paths, compared_files
from dx_action.github.errors import LASTING, LookupFailedError
from dx_action.github.graphql import Connection, Named, Node, Query, list_pages, moment_of
from dx_action.github.pulls import File, pull_files
from dx_action.inputs.times import parse_time_or_none

# So many pages are read.
MOST_PAGES = 2_000
_PERMISSION = "pull-requests"
_LIST = """
nameWithOwner defaultBranchRef { name }
pullRequests(first: $first, after: $after, states: [MERGED], orderBy: {field: UPDATED_AT, direction: DESC}) {
  pageInfo { hasNextPage endCursor }
  nodes { number fullDatabaseId mergedAt updatedAt baseRefName baseRefOid headRefOid changedFiles %s }
}
"""
_FILES = "files(first: 100) { pageInfo { hasNextPage } nodes { path changeType } }"


class _Pull(Node):
    """A merged pull request, as GraphQL has it, which writes its id, a BigInt, as text."""

    number: int = Field(gt=0)
    full_database_id: Annotated[str, Field(pattern=r"^[0-9]{1,18}$")] | None
    merged_at: str | None
    updated_at: str
    base_ref_name: str
    base_ref_oid: str
    head_ref_oid: str
    changed_files: int = Field(ge=0)
    files: Connection[File | None] | None = None

    @property
    def listed(self) -> ChangedPaths | None:
        """The changed files; None if they did not come whole, or one was moved: only another list has its former path."""
        files = self.files.nodes if self.files and not self.files.has_next_page else []
        kept = [file.path for file in files if file and file.change_type != "RENAMED"]
        whole = kept and len(kept) == self.changed_files
        return ChangedPaths(frozenset(kept), exact=False) if whole else None


class _Page(Named):
    default_branch: str | None = Field(None, validation_alias=AliasPath("defaultBranchRef", "name"))
    pulls: Connection[_Pull | None] = Field(validation_alias="pullRequests")


@dataclass(frozen=True, slots=True)
class PastPull:
    """A merged pull request. `files` is None if the list did not have them whole."""

    id: int | None
    merged_at: datetime
    base_ref: str
    change: PullChange
    files: ChangedPaths | None = None


@dataclass(slots=True)
class PastPulls:
    """The merged pull requests that GitHub returned, by number. `missing`: so many were not returned, or not as merged."""

    by_number: dict[int, PastPull]
    missing: int = 0
    default_branch: str | None = None


def merged_between(repository: Repository, since: datetime, until: datetime, *, files: bool) -> PastPulls:
    """Return what was merged from `since` to `until` into any branch; `files`: with the changed files.

    A call for each 100 pull requests that were merged and updated since then. If they are more, one more call finds those that
    were updated while the list was read, and so moved to its beginning. Raises LookupFailedError.
    """
    found = PastPulls({})
    seen: set[int] = set()
    left = iter(range(MOST_PAGES))
    newest, unmerged = since, 0
    while True:
        end, pages, lacking, known = newest, 0, 0, len(seen)
        for page in _pages(repository, left, files=files):
            pages += 1
            found.default_branch = page.default_branch or found.default_branch
            lacking += page.pulls.nodes.count(None)
            pulls = [pull for pull in page.pulls.nodes if pull]
            updates = [moment_of(pull.updated_at) for pull in pulls]
            newest = max([newest, *updates])
            for pull in pulls:
                merged_at = parse_time_or_none(pull.merged_at)
                if pull.number in seen:
                    continue
                seen.add(pull.number)
                if merged_at is None:
                    unmerged += 1
                elif since <= merged_at <= until:
                    found.by_number[pull.number] = _past(pull, merged_at)
            if updates and min(updates) < end:
                break
        # Those at the beginning come again.
        found.missing = max(found.missing, lacking)
        if pages == 1 or (known and len(seen) == known):
            found.missing += unmerged
            return found


def _past(pull: _Pull, merged_at: datetime) -> PastPull:
    change = PullChange(pull.number, pull.base_ref_oid, pull.head_ref_oid, pull.changed_files)
    return PastPull(int(pull.full_database_id or 0) or None, merged_at, pull.base_ref_name, change, pull.listed)


def _pages(repository: Repository, left: Iterator[int], *, files: bool) -> Iterator[_Page]:
    """Yield the pages of the list, newest update first."""
    query = Query(_LIST % (_FILES if files else ""), _PERMISSION)
    return list_pages(repository, query, _Page, lambda page: page.pulls, lambda pull: pull.number, left)


def past_files(repository: Repository, pull: PullChange) -> ChangedPaths:
    """Return the changed paths of one pull request: a call for up to 300 files, three for more.

    If GitHub cannot compare its commits, its list is read, a call for each 100 files. Raises LookupFailedError and CutError.
    """
    with suppress(CutError):
        try:
            found = compared_files(repository, pull.base or "", pull.head or "")
            if found.paths and found.number == pull.changed_files:
                return ChangedPaths(found.paths, exact=False)
            if found.cut:
                return changed_paths(repository, found.merge_base, pull.head or "")
        except LookupFailedError as error:
            if error.kind in LASTING and error.kind != "forbidden":
                raise
    return pull_files(repository, pull)

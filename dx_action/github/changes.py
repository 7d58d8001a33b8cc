"""Owns which files a pull request or a range of commits changed, exactly, at any size. It lookups through an `Api`."""

from collections.abc import Sequence
from typing import Any

from dx_action.changes.changeset import MergedPull, PullChange
from dx_action.github.client import PER_PAGE, Api, Missing
from dx_action.github.pulls import compared, of_repository
from dx_action.github.trees import changed_paths

# GitHub's "List pull requests files" and "Compare two commits" list no more files than these.
MOST_PULL_FILES, MOST_COMPARED_FILES = 3000, 300
_PULLS_A_CALL = 50
_FILES = """
fragment files on PullRequest { number files(first: 100) { nodes { path changeType } } }
"""


class UnknownCommit(Exception):
    """GitHub does not know one of a range's ends."""


def pull_files(api: Api, repository: str, pull: PullChange) -> frozenset[str]:
    """Give a pull request's changed paths: a call for each 100 files, or, over 3,000, its merge base's and its head's trees.

    Raises CutError.
    """
    where = f"/repos/{repository}/pulls/{pull.number}"
    if pull.changed_files is None or pull.base is None or pull.head is None:
        found = api.get(where, "pull-requests")
        pull = PullChange(pull.number, found["base"]["sha"], found["head"]["sha"], found["changed_files"])
    count = pull.changed_files or 0
    if count <= MOST_PULL_FILES:
        files: list[dict[str, Any]] = []
        for page in range(1, -(-count // PER_PAGE) + 1):
            files += api.get(f"{where}/files", "pull-requests", per_page=PER_PAGE, page=page)
        if len(files) >= count:
            return _paths(files)
    comparison = compared(api, repository, str(pull.base), str(pull.head), page=2, most=1)
    return _trees(api, repository, comparison["merge_base_commit"]["sha"], str(pull.head))


def pulls_files(api: Api, repository: str, pulls: Sequence[MergedPull]) -> dict[int, frozenset[str]]:
    """Give the changed paths of several pull requests, by their numbers: a call for each 50.

    One with more than 100 files is asked for by itself, and one with a file that moved: only its list says from where.
    Raises Missing, LookupFailedError, CutError.
    """
    found: dict[int, frozenset[str]] = {}
    few = [pull for pull in pulls if 0 < pull.changed_files <= PER_PAGE]
    for start in range(0, len(few), _PULLS_A_CALL):
        numbers = [pull.number for pull in few[start : start + _PULLS_A_CALL]]
        fields = {f"p{number}": f"pullRequest(number: $p{number}) {{ ...files }}" for number in numbers}
        variables = {f"p{number}": ("Int!", number) for number in numbers}
        for node in of_repository(api, repository, fields, variables, _FILES).values():
            files = [file for file in ((node or {}).get("files") or {}).get("nodes") or () if file]
            if files and all(file["changeType"] not in ("RENAMED", "COPIED") for file in files):
                found[node["number"]] = frozenset(file["path"] for file in files)
    for pull in pulls:
        if pull.number not in found:
            change = PullChange(pull.number, pull.base, pull.head, pull.changed_files)
            found[pull.number] = pull_files(api, repository, change)
    return found


def range_files(api: Api, repository: str, before: str, after: str) -> frozenset[str]:
    """Give the paths that differ between two commits: one call, or two trees more where one does not follow the other.

    Raises UnknownCommit, CutError.
    """
    try:
        comparison = compared(api, repository, before, after)
    except Missing:
        raise UnknownCommit from None
    files = comparison.get("files") or []
    if comparison["status"] == "identical":
        return frozenset()
    if comparison["status"] == "ahead" and len(files) < MOST_COMPARED_FILES:
        return _paths(files)
    return _trees(api, repository, before, after)


def _trees(api: Api, repository: str, before: str, after: str) -> frozenset[str]:
    def fetch(tree: str, recursive: bool) -> dict[str, Any]:
        found: dict[str, Any] = api.get(
            f"/repos/{repository}/git/trees/{tree}", "contents", **({"recursive": 1} if recursive else {})
        )
        return found

    return changed_paths(before, after, fetch)


def _paths(files: list[dict[str, Any]]) -> frozenset[str]:
    """Give both places of a file that moved: the service that lost it changed, too."""
    return frozenset(
        path for file in files for path in (file["filename"], file.get("previous_filename")) if isinstance(path, str)
    )

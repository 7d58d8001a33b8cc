"""Owns which commits lie between two, and which pull requests they were merged by, asked of GitHub through an `Api`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from dx_action.changes.changeset import Course, MergedPull, Span
from dx_action.github.client import PER_PAGE, Api, Missing

# So many commits are a year's work or a mistake, and their look-up would use up the time for all.
MOST_COMMITS = 2_500
# What GitHub answers well within its ten seconds.
_COMMITS_A_CALL, _PULLS_A_CALL = 200, 150
_COURSES: dict[str, Course] = {
    "ahead": "forward",
    "behind": "rollback",
    "identical": "redeploy",
    "diverged": "diverged",
}
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


class TooManyCommitsError(Exception):
    """Two commits lie further apart than is looked up."""


def span(api: Api, repository: str, before: str, after: str) -> Span:
    """Compare two commits: a call, and one more for each further 100 between them. Raises Missing, TooManyCommitsError."""
    answer = compared(api, repository, before, after)
    if answer["total_commits"] > MOST_COMMITS:
        raise TooManyCommitsError
    way = _COURSES[answer["status"]]
    return Span(way, commits_between(api, repository, before, after) if way in ("forward", "diverged") else ())


def course(api: Api, repository: str, before: str, after: str) -> Course:
    """Say which way leads from one commit, or a branch, to another: one call. Raises Missing."""
    return _COURSES[compared(api, repository, before, after, most=1)["status"]]


def compared(api: Api, repository: str, before: str, after: str, page: int = 1, most: int = PER_PAGE) -> dict[str, Any]:
    """Give a page of GitHub's comparison of two commits, branches or tags. Raises Missing."""
    # A branch or a tag may have a slash in its name.
    ends = f"{quote(before, safe='')}...{quote(after, safe='')}"
    found: dict[str, Any] = api.get(f"/repos/{repository}/compare/{ends}", "contents", per_page=most, page=page)
    return found


def commits_between(api: Api, repository: str, before: str, after: str) -> tuple[str, ...]:
    """Give the commits that are reached from `after` and not from `before`: a call for each 100. Raises Missing."""
    found: list[str] = []
    page = 1
    while True:
        answer = compared(api, repository, before, after, page)
        found += [commit["sha"] for commit in answer["commits"]]
        if len(found) >= answer["total_commits"] or not answer["commits"]:
            return tuple(found)
        page += 1


def merged_pulls(api: Api, repository: str, commits: Sequence[str]) -> tuple[MergedPull, ...]:
    """Give the merged pull requests whose merge commit is one of the commits, in the commits' order. Raises Missing.

    A commit may be a short id. One call lookups for 200 of them.
    """
    return merged_by(commits, associated(api, repository, commits))


def merged_by(commits: Sequence[str], pulls: Mapping[str, Sequence[MergedPull]]) -> tuple[MergedPull, ...]:
    """Give those of each commit's pull requests whose merge commit is one of the commits, in the commits' order."""
    whole = frozenset(sha.lower() for sha in commits)
    short = tuple(sha for sha in whole if len(sha) < 40)
    found = {}
    for pull in (pull for commit in commits for pull in pulls[commit]):
        if pull.merge_commit_sha in whole or pull.merge_commit_sha.startswith(short or ("-",)):
            found[pull.number] = pull
    return tuple(found.values())


def associated(api: Api, repository: str, commits: Sequence[str]) -> dict[str, tuple[MergedPull, ...]]:
    """Give each commit's merged pull requests of this very repository: a call for each 200 commits. Raises Missing.

    GitHub tells those of its forks and of what it was forked from, too, so that more calls may be needed where these are many.
    """
    found: dict[str, tuple[MergedPull, ...]] = dict.fromkeys(commits, ())
    after: dict[str, str | None] = dict.fromkeys(commits)
    while after:
        more: dict[str, str | None] = {}
        shas = list(after)
        for start in range(0, len(shas), _COMMITS_A_CALL):
            batch = {sha: after[sha] for sha in shas[start : start + _COMMITS_A_CALL]}
            for sha, own, pulls in _associated(api, repository, batch):
                here = [node for node in pulls["nodes"] if node and node["repository"]["nameWithOwner"] == own]
                found[sha] = tuple(_merged(node) for node in here if node["merged"] and node.get("mergeCommit"))
                if not found[sha] and pulls["pageInfo"]["hasNextPage"]:
                    more[sha] = pulls["pageInfo"]["endCursor"]
        after = more
    return found


def _associated(
    api: Api, repository: str, after: Mapping[str, str | None]
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Give each commit that is there, the name of the repository, and a page of the commit's pull requests."""
    fields, variables = {"own": "nameWithOwner"}, dict[str, tuple[str, Any]]()
    for number, (sha, cursor) in enumerate(after.items()):
        page = f", after: $after{number}" if cursor else ""
        pulls = f"associatedPullRequests(first: 20{page}) {{ ...pulls }}"
        fields[f"c{number}"] = f"object(expression: $c{number}) {{ ... on Commit {{ {pulls} }} }}"
        variables[f"c{number}"] = ("String!", sha)
        if cursor:
            variables[f"after{number}"] = ("String!", cursor)
    answer = of_repository(api, repository, fields, variables, _PULLS)
    for number, sha in enumerate(after):
        if page_of := (answer.get(f"c{number}") or {}).get("associatedPullRequests"):
            yield sha, answer["own"], page_of


def first_authored(api: Api, repository: str, pulls: Sequence[MergedPull]) -> tuple[MergedPull, ...]:
    """Give the pull requests with when the earliest commit of each was authored. Raises Missing.

    A call for each 150 pull requests; and again one for each 150 of those that have more than 100 commits, or than 200.
    """
    after: dict[int, str | None] = {pull.number: None for pull in pulls}
    first: dict[int, str] = {}
    while after:
        more: dict[int, str | None] = {}
        numbers = list(after)
        for start in range(0, len(numbers), _PULLS_A_CALL):
            batch = {number: after[number] for number in numbers[start : start + _PULLS_A_CALL]}
            for number, commits in _authored(api, repository, batch):
                dates = [each["commit"]["authoredDate"] for each in commits["nodes"] if each]
                dates += [first[number]] if number in first else []
                if dates:
                    first[number] = min(dates)
                if commits["pageInfo"]["hasNextPage"]:
                    more[number] = commits["pageInfo"]["endCursor"]
        after = more
    return tuple(replace(pull, first_commit_at=first.get(pull.number)) for pull in pulls)


def _authored(api: Api, repository: str, after: Mapping[int, str | None]) -> Iterator[tuple[int, dict[str, Any]]]:
    fields: dict[str, str] = {}
    variables: dict[str, tuple[str, Any]] = {}
    for number, cursor in after.items():
        commits = f"commits(first: 100, after: $after{number}) {{ ...authored }}"
        fields[f"p{number}"] = f"pullRequest(number: $p{number}) {{ number {commits} }}"
        variables |= {f"p{number}": ("Int!", number), f"after{number}": ("String", cursor)}
    for node in of_repository(api, repository, fields, variables, _AUTHORED).values():
        if node:
            yield node["number"], node["commits"]


def of_repository(
    api: Api, repository: str, fields: Mapping[str, str], variables: Mapping[str, tuple[str, Any]], fragment: str
) -> dict[str, Any]:
    """Ask one query for several things of the repository, each under its alias. Raises Missing."""
    owner, _, name = repository.partition("/")
    declared = "".join(f", ${variable}: {kind}" for variable, (kind, _) in variables.items())
    asked = " ".join(f"{alias}: {field}" for alias, field in fields.items())
    text = (
        f"query($owner: String!, $name: String!{declared}) "
        f"{{ repository(owner: $owner, name: $name) {{ {asked} }} }}{fragment}"
    )
    values = {variable: value for variable, (_, value) in variables.items()}
    found = api.query(text, "pull-requests", owner=owner, name=name, **values).get("repository")
    if not isinstance(found, dict):
        raise Missing
    return found


def _merged(node: dict[str, Any]) -> MergedPull:
    return MergedPull(
        number=node["number"],
        id=int(node["fullDatabaseId"]),
        title=node["title"],
        url=node["url"],
        author=(node.get("author") or {}).get("login") or "ghost",
        merged_at=node["mergedAt"],
        merge_commit_sha=node["mergeCommit"]["oid"],
        base_ref=node["baseRefName"],
        base=node["baseRefOid"],
        head=node["headRefOid"],
        changed_files=node["changedFiles"],
    )

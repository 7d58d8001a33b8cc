"""Owns which pull requests some commits belong to, asked of GitHub through an `Api`: one GraphQL call for each 100 commits."""

from collections.abc import Iterator, Sequence
from typing import Any

from dx_action.github import PER_PAGE, Api, Missing
from dx_action.scope import MergedPull

_FIELDS = """
fragment pulls on Commit {
  oid
  associatedPullRequests(first: 10) {
    nodes {
      number fullDatabaseId title url merged mergedAt baseRefName baseRefOid headRefOid changedFiles
      author { login }
      mergeCommit { oid }
    }
  }
}
"""


def commits_between(api: Api, repository: str, before: str, after: str) -> tuple[str, ...]:
    """Give the commits that are reached from `after` and not from `before`: a call for each 100. Raises Missing."""
    found: list[str] = []
    page = 1
    while True:
        answer = api.get(f"/repos/{repository}/compare/{before}...{after}", "contents", per_page=PER_PAGE, page=page)
        found += [commit["sha"] for commit in answer["commits"]]
        if len(found) >= answer["total_commits"] or not answer["commits"]:
            return tuple(found)
        page += 1


def merged_pulls(api: Api, repository: str, commits: Sequence[str]) -> tuple[MergedPull, ...]:
    """Give the merged pull requests whose merge commit is one of the commits, in the commits' order."""
    wanted = frozenset(commits)
    found = {pull.number: pull for pull in _associated(api, repository, commits) if pull.merge_commit_sha in wanted}
    return tuple(found.values())


def _associated(api: Api, repository: str, commits: Sequence[str]) -> Iterator[MergedPull]:
    owner, _, name = repository.partition("/")
    for start in range(0, len(commits), PER_PAGE):
        batch = {f"c{number}": sha for number, sha in enumerate(commits[start : start + PER_PAGE])}
        variables = "".join(f", ${alias}: GitObjectID!" for alias in batch)
        objects = " ".join(f"{alias}: object(oid: ${alias}) {{ ...pulls }}" for alias in batch)
        text = (
            f"query($owner: String!, $name: String!{variables}) "
            f"{{ repository(owner: $owner, name: $name) {{ {objects} }} }}{_FIELDS}"
        )
        data = api.query(text, "pull-requests", owner=owner, name=name, **batch)
        if data.get("repository") is None:
            raise Missing
        for alias in batch:
            commit = data["repository"].get(alias) or {}
            for node in (commit.get("associatedPullRequests") or {}).get("nodes") or ():
                if node and node["merged"] and node.get("mergeCommit"):
                    yield _merged(node)


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

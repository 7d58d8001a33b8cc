"""Owns GraphQL's values of GitHub itself: repositories, pull requests, deployments, releases."""

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from stand_in import graphql_git as git
from stand_in.changes import Change, lines
from stand_in.connections import connection
from stand_in.graphql_context import Context, Values, missing
from stand_in.history import Commit
from stand_in.moments import optional, text
from stand_in.pulls import Pull
from stand_in.records import Deployment, Release, Status
from stand_in.repo import Repo
from stand_in.shapes import node_id

_STATES = {
    "success": "ACTIVE",
    "inactive": "INACTIVE",
    "failure": "FAILURE",
    "error": "ERROR",
    "in_progress": "IN_PROGRESS",
    "queued": "QUEUED",
}
_BY_CREATION = {"field": "CREATED_AT", "direction": "ASC"}


def root(to: Context) -> Values:
    """Query."""
    return {
        "repository": lambda _info, **arguments: repository(to, to.repo(f"{arguments['owner']}/{arguments['name']}")),
        "rateLimit": lambda _info, **_arguments: to.rate_limit(),
    }


def repository(to: Context, repo: Repo) -> Values:
    """Repository."""

    def one_pull(_info: Any, number: int) -> Values:
        to.allow(repo, "pull_requests")
        if number not in repo.pulls.by_number:
            raise missing(f"Could not resolve to a PullRequest with the number of {number}.")
        return pull(to, repo, repo.pulls.current(repo.pulls.by_number[number]))

    def releases(info: Any, **arguments: Any) -> Values:
        to.allow(repo, "contents")
        found = [one for one in repo.releases.newest_first() if not one.draft]
        return connection(info, found, arguments, lambda one: release(to, repo, one))

    def latest(_info: Any) -> Values | None:
        found = repo.releases.latest()
        return release(to, repo, found) if found else None

    return {
        "__typename": "Repository",
        "id": node_id("R", repo.id),
        "databaseId": to.number(repo.id),
        "name": repo.name,
        "nameWithOwner": repo.full_name,
        "url": to.url(repo),
        "isPrivate": repo.private,
        "isEmpty": not repo.history.commits,
        "isFork": repo.fork,
        "createdAt": text(repo.created),
        "pushedAt": text(repo.now),
        "owner": to.actor(repo.owner, "Organization"),
        "defaultBranchRef": lambda _info: git.ref(to, repo, f"refs/heads/{repo.default_branch}"),
        "ref": lambda _info, **arguments: git.ref(to, repo, arguments["qualifiedName"]),
        "object": lambda _info, **arguments: git.git_object(to, repo, **arguments),
        "pullRequest": one_pull,
        "pullRequests": lambda info, **arguments: pulls(to, info, repo, repo.pulls.all(), arguments),
        "deployments": lambda info, **arguments: deployments(
            to, info, repo, repo.deployments.newest_first(), arguments
        ),
        "releases": releases,
        "latestRelease": latest,
    }


def pulls(
    to: Context,
    info: Any,
    repo: Repo,
    found: Sequence[Pull],
    arguments: Values,
    homes: Mapping[int, Repo] = MappingProxyType({}),
) -> Values:
    """PullRequestConnection; `homes` are the repositories of those pull requests, by their ids, that are of another one."""
    to.allow(repo, "pull_requests")
    for key, value in (("baseRefName", "base"), ("headRefName", "head")):
        found = [one for one in found if arguments.get(key) in (None, getattr(one, value))]
    found = [one for one in found if not arguments.get("states") or _state(one) in arguments["states"]]
    order = arguments.get("orderBy") or _BY_CREATION
    found = sorted(found, key=lambda one: one.updated if order["field"] == "UPDATED_AT" else one.created)
    found = found[::-1] if order["direction"] == "DESC" else found
    return connection(info, found, arguments, lambda one: pull(to, homes.get(one.id, repo), one))


def pull(to: Context, repo: Repo, one: Pull) -> Values:
    """PullRequest."""

    def own(info: Any, **arguments: Any) -> Values:
        found = repo.pulls.commits(one)[:250]
        return connection(info, found, arguments, lambda commit: _pull_commit(to, repo, one, commit))

    def files(info: Any, **arguments: Any) -> Values:
        return connection(info, repo.pulls.files(one), arguments, lambda change: _changed(repo, change))

    def total(index: int) -> int:
        return sum(lines(repo.objects, change)[index] for change in repo.pulls.files(one))

    def merge_commit(merged: bool) -> Values | None:
        sha = one.merge_commit_sha if merged == bool(one.merged_at) else None
        return git.commit(to, repo, repo.history.commits[sha]) if sha else None

    url = to.url(repo, "pull", one.number)
    return {
        "__typename": "PullRequest",
        "id": node_id("PR", repo.id, one.id),
        "databaseId": to.number(one.id),
        "fullDatabaseId": str(one.id),
        "number": one.number,
        "title": one.title,
        "body": one.body or "",
        "url": url,
        "permalink": url,
        "state": _state(one),
        "closed": one.closed is not None,
        "closedAt": optional(one.closed),
        "merged": one.merged_at is not None,
        "mergedAt": optional(one.merged_at),
        "mergedBy": to.actor(one.merged_by) if one.merged_by else None,
        "isDraft": one.draft,
        "isCrossRepository": one.head_repo != repo.full_name,
        "createdAt": text(one.created),
        "updatedAt": text(one.updated),
        # An account that was deleted is nobody here, and the user "ghost" in REST.
        "author": None if one.user == "ghost" else to.actor(one.user),
        "baseRefName": one.base,
        "baseRefOid": one.base_sha,
        "headRefName": one.head,
        "headRefOid": one.head_sha,
        "headRepository": lambda _info: repository(to, repo) if one.head_repo == repo.full_name else None,
        "repository": lambda _info: repository(to, repo),
        "mergeCommit": lambda _info: merge_commit(True),
        "potentialMergeCommit": lambda _info: merge_commit(False),
        "commits": own,
        "files": files,
        "changedFiles": lambda _info: len(repo.pulls.files(one)),
        "additions": lambda _info: total(0),
        "deletions": lambda _info: total(1),
    }


def deployments(to: Context, info: Any, repo: Repo, found: Sequence[Deployment], arguments: Values) -> Values:
    """DeploymentConnection, of deployments that come newest first; unasked, GraphQL gives the oldest first."""
    to.allow(repo, "deployments")
    wanted = arguments.get("environments")
    kept = [one for one in found if wanted is None or one.environment in wanted]
    if (arguments.get("orderBy") or _BY_CREATION)["direction"] == "ASC":
        kept.reverse()
    return connection(info, kept, arguments, lambda one: deployment(to, repo, one))


def deployment(to: Context, repo: Repo, one: Deployment) -> Values:
    """Deployment."""

    def statuses(info: Any, **arguments: Any) -> Values:
        return connection(info, one.statuses[::-1], arguments, lambda status: _status(to, repo, one, status))

    latest = one.statuses[-1] if one.statuses else None
    return {
        "__typename": "Deployment",
        "id": node_id("DE", repo.id, one.id),
        "databaseId": to.number(one.id),
        "commitOid": one.sha,
        "commit": lambda _info: git.commit(to, repo, repo.history.commits[one.sha]),
        "ref": lambda _info: git.ref(to, repo, one.ref),
        "environment": one.environment,
        "latestEnvironment": one.environment,
        "originalEnvironment": one.original_environment,
        # JSON text; a payload that is text itself is JSON twice.
        "payload": json.dumps(one.payload),
        "task": one.task,
        "description": one.description,
        "createdAt": text(one.created),
        "updatedAt": text(one.updated),
        "creator": to.actor(one.creator),
        "state": _STATES.get(latest.state, "PENDING") if latest else "PENDING",
        "latestStatus": lambda _info: _status(to, repo, one, latest) if latest else None,
        "statuses": statuses,
        "repository": lambda _info: repository(to, repo),
    }


def release(to: Context, repo: Repo, one: Release) -> Values:
    """Release."""
    return {
        "id": node_id("RE", repo.id, one.id),
        "databaseId": to.number(one.id),
        "tagName": one.tag,
        "name": one.name,
        "url": to.url(repo, "releases/tag", one.tag),
        "isDraft": one.draft,
        "isPrerelease": one.prerelease,
        "createdAt": text(one.created),
        "publishedAt": optional(one.published),
        "tagCommit": lambda _info: git.commit(to, repo, repo.history.commits[one.sha]),
    }


def _status(to: Context, repo: Repo, deployed: Deployment, one: Status) -> Values:
    return {
        "__typename": "DeploymentStatus",
        "id": node_id("DES", repo.id, one.id),
        "state": one.state.upper(),
        "createdAt": text(one.created),
        "updatedAt": text(one.created),
        "logUrl": one.log_url or None,
        "environmentUrl": one.environment_url or None,
        "environment": one.environment,
        "description": one.description,
        "creator": to.actor(one.creator),
        "deployment": lambda _info: deployment(to, repo, deployed),
    }


def _pull_commit(to: Context, repo: Repo, one: Pull, commit: Commit) -> Values:
    return {
        "id": node_id("PURC", repo.id, commit.sha),
        "commit": git.commit(to, repo, commit),
        "pullRequest": lambda _info: pull(to, repo, one),
        "url": to.url(repo, "pull", one.number, "commits", commit.sha),
    }


def _state(one: Pull) -> str:
    return "MERGED" if one.merged_at else one.state.upper()


def _changed(repo: Repo, change: Change) -> Values:
    added, removed = lines(repo.objects, change)
    kind = "DELETED" if change.status == "removed" else change.status.upper()
    return {"path": change.path, "additions": added, "deletions": removed, "changeType": kind}

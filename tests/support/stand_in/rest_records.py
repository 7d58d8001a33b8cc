"""Owns the endpoints of deployments and releases, and the rate limit's own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from stand_in import shapes
from stand_in.moments import optional, text
from stand_in.records import Deployment, Release, Status
from stand_in.routes import Ask, Refused, get

if TYPE_CHECKING:
    from stand_in.app import App

_FILTERS = ("sha", "ref", "task", "environment")


def _deployment(ask: Ask, number: str) -> Deployment:
    found = ask.repo.deployments.by_id.get(int(number)) if re.fullmatch(r"[0-9]{1,18}", number) else None
    if found is None:
        raise Refused(404, "Not Found")
    return found


@get("deployments", "deployments")
def deployments(ask: Ask) -> list[dict[str, Any]]:
    """List deployments, the newest first."""
    wanted = {key: ask.query[key] for key in _FILTERS if ask.query.get(key, "none") != "none"}
    found = [
        one for one in ask.repo.deployments.newest_first() if all(getattr(one, key) == wanted[key] for key in wanted)
    ]
    return [_shown(ask, one) for one in ask.page(found)]


@get("deployments/{deployment_id}", "deployments")
def deployment(ask: Ask, deployment_id: str) -> dict[str, Any]:
    """Get a deployment."""
    return _shown(ask, _deployment(ask, deployment_id))


@get("deployments/{deployment_id}/statuses", "deployments")
def statuses(ask: Ask, deployment_id: str) -> list[dict[str, Any]]:
    """List a deployment's statuses, the newest first."""
    found = _deployment(ask, deployment_id)
    return [_status(ask, found, one) for one in ask.page(found.statuses[::-1])]


def _shown(ask: Ask, one: Deployment) -> dict[str, Any]:
    url = f"{ask.api}/deployments/{one.id}"
    return {
        "url": url,
        "id": one.id,
        "node_id": shapes.node_id("DE", ask.repo.id, one.id),
        "task": one.task,
        "original_environment": one.original_environment,
        "environment": one.environment,
        "description": one.description,
        "created_at": text(one.created),
        "updated_at": text(one.updated),
        "statuses_url": f"{url}/statuses",
        "repository_url": ask.api,
        "creator": shapes.user(ask, one.creator),
        "sha": one.sha,
        "ref": one.ref,
        "payload": one.payload,
        "transient_environment": one.transient,
        "production_environment": one.production,
        "performed_via_github_app": None,
    }


def _status(ask: Ask, deployed: Deployment, one: Status) -> dict[str, Any]:
    url = f"{ask.api}/deployments/{deployed.id}"
    return {
        "url": f"{url}/statuses/{one.id}",
        "id": one.id,
        "node_id": shapes.node_id("DES", ask.repo.id, one.id),
        "state": one.state,
        "creator": shapes.user(ask, one.creator),
        "description": one.description,
        "environment": one.environment,
        "target_url": one.target_url,
        "created_at": text(one.created),
        "updated_at": text(one.created),
        "deployment_url": url,
        "repository_url": ask.api,
        "environment_url": one.environment_url,
        "log_url": one.log_url,
        "performed_via_github_app": None,
    }


@get("releases", "contents")
def releases(ask: Ask) -> list[dict[str, Any]]:
    """List releases; drafts are shown to those who may write only."""
    found = [one for one in ask.repo.releases.newest_first() if not one.draft]
    return [_release(ask, one) for one in ask.page(found)]


@get("releases/latest", "contents")
def latest(ask: Ask) -> dict[str, Any]:
    """Get the newest full release."""
    found = ask.repo.releases.latest()
    if found is None:
        raise Refused(404, "Not Found")
    return _release(ask, found)


@get("releases/tags/{tag}", "contents")
def by_tag(ask: Ask, tag: str) -> dict[str, Any]:
    """Get a tag's release."""
    found = next((one for one in ask.repo.releases.all if one.tag == tag and not one.draft), None)
    if found is None:
        raise Refused(404, "Not Found")
    return _release(ask, found)


def _release(ask: Ask, one: Release) -> dict[str, Any]:
    url, html = f"{ask.api}/releases/{one.id}", f"{ask.html}/{ask.repo.full_name}/releases"
    return {
        "url": url,
        "html_url": f"{html}/tag/{one.tag}",
        "assets_url": f"{url}/assets",
        "upload_url": f"{url}/assets{{?name,label}}",
        "tarball_url": f"{ask.api}/tarball/{one.tag}",
        "zipball_url": f"{ask.api}/zipball/{one.tag}",
        "id": one.id,
        "node_id": shapes.node_id("RE", ask.repo.id, one.id),
        "tag_name": one.tag,
        "target_commitish": ask.repo.default_branch,
        "name": one.name,
        "body": one.body,
        "draft": one.draft,
        "prerelease": one.prerelease,
        "created_at": text(one.created),
        "published_at": optional(one.published),
        "author": shapes.user(ask, one.author),
        "assets": [],
    }


def rate_limit(app: App, version: str | None) -> dict[str, Any]:
    """Return the budgets; asking is free."""
    core = app.rate.shown()
    resources = {"core": core, "graphql": app.graphql_rate.shown(), "search": {**core, "limit": 30, "remaining": 30}}
    return {"resources": resources} | ({} if version == "2026-03-10" else {"rate": core})

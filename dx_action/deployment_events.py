"""Owns what GitHub's deployments and their statuses say: which environments count, and of which service. Pure."""

import json
from dataclasses import replace
from typing import Any

from dx_action import globs
from dx_action.errors import BadEvent, Wrong
from dx_action.event import Deployment, DeploymentStatus
from dx_action.services import Service, payload_services
from dx_action.times import parse_time
from dx_action.trigger import Found, Skipped, Trigger, page

_FINAL = ("success", "failure", "error")


def deployed(deployment: Deployment, only_environments: tuple[str, ...], deployments_page: str) -> Trigger | Skipped:
    """Say what a deployment means. Its identity is its id, whatever inputs say: the history tells no more."""
    if not counts(deployment, only_environments):
        return Skipped(
            f"The deployment's environment, {deployment.environment or '(none)'}, does not count as production.",
            "Set `only-environments` to register its deployments.",
        )
    services, warnings = _services(deployment)
    return Trigger(
        Found(deployment.sha, "deployment.sha"),
        identity=("deployment", str(deployment.id)),
        overridable=False,
        page=page(deployments_page, "the repository's deployments"),
        services=services,
        warnings=warnings,
    )


def status_reported(
    deployment: Deployment, status: DeploymentStatus, only_environments: tuple[str, ...], deployments_page: str
) -> Trigger | Skipped:
    """Say what a deployment's status means. Raises BadEvent where its time cannot be read."""
    if status.state not in _FINAL:
        return Skipped(
            f"The deployment status is {status.state}, which is not a final one.",
            "Deployments are registered at `success`, `failure` or `error`.",
        )
    trigger = deployed(deployment, only_environments, deployments_page)
    if isinstance(trigger, Skipped):
        return trigger
    try:
        created_at = parse_time(status.created_at)
    except Wrong:
        raise BadEvent.of("deployment_status.created_at", "is not a time that can be read.") from None
    return replace(
        trigger,
        deployed_at=Found(created_at, "deployment_status.created_at"),
        success=Found(status.state == "success", "deployment_status.state"),
        page=page(status.log_url, "deployment_status.log_url")
        or page(status.target_url, "deployment_status.target_url")
        or trigger.page,
    )


def counts(deployment: Deployment, only_environments: tuple[str, ...]) -> bool:
    """Tell whether the deployment's environment counts as production."""
    name = deployment.environment or ""
    if only_environments:
        return globs.matches_environment(only_environments, name)
    if deployment.transient_environment:
        return False
    return bool(deployment.production_environment) or globs.matches_environment(("prod*",), name)


def payload_service(payload: Any) -> tuple[Service, ...]:
    """Give the services that a deployment's payload names as `service`: none where it names none. Raises Wrong."""
    if isinstance(payload, str):
        try:
            payload = json.loads(payload)
        except (ValueError, RecursionError):
            return ()
    service = payload.get("service") if isinstance(payload, dict) else None
    return payload_services(service) if service else ()


def _services(deployment: Deployment) -> tuple[Found[tuple[Service, ...]] | None, tuple[str, ...]]:
    try:
        services = payload_service(deployment.payload)
    except Wrong as wrong:
        return None, (f"The deployment's `payload.service` {wrong} It was passed over; give `service`.",)
    return (Found(services, "deployment.payload.service"), ()) if services else (None, ())

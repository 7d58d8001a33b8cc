"""Owns what GitHub's deployments and their statuses say: which environments count, and of which service. Pure."""

from dataclasses import replace

from dx_action.deployment.trigger import Skipped, Trigger, page
from dx_action.errors import BadEvent, InvalidValue
from dx_action.inputs.filters import counts
from dx_action.inputs.services import payload_service
from dx_action.inputs.times import parse_time
from dx_action.inputs.values import Sourced
from dx_action.runner.event import Deployment, DeploymentStatus
from dx_action.services.service import Service

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
        Sourced(deployment.sha, "deployment.sha"),
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
    except InvalidValue:
        raise BadEvent.of("deployment_status.created_at", "is not a time that can be read.") from None
    return replace(
        trigger,
        deployed_at=Sourced(created_at, "deployment_status.created_at"),
        success=Sourced(status.state == "success", "deployment_status.state"),
        page=page(status.log_url, "deployment_status.log_url")
        or page(status.target_url, "deployment_status.target_url")
        or trigger.page,
    )


def _services(deployment: Deployment) -> tuple[Sourced[tuple[Service, ...]] | None, tuple[str, ...]]:
    try:
        services = payload_service(deployment.payload)
    except InvalidValue as wrong:
        return None, (f"The deployment's `payload.service` {wrong} It was passed over; give `service`.",)
    return (Sourced(services, "deployment.payload.service"), ()) if services else (None, ())

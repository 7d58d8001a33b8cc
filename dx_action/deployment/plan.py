"""Owns the calls to make, as data, in the order they are to be sent. Pure."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from dx_action.changes.changeset import Changes, first_commit
from dx_action.deployment.calls import Call, Method, serialise
from dx_action.deployment.pull_services import PullServices
from dx_action.deployment.registration import WHAT_SHIPS, Registration
from dx_action.errors import InvalidValue
from dx_action.inputs.metadata import FIRST_KEY
from dx_action.inputs.model import Inputs
from dx_action.inputs.times import parse_time
from dx_action.inputs.values import Sourced
from dx_action.services.service import Service


def pull_calls(registration: Registration) -> tuple[Call, ...]:
    """Give one call of deployments.setPullServices for each pull request; they go before the deployments."""
    return tuple(_pull_call(registration, assignment) for assignment in registration.pull_services)


def _pull_call(registration: Registration, assignment: PullServices) -> Call:
    number = None if assignment.pull_id else (registration.repository.value, assignment.pull_number)
    body = pull_body(assignment.pull_id, number, assignment.services, replace=registration.replace)
    return Call("deployments.setPullServices", "", "", serialise(body), assignment.subject)


def plan(registration: Registration, inputs: Inputs) -> tuple[Call, ...]:
    """Give one call for each service."""
    method: Method = "deployments.upsert" if inputs.method == "upsert" else "deployments.create"
    pairs = zip(registration.services.value, registration.reference_ids.value, strict=True)
    return tuple(
        Call(method, service.identifier, reference_id, serialise(_body(registration, method, service, reference_id)))
        for service, reference_id in pairs
    )


def as_upsert(call: Call) -> Call:
    """Give the call that makes DX take this one's values for a `reference_id` which it holds with others."""
    body = call.json()
    body.setdefault("success", True)
    return Call("deployments.upsert", call.service, call.reference_id, serialise(body))


def _body(registration: Registration, method: Method, service: Service, reference_id: str) -> dict[str, Any]:
    return deployment_body(
        method,
        reference_id=reference_id,
        deployed_at=registration.deployed_at.value,
        service=service,
        repository=registration.repository.value,
        merge_commit_shas=merge_commits(registration, service),
        commit_sha=registration.commit.value
        if registration.attribution != "repository" and registration.commit
        else None,
        integration_branch=registration.integration_branch,
        environment=registration.environment,
        success=registration.success.value if registration.success else True,
        source_url=registration.source_url.value if registration.source_url else None,
        source_name=registration.source_name,
        metadata={**_values(lead_times(registration.changes, service.identifier)), **registration.metadata},
    )


def lead_times(changes: Changes, service: str) -> dict[str, Sourced[int]]:
    """Give the times of one service's deployment, in Unix seconds: the first commit is that of what it ships itself."""
    times = dict(changes.lead_times)
    if FIRST_KEY not in times or not changes.by_service:  # the event's own pull request, which every service ships
        return times
    del times[FIRST_KEY]
    shipment = changes.by_service.get(service)
    pulls = shipment.pulls if shipment and shipment.course in ("forward", "diverged") else ()
    if first := first_commit(pulls):
        with suppress(InvalidValue):
            times[FIRST_KEY] = Sourced(int(parse_time(first[0]).timestamp()), f"pull request #{first[1]}")
    return times


def _values(times: Mapping[str, Sourced[int]]) -> dict[str, int]:
    return {key: each.value for key, each in times.items()}


def deployment_body(
    method: Method,
    *,
    reference_id: str,
    deployed_at: str,
    service: Service,
    repository: str | None,
    merge_commit_shas: Sequence[str],
    commit_sha: str | None,
    integration_branch: str | None,
    environment: str | None,
    success: bool,
    source_url: str | None,
    source_name: str | None,
    metadata: dict[str, Any],
) -> dict[str, Any]:
    """Name the fields as DX's page on deployments.create does; what is not known is left out. Merge commits win over a commit."""
    fields = {
        "reference_id": reference_id,
        "deployed_at": deployed_at,
        "service": service.as_json(),
        "repository": repository,
        "merge_commit_shas": list(merge_commit_shas) or None,
        "commit_sha": None if merge_commit_shas else commit_sha,
        "integration_branch": integration_branch,
        "environment": environment,
        # True is the default of a creation; a patch leaves out what it is not told.
        "success": success if method == "deployments.upsert" or not success else None,
        "source_url": source_url,
        "source_name": source_name,
        "metadata": metadata or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def merge_commits(registration: Registration, service: Service) -> tuple[str, ...]:
    """Give the commits that were listed by hand, or those of what ships of this service; none where the commit is sent."""
    if registration.attribution != "merge-commits" or registration.merge_commit_shas is None:
        return ()
    discovered = registration.merge_commit_shas.source == WHAT_SHIPS
    return (
        registration.changes.merge_commit_shas(service.identifier)
        if discovered
        else registration.merge_commit_shas.value
    )


def pull_body(
    pull_id: int | None, number: tuple[str, int | None] | None, services: Sequence[Service], *, replace: bool
) -> dict[str, Any]:
    """Name the fields of deployments.setPullServices: the pull request by its id, else by (repository, number)."""
    body: dict[str, Any] = {"github_pull_id": pull_id}
    if number:
        body = {"repository": number[0], "pull_number": number[1]}
    body["services"] = [service.as_json() for service in services]
    return body | ({"replace": True} if replace else {})

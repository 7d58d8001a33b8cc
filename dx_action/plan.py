"""Owns the calls to make, as data, in the order they are to be sent. Pure."""

from typing import Any

from dx_action.assignments import Assignment
from dx_action.calls import Call, Method, serialise
from dx_action.context import WHAT_SHIPS, Context
from dx_action.inputs import Inputs
from dx_action.services import Service


def pull_calls(context: Context) -> tuple[Call, ...]:
    """Give one call of deployments.setPullServices for each pull request; they go before the deployments."""
    return tuple(_pull_call(context, assignment) for assignment in context.assignments)


def _pull_call(context: Context, assignment: Assignment) -> Call:
    body: dict[str, Any] = {"github_pull_id": assignment.pull_id}
    if assignment.pull_id is None:
        body = {"repository": context.repository.value, "pull_number": assignment.pull_number}
    body["services"] = [service.as_json() for service in assignment.services]
    if context.replace:
        body["replace"] = True
    return Call("deployments.setPullServices", "", "", serialise(body), assignment.subject)


def plan(context: Context, inputs: Inputs) -> tuple[Call, ...]:
    """Give one call for each service."""
    method: Method = "deployments.upsert" if inputs.method == "upsert" else "deployments.create"
    pairs = zip(context.services.value, context.reference_ids.value, strict=True)
    return tuple(
        Call(method, service.identifier, reference_id, serialise(_body(context, method, service, reference_id)))
        for service, reference_id in pairs
    )


def as_upsert(call: Call) -> Call:
    """Give the call that makes DX take this one's values for a `reference_id` which it holds with others."""
    body = call.json()
    body.setdefault("success", True)
    return Call("deployments.upsert", call.service, call.reference_id, serialise(body))


def _body(context: Context, method: Method, service: Service, reference_id: str) -> dict[str, Any]:
    """Name the fields as DX's page on deployments.create does; what is not known is left out."""
    body: dict[str, Any] = {
        "reference_id": reference_id,
        "deployed_at": context.deployed_at.value,
        "service": service.as_json(),
        "repository": context.repository.value,
    }
    shas = _merge_commits(context, service)
    if shas:
        body["merge_commit_shas"] = list(shas)
    elif context.attribution != "repository" and context.commit:
        body["commit_sha"] = context.commit.value
    success = context.success.value if context.success else True
    optional = {
        "integration_branch": context.integration_branch,
        "environment": context.environment,
        # True is the default of a creation; a patch leaves out what it is not told.
        "success": success if method == "deployments.upsert" or not success else None,
        "source_url": context.source_url and context.source_url.value,
        "source_name": context.source_name,
        "metadata": context.metadata or None,
    }
    return body | {name: value for name, value in optional.items() if value is not None}


def _merge_commits(context: Context, service: Service) -> tuple[str, ...]:
    """Give the commits that were listed by hand, or those of what ships of this service; none where the commit is sent."""
    if context.attribution != "merge-commits" or context.merge_commit_shas is None:
        return ()
    discovered = context.merge_commit_shas.source == WHAT_SHIPS
    return context.shipping.merge_commit_shas(service.identifier) if discovered else context.merge_commit_shas.value

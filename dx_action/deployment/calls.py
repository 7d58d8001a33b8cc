"""Owns the data between deciding, sending and telling: a call to DX, and what became of it. Pure."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dx_action.deployment.pull_services import PullServices
from dx_action.deployment.registration import DISCOVERED, Registration
from dx_action.inputs.model import Inputs
from dx_action.services.service import Service

Method = Literal["deployments.create", "deployments.upsert", "deployments.setPullServices"]
Outcome = Literal["accepted", "already-registered", "failed", "not-sent", "unknown"]


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `body` is serialised once, so that every attempt, and a dry run, has the same bytes.

    `subject` is what it is about where that is no service's deployment.
    """

    method: Method
    service: str
    reference_id: str
    body: bytes
    subject: str = ""

    @property
    def path(self) -> str:
        """The path under the host."""
        return f"/api/{self.method}"

    @property
    def label(self) -> str:
        """What the call is about, in a word."""
        return self.subject or self.service

    def json(self) -> dict[str, Any]:
        """Give the body as a value."""
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a call.

    `outcome`: `failed` means that DX does not hold it, `unknown` that it may. `error` is DX's code, or our own word where
    DX gave none; `message` is foreign text and is inert only once a writer has made it so.
    """

    call: Call
    outcome: Outcome
    http_status: int | None = None
    error: str = ""
    message: str = ""
    attempts: int = 0

    @property
    def delivered(self) -> bool:
        """Tell whether DX holds the deployment for certain."""
        return self.outcome in ("accepted", "already-registered")


def serialise(body: dict[str, Any]) -> bytes:
    """Give the bytes of a request."""
    return compact(body).encode()


def compact(value: object) -> str:
    """Give a value as JSON without a space."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def pull_calls(registration: Registration) -> tuple[Call, ...]:
    """Give one call of deployments.setPullServices for each pull request; they go before the deployments."""
    return tuple(_pull_call(registration, assignment) for assignment in registration.pull_services)


def _pull_call(registration: Registration, assignment: PullServices) -> Call:
    number = None if assignment.pull_id else (registration.repository.value, assignment.pull_number)
    body = pull_body(assignment.pull_id, number, assignment.services, replace=registration.replace)
    return Call("deployments.setPullServices", "", "", serialise(body), assignment.subject)


def deployment_calls(registration: Registration, inputs: Inputs) -> tuple[Call, ...]:
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
    times = {key: time.value for key, time in registration.changes.lead_times_of(service.identifier).items()}
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
        metadata={**times, **registration.metadata},
    )


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
    discovered = registration.merge_commit_shas.source == DISCOVERED
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

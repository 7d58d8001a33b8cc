"""A call to DX as data, in the order in which calls are sent, and its result. Pure."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypedDict, Unpack

from dx_action.deployment.registration import Registration
from dx_action.errors import BadInput, Problem
from dx_action.inputs.model import Inputs
from dx_action.inputs.values import Sourced
from dx_action.secrecy import Secrets
from dx_action.services.service import Service

if TYPE_CHECKING:
    from dx_action.deployment.pull_services import PullServices

Method = Literal[
    "deployments.create",
    "deployments.upsert",
    "deployments.update",
    "deployments.delete",
    "deployments.setPullServices",
]
Outcome = Literal["accepted", "already-registered", "failed", "not-sent", "unknown"]


class DeploymentFields(TypedDict):
    """The fields of deployments.create, in the order of DX's page, in which they are sent."""

    reference_id: str
    deployed_at: str
    service: Service
    repository: str | None
    merge_commit_shas: Sequence[str]
    commit_sha: str | None
    integration_branch: str | None
    environment: str | None
    success: bool
    source_url: str | None
    source_name: str | None
    metadata: dict[str, Any]


FIELDS = tuple(DeploymentFields.__annotations__)
# What a registration calls a field that has another name there.
_SOURCED = {
    "commit_sha": "commit",
    "service": "services",
    "reference_id": "reference_ids",
}


class Call(NamedTuple):
    """One request. `body` is serialised once, so that every attempt, and a dry run, has the same bytes.

    `subject` is what the call is about, unless that is a service's deployment.
    """

    method: Method
    service: str
    reference_id: str
    body: bytes
    subject: str = ""

    @property
    def path(self) -> str:
        return f"/api/{self.method}"

    @property
    def registers(self) -> bool:
        """Whether it registers a deployment."""
        return self.method in ("deployments.create", "deployments.upsert")

    @property
    def corrects(self) -> bool:
        """Whether it changes or deletes a deployment that DX has. Such a call can be sent any number of times."""
        return self.method in ("deployments.update", "deployments.delete")

    @property
    def label(self) -> str:
        return self.reference_id if self.corrects else self.subject or self.service

    def json(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.body)
        return body

    @property
    def is_failed_deployment(self) -> bool:
        """Whether it registers a deployment that did not succeed."""
        return self.registers and b'"success"' in self.body and self.json().get("success") is False

    def texts(self) -> dict[str, str]:
        """Return the body's fields as texts: what is none, as JSON."""
        return {name: value if isinstance(value, str) else compact(value) for name, value in self.json().items()}


class Result(NamedTuple):
    """The result of a call.

    `outcome`: after `failed`, DX has not registered it; after `unknown`, it may have. `error` is DX's code, or our own word
    if DX sent none. `message` is foreign text, to be escaped by whoever writes it.
    """

    call: Call
    outcome: Outcome
    http_status: int | None = None
    error: str = ""
    message: str = ""
    attempts: int = 0

    @property
    def delivered(self) -> bool:
        return self.outcome in ("accepted", "already-registered")


def serialise(body: dict[str, Any]) -> bytes:
    return compact(body).encode()


def compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def pull_calls(registration: Registration) -> tuple[Call, ...]:
    return tuple(pull_call(pull, registration.repository.value) for pull in registration.pull_services)


def pull_call(pull: "PullServices", repository: str) -> Call:
    """Return the call of deployments.setPullServices: the pull request by its id, else by its number in the repository."""
    body: dict[str, Any] = {"github_pull_id": pull.pull_id}
    if not pull.pull_id:
        body = {"repository": repository, "pull_number": pull.pull_number}
    body["services"] = [service.as_json() for service in pull.services]
    if pull.replace:
        body["replace"] = True
    return Call("deployments.setPullServices", "", "", serialise(body), pull.subject)


def deployment_calls(registration: Registration, inputs: Inputs) -> tuple[Call, ...]:
    method: Method = "deployments.upsert" if inputs.method == "upsert" else "deployments.create"
    commit = registration.commit if registration.attribution.value != "repository" else None
    calls = []
    for service, reference_id in zip(registration.services.value, registration.reference_ids.value, strict=True):
        found = registration.changes.metadata_of(service.identifier)
        call = deployment_call(
            method,
            reference_id=reference_id,
            deployed_at=registration.deployed_at.value,
            service=service,
            repository=registration.repository.value,
            merge_commit_shas=registration.merge_commits_of(service.identifier),
            commit_sha=commit.value if commit else None,
            integration_branch=inputs.integration_branch,
            environment=registration.environment.value if registration.environment else None,
            success=registration.success.value,
            source_url=registration.source_url.value if registration.source_url else None,
            source_name=inputs.own_source_name or None,
            metadata={**{key: value.value for key, value in found.items()}, **inputs.metadata},
        )
        calls.append(call)
    return tuple(calls)


def deployment_call(method: Method, **fields: Unpack[DeploymentFields]) -> Call:
    """Return the call that registers one deployment. Fields without a value are left out; merge commits replace the commit."""
    shas, success, service = fields["merge_commit_shas"], fields["success"], fields["service"]
    values: dict[str, Any] = {
        **fields,
        "service": service.as_json(),
        "merge_commit_shas": list(shas) or None,
        "commit_sha": None if shas else fields["commit_sha"],
        # `create` takes success for granted; `upsert` would keep an earlier failure.
        "success": success if method == "deployments.upsert" or not success else None,
        "metadata": fields["metadata"] or None,
    }
    body = {name: values[name] for name in FIELDS if values[name] is not None}
    return Call(method, service.identifier, fields["reference_id"], serialise(body))


def secrets_in(call: Call, secrets: Secrets) -> dict[str, str]:
    """Return the fields of the body that contain a secret, each with the secret's name."""
    if not secrets.names_in(call.body.decode()):
        return {}
    found = ((field, secrets.names_in(compact(value))) for field, value in call.json().items())
    return {field: names[0] for field, names in found if names}


def refuse_secrets(calls: Sequence[Call], registration: Registration | None, secrets: Secrets) -> None:
    """Raise BadInput if a call would send a secret; it names each field and where its value came from."""
    found = {item: None for call in calls for item in secrets_in(call, secrets).items()}
    problems = []
    for field, secret in found:
        value = getattr(registration, _SOURCED.get(field, field), None)
        source = f", from {value.source}" if isinstance(value, Sourced) else ""
        problems.append(Problem(field, f"contains {secret}{source}. It is not sent to DX: remove it there."))
    if problems:
        raise BadInput(*problems)


def as_upsert(call: Call) -> Call:
    """Return the call that overwrites what DX has registered under the same `reference_id`."""
    body = call.json()
    body.setdefault("success", True)
    return Call("deployments.upsert", call.service, call.reference_id, serialise(body))

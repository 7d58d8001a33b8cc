"""Owns what a backfill's row is: a checked call. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from dx_action.backfill import cells
from dx_action.deployment.calls import Call, Method, deployment_body, pull_body, serialise
from dx_action.deployment.reference_id import row_id
from dx_action.errors import ActionError
from dx_action.inputs.times import iso
from dx_action.services.service import Service, by_name

# The fields of DX's page on deployments.create, in the order in which they are sent.
FIELDS = (
    *("reference_id", "deployed_at", "service", "repository", "merge_commit_shas", "commit_sha", "integration_branch"),
    *("environment", "success", "source_url", "source_name", "metadata"),
)
COLUMNS = (*FIELDS, "method")
_PULL_COLUMNS = ("github_pull_id", "repository", "pull_number", "services", "replace", "method")
_START = datetime(1970, 1, 1, tzinfo=UTC)
_METHODS: dict[str, Method] = {"create": "deployments.create", "upsert": "deployments.upsert"}


class BadRow(ActionError):
    """A row that cannot be sent. Each problem's subject is a column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """What fills the cells that a row leaves empty: the inputs of the same names. `own` is the workflow's repository."""

    own: str = ""
    service: Service | None = None
    repository: str | None = None
    integration_branch: str | None = None
    environment: str | None = None
    success: bool | None = None
    source_url: str | None = None
    source_name: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    method: Method = "deployments.create"


@dataclass(frozen=True, slots=True)
class Row:
    """A row, checked. `time` is in ms, `name` as in `store.Rows.names`.

    `assumed`: its service is the repository's own name. `derived`: its `reference_id` is of its content.
    """

    call: Call
    time: int
    name: tuple[str, str, str]
    assumed: bool = False
    derived: bool = False


def read_row(given: Mapping[str, object], fill: Fill) -> Row:
    """Check the cells, by column: texts, and in JSON Lines values of JSON, too. None and blank texts count as absent.

    The workflow's own repository fills the cell only where there are no `merge_commit_shas`: these say by themselves which
    code it is. Raises BadRow with every problem.
    """
    method = given.get("method")
    if isinstance(method, str) and method.strip().lower() == "setpullservices":
        return _pull_row(cells.Cells(given, _PULL_COLUMNS))
    return _deployment_row(cells.Cells(given, COLUMNS), fill)


def _deployment_row(row: cells.Cells, fill: Fill) -> Row:
    method = _METHODS.get(row.read("method", cells.method) or "", fill.method)
    deployed_at = row.read("deployed_at", cells.moment)
    shas = row.read("merge_commit_shas", cells.shas) or ()
    commit = row.read("commit_sha", cells.sha)
    repository = row.read("repository", cells.line) or fill.repository or (None if shas else fill.own or None)
    service = row.read("service", cells.service) or fill.service
    reference_id = row.read("reference_id", cells.line)
    success = row.read("success", cells.success)
    success = success if success is not None else fill.success is not False
    rest = {
        "integration_branch": row.read("integration_branch", cells.line) or fill.integration_branch,
        "environment": row.read("environment", cells.line) or fill.environment,
        "source_url": row.read("source_url", cells.url) or fill.source_url,
        "source_name": row.read("source_name", cells.line) or fill.source_name,
    }
    metadata = row.read("metadata", cells.metadata) or fill.metadata
    if "deployed_at" not in row:
        row.wrong("deployed_at", "is missing. Write a time with its zone, as in 2025-01-01T12:05:00Z.")
    if shas and commit:
        row.wrong("merge_commit_shas", "stands beside `commit_sha`, and DX takes one of them. Leave one empty.")
    if not repository and not shas:
        row.wrong("repository", "is missing, and neither the input nor GITHUB_REPOSITORY names one.")
    if not service and not repository and "service" not in row:
        row.wrong("service", "is missing, and the row has no repository whose name it could be.")
    assumed = not service and bool(repository)
    service = service or by_name(repository or "")
    if row.problems or deployed_at is None:
        raise BadRow(*row.problems)
    environment, written, derived = rest["environment"], iso(deployed_at), not reference_id
    reference_id = reference_id or row_id(
        written, repository or "", service, environment, shas or tuple(filter(None, [commit])), success
    )
    body = deployment_body(
        method,
        reference_id=reference_id,
        deployed_at=written,
        service=service,
        repository=repository,
        merge_commit_shas=shas,
        commit_sha=commit,
        success=success,
        metadata=metadata,
        **rest,
    )
    call = Call(method, service.identifier, reference_id, serialise(body))
    name = (repository or "", service.identifier, environment or "")
    return Row(call, milliseconds(deployed_at), name, assumed, derived)


def name_of(call: Call) -> tuple[str, str, str]:
    """Give a deployment's (repository, service, environment)."""
    body = call.json()
    return body.get("repository", ""), call.service, body.get("environment", "")


def milliseconds(moment: datetime) -> int:
    """Give ms since the epoch, which are never 0: that is for what has no time."""
    return (moment - _START) // timedelta(milliseconds=1) or 1


def pull_subject(pull_id: int | None, number: int | None) -> str:
    """Call a pull request by what names it."""
    return f"the pull request of id {pull_id}" if pull_id else f"pull request #{number}"


def _pull_row(row: cells.Cells) -> Row:
    pull_id = row.read("github_pull_id", cells.number)
    number = row.read("pull_number", cells.number)
    repository = row.read("repository", cells.line)
    services = row.read("services", cells.services) or ()
    replace = row.read("replace", cells.flag)
    if not row.problems and not pull_id and not (number and repository):
        row.wrong("github_pull_id", "is missing, and so are `repository` and `pull_number`. Write one or the others.")
    if row.problems:
        raise BadRow(*row.problems)
    by_number = None if pull_id else (repository or "", number)
    body = pull_body(pull_id, by_number, services, replace=bool(replace))
    subject = pull_subject(pull_id, number)
    call = Call("deployments.setPullServices", "", "", serialise(body), subject)
    return Row(call, 0, (repository or "", subject, ""))

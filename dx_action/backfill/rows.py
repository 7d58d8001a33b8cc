"""The rows of a backfill: the cells of each are checked and become one call to DX. Pure."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from dx_action.deployment.calls import FIELDS, Call, Method, deployment_call, pull_call
from dx_action.deployment.corrections import delete_call, update_call
from dx_action.deployment.pull_services import PullServices
from dx_action.deployment.reference_id import row_id
from dx_action.errors import ActionError, InvalidValue, Problem
from dx_action.inputs.metadata import parse_metadata
from dx_action.inputs.model import Inputs
from dx_action.inputs.times import is_ahead, iso, parse_time
from dx_action.inputs.values import (
    Outcome,
    parse_choice,
    parse_flag,
    parse_name,
    parse_number,
    parse_outcome,
    parse_repository,
    parse_services,
    parse_sha,
    parse_shas,
    parse_source_name,
    parse_url,
    services_in_json,
)
from dx_action.services.service import Service, by_name
from dx_action.text import truncate

COLUMNS = (*FIELDS, "method")
_PULL_COLUMNS = ("github_pull_id", "repository", "pull_number", "services", "replace", "method")
_DELETE_COLUMNS = ("reference_id", "method")
_METHODS: dict[str, Method] = {
    "create": "deployments.create",
    "upsert": "deployments.upsert",
    "update": "deployments.update",
    "delete": "deployments.delete",
}
_ANY_JSON = (dict, list, bool, int, float)

T = TypeVar("T")


class BadRow(ActionError):
    """A row that cannot be sent. Each problem's subject is a column."""


@dataclass(frozen=True, slots=True)
class Row:
    """A checked row.

    `assumed`: its service is the repository's own name. `derived`: its `reference_id` is derived from its content. `ahead`: its
    time is ahead of the clock.
    """

    call: Call
    assumed: bool = False
    derived: bool = False
    ahead: bool = False


class _Cells:
    """A row's cells without the blank ones, and the problems found in them."""

    def __init__(self, row: Mapping[str, object], columns: Sequence[str]) -> None:
        self._values = {column: value for column, value in row.items() if not _is_blank(value)}
        self.problems: list[Problem] = []
        if unknown := [column for column in self._values if column not in columns]:
            names = ", ".join(f"`{column}`" for column in columns)
            self.add_problem(truncate(unknown[0], 60), f"is not a field of this method. Its fields are {names}.")

    def __contains__(self, column: str) -> bool:
        return column in self._values

    def read(self, column: str, parse: Callable[[object], T]) -> T | None:
        """Return a cell's value, or None if the cell is blank or wrong."""
        if column not in self._values:
            return None
        try:
            return parse(self._values[column])
        except InvalidValue as wrong:
            self.add_problem(column, str(wrong))
            return None

    def text(self, column: str, parse: Callable[[str], T], *types: type) -> T | None:
        """Parse a cell's text as the input of the same kind; a JSON value of one of `types` is first written as text."""
        return self.read(column, lambda value: parse(_text(value, types)))

    def add_problem(self, column: str, text: str) -> None:
        self.problems.append(Problem(column, text))


def read_row(cells: Mapping[str, object], inputs: Inputs, own: str, now: datetime) -> Row:
    """Check a row's cells, which are text or, in JSON Lines, any JSON value. None and blank text count as absent.

    The inputs fill what is absent, `own` is the workflow's repository, and `now` is UTC. Raises BadRow with every problem.
    """
    written = cells.get("method")
    method = written.strip().lower() if isinstance(written, str) else ""
    if method == "setpullservices":
        return _pull_row(_Cells(cells, _PULL_COLUMNS))
    if method in ("update", "delete"):
        return _correction_row(_Cells(cells, COLUMNS if method == "update" else _DELETE_COLUMNS), method, now)
    return _deployment_row(_Cells(cells, COLUMNS), inputs, own, now)


def _deployment_row(cells: _Cells, inputs: Inputs, own: str, now: datetime) -> Row:
    method = cells.text("method", parse_choice(_METHODS)) or _METHODS[inputs.method]
    moment = cells.text("deployed_at", lambda text: _moment(text, now), int)
    shas = cells.text("merge_commit_shas", parse_shas, list) or ()
    commit = cells.text("commit_sha", parse_sha)
    # Merge commits say by themselves which code it is, in whichever repository.
    repository = cells.text("repository", parse_repository) or inputs.repository or (None if shas else own or None)
    service = cells.read("service", _one_service) or next(iter(inputs.service), None)
    reference_id = cells.text("reference_id", parse_name)
    success = (cells.text("success", _outcome, bool) or inputs.success) != "failure"
    branch = cells.text("integration_branch", parse_name) or inputs.integration_branch
    environment = cells.text("environment", parse_name) or inputs.environment
    source_url = cells.text("source_url", parse_url) or inputs.source_url
    source_name = cells.text("source_name", parse_source_name) if "source_name" in cells else inputs.source_name
    metadata = cells.text("metadata", parse_metadata, *_ANY_JSON) or inputs.metadata
    if "deployed_at" not in cells:
        cells.add_problem("deployed_at", "is missing. Write a time with its zone, such as 2025-01-01T12:05:00Z.")
    if shas and commit:
        cells.add_problem("merge_commit_shas", "cannot be combined with `commit_sha`. Leave one of the two empty.")
    if not repository and not shas:
        cells.add_problem("repository", "is missing, and neither the input `repository` nor GITHUB_REPOSITORY is set.")
    if not service and not repository and "service" not in cells:
        cells.add_problem("service", "is missing, and the row has no repository whose name could be used instead.")
    if cells.problems or moment is None:
        raise BadRow(*cells.problems)
    deployed_at, ahead = moment
    assumed, derived = not service, not reference_id
    service = service or by_name(repository or "")
    time, commits = iso(deployed_at), shas or tuple(filter(None, [commit]))
    reference_id = reference_id or row_id(time, repository or "", service, environment, commits, success)
    call = deployment_call(
        method,
        reference_id=reference_id,
        deployed_at=time,
        service=service,
        repository=repository,
        merge_commit_shas=shas,
        commit_sha=commit,
        integration_branch=branch,
        environment=environment,
        success=success,
        source_url=source_url,
        source_name=source_name or None,
        metadata=metadata,
    )
    return Row(call, assumed, derived, ahead)


def _correction_row(cells: _Cells, method: str, now: datetime) -> Row:
    """Return the row that changes or deletes a deployment. No input fills a cell of it."""
    reference_id = cells.text("reference_id", parse_name) or ""
    if "reference_id" not in cells:
        cells.add_problem("reference_id", f"is missing. Write the id of the deployment to {method}.")
    moment = cells.text("deployed_at", lambda text: _moment(text, now), int)
    success = cells.text("success", _outcome, bool)
    values = {
        "deployed_at": iso(moment[0]) if moment else None,
        "service": cells.read("service", _one_service),
        "repository": cells.text("repository", parse_repository),
        "merge_commit_shas": cells.text("merge_commit_shas", parse_shas, list),
        "commit_sha": cells.text("commit_sha", parse_sha),
        "integration_branch": cells.text("integration_branch", parse_name),
        "environment": cells.text("environment", parse_name),
        "success": None if success is None else success == "success",
        "source_url": cells.text("source_url", parse_url),
        "source_name": cells.text("source_name", parse_source_name) or None,
        "metadata": cells.text("metadata", parse_metadata, *_ANY_JSON),
    }
    if values["merge_commit_shas"] and values["commit_sha"]:
        cells.add_problem("merge_commit_shas", "cannot be combined with `commit_sha`. Leave one of the two empty.")
    if method == "update" and not cells.problems and all(value is None for value in values.values()):
        cells.add_problem("method", "is `update`, but the row has no value to change. Fill in at least one cell.")
    if cells.problems:
        raise BadRow(*cells.problems)
    if method == "delete":
        return Row(delete_call(reference_id))
    return Row(update_call(reference_id, values), ahead=moment is not None and moment[1])


def _pull_row(cells: _Cells) -> Row:
    pull_id = cells.text("github_pull_id", parse_number, int)
    number = cells.text("pull_number", parse_number, int)
    repository = cells.text("repository", parse_repository)
    services = cells.read("services", lambda value: services_in_json(value) if value else ()) or ()
    replace = cells.text("replace", parse_flag, bool)
    if not cells.problems and not pull_id and not (number and repository):
        cells.add_problem("github_pull_id", "is missing. Write it, or both `repository` and `pull_number`.")
    if cells.problems:
        raise BadRow(*cells.problems)
    # An id names the pull request alone: what is sent, and so what is read again, has no number then.
    pull = PullServices(services, pull_id, None if pull_id else number, replace=bool(replace))
    return Row(pull_call(pull, repository or ""))


def _one_service(value: object) -> Service:
    services = parse_services(_text(value, ())) if isinstance(value, str) else services_in_json(value)
    if len(services) > 1:
        raise InvalidValue("names several services, but a row is a deployment of one. Write a row for each service.")
    return services[0]


def _moment(text: str, now: datetime) -> tuple[datetime, bool]:
    """Return a deployment's time, and whether it is ahead of the clock."""
    moment = parse_time(text)
    return moment, is_ahead(moment, now)


def _outcome(text: str) -> Outcome:
    outcome = parse_outcome(text)
    if outcome == "skip":
        raise InvalidValue("means that nothing was deployed. Leave the row out.")
    return outcome


def _text(value: object, types: tuple[type, ...]) -> str:
    if type(value) in types:
        value = json.dumps(value)
    if not isinstance(value, str):
        raise InvalidValue("is not text. Write it in quotes.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidValue("is not valid UTF-8.") from None
    return value.strip()


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())

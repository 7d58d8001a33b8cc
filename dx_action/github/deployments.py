"""GitHub's deployments: the whole history page by page, and the previous deployment of a service."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dx_action.changes.changeset import Wanted
from dx_action.errors import InvalidValue
from dx_action.github.client import PER_PAGE, Answer, Connection, Node, Repository
from dx_action.github.errors import UNREADABLE, LookupFailedError, failure
from dx_action.inputs.times import parse_time_or_none
from dx_action.inputs.values import Sourced, services_in_payload
from dx_action.runner.event import Deployment, DeploymentStatus

MOST_PAGES, MOST_TRIED = 3, 10
_HISTORY = "GitHub's deployment history"
_PERMISSION = "deployments"
_FIELDS = """
nameWithOwner
deployments(first: 100, after: $after, orderBy: {field: CREATED_AT, direction: DESC}) {
  pageInfo { hasNextPage endCursor }
  nodes {
    id databaseId commitOid environment payload createdAt
    statuses(first: 100) { pageInfo { hasNextPage } nodes { state createdAt logUrl } }
  }
}
"""


class _Status(Node):
    state: str
    created_at: str
    log_url: str | None


class DeploymentNode(Node):
    """A deployment, as GraphQL has it."""

    id: str
    database_id: int | None
    commit_oid: str
    environment: str | None
    payload: str | None
    created_at: str
    statuses: Connection[_Status]


class _Named(Node):
    name_with_owner: str


class _History(_Named):
    deployments: Connection[DeploymentNode]


class _Listed(Answer):
    id: int
    node_id: str
    production_environment: bool | None = None
    transient_environment: bool | None = None


@dataclass(frozen=True, slots=True)
class _Past:
    """A deployment of the history, and the services that its payload names."""

    id: int
    sha: str
    services: tuple[str, ...]


def pages(repository: Repository) -> Iterator["Page"]:
    """Yield the pages of a repository's deployments, newest first: a GraphQL call for each 100 with their statuses, when it is due.

    Raises LookupFailedError.
    """
    after: str | None = None
    number = 1
    while True:
        found = repository.query(_FIELDS, _PERMISSION, _History, {"after": ("String", after)})
        yield Page(repository, found.name_with_owner, found.deployments.nodes, number)
        more = found.deployments
        if not more.has_next_page:
            return
        if more.end_cursor in (None, after):
            raise failure(UNREADABLE)
        after, number = more.end_cursor, number + 1


class Page:
    """A page of deployments. `name` is the repository's, as GitHub writes it.

    What GraphQL lacks is read from REST's list if it is needed, a call for each 100 again: whether an environment is for
    production or transient, and now and then a deployment's number.
    """

    def __init__(self, repository: Repository, name: str, nodes: list[DeploymentNode], number: int) -> None:
        self._repository, self._number = repository, number
        self.name, self.nodes = name, nodes

    def statuses(self, node: DeploymentNode) -> list[DeploymentStatus]:
        """Return a deployment's statuses, newest first; if they are more than 100, all from REST."""
        if not node.statuses.has_next_page:
            return [
                DeploymentStatus(state=status.state.lower(), created_at=status.created_at, log_url=status.log_url)
                for status in node.statuses.nodes
            ]
        found: list[DeploymentStatus] = []
        page = 1
        while len(found) == (page - 1) * PER_PAGE:
            found += _statuses(self._repository, self._id(node), page)
            page += 1
        return found

    def deployment(self, node: DeploymentNode, *, environments: bool) -> Deployment:
        """Return a deployment as events have it. `environments`: with what its environment is."""
        listed = self._listed(node) if environments else None
        return Deployment(
            id=self._id(node),
            sha=node.commit_oid,
            environment=node.environment,
            production_environment=listed and listed.production_environment,
            transient_environment=listed and listed.transient_environment,
            payload=_payload(node.payload),
        )

    def _id(self, node: DeploymentNode) -> int:
        """Return the deployment's number, which GraphQL leaves out if it does not fit into 32 bits."""
        return self._listed(node).id if node.database_id is None else node.database_id

    def _listed(self, node: DeploymentNode) -> _Listed:
        if listed := self._list.get(node.id):
            return listed
        # Something was deployed since the list was begun, and moved the pages.
        if node.database_id is None:
            raise failure("changed its list of deployments while it was read. Run the step again.")
        return self._repository.get(f"deployments/{node.database_id}", _PERMISSION, _Listed)

    @cached_property
    def _list(self) -> dict[str, _Listed]:
        found = self._repository.get("deployments", _PERMISSION, list[_Listed], per_page=PER_PAGE, page=self._number)
        return {each.node_id: each for each in found}


def current_name(repository: Repository, name: str) -> str | None:
    """Return what the repository of another, maybe former, name is called today; None if this token cannot read it.

    Raises LookupFailedError if GitHub does not answer.
    """
    try:
        return repository.query("nameWithOwner", _PERMISSION, _Named, name=name).name_with_owner
    except LookupFailedError as error:
        if error.kind in ("missing", "forbidden"):  # another organization's, which does not want this token
            return None
        raise


def previous_deployments(repository: Repository, wanted: Wanted, run_id: str) -> dict[str, Sourced[str] | str]:
    """Return each service's previously deployed commit, or why it is not known, as the end of a sentence.

    It is that of the newest deployment that succeeded, of this environment and this service, as DX means it. What this run or
    one of `wanted.runs` made itself, by a job's `environment`, does not count. Raises LookupFailedError.
    """
    runs = [f"/actions/runs/{run}/" for run in (run_id, *wanted.runs) if run]
    past: list[_Past] = []
    found: dict[str, Sourced[str]] = {}
    # Of several services the newest may be one and the same, whose statuses are asked for once.
    tried: dict[int, bool] = {}
    named, cut = bool(wanted.own and _services(wanted.own)), False
    for page in range(1, MOST_PAGES + 1):
        past_page, cut = _past_page(repository, wanted, page)
        past += past_page
        named = named or any(each.services for each in past_page)
        for service in wanted.services:
            if service in found or not (named or wanted.alone):
                continue
            own = [each for each in past if not named or service in each.services][:MOST_TRIED]
            newest = next((each for each in own if _succeeded(repository, each, runs, tried)), None)
            if newest:
                found[service] = Sourced(newest.sha, f"{_HISTORY} (deployment {newest.id})")
        if not cut or found.keys() == {*wanted.services}:
            break
    return {
        service: found.get(service) or _why_not(past, service, named=named, alone=wanted.alone, cut=cut)
        for service in wanted.services
    }


def _why_not(past: list[_Past], service: str, *, named: bool, alone: bool, cut: bool) -> str:
    newest = f" among its newest {MOST_PAGES * PER_PAGE}" if cut else ""
    if not past:
        return f"{_HISTORY} has no earlier deployment to this environment{newest}"
    if not named and not alone:
        return f"{_HISTORY} does not say which service was deployed: no payload has a `service`"
    if sum(not named or service in each.services for each in past) > MOST_TRIED:
        newest = f", of the newest {MOST_TRIED}"
    return f"{_HISTORY} has no earlier deployment of the same service that succeeded{newest}"


def _past_page(repository: Repository, wanted: Wanted, page: int) -> tuple[list[_Past], bool]:
    """Return a page's deployments of this environment, and whether there may be another page."""
    own = wanted.own
    # A history full of previews would hide what is older than its newest pages.
    filters = {"environment": wanted.environment} if wanted.environment else {}
    deployments = repository.get("deployments", _PERMISSION, list[Deployment], per_page=PER_PAGE, page=page, **filters)
    found = [
        _Past(each.id, each.sha, _services(each))
        for each in deployments
        if wanted.counts(each) and not _later(each, wanted.until) and not (own and own.id == each.id)
    ]
    return found, len(deployments) == PER_PAGE


def _later(deployment: Deployment, until: str | None) -> bool:
    created, end = parse_time_or_none(deployment.created_at), parse_time_or_none(until)
    return created is not None and end is not None and created > end


def _services(deployment: Deployment) -> tuple[str, ...]:
    try:
        return tuple(service.identifier for service in services_in_payload(deployment.payload))
    except InvalidValue:
        return ()


def _succeeded(repository: Repository, past: _Past, runs: Sequence[str], tried: dict[int, bool]) -> bool:
    """Return whether it succeeded: GitHub calls it inactive once another replaced it, so that all its statuses count."""
    if past.id not in tried:
        statuses = _statuses(repository, past.id)
        urls = [f"{url}/" for status in statuses for url in (status.log_url, status.target_url)]
        own = any(run in url for url in urls for run in runs)
        tried[past.id] = not own and any(status.state == "success" for status in statuses)
    return tried[past.id]


def _statuses(repository: Repository, deployment: int, page: int = 1) -> list[DeploymentStatus]:
    path = f"deployments/{deployment}/statuses"
    return repository.get(path, _PERMISSION, list[DeploymentStatus], per_page=PER_PAGE, page=page)


def _payload(text: str | None) -> Any:
    """Read the payload, which is JSON text here, and twice so if it was given as text."""
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return text

"""GitHub's deployments: the whole history page by page, and the previous deployment of a service."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import count, islice
from typing import Any

from dx_action.changes.changeset import Wanted
from dx_action.errors import InvalidValue
from dx_action.github.client import PER_PAGE, Repository
from dx_action.github.errors import UNREADABLE, LookupFailedError
from dx_action.github.graphql import Connection, Node, Query, ask
from dx_action.inputs.times import parse_time_or_none
from dx_action.inputs.values import Sourced, services_in_payload
from dx_action.runner.event import Deployment, DeploymentStatus
from dx_action.text import parse_json

MOST_PAGES, MOST_TRIED = 3, 10
_HISTORY = "GitHub's deployment history"
_PERMISSION = "deployments"
_FIELDS = """
nameWithOwner
deployments(first: 100, after: $after, orderBy: {field: CREATED_AT, direction: DESC}) {
  pageInfo { hasNextPage endCursor }
  nodes {
    id databaseId commitOid environment payload createdAt ref { prefix name }
    statuses(first: 100) { pageInfo { hasNextPage } nodes { state created_at: createdAt log_url: logUrl } }
  }
}
"""


class _Ref(Node):
    prefix: str
    name: str


class DeploymentNode(Node):
    """A deployment, as GraphQL has it. `ref` is the branch or tag that was deployed, while GitHub has it."""

    id: str
    database_id: int | None
    commit_oid: str
    environment: str | None
    payload: str | None
    created_at: str
    ref: _Ref | None = None
    statuses: Connection[DeploymentStatus]


class _Named(Node):
    name_with_owner: str


class _History(_Named):
    deployments: Connection[DeploymentNode]


class _Listed(Deployment):
    node_id: str


# Deployments with the services that their payloads name.
_Past = list[tuple[Deployment, tuple[str, ...]]]


def pages(repository: Repository) -> Iterator["Page"]:
    """Yield the pages of a repository's deployments, newest first: a GraphQL call for each 100 with their statuses, when it is due.

    Raises LookupFailedError.
    """
    after: str | None = None
    for number in count(1):
        found = ask(repository, Query(_FIELDS, _PERMISSION, {"after": ("String", after)}), _History)
        yield Page(repository, found.name_with_owner, found.deployments.nodes, number)
        more = found.deployments
        if not more.has_next_page:
            return
        if more.end_cursor in (None, after):
            raise LookupFailedError(UNREADABLE)
        after = more.end_cursor


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
            return [status.model_copy(update={"state": status.state.lower()}) for status in node.statuses.nodes]
        return [status for page in _statuses(self._repository, self._id(node)) for status in page]

    def deployment(self, node: DeploymentNode, *, environments: bool) -> Deployment:
        """Return a deployment as events have it. `environments`: with what its environment is."""
        if environments:
            return self._listed(node)
        payload = _payload(node.payload)
        return Deployment(id=self._id(node), sha=node.commit_oid, environment=node.environment, payload=payload)

    def _id(self, node: DeploymentNode) -> int:
        """Return the deployment's number, which GraphQL leaves out if it does not fit into 32 bits."""
        return self._listed(node).id if node.database_id is None else node.database_id

    def _listed(self, node: DeploymentNode) -> _Listed:
        if listed := self._list.get(node.id):
            return listed
        # Something was deployed since the list was begun, and moved the pages.
        if node.database_id is None:
            raise LookupFailedError("changed its list of deployments while it was read. Run the step again.")
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
        return ask(repository, Query("nameWithOwner", _PERMISSION, name=name), _Named).name_with_owner
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
    past: _Past = []
    found: dict[str, Sourced[str]] = {}
    named, cut = bool(wanted.own and _services(wanted.own)), False
    # A history full of previews would hide what is older than its newest pages.
    filters = {"environment": wanted.environment} if wanted.environment else {}
    for page in islice(repository.pages("deployments", _PERMISSION, list[Deployment], **filters), MOST_PAGES):
        cut = len(page) == PER_PAGE
        past += [(each, _services(each)) for each in page if _is_earlier(each, wanted)]
        named = named or any(services for _, services in past)
        for service in wanted.services:
            if service in found or not (named or wanted.alone):
                continue
            own = [each for each, services in past if not named or service in services][:MOST_TRIED]
            newest = next((each for each in own if _succeeded(repository, each, runs)), None)
            if newest:
                found[service] = Sourced(newest.sha, f"{_HISTORY} (deployment {newest.id})")
        if found.keys() == {*wanted.services}:
            break
    return {
        service: found.get(service) or _why_not(past, service, named=named, alone=wanted.alone, cut=cut)
        for service in wanted.services
    }


def _why_not(past: _Past, service: str, *, named: bool, alone: bool, cut: bool) -> str:
    newest = f" among its newest {MOST_PAGES * PER_PAGE}" if cut else ""
    if not past:
        return f"{_HISTORY} has no earlier deployment to this environment{newest}"
    if not named and not alone:
        return f"{_HISTORY} does not say which service was deployed: no payload has a `service`"
    if sum(not named or service in services for _, services in past) > MOST_TRIED:
        newest = f", of the newest {MOST_TRIED}"
    return f"{_HISTORY} has no earlier deployment of the same service that succeeded{newest}"


def _is_earlier(deployment: Deployment, wanted: Wanted) -> bool:
    """Whether this is a deployment to the environment, but not the run's own nor one that was made after it."""
    own = wanted.own is not None and wanted.own.id == deployment.id
    created, end = parse_time_or_none(deployment.created_at), parse_time_or_none(wanted.until)
    later = created is not None and end is not None and created > end
    return wanted.counts(deployment) and not own and not later


def _services(deployment: Deployment) -> tuple[str, ...]:
    try:
        return tuple(service.identifier for service in services_in_payload(deployment.payload))
    except InvalidValue:
        return ()


def _succeeded(repository: Repository, deployment: Deployment, runs: Sequence[str]) -> bool:
    """Return whether it succeeded: GitHub calls it inactive once another replaced it, so that all its statuses count."""
    statuses = next(_statuses(repository, deployment.id))
    urls = [f"{url}/" for status in statuses for url in (status.log_url, status.target_url)]
    own = any(run in url for url in urls for run in runs)
    return not own and any(status.state == "success" for status in statuses)


def _statuses(repository: Repository, deployment: int) -> Iterator[list[DeploymentStatus]]:
    return repository.pages(f"deployments/{deployment}/statuses", _PERMISSION, list[DeploymentStatus])


def _payload(text: str | None) -> Any:
    """Read the payload, which is JSON text here, and twice so if it was given as text."""
    try:
        return parse_json(text) if text else None
    except ValueError:
        return text

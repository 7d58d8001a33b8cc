"""GitHub's deployments: the whole history page by page, and the previous deployment of a service."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from pydantic import ConfigDict

from dx_action.changes.changeset import Wanted
from dx_action.errors import InvalidValue
from dx_action.github.client import PER_PAGE, Repository
from dx_action.github.errors import LookupFailedError
from dx_action.github.graphql import Connection, Named, Node, Query, ask, list_pages
from dx_action.inputs.times import parse_time_or_none
from dx_action.inputs.values import Sourced, services_in_payload
from dx_action.runner.event import Deployment, DeploymentStatus
from dx_action.text import join_names, parse_json, quoted

MOST_PAGES, MOST_TRIED = 3, 10
# So many pages of a whole history are read.
MOST_HISTORY = 2_000
_HISTORY = "GitHub's deployment history"
_PERMISSION = "deployments"
_FIELDS = """
nameWithOwner
deployments(first: $first, after: $after, orderBy: {field: CREATED_AT, direction: DESC}) {
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


class _Status(DeploymentStatus):
    model_config = ConfigDict(strict=True)


class DeploymentNode(Node):
    """A deployment, as GraphQL has it. `ref` is the branch or tag that was deployed, while GitHub has it."""

    id: str
    database_id: int | None
    commit_oid: str
    environment: str | None
    payload: str | None
    created_at: str
    ref: _Ref | None = None
    statuses: Connection[_Status | None] | None


class _History(Named):
    deployments: Connection[DeploymentNode | None]


class _Deployment(Deployment):
    model_config = ConfigDict(strict=True)


class _Listed(_Deployment):
    node_id: str


# Deployments with the services that their payloads name.
_Past = list[tuple[Deployment, tuple[str, ...]]]


def pages(repository: Repository) -> Iterator["Page"]:
    """Yield the pages of a repository's deployments, newest first: a GraphQL call for each 100 with their statuses, when it is due.

    Raises LookupFailedError.
    """
    query, rest, start = Query(_FIELDS, _PERMISSION), _RestList(repository), 0
    attempts = range(MOST_HISTORY)
    for found in list_pages(repository, query, _History, lambda page: page.deployments, lambda node: node.id, attempts):
        nodes = found.deployments.nodes
        yield Page(repository, found.name_with_owner, nodes, rest, start)
        start += len(nodes)


class _RestList:
    """REST's list of deployments, of which the last pages are kept."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._pages: dict[int, dict[str, _Listed]] = {}

    def page(self, number: int) -> dict[str, _Listed]:
        if number not in self._pages:
            for old in [kept for kept in self._pages if kept < number - 1]:
                del self._pages[old]
            found = self._repository.get("deployments", _PERMISSION, list[_Listed], per_page=PER_PAGE, page=number)
            self._pages[number] = {each.node_id: each for each in found}
        return self._pages[number]


class Page:
    """A page of deployments, the first of which is at `start`. `name` is the repository's, as GitHub writes it.

    What GraphQL lacks is read from REST's list if it is needed, a call for each 100 again: whether an environment is for
    production or transient, and now and then a deployment's number. `missing` deployments were not returned.
    """

    def __init__(
        self,
        repository: Repository,
        name: str,
        nodes: Sequence[DeploymentNode | None],
        rest: _RestList,
        start: int,
    ) -> None:
        self._repository, self._rest = repository, rest
        self._numbers = sorted({at // PER_PAGE + 1 for at in (start, start + max(len(nodes), 1) - 1)})
        self.name, self.nodes = name, [node for node in nodes if node]
        self.missing = len(nodes) - len(self.nodes)

    def statuses(self, node: DeploymentNode) -> list[DeploymentStatus]:
        """Return a deployment's statuses, newest first; if they are more than 100 or did not come whole, all from REST."""
        page = node.statuses
        found = [status for status in page.nodes if status] if page else []
        if page and not page.has_next_page and len(found) == len(page.nodes):
            return [status.model_copy(update={"state": status.state.lower()}) for status in found]
        return [status for rest in _statuses(self._repository, self._id(node)) for status in rest]

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
        for number in self._numbers:
            if listed := self._rest.page(number).get(node.id):
                return listed
        # Something was deployed since the list was begun, and moved the pages.
        if node.database_id is None:
            raise LookupFailedError("changed its list of deployments while it was read. Run the step again.")
        return self._repository.get(f"deployments/{node.database_id}", _PERMISSION, _Listed)


def current_name(repository: Repository, name: str) -> str | None:
    """Return what the repository of another, maybe former, name is called today; None if this token cannot read it.

    Raises LookupFailedError if GitHub does not answer.
    """
    try:
        return ask(repository, Query("nameWithOwner", _PERMISSION, name=name), Named).name_with_owner
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
    for page in islice(repository.pages("deployments", _PERMISSION, list[_Deployment], **filters), MOST_PAGES):
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
    elsewhere = "" if past or not wanted.environment else _other_spelling(repository, wanted.environment)
    return {
        service: found.get(service) or f"{_why_not(past, service, named=named, alone=wanted.alone, cut=cut)}{elsewhere}"
        for service in wanted.services
    }


def _other_spelling(repository: Repository, environment: str) -> str:
    """Return how the newest deployments spell the environment, if otherwise; GitHub's list is of one spelling alone."""
    newest = next(repository.pages("deployments", _PERMISSION, list[_Deployment]))
    return _spelled((each.environment or "" for each in newest), environment, "to")


def _spelled(names: Iterable[str], name: str, preposition: str) -> str:
    """Return the end of a sentence on names that differ from one only by case or spaces; empty if there are none."""
    others = {each for each in names if each != name and each.strip().casefold() == name.strip().casefold()}
    spelled = join_names([quoted(other) for other in sorted(others)], 3)
    return f", but {preposition} {spelled}: compare the spelling" if others else ""


def _why_not(past: _Past, service: str, *, named: bool, alone: bool, cut: bool) -> str:
    newest = f" among its newest {MOST_PAGES * PER_PAGE}" if cut else ""
    if not past:
        return f"{_HISTORY} has no earlier deployment to this environment{newest}"
    if not named and not alone:
        return f"{_HISTORY} does not say which service was deployed: no payload has a `service`"
    own = sum(not named or service in services for _, services in past)
    if own > MOST_TRIED:
        newest = f", of the newest {MOST_TRIED}"
    otherwise = "" if own else _spelled((each for _, services in past for each in services), service, "of")
    return f"{_HISTORY} has no earlier deployment of the same service that succeeded{newest}{otherwise}"


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
    for statuses in _statuses(repository, deployment.id):
        urls = [f"{url}/" for status in statuses for url in (status.log_url, status.target_url)]
        if any(run in url for url in urls for run in runs):
            return False
        if any(status.state == "success" for status in statuses):
            return True
    return False


def _statuses(repository: Repository, deployment: int) -> Iterator[list[_Status]]:
    return repository.pages(f"deployments/{deployment}/statuses", _PERMISSION, list[_Status])


def _payload(text: str | None) -> Any:
    """Read the payload, which is JSON text here, and twice so if it was given as text."""
    try:
        return parse_json(text) if text else None
    except ValueError:
        return text

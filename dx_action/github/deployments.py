"""Owns a page of GitHub's deployments, read through an `Api`: one GraphQL call for each 100 deployments with their statuses.

What GraphQL does not tell, whether an environment is for production or transient, and now and then a deployment's number, is read
from REST's list where it is asked for: a call for each 100 again.
"""

import json
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from dx_action.github.client import PER_PAGE, Api, Missing
from dx_action.github.errors import UNREADABLE, Asker, unavailable
from dx_action.runner.event import Deployment, DeploymentStatus

T = TypeVar("T")
_PERMISSION = "deployments"
_QUERY = """
query($owner: String!, $name: String!, $after: String) {
  repository(owner: $owner, name: $name) {
    nameWithOwner
    deployments(first: 100, after: $after, orderBy: {field: CREATED_AT, direction: DESC}) {
      pageInfo { hasNextPage endCursor }
      nodes {
        id databaseId commitOid environment payload createdAt
        statuses(first: 100) { pageInfo { hasNextPage } nodes { state createdAt logUrl } }
      }
    }
  }
}
"""


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class _More(_Shape):
    hasNextPage: bool  # noqa: N815 - GitHub's names
    endCursor: str | None = None  # noqa: N815


class _Status(_Shape):
    state: str
    createdAt: str  # noqa: N815
    logUrl: str | None  # noqa: N815


class _Statuses(_Shape):
    pageInfo: _More  # noqa: N815
    nodes: list[_Status]


class Node(_Shape):
    """A deployment, as GraphQL tells it."""

    id: str
    databaseId: int | None  # noqa: N815
    commitOid: str  # noqa: N815
    environment: str | None
    payload: str | None
    createdAt: str  # noqa: N815
    statuses: _Statuses


class _Page(_Shape):
    pageInfo: _More  # noqa: N815
    nodes: list[Node]


class _Answer(_Shape):
    nameWithOwner: str  # noqa: N815
    deployments: _Page


class _Listed(_Shape):
    id: int
    node_id: str
    production_environment: bool | None = None
    transient_environment: bool | None = None


def pages(api: Api, asker: Asker) -> Iterator["Page"]:
    """Give the pages of a repository's deployments, newest first, each read when it is asked for. Raises LookupFailedError."""
    owner, _, name = asker.repository.partition("/")
    after: str | None = None
    number = 1
    while True:
        try:
            found = api.query(_QUERY, _PERMISSION, owner=owner, name=name, after=after).get("repository")
        except Missing:
            found = None
        if found is None:
            raise asker.unseen(_PERMISSION)
        answer = _checked(_Answer.model_validate, found)
        yield Page(api, asker, answer.nameWithOwner, answer.deployments.nodes, number)
        more = answer.deployments.pageInfo
        if not more.hasNextPage:
            return
        if more.endCursor in (None, after):
            raise unavailable(UNREADABLE)
        after, number = more.endCursor, number + 1


class Page:
    """A page of deployments. `name` is the repository's, as GitHub writes it."""

    def __init__(self, api: Api, asker: Asker, name: str, nodes: list[Node], number: int) -> None:
        self._api, self._asker, self._number = api, asker, number
        self.name, self.nodes = name, nodes

    def statuses(self, node: Node) -> list[DeploymentStatus]:
        """Give a deployment's statuses, newest first; where they are more than 100, all from REST."""
        if not node.statuses.pageInfo.hasNextPage:
            return [
                DeploymentStatus(state=each.state.lower(), created_at=each.createdAt, log_url=each.logUrl)
                for each in node.statuses.nodes
            ]
        found: list[DeploymentStatus] = []
        path, page = f"deployments/{self._id(node)}/statuses", 1
        while len(found) == (page - 1) * PER_PAGE:
            found += self._asked(path, TypeAdapter(list[DeploymentStatus]), per_page=PER_PAGE, page=page)
            page += 1
        return found

    def deployment(self, node: Node, *, environments: bool) -> Deployment:
        """Give a deployment as events have it. `environments`: with what its environment is."""
        shown = self._shown(node) if environments else None
        return Deployment(
            id=self._id(node),
            sha=node.commitOid,
            environment=node.environment,
            production_environment=shown and shown.production_environment,
            transient_environment=shown and shown.transient_environment,
            payload=_payload(node.payload),
        )

    def _id(self, node: Node) -> int:
        """Give the deployment's number, which GraphQL leaves out where it does not fit into 32 bits."""
        return self._shown(node).id if node.databaseId is None else node.databaseId

    def _shown(self, node: Node) -> _Listed:
        found = self._listed.get(node.id)
        if found:
            return found
        # Something was deployed since the list was begun, and moved the pages.
        if node.databaseId is None:
            raise unavailable("changed its list of deployments while it was read. Run this again.")
        return self._asked(f"deployments/{node.databaseId}", TypeAdapter(_Listed))

    @cached_property
    def _listed(self) -> dict[str, _Listed]:
        found = self._asked("deployments", TypeAdapter(list[_Listed]), per_page=PER_PAGE, page=self._number)
        return {each.node_id: each for each in found}

    def _asked(self, path: str, shape: TypeAdapter[T], **parameters: int) -> T:
        try:
            found = self._api.get(f"/repos/{self._asker.repository}/{path}", _PERMISSION, **parameters)
        except Missing:
            raise self._asker.unseen(_PERMISSION) from None
        return _checked(shape.validate_python, found)


def _payload(text: str | None) -> Any:
    """Read the payload, which is JSON text here, and twice so where it was given as text."""
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return text


def _checked(read: Callable[[Any], T], found: Any) -> T:
    """Read an answer. Raises LookupFailedError where it is of another shape."""
    try:
        return read(found)
    except ValidationError:
        raise unavailable(UNREADABLE) from None

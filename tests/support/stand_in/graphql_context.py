"""Owns what every GraphQL value needs of the query it answers: rights, addresses, ids and accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql import GraphQLError

from stand_in.history import Person
from stand_in.moments import text
from stand_in.repo import Repo
from stand_in.shapes import node_id, user_id

if TYPE_CHECKING:
    from stand_in.app import App
    from stand_in.graphql_price import Price

Values = dict[str, Any]
_INT = 2**31


def missing(message: str) -> GraphQLError:
    """Say that there is no such thing, or that it is hidden."""
    return GraphQLError(message, extensions={"type": "NOT_FOUND"})


class Context:
    """One query's view of the server."""

    def __init__(self, app: App, authorization: str, price: Price) -> None:
        self._app, self._authorization, self._price = app, authorization, price

    def repo(self, full_name: str) -> Repo:
        """Find a repository, or refuse."""
        repo = self._app.visible(full_name, self._authorization)
        if repo is None:
            raise missing(f"Could not resolve to a Repository with the name '{full_name}'.")
        return repo

    def allow(self, repo: Repo, permission: str) -> None:
        """Refuse what the token may not read."""
        if not self._app.may(repo, permission):
            raise GraphQLError("Resource not accessible by integration", extensions={"type": "FORBIDDEN"})

    def lagging(self, repo: Repo, sha: str) -> bool:
        """Say whether GitHub does not know this commit's pull requests yet."""
        return self._app.lagging(repo, sha)

    def number(self, number: int) -> int | None:
        """Return a databaseId: whole, or left out where it does not fit into 32 bits."""
        return number if self._app.wide_ids or number < _INT else None

    def url(self, repo: Repo, *parts: str | int) -> str:
        """Return a page's address."""
        return "/".join([self._app.server_url, repo.full_name, *map(str, parts)])

    def rate_limit(self) -> Values:
        """Return the budget, this query taken off."""
        rate = self._app.graphql_rate.shown()
        return {**rate, "cost": self._price.cost, "nodeCount": self._price.nodes, "resetAt": text(rate["reset"])}

    def actor(self, login: str, kind: str = "") -> Values:
        """Return an account; in GraphQL bots go without their suffix."""
        name = login.removesuffix("[bot]")
        bot = name != login
        return {
            "__typename": kind or ("Bot" if bot else "User"),
            "id": node_id("BOT" if bot else "U", user_id(login)),
            "databaseId": user_id(login),
            "login": name,
            "name": None,
            "url": f"{self._app.server_url}/{'apps/' if bot else ''}{name}",
        }

    def person(self, who: Person, moment: int) -> Values:
        """Return a commit's author or committer; only a user has an account there."""
        user = self.actor(who.login) if who.login and not who.login.endswith("[bot]") else None
        return {"name": who.name, "email": who.email, "date": text(moment), "user": user}

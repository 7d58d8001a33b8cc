"""Owns the stand-in as one object: start it, script it, ask it what it was asked, stop it."""

import re
import threading
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from stand_in.app import App, Call, Rate
from stand_in.faults import Fault, Faults
from stand_in.repo import Repo
from stand_in.wire import Listener

_POLL = 0.002


class GitHub:
    """A GitHub on loopback, from entering the context until leaving it.

    `ghes` puts the API under /api, as GitHub Enterprise Server does. `hidden` repositories are beyond the token's reach.
    """

    def __init__(
        self,
        *repos: Repo,
        token: str = "github-token",
        permissions: Mapping[str, str] | None = None,
        hidden: Iterable[str] = (),
        moved: Mapping[str, str] | None = None,
        ghes: bool = False,
    ) -> None:
        self.token = token
        base_path = "/api/v3" if ghes else ""
        self.app = App(repos, token=token, permissions=permissions, hidden=hidden, moved=moved, base_path=base_path)
        self.faults = Faults()
        self._listener = Listener(self.app, self.faults)
        self.server_url = self.app.server_url = f"http://127.0.0.1:{self._listener.server_port}"
        self.api_url = self.server_url + base_path
        self.graphql_url = self.server_url + self.app.graphql_path
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(_POLL,), name="github", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.stop()
        self._thread.join()
        if self._listener.bugs:
            raise RuntimeError("the stand-in failed while it answered") from self._listener.bugs[0]

    @property
    def env(self) -> dict[str, str]:
        """What the runner tells an action of its server."""
        return {
            "GITHUB_SERVER_URL": self.server_url,
            "GITHUB_API_URL": self.api_url,
            "GITHUB_GRAPHQL_URL": self.graphql_url,
        }

    @property
    def calls(self) -> list[Call]:
        """The requests that arrived, in order."""
        return list(self._listener.calls)

    def reset_calls(self) -> None:
        """Forget them."""
        self._listener.calls.clear()

    def count(self, path: str = "") -> int:
        """Count those whose path matches."""
        return sum(bool(re.search(path, call.path)) for call in self.calls)

    def fail(self, path: str = "", **fault: Any) -> None:
        """Misbehave; see Fault."""
        self.faults.add(Fault(path=path, **fault))

    @property
    def permissions(self) -> dict[str, str]:
        """What the token may do: read or none, for contents, pull_requests, deployments. Change it as you like."""
        return self.app.permissions

    @property
    def rate(self) -> Rate:
        """REST's budget."""
        return self.app.rate

    @property
    def graphql_rate(self) -> Rate:
        """GraphQL's budget, in points."""
        return self.app.graphql_rate

    def configure(
        self,
        *,
        latency: float | None = None,
        lag: int | None = None,
        tree_limit: int | None = None,
        content_limit: int | None = None,
        wide_ids: bool | None = None,
        query_limit: int | None = None,
        over_limit: Fault | None = None,
    ) -> None:
        """Change how it serves.

        `latency` is of every answer; `lag` is how many answers do not know a commit's pull requests yet; `tree_limit` cuts
        trees; above `content_limit` bytes a file comes without its content; without `wide_ids` GraphQL leaves a databaseId
        beyond 32 bits out; a query with more than `query_limit` lists is answered with `over_limit`.
        """
        app = self.app
        self._listener.latency = self._listener.latency if latency is None else latency
        app.lag = app.lag if lag is None else lag
        app.tree_limit = app.tree_limit if tree_limit is None else tree_limit
        app.content_limit = app.content_limit if content_limit is None else content_limit
        app.wide_ids = app.wide_ids if wide_ids is None else wide_ids
        app.query_limit = app.query_limit if query_limit is None else query_limit
        app.over_limit = over_limit or app.over_limit

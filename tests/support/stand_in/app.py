"""Owns how a request is judged before it is served: token, rate limit, repository, permission. It knows no sockets."""

import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from stand_in import graphql_api, rest_contents, rest_git, rest_history, rest_pulls, rest_records
from stand_in.faults import Fault
from stand_in.repo import Repo
from stand_in.routes import Answer, Ask, Refused, match

ENDPOINTS = (rest_contents, rest_git, rest_history, rest_pulls, rest_records)
API_VERSIONS = ("2022-11-28", "2026-03-10")
FORBIDDEN = "Resource not accessible by integration"
_BEARER = re.compile(r"(?:bearer|token)\s+(\S+)", re.IGNORECASE)
_REQUEST_ID = "ABCD:1234:5678:9ABC:DEF01234"


@dataclass(slots=True)
class Call:
    """One request as it arrived; `path` without the API's base, and by the repository's name."""

    method: str
    path: str
    query: dict[str, str]
    authorization: str
    status: int = 0
    graphql: str | None = None
    variables: dict[str, Any] = field(default_factory=dict)
    api_version: str | None = None


@dataclass(slots=True)
class Rate:
    """One budget of requests an hour."""

    limit: int = 5000
    used: int = 0
    reset: int = field(default_factory=lambda: int(time.time()) + 3600)

    def headers(self, resource: str) -> dict[str, str]:
        """Return it as every answer does."""
        shown = {
            "limit": self.limit,
            "remaining": max(self.limit - self.used, 0),
            "used": self.used,
            "reset": self.reset,
        }
        return {f"X-RateLimit-{name.title()}": str(value) for name, value in shown.items()} | {
            "X-RateLimit-Resource": resource
        }

    def shown(self) -> dict[str, int]:
        """Return it as /rate_limit does."""
        remaining = max(self.limit - self.used, 0)
        return {"limit": self.limit, "used": self.used, "remaining": remaining, "reset": self.reset}


class App:
    """The server without its sockets. Its attributes may be changed while it serves."""

    def __init__(
        self,
        repos: Iterable[Repo],
        *,
        token: str,
        permissions: Mapping[str, str] | None,
        hidden: Iterable[str],
        moved: Mapping[str, str] | None,
        base_path: str,
    ) -> None:
        self.repos = {repo.full_name.lower(): repo for repo in repos}
        self.token, self.base_path, self.server_url = token, base_path, ""
        self.permissions: dict[str, str] = dict(permissions or {})
        self.hidden = {name.lower() for name in hidden}
        self.moved = {old.lower(): new for old, new in (moved or {}).items()}
        self.rate, self.graphql_rate = Rate(), Rate()
        self.lag = 0
        self.tree_limit, self.content_limit = 100_000, 1_000_000
        self.wide_ids = True
        # A query with more lists than this is too much for GitHub's resources, and answered so.
        self.query_limit: int | None = None
        self.over_limit = Fault(errors=[{"type": "RESOURCE_LIMITS_EXCEEDED", "message": "Resource limits exceeded."}])
        self.reworded: Callable[[Any], Any] = lambda said: said  # what becomes of each answer's JSON
        self._lagged: dict[str, int] = {}
        self._lock = threading.Lock()

    def arrived(self, method: str, target: str, headers: Mapping[str, str]) -> Call:
        """Note a request, by which scripted faults and counts go."""
        parts = urlsplit(target)
        if parts.path == self.graphql_path:
            path = "/graphql"
        elif parts.path.startswith(f"{self.base_path}/"):
            path = parts.path.removeprefix(self.base_path)
        else:
            path = f"/outside{parts.path}"
        numbered = re.match(r"/repositories/(\d+)(?=/|$)", path)
        for repo in self.repos.values():
            if numbered and repo.id == int(numbered[1]):
                path = path.replace(numbered[0], f"/repos/{repo.full_name}", 1)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        return Call(method, path, query, self._authorization(headers), api_version=headers.get("x-github-api-version"))

    @property
    def graphql_path(self) -> str:
        """Where GraphQL is: beside REST's base, as on GitHub Enterprise Server."""
        return self.base_path.removesuffix("/v3") + "/graphql"

    def serve(self, call: Call, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer a request."""
        resource, rate = ("graphql", self.graphql_rate) if call.path == "/graphql" else ("core", self.rate)
        try:
            answer = self._judged(call, headers, body, rate)
        except Refused as refused:
            answer = refused.answer()
        answer.json = self.reworded(answer.json)
        answer.headers = {**rate.headers(resource), "X-GitHub-Request-Id": _REQUEST_ID, **answer.headers}
        return answer

    def misbehave(self, fault: Fault, call: Call) -> Answer:
        """Return the answer that a fault asks for."""
        if fault.errors is not None:
            return Answer(200, {"data": None, "errors": fault.errors}, dict(fault.headers))
        if fault.limit == "secondary":
            text = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
            return self._refusal(fault, fault.status or 403, text, {"Retry-After": str(fault.wait)})
        if fault.limit == "primary":
            spent = Rate(self.rate.limit, self.rate.limit, int(time.time()) + fault.wait)
            if call.path == "/graphql" and fault.status is None:
                error = {"type": "RATE_LIMITED", "message": "API rate limit exceeded for installation ID 12345678."}
                return Answer(200, {"errors": [error]}, {**spent.headers("graphql"), **fault.headers})
            return self._refusal(fault, fault.status or 403, _limited(), spent.headers("core"))
        return self._refusal(fault, fault.status or 500, fault.message, {})

    def may(self, repo: Repo, permission: str) -> bool:
        """Say whether the token may read this of a repository; what is public may be read by all."""
        return not repo.private or permission == "metadata" or self.permissions.get(permission, "read") != "none"

    def lagging(self, repo: Repo, sha: str) -> bool:
        """Say whether GitHub does not know this commit's pull requests yet: the first `lag` answers are empty."""
        with self._lock:
            asked = self._lagged.get(f"{repo.id}:{sha}", 0)
            self._lagged[f"{repo.id}:{sha}"] = asked + 1
        return asked < self.lag

    def visible(self, full_name: str, authorization: str) -> Repo | None:
        """Find a repository that the token may see."""
        name = full_name.lower()
        repo = self.repos.get(self.moved.get(name, name).lower())
        if repo is None or (repo.private and (name in self.hidden or authorization != "valid")):
            return None
        return repo

    def _judged(self, call: Call, headers: Mapping[str, str], body: bytes, rate: Rate) -> Answer:
        if call.authorization == "invalid":
            raise Refused(401, "Bad credentials")
        if call.path == "/rate_limit":
            return Answer(200, rest_records.rate_limit(self, call.api_version))
        if rate.used >= rate.limit:
            return self.misbehave(Fault(limit="primary", wait=max(rate.reset - int(time.time()), 0)), call)
        rate.used += rate is self.rate  # GraphQL counts points
        if call.api_version not in (None, *API_VERSIONS):
            raise Refused(400, f"The API version {call.api_version} is not supported.")
        if call.path == "/graphql":
            return graphql_api.answer(self, call, body)
        found = match(call.path) if call.method == "GET" else None
        if found is None:
            raise Refused(404, "Not Found")
        route, names = found
        owner, name = names.pop("owner"), names.pop("repo")
        repo = self.visible(f"{owner}/{name}", call.authorization)
        if repo is None:
            raise Refused(404, "Not Found")
        base = f"{self.server_url}{self.base_path}"
        if f"{owner}/{name}".lower() in self.moved:
            where = f"{base}{call.path.replace(f'/repos/{owner}/{name}', f'/repositories/{repo.id}', 1)}"
            return Answer(301, {"message": "Moved Permanently", "url": where}, {"Location": where})
        needed = {"X-Accepted-GitHub-Permissions": f"{route.permission}=read"}
        if not self.may(repo, route.permission):
            refusal = Refused(403, FORBIDDEN).answer()
            refusal.headers |= needed
            return refusal
        ask = Ask(self, base, call.path, call.query, headers, repo)
        result = route.serve(ask, **names)
        answer = result if isinstance(result, Answer) else Answer(200, result)
        answer.headers |= needed | ({"Link": ", ".join(ask.links)} if ask.links else {})
        return answer

    def _authorization(self, headers: Mapping[str, str]) -> str:
        text = headers.get("authorization")
        if text is None:
            return "none"
        found = _BEARER.fullmatch(text.strip())
        return "valid" if found and found[1] == self.token else "invalid"

    def _refusal(self, fault: Fault, status: int, message: str, headers: Mapping[str, str]) -> Answer:
        answer = Refused(status, message).answer()
        answer.headers = {**headers, **fault.headers}
        if fault.body is not None:
            answer.raw, answer.content_type = fault.body, "text/html"
        return answer


def _limited() -> str:
    return (
        "API rate limit exceeded for installation ID 12345678. If you reach out to GitHub Support for help, please "
        f"include the request ID {_REQUEST_ID}."
    )

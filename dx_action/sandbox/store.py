"""What the stand-in has registered, and its answer to each method.

It has the deployments, the services of pull requests, and the merged pull requests that it was sent. Every call is atomic, and no
list contains a token. Pure but for its lock: there is no server and no clock, and new ids are handed in.
"""

import copy
import json
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from dx_action.sandbox import checks
from dx_action.sandbox.attribution import Assignment, MergedPullRequest, Name
from dx_action.sandbox.checks import Refused
from dx_action.sandbox.crediting import assignment, credited, parse_pull_requests
from dx_action.sandbox.mask import Mask, checked_token

_DEFAULTS = {"environment": "production", "success": True}
_CLEARS = {"commit_sha": "merge_commit_shas", "merge_commit_shas": "commit_sha"}

_PULL_NAMES = ("github_pull_id", "repository", "pull_number")


def _random_id() -> str:
    return str(uuid.uuid4())


class Store:
    """A DX in memory. `imported` are the ids of deployments that its API did not make, so that it deletes none of them."""

    def __init__(
        self,
        token: str = "sandbox-token",
        *,
        inactive_token: str | None = None,
        repositories: Iterable[str] | None = None,
        pull_requests: Iterable[MergedPullRequest | Mapping[str, Any]] = (),
        imported: Iterable[str] = (),
        new_id: Callable[[], str] = _random_id,
    ) -> None:
        self._token = checked_token(token)
        self._inactive_token = None if inactive_token is None else checked_token(inactive_token)
        self.mask = Mask(filter(None, (self._token, self._inactive_token)))
        self._repositories = None if repositories is None else frozenset(repositories)
        self._imported = frozenset(imported)
        self._new_id = new_id
        self._lock = threading.Lock()
        self._deployments: dict[str, dict[str, Any]] = {}
        self._pull_services: list[dict[str, Any]] = []
        self._assignments: list[Assignment] = []
        self._known: dict[Name, MergedPullRequest] = {}
        self.know(pull_requests)
        self._methods: dict[str, Callable[[dict[str, Any]], dict[str, Any] | None]] = {
            "deployments.create": self._create,
            "deployments.upsert": self._upsert,
            "deployments.update": self._update,
            "deployments.delete": self._delete,
            "deployments.setPullServices": self._set_pull_services,
        }

    def handle(self, method: str, token: str | None, body: bytes) -> tuple[int, dict[str, Any]]:
        """Return the status and the answer to one call. `token` is the bare one, or None if none was sent."""
        try:
            self._admit(method, token)
            given = self.mask.value(checks.json_object(body))
            with self._lock:
                told = self._methods[method](given) or {}
        except Refused as refused:
            return refused.status, {"ok": False, "error": refused.error, "message": refused.message}
        return 200, {"ok": True} | told

    def authorization(self, token: str | None) -> str:
        """Return what may be shown of a token: valid, invalid or absent."""
        return "absent" if token is None else "valid" if token == self._token else "invalid"

    def deployments(self) -> list[dict[str, Any]]:
        """Return the deployments, in the order in which they were created."""
        with self._lock:
            return copy.deepcopy(list(self._deployments.values()))

    def pull_services(self) -> list[dict[str, Any]]:
        """The pull requests that services were set for, in the order of their first call."""
        with self._lock:
            return copy.deepcopy(self._pull_services)

    def know(self, pulls: Iterable[MergedPullRequest | Mapping[str, Any]]) -> None:
        """Add merged pull requests, or replace them. Raises PullRequestError."""
        found = parse_pull_requests(self.mask.value(list(pulls)))
        with self._lock:
            self._known |= {pull.name: pull for pull in found}

    def attribution(self) -> list[dict[str, Any]]:
        """Return each deployment with the known pull requests that DX would credit it with, by its page."""
        with self._lock:
            held, known, calls = list(self._deployments.values()), list(self._known.values()), list(self._assignments)
            told: list[dict[str, Any]] = self.mask.value(credited(held, known, calls))
        return told

    def reset(self) -> None:
        """Forget all deployments and pull requests."""
        with self._lock:
            self._deployments.clear()
            self._pull_services.clear()
            self._assignments.clear()
            self._known.clear()

    def _admit(self, method: str, token: str | None) -> None:
        if method not in self._methods:
            raise Refused("unknown_method", f"The methods here are {', '.join(checks.METHODS)}.", 404)
        if token is None:
            raise Refused("not_authed", "The request has no token; send it as Authorization: Bearer.")
        if token == self._inactive_token:
            raise Refused("account_inactive", "The account that the token belongs to is deactivated.")
        if token != self._token:
            raise Refused("invalid_auth", "The token is not valid.")

    def _recognise(self, given: Mapping[str, Any]) -> None:
        repository = given.get("repository")
        if repository is not None and self._repositories is not None and repository not in self._repositories:
            raise Refused("repo_not_found", "The repository could not be found; check its name and its prefix.")

    def _create(self, body: dict[str, Any]) -> None:
        given = checks.deployment(body)
        checks.require_deployment(given)
        self._recognise(given)
        new = {"reference_id": given.get("reference_id") or self._new_id()} | _DEFAULTS | given
        held = self._deployments.setdefault(new["reference_id"], new)
        changed = sorted(name for name in held.keys() | new.keys() if _differ(held, new, name))
        if changed:
            raise Refused(
                "reference_id_taken",
                f"This reference_id already exists with other values ({', '.join(changed)}); nothing was changed.",
            )

    def _upsert(self, body: dict[str, Any]) -> None:
        given = checks.deployment(body)
        checks.require_reference_id(given)
        self._patch(self._deployments.get(given["reference_id"], _DEFAULTS), given)

    def _update(self, body: dict[str, Any]) -> None:
        given = checks.deployment(body)
        checks.require_reference_id(given)
        if given["reference_id"] not in self._deployments:
            raise Refused("deployment_not_found", "There is no deployment with this reference_id.")
        self._patch(self._deployments[given["reference_id"]], given)

    def _delete(self, body: dict[str, Any]) -> dict[str, Any]:
        reference_id = checks.deleted_id(body)
        if reference_id in self._imported:
            raise Refused(
                "deployment_not_api_managed", "The deployment was not made by this API, which cannot delete it."
            )
        self._deployments.pop(reference_id, None)
        return {"action": "deleted", "reference_id": reference_id}

    def _patch(self, held: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        cleared = {_CLEARS[name] for name in given.keys() & _CLEARS.keys()}
        patched = {name: value for name, value in held.items() if name not in cleared} | dict(given)
        checks.require_deployment(patched)
        self._recognise(given)
        self._deployments[given["reference_id"]] = patched

    def _set_pull_services(self, body: dict[str, Any]) -> None:
        given = checks.pull_services(body)
        self._recognise(given)
        names: dict[str, Any] = {name: given[name] for name in _PULL_NAMES if name in given}
        entry = next((entry for entry in self._pull_services if _same_pull(entry, names)), None)
        if entry is None:
            entry = {"services": []}
            self._pull_services.append(entry)
        kept = [] if given["replace"] else entry["services"]
        services = {service["identifier"]: service for service in kept}
        for service in given["services"]:
            services[service["identifier"]] = services.get(service["identifier"], {}) | service
        entry |= names | {"services": list(services.values())}
        self._assignments.append(assignment(given))


def _differ(one: Mapping[str, Any], other: Mapping[str, Any], name: str) -> bool:
    # Compared as JSON, because to Python 1 equals True, and in metadata they are two values.
    absent = object()
    values = [record.get(name, absent) for record in (one, other)]
    if absent in values:
        return True
    first, second = (json.dumps(value, sort_keys=True) for value in values)
    return first != second


def _same_pull(entry: Mapping[str, Any], names: Mapping[str, Any]) -> bool:
    if "github_pull_id" in names and entry.get("github_pull_id") == names["github_pull_id"]:
        return True
    by_number = ("repository", "pull_number")
    return all(key in names and entry.get(key) == names[key] for key in by_number)

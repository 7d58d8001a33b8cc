"""The sentences for look-ups that GitHub rejects or does not answer: the missing permission, or what to check. Pure."""

from dataclasses import dataclass
from typing import Any, Literal

from dx_action.errors import ActionError, Problem

# An outage is `unavailable` and `limited` passes with time; the others last until someone changes something.
Kind = Literal["token", "forbidden", "missing", "limited", "rejected", "unavailable"]
# The type of a GraphQL error: GitHub's own, or ours if it has none, as when a query took too long.
RATE_LIMITED, FAILED = "RATE_LIMITED", "FAILED"
UNREADABLE = (
    "returned an answer that is not GitHub's, for example a proxy's or a login page. Check the network and any proxy."
)
NO_ANSWER = "returned no readable answer. Check the network and any proxy, then run the step again."
CERTIFICATE = "has a certificate that is not trusted. For a private CA, name its PEM file in `ca-bundle`."
REDIRECT = "answered with a redirect, which is never followed with a token."
_RATE_LIMIT = (
    "has used up GitHub's rate limit, and its reset is too far away to wait for. Run the step again later, or use a GitHub App's "
    "token, which has a limit of its own."
)
_MISSING = {
    "contents": "there is no such commit",
    "deployments": "the repository does not exist",
    "pull-requests": "there is no such pull request",
}


class LookupFailedError(ActionError):
    """GitHub did not answer a look-up, or rejected it."""

    def __init__(self, problem: Problem, kind: Kind = "unavailable") -> None:
        super().__init__(problem)
        self.kind = kind


class Missing(LookupFailedError):
    """What was asked for does not exist, or GitHub hides it from this token."""


@dataclass(frozen=True, slots=True)
class Access:
    """What a look-up needs, a permission in a repository; and by which right it asks."""

    repository: str
    permission: str
    own: bool
    has_token: bool

    def missing(self) -> Missing:
        """Return the error for a 404, which GitHub also answers for what a token may not read."""
        text = f"cannot read {self._things}, or {_MISSING[self.permission]}. {self._advice}"
        return Missing(Problem("github-token", text), "missing")

    def rejected(self, status: int, graphql: str, *, limited: bool) -> LookupFailedError:
        """Return the error for any other rejection. `graphql` is the type of a GraphQL error, empty for REST."""
        if limited or status == 429 or graphql == RATE_LIMITED:
            return _token("limited", _RATE_LIMIT)
        if status == 401 and not self.has_token:
            return _token("token", f"is empty, and GitHub requires a token for this request. {self._advice}")
        if status == 401:
            text = "was rejected by GitHub. Leave the input out to use the job's own token, or store a valid one."
            return _token("token", text)
        if status == 403 or graphql in ("FORBIDDEN", "INSUFFICIENT_SCOPES"):
            return _token("forbidden", f"may not read {self._things}. {self._advice}")
        if graphql == FAILED:
            return failure("answered every attempt at a query with an error. Run the step again later.")
        if graphql:
            text = "rejected a query of this action. An old GitHub Enterprise Server may not support it."
            return failure(text, "rejected")
        if status == 422:  # GitHub's answer for a commit that the repository does not have
            return failure("rejected a look-up (HTTP 422). Check that the repository has the commit.", "rejected")
        kind: Kind = "unavailable" if status >= 500 else "rejected"
        return failure(f"answered every attempt with HTTP {status}. Run the step again later.", kind)

    @property
    def _things(self) -> str:
        return f"the {self.permission.replace('-', ' ')} of {self.repository}"

    @property
    def _advice(self) -> str:
        if not self.has_token:
            return "Leave the input out to use the job's own token, or check the secret that it comes from."
        if self.own:
            return f"Grant the job the permission `{self.permission}: read`. A token of your own needs it, too."
        return (
            "The job's token can read only the workflow's own repository. Use a GitHub App's token or a personal access token "
            f"with `{self.permission}: read` there."
        )


def failure(text: str, kind: Kind = "unavailable") -> LookupFailedError:
    """Return the error for what is not the token's fault."""
    return LookupFailedError(Problem("GITHUB_API_URL", text), kind)


def graphql_type(data: Any) -> str:
    """Return the type of a GraphQL error, which comes with HTTP 200; empty if there is none."""
    errors = data.get("errors") if isinstance(data, dict) and "message" not in data else None
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, dict):
        return ""
    # An error in a query itself has a code or a place.
    kind = first.get("type", "UNKNOWN" if {"extensions", "locations"} & first.keys() else FAILED)
    return kind if isinstance(kind, str) else ""


def _token(kind: Kind, text: str) -> LookupFailedError:
    return LookupFailedError(Problem("github-token", text), kind)

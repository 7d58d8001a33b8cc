"""The sentences for look-ups that GitHub rejects or does not answer: the missing permission, or what to check. Pure."""

from dataclasses import dataclass
from typing import Any, Literal

from dx_action.errors import OUTAGES, ActionError, Cause, Problem, Server

# An outage is `unavailable` and `limited` passes with time; the others last until someone changes something.
Kind = Literal["token", "forbidden", "missing", "limited", "rejected", "unavailable"]
# The type of a GraphQL error: GitHub's own, or ours if it has none, as when a query took too long.
RATE_LIMITED, FAILED = "RATE_LIMITED", "FAILED"
UNREADABLE = (
    "returned an answer that is not GitHub's, for example a proxy's or a login page. Check the network and any proxy."
)
_RATE_LIMIT = (
    "has used up GitHub's rate limit, and its reset is too far away to wait for. Run the step again later, or use a GitHub App's "
    "token, which has a limit of its own."
)
_LEADS: dict[Cause, str] = {"no_answer": "did not answer", "connection_lost": "returned no readable answer"}
_MISSING = {
    "contents": "there is no such commit",
    "deployments": "the repository does not exist",
    "pull-requests": "there is no such pull request",
}


class LookupFailedError(ActionError):
    """GitHub did not answer a look-up, or rejected it. By its kind, `text` is about the token or the server."""

    def __init__(self, text: str, kind: Kind = "unavailable") -> None:
        subject = "GITHUB_API_URL" if kind in ("rejected", "unavailable") else "github-token"
        super().__init__(Problem(subject, text, outage=kind in ("limited", "unavailable")))
        self.kind = kind

    @property
    def outage(self) -> bool:
        """Whether it passes with time, so that nobody has to change a setting."""
        return self.kind in ("unavailable", "limited")


class NoAnswerError(LookupFailedError):
    """GitHub was not reached, or its answer did not come."""

    def __init__(self, cause: Cause, server: Server, tried: str) -> None:
        text = f"{_LEADS.get(cause, 'cannot be reached')}{tried}. {server.sentence(cause)}"
        super().__init__(text, "unavailable" if cause in OUTAGES else "rejected")
        self.cause = cause


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
        return Missing(text, "missing")

    def rejected(self, status: int, graphql: str, *, limited: bool) -> LookupFailedError:
        """Return the error for any other rejection. `graphql` is the type of a GraphQL error, empty for REST."""
        if limited or status == 429 or graphql == RATE_LIMITED:
            return LookupFailedError(_RATE_LIMIT, "limited")
        if status == 401 and not self.has_token:
            text = f"is empty, and GitHub requires a token for this request. {self._advice}"
            return LookupFailedError(text, "token")
        if status == 401:
            text = "was rejected by GitHub. Leave the input out to use the job's own token, or store a valid one."
            return LookupFailedError(text, "token")
        if status == 403 or graphql in ("FORBIDDEN", "INSUFFICIENT_SCOPES"):
            return LookupFailedError(f"may not read {self._things}. {self._advice}", "forbidden")
        if graphql == FAILED:
            return LookupFailedError("answered every attempt at a query with an error. Run the step again later.")
        if graphql:
            text = "rejected a query of this action. An old GitHub Enterprise Server may not support it."
            return LookupFailedError(text, "rejected")
        if status == 422:  # GitHub's answer for a commit that the repository does not have
            text = "rejected a look-up (HTTP 422). Check that the repository has the commit."
            return LookupFailedError(text, "rejected")
        kind: Kind = "unavailable" if status >= 500 else "rejected"
        return LookupFailedError(f"answered every attempt with HTTP {status}. Run the step again later.", kind)

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


def graphql_type(data: Any) -> str:
    """Return the type of a GraphQL error, which comes with HTTP 200; empty if there is none."""
    errors = data.get("errors") if isinstance(data, dict) and "message" not in data else None
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, dict):
        return ""
    # An error in a query itself has a code or a place.
    kind = first.get("type", "UNKNOWN" if {"extensions", "locations"} & first.keys() else FAILED)
    return kind if isinstance(kind, str) else ""

"""Owns the sentences for look-ups that GitHub refuses or does not answer: which permission is missing, or what to check. Pure."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from dx_action.errors import ActionError, Problem

_RATE_LIMIT = (
    "has used up GitHub's rate limit, and its reset is too far away to wait for. Run this again later, or give the token of "
    "a GitHub App, which has a limit of its own."
)
UNREADABLE = "gave an answer that is not GitHub's, as where a proxy or a login page stands before it."
NO_ANSWER = "gave no answer that can be read. Check the network and any proxy, then run this again."
CERTIFICATE = "has a certificate that is not trusted. For a private CA, give its PEM file as `ca-bundle`."
# What a GraphQL error is called: GitHub's own type, or ours for one that has none, as where a query took it too long.
RATE_LIMITED, FAILED = "RATE_LIMITED", "FAILED"
REDIRECT = "answers with a redirect, which is never followed with a token."


class LookupFailedError(ActionError):
    """GitHub did not answer a look-up, or may not answer it."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who lookups: about which repository, whether that is the workflow's own, and whether there is a token."""

    repository: str
    own: bool
    has_token: bool

    def unseen(self, permission: str) -> LookupFailedError:
        """Tell of a 404, by which GitHub also hides what a token may not see."""
        return _token(f"cannot see {self._things(permission)}, or this one is not there. {self._advice(permission)}")

    def refused(self, status: int, kind: str, permission: str, *, limited: bool) -> LookupFailedError:
        """Tell of any other refusal. `kind` is a GraphQL error's type."""
        if limited or status == 429 or kind == RATE_LIMITED:
            return _token(_RATE_LIMIT)
        if status == 401 and not self.has_token:
            return _token(f"is empty, and GitHub tells this to nobody. {self._advice(permission)}")
        if status == 401:
            return _token("is refused by GitHub. Leave it out for the job's own token, or store a valid one.")
        if status == 403 or kind in ("FORBIDDEN", "INSUFFICIENT_SCOPES"):
            return _token(f"may not read {self._things(permission)}. {self._advice(permission)}")
        if kind == FAILED:
            return unavailable("answered every attempt at a query with an error. Run this again later.")
        if kind:
            return unavailable("refused a query of this action. An old GitHub Enterprise Server may not know it.")
        if status == 422:  # what GitHub says of a commit that it does not know
            return unavailable("refused a look-up (HTTP 422). Check that the repository has the commit.")
        return unavailable(f"answered every attempt with HTTP {status}. Run this again later.")

    def _things(self, permission: str) -> str:
        return f"the {permission.replace('-', ' ')} of {self.repository}"

    def _advice(self, permission: str) -> str:
        if not self.has_token:
            return "Leave the input out for the job's own token, or check the secret that it is to come from."
        if self.own:
            return f"Give the job the permission `{permission}: read`; a token of your own needs the same."
        return (
            "It is not this workflow's repository, which alone the job's token can read. Give a GitHub App's token or a "
            f"personal access token with `{permission}: read` there."
        )


def unavailable(text: str) -> LookupFailedError:
    """Tell that it is not the token."""
    return LookupFailedError(Problem("GITHUB_API_URL", text))


@contextmanager
def shaped() -> Iterator[None]:
    """Read answers that may be of another shape than GitHub's. Raises LookupFailedError where one is."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError):
        raise unavailable(UNREADABLE) from None


def graphql_type(data: Any) -> str:
    """Give the type of a GraphQL error, which comes with HTTP 200; empty where it is none."""
    errors = data.get("errors") if isinstance(data, dict) and "message" not in data else None
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, dict):
        return ""
    # What is wrong with a query itself has a code or a place in it.
    kind = first.get("type", "UNKNOWN" if {"extensions", "locations"} & first.keys() else FAILED)
    return kind if isinstance(kind, str) else ""


def _token(text: str) -> LookupFailedError:
    return LookupFailedError(Problem("github-token", text))

"""Owns the talk with GitHub's API: the one speaker to it, by PyGithub, imported only when a look-up is needed. It only reads.

PyGithub's requester is used below its objects, so that a look-up makes exactly the calls it names. What GitHub or an exception says
is never told in its own words: see `refusals`.
"""

import logging
import re
import ssl
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from pydantic import SecretStr

from dx_action.github.bounded import within
from dx_action.github.errors import (
    CERTIFICATE,
    NO_ANSWER,
    REDIRECT,
    UNREADABLE,
    Asker,
    LookupFailedError,
    graphql_type,
    unavailable,
)
from dx_action.github.patience import RedirectedError, WaitTooLongError, queried, retries
from dx_action.runner.network import exception_chain
from dx_action.runner.runtime import Clock

SECONDS = 60.0
PER_PAGE = 100
_TIMEOUT = 10


class Missing(Exception):
    """GitHub knows no such thing, or hides it from this token."""


class Api(Protocol):
    """What look-ups need of GitHub. `permission` is that of the job's `permissions` which the call needs."""

    def get(self, path: str, permission: str, **parameters: str | int) -> Any:
        """Give the JSON of a REST answer. Raises LookupFailedError, and Missing for a 404."""

    def query(self, text: str, permission: str, **variables: Any) -> dict[str, Any]:
        """Give the data of a GraphQL answer. Raises LookupFailedError, and Missing where a node is unknown."""


class GitHub:
    """One server's API, asked about one repository with one token."""

    patient = False  # whether each call has the seconds that all calls have together otherwise

    def __init__(
        self, token: SecretStr | None, api_url: str, asker: Asker, clock: Clock, verify: str | bool = True
    ) -> None:
        import github  # noqa: PLC0415 - 0.1 s that a plain run does not spend

        # PyGithub's own lines in the log would hold GitHub's words as they came.
        logging.getLogger("github").handlers = [logging.NullHandler()]
        logging.getLogger("github").propagate = False
        self._asker, self._clock = asker, clock
        self._end: float | None = None
        self._moved_to = ""
        # What is asked twice in a run, such as the beginning of a comparison, costs one call.
        self._answers: dict[tuple[str, tuple[tuple[str, str | int], ...]], Any] = {}
        self._errors = github
        self._requester = github.Github(
            auth=github.Auth.Token(token.get_secret_value()) if token else None,
            base_url=api_url,
            verify=verify,
            timeout=_TIMEOUT,
            retry=retries(clock, self._left, SECONDS),
            per_page=PER_PAGE,
            seconds_between_requests=0,
            seconds_between_writes=0,  # a query is a POST, and writes nothing
            lazy=True,
            api_version="2022-11-28",
        ).requester

    def get(self, path: str, permission: str, **parameters: str | int) -> Any:
        """See Api."""
        key = (path, tuple(sorted(parameters.items())))
        if key in self._answers:
            return self._answers[key]
        try:
            found = self._call(permission, partial(self._ask, path, parameters))
        except RedirectedError as redirected:
            # The repository was renamed. Its number, unlike a whole address, is safe to ask for.
            number = re.search(r"/repositories/\d+(?![^/?])", redirected.location)
            if number is None or self._moved_to:
                raise unavailable(REDIRECT) from None
            self._moved_to = number[0]
            return self.get(path, permission, **parameters)
        if found is None or _foreign(found):
            raise unavailable(UNREADABLE)
        if not self.patient:  # what is patient reads much, and each page once
            self._answers[key] = found
        return found

    def query(self, text: str, permission: str, **variables: Any) -> dict[str, Any]:
        """See Api."""

        def ask() -> Any:
            return self._requester.graphql_query(text, variables)[1]

        try:
            answer = self._call(permission, lambda: queried(ask, self._clock, self._left))
        except RedirectedError:
            raise unavailable(REDIRECT) from None
        if not isinstance(answer, dict) or not isinstance(answer.get("data"), dict):
            raise unavailable(UNREADABLE)
        found: dict[str, Any] = answer["data"]
        return found

    def close(self) -> None:
        """Give the connections back."""
        self._requester.close()

    def _ask(self, path: str, parameters: dict[str, str | int]) -> Any:
        own = f"/repos/{self._asker.repository}"
        if self._moved_to and path.startswith(own):
            path = self._moved_to + path.removeprefix(own)
        return self._requester.requestJsonAndCheck("GET", path, parameters)[1]

    def _left(self) -> float:
        self._end = self._end or self._clock.monotonic() + SECONDS
        return self._end - self._clock.monotonic()

    def _call(self, permission: str, ask: Callable[[], Any]) -> Any:
        self._end = None if self.patient else self._end
        try:
            return within(self._left(), ask)
        except TimeoutError:
            text = f"gave no answer within the {SECONDS:.0f} s that look-ups have. Run this again later."
            raise unavailable(text) from None
        except WaitTooLongError as wait:
            raise self._refused(wait.status, "", permission, limited=wait.status == 403) from None
        except self._errors.GithubException as error:
            if error.status < 500 and _foreign(error.data):
                raise unavailable(UNREADABLE) from None
            if error.status == 404:
                raise Missing from None
            # After several attempts the body is lost, and only a header tells.
            spent = (error.headers or {}).get("x-ratelimit-remaining") == "0"
            limited = isinstance(error, self._errors.RateLimitExceededException) or spent
            raise self._refused(error.status, graphql_type(error.data), permission, limited=limited) from None
        except (OSError, ValueError, AssertionError, RuntimeError, LookupError, TypeError, AttributeError) as error:
            # A requests exception is an OSError; over answers that are not GitHub's, PyGithub stumbles in the other ways.
            untrusted = any(isinstance(cause, ssl.SSLCertVerificationError) for cause in exception_chain(error))
            raise unavailable(CERTIFICATE if untrusted else NO_ANSWER) from None

    def _refused(self, status: int, kind: str, permission: str, *, limited: bool) -> LookupFailedError:
        return self._asker.refused(status, kind, permission, limited=limited)


def _foreign(found: Any) -> bool:
    """Tell whether this is no JSON: PyGithub hands it over all the same, as it came or under `data`."""
    return isinstance(found, bytes) or (isinstance(found, dict) and isinstance(found.get("data"), str))

"""Owns how often, and after what wait, GitHub is asked again: where the status lookups for it, and where only GraphQL's errors do.

Every wait is by the clock that is handed in, and none is begun that is longer than what is left.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from dx_action.github.errors import FAILED, RATE_LIMITED, graphql_type
from dx_action.runner.runtime import Clock

T = TypeVar("T")

_TRIES, _BACKOFF = 3, 0.5


class RedirectedError(Exception):
    """The answer is elsewhere: PyGithub would go there, and leave behind which page was asked for."""

    def __init__(self, location: str) -> None:
        super().__init__()
        self.location = location


class WaitTooLongError(Exception):
    """GitHub lookups for more patience than there is."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


def retries(clock: Clock, left: Callable[[], float], longest: float) -> Any:
    """Make retries for PyGithub that give the last answer back and follow no redirect. `left` and `longest` are in seconds."""
    from github.GithubRetry import GithubRetry  # noqa: PLC0415 - PyGithub is imported where a look-up is needed

    class Retries(GithubRetry):
        def increment(self, *args: Any, **more: Any) -> Any:
            response = more.get("response")
            if response is not None and response.status < 400:
                response.drain_conn()
                raise RedirectedError(response.headers.get("Location") or "")
            return super().increment(*args, **more)

        def sleep(self, response: Any = None) -> None:
            asked = 0.0 if response is None else self.get_retry_after(response) or 0.0
            wait = max(asked, self.get_backoff_time())
            if wait >= left():
                raise WaitTooLongError(response.status if response is not None else 0)
            clock.sleep(wait)

    return Retries(
        total=_TRIES,
        backoff_factor=_BACKOFF,
        status_forcelist=[301, 302, 303, 307, 308, 429, *range(500, 600)],
        raise_on_status=False,
        secondary_rate_wait=longest,
        max_rate_limit_wait=longest,
    )


def queried(ask: Callable[[], T], clock: Clock, left: Callable[[], float]) -> T:
    """Ask by GraphQL, whose errors come with HTTP 200: those that pass are asked again. Raises as `ask` does."""
    from github import GithubException  # noqa: PLC0415

    for number in range(_TRIES):
        try:
            return ask()
        except GithubException as error:
            wait = _wait(graphql_type(error.data), error.headers or {}, clock, number)
            if wait is None or wait >= left():
                raise
            clock.sleep(wait)
    return ask()


def _wait(kind: str, headers: Mapping[str, str], clock: Clock, number: int) -> float | None:
    growing: float = _BACKOFF * 2**number
    if kind == FAILED:
        return growing
    reset = headers.get("x-ratelimit-reset", "")
    if kind == RATE_LIMITED and reset.isdecimal():
        return max(int(reset) - clock.now().timestamp() + 1, growing)
    return None

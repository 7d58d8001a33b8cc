"""PyGithub's retries within the time for look-ups: redirects are not followed, and no answer is read without end."""

import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from dx_action.errors import is_final
from dx_action.github.errors import LookupFailedError
from dx_action.runner.network import cause_of, read_bounded
from dx_action.runner.runtime import Clock

# For all look-ups together.
SECONDS = 60.0
# Further attempts after the first, and seconds before the first of them, doubled each time.
RETRIES, BACKOFF = 3, 0.5
# GitHub gives up on a query after its own ten seconds; a smaller one may pass. On a comparison it gives up with 500, too.
TOO_SLOW = (502, 504)


class LookupTime:
    """The time that look-ups share. It begins with the first of them."""

    def __init__(self) -> None:
        self._end: float | None = None

    def end(self, clock: Clock) -> float:
        """Return when it is over, by the clock."""
        self._end = self._end or clock.monotonic() + SECONDS
        return self._end


def until_reset(headers: Mapping[str, str], clock: Clock) -> float:
    """Return the seconds until a limit is over; endless if GitHub does not say."""
    from github.GithubRetry import GithubRetry  # noqa: PLC0415

    with suppress(Exception):  # urllib3 raises its own for what is neither seconds nor a date
        if after := headers.get("retry-after"):
            return GithubRetry().parse_retry_after(after)
    reset = headers.get("x-ratelimit-reset", "")
    return int(reset) - clock.now().timestamp() + 1 if re.fullmatch(r"[0-9]{1,15}", reset) else math.inf


class RedirectedError(LookupFailedError):
    """The answer is elsewhere: PyGithub would go there, and leave behind which page was asked for."""

    def __init__(self, location: str) -> None:
        super().__init__("answered with a redirect, which is never followed with a token.", "rejected")
        self.location = location


def is_secondary_limit(status: int, headers: Mapping[str, str]) -> bool:
    """Return whether a limit is the secondary one: requests of the primary one remain, or only how long to wait is said."""
    remaining = headers.get("x-ratelimit-remaining", "")
    return remaining != "0" and (status == 403 or (status == 429 and bool(remaining or headers.get("retry-after"))))


class WaitTooLongError(Exception):
    """GitHub asks for a longer wait than there is time for."""

    def __init__(self, response: Any) -> None:
        super().__init__()
        self.status = response.status
        self.secondary = is_secondary_limit(response.status, response.headers)


def retries(
    clock: Clock, left: Callable[[], float], to_read: Callable[[], float], replaceable: Callable[[], bool]
) -> Any:
    """Return PyGithub's retries, but for redirects, which are not followed, and for waits longer than what is `left`.

    `to_read` returns the seconds in which an answer is read. What GitHub takes too long for is asked for once if the look-up is
    `replaceable`, by another one that needs the time.
    """
    from github.GithubRetry import GithubRetry  # noqa: PLC0415

    class Retries(GithubRetry):
        # Why the last attempt had no answer.
        lost: Exception | None = None

        # A query that takes too long is not asked again as it is: see `graphql`.
        def is_retry(self, method: str, status_code: int, *args: Any, **more: Any) -> bool:
            slow = status_code in TOO_SLOW if method == "POST" else replaceable() and status_code in (500, *TOO_SLOW)
            return not slow and super().is_retry(method, status_code, *args, **more)

        def increment(self, method: Any = None, url: Any = None, *args: Any, **more: Any) -> Any:
            response, error = more.get("response"), more.get("error")
            once = method == "POST" or replaceable()
            if error is not None and (is_final(cause := cause_of(error)) or (once and cause == "no_answer")):
                raise error  # unwrapped, as after several attempts it would not be
            if response is not None and response.status < 400:
                response.close()
                raise RedirectedError(response.headers.get("Location") or "")
            again: Any = super().increment(method, url, *args, **more)
            again.lost = error
            if response is not None:
                response.close()  # or urllib3 would read the rest of it, however long
            return again

        @staticmethod
        def get_content(resp: Any, url: str) -> bytes:  # noqa: ARG004 - the names are the parent's
            return read_bounded(resp, to_read)

        def sleep(self, response: Any = None) -> None:
            asked = 0.0 if response is None else self.get_retry_after(response) or 0.0
            wait = max(asked, self.get_backoff_time())
            if wait >= left():
                raise self.lost or WaitTooLongError(response)
            clock.sleep(wait)

    return Retries(
        total=RETRIES,
        backoff_factor=BACKOFF,
        status_forcelist=[301, 302, 303, 307, 308, 429, *range(500, 600)],
        raise_on_status=False,
        secondary_rate_wait=SECONDS,
        max_rate_limit_wait=SECONDS,
    )

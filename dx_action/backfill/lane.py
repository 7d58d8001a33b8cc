"""Owns what one lane of a backfill waits for, and the clock by which the wait for its turn takes no time."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from dx_action.dx.delivery import Delivery
from dx_action.dx.pacing import Pace
from dx_action.runner.runtime import Clock


class GaveUpError(Exception):
    """Nothing more is to be sent, so that no further attempt is made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How it is sent: `timeout` in seconds for each row, `per_second` requests started at most (0: unpaced)."""

    timeout: float = 60.0
    per_second: float = 7.0
    concurrency: int = 4
    on_conflict: str = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What the lanes share.

    `stopped` tells whether nothing more is to be sent; `answered` is called once an attempt has failed; `limited` where DX lookups
    for a longer pause than `timeout`.
    """

    clock: Clock
    pace: Pace
    terms: Terms
    stopped: Callable[[], bool]
    answered: Callable[[], None]
    limited: Callable[[], None]


class Lane:
    """One lane: `timeout` is for talking to DX about one row, and not for waiting until others have."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic, self._waited = traffic, 0.0
        self.delivery: Delivery | None = None
        self.clock = replace(traffic.clock, monotonic=self._monotonic, sleep=self._sleep)

    def enter(self) -> None:
        """Wait for this lane's turn."""
        self._waited += self._traffic.pace.enter(self._traffic.stopped)

    def _monotonic(self) -> float:
        return self._traffic.clock.monotonic() - self._waited

    def _sleep(self, seconds: float) -> None:
        """Wait between two attempts. Where DX asked for fewer requests, all lanes do."""
        traffic = self._traffic
        traffic.answered()
        if self.delivery is not None and self.delivery.throttled:
            if not traffic.pace.pause(seconds, traffic.terms.timeout):
                traffic.limited()
        else:
            traffic.clock.sleep(seconds)
        self.enter()
        if traffic.stopped():
            raise GaveUpError

"""The pace of attempts: how many start in a second, and the pause that DX asks all of them for."""

from collections.abc import Callable
from threading import Lock


class Pace:
    """The turnstile that every attempt goes through. `per_second` is the most that start in a second; 0 is unpaced.

    A request starts at least an interval after the one before, so that there is no burst at any moment.
    """

    def __init__(self, per_second: float, monotonic: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._interval = 1 / per_second if per_second else 0.0
        self._monotonic, self._sleep = monotonic, sleep
        self._turnstile, self._lock = Lock(), Lock()
        self._next = 0.0
        self._limited_since: float | None = None

    def enter(self, stopped: Callable[[], bool] = lambda: False) -> float:
        """Wait until a request may start, and return the seconds waited. Once `stopped`, it lets everyone through."""
        start = now = self._monotonic()
        if not self._interval and now >= self._next:
            return 0.0
        with self._turnstile:
            while (now := self._monotonic()) < self._next and not stopped():
                self._sleep(self._next - now)
            if self._interval:
                with self._lock:
                    self._next = max(self._next, now + self._interval)
        return now - start

    def pause(self, seconds: float, patience: float) -> bool:
        """Hold everyone up, because DX asked for fewer requests. Returns False if it asks for longer than `patience`."""
        with self._lock:
            now = self._monotonic()
            if self._limited_since is None:
                self._limited_since = now
            if now + seconds - self._limited_since > patience:
                return False
            self._next = max(self._next, now + seconds)
            return True

    def flow(self) -> None:
        """Record that DX took a request."""
        self._limited_since = None

"""Owns the sending of several calls side by side: who goes first, what an authentication failure stops, what a conflict does.

The caller's thread only waits, so that a cancelled job or a used-up budget ends at once whatever a server does. Threads are
daemons: what still hangs then dies with the process.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Literal

from dx_action.deployment.calls import Call, Result, as_upsert
from dx_action.dx.answers import Verdict
from dx_action.dx.delivery import ClosedError, Delivery, Transport
from dx_action.runner.runtime import Clock

LANES = 8
GRACE = 0.25

_Signal = Literal["open", "done"] | BaseException


def update_of(call: Call, verdict: Verdict, on_conflict: str) -> Call | None:
    """Give the call that is to follow a conflict, where one is."""
    return as_upsert(call) if verdict.kind == "conflict" and on_conflict == "update" else None


def judged(result: Result, on_conflict: str) -> Result:
    """Say what finding a `reference_id` held already is: success, or a failure."""
    if result.outcome == "already-registered" and on_conflict != "keep":
        return replace(result, outcome="failed", error="reference_id_conflict")
    return result


class Outbox:
    """The calls of one step, and what became of each."""

    def __init__(
        self,
        calls: Sequence[Call],
        transport: Transport,
        clock: Clock,
        *,
        on_conflict: str,
        say: Callable[[str], None],
    ) -> None:
        self.updates: list[Call] = []
        self._deliveries = [Delivery(call, updates=on_conflict == "update") for call in calls]
        self._transport, self._clock, self._say, self._on_conflict = transport, clock, say, on_conflict
        self._lock = Lock()
        self._next = 0
        self._stopped = ""
        self._opened = False
        self._signals: SimpleQueue[_Signal] = SimpleQueue()
        self._deadline = 0.0

    def run(self, seconds: float) -> None:
        """Send, for at most `seconds`. The first call goes alone until it has had an answer: a refused token is seen once."""
        self._deadline = self._clock.monotonic() + seconds
        running = self._start(1)
        while running:
            try:
                signal = self._signals.get(timeout=max(self._deadline - self._clock.monotonic(), 0) + GRACE)
            except Empty:
                return
            if isinstance(signal, BaseException):
                raise signal
            running += self._start(min(LANES, len(self._deliveries)) - 1) if signal == "open" else -1

    def results(self, reason: str = "out_of_time") -> tuple[Result, ...]:
        """Send nothing more, and give each call's result in order; `reason` says why one has no end."""
        with self._lock:
            self._stopped = self._stopped or reason
            deliveries = list(self._deliveries)
        return tuple(judged(delivery.end(reason, self._stopped), self._on_conflict) for delivery in deliveries)

    @property
    def unauthorized(self) -> bool:
        """Tell whether DX refused the token, so that nothing more is to be sent."""
        return self._stopped == "unauthorized_before"

    def close(self) -> None:
        """Send nothing more: what has no end by now ran out of time."""
        self.results()

    def _start(self, lanes: int) -> int:
        for _ in range(lanes):
            Thread(target=self._lane, daemon=True).start()
        return lanes

    def _lane(self) -> None:
        try:
            while (index := self._take()) is not None:
                self._send(index)
                if index == 0:
                    self._open()
        except ClosedError:
            pass
        except BaseException as bug:  # noqa: BLE001 - the waiting thread raises it
            self._signals.put(bug)
        self._signals.put("done")

    def _take(self) -> int | None:
        with self._lock:
            if self._stopped or self._next >= len(self._deliveries) or self._clock.monotonic() >= self._deadline:
                return None
            self._next += 1
            return self._next - 1

    def _send(self, index: int) -> None:
        def say(text: str) -> None:
            self._say(text)
            if index == 0:
                self._open()

        verdict = self._deliveries[index].run(self._transport, self._clock, self._deadline, say)
        if verdict.kind == "unauthorized":
            self._stop("unauthorized_before")
        elif update := update_of(self._deliveries[index].call, verdict, self._on_conflict):
            self._update(index, update)

    def _update(self, index: int, update: Call) -> None:
        with self._lock:
            if self._stopped:
                return
            self.updates.append(update)
            self._deliveries[index] = Delivery(update, may_hold=self._deliveries[index].may_hold)
        if self._clock.monotonic() < self._deadline:
            self._send(index)

    def _open(self) -> None:
        """Let the other lanes start, once."""
        with self._lock:
            opened, self._opened = self._opened, True
        if not opened and not self._stopped:
            self._signals.put("open")

    def _stop(self, reason: str) -> None:
        with self._lock:
            self._stopped = self._stopped or reason

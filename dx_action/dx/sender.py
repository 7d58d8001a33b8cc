"""The sending of calls to DX side by side, for a step and a backfill alike.

The caller hands in which call goes next (`Queue`), where results go (`Ledger`), and whether the deadline is one for all calls or
one for each (`Terms`). The waiting thread owns every deadline: it ends what is overdue and leaves a thread that hangs behind.
"""

from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Condition, Thread
from typing import NamedTuple, Protocol

from dx_action.deployment.calls import Call, Result, as_upsert
from dx_action.dx.answers import TOO_MANY, Verdict
from dx_action.dx.delivery import LEAST_ATTEMPT, ClosedError, Delivery, Transport
from dx_action.dx.pace import Pace
from dx_action.errors import is_cause
from dx_action.runner.runtime import Clock

LANES = 8
# How often the waiting thread looks: an attempt is ended if two looks in succession find it overdue.
LOOK_SECONDS = 0.25
# The share of `timeout` within which every call has begun, whatever becomes of those before it.
BEGUN = 0.5
# If so many calls in succession, for each lane, have no final answer, then DX is down.
OUTAGE = 2
_MOST_LOGGED = 20
# No call can be sent to such a host, nor where a cause is final.
_HOPELESS = ("redirect", "request_impossible")


class Queue(Protocol):
    """The order in which calls go, each known by an index. One thread at a time asks."""

    @property
    def over(self) -> bool:
        """Whether no call can go any more, now or later."""

    def take(self) -> int | None:
        """Return the call that goes next, or None if none may go now."""

    def done(self, index: int, *, go_on: bool, failed: bool) -> None:
        """Record that a call has ended, and whether it `failed`. Without `go_on`, none that must follow it is sent."""


class Ledger(Protocol):
    """The calls, and what became of each."""

    def call(self, index: int) -> Call:
        """Return the call; several threads may ask at once."""

    def record(self, index: int, result: Result) -> None:
        """Record a result. An answer that comes after the deadline is recorded as a second one."""


class Batch:
    """A few calls, sent in their order, each whatever became of the others."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self._calls, self._next = calls, 0
        self._results: list[Result | None] = [None] * len(calls)

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def over(self) -> bool:
        return self._next >= len(self._calls)

    def take(self) -> int | None:
        self._next += 1
        return self._next - 1

    def done(self, index: int, *, go_on: bool, failed: bool) -> None:
        """Nothing follows from one call's end for another."""

    def call(self, index: int) -> Call:
        return self._calls[index]

    def record(self, index: int, result: Result) -> None:
        self._results[index] = result

    def results(self, reason: str) -> list[Result]:
        """Return the result of each call, in order; `reason` is why one was not sent."""
        pairs = zip(self._calls, self._results, strict=True)
        return [result or Result(call, "not-sent", error=reason) for call, result in pairs]


class Terms(NamedTuple):
    """How calls are sent.

    `timeout`: seconds for all calls or, with `per_call`, for each, without the wait for its turn. `rounds`: if it is for all, how
    many calls a lane has. `per_second`: the most requests to start in a second; 0 is unpaced.
    """

    timeout: float = 60.0
    lanes: int = LANES
    rounds: int = 1
    per_call: bool = False
    per_second: float = 0.0
    on_conflict: str = "keep"


class Progress(NamedTuple):
    """How far it is: `line` says it after so many seconds, and `show` shows the line, every `seconds`."""

    line: Callable[[float], str]
    show: Callable[[str], None]
    seconds: float


class _GaveUpError(Exception):
    """Nothing more is to be sent, so no further attempt is made."""


class _Lane:
    """A thread that sends one call at a time. `waited` is how long it has waited for its turn, in seconds.

    `since`: when it took its call. `relieved`: another one goes on in its place, and it ends with its call. `left`: nobody waits
    for it.
    """

    def __init__(self) -> None:
        self.waited = self.deadline = self.since = 0.0
        self.delivery: Delivery | None = None
        self.overdue = self.relieved = self.left = False


class Sender:
    """Calls on their way. `reason` is why no further call is sent.

    With `progress`, only the first failed attempts are logged.
    """

    def __init__(
        self,
        queue: Queue,
        ledger: Ledger,
        transport: Transport,
        clock: Clock,
        terms: Terms,
        *,
        say: Callable[[str], None],
        progress: Progress | None = None,
    ) -> None:
        self.reason = ""
        self._queue, self._ledger, self._transport = queue, ledger, transport
        self._clock, self._terms, self._say, self._progress = clock, terms, say, progress
        self._pace = Pace(terms.per_second, clock.monotonic, clock.sleep)
        self._turn = Condition()
        self._flights: dict[int, _Lane] = {}
        self._lanes: set[_Lane] = set()  # the waiting thread's
        self._opened = self._closed = False
        self._down = self._failed = 0
        self._signals: SimpleQueue[BaseException | _Lane] = SimpleQueue()
        self._started = clock.monotonic()

    def run(self) -> None:
        """Send what can be sent. The first call goes alone until it has an answer or hangs, so that a refused token is seen once.

        A call that hangs or fails again and again does not use up the time of the others: they go on beside it.

        It can be interrupted at any moment. Raises whatever a lane raises.
        """
        self._started = self._clock.monotonic()
        shown = self._started
        for _ in range(self._terms.lanes):
            self._start()
        while self._lanes:
            try:
                signal = self._signals.get(timeout=LOOK_SECONDS)
            except Empty:
                self._end_overdue()
            else:
                if isinstance(signal, BaseException):
                    raise signal
                self._lanes.discard(signal)
            if self._progress and self._lanes and self._clock.monotonic() >= shown + self._progress.seconds:
                self._progress.show(self.progress())
                shown = self._clock.monotonic()
        self.close("stopped_before" if self._terms.per_call else "out_of_time")

    def close(self, reason: str) -> None:
        """Send nothing more, and record what has no end yet; `reason` says why."""
        with self._turn:
            self.reason = self.reason or reason
            if self._closed:
                return
            for index, lane in self._flights.items():
                if lane.delivery and (result := lane.delivery.end(reason)).outcome != "not-sent":
                    self._record(index, result)
            self._closed = True  # not before: a cancel may cut this short, and closes again
            self._turn.notify_all()

    def progress(self) -> str:
        """Say how far it is."""
        with self._turn:
            return self._progress.line(self._clock.monotonic() - self._started) if self._progress else ""

    def _start(self) -> None:
        lane = _Lane()
        self._lanes.add(lane)
        Thread(target=self._drive, args=(lane,), daemon=True).start()

    def _end_overdue(self) -> None:
        """End the attempts that hang, and put another thread in the place of each one's own, or of one that has had its share."""
        with self._turn:
            now, share = self._clock.monotonic(), self._terms.timeout * BEGUN / self._terms.rounds
            if not self._opened and now - self._started >= share:
                self._open()
            for index, lane in tuple(self._flights.items()):
                if not self._terms.per_call and now - lane.since >= share:
                    self._relieve(lane)
                delivery, before = lane.delivery, lane.overdue
                lane.overdue = delivery is not None and delivery.in_flight and self._now(lane) >= lane.deadline
                if delivery and before and lane.overdue:
                    lane.left = True
                    self._ended(index, lane, delivery.end("out_of_time"), Verdict("try-again"))
                    self._lanes.discard(lane)
                    self._relieve(lane)

    def _relieve(self, lane: _Lane) -> None:
        if not lane.relieved:
            lane.relieved = True
            self._start()

    def _drive(self, lane: _Lane) -> None:
        signal: BaseException | _Lane = lane
        try:
            while (index := self._take(lane)) is not None:
                self._send(index, lane)
        except ClosedError:
            pass
        except BaseException as bug:  # noqa: BLE001 - the waiting thread raises it
            signal = bug
        self._signals.put(signal)

    def _take(self, lane: _Lane) -> int | None:
        end = float("inf") if self._terms.per_call else self._started + self._terms.timeout
        with self._turn:
            while not (self.reason or lane.relieved or self._queue.over or self._clock.monotonic() >= end):
                if (self._opened or not self._flights) and (index := self._queue.take()) is not None:
                    lane.delivery, lane.since = None, self._clock.monotonic()
                    self._flights[index] = lane
                    return index
                self._turn.wait()
            return None

    def _send(self, index: int, lane: _Lane) -> None:
        call, terms = self._ledger.call(index), self._terms
        self._enter(lane)
        lane.deadline = (self._now(lane) if terms.per_call else self._started) + terms.timeout
        delivery = Delivery(call, updates=terms.on_conflict == "update")
        if not self._depart(lane, delivery):
            return
        verdict = self._deliver(lane, delivery)
        if verdict.kind == "conflict" and terms.on_conflict == "update":
            upsert = Delivery(as_upsert(call), after=delivery)
            self._enter(lane)
            if self._now(lane) < lane.deadline and self._depart(lane, upsert):
                delivery, verdict = upsert, self._deliver(lane, upsert)
        # If it gave up, the last answer says more than that it did.
        self._ended(index, lane, delivery.end("out_of_time"), verdict)

    def _depart(self, lane: _Lane, delivery: Delivery) -> bool:
        """Let the call go, unless nothing more is to be sent."""
        with self._turn:
            if self.reason or lane.left:
                return False
            lane.delivery, lane.overdue = delivery, False
            return True

    def _deliver(self, lane: _Lane, delivery: Delivery) -> Verdict:
        clock = self._clock._replace(
            monotonic=lambda: self._now(lane), sleep=lambda seconds: self._wait(lane, delivery, seconds)
        )
        try:
            return delivery.run(self._transport, clock, lane.deadline, self._log)
        except _GaveUpError:
            return Verdict("try-again", http_status=TOO_MANY if delivery.throttled else None)

    def _wait(self, lane: _Lane, delivery: Delivery, seconds: float) -> None:
        """Wait between two attempts. If DX asked for fewer requests, all lanes do."""
        self._open()
        if not delivery.throttled:
            self._clock.sleep(seconds)
        elif not self._pace.pause(seconds, self._terms.timeout):
            self._open(stop="http_429")
        self._enter(lane)
        if self.reason or lane.left:
            raise _GaveUpError

    def _enter(self, lane: _Lane) -> None:
        """Wait for the lane's turn, which takes none of the time that a call has for itself."""
        waited = self._pace.enter(lambda: bool(self.reason))
        if self._terms.per_call:
            lane.waited += waited

    def _now(self, lane: _Lane) -> float:
        return self._clock.monotonic() - lane.waited

    def _ended(self, index: int, lane: _Lane, result: Result, verdict: Verdict) -> None:
        with self._turn:
            result = self._record(index, result)
            if self._closed or self._flights.get(index) is not lane:
                return
            del self._flights[index]
            again = verdict.kind == "try-again"
            go_on = not again and result.outcome != "unknown"
            self._queue.done(index, go_on=go_on, failed=not result.delivered)
            self._down = self._down + 1 if again else 0
            if not again:
                self._pace.flow()
            longest = self._terms.timeout - LEAST_ATTEMPT
            stop = why_stop(verdict, longest=longest, down=self._down, lanes=self._terms.lanes)
            self._open(stop if self._terms.per_call or verdict.kind == "unauthorized" else "")

    def _record(self, index: int, result: Result) -> Result:
        """Record a result as `on-conflict` has it, and return that.

        It is under the lock: `close` finds each call either on its way or recorded, and saved in `failed-file`.
        """
        if result.outcome == "already-registered" and self._terms.on_conflict != "keep":
            result = result._replace(outcome="failed", error="reference_id_conflict")
        self._ledger.record(index, result)
        return result

    def _open(self, stop: str = "") -> None:
        """Let every lane go: the first call has had an answer. Or, with a reason to `stop`, send no further call."""
        with self._turn:
            self.reason = self.reason or stop
            self._opened = True
            self._turn.notify_all()

    def _log(self, text: str) -> None:
        with self._turn:
            self._failed += 1
            failed = self._failed
        if self._closed:  # all is reported, and there is no further attempt
            return
        if not self._progress or failed <= _MOST_LOGGED:
            self._say(text)
        if self._progress and failed == _MOST_LOGGED:
            self._say("Further failed attempts are not logged one by one.")


def why_stop(verdict: Verdict, *, longest: float, down: int, lanes: int) -> str:
    """Return why no further call is sent after this verdict, or an empty text if the next may go.

    `longest`: the longest wait that a call has time for, in seconds. `down`: how many calls in succession had no final answer.
    """
    if verdict.kind == "unauthorized":
        return "unauthorized_before"
    if verdict.http_status == TOO_MANY and (verdict.retry_after or 0) > longest:
        return "http_429"
    hopeless = verdict.kind == "refused" and (verdict.error in _HOPELESS or is_cause(verdict.error))
    return "stopped_before" if hopeless or down >= OUTAGE * lanes else ""

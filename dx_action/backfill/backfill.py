"""Owns the sending of a backfill: lanes side by side, what stops them, and what is known at any moment.

The caller's thread waits, tells how far it is, and can be interrupted at any moment. Lanes are daemon threads, each with a clock
of its own by which waiting for its turn takes no time: `timeout` is for talking to DX about one row.
"""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Condition, Thread

from dx_action.backfill.lane import GaveUpError, Lane, Terms, Traffic
from dx_action.backfill.order import Order
from dx_action.backfill.stops import why_stop
from dx_action.backfill.store import Rows
from dx_action.backfill.tally import Tally
from dx_action.deployment.calls import Call, Result
from dx_action.dx.answers import Verdict
from dx_action.dx.delivery import LEAST_ATTEMPT, TOO_MANY, ClosedError, Delivery, Transport
from dx_action.dx.pacing import Pace
from dx_action.dx.sender import judged, update_of
from dx_action.errors import ActionError, Problem
from dx_action.runner.runtime import Clock

PROGRESS_SECONDS = 5.0
_LOOK_SECONDS = 0.25
_MOST_SAID = 20


class Backfill:
    """The rows of a backfill on their way. `keep` is told of each call that failed, `harmless` makes DX's words so."""

    def __init__(
        self,
        rows: Rows,
        transport: Transport,
        clock: Clock,
        terms: Terms,
        *,
        say: Callable[[str], None],
        debug: Callable[[str], None] | None = None,
        keep: Callable[[Call], None] = lambda _call: None,
        harmless: Callable[[Result], Result] = lambda result: result,
    ) -> None:
        self.rows, self.tally, self.reason = rows, Tally(len(rows)), ""
        self.order = Order(rows.times, rows.keys)
        self.pace = Pace(terms.per_second, clock.monotonic, clock.sleep)
        self.clock, self.terms = clock, terms
        self._transport, self._keep, self._harmless = transport, keep, harmless
        self._say, self._debug = say, debug
        self._turn = Condition()
        self._flights: dict[int, Delivery | None] = {}
        self._opened = self._closed = False
        self.problem: Problem | None = None
        self._down = self._said = 0
        self._signals: SimpleQueue[BaseException | None] = SimpleQueue()
        self._started = clock.monotonic()

    def run(self) -> None:
        """Send every row that can be. The first goes alone until it has had an answer: a refused token is seen once."""
        self._started = self.clock.monotonic()
        due = self._started + PROGRESS_SECONDS
        running = min(self.terms.concurrency, len(self.rows))
        for _ in range(running):
            Thread(target=self._lane, daemon=True).start()
        while running:
            try:
                signal = self._signals.get(timeout=_LOOK_SECONDS)
            except Empty:
                pass
            else:
                if signal is not None:
                    raise signal
                running -= 1
            if running and self.clock.monotonic() >= due:
                self._say(self.progress())
                due = self.clock.monotonic() + PROGRESS_SECONDS
        self.close("stopped_before")

    def close(self, reason: str) -> None:
        """Send nothing more, and settle what has no end yet; `reason` says why there is none."""
        with self._turn:
            self.reason = self.reason or reason
            if self._closed:
                return
            self._closed = True
            for index, delivery in self._flights.items():
                if delivery is not None and (result := delivery.end(reason)).outcome != "not-sent":
                    self._note(index, judged(result, self.terms.on_conflict))
            self._turn.notify_all()

    def progress(self) -> str:
        """Say how far it is."""
        with self._turn:
            return self.tally.progress(self.clock.monotonic() - self._started, self.order.dropped)

    def _lane(self) -> None:
        lane = Lane(
            Traffic(
                clock=self.clock,
                pace=self.pace,
                terms=self.terms,
                stopped=lambda: bool(self.reason),
                answered=self._open,
                limited=lambda: self._stop("http_429"),
            )
        )
        try:
            while (index := self._take()) is not None:
                self._send(index, lane)
        except ClosedError:
            pass
        except ActionError as error:  # a row cannot be read again, which says nothing of those before it
            self.problem = error.problems[0]
            self._stop("stopped_before")
        except BaseException as bug:  # noqa: BLE001 - the waiting thread raises it
            self._signals.put(bug)
        self._signals.put(None)

    def _take(self) -> int | None:
        with self._turn:
            while not self.reason and not self.order.over:
                if (self._opened or not self._flights) and (index := self.order.take()) is not None:
                    self._flights[index] = None
                    return index
                self._turn.wait()
            return None

    def _send(self, index: int, lane: Lane) -> None:
        call: Call | None = self.rows.call(index)
        deadline = None
        may_hold = False
        while call is not None:
            lane.enter()
            deadline = deadline or lane.clock.monotonic() + self.terms.timeout
            delivery = self._off(index, call, may_hold=may_hold)
            lane.delivery = delivery
            if self._debug:
                self._debug(f"POST {call.path} {call.body.decode()}")
            try:
                verdict = delivery.run(self._transport, lane.clock, deadline, self._tell)
            except GaveUpError:
                verdict = Verdict("try-again", http_status=TOO_MANY if delivery.throttled else None)
            may_hold = delivery.may_hold
            call = update_of(call, verdict, self.terms.on_conflict)
        # Where it gave up, the last answer says more than that it did.
        self._ended(index, judged(delivery.end("out_of_time"), self.terms.on_conflict), verdict)

    def _off(self, index: int, call: Call, *, may_hold: bool) -> Delivery:
        with self._turn:
            if self.reason:
                raise ClosedError
            updates = self.terms.on_conflict == "update"
            delivery = self._flights[index] = Delivery(call, updates=updates, may_hold=may_hold)
            return delivery

    def _ended(self, index: int, result: Result, verdict: Verdict) -> None:
        with self._turn:
            if self._closed:
                return
            del self._flights[index]
            self._note(index, result)
            again = verdict.kind == "try-again"
            self.order.done(index, go_on=not again and result.outcome != "unknown")
            self._down = self._down + 1 if again else 0
            if not again:
                self.pace.flow()
            longest, lanes = self.terms.timeout - LEAST_ATTEMPT, self.terms.concurrency
            self.reason = self.reason or why_stop(verdict, longest=longest, down=self._down, lanes=lanes)
            self._opened = True
            self._turn.notify_all()

    def _note(self, index: int, result: Result) -> None:
        result = self._harmless(result)
        if not result.delivered:
            self._keep(result.call)
        self.tally.add(index, self.rows.line(index), result)

    def _open(self) -> None:
        """Let every lane go: the first row has had an answer."""
        if not self._opened:
            with self._turn:
                self._opened = True
                self._turn.notify_all()

    def _stop(self, reason: str) -> None:
        """Send no further row; what is in flight ends by itself."""
        with self._turn:
            self.reason = self.reason or reason
            self._turn.notify_all()

    def _tell(self, text: str) -> None:
        with self._turn:
            self._said += 1
            said = self._said
        if said <= _MOST_SAID:
            self._say(text)
        if said == _MOST_SAID:
            self._say("Further attempts that fail are not told one by one.")

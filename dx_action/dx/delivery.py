"""One call's attempts: when to try again, how long to wait, when to stop. A transport makes them.

At any moment `end()` returns what is known, so that a cancelled run can report what was sent. The rule it must not break:
`failed` and `not-sent` mean that DX does not hold the deployment; if it may, the outcome is `unknown`.
"""

from collections.abc import Callable
from threading import Lock
from typing import Protocol

from dx_action.deployment.calls import Call, Outcome, Result
from dx_action.dx.answers import TOO_MANY, Answer, Verdict, judge
from dx_action.runner.runtime import Clock

FIRST_WAIT, LONGEST_WAIT = 0.5, 15.0
# An attempt may use so many seconds, or half of the budget if that is more: a slow answer is not thrown away.
ATTEMPT_SECONDS, ATTEMPT_SHARE = 30.0, 0.5
# An attempt that is cut off at once would only turn a failure that is known into one that is not.
LEAST_ATTEMPT = 1.0
_CAUSES = {
    "connection_failed": "no connection",
    "connection_lost": "the connection broke",
    "no_answer": "no answer in time",
    "unreadable_answer": "the answer is not JSON",
}


class Transport(Protocol):
    """Makes one attempt within `seconds`: an answer, or the verdict on having got none."""

    def __call__(self, call: Call, seconds: float) -> Answer | Verdict: ...


class ClosedError(Exception):
    """The result has been reported, so nothing more may be sent."""


class Delivery:
    """One call on its way.

    `updates`: an upsert is to follow a conflict. `after`: the call that it follows, whose result counts until it is sent.
    """

    def __init__(self, call: Call, *, updates: bool = False, after: "Delivery | None" = None) -> None:
        self.call = call
        self.attempts = 0
        self._after = after
        self.may_hold: bool = after is not None and after.may_hold
        self._updates = updates
        self._lock = Lock()
        self._closed = False
        self._in_flight = False
        self._last: Verdict | None = None
        self._result: Result | None = None

    def run(self, transport: Transport, clock: Clock, deadline: float, say: Callable[[str], None]) -> Verdict:
        """Try until a final verdict or until `deadline` (in the clock's seconds), and return the last verdict.

        Raises ClosedError if `end` was called meanwhile.
        """
        most = max(ATTEMPT_SECONDS, (deadline - clock.monotonic()) * ATTEMPT_SHARE)
        while True:
            verdict = self._attempt(transport, clock, min(most, max(deadline - clock.monotonic(), 0.001)))
            wait = self._wait(verdict, clock)
            if verdict.kind != "try-again" or clock.monotonic() + wait + LEAST_ATTEMPT > deadline:
                self._result = self._finish(verdict)
                return verdict
            self._in_flight = False
            other = f"HTTP {verdict.http_status}" if verdict.http_status else verdict.error.replace("_", " ")
            what = _CAUSES.get(verdict.error, other)
            say(f"Attempt {self.attempts} for {self.call.label}: {what}. Trying again in {wait:.1f} s.")
            clock.sleep(wait)

    def end(self, reason: str) -> Result:
        """Send nothing more, and return what is known; if the call has no end yet, `reason` says why."""
        with self._lock:
            self._closed = True
        if self._result is not None:
            return self._result
        if not self.attempts:
            return self._after.end(reason) if self._after else Result(self.call, "not-sent", error=reason)
        last = None if self._in_flight else self._last
        outcome: Outcome = "unknown" if self.may_hold or last is None else "failed"
        # `out_of_time` is why a call is not sent; this one was, and its last answer says more.
        if reason == "out_of_time":
            reason = last.error if last else "no_answer"
        return Result(self.call, outcome, last.http_status if last else None, reason, attempts=self.attempts)

    @property
    def in_flight(self) -> bool:
        """Whether an attempt is under way."""
        return self._in_flight and self._result is None

    @property
    def throttled(self) -> bool:
        """Whether the last answer asked for fewer requests."""
        return self._last is not None and self._last.http_status == TOO_MANY

    def _attempt(self, transport: Transport, clock: Clock, seconds: float) -> Verdict:
        with self._lock:
            if self._closed:
                raise ClosedError
            self.attempts, self._in_flight = self.attempts + 1, True
        answer = transport(self.call, seconds)
        verdict = judge(answer, self.call.method, clock.now()) if isinstance(answer, Answer) else answer
        if verdict.kind == "conflict" and self.may_hold and not self._updates:
            # What DX holds under this id is most likely what an earlier attempt of this very call left there.
            verdict = Verdict("accepted", http_status=verdict.http_status)
        self.may_hold |= verdict.may_hold
        self._last = verdict
        return verdict

    def _wait(self, verdict: Verdict, clock: Clock) -> float:
        growing: float = min(FIRST_WAIT * 2 ** (self.attempts - 1), LONGEST_WAIT) * (0.5 + clock.random() / 2)
        return growing if verdict.retry_after is None else max(verdict.retry_after, growing)

    def _finish(self, verdict: Verdict) -> Result:
        outcome: Outcome = "unknown" if self.may_hold else "failed"
        error = verdict.error
        if verdict.kind == "accepted":
            outcome = "accepted"
        elif verdict.kind == "conflict":
            outcome, error = ("unknown", "reference_id_conflict") if self.may_hold else ("already-registered", error)
        return Result(self.call, outcome, verdict.http_status, error, verdict.message, self.attempts)

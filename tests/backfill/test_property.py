"""Whatever breaks at whatever moment of a backfill, a second run makes DX hold each deployment, once, and in order."""

from collections.abc import Mapping
from threading import Lock

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backfills import TOKEN, Listed, Told, held_by, prepared, sent
from backfills import Hurried as Clock
from dx_action.deployment.calls import Call
from dx_action.dx.answers import Answer, Verdict
from dx_action.errors import Interrupted
from dx_action.sandbox import Store
from thorough import times

SERVICES = 23
# What an attempt meets, and whether DX took it all the same.
FAULTS: Mapping[str, tuple[Answer | Verdict | None, bool]] = {
    "no connection": (Verdict("try-again", "connection_failed"), False),
    "reset before": (Verdict("try-again", "connection_lost", may_hold=True), False),
    "reset after": (Verdict("try-again", "connection_lost", may_hold=True), True),
    "down": (Answer(503, b""), False),
    "down after": (Answer(502, b"<html>"), True),
    "down for long": (Answer(503, b"", "3600"), False),
    "unreadable": (Answer(200, b"<html>"), True),
    "busy": (Answer(429, b"", "2"), False),
    "busy for long": (Answer(429, b"", "9999"), False),
    "no answer in time": (Verdict("try-again", "no_answer", may_hold=True), False),
    "an answer too late": (Verdict("try-again", "no_answer", may_hold=True), True),
    "cut": (Answer(200, b'{"ok": tr'), True),
    "refused": (Answer(422, b'{"ok": false, "error": "repo_not_found"}'), False),
    "refused by 409": (Answer(409, b'{"ok": false, "error": "locked"}'), False),
    "refused in words": (Answer(422, b'{"ok": false, "message": "reference_id is being processed"}'), False),
    "refused without words": (Answer(409, b""), False),
    "refused, and cut": (Answer(422, b'{"ok": false, "error": "reference_id_ta'), False),
    "token revoked": (Answer(422, b'{"ok": false, "error": "invalid_auth"}'), False),
    "killed before": (None, False),
    "killed after": (None, True),
    "cancelled before": (None, False),
    "cancelled after": (None, True),
}


class Killed(BaseException):
    """The process is gone."""


class Faulty:
    """A transport whose n-th attempt meets a fault. After a kill, nothing more gets through."""

    def __init__(self, store: Store, faults: Mapping[int, str]) -> None:
        self._dx = held_by(store)
        self._faults, self._lock = faults, Lock()
        self.attempts, self.dead = 0, False
        self.refused: set[str] = set()

    def __call__(self, call: Call, seconds: float) -> Answer | Verdict:
        with self._lock:
            if self.dead:
                raise Killed
            self.attempts += 1
            fault = self._faults.get(self.attempts, "")
            self.dead = fault.startswith("killed")
            if fault.startswith("refused"):
                self.refused.add(call.reference_id)
        if not fault:
            return self._dx(call, seconds)
        answer, taken = FAULTS[fault]
        if taken:
            self._dx(call, seconds)
        if answer is None:
            raise Killed if self.dead else Interrupted
        return answer


def rows_of(count: int) -> Listed:
    """So many rows in no order, of services of different sizes."""
    return Listed([(f"s{number * number % SERVICES}", number * 7919 % count) for number in range(count)])


def first_run(rows: Listed, store: Store, faults: Mapping[int, str]) -> tuple[Told, Faulty]:
    """Run until it ends, is cancelled or is killed; what a killed one would have told is then void."""
    dx = Faulty(store, faults)
    told = prepared(rows, dx, Clock().clock(), concurrency=8)
    try:
        told.job.run()
    except Interrupted:
        told.job.close("cancelled")
    except Killed:
        dx.dead = True
    return told, dx


def check(count: int, faults: Mapping[int, str]) -> None:
    rows, store = rows_of(count), Store(TOKEN)
    ids = [rows.call(index).reference_id for index in range(count)]
    told, dx = first_run(rows, store, faults)
    held = {each["reference_id"] for each in store.deployments()}
    if not dx.dead:
        claims = dict(zip(ids, told.outcomes, strict=True))
        assert {name for name in ids if claims[name] == "accepted"} <= held
        assert not {name for name in ids if claims[name] in ("failed", "not-sent")} & held
        kept = {call.reference_id for call in told.kept}
        assert kept == {name for name in ids if claims[name] in ("failed", "unknown")}
    again = sent(rows, held_by(store), Clock().clock(), concurrency=8)
    assert set(again.outcomes) == {"accepted"}
    found = [each["reference_id"] for each in store.deployments()]
    assert len(found) == count
    assert set(found) == set(ids)
    in_time = sorted(range(count), key=rows.times.__getitem__)
    for service in {name for _, name, _ in rows.names}:
        mine = [each for each in found if each.startswith(f"{service}/") and each not in dx.refused]
        due = [ids[index] for index in in_time if rows.given[index][0] == service]  # type: ignore[index]
        assert mine == [each for each in due if each not in dx.refused]


LOADED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@settings(LOADED, max_examples=times(10))
@given(st.dictionaries(st.integers(1, 2_100), st.sampled_from(sorted(FAULTS)), min_size=1, max_size=30))
def test_a_second_run_completes_two_thousand_rows(faults: dict[int, str]) -> None:
    check(times(2_000), faults)


@settings(LOADED, max_examples=times(150))
@given(st.dictionaries(st.integers(1, 90), st.sampled_from(sorted(FAULTS)), min_size=1, max_size=60))
def test_a_second_run_completes_a_few_rows_amid_many_faults(faults: dict[int, str]) -> None:
    check(60, faults)

"""Rows, a clock and a DX for tests of a backfill's engine, all in this process."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

import builders
from dx_action.backfill.file import rows_from_file
from dx_action.backfill.order import Order
from dx_action.backfill.run import Ledger
from dx_action.backfill.store import Rows, write_csv
from dx_action.backfill.tally import Tally
from dx_action.deployment.calls import Call, Result, serialise
from dx_action.dx.answers import Answer, Verdict
from dx_action.dx.delivery import Transport
from dx_action.dx.sender import Progress, Sender, Terms
from dx_action.report.failures import Hint
from dx_action.runner.runtime import Clock
from dx_action.runner.workspace import Workspace
from dx_action.sandbox import Store

START = datetime(2025, 1, 6, tzinfo=UTC)
TOKEN = "the-token-of-the-tests"
OK = Answer(200, b'{"ok": true}')
REFUSED = Answer(422, b'{"ok": false, "error": "repo_not_found", "message": "No such repository."}')
AUTH = Answer(422, b'{"ok": false, "error": "invalid_auth"}')
CONFLICT = Answer(409, b'{"ok": false, "error": "reference_id_taken"}')
BUSY = Answer(429, b"")
DOWN = Answer(503, b"")
LOST = Verdict("try-again", "connection_lost", may_hold=True)
NO_CONNECTION = Verdict("try-again", "connection_failed")


class Listed(Rows):
    """Rows of a list: (service, minutes after the start), or a number for the call about a pull request."""

    def __init__(self, given: Sequence[tuple[str, int] | int]) -> None:
        super().__init__()
        self.given, self._calls = given, [_call(index, row) for index, row in enumerate(given)]
        for index, call in enumerate(self._calls):
            self.add(call, index + 2)

    def call(self, index: int) -> Call:
        return self._calls[index]


def _moment(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


def _call(index: int, row: tuple[str, int] | int) -> Call:
    if isinstance(row, int):
        body = {"repository": "o/r", "pull_number": row, "services": [{"identifier": "web"}]}
        return Call("deployments.setPullServices", "", "", serialise(body), f"pull request #{row}")
    service, minutes = row
    reference_id = f"{service}/{minutes}/{index}"
    body = {
        "reference_id": reference_id,
        "deployed_at": _moment(minutes).isoformat().replace("+00:00", "Z"),
        "service": {"identifier": service},
        "repository": "o/r",
        "commit_sha": "abc1234",
    }
    return Call("deployments.create", service, reference_id, serialise(body))


class Hurried:
    """A clock that waiting moves, and nothing else: a wait takes no time."""

    def __init__(self, chance: float = 0.0) -> None:
        self.at, self.chance, self.slept = 0.0, chance, list[float]()
        self._lock = Lock()

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.at += seconds
            self.slept.append(seconds)
        time.sleep(0)  # let another thread go on

    def clock(self) -> Clock:
        return Clock(lambda: self.at, self.sleep, lambda: START, lambda: self.chance)


class Scripted:
    """A DX that answers by a list for each service or pull request, the last entry for ever; the others are accepted."""

    def __init__(self, answers: dict[str, Sequence[Answer | Verdict]] | None = None) -> None:
        self._left = {name: list(each) for name, each in (answers or {}).items()}
        self._lock = Lock()
        self.sent: list[Call] = []
        self.busy = self.most = 0
        self.before: Callable[[Call], None] = lambda _call: None

    def __call__(self, call: Call, seconds: float) -> Answer | Verdict:
        with self._lock:
            self.sent.append(call)
            self.busy += 1
            self.most = max(self.most, self.busy)
            left = self._left.get(call.reference_id) or self._left.get(call.label) or [OK]
            answer = left.pop(0) if len(left) > 1 else left[0]
        try:
            self.before(call)
        finally:
            with self._lock:
                self.busy -= 1
        return answer

    @property
    def ids(self) -> list[str]:
        return [call.reference_id or call.label for call in self.sent]


def held_by(store: Store) -> Transport:
    """Give a transport to a store of this process."""

    def transport(call: Call, seconds: float) -> Answer:
        status, answer = store.handle(call.method, TOKEN, call.body)
        return Answer(status, serialise(answer))

    return transport


@dataclass
class Told:
    """What became of a backfill, for a test to look at."""

    job: Sender
    order: Order
    tally: Tally
    said: list[str]
    kept: list[Call]

    @property
    def outcomes(self) -> list[str]:
        return [self.tally[index] for index in range(len(self.tally))]

    @property
    def results(self) -> list[Result]:
        return [line.result for line in self.tally.failed]


def prepared(
    rows: Rows, transport: Transport, clock: Clock | None = None, *, concurrency: int = 4, **terms: float | str
) -> Told:
    """Make a backfill that is yet to run; unpaced, unless the terms say otherwise."""
    said: list[str] = []
    kept: list[Call] = []
    order, tally = Order(rows.times, rows.keys, rows.anchors), Tally(len(rows))
    given = Terms(per_call=True, lanes=min(concurrency, len(rows)), **terms)  # type: ignore[arg-type]
    job = Sender(
        order,
        Ledger(rows, tally, kept.append, lambda result: result),
        transport,
        clock or Hurried().clock(),
        given,
        say=said.append,
        progress=Progress(lambda seconds: tally.progress(seconds, order.held_back), said.append, 5),
    )
    return Told(job, order, tally, said, kept)


def sent(rows: Listed, transport: Transport, clock: Clock | None = None, **terms: Any) -> Told:
    """Run a backfill to its end."""
    told = prepared(rows, transport, clock, **terms)
    told.job.run()
    return told


# Rows of a file, and the CSV of rows.


def opened(folder: Path, content: str | bytes, name: str = "rows.csv", **given: str) -> tuple[Rows, tuple[str, ...]]:
    """Read a file, and return its rows and the notices about them."""
    rows, hints = hinted(folder, content, name, **given)
    assert "warning" not in dict(hints)
    return rows, tuple(text for _, text in hints)


def hinted(folder: Path, content: str | bytes, name: str = "rows.csv", **given: str) -> tuple[Rows, tuple[Hint, ...]]:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    inputs = builders.inputs({"operation": "backfill", "backfill-file": name}, **given)
    return rows_from_file(
        inputs, builders.runtime("schedule"), Workspace(str(folder)), lambda _line: None, builders.NOW
    )


def calls(rows: Rows) -> list[Call]:
    return [rows.call(index) for index in range(len(rows))]


def values(rows: Rows, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(call.json().get(name) for name in names) for call in calls(rows)]


def written(folder: Path, rows: Rows) -> tuple[str, tuple[str, ...]]:
    notices = write_csv("out/for-dx.csv", rows, Workspace(str(folder)), str)
    return (folder / "out" / "for-dx.csv").read_bytes().decode(), notices

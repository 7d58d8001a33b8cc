"""What the tests of *exactly once* drive: runs that stop at each request until they are told what becomes of it, and DX's history.

A run is the real `main`, in a thread. It moves only while it is told to, so that any interleaving of several can be played, and
the same one again. What DX took is kept with whose it was, even where it arrives after its run ended.
"""

import io
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, Literal

import events
import wire
from dx_action.errors import Interrupted
from dx_action.main import main
from dx_action.sandbox.store import Store
from runner import PATIENCE, read_outputs
from wire import Reply, Request, Time

TOKEN = "dx-token-of-the-tests"
HTML = b"<html><body>Service unavailable</body></html>"
Key = tuple[str, ...]
HOUR = timedelta(hours=1)
SLOW = 32.0


class Killed(BaseException):
    """The process is no more: nothing catches this, and nothing is written."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A request that DX took: whose it was, and whether a deployment began with it."""

    run: "Run"
    method: str
    body: dict[str, Any]
    created: bool


class Dx:
    """The stand-in's store, and all that it ever took."""

    def __init__(self) -> None:
        ids = iter(range(1_000_000))
        self.store = Store(TOKEN, new_id=lambda: f"made-up-{next(ids)}")
        self.history: list[Taken] = []
        self.late: list[tuple[Run, Request, bytes]] = []
        self._lock = Lock()

    def take(self, run: "Run", request: Request, body: bytes) -> Reply:
        """Do what is asked, now."""
        with self._lock:
            before = len(self.store.deployments())
            status, answer = self.store.handle(request.method, request.token, body)
            if status == 200:
                created = len(self.store.deployments()) > before
                self.history.append(Taken(run, request.method, json.loads(body), created))
            elif answer.get("error") == "reference_id_taken":
                status = 409 if len(self.history) % 2 else 422  # DX's page names neither
        return Reply(status, json.dumps(answer).encode())

    def land(self, index: int = 0) -> None:
        """Let a request arrive that its run gave up on."""
        self.take(*self.late.pop(index))

    def seen(self) -> tuple[dict[str, dict[str, Any]], list[Taken]]:
        """Give what is held, by reference id, and all that was taken, both of one moment: a run's threads may outlive its end."""
        with self._lock:
            return {str(held["reference_id"]): held for held in self.store.deployments()}, list(self.history)


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a request: whether DX takes it, and what the run gets to see.

    `seen`: of the answer's body, `cut` loses the rest and `stalled` waits for it in vain; `slow` comes after 32 seconds, which an
    attempt may have or not. `taken`: never, at once, or late, when it is told to `land`. `end`: the process dies or the job is
    cancelled. `interim`: statuses before the answer.
    """

    seen: Literal["answer", "refused", "reset", "silence", "cut", "stalled", "slow"] | Reply
    taken: Literal["no", "yes", "late"] = "no"
    end: Literal["", "killed", "cancelled"] = ""
    interim: tuple[int, ...] = ()


@dataclass(eq=False, slots=True)
class Run:
    """One run of the step. `key` is the deployment that it means, by the contract's own words.

    `results` are what it says became of each call. They and `outputs` are empty until it is over, and where it was killed.
    """

    dx: Dx
    key: Key
    env: Mapping[str, str]
    start: datetime
    choose: Callable[[Request], Fate] | None = None
    exit_code: int | None = None
    over: bool = False
    outputs: dict[str, str] = field(default_factory=dict)
    results: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, bytes]] = field(default_factory=list)
    _tells: "SimpleQueue[Request | BaseException | None]" = field(default_factory=SimpleQueue)
    _fates: "SimpleQueue[Fate]" = field(default_factory=SimpleQueue)
    time: Time = field(default_factory=Time)

    def begin(self) -> None:
        """Run until the first request."""
        self.time.start = self.start
        Thread(target=self._main, daemon=True).start()
        self._wait()

    def go_on(self, fate: Fate) -> None:
        """Say what becomes of the request, and run until the next one or the end."""
        self._fates.put(fate)
        self._wait()

    def play(self, fate: Callable[[Request], Fate]) -> None:
        """Run from beginning to end. `fate` says what becomes of each request, which may come from several threads."""
        self.choose = fate
        self.begin()

    def _answer(self, request: Request) -> Reply:
        if self.choose:
            return self._meet(request, self.choose(request))
        self._tells.put(request)
        return self._meet(request, self._fates.get(timeout=PATIENCE))

    def _meet(self, request: Request, fate: Fate) -> Reply:
        if fate.seen == "refused" and not fate.end:
            wire.refused()
        body = request.body()
        self.asked.append((request.method, body))
        answer = Reply(200)
        if fate.taken == "yes":
            answer = self.dx.take(self, request, body)
        elif fate.taken == "late":
            self.dx.late.append((self, request, body))
        if fate.end:
            raise Killed if fate.end == "killed" else Interrupted
        match fate.seen:
            case "reset":
                wire.reset()
            case "silence":
                self.time.passed += request.seconds
                wire.silent()
            case "slow":
                self.time.passed += min(SLOW, request.seconds)
                if request.seconds < SLOW:
                    wire.silent()
            case "cut":
                answer = replace(answer, body=answer.body[:5], length=100)
            case "stalled":
                answer = replace(answer, body=answer.body[:5], length=100, hangs=self._pass)
            case Reply():
                answer = replace(fate.seen, hangs=self._pass) if fate.seen.length else fate.seen
        return replace(answer, interim=fate.interim)

    def _pass(self, seconds: float) -> None:
        self.time.passed += seconds

    def _main(self) -> None:
        try:
            self.exit_code = main(
                self.env, io.StringIO(), self.time.clock(), wire=wire.over(self._answer), signals=_uninterrupted
            )
        except BaseException as error:  # noqa: BLE001 - the waiting thread raises it
            self._tells.put(error)
        else:
            self._tells.put(None)

    def _wait(self) -> None:
        told = self._tells.get(timeout=PATIENCE)
        if not isinstance(told, Request):
            self.over = True
            self.outputs = read_outputs(Path(self.env["GITHUB_OUTPUT"]).read_text(encoding="utf-8"))
            self.results = json.loads(self.outputs.get("results", "[]"))
        if isinstance(told, BaseException) and not isinstance(told, Killed):
            raise told


def _uninterrupted() -> AbstractContextManager[Callable[[], None]]:
    # Only the main thread may handle signals; that a job is cancelled is a fate here.
    return nullcontext(lambda: None)


def environment(folder: Path, event: str, inputs: Mapping[str, str], **runner: str) -> dict[str, str]:
    """Make a run's variables, with files of its own in the folder."""
    folder.mkdir(parents=True)
    (folder / "output").touch()
    given = {"dx-host": "http://127.0.0.1:9", "dx-token": TOKEN} | dict(inputs)
    return {
        **events.load(event)[0],
        "GITHUB_EVENT_PATH": str(events.path(event)),
        "GITHUB_WORKSPACE": str(folder),
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        **runner,
        **{f"INPUT_{name.upper()}": text for name, text in given.items()},
    }


def check(dx: Dx, runs: list[Run], *, keeps: bool = True) -> None:
    """Check all that was said by all that DX ever took. `keeps`: no run was asked to change what is held."""
    held, history = dx.seen()
    began: dict[Key, Taken] = {}
    for taken in history:
        key = (*taken.run.key, taken.body["service"]["identifier"])
        if taken.created:
            assert key not in began, f"{key} stands twice"
            began[key] = taken
        elif keeps:
            assert taken.body == began[key].body, f"{key} lost its first values"
    assert len(held) == len(began)
    for key, first in began.items():
        record = held[first.body["reference_id"]]
        last = [taken for taken in history if taken.body["reference_id"] == first.body["reference_id"]][-1]
        assert {name: record[name] for name in last.body} == last.body, key
    for run in runs:
        bodies = {(json.loads(body)["reference_id"], method): body for method, body in run.asked}
        assert all(bodies[json.loads(body)["reference_id"], method] == body for method, body in run.asked)
        if run.exit_code is not None:
            _check_told(history, run, began)


def _check_told(history: list[Taken], run: Run, began: Mapping[Key, Taken]) -> None:
    asked = [json.loads(body)["reference_id"] for _, body in run.asked]
    for result in run.results:
        key, outcome = (*run.key, result["service"]), result["outcome"]
        mine = [taken for taken in history if taken.run is run and taken.body["service"]["identifier"] == key[-1]]
        match outcome:
            case "accepted":
                assert key in began, f"{key} was accepted, and does not stand"
                assert result["reference_id"] == began[key].body["reference_id"]
            case "already-registered":
                assert key in began, f"{key} is said to be held, and is not"
                assert began[key].run is not run, f"{key} is this run's own"
            case "failed":
                assert not mine, f"{key} failed, and DX took it"
            case "not-sent":
                assert not mine, f"{key} was not sent, and DX took it"
                assert result["reference_id"] not in asked
            case _:
                # Where a job is cancelled, a thread may have been about to send.
                assert outcome == "unknown"
    delivered = {result["outcome"] in ("accepted", "already-registered") for result in run.results}
    assert run.exit_code == (0 if delivered == {True} else 1)
    statuses = {"partial"} if len(delivered) == 2 else {"registered", "already-registered"}
    assert run.outputs["status"] in (statuses if True in delivered else {"failed"})

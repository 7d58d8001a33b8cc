"""What the tests of *exactly once* drive: runs that stop at each request until they are told what becomes of it, and DX's history.

A run is the real `main`, in a thread. It moves only while it is told to, so that any interleaving of several can be played, and
the same one again. What DX took is kept with whose it was, even where it arrives after its run ended.
"""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread, current_thread
from typing import Any, Literal

import events
import wire
from dx_action.errors import Interrupted
from dx_action.inputs.job import Stage
from dx_action.main import Invocation, main
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


class Deaf(Dx):
    """Says that it took what it did not take."""

    def take(self, run: "Run", request: Request, body: bytes) -> Reply:
        return Reply(200, b'{"ok": true}')


class TwoFaced(Dx):
    """Rejects what it takes."""

    def take(self, run: "Run", request: Request, body: bytes) -> Reply:
        super().take(run, request, body)
        return Reply(422, b'{"ok": false, "error": "invalid_reference_id", "message": "No."}')


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


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a run ends before its time, as it writes this line of its log: the process dies, or the job is cancelled."""

    line: int
    end: Literal["killed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Meant:
    """What a run is for, by the contract's own words.

    `key` is the deployment that it registers; without one, and if it `corrects` none, it sends nothing and has one of the `ends`.
    `success` and `started` are what each request says of it, if that is known.
    """

    key: Key = ()
    corrects: Literal["", "update", "delete"] = ""
    ends: tuple[tuple[int, str], ...] = ()
    success: bool | None = None
    started: int | None = None


@dataclass(eq=False, slots=True)
class Run:
    """One run of the step, or of a stage of `job/`.

    `results` are what it says became of each call. They, `outputs` and `log` are empty until it is over, and where it was killed.
    """

    dx: Dx
    meant: Meant
    env: Mapping[str, str]
    start: datetime
    stage: Stage = "step"
    stop: Stop | None = None
    choose: Callable[[Request], Fate] | None = None
    exit_code: int | None = None
    over: bool = False
    log: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    results: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, bytes]] = field(default_factory=list)
    _tells: "SimpleQueue[Request | BaseException | None]" = field(default_factory=SimpleQueue)
    _fates: "SimpleQueue[Fate]" = field(default_factory=SimpleQueue)
    _armed: bool = False
    _cancelled: bool = False
    time: Time = field(default_factory=Time)

    @property
    def folder(self) -> Path:
        return Path(self.env["GITHUB_WORKSPACE"])

    @property
    def reference_ids(self) -> list[str]:
        """The ids of all that it sent, in order."""
        return [json.loads(body)["reference_id"] for _, body in self.asked]

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
        log = _Log(self.stop, self._end)
        try:
            self.exit_code = main(
                self.env,
                log,
                self.time.clock(),
                invocation=Invocation(self.stage),
                cancelled=lambda: self._cancelled,
                wire=wire.over(self._answer),
                signals=self._signals,
            )
        except BaseException as error:  # noqa: BLE001 - the waiting thread raises it
            self._tells.put(error)
        else:
            self.log = log.getvalue()
            self._tells.put(None)

    @contextmanager
    def _signals(self) -> Iterator[Callable[[], None]]:
        """As `main.interruptible`, but for signals, which the main thread alone can have."""
        self._armed = True
        try:
            yield self._disarm
        finally:
            self._disarm()

    def _disarm(self) -> None:
        self._armed = False

    def _end(self, end: str) -> None:
        if end == "killed":
            raise Killed
        self._cancelled = True  # which `main` asks for, unless it can be interrupted by now
        if self._armed:
            self._disarm()
            raise Interrupted

    def _wait(self) -> None:
        told = self._tells.get(timeout=PATIENCE)
        if not isinstance(told, Request):
            self.over = True
            self.outputs = read_outputs(Path(self.env["GITHUB_OUTPUT"]).read_text(encoding="utf-8"))
            self.results = json.loads(self.outputs.get("results", "[]"))
        if isinstance(told, BaseException) and not isinstance(told, Killed):
            raise told


class _Log(io.StringIO):
    """A log whose writing is stopped at a line. A signal meets the thread alone that began the run."""

    def __init__(self, stop: Stop | None, end: Callable[[str], None]) -> None:
        super().__init__()
        self._stop, self._end, self._owner, self._lines = stop, end, current_thread(), 0

    def write(self, text: str) -> int:
        self._lines += 1
        stop = self._stop
        if stop and self._lines >= stop.line and current_thread() is self._owner:
            self._stop = None
            self._end(stop.end)
        return super().write(text)


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
        "GITHUB_STATE": str(folder / "state"),
        **runner,
        **{f"INPUT_{name.upper()}": text for name, text in given.items()},
    }

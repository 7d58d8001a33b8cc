"""The searches for schedules that break *exactly once*: which runs there are, and what may become of each request."""

import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import ClassVar, Literal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

import events
from dx_action.inputs.job import Stage
from promises import check
from runner import NOW
from schedules import HOUR, HTML, Dx, Fate, Key, Meant, Run, Stop, environment
from thorough import count_schedule
from wire import Reply

# GitHub fires two actions for one release.
EVENTS = (
    *("pull_request_merged", "pull_request_target_merged", "release_published", "release_released"),
    *("deployment_status_success", "deployment_production", "workflow_run_success"),
    *("push_branch", "workflow_dispatch", "schedule", "repository_dispatch"),
)


def refusal(status: int, error: str, message: str = "No.") -> Reply:
    return Reply(status, f'{{"ok": false, "error": "{error}", "message": "{message}"}}'.encode())


REFUSALS = (
    *(refusal(401, "invalid_auth"), refusal(422, "repo_not_found"), refusal(400, "invalid_json")),
    *(Reply(403), Reply(200, b'{"ok": false}'), Reply(302, headers={"Location": "https://elsewhere/"})),
    *(Reply(429), Reply(429, headers={"Retry-After": "2"}), Reply(429, headers={"Retry-After": "7200"})),
    # What is no conflict, and what says nothing, whose body is cut, broken or never comes (see `Run`: a length without a body).
    *(refusal(409, "locked"), refusal(422, "conflict", "reference_id is locked"), refusal(409, "", "being processed")),
    *(Reply(409, b"{}"), Reply(422, HTML), Reply(409), Reply(422, b"\x1f\x8b", {"Content-Encoding": "gzip"})),
    *(Reply(status, b'{"ok', length=100) for status in (302, 401, 404, 409, 422)),
)
UNCLEAR = (Reply(500), Reply(503, headers={"Retry-After": "1"}), Reply(502, HTML), Reply(408), Reply(200, HTML))
TAKEN: tuple[Literal["no", "yes", "late"], ...] = ("no", "yes", "late")
# An answer whose body is cut or does not come, or that comes when half of some budgets is used up.
SHORT: tuple[Literal["cut", "stalled", "slow"], ...] = ("cut", "stalled", "slow")
# An attempt has half of it: an answer after 32 seconds comes in time for the one, and not for the other.
BUDGETS = ("60", "90")
INTERIM = ((100,), (103,), (102, 103, 103))
FATES = (
    *[Fate("answer", "yes")] * 12,
    *[Fate("refused")] * 3,
    *map(Fate, REFUSALS),
    *[Fate(seen, taken) for seen in ("reset", "silence", *UNCLEAR) for taken in TAKEN],
    *[Fate(seen, taken) for seen in SHORT for taken in TAKEN[:2]],
    *[Fate("answer", "yes", interim=interim) for interim in INTERIM],
    *[Fate(reply, interim=(103,)) for reply in (refusal(409, "locked"), Reply(503))],
    *[Fate("answer", taken, "killed") for taken in TAKEN],
    *[Fate("answer", taken, "cancelled") for taken in TAKEN],
)
# The log of a start has about five lines, that of an end sixteen.
STOPS = (*[None] * 100, *[Stop(line, end) for line in range(1, 19) for end in ("killed", "cancelled")])
often = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


def intended(event: str, outcome: str, attempt: int, leg: str, check_run_id: str) -> Key:
    """Name the deployment that a run means, by the contract's table."""
    name, payload = events.load(event)[0]["GITHUB_EVENT_NAME"], events.load(event)[1]
    match name:
        case "pull_request" | "pull_request_target":
            return ("pull", str(payload["pull_request"]["id"]), leg, outcome)
        case "release":
            return ("release", str(payload["release"]["id"]), leg, outcome)
        case "deployment" | "deployment_status":
            return ("deployment", str(payload["deployment"]["id"]), outcome)
        case "workflow_run":
            run = payload["workflow_run"]
            return ("run", str(run["id"]), str(run["run_attempt"]), leg, outcome)
    return ("job", event, check_run_id or f"{attempt} {leg}", outcome)


@dataclass(frozen=True, slots=True)
class Place:
    """A job, in which a step stands. Older servers do not name it by `check_run_id`."""

    event: str
    leg: str
    attempt: int
    named: bool

    @property
    def inputs(self) -> dict[str, str]:
        return {"job-index": self.leg, "check-run-id": self._check_run_id, "timeout": BUDGETS[self.attempt % 2]}

    def meant(self, outcome: str, started: int | None = None) -> Meant:
        key = intended(self.event, outcome, self.attempt, self.leg, self._check_run_id)
        return Meant(key, success=outcome == "success", started=started)

    @property
    def _check_run_id(self) -> str:
        return f"38{EVENTS.index(self.event):02}{self.attempt}{self.leg}" if self.named else ""


places = st.builds(Place, st.sampled_from(EVENTS), st.sampled_from("01"), st.integers(1, 3), st.booleans())


class Schedules(RuleBasedStateMachine):
    """Jobs of a few events and legs, each run several times, all of them side by side."""

    inputs: ClassVar = {"service": "web"}
    keeps = True

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.dx = Dx()
        self.runs: list[Run] = []

    @property
    def live(self) -> list[Run]:
        return [run for run in self.runs if not run.over]

    @rule(place=places, outcome=st.sampled_from(["success", "success", "failure"]), stop=st.sampled_from(STOPS))
    def start(self, place: Place, outcome: str, stop: Stop | None) -> None:
        """Begin a run: the first, a re-run, the step again in its job, or the next leg."""
        if place.event == "deployment_status_success":
            outcome = "success"
        self.begin_run(place, self.inputs | {"success": outcome}, place.meant(outcome), stop=stop)

    @precondition(lambda self: self.live)
    @rule(which=st.integers(0, 5), fate=st.sampled_from(FATES))
    def go_on(self, which: int, fate: Fate) -> None:
        """Let one run's request meet its fate, and the run come to its next one."""
        run = self.live[which % len(self.live)]
        run.go_on(fate)
        if run.over:
            check(self.dx, self.runs, keeps=self.keeps)

    @precondition(lambda self: self.dx.late)
    @rule(which=st.integers(0, 5))
    def land(self, which: int) -> None:
        """Let a request arrive that was given up on."""
        self.dx.land(which % len(self.dx.late))

    def begin_run(
        self,
        place: Place,
        inputs: Mapping[str, str],
        meant: Meant,
        *,
        stage: Stage = "step",
        stop: Stop | None = None,
        state: Mapping[str, str] = {},
    ) -> Run:
        """Let a run come to its first request."""
        meant = self.named(meant)
        runner = {"GITHUB_RUN_ATTEMPT": str(place.attempt), **{f"STATE_{name}": text for name, text in state.items()}}
        env = environment(self.folder / str(len(self.runs)), place.event, place.inputs | dict(inputs), **runner)
        run = Run(self.dx, meant, env, NOW + len(self.runs) * HOUR, stage, stop)
        self.runs.append(run)
        run.begin()
        if run.over:
            check(self.dx, self.runs, keeps=self.keeps)
        return run

    def named(self, meant: Meant) -> Meant:
        """Return what a run means, if the inputs name it."""
        return meant

    def play(self, chance: Random) -> None:
        """Play one schedule by plain chance."""
        place = by_chance(chance)
        for _ in range(chance.randint(2, 4)):
            self.start(again(chance, place), "success", chance.choice(STOPS))
        while self.live:
            self.move(chance)

    def move(self, chance: Random) -> None:
        self.go_on(chance.randrange(6), chance.choice(FATES))
        if self.dx.late and chance.random() < 0.3:
            self.land(chance.randrange(6))

    def teardown(self) -> None:
        for run in self.live:
            run.go_on(Fate("answer", "no", "killed"))
        while self.dx.late:
            self.dx.land()
        check(self.dx, self.runs, keeps=self.keeps)
        shutil.rmtree(self.folder)
        if self.runs:
            count_schedule()


def by_chance(chance: Random) -> Place:
    return Place(chance.choice(EVENTS), chance.choice("001"), chance.randint(1, 2), chance.random() < 0.8)


def again(chance: Random, place: Place) -> Place:
    """Return another job, of the same event four times out of five."""
    other = by_chance(chance)
    return replace(other, event=place.event) if chance.random() < 0.8 else other


def play_by_chance(machine: type[Schedules], numbers: Iterable[int]) -> None:
    """Play schedules by plain chance, of which there are many more in the same time; a number says which one failed."""
    for number in numbers:
        played = machine()
        try:
            played.play(Random(number))
        except AssertionError as error:
            raise AssertionError(f"schedule {number}: {error}") from error
        finally:
            played.teardown()

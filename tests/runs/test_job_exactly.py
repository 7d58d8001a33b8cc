"""Exactly once with `job/`: its two stages, killed, cancelled or failed at any point, beside plain steps and corrections.

The start sends nothing, however it ends. The end registers what became of the job, by the job's status or by `success`, once for
each job, and only then. What the start saved comes to the end whole, in part, as something else or not at all. A failed job never
counts as a successful deployment, nor the other way round, and a job whose start did not let it go on counts as none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any, ClassVar, Literal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from dx_action.inputs.job import Stage
from machines import STOPS, Place, Schedules, again, by_chance, often, places, play_by_chance
from promises import check
from runner import NOW, read_state
from schedules import Deaf, Dx, Fate, Meant, Run, Stop, TwoFaced, environment
from thorough import times

# How a start goes. Without one, a container did not start, or an older attempt's state is all there is.
How = Literal["well", "mistaken", "lenient", "absent"]
HOW: tuple[How, ...] = ("well",) * 8 + ("mistaken", "lenient", "absent")
MISTAKES: Mapping[How, dict[str, str]] = {
    "mistaken": {"deployed-at": "noon"},
    "lenient": {"deployed-at": "noon", "fail-on-error": "false"},
}
STATUSES = (*["success"] * 9, *["failure"] * 6, "cancelled", "cancelled", "", "skipped")
# What `success` says at the end, if it is written.
WRITTEN = (*[""] * 10, "success", "failure", "cancelled", "skipped")
# What becomes of the state on the way. A part of it is all that was written, or passed on.
STATES = (*["whole"] * 6, "lost", "lost", "odd", *map(str, range(0, 100, 12)))
ODD = ("0", "-1", "1", "noon", "9" * 10, "9" * 11, "1e9", str(int(NOW.timestamp()) + 10**8), "٣")
CORRECTIONS: tuple[dict[str, str], ...] = (
    {"success": "false"},
    {"success": "true"},
    {"environment": "prod-2"},
    {"metadata": "started_at: 1"},
    {},
)


@dataclass(slots=True)
class Job:
    """A job whose start has run, or did not come to, and whose end has not."""

    place: Place
    began: Run | None = None
    state: dict[str, str] = field(default_factory=dict)


class Jobs(Schedules):
    """Jobs with `job/` at their top, and whatever else is in them."""

    inputs: ClassVar = {"service": "web", "extra-metadata": "started_at"}

    def __init__(self) -> None:
        super().__init__()
        self.open: list[Job] = []

    @rule(place=places, how=st.sampled_from(HOW), stop=st.sampled_from(STOPS))
    def begin(self, place: Place, how: How, stop: Stop | None) -> None:
        """Run a start. A second one in the same job is another step of it."""
        if how == "absent":
            self.open.append(Job(place))
            return
        ends = {"well": (0, "waiting"), "mistaken": (1, "failed"), "lenient": (0, "failed")}[how]
        inputs = self.inputs | MISTAKES.get(how, {})
        run = self.begin_run(place, inputs, Meant(ends=(ends,)), stage="start", stop=stop)
        assert run.over, "a start sends something"
        self.open.append(Job(place, run))

    @precondition(lambda self: self.open)
    @rule(
        which=st.integers(0, 5),
        status=st.sampled_from(STATUSES),
        written=st.sampled_from(WRITTEN),
        passed=st.sampled_from(STATES),
        odd=st.sampled_from(ODD),
        stop=st.sampled_from(STOPS),
    )
    def end(self, which: int, status: str, written: str, passed: str, odd: str, stop: Stop | None) -> None:
        """Begin an end."""
        job = self.open.pop(which % len(self.open))
        state = passed_on(job, passed)
        if passed == "odd" and state:
            state["started"] = odd
        meant = meant_by(job, status, written, passed, state)
        inputs = self.inputs | {"job-status": status, "success": written}
        self.begin_run(job.place, inputs, meant, stage="end", stop=stop, state=state)

    @precondition(lambda self: self._registering)
    @rule(which=st.integers(0, 5), values=st.sampled_from(CORRECTIONS), stop=st.sampled_from(STOPS))
    def correct(self, which: int, values: dict[str, str], stop: Stop | None) -> None:
        """Begin to update what a run may have registered or may register yet; without values, to delete it."""
        run = self._registering[which % len(self._registering)]
        name = run.reference_ids[0]
        inputs = {"reference-id": name, "operation": "update", **values}
        if not values:
            inputs |= {"operation": "delete", "confirm-delete": name}
        place = Place("schedule", "0", 1, named=True)
        self.begin_run(place, inputs, Meant(corrects="update" if values else "delete"), stop=stop)

    @property
    def _registering(self) -> list[Run]:
        return [run for run in self.runs if run.meant.key and run.asked]

    def _beside(self, chance: Random, place: Place) -> Place:
        """Return the same job, twice out of three times, or another one."""
        return place if chance.random() < 0.66 else again(chance, place)

    def play(self, chance: Random) -> None:
        place = by_chance(chance)
        for _ in range(chance.randint(1, 3)):
            self.begin(self._beside(chance, place), chance.choice(HOW), chance.choice(STOPS))
        if chance.random() < 0.4:
            self.start(self._beside(chance, place), chance.choice(("success", "failure")), chance.choice(STOPS))
        while self.open or self.live:
            if self.open and (not self.live or chance.random() < 0.4):
                given: Any = [chance.choice(each) for each in (range(6), STATUSES, WRITTEN, STATES, ODD, STOPS)]
                self.end(*given)
            elif self._registering and chance.random() < 0.2:
                self.correct(chance.randrange(6), chance.choice(CORRECTIONS), chance.choice(STOPS))
            elif self.live:
                self.move(chance)


def meant_by(job: Job, status: str, written: str, passed: str, state: Mapping[str, str]) -> Meant:
    """Say what an end is for. If the start did not end well, the job did not go on, unless its author wants that."""
    outcome = written or status
    if outcome in ("cancelled", "skipped") and (written or status == "cancelled"):
        return Meant(ends=((0, "skipped"),))
    if outcome not in ("success", "failure"):
        return Meant(ends=((1, "failed"),))
    if outcome == "failure" and not written and job.began and (state or passed == "whole") and not went_on(job, state):
        return Meant(ends=((0, "skipped"),))
    began = job.began.start if job.began else None
    started = int(began.timestamp()) if began and "started" in state and passed != "odd" else None
    return job.place.meant(outcome, started)


def passed_on(job: Job, passed: str) -> dict[str, str]:
    """Return what the runner passes on of what the start saved: `passed` says how many hundredths of it."""
    path = job.began and job.began.folder / "state"
    if passed == "lost" or not path or not path.exists():
        return {}
    text = path.read_text(encoding="utf-8")
    return read_state(text[: len(text) * int(passed) // 100] if passed.isdigit() else text)


def went_on(job: Job, state: Mapping[str, str]) -> bool:
    """Return whether the job went on after its start. If a part of the state is lost, the runner failed the step for it."""
    whole = passed_on(job, "whole")
    return job.began is not None and job.began.exit_code == 0 and state.keys() == whole.keys()


class Updating(Jobs):
    """A conflict is followed by an upsert."""

    inputs: ClassVar = {**Jobs.inputs, "on-conflict": "update"}
    keeps = False


class Upserting(Jobs):
    """Each end's values replace those of the one before it."""

    inputs: ClassVar = {**Jobs.inputs, "method": "upsert"}
    keeps = False


class Named(Jobs):
    """Whatever the jobs deploy is one deployment. If they end differently, DX keeps what became of the first."""

    inputs: ClassVar = {**Jobs.inputs, "reference-id": "build-7"}

    def named(self, meant: Meant) -> Meant:
        return replace(meant, key=("build-7",)) if meant.key else meant


MACHINES = (Jobs, Updating, Upserting, Named)


@pytest.mark.parametrize(("machine", "schedules"), [*zip(MACHINES, (100, 20, 20, 20), strict=True)])
def test_what_is_said_at_a_job_s_end_holds_in_every_schedule(machine: type[Jobs], schedules: int) -> None:
    run_state_machine_as_test(machine, settings=settings(often, max_examples=times(schedules), stateful_step_count=14))


@pytest.mark.parametrize(
    ("machine", "first", "schedules"),
    [(Jobs, 0, 200), (Jobs, 200, 200), (Updating, 0, 100), (Upserting, 0, 100), (Named, 0, 100)],
)
def test_it_holds_in_schedules_by_chance(machine: type[Jobs], first: int, schedules: int) -> None:
    play_by_chance(machine, range(times(first), times(first) + times(schedules)))


# The check itself: it must notice.


OK = Fate("answer", "yes")
JOB = {"service": "web", "job-status": "failure"}
DELETE = {"operation": "delete", "reference-id": "a", "confirm-delete": "a"}


@pytest.mark.parametrize(
    ("stage", "inputs", "dx", "meant", "noticed"),
    [
        ("end", JOB, Dx(), Meant(ends=((0, "skipped"),)), "was meant by nobody"),
        ("end", JOB, Deaf(), Meant(ends=((0, "skipped"),)), "sends something"),
        ("end", JOB, Dx(), Meant(("one",), success=True), "does not say how it ended"),
        ("end", JOB, Dx(), Meant(("one",), success=False, started=1), "began at another time"),
        ("end", JOB, Deaf(), Meant(("one",), success=False), "does not stand"),
        ("start", JOB, Dx(), Meant(ends=((0, "skipped"),)), "'waiting'"),
        ("start", JOB | {"deployed-at": "noon"}, Dx(), Meant(ends=((0, "waiting"),)), "'failed'"),
        ("step", DELETE, Deaf(), Meant(corrects="delete"), "DX took nothing of it"),
        ("step", DELETE, TwoFaced(), Meant(corrects="delete"), "failed, and DX took it"),
        ("step", DELETE, Dx(), Meant(corrects="update"), "another correction is sent"),
    ],
)
def test_the_check_notices(
    tmp_path: Path, stage: Stage, inputs: dict[str, str], dx: Dx, meant: Meant, noticed: str
) -> None:
    run = Run(dx, meant, environment(tmp_path / "run", "push_branch", inputs), NOW, stage)
    run.play(lambda _request: OK)
    with pytest.raises(AssertionError, match=noticed):
        check(dx, [run])

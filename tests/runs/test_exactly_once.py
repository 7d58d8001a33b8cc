"""Exactly once, whatever happens on the way: kills, resets, time-outs, 429s, re-runs, and matrix legs side by side.

Refusals by 409 and 422 come beside real conflicts, statuses before the answer, bodies that are cut or do not come, late answers.

What a run says of a deployment is held against all that the stand-in ever took: `accepted` and `already-registered` stand once,
with their first values; `failed` and `not-sent` do not; `unknown` and what a killed run left stand at most once. A re-run adds one
only where the contract's identity says *this job*. Time is virtual, so a schedule with an hour's wait takes a millisecond.
"""

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import ClassVar, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

import events
from runner import NOW
from schedules import HOUR, HTML, Dx, Fate, Key, Run, check, environment
from thorough import times
from wire import Reply, Request

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

    @rule(
        event=st.sampled_from(EVENTS),
        leg=st.sampled_from("01"),
        attempt=st.integers(1, 3),
        outcome=st.sampled_from(["success", "success", "failure"]),
        names_jobs=st.booleans(),
    )
    def start(self, event: str, leg: str, attempt: int, outcome: str, names_jobs: bool) -> None:
        """Begin a run: the first, a re-run, the step again in its job, or the next leg. Older servers name no job."""
        if event == "deployment_status_success":
            outcome = "success"
        check_run_id = f"38{EVENTS.index(event):02}{attempt}{leg}" if names_jobs else ""
        key = intended(event, outcome, attempt, leg, check_run_id)
        env = environment(
            self.folder / str(len(self.runs)),
            event,
            self.inputs
            | {"success": outcome, "job-index": leg, "check-run-id": check_run_id, "timeout": BUDGETS[attempt % 2]},
            GITHUB_RUN_ATTEMPT=str(attempt),
        )
        run = Run(self.dx, key, env, NOW + len(self.runs) * HOUR)
        self.runs.append(run)
        run.begin()

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

    def teardown(self) -> None:
        for run in self.live:
            run.go_on(Fate("answer", "no", "killed"))
        while self.dx.late:
            self.dx.land()
        check(self.dx, self.runs, keeps=self.keeps)
        shutil.rmtree(self.folder)


class Conflicting(Schedules):
    """A conflict is a failure."""

    inputs: ClassVar = {"service": "web", "on-conflict": "fail"}


class Updating(Schedules):
    """A conflict is followed by an upsert."""

    inputs: ClassVar = {"service": "web", "on-conflict": "update"}
    keeps = False


class Upserting(Schedules):
    """Each run's values replace those of the one before it."""

    inputs: ClassVar = {"service": "web", "method": "upsert"}
    keeps = False


often = settings(
    stateful_step_count=10, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


MACHINES = (Schedules, Conflicting, Updating, Upserting)


@pytest.mark.parametrize(("machine", "schedules"), [*zip(MACHINES, (300, 50, 50, 50), strict=True)])
def test_what_is_said_of_a_deployment_holds_in_every_schedule(machine: type[Schedules], schedules: int) -> None:
    run_state_machine_as_test(machine, settings=settings(often, max_examples=times(schedules)))


@pytest.mark.parametrize(("machine", "schedules"), [*zip(MACHINES, (1000, 150, 150, 150), strict=True)])
def test_it_holds_in_schedules_by_chance(machine: type[Schedules], schedules: int) -> None:
    """By plain chance there are many more in the same time; a number says which one failed."""
    for number in range(times(schedules)):
        chance, played = Random(number), machine()
        event = chance.choice(EVENTS)
        try:
            for _ in range(chance.randint(2, 4)):
                again = event if chance.random() < 0.8 else chance.choice(EVENTS)
                played.start(again, chance.choice("001"), chance.randint(1, 2), "success", chance.random() < 0.8)
            while played.live:
                played.go_on(chance.randrange(6), chance.choice(FATES))
                if played.dx.late and chance.random() < 0.3:
                    played.land(chance.randrange(6))
        except AssertionError as error:
            raise AssertionError(f"schedule {number}: {error}") from error
        finally:
            played.teardown()


# Several services in one run: the first alone, then up to eight side by side, in whatever order the threads come to run.

NAMES = [f"service-{number}" for number in range(11)]
plans = st.lists(
    st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from(FATES), max_size=4)), min_size=1, max_size=3
)


@settings(often, max_examples=times(150))
@given(st.integers(1, len(NAMES)), st.sampled_from(["pull_request_merged", "push_branch"]), plans)
def test_what_is_said_of_several_services_holds(number: int, event: str, plans: list[dict[str, list[Fate]]]) -> None:
    """Each plan is that of a run, the second and third being re-runs; what is not planned goes well."""
    dx, runs = Dx(), []
    with TemporaryDirectory() as folder:
        for attempt, plan in enumerate(plans, 1):
            key = intended(event, "success", attempt, "0", f"38{attempt}")
            inputs = {
                "service": ",".join(NAMES[:number]),
                "check-run-id": f"38{attempt}",
                "timeout": BUDGETS[attempt % 2],
            }
            env = environment(Path(folder) / str(attempt), event, inputs, GITHUB_RUN_ATTEMPT=str(attempt))
            runs.append(Run(dx, key, env, NOW + attempt * HOUR))
            runs[-1].play(planned(plan))
            check(dx, runs)
            while dx.late:
                dx.land()
            check(dx, runs)


def planned(plan: dict[str, list[Fate]]) -> Callable[[Request], Fate]:
    """Go by the plan; where the process dies or the job is cancelled, all its threads end."""
    ends: list[Fate] = []
    left = {name: list(fates) for name, fates in plan.items()}

    def fate(request: Request) -> Fate:
        fates = left.get(request.json["service"]["identifier"])
        found = ends[0] if ends else fates.pop(0) if fates else Fate("answer", "yes")
        if found.end:
            ends.append(Fate("answer", "no", found.end))
        return found

    return fate


# The check itself: it must notice.


class Forgetful(Dx):
    """Does not look at reference ids."""

    def take(self, run: Run, request: Request, body: bytes) -> Reply:
        without = {name: value for name, value in json.loads(body).items() if name != "reference_id"}
        return super().take(run, request, json.dumps(without).encode())


class Deaf(Dx):
    """Says that it took what it did not take."""

    def take(self, run: Run, request: Request, body: bytes) -> Reply:
        return Reply(200, b'{"ok": true}')


class TwoFaced(Dx):
    """Refuses what it takes."""

    def take(self, run: Run, request: Request, body: bytes) -> Reply:
        super().take(run, request, body)
        return refusal(422, "repo_not_found")


class Pretending(Dx):
    """Says that it holds what it has never seen."""

    def take(self, run: Run, request: Request, body: bytes) -> Reply:
        return refusal(409, "reference_id_taken")


@pytest.mark.parametrize(
    ("dx", "fates", "noticed"),
    [
        (Pretending(), [Fate("answer", "yes")], "is said to be held, and is not"),
        (Pretending(), [Fate("answer", "yes", interim=(103,))], "is said to be held, and is not"),
        (Deaf(), [Fate("stalled", "yes"), Fate("answer", "yes")], "does not stand"),
        (Forgetful(), [Fate("reset", "yes"), Fate("answer", "yes")], "stands twice"),
        (Deaf(), [Fate("answer", "yes")], "does not stand"),
        (TwoFaced(), [Fate("answer", "yes")], "DX took it"),
    ],
)
def test_the_check_notices(tmp_path: Path, dx: Dx, fates: list[Fate], noticed: str) -> None:
    run = Run(dx, ("one",), environment(tmp_path / "run", "push_branch", {"service": "web"}), NOW)
    left = iter(fates)
    run.play(lambda request: next(left))
    with pytest.raises((AssertionError, KeyError), match=noticed):
        check(dx, [run])

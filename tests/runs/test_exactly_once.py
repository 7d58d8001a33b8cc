"""Exactly once, whatever happens on the way: kills, resets, time-outs, 429s, re-runs, and matrix legs side by side.

Refusals by 409 and 422 come beside real conflicts, statuses before the answer, bodies that are cut or do not come, late answers.

What a run says of a deployment is held against all that the stand-in ever took: `accepted` and `already-registered` stand once,
with their first values; `failed` and `not-sent` do not; `unknown` and what a killed run left stand at most once. A re-run adds one
only where the contract's identity says *this job*. Time is virtual, so a schedule with an hour's wait takes a millisecond.
"""

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from machines import FATES, Place, Schedules, often, play_by_chance, refusal
from promises import check
from runner import NOW
from schedules import HOUR, Deaf, Dx, Fate, Meant, Run, TwoFaced, environment
from thorough import count_schedule, times
from wire import Reply, Request


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


MACHINES = (Schedules, Conflicting, Updating, Upserting)


@pytest.mark.parametrize(("machine", "schedules"), [*zip(MACHINES, (200, 30, 30, 30), strict=True)])
def test_what_is_said_of_a_deployment_holds_in_every_schedule(machine: type[Schedules], schedules: int) -> None:
    run_state_machine_as_test(machine, settings=settings(often, max_examples=times(schedules), stateful_step_count=10))


@pytest.mark.parametrize(
    ("machine", "first", "schedules"),
    [*((Schedules, 250 * n, 250) for n in range(4)), *((machine, 0, 150) for machine in MACHINES[1:])],
)
def test_it_holds_in_schedules_by_chance(machine: type[Schedules], first: int, schedules: int) -> None:
    play_by_chance(machine, range(times(first), times(first) + times(schedules)))


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
            place = Place(event, "0", attempt, named=True)
            inputs = place.inputs | {"service": ",".join(NAMES[:number])}
            env = environment(Path(folder) / str(attempt), event, inputs, GITHUB_RUN_ATTEMPT=str(attempt))
            runs.append(Run(dx, place.meant("success"), env, NOW + attempt * HOUR))
            runs[-1].play(planned(plan))
            check(dx, runs)
            while dx.late:
                dx.land()
            check(dx, runs)
    count_schedule()


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
    run = Run(dx, Meant(("one",)), environment(tmp_path / "run", "push_branch", {"service": "web"}), NOW)
    left = iter(fates)
    run.play(lambda request: next(left))
    with pytest.raises((AssertionError, KeyError), match=noticed):
        check(dx, [run])

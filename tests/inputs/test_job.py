"""What `job/` is handed besides the inputs: the job's status, what its start saved, and what it cannot do."""

from typing import get_args

import pytest

from dx_action.errors import Problem
from dx_action.inputs.job import Job, Stage, Status, is_filled_later, problems, read_job
from dx_action.inputs.model import RULES, Operation
from dx_action.inputs.values import Sourced
from runner import NOW

BEGAN = int(NOW.timestamp())
DAY = 24 * 60 * 60
READY = {"STATE_ready": "true"}


@pytest.mark.parametrize(
    ("env", "job"),
    [
        ({}, Job()),
        ({"INPUT_JOB-STATUS": "", "STATE_started": "", "STATE_ready": ""}, Job()),
        ({"INPUT_JOB-STATUS": "success"}, Job("success")),
        ({"INPUT_JOB-STATUS": " Failure\n"}, Job("failure")),
        ({"INPUT_JOB-STATUS": "cancelled"}, Job("cancelled")),
        ({"INPUT_JOB-STATUS": "skipped"}, Job()),
        ({"INPUT_JOB_STATUS": "success"}, Job()),
        ({"STATE_started": f" {BEGAN} "} | READY, Job(started=BEGAN)),
        ({"STATE_started": f"{BEGAN}.5"} | READY, Job()),
        ({"STATE_started": "-1"} | READY, Job()),
        ({"STATE_started": "٣"} | READY, Job()),
        ({"STATE_started": "1" * 11} | READY, Job()),
        ({"STATE_started": "1" * 5000} | READY, Job()),
        # Not before any run that can have this end, nor after it, save for what two machines' clocks may differ.
        *(({"STATE_started": str(BEGAN + more)} | READY, Job(started=BEGAN + more)) for more in (-35 * DAY, 600)),
        *(({"STATE_started": str(BEGAN + more)} | READY, Job()) for more in (-35 * DAY - 1, 601, -BEGAN)),
        ({"STATE_started": f"{BEGAN:011}"} | READY, Job()),
        (READY, Job()),
        # A start that did not end well, or was killed.
        ({"STATE_started": str(BEGAN)}, Job(started=BEGAN, refused=True)),
        ({"STATE_started": str(BEGAN), "STATE_ready": "tru"}, Job(started=BEGAN, refused=True)),
        ({"STATE_started": "0"}, Job(refused=True)),
        ({"STATE_started": "  "}, Job()),
    ],
)
def test_what_the_end_reads(env: dict[str, str], job: Job) -> None:
    assert read_job(env, NOW) == job


@pytest.mark.parametrize(
    ("status", "success"),
    [
        (None, None),
        ("cancelled", None),
        ("success", Sourced(value=True, source="the job's status")),
        ("failure", Sourced(value=False, source="the job's status")),
    ],
)
def test_what_the_status_says(status: Status | None, success: Sourced[bool] | None) -> None:
    assert Job(status).success == success


NOT_ITS_OWN = "which is not about the job that runs. Use the action as a step for it, without `/job` in `uses`."
PAST = "is about past pull requests, and `job/` about the job that runs. Leave it out."
NO_STATUS = "is missing, and this runner does not say how the job ended. Write `success: ${{ job.status }}`."


@pytest.mark.parametrize("stage", ["start", "end"])
@pytest.mark.parametrize(
    ("env", "found"),
    [
        ({}, []),
        ({"INPUT_OPERATION": "deploy", "INPUT_SINCE": "2025-01-01"}, []),  # the rules of any step say that
        ({"INPUT_OPERATION": "set-pull-services"}, []),
        ({"INPUT_OPERATION": "deplyo"}, []),
        *(
            ({"INPUT_OPERATION": text}, [("operation", f"is `{text.strip().lower()}`, {NOT_ITS_OWN}")])
            for text in ("backfill", "update", "delete", " Backfill ")
        ),
        ({"INPUT_OPERATION": "Set-Pull-Services", "INPUT_SINCE": "x"}, [("since", PAST)]),
        ({"INPUT_OPERATION": "set-pull-services", "INPUT_UNTIL": "x", "INPUT_SINCE": " "}, [("until", PAST)]),
    ],
)
def test_what_it_cannot_do(env: dict[str, str], stage: Stage, found: list[tuple[str, str]]) -> None:
    assert list(problems(env | {"INPUT_JOB-STATUS": "success"}, stage)) == [Problem(*each) for each in found]


def test_every_operation_is_its_own_or_refused() -> None:
    refused = [each for each in get_args(Operation) if list(problems({"INPUT_OPERATION": each}, "start"))]
    assert set(get_args(Operation)) - set(refused) == {"deploy", "set-pull-services"}


@pytest.mark.parametrize(
    ("env", "stage", "found"),
    [
        ({}, "start", []),
        ({}, "end", [Problem("success", NO_STATUS)]),
        ({"INPUT_SUCCESS": "  "}, "end", [Problem("success", NO_STATUS)]),
        ({"INPUT_SUCCESS": "true"}, "end", []),
        ({"INPUT_SUCCESS": "nonsense"}, "end", []),
        ({"INPUT_JOB-STATUS": "cancelled"}, "end", []),
    ],
)
def test_somebody_must_say_how_the_job_ended(env: dict[str, str], stage: Stage, found: list[Problem]) -> None:
    assert list(problems(env, stage)) == found


def test_what_a_later_step_may_fill() -> None:
    fillable = [rule for rule in RULES if is_filled_later(Problem("x", rule.text))]
    assert [rule.subjects for rule in fillable] == [("replace-pull-services",), ("services-from",)]
    assert "`service-map` is missing" in fillable[1].text
    assert not is_filled_later(Problem("services-from", "is not one of"))

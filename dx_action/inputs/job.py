"""What `job/` has besides the inputs of a step: its hidden input, what its start saved, and its own rules. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from dx_action.errors import Problem
from dx_action.inputs.model import RULES, Operation
from dx_action.inputs.values import Sourced

# Which entry file runs: a step's, or one of the two of `job/`.
Stage = Literal["step", "start", "end"]
Status = Literal["success", "failure", "cancelled"]
# The one input that `job/action.yml` has more than `action.yml`.
HIDDEN = "INPUT_JOB-STATUS"
# The others are not about the job that runs.
_OPERATIONS: tuple[Operation, ...] = ("deploy", "set-pull-services")
# How many seconds before a job's end it may have started, as a run is ended after 35 days, and how many after it, by another clock.
_EARLIEST, _LATEST = 35 * 24 * 60 * 60, 10 * 60
# A later step may fill what these rules miss.
_FILLED_LATER = frozenset(rule.text for rule in RULES if rule.fillable)


@dataclass(frozen=True, slots=True)
class Job:
    """The job as its end finds it. `status` is None if the runner does not say it.

    `started` is when the start ran, in Unix seconds, None if the runner did not pass it on. `refused`: the start failed the job,
    or did not live to end.
    """

    status: Status | None = None
    started: int | None = None
    refused: bool = False

    @property
    def success(self) -> Sourced[bool] | None:
        """Return whether the job succeeded, if it came to an end of its own."""
        return None if self.status in (None, "cancelled") else Sourced(self.status == "success", "the job's status")


def read_job(env: Mapping[str, str], now: datetime) -> Job:
    saved = env.get("STATE_started", "").strip()
    digits = saved if saved.isascii() and saved.isdigit() and len(saved) <= 10 else ""
    started = int(digits) if digits and -_LATEST <= int(now.timestamp()) - int(digits) <= _EARLIEST else None
    return Job(_status(env), started, refused=bool(saved) and env.get("STATE_ready") != "true")


def problems(env: Mapping[str, str], stage: Stage) -> Iterator[Problem]:
    """Yield what `job/` cannot do, though a step could; at its end, also that nothing says what became of the job."""
    operation = _text(env, "INPUT_OPERATION")
    if operation in get_args(Operation) and operation not in _OPERATIONS:
        text = f"is `{operation}`, which is not about the job that runs. Use the action as a step for it, without `/job` in `uses`."
        yield Problem("operation", text)
    if operation == "set-pull-services":
        for name in ("since", "until"):
            if _text(env, f"INPUT_{name.upper()}"):
                yield Problem(name, "is about past pull requests, and `job/` about the job that runs. Leave it out.")
    if stage == "end" and not _text(env, "INPUT_SUCCESS") and _status(env) is None:
        text = "is missing, and this runner does not say how the job ended. Write `success: ${{ job.status }}`."
        yield Problem("success", text)


def is_filled_later(problem: Problem) -> bool:
    """Return whether a problem of the start's is gone once a later step has filled an input that is blank now."""
    return problem.text in _FILLED_LATER


def _status(env: Mapping[str, str]) -> Status | None:
    written = _text(env, HIDDEN)
    return next((word for word in get_args(Status) if word == written), None)


def _text(env: Mapping[str, str], name: str) -> str:
    return env.get(name, "").strip().lower()

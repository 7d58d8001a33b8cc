"""Owns the order of things: gather, decide, act, publish. The shell around the core, and the one ladder of exceptions."""

import os
import random
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, TextIO

from dx_action import __version__
from dx_action.deployment.calls import deployment_calls, pull_calls
from dx_action.deployment.registration import resolve
from dx_action.deployment.trigger import Skipped
from dx_action.dx.delivery import Transport
from dx_action.errors import ActionError, BadInput, Interrupted, Problem
from dx_action.inputs.model import Inputs, fail_on_error, missing_connection, read_inputs, tokens
from dx_action.operations.register import send
from dx_action.report import endings as report
from dx_action.report.log import registration_lines
from dx_action.report.progress import Progress, saved
from dx_action.runner.commands import Workflow
from dx_action.runner.event import read_event
from dx_action.runner.runtime import Clock, Runtime, read_runtime
from dx_action.runner.workspace import Workspace

if TYPE_CHECKING:
    from traceback import StackSummary

    from dx_action.github.lookups import Lookups


@contextmanager
def interruptible() -> Iterator[Callable[[], None]]:
    """Raise Interrupted at the first SIGINT or SIGTERM; once `disarm` is called, ignore both. Restores their handlers.

    The runner cancels a job by SIGINT, and by SIGTERM 7.5 seconds later. Interrupted may also come as the `with` begins or ends:
    only what is around it is sure to catch it.
    """

    def disarm() -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        disarm()
        raise Interrupted

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, interrupt) for number in numbers]
    try:
        yield disarm
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def main(
    env: Mapping[str, str],
    stream: TextIO,
    clock: Clock,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    wire: Callable[..., Transport] | None = None,
    signals: Callable[[], AbstractContextManager[Callable[[], None]]] = interruptible,
) -> int:
    """Run the step, and give its exit code: 0 or 1.

    `cancelled` says whether the job was already, when `signals` begins to say it; after them, the outcome is only told.
    `wire` makes the connection to DX in the place of `dx.Dx`.
    """
    workflow = Workflow(stream, env, lambda: f"end-{secrets.token_hex(16)}")
    for token in tokens(env):
        workflow.mask(token)
    strict = fail_on_error(env)
    progress = Progress(Workspace(env.get("GITHUB_WORKSPACE", "").strip()), workflow.scrubbed, wire)
    try:
        with signals() as disarm:
            if cancelled():
                raise Interrupted  # noqa: TRY301 - it is told as one that comes later
            told = _run(env, workflow, clock, progress, disarm)
    except ActionError as error:
        unsent = progress.results("not_configured")
        told = report.unusable(error.problems, fail_on_error=strict, registration=progress.registration, results=unsent)
    except Interrupted:
        told = progress.told("cancelled") or report.cancelled(fail_on_error=strict)
    except Exception as bug:  # noqa: BLE001 - the last rung: its text is foreign and is not shown
        told = report.broken(_place(bug), progress.results("internal_error"), fail_on_error=strict)
        _show_frames(bug, workflow)
    return _publish(saved(told, progress, fail_on_error=strict), workflow, strict=strict)


def _run(
    env: Mapping[str, str], workflow: Workflow, clock: Clock, progress: Progress, disarm: Callable[[], None]
) -> report.Report:
    """Gather, decide, act. Raises ActionError, Interrupted."""
    workflow.say(f"DX deployment action {__version__}")
    inputs = progress.inputs = read_inputs(env)
    runtime = read_runtime(env)
    lookups_for = _asks(inputs, runtime, env, progress.workspace, clock, workflow)

    def fetch(path: str) -> bytes | None:
        at, own = progress.registration, runtime.repository.casefold()
        commit = at.commit.value if at and at.commit and at.repository.value.casefold() == own else runtime.sha
        return lookups_for(runtime.repository, True, commit or None).named_file(path)

    if inputs.github_token:
        progress.fetch = fetch
    if inputs.operation == "backfill":
        from dx_action.backfill.run import backfill  # noqa: PLC0415 - most runs register one deployment

        return backfill(inputs, runtime, env, clock, workflow, progress, disarm)
    event = read_event(runtime.event_name, runtime.event_path)
    is_tag = (lambda name: lookups_for(runtime.repository, True, None).is_tag(name)) if inputs.github_token else None
    missing = missing_connection(inputs, runtime.actor)
    try:
        registration = resolve(inputs, runtime, event, clock.now(), lookups_for, is_tag)
    except ActionError as error:
        raise ActionError(*error.problems, *missing) from None
    if isinstance(registration, Skipped):
        return report.skipped(registration)
    progress.registration = registration
    first, calls = pull_calls(registration), deployment_calls(registration, inputs)
    for line in registration_lines(event, registration):
        workflow.say(line)
    for call in (*first, *calls):
        workflow.debug(f"POST {call.path} {call.body.decode()}")
    if inputs.dry_run:
        return report.dry_run(registration, (*first, *calls), fail_on_error=inputs.fail_on_error)
    progress.first, progress.calls = first, calls
    if missing:
        raise BadInput(*registration.problems, *missing)
    send(progress, env, clock, workflow.say)
    return progress.told("out_of_time") or report.cancelled(fail_on_error=inputs.fail_on_error)


def _asks(
    inputs: Inputs, runtime: Runtime, env: Mapping[str, str], workspace: Workspace, clock: Clock, workflow: Workflow
) -> Callable[[str, bool, str | None], "Lookups"]:
    def about(repository: str, own: bool, commit: str | None) -> "Lookups":
        from dx_action.github.client import Run  # noqa: PLC0415 - most runs look nothing up
        from dx_action.github.lookups import lookups_for  # noqa: PLC0415

        return lookups_for(repository, own, commit, Run(inputs, runtime, env, workspace, clock, workflow.say))

    return about


def _publish(told: report.Report, workflow: Workflow, *, strict: bool) -> int:
    try:
        workflow.set_outputs(told.outputs)
        workflow.add_summary(told.summary)
    except OSError:
        text = "cannot be written: the outputs or the summary are lost."
        told = report.with_problem(told, Problem("GITHUB_OUTPUT or GITHUB_STEP_SUMMARY", text), fail_on_error=strict)
    for line in told.lines:
        workflow.say(line)
    for level, message in told.annotations:
        workflow.annotate(level, report.TITLE, message)
    return told.exit_code


def _place(bug: BaseException) -> str:
    frame = _frames(bug)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}, {type(bug).__name__}"


def _frames(bug: BaseException) -> "StackSummary":
    from traceback import extract_tb  # noqa: PLC0415 - hardly any run needs it

    return extract_tb(bug.__traceback__)


def _show_frames(bug: BaseException, workflow: Workflow) -> None:
    workflow.group("Stack trace")
    for frame in _frames(bug):
        workflow.say(f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}")
    workflow.end_group()


def start(cancelled: Callable[[], bool]) -> int:
    """Run with the real environment, clock and log. `cancelled` says whether a signal has come until now."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    clock = Clock(time.monotonic, time.sleep, lambda: datetime.now(UTC), random.random)
    return main(os.environ, sys.stdout, clock, cancelled=cancelled)

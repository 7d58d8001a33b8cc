"""The shell around the core: secrets, signals, one operation, one ladder of exceptions, what is published."""

import os
import random
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from io import StringIO, TextIOWrapper
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NamedTuple, TextIO

from dx_action import __version__
from dx_action.errors import ActionError, BadInput, FailOnError, Interrupted
from dx_action.inputs.model import fail_on_error, unknown_inputs
from dx_action.operations.register import register
from dx_action.report import endings
from dx_action.report.summary import UNDELIVERED
from dx_action.runner.commands import Workflow, Writer
from dx_action.runner.runtime import Clock, known_secrets, read_runtime, tokens
from dx_action.runner.workspace import Workspace

if TYPE_CHECKING:
    from dx_action.dx.delivery import Transport
    from dx_action.inputs.arguments import Arguments
    from dx_action.inputs.job import Stage

_ARGUMENTS = (
    "`args` is ignored: arguments are for the command line, outside of GitHub Actions. Write inputs in `with:`."
)


class Invocation(NamedTuple):
    """How the process was started: by which entry file, and whether with arguments, which only the command line takes."""

    stage: "Stage" = "step"
    arguments: bool = False


_STEP = Invocation()


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
    invocation: Invocation = _STEP,
    cancelled: Callable[[], bool] = lambda: False,
    wire: "Callable[..., Transport] | None" = None,
    signals: Callable[[], AbstractContextManager[Callable[[], None]]] = interruptible,
) -> int:
    """Run the step of a workflow, or a stage of `job/`, and return its exit code: 0 or 1.

    `cancelled` returns whether a signal came before `signals` handles them; once their handlers are restored, what happened is only
    reported. `wire` makes the connection to DX instead of `Dx`.
    """
    workflow = Workflow(stream, env, lambda: f"end-{secrets.token_hex(16)}", known_secrets(env))
    if invocation.stage == "start":  # saved first, so that the end knows of a start that was killed
        _save_state(workflow, "started", str(int(clock.now().timestamp())))
    for token in tokens(env):
        workflow.mask(token)
    step = new_step(env, clock, workflow, wire=wire)
    step.stage = invocation.stage
    if invocation.arguments:
        step.warnings.append(_ARGUMENTS)
    code = run(step, cancelled=cancelled, signals=signals)
    if step.stage == "start" and code == 0:
        _save_state(workflow, "ready", "true")
    return code


def _save_state(workflow: Workflow, name: str, value: str) -> None:
    with suppress(OSError):  # some runners have no state
        workflow.save_state({name: value})


def new_step(
    env: Mapping[str, str],
    clock: Clock,
    writer: Writer,
    *,
    arguments: "Arguments | None" = None,
    wire: "Callable[..., Transport] | None" = None,
) -> endings.Step:
    workspace = Workspace(env.get("GITHUB_WORKSPACE", "").strip(), writer.debug)
    return endings.Step(env=env, clock=clock, workflow=writer, workspace=workspace, arguments=arguments, wire=wire)


def run(
    step: endings.Step,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    signals: Callable[[], AbstractContextManager[Callable[[], None]]] = interruptible,
) -> int:
    """Do what the step is asked for, report it, and return the exit code: 0 or 1."""
    strict = fail_on_error(step.env)
    try:
        with signals() as step.disarm:
            if cancelled():
                raise Interrupted  # noqa: TRY301 - it is reported as one that comes later
            report = _operate(step)
    except ActionError as error:
        unsent = step.results("not_configured")
        report = endings.unusable(error.problems, fail_on_error=strict, registration=step.registration, results=unsent)
    except Interrupted:
        report = step.ending("cancelled") if step.ending else endings.cancelled(fail_on_error=strict)
    except Exception as bug:  # noqa: BLE001 - the last rung: its text is foreign and is not shown
        trace = _trace(bug)
        place = f"{trace[-1].partition(' ')[0]}, {type(bug).__name__}"
        report = endings.broken(place, step.results("internal_error"), fail_on_error=strict)
        step.workflow.group("Stack trace", trace)
    report = _saved(report, step, strict=strict)
    if step.stage != "start":  # the end of a job gives the same warnings
        late = endings.hints((*step.warnings, *unknown_inputs(step.env)), ())
        # Both connections warn of the same variables.
        report = report._replace(hints=tuple(dict.fromkeys((*report.hints, *late))))
    return _publish(report, step.workflow, strict=strict)


def _operate(step: endings.Step) -> endings.Report:
    """Do what the step is asked for. Raises ActionError, Interrupted."""
    step.workflow.say(f"DX deployment action {__version__}")
    if step.stage != "step":
        from dx_action.operations import job  # noqa: PLC0415 - most runs are a step

        return job.start(step) if step.stage == "start" else job.end(step)
    inputs, problems = step.survey_inputs()
    runtime = read_runtime(step.env)
    if problems and inputs.operation != "check":
        raise BadInput(*problems)
    step.inputs = inputs
    match inputs.operation:
        case "set-pull-services" if inputs.sets_past:
            from dx_action.backfill.run import set_past_services  # noqa: PLC0415 - most runs are about the present

            return set_past_services(step, inputs, runtime)
        case "deploy" | "set-pull-services":
            return register(step, inputs, runtime)
        case "backfill":
            from dx_action.backfill.run import backfill  # noqa: PLC0415 - most runs register one deployment

            return backfill(step, inputs, runtime)
        case "check":
            from dx_action.operations.check import check  # noqa: PLC0415 - most runs register one deployment

            return check(step, inputs, problems, runtime)
        case "update" | "delete":
            from dx_action.operations.correct import correct  # noqa: PLC0415 - most runs register one deployment

            return correct(step, inputs, runtime)


def _saved(report: endings.Report, step: endings.Step, *, strict: FailOnError) -> endings.Report:
    """Save in `failed-file` what DX may not have, and return the report on what was really saved."""
    if step.inputs is None or not step.inputs.failed_file or report.saved or not report.undelivered:
        return report
    failed_file = step.failed_file(step.inputs.failed_file)
    failed_file.finish(report.undelivered, ())
    if failed_file.problem:
        return endings.with_problem(report.unsaved or report, failed_file.problem, fail_on_error=strict)
    return report


def _publish(report: endings.Report, workflow: Writer, *, strict: FailOnError) -> int:
    try:
        workflow.set_outputs(report.outputs)
    except OSError:
        report = endings.with_problem(report, workflow.lost, fail_on_error=strict)
    try:
        workflow.add_summary(report.summary)
    except OSError:
        text = "`GITHUB_STEP_SUMMARY` names a file that cannot be written: the summary is lost."
        report = report._replace(hints=(*report.hints, ("warning", text)))
    for line in report.lines:
        workflow.say(line)
    if report.undelivered:
        workflow.group(UNDELIVERED, endings.request_lines(report.undelivered))
    for level, message in report.annotations:
        workflow.annotate(level, endings.TITLE, message)
    return report.exit_code


def _trace(bug: BaseException) -> list[str]:
    """Return the places in the code that led to it, without any text that may be foreign."""
    from traceback import extract_tb  # noqa: PLC0415 - hardly any run needs it

    return [f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in extract_tb(bug.__traceback__)]


def start(cancelled: Callable[[], bool], stage: "Stage") -> int:
    """Run with the real environment, clock and log. `cancelled` returns whether a signal has come until now."""
    with writable(sys.stdout) as stream:
        invocation = Invocation(stage, arguments=bool(sys.argv[1:]))
        return main(os.environ, stream, real_clock(), invocation=invocation, cancelled=cancelled)


def real_clock() -> Clock:
    return Clock(time.monotonic, time.sleep, lambda: datetime.now(UTC), random.random)


@contextmanager
def writable(stream: TextIO | None) -> Iterator[TextIO]:
    """Return the process's own stream such that any text can be written to it, or a closed one in place of None.

    At the end it is flushed, and what cannot be is dropped.
    """
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    if not stream:
        stream = StringIO()
        stream.close()
    yield stream
    with suppress(OSError, ValueError):
        stream.flush()

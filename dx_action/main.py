"""Owns the order of things: gather, decide, act, publish. The shell around the core, and the one ladder of exceptions."""

import json
import os
import random
import secrets
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO, TypeVar

from dx_action import __version__, report
from dx_action.calls import Call, Result
from dx_action.cancellation import interruptible
from dx_action.context import Context, resolve
from dx_action.delivery import Clock
from dx_action.errors import ActionError, BadInput, Interrupted, Problem, Wrong
from dx_action.event import read_event
from dx_action.findings import found_lines
from dx_action.inputs import PREFIX, Inputs, lenient, missing_connection, read_inputs, written
from dx_action.outbox import Outbox
from dx_action.plan import plan
from dx_action.runtime import read_runtime
from dx_action.trigger import Skipped
from dx_action.workflow import Workflow
from dx_action.workspace import Workspace

T = TypeVar("T")


@dataclass(slots=True)
class Progress:
    """How far a run has come, for when it ends early."""

    workspace: Workspace
    inputs: Inputs | None = None
    context: Context | None = None
    calls: tuple[Call, ...] = ()
    outbox: Outbox | None = None

    def told(self, reason: str) -> report.Report | None:
        """Report what was sent, or None where nothing was."""
        if self.outbox is None or self.inputs is None or self.context is None:
            return None
        results = self.outbox.results(reason)
        return report.sent(self.context, self.inputs, results, self.outbox.updates, calls=self.calls)


def main(env: Mapping[str, str], stream: TextIO, clock: Clock) -> int:
    """Run the step, and give its exit code: 0 or 1."""
    workflow = Workflow(stream, env, lambda: f"end-{secrets.token_hex(16)}")
    for name in ("DX-TOKEN",):
        token = env.get(PREFIX + name, "").strip()
        workflow.mask(token)
        workflow.mask(token[len("Bearer ") :] if token[:7].lower() == "bearer " else "")
    soft = lenient(env)
    progress = Progress(Workspace(env.get("GITHUB_WORKSPACE", "").strip()))
    with interruptible() as disarm:
        try:
            told = _run(env, workflow, clock, progress)
        except ActionError as error:
            told = report.unusable(error.problems, lenient=soft)
        except Interrupted:
            disarm()
            told = progress.told("cancelled") or report.cancelled(lenient=soft)
        except Exception as bug:  # noqa: BLE001 - the last rung: its text is foreign and is not shown
            disarm()
            results = progress.outbox.results("internal_error") if progress.outbox else ()
            told = report.broken(_place(bug), results, lenient=soft)
            _show_frames(bug, workflow)
        disarm()
        return _publish(_kept(told, progress, soft=soft), workflow, soft=soft)


def _run(env: Mapping[str, str], workflow: Workflow, clock: Clock, progress: Progress) -> report.Report:
    """Gather, decide, act. Raises ActionError, Interrupted."""
    workflow.say(f"DX deployment action {__version__}")
    inputs = progress.inputs = read_inputs(env)
    runtime = read_runtime(env)
    event = read_event(runtime.event_name, runtime.event_path)
    context = resolve(inputs, runtime, event, clock.now())
    if isinstance(context, Skipped):
        return report.skipped(context)
    progress.context = context
    calls = progress.calls = plan(context, inputs)
    for line in found_lines(event, context):
        workflow.say(line)
    for call in calls:
        workflow.debug(f"POST {call.path} {call.body.decode()}")
    if inputs.dry_run:
        return report.rehearsed(context, calls)
    if missing := missing_connection(written(env), runtime.actor):
        unsent = tuple(Result(call, "not-sent", error="not_configured") for call in calls)
        return report.unusable(missing, lenient=not inputs.fail_on_error, context=context, results=unsent)
    if inputs.failed_file:
        _input("failed-file", lambda path: progress.workspace.append(path, b""), inputs.failed_file)
    outbox = _outbox(env, workflow, clock, inputs, progress)
    progress.outbox = outbox
    outbox.run(inputs.timeout)
    return progress.told("out_of_time") or report.cancelled(lenient=not inputs.fail_on_error)


def _outbox(env: Mapping[str, str], workflow: Workflow, clock: Clock, inputs: Inputs, progress: Progress) -> Outbox:
    """Prepare the connection, which is imported only here: a step that is skipped, or rehearsed, needs none."""
    from dx_action.dx import Dx  # noqa: PLC0415
    from dx_action.trust import proxies, tls_context  # noqa: PLC0415

    host, token = inputs.dx_host, inputs.dx_token
    if host is None or token is None or progress.context is None:
        raise BadInput(*missing_connection({}))
    pem = _input("ca-bundle", progress.workspace.read, inputs.ca_bundle) if inputs.ca_bundle else None
    tls, warnings = tls_context(env, pem) if host.base.startswith("https:") else (None, ())
    progress.context = replace(progress.context, warnings=(*progress.context.warnings, *warnings))
    calls = progress.calls
    workflow.say(f"Sending to {host.base}, within {inputs.timeout:g} s:")
    dx = Dx(
        host,
        token,
        context=tls,
        proxies={} if host.loopback else proxies(env, host.base),
        monotonic=clock.monotonic,
        connections=min(len(calls), 8),
    )
    return Outbox(calls, dx, clock, on_conflict=inputs.on_conflict, say=workflow.say)


def _input(name: str, use: Callable[[str], T], path: str) -> T:
    try:
        return use(path)
    except Wrong as wrong:
        raise BadInput(Problem(name, str(wrong))) from None


def _kept(told: report.Report, progress: Progress, *, soft: bool) -> report.Report:
    """Keep in `failed-file` what DX does not hold for certain: bodies only, one a line, ready to be sent."""
    path = progress.inputs.failed_file if progress.inputs else None
    if not path or not told.failed:
        return told
    lines = []
    for result in told.failed:
        upsert = {"method": "upsert"} if result.call.method == "deployments.upsert" else {}
        lines.append(json.dumps(result.call.json() | upsert, ensure_ascii=False) + "\n")
    try:
        progress.workspace.append(path, "".join(lines).encode())
    except Wrong as wrong:
        return report.with_problem(told, Problem("failed-file", str(wrong)), lenient=soft)
    return told


def _publish(told: report.Report, workflow: Workflow, *, soft: bool) -> int:
    try:
        workflow.set_outputs(told.outputs)
        workflow.add_summary(told.summary)
    except OSError:
        text = "cannot be written: the outputs or the summary are lost."
        told = report.with_problem(told, Problem("GITHUB_OUTPUT or GITHUB_STEP_SUMMARY", text), lenient=soft)
    for line in told.lines:
        workflow.say(line)
    for level, message in told.annotations:
        workflow.annotate(level, report.TITLE, message)
    return told.exit_code


def _place(bug: BaseException) -> str:
    frame = traceback.extract_tb(bug.__traceback__)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}, {type(bug).__name__}"


def _show_frames(bug: BaseException, workflow: Workflow) -> None:
    workflow.group("Where it broke")
    for frame in traceback.extract_tb(bug.__traceback__):
        workflow.say(f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}")
    workflow.end_group()


def start() -> int:
    """Run with the real environment, clock and log."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    clock = Clock(time.monotonic, time.sleep, lambda: datetime.now(UTC), random.random)
    return main(os.environ, sys.stdout, clock)

"""Owns one backfill's run: rows, then a CSV, a rehearsal or the sending, and at any moment what is to be told."""

from collections.abc import Callable, Mapping
from itertools import islice

from dx_action.backfill import report as backfill_report
from dx_action.backfill.file import form_of, rows_from_file
from dx_action.backfill.order import Order
from dx_action.backfill.store import Rows, write_csv
from dx_action.backfill.summary import groups
from dx_action.backfill.tally import BackfillResult, Tally
from dx_action.deployment.calls import Call, Result
from dx_action.dx.answers import Answer, Verdict
from dx_action.dx.connect import connection
from dx_action.dx.delivery import Transport
from dx_action.dx.failed_file import FailedFile
from dx_action.dx.sender import Sender, Terms
from dx_action.errors import ActionError, BadInput, Interrupted, InvalidValue, Problem
from dx_action.github.client import Run, connect
from dx_action.inputs.model import Inputs, missing_connection
from dx_action.report.endings import Report
from dx_action.report.progress import Progress
from dx_action.runner.commands import Workflow
from dx_action.runner.runtime import Clock, Runtime
from dx_action.runner.workspace import Workspace

# The runner kills a cancelled step 10 s after the first signal, and its report is to be written by then.
_CANCELLED_SECONDS = 6.5


def backfill(
    inputs: Inputs,
    runtime: Runtime,
    env: Mapping[str, str],
    clock: Clock,
    workflow: Workflow,
    progress: Progress,
    disarm: Callable[[], None],
) -> Report:
    """Run it. From `disarm` on, a cancel is ignored, for what happened is being told. Raises ActionError, Interrupted."""
    workspace, anew = progress.workspace, inputs.failed_file is not None and inputs.failed_file == inputs.backfill_file
    if anew and _is_done(workspace, inputs.failed_file or ""):
        return backfill_report.nothing(("`backfill-file` is empty: an earlier run left nothing to be sent.",))
    if inputs.backfill_file:
        rows, notices = rows_from_file(inputs, runtime, workspace, workflow.say)
    else:
        from dx_action.backfill.history import rows_from_history  # noqa: PLC0415 - a file needs nothing of it

        run = Run(inputs, runtime, env, workspace, clock, workflow.say)
        repository = connect(inputs.repository or runtime.repository, run, patient=True)
        rows, notices = rows_from_history(inputs, runtime, repository, clock.now(), workflow.say)
    if not len(rows):
        return backfill_report.nothing(notices)
    if inputs.csv_file:
        notices = (*notices, *write_csv(inputs.csv_file, rows, workspace, workflow.scrubbed))
        return backfill_report.written(_untouched(rows, inputs, notices), inputs.csv_file)
    if inputs.dry_run:
        first = islice(Order(rows.times, rows.keys), backfill_report.MOST_SHOWN)
        return backfill_report.dry_run(_untouched(rows, inputs, notices), [rows.call(index) for index in first])
    missing = missing_connection(inputs, runtime.actor)
    return _sent(rows, notices, missing, inputs, env, clock, workflow, progress, disarm, anew=anew)


class Ledger:
    """The rows of a backfill, and what became of each. `failed` is called with each call that failed, at once.

    `harmless` removes secrets from DX's words.
    """

    def __init__(
        self, rows: Rows, failed: Callable[[Call], None], harmless: Callable[[Result], Result] = lambda result: result
    ) -> None:
        self.tally = Tally(len(rows))
        self._rows, self._failed, self._harmless = rows, failed, harmless

    def call(self, index: int) -> Call:
        return self._rows.call(index)

    def record(self, index: int, result: Result) -> None:
        """Record the row's first result. A second one is too late: the first is in `failed-file`, or in the report."""
        if self.tally[index] != "not-sent":
            return
        result = self._harmless(result)
        if not result.delivered:
            self._failed(result.call)
        self.tally.add(index, self._rows.line(index), result)


def _sent(
    rows: Rows,
    notices: tuple[str, ...],
    missing: tuple[Problem, ...],
    inputs: Inputs,
    env: Mapping[str, str],
    clock: Clock,
    workflow: Workflow,
    progress: Progress,
    disarm: Callable[[], None],
    *,
    anew: bool,
) -> Report:
    failed_file = FailedFile(progress.workspace, inputs.failed_file, workflow.scrubbed, replaces=anew)
    try:
        if missing:
            raise BadInput(*missing)
        failed_file.check()
        transport, warnings = connection(progress, inputs, env, clock, inputs.concurrency)
    except (ActionError, Interrupted) as error:
        disarm()
        if not anew:  # where it is the file that was read, it has them
            cancelled = isinstance(error, Interrupted)
            failed_file.finish(map(rows.call, range(len(rows))), (), _late(clock) if cancelled else lambda: False)
        if isinstance(error, ActionError) and failed_file.problem and failed_file.problem not in error.problems:
            raise BadInput(*error.problems, failed_file.problem) from None
        raise
    ledger, order = Ledger(rows, failed_file.add, progress.harmless), Order(rows.times, rows.keys)
    terms = Terms(
        timeout=inputs.timeout,
        lanes=min(inputs.concurrency, len(rows)),
        per_call=True,
        per_second=inputs.max_per_second,
        on_conflict=inputs.on_conflict,
    )
    job = Sender(
        order,
        ledger,
        _debugged(transport, workflow) if workflow.debugging else transport,
        clock,
        terms,
        say=workflow.say,
        progress=lambda seconds: ledger.tally.progress(seconds, order.dropped),
    )

    def keep(reason: str) -> None:
        late = _late(clock)
        held = ("accepted", "already-registered")
        failed_file.finish(
            (rows.call(index) for index in range(len(rows)) if ledger.tally[index] == "not-sent"),
            (rows.call(index) for index in range(len(rows)) if ledger.tally[index] not in held),
            late=lambda: reason == "cancelled" and late(),
        )

    def told(reason: str) -> Report:
        job.close(reason)
        keep(reason)
        ending = BackfillResult(
            rows=rows,
            tally=ledger.tally,
            held_back=order.dropped,
            reason=job.reason,
            saved=failed_file.path,
            from_file=inputs.backfill_file is not None,
            notices=notices,
            warnings=warnings,
        )
        for title, lines in groups(ending):
            workflow.group(title)
            for line in lines:
                workflow.say(line)
            workflow.end_group()
        problems = [problem for problem in (job.problem, failed_file.problem) if problem]
        return backfill_report.sent(ending, fail_on_error=inputs.fail_on_error, problems=problems)

    progress.ending = told
    pace = f"at most {inputs.max_per_second:g} a second" if inputs.max_per_second else "unpaced"
    host = inputs.dx_host.base if inputs.dx_host else ""
    workflow.say(f"Sending {len(rows):,} rows to {host}, {pace}, {inputs.concurrency} in flight:")
    try:
        job.run()
    except Exception:
        job.close("internal_error")
        workflow.say(job.progress())
        keep("internal_error")
        raise
    disarm()
    return told("stopped_before")


def _debugged(transport: Transport, workflow: Workflow) -> Transport:
    def attempt(call: Call, seconds: float) -> Answer | Verdict:
        workflow.debug(f"POST {call.path} {call.body.decode()}")
        return transport(call, seconds)

    return attempt


def _late(clock: Clock) -> Callable[[], bool]:
    """Begin the time that a cancelled run has left, and give whether it is over."""
    end = clock.monotonic() + _CANCELLED_SECONDS
    return lambda: clock.monotonic() > end


def _untouched(rows: Rows, inputs: Inputs, notices: tuple[str, ...]) -> BackfillResult:
    return BackfillResult(
        rows=rows, tally=Tally(len(rows)), from_file=inputs.backfill_file is not None, notices=notices
    )


def _is_done(workspace: Workspace, path: str) -> bool:
    """Tell whether an earlier run has emptied the file that it was to empty. Raises BadInput where it could not."""
    try:
        with workspace.opened(path) as file:
            start = file.read(4096)
        if not start:
            return True
        if form_of(path, start) == "CSV":
            text = "is the `backfill-file`, a CSV, and what fails is written as JSON Lines. Name another file."
            raise BadInput.of("failed-file", text)
    except InvalidValue:
        pass  # it is told where the rows are read
    return False

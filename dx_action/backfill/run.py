"""Many calls about the past: rows, then a CSV, a dry run or the sending, and at any moment what to report.

Of the operation `backfill`, and of `set-pull-services` with `since`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice

from dx_action.backfill import report as backfill_report
from dx_action.backfill.file import form_of, rows_from_file
from dx_action.backfill.order import Order
from dx_action.backfill.store import Rows, write_csv
from dx_action.backfill.summary import groups
from dx_action.backfill.tally import BackfillResult, Tally
from dx_action.deployment.calls import Call, Result
from dx_action.deployment.trigger import Skipped
from dx_action.deployment.unused import unused_inputs
from dx_action.dx.answers import Answer, Verdict
from dx_action.dx.client import connect
from dx_action.dx.delivery import Transport
from dx_action.dx.failed_file import FailedFile
from dx_action.dx.sender import Progress, Sender, Terms
from dx_action.errors import ActionError, BadInput, Interrupted, InvalidValue
from dx_action.github.client import Repository
from dx_action.inputs.model import Inputs, missing_connection
from dx_action.inputs.times import iso
from dx_action.report.endings import Report, Step, hints, skipped
from dx_action.runner.commands import Writer
from dx_action.runner.event import Event
from dx_action.runner.runtime import Runtime
from dx_action.runner.workspace import Workspace
from dx_action.text import plural

# The runner kills a cancelled step 10 s after the first signal, and its report is to be written by then.
_CANCELLED_SECONDS = 6.5


def backfill(step: Step, inputs: Inputs, runtime: Runtime) -> Report:
    """Read the rows, and write a CSV, show a dry run, or send them. Raises ActionError, Interrupted."""
    replaces = inputs.failed_file is not None and inputs.failed_file == inputs.backfill_file
    if replaces and _is_done(step.workspace, inputs.failed_file or ""):
        return backfill_report.nothing(hints((), ["`backfill-file` is empty: an earlier run left nothing to be sent."]))
    secrets = step.workflow.secrets
    if inputs.backfill_file:
        try:
            rows, found = rows_from_file(inputs, runtime, step.workspace, step.workflow.say, step.clock.now(), secrets)
        except Interrupted:
            if inputs.failed_file and not (replaces or inputs.csv_file or inputs.dry_run):
                return _unsent(step, inputs, runtime)
            raise
    else:
        from dx_action.backfill.history import rows_from_history  # noqa: PLC0415 - a file needs nothing of it

        repository = Repository(inputs.repository or runtime.repository, step.github(inputs, runtime), patient=True)
        rows, found = rows_from_history(inputs, runtime, repository, step.clock.now(), step.workflow.say, secrets)
    found = (*found, *hints((), unused_inputs(inputs, Event(name=runtime.event_name))))
    if not len(rows):
        return backfill_report.nothing(found)
    if inputs.csv_file:
        found = (*found, *hints((), write_csv(inputs.csv_file, rows, step.workspace, step.workflow.scrubbed)))
    from_file = inputs.backfill_file is not None
    result = BackfillResult(rows=rows, tally=Tally(len(rows)), from_file=from_file, hints=found)
    if inputs.csv_file:
        return backfill_report.written(result, inputs.csv_file)
    return _carried_out(step, inputs, runtime, result, replaces=replaces)


def set_past_services(step: Step, inputs: Inputs, runtime: Runtime) -> Report:
    """Set the services of all pull requests of a window. The event is not read, so that any will do.

    Raises ActionError, Interrupted.
    """
    from dx_action.backfill.pulls import remarks, rows_from_window  # noqa: PLC0415 - a backfill needs nothing of it
    from dx_action.github.lookups import Lookups  # noqa: PLC0415

    if inputs.success == "skip":
        return skipped(Skipped("`success` says that the deployment was cancelled or skipped."))
    name = inputs.repository or runtime.repository
    if not name:
        raise BadInput.of("repository", "is missing, and GITHUB_REPOSITORY is not set.")
    own = name.casefold() == runtime.repository.casefold()
    lookups = Lookups(name, own, runtime.sha if own else None, step.github(inputs, runtime), patient=True)
    workflow, now = step.workflow, step.clock.now().replace(microsecond=0)
    rows, window = rows_from_window(inputs, name, lookups, now, workflow.say, workflow.secrets)
    notices = unused_inputs(inputs, Event(name=runtime.event_name))
    warnings, more = remarks(inputs, name, lookups)
    result = BackfillResult(
        rows=rows,
        tally=Tally(len(rows)),
        from_file=False,
        hints=hints(warnings, (*notices, *more)),
        window=window,
    )
    if not result.total:
        return backfill_report.no_pulls(result)
    return _carried_out(step, inputs, runtime, result)


def _carried_out(
    step: Step, inputs: Inputs, runtime: Runtime, result: BackfillResult, *, replaces: bool = False
) -> Report:
    """Show a dry run, or send the rows. Raises ActionError, Interrupted."""
    rows, fetch = result.rows, step.fetch(inputs, runtime, runtime.sha)
    if inputs.dry_run:
        step.check_files(inputs, fetch)
        first = islice(Order(rows.times, rows.keys, rows.anchors), backfill_report.MOST_SHOWN)
        calls = [rows.call(index) for index in first]
        return backfill_report.dry_run(result, calls, fail_on_error=inputs.fail_on_error)
    if not len(rows):
        return backfill_report.sent(result, fail_on_error=inputs.fail_on_error)
    failed_file = step.failed_file(inputs.failed_file, replaces=replaces)
    return _Sending(step, inputs, result, failed_file).send(runtime, fetch)


def _unsent(step: Step, inputs: Inputs, runtime: Runtime) -> Report:
    """Save every row after a cancel that came while they were read. Raises Interrupted if they cannot be read again in time."""
    end = step.clock.monotonic() + _CANCELLED_SECONDS

    def late() -> bool:
        return step.clock.monotonic() > end

    try:
        rows, found = rows_from_file(
            inputs, runtime, step.workspace, lambda _text: None, step.clock.now(), step.workflow.secrets, late
        )
    except ActionError:
        raise Interrupted from None
    failed_file = step.failed_file(inputs.failed_file)
    failed_file.finish(map(rows.call, range(len(rows))), (), late)
    result = BackfillResult(rows=rows, tally=Tally(len(rows)), reason="cancelled", saved=failed_file.path, hints=found)
    problems = [failed_file.problem] if failed_file.problem else []
    return backfill_report.sent(result, fail_on_error=inputs.fail_on_error, problems=problems)


class Ledger:
    """The rows of a backfill, and what became of each. `failed` takes a call that failed; `harmless` removes secrets."""

    def __init__(
        self, rows: Rows, tally: Tally, failed: Callable[[Call], None], harmless: Callable[[Result], Result]
    ) -> None:
        self._rows, self._tally, self._failed, self._harmless = rows, tally, failed, harmless

    def call(self, index: int) -> Call:
        return self._rows.call(index)

    def record(self, index: int, result: Result) -> None:
        """Record the row's first result. A second one is too late: the first is in `failed-file`, or in the report."""
        if self._tally[index] != "not-sent":
            return
        result = self._harmless(result)
        if not result.delivered:
            self._failed(result.call)
        self._tally.add(index, self._rows.line(index), result)


class _Sending:
    """The rows on their way, and what to report of them at any moment."""

    _sender: Sender

    def __init__(self, step: Step, inputs: Inputs, result: BackfillResult, failed_file: FailedFile) -> None:
        self._step, self._inputs, self._result, self._failed_file = step, inputs, result, failed_file
        self._order = Order(result.rows.times, result.rows.keys, result.rows.anchors)

    def send(self, runtime: Runtime, fetch: Callable[[str], bytes | None] | None) -> Report:
        """Send the rows. From then on, a cancel is ignored: what happened is being reported.

        Raises Interrupted before that, and ActionError if nothing can be sent.
        """
        step, inputs, rows, tally = self._step, self._inputs, self._result.rows, self._result.tally
        transport, warnings = self._connected(runtime, fetch)
        self._result = replace(self._result, hints=(*hints(warnings, ()), *self._result.hints))
        self._sender = Sender(
            self._order,
            Ledger(rows, tally, self._failed_file.add, step.harmless),
            _debugged(transport, step.workflow),
            step.clock,
            Terms(
                timeout=inputs.timeout,
                lanes=min(inputs.concurrency, len(rows)),
                per_call=True,
                per_second=inputs.max_per_second,
                on_conflict=inputs.on_conflict,
            ),
            say=step.workflow.say,
            progress=Progress(
                self._progress,
                lambda line: step.workflow.progress(line, tally.ended / len(tally)),
                step.workflow.progress_seconds,
            ),
        )
        step.ending = self.report
        pace = f"at most {inputs.max_per_second:g} a second" if inputs.max_per_second else "unpaced"
        host = inputs.dx_host.base if inputs.dx_host else ""
        what = plural(len(rows), "pull request" if self._result.window else "row")
        step.workflow.say(f"Sending {what} to {host}, {pace}, {inputs.concurrency} in flight:")
        try:
            self._sender.run()
        except Exception:
            step.disarm()
            self._sender.close("internal_error")
            step.workflow.say(self._sender.progress())
            self._save("internal_error")
            raise
        step.disarm()
        return self.report("stopped_before")

    def _progress(self, seconds: float) -> str:
        tally, window = self._result.tally, self._result.window
        line = tally.progress(seconds, self._order.held_back)
        at = window.resume_at(tally) if window else None
        return f"{line}; everything merged before {iso(at)} is done" if at else line

    def _connected(
        self, runtime: Runtime, fetch: Callable[[str], bytes | None] | None
    ) -> tuple[Transport, Sequence[str]]:
        """Return the connection and the warnings about it. If it cannot be made, every row is saved."""
        step, inputs, failed_file = self._step, self._inputs, self._failed_file

        try:
            if missing := missing_connection(inputs, runtime.actor):
                raise BadInput(*missing)
            failed_file.check()
            return connect(
                inputs,
                step.env,
                step.clock,
                step.workspace,
                lanes=inputs.concurrency,
                fetch=fetch,
                wire=step.wire,
            )
        except (ActionError, Interrupted) as error:
            step.disarm()
            if not failed_file.replaces:  # the file that was read still has them
                self._save("cancelled" if isinstance(error, Interrupted) else "not_configured")
            if isinstance(error, ActionError) and failed_file.problem and failed_file.problem not in error.problems:
                raise BadInput(*error.problems, failed_file.problem) from None
            raise

    def report(self, reason: str) -> Report:
        """Send nothing more, and return the report; `reason` is why a row has no end."""
        self._sender.close(reason)
        self._save(reason)
        result = replace(
            self._result, held_back=self._order.held_back, reason=self._sender.reason, saved=self._failed_file.path
        )
        for title, lines in groups(result):
            self._step.workflow.group(title, lines)
        problems = [self._failed_file.problem] if self._failed_file.problem else []
        return backfill_report.sent(result, fail_on_error=self._inputs.fail_on_error, problems=problems)

    def _save(self, reason: str) -> None:
        tally, rows, late = self._result.tally, self._result.rows, self._step.clock.monotonic() + _CANCELLED_SECONDS
        self._failed_file.finish(
            (rows.call(index) for index in range(len(rows)) if tally[index] == "not-sent"),
            (rows.call(index) for index in range(len(rows)) if tally[index] not in ("accepted", "already-registered")),
            lambda: reason == "cancelled" and self._step.clock.monotonic() > late,
        )


def _debugged(transport: Transport, workflow: Writer) -> Transport:
    if not workflow.debugging:
        return transport

    def attempt(call: Call, seconds: float) -> Answer | Verdict:
        workflow.debug(f"POST {call.path} {call.body.decode()}")
        return transport(call, seconds)

    return attempt


def _is_done(workspace: Workspace, path: str) -> bool:
    """Return whether an earlier run has emptied the file that it replaced. Raises BadInput if it cannot be replaced."""
    try:
        with workspace.opened(path) as file:
            start = file.read(4096)
        if not start:
            return True
        if form_of(path, start) == "CSV":
            text = "is the `backfill-file`, a CSV, and what fails is written as JSON Lines. Name another file."
            raise BadInput.of("failed-file", text)
    except InvalidValue:
        pass  # the reading of the rows reports it
    return False

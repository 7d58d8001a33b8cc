"""The reports of a run: one function for each way it can end → log lines, annotations, outputs, summary, exit code. Pure."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from dx_action.deployment.calls import Call, Result
from dx_action.deployment.registration import Registration
from dx_action.deployment.trigger import Skipped
from dx_action.errors import FailOnError, Failure, Problem
from dx_action.inputs.model import Inputs, survey_inputs
from dx_action.report import summary
from dx_action.report.failures import Hint, conflicts, failures, names_of, unset_services
from dx_action.report.outputs import outputs
from dx_action.runner.commands import Writer
from dx_action.runner.event import Event, read_event
from dx_action.runner.runtime import Clock, Runtime
from dx_action.runner.workspace import Workspace
from dx_action.text import json_line, plural, truncate

if TYPE_CHECKING:
    from dx_action.dx.delivery import Transport
    from dx_action.dx.failed_file import FailedFile
    from dx_action.github.client import Run
    from dx_action.inputs.arguments import Arguments
    from dx_action.inputs.job import Stage

TITLE = "DX deployment"
# The runner drops what a step annotates beyond ten of a level.
MOST_ANNOTATIONS = 10
# In characters. A log has no limit of its own, but nobody reads on.
_LOG_ROOM = 1 << 20
_NOTHING_SENT = "Nothing was sent to DX"


class Report(NamedTuple):
    """All that a run publishes. `messages` say what failed, and fail the step as `fail_on_error` says; `hints` never do.

    `done` is the one notice of a run in which nothing failed. `title` and `body` are the summary's, and annotations go between;
    without a title there is no summary. `tabled` are texts that the body has already, so that no alert repeats them.
    `undelivered` are the requests that DX may not have registered, of a backfill the first; `saved` says that `failed-file` has
    got them already, and `unsaved` is the report if that could not be done.
    """

    outputs: dict[str, str]
    title: str
    body: str = ""
    done: str = ""
    messages: Sequence[Failure] = ()
    hints: Sequence[Hint] = ()
    lines: Sequence[str] = ()
    tabled: Collection[str] = ()
    undelivered: Sequence[Call] = ()
    saved: bool = False
    fail_on_error: FailOnError = "true"
    unsaved: "Report | None" = None

    @property
    def exit_code(self) -> int:
        return int(any(level == "error" for level, _ in self._findings))

    @property
    def annotations(self) -> tuple[Hint, ...]:
        """The annotations, the most important first, and so many that the runner shows each."""
        done: tuple[Hint, ...] = (("notice", self.done),) if self.done and not self.messages else ()
        every, shown = (*done, *self._findings), []
        for level in ("error", "warning", "notice"):
            texts = [text for each, text in every if each == level]
            if len(texts) > MOST_ANNOTATIONS:
                texts, rest = texts[: MOST_ANNOTATIONS - 1], texts[MOST_ANNOTATIONS - 1 :]
                texts.append("\n".join((f"{len(rest)} more:", *rest)))
            shown += [(level, text) for text in texts]
        return tuple(shown)

    @property
    def summary(self) -> str:
        if not self.title:
            return ""
        alerts = [(level, text) for level, text in self._findings if text not in self.tabled]
        return summary.whole(self.title, alerts, self.body + summary.undelivered(self.undelivered))

    @property
    def _findings(self) -> tuple[Hint, ...]:
        return (*((each.level(self.fail_on_error), each.text) for each in self.messages), *self.hints)


@dataclass(slots=True, kw_only=True)
class Step:
    """One run of the step: what an operation gets, and what it leaves here for when the run ends early.

    `wire` makes the connection to DX instead of `Dx`. `arguments` are the command line's; without them, the step has an event.
    `stage` is that of `job/`, or "step". Once `disarm` is called, a cancel is ignored. `results` and `ending` return what became
    of the calls and the report on it; both take the reason why a call has no end. `warnings` are about the connections to GitHub
    and the arguments. `looking_up` is what the first look-up at GitHub needed.
    """

    env: Mapping[str, str]
    clock: Clock
    workflow: Writer
    workspace: Workspace
    wire: "Callable[..., Transport] | None" = None
    arguments: "Arguments | None" = None
    stage: "Stage" = "step"
    disarm: Callable[[], None] = lambda: None
    inputs: Inputs | None = None
    registration: Registration | None = None
    warnings: list[str] = field(default_factory=list)
    results: Callable[[str], tuple[Result, ...]] = lambda _reason: ()
    ending: Callable[[str], Report] | None = None
    looking_up: "Run | None" = None

    def survey_inputs(self) -> tuple[Inputs, tuple[Problem, ...]]:
        """Return the inputs as far as they can be read, and every problem."""
        now = self.clock.now()
        return self.arguments.inputs(self.env, now) if self.arguments else survey_inputs(self.env, now)

    def read_event(self, runtime: Runtime) -> Event:
        """Return the event that started the run; on the command line, one without a name. Raises BadEvent."""
        return Event(name="") if self.arguments else read_event(runtime.event_name, runtime.event_path)

    def failed_file(self, path: str | None, *, replaces: bool = False) -> "FailedFile":
        """Return the file that `failed-file` names. `replaces`: it is the `backfill-file` that is being read."""
        from dx_action.dx.failed_file import FailedFile  # noqa: PLC0415 - most runs have none

        return FailedFile(self.workspace, path, self.workflow.scrubbed, replaces=replaces)

    def github(self, inputs: Inputs, runtime: Runtime) -> "Run":
        """Return what look-ups at GitHub need of the run, which share their time."""
        from dx_action.github.client import Run  # noqa: PLC0415 - most runs look nothing up

        if self.looking_up is None:
            say, warn = self.workflow.say, self.warnings.append
            self.looking_up = Run(inputs, runtime, self.env, self.workspace, self.clock, say, warn)
        return replace(self.looking_up, inputs=inputs)

    def fetch(self, inputs: Inputs, runtime: Runtime, commit: str) -> Callable[[str], bytes | None] | None:
        """Return what reads a file that an input names from GitHub, at a commit; None without a token."""

        def fetch(path: str) -> bytes | None:
            from dx_action.github.lookups import Lookups  # noqa: PLC0415 - most workspaces have the file

            run = self.github(inputs, runtime)
            return Lookups(runtime.repository, True, commit or None, run).committed_file(path)

        return fetch if inputs.github_token and runtime.repository else None

    def check_files(self, inputs: Inputs, fetch: Callable[[str], bytes | None] | None) -> None:
        """Check in a dry run the files that a live run uses. Raises BadInput."""
        if inputs.failed_file:
            self.failed_file(inputs.failed_file).check(dry_run=True)
        if inputs.ca_bundle:
            from dx_action.dx.client import trusted  # noqa: PLC0415 - a dry run connects to nothing

            trusted(inputs, self.env, self.workspace, fetch)

    def harmless(self, result: Result) -> Result:
        """Return the result with DX's words cut and without secrets."""
        # DX's words may quote the token, and have no end. They lose both before they are escaped, where the one is hard to find.
        scrubbed = self.workflow.scrubbed
        error, message = truncate(scrubbed(result.error), 200), truncate(scrubbed(result.message), 4000)
        return result._replace(error=error, message=message)


def skipped(skip: Skipped) -> Report:
    """Report that there was nothing to register."""
    hint: Hint = ("warning" if skip.warn else "notice", f"{_NOTHING_SENT}. {skip}")
    return Report(outputs=outputs("skipped", str(skip)), title=_NOTHING_SENT, hints=(hint,))


def waiting(skip: Skipped | None, missing: Sequence[Problem] = ()) -> Report:
    """Report the start of `job/`, for which nothing is wrong. It has no summary: that of the job's end says it all.

    `missing` is what would be wrong at the end, unless a later step fills an input that is blank now, or replaces a file.
    """
    hints: list[Hint] = []
    lines: list[str] = []
    if skip:
        lines = [f"As things are, nothing will be sent to DX when this job has ended. {skip}"]
        hints.append(("warning" if skip.warn else "notice", lines[0]))
    elif missing:
        head = "As things are, nothing could be sent to DX when this job has ended. Ignore this if a later step changes that."
        lines = [head, *map(str, missing)]
        hints.append(("notice", "\n".join(lines)))
    return Report(outputs=outputs("waiting", " ".join(lines)), title="", hints=hints)


def unusable(
    problems: Sequence[Problem],
    *,
    fail_on_error: FailOnError,
    registration: Registration | None = None,
    results: Sequence[Result] = (),
) -> Report:
    """Report inputs or an event that cannot be used. `results` are of the calls that would have been sent."""
    lines, calls = [str(problem) for problem in problems], [result.call for result in results]
    text = "\n".join((f"{_NOTHING_SENT}: {plural(len(lines), 'problem')}.", *lines))
    return Report(
        outputs=outputs("failed", " ".join(lines), registration, calls, results),
        title=_NOTHING_SENT,
        messages=(Failure(text, all(problem.outage for problem in problems)),),
        undelivered=calls,
        fail_on_error=fail_on_error,
    )


def cancelled(*, fail_on_error: FailOnError) -> Report:
    """Report that the job was cancelled before anything was sent."""
    reason = "The job was cancelled before anything was sent to DX."
    found = outputs("failed", reason)
    return Report(outputs=found, title=_NOTHING_SENT, messages=(Failure(reason),), fail_on_error=fail_on_error)


def broken(where: str, results: Sequence[Result] = (), *, fail_on_error: FailOnError) -> Report:
    """Report an unexpected error. `where` names a place in the code; the error's own text may be foreign."""
    title = "Unexpected error in the action"
    text = f"{title}, at {where}. This is a bug: please report it with the log group `Stack trace`."
    noun, done, counted = "deployment", "registered", _deployments(results)
    if not counted:
        noun, done, counted = "call", "accepted", list(results)
    if counted:
        text += f" DX {done} {sum(result.delivered for result in counted)} of {plural(len(counted), noun)}."
    return Report(
        outputs=outputs("failed", text, None, [result.call for result in results], results),
        title=title,
        messages=(Failure(text),),
        undelivered=_undelivered(results),
        fail_on_error=fail_on_error,
    )


def dry_run(registration: Registration, calls: Sequence[Call], *, fail_on_error: FailOnError = "true") -> Report:
    """Report a dry run. It fails if the live run would fail because a look-up failed."""
    messages = unset_services(registration)
    report = dry_run_of(
        calls,
        outputs=outputs("dry-run", messages[0].text if messages else "", registration, calls),
        body=summary.dry_run(registration, calls),
        hints=hints(registration.warnings, registration.notices),
        what=" of a failed deployment" if registration.failed else "",
    )
    return report._replace(messages=messages, fail_on_error=fail_on_error)


def sent(
    registration: Registration,
    inputs: Inputs,
    results: Sequence[Result],
    updates: Sequence[Call] = (),
    *,
    calls: Sequence[Call],
) -> Report:
    """Report what became of the calls. `updates` are those that `on-conflict: update` made besides."""
    failed = [result for result in results if not result.delivered]
    deployments = _deployments(results)
    accepted = any(result.outcome == "accepted" for result in deployments)
    trouble = bool(registration.problems)
    status = status_of(len(failed), len(results), deployments=bool(deployments), accepted=accepted, trouble=trouble)
    noun, counted = "pull request", results
    if registration.services.value:
        mixed = any(result.call.subject for result in failed)
        # What DX keeps under an id that was given by hand may have succeeded.
        kept = inputs.reference_id and any(result.outcome == "already-registered" for result in deployments)
        done = registration.failed and not kept
        noun, counted = ("call", results) if mixed else ("failed deployment" if done else "deployment", deployments)
    unknown = any(result.outcome == "unknown" for result in failed)
    title = headline(status, noun, len(failed), len(counted), unknown=unknown)
    title += ", but services NOT set" if status == "partial" and not failed else ""
    messages = (*unset_services(registration), *failures(results, inputs, registration))
    already = conflicts(registration, inputs, results)
    report = Report(
        outputs=outputs(status, reason_of(status, title, messages, already), registration, [*calls, *updates], results),
        title=title,
        body=summary.sent(registration, results),
        # What was registered before has a hint of its own.
        done="" if status == "already-registered" else f"{title}: {names_of(counted)}.",
        messages=messages,
        hints=(*already, *hints(registration.warnings, registration.notices)),
        lines=[result_line(result, result.call.label) for result in results],
        undelivered=_undelivered(results),
        fail_on_error=inputs.fail_on_error,
    )
    if not failed or not inputs.failed_file:
        return report
    without_file = inputs.model_copy(update={"failed_file": None})
    return report._replace(unsaved=sent(registration, without_file, results, updates, calls=calls))


def with_problem(report: Report, problem: Problem, *, fail_on_error: FailOnError) -> Report:
    """Return the report with a problem that came up after it was made, unless it has that already."""
    text = str(problem)
    if any(text in message.text.split("\n") for message in report.messages):
        return report
    messages, lines = (*report.messages, problem.failure), (*report.lines, text)
    return report._replace(messages=messages, lines=lines, fail_on_error=fail_on_error)


def status_of(missing: int, total: int, *, deployments: bool, accepted: bool, trouble: bool = False) -> str:
    """Return the output `status`, for so many of all calls that DX may not have accepted.

    `deployments`: some calls register one; `accepted`: DX accepted one of these now. `trouble`: a call could not even be made.
    """
    if missing or trouble:
        return "failed" if missing == total else "partial"
    if not deployments:
        return "pull-services-set"
    return "registered" if accepted else "already-registered"


def headline(status: str, noun: str, missing: int, total: int, *, unknown: bool) -> str:
    """Return the summary's headline. `noun` is what the calls are about: `deployment`, `pull request`, or either: `call`, `row`."""
    done = "registered in" if noun.endswith("deployment") else "accepted by"
    negated, every = "NOT known to be" if unknown else "NOT", noun.capitalize() if total == 1 else plural(total, noun)
    if status == "pull-services-set":
        return "Services set in DX"
    if status == "already-registered":
        return f"{every} already registered in DX"
    if not missing and status != "failed":
        return f"{every} {done} DX"
    which = every if total == 1 else f"{missing:,} of {every}"
    if noun == "pull request":
        return f"Services {f'of {which} ' if total > 1 else ''}{negated} set in DX"
    return f"{which} {negated} {done} DX"


def reason_of(status: str, title: str, messages: Sequence[Failure], already: Sequence[Hint]) -> str:
    """Return the output `reason`: the failures, after the headline that counts them all; else that all was already registered."""
    texts = [each.text for each in messages]
    if len(texts) > 1:
        return " ".join((f"{title}.", *texts))
    return next(iter(texts), already[0][1] if status == "already-registered" else "")


def hints(warnings: Sequence[str], notices: Sequence[str]) -> tuple[Hint, ...]:
    """Return the annotations that fail nothing."""
    return (*(("warning", text) for text in warnings), *(("notice", text) for text in notices))


def dry_run_of(
    calls: Sequence[Call],
    *,
    outputs: dict[str, str],
    body: str,
    hints: Sequence[Hint],
    total: int | None = None,
    what: str = "",
) -> Report:
    """Report a dry run, with the first requests whole in the log; `total`: how many there would be, if they are more."""
    total = len(calls) if total is None else total
    title, count = f"Dry run{what}: nothing was sent to DX", plural(total, "request")
    lines = [f"Dry run. A live run would send {count}:"]
    for call in calls:
        lines += [f"  POST {call.path}", f"    {json_line(call.body.decode())}"]
    if total > len(calls):
        lines.append(f"  … and {total - len(calls):,} more, not shown.")
    done = f"{title}. A live run would send {count}."
    return Report(outputs=outputs, title=title, body=body, done=done, hints=hints, lines=lines)


def request_lines(calls: Sequence[Call]) -> list[str]:
    """Return the log of what is not delivered: as many requests as there is room for, each whole."""
    lines: list[str] = []
    room = _LOG_ROOM
    for index, call in enumerate(calls):
        body = json_line(call.body.decode())
        room -= len(body)
        if room < 0:
            return [*lines, f"… and {len(calls) - index:,} more, not shown."]
        lines += [f"POST {call.path}", body]
    return lines


def result_line(result: Result, label: str) -> str:
    """Return the log line on what became of a call."""
    details = [f"HTTP {result.http_status}"] if result.http_status else []
    details += [f"{result.attempts} attempts"] if result.attempts > 1 else []
    if result.error and not result.delivered and result.error != f"http_{result.http_status}":
        details.append(truncate(result.error, 100))
    return f"  {label}: {result.outcome}" + (f" ({', '.join(details)})" if details else "")


def _deployments(results: Sequence[Result]) -> list[Result]:
    return [result for result in results if result.call.registers]


def _undelivered(results: Sequence[Result]) -> list[Call]:
    return [result.call for result in results if not result.delivered]

"""Owns what a run says of itself: what was decided and done → log lines, annotations, outputs, summary, exit code.

Pure. Whether a failure fails the step is decided here and nowhere else.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from dx_action.deployment.calls import Call, Result
from dx_action.deployment.registration import Registration
from dx_action.deployment.trigger import Skipped
from dx_action.errors import Level, Problem
from dx_action.inputs.model import Inputs
from dx_action.report import summary
from dx_action.report.failures import already_held, failures, troubles
from dx_action.report.outputs import outputs
from dx_action.text import truncate

TITLE = "DX deployment"


@dataclass(frozen=True, slots=True)
class Report:
    """All that a run publishes. `annotations` are (level, message), one for each kind of problem."""

    exit_code: int
    lines: tuple[str, ...]
    annotations: tuple[tuple[Level, str], ...]
    outputs: dict[str, str]
    summary: str
    failed: tuple[Result, ...] = field(default=())


def skipped(skip: Skipped) -> Report:
    """Report that nothing was to be registered."""
    level: Level = "warning" if skip.warn else "notice"
    return Report(
        0,
        (),
        ((level, f"Nothing was sent to DX. {skip}"),),
        outputs("skipped", str(skip)),
        summary.told("Nothing was sent to DX", str(skip)),
    )


def unusable(
    problems: Sequence[Problem],
    *,
    fail_on_error: bool,
    registration: Registration | None = None,
    results: Sequence[Result] = (),
) -> Report:
    """Report inputs or an event that cannot be used: nothing was sent. `results` are what would have been sent."""
    lines = tuple(str(problem) for problem in problems)
    headline = "Nothing was sent to DX"
    return Report(
        1 if fail_on_error else 0,
        (),
        (("error" if fail_on_error else "warning", "\n".join((f"{headline}: {_counted(lines, 'problem')}.", *lines))),),
        outputs("failed", " ".join(lines), registration, [result.call for result in results], results),
        summary.problems(headline, lines),
        failed=tuple(results),
    )


def cancelled(*, fail_on_error: bool) -> Report:
    """Report that the job was cancelled before anything was sent."""
    reason = "The job was cancelled before anything was sent to DX."
    return Report(
        1 if fail_on_error else 0,
        (),
        (("error" if fail_on_error else "warning", reason),),
        outputs("failed", reason),
        summary.told("Nothing was sent to DX", reason),
    )


def broken(where: str, results: Sequence[Result] = (), *, fail_on_error: bool) -> Report:
    """Report a mistake of this action's own. `where` names code, never text."""
    reason = f"This is a bug of the action, at {where}. Please report it with the log's last group."
    things, done, counted = "deployments", "registered", _deployments(results)
    if not counted:
        things, done, counted = "calls", "taken by DX", list(results)
    held = f" {len([result for result in counted if result.delivered])} of {len(counted)} {things} were {done}."
    text = reason + (held if results else "")
    return Report(
        1 if fail_on_error else 0,
        (),
        (("error" if fail_on_error else "warning", text),),
        outputs("failed", text, results=results, calls=[result.call for result in results]),
        summary.told("The deployment action broke", text),
        failed=tuple(result for result in results if not result.delivered),
    )


def dry_run(registration: Registration, calls: Sequence[Call], *, fail_on_error: bool = True) -> Report:
    """Report a dry run: it fails where the live one would for want of a look-up's answer."""
    level: Level = "error" if fail_on_error else "warning"
    messages = troubles(registration)
    lines = [f"Dry run. A live run would send {_counted(calls, 'request')}:"]
    for call in calls:
        lines += [f"  POST {call.path}", f"    {call.body.decode()}"]
    return Report(
        1 if messages and fail_on_error else 0,
        tuple(lines),
        (*((level, message) for message in messages), *hints(registration.warnings, registration.notices)),
        outputs("dry-run", messages[0] if messages else "", registration, calls),
        summary.dry(registration, calls, (*messages, *registration.warnings, *registration.notices)),
    )


def sent(
    registration: Registration,
    inputs: Inputs,
    results: Sequence[Result],
    updates: Sequence[Call] = (),
    *,
    calls: Sequence[Call],
) -> Report:
    """Report what became of the calls."""
    failed = tuple(result for result in results if not result.delivered)
    status = _status(registration, results, failed)
    level: Level = "error" if inputs.fail_on_error else "warning"
    messages = (*troubles(registration), *failures(results, inputs, registration))
    held = already_held(registration, inputs, results)
    lines = [_line(result) for result in results]
    hinted = hints(registration.warnings, registration.notices)
    negated = "NOT known to be" if any(result.outcome == "unknown" for result in failed) else "NOT"
    things, done, counted = "deployments", "registered in", _deployments(results)
    if any(result.call.subject for result in failed):
        things, done, counted = "calls", "taken by", list(results)
    headline = {
        "pull-services-set": "Services set in DX",
        "registered": "Deployment registered in DX",
        "already-registered": "Deployment already registered in DX",
        "partial": f"{len(failed)} of {len(counted)} {things} {negated} {done} DX"
        if failed
        else "Deployment registered in DX, but services NOT set",
        "failed": f"Deployment {negated} registered in DX"
        if registration.services.value
        else f"Services {negated} set in DX",
    }[status]
    notes = (*messages, *(message for _, message in held), *registration.warnings, *registration.notices)
    return Report(
        1 if messages and inputs.fail_on_error else 0,
        tuple(lines),
        (*((level, message) for message in messages), *held, *hinted),
        outputs(
            status,
            messages[0] if messages else (held[0][1] if held and status == "already-registered" else ""),
            registration,
            [*calls, *updates],
            results,
        ),
        summary.sent(headline, registration, results, notes),
        failed=failed,
    )


def with_problem(report: Report, problem: Problem, *, fail_on_error: bool) -> Report:
    """Give the report with something that went wrong after it was made, unless it tells that already."""
    if any(str(problem) in message.split("\n") for _, message in report.annotations):
        return report
    level: Level = "error" if fail_on_error else "warning"
    return replace(
        report,
        exit_code=1 if fail_on_error else report.exit_code,
        annotations=(*report.annotations, (level, str(problem))),
        lines=(*report.lines, str(problem)),
    )


def _status(registration: Registration, results: Sequence[Result], failed: Sequence[Result]) -> str:
    if failed or registration.problems:
        return "failed" if len(failed) == len(results) else "partial"
    deployments = _deployments(results)
    if not deployments:
        return "pull-services-set"
    held = all(result.outcome == "already-registered" for result in deployments)
    return "already-registered" if held else "registered"


def _deployments(results: Sequence[Result]) -> list[Result]:
    return [result for result in results if not result.call.subject]


def hints(warnings: Sequence[str], notices: Sequence[str]) -> tuple[tuple[Level, str], ...]:
    """Give the annotations of what fails nothing."""
    told: tuple[tuple[Level, str], ...] = tuple(("warning", text) for text in warnings)
    return told + tuple(("notice", text) for text in notices)


def _counted(things: Sequence[object], noun: str) -> str:
    return f"{len(things)} {noun}" + ("" if len(things) == 1 else "s")


def _line(result: Result) -> str:
    how = [f"HTTP {result.http_status}"] if result.http_status else []
    how += [f"{result.attempts} attempts"] if result.attempts > 1 else []
    told = result.delivered or result.error == f"http_{result.http_status}"
    how += [truncate(result.error, 100)] if result.error and not told else []
    return f"  {result.call.label}: {result.outcome}" + (f" ({', '.join(how)})" if how else "")

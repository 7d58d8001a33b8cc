"""Owns what a backfill says of itself: how it ended → log lines, annotations, outputs, summary, exit code. Pure."""

from collections.abc import Sequence

from dx_action.backfill import summary as backfill_summary
from dx_action.backfill.messages import BackfillResult, already_held, counted, failures
from dx_action.deployment.calls import Call, Result
from dx_action.deployment.trigger import Skipped
from dx_action.errors import Level, Problem
from dx_action.report.endings import Report, hints, skipped, with_problem
from dx_action.report.outputs import outputs
from dx_action.text import one_line

MOST_SHOWN = 200
_MOST_NAMES = 2_000


def nothing(notices: Sequence[str] = ()) -> Report:
    """Report that there are no rows."""
    return skipped(Skipped("There is nothing to backfill.", " ".join(notices)))


def written(ending: BackfillResult, path: str) -> Report:
    """Report the CSV: nothing was sent."""
    text = f"{len(ending.tally):,} {ending.noun} written to {one_line(path)}. Nothing was sent to DX."
    shown = backfill_summary.summary("Backfill written, nothing sent", ending, (text, *ending.notices))
    return Report(0, (text,), hints(ending.warnings, ending.notices), _outputs("written", "", ending), shown)


def dry_run(ending: BackfillResult, calls: Sequence[Call]) -> Report:
    """Report a dry run. `calls` are the first requests, in the order in which one lane would send them."""
    total = len(ending.tally)
    lines = [f"Dry run. A live run would send {total:,} request{'' if total == 1 else 's'}:"]
    for call in calls:
        lines += [f"  POST {call.path}", f"    {call.body.decode()}"]
    if total > len(calls):
        lines.append(f"  … and {total - len(calls):,} more, which are not shown.")
    notes = (*ending.warnings, *ending.notices)
    shown = backfill_summary.summary("Dry run: nothing was sent to DX", ending, notes)
    found = _outputs("dry-run", "", ending, ids=[call.reference_id for call in calls])
    return Report(0, tuple(lines), hints(ending.warnings, ending.notices), found, shown)


def sent(ending: BackfillResult, *, fail_on_error: bool, problems: Sequence[Problem] = ()) -> Report:
    """Report what became of the rows. `problems` are what else went wrong, such as why those that failed could not be kept."""
    messages, held = failures(ending), already_held(ending)
    level: Level = "error" if fail_on_error else "warning"
    status = _status(ending)
    texts = [text for _, text in held]
    reason = (messages or (texts if status == "already-registered" else []) or [""])[0]
    results = [line.result for line in (*ending.tally.failed, *ending.tally.delivered)]
    notes = (*messages, *texts, *ending.warnings, *ending.notices)
    told = Report(
        1 if messages and fail_on_error else 0,
        (counted(ending),),
        (*((level, text) for text in messages), *held, *hints(ending.warnings, ending.notices)),
        _outputs(status, reason, ending, results, [result.call.reference_id for result in results]),
        backfill_summary.summary(_headline(status, ending), ending, notes),
    )
    for problem in problems:
        told = with_problem(told, problem, fail_on_error=fail_on_error)
    return told


def _status(ending: BackfillResult) -> str:
    if ending.missing:
        return "partial" if ending.tally.held else "failed"
    if not any(ending.rows.times):
        return "pull-services-set"
    return "registered" if ending.tally.counts["accepted"] else "already-registered"


def _headline(status: str, ending: BackfillResult) -> str:
    total = len(ending.tally)
    match status:
        case "pull-services-set":
            return "Services set in DX"
        case "registered":
            return f"{total:,} {ending.noun} registered in DX"
        case "already-registered":
            return f"{total:,} {ending.noun} already registered in DX"
    negated = "NOT known to be" if ending.tally.counts["unknown"] else "NOT"
    return f"{ending.missing:,} of {total:,} {ending.noun} {negated} registered in DX"


def _outputs(
    status: str, reason: str, ending: BackfillResult, results: Sequence[Result] = (), ids: Sequence[str] = ()
) -> dict[str, str]:
    """Give the outputs: what there are thousands of is cut, failures kept first."""
    rows = ending.rows
    pulls = {key for key, time in zip(rows.keys, rows.times, strict=True) if not time}
    services: dict[str, None] = {}
    for key, (_, service, _) in enumerate(rows.names):
        if key not in pulls and len(services) < _MOST_NAMES:
            services[service] = None
    repositories = {repository for repository, _, _ in rows.names if repository}
    cut = any(0 < len(some) < len(rows) for some in (results, ids))
    ids = [each for each in ids[:_MOST_NAMES] if each]
    more = {"services": list(services), "reference-ids": ids}
    found = outputs(status, reason, results=results, more=more)
    return found | {
        "repository": one_line(repositories.pop()) if len(repositories) == 1 else "",
        "reference-id": one_line(ids[0]) if len(ids) == len(rows) == 1 else "",
        "truncated": "true" if cut else found["truncated"],
    }

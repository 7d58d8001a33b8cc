"""A backfill's report: how it ended → log lines, annotations, outputs, summary, exit code. Pure."""

from collections.abc import Sequence

from dx_action.backfill import summary as backfill_summary
from dx_action.backfill.summary import by_outcome
from dx_action.backfill.tally import MOST_LINES, BackfillResult, Kind
from dx_action.deployment.calls import Call, Result
from dx_action.deployment.trigger import Skipped
from dx_action.errors import Level, Problem
from dx_action.report.endings import Report, conclude, dry_run_lines, headline, hints, skipped, status_of, with_problem
from dx_action.report.failures import TOKEN_ERRORS, already_registered, limited, message, not_done, saved_in
from dx_action.report.outputs import outputs
from dx_action.text import one_line, plural

MOST_SHOWN = 200
_MOST_NAMES = 2_000
# Which errors explain that the rest was not sent, by the reason why it was not.
_CAUSES = {"unauthorized_before": TOKEN_ERRORS, "http_429": ("http_429",)}


def nothing(notices: Sequence[str] = ()) -> Report:
    """Report that there are no rows."""
    return skipped(Skipped("There is nothing to backfill.", " ".join(notices)))


def written(ending: BackfillResult, path: str) -> Report:
    """Report the CSV: nothing was sent."""
    text = f"{plural(len(ending.tally), ending.noun)} written to {one_line(path)}. Nothing was sent to DX."
    shown = backfill_summary.summary("Backfill written, nothing sent to DX", ending, (text, *ending.notices))
    return conclude((), hints(ending.warnings, ending.notices), _outputs("written", "", ending), shown, lines=[text])


def dry_run(ending: BackfillResult, calls: Sequence[Call]) -> Report:
    """Report a dry run. `calls` are the first requests, in the order in which one lane would send them."""
    total = len(ending.tally)
    lines = dry_run_lines(total, calls)
    if total > len(calls):
        lines.append(f"  … and {total - len(calls):,} more, not shown.")
    shown = backfill_summary.summary("Dry run: nothing was sent to DX", ending, (*ending.warnings, *ending.notices))
    found = _outputs("dry-run", "", ending, ids=[call.reference_id for call in calls])
    return conclude((), hints(ending.warnings, ending.notices), found, shown, lines=lines)


def sent(ending: BackfillResult, *, fail_on_error: bool, problems: Sequence[Problem] = ()) -> Report:
    """Report what became of the rows. `problems` are what else went wrong, such as a `failed-file` that cannot be written."""
    messages, already = failures(ending), conflicts(ending)
    counts, total, pulls_only = ending.tally.counts, len(ending.tally), not any(ending.rows.times)
    status = status_of(ending.missing, total, deployments=not pulls_only, accepted=bool(counts["accepted"]))
    texts = [text for _, text in already]
    reason = (messages or (texts if status == "already-registered" else []) or [""])[0]
    results = [line.result for line in (*ending.tally.failed, *ending.tally.delivered)]
    title = headline(status, ending.noun, ending.missing, total, unknown=bool(counts["unknown"]))
    report = conclude(
        messages,
        (*already, *hints(ending.warnings, ending.notices)),
        _outputs(status, reason, ending, results, [result.call.reference_id for result in results]),
        backfill_summary.summary(title, ending, (*messages, *texts, *ending.warnings, *ending.notices)),
        fail_on_error=fail_on_error,
        lines=[counted(ending)],
    )
    for problem in problems:
        report = with_problem(report, problem, fail_on_error=fail_on_error)
    return report


def failures(ending: BackfillResult) -> list[str]:
    """Return one message for each kind of failure; what was not sent because of one belongs to it."""
    unsent = ending.tally.counts["not-sent"] - ending.held_back
    kinds = sorted(ending.tally.kinds.items(), key=lambda item: -item[1].count)
    cause = next((name for name, _ in kinds if name[1] in _CAUSES.get(ending.reason, ())), None)
    messages = []
    if unsent and ending.reason == "cancelled":
        messages.append(f"The job was cancelled. {counted(ending)}")
    elif unsent and not cause:
        messages.append(message(_clause(ending, unsent), ending.reason))
    for name, kind in sorted(kinds, key=lambda item: item[0] != cause):
        rest = f" Because of it, {unsent:,} more {'was' if unsent == 1 else 'were'} not sent."
        messages.append(_message(name, kind, ending) + (rest if unsent and name == cause else ""))
    if ending.held_back:
        messages.append(message(_clause(ending, ending.held_back), "order_kept"))
    messages = limited(messages)
    if messages:
        messages[0] += f" {_how_to_go_on(ending)}"
    return messages


def conflicts(ending: BackfillResult) -> list[tuple[Level, str]]:
    """Return the hint on rows that were already registered: worth a look if somebody wrote them into a file."""
    count = ending.tally.counts["already-registered"]
    if not count:
        return []
    first = [line.number for line in ending.tally.delivered if line.result.outcome == "already-registered"]
    which = f"{_share(ending, count, first[:MOST_LINES])} {'is' if count == 1 else 'are'}"
    level: Level = "warning" if ending.from_file else "notice"
    return [(level, f"{already_registered(which)} If the rows correct what is registered, set `on-conflict: update`.")]


def counted(ending: BackfillResult) -> str:
    """Count all outcomes in a line."""
    outcomes = by_outcome(ending.tally.counts, pulls=ending.noun == "pull request")
    return f"{plural(len(ending.tally), ending.noun)}: {outcomes}."


def _message(name: tuple[str, str], kind: Kind, ending: BackfillResult) -> str:
    outcome, error = name
    if not error:
        return f"{_share(ending, kind.count, kind.lines)} failed for other reasons."
    clause = _clause(ending, kind.count, kind.lines, unknown=outcome == "unknown")
    return message(clause, error, kind.first.http_status, kind.first.message)


def _clause(ending: BackfillResult, count: int, lines: Sequence[int] = (), *, unknown: bool = False) -> str:
    return not_done(ending.noun, _share(ending, count, lines), unknown=unknown)


def _share(ending: BackfillResult, count: int, lines: Sequence[int]) -> str:
    """Say how many of all, and the first of their lines: `312 of 400 deployments (lines 17, 20 and 310 more)`."""
    share = f"{count:,} of {plural(len(ending.tally), ending.noun)}"
    if not lines:
        return share
    *some, last = [f"{line}" for line in lines] + ([f"{count - len(lines):,} more"] if count > len(lines) else [])
    listed = f"{', '.join(some)} and {last}" if some else last
    return f"{share} ({ending.line_noun}{'s' if count > 1 else ''} {listed})"


def _how_to_go_on(ending: BackfillResult) -> str:
    again = "deployments that are already registered stay as they are."
    if ending.saved:
        return f"Everything that DX may not have registered is {saved_in(ending.saved)}; {again}"
    if ending.reason == "cancelled":
        return f"Run the same backfill again: {again}"
    return f"Once this is fixed, run the same backfill again: {again}"


def _outputs(
    status: str, reason: str, ending: BackfillResult, results: Sequence[Result] = (), ids: Sequence[str] = ()
) -> dict[str, str]:
    """Return the outputs. Thousands of values are cut, and failures kept first."""
    rows = ending.rows
    pulls = {key for key, time in zip(rows.keys, rows.times, strict=True) if not time}
    services: dict[str, None] = {}
    for key, (_, service, _) in enumerate(rows.names):
        if key not in pulls and len(services) < _MOST_NAMES:
            services[service] = None
    repositories = {repository for repository, _, _ in rows.names if repository}
    cut = any(0 < len(shown) < len(rows) for shown in (results, ids))
    ids = [reference_id for reference_id in ids[:_MOST_NAMES] if reference_id]
    found = outputs(status, reason, results=results, more={"services": list(services), "reference-ids": ids})
    return found | {
        "repository": one_line(repositories.pop()) if len(repositories) == 1 else "",
        "reference-id": one_line(ids[0]) if len(ids) == len(rows) == 1 else "",
        "truncated": "true" if cut else found["truncated"],
    }

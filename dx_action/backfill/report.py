"""A backfill's report: how it ended → log lines, annotations, outputs, summary, exit code. Pure."""

from collections import defaultdict
from collections.abc import Sequence

from dx_action.backfill.summary import by_outcome, done_with, summary
from dx_action.backfill.tally import MOST_LINES, BackfillResult, Unread
from dx_action.deployment.calls import Call, Result
from dx_action.deployment.trigger import Skipped
from dx_action.errors import FailOnError, Failure, Problem
from dx_action.inputs.times import iso
from dx_action.report.endings import Report, dry_run_of, headline, reason_of, skipped, status_of, with_problem
from dx_action.report.failures import (
    PASSING,
    TOKEN_ERRORS,
    Hint,
    already_registered,
    is_absent,
    limited,
    message,
    not_done,
    saved_in,
)
from dx_action.report.outputs import outputs
from dx_action.text import join_names, one_line, plural

MOST_SHOWN = 200
_MOST_NAMES = 2_000
# Which errors explain that the rest was not sent, by the reason why it was not.
_CAUSES = {"unauthorized_before": TOKEN_ERRORS, "http_429": ("http_429",)}


def nothing(hints: Sequence[Hint]) -> Report:
    """Report that there are no rows. The notices say why."""
    notices = " ".join(text for level, text in hints if level == "notice")
    report = skipped(Skipped("There is nothing to backfill.", notices))
    return report._replace(hints=(*report.hints, *(hint for hint in hints if hint[0] != "notice")))


def no_pulls(ending: BackfillResult) -> Report:
    """Report that no pull request of a window is sent."""
    window = ending.window
    read, place = (window.read, window.place) if window else (0, "")
    if not read:
        skip = Skipped(
            f"No pull request was merged {place}.", "Set an earlier `since`, or name the branches in `only-branches`."
        )
    else:
        which = f"{plural(read, 'pull request was', 'pull requests were')} merged {place}, and none touches a service."
        skip = Skipped(which, "If some should, add their files to what `services-from` or `service-map` names.")
    report = skipped(skip)
    return report._replace(hints=(*report.hints, *ending.hints))


def written(ending: BackfillResult, path: str) -> Report:
    """Report the CSV: nothing was sent."""
    text = f"{plural(len(ending.tally), ending.noun)} written to {one_line(path)}. Nothing was sent to DX."
    return Report(
        outputs=_outputs("written", "", ending),
        title="Backfill written, nothing sent to DX",
        body=summary(ending),
        hints=(("notice", text), *ending.hints),
        lines=[text],
    )


def dry_run(ending: BackfillResult, calls: Sequence[Call], *, fail_on_error: FailOnError = "true") -> Report:
    """Report a dry run. `calls` are the first requests, in the order in which one lane would send them.

    It fails if the live run would fail because a look-up failed.
    """
    messages = unread(ending)
    found = _outputs("dry-run", messages[0].text if messages else "", ending, calls)
    report = dry_run_of(calls, total=len(ending.tally), outputs=found, body=summary(ending), hints=ending.hints)
    return report._replace(messages=messages, fail_on_error=fail_on_error)


def sent(ending: BackfillResult, *, fail_on_error: FailOnError, problems: Sequence[Problem] = ()) -> Report:
    """Report what became of the rows. `problems` are what else went wrong, such as a `failed-file` that cannot be written."""
    tally, total = ending.tally, ending.total
    accepted = any(time and tally[index] == "accepted" for index, time in enumerate(ending.rows.times))
    status = status_of(ending.missing, total, deployments=any(ending.rows.times), accepted=accepted)
    if ending.rows.corrections and status in ("already-registered", "pull-services-set"):
        status = "updated" if ending.rows.counts["deployments.update"] else "deleted"
    noun, counted_rows = ending.noun, total
    if status == "already-registered":  # that is said of deployments, whatever became of pull requests
        noun, counted_rows = "deployment", sum(map(bool, ending.rows.times))
    title = headline(status, noun, ending.missing, counted_rows, unknown=bool(tally.counts["unknown"]))
    messages, already = failures(ending), conflicts(ending)
    results = [line.result for line in (*tally.failed, *tally.delivered)]
    reason = reason_of(status, title, messages, already)
    report = Report(
        outputs=_outputs(status, reason, ending, [result.call for result in results], results),
        title=title,
        body=summary(ending),
        done="" if status == "already-registered" else f"{title}. {counted(ending)}",
        messages=messages,
        hints=(*already, *absent(ending), *ending.hints),
        lines=[counted(ending)],
        undelivered=[line.result.call for line in tally.failed if line.result.call.body],
        saved=True,
        fail_on_error=fail_on_error,
    )
    for problem in problems:
        report = with_problem(report, problem, fail_on_error=fail_on_error)
    return report


def failures(ending: BackfillResult) -> list[Failure]:
    """Return one message for each kind of failure; what was not sent because of one belongs to it."""
    unsent = ending.tally.counts["not-sent"] - ending.held_back
    kinds = sorted(ending.tally.kinds.items(), key=lambda item: -item[1].count)
    cause = next((name for name, _ in kinds if name[1] in _CAUSES.get(ending.reason, ())), None)
    messages: list[Failure] = []
    if unsent and ending.reason == "cancelled":
        messages.append(Failure(f"The job was cancelled. {counted(ending)}"))
    elif unsent and not cause:
        messages.append(Failure(message(_clause(ending, unsent), ending.reason), ending.reason in PASSING))
    for name, kind in sorted(kinds, key=lambda item: item[0] != cause):
        outcome, error = name
        text = f"{_share(ending, kind.count, kind.lines)} failed for other reasons."
        if error:
            clause = _clause(ending, kind.count, kind.lines, unknown=outcome == "unknown")
            text = message(clause, error, kind.first.http_status, kind.first.message)
        if unsent and name == cause:
            text += f" Because of it, {unsent:,} more {'was' if unsent == 1 else 'were'} not sent."
        messages.append(Failure(text, kind.outage))
    if ending.held_back:
        messages.append(Failure(message(_clause(ending, ending.held_back), "order_kept"), outage=True))
    if messages:
        messages[0] = Failure(f"{messages[0].text} {_how_to_go_on(ending)}", messages[0].outage)
    return limited([*messages, *unread(ending)])


def unread(ending: BackfillResult) -> list[Failure]:
    """Return one message for each reason why files of pull requests are not known: what is unknown is not none."""
    reasons: defaultdict[tuple[str, bool], list[Unread]] = defaultdict(list)
    for pull in ending.window.unread if ending.window else ():
        reasons[pull.reason, pull.outage].append(pull)
    messages = []
    for (reason, outage), pulls in reasons.items():
        numbers = join_names([f"#{pull.number}" for pull in pulls if pull.number])
        which = plural(len(pulls), "pull request") + (f" ({numbers})" if numbers else "")
        since = iso(min(pull.merged_at for pull in pulls))
        text = f"The services of {which} are not set, because their files are not known: {reason}."
        alone = " or with the `pull-number` of each" if numbers else ""
        again = f"Once this is fixed, run the step again with `since: {since}`{alone}."
        saved = f" They are not in {one_line(ending.saved)}." if ending.saved else ""
        messages.append(Failure(f"{text} {again}{saved}", outage))
    return messages


def conflicts(ending: BackfillResult) -> list[Hint]:
    """Return the hint on rows that were already registered: worth a look if somebody wrote them into a file."""
    count = ending.tally.counts["already-registered"]
    if not count:
        return []
    first = [line.number for line in ending.tally.delivered if line.result.outcome == "already-registered"]
    which = f"{_share(ending, count, first[:MOST_LINES])} {'is' if count == 1 else 'are'}"
    text = f"{already_registered(which)} If the rows correct what is registered, set `on-conflict: update`."
    return [("warning" if ending.from_file else "notice", text)]


def absent(ending: BackfillResult) -> list[Hint]:
    """Return the hint on deletions of what DX does not have."""
    if not (count := ending.tally.absent):
        return []
    lines = [line.number for line in ending.tally.delivered if is_absent(line.result)]
    which = _share(ending, count, lines[:MOST_LINES])
    return [("notice", f"DX answered for {which} that there was no deployment to delete. Check their `reference_id`.")]


def counted(ending: BackfillResult) -> str:
    """Count all outcomes in a line."""
    outcomes = [by_outcome(ending.tally.counts, done_with(ending))] if len(ending.tally) else []
    if ending.window:
        outcomes += [f"{len(ending.window.unread):,} not known"] if ending.window.unread else []
    line = f"{plural(ending.total, ending.noun)}: {', '.join(outcomes)}."
    if failed := ending.tally.unsuccessful:
        line += f" Of those that DX has, {plural(failed, 'is a failed deployment', 'are failed deployments')}."
    return f"{line} {ending.window.left_out}".rstrip() if ending.window else line


def _clause(ending: BackfillResult, count: int, lines: Sequence[int] = (), *, unknown: bool = False) -> str:
    return not_done(ending.noun, _share(ending, count, lines), unknown=unknown)


def _share(ending: BackfillResult, count: int, lines: Sequence[int]) -> str:
    """Say how many of all, and the first of their lines: `312 of 400 deployments (lines 17, 20 and 310 more)`.

    A pull request of a window has its number: `(#17, #20 and 310 more)`.
    """
    share = f"{count:,} of {plural(ending.total, ending.noun)}"
    if not lines:
        return share
    names = [f"#{line}" if ending.window else f"{line}" for line in lines]
    *some, last = names + ([f"{count - len(lines):,} more"] if count > len(lines) else [])
    listed = f"{', '.join(some)} and {last}" if some else last
    noun = "" if ending.window else f"{ending.line_noun}{'s' if count > 1 else ''} "
    return f"{share} ({noun}{listed})"


def _how_to_go_on(ending: BackfillResult) -> str:
    again = "deployments that are already registered stay as they are."
    if ending.noun == "pull request":
        again = "setting the same services again changes nothing."
    elif ending.rows.corrections:
        again = "updates and deletions may be sent any number of times."
    if ending.saved and ending.rows.counts["deployments.delete"]:
        again += " Set `confirm-delete` to the number of rows to delete in it."
    at = ending.window.resume_at(ending.tally) if ending.window else None
    if at:
        step = f"{'Or run' if ending.saved else 'Run'} the step again with `since: {iso(at)}`: all that was merged before is done"
        saved = f"What DX may not have set is {saved_in(ending.saved)}. " if ending.saved else ""
        return f"{saved}{step}, and {again}"
    if ending.saved:
        return f"Everything that DX may not have registered is {saved_in(ending.saved)}; {again}"
    if ending.reason == "cancelled":
        return f"Run the same backfill again: {again}"
    return f"Once this is fixed, run the same backfill again: {again}"


def _outputs(
    status: str, reason: str, ending: BackfillResult, calls: Sequence[Call] = (), results: Sequence[Result] = ()
) -> dict[str, str]:
    """Return the outputs. `calls` are those whose ids are known. Thousands of values are cut, and failures kept first."""
    rows = ending.rows
    pulls = {key for key, time in zip(rows.keys, rows.times, strict=True) if not time}
    services = dict.fromkeys(service for key, (_, service, _) in enumerate(rows.names) if key not in pulls)
    repositories = {repository for repository, _, _ in rows.names if repository}
    ids = [call.reference_id for call in calls[:_MOST_NAMES] if call.reference_id]
    lists = {"services": list(services)[:_MOST_NAMES], "reference-ids": ids}
    if window := ending.window:
        repositories = {window.repository}
        lists["services"] = list(dict.fromkeys(name for names in window.services for name in names))[:_MOST_NAMES]
    found = outputs(status, reason, results=results, more=lists)
    if window and len(rows) == 1:
        found["pull-number"] = str(rows.line(0))
        found["pull-id"] = str(rows.call(0).json().get("github_pull_id", ""))
    return found | {
        "repository": one_line(repositories.pop()) if len(repositories) == 1 else "",
        "reference-id": one_line(ids[0]) if len(ids) == len(rows) == 1 else "",
        "truncated": "true" if 0 < len(calls) < len(rows) else found["truncated"],
    }

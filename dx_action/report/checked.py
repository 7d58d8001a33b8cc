"""The report of `operation: check`: a line of the log and a row of the summary for each thing that was checked. Pure."""

from collections.abc import Sequence

from dx_action.deployment.calls import Call
from dx_action.deployment.registration import Registration
from dx_action.errors import FailOnError, Failure
from dx_action.report.checks import Check, Outcome
from dx_action.report.endings import Report, request_lines
from dx_action.report.failures import Hint
from dx_action.report.outputs import outputs
from dx_action.report.summary import identifier, requests, table
from dx_action.text import markdown, one_line, plural, truncate

_MARKS: dict[Outcome, str] = {"ok": "✅ ok", "warning": "⚠️ warning", "failed": "❌ failed"}
_WOULD_SEND = "What this step would send"


def checked(
    checks: Sequence[Check],
    registration: Registration | None,
    calls: Sequence[Call],
    notices: Sequence[str],
    fail_on_error: FailOnError,
) -> Report:
    """Report what was checked, and what would be sent."""
    bad, doubtful = ([each for each in checks if each.outcome == outcome] for outcome in ("failed", "warning"))
    counts = [plural(len(doubtful), "warning")] if doubtful else []
    if bad:
        counts = [f"{len(bad)} of {plural(len(checks), 'line')} failed", *counts]
    title = f"Check: {', '.join(counts) or 'everything is ok'}"
    ranked = (*bad, *doubtful, *(each for each in checks if each.outcome == "ok"))
    rows = [(_MARKS[each.outcome], identifier(each.name), markdown(each.message)) for each in ranked]
    shown = requests(calls)
    hints: list[Hint] = [("warning", each.message) for each in doubtful]
    return Report(
        outputs=outputs(
            "failed" if bad else "checked",
            " ".join(each.message for each in bad),
            registration,
            calls,
            more={"checks": [_output(each) for each in checks]},
        ),
        title=title,
        body=table(("outcome", "checked", "what was found"), rows, prose=("what was found",))
        + (f"\n<details><summary>{_WOULD_SEND}</summary>\n\n{shown}</details>\n" if shown else ""),
        done=f"{title}.",
        messages=[Failure(each.message, each.outage) for each in bad],
        hints=(*hints, *(("notice", text) for text in notices)),
        tabled={each.message for each in checks},
        lines=[*(_line(each) for each in checks), *_would_send(calls)],
        fail_on_error=fail_on_error,
    )


def _output(check: Check) -> dict[str, str]:
    message = truncate(one_line(check.message), 2000)
    return {"name": check.name, "outcome": check.outcome, "message": message}


def _line(check: Check) -> str:
    return f"{check.outcome:<8} {check.name}: {check.message}"


def _would_send(calls: Sequence[Call]) -> list[str]:
    return [f"{_WOULD_SEND}:", *(f"  {line}" for line in request_lines(calls))] if calls else []

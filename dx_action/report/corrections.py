"""The reports of `operation: update` and `operation: delete`: one call, and what became of it. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from dx_action.deployment.calls import Call, Result
from dx_action.errors import Failure
from dx_action.inputs.model import Inputs
from dx_action.report.endings import Report, dry_run_of, result_line
from dx_action.report.failures import Hint, is_absent, is_outage, message, not_done, saved_in
from dx_action.report.outputs import outputs
from dx_action.report.summary import cell, table
from dx_action.text import one_line, quoted, truncate

# What each call is, in a message, and what it makes of the deployment.
_NOUNS = {"deployments.update": ("update", "updated"), "deployments.delete": ("deletion", "deleted")}


def lines(call: Call) -> tuple[str, ...]:
    """Return the log of what is sent: the inputs alone, as each value comes from one."""
    values = (f"  {name:<18} {truncate(text, 300)}" for name, text in call.texts().items())
    return (f"The {_NOUNS[call.method][0]}, from the inputs alone:", *values)


def dry_run(call: Call, hints: Sequence[Hint]) -> Report:
    """Report a dry run."""
    return dry_run_of([call], outputs=_outputs("dry-run", "", call), body=_table(call), hints=hints)


def sent(result: Result, inputs: Inputs, hints: Sequence[Hint]) -> Report:
    """Report what became of the call."""
    call, done = result.call, _NOUNS[result.call.method][1]
    if call.json().get("success") is False:
        done += " as failed"
    report = Report(
        outputs=_outputs(_NOUNS[call.method][1], "", call, [result]),
        title=f"Deployment {done} in DX",
        body=_table(call),
        hints=(*_unheld(result), *hints),
        lines=[result_line(result, call.label)],
    )
    if result.delivered:
        return report._replace(done=f"{report.title}: {one_line(truncate(call.reference_id, 200))}.")
    failure = Failure(f"{_message(result)} {_what_to_do(result, inputs)}".rstrip(), is_outage(result))
    report = report._replace(
        outputs=_outputs("failed", failure.text, call, [result]),
        title=f"Deployment {'NOT known to be' if result.outcome == 'unknown' else 'NOT'} {done} in DX",
        messages=[failure],
        undelivered=[call],
        fail_on_error=inputs.fail_on_error,
    )
    if not inputs.failed_file:
        return report
    return report._replace(unsaved=sent(result, inputs.model_copy(update={"failed_file": None}), hints))


def _message(result: Result) -> str:
    which = f"the deployment {one_line(truncate(result.call.reference_id, 100))}"
    clause = not_done(_NOUNS[result.call.method][0], which, unknown=result.outcome == "unknown")
    return message(clause, result.error, result.http_status, result.message)


def _what_to_do(result: Result, inputs: Inputs) -> str:
    noun, texts = _NOUNS[result.call.method][0], []
    if result.outcome == "unknown":
        texts.append(f"Run this step again with the same inputs: the same {noun} can be sent any number of times.")
    if inputs.failed_file:
        confirmed = " with `confirm-delete: 1`" if result.call.method == "deployments.delete" else ""
        texts.append(f"The request is {saved_in(inputs.failed_file)}{confirmed}.")
    return " ".join(texts)


def _unheld(result: Result) -> tuple[Hint, ...]:
    """Return the notice on a deletion of what DX does not have."""
    if not is_absent(result):
        return ()
    if result.error:
        again = ", or an earlier attempt has deleted it" if result.attempts > 1 else ""
        text = f"DX answered that it has no deployment with this `reference_id`{again}. If there should be one, check the id."
    else:
        said = quoted(truncate(result.message, 100))
        text = f"DX did not answer that it deleted a deployment, but {said}. Check `reference-id`."
    return (("notice", text),)


def _table(call: Call) -> str:
    rows = [(name, cell(text, 300)) for name, text in call.texts().items()]
    return table((_NOUNS[call.method][0], "value"), rows, prose=("value",))


def _outputs(status: str, reason: str, call: Call, results: Sequence[Result] = ()) -> dict[str, str]:
    body: Mapping[str, Any] = call.json()
    lists: dict[str, list[Any]] = {
        "reference-ids": [call.reference_id],
        "services": [call.service] if call.service else [],
        "merge-commit-shas": body.get("merge_commit_shas", []),
    }
    texts = {
        name: one_line(body.get(name.replace("-", "_"), "")) for name in ("repository", "commit-sha", "deployed-at")
    }
    found = outputs(status, reason, None, [call], results, lists)
    return found | texts | {"reference-id": one_line(call.reference_id)}

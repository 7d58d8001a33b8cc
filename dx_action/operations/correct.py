"""The operations `update` and `delete`: a deployment that DX has is corrected by its id, with what is written and nothing else."""

from collections.abc import Sequence

from dx_action.deployment.calls import Call, Result, refuse_secrets
from dx_action.deployment.corrections import correction
from dx_action.deployment.trigger import Skipped
from dx_action.deployment.unused import unused_inputs
from dx_action.errors import BadInput
from dx_action.inputs.model import Inputs, missing_connection
from dx_action.operations.register import Sending, check_files, lookups_for
from dx_action.report import corrections, endings
from dx_action.runner.event import Event
from dx_action.runner.runtime import Runtime


def correct(step: endings.Step, inputs: Inputs, runtime: Runtime) -> endings.Report:
    """Send the one call. The event is not read, so that any will do. Raises ActionError, Interrupted."""
    if inputs.success == "skip":
        return endings.skipped(Skipped("`success` says that the deployment was cancelled or skipped."))
    call = correction(inputs)
    refuse_secrets([call], None, step.workflow.secrets)
    for line in corrections.lines(call):
        step.workflow.say(line)
    step.workflow.debug(f"POST {call.path} {call.body.decode()}")
    notices = unused_inputs(inputs, Event(name=runtime.event_name))

    def fetch(path: str) -> bytes | None:
        return lookups_for(step, inputs, runtime)(runtime.repository, True, runtime.sha or None).named_file(path)

    def report(results: Sequence[Result], _updates: Sequence[Call], warnings: Sequence[str]) -> endings.Report:
        return corrections.sent(results[0], inputs, endings.hints(warnings, notices))

    named = fetch if inputs.github_token else None
    if inputs.dry_run:
        check_files(step, inputs, named)
        return corrections.dry_run(call, endings.hints((), notices))
    sending = Sending(step, inputs, [[call]], report)
    step.results, step.ending = sending.results, sending.report
    if missing := missing_connection(inputs, runtime.actor):
        raise BadInput(*missing)
    sending.send(named)
    return sending.report("out_of_time")

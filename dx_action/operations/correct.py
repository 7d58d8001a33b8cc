"""The operations `update` and `delete`: a deployment that DX has is corrected by its id, with what is written and nothing else."""

from collections.abc import Sequence

from dx_action.deployment.calls import Call, Result, refuse_secrets
from dx_action.deployment.corrections import correction
from dx_action.deployment.trigger import Skipped
from dx_action.deployment.unused import unused_inputs
from dx_action.errors import BadInput
from dx_action.inputs.model import Inputs, missing_connection
from dx_action.operations.register import Sending
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

    def report(results: Sequence[Result], _updates: Sequence[Call], warnings: Sequence[str]) -> endings.Report:
        return corrections.sent(results[0], inputs, endings.hints(warnings, notices))

    fetch = step.fetch(inputs, runtime, runtime.sha)
    if inputs.dry_run:
        step.check_files(inputs, fetch)
        return corrections.dry_run(call, endings.hints((), notices))
    sending = Sending(step, inputs, [[call]], report)
    step.results, step.ending = sending.results, sending.report
    if missing := missing_connection(inputs, runtime.actor):
        raise BadInput(*missing)
    sending.send(fetch)
    return sending.report("out_of_time")

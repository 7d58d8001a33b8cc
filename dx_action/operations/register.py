"""The registering of a deployment and the setting of pull requests' services: what a step does with its event."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from dx_action.deployment.calls import Call, Result, deployment_calls, pull_calls, refuse_secrets
from dx_action.deployment.registration import resolve
from dx_action.deployment.trigger import Skipped
from dx_action.deployment.unused import unused_inputs
from dx_action.errors import ActionError, BadInput
from dx_action.inputs.model import Inputs, missing_connection
from dx_action.report import endings
from dx_action.report.log import registration_lines
from dx_action.runner.runtime import Runtime

if TYPE_CHECKING:
    from dx_action.dx.sender import Sender
    from dx_action.github.lookups import Lookups
    from dx_action.inputs.job import Job

# The share of the time that calls about pull requests may use, so that the deployments get theirs.
_SHARE = 0.5


def register(step: endings.Step, inputs: Inputs, runtime: Runtime, job: "Job | None" = None) -> endings.Report:
    """Decide and send. `job` is the job that ended, in `job/`. Raises ActionError, Interrupted."""
    event = step.read_event(runtime)

    def lookups(repository: str, own: bool, commit: str | None) -> "Lookups":
        from dx_action.github.lookups import Lookups  # noqa: PLC0415 - most runs look nothing up

        return Lookups(repository, own, commit, step.github(inputs, runtime))

    is_tag = (lambda name: lookups(runtime.repository, True, None).is_tag(name)) if inputs.github_token else None
    missing = missing_connection(inputs, runtime.actor)
    try:
        registration = resolve(inputs, runtime, event, step.clock.now(), lookups, is_tag, job)
    except ActionError as error:
        raise ActionError(*error.problems, *missing) from None
    if isinstance(registration, Skipped):
        return endings.skipped(registration)
    notices = (*unused_inputs(inputs, event), *registration.notices)
    registration = registration._replace(notices=notices)
    groups = [group for group in (pull_calls(registration), deployment_calls(registration, inputs)) if group]
    calls = [call for group in groups for call in group]
    refuse_secrets(calls, registration, step.workflow.secrets)
    step.registration = registration
    for line in registration_lines(event, registration):
        step.workflow.say(line)
    for call in calls:
        step.workflow.debug(f"POST {call.path} {call.body.decode()}")

    def report(results: Sequence[Result], updates: Sequence[Call], warnings: Sequence[str]) -> endings.Report:
        warned = registration._replace(warnings=(*registration.warnings, *warnings))
        return endings.sent(warned, inputs, results, updates, calls=calls)

    own = registration.repository.value.casefold() == runtime.repository.casefold()
    fetch = step.fetch(inputs, runtime, (own and registration.sha) or runtime.sha)
    if inputs.dry_run:
        step.check_files(inputs, fetch)
        return endings.dry_run(registration, calls, fail_on_error=inputs.fail_on_error)
    sending = Sending(step, inputs, groups, report)
    step.results, step.ending = sending.results, sending.report
    if missing:
        raise BadInput(*registration.problems, *missing)
    sending.send(fetch)
    return sending.report("out_of_time")


class Sending:
    """The calls of a step, in groups that are sent one after the other, and what became of each call.

    `finish` makes the report, of the results, the updates that `on-conflict` made besides, and warnings about the connection.
    """

    def __init__(
        self,
        step: endings.Step,
        inputs: Inputs,
        groups: Sequence[Sequence[Call]],
        finish: Callable[[Sequence[Result], Sequence[Call], Sequence[str]], endings.Report],
    ) -> None:
        from dx_action.dx.sender import Batch  # noqa: PLC0415 - only if something is to be sent

        self._step, self._inputs, self._finish = step, inputs, finish
        self._calls = [call for group in groups for call in group]
        self._batches = [Batch(group) for group in groups]
        self._senders: list[Sender] = []
        self._warnings: Sequence[str] = ()

    def send(self, fetch: Callable[[str], bytes | None] | None) -> None:
        """Send everything within `timeout`. Raises BadInput, before any call, if a file that an input names cannot be used."""
        from dx_action.dx.client import connect  # noqa: PLC0415
        from dx_action.dx.sender import LANES, Sender, Terms  # noqa: PLC0415

        step, inputs = self._step, self._inputs
        if inputs.failed_file:
            step.failed_file(inputs.failed_file).check()
        lanes = min(max(map(len, self._batches)), LANES)
        transport, self._warnings = connect(
            inputs, step.env, step.clock, step.workspace, lanes=lanes, fetch=fetch, wire=step.wire
        )
        step.workflow.say(f"Sending to {inputs.dx_host.base if inputs.dx_host else ''}, within {inputs.timeout:g} s:")
        end = step.clock.monotonic() + inputs.timeout
        for batch in self._batches:
            if self._refused:
                return
            left = end - step.clock.monotonic()
            seconds = left if batch is self._batches[-1] else left * _SHARE
            terms = Terms(
                timeout=seconds,
                lanes=min(len(batch), LANES),
                rounds=-(-len(batch) // LANES),
                on_conflict=inputs.on_conflict,
            )
            sender = Sender(batch, batch, transport, step.clock, terms, say=step.workflow.say)
            self._senders.append(sender)
            sender.run()

    def results(self, reason: str) -> tuple[Result, ...]:
        """Send nothing more, and return what became of each call; `reason` is why one has no end."""
        found: list[Result] = []
        for number, batch in enumerate(self._batches):
            if number < len(self._senders):
                self._senders[number].close(reason)
                found += batch.results(self._senders[number].reason)
            else:
                found += batch.results("unauthorized_before" if self._refused else reason)
        return tuple(map(self._step.harmless, found))

    def report(self, reason: str) -> endings.Report:
        """Return the report on what became of the calls."""
        results = self.results(reason)
        updates = [result.call for call, result in zip(self._calls, results, strict=True) if result.call is not call]
        return self._finish(results, updates, self._warnings)

    @property
    def _refused(self) -> bool:
        """Whether DX refused the token, so that nothing more is to be sent."""
        return any(sender.reason == "unauthorized_before" for sender in self._senders)

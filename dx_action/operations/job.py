"""The two stages of `job/`: before the job deploys, it is checked what can be; after it, what became of it is registered."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from dx_action.deployment.calls import deployment_calls, pull_calls, refuse_secrets
from dx_action.deployment.registration import Registration, resolve
from dx_action.deployment.trigger import Skipped
from dx_action.errors import ActionError, BadInput, Problem, naming_input
from dx_action.inputs.job import Job, is_filled_later, problems, read_job
from dx_action.inputs.model import Inputs, missing_connection, read_inputs, survey_inputs
from dx_action.operations.register import register
from dx_action.report import endings
from dx_action.report.log import foreseen_lines
from dx_action.runner.event import Event
from dx_action.runner.runtime import Runtime, read_runtime
from dx_action.runner.workspace import NotThere

_CANCELLED = Skipped(
    "The job was cancelled.", "If it had deployed by then, set `success` to the outcome of the step that deploys."
)
_REFUSED = Skipped(
    "This action failed at the start of the job, before anything was deployed.",
    "If the job went on, set `success` to the outcome of the step that deploys.",
)


class NotYetError(Exception):
    """Something is looked up at the job's end."""


class _NoLookups:
    """The look-ups at GitHub, each of which the start leaves to the end."""

    warnings = ()

    def __getattr__(self, name: str) -> NoReturn:
        raise NotYetError


def start(step: endings.Step) -> endings.Report:
    """Check what can be known before the job deploys, and send nothing. Raises ActionError, Interrupted.

    Expressions that name later steps are blank now, so a value that is only missing does not fail the start.
    """
    now = step.clock.now()
    inputs, found = survey_inputs(step.env, now, problems(step.env, "start"))
    if wrong := [problem for problem in found if not is_filled_later(problem)]:
        raise BadInput(*wrong)
    step.inputs, missing = inputs, list(found)
    runtime = read_runtime(step.env)
    event = step.read_event(runtime)
    foreseen: Registration | Skipped | None = None
    try:
        foreseen = _foreseen(step, inputs, runtime, event)
    except NotYetError:
        pass
    except ActionError as error:
        missing += error.problems
    if isinstance(foreseen, Skipped):
        return endings.waiting(foreseen)
    if unconnected := missing_connection(inputs, runtime.actor):
        raise BadInput(*unconnected)
    if foreseen:
        calls = (*pull_calls(foreseen), *deployment_calls(foreseen, inputs))
        refuse_secrets(calls, foreseen, step.workflow.secrets)
    missing += _problems_of_files(step, inputs, runtime)
    if not missing:
        for line in foreseen_lines(event, foreseen):
            step.workflow.say(line)
    return endings.waiting(None, missing)


def end(step: endings.Step) -> endings.Report:
    """Register what became of the job. Raises ActionError, Interrupted."""
    now = step.clock.now()
    job = read_job(step.env, now)
    inputs = step.inputs = read_inputs(step.env, now, problems(step.env, "end"))
    if inputs.success is None:
        if job.status == "cancelled":
            return endings.skipped(_CANCELLED)
        if job.status == "failure" and job.refused:
            return endings.skipped(_REFUSED)
    return register(step, inputs, read_runtime(step.env), job)


def _foreseen(step: endings.Step, inputs: Inputs, runtime: Runtime, event: Event) -> Registration | Skipped:
    """Decide as if the job had deployed by now. Raises NotYetError if that takes a look-up, and as `resolve`."""
    now = step.clock.now()
    known = inputs.model_copy(update={"success": "success" if inputs.success else None})
    job = Job("success", int(now.timestamp()))
    lookups: Any = _NoLookups()
    is_tag = (lambda name: bool(lookups.is_tag(name))) if inputs.github_token else None
    return resolve(known, runtime, event, now, lambda *_: lookups, is_tag, job)


def _problems_of_files(step: endings.Step, inputs: Inputs, runtime: Runtime) -> tuple[Problem, ...]:
    """Check the files that inputs name, and return what is wrong with those of the workspace alone.

    These may be an earlier job's, until a checkout or another step replaces them. Raises BadInput if what is wrong will stay.
    """
    if inputs.failed_file:
        step.failed_file(inputs.failed_file).check(dry_run=True)
    other = inputs.commit_sha or inputs.repository  # of which the event's commit says nothing
    files = _Files(step, None if other else step.fetch(inputs, runtime, runtime.sha))
    found: tuple[Problem, ...] = ()
    if inputs.ca_bundle:
        from dx_action.runner.network import tls_context  # noqa: PLC0415 - the start connects to nothing

        found += files.problems("ca-bundle", inputs.ca_bundle, lambda data: tls_context(step.env, data))
    if inputs.services_source == "map" and isinstance(path := inputs.service_map, str):
        from dx_action.services.map import parse_service_map  # noqa: PLC0415 - most jobs have none

        found += files.problems("service-map", path, lambda data: parse_service_map(data, path), "cannot be used: ")
    return found


class _Files:
    """The files of the workspace and of the deployed commit. `fetch` reads one of the commit, if that can be done."""

    def __init__(self, step: endings.Step, fetch: Callable[[str], bytes | None] | None) -> None:
        self._step, self._fetch = step, fetch

    def problems(self, name: str, path: str, parse: Callable[[bytes], object], lead: str = "") -> tuple[Problem, ...]:
        """Return what is wrong with a file if only the workspace has it. Raises BadInput if it is wrong in the commit, too."""
        found: tuple[Problem, ...] = ()
        try:
            with naming_input(name, lead), suppress(NotThere):
                parse(self._step.workspace.read(path))
                return ()
        except BadInput as wrong:
            found = wrong.problems
        committed = self._committed(path)
        if committed is not None:
            with naming_input(name, lead):
                parse(committed)
            return ()
        if not found:
            self._step.workflow.say(f"`{name}` names a file that is not there yet. It is read when the job has ended.")
        return found

    def _committed(self, path: str) -> bytes | None:
        try:
            return self._fetch(path) if self._fetch else None
        except ActionError:  # the job's end asks again, and reports it
            return None

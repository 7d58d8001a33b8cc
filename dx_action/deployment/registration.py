"""What will be registered, each value with its source: an input, else the event, else the runner. Pure, but for `lookups`."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from dx_action.changes.changeset import (
    CLOCK,
    NO_CHANGES,
    Changes,
    MergedPull,
    deployed_change,
    named_pull,
    needs_changes,
    own_pull,
)
from dx_action.deployment.reference_id import Subject, reference_ids
from dx_action.deployment.trigger import IsTag, Skipped, Trigger, decide, own_repository
from dx_action.errors import ActionError, BadEvent, BadInput, Problem, Unsaid, naming_input
from dx_action.inputs.model import Attribution, Inputs
from dx_action.inputs.times import AHEAD, is_ahead, iso
from dx_action.inputs.values import Sourced, sourced
from dx_action.runner.event import Event, PullRequest
from dx_action.runner.runtime import Runtime
from dx_action.services.service import Service, by_name, space_warnings
from dx_action.text import one_line

if TYPE_CHECKING:
    from dx_action.deployment.pull_services import PullServices, ServiceLookups
    from dx_action.inputs.job import Job

# The source of merge commits that no input lists.
DISCOVERED, INPUT = "the pull requests that ship", "input service"
# The source of what neither an input nor the event says.
DEFAULT = "the default"
Lookups = Callable[[], "ServiceLookups"]
# (repository, whether it is the event's own, commit) → its look-ups.
LookupsFor = Callable[[str, bool, str | None], "ServiceLookups"]


class Registration(NamedTuple):
    """What will be registered: one deployment per service, and the pull requests whose services are set first.

    `services` is empty if only pull requests are set. `repeatable`: the reference ids are the event's, so it is no surprise
    if they are already registered. `problems` fail the step even though the deployment can be registered.
    """

    repository: Sourced[str]
    attribution: Sourced[Attribution]
    commit: Sourced[str] | None
    merge_commit_shas: Sourced[tuple[str, ...]] | None
    changes: Changes
    services: Sourced[tuple[Service, ...]]
    pull_services: "tuple[PullServices, ...]"
    deployed_at: Sourced[str]
    success: Sourced[bool]
    environment: Sourced[str] | None
    reference_ids: Sourced[tuple[str, ...]]
    repeatable: bool
    source_url: Sourced[str] | None
    pull_number: int | None
    pull_id: int | None
    notices: tuple[str, ...]
    warnings: tuple[str, ...]
    problems: tuple[Problem, ...]

    @property
    def sha(self) -> str:
        """The deployed commit; empty if there is none."""
        return self.commit.value if self.commit else ""

    @property
    def failed(self) -> bool:
        """Whether it is a failed deployment."""
        return not self.success.value

    def merge_commits_of(self, service: str) -> tuple[str, ...]:
        """Return the merge commits to send for one service; none if the commit is sent."""
        shas = self.merge_commit_shas
        if self.attribution.value != "merge-commits" or shas is None:
            return ()
        return self.changes.merge_commit_shas(service) if shas.source == DISCOVERED else shas.value


def no_lookups(*_: object) -> "ServiceLookups":
    raise BadInput.of("services-from", "needs look-ups at GitHub, which this operation does not make.")


def resolve(
    inputs: Inputs,
    runtime: Runtime,
    event: Event,
    now: datetime,
    lookups_for: LookupsFor = no_lookups,
    is_tag: IsTag | None = None,
    job: "Job | None" = None,
) -> Registration | Skipped:
    """Decide what is registered, or why nothing is. `now` is UTC. `job` is the job that ended, in `job/`.

    Raises BadInput and BadEvent if neither has a value that DX needs, and what a look-up raises.
    """
    trigger = decide(event, inputs, runtime, is_tag)
    if isinstance(trigger, Skipped):
        return trigger
    subject = _subject(inputs, runtime, event, trigger)
    # Most runs look nothing up, so the client is made when it is first needed.
    lookups = cache(lambda: lookups_for(subject.repository.value, subject.own, subject.sha))
    services, notices = _services(inputs, subject, trigger, lookups)
    spaces = space_warnings(services.value) if services in (trigger.services, Sourced(inputs.service, INPUT)) else ()
    found, problems = _pull_services(inputs, subject, services, lookups)
    pull_services = tuple(pull for pull in found if pull.is_sent)
    services = services if inputs.deploys else Sourced((), services.source)
    if not services.value and not pull_services:
        if problems:
            raise BadInput(*problems)
        return _nothing_to_send(found, deploys=inputs.deploys)
    given_at = sourced(inputs.deployed_at, "input deployed-at") or trigger.deployed_at
    time = given_at or Sourced(now.replace(microsecond=0), CLOCK)
    late, again = _time_remarks(time, runtime, now) if services.value else ((), ())
    deployed_at = Sourced(iso(time.value), time.source)
    changes = _changes(inputs, subject, services.value, deployed_at, lookups, job)
    attribution, merge_commit_shas = _commits(inputs, changes, services.value)
    success = _success(inputs, trigger, job)
    pull_number, pull_id = choose_pull(inputs, own_pull(subject.event), found, changes.pulls)
    moved = lookups().warnings if lookups.cache_info().currsize else ()
    job_page = sourced(runtime.run_page(inputs.check_run_id), "this job")
    return Registration(
        repository=subject.repository,
        attribution=attribution,
        commit=subject.commit,
        merge_commit_shas=merge_commit_shas,
        changes=changes,
        services=services,
        pull_services=pull_services,
        deployed_at=deployed_at,
        success=success,
        environment=_environment(inputs, trigger),
        reference_ids=reference_ids(inputs, runtime, trigger, subject, services.value, success.value),
        repeatable=bool(trigger.identity) and not inputs.reference_id,
        source_url=sourced(inputs.source_url, "input source-url") or trigger.page or job_page,
        pull_number=pull_number,
        pull_id=pull_id,
        notices=(*trigger.notices, *notices, *again, *changes.notices),
        warnings=(*trigger.warnings, *spaces, *late, *changes.warnings, *moved),
        problems=problems,
    )


def _time_remarks(time: Sourced[datetime], runtime: Runtime, now: datetime) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the warnings and the notices about a deployment's time. Raises BadInput for one that nobody can have meant."""
    with naming_input("deployed-at", f"comes from {time.source}, and "):
        late = is_ahead(time.value, now)
    attempt = (
        f"This is attempt {one_line(runtime.run_attempt)} of the run, and the deployment's time is that of this attempt. If "
        "production changed in an earlier one, set `deployed-at`."
    )
    again = time.source == CLOCK and runtime.run_attempt != "1"
    return (f"`deployed-at`, from {time.source}, is {AHEAD}",) * late, (attempt,) * again


def _success(inputs: Inputs, trigger: Trigger, job: "Job | None") -> Sourced[bool]:
    if inputs.success:
        return Sourced(inputs.success == "success", "input success")
    return (job and job.success) or trigger.success or Sourced(value=True, source=DEFAULT)


def _environment(inputs: Inputs, trigger: Trigger) -> Sourced[str] | None:
    given = sourced(inputs.environment, "input environment")
    # Who lists environments counts more than production, and DX would take each for it.
    return given or (trigger.environment if inputs.only_environments else None)


def _subject(inputs: Inputs, runtime: Runtime, event: Event, trigger: Trigger) -> Subject:
    from_event = own_repository(event, runtime)
    repository = sourced(inputs.repository, "input repository") or from_event
    own = repository.value.casefold() == from_event.value.casefold()
    if not repository.value:
        raise BadInput.of("repository", "is missing, and neither the event nor GITHUB_REPOSITORY names one.")
    if inputs.deploys and not own and not inputs.names_commits:
        if not event.name:
            raise Unsaid.of("commit-sha", "is missing. Set it, or `merge-commit-shas`, or `attribution: repository`.")
        raise Unsaid.of(
            "repository",
            "is not the repository of this event, whose commit does not belong to it. "
            "Set `commit-sha` or `merge-commit-shas`, or `attribution: repository`.",
        )
    commit = sourced(inputs.commit_sha, "input commit-sha") or (trigger.commit if own else None)
    if inputs.deploys and commit is None and choose_attribution(inputs).value == "commit":
        raise BadEvent.of(event.name, "event names no commit. Set `commit-sha`.")
    if own:
        return Subject(repository, own, from_event.value, commit, event)
    return Subject(repository, own, repository.value, commit, Event(name=event.name))


def _services(
    inputs: Inputs, subject: Subject, trigger: Trigger, lookups: Lookups
) -> tuple[Sourced[tuple[Service, ...]], tuple[str, ...]]:
    """Return the services in the contract's order, and notices. If only pull requests are set, their own files decide."""
    if inputs.service:
        return Sourced(inputs.service, INPUT), ()
    if inputs.services_source != "input":
        touched = lookups().touched(deployed_change(subject.event, inputs, subject.sha)) if inputs.deploys else ()
        return Sourced(touched, f"changed files, by {inputs.services_source}"), ()
    if trigger.services:
        return trigger.services, ()
    service = by_name(subject.name)
    what = "deployment" if inputs.deploys else "pull request"
    notice = f"`service` is not set, so the {what} counts for {service.identifier}, the name of the repository."
    return Sourced((service,), "the repository's name"), (notice,)


def _pull_services(
    inputs: Inputs, subject: Subject, services: Sourced[tuple[Service, ...]], lookups: Lookups
) -> "tuple[tuple[PullServices, ...], tuple[Problem, ...]]":
    """Return the pull requests to set, and why they cannot be found: that alone does not stop a deployment."""
    if inputs.deploys and not inputs.set_pull_services:
        return (), ()
    from dx_action.deployment.pull_services import assign  # noqa: PLC0415 - most runs set none

    given = services.value if inputs.services_source == "input" else ()
    try:
        return assign(subject.event, inputs, given, subject.sha, lookups()), ()
    except ActionError as error:
        if not inputs.deploys:
            raise
        return (), error.problems


def _nothing_to_send(pull_services: "tuple[PullServices, ...]", *, deploys: bool) -> Skipped:
    """Return why nothing is sent if there is no service to register, either."""
    if not pull_services and not deploys:
        return Skipped("GitHub found no pull request that this push merged.", "Set `pull-number` to name one.")
    which = "none of the services in `service`" if any(pull.others for pull in pull_services) else "no service"
    return Skipped(
        f"The change touches {which}.", "If it should, add its files to what `services-from` or `service-map` names."
    )


def _changes(
    inputs: Inputs,
    subject: Subject,
    services: tuple[Service, ...],
    deployed_at: Sourced[str],
    lookups: Lookups,
    job: "Job | None",
) -> Changes:
    found = NO_CHANGES
    if inputs.deploys and (inputs.lead_time_metadata != "none" or needs_changes(inputs, subject.event)):
        from dx_action.changes.discover import discover  # noqa: PLC0415 - most runs leave that to DX

        found = discover(inputs, subject.event, services, subject.sha, deployed_at, lambda: lookups().changes)
    found = found._replace(facts=inputs.wanted_facts, job=job)
    missing = found.missing_facts([service.identifier for service in services])
    return found._replace(notices=(*found.notices, *missing))


def _commits(
    inputs: Inputs, changes: Changes, services: tuple[Service, ...]
) -> tuple[Sourced[Attribution], Sourced[tuple[str, ...]] | None]:
    """Return the attribution, and the merge commits of all services. Without any, DX is sent the commit."""
    shas = sourced(inputs.merge_commit_shas, "input merge-commit-shas")
    if inputs.discovers_merge_commits:
        found = dict.fromkeys(sha for service in services for sha in changes.merge_commit_shas(service.identifier))
        shas = sourced(tuple(found), DISCOVERED)
        if not shas:
            return Sourced("commit", "no merge commits to send"), None
    return choose_attribution(inputs), shas


def choose_attribution(inputs: Inputs) -> Sourced[Attribution]:
    if inputs.attribution:
        return Sourced(inputs.attribution, "input attribution")
    if inputs.merge_commit_shas:
        return Sourced("merge-commits", "input merge-commit-shas")
    if inputs.by_files:
        return Sourced("repository", "services found by changed files")
    if inputs.set_pull_services:
        return Sourced("repository", "input set-pull-services")
    return Sourced("commit", DEFAULT)


def choose_pull(
    inputs: Inputs, own: PullRequest | None, pull_services: "Sequence[PullServices]", pulls: Sequence[MergedPull]
) -> tuple[int | None, int | None]:
    """Return the number and the id of the pull request: the inputs', the event's, or the only one that was found."""
    named = named_pull(inputs, own)
    if any(named):
        return named
    found = [(pull.pull_number, pull.pull_id) for pull in pull_services] or [(pull.number, pull.id) for pull in pulls]
    return found[0] if len(found) == 1 else (None, None)

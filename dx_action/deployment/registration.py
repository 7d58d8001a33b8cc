"""What will be registered, each value with its source: an input, else the event, else the runner. Pure, but for `lookups`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache

from dx_action.changes.changeset import CLOCK, NO_CHANGES, Changes, MergedPull, deployed_change, needs_changes
from dx_action.deployment.pull_services import (
    PullServices,
    ServiceLookups,
    assign,
    changed_only,
    nothing_to_send,
    only_services,
)
from dx_action.deployment.reference_id import Deployed, reference_ids
from dx_action.deployment.trigger import IsTag, Skipped, Trigger, decide, names_commits, own_repository
from dx_action.errors import ActionError, BadEvent, BadInput, Problem
from dx_action.inputs.model import Attribution, Inputs
from dx_action.inputs.times import iso
from dx_action.inputs.values import Sourced
from dx_action.runner.event import Event
from dx_action.runner.runtime import Runtime
from dx_action.services.service import Service, by_name

# The source of merge commits that no input lists.
DISCOVERED = "the pull requests that ship"
# (repository, whether it is the event's own, commit) → its look-ups.
LookupsFor = Callable[[str, bool, str | None], ServiceLookups]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
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
    pull_services: tuple[PullServices, ...]
    deployed_at: Sourced[str]
    success: Sourced[bool] | None
    environment: Sourced[str] | None
    reference_ids: Sourced[tuple[str, ...]]
    repeatable: bool
    source_url: Sourced[str] | None
    pull_number: int | None
    pull_id: int | None
    notices: tuple[str, ...]
    warnings: tuple[str, ...]
    problems: tuple[Problem, ...]

    def merge_commits_of(self, service: str) -> tuple[str, ...]:
        """Return the merge commits to send for one service; none if the commit is sent."""
        if self.attribution.value != "merge-commits" or self.merge_commit_shas is None:
            return ()
        if self.merge_commit_shas.source == DISCOVERED:
            return self.changes.merge_commit_shas(service)
        return self.merge_commit_shas.value


@dataclass(frozen=True, slots=True)
class _Subject:
    """The repository and the commit that a run is about.

    `own`: the repository is the event's. Otherwise `event` and `trigger` name no pull request and no files.
    `name` is the repository's, spelled as in the event.
    """

    repository: Sourced[str]
    own: bool
    name: str
    commit: Sourced[str] | None
    event: Event
    trigger: Trigger

    @property
    def sha(self) -> str | None:
        return self.commit.value if self.commit else None


def resolve(
    inputs: Inputs,
    runtime: Runtime,
    event: Event,
    now: datetime,
    lookups_for: LookupsFor | None = None,
    is_tag: IsTag | None = None,
) -> Registration | Skipped:
    """Decide what is registered, or why nothing is. `now` is UTC. Without `lookups_for`, nothing may need a look-up.

    Raises BadInput and BadEvent if neither has a value that DX needs, and what a look-up raises.
    """
    trigger = decide(event, inputs, runtime, is_tag)
    if isinstance(trigger, Skipped):
        return trigger
    subject = _subject(inputs, runtime, event, trigger)
    lookups = _lazy(lookups_for, subject)
    services, notices = _services(inputs, subject, lookups)
    found, problems = _pull_services(inputs, subject, services, lookups)
    pull_services = changed_only(found)
    deploys = inputs.operation == "deploy"
    if not deploys:
        services = Sourced((), services.source)
    if not services.value and not pull_services:
        if problems:
            raise BadInput(*problems)
        return nothing_to_send(found, deploys=deploys)
    deployed_at = _deployed_at(inputs, trigger, now)
    changes = _changes(inputs, subject, services.value, deployed_at, lookups)
    attribution, merge_commit_shas = _commits(inputs, changes, services.value)
    success = _success(inputs, trigger)
    pull_number, pull_id = choose_pull(inputs, subject.trigger, found, changes.pulls)
    # Handling the same event again may find other changes. Its reference ids stay the same.
    commits = inputs.merge_commit_shas or tuple(filter(None, [subject.sha]))
    deployed = Deployed(subject.repository.value, subject.own, commits, success is None or success.value)
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
        environment=_written(inputs.environment, "environment"),
        reference_ids=reference_ids(inputs, runtime, trigger, deployed, services.value),
        repeatable=bool(trigger.identity) and not inputs.reference_id,
        source_url=_written(inputs.source_url, "source-url") or trigger.page or _job_page(inputs, runtime),
        pull_number=pull_number,
        pull_id=pull_id,
        notices=(*notices, *unused_since(inputs, subject.event), *changes.notices),
        warnings=(*trigger.warnings, *changes.warnings),
        problems=problems,
    )


def _subject(inputs: Inputs, runtime: Runtime, event: Event, trigger: Trigger) -> _Subject:
    repository = event_repository = own_repository(event, runtime)
    own = True
    if inputs.repository:
        repository = Sourced(inputs.repository, "input repository")
        own = inputs.repository.casefold() == event_repository.value.casefold()
    if not repository.value:
        raise BadInput.of("repository", "is missing, and neither the event nor GITHUB_REPOSITORY names one.")
    deploys = inputs.operation == "deploy"
    if deploys and not own and not names_commits(inputs):
        raise BadInput.of(
            "repository",
            "is not the repository of this event, whose commit does not belong to it. "
            "Set `commit-sha` or `merge-commit-shas`, or `attribution: repository`.",
        )
    commit = _written(inputs.commit_sha, "commit-sha") or (trigger.commit if own else None)
    if deploys and commit is None and choose_attribution(inputs).value == "commit":
        raise BadEvent.of(event.name, "event names no commit. Set `commit-sha`.")
    if own:
        return _Subject(repository, own, event_repository.value, commit, event, trigger)
    return _Subject(repository, own, repository.value, commit, Event(name=event.name), replace(trigger, pull=None))


def _lazy(lookups_for: LookupsFor | None, subject: _Subject) -> Callable[[], ServiceLookups]:
    """Most runs look nothing up, so the client is made when it is first needed."""

    @cache
    def lookups() -> ServiceLookups:
        if lookups_for is None:
            raise BadInput.of("services-from", "needs look-ups at GitHub, which this operation does not make.")
        return lookups_for(subject.repository.value, subject.own, subject.sha)

    return lookups


def _services(
    inputs: Inputs, subject: _Subject, lookups: Callable[[], ServiceLookups]
) -> tuple[Sourced[tuple[Service, ...]], tuple[str, ...]]:
    """Return the services in the contract's order, and notices. If only pull requests are set, their own files decide."""
    if inputs.service:
        return Sourced(inputs.service, "input service"), ()
    deploys = inputs.operation == "deploy"
    if inputs.services_source != "input":
        touched = lookups().touched(deployed_change(subject.event, inputs, subject.sha)) if deploys else ()
        return Sourced(touched, f"changed files, by {inputs.services_source}"), ()
    if subject.trigger.services:
        return subject.trigger.services, ()
    service = by_name(subject.name)
    what = "deployment" if deploys else "pull request"
    notice = f"`service` is not set, so the {what} counts for {service.identifier}, the name of the repository."
    return Sourced((service,), "the repository's name"), (notice,)


def _pull_services(
    inputs: Inputs, subject: _Subject, services: Sourced[tuple[Service, ...]], lookups: Callable[[], ServiceLookups]
) -> tuple[tuple[PullServices, ...], tuple[Problem, ...]]:
    """Return the pull requests to set, and why they cannot be found: that alone does not stop a deployment."""
    alone = inputs.operation == "set-pull-services"
    if not alone and not inputs.set_pull_services:
        return (), ()
    given = services.value if inputs.services_source == "input" else ()
    try:
        return only_services(assign(subject.event, inputs, given, subject.sha, lookups()), inputs.service), ()
    except ActionError as error:
        if alone:
            raise
        return (), error.problems


def _changes(
    inputs: Inputs,
    subject: _Subject,
    services: tuple[Service, ...],
    deployed_at: Sourced[str],
    lookups: Callable[[], ServiceLookups],
) -> Changes:
    wanted = inputs.lead_time_metadata != "none" or needs_changes(inputs, subject.event)
    if inputs.operation != "deploy" or not wanted:
        return NO_CHANGES
    from dx_action.changes.discover import discover  # noqa: PLC0415 - most runs leave that to DX

    return discover(inputs, subject.event, services, subject.sha, deployed_at, lambda: lookups().changes)


def _commits(
    inputs: Inputs, changes: Changes, services: tuple[Service, ...]
) -> tuple[Sourced[Attribution], Sourced[tuple[str, ...]] | None]:
    """Return the attribution, and the merge commits of all services. Without any, DX is sent the commit."""
    if inputs.merge_commit_shas:
        return choose_attribution(inputs), Sourced(inputs.merge_commit_shas, "input merge-commit-shas")
    if not inputs.discovers_merge_commits:
        return choose_attribution(inputs), None
    shas = dict.fromkeys(sha for service in services for sha in changes.merge_commit_shas(service.identifier))
    if not shas:
        return Sourced("commit", "no merge commits to send"), None
    return choose_attribution(inputs), Sourced(tuple(shas), DISCOVERED)


def choose_attribution(inputs: Inputs) -> Sourced[Attribution]:
    """Return what DX is to attribute by."""
    if inputs.attribution:
        return Sourced(inputs.attribution, "input attribution")
    if inputs.merge_commit_shas:
        return Sourced("merge-commits", "input merge-commit-shas")
    if inputs.by_files:
        return Sourced("repository", "services found by changed files")
    if inputs.set_pull_services:
        return Sourced("repository", "input set-pull-services")
    return Sourced("commit", "the default")


def choose_pull(
    inputs: Inputs, trigger: Trigger, pull_services: tuple[PullServices, ...], pulls: Sequence[MergedPull]
) -> tuple[int | None, int | None]:
    """Return the number and the id of the pull request: the inputs', the event's, or the only one that was found."""
    own = trigger.pull
    if inputs.pull_number or inputs.pull_id:
        same = own and inputs.pull_number in (None, own.number) and inputs.pull_id in (None, own.id)
        return (own.number, own.id) if own and same else (inputs.pull_number, inputs.pull_id)
    if own:
        return own.number, own.id
    if len(pull_services) == 1:
        return pull_services[0].pull_number, pull_services[0].pull_id
    return (pulls[0].number, pulls[0].id) if len(pulls) == 1 and not pull_services else (None, None)


def unused_since(inputs: Inputs, event: Event) -> tuple[str, ...]:
    """Return a notice if nothing reads `since-sha`."""
    read = inputs.operation == "deploy" and (inputs.by_files or needs_changes(inputs, event))
    if not inputs.since_sha or read:
        return ()
    text = (
        "`since-sha` has no effect here. It is used if a deployment's services are found by changed files, and for "
        "`attribution: merge-commits`, `show-pull-requests` and `lead-time-metadata: first-commit`."
    )
    return (text,)


def _success(inputs: Inputs, trigger: Trigger) -> Sourced[bool] | None:
    if inputs.success is None:
        return trigger.success
    return Sourced(inputs.success == "success", "input success")


def _deployed_at(inputs: Inputs, trigger: Trigger, now: datetime) -> Sourced[str]:
    if inputs.deployed_at:
        return Sourced(iso(inputs.deployed_at), "input deployed-at")
    if trigger.deployed_at:
        return Sourced(iso(trigger.deployed_at.value), trigger.deployed_at.source)
    return Sourced(iso(now.replace(microsecond=0)), CLOCK)


def _written(value: str | None, name: str) -> Sourced[str] | None:
    return Sourced(value, f"input {name}") if value else None


def _job_page(inputs: Inputs, runtime: Runtime) -> Sourced[str] | None:
    url = runtime.run_page(inputs.check_run_id)
    return Sourced(url, "this job") if url else None

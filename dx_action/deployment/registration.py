"""Owns what will be registered, each value with where it came from: input, then event, then runner. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from dx_action.changes.changeset import NO_CHANGES, Changes, needs_changes
from dx_action.deployment import choices
from dx_action.deployment.pull_services import (
    PullServices,
    ServiceLookups,
    assign,
    changed_only,
    nothing_to_send,
    of_these,
)
from dx_action.deployment.reference_id import reference_ids
from dx_action.deployment.trigger import IsTag, Skipped, decide
from dx_action.errors import ActionError, BadEvent, BadInput, Problem
from dx_action.inputs.model import Attribution, Inputs
from dx_action.inputs.values import Sourced
from dx_action.runner.event import Event
from dx_action.runner.runtime import Runtime
from dx_action.services.service import Service

# Where merge commits come from that nobody listed.
DISCOVERED = "what ships"
# (repository, whether it is the event's own, commit) → what may be asked about it.
LookupsFor = Callable[[str, bool, str | None], ServiceLookups]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A deployment, of one service or several, all else being equal; and the pull requests to be told their services before.

    `services` is empty where only pull requests are told. `repeatable`: the reference ids are the event's, so that finding
    them held already is nothing to warn of. `trouble` is what must fail the step though the deployment can be registered.
    """

    repository: Sourced[str]
    attribution: Attribution
    attribution_source: str
    commit: Sourced[str] | None
    merge_commit_shas: Sourced[tuple[str, ...]] | None
    changes: Changes
    services: Sourced[tuple[Service, ...]]
    pull_services: tuple[PullServices, ...]
    replace: bool
    deployed_at: Sourced[str]
    success: Sourced[bool] | None
    reference_ids: Sourced[tuple[str, ...]]
    repeatable: bool
    source_url: Sourced[str] | None
    source_name: str
    environment: str | None
    integration_branch: str | None
    metadata: dict[str, Any]
    pull_number: int | None
    pull_id: int | None
    notices: tuple[str, ...]
    warnings: tuple[str, ...]
    trouble: tuple[Problem, ...]


def resolve(
    inputs: Inputs,
    runtime: Runtime,
    event: Event,
    now: datetime,
    lookups_for: LookupsFor | None = None,
    is_tag: IsTag | None = None,
) -> Registration | Skipped:
    """Decide what is registered, or why nothing is. `now` is UTC. Without `lookups_for`, nothing may need a look-up.

    Raises BadInput and BadEvent where a value that DX needs can be had from neither, and what a look-up raises.
    """
    trigger = decide(event, inputs, runtime, is_tag)
    if isinstance(trigger, Skipped):
        return trigger
    repository, own = choices.repository(inputs, runtime, event)
    attribution = choices.attribution(inputs)
    deploys = inputs.operation == "deploy"
    named = inputs.commit_sha or inputs.merge_commit_shas or inputs.attribution == "repository"
    if deploys and not own and not named:
        raise BadInput.of(
            "repository",
            "is not the repository of this event, whose commit says nothing about it. "
            "Give `commit-sha` or `merge-commit-shas`, or write `attribution: repository`.",
        )
    commit = choices.written(inputs.commit_sha, "commit-sha") or (trigger.commit if own else None)
    if deploys and attribution == "commit" and commit is None:
        raise BadEvent.of(event.name, "event names no commit, which it should. Give `commit-sha`.")
    lookups = _asking(lookups_for, repository.value, own, commit.value if commit else None)
    # What happened in one repository names no pull request and no files of another.
    there = event if own else Event(name=event.name)
    # Its name gives the service's, where nothing else does; in the event's spelling, however an input spells it.
    name = choices.own_repository(runtime, event).value if own else repository.value
    services, notices = choices.chosen_services(inputs, trigger, there, name, commit, lookups if deploys else None)
    pull_services, trouble = _assignments(inputs, there, services, commit, lookups)
    if not deploys:
        services = Sourced((), services.source)
    told = changed_only(pull_services, clear=inputs.replace_pull_services)
    if trouble and not services.value and not told:
        raise BadInput(*trouble)
    if not services.value and not told:
        return nothing_to_send(pull_services, deploys=deploys)
    shas = inputs.merge_commit_shas
    success = choices.success(inputs, trigger)
    deployed_at = choices.deployed_at(inputs, trigger, now)
    ships = _ships(inputs, there, services.value, commit, deployed_at, lookups) if deploys else NO_CHANGES
    pull_number, pull_id = choices.pull(inputs, trigger if own else None, pull_services, ships.pulls)
    # What ships may be another thing when the same event is handled again; the id is the same all the same.
    merged = tuple(dict.fromkeys(sha for each in services.value for sha in ships.merge_commit_shas(each.identifier)))
    fallen_back = inputs.discovers_merge_commits and not merged
    return Registration(
        repository=repository,
        attribution="commit" if fallen_back else attribution,
        attribution_source="no merge commits to send" if fallen_back else choices.attribution_source(inputs),
        commit=commit,
        merge_commit_shas=Sourced(shas, "input merge-commit-shas")
        if shas
        else (Sourced(merged, DISCOVERED) if merged and attribution == "merge-commits" else None),
        changes=ships,
        services=services,
        pull_services=told,
        replace=inputs.replace_pull_services,
        deployed_at=deployed_at,
        success=success,
        reference_ids=reference_ids(
            inputs,
            runtime,
            trigger,
            repository.value,
            own,
            commit=commit.value if commit else None,
            succeeded=success is None or success.value,
            services=services.value,
        ),
        repeatable=bool(trigger.identity) and not inputs.reference_id,
        source_url=choices.written(inputs.source_url, "source-url")
        or trigger.page
        or choices.job_page(inputs, runtime),
        source_name=inputs.source_name,
        environment=inputs.environment,
        integration_branch=inputs.integration_branch,
        metadata=inputs.metadata,
        pull_number=pull_number,
        pull_id=pull_id,
        notices=(*notices, *choices.unused(inputs, there), *ships.notices),
        warnings=(*trigger.warnings, *ships.warnings),
        trouble=trouble,
    )


def _asking(
    lookups_for: LookupsFor | None, repository: str, own: bool, commit: str | None
) -> Callable[[], ServiceLookups]:
    """Put the asking off until it is needed: most runs look nothing up."""

    @cache
    def lookups() -> ServiceLookups:
        if lookups_for is None:
            raise BadInput.of("services-from", "needs look-ups, and there are none here.")
        return lookups_for(repository, own, commit)

    return lookups


def _ships(
    inputs: Inputs,
    event: Event,
    services: tuple[Service, ...],
    commit: Sourced[str] | None,
    deployed_at: Sourced[str],
    lookups: Callable[[], ServiceLookups],
) -> Changes:
    """Look up what ships, and the times of lead time, where an input lookups for it."""
    if inputs.lead_time_metadata == "none" and not needs_changes(inputs, event):
        return NO_CHANGES
    from dx_action.changes.discover import discover  # noqa: PLC0415 - most runs leave that to DX

    return discover(inputs, event, services, commit.value if commit else None, deployed_at, lambda: lookups().changes)


def _assignments(
    inputs: Inputs,
    event: Event,
    services: Sourced[tuple[Service, ...]],
    commit: Sourced[str] | None,
    lookups: Callable[[], ServiceLookups],
) -> tuple[tuple[PullServices, ...], tuple[Problem, ...]]:
    """Give the pull requests to be told; a deployment is registered even where they cannot be found."""
    given = services.value if inputs.services_source == "input" else ()
    sha = commit.value if commit else None
    if inputs.operation == "set-pull-services":
        return of_these(assign(event, inputs, given, sha, lookups()), inputs.service), ()
    if not inputs.set_pull_services:
        return (), ()
    try:
        return of_these(assign(event, inputs, given, sha, lookups()), inputs.service), ()
    except ActionError as error:
        return (), error.problems

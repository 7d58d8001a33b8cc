"""Owns what will be registered, each value with where it came from: input, then event, then runner. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from dx_action import choices
from dx_action.assignments import Asks, Assignment, assign
from dx_action.errors import ActionError, BadEvent, BadInput, Problem
from dx_action.event import Event
from dx_action.identity import derived_ids, given_ids
from dx_action.inputs import Attribution, Inputs
from dx_action.runtime import Runtime
from dx_action.services import Service
from dx_action.trigger import Found, Skipped, Trigger
from dx_action.triggers import decide

# (repository, whether it is the event's own, commit) → what may be asked about it.
AskAbout = Callable[[str, bool, str | None], Asks]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """A deployment, of one service or several, all else being equal; and the pull requests to be told their services before.

    `services` is empty where only pull requests are told. `repeatable`: the reference ids are the event's, so that finding
    them held already is nothing to warn of. `trouble` is what must fail the step though the deployment can be registered.
    """

    repository: Found[str]
    attribution: Attribution
    commit: Found[str] | None
    merge_commit_shas: Found[tuple[str, ...]] | None
    services: Found[tuple[Service, ...]]
    assignments: tuple[Assignment, ...]
    replace: bool
    deployed_at: Found[str]
    success: Found[bool] | None
    reference_ids: Found[tuple[str, ...]]
    repeatable: bool
    source_url: Found[str] | None
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
    inputs: Inputs, runtime: Runtime, event: Event, now: datetime, ask_about: AskAbout | None = None
) -> Context | Skipped:
    """Decide what is registered, or why nothing is. `now` is UTC. Without `ask_about`, nothing may need a look-up.

    Raises BadInput and BadEvent where a value that DX needs can be had from neither, and what a look-up raises.
    """
    trigger = decide(event, inputs, runtime)
    if isinstance(trigger, Skipped):
        return trigger
    repository, own = choices.repository(inputs, runtime, event)
    attribution = choices.attribution(inputs)
    deploys = inputs.operation == "deploy"
    if deploys and not own and attribution == "commit" and not inputs.commit_sha:
        raise BadInput.of(
            "repository",
            "is not the repository of this event, whose commit says nothing about it. "
            "Give `commit-sha` or `merge-commit-shas`, or write `attribution: repository`.",
        )
    commit = choices.written(inputs.commit_sha, "commit-sha") or (trigger.commit if own else None)
    if deploys and attribution == "commit" and commit is None:
        raise BadEvent.of(event.name, "event names no commit, and `GITHUB_SHA` is empty. Give `commit-sha`.")
    asks = _asking(ask_about, repository.value, own, commit.value if commit else None)
    # What happened in one repository names no pull request and no files of another.
    there = event if own else Event(name=event.name)
    services, notices = choices.chosen_services(
        inputs, trigger, there, repository.value, commit, asks if deploys else None
    )
    assignments, trouble = _assignments(inputs, there, services, commit, asks)
    if not deploys:
        services = Found((), services.source)
    told = tuple(each for each in assignments if each.services or inputs.replace_pull_services)
    if trouble and not services.value and not told:
        raise BadInput(*trouble)
    if not services.value and not told:
        if not assignments and not deploys:
            return Skipped("The push merged no pull request that GitHub knows of.")
        return Skipped(
            "The change touches no service.",
            "Where it should, add its files to what `services-from` or `service-map` names.",
        )
    shas = inputs.merge_commit_shas
    success = choices.success(inputs, trigger)
    pull = told[0] if len(told) == 1 else None
    return Context(
        repository=repository,
        attribution=attribution,
        commit=commit,
        merge_commit_shas=Found(shas, "input merge-commit-shas") if shas else None,
        services=services,
        assignments=told,
        replace=inputs.replace_pull_services,
        deployed_at=choices.deployed_at(inputs, trigger, now),
        success=success,
        reference_ids=_reference_ids(inputs, runtime, trigger, repository.value, commit, success, services.value),
        repeatable=bool(trigger.identity) and not inputs.reference_id,
        source_url=choices.written(inputs.source_url, "source-url")
        or trigger.page
        or choices.job_page(inputs, runtime),
        source_name=inputs.source_name,
        environment=inputs.environment,
        integration_branch=inputs.integration_branch,
        metadata=inputs.metadata,
        pull_number=trigger.pull.number if trigger.pull else pull.pull_number if pull else None,
        pull_id=trigger.pull.id if trigger.pull else pull.pull_id if pull else None,
        notices=notices,
        warnings=trigger.warnings,
        trouble=trouble,
    )


def _asking(ask_about: AskAbout | None, repository: str, own: bool, commit: str | None) -> Callable[[], Asks]:
    """Put the asking off until it is needed: most runs look nothing up."""

    @cache
    def asks() -> Asks:
        if ask_about is None:
            raise BadInput.of("services-from", "needs look-ups, and there are none here.")
        return ask_about(repository, own, commit)

    return asks


def _assignments(
    inputs: Inputs,
    event: Event,
    services: Found[tuple[Service, ...]],
    commit: Found[str] | None,
    asks: Callable[[], Asks],
) -> tuple[tuple[Assignment, ...], tuple[Problem, ...]]:
    """Give the pull requests to be told; a deployment is registered even where they cannot be found."""
    given = services.value if inputs.services_source == "input" else inputs.service
    sha = commit.value if commit else None
    if inputs.operation == "set-pull-services":
        return assign(event, inputs, given, sha, asks()), ()
    if not inputs.set_pull_services:
        return (), ()
    try:
        return assign(event, inputs, given, sha, asks()), ()
    except ActionError as error:
        return (), error.problems


def _reference_ids(
    inputs: Inputs,
    runtime: Runtime,
    trigger: Trigger,
    repository: str,
    commit: Found[str] | None,
    success: Found[bool] | None,
    services: tuple[Service, ...],
) -> Found[tuple[str, ...]]:
    if inputs.reference_id:
        return Found(given_ids(inputs.reference_id, services), "input reference-id")
    commits = inputs.merge_commit_shas or ((commit.value,) if commit else ())
    outcome = "failure" if success and not success.value else "success"
    derived = derived_ids(trigger, inputs, runtime, repository, commits=commits, outcome=outcome, services=services)
    return Found(derived, "this event" if trigger.identity else "this job")

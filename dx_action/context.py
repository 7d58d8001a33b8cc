"""Owns what will be registered, each value with where it came from: input, then event, then runner. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dx_action.errors import BadEvent, BadInput
from dx_action.event import Event, PullRequest
from dx_action.identity import derived_ids, given_ids
from dx_action.inputs import Attribution, Inputs
from dx_action.runtime import Runtime
from dx_action.services import Service
from dx_action.times import iso
from dx_action.trigger import Found, Skipped, Trigger
from dx_action.triggers import decide


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """A deployment, of one service or several, all else being equal.

    `repeatable`: the reference ids are the event's, so that finding them held already is nothing to warn of.
    """

    repository: Found[str]
    attribution: Attribution
    commit: Found[str] | None
    merge_commit_shas: Found[tuple[str, ...]] | None
    services: Found[tuple[Service, ...]]
    deployed_at: Found[str]
    success: Found[bool] | None
    reference_ids: Found[tuple[str, ...]]
    repeatable: bool
    source_url: Found[str] | None
    source_name: str
    environment: str | None
    integration_branch: str | None
    metadata: dict[str, Any]
    pull: PullRequest | None
    notices: tuple[str, ...]
    warnings: tuple[str, ...]


def resolve(inputs: Inputs, runtime: Runtime, event: Event, now: datetime) -> Context | Skipped:
    """Decide what is registered, or why nothing is. `now` is UTC.

    Raises BadInput and BadEvent where a value that DX needs can be had from neither.
    """
    trigger = decide(event, inputs, runtime)
    if isinstance(trigger, Skipped):
        return trigger
    repository, own = _repository(inputs, runtime, event)
    attribution = _attribution(inputs)
    if not own and attribution == "commit" and not inputs.commit_sha:
        raise BadInput.of(
            "repository",
            "is not the repository of this event, whose commit says nothing about it. "
            "Give `commit-sha` or `merge-commit-shas`, or write `attribution: repository`.",
        )
    commit = _given(inputs.commit_sha, "commit-sha") or (trigger.commit if own else None)
    if attribution == "commit" and commit is None:
        raise BadEvent.of(event.name, "event names no commit, and `GITHUB_SHA` is empty. Give `commit-sha`.")
    shas = inputs.merge_commit_shas
    success = _success(inputs, trigger)
    outcome = "failure" if success and not success.value else "success"
    services, notices = _services(inputs, trigger, repository.value)
    commits = shas or ((commit.value,) if commit else ())
    if inputs.reference_id:
        ids = Found(given_ids(inputs.reference_id, services.value), "input reference-id")
    else:
        derived = derived_ids(
            trigger, inputs, runtime, repository.value, commits=commits, outcome=outcome, services=services.value
        )
        ids = Found(derived, "this event" if trigger.identity else "this job")
    return Context(
        repository=repository,
        attribution=attribution,
        commit=commit,
        merge_commit_shas=Found(shas, "input merge-commit-shas") if shas else None,
        services=services,
        deployed_at=_deployed_at(inputs, trigger, now),
        success=success,
        reference_ids=ids,
        repeatable=bool(trigger.identity) and not inputs.reference_id,
        source_url=_given(inputs.source_url, "source-url") or trigger.page or _job_page(inputs, runtime),
        source_name=inputs.source_name,
        environment=inputs.environment,
        integration_branch=inputs.integration_branch,
        metadata=inputs.metadata,
        pull=trigger.pull,
        notices=notices,
        warnings=trigger.warnings,
    )


def _repository(inputs: Inputs, runtime: Runtime, event: Event) -> tuple[Found[str], bool]:
    """Give the repository, and whether it is the event's own."""
    name = event.repository and event.repository.full_name
    own = Found(name, "repository.full_name") if name else Found(runtime.repository, "GITHUB_REPOSITORY")
    if inputs.repository:
        same = inputs.repository.casefold() == own.value.casefold()
        return Found(inputs.repository, "input repository"), same
    if not own.value:
        raise BadInput.of("repository", "is missing, and neither the event nor GITHUB_REPOSITORY names one.")
    return own, True


def _attribution(inputs: Inputs) -> Attribution:
    if inputs.attribution:
        return inputs.attribution
    return "merge-commits" if inputs.merge_commit_shas else "commit"


def _services(inputs: Inputs, trigger: Trigger, repository: str) -> tuple[Found[tuple[Service, ...]], tuple[str, ...]]:
    if inputs.service:
        return Found(inputs.service, "input service"), ()
    if trigger.services:
        return trigger.services, ()
    name = repository.rstrip("/").rpartition("/")[2] or repository
    notice = f"No `service` was given, so the deployment counts for {name}, the repository's own name."
    return Found((Service(name),), "the repository's name"), (notice,)


def _success(inputs: Inputs, trigger: Trigger) -> Found[bool] | None:
    if inputs.success is None:
        return trigger.success
    return Found(inputs.success == "success", "input success")


def _deployed_at(inputs: Inputs, trigger: Trigger, now: datetime) -> Found[str]:
    if inputs.deployed_at:
        return Found(iso(inputs.deployed_at), "input deployed-at")
    if trigger.deployed_at:
        return Found(iso(trigger.deployed_at.value), trigger.deployed_at.source)
    return Found(iso(now.replace(microsecond=0)), "the clock")


def _given(value: str | None, name: str) -> Found[str] | None:
    return Found(value, f"input {name}") if value else None


def _job_page(inputs: Inputs, runtime: Runtime) -> Found[str] | None:
    url = runtime.run_page(inputs.check_run_id)
    return Found(url, "this job") if url else None

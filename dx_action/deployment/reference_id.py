"""Owns the derived `reference_id`: what makes two registrations one deployment. Pure.

An id is readable, and its parts are joined by `/`, which no part but the last, the service, can hold. It comes in two kinds.
*Same*: a function of the event, so that handling it again finds what DX holds. *This job*: of the job that runs now.
A row of a file has one of its content.
"""

import hashlib
import json
from collections.abc import Sequence

from dx_action.deployment.trigger import Trigger
from dx_action.inputs.model import Inputs
from dx_action.inputs.values import Sourced
from dx_action.runner.runtime import Runtime
from dx_action.services.service import Service


def reference_ids(
    inputs: Inputs,
    runtime: Runtime,
    trigger: Trigger,
    repository: str,
    own: bool,
    *,
    commit: str | None,
    succeeded: bool,
    services: Sequence[Service],
) -> Sourced[tuple[str, ...]]:
    """Give each service's reference id, in the services' order: the author's own, or derived."""
    if inputs.reference_id:
        return Sourced(given_ids(inputs.reference_id, services), "input reference-id")
    commits = inputs.merge_commit_shas or ((commit,) if commit else ())
    outcome = "success" if succeeded else "failure"
    derived = derived_ids(
        trigger, inputs, runtime, repository, own=own, commits=commits, outcome=outcome, services=services
    )
    return Sourced(derived, "this event" if trigger.identity else "this job")


def derived_ids(
    trigger: Trigger,
    inputs: Inputs,
    runtime: Runtime,
    repository: str,
    *,
    own: bool,
    commits: Sequence[str],
    outcome: str,
    services: Sequence[Service],
) -> tuple[str, ...]:
    """Give each service's reference id, in the services' order."""
    if trigger.identity:
        parts = [*trigger.identity]
        if trigger.per_job:
            parts += [runtime.job or "-", inputs.job_index]
        parts.append(outcome)
        if trigger.overridable and (by_hand := _by_hand(inputs, trigger, repository if not own else "")):
            parts.append(_digest(by_hand))
    else:
        parts = (
            ["job", inputs.check_run_id]
            if inputs.check_run_id
            else ["run", runtime.run_id or "-", runtime.run_attempt, runtime.job or "-", inputs.job_index]
        )
        parts.append(_digest([repository.lower(), inputs.environment, [sha.lower() for sha in commits], outcome]))
    return tuple("/".join((runtime.server, *parts, service.identifier)) for service in services)


def given_ids(reference_id: str, services: Sequence[Service]) -> tuple[str, ...]:
    """Give the author's own id for one service, and one of its own for each of several."""
    if len(services) == 1:
        return (reference_id,)
    return tuple(f"{reference_id}/{service.identifier}" for service in services)


def row_id(
    deployed_at: str, repository: str, service: Service, environment: str | None, commits: Sequence[str], success: bool
) -> str:
    """Give the id of a file's row: of what makes it this deployment, and not of what describes it."""
    told = [repository.lower(), service.identifier, environment or "", deployed_at, success]
    digest = _digest([*told, sorted({sha.lower() for sha in commits})], 16)
    return f"backfill/{deployed_at}/{digest}/{service.identifier}"


def _by_hand(inputs: Inputs, trigger: Trigger, repository: str) -> list[object]:
    """Two steps of one job that give these differently mean two deployments, though the event is the same.

    What is given as the event has it anyway changes nothing. `repository` is another than the event's, or empty.
    """
    commit = (inputs.commit_sha or "").lower()
    if trigger.commit and trigger.commit.value.lower().startswith(commit):
        commit = ""
    given: list[object] = [repository.lower(), inputs.environment or "", commit]
    given += [sha.lower() for sha in inputs.merge_commit_shas]
    return given if any(given) else []


def _digest(value: object, length: int = 12) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:length]

"""The derived `reference_id`: which registrations are one deployment. Pure.

An id is readable. Its parts are joined by `/`, which only the last part, the service, may contain. There are two kinds.
*Same*: a function of the event, so that DX has already registered it when the event is handled again. *This job*: a function
of the running job. A row of a file has one made of its content.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import NamedTuple

from dx_action.deployment.trigger import Trigger
from dx_action.inputs.model import Inputs
from dx_action.inputs.values import Sourced
from dx_action.runner.event import Event
from dx_action.runner.runtime import Runtime
from dx_action.services.service import Service


class Subject(NamedTuple):
    """The repository and the commit that a run is about.

    `own`: the repository is the event's, which spells it as `name`. Otherwise `event` names no pull request and no files.
    """

    repository: Sourced[str]
    own: bool
    name: str
    commit: Sourced[str] | None
    event: Event

    @property
    def sha(self) -> str | None:
        return self.commit.value if self.commit else None


def reference_ids(
    inputs: Inputs, runtime: Runtime, trigger: Trigger, subject: Subject, services: Sequence[Service], succeeded: bool
) -> Sourced[tuple[str, ...]]:
    """Return each service's reference id, in the services' order: the author's own, or derived."""
    if given := inputs.reference_id:
        ids = tuple(f"{given}/{service.identifier}" if len(services) > 1 else given for service in services)
        return Sourced(ids, "input reference-id")
    outcome = "success" if succeeded else "failure"
    leg = [runtime.job or "-", inputs.job_index]
    if trigger.identity:
        parts = [*trigger.identity, *(leg if trigger.per_job else ()), outcome]
        if by_hand := _by_hand(inputs, trigger, subject):
            parts.append(_digest(by_hand))
    else:
        run = ["run", runtime.run_id or "-", runtime.run_attempt, *leg]
        parts = ["job", inputs.check_run_id] if inputs.check_run_id else run
        # The same event may find other merge commits later, so only those that an input lists count.
        commits = [sha.lower() for sha in inputs.merge_commit_shas or filter(None, [subject.sha])]
        parts.append(_digest([subject.repository.value.lower(), inputs.environment, commits, outcome]))
    ids = tuple("/".join((runtime.server, *parts, service.identifier)) for service in services)
    return Sourced(ids, "this event" if trigger.identity else "this job")


def row_id(
    deployed_at: str, repository: str, service: Service, environment: str | None, commits: Sequence[str], success: bool
) -> str:
    """Return the id of a file's row: of what makes it this deployment, and not of what describes it."""
    content = [repository.lower(), service.identifier, environment or "", deployed_at, success]
    digest = _digest([*content, sorted({sha.lower() for sha in commits})], 16)
    return f"backfill/{deployed_at}/{digest}/{service.identifier}"


def _by_hand(inputs: Inputs, trigger: Trigger, subject: Subject) -> list[str]:
    """Two steps of one job whose inputs differ in these mean two deployments, though the event is the same.

    An input that says what the event says anyway changes nothing.
    """
    commit = (inputs.commit_sha or "").lower()
    if trigger.commit and trigger.commit.value.lower().startswith(commit):
        commit = ""
    repository = "" if subject.own else subject.repository.value.lower()
    own = trigger.environment.value if trigger.environment else ""
    environment = inputs.environment if inputs.environment != own else None
    given = [repository, environment or "", commit, *map(str.lower, inputs.merge_commit_shas)]
    return given if any(given) else []


# Another length is another id for what DX holds already. A row's is longer, as it alone tells apart what a file has thousands of.
def _digest(value: object, length: int = 12) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:length]

"""The GitHub permissions that a step needs, by its inputs and its event. Pure.

The table is also the documentation's, in docs/checking.md.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

from dx_action.changes.changeset import needs_changes, own_pull, same_commit
from dx_action.changes.lead_time import event_time
from dx_action.deployment.trigger import may_be_tag
from dx_action.inputs.model import Inputs
from dx_action.runner.event import Event, PushEvent, WorkflowRunEvent

Permission = Literal["contents", "pull-requests", "deployments"]
# `perhaps`: it depends on the event of the deployment, and this is another one.
Needed = Literal["no", "perhaps", "yes"]
_CERTAINTY: tuple[Needed, ...] = ("no", "perhaps", "yes")


class Here(NamedTuple):
    """Which files need no look-up: those of a checkout, the service map, and `ca-bundle`."""

    checkout: bool = False
    service_map: bool = False
    ca_bundle: bool = False


class Need(NamedTuple):
    """A permission, what of the inputs needs it, and when."""

    permission: Permission
    text: str
    when: Callable[[Inputs, Event, Here], Needed]


def _certain(found: object) -> Needed:
    return "yes" if found else "no"


def _by_range(inputs: Inputs, event: Event, _: Here) -> Needed:
    """Whether the files that changed between two commits name the services."""
    if not inputs.by_files or (not inputs.since_sha and (inputs.pull_number or own_pull(event))):
        return "no"
    return "yes" if inputs.since_sha or isinstance(event, PushEvent) else "perhaps"


def _by_pull(inputs: Inputs, event: Event, _: Here) -> Needed:
    """Whether the files of one pull request name the services."""
    if not inputs.by_files or inputs.since_sha or (isinstance(event, PushEvent) and not inputs.pull_number):
        return "no"
    return "yes" if inputs.pull_number or own_pull(event) else "perhaps"


def _pushed_pulls(inputs: Inputs, event: Event, _: Here) -> Needed:
    """Whether the pull requests that a push merged get services."""
    named = inputs.pull_number or inputs.pull_id or own_pull(event)
    if not inputs.set_pull_services or named:
        return "no"
    return "yes" if isinstance(event, PushEvent) else "perhaps"


def _files_of_pulls(inputs: Inputs, event: Event, here: Here) -> Needed:
    """Whether the services of pull requests come from their own files."""
    if not inputs.set_pull_services or inputs.services_source == "input":
        return "no"
    return "yes" if inputs.pull_number or own_pull(event) else _pushed_pulls(inputs, event, here)


def _commit_time(inputs: Inputs, event: Event, _: Here) -> Needed:
    sha, time = event_time(event)
    known = time and (inputs.commit_sha is None or same_commit(sha, inputs.commit_sha))
    return _certain(inputs.wants_commit_time and not known)


def _tag(inputs: Inputs, event: Event, _: Here) -> Needed:
    """Whether a look-up says if a tag started a workflow run: only then can the run count."""
    return "perhaps" if isinstance(event, WorkflowRunEvent) and may_be_tag(event, inputs) else "no"


NEEDS = (
    Need(
        "contents",
        "`service-map` with a path that is not in the workspace",
        lambda inputs, _, here: _certain(isinstance(inputs.service_map, str) and not here.service_map),
    ),
    Need(
        "contents",
        "`services-from: backstage` or `codeowners`, without a checkout",
        lambda inputs, _, here: _certain(inputs.services_source in ("backstage", "codeowners") and not here.checkout),
    ),
    Need(
        "contents",
        "`ca-bundle` with a path that is not in the workspace",
        lambda inputs, _, here: _certain(inputs.ca_bundle and not here.ca_bundle),
    ),
    Need("contents", "services by files, for a push or with `since-sha`", _by_range),
    Need("pull-requests", "services by files, for a pull request", _by_pull),
    Need("contents", "`set-pull-services: true`, for a push", _pushed_pulls),
    Need("pull-requests", "`set-pull-services: true`, for a push", _pushed_pulls),
    Need("pull-requests", "`set-pull-services: true` with services by files", _files_of_pulls),
    Need(
        "contents",
        "`attribution: merge-commits`, `show-pull-requests: true` or `lead-time-metadata: first-commit`",
        lambda inputs, event, _: _certain(needs_changes(inputs, event)),
    ),
    Need(
        "pull-requests",
        "the same",
        lambda inputs, event, _: _certain(needs_changes(inputs, event) or inputs.wants_first_commit_time),
    ),
    Need(
        "deployments",
        "the same, without `since-sha` and `merge-commit-shas`",
        lambda inputs, event, _: _certain(
            needs_changes(inputs, event) and not inputs.since_sha and not inputs.merge_commit_shas
        ),
    ),
    Need("contents", "`lead-time-metadata: commit`, for an event that does not have the commit's time", _commit_time),
    Need("contents", "an event `workflow_run` that a tag may have started", _tag),
)


def needed(inputs: Inputs, event: Event, here: Here) -> dict[Permission, Needed]:
    """Return the permissions that a deployment by these inputs needs, or perhaps needs."""
    found: dict[Permission, Needed] = {}
    for need in NEEDS:
        here_needed = need.when(inputs, event, here)
        if here_needed != "no":
            found[need.permission] = max(here_needed, found.get(need.permission, "no"), key=_CERTAINTY.index)
    return found

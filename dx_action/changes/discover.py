"""The discovery of changes: since which deployment, in which direction, by which pull requests. Pure, but for `lookups`.

Nothing is guessed. If the previous deployment is unknown, DX is sent the commit and works out the rest. What a push, a
release or a pull request says of its own beginning is only shown.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from dx_action.changes.changeset import (
    CLOCK,
    NO_CHANGES,
    ChangeLookups,
    Changes,
    ChangeSet,
    UnavailableError,
    UnknownCommitError,
    Wanted,
    before_push,
    in_order,
    merged_pull,
    needs_changes,
    same_commit,
)
from dx_action.changes.lead_time import lead_times
from dx_action.changes.warnings import notices, warnings
from dx_action.errors import BadInput
from dx_action.inputs.filters import counts
from dx_action.inputs.model import Inputs
from dx_action.inputs.values import Sourced
from dx_action.runner.event import (
    Deployment,
    DeploymentEvent,
    Event,
    PullRequestEvent,
    PushEvent,
    ReleaseEvent,
    WorkflowRunEvent,
)
from dx_action.services.service import Service

_UNKNOWN_COMMIT = "the repository lacks the previously deployed commit or the deployed one"
_CURE = " (set `since-sha` to the previously deployed commit)"


def discover(
    inputs: Inputs,
    event: Event,
    services: Sequence[Service],
    commit: str | None,
    deployed_at: Sourced[str],
    lookups: Callable[[], ChangeLookups],
) -> Changes:
    """Return what ships, and the lead times, as far as inputs ask for them.

    Raises BadInput if `since-sha` is not a commit of the repository, and ActionError if it cannot be looked up which services
    a pull request touches.
    """
    names = tuple(service.identifier for service in services)
    changes = replace(NO_CHANGES, listed=inputs.show_pull_requests)
    warned: list[str] = []
    if needs_changes(inputs, event):
        # Deployments made after this one do not come before it; the clock's time is that of the run, which is later.
        until = None if deployed_at.source == CLOCK else deployed_at.value
        changes = _find_changes(inputs, event, names, commit, until, lookups())
        warned += warnings(changes, names, deployed_at.value, discovers=inputs.discovers_merge_commits)
        if changes.by_service and commit and _is_off_branch(event, commit, lookups()):
            warned.append(
                "The deployed commit is not on the default branch. Pull requests merged there count only if the commit "
                "contains them."
            )
    times, missing = lead_times(inputs, event, commit, changes, lookups)
    return replace(
        changes,
        lead_times=times,
        warnings=(*warned, *missing),
        notices=tuple(notices(changes, names, discovers=inputs.discovers_merge_commits)),
    )


def _find_changes(
    inputs: Inputs, event: Event, names: tuple[str, ...], commit: str | None, until: str | None, lookups: ChangeLookups
) -> Changes:
    if commit is None and not inputs.merge_commit_shas:
        raise BadInput.of("commit-sha", "is missing. Pull requests are looked up to the deployed commit.")
    change_sets, reasons = _change_sets(inputs, event, names, commit or "", until, lookups)
    try:
        change_sets = _touching(inputs, change_sets, lookups)
    except UnavailableError as error:
        # A service goes back, or nowhere, whichever pull requests touch it.
        change_sets = {
            name: replace(change_set, pulls=(), counted=False)
            for name, change_set in change_sets.items()
            if not change_set.ships
        }
        if unknown := [name for name in names if name not in change_sets]:
            reasons = {str(error): unknown}
    changes = Changes(
        change_sets,
        listed=inputs.show_pull_requests,
        reasons={reason: tuple(services) for reason, services in reasons.items()},
    )
    if inputs.show_pull_requests or inputs.wants_first_commit_time:
        with suppress(UnavailableError):
            return changes.dated(lookups.dated(changes.pulls))
    return changes


def _change_sets(
    inputs: Inputs, event: Event, names: tuple[str, ...], commit: str, until: str | None, lookups: ChangeLookups
) -> tuple[Mapping[str, ChangeSet], dict[str, list[str]]]:
    """Return the services' change sets, and the reasons why some are unknown or only shown."""
    change_sets: dict[str, ChangeSet] = {}
    reasons: dict[str, list[str]] = {}
    for name, previous in _previous(inputs, event, names, until, lookups).items():
        try:
            if isinstance(previous, Sourced):
                change_sets[name] = _since(previous, commit, event, lookups)
                continue
            if previous:
                reasons.setdefault(previous + _CURE, []).append(name)
            if shown := _shown(inputs, event, commit, lookups):
                change_sets[name] = shown
        except UnknownCommitError:
            if inputs.since_sha:
                text = "is not a commit of the repository, or `github-token` cannot read it (`contents: read`)."
                raise BadInput.of("since-sha", text) from None
            reasons.setdefault(_UNKNOWN_COMMIT + _CURE, []).append(name)
        except UnavailableError as error:
            reasons.setdefault(str(error), []).append(name)
    return change_sets, reasons


def _previous(
    inputs: Inputs, event: Event, names: tuple[str, ...], until: str | None, lookups: ChangeLookups
) -> Mapping[str, Sourced[str] | str]:
    """Return each service's previously deployed commit, or why it is unknown; "" if a list of commits makes it needless."""
    if inputs.merge_commit_shas:
        return dict.fromkeys(names, "")
    if inputs.since_sha:
        return dict.fromkeys(names, Sourced(inputs.since_sha, "input since-sha"))
    own = event.deployment if isinstance(event, DeploymentEvent) else None
    environment = own.environment if own else inputs.environment

    def same(deployment: Deployment) -> bool:
        return deployment.environment == environment if environment else counts(deployment, inputs.only_environments)

    # With a map there are other services, and a deployment that names none may be theirs.
    alone = len(names) == 1 and inputs.services_source == "input"
    # The completed run may have deployed by a job's environment, as this one may.
    runs = (str(event.workflow_run.id),) if isinstance(event, WorkflowRunEvent) else ()
    try:
        return lookups.previous(Wanted(names, environment, same, own, alone, own.created_at if own else until, runs))
    except UnavailableError as error:
        return dict.fromkeys(names, str(error))


def _since(
    previous: Sourced[str], commit: str, event: Event, lookups: ChangeLookups, *, certain: bool = True
) -> ChangeSet:
    span = lookups.span(previous.value, commit)
    if span.course == "rollback":
        try:
            pulls = lookups.merged(lookups.span(commit, previous.value).commits)
        except UnavailableError:
            return ChangeSet(previous, certain, span.course, (), counted=False)
        return ChangeSet(previous, certain, span.course, in_order(pulls))
    newest = commit if isinstance(event, PushEvent) else None
    pulls = lookups.merged(span.commits, newest) if span.commits else ()
    if isinstance(event, PullRequestEvent) and event.pull_request.merge_commit_sha in span.commits:
        pulls = (merged_pull(event.pull_request), *pulls)
    return ChangeSet(previous, certain, span.course, in_order(pulls))


def _shown(inputs: Inputs, event: Event, commit: str, lookups: ChangeLookups) -> ChangeSet | None:
    """Return what can be shown without a previous deployment."""
    if inputs.merge_commit_shas:
        return ChangeSet(None, True, "forward", in_order(lookups.merged(inputs.merge_commit_shas)))
    if not (inputs.show_pull_requests or inputs.wants_first_commit_time):
        return None
    previous = None
    if before := before_push(event):
        previous = Sourced(before, "push.before")
    elif isinstance(event, ReleaseEvent):
        previous = lookups.previous_release(event.release.id)
    if previous:
        with suppress(UnknownCommitError):  # after a force push
            return _since(previous, commit, event, lookups, certain=False)
    if isinstance(event, PullRequestEvent) and same_commit(event.pull_request.merge_commit_sha, commit):
        return ChangeSet(None, False, "forward", (merged_pull(event.pull_request),))
    pulls = lookups.merged((commit,))
    return ChangeSet(None, False, "forward", in_order(pulls)) if pulls else None


def _is_off_branch(event: Event, commit: str, lookups: ChangeLookups) -> bool:
    """Whether the commit is not on the default branch. GitHub is asked unless the event shows that it is."""
    branch = event.repository and event.repository.default_branch
    merged: str | None = None
    if isinstance(event, PullRequestEvent) and event.pull_request.base and event.pull_request.base.ref == branch:
        merged = event.pull_request.merge_commit_sha
    elif isinstance(event, PushEvent) and event.head_commit and event.ref == f"refs/heads/{branch}":
        merged = event.head_commit.id
    if not branch or same_commit(merged, commit):
        return False
    try:
        return lookups.is_off_branch(branch, commit)
    except (UnavailableError, UnknownCommitError):
        return False


def _touching(inputs: Inputs, change_sets: Mapping[str, ChangeSet], lookups: ChangeLookups) -> Mapping[str, ChangeSet]:
    """Keep each service's own pull requests, if services come from files."""
    if inputs.services_source == "input" or not change_sets:
        return change_sets
    pulls = in_order(pull for change_set in change_sets.values() for pull in change_set.pulls)
    services = lookups.services_of(pulls)
    return {
        name: replace(change_set, pulls=tuple(pull for pull in change_set.pulls if name in services[pull.number]))
        for name, change_set in change_sets.items()
    }

"""The discovery of changes: since which deployment, in which direction, by which pull requests. Pure, but for `lookups`.

Nothing is guessed. If the previous deployment is unknown, DX is sent the commit and works out the rest. What a push, a
release or a pull request says of its own beginning is only shown.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from dx_action.changes.changeset import (
    CLOCK,
    NO_CHANGES,
    ChangeLookups,
    Changes,
    ChangeSet,
    UnavailableError,
    UnknownCommitError,
    UnrelatedError,
    Wanted,
    before_push,
    grouped,
    in_order,
    needs_changes,
    own_merge,
    own_pull,
    same_commit,
)
from dx_action.changes.lead_time import lead_times
from dx_action.changes.warnings import notices, warnings
from dx_action.errors import BadInput, Unsaid
from dx_action.inputs.filters import counts
from dx_action.inputs.model import Inputs
from dx_action.inputs.values import Sourced, sourced
from dx_action.runner.event import (
    Deployment,
    DeploymentEvent,
    Event,
    PushEvent,
    ReleaseEvent,
    WorkflowRunEvent,
)
from dx_action.services.service import Service

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
    changes = NO_CHANGES
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
    return changes._replace(
        lead_times=times,
        warnings=(*warned, *missing),
        notices=tuple(notices(changes, names, discovers=inputs.discovers_merge_commits)),
    )


def _find_changes(
    inputs: Inputs, event: Event, names: tuple[str, ...], commit: str | None, until: str | None, lookups: ChangeLookups
) -> Changes:
    if commit is None and not inputs.merge_commit_shas:
        raise Unsaid.of("commit-sha", "is missing. Pull requests are looked up to the deployed commit.")
    change_sets, reasons = _change_sets(inputs, event, names, commit or "", until, lookups)
    try:
        change_sets = _touching(inputs, change_sets, lookups)
    except UnavailableError as error:
        # A service goes back, or nowhere, whichever pull requests touch it.
        change_sets = {
            name: change_set._replace(pulls=(), counted=False)
            for name, change_set in change_sets.items()
            if not change_set.ships
        }
        reasons = [(str(error), name) for name in names if name not in change_sets] or reasons
    changes = Changes(change_sets, listed=inputs.show_pull_requests, reasons=grouped(reasons))
    if inputs.show_pull_requests or inputs.wants_first_commit_time:
        with suppress(UnavailableError):
            return changes.dated(lookups.dated(changes.pulls))
    return changes


def _change_sets(
    inputs: Inputs, event: Event, names: tuple[str, ...], commit: str, until: str | None, lookups: ChangeLookups
) -> tuple[Mapping[str, ChangeSet], list[tuple[str, str]]]:
    """Return the services' change sets, and each reason why a service's is unknown or only shown."""
    change_sets: dict[str, ChangeSet] = {}
    reasons: list[tuple[str, str]] = []
    for name, previous in _previous(inputs, event, names, until, lookups).items():
        try:
            if isinstance(previous, Sourced):
                change_sets[name] = _since(previous, commit, event, lookups)
                continue
            if previous:
                # A failed look-up says what to do in sentences of its own, and another commit may fail in the same way.
                reasons.append((previous if ". " in previous else previous + _CURE, name))
            shown, missing = _shown(inputs, event, commit, lookups)
            if shown:
                change_sets[name] = shown
            if missing:
                reasons.append((missing, name))
        except UnknownCommitError:
            if inputs.since_sha:
                text = "is not a commit of the repository, or `github-token` cannot read it (`contents: read`)."
                raise BadInput.of("since-sha", text) from None
            reasons.append((f"the repository lacks the previously deployed commit or the deployed one{_CURE}", name))
        except UnavailableError as error:
            reasons.append((str(error), name))
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


def _since(previous: Sourced[str], commit: str, event: Event, lookups: ChangeLookups) -> ChangeSet:
    span = lookups.span(previous.value, commit)
    if span.course == "rollback":
        try:
            pulls = lookups.merged(lookups.span(commit, previous.value).commits).whole()
        except UnavailableError:
            return ChangeSet(previous, True, span.course, (), counted=False)
        return ChangeSet(previous, True, span.course, in_order(pulls))
    newest = commit if isinstance(event, PushEvent) else None
    pulls = lookups.merged(span.commits, newest).whole() if span.commits else ()
    return ChangeSet(previous, True, span.course, in_order((*own_merge(event, *span.commits), *pulls)))


def _shown(inputs: Inputs, event: Event, commit: str, lookups: ChangeLookups) -> tuple[ChangeSet | None, str]:
    """Return what can be shown without a previous deployment, and why more may be missing."""
    if inputs.merge_commit_shas:
        listed = lookups.merged(inputs.merge_commit_shas)
        return ChangeSet(None, True, "forward", in_order(listed.pulls)), listed.why
    if not (inputs.show_pull_requests or inputs.wants_first_commit_time):
        return None, ""
    previous = sourced(before_push(event), "push.before")
    if isinstance(event, ReleaseEvent):
        previous = lookups.previous_release(event.release.id)
    if previous:
        with suppress(UnknownCommitError, UnrelatedError):  # after a force push
            return _since(previous, commit, event, lookups)._replace(certain=False), ""
    if own := own_merge(event, commit):
        return ChangeSet(None, False, "forward", own), ""
    found = lookups.merged((commit,))
    return ChangeSet(None, False, "forward", in_order(found.pulls)) if found.pulls else None, found.why


def _is_off_branch(event: Event, commit: str, lookups: ChangeLookups) -> bool:
    """Whether the commit is not on the default branch. GitHub is asked unless the event shows that it is."""
    branch = event.repository and event.repository.default_branch
    own, merged = own_pull(event), None
    if own and own.base and own.base.ref == branch:
        merged = own.merge_commit_sha
    elif isinstance(event, PushEvent) and event.head_commit and event.ref == f"refs/heads/{branch}":
        merged = event.head_commit.id
    if not branch or same_commit(merged, commit):
        return False
    with suppress(UnavailableError, UnknownCommitError):
        return lookups.is_off_branch(branch, commit)
    return False


def _touching(inputs: Inputs, change_sets: Mapping[str, ChangeSet], lookups: ChangeLookups) -> Mapping[str, ChangeSet]:
    """Keep each service's own pull requests, if services come from files."""
    if inputs.services_source == "input" or not change_sets:
        return change_sets
    pulls = in_order(pull for change_set in change_sets.values() for pull in change_set.pulls)
    services = lookups.services_of(pulls)
    return {
        name: change_set._replace(pulls=tuple(pull for pull in change_set.pulls if name in services[pull.number]))
        for name, change_set in change_sets.items()
    }

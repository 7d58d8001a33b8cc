"""Owns the decision on what a deployment ships: since which previous one, which way, which pull requests. Pure, but for `lookups`.

What is not known is never guessed: without a known previous deployment DX is told the commit, from which it fills the gap itself.
What a push or a release says of its beginning, or a pull request of itself, is only shown.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from dx_action.changes import warnings as doubts
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
    event_pull,
    in_order,
    needs_changes,
    same_commit,
)
from dx_action.changes.lead_time import lead_times
from dx_action.errors import BadInput
from dx_action.inputs.filters import counts
from dx_action.inputs.model import Inputs
from dx_action.inputs.values import Sourced
from dx_action.runner.event import (
    Deployment,
    DeploymentEvent,
    DeploymentStatusEvent,
    Event,
    PullRequestEvent,
    PushEvent,
    ReleaseEvent,
    WorkflowRunEvent,
)
from dx_action.services.service import Service

_NO_SUCH = "the repository does not have the commit that was there before, or the deployed one"
_GIVE = " (`since-sha` can give the commit that was deployed before)"


def discover(
    inputs: Inputs,
    event: Event,
    services: Sequence[Service],
    commit: str | None,
    deployed_at: Sourced[str],
    lookups: Callable[[], ChangeLookups],
) -> Changes:
    """Say what ships and since when it was on its way, as far as inputs ask for it. Raises as `shipping` does."""
    names = tuple(service.identifier for service in services)
    ships = replace(NO_CHANGES, listed=inputs.show_pull_requests)
    warnings: tuple[str, ...] = ()
    if needs_changes(inputs, event):
        until = None if deployed_at.source == CLOCK else deployed_at.value
        ships = replace(changes(inputs, event, services, commit, until, lookups()), listed=inputs.show_pull_requests)
        warnings = tuple(doubts.warnings(ships, names, deployed_at.value, discovers=inputs.discovers_merge_commits))
        warnings += _beside(event, commit, lookups()) if ships.by_service else ()
    times, missing = lead_times(inputs, event, commit, ships, lookups)
    return replace(
        ships,
        lead_times=times,
        warnings=(*warnings, *missing),
        notices=tuple(doubts.notices(ships, names, discovers=inputs.discovers_merge_commits)),
    )


def changes(
    inputs: Inputs,
    event: Event,
    services: Sequence[Service],
    commit: str | None,
    until: str | None,
    lookups: ChangeLookups,
) -> Changes:
    """Say what ships. `until` is when it was deployed, where that may be long ago.

    Raises BadInput where `since-sha` is no commit of the repository, and ActionError where it cannot be told which services a pull
    request touches.
    """
    names = tuple(service.identifier for service in services)
    if commit is None and not inputs.merge_commit_shas:
        raise BadInput.of("commit-sha", "is missing: what a deployment ships ends with its commit.")
    found: dict[str, ChangeSet] = {}
    reasons: dict[str, list[str]] = {}
    for name, beginning in _beginnings(inputs, event, names, until, lookups).items():
        try:
            if isinstance(beginning, Sourced):
                found[name] = _since(beginning, commit or "", event, lookups)
                continue
            reasons.setdefault(beginning and beginning + _GIVE, []).append(name)
            if shown := _shown(inputs, event, commit or "", lookups):
                found[name] = shown
        except UnknownCommitError:
            if inputs.since_sha:
                text = "is no commit of the repository, or `github-token` may not read it (`contents: read`)."
                raise BadInput.of("since-sha", text) from None
            reasons.setdefault(_NO_SUCH + _GIVE, []).append(name)
        except UnavailableError as error:
            reasons.setdefault(str(error), []).append(name)
    reasons.pop("", None)
    try:
        touching = _touching(inputs, found, lookups)
    except UnavailableError as error:
        back = {name: each for name, each in found.items() if each.course in ("rollback", "redeploy")}
        touching = {name: replace(each, pulls=(), counted=False) for name, each in back.items()}
        if unknown := [name for name in names if name not in back]:
            reasons = {str(error): unknown}
    ships = Changes(touching, reasons={why: tuple(those) for why, those in reasons.items()})
    if not (inputs.show_pull_requests or inputs.wants_first_commit_time):
        return ships
    try:
        return ships.dated(lookups.dated(ships.pulls))
    except UnavailableError:
        return ships


def _beginnings(
    inputs: Inputs, event: Event, names: tuple[str, ...], until: str | None, lookups: ChangeLookups
) -> Mapping[str, Sourced[str] | str]:
    """Give each service's previous deployment, or why it is not known; a list by hand needs none."""
    if inputs.merge_commit_shas:
        return dict.fromkeys(names, "")
    if inputs.since_sha:
        return dict.fromkeys(names, Sourced(inputs.since_sha, "input since-sha"))
    own = event.deployment if isinstance(event, DeploymentEvent | DeploymentStatusEvent) else None
    environment = own.environment if own else inputs.environment

    def same(deployment: Deployment) -> bool:
        return deployment.environment == environment if environment else counts(deployment, inputs.only_environments)

    # Where there is a map, there are other services, whose deployments these may be.
    alone = len(names) == 1 and inputs.services_source == "input"
    try:
        # The run that completed may have deployed by a job's environment, as this one may.
        runs = (str(event.workflow_run.id),) if isinstance(event, WorkflowRunEvent) else ()
        return lookups.previous(Wanted(names, environment, same, own, alone, own.created_at if own else until, runs))
    except UnavailableError as error:
        return dict.fromkeys(names, str(error))


def _since(
    previous: Sourced[str], commit: str, event: Event, lookups: ChangeLookups, *, certain: bool = True
) -> ChangeSet:
    span = lookups.span(previous.value, commit)
    if span.course == "rollback":
        try:
            taken = lookups.merged(lookups.span(commit, previous.value).commits)
        except UnavailableError:
            return ChangeSet(previous, certain, span.course, (), counted=False)
        return ChangeSet(previous, certain, span.course, in_order(taken))
    commits = span.commits
    pulls = lookups.merged(commits, commit if isinstance(event, PushEvent) else None) if commits else ()
    if isinstance(event, PullRequestEvent) and event.pull_request.merge_commit_sha in commits:
        pulls = (event_pull(event.pull_request), *pulls)
    return ChangeSet(previous, certain, span.course, in_order(pulls))


def _shown(inputs: Inputs, event: Event, commit: str, lookups: ChangeLookups) -> ChangeSet | None:
    """Give what can be shown without a previous deployment."""
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
        with suppress(UnknownCommitError):  # as after a force push
            return _since(previous, commit, event, lookups, certain=False)
    if isinstance(event, PullRequestEvent) and same_commit(event.pull_request.merge_commit_sha, commit):
        return ChangeSet(None, False, "forward", (event_pull(event.pull_request),))
    pulls = lookups.merged((commit,))
    return ChangeSet(None, False, "forward", in_order(pulls)) if pulls else None


def _beside(event: Event, commit: str | None, lookups: ChangeLookups) -> tuple[str, ...]:
    """Warn of a commit that is not on the default branch, where the event does not show that it is."""
    branch = event.repository and event.repository.default_branch
    on_it: str | None = None
    if isinstance(event, PullRequestEvent) and event.pull_request.base and event.pull_request.base.ref == branch:
        on_it = event.pull_request.merge_commit_sha
    elif isinstance(event, PushEvent) and event.head_commit and event.ref == f"refs/heads/{branch}":
        on_it = event.head_commit.id
    if branch and commit and not same_commit(on_it, commit):
        try:
            if lookups.is_off_branch(branch, commit):
                text = "The deployed commit is not on the default branch. What was merged there and is not in it does not count."
                return (text,)
        except (UnavailableError, UnknownCommitError):
            pass
    return ()


def _touching(inputs: Inputs, found: Mapping[str, ChangeSet], lookups: ChangeLookups) -> Mapping[str, ChangeSet]:
    """Keep, where services come from files, to each service's pull requests."""
    if inputs.services_source == "input" or not found:
        return found
    services = lookups.services_of(in_order(pull for each in found.values() for pull in each.pulls))
    return {
        name: replace(each, pulls=tuple(pull for pull in each.pulls if name in services[pull.number]))
        for name, each in found.items()
    }

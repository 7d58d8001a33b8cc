"""The times in `metadata` for DX's lead-time reports: the commit's, and the first commit's. Pure, but for `lookups`."""

from collections.abc import Callable

from dx_action.changes.changeset import (
    ChangeLookups,
    Changes,
    UnavailableError,
    first_commit,
    in_seconds,
    own_merge,
    same_commit,
)
from dx_action.inputs.metadata import COMMIT_KEY, FIRST_KEY
from dx_action.inputs.model import Inputs
from dx_action.inputs.values import Sourced, sourced
from dx_action.runner.event import Event, PullRequestEvent, PushEvent, WorkflowRunEvent
from dx_action.text import join_names


def lead_times(
    inputs: Inputs, event: Event, commit: str | None, changes: Changes, lookups: Callable[[], ChangeLookups]
) -> tuple[dict[str, Sourced[int]], tuple[str, ...]]:
    """Return the wanted times in Unix seconds, by key, and warnings about those that are missing."""
    times: dict[str, Sourced[int]] = {}
    warnings: list[str] = []
    for key, wanted, find in (
        (COMMIT_KEY, inputs.wants_commit_time, _commit_time),
        (FIRST_KEY, inputs.wants_first_commit_time, _first_commit_time),
    ):
        try:
            if wanted and (time := find(event, commit, changes, lookups)):
                times[key] = in_seconds(time)
        except UnavailableError as error:
            warnings.append(f"`{key}` is left out of the metadata, because {error}.")
    return times, tuple(warnings)


def event_time(event: Event) -> tuple[str | None, Sourced[str] | None]:
    """Return the commit that an event is about, and when it was made, if the event has that."""
    match event:
        case PullRequestEvent(pull_request=pull):
            return pull.merge_commit_sha, sourced(pull.merged_at, "pull_request.merged_at")
        case PushEvent(head_commit=head) if head:
            return head.id, sourced(head.timestamp, "push.head_commit.timestamp")
        case WorkflowRunEvent(workflow_run=run) if run.head_commit:
            return run.head_sha, sourced(run.head_commit.timestamp, "workflow_run.head_commit.timestamp")
    return None, None


def _commit_time(event: Event, commit: str | None, _: Changes, lookups: Callable[[], ChangeLookups]) -> Sourced[str]:
    sha, time = event_time(event)
    if time and same_commit(sha, commit):
        return time
    if commit is None:
        raise UnavailableError("no commit is known")
    return Sourced(lookups().committed_at(commit), "GitHub's commit")


def _first_commit_time(
    event: Event, commit: str | None, changes: Changes, lookups: Callable[[], ChangeLookups]
) -> Sourced[str] | None:
    """Return the time of the first commit that ships, or None if nothing new ships."""
    pulls = changes.pulls or own_merge(event, commit)
    if not pulls and changes.nothing_new:
        return None
    if not pulls:
        raise UnavailableError("no pull request is known that this deployment ships")
    dated = pulls if all(pull.first_commit_at for pull in pulls) else lookups().dated(pulls)
    if first := first_commit(dated):
        return first
    undated = [f"#{pull.number}" for pull in dated if not pull.first_commit_at]
    raise UnavailableError(f"GitHub did not return all commits of {join_names(undated)}")

"""Owns the times in `metadata` for DX's reports of lead time: the commit's, and the first commit's. Pure, but for `lookups`."""

from collections.abc import Callable

from dx_action.changes.changeset import (
    ChangeLookups,
    Changes,
    MergedPull,
    UnavailableError,
    event_pull,
    first_commit,
    same_commit,
)
from dx_action.errors import InvalidValue
from dx_action.inputs.metadata import COMMIT_KEY, FIRST_KEY
from dx_action.inputs.model import Inputs
from dx_action.inputs.times import parse_time
from dx_action.inputs.values import Sourced
from dx_action.runner.event import Event, PullRequestEvent, PushEvent, WorkflowRunEvent


def lead_times(
    inputs: Inputs, event: Event, commit: str | None, changes: Changes, lookups: Callable[[], ChangeLookups]
) -> tuple[dict[str, Sourced[int]], tuple[str, ...]]:
    """Give the times, in Unix seconds and by their keys, and why one that is wanted is missing."""
    found: dict[str, Sourced[int]] = {}
    missing: list[str] = []
    for key, wanted, look in (
        (COMMIT_KEY, inputs.wants_commit_time, _commit),
        (FIRST_KEY, inputs.wants_first_commit_time, _first),
    ):
        if not wanted:
            continue
        try:
            told = look(event, commit, changes, lookups)
            if told is None:
                continue
            found[key] = Sourced(int(parse_time(told.value).timestamp()), told.source)
        except UnavailableError as error:
            missing.append(f"`{key}` is left out of the metadata: {error}.")
        except InvalidValue:
            missing.append(f"`{key}` is left out of the metadata: GitHub gave a time that cannot be read.")
    return found, tuple(missing)


def _commit(event: Event, commit: str | None, _: Changes, lookups: Callable[[], ChangeLookups]) -> Sourced[str]:
    told: tuple[str | None, str | None, str] = (None, None, "")
    match event:
        case PullRequestEvent(pull_request=pull):
            told = (pull.merge_commit_sha, pull.merged_at, "pull_request.merged_at")
        case PushEvent(head_commit=head) if head:
            told = (head.id, head.timestamp, "push.head_commit.timestamp")
        case WorkflowRunEvent(workflow_run=run) if run.head_commit:
            told = (run.head_sha, run.head_commit.timestamp, "workflow_run.head_commit.timestamp")
    sha, time, source = told
    if time and same_commit(sha, commit):
        return Sourced(time, source)
    if commit is None:
        raise UnavailableError("no commit is known")
    return Sourced(lookups().committed_at(commit), "GitHub's commit")


def _first(
    event: Event, commit: str | None, changes: Changes, lookups: Callable[[], ChangeLookups]
) -> Sourced[str] | None:
    pulls: tuple[MergedPull, ...] = changes.pulls
    if not pulls and isinstance(event, PullRequestEvent) and same_commit(event.pull_request.merge_commit_sha, commit):
        pulls = (event_pull(event.pull_request),)
    if not pulls and changes.nothing_new:
        return None
    if not pulls:
        raise UnavailableError("no pull request is known that this deployment ships")
    dated = pulls if all(pull.first_commit_at for pull in pulls) else lookups().dated(pulls)
    first = first_commit(dated)
    if first is None:
        raise UnavailableError("GitHub tells no commits of the pull requests")
    return Sourced(first[0], f"pull request #{first[1]}")

"""Owns by which change services are found: a pull request's, or that between two commits; and what a merged one is. Pure."""

from dataclasses import dataclass
from typing import Literal

from dx_action.errors import BadInput
from dx_action.inputs.model import Inputs
from dx_action.runner.event import Event, PullRequest, PullRequestEvent, PushEvent

_NO_COMMIT = "0"
# The way from one commit to another: on, back to an ancestor, nowhere, or to a line of its own.
Course = Literal["forward", "rollback", "redeploy", "diverged"]


@dataclass(frozen=True, slots=True)
class PullChange:
    """A pull request's change: its number, and its ends and size where the event tells them."""

    number: int
    base: str | None = None
    head: str | None = None
    changed_files: int | None = None


@dataclass(frozen=True, slots=True)
class RangeChange:
    """The change from one commit to another, and what named the first."""

    before: str
    after: str
    source: str


@dataclass(frozen=True, slots=True)
class Span:
    """The way from one commit to another, and the commits that the second has and the first has not, oldest first."""

    course: Course
    commits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MergedPull:
    """A merged pull request. `merge_commit_sha` is the commit that it became on `base_ref`.

    `merged_at` and `first_commit_at`, when the earliest of its commits was authored, are ISO-8601 in UTC.
    """

    number: int
    id: int
    title: str
    url: str
    author: str
    merged_at: str
    merge_commit_sha: str
    base_ref: str
    base: str
    head: str
    changed_files: int
    first_commit_at: str | None = None


def change(event: Event, inputs: Inputs, commit: str | None) -> PullChange | RangeChange:
    """Say which change counts: `since-sha`, `pull-number`, the event's pull request, then what a push moved.

    Raises BadInput where nothing names the change's beginning: services are never guessed.
    """
    if inputs.since_sha and commit:
        return RangeChange(inputs.since_sha, commit, "input since-sha")
    if inputs.pull_number and not (
        isinstance(event, PullRequestEvent) and event.pull_request.number == inputs.pull_number
    ):
        return PullChange(inputs.pull_number)
    if isinstance(event, PullRequestEvent):
        return pull_change(event.pull_request)
    if commit and (before := before_push(event)):
        return RangeChange(before, commit, "push.before")
    raise BadInput.of(
        "since-sha",
        f"is missing: services are found by the files that changed, and this {event.name} event does not say since which "
        "commit of the repository. Give the previously deployed commit as `since-sha`, or a `pull-number`.",
    )


def before_push(event: Event) -> str | None:
    """Give the commit from which a push moved its branch; None for a new branch, where GitHub writes zeros, and for no push."""
    before = event.before if isinstance(event, PushEvent) else None
    return before if before and before.strip(_NO_COMMIT) else None


def same_commit(whole: str | None, commit: str | None) -> bool:
    """Tell whether the commit, which may be given in short, is this one."""
    return bool(whole and commit and whole.lower().startswith(commit.lower()))


def pull_change(pull: PullRequest) -> PullChange:
    """Give a pull request's change as its event tells it."""
    base, head = (branch.sha if branch else None for branch in (pull.base, pull.head))
    return PullChange(pull.number, base, head, pull.changed_files)


def event_pull(pull: PullRequest) -> MergedPull:
    """Give a merged pull request as its event tells it."""
    return MergedPull(
        number=pull.number,
        id=pull.id,
        title=pull.title or "",
        url=pull.html_url or "",
        author=(pull.user and pull.user.login) or "ghost",
        merged_at=pull.merged_at or "",
        merge_commit_sha=pull.merge_commit_sha or "",
        base_ref=(pull.base and pull.base.ref) or "",
        base=(pull.base and pull.base.sha) or "",
        head=(pull.head and pull.head.sha) or "",
        changed_files=pull.changed_files or 0,
    )

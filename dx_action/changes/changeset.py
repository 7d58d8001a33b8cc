"""Owns what a deployment ships, as values, and what is to be looked up for it. Pure. `shipments` decides it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from dx_action.errors import BadInput
from dx_action.inputs.metadata import FIRST_KEY
from dx_action.inputs.model import Inputs
from dx_action.inputs.times import parse_time_or_none
from dx_action.inputs.values import Sourced
from dx_action.runner.event import Deployment, Event, PullRequest, PullRequestEvent, PushEvent

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


def deployed_change(event: Event, inputs: Inputs, commit: str | None) -> PullChange | RangeChange:
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


CLOCK = "the clock"


class UnknownCommitError(Exception):
    """The repository has no such commit, or not any more."""


class UnavailableError(Exception):
    """What was looked up cannot be had. The text is our own and says why, as the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which previous deployments are asked for.

    `counts` says whether one of GitHub's deployments is of this environment, which has the name `environment` where one is
    known; `own` is the deployment that this run is about, and `runs` are the other runs that may have made it.
    `alone`: there is one service, not found by files, so that a history that names no service counts as its own.
    `until`: when this one was made, in ISO 8601; what was made later is none before it. None is now.
    """

    services: tuple[str, ...]
    environment: str | None
    counts: Callable[[Deployment], bool]
    own: Deployment | None
    alone: bool
    until: str | None = None
    runs: tuple[str, ...] = ()


class ChangeLookups(Protocol):
    """What is to be looked up. Each raises UnavailableError where GitHub does not tell."""

    def previous(self, wanted: Wanted) -> Mapping[str, Sourced[str] | str]:
        """Give each service's previously deployed commit, or why it is not known, as the end of a sentence."""

    def previous_release(self, release_id: int) -> Sourced[str] | None:
        """Give the tag that was released before."""

    def span(self, before: str, after: str) -> Span:
        """Compare two commits. Raises UnknownCommitError, too."""

    def merged(self, commits: Sequence[str], newest: str | None = None) -> tuple[MergedPull, ...]:
        """Give the pull requests that the commits merged. `newest` was merged just now, so that GitHub may lag behind."""

    def services_of(self, pulls: Sequence[MergedPull]) -> Mapping[int, frozenset[str]]:
        """Give the services that each pull request touches, by its number. Raises ActionError, too."""

    def dated(self, pulls: Sequence[MergedPull]) -> tuple[MergedPull, ...]:
        """Give the pull requests with when the first commit of each was authored."""

    def committed_at(self, commit: str) -> str:
        """Give when a commit was made."""

    def is_off_branch(self, branch: str, commit: str) -> bool:
        """Tell whether the commit is not on the branch."""


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """What a deployment of one service ships since `previous`, oldest first. In a rollback, `pulls` are what it takes back.

    `certain`: these are all, since `previous` is a deployment, or since an input lists them. Else `previous` is what an event calls
    its beginning, or, where there is none, only the event's or the commit's own pull request is known. Not `counted`: what a
    rollback takes back could not be looked up.
    """

    previous: Sourced[str] | None
    certain: bool
    course: Course
    pulls: tuple[MergedPull, ...]
    counted: bool = True

    @property
    def merge_commit_shas(self) -> tuple[str, ...]:
        """The commits to attribute by: none where nothing new ships, or where that is not certain."""
        new = self.certain and self.course in ("forward", "diverged")
        return tuple(pull.merge_commit_sha for pull in self.pulls) if new else ()

    def headline(self, commit: str) -> str:
        """Say in a sentence what the deployment of the commit ships."""
        count = f"{len(self.pulls)} pull request" + ("" if len(self.pulls) == 1 else "s")
        if self.course == "redeploy":
            was = "was deployed before" if self.certain else "is what it is compared with"
            return f"{commit[:12]} {was}: nothing new ships"
        if self.course == "rollback" and self.certain:
            return f"Rollback to {commit[:12]}" + (f": {count} taken out of production" if self.counted else "")
        if self.course == "rollback":
            return f"{commit[:12]} comes before what it is compared with: {count} less"
        return f"Ships {count}" if self.certain or self.previous else f"Ships {count} at least"


@dataclass(frozen=True, slots=True)
class Changes:
    """What each service's deployment ships, by its identifier; `reasons` say of which services that is not known, and why.

    `listed`: the summary is to list the pull requests. `lead_times` are in Unix seconds, by their keys in `metadata`; of the
    first commits it is the earliest of all, and `lead_times_of` returns each service its own.
    """

    by_service: Mapping[str, ChangeSet]
    listed: bool = False
    reasons: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lead_times: Mapping[str, Sourced[int]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def pulls(self) -> tuple[MergedPull, ...]:
        """All pull requests that ship, each once, in the order of their merging."""
        return in_order(pull for each in self.by_service.values() if each.course != "rollback" for pull in each.pulls)

    @property
    def rollback(self) -> bool | None:
        """Whether it goes back, where a previous deployment was looked up."""
        known = [each.course == "rollback" for each in self.by_service.values() if each.certain and each.previous]
        return any(known) if known else None

    @property
    def nothing_new(self) -> bool:
        """Whether it is known that nothing ships which was not deployed before."""
        every = self.by_service.values()
        return bool(every) and all(each.certain and each.course in ("rollback", "redeploy") for each in every)

    def dated(self, pulls: Iterable[MergedPull]) -> "Changes":
        """Give the same with these pull requests in the place of those of their numbers."""
        by_number = {pull.number: pull for pull in pulls}
        found = {
            name: replace(each, pulls=tuple(by_number.get(pull.number, pull) for pull in each.pulls))
            for name, each in self.by_service.items()
        }
        return replace(self, by_service=found)

    def merge_commit_shas(self, service: str) -> tuple[str, ...]:
        """Give the merge commits by which one service's deployment can be attributed; none where they are not known."""
        change_set = self.by_service.get(service)
        return change_set.merge_commit_shas if change_set else ()

    def lead_times_of(self, service: str) -> dict[str, Sourced[int]]:
        """Return the times of one service's deployment, in Unix seconds; its first commit is among its own pull requests."""
        times = dict(self.lead_times)
        if FIRST_KEY not in times or not self.by_service:  # the event's own pull request, which every service ships
            return times
        del times[FIRST_KEY]
        change_set = self.by_service.get(service)
        pulls = change_set.pulls if change_set and change_set.course in ("forward", "diverged") else ()
        first = first_commit(pulls)
        if first and (moment := parse_time_or_none(first[0])):
            times[FIRST_KEY] = Sourced(int(moment.timestamp()), f"pull request #{first[1]}")
        return times


NO_CHANGES = Changes({})


def first_commit(pulls: Iterable[MergedPull]) -> tuple[str, int] | None:
    """Give when the earliest of their commits was authored, and the number of its pull request; None where that is not known."""
    return min(((pull.first_commit_at, pull.number) for pull in pulls if pull.first_commit_at), default=None)


def in_order(pulls: Iterable[MergedPull]) -> tuple[MergedPull, ...]:
    """Give each pull request once, in the order of their merging."""
    found = {pull.number: pull for pull in pulls}
    return tuple(sorted(found.values(), key=lambda pull: (pull.merged_at, pull.number)))


def needs_changes(inputs: Inputs, event: Event) -> bool:
    """Tell whether what ships is to be looked up: most runs leave it to DX."""
    by_itself = isinstance(event, PullRequestEvent) and not inputs.since_sha and not inputs.merge_commit_shas
    return (
        inputs.show_pull_requests
        or inputs.discovers_merge_commits
        or (inputs.wants_first_commit_time and not by_itself)
    )

"""Owns what a deployment ships, as values, and what is to be looked up for it. Pure. `shipments` decides it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from dx_action.changes.scope import Course, MergedPull, Span
from dx_action.inputs.model import Inputs
from dx_action.inputs.values import Sourced
from dx_action.runner.event import Deployment, Event, PullRequestEvent

CLOCK = "the clock"


class UnknownCommitError(Exception):
    """The repository has no such commit, or not any more."""


class NotFoundError(Exception):
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
    """What is to be looked up. Each raises NotFoundError where GitHub does not tell."""

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
    first commits it is the earliest of all, and `plan.lead_times` gives each service its own.
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
        shipment = self.by_service.get(service)
        return shipment.merge_commit_shas if shipment else ()


NOTHING = Changes({})


def first_commit(pulls: Iterable[MergedPull]) -> tuple[str, int] | None:
    """Give when the earliest of their commits was authored, and the number of its pull request; None where that is not known."""
    return min(((pull.first_commit_at, pull.number) for pull in pulls if pull.first_commit_at), default=None)


def in_order(pulls: Iterable[MergedPull]) -> tuple[MergedPull, ...]:
    """Give each pull request once, in the order of their merging."""
    found = {pull.number: pull for pull in pulls}
    return tuple(sorted(found.values(), key=lambda pull: (pull.merged_at, pull.number)))


def needs_shipping(inputs: Inputs, event: Event) -> bool:
    """Tell whether what ships is to be looked up: most runs leave it to DX."""
    by_itself = isinstance(event, PullRequestEvent) and not inputs.since_sha and not inputs.merge_commit_shas
    return (
        inputs.show_pull_requests
        or inputs.discovers_merge_commits
        or (inputs.wants_first_commit_time and not by_itself)
    )

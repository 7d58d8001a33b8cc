"""The pull requests that a deployment ships, as values, and the look-ups that find them. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeVar

from dx_action.errors import Unsaid
from dx_action.inputs.metadata import FIRST_KEY, Fact
from dx_action.inputs.model import Inputs
from dx_action.inputs.times import parse_time_or_none
from dx_action.inputs.values import Sourced
from dx_action.runner.event import Deployment, Event, PullRequest, PullRequestEvent, PushEvent
from dx_action.text import join_names, plural

if TYPE_CHECKING:
    from dx_action.inputs.job import Job

K = TypeVar("K")
CLOCK = "the clock"
# From one commit to another: to a descendant, to an ancestor, to itself, or to neither.
Course = Literal["forward", "rollback", "redeploy", "diverged"]


class UnknownCommitError(Exception):
    """The repository does not have the commit, or no longer has it."""


class UnavailableError(Exception):
    """A look-up has no answer. The text is our own and completes a sentence after "because"."""


class UnrelatedError(UnavailableError):
    """The repository has both commits, but GitHub finds no common history of them, as if a branch was begun anew."""


class PullChange(NamedTuple):
    """A pull request's change: its number, and its ends and size if the event has them."""

    number: int
    base: str | None = None
    head: str | None = None
    changed_files: int | None = None


class RangeChange(NamedTuple):
    """The change from one commit to another. `source` is what named the first."""

    before: str
    after: str
    source: str


class Span(NamedTuple):
    """The course from one commit to another, and the commits that only the second contains, oldest first."""

    course: Course
    commits: tuple[str, ...]


class MergedPull(NamedTuple):
    """A merged pull request. `merge_commit_sha` is the commit that it became on `base_ref`.

    `merged_at` and `first_commit_at`, the author date of its earliest commit, are ISO-8601 in UTC.
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

    @property
    def change(self) -> PullChange:
        return PullChange(self.number, self.base, self.head, self.changed_files)


class Merged(NamedTuple):
    """The pull requests that commits merged, and why others may be missing, each reason as the end of a sentence."""

    pulls: tuple[MergedPull, ...]
    unknown: tuple[str, ...] = ()

    @property
    def why(self) -> str:
        """The first reason, and how many more there are; empty if nothing is missing."""
        more = f", and {len(self.unknown) - 1} more like that" if len(self.unknown) > 1 else ""
        return f"{self.unknown[0]}{more}" if self.unknown else ""

    def whole(self) -> tuple[MergedPull, ...]:
        """Return the pull requests. Raises UnavailableError if any may be missing: what is unknown is not none."""
        if self.unknown:
            raise UnavailableError(self.why)
        return self.pulls


def deployed_change(event: Event, inputs: Inputs, commit: str | None) -> PullChange | RangeChange:
    """Return the change whose files decide the services: by `since-sha`, `pull-number`, the event's pull request or its push.

    Raises Unsaid if nothing says where the change begins: services are never guessed.
    """
    if inputs.since_sha and commit:
        return RangeChange(inputs.since_sha, commit, "input since-sha")
    own = own_pull(event)
    if own and inputs.pull_number in (None, own.number):
        return pull_change(own)
    if inputs.pull_number:
        return PullChange(inputs.pull_number)
    if commit and (before := before_push(event)):
        return RangeChange(before, commit, "push.before")
    raise Unsaid.of(
        "since-sha",
        f"is missing. Services are found by changed files, and {event.called} does not say since which commit of the repository. "
        "Set `since-sha` to the previously deployed commit, or set `pull-number`.",
    )


def own_pull(event: Event) -> PullRequest | None:
    return event.pull_request if isinstance(event, PullRequestEvent) else None


def named_pull(inputs: Inputs, own: PullRequest | None) -> tuple[int | None, int | None]:
    """Return the number and the id that inputs give, or both of the event's `own` if inputs name no other."""
    number, identifier = inputs.pull_number, inputs.pull_id
    same = own and number in (None, own.number) and identifier in (None, own.id)
    return (own.number, own.id) if own and same else (number, identifier)


def own_merge(event: Event, *commits: str | None) -> tuple[MergedPull, ...]:
    """Return the event's pull request if one of the commits, which may be abbreviated, merged it."""
    pull = own_pull(event)
    merged = pull and any(same_commit(pull.merge_commit_sha, commit) for commit in commits)
    return (merged_pull(pull),) if pull and merged else ()


def before_push(event: Event) -> str | None:
    """Return the commit from which a push moved its branch; None for a new branch, for which GitHub sends zeros."""
    before = event.before if isinstance(event, PushEvent) else None
    return before if before and before.strip("0") else None


def same_commit(whole: str | None, commit: str | None) -> bool:
    """Whether `commit`, which may be abbreviated, is `whole`."""
    return bool(whole and commit and whole.lower().startswith(commit.lower()))


def pull_change(pull: PullRequest) -> PullChange:
    base, head = (branch.sha if branch else None for branch in (pull.base, pull.head))
    return PullChange(pull.number, base, head, pull.changed_files)


def merged_pull(pull: PullRequest) -> MergedPull:
    """Return the merged pull request of an event, with empty values for what the event leaves out."""
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


class Wanted(NamedTuple):
    """Which previous deployments to look up.

    `counts` says whether one of GitHub's deployments is to this environment; its name is `environment`, if known. `own` is
    the deployment that this run is about, and `runs` are other runs that may have made it. `alone`: there is one service,
    not found by files, so a history that names no service is its own. `until`: when this deployment was made, in ISO-8601,
    or None for now; later ones do not come before it.
    """

    services: tuple[str, ...]
    environment: str | None
    counts: Callable[[Deployment], bool]
    own: Deployment | None
    alone: bool
    until: str | None = None
    runs: tuple[str, ...] = ()


class ChangeLookups(Protocol):
    """The look-ups. Each raises UnavailableError if GitHub has no answer."""

    def previous(self, wanted: Wanted) -> Mapping[str, Sourced[str] | str]:
        """Return each service's previously deployed commit, or why it is unknown, as an UnavailableError would say."""

    def previous_release(self, release_id: int) -> Sourced[str] | None:
        """Return the tag of the previous release."""

    def span(self, before: str, after: str) -> Span:
        """Compare two commits. Also raises UnknownCommitError and UnrelatedError."""

    def merged(self, commits: Sequence[str], newest: str | None = None) -> Merged:
        """Return the pull requests that became these commits. GitHub may lag behind for `newest`, which was just merged."""

    def services_of(self, pulls: Sequence[MergedPull]) -> Mapping[int, frozenset[str]]:
        """Return the identifiers of the services that each pull request touches, by number. Also raises ActionError."""

    def dated(self, pulls: Sequence[MergedPull]) -> tuple[MergedPull, ...]:
        """Return the pull requests with their `first_commit_at`."""

    def committed_at(self, commit: str) -> str:
        """Return when the commit was made."""

    def is_off_branch(self, branch: str, commit: str) -> bool:
        """Whether the commit is not on the branch."""


class ChangeSet(NamedTuple):
    """The pull requests that a deployment of one service ships since `previous`, oldest first; a rollback takes them back.

    `certain`: they are complete, because `previous` was deployed or an input lists them. Otherwise `previous` is where the
    event begins, or, if that is None, only the event's or the commit's own pull request is known. `counted` is false if the
    pull requests of a rollback could not be looked up.
    """

    previous: Sourced[str] | None
    certain: bool
    course: Course
    pulls: tuple[MergedPull, ...]
    counted: bool = True

    @property
    def ships(self) -> bool:
        """Whether the deployment ships its pull requests: a rollback takes them back, a redeployment ships nothing new."""
        return self.course in ("forward", "diverged")

    def headline(self, commit: str) -> str:
        """Return what the deployment of the commit ships, in a sentence."""
        count = plural(len(self.pulls), "pull request")
        if self.course == "redeploy":
            was = "was deployed before" if self.certain else "is the commit it is compared with"
            return f"{commit[:12]} {was}: nothing new ships"
        if self.course == "rollback" and self.certain:
            return f"Rollback to {commit[:12]}" + (f": {count} taken out of production" if self.counted else "")
        if self.course == "rollback":
            return f"{commit[:12]} is older than the commit it is compared with, by {count}"
        return f"Ships {count}" if self.certain or self.previous else f"Ships at least {count}"


class Changes(NamedTuple):
    """Each service's change set, by its identifier. `reasons` say why it is unknown, and of which services.

    `listed`: the summary lists the pull requests. `lead_times` are in Unix seconds, by their keys in `metadata`; the first
    commit there is the earliest of all services, and `lead_times_of` returns a service's own. `facts` are wanted for `metadata`.
    `job` is the job that ended, in `job/`.
    """

    by_service: Mapping[str, ChangeSet]
    listed: bool = False
    reasons: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    lead_times: Mapping[str, Sourced[int]] = MappingProxyType({})
    facts: tuple[Fact, ...] = ()
    job: "Job | None" = None
    warnings: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def pulls(self) -> tuple[MergedPull, ...]:
        """All pull requests that ship, each once, in the order in which they were merged."""
        shipping = [change_set for change_set in self.by_service.values() if change_set.course != "rollback"]
        return in_order(pull for change_set in shipping for pull in change_set.pulls)

    @property
    def rollback(self) -> bool | None:
        """Whether any service goes back; None if no previous deployment was looked up."""
        compared = [change_set for change_set in self.by_service.values() if change_set.certain and change_set.previous]
        return any(change_set.course == "rollback" for change_set in compared) if compared else None

    @property
    def nothing_new(self) -> bool:
        """Whether it is certain that everything was deployed before."""
        change_sets = self.by_service.values()
        return bool(change_sets) and all(change_set.certain and not change_set.ships for change_set in change_sets)

    def facts_of(self, service: str) -> dict[str, Sourced[bool | int]]:
        """Return those of the wanted facts that are known of one service's deployment, by their keys in `metadata`."""
        change_set, found = self.by_service.get(service), dict[str, Sourced[bool | int]]()
        if change_set and change_set.certain and change_set.previous:
            found["rollback"] = Sourced(change_set.course == "rollback", "what ships")
        if change_set and change_set.certain:
            found["pull_requests"] = Sourced(len(change_set.pulls) if change_set.ships else 0, "what ships")
        if self.job and self.job.started is not None:
            found["started_at"] = Sourced(self.job.started, "the job's start")
        return {fact: found[fact] for fact in self.facts if fact in found}

    def missing_facts(self, services: Sequence[str]) -> tuple[str, ...]:
        """Return a notice for each wanted fact that a service's deployment has not, and why."""
        notices = []
        for fact in self.facts:
            missing = [name for name in services if fact not in self.facts_of(name)]
            why = "it could not be determined what was deployed before"
            if fact == "started_at":
                why = "only the action's `job/` records when a job starts"
                if self.job:
                    why = "this runner does not pass on what the start of `job/` saved"
            elif not self.by_service and not self.reasons:
                why = (
                    "nothing was looked up that says it. Set `attribution: merge-commits`, `show-pull-requests: true` or "
                    "`lead-time-metadata: first-commit`"
                )
            of = f" for {join_names(missing)}" if len(missing) < len(services) else ""
            notices += [f"`{fact}` of `extra-metadata` is left out{of}, because {why}."] * bool(missing)
        return tuple(notices)

    def dated(self, pulls: Iterable[MergedPull]) -> "Changes":
        """Return the same changes with these pull requests in place of those with the same numbers."""
        by_number = {pull.number: pull for pull in pulls}
        by_service = {
            service: change_set._replace(pulls=tuple(by_number.get(pull.number, pull) for pull in change_set.pulls))
            for service, change_set in self.by_service.items()
        }
        return self._replace(by_service=by_service)

    def merge_commit_shas(self, service: str) -> tuple[str, ...]:
        """Return the merge commits to attribute one service's deployment by; none unless it is certain what ships."""
        each = self.by_service.get(service)
        return tuple(pull.merge_commit_sha for pull in each.pulls) if each and each.certain and each.ships else ()

    def metadata_of(self, service: str) -> dict[str, Sourced[Any]]:
        """Return what was looked up for the `metadata` of one service's deployment."""
        return {**self.lead_times_of(service), **self.facts_of(service)}

    def lead_times_of(self, service: str) -> dict[str, Sourced[int]]:
        """Return the times of one service's deployment, in Unix seconds. Its first commit is among its own pull requests."""
        times = dict(self.lead_times)
        if FIRST_KEY not in times or not self.by_service:  # every service ships the event's own pull request
            return times
        del times[FIRST_KEY]
        change_set = self.by_service.get(service)
        if change_set and change_set.ships and (first := first_commit(change_set.pulls)):
            with suppress(UnavailableError):
                times[FIRST_KEY] = in_seconds(first)
        return times


NO_CHANGES = Changes({})


def first_commit(pulls: Iterable[MergedPull]) -> Sourced[str] | None:
    """Return the author date of their earliest commit; None if it is unknown, as if that of any pull request is."""
    times = [(pull.first_commit_at, pull.number) for pull in pulls]
    known = [(time, number) for time, number in times if time]
    if not known or len(known) < len(times):
        return None
    time, number = min(known)
    return Sourced(time, f"pull request #{number}")


def in_seconds(time: Sourced[str]) -> Sourced[int]:
    """Return an ISO-8601 time in Unix seconds. Raises UnavailableError if it cannot be read."""
    if moment := parse_time_or_none(time.value):
        return Sourced(int(moment.timestamp()), time.source)
    raise UnavailableError("GitHub returned an unreadable time")


def grouped(pairs: Iterable[tuple[K, str]]) -> dict[K, tuple[str, ...]]:
    """Return the names of each key, both in the order of their first places."""
    groups: dict[K, tuple[str, ...]] = {}
    for key, name in pairs:
        groups[key] = (*groups.get(key, ()), name)
    return groups


def in_order(pulls: Iterable[MergedPull]) -> tuple[MergedPull, ...]:
    """Return each pull request once, in the order in which they were merged."""
    by_number = {pull.number: pull for pull in pulls}
    return tuple(sorted(by_number.values(), key=lambda pull: (pull.merged_at, pull.number)))


def needs_changes(inputs: Inputs, event: Event) -> bool:
    """Whether the changes are looked up. Most runs leave them to DX."""
    by_itself = own_pull(event) and not inputs.since_sha and not inputs.merge_commit_shas
    first = inputs.wants_first_commit_time and not by_itself
    return inputs.show_pull_requests or inputs.discovers_merge_commits or first

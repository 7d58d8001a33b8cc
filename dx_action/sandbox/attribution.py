"""DX's rules of attribution: which merged pull requests each deployment is credited with. Pure.

The rules are those of DX's page on deployments.create, quoted where they are applied. Deployments are taken by `deployed_at`, so
the order in which calls arrive is nothing, and all that is known counts, however late it came. Where the page is silent:

- "Non-deployed" is asked on every path, also of the matching pull request and of those that merge_commit_shas name: one is
  credited once for a service in an environment. So a redeployment and a rollback are credited with nothing new.
- A failed deployment (`success: false`) is one like any other: neither the paths nor the "previous deployment" depend on success.
- setPullServices decides where only the repository is given, as the page says of it there, and on no other path.
- A pull request merged in the matching one's very second is a previous one: a merge queue merges several at once.
- commit_sha matches the pull request that it merged, else the one among whose commits it is; of several, the one merged first. A
  short SHA that begins two commits matches neither, and a deployment whose commit matches nothing is credited with nothing.
- merge_commit_shas match only commits that merged a pull request. They come before commit_sha, and without commit_sha
  integration_branch says nothing: the page has it beside that only.
- Where the previous deployment has no matching pull request, its time is that of the one before it.
- Of deployments at one moment, the lesser reference_id is the previous one.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

_SHORTEST = 7  # "Commit SHA deployed to production. Length must be between 7—40 chars."

Name = tuple[str, int]
Path = Literal["repository", "commit_sha", "integration_branch", "merge_commit_shas"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedPullRequest:
    """A merged pull request as GitHub returns it, with whole SHAs.

    `commits` are those that belong to it besides its merge commit: its own, and all that a rebase made of them.
    """

    repository: str
    number: int
    base_ref: str
    default_branch: str
    merge_commit_sha: str
    merged_at: datetime
    id: int | None = None
    commits: frozenset[str] = frozenset()

    @property
    def name(self) -> Name:
        """What identifies it."""
        return self.repository, self.number


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One call of setPullServices, which names a pull request by `id`, or by `repository` and `number`."""

    services: frozenset[str]
    id: int | None = None
    repository: str | None = None
    number: int | None = None
    replace: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A deployment that DX has; `service` is the identifier."""

    reference_id: str
    service: str
    deployed_at: datetime
    repository: str | None = None
    environment: str = "production"
    commit_sha: str | None = None
    merge_commit_shas: tuple[str, ...] = ()
    integration_branch: str | None = None

    @property
    def path(self) -> Path:
        """Which of the page's four attribution paths it takes."""
        if self.merge_commit_shas:
            return "merge_commit_shas"
        if self.commit_sha is None:
            return "repository"
        return "commit_sha" if self.integration_branch is None else "integration_branch"


def attribute(
    pulls: Iterable[MergedPullRequest], deployments: Iterable[Held], assignments: Iterable[Assignment] = ()
) -> dict[str, tuple[MergedPullRequest, ...]]:
    """Return, by reference_id, the pull requests that each deployment is credited with, the first merged first.

    Assignments are in the order of the calls. Of the same pull request or reference_id again, the last counts.
    """
    known = _Known(pulls, assignments)
    distinct = {held.reference_id: held for held in deployments}.values()
    credited: dict[str, tuple[MergedPullRequest, ...]] = {}
    deployed: set[tuple[str, str, Name]] = set()
    # "the most recent deployment using deployed_at that has the same environment, repository, and service"
    previous: dict[tuple[str, str, str | None], MergedPullRequest] = {}
    for held in sorted(distinct, key=lambda held: (held.deployed_at, held.reference_id)):
        line, matching = (held.environment, held.service), known.matching(held)
        shipped = known.shipped(held, matching, previous.get((*line, held.repository)))
        credited[held.reference_id] = tuple(pull for pull in shipped if (*line, pull.name) not in deployed)
        deployed.update((*line, pull.name) for pull in credited[held.reference_id])
        if matching is not None:
            previous[*line, held.repository] = matching
    return credited


def unmatched(pulls: Iterable[MergedPullRequest], deployments: Iterable[Held]) -> dict[str, tuple[str, ...]]:
    """Return, by reference_id, the commits that match no pull request known; DX would retry them "for up to three days"."""
    known = _Known(pulls)
    return {held.reference_id: tuple(known.unmatched(held)) for held in deployments}


class _Known:
    """The pull requests in the order of their merging, by their commits, and with their services."""

    def __init__(self, pulls: Iterable[MergedPullRequest], assignments: Iterable[Assignment] = ()) -> None:
        distinct = {pull.name: pull for pull in pulls}
        self._pulls = sorted(distinct.values(), key=lambda pull: (pull.merged_at, pull.name))
        self._merging = _index((pull.merge_commit_sha, pull) for pull in self._pulls)
        self._commits = _index((sha, pull) for pull in self._pulls for sha in sorted(pull.commits))
        self._services = _services(self._pulls, assignments)

    def shipped(
        self, held: Held, matching: MergedPullRequest | None, previous: MergedPullRequest | None
    ) -> list[MergedPullRequest]:
        """Return what the deployment's path reaches, deployed or not; `previous` is the previous deployment's matching one."""
        here = [pull for pull in self._pulls if pull.repository == held.repository]
        match held.path:
            case "merge_commit_shas":
                # "attributed to the specific pull requests that correspond to the provided SHAs"
                named = {pull.name for sha in held.merge_commit_shas for pull in _find(self._merging, held, sha)}
                return [pull for pull in self._pulls if pull.name in named]
            case "repository":
                # "all non-deployed pull requests in the specified repository with base refs equal to the default branch", and
                # "attribution will be done by deployed_at timestamps"
                here = [pull for pull in here if pull.base_ref == pull.default_branch and self._counts(pull, held)]
                return [pull for pull in here if pull.merged_at <= held.deployed_at]
            case "commit_sha" if matching:
                # "the matching pull request as well as all previous non-deployed pull requests with the same repository and
                # base ref as the matching pull request"
                here = [pull for pull in here if pull.base_ref == matching.base_ref]
                return [pull for pull in here if pull.merged_at <= matching.merged_at]
            case "integration_branch" if matching:
                # "only to pull requests merged into the integration_branch. The time range used to identify pull requests comes
                # from the pull request matching the SHA, and the one from the previous deployment"
                here = [pull for pull in here if pull.base_ref == held.integration_branch]
                here = [pull for pull in here if previous is None or pull.merged_at > previous.merged_at]
                return [pull for pull in here if pull.merged_at <= matching.merged_at]
        return []

    def matching(self, held: Held) -> MergedPullRequest | None:
        """Return the pull request that matches the deployment's commit_sha."""
        if held.commit_sha is None:
            return None
        found = _find(self._merging, held, held.commit_sha) or _find(self._commits, held, held.commit_sha)
        return found[0] if found else None

    def unmatched(self, held: Held) -> Iterator[str]:
        """Yield the deployment's commits that match nothing."""
        if held.path == "merge_commit_shas":
            yield from (sha for sha in held.merge_commit_shas if not _find(self._merging, held, sha))
        elif held.commit_sha is not None and self.matching(held) is None:
            yield held.commit_sha

    def _counts(self, pull: MergedPullRequest, held: Held) -> bool:
        services = self._services.get(pull.name, frozenset())
        return not services or held.service in services


_Index = Mapping[str, list[tuple[str, MergedPullRequest]]]


def _index(commits: Iterable[tuple[str, MergedPullRequest]]) -> _Index:
    found: defaultdict[str, list[tuple[str, MergedPullRequest]]] = defaultdict(list)
    for sha, pull in commits:
        found[sha[:_SHORTEST].lower()].append((sha.lower(), pull))
    return found


def _find(index: _Index, held: Held, sha: str) -> list[MergedPullRequest]:
    """Return the pull requests of a commit, in the deployment's repository if it has one, the first merged first."""
    sha = sha.lower()
    found = [(whole, pull) for whole, pull in index.get(sha[:_SHORTEST], ()) if whole.startswith(sha)]
    found = [(whole, pull) for whole, pull in found if held.repository in (None, pull.repository)]
    return [pull for _, pull in found] if len({whole for whole, _ in found}) == 1 else []


def _services(pulls: Iterable[MergedPullRequest], assignments: Iterable[Assignment]) -> dict[object, frozenset[str]]:
    """Return each pull request's services: a call adds to them or replaces them; with none, it counts for every service."""
    by_id: dict[int | None, object] = {pull.id: pull.name for pull in pulls if pull.id is not None}
    found: defaultdict[object, frozenset[str]] = defaultdict(frozenset)
    for each in assignments:
        name = by_id.get(each.id, (each.repository, each.number))
        found[name] = each.services if each.replace else found[name] | each.services
    return found

"""Owns what is looked up at GitHub of what a deployment ships. What GitHub does not tell is UnavailableError, with the reason."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache

from dx_action.changes.changeset import MergedPull, Span, UnavailableError, UnknownCommitError, Wanted
from dx_action.github.changes import pulls_files
from dx_action.github.client import Api, Missing
from dx_action.github.errors import Asker, LookupFailedError, shaped
from dx_action.github.previous import previous_deployments
from dx_action.github.pulls import (
    MOST_COMMITS,
    TooManyCommitsError,
    associated,
    course,
    first_authored,
    merged_by,
    span,
)
from dx_action.github.trees import CutError
from dx_action.inputs.values import Sourced
from dx_action.runner.runtime import Clock
from dx_action.services.service import Service

# GitHub may learn some seconds after a merge which pull request a commit came from.
_LAGS = (1.0, 2.0)


class GitHubChangeLookups:
    """See changes.ChangeLookups. `services_of` gives the services of some paths; `say` writes the log."""

    def __init__(
        self,
        api: Callable[[], Api],
        asker: Asker,
        run_id: str,
        clock: Clock,
        say: Callable[[str], None],
        services_of: Callable[[frozenset[str]], tuple[Service, ...]],
    ) -> None:
        self._api, self._asker, self._repository = api, asker, asker.repository
        self._run_id, self._clock, self._say, self._services_of = run_id, clock, say, services_of
        # Several services often have the same previous deployment.
        self.span = cache(self._span)
        self._pulls: dict[str, tuple[MergedPull, ...]] = {}
        self._waited = False

    def previous(self, wanted: Wanted) -> Mapping[str, Sourced[str] | str]:
        """See ChangeLookups."""
        with self._told("deployments"):
            return previous_deployments(self._api(), self._repository, wanted, self._run_id)

    def previous_release(self, release_id: int) -> Sourced[str] | None:
        """See ChangeLookups."""
        with self._told("contents"):
            releases = self._api().get(f"/repos/{self._repository}/releases", "contents", per_page=100, page=1)
            full = [each for each in releases if not each["draft"] and not each["prerelease"]]
            ids = [each["id"] for each in full]
            later = full[ids.index(release_id) + 1 :] if release_id in ids else full
            return Sourced(str(later[0]["tag_name"]), "the release before") if later else None

    def merged(self, commits: Sequence[str], newest: str | None = None) -> tuple[MergedPull, ...]:
        """See ChangeLookups."""
        new = [commit for commit in commits if commit not in self._pulls]
        self._learn(new)
        for lag in _LAGS if newest and not self._waited else ():
            # The newest is known last.
            if any(
                pull.merge_commit_sha.startswith((newest or "-").lower()) for pull in merged_by(commits, self._pulls)
            ):
                break
            self._clock.sleep(lag)
            self._learn(commits[-100:])
        self._waited = self._waited or newest is not None
        found = merged_by(commits, self._pulls)
        if new:
            numbers = ", ".join(f"#{pull.number}" for pull in found[:50]) or "no pull request"
            more = f" and {len(found) - 50} more" if len(found) > 50 else ""
            self._say(f"Looked up: {len(commits)} commit{'' if len(commits) == 1 else 's'}, merged by {numbers}{more}")
        return found

    def services_of(self, pulls: Sequence[MergedPull]) -> Mapping[int, frozenset[str]]:
        """See ChangeLookups."""
        with self._told("pull-requests"):
            try:
                paths = pulls_files(self._api(), self._repository, pulls)
            except CutError:
                text = f"{self._repository} has a folder too large for GitHub to list whole"
                raise UnavailableError(text) from None
            return {
                number: frozenset(service.identifier for service in self._services_of(files))
                for number, files in paths.items()
            }

    def dated(self, pulls: Sequence[MergedPull]) -> tuple[MergedPull, ...]:
        """See ChangeLookups."""
        with self._told("pull-requests"):
            return first_authored(self._api(), self._repository, pulls)

    def committed_at(self, commit: str) -> str:
        """See ChangeLookups."""
        with self._told("contents"):
            answer = self._api().get(f"/repos/{self._repository}/commits/{commit}", "contents", per_page=1)
            return str(answer["commit"]["committer"]["date"])

    def is_off_branch(self, branch: str, commit: str) -> bool:
        """See ChangeLookups."""
        with self._told("contents", unseen=UnknownCommitError()):
            return course(self._api(), self._repository, branch, commit) in ("forward", "diverged")

    def _span(self, before: str, after: str) -> Span:
        with self._told("contents", unseen=UnknownCommitError()):
            try:
                return span(self._api(), self._repository, before, after)
            except TooManyCommitsError:
                raise UnavailableError(f"more than {MOST_COMMITS:,} commits lie between {before[:12]} and it") from None

    def _learn(self, commits: Sequence[str]) -> None:
        with self._told("pull-requests"):
            self._pulls |= associated(self._api(), self._repository, commits)

    @contextmanager
    def _told(self, permission: str, unseen: Exception | None = None) -> Iterator[None]:
        try:
            with shaped():
                yield
        except Missing:
            raise (unseen or _reason(self._asker.unseen(permission))) from None
        except LookupFailedError as error:
            raise _reason(error) from None


def _reason(error: LookupFailedError) -> UnavailableError:
    return UnavailableError(str(error.problems[0]).removesuffix("."))

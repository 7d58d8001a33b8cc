"""The look-ups of a deployment: the services that a change touches, and what the deployment ships. See the two Protocols.

GitHub is asked only if no input, event or file of the workspace answers. Services are never guessed: what cannot be found raises.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from pydantic import ConfigDict

from dx_action.changes.changeset import Merged, MergedPull, PullChange, RangeChange, Span, UnavailableError, Wanted
from dx_action.errors import BadInput, InvalidValue, naming_input
from dx_action.github.client import Repository, Run
from dx_action.github.commits import (
    ChangedPaths,
    CutError,
    EndlessError,
    MissingCommit,
    changed_paths,
    commits_between,
    committed_at,
    course,
    range_files,
    span,
)
from dx_action.github.contents import FilesAt
from dx_action.github.deployments import previous_deployments
from dx_action.github.errors import LASTING, LookupFailedError, Missing, NoAnswerError
from dx_action.github.pulls import associated, first_authored, merged_by, pull_files, pull_trees, pulls_files
from dx_action.inputs.values import Sourced
from dx_action.runner.event import Release
from dx_action.runner.runtime import Clock
from dx_action.services.service import Ownership, Service, check_paths, naming
from dx_action.text import join_names, one_line, plural, truncate

if TYPE_CHECKING:
    from dx_action.github.past_pulls import PastPull, PastPulls

T = TypeVar("T")
# Seconds to wait, one after the other, for GitHub to learn which pull request a new commit came from.
_LAG = (1.0, 2.0)


class _Release(Release):
    model_config = ConfigDict(strict=True)

    tag_name: str


class Lookups:
    """The ServiceLookups of one repository, and what else a run reads of it.

    `own`: it is the event's own; `commit`: at which its files count. `patient`: each call has its own time.
    """

    def __init__(self, name: str, own: bool, commit: str | None, run: Run, *, patient: bool = False) -> None:
        self._repository, self._run = Repository(name, run, patient=patient), run
        self._files = FilesAt(self._repository, commit or "HEAD", run.workspace, own=own)
        self._inputs, self._say = run.inputs, run.say
        self._known: dict[PullChange | RangeChange, tuple[Service, ...]] = {}
        self._unknown: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        renamed = self._repository.renamed
        return (*self._unknown, renamed) if renamed else self._unknown

    def touched(self, change: PullChange | RangeChange) -> tuple[Service, ...]:
        if change not in self._known:
            self._learn(change, self._told_apart(change, self._paths(change)))
        return self._known[change]

    def touched_by(self, pulls: Sequence[MergedPull]) -> Mapping[int, tuple[Service, ...]]:
        new = [pull for pull in pulls if pull.change not in self._known]
        found = self._cut_named(lambda: pulls_files(self._repository, new))
        for pull in new:
            self._learn(pull.change, self._told_apart(pull.change, found[pull.number]))
        return {pull.number: self._known[pull.change] for pull in pulls}

    def merged_between(self, since: datetime, until: datetime) -> "PastPulls":
        """Return what was merged in a window, with its files if they decide about services. Raises LookupFailedError."""
        from dx_action.github.past_pulls import merged_between  # noqa: PLC0415 - most runs are about the present

        files = self._inputs.services_source != "input"
        return merged_between(self._repository, since, until, files=files)

    def past_services(self, pull: "PastPull") -> tuple[Service, ...]:
        """Return the services whose files a pull request of the past touches.

        Raises UnreadFilesError if its files are not known, and ActionError if the ownership of files is not.
        """
        from dx_action.github.past_pulls import past_files  # noqa: PLC0415

        with _of_one_pull():
            found = pull.files or past_files(self._repository, pull.change)
        with self._bad_ownership():
            check_paths(found.paths)
            doubtful = not found.exact and self._ownership.depends_on_folders(found.paths)
        if doubtful:
            with _of_one_pull():
                found = pull_trees(self._repository, pull.change)
        return self._services_of(found.paths)

    def _learn(self, change: PullChange | RangeChange, paths: frozenset[str]) -> None:
        services = self._services_of(paths)
        names = truncate(", ".join(service.identifier for service in services), 300)
        names = names or f"no service ({truncate(', '.join(sorted(paths)), 300) or 'none'})"
        self._say(f"Looked up: {_name(change)} changes {plural(len(paths), 'path')} and touches {names}")
        self._known[change] = services

    def merged_by_push(self, before: str | None, after: str, branch: str) -> tuple[MergedPull, ...]:
        unknown: tuple[str, ...] = ()
        try:
            commits = commits_between(self._repository, before, after) if before else (after,)
        except LookupFailedError as error:
            if error.kind in LASTING or error.unreadable or isinstance(error, EndlessError | NoAnswerError):
                raise  # GitHub does not say that it cannot compare them
            commits, unknown = (after,), ("GitHub cannot compare the commits before and after it",)

        pulls = associated(self._repository, commits)

        def merged() -> Merged:
            # The newest is known last.
            pulls.update(associated(self._repository, commits[-100:]))
            return merged_by(commits, pulls)

        found = _settled(merged_by(commits, pulls), after, merged, self._run.clock)
        into = tuple(pull for pull in found.pulls if pull.base_ref == branch)
        self._say(f"Looked up: the push merged {_numbers(into)}")
        self._unknown = tuple(
            f"The push may have merged further pull requests, whose services are not set, because {reason}."
            for reason in (*unknown, *found.unknown)
        )
        return into

    def committed_file(self, path: str) -> bytes | None:
        """Return the file that `ca-bundle` names in the commit; None if there is none. Raises BadInput, LookupFailedError."""
        with naming_input("ca-bundle"):
            return self._files.read_committed(path)

    def is_tag(self, name: str) -> bool | None:
        """Return whether the name is a tag's, and no branch has it, too; None if GitHub does not answer."""
        try:
            return False if self._has_ref(f"heads/{name}") else self._has_ref(f"tags/{name}") or None
        except LookupFailedError:
            return None

    @cached_property
    def changes(self) -> "GitHubChangeLookups":
        return GitHubChangeLookups(self._repository, self._run, services_of=self._pull_services)

    def _has_ref(self, name: str) -> bool:
        try:
            self._repository.get(f"git/ref/{quote(name)}", "contents", dict[str, object])
        except Missing:
            return False
        return True

    def _services_of(self, paths: frozenset[str]) -> tuple[Service, ...]:
        with self._bad_ownership():
            return self._ownership.services_of(paths)

    def _told_apart(self, change: PullChange | RangeChange, found: ChangedPaths) -> frozenset[str]:
        """Return the paths with submodules as the folders that they are, which trees show if it matters."""
        with self._bad_ownership():
            check_paths(found.paths)
            doubtful = not found.exact and self._ownership.depends_on_folders(found.paths)
        return self._paths(change, exact=True).paths if doubtful else found.paths

    def _pull_services(self, pull: MergedPull, files: ChangedPaths) -> tuple[Service, ...]:
        return self._services_of(self._told_apart(pull.change, files))

    def _paths(self, change: PullChange | RangeChange, *, exact: bool = False) -> ChangedPaths:
        try:
            if isinstance(change, PullChange):
                return self._cut_named(lambda: (pull_trees if exact else pull_files)(self._repository, change))
            return self._cut_named(
                lambda: (changed_paths if exact else range_files)(self._repository, change.before, change.after)
            )
        except MissingCommit as missing:
            if isinstance(change, PullChange):
                raise
            where = f"not in {self._repository.name}"
            token = "or `github-token` may not read it (`contents: read`)."
            if missing.commit != change.before:
                text = f"or, without it, the event's commit is {where}, {token}"
                raise BadInput.of("commit-sha", text) from None
            if change.source.endswith("since-sha"):
                raise BadInput.of("since-sha", f"is {where}, {token}") from None
            text = f"is required here, because the commit before the push is {where}, as after a force push, {token}"
            raise BadInput.of("since-sha", text) from None

    def _cut_named(self, find: Callable[[], T]) -> T:
        """Find changed files; the error for what GitHub cuts names the input."""
        try:
            return find()
        except CutError as error:
            text = f"cannot be used, because the changed files cannot be determined: {error}."
            raise BadInput.of("services-from", text) from None

    def _bad_ownership(self) -> AbstractContextManager[None]:
        name = "service-map" if self._inputs.services_source == "map" else "services-from"
        return naming_input(name, "cannot be used: ")

    @cached_property
    def _ownership(self) -> Ownership:
        source = self._inputs.services_source
        if source == "backstage":
            from dx_action.services.backstage import Catalogs  # noqa: PLC0415 - one source a run

            return Catalogs(self._files.read)
        if source == "codeowners":
            return self._codeowners()
        from dx_action.services.map import parse_service_map  # noqa: PLC0415

        given = self._inputs.service_map
        if isinstance(given, Ownership):
            return given
        with naming_input("service-map"):
            data = self._files.read_named(given or "")
        if data is None:
            path = one_line(truncate(given or "", 200))
            raise BadInput.of(
                "service-map", f"names {path}, which is neither in the workspace nor in the deployed commit."
            )
        return parse_service_map(data, given or "")

    def _codeowners(self) -> Ownership:
        from dx_action.services.codeowners import PLACES, parse_codeowners  # noqa: PLC0415

        for place in PLACES:
            with naming(place):
                data = self._files.read(place)
            if data is None:
                continue
            found = parse_codeowners(data, place)
            # A line that cannot be read is not passed over: whose files it means would be a guess.
            if found.warnings:
                more = f" And {len(found.warnings) - 1} more." if len(found.warnings) > 1 else ""
                raise InvalidValue(f"{found.warnings[0]}{more}")
            return found
        raise BadInput.of("services-from", f"is `codeowners`, but the repository has none of {', '.join(PLACES)}.")


class UnreadFilesError(Exception):
    """The files of a pull request are not known. `cause` is None if GitHub cuts their list."""

    def __init__(self, reason: str, cause: LookupFailedError | None = None) -> None:
        super().__init__(reason)
        self.cause = cause


@contextmanager
def _of_one_pull() -> Iterator[None]:
    try:
        yield
    except LookupFailedError as error:
        raise UnreadFilesError(_reason(error), error) from None
    except CutError as error:
        raise UnreadFilesError(str(error)) from None


class GitHubChangeLookups:
    """The ChangeLookups of one repository. What GitHub does not answer is a UnavailableError with the reason."""

    def __init__(
        self,
        repository: Repository,
        run: Run,
        services_of: Callable[[MergedPull, ChangedPaths], tuple[Service, ...]],
    ) -> None:
        self._repository, self._run, self._services_of = repository, run, services_of
        self._pulls: dict[str, tuple[MergedPull, ...] | str] = {}
        self._dated: dict[tuple[int, ...], tuple[MergedPull, ...] | str] = {}
        self._waited = False

    def previous(self, wanted: Wanted) -> Mapping[str, Sourced[str] | str]:
        with _reasons():
            return previous_deployments(self._repository, wanted, self._run.runtime.run_id)

    def previous_release(self, release_id: int) -> Sourced[str] | None:
        with _reasons():
            releases = next(self._repository.pages("releases", "contents", list[_Release]))
        full = [release for release in releases if not release.draft and not release.prerelease]
        ids = [release.id for release in full]
        later = full[ids.index(release_id) + 1 :] if release_id in ids else full
        return Sourced(later[0].tag_name, "the release before") if later else None

    def span(self, before: str, after: str) -> Span:
        with _reasons():
            return span(self._repository, before, after)

    def merged(self, commits: Sequence[str], newest: str | None = None) -> Merged:
        new = [commit for commit in commits if commit not in self._pulls]
        found = self._merged(commits, new)
        if newest and not self._waited:
            # The newest is known last.
            found = _settled(found, newest, lambda: self._merged(commits, commits[-100:]), self._run.clock)
            self._waited = True
        if new:
            self._run.say(f"Looked up: {plural(len(commits), 'commit')}, merged by {_numbers(found.pulls)}")
        return found

    def services_of(self, pulls: Sequence[MergedPull]) -> Mapping[int, frozenset[str]]:
        with _reasons():
            files = pulls_files(self._repository, pulls)
            return {
                pull.number: frozenset(service.identifier for service in self._services_of(pull, files[pull.number]))
                for pull in pulls
            }

    def dated(self, pulls: Sequence[MergedPull]) -> tuple[MergedPull, ...]:
        """Ask once, so that what is sent, shown and warned of is the same."""
        key = tuple(pull.number for pull in pulls)
        if key not in self._dated:
            try:
                self._dated[key] = first_authored(self._repository, pulls)
            except LookupFailedError as error:
                self._dated[key] = _reason(error)
        found = self._dated[key]
        if isinstance(found, str):
            raise UnavailableError(found)
        return found

    def committed_at(self, commit: str) -> str:
        with _reasons():
            return committed_at(self._repository, commit)

    def is_off_branch(self, branch: str, commit: str) -> bool:
        with _reasons():
            return course(self._repository, branch, commit) in ("forward", "diverged")

    def _merged(self, commits: Sequence[str], asked: Sequence[str]) -> Merged:
        with _reasons():
            self._pulls |= associated(self._repository, asked)
        return merged_by(commits, self._pulls)


def _settled(found: Merged, newest: str, again: Callable[[], Merged], clock: Clock) -> Merged:
    """Look again until the newest commit's pull request is found."""
    for seconds in _LAG:
        if any(pull.merge_commit_sha.startswith(newest.lower()) for pull in found.pulls):
            break
        clock.sleep(seconds)
        found = again()
    return found


@contextmanager
def _reasons() -> Iterator[None]:
    try:
        yield
    except LookupFailedError as error:
        raise UnavailableError(_reason(error)) from None


def _reason(error: LookupFailedError) -> str:
    return str(error.problems[0]).removesuffix(".")


def _numbers(pulls: Sequence[MergedPull]) -> str:
    return join_names([f"#{pull.number}" for pull in pulls], 50) or "no pull request"


def _name(change: PullChange | RangeChange) -> str:
    if isinstance(change, PullChange):
        return f"pull request #{change.number}"
    return f"the range from {change.before[:12]} ({change.source}) to {change.after[:12]}"

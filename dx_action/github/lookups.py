"""Owns what is looked up for one deployment: the services that a change touches, the pull requests that a push merged.

GitHub is asked only where no input, event or file of the workspace tells. Services are never guessed: what cannot be found raises.
"""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import quote

from dx_action.changes.changeset import ChangeLookups, MergedPull, PullChange, RangeChange
from dx_action.errors import BadInput, InvalidValue
from dx_action.github.changes import UnknownCommit, pull_files, range_files
from dx_action.github.client import Api, Missing
from dx_action.github.contents import FilesAt
from dx_action.github.errors import Asker, LookupFailedError, shaped
from dx_action.github.pulls import commits_between, merged_pulls
from dx_action.github.trees import CutError
from dx_action.inputs.model import Inputs
from dx_action.runner.runtime import Clock
from dx_action.services.service import Ownership, Service, naming
from dx_action.text import truncate

if TYPE_CHECKING:
    from dx_action.services.codeowners import Codeowners

# GitHub may learn a second after a merge which pull request a commit came from.
_LAGS = (0.0, 1.0, 2.0)


class Lookups:
    """The look-ups about one repository. `api` is called at the first one that needs GitHub; `say` writes the log."""

    def __init__(
        self,
        inputs: Inputs,
        files: FilesAt,
        api: Callable[[], Api],
        asker: Asker,
        clock: Clock,
        say: Callable[[str], None],
        run_id: str = "",
    ) -> None:
        self._inputs, self._files, self._api = inputs, files, api
        self._asker, self._repository = asker, asker.repository
        self._clock, self._say, self._run_id = clock, say, run_id
        self._owners: Ownership | None = None
        self._known: dict[PullChange | RangeChange, tuple[Service, ...]] = {}

    def touched(self, change: PullChange | RangeChange) -> tuple[Service, ...]:
        """Give the services whose files the change touches. Raises ActionError."""
        if change not in self._known:
            paths = self._paths(change)
            services = self._services_of(paths)
            counted = f"{len(paths)} path" + ("" if len(paths) == 1 else "s")
            names = truncate(", ".join(service.identifier for service in services), 300)
            names = names or f"no service ({truncate(', '.join(sorted(paths)), 300) or 'none'})"
            self._say(f"Looked up: {_name(change)} changes {counted} and touches {names}")
            self._known[change] = services
        return self._known[change]

    def merged_by_push(self, before: str | None, after: str, branch: str) -> tuple[MergedPull, ...]:
        """Give the pull requests that a push merged into the branch, for which GitHub may need a moment. Raises ActionError."""
        try:
            with shaped():
                commits = commits_between(self._api(), self._repository, before, after) if before else (after,)
        except Missing:
            commits = (after,)
        for lag in _LAGS:
            self._clock.sleep(lag)
            try:
                with shaped():
                    merged = merged_pulls(self._api(), self._repository, commits)
            except Missing:
                raise self._asker.unseen("pull-requests") from None
            found = tuple(pull for pull in merged if pull.base_ref == branch)
            # The newest is known last, and with it all others.
            if any(pull.merge_commit_sha.startswith(after) for pull in found):
                break
        self._say(f"Looked up: the push merged {', '.join(f'#{pull.number}' for pull in found) or 'no pull request'}")
        return found

    def named_file(self, path: str) -> bytes | None:
        """Give a file that an input names, or None where there is none. Raises LookupFailedError."""
        return self._file(path, named=True)

    def is_tag(self, name: str) -> bool | None:
        """Tell whether the name is a tag's; None where GitHub does not say. A branch of that name makes it none."""
        try:
            for kind in ("heads", "tags"):
                try:
                    self._api().get(f"/repos/{self._repository}/git/ref/{kind}/{quote(name)}", "contents")
                except Missing:
                    continue
                return kind == "tags"
        except LookupFailedError:
            pass
        return None

    @cached_property
    def changes(self) -> ChangeLookups:
        """The look-ups of what ships."""
        from dx_action.github.shipping_lookups import GitHubChangeLookups  # noqa: PLC0415 - most runs leave that to DX

        return GitHubChangeLookups(
            self._api, self._asker, self._run_id, self._clock, self._say, services_of=self._services_of
        )

    def _services_of(self, paths: frozenset[str]) -> tuple[Service, ...]:
        try:
            return self._ownership().services_of(paths)
        except InvalidValue as wrong:
            name = "service-map" if self._inputs.services_source == "map" else "services-from"
            raise BadInput.of(name, f"cannot be used: {wrong}") from None

    def _paths(self, change: PullChange | RangeChange) -> frozenset[str]:
        try:
            with shaped():
                if isinstance(change, PullChange):
                    return pull_files(self._api(), self._repository, change)
                return range_files(self._api(), self._repository, change.before, change.after)
        except UnknownCommit:
            given = isinstance(change, RangeChange) and change.source.endswith("since-sha")
            text = (
                "or the deployed commit is"
                if given
                else "is needed here: the commit before the push, as after a force push, or the deployed one is"
            )
            text += f" not in {self._repository}, or `github-token` may not read it (`contents: read`)."
            raise BadInput.of("since-sha", text) from None
        except CutError:
            text = (
                f"cannot tell which files changed: {self._repository} has a folder too large for GitHub to list whole."
            )
            raise BadInput.of("services-from", text) from None
        except Missing:
            raise self._asker.unseen("pull-requests" if isinstance(change, PullChange) else "contents") from None

    def _ownership(self) -> Ownership:
        if self._owners is None:
            self._owners = self._read_ownership()
        return self._owners

    def _read_ownership(self) -> Ownership:
        source = self._inputs.services_source
        if source == "backstage":
            from dx_action.services.backstage import Catalogs  # noqa: PLC0415

            return Catalogs(self._file)
        if source == "codeowners":
            from dx_action.services.codeowners import PLACES, parse_codeowners  # noqa: PLC0415

            for place in PLACES:
                with naming(place):
                    data = self._file(place)
                if data is not None:
                    return self._whole(parse_codeowners(data, place))
            raise BadInput.of("services-from", f"is `codeowners`, and there is none of {', '.join(PLACES)}.")
        from dx_action.services.map import parse_service_map  # noqa: PLC0415

        given = self._inputs.service_map
        if isinstance(given, Ownership):
            return given
        data = self._file(given or "", named=True)
        if data is None:
            raise BadInput.of(
                "service-map", "names a file that is neither in the workspace nor in the deployed commit."
            )
        return parse_service_map(data, given or "")

    def _whole(self, codeowners: "Codeowners") -> Ownership:
        """Let no line pass that cannot be read: whose files it means would be a guess."""
        if codeowners.warnings:
            more = f" And {len(codeowners.warnings) - 1} more." if len(codeowners.warnings) > 1 else ""
            raise InvalidValue(f"{codeowners.warnings[0]}{more}")
        return codeowners

    def _file(self, path: str, *, named: bool = False) -> bytes | None:
        """Give a file of the repository; `named`: an input names it, so that it counts wherever it lies."""
        try:
            return self._files.read_named(path) if named else self._files.read(path)
        except Missing:
            raise self._asker.unseen("contents") from None


def _name(change: PullChange | RangeChange) -> str:
    if isinstance(change, PullChange):
        return f"pull request #{change.number}"
    return f"what lies between {change.before[:12]} ({change.source}) and {change.after[:12]}"

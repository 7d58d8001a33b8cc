"""Owns what GitHub remembers beside git: deployments with their statuses, and releases."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stand_in.moments import When, seconds

if TYPE_CHECKING:
    from stand_in.repo import Repo


@dataclass(slots=True, kw_only=True)
class Status:
    """One status of a deployment."""

    id: int
    state: str
    created: int
    log_url: str
    target_url: str
    environment_url: str
    environment: str
    description: str
    creator: str


@dataclass(slots=True, kw_only=True)
class Deployment:
    """One deployment; its statuses in the order in which they came."""

    id: int
    sha: str
    ref: str
    environment: str
    original_environment: str
    payload: dict[str, Any] | str
    production: bool
    transient: bool
    task: str
    description: str | None
    creator: str
    created: int
    statuses: list[Status] = field(default_factory=list)

    @property
    def updated(self) -> int:
        """When something last happened to it."""
        return self.statuses[-1].created if self.statuses else self.created


class Deployments:
    """The deployments of one repository, by id."""

    def __init__(self, repo: Repo) -> None:
        self._repo = repo
        self.by_id: dict[int, Deployment] = {}
        self._statuses = 0

    def create(
        self,
        sha: str | None = None,
        environment: str = "production",
        *,
        state: str | None = None,
        payload: dict[str, Any] | str | None = None,
        production: bool | None = None,
        transient: bool = False,
        ref: str | None = None,
        task: str = "deploy",
        original_environment: str | None = None,
        description: str | None = None,
        creator: str = "octocat",
        log_url: str = "",
        at: When | None = None,
    ) -> Deployment:
        """Deploy a commit (the default branch's tip); with `state`, a status is added at once."""
        repo, count = self._repo, len(self.by_id) + 1
        deployment = Deployment(
            id=2_251_300_000 + repo.seed * 100_000 + count,
            sha=repo.rev(sha or repo.default_branch),
            ref=ref or repo.default_branch,
            environment=environment,
            original_environment=original_environment or environment,
            payload={} if payload is None else payload,
            production=environment == "production" if production is None else production,
            transient=transient,
            task=task,
            description=description,
            creator=creator,
            created=repo.tick() if at is None else seconds(at),
        )
        self.by_id[deployment.id] = deployment
        if state is not None:
            self.status(deployment, state, log_url=log_url, at=at)
        return deployment

    def status(
        self,
        deployment: Deployment,
        state: str,
        *,
        log_url: str = "",
        target_url: str = "",
        environment_url: str = "",
        environment: str | None = None,
        description: str = "",
        creator: str = "octocat",
        auto_inactive: bool = True,
        at: When | None = None,
    ) -> Status:
        """Add a status. As on GitHub a success makes its environment's earlier ones inactive, but not in production."""
        now = self._repo.tick() if at is None else seconds(at)
        if environment is not None:
            deployment.environment = environment
        status = self._add(deployment, state, now, creator, description)
        status.log_url, status.target_url, status.environment_url = log_url, log_url or target_url, environment_url
        if state == "success" and auto_inactive:
            for earlier in self.by_id.values():
                same = earlier is not deployment and earlier.environment == deployment.environment
                done = bool(earlier.statuses) and earlier.statuses[-1].state == "success"
                if same and done and not earlier.transient and not earlier.production:
                    self._add(earlier, "inactive", now, creator, "")
        return status

    def _add(self, deployment: Deployment, state: str, now: int, creator: str, description: str) -> Status:
        self._statuses += 1
        status = Status(
            id=3_410_900_000 + self._repo.seed * 100_000 + self._statuses,
            state=state,
            created=now,
            log_url="",
            target_url="",
            environment_url="",
            environment=deployment.environment,
            description=description,
            creator=creator,
        )
        deployment.statuses.append(status)
        return status

    def newest_first(self) -> list[Deployment]:
        """Return all of them as GitHub lists them."""
        return sorted(self.by_id.values(), key=lambda deployment: (-deployment.created, -deployment.id))


@dataclass(slots=True, kw_only=True)
class Release:
    """One release."""

    id: int
    tag: str
    sha: str
    name: str | None
    body: str
    draft: bool
    prerelease: bool
    created: int
    published: int | None
    author: str


class Releases:
    """The releases of one repository."""

    def __init__(self, repo: Repo) -> None:
        self._repo = repo
        self.all: list[Release] = []

    def publish(
        self,
        tag: str,
        at_commit: str | None = None,
        *,
        name: str | None = None,
        body: str = "",
        draft: bool = False,
        prerelease: bool = False,
        author: str = "octocat",
        at: When | None = None,
    ) -> Release:
        """Release a tag, which is made at the commit where it is not there yet; a draft makes no tag."""
        repo = self._repo
        sha = repo.rev(tag) if tag in repo.tags else repo.rev(at_commit or repo.default_branch)
        if tag not in repo.tags and not draft:
            repo.tag(tag, sha)
        release = Release(
            id=260_510_000 + repo.seed * 1000 + len(self.all) + 1,
            tag=tag,
            sha=sha,
            name=name or tag,
            body=body,
            draft=draft,
            prerelease=prerelease,
            created=repo.history.commits[sha].committed,
            published=None if draft else (repo.tick() if at is None else seconds(at)),
            author=author,
        )
        self.all.append(release)
        return release

    def newest_first(self) -> list[Release]:
        """Return all of them as GitHub lists them."""
        return sorted(self.all, key=lambda release: (-release.created, -release.id))

    def latest(self) -> Release | None:
        """Return the newest full release."""
        return next((one for one in self.newest_first() if not one.draft and not one.prerelease), None)

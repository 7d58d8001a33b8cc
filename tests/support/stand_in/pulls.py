"""Owns pull requests: opening them, every way in which GitHub merges them, and which commits belong to which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from stand_in.changes import Change, ConflictError
from stand_in.history import WEB_FLOW, Commit, person
from stand_in.moments import When, seconds
from stand_in.objects import Content

if TYPE_CHECKING:
    from stand_in.repo import Repo

How = Literal["merge", "squash", "rebase", "push"]
WAYS: tuple[How, ...] = ("merge", "squash", "rebase", "push")


@dataclass(slots=True, kw_only=True)
class Pull:
    """One pull request. `landed` are the commits that its merge made on the base branch."""

    number: int
    id: int
    title: str
    user: str
    body: str | None
    draft: bool
    base: str
    head: str
    base_sha: str
    head_sha: str
    created: int
    updated: int
    head_repo: str | None
    closed: int | None = None
    merged_at: int | None = None
    merged_by: str | None = None
    merge_commit_sha: str | None = None
    landed: tuple[str, ...] = field(default_factory=tuple)

    @property
    def state(self) -> str:
        """Open or closed; merged is closed."""
        return "open" if self.closed is None else "closed"


class Pulls:
    """The pull requests of one repository, by number."""

    def __init__(self, repo: Repo) -> None:
        self._repo = repo
        self.by_number: dict[int, Pull] = {}
        self._index: dict[str, list[Pull]] = {}
        self._indexed = -1

    def open(
        self,
        head: str,
        base: str | None = None,
        *,
        title: str | None = None,
        user: str = "octocat",
        body: str | None = None,
        draft: bool = False,
        head_repo: str | None = "",
        at: When | None = None,
    ) -> Pull:
        """Open a pull request of a branch. `head_repo` names a fork; None is a fork that was deleted.

        Raises ValueError where the branch has nothing that its base has not, as GitHub refuses it.
        """
        repo, number = self._repo, len(self.by_number) + 1
        base = base or repo.default_branch
        if not repo.between(base, head):
            raise ValueError(f"no commits between {base} and {head}")
        now = repo.tick() if at is None else seconds(at)
        pull = Pull(
            number=number,
            id=2_401_500_000 + repo.seed * 10_000 + number,
            title=title or f"Pull request {number}",
            user=user,
            body=body,
            draft=draft,
            base=base,
            head=head,
            base_sha=repo.rev(base),
            head_sha=repo.rev(head),
            created=now,
            updated=now,
            head_repo=repo.full_name if head_repo == "" else head_repo,
        )
        self.by_number[number] = pull
        self._try_merging(pull, now)
        repo.version += 1
        return pull

    def close(self, pull: Pull, *, at: When | None = None) -> None:
        """Close without merging; GitHub keeps the merge commit it tried."""
        self.current(pull)
        pull.closed = pull.updated = self._repo.tick() if at is None else seconds(at)
        self._repo.version += 1

    def merge(
        self,
        pull: Pull,
        how: How = "merge",
        *,
        at: When | None = None,
        by: str = "octocat",
        delete_branch: bool = False,
    ) -> str:
        """Merge as GitHub's button does, or (push) as a push of the head to the base does; give merge_commit_sha."""
        self.current(pull)
        now = self._repo.tick() if at is None else seconds(at)
        tip = self._repo.branches[pull.base]
        self._land(pull, self._made(pull, how, tip, now, by), now, by)
        self._repo.branch(pull.base, pull.landed[-1] if pull.landed else pull.head_sha)
        if delete_branch and pull.head in self._repo.branches:
            self._repo.delete_branch(pull.head)
        return str(pull.merge_commit_sha)

    def queue(
        self, *pulls: Pull, how: How = "merge", at: When | None = None, by: str = "github-merge-queue[bot]"
    ) -> str:
        """Merge a group as the merge queue does: one on top of the other, then the base branch moves once."""
        now = self._repo.tick() if at is None else seconds(at)
        tip = self._repo.branches[pulls[0].base]
        for pull in pulls:
            self.current(pull)
            made = self._made(pull, how, tip, now, by)
            self._land(pull, made, now, by)
            tip = made[-1]
        self._repo.branch(pulls[0].base, tip)
        return tip

    def ship(
        self,
        *steps: Mapping[str, Content],
        how: How = "squash",
        base: str | None = None,
        title: str | None = None,
        user: str = "octocat",
        branch: str | None = None,
    ) -> Pull:
        """Branch off the base, make a commit a step, open and merge; give the pull request."""
        base = base or self._repo.default_branch
        branch = branch or f"change-{len(self.by_number) + 1}"
        self._repo.branch(branch, base)
        for step in steps:
            self._repo.commit(step, branch=branch, author=user)
        pull = self.open(branch, base, title=title, user=user)
        self.merge(pull, how, delete_branch=True)
        return pull

    def current(self, pull: Pull) -> Pull:
        """Return a pull request as it is now: an open one follows its branches."""
        branches = self._repo.branches
        if pull.closed is None and (branches.get(pull.base), branches.get(pull.head)) != (pull.base_sha, pull.head_sha):
            pull.base_sha = branches.get(pull.base, pull.base_sha)
            pull.head_sha = branches.get(pull.head, pull.head_sha)
            self._try_merging(pull, self._repo.now)
        return pull

    def all(self) -> list[Pull]:
        """Return all of them, by number."""
        return [self.current(pull) for pull in self.by_number.values()]

    def commits(self, pull: Pull) -> list[Commit]:
        """Return a pull request's own commits, the oldest first."""
        return self._repo.between(pull.base_sha, pull.head_sha)

    def files(self, pull: Pull) -> list[Change]:
        """Return a pull request's changed files: from the merge base to its head."""
        bases = self._repo.history.merge_bases(pull.base_sha, pull.head_sha)
        return self._repo.changes(bases[0] if bases else None, pull.head_sha)

    def of(self, sha: str) -> list[Pull]:
        """Return those that a commit belongs to: on the default branch the merged ones, elsewhere the open ones, too."""
        if self._indexed != self._repo.version:
            self._index = {}
            for pull in self.all():
                for commit in {*(own.sha for own in self.commits(pull)), *pull.landed}:
                    self._index.setdefault(commit, []).append(pull)
            self._indexed = self._repo.version
        tip = self._repo.branches.get(self._repo.default_branch)
        shipped = tip is not None and self._repo.history.reaches(tip, sha)
        return [pull for pull in self._index.get(sha, []) if pull.merged_at or (pull.state == "open" and not shipped)]

    def _made(self, pull: Pull, how: How, tip: str, now: int, by: str) -> list[str]:
        """Make the commits of a merge on top of `tip`."""
        repo, head = self._repo, pull.head_sha
        if how == "push":
            return [head]
        if how == "rebase":
            made = [tip]
            for commit in repo.between(tip, head):
                if len(commit.parents) < 2:
                    made.append(repo.picked(commit.sha, made[-1], at=now))
            if len(made) == 1:
                raise ValueError("there is nothing to rebase")
            return made[1:]
        tree = repo.merged_tree(tip, head)
        if how == "squash":
            return [repo.record(tree, [tip], f"{pull.title} (#{pull.number})", person(pull.user), now, WEB_FLOW, now)]
        text = f"Merge pull request #{pull.number} from {(pull.head_repo or repo.full_name).split('/')[0]}/{pull.head}"
        return [repo.record(tree, [tip, head], f"{text}\n\n{pull.title}", person(by), now, WEB_FLOW, now)]

    def _land(self, pull: Pull, made: list[str], now: int, by: str) -> None:
        pull.landed, pull.merge_commit_sha = tuple(made), made[-1]
        pull.closed = pull.merged_at = pull.updated = now
        pull.merged_by = by
        self._repo.version += 1

    def _try_merging(self, pull: Pull, now: int) -> None:
        """Make the merge commit by which GitHub tests an open pull request; it is on no branch."""
        try:
            tree = self._repo.merged_tree(pull.base_sha, pull.head_sha)
        except ConflictError:
            pull.merge_commit_sha = None
            return
        message = f"Merge {pull.head_sha} into {pull.base_sha}"
        parents = [pull.base_sha, pull.head_sha]
        pull.merge_commit_sha = self._repo.record(tree, parents, message, pull.user, now, WEB_FLOW, now)

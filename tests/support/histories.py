"""Random histories of the stand-in: every way to merge, queues, backports, reverts, long-lived branches, direct commits."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stand_in import WAYS, Pull, Repo
from stand_in.real_git import git


@dataclass(slots=True)
class Life:
    """A repository that is worked on. No two moves change the same file, so that nothing conflicts."""

    repo: Repo
    dice: random.Random
    folders: tuple[str, ...] = ("a", "b", "docs")
    made: int = 0

    def files(self) -> dict[str, str]:
        self.made += 1
        return {f"{self.dice.choice(self.folders)}/{self.made}": "1"}

    def opened(self, base: str = "main", title: str | None = None) -> Pull:
        branch = f"change-{len(self.repo.pulls.by_number) + 1}"
        self.repo.branch(branch, base)
        self.repo.commit(self.files(), branch=branch)
        return self.repo.pulls.open(branch, base, title=title)

    def ship(self, base: str = "main") -> None:
        steps = [self.files() for _ in range(self.dice.randrange(1, 5))]
        self.repo.pulls.ship(*steps, base=base, how=self.dice.choice(WAYS))

    def ship_to_develop(self) -> None:
        self.ship("develop")

    def queue(self) -> None:
        pulls = [self.opened() for _ in range(self.dice.randrange(1, 4))]
        self.repo.pulls.queue(*pulls, how=self.dice.choice(WAYS[:3]))

    def commit(self) -> None:
        self.repo.commit(self.files())

    def close(self) -> None:
        self.repo.pulls.close(self.opened())

    def release_develop(self) -> None:
        if self.repo.between("main", "develop"):
            self.repo.pulls.merge(self.repo.pulls.open("develop"), "merge")

    def merge_by_hand(self) -> None:
        if self.repo.between("main", "develop"):
            self.repo.merge("develop")

    def revert(self) -> None:
        if merged := [pull for pull in self.repo.pulls.by_number.values() if pull.landed and pull.base == "main"]:
            self.repo.revert(self.dice.choice(merged).landed[-1])

    def revert_by_pull(self) -> None:
        self.repo.pulls.merge(self.opened(title='Revert "Change"'), self.dice.choice(WAYS[:3]))

    def backport(self) -> None:
        branch = f"backport-{len(self.repo.pulls.by_number) + 1}"
        self.repo.branch(branch, "release/1.x")
        self.repo.pick(self.repo.commit(self.files()), branch)
        self.repo.pulls.merge(self.repo.pulls.open(branch, "release/1.x"), self.dice.choice(WAYS[:3]))

    def merge_back(self) -> None:
        if self.repo.between("main", "release/1.x"):
            self.repo.merge("release/1.x")


RARE = (
    *(Life.ship_to_develop, Life.release_develop, Life.merge_by_hand, Life.revert, Life.revert_by_pull),
    *(Life.backport, Life.merge_back, Life.close, Life.commit),
)
MOVES: tuple[Callable[[Life], None], ...] = (*[Life.ship] * 6, *[Life.queue] * 2, *RARE)


def lived(life: Life, moves: int) -> None:
    """Live for so many moves."""
    for name in ("develop", "release/1.x"):
        if name not in life.repo.branches:
            life.repo.branch(name)
    for _ in range(moves):
        life.dice.choice(MOVES)(life)


def shipped(repo: Repo, folder: Path, before: str, after: str) -> dict[int, str]:
    """Let git tell which pull requests were merged between two commits: each one's number and its merge commit."""
    new = {*git(folder, "rev-list", f"{before}..{after}").split()}
    pulls = [pull for pull in repo.pulls.by_number.values() if pull.merged_at and pull.merge_commit_sha in new]
    return {pull.number: str(pull.merge_commit_sha) for pull in pulls}


def way(folder: Path, before: str, after: str) -> str:
    """Let git tell which way leads from one commit to the other."""
    base = git(folder, "merge-base", before, after).strip()
    if before == after:
        return "redeploy"
    return {before: "forward", after: "rollback"}.get(base, "diverged")

"""Owns the graph of commits: their ids, who descends from whom, and git's order of telling them. It knows no files."""

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from stand_in.objects import object_id


class Person(NamedTuple):
    """Who wrote or committed; `login` is the GitHub account, if there is one."""

    name: str
    email: str
    login: str | None = None

    def signed(self, moment: int) -> str:
        """Write the person as a commit does."""
        return f"{self.name} <{self.email}> {moment} +0000"


WEB_FLOW = Person("GitHub", "noreply@github.com", "web-flow")


def person(who: str | Person) -> Person:
    """Make a person of a GitHub login."""
    if isinstance(who, Person):
        return who
    return Person(who, f"{who.removesuffix('[bot]')}@users.noreply.example.com", who)


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One commit; its id follows from all the rest."""

    tree: str
    parents: tuple[str, ...]
    author: Person
    authored: int
    committer: Person
    committed: int
    message: str
    sha: str = ""

    def data(self) -> bytes:
        """Write the commit as git stores it."""
        lines = [f"tree {self.tree}", *(f"parent {parent}" for parent in self.parents)]
        lines += [f"author {self.author.signed(self.authored)}", f"committer {self.committer.signed(self.committed)}"]
        return "\n".join([*lines, "", self.message.rstrip("\n") + "\n"]).encode()

    def identity(self) -> str:
        """Return the id that git gives it."""
        return object_id("commit", self.data())


class History:
    """The commits of one repository. A commit's descent is a bit mask over the order in which commits came."""

    def __init__(self) -> None:
        self.commits: dict[str, Commit] = {}
        self._numbers: dict[str, int] = {}
        self._descent: dict[str, int] = {}
        self._order: list[str] = []

    def add(self, commit: Commit) -> None:
        """Take a commit in; its parents must be here."""
        if commit.sha in self.commits:
            return
        number = len(self._order)
        descent = 1 << number
        for parent in commit.parents:
            descent |= self._descent[parent]
        self._order.append(commit.sha)
        self.commits[commit.sha], self._numbers[commit.sha], self._descent[commit.sha] = commit, number, descent

    def reaches(self, tip: str, commit: str) -> bool:
        """Say whether a commit is another one or an ancestor of it."""
        return bool(self._descent[tip] >> self._numbers[commit] & 1)

    def merge_bases(self, one: str, other: str) -> list[str]:
        """Return the best common ancestors, the newest first, as `git merge-base --all` does."""
        common = self._descent[one] & self._descent[other]
        found = []
        while common:
            best = self._order[common.bit_length() - 1]
            found.append(best)
            common &= ~self._descent[best]
        return sorted(found, key=lambda sha: -self.commits[sha].committed)

    def count(self, tip: str, without: str) -> int:
        """Count the commits that one reaches and the other does not."""
        return (self._descent[tip] & ~self._descent[without]).bit_count()

    def log(self, tip: str, without: Iterable[str] = ()) -> list[Commit]:
        """Return the commits that `git log tip ^without` gives, in its order."""
        return list(self._visit(tip, self._mask(without), lambda commit: commit.parents))

    def log_of(self, tip: str, same: Callable[[Commit, Commit | None], bool]) -> list[Commit]:
        """Return the commits that `git log tip -- path` gives; `same` compares a commit's path with that of a parent."""
        found = []

        def follow(commit: Commit) -> tuple[str, ...]:
            for parent in commit.parents:
                if same(commit, self.commits[parent]):
                    return (parent,)
            if commit.parents or not same(commit, None):
                found.append(commit)
            return commit.parents

        for _ in self._visit(tip, 0, follow):
            pass
        return found

    def _mask(self, tips: Iterable[str]) -> int:
        mask = 0
        for tip in tips:
            mask |= self._descent[tip]
        return mask

    def _visit(self, tip: str, seen: int, follow: Callable[[Commit], Iterable[str]]) -> Iterator[Commit]:
        queue: list[tuple[int, int, str]] = []
        arrived = 0
        coming: Iterable[str] = (tip,)
        while True:
            for sha in coming:
                bit = 1 << self._numbers[sha]
                if not seen & bit:
                    seen |= bit
                    heapq.heappush(queue, (-self.commits[sha].committed, arrived, sha))
                    arrived += 1
            if not queue:
                return
            commit = self.commits[heapq.heappop(queue)[2]]
            yield commit
            coming = follow(commit)

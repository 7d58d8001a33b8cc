"""Answers about what ships, as told, and pull requests to ship."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import builders
from dx_action.changes.changeset import (
    CLOCK,
    Changes,
    ChangeSet,
    Course,
    Merged,
    MergedPull,
    Span,
    Wanted,
)
from dx_action.changes.discover import discover
from dx_action.inputs.values import Sourced
from dx_action.services.service import Service

T = TypeVar("T")
DEPLOYED_AT = "2025-03-10T09:30:15Z"
COMMIT, BEFORE = "c" * 40, "b" * 40
HISTORY = Sourced(BEFORE, "GitHub's deployment history (deployment 1)")
UNKNOWN = "GitHub's deployment history has no earlier deployment to this environment"


def pull(number: int, **more: Any) -> MergedPull:
    """Make a pull request that was merged in the minute of its number."""
    made = MergedPull(
        number=number,
        id=1000 + number,
        title=f"Change {number}",
        url=f"https://github.com/acme/shop/pull/{number}",
        author="octocat",
        merged_at=f"2025-03-09T10:{number:02}:00Z",
        merge_commit_sha=f"{number:040}",
        base_ref="main",
        base="",
        head="",
        changed_files=1,
        first_commit_at=f"2025-03-08T10:{number:02}:00Z",
    )
    return made._replace(**more)


@dataclass
class Lookups:
    """Answers as told, and remembers what it was asked. An exception is an answer, too."""

    previous_ones: Mapping[str, Sourced[str] | str] | Exception = field(default_factory=lambda: {"web": HISTORY})
    course: Course = "forward"
    pulls: tuple[MergedPull, ...] | Exception = (pull(1), pull(2))
    unknown: tuple[str, ...] = ()
    spans: Exception | None = None
    release: Sourced[str] | None = None
    touching: Mapping[int, frozenset[str]] | Exception = field(default_factory=dict)
    off_branch: bool | Exception = False
    committed: str | Exception = "2025-03-09T11:00:00+01:00"
    undated: Exception | None = None
    silent: bool = False
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def previous(self, wanted: Wanted) -> Mapping[str, Sourced[str] | str]:
        self.asked.append(("previous", wanted))
        return answer(self.previous_ones)

    def previous_release(self, release_id: int) -> Sourced[str] | None:
        self.asked.append(("previous_release", release_id))
        return self.release

    def span(self, before: str, after: str) -> Span:
        self.asked.append(("span", before, after))
        if self.spans:
            raise self.spans
        if self.course == "rollback" and (before, after) == (COMMIT, BEFORE):
            return Span("forward", (before, after))
        return Span(self.course, (before, after) if self.course in ("forward", "diverged") else ())

    def merged(self, commits: Sequence[str], newest: str | None = None) -> Merged:
        self.asked.append(("merged", tuple(commits), newest))
        return Merged(answer(self.pulls), self.unknown)

    def services_of(self, pulls: Sequence[MergedPull]) -> Mapping[int, frozenset[str]]:
        self.asked.append(("services_of", [each.number for each in pulls]))
        return answer(self.touching)

    def dated(self, pulls: Sequence[MergedPull]) -> tuple[MergedPull, ...]:
        self.asked.append(("dated", [each.number for each in pulls]))
        if self.undated:
            raise self.undated
        return (
            tuple(pulls)
            if self.silent
            else tuple(each._replace(first_commit_at=f"2025-03-01T00:0{each.number % 10}:00Z") for each in pulls)
        )

    def committed_at(self, commit: str) -> str:
        self.asked.append(("committed_at", commit))
        return answer(self.committed)

    def is_off_branch(self, branch: str, commit: str) -> bool:
        self.asked.append(("is_off_branch", branch, commit))
        return answer(self.off_branch)

    @property
    def names(self) -> list[str]:
        """What it was asked."""
        return [each[0] for each in self.asked]


def answer(value: T | Exception) -> T:
    if isinstance(value, Exception):
        raise value
    return value


def look(
    lookups: Lookups,
    *given: Mapping[str, str],
    event: str = "workflow_dispatch",
    changes: dict[str, Any] | None = None,
    services: str = "web",
    commit: str | None = COMMIT,
    source: str = CLOCK,
) -> Changes:
    inputs = builders.inputs({name: text for each in given for name, text in each.items()})
    happened = builders.event(event, changes)
    return discover(
        inputs,
        happened,
        [Service(name) for name in services.split()],
        commit,
        Sourced(DEPLOYED_AT, source),
        lambda: lookups,
    )


def numbers(ships: Changes, service: str = "web") -> list[int]:
    return [each.number for each in ships.by_service[service].pulls]


def ships_of(count: int, previous: Sourced[str] | None = HISTORY, **more: Any) -> Changes:
    pulls = tuple(pull(number % 60)._replace(number=number) for number in range(1, count + 1))
    return Changes({"web": ChangeSet(previous, True, "forward", pulls)._replace(**more)})


CERTAIN, GUESSED = ChangeSet(HISTORY, True, "forward", (pull(1),)), ChangeSet(HISTORY, False, "forward", (pull(1),))

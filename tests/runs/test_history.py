"""What ships, over whole histories: a real git repository of the same commits is the judge, and calls are counted."""

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import builders
import histories
from documents import read, rows, section
from dx_action.changes.changeset import CLOCK, Changes
from dx_action.changes.discover import discover
from dx_action.github.client import Run
from dx_action.github.lookups import Lookups
from dx_action.inputs.values import Sourced
from dx_action.runner.workspace import Workspace
from dx_action.services.service import Service
from runner import fast_clock
from scenes import event
from stand_in import WAYS, GitHub, Repo
from stand_in.real_git import git, write
from thorough import only_thorough

PAGE = "docs/what-ships.md"


def looked_up(gh: GitHub, repo: Repo, commit: str, given: dict[str, str], *services: str) -> Changes:
    """Look up what a deployment ships, as a run by hand does."""
    gh.reset_calls()
    inputs = builders.inputs({"github-token": gh.token, "attribution": "merge-commits", **given})
    told = {"repository.full_name": repo.full_name, "repository.default_branch": repo.default_branch}
    happened = event("workflow_dispatch", builders.payload("workflow_dispatch", told))
    runtime = builders.runtime("workflow_dispatch", api_url=gh.api_url, repository=repo.full_name)
    run = Run(inputs, runtime, {}, Workspace(""), fast_clock(), lambda _line: None, print)
    lookups = Lookups(repo.full_name, True, commit, run)
    these = [Service(name) for name in services or ("a",)]
    return discover(inputs, happened, these, commit, Sourced("2025-03-04T12:00:00Z", CLOCK), lambda: lookups.changes)


def numbers(ships: Changes, service: str = "a") -> dict[int, str]:
    return {pull.number: pull.merge_commit_sha for pull in ships.by_service[service].pulls}


@dataclass(frozen=True)
class Past:
    """A history twice: on the stand-in GitHub, and in a folder as git holds it."""

    gh: GitHub
    repo: Repo
    folder: Path

    def look(self, before: str, after: str, given: dict[str, str] | None = None, *services: str) -> Changes:
        return looked_up(self.gh, self.repo, after, {"since-sha": before} | (given or {}), *services)


@contextmanager
def served(repo: Repo) -> Iterator[Past]:
    with TemporaryDirectory() as folder, GitHub(repo) as gh:
        write(repo, Path(folder))
        yield Past(gh, repo, Path(folder))


def thousand() -> tuple[Repo, str]:
    """A thousand commits since the first one, and 300 pull requests that were merged by them."""
    dice, repo = random.Random(7), Repo("acme/shop")
    first = repo.commit({"README.md": "Shop"})

    def reached() -> int:
        tip = repo.rev("main")
        pulls = [pull for pull in repo.pulls.by_number.values() if pull.merged_at]
        return sum(repo.history.reaches(tip, str(pull.merge_commit_sha)) for pull in pulls)

    life = histories.Life(repo, dice)
    while reached() < 280:
        histories.lived(life, 5)
        for _ in range(5):
            repo.commit({"docs/last": str(repo.now)})
    while reached() < 299:
        repo.pulls.ship({f"b/last{len(repo.pulls.by_number)}": "1"}, how=dice.choice(WAYS))
    for _ in range(999 - len(repo.between(first, "main"))):
        repo.commit({"docs/last": str(repo.now)})
    repo.pulls.ship({"a/last": "2"}, how="squash")
    return repo, first


@pytest.fixture(scope="module")
def past() -> Iterator[tuple[Past, str]]:
    repo, first = thousand()
    with served(repo) as found:
        yield found, first


@only_thorough
def test_a_thousand_commits_as_git_has_them_in_twenty_calls(past: tuple[Past, str]) -> None:
    """The documentation says so, and how many without the first commits."""
    (there, first), repo = past, past[0].repo
    assert git(there.folder, "rev-list", "--count", f"{first}..main").strip() == "1000"
    expected = histories.shipped(repo, there.folder, first, "main")
    assert len(expected) == 300
    ways = {len(repo.history.commits[sha].parents) for sha in expected.values()}
    assert ways == {1, 2}
    assert len(repo.pulls.by_number) > 300  # closed ones, and ones that are on another branch alone
    stated = re.search(r"thousand commits with 300 pull requests take ([0-9]+) calls, or ([0-9]+) with", read(PAGE))
    assert stated
    repo.deployments.create(first, state="success")
    found = looked_up(there.gh, repo, repo.rev("main"), {"environment": "production", "show-pull-requests": "true"})
    assert numbers(found) == expected
    assert {*found.merge_commit_shas("a")} == {*expected.values()}
    assert any("ships 300 pull requests" in warning for warning in found.warnings)
    dated = sum("authoredDate" in (call.graphql or "") for call in there.gh.calls)
    assert [len(there.gh.calls) - dated, len(there.gh.calls)] == [int(found) for found in stated.groups()]
    assert max(map(int, stated.groups())) <= 20


@only_thorough
def test_any_two_commits_of_the_thousand(past: tuple[Past, str]) -> None:
    """On, back, aside and nowhere: which way, and what ships or is taken back, as git tells it."""
    (there, _), dice = past, random.Random(11)
    tips = git(there.folder, "rev-list", "main", "develop", "release/1.x").split()[:120]
    merges = [line.split() for line in git(there.folder, "log", "--merges", "--format=%P", "main").splitlines()]
    aside = next(parents for parents in merges if histories.way(there.folder, *parents) == "diverged")
    pairs = [(dice.choice(tips), dice.choice(tips)) for _ in range(4)]
    pairs += [(tips[90], tips[20]), (tips[20], tips[90]), (tips[3], tips[3]), (aside[0], aside[1])]
    seen = {check_pair(there, before, after) for before, after in pairs}
    assert seen == {"forward", "rollback", "redeploy", "diverged"}


def check_pair(there: Past, before: str, after: str) -> str:
    """Compare what is looked up with what git tells; give the way."""
    found, way = there.look(before, after), histories.way(there.folder, before, after)
    (shipment,) = found.by_service.values()
    assert shipment.course == way
    ends = (after, before) if way == "rollback" else (before, after)
    expected = histories.shipped(there.repo, there.folder, *ends)
    assert numbers(found) == expected
    new = {*expected.values()} if way in ("forward", "diverged") else set()
    assert {*found.merge_commit_shas("a")} == new
    assert len(found.merge_commit_shas("a")) == len(new)
    assert found.rollback is (way == "rollback")
    assert {pull.number for pull in found.pulls} == (set() if way == "rollback" else {*expected})
    merged_at = [pull.merged_at for pull in shipment.pulls]
    assert merged_at == sorted(merged_at)
    return way


# Random histories.


SERVICES = {"a": "a/", "b": "b/"}
MAP = {"service-map": "a: [a/**]\nb: [b/**]\n"}


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.integers(3, 25), st.randoms(use_true_random=False))
def test_git_agrees_on_any_history(seed: int, moves: int, dice: random.Random) -> None:
    repo = Repo("acme/shop")
    repo.commit({"README.md": "Shop"})
    histories.lived(histories.Life(repo, random.Random(seed)), moves)
    with served(repo) as there:
        tips = [*dict.fromkeys(git(there.folder, "rev-list", *repo.branches).split())]
        before, after = dice.choice(tips), dice.choice(tips)
        check_pair(there, before, after)
        check_services(there, before, after)
        check_first_commit(there, before, after)


def check_services(there: Past, before: str, after: str) -> None:
    """Each service ships just the pull requests that changed its files, as git diff has them."""
    if histories.way(there.folder, before, after) in ("rollback", "redeploy"):
        return
    found = there.look(before, after, {**MAP, "service": "a, b"}, *SERVICES)
    expected = histories.shipped(there.repo, there.folder, before, after)
    for service, folder in SERVICES.items():
        touching = {
            number: sha
            for number, sha in expected.items()
            if any(path.startswith(folder) for path in changed(there, number))
        }
        assert numbers(found, service) == touching
        assert {*found.merge_commit_shas(service)} == {*touching.values()}


def changed(there: Past, number: int) -> list[str]:
    pull = there.repo.pulls.by_number[number]
    return git(there.folder, "diff", "--name-only", f"{pull.base_sha}...{pull.head_sha}").split()


def check_first_commit(there: Past, before: str, after: str) -> None:
    """The first commit is the earliest authored among those of all pull requests that ship."""
    found = there.look(before, after, {"lead-time-metadata": "both"})
    times = {key: each.value for key, each in found.lead_times.items()}
    assert times.pop("commit_timestamp") == int(git(there.folder, "log", "-1", "--format=%ct", after))
    authored: list[int] = []
    for pull in found.pulls:
        own = there.repo.pulls.by_number[pull.number]
        authored += map(int, git(there.folder, "log", "--format=%at", f"{own.base_sha}..{own.head_sha}").split())
    assert times == ({"first_commit_timestamp": min(authored)} if authored else {})


# What the documentation states of the calls.


@cache
def costs() -> dict[str, list[int]]:
    """Give the numbers of each row of the page's table."""
    table = rows(section(PAGE, "## Calls and permissions"))
    return {row[0]: [int(found) for found in re.findall(r"[0-9]+", row[1])] for row in table}


@dataclass
class Counter:
    """Counts the calls of look-ups in a repository that grows."""

    gh: GitHub
    repo: Repo

    def count(self, path: str, since: str | None, given: dict[str, str] | None = None, tip: str = "main") -> int:
        before = {"since-sha": since} if since else {}
        looked_up(self.gh, self.repo, self.repo.rev(tip), before | (given or {}))
        return self.gh.count(path)

    def committed(self, commits: int) -> str:
        """Make so many commits; give the one before them."""
        before = self.repo.rev("main")
        for _ in range(commits):
            self.repo.commit({"docs/x": str(self.repo.now)})
        return before

    def shared(self, pulls: int) -> int:
        """Make a commit that so many pull requests into other branches contain; count the queries about it."""
        before = self.committed(1)
        for number in range(pulls):
            self.repo.branch(old := f"old-{pulls}-{number}", before)
            self.repo.branch(back := f"back-{pulls}-{number}")
            self.repo.pulls.merge(self.repo.pulls.open(back, old), "merge")
        return self.count("/graphql", before)

    def merged(self, *sizes: int) -> str:
        """Merge pull requests of so many commits; give the commit before them."""
        before = self.repo.rev("main")
        for size in sizes:
            branch = f"change-{len(self.repo.pulls.by_number)}"
            self.repo.branch(branch)
            for _ in range(size):
                self.repo.commit({"docs/y": str(self.repo.now)}, branch=branch)
            self.repo.pulls.merge(self.repo.pulls.open(branch), "squash")
        return before


@pytest.fixture
def counter() -> Iterator[Counter]:
    repo = Repo("acme/shop")
    repo.commit({"README.md": "Shop", **{f"a/{number}": "1" for number in range(101)}})
    with GitHub(repo) as gh:
        yield Counter(gh, repo)


def test_the_table_has_these_rows() -> None:
    assert [name.partition(",")[0] for name in costs()] == [
        *("the previous deployment", "the commits since then", "their pull requests"),
        *("whether the commit is on the default branch", "the first commit of each", "the services of each"),
        *("the commit's time", "the release before"),
    ]


def test_what_the_previous_deployment_costs(counter: Counter) -> None:
    def deployed(count: int, state: str) -> None:
        for _ in range(count):
            counter.repo.deployments.create(state=state, payload={"service": "a"})

    pages, tried = [], []
    for count, state in ((99, "failure"), (1, "failure"), (100, "failure"), (150, "failure"), (1, "success")):
        deployed(count, state)
        pages.append(counter.count("/deployments$", None))
        tried.append(counter.gh.count("/statuses$"))
    assert (pages, tried) == ([1, 2, 3, 3, 1], [10, 10, 10, 10, 1])
    made = counter.repo.deployments.newest_first()[0]
    more: list[int] = []
    for count in (99, 1, 99, 1):  # after its success
        for _ in range(count):
            counter.repo.deployments.status(made, "in_progress")
        counter.count("/deployments$", None)
        more.append(counter.gh.count("/statuses$"))
    assert more == [1, 2, 2, 3]
    spelled = counter.count("/deployments$", None, {"environment": "Production"}) - pages[-1]
    assert costs()["the previous deployment"] == [
        *(pages[-1], 100, max(pages), 1, tried[-1], max(tried)),
        *(more[1] - more[0], 100, spelled),
    ]


def test_what_commits_and_their_pull_requests_cost(counter: Counter) -> None:
    compared, asked = [], []
    for commits in (99, 100, 250, 251):
        before = counter.committed(commits)
        compared.append(counter.count(f"/compare/{before}", before))
        asked.append(counter.gh.count("/graphql"))
    assert (compared, asked) == ([1, 2, 3, 3], [1, 1, 1, 2])
    tip = counter.repo.rev("main")
    back = counter.count(r"/compare/[0-9a-f]{40}\.", tip, tip=before) - compared[-1]
    assert costs()["the commits since then"] == [1, 100, back]
    shared = [counter.shared(pulls) for pulls in (20, 21, 40, 41)]
    assert shared == [1, 2, 2, 3]
    # How often it is asked again after a push, test_shipping_runs tells.
    assert costs()["their pull requests"] == [1, 250, shared[1] - shared[0], 20, 2]
    assert [counter.count("/compare/main", before)] == next(
        numbers for name, numbers in costs().items() if name.startswith("whether the commit is on")
    )


def test_what_times_cost(counter: Counter) -> None:
    times = {"lead-time-metadata": "first-commit"}

    def dated(*sizes: int) -> int:
        counter.count("/graphql", counter.merged(*sizes), times)
        return sum("authoredDate" in (call.graphql or "") for call in counter.gh.calls)

    found = [dated(*[1] * 150), dated(*[1] * 151), dated(101, 100, 1, 102)]
    assert found == [1, 2, 2]
    assert costs()["the first commit of each"] == [found[0], 150, found[2] - found[0], 150, 100]
    asked = counter.count("/commits/", None, {"lead-time-metadata": "commit", "attribution": "commit"})
    assert costs()["the commit's time, if the event does not have it"] == [asked]


def test_what_services_cost(counter: Counter) -> None:
    def changed(*changes: dict[str, str | None]) -> tuple[int, int]:
        before = counter.repo.rev("main")
        for change in changes:
            counter.repo.pulls.ship(change)
        asked = counter.count("/graphql", before, {"service-map": "a: [a/**]"})
        return asked - 1, counter.gh.count("/files$")

    def docs(count: int) -> list[dict[str, str | None]]:
        return [{f"docs/{number}": str(counter.repo.now)} for number in range(count)]

    def large(count: int) -> dict[str, str | None]:
        return {f"b/{number}": str(counter.repo.now) for number in range(count)}

    found = [
        changed(*docs(50)),
        changed(*docs(51)),
        changed(*docs(49), large(100)),
        changed(large(101)),
        changed({"a/0": None, "c/0": "1"}),
    ]
    assert found == [(1, 0), (2, 0), (1, 0), (0, 2), (1, 1)]
    stated = next(numbers for name, numbers in costs().items() if name.startswith("the services of each"))
    assert stated == [found[0][0], 50, 1, 100, 100]

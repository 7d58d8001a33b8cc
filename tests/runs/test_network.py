"""GitHub tells of a commit the pull requests of forks, and of what was forked, too: only the repository's own are taken."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stand_in import Pull, Repo
from worlds import INLINE, World, begun

DISCOVER = {"service": "a", "attribution": "merge-commits", "lead-time-metadata": "first-commit"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    yield from begun(tmp_path, Repo("acme/shop", start="2025-03-01T00:00:00Z"))


def synced(world: World, *paths: str) -> Pull:
    """Merge a pull request in what the repository was forked from, and take over its branch."""
    upstream = world.repo.forked("upstream/shop")
    pull = upstream.pulls.ship(dict.fromkeys(paths, "upstream"))
    world.repo.branch("main", upstream.branches["main"])
    world.repo.now = upstream.now
    return pull


def test_what_a_fork_took_over_was_merged_by_no_pull_request_of_its_own(world: World) -> None:
    world.repo.deployments.create("main", "production", state="success")
    own = world.ship("a/1")
    foreign = synced(world, "a/2")
    assert foreign.number == own.number == 1
    run = world.step("workflow_dispatch", None, DISCOVER | {"show-pull-requests": "true"})
    assert [request["json"]["merge_commit_shas"] for request in world.dx.requests()] == [[own.merge_commit_sha]]
    (shown,) = run.json("pull-requests")
    assert shown["url"].endswith("/acme/shop/pull/1")
    assert "pull request #1" in "\n".join(run.lines)


def test_a_push_of_what_a_fork_took_over_merged_none(world: World) -> None:
    before = world.repo.rev("main")
    own = world.ship("a/1")
    synced(world, "b/2")
    run = world.pushed(before, INLINE | {"operation": "set-pull-services"})
    assert run.status == "pull-services-set"
    (request,) = world.dx.requests()
    assert request["json"]["github_pull_id"] == own.id
    assert request["json"]["services"] == [{"identifier": "a"}]


@pytest.mark.parametrize("forks", [19, 20, 41])
def test_however_many_forks_there_are(world: World, forks: int) -> None:
    """The pull requests of forks, which are older here, fill whole pages before the repository's own."""
    repo = world.repo
    repo.deployments.create("main", "production", state="success")
    base = repo.rev("main")
    repo.branch("change", "main")
    repo.commit({"a/1": "1"}, branch="change")
    pull = repo.pulls.open("change")
    merge = repo.pulls.merge(pull, "push")
    for number in range(forks):
        fork = repo.forked(f"fork{number}/shop")
        fork.branches = {"main": base, "change": repo.rev("main")}
        fork.pulls.merge(fork.pulls.open("change", at="2025-03-01T00:00:00Z"), "push")
    assert world.step("workflow_dispatch", None, DISCOVER).status == "registered"
    (request,) = world.dx.requests()
    assert request["json"]["merge_commit_shas"] == [merge]
    assert world.gh.count("/graphql") == forks // 20 + 1 + 1  # the last is for the first commits


def test_a_fork_s_merge_of_the_same_commit_is_not_taken_for_one(world: World) -> None:
    world.repo.deployments.create("main", "production", state="success")
    synced(world, "a/2")
    run = world.step("workflow_dispatch", None, {"service": "a", "attribution": "merge-commits"})
    (request,) = world.dx.requests()
    assert "merge_commit_shas" not in request["json"]
    assert request["json"]["commit_sha"] == world.repo.rev("main")
    assert "no pull request was merged since" in "\n".join(run.lines)

"""The stand-in's model of git, judged by git itself in a real repository of the same history."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from stand_in import EXECUTABLE, WAYS, File, How, Repo, link, sample, submodule
from stand_in.history import Commit
from stand_in.real_git import git, write

SKEWED = "acme/random-4"


def random_repo(seed: int, *, skewed: bool = False, steps: int = 60) -> Repo:
    """Make a history in which everything happens in any order; skewed: by clocks that disagree."""
    dice, repo = random.Random(seed), Repo(f"acme/random-{seed}")
    repo.commit({f"services/{name}/{part}.py": f"{name} {part}\n" for name in "abc" for part in "xyz"})

    def anything(where: str) -> dict[str, str | File | None]:
        files = repo.files(where)
        path = dice.choice(sorted(files))
        choices: list[dict[str, str | File | None]] = [
            {path: f"{dice.random()}\n"},
            {path: None},
            {path: File(files[path], EXECUTABLE)},
            {path: None, f"moved/{dice.randrange(9)}/{path.rpartition('/')[2]}": File(files[path])},
            {f"new/{dice.randrange(9)}/{dice.randrange(99)}.txt": f"{dice.random()}\n"},
        ]
        return dice.choice(choices)

    def on_main() -> None:
        skew = dice.choice((0, 0, 0, -10_000)) if skewed else 0
        repo.commit(anything("main"), committer_date=repo.tick() + skew)

    def aside() -> None:
        name = f"side-{dice.randrange(4)}"
        repo.commit(anything(name if name in repo.branches else "main"), branch=name)

    def join() -> None:
        repo.merge(dice.choice(sorted(repo.branches)))

    def ship() -> None:
        repo.pulls.ship(anything("main"), {f"pull/{dice.random()}": "1"}, how=dice.choice(WAYS))

    def pull_of_side() -> None:
        sides = sorted(repo.branches.keys() - {"main"})
        if sides:
            repo.pulls.merge(repo.pulls.open(dice.choice(sides)), dice.choice(WAYS[:3]))

    def back() -> None:
        children = [commit.sha for commit in repo.log() if commit.parents]
        if children:
            repo.revert(dice.choice(children))

    actions: tuple[Callable[[], None], ...] = (on_main, aside, aside, join, ship, ship, pull_of_side, back)
    for _ in range(steps):
        try:
            dice.choice(actions)()
        except ValueError:  # a conflict, or nothing to merge
            continue
    return repo


@pytest.fixture(params=["sample", "1", "2", "3", "skewed"], scope="module")
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Repo, Path]:
    if request.param == "sample":
        repo = sample.shop()
    else:
        repo = random_repo(int(request.param)) if request.param != "skewed" else random_repo(4, skewed=True)
    folder = tmp_path_factory.mktemp("real")
    write(repo, folder)
    return repo, folder


def pairs(repo: Repo) -> list[tuple[str, str]]:
    shas = list(repo.history.commits)
    dice = random.Random(7)
    return [(shas[0], repo.rev("main")), *((dice.choice(shas), dice.choice(shas)) for _ in range(12))]


def names(text: str) -> list[str]:
    return text.split()


def test_git_computes_the_same_ids(both: tuple[Repo, Path]) -> None:
    repo, folder = both
    found = dict(
        line.split(" ") for line in git(folder, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    )
    assert found == {
        **{f"refs/heads/{name}": sha for name, sha in repo.branches.items()},
        **{f"refs/tags/{name}": sha for name, sha in repo.tags.items()},
        **{f"refs/pull/{pull.number}/head": pull.head_sha for pull in repo.pulls.all()},
    }
    objects = {line.split()[0] for line in git(folder, "cat-file", "--batch-all-objects", "--batch-check").splitlines()}
    assert repo.history.commits.keys() <= objects
    assert {commit.tree for commit in repo.history.commits.values()} <= objects
    git(folder, "fsck", "--strict", "--no-dangling")


def test_trees_are_listed_as_git_lists_them(both: tuple[Repo, Path]) -> None:
    repo, folder = both
    listed = [f"{e.mode.zfill(6)} {e.kind} {e.sha}\t{path}" for path, e in repo.objects.walk(repo.tree("main"))]
    assert listed == git(folder, "ls-tree", "-r", "-t", "main").splitlines()


def test_history_is_told_as_git_tells_it(both: tuple[Repo, Path]) -> None:
    repo, folder = both
    for base, head in pairs(repo):
        assert [commit.sha for commit in repo.log(head)] == names(git(folder, "log", "--format=%H", head))
        if repo.full_name == SKEWED:
            continue  # there git's own A..B may show too much
        between = names(git(folder, "log", "--format=%H", f"{base}..{head}"))
        assert [commit.sha for commit in repo.between(base, head)] == between[::-1]
        assert repo.history.count(head, base) == len(between)


def test_history_of_a_path_is_that_of_git(both: tuple[Repo, Path]) -> None:
    repo, folder = both
    for path in ("services", "README.md", "moved", "services/a/x.py"):

        def same(one: Commit, other: Commit | None, path: str = path) -> bool:
            return repo.objects.find(one.tree, path) == (repo.objects.find(other.tree, path) if other else None)

        found = repo.history.log_of(repo.rev("main"), same)
        assert [commit.sha for commit in found] == names(git(folder, "log", "--format=%H", "main", "--", path))


def test_merge_bases_are_those_of_git(both: tuple[Repo, Path]) -> None:
    repo, folder = both
    for one, other in pairs(repo):
        assert set(repo.history.merge_bases(one, other)) == set(names(git(folder, "merge-base", "--all", one, other)))
        ancestor = names(git(folder, "merge-base", one, other)) == [other]
        assert repo.history.reaches(one, other) == ancestor


def test_changes_are_those_of_git(both: tuple[Repo, Path]) -> None:
    repo, folder = both
    letters = {"added": "A", "removed": "D", "modified": "M", "changed": "M", "renamed": "R100"}
    for before, after in pairs(repo):
        told = [
            "\t".join([letters[change.status], *([change.previous] if change.previous else []), change.path])
            for change in repo.changes(before, after)
        ]
        assert told == git(folder, "diff", "--name-status", "-M100%", "-l0", before, after).splitlines()


def test_annotated_tags_links_and_submodules_have_gits_ids(tmp_path: Path) -> None:
    repo = Repo()
    repo.commit({"a": "1", "run": File(b"#!", EXECUTABLE), "to-a": link("a"), "lib": submodule("1" * 40), "a.b/c": "2"})
    repo.tag("v1", message="One")
    write(repo, tmp_path)
    assert names(git(tmp_path, "rev-parse", "main", "v1", "v1^{commit}")) == [
        repo.rev("main"),
        repo.tags["v1"],
        repo.rev("v1"),
    ]


@pytest.mark.parametrize("how", WAYS)
def test_a_pull_request_has_the_merge_commits_of_its_kind(how: How) -> None:
    repo = Repo()
    first = repo.commit({"a": "1"})
    pull = repo.pulls.ship({"b": "1"}, {"c": "1"}, how=how, title="Add")
    tip, own = repo.rev("main"), repo.pulls.commits(pull)
    assert pull.merge_commit_sha == tip
    assert pull.landed[-1] == tip
    assert len(own) == 2
    parents = repo.history.commits[tip].parents
    assert (
        parents
        == {
            "merge": (first, pull.head_sha),
            "squash": (first,),
            "rebase": (pull.landed[0],),
            "push": (own[0].sha,),
        }[how]
    )
    assert repo.files().keys() == {"a", "b", "c"}
    assert repo.pulls.of(tip) == [pull]
    assert [change.path for change in repo.pulls.files(pull)] == ["b", "c"]


def test_the_merge_queue_moves_the_branch_once() -> None:
    repo = Repo()
    first = repo.commit({"a": "1"})
    pulls = []
    for name in "bcd":
        repo.branch(name)
        repo.commit({name: "1"}, branch=name)
        pulls.append(repo.pulls.open(name))
    repo.pulls.queue(*pulls, how="squash")
    assert [pull.merge_commit_sha for pull in pulls] == [commit.sha for commit in repo.between(first, "main")]
    assert len({pull.merged_at for pull in pulls}) == 1
    assert all(repo.pulls.of(str(pull.merge_commit_sha)) == [pull] for pull in pulls)


def test_commits_belong_to_open_pull_requests_until_they_are_shipped() -> None:
    repo = Repo()
    repo.commit({"a": "1"})
    repo.branch("side")
    sha = repo.commit({"b": "1"}, branch="side")
    pull = repo.pulls.open("side")
    assert repo.pulls.of(sha) == [pull]
    assert pull.merge_commit_sha not in (None, sha)  # GitHub's trial
    later = repo.commit({"c": "1"}, branch="side")
    assert repo.pulls.of(later) == [pull]
    assert pull.head_sha == later
    repo.merge("side")
    assert repo.pulls.of(sha) == []
    repo.pulls.close(pull)
    assert repo.pulls.of(later) == []


def test_a_success_outside_production_makes_earlier_ones_inactive() -> None:
    repo = Repo()
    repo.commit({"a": "1"})
    deployments = [repo.deployments.create(environment="staging", state="success") for _ in range(2)]
    kept = [repo.deployments.create(state="success") for _ in range(2)]
    assert [status.state for status in deployments[0].statuses] == ["success", "inactive"]
    assert [[status.state for status in one.statuses] for one in kept] == [["success"], ["success"]]
    assert kept[0].id > 2**31

"""Which files a pull request changed, against the stand-in GitHub, with what it costs; and which ones merged a commit."""

from collections.abc import Iterator

import pytest

from changesets import pull
from dx_action.changes.changeset import PullChange
from dx_action.github.commits import ChangedPaths, CutError, range_files
from dx_action.github.errors import LookupFailedError, Missing
from dx_action.github.pulls import merged_by, pull_files, pull_trees
from scenes import asked, speaking
from stand_in import GitHub, Pull, Repo, link, submodule


def names(count: int, folder: str = "web") -> list[str]:
    return [f"services/{folder}/{number:05}.txt" for number in range(count)]


def known(repo: Repo, pull: Pull) -> PullChange:
    """A pull request as its event tells it."""
    return PullChange(pull.number, pull.base_sha, pull.head_sha, len(repo.pulls.files(pull)))


def sized(repo: Repo, count: int) -> Pull:
    """Return the pull request that changes so many files."""
    return next(pull for pull in repo.pulls.all() if pull.title == str(count))


@pytest.fixture(scope="module")
def wide() -> Repo:
    """20,000 files, and pull requests that change many. The base goes on while each is open."""
    repo = Repo("acme/wide")
    repo.commit({f"services/{number % 200}/{number}.txt": "1" for number in range(20_000)})
    for count in (1, 99, 100, 101, 2999, 3000, 3001, 5000):
        repo.branch(f"b{count}")
        repo.commit(
            {f"services/{number % 200}/{number}.txt": f"v{count}" for number in range(count)}, branch=f"b{count}"
        )
        repo.commit({f"elsewhere/{count}.txt": "1"})
        repo.pulls.open(f"b{count}", title=str(count))
    return repo


@pytest.fixture(scope="module")
def gh(wide: Repo) -> Iterator[GitHub]:
    with GitHub(wide) as server:
        yield server


LIST = [f"pulls/{{n}}/files {page}" for page in range(1, 31)]
TREES = ["git/trees/{base}", "git/trees/{head}"]
PULLS = [
    (1, ["pulls/{n}/files 1"]),
    (99, ["pulls/{n}/files 1"]),
    (100, ["pulls/{n}/files 1", "pulls/{n}/files 2"]),
    (101, ["pulls/{n}/files 1", "pulls/{n}/files 2"]),
    (2999, LIST),
    (3000, ["compare/{tip}...{head} 2", *TREES]),
    (3001, ["compare/{tip}...{head} 2", *TREES]),
    (5000, ["compare/{tip}...{head} 2", *TREES]),
]


@pytest.mark.parametrize(("count", "calls"), PULLS, ids=[str(count) for count, _ in PULLS])
@pytest.mark.parametrize("from_event", [True, False], ids=["told by the event", "looked up"])
def test_a_pull_request_of_any_size(wide: Repo, gh: GitHub, count: int, calls: list[str], from_event: bool) -> None:
    pull = sized(wide, count)
    base = wide.history.merge_bases(pull.base_sha, pull.head_sha)[0]
    assert base != pull.base_sha
    gh.reset_calls()
    with speaking(gh, "acme/wide") as api:
        found = pull_files(api, known(wide, pull) if from_event else PullChange(pull.number))
    assert found.paths == {f"services/{number % 200}/{number}.txt" for number in range(count)}
    assert found.exact == (count >= 3000)
    # Without an event it is the list itself that shows that it is cut.
    first = [] if from_event or count < 3000 else [*LIST, f"pulls/{pull.number}"]
    filled = [call.format(n=pull.number, tip=pull.base_sha, base=base, head=pull.head_sha) for call in [*first, *calls]]
    assert asked(gh, "acme/wide") == filled


@pytest.mark.parametrize(
    ("count", "hint"),
    [*((101, hint) for hint in (None, 0, 1, 3, 100, 150, 2999, 3000, 9999, -1)), (1, 0), (3001, 0), (3001, 2999)],
)
def test_no_number_of_the_payload_decides(wide: Repo, gh: GitHub, count: int, hint: int | None) -> None:
    pull = sized(wide, count)
    with speaking(gh, "acme/wide") as api:
        found = pull_files(api, PullChange(pull.number, pull.base_sha, pull.head_sha, hint))
    assert found.paths == {f"services/{number % 200}/{number}.txt" for number in range(count)}


def test_an_empty_list_is_not_taken_at_its_word(wide: Repo) -> None:
    """With `replace-pull-services` it would take all services from a pull request."""
    pull = sized(wide, 1)
    with GitHub(wide) as server, speaking(server, "acme/wide") as api:
        server.fail("/files", status=200, body=b"[]", times=None)
        assert pull_files(api, PullChange(pull.number)).paths == {"services/0/0.txt"}
        assert server.count("/git/trees/") == 2


def test_a_pull_request_that_changes_nothing_changes_nothing() -> None:
    repo = Repo()
    repo.commit({"a": "1"})
    pull = repo.pulls.ship({"a": "2"}, {"a": "1"}, how="squash")
    with GitHub(repo) as server, speaking(server) as api:
        assert pull_files(api, known(repo, pull)) == ChangedPaths(frozenset(), exact=True)


def test_commits_that_are_not_the_lists_are_no_guess(wide: Repo, gh: GitHub) -> None:
    """A base that contains the head would make three thousand files none."""
    pull = sized(wide, 3001)
    with speaking(gh, "acme/wide") as api, pytest.raises(CutError, match="other files of pull request #"):
        pull_files(api, PullChange(pull.number, pull.head_sha, pull.head_sha, 1))


UNDOCUMENTED = [
    b"{}",
    b"null",
    b'[{"status": "added"}]',
    b'[{"filename": null, "status": "added"}]',
    b"[7]",
    b'{"data": "x"}',
]


@pytest.mark.parametrize("body", UNDOCUMENTED)
def test_a_list_that_is_not_as_documented(wide: Repo, body: bytes) -> None:
    pull = sized(wide, 1)
    with GitHub(wide) as server, speaking(server, "acme/wide") as api:
        server.fail("/files", status=200, body=body, times=None)
        with pytest.raises(LookupFailedError):
            pull_files(api, known(wide, pull))


def test_a_move_from_nowhere_is_looked_up_in_the_trees() -> None:
    repo = Repo()
    repo.commit({"services/web/a": "a"})
    pull = repo.pulls.ship({"services/web/a": None, "libs/a": "a"})
    with GitHub(repo) as server, speaking(server) as api:
        body = b'[{"filename": "libs/a", "status": "renamed"}]'
        server.fail("/files", status=200, body=body, times=None)
        assert pull_files(api, known(repo, pull)).paths == {"services/web/a", "libs/a"}


def test_a_cut_tree_of_twenty_thousand_files_is_walked_where_it_differs(wide: Repo) -> None:
    """All 200 folders of `services` differ: each is asked for twice, and `elsewhere`, which does not, never."""
    pull = sized(wide, 5000)
    with GitHub(wide) as server, speaking(server, "acme/wide") as api:
        server.configure(tree_limit=10_000)
        assert len(pull_files(api, known(wide, pull)).paths) == 5000
        assert server.count("/compare/") == 1
        assert server.count("/git/trees/") == 2 + 2 + 2 + 400
    with GitHub(wide) as server, speaking(server, "acme/wide") as api:
        server.configure(tree_limit=50)
        with pytest.raises(CutError):
            pull_files(api, known(wide, pull))


MOVES: dict[str, tuple[dict[str, object], set[str]]] = {
    "a renamed service folder": (
        {"services/web/a": None, "services/web/b": None, "services/site/a": "a", "services/site/b": "b"},
        {"services/web/a", "services/web/b", "services/site/a", "services/site/b"},
    ),
    "a file moved to another service": ({"services/web/a": None, "libs/a": "a"}, {"services/web/a", "libs/a"}),
    "a file that was removed": ({"services/web/a": None}, {"services/web/a"}),
    "a file for a folder": ({"libs/x": "1", "libs/x/y": None}, {"libs/x", "libs/x/y"}),
    "a submodule": ({"vendor": submodule("1" * 40)}, {"vendor/"}),
    "a symbolic link": ({"libs/link": link("../x")}, {"libs/link"}),
    "odd names": ({"libs/straße & más #1%20?.txt": "1"}, {"libs/straße & más #1%20?.txt"}),
}  # fmt: skip


@pytest.mark.parametrize("name", MOVES)
def test_both_places_count(name: str) -> None:
    files, expected = MOVES[name]
    repo = Repo()
    before = repo.commit({"services/web/a": "a", "services/web/b": "b", "libs/x/y": "1"})
    pull = repo.pulls.ship(files, how="squash")  # type: ignore[arg-type]
    with GitHub(repo) as server, speaking(server) as api:
        assert pull_files(api, known(repo, pull)).paths == {path.rstrip("/") for path in expected}
        assert range_files(api, before, repo.rev("main")).paths == {path.rstrip("/") for path in expected}
        assert pull_trees(api, known(repo, pull)).paths == expected
        assert pull_trees(api, PullChange(pull.number)).paths == expected
        assert asked(server)[:2] == [f"pulls/{pull.number}/files 1", f"compare/{before}...{repo.rev('main')} 1"]


def test_a_pull_request_from_a_fork_that_is_gone() -> None:
    repo = Repo()
    repo.commit({"a": "1"})
    repo.branch("theirs")
    repo.commit({"b": "1"}, branch="theirs")
    pull = repo.pulls.open("theirs", head_repo=None)
    repo.pulls.merge(pull, "squash", delete_branch=True)
    with GitHub(repo) as server, speaking(server) as api:
        assert pull_files(api, PullChange(pull.number)).paths == {"b"}


def test_a_pull_request_that_is_not_there() -> None:
    with GitHub(Repo()) as server, speaking(server) as api, pytest.raises(Missing):
        pull_files(api, PullChange(7))


def test_a_page_that_fails_is_never_left_out(wide: Repo) -> None:
    pull = sized(wide, 101)
    with GitHub(wide) as server, speaking(server, "acme/wide") as api:
        server.fail("/files", after=1, status=502, times=None)
        with pytest.raises(LookupFailedError):
            pull_files(api, known(wide, pull))
        server.faults.clear()
        server.reset_calls()
        assert len(pull_files(api, known(wide, pull)).paths) == 101
        assert asked(server, "acme/wide") == [f"pulls/{pull.number}/files 2"]


# By which pull requests commits were merged.


def test_a_pull_request_is_found_by_its_merge_commit_alone() -> None:
    """Its own commits belong to it, too, and come with branches that were made on top of it."""
    first, second = pull(1, merge_commit_sha="a" * 40), pull(2, merge_commit_sha="b" * 40)
    pulls = dict.fromkeys(("a" * 40, "A" * 40, "b" * 9, "c" * 40), (first, second))
    assert merged_by(["c" * 40], pulls) == ()
    assert merged_by(["c" * 40, "a" * 40], pulls) == (first,)
    assert merged_by(["A" * 40], pulls) == (first,)
    assert merged_by(["b" * 9, "a" * 40], pulls) == (first, second)
    assert merged_by([], pulls) == ()

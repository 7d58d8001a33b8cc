"""Which files a pull request changed, against the stand-in GitHub, with what it costs; and which ones merged a commit."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from asking import Patience
from changesets import pull
from dx_action.changes.changeset import Merged, PullChange, UnavailableError
from dx_action.github.commits import ChangedPaths, CutError, range_files
from dx_action.github.errors import LookupFailedError, Missing
from dx_action.github.pulls import associated, first_authored, merged_by, pull_files, pull_trees, pulls_files
from scenes import asked, speaking
from stand_in import Fault, GitHub, Pull, Repo, link, submodule


def names(count: int, folder: str = "web") -> list[str]:
    return [f"services/{folder}/{number:05}.txt" for number in range(count)]


def known(repo: Repo, pull: Pull) -> PullChange:
    """A pull request as its event tells it."""
    return PullChange(pull.number, pull.base_sha, pull.head_sha, len(repo.pulls.files(pull)))


def sized(repo: Repo, count: int) -> Pull:
    """Return the pull request that changes so many files."""
    return next(pull for pull in repo.pulls.all() if pull.title == str(count))


def changing(repo: Repo, files: int, counts: Sequence[int]) -> Repo:
    """Fill a repository, and open a pull request that changes each of the counts. The base goes on while each is open."""
    repo.commit({f"services/{number % 200}/{number}.txt": "1" for number in range(files)})
    for count in counts:
        repo.branch(f"b{count}")
        repo.commit(
            {f"services/{number % 200}/{number}.txt": f"v{count}" for number in range(count)}, branch=f"b{count}"
        )
        repo.commit({f"elsewhere/{count}.txt": "1"})
        repo.pulls.open(f"b{count}", title=str(count))
    return repo


@pytest.fixture(scope="module")
def wide() -> Repo:
    """20,000 files."""
    return changing(Repo("acme/wide"), 20_000, (1, 99, 100, 101, 2999, 3000, 3001, 5000))


@pytest.fixture(scope="module")
def narrow() -> Repo:
    """As many folders, and pull requests of one page and of two, for what the size is nothing to."""
    return changing(Repo("acme/wide"), 300, (1, 101))


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
def test_no_number_of_the_payload_decides(wide: Repo, narrow: Repo, count: int, hint: int | None) -> None:
    pull = sized(repo := wide if count > 101 else narrow, count)
    with GitHub(repo) as server, speaking(server, "acme/wide") as api:
        found = pull_files(api, PullChange(pull.number, pull.base_sha, pull.head_sha, hint))
    assert found.paths == {f"services/{number % 200}/{number}.txt" for number in range(count)}


@pytest.mark.parametrize("fault", [{"status": status} for status in (404, 406, 422, 500)])
@pytest.mark.parametrize("hint", [3000, 9999])
def test_a_number_of_the_payload_makes_nothing_fail(narrow: Repo, hint: int, fault: dict[str, Any]) -> None:
    """GitHub need not be able to compare the commits of a list that it has whole."""
    pull = sized(narrow, 101)
    with GitHub(narrow) as server, speaking(server, "acme/wide") as api:
        server.fail("/compare/", times=None, **fault)
        found = pull_files(api, PullChange(pull.number, pull.base_sha, pull.head_sha, hint))
        assert (len(found.paths), found.exact) == (101, False)


def test_a_number_of_the_payload_walks_no_folder_in_vain(narrow: Repo) -> None:
    pull = sized(narrow, 101)
    with GitHub(narrow) as server, speaking(server, "acme/wide") as api:
        server.configure(tree_limit=50)  # less than the folder `services` has
        assert len(pull_files(api, PullChange(pull.number, pull.base_sha, pull.head_sha, 3000)).paths) == 101


@pytest.mark.parametrize("fault", [{"status": 401}, {"status": 403}, {"limit": "primary", "wait": 3000}])
def test_what_the_list_would_not_mend_is_told_of_the_trees(narrow: Repo, fault: dict[str, Any]) -> None:
    pull = sized(narrow, 101)
    with GitHub(narrow) as server, speaking(server, "acme/wide") as api:
        server.fail("/compare/", times=None, **fault)
        with pytest.raises(LookupFailedError):
            pull_files(api, PullChange(pull.number, pull.base_sha, pull.head_sha, 3000))
        assert len(server.calls) == 1


def test_an_empty_list_is_not_taken_at_its_word(narrow: Repo) -> None:
    """With `replace-pull-services` it would take all services from a pull request."""
    pull = sized(narrow, 1)
    with GitHub(narrow) as server, speaking(server, "acme/wide") as api:
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


NO_LIST: dict[str, dict[str, Any]] = {
    **{f"HTTP {status}": {"status": status} for status in (406, 409, 410, 422, 500, 502, 503)},
    "no diff": {"status": 422, "message": "Sorry, there was a problem generating this diff."},
    "a page of HTML": {"status": 200, "body": b"<html>"},
    **{body.decode(): {"status": 200, "body": body} for body in UNDOCUMENTED},
}


@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize("name", NO_LIST)
def test_the_trees_serve_where_the_list_does_not(narrow: Repo, name: str, after: int) -> None:
    """Of a list that breaks off, no part is taken for all."""
    pull = sized(narrow, 101)
    with GitHub(narrow) as server, speaking(server, "acme/wide") as api:
        server.fail("/files", times=None, after=after, **NO_LIST[name])
        found = pull_files(api, known(narrow, pull))
        assert (len(found.paths), found.exact) == (101, True)
        assert server.count("/git/trees/") == 2


@pytest.mark.parametrize(
    "fault", [{"status": 401}, {"status": 403}, {"status": 404}, {"limit": "primary", "wait": 3000}]
)
def test_what_the_trees_would_not_mend_is_told_of_the_list(narrow: Repo, fault: dict[str, Any]) -> None:
    pull = sized(narrow, 1)
    with GitHub(narrow) as server, speaking(server, "acme/wide") as api:
        server.fail("/files", times=None, **fault)
        with pytest.raises(LookupFailedError):
            pull_files(api, known(narrow, pull))
        assert len(server.calls) == 1


@pytest.mark.parametrize("former", ["", ', "previous_filename": null', ', "previous_filename": ""'])
def test_a_move_from_nowhere_is_looked_up_in_the_trees(former: str) -> None:
    repo = Repo()
    repo.commit({"services/web/a": "a"})
    pull = repo.pulls.ship({"services/web/a": None, "libs/a": "a"})
    with GitHub(repo) as server, speaking(server) as api:
        body = f'[{{"filename": "libs/a", "status": "renamed"{former}}}]'
        server.fail("/files", status=200, body=body.encode(), times=None)
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
        server.fail("/git/trees/", status=502, times=None)
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
    assert merged_by(["c" * 40], pulls).pulls == ()
    assert merged_by(["c" * 40, "a" * 40], pulls).pulls == (first,)
    assert merged_by(["A" * 40], pulls).pulls == (first,)
    assert merged_by(["b" * 9, "a" * 40], pulls).pulls == (first, second)
    assert merged_by([], pulls).pulls == ()


# What GitHub leaves out: unknown is not none.


Edit = Callable[[dict[str, Any]], Any]


def of(number: int, body: dict[str, Any]) -> dict[str, Any]:
    """Find an item in an answer from GraphQL."""
    item: dict[str, Any] = body["data"]["repository"][f"item{number}"]
    return item


def node(**fields: Any) -> Edit:
    """Change the second commit's pull request."""
    return lambda body: of(1, body)["page"]["nodes"][0].update(fields)


def page(**fields: Any) -> Edit:
    return lambda body: of(1, body)["page"].update(fields)


def nodes_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = of(1, body)["page"]["nodes"]
    return found


def elsewhere(told: dict[str, Any], digit: str) -> dict[str, Any]:
    """A merged pull request that contains the commit, and became another one."""
    return told | {"number": 90 + int(digit), "mergeCommit": {"oid": digit * 40}}


def item(value: Any, *errors: dict[str, Any]) -> Edit:
    """Put something else in place of all that was asked about the second commit."""

    def edit(body: dict[str, Any]) -> None:
        body["data"]["repository"]["item1"] = value
        body["errors"] = list(errors)

    return edit


def error(kind: str | None, *below: str | int, message: str = "evil") -> dict[str, Any]:
    typed = {"type": kind} if kind else {}
    return {
        **typed,
        "message": message,
        "path": ["repository", "item1", *below],
        "locations": [{"line": 1, "column": 1}],
    }


def refused(*below: str | int) -> Edit:
    return lambda body: body.update(errors=[error("FORBIDDEN", *below)])


def both(*edits: Edit) -> Edit:
    def edit(body: dict[str, Any]) -> None:
        for each in edits:
            each(body)

    return edit


NEXT = {"hasNextPage": True, "endCursor": None}
UNTOLD = "GitHub did not return by which commit #2 was merged"
NONE = "GitHub did not return the pull requests of commit {sha}"
OTHERWISE = f"{NONE} as it documents them"
PARTS: dict[str, tuple[Edit, str]] = {
    "no merge commit": (node(mergeCommit=None), UNTOLD),
    "no merge time": (node(merged_at=None), UNTOLD),
    "no id": (node(id=None), UNTOLD),
    "a null node": (page(nodes=[None]), "GitHub did not return all pull requests of commit {sha}"),
    "a null node beside one that was merged elsewhere": (
        lambda body: page(nodes=[None, *map(elsewhere, nodes_of(body), "9")])(body),
        "GitHub did not return all pull requests of commit {sha}",
    ),
    "a null page": (item({"page": None}), NONE),
    "a null commit": (item(None), NONE),
    "no commit": (item({}), NONE),
    "a forbidden page": (
        item({"page": None}, error("FORBIDDEN", "page")),
        "`github-token` may not read the pull requests of commit {sha}",
    ),
    "scopes": (
        item(None, error("INSUFFICIENT_SCOPES")),
        "`github-token` may not read the pull requests of commit {sha}",
    ),
    "a null node that may not be read": (
        both(page(nodes=[None]), refused("page", "nodes", 0)),
        "`github-token` may not read all pull requests of commit {sha}",
    ),
    "a merge commit that may not be read": (
        both(node(mergeCommit=None), refused("page", "nodes", 0, "mergeCommit")),
        "`github-token` may not read by which commit #2 was merged",
    ),
    "a commit that went wrong": (item(None, error(None)), NONE),
    "another error": (item(None, error("SOMETHING_NEW")), NONE),
    "no title": (node(title=None), OTHERWISE),
    "a number that is text": (node(number="2"), OTHERWISE),
    "a number that is none": (node(number=0), OTHERWISE),
    "a number with a fraction": (node(number=2.0), OTHERWISE),
    "a size that is text": (node(changed_files="1"), OTHERWISE),
    "an id that is a number": (node(id=7), OTHERWISE),
    "an id of words": (node(id="7 evil"), OTHERWISE),
    "whether it is merged, in words": (node(merged="no"), OTHERWISE),
    "whether it is merged, as a number": (node(merged=0), OTHERWISE),
    "a merge commit of words": (node(mergeCommit={"oid": "::error::evil"}), OTHERWISE),
    "a merge time of words": (node(merged_at="<html>evil"), OTHERWISE),
    "a merge time that is empty": (node(merged_at=""), OTHERWISE),
    "a merge time in another zone": (node(merged_at="2025-03-01T02:00:00+02:00"), OTHERWISE),
    "no repository": (node(repository=None), OTHERWISE),
    "no list": (page(nodes=None), OTHERWISE),
    "a list of words": (page(nodes=["evil"]), OTHERWISE),
    "more in words": (page(pageInfo={"hasNextPage": "no", "endCursor": None}), OTHERWISE),
    "more as a number": (page(pageInfo={"hasNextPage": 0, "endCursor": None}), OTHERWISE),
    "more, without a cursor": (page(nodes=[], pageInfo=NEXT), OTHERWISE),
    "a cursor that is a number": (page(nodes=[], pageInfo=NEXT | {"endCursor": 7}), OTHERWISE),
}


@pytest.fixture
def three() -> Iterator[tuple[GitHub, list[str]]]:
    """Three commits, each of which merged a pull request."""
    repo = Repo()
    start = repo.commit({"a": "1"})
    for name in "abc":
        repo.pulls.ship({f"web/{name}": "1"})
    with GitHub(repo) as server:
        yield server, [commit.sha for commit in repo.between(start, "main")]


@pytest.mark.parametrize("name", PARTS)
def test_what_is_unknown_is_named_and_what_came_whole_is_used(three: tuple[GitHub, list[str]], name: str) -> None:
    (hub, commits), (edit, why) = three, PARTS[name]
    hub.fail("/graphql", edit=edit, times=None)
    with speaking(hub, clock=Patience().clock) as api:
        found = associated(api, commits)
    merged = merged_by(commits, found)
    assert [pull.number for pull in merged.pulls] == [1, 3]
    assert merged.unknown == (why.format(sha=commits[1][:12]),)
    assert merged_by([commits[0], commits[2]], found).unknown == ()


@pytest.mark.parametrize(
    ("edit", "numbers"),
    [
        (lambda body: of(1, body)["page"]["nodes"].append(None), [1, 2, 3]),  # of a fork that is hidden
        (lambda body: body.update(errors=[error("FORBIDDEN", "page", "nodes", 1)]), [1, 2, 3]),
        (node(author=None), [1, 2, 3]),
        (node(merged=False, mergeCommit=None, merged_at=None), [1, 3]),
        (node(repository={"nameWithOwner": "acme/fork"}, mergeCommit=None), [1, 3]),
        (page(nodes=[]), [1, 3]),
    ],
)
def test_what_is_known_in_spite_of_it(three: tuple[GitHub, list[str]], edit: Edit, numbers: list[int]) -> None:
    hub, commits = three
    hub.fail("/graphql", edit=edit, times=None)
    with speaking(hub) as api:
        merged = merged_by(commits, associated(api, commits))
    assert ([pull.number for pull in merged.pulls], merged.unknown) == (numbers, ())
    assert len(hub.calls) == 1


@pytest.mark.parametrize(("pages", "numbers"), [(1, [1, 2, 3]), (9, [1, 2, 3]), (10, [1, 3])])
def test_a_commit_s_own_pull_request_is_read_on_for(
    three: tuple[GitHub, list[str]], pages: int, numbers: list[int]
) -> None:
    """Pull requests that contain the commit, too, may fill the pages before it."""
    (hub, commits), own = three, list[dict[str, Any]]()

    def turned(body: dict[str, Any]) -> None:
        first, last = not own, len(hub.calls) > pages
        own[:] = own or nodes_of(body)
        nodes = own if last else [elsewhere(told, "9") for told in own]
        info = {"hasNextPage": not last, "endCursor": f"{len(hub.calls)}"}
        of(int(first), body)["page"] = {"nodes": nodes, "pageInfo": info}

    hub.fail("/graphql", edit=turned, times=None)
    with speaking(hub) as api:
        merged = merged_by(commits, associated(api, commits))
    assert [pull.number for pull in merged.pulls] == numbers
    more = f"GitHub lists more pull requests of commit {commits[1][:12]} than are read"
    assert merged.unknown == (() if 2 in numbers else (more,))
    assert len(hub.calls) == min(pages + 1, 10)


@pytest.mark.parametrize(
    ("refused", "named"),
    [
        (("pull_requests",), "pull-requests"),
        (("contents",), "contents"),
        # GitHub names one at a time.
        (("pull_requests", "contents"), "contents"),
    ],
)
def test_what_is_forbidden_altogether_is_a_missing_permission(
    three: tuple[GitHub, list[str]], refused: tuple[str, ...], named: str
) -> None:
    hub, commits = three
    hub.permissions.update(dict.fromkeys(refused, "none"))
    needs = f"the {named.replace('-', ' ')} of acme/shop. Grant the job the permission `{named}: read`."
    with speaking(hub) as api:
        with pytest.raises(LookupFailedError, match=re.escape(needs)):
            associated(api, commits)
        for look_up in (first_authored, pulls_files):
            if "pull_requests" in refused:
                with pytest.raises(LookupFailedError, match=r"the permission `pull-requests: read`\."):
                    look_up(api, [pull(1)])


def test_several_reasons_are_counted() -> None:
    assert Merged(()).why == ""
    assert Merged((), ("one",)).why == "one"
    assert Merged((), ("one", "two", "three")).why == "one, and 2 more like that"
    with pytest.raises(UnavailableError, match=r"^one$"):
        Merged((pull(1),), ("one",)).whole()
    assert Merged((pull(1),)).whole() == (pull(1),)


@pytest.mark.parametrize(
    ("cursor", "rounds"),
    [(lambda _number: "again", 2), (lambda number: f"{number % 2}", 10), (lambda number: f"{number}", 10)],
    ids=["its own", "in a circle", "without end"],
)
def test_no_answer_decides_how_many_pages_are_read(
    three: tuple[GitHub, list[str]], cursor: Callable[[int], str], rounds: int
) -> None:
    hub, commits = three

    def endless(body: dict[str, Any]) -> None:
        body["errors"] = []
        body["data"] = {"repository": {"own": "acme/shop", "item0": {"page": {"nodes": []}}}}
        of(0, body)["page"]["pageInfo"] = {"hasNextPage": True, "endCursor": cursor(len(hub.calls))}

    hub.fail("/graphql", edit=endless, times=None)
    with speaking(hub) as api:
        found = associated(api, commits[:1])
        assert len(hub.calls) == rounds
        assert isinstance(found[commits[0]], str)
        hub.reset_calls()
        assert first_authored(api, [pull(1)]) == (pull(1, first_commit_at=None),)
        assert len(hub.calls) == rounds


# Queries that are too large.


OVER: dict[str, dict[str, Any]] = {
    "RESOURCE_LIMITS_EXCEEDED": {"errors": [{"type": "RESOURCE_LIMITS_EXCEEDED", "message": "evil"}]},
    "MAX_NODE_LIMIT_EXCEEDED": {"errors": [{"type": "MAX_NODE_LIMIT_EXCEEDED", "message": "evil"}]},
    "something went wrong": {"errors": [{"message": "Something went wrong. evil", "path": ["repository"]}]},
    "502": {"status": 502, "body": b"<html>evil</html>"},
    "504": {"status": 504, "body": b"<html>evil</html>"},
}


@pytest.fixture(scope="module")
def long() -> tuple[Repo, list[str]]:
    """A repository, and 300 commits of it; the last one is a pull request's."""
    repo = Repo()
    commits = [repo.commit({"a": str(number)}) for number in range(299)]
    return repo, [*commits, str(repo.pulls.ship({"b": "1"}).merge_commit_sha)]


@pytest.mark.parametrize("name", OVER)
@pytest.mark.parametrize(
    ("most", "sizes"),
    [
        (250, [250, 50]),
        (249, [250, 125, 125, 50]),
        (70, [250, 125, 62, 62, 62, 62, 52]),
        (15, [250, 125, 62, 31, *[15] * 20]),
        (14, [250, 125, 62, 31, 15, *[10] * 30]),
    ],
)
def test_half_of_what_is_too_large_is_asked_for(
    long: tuple[Repo, list[str]], name: str, most: int, sizes: list[int]
) -> None:
    repo, commits = long
    patience = Patience()
    with GitHub(repo) as hub, speaking(hub, clock=patience.clock) as api:
        hub.configure(query_limit=most, over_limit=Fault(**OVER[name]))
        found = associated(api, commits)
        asked_for = [len(call.variables) // 2 - 1 for call in hub.calls]
    assert asked_for == sizes
    assert [pull.number for pull in merged_by(commits, found).pulls] == [1]
    assert patience.waits == []


@pytest.mark.parametrize("name", OVER)
def test_a_batch_of_ten_is_not_halved(name: str) -> None:
    repo = Repo()
    commits = [repo.commit({"a": str(number)}) for number in range(11)]
    patience = Patience()
    with GitHub(repo) as hub, speaking(hub, clock=patience.clock) as api:
        hub.configure(query_limit=9, over_limit=Fault(**OVER[name]))
        with pytest.raises(LookupFailedError, match="answered every attempt"):
            associated(api, commits)
        assert [len(call.variables) // 2 - 1 for call in hub.calls] == [11, 10, 10, 10, 10]
    assert patience.waits == [0.5, 1, 2]


# When first commits were written, and which files were changed.


UNTIMED = [page(nodes=[{"commit": {"authoredDate": text}}]) for text in ("", "<html>", "2025-03-01T02:00:00+02:00")]


@pytest.mark.parametrize(
    "edit",
    [
        page(nodes=[None]),
        item(None),
        item({"page": None}, error("FORBIDDEN", "page")),
        page(nodes=[{"commit": None}]),
        *UNTIMED,
    ],
)
def test_a_pull_request_whose_commits_are_not_told_has_no_first_commit(
    three: tuple[GitHub, list[str]], edit: Edit
) -> None:
    hub, _ = three
    hub.fail("/graphql", edit=edit, times=None)
    pulls = [pull(number, first_commit_at=None) for number in (1, 2, 3)]
    with speaking(hub) as api:
        dated = first_authored(api, pulls)
    assert [each.first_commit_at is None for each in dated] == [False, True, False]


@pytest.mark.parametrize(
    "edit",
    [
        item(None),
        item({"page": None}, error("FORBIDDEN", "page")),
        page(nodes=[None]),
        page(nodes=[]),
        page(pageInfo={"hasNextPage": True, "endCursor": "more"}),
        node(path=None),
        node(changeType="RENAMED"),
    ],
)
def test_files_that_are_not_told_together_are_asked_for_alone(three: tuple[GitHub, list[str]], edit: Edit) -> None:
    hub, _ = three
    hub.fail("/graphql", edit=edit, times=None)
    with speaking(hub) as api:
        found = pulls_files(api, [pull(1), pull(2), pull(3)])
    assert {number: files.paths for number, files in found.items()} == {1: {"web/a"}, 2: {"web/b"}, 3: {"web/c"}}
    assert asked(hub) == ["/graphql", "pulls/2/files 1"]


@pytest.mark.parametrize(
    "answer",
    [
        *OVER.values(),
        {"errors": [{"type": "FORBIDDEN", "message": "evil", "path": ["repository"]}]},
        {"errors": [{"message": "Field 'files' doesn't exist on type 'PullRequest'"}]},
        {"errors": [{"type": "RATE_LIMITED", "message": "evil"}]},
        {"status": 404, "body": b"{}"},
        {"status": 401, "body": b"{}"},
        {"body": b"<html>evil</html>"},
    ],
)
def test_files_are_asked_for_alone_if_the_shared_query_fails(
    three: tuple[GitHub, list[str]], answer: dict[str, Any]
) -> None:
    hub, _ = three
    hub.fail("/graphql", times=None, **answer)
    with speaking(hub, clock=Patience().clock) as api:
        found = pulls_files(api, [pull(1), pull(2), pull(3)])
    assert {number: files.paths for number, files in found.items()} == {1: {"web/a"}, 2: {"web/b"}, 3: {"web/c"}}
    assert [call for call in asked(hub) if call != "/graphql"] == [f"pulls/{number}/files 1" for number in (1, 2, 3)]

"""What a window of time merged, against the stand-in GitHub, with what it costs."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from asking import Patience
from dx_action.changes.changeset import PullChange
from dx_action.github.commits import ChangedPaths
from dx_action.github.errors import LookupFailedError
from dx_action.github.past_pulls import PastPulls, merged_between, past_files
from scenes import Answering, asked, speaking
from stand_in import Fault, GitHub, Pull, Repo

START = datetime(2025, 1, 1, tzinfo=UTC)
NOW = START + timedelta(days=60)
HOUR = 3600


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def shipped(repo: Repo, count: int, first: int = 0) -> list[Pull]:
    """Merge pull requests, one an hour."""
    pulls = []
    for number in range(first, first + count):
        repo.now = int(at(number).timestamp()) - 3 * 60
        pulls.append(repo.pulls.ship({f"web/{number}": "1"}))
        pulls[-1].merged_at = pulls[-1].updated = int(at(number).timestamp())
    return pulls


@pytest.fixture
def repo() -> Repo:
    repo = Repo(start="2024-12-01T00:00:00Z")
    repo.commit({"README.md": "1"})
    return repo


@pytest.fixture
def gh(repo: Repo) -> Iterator[GitHub]:
    with GitHub(repo) as gh:
        yield gh


def read(gh: GitHub, since: datetime = START, until: datetime = NOW, *, files: bool = True) -> PastPulls:
    gh.reset_calls()
    with speaking(gh, patient=True) as api:
        return merged_between(api, since, until, files=files)


def numbers(found: PastPulls) -> list[int]:
    return sorted(found.by_number)


# Which.


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [(0, 4, [1, 2, 3, 4, 5]), (1, 3, [2, 3, 4]), (1.1, 2.9, [3]), (2, 2, [3]), (5, 9, [])],
)
def test_the_window_is_over_the_merge(repo: Repo, gh: GitHub, since: float, until: float, expected: list[int]) -> None:
    shipped(repo, 5)
    found = read(gh, at(since), at(until))
    assert numbers(found) == expected
    assert (found.missing, found.default_branch) == (0, "main")
    assert gh.count() == 1


def test_what_is_known_of_each(repo: Repo, gh: GitHub) -> None:
    (pull,) = shipped(repo, 1)
    (found,) = read(gh).by_number.values()
    assert (found.id, found.merged_at, found.base_ref) == (pull.id, START, "main")
    assert found.change == PullChange(pull.number, pull.base_sha, pull.head_sha, 1)
    assert found.files == ChangedPaths(frozenset({"web/0"}), exact=False)
    (found,) = read(gh, files=False).by_number.values()
    assert found.files is None
    assert "files" not in str(gh.calls[0].graphql)


def test_open_closed_and_other_branches(repo: Repo, gh: GitHub) -> None:
    """Those of other branches are returned, too: who reads them says which count."""
    repo.now = int(at(1).timestamp())
    repo.branch("release/1.x")
    repo.pulls.ship({"a": "1"}, base="release/1.x")
    for name in ("open", "closed"):
        repo.branch(name)
        repo.commit({name: "1"}, branch=name)
    repo.pulls.open("open")
    repo.pulls.close(repo.pulls.open("closed"))
    assert [pull.base_ref for pull in read(gh).by_number.values()] == ["release/1.x"]


def test_a_repository_without_a_commit(gh: GitHub, repo: Repo) -> None:
    with GitHub(Repo("acme/empty")) as empty, speaking(empty, "acme/empty") as api:
        found = merged_between(api, START, NOW, files=True)
    assert (found.by_number, found.default_branch) == ({}, None)


def test_an_old_one_that_was_updated_is_none_of_the_window(repo: Repo, gh: GitHub) -> None:
    pulls = shipped(repo, 5)
    pulls[0].updated = int(at(40).timestamp())
    pulls[3].updated = int(at(41).timestamp())
    assert numbers(read(gh, at(2), at(3))) == [3, 4]


# Which files.


def test_what_the_list_does_not_have_whole(repo: Repo, gh: GitHub) -> None:
    repo.commit({"moved": "1\n2\n"})
    repo.now = int(START.timestamp())
    ships: dict[str, dict[str, Any]] = {
        "100": {f"a/{number}": "1" for number in range(100)},
        "101": {f"b/{number}": "1" for number in range(101)},
        "moved": {"moved": None, "there": "1\n2\n"},
        "nothing": {},
    }
    for title, files in ships.items():
        repo.pulls.ship(*([files] if files else [{"x": "1"}, {"x": None}]), title=title)
    assert {repo.pulls.by_number[number].title: pull.files for number, pull in read(gh).by_number.items()} == {
        "100": ChangedPaths(frozenset(ships["100"]), exact=False),
        "101": None,
        "moved": None,
        "nothing": None,
    }


@pytest.mark.parametrize(
    ("files", "calls"),
    [
        (1, ["compare/{base}...{head} 1"]),
        (101, ["compare/{base}...{head} 1"]),
        (299, ["compare/{base}...{head} 1"]),
        (300, ["compare/{base}...{head} 1"]),
        (301, ["compare/{base}...{head} 1", "git/trees/{base}", "git/trees/{head}"]),
        (3100, ["compare/{base}...{head} 1", "git/trees/{base}", "git/trees/{head}"]),
    ],
)
def test_the_files_of_one(repo: Repo, gh: GitHub, files: int, calls: list[str]) -> None:
    pull = repo.pulls.ship({f"web/{number}": "1" for number in range(files)})
    assert found_alone(gh, pull) == ChangedPaths(frozenset(f"web/{number}" for number in range(files)), files > 300)
    ends = {"base": pull.base_sha, "head": pull.head_sha}
    assert asked(gh) == [call.format(**ends) for call in calls]


def found_alone(gh: GitHub, pull: Pull, **changes: Any) -> ChangedPaths:
    gh.reset_calls()
    number = len(gh.app.repos["acme/shop"].pulls.files(pull))
    change = PullChange(pull.number, pull.base_sha, pull.head_sha, number)._replace(**changes)
    with speaking(gh) as api:
        return past_files(api, change)


def test_a_moved_file_counts_at_both_places(repo: Repo, gh: GitHub) -> None:
    repo.commit({"here/a": "1\n2\n"})
    pull = repo.pulls.ship({"here/a": None, "there/a": "1\n2\n"})
    assert found_alone(gh, pull).paths == {"here/a", "there/a"}
    assert gh.count() == 1


@pytest.mark.parametrize(
    "fault",
    [{"status": 404}, {"status": 403}, {"status": 500}, {"status": 422}, {"status": 200, "body": b"<html>"}],
    ids=str,
)
def test_commits_that_github_does_not_compare(repo: Repo, gh: GitHub, fault: dict[str, Any]) -> None:
    pull = repo.pulls.ship({f"web/{number}": "1" for number in range(150)})
    gh.fail("/compare/", times=None, **fault)
    assert len(found_alone(gh, pull).paths) == 150
    assert asked(gh)[-2:] == [f"pulls/{pull.number}/files 1", f"pulls/{pull.number}/files 2"]


def test_a_comparison_of_other_files_is_not_taken(repo: Repo, gh: GitHub) -> None:
    """As many as the pull request has must be there, or its own list is read."""
    pull = repo.pulls.ship({f"web/{number}": "1" for number in range(150)})
    assert len(found_alone(gh, pull, changed_files=149).paths) == 150
    assert asked(gh)[1:] == [f"pulls/{pull.number}/files 1", f"pulls/{pull.number}/files 2"]


def test_trees_that_github_cuts_are_no_reason_to_fail(repo: Repo, gh: GitHub) -> None:
    pull = repo.pulls.ship({f"web/{number}": "1" for number in range(301)})
    gh.configure(tree_limit=50)
    assert len(found_alone(gh, pull).paths) == 301
    assert asked(gh)[-1] == f"pulls/{pull.number}/files 4"


@pytest.mark.parametrize(
    ("fault", "kind"), [({"status": 401}, "token"), ({"limit": "primary", "wait": 3000}, "limited")], ids=str
)
def test_what_the_list_would_not_mend(repo: Repo, gh: GitHub, fault: dict[str, Any], kind: str) -> None:
    pull = repo.pulls.ship({"web/a": "1"})
    gh.fail("", times=None, **fault)
    with pytest.raises(LookupFailedError) as caught:
        found_alone(gh, pull)
    assert (caught.value.kind, gh.count()) == (kind, 1)


# What it costs.


@pytest.mark.parametrize(
    ("pulls", "calls"),
    [(0, 1), (1, 1), (99, 1), (100, 1), (101, 3), (200, 3), (201, 4), (1000, 11)],
)
def test_a_call_for_each_hundred_and_one_more(repo: Repo, gh: GitHub, pulls: int, calls: int) -> None:
    shipped(repo, pulls)
    assert len(read(gh).by_number) == pulls
    assert gh.count() == gh.count("/graphql") == calls
    assert calls <= max(-(-pulls // 50), 1)


def test_what_is_older_than_the_window_is_not_read(repo: Repo, gh: GitHub) -> None:
    shipped(repo, 350)
    assert numbers(read(gh, at(300))) == [*range(301, 351)]
    assert gh.count() == 1
    assert len(read(gh, at(251)).by_number) == 99
    assert gh.count() == 1
    # The page is full of the window, and what may follow it was updated in the same second.
    assert len(read(gh, at(250)).by_number) == 100
    assert gh.count() == 3


# While it is read.


def test_one_that_is_updated_meanwhile_is_not_passed_over(repo: Repo, gh: GitHub) -> None:
    """It moves to the beginning of the list, which was read already."""
    pulls = shipped(repo, 250)
    older = at(-5)

    def update(answer: Any) -> None:
        for index in (0, 40):
            pulls[index].updated = int(at(1000 + index).timestamp())

    gh.fail("/graphql", edit=update)
    found = read(gh, older)
    assert len(found.by_number) == 250
    assert gh.count() == 4


def test_many_that_are_updated_meanwhile(repo: Repo, gh: GitHub) -> None:
    """The beginning is read until it leads to what was read before, and again if that took several pages."""
    pulls = shipped(repo, 450)

    def update(answer: Any) -> None:
        for index in range(150):
            pulls[index].updated = int(at(1000 + index).timestamp())

    gh.fail("/graphql", edit=update)
    assert len(read(gh).by_number) == 450
    assert gh.count() == 5 + 2 + 1


def test_all_that_were_updated_in_one_second(repo: Repo, gh: GitHub) -> None:
    """As an import leaves them: no update tells where the beginning of the list ends."""
    for pull in shipped(repo, 250):
        pull.updated = int(at(1000).timestamp())
    assert len(read(gh).by_number) == 250
    assert gh.count() == 6


def test_a_hundred_that_are_updated_meanwhile(repo: Repo, gh: GitHub) -> None:
    """The next page is then the one before once more."""
    pulls = shipped(repo, 300)

    def update(answer: Any) -> None:
        for index in range(100):
            pulls[index].updated = int(at(1000 + index).timestamp())

    gh.fail("/graphql", edit=update)
    assert len(read(gh).by_number) == 300


def test_one_that_is_merged_meanwhile_is_none_of_the_window(repo: Repo, gh: GitHub) -> None:
    pulls = shipped(repo, 150)

    def merge(answer: Any) -> None:
        shipped(repo, 1, first=149)
        repo.pulls.by_number[151].merged_at = repo.pulls.by_number[151].updated = int(NOW.timestamp()) + 60

    gh.fail("/graphql", edit=merge)
    assert numbers(read(gh)) == [pull.number for pull in pulls]


# What GitHub does not answer, or not as it should.


def nodes(answer: Any) -> list[Any]:
    return list(answer["data"]["repository"]["pullRequests"]["nodes"])


def changed(index: int, **fields: Any) -> Callable[[Any], None]:
    """Change a pull request in an answer; without fields it is not returned at all."""

    def edit(answer: Any) -> None:
        listed = answer["data"]["repository"]["pullRequests"]["nodes"]
        listed[index] = listed[index] | fields if fields else None

    return edit


@pytest.mark.parametrize(
    ("fields", "missing"),
    [({}, 1), ({"mergedAt": None}, 1), ({"mergedAt": "yesterday"}, 1), ({"fullDatabaseId": None}, 0)],
    ids=str,
)
def test_what_is_not_returned_is_counted(repo: Repo, gh: GitHub, fields: dict[str, Any], missing: int) -> None:
    shipped(repo, 3)
    gh.fail("/graphql", edit=changed(1, **fields))
    found = read(gh)
    assert (numbers(found), found.missing) == ([1, 3] if missing else [1, 2, 3], missing)
    assert missing or found.by_number[2].id is None


@pytest.mark.parametrize(("first", "again", "missing"), [(3, 3, 3), (2, 3, 3), (3, 0, 3), (0, 1, 1)])
def test_those_at_the_beginning_are_counted_once(repo: Repo, gh: GitHub, first: int, again: int, missing: int) -> None:
    """The beginning of a long list is read twice."""
    shipped(repo, 150)
    for count, after in ((first, 0), (again, 1)):

        def hide(answer: Any, count: int = count) -> None:
            answer["data"]["repository"]["pullRequests"]["nodes"][:count] = [None] * count

        gh.fail("/graphql", edit=hide, after=after)
    found = read(gh)
    assert (found.missing, gh.count()) == (missing, 3)


@pytest.mark.parametrize(
    "files",
    [
        None,
        {"pageInfo": {"hasNextPage": True, "endCursor": "x"}, "nodes": [{"path": "a", "changeType": "ADDED"}]},
        {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": []},
        {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": [None]},
        {
            "pageInfo": {"hasNextPage": False, "endCursor": None},
            "nodes": [{"path": "a", "changeType": "ADDED"}, {"path": "b", "changeType": "ADDED"}],
        },
    ],
    ids=["none", "more", "empty", "null", "too many"],
)
def test_files_that_did_not_come_whole_are_not_known(repo: Repo, gh: GitHub, files: Any) -> None:
    shipped(repo, 1)
    gh.fail("/graphql", edit=changed(0, files=files))
    assert [pull.files for pull in read(gh).by_number.values()] == [None]


def test_nothing_of_a_page_is_no_empty_window(repo: Repo, gh: GitHub) -> None:
    """A token without the permission is answered with nothing, and an error about each."""
    shipped(repo, 2)

    def hide(answer: Any) -> None:
        answer["data"]["repository"]["pullRequests"]["nodes"] = [None, None]
        path = ["repository", "pullRequests", "nodes", 0]
        answer["errors"] = [{"type": "FORBIDDEN", "message": "Resource not accessible by integration", "path": path}]

    gh.fail("/graphql", edit=hide)
    with pytest.raises(LookupFailedError, match="Grant the job the permission `pull-requests: read`"):
        read(gh)


def test_a_missing_permission(repo: Repo, gh: GitHub) -> None:
    gh.permissions["pull_requests"] = "none"
    with pytest.raises(LookupFailedError, match="Grant the job the permission `pull-requests: read`"):
        read(gh)


def test_a_page_that_github_does_not_answer_becomes_smaller(repo: Repo, gh: GitHub) -> None:
    shipped(repo, 120)
    gh.configure(query_limit=60, over_limit=Fault(status=502))
    assert len(read(gh).by_number) == 120
    sizes = [call.variables["first"] for call in gh.calls]
    # The beginning again, as large as at first: nobody can tell why the first one was too much.
    assert sizes == [100, 50, 50, 50, 100, 50]


def test_no_page_is_smaller_than_ten(repo: Repo, gh: GitHub) -> None:
    gh.fail("/graphql", status=502, times=None)
    with pytest.raises(LookupFailedError):
        read(gh)
    assert [call.variables["first"] for call in gh.calls] == [100, 50, 25, 12, 10, 10, 10, 10]


@pytest.mark.parametrize(
    "info",
    [{"hasNextPage": True, "endCursor": None}, {"hasNextPage": True, "endCursor": "Y3Vyc29yOnYyOi0x"}],
    ids=["no cursor", "itself"],
)
def test_a_page_that_leads_to_itself(repo: Repo, gh: GitHub, info: dict[str, Any]) -> None:
    shipped(repo, 3)

    def lead(answer: Any) -> None:
        answer["data"]["repository"]["pullRequests"]["pageInfo"] = info

    gh.fail("/graphql", edit=lead, times=None)
    with pytest.raises(LookupFailedError, match="not as GitHub documents it") as caught:
        read(gh)
    assert caught.value.unreadable
    assert gh.count() <= 2


@pytest.mark.parametrize("junk", [None, "", "x", -1, 0, 10**30, 1.5, True, [], {}, [None], {"nodes": None}], ids=str)
def test_any_field_may_be_anything(junk: Any) -> None:
    """It is refused, counted as missing or, where it is one that GitHub may leave out, not known."""
    pull = {"number": 7, "fullDatabaseId": "7", "mergedAt": "2025-01-02T00:00:00Z", "updatedAt": "2025-01-02T00:00:00Z"}
    pull |= {"baseRefName": "main", "baseRefOid": "a", "headRefOid": "b", "changedFiles": 1, "files": None}
    found = {"nameWithOwner": "acme/shop", "defaultBranchRef": {"name": "main"}}
    info = {"hasNextPage": False, "endCursor": None}
    refused = 0
    for field in pull:
        listed = {"pageInfo": info, "nodes": [pull | {field: junk}]}
        answer = {"data": {"repository": found | {"pullRequests": listed}}}
        try:
            api = Answering(lambda _path, _parameters: None, partial(dict, answer))
            pulls = merged_between(api, START, NOW, files=True)
        except LookupFailedError:
            refused += 1
        else:
            assert len(pulls.by_number) + pulls.missing == 1
    assert refused >= 2


def test_a_time_that_is_none(repo: Repo, gh: GitHub) -> None:
    shipped(repo, 1)
    gh.fail("/graphql", edit=changed(0, updatedAt="soon"))
    with pytest.raises(LookupFailedError, match="not as GitHub documents it") as caught:
        read(gh)
    assert caught.value.unreadable


def answered(*pages: list[Any]) -> tuple[Answering, list[int]]:
    """A repository whose list has these pages, the last one for ever, and how many of them were asked for."""
    asked: list[int] = []

    def page() -> Any:
        asked.append(len(asked))
        info = {"hasNextPage": len(asked) < 9, "endCursor": f"{len(asked)}"}
        found = {"nameWithOwner": "acme/shop", "defaultBranchRef": {"name": "main"}}
        nodes = pages[min(asked[-1], len(pages) - 1)]
        return {"data": {"repository": found | {"pullRequests": {"pageInfo": info, "nodes": nodes}}}}

    return Answering(lambda _path, _parameters: None, page), asked


LISTED: dict[str, Any] = {"changedFiles": 1, "baseRefName": "main", "baseRefOid": "a", "headRefOid": "b"}
LISTED |= {"number": 7, "fullDatabaseId": "7"} | dict.fromkeys(("mergedAt", "updatedAt"), "2025-01-02T00:00:00Z")
OLD = LISTED | dict.fromkeys(("mergedAt", "updatedAt"), "2024-01-02T00:00:00Z") | {"number": 8}


def test_two_pages_with_nothing_new_are_enough() -> None:
    api, asked = answered([LISTED])
    with pytest.raises(LookupFailedError, match="not as GitHub documents it"):
        merged_between(api, START, NOW, files=False)
    assert len(asked) == 3


@pytest.mark.parametrize(
    "pages",
    [([None], [LISTED], [OLD]), ([LISTED], [LISTED], [OLD]), ([LISTED], [None], [OLD])],
    ids=["first", "again", "later"],
)
def test_one_page_with_nothing_new_is_not_the_end(pages: tuple[list[Any], ...]) -> None:
    api, _ = answered(*pages)
    found = merged_between(api, START, NOW, files=False)
    assert (numbers(found), found.missing) == ([7], sum(page == [None] for page in pages))


def test_an_error_about_something_else_is_no_missing_permission(repo: Repo, gh: GitHub) -> None:
    shipped(repo, 2)

    def hide(answer: Any) -> None:
        answer["data"]["repository"]["pullRequests"]["nodes"] = [None, None]
        answer["errors"] = [{"type": "NOT_FOUND", "message": "Gone", "path": ["repository", "pullRequests"]}]

    gh.fail("/graphql", edit=hide)
    assert read(gh).missing == 2


def test_a_list_without_an_end_is_not_read_without_an_end() -> None:
    answers = iter(range(1, 10_000))

    def page() -> Any:
        number = next(answers)
        pull = {"number": number, "fullDatabaseId": "7", "mergedAt": "2025-01-02T00:00:00Z", "changedFiles": 1}
        pull |= {"updatedAt": "2025-01-02T00:00:00Z", "baseRefName": "main", "baseRefOid": "a", "headRefOid": "b"}
        info = {"hasNextPage": True, "endCursor": f"{number}"}
        found = {"nameWithOwner": "acme/shop", "defaultBranchRef": {"name": "main"}}
        return {"data": {"repository": found | {"pullRequests": {"pageInfo": info, "nodes": [pull]}}}}

    with pytest.raises(LookupFailedError, match="has more pull requests than a step reads"):
        merged_between(Answering(lambda _path, _parameters: None, page), START, NOW, files=False)
    assert next(answers) == 2001


def test_each_call_has_its_own_time(repo: Repo, gh: GitHub) -> None:
    """A page that came only at the fourth attempt takes none of the next one's time."""
    shipped(repo, 120)
    patience = Patience()
    gh.fail("/graphql", status=500, times=3)
    with speaking(gh, clock=patience.clock, patient=True) as api:
        assert len(merged_between(api, START, NOW, files=True).by_number) == 120
        assert api.left() > 50


def test_a_new_name_is_noted(repo: Repo) -> None:
    with GitHub(repo, moved={"acme/old": "acme/shop"}) as gh, speaking(gh, "acme/old", patient=True) as api:
        merged_between(api, START, NOW, files=True)
        assert "GitHub calls the repository acme/old `acme/shop` now." in (api.renamed or "")

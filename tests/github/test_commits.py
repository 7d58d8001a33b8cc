"""Which files differ between two commits, by GitHub's comparison or by trees, and that what is the same is never asked for."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asking import Patience
from dx_action.github.commits import (
    ChangedFile,
    ChangedPaths,
    CutError,
    MissingCommit,
    changed_paths,
    commits_between,
    listed,
    range_files,
)
from dx_action.github.errors import LookupFailedError
from scenes import Answering, asked, speaking
from stand_in import EXECUTABLE, File, GitHub, Repo, link, submodule
from stand_in.objects import FILE, LINK, SUBMODULE, TREE, Content, Entry, Objects

ONE, TWO = "1" * 40, "2" * 40
NO_LIMIT = 10**9


def names(count: int, folder: str = "web") -> list[str]:
    return [f"services/{folder}/{number:05}.txt" for number in range(count)]


class Trees(Answering):
    """GitHub's "Get a tree", which cuts a list after `limit` entries. `asked` are the questions, in order."""

    def __init__(self, objects: Objects, limit: int = NO_LIMIT, whole: int = 0) -> None:
        super().__init__(self._tree)
        self._objects, self._limit, self._whole = objects, limit, whole
        self.asked: list[tuple[str, bool]] = []

    def _tree(self, path: str, parameters: dict[str, Any]) -> Any:
        tree, recursive = path.removeprefix("git/trees/"), parameters == {"recursive": 1}
        self.asked.append((tree, recursive))
        entries = list(self._objects.walk(tree) if recursive else self._objects.trees[tree].items())
        limit = self._limit if recursive else self._whole or NO_LIMIT
        shown = [{"path": path, "mode": e.mode.zfill(6), "type": e.kind, "sha": e.sha} for path, e in entries[:limit]]
        return {"sha": tree, "tree": shown, "truncated": len(entries) > limit}


def changed(before: Mapping[str, Content], after: Mapping[str, Content], limit: int = NO_LIMIT) -> set[str]:
    """Give the paths that differ between two sets of files."""
    objects = Objects()
    trees = [
        objects.change(objects.empty, {path: objects.entry(content) for path, content in files.items()})
        for files in (before, after)
    ]
    found = changed_paths(Trees(objects, limit), trees[0], trees[1])
    assert found.exact
    return set(found.paths)


CHANGES: dict[str, tuple[dict[str, Content], dict[str, Content], set[str]]] = {
    "nothing": ({"a/b": "1"}, {"a/b": "1"}, set()),
    "both empty": ({}, {}, set()),
    "from nothing": ({}, {"a/b": "1", "c": "2"}, {"a/b", "c"}),
    "to nothing": ({"a/b": "1", "c": "2"}, {}, {"a/b", "c"}),
    "changed": ({"a/b": "1", "a/c": "1"}, {"a/b": "2", "a/c": "1"}, {"a/b"}),
    "added": ({"a/b": "1"}, {"a/b": "1", "a/c/d": "1"}, {"a/c/d"}),
    "removed": ({"a/b": "1", "a/c/d": "1"}, {"a/b": "1"}, {"a/c/d"}),
    "a moved file is at both places": ({"a/b": "1"}, {"c/d": "1"}, {"a/b", "c/d"}),
    "a moved folder": ({"old/x": "1", "old/y/z": "2"}, {"new/x": "1", "new/y/z": "2"}, {"old/x", "old/y/z", "new/x", "new/y/z"}),
    "only the mode": ({"run": "1"}, {"run": File(b"1", EXECUTABLE)}, {"run"}),
    "a file becomes a link of the same text": ({"a": "b"}, {"a": link("b")}, {"a"}),
    "a link's target": ({"a": link("b")}, {"a": link("c")}, {"a"}),
    "a submodule moves on": ({"lib": submodule(ONE)}, {"lib": submodule(TWO)}, {"lib/"}),
    "a submodule stays": ({"lib": submodule(ONE), "a": "1"}, {"lib": submodule(ONE), "a": "2"}, {"a"}),
    "a folder becomes a submodule": ({"lib/a": "1", "lib/b/c": "1"}, {"lib": submodule(ONE)}, {"lib/", "lib/a", "lib/b/c"}),
    "a submodule becomes a file": ({"lib": submodule(ONE)}, {"lib": "1"}, {"lib", "lib/"}),
    "a file becomes a submodule": ({"lib": "1"}, {"lib": submodule(ONE)}, {"lib", "lib/"}),
    "a submodule is removed": ({"a/lib": submodule(ONE), "b": "1"}, {"b": "1"}, {"a/lib/"}),
    "a submodule moves": ({"a/lib": submodule(ONE)}, {"b/lib": submodule(ONE)}, {"a/lib/", "b/lib/"}),
    "a file becomes a folder": ({"a": "1"}, {"a/b": "1", "a/c/d": "1"}, {"a", "a/b", "a/c/d"}),
    "a folder becomes a file": ({"a/b": "1", "a/c/d": "1"}, {"a": "1"}, {"a", "a/b", "a/c/d"}),
    "a folder becomes a link": ({"a/b": "1"}, {"a": link("c")}, {"a", "a/b"}),
    "names that sort otherwise as folders": ({"a/b": "1", "a.b": "1", "a-b": "1"}, {"a": "1", "a.b": "1"}, {"a", "a/b", "a-b"}),
    "odd names": ({"straße/ä b": "1", 'q"\n': "1"}, {"straße/ä b": "2", 'q"\n': "2"}, {"straße/ä b", 'q"\n'}),
}  # fmt: skip


@pytest.mark.parametrize("limit", [NO_LIMIT, 0], ids=["whole", "cut"])
@pytest.mark.parametrize("name", CHANGES)
def test_what_differs(name: str, limit: int) -> None:
    before, after, expected = CHANGES[name]
    assert changed(before, after, limit) == expected


def test_whole_trees_cost_two_calls() -> None:
    repo = Repo()
    ends = [repo.tree(repo.commit({f"{folder}/{n}": text for folder in "abc" for n in range(9)})) for text in "12"]
    fetch = Trees(repo.objects)
    assert len(changed_paths(fetch, ends[0], ends[1]).paths) == 27
    assert fetch.asked == [(ends[0], True), (ends[1], True)]


@pytest.mark.parametrize("big", ["before", "after"])
def test_one_cut_tree_is_enough_to_walk_both(big: str) -> None:
    objects = Objects()
    small = objects.change(objects.empty, {"a/b": objects.entry("1")})
    large = objects.change(small, {f"c/{n}": objects.entry("1") for n in range(5)})
    ends = (large, small) if big == "before" else (small, large)
    assert changed_paths(Trees(objects, limit=4), *ends).paths == {f"c/{n}" for n in range(5)}


def test_only_folders_that_differ_are_walked() -> None:
    """In 1,000 folders one file differs: beside the two whole trees, three folders of each are asked for."""
    repo = Repo()
    repo.commit({f"services/{n}/src/{name}": "1" for n in range(1000) for name in ("a", "b")})
    before = repo.tree("main")
    after = repo.tree(repo.commit({"services/7/src/b": "2"}))
    fetch = Trees(repo.objects, limit=100)
    assert changed_paths(fetch, before, after).paths == {"services/7/src/b"}
    assert len(fetch.asked) == 2 + 2 * 4
    assert [recursive for _, recursive in fetch.asked].count(True) == 2


def test_a_folder_that_came_or_went_is_asked_for_once() -> None:
    objects = Objects()
    here = objects.change(objects.empty, {f"new/{n}/file": objects.entry("1") for n in range(3)})
    for ends in ((objects.empty, here), (here, objects.empty)):
        fetch = Trees(objects, limit=0)
        assert len(changed_paths(fetch, *ends).paths) == 3
        # The three folders are alike, and a cache may know that; here each is asked for.
        assert len(fetch.asked) == 4 + 1 + 3


def test_a_folder_too_large_to_be_listed_is_not_guessed() -> None:
    """Half a folder's list would be files that seem to be gone."""
    objects = Objects()
    before = objects.change(objects.empty, {f"flat/{n}": objects.entry("1") for n in range(9)})
    after = objects.change(before, {"flat/8": objects.entry("2")})
    with pytest.raises(CutError):
        changed_paths(Trees(objects, limit=5, whole=5), before, after)
    assert changed_paths(Trees(objects, limit=5, whole=9), before, after).paths == {"flat/8"}


def test_twenty_thousand_files() -> None:
    repo = Repo()
    repo.commit({f"services/{n % 200}/{n}.txt": "1" for n in range(20_000)})
    before = repo.tree("main")
    touched = {f"services/{n % 200}/{n}.txt": "2" for n in range(0, 20_000, 1000)}
    after = repo.tree(repo.commit(dict(touched)))
    for limit, calls in ((NO_LIMIT, 2), (10_000, 2 + 4 + 2)):
        fetch = Trees(repo.objects, limit)
        assert changed_paths(fetch, before, after).paths == touched.keys()
        assert len(fetch.asked) == calls


# Any two trees.

LEAVES = st.sampled_from(
    [Entry(mode, sha) for mode in (FILE, EXECUTABLE, LINK) for sha in (ONE, TWO)] + [Entry(SUBMODULE, ONE)]
)
FOLDERS = st.recursive(LEAVES, lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=12)
ROOTS = st.dictionaries(st.sampled_from("abcd"), FOLDERS, max_size=4)


def kept(objects: Objects, folder: dict[str, Any]) -> str:
    """Keep a folder as git does: one without files is none."""
    entries = {}
    for name, inner in folder.items():
        if isinstance(inner, Entry):
            entries[name] = inner
        elif (tree := kept(objects, inner)) != objects.empty:
            entries[name] = Entry(TREE, tree)
    return objects.tree(entries)


def flat(folder: dict[str, Any], above: str = "") -> dict[str, Entry]:
    """Give the leaves by their paths."""
    found: dict[str, Entry] = {}
    for name, inner in folder.items():
        found |= {f"{above}{name}": inner} if isinstance(inner, Entry) else flat(inner, f"{above}{name}/")
    return found


def subtrees(objects: Objects, tree: str) -> dict[str, str]:
    """Give each folder's id by its path, the root's path empty."""
    return {"": tree} | {path: entry.sha for path, entry in objects.walk(tree) if entry.mode == TREE}


@settings(max_examples=150, deadline=None)
@given(ROOTS, ROOTS, st.sampled_from([NO_LIMIT, 0, 3]))
def test_any_two_trees(one: dict[str, Any], other: dict[str, Any], limit: int) -> None:
    objects = Objects()
    before, after = kept(objects, one), kept(objects, other)
    fetch = Trees(objects, limit)
    leaves = flat(one), flat(other)
    expected = {
        f"{path}/" if leaf.mode == SUBMODULE else path
        for path in leaves[0].keys() | leaves[1].keys()
        for leaf in {leaves[0].get(path), leaves[1].get(path)} - {None}
        if leaf and leaves[0].get(path) != leaves[1].get(path)
    }
    assert changed_paths(fetch, before, after).paths == expected
    walked = Counter(tree for tree, recursive in fetch.asked if not recursive)
    if walked:
        folders = subtrees(objects, before), subtrees(objects, after)
        differing = {""} | {
            path for path in {**folders[0], **folders[1]} if folders[0].get(path) != folders[1].get(path)
        }
        needed = Counter(each[path] for path in differing for each in folders if path in each)
        assert walked == needed
    assert fetch.asked[:2] == [(before, True), (after, True)]


# Ranges.

Ends = Callable[[Repo], tuple[str, str]]


def forward(count: int) -> Ends:
    def ends(repo: Repo) -> tuple[str, str]:
        before = repo.rev("main")
        return before, repo.commit(dict.fromkeys(names(count), "2"))

    return ends


def diverged(repo: Repo) -> tuple[str, str]:
    """What was deployed is on another branch: its own files differ, too."""
    repo.branch("hotfix")
    before = repo.commit({"hotfix.txt": "1"}, branch="hotfix")
    return before, repo.commit({"main.txt": "1"})


def behind(repo: Repo) -> tuple[str, str]:
    """A rollback, over a folder that was moved meanwhile."""
    after = repo.rev("main")
    moved = {**dict.fromkeys(names(2)), **dict.fromkeys(names(2, "site"), "1")}
    return repo.commit(moved), after


def same(repo: Repo) -> tuple[str, str]:
    return repo.rev("main"), repo.rev("main")


def there_and_back(repo: Repo) -> tuple[str, str]:
    before = repo.rev("main")
    repo.commit({"passing.txt": "1"})
    return before, repo.commit({"passing.txt": None})


def orphan(repo: Repo) -> tuple[str, str]:
    before = repo.rev("main")
    return before, repo.commit({"other.txt": "1"}, parents=[])


def forced(repo: Repo) -> tuple[str, str]:
    start = repo.rev("main")
    before = repo.commit({"gone.txt": "1"})
    return before, repo.commit({"kept.txt": "1"}, parents=[start])


COMPARED = "compare/{0}...{1} 1"
BOTH = ["git/trees/{0}", "git/trees/{1}"]
RANGES: dict[str, tuple[Ends, set[str], list[str]]] = {
    "ahead": (forward(3), set(names(3)), [COMPARED]),
    "ahead by 299 files": (forward(299), set(names(299)), [COMPARED]),
    "ahead by exactly 300 files": (forward(300), set(names(300)), [COMPARED, *BOTH]),
    "ahead by 350 files": (forward(350), set(names(350)), [COMPARED, *BOTH]),
    "diverged": (diverged, {"hotfix.txt", "main.txt"}, [COMPARED, *BOTH]),
    "behind": (behind, {*names(2), *names(2, "site")}, [COMPARED, *BOTH]),
    "identical": (same, set(), [COMPARED, *BOTH]),
    "ahead, and nothing is left of it": (there_and_back, set(), [COMPARED, *BOTH]),
    "without a common beginning": (orphan, {"other.txt", *names(2)}, [COMPARED, *BOTH]),
    "forced over what was deployed": (forced, {"gone.txt", "kept.txt"}, [COMPARED, *BOTH]),
}


@pytest.mark.parametrize("name", RANGES)
def test_a_range(name: str) -> None:
    ends, expected, calls = RANGES[name]
    repo = Repo()
    repo.commit(dict.fromkeys(names(2), "1"))
    before, after = ends(repo)
    with GitHub(repo) as server, speaking(server) as api:
        found = range_files(api, before, after)
        assert found == ChangedPaths(frozenset(expected), exact=len(calls) > 1)
        # The two trees of a commit that is compared with itself are one.
        assert asked(server) == list(dict.fromkeys(call.format(before, after) for call in calls))


def test_a_range_may_be_given_by_short_ids() -> None:
    repo = Repo()
    repo.commit(dict.fromkeys(names(2), "1"))
    before, after = behind(repo)
    with GitHub(repo) as server, speaking(server) as api:
        assert range_files(api, before[:7], after[:7]).paths == {*names(2), *names(2, "site")}


# The comparison that does not serve.


def files_of(*files: dict[str, Any]) -> bytes:
    """Write a comparison with these files, and no word of how many."""
    found = {"status": "ahead", "total_commits": 1, "commits": [{"sha": ONE}], "merge_base_commit": {"sha": TWO}}
    return json.dumps({**found, "files": list(files)}).encode()


MOVED = {"filename": "services/web/00000.txt", "status": "renamed"}
NO_COMPARISON: dict[str, dict[str, Any]] = {
    **{f"HTTP {status}": {"status": status} for status in (404, 406, 409, 410, 422, 500, 502, 503)},
    "a time-out's sentence": {"status": 500, "message": "Sorry, this diff is taking too long to generate."},
    "a page of HTML": {"status": 500, "body": b"<html>"},
    "a page that says all is well": {"status": 200, "body": b"<html>"},
    "an empty object": {"status": 200, "body": b"{}"},
    "no files": {"status": 200, "body": files_of()},
    "files that are null": {"status": 200, "body": files_of().replace(b"[]", b"null")},
    "a file without a name": {"status": 200, "body": files_of({"status": "added"})},
    "a file without a status": {"status": 200, "body": files_of({"filename": "a"})},
    "a name that is a number": {"status": 200, "body": files_of({"filename": 7, "status": "added"})},
    "a name that is empty": {"status": 200, "body": files_of({"filename": "", "status": "added"})},
    "a moved file without its former place": {"status": 200, "body": files_of(MOVED)},
    "a moved file whose former place is null": {"status": 200, "body": files_of({**MOVED, "previous_filename": None})},
    "a moved file whose former place is empty": {"status": 200, "body": files_of({**MOVED, "previous_filename": ""})},
    "nothing but unchanged files": {"status": 200, "body": files_of({"filename": "a", "status": "unchanged"})},
}


@pytest.mark.parametrize("name", NO_COMPARISON)
def test_the_trees_serve_where_the_comparison_does_not(name: str) -> None:
    repo = Repo()
    before = repo.commit(dict.fromkeys(names(3), "1"))
    after = repo.commit({names(3)[0]: "2", "services/web/new.txt": "1"})
    with GitHub(repo) as server, speaking(server) as api:
        server.fail("/compare/", times=None, **NO_COMPARISON[name])
        assert range_files(api, before, after).paths == {names(3)[0], "services/web/new.txt"}
        assert server.count("/git/trees/") == 2


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_comparison_that_takes_github_too_long_is_not_asked_for_again(status: int) -> None:
    """It would take as long again, and the trees serve."""
    repo = Repo()
    ends = repo.commit({"a": "1"}), repo.commit({"a": "2"})
    patience = Patience()
    with GitHub(repo) as server, speaking(server, clock=patience.clock) as api:
        server.fail("/compare/", times=None, status=status)
        assert range_files(api, *ends).paths == {"a"}
        assert server.count("/compare/") == 1
    assert patience.waits == []


@pytest.mark.parametrize("times", [1, 3])
def test_one_that_fails_at_once_is(times: int) -> None:
    repo = Repo()
    ends = repo.commit({"a": "1"}), repo.commit({"a": "2"})
    with GitHub(repo) as server, speaking(server, clock=Patience().clock) as api:
        server.fail("/compare/", times=times, status=503)
        assert range_files(api, *ends) == ChangedPaths(frozenset({"a"}), exact=False)
        assert server.count("/compare/") == times + 1


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 401},
        {"status": 403, "message": "Resource not accessible by integration"},
        {"limit": "primary", "wait": 9999},
    ],
)
def test_what_the_trees_would_not_mend_is_not_asked_again(fault: dict[str, Any]) -> None:
    repo = Repo()
    before = repo.commit({"a": "1"})
    after = repo.commit({"a": "2"})
    with GitHub(repo) as server, speaking(server) as api:
        server.fail("/compare/", times=None, **fault)
        with pytest.raises(LookupFailedError):
            range_files(api, before, after)
        assert server.count("/git/trees/") == 0


@pytest.mark.parametrize("status", [404, 500])
def test_trees_that_are_cut_are_walked_there_too(status: int) -> None:
    repo = Repo()
    before = repo.commit({f"{folder}/{name}": "1" for folder in "abc" for name in "abc"})
    after = repo.commit({"b/c": "2"})
    with GitHub(repo) as server, speaking(server) as api:
        server.configure(tree_limit=5)
        server.fail("/compare/", times=None, status=status)
        assert range_files(api, before, after).paths == {"b/c"}


@pytest.mark.parametrize("missing", [0, 1], ids=["before", "after"])
def test_a_commit_that_github_does_not_know_is_named(missing: int) -> None:
    repo = Repo()
    ends = [repo.commit({"a": "1"})] * 2
    ends[missing] = "f" * 40
    with GitHub(repo) as server, speaking(server) as api:
        with pytest.raises(MissingCommit) as failed:
            range_files(api, *ends)
        assert failed.value.commit == "f" * 40
        assert [path.partition("/")[0] for path in asked(server)] == ["compare", *["git"] * (1 + missing)]


# What a list says of a file.


@pytest.mark.parametrize(
    ("status", "paths"),
    [
        *((status, {"new"}) for status in ("added", "modified", "removed", "changed", "copied", "", "of tomorrow")),
        ("renamed", {"new", "old"}),
        ("unchanged", set()),
    ],
)
def test_only_a_move_counts_twice(status: str, paths: set[str]) -> None:
    assert listed([ChangedFile(filename="new", status=status, previous_filename="old")]) == frozenset(paths)


@pytest.mark.parametrize("copies", [True, False])
def test_a_copy_changes_where_it_went(copies: bool) -> None:
    repo = Repo(copies=copies)
    before = repo.commit({"services/payments/a": "the same text"})
    after = repo.commit({"apps/web/a": "the same text"})
    with GitHub(repo) as server, speaking(server) as api:
        assert range_files(api, before, after).paths == {"apps/web/a"}
        assert changed_paths(api, before, after).paths == {"apps/web/a"}
        (file,) = api.get(f"compare/{before}...{after}", "contents", dict[str, Any])["files"]
        assert (file["status"], file.get("previous_filename")) == (
            ("copied", "services/payments/a") if copies else ("added", None)
        )


# The commits between two.


@pytest.mark.parametrize("said", [0, 3, 151, 152, 10_000])
@pytest.mark.parametrize("count", [0, 1, 99, 100, 151, 200])
def test_commits_are_read_until_a_page_is_short(count: int, said: int) -> None:
    """Whatever GitHub says that there are."""

    def compare(_path: str, parameters: dict[str, Any]) -> Any:
        start = 100 * (parameters["page"] - 1)
        commits = [{"sha": f"{number:040}"} for number in range(count)][start : start + 100]
        return {"status": "ahead", "total_commits": said, "commits": commits, "merge_base_commit": {"sha": ONE}}

    assert commits_between(Answering(compare), ONE, TWO) == tuple(f"{number:040}" for number in range(count))


@pytest.mark.parametrize(
    ("first", "last", "kind"),
    [(lambda _page: 0, 2, "unavailable"), (lambda page: 100 * page, 100, "rejected")],
    ids=["the same", "without end"],
)
def test_no_answer_decides_how_many_commits_are_read(first: Callable[[int], int], last: int, kind: str) -> None:
    pages = []

    def compare(_path: str, parameters: dict[str, Any]) -> Any:
        pages.append(parameters["page"])
        start = first(parameters["page"])
        commits = [{"sha": f"{number:040}"} for number in range(start, start + 100)]
        return {"status": "ahead", "total_commits": 100, "commits": commits, "merge_base_commit": {"sha": ONE}}

    with pytest.raises(LookupFailedError) as caught:
        commits_between(Answering(compare), ONE, TWO)
    assert (pages, caught.value.kind) == ([*range(1, last + 1)], kind)

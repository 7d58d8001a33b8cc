"""All files of a repository, and what a map, catalogs or CODEOWNERS leave open."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dx_action.services.codeowners import parse_codeowners
from dx_action.services.coverage import MOST_FOLDERS, Coverage, coverage
from dx_action.services.map import parse_service_map
from dx_action.services.path_tree import read_rule, unmatched
from dx_action.services.service import Ownership, Service


class Listed(Ownership):
    """Files of these folders have an owner, the folder's first letter."""

    def __init__(self, *folders: str) -> None:
        self.folders = folders

    def services_at(self, path: str) -> tuple[Service, ...]:
        return tuple(Service(folder[0]) for folder in self.folders if path.startswith(folder))

    def known(self, paths: Iterable[str]) -> tuple[Service, ...]:
        return tuple(Service(folder[0]) for folder in self.folders)


@pytest.mark.parametrize(
    ("owned", "paths", "unowned", "folders"),
    [
        ((), [], 0, ()),
        ((), ["README"], 1, (("/", 1),)),
        ((), ["a/b/c/d", "a/x", "b/y"], 3, (("a/", 2), ("b/", 1))),
        # Below a folder with an owner, a folder without any is named, and else the file's own.
        (("a/b/",), ["a/b/c", "a/x", "a/y/1", "a/y/z/2", "r"], 4, (("a/y/", 2), ("/", 1), ("a/", 1))),
        (("a/b/c/",), ["a/b/c/d", "a/b/x", "a/b/y/z"], 2, (("a/b/", 1), ("a/b/y/", 1))),
        (("a/b",), ["a/b", "a/c"], 1, (("a/", 1),)),
        ((), ["a/X", "b/X/X"], 2, (("a/", 1), ("b/", 1))),
        # A submodule is one.
        ((), ["vendor/module/", "module/"], 2, (("/", 1), ("vendor/", 1))),
        (("vendor/module",), ["vendor/module/", "vendor/x"], 1, (("vendor/", 1),)),
        # A name that begins as a folder's does is another one.
        (("ab/",), ["ab/x", "a/x"], 1, (("a/", 1),)),
    ],
)
def test_files_without_an_owner(
    owned: tuple[str, ...], paths: list[str], unowned: int, folders: tuple[tuple[str, int], ...]
) -> None:
    found = coverage(Listed(*owned), paths)
    assert (found.files, found.unowned, found.folders) == (len(paths), unowned, folders)


def test_the_largest_folders_come_first_and_no_more_than_ten() -> None:
    found = coverage(Listed(), [f"{letter}/{number}" for letter in "abcdefghijklm" for number in range(ord(letter))])
    assert [folder for folder, _ in found.folders] == [f"{letter}/" for letter in "mlkjihgfed"]
    assert len(found.folders) == MOST_FOLDERS


@given(st.sets(st.from_regex(r"[ab](/[ab]){0,3}", fullmatch=True)), st.sets(st.from_regex(r"[ab]/", fullmatch=True)))
def test_every_file_counts_once(paths: set[str], owned: set[str]) -> None:
    found = coverage(Listed(*owned), paths)
    free = [path for path in paths if not Listed(*owned).services_at(path)]
    assert found.unowned == len(free) == sum(count for _, count in found.folders)


def test_services_that_own_no_file() -> None:
    paths = ["a/catalog", "b/catalog", "b/x"]
    assert coverage(Listed("a/", "b/", "c/"), paths).without_files == ("c",)
    assert coverage(Listed("a/", "b/", "c/"), paths, "catalog").without_files == ("a", "c")


@pytest.mark.parametrize(
    ("patterns", "paths", "dead"),
    [
        (["a/**", "b/**"], ["a/x"], ["b/**"]),
        # What a later pattern decides is matched all the same.
        (["a/**", "!a/x"], ["a/x"], []),
        (["a/**", "!a/docs/**"], ["a/x"], ["!a/docs/**"]),
        (["a", "a/"], ["a"], ["a/"]),
        (["a", "a/"], ["a/x"], []),
        (["vendor/"], ["vendor/"], []),
        (["?"], ["é"], ["?"]),  # git matches bytes
        (["??"], ["é"], []),
        (["*.md", "*.py"], ["deep/er/x.md"], ["*.py"]),
    ],
)
def test_patterns_that_match_no_file(patterns: list[str], paths: list[str], dead: list[str]) -> None:
    text = "web:\n" + "".join(f"  - '{pattern}'\n" for pattern in patterns)
    found = parse_service_map(text, "map").dead(paths)
    assert found == tuple(f"{pattern} (line {patterns.index(pattern) + 2})" for pattern in dead)


def test_rules_of_codeowners_that_match_no_file() -> None:
    owners = parse_codeowners(
        "# Who owns what\n* @acme/all\n\ndocs/* @ann\nold/ @bob # gone\n/x.py c@d.test\n", "CODEOWNERS"
    )
    assert owners.dead(["docs/deep/x", "x.py"]) == ("docs/* (line 4)", "old/ (line 5)")
    assert [service.identifier for service in owners.known(())] == ["all", "ann", "bob", "c@d.test"]


@given(
    st.lists(st.from_regex(r"/?[ab*](/[ab*]){0,2}/?", fullmatch=True), max_size=6),
    st.sets(st.from_regex(r"[abc](/[abc]){0,3}", fullmatch=True)),
)
def test_a_rule_matches_as_it_does_alone(patterns: list[str], paths: set[str]) -> None:
    rules = [read_rule(pattern) for pattern in patterns]
    alone = [number for number, rule in enumerate(rules) if unmatched([rule], paths)]
    assert unmatched(rules, paths) == tuple(alone)


def test_a_map_knows_its_services() -> None:
    found = coverage(parse_service_map("a: [a/**]\nb: [gone/**]\n", "map"), ["a/x"])
    assert found == Coverage(1, ("gone/** (line 2)",), ("b",), 0, ())


def test_twenty_thousand_files_are_read_once() -> None:
    asked = list[str]()

    class Counting(Listed):
        def services_at(self, path: str) -> tuple[Service, ...]:
            asked.append(path)
            return super().services_at(path)

    paths = [f"{folder}/{sub}/{number}" for folder in range(20) for sub in range(20) for number in range(50)]
    coverage(Counting("1"), paths)
    assert sorted(asked) == sorted(paths)

"""Matching of paths: gitignore's documentation as a table, and how the work grows with the path and with the patterns."""

from itertools import product

import pytest

from counting import calls
from dx_action.services.path_tree import PathTree, read_rule


def tree(*groups: list[str]) -> PathTree[tuple[tuple[int, int], ...]]:
    rules = [read_rule(pattern, group) for group, patterns in enumerate(groups) for pattern in patterns]
    return PathTree(rules, lambda last: tuple(sorted(last.items())))


def matches(pattern: str, path: str) -> bool:
    return tree([pattern]).at(path) == ((0, 0),)


@pytest.mark.parametrize(
    ("pattern", "taken", "left"),
    [
        # Without a slash: at any depth, a file or a folder with all below it.
        ("docs", "docs a/docs docs/x a/b/docs/c/d", "doc docs2 a/mydocs"),
        ("*.md", "a.md b/c.md .md x.md/y", "a.mdx md a.MD"),
        ("Makefile", "Makefile a/Makefile", "makefile Makefile.am"),
        # A slash at the beginning or in the middle ties it to the root.
        ("/docs", "docs docs/x docs/x/y", "a/docs a/docs/x"),
        ("/*.c", "cat-file.c", "mozilla-sha1/sha1.c"),
        ("doc/frotz", "doc/frotz doc/frotz/x", "a/doc/frotz"),
        ("/doc/frotz", "doc/frotz doc/frotz/x", "a/doc/frotz"),
        # A slash at the end: folders only, so what is below them.
        ("frotz/", "frotz/x a/frotz/x a/frotz/b/c", "frotz a/frotz"),
        ("doc/frotz/", "doc/frotz/x doc/frotz/x/y", "doc/frotz a/doc/frotz/x"),
        ("/doc/", "doc/x doc/y/z", "doc a/doc/x"),
        # `*`, `?` and ranges stay between two slashes.
        ("foo/*", "foo/test.json foo/bar foo/bar/hello.c", "foo a/foo/x"),
        ("foo/*.c", "foo/a.c foo/.c", "foo/a/b.c a/foo/b.c"),
        ("a/*/b", "a/x/b a/x/b/c", "a/b a/x/y/b"),
        ("f?o", "foo a/fxo fxo/y", "fo fooo f/o"),
        ("a?b/c", "axb/c", "a/b/c ab/c"),
        ("[a-c]x", "ax bx/y z/cx", "dx x a-x"),
        ("[!a-c]x", "dx -x", "ax x a/x"),
        ("[^a]x", "bx", "ax"),
        ("a[.-0]b", "a.b a0b a/a.b", "a/b"),
        ("[]-]x", "]x -x", "ax"),
        ("[[a]x", "[x ax", "bx"),
        ("[a&&b]x", "ax &x bx", "cx"),
        ("[!^]x", "ax", "^x"),
        ("[^!]x", "ax", "!x"),
        ("*", "a a/b .a", ""),
        ("/*", "a a/b", ""),
        ("*/", "a/b a/b/c", "a"),
        ("*foo*bar*", "foobar xfooxbarx foobarbar a/foo-bar", "barfoo foo foo/bar"),
        ("*ab*ab", "abab ababab xabxab", "ab aab abba"),
        ("a*a", "aa aba", "a ab"),
        # `**` stands for any number of folders, none among them.
        ("**/foo", "foo a/foo a/b/foo foo/x", "afoo"),
        ("**/foo/bar", "foo/bar a/foo/bar foo/bar/x", "foo/x/bar"),
        ("abc/**", "abc/x abc/x/y", "abc x/abc/y"),
        ("a/**/b", "a/b a/x/b a/x/y/b a/b/c", "b a/xb c/a/b"),
        ("a/**/b/**/c", "a/b/c a/x/b/y/z/c a/b/b/c/d", "a/c a/c/b b/c"),
        ("a/**/*.c", "a/x.c a/b/c/x.c", "x.c b/a/x.c"),
        ("a/**/", "a/b/c a/b/c/d", "a a/b b"),
        ("/a/**/", "a/b/c", "a a/b"),
        ("**/a/**/", "a/b/c x/a/b/c", "a/b x/a/b"),
        ("a/***/b", "a/b a/x/y/b", "b"),
        ("**", "a a/b", ""),
        ("/**", "a a/b", ""),
        ("**/", "a/b a/b/c", "a"),
        ("a/**/**/b", "a/b a/x/b", "b"),
        ("a**b", "ab axb axxb/c", "a/b"),
        # A backslash takes a character for itself.
        ("\\*", "* a/*", "a"),
        ("\\!a", "!a", "a"),
        ("\\#a", "#a b/#a", "a"),
        ("a\\?", "a?", "ab"),
        ("\\[a]", "[a]", "a"),
        ("\\a\\b", "ab", "\\a\\b"),
        ("[a\\]]x", "ax ]x", "a]x x"),
        ("[\\a-c]x", "ax bx", "\\x dx"),
        ("[a-b-d]x", "ax bx -x dx", "cx"),
        ("é*/ü", "éa/ü é/ü/x", "e/ü"),
        ("a#b", "a#b", "a"),
        ("a!b", "a!b", "a"),
    ],
)
def test_what_a_pattern_takes(pattern: str, taken: str, left: str) -> None:
    for path in taken.split(" "):
        assert matches(pattern, path), path
    for path in filter(None, left.split(" ")):
        assert not matches(pattern, path), path


@pytest.mark.parametrize("character", [chr(code) for code in range(0x21, 0x7F) if chr(code) not in "!^/\\"])
def test_a_class_of_any_other_character_takes_that_one(character: str) -> None:
    assert matches(f"[{character}]", character)
    assert not matches(f"[{character}]", "\x80")
    for negated in "!^":
        assert not matches(f"[{negated}{character}]", character)
        assert matches(f"[{negated}{character}]", "\x80")


@pytest.mark.parametrize(
    ("pattern", "taken", "left"),
    [
        # A folder is taken by its own path, by what is above it, and by what takes whatever lies in it.
        ("a/b", "a/b/ a/b/c/", "a/ b/"),
        ("b", "b/ a/b/ b/c/", "a/"),
        ("a/b/", "a/b/ a/b/c/", "a/ a/bc/"),
        ("a/b/**", "a/b/ a/b/c/", "a/"),
        ("a/b/*", "a/b/ a/b/c/", "a/"),
        ("a/b/**/*", "a/b/ a/b/c/", "a/"),
        ("a/*/", "a/b/ a/b/c/", "b/"),
        ("**/", "a/ a/b/", ""),
        ("a/b/c", "a/b/c/", "a/b/"),
        ("a/b/*.md", "a/b/c.md/", "a/b/"),
        ("a/b/?", "a/b/c/", "a/b/"),
        ("a/b/c/**", "a/b/c/", "a/b/"),
    ],
)
def test_what_a_pattern_takes_of_folders(pattern: str, taken: str, left: str) -> None:
    for path in taken.split():
        assert matches(pattern, path), path
    for path in left.split():
        assert not matches(pattern, path), path


def test_the_last_rule_that_takes_a_folder_counts() -> None:
    rules = tree(["a/b/**", "a/", "a/b"], ["a/b/*", "*.md", "a/b/"], ["x/**", "a/b/"])
    assert rules.at("a/b/") == ((0, 2), (1, 5), (2, 7))
    assert rules.at("a/b") == ((0, 2),)
    assert rules.at("x/") == ((2, 6),)


# --- growth ---------------------------------------------------------------------------------------------------------


def test_work_is_linear_in_the_path() -> None:
    hard = [
        "/".join(["**", "a"] * 12) + "/b",
        "**/a*/**/*a/**/*a*a*/**/b",
        *("/".join(["**", "a"] * n) for n in range(2, 30)),
        "**/b",
    ]

    def work(size: int) -> int:
        found = tree(hard)
        return calls(lambda: found.at("a/" * size + "c"))

    work(30)  # compiles the globs
    first, twice, thrice = (work(size) for size in (150, 300, 450))
    assert thrice - twice <= (twice - first) * 1.1
    assert not matches(hard[0], "a/" * 450 + "c")
    assert matches(hard[0], "a/" * 450 + "b")


@pytest.mark.parametrize(
    ("pattern", "end"), [("*a*a*ab", "b"), ("*a*aab*b", "bb"), ("*?*?*?b", "b"), ("*[a]*[a]*[!b]c", "c")]
)
def test_stars_are_never_tried_again(pattern: str, end: str) -> None:
    """By backtracking this takes hours: a name this long has more than 10**14 ways to be cut at three stars."""
    assert not matches(pattern, "a" * 100_000)
    assert matches(pattern, "a" * 100_000 + end)


def test_patterns_elsewhere_cost_nothing() -> None:
    files, long = [f"services/s{n}/src/main.py" for n in range(50)], "e" * 100

    def work(count: int) -> int:
        found = tree(
            *(
                [
                    f"services/s{n}/**",
                    f"services/s{n}/*.md",
                    f"*.x{n}",
                    f"**/lib{n}*/",
                    f"*a{n:04}b*",
                    f"*{n:04}{long}*",
                ]
                for n in range(count)
            )
        )
        return calls(lambda: [found.at(path) for path in files])

    assert work(1000) <= work(100) * 1.1


def test_files_of_one_folder_share_its_work() -> None:
    found = tree(*([f"services/s{n}/**", f"{'*/' * (n % 9)}m{n}/"] for n in range(1000)))
    deep = "services/s7/a/b/c/d/e/f/g"
    first = calls(lambda: found.at(f"{deep}/first.py"))
    after = calls(lambda: [found.at(f"{deep}/{n}.py") for n in range(10)])
    assert after / 10 <= first / 4


def test_paths_that_no_rule_tells_apart_share_the_answer() -> None:
    found = tree(*(["shared/**", "*.md"] for _ in range(1000)))
    assert found.at("shared/a/x") is found.at("shared/b/c/y")
    assert found.at("shared/a/x.md") is found.at("shared/b/y.md")
    assert len(found.at("shared/a/x.md")) == 1000


def test_every_path_is_answered_alone() -> None:
    found = tree(["a/**", "*b"], ["**/b"])
    names = ["/".join(parts) for size in (1, 2, 3) for parts in product("ab", repeat=size)]
    alone = {name: tree(["a/**", "*b"], ["**/b"]).at(name) for name in names}
    assert {name: found.at(name) for name in [*names, *reversed(names)]} == alone

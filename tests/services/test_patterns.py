"""Lists of gitignore's patterns: the rules of gitignore's documentation as a table, pathspec as the oracle for all else."""

import subprocess
import sys
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pathspec import GitIgnoreSpec, PathSpec
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from counting import calls
from dx_action.errors import InvalidValue
from dx_action.services.patterns import Pattern, PatternLists


def lists(*texts: list[str]) -> PatternLists:
    return PatternLists([[Pattern(text, line) for line, text in enumerate(each, 1)] for each in texts])


def takes(texts: list[str], path: str) -> bool:
    return lists(texts).taking(path) == (0,)


def wrong(*texts: str) -> str:
    with pytest.raises(InvalidValue) as caught:
        lists(list(texts))
    return str(caught.value)


# --- one pattern ----------------------------------------------------------------------------------------------------


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
        ("a/**/", "a/b a/b/c", "a b"),
        ("**", "a a/b", ""),
        ("/**", "a a/b", ""),
        ("**/", "a/b a/b/c", "a"),
        ("a/**/**/b", "a/b a/x/b", "b"),
        ("a**b", "ab axb axxb/c", "a/b"),
        # A backslash takes a character for itself, spaces at the end do not count unless so escaped.
        ("\\*", "* a/*", "a"),
        ("\\!a", "!a", "a"),
        ("\\#a", "#a b/#a", "a"),
        ("a\\?", "a?", "ab"),
        ("\\[a]", "[a]", "a"),
        ("\\a\\b", "ab", "\\a\\b"),
        ("a  ", "a b/a", "a\u00a0"),
        ("*.c  ", "a.c", "a.c\u00a0"),
        ("é*/ü", "éa/ü é/ü/x", "e/ü"),
        ("a#b", "a#b", "a"),
        ("a!b", "a!b", "a"),
    ],
)
def test_what_a_pattern_takes(pattern: str, taken: str, left: str) -> None:
    for path in taken.split(" "):
        assert takes([pattern], path), path
    for path in filter(None, left.split(" ")):
        assert not takes([pattern], path), path


@pytest.mark.parametrize(
    ("pattern", "path"), [("a\\ ", "a "), ("a b/c", "a b/c"), ("a\\ b", "a b"), ("* b", "x b"), ("?\\ ", "x ")]
)
def test_spaces(pattern: str, path: str) -> None:
    assert takes([pattern], path)
    assert not takes([pattern], path.strip().replace(" ", ""))


# --- lists ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "taken", "left"),
    [
        (["apps/web/**", "!apps/web/**/*.md"], "apps/web/a.ts apps/web/b/c", "apps/web/a.md apps/web/b/c/d.md apps"),
        (["*.md", "!docs/**", "docs/keep.md"], "a.md docs/keep.md", "docs/a.md docs/b/keep.md"),
        (["!a", "a"], "a a/b", "b"),
        (["a", "!a", "a/b"], "a/b a/b/c", "a a/c"),
        # No folder is walked: a file is taken back although its folder is out, and a folder leaves out its files.
        (["**", "!docs/", "docs/api.md"], "x docs/api.md", "docs/x docs/a/b"),
        (["apps/**", "!apps/docs/"], "apps/x", "apps/docs/x apps/docs/y/z"),
        (["apps/docs/x.md", "!apps/docs"], "", "apps/docs/x.md"),
        (["docs/", "!*.md"], "docs/x", "docs/x.md docs/a/x.md x.md"),
    ],
)
def test_the_last_pattern_that_matches_decides(texts: list[str], taken: str, left: str) -> None:
    for path in taken.split():
        assert takes(texts, path), path
    for path in left.split():
        assert not takes(texts, path), path


def test_lists_do_not_see_each_other() -> None:
    found = lists(["a/**"], ["**", "!a/"], ["!a/", "a/b"], ["a/b", "!**"], ["a/*"])
    assert found.taking("a/b") == (0, 2, 4)
    assert found.taking("a/c") == (0, 4)
    assert found.taking("c") == (1,)
    assert found.taking("a/b/c") == (0, 2, 4)


def test_without_lists_nothing_is_taken() -> None:
    assert lists().taking("a") == lists([]).taking("a/b") == ()


# --- the oracle -----------------------------------------------------------------------------------------------------

PARTS = (
    "a",
    "b",
    "ab",
    "a.b",
    "*",
    "**",
    "?",
    "a*",
    "*b",
    "*a*",
    "a?",
    "[ab]",
    "[!a]b",
    "\\*",
    "a**",
    "***",
    "*a*b*",
    "[]-a]",
)
NAMES = ("a", "b", "ab", "ba", "a.b", "aab", "abab", "*")
patterns = st.builds(
    lambda no, root, parts, folder: no + root + "/".join(parts) + folder,
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "/"]),
    st.lists(st.sampled_from(PARTS), min_size=1, max_size=4),
    st.sampled_from(["", "/"]),
)
paths = st.lists(st.sampled_from(NAMES), min_size=1, max_size=5).map("/".join)


@settings(max_examples=200, deadline=None)
@given(st.lists(patterns, min_size=1, max_size=5), st.lists(paths, min_size=1, max_size=8))
def test_lists_are_pathspecs(texts: list[str], given_paths: list[str]) -> None:
    """PathSpec is gitignore's patterns with nothing but the last match; GitIgnoreSpec differs from it only where `!` is used."""
    found = lists(texts)
    plain = PathSpec.from_lines(GitIgnoreSpecPattern, texts)
    git = None if any(text.startswith("!") for text in texts) else GitIgnoreSpec.from_lines(texts)
    for path in given_paths:
        assert (found.taking(path) == (0,)) == plain.match_file(path), path
        if git is not None:
            assert plain.match_file(path) == git.match_file(path), path


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(patterns, min_size=1, max_size=3), max_size=4), paths)
def test_many_lists_are_as_each_alone(texts: list[list[str]], path: str) -> None:
    assert lists(*texts).taking(path) == tuple(number for number, each in enumerate(texts) if takes(each, path))


# --- limits and mistakes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "names no path"),
        ("   ", "names no path"),
        ("!", "names no path"),
        ("/", "names no path"),
        ("!/", "names no path"),
        ("//", "names no path"),
        ("# all of it", "is a comment"),
        ("a\\", "cannot be read"),
        ("a\\/b", "cannot be read"),
        ("*\\", "cannot be read"),
        ("[a", "cannot be read"),
        ("[a/b]", "cannot be read"),
        ("[]", "cannot be read"),
        ("[z-a]", "range that runs backwards"),
        ("x/*[9-0]*", "range that runs backwards"),
        ("[[:alpha:]]", "class such as [:alpha:]"),
        ("a//b", "matches nothing"),
        ("./a", "matches nothing"),
        ("a/../b", "matches nothing"),
        ("!./a", "matches nothing"),
        ("a\nb", "control character"),
        ("a\x00", "control character"),
        ("a\u2028b", "control character"),
        ("a\ud800", "control character"),
        ("*a*a*a*a*", "more than 3 `*`"),
        ("a/b/****/c", "more than 3 `*`"),
        ("**a**b", "more than 3 `*`"),
    ],
)
def test_a_pattern_that_cannot_be_used(text: str, says: str) -> None:
    said = wrong("a/**", text)
    assert says in said
    assert "(line 2)" in said
    assert said.startswith("has a pattern ")
    assert said.endswith(".")


@pytest.mark.parametrize(
    "text", ["*a*b*c", "***", "**/a*b*c*/**/*d*e*f/**", "**/**/**/**/**", "\\*\\**\\*\\***\\*", "[*]*[*]*[*]*[*]"]
)
def test_three_stars_a_part_are_fine(text: str) -> None:
    lists([text])


def test_the_number_of_patterns_is_bounded_over_all_lists() -> None:
    lists(["a"] * 2500, ["b"] * 2500)
    with pytest.raises(InvalidValue, match=r"^has more than 5,000 patterns \(line 2501\)\. "):
        lists(["a"] * 2500, ["b"] * 2501)


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.text(max_size=30),
        st.lists(st.sampled_from([*"!#*?[]\\/^-:. a\t", "**", "[:", "[!", "]-", "\ud800"]), max_size=12).map("".join),
    ),
    st.one_of(paths, st.text(min_size=1, max_size=20)),
)
def test_any_text_is_a_pattern_or_wrong(text: str, path: str) -> None:
    try:
        found = lists([text])
    except InvalidValue as error:
        said = str(error)
        assert "(line 1)" in said
        assert said.endswith(".")
    else:
        assert found.taking(path) in {(), (0,)}


# --- growth ---------------------------------------------------------------------------------------------------------


def test_work_is_linear_in_the_path() -> None:
    hard = [
        "/".join(["**", "a"] * 12) + "/b",
        "**/a*/**/*a/**/*a*a*/**/b",
        *("/".join(["**", "a"] * n) for n in range(2, 30)),
        "!**/b",
    ]

    def work(size: int) -> int:
        found = lists(hard)
        return calls(lambda: found.taking("a/" * size + "c"))

    first, twice, thrice = (work(size) for size in (150, 300, 450))
    assert thrice - twice <= (twice - first) * 1.1
    assert lists(hard[:1]).taking("a/" * 450 + "c") == ()
    assert lists(hard[:1]).taking("a/" * 450 + "b") == (0,)


@pytest.mark.parametrize(
    ("pattern", "end"), [("*a*a*ab", "b"), ("*a*aab*b", "bb"), ("*?*?*?b", "b"), ("*[a]*[a]*[!b]c", "c")]
)
def test_stars_are_never_tried_again(pattern: str, end: str) -> None:
    """By backtracking this takes hours: a name this long has more than 10**14 ways to be cut at three stars."""
    assert not takes([pattern], "a" * 100_000)
    assert takes([pattern], "a" * 100_000 + end)


def test_patterns_elsewhere_cost_nothing() -> None:
    files = [f"services/s{n}/src/main.py" for n in range(50)]

    def work(count: int) -> int:
        found = lists(
            *(
                [f"services/s{n}/**", f"!services/s{n}/*.md", f"*.x{n}", f"**/lib{n}*/", f"*a{n:04}b*"]
                for n in range(count)
            )
        )
        return calls(lambda: [found.taking(path) for path in files])

    assert work(1000) <= work(100) * 1.1


def test_files_of_one_folder_share_its_work() -> None:
    found = lists(*([f"services/s{n}/**", f"{'*/' * (n % 9)}m{n}/"] for n in range(1000)))
    deep = "services/s7/a/b/c/d/e/f/g"
    first = calls(lambda: found.taking(f"{deep}/first.py"))
    after = calls(lambda: [found.taking(f"{deep}/{n}.py") for n in range(10)])
    assert after / 10 <= first / 4


def test_lists_that_take_the_same_files_share_the_answer() -> None:
    found = lists(*(["shared/**", "!*.md"] for _ in range(1000)))
    assert found.taking("shared/a/x") is found.taking("shared/b/c/y")
    assert found.taking("shared/a/x.md") is found.taking("shared/a/y.md") == ()


def test_every_path_is_answered_alone() -> None:
    found = lists(["a/**", "!*b"], ["**/b"])
    names = ["/".join(parts) for size in (1, 2, 3) for parts in product("ab", repeat=size)]
    alone = {name: lists(["a/**", "!*b"], ["**/b"]).taking(name) for name in names}
    assert {name: found.taking(name) for name in [*names, *reversed(names)]} == alone


def test_pathspec_is_imported_only_for_a_pattern() -> None:
    code = "import sys; from dx_action.services import map, codeowners, backstage; sys.exit('pathspec' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

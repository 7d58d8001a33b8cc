"""Lists of gitignore's patterns: the last one that matches decides, pathspec is the oracle, and every limit has its sentence."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pathspec import GitIgnoreSpec, PathSpec
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

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


@pytest.mark.parametrize(("pattern", "taken", "left"), [("a  ", "a b/a", "a\u00a0"), ("*.c  ", "a.c", "a.c\u00a0")])
def test_spaces_at_the_end_do_not_count_unless_escaped(pattern: str, taken: str, left: str) -> None:
    assert all(takes([pattern], path) for path in taken.split(" "))
    assert not takes([pattern], left)


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


def test_a_bracket_that_is_escaped_begins_no_class() -> None:
    assert takes(["\\[:[a-c]"], "[:b")


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


def test_pathspec_is_imported_only_for_a_pattern() -> None:
    code = "import sys; from dx_action.services import map, codeowners, backstage; sys.exit('pathspec' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""Lists of gitignore's patterns: the last one that matches decides, git itself is the oracle, and every limit has its sentence."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from check_ignore import Git
from dx_action.errors import InvalidValue
from dx_action.services.patterns import Pattern, PatternLists
from thorough import times


def lists(*texts: list[str]) -> PatternLists:
    return PatternLists([[Pattern(text, line) for line, text in enumerate(each, 1)] for each in texts])


def takes(texts: list[str], path: str) -> bool:
    return lists(texts).taking(path) == (0,)


def wrong(*texts: str) -> str:
    with pytest.raises(InvalidValue) as caught:
        lists(list(texts))
    return str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "taken", "left"),
    [
        ("a  ", "a b/a", "a\u00a0"),
        ("*.c  ", "a.c", "a.c\u00a0"),
        ("a\u00a0", "a\u00a0", "a"),
        ("a\\\\ ", "a\\", "a\\\u00a0"),
    ],
)
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


def test_a_path_that_is_no_utf_8_is_matched_all_the_same() -> None:
    assert lists(["a*"], ["b"]).taking("a\udcff") == (0,)


def test_without_lists_nothing_is_taken() -> None:
    assert lists().taking("a") == lists([]).taking("a/b") == ()


# --- the oracle -----------------------------------------------------------------------------------------------------

# What a part may be made of, beside what people write: the corners of git's wildmatch.
PARTS = (
    *("a", "b", "ab", "a.b", "A", "a b", "é", "\\a", "\\*", "\\[a]"),
    *("*", "**", "***", "?", "a*", "*b", "*a*", "a?", "*a*b*", "*?b", "?*", "**a", "a**", "é*", "*ö"),
    *(
        "[ab]",
        "[!a]b",
        "[^b]",
        "[]-a]",
        "[!]a]",
        "[!]]",
        "[a\\]]",
        "[\\a-b]",
        "[a-]",
        "[--a]",
        "[a-b-b]",
        "[\\\\]",
        "[[]",
    ),
)
NAMES = ("a", "b", "ab", "ba", "a.b", "aab", "abab", "*", "]", "-", "[a]", "\\", "A", "é", "aö", "a b")
patterns = st.builds(
    lambda no, root, parts, folder, spaces: no + root + "/".join(parts) + folder + spaces,
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "/"]),
    st.lists(st.sampled_from(PARTS), min_size=1, max_size=4),
    st.sampled_from(["", "/"]),
    st.sampled_from(["", "", " ", "\\ "]),
).filter(lambda text: not patterns_git_glues(text))
paths = st.lists(st.sampled_from(NAMES), min_size=1, max_size=5).map("/".join)


def patterns_git_glues(text: str) -> bool:
    """Whether this is refused because git reads it in two ways."""
    return "a**/" in text.removesuffix("/").rstrip("/ ")


@pytest.fixture(scope="module")
def git(tmp_path_factory: pytest.TempPathFactory) -> Git:
    return Git(tmp_path_factory.mktemp("git"))


ROWS = [
    # A folder's pattern takes what is below it, and `/**/` only what is below a folder there.
    *("services/pay/**/", "services/pay/", "services/pay/**", "services/**/pay/", "**/pay/**/", "**/", "*/", "/**/"),
    *("services/pay", "pay", "pay/", "/pay", "services/*", "services/*/", "services/p?y/*.md", "*.MD", "[Ss]ervices/"),
]
PLACES = [
    *("services/pay/README.md", "services/pay/src/a.go", "services/pay", "services/README.md", "README.md", "pay"),
    *("pay/README.md", "services/Pay/README.md", "libs/services/pay/x", "Services/a", "services/a/pay/b/c"),
]


def test_what_people_write_is_read_as_git_reads_it(git: Git) -> None:
    decides = git.decides([[row] for row in ROWS], PLACES)
    for number, row in enumerate(ROWS):
        assert [path for path in PLACES if takes([row], path)] == [path for path in PLACES if decides[number, path]], (
            row
        )


# Every name alone, below a folder and above a file; and where deeper patterns lead.
EVERYWHERE = [path for name in NAMES for path in (name, f"a/{name}", f"{name}/b")]
EVERYWHERE += ["a/b/ab", "a/ab/b", "b/a/b", "a/b/ab/b", "a/x/y/b", "b/a/x/b/é"]


@pytest.mark.parametrize("place", ["{}", "{}/", "a/{}", "{}/b", "**/{}/b", "a/{}/**/"])
def test_every_part_is_read_as_git_reads_it(git: Git, place: str) -> None:
    texts = [text for part in PARTS if not patterns_git_glues(text := place.format(part))]
    decides = git.decides([[text] for text in texts], EVERYWHERE)
    for number, text in enumerate(texts):
        expected = [path for path in EVERYWHERE if decides[number, path]]
        assert [path for path in EVERYWHERE if takes([text], path)] == expected, text


@settings(max_examples=times(400), deadline=None)
@given(
    texts=st.lists(patterns, min_size=1, max_size=6), given_paths=st.lists(paths, min_size=1, max_size=8, unique=True)
)
def test_lists_are_gits(git: Git, texts: list[str], given_paths: list[str]) -> None:
    """Each pattern matches what git says, and the last one that does decides.

    Git's own decision is the same unless a pattern matches a folder above: git does not look into an excluded one.
    """
    bare = [text.removeprefix("!") for text in texts]
    alone = git.decides([[text] for text in bare], given_paths)
    for path in given_paths:
        matching = [text for number, text in enumerate(texts) if alone[number, path]]
        assert takes(texts, path) == bool(matching and not matching[-1].startswith("!")), path
    folders = [above for path in given_paths for above in _folders(path)]
    listed = git.decides([texts, *([text] for text in bare)], [*given_paths, *dict.fromkeys(folders)])
    for path in given_paths:
        if not any(listed[number, above] for above in _folders(path) for number in range(1, len(texts) + 1)):
            said = listed[0, path]
            assert takes(texts, path) == bool(said and not said.startswith("!")), path


def _folders(path: str) -> list[str]:
    """Return the folders above, each as git wants one named."""
    names = path.split("/")
    return ["/".join(names[:size]) + "/" for size in range(1, len(names))]


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
        ("x" * 4097, "of more than 4,096 bytes"),
        ("é" * 2049, "of more than 4,096 bytes"),
        ("a/" * 101, "with more than 100 slashes"),
        ("a**/b", "right after other characters"),
        ("services/pay**/src", "right after other characters"),
        ("[é]x", "outside ASCII in a class"),
        ("[!a-é]x", "outside ASCII in a class"),
        ("[!]", "cannot be read"),
        ("[\\]", "cannot be read"),
        ("[a-c", "cannot be read"),
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


@pytest.mark.parametrize("text", ["x" * 4096, "é" * 2048, "a/" * 100])
def test_as_much_as_is_allowed(text: str) -> None:
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

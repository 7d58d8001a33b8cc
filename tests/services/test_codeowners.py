"""CODEOWNERS: the examples that GitHub publishes, what its validator is known to refuse, and a plain oracle for the patterns.

The facts are those of docs.github.com, "About code owners", and of the REST API's "List CODEOWNERS errors".
"""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from check_ignore import Git
from counting import calls
from dx_action.errors import InvalidValue
from dx_action.services.codeowners import PLACES, Codeowners, parse_codeowners

# The bounds, as literals: what the code has must be these.
TOO_LARGE = 3 << 20

# GitHub's example file, its rules as they stand there.
EXAMPLE = """\
# Owners of everything, until a later rule matches.
*       @global-owner1 @global-owner2
*.js    @js-owner #This is an inline comment.
*.go docs@example.com
*.txt @octo-org/octocats
/build/logs/ @doctocat
docs/* docs@example.com
apps/ @octocat
/docs/ @doctocat
/scripts/ @doctocat @octocat
**/logs @octocat
/apps/ @octocat
/apps/github
"""


def parsed(text: bytes | str) -> Codeowners:
    return parse_codeowners(text, ".github/CODEOWNERS")


def owners(text: str, path: str) -> list[str]:
    return [service.identifier for service in parsed(text).services_at(path)]


def owned(pattern: str, path: str) -> bool:
    found = parsed(f"{pattern} @x")
    assert found.warnings == ()
    return found.services_at(path) != ()


# --- GitHub's examples ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("README.md", ["global-owner1", "global-owner2"]),
        ("src/a/b.c", ["global-owner1", "global-owner2"]),
        ("index.js", ["js-owner"]),
        ("web/src/index.js", ["js-owner"]),
        ("main.go", ["docs@example.com"]),
        ("notes/a.txt", ["octocats"]),
        ("build/logs/today", ["octocat"]),
        ("build/other", ["global-owner1", "global-owner2"]),
        ("docs/getting-started.md", ["doctocat"]),
        ("docs/build-app/troubleshooting.md", ["doctocat"]),
        ("lib/apps/x.js", ["octocat"]),
        ("scripts/run.sh", ["doctocat", "octocat"]),
        ("scripts/logs/x", ["octocat"]),
        ("deeply/nested/logs/x", ["octocat"]),
        ("apps/x.go", ["octocat"]),
        ("apps/github/x.go", []),
        ("apps/github", []),
        ("lib/apps/github/x.go", ["octocat"]),
    ],
)
def test_githubs_example_file(path: str, expected: list[str]) -> None:
    assert parsed(EXAMPLE).warnings == ()
    assert owners(EXAMPLE, path) == expected


@pytest.mark.parametrize(
    ("rule", "mine", "others"),
    [
        ("* @x", "a a/b .github/c", ""),
        ("*.js @x", "a.js b/c/d.js .js", "a.jsx js a.js.map"),
        ("/build/logs/ @x", "build/logs/a build/logs/b/c", "build/logs build/a a/build/logs/b"),
        ("docs/* @x", "docs/getting-started.md docs/.x", "docs docs/build-app/troubleshooting.md a/docs/b"),
        ("apps/ @x", "apps/a b/apps/c b/c/apps/d/e", "apps b/apps myapps/a"),
        ("/docs/ @x", "docs/a docs/b/c", "docs a/docs/b"),
        ("/scripts/ @x", "scripts/a scripts/b/c", "a/scripts/b"),
        ("**/logs @x", "build/logs/a scripts/logs/a deeply/nested/logs/a logs/a logs", "logs2/a build/log"),
        ("/apps/github @x", "apps/github/a apps/github", "apps/a apps/github2 a/apps/github"),
    ],
)
def test_githubs_examples_one_by_one(rule: str, mine: str, others: str) -> None:
    for path in mine.split():
        assert owners(rule, path) == ["x"], path
    for path in others.split():
        assert owners(rule, path) == [], path


def test_a_subfolder_with_an_owner_of_its_own() -> None:
    text = "/apps/ @octocat\n/apps/github @doctocat\n"
    assert owners(text, "apps/a") == ["octocat"]
    assert owners(text, "apps/github/a") == ["doctocat"]


@pytest.mark.parametrize(
    ("pattern", "mine", "others"),
    [
        ("foo", "foo foo/a a/foo a/foo/b", "foo.txt afoo"),
        ("/foo", "foo foo/a/b", "a/foo"),
        ("foo/bar", "foo/bar foo/bar/a", "foo/bart a/foo/bar"),
        ("f*", "foo foo/a a/foo/b", "xfoo"),
        ("f*/", "foo/a a/foo/b", "foo a/foo"),
        ("/*", "foo bar", "foo/bar"),
        ("/*/", "foo/bar foo/bar/baz", "foo"),
        ("/f*", "foo foo/a", "a/foo"),
        ("foo/*/baz", "foo/bar/baz foo/bar/baz/a", "foo/baz foo/a/b/baz"),
        ("foo/*.txt", "foo/a.txt", "foo/a/b.txt a/foo/b.txt"),
        ("foo/**", "foo/a foo/a/b", "foo a/foo/b"),
        ("foo/**/*", "foo/a foo/a/b", "foo"),
        ("foo/**/bar", "foo/bar foo/a/b/bar foo/bar/a", "bar a/foo/bar"),
        ("foo/**/", "foo/a/b foo/a/b/c", "foo foo/a"),
        ("**", "a a/b", ""),
        ("**/", "a/b", "a"),
        ("**/*", "a a/b", ""),
        ("**/foo/bar", "foo/bar a/b/foo/bar/c", "foo/a/bar"),
        ("f?o", "foo fxo/a", "fo f/o"),
        ("a**b", "ab axb", "a/b"),
        ("f\\*o", "f*o", "foo"),
        ("f\\?*", "f?x", "foo"),
        ("/app/\\[id\\]/*", "app/[id]/page.tsx", "app/i/page.tsx app/[id]/a/b"),
        ("/app/(web)/x", "app/(web)/x", "app/web/x"),
        ("*.tar.gz", "a/b.tar.gz", "a.tarxgz"),
        ("foo#bar", "foo#bar", "foo"),
        ("a//b", "", "a/b"),
        ("Docs/", "Docs/a", "docs/a DOCS/a"),
    ],
)
def test_what_a_pattern_owns(pattern: str, mine: str, others: str) -> None:
    for path in mine.split():
        assert owned(pattern, path), path
    for path in others.split():
        assert not owned(pattern, path), path


# Where GitHub's documentation differs from gitignore's: the pattern, and a path that git takes by it.
UNLIKE_GIT = {
    "docs/* reaches into no folder": ("docs/*", "docs/build-app/troubleshooting.md", "not owned"),
    "nor does */*": ("/*/*", "docs/build-app/troubleshooting.md", "not owned"),
    "no !": ("!docs", "", "begins with !"),
    "no escaped #": ("\\#docs", "#docs", "begins with \\#"),
    "no class": ("[d]ocs", "docs", "with a [ or ]"),
    "no negated class": ("[!a]ocs", "docs", "with a [ or ]"),
    "no ***": ("***/docs", "a/docs", "with ***"),
    "a comment after a space": ("docs #1", "docs #1", "not owned"),
    "a space ends it": ("my docs", "my docs", "an owner that is not"),
    "? is a character, not a byte": ("d?cs", "döcs", "owned, unlike in git"),
}


@pytest.mark.parametrize("name", UNLIKE_GIT)
def test_what_is_not_as_in_git(tmp_path: Path, name: str) -> None:
    pattern, path, says = UNLIKE_GIT[name]
    by_git = bool(path and Git(tmp_path).decides([[pattern]], [path])[0, path])
    found = parsed(f"{pattern} @x" if "#1" not in pattern else pattern)
    if says.startswith("owned"):
        assert (by_git, found.services_at(path) != ()) == (False, True)
    else:
        assert by_git == bool(path)
        assert says in "".join(found.warnings) if found.warnings else says == "not owned"
        assert found.services_at(path or "docs") == ()


# In what they have in common, git is the judge.
COMMON = (
    "a",
    "b",
    "ab",
    "a.b",
    "A",
    "é",
    "\\a",
    "\\*",
    "*",
    "**",
    "?",
    "a*",
    "*b",
    "*a*",
    "a?",
    "*a*b*a*",
    "*?b",
    "?*",
    "**a",
)
PLACES_OF_A_PART = ("{}", "/{}", "{}/", "a/{}", "{}/b", "**/{}/b", "a/**/{}", "a/{}/**", "a/{}/**/")
EVERYWHERE = [
    path for name in ("a", "b", "ab", "ba", "a.b", "A", "é", "*", "aab") for path in (name, f"a/{name}", f"{name}/b")
]
EVERYWHERE += ["a/b/ab", "a/ab/b", "b/a/b", "a/b/ab/b", "a/x/y/b", "b/a/x/b/é"]


@pytest.mark.parametrize("place", PLACES_OF_A_PART)
def test_everything_else_is_as_in_git(tmp_path: Path, place: str) -> None:
    # `*` at the end, and `?` for what is no single byte, are in the table above.
    texts = [text for text in map(place.format, COMMON) if not (text.endswith("*") and text.strip("/*") in {"", "a"})]
    decides = Git(tmp_path).decides([[text] for text in texts], EVERYWHERE)
    for number, text in enumerate(texts):
        expected = [path for path in EVERYWHERE if decides[number, path] and (path.isascii() or "?" not in text)]
        assert [path for path in EVERYWHERE if owned(text, path) and (path.isascii() or "?" not in text)] == expected, (
            text
        )


def test_spaces_are_escaped() -> None:
    text = "/my\\ docs/ @a # all of them\n*\\ b.md @b\nplain docs@example.com"
    assert parsed(text).warnings == ()
    assert owners(text, "my docs/x") == ["a"]
    assert owners(text, "c/a b.md") == ["b"]
    assert owners(text, "docs/plain") == ["docs@example.com"]


# --- owners and lines -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("* @octo-org/octocats", ["octocats"]),
        ("* @octocat", ["octocat"]),
        ("* @octo_corp @Octo-Org/Web_1.x", ["octo_corp", "Web_1.x"]),
        ("* first.last+tag@mail.example.com", ["first.last+tag@mail.example.com"]),
        ("* @b @a/c @d", ["b", "c", "d"]),
        ("* @acme/web @web @other/web", ["web"]),
        ("*\t@a\t \t@b", ["a", "b"]),
        ("  * @a  ", ["a"]),
        ("* @a\r", ["a"]),
        ("* @a # @b", ["a"]),
        ("* @a #@b", ["a"]),
        ("* # @a", []),
        ("*", []),
    ],
)
def test_owners(rule: str, expected: list[str]) -> None:
    assert parsed(rule).warnings == ()
    assert owners(f"x @before\n\n# comment\n{rule}\n", "x") == expected


def test_the_last_rule_that_matches_decides() -> None:
    text = "*.md @docs\n/web/ @web\n/web/legacy/\n/web/legacy/keep.md @keep\n"
    assert owners(text, "web/a.md") == ["web"]
    assert owners(text, "a.md") == ["docs"]
    assert owners(text, "web/legacy/a.md") == []
    assert owners(text, "web/legacy/keep.md") == ["keep"]
    assert owners(text, "a.c") == []
    assert owners("web/ @a\nweb/ @b", "web/x") == ["b"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        # Both from GitHub's own list of errors.
        ("***/*.rb @monalisa", "has a pattern with ***"),
        ("*.txt docs@", "has an owner that is not @user, @org/team or an e-mail address"),
        ("!docs/* @x", "begins with !"),
        ("\\#docs @x", "begins with \\#"),
        ("[a-z].md @x", "has a pattern with a [ or ] that is not escaped"),
        ("pages/s/[org]/[repo]/index.tsx @x", "has a pattern with a [ or ] that is not escaped"),
        ("a] @x", "has a pattern with a [ or ] that is not escaped"),
        ("[Section]", "has a pattern with a [ or ] that is not escaped"),
        ("* @", "has an owner that is not"),
        ("* @x/", "has an owner that is not"),
        ("* @x/y/z", "has an owner that is not"),
        ("* @@maintainer", "has an owner that is not"),
        ("* @a@b", "has an owner that is not"),
        ("* x@localhost", "has an owner that is not"),
        ("* @x,@y", "has an owner that is not"),
        ("* @x#comment", "has an owner that is not"),
        ("* octocat", "has an owner that is not"),
        ("docs dir/ @x", "has an owner that is not"),
        ("/ @x", "names no path"),
        ("// @x", "names no path"),
        ("a\\/b @x", "names no path"),
        ("*\\/b @x", "names no path"),
        ("docs\\", "ends in a \\ that escapes nothing"),
    ],
)
def test_a_line_that_is_not_valid_is_passed_over(line: str, says: str) -> None:
    found = parsed(f"* @all\n\n{line}\n*.c @c\n")
    (warning,) = found.warnings
    assert warning.startswith(".github/CODEOWNERS has ")
    assert says in warning
    assert "(line 3)" in warning
    assert [each.identifier for each in found.services_at("docs/x")] == ["all"]
    assert [each.identifier for each in found.services_at("x.c")] == ["c"]


def test_many_paths() -> None:
    found = parsed(EXAMPLE)
    paths = ["scripts/a", "apps/github/a", "b.js", "a.js", "apps/x"]
    assert [each.identifier for each in found.services_of(paths)] == ["js-owner", "octocat", "doctocat"]
    assert found.services_of(paths) == found.services_of(reversed(paths))
    assert found.matched(paths) == ("scripts/a", "b.js", "a.js", "apps/x")


def test_an_empty_file_owns_nothing() -> None:
    for text in ("", "\n\n", "# nothing\n", "\ufeff"):
        assert parsed(text).warnings == ()
        assert parsed(text).services_of(["a", "b/c"]) == ()


def test_the_places_in_githubs_order() -> None:
    assert PLACES == (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")


def test_a_file_that_github_does_not_load() -> None:
    text = b"* @x\n" + b"#" * (TOO_LARGE - 6)
    assert parsed(text).services_at("a") != ()
    with pytest.raises(InvalidValue, match=r"^\.github/CODEOWNERS is 3 MB or larger"):
        parsed(text + b"#")
    with pytest.raises(InvalidValue, match=r"^\.github/CODEOWNERS is not UTF-8 \(line 2\)"):
        parsed(b"* @x\n\xff @y\n")


def test_more_rules_than_are_matched_in_two_seconds() -> None:
    text = "* @x\n\n# no rule\n" * 15_000
    assert parsed(text).services_at("a") != ()
    with pytest.raises(InvalidValue, match=r"^\.github/CODEOWNERS has more than 15,000 rules \(line 45001\)\. Combine"):
        parsed(f"{text}/web/ @web\n")


def test_more_globs_than_are_matched_in_two_seconds() -> None:
    text = "*a*b @x\nsrc/*.a*c @x\n/a/*/b/* @y\n" * 2_500
    assert parsed(text).services_at("axb") != ()
    with pytest.raises(
        InvalidValue, match=r"5,000 patterns with two `\*` between slashes \(line 7501\)\. Use one, as in"
    ):
        parsed(f"{text}a*b*c @x\n")


@pytest.mark.parametrize(
    ("pattern", "says"), [("x" * 4097, "of more than 4,096 bytes"), ("a/" * 101, "with more than 100 slashes")]
)
def test_a_pattern_beyond_the_bounds(pattern: str, says: str) -> None:
    with pytest.raises(
        InvalidValue, match=rf"^\.github/CODEOWNERS has a pattern {says} \(line 2\)\. Write a shorter one\.$"
    ):
        parsed(f"* @x\n{pattern} @y\n")
    assert owned(pattern[:-2], "none") is False


# --- the oracle -----------------------------------------------------------------------------------------------------


def fits(parts: list[str], names: list[str], *, below: bool) -> bool:
    """Say in the plainest way whether the parts lead to the path, or to a folder above it."""
    if not parts:
        return not names or below
    if parts[0] == "**":
        return any(fits(parts[1:], names[skipped:], below=below) for skipped in range(len(names) + 1))
    regex = "".join({"*": ".*", "?": "."}.get(letter) or re.escape(letter) for letter in parts[0])
    return bool(names) and re.fullmatch(regex, names[0]) is not None and fits(parts[1:], names[1:], below=below)


def plainly(pattern: str, path: str) -> bool:
    parts = pattern.strip("/").split("/")
    if "/" not in pattern.rstrip("/"):
        parts.insert(0, "**")
    if pattern.endswith("/") and parts[-1] == "**":
        parts.append("*")  # whatever is in a folder there
    if pattern.endswith("/") or parts[-1] == "**":
        parts.append("*")
        return fits(parts, path.split("/"), below=True)
    return fits(parts, path.split("/"), below=parts[-1] != "*")


patterns = st.builds(
    lambda root, parts, folder: root + "/".join(parts) + folder,
    st.sampled_from(["", "/"]),
    st.lists(st.sampled_from(["a", "b", "ab", "*", "**", "?", "a*", "*b", "*a*b"]), min_size=1, max_size=4),
    st.sampled_from(["", "/"]),
)
paths = st.lists(st.sampled_from(["a", "b", "ab", "aab", "c"]), min_size=1, max_size=5).map("/".join)


@settings(max_examples=200, deadline=None)
@given(st.lists(patterns, min_size=1, max_size=5), st.lists(paths, min_size=1, max_size=6))
def test_rules_are_as_the_oracle_has_them(rules: list[str], given_paths: list[str]) -> None:
    found = parsed("".join(f"{pattern} @{number}\n" for number, pattern in enumerate(rules)))
    for path in given_paths:
        mine = [str(number) for number, pattern in enumerate(rules) if plainly(pattern, path)]
        assert [each.identifier for each in found.services_at(path)] == mine[-1:], path


PIECES = (*"*?[]!#\\/ @.\n\t-a", "**", " @x", " @o/t", " a@b.c", "\ud800", "\r\n", "\x00", "\x85")


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(st.text(max_size=40), st.binary(max_size=40), st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
)
def test_any_text_is_read_or_wrong(text: bytes | str) -> None:
    try:
        found = parsed(text)
    except InvalidValue as error:
        said = str(error)
        assert re.fullmatch(r"\.github/CODEOWNERS .*\(line \d+\).*\.", said)
    else:
        assert all(re.fullmatch(r"\.github/CODEOWNERS .*\(line \d+\)\. .*\.", warning) for warning in found.warnings)
        assert all(each.identifier.isprintable() for each in found.services_of(["a", "a/a", "b"]))


# --- growth ---------------------------------------------------------------------------------------------------------


def test_stars_without_number_are_tried_once() -> None:
    """CODEOWNERS has no limit of stars; by backtracking this would not end."""
    assert not owned("*a" * 40 + "b", "a" * 20_000)
    assert owned("*a" * 40 + "b", "a" * 20_000 + "b")
    assert not owned("/".join(["**", "a"] * 40) + "/b", "a/" * 400 + "c")


@pytest.mark.parametrize(
    "line", ["* a@" + "." * 200_000 + "@", "* " + "a." * 100_000 + "@", "\\a" * 100_000 + "\\", " " * 200_000 + "a\\"]
)
def test_a_long_line_is_read_once(line: str) -> None:
    assert len(parsed(line).warnings) == 1


def test_rules_that_end_alike_cost_nothing() -> None:
    """Each is looked for by the piece of it that the fewest others have."""
    files = [f"app/{n}_controller.py" for n in range(5000, 5050)]

    def work(count: int) -> int:
        found = parsed("".join(f"*{n}_controller.py @o/t{n}\n/app/**/test_{n}*_spec.rb @x\n" for n in range(count)))
        return calls(lambda: found.services_of(files))

    work(100)  # compiles the globs
    assert work(1000) <= work(100) * 1.1


def test_rules_elsewhere_cost_nothing() -> None:
    files = [f"services/s{n}/main.py" for n in range(50)]

    def work(count: int) -> int:
        found = parsed(
            "".join(f"/services/s{n}/ @o/t{n}\n*.x{n} @x\n/services/s{n}/*_{n}_* @y\n" for n in range(count))
        )
        return calls(lambda: found.services_of(files))

    assert work(1000) <= work(100) * 1.1


@pytest.mark.parametrize(
    ("line", "owned", "others"),
    [
        ("**/ @a", ["a/b", "a/b/c"], ["README.md"]),
        ("X @a", ["X", "a/X"], ["x"]),
        ("X/ @a", ["X/a"], ["X", "x/a"]),
    ],
)
def test_whose_a_file_is(line: str, owned: list[str], others: list[str]) -> None:
    text = f"{line}\n"
    assert [owners(text, path) for path in (*owned, *others)] == [["a"]] * len(owned) + [[]] * len(others)


@pytest.mark.parametrize("pattern", ["a[b", "a]b", "[", "]"])
def test_either_bracket_has_to_be_escaped(pattern: str) -> None:
    assert "that is not escaped" in " ".join(parsed(f"{pattern} @a\n").warnings)

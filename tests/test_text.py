"""Whatever the text: it commands nothing, hides nothing, and is read back as it was meant."""

import html
import json
import re
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dx_action.text import (
    TooDeepError,
    attribute,
    code,
    escaped,
    join_names,
    json_line,
    markdown,
    one_line,
    parse_json,
    plural,
    quoted,
    slip,
    truncate,
)
from gfm import check_summary
from hostile import MARKUP, TEXT
from runner import read_command, read_lines
from thorough import times

many = settings(max_examples=300, deadline=None)

# One line.


@many
@given(TEXT)
@example("###[error]x")
@example("\u3000::error::x")
@example("::::")
@example("##[##[error]x")
def test_a_line_is_one_line_that_commands_nothing(text: str) -> None:
    line = one_line(text)
    assert read_lines(line) in ((line,), ())
    assert read_command(line) is None
    assert not [character for character in line if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")]
    assert not set(line) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u200e\u200f\ufeff")
    line.encode()


@many
@given(TEXT)
def test_what_is_inert_stays_as_it_is(text: str) -> None:
    assert one_line(one_line(text)) == one_line(text)


@many
@given(TEXT)
@example("”x“")
def test_what_is_quoted_ends_with_its_mark(text: str) -> None:
    found = quoted(text)
    assert (found[0], found.index("”")) == ("“", len(found) - 1)
    assert found[1:-1] == one_line(text).replace("”", '"')


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])).filter(lambda text: not {":", "#"} & set(text)))
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert one_line(text) == text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("two\nlines", "two\\nlines"),
        ("a\rb", "a\\rb"),
        ("a\tb", "a b"),
        ("\x1b[31mred", "\\u001b[31mred"),
        ("##[error]x", "# #[error]x"),
        (" ::error::x", ".  ::error::x"),
        ("a ::error::x", "a ::error::x"),
    ],
)
def test_what_it_looks_like(text: str, line: str) -> None:
    assert one_line(text) == line


@given(st.text(), st.integers(1, 50))
def test_short(text: str, longest: int) -> None:
    cut = truncate(text, longest)
    assert len(cut) <= longest
    assert cut == text or (cut.endswith("…") and text.startswith(cut[:-1]))


# The summary.


def shown(text: str) -> str:
    """Put the text wherever a summary has a foreign one."""
    return (
        f"### {escaped(text)}\n\n> [!NOTE]\n> {markdown(text)}\n>\n> {escaped(text)}\n> - {markdown(text)}\n\n"
        f"<table>\n<tr><td nowrap><samp>{escaped(text)}</samp></td><td>{code(text)}</td></tr>\n</table>\n\n"
        f'- {code(text)}: {escaped(text)}\n\nSource <a href="https://{attribute(text)}">{code(text)}</a>\n'
    )


@pytest.mark.parametrize("text", MARKUP)
def test_what_github_would_make_more_of_is_text(text: str) -> None:
    for each in (text, f"a {text} b", f"({text})", f"{text}, {text}", f"`{text}`", f"x{text}"):
        page = check_summary(shown(each))
        assert page.count["h3"] == page.count["blockquote"] == 1
        assert page.links[0][0] == f"https://{one_line(each)}"
        assert page.rows == [[one_line(each)] * 2]


@many
@given(st.lists(st.sampled_from(MARKUP) | TEXT, min_size=1, max_size=4).map("".join))
def test_text_of_others_is_text_and_nothing_else(text: str) -> None:
    page = check_summary(shown(text))
    assert page.rows == [[one_line(text)] * 2]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2025-01-01T12:05:00Z", "2025-01-01T12:05:00Z"),
        ("10:01:15", "10:01:15"),
        ("deadbe, a:b, GH, #a, :x, @", "deadbe, a:b, GH, &#35;a, :x, &#64;<span></span>"),
        ("312c5c6455a5802d", "312c5c<span></span>6455a5<span></span>802d"),
        ("a:b c", "a:b c"),
        ("10:01", "10:01"),
        ("#12", "&#35;<span></span>12"),
        ("$1", "<span>&#36;</span>1"),
        ("1.5", "&#49;.5"),
        ("a 1.5", "a 1.5"),
        (" a", "&#32;a"),
    ],
)
def test_no_more_is_done_than_is_needed(text: str, written: str) -> None:
    assert escaped(text) == written


def test_within_code_only_addresses_are_links() -> None:
    sha = "312c5c6455a5802d9eff8e65fbc68a516dd3a76d"
    for text in (sha, "12:tada:", "GH-12", "a/b:c"):
        assert code(text) == f"<code>{text}</code>"
    assert code("#1 $2") == "<code>&#35;1 &#36;2</code>"
    assert code("https://www.x.co a@b") == (
        "<code>https:<span></span>//www<span></span>.x.co a&#64;<span></span>b</code>"
    )


@many
@given(TEXT)
def test_prose_says_what_was_said(text: str) -> None:
    told = re.sub("</?code>", "`", re.sub("</?span>", "", markdown(text)))
    assert html.unescape(told) == one_line(text)


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("`service`", ["service"]),
        ("`on-conflict: update` and `a b, c`", ["on-conflict: update", "a b, c"]),
        (
            "`reference-id: github.com/job/38168200017/1cd94baefdd2`",
            ["reference-id: github.com/job/38168200017/1cd94baefdd2"],
        ),
        ("`deployed-at: 2025-01-01T00:00:00Z`", ["deployed-at: 2025-01-01T00:00:00Z"]),
        ("`<b>` or`a|b`, ` c `, `` and `", []),
        (f"`{'a' * 200}` `{'a' * 201}`", ["a" * 200]),
        (f"`{'a b ' * 19}abcd` `{'a b ' * 20}a`", [f"{'a b ' * 19}abcd"]),
    ],
)
def test_plain_words_in_backticks_become_code(text: str, codes: list[str]) -> None:
    assert re.findall("<code>(.*?)</code>", markdown(text)) == codes


PLAIN = st.text() | TEXT.map(lambda text: text.encode(errors="replace").decode())
JSON = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3))


@many
@given(JSON)
@example(["\u202e", "\U000e0041", "##[error]x", "\x7f", "\u2028"])
def test_json_in_a_line_is_the_same_json(value: object) -> None:
    line = json_line(json.dumps({"value": value}, ensure_ascii=False))
    assert one_line(line) == line
    assert json.loads(line) == {"value": value}


@pytest.mark.parametrize(("given", "cut"), [("a" * 500, "a" * 500), ("a" * 501, "a" * 499 + "…")])
def test_what_is_just_short_enough_is_left_whole(given: str, cut: str) -> None:
    assert truncate(given) == cut


@pytest.mark.parametrize(
    ("names", "most", "joined"),
    [
        ([], 3, ""),
        (["a", "b", "c"], 3, "a, b, c"),
        (["a", "b", "c"], 2, "a, b and 1 more"),
        (["a" * 81, "b"], 1, "a" * 79 + "… and 1 more"),
        ([*"abcdefghijkl"], 10, "a, b, c, d, e, f, g, h, i, j and 2 more"),
    ],
)
def test_names_are_joined_up_to_some(names: list[str], most: int, joined: str) -> None:
    assert join_names(names, most) == joined
    assert join_names([*"abcdefghij"]) == "a, b, c, d, e, f, g, h, i, j"


@pytest.mark.parametrize(
    ("count", "words", "text"),
    [
        (0, ("row",), "0 rows"),
        (1, ("row",), "1 row"),
        (2000, ("row",), "2,000 rows"),
        (1, ("entry", "entries"), "1 entry"),
        (2, ("entry", "entries"), "2 entries"),
    ],
)
def test_a_count_has_its_noun(count: int, words: tuple[str, ...], text: str) -> None:
    assert plural(count, *words) == text


@pytest.mark.parametrize(
    ("texts", "what"),
    [
        (('""', "''", "``", '"a"', "'a b'", "`a`", "“a”", "\u2018a\u2019"), "has quotes around it"),
        (("${{ x }}", "a-${{", "{{ x }}", "a{{b}}c"), "has an expression that was not evaluated"),
        (("$A", "$a_1", "${A}", "${a_1}"), "is a shell variable"),
        (
            ("null", "Undefined", "NIL", "NaN", "False", "[object Object]", "<no value>", "None"),
            "is what an expression without a value leaves behind",
        ),
    ],
)
def test_a_name_that_nobody_can_have_meant(texts: tuple[str, ...], what: str) -> None:
    for text in texts:
        found = slip(text)
        assert found is not None, text
        assert found[0].startswith(what), text


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            '"',
            "'",
            "`",
            "a",
            '"a',
            "a'",
            "\"a'",
            "“a“",
            "\u2018a",
            "{{",
            "}}",
            "a{{",
            "{{ a }",
            "${",
            "$",
            "$a-b",
            "a$A",
        ),
        *("${A", "$A}", "${A}b", "$é", "none", "NONE", "nulls", "true", "xnil", "<no value", "undefined-1"),
    ],
)
def test_a_name_that_may_be_one(text: str) -> None:
    assert slip(text) is None


# JSON.


@pytest.mark.parametrize(
    ("text", "deep"),
    [
        ("[" * 100 + "]" * 100, 100),
        ("[" * 101 + "]" * 101, 101),
        ('{"a": ' * 100 + "1" + "}" * 100, 100),
        ('{"a": ' * 101 + "1" + "}" * 101, 101),
        ('[{"a": ' * 50 + "1" + "}]" * 50, 100),
        ('[{"a": ' * 50 + "[1]" + "}]" * 50, 101),
        # Many, and none of them deep.
        (json.dumps([[{}]] * 1000), 3),
        (json.dumps({"[" * 200: "{" * 200}), 1),
        (json.dumps(['"' + "[" * 200, "\\" + "{" * 200, '\\"[']), 1),
        (f"{json.dumps(chr(92))[:-1]}\\", 0),
        ("[" + "[]," * 60 + "[" * 99 + "]" * 100, 100),
        ("[" + "[]," * 60 + "[" * 100 + "]" * 101, 101),
        ("[" + "{}," * 60 + "[" * 99 + "]" * 100, 100),
        ("[" + "{}," * 60 + "[" * 100 + "]" * 101, 101),
        # What is no JSON is looked through all the same.
        ("[" * 101, 101),
        ("]" * 10 + "[" * 111, 101),
        ("[" * 100_000, 100_000),
        ('{"a":' * 100_000, 100_000),
    ],
    ids=lambda value: repr(value)[:20],
)
@pytest.mark.parametrize("encoding", ["", "utf-8", "utf-8-sig", "utf-16", "utf-32-be"])
def test_json_is_read_to_a_hundred_levels(text: str, deep: int, encoding: str) -> None:
    given = text.encode(encoding) if encoding else text
    try:
        expected = json.loads(text) if deep <= 100 else None
    except ValueError:
        with pytest.raises(ValueError, match=r"Unterminated|Invalid"):
            parse_json(given)
        return
    if deep <= 100:
        assert parse_json(given) == expected
    if deep == 100:
        with pytest.raises(TooDeepError):
            parse_json(given, deepest=99)
    if deep > 100:
        with pytest.raises(TooDeepError):
            parse_json(given)


def test_json_is_read_with_the_hooks_that_are_given() -> None:
    assert parse_json('{"a": 1.0}', parse_float=str, object_pairs_hook=list) == [("a", "1.0")]


@settings(max_examples=times(300), deadline=None)
@given(
    st.recursive(
        st.text(max_size=4) | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=4), inner)
    )
)
def test_what_json_holds_is_read_whatever_its_depth_is_held_against(value: object) -> None:
    def depth(found: object) -> int:
        inner = list(found.values()) if isinstance(found, dict) else found if isinstance(found, list) else []
        return isinstance(found, list | dict) + max(map(depth, inner), default=0)

    text = json.dumps(value)
    assert parse_json(text, deepest=depth(value)) == value
    if depth(value):
        with pytest.raises(TooDeepError):
            parse_json(text, deepest=depth(value) - 1)

"""YAML as the action reads it: JSON's types, and what is written is what is read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dx_action.strict_yaml import read_yaml
from readers import ANY_TEXT, few, many, reads_or_refuses, shown, wrong

QUOTE = "Put the value in quotes."
BRACKET = "A bracket, a brace or a comma is missing, or there is one too many. If it belongs to a value, put the value in quotes."
INDENT = "The line is not indented as the lines that it belongs to. Correct its indentation."
BEFORE = "The line before is no `key: value`, or this one is indented too far. Correct it, or put the value in quotes."
TAB = "A tab is where YAML allows only spaces. Indent with spaces."
STAR = "A key or a value begins with `*` or `&`. Put it in quotes."
ESCAPE = "A backslash in double quotes begins no escape that YAML has. Use single quotes."
OPEN = "A quote is opened and not closed, or a value has a quote inside. Check the quotes."
AFTER = "Text follows a value that is complete, such as one in quotes. Put the whole value in quotes."
PERCENT = "A line begins with `%`. Remove it, or put the value in quotes."
BLOCK = "Text follows `|` or `>`. Begin the value on the next line, or put it in quotes."
MIDDLE = "A list or a key begins in the middle of a line. Begin it on a new line, or put the value in quotes."


def test_yaml_may_be_a_hundred_levels_deep() -> None:
    assert read_yaml("[" * 100 + "]" * 100)[0]
    assert read_yaml("- [a]\n" * 300)[0] == [["a"]] * 300
    assert "is nested too deeply (line 1)" in wrong(read_yaml, "[" * 101 + "]" * 101)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\n? *b\n: 2", "uses an alias (line 2). Write the value out, or put it in quotes if it is text."),
        ("a: 1\n!!str b: 2", "uses a tag (line 2). If the value is text, put it in quotes."),
        # PyYAML has read on by then.
        (
            "[-\n",
            f"is not valid YAML (line 1). {BRACKET}",
        ),
    ],
)
def test_the_line_of_what_is_wrong(text: str, says: str) -> None:
    assert wrong(read_yaml, text) == says


@pytest.mark.parametrize(
    ("text", "line", "cause"),
    [
        *((text, 1, f"A value has a colon with a space after it. {QUOTE}") for text in ("a: b: c", "title: feat: x")),
        ("a: 1\nb: 2\ntitle: feat: x", 3, f"A value has a colon with a space after it. {QUOTE}"),
        *((text, 2, BEFORE) for text in ("a: 1\n  b: 2", "a\nb: 1", "a:b\nc: d")),
        *((text, 2, TAB) for text in ("a:\n\tb: 1", "a: 1\n\tb: 2", "a: [b\n\tc]", "a: >\n\tx")),
        ("\ta: 1", 1, TAB),
        *(
            (f"a: {text}", 1, f"A value begins with a character that YAML reserves. {QUOTE}")
            for text in ("@x", "`x`", "%x")
        ),
        *((text, 1, BRACKET) for text in ("web: [a, b", "{a: 1", "a: ]", "a: }", "a: ,b", "{a: 1, b: 2]", "[a, b}")),
        ("web: [a\napi: [b]", 2, BRACKET),
        ('{"a": 1 "b": 2}', 1, BRACKET),
        ("a: [${{ x }}]", 1, BRACKET),
        (
            "web: [a]]",
            1,
            "A bracket or a brace is closed that was not opened. If it belongs to a value, put the value in quotes.",
        ),
        *((text, 1, OPEN) for text in ("a: 'x", '{"a": "b}')),
        ('a: "x\nb: 1', 2, OPEN),
        *((text, 1, AFTER) for text in ('a: "b" c', "a: 'b'c")),
        *((text, 1, ESCAPE) for text in ('a: "\\q"', 'a: "\\u12"', 'a: "C:\\dir"')),
        ('a: "\\UFFFFFFFF"', 1, "An escape in double quotes is no character. Use single quotes."),
        *((text, 1, STAR) for text in ("*.js: x", "*/x: y", "a: *", "a: &")),
        ("a: !<x", 1, "A key or a value begins with `!`. Put it in quotes."),
        *((text, 2, INDENT) for text in ("- a\nb: 1", "a: 1\n- b", "  a: 1\n b: 2")),
        ("a:\n  b: 1\n c: 2", 3, INDENT),
        ("a: 1\nb", 2, "The line is no `key: value`. Write a colon with a space after it."),
        *((text, 1, MIDDLE) for text in ("a: - b", "a: ? b")),
        *((text, 1, BLOCK) for text in ("a: |x\n b", "a: |9x\n b")),
        ("a: 1\n---\nb: 2", 2, "There are several documents. Keep one, without `---`."),
        *((text, 1, PERCENT) for text in ("%YAML 3.0\n---\n", "%TAG x")),
        *((f"a: {text}", 1, "A control character is in the text. Remove it.") for text in ("\x07", "\ufffe")),
    ],
    ids=shown,
)
def test_the_cause_of_what_is_not_yaml(text: str, line: int, cause: str) -> None:
    assert wrong(read_yaml, text) == f"is not valid YAML (line {line}). {cause}"


def test_the_billion_laughs_are_not_laughed() -> None:
    bomb = "a0: &a0 x\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
    assert "uses an alias (line 2)" in wrong(read_yaml, bomb)


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("", None),
        ("0", 0),
        ("-7", -7),
        ("1699999999", 1699999999),
        ("9" * 400, int("9" * 400)),
        ("1.5", 1.5),
        ("-0.0", -0.0),
        ("1e+16", 1e16),
        *(
            (text, text)
            for text in (
                *("True", "FALSE", "yes", "no", "on", "off", "Null", "~", "None"),
                *("1.10", "1.0.0", "0123456", "0x1F", "0o17", "0b1", "1_000", "+1", "-0", ".5", "5.", "1e5", "1E+16"),
                *("nan", "inf", "-inf", ".nan", ".inf", "Infinity", "1e999", "١٢"),
                *("2025-01-01", "2025-01-01T12:05:00Z", "12:30:45", "v1.2.3", "9007199254740993.0", "<<", "="),
            )
        ),
        ('"true"', "true"),
        ("'1'", "1"),
        ("|-\n  1", "1"),
        (">-\n  true", "true"),
        ('""', ""),
    ],
    ids=shown,
)
def test_yaml_scalars(scalar: str, value: object) -> None:
    found = read_yaml(f"a: {scalar}\n")[0]["a"]
    assert (type(found), repr(found)) == (type(value), repr(value))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("# nothing\n", None),
        ("1: a\ntrue: b\n? \n: c", {"1": "a", "true": "b", "": "c"}),
        ("- 1\n- [a, {b: c}]", [1, ["a", {"b": "c"}]]),
        ("<<: {a: 1}\nb: 2", {"<<": {"a": 1}, "b": 2}),
        ("web: &unused [a]", {"web": ["a"]}),
    ],
    ids=shown,
)
def test_yaml(text: str, expected: object) -> None:
    assert read_yaml(text)[0] == expected


@few
@given(st.text("0123456789.eE+-_xonaftruls", min_size=1, max_size=8).filter(lambda text: text.strip("-.") != ""))
def test_a_yaml_scalar_reads_back_as_written(text: str) -> None:
    found = read_yaml(f"a:\n- {text}\n")[0]["a"][0] if not text.startswith("- ") else text
    assert (found if isinstance(found, str) else json.dumps(found)) == text


@many
@given(ANY_TEXT)
def test_any_text_is_read_or_wrong(text: str) -> None:
    reads_or_refuses(read_yaml, text)

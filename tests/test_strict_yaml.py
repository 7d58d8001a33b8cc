"""YAML as the action reads it: JSON's types, and what is written is what is read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dx_action.strict_yaml import read_yaml
from readers import ANY_TEXT, few, many, reads_or_refuses, shown, wrong


def test_yaml_may_be_a_hundred_levels_deep() -> None:
    assert read_yaml("[" * 100 + "]" * 100)[0]
    assert read_yaml("- [a]\n" * 300)[0] == [["a"]] * 300
    assert "is nested too deeply (line 1)" in wrong(read_yaml, "[" * 101 + "]" * 101)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\n? *b\n: 2", "uses an alias (line 2). Write the value out."),
        ("a: 1\n!!str b: 2", "uses a tag (line 2). If the value is text, put it in quotes."),
        # PyYAML has read on by then.
        ("[-\n", "is not valid YAML (line 1)."),
    ],
)
def test_the_line_of_what_is_wrong(text: str, says: str) -> None:
    assert wrong(read_yaml, text) == says


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

"""What `metadata` may be."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dx_action.inputs.metadata import parse_metadata
from readers import ANY_TEXT, few, many, reads_or_refuses, shown, wrong


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"version": "v1.11.23"}', {"version": "v1.11.23"}),
        (' {"a": [1, 2.5, true, null, {"b": "c"}]} ', {"a": [1, 2.5, True, None, {"b": "c"}]}),
        (' {"a": 1.10}', {"a": 1.1}),
        ("{}", {}),
        ('{"a": 1,}', {"a": 1}),
        ("{a: b, c: 1.10}", {"a": "b", "c": "1.10"}),
        ("version: v1.11.23", {"version": "v1.11.23"}),
        ("commit_timestamp: 1699999999", {"commit_timestamp": 1699999999}),
        ("a:\n  b: [1, x]\n  c:\n    - true\n", {"a": {"b": [1, "x"], "c": [True]}}),
        ("# only a comment\na: 1", {"a": 1}),
        ('a: "\\u00e9"', {"a": "é"}),
    ],
    ids=shown,
)
def test_metadata(text: str, expected: dict[str, Any]) -> None:
    found = parse_metadata(text)
    assert json.dumps(found) == json.dumps(expected)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not an object"),
        ("words", "is not an object"),
        ("- a\n- b", "is not an object"),
        ("42", "is not an object"),
        ('"a: b"', "is not an object"),
        ("[1, 2]", "is not an object"),
        ('{"a": 1, "a": 1}', "has the same key twice"),
        ('{"a": {"b": 1, "b": 2}}', "has the same key twice"),
        ("a: 1\na: 1", "has the same key twice (line 2). Keep one of them."),
        ('{"a": NaN}', "contains NaN or Infinity"),
        ('{"a": -Infinity}', "contains NaN or Infinity"),
        ('{"a": 1e999}', "too large for JSON"),
        ('{"a": ' * 100_000, "is nested too deeply"),
        ('{"a": ' * 101 + "1" + "}" * 101, "is nested too deeply. Write at most 100 levels."),
        ('{"a": ' + "[" * 100 + "]" * 100 + "}", "is nested too deeply. Write at most 100 levels."),
        ("{a: " * 101 + "1" + "}" * 101, "is nested too deeply"),
        ('{"a": "\\ud800"}', "not valid Unicode"),
        ('{"\\ud800": 1}', "not valid Unicode"),
        ('a: "\\ud800"', "not valid Unicode"),
        ("a: b: c", "is not valid YAML (line 1)"),
        (
            "title: feat: x",
            "is not valid YAML (line 1). A value has a colon with a space after it. Put the value in quotes.",
        ),
        ("a: 1\n\tb: 2", "is not valid YAML (line 2)"),
        ("{a: 1", "is not valid YAML"),
        ("a: 1\n---\nb: 2", "is not valid YAML (line 2)"),
        ("a: \x07", "is not valid YAML (line 1)"),
        ("a: 1\nb: 2\nc: \x07", "is not valid YAML (line 3)"),
        ('a: 1\nb: "\\UFFFFFFFF"\nc: 3', "is not valid YAML (line 2)"),
        ('a: "\\U00110000"', "is not valid YAML"),
        (f"%YAML 1.{'1' * 5000}\n---\na: 1", "is not valid YAML"),
        (f"a: {'[' * 100_000}", "is nested too deeply (line 1). Write at most 100 levels."),
        ("- " * 5000, "is nested too deeply (line 1). Write at most 100 levels."),
        ("a: &x 1\nb: *x", "uses an alias (line 2)"),
        ("a: 1\nb: !!str 3", "uses a tag (line 2)"),
        ("a: !!python/object/apply:os.system [ls]", "uses a tag (line 1)"),
        ("!!map {a: 1}", "uses a tag (line 1)"),
        ("a: ! 3", "uses a tag (line 1)"),
        (
            "? [a]\n: 1",
            "has a key that is not text (line 1). If braces or brackets belong to a value, put it in quotes.",
        ),
        (
            "name: {{ x }}",
            "has a key that is not text (line 1). If braces or brackets belong to a value, put it in quotes.",
        ),
        (
            "{a: 1, {b: 2}: 3}",
            "has a key that is not text (line 1). If braces or brackets belong to a value, put it in quotes.",
        ),
    ],
    ids=shown,
)
def test_no_metadata(text: str, says: str) -> None:
    assert says in wrong(parse_metadata, text)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@few
@given(st.dictionaries(st.text(), values, max_size=5), st.booleans(), st.sampled_from([None, 2]))
def test_metadata_round_trips_as_json(found: dict[str, Any], escaped: bool, indent: int | None) -> None:
    read = parse_metadata(json.dumps(found, ensure_ascii=escaped, indent=indent))
    assert json.dumps(read) == json.dumps(found)


@many
@given(ANY_TEXT)
def test_any_text_is_read_or_wrong(text: str) -> None:
    reads_or_refuses(parse_metadata, text)

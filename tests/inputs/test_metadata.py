"""What `metadata` may be."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dx_action.inputs.metadata import COMMIT_KEY, FIRST_KEY, json_value, parse_facts, parse_metadata
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


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("rollback", ("rollback",)),
        ("Pull_Requests, ROLLBACK, pull_requests", ("pull_requests", "rollback")),
        ('["started_at"]', ("started_at",)),
    ],
)
def test_facts(text: str, facts: tuple[str, ...]) -> None:
    assert parse_facts(text) == facts


@pytest.mark.parametrize("text", ["rollback, version", "version", "started-at"])
def test_no_facts(text: str) -> None:
    assert wrong(parse_facts, text) == "has an item that is none of `rollback`, `pull_requests`, `started_at`."


def test_the_keys_of_lead_times_are_those_of_dx() -> None:
    assert (COMMIT_KEY, FIRST_KEY) == ("commit_timestamp", "first_commit_timestamp")


@pytest.mark.parametrize("deepest", [1, 2, 100])
def test_json_is_as_deep_as_it_may_be(deepest: int) -> None:
    assert json_value("[" * deepest + "]" * deepest, deepest=deepest) is not None
    assert "is nested too deeply" in wrong(
        lambda text: json_value(text, deepest=deepest), "[" * (deepest + 1) + "]" * (deepest + 1)
    )


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

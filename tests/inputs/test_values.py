"""The forms of single values: each as a table, and what holds for any text as a property."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dx_action.errors import InvalidValue
from dx_action.inputs import values as forms
from dx_action.inputs.filters import matches_branch, matches_environment
from dx_action.inputs.hosts import DxHost, parse_host
from dx_action.inputs.lists import items, texts
from dx_action.inputs.metadata import parse_metadata
from dx_action.inputs.paths import parse_path
from dx_action.inputs.services import parse_services, payload_services
from dx_action.inputs.times import iso, parse_time
from dx_action.services.service import Service
from dx_action.strict_yaml import read_yaml

few = settings(max_examples=100, deadline=None)


def shown(value: object) -> str:
    return repr(value)[:50]


def wrong(read: Callable[[Any], object], value: Any) -> str:
    with pytest.raises(InvalidValue) as caught:
        read(value)
    return str(caught.value)


# --- any text -------------------------------------------------------------------------------------------------------

READERS: list[Callable[[str], object]] = [
    parse_host,
    parse_time,
    items,
    texts,
    parse_services,
    parse_metadata,
    read_yaml,
    parse_path,
]
PIECES = (
    *"{}[]:,-?!&*#|>%@`\"'\\/=.~ \n\r\t\x00\x85\u2028\ud800",
    *(
        "a: ",
        "- ",
        "https://",
        "http://",
        "127.0.0.1",
        "[::1]",
        ":80",
        "..",
        ".git",
        "a",
        "true",
        "null",
        "NaN",
        "1e999",
    ),
    *(
        "2025-01-01",
        "T12:05:00",
        "Z",
        "+99:99",
        "0000-00-00",
        "1" * 13,
        "9" * 400,
        "8" * 5000,
        "\\U",
        "FFFFFFFF",
        "\\ud800",
    ),
    *("!!str ", "&x ", "*x", "<<", "|2", "---", "%YAML 1.", '{"a":', "[" * 150),
)


def refusal(read: Callable[[str], object], text: str) -> str:
    try:
        read(text)
    except InvalidValue as error:
        return str(error)
    return "Fine."


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=8).map("".join)))
def test_any_text_is_read_or_wrong(text: str) -> None:
    for read in READERS:
        for value in (text, f"s3cr3t{text}", f"{text}s3cr3t"):
            said = refusal(read, value)
            assert "s3cr3t" not in said, read
            assert said.endswith("."), read


# --- hosts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("acme", "https://acme.getdx.net"),
        ("acme/", "https://acme.getdx.net"),
        ("Acme-2", "https://acme-2.getdx.net"),
        ("a", "https://a.getdx.net"),
        ("acme.getdx.net", "https://acme.getdx.net"),
        ("ACME.GetDX.net", "https://acme.getdx.net"),
        ("acme.getdx.net.", "https://acme.getdx.net."),
        ("acme.getdx.net/", "https://acme.getdx.net"),
        ("acme.getdx.net:8443", "https://acme.getdx.net:8443"),
        ("https://acme.getdx.net", "https://acme.getdx.net"),
        ("HTTPS://Acme.getdx.net/", "https://acme.getdx.net"),
        ("https://dx", "https://dx"),
        ("https://dx:8443", "https://dx:8443"),
        ("https://10.0.0.7:8443/", "https://10.0.0.7:8443"),
        ("10.0.0.7", "https://10.0.0.7"),
        ("https://[2001:db8::7]:8443", "https://[2001:db8::7]:8443"),
    ],
    ids=shown,
)
def test_hosts(text: str, base: str) -> None:
    assert parse_host(text) == DxHost(base, loopback=False)


@pytest.mark.parametrize(
    "text",
    [
        "http://localhost:8080",
        "http://127.0.0.1:8080",
        "http://127.8.9.10",
        "http://[::1]:8080",
        "https://localhost",
        "https://127.0.0.1:8443",
    ],
)
def test_loopback_hosts(text: str) -> None:
    assert parse_host(text) == DxHost(text, loopback=True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("http://acme.getdx.net", "is plain http"),
        ("http://10.0.0.7", "is plain http"),
        ("http://localhost.evil.example", "is plain http"),
        ("http://127.0.0.1.evil.example", "is plain http"),
        ("ftp://acme.getdx.net", "has a scheme other than https"),
        ("file:///etc/passwd", "holds more than a host"),
        ("https://acme.getdx.net/api", "holds more than a host"),
        ("https://acme.getdx.net//", "holds more than a host"),
        ("https://acme.getdx.net?x=1", "holds more than a host"),
        ("https://acme.getdx.net?", "holds more than a host"),
        ("https://acme.getdx.net/#", "holds more than a host"),
        ("https://acme.getdx.net#top", "holds more than a host"),
        ("https://me@acme.getdx.net", "holds more than a host"),
        ("https://me:pass@acme.getdx.net", "holds more than a host"),
        ("https://acme.getdx.net@evil.example", "holds more than a host"),
        ("https://acme.getdx.net\\@evil.example", "holds more than a host"),
        ("https://", "is not a host"),
        ("https://:8443", "is not a host"),
        ("https://acme.getdx.net:", "is not a host"),
        ("https://acme.getdx.net:0", "is not a host"),
        ("https://acme.getdx.net:65536", "is not a host"),
        ("https://acme.getdx.net:https", "is not a host"),
        ("https://[::1", "is not a host"),
        ("https://-acme.getdx.net", "is not a host"),
        ("https://acme..net", "is not a host"),
        (f"https://{'a' * 64}.net", "is not a host"),
        ("acme_dev", "is not a host"),
        ("https://${DX_HOST}", "is not a host"),
        ("acme:8443", "is a bare name with a port"),
        ("localhost", "names this machine without a scheme"),
        ("LocalHost", "names this machine without a scheme"),
        ("acme getdx net", "has a character that no host has"),
        ("acme.getdx.net\n.evil.example", "has a character that no host has"),
        ("acmé.getdx.net", "has a character that no host has"),
    ],
    ids=shown,
)
def test_no_hosts(text: str, words: str) -> None:
    assert words in wrong(parse_host, text)


# --- times ----------------------------------------------------------------------------------------------------------

NOON = datetime(2025, 1, 1, 12, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-01-01T12:05:00Z", NOON),
        ("2025-01-01t12:05:00z", NOON),
        ("2025-01-01 12:05:00Z", NOON),
        ("2025-01-01 12:05:00 +00:00", NOON),
        ("2025-01-01T12:05Z", NOON),
        ("2025-01-01T13:05:00+01:00", NOON),
        ("2025-01-01T13:05:00+0100", NOON),
        ("2025-01-01T13:05:00+01", NOON),
        ("2024-12-31T23:35:00-12:30", NOON),
        ("2025-01-01T12:05:00-00:00", NOON),
        ("2025-01-01T12:05:00.5Z", NOON.replace(microsecond=500_000)),
        ("2025-01-01T12:05:00,25Z", NOON.replace(microsecond=250_000)),
        ("2025-01-01T12:05:00.123456789Z", NOON.replace(microsecond=123_456)),
        ("1735733100", NOON),
        ("1735733100007", NOON.replace(microsecond=7_000)),
        ("2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC)),
    ],
    ids=shown,
)
def test_times(text: str, moment: datetime) -> None:
    found = parse_time(text)
    assert (found, found.tzinfo) == (moment, UTC)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2025-01-01T12:05:00", "has no time zone"),
        ("2025-01-01 12:05", "has no time zone"),
        ("2025-01-01", "is not a time"),
        ("2025-01-01Z", "is not a time"),
        ("2025-01-01T12Z", "is not a time"),
        ("2025-01-01T12:05.5Z", "is not a time"),
        ("2025-01-01T12:05:00 UTC", "is not a time"),
        ("2025-01-01T12:05:00Z.", "is not a time"),
        ("01/02/2025 12:05:00Z", "is not a time"),
        ("Wed, 01 Jan 2025 12:05:00 GMT", "is not a time"),
        ("now", "is not a time"),
        ("", "is not a time"),
        ("-1735733100", "is not a time"),
        ("1735733100.5", "is not a time"),
        ("١٧٣٥٧٣٣١٠٠", "is not a time"),
        ("2025", "neither 10 digits"),
        ("20250101", "neither 10 digits"),
        ("173573310", "neither 10 digits"),
        ("17357331000", "neither 10 digits"),
        ("1735733100000000", "neither 10 digits"),
        ("2025-02-29T12:05:00Z", "does not exist"),
        ("2025-01-01T25:00:00Z", "does not exist"),
        ("2025-01-01T12:60:00Z", "does not exist"),
        ("2025-01-01T12:05:00+99:00", "does not exist"),
        ("0000-01-01T12:05:00Z", "does not exist"),
        ("0001-01-01T00:00:00+05:00", "does not exist"),
        ("9999-12-31T23:00:00-05:00", "does not exist"),
    ],
    ids=shown,
)
def test_no_times(text: str, words: str) -> None:
    assert words in wrong(parse_time, text)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOON, "2025-01-01T12:05:00Z"),
        (NOON.replace(microsecond=250_000), "2025-01-01T12:05:00.250Z"),
        (NOON.replace(microsecond=1), "2025-01-01T12:05:00.000001Z"),
        (datetime(2025, 1, 1, 1, 5, tzinfo=timezone(timedelta(hours=-11))), "2025-01-01T12:05:00Z"),
    ],
    ids=["seconds", "milliseconds", "microseconds", "another zone"],
)
def test_iso(moment: datetime, text: str) -> None:
    assert iso(moment) == text


FIRST, LAST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC)
minutes_off = st.integers(-23 * 60, 23 * 60)


@few
@given(st.datetimes(FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None)), minutes_off)
def test_times_round_trip(wall: datetime, minutes: int) -> None:
    moment = wall.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert parse_time(moment.isoformat()) == moment
    assert parse_time(iso(moment)) == moment
    assert iso(parse_time(iso(moment))) == iso(moment)


@few
@given(st.integers(10**9, 10**10 - 1), st.integers(0, 999))
def test_unix_times(seconds: int, milliseconds: int) -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert parse_time(str(seconds)) == epoch + timedelta(seconds=seconds)
    assert parse_time(f"{seconds}{milliseconds:03}") == epoch + timedelta(seconds=seconds, milliseconds=milliseconds)


# --- lists ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one", ("one",)),
        ("one,two", ("one", "two")),
        (" one , , two ,", ("one", "two")),
        ("one\ntwo", ("one", "two")),
        ("one\r\n\r\n  two\r\n", ("one", "two")),
        ("one, still one\ntwo", ("one, still one", "two")),
        ("one\rtwo", ("one", "two")),
        ('["one", "two"]', ("one", "two")),
        ('[\n  " one ",\n  "two, still two"\n]\n', ("one", "two, still two")),
        ("two,one,two", ("two", "one")),
        ("-one\n--two\n-,-", ("-one", "--two", "-,-")),
        ('["- one", "two,", "-"]', ("- one", "two,", "-")),
        ('["one", "one "]', ("one",)),
        ('\n ["one", "two"]', ("one", "two")),
    ],
    ids=shown,
)
def test_texts(text: str, expected: tuple[str, ...]) -> None:
    assert texts(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is an empty list"),
        (" \n\r\n", "is an empty list"),
        (",,", "is an empty list"),
        ("[]", "is an empty list"),
        ("[one]", "starts like a JSON array and is none"),
        ('["one",]', "starts like a JSON array and is none"),
        ('["one"] ["two"]', "starts like a JSON array and is none"),
        ("[" * 100_000, "starts like a JSON array and is none"),
        ('{"one", "two"}', "is a list in braces"),
        ('[" "]', "has an item that is not text"),
        ("[1]", "has an item that is not text"),
        ('["one", null]', "has an item that is not text"),
        ('[["one"]]', "has an item that is not text"),
        ("- one\n- two", "has an item that begins with `- `"),
        ("one\n-", "has an item that begins with `- `"),
        ("one,\ntwo", "or ends in a comma"),
    ],
    ids=shown,
)
def test_no_texts(text: str, words: str) -> None:
    assert words in wrong(texts, text)


def test_items_may_be_any_json() -> None:
    assert items('["a", {"b": 1}, null]') == ("a", {"b": 1}, None)
    assert items(" a , b ") == ("a", "b")


words = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp", "Zs")), min_size=1, max_size=8)


@few
@given(st.lists(words, min_size=2, max_size=5, unique=True))
def test_lists_round_trip(found: list[str]) -> None:
    assert texts(json.dumps(found)) == tuple(found)
    if not found[0].startswith(("[", "{")) and not any(each == "-" or each.endswith(",") for each in found):
        assert texts("\n".join(found)) == tuple(found)
        if not any("," in each for each in found):
            assert texts(", ".join(found)) == tuple(found)


# --- services -------------------------------------------------------------------------------------------------------

WEB, API = Service("web", "Web App"), Service("api")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("api", (API,)),
        ("web=Web App", (WEB,)),
        (" web = Web App ", (WEB,)),
        ("web=Web=App", (Service("web", "Web=App"),)),
        ("api,web=Web App", (API, WEB)),
        ("api, other", (API, Service("other"))),
        ("web=Web App\napi\n", (WEB, API)),
        ("web=Web, App\napi", (Service("web", "Web, App"), API)),
        ("api, other\nweb=Web App", (Service("api, other"), WEB)),
        ('["api", "web=Web App"]', (API, WEB)),
        ('["web=Web, App"]', (Service("web", "Web, App"),)),
        ('[{"identifier": "web", "name": "Web App"}, "api"]', (WEB, API)),
        ('{"identifier": " web ", "name": " Web App "}', (WEB,)),
        ('{"identifier": "api", "name": null}', (API,)),
        ('{"identifier": "api", "name": " "}', (API,)),
        ('{"identifier": "api"}', (API,)),
        ('{"identifier": "web", "name": "A=B, C"}', (Service("web", "A=B, C"),)),
        ('\n ["web=A, B"]', (Service("web", "A, B"),)),
        ("api\napi\nweb=Web App\napi", (API, WEB)),
        ("team/päyments (eu)", (Service("team/päyments (eu)"),)),
    ],
    ids=shown,
)
def test_services(text: str, expected: tuple[Service, ...]) -> None:
    assert parse_services(text) == expected
    assert payload_services(text) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is an empty list"),
        (",", "is an empty list"),
        ("web=Web App, api", "has a comma after `=`"),
        ("api, web=Web, App", "has a comma after `=`"),
        ("web=", "nothing after `=`"),
        ("=Web App", "without an identifier"),
        ('[""]', "without an identifier"),
        ("web=Web App\nweb=Other", "names one service twice with different names"),
        ("web\nweb=Web App", "names one service twice with different names"),
        ("we\tb", "control character"),
        ("web=Web\x1bApp", "control character"),
        ('["we\\nb"]', "control character"),
        ('["web=Web\\u2028App"]', "control character"),
        ('["\\ud800"]', "control character"),
        ("[1]", "neither a text nor an object"),
        ('[["web"]]', "neither a text nor an object"),
        ("[null]", "neither a text nor an object"),
        ('{"name": "Web App"}', "neither a text nor an object"),
        ('{"identifier": 1}', "neither a text nor an object"),
        ('{"identifier": "web", "name": 1}', "neither a text nor an object"),
        ('{"identifier": "web", "tier": "1"}', "neither a text nor an object"),
        ('{"identifier": " "}', "without an identifier"),
        ("[web]", "starts like a JSON array"),
        ('{"identifier": "web"', "starts like a JSON array"),
        ("[]", "is an empty list"),
    ],
    ids=shown,
)
def test_no_services(text: str, says: str) -> None:
    assert says in wrong(parse_services, text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"identifier": "web", "name": "Web App"}, (WEB,)),
        ([{"identifier": "web", "name": "Web App"}, "api"], (WEB, API)),
        (["api", "api"], (API,)),
    ],
    ids=shown,
)
def test_services_of_a_payload(value: object, expected: tuple[Service, ...]) -> None:
    assert payload_services(value) == expected


@pytest.mark.parametrize(
    "value", [5, True, [None], [[]], [], {}, {"identifier": None}, "a=b, c", ["\ud800"]], ids=shown
)
def test_no_services_of_a_payload(value: object) -> None:
    assert "Write identifier" in wrong(payload_services, value)


def test_a_service_as_json() -> None:
    assert [WEB.as_json(), API.as_json()] == [{"identifier": "web", "name": "Web App"}, {"identifier": "api"}]


# --- metadata and YAML ----------------------------------------------------------------------------------------------


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
        ("a: 1\na: 1", "has the same key twice (line 2)"),
        ('{"a": NaN}', "holds NaN or Infinity"),
        ('{"a": -Infinity}', "holds NaN or Infinity"),
        ('{"a": 1e999}', "too large for JSON"),
        ('{"a": ' * 100_000, "is nested too deeply"),
        ('{"a": "\\ud800"}', "not valid Unicode"),
        ('{"\\ud800": 1}', "not valid Unicode"),
        ('a: "\\ud800"', "not valid Unicode"),
        ("a: b: c", "is not YAML that can be read (line 1)"),
        ("a: 1\n\tb: 2", "is not YAML that can be read (line 2)"),
        ("{a: 1", "is not YAML that can be read"),
        ("a: 1\n---\nb: 2", "is not YAML that can be read (line 2)"),
        ("a: \x07", "is not YAML that can be read (line 1)"),
        ("a: 1\nb: 2\nc: \x07", "is not YAML that can be read (line 3)"),
        ('a: 1\nb: "\\UFFFFFFFF"\nc: 3', "is not YAML that can be read (line 2)"),
        ('a: "\\U00110000"', "is not YAML that can be read"),
        (f"%YAML 1.{'1' * 5000}\n---\na: 1", "is not YAML that can be read"),
        (f"a: {'[' * 100_000}", "is nested too deeply (line 1)"),
        ("- " * 5000, "is nested too deeply (line 1)"),
        ("a: &x 1\nb: *x", "uses an alias (line 2)"),
        ("a: 1\nb: !!str 3", "uses a tag (line 2)"),
        ("a: !!python/object/apply:os.system [ls]", "uses a tag (line 1)"),
        ("!!map {a: 1}", "uses a tag (line 1)"),
        ("a: ! 3", "uses a tag (line 1)"),
        ("? [a]\n: 1", "has a key that is not text (line 1)"),
        ("{a: 1, {b: 2}: 3}", "has a key that is not text (line 1)"),
    ],
    ids=shown,
)
def test_no_metadata(text: str, says: str) -> None:
    assert says in wrong(parse_metadata, text)


def test_yaml_may_be_a_hundred_levels_deep() -> None:
    assert read_yaml("[" * 100 + "]" * 100)
    assert read_yaml("- [a]\n" * 300) == [["a"]] * 300
    assert "is nested too deeply (line 1)" in wrong(read_yaml, "[" * 101 + "]" * 101)


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
    found = read_yaml(f"a: {scalar}\n")["a"]
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
    assert read_yaml(text) == expected


@few
@given(st.text("0123456789.eE+-_xonaftruls", min_size=1, max_size=8).filter(lambda text: text.strip("-.") != ""))
def test_a_yaml_scalar_reads_back_as_written(text: str) -> None:
    found = read_yaml(f"a:\n- {text}\n")["a"][0] if not text.startswith("- ") else text
    assert (found if isinstance(found, str) else json.dumps(found)) == text


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


# --- paths ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("failed.jsonl", "failed.jsonl"),
        ("out/failed.jsonl", "out/failed.jsonl"),
        ("./out//failed.jsonl", "out/failed.jsonl"),
        ("/github/workspace/out/failed.jsonl", "out/failed.jsonl"),
        (".github/dx.yml", ".github/dx.yml"),
        (".gitignore", ".gitignore"),
        ("my.git/x", "my.git/x"),
        ("a..b/..c", "a..b/..c"),
        ("mit Umlaut/ä b.csv", "mit Umlaut/ä b.csv"),
        ("~/x", "~/x"),
    ],
    ids=shown,
)
def test_paths(text: str, expected: str) -> None:
    assert parse_path(text) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("/etc/passwd", "is an absolute path"),
        ("/home/runner/work/shop/shop/x", "is an absolute path"),
        ("//github/workspace/x", "is an absolute path"),
        ("/github/workspaces/x", "is an absolute path"),
        ("..", "leads out of the workspace"),
        ("../x", "leads out of the workspace"),
        ("a/../x", "leads out of the workspace"),
        ("/github/workspace/../home/x", "leads out of the workspace"),
        ("", "names a folder"),
        (".", "names a folder"),
        ("out/", "names a folder"),
        ("/github/workspace", "names a folder"),
        (".git", "lies inside `.git`"),
        (".git/config", "lies inside `.git`"),
        ("./.Git/config", "lies inside `.git`"),
        ("vendor/lib/.GIT/hooks/x", "lies inside `.git`"),
        ("a\x00b", "control character"),
        ("a\nb", "control character"),
        ("a\x7fb", "control character"),
    ],
    ids=shown,
)
def test_no_paths(text: str, says: str) -> None:
    assert says in wrong(parse_path, text)


# --- globs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patterns", "branch", "matches"),
    [
        (["main"], "main", True),
        (["main"], "Main", False),
        (["main"], "mainline", False),
        (["main"], "the-main", False),
        (["main", "develop"], "develop", True),
        ([], "main", False),
        (["*"], "main", True),
        (["*"], "release/1.x", False),
        (["**"], "release/1.x", True),
        (["release/*"], "release/1.x", True),
        (["release/*"], "release/", True),
        (["release/*"], "release", False),
        (["release/*"], "release/1/x", False),
        (["release/**"], "release/1/x", True),
        (["release/***"], "release/1/x", True),
        (["**/x"], "a/b/x", True),
        (["**/x"], "x", False),
        (["v*.*"], "v1.2", True),
        (["v*.*"], "v12", False),
        (["*-x-*"], "a-x-b", True),
        (["rel.ase"], "release", False),
        (["m?in"], "main", False),
        (["[m]ain"], "main", False),
        (["a+"], "aa", False),
        (["!main"], "other", False),
    ],
    ids=shown,
)
def test_branches(patterns: list[str], branch: str, matches: bool) -> None:
    assert matches_branch(patterns, branch) is matches


@pytest.mark.parametrize(
    ("patterns", "environment", "matches"),
    [
        (["prod*"], "production", True),
        (["prod*"], "PROD", True),
        (["Prod*"], "production/eu/1", True),
        (["*/eu"], "production/live/eu", True),
        (["prod*"], "preprod", False),
        (["live"], "Live", True),
        (["STRASSE"], "straße", True),
        (["*"], "", True),
        (["prod"], "", False),
    ],
    ids=shown,
)
def test_environments(patterns: list[str], environment: str, matches: bool) -> None:
    assert matches_environment(patterns, environment) is matches


def oracle(pattern: str, one_star: str) -> re.Pattern[str]:
    parts = re.split(r"(\*+)", pattern)
    return re.compile(
        "".join(one_star if p == "*" else ".*" if p[:1] == "*" else re.escape(p) for p in parts), re.DOTALL
    )


globs = st.text("ab/*.\n", max_size=8)


@settings(max_examples=300, deadline=None)
@given(globs, st.text("ab/.\n", max_size=8))
def test_globs_agree_with_regular_expressions(pattern: str, text: str) -> None:
    assert matches_branch([pattern], text) == bool(oracle(pattern, "[^/]*").fullmatch(text))
    assert matches_environment([pattern], text) == bool(oracle(pattern, ".*").fullmatch(text))


@few
@given(globs, st.data())
def test_globs_match_what_they_are_made_of(pattern: str, data: st.DataObject) -> None:
    """A text made from the pattern, star by star: random texts seldom match."""
    fill = st.text("ab.", max_size=3)
    text = re.sub(r"\*+", lambda _: data.draw(fill), pattern)
    assert matches_branch([pattern], text)
    assert matches_environment([pattern.upper()], text)


def test_globs_do_not_backtrack() -> None:
    """A regular expression would take ages over these."""
    assert not matches_branch(["*a" * 100 + "b"], "a" * 1000)
    assert not matches_environment(["**a*" * 100 + "b"], "a" * 1000)


def test_only_stars_are_stars() -> None:
    assert matches_branch(("*X",), "aX")
    assert not matches_branch(("*X",), "a")


def test_a_comma_after_an_equals_sign_is_told_whatever_blank_lines_are_around() -> None:
    with pytest.raises(InvalidValue, match="a comma after"):
        parse_services("\na=b,c\n")


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("abc", "abc"),
        (" abc\n", "abc"),
        ("Bearer abc", "abc"),
        ("\tbearer   abc ", "abc"),
        ("Bearerabc", "Bearerabc"),
        ("", ""),
        ("Bearer ", "Bearer"),
    ],
)
def test_the_bare_token(text: str, token: str) -> None:
    assert forms.bare_token(text) == token


def test_what_has_several_lines_is_a_map_and_no_path() -> None:
    with pytest.raises(InvalidValue, match=r"^as it is written "):
        forms.service_map("services\npayments")

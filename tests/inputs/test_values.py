"""The forms of single values: each as a table, and what holds for any text as a property."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dx_action.inputs import values
from dx_action.inputs.values import (
    DxHost,
    Sourced,
    parse_host,
    parse_items,
    parse_outcome,
    parse_path,
    parse_services,
    parse_texts,
    services_in_json,
    sourced,
)
from dx_action.services.service import Service
from readers import ANY_TEXT, few, many, reads_or_refuses, shown, wrong


@pytest.mark.parametrize("read", [parse_host, parse_items, parse_texts, parse_services, parse_path])
@many
@given(ANY_TEXT)
def test_any_text_is_read_or_wrong(read: Callable[[str], object], text: str) -> None:
    reads_or_refuses(read, text)


@pytest.mark.parametrize("value", ["main", None, ""])
def test_an_empty_value_has_no_source(value: str | None) -> None:
    assert sourced(value, "here") == (Sourced(value, "here") if value else None)


# --- lists ---


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
    assert parse_texts(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is an empty list"),
        (" \n\r\n", "is an empty list"),
        (",,", "is an empty list"),
        ("[]", "is an empty list"),
        ("[one]", "starts like a JSON array but is not one"),
        ('["one",]', "starts like a JSON array but is not one"),
        ('["one"] ["two"]', "starts like a JSON array but is not one"),
        ("[" * 100_000, "is nested too deeply"),
        (f'["one", {"[" * 100}{"]" * 100}]', "is nested too deeply"),
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
    assert words in wrong(parse_texts, text)


def test_items_may_be_any_json() -> None:
    assert parse_items('["a", {"b": 1}, null]') == ("a", {"b": 1}, None)
    assert parse_items(" a , b ") == ("a", "b")


words = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp", "Zs")), min_size=1, max_size=8)


@few
@given(st.lists(words, min_size=2, max_size=5, unique=True))
def test_lists_round_trip(found: list[str]) -> None:
    assert parse_texts(json.dumps(found)) == tuple(found)
    if not found[0].startswith(("[", "{")) and not any(each == "-" or each.endswith(",") for each in found):
        assert parse_texts("\n".join(found)) == tuple(found)
        if not any("," in each for each in found):
            assert parse_texts(", ".join(found)) == tuple(found)


# --- paths ---


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
        (".git", "is inside `.git`"),
        (".git/config", "is inside `.git`"),
        ("./.Git/config", "is inside `.git`"),
        ("vendor/lib/.GIT/hooks/x", "is inside `.git`"),
        ("a\x00b", "control character"),
        ("a\nb", "control character"),
        ("a\x7fb", "control character"),
    ],
    ids=shown,
)
def test_no_paths(text: str, says: str) -> None:
    assert says in wrong(parse_path, text)


# --- hosts ---


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
        ("https://acme.getdx.net:65535", "https://acme.getdx.net:65535"),
        (f"{'a' * 63}.example.com", f"https://{'a' * 63}.example.com"),
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
        ("file:///etc/passwd", "has more than a host"),
        ("https://acme.getdx.net/api", "has more than a host"),
        ("https://acme.getdx.net//", "has more than a host"),
        ("https://acme.getdx.net?x=1", "has more than a host"),
        ("https://acme.getdx.net?", "has more than a host"),
        ("https://acme.getdx.net/#", "has more than a host"),
        ("https://acme.getdx.net#top", "has more than a host"),
        ("https://me@acme.getdx.net", "has more than a host"),
        ("https://me:pass@acme.getdx.net", "has more than a host"),
        ("https://acme.getdx.net@evil.example", "has more than a host"),
        ("https://acme.getdx.net\\@evil.example", "has more than a host"),
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
        ("localhost", "is localhost without a scheme"),
        ("LocalHost", "is localhost without a scheme"),
        ("acme getdx net", "has a character that a host cannot have"),
        ("acme.getdx.net\n.evil.example", "has a character that a host cannot have"),
        ("acmé.getdx.net", "has a character that a host cannot have"),
    ],
    ids=shown,
)
def test_no_hosts(text: str, words: str) -> None:
    assert words in wrong(parse_host, text)


@pytest.mark.parametrize("name", ["www", "app", "api", "docs", "help", "status"])
def test_a_host_of_dx_that_is_no_instance(name: str) -> None:
    for text in (f"{name}.getdx.net", f"{name.upper()}.getdx.net.", f"https://{name}.getdx.com"):
        assert "is a host that serves no Data Cloud API" in wrong(parse_host, text)
    assert parse_host(f"{name}s").base == f"https://{name}s.getdx.net"


# --- one word, number or line ---


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        (("true", "success"), "success"),
        (("false", "failure", "error", "timed_out", "startup_failure"), "failure"),
        (("cancelled", "skipped", "neutral", "action_required", "stale"), "skip"),
    ],
)
def test_outcomes(words: tuple[str, ...], outcome: str) -> None:
    for word in words:
        assert (parse_outcome(word), parse_outcome(word.upper())) == (outcome, outcome)


@pytest.mark.parametrize(
    ("read", "found"),
    [
        (values.parse_timeout, {"1": 1.0, "1.0": 1.0, "3600": 3600.0, "00002.5": 2.5, "3600.000": 3600.0}),
        (values.parse_rate, {"0": 0.0, "99999": 99999.0, "0.125": 0.125}),
        (values.parse_number, {"1": 1, "9" * 16: 9_999_999_999_999_999}),
        (values.parse_lanes, {"1": 1, "10": 10, "32": 32}),
    ],
)
def test_numbers(read: Callable[[str], float], found: dict[str, float]) -> None:
    assert [(read(text), type(read(text))) for text in found] == [(number, type(number)) for number in found.values()]


@pytest.mark.parametrize(
    ("read", "texts"),
    [
        (values.parse_timeout, ("0", "0.999", "3600.1", "3601", "000060")),
        (values.parse_rate, ("100000", "0.1234", "1.", ".5")),
        (values.parse_number, ("0", "01", "1" + "0" * 16)),
        (values.parse_lanes, ("0", "33", "100", "1.0")),
    ],
)
def test_no_numbers(read: Callable[[str], float], texts: tuple[str, ...]) -> None:
    for text in texts:
        assert wrong(read, text).startswith("is not a ")


@pytest.mark.parametrize("code", [0x00, 0x09, 0x1F, 0x7F, 0x80, 0x9F, 0x2028, 0x2029])
def test_a_line_has_no_control_character(code: int) -> None:
    assert "control character" in wrong(values.parse_line, f"a{chr(code)}b")


@pytest.mark.parametrize("text", ["a b", "a~b", "a\xa0b", "a\u2027b", "a\u202ab", "ä", ""], ids=ascii)
def test_a_line_may_have_any_other(text: str) -> None:
    assert values.parse_line(text) == text


# --- commits ---


@pytest.mark.parametrize("text", ["abcdef0", "ABCDEF0", "0" * 39, "1" * 40, "f" * 40])
def test_commits(text: str) -> None:
    assert values.parse_sha(text) == text
    assert values.parse_shas(f"{text},{text}") == (text,)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("0" * 40, "git's way to write that there is no commit."),
        ("0" * 41, "It is longer"),
        ("A" * 41, "It is longer"),
        (f"SHA256:{'b' * 64}", "It is longer"),
        ("a", "It is shorter"),
        ("ABCDEF", "It is shorter"),
        ("", "If it is the name of a branch or tag"),
        (f"sha256:{'b' * 40}", "If it is the name of a branch or tag"),
        ("abcdefg", "If it is the name of a branch or tag"),
    ],
    ids=shown,
)
def test_no_commits(text: str, says: str) -> None:
    assert says in wrong(values.parse_sha, text)
    if text:
        assert says in wrong(values.parse_shas, f"abcdef0\n{text}\nv1")


# --- repositories ---


@pytest.mark.parametrize("text", ["acme/shop", "shop", "PAY/my shop", "a@b", "acme/.github", "a/b/c/d/e/f/g"])
def test_repositories(text: str) -> None:
    assert values.parse_repository(text) == text


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("github.com/acme/shop", "acme/shop"),
        ("www.github.com/acme/shop", "acme/shop"),
        ("gitlab.com/acme/group/shop", "acme/group/shop"),
        ("WWW.GitLab.com/acme/shop.git", "acme/shop"),
        ("bitbucket.org/acme/shop", "acme/shop"),
        ("https://GITHUB.acme.example/acme/shop/tree/main", "acme/shop"),
        ("jenkins@GitHub.acme.example:acme/shop/wiki", "acme/shop"),
        ("https://git.example/a/b/c/d/e/f", "a/b/c/d/e/f"),
        ("https://git.example/a/b_c.d-e", "a/b_c.d-e"),
    ],
    ids=shown,
)
def test_an_address_that_names_a_repository_for_sure(text: str, name: str) -> None:
    assert wrong(values.parse_repository, text) == f"is an address. Write `{name}`, or the name that DX has for it."


@pytest.mark.parametrize(
    "text",
    [
        "dev.azure.com/acme/pay",
        "https://DEV.Azure.com/acme/pay",
        "https://acme.visualstudio.com/pay/_git/shop",
        "acme@vs-ssh.visualstudio.com:v3/acme/pay/shop",
        "https://bitbucket.example/projects/PAY",
        "https://bitbucket.example/users/jane/repos/shop",
        "https://bitbucket.example/scm/pay/shop.git",
        "https://git.example/acme/shop/-/tree/main",
        "https://git.example/a/b/c/d/e/f/g",
        "https://git.example/shop",
        "https://git.example/a/sh%20op",
        "https://git.example/a/böb",
        "https://",
    ],
    ids=shown,
)
def test_an_address_that_may_name_another(text: str) -> None:
    assert (
        wrong(values.parse_repository, text) == "is an address. Write the repository as DX names it, as in acme/shop."
    )


# --- services ---


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
        ('{"identifier": "null", "name": "\'x\'"}', (Service("null", "'x'"),)),
        (
            "none\ntrue\nnull-service\n$x-y",
            (Service("none"), Service("true"), Service("null-service"), Service("$x-y")),
        ),
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
    assert services_in_json(text) == expected


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
        ("web=Web App\nweb=Other", "names one service twice, with different names"),
        ("web\nweb=Web App", "names one service twice, with different names"),
        ("we\tb", "control character"),
        ("web=Web\x1bApp", "control character"),
        ('["we\\nb"]', "control character"),
        ('["web=Web\\u2028App"]', "control character"),
        ('["\\ud800"]', "control character"),
        ("[1]", "neither text nor an object"),
        ('[["web"]]', "neither text nor an object"),
        ("[null]", "neither text nor an object"),
        ('{"name": "Web App"}', "neither text nor an object"),
        ('{"identifier": 1}', "neither text nor an object"),
        ('{"identifier": "web", "name": 1}', "neither text nor an object"),
        ('{"identifier": "web", "tier": "1"}', "neither text nor an object"),
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
    assert services_in_json(value) == expected


@pytest.mark.parametrize(
    "value", [5, True, [None], [[]], [], {}, {"identifier": None}, "a=b, c", ["\ud800"]], ids=shown
)
def test_no_services_of_a_payload(value: object) -> None:
    assert "Write identifier" in wrong(services_in_json, value)


def test_a_comma_after_an_equals_sign_is_told_whatever_blank_lines_are_around() -> None:
    assert "a comma after" in wrong(parse_services, "\na=b,c\n")


# --- the map ---


def test_what_has_several_lines_is_a_map_and_no_path() -> None:
    assert wrong(values.parse_map, "services\npayments").startswith("as it is written ")

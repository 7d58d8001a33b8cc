"""The service map: what its YAML may be, which service owns a file; any text gives a map or a located InvalidValue."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dx_action.errors import InvalidValue
from dx_action.services.map import ServiceMap, parse_service_map
from dx_action.services.service import Service

# The bounds, as literals: what the code has must be these.
LARGEST = 1 << 20

CONTRACT = """\
payments-service: [services/payments/**, libs/billing/**]
web:
  name: Web App
  paths: [apps/web/**, "!apps/web/**/*.md"]
"""
PAYMENTS, WEB = Service("payments-service"), Service("web", "Web App")


def parsed(text: bytes | str) -> ServiceMap:
    return parse_service_map(text, "services.yaml")


def wrong(text: bytes | str) -> str:
    with pytest.raises(InvalidValue) as caught:
        parsed(text)
    said = str(caught.value)
    assert said.startswith("services.yaml ")
    assert said.endswith(".")
    return said


# --- whose is it ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "services"),
    [
        ("services/payments/main.go", (PAYMENTS,)),
        ("services/payments/a/b/c", (PAYMENTS,)),
        ("libs/billing/x.py", (PAYMENTS,)),
        ("libs/billing", ()),
        ("services/payments-v2/main.go", ()),
        ("apps/web/index.ts", (WEB,)),
        ("apps/web/README.md", ()),
        ("apps/web/docs/a.md", ()),
        ("other/services/payments/x", ()),
        ("README.md", ()),
    ],
)
def test_the_contracts_example(path: str, services: tuple[Service, ...]) -> None:
    found = parsed(CONTRACT)
    assert found.services == (PAYMENTS, WEB)
    assert found.services_at(path) == services


def test_services_come_in_the_maps_order_and_each_once() -> None:
    found = parsed(CONTRACT + "all: '*'\n")
    paths = ["apps/web/x.ts", "services/payments/b", "services/payments/a", "libs/billing/a", "apps/web/x.md"]
    everything = Service("all")
    assert found.services_of(paths) == found.services_of(reversed(paths)) == (PAYMENTS, WEB, everything)
    assert found.services_of(["apps/web/x.ts", "apps/web/x.ts"]) == (WEB, everything)
    assert found.services_at("libs/billing/a") == (PAYMENTS, everything)
    assert found.services_of([]) == ()


def test_matched_paths_are_those_of_any_service() -> None:
    paths = ["apps/web/x.md", "apps/web/x.ts", "Makefile", "libs/billing/a"]
    assert parsed(CONTRACT).matched(paths) == ("apps/web/x.ts", "libs/billing/a")
    assert parsed(CONTRACT).services_of(["Makefile", "apps/web/x.md"]) == ()


def test_a_later_service_leaves_nothing_out_of_an_earlier_one() -> None:
    found = parsed('a: ["**"]\nb: ["**", "!docs/"]\n')
    assert [each.identifier for each in found.services_at("docs/x")] == ["a"]
    assert [each.identifier for each in found.services_at("x")] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "services"),
    [
        ("web: apps/**", (Service("web"),)),
        ("web: {paths: apps/**}", (Service("web"),)),
        ("web:\n- apps/**\n- libs/**\n", (Service("web"),)),
        ("web:\n  paths:\n    - apps/**\n  name: 'Web: the App'\n", (Service("web", "Web: the App"),)),
        ('{"web": {"name": " Web ", "paths": ["apps/**"]}}', (Service("web", "Web"),)),
        ('"123": ["apps/**"]\n1.10: [apps/**]\ntrue: [apps/**]', (Service("123"), Service("1.10"), Service("true"))),
        ("# comment\nweb: [apps/**] # more\n", (Service("web"),)),
        ("\ufeffweb: [apps/**]\r\n", (Service("web"),)),
        ("name: [apps/**]\npaths: [apps/**]", (Service("name"), Service("paths"))),
        ("wéb=1: [apps/**]", (Service("wéb=1"),)),
    ],
)
def test_forms(text: str, services: tuple[Service, ...]) -> None:
    assert parsed(text).services == parsed(text.encode()).services == services
    assert parsed(text).services_at("apps/x") == services


# --- mistakes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not a map of services (line 1)"),
        ("# nothing", "is not a map of services (line 1)"),
        ("{}", "is not a map of services (line 1)"),
        ("services.yaml", "is not a map of services (line 1)"),
        ("- a\n- b", "is not a map of services (line 1)"),
        ("42", "is not a map of services (line 1)"),
        ("a: [x]\nb: [", "is not valid YAML (line 2)"),
        ("a: [x]\n\x07", "is not valid YAML (line 2)"),
        ('a: [x]\nb: "\\UFFFFFFFF"', "is not valid YAML (line 2)"),
        ("a: [x]\n---\nb: [x]", "is not valid YAML (line 2)"),
        (b"a: [x]\nb: [\xff]", "is not UTF-8 (line 2)"),
        ("a: &p [x]\nb: *p", "uses an alias (line 2)"),
        ("a: [x]\nb: !!str x", "uses a tag (line 2)"),
        (
            "a: [x]\n\nb:\n - *.md\n",
            "is not valid YAML (line 4). A key or a value begins with `*` or `&`. Put it in quotes.",
        ),
        ("a: [x, **/y]\n", "(line 1). A key or a value begins with `*` or `&`. Put it in quotes."),
        ("a:\n  - x\n  - !x/**\n", "uses a tag (line 3). If the value is text, put it in quotes."),
        ("a: [x, !y/**]\n", "If it belongs to a value, put the value in quotes."),
        ("a: *b", "uses an alias (line 1). Write the value out, or put it in quotes if it is text."),
        ("a: [x]\nb: [y]\na: [z]", "has the same key twice (line 3). Keep one of them."),
        ("a: [x]\n' a': [y]", "has the same service twice (line 2)"),
        ("a:\n  paths: [x]\n  paths: [y]", "has the same key twice (line 3). Keep one of them."),
        (
            "a: [x]\n? [b]\n: [y]",
            "has a key that is not text (line 2). If braces or brackets belong to a value, put it in quotes.",
        ),
        ("a: [x]\nb:\n", "has a service without patterns (line 2)"),
        ("a: [x]\nb: []\n", "has a service without patterns (line 2)"),
        ("a: [x]\nb: 42", "has a service without patterns (line 2)"),
        ("a:\n  name: A\n  paths:\n", "has a service without patterns (line 3)"),
        ("a:\n  name: A\n  paths: []\n", "has a service without patterns (line 3)"),
        ("a:\n  name: A\n  paths: {b: c}\n", "has a service without patterns (line 3)"),
        ("b: {}", "has a service without `paths` (line 1)"),
        ("a: [x]\nb:\n  name: B\n", "has a service without `paths` (line 2)"),
        ("a:\n  paths: [x]\n  path: [y]", "has a service with a key other than `name` and `paths` (line 3)"),
        ("a:\n  paths: [x]\n  name:", "has a `name` that is not text (line 3)"),
        ("a:\n  paths: [x]\n  name: 42", "has a `name` that is not text (line 3)"),
        ("a:\n  paths: [x]\n  name: ' '", "has a `name` that is not text (line 3)"),
        ("a:\n  name: [A]\n  paths: [x]", "has a `name` that is not text (line 2)"),
        ("a:\n  - x\n  - 42", "has a pattern that is not text (line 3)"),
        ("a:\n  - x\n  - [y]", "has a pattern that is not text (line 3)"),
        ("a:\n  paths:\n  - x\n  - y: z", "has a pattern that is not text (line 4)"),
        ("a:\n  paths:\n  - x\n  -", "has a pattern that is not text (line 4)"),
        ("a: [x]\n' ': [y]", "has a service without an identifier (line 2)"),
        ("a: [x]\n? \n: [y]", "has a service without an identifier (line 2)"),
        ("a: [x]\nnull: [y]", "has a service that is what an expression without a value leaves behind (line 2)"),
        ("a: [x]\n'\"b\"': [y]", "has a service that has quotes around it, which would be part of the name (line 2)"),
        ("a: [x]\n${{ b }}: [y]", "has a service that has an expression that was not evaluated (line 2)"),
        (
            "a: {paths: x, name: '$NAME'}",
            "has a service that is a shell variable, which a workflow does not expand (line 1)",
        ),
        ("a: [x]\n\tb: [y]", "is not valid YAML (line 2). A tab is where YAML allows only spaces. Indent with spaces."),
        (
            "a: [x\nb: [y]",
            "is not valid YAML (line 2). A bracket, a brace or a comma is missing, or there is one too many.",
        ),
        ('a: [x]\n"b\\nc": [y]', "control character in it (line 2)"),
        ('a: {paths: x, name: "b\\u0085c"}', "control character in it (line 1)"),
        ('a: {paths: x, name: "\\ud800"}', "control character in it (line 1)"),
        ("a: [x]\nb: apps/**, libs/**", "has a comma in a pattern (line 2)"),
        ("a: [x]\nb: ['!y', '!z/']", "has a service with nothing but `!` patterns (line 2)"),
        ("a: |\n  x/**\n  y/**\n", "line break or another control character in it (line 1)"),
        ("a:\n  - x\n  - ''", "has a pattern that names no path (line 3)"),
        ("a:\n  - x\n  - './y'", "which matches nothing (line 3)"),
        ("a: [x]\nb:\n  paths:\n    - y\n    - '[z'", "has a pattern that cannot be read (line 5)"),
        ("a: [x]\nb: '*1*2*3*4'", "has a pattern with more than 3 `*` between two slashes (line 2)"),
        ("a: [x]\nb: [y, \n '[9-0]']", "has a pattern with a range that runs backwards (line 3)"),
        ("a: " + "[" * 200, "is nested too deeply (line 1). Write at most 100 levels."),
    ],
)
def test_a_map_that_cannot_be_used(text: bytes | str, says: str) -> None:
    assert says in wrong(text)


def test_a_broken_map_without_bare_patterns_has_no_word_on_quotes() -> None:
    assert wrong("a: [x]\na: [y]") == "services.yaml has the same key twice (line 2). Keep one of them."


def test_a_map_of_more_than_1_mib() -> None:
    assert "is larger than 1 MiB" in wrong("é" * (LARGEST // 2) + "a")
    assert "is larger than 1 MiB" in wrong(b"#" * (LARGEST + 1))


@pytest.mark.parametrize(
    ("data", "line"), [(b"\xff", 1), (b"\n\xff", 2), (b"a: [b]\n\n\xff\n", 3), (b"\xef\xbb\xbf\n\xff", 2)]
)
def test_the_line_of_what_is_not_utf_8(data: bytes, line: int) -> None:
    assert f"is not UTF-8 (line {line}). Save it as UTF-8." in wrong(data)


@pytest.mark.parametrize(("text", "line"), [("\x00", 1), ("\n\x00", 2), ("a: [b]\n\n\x00\n", 3)])
def test_the_line_of_what_no_yaml_has(text: str, line: int) -> None:
    assert f"is not valid YAML (line {line})." in wrong(text)


def test_a_map_of_more_than_5000_patterns() -> None:
    text = "".join(f"s{n}: [{', '.join('abcdefghij')}]\n" for n in range(500))
    assert "has more than 5,000 patterns (line 501)" in wrong(text + "t: [c]\n")


def test_a_mistake_never_quotes_the_map() -> None:
    for text in (
        "s3cr3t: [x",
        "a: [s3cr3t, '[s3cr3t']",
        "s3cr3t: []",
        "s3cr3t: {s3cr3t: x, paths: y}",
        "s3cr3t: 's3cr3t\\'",
    ):
        assert "s3cr3t" not in wrong(text)


PIECES = (
    *"{}[]:,-?!&*#|>%@`\"'\\/=.~ \n\t",
    "a: ",
    "- ",
    "paths: ",
    "name: ",
    "  ",
    "**",
    "\n  ",
    "a/**",
    "\\U",
    "\ud800",
    "*x",
    "<<: ",
)


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(st.text(max_size=40), st.binary(max_size=40), st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
)
def test_any_text_is_a_map_or_wrong(text: bytes | str) -> None:
    try:
        found = parsed(text)
    except InvalidValue as error:
        said = str(error)
        assert said.startswith("services.yaml ")
        assert "(line " in said
        assert said.endswith(".")
    else:
        assert set(found.services_of(["a", "a/b", "x"])) <= set(found.services)

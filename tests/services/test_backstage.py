"""Backstage's catalogs: which components a file describes, and which file is nearest to a changed path."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dx_action.errors import InvalidValue
from dx_action.services.backstage import CATALOG, Catalogs, parse_catalog
from dx_action.services.service import Service

# The bounds, as literals: what the code has must be these.
LARGEST = 1 << 20

COMPONENT = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: payments
  title: Payments Service
  annotations:
    github.com/project-slug: acme/shop
  tags: [java, pci]
spec:
  type: service
  owner: team-a
"""


def component(name: str, title: str | None = None) -> bytes:
    return f"kind: Component\nmetadata:\n  name: {name}\n{f'  title: {title}' if title else ''}\n".encode()


def parsed(text: bytes | str) -> tuple[Service, ...]:
    return parse_catalog(text.encode() if isinstance(text, str) else text, "a/catalog-info.yaml")


def wrong(text: bytes | str) -> str:
    with pytest.raises(InvalidValue) as caught:
        parsed(text)
    said = str(caught.value)
    assert said.startswith("a/catalog-info.yaml ")
    assert said.endswith(".")
    return said


# --- one file -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "services"),
    [
        (COMPONENT, [Service("payments", "Payments Service")]),
        (COMPONENT.replace("  title: Payments Service\n", ""), [Service("payments")]),
        ('{"kind": "Component", "metadata": {"name": "a"}}', [Service("a")]),
        ("metadata: {title: T, name: a}\nkind: Component", [Service("a", "T")]),
        ("kind: 'Component'\nmetadata: {name: 'a', title: ''}", [Service("a")]),
        ("kind: Component\nmetadata: {name: 123}", [Service("123")]),
        ("kind: Component\nmetadata: {name: ' a ', title: ' T '}", [Service("a", "T")]),
        ("x: 1\nx: 2\nkind: Component\nmetadata: {name: a, y: 1, y: 2}", [Service("a")]),
        # Several documents, in their order; a name that comes again is the same component.
        (
            COMPONENT + "---\n" + COMPONENT.replace("payments", "ledger"),
            [Service("payments", "Payments Service"), Service("ledger", "Payments Service")],
        ),
        (f"---\n{COMPONENT}---\n---\n# nothing\n...\n---\n{COMPONENT}", [Service("payments", "Payments Service")]),
        # Other kinds, whatever is in them.
        ("kind: System\nmetadata:\n  name: shop", []),
        ("kind: Location\nmetadata: *any\nspec: {targets: [a, b]}", []),
        ("metadata: [kind, name]\nkind: Other", []),
        ("kind: [a, b]\nmetadata: {name: x}", []),
        ("kind: System\nmetadata: {name: a, name: b}", []),
        ("kind: {kind: a}\nmetadata: {name: x}\n---\nkind: Component\nmetadata: {name: y}", [Service("y")]),
        ("kind: API\nmetadata: [1]\n---\nkind: Component\nmetadata: {name: b}\n---\nkind: Group", [Service("b")]),
        ("kind: component\nmetadata: {name: a}", []),
        ("kind: [Component]\nmetadata: {name: a}", []),
        ("metadata: {name: a}", []),
        ("kind: System", []),
        ("", []),
        ("---\n", []),
        ("\ufeff# only a comment\r\n", []),
        # `kind` and `metadata` deeper down are something else.
        (
            "kind: Component\nspec: {kind: API, metadata: {name: x}, name: y}\nmetadata: {labels: {name: z}, name: a}",
            [Service("a")],
        ),
        ("spec: [{kind: Component, metadata: {name: x}}]", []),
        # Anchors, aliases, tags and keys of any shape elsewhere.
        (
            "x: &x [1]\ny: [*x, *x, *nothing]\nz: &x {<<: *x}\nkind: Component\nmetadata: &m {name: &n a, spec: !!binary ''}",
            [Service("a")],
        ),
        ("? [a, {b: c}]\n: d\n? {e: f}\nkind: Component\nmetadata: {? [g] : h, name: a, *x : y}", [Service("a")]),
        ("kind: !!str Component\nmetadata: !thing {name: !!str a}", [Service("a")]),
        # A scaffolder's skeleton describes no component.
        ("kind: Component\nmetadata:\n  name: ${{ values.name | dump }}\n", []),
        (
            "kind: Component\nmetadata: {name: '{{cookiecutter.name}}'}\n---\nkind: Component\nmetadata: {name: a}",
            [Service("a")],
        ),
    ],
)
def test_components(text: str, services: list[Service]) -> None:
    assert list(parsed(text)) == services


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("kind: Component\nmetadata:\n", "has a component without `metadata.name` (line 2)"),
        ("kind: Component", "has a component without `metadata.name` (line 1)"),
        ("kind: Component\nmetadata:\n  title: T\n", "has a component without `metadata.name` (line 3)"),
        ("kind: Component\nmetadata:\n  name: [a]\n", "has a component without `metadata.name` (line 3)"),
        ("kind: Component\nmetadata:\n  name:\n", "has a component without an identifier (line 3)"),
        (
            'kind: Component\nmetadata:\n  name: "a\\nb"\n',
            "a line break or another control character in it (line 3)",
        ),
        (
            "kind: Component\nmetadata:\n  name: undefined\n",
            "a component that is what an expression without a value leaves",
        ),
        ("kind: Component\nmetadata:\n  name: a\n  title: {b: c}\n", "`metadata.title` is not text (line 4)"),
        ("kind: Component\nmetadata: *common\n", "has an alias in a component's `metadata` (line 2)"),
        ("kind: Component\nmetadata:\n  name: *n\n", "has an alias in a component's `metadata` (line 3)"),
        ("kind: Component\nmetadata:\n  name: n\n  title: *n\n", "has an alias in a component's `metadata` (line 4)"),
        ("a: b\nkind: *k\n", "has an alias as `kind` (line 2)"),
        ("kind: Component\nmetadata: {name: a}\nkind: API\n", "has the same key twice (line 3). Keep one of them."),
        ("kind: Component\nmetadata:\n  name: a\n  name: b\n", "has the same key twice (line 4). Keep one of them."),
        ("just words", "has a document that is not a mapping (line 1)"),
        (COMPONENT + "---\n- a\n", "has a document that is not a mapping (line 13)"),
        (COMPONENT + "---\nkind: [\n", "is not valid YAML (line 14). A bracket, a brace or a comma is missing,"),
        (COMPONENT + "---\n{% if x %}\n", "is not valid YAML (line 13)"),
        ("kind: System\na: b: c\n", "is not valid YAML (line 2)"),
        ("a: \x07", "is not valid YAML (line 1)"),
        ('a: b\nc: "\\UFFFFFFFF"', "is not valid YAML (line 2)"),
        (b"kind: Component\n# \xff", "is not UTF-8 (line 2)"),
        ("a: " + "[" * 5000, "is nested too deeply (line 1). Write at most 100 levels."),
    ],
)
def test_a_catalog_that_cannot_be_read(text: bytes | str, says: str) -> None:
    assert says in wrong(text)


def test_a_catalog_of_more_than_1_mib() -> None:
    assert "is larger than 1 MiB" in wrong(COMPONENT + "#" * LARGEST)


def test_the_billion_laughs_are_passed_over() -> None:
    bomb = "a0: &a0 x\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
    assert parsed(bomb + "loop: &l [*l, {*l : *l}]\n" + COMPONENT) == (Service("payments", "Payments Service"),)


# --- the nearest file -----------------------------------------------------------------------------------------------

FILES = {
    "catalog-info.yaml": component("shop"),
    "services/catalog-info.yaml": b"kind: System\nmetadata: {name: services}\n",
    "services/payments/catalog-info.yaml": component("payments", "Payments") + b"---\n" + component("payments-db"),
    "services/web/catalog-info.yml": component("other-spelling"),
    "services/web/ui/catalog-info.yaml": component("ui"),
    "libs/a/catalog-info.yaml": component("shop", "Shop"),
}


class Reader:
    def __init__(self, files: dict[str, bytes]) -> None:
        self.files, self.read = files, list[str]()

    def __call__(self, path: str) -> bytes | None:
        self.read.append(path)
        return self.files.get(path)


@pytest.mark.parametrize(
    ("path", "identifiers"),
    [
        ("README.md", ["shop"]),
        ("catalog-info.yaml", ["shop"]),
        ("docs/a/b/c.md", ["shop"]),
        ("services/payments/main.go", ["payments", "payments-db"]),
        ("services/payments/a/b/main.go", ["payments", "payments-db"]),
        ("services/payments/catalog-info.yaml", ["payments", "payments-db"]),
        ("services/payments", []),
        # A catalog without a component ends the search, and a file of another spelling is none.
        ("services/new/main.go", []),
        ("services/web/main.ts", []),
        ("services/web/ui/main.ts", ["ui"]),
        ("services/payments-v2/main.go", []),
    ],
)
def test_the_nearest_catalog_counts(path: str, identifiers: list[str]) -> None:
    assert [each.identifier for each in Catalogs(FILES.get).services_at(path)] == identifiers


def test_without_any_catalog_there_is_no_service() -> None:
    read = Reader({})
    assert Catalogs(read).services_at("a/b/c") == ()
    assert read.read == ["a/b/catalog-info.yaml", "a/catalog-info.yaml", "catalog-info.yaml"]


def test_no_file_is_read_twice_nor_above_the_nearest() -> None:
    read = Reader(FILES)
    found = Catalogs(read)
    paths = [f"services/payments/{folder}/{n}.go" for folder in ("a", "a/b", "c") for n in range(5)]
    for _ in range(3):
        assert [each.identifier for each in found.services_of(paths)] == ["payments", "payments-db"]
    assert found.services_at("services/payments/x") != ()
    assert sorted(read.read) == [
        "services/payments/a/b/catalog-info.yaml",
        "services/payments/a/catalog-info.yaml",
        "services/payments/c/catalog-info.yaml",
        "services/payments/catalog-info.yaml",
    ]


def test_services_of_many_paths_come_once_and_in_the_order_of_their_names() -> None:
    found = Catalogs(FILES.get)
    paths = ["services/payments/x", "services/web/ui/x", "README.md", "libs/a/x", "services/x"]
    services = (Service("shop", "Shop"), Service("payments", "Payments"), Service("payments-db"), Service("ui"))
    assert found.services_of(paths) == found.services_of(reversed(paths)) == services
    assert found.matched(paths) == tuple(paths[:-1])
    assert found.services_of([]) == ()


def test_a_broken_catalog_is_named() -> None:
    files = {**FILES, "services/web/catalog-info.yaml": b"kind: Component\nmetadata: [\n"}
    with pytest.raises(
        InvalidValue, match=r"^services/web/catalog-info\.yaml is not valid YAML \(line 3\)\. A bracket, "
    ):
        Catalogs(files.get).services_of(["services/payments/x", "services/web/x"])
    assert Catalogs(files.get).services_of(["services/payments/x", "services/web/ui/x"])


def test_a_catalog_that_cannot_be_opened_is_named() -> None:
    def read(path: str) -> bytes | None:
        raise InvalidValue("is something that is not a file.")

    with pytest.raises(InvalidValue, match=r"^a/catalog-info\.yaml is something that is not a file\.$"):
        Catalogs(read).services_at("a/b")


names = st.lists(st.sampled_from("abc"), min_size=1, max_size=5)


@settings(max_examples=100, deadline=None)
@given(st.sets(names.map("/".join)), st.lists(names.map("/".join), max_size=8))
def test_the_nearest_is_the_longest_folder_with_a_catalog(folders: set[str], paths: list[str]) -> None:
    read = Reader({f"{folder}/{CATALOG}": component(folder.replace("/", "-")) for folder in folders})
    found = Catalogs(read)
    for path in paths:
        above = max((folder for folder in folders if path.startswith(f"{folder}/")), key=len, default=None)
        assert [each.identifier for each in found.services_at(path)] == ([above.replace("/", "-")] if above else [])
    assert len(read.read) == len(set(read.read))


PIECES = (
    *"{}[]:,-?!&*#|>%@`\"'\\/ \n",
    "kind: Component\n",
    "metadata: ",
    "{name: a}",
    "  name: ",
    "---\n",
    "...",
    "*x",
    "&x ",
    "\\U",
)


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=40),
        st.lists(st.sampled_from(PIECES), max_size=12).map(lambda parts: "".join(parts).encode()),
    )
)
def test_any_bytes_are_a_catalog_or_wrong(data: bytes) -> None:
    try:
        found = parsed(data)
    except InvalidValue as error:
        said = str(error)
        assert said.startswith("a/catalog-info.yaml ")
        assert "(line " in said
        assert said.endswith(".")
    else:
        assert all(each.identifier.strip() for each in found)


@pytest.mark.parametrize(("count", "end"), [(1, ""), (5, ""), (6, " And 1 more."), (12, " And 7 more.")])
def test_the_first_five_catalogs_that_cannot_be_read_are_named(count: int, end: str) -> None:
    paths = [f"{number}/{CATALOG}" for number in range(count)]
    with pytest.raises(InvalidValue) as caught:
        Catalogs(lambda _path: b"- a").known(["x", *paths, "y"])
    one = "has a document that is not a mapping (line 1)."
    assert str(caught.value) == f"{' '.join(f'{path} {one}' for path in paths[:5])}{end}"

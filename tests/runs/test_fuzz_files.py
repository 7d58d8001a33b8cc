"""Service maps, catalogs and CODEOWNERS by the thousand: read, or refused in a sentence, soon, and in no other way."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import counting
from dx_action.errors import InvalidValue
from dx_action.inputs.metadata import parse_metadata
from dx_action.sandbox import Sandbox
from dx_action.services.backstage import Catalogs
from dx_action.services.codeowners import parse_codeowners
from dx_action.services.map import parse_service_map
from dx_action.services.service import Service
from runner import Run, Step, connected
from scenes import merge_payload, told
from soundness import NASTY, TOKEN, assert_sound
from stand_in import GitHub, Repo
from thorough import times

often = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
MAP = b'web:\n  name: Web App\n  paths: [apps/web/**, "!apps/web/**/*.md"]\nlib: [libs/**]\n'
CATALOG = (
    b"apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: web\n  title: Web\n---\nkind: System\n"
)
OWNERS = b"# all\n*  @acme/core\n/apps/web/ @acme/web a@b.example @user\n*.md\ndocs/** @acme/docs\n"
PIECES = [
    *(text.encode(errors="replace") for text in NASTY),
    *(
        b"*",
        b"**",
        b"**/a",
        b"a/**/b/**/c",
        b"!",
        b"!a",
        b"\\",
        b"\\!",
        b"\\ ",
        b"[a-z]",
        b"[!a]",
        b"[]]",
        b"[[:alpha:]]",
        b"?",
    ),
    *(
        b"\n",
        b"\r",
        b"\t",
        b" ",
        b"#",
        b":",
        b"- ",
        b"  ",
        b"---\n",
        b"...\n",
        b"&a",
        b"*a",
        b"<<: *a",
        b"!!python/object:os.x",
    ),
    *(
        b"!!binary",
        b"%YAML 9\n",
        b"|\n",
        b">\n",
        b"'",
        b'"',
        b"\xff",
        b"\xef\xbb\xbf",
        b"\xfe\xff",
        b"kind: Component\n",
        b"metadata:\n",
    ),
    *(
        b"name: web\n",
        b"paths: [a]\n",
        b"paths:\n",
        b"x" * 2000,
        b"a: [b]\n" * 60,
        b"/a/b/c/d/e/f/g/*\n" * 60,
        b"*a*a*a*b",
    ),
]
PATHS = ("apps/web/a.md", "libs/b", "README.md", "docs/x/y.z", "a" * 300, "é/\u202e", "*", "[a]", "!x", "#y", " z ")


@st.composite
def mutated(draw: st.DrawFn, seed: bytes) -> bytes:
    """Give the file with pieces put in and taken out, or one of pieces alone."""
    data = draw(st.sampled_from([seed, seed, b""]))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(data)))
        end = min(start + draw(st.sampled_from([0, 0, 0, 1, 5, 40])), len(data))
        piece = draw(st.sampled_from(PIECES) | st.binary(max_size=6))
        data = data[:start] + piece + data[end:]
    return data


def the_map(data: bytes) -> Any:
    return parse_service_map(data, "map.yml").services_of(PATHS)


def the_catalog(data: bytes) -> Any:
    return Catalogs(lambda path: data if path == "catalog-info.yaml" else None).services_of(PATHS)


def the_owners(data: bytes) -> Any:
    return parse_codeowners(data, "CODEOWNERS").services_of(PATHS)


def the_metadata(data: bytes) -> Any:
    return parse_metadata(data.decode(errors="replace"))


READERS: list[tuple[Callable[[bytes], Any], bytes]] = [
    (the_map, MAP),
    (the_catalog, CATALOG),
    (the_owners, OWNERS),
    (the_metadata, MAP),
]


@pytest.mark.parametrize(("read", "seed"), READERS)
def test_any_bytes_are_read_or_refused(read: Callable[[bytes], Any], seed: bytes) -> None:
    """And the work grows with the file, by no more than a thousand calls a byte."""

    @settings(often, max_examples=times(600))
    @given(mutated(seed))
    def check(data: bytes) -> None:
        work = counting.calls(lambda: _read_or_refused(read, data))
        assert work < 20_000 + 1000 * len(data)

    check()


def _read_or_refused(read: Callable[[bytes], Any], data: bytes) -> None:
    try:
        found = read(data)
    except InvalidValue as wrong:
        said = str(wrong)
        # Three lines and a column at the most, and no word of the file's but a name that is safe.
        assert said
        assert len(said) < 2000
        assert TOKEN not in said
        return
    if isinstance(found, dict):
        return
    for service in found:
        assert isinstance(service, Service)
        assert service.identifier.strip()
        service.identifier.encode()


# Whole runs, with the files in the checkout.


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[Repo, GitHub, Sandbox, dict[str, Any]]]:
    repo = Repo("acme/shop")
    repo.commit({"README.md": "Shop"})
    pull = repo.pulls.ship({"apps/web/a.md": "1", "libs/b": "2"}, how="squash", title="Add")
    with GitHub(repo) as github, Sandbox(token=TOKEN) as dx:
        yield repo, github, dx, merge_payload(repo, pull)


FILES: tuple[tuple[str, str, bytes, dict[str, str]], ...] = (
    ("map", "services.yml", MAP, {"service-map": "services.yml"}),
    ("codeowners", "CODEOWNERS", OWNERS, {}),
    ("backstage", "apps/web/catalog-info.yaml", CATALOG, {}),
)


@pytest.mark.parametrize(("source", "name", "seed", "more"), FILES)
def test_any_file_of_the_checkout(
    tmp_path: Path,
    world: tuple[Repo, GitHub, Sandbox, dict[str, Any]],
    source: str,
    name: str,
    seed: bytes,
    more: dict[str, str],
) -> None:
    repo, github, dx, payload = world
    inputs = connected(dx, TOKEN, service="") | {"services-from": source} | more
    variables = told(tmp_path, github, repo, payload)
    numbers = iter(range(1_000_000))

    def run(data: bytes) -> Run:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        step = Step(folder, inputs, "pull_request_merged", variables, github_token=github.token)
        (step.workspace / ".git").mkdir()
        file = step.workspace / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        found = step.inside()
        assert_sound(found, "\n".join(found.lines))
        return found

    @settings(often, max_examples=times(120))
    @given(mutated(seed))
    def check(data: bytes) -> None:
        run(data)

    assert run(seed).status.endswith("registered")
    check()


def test_the_seeds_are_read(world: tuple[Repo, GitHub, Sandbox, dict[str, Any]]) -> None:
    """What is mutated must be good to begin with, or only the first check would ever be tried."""
    assert [service.identifier for service in the_map(MAP)] == ["lib"]
    assert [service.identifier for service in the_catalog(CATALOG)] == ["web"]
    assert {service.identifier for service in the_owners(OWNERS)} >= {"core", "docs"}
    assert the_metadata(b"a: 1") == {"a": 1}

"""A secret in any field of GitHub's answers is sent to nobody and shown nowhere."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from dx_action.sandbox import Sandbox
from leaking import SECRET, can_be_read, leaks
from runner import Run, Step, connected
from scenes import merge_payload, push_payload, told
from stand_in import GitHub, Repo
from thorough import only_thorough
from worlds import GH

# One without the letters at which a map, a catalog or CODEOWNERS would end it.
PLAIN = "tok-4bD-9fzQw7K2m4R841v5gJ3p6x1"
FILES = {
    "map": ("ci/services.yml", f"{PLAIN}: [a/**]\n"),
    "backstage": ("catalog-info.yaml", f"kind: Component\nmetadata:\n  name: a\n  title: {PLAIN}\n"),
    "codeowners": ("CODEOWNERS", f"* @acme/{PLAIN}\n"),
}
SHIPS = {"attribution": "merge-commits", "show-pull-requests": "true", "lead-time-metadata": "both"}
WAYS: dict[str, tuple[str, dict[str, str]]] = {
    "what ships": ("dispatch", {"service": "a"} | SHIPS),
    "what ships by a map": ("merge", {"service-map": "a: [a/**]"} | SHIPS),
    "pull requests of a push": ("push", {"operation": "set-pull-services", "service-map": "a: [a/**]"}),
    "a merge by CODEOWNERS": ("merge", {"services-from": "codeowners", "set-pull-services": "true"}),
    "a push by Backstage": ("push", {"services-from": "backstage"}),
    "services of the past": (
        "dispatch",
        {"operation": "set-pull-services", "since": "2025-01-01T00:00:00Z", "service-map": "a: [a/**]"},
    ),
    "the past": ("dispatch", {"operation": "backfill", "since": "2025-01-01T00:00:00Z", "only-environments": "**"}),
}


class World:
    """A repository with a past, a DX that knows the secret as its token, and a folder for each run."""

    def __init__(self, folder: Path, repo: Repo, gh: GitHub, dx: Sandbox) -> None:
        self.folder, self.repo, self.gh, self.dx = folder, repo, gh, dx
        first = repo.commit({"README.md": "Shop", "CODEOWNERS": "* @acme/core\n", "catalog-info.yaml": CATALOG})
        repo.deployments.create("main", "production", payload={"service": "a"}, state="success")
        self.pull = repo.pulls.ship({"a/x": "1", "b/x": "1"}, how="squash", title="Add")
        self.before = first

    def run(self, way: str, given: Mapping[str, str], token: str = SECRET) -> Run:
        folder = self.folder / str(len(list(self.folder.iterdir())))
        folder.mkdir()
        event, payload = {
            "dispatch": ("workflow_dispatch", None),
            "merge": ("pull_request_merged", merge_payload(self.repo, self.pull)),
            "push": ("push_branch", push_payload(self.repo, self.before)),
        }[way]
        inputs = connected(self.dx, token, service="", failed_file="failed.jsonl") | dict(given)
        env = told(folder, self.gh, self.repo, payload) | {"RUNNER_DEBUG": "1"}
        return Step(folder, inputs, event, env, github_token=GH).inside()


CATALOG = "kind: Component\nmetadata:\n  name: core\n"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    repo = Repo("acme/shop", start="2025-03-01T00:00:00Z")
    with GitHub(repo, token=GH) as gh, Sandbox(token=SECRET) as dx:
        (tmp_path / "runs").mkdir()
        yield World(tmp_path / "runs", repo, gh, dx)


def fields(said: Any) -> Iterator[str]:
    """Give the names of the fields that have a text."""
    if isinstance(said, dict):
        for name, value in said.items():
            if isinstance(value, str):
                yield name
            yield from fields(value)
    elif isinstance(said, list):
        for value in said:
            yield from fields(value)


def put(said: Any, field: str, write: str) -> Any:
    """Write the secret into every text of this field."""
    if isinstance(said, list):
        return [put(value, field, write) for value in said]
    if not isinstance(said, dict):
        return said
    return {
        name: write.format(value=value, secret=SECRET, code=quote(SECRET, safe=""))
        if name == field and isinstance(value, str)
        else put(value, field, write)
        for name, value in said.items()
    }


@pytest.mark.parametrize(
    ("way", "write"),
    [
        *(pytest.param(way, "{secret}", id=f"{way}, alone") for way in WAYS),
        *(
            # Without a map it reads no field that it does not read with one.
            pytest.param(way, "{value}/{code}", id=f"{way}, behind", marks=only_thorough if way == "what ships" else [])
            for way in WAYS
        ),
    ],
)
def test_a_secret_in_any_field_of_an_answer(world: World, way: str, write: str) -> None:
    names: dict[str, None] = {}

    def noted(said: Any) -> Any:
        names.update(dict.fromkeys(fields(said)))
        return said

    world.gh.app.reworded = noted
    status = world.run(*WAYS[way]).status
    assert status in ("registered", "pull-services-set")
    assert len(names) > 3
    for name in names:
        world.dx.reset()
        world.gh.app.reworded = partial(put, field=name, write=write)
        run = world.run(*WAYS[way])
        assert leaks(run) == {}, name
        assert not any(can_be_read(json.dumps(request["json"])) for request in world.dx.requests()), name


@pytest.mark.parametrize("event", ["merge", "push"])
@pytest.mark.parametrize("dry", ["true", "false"])
@pytest.mark.parametrize("source", FILES)
def test_a_secret_in_a_file_that_names_services(world: World, source: str, dry: str, event: str) -> None:
    path, text = FILES[source]
    world.repo.commit({path: text})
    world.pull = world.repo.pulls.ship({"a/y": "2"}, how="squash", title="More")
    given = {"services-from": source, "dry-run": dry} | ({"service-map": path} if source == "map" else {})
    run = world.run(event, given, PLAIN)
    assert (run.exit_code, run.status, world.dx.requests()) == (1, "failed", [])
    assert f"`service` contains the text of `dx-token`, from changed files, by {source}." in run.outputs["reason"]
    assert leaks(run, PLAIN) == {}


URL = f"https://ci.example/{quote(SECRET, safe='')}"


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ({"payload": {"service": SECRET}}, "`service` {}, from deployment.payload.service."),
        ({"log_url": URL}, "`source_url` {}, from deployment_status.log_url."),
        ({"environment": SECRET}, "`environment` {}, from deployment.environment."),
    ],
    ids=["payload", "log_url", "environment"],
)
@pytest.mark.parametrize("more", [{}, {"dry-run": "true"}, {"csv-file": "out.csv"}], ids=str)
def test_a_secret_in_the_history(world: World, made: dict[str, Any], words: str, more: dict[str, str]) -> None:
    world.repo.deployments.create("main", **({"environment": "production", "state": "success"} | made))
    run = world.run("dispatch", WAYS["the past"][1] | more)
    assert (run.exit_code, run.status, world.dx.requests()) == (1, "failed", [])
    assert words.format("contains the text of `dx-token`") in run.outputs["reason"]
    assert leaks(run) == {}

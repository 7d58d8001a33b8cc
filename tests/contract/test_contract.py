"""What `action.yml`, the code and the Dockerfile say of each other, and the rules of the house."""

import ast
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dx_action.inputs.model import Inputs, read_inputs
from dx_action.report.outputs import outputs
from dx_action.sandbox import Fault, Sandbox
from runner import ENTRY_FILES, ROOT, TOKEN, Run, Step, action, connected
from stand_in import GitHub, Repo

PACKAGE = ROOT / "dx_action"
FILLED_BY_GITHUB = {
    "github-token": "${{ github.token }}",
    "job-index": "${{ strategy.job-index }}",
    "check-run-id": "${{ job.check_run_id }}",
}


# action.yml and the code.


def test_every_input_is_a_field_and_every_field_an_input() -> None:
    fields = [str(field.alias) for field in Inputs.model_fields.values()]
    assert sorted(fields) == sorted(action()["inputs"])
    assert all(re.fullmatch("[a-z]+(-[a-z]+)*", name) for name in action()["inputs"])


def test_the_defaults_are_those_of_the_code() -> None:
    declared = {name: about["default"] for name, about in action()["inputs"].items() if "default" in about}
    assert {name: text for name, text in declared.items() if "${{" in text} == FILLED_BY_GITHUB
    env = {f"INPUT_{name.upper()}": text for name, text in declared.items() if name not in FILLED_BY_GITHUB}
    assert read_inputs(env) == read_inputs({}) == Inputs()


def test_every_output_is_written_and_every_written_one_declared() -> None:
    assert list(outputs("failed", "")) == list(action()["outputs"])


def test_everything_is_described() -> None:
    for kind in ("inputs", "outputs"):
        for name, about in action()[kind].items():
            assert about["description"].strip(), name
            assert about.keys() <= {"description", "default"}, name


def test_how_it_runs() -> None:
    """No arguments or variables of the runner's: it pastes them into a command line. No job can replace the entrypoint's path."""
    runs = action()["runs"]
    assert runs.keys() == {"using", "image", "entrypoint"}
    assert re.fullmatch(r"/[a-z/]+/entrypoint\.py", runs["entrypoint"])
    assert runs["using"] == "docker"
    assert re.fullmatch(r"Dockerfile|docker://[^@\s]+@sha256:[0-9a-f]{64}", runs["image"])


# The Dockerfile.


def instructions() -> list[tuple[str, str]]:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    return [(line.split()[0].upper(), line.split(maxsplit=1)[1]) for line in lines if line.strip()]


def test_the_entrypoint_is_an_isolated_interpreter_without_a_shell() -> None:
    (entrypoint,) = (json.loads(rest) for name, rest in instructions() if name == "ENTRYPOINT")
    interpreter, *flags, script = entrypoint
    assert interpreter.startswith("/")
    assert flags == ["-I", "-u", "-B"]
    assert script == action()["runs"]["entrypoint"]


def test_the_entry_files_first_line_starts_the_same_interpreter() -> None:
    """By its absolute path and with the same flags, in the one argument that Linux hands on."""
    (entrypoint,) = (json.loads(rest) for name, rest in instructions() if name == "ENTRYPOINT")
    interpreter, *flags, _ = entrypoint
    for path in ENTRY_FILES.values():
        first, _, _ = (ROOT / path).read_text(encoding="utf-8").partition("\n")
        assert first == f"#!{interpreter} -{''.join(flag.removeprefix('-') for flag in flags)}"
        assert os.access(ROOT / path, os.X_OK)


def test_the_image_sets_nothing_that_the_runner_needs() -> None:
    """The runner's files belong to root, and its workspace is mounted over whatever was there."""
    names = {name for name, _ in instructions()}
    assert names <= {"FROM", "RUN", "COPY", "LABEL", "ENV", "ENTRYPOINT"}
    assert [rest for name, rest in instructions() if name == "ENV"] == ["PATH=/bin"]


def test_every_base_image_is_pinned() -> None:
    stages = {"scratch"}
    for name, rest in instructions():
        if name == "FROM":
            image, *alias = re.split(r"\s+AS\s+", rest.strip(), flags=re.IGNORECASE)
            assert image in stages or re.fullmatch(r"[^@\s]+@sha256:[0-9a-f]{64}", image)
            stages |= set(alias)


def test_what_is_copied_is_there_and_reaches_the_build() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for name, rest in instructions():
        if name == "COPY" and "--from" not in rest:
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists()
                assert source in kept


# The entry files.


@pytest.mark.parametrize(("stage", "path"), ENTRY_FILES.items())
def test_an_entry_file_has_no_logic(stage: str, path: str) -> None:
    """It finds the package and says which stage it is, without pathlib: a job may be cancelled before signals are noted."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    logic = (ast.FunctionDef, ast.ClassDef, ast.While, ast.For, ast.Try, ast.With)
    assert not [node for node in ast.walk(tree) if isinstance(node, logic)]
    imported = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert imported == ["import os", "import sys", "from dx_action.process import run"]
    (started,) = (ast.unparse(each) for node in tree.body if isinstance(node, ast.If) for each in node.body)
    assert started == ("run()" if stage == "step" else f"run('{stage}')")


# Every input does something.

Look = Callable[[Run, Sandbox], Any]


def sent(name: str) -> Look:
    return lambda run, dx: [request["json"].get(name) for request in dx.requests()]


def output(name: str) -> Look:
    return lambda run, dx: run.outputs[name]


def results(*keys: str) -> Look:
    return lambda run, dx: run.results(*keys)


def paths(run: Run, dx: Sandbox) -> list[str]:
    return [request["path"].rpartition(".")[2] for request in dx.requests()]


def kept(run: Run, dx: Sandbox) -> int:
    return len([file for file in run.workspace.rglob("*.jsonl") if file.read_text().count("\n") == 1])


@dataclass(frozen=True)
class Row:
    """An input's value, and what can be seen with it that cannot be seen without. `{…}` is for what only the run knows."""

    value: str
    look: Look
    expected: Any
    besides: Mapping[str, str] = field(default_factory=dict)
    event: str = "pull_request_merged"
    dx: tuple[Fault, ...] = ()
    tls: bool = False
    github: bool = False


def said(words: str) -> Look:
    return lambda run, dx: any(words in line for line in run.lines)


BACKFILL = {"operation": "backfill"}
FROM_FILE = BACKFILL | {"backfill-file": "rows.csv"}
BY_HAND = {"operation": "set-pull-services", "service": "checkout"}
BY_HAND_SHA = {"commit-sha": "{after}", "since-sha": "{before}"}
BY_FILES = {"service": "", "commit-sha": "{after}", "pull-number": "{pull}", "services-from": "codeowners"}
REFUSED, DOWN = Fault(status=422, error="no"), Fault(status=503, times="forever")
ROWS = {
    "dx-host": Row("{url}", paths, ["create"]),
    "dx-token": Row(TOKEN, lambda run, dx: [request["authorization"] for request in dx.requests()], ["valid"]),
    "github-token": Row(
        "{github}", sent("service"), [{"identifier": "owners"}], BY_FILES, event="workflow_dispatch", github=True
    ),
    "ca-bundle": Row("ca.pem", results("outcome"), [("accepted",)], tls=True),
    "timeout": Row("5", results("outcome", "attempts"), [("unknown", 4)], dx=(DOWN,)),
    "operation": Row("set-pull-services", paths, ["setPullServices"]),
    "services-from": Row(
        "codeowners", sent("service"), [{"identifier": "owners"}], BY_FILES, "push_branch", github=True
    ),
    "service-map": Row(
        "web: [web/**]", sent("service"), [{"identifier": "web"}], BY_FILES | {"services-from": ""}, github=True
    ),
    "since-sha": Row(
        "{before}", sent("service"), [{"identifier": "owners"}], BY_FILES | {"pull-number": ""}, "schedule", github=True
    ),
    "lead-time-metadata": Row("commit", sent("metadata"), [{"commit_timestamp": 1741083330}]),
    "extra-metadata": Row(
        "rollback, pull_requests",
        sent("metadata"),
        [{"rollback": False, "pull_requests": 1}],
        BY_HAND_SHA | {"show-pull-requests": "true"},
        "schedule",
        github=True,
    ),
    "show-pull-requests": Row(
        "true",
        lambda run, _: [pull["number"] for pull in run.json("pull-requests")],
        [1],
        BY_HAND_SHA,
        "schedule",
        github=True,
    ),
    "set-pull-services": Row("true", paths, ["setPullServices", "create"]),
    "replace-pull-services": Row("true", sent("replace"), [True, None], {"set-pull-services": "true"}),
    "pull-number": Row("7", sent("pull_number"), [7], BY_HAND, event="workflow_dispatch"),
    "pull-id": Row("77", sent("github_pull_id"), [77], BY_HAND, event="workflow_dispatch"),
    "service": Row("cart=Cart", sent("service"), [{"identifier": "cart", "name": "Cart"}]),
    "repository": Row("acme/warehouse", sent("repository"), ["acme/warehouse"], {"commit-sha": "abc1234"}),
    "commit-sha": Row("abc1234", sent("commit_sha"), ["abc1234"]),
    "attribution": Row("repository", sent("commit_sha"), [None]),
    "merge-commit-shas": Row("abc1234,abc2345", sent("merge_commit_shas"), [["abc1234", "abc2345"]]),
    "integration-branch": Row("develop", sent("integration_branch"), ["develop"]),
    "deployed-at": Row("1741089600", sent("deployed_at"), ["2025-03-04T12:00:00Z"], event="workflow_run_success"),
    "success": Row("failure", sent("success"), [False]),
    "environment": Row("blue", sent("environment"), ["blue"]),
    "reference-id": Row("release-7", sent("reference_id"), ["release-7"]),
    "source-url": Row("https://ci.example/7", sent("source_url"), ["https://ci.example/7"]),
    "source-name": Row("Jenkins", sent("source_name"), ["Jenkins"]),
    "metadata": Row("version: 1.10", sent("metadata"), [{"version": "1.10"}]),
    "only-branches": Row("release/*", output("status"), "registered", event="pull_request_merged_other_base"),
    "only-environments": Row("stag*", output("status"), "registered", event="deployment_staging"),
    "confirm-delete": Row(
        "release-7", paths, ["delete"], {"operation": "delete", "reference-id": "release-7", "service": ""}
    ),
    "method": Row("upsert", paths, ["upsert"]),
    "on-conflict": Row("update", paths, ["create", "upsert"], dx=(Fault(status=409, error="reference_id_taken"),)),
    "fail-on-error": Row("false", lambda run, dx: run.exit_code, 0, dx=(REFUSED,)),
    "dry-run": Row("true", paths, []),
    "failed-file": Row("out/failed.jsonl", kept, 1, dx=(REFUSED,)),
    "since": Row(
        "2024-10-01T00:00:00Z", sent("service"), [{"identifier": "checkout"}] * 2, BACKFILL, "schedule", github=True
    ),
    "until": Row("2025-01-15T00:00:00Z", sent("service"), [], BACKFILL, "schedule", github=True),
    "workflow-jobs": Row("true", sent("service"), [{"identifier": "checkout"}] * 2, BACKFILL, "schedule", github=True),
    "backfill-file": Row("rows.csv", sent("service"), [{"identifier": "file"}], BACKFILL, "schedule", github=True),
    "csv-file": Row("out/for-dx.csv", output("status"), "written", FROM_FILE, "schedule"),
    "max-per-second": Row("2.5", said("at most 2.5 a second"), True, FROM_FILE, "schedule"),
    "concurrency": Row("9", said("9 in flight"), True, FROM_FILE, "schedule"),
    "job-index": Row("3", output("reference-id"), "github.com/pull/2401500041/deploy/3/success/checkout"),
    "check-run-id": Row(
        "777",
        sent("source_url"),
        ["https://github.com/acme/shop/actions/runs/13654800333/job/777"],
        event="push_branch",
    ),
}


def test_every_declared_input_has_a_row() -> None:
    assert sorted(ROWS) == sorted(action()["inputs"])


def seen(row: Row, folder: Path, name: str, value: str | None) -> Any:
    folder.mkdir()
    workspace = folder / "workspace"
    workspace.mkdir()
    repo = Repo("acme/shop")
    before = repo.commit({"CODEOWNERS": "* @acme/owners", "README.md": "Shop"})
    pull = repo.pulls.ship({"web/a.py": "1"}, how="squash", title="Add a")
    (workspace / "rows.csv").write_text("deployed_at,service\n1741089600,file\n", encoding="utf-8")
    tls = workspace / "ca.pem" if row.tls else None
    with Sandbox(token=TOKEN, faults=row.dx, tls=tls) as dx, GitHub(repo) as github:
        job = f"{github.server_url}/acme/shop/actions/runs/1/job/2"
        for at, page in (("2024-11-01T00:00:00Z", ""), ("2025-02-01T00:00:00Z", ""), ("2025-02-02T00:00:00Z", job)):
            repo.deployments.create(state="success", log_url=page, at=at)
        known = {"{url}": dx.url, "{github}": github.token, "{pull}": str(pull.number), "{before}": before}
        known["{after}"] = str(pull.merge_commit_sha)
        given = connected(dx) | dict(row.besides)
        given = {key: text for key, text in given.items() if key != name} | ({} if value is None else {name: value})
        inputs = {key: known.get(text, text) for key, text in given.items()}
        token = github.token if name != "github-token" else ""
        run = Step(folder, inputs, row.event, github.env if row.github else {}, github_token=token).inside()
        return row.look(run, dx)


@pytest.mark.parametrize("name", ROWS)
def test_every_input_changes_something(tmp_path: Path, name: str) -> None:
    row = ROWS[name]
    assert seen(row, tmp_path / "with", name, row.value) == row.expected
    assert seen(row, tmp_path / "without", name, None) != row.expected

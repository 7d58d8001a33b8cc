"""A step that updates or deletes: whole runs against the stand-in, on any event and on none."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from dx_action.sandbox import Fault, Sandbox
from runner import ROOT, TOKEN, Run, Step, connected, register

DEPLOYMENT = {
    "reference_id": "build-7",
    "deployed_at": "2025-01-01T12:05:00Z",
    "service": {"identifier": "web"},
    "repository": "acme/shop",
    "commit_sha": "abc1234",
}
HELD = DEPLOYMENT | {"environment": "production", "success": True}
UPDATE = {"operation": "update", "reference-id": "build-7", "success": "false"}
DELETE = {"operation": "delete", "reference-id": "build-7", "confirm-delete": "build-7"}


@pytest.fixture
def dx() -> Iterator[Sandbox]:
    with Sandbox(token=TOKEN, imported=["github-7"]) as running:
        register(running, DEPLOYMENT)
        yield running


def ran(
    folder: Path, dx: Sandbox, given: dict[str, str], event: str = "push_branch", env: Mapping[str, str | None] = {}
) -> Run:
    inputs = {name: text for name, text in connected(dx).items() if name != "service"}
    return Step(folder, inputs | given, event, env).inside()


def told(dx: Sandbox) -> list[tuple[str, Any]]:
    return [(request["path"].rpartition(".")[2], json.loads(request["body"])) for request in dx.requests()[1:]]


@pytest.mark.parametrize("event", sorted(path.stem for path in (ROOT / "tests/data/events").glob("*.json")))
def test_any_event_will_do_and_none_of_its_values_is_taken(tmp_path: Path, dx: Sandbox, event: str) -> None:
    run = ran(tmp_path, dx, UPDATE, event)
    assert (run.exit_code, run.status, run.outputs["reference-id"]) == (0, "updated", "build-7")
    assert told(dx) == [("update", {"reference_id": "build-7", "success": False})]
    assert dx.deployments() == [HELD | {"success": False}]


@pytest.mark.parametrize("given", [UPDATE, DELETE])
@pytest.mark.parametrize(
    "env",
    [
        {"GITHUB_EVENT_PATH": None},
        {"GITHUB_EVENT_PATH": "/nowhere/event.json"},
        {"GITHUB_EVENT_NAME": None, "GITHUB_EVENT_PATH": None, "GITHUB_REPOSITORY": None, "GITHUB_SHA": None},
        {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": __file__},
    ],
)
def test_no_event_is_needed(tmp_path: Path, dx: Sandbox, given: dict[str, str], env: dict[str, str | None]) -> None:
    run = ran(tmp_path, dx, given, env=env)
    assert (run.exit_code, len(told(dx))) == (0, 1)


def test_a_deletion_can_be_repeated(tmp_path: Path, dx: Sandbox) -> None:
    for _ in range(2):
        run = ran(tmp_path, dx, DELETE)
        assert (run.exit_code, run.status) == (0, "deleted")
        assert run.annotations == [("notice", "Deployment deleted in DX: build-7.")]
        assert dx.deployments() == []


@pytest.mark.parametrize("given", [DELETE | {"confirm-delete": "build-8"}, UPDATE | {"success": ""}])
@pytest.mark.parametrize("dry_run", ["true", "false"])
def test_a_bad_input_sends_nothing(tmp_path: Path, dx: Sandbox, given: dict[str, str], dry_run: str) -> None:
    run = ran(tmp_path, dx, given | {"dry-run": dry_run, "failed-file": "f.jsonl"})
    assert (run.exit_code, run.status) == (1, "failed")
    assert told(dx) == []
    assert not (run.workspace / "f.jsonl").exists()


@pytest.mark.parametrize("given", [UPDATE, DELETE])
def test_a_dry_run_sends_nothing_and_needs_no_connection(tmp_path: Path, dx: Sandbox, given: dict[str, str]) -> None:
    run = ran(tmp_path, dx, given | {"dry-run": "true", "dx-host": "", "dx-token": ""})
    assert (run.exit_code, run.status) == (0, "dry-run")
    assert told(dx) == []
    assert [request["method"] for request in run.json("requests")] == [f"deployments.{given['operation']}"]


def test_a_dry_run_checks_the_files_of_a_live_run(tmp_path: Path, dx: Sandbox) -> None:
    run = ran(tmp_path, dx, UPDATE | {"dry-run": "true", "ca-bundle": "missing.pem"})
    assert run.exit_code == 1
    assert "ca-bundle" in run.outputs["reason"]


@pytest.mark.parametrize("word", ["cancelled", "skipped"])
def test_a_job_that_was_skipped_corrects_nothing(tmp_path: Path, dx: Sandbox, word: str) -> None:
    run = ran(tmp_path, dx, UPDATE | {"success": word, "environment": "eu"})
    assert (run.exit_code, run.status) == (0, "skipped")
    assert told(dx) == []


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (UPDATE | {"reference-id": "build-8"}, "deployment_not_found"),
        (DELETE | {"reference-id": "github-7", "confirm-delete": "github-7"}, "deployment_not_api_managed"),
        (UPDATE | {"repository": "acme/none"}, "repo_not_found"),
        (UPDATE | {"dx-token": "another"}, "invalid_auth"),
    ],
)
def test_what_dx_refuses_fails_and_is_saved(tmp_path: Path, given: dict[str, str], error: str) -> None:
    with Sandbox(token=TOKEN, imported=["github-7"], repositories=["acme/shop"]) as dx:
        register(dx, DEPLOYMENT)
        run = ran(tmp_path, dx, given | {"failed-file": "f.jsonl"})
        assert (run.exit_code, run.status) == (1, "failed")
        assert run.results("outcome", "error", "attempts") == [("failed", error, 1)]
        assert len(told(dx)) == 1
        assert dx.deployments() == [HELD]
    (line,) = (run.workspace / "f.jsonl").read_text().splitlines()
    row = json.loads(line)
    assert row.pop("method") == given["operation"]
    assert row == run.json("requests")[0]["body"]


@pytest.mark.parametrize(("given", "path"), [(UPDATE, "update"), (DELETE, "delete")])
def test_it_is_tried_again(tmp_path: Path, dx: Sandbox, given: dict[str, str], path: str) -> None:
    dx.script([Fault(status=503, times=2)])
    run = ran(tmp_path, dx, given)
    assert (run.exit_code, run.results("outcome", "attempts")) == (0, [("accepted", 3)])
    assert [name for name, _ in told(dx)] == [path] * 3


def test_what_is_unknown_can_be_sent_again(tmp_path: Path, dx: Sandbox) -> None:
    dx.script([Fault(status=503, times="forever")])
    run = ran(tmp_path, dx, UPDATE | {"timeout": "3", "fail-on-error": "except-outages", "failed-file": "f.jsonl"})
    assert (run.exit_code, run.status) == (0, "failed")
    assert run.results("outcome") == [("unknown",)]
    assert "the same update can be sent any number of times" in run.outputs["reason"]
    dx.script([])
    again = ran(tmp_path, dx, {"operation": "backfill", "backfill-file": "f.jsonl"})
    assert (again.exit_code, again.status) == (0, "updated")
    assert dx.deployments() == [HELD | {"success": False}]


def test_a_connection_that_is_missing_is_named_and_the_request_saved(tmp_path: Path, dx: Sandbox) -> None:
    run = ran(tmp_path, dx, DELETE | {"dx-token": "", "failed-file": "f.jsonl"})
    assert (run.exit_code, run.results("outcome", "error")) == (1, [("not-sent", "not_configured")])
    assert (run.workspace / "f.jsonl").read_text() == '{"reference_id":"build-7", "method": "delete"}\n'


def test_a_token_that_metadata_is_folded_into_is_not_sent(tmp_path: Path, dx: Sandbox) -> None:
    folded = f"note: {TOKEN[:9]}\\\n  {TOKEN[9:]}".replace("note: ", 'note: "') + '"'
    run = ran(tmp_path, dx, UPDATE | {"metadata": folded})
    assert run.exit_code == 1
    assert told(dx) == []
    assert TOKEN not in run.outputs["reason"]
    assert "`metadata` contains the text of `dx-token`" in run.outputs["reason"]


def test_what_has_no_effect_is_named(tmp_path: Path, dx: Sandbox) -> None:
    run = ran(tmp_path, dx, UPDATE | {"concurrency": "2"})
    assert [text.partition(".")[0] for level, text in run.annotations if level == "notice"] == [
        "Deployment updated as failed in DX: build-7",
        "`concurrency` has no effect here",
    ]

"""The whole action, from the runner's variables to the wire, the log and the files: see runner and golden."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import events
import golden
from dx_action.sandbox import Fault, Sandbox, Store
from gfm import Page
from runner import (
    NOW,
    ROOT,
    TOKEN,
    Malformed,
    Run,
    Step,
    action,
    connected,
    fast_clock,
    read_command,
    read_outputs,
    until,
)

MERGED = "312c5c6455a5802d9eff8e65fbc68a516dd3a76d"
PULL_ID = "github.com/pull/2401500041/deploy/0/success"
CREATE, UPSERT = "/api/deployments.create", "/api/deployments.upsert"
DOWN = Fault(status=503, times="forever")
REFUSED = Fault(status=422, error="service_retired", message="No more.", times="forever")
TWO = "checkout, cart"


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        yield server


@pytest.fixture
def dx() -> Iterator[Sandbox]:
    with Sandbox(token=TOKEN) as sandbox:
        yield sandbox


def sent(dx: Sandbox) -> list[tuple[str, str]]:
    return [(request["path"], request["json"]["service"]["identifier"]) for request in dx.requests()]


def bodies(lines: Sequence[str]) -> list[Any]:
    return [json.loads(line) for line in lines]


# The reading of the runner's files and commands, without which nothing below means much.


@pytest.mark.parametrize("text", ["x", "a<<\nb\n\n", "a<<E\nb\n", "a<<E\nb\nE", "=x\n", "<<E\nE\n", "a=1\na=2\n"])
def test_malformed_outputs_are_refused(text: str) -> None:
    with pytest.raises(Malformed):
        read_outputs(text)


def test_outputs_are_read_as_the_runner_does() -> None:
    text = "a=b<<c\n\nd<<E=F\n1\n\n2\nE=F\ne<<E\nE\n"
    assert read_outputs(text) == {"a": "b<<c", "d": "1\n\n2", "e": ""}


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("::error::x", "error"),
        ("  ::ERROR a=b::x", "error"),
        ("x ::error::x", None),
        ("::nothing::##[debug]x", "debug"),
        ("x##[error]x", "error"),
        ("# #[error]x", None),
        ("::error:x", None),
    ],
)
def test_commands_are_read_as_the_runner_does(line: str, name: str | None) -> None:
    command = read_command(line)
    assert (command and command.name) == name


# What it does where all is well.


def test_a_merged_pull_request_is_registered(tmp_path: Path, dx: Sandbox) -> None:
    run = Step(tmp_path, connected(dx)).run()
    (request,) = dx.requests()
    body = {
        "reference_id": f"{PULL_ID}/checkout",
        "deployed_at": run.outputs["deployed-at"],
        "service": {"identifier": "checkout"},
        "repository": "acme/shop",
        "commit_sha": MERGED,
        "source_url": "https://github.com/acme/shop/pull/41",
        "source_name": "GitHub Actions",
    }
    assert (request["verb"], request["path"], request["authorization"]) == ("POST", CREATE, "valid")
    assert request["headers"]["content-type"] == "application/json"
    assert json.loads(request["body"]) == body
    assert datetime.fromisoformat(run.outputs["deployed-at"]).utcoffset() is not None
    assert run.exit_code == 0
    assert run.remarks == []
    assert run.masks == [TOKEN]
    assert run.outputs == {
        "status": "registered",
        "reason": "",
        "repository": "acme/shop",
        "commit-sha": MERGED,
        "deployed-at": body["deployed_at"],
        "pull-number": "41",
        "pull-id": "2401500041",
        "merge-commit-shas": "[]",
        "services": '["checkout"]',
        "reference-ids": f'["{PULL_ID}/checkout"]',
        "reference-id": f"{PULL_ID}/checkout",
        "requests": json.dumps([{"method": "deployments.create", "body": body}]),
        "results": run.outputs["results"],
        "rollback": "",
        "pull-requests": "[]",
        "checks": "[]",
        "truncated": "false",
    }
    assert run.results("service", "outcome", "http_status", "error", "attempts") == [
        ("checkout", "accepted", 200, "", 1)
    ]
    assert "### Deployment registered in DX" in run.summary
    assert f"<code>{MERGED[:12]}</code>" in run.summary


DELETE = {"operation": "delete", "reference-id": "held", "confirm-delete": "held", "service": ""}
# What did all that was asked for.
DONE = ("registered", "pull-services-set", "updated", "deleted", "checked", "waiting", "dry-run", "written")


@pytest.mark.parametrize(
    ("status", "code", "event", "inputs", "faults"),
    [
        ("registered", 0, "push_branch", {}, []),
        ("already-registered", 0, "push_branch", {"reference-id": "held"}, []),
        ("pull-services-set", 0, "pull_request_merged", {"operation": "set-pull-services"}, []),
        ("updated", 0, "schedule", {"operation": "update", "reference-id": "held", "success": "false"}, []),
        ("deleted", 0, "schedule", DELETE, []),
        ("checked", 0, "push_branch", {"operation": "check"}, []),
        ("waiting", 0, "push_branch", {}, [DOWN]),
        ("skipped", 0, "pull_request_opened", {}, []),
        ("dry-run", 0, "push_branch", {"dry-run": "TRUE"}, [DOWN]),
        ("written", 0, "schedule", {"operation": "backfill", "backfill-file": "rows.csv", "csv-file": "out.csv"}, []),
        ("partial", 1, "push_branch", {"service": TWO}, [Fault(latency=0), REFUSED]),
        ("failed", 1, "push_branch", {}, [REFUSED]),
    ],
)
def test_every_status(
    tmp_path: Path, dx: Sandbox, status: str, code: int, event: str, inputs: dict[str, str], faults: list[Fault]
) -> None:
    Step(tmp_path, connected(dx, reference_id="held"), "schedule").inside()
    dx.script(faults)
    step = Step(tmp_path, connected(dx) | inputs, event, stage="start" if status == "waiting" else "step")
    (step.workspace / "rows.csv").write_text("deployed_at\n1741089600\n", encoding="utf-8")
    run = step.inside()
    assert (run.status, run.exit_code) == (status, code)
    # Where not all was done that was asked for, one line says why.
    assert bool(run.outputs["reason"]) == (status not in DONE)
    assert "\n" not in run.outputs["reason"]
    assert status in re.findall("`([^`]+)`", action()["outputs"]["status"]["description"])
    assert run.summary.startswith("### ") is (status != "waiting")


def test_the_table_above_has_every_documented_status() -> None:
    table = next(mark for mark in test_every_status.pytestmark if mark.name == "parametrize")  # type: ignore[attr-defined]
    described = re.findall("`([^`]+)`", action()["outputs"]["status"]["description"])
    assert [row[0] for row in table.args[1]] == described


def test_several_services(tmp_path: Path, dx: Sandbox) -> None:
    run = Step(tmp_path, connected(dx, service="checkout=Check-out\ncart\nsearch")).inside()
    held = {deployment["service"]["identifier"]: deployment for deployment in dx.deployments()}
    assert list(held) == ["checkout", *sorted(held.keys() - {"checkout"}, key=list(held).index)]
    assert held.keys() == {"checkout", "cart", "search"}
    assert held["checkout"]["service"] == {"identifier": "checkout", "name": "Check-out"}
    assert run.json("services") == ["checkout", "cart", "search"]
    assert run.json("reference-ids") == [f"{PULL_ID}/{name}" for name in run.json("services")]
    assert run.outputs["reference-id"] == ""
    assert run.results("service", "reference_id") == list(
        zip(run.json("services"), run.json("reference-ids"), strict=True)
    )


def test_upsert(tmp_path: Path, dx: Sandbox) -> None:
    run = Step(tmp_path, connected(dx, method="upsert")).inside()
    assert sent(dx) == [(UPSERT, "checkout")]
    assert dx.requests()[0]["json"]["success"] is True
    assert [request["method"] for request in run.json("requests")] == ["deployments.upsert"]


@pytest.mark.parametrize("event", events.NAMES)
def test_every_event_can_be_rehearsed(tmp_path: Path, event: str) -> None:
    run = Step(tmp_path, {"dry-run": "true"}, event).inside()
    assert run.exit_code == 0
    assert run.status in ("dry-run", "skipped")
    assert len(run.json("requests")) == (run.status == "dry-run")
    assert [level for level, _ in run.remarks if level == "error"] == []


def test_a_schedule_knows_its_repository_from_the_runner(tmp_path: Path, dx: Sandbox) -> None:
    run = Step(tmp_path, connected(dx, service=""), "schedule").inside()
    (body,) = (request["json"] for request in dx.requests())
    assert (body["repository"], body["service"]) == ("acme/shop", {"identifier": "shop"})
    assert body["commit_sha"] == events.load("schedule")[0]["GITHUB_SHA"]
    assert body["source_url"].endswith("/actions/runs/13654801998/job/38168200017")
    assert [level for level, _ in run.remarks] == ["notice"]


def test_an_unknown_event_registers_the_commit_of_the_run(tmp_path: Path, dx: Sandbox) -> None:
    env = {"GITHUB_EVENT_NAME": "meteor_strike"}
    run = Step(tmp_path, connected(dx), "schedule", env).inside()
    assert (run.status, run.outputs["commit-sha"]) == ("registered", events.load("schedule")[0]["GITHUB_SHA"])
    assert "Event meteor_strike:" in run.said


def test_the_log_tells_each_value_and_where_it_came_from(tmp_path: Path) -> None:
    inputs = {"dry-run": "true", "environment": "blue", "success": "failure", "merge-commit-shas": "abc1234, abc2345"}
    run = Step(tmp_path, inputs, "push_branch").inside()
    told = {line[2:21].strip(): line[21:] for line in run.said if re.match(r"  [a-z]", line)}
    assert told == {
        "repository": "acme/shop  from repository.full_name",
        "commit (not sent)": f"{MERGED}  from push.head_commit.id",
        "merge_commit_shas": "abc1234, abc2345  from input merge-commit-shas",
        "attribution": "merge-commits  from input merge-commit-shas",
        "service": "shop  from the repository's name",
        "deployed_at": "2025-03-04T12:00:00Z  from the clock",
        "success": "false  from input success",
        "environment": "blue  from input environment",
        "reference_id": f"{run.outputs['reference-id']}  from this job",
        "source_url": "https://github.com/acme/shop/actions/runs/13654800333/job/38168200017  from this job",
    }


def test_a_long_value_is_told_as_far_as_one_reads(tmp_path: Path) -> None:
    run = Step(
        tmp_path, {"dry-run": "true", "service": json.dumps([f"service-{number}" for number in range(99)])}
    ).inside()
    assert len(run.json("services")) == 99
    for name in ("service", "reference_id"):
        (line,) = (line for line in run.said if line.startswith(f"  {name} "))
        assert len(line) < 400
        assert "…  from " in line


# What DX holds already.


@pytest.mark.parametrize(
    ("on_conflict", "outcome", "code", "methods", "level"),
    [
        ("keep", "already-registered", 0, [CREATE], "warning"),
        ("update", "accepted", 0, [CREATE, UPSERT], None),
        ("fail", "failed", 1, [CREATE], "error"),
    ],
)
def test_conflicts(
    tmp_path: Path, dx: Sandbox, on_conflict: str, outcome: str, code: int, methods: list[str], level: str | None
) -> None:
    inputs = connected(dx, reference_id="release-7", on_conflict=on_conflict)
    first = Step(tmp_path, inputs | {"environment": "blue"}).inside()
    assert first.remarks == []
    before = len(dx.requests())
    run = Step(tmp_path, inputs | {"environment": "green"}).inside()
    assert [request["path"] for request in dx.requests()[before:]] == methods
    assert (run.results("outcome"), run.exit_code) == ([(outcome,)], code)
    assert [found for found, _ in run.remarks] == ([level] if level else [])
    assert [f"/api/{request['method']}" for request in run.json("requests")] == methods
    (held,) = dx.deployments()
    assert held["environment"] == ("green" if on_conflict == "update" else "blue")


def test_the_same_event_twice_is_no_cause_for_alarm(tmp_path: Path, dx: Sandbox) -> None:
    later = fast_clock(lambda: NOW + timedelta(hours=3))  # than the event
    Step(tmp_path, connected(dx), "deployment_status_success").inside(later)
    same = Step(tmp_path, connected(dx), "deployment_status_success").inside(later)
    assert (same.status, same.remarks) == ("registered", [])
    other = Step(tmp_path, connected(dx, source_name="Jenkins"), "deployment_status_success").inside(later)
    assert (other.status, other.exit_code) == ("already-registered", 0)
    assert [level for level, _ in other.remarks] == ["notice"]
    assert len(dx.deployments()) == 1


# A dry run.


@pytest.mark.parametrize("event", ["pull_request_merged", "deployment_status_failure", "release_published"])
def test_a_dry_run_shows_what_a_live_run_sends(tmp_path: Path, dx: Sandbox, event: str) -> None:
    inputs = {"service": "checkout=Käse\ncart", "metadata": '{"ünï": [1.5, null]}', "dry-run": "true"}
    dry = Step(tmp_path, inputs, event).inside()
    assert (dry.status, dx.requests()) == ("dry-run", [])
    live = Step(tmp_path, connected(dx) | inputs | {"dry-run": "false"}, event).inside()
    assert live.status == "registered"
    assert dry.outputs["requests"] == live.outputs["requests"]
    shown = {line.strip() for line in dry.said if line.startswith("    {")}
    assert shown == {request["body"] for request in dx.requests()}
    assert [json.loads(text) for _, text in Page(dry.summary).fences] == list(map(json.loads, sorted(shown)[::-1]))


def test_a_dry_run_sends_nothing_even_where_it_could(tmp_path: Path, dx: Sandbox) -> None:
    run = Step(tmp_path, connected(dx, dry_run="true", failed_file="failed.jsonl")).inside()
    assert (run.exit_code, dx.requests(), list(run.workspace.iterdir())) == (0, [], [])


# What goes wrong before anything is sent.


def test_bad_inputs_are_told_all_at_once(tmp_path: Path, dx: Sandbox) -> None:
    wrong = {"timeout": "soon", "commit-sha": "HEAD", "dry-run": "perhaps", "metadata": "[1]", "deployed-at": "noon"}
    run = Step(tmp_path, connected(dx) | wrong | {"dx-token": ""}).inside()
    ((level, message),) = run.remarks
    assert (run.exit_code, run.status, level, dx.requests()) == (1, "failed", "error", [])
    headline, *lines = message.split("\n")
    assert headline == "Nothing was sent to DX: 6 problems."
    assert {line.split("`")[1] for line in lines} == {*wrong, "dx-token"}
    assert all(f"`{name}`" in run.outputs["reason"] for name in (*wrong, "dx-token"))
    assert all(f"> - <code>{name}</code>" in run.summary for name in (*wrong, "dx-token"))
    assert not any(value in message for value in wrong.values())


@pytest.mark.parametrize(
    ("payload", "subject"),
    [
        (None, "GITHUB_EVENT_PATH"),
        ("", "GITHUB_EVENT_PATH"),
        ("{", "GITHUB_EVENT_PATH"),
        ("[" * 100_000, "GITHUB_EVENT_PATH"),
        ("[]", "GITHUB_EVENT_PATH"),
        ("{}", "pull_request"),
        ('{"pull_request": {"id": "many", "number": 1}}', "pull_request"),
    ],
)
def test_an_event_file_that_cannot_be_used(tmp_path: Path, dx: Sandbox, payload: str | None, subject: str) -> None:
    path = tmp_path / "event.json"
    if payload is not None:
        path.write_text(payload)
    run = Step(tmp_path, connected(dx), env={"GITHUB_EVENT_PATH": str(path)}).inside()
    ((level, message),) = run.remarks
    assert (run.exit_code, run.status, level, dx.requests()) == (1, "failed", "error", [])
    assert message.startswith(f"Nothing was sent to DX: 1 problem.\n`{subject}` ")
    assert "many" not in message


@pytest.mark.parametrize("variable", ["GITHUB_EVENT_PATH", "GITHUB_EVENT_NAME"])
def test_outside_of_a_workflow(tmp_path: Path, dx: Sandbox, variable: str) -> None:
    run = Step(tmp_path, connected(dx), env={variable: None}).inside()
    assert (run.exit_code, run.status, dx.requests()) == (1, "failed", [])
    assert f"`{variable}`" in run.outputs["reason"]


@pytest.mark.parametrize("actor", ["octocat", "dependabot[bot]"])
def test_a_missing_token(tmp_path: Path, dx: Sandbox, actor: str) -> None:
    run = Step(tmp_path, connected(dx, token=""), "push_branch", {"GITHUB_ACTOR": actor}).inside()
    ((level, message),) = run.remarks
    assert (run.exit_code, run.status, level, dx.requests()) == (1, "failed", "error", [])
    assert "`dx-token` is missing" in message
    assert ("Dependabot secret" in message) == (actor == "dependabot[bot]")
    assert run.results("outcome", "error") == [("not-sent", "not_configured")]


@pytest.mark.parametrize(("event", "level"), [("pull_request_fork_merged", "warning"), ("push_branch", "error")])
def test_a_fork_has_no_secrets(tmp_path: Path, dx: Sandbox, event: str, level: str) -> None:
    run = Step(tmp_path, connected(dx, token=""), event).inside()
    assert [found for found, _ in run.remarks] == [level]
    if level == "warning":
        assert (run.exit_code, run.status) == (0, "skipped")
        assert "`push`" in run.remarks[0][1]
        assert "`pull_request_target`" in run.remarks[0][1]


def test_a_fork_that_has_the_token_is_registered(tmp_path: Path, dx: Sandbox) -> None:
    assert Step(tmp_path, connected(dx), "pull_request_fork_merged").inside().status == "registered"


# What goes wrong at DX.


def test_an_outage_that_ends_makes_one_deployment(tmp_path: Path, dx: Sandbox) -> None:
    dx.script([Fault(status=503, times=2, commit=True)])
    run = Step(tmp_path, connected(dx)).inside()
    assert (run.exit_code, run.status, run.remarks) == (0, "registered", [])
    assert run.results("outcome", "attempts") == [("accepted", 3)]
    assert len(dx.deployments()) == 1
    assert len(dx.requests()) == 3
    assert len({request["body"] for request in dx.requests()}) == 1
    assert [line.split(". ")[0] for line in run.said if line.startswith("Attempt")] == [
        "Attempt 1 for checkout: HTTP 503",
        "Attempt 2 for checkout: HTTP 503",
    ]


def test_an_outage_that_lasts(tmp_path: Path, dx: Sandbox) -> None:
    dx.script([DOWN])
    run = Step(tmp_path, connected(dx)).inside()
    assert (run.exit_code, run.status) == (1, "failed")
    assert run.results("outcome", "http_status", "error") == [("unknown", 503, "http_503")]
    ((_, message),) = run.remarks
    assert "It is unknown whether DX registered checkout" in message
    assert "answered every attempt with HTTP 503" in message


def test_a_refused_token_is_tried_once_and_told_once(tmp_path: Path, dx: Sandbox) -> None:
    run = Step(tmp_path, connected(dx, "another-token-altogether", service="checkout, cart, search")).inside()
    assert len(dx.requests()) == 1
    assert (run.exit_code, run.status) == (1, "failed")
    assert run.results("outcome", "error") == [("failed", "invalid_auth"), *[("not-sent", "unauthorized_before")] * 2]
    ((level, message),) = run.remarks
    assert level == "error"
    assert message.startswith("DX did not register 3 of 3 deployments (checkout, cart, search): invalid_auth.")
    assert "`dx-token`" in message


TOKEN_TOLD, HOST_TOLD = "`dx-token` is missing or empty.", "`dx-host` is missing."
FOUND_OUT_LATE: dict[str, tuple[str, dict[str, str], list[str]]] = {
    "another repository": ("push_branch", {"repository": "a/b"}, ["`repository` is not the", HOST_TOLD, TOKEN_TOLD]),
    "its host is given": (
        "push_branch",
        {"repository": "a/b", "dx-host": "acme"},
        ["`repository` is not the", TOKEN_TOLD],
    ),
    "no beginning": ("schedule", {"services-from": "codeowners"}, ["`since-sha` is missing", HOST_TOLD, TOKEN_TOLD]),
    "a pull request that is not found": (
        "schedule",
        {"set-pull-services": "true", "service": "web"},
        ["`pull-number` is missing", HOST_TOLD, TOKEN_TOLD],
    ),
    "a dry run needs neither": ("push_branch", {"repository": "a/b", "dry-run": "true"}, ["`repository` is not the"]),
}


@pytest.mark.parametrize("name", FOUND_OUT_LATE)
def test_a_missing_connection_is_told_with_what_is_found_out_late(tmp_path: Path, name: str) -> None:
    event, given, expected = FOUND_OUT_LATE[name]
    run = Step(tmp_path, given, event, github_token="ghs-of-the-tests").inside()
    ((level, message),) = run.remarks
    assert (run.exit_code, level) == (1, "error")
    told = [line for line in message.splitlines() if line.startswith("`")]
    assert [line.startswith(start) for line, start in zip(told, expected, strict=True)] == [True] * len(expected), told


@pytest.mark.parametrize("event", ["pull_request_opened", "deployment_staging", "push_branch_deleted"])
def test_what_is_skipped_needs_no_connection(tmp_path: Path, event: str) -> None:
    run = Step(tmp_path, {"repository": "a/b"}, event).inside()
    assert (run.exit_code, run.status, [level for level, _ in run.remarks]) == (0, "skipped", ["notice"])


@pytest.mark.parametrize("code", ["repo_not_found", "required_params_missing", "invalid_json", "account_inactive"])
def test_a_documented_refusal_has_its_own_advice(tmp_path: Path, dx: Sandbox, code: str) -> None:
    dx.script([Fault(status=422, error=code)])
    run = Step(tmp_path, connected(dx)).inside()
    ((_, message),) = run.remarks
    assert f"DX did not register checkout: {code}. " in message
    assert "no such code" not in message
    assert run.results("outcome", "error", "attempts") == [("failed", code, 1)]


def test_an_unknown_refusal_is_told_in_dx_own_words(tmp_path: Path, dx: Sandbox) -> None:
    dx.script([REFUSED])
    run = Step(tmp_path, connected(dx)).inside()
    ((_, message),) = run.remarks
    assert "service_retired" in message
    assert "DX says: “No more.”" in message
    assert "checkout: service_retired: No more." in run.summary
    assert run.results("message") == [("No more.",)]


def test_each_kind_of_failure_is_told_once(tmp_path: Path, dx: Sandbox) -> None:
    dx.script([Fault(latency=0), Fault(status=422, error="one", times=2), Fault(status=422, error="two", times=2)])
    run = Step(tmp_path, connected(dx, service="a, b, c, d, e")).inside()
    assert run.status == "partial"
    assert sorted(message.split(": ")[1][:4] for _, message in run.remarks) == ["one.", "two."]
    assert all(message.startswith("DX did not register 2 of 5 deployments (") for _, message in run.remarks)


# Green whatever happens, where it is asked for.


@pytest.mark.parametrize(
    ("inputs", "env", "faults", "status"),
    [
        ({"timeout": "soon"}, {}, [], "failed"),
        ({"dx-token": ""}, {}, [], "failed"),
        ({}, {"GITHUB_EVENT_PATH": "/nowhere"}, [], "failed"),
        ({}, {}, [REFUSED], "failed"),
        ({"service": TWO}, {}, [Fault(latency=0), REFUSED], "partial"),
        ({"failed-file": "failed.jsonl", "dx-token": ""}, {"GITHUB_WORKSPACE": "/nowhere"}, [], "failed"),
        ({}, {"GITHUB_OUTPUT": "/nowhere/output"}, [], None),
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_fail_on_error(
    tmp_path: Path,
    dx: Sandbox,
    inputs: dict[str, str],
    env: dict[str, str],
    faults: list[Fault],
    status: str | None,
    strict: bool,
) -> None:
    dx.script(faults)
    inputs = connected(dx, fail_on_error=str(strict).lower()) | inputs
    run = Step(tmp_path, inputs, env=env).inside()
    assert run.exit_code == strict
    assert {level for level, _ in run.remarks} == {"error" if strict else "warning"}
    assert run.outputs.get("status") == status


@pytest.mark.parametrize(
    ("inputs", "env", "faults", "code", "levels"),
    [
        ({}, {}, [DOWN], 0, ["warning"]),
        ({}, {}, [Fault(status=429, times="forever")], 0, ["warning"]),
        ({}, {}, [Fault(reset="after", times="forever")], 0, ["warning"]),
        ({}, {}, [Fault(status=401, error="invalid_auth", times="forever")], 1, ["error"]),
        ({}, {}, [REFUSED], 1, ["error"]),
        ({"service": TWO}, {}, [replace(REFUSED, times=1), DOWN], 1, ["error", "warning"]),
        ({"timeout": "soon"}, {}, [], 1, ["error"]),
        ({}, {"GITHUB_EVENT_PATH": "/nowhere"}, [], 1, ["error"]),
        ({}, {"GITHUB_OUTPUT": "/nowhere/output"}, [], 1, ["error"]),
        ({"service": "", "services-from": "backstage"}, {"GITHUB_API_URL": "http://127.0.0.1:1"}, [], 0, ["warning"]),
        (
            {"service": "", "services-from": "backstage", "dx-token": ""},
            {"GITHUB_API_URL": "http://127.0.0.1:1"},
            [],
            1,
            ["error"],
        ),
    ],
)
def test_only_what_someone_must_correct_fails_it(
    tmp_path: Path,
    dx: Sandbox,
    inputs: dict[str, str],
    env: dict[str, str],
    faults: list[Fault],
    code: int,
    levels: list[str],
) -> None:
    dx.script(faults)
    run = Step(tmp_path, connected(dx, fail_on_error="except-outages") | inputs, env=env).inside(fast_clock())
    assert run.exit_code == code
    assert [level for level, _ in run.remarks] == levels


@pytest.mark.parametrize("dry", ["true", "false"])
@pytest.mark.parametrize("operation", ["deploy", "backfill"])
@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"dx-host": "api.getdx.com"}, "`dx-host` is a host that serves no Data Cloud API."),
        (
            {"ca-bundle": "missing.pem"},
            "`ca-bundle` names a file that is neither in the workspace nor in the deployed commit.",
        ),
        ({"dx-host": "acme", "ca-bundle": "rows.jsonl"}, "`ca-bundle` contains no readable certificate."),
        ({"failed-file": "taken"}, "`failed-file` "),
    ],
    ids=str,
)
def test_a_dry_run_checks_what_a_live_run_checks(
    tmp_path: Path, dx: Sandbox, given: dict[str, str], reason: str, operation: str, dry: str
) -> None:
    (tmp_path / "workspace" / "taken").mkdir(parents=True)
    (tmp_path / "workspace" / "rows.jsonl").write_text('{"deployed_at": "2025-01-01T12:05:00Z"}\n')
    more = {"operation": operation} | ({"backfill-file": "rows.jsonl"} if operation == "backfill" else {})
    run = Step(tmp_path, connected(dx) | {"dry-run": dry} | more | given, "workflow_dispatch").inside()
    assert (run.exit_code, run.status) == (1, "failed")
    assert run.outputs["reason"].startswith(reason)
    assert dx.requests() == []


@pytest.mark.parametrize("strict", [True, False])
def test_a_bug_is_told_as_one(tmp_path: Path, dx: Sandbox, strict: bool) -> None:
    def broken() -> datetime:
        raise ZeroDivisionError("secret words")

    run = Step(tmp_path, connected(dx, fail_on_error=str(strict).lower())).inside(fast_clock(now=broken))
    ((level, message),) = run.remarks
    assert (run.exit_code, run.status, level) == ((1, "failed", "error") if strict else (0, "failed", "warning"))
    assert re.match(r"Unexpected error in the action, at test_action\.py:\d+, ZeroDivisionError\.", message)
    assert [command.name for command in run.commands if "group" in command.name] == ["group", "endgroup"]
    assert any(re.fullmatch(r"main\.py:\d+ in _operate", line) for line in run.said)
    assert "secret words" not in "".join(run.lines) + run.raw_outputs + run.summary


def test_a_bug_amid_the_sending_keeps_what_is_known(tmp_path: Path, dx: Sandbox) -> None:
    chances = [0.5]

    dx.script([Fault(latency=0), Fault(status=429)])
    # The clock has no second number, so that the second call breaks.
    run = Step(tmp_path, connected(dx, service=TWO, failed_file="failed.jsonl")).inside(fast_clock(random=chances.pop))
    assert (run.exit_code, run.status) == (1, "failed")
    assert "DX registered 1 of 2 deployments." in run.remarks[0][1]
    assert run.results("service", "outcome") == [("checkout", "accepted"), ("cart", "unknown")]
    kept = bodies((run.workspace / "failed.jsonl").read_text().splitlines())
    assert [body["service"]["identifier"] for body in kept] == ["cart"]


# The file for what DX does not hold.


def test_the_failed_file_holds_bodies_that_can_be_sent_again(tmp_path: Path, dx: Sandbox) -> None:
    step = Step(tmp_path, connected(dx, service=TWO, failed_file="out/deep/failed.jsonl", metadata='{"é": 1}'))
    if os.geteuid() == 0:
        os.chown(step.workspace, 1234, 2345)
    owner = step.workspace.stat()
    dx.script([Fault(latency=0), REFUSED])
    assert step.inside().status == "partial"
    file = step.workspace / "out/deep/failed.jsonl"
    first = file.read_text()
    assert [body["service"]["identifier"] for body in bodies(first.splitlines())] == ["cart"]
    for path in (file, *file.parents[:2]):
        assert (path.stat().st_uid, path.stat().st_gid) == (owner.st_uid, owner.st_gid)

    dx.script([DOWN])
    assert step.inside().status == "failed"
    assert file.read_text().startswith(first)
    lines = file.read_text().splitlines()
    assert [body["service"]["identifier"] for body in bodies(lines)] == ["cart", "checkout", "cart"]
    store = Store(TOKEN)
    assert [store.handle("deployments.create", TOKEN, line.encode())[0] for line in lines] == [200] * 3
    assert len(store.deployments()) == 2


def test_the_failed_file_names_an_upsert(tmp_path: Path, dx: Sandbox) -> None:
    dx.script([REFUSED])
    run = Step(tmp_path, connected(dx, method="upsert", failed_file="failed.jsonl")).inside()
    (line,) = (run.workspace / "failed.jsonl").read_text().splitlines()
    assert line.endswith(', "method": "upsert"}')  # where a shell finds it easily
    body = json.loads(line)
    assert body.pop("method") == "upsert"
    assert Store(TOKEN).handle("deployments.upsert", TOKEN, json.dumps(body).encode())[0] == 200


def test_the_failed_file_stays_empty_where_all_is_well(tmp_path: Path, dx: Sandbox) -> None:
    run = Step(tmp_path, connected(dx, failed_file="failed.jsonl")).inside()
    assert (run.status, (run.workspace / "failed.jsonl").read_bytes()) == ("registered", b"")


@pytest.mark.parametrize("wrong", [{"dx-token": ""}, {"dx-host": ""}, {"ca-bundle": "missing.pem"}])
def test_the_failed_file_keeps_what_could_not_be_sent(tmp_path: Path, dx: Sandbox, wrong: dict[str, str]) -> None:
    run = Step(tmp_path, connected(dx, service=TWO, failed_file="failed.jsonl") | wrong, "push_branch").inside()
    kept = bodies((run.workspace / "failed.jsonl").read_text().splitlines())
    assert [body["service"]["identifier"] for body in kept] == ["checkout", "cart"]
    assert run.results("outcome") == [("not-sent",)] * 2
    assert run.outputs["repository"] == "acme/shop"
    assert (run.exit_code, dx.requests()) == (1, [])


def test_a_failed_file_that_cannot_be_written_is_told_before_anything_is_sent(tmp_path: Path, dx: Sandbox) -> None:
    step = Step(tmp_path, connected(dx, failed_file="link/failed.jsonl"))
    (step.workspace / "link").symlink_to(tmp_path)
    run = step.inside()
    ((level, message),) = run.remarks
    assert (run.exit_code, level, dx.requests()) == (1, "error", [])
    assert "`failed-file` names a file that cannot be opened" in message
    assert not (tmp_path / "failed.jsonl").exists()


@pytest.mark.parametrize(
    ("fault", "ends"),
    [
        (REFUSED, "DX says: “No more.”"),
        (DOWN, "Send the same request again from the log or the summary: its `reference_id` is registered only once."),
    ],
    ids=["failed", "unknown"],
)
def test_nothing_is_said_to_be_in_a_file_that_could_not_be_written(
    tmp_path: Path, dx: Sandbox, fault: Fault, ends: str
) -> None:
    dx.script([fault])
    step = Step(tmp_path, connected(dx, failed_file="failed.jsonl"))
    file = step.workspace / "failed.jsonl"

    def answered() -> float:
        if file.is_file():
            file.unlink()
            file.mkdir()
        return 0.5

    run = step.inside(fast_clock(random=answered))
    (_, message), (_, problem) = run.remarks
    assert message.endswith(ends)
    assert problem.startswith("`failed-file` names a file that cannot be opened or written")
    assert "failed.jsonl" not in "".join([*run.said, run.raw_outputs, run.summary, message])


# The job is cancelled.


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_cancelled_while_dx_hangs(tmp_path: Path, dx: Sandbox, number: signal.Signals) -> None:
    dx.script([Fault(latency=0), Fault(hang=60, commit=True)])
    process = Step(tmp_path, connected(dx, service=TWO, failed_file="failed.jsonl")).start()
    until(lambda: len(dx.deployments()) == 2)
    process.send(number)
    run = process.wait(patience=2)
    assert (run.exit_code, run.status) == (1, "partial")
    assert run.results("service", "outcome", "error") == [
        ("checkout", "accepted", ""),
        ("cart", "unknown", "cancelled"),
    ]
    ((level, message),) = run.remarks
    assert level == "error"
    assert "It is unknown whether DX registered 1 of 2 deployments (cart): cancelled." in message
    kept = bodies((run.workspace / "failed.jsonl").read_text().splitlines())
    assert [body["service"]["identifier"] for body in kept] == ["cart"]
    assert "unknown" in run.summary


def test_cancelled_before_anything_is_decided(tmp_path: Path, dx: Sandbox, silent: socket.socket) -> None:
    inputs = connected(dx, service="", service_map="web: [apps/**]")
    github = f"http://127.0.0.1:{silent.getsockname()[1]}"
    process = Step(tmp_path, inputs, "push_branch", {"GITHUB_API_URL": github}, github_token="ghs_read").start()
    with silent.accept()[0]:
        process.send(signal.SIGINT)
        run = process.wait(patience=2)
    assert (run.exit_code, run.status, dx.requests()) == (1, "failed", [])
    assert run.remarks == [("error", "The job was cancelled before anything was sent to DX.")]


def test_cancelled_while_connecting_keeps_what_was_to_be_sent(tmp_path: Path, silent: socket.socket) -> None:
    host = f"https://127.0.0.1:{silent.getsockname()[1]}"
    inputs = {"dx-host": host, "dx-token": TOKEN, "service": TWO, "failed-file": "failed.jsonl"}
    process = Step(tmp_path, inputs).start()
    with silent.accept()[0]:
        process.send(signal.SIGTERM)
        run = process.wait(patience=2)
    assert (run.exit_code, run.status) == (1, "failed")
    assert run.results("service", "outcome", "error") == [
        ("checkout", "unknown", "cancelled"),
        ("cart", "not-sent", "cancelled"),
    ]
    kept = bodies((run.workspace / "failed.jsonl").read_text().splitlines())
    assert [body["service"]["identifier"] for body in kept] == ["checkout", "cart"]


# The surroundings.


def test_a_hostile_workspace_changes_nothing(tmp_path: Path, dx: Sandbox) -> None:
    step = Step(tmp_path, connected(dx), env={"PYTHONPATH": ".", "PYTHONSTARTUP": "json.py", "PYTHONHOME": "."})
    trap = textwrap.dedent("""
        import pathlib
        pathlib.Path(__file__).with_name("sprung").touch()
        raise SystemExit("shadowed")
    """)
    for name in ("json", "requests", "ssl", "pydantic", "typing", "sitecustomize", "usercustomize", "entrypoint"):
        (step.workspace / f"{name}.py").write_text(trap)
    (step.workspace / "dx_action").mkdir()
    for name in ("__init__", "main", "sitecustomize"):
        (step.workspace / f"dx_action/{name}.py").write_text(trap)
    run = step.run()
    assert (run.exit_code, run.status, run.remarks) == (0, "registered", [])
    assert sorted(step.workspace.rglob("sprung")) == []


def test_without_files_to_write_to(tmp_path: Path, dx: Sandbox) -> None:
    run = Step(tmp_path, connected(dx), env={"GITHUB_OUTPUT": None, "GITHUB_STEP_SUMMARY": None}).run()
    assert (run.exit_code, run.remarks, len(dx.deployments())) == (0, [], 1)


@pytest.mark.parametrize("debug", ["1", "0", None])
def test_step_debugging_shows_the_requests(tmp_path: Path, dx: Sandbox, debug: str | None) -> None:
    run = Step(tmp_path, connected(dx, service="50%, cart"), env={"RUNNER_DEBUG": debug}).inside()
    told = [command.data for command in run.commands if command.name == "debug"]
    expected = [f"POST {CREATE} {json.dumps(body['body'], separators=(',', ':'))}" for body in run.json("requests")]
    assert told == (expected if debug == "1" else [])
    assert TOKEN not in "".join(told)


# The golden transcripts.


@pytest.mark.parametrize("name", golden.SCENARIOS)
def test_golden_transcripts(tmp_path: Path, name: str) -> None:
    """Where a change is meant: `python tests/support/golden.py --write`, and read the difference."""
    assert golden.transcript(name, tmp_path) == (golden.FOLDER / f"{name}.txt").read_text(encoding="utf-8")


def test_no_transcript_is_left_over() -> None:
    assert {file.stem for file in golden.FOLDER.iterdir()} == set(golden.SCENARIOS)


CANCELLED_AT = """
import os, runpy, sys

where, numbers, path = sys.argv[1:]
del sys.argv[1:]

class Canceller:
    def find_spec(self, name, *_):
        if name == where:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), int(numbers))

sys.meta_path.insert(0, Canceller())
runpy.run_path(path, run_name="__main__")
"""
# The return of a function of ours, of those that end a run; or the call that ends the process.
CANCELLED_AFTER = """
import os, runpy, sys

where, numbers, path = sys.argv[1:]
del sys.argv[1:]
fired = []

def cancel():
    fired.append(True)
    for number in numbers.split():
        os.kill(os.getpid(), int(number))

def within(frame, what, _):
    if what == "return":
        cancel()

def trace(frame, *_):
    place = f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_code.co_name}"
    return within if place == where else None

def leave(code):
    if where == "exit":
        cancel()
    if not fired:
        sys.stderr.write("there is no such place")
    end(code)

end, os._exit = os._exit, leave
if where != "exit":
    sys.settrace(trace)
runpy.run_path(path, run_name="__main__")
"""


def cancelled_by(wrapper: str, where: str, numbers: Sequence[signal.Signals], step: Step) -> Run:
    env, given = step.environment(), " ".join(str(int(number)) for number in numbers)
    command = [sys.executable, "-I", "-B", "-c", wrapper, where, given, str(ROOT / "entrypoint.py")]
    done = subprocess.run(command, env=env, cwd=step.workspace, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    return step.read(env, done.returncode, done.stdout)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("module", ["pathlib", "pydantic", "dx_action.main", "dx_action.runner.workspace"])
def test_cancelled_while_the_imports_run(tmp_path: Path, dx: Sandbox, module: str, number: signal.Signals) -> None:
    run = cancelled_by(CANCELLED_AT, module, [number], Step(tmp_path, connected(dx)))
    assert (run.exit_code, run.status) == (1, "failed")
    assert run.outputs["reason"] == "The job was cancelled before anything was sent to DX."
    assert dx.requests() == []


@pytest.mark.parametrize(
    "place",
    ["commands.py:set_outputs", "main.py:_publish", "main.py:run", "main.py:main", "main.py:start", "exit"],
)
def test_cancelled_when_all_is_told_changes_nothing(tmp_path: Path, dx: Sandbox, place: str) -> None:
    run = cancelled_by(CANCELLED_AFTER, place, (signal.SIGINT, signal.SIGTERM), Step(tmp_path, connected(dx)))
    assert (run.exit_code, run.status, run.remarks) == (0, "registered", [])
    assert run.raw_outputs.count("\nstatus<<") + run.raw_outputs.startswith("status<<") == 1
    assert len(dx.deployments()) == 1


@pytest.mark.parametrize(
    ("place", "status", "outcomes"),
    [
        ("main.py:interruptible", "failed", []),  # as it begins to listen
        ("main.py:_operate", "registered", [("accepted",)]),  # as all is done, and nothing is told
    ],
)
def test_cancelled_at_the_ends_of_what_can_be_cancelled(
    tmp_path: Path, dx: Sandbox, place: str, status: str, outcomes: list[Any]
) -> None:
    run = cancelled_by(CANCELLED_AFTER, place, (signal.SIGINT, signal.SIGTERM), Step(tmp_path, connected(dx)))
    assert (run.status, run.results("outcome")) == (status, outcomes)
    assert len(dx.deployments()) == len(outcomes)

"""A backfill's source in whole runs: what is checked before anything is sent, and the CSV instead of sending."""

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dx_action.deployment.calls import Call
from dx_action.dx.answers import Answer
from dx_action.main import main
from dx_action.sandbox import Sandbox
from runner import NOW, TOKEN, Run, Step, connected, fast_clock
from stand_in import GitHub, Repo

MARCH = int(NOW.timestamp())
ROWS = "deployed_at,service,commit_sha\n1735733100,web,abc1234\n1735733101,api,abc1235\n"


@pytest.fixture
def dx() -> Iterator[Sandbox]:
    with Sandbox(token=TOKEN) as dx:
        yield dx


@pytest.fixture
def gh() -> Iterator[GitHub]:
    repo = Repo()
    repo.commit({"a": "1"})
    for hours in (3, 2, 1):
        repo.deployments.create(state="success", at=MARCH - hours * 3600)
    with GitHub(repo) as gh:
        yield gh


def step(folder: Path, gh: GitHub | None = None, dx: Sandbox | None = None, **given: str) -> Run:
    """Run a backfill. Without a DX it has neither host nor token."""
    connection = connected(dx) if dx else {}
    inputs = connection | {"operation": "backfill"} | {name.replace("_", "-"): text for name, text in given.items()}
    token = gh.token if gh else ""
    return Step(folder, inputs, "schedule", gh.env if gh else {}, github_token=token).inside()


def put(folder: Path, content: str | bytes, name: str = "rows.csv") -> None:
    file = folder / "workspace" / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)


def sent(dx: Sandbox) -> list[dict[str, Any]]:
    return [request["json"] for request in dx.requests()]


# To a CSV.


def test_the_history_as_a_csv_needs_no_dx(tmp_path: Path, gh: GitHub) -> None:
    run = step(tmp_path, gh, csv_file="out/for-dx.csv")
    assert (run.exit_code, run.status) == (0, "written")
    assert len((run.workspace / "out" / "for-dx.csv").read_text().splitlines()) == 4


def test_what_the_csv_registers_is_what_the_history_registers(tmp_path: Path, gh: GitHub, dx: Sandbox) -> None:
    step(tmp_path, gh, dx, csv_file="for-dx.csv")
    assert sent(dx) == []
    step(tmp_path, dx=dx, backfill_file="for-dx.csv")
    from_file = sent(dx)
    step(tmp_path, gh, dx)
    assert len(from_file) == 3
    assert sent(dx) == from_file * 2


def test_checked_rows_are_written_anew(tmp_path: Path) -> None:
    put(tmp_path, ROWS)
    assert step(tmp_path, backfill_file="rows.csv", csv_file="rows.csv").status == "written"
    once = (tmp_path / "workspace" / "rows.csv").read_bytes()
    assert step(tmp_path, backfill_file="rows.csv", csv_file="rows.csv").status == "written"
    assert (tmp_path / "workspace" / "rows.csv").read_bytes() == once


def test_no_token_is_written_to_the_csv(tmp_path: Path, dx: Sandbox) -> None:
    put(tmp_path, f"deployed_at,service,source_name\n1735733100,web,by {TOKEN}\n")
    run = step(tmp_path, dx=dx, backfill_file="rows.csv", csv_file="out.csv")
    assert (run.exit_code, run.status) == (1, "failed")
    assert "line 2" in run.outputs["reason"]
    assert TOKEN not in run.outputs["reason"]
    assert not (tmp_path / "workspace" / "out.csv").exists()


def test_the_csv_belongs_to_the_workspaces_owner(tmp_path: Path) -> None:
    put(tmp_path, ROWS)
    run = step(tmp_path, backfill_file="rows.csv", csv_file="out/for-dx.csv")
    owner = run.workspace.stat()
    for path in ("out", "out/for-dx.csv"):
        assert ((run.workspace / path).stat().st_uid, (run.workspace / path).stat().st_gid) == (
            owner.st_uid,
            owner.st_gid,
        )


# What is checked before.


@pytest.mark.parametrize(
    ("content", "problems"),
    [
        (ROWS + "1735733102,web,main\n", 1),
        ("deployed_at,service\n" + "x,y\n" * 1000, 6),
        (ROWS.encode("utf-16"), 1),
        ("", 1),
        ("service\nweb\n", 1),
        (ROWS + "x" * (2 << 20), 1),
    ],
    ids=["a bad row", "a thousand", "UTF-16", "empty", "no time", "an endless line"],
)
@pytest.mark.parametrize("more", [{}, {"dry_run": "true"}, {"csv_file": "out.csv"}], ids=["live", "dry", "csv"])
def test_a_broken_file_sends_nothing(
    tmp_path: Path, dx: Sandbox, content: str | bytes, problems: int, more: dict[str, str]
) -> None:
    put(tmp_path, content)
    run = step(tmp_path, None, dx, backfill_file="rows.csv", **more)
    assert (run.exit_code, run.status, sent(dx)) == (1, "failed", [])
    ((level, message),) = run.annotations
    head, *lines = message.split("\n")
    assert level == "error"
    assert head.startswith("Nothing was sent to DX")
    assert len(lines) == problems
    assert all(line.startswith("`backfill-file` ") for line in lines)
    assert not (run.workspace / "out.csv").exists()


def test_a_missing_permission_sends_nothing(tmp_path: Path, gh: GitHub, dx: Sandbox) -> None:
    gh.permissions["deployments"] = "none"
    run = step(tmp_path, gh, dx)
    assert (run.exit_code, run.status, sent(dx)) == (1, "failed", [])
    assert "Grant the job the permission `deployments: read`" in run.annotations[0][1]


def test_a_dry_run_reads_all_and_sends_nothing(tmp_path: Path, gh: GitHub, dx: Sandbox) -> None:
    run = step(tmp_path, gh, dry_run="true")
    assert (run.exit_code, run.status) == (0, "dry-run")
    assert gh.count("/graphql") == 1
    assert sent(dx) == []


# What failed comes back.


def test_what_failed_is_a_file_to_go_on_with(tmp_path: Path, dx: Sandbox) -> None:
    """A `failed-file` of another operation, with every method that there is."""
    body = {"reference_id": "r", "deployed_at": "2025-01-01T12:05:00Z", "service": {"identifier": "web"}}
    body |= {"repository": "acme/shop", "commit_sha": "abc1234", "source_name": "Argo"}
    pull = {"github_pull_id": 77, "services": [{"identifier": "web"}]}
    kept = [
        body,
        body | {"reference_id": "s", "success": True, "method": "upsert"},
        pull | {"method": "setPullServices"},
    ]
    put(tmp_path, "".join(json.dumps(row) + "\n" for row in kept), "failed.jsonl")
    run = step(tmp_path, dx=dx, backfill_file="failed.jsonl", failed_file="failed.jsonl")
    assert (run.exit_code, run.status) == (0, "registered")
    assert [request["path"].rpartition(".")[2] for request in dx.requests()] == ["setPullServices", "create", "upsert"]
    assert sent(dx) == [pull, body, body | {"reference_id": "s", "success": True}]
    assert (run.workspace / "failed.jsonl").read_text() == ""


@pytest.mark.parametrize(
    ("event", "given"),
    [
        ("pull_request_merged", {}),
        ("release_published", {}),
        ("workflow_run_success", {}),
        ("deployment_production", {}),
        ("deployment_status_success", {}),
        ("pull_request_merged", {"service": "web\napi", "metadata": "a: 1"}),
        ("push_branch", {"reference-id": "one"}),
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["create", "upsert"])
def test_a_job_that_fails_and_fails_again_leaves_one_deployment_behind(
    tmp_path: Path, dx: Sandbox, event: str, given: dict[str, str], method: str
) -> None:
    """A self-hosted runner keeps its workspace: each attempt appends what it could not send."""
    refused = (
        connected(dx, token="another-token", failed_file="failed.jsonl", method=method) | {"service": "web"} | given
    )
    for attempt in range(2):
        clock = fast_clock(lambda: NOW + timedelta(hours=attempt))  # noqa: B023 - it is called before the next
        step = Step(
            tmp_path, refused | {"check-run-id": f"4{attempt}"}, event, {"GITHUB_RUN_ATTEMPT": f"{attempt + 1}"}
        )
        assert step.inside(clock).status == "failed"
    count = len(refused["service"].split())
    file = tmp_path / "workspace" / "failed.jsonl"
    assert len(file.read_text().splitlines()) == 2 * count
    again = connected(dx) | {"operation": "backfill", "backfill-file": "failed.jsonl", "failed-file": "failed.jsonl"}
    run = Step(tmp_path, again, "schedule").inside()
    assert (run.exit_code, run.status, len(dx.deployments())) == (0, "registered", count), run.lines
    assert file.read_text() == ""


# A bug of the action's own.


@pytest.mark.parametrize("kept", ["failed.jsonl", "rows.jsonl"], ids=["a file of its own", "the backfill-file"])
def test_after_a_bug_all_that_dx_does_not_hold_is_kept(tmp_path: Path, kept: str) -> None:
    rows = [{"deployed_at": 1735733100 + number, "service": "web", "reference_id": f"r{number}"} for number in range(5)]
    put(tmp_path, "".join(json.dumps(row) + "\n" for row in rows), "rows.jsonl")
    taken: list[str] = []

    def speak(call: Call, seconds: float) -> Answer:
        if len(taken) == 2:
            raise ArithmeticError
        taken.append(call.reference_id)
        return Answer(200, b'{"ok": true}')

    given = {"operation": "backfill", "backfill-file": "rows.jsonl", "failed-file": kept}
    given |= {"dx-host": "acme", "dx-token": TOKEN}
    env = Step(tmp_path, given, "schedule").environment()
    assert main(env, io.StringIO(), fast_clock(), wire=lambda *_args, **_more: speak) == 1
    left = (tmp_path / "workspace" / kept).read_text().splitlines()
    assert (taken, [json.loads(line)["reference_id"] for line in left]) == (["r0", "r1"], ["r2", "r3", "r4"])

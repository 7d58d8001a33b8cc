"""Rows of a file that update or delete: what they send, in which order, and what is refused before anything is sent."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from backfills import DOWN, OK, REFUSED, Hurried, Scripted, calls, opened, prepared
from dx_action.backfill.order import Order
from dx_action.dx.answers import Answer
from dx_action.errors import BadInput
from dx_action.sandbox import Sandbox
from runner import TOKEN, Run, Step, connected

WEB = {"service": "web", "repository": "acme/shop"}
Row = dict[str, Any]


def create(name: str, minute: int, **more: Any) -> Row:
    return {"reference_id": name, "deployed_at": f"2025-01-01T12:{minute:02}:00Z", **WEB, **more}


def update(name: str, **values: Any) -> Row:
    return {"reference_id": name, **(values or {"success": False}), "method": "update"}


def delete(name: str) -> Row:
    return {"reference_id": name, "method": "delete"}


def jsonl(rows: Sequence[Row]) -> str:
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def told(rows: Sequence[Any]) -> list[str]:
    """Name each call as in `create a`."""
    return [f"{call.method.removeprefix('deployments.')} {call.reference_id}" for call in rows]


@pytest.mark.parametrize(
    ("row", "body"),
    [
        (update("a"), {"success": False}),
        (update("a", success="true"), {"success": True}),
        (update("a", success="failure", environment="eu"), {"environment": "eu", "success": False}),
        (update("a", deployed_at=1735733100), {"deployed_at": "2025-01-01T12:05:00Z"}),
        (update("a", service="web=Web"), {"service": {"identifier": "web", "name": "Web"}}),
        (update("a", repository="acme/x", commit_sha="abc1234"), {"repository": "acme/x", "commit_sha": "abc1234"}),
        (update("a", merge_commit_shas=["abc1234"]), {"merge_commit_shas": ["abc1234"]}),
        (update("a", metadata={}), {"metadata": {}}),
        (update("a", metadata='{"a": 1}', source_name="none"), {"metadata": {"a": 1}}),
        (
            update("a", integration_branch="d", source_url="https://ci/1", source_name="CI", environment=None),
            {"integration_branch": "d", "source_url": "https://ci/1", "source_name": "CI"},
        ),
        (delete("a"), {}),
        (delete("a") | {"method": " Delete ", "environment": "", "metadata": None}, {}),
    ],
    ids=str,
)
def test_a_row_sends_its_cells_and_no_input_fills_one(tmp_path: Path, row: Row, body: Row) -> None:
    filled = {"service": "cart", "environment": "prod", "metadata": "b: 2", "source_name": "Argo", "success": "true"}
    deletions = {"confirm_delete": "1"} if "elete" in row["method"] else {}
    rows, hints = opened(tmp_path, jsonl([row]), "rows.jsonl", **filled, **deletions, repository="acme/other")
    (call,) = calls(rows)
    assert call.json() == {"reference_id": "a"} | body
    assert call.path == f"/api/deployments.{row['method'].strip().lower()}"
    assert hints == ()


def test_a_csv_has_them_too(tmp_path: Path) -> None:
    text = "reference_id,success,metadata,method\na,false,,update\nb,,,delete\nc,,{},Update\n"
    rows, _ = opened(tmp_path, text, confirm_delete="1")
    assert told(calls(rows)) == ["update a", "delete b", "update c"]
    assert [call.json() for call in calls(rows)] == [
        {"reference_id": "a", "success": False},
        {"reference_id": "b"},
        {"reference_id": "c", "metadata": {}},
    ]


def refused(folder: Path, rows: Sequence[Row] | str, **given: str) -> list[str]:
    text, name = (rows, "rows.csv") if isinstance(rows, str) else (jsonl(rows), "rows.jsonl")
    with pytest.raises(BadInput) as caught:
        opened(folder, text, name, **given)
    return [f"{problem.subject}: {problem.text}" for problem in caught.value.problems]


# Rows of a file → how its one problem reads, in part.
BAD: list[tuple[Sequence[Row] | str, str]] = [
    ([update("")], "line 1, column `reference_id`: is missing. Write the id of the deployment to update."),
    ([{"method": "delete"}], "line 1, column `reference_id`: is missing. Write the id of the deployment to delete."),
    ([update("a", success=None)], "line 1, column `method`: is `update`, but the row has no value to change."),
    ([update("a", source_name="none")], "line 1, column `method`: is `update`, but the row has no value to change."),
    ([update("a", success="cancelled")], "line 1, column `success`: means that nothing was deployed."),
    ([update("a", success="maybe")], "line 1, column `success`: is not one of"),
    ([update("a", service="web, cart")], "line 1, column `service`: names several services"),
    ([update("a", colour="red")], "line 1, column `colour`: is not a field of this method."),
    ([update("a", deployed_at="1999-01-01T00:00:00Z")], "line 1, column `deployed_at`: is before the year 2000."),
    (
        [update("a", commit_sha="abc1234", merge_commit_shas=["abc1234"])],
        "line 1, column `merge_commit_shas`: cannot be combined with `commit_sha`.",
    ),
    ([delete("a") | {"success": False}], "is not a field of this method. Its fields are `reference_id`, `method`."),
    (
        [create("a", 1) | {"method": "remove"}],
        "line 1, column `method`: is not one of `create`, `upsert`, `update`, `delete`.",
    ),
    (
        "reference_id,success\na,false\n",
        "has no column `deployed_at` in line 1. Every deployment to register needs one.",
    ),
    ("success,method\nfalse,update\n", "has no column `deployed_at` in line 1."),
    ("reference_id,method\na,create\n", "line 2, column `deployed_at`: is missing."),
    (
        [create("a", 1), delete("a"), create("a", 2)],
        "line 3 registers the deployment of line 1 again, and line 2 in between corrects it.",
    ),
    (
        [create("a", 1, method="upsert"), update("a"), update("a"), create("a", 1, method="upsert")],
        "line 4 registers the deployment of line 1 again, and line 3 in between corrects it.",
    ),
]


@pytest.mark.parametrize(("rows", "words"), BAD, ids=str)
def test_a_row_that_cannot_be_sent(tmp_path: Path, rows: Sequence[Row] | str, words: str) -> None:
    (problem,) = refused(tmp_path, rows)
    assert problem.startswith("backfill-file: ")
    assert words in problem


def test_no_row_sends_a_secret(tmp_path: Path) -> None:
    token = "t0ken-0f-the-tests"
    with Sandbox(token=token) as dx:
        step = Step(tmp_path, {**connected(dx, token), "operation": "backfill", "backfill-file": "r.jsonl"}, "schedule")
        (step.workspace / "r.jsonl").write_text(jsonl([update("a", environment=token)]))
        run = step.inside()
        assert (run.exit_code, dx.requests()) == (1, [])
    assert "line 1, column `environment`: contains the text of `dx-token`" in run.outputs["reason"]


ROWS = [create("a", 1), update("a"), delete("b"), delete("c"), delete("c")]


@pytest.mark.parametrize("written", ["", "0", "2", "4", "c", "true", "03", "3.0"])
def test_rows_to_delete_need_their_number(tmp_path: Path, written: str) -> None:
    (problem,) = refused(tmp_path, ROWS, confirm_delete=written)
    assert problem.startswith("confirm-delete: is not the number of rows to delete: the `backfill-file` has 3. ")
    assert "write 3." in problem


def test_with_their_number_they_are_sent(tmp_path: Path) -> None:
    assert len(opened(tmp_path, jsonl(ROWS), "rows.jsonl", confirm_delete="3")[0]) == 5
    assert len(opened(tmp_path, jsonl(ROWS[:2]), "rows.jsonl", confirm_delete="0")[0]) == 2
    assert len(opened(tmp_path, jsonl(ROWS[:2]), "rows.jsonl")[0]) == 2
    (problem,) = refused(tmp_path, ROWS[:2], confirm_delete="1")
    assert "the `backfill-file` has 0." in problem


def test_a_csv_for_dx_cannot_contain_them(tmp_path: Path) -> None:
    problems = refused(tmp_path, ROWS, csv_file="out.csv", confirm_delete="3")
    assert problems == [
        (
            "csv-file: is for deployments to register, but the `backfill-file` has 4 rows to update or delete. "
            "Take them out, or leave `csv-file` out to send them."
        )
    ]


# The rows of a file → the order in which one lane sends them.
ORDERS: list[tuple[list[Row], list[str]]] = [
    # At the time of the row that registers, in the order of the file.
    (
        [create("b", 9), create("a", 1), update("a"), create("c", 5), delete("a")],
        ["create a", "update a", "delete a", "create c", "create b"],
    ),
    ([create("b", 1), delete("a"), create("a", 9)], ["create b", "delete a", "create a"]),
    ([update("a"), create("b", 5), delete("a"), create("a", 9)], ["create b", "update a", "delete a", "create a"]),
    # What no row registers goes first.
    ([create("b", 1), delete("x"), update("y"), update("x")], ["delete x", "update y", "update x", "create b"]),
    # A correction of the time or of the service changes nothing about the order.
    (
        [create("a", 5), update("a", deployed_at="2025-01-01T10:00:00Z", service="cart"), create("b", 1)],
        ["create b", "create a", "update a"],
    ),
    # A repeated row is left out as ever.
    ([create("a", 1), create("a", 1), update("a")], ["create a", "update a"]),
]


@pytest.mark.parametrize(("given", "order"), ORDERS)
def test_the_order(tmp_path: Path, given: list[Row], order: list[str]) -> None:
    deletions = sum(row.get("method") == "delete" for row in given)
    rows, _ = opened(tmp_path, jsonl(given), "rows.jsonl", confirm_delete=f"{deletions}")
    assert told([rows.call(index) for index in Order(rows.times, rows.keys, rows.anchors)]) == order


# What one lane meets: the first answers by id → what is sent, and how many rows are held back.
FAILURES: list[tuple[list[Row], dict[str, list[Answer]], list[str], int]] = [
    # A row that is refused holds up the later rows of its id, and no other.
    (
        [create("a", 1), update("a"), delete("a"), create("b", 2)],
        {"a": [REFUSED, OK]},
        ["create a", "create b"],
        2,
    ),
    (
        [delete("x"), update("x"), delete("y"), update("y")],
        {"x": [REFUSED, OK]},
        ["delete x", "delete y", "update y"],
        1,
    ),
    (
        [delete("a"), create("b", 1), create("a", 2), create("c", 3)],
        {"a": [REFUSED, OK]},
        ["create b", "delete a", "create c"],
        1,
    ),
    # What is not answered holds up all that must follow it.
    ([create("a", 1), update("a"), create("b", 2), delete("x")], {"a": [DOWN]}, ["delete x", "create a"], 2),
]


@pytest.mark.parametrize(("given", "answers", "sent", "held_back"), FAILURES)
def test_what_fails_holds_up_what_corrects_the_same_deployment(
    tmp_path: Path, given: list[Row], answers: dict[str, list[Answer]], sent: list[str], held_back: int
) -> None:
    deletions = sum(row.get("method") == "delete" for row in given)
    rows, _ = opened(tmp_path, jsonl(given), "rows.jsonl", confirm_delete=f"{deletions}")
    dx = Scripted({name: tuple(each) for name, each in answers.items()})
    job = prepared(rows, dx, Hurried().clock(), concurrency=1)
    job.job.run()
    assert list(dict.fromkeys(told(dx.sent))) == sent
    assert job.order.held_back == held_back
    assert job.order.over


# Whole runs.


@pytest.fixture
def dx() -> Iterator[Sandbox]:
    with Sandbox(token=TOKEN, imported=["github-7"]) as running:
        yield running


def ran(folder: Path, dx: Sandbox, rows: Sequence[Row], **given: str) -> Run:
    given = {name.replace("_", "-"): text for name, text in given.items()}
    base = {"operation": "backfill", "backfill-file": "rows.jsonl", "failed-file": "f.jsonl", "service": ""}
    step = Step(folder, {**connected(dx), **base, **given}, "schedule")
    (step.workspace / "rows.jsonl").write_text(jsonl(rows))
    return step.inside()


# The rows and `confirm-delete` → the status, the exit code, the counts in words, and what the sandbox then has.
RUNS: list[tuple[list[Row], str, str, int, str, list[str]]] = [
    ([create("a", 1), update("a")], "", "registered", 0, "2 rows: 2 accepted.", ["a"]),
    ([delete("x"), delete("y")], "2", "deleted", 0, "2 rows: 2 accepted.", []),
    ([create("a", 1), delete("a")], "1", "registered", 0, "2 rows: 2 accepted.", []),
    ([update("x")], "", "failed", 1, "1 row: 1 not accepted.", []),
    ([update("x"), create("a", 1)], "", "partial", 1, "2 rows: 1 accepted, 1 not accepted.", ["a"]),
    ([delete("github-7"), delete("x")], "2", "partial", 1, "2 rows: 1 accepted, 1 not accepted.", []),
]


@pytest.mark.parametrize(("rows", "confirmed", "status", "code", "words", "held"), RUNS)
def test_a_whole_run(
    tmp_path: Path,
    dx: Sandbox,
    rows: list[Row],
    confirmed: str,
    status: str,
    code: int,
    words: str,
    held: list[str],
) -> None:
    run = ran(tmp_path, dx, rows, confirm_delete=confirmed)
    assert (run.status, run.exit_code) == (status, code)
    assert words in run.lines
    assert [each["reference_id"] for each in dx.deployments()] == held
    assert "✅ registered" not in run.summary
    assert "❌ not registered" not in run.summary
    failed = run.workspace / "f.jsonl"
    assert [json.loads(line) for line in (failed.read_text() if failed.exists() else "").splitlines()] == [
        {key: row[key] for key in row} for row in rows if row in (delete("github-7"), update("x"))
    ]


def test_what_is_said_of_updates_alone_and_of_a_second_run(tmp_path: Path, dx: Sandbox) -> None:
    assert ran(tmp_path, dx, [create("a", 1), create("b", 2)]).status == "registered"
    updates = [update("a"), update("b", environment="eu")]
    for _ in range(2):
        run = ran(tmp_path, dx, updates)
        assert (run.status, run.exit_code) == ("updated", 0)
        assert run.annotations == [("notice", "2 rows accepted by DX. 2 rows: 2 accepted.")]
        assert any("(updates): 2 updated" in line for line in run.lines)
        assert "✅ accepted" in run.summary
    assert [(each["success"], each["environment"]) for each in dx.deployments()] == [
        (False, "production"),
        (True, "eu"),
    ]
    both = ran(tmp_path, dx, [create("a", 1), *updates])
    assert (both.status, both.exit_code) == ("updated", 0)
    assert [level for level, text in both.annotations if "which DX keeps" in text] == ["warning"]


def test_a_failed_file_of_corrections_is_a_backfill_file(tmp_path: Path, dx: Sandbox) -> None:
    rows = [create("a", 1), update("a"), delete("b")]
    dx.script([{"status": 503, "times": "forever"}])
    run = ran(tmp_path, dx, rows, confirm_delete="1", timeout="2")
    assert run.exit_code == 1
    assert "Set `confirm-delete` to the number of rows to delete in it." in run.outputs["reason"]
    kept = (run.workspace / "f.jsonl").read_text()
    assert sorted(json.loads(line)["reference_id"] for line in kept.splitlines()) == ["a", "a", "b"]
    dx.script([])
    again = ran(tmp_path, dx, [], backfill_file="f.jsonl", failed_file="", confirm_delete="1")
    assert (again.exit_code, again.status) == (0, "registered")
    assert [(each["reference_id"], each["success"]) for each in dx.deployments()] == [("a", False)]


def test_deletions_of_what_is_not_there_are_counted(tmp_path: Path, dx: Sandbox) -> None:
    dx.script([{"status": 404, "error": "deployment_not_found", "times": 2}])
    run = ran(tmp_path, dx, [delete("x"), delete("y"), delete("z")], confirm_delete="3", concurrency="1")
    assert (run.exit_code, run.status) == (0, "deleted")
    notices = [text for _, text in run.annotations]
    assert (
        "DX answered for 2 of 3 rows (lines 1 and 2) that there was no deployment to delete. Check their `reference_id`."
        in (notices)
    )


def test_a_dry_run_checks_the_number_too(tmp_path: Path, dx: Sandbox) -> None:
    run = ran(tmp_path, dx, [delete("x")], dry_run="true")
    assert (run.exit_code, dx.requests()) == (1, [])
    run = ran(tmp_path, dx, [create("a", 1), delete("x")], dry_run="true", confirm_delete="1")
    assert (run.exit_code, run.status, dx.requests()) == (0, "dry-run", [])
    assert [line for line in run.lines if line.startswith("  POST")] == [
        "  POST /api/deployments.delete",
        "  POST /api/deployments.create",
    ]

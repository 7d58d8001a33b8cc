"""What is said of one correction, by how it ended."""

import json
from typing import Any

import pytest

from builders import inputs
from dx_action.deployment.calls import Call, Outcome, Result
from dx_action.deployment.corrections import delete_call, update_call
from dx_action.report.corrections import dry_run, lines, sent
from dx_action.report.endings import Report

UPDATE = update_call("build-7", {"environment": "eu", "metadata": {"a": "<b>"}})
FAILED = update_call("build-7", {"success": False})
DELETE = delete_call("build-7")
GIVEN = {"operation": "update", "reference-id": "build-7", "environment": "eu"}


def ended(call: Call, outcome: Outcome, error: str = "", message: str = "", attempts: int = 1, **given: str) -> Report:
    status = None if outcome == "not-sent" else 200 if outcome == "accepted" else 422
    return sent(
        Result(call, outcome, status, error, message, attempts), inputs(GIVEN, **given), [("warning", "A hint.")]
    )


# The call and its outcome → the output `status`, the title, and the exit code.
ENDS: list[tuple[Call, Outcome, str, str, int]] = [
    (UPDATE, "accepted", "updated", "Deployment updated in DX", 0),
    (FAILED, "accepted", "updated", "Deployment updated as failed in DX", 0),
    (DELETE, "accepted", "deleted", "Deployment deleted in DX", 0),
    (UPDATE, "failed", "failed", "Deployment NOT updated in DX", 1),
    (FAILED, "unknown", "failed", "Deployment NOT known to be updated as failed in DX", 1),
    (DELETE, "unknown", "failed", "Deployment NOT known to be deleted in DX", 1),
    (DELETE, "not-sent", "failed", "Deployment NOT deleted in DX", 1),
]


@pytest.mark.parametrize(("call", "outcome", "status", "title", "exit_code"), ENDS)
def test_each_end(call: Call, outcome: Outcome, status: str, title: str, exit_code: int) -> None:
    report = ended(call, outcome, "" if outcome == "accepted" else "oops")
    assert (report.outputs["status"], report.title, report.exit_code) == (status, title, exit_code)
    assert report.summary.startswith(f"### {title}\n")
    assert ("notice", f"{title}: build-7.") in report.annotations or exit_code
    assert ("warning", "A hint.") in report.annotations
    assert list(report.undelivered) == ([call] if exit_code else [])
    assert report.lines[0].startswith(f"  build-7: {outcome}")
    assert (report.outputs["reason"] == "") == (exit_code == 0)
    assert json.loads(report.outputs["results"])[0]["outcome"] == outcome


NOT_UPDATED, NOT_DELETED = "DX did not update the deployment build-7: ", "DX did not delete the deployment build-7: "
UNKNOWN = "It is unknown whether DX {} the deployment build-7: "
AGAIN = "Run this step again with the same inputs: the same {} can be sent any number of times."
SAVED = "The request is saved in f.jsonl, ready to be sent as a `backfill-file`{}."


@pytest.mark.parametrize(
    ("call", "outcome", "error", "begins", "ends"),
    [
        (UPDATE, "failed", "deployment_not_found", f"{NOT_UPDATED}deployment_not_found. DX has no", SAVED.format("")),
        (
            DELETE,
            "failed",
            "deployment_not_api_managed",
            f"{NOT_DELETED}deployment_not_api_managed. The deployment was not registered through DX's API",
            SAVED.format(" with `confirm-delete: 1`"),
        ),
        (DELETE, "failed", "invalid_reference_id", f"{NOT_DELETED}invalid_reference_id. DX does not accept", "`."),
        (
            UPDATE,
            "unknown",
            "no_answer",
            UNKNOWN.format("updated") + "no_answer.",
            f"{AGAIN.format('update')} {SAVED.format('')}",
        ),
        (
            DELETE,
            "unknown",
            "no_answer",
            UNKNOWN.format("deleted") + "no_answer.",
            f"{AGAIN.format('deletion')} {SAVED.format(' with `confirm-delete: 1`')}",
        ),
    ],
)
def test_what_failed_and_what_to_do(call: Call, outcome: Outcome, error: str, begins: str, ends: str) -> None:
    report = ended(call, outcome, error, failed_file="f.jsonl")
    (failure,) = report.messages
    assert failure.text.startswith(begins)
    assert failure.text.endswith(ends)
    assert report.outputs["reason"] == failure.text
    assert report.unsaved
    assert "f.jsonl" not in report.unsaved.messages[0].text
    assert report.unsaved == ended(call, outcome, error)
    assert ended(call, outcome, error).unsaved is None


@pytest.mark.parametrize(("error", "outage"), [("no_answer", True), ("deployment_not_found", False)])
def test_an_outage_is_one(error: str, outage: bool) -> None:
    result = Result(UPDATE, "unknown" if outage else "failed", None if outage else 404, error)
    report = sent(result, inputs(GIVEN, fail_on_error="except-outages"), ())
    assert report.messages[0].outage is outage
    assert report.exit_code == int(not outage)


NOT_THERE = "DX answered that it has no deployment with this `reference_id`{}. If there should be one, check the id."


@pytest.mark.parametrize(
    ("error", "message", "attempts", "notice"),
    [
        ("", "", 1, None),
        ("deployment_not_found", "", 1, NOT_THERE.format("")),
        ("deployment_not_found", "None.", 2, NOT_THERE.format(", or an earlier attempt has deleted it")),
        (
            "",
            "action: no\nop",
            3,
            "DX did not answer that it deleted a deployment, but “action: no\\nop”. Check `reference-id`.",
        ),
    ],
)
def test_a_deletion_of_what_is_not_there(error: str, message: str, attempts: int, notice: str | None) -> None:
    report = ended(DELETE, "accepted", error, message, attempts)
    assert report.outputs["status"] == "deleted"
    assert [text for level, text in report.hints if level == "notice"] == ([notice] if notice else [])


def test_the_outputs_are_what_is_sent() -> None:
    values: dict[str, Any] = {
        "commit_sha": "abc1234",
        "repository": "acme/shop",
        "deployed_at": "2025-01-01T12:05:00Z",
    }
    found = ended(update_call("build-7", values), "accepted").outputs
    names = (
        "commit-sha",
        "repository",
        "deployed-at",
        "reference-id",
        "reference-ids",
        "services",
        "merge-commit-shas",
    )
    assert [found[name] for name in names] == [*values.values(), "build-7", '["build-7"]', "[]", "[]"]
    assert json.loads(found["requests"]) == [
        {"method": "deployments.update", "body": {"reference_id": "build-7", **values}}
    ]
    call = update_call("build-7", {"merge_commit_shas": ["abc1234"]})._replace(service="web")
    found = ended(call, "accepted").outputs
    assert [found[name] for name in names] == ["", "", "", "build-7", '["build-7"]', '["web"]', '["abc1234"]']


def test_a_dry_run_shows_the_request() -> None:
    report = dry_run(UPDATE, [("notice", "A hint.")])
    assert (report.outputs["status"], report.exit_code) == ("dry-run", 0)
    assert report.annotations[0] == ("notice", "Dry run: nothing was sent to DX. A live run would send 1 request.")
    assert list(report.lines) == [
        "Dry run. A live run would send 1 request:",
        "  POST /api/deployments.update",
        '    {"reference_id":"build-7","environment":"eu","metadata":{"a":"<b>"}}',
    ]
    assert report.outputs["requests"] != "[]"
    assert "<b>" not in report.summary
    assert "<tr><th>update</th><th>value</th></tr>" in report.summary
    assert not report.undelivered


def test_what_is_long_is_cut_where_it_is_read() -> None:
    """The log and the table have 300 characters of a value, a notice 200 of the id, a message 100 of it and of DX's words."""
    long = update_call("r" * 301, {})
    assert lines(long)[1] == f"  reference_id       {'r' * 299}…"
    assert lines(update_call("r" * 300, {}))[1] == f"  reference_id       {'r' * 300}"
    assert ended(long, "accepted").done == f"Deployment updated in DX: {'r' * 199}…."
    (failure,) = ended(long, "failed", "http_404").messages
    assert failure.text.startswith(f"DX did not update the deployment {'r' * 99}…: http_404. ")
    assert not failure.text.endswith(" ")
    assert f"<td><code>{'r' * 299}…</code></td>" in dry_run(long, []).body  # it may wrap
    (notice, _) = ended(DELETE, "accepted", "", "w" * 101).hints
    assert f"but “{'w' * 99}…”." in notice[1]


def test_the_log_has_each_value() -> None:
    assert lines(UPDATE) == (
        "The update, from the inputs alone:",
        "  reference_id       build-7",
        "  environment        eu",
        '  metadata           {"a":"<b>"}',
    )
    assert lines(DELETE) == ("The deletion, from the inputs alone:", "  reference_id       build-7")

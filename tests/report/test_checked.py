"""The report of a check: a table of all lines, the log, the outputs and what fails the step."""

import json

import pytest

from builders import inputs, resolved
from dx_action.deployment.calls import deployment_calls
from dx_action.errors import FailOnError
from dx_action.report.checked import checked
from dx_action.report.checks import Check
from dx_action.report.endings import Report
from dx_action.report.outputs import LARGEST
from gfm import check_summary
from hostile import MARKUP

OK, DOUBT = Check("inputs", "ok", "All can be used."), Check("patterns", "warning", "1 pattern is dead.")
BAD, DOWN = Check("token", "failed", "DX rejected it."), Check("connection", "failed", "It is down.", outage=True)
GIVEN = {"service": "web"}
REGISTRATION = resolved("pull_request_merged", GIVEN)
CALLS = deployment_calls(REGISTRATION, inputs(GIVEN))


def report(*lines: Check, fail_on_error: FailOnError = "true") -> Report:
    return checked(lines, None, (), (), fail_on_error)


@pytest.mark.parametrize(
    ("lines", "title", "status", "code"),
    [
        ([OK], "Check: everything is ok", "checked", 0),
        ([OK, DOUBT], "Check: 1 warning", "checked", 0),
        ([OK, DOUBT, BAD], "Check: 1 of 3 lines failed, 1 warning", "failed", 1),
        ([BAD], "Check: 1 of 1 line failed", "failed", 1),
        ([BAD, DOWN], "Check: 2 of 2 lines failed", "failed", 1),
    ],
)
def test_how_it_ends(lines: list[Check], title: str, status: str, code: int) -> None:
    found = report(*lines)
    assert (found.title, found.outputs["status"], found.exit_code) == (title, status, code)
    assert found.outputs["reason"] == " ".join(line.message for line in lines if line.outcome == "failed")
    assert json.loads(found.outputs["checks"]) == [
        {"name": line.name, "outcome": line.outcome, "message": line.message} for line in lines
    ]
    assert found.lines == [f"{line.outcome:<8} {line.name}: {line.message}" for line in lines]
    failed = [("error", line.message) for line in lines if line.outcome == "failed"]
    doubts = [("warning", line.message) for line in lines if line.outcome == "warning"]
    assert list(found.annotations) == [*failed, *doubts, *([] if failed else [("notice", f"{title}.")])]


@pytest.mark.parametrize(
    ("fail_on_error", "lines", "code"),
    [("false", [BAD], 0), ("except-outages", [DOWN], 0), ("except-outages", [DOWN, BAD], 1), ("true", [DOWN], 1)],
)
def test_what_fails_the_step(fail_on_error: FailOnError, lines: list[Check], code: int) -> None:
    found = report(*lines, fail_on_error=fail_on_error)
    assert (found.exit_code, found.outputs["status"]) == (code, "failed")


def test_the_summary_has_each_line_once_and_what_would_be_sent() -> None:
    found = checked([OK, DOUBT, BAD], REGISTRATION, CALLS, ["A notice."], "true")
    assert found.summary.startswith(
        "### Check: 1 of 3 lines failed, 1 warning\n\n> [!NOTE]\n> A notice.\n\n<table>\n"
        "<tr><th>outcome</th><th>checked</th><th>what was found</th></tr>\n"
        "<tr><td nowrap>❌ failed</td><td nowrap><samp>token</samp></td><td>DX rejected it.</td></tr>\n"
        "<tr><td nowrap>⚠️ warning</td><td nowrap><samp>patterns</samp></td><td>1 pattern is dead.</td></tr>\n"
        "<tr><td nowrap>✅ ok</td><td nowrap><samp>inputs</samp></td><td>All can be used.</td></tr>\n"
        "</table>\n\n<details><summary>What this step would send</summary>\n\n"
    )
    check_summary(found.summary)
    assert found.lines[3:5] == ["What this step would send:", "  POST /api/deployments.create"]
    assert json.loads(found.outputs["requests"]) == [{"method": "deployments.create", "body": CALLS[0].json()}]
    assert found.outputs["services"] == '["web"]'
    assert found.undelivered == ()


@pytest.mark.parametrize("text", MARKUP)
def test_text_of_others_is_text_in_a_message(text: str) -> None:
    page = check_summary(report(Check("token", "warning", f"It says: {text}")).summary)
    assert page.links == []


def test_outputs_that_are_too_large_keep_what_failed() -> None:
    lines = [Check("inputs", "warning", f"{number} " + "x" * 1998) for number in range(200)]
    found = report(*lines, BAD)
    kept = json.loads(found.outputs["checks"])
    assert found.outputs["truncated"] == "true"
    assert kept[0] == {"name": "token", "outcome": "failed", "message": "DX rejected it."}
    assert kept[1]["message"].startswith("0 ")
    assert 0 < len(kept) < 200
    assert sum(len(text.encode()) for text in found.outputs.values()) < LARGEST


def test_a_long_message_is_cut() -> None:
    (line,) = json.loads(report(Check("token", "failed", "x" * 3000)).outputs["checks"])
    assert line["message"] == "x" * 1999 + "…"

"""What a run says of itself, from the core's values: outputs, annotations, summary, exit code."""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backfills import Hurried
from builders import inputs, resolved
from dx_action.deployment.calls import Call, Outcome, Result, deployment_calls
from dx_action.deployment.pull_services import PullServices
from dx_action.deployment.registration import Registration
from dx_action.deployment.trigger import Skipped
from dx_action.errors import BadInput, FailOnError, Failure, Problem
from dx_action.inputs.model import Inputs
from dx_action.inputs.values import Sourced
from dx_action.report import endings as report
from dx_action.report import failures as report_failures
from dx_action.report.endings import Report, Step
from dx_action.report.failures import conflicts
from dx_action.runner.commands import Workflow
from dx_action.runner.runtime import known_secrets
from dx_action.runner.workspace import Workspace
from dx_action.services.service import Service
from dx_action.text import escaped, one_line
from gfm import check_summary

# The bounds, as literals: what the code has must be these.
MOST_NAMES, LARGEST, MOST_ROWS = 10, 256 * 1024, 200

OUTCOMES: tuple[Outcome, ...] = ("accepted", "already-registered", "failed", "not-sent", "unknown")
DELIVERED = ("accepted", "already-registered")
LENIENT = {"fail-on-error": "false"}
PULLS = PullServices((Service("web"),), pull_number=7)
TOLD = Call("deployments.setPullServices", "", "", b'{"services": []}', PULLS.subject)


def deployment(
    count: int = 1, given: Mapping[str, str] | None = None, name: str = "service"
) -> tuple[Registration, list[Call]]:
    services = {"service": json.dumps([f"{name}-{index}" for index in range(count)])}
    registration = resolved("pull_request_merged", services | dict(given or {}))
    return registration, list(deployment_calls(registration, inputs(services | dict(given or {}))))


def sent(outcomes: Sequence[Outcome], given: Mapping[str, str] | None = None, error: str = "repo_not_found") -> Report:
    registration, calls = deployment(len(outcomes), given)
    results = [
        Result(call, outcome, error="" if outcome in DELIVERED else error, attempts=1)
        for call, outcome in zip(calls, outcomes, strict=True)
    ]
    return report.sent(registration, inputs(dict(given or {})), results, calls=calls)


def failures(results: Sequence[Result], given: Inputs, registration: Registration) -> list[str]:
    return [each.text for each in report_failures.failures(results, given, registration)]


def size(outputs: Mapping[str, str]) -> int:
    return sum(len(name.encode()) + len(value.encode()) for name, value in outputs.items())


# Status and exit code.


@pytest.mark.parametrize(
    ("outcomes", "status", "headline"),
    [
        (["accepted"], "registered", "Deployment registered in DX"),
        (["accepted", "already-registered"], "registered", "2 deployments registered in DX"),
        (["already-registered"], "already-registered", "Deployment already registered in DX"),
        (["already-registered"] * 2, "already-registered", "2 deployments already registered in DX"),
        (["failed"], "failed", "Deployment NOT registered in DX"),
        (["unknown"], "failed", "Deployment NOT known to be registered in DX"),
        (["unknown", "not-sent"], "failed", "2 of 2 deployments NOT known to be registered in DX"),
        (["accepted", "failed"], "partial", "1 of 2 deployments NOT registered in DX"),
        (["accepted", "unknown", "not-sent"], "partial", "2 of 3 deployments NOT known to be registered in DX"),
    ],
)
def test_status(outcomes: list[Outcome], status: str, headline: str) -> None:
    told = sent(outcomes)
    assert told.outputs["status"] == status
    assert told.summary.startswith(f"### {headline}\n")
    assert told.exit_code == (status in ("failed", "partial"))
    assert sent(outcomes, LENIENT).exit_code == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=8), st.booleans())
def test_whatever_becomes_of_the_calls(outcomes: list[Outcome], strict: bool) -> None:
    told = sent(outcomes, {} if strict else LENIENT)
    failed = [outcome for outcome in outcomes if outcome not in DELIVERED]
    assert told.exit_code == (bool(failed) and strict)
    assert len(told.undelivered) == len(failed)
    assert bool(told.outputs["reason"]) == bool(failed or "accepted" not in outcomes)
    assert [result["outcome"] for result in json.loads(told.outputs["results"])] == outcomes
    levels = {level for level, message in told.annotations if "already registered in DX under" not in message}
    assert levels == ({"error" if strict else "warning"} if failed else {"notice"} if "accepted" in outcomes else set())
    page = check_summary(told.summary)
    assert len(page.rows) == 1 + len(outcomes)
    assert [json.loads(text) for kind, text in page.fences if kind == "json"] == [
        call.json() for call in told.undelivered
    ]


def test_without_trouble_all_that_was_accepted_is_registered() -> None:
    assert report.status_of(0, 1, deployments=True, accepted=True) == "registered"
    assert report.status_of(0, 1, deployments=True, accepted=True, trouble=True) == "partial"


# Annotations.


def test_an_annotation_a_kind() -> None:
    registration, calls = deployment(6)
    kinds: list[tuple[Outcome, str]] = [
        ("failed", "repo_not_found"),
        ("accepted", ""),
        ("failed", "repo_not_found"),
        ("unknown", "no_answer"),
        ("failed", "no_answer"),
        ("not-sent", "out_of_time"),
    ]
    results = [Result(call, outcome, error=error) for call, (outcome, error) in zip(calls, kinds, strict=True)]
    told = report.sent(registration, inputs(), results, calls=calls)
    assert [(level, message.partition(". ")[0]) for level, message in told.annotations] == [
        ("error", "DX did not register 2 of 6 deployments (service-0, service-2): repo_not_found"),
        ("error", "It is unknown whether DX registered 1 of 6 deployments (service-3): no_answer"),
        ("error", "DX did not register 1 of 6 deployments (service-4): no_answer"),
        ("error", "DX did not register 1 of 6 deployments (service-5): out_of_time"),
    ]
    counted = "5 of 6 deployments NOT known to be registered in DX"
    assert told.outputs["reason"] == " ".join((f"{counted}.", *(text for _, text in told.annotations)))


@pytest.mark.parametrize(
    ("outcomes", "errors", "starts"),
    [
        (["failed"], ["a"], "DX did not register service-0: a. "),
        (["failed", "failed"], ["a", "a"], "DX did not register 2 of 2 deployments (service-0, service-1): a. "),
        (["failed", "failed"], ["a", "b"], "2 of 2 deployments NOT registered in DX. DX did not register 1 of 2 "),
        (["failed", "accepted", "failed"], ["a", "", "b"], "2 of 3 deployments NOT registered in DX. DX did not "),
        (["unknown", "accepted", "not-sent"], ["a", "", "b"], "2 of 3 deployments NOT known to be registered in DX. "),
        (["failed"] * 9, [*"abcdefghi"], "9 of 9 deployments NOT registered in DX. DX did not register 1 of 9 "),
    ],
)
def test_the_reason_counts_all_that_failed(outcomes: list[Outcome], errors: list[str], starts: str) -> None:
    registration, calls = deployment(len(outcomes))
    every = zip(calls, outcomes, errors, strict=True)
    results = [Result(call, outcome, error=error) for call, outcome, error in every]
    found = report.sent(registration, inputs(), results, calls=calls).outputs["reason"]
    assert found.startswith(starts)
    # Each kind is there after it.
    assert all(f": {error}. " in found for error in errors[:4] if error)


@pytest.mark.parametrize(
    ("outcomes", "given", "done"),
    [
        (["accepted"], {}, "Deployment registered in DX: service-0."),
        (["accepted"] * 2, {}, "2 deployments registered in DX: service-0, service-1."),
        (["accepted", "already-registered"], {}, "2 deployments registered in DX: service-0, service-1."),
        (["accepted"], {"success": "false"}, "Failed deployment registered in DX: service-0."),
        (["accepted"] * 2, {"success": "failure"}, "2 failed deployments registered in DX: service-0, service-1."),
        (["accepted"], {"success": "true"}, "Deployment registered in DX: service-0."),
        (["already-registered"], {}, None),
        (["accepted", "failed"], {}, None),
        (["unknown"], {"fail-on-error": "false"}, None),
    ],
)
def test_a_success_has_its_one_notice(outcomes: list[Outcome], given: dict[str, str], done: str | None) -> None:
    told = sent(outcomes, given)
    other = [text for level, text in told.annotations if level == "notice" and "under the same" not in text]
    assert other == ([done] if done else [])
    if done:
        assert told.annotations[0] == ("notice", done)
        assert told.summary.startswith(f"### {done.partition(':')[0]}\n")
        # The headline says it.
        assert done not in told.summary


@pytest.mark.parametrize(
    ("outcome", "headline"),
    [
        ("accepted", "Failed deployment registered in DX"),
        ("already-registered", "Failed deployment already registered in DX"),
        ("failed", "Failed deployment NOT registered in DX"),
        ("unknown", "Failed deployment NOT known to be registered in DX"),
    ],
)
def test_a_failed_deployment_is_called_one_in_the_first_line(outcome: Outcome, headline: str) -> None:
    told = sent([outcome], {"success": "false"})
    assert told.summary.startswith(f"### {headline}\n")
    assert "✅" not in told.summary
    assert "failed deployment" in told.annotations[0][1].lower() or outcome in ("failed", "unknown")
    assert "failed" not in sent([outcome]).summary.partition("\n")[0].lower()


@pytest.mark.parametrize(
    ("outcomes", "headline"),
    [
        (["already-registered"], "Deployment already registered in DX"),
        (["already-registered", "accepted"], "2 deployments registered in DX"),
        (["accepted", "accepted"], "2 failed deployments registered in DX"),
    ],
)
def test_what_has_an_id_by_hand_may_have_another_outcome_in_dx(outcomes: list[Outcome], headline: str) -> None:
    told = sent(outcomes, {"success": "false", "reference-id": "build-7"})
    assert told.summary.startswith(f"### {headline}\n")


def test_a_dry_run_says_what_it_would_do() -> None:
    for values, of in (({}, ""), ({"success": "false"}, " of a failed deployment")):
        told = report.dry_run(*deployment(2, values))
        assert told.annotations == (
            ("notice", f"Dry run{of}: nothing was sent to DX. A live run would send 2 requests."),
        )
        assert told.summary.startswith(f"### Dry run{of}: nothing was sent to DX\n")


def test_where_services_alone_are_set_the_notice_names_the_pull_requests() -> None:
    registration = deployment()[0]._replace(services=Sourced((), "input service"))
    told = report.sent(registration, inputs(), [Result(TOLD, "accepted")], calls=[TOLD])
    assert told.annotations == (("notice", "Services set in DX: pull request #7."),)


@pytest.mark.parametrize("fail_on_error", [True, False])
@pytest.mark.parametrize("count", [9, 10, 11, 30])
def test_no_more_is_annotated_than_the_runner_shows(count: int, fail_on_error: bool) -> None:
    texts = [f"{number}." for number in range(count)]
    told = Report(
        outputs={},
        title="Head",
        messages=[Failure("m")],
        hints=[("notice", "n"), *(("warning", text) for text in texts)],
        fail_on_error="true" if fail_on_error else "false",
    )
    before = [] if fail_on_error else ["m"]
    found = [text for level, text in told.annotations if level == "warning"]
    if len(before) + count <= 10:
        assert found == [*before, *texts]
    else:
        kept = 9 - len(before)
        assert found == [*before, *texts[:kept], "\n".join((f"{count - kept} more:", *texts[kept:]))]
    # The most important first, and the summary has each.
    assert told.annotations[0] == ("error" if fail_on_error else "warning", "m")
    assert told.annotations[-1] == ("notice", "n")
    assert all(f"> {escaped(text)}\n" in told.summary for text in texts)


def test_what_is_not_delivered_is_whole_in_the_log() -> None:
    _, calls = deployment(2, {"metadata": '{"a": "##[error]\\u202e`"}'})
    lines = report.request_lines(calls)
    assert lines[::2] == ["POST /api/deployments.create"] * 2
    assert [json.loads(line) for line in lines[1::2]] == [call.json() for call in calls]
    assert [one_line(line) for line in lines] == lines
    large = calls[0]._replace(body=b'{"a":"' + b"x" * 300_000 + b'"}')
    lines = report.request_lines([large] * 5)
    assert [len(line) for line in lines[1:-1:2]] == [300_008] * 3
    assert lines[-1] == "… and 2 more, not shown."
    exact = calls[0]._replace(body=b'"' + b"x" * ((1 << 20) - 2) + b'"')
    assert [len(line) for line in report.request_lines([exact])] == [len("POST /api/deployments.create"), 1 << 20]
    longer = exact._replace(body=exact.body[:-1] + b'x"')
    assert report.request_lines([longer, exact]) == ["… and 2 more, not shown."]


@pytest.mark.parametrize("error", ["not_authed", "invalid_auth", "account_inactive", "http_401", "http_403"])
def test_what_a_refused_token_stopped_is_told_with_it(error: str) -> None:
    _, calls = deployment(3)
    results = [Result(calls[0], "failed", error=error)]
    results += [Result(call, "not-sent", error="unauthorized_before") for call in calls[1:]]
    (message,) = failures(results, inputs(), resolved("push_branch"))
    assert message.startswith(f"DX did not register 3 of 3 deployments (service-0, service-1, service-2): {error}. ")


def test_names_are_listed_as_far_as_one_reads() -> None:
    _, calls = deployment(500, name="s" * 300)
    (message,) = failures(
        [Result(call, "failed", error="repo_not_found") for call in calls], inputs(), resolved("push_branch")
    )
    assert f"and {500 - MOST_NAMES} more)" in message
    assert len(message) < 1500


def test_dx_own_words_are_quoted_short_and_on_one_line() -> None:
    _, (call,) = deployment()
    (message,) = failures(
        [Result(call, "failed", error="a\nb" * 99, message="no\n::error::x" * 99)], inputs(), resolved("push_branch")
    )
    told = report.sent(*deployment()[:1], inputs(), [Result(call, "failed", error="x" * 5000)], calls=[call])
    assert max(map(len, told.lines)) < 300
    assert "\n" not in message
    assert "DX says: “no\\n::error::x" in message
    assert len(message) < 1000


@pytest.mark.parametrize(
    ("outcome", "file", "says"),
    [
        ("failed", "out/failed.jsonl", "is saved in out/failed.jsonl, ready to be sent as a `backfill-file`."),
        ("failed", "", ""),
        ("unknown", "out/failed.jsonl", "Send the same request again from out/failed.jsonl: "),
        ("unknown", "", "Send the same request again from the log or the summary: "),
    ],
)
def test_what_to_do_with_what_was_kept(outcome: Outcome, file: str, says: str) -> None:
    _, (call,) = deployment()
    (message,) = failures(
        [Result(call, outcome, error="http_503")], inputs({"failed-file": file}), resolved("push_branch")
    )
    assert says in message
    assert ("out/failed.jsonl" in message) == bool(file)
    assert ("DX may have registered it." in message) == (outcome == "unknown")


@pytest.mark.parametrize(
    ("event", "given", "level", "words"),
    [
        ("pull_request_merged", {}, "notice", "handled again"),
        ("push_branch", {}, "warning", "this job"),
        ("pull_request_merged", {"reference-id": "release-7"}, "warning", "the input `reference-id`"),
        ("push_branch", {"reference-id": "release-7"}, "warning", "the input `reference-id`"),
    ],
)
def test_what_dx_holds_already(event: str, given: dict[str, str], level: str, words: str) -> None:
    registration = resolved(event, given)
    (call,) = deployment_calls(registration, inputs(given))
    ((found, message),) = conflicts(registration, inputs(given), [Result(call, "already-registered")])
    assert found == level
    assert words in message
    assert conflicts(registration, inputs(given), [Result(call, "accepted")]) == ()


def test_warnings_and_notices_of_what_was_found_are_annotations() -> None:
    registration = resolved("repository_dispatch", {"service": ""})
    calls = deployment_calls(registration, inputs())
    for told in (
        report.dry_run(registration, calls),
        report.sent(registration, inputs(), [Result(call, "accepted") for call in calls], calls=calls),
    ):
        assert [level for level, _ in told.annotations] == ["warning", "notice", "notice"]
        assert [line for line in told.summary.split("\n") if line.startswith("> [!")] == ["> [!WARNING]", "> [!NOTE]"]
        assert told.summary.count("\n> ") == 4
        assert told.exit_code == 0


# Outputs that stay small.


def test_large_results_are_cut_and_failures_kept_first() -> None:
    registration, calls = deployment(900)
    results = [
        Result(call, "accepted" if index % 3 else "failed", 422 if index % 3 == 0 else 200, "e" * 300, "ü" * 400)
        for index, call in enumerate(calls)
    ]
    told = report.sent(registration, inputs(), results, calls=calls)
    assert size(told.outputs) < LARGEST
    assert told.outputs["truncated"] == "true"
    outcomes = [result["outcome"] for result in json.loads(told.outputs["results"])]
    assert outcomes[:100] == ["failed"] * 100
    assert outcomes == sorted(outcomes, key=lambda outcome: outcome != "failed")
    assert len(outcomes) < 900
    assert json.loads(told.outputs["services"]) == [call.service for call in calls]
    # What is kept elsewhere is whole.
    assert len(told.undelivered) == 300


def test_long_ids_leave_room_for_the_results() -> None:
    registration, calls = deployment(2500, name="s" * 120)
    results = [Result(call, "failed" if index == 2499 else "accepted") for index, call in enumerate(calls)]
    told = report.sent(registration, inputs(), results, calls=calls)
    assert size(told.outputs) < LARGEST
    assert told.outputs["truncated"] == "true"
    found = json.loads(told.outputs["results"])
    assert found[0]["outcome"] == "failed"
    assert len(found) > 100


@pytest.mark.parametrize("value", ["x" * 300_000, "ü" * 200_000, '"' * 200_000])
def test_a_request_too_large_for_the_outputs_is_left_out(value: str) -> None:
    registration, calls = deployment(3, {"metadata": json.dumps({"key": value})})
    for told in (
        report.dry_run(registration, calls),
        report.sent(registration, inputs(), [Result(call, "accepted") for call in calls], calls=calls),
    ):
        assert size(told.outputs) < LARGEST
        assert (told.outputs["requests"], told.outputs["truncated"]) == ("[]", "true")
        assert json.loads(told.outputs["services"]) == ["service-0", "service-1", "service-2"]


def test_what_is_small_is_whole_and_in_order() -> None:
    registration, calls = deployment(50)
    results = [Result(call, "failed" if index % 2 else "accepted") for index, call in enumerate(calls)]
    told = report.sent(registration, inputs(), results, calls=calls)
    assert told.outputs["truncated"] == "false"
    assert [each["body"] for each in json.loads(told.outputs["requests"])] == [call.json() for call in calls]
    assert [each["reference_id"] for each in json.loads(told.outputs["results"])] == [
        call.reference_id for call in calls
    ]


def test_the_reason_is_one_short_line() -> None:
    told = report.unusable([Problem("service", "is\nwrong. " * 300)], fail_on_error="true")
    assert len(told.outputs["reason"]) == 1000
    assert "\n" not in told.outputs["reason"]


def test_every_report_has_every_output() -> None:
    registration, calls = deployment(2)
    reports = [
        report.skipped(Skipped("No.", "Yes.")),
        report.unusable([Problem("service", "is wrong.")], fail_on_error="true"),
        report.cancelled(fail_on_error="true"),
        report.broken("main.py:1", fail_on_error="true"),
        report.dry_run(registration, calls),
        sent(["accepted"]),
    ]
    assert len({tuple(each.outputs) for each in reports}) == 1
    assert [each.exit_code for each in reports] == [0, 1, 1, 1, 0, 0]
    assert report.dry_run(registration._replace(problems=(TROUBLE,)), calls).exit_code == 1
    statuses = ["skipped", "failed", "failed", "failed", "dry-run", "registered"]
    assert [each.outputs["status"] for each in reports] == statuses
    for each in reports:
        assert all(json.loads(each.outputs[name]) is not None for name in ("services", "requests", "results"))
        check_summary(each.summary)


# The summary.


def test_a_long_table_is_cut_and_failures_come_first() -> None:
    outcomes: list[Outcome] = ["accepted"] * 3000
    told = sent([*outcomes, "failed"])
    rows = [line for line in told.summary.split("\n") if line.startswith("<tr><td")]
    assert len(rows) == MOST_ROWS
    assert "service-3000" in rows[0]
    assert "❌" in rows[0]
    assert f"… and {3001 - MOST_ROWS:,} more." in told.summary
    assert len(told.summary.encode()) < 1024 * 1024


def test_the_largest_summary_fits() -> None:
    """Every row as long as it gets, made of what is written longest, and DX's words without an end."""
    registration, calls = deployment(400, {"metadata": json.dumps({"a": "🧪" * 3000})}, name="$@`" * 200)
    results = [Result(call, "failed", error="<" * 200, message="\x1b" * 10_000) for call in calls]
    told = report.sent(registration, inputs(), results, calls=calls)
    assert len(told.summary.encode()) < 1_000_000
    check_summary(told.summary)


def test_what_is_shown_of_a_deployment() -> None:
    registration, calls = deployment(1, {"success": "false", "environment": "blue|green", "attribution": "repository"})
    summary = report.dry_run(registration, calls).summary
    assert " · **failed** deployment" in summary
    assert "environment <code>blue&#124;green</code>" in summary
    assert "<td nowrap>repository</td>" in summary
    assert "🧪 not sent (dry run)" in summary
    shas = {"merge-commit-shas": "abc1234,abc2345", "repository": "other", "source-url": 'https://x.example/"><b>'}
    summary = report.dry_run(*deployment(1, shas)).summary
    assert " · commit <code>" not in summary
    assert "<td nowrap>2 merge commits</td>" in summary
    link = "x.example/&#34;&#62;&#60;b&#62;"
    assert f'source <a href="https://{link}"><code>{link}</code></a>' in summary


def test_only_plain_words_in_backticks_become_code() -> None:
    told = report.unusable(
        [Problem("dx-host", "`on-conflict: update` `reference_id` `<b>` or`a|b` and `x`")], fail_on_error="false"
    )
    assert "<code>dx-host</code> <code>on-conflict: update</code> <code>reference&#95;id</code>" in told.summary
    assert told.summary.count("<code>") == 4
    check_summary(told.summary)


# What comes on top.


@pytest.mark.parametrize("fail_on_error", ["true", "false"])
def test_a_problem_after_the_report(fail_on_error: FailOnError) -> None:
    problem = Problem("failed-file", "cannot be written.")
    told = report.with_problem(sent(["accepted"]), problem, fail_on_error=fail_on_error)
    assert told.annotations == (
        ("error" if fail_on_error == "true" else "warning", "`failed-file` cannot be written."),
    )
    assert told.exit_code == (fail_on_error == "true")
    assert told.lines[-1] == "`failed-file` cannot be written."
    assert told.outputs["status"] == "registered"
    assert report.with_problem(told, problem, fail_on_error=fail_on_error) == told


def test_a_problem_that_is_told_already_is_not_told_twice() -> None:
    problems = [Problem("timeout", "is wrong."), Problem("failed-file", "cannot be written.")]
    told = report.unusable(problems, fail_on_error="true")
    assert report.with_problem(told, problems[1], fail_on_error="true") == told


@pytest.mark.parametrize("outcome", ["failed", "unknown"])
def test_a_report_that_can_be_made_without_the_file(outcome: Outcome) -> None:
    file = {"failed-file": "out/failed.jsonl"}
    assert sent([outcome], file).unsaved == sent([outcome])
    assert sent([outcome]).unsaved is sent(["accepted"], file).unsaved is None
    assert not sent([outcome]).saved


@pytest.mark.parametrize(("warn", "level"), [(True, "warning"), (False, "notice")])
def test_skipped(warn: bool, level: str) -> None:
    told = report.skipped(Skipped("It is no deployment.", "Change it.", warn=warn))
    assert told.annotations == ((level, "Nothing was sent to DX. It is no deployment. Change it."),)
    assert told.outputs["reason"] == "It is no deployment. Change it."


NOTHING = "As things are, nothing will be sent to DX when this job has ended."
UNFILLED = (
    "As things are, nothing could be sent to DX when this job has ended. Ignore this if a later step changes that."
)


@pytest.mark.parametrize(
    ("skip", "missing", "annotations", "reason"),
    [
        (None, (), (), ""),
        (
            Skipped("It is no deployment.", "Change it."),
            (Problem("service", "is passed over here."),),
            (("notice", f"{NOTHING} It is no deployment. Change it."),),
            f"{NOTHING} It is no deployment. Change it.",
        ),
        (
            Skipped("A fork.", warn=True),
            (),
            (("warning", f"{NOTHING} A fork."),),
            f"{NOTHING} A fork.",
        ),
        (
            None,
            (Problem("commit-sha", "is missing."), Problem("pull-number", "is, too.")),
            (("notice", f"{UNFILLED}\n`commit-sha` is missing.\n`pull-number` is, too."),),
            f"{UNFILLED} `commit-sha` is missing. `pull-number` is, too.",
        ),
    ],
    ids=["well", "skipped", "a fork", "unfilled"],
)
def test_the_start_of_a_job_waits(
    skip: Skipped | None, missing: tuple[Problem, ...], annotations: tuple[tuple[str, str], ...], reason: str
) -> None:
    told = report.waiting(skip, missing)
    assert (told.exit_code, told.annotations, told.summary) == (0, annotations, "")
    assert (told.outputs["status"], told.outputs["reason"]) == ("waiting", reason)


def test_a_bug_names_a_place_and_what_is_known() -> None:
    _, calls = deployment(3)
    outcomes: list[Outcome] = ["accepted", "unknown", "not-sent"]
    results = [Result(call, outcome) for call, outcome in zip(calls, outcomes, strict=True)]
    told = report.broken("main.py:7, KeyError", results, fail_on_error="true")
    ((level, message),) = told.annotations
    assert level == "error"
    assert "at main.py:7, KeyError." in message
    assert message.endswith("DX registered 1 of 3 deployments.")
    assert list(told.undelivered) == calls[1:]
    assert "registered" not in report.broken("x", fail_on_error="true").annotations[0][1]


@pytest.mark.parametrize(
    ("pulls", "outcomes", "ends"),
    [
        (["accepted"], ["accepted", "failed"], "DX registered 1 of 2 deployments."),
        (["failed", "failed"], ["accepted"], "DX registered 1 of 1 deployment."),
        (["accepted", "failed"], [], "DX accepted 1 of 2 calls."),
    ],
)
def test_a_bug_counts_deployments_where_there_are_some(
    pulls: list[Outcome], outcomes: list[Outcome], ends: str
) -> None:
    results = [Result(TOLD, outcome) for outcome in pulls]
    results += [Result(call, outcome) for call, outcome in zip(deployment(3)[1], outcomes, strict=False)]
    assert report.broken("main.py:7", results, fail_on_error="true").annotations[0][1].endswith(f" {ends}")


def test_problems_other_than_dx_codes_keep_their_annotations() -> None:
    call = deployment_calls(resolved("push_branch"), inputs())[0]
    results = [Result(call, "failed", error=f"code_{number}") for number in range(60)]
    messages = failures(results, inputs(), resolved("push_branch"))
    assert len(messages) == 7
    assert messages[-1] == "54 more kinds of failure: see the summary and the log."


def test_a_run_without_a_page_has_no_link() -> None:
    for run_id, linked in (("7", True), ("", False)):
        registration = resolved("workflow_dispatch", run_id=run_id)
        told = report.sent(registration, inputs(), [], calls=())
        assert (" · source <a href=" in told.summary) is linked


@pytest.mark.parametrize(
    ("outcome", "status", "error", "attempts", "told"),
    [
        ("accepted", 200, "", 1, " (HTTP 200)"),
        ("accepted", 200, "", 2, " (HTTP 200, 2 attempts)"),
        ("already-registered", 409, "reference_id_taken", 1, " (HTTP 409)"),
        ("failed", 422, "repo_not_found", 1, " (HTTP 422, repo_not_found)"),
        ("failed", 422, "e" * 101, 1, f" (HTTP 422, {'e' * 99}…)"),
        ("failed", 401, "http_401", 1, " (HTTP 401)"),
        ("unknown", 503, "http_503", 4, " (HTTP 503, 4 attempts)"),
        ("unknown", None, "no_answer", 3, " (3 attempts, no_answer)"),
        ("not-sent", None, "out_of_time", 0, " (out_of_time)"),
        ("not-sent", None, "", 0, ""),
    ],
)
def test_a_line_for_each_call(outcome: Outcome, status: int | None, error: str, attempts: int, told: str) -> None:
    registration, (call,) = deployment()
    result = Result(call, outcome, status, error, "words", attempts)
    assert report.sent(registration, inputs(), [result], calls=[call]).lines == [f"  service-0: {outcome}{told}"]


TROUBLE = Problem("pull-number", "is missing.")


@pytest.mark.parametrize("fail_on_error", ["true", "false"])
def test_what_may_fail_the_step(fail_on_error: FailOnError) -> None:
    registration, calls = deployment()
    troubled, failing = registration._replace(problems=(TROUBLE,)), [Result(calls[0], "failed")]
    given = inputs({"fail-on-error": fail_on_error})
    for told in (
        report.unusable([TROUBLE], fail_on_error=fail_on_error),
        report.cancelled(fail_on_error=fail_on_error),
        report.broken("main.py:1", fail_on_error=fail_on_error),
        report.dry_run(troubled, calls, fail_on_error=fail_on_error),
        report.sent(troubled, given, [Result(calls[0], "accepted")], calls=calls),
        report.sent(registration, given, failing, calls=calls),
    ):
        assert told.exit_code == (fail_on_error == "true")
        assert [level for level, _ in told.annotations] == ["error" if fail_on_error == "true" else "warning"]
        assert told.outputs["reason"]
    assert report.dry_run(registration, calls, fail_on_error=fail_on_error).exit_code == 0


def test_how_many_problems_there_are() -> None:
    one, two = (report.unusable([TROUBLE] * count, fail_on_error="true").annotations[0][1] for count in (1, 2))
    assert one == f"Nothing was sent to DX: 1 problem.\n{TROUBLE}"
    assert two == f"Nothing was sent to DX: 2 problems.\n{TROUBLE}\n{TROUBLE}"
    assert report.unusable([TROUBLE], fail_on_error="true").summary.startswith(
        "### Nothing was sent to DX\n\n> [!CAUTION]\n> Nothing was sent to DX: 1 problem.\n> - <code>"
    )


def test_what_would_have_been_sent_is_told_and_kept() -> None:
    registration, calls = deployment(2)
    results = [Result(call, "not-sent", error="not_configured") for call in calls]
    told = report.unusable([TROUBLE], fail_on_error="true", registration=registration, results=results)
    assert told.undelivered == calls
    assert [len(json.loads(told.outputs[name])) for name in ("requests", "results", "services")] == [2, 2, 2]
    assert told.lines == ()


def test_a_dry_run_shows_each_request() -> None:
    registration, calls = deployment(2)
    told = report.dry_run(registration, calls)
    assert told.lines == [
        "Dry run. A live run would send 2 requests:",
        *(line for call in calls for line in ("  POST /api/deployments.create", f"    {call.body.decode()}")),
    ]
    assert (told.outputs["status"], told.outputs["reason"]) == ("dry-run", "")
    assert report.dry_run(registration, calls[:1]).lines[0] == "Dry run. A live run would send 1 request:"


@pytest.mark.parametrize(
    ("total", "count", "more"),
    [
        (None, 2, []),
        (2, 2, []),
        (3, 3, ["  … and 1 more, not shown."]),
        (1_302, "1,302", ["  … and 1,300 more, not shown."]),
    ],
)
def test_a_dry_run_counts_what_it_does_not_show(total: int | None, count: object, more: list[str]) -> None:
    told = report.dry_run_of(deployment(2)[1], outputs={}, body="", hints=(), total=total)
    assert told.lines[0] == f"Dry run. A live run would send {count} requests:"
    assert told.lines[5:] == more


@pytest.mark.parametrize(
    ("deploys", "trouble", "outcomes", "status", "headline"),
    [
        (True, False, ["accepted", "accepted"], "registered", "Deployment registered in DX"),
        (True, False, ["accepted", "already-registered"], "already-registered", "Deployment already registered in DX"),
        (True, False, ["failed", "accepted"], "partial", "1 of 2 calls NOT accepted by DX"),
        (True, False, ["unknown", "failed"], "failed", "2 of 2 calls NOT known to be accepted by DX"),
        (True, True, ["accepted", "accepted"], "partial", "Deployment registered in DX, but services NOT set"),
        (False, False, ["accepted"], "pull-services-set", "Services set in DX"),
        (False, False, ["failed"], "failed", "Services NOT set in DX"),
        (False, False, ["unknown"], "failed", "Services NOT known to be set in DX"),
    ],
)
def test_status_where_pull_requests_are_told(
    deploys: bool, trouble: bool, outcomes: list[Outcome], status: str, headline: str
) -> None:
    registration, calls = deployment()
    registration = registration._replace(pull_services=(PULLS,), problems=(TROUBLE,) if trouble else ())
    if not deploys:
        registration = registration._replace(services=Sourced((), "input service"))
    every = [TOLD, *(calls if deploys else ())]
    results = [Result(call, outcome) for call, outcome in zip(every, outcomes, strict=True)]
    found = report.sent(registration, inputs(), results, calls=every)
    assert found.outputs["status"] == status
    assert found.summary.startswith(f"### {headline}\n")


@pytest.mark.parametrize(
    ("outcomes", "headline"),
    [
        (["accepted", "failed", "failed"], "2 of 2 deployments NOT registered in DX"),
        (["accepted", "failed", "accepted"], "1 of 2 deployments NOT registered in DX"),
        (["accepted", "unknown", "accepted"], "1 of 2 deployments NOT known to be registered in DX"),
        (["failed", "failed", "accepted"], "2 of 3 calls NOT accepted by DX"),
        (["failed", "accepted", "accepted"], "1 of 3 calls NOT accepted by DX"),
    ],
)
def test_the_headline_counts_deployments_where_none_but_those_failed(outcomes: list[Outcome], headline: str) -> None:
    registration, calls = deployment(2)
    every = [TOLD, *calls]
    results = [Result(call, outcome) for call, outcome in zip(every, outcomes, strict=True)]
    found = report.sent(registration._replace(pull_services=(PULLS,)), inputs(), results, calls=every)
    assert found.outputs["status"] == "partial"
    assert found.summary.startswith(f"### {headline}\n")


@pytest.mark.parametrize(
    ("outcomes", "trouble", "status", "headline"),
    [
        (["accepted", "accepted"], False, "pull-services-set", "Services set in DX"),
        (["accepted", "failed"], False, "partial", "Services of 1 of 2 pull requests NOT set in DX"),
        (["unknown", "failed"], False, "failed", "Services of 2 of 2 pull requests NOT known to be set in DX"),
        ([], True, "failed", "Services NOT set in DX"),
    ],
)
def test_the_headline_where_no_deployment_is_registered(
    outcomes: list[Outcome], trouble: bool, status: str, headline: str
) -> None:
    registration = deployment()[0]._replace(
        services=Sourced((), "input service"), problems=(TROUBLE,) if trouble else ()
    )
    found = report.sent(registration, inputs(), [Result(TOLD, outcome) for outcome in outcomes], calls=[TOLD])
    assert found.outputs["status"] == status
    assert found.summary.startswith(f"### {headline}\n")


OUTAGE, REFUSAL = Failure("It does not answer.", outage=True), Failure("It is wrong.")


@pytest.mark.parametrize(
    ("policy", "messages", "levels"),
    [
        ("true", [OUTAGE], ["error"]),
        ("true", [OUTAGE, REFUSAL], ["error", "error"]),
        ("except-outages", [OUTAGE], ["warning"]),
        ("except-outages", [REFUSAL], ["error"]),
        ("except-outages", [OUTAGE, REFUSAL], ["warning", "error"]),
        ("except-outages", [], []),
        ("false", [OUTAGE, REFUSAL], ["warning", "warning"]),
    ],
)
def test_which_failures_fail_the_step(policy: FailOnError, messages: list[Failure], levels: list[str]) -> None:
    told = Report(outputs={}, title="", messages=messages, hints=[("notice", "Done.")], fail_on_error=policy)
    assert [level for level, _ in told.annotations] == [*sorted(levels), "notice"]
    assert told.exit_code == ("error" in levels)


@pytest.mark.parametrize(
    ("outages", "code"), [([True], 0), ([True, True], 0), ([True, False], 1), ([False], 1)], ids=str
)
def test_what_cannot_be_looked_up_is_an_outage_if_nothing_else_is_wrong(outages: list[bool], code: int) -> None:
    problems = [Problem(f"subject-{number}", "is wrong.", outage=outage) for number, outage in enumerate(outages)]
    assert report.unusable(problems, fail_on_error="except-outages").exit_code == code
    later = report.with_problem(sent(["accepted"]), problems[-1], fail_on_error="except-outages")
    assert later.exit_code == (not outages[-1])


@pytest.mark.parametrize("policy", ["true", "except-outages"])
def test_a_cancel_or_a_bug_is_no_outage(policy: FailOnError) -> None:
    assert report.cancelled(fail_on_error=policy).exit_code == report.broken("x", fail_on_error=policy).exit_code == 1


# The step that is reported.


def step(folder: Path) -> Step:
    env = {"INPUT_DX-TOKEN": "t0ken-0f-the-tests"}
    workflow = Workflow(io.StringIO(), env, lambda: "end", known_secrets(env))
    return Step(env=env, clock=Hurried().clock(), workflow=workflow, workspace=Workspace(str(folder)))


def test_what_dx_says_loses_secrets_and_its_end() -> None:
    _, (call,) = deployment()
    result = Result(call, "failed", 422, "t0ken-0f-the-tests", "No t0ken-0f-the-tests.", 2)
    harmless = step(Path()).harmless(result)
    assert harmless == result._replace(error="***", message="No ***.")
    long = step(Path()).harmless(result._replace(error="e" * 201, message="m" * 4001))
    assert (long.error, long.message) == (f"{'e' * 199}…", f"{'m' * 3999}…")
    whole = result._replace(error="e" * 200, message="m" * 4000)
    assert step(Path()).harmless(whole) == whole


@pytest.mark.parametrize("name", ["", "failed.jsonl"])
def test_a_dry_run_makes_no_file(tmp_path: Path, name: str) -> None:
    step(tmp_path).check_files(inputs({"failed-file": name}), None)
    assert not [*tmp_path.iterdir()]


def test_a_dry_run_refuses_the_file_that_a_live_run_would(tmp_path: Path) -> None:
    (tmp_path / "failed.jsonl").mkdir()
    with pytest.raises(BadInput) as caught:
        step(tmp_path).check_files(inputs({"failed-file": "failed.jsonl"}), None)
    assert [problem.subject for problem in caught.value.problems] == ["failed-file"]


def test_a_file_is_replaced_only_if_that_is_said() -> None:
    assert not step(Path()).failed_file("failed.jsonl").replaces
    assert step(Path()).failed_file("failed.jsonl", replaces=True).replaces

"""Whole jobs with `job/` at their top, both stages as processes: before the job deploys, and after its last step."""

import io
import json
import signal
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builders import payload
from dx_action.inputs.job import Stage
from dx_action.main import Invocation, main
from dx_action.sandbox import Fault, Sandbox
from runner import NOW, TOKEN, Run, Step, connected, fast_clock, run_job, until
from stand_in import GitHub, Repo

EVENTS = [
    *("pull_request_merged", "push_branch", "push_tag_annotated", "workflow_dispatch", "release_published"),
    *("deployment_status_success", "workflow_run_success", "repository_dispatch", "schedule"),
]


@pytest.fixture
def dx() -> Iterator[Sandbox]:
    with Sandbox(token=TOKEN) as running:
        yield running


def bodies(dx: Sandbox) -> list[Any]:
    return [json.loads(request["body"]) for request in dx.requests()]


def errors(run: Run) -> list[str]:
    return [text for level, text in run.annotations if level == "error"]


def inside(step: Step, *given: Any, **more: Any) -> tuple[Run, Run]:
    return run_job(step, *given, run=Step.inside, **more)


def job(folder: Path, dx: Sandbox, event: str = "push_branch", **more: str) -> Step:
    return Step(folder, connected(dx, **more), event)


# How a job ends.


@pytest.mark.parametrize(("status", "success"), [("success", True), ("failure", False)])
def test_a_job_s_end_is_registered(tmp_path: Path, dx: Sandbox, status: str, success: bool) -> None:
    began, ended = run_job(job(tmp_path, dx), status)
    assert (began.exit_code, began.status, began.annotations, began.summary) == (0, "waiting", [], "")
    assert (ended.exit_code, ended.status) == (0, "registered")
    (body,) = bodies(dx)
    assert body.get("success", True) is success
    assert any(f"success            {str(success).lower()}  from the job's status" in line for line in ended.lines)


def test_the_start_sends_nothing(tmp_path: Path, dx: Sandbox) -> None:
    began = replace(job(tmp_path, dx), stage="start").run()
    assert (began.status, began.outputs["requests"], dx.requests()) == ("waiting", "[]", [])
    assert began.said[1] == (
        "The inputs and the event can be used. Nothing is sent now: the deployment is registered when this job has ended."
    )
    assert not any(name in line for line in began.said for name in ("deployed_at", "success", "reference_id"))


def test_a_cancelled_job_registers_nothing(tmp_path: Path, dx: Sandbox) -> None:
    _, ended = run_job(job(tmp_path, dx), "cancelled")
    assert (ended.exit_code, ended.status, dx.requests()) == (0, "skipped", [])
    text = (
        "Nothing was sent to DX. The job was cancelled. "
        "If it had deployed by then, set `success` to the outcome of the step that deploys."
    )
    assert ended.annotations == [("notice", text)]


@pytest.mark.parametrize("outcome", ["success", "failure", "cancelled", "skipped", ""])
def test_a_step_s_outcome_counts_more_than_the_job_s(tmp_path: Path, dx: Sandbox, outcome: str) -> None:
    """`success: ${{ steps.deploy.outcome || 'skipped' }}`: at the start, and if the step is never reached, it is `skipped`."""
    written = job(tmp_path, dx, success="skipped")
    began, ended = inside(written, "failure", {"success": outcome or "skipped"})
    assert (began.exit_code, began.status, began.annotations) == (0, "waiting", [])
    if outcome in ("success", "failure"):
        (body,) = bodies(dx)
        assert (ended.status, body.get("success", True)) == ("registered", outcome == "success")
    else:
        assert (ended.exit_code, ended.status, dx.requests()) == (0, "skipped", [])


def test_a_job_that_was_cancelled_after_it_deployed_is_registered_if_it_says_so(tmp_path: Path, dx: Sandbox) -> None:
    _, ended = inside(job(tmp_path, dx, success="skipped"), "cancelled", {"success": "success"})
    assert (ended.status, len(bodies(dx))) == ("registered", 1)


def test_a_job_that_runs_again_says_at_its_end_whose_time_it_is(tmp_path: Path, dx: Sandbox) -> None:
    """The end's clock is that of this attempt, and what the earlier one deployed may be all there was to deploy."""
    began, ended = inside(replace(job(tmp_path, dx), env={"GITHUB_RUN_ATTEMPT": "2"}))
    assert began.annotations == []
    (notice,) = [text for level, text in ended.annotations if level == "notice" and "`deployed-at`" in text]
    assert notice.startswith("This is attempt 2 of the run, and the deployment's time is that of this attempt.")
    assert any(line.startswith("  deployed_at ") and line.endswith("  from the clock") for line in ended.lines)


def test_a_job_that_fails_before_its_deploy_step_counts_as_failed_without_success(tmp_path: Path, dx: Sandbox) -> None:
    """The documentation says so: only the author can say which step deploys."""
    _, ended = inside(job(tmp_path, dx), "failure")
    assert (ended.status, bodies(dx)[0]["success"]) == ("registered", False)
    assert "Failed deployment registered in DX" in ended.summary


def test_a_runner_that_hands_no_defaults_on(tmp_path: Path, dx: Sandbox) -> None:
    """As act does to post steps."""
    bare = {"INPUT_GITHUB-TOKEN": None, "INPUT_TIMEOUT": None, "INPUT_JOB-INDEX": None, "INPUT_CHECK-RUN-ID": None}
    step = replace(job(tmp_path, dx), stage="end", env={**bare, "INPUT_JOB-STATUS": None})
    run = step.run()
    assert (run.exit_code, run.status, dx.requests()) == (1, "failed", [])
    assert "Write `success: ${{ job.status }}`." in errors(run)[0]
    told = replace(step, inputs={**step.inputs, "success": "failure"}).run()
    assert (told.exit_code, told.status, bodies(dx)[0]["success"]) == (0, "registered", False)


@pytest.mark.parametrize("statuses", [("success", "failure"), ("failure", "success")])
def test_another_outcome_under_the_same_id_by_hand_is_not_said_to_be_registered(
    tmp_path: Path, dx: Sandbox, statuses: tuple[str, str]
) -> None:
    """As where a job runs again: DX keeps what became of the first attempt."""
    step = job(tmp_path, dx, reference_id="build-7")
    for status in statuses:
        _, ended = inside(step, status)
    held = "true" if statuses[0] == "success" else "false"
    assert [str(each["success"]).lower() for each in dx.deployments()] == [held]
    assert (ended.exit_code, ended.status) == (0, "already-registered")
    assert ended.summary.startswith("### Deployment already registered in DX\n")
    ((level, text),) = ended.annotations
    assert level == "warning"
    assert f"may be `success`, which is `{'false' if held == 'true' else 'true'}` in this step." in text


# What is wrong.


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"success": "perhaps"}, ["success"]),
        ({"deployed-at": "noon", "commit-sha": "xyz"}, ["deployed-at", "commit-sha"]),
        ({"operation": "backfill"}, ["operation"]),
        ({"operation": "set-pull-services", "since": "2025-01-01T00:00:00Z"}, ["since"]),
        ({"dx-host": "", "dx-token": ""}, ["dx-host", "dx-token"]),
        ({"failed-file": ".git/config"}, ["failed-file"]),
        ({"services-from": "map", "attribution": "nobody"}, ["attribution"]),
        ({"metadata": f"key: {TOKEN}"}, ["metadata"]),
    ],
    ids=str,
)
def test_a_mistake_fails_the_job_before_it_deploys(
    tmp_path: Path, dx: Sandbox, given: dict[str, str], named: list[str]
) -> None:
    began, ended = inside(Step(tmp_path, connected(dx) | given, "push_branch"), "failure")
    assert (began.exit_code, began.status) == (1, "failed")
    assert all(f"`{name}` " in errors(began)[0] for name in named)
    assert "ready" not in began.state
    assert (ended.status in ("failed", "skipped"), dx.requests()) == (True, [])


def test_a_slip_of_the_pen_is_told_at_the_start(tmp_path: Path, dx: Sandbox) -> None:
    step = replace(job(tmp_path, dx), stage="start", env={"INPUT_SUCESS": "true"})
    assert "did you mean `success`?" in errors(step.inside())[0]


def test_a_failed_start_is_no_failed_deployment(tmp_path: Path, dx: Sandbox) -> None:
    """Nothing was deployed, even if what failed the start is mended by the time of the end."""
    step = Step(tmp_path, connected(dx) | {"dx-host": ""}, "push_branch")
    began, ended = inside(step, "failure", {"dx-host": dx.url})
    assert (began.exit_code, ended.exit_code, ended.status, dx.requests()) == (1, 0, "skipped", [])
    assert "before anything was deployed" in ended.outputs["reason"]
    _, went_on = inside(step, "success", {"dx-host": dx.url})  # by `continue-on-error`
    assert went_on.status == "registered"


class Dying(io.StringIO):
    """A log that the process does not live to write."""

    def write(self, text: str) -> int:
        raise SystemExit


def test_a_start_that_was_killed_is_no_failed_deployment(tmp_path: Path, dx: Sandbox) -> None:
    """Nothing was deployed, either: the next steps of a job are not run if one of them dies."""
    step = job(tmp_path, dx)
    env = replace(step, stage="start").environment()
    with pytest.raises(SystemExit):
        main(env, Dying(), fast_clock(), invocation=Invocation("start"))
    state = {f"STATE_{name}": text for name, text in step.read(env, 137, "").state.items()}
    ended = replace(step, stage="end", job_status="failure", env=state).inside()
    assert (ended.exit_code, ended.status, dx.requests()) == (0, "skipped", [])
    assert "before anything was deployed" in ended.outputs["reason"]


@pytest.mark.parametrize("text", ["0", "9999999999", str(int(NOW.timestamp()) + 3600)])
def test_a_start_s_time_that_cannot_be_is_left_out(tmp_path: Path, dx: Sandbox, text: str) -> None:
    state = {"STATE_started": text, "STATE_ready": "true"}
    ended = replace(job(tmp_path, dx, extra_metadata="started_at"), stage="end", env=state).inside()
    assert (ended.status, "metadata" in bodies(dx)[0]) == ("registered", False)
    assert any("`started_at` of `extra-metadata` is left out" in text for _, text in ended.remarks)


def test_a_bug_or_a_lenient_step_does_not_stop_the_job(tmp_path: Path, dx: Sandbox) -> None:
    step = Step(tmp_path, connected(dx, fail_on_error="false", deployed_at="noon"), "push_branch")
    began, ended = inside(step, "failure", {"deployed-at": ""})
    assert (began.exit_code, began.status, [level for level, _ in began.annotations]) == (0, "failed", ["warning"])
    assert began.state["ready"] == "true"
    assert (ended.status, bodies(dx)[0]["success"]) == ("registered", False)


def test_a_mistake_as_processes(tmp_path: Path, dx: Sandbox) -> None:
    began, ended = run_job(job(tmp_path, dx, deployed_at="noon"), "failure")
    assert (began.exit_code, began.status, ended.exit_code, ended.status) == (1, "failed", 1, "failed")
    assert dx.requests() == []


def test_a_fork_s_pull_request_stops_no_job(tmp_path: Path, dx: Sandbox) -> None:
    """It gets no secrets, so that its missing token is nobody's mistake."""
    step = Step(tmp_path, connected(dx) | {"dx-token": ""}, "pull_request_fork_merged")
    began, ended = inside(step)
    assert (began.exit_code, began.status, ended.status) == (0, "waiting", "skipped")
    ((level, text),) = began.annotations
    assert (level, "comes from a fork" in text) == ("warning", True)


def test_a_secret_in_the_event_is_found_before_the_job_deploys(tmp_path: Path, dx: Sandbox) -> None:
    event = payload("pull_request_merged", {"pull_request.html_url": f"https://github.com/{TOKEN}"})
    (tmp_path / "event.json").write_text(json.dumps(event))
    step = replace(job(tmp_path, dx, "pull_request_merged"), env={"GITHUB_EVENT_PATH": str(tmp_path / "event.json")})
    began, _ = inside(step)
    assert (began.exit_code, began.status) == (1, "failed")
    assert TOKEN not in "".join((*began.said, began.summary, *began.outputs.values()))


@pytest.mark.parametrize("stage", ["start", "end"])
def test_what_is_no_input_is_told_once(tmp_path: Path, dx: Sandbox, stage: Stage) -> None:
    """GitHub itself warns of it at the start. `job-status` is an input of `job/`."""
    run = replace(job(tmp_path, dx), stage=stage, env={"INPUT_COLOUR": "red"}).inside()
    assert run.exit_code == 0
    assert any("`colour` is not an input" in text for _, text in run.annotations) is (stage == "end")
    assert not any("job-status" in text for _, text in run.annotations)


def test_a_job_that_is_cancelled_at_its_end_says_what_dx_may_not_have(tmp_path: Path) -> None:
    with Sandbox(token=TOKEN, faults=[Fault(hang=60, times="forever")]) as dx:
        ended = replace(job(tmp_path, dx, failed_file="failed.jsonl"), stage="end").start()
        ended.wait_for("Sending to ")
        until(lambda: bool(dx.requests()))
        ended.send(signal.SIGINT)
        run = ended.wait()
    assert (run.exit_code, run.status) == (1, "failed")
    assert len((run.workspace / "failed.jsonl").read_text().splitlines()) == 1


def test_a_job_that_is_cancelled_at_its_start_is_not_waited_for(tmp_path: Path, dx: Sandbox) -> None:
    step = replace(job(tmp_path, dx), stage="start")
    env = step.environment()
    stream = io.StringIO()
    code = main(env, stream, fast_clock(), invocation=Invocation("start"), cancelled=lambda: True)
    run = step.read(env, code, stream.getvalue())
    assert (run.exit_code, run.status, list(run.state)) == (1, "failed", ["started"])
    assert "job-status" not in stream.getvalue()


# What is blank at the start.


@pytest.mark.parametrize(
    ("given", "later", "said"),
    [
        ({"repository": "acme/other"}, {"commit-sha": "abc1234"}, "`repository` is not the repository of this event"),
        ({"services-from": "map"}, {"service-map": "web: ['**']"}, "`service-map` is missing"),
        ({"replace-pull-services": "true"}, {"replace-pull-services": "false"}, "has no effect without"),
        ({"operation": "set-pull-services"}, {"pull-number": "7"}, "`pull-number`"),
    ],
    ids=str,
)
def test_what_a_later_step_may_fill_fails_nothing(
    tmp_path: Path, dx: Sandbox, given: dict[str, str], later: dict[str, str], said: str
) -> None:
    step = Step(tmp_path, connected(dx) | given, "workflow_dispatch")
    began, ended = inside(step, at_end=later)
    assert (began.exit_code, began.status) == (0, "waiting")
    ((level, text),) = began.annotations
    assert (level, said in text) == ("notice", True)
    assert began.outputs["reason"] == text.replace("\n", " ")
    assert ended.exit_code == 0
    assert len(dx.requests()) == 1


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ("pull_request_opened", "was not merged"),
        ("deployment_status_in_progress", "which is not final"),
        ("merge_group", "does not say which commit"),
        ("workflow_run_failure", "did not succeed"),
    ],
)
def test_an_event_that_is_skipped_says_so_at_the_start(tmp_path: Path, dx: Sandbox, event: str, reason: str) -> None:
    began, ended = inside(job(tmp_path, dx, event))
    assert (began.exit_code, began.status, ended.status, dx.requests()) == (0, "waiting", "skipped", [])
    ((level, text),) = began.annotations
    assert level == "notice"
    assert text.startswith("As things are, nothing will be sent to DX when this job has ended. ")
    assert reason in text
    assert ended.outputs["reason"] in text


# The files.


BROKEN, WELL = "web: [a, b\n", "web: ['**']\n"


@pytest.mark.parametrize(
    ("here", "committed", "given", "ends"),
    [
        (None, WELL, {}, "well"),
        (None, BROKEN, {}, "failed"),
        (BROKEN, BROKEN, {}, "failed"),
        (BROKEN, WELL, {}, "well"),  # an earlier job's, on a runner that keeps its workspace
        (WELL, BROKEN, {}, "well"),  # another step wrote it
        (BROKEN, None, {}, "notice"),
        (BROKEN, WELL, {"commit-sha": "abc1234"}, "notice"),  # of which the event's commit says nothing
        (None, BROKEN, {"commit-sha": "abc1234"}, "not yet"),
        (None, None, {}, "not yet"),
    ],
)
def test_a_service_map_is_read_at_the_start(
    tmp_path: Path, dx: Sandbox, here: str | None, committed: str | None, given: dict[str, str], ends: str
) -> None:
    repo = Repo("acme/shop")
    repo.commit({"README.md": "Shop\n"} | ({"map.yml": committed} if committed else {}))
    with GitHub(repo) as github:
        inputs = connected(dx, service="", service_map="map.yml") | given
        env = {**github.env, "GITHUB_SHA": repo.rev("main")}
        step = Step(tmp_path, inputs, "workflow_dispatch", env, github_token=github.token, stage="start")
        if here:
            (step.workspace / "map.yml").write_text(here)
        run = step.inside()
    assert (run.exit_code, run.status) == ((1, "failed") if ends == "failed" else (0, "waiting"))
    assert [level for level, _ in run.annotations] == {"failed": ["error"], "notice": ["notice"]}.get(ends, [])
    assert all("`service-map` cannot be used: map.yml " in text for _, text in run.annotations)
    assert any("`service-map` names a file that is not there yet." in line for line in run.said) is (ends == "not yet")


@pytest.mark.parametrize("name", ["ca-bundle", "service-map"])
def test_files_that_are_not_there_yet_may_come(tmp_path: Path, dx: Sandbox, name: str) -> None:
    step = Step(tmp_path, connected(dx) | {name: "a.file"}, "push_branch")
    began = replace(step, stage="start").inside()
    assert (began.exit_code, began.annotations) == (0, [])
    assert f"`{name}` names a file that is not there yet. It is read when the job has ended." in began.said


def test_a_ca_file_without_a_certificate_is_told(tmp_path: Path, dx: Sandbox) -> None:
    step = job(tmp_path, dx, ca_bundle="ca.pem")
    (step.workspace / "ca.pem").write_text("no certificate")
    began = replace(step, stage="start").inside()
    ((level, text),) = began.annotations
    assert (began.exit_code, level, "\n`ca-bundle` " in text) == (0, "notice", True)


def test_what_dx_does_not_confirm_is_saved_at_the_end(tmp_path: Path) -> None:
    with Sandbox(token=TOKEN, faults=[Fault(status=422, error="service_retired")]) as dx:
        began, ended = inside(job(tmp_path, dx, failed_file="failed.jsonl"))
    assert (began.exit_code, ended.exit_code, ended.status) == (0, 1, "failed")
    (row,) = (ended.workspace / "failed.jsonl").read_text().splitlines()
    assert json.loads(row) in [
        json.loads(line) for line in ended.said if line.startswith("{")
    ]  # nobody reads its outputs
    assert "Requests that DX has not confirmed" in ended.summary


# The time of the start.


def test_the_start_s_time_in_metadata(tmp_path: Path, dx: Sandbox) -> None:
    began, ended = inside(job(tmp_path, dx, extra_metadata="started_at"))
    assert bodies(dx)[0]["metadata"] == {"started_at": int(began.state["started"])}
    assert ended.remarks == []


@pytest.mark.parametrize("written", [{}, {"metadata": "started_at: mine"}])
def test_without_state_only_that_is_missing(tmp_path: Path, dx: Sandbox, written: Mapping[str, str]) -> None:
    step = Step(tmp_path, connected(dx, extra_metadata="started_at") | dict(written), "push_branch")
    _, ended = inside(step, state=False)
    assert (ended.exit_code, ended.status) == (0, "registered")
    assert bodies(dx)[0].get("metadata") == ({"started_at": "mine"} if written else None)
    text = "`started_at` of `extra-metadata` is left out, because this runner does not pass on what the start of `job/` saved."
    assert ended.remarks == ([] if written else [("notice", text)])


def test_a_runner_without_a_file_for_state(tmp_path: Path, dx: Sandbox) -> None:
    for place in (None, "/nowhere/state"):
        began = replace(job(tmp_path, dx), stage="start", env={"GITHUB_STATE": place}).inside()
        assert (began.exit_code, began.status, began.annotations) == (0, "waiting", [])


# The same as a step after the fact.


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("succeeds", [True, False])
def test_it_registers_what_a_step_after_the_fact_does(tmp_path: Path, event: str, succeeds: bool) -> None:
    status = "success" if succeeds else "failure"
    sent = []
    for folder, stages in (("job", True), ("step", False)):
        (tmp_path / folder).mkdir()
        with Sandbox(token=TOKEN) as dx:
            step = Step(tmp_path / folder, connected(dx, only_environments="*"), event)
            if stages:
                inside(step, status)
            else:
                replace(step, inputs={**step.inputs, "success": status}).inside()
            sent.append([{**body, "deployed_at": ""} for body in bodies(dx)])
    assert sent[0] == sent[1]
    assert len(sent[0]) == 1


def test_the_one_and_the_other_are_one_deployment(tmp_path: Path, dx: Sandbox) -> None:
    step = job(tmp_path, dx, "pull_request_merged")
    replace(step, inputs={**step.inputs, "success": "success"}).inside()
    _, ended = inside(step)
    assert (ended.exit_code, len(dx.requests()), len(dx.deployments())) == (0, 2, 1)

"""One step that registers: what it sends in which order, and what it would report at any moment."""

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

import builders
import events
from backfills import AUTH, CONFLICT, DOWN, OK, REFUSED, Hurried, Scripted
from dx_action.deployment.calls import Call
from dx_action.dx.answers import Answer, Verdict
from dx_action.errors import BadInput, Interrupted
from dx_action.inputs.model import read_inputs
from dx_action.operations.register import register
from dx_action.report.endings import Report, Step
from dx_action.runner.commands import Workflow
from dx_action.runner.runtime import known_secrets, read_runtime
from dx_action.runner.workspace import Workspace

PULL = "pull request #7"


@dataclass
class World:
    """A step with a DX of this process; time moves only by waiting."""

    folder: Path
    inputs: dict[str, str]
    dx: Scripted
    env: dict[str, str]

    def __post_init__(self) -> None:
        self.hurried, self.log = Hurried(), io.StringIO()
        env = events.load("pull_request_merged")[0] | {"GITHUB_EVENT_PATH": str(events.path("pull_request_merged"))}
        given = builders.CONNECTION | {"service": "web", "repository": "o/r", "attribution": "repository"} | self.inputs
        self.env = env | builders.variables({name: text for name, text in given.items() if text}) | self.env
        self.step = Step(
            env=self.env,
            clock=self.hurried.clock(),
            workflow=Workflow(self.log, self.env, lambda: "end", known_secrets(self.env)),
            workspace=Workspace(str(self.folder)),
            wire=lambda *_given, **_more: self.dx,
        )

    def run(self) -> Report:
        return register(self.step, read_inputs(self.env), read_runtime(self.env))


Make = Callable[..., World]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def world(
        answers: dict[str, Sequence[Answer | Verdict]] | None = None, env: dict[str, str] | None = None, **inputs: str
    ) -> World:
        given = {name.replace("_", "-"): text for name, text in inputs.items()}
        return World(tmp_path, given, Scripted(answers), env or {})

    return world


def results(report: Report, *names: str) -> list[tuple[str, ...]]:
    return [tuple(each[name] for name in names) for each in json.loads(report.outputs["results"])]


@pytest.mark.parametrize("dry_run", ["false", "true"])
def test_an_input_that_is_passed_over_is_named(make: Make, dry_run: str) -> None:
    report = make(pull_number="7", dry_run=dry_run).run()
    (notice,) = (text for level, text in report.hints if level == "notice")
    assert notice.startswith("`pull-number` has no effect on this deployment.")


BOTH = {"set_pull_services": "true", "pull_number": "7"}


def test_pull_requests_go_before_deployments(make: Make) -> None:
    world = make(service="web,api", **BOTH)
    report = world.run()
    assert [call.method.partition(".")[2] for call in world.dx.sent] == ["setPullServices", "create", "create"]
    assert (report.exit_code, report.outputs["status"]) == (0, "registered")


def test_pull_requests_leave_half_of_the_time(make: Make) -> None:
    world = make({PULL: [DOWN]}, timeout="60", **BOTH)
    at: list[tuple[str, float]] = []
    world.dx.before = lambda call: at.append((call.method, world.hurried.at))
    report = world.run()
    assert 20 < max(moment for _, moment in at) <= 30
    assert results(report, "method", "outcome") == [
        ("deployments.setPullServices", "unknown"),
        ("deployments.create", "accepted"),
    ]
    assert (report.exit_code, report.outputs["status"]) == (1, "partial")


def test_a_token_that_is_refused_for_a_pull_request_stops_the_deployments(make: Make) -> None:
    world = make({PULL: [AUTH]}, **BOTH)
    report = world.run()
    assert len(world.dx.sent) == 1
    assert results(report, "outcome", "error") == [("failed", "invalid_auth"), ("not-sent", "unauthorized_before")]


def test_another_refusal_for_a_pull_request_stops_nothing(make: Make) -> None:
    report = make({PULL: [REFUSED]}, **BOTH).run()
    assert results(report, "outcome") == [("failed",), ("accepted",)]


def test_an_upsert_after_a_conflict_is_one_of_the_requests(make: Make) -> None:
    report = make({"web": [CONFLICT, OK]}, on_conflict="update").run()
    requests = json.loads(report.outputs["requests"])
    assert [request["method"] for request in requests] == ["deployments.create", "deployments.upsert"]
    assert results(report, "method", "outcome") == [("deployments.upsert", "accepted")]


def test_a_dry_run_sends_nothing_and_has_nothing_to_report_early(make: Make) -> None:
    world = make(dry_run="true", dx_host="", dx_token="")
    assert world.run().outputs["status"] == "dry-run"
    assert (world.dx.sent, world.step.ending, world.step.results("cancelled")) == ([], None, ())


@pytest.mark.parametrize("wrong", [{"dx_token": ""}, {"failed_file": "link/failed.jsonl"}, {"ca_bundle": "ca.pem"}])
def test_what_cannot_be_sent_is_known(make: Make, tmp_path: Path, wrong: dict[str, str]) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    world = make(service="web,api", **BOTH, **wrong)
    with pytest.raises(BadInput):
        world.run()
    assert world.dx.sent == []
    known = world.step.results("not_configured")
    assert [(result.outcome, result.error) for result in known] == [("not-sent", "not_configured")] * 3
    assert world.step.registration is not None


def test_a_cancelled_job_knows_what_was_sent(make: Make) -> None:
    world = make(service="web,api", **BOTH)

    def before(call: Call) -> None:
        if call.method == "deployments.create":
            raise Interrupted  # as a signal would in the waiting thread

    world.dx.before = before
    with pytest.raises(Interrupted):
        world.run()
    assert world.step.ending
    report = world.step.ending("cancelled")
    assert results(report, "outcome", "error") == [
        ("accepted", ""),
        ("unknown", "cancelled"),
        ("not-sent", "cancelled"),
    ]


def test_a_warning_about_the_connection_is_published(make: Make) -> None:
    report = make(env={"REQUESTS_CA_BUNDLE": "/nowhere.pem"}).run()
    assert report.exit_code == 0
    assert [level for level, text in report.annotations if "REQUESTS_CA_BUNDLE" in text] == ["warning"]


def test_dx_s_words_are_shown_without_the_token_and_with_an_end(make: Make) -> None:
    token = builders.CONNECTION["dx-token"]
    words = json.dumps({"ok": False, "error": "odd", "message": f"{token} {'x' * 5000}"}).encode()
    world = make({"web": [Answer(422, words)]})
    (message,) = results(world.run(), "message")[0]
    assert message.startswith("*** x")
    assert len(message) <= 4000


def test_requests_are_shown_if_step_debugging_is_on(make: Make) -> None:
    world = make(env={"RUNNER_DEBUG": "1"})
    world.run()
    assert f"::debug::POST /api/deployments.create {world.dx.sent[0].body.decode()}" in world.log.getvalue()

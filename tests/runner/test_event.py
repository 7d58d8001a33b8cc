"""Events are read from what GitHub writes, null wherever GitHub may leave null, and never quoted where they are malformed."""

import json
import os
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import events
from builders import ABSENT, NOW, event, inputs, payload, runtime
from dx_action.deployment.calls import deployment_calls
from dx_action.deployment.registration import Registration, resolve
from dx_action.errors import ActionError, BadEvent, Problem
from dx_action.runner.event import (
    BranchEvent,
    DeploymentEvent,
    DeploymentStatusEvent,
    Event,
    PullRequestEvent,
    PushEvent,
    ReleaseEvent,
    WorkflowRunEvent,
    parse_event,
    read_event,
)

TYPES: dict[str, type[Event]] = {
    "pull_request": PullRequestEvent,
    "pull_request_target": PullRequestEvent,
    "push": PushEvent,
    "deployment": DeploymentEvent,
    "deployment_status": DeploymentStatusEvent,
    "workflow_run": WorkflowRunEvent,
    "release": ReleaseEvent,
    **dict.fromkeys(("merge_group", "check_run", "check_suite", "status", "create", "delete"), BranchEvent),
    **dict.fromkeys(("pull_request_review", "pull_request_review_comment"), BranchEvent),
}
# What every event of the kind has; anything else may be null or missing.
REQUIRED: dict[str, set[str]] = {
    "pull_request": {"pull_request", "pull_request.id", "pull_request.number"},
    "pull_request_target": {"pull_request", "pull_request.id", "pull_request.number"},
    "push": {"head_commit.id"},
    "deployment": {"deployment", "deployment.id", "deployment.sha"},
    "deployment_status": {
        *("deployment", "deployment.id", "deployment.sha"),
        *("deployment_status", "deployment_status.state", "deployment_status.created_at"),
    },
    "workflow_run": {"workflow_run", "workflow_run.id", "workflow_run.head_sha", "workflow_run.updated_at"},
    "release": {"release", "release.id"},
}
# Every field that is read, with a value of a type that GitHub never gives it.
MISTYPED: list[tuple[str, str, Any]] = [
    ("push_branch", "action", 5),
    ("push_branch", "repository", "s3cr3t"),
    ("push_branch", "repository.full_name", ["s3cr3t"]),
    ("push_branch", "repository.default_branch", {"s3cr3t": 1}),
    ("push_branch", "ref", ["s3cr3t"]),
    ("push_branch", "deleted", "s3cr3t"),
    ("push_branch", "head_commit", "s3cr3t"),
    ("push_branch", "head_commit.id", 5),
    ("schedule", "repository", "s3cr3t"),
    ("pull_request_merged", "pull_request", ["s3cr3t"]),
    ("pull_request_merged", "pull_request.id", "s3cr3t"),
    ("pull_request_merged", "pull_request.number", "s3cr3t"),
    ("pull_request_merged", "pull_request.merged", "s3cr3t"),
    ("pull_request_merged", "pull_request.merge_commit_sha", ["s3cr3t"]),
    ("pull_request_merged", "pull_request.html_url", 5),
    ("pull_request_merged", "pull_request.base", "s3cr3t"),
    ("pull_request_merged", "pull_request.base.ref", 5),
    ("pull_request_merged", "pull_request.head.repo", "s3cr3t"),
    ("pull_request_merged", "pull_request.head.repo.full_name", 5),
    ("deployment_production", "deployment.id", "s3cr3t"),
    ("deployment_production", "deployment.sha", 5),
    ("deployment_production", "deployment.environment", ["s3cr3t"]),
    ("deployment_production", "deployment.production_environment", "s3cr3t"),
    ("deployment_production", "deployment.transient_environment", "s3cr3t"),
    ("deployment_status_success", "deployment_status", "s3cr3t"),
    ("deployment_status_success", "deployment_status.state", 5),
    ("deployment_status_success", "deployment_status.created_at", 5),
    ("deployment_status_success", "deployment_status.log_url", ["s3cr3t"]),
    ("deployment_status_success", "deployment_status.target_url", ["s3cr3t"]),
    ("workflow_run_success", "workflow_run.id", "s3cr3t"),
    ("workflow_run_success", "workflow_run.run_attempt", "s3cr3t"),
    ("workflow_run_success", "workflow_run.event", 5),
    ("workflow_run_success", "workflow_run.conclusion", 5),
    ("workflow_run_success", "workflow_run.head_branch", 5),
    ("workflow_run_success", "workflow_run.head_sha", 5),
    ("workflow_run_success", "workflow_run.head_repository", "s3cr3t"),
    ("workflow_run_success", "workflow_run.updated_at", 5),
    ("workflow_run_success", "workflow_run.html_url", 5),
    ("release_published", "release", "s3cr3t"),
    ("release_published", "release.id", "s3cr3t"),
    ("release_published", "release.draft", "s3cr3t"),
    ("release_published", "release.prerelease", "s3cr3t"),
    ("release_published", "release.html_url", 5),
    ("merge_group", "merge_group", "s3cr3t"),
    ("merge_group", "merge_group.base_ref", 5),
    ("check_run", "check_run", "s3cr3t"),
    ("check_run", "check_run.check_suite", "s3cr3t"),
    ("check_run", "check_run.check_suite.head_branch", 5),
    ("check_suite", "check_suite", "s3cr3t"),
    ("check_suite", "check_suite.head_branch", ["s3cr3t"]),
    ("status", "branches", "s3cr3t"),
    ("create", "ref", 5),
    ("delete", "ref_type", 5),
    ("pull_request_review", "pull_request", "s3cr3t"),
    ("pull_request_review_comment", "pull_request.base.ref", 5),
]
# Each of these looks at fields that the others pass by.
SETTINGS = [{}, {"only-branches": "**", "only-environments": "*"}, {"only-branches": "**", "dx-token": ""}]
each = pytest.mark.parametrize("name", events.NAMES)


def event_name(name: str) -> str:
    return events.load(name)[0]["GITHUB_EVENT_NAME"]


def paths(value: Any, prefix: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if "." not in key:
                yield f"{prefix}{key}"
                yield from paths(inner, f"{prefix}{key}.")


@pytest.mark.parametrize(
    ("name", "path", "given"),
    [
        ("push_branch", "repository.full_name", {}),
        ("push_branch", "head_commit.id", {}),
        ("pull_request_merged", "pull_request.merge_commit_sha", {}),
        ("deployment_production", "deployment.sha", {}),
        ("deployment_production", "deployment.environment", {"only-environments": "*"}),
        ("workflow_run_success", "workflow_run.head_sha", {}),
    ],
)
def test_half_a_character_does_not_break_a_request(name: str, path: str, given: dict[str, str]) -> None:
    read = inputs(given)
    registration = resolve(read, runtime(name), event(name, {path: "a/b\ud800c"}), NOW)
    assert isinstance(registration, Registration)
    (call,) = deployment_calls(registration, read)
    assert "a/b?c" in call.json().values()


@each
def test_every_fixture_is_read(name: str) -> None:
    found = read_event(event_name(name), str(events.path(name)))
    assert type(found) is TYPES.get(event_name(name), Event)
    assert found.name == event_name(name)
    assert found.action == events.load(name)[1].get("action")
    assert (found.repository and found.repository.full_name) == (None if name == "schedule" else "acme/shop")


def test_what_is_read() -> None:
    pull = event("pull_request_merged")
    assert isinstance(pull, PullRequestEvent)
    assert (pull.pull_request.id, pull.pull_request.number, pull.pull_request.merged) == (2401500041, 41, True)
    push = event("push_tag_annotated")
    assert isinstance(push, PushEvent)
    assert push.head_commit
    assert (push.ref, push.head_commit.id) == ("refs/tags/v1.4.0", "c89241549856579cbcce0211499667cb1ecc577a")
    status = event("deployment_status_failure")
    assert isinstance(status, DeploymentStatusEvent)
    assert (status.deployment.id, status.deployment_status.state) == (2251300505, "failure")
    run = event("workflow_run_release")
    assert isinstance(run, WorkflowRunEvent)
    assert (run.workflow_run.id, run.workflow_run.run_attempt) == (13654700107, 2)


@each
@pytest.mark.parametrize("nothing", [None, ABSENT], ids=["null", "absent"])
def test_what_may_be_null_may_be_null(name: str, nothing: object) -> None:
    """Each field of each payload in turn: only the few that make the event what it is are missed, and nothing crashes."""
    run, settings = runtime(name), [inputs(each) for each in SETTINGS]
    told: dict[str, str] = {}
    stopped: set[str] = set()
    every = set(paths(events.load(name)[1]))
    for path in every:
        try:
            found = event(name, {path: nothing})
        except BadEvent as error:
            told[path] = str(error)
            continue
        for given in settings:
            try:
                resolve(given, run, found, NOW)
            except ActionError:
                stopped.add(path)
    assert told.keys() == REQUIRED.get(event_name(name), set()) & every
    assert all(f"lacks {path}, or" in text for path, text in told.items())
    assert stopped <= {"repository", "repository.default_branch", "pull_request.merge_commit_sha"}


@pytest.mark.parametrize(("name", "path", "value"), MISTYPED, ids=lambda value: str(value)[:45])
def test_malformed_is_told_by_path_and_without_its_value(name: str, path: str, value: Any) -> None:
    with pytest.raises(BadEvent) as caught:
        event(name, {path: value})
    (problem,) = caught.value.problems
    assert problem.subject == event_name(name)
    assert f"lacks {path}, or" in problem.text
    told = [*traceback.format_exception(caught.value), str(caught.value.__context__)]
    assert "s3cr3t" not in "".join(told)


def test_every_malformed_place_is_named_up_to_five() -> None:
    bad = dict.fromkeys(["id", "sha", "environment", "production_environment", "transient_environment"], ("s3cr3t",))
    with pytest.raises(BadEvent) as caught:
        parse_event("deployment", {"action": 5, "repository": 5, "deployment": bad})
    assert str(caught.value) == (
        "`deployment` lacks action, deployment.environment, deployment.id, deployment.production_environment, "
        "deployment.sha, or has another type there than GitHub documents."
    )


@pytest.mark.parametrize("value", [None, "text", '{"service": "web"}', {"service": 5}, [1], 7, True])
def test_a_payload_of_a_deployment_may_be_anything(value: Any) -> None:
    found = event("deployment_production", {"deployment.payload": value})
    assert isinstance(found, DeploymentEvent)
    assert found.deployment.payload == value


def test_another_event_is_a_value_whatever_it_holds() -> None:
    found = parse_event("gollum", {"pull_request": "not what a pull_request event has", "name": "not the event's"})
    assert (type(found), found.name, found.action, found.repository) == (Event, "gollum", None, None)


def test_the_runner_names_the_event_and_the_payload_does_not() -> None:
    assert event("check_run", {"name": "push"}).name == "check_run"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "names a file that is not JSON"),
        (b'{"s3cr3t": ', "names a file that is not JSON"),
        (b"\xff\xfes3cr3t", "names a file that is not JSON"),
        (b'{"s3cr3t": "\xe9"}', "names a file that is not JSON"),
        (b'{"a":' * 100_000, "names a file with more than 100 levels of JSON"),
        (b'{"a": ' + b"[" * 100 + b"]" * 100 + b"}", "names a file with more than 100 levels of JSON"),
        (('{"a": ' + "[" * 100 + "]" * 100 + "}").encode("utf-16"), "names a file with more than 100 levels of JSON"),
        (b'["s3cr3t"]', "does not name a file with a JSON object"),
        (b"null", "does not name a file with a JSON object"),
        (b'"s3cr3t"', "does not name a file with a JSON object"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_no_events(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "event.json"
    file.write_bytes(content)
    with pytest.raises(BadEvent) as caught:
        read_event("push", str(file))
    assert str(caught.value).startswith(f"`GITHUB_EVENT_PATH` {words}")
    assert "s3cr3t" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("name", "path", "words"),
    [
        ("", "/dev/null", "`GITHUB_EVENT_NAME` is empty. Run the action as a step of a GitHub Actions workflow"),
        ("push", "", "`GITHUB_EVENT_PATH` does not name a file with a JSON object"),
        (
            "push",
            "/no/such/file.json",
            "`GITHUB_EVENT_PATH` names a file that does not exist. A Kubernetes runner without a volume",
        ),
        ("push", "/", "`GITHUB_EVENT_PATH` names a file that cannot be read"),
        ("push", "a\x00b", "`GITHUB_EVENT_PATH` names a file that"),
    ],
    ids=["no name", "no path", "no file", "a folder", "NUL"],
)
def test_no_event_files(name: str, path: str, words: str) -> None:
    with pytest.raises(BadEvent) as caught:
        read_event(name, path)
    assert str(caught.value).startswith(words)


def test_a_byte_order_mark_is_no_matter(tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    file.write_bytes(b"\xef\xbb\xbf" + events.path("push_branch").read_bytes())
    assert read_event("push", str(file)) == event("push_branch")


def test_twenty_megabytes(tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    commits = [{"id": "0" * 40, "message": "x" * 20_000}] * 1_000
    file.write_text(json.dumps(payload("push_branch", {"commits": commits})))
    assert file.stat().st_size > 20_000_000
    assert read_event("push", str(file)) == event("push_branch")


def odd_event(kind: str, folder: Path) -> Path:
    path = folder / "event.json"
    match kind:
        case "a FIFO":
            os.mkfifo(path)
        case "a link":
            (folder / "real.json").write_text("{}")
            path.symlink_to("real.json")
        case "a folder":
            path.mkdir()
        case "a device":
            return Path("/dev/zero")
        case "too large":
            path.write_bytes(b"{}" + b" " * (32 << 20))
    return path


@pytest.mark.parametrize("kind", ["a FIFO", "a link", "a folder", "a device", "too large"])
def test_a_file_that_no_runner_writes(tmp_path: Path, kind: str) -> None:
    with pytest.raises(BadEvent) as raised:
        read_event("push", str(odd_event(kind, tmp_path)))
    assert raised.value.problems == (Problem("GITHUB_EVENT_PATH", "names a file that cannot be read."),)


@pytest.mark.parametrize("folder", ["", "no/folder"])
def test_a_runner_that_brings_the_event_only_after_another_step(tmp_path: Path, folder: str) -> None:
    """Kubernetes without a volume: the folder of the event's file comes with an earlier step's pod."""
    with pytest.raises(BadEvent) as raised:
        read_event("push", str(tmp_path / folder / "event.json"))
    text = (
        "names a file that does not exist. A Kubernetes runner without a volume provides it only after another step: "
        "add one before this one, such as actions/checkout."
    )
    assert raised.value.problems == (Problem("GITHUB_EVENT_PATH", text),)


def test_the_largest_event(tmp_path: Path) -> None:
    (tmp_path / "event.json").write_bytes(b"{}" + b" " * ((32 << 20) - 2))
    assert read_event("other", str(tmp_path / "event.json")).name == "other"

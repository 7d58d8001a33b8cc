"""The fixtures in events/ are what they claim to be; their structure is checked in schemas/."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

import events

EVENTS = (
    "check_run",
    "check_suite",
    "create",
    "delete",
    "deployment",
    "deployment_status",
    "issue_comment",
    "issues",
    "merge_group",
    "page_build",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "pull_request_target",
    "push",
    "release",
    "repository_dispatch",
    "schedule",
    "status",
    "workflow_call",
    "workflow_dispatch",
    "workflow_run",
)
VARIABLES = {
    "GITHUB_ACTOR",
    "GITHUB_API_URL",
    "GITHUB_EVENT_NAME",
    "GITHUB_JOB",
    "GITHUB_REF",
    "GITHUB_REF_NAME",
    "GITHUB_REF_TYPE",
    "GITHUB_REPOSITORY",
    "GITHUB_RUN_ATTEMPT",
    "GITHUB_RUN_ID",
    "GITHUB_SERVER_URL",
    "GITHUB_SHA",
    "GITHUB_WORKFLOW",
}
SHA = re.compile(r"[0-9a-f]{40}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
FREE = {"client_payload", "inputs", "payload"}  # filled by people, not by GitHub
each = pytest.mark.parametrize("name", events.NAMES)


def event_of(name: str) -> str:
    """Tell the event from a fixture's name: the longest one that begins it."""
    found = max((event for event in EVENTS if f"{name}_".startswith(f"{event}_")), key=len)
    return "push" if found == "workflow_call" else found  # a reusable workflow sees its caller's event


def leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if key in FREE:
        return
    if isinstance(value, dict):
        for inner, part in value.items():
            yield from leaves(part, inner)
    elif isinstance(value, list):
        for part in value:
            yield from leaves(part, key)
    else:
        yield key, value


def test_every_event_has_a_fixture() -> None:
    covered = {events.load(name)[0]["GITHUB_EVENT_NAME"] for name in events.NAMES}
    assert covered == set(EVENTS) - {"workflow_call"}


def test_payloads_and_variables_come_in_pairs() -> None:
    files = {file.name for file in events.FOLDER.iterdir()}
    assert files == {f"{name}{end}" for name in events.NAMES for end in (".json", ".env")}


@each
def test_variables(name: str) -> None:
    variables, payload = events.load(name)
    assert set(variables) == VARIABLES
    assert variables["GITHUB_EVENT_NAME"] == event_of(name)
    assert variables["GITHUB_SERVER_URL"] == "https://github.com"
    assert variables["GITHUB_API_URL"] == "https://api.github.com"
    assert SHA.fullmatch(variables["GITHUB_SHA"])
    assert int(variables["GITHUB_RUN_ID"]) > 2**31
    assert int(variables["GITHUB_RUN_ATTEMPT"]) >= 1
    assert variables["GITHUB_REPOSITORY"] == "acme/shop"
    assert payload.get("repository", {"full_name": "acme/shop"})["full_name"] == "acme/shop"


@each
def test_ref_name_and_type_follow_the_ref(name: str) -> None:
    variables, _ = events.load(name)
    ref = variables["GITHUB_REF"]
    assert ref == "" or re.match(r"refs/(heads|tags|pull)/", ref)
    assert variables["GITHUB_REF_NAME"] == re.sub(r"^refs/\w+/", "", ref)
    assert variables["GITHUB_REF_TYPE"] == ("tag" if ref.startswith("refs/tags/") else "branch")


@each
def test_values(name: str) -> None:
    for key, value in leaves(events.load(name)[1]):
        if value is None:
            continue
        if key == "id":
            assert SHA.fullmatch(value) if isinstance(value, str) else value > 2**31, value
        if key in {"after", "before"} or key.endswith("sha"):
            assert SHA.fullmatch(value), (key, value)
        if key.endswith("_at") or key in {"date", "timestamp"}:
            assert TIME.fullmatch(value), (key, value)
        if isinstance(value, str) and "://" in value:
            assert urlsplit(value).hostname in {"github.com", "api.github.com"}, value


@each
def test_small_enough_to_read(name: str) -> None:
    assert events.path(name).stat().st_size <= 6 * 1024

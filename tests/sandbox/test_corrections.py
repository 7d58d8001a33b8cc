"""deployments.update and deployments.delete of the stand-in, held to what DX's pages say of them, as literal answers."""

import http.client
import json
from typing import Any

import pytest

from dx_action.sandbox import MergedPullRequest, Sandbox, Store
from dx_action.sandbox.crediting import parse_pull_requests

TOKEN = "the-token-of-the-tests"
OK: tuple[int, dict[str, Any]] = (200, {"ok": True})
DEPLOYMENT = {
    "reference_id": "build-7",
    "deployed_at": "2025-01-01T12:05:00Z",
    "service": {"identifier": "web"},
    "repository": "acme/shop",
    "commit_sha": "312c5c6455a5802d9eff8e65fbc68a516dd3a76d",
    "metadata": {"version": "1.10"},
}
HELD = DEPLOYMENT | {"environment": "production", "success": True}


def said(store: Store, method: str, body: Any, token: str | None = TOKEN) -> tuple[int, dict[str, Any]]:
    return store.handle(f"deployments.{method}", token, json.dumps(body).encode())


def refused(store: Store, method: str, body: Any, token: str | None = TOKEN) -> tuple[int, str]:
    status, answer = said(store, method, body, token)
    assert answer["ok"] is False
    return status, answer["error"]


@pytest.fixture
def store() -> Store:
    store = Store(TOKEN, imported=["github-7"], inactive_token="the-inactive-token")
    assert said(store, "create", DEPLOYMENT) == OK
    return store


@pytest.mark.parametrize(
    ("patch", "held"),
    [
        ({"success": False}, HELD | {"success": False}),
        ({"success": False, "environment": "staging"}, HELD | {"success": False, "environment": "staging"}),
        ({"metadata": {"a": 1}}, HELD | {"metadata": {"a": 1}}),
        (
            {"service": "cart", "deployed_at": 1735733100},
            HELD | {"service": {"identifier": "cart", "name": "cart"}, "deployed_at": "2025-01-01T12:05:00Z"},
        ),
        (
            {
                "repository": "acme/warehouse",
                "source_url": "https://ci/1",
                "source_name": "CI",
                "integration_branch": "d",
            },
            HELD
            | {
                "repository": "acme/warehouse",
                "source_url": "https://ci/1",
                "source_name": "CI",
                "integration_branch": "d",
            },
        ),
        ({}, HELD),
    ],
)
def test_an_update_changes_what_it_names_and_nothing_else(
    store: Store, patch: dict[str, Any], held: dict[str, Any]
) -> None:
    for _ in range(2):
        assert said(store, "update", {"reference_id": "build-7"} | patch) == OK
        assert store.deployments() == [held]


def test_a_commit_and_merge_commits_clear_each_other(store: Store) -> None:
    assert said(store, "update", {"reference_id": "build-7", "merge_commit_shas": ["abc1234"]}) == OK
    assert store.deployments() == [
        {name: value for name, value in HELD.items() if name != "commit_sha"} | {"merge_commit_shas": ["abc1234"]}
    ]
    assert said(store, "update", {"reference_id": "build-7", "commit_sha": "abc2345"}) == OK
    assert store.deployments() == [HELD | {"commit_sha": "abc2345"}]


@pytest.mark.parametrize(
    ("method", "body", "error"),
    [
        ("update", {"success": False}, "required_params_missing"),
        ("update", {"reference_id": "build-8", "success": False}, "deployment_not_found"),
        ("update", {"reference_id": "build-7", "success": "false"}, "invalid_params"),
        ("update", {"reference_id": "build-7", "colour": "red"}, "invalid_params"),
        ("update", {"reference_id": "build-7", "merge_commit_shas": []}, "invalid_params"),
        (
            "update",
            {"reference_id": "build-7", "commit_sha": "abc1234", "merge_commit_shas": ["abc1234"]},
            "invalid_params",
        ),
        ("delete", {}, "required_params_missing"),
        ("delete", {"reference_id": 7}, "invalid_reference_id"),
        ("delete", {"reference_id": " "}, "invalid_reference_id"),
        ("delete", {"reference_id": "build-7", "success": False}, "invalid_params"),
        ("delete", {"reference_id": "github-7"}, "deployment_not_api_managed"),
    ],
)
def test_what_is_refused_changes_nothing(store: Store, method: str, body: dict[str, Any], error: str) -> None:
    assert refused(store, method, body) == (422, error)
    assert store.deployments() == [HELD]


@pytest.mark.parametrize("method", ["update", "delete"])
@pytest.mark.parametrize(
    ("token", "error"), [(None, "not_authed"), ("other", "invalid_auth"), ("the-inactive-token", "account_inactive")]
)
def test_a_token_is_looked_at_first(store: Store, method: str, token: str | None, error: str) -> None:
    assert refused(store, method, {"reference_id": "build-7"}, token) == (422, error)
    assert store.deployments() == [HELD]


def test_an_update_to_a_repository_that_is_not_known(store: Store) -> None:
    knowing = Store(TOKEN, repositories=["acme/shop"])
    assert said(knowing, "create", DEPLOYMENT) == OK
    patch = {"reference_id": "build-7", "repository": "acme/warehouse"}
    assert refused(knowing, "update", patch) == (422, "repo_not_found")
    assert knowing.deployments() == [HELD]


def test_a_deletion_can_be_tried_again_and_an_unknown_id_succeeds(store: Store) -> None:
    for reference_id in ("build-7", "build-7", "build-8"):
        answer = {"ok": True, "action": "deleted", "reference_id": reference_id}
        assert said(store, "delete", {"reference_id": reference_id}) == (200, answer)
    assert store.deployments() == []
    assert said(store, "create", DEPLOYMENT | {"success": False}) == OK
    assert store.deployments() == [HELD | {"success": False}]


def merged(number: int, sha: str, at: str) -> MergedPullRequest:
    pull = {"repository": "acme/shop", "number": number, "base_ref": "main", "default_branch": "main"}
    return parse_pull_requests([pull | {"merge_commit_sha": sha, "merged_at": at}])[0]


def test_the_credit_follows_what_is_corrected() -> None:
    """Of two deployments of one commit the first is credited; once it is deleted, or moved behind it, the second is."""
    store = Store(TOKEN, pull_requests=[merged(1, "a" * 40, "2025-01-01T10:00:00Z")])

    def credited() -> dict[str, list[int]]:
        return {
            each["reference_id"]: [pull["number"] for pull in each["pull_requests"]] for each in store.attribution()
        }

    for reference_id, hour in (("first", 11), ("second", 12)):
        body = {"reference_id": reference_id, "deployed_at": f"2025-01-01T{hour}:00:00Z", "commit_sha": "a" * 40}
        assert said(store, "create", body | {"service": "web", "repository": "acme/shop"}) == OK
    assert credited() == {"first": [1], "second": []}
    assert said(store, "update", {"reference_id": "first", "deployed_at": "2025-01-01T13:00:00Z"}) == OK
    assert credited() == {"first": [], "second": [1]}
    assert said(store, "delete", {"reference_id": "second"})[0] == 200
    assert credited() == {"first": [1]}


def test_over_the_wire_both_are_listed_among_the_requests() -> None:
    with Sandbox(token=TOKEN, imported=["github-7"]) as dx:
        connection = http.client.HTTPConnection("127.0.0.1", dx.port, timeout=10)
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        answers = []
        for method, body in (
            ("create", DEPLOYMENT),
            ("update", {"reference_id": "build-7", "success": False}),
            ("delete", {"reference_id": "github-7"}),
            ("delete", {"reference_id": "build-7"}),
        ):
            connection.request("POST", f"/api/deployments.{method}", json.dumps(body), headers)
            with connection.getresponse() as answer:
                answers.append((answer.status, json.loads(answer.read()).get("action", "")))
        connection.close()
        assert answers == [(200, ""), (200, ""), (422, ""), (200, "deleted")]
        paths = [request["path"].removeprefix("/api/deployments.") for request in dx.requests()]
        assert paths == ["create", "update", "delete", "delete"]
        assert dx.deployments() == []

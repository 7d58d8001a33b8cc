"""The stand-in's rules and what it holds, without a server."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dx_action.sandbox import METHODS, Store

TOKEN = "the-token-of-the-tests"
DEPLOYMENT = {
    "reference_id": "1680723287",
    "deployed_at": "2025-01-01T12:05:00Z",
    "service": {"identifier": "payments-service", "name": "Payments"},
    "repository": "my_org/payment_api",
    "commit_sha": "d1a34f0",
}
AT = {"deployed_at": "2025-01-01T12:05:00Z"}
MINE = {"repository": "orgname/repository", "service": {"identifier": "my_service"}} | AT
# Every request body on DX's page, in its order.
DOCUMENTED: list[tuple[str, dict[str, Any]]] = [
    ("create", DEPLOYMENT | {"reference_id": "globally-unique-identifier"}),
    ("create", MINE | {"commit_sha": "abc1234"}),
    ("create", MINE | {"commit_sha": "abc1234", "integration_branch": "develop"}),
    ("create", MINE | {"commit_sha": "abc1234", "metadata": {"commit_timestamp": 1699999999}}),
    ("create", MINE | {"commit_sha": "abc1234", "metadata": {"first_commit_timestamp": 1699999999}}),
    ("create", MINE | {"merge_commit_shas": ["abc1234", "abc2345"]}),
    (
        "setPullServices",
        {
            "github_pull_id": 1497468863,
            "services": [
                {"name": "Service A", "identifier": "serviceA"},
                {"name": "Another Service", "identifier": "other-service"},
            ],
        },
    ),
    ("create", MINE),
]


def call(store: Store, method: str, body: Any, token: str | None = TOKEN) -> tuple[int, str, str]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, answer = store.handle(f"deployments.{method}", token, raw)
    assert (status == 200) == (answer["ok"] is True)
    return status, answer.get("error", ""), answer.get("message", "")


def accepted(store: Store, method: str, body: Any) -> None:
    assert call(store, method, body) == (200, "", "")


@pytest.fixture
def store() -> Store:
    numbers = count(1)
    return Store(TOKEN, inactive_token="the-inactive-token", new_id=lambda: f"made-{next(numbers)}")


@pytest.mark.parametrize(("method", "body"), DOCUMENTED)
def test_documented_examples_are_accepted(store: Store, method: str, body: dict[str, Any]) -> None:
    accepted(store, method, body)
    assert len(store.deployments()) + len(store.pull_services()) == 1


@pytest.mark.parametrize(
    ("token", "error"),
    [(None, "not_authed"), ("some-other-token", "invalid_auth"), ("the-inactive-token", "account_inactive")],
)
def test_tokens(store: Store, token: str | None, error: str) -> None:
    assert call(store, "create", DEPLOYMENT, token)[:2] == (422, error)
    assert store.deployments() == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b"\xff{}",
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b"[" * 100_000,
        b"\xef\xbb\xbf{}",
    ],
)
def test_invalid_json(store: Store, body: bytes) -> None:
    assert call(store, "create", body)[:2] == (422, "invalid_json")


def test_unknown_method(store: Store) -> None:
    assert call(store, "destroy", {})[:2] == (404, "unknown_method")


@pytest.mark.parametrize(
    ("method", "without", "named"),
    [
        ("create", "deployed_at", "deployed_at"),
        ("create", "service", "service"),
        ("create", "repository", "merge_commit_shas"),
        ("upsert", "reference_id", "reference_id"),
        ("upsert", "service", "service"),
        ("upsert", "deployed_at", "deployed_at"),
        ("upsert", "repository", "merge_commit_shas"),
    ],
)
def test_required(store: Store, method: str, without: str, named: str) -> None:
    status, error, message = call(store, method, {k: v for k, v in DEPLOYMENT.items() if k != without})
    assert (status, error) == (422, "required_params_missing")
    assert named in message
    assert store.deployments() == []


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("success", "true", "boolean"),
        ("success", 1, "boolean"),
        ("success", None, "boolean"),
        ("merge_commit_shas", '{"abc1234", "abc2345"}', "brace"),
        ("merge_commit_shas", {"abc1234": "abc2345"}, "brace"),
        ("merge_commit_shas", "abc1234", "array"),
        ("merge_commit_shas", [], "at least one"),
        ("merge_commit_shas", ["abc1234", "abc"], "40 characters"),
        ("merge_commit_shas", ["abc1234", 7], "text"),
        ("deployed_at", "2025-01-01T12:05:00", "time zone"),
        ("deployed_at", "2025-01-01", "ISO-8601"),
        ("deployed_at", "2025-02-30T12:05:00Z", "ISO-8601"),
        ("deployed_at", "yesterday", "ISO-8601"),
        ("deployed_at", "1680723287", "ISO-8601"),
        ("deployed_at", 2025, "ISO-8601"),
        ("deployed_at", 10**17, "ISO-8601"),
        ("deployed_at", 1680723287.5, "ISO-8601"),
        ("deployed_at", True, "ISO-8601"),
        ("deployed_at", "", "ISO-8601"),
        ("commit_sha", "abc123", "7 to 40"),
        ("commit_sha", "a" * 41, "7 to 40"),
        ("commit_sha", 1234567, "text"),
        ("metadata", "{}", "object"),
        ("metadata", [], "object"),
        ("reference_id", 1680723287, "text"),
        ("reference_id", "", "empty"),
        ("repository", " ", "empty"),
        ("environment", False, "text"),
        ("integration_branch", "", "empty"),
        ("source_url", [], "text"),
        ("source_name", None, "text"),
        ("service", "", "empty"),
        ("service", 5, "text, or an object"),
        ("service", {"name": "Payments"}, "identifier is missing"),
        ("service", {"identifier": "payments", "team": "x"}, "team is not a field"),
        ("service", {"identifier": "payments", "name": ""}, "empty"),
        ("deployedAt", "2025-01-01T12:05:00Z", "not a field"),
    ],
)
@pytest.mark.parametrize("method", ["create", "upsert"])
def test_a_forbidden_value_is_named(store: Store, method: str, field: str, value: Any, sentence: str) -> None:
    body = DEPLOYMENT | {field: value}
    if field == "merge_commit_shas":
        del body["commit_sha"]
    status, error, message = call(store, method, body)
    assert (status, error) == (422, "invalid_params")
    assert message.startswith(field)
    assert sentence in message
    assert store.deployments() == []


def test_every_problem_is_told_at_once(store: Store) -> None:
    message = call(store, "create", DEPLOYMENT | {"success": "no", "metadata": 1})[2]
    assert "success" in message
    assert "metadata" in message


def test_the_two_kinds_of_commits_exclude_each_other(store: Store) -> None:
    assert call(store, "create", DEPLOYMENT | {"merge_commit_shas": ["abc1234"]})[1] == "invalid_params"


@pytest.mark.parametrize(
    ("value", "held"),
    [
        ("2025-01-01T12:05:00Z", "2025-01-01T12:05:00Z"),
        ("2025-01-01t14:05:00+02:00", "2025-01-01T12:05:00Z"),
        ("20250101T120500Z", "2025-01-01T12:05:00Z"),
        ("2025-01-01T12:05Z", "2025-01-01T12:05:00Z"),
        ("2025-01-01T12:05:00.5Z", "2025-01-01T12:05:00.500Z"),
        ("2025-01-01T12:05:00.123456789Z", "2025-01-01T12:05:00.123456Z"),
        (1735733100, "2025-01-01T12:05:00Z"),
        (1735733100123, "2025-01-01T12:05:00.123Z"),
    ],
)
def test_times_are_held_as_instants(store: Store, value: str | int, held: str) -> None:
    accepted(store, "create", DEPLOYMENT | {"deployed_at": value})
    assert store.deployments()[0]["deployed_at"] == held


def test_what_is_held(store: Store) -> None:
    accepted(store, "create", {"deployed_at": 1735733100, "service": "web", "repository": "o/r"})
    assert store.deployments() == [
        {
            "reference_id": "made-1",
            "deployed_at": "2025-01-01T12:05:00Z",
            "service": {"identifier": "web", "name": "web"},
            "repository": "o/r",
            "environment": "production",
            "success": True,
        }
    ]


def test_a_made_up_id_is_a_uuid() -> None:
    store = Store(TOKEN)
    accepted(store, "create", MINE)
    accepted(store, "create", MINE)
    ids = {held["reference_id"] for held in store.deployments()}
    assert len(ids) == 2
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", each) for each in ids)


@pytest.mark.parametrize(
    "again",
    [
        {},
        {"deployed_at": 1735733100},
        {"deployed_at": "2025-01-01T13:05:00.000+01:00"},
        {"success": True, "environment": "production"},
        {"service": "web"},
    ],
)
def test_the_same_again_is_nothing_new(store: Store, again: dict[str, Any]) -> None:
    first = DEPLOYMENT | {"service": {"identifier": "web", "name": "web"}}
    accepted(store, "create", first)
    before = store.deployments()
    accepted(store, "create", first | again)
    assert store.deployments() == before


@pytest.mark.parametrize(
    "again",
    [
        {"deployed_at": "2025-01-01T12:05:01Z"},
        {"commit_sha": "d1a34f1"},
        {"success": False},
        {"environment": "staging"},
        {"metadata": {"n": True}},
        {"metadata": {}},
        {"source_name": "argoCD"},
    ],
)
def test_other_values_are_refused(store: Store, again: dict[str, Any]) -> None:
    accepted(store, "create", DEPLOYMENT | {"metadata": {"n": 1}})
    before = store.deployments()
    status, error, message = call(store, "create", DEPLOYMENT | {"metadata": {"n": 1}} | again)
    assert (status, error) == (422, "reference_id_taken")
    assert "already exists with other values" in message
    assert next(iter(again)) in message
    assert store.deployments() == before


def test_known_repositories(store: Store) -> None:
    knowing = Store(TOKEN, repositories=["my_org/payment_api"])
    accepted(knowing, "create", DEPLOYMENT)
    pull = {"repository": "o/r", "pull_number": 1, "services": [{"identifier": "web"}]}
    for method, body in (("create", MINE), ("upsert", MINE | {"reference_id": "r"}), ("setPullServices", pull)):
        assert call(knowing, method, body)[:2] == (422, "repo_not_found")
    assert len(knowing.deployments()) == 1
    assert knowing.pull_services() == []


def test_upsert_creates_then_patches(store: Store) -> None:
    accepted(store, "upsert", DEPLOYMENT)
    accepted(store, "upsert", {"reference_id": "1680723287", "success": False})
    [held] = store.deployments()
    assert held == DEPLOYMENT | {"success": False, "environment": "production"}
    accepted(store, "upsert", {"reference_id": "1680723287", "merge_commit_shas": ["abc1234"]})
    assert "commit_sha" not in store.deployments()[0]
    accepted(store, "upsert", {"reference_id": "1680723287", "commit_sha": "abc1234"})
    assert "merge_commit_shas" not in store.deployments()[0]


def test_upsert_may_not_take_the_last_attribution_away(store: Store) -> None:
    shipped = {"reference_id": "r", "service": "web", "merge_commit_shas": ["abc1234"]} | AT
    accepted(store, "upsert", shipped)
    patch = {"reference_id": "r", "commit_sha": "abc1234"}
    assert call(store, "upsert", patch)[1] == "required_params_missing"
    assert store.deployments()[0]["merge_commit_shas"] == ["abc1234"]


def test_pull_services_add_replace_and_clear(store: Store) -> None:
    pull = {"github_pull_id": 7}
    a, b, c = ({"identifier": each} for each in "abc")
    accepted(store, "setPullServices", pull | {"services": [a, b]})
    accepted(store, "setPullServices", pull | {"services": [b | {"name": "B"}, c]})
    assert store.pull_services() == [pull | {"services": [a, b | {"name": "B"}, c]}]
    accepted(store, "setPullServices", pull | {"services": [c], "replace": True})
    assert store.pull_services() == [pull | {"services": [c]}]
    accepted(store, "setPullServices", pull | {"services": [], "replace": True})
    assert store.pull_services() == [pull | {"services": []}]


def test_pull_requests_by_repository_and_number(store: Store) -> None:
    named = {"repository": "o/r", "pull_number": 3}
    for more in (named, named, named | {"pull_number": 4}, named | {"github_pull_id": 9}):
        accepted(store, "setPullServices", more | {"services": [{"identifier": "web"}]})
    accepted(store, "setPullServices", {"github_pull_id": 9, "services": [{"identifier": "api"}]})
    held = [(each["pull_number"], len(each["services"])) for each in store.pull_services()]
    assert held == [(3, 2), (4, 1)]


WEB = [{"identifier": "web"}]


@pytest.mark.parametrize(
    ("body", "error", "named"),
    [
        ({"services": WEB}, "required_params_missing", "github_pull_id"),
        ({"repository": "o/r", "services": WEB}, "required_params_missing", "pull_number"),
        ({"github_pull_id": 7}, "required_params_missing", "services"),
        ({"github_pull_id": 7, "services": []}, "required_params_missing", "replace"),
        ({"github_pull_id": "7", "services": WEB}, "invalid_params", "github_pull_id"),
        ({"github_pull_id": True, "services": WEB}, "invalid_params", "github_pull_id"),
        ({"repository": "o/r", "pull_number": "7", "services": WEB}, "invalid_params", "pull_number"),
        ({"github_pull_id": 7, "services": "a b"}, "invalid_params", "services"),
        ({"github_pull_id": 7, "services": ["a"]}, "invalid_params", "services[0]"),
        ({"github_pull_id": 7, "services": [{"name": "A"}]}, "invalid_params", "services[0].identifier"),
        ({"github_pull_id": 7, "services": WEB, "replace": "true"}, "invalid_params", "replace"),
        ({"github_pull_id": 7, "services": WEB, "success": True}, "invalid_params", "success"),
    ],
)
def test_pull_services_refused(store: Store, body: dict[str, Any], error: str, named: str) -> None:
    status, code, message = call(store, "setPullServices", body)
    assert (status, code) == (422, error)
    assert named in message
    assert store.pull_services() == []


def test_one_of_twenty_threads_creates() -> None:
    store = Store(TOKEN)
    bodies = [DEPLOYMENT | {"commit_sha": f"abc12{number % 2:02}"} for number in range(20)]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda body: call(store, "create", body), bodies))
    [held] = store.deployments()
    assert [status == 200 for status, *_ in answers] == [body["commit_sha"] == held["commit_sha"] for body in bodies]


def test_a_token_is_not_held(store: Store) -> None:
    accepted(store, "create", DEPLOYMENT | {"metadata": {TOKEN: [TOKEN, "the-inactive-token"]}})
    assert store.deployments()[0]["metadata"] == {"***": ["***", "***"]}
    assert TOKEN not in call(store, "create", {TOKEN: 1})[2]


@pytest.mark.parametrize("token", ["", "short", "with a space", "with-ünicode"])
def test_a_token_that_cannot_be_told_from_text_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="at least 8 characters"):
        Store(token)


def test_lists_are_copies_and_reset_empties_them(store: Store) -> None:
    accepted(store, "create", DEPLOYMENT)
    store.deployments()[0]["service"]["name"] = "changed"
    assert store.deployments()[0]["service"]["name"] == "Payments"
    store.reset()
    assert store.deployments() == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
fields = st.sampled_from([*DEPLOYMENT, "merge_commit_shas", "metadata", "success", "github_pull_id", "services"])


@settings(max_examples=60, deadline=None)
@given(method=st.sampled_from(METHODS), changes=st.dictionaries(fields, json_values, max_size=4))
def test_any_body_has_a_documented_answer(method: str, changes: dict[str, Any]) -> None:
    store = Store(TOKEN)
    raw = json.dumps(DEPLOYMENT | changes).encode()
    status, answer = store.handle(method, TOKEN, raw)
    assert (status, answer["ok"]) in {(200, True), (422, False)}
    assert store.handle(method, TOKEN, raw)[0] == status
    held = store.deployments() + store.pull_services()
    assert len(held) == (status == 200)
    json.dumps(held, allow_nan=False)

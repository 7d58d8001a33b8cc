"""A call as data: its path, its label, its bytes, and its row in a file of what is left."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import events
from builders import CONNECTION, NOW, event, inputs, resolved, runtime
from dx_action.changes.changeset import ChangeSet
from dx_action.deployment.calls import (
    Call,
    Outcome,
    Result,
    as_upsert,
    compact,
    deployment_calls,
    pull_calls,
    refuse_secrets,
    secrets_in,
    serialise,
)
from dx_action.deployment.pull_services import PullServices
from dx_action.deployment.registration import resolve
from dx_action.deployment.trigger import Skipped
from dx_action.errors import ActionError, BadInput
from dx_action.inputs.model import Attribution
from dx_action.inputs.values import Sourced
from dx_action.secrecy import Secret, Secrets
from dx_action.services.service import Service

BODY = {"reference_id": "r", "service": "zoë", "success": False, "metadata": {"a": [1, None]}}
BYTES = '{"reference_id":"r","service":"zoë","success":false,"metadata":{"a":[1,null]}}'


def test_the_bytes_are_compact_json_in_utf_8() -> None:
    assert serialise(BODY) == BYTES.encode()
    assert Call("deployments.create", "zoë", "r", serialise(BODY)).json() == BODY


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_what_json_has_no_form_for_is_never_written(number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        compact({"a": number})


@pytest.mark.parametrize("method", ["create", "upsert", "setPullServices"])
def test_the_path(method: str) -> None:
    assert Call(f"deployments.{method}", "zoë", "r", b"{}").path == f"/api/deployments.{method}"  # type: ignore[arg-type]


@pytest.mark.parametrize(("subject", "label"), [("", "web"), ("pull request #7", "pull request #7")])
def test_the_label(subject: str, label: str) -> None:
    assert Call("deployments.create", "web", "r", b"{}", subject).label == label


@pytest.mark.parametrize(
    ("outcome", "delivered"),
    [("accepted", True), ("already-registered", True), ("failed", False), ("not-sent", False), ("unknown", False)],
)
def test_what_is_in_dx_for_certain(outcome: Outcome, delivered: bool) -> None:
    result = Result(Call("deployments.create", "web", "r", b"{}"), outcome)
    assert result.delivered is delivered
    assert (result.http_status, result.error, result.message, result.attempts) == (None, "", "", 0)


AT = "2025-01-01T12:05:00Z"
BEYOND_THE_EXAMPLES = {"reference_id", "source_url", "source_name"}
# Each example of the page, in its order: what an author writes, and the body that the page shows.
EXAMPLES: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "typical request": (
        {
            "reference-id": "globally-unique-identifier",
            "deployed-at": AT,
            "service": "payments-service=Payments",
            "commit-sha": "d1a34f0",
            "repository": "my_org/payment_api",
        },
        {
            "reference_id": "globally-unique-identifier",
            "deployed_at": "2025-01-01T12:05:00Z",
            "service": {"name": "Payments", "identifier": "payments-service"},
            "commit_sha": "d1a34f0",
            "repository": "my_org/payment_api",
        },
    ),
    "merged to a main branch": (
        {"repository": "orgname/repository", "service": "my_service", "commit-sha": "abc1234", "deployed-at": AT},
        {
            "repository": "orgname/repository",
            "service": {"identifier": "my_service"},
            "commit_sha": "abc1234",
            "deployed_at": "2025-01-01T12:05:00Z",
        },
    ),
    "integration branch": (
        {
            "repository": "orgname/repository",
            "service": "my_service",
            "commit-sha": "abc1234",
            "deployed-at": AT,
            "integration-branch": "develop",
        },
        {
            "repository": "orgname/repository",
            "service": {"identifier": "my_service"},
            "commit_sha": "abc1234",
            "deployed_at": "2025-01-01T12:05:00Z",
            "integration_branch": "develop",
        },
    ),
    "committed to the main branch": (
        {
            "repository": "orgname/repository",
            "service": "my_service",
            "commit-sha": "abc1234",
            "deployed-at": AT,
            "metadata": "commit_timestamp: 1699999999",
        },
        {
            "repository": "orgname/repository",
            "service": {"identifier": "my_service"},
            "commit_sha": "abc1234",
            "deployed_at": "2025-01-01T12:05:00Z",
            "metadata": {"commit_timestamp": 1699999999},
        },
    ),
    "lead time from the first commit": (
        {
            "repository": "orgname/repository",
            "service": "my_service",
            "commit-sha": "abc1234",
            "deployed-at": AT,
            "metadata": '{"first_commit_timestamp": 1699999999}',
        },
        {
            "repository": "orgname/repository",
            "service": {"identifier": "my_service"},
            "commit_sha": "abc1234",
            "deployed_at": "2025-01-01T12:05:00Z",
            "metadata": {"first_commit_timestamp": 1699999999},
        },
    ),
    "merge commits": (
        {
            "repository": "orgname/repository",
            "service": "my_service",
            "deployed-at": AT,
            "merge-commit-shas": '["abc1234", "abc2345"]',
        },
        {
            "repository": "orgname/repository",
            "service": {"identifier": "my_service"},
            "deployed_at": "2025-01-01T12:05:00Z",
            "merge_commit_shas": ["abc1234", "abc2345"],
        },
    ),
    "repository only": (
        {"repository": "orgname/repository", "service": "my_service", "deployed-at": AT, "attribution": "repository"},
        {
            "repository": "orgname/repository",
            "service": {"identifier": "my_service"},
            "deployed_at": "2025-01-01T12:05:00Z",
        },
    ),
}
ALL_ARGUMENTS = {
    "deployed-at": "1735733100",
    "service": "payments=Päyments",
    "repository": "myorg/payments",
    "reference-id": "1680723287",
    "source-url": "https://my_argocd.myplace.org/build/1791",
    "source-name": "argoCD",
    "metadata": '{ "version": "v1.11.23" }',
    "integration-branch": "develop",
    "success": "failure",
    "environment": "Production",
}
COMMIT = {"commit-sha": "a0e61dfff93b2b07788cacf2c1cb3948ed4a39b2"}
MERGES = {"merge-commit-shas": '["a0e61dfff93b", "07788cacf2c"]'}


def planned(name: str, given: dict[str, str] | None = None) -> tuple[Call, ...]:
    return deployment_calls(resolved(name, given), inputs(given))


def sent(name: str, given: dict[str, str] | None = None) -> dict[str, Any]:
    (call,) = planned(name, given)
    return call.json()


@pytest.mark.parametrize("name", ["workflow_dispatch", "push_branch", "pull_request_merged", "release_published"])
@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_page(name: str, example: str) -> None:
    written, expected = EXAMPLES[example]
    (call,) = planned(name, written)
    body = call.json()
    assert (call.method, call.path) == ("deployments.create", "/api/deployments.create")
    assert {key: value for key, value in body.items() if key in expected} == expected
    assert body.keys() == expected.keys() | BEYOND_THE_EXAMPLES
    assert (call.service, call.reference_id) == (expected["service"]["identifier"], body["reference_id"])
    assert body["source_name"] == "GitHub Actions"


@pytest.mark.parametrize("text", ["none", "None"])
def test_the_source_may_be_left_out(text: str) -> None:
    (call,) = planned("workflow_dispatch", {"source-name": text})
    assert "source_name" not in call.json()


def test_every_argument_of_the_page() -> None:
    expected = {
        "deployed_at": "2025-01-01T12:05:00Z",
        "service": {"identifier": "payments", "name": "Päyments"},
        "repository": "myorg/payments",
        "commit_sha": "a0e61dfff93b2b07788cacf2c1cb3948ed4a39b2",
        "reference_id": "1680723287",
        "source_url": "https://my_argocd.myplace.org/build/1791",
        "source_name": "argoCD",
        "metadata": {"version": "v1.11.23"},
        "integration_branch": "develop",
        "success": False,
        "environment": "Production",
    }
    body = sent("workflow_dispatch", ALL_ARGUMENTS | COMMIT)
    assert body == expected
    assert body["success"] is False
    del expected["commit_sha"]
    assert sent("workflow_dispatch", ALL_ARGUMENTS | MERGES) == expected | {
        "merge_commit_shas": ["a0e61dfff93b", "07788cacf2c"]
    }
    assert sent("workflow_dispatch", ALL_ARGUMENTS | COMMIT | MERGES).keys() == {*expected, "merge_commit_shas"}
    assert sent("workflow_dispatch", ALL_ARGUMENTS | COMMIT | {"attribution": "repository"}) == expected


def test_the_plain_use() -> None:
    """`dx-host`, `dx-token` and `service`: no field that nobody gave, and the token nowhere."""
    (call,) = planned("deployment_status_success", {"service": "checkout"})
    assert call.json() == {
        "reference_id": "github.com/deployment/2251300501/success/checkout",
        "deployed_at": "2025-03-04T14:07:48Z",
        "service": {"identifier": "checkout"},
        "repository": "acme/shop",
        "commit_sha": "c89241549856579cbcce0211499667cb1ecc577a",
        "source_url": "https://github.com/acme/deployer/actions/runs/13654730011/job/38168200017",
        "source_name": "GitHub Actions",
    }
    assert CONNECTION["dx-token"].encode() not in call.body


def test_no_page_no_source_url() -> None:
    registration = resolved("schedule", {}, None, run_id="")
    (call,) = deployment_calls(registration, inputs())
    assert "source_url" not in call.json()


@pytest.mark.parametrize("shas", [None, ("abc1234", "abc2345")], ids=["no merges", "merges"])
@pytest.mark.parametrize("commit", [None, "abc1234"], ids=["no commit", "commit"])
@pytest.mark.parametrize(
    ("attribution", "field"),
    [("commit", "commit_sha"), ("merge-commits", "merge_commit_shas"), ("repository", "")],
)
def test_the_attribution_alone_says_which_commits_are_sent(
    attribution: Attribution, field: str, commit: str | None, shas: tuple[str, ...] | None
) -> None:
    """Whatever else is known, also where no inputs lead to it today."""
    registration = resolved("push_branch")._replace(
        attribution=Sourced(attribution, "the test"),
        commit=Sourced(commit, "the test") if commit else None,
        merge_commit_shas=Sourced(shas, "the test") if shas else None,
    )
    (call,) = deployment_calls(registration, inputs())
    known = {"commit_sha": commit, "merge_commit_shas": shas and list(shas)}
    sent_commits = {key: value for key, value in call.json().items() if key in known}
    field = "commit_sha" if field == "merge_commit_shas" and not shas else field
    assert sent_commits == {key: value for key, value in known.items() if key == field and value}


# --- success and the methods ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "written", "create", "upsert"),
    [
        ("push_branch", {}, None, True),
        ("push_branch", {"success": "true"}, None, True),
        ("push_branch", {"success": "success"}, None, True),
        ("push_branch", {"success": "false"}, False, False),
        ("push_branch", {"success": "failure"}, False, False),
        ("deployment_status_success", {}, None, True),
        ("deployment_status_failure", {}, False, False),
        ("deployment_status_failure", {"success": "true"}, None, True),
    ],
)
def test_success(name: str, written: dict[str, str], create: bool | None, upsert: bool) -> None:
    assert sent(name, written).get("success") is create
    assert sent(name, written | {"method": "upsert"})["success"] is upsert


@pytest.mark.parametrize("name", ["push_branch", "deployment_status_failure", "pull_request_merged"])
def test_the_methods_differ_in_nothing_else(name: str) -> None:
    (create,), (upsert,) = planned(name), planned(name, {"method": "upsert"})
    assert (create.path, upsert.path) == ("/api/deployments.create", "/api/deployments.upsert")
    assert (create.service, create.reference_id) == (upsert.service, upsert.reference_id)
    assert {"success": True} | create.json() == upsert.json()


@pytest.mark.parametrize("name", ["push_branch", "deployment_status_failure"])
@pytest.mark.parametrize("written", [{}, {"service": "web=Wéb", "metadata": '{"a": "é"}'}], ids=["plain", "more"])
def test_as_upsert(name: str, written: dict[str, str]) -> None:
    """What `on-conflict: update` sends is what `method: upsert` would have sent."""
    (create,), (upsert,) = planned(name, written), planned(name, written | {"method": "upsert"})
    found = as_upsert(create)
    assert (found.method, found.service, found.reference_id) == (upsert.method, upsert.service, upsert.reference_id)
    assert found.json() == upsert.json()
    assert as_upsert(found) == found
    assert create == planned(name, written)[0]


# --- several services, bytes ----------------------------------------------------------------------------------------


def test_one_call_a_service_in_their_order() -> None:
    calls = planned("push_branch", {"service": "web=Web App\napi"})
    bodies = [call.json() for call in calls]
    assert [call.service for call in calls] == ["web", "api"]
    assert [body.pop("service") for body in bodies] == [{"identifier": "web", "name": "Web App"}, {"identifier": "api"}]
    assert [body.pop("reference_id") for body in bodies] == [call.reference_id for call in calls]
    assert bodies[0] == bodies[1]


def test_the_bytes_are_stable() -> None:
    written = ALL_ARGUMENTS | COMMIT | {"metadata": '{"b": "é\\n", "a": 1.50, "c": null}'}
    (call,) = planned("workflow_dispatch", written)
    assert planned("workflow_dispatch", written) == (call,)
    assert call.body.decode() == (
        '{"reference_id":"1680723287","deployed_at":"2025-01-01T12:05:00Z",'
        '"service":{"identifier":"payments","name":"Päyments"},"repository":"myorg/payments",'
        '"commit_sha":"a0e61dfff93b2b07788cacf2c1cb3948ed4a39b2","integration_branch":"develop",'
        '"environment":"Production","success":false,"source_url":"https://my_argocd.myplace.org/build/1791",'
        '"source_name":"argoCD","metadata":{"b":"é\\n","a":1.5,"c":null}}'
    )


# --- any inputs -----------------------------------------------------------------------------------------------------

CHOICES: dict[str, list[str]] = {
    "commit-sha": ["", "abc1234", "A0E61DFFF93B2B07788CACF2C1CB3948ED4A39B2"],
    "merge-commit-shas": ["", "abc1234", '["abc1234", "abc2345"]'],
    "attribution": ["", "commit", "repository", "merge-commits"],
    "repository": ["", "acme/shop", "acme/other"],
    "service": ["", "web", "web=Web App\napi"],
    "method": ["", "create", "upsert"],
    "success": ["", "true", "false", "skipped"],
    "environment": ["", "production"],
    "metadata": ["", '{"commit_sha": "abc1234"}'],
    "deployed-at": ["", "1735733100", "2025-01-01T12:05:00.5+02:00"],
    "reference-id": ["", "mine"],
    "only-branches": ["", "**"],
    "only-environments": ["", "*"],
}
anything = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in CHOICES.items()})


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(events.NAMES), anything)
def test_what_holds_for_any_inputs(name: str, written: dict[str, str]) -> None:
    try:
        read = inputs(written)
        registration = resolve(read, runtime(name), event(name), NOW)
    except ActionError:
        return
    if isinstance(registration, Skipped):
        return
    calls = deployment_calls(registration, read)
    assert len(calls) == len(registration.services.value) == len({call.reference_id for call in calls})
    for call in calls:
        body = call.json()
        assert not {"commit_sha", "merge_commit_shas"} <= body.keys()
        assert ("commit_sha" in body) is (registration.attribution.value == "commit")
        assert ("merge_commit_shas" in body) is (registration.attribution.value == "merge-commits")
        assert {"reference_id", "deployed_at", "service", "repository", "source_name"} <= body.keys()
        assert call.method == f"deployments.{written['method'] or 'create'}"
        if written["method"] == "upsert":
            assert body["success"] in (True, False)
        else:
            assert body.get("success", False) is False
        own = getattr(event(name), "deployment", None) and written["only-environments"]
        assert ("environment" in body) is bool(written["environment"] or own)
        assert ("metadata" in body) is bool(written["metadata"])
        assert not [key for key, value in body.items() if value in (None, "", [], {})]
        assert json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode() == call.body
        assert written["reference-id"] or call.reference_id.endswith(f"/{call.service}")


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_json_has_no_word_for_is_never_sent(number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        serialise({"metadata": {"number": number}})


@pytest.mark.parametrize(
    ("pull", "body"),
    [
        (
            PullServices((Service("web", "Web"),), 77, 7),
            {"github_pull_id": 77, "services": [{"identifier": "web", "name": "Web"}]},
        ),
        (
            PullServices((), None, 7, replace=True),
            {"repository": "acme/shop", "pull_number": 7, "services": [], "replace": True},
        ),
    ],
    ids=["by its id", "by its number"],
)
def test_the_call_that_sets_a_pull_requests_services(pull: PullServices, body: dict[str, Any]) -> None:
    (call,) = pull_calls(resolved("push_branch")._replace(pull_services=(pull,)))
    assert (call.method, call.service, call.reference_id) == ("deployments.setPullServices", "", "")
    assert (call.json(), list(call.json()), call.label) == (body, list(body), pull.subject)


# Secrets.

KNOWN = Secrets([Secret("the text of `dx-token`", 'Zq"9-token'), Secret("the password of `http_proxy`", "p@ss-w0rd")])


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({}, {}),
        ({"service": "web", "metadata": {"a": 'Zq"9'}}, {}),
        ({"service": 'x Zq"9-token'}, {"service": "the text of `dx-token`"}),
        ({"metadata": {"a": [{'Zq"9-token': 1}]}}, {"metadata": "the text of `dx-token`"}),
        ({"services": [{"identifier": "a", "name": "p%40ss-w0rd"}]}, {"services": "the password of `http_proxy`"}),
        # The first of two in one field.
        (
            {"environment": 'p@ss-w0rd Zq"9-token', "source_url": "https://p@ss-w0rd"},
            {"environment": "the text of `dx-token`", "source_url": "the password of `http_proxy`"},
        ),
        # Not of one field, but of what is written between two.
        ({"service": "Zq", "x": "9-token"}, {}),
    ],
    ids=str,
)
def test_the_secrets_in_a_call(body: dict[str, Any], found: dict[str, str]) -> None:
    assert secrets_in(Call("deployments.create", "web", "r", serialise(body)), KNOWN) == found


def test_what_only_the_whole_body_contains_is_no_field_s() -> None:
    body = serialise({"service": "Zq", "x": "9-token"})
    assert secrets_in(Call("deployments.create", "web", "r", body), Secrets([Secret("it", '"Zq","x":"9')])) == {}


def test_a_registration_with_secrets_names_where_they_come_from() -> None:
    payload = {"deployment.payload": {"service": 'Zq"9-token'}}
    registration = resolved("deployment_production", None, payload)
    calls = deployment_calls(registration, inputs({"metadata": "a: p@ss-w0rd"}))
    with pytest.raises(BadInput) as caught:
        refuse_secrets([*calls, *calls], registration, KNOWN)
    end = "It is not sent to DX: remove it there."
    assert list(map(str, caught.value.problems))[1:] == [
        f"`service` contains the text of `dx-token`, from deployment.payload.service. {end}",
        f"`metadata` contains the password of `http_proxy`. {end}",
    ]
    assert str(caught.value.problems[0]).startswith("`reference_id` contains the text of `dx-token`, from this event.")
    refuse_secrets(calls, registration, Secrets())


def test_a_commit_with_a_secret_names_where_it_comes_from() -> None:
    registration = resolved("pull_request_merged", {"service": "web"})
    calls = deployment_calls(registration, inputs({"service": "web"}))
    with pytest.raises(BadInput) as caught:
        refuse_secrets(calls, registration, Secrets([Secret("the text of `dx-token`", "312c5c6455a5")]))
    where = "from pull_request.merge_commit_sha. It is not sent to DX: remove it there."
    assert list(map(str, caught.value.problems)) == [f"`commit_sha` contains the text of `dx-token`, {where}"]


def test_facts_in_the_metadata() -> None:
    given = {"extra-metadata": "rollback, pull_requests", "metadata": "version: 1.10", "service": "web, api"}
    registration = resolved("push_branch", given)
    ships = {"web": ChangeSet(Sourced("b" * 40, "here"), True, "rollback", ())}
    changes = registration.changes._replace(by_service=ships)
    web, api = deployment_calls(registration._replace(changes=changes), inputs(given))
    assert web.json()["metadata"] == {"rollback": True, "pull_requests": 0, "version": "1.10"}
    assert api.json()["metadata"] == {"version": "1.10"}

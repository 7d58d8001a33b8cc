"""The calls that correct a deployment: what is written, in DX's names and order, and nothing else."""

import json
from typing import Any

import pytest

from builders import inputs
from dx_action.deployment.calls import FIELDS, Call
from dx_action.deployment.corrections import correction, delete_call, update_call
from dx_action.inputs.corrections import CHANGEABLE
from dx_action.services.service import Service

UPDATE = {"operation": "update", "reference-id": "build-7"}
# What is written → the body beside the id.
BODIES: list[tuple[dict[str, str], dict[str, Any]]] = [
    ({"success": "false"}, {"success": False}),
    ({"success": "success"}, {"success": True}),
    ({"success": "timed_out"}, {"success": False}),
    ({"deployed-at": "2025-01-01T14:05:00+02:00"}, {"deployed_at": "2025-01-01T12:05:00Z"}),
    ({"service": "web"}, {"service": {"identifier": "web"}}),
    ({"service": "web=Web App"}, {"service": {"identifier": "web", "name": "Web App"}}),
    ({"repository": "acme/shop"}, {"repository": "acme/shop"}),
    ({"commit-sha": "abc1234"}, {"commit_sha": "abc1234"}),
    ({"merge-commit-shas": "abc1234, abc2345"}, {"merge_commit_shas": ["abc1234", "abc2345"]}),
    ({"environment": "eu", "integration-branch": "develop"}, {"integration_branch": "develop", "environment": "eu"}),
    ({"metadata": "{}"}, {"metadata": {}}),
    ({"metadata": "a: 1", "source-name": "none"}, {"metadata": {"a": 1}}),
    ({"source-name": "Argo", "source-url": "https://ci/1"}, {"source_url": "https://ci/1", "source_name": "Argo"}),
]


@pytest.mark.parametrize(("written", "body"), BODIES, ids=str)
def test_an_update_sends_what_is_written(written: dict[str, str], body: dict[str, Any]) -> None:
    call = correction(inputs(UPDATE | written))
    assert (call.path, call.reference_id, call.label) == ("/api/deployments.update", "build-7", "build-7")
    assert json.loads(call.body) == {"reference_id": "build-7"} | body
    assert list(call.json()) == [name for name in FIELDS if name in {"reference_id", *body}]
    assert call.service == (body.get("service") or {}).get("identifier", "")


def test_every_field_but_the_id_can_be_changed() -> None:
    assert {name.replace("-", "_") for name in CHANGEABLE} == set(FIELDS) - {"reference_id"}


def test_a_deletion_sends_the_id_alone() -> None:
    call = correction(inputs({"operation": "delete", "reference-id": "build-7", "confirm-delete": "build-7"}))
    assert call == Call("deployments.delete", "", "build-7", b'{"reference_id":"build-7"}')
    assert call == delete_call("build-7")
    assert (call.label, call.corrects, call.registers) == ("build-7", True, False)


def test_what_is_none_is_left_out_of_an_update() -> None:
    values = {"service": None, "merge_commit_shas": (), "commit_sha": None, "success": None, "environment": "eu"}
    assert update_call("r", values).body == b'{"reference_id":"r","environment":"eu"}'
    assert update_call("r", {"service": Service("web"), "success": False}).body == (
        b'{"reference_id":"r","service":{"identifier":"web"},"success":false}'
    )

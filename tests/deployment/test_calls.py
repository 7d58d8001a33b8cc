"""A call as data: its path, its label, its bytes, and its row in a file of what is left."""

import json

import pytest

from dx_action.deployment.calls import Call, Method, Outcome, Result, as_row, compact, serialise

BODY = {"reference_id": "r", "service": "zoë", "success": False, "metadata": {"a": [1, None]}}
BYTES = '{"reference_id":"r","service":"zoë","success":false,"metadata":{"a":[1,null]}}'


def test_the_bytes_are_compact_json_in_utf_8() -> None:
    assert serialise(BODY) == BYTES.encode()
    assert Call("deployments.create", "zoë", "r", serialise(BODY)).json() == BODY


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_what_json_has_no_form_for_is_never_written(number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        compact({"a": number})


@pytest.mark.parametrize(
    ("method", "path", "row"),
    [
        ("deployments.create", "/api/deployments.create", BYTES),
        ("deployments.upsert", "/api/deployments.upsert", f'{BYTES[:-1]}, "method": "upsert"}}'),
        (
            "deployments.setPullServices",
            "/api/deployments.setPullServices",
            f'{BYTES[:-1]}, "method": "setPullServices"}}',
        ),
    ],
)
def test_the_path_and_the_row(method: Method, path: str, row: str) -> None:
    call = Call(method, "zoë", "r", serialise(BODY))
    assert (call.path, as_row(call)) == (path, row)
    assert {name: value for name, value in json.loads(row).items() if name != "method"} == BODY


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

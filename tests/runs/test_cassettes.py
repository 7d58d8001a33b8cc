"""The requests and answers of DX's page on deployments.create, replayed: no network is needed, and none is used.

A cassette holds what the page documents: its curl examples, word for word, and an answer for each of its codes. Requests are
matched by method, address and body; a request that is not on the cassette is an error.
"""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import vcr  # type: ignore[import-untyped]
from pydantic import SecretStr
from vcr.errors import CannotOverwriteExistingCassetteException  # type: ignore[import-untyped]

from dx_action.deployment.calls import Call, Outcome, Result, serialise
from dx_action.dx.answers import DOCUMENTED, Answer
from dx_action.dx.client import Dx
from dx_action.dx.delivery import Delivery
from dx_action.inputs.values import parse_host
from dx_action.report.failures import advise
from dx_action.runner.network import tls_context
from dx_action.runner.runtime import Clock

FOLDER = Path(__file__).parents[1] / "data" / "cassettes"
TOKEN = "xxxx-xxxxxxxxx-xxxx"
AT = "2025-01-01T12:05:00Z"
MINE = {"repository": "orgname/repository", "service": {"identifier": "my_service"}}
TYPICAL = {
    "reference_id": "globally-unique-identifier",
    "deployed_at": AT,
    "service": {"name": "Payments", "identifier": "payments-service"},
    "commit_sha": "d1a34f0",
    "repository": "my_org/payment_api",
}
# The page's examples of deployments.create, in its order.
EXAMPLES: list[dict[str, Any]] = [
    TYPICAL,
    MINE | {"commit_sha": "abc1234", "deployed_at": AT},
    MINE | {"commit_sha": "abc1234", "deployed_at": AT, "integration_branch": "develop"},
    MINE | {"commit_sha": "abc1234", "deployed_at": AT, "metadata": {"commit_timestamp": 1699999999}},
    MINE | {"commit_sha": "abc1234", "deployed_at": AT, "metadata": {"first_commit_timestamp": 1699999999}},
    MINE | {"deployed_at": AT, "merge_commit_shas": ["abc1234", "abc2345"]},
    MINE | {"deployed_at": AT},
]
# The beginnings of the page's own descriptions.
MESSAGES = {
    "not_authed": "This error occurs if the API request does not include a valid API key",
    "invalid_auth": "The provided API key is invalid.",
    "account_inactive": "The user account associated with the API key is deactivated or suspended.",
    "invalid_json": "The JSON body of the request could not be parsed.",
    "required_params_missing": "One or more required parameters were not provided",
    "repo_not_found": "The specified repository could not be found.",
}


@pytest.fixture(scope="module")
def dx() -> Iterator[Dx]:
    context, _ = tls_context({}, None)
    found = Dx(
        parse_host("yourinstance.getdx.net"),
        SecretStr(TOKEN),
        context=context,
        proxies={},
        monotonic=time.monotonic,
    )
    yield found
    found._session.close()


def replayed(name: str) -> AbstractContextManager[Any]:
    recorder = vcr.VCR(record_mode="none", match_on=("method", "uri", "body"), filter_headers=["authorization"])
    found: AbstractContextManager[Any] = recorder.use_cassette(str(FOLDER / f"{name}.yaml"))
    return found


def call(body: dict[str, Any]) -> Call:
    return Call("deployments.create", body["service"]["identifier"], body.get("reference_id", ""), serialise(body))


def delivered(dx: Dx, body: dict[str, Any]) -> Result:
    """Deliver as a run does, with a clock that stands still."""

    def wait(_seconds: float) -> None:
        raise AssertionError("nothing here is to be tried again")

    now = datetime(2025, 1, 1, 12, 5, tzinfo=UTC)
    delivery = Delivery(call(body))
    delivery.run(dx, Clock(lambda: 0.0, wait, lambda: now, lambda: 0.0), 60, pytest.fail)
    return delivery.end("never said")


def test_the_examples(dx: Dx) -> None:
    with replayed("examples") as cassette:
        for body in EXAMPLES:
            assert dx(call(body), 5) == Answer(200, b'{"ok": true}')
        assert cassette.all_played


@pytest.mark.parametrize("code", DOCUMENTED)
def test_each_documented_code(dx: Dx, code: str) -> None:
    with replayed(code) as cassette:
        result = delivered(dx, TYPICAL)
        assert cassette.all_played
    assert (result.outcome, result.http_status, result.error, result.attempts) == ("failed", 422, code, 1)
    assert result.message.startswith(MESSAGES[code])
    # Each has a sentence of its own, which is not the one for codes that nobody knows.
    sentences = [advise(each, 422, said=True) for each in (*DOCUMENTED, "no_such_code")]
    assert sentences.count(advise(code, 422, said=True)) == 1


def test_changed_values(dx: Dx) -> None:
    with replayed("changed_values") as cassette:
        first = delivered(dx, TYPICAL)
        second = delivered(dx, TYPICAL | {"deployed_at": "2025-01-01T12:06:00Z"})
        assert cassette.all_played
    outcomes: list[tuple[Outcome, int | None]] = [(each.outcome, each.http_status) for each in (first, second)]
    assert outcomes == [("accepted", 200), ("already-registered", 422)]


@pytest.mark.parametrize(
    "other",
    [
        call(TYPICAL | {"deployed_at": "2025-01-01T12:05:01Z"}),
        call(MINE | {"commit_sha": "abc12345", "deployed_at": AT}),
        Call("deployments.upsert", "my_service", "", serialise(EXAMPLES[-1])),
    ],
)
def test_what_is_not_on_a_cassette_is_an_error(dx: Dx, other: Call) -> None:
    with replayed("examples"), pytest.raises(CannotOverwriteExistingCassetteException):
        dx(other, 5)


def test_the_cassettes_hold_what_is_played_and_no_token() -> None:
    assert sorted(path.stem for path in FOLDER.iterdir()) == sorted(["examples", "changed_values", *DOCUMENTED])
    for path in FOLDER.iterdir():
        text = path.read_text()
        assert "authorization" not in text.lower()
        assert "bearer" not in text.lower()
        assert TOKEN not in text

"""The step's outputs: what each says, and how much room a list may take."""

import json
from typing import Any

import pytest

from builders import inputs, resolved
from changesets import pull
from dx_action.changes.changeset import NO_CHANGES, Changes, ChangeSet, Course, MergedPull
from dx_action.deployment.calls import Call, Outcome, Result, deployment_calls
from dx_action.deployment.pull_services import PullServices
from dx_action.inputs.values import Sourced
from dx_action.report.outputs import outputs
from dx_action.services.service import Service

# The bounds, as literals: what the code has must be these.
LARGEST = 256 * 1024

GIVEN = {"service": "web,cart", "reference-id": "mine"}
CONTEXT = resolved("pull_request_merged", GIVEN)
ROOM = LARGEST - 16 * 1024
LISTS = ("merge-commit-shas", "services", "reference-ids", "requests", "results", "pull-requests")


def ships(*pulls: MergedPull, course: Course = "forward", previous: bool = True, certain: bool = True) -> Changes:
    return Changes({"web": ChangeSet(Sourced("b" * 40, "here") if previous else None, certain, course, pulls)})


def results(count: int, *, failed: int = 0, message: str = "") -> list[Result]:
    """Results of one size each, the last of them failed."""
    outcomes: list[Outcome] = ["already-registered"] * (count - failed)
    outcomes += ["not-sent"] * failed
    return [Result(Call("deployments.create", "s", "r", b"{}"), each, None, "", message) for each in outcomes]


def test_what_is_not_known_is_empty() -> None:
    assert outputs("failed", "Why\nnot.") == {
        "status": "failed",
        "reason": "Why\\nnot.",
        "repository": "",
        "commit-sha": "",
        "deployed-at": "",
        "pull-number": "",
        "pull-id": "",
        "merge-commit-shas": "[]",
        "services": "[]",
        "reference-ids": "[]",
        "reference-id": "",
        "requests": "[]",
        "results": "[]",
        "rollback": "",
        "pull-requests": "[]",
        "checks": "[]",
        "truncated": "false",
    }


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([], []),
        ([["web"]], ["web"]),
        ([["web", "cart"], ["web", "api"], []], ["web", "cart", "api"]),
    ],
)
def test_the_services_of_pull_requests_are_those_that_dx_was_told(told: list[list[str]], expected: list[str]) -> None:
    pulls = tuple(PullServices(tuple(map(Service, names)), 1) for names in told)
    nothing: Sourced[tuple[Service, ...]] = Sourced((), "changed files")
    found = outputs("pull-services-set", "", CONTEXT._replace(services=nothing, pull_services=pulls))
    assert json.loads(found["services"]) == expected
    deployed = outputs("registered", "", CONTEXT._replace(pull_services=pulls))
    assert json.loads(deployed["services"]) == ["web", "cart"]


def test_all_that_is_known() -> None:
    web, cart = deployment_calls(CONTEXT, inputs(GIVEN))
    found = outputs(
        "partial",
        "Why.",
        CONTEXT._replace(merge_commit_shas=Sourced(("a", "b"), "input"), changes=ships(pull(1, title="A\nb"))),
        [web, cart],
        [Result(web, "accepted", 200, attempts=1), Result(cart, "failed", 422, "c\nd", "e\nf", 2)],
    )
    made = {"method": "deployments.create", "service": "web", "reference_id": "mine/web"}
    assert {name: json.loads(text) if name in LISTS else text for name, text in found.items()} == {
        "status": "partial",
        "reason": "Why.",
        "repository": "acme/shop",
        "commit-sha": "312c5c6455a5802d9eff8e65fbc68a516dd3a76d",
        "deployed-at": "2025-03-10T09:30:15Z",
        "pull-number": "41",
        "pull-id": "2401500041",
        "merge-commit-shas": ["a", "b"],
        "services": ["web", "cart"],
        "reference-ids": ["mine/web", "mine/cart"],
        "reference-id": "",
        "requests": [{"method": "deployments.create", "body": each.json()} for each in (web, cart)],
        "results": [
            made | {"outcome": "accepted", "http_status": 200, "error": "", "message": "", "attempts": 1},
            made
            | {"service": "cart", "reference_id": "mine/cart", "outcome": "failed", "http_status": 422}
            | {"error": "c\\nd", "message": "e\\nf", "attempts": 2},
        ],
        "rollback": "false",
        "pull-requests": [
            {
                "number": 1,
                "title": "A\\nb",
                "url": "https://github.com/acme/shop/pull/1",
                "author": "octocat",
                "merged_at": "2025-03-09T10:01:00Z",
                "merge_commit_sha": f"{1:040}",
            }
        ],
        "checks": "[]",
        "truncated": "false",
    }


def test_what_a_deployment_has_not_is_empty() -> None:
    found = outputs("registered", "", CONTEXT._replace(commit=None, pull_number=None, pull_id=None))
    assert [found[name] for name in ("commit-sha", "pull-number", "pull-id")] == [""] * 3


def test_a_single_id_is_told_plain() -> None:
    assert outputs("registered", "", resolved("push_branch", {"reference-id": "mine"}))["reference-id"] == "mine"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (NO_CHANGES, ""),
        (ships(pull(1)), "false"),
        (ships(pull(1), course="redeploy"), "false"),
        (ships(pull(1), course="rollback"), "true"),
        (ships(pull(1), course="rollback", previous=False), ""),
        (ships(pull(1), course="rollback", certain=False), ""),
    ],
)
def test_whether_it_goes_back(changes: Changes, told: str) -> None:
    assert outputs("registered", "", CONTEXT._replace(changes=changes))["rollback"] == told


def test_lists_that_no_context_has() -> None:
    more: dict[str, list[Any]] = {"services": ["a"], "reference-ids": ["b", "c"]}
    found = outputs("registered", "", more=more)
    assert (found["services"], found["reference-ids"]) == ('["a"]', '["b", "c"]')


def test_long_titles_and_words_are_cut() -> None:
    found = outputs("registered", "", CONTEXT._replace(changes=ships(pull(1, title="x" * 400))))
    assert json.loads(found["pull-requests"])[0]["title"] == "x" * 299 + "…"


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("reference-ids", 1 / 8),
        ("services", 1 / 8),
        ("merge-commit-shas", 1 / 8),
        ("pull-requests", 1 / 2),
        ("requests", 1),
    ],
)
@pytest.mark.parametrize("over", [0, 1])
def test_how_much_room_a_list_may_take(name: str, share: float, over: int) -> None:
    """An item's text is JSON, with two characters between one and the next, and two around all."""
    others = sum(len(text) for each, text in outputs("registered", "").items() if each not in LISTS)
    lists = sum(2 for each in LISTS if each != name) if name == "requests" else 0
    room = min(int(ROOM * share), ROOM - others - lists)
    items = ["x" * 96] * (room // 100 - 1)
    rest = room - 2 - len(items) * 100
    items.append("y" * (rest - 4 + over))
    found = outputs("registered", "", more={name: items})
    assert (len(json.loads(found[name])), found["truncated"]) == (len(items) - over, "true" if over else "false")


def test_of_too_many_results_those_that_failed_come_first() -> None:
    found = outputs("partial", "", results=results(2_000, failed=3, message="m" * 100))
    told = [each["outcome"] for each in json.loads(found["results"])]
    assert told[:4] == ["not-sent"] * 3 + ["already-registered"]
    assert 900 < len(told) < 2_000
    assert found["truncated"] == "true"
    assert sum(len(text) for text in found.values()) <= ROOM


@pytest.mark.parametrize(
    ("name", "done", "share"),
    [
        ("results", "accepted", 1),
        ("results", "already-registered", 1),
        ("checks", "ok", 1 / 2),
        ("checks", "warning", 1 / 2),
    ],
)
def test_what_failed_is_kept_of_a_list_that_is_cut(name: str, done: str, share: float) -> None:
    lines = [*[{"outcome": done, "message": "m" * 100}] * 3_000, {"outcome": "failed", "message": ""}]
    found = outputs("failed", "", more={name: lines})
    assert json.loads(found[name])[:2] == [lines[-1], lines[0]]
    assert ROOM * share - 400 < len(found[name]) <= ROOM * share
    assert found["truncated"] == "true"


def test_results_may_take_what_is_left() -> None:
    found = outputs("partial", "", results=results(300, failed=1, message="m" * 100))
    assert len(found["results"]) > ROOM / 8
    assert [each["outcome"] for each in json.loads(found["results"])][-1] == "not-sent"
    assert found["truncated"] == "false"


def test_text_is_written_as_it_is() -> None:
    assert outputs("registered", "", more={"services": ["zoë"]})["services"] == '["zoë"]'

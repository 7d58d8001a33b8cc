"""Which value counts, where an input, the event and the runner could each name one."""

from typing import Any

import pytest

from builders import NOW, inputs, runtime
from changesets import pull
from dx_action.changes.changeset import MergedPull
from dx_action.deployment import choices
from dx_action.deployment.pull_services import PullServices
from dx_action.deployment.trigger import Trigger
from dx_action.inputs.model import Attribution
from dx_action.inputs.values import Sourced
from dx_action.runner.event import PullRequest

FILES = {"services-from": "codeowners"}
OWN = Trigger(None, pull=PullRequest(number=7, id=77, merged=True))
TOLD = (PullServices((), 88, 8),)


@pytest.mark.parametrize(
    ("given", "chosen", "source"),
    [
        ({}, "commit", "the default"),
        ({"service": "web"}, "commit", "the default"),
        ({"set-pull-services": "true"}, "repository", "input set-pull-services"),
        ({"set-pull-services": "true", "service": "web"}, "repository", "input set-pull-services"),
        (FILES, "repository", "services by the files changed"),
        ({"service-map": "web: [web/**]"}, "repository", "services by the files changed"),
        (FILES | {"set-pull-services": "true"}, "repository", "services by the files changed"),
        (FILES | {"attribution": "commit"}, "commit", "input attribution"),
        (FILES | {"merge-commit-shas": "abc1234"}, "merge-commits", "input merge-commit-shas"),
        ({"merge-commit-shas": "abc1234"}, "merge-commits", "input merge-commit-shas"),
        ({"merge-commit-shas": "abc1234", "attribution": "merge-commits"}, "merge-commits", "input attribution"),
        ({"attribution": "repository"}, "repository", "input attribution"),
    ],
    ids=str,
)
def test_what_is_attributed_by_and_why(given: dict[str, str], chosen: Attribution, source: str) -> None:
    read = inputs(given)
    assert (choices.attribution(read), choices.attribution_source(read)) == (chosen, source)


@pytest.mark.parametrize(
    ("given", "commit", "first"),
    [
        ({}, False, False),
        ({"lead-time-metadata": "none"}, False, False),
        ({"lead-time-metadata": "commit"}, True, False),
        ({"lead-time-metadata": "first-commit"}, False, True),
        ({"lead-time-metadata": "both"}, True, True),
        ({"lead-time-metadata": "both", "metadata": '{"commit_timestamp": null}'}, False, True),
        ({"lead-time-metadata": "both", "metadata": '{"first_commit_timestamp": 1}'}, True, False),
        ({"lead-time-metadata": "both", "metadata": '{"other": 1}'}, True, True),
    ],
    ids=str,
)
def test_which_times_are_filled_in(given: dict[str, str], commit: bool, first: bool) -> None:
    read = inputs(given)
    assert (read.wants_commit_time, read.wants_first_commit_time) == (commit, first)


@pytest.mark.parametrize(
    ("given", "trigger", "told", "found", "expected"),
    [
        ({}, None, (), (), (None, None)),
        ({}, OWN, (), (), (7, 77)),
        ({}, OWN, TOLD, (pull(1),), (7, 77)),
        ({}, None, TOLD, (pull(1),), (8, 88)),
        ({}, None, TOLD * 2, (), (None, None)),
        ({}, None, TOLD * 2, (pull(1),), (None, None)),
        ({}, None, (), (pull(1),), (1, 1001)),
        ({}, None, (), (pull(1), pull(2)), (None, None)),
        ({"pull-number": "7"}, OWN, (), (), (7, 77)),
        ({"pull-id": "77"}, OWN, (), (), (7, 77)),
        ({"pull-number": "9"}, OWN, TOLD, (pull(1),), (9, None)),
        ({"pull-id": "99"}, OWN, TOLD, (pull(1),), (None, 99)),
        ({"pull-number": "9"}, None, TOLD, (pull(1),), (9, None)),
        ({"pull-id": "99"}, None, (), (), (None, 99)),
    ],
    ids=str,
)
def test_which_pull_request_it_is(
    given: dict[str, str],
    trigger: Trigger | None,
    told: tuple[PullServices, ...],
    found: tuple[MergedPull, ...],
    expected: tuple[Any, Any],
) -> None:
    read = inputs(given | ({"operation": "set-pull-services", "service": "web"} if given else {}))
    assert choices.pull(read, trigger, told, found) == expected


def test_the_clock_is_read_to_the_second() -> None:
    assert choices.deployed_at(inputs(), Trigger(None), NOW) == Sourced("2025-03-10T09:30:15Z", "the clock")


@pytest.mark.parametrize(("value", "expected"), [(None, None), ("", None), ("x", Sourced("x", "input source-url"))])
def test_what_an_input_says(value: str | None, expected: Sourced[str] | None) -> None:
    assert choices.written(value, "source-url") == expected


def test_a_run_without_a_page_has_no_job_page() -> None:
    assert choices.job_page(inputs(), runtime("schedule", run_id="")) is None

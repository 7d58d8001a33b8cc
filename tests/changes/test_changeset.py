"""The pull requests that ship, as values: when they are looked up, what they are called, and what is attributed by them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import builders
from builders import ABSENT
from changesets import BEFORE, CERTAIN, COMMIT, HISTORY, pull
from dx_action.changes.changeset import (
    NO_CHANGES,
    Changes,
    ChangeSet,
    MergedPull,
    PullChange,
    deployed_change,
    in_order,
    merged_pull,
    needs_changes,
    own_merge,
    own_pull,
    same_commit,
)
from dx_action.inputs.job import Job
from dx_action.inputs.values import Sourced
from dx_action.runner.event import PullRequestEvent

DISCOVER, SHOW = {"attribution": "merge-commits"}, {"show-pull-requests": "true"}
FIRST = {"lead-time-metadata": "first-commit"}


def test_the_event_s_own_pull_request() -> None:
    own = own_pull(builders.event("pull_request_merged"))
    assert own
    assert (own.id, own.number) == (2401500041, 41)
    assert own_pull(builders.event("push_branch")) is None


# Which runs look at all.


@pytest.mark.parametrize(
    ("event", "inputs", "needed"),
    [
        ("push_branch", {}, False),
        ("push_branch", {"merge-commit-shas": "abc1234"}, False),
        ("push_branch", {"attribution": "repository"}, False),
        ("push_branch", {"lead-time-metadata": "commit"}, False),
        ("push_branch", DISCOVER, True),
        ("push_branch", DISCOVER | {"merge-commit-shas": "abc1234"}, False),
        ("push_branch", SHOW, True),
        ("push_branch", FIRST, True),
        ("push_branch", FIRST | {"metadata": "first_commit_timestamp: 1"}, False),
        ("pull_request_merged", FIRST, False),
        ("pull_request_merged", FIRST | {"since-sha": BEFORE}, True),
        ("pull_request_merged", FIRST | {"merge-commit-shas": "abc1234"}, True),
        ("pull_request_merged", SHOW, True),
    ],
)
def test_what_needs_it(event: str, inputs: dict[str, str], needed: bool) -> None:
    assert needs_changes(builders.inputs(inputs), builders.event(event)) is needed


@pytest.mark.parametrize(
    ("shipments", "expected"),
    [
        ({}, {"commit_timestamp": 5, "first_commit_timestamp": 7}),
        (
            {"web": ChangeSet(HISTORY, True, "forward", (pull(3), pull(2)))},
            {"commit_timestamp": 5, "first_commit_timestamp": 1741428120},
        ),
        (
            {"web": ChangeSet(HISTORY, True, "diverged", (pull(2),))},
            {"commit_timestamp": 5, "first_commit_timestamp": 1741428120},
        ),
        ({"web": ChangeSet(HISTORY, True, "rollback", (pull(2),))}, {"commit_timestamp": 5}),
        (
            {"web": ChangeSet(HISTORY, True, "forward", (pull(2, first_commit_at="yesterday"),))},
            {"commit_timestamp": 5},
        ),
        ({"api": ChangeSet(HISTORY, True, "forward", (pull(2),))}, {"commit_timestamp": 5}),
    ],
    ids=[
        "nothing was looked up",
        "its own",
        "beside what was deployed before",
        "none in a rollback",
        "one that cannot be read",
        "only another's is known",
    ],
)
def test_the_first_commit_is_the_services_own(shipments: dict[str, ChangeSet], expected: dict[str, int]) -> None:
    found = {"commit_timestamp": Sourced(5, ""), "first_commit_timestamp": Sourced(7, "")}
    times = Changes(shipments, lead_times=found).lead_times_of("web")
    assert {key: each.value for key, each in times.items()} == expected


@given(st.lists(st.integers(1, 30)), st.lists(st.integers(1, 30)))
def test_each_pull_request_once_in_the_order_of_merging(one: list[int], other: list[int]) -> None:
    each = {"a": [pull(number) for number in one], "b": [pull(number) for number in other]}
    ships = Changes({name: ChangeSet(HISTORY, True, "forward", in_order(pulls)) for name, pulls in each.items()})
    assert [found.number for found in ships.pulls] == sorted({*one, *other})
    assert [int(sha) for sha in ships.merge_commit_shas("a")] == sorted({*one})
    assert ships.merge_commit_shas("c") == ()


@pytest.mark.parametrize(
    ("shipment", "headline", "shas"),
    [
        (ChangeSet(HISTORY, True, "forward", ()), "Ships 0 pull requests", 0),
        (ChangeSet(HISTORY, True, "forward", (pull(1),)), "Ships 1 pull request", 1),
        (ChangeSet(HISTORY, True, "diverged", (pull(1), pull(2))), "Ships 2 pull requests", 2),
        (ChangeSet(None, True, "forward", (pull(1),)), "Ships 1 pull request", 1),
        (ChangeSet(HISTORY, False, "forward", (pull(1),)), "Ships 1 pull request", 0),
        (ChangeSet(None, False, "forward", (pull(1),)), "Ships at least 1 pull request", 0),
        (ChangeSet(HISTORY, True, "redeploy", ()), "cccccccccccc was deployed before: nothing new ships", 0),
        (
            ChangeSet(HISTORY, False, "redeploy", ()),
            "cccccccccccc is the commit it is compared with: nothing new ships",
            0,
        ),
        (
            ChangeSet(HISTORY, True, "rollback", (pull(1),)),
            "Rollback to cccccccccccc: 1 pull request taken out of production",
            0,
        ),
        (ChangeSet(HISTORY, True, "rollback", (), counted=False), "Rollback to cccccccccccc", 0),
        (
            ChangeSet(HISTORY, False, "rollback", (pull(1),)),
            "cccccccccccc is older than the commit it is compared with, by 1 pull request",
            0,
        ),
    ],
)
def test_what_a_shipment_says_and_is_attributed_by(shipment: ChangeSet, headline: str, shas: int) -> None:
    assert shipment.headline(COMMIT) == headline
    commits = tuple(each.merge_commit_sha for each in shipment.pulls[:shas])
    assert Changes({"web": shipment}).merge_commit_shas("web") == commits
    assert Changes({"web": shipment}).merge_commit_shas("api") == ()


BACK, AGAIN = ChangeSet(HISTORY, True, "rollback", (pull(1),)), ChangeSet(HISTORY, True, "redeploy", (pull(2),))


@pytest.mark.parametrize(
    ("shipments", "rollback", "nothing_new", "pulls"),
    [
        ([], None, False, []),
        ([CERTAIN], False, False, [1]),
        ([BACK], True, True, []),
        ([AGAIN], False, True, [2]),
        ([BACK, AGAIN], True, True, [2]),
        ([BACK, CERTAIN], True, False, [1]),
        ([CERTAIN, AGAIN], False, False, [1, 2]),
        ([BACK._replace(certain=False)], None, False, []),
        ([BACK._replace(previous=None)], None, True, []),
        ([AGAIN._replace(certain=False), BACK], True, False, [2]),
    ],
)
def test_what_all_services_ship_together(
    shipments: list[ChangeSet], rollback: bool | None, nothing_new: bool, pulls: list[int]
) -> None:
    ships = Changes({f"s{number}": each for number, each in enumerate(shipments)})
    assert (ships.rollback, ships.nothing_new) == (rollback, nothing_new)
    assert [each.number for each in ships.pulls] == pulls
    assert (ships.listed, NO_CHANGES.listed) == (False, False)


def test_only_those_of_the_numbers_are_dated() -> None:
    ships = Changes({"web": CERTAIN._replace(pulls=(pull(1), pull(2)))}, listed=True)
    found = ships.dated([pull(2, title="Dated"), pull(3)])
    assert [each.title for each in found.by_service["web"].pulls] == ["Change 1", "Dated"]
    assert found.listed


def told(**changes: Any) -> MergedPull:
    found = builders.event("pull_request_merged", {f"pull_request.{name}": value for name, value in changes.items()})
    assert isinstance(found, PullRequestEvent)
    return merged_pull(found.pull_request)


def test_every_field_is_the_events() -> None:
    assert told(title="Add a", changed_files=3) == MergedPull(
        number=41,
        id=2401500041,
        title="Add a",
        url="https://github.com/acme/shop/pull/41",
        author="octocat",
        merged_at="2025-03-04T10:15:30Z",
        merge_commit_sha="312c5c6455a5802d9eff8e65fbc68a516dd3a76d",
        base_ref="main",
        base=told().base,
        head=told().head,
        changed_files=3,
    )
    assert len(told().base) == len(told().head) == 40


@pytest.mark.parametrize("nothing", [None, ABSENT], ids=["null", "absent"])
@pytest.mark.parametrize(
    ("name", "field", "expected"),
    [
        ("title", "title", ""),
        ("html_url", "url", ""),
        ("user", "author", "ghost"),
        ("merged_at", "merged_at", ""),
        ("merge_commit_sha", "merge_commit_sha", ""),
        ("base", "base", ""),
        ("base", "base_ref", ""),
        ("head", "head", ""),
        ("changed_files", "changed_files", 0),
    ],
)
def test_what_the_event_leaves_out_is_empty(name: str, field: str, expected: object, nothing: object) -> None:
    assert getattr(told(**{name: nothing}), field) == expected


@pytest.mark.parametrize(
    ("whole", "commit", "same"),
    [
        ("abc1234def", "abc1234", True),
        ("ABC1234def", "abC1234DEF", True),
        ("abc1234", "abc1234def", False),
        ("abc1234", "bc1234", False),
        (None, "abc1234", False),
        ("abc1234", None, False),
        ("abc1234", "", False),
    ],
)
def test_an_abbreviated_commit_is_the_whole_one(whole: str | None, commit: str | None, *, same: bool) -> None:
    assert same_commit(whole, commit) is same


def test_the_event_s_own_merge_is_found_among_several_commits() -> None:
    happened = builders.event("pull_request_merged")
    merged = str(builders.payload("pull_request_merged")["pull_request"]["merge_commit_sha"])
    (pull,) = own_merge(happened, "f" * 40, merged[:7], None)
    assert pull.merge_commit_sha == merged
    assert own_merge(happened, "f" * 40, None) == own_merge(happened) == ()
    assert own_merge(builders.event("push_branch"), merged) == ()


def test_a_pull_request_that_an_input_names_is_looked_up_by_its_number() -> None:
    asked = builders.inputs({"pull-number": "77"})
    for name in ("pull_request_merged", "push_branch", "schedule"):
        assert deployed_change(builders.event(name), asked, "abc1234") == PullChange(77)


# Facts for `metadata`.


def shipped(course: Any, pulls: int = 2, *, certain: bool = True, known: bool = True) -> ChangeSet:
    return ChangeSet(HISTORY if known else None, certain, course, tuple(map(pull, range(pulls))))


@pytest.mark.parametrize(
    ("change_set", "found"),
    [
        (shipped("forward"), {"rollback": False, "pull_requests": 2}),
        (shipped("diverged", 1), {"rollback": False, "pull_requests": 1}),
        (shipped("forward", 0), {"rollback": False, "pull_requests": 0}),
        (shipped("redeploy", 0), {"rollback": False, "pull_requests": 0}),
        (shipped("rollback"), {"rollback": True, "pull_requests": 0}),
        (shipped("forward", known=False), {"pull_requests": 2}),
        (shipped("forward", certain=False), {}),
        (shipped("rollback", certain=False, known=False), {}),
        (None, {}),
    ],
    ids=str,
)
def test_facts_of_a_deployment(change_set: ChangeSet | None, found: dict[str, object]) -> None:
    changes = Changes({"web": change_set} if change_set else {}, facts=("pull_requests", "rollback", "started_at"))
    assert {fact: value.value for fact, value in changes.facts_of("web").items()} == found
    assert list(changes._replace(facts=("rollback",)).facts_of("web")) == [fact for fact in found if fact == "rollback"]
    assert changes.facts_of("other") == changes._replace(facts=()).facts_of("web") == {}


def test_the_time_at_which_a_job_started() -> None:
    changes = Changes({}, facts=("started_at",), job=Job("success", started=0))
    assert changes.facts_of("web") == {"started_at": Sourced(0, "the job's start")}
    assert changes.missing_facts(["web"]) == ()
    assert changes._replace(facts=()).facts_of("web") == {}
    lost = "`started_at` of `extra-metadata` is left out, because "
    assert changes._replace(job=Job("success")).missing_facts(["web"]) == (
        f"{lost}this runner does not pass on what the start of `job/` saved.",
    )
    assert changes._replace(job=None).missing_facts(["web"]) == (
        f"{lost}only the action's `job/` records when a job starts.",
    )


UNSURE = "because it could not be determined what was deployed before."


def test_a_fact_that_could_not_be_had_is_named_with_the_services() -> None:
    changes = Changes({"web": shipped("forward")}, facts=("rollback",))
    assert changes.missing_facts(["web"]) == ()
    assert changes.missing_facts(["web", "api"]) == (f"`rollback` of `extra-metadata` is left out for api, {UNSURE}",)
    assert changes.missing_facts(["api"]) == (f"`rollback` of `extra-metadata` is left out, {UNSURE}",)
    unknown = Changes({}, facts=("pull_requests",), reasons={"why": ("web",)})
    assert unknown.missing_facts(["web"]) == (f"`pull_requests` of `extra-metadata` is left out, {UNSURE}",)
    assert unknown.missing_facts([]) == ()

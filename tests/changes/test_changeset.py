"""What ships, as a decision: who is asked what, and what comes of the answers; and how it is told."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import builders
from builders import ABSENT
from changesets import BEFORE, COMMIT, DEPLOYED_AT, HISTORY, UNKNOWN, Lookups, pull
from dx_action.changes import warnings as doubts
from dx_action.changes.changeset import (
    CLOCK,
    NO_CHANGES,
    Changes,
    ChangeSet,
    Course,
    MergedPull,
    UnavailableError,
    UnknownCommitError,
    event_pull,
    in_order,
    needs_changes,
)
from dx_action.changes.discover import discover
from dx_action.changes.lead_time import lead_times
from dx_action.errors import ActionError, BadInput
from dx_action.inputs.values import Sourced
from dx_action.report.summary import lead_time, what_ships
from dx_action.runner.event import Deployment, PullRequestEvent
from dx_action.services.service import Service
from runner import check_summary

# The bounds, as literals: what the code has must be these.
MOST_BARS, MOST_ROWS, MOST_SECTIONS = 20, 100, 20

DISCOVER, SHOW = {"attribution": "merge-commits"}, {"show-pull-requests": "true"}
BOTH, FIRST = {"lead-time-metadata": "both"}, {"lead-time-metadata": "first-commit"}


def look(
    lookups: Lookups,
    *given: Mapping[str, str],
    event: str = "workflow_dispatch",
    changes: dict[str, Any] | None = None,
    services: str = "web",
    commit: str | None = COMMIT,
    source: str = CLOCK,
) -> Changes:
    inputs = builders.inputs({name: text for each in given for name, text in each.items()})
    happened = builders.event(event, changes)
    return discover(
        inputs,
        happened,
        [Service(name) for name in services.split()],
        commit,
        Sourced(DEPLOYED_AT, source),
        lambda: lookups,
    )


def numbers(ships: Changes, service: str = "web") -> list[int]:
    return [each.number for each in ships.by_service[service].pulls]


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


# The previous deployment.


PRODUCTION = {"environment": "production", "production_environment": True, "transient_environment": False}
# The event, its changes, inputs, services; then the environment asked for, whether alone, the own deployment's id.
WANTED: list[tuple[str, dict[str, Any], dict[str, str], str, str | None, bool, int | None]] = [
    ("workflow_dispatch", {}, {}, "web", None, True, None),
    ("workflow_dispatch", {}, {"environment": "prod-eu"}, "web", "prod-eu", True, None),
    ("workflow_dispatch", {}, {}, "web api", None, False, None),
    ("workflow_dispatch", {}, {"service-map": "web: [web/**]"}, "web", None, False, None),
    ("workflow_dispatch", {}, {"service": "web", "service-map": "web: [web/**]"}, "web", None, False, None),
    ("workflow_dispatch", {}, {"services-from": "backstage"}, "web", None, False, None),
    ("workflow_dispatch", {}, {"services-from": "codeowners"}, "web", None, False, None),
    ("deployment_status_success", {}, {"environment": "prod-eu"}, "web", "production", True, 2251300501),
    ("deployment_status_success", {"deployment.environment": None}, {}, "web", None, True, 2251300501),
]


@pytest.mark.parametrize(("event", "changes", "inputs", "services", "environment", "alone", "own"), WANTED)
def test_what_is_asked_of_the_history(
    event: str,
    changes: dict[str, Any],
    inputs: dict[str, str],
    services: str,
    environment: str | None,
    alone: bool,
    own: int | None,
) -> None:
    lookups = Lookups(previous_ones=dict.fromkeys(services.split(), HISTORY), touching={1: frozenset(), 2: frozenset()})
    look(lookups, DISCOVER, inputs, event=event, changes=changes, services=services)
    wanted = lookups.asked[0][1]
    assert (wanted.services, wanted.environment, wanted.alone) == (tuple(services.split()), environment, alone)
    assert (wanted.own and wanted.own.id) == own


@pytest.mark.parametrize(
    ("event", "source", "until"),
    [
        ("workflow_dispatch", CLOCK, None),
        ("workflow_dispatch", "input deployed-at", DEPLOYED_AT),
        ("workflow_run_success", "workflow_run.updated_at", DEPLOYED_AT),
        ("deployment_status_success", "deployment_status.created_at", "2025-03-04T14:05:05Z"),
        ("deployment_status_success", CLOCK, "2025-03-04T14:05:05Z"),
    ],
)
def test_what_was_made_later_is_not_asked_for(event: str, source: str, until: str | None) -> None:
    lookups = Lookups()
    look(lookups, DISCOVER, event=event, source=source)
    assert lookups.asked[0][1].until == until


@pytest.mark.parametrize(
    ("inputs", "deployment", "counts"),
    [
        ({}, PRODUCTION, True),
        ({}, {"environment": "prod-eu"}, True),
        ({}, {"environment": "staging"}, False),
        ({}, {"environment": None}, False),
        ({}, PRODUCTION | {"transient_environment": True}, False),
        ({"only-environments": "live*"}, PRODUCTION, False),
        ({"only-environments": "live*"}, {"environment": "LIVE/eu"}, True),
        ({"environment": "staging"}, {"environment": "staging"}, True),
        ({"environment": "staging"}, {"environment": "Staging"}, False),
        ({"environment": "staging"}, PRODUCTION, False),
        ({"environment": "staging", "only-environments": "live"}, {"environment": "live"}, False),
    ],
)
def test_which_deployments_are_of_this_environment(
    inputs: dict[str, str], deployment: dict[str, Any], counts: bool
) -> None:
    lookups = Lookups()
    look(lookups, DISCOVER, inputs)
    assert lookups.asked[0][1].counts(Deployment(id=1, sha=BEFORE, **deployment)) is counts


def test_a_given_commit_wins_over_the_history() -> None:
    lookups = Lookups()
    ships = look(lookups, DISCOVER, {"since-sha": "1234567"}, services="web api")
    assert lookups.asked[0] == ("span", "1234567", COMMIT)
    assert {each.previous for each in ships.by_service.values()} == {Sourced("1234567", "input since-sha")}


@pytest.mark.parametrize("attribution", [DISCOVER, SHOW, FIRST])
def test_a_given_commit_that_is_unknown_is_a_bad_input(attribution: dict[str, str]) -> None:
    with pytest.raises(BadInput, match="`since-sha` is no commit of the repository"):
        look(Lookups(spans=UnknownCommitError()), attribution, {"since-sha": "1234567"})


def test_without_a_commit_nothing_ships() -> None:
    with pytest.raises(BadInput, match="`commit-sha` is missing"):
        look(Lookups(), DISCOVER, commit=None)
    ships = look(Lookups(), SHOW, {"merge-commit-shas": "abc1234"}, commit=None)
    assert (numbers(ships), ships.warnings) == ([1, 2], ())


# What comes of it.


@pytest.mark.parametrize(
    ("course", "rollback", "sent", "shown"),
    [
        ("forward", False, ["1", "2"], [1, 2]),
        ("diverged", False, ["1", "2"], [1, 2]),
        ("rollback", True, [], []),
        ("redeploy", False, [], []),
    ],
)
@pytest.mark.parametrize("inputs", [{}, {"since-sha": BEFORE}], ids=["history", "given"])
def test_each_way(course: Course, rollback: bool, sent: list[str], shown: list[int], inputs: dict[str, str]) -> None:
    ships = look(Lookups(course=course), DISCOVER, inputs)
    assert ships.rollback is rollback
    assert [sha.lstrip("0") for sha in ships.merge_commit_shas("web")] == sent
    assert [each.number for each in ships.pulls] == shown
    assert numbers(ships) == ([] if course == "redeploy" else [1, 2])
    assert ships.nothing_new is (not shown)


# Where an input can give what is not found, the reason says so.
GIVE = " (`since-sha` can give the commit that was deployed before)"
# How each answer that does not come is told: as the reason, and what is left.
LOST: dict[str, tuple[dict[str, Any], str]] = {
    "no deployments": ({"previous_ones": UnavailableError("why")}, f"why{GIVE}"),
    "none before": ({"previous_ones": {"web": "why"}}, f"why{GIVE}"),
    "no comparison": ({"spans": UnavailableError("why")}, "why"),
    "no pull requests": ({"pulls": UnavailableError("why")}, "why"),
}


@pytest.mark.parametrize("name", LOST)
def test_what_github_does_not_tell_is_a_reason(name: str) -> None:
    answers, why = LOST[name]
    ships = look(Lookups(**answers), DISCOVER)
    assert (ships.by_service, ships.rollback, ships.merge_commit_shas("web")) == ({}, None, ())
    assert ships.reasons == {why: ("web",)}
    (warning,) = ships.warnings
    assert warning == (
        f"The deployment is attributed by the commit, not by merge commits: {why}. DX then fills the gap since the deployment "
        "that it knows before."
    )


def test_a_commit_of_the_history_that_is_gone() -> None:
    ships = look(Lookups(spans=UnknownCommitError()), DISCOVER)
    assert ships.reasons == {
        f"the repository does not have the commit that was there before, or the deployed one{GIVE}": ("web",)
    }


def test_services_with_different_answers() -> None:
    lookups = Lookups(previous_ones={"web": HISTORY, "api": "why", "cart": Sourced("d" * 40, "x"), "jobs": "why"})
    ships = look(lookups, DISCOVER, services="web api cart jobs")
    assert list(ships.by_service) == ["web", "cart"]
    assert ships.reasons == {f"why{GIVE}": ("api", "jobs")}
    assert ships.warnings[0].startswith(
        "The deployments of api, jobs are attributed by the commit, not by merge commits"
    )


def test_each_service_keeps_what_touches_it() -> None:
    touching = {1: frozenset({"web", "api"}), 2: frozenset({"api"}), 3: frozenset({"other"})}
    lookups = Lookups(
        pulls=(pull(3), pull(1), pull(2)), touching=touching, previous_ones={"web": HISTORY, "api": HISTORY}
    )
    ships = look(lookups, DISCOVER, {"service-map": "web: [web/**]"}, services="web api")
    assert (numbers(ships, "web"), numbers(ships, "api")) == ([1], [1, 2])
    assert lookups.asked[-2] == ("services_of", [1, 2, 3])


def test_what_touches_which_service_may_not_be_known() -> None:
    by_map = {"service-map": "web: [web/**]"}
    ships = look(Lookups(touching=UnavailableError("why")), DISCOVER, by_map)
    assert (ships.by_service, ships.reasons) == ({}, {"why": ("web",)})
    for course in ("rollback", "redeploy"):
        ships = look(Lookups(touching=UnavailableError("why"), course=course), DISCOVER, by_map)
        assert (ships.rollback, ships.reasons, numbers(ships)) == (course == "rollback", {}, [])
    with pytest.raises(ActionError, match="`service-map` is broken"):
        look(Lookups(touching=BadInput.of("service-map", "is broken.")), DISCOVER, by_map)


def test_a_merge_just_now_is_told_by_its_event() -> None:
    """GitHub may not know it by its commit yet."""
    lookups = Lookups(pulls=(pull(1),))
    changes = {"pull_request.merge_commit_sha": COMMIT}
    ships = look(lookups, DISCOVER, event="pull_request_merged", changes=changes)
    assert numbers(ships) == [41, 1]
    assert look(lookups, DISCOVER, event="pull_request_merged").by_service["web"].pulls == (pull(1),)


def test_after_a_push_the_newest_is_waited_for() -> None:
    for event, newest in (("push_branch", COMMIT), ("workflow_dispatch", None), ("pull_request_merged", None)):
        lookups = Lookups()
        look(lookups, DISCOVER, event=event)
        assert ("merged", (BEFORE, COMMIT), newest) in lookups.asked


# What is only shown.


@pytest.mark.parametrize(
    ("event", "changes", "release", "previous", "shown", "at_least"),
    [
        ("push_branch", {"before": "d" * 40}, None, "push.before", [1, 2], ""),
        ("push_branch", {"before": "0" * 40}, None, None, [1, 2], " at least"),
        ("push_branch", {"before": ABSENT}, None, None, [1, 2], " at least"),
        ("release_published", {}, "v1", "the release before", [1, 2], ""),
        ("release_published", {}, None, None, [1, 2], " at least"),
        ("pull_request_merged", {"pull_request.merge_commit_sha": COMMIT}, None, None, [41], " at least"),
        ("pull_request_merged", {}, None, None, [1, 2], " at least"),  # another commit was deployed
        ("workflow_dispatch", {}, None, None, [1, 2], " at least"),
    ],
)
def test_without_a_previous_deployment(
    event: str,
    changes: dict[str, Any],
    release: str | None,
    previous: str | None,
    shown: list[int],
    at_least: str,
) -> None:
    """Nothing of it is sent, and without being asked for nothing is looked up for it."""
    lookups = Lookups(
        previous_ones={"web": UNKNOWN}, release=Sourced(release, "the release before") if release else None
    )
    ships = look(lookups, DISCOVER, SHOW, event=event, changes=changes)
    shipment = ships.by_service["web"]
    assert (shipment.previous and shipment.previous.source, numbers(ships)) == (previous, shown)
    assert shipment.course == "forward"
    assert shipment.headline(COMMIT) == f"Ships {len(shown)} pull request{'s' * (len(shown) > 1)}{at_least}"
    assert (ships.merge_commit_shas("web"), ships.rollback, ships.reasons) == ((), None, {UNKNOWN + GIVE: ("web",)})
    quiet = Lookups(previous_ones={"web": UNKNOWN})
    assert look(quiet, DISCOVER, event=event, changes=changes).by_service == {}
    assert quiet.names == ["previous"]


def test_a_push_back_without_a_history_is_no_rollback() -> None:
    lookups = Lookups(previous_ones={"web": UNKNOWN}, course="rollback")
    ships = look(lookups, SHOW, event="push_branch", changes={"before": BEFORE})
    assert ships.rollback is None
    assert (
        ships.by_service["web"]
        .headline(COMMIT)
        .endswith(" comes before what it is compared with: 2 pull requests less")
    )


# The default branch.


@pytest.mark.parametrize(
    ("event", "changes", "asked"),
    [
        ("workflow_dispatch", {}, True),
        ("workflow_dispatch", {"repository.default_branch": ABSENT}, False),
        ("push_branch", {"head_commit.id": COMMIT}, False),
        ("push_branch", {"head_commit.id": COMMIT.upper()}, False),
        ("push_branch", {"head_commit.id": COMMIT, "ref": "refs/heads/next"}, True),
        ("push_branch", {"head_commit.id": COMMIT, "ref": "refs/tags/main"}, True),
        ("push_branch", {"head_commit": None}, True),
        ("push_branch", {}, True),
        ("pull_request_merged", {"pull_request.merge_commit_sha": COMMIT}, False),
        ("pull_request_merged", {"pull_request.merge_commit_sha": COMMIT, "pull_request.base.ref": "next"}, True),
        ("pull_request_merged", {}, True),
    ],
)
def test_whether_the_branch_is_asked_for(event: str, changes: dict[str, Any], asked: bool) -> None:
    """The last of an event's rows deploys another commit than the event's, by hand."""
    lookups = Lookups(off_branch=True)
    ships = look(lookups, DISCOVER, event=event, changes=changes)
    assert (("is_off_branch", "main", COMMIT) in lookups.asked) is asked
    assert any("is not on the default branch" in warning for warning in ships.warnings) is asked


def test_a_commit_in_capitals_is_the_event_s() -> None:
    lookups = Lookups(off_branch=True)
    look(lookups, DISCOVER, event="push_branch", changes={"head_commit.id": COMMIT}, commit=COMMIT.upper())
    assert "is_off_branch" not in lookups.names


def test_pull_requests_of_which_some_have_no_first_commit_yet_are_asked_for() -> None:
    lookups = Lookups()
    some = (pull(1, first_commit_at="2025-03-09T10:00:00Z"), pull(2, first_commit_at=None))
    ships = Changes({"web": ChangeSet(None, True, "forward", some)})
    read = builders.inputs({"lead-time-metadata": "first-commit"})
    lead_times(read, builders.event("push_branch"), COMMIT, ships, lambda: lookups)
    assert lookups.asked == [("dated", [1, 2])]


@pytest.mark.parametrize("beside", [False, UnavailableError("why"), UnknownCommitError()])
def test_no_warning_where_it_is_on_the_branch_or_nobody_tells(beside: bool | Exception) -> None:
    assert look(Lookups(off_branch=beside), DISCOVER).warnings == ()


# Lead time.


@pytest.mark.parametrize(
    ("event", "changes", "expected"),
    [
        ("pull_request_merged", {"pull_request.merge_commit_sha": COMMIT}, (1741083330, "pull_request.merged_at")),
        ("pull_request_merged", {}, (1741514400, "GitHub's commit")),
        (
            "push_branch",
            {"head_commit.id": COMMIT, "head_commit.timestamp": "2025-03-04T12:00:00+02:00"},
            (1741082400, "push.head_commit.timestamp"),
        ),
        (
            "push_branch",
            {"head_commit.id": COMMIT.upper(), "head_commit.timestamp": "2025-03-04T12:00:00+02:00"},
            (1741082400, "push.head_commit.timestamp"),
        ),
        ("push_branch", {"head_commit": None}, (1741514400, "GitHub's commit")),
        ("push_branch", {"head_commit.id": COMMIT, "head_commit.timestamp": None}, (1741514400, "GitHub's commit")),
        (
            "workflow_run_success",
            {"workflow_run.head_sha": COMMIT, "workflow_run.head_commit.timestamp": "2025-03-04T10:00:00Z"},
            (1741082400, "workflow_run.head_commit.timestamp"),
        ),
        (
            "workflow_run_success",
            {"workflow_run.head_sha": COMMIT, "workflow_run.head_commit": None},
            (1741514400, "GitHub's commit"),
        ),
        ("release_published", {}, (1741514400, "GitHub's commit")),
    ],
)
def test_the_commits_time(event: str, changes: dict[str, Any], expected: tuple[int, str]) -> None:
    lookups = Lookups()
    found = look(lookups, {"lead-time-metadata": "commit"}, event=event, changes=changes).lead_times
    assert found == {"commit_timestamp": Sourced(*expected)}
    assert lookups.names == (["committed_at"] if "GitHub" in expected[1] else [])


def test_a_commit_may_be_given_in_short() -> None:
    changes = {"head_commit.id": COMMIT, "head_commit.timestamp": "2025-03-04T12:00:00Z"}
    lookups = Lookups()
    look(lookups, {"lead-time-metadata": "commit"}, event="push_branch", changes=changes, commit="CCCCCCC")
    assert lookups.names == []


@pytest.mark.parametrize(
    ("lookups", "event", "changes", "expected"),
    [
        (Lookups(), "workflow_dispatch", {}, (1740787260, "pull request #1")),
        (Lookups(pulls=(pull(3), pull(2))), "workflow_dispatch", {}, (1740787320, "pull request #2")),
        (Lookups(), "pull_request_merged", {"pull_request.merge_commit_sha": COMMIT}, (1740787260, "pull request #41")),
        (Lookups(previous_ones={"web": UNKNOWN}), "push_branch", {}, (1740787260, "pull request #1")),
    ],
    ids=["those that ship", "the earliest, whichever was merged first", "its own", "what a push moved"],
)
def test_the_first_commits_time(
    lookups: Lookups, event: str, changes: dict[str, Any], expected: tuple[int, str]
) -> None:
    found = look(lookups, FIRST, event=event, changes=changes).lead_times
    assert found == {"first_commit_timestamp": Sourced(*expected)}
    assert lookups.names.count("dated") == 1


@pytest.mark.parametrize("course", ["rollback", "redeploy"])
def test_where_nothing_new_ships_there_is_no_first_commit(course: Course) -> None:
    ships = look(Lookups(course=course), BOTH)
    assert (list(ships.lead_times), ships.warnings) == (["commit_timestamp"], ())


@pytest.mark.parametrize(
    ("lookups", "event", "commit", "expected"),
    [
        (
            Lookups(pulls=()),
            "workflow_dispatch",
            COMMIT,
            "`first_commit_timestamp` is left out of the metadata: no pull request",
        ),
        (
            Lookups(undated=UnavailableError("why"), pulls=(pull(1, first_commit_at=None),)),
            "workflow_dispatch",
            COMMIT,
            "`first_commit_timestamp` is left out of the metadata: why.",
        ),
        (
            Lookups(silent=True, pulls=(pull(1, first_commit_at=None),)),
            "workflow_dispatch",
            COMMIT,
            "`first_commit_timestamp` is left out of the metadata: GitHub tells no commits of the pull requests.",
        ),
        (
            Lookups(committed=UnavailableError("why")),
            "workflow_dispatch",
            COMMIT,
            "`commit_timestamp` is left out of the metadata: why.",
        ),
        (
            Lookups(committed="yesterday"),
            "workflow_dispatch",
            COMMIT,
            "`commit_timestamp` is left out of the metadata: GitHub gave a time",
        ),
        (
            Lookups(pulls=()),
            "pull_request_merged",
            COMMIT,
            "`first_commit_timestamp` is left out of the metadata: no pull",
        ),
        (Lookups(), "pull_request_merged", None, "`commit_timestamp` is left out of the metadata: no commit is known."),
    ],
)
def test_a_time_that_cannot_be_had(lookups: Lookups, event: str, commit: str | None, expected: str) -> None:
    _, missing = lead_times(
        builders.inputs(BOTH),
        builders.event(event),
        commit,
        look(replace(lookups, committed="2025-03-04T12:00:00Z"), SHOW) if commit else NO_CHANGES,
        lambda: lookups,
    )
    assert any(each.startswith(expected) for each in missing), missing


def test_what_metadata_gives_is_not_looked_for() -> None:
    lookups = Lookups()
    given = BOTH | {"metadata": '{"commit_timestamp": 1, "first_commit_timestamp": 2}'}
    assert look(lookups, given) == replace(NO_CHANGES)
    assert lookups.asked == []


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


# Doubts.


def ships_of(count: int, previous: Sourced[str] | None = HISTORY, **more: Any) -> Changes:
    pulls = tuple(replace(pull(number % 60), number=number) for number in range(1, count + 1))
    return Changes({"web": replace(ChangeSet(previous, True, "forward", pulls), **more)})


@pytest.mark.parametrize(
    ("ships", "said"),
    [
        (ships_of(50), []),
        (ships_of(51), ["This deployment ships 51 pull requests, which is far more than one mostly does."]),
        (ships_of(51, None), []),
        (ships_of(51, course="rollback"), []),
        (ships_of(1, pulls=(pull(1, merged_at="2025-01-09T09:30:15Z"),)), []),
        (
            ships_of(1, pulls=(pull(1, merged_at="2025-01-09T09:30:14Z"),)),
            ["The oldest pull request that ships, #1, was merged on 2025-01-09."],
        ),
        (ships_of(1, pulls=(pull(1, merged_at="soon"),)), []),
        (ships_of(1, pulls=(pull(1, merged_at=""),)), []),
        (ships_of(0, course="redeploy"), []),
        (
            ships_of(0),
            ["The deployment is attributed by the commit, not by merge commits: since bbbbbbbbbbbb no pull request"],
        ),
    ],
)
def test_doubts(ships: Changes, said: list[str]) -> None:
    found = list(doubts.warnings(ships, ["web"], DEPLOYED_AT, discovers=True))
    assert len(found) == len(said)
    assert all(one.startswith(other) for one, other in zip(found, said, strict=True)), found


CERTAIN, GUESSED = ChangeSet(HISTORY, True, "forward", (pull(1),)), ChangeSet(HISTORY, False, "forward", (pull(1),))


@pytest.mark.parametrize(
    ("courses", "said"),
    [
        ({"web": CERTAIN, "api": CERTAIN}, []),
        (
            {"web": replace(CERTAIN, course="rollback"), "api": CERTAIN},
            [
                "The deployment of web is attributed by the commit: the deployment goes back to what was deployed before, "
            ],
        ),
        (
            {"web": replace(CERTAIN, course="redeploy"), "api": replace(CERTAIN, course="redeploy")},
            ["The deployments are attributed by the commit: the deployment is once more what was deployed before, "],
        ),
        (
            {"web": replace(CERTAIN, course="redeploy"), "api": replace(CERTAIN, course="rollback")},
            ["The deployment of api is attributed by ", "The deployment of web is attributed by the commit: "],
        ),
        ({"web": replace(GUESSED, course="rollback"), "api": replace(GUESSED, course="redeploy")}, []),
    ],
)
def test_what_goes_back_is_explained(courses: dict[str, ChangeSet], said: list[str]) -> None:
    found = list(doubts.notices(Changes(courses), list(courses), discovers=True))
    assert len(found) == len(said)
    assert all(
        one.startswith(other) and one.endswith("ships nothing new.") for one, other in zip(found, said, strict=True)
    )


@pytest.mark.parametrize(
    ("courses", "said"),
    [
        (
            {"web": replace(CERTAIN, pulls=()), "api": replace(CERTAIN, course="diverged", pulls=())},
            [
                "The deployments are attributed by the commit, not by merge commits: since bbbbbbbbbbbb no pull request of it"
            ],
        ),
        (
            {"web": replace(CERTAIN, pulls=()), "api": CERTAIN},
            [
                "The deployment of web is attributed by the commit, not by merge commits: since bbbbbbbbbbbb no pull request"
            ],
        ),
        ({"web": replace(GUESSED, pulls=()), "api": replace(CERTAIN, pulls=(), previous=None)}, []),
        (
            {
                "web": replace(CERTAIN, pulls=(), course="rollback"),
                "api": replace(CERTAIN, pulls=(), course="redeploy"),
            },
            [],
        ),
    ],
)
def test_what_goes_on_without_a_pull_request_is_doubted(courses: dict[str, ChangeSet], said: list[str]) -> None:
    found = list(doubts.warnings(Changes(courses), list(courses), DEPLOYED_AT, discovers=True))
    assert len(found) == len(said)
    assert all(one.startswith(other) for one, other in zip(found, said, strict=True)), found


@pytest.mark.parametrize(("course", "told"), [("forward", True), ("diverged", True), ("rollback", False)])
def test_many_or_old_ones_are_doubted_only_on_the_way_on(course: Course, told: bool) -> None:
    many = ships_of(51, course=course)
    assert bool(list(doubts.warnings(many, ["web"], DEPLOYED_AT, discovers=False))) is told


def test_why_it_is_not_known_is_explained_where_nothing_was_to_be_sent() -> None:
    ships = Changes({}, reasons={"why": ("web",), "how": ("api", "web")})
    assert list(doubts.notices(ships, ["web", "api"], discovers=False)) == [
        "What ships of web is not known for certain: why.",
        "What ships is not known for certain: how.",
    ]
    assert list(doubts.notices(ships, ["web", "api"], discovers=True)) == []
    found = list(doubts.warnings(ships, ["web", "api"], DEPLOYED_AT, discovers=True))
    assert [each.partition(". DX")[0] for each in found] == [
        "The deployment of web is attributed by the commit, not by merge commits: why",
        "The deployments are attributed by the commit, not by merge commits: how",
    ]


def test_several_services_that_ship_the_same_are_doubted_once() -> None:
    many = ships_of(60).by_service["web"]
    names = [f"service-{number}" for number in range(14)]
    ships = Changes(dict.fromkeys(names[:12], many))
    (warning,) = doubts.warnings(ships, names, DEPLOYED_AT, discovers=True)
    assert "This deployment of service-0, service-1, " in warning
    assert ", service-9 and 2 more ships 60 pull requests" in warning


def test_nothing_to_show_is_doubted_only_where_it_is_to_be_shown() -> None:
    none = ships_of(0)
    assert list(doubts.warnings(none, ["web"], DEPLOYED_AT, discovers=False)) == []
    (warning,) = doubts.warnings(replace(none, listed=True), ["web"], DEPLOYED_AT, discovers=False)
    assert warning == "Nothing ships that came by a pull request: since bbbbbbbbbbbb no pull request of it was merged."


# How it is told.


@pytest.mark.parametrize(
    ("since", "until", "told"),
    [
        ("2025-03-10T09:30:00Z", DEPLOYED_AT, "0 min"),
        ("2025-03-10T09:00:15Z", DEPLOYED_AT, "30 min"),
        ("2025-03-10T08:30:15Z", DEPLOYED_AT, "1 h 0 min"),
        ("2025-03-10T10:30:15+02:00", DEPLOYED_AT, "1 h 0 min"),
        ("2025-03-09T09:30:15Z", DEPLOYED_AT, "1 d"),
        ("2025-03-08T08:31:15Z", DEPLOYED_AT, "2 d"),
        ("2025-03-08T08:30:15Z", DEPLOYED_AT, "2 d 1 h"),
        ("2024-03-10T09:30:15Z", DEPLOYED_AT, "365 d"),
        ("2025-03-10T09:30:16Z", DEPLOYED_AT, ""),
        (None, DEPLOYED_AT, ""),
        ("soon", DEPLOYED_AT, ""),
    ],
)
def test_how_long(since: str | None, until: str, told: str) -> None:
    assert lead_time(since, until) == told


def test_what_is_not_to_be_listed_is_a_headline() -> None:
    text = what_ships(ships_of(3), DEPLOYED_AT, COMMIT)
    assert text.startswith("#### Ships 3 pull requests\n\nPrevious deployment: ")
    assert "|" not in text


def test_nothing_looked_up_is_nothing_told() -> None:
    assert what_ships(NO_CHANGES, DEPLOYED_AT, COMMIT) == ""


def test_the_chart_needs_two_and_their_times() -> None:
    """It holds what was merged between its first commit and the deployment."""
    whole = (pull(1), pull(2))
    for pulls, bars in (
        (whole, 2),
        (whole[:1], 0),
        ((pull(1), pull(2, first_commit_at=None)), 0),
        ((*whole, pull(3, first_commit_at="2025-03-10T00:00:00Z")), 2),
        ((*whole, pull(3, merged_at="2025-03-11T00:00:00Z")), 2),
    ):
        text = what_ships(replace(ships_of(1, pulls=pulls), listed=True), DEPLOYED_AT, COMMIT)
        assert text.count("section #") == bars
        assert ("```mermaid" in text) is bool(bars)


def test_the_summary_is_bounded() -> None:
    many = ships_of(300).by_service["web"]
    every = {f"s{number}": replace(many, pulls=many.pulls[number:]) for number in range(30)}
    text = what_ships(Changes(every, listed=True), DEPLOYED_AT, COMMIT)
    assert text.count("\n| <a ") == MOST_ROWS
    assert text.count("#### Ships") == MOST_SECTIONS
    assert text.count("section #") == MOST_SECTIONS * MOST_BARS
    assert text.endswith("… and 10 more services.\n")
    check_summary(text)


wild = st.text(st.characters(), max_size=40) | st.sampled_from(
    ["::x", "##[y]", "|", "`", "<!--", "[a](b)", "\n```\n", "%%{"]
)


@given(wild, wild, wild, wild, wild, st.sampled_from(["forward", "rollback", "redeploy", "diverged"]))
def test_whatever_others_wrote_is_no_markup(
    title: str, author: str, url: str, when: str, service: str, course: Course
) -> None:
    wild_one = pull(1, title=title, author=author, url=url, merged_at=when, first_commit_at=when)
    made = ChangeSet(Sourced(title, author), True, course, (wild_one, pull(2), pull(3)))
    other = replace(made, pulls=(pull(4),))
    text = what_ships(Changes({service: made, "other": other}, listed=True), DEPLOYED_AT, COMMIT)
    check_summary(text)


# Values.


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
        (ChangeSet(None, False, "forward", (pull(1),)), "Ships 1 pull request at least", 0),
        (ChangeSet(HISTORY, True, "redeploy", ()), "cccccccccccc was deployed before: nothing new ships", 0),
        (ChangeSet(HISTORY, False, "redeploy", ()), "cccccccccccc is what it is compared with: nothing new ships", 0),
        (
            ChangeSet(HISTORY, True, "rollback", (pull(1),)),
            "Rollback to cccccccccccc: 1 pull request taken out of production",
            0,
        ),
        (ChangeSet(HISTORY, True, "rollback", (), counted=False), "Rollback to cccccccccccc", 0),
        (
            ChangeSet(HISTORY, False, "rollback", (pull(1),)),
            "cccccccccccc comes before what it is compared with: 1 pull request less",
            0,
        ),
    ],
)
def test_what_a_shipment_says_and_is_attributed_by(shipment: ChangeSet, headline: str, shas: int) -> None:
    assert (shipment.headline(COMMIT), len(shipment.merge_commit_shas)) == (headline, shas)
    assert Changes({"web": shipment}).merge_commit_shas("web") == shipment.merge_commit_shas
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
        ([replace(BACK, certain=False)], None, False, []),
        ([replace(BACK, previous=None)], None, True, []),
        ([replace(AGAIN, certain=False), BACK], True, False, [2]),
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
    ships = Changes({"web": replace(CERTAIN, pulls=(pull(1), pull(2)))}, listed=True)
    found = ships.dated([pull(2, title="Dated"), pull(3)])
    assert [each.title for each in found.by_service["web"].pulls] == ["Change 1", "Dated"]
    assert found.listed


def told(**changes: Any) -> MergedPull:
    found = builders.event("pull_request_merged", {f"pull_request.{name}": value for name, value in changes.items()})
    assert isinstance(found, PullRequestEvent)
    return event_pull(found.pull_request)


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

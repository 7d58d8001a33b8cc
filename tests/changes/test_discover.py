"""What ships, as a decision: what is looked up, and what comes of the answers."""

from typing import Any

import pytest

from builders import ABSENT
from changesets import BEFORE, COMMIT, DEPLOYED_AT, HISTORY, UNKNOWN, Lookups, look, numbers, pull
from dx_action.changes.changeset import (
    CLOCK,
    Course,
    UnavailableError,
    UnknownCommitError,
    UnrelatedError,
)
from dx_action.errors import ActionError, BadInput
from dx_action.inputs.values import Sourced
from dx_action.runner.event import Deployment

DISCOVER, SHOW = {"attribution": "merge-commits"}, {"show-pull-requests": "true"}
FIRST = {"lead-time-metadata": "first-commit"}


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
    with pytest.raises(BadInput, match="`since-sha` is not a commit of the repository"):
        look(Lookups(spans=UnknownCommitError()), attribution, {"since-sha": "1234567"})


def test_without_a_commit_nothing_ships() -> None:
    with pytest.raises(BadInput, match="`commit-sha` is missing"):
        look(Lookups(), DISCOVER, commit=None)
    ships = look(Lookups(), SHOW, {"merge-commit-shas": "abc1234"}, commit=None)
    assert (numbers(ships), ships.warnings) == ([1, 2], ())
    assert {change_set.course for change_set in ships.by_service.values()} == {"forward"}


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
GIVE = " (set `since-sha` to the previously deployed commit)"
# How each answer that does not come is told: as the reason, and what is left.
LOST: dict[str, tuple[dict[str, Any], str]] = {
    "no deployments": ({"previous_ones": UnavailableError("why")}, f"why{GIVE}"),
    "no answer": ({"previous_ones": UnavailableError("it is down. Check x")}, "it is down. Check x"),
    "none before": ({"previous_ones": {"web": "why"}}, f"why{GIVE}"),
    "no comparison": ({"spans": UnavailableError("why")}, "why"),
    "nothing in common": ({"spans": UnrelatedError("why")}, "why"),
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
        f"Attributed by commit instead of merge commits, because {why}. DX works out the pull requests since the last "
        "deployment it knows."
    )


def test_a_commit_of_the_history_that_is_gone() -> None:
    ships = look(Lookups(spans=UnknownCommitError()), DISCOVER)
    assert ships.reasons == {f"the repository lacks the previously deployed commit or the deployed one{GIVE}": ("web",)}


def test_services_with_different_answers() -> None:
    lookups = Lookups(previous_ones={"web": HISTORY, "api": "why", "cart": Sourced("d" * 40, "x"), "jobs": "why"})
    ships = look(lookups, DISCOVER, services="web api cart jobs")
    assert list(ships.by_service) == ["web", "cart"]
    assert ships.reasons == {f"why{GIVE}": ("api", "jobs")}
    assert ships.warnings[0].startswith(
        "The deployments of api, jobs are attributed by commit instead of merge commits"
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


def test_why_it_is_not_certain_stays_known_whatever_touches_it() -> None:
    lookups = Lookups(previous_ones={"web": UNKNOWN}, course="rollback", touching=UnavailableError("why"))
    by_map = SHOW | {"service-map": "web: [web/**]"}
    ships = look(lookups, by_map, event="push_branch", changes={"before": BEFORE})
    assert (numbers(ships), ships.reasons) == ([], {UNKNOWN + GIVE: ("web",)})


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


def test_what_a_rollback_takes_back_may_not_be_known() -> None:
    ships = look(Lookups(course="rollback", pulls=UnavailableError("why")), DISCOVER)
    assert (ships.rollback, ships.reasons, numbers(ships)) == (True, {}, [])
    assert ships.by_service["web"].headline(COMMIT) == f"Rollback to {COMMIT[:12]}"


# What is only shown.


@pytest.mark.parametrize(
    ("event", "changes", "release", "previous", "shown", "at_least"),
    [
        ("push_branch", {"before": "d" * 40}, None, "push.before", [1, 2], ""),
        ("push_branch", {"before": "0" * 40}, None, None, [1, 2], "at least "),
        ("push_branch", {"before": ABSENT}, None, None, [1, 2], "at least "),
        ("release_published", {}, "v1", "the release before", [1, 2], ""),
        ("release_published", {}, None, None, [1, 2], "at least "),
        ("pull_request_merged", {"pull_request.merge_commit_sha": COMMIT}, None, None, [41], "at least "),
        ("pull_request_merged", {}, None, None, [1, 2], "at least "),  # another commit was deployed
        ("workflow_dispatch", {}, None, None, [1, 2], "at least "),
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
    assert shipment.headline(COMMIT) == f"Ships {at_least}{len(shown)} pull request{'s' * (len(shown) > 1)}"
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
        .endswith(" is older than the commit it is compared with, by 2 pull requests")
    )


# What GitHub leaves out.


@pytest.mark.parametrize("attribution", [{}, SHOW, FIRST])
def test_what_is_unknown_is_not_none(attribution: dict[str, str]) -> None:
    """One pull request of several is known; a list without the others would leave them unshipped for ever."""
    lookups = Lookups(unknown=("GitHub did not return by which commit #7 was merged", "another"))
    ships = look(lookups, DISCOVER, attribution)
    why = "GitHub did not return by which commit #7 was merged, and 1 more like that"
    assert (ships.by_service, ships.merge_commit_shas("web"), ships.reasons) == ({}, (), {why: ("web",)})
    assert ships.warnings[0] == (
        f"Attributed by commit instead of merge commits, because {why}. DX works out the pull requests since the last "
        "deployment it knows."
    )


def test_what_a_rollback_takes_back_is_not_counted_if_some_is_unknown() -> None:
    ships = look(Lookups(course="rollback", unknown=("why",)), DISCOVER)
    assert (ships.rollback, ships.by_service["web"].counted, numbers(ships)) == (True, False, [])


@pytest.mark.parametrize(
    ("given", "event", "certain"),
    [({"merge-commit-shas": "abc1234"}, "workflow_dispatch", True), ({}, "workflow_dispatch", False)],
)
def test_what_is_only_shown_shows_what_is_known(given: dict[str, str], event: str, certain: bool) -> None:
    lookups = Lookups(previous_ones={"web": UNKNOWN}, unknown=("why",))
    ships = look(lookups, SHOW, given, event=event)
    assert (numbers(ships), ships.by_service["web"].certain) == ([1, 2], certain)
    assert "What ships is not certain, because why." in ships.notices


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


@pytest.mark.parametrize("beside", [False, UnavailableError("why"), UnknownCommitError()])
def test_no_warning_where_it_is_on_the_branch_or_nobody_tells(beside: bool | Exception) -> None:
    assert look(Lookups(off_branch=beside), DISCOVER).warnings == ()

"""The times of lead time: from the event, else from GitHub, and the warning if there are none."""

from dataclasses import replace
from typing import Any

import pytest

import builders
from changesets import COMMIT, UNKNOWN, Lookups, look, pull
from dx_action.changes.changeset import (
    NO_CHANGES,
    Changes,
    ChangeSet,
    Course,
    UnavailableError,
)
from dx_action.changes.lead_time import lead_times
from dx_action.inputs.values import Sourced

SHOW = {"show-pull-requests": "true"}
BOTH, FIRST = {"lead-time-metadata": "both"}, {"lead-time-metadata": "first-commit"}


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
            "`first_commit_timestamp` is left out of the metadata, because no pull request",
        ),
        (
            Lookups(undated=UnavailableError("why"), pulls=(pull(1, first_commit_at=None),)),
            "workflow_dispatch",
            COMMIT,
            "`first_commit_timestamp` is left out of the metadata, because why.",
        ),
        (
            Lookups(silent=True, pulls=(pull(1, first_commit_at=None),)),
            "workflow_dispatch",
            COMMIT,
            "`first_commit_timestamp` is left out of the metadata, because GitHub did not return all commits of #1.",
        ),
        (
            Lookups(silent=True, pulls=(pull(1), pull(2, first_commit_at=None), pull(3, first_commit_at=None))),
            "workflow_dispatch",
            COMMIT,
            "`first_commit_timestamp` is left out of the metadata, because GitHub did not return all commits of #2, #3.",
        ),
        (
            Lookups(committed=UnavailableError("why")),
            "workflow_dispatch",
            COMMIT,
            "`commit_timestamp` is left out of the metadata, because why.",
        ),
        (
            Lookups(committed="yesterday"),
            "workflow_dispatch",
            COMMIT,
            "`commit_timestamp` is left out of the metadata, because GitHub returned an unreadable time",
        ),
        (
            Lookups(pulls=()),
            "pull_request_merged",
            COMMIT,
            "`first_commit_timestamp` is left out of the metadata, because no pull",
        ),
        (
            Lookups(),
            "pull_request_merged",
            None,
            "`commit_timestamp` is left out of the metadata, because no commit is known.",
        ),
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
    assert look(lookups, given) == NO_CHANGES._replace()
    assert lookups.asked == []


def test_pull_requests_of_which_some_have_no_first_commit_yet_are_asked_for() -> None:
    lookups = Lookups()
    some = (pull(1, first_commit_at="2025-03-09T10:00:00Z"), pull(2, first_commit_at=None))
    ships = Changes({"web": ChangeSet(None, True, "forward", some)})
    read = builders.inputs({"lead-time-metadata": "first-commit"})
    lead_times(read, builders.event("push_branch"), COMMIT, ships, lambda: lookups)
    assert lookups.asked == [("dated", [1, 2])]


def test_a_service_has_no_first_commit_if_that_of_one_pull_request_is_unknown() -> None:
    """It may be the earliest of all."""
    known = {"web": ChangeSet(None, True, "forward", (pull(1),))}
    ships = Changes(known | {"api": ChangeSet(None, True, "forward", (pull(1), pull(2, first_commit_at=None)))})
    ships = ships._replace(lead_times={"first_commit_timestamp": Sourced(1, "x")})
    assert ships.lead_times_of("web") == {"first_commit_timestamp": Sourced(1741428060, "pull request #1")}
    assert ships.lead_times_of("api") == {}

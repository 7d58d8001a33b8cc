"""What is said of changes: why less is sent than was asked for, and what looks wrong."""

import pytest

from changesets import CERTAIN, DEPLOYED_AT, GUESSED, pull, ships_of
from dx_action.changes.changeset import (
    Changes,
    ChangeSet,
    Course,
)
from dx_action.changes.warnings import notices, warnings


@pytest.mark.parametrize(
    ("ships", "said"),
    [
        (ships_of(50), []),
        (ships_of(51), ["This deployment ships 51 pull requests, far more than usual."]),
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
            ["Attributed by commit instead of merge commits, because no pull request was merged since bbbbbbbbbbbb"],
        ),
    ],
)
def test_doubts(ships: Changes, said: list[str]) -> None:
    found = list(warnings(ships, ["web"], DEPLOYED_AT, discovers=True))
    assert len(found) == len(said)
    assert all(one.startswith(other) for one, other in zip(found, said, strict=True)), found


@pytest.mark.parametrize(
    ("courses", "said"),
    [
        ({"web": CERTAIN, "api": CERTAIN}, []),
        (
            {"web": CERTAIN._replace(course="rollback"), "api": CERTAIN},
            ["The deployment of web is attributed by commit, because the deployment goes back to an earlier commit "],
        ),
        (
            {"web": CERTAIN._replace(course="redeploy"), "api": CERTAIN._replace(course="redeploy")},
            ["Attributed by commit, because the commit was deployed before and "],
        ),
        (
            {"web": CERTAIN._replace(course="redeploy"), "api": CERTAIN._replace(course="rollback")},
            ["The deployment of api is attributed by ", "The deployment of web is attributed by commit, because "],
        ),
        ({"web": GUESSED._replace(course="rollback"), "api": GUESSED._replace(course="redeploy")}, []),
    ],
)
def test_what_goes_back_is_explained(courses: dict[str, ChangeSet], said: list[str]) -> None:
    found = list(notices(Changes(courses), list(courses), discovers=True))
    assert len(found) == len(said)
    assert all(
        one.startswith(other) and one.endswith("nothing new ships.") for one, other in zip(found, said, strict=True)
    )


@pytest.mark.parametrize(
    ("courses", "said"),
    [
        (
            {"web": CERTAIN._replace(pulls=()), "api": CERTAIN._replace(course="diverged", pulls=())},
            ["Attributed by commit instead of merge commits, because no pull request was merged since bbbbbbbbbbbb"],
        ),
        (
            {"web": CERTAIN._replace(pulls=()), "api": CERTAIN},
            [
                "The deployment of web is attributed by commit instead of merge commits, because no pull request was merged"
            ],
        ),
        ({"web": GUESSED._replace(pulls=()), "api": CERTAIN._replace(pulls=(), previous=None)}, []),
        (
            {
                "web": CERTAIN._replace(pulls=(), course="rollback"),
                "api": CERTAIN._replace(pulls=(), course="redeploy"),
            },
            [],
        ),
    ],
)
def test_what_goes_on_without_a_pull_request_is_doubted(courses: dict[str, ChangeSet], said: list[str]) -> None:
    found = list(warnings(Changes(courses), list(courses), DEPLOYED_AT, discovers=True))
    assert len(found) == len(said)
    assert all(one.startswith(other) for one, other in zip(found, said, strict=True)), found


@pytest.mark.parametrize(("course", "told"), [("forward", True), ("diverged", True), ("rollback", False)])
def test_many_or_old_ones_are_doubted_only_on_the_way_on(course: Course, told: bool) -> None:
    many = ships_of(51, course=course)
    assert bool(list(warnings(many, ["web"], DEPLOYED_AT, discovers=False))) is told


def test_why_it_is_not_known_is_explained_where_nothing_was_to_be_sent() -> None:
    ships = Changes({}, reasons={"why": ("web",), "how": ("api", "web")})
    assert list(notices(ships, ["web", "api"], discovers=False)) == [
        "What ships of web is not certain, because why.",
        "What ships is not certain, because how.",
    ]
    assert list(notices(ships, ["web", "api"], discovers=True)) == []
    found = list(warnings(ships, ["web", "api"], DEPLOYED_AT, discovers=True))
    assert [each.partition(". DX")[0] for each in found] == [
        "The deployment of web is attributed by commit instead of merge commits, because why",
        "Attributed by commit instead of merge commits, because how",
    ]


def test_several_services_that_ship_the_same_are_doubted_once() -> None:
    many = ships_of(60).by_service["web"]
    names = [f"service-{number}" for number in range(14)]
    ships = Changes(dict.fromkeys(names[:12], many))
    (warning,) = warnings(ships, names, DEPLOYED_AT, discovers=True)
    assert "This deployment of service-0, service-1, " in warning
    assert ", service-9 and 2 more ships 60 pull requests" in warning


def test_nothing_to_show_is_doubted_only_where_it_is_to_be_shown() -> None:
    none = ships_of(0)
    assert list(warnings(none, ["web"], DEPLOYED_AT, discovers=False)) == []
    (warning,) = warnings(none._replace(listed=True), ["web"], DEPLOYED_AT, discovers=False)
    assert warning == "No pull requests are listed, because no pull request was merged since bbbbbbbbbbbb."

"""DX's rules of attribution: its page's own examples, what it does not say, and what holds whatever happens."""

import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dx_action.sandbox.attribution import Assignment, Held, MergedPullRequest, attribute, unmatched
from stand_in import WAYS, Pull, Repo
from stand_in.real_git import git, write

START = datetime(2024, 1, 1, tzinfo=UTC)
SHOP, WAREHOUSE = "acme/shop", "acme/warehouse"
Credited = dict[str, list[int]]


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def sha(name: object) -> str:
    return sha1(str(name).encode()).hexdigest()


def pull(number: int, merged: float, base: str = "main", **more: Any) -> MergedPullRequest:
    """Make a pull request whose merge commit is `sha(number)`."""
    return MergedPullRequest(
        repository=more.pop("repository", SHOP),
        number=number,
        base_ref=base,
        default_branch="main",
        merge_commit_sha=more.pop("merge", sha(number)),
        merged_at=at(merged),
        **more,
    )


def held(reference: str, deployed: float, commit: object = None, **more: Any) -> Held:
    """Make a deployment, of the merge commit of the pull request of a number where there is one."""
    whole = sha(commit) if isinstance(commit, int) else commit
    fields: dict[str, Any] = {"service": "web", "repository": SHOP, "commit_sha": whole} | more
    return Held(reference_id=reference, deployed_at=at(deployed), **fields)


def credited(
    pulls: Iterable[MergedPullRequest], deployments: Iterable[Held], assignments: Iterable[Assignment] = ()
) -> Credited:
    found = attribute(pulls, deployments, assignments)
    return {reference: [pull.number for pull in shipped] for reference, shipped in found.items()}


def serves(number: int, *services: str, **more: Any) -> Assignment:
    return Assignment(services=frozenset(services), repository=SHOP, number=number, **more)


def test_a_deployment_is_one_of_production_unless_it_says_otherwise() -> None:
    assert held("1", 1).environment == "production"


@pytest.mark.parametrize(
    ("merged", "deployed"), [(str.upper, str.lower), (str.lower, str.upper), (str.upper, str.upper)]
)
def test_a_commit_may_be_written_in_either_case(merged: Callable[[str], str], deployed: Callable[[str], str]) -> None:
    assert credited([pull(1, 1, merge=merged(sha(1)))], [held("a", 2, deployed(sha(1)))]) == {"a": [1]}


# The page's own examples.


def test_the_page_s_table() -> None:
    """Commits A and B are attributed to Deployment 1, and commits C, D, and E are attributed to Deployment 2."""
    commits = {letter: pull(number, number, merge=sha(letter)) for number, letter in enumerate("ABCDE")}
    first = Held(
        reference_id="1",
        service="web",
        repository=SHOP,
        commit_sha=sha("B"),
        deployed_at=datetime(2024, 3, 1, tzinfo=UTC),
    )
    second = replace(first, reference_id="2", commit_sha=sha("E"), deployed_at=datetime(2024, 6, 1, tzinfo=UTC))
    assert attribute(commits.values(), [first, second]) == {
        "1": (commits["A"], commits["B"]),
        "2": (commits["C"], commits["D"], commits["E"]),
    }


def test_the_timeline_of_set_pull_services() -> None:
    """10 am merge 1 (a), 11 am merge 2 (b), 12 pm merge 3 (a), 12:01 deploy a: 1 and 3, and 2 is not deployed."""
    pulls = [pull(1, 10), pull(2, 11), pull(3, 12)]
    assignments = [serves(1, "a"), serves(2, "b"), serves(3, "a")]
    deployments = [held("of a", 12.02, service="a")]
    assert credited(pulls, deployments, assignments) == {"of a": [1, 3]}
    deployments.append(held("of b", 13, service="b"))
    assert credited(pulls, deployments, assignments) == {"of a": [1, 3], "of b": [2]}


FOUR = [
    pull(1, 1),
    pull(2, 2, "develop"),
    pull(3, 3, "release"),
    pull(4, 4, "develop"),
    pull(5, 5, commits=frozenset({sha("own"), sha("rebased")})),
    pull(6, 6, "develop"),
    pull(7, 7),
    pull(8, 2, repository=WAREHOUSE),
]


@pytest.mark.parametrize(
    ("deployment", "path", "numbers"),
    [
        (held("x", 9), "repository", [1, 5, 7]),
        (held("x", 9, 5), "commit_sha", [1, 5]),
        (held("x", 9, 4), "commit_sha", [2, 4]),
        (held("x", 9, 3), "commit_sha", [3]),
        (held("x", 9, 5, integration_branch="develop"), "integration_branch", [2, 4]),
        (held("x", 9, 6, integration_branch="develop"), "integration_branch", [2, 4, 6]),
        (held("x", 9, merge_commit_shas=(sha(7), sha(2))), "merge_commit_shas", [2, 7]),
    ],
)
def test_the_four_paths(deployment: Held, path: str, numbers: list[int]) -> None:
    assert deployment.path == path
    assert credited(FOUR, [deployment]) == {"x": numbers}


def test_the_range_of_an_integration_branch_begins_at_the_previous_deployment() -> None:
    first, second = (held(each, 9 + int(each), commit, integration_branch="develop") for each, commit in ("13", "27"))
    first = replace(first, commit_sha=sha(3))
    second = replace(second, commit_sha=sha(7))
    assert credited(FOUR, [first, second]) == {"1": [2], "2": [4, 6]}
    # One merged before the previous deployment's matching one is left out, though nothing was credited with it.
    earlier = replace(first, integration_branch=None)
    assert credited(FOUR, [earlier, second]) == {"1": [3], "2": [4, 6]}
    others: list[dict[str, Any]] = [{"environment": "staging"}, {"service": "api"}]
    for elsewhere in [*others, {"repository": WAREHOUSE, "commit_sha": sha(8)}]:
        assert credited(FOUR, [replace(earlier, **elsewhere), second])["2"] == [2, 4, 6]


# What is deployed already.


@pytest.mark.parametrize(
    "again", [{}, {"commit_sha": None}, {"commit_sha": None, "merge_commit_shas": (sha(1), sha(5))}]
)
def test_a_redeployment_ships_nothing_new(again: dict[str, Any]) -> None:
    first = held("first", 6, 5)
    assert credited(FOUR, [first, replace(first, reference_id="again", deployed_at=at(6.5), **again)])["again"] == []


@pytest.mark.parametrize(
    "other", [{"environment": "staging"}, {"service": "api"}, {"environment": "Production"}, {"service": "Web"}]
)
def test_each_service_in_each_environment_has_its_own(other: dict[str, Any]) -> None:
    first = held("first", 6, 5)
    assert credited(FOUR, [first, replace(first, reference_id="other", **other)]) == {"first": [1, 5], "other": [1, 5]}


def test_a_rollback_ships_nothing_and_the_way_back_nothing_either() -> None:
    deployments = [held("1", 10, 7), held("2", 11, 1), held("3", 12, 7)]
    assert credited(FOUR, deployments) == {"1": [1, 5, 7], "2": [], "3": []}
    deployments = [replace(each, integration_branch="develop") for each in deployments]
    assert credited(FOUR, deployments) == {"1": [2, 4, 6], "2": [], "3": []}


def test_gaps_are_filled_across_paths() -> None:
    named = held("1", 4, merge_commit_shas=(sha(5),))
    assert credited(FOUR, [named, held("2", 8, 7)]) == {"1": [5], "2": [1, 7]}
    assert credited(FOUR, [named, held("2", 8)]) == {"1": [5], "2": [1, 7]}


def test_merge_commits_without_a_repository() -> None:
    named = held("1", 9, merge_commit_shas=(sha(8), sha(1)), repository=None)
    assert credited(FOUR, [named, held("2", 10)]) == {"1": [1, 8], "2": [5, 7]}
    assert credited(FOUR, [replace(named, repository=SHOP)]) == {"1": [1]}


def test_without_a_commit_what_is_merged_later_is_not_in_it() -> None:
    assert credited(FOUR, [held("1", 5), held("2", 6.9), held("3", 7)]) == {"1": [1, 5], "2": [], "3": [7]}


def test_a_backfilled_deployment_takes_its_own_from_a_later_one() -> None:
    later = held("later", 9, 7)
    assert credited(FOUR, [later]) == {"later": [1, 5, 7]}
    assert credited(FOUR, [later, held("earlier", 2, 1)]) == {"later": [5, 7], "earlier": [1]}


def test_of_two_at_one_moment_the_lesser_reference_is_the_previous_one() -> None:
    assert credited(FOUR, [held("b", 9, 7), held("a", 9, 5)]) == {"a": [1, 5], "b": [7]}


def test_a_queue_merges_several_in_one_second() -> None:
    queued = [pull(1, 1), pull(2, 1), pull(3, 1)]
    assert credited(queued, [held("x", 2, 2)]) == {"x": [1, 2, 3]}
    queued = [pull(1, 1, "develop"), pull(2, 1, "develop"), pull(3, 1)]
    deployments = [held(each, float(each), 3, integration_branch="develop") for each in "23"]
    assert credited(queued, deployments) == {"2": [1, 2], "3": []}
    # The range begins after the second of the previous one, whichever path that took.
    deployments[0] = replace(deployments[0], integration_branch=None)
    assert credited(queued, deployments) == {"2": [3], "3": []}


# Which pull request matches.


@pytest.mark.parametrize(
    ("commit", "numbers"),
    [
        (sha(5)[:7], [1, 5]),
        (sha(5)[:6], []),
        (sha(5).upper(), [1, 5]),
        (sha(5) + "0", []),
        (sha("own"), [1, 5]),
        (sha("rebased")[:12], [1, 5]),
        (sha("pushed straight to main"), []),
        (sha(8), []),
    ],
)
def test_what_a_commit_matches(commit: str, numbers: list[int]) -> None:
    deployment = held("x", 9, commit)
    assert credited(FOUR, [deployment]) == {"x": numbers}
    assert unmatched(FOUR, [deployment]) == {"x": () if numbers else (commit,)}


def test_merge_commits_match_by_what_merged_only() -> None:
    named = held("x", 9, merge_commit_shas=(sha("own"), sha(7)[:9], sha("nothing"), sha(7), sha(8)))
    assert credited(FOUR, [named]) == {"x": [7]}
    assert unmatched(FOUR, [named]) == {"x": (sha("own"), sha("nothing"), sha(8))}
    assert unmatched(FOUR, [held("x", 9)]) == {"x": ()}


def test_a_commit_that_merged_one_and_belongs_to_another_matches_the_one_it_merged() -> None:
    release = pull(9, 9, commits=frozenset({sha(2), sha("feature")}))
    feature = pull(2, 2, "develop", commits=frozenset({sha("feature")}))
    assert credited([release, feature], [held("x", 9, 2)]) == {"x": [2]}
    assert credited([release, feature], [held("x", 9, 9)]) == {"x": [9]}
    # Of several that it belongs to, the one that brought it in.
    assert credited([release, feature], [held("x", 9, sha("feature"))]) == {"x": [2]}


def test_a_short_commit_that_begins_two_matches_neither() -> None:
    twins = [pull(1, 1, merge="abc1234" + "0" * 33), pull(2, 2, merge="abc1234" + "1" * 33)]
    for fields in ({"commit": "abc1234"}, {"merge_commit_shas": ("abc1234",)}):
        assert credited(twins, [held("x", 3, **fields)]) == {"x": []}
    assert credited(twins, [held("x", 3, "abc12341")]) == {"x": [1, 2]}
    elsewhere = [twins[0], replace(twins[1], repository=WAREHOUSE)]
    assert credited(elsewhere, [held("x", 3, "abc1234")]) == {"x": [1]}


def test_one_commit_that_merged_several_credits_them_all() -> None:
    stacked = [pull(1, 1), pull(2, 1, "feature-1", merge=sha(1))]
    assert credited(stacked, [held("x", 3, merge_commit_shas=(sha(1),))]) == {"x": [1, 2]}
    assert credited(stacked, [held("x", 3, 1)]) == {"x": [1]}


def test_an_integration_branch_needs_a_commit() -> None:
    assert held("x", 9, integration_branch="develop").path == "repository"
    both = held("x", 9, 5, integration_branch="develop", merge_commit_shas=(sha(1),))
    assert both.path == "merge_commit_shas"
    assert credited(FOUR, [both]) == {"x": [1]}


def test_a_previous_deployment_that_matches_nothing_is_passed_over() -> None:
    first = held("1", 9, 3)
    strangers = [held("2", 9.1, sha("strange")), held("3", 9.2, merge_commit_shas=(sha(5),))]
    last = held("4", 10, 7, integration_branch="develop")
    assert credited(FOUR, [first, *strangers, last]) == {"1": [3], "2": [], "3": [5], "4": [4, 6]}


def test_the_first_merged_comes_first_whatever_its_number() -> None:
    pulls = [pull(1, 5, merge=sha("both")), pull(9, 1, merge=sha("both")), pull(4, 3)]
    assert credited(pulls, [held("x", 9)]) == {"x": [9, 4, 1]}
    assert credited(pulls, [held("x", 9, sha("both"))]) == {"x": [9]}


def test_one_known_anew_counts_as_known_last() -> None:
    deployment = held("x", 9, sha("new"))
    assert credited([*FOUR, pull(5, 5, merge=sha("new"))], [deployment]) == {"x": [1, 5]}
    assert credited(FOUR, [held("x", 9, 1), held("x", 9, 5)]) == {"x": [1, 5]}


# setPullServices.

SERVED = [pull(1, 1, id=11), pull(2, 2, id=22), pull(3, 3)]


@pytest.mark.parametrize(
    ("assignments", "web", "api"),
    [
        ([], [1, 2, 3], [1, 2, 3]),
        ([serves(1, "web")], [1, 2, 3], [2, 3]),
        ([serves(1, "api", "web")], [1, 2, 3], [1, 2, 3]),
        ([serves(1, "web"), serves(1, "api")], [1, 2, 3], [1, 2, 3]),
        ([serves(1, "web"), serves(1, "api", replace=True)], [2, 3], [1, 2, 3]),
        ([serves(1, "web"), serves(1, replace=True)], [1, 2, 3], [1, 2, 3]),
        ([serves(1, replace=True), serves(1, "web")], [1, 2, 3], [2, 3]),
        ([Assignment(services=frozenset({"web"}), id=22)], [1, 2, 3], [1, 3]),
        ([Assignment(services=frozenset({"web"}), id=33)], [1, 2, 3], [1, 2, 3]),
        # The two ways to name one pull request name one pull request.
        ([serves(1, "web"), Assignment(services=frozenset(), id=11, replace=True)], [1, 2, 3], [1, 2, 3]),
        ([Assignment(services=frozenset({"web"}), id=11), serves(1, "api")], [1, 2, 3], [1, 2, 3]),
        ([serves(1, "web", id=22)], [1, 2, 3], [1, 3]),
        ([serves(3, "web", id=33)], [1, 2, 3], [1, 2]),
        ([replace(serves(1, "web"), repository=WAREHOUSE)], [1, 2, 3], [1, 2, 3]),
    ],
)
def test_services_of_pull_requests(assignments: list[Assignment], web: list[int], api: list[int]) -> None:
    deployments = [held("web", 9), held("api", 9, service="api")]
    assert credited(SERVED, deployments, assignments) == {"web": web, "api": api}


def test_services_decide_where_only_the_repository_is_given() -> None:
    """The page speaks of setPullServices on that path, and on no other."""
    others = [serves(1, "api"), serves(2, "api")]
    assert credited(SERVED, [held("x", 9)], others) == {"x": [3]}
    assert credited(SERVED, [held("x", 9, 2)], others) == {"x": [1, 2]}
    assert credited(SERVED, [held("x", 9, 2, integration_branch="main")], others) == {"x": [1, 2]}
    assert credited(SERVED, [held("x", 9, merge_commit_shas=(sha(1),))], others) == {"x": [1]}


# What holds whatever happens.


def pool_of_pulls(dice: random.Random) -> list[MergedPullRequest]:
    """Make several of each number, to choose one of. Some share a commit, some a second."""
    commits = [sha(name) for name in "abcde"]
    return [
        pull(
            number,
            dice.randrange(9),
            dice.choice(["main", "develop"]),
            repository=dice.choice([SHOP, SHOP, WAREHOUSE]),
            merge=dice.choice([sha(number), sha(number), dice.choice(commits)]),
            commits=frozenset(dice.sample(commits, dice.randrange(3))),
            id=100 + number,
        )
        for number in [*range(9)] * 12
    ]


def pool_of_deployments(dice: random.Random) -> list[Held]:
    """Make deployments on every path, of commits that may be known."""
    shas = [sha(name) for name in [*"abcde", *range(9)]]

    def short() -> str:
        return dice.choice(shas)[: dice.choice([7, 12, 40])]

    made = []
    for number in range(400):
        more: dict[str, Any] = {
            "service": dice.choice(["web", "api"]),
            "repository": dice.choice([SHOP, SHOP, WAREHOUSE]),
        }
        more["environment"] = dice.choice(["production", "production", "staging"])
        match number % 4:
            case 1:
                more["commit_sha"] = short()
            case 2:
                more |= {"commit_sha": short(), "integration_branch": dice.choice(["main", "develop"])}
            case 3:
                more["merge_commit_shas"] = tuple(short() for _ in range(dice.randrange(1, 4)))
                more["repository"] = dice.choice([SHOP, WAREHOUSE, None])
        made.append(held(f"d{number:03}", dice.randrange(9), **more))
    return made


def pool_of_assignments(dice: random.Random) -> list[Assignment]:
    """Make calls that name a pull request by either name or by both."""
    return [
        Assignment(
            services=frozenset(dice.sample(["web", "api"], dice.randrange(3))),
            id=dice.choice([None, 100 + dice.randrange(9)]),
            repository=dice.choice([SHOP, WAREHOUSE]),
            number=dice.randrange(9),
            replace=dice.random() < 0.5,
        )
        for _ in range(100)
    ]


# Chosen from pools, since a choice is one draw, where a value made by hypothesis is a dozen.
POOL = pool_of_deployments(random.Random(1))
some_pulls = st.lists(
    st.sampled_from(pool_of_pulls(random.Random(2))), unique_by=lambda one: one.name, min_size=1, max_size=9
)
some_deployments = st.lists(st.sampled_from(POOL), unique_by=lambda one: one.reference_id, min_size=1, max_size=8)
some_assignments = st.lists(st.sampled_from(pool_of_assignments(random.Random(3))), max_size=4)
often = settings(max_examples=100, deadline=None)


@often
@given(some_pulls, some_deployments, some_assignments)
def test_nothing_is_credited_twice(
    pulls: list[MergedPullRequest], deployments: list[Held], assignments: list[Assignment]
) -> None:
    found = attribute(pulls, deployments, assignments)
    assert found.keys() == {each.reference_id for each in deployments}
    seen = [(each.environment, each.service, one.name) for each in deployments for one in found[each.reference_id]]
    assert len(seen) == len(set(seen))


@often
@given(some_pulls, some_deployments, some_assignments, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(
    pulls: list[MergedPullRequest], deployments: list[Held], assignments: list[Assignment], dice: random.Random
) -> None:
    before = attribute(pulls, deployments, assignments)
    dice.shuffle(pulls)
    dice.shuffle(deployments)
    assert attribute(pulls, deployments, assignments) == before


@often
@given(some_pulls, some_deployments, some_assignments)
def test_the_same_again_changes_nothing(
    pulls: list[MergedPullRequest], deployments: list[Held], assignments: list[Assignment]
) -> None:
    before = attribute(pulls, deployments, assignments)
    assert attribute(pulls * 2, deployments * 2, assignments * 2) == attribute(pulls, deployments, assignments * 2)
    assert attribute(pulls + pulls, deployments + deployments[::-1], assignments) == before


@often
@given(some_pulls, some_deployments, some_deployments, some_assignments)
def test_another_service_s_deployments_change_nothing(
    pulls: list[MergedPullRequest], deployments: list[Held], others: list[Held], assignments: list[Assignment]
) -> None:
    others = [replace(each, service="unrelated", reference_id=f"x{each.reference_id}") for each in others]
    before, after = (attribute(pulls, every, assignments) for every in (deployments, [*others, *deployments]))
    assert {each.reference_id: after[each.reference_id] for each in deployments} == before


@often
@given(some_pulls, some_deployments)
def test_merge_commits_credit_no_others_and_all_that_are_new(
    pulls: list[MergedPullRequest], deployments: list[Held]
) -> None:
    found = attribute(pulls, deployments)
    for each in (each for each in deployments if each.path == "merge_commit_shas"):
        named = [one for one in pulls for short in each.merge_commit_shas if one.merge_commit_sha.startswith(short)]
        named = [one for one in named if each.repository in (None, one.repository)]
        assert {*found[each.reference_id]} <= {*named}
        line = {other.reference_id for other in deployments if same_line(other, each) and order(other) <= order(each)}
        assert {*named} <= {one for reference in line for one in found[reference]}


@often
@given(some_pulls, some_deployments)
def test_a_commit_leaves_no_gap(pulls: list[MergedPullRequest], deployments: list[Held]) -> None:
    """What is credited is of the matching one's base and no later; and up to it, nothing is left."""
    found = attribute(pulls, deployments)
    strange = unmatched(pulls, deployments)
    for each in (each for each in deployments if each.path == "commit_sha"):
        here = [one for one in pulls if one.repository == each.repository]
        matching = [one for one in here if one.merge_commit_sha.startswith(str(each.commit_sha))]
        matching = matching or [one for one in here if any(own.startswith(str(each.commit_sha)) for own in one.commits)]
        assert bool(matching) != bool(strange[each.reference_id])
        if not matching:
            assert found[each.reference_id] == ()
            continue
        first = min(matching, key=lambda one: (one.merged_at, one.number))
        due = {one for one in here if one.base_ref == first.base_ref and one.merged_at <= first.merged_at}
        assert {*found[each.reference_id]} <= due
        line = {other.reference_id for other in deployments if same_line(other, each) and order(other) <= order(each)}
        assert due <= {one for reference in line for one in found[reference]}


@often
@given(some_pulls, some_deployments, some_assignments)
def test_a_repository_alone_takes_what_is_left_of_the_default_branch(
    pulls: list[MergedPullRequest], deployments: list[Held], assignments: list[Assignment]
) -> None:
    found = attribute(pulls, deployments, assignments)
    free = attribute(pulls, deployments)
    for each in (each for each in deployments if each.path == "repository"):
        shipped = found[each.reference_id]
        assert all(one.repository == each.repository and one.base_ref == "main" for one in shipped)
        assert all(one.merged_at <= each.deployed_at for one in shipped)
        line = {other.reference_id for other in deployments if same_line(other, each) and order(other) <= order(each)}
        due = {one for one in pulls if (one.repository, one.base_ref) == (each.repository, "main")}
        due = {one for one in due if one.merged_at <= each.deployed_at}
        assert due <= {one for reference in line for one in free[reference]}


def same_line(one: Held, other: Held) -> bool:
    return (one.environment, one.service) == (other.environment, other.service)


def order(one: Held) -> tuple[datetime, str]:
    return one.deployed_at, one.reference_id


# Against git.


def merged(repo: Repo, every: Iterable[Pull]) -> list[MergedPullRequest]:
    """Give the model's pull requests as DX would import them."""
    return [
        MergedPullRequest(
            repository=repo.full_name,
            number=one.number,
            id=one.id,
            base_ref=one.base,
            default_branch=repo.default_branch,
            merge_commit_sha=str(one.merge_commit_sha),
            merged_at=datetime.fromtimestamp(one.merged_at or 0, UTC),
            commits=frozenset({*one.landed, *(own.sha for own in repo.pulls.commits(one))}),
        )
        for one in every
        if one.merged_at
    ]


def lived(seed: int) -> tuple[Repo, list[tuple[str, int]]]:
    """Live for a while: pull requests to two branches, in every way, queues, releases, deployments and rollbacks."""
    dice, repo = random.Random(seed), Repo(SHOP)
    repo.commit({"README.md": "Shop"})
    repo.branch("develop")
    repo.pulls.ship({"first.txt": "1"})
    deployed: list[tuple[str, int]] = []
    for number in range(90):
        match dice.choice(["main", "main", "develop", "queue", "release", "deploy", "deploy", "roll back"]):
            case "release":
                repo.pulls.ship({f"{number}.txt": "1"}, base="develop")
                repo.pulls.merge(repo.pulls.open("develop"), "merge")
            case "queue":
                for part in "ab":
                    repo.branch(f"queued-{number}{part}")
                    repo.commit({f"{number}{part}.txt": "1"}, branch=f"queued-{number}{part}")
                repo.pulls.queue(
                    *(repo.pulls.open(f"queued-{number}{part}") for part in "ab"), how=dice.choice(WAYS[:3])
                )
            case "deploy":
                deployed.append((repo.branches["main"], repo.tick()))
            case "roll back" if deployed:
                deployed.append((dice.choice(deployed)[0], repo.tick()))
            case base:
                base = base if base == "develop" else "main"
                steps = [{f"{number}{part}.txt": "1"} for part in range(dice.randrange(1, 4))]
                repo.pulls.ship(*steps, base=base, how=dice.choice(WAYS))
    return repo, deployed


@pytest.mark.parametrize("seed", [1, 2])
def test_git_agrees(tmp_path: Path, seed: int) -> None:
    """On a branch that pull requests alone move, what DX fills in by time is what git has between the two commits."""
    repo, deployed = lived(seed)
    write(repo, tmp_path)
    pulls = merged(repo, repo.pulls.all())
    assert len(pulls) > 50

    def between(before: str | None, after: str) -> list[MergedPullRequest]:
        new = {*git(tmp_path, "rev-list", after, *([f"^{before}"] if before else [])).split()}
        return sorted(
            (one for one in pulls if one.merge_commit_sha in new), key=lambda one: (one.merged_at, one.number)
        )

    by_commit, by_list, expected = [], [], {}
    newest = None
    for number, (commit, moment) in enumerate(deployed):
        made = held(f"{number:03}", 0, commit)
        made = replace(made, deployed_at=datetime.fromtimestamp(moment, UTC))
        found = expected[made.reference_id] = between(newest, commit)
        newest = commit if found else newest
        listed = tuple(one.merge_commit_sha for one in found)
        by_commit.append(made)
        by_list.append(replace(made, commit_sha=None, merge_commit_shas=listed) if listed else made)
    assert len([each for each in expected.values() if each]) > 5
    assert [] in expected.values()
    assert told(pulls, by_list) == expected
    on_main = {reference: [one for one in found if one.base_ref == "main"] for reference, found in expected.items()}
    assert told(pulls, by_commit) == on_main
    assert on_main != expected
    assert unmatched(pulls, by_commit) == dict.fromkeys(expected, ())

    # Where releases alone are deployed, the range of an integration branch is git's, too.
    releases = sorted((one for one in repo.pulls.all() if one.head == "develop"), key=lambda one: one.merged_at or 0)
    by_branch, of_develop, newest = [], {}, None
    for one in releases:
        commit = str(one.merge_commit_sha)
        made = held(f"{one.number:03}", 0, commit, integration_branch="develop")
        by_branch.append(replace(made, deployed_at=datetime.fromtimestamp(one.merged_at or 0, UTC)))
        of_develop[made.reference_id] = [found for found in between(newest, commit) if found.base_ref == "develop"]
        newest = commit
    assert len(of_develop) > 3
    assert told(pulls, by_branch) == of_develop


def told(pulls: Iterable[MergedPullRequest], deployments: Iterable[Held]) -> dict[str, list[MergedPullRequest]]:
    return {reference: list(found) for reference, found in attribute(pulls, deployments).items()}

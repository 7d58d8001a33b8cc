"""Whole runs that look up what a deployment ships: what each lookups of GitHub, sends to DX, says, and lists in the summary."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from builders import payload
from dx_action.sandbox import Sandbox
from gfm import Page
from runner import TOKEN, Run
from stand_in import Deployment, GitHub, How, Pull, Repo
from worlds import GH, MAP, World, begun, errors

DISCOVER = {"attribution": "merge-commits"}
SHOW = {"show-pull-requests": "true"}
SERVICE = {"service": "a"}
RUN = "13654801887"  # of the fixture workflow_dispatch
PAGE = f"https://github.com/acme/shop/actions/runs/{RUN}/job/38168200017"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A repository whose first commit nobody deployed yet. It begins near the day on which the tests run."""
    yield from begun(tmp_path, Repo("acme/shop", start="2025-03-01T00:00:00Z"))


def deployed(
    world: World, commit: str = "main", service: Any = None, state: str | None = "success", **more: Any
) -> str:
    """Put a deployment to production into GitHub's history; give the commit."""
    named = {} if service is None else {"service": service}
    environment = more.pop("environment", "production")
    return world.repo.deployments.create(commit, environment, payload=named, state=state, **more).sha


def by_hand(world: World, *given: Mapping[str, str], **env: str) -> Run:
    """Run a step of `workflow_dispatch`."""
    inputs = {name: text for each in (SERVICE, *given) for name, text in each.items()}
    return world.step("workflow_dispatch", None, inputs, **env)


def merges(*pulls: Pull) -> list[str]:
    return [str(pull.merge_commit_sha) for pull in pulls]


def bodies(world: World) -> dict[str, dict[str, Any]]:
    """Give the last deployment that DX was sent of each service."""
    return {request["json"]["service"]["identifier"]: request["json"] for request in world.dx.requests()}


def body(world: World) -> dict[str, Any]:
    (found,) = bodies(world).values()
    return found


def warned(run: Run, level: str = "warning") -> list[str]:
    return [message for each, message in run.remarks if each == level]


def read(run: Run) -> str:
    """Give the summary as it is read."""
    return Page(run.summary).text


def pull_rows(run: Run) -> list[list[str]]:
    """Give the rows of the pull requests that the summary lists."""
    return [row for row in Page(run.summary).rows if row[0].startswith("#")]


def listed(run: Run) -> list[int]:
    """Give the numbers of the pull requests that the summary lists."""
    return [int(row[0].removeprefix("#")) for row in pull_rows(run)]


def headlines(run: Run) -> list[str]:
    return Page(run.summary).headings[1:]


def fell_back(world: World, run: Run, why: str) -> None:
    """The commit is sent, and a warning says why."""
    assert (run.exit_code, run.status) == (0, "registered")
    assert "merge_commit_shas" not in body(world)
    assert body(world)["commit_sha"] == world.repo.rev("main")
    (warning,) = warned(run)
    assert warning.startswith("Attributed by commit instead of merge commits, because ")
    assert why in warning
    assert "  attribution        commit  from no merge commits to send" in run.said
    assert run.outputs["rollback"] == ""
    assert run.json("merge-commit-shas") == []


# The ways of merging.


@pytest.mark.parametrize("how", ["merge", "squash", "rebase", "push"])
def test_each_way_of_merging(world: World, how: How) -> None:
    before = deployed(world)
    pulls = [world.repo.pulls.ship({"a/1": "1"}, {"a/2": "1"}, how=how), world.ship("b/1", how=how)]
    run = by_hand(world, DISCOVER, SHOW)
    assert body(world)["merge_commit_shas"] == run.json("merge-commit-shas") == merges(*pulls)
    assert "commit_sha" not in body(world)
    assert headlines(run) == ["Ships 2 pull requests"]
    assert listed(run) == [each["number"] for each in run.json("pull-requests")] == [1, 2]
    assert (run.outputs["rollback"], run.outputs["truncated"], warned(run)) == ("false", "false", [])
    assert f"Previous deployment: {before}, from GitHub's deployment history (deployment " in read(run)
    assert any(f"a: Ships 2 pull requests; previous deployment: {before} from GitHub's" in line for line in run.said)


def test_a_merge_queue_a_revert_a_cherry_pick_and_direct_commits(world: World) -> None:
    repo, _ = world.repo, deployed(world)
    queued = []
    for name in ("one", "two"):
        repo.branch(name)
        repo.commit({f"a/{name}": "1"}, branch=name)
        queued.append(repo.pulls.open(name))
    repo.pulls.queue(*queued, how="squash")
    repo.commit({"docs/direct": "1"})
    repo.revert(str(queued[0].merge_commit_sha))
    repo.branch("undo")
    repo.revert(str(queued[1].merge_commit_sha), "undo")
    undo = repo.pulls.open("undo", title='Revert "two"')
    repo.pulls.merge(undo, "squash")
    repo.branch("elsewhere", queued[0].base_sha)
    repo.pick(repo.commit({"b/picked": "1"}, branch="elsewhere"))
    run = by_hand(world, DISCOVER)
    assert body(world)["merge_commit_shas"] == merges(*queued, undo)
    assert run.exit_code == 0


def test_a_long_lived_branch_that_was_merged(world: World) -> None:
    """Its own pull requests ship, too."""
    repo, _ = world.repo, deployed(world)
    repo.branch("develop")
    into_it = [repo.pulls.ship({f"a/{how}": "1"}, base="develop", how=how) for how in ("squash", "merge")]
    release = repo.pulls.open("develop")
    repo.pulls.merge(release, "merge")
    later = repo.pulls.ship({"a/later": "1"}, base="develop")
    by_hand(world, DISCOVER)
    assert body(world)["merge_commit_shas"] == merges(*into_it, release)
    assert str(later.merge_commit_sha) not in body(world)["merge_commit_shas"]


def test_a_long_lived_branch_that_was_squashed(world: World) -> None:
    """Then its own pull requests have no commit on the deployed branch."""
    repo, _ = world.repo, deployed(world)
    repo.branch("develop")
    repo.pulls.ship({"a/1": "1"}, base="develop")
    release = repo.pulls.open("develop")
    repo.pulls.merge(release, "squash")
    by_hand(world, DISCOVER)
    assert body(world)["merge_commit_shas"] == merges(release)


def test_a_backport(world: World) -> None:
    repo = world.repo
    repo.branch("release/1.x")
    deployed(world)
    fix = world.ship("a/fix")
    repo.branch("backport", "release/1.x")
    repo.pick(str(fix.merge_commit_sha), "backport")
    backport = repo.pulls.open("backport", "release/1.x")
    repo.pulls.merge(backport, "squash")
    run = by_hand(world, DISCOVER, SHOW, {"commit-sha": repo.rev("release/1.x")})
    assert body(world)["merge_commit_shas"] == merges(backport)
    (warning,) = warned(run)
    assert warning.startswith("The deployed commit is not on the default branch.")


# The previous deployment.


def test_the_given_one_needs_no_history(world: World) -> None:
    before = world.repo.rev("main")
    pull = world.ship("a/1")
    deployed(world)
    run = by_hand(world, DISCOVER, {"since-sha": before[:9]})
    assert body(world)["merge_commit_shas"] == merges(pull)
    assert not any("deployments" in each for each in world.asked)
    assert any(f"previous deployment: {before[:9]} from input since-sha" in line for line in run.said)


# What the history holds after the deployment of the first commit; None: that one is the previous deployment.
PASSED_OVER: dict[str, dict[str, Any]] = {
    "failed": {"state": "failure"},
    "an error": {"state": "error"},
    "under way": {"state": "in_progress"},
    "without a status": {"state": None},
    "this run's own": {"log_url": PAGE},
    "this run's own, under way": {"log_url": PAGE, "state": "in_progress"},
    "elsewhere": {"environment": "staging", "production": False},
    "like production by name alone": {"environment": "Production 2", "production": False, "transient": True},
}


@pytest.mark.parametrize("name", PASSED_OVER)
def test_what_is_no_previous_deployment(world: World, name: str) -> None:
    before = deployed(world)
    pulls = [world.ship("a/1")]
    deployed(world, **PASSED_OVER[name])
    pulls.append(world.ship("a/2"))
    run = by_hand(world, DISCOVER)
    assert body(world)["merge_commit_shas"] == merges(*pulls)
    assert any(f"previous deployment: {before} " in line for line in run.said)


def test_one_that_is_inactive_by_now_counts(world: World) -> None:
    """GitHub calls a deployment so once another one replaced it."""
    deployed(world)
    world.ship("a/1")
    replaced = world.repo.deployments.create(state="success")
    world.repo.deployments.status(replaced, "inactive")
    pull = world.ship("a/2")
    by_hand(world, DISCOVER)
    assert body(world)["merge_commit_shas"] == merges(pull)


def test_a_run_that_deployed_and_completed_is_not_the_one_before(world: World) -> None:
    """Its deployment is what this run registers."""
    deployed(world)
    pull = world.ship("a/1")
    deployed(world, log_url="https://github.com/acme/shop/actions/runs/13654733377/job/1")
    told = {"workflow_run.id": 13654733377, "workflow_run.head_sha": world.repo.rev("main")}
    world.step("workflow_run_success", payload("workflow_run_success", told), SERVICE | DISCOVER)
    assert body(world)["merge_commit_shas"] == merges(pull)


def test_another_run_whose_number_begins_alike_is_not_this_one(world: World) -> None:
    deployed(world)
    world.ship("a/1")
    deployed(world, log_url=f"https://github.com/acme/shop/actions/runs/{RUN}7/job/1")
    pull = world.ship("a/2")
    by_hand(world, DISCOVER)
    assert body(world)["merge_commit_shas"] == merges(pull)


def test_the_environment_is_compared_exactly(world: World) -> None:
    deployed(world, environment="production")
    first = world.ship("a/1")
    deployed(world, environment="Production")
    second = world.ship("a/2")
    by_hand(world, DISCOVER, {"environment": "production"})
    assert body(world)["merge_commit_shas"] == merges(first, second)
    by_hand(world, DISCOVER, {"environment": "Production"})
    assert body(world)["merge_commit_shas"] == merges(second)


def test_without_an_environment_those_that_count(world: World) -> None:
    deployed(world, environment="live-eu", production=False)
    pulls = [world.ship("a/1")]
    deployed(world, environment="staging", production=False)
    pulls.append(world.ship("a/2"))
    by_hand(world, DISCOVER, {"only-environments": "live-*"})
    assert body(world)["merge_commit_shas"] == merges(*pulls)
    run = by_hand(world, DISCOVER, {"reference-id": "again"})
    fell_back(world, run, "GitHub's deployment history has no earlier deployment to this environment")


NO_PAYLOAD, OTHER = None, "b"


@pytest.mark.parametrize(
    ("past", "given", "why"),
    [
        ([], {}, "has no earlier deployment to this environment"),
        ([OTHER], {}, "has no earlier deployment of the same service that succeeded"),
        ([NO_PAYLOAD], {"service": "a, b"}, "does not say which service was deployed: no payload has a `service`"),
        ([NO_PAYLOAD], {"service-map": MAP}, "does not say which service was deployed"),
        ([NO_PAYLOAD, OTHER], {}, "has no earlier deployment of the same service that succeeded"),
    ],
    ids=["empty", "of another service", "several services", "a map", "unnamed among named"],
)
def test_a_history_that_does_not_tell(world: World, past: list[Any], given: dict[str, str], why: str) -> None:
    """The commit is sent, from which DX fills the gap: never everything that was ever merged."""
    for service in past:
        deployed(world, service=service)
    world.ship("a/1")
    run = by_hand(world, DISCOVER, given)
    for sent in bodies(world).values():
        assert sent["commit_sha"] == world.repo.rev("main")
        assert "merge_commit_shas" not in sent
    (warning,) = warned(run)
    assert why in warning
    assert " (set `since-sha` to the previously deployed commit). DX works out" in warning
    assert (run.exit_code, run.outputs["rollback"], run.json("pull-requests")) == (0, "", [])


def test_a_history_in_which_none_succeeded(world: World) -> None:
    deployed(world, state="failure")
    world.ship("a/1")
    fell_back(
        world,
        by_hand(world, DISCOVER),
        "has no earlier deployment of the same service that succeeded (set `since-sha`",
    )


@pytest.mark.parametrize(
    "named", ["a", '{"identifier": "a", "name": "Aye"}', ["b", "a"], "a=Aye"], ids=["text", "object", "list", "display"]
)
def test_the_service_in_a_payload(world: World, named: Any) -> None:
    named = json.loads(named) if isinstance(named, str) and named.startswith("{") else named
    deployed(world, service=named)
    pull = world.ship("a/1")
    deployed(world, service="b")
    second = world.ship("a/2")
    by_hand(world, DISCOVER)
    assert body(world)["merge_commit_shas"] == merges(pull, second)


def test_a_payload_that_is_text_and_one_that_cannot_be_read(world: World) -> None:
    world.repo.deployments.create("main", payload='{"service": "a"}', state="success")
    pull = world.ship("a/1")
    for broken in ("no JSON {", '{"service": 7}', "[1]", '"text"'):
        world.repo.deployments.create("main", payload=broken, state="success")
    by_hand(world, DISCOVER)
    assert body(world)["merge_commit_shas"] == merges(pull)


def test_several_services_with_their_own_previous_deployments(world: World) -> None:
    deployed(world, service="b")
    one = world.ship("a/1")
    deployed(world, service="a")
    two = world.ship("b/1")
    run = by_hand(world, DISCOVER, SHOW, {"service": "a, b, c"})
    sent = bodies(world)
    assert sent["a"]["merge_commit_shas"] == merges(two)
    assert sent["b"]["merge_commit_shas"] == merges(one, two)
    assert sent["c"]["commit_sha"] == world.repo.rev("main")
    assert run.json("merge-commit-shas") == merges(two, one)
    assert [each["number"] for each in run.json("pull-requests")] == [1, 2]
    assert headlines(run) == ["Ships 1 pull request: a", "Ships 2 pull requests: b", "Ships at least 1 pull request: c"]
    (warning,) = warned(run)
    assert warning.startswith("The deployment of c is attributed by commit instead of merge commits, because ")
    assert run.outputs["rollback"] == "false"


def test_of_several_services_one_goes_back(world: World) -> None:
    deployed(world, service="b")
    pull = world.ship("a/1")
    middle = world.repo.rev("main")
    world.ship("a/2")
    deployed(world, service="a")
    run = by_hand(world, DISCOVER, {"service": "a, b", "commit-sha": middle})
    assert (bodies(world)["a"]["commit_sha"], bodies(world)["b"]["merge_commit_shas"]) == (middle, merges(pull))
    assert run.outputs["rollback"] == "true"
    (notice,) = warned(run, "notice")
    assert notice.startswith("The deployment of a is attributed by commit, because the deployment goes back to")


# Rollback and redeployment.


def test_a_rollback(world: World) -> None:
    good = world.repo.rev("main")
    pulls = [world.ship("a/1"), world.ship("a/2", how="merge"), world.ship("a/3", how="rebase")]
    deployed(world)
    run = by_hand(world, DISCOVER, SHOW, {"commit-sha": good})
    assert body(world)["commit_sha"] == good
    assert "merge_commit_shas" not in body(world)
    assert (run.outputs["rollback"], run.json("pull-requests"), run.json("merge-commit-shas")) == ("true", [], [])
    assert headlines(run) == [f"Rollback to {good[:12]}: 3 pull requests taken out of production"]
    assert listed(run) == [pull.number for pull in pulls]
    assert "mermaid" not in run.summary
    assert warned(run) == []
    run = by_hand(world, SHOW, {"commit-sha": good[:10]})
    assert run.outputs["rollback"] == "true"


@pytest.mark.parametrize("given", [{}, {"service-map": MAP}], ids=["by hand", "by files"])
def test_a_rollback_is_one_though_nobody_tells_what_it_takes_back(world: World, given: dict[str, str]) -> None:
    good = world.repo.rev("main")
    world.ship("a/1")
    bad = world.repo.rev("main")
    if given:
        for path, answered in (("/graphql", 1), ("/pulls/", 0)):
            refusal = "Resource not accessible by integration"
            world.gh.fail(path, after=answered, times=None, status=403, message=refusal)
    else:
        world.gh.permissions["pull_requests"] = "none"
    run = by_hand(world, DISCOVER, SHOW, given, {"commit-sha": good, "since-sha": bad})
    assert (run.outputs["rollback"], headlines(run)) == ("true", [f"Rollback to {good[:12]}"])
    assert (body(world)["commit_sha"], warned(run)) == (good, [])


def test_a_redeployment(world: World) -> None:
    world.ship("a/1")
    commit = deployed(world)
    run = by_hand(world, DISCOVER, SHOW)
    assert body(world)["commit_sha"] == commit
    assert (run.outputs["rollback"], run.json("pull-requests"), listed(run)) == ("false", [], [])
    assert headlines(run) == [f"{commit[:12]} was deployed before: nothing new ships"]
    (notice,) = warned(run, "notice")
    assert "the commit was deployed before and nothing new ships" in notice


def test_nothing_was_merged_since(world: World) -> None:
    before = deployed(world)
    world.repo.commit({"a/direct": "1"})
    run = by_hand(world, DISCOVER)
    assert "merge_commit_shas" not in body(world)
    assert body(world)["commit_sha"] == world.repo.rev("main")
    (warning,) = warned(run)
    assert f"no pull request was merged since {before[:12]}" in warning
    assert run.outputs["rollback"] == "false"


def test_a_line_of_its_own(world: World) -> None:
    world.repo.branch("hotfix")
    world.ship("a/1")
    deployed(world)
    pull = world.repo.pulls.ship({"a/fix": "1"}, base="hotfix")
    run = by_hand(world, DISCOVER, SHOW, {"commit-sha": world.repo.rev("hotfix")})
    assert body(world)["merge_commit_shas"] == merges(pull)
    assert run.outputs["rollback"] == "false"
    assert "The two commits have diverged." in read(run)


# What the events tell.


def test_a_merged_pull_request(world: World) -> None:
    before = deployed(world)
    pulls = [world.ship("a/1"), world.ship("a/2")]
    run = world.merged(pulls[1], SERVICE | DISCOVER | SHOW)
    assert body(world)["merge_commit_shas"] == merges(*pulls)
    assert listed(run) == [1, 2]
    assert world.asked == [
        *("deployments 1", f"deployments/{world.repo.deployments.newest_first()[0].id}/statuses 1"),
        *(f"compare/{before}...{world.repo.rev('main')} 1", "/graphql", "/graphql"),
    ]


def test_a_merged_pull_request_that_github_does_not_know_by_its_commit_yet(world: World) -> None:
    """The event tells of it."""
    deployed(world)
    pulls = [world.ship("a/1"), world.ship("a/2")]
    world.gh.configure(lag=1)
    by_hand(world, SHOW, {"attribution": "commit", "dry-run": "true"})
    world.ship("a/3")
    pulls.append(world.repo.pulls.by_number[3])
    world.merged(pulls[2], SERVICE | DISCOVER)
    assert body(world)["merge_commit_shas"] == merges(*pulls)


@pytest.mark.parametrize(
    ("lag", "known", "asked"),
    [(0, True, 1), (1, True, 2), (2, True, 3), (3, False, 3)],
    ids=["at once", "1", "2", "no"],
)
def test_after_a_push_github_may_need_a_moment(world: World, lag: int, known: bool, asked: int) -> None:
    """For all services it is waited once."""
    before = world.repo.rev("main")
    for service in ("a", "b"):
        deployed(world, service=service)
        world.repo.commit({f"{service}/direct": "1"})
    pull = world.ship("a/1")
    world.gh.configure(lag=lag)
    run = world.pushed(before, {"service": "a, b"} | DISCOVER)
    assert [sent.get("merge_commit_shas") for sent in bodies(world).values()] == [merges(pull) if known else None] * 2
    assert world.gh.count("/graphql") == asked
    assert run.exit_code == 0


def test_what_a_push_moved_is_only_shown(world: World) -> None:
    world.ship("a/1")
    before = world.repo.rev("main")
    pulls = [world.ship("a/2"), world.ship("a/3")]
    run = world.pushed(before, SERVICE | DISCOVER | SHOW)
    fell_back(world, run, "has no earlier deployment to this environment")
    assert listed(run) == [pull.number for pull in pulls]
    assert headlines(run) == ["Ships 2 pull requests"]
    assert f"Compared with: {before}, from push.before." in read(run)
    assert [each["number"] for each in run.json("pull-requests")] == [2, 3]
    run = world.pushed(before, SERVICE | DISCOVER)
    assert (headlines(run), run.json("pull-requests")) == ([], [])


@pytest.mark.parametrize("before", ["0" * 40, "f" * 40], ids=["a new branch", "a force push"])
def test_a_push_whose_beginning_is_not_there(world: World, before: str) -> None:
    pull = world.ship("a/1")
    run = world.pushed(before, SERVICE | DISCOVER | SHOW)
    fell_back(world, run, "has no earlier deployment to this environment")
    assert listed(run) == [pull.number]
    assert headlines(run) == ["Ships at least 1 pull request"]


def test_a_push_back_is_no_rollback_that_is_known(world: World) -> None:
    good = world.repo.rev("main")
    world.ship("a/1")
    before = world.repo.rev("main")
    world.repo.branch("main", good)
    run = world.pushed(before, SERVICE | SHOW)
    assert headlines(run) == [f"{good[:12]} is older than the commit it is compared with, by 1 pull request"]
    assert run.outputs["rollback"] == ""


def test_a_pull_request_without_a_previous_deployment_is_shown_itself(world: World) -> None:
    world.ship("a/1")
    pull = world.ship("a/2")
    run = world.merged(pull, SERVICE | SHOW)
    assert (listed(run), headlines(run)) == ([pull.number], ["Ships at least 1 pull request"])
    assert warned(run) == []
    (notice,) = warned(run, "notice")
    assert notice.startswith("What ships is not certain, because GitHub's deployment history has no earlier")


def test_a_dispatch_without_a_previous_deployment_shows_its_commits_own(world: World) -> None:
    world.ship("a/1")
    pull = world.ship("a/2")
    run = by_hand(world, SHOW)
    assert (listed(run), headlines(run)) == ([pull.number], ["Ships at least 1 pull request"])
    world.repo.commit({"a/direct": "1"})
    run = by_hand(world, SHOW)
    assert (listed(run), headlines(run)) == ([], [])


def released(world: World, tag: str) -> dict[str, Any]:
    release = world.repo.releases.publish(tag, "main")
    told = {"release.id": release.id, "release.tag_name": tag, "repository.full_name": world.repo.full_name}
    return payload("release_released", told)


def test_a_release_is_compared_with_the_one_before(world: World) -> None:
    """Tags may have slashes; drafts and prereleases are none."""
    repo = world.repo
    world.ship("a/0")
    repo.releases.publish("shop/v1.0.0")
    pulls = [world.ship("a/1")]
    repo.releases.publish("shop/v1.1.0-rc.1", prerelease=True)
    pulls.append(world.ship("a/2"))
    event = released(world, "shop/v1.1.0")
    run = world.step("release_released", event, SERVICE | SHOW)
    assert (listed(run), warned(run)) == ([2, 3], [])
    assert "Compared with: shop/v1.0.0, from the release before." in read(run)
    assert world.gh.count("/releases$") == 1
    deployed(world, pulls[0].merge_commit_sha or "")
    run = world.step("release_released", event, SERVICE | SHOW | {"reference-id": "2"})
    assert listed(run) == [3]
    run = world.step("release_released", event, SERVICE | DISCOVER | {"reference-id": "3"})
    assert body(world)["merge_commit_shas"] == merges(pulls[1])


def test_the_first_release(world: World) -> None:
    pull = world.ship("a/1")
    run = world.step("release_released", released(world, "v1"), SERVICE | SHOW)
    assert (listed(run), headlines(run)) == ([pull.number], ["Ships at least 1 pull request"])


def status_of(world: World, deployment: Deployment, **more: Any) -> dict[str, Any]:
    """Write the event of a deployment's success."""
    told = {
        "deployment.id": deployment.id,
        "deployment.sha": deployment.sha,
        "deployment.environment": deployment.environment,
        "deployment.payload": deployment.payload,
        "deployment.created_at": "2025-03-01T12:00:00Z",
        "deployment_status.created_at": "2025-03-01T12:00:00Z",
        "repository.full_name": world.repo.full_name,
    }
    return payload("deployment_status_success", {**told, **more})


@pytest.mark.parametrize("event", ["deployment_status_success", "deployment_production"])
def test_a_deployments_own_event(world: World, event: str) -> None:
    """Itself is not the previous one, nor is what came after it; its environment and its service are."""
    at = {"at": "2025-03-01T11:00:00Z"}
    deployed(world, service="a", **at)
    pulls = [world.ship("a/1")]
    deployed(world, service="a", environment="production-eu", **at)
    deployed(world, service="b", **at)
    pulls.append(world.ship("a/2"))
    own = world.repo.deployments.create(payload={"service": "a"}, state="success", at="2025-03-01T12:00:00Z")
    sha = own.sha
    world.ship("a/3")
    deployed(world, service="a", at="2025-03-01T13:00:00Z")
    told = status_of(world, own)
    if event == "deployment_production":
        told = payload(event, {key: told["deployment"][key.partition(".")[2]] for key in DEPLOYMENT})
    run = world.step(event, told, DISCOVER | {"environment": "production-eu"})
    assert (body(world)["merge_commit_shas"], run.outputs["commit-sha"]) == (merges(*pulls), sha)


DEPLOYMENT = [f"deployment.{key}" for key in ("id", "sha", "environment", "payload", "created_at")]


def test_a_deployment_that_is_the_first_to_name_its_service(world: World) -> None:
    """The history then tells services apart, and of those before it is not known whose they are."""
    deployed(world, at="2025-03-01T11:00:00Z")
    world.ship("a/1")
    own = world.repo.deployments.create(payload={"service": "a"}, state="success", at="2025-03-01T12:00:00Z")
    run = world.step("deployment_status_success", status_of(world, own), DISCOVER)
    fell_back(world, run, "has no earlier deployment of the same service that succeeded")


def test_a_workflow_run_and_a_schedule(world: World) -> None:
    deployed(world)
    pull = world.ship("a/1")
    told = {
        "workflow_run.head_sha": world.repo.rev("main"),
        "workflow_run.head_commit.timestamp": "2025-03-01T09:00:00+02:00",
    }
    run = world.step(
        "workflow_run_success",
        payload("workflow_run_success", told),
        SERVICE | DISCOVER | {"lead-time-metadata": "commit"},
    )
    assert body(world)["merge_commit_shas"] == merges(pull)
    assert body(world)["metadata"] == {"commit_timestamp": 1740812400}
    assert "commits/" not in "".join(world.asked)
    run = world.step("schedule", None, SERVICE | DISCOVER | {"reference-id": "2"})
    assert run.json("merge-commit-shas") == merges(pull)


# Services that are found by files.


def test_each_service_of_a_map_ships_what_touches_it(world: World) -> None:
    """A file that moved belongs to both places, and one of more than a hundred counts."""
    repo = world.repo
    before = repo.rev("main")
    one = world.ship("a/1")
    two = world.ship("b/1")
    both = world.ship("a/2", "b/2")
    moved = repo.pulls.ship({"a/x": None, "docs/x": repo.files()["a/x"] + b"", "b/x": "1"}, how="merge")
    many = world.ship("b/last", *[f"docs/{number:03}" for number in range(150)])
    world.ship("docs/1")
    run = world.pushed(before, DISCOVER | SHOW | {"service-map": MAP, "since-sha": before})
    sent = bodies(world)
    assert sent["a"]["merge_commit_shas"] == merges(one, both, moved)
    assert sent["b"]["merge_commit_shas"] == merges(two, both, moved, many)
    assert run.json("merge-commit-shas") == merges(one, both, moved, two, many)
    assert [each["number"] for each in run.json("pull-requests")] == [1, 2, 3, 4, 5]
    assert headlines(run) == ["Ships 3 pull requests: a", "Ships 4 pull requests: b"]
    assert world.gh.count("pulls/5/files") == 2
    assert world.gh.count("pulls/[1236]/files") == 0


def test_a_service_that_nothing_touches_is_attributed_by_the_commit(world: World) -> None:
    before = world.repo.rev("main")
    pull = world.ship("a/1")
    run = by_hand(world, DISCOVER, {"service": "a, b", "service-map": MAP, "since-sha": before})
    sent = bodies(world)
    assert sent["a"]["merge_commit_shas"] == merges(pull)
    assert sent["b"]["commit_sha"] == world.repo.rev("main")
    (warning,) = warned(run)
    assert warning.startswith(
        "The deployment of b is attributed by commit instead of merge commits, because no pull request was merged since "
    )
    assert "a: Ships 1 pull request" in "".join(run.said)


def test_codeowners_that_cannot_be_read_cost_the_attribution_alone(world: World) -> None:
    """The services are given, so that the deployment is known."""
    world.repo.commit({"CODEOWNERS": "/a/ @acme/a\n"})
    before = world.repo.rev("main")
    pull = world.ship("a/1")
    given = {"services-from": "codeowners", "since-sha": before}
    by_hand(world, DISCOVER, given, {"reference-id": "1"})
    assert body(world)["merge_commit_shas"] == merges(pull)
    world.gh.fail("git/trees", status=403, times=None, message="Resource not accessible by integration")
    run = by_hand(world, DISCOVER, given, {"reference-id": "2"})
    fell_back(world, run, "`github-token` may not read the contents of acme/shop")


# What GitHub does not tell.


@pytest.mark.parametrize(
    ("permission", "named"),
    [("contents", "contents"), ("deployments", "deployments"), ("pull_requests", "pull-requests")],
)
@pytest.mark.parametrize("given", [DISCOVER, DISCOVER | SHOW | {"lead-time-metadata": "both"}], ids=["sent", "shown"])
def test_a_permission_that_is_missing(world: World, permission: str, named: str, given: dict[str, str]) -> None:
    deployed(world)
    world.ship("a/1")
    world.gh.permissions[permission] = "none"
    run = by_hand(world, given)
    assert (run.exit_code, run.status, body(world)["commit_sha"]) == (0, "registered", world.repo.rev("main"))
    assert "merge_commit_shas" not in body(world)
    by_commit = [warning for warning in warned(run) if "ttributed by commit" in warning]
    assert len(by_commit) == 1
    assert f"Grant the job the permission `{named}: read`" in by_commit[0]


def test_a_pull_request_event_needs_only_what_is_missing(world: World) -> None:
    """Without `deployments: read` the pull request itself is shown all the same."""
    pull = world.ship("a/1")
    world.gh.permissions["deployments"] = "none"
    run = world.merged(pull, SERVICE | SHOW)
    assert listed(run) == [1]
    (notice,) = warned(run, "notice")
    assert "`deployments: read`" in notice


def test_no_token(world: World) -> None:
    world.ship("a/1")
    run = by_hand(world, DISCOVER, {"github-token": ""})
    fell_back(world, run, "`github-token` ")


@pytest.mark.parametrize("path", ["/deployments$", "/compare/", "/graphql"])
@pytest.mark.parametrize("limit", ["primary", "secondary"])
def test_a_rate_limit_is_waited_for_where_it_ends_in_time(world: World, path: str, limit: Any) -> None:
    deployed(world)
    pull = world.ship("a/1")
    status = {"status": 403} if path == "/graphql" else {}
    world.gh.fail(path, limit=limit, wait=3, **status)
    by_hand(world, DISCOVER)
    assert body(world)["merge_commit_shas"] == merges(pull)
    assert world.gh.count(path) == (3 if path == "/compare/" else 2)


@pytest.mark.parametrize("path", ["/deployments$", "/compare/", "/graphql"])
def test_a_rate_limit_that_ends_too_late(world: World, path: str) -> None:
    deployed(world)
    world.ship("a/1")
    world.gh.fail(path, limit="primary", wait=3000, times=None)
    run = by_hand(world, DISCOVER)
    fell_back(world, run, "`github-token` has used up GitHub's rate limit")
    assert world.gh.count(path) <= 2


@pytest.mark.parametrize(
    "fault", [{"status": 503}, {"reset": True}, {"body": b"<html>"}], ids=["503", "reset", "proxy"]
)
@pytest.mark.parametrize("path", ["/deployments$", "statuses", "/compare/", "/graphql"])
def test_github_does_not_answer(world: World, path: str, fault: dict[str, Any]) -> None:
    deployed(world)
    world.ship("a/1")
    world.gh.fail(path, times=None, **fault)
    fell_back(world, by_hand(world, DISCOVER), "`GITHUB_API_URL` ")


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/deployments$", {}),
        ("/deployments$", [None]),
        ("/deployments$", [{"id": 1}]),
        ("statuses", {}),
        ("statuses", [None]),
        ("/compare/", []),
        ("/compare/", {"status": "sideways", "total_commits": 1, "commits": []}),
        ("/graphql", []),
        ("/graphql", {"data": {"repository": {"c0": 7}}}),
        (
            "/graphql",
            {
                "data": {
                    "repository": {"c0": {"associatedPullRequests": {"nodes": [{"merged": True, "mergeCommit": 1}]}}}
                }
            },
        ),
    ],
)
def test_an_answer_of_another_shape_keeps_no_deployment_back(world: World, path: str, answer: Any) -> None:
    deployed(world)
    world.ship("a/1")
    world.gh.fail(path, status=200, body=json.dumps(answer).encode(), times=None)
    fell_back(world, by_hand(world, DISCOVER), "`GITHUB_API_URL` returned an answer that is not as GitHub doc")


def test_a_history_that_was_rewritten(world: World) -> None:
    repo = world.repo
    world.ship("a/1")
    deployment = repo.deployments.create(state="success")
    deployment.sha = "f" * 40
    world.ship("a/2")
    run = by_hand(world, DISCOVER)
    fell_back(world, run, "the repository lacks the previously deployed commit or the deployed one")


@pytest.mark.parametrize("since", [True, False], ids=["given", "from the history"])
def test_a_commit_without_a_common_beginning_is_there_all_the_same(world: World, since: bool) -> None:
    """GitHub cannot compare the two, and answers as if one of them did not exist."""
    before = deployed(world)
    world.repo.commit({"a/new": "1"}, parents=[], branch="main")
    world.ship("a/1")
    run = by_hand(world, DISCOVER, {"since-sha": before} if since else {})
    fell_back(world, run, f"GitHub finds no common history of {before[:12]} and the deployed commit.")
    assert ("set `since-sha`" in warned(run)[0]) is False


@pytest.mark.parametrize("before", ["0" * 40, "unrelated"])
def test_what_is_shown_of_a_push_over_an_unrelated_beginning(world: World, before: str) -> None:
    before = world.repo.rev("main") if before == "unrelated" else before
    world.repo.commit({"a/new": "1"}, parents=[], branch="main")
    pull = world.ship("a/1")
    run = world.pushed(before, SERVICE | SHOW)
    assert (listed(run), headlines(run)) == ([pull.number], ["Ships at least 1 pull request"])


def test_a_given_commit_that_github_does_not_know(world: World) -> None:
    world.ship("a/1")
    run = by_hand(world, DISCOVER, {"since-sha": "f" * 40})
    assert (run.exit_code, run.status, world.dx.requests()) == (1, "failed", [])
    (message,) = errors(run)
    assert "`since-sha` is not a commit of the repository, or `github-token` cannot read it" in message


def test_too_many_commits(world: World) -> None:
    deployed(world)
    world.ship("a/1")
    compared = {"status": "ahead", "total_commits": 2501, "commits": [], "merge_base_commit": {"sha": "a" * 40}}
    world.gh.fail("/compare/", status=200, body=json.dumps(compared).encode())
    fell_back(world, by_hand(world, DISCOVER), "more than 2,500 commits lie between ")


def test_too_many_commits_whatever_github_says(world: World) -> None:
    deployed(world)
    world.ship("a/1")

    def more(found: dict[str, Any]) -> None:
        start = len(world.gh.calls) * 100
        found["commits"] = [{"sha": f"{number:040}"} for number in range(start, start + 100)]

    world.gh.fail("/compare/", edit=more, times=None)
    fell_back(world, by_hand(world, DISCOVER), "lists 2,600 commits or more since ")
    assert world.gh.count("/compare/") == 26


# Where GitHub is.


@pytest.mark.parametrize("where", ["ghes", "renamed", "by hand"])
def test_another_server_another_name_another_repository(tmp_path: Path, where: str) -> None:
    repo, other = Repo("acme/shop", start="2025-03-01T00:00:00Z"), Repo("acme/other", start="2025-03-01T00:00:00Z")
    for each in (repo, other):
        each.commit({"README.md": each.name})
        each.deployments.create(state="success")
    subject = other if where == "by hand" else repo
    pull = subject.pulls.ship({"a/1": "1"}, title="Add 1")
    moved = {"acme/shop-of-old": "acme/shop"} if where == "renamed" else {}
    with GitHub(repo, other, token=GH, ghes=where == "ghes", moved=moved) as gh, Sandbox(token=TOKEN) as dx:
        world = World(tmp_path, repo, gh, dx)
        given = {"repository": "acme/other", "commit-sha": other.rev("main")} if where == "by hand" else {}
        told = payload("workflow_dispatch", {"repository.full_name": "acme/shop-of-old"} if moved else {})
        env = {"GITHUB_REPOSITORY": "acme/shop-of-old"} if moved else {}
        run = world.step("workflow_dispatch", told, SERVICE | DISCOVER | SHOW | given, **env)
        assert body(world)["merge_commit_shas"] == merges(pull)
        assert listed(run) == [1]
        assert all(call.status < 400 for call in gh.calls)
        assert f'{gh.server_url}/{subject.full_name}/pull/1"' in run.summary


# Merge commits by hand.


def test_a_list_by_hand_is_shown_and_sent_as_it_is(world: World) -> None:
    first, second = world.ship("a/1"), world.ship("b/1")
    world.ship("a/2")
    shas = [merges(second)[0][:8], merges(first)[0].upper(), "f" * 40]
    given = {"merge-commit-shas": json.dumps(shas), "service": "a, b"}
    run = by_hand(world, SHOW, given)
    assert [sent["merge_commit_shas"] for sent in bodies(world).values()] == [shas, shas]
    assert (listed(run), headlines(run)) == ([1, 2], ["Ships 2 pull requests"])
    assert run.outputs["rollback"] == ""
    assert not any("deployments" in each or each.startswith("compare/1") for each in world.asked)
    assert len([line for line in run.said if line.startswith("Looked up: ")]) == 1
    assert warned(run) == []
    assert warned(run, "notice") == [
        "What ships is not certain, because GitHub did not return the pull requests of commit ffffffffffff."
    ]


def test_a_list_by_hand_that_cannot_be_shown_is_sent_all_the_same(world: World) -> None:
    pull = world.ship("a/1")
    world.gh.permissions["pull_requests"] = "none"
    run = by_hand(world, SHOW, {"merge-commit-shas": merges(pull)[0]})
    assert (run.exit_code, body(world)["merge_commit_shas"]) == (0, merges(pull))
    (notice,) = warned(run, "notice")
    assert notice.startswith("What ships is not certain, because `github-token` may not read the pull requests of acme")


# Lead time.


def test_both_times_of_a_dispatch(world: World) -> None:
    repo, _ = world.repo, deployed(world)
    repo.branch("old")
    repo.commit({"a/1": "1"}, branch="old", author_date="2025-02-20T10:00:00Z")
    repo.commit({"a/2": "1"}, branch="old", author_date="2025-02-19T10:00:00Z")
    old = repo.pulls.open("old")
    repo.pulls.merge(old, "squash")
    world.ship("a/3")
    run = by_hand(world, {"lead-time-metadata": "both", "metadata": '{"version": "1.10"}'})
    committed = repo.history.commits[repo.rev("main")].committed
    times = {"commit_timestamp": committed, "first_commit_timestamp": 1739959200}
    assert body(world)["metadata"] == times | {"version": "1.10"}
    assert f"  metadata           commit_timestamp {committed}, first_commit_timestamp 1739959200" in "\n".join(
        run.said
    )
    assert "from GitHub's commit, pull request #1" in "\n".join(run.said)


def test_the_time_of_a_merge_is_the_events(world: World) -> None:
    """Nothing else is asked for than the first commit, and the previous deployment is not looked for."""
    pull = world.ship("a/1")
    own = world.repo.history.commits[pull.head_sha].authored
    world.merged(pull, SERVICE | {"lead-time-metadata": "both"}, **{"pull_request.merged_at": "2025-03-02T10:00:00Z"})
    assert body(world)["metadata"] == {"commit_timestamp": 1740909600, "first_commit_timestamp": own}
    assert world.asked == ["/graphql"]
    run = world.merged(pull, SERVICE | {"lead-time-metadata": "commit", "reference-id": "2"})
    assert (world.asked, run.exit_code) == ([], 0)


def test_metadata_by_hand_wins_and_costs_nothing(world: World) -> None:
    world.ship("a/1")
    given = {"lead-time-metadata": "both", "metadata": "commit_timestamp: 1\nfirst_commit_timestamp: 2\n"}
    by_hand(world, given)
    assert (body(world)["metadata"], world.asked) == ({"commit_timestamp": 1, "first_commit_timestamp": 2}, [])


def test_a_time_that_cannot_be_had_is_left_out(world: World) -> None:
    deployed(world)
    world.repo.commit({"a/1": "1"})
    world.gh.fail("/commits/", status=404, times=None)
    run = by_hand(world, {"lead-time-metadata": "both"})
    assert "metadata" not in body(world)
    first, second = warned(run)
    assert first.startswith(
        "`commit_timestamp` is left out of the metadata, because `github-token` cannot read the contents of"
    )
    assert second.startswith(
        "`first_commit_timestamp` is left out of the metadata, because no pull request is known that this"
    )
    assert run.exit_code == 0


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (
            {"edit": lambda found: found["data"]["repository"].update(item0=None)},
            "GitHub did not return all commits of #1",
        ),
        (
            {"errors": [{"type": "SOMETHING_NEW", "message": "evil"}]},
            "`GITHUB_API_URL` rejected a query of this action",
        ),
    ],
    ids=["one of them", "all"],
)
@pytest.mark.parametrize("given", [{}, SHOW], ids=["sent", "shown"])
def test_a_first_commit_that_github_returns_too_late_is_told(
    world: World, fault: dict[str, Any], why: str, given: dict[str, str]
) -> None:
    """GitHub is asked once, so that what is sent, shown and warned of is the same."""
    deployed(world)
    world.ship("a/1")
    world.gh.fail("/graphql", after=1, **fault)
    run = by_hand(world, DISCOVER, given, {"lead-time-metadata": "first-commit"})
    assert "metadata" not in body(world)
    (warning,) = warned(run)
    assert warning.startswith(f"`first_commit_timestamp` is left out of the metadata, because {why}")
    assert world.gh.count("/graphql") == 2


def test_each_service_has_the_first_commit_of_what_it_ships_itself(world: World) -> None:
    deployed(world, service="a")
    world.ship("a/1")
    deployed(world, service="b")
    second = world.ship("b/1")
    deployed(world, service="c")
    given = {"service": "a\nb\nc", "lead-time-metadata": "first-commit"}
    run = world.step("workflow_dispatch", None, given)
    first, later = (bodies(world)[name]["metadata"]["first_commit_timestamp"] for name in "ab")
    assert first < later
    assert "metadata" not in bodies(world)["c"]
    told = [line for line in run.said if line.startswith("  metadata")]
    assert [line.split("  from ")[1] for line in told] == ["pull request #1 (a)", f"pull request #{second.number} (b)"]


@pytest.mark.parametrize("answer", [{}, {"commit": {"committer": None}}])
def test_a_commit_without_its_time(world: World, answer: Any) -> None:
    world.gh.fail("/commits/", status=200, body=json.dumps(answer).encode(), times=None)
    run = by_hand(world, {"lead-time-metadata": "commit"})
    assert (run.exit_code, run.status) == (0, "registered")
    (warning,) = warned(run)
    assert warning.startswith(
        "`commit_timestamp` is left out of the metadata, because `GITHUB_API_URL` returned an answer that is not"
    )


def test_the_time_of_a_commit_that_github_does_not_know(world: World) -> None:
    run = by_hand(world, {"lead-time-metadata": "commit", "commit-sha": "f" * 40})
    (warning,) = warned(run)
    assert warning.endswith("`GITHUB_API_URL` rejected a look-up (HTTP 422). Check that the repository has the commit.")


@pytest.mark.parametrize("earliest", [0, 99, 100, 120])
def test_more_commits_than_github_gives_at_once(world: World, earliest: int) -> None:
    """The earliest one may be on any page; the pages of several pull requests are asked for together."""
    repo, _ = world.repo, deployed(world)
    for name, early in (("long", earliest), ("longer", None)):
        repo.branch(name)
        for number in range(121):
            date = "2024-04-01T00:00:00Z" if number == early else repo.now
            repo.commit({f"a/{name}{number}": "1"}, branch=name, author_date=date)
        repo.pulls.merge(repo.pulls.open(name), "squash")
    by_hand(world, {"lead-time-metadata": "first-commit"})
    assert body(world)["metadata"] == {"first_commit_timestamp": 1711929600}
    assert [("authoredDate" in (call.graphql or "")) for call in world.gh.calls].count(True) == 2


# The summary and the outputs.


def test_who_when_and_for_how_long(world: World) -> None:
    repo, _ = world.repo, deployed(world)
    repo.now = 1740960000  # 2025-03-03T00:00:00Z
    repo.pulls.ship({"a/1": "1"}, title="Add | a `1`", user="hubot[bot]")
    repo.pulls.ship({"a/2": "1"}, title="Add 2", user="ghost")
    run = by_hand(world, SHOW)
    assert pull_rows(run) == [
        ["#1", "Add | a `1`", "hubot", "2025-03-03 00:03", "1 d 11 h"],
        ["#2", "Add 2", "ghost", "2025-03-03 00:06", "1 d 11 h"],
    ]
    assert run.summary.count("```mermaid\n---\ndisplayMode: compact\n---\ngantt\n") == 1
    assert (
        "section #1\n    to the merge :2025-03-03T00:01:00, 2025-03-03T00:03:00\n"
        "    to production :done, 2025-03-03T00:03:00, 2025-03-04T12:00:00\n" in run.summary
    )
    assert [each["author"] for each in run.json("pull-requests")] == ["hubot", "ghost"]


HOSTILE = "::error::x\r\n##[error]y</a>|<img src=x>`$(id)`[a](http://evil.example)@team #1 \u202e![](x)\n```\n{{x}}"


def test_what_others_wrote_is_inert(world: World) -> None:
    """`World.step` checks that no foreign character of the summary is markup, and `Run` that no line is a command."""
    repo, _ = world.repo, deployed(world)
    for number in (1, 2):
        repo.pulls.ship({f"a/{number}": "1"}, title=HOSTILE, user="evil<b>|`x`", branch=f"x;$(id)`|<b>{number}")
    run = by_hand(world, DISCOVER, SHOW)
    assert listed(run) == [1, 2]
    assert [command.name for command in run.commands] == ["add-mask", "add-mask", "notice"]
    for each in run.json("pull-requests"):
        assert not re.search(r"[\r\n\u202e]|^::|##\[", each["title"])
    assert "evil.example" in read(run)


def test_three_hundred_pull_requests(world: World) -> None:
    """All are sent and in the outputs; the summary lists a hundred of them and draws twenty."""
    deployed(world)
    pulls = [world.repo.pulls.ship({f"a/{number}": "1"}, title=f"Change {number} {'x' * 50}") for number in range(300)]
    run = by_hand(world, DISCOVER, SHOW)
    assert body(world)["merge_commit_shas"] == run.json("merge-commit-shas") == merges(*pulls)
    assert [each["number"] for each in run.json("pull-requests")] == [pull.number for pull in pulls]
    assert run.outputs["truncated"] == "false"
    assert len(listed(run)) == 100
    assert "… and 200 more." in run.summary
    assert run.summary.count("  section #") == 20
    (warning,) = warned(run)
    assert warning.startswith("This deployment ships 300 pull requests, far more than usual.")


def test_many_services_that_ship_different_things(world: World) -> None:
    """The runner drops a summary of more than 1 MB, so that the rows of all services together are bounded."""
    names = [f"service-{number}" for number in range(30)]
    deployed(world, service="none")
    for name in names:
        world.repo.pulls.ship({f"a/{name}": "1"}, title="&" * 200)
        deployed(world, service=name)
    for number in range(15):
        world.repo.pulls.ship({f"b/{number}": "1"}, title="&" * 200)
    run = by_hand(world, DISCOVER, SHOW, {"service": ", ".join(names)})
    assert len(listed(run)) == 100
    assert len(headlines(run)) == 20
    assert read(run).rstrip().endswith("… and 10 more services.")
    assert len(bodies(world)["service-0"]["merge_commit_shas"]) == 44
    assert len(run.json("pull-requests")) == 44
    # The pull requests of a commit are asked for once, however many services ship it.
    assert world.gh.count("/graphql") == 2


def test_none_found_where_they_are_to_be_shown(world: World) -> None:
    before = deployed(world)
    world.repo.commit({"a/1": "1"})
    run = by_hand(world, SHOW)
    assert headlines(run) == ["Ships 0 pull requests"]
    assert warned(run) == [f"No pull requests are listed, because no pull request was merged since {before[:12]}."]


def test_a_commit_by_hand_may_be_off_the_branch_of_the_event(world: World) -> None:
    deployed(world)
    world.repo.branch("hotfix")
    fix = world.repo.pulls.ship({"a/fix": "1"}, base="hotfix")
    pull = world.ship("a/1")
    run = world.merged(pull, SERVICE | DISCOVER | {"commit-sha": merges(fix)[0]})
    assert body(world)["merge_commit_shas"] == merges(fix)
    (warning,) = warned(run)
    assert warning.startswith("The deployed commit is not on the default branch.")


@pytest.mark.parametrize("given", [DISCOVER, DISCOVER | SHOW | {"lead-time-metadata": "both"}], ids=["sent", "shown"])
def test_a_dry_run_decides_what_the_live_one_does(world: World, given: dict[str, str]) -> None:
    deployed(world)
    world.ship("a/1")
    world.ship("a/2")
    dry = by_hand(world, given, {"dry-run": "true"})
    asked = world.asked
    assert world.dx.requests() == []
    live = by_hand(world, given)
    assert asked == world.asked
    differing = {name for name, text in dry.outputs.items() if live.outputs[name] != text}
    assert differing <= {"status", "results"}
    assert dry.json("requests")[0]["body"] == body(world)
    assert headlines(dry) == headlines(live)
    assert listed(dry) == listed(live)


def test_a_history_full_of_other_environments(world: World) -> None:
    """Three hundred previews are between the two, and the environment's own are asked for."""
    deployed(world)
    pull = world.ship("a/1")
    for number in range(320):
        deployed(world, environment=f"preview-{number}", production=False, state=None)
    by_hand(world, DISCOVER, {"environment": "production"})
    assert body(world)["merge_commit_shas"] == merges(pull)
    assert world.asked[:1] == ["deployments 1"]
    assert world.gh.count("/deployments$") == 1
    run = by_hand(world, DISCOVER, {"reference-id": "2"})
    fell_back(world, run, "has no earlier deployment to this environment among its newest 300 (set `since-sha`")
    assert world.gh.count("/deployments$") == 3


def test_a_long_history_is_read_no_further_than_needed(world: World) -> None:
    deployed(world, service="b")
    for number in range(150):
        deployed(world, service="a", state="failure" if number > 120 else "success")
    pull = world.ship("a/1")
    run = by_hand(world, DISCOVER)
    fell_back(
        world,
        run,
        "has no earlier deployment of the same service that succeeded, of the newest 10 (set `since-sha`",
    )
    assert world.gh.count("statuses") == 10
    deployed(world, str(pull.merge_commit_sha), service="a")
    second = world.ship("a/2")
    by_hand(world, DISCOVER, {"reference-id": "2"})
    assert body(world)["merge_commit_shas"] == merges(second)
    assert world.gh.count("/deployments$") == 1
    by_hand(world, DISCOVER, {"reference-id": "3", "service": "b"})
    assert body(world) if len(bodies(world)) == 1 else bodies(world)["b"]["merge_commit_shas"] == merges(pull, second)
    assert world.gh.count("/deployments$") == 2


def test_a_default_branch_with_a_strange_name(tmp_path: Path) -> None:
    repo = Repo("acme/shop", default_branch="team/#1&50%", start="2025-03-01T00:00:00Z")
    repo.commit({"README.md": "Shop"})
    repo.deployments.create(state="success")
    pull = repo.pulls.ship({"a/1": "1"})
    with GitHub(repo, token=GH) as gh, Sandbox(token=TOKEN) as dx:
        world = World(tmp_path, repo, gh, dx)
        told = payload("workflow_dispatch", {"repository.default_branch": repo.default_branch})
        run = world.step("workflow_dispatch", told, SERVICE | DISCOVER)
        assert (body(world)["merge_commit_shas"], warned(run)) == (merges(pull), [])
        assert all(call.status == 200 for call in gh.calls)


# What was deployed before is asked as of the time of deployment.


@pytest.mark.parametrize(
    "given", [{"deployed-at": "2025-03-01T02:00:00Z"}, {"deployed-at": "2025-03-01T03:30:00+01:30"}]
)
def test_a_deployment_that_is_registered_late_is_no_rollback(world: World, given: dict[str, str]) -> None:
    deployed(world)
    pull = world.ship("a/1")
    commit = world.repo.rev("main")
    world.ship("a/2")
    world.repo.now += 6 * 3600
    deployed(world)
    late = by_hand(world, DISCOVER, {"commit-sha": commit}, given)
    assert (late.outputs["rollback"], body(world)["merge_commit_shas"]) == ("false", merges(pull))
    again = by_hand(world, DISCOVER, {"commit-sha": commit, "reference-id": "now"})
    assert again.outputs["rollback"] == "true"


def test_the_first_commit_of_a_list_by_hand_is_that_of_the_whole_list(world: World) -> None:
    first, second = world.ship("a/1"), world.ship("a/2")
    given = {
        "service": "a",
        "merge-commit-shas": ",".join(merges(first, second)),
        "lead-time-metadata": "first-commit",
    }
    world.merged(second, given)
    by_the_event = body(world)["metadata"]
    by_hand(world, given, {"reference-id": "by hand"})
    assert by_the_event == body(world)["metadata"]
    world.merged(second, given | {"merge-commit-shas": merges(second)[0], "reference-id": "alone"})
    assert body(world)["metadata"]["first_commit_timestamp"] > by_the_event["first_commit_timestamp"]


@pytest.mark.parametrize("given", [SHOW, DISCOVER])
def test_another_commit_than_the_event_s_has_its_own_pull_request(world: World, given: dict[str, str]) -> None:
    first, second = world.ship("a/1"), world.ship("a/2")
    run = world.merged(second, SERVICE | given | {"commit-sha": merges(first)[0]})
    assert [each["number"] for each in run.json("pull-requests")] == ([1] if given == SHOW else [])
    run = world.merged(second, SERVICE | SHOW | {"reference-id": "own"})
    assert [each["number"] for each in run.json("pull-requests")] == [2]

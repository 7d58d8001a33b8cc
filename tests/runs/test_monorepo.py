"""Whole runs in a monorepo: what each lookups of GitHub, the stand-in, and what it sends to DX, the Sandbox."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dx_action.sandbox import Fault, Sandbox
from gfm import Page
from runner import TOKEN, Step, connected, until
from scenes import merge_payload, push_payload, told
from stand_in import GitHub, Repo
from worlds import ALSO, GH, IN_FILE, INLINE, MAP, METHODS, REPLACE, SET, A, B, World, begun, errors


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    yield from begun(tmp_path, Repo("acme/shop"))


# DX's own example: https://docs.getdx.com, "Monorepo deployments".


def test_dxs_own_timeline(world: World) -> None:
    """PR 1 (a), PR 2 (b), PR 3 (a) merge, each telling its services; then a is deployed: 1 and 3 are a's, 2 is not."""
    world.write("ci/services.yml", MAP)
    for number, path in ((1, "a/one"), (2, "b/two"), (3, "a/three")):
        run = world.merged(world.ship(path), SET | IN_FILE)
        assert (run.exit_code, run.status) == (0, "pull-services-set")
        assert world.asked == [f"pulls/{number}/files 1"]
    assert world.dx.deployments() == []
    run = world.step("workflow_dispatch", None, {"service": "a", "attribution": "repository"})
    assert (run.exit_code, run.status, world.asked) == (0, "registered", [])
    pulls = world.repo.pulls.by_number
    assert world.dx.pull_services() == [
        {"services": [service], "github_pull_id": pulls[number].id} for number, service in ((1, A), (2, B), (3, A))
    ]
    (deployment,) = world.dx.deployments()
    assert (deployment["service"], deployment["repository"]) == (A, "acme/shop")
    assert not {"commit_sha", "merge_commit_shas"} & deployment.keys()


def test_the_timeline_in_one_step_each(world: World) -> None:
    """Every merge is deployed: what it touches is told, then registered."""
    for path in ("a/one", "b/two", "a/three"):
        assert world.merged(world.ship(path), ALSO | INLINE).status == "registered"
    pairs = [[("setPullServices", [service]), ("create", service)] for service in (A, B, A)]
    assert world.sent == [call for pair in pairs for call in pair]
    assert [each["services"] for each in world.dx.pull_services()] == [[A], [B], [A]]
    assert ["commit_sha" in each for each in world.dx.deployments()] == [False] * 3


# What each operation asks GitHub: the table of docs/monorepos.md.


def many(count: int) -> list[str]:
    return [f"a/{number}" for number in range(count)]


@pytest.mark.parametrize(("count", "pages"), [(1, 1), (99, 1), (100, 2), (101, 2), (250, 3)])
@pytest.mark.parametrize("given", [SET, {}, ALSO], ids=["told", "deployed", "both"])
def test_a_merge_with_a_map_in_the_workspace(world: World, given: dict[str, str], count: int, pages: int) -> None:
    """Pages of 100 files until one is not full, and nothing else."""
    world.write("ci/services.yml", MAP)
    pull = world.ship(*many(count))
    run = world.merged(pull, given | IN_FILE)
    assert run.status == ("pull-services-set" if given == SET else "registered")
    assert world.asked == [f"pulls/{pull.number}/files {page}" for page in range(1, pages + 1)]


HINTS: dict[str, dict[str, Any]] = {
    "no files": {"pull_request.changed_files": 0},
    "a few files": {"pull_request.changed_files": 3},
    "too many files": {"pull_request.changed_files": 9999},
    "unknown": {"pull_request.changed_files": None},
    "no commits": {"pull_request.commits": 0, "pull_request.additions": 0, "pull_request.deletions": 0},
}


@pytest.mark.parametrize("hint", HINTS)
@pytest.mark.parametrize("given", [SET | REPLACE, ALSO | REPLACE, {}], ids=["told", "both", "deployed"])
def test_no_number_in_the_payload_decides_what_a_merge_touches(world: World, given: dict[str, str], hint: str) -> None:
    pull = world.ship(*many(150), "b/last")
    run = world.merged(pull, given | INLINE, **HINTS[hint])
    assert (run.exit_code, run.json("services")) == (0, ["a", "b"])
    assert [services for method, services in world.sent if method == "setPullServices"] == [[A, B]] * bool(given)


PUSH_HINTS: dict[str, dict[str, Any]] = {
    "no commits": {"commits": [], "size": 0, "distinct_size": 0},
    "one commit of many": {"size": 1, "distinct_size": 1},
    "commits without files": {"commits": [{"id": "f" * 40, "added": [], "modified": [], "removed": []}]},
    "other files": {"commits": [{"id": "f" * 40, "added": ["c/x"], "modified": ["README.md"], "removed": []}]},
}


@pytest.mark.parametrize("hint", PUSH_HINTS)
def test_no_list_in_the_payload_decides_what_a_push_touches(world: World, hint: str) -> None:
    """GitHub cuts a push's commits at 2,048 and the files of each."""
    before = world.repo.rev("main")
    world.ship(*many(150), "b/last")
    payload = push_payload(world.repo, before) | PUSH_HINTS[hint]
    run = world.step("push_branch", payload, ALSO | REPLACE | INLINE)
    assert (run.exit_code, run.json("services")) == (0, ["a", "b"])
    assert world.sent[0] == ("setPullServices", [A, B])


PAGE, TREE, COMPARED = "pulls/{n}/files 1", "git/trees/{merged}", "compare/{before}...{merged} 1"
GRAPHQL = "/graphql"
# The event (a merge, a push or a dispatch), the inputs, what GitHub is asked, and what DX is sent.
COSTS: dict[str, tuple[str, dict[str, str], list[str], list[str]]] = {
    "a service that is given": ("merge", {"service": "a"}, [], ["create"]),
    "a given service, told as well": ("merge", ALSO | {"service": "a"}, [], ["set", "create"]),
    "an inline map": ("merge", INLINE, [PAGE], ["create"]),
    "a map on GitHub": ("merge", IN_FILE, [PAGE, "contents/ci/services.yml"], ["create"]),
    "Backstage on GitHub": ("merge", {"services-from": "backstage"}, [PAGE, TREE, "blob"], ["create"]),
    "CODEOWNERS on GitHub": ("merge", {"services-from": "codeowners"}, [PAGE, TREE, "blob"], ["create"]),
    "everything in one step": ("merge", ALSO | INLINE, [PAGE], ["set", "create"]),
    "told by number": ("dispatch", SET | INLINE | {"pull-number": "1"}, [PAGE], ["set"]),
    "told by number, as given": ("dispatch", SET | {"pull-number": "1", "service": "a"}, [], ["set"]),
    "told by id": ("dispatch", SET | {"pull-id": "77", "service": "a"}, [], ["set"]),
    "a push": ("push", INLINE, [COMPARED], ["create"]),
    "a push, told": ("push", SET | INLINE, [COMPARED, GRAPHQL, GRAPHQL], ["set"]),
    "a push, told as given": ("push", SET | {"service": "a"}, [COMPARED, GRAPHQL], ["set"]),
    "a push, everything in one step": ("push", ALSO | INLINE, [COMPARED, GRAPHQL, GRAPHQL], ["set", "create"]),
    "since a commit": ("dispatch", INLINE | {"since-sha": "{before}"}, [COMPARED], ["create"]),
    "a dry run": ("merge", ALSO | INLINE | {"dry-run": "true"}, [PAGE], []),
}


@pytest.mark.parametrize("name", COSTS)
def test_what_is_asked_and_what_is_sent(world: World, name: str) -> None:
    event, given, questions, calls = COSTS[name]
    world.repo.commit({"catalog-info.yaml": "kind: Component\nmetadata:\n  name: a\n", "CODEOWNERS": "* @acme/a\n"})
    before = world.repo.rev("main")
    pull = world.ship("a/one")
    known = {"n": str(pull.number), "before": before, "merged": str(pull.merge_commit_sha)}
    inputs = {key: before if text == "{before}" else text for key, text in given.items()}
    if event == "merge":
        run = world.merged(pull, inputs)
    elif event == "push":
        run = world.pushed(before, inputs)
    else:
        run = world.step("workflow_dispatch", None, inputs)
    assert run.exit_code == 0, run.remarks
    asked_for = ["blob" if each.startswith("git/blobs/") else each for each in world.asked]
    assert asked_for == [each.format(**known) if "{" in each else each for each in questions]
    assert [f"deployments.{method}" for method, _ in world.sent] == [METHODS[call] for call in calls]
    assert all(service in (A, [A]) for _, service in world.sent)


# Which pull request is told.


def test_by_the_payloads_id(world: World) -> None:
    pull = world.ship("a/one", "b/one")
    run = world.merged(pull, SET | INLINE)
    assert world.dx.requests()[0]["json"] == {"github_pull_id": pull.id, "services": [A, B]}
    assert (run.outputs["pull-number"], run.outputs["pull-id"]) == (str(pull.number), str(pull.id))
    assert (run.json("services"), run.json("reference-ids")) == (["a", "b"], [])
    assert run.results("method", "service", "outcome") == [("deployments.setPullServices", "", "accepted")]
    assert run.json("requests") == [
        {"method": "deployments.setPullServices", "body": {"github_pull_id": pull.id, "services": [A, B]}}
    ]


def test_by_repository_and_number(world: World) -> None:
    world.ship("b/one")
    run = world.step("workflow_dispatch", None, SET | INLINE | {"pull-number": "1"})
    assert world.dx.requests()[0]["json"] == {"repository": "acme/shop", "pull_number": 1, "services": [B]}
    assert (run.status, run.outputs["pull-number"], run.outputs["pull-id"]) == ("pull-services-set", "1", "")


def test_by_id(world: World) -> None:
    run = world.step("schedule", None, SET | {"pull-id": "2401500041", "service": "b=Service B"})
    assert world.dx.requests()[0]["json"] == {"github_pull_id": 2401500041, "services": [B]}
    assert (run.status, run.outputs["pull-number"], run.outputs["pull-id"]) == ("pull-services-set", "", "2401500041")


def test_a_number_in_another_repository(world: World) -> None:
    other = Repo("acme/other")
    other.commit({"CODEOWNERS": "/b/ @acme/b\n"})
    other.pulls.ship({"b/one": "1"})
    with GitHub(world.repo, other, token=GH) as gh:
        world.gh = gh
        given = SET | {"services-from": "codeowners", "repository": "acme/other", "pull-number": "1"}
        run = world.merged(world.ship("a/one"), given)
    assert run.status == "pull-services-set"
    assert world.dx.requests()[0]["json"]["repository"] == "acme/other"
    assert all(call.path.startswith("/repos/acme/other/") for call in gh.calls)


def test_a_merge_queue_tells_each_of_its_pull_requests(world: World) -> None:
    before = world.repo.rev("main")
    queued = []
    for number, paths in enumerate((["a/one"], ["b/two"], ["a/three", "b/three"], ["docs/four"])):
        world.repo.branch(f"q{number}")
        world.repo.commit(dict.fromkeys(paths, "1"), branch=f"q{number}")
        queued.append(world.repo.pulls.open(f"q{number}"))
    world.repo.pulls.queue(*queued, how="merge")
    run = world.pushed(before, ALSO | INLINE)
    assert run.status == "registered"
    assert {each["github_pull_id"]: each["services"] for each in world.dx.pull_services()} == {
        queued[0].id: [A],
        queued[1].id: [B],
        queued[2].id: [A, B],
    }
    assert {each["service"]["identifier"] for each in world.dx.deployments()} == {"a", "b"}
    assert sorted(world.sent[:3], key=str) == sorted([("setPullServices", x) for x in ([A], [B], [A, B])], key=str)
    assert len(world.asked) == 2 + 1
    assert (run.outputs["pull-number"], run.outputs["pull-id"]) == ("", "")


def test_a_direct_push_is_deployed_and_nobody_is_told(world: World) -> None:
    before = world.repo.rev("main")
    world.repo.commit({"a/one": "1"})
    run = world.pushed(before, ALSO | INLINE)
    assert (run.status, world.sent) == ("registered", [("create", A)])
    assert "Looked up: the push merged no pull request" in run.said
    run = world.pushed(before, SET | INLINE)
    assert (run.exit_code, run.status) == (0, "skipped")
    assert run.outputs["reason"].startswith("GitHub found no pull request that this push merged.")
    assert len(world.sent) == 1


def test_nothing_touched(world: World) -> None:
    pull = world.ship("docs/one")
    for given in (INLINE, INLINE | ALSO, INLINE | SET):
        run = world.merged(pull, given)
        assert (run.exit_code, run.status, world.sent) == (0, "skipped", [])
        assert run.outputs["reason"].startswith("The change touches no service.")
        assert [level for level, _ in run.remarks] == ["notice"]


def test_nothing_touched_clears_what_is_replaced(world: World) -> None:
    pull = world.ship("docs/one")
    world.merged(pull, SET | {"service": "a"})
    for given in (INLINE | SET | REPLACE, INLINE | ALSO | REPLACE):
        run = world.merged(pull, given)
        assert (run.exit_code, run.status) == (0, "pull-services-set")
        assert world.dx.pull_services() == [{"services": [], "github_pull_id": pull.id}]
        assert world.dx.requests()[-1]["json"] == {"github_pull_id": pull.id, "services": [], "replace": True}
        assert f"Services of pull request #{pull.number}: none" in Page(run.summary).text
    assert world.dx.deployments() == []


def test_a_step_about_one_service_clears_nothing_of_anothers(world: World) -> None:
    pull = world.ship("b/one")
    world.merged(pull, SET | {"service": "b=Service B"})
    given = INLINE | REPLACE | {"service": "a"}
    assert world.merged(pull, given | ALSO).status == "registered"
    assert world.merged(pull, given | SET).status == "skipped"
    assert world.dx.pull_services() == [{"services": [B], "github_pull_id": pull.id}]
    assert [method for method, _ in world.sent] == ["setPullServices", "create"]


def test_services_are_added_or_replaced(world: World) -> None:
    pull = world.ship("b/one")
    world.merged(pull, SET | {"service": "a"})
    world.merged(pull, SET | INLINE)
    assert world.dx.pull_services()[0]["services"] == [A, B]
    world.merged(pull, SET | INLINE | REPLACE)
    assert world.dx.pull_services()[0]["services"] == [B]


# Where DX fails.


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [({"status": 422, "error": "repo_not_found"}, "failed"), ({"status": 503, "times": "forever"}, "unknown")],
    ids=["refused", "unavailable"],
)
def test_a_failed_assignment_does_not_stop_the_deployment(world: World, fault: dict[str, Any], outcome: str) -> None:
    world.dx.script([Fault(method="deployments.setPullServices", **fault)])
    pull = world.ship("a/one")
    run = world.merged(pull, ALSO | INLINE | {"failed-file": "out/failed.jsonl"})
    assert (run.exit_code, run.status) == (1, "partial")
    assert [each["service"] for each in world.dx.deployments()] == [A]
    assert run.results("outcome") == [(outcome,), ("accepted",)]
    (message,) = errors(run)
    assert f"set the services of pull request #{pull.number}" in message
    assert "Repeat only this call, and no deployment: run `operation: set-pull-services` with its" in message
    assert "`pull-number` and the same services" in message
    assert "The request is saved in out/failed.jsonl, ready to be sent as a `backfill-file`." in message
    (line,) = (run.workspace / "out/failed.jsonl").read_text().splitlines()
    assert json.loads(line) == {"github_pull_id": pull.id, "services": [A], "method": "setPullServices"}
    assert "### 1 of 2 calls NOT" in run.summary


def test_what_is_to_be_repeated_can_be(world: World) -> None:
    world.dx.script([Fault(method="deployments.setPullServices", status=422, error="no")])
    pull = world.ship("a/one")
    assert world.merged(pull, ALSO | INLINE).status == "partial"
    run = world.step("workflow_dispatch", None, SET | INLINE | {"pull-number": str(pull.number)})
    assert run.status == "pull-services-set"
    assert len(world.dx.deployments()) == 1
    assert len(world.dx.pull_services()) == 1


def test_a_clear_that_failed_can_be_repeated_as_the_message_says(world: World) -> None:
    pull = world.ship("docs/one")
    world.merged(pull, SET | {"service": "a"})
    world.dx.script([Fault(method="deployments.setPullServices", status=422, error="no")])
    given = SET | INLINE | REPLACE
    (message,) = errors(world.merged(pull, given))
    assert message.endswith(
        "run this step again with the same inputs, or send its request from the log or the summary."
    )
    assert world.merged(pull, given).status == "pull-services-set"
    assert world.dx.pull_services() == [{"services": [], "github_pull_id": pull.id}]


def test_a_refused_token_stops_the_deployment_too(world: World) -> None:
    pull = world.ship("a/one", "b/one")
    run = world.merged(pull, ALSO | INLINE | {"dx-token": "another-token-than-it-is", "failed-file": "failed.jsonl"})
    assert (run.exit_code, run.status) == (1, "failed")
    assert run.results("method", "outcome", "error") == [
        ("deployments.setPullServices", "failed", "invalid_auth"),
        ("deployments.create", "not-sent", "unauthorized_before"),
        ("deployments.create", "not-sent", "unauthorized_before"),
    ]
    assert len(world.dx.requests()) == 1
    assert len(errors(run)) == 1
    lines = [json.loads(line) for line in (run.workspace / "failed.jsonl").read_text().splitlines()]
    assert [line.get("method", "create") for line in lines] == ["setPullServices", "create", "create"]


def test_an_assignment_alone_that_is_refused(world: World) -> None:
    world.dx.script([Fault(status=422, error="no")])
    run = world.merged(world.ship("a/one"), SET | INLINE)
    assert (run.exit_code, run.status) == (1, "failed")
    assert "### Services NOT set in DX" in run.summary


# Where GitHub fails.


PERMISSIONS = [
    ("merge", INLINE, "pull_requests", "pull-requests"),
    ("merge", IN_FILE, "contents", "contents"),
    ("merge", {"services-from": "backstage"}, "contents", "contents"),
    ("push", INLINE, "contents", "contents"),
    ("push", SET | INLINE, "pull_requests", "pull-requests"),
    ("push", SET | {"service": "a"}, "pull_requests", "pull-requests"),
]


@pytest.mark.parametrize(("event", "given", "missing", "named"), PERMISSIONS)
def test_without_a_permission_nothing_is_guessed(
    world: World, event: str, given: dict[str, str], missing: str, named: str
) -> None:
    before = world.repo.rev("main")
    pull = world.ship("a/one")
    world.gh.permissions[missing] = "none"
    run = world.merged(pull, given) if event == "merge" else world.pushed(before, given)
    assert (run.exit_code, run.status, world.sent) == (1, "failed", [])
    (message,) = errors(run)
    assert f"Grant the job the permission `{named}: read`" in message
    assert f"`{named}: read`" in run.outputs["reason"]
    assert world.merged(pull, given | {"fail-on-error": "false"}).exit_code == 0


@pytest.mark.parametrize("given", [{"service": "a"}, INLINE], ids=["service", "map"])
def test_a_deployment_is_registered_though_its_pull_request_is_not_found(world: World, given: dict[str, str]) -> None:
    before = world.repo.rev("main")
    world.ship("a/one")
    world.gh.permissions["pull_requests"] = "none"
    run = world.pushed(before, ALSO | given)
    assert (run.exit_code, run.status, world.sent) == (1, "partial", [("create", A)])
    (message,) = errors(run)
    assert message.startswith("The services of the pull request could not be set: `github-token` may not read the pull")
    assert "`pull-requests: read`" in message
    assert "run `operation: set-pull-services`" in message
    assert "### Deployment registered in DX, but services NOT set" in run.summary
    rehearsed = world.pushed(before, ALSO | given | {"dry-run": "true"})
    assert (rehearsed.exit_code, rehearsed.status, errors(rehearsed)) == (1, "dry-run", [message])


def test_nothing_to_register_and_nobody_to_tell_for_a_reason(world: World) -> None:
    before = world.repo.rev("main")
    world.ship("docs/one")
    world.gh.permissions["pull_requests"] = "none"
    run = world.pushed(before, ALSO | INLINE)
    assert (run.exit_code, run.status, world.sent) == (1, "failed", [])
    assert "`pull-requests: read`" in errors(run)[0]


@pytest.mark.parametrize(
    "fault", [{"status": 502}, {"limit": "primary", "wait": 3000}, {"status": 401}, {"reset": True}]
)
def test_without_githubs_answer_nothing_is_guessed(world: World, fault: dict[str, Any]) -> None:
    world.gh.fail(**fault, times=None)
    run = world.merged(world.ship("a/one"), ALSO | INLINE)
    assert (run.exit_code, run.status, world.sent) == (1, "failed", [])
    assert len(world.gh.calls) <= 4 + 4  # for the list of files, and for the trees in its place


def test_a_cancelled_job_does_not_wait_for_github(world: World) -> None:
    world.gh.fail(hang=60, times=None)
    env = told(world.folder, world.gh, world.repo, merge_payload(world.repo, world.ship("a/one")))
    step = Step(world.folder, connected(world.dx, service="") | INLINE, "pull_request_merged", env, github_token=GH)
    process = step.start()
    until(lambda: bool(world.gh.calls))
    process.send(signal.SIGINT)
    run = process.wait(5)
    assert (run.exit_code, run.status, world.sent) == (1, "failed", [])
    assert "cancelled before anything was sent" in run.outputs["reason"]


# Since which commit.


@pytest.mark.parametrize("event", ["deployment_production", "deployment_status_success"])
def test_a_deployments_services_since_the_previous_one(world: World, event: str) -> None:
    before = world.repo.rev("main")
    world.ship("a/one")
    world.ship("docs/two")
    deployed = world.repo.rev("main")
    world.ship("b/three")
    payload = json.loads((Path(__file__).parents[1] / "data" / "events" / f"{event}.json").read_text())
    payload["deployment"]["sha"] = deployed
    run = world.step(event, payload, INLINE | {"since-sha": before}, GITHUB_SHA=deployed)
    assert (run.status, world.sent) == ("registered", [("create", A)])
    assert world.asked == [f"compare/{before}...{deployed} 1"]
    run = world.step(event, payload, INLINE, GITHUB_SHA=deployed)
    assert (run.exit_code, run.status, world.asked) == (1, "failed", [])
    assert "Set `since-sha` to the previously deployed commit" in errors(run)[0]
    run = world.step(event, payload, INLINE | {"since-sha": "f" * 40}, GITHUB_SHA=deployed)
    assert (run.exit_code, run.status, len(world.sent)) == (1, "failed", 1)
    assert "`since-sha` is not in acme/shop" in errors(run)[0]


def test_a_rollback_touches_what_it_takes_back(world: World) -> None:
    before = world.repo.rev("main")
    world.ship("a/one")
    world.ship("b/two")
    given = INLINE | {"since-sha": world.repo.rev("main"), "commit-sha": before}
    run = world.step("workflow_dispatch", None, given)
    assert run.json("services") == ["a", "b"]


# Size.


def test_a_pull_request_of_5000_files_in_a_tree_of_20000(tmp_path: Path) -> None:
    """By Backstage, from GitHub: four calls for the files, one for the names, one for each of the 200 catalogs."""
    repo = Repo("acme/wide")
    catalog = {f"s{n}/catalog-info.yaml": f"kind: Component\nmetadata:\n  name: s{n:03}\n" for n in range(200)}
    repo.commit({f"s{n % 200}/src/{n}.txt": "1" for n in range(20_000)} | catalog)
    pull = repo.pulls.ship({f"s{n % 200}/src/{n}.txt": "2" for n in range(5_000)})
    with GitHub(repo, token=GH) as gh, Sandbox(token=TOKEN) as dx:
        world = World(tmp_path, repo, gh, dx)
        run = world.merged(pull, ALSO | {"services-from": "backstage"})
        assert run.status == "registered"
        expected = [{"identifier": f"s{n:03}"} for n in sorted(range(200), key=lambda n: f"s{n}/")]
        assert world.sent[0] == ("setPullServices", expected)
        assert len(dx.deployments()) == 200
        assert len(gh.calls) == 3 + 1 + 200
        assert run.json("services") == [each["identifier"] for each in expected]


def test_200_services_in_one_step(world: World) -> None:
    """Side by side, in a stable order; where one is refused, it is named."""
    names = [f"service-{number:03}" for number in range(200)]
    given = {"service-map": "".join(f"{name}: [{name}/**]\n" for name in reversed(names))}
    pull = world.ship(*(f"{name}/a" for name in names))
    with Sandbox(token=TOKEN, latency=0.05) as dx:
        world.dx = dx
        run = world.merged(pull, given)
        assert (run.exit_code, run.status, len(world.asked)) == (0, "registered", 3)
        assert [service for (service,) in run.results("service")] == names[::-1] == run.json("services")
        assert {each["service"]["identifier"] for each in dx.deployments()} == set(names)
        assert run.json("reference-ids") == [
            f"{run.json('reference-ids')[0].rpartition('/')[0]}/{n}" for n in names[::-1]
        ]
    with Sandbox(token=TOKEN) as dx:
        world.dx = dx
        dx.script([Fault(latency=0, times=100), Fault(status=422, error="repo_not_found")])
        run = world.merged(pull, given)
        assert (run.exit_code, run.status) == (1, "partial")
        (failed,) = [service for service, outcome in run.results("service", "outcome") if outcome != "accepted"]
        held = {each["service"]["identifier"] for each in dx.deployments()}
        assert held == set(names) - {failed}
        (message,) = errors(run)
        assert message.startswith(f"DX did not register 1 of 200 deployments ({failed}): repo_not_found.")
        assert "### 1 of 200 deployments NOT registered in DX" in run.summary
        assert [service for (service,) in run.results("service")] == names[::-1]


# Around it.


def test_a_dry_run_shows_what_a_live_run_sends(world: World) -> None:
    pull = world.ship("a/one", "b/one")
    given = ALSO | INLINE
    dry = world.merged(pull, given | {"dry-run": "true", "dx-host": "", "dx-token": ""})
    assert (dry.exit_code, dry.status, world.sent) == (0, "dry-run", [])
    assert world.asked == [f"pulls/{pull.number}/files 1"]
    live = world.merged(pull, given)
    assert dry.json("requests") == live.json("requests")
    assert [request["method"] for request in live.json("requests")] == [METHODS["set"], *[METHODS["create"]] * 2]


def test_what_the_log_tells(world: World) -> None:
    pull = world.ship("a/one", "docs/one")
    run = world.merged(pull, ALSO | INLINE)
    told_of = [line for line in run.said if "pull request" in line.lower()]
    assert told_of == [
        f"Looked up: pull request #{pull.number} changes 2 paths and touches a",
        f"  pull request #{pull.number}: services a",
        f"  pull request #{pull.number}: accepted (HTTP 200)",
    ]
    assert f"Services of pull request #{pull.number}: a · ✅ set" in Page(run.summary).text


def test_a_renamed_repository_under_its_old_name(world: World) -> None:
    """DX may know the repository by the name that it had."""
    pull = world.ship(*many(150), "b/one")
    world.gh.app.moved["acme/store"] = "acme/shop"
    given = SET | INLINE | {"repository": "acme/store", "pull-number": str(pull.number)}
    run = world.step("workflow_dispatch", None, given)
    assert run.status == "pull-services-set"
    assert world.sent == [("setPullServices", [A, B])]
    assert len(world.gh.calls) == 1 + 1 + 2
    (warning,) = [message for level, message in run.annotations if level == "warning"]
    assert warning.startswith(
        "GitHub calls the repository acme/store `acme/shop` now. What is sent to DX stays as written."
    )


def test_the_same_on_github_enterprise_server(tmp_path: Path) -> None:
    repo = Repo("acme/shop")
    before = repo.commit({"README.md": "Shop"})
    repo.pulls.ship({"a/one": "1"})
    with GitHub(repo, ghes=True, token=GH) as gh, Sandbox(token=TOKEN) as dx:
        world = World(tmp_path, repo, gh, dx)
        run = world.pushed(before, ALSO | INLINE)
        assert (run.status, len(world.sent)) == ("registered", 2)
        assert {call.authorization for call in gh.calls} == {"valid"}
        assert gh.token not in json.dumps(run.outputs) + run.summary + "".join(run.said)


def test_hostile_names_stay_text(world: World) -> None:
    """A path and an identifier are others' words."""
    world.write("ci/services.yml", 'a: [a/**]\n"::error::x ##[error]y <b>|`": [b/**]\n')
    run = world.merged(world.ship("b/::error::z"), ALSO | IN_FILE)
    assert run.status == "registered"
    assert errors(run) == []
    assert [command.name for command in run.commands if command.name not in ("add-mask", "notice", "debug")] == []


# Answers that are JSON, and not GitHub's.


@pytest.mark.parametrize(
    ("path", "answer"),
    [("/compare/", {}), ("/compare/", [1]), ("/graphql", []), ("/graphql", {"data": {"repository": {"c0": 7}}})],
)
def test_an_answer_of_another_shape_keeps_no_deployment_back(world: World, path: str, answer: Any) -> None:
    before = world.repo.rev("main")
    world.ship("a/1")
    world.gh.fail(path, status=200, body=json.dumps(answer).encode(), times=None)
    run = world.pushed(before, {"service": "a", **ALSO})
    assert (run.exit_code, run.status, len(world.dx.requests())) == (1, "partial", 1)
    assert "`GITHUB_API_URL` returned an answer that is not as GitHub documents it" in errors(run)[0]


@pytest.mark.parametrize("answer", [{}, [7], [{}]])
def test_an_answer_of_another_shape_is_no_bug(world: World, answer: Any) -> None:
    world.gh.fail("/pulls/1/files|/git/trees/", status=200, body=json.dumps(answer).encode(), times=None)
    run = world.merged(world.ship("a/1"), INLINE)
    assert (run.exit_code, run.status, world.dx.requests()) == (1, "failed", [])
    assert "`GITHUB_API_URL` returned an answer that is not as GitHub documents it" in errors(run)[0]

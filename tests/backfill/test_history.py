"""GitHub's deployment history as a backfill takes it, against the stand-in GitHub; each case tells what it costs."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as any_of
from hypothesis import settings
from hypothesis import strategies as st

import builders
from dx_action.backfill.history import rows_from_history
from dx_action.backfill.store import Rows
from dx_action.errors import ActionError, BadInput
from dx_action.github.client import Repository
from dx_action.github.errors import LookupFailedError
from dx_action.sandbox import Sandbox
from runner import NOW, TOKEN, Run, Step, connected
from scenes import Answering, asked, hang_up, looking, speaking
from stand_in import Deployment, GitHub, Repo
from stand_in.moments import text
from stand_in.records import Status

JOB = "https://github.com/acme/shop/actions/runs/13654730011/job/38168200017"
CI = "https://ci.example/build/7"
DAY = 24 * 60 * 60
MARCH = int(NOW.timestamp())


@dataclass(frozen=True)
class Read:
    """What a backfill made of the history."""

    rows: Rows
    notices: tuple[str, ...]
    log: list[str]
    warnings: tuple[str, ...]

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [self.rows.call(index).json() for index in range(len(self.rows))]

    def values(self, *names: str) -> list[tuple[Any, ...]]:
        return [tuple(body.get(name) for name in names) for body in self.bodies]


def read(gh: GitHub, given: dict[str, str] | None = None, spoken_of: str = "acme/shop", **run: str) -> Read:
    log: list[str] = []
    inputs = builders.inputs({"operation": "backfill", "github-token": gh.token, **(given or {})})
    runtime = builders.runtime("schedule", **run)
    with speaking(gh, spoken_of, patient=True) as api:
        rows, hints = rows_from_history(inputs, runtime, api, NOW, log.append)
    return Read(rows, tuple(text for _, text in hints), log, tuple(text for level, text in hints if level == "warning"))


@pytest.fixture
def repo() -> Repo:
    repo = Repo()
    repo.commit({"a": "1"})
    return repo


@pytest.fixture
def gh(repo: Repo) -> Iterator[GitHub]:
    with GitHub(repo) as gh:
        yield gh


def payload(repo: Repo, deployment: Deployment, status: Status) -> dict[str, Any]:
    """Write what GitHub sent when this status was made."""
    told = {
        "repository.full_name": repo.full_name,
        "deployment.id": deployment.id,
        "deployment.ref": deployment.ref,
        "deployment.sha": deployment.sha,
        "deployment.environment": deployment.environment,
        "deployment.original_environment": deployment.original_environment,
        "deployment.production_environment": deployment.production,
        "deployment.transient_environment": deployment.transient,
        "deployment.payload": deployment.payload,
        "deployment.created_at": text(deployment.created),
        "deployment_status.id": status.id,
        "deployment_status.state": status.state,
        "deployment_status.created_at": text(status.created),
        "deployment_status.log_url": status.log_url,
        "deployment_status.target_url": status.target_url,
    }
    return builders.payload("deployment_status_success", told)


def live(folder: Path, dx: Sandbox, written: dict[str, Any], given: dict[str, str]) -> Run:
    """Run the action on a deployment's status, as it happens."""
    file = folder / f"{len(list(folder.iterdir()))}.json"
    file.write_text(json.dumps(written), encoding="utf-8")
    ref = written["deployment"]["ref"]
    refs = {"GITHUB_REF": f"refs/heads/{ref}", "GITHUB_REF_NAME": ref, "GITHUB_REF_TYPE": "branch"}
    env = {"GITHUB_EVENT_PATH": str(file)} | refs
    return Step(folder, connected(dx) | given, "deployment_status_success", env).inside()


# The same as the event.

CASES: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "plain": ({}, {"service": "checkout"}),
    "without a service": ({}, {"service": ""}),
    "a page of its own": ({"log_url": CI}, {"service": ""}),
    "a service in the payload": ({"payload": {"service": "web"}}, {"service": ""}),
    "several in it, with names": (
        {"payload": {"service": [{"identifier": "web", "name": "Web"}, "cart"]}},
        {"service": ""},
    ),
    "a payload that is text": ({"payload": '{"service": "web=Web"}'}, {"service": ""}),
    "a payload that is no JSON": ({"payload": "service: web"}, {"service": ""}),
    "a payload that is broken": ({"payload": {"service": {"id": 7}}}, {"service": ""}),
    "several services": ({}, {"service": "web\ncart=Cart"}),
    "everything that inputs say": (
        {"log_url": CI},
        {
            "environment": "blue",
            "source-name": "Argo",
            "source-url": "https://argo.example/1",
            "integration-branch": "develop",
            "metadata": "version: 1.10\nn: 7\nü: é",
        },
    ),
    "another environment than the event's": ({}, {"environment": "blue", "only-environments": "prod*"}),
    "the event's environment": ({}, {"environment": "production"}),
    "a branch that counts": ({"ref": "release/1"}, {"only-branches": "release/*"}),
    "by repository": ({}, {"attribution": "repository"}),
    "by upsert": ({}, {"method": "upsert"}),
    "another spelling of the repository": ({}, {"repository": "Acme/Shop"}),
    "an environment by its flag": ({"environment": "live", "production": True}, {}),
    "an environment by a glob": ({"environment": "Live EU", "production": False}, {"only-environments": "live*"}),
    "a transient one by a glob": ({"environment": "live", "transient": True}, {"only-environments": "live"}),
}


@pytest.mark.parametrize("state", ["success", "failure", "error"])
@pytest.mark.parametrize(("made", "given"), CASES.values(), ids=CASES)
def test_a_row_is_what_the_live_run_sends(
    tmp_path: Path, repo: Repo, gh: GitHub, state: str, made: dict[str, Any], given: dict[str, str]
) -> None:
    """Byte for byte, by the same method, with the same id."""
    repo.branch(made.get("ref", "main"))
    deployment = repo.deployments.create(state=state, at="2025-02-03T04:05:06Z", **made)
    with Sandbox(token=TOKEN) as dx:
        run = live(tmp_path, dx, payload(repo, deployment, deployment.statuses[-1]), given)
        sent = [(f"deployments.{each['path'].rpartition('.')[2]}", each["json"]) for each in dx.requests()]
    assert run.status == "registered"
    found = read(gh, {"service": "checkout"} | given)
    calls = [found.rows.call(index) for index in range(len(found.rows))]
    assert sorted((call.method, json.dumps(call.json())) for call in calls) == sorted(
        (method, json.dumps(body)) for method, body in sent
    )
    assert [call.body for call in calls] == [
        json.dumps(request["body"], ensure_ascii=False, separators=(",", ":")).encode()
        for request in run.json("requests")
    ]


@pytest.mark.parametrize(
    "made",
    [
        {"environment": "staging"},
        {"environment": "preview-7", "transient": True, "production": True},
        {"environment": "production", "transient": True},
        {"environment": "live", "production": False},
    ],
    ids=str,
)
def test_an_environment_that_does_not_count_live_does_not_count_here(
    tmp_path: Path, repo: Repo, gh: GitHub, made: dict[str, Any]
) -> None:
    deployment = repo.deployments.create(state="success", at=MARCH - DAY, **made)
    with Sandbox(token=TOKEN) as dx:
        run = live(tmp_path, dx, payload(repo, deployment, deployment.statuses[-1]), {})
    found = read(gh)
    assert (run.status, len(found.rows)) == ("skipped", 0)
    assert "  Left out 1 deployment to an environment that does not count" in found.log


# Which statuses.


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["queued", "in_progress"], []),
        (["in_progress", "success"], [(None, 2)]),
        (["success", "inactive"], [(None, 1)]),
        (["success", "success"], [(None, 1)]),
        (["failure", "error", "failure"], [(False, 1)]),
        (["error", "success", "failure", "success"], [(False, 1), (None, 2)]),
        (["success", "in_progress", "failure"], [(None, 1), (False, 3)]),
        ([], []),
    ],
    ids=str,
)
def test_one_row_for_each_deployment_and_outcome(
    repo: Repo, gh: GitHub, states: list[str], expected: list[tuple[bool | None, int]]
) -> None:
    deployment = repo.deployments.create(at=MARCH - DAY)
    for number, state in enumerate(states, 1):
        repo.deployments.status(deployment, state, at=MARCH - DAY + number)
    found = read(gh)
    assert found.values("success", "deployed_at") == [(flag, text(MARCH - DAY + at)) for flag, at in expected]
    assert len({body["reference_id"] for body in found.bodies}) == len(expected)


def test_what_github_makes_inactive_later_stays_a_success(repo: Repo, gh: GitHub) -> None:
    for day in (3, 2, 1):
        repo.deployments.create(environment="live", production=False, state="success", at=MARCH - day * DAY)
    found = read(gh, {"only-environments": "live"})
    assert sorted(found.values("deployed_at")) == [(text(MARCH - day * DAY),) for day in (3, 2, 1)]


def test_a_history_is_held_to_the_branches_that_count(repo: Repo, gh: GitHub) -> None:
    """As GitHub has them today. A tag, a commit and a branch that was deleted are none."""
    repo.branch("release/1")
    repo.branch("feature")
    repo.tag("v1")
    refs = {"main": 1, "release/1": 2, "feature": 3, "v1": 4, "gone": 5, repo.rev("main"): 6}
    for ref, day in refs.items():
        repo.deployments.create(ref=ref, state="success", at=MARCH - day * DAY)
    found = read(gh, {"only-branches": "main\nrelease/*"})
    assert sorted(found.values("deployed_at")) == sorted((text(MARCH - day * DAY),) for day in (1, 2, 4, 5, 6))
    assert "  Left out 1 deployment to a branch or an environment that does not count" in found.log
    passed_over = "`only-branches` has no effect here, because this deployment_status event is not about a branch. "
    assert [notice for notice in found.notices if notice.startswith("`only")] == [
        f"{passed_over}To limit it, use `if` in the workflow. (3 deployments)"
    ]


def test_a_history_without_a_branch_that_counts_says_so(repo: Repo, gh: GitHub) -> None:
    repo.deployments.create(state="success", at=MARCH - DAY)
    (notice,) = read(gh, {"only-branches": "next"}).notices
    assert notice.startswith(
        f"1 deployment found {WINDOW}, but none of a branch that `only-branches` names to an environment"
    )


def test_a_history_names_the_environments_that_are_listed(repo: Repo, gh: GitHub) -> None:
    """As a live run does: else DX would take each of them for production."""
    for day, environment in enumerate(("staging", "Production-EU", "qa"), 1):
        repo.deployments.create(environment=environment, state="success", at=MARCH - day * DAY)
    found = read(gh, {"only-environments": "stag*\nprod*"})
    assert sorted(found.values("environment")) == [("Production-EU",), ("staging",)]
    assert read(gh, {}).values("environment") == [(None,)]


def test_of_two_statuses_in_one_second_the_earlier_counts(repo: Repo, gh: GitHub) -> None:
    deployment = repo.deployments.create(at=MARCH - DAY)
    for page in ("https://ci.example/first", "https://ci.example/second"):
        repo.deployments.status(deployment, "success", log_url=page, at=MARCH - DAY)
    assert read(gh).values("source_url") == [("https://ci.example/first",)]


def test_more_statuses_than_a_page_has(repo: Repo, gh: GitHub) -> None:
    deployment = repo.deployments.create(at=MARCH - DAY)
    repo.deployments.status(deployment, "success", at=MARCH - DAY + 1)
    for number in range(249):
        repo.deployments.status(deployment, "in_progress", at=MARCH - DAY + 2 + number)
    assert read(gh, {"only-environments": "*"}).values("deployed_at") == [(text(MARCH - DAY + 1),)]
    assert asked(gh) == ["/graphql"] + [f"deployments/{deployment.id}/statuses {page}" for page in (1, 2, 3)]


# The window, and what it costs.


def fill(repo: Repo, count: int, **made: Any) -> None:
    """Deploy so often, an hour apart, the last an hour ago."""
    for number in range(count, 0, -1):
        repo.deployments.create(state="success", at=MARCH - number * 3600, **made)


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (1, 1), (100, 1), (101, 2), (250, 3)])
def test_a_call_for_each_hundred(repo: Repo, gh: GitHub, count: int, pages: int) -> None:
    fill(repo, count)
    assert len(read(gh, {"only-environments": "prod*"}).rows) == count
    assert asked(gh) == ["/graphql"] * pages
    assert gh.graphql_rate.used <= pages * 2


def test_a_call_more_for_each_hundred_where_what_an_environment_is_counts(repo: Repo, gh: GitHub) -> None:
    fill(repo, 250)
    assert len(read(gh).rows) == 250
    assert sorted(asked(gh)) == ["/graphql"] * 3 + [f"deployments {page}" for page in (1, 2, 3)]


def test_it_ends_at_the_first_page_that_was_created_thirty_days_before(repo: Repo, gh: GitHub) -> None:
    fill(repo, 1200)
    found = read(gh, {"since": text(MARCH - 250 * 3600), "only-environments": "prod*"})
    assert len(found.rows) == 250
    assert len(asked(gh)) == 11  # to 970 hours ago, and the page after
    limit = text(MARCH - 250 * 3600 - 30 * DAY)
    assert found.log == [
        "Read 250 deployments from GitHub's history of acme/shop",
        f"  Stopped at those created before {limit}, 30 days before `since`",
    ]


@pytest.mark.parametrize(
    ("waited", "between", "found"), [(1, 0, True), (29, 0, True), (29, 200, True), (34, 0, True), (60, 200, False)]
)
@pytest.mark.parametrize("state", ["success", "failure", "error"])
def test_the_window_is_over_the_time_of_the_outcome(
    repo: Repo, gh: GitHub, waited: int, between: int, found: bool, state: str
) -> None:
    """It was created before `since`, behind whole pages of others, and ended inside. What is on the last page counts, too."""
    since = MARCH - 5 * DAY
    waiting = repo.deployments.create(at=since - waited * DAY)
    for number in range(120):
        repo.deployments.create(state="success", at=since - DAY + number)
    for number in range(between):
        repo.deployments.create(state="success", at=since - (waited - 1) * DAY + number)
    repo.deployments.status(waiting, state, at=since + DAY)
    read_on = read(gh, {"since": text(since), "only-environments": "*"})
    assert read_on.values("deployed_at") == ([(text(since + DAY),)] if found else [])


def test_an_outcome_outside_of_the_window_is_out_wherever_it_was_created(repo: Repo, gh: GitHub) -> None:
    deployment = repo.deployments.create(at=MARCH - 3 * DAY)
    repo.deployments.status(deployment, "success", at=MARCH - DAY)
    assert read(gh, {"until": text(MARCH - 2 * DAY)}).values("deployed_at") == []
    assert read(gh, {"since": text(MARCH - 2 * DAY)}).values("deployed_at") == [(text(MARCH - DAY),)]


def test_what_ended_late_keeps_it_going(repo: Repo, gh: GitHub) -> None:
    """A deployment may wait for its approval: when it ended counts."""
    late = repo.deployments.create(at=MARCH - 2000 * 3600)
    fill(repo, 150)
    repo.deployments.status(late, "success", at=MARCH - 1800)
    found = read(gh, {"since": text(MARCH - 3600), "only-environments": "prod*"})
    assert [each for (each,) in found.values("deployed_at")] == [text(MARCH - 3600), text(MARCH - 1800)]


def test_the_window_is_over_when_it_was_deployed(repo: Repo, gh: GitHub) -> None:
    fill(repo, 5)
    window = {"since": text(MARCH - 4 * 3600), "until": str(MARCH - 2 * 3600)}
    assert sorted(read(gh, window).values("deployed_at")) == [(text(MARCH - hours * 3600),) for hours in (4, 3, 2)]


def test_ninety_days_until_now(repo: Repo, gh: GitHub) -> None:
    for days in (91, 89, 0, -1):
        repo.deployments.create(state="success", at=MARCH - days * DAY)
    assert len(read(gh).rows) == 2


@pytest.mark.parametrize(
    ("given", "name", "words"),
    [
        ({"since": "2025-03-05T00:00:00Z"}, "since", "is after `until`, or after now"),
        ({"since": "2025-02-02T00:00:00Z", "until": "2025-02-01T00:00:00Z"}, "since", "is after `until`"),
        (
            {"until": "2020-01-01T00:00:00Z"},
            "until",
            "is before `since`. Set `since` to a time before `until`; its default is 90 days ago.",
        ),
    ],
    ids=str,
)
def test_a_window_that_is_none(gh: GitHub, given: dict[str, str], name: str, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(gh, given)
    (problem,) = caught.value.problems
    assert problem.subject == name
    assert words in problem.text
    assert not gh.calls


WINDOW = "in GitHub's history of acme/shop from 2024-12-04T12:00:00Z to 2025-03-04T12:00:00Z"
NONE = (
    f"No deployment {WINDOW} ended in `success`, `failure` or `error`. Set an earlier `since`, or list the deployments "
    "in a `backfill-file`."
)
UNCOUNTED = "but none to an environment that counts. Set `only-environments`, or"
ONE = f"1 deployment found {WINDOW}, {UNCOUNTED}"
TWO = f"2 deployments found {WINDOW}, {UNCOUNTED}"
UNNAMED = "but none to an environment that `only-environments` names. Widen it, or"


@pytest.mark.parametrize(
    ("made", "given", "starts"),
    [
        ([], {}, NONE),
        ([], {"only-environments": "live"}, NONE),
        ([("production", "in_progress", "")], {}, NONE),
        (
            [],
            {"since": "2025-01-01T01:00:00+01:00", "until": "1738368000"},
            "No deployment in GitHub's history of acme/shop from 2025-01-01T00:00:00Z to 2025-02-01T00:00:00Z ended in",
        ),
        ([("live", "success", "")], {}, ONE),
        ([("live", "success", ""), ("qa", "error", JOB)], {}, TWO),
        (
            [("production", "success", ""), ("production", "failure", "")],
            {"only-environments": "live"},
            f"2 deployments found {WINDOW}, {UNNAMED}",
        ),
    ],
    ids=str,
)
def test_an_empty_backfill_says_why_and_what_to_change(
    repo: Repo, gh: GitHub, made: list[tuple[str, str, str]], given: dict[str, str], starts: str
) -> None:
    for environment, state, log_url in made:
        repo.deployments.create("main", environment, state=state, log_url=log_url, at=MARCH - DAY)
    found = read(gh, {"service": "web"} | given)
    (notice,) = found.notices
    assert len(found.rows) == 0
    assert notice.startswith(starts)
    assert "an earlier `since`" in notice


def test_an_empty_backfill_of_jobs_alone_says_so_once(repo: Repo, gh: GitHub) -> None:
    repo.deployments.create("main", "qa", state="success", at=MARCH - DAY)
    repo.deployments.create(state="success", log_url=JOB, at=MARCH - DAY)
    (notice,) = read(gh, {"service": "web"}).notices
    assert notice.startswith(
        "Left out 1 deployment that GitHub made for this repository's own workflow jobs, because a job"
    )


# Jobs of the repository's own.


@pytest.mark.parametrize(
    ("log_url", "own"),
    [
        (JOB, True),
        (JOB.upper().replace("HTTPS", "https"), True),
        (f"{JOB}?pr=7", True),
        ("https://github.com/acme/shop/runs/38168200017", True),
        ("https://github.com/acme/shop/runs/38168200017?check_suite_focus=true", True),
        ("https://github.com/acme/shop/actions/runs/13654730011", False),
        ("https://github.com/acme/deployer/actions/runs/13654730011/job/38168200017", False),
        ("https://ghes.example/acme/shop/actions/runs/13654730011/job/38168200017", False),
        ("https://github.com/acme/shop/actions/runs/13654730011/job/x", False),
        (CI, False),
        ("", False),
    ],
    ids=str,
)
def test_what_github_made_for_a_job_of_this_repository(repo: Repo, gh: GitHub, log_url: str, own: bool) -> None:
    repo.deployments.create(state="success", log_url=log_url, at=MARCH - DAY)
    assert len(read(gh).rows) == (not own)
    assert len(read(gh, {"workflow-jobs": "true"}).rows) == 1


OLD = "acme/old"
RENAMED = [
    # (the name in `log_url`, the name in `repository`, whether it is a job of the repository's own, what is asked beside the page)
    ("acme/shop", "acme/shop", True, 0),
    ("ACME/Shop", "acme/shop", True, 0),
    ("acme/shop", "Acme/SHOP", True, 0),
    ("acme/old", "acme/shop", True, 1),
    ("Acme/OLD", "acme/shop", True, 1),
    ("acme/old", "acme/old", True, 0),
    ("ACME/old", "acme/old", True, 0),
    ("acme/shop", "acme/old", True, 0),
    ("former/shop", "acme/shop", True, 1),
    ("former/shop", "acme/old", True, 1),
    ("acme/deployer", "acme/shop", False, 1),
    ("acme/gone", "acme/shop", False, 1),
]


@pytest.mark.parametrize(("named", "written", "own", "asked_for"), RENAMED)
def test_a_job_from_before_a_rename_or_a_transfer_is_the_repository_s_own(
    repo: Repo, named: str, written: str, own: bool, asked_for: int
) -> None:
    """`log_url` keeps the name that was; GitHub says what it is today, once for each name."""
    for number in range(3):
        url = f"https://github.com/{named}/actions/runs/7{number}/job/8{number}"
        repo.deployments.create(state="success", log_url=url, at=MARCH - DAY - number)
    moved = {"acme/old": "acme/shop", "former/shop": "acme/shop"}
    with GitHub(repo, Repo("acme/deployer"), moved=moved) as gh:
        found = read(gh, {"repository": written, "service": "web", "only-environments": "*"}, written)
        assert len(found.rows) == (0 if own else 3)
        assert gh.count("/graphql") == 1 + asked_for
        taken = read(gh, {"repository": written, "workflow-jobs": "true", "only-environments": "*"}, written)
        assert len(taken.rows) == 3
        assert gh.count("/graphql") == 2 + asked_for


def test_what_does_not_count_is_not_asked_about(repo: Repo, gh: GitHub) -> None:
    url = JOB.replace("acme/shop", "acme/deployer")
    repo.deployments.create("main", "staging", state="success", log_url=url, at=MARCH - DAY)
    read(gh, {"only-environments": "prod*"})
    assert gh.count("/graphql") == 1


def by_jobs_of(repo: Repo, names: list[str]) -> None:
    """Deploy by a job of each repository, the first last, an hour apart."""
    for number, name in enumerate(names, 1):
        url = f"https://github.com/{name}/actions/runs/7/job/8"
        repo.deployments.create(state="success", log_url=url, at=MARCH - number * 3600)


@pytest.mark.parametrize(("others", "left_out", "told"), [(4, True, False), (5, False, True)])
def test_five_names_are_asked_about_and_no_more(repo: Repo, others: int, left_out: bool, told: bool) -> None:
    by_jobs_of(repo, [f"acme/other{number}" for number in range(others)] * 2 + [OLD])
    with GitHub(repo, moved={OLD: "acme/shop"}) as gh:
        found = read(gh, {"service": "web", "only-environments": "*"})
        assert gh.count("/graphql") == 1 + 5
    assert len(found.rows) == others * 2 + (not left_out)
    assert (
        any(text.startswith("The history has jobs of more than 5 other repositories") for text in found.notices) == told
    )


ERROR = b'{"data": {"repository": null}, "errors": [{"type": "%s", "message": "m"}]}'


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"status": 200, "body": ERROR % b"NOT_FOUND"}, ""),
        ({"status": 200, "body": ERROR % b"FORBIDDEN"}, ""),
        ({"status": 200, "body": b'{"data": {"repository": null}}'}, ""),
        ({"status": 200, "body": ERROR % b"RATE_LIMITED"}, "used up GitHub's rate limit"),
        ({"status": 200, "body": b'{"data": {"repository": {}}}'}, "is not as GitHub documents it"),
        ({"status": 200, "body": b'{"data": {"repository": 7}}'}, "is not as GitHub documents it"),
        (
            {"status": 200, "body": b'{"data": {"repository": {"nameWithOwner": null}}}'},
            "is not as GitHub documents it",
        ),
        ({"status": 502, "times": 9}, "HTTP 502"),
    ],
    ids=str,
)
def test_what_github_says_of_another_name(repo: Repo, gh: GitHub, fault: dict[str, Any], words: str) -> None:
    """What it does not know or show is another's. What is not known for want of an answer would be registered twice."""
    by_jobs_of(repo, [OLD])
    gh.fail("/graphql", after=1, **fault)
    if not words:
        assert len(read(gh, {"only-environments": "*"}).rows) == 1
        return
    with pytest.raises(LookupFailedError, match=words):
        read(gh, {"only-environments": "*"})


def test_those_left_out_are_counted_once_each(repo: Repo, gh: GitHub) -> None:
    for days in (3, 2):
        deployment = repo.deployments.create(at=MARCH - days * DAY)
        for state in ("failure", "in_progress", "success", "inactive"):
            repo.deployments.status(deployment, state, log_url=JOB if state == "in_progress" else "", at=MARCH - DAY)
    repo.deployments.create("main", "staging", state="success", log_url=JOB, at=MARCH - DAY)
    repo.deployments.create(state="success", at=MARCH - 200 * DAY, log_url=JOB)
    (notice,) = read(gh, {"service": "web"}).notices
    assert notice == (
        "Left out 2 deployments that GitHub made for this repository's own workflow jobs, because a job that uses this "
        "action registers its own. For history from before that, set `workflow-jobs: true`."
    )
    found = read(gh, {"service": "web", "workflow-jobs": "true"})
    assert (len(found.rows), found.notices) == (4, ())


def test_a_job_that_registered_and_a_repair_do_not_double(tmp_path: Path, repo: Repo, gh: GitHub) -> None:
    """A job of an environment: GitHub made a deployment for it, and the step in it registered its own."""
    repo.deployments.create(state="success", log_url=JOB, at=MARCH - 60)
    repo.deployments.create(state="success", log_url=CI, at=MARCH - 120)
    with Sandbox(token=TOKEN) as dx:
        Step(tmp_path, connected(dx), "push_branch").inside()
        (registered,) = dx.requests()
        repair = connected(dx, operation="backfill")
        env = {"GITHUB_API_URL": gh.api_url, "GITHUB_GRAPHQL_URL": gh.graphql_url}
        for _ in range(2):
            run = Step(tmp_path, repair, "schedule", env, github_token=gh.token).inside()
            assert (run.exit_code, run.status) == (0, "registered"), run.lines
        ids = [request["json"]["reference_id"] for request in dx.requests()]
    assert ids[0] == registered["json"]["reference_id"]
    assert len(ids) == 3
    assert len(set(ids)) == 2


# What is told once.


def test_what_is_told_of_several_is_told_once(repo: Repo, gh: GitHub) -> None:
    fill(repo, 3)
    repo.deployments.create(state="success", payload={"service": {"id": 1}}, at=MARCH)
    notices = read(gh).notices
    assert notices[0].startswith("`service` is not set, so the deployment counts for shop, the name of the repository.")
    assert notices[0].endswith("name of the repository. (4 deployments)")
    assert notices[1].startswith("The deployment's `payload.service` has a service that is neither")
    assert len(notices) == 2


# What GitHub leaves out, hides or says otherwise.


@pytest.mark.parametrize("given", [{}, {"only-environments": "prod*"}], ids=str)
def test_a_number_that_does_not_fit_into_32_bits(repo: Repo, gh: GitHub, given: dict[str, str]) -> None:
    fill(repo, 101)
    expected = read(gh, given).bodies
    gh.configure(wide_ids=False)
    assert read(gh, given).bodies == expected
    assert expected[0]["reference_id"].startswith(f"github.com/deployment/{repo.deployments.newest_first()[0].id}/")


def test_what_is_deployed_while_it_is_read_moves_no_environment(repo: Repo, gh: GitHub) -> None:
    """REST's pages go by number; one that moved is asked for by itself."""
    fill(repo, 200, environment="live", production=True)
    api_calls: list[str] = []

    class Racing(Repository):
        def post_query(self, text: str, variables: Any, permission: str) -> Any:
            found = super().post_query(text, variables, permission)
            if variables["after"] is None:
                repo.deployments.create("main", "live", production=True, state="success", at=MARCH + 60)
            return found

        def get(self, path: str, permission: str, model: Any, **parameters: str | int) -> Any:
            api_calls.append(path)
            return super().get(path, permission, model, **parameters)

    inputs = builders.inputs({"operation": "backfill"})
    api = Racing("acme/shop", looking(gh.api_url, token=gh.token), patient=True)
    rows, _ = rows_from_history(inputs, builders.runtime("schedule"), api, NOW, print)
    hang_up(api)
    assert len(rows) >= 199
    assert len([path for path in api_calls if path.rpartition("/")[2].isdigit()]) == 1


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda gh: gh.permissions.update(deployments="none"), "Grant the job the permission `deployments: read`"),
        (lambda gh: gh.app.hidden.add("acme/shop"), "cannot read the deployments of acme/shop"),
        (
            lambda gh: gh.fail("/graphql", status=200, body=b'{"data": {"repository": null}}'),
            "cannot read the deployments",
        ),
        (
            lambda gh: gh.fail("/graphql", status=200, body=b'{"data": {"repository": {}}}'),
            "is not as GitHub documents it",
        ),
        (
            lambda gh: gh.fail("/graphql", status=200, body=b'{"data": {"repository": 7}}'),
            "is not as GitHub documents it",
        ),
        (lambda gh: gh.fail("/graphql", status=200, body=b"<html>"), "GITHUB_API_URL"),
        (lambda gh: gh.fail("/deployments", status=200, body=b'[{"id": "x"}]'), "is not as GitHub documents it"),
        (lambda gh: gh.fail("/deployments", status=200, body=b'{"a": 1}'), "is not as GitHub documents it"),
        (lambda gh: gh.fail("/deployments", status=404), "cannot read the deployments"),
        (lambda gh: gh.fail("/graphql", limit="primary", wait=4000, times=9), "used up GitHub's rate limit"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(
    repo: Repo, gh: GitHub, prepare: Callable[[GitHub], object], words: str
) -> None:
    fill(repo, 2)
    prepare(gh)
    with pytest.raises(LookupFailedError) as caught:
        read(gh)
    (problem,) = caught.value.problems
    assert words in str(problem)
    assert str(problem).endswith(".")


@pytest.mark.parametrize(
    "change",
    [
        {"createdAt": "yesterday"},
        {"createdAt": None},
        {"commitOid": 7},
        {"commitOid": None},
        {"statuses": {"pageInfo": {"hasNextPage": "no"}, "nodes": []}},
        {"statuses": {"pageInfo": {"hasNextPage": False}, "nodes": None}},
        {
            "statuses": {
                "pageInfo": {"hasNextPage": False},
                "nodes": [{"state": "SUCCESS", "createdAt": "?", "logUrl": None}],
            }
        },
        {"databaseId": "x"},
        {"databaseId": "1"},
        {"id": 1},
    ],
    ids=str,
)
def test_a_deployment_of_another_shape_is_a_sentence(gh: GitHub, change: dict[str, Any]) -> None:
    node = {
        "id": "DE_1",
        "databaseId": 1,
        "commitOid": "a" * 40,
        "environment": "production",
        "payload": None,
        "createdAt": text(MARCH),
        "statuses": {"pageInfo": {"hasNextPage": False}, "nodes": []},
    }
    page = {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": [node | change]}
    body = json.dumps({"data": {"repository": {"nameWithOwner": "acme/shop", "deployments": page}}})
    gh.fail("/graphql", status=200, body=body.encode())
    with pytest.raises(LookupFailedError, match="is not as GitHub documents it"):
        read(gh)


@pytest.mark.parametrize(
    ("cursor", "nodes", "calls"),
    [
        (lambda _number: "same", False, 2),
        (lambda _number: "same", True, 2),
        (lambda _number: None, True, 1),
        (lambda number: f"{number}", False, 2),
        (lambda number: f"{number}", True, 3),
        (lambda _number: 7, True, 1),
    ],
)
def test_pages_without_an_end(repo: Repo, gh: GitHub, cursor: Callable[[int], object], nodes: bool, calls: int) -> None:
    """A page that leads to itself or to nothing is seen at once, and the same deployments for a second time, too."""
    fill(repo, 3)

    def endless(body: dict[str, Any]) -> None:
        body["errors"] = []
        page_info = {"hasNextPage": True, "endCursor": cursor(gh.count("/graphql"))}
        page = {"pageInfo": page_info, "nodes": FIRST if nodes else []}
        body["data"] = {"repository": {"nameWithOwner": "acme/shop", "deployments": page}}

    FIRST: list[Any] = []  # noqa: N806
    gh.fail("/graphql", edit=lambda body: FIRST.extend(body["data"]["repository"]["deployments"]["nodes"]))
    read(gh)
    gh.reset_calls()
    gh.fail("/graphql", edit=endless, times=None)
    with pytest.raises(LookupFailedError, match="is not as GitHub documents it"):
        read(gh)
    assert gh.count("/graphql") == calls


def change(at: int, value: Any, *path: str, errors: list[Any] | None = None) -> Callable[[dict[str, Any]], None]:
    """Put something else in place of a deployment, or of what is at a path in it."""

    def edit(body: dict[str, Any]) -> None:
        place: Any = body["data"]["repository"]["deployments"]["nodes"]
        for step in (at, *path)[:-1]:
            place = place[step]
        place[(at, *path)[-1]] = value
        body["errors"] = errors or []

    return edit


REFUSED = {"type": "FORBIDDEN", "message": "evil", "path": ["repository", "deployments", "nodes", 1]}


@pytest.mark.parametrize("errors", [[], [REFUSED]])
def test_a_deployment_that_is_not_returned_is_told_and_the_others_are_used(
    repo: Repo, gh: GitHub, errors: list[Any]
) -> None:
    fill(repo, 3)
    gh.fail("/graphql", edit=change(1, None, errors=errors), times=None)
    found = read(gh)
    assert len(found.rows) == 2
    (warning,) = found.warnings
    assert warning == (
        "GitHub did not return 1 deployment of its history, as if `github-token` may not read everything in it. What is "
        "missing is left out."
    )


def hide(answer: dict[str, Any], errors: int) -> None:
    """Return nothing of a page, and so many errors about it."""
    page = answer["data"]["repository"]["deployments"]
    page["nodes"] = [None] * len(page["nodes"])
    answer["errors"] = [REFUSED] * errors


@pytest.mark.parametrize("errors", [0, 1, 3])
@pytest.mark.parametrize("count", [3, 130])
def test_a_history_of_which_nothing_is_returned_is_no_empty_one(
    repo: Repo, gh: GitHub, count: int, errors: int
) -> None:
    """Neither is it one that GitHub does not document: a token without the permission is answered so."""
    fill(repo, count)
    gh.fail("/graphql", edit=lambda answer: hide(answer, errors), times=None)
    with pytest.raises(LookupFailedError, match="Grant the job the permission `deployments: read`"):
        read(gh)


def test_one_of_which_some_is_returned_is_none_either(repo: Repo, gh: GitHub) -> None:
    """But a failed look-up would say too much: those that came do not count."""
    repo.deployments.create("main", "staging", state="success", at=MARCH - DAY)
    repo.deployments.create(state="success", at=MARCH - 2 * DAY)
    gh.fail("/graphql", edit=change(1, None), times=None)
    found = read(gh)
    assert len(found.rows) == 0
    assert [text[:36] for text in found.warnings] == ["GitHub did not return 1 deployment o"]


@pytest.mark.parametrize(
    "edit",
    [
        change(1, None, "statuses"),
        change(1, None, "statuses", errors=[REFUSED]),
        change(1, [None], "statuses", "nodes"),
        change(1, True, "statuses", "pageInfo", "hasNextPage"),
    ],
)
def test_statuses_that_are_not_returned_whole_come_from_rest(
    repo: Repo, gh: GitHub, edit: Callable[[dict[str, Any]], None]
) -> None:
    fill(repo, 3)
    second = repo.deployments.newest_first()[1]
    gh.fail("/graphql", edit=edit, times=None)
    found = read(gh, {"only-environments": "*"})
    assert len(found.rows) == 3
    assert asked(gh) == ["/graphql", f"deployments/{second.id}/statuses 1"]


@pytest.mark.parametrize(("most", "sizes"), [(60, [100, 50, 50, 50, 50]), (12, [100, 50, 25, 12, *[10] * 17])])
def test_a_page_that_is_too_large_becomes_smaller(repo: Repo, gh: GitHub, most: int, sizes: list[int]) -> None:
    """REST's list goes on by hundreds, each of which is asked for once."""
    fill(repo, 170)
    expected = read(gh).bodies
    gh.reset_calls()
    gh.configure(query_limit=most)
    assert read(gh).bodies == expected
    assert [call.variables["first"] for call in gh.calls if call.graphql][: len(sizes)] == sizes
    assert [each for each in asked(gh) if each != "/graphql"] == ["deployments 1", "deployments 2"]


def test_another_repository_and_one_that_was_renamed() -> None:
    repo = Repo("acme/store")
    repo.commit({"a": "1"})
    repo.deployments.create(state="success", at=MARCH - DAY)
    with GitHub(repo, moved={"acme/shop": "acme/store"}) as gh:
        found = read(gh)
        assert found.values("repository", "service") == [("acme/shop", {"identifier": "shop"})]
        (warning,) = found.warnings
        assert warning.startswith("GitHub calls the repository acme/shop `acme/store` now.")
        assert read(gh, {"repository": "Acme/store"}, "acme/store").values("repository") == [("Acme/store",)]


def test_no_repository_at_all(gh: GitHub) -> None:
    with pytest.raises(ActionError, match="GITHUB_REPOSITORY is not set"):
        read(gh, spoken_of="", repository="")


def test_a_row_stays_readable_after_its_file_is_closed(repo: Repo, gh: GitHub) -> None:
    fill(repo, 3)
    rows = read(gh).rows
    assert [rows.line(index) for index in range(3)] == [1, 2, 3]
    assert rows.call(1) == rows.call(1)
    assert sorted(rows.times) == [int((NOW - timedelta(hours=hours)).timestamp() * 1000) for hours in (3, 2, 1)]
    assert {rows.names[key] for key in rows.keys} == {("acme/shop", "shop", "")}


# Whatever an answer is.


STATUS = {"state": "SUCCESS", "createdAt": text(MARCH - DAY), "logUrl": None}
NODE = {
    "id": "DE_1",
    "databaseId": 1,
    "commitOid": "a" * 40,
    "environment": "production",
    "payload": '{"service": "web"}',
    "createdAt": text(MARCH - DAY),
    "statuses": {"pageInfo": {"hasNextPage": False}, "nodes": [STATUS]},
}
DATA = {
    "repository": {
        "nameWithOwner": "acme/shop",
        "deployments": {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": [NODE]},
    }
}
LISTED = [
    {
        "id": 1,
        "node_id": "DE_1",
        "sha": "a" * 40,
        "environment": "production",
        "payload": {"service": "web"},
        "created_at": text(MARCH - DAY),
        "production_environment": True,
        "transient_environment": False,
    }
]
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 1),
    st.just(2.5),
    st.text(max_size=3),
    st.just([]),
    st.just({}),
    st.just([{}]),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from places(each, (*path, key))


def put(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    if not path:
        return other
    copy = value.copy()
    copy[path[0]] = put(value[path[0]], path[1:], other)
    return copy


@pytest.mark.parametrize("number", [1, None], ids=["numbered", "too wide"])
@settings(max_examples=300, deadline=None)
@any_of(st.sampled_from([path for path in places([DATA, LISTED]) if path not in ((), (0,))]), ANYTHING)
def test_any_answer_is_rows_or_a_sentence(number: int | None, path: tuple[Any, ...], other: Any) -> None:
    numbered = put(DATA, ("repository", "deployments", "nodes", 0, "databaseId"), number)
    data, listed = put([numbered, LISTED], path, other)
    inputs = builders.inputs({"operation": "backfill"})
    api = Answering(lambda _path, _parameters: listed, lambda: {"data": data})
    told, ids = "", []
    try:
        rows, _ = rows_from_history(inputs, builders.runtime("schedule"), api, NOW, lambda _line: None)
        ids = [rows.call(index).reference_id for index in range(len(rows))]
    except LookupFailedError as error:
        told = str(error.problems[0])
    assert all(ids)
    assert told.endswith("." if told else "")

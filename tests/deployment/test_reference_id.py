"""Which registrations are one deployment: the derived `reference_id`, row by row of the contract's event table."""

import re

import pytest

from builders import resolved
from dx_action.deployment.reference_id import row_id
from dx_action.services.service import Service

MERGED_41 = "312c5c6455a5802d9eff8e65fbc68a516dd3a76d"
DIGEST = r"[0-9a-f]{12}"
# What differs between two runs that handle the same event, and between an attempt of a run and the next.
ANOTHER_RUN = {"run_id": "99", "run_attempt": "1", "actor": "hubot", "ref": "refs/heads/other"}
NEXT_ATTEMPT = {"run_attempt": "2"}

SAME: list[tuple[str, dict[str, str], str]] = [
    ("pull_request_merged", {}, "github.com/pull/2401500041/deploy/0/success/shop"),
    ("pull_request_merged", {"success": "failure"}, "github.com/pull/2401500041/deploy/0/failure/shop"),
    ("pull_request_merged", {"job-index": "2"}, "github.com/pull/2401500041/deploy/2/success/shop"),
    ("pull_request_target_merged", {}, "github.com/pull/2401500043/deploy/0/success/shop"),
    ("deployment_production", {}, "github.com/deployment/2251300501/success/checkout"),
    ("deployment_production", {"success": "false"}, "github.com/deployment/2251300501/failure/checkout"),
    ("deployment_status_success", {}, "github.com/deployment/2251300501/success/checkout"),
    ("deployment_status_failure", {}, "github.com/deployment/2251300505/failure/checkout"),
    ("deployment_status_error", {}, "github.com/deployment/2251300506/failure/checkout"),
    ("workflow_run_success", {}, "github.com/workflow_run/13654700101/1/deploy/0/success/shop"),
    ("workflow_run_success", {"job-index": "2"}, "github.com/workflow_run/13654700101/1/deploy/2/success/shop"),
    ("workflow_run_failure", {"success": "false"}, "github.com/workflow_run/13654700102/1/deploy/0/failure/shop"),
    ("workflow_run_release", {}, "github.com/workflow_run/13654700107/2/deploy/0/success/shop"),
    ("release_published", {}, "github.com/release/2605100140/deploy/0/success/shop"),
    ("release_released", {}, "github.com/release/2605100140/deploy/0/success/shop"),
]
THIS_JOB: list[tuple[str, dict[str, str]]] = [
    *((name, {}) for name in ("push_branch", "push_tag_annotated", "push_no_head_commit", "workflow_call")),
    *((name, {}) for name in ("workflow_dispatch", "repository_dispatch", "schedule", "page_build")),
    *(
        (name, {"commit-sha": "abc1234"})
        for name in (
            *("merge_group", "check_run", "check_suite", "status", "create", "delete", "issues", "issue_comment"),
            *("pull_request_review", "pull_request_review_comment"),
        )
    ),
]
EVENTS_OWN = (
    *("pull_request_merged", "workflow_run_success", "release_published"),
    *("deployment_production", "deployment_status_success"),
)
same = pytest.mark.parametrize(("name", "given", "expected"), SAME)
this_job = pytest.mark.parametrize(("name", "given"), THIS_JOB)
by_hand = pytest.mark.parametrize(
    "given",
    [
        {"environment": "eu"},
        {"commit-sha": "abc1234"},
        {"merge-commit-shas": "abc1234"},
        {"repository": "acme/other", "service": "shop", "attribution": "repository"},
    ],
    ids=str,
)


def one(name: str, given: dict[str, str] | None = None, **run: str) -> str:
    (found,) = resolved(name, given, None, **run).reference_ids.value
    return found


# --- the event's own ids --------------------------------------------------------------------------------------------


@same
def test_same(name: str, given: dict[str, str], expected: str) -> None:
    assert one(name, given) == expected


@same
def test_the_same_event_again_is_the_same_deployment(name: str, given: dict[str, str], expected: str) -> None:
    """In another run, in another attempt, in another job's check run, at another time and with other data about it."""
    again = {"check-run-id": "38168200017", "deployed-at": "2025-01-01T12:05:00Z", "metadata": "a: 1"}
    assert one(name, given | again, **ANOTHER_RUN) == expected
    assert one(name, given | again, **NEXT_ATTEMPT) == expected


@pytest.mark.parametrize(("name", "number"), [("pull_request_merged", 2401500041), ("release_published", 2605100140)])
def test_a_job_without_its_name(name: str, number: int) -> None:
    assert one(name, {}, job="") == f"github.com/{name.split('_', maxsplit=1)[0]}/{number}/-/0/success/shop"


@pytest.mark.parametrize("name", ["pull_request_merged", "release_published", "workflow_run_success"])
def test_jobs_and_matrix_legs_deploy_each_for_themselves(name: str) -> None:
    ids = {one(name, {"job-index": leg}, job=job) for leg in ("0", "1") for job in ("deploy", "deploy-eu")}
    assert len(ids) == 4


@pytest.mark.parametrize("name", ["deployment_production", "deployment_status_success"])
def test_a_deployment_is_one_in_every_job_and_matrix_leg(name: str) -> None:
    ids = {one(name, {"job-index": leg}, job=job) for leg in ("0", "1") for job in ("deploy", "deploy-eu")}
    assert len(ids) == 1


@by_hand
@pytest.mark.parametrize("name", EVENTS_OWN)
def test_what_is_given_by_hand_makes_another_deployment(name: str, given: dict[str, str]) -> None:
    given = {"service": "shop"} | given
    plain, found = one(name, {"service": "shop"}), one(name, given)
    start, service = plain.rsplit("/", 1)
    assert re.fullmatch(rf"{re.escape(start)}/{DIGEST}/{service}", found)
    assert found == one(name, given, **ANOTHER_RUN)


@pytest.mark.parametrize(
    ("name", "commit"),
    [
        ("pull_request_merged", MERGED_41),
        ("workflow_run_success", "c89241549856579cbcce0211499667cb1ecc577a"),
        ("release_published", "c89241549856579cbcce0211499667cb1ecc577a"),
        ("deployment_production", "c89241549856579cbcce0211499667cb1ecc577a"),
        ("deployment_status_success", "c89241549856579cbcce0211499667cb1ecc577a"),
    ],
)
def test_what_the_event_says_anyway_makes_no_other_deployment(name: str, commit: str) -> None:
    for given in (
        {"commit-sha": commit},
        {"commit-sha": commit[:7].upper()},
        {"repository": "ACME/Shop"},
        {"only-environments": "*"},
    ):
        assert one(name, given) == one(name)


@pytest.mark.parametrize("name", ["deployment_production", "deployment_status_success"])
def test_a_deployments_own_environment_makes_no_other_deployment(name: str) -> None:
    """However it is spelled, another name in DX is another deployment."""
    for given in ({"environment": "production"}, {"environment": "production", "only-environments": "prod*"}):
        assert one(name, given) == one(name)
    assert one(name, {"environment": "Production"}) != one(name)


@pytest.mark.parametrize("name", EVENTS_OWN)
def test_two_environments_are_two_deployments(name: str) -> None:
    given = [{}, {"environment": "eu"}, {"environment": "us"}, {"environment": "eu", "commit-sha": "abc1234"}]
    assert len({one(name, each) for each in given}) == len(given)


def test_a_digest_stays_what_it_was_in_earlier_versions() -> None:
    """Else an event that was handled before an update would be registered again after it."""
    assert (
        one("workflow_run_success", {"environment": "eu"})
        == "github.com/workflow_run/13654700101/1/deploy/0/success/5ed12a1f428d/shop"
    )


# --- this job's ids -------------------------------------------------------------------------------------------------


@this_job
def test_this_job(name: str, given: dict[str, str]) -> None:
    found = one(name, given | {"check-run-id": "38168200017"})
    assert re.fullmatch(rf"github\.com/job/38168200017/{DIGEST}/shop", found)


@this_job
def test_this_job_on_a_server_that_does_not_say_which(name: str, given: dict[str, str]) -> None:
    run = {"run_id": "13654800333", "run_attempt": "2", "job": "ship"}
    found = one(name, given | {"job-index": "3"}, **run)
    assert re.fullmatch(rf"github\.com/run/13654800333/2/ship/3/{DIGEST}/shop", found)


def test_this_jobs_id_to_the_letter() -> None:
    assert one("push_branch", {"check-run-id": "38168200017"}) == "github.com/job/38168200017/1cd94baefdd2/shop"


@this_job
def test_another_attempt_is_another_deployment(name: str, given: dict[str, str]) -> None:
    assert one(name, given) != one(name, given, **NEXT_ATTEMPT)
    first, second = ({"check-run-id": check_run} for check_run in ("38168200017", "38168200018"))
    assert one(name, given | first) != one(name, given | second, **NEXT_ATTEMPT)


def test_the_same_job_again_is_the_same_deployment() -> None:
    """Two steps of one job that register the same thing, at other times and with other data about it."""
    given = {"check-run-id": "38168200017"}
    again = given | {
        "deployed-at": "2025-01-01T12:05:00Z",
        "metadata": "a: 1",
        "source-url": "https://ci/1",
        "source-name": "other",
        "integration-branch": "develop",
        "service": "shop=The Shop",
        "success": "true",
        "repository": "ACME/Shop",
        "commit-sha": MERGED_41.upper(),
        "method": "upsert",
    }
    assert one("push_branch", given) == one("push_branch", again)


@pytest.mark.parametrize("check_run", [{}, {"check-run-id": "38168200017"}], ids=["no check run", "check run"])
def test_what_one_job_may_deploy_besides(check_run: dict[str, str]) -> None:
    given: list[dict[str, str]] = [
        {},
        {"service": "web"},
        {"environment": "eu"},
        {"environment": "EU"},
        {"commit-sha": "abc1234"},
        {"commit-sha": "abc1235"},
        {"merge-commit-shas": "abc1234, abc1235"},
        {"success": "failure"},
        {"repository": "acme/other", "commit-sha": MERGED_41, "service": "shop"},
    ]
    assert len({one("push_branch", check_run | each) for each in given}) == len(given)


def test_matrix_legs() -> None:
    legs = [{"job-index": "0", "check-run-id": "1"}, {"job-index": "1", "check-run-id": "2"}]
    assert len({one("push_branch", each) for each in legs}) == 2
    for each in legs:
        del each["check-run-id"]
    assert len({one("push_branch", each) for each in legs}) == 2


def test_a_reusable_workflow_called_twice_in_one_run() -> None:
    """Both calls have the same run, the same name of the job inside, and no matrix: their check runs tell them apart."""
    calls = [{"check-run-id": "1"}, {"check-run-id": "2"}]
    assert len({one("workflow_call", each) for each in calls}) == 2
    for name in ("workflow_call", "pull_request_merged", "release_published"):  # ... or what they deploy
        for key, values in {"service": ("web", "api"), "environment": ("eu", "us")}.items():
            assert len({one(name, {key: value}) for value in values}) == 2


@pytest.mark.parametrize(
    ("run", "start"),
    [
        ({"run_id": "", "job": ""}, "github.com/run/-/1/-/0/"),
        ({"job": ""}, "github.com/run/13654800333/1/-/0/"),
    ],
    ids=["neither", "no job"],
)
def test_variables_that_are_not_set(run: dict[str, str], start: str) -> None:
    assert one("push_branch", {}, **run).startswith(start)


# --- both -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["push_branch", "deployment_status_success", "pull_request_merged"])
def test_each_service_has_its_own(name: str) -> None:
    both = resolved(name, {"service": "web=Web App\nteam/api"}).reference_ids.value
    assert [each.endswith(f"/{end}") for each, end in zip(both, ("web", "team/api"), strict=True)] == [True, True]
    assert both == (one(name, {"service": "web"}), one(name, {"service": "team/api=Another Name"}))


@pytest.mark.parametrize("name", ["push_branch", "deployment_status_success", "pull_request_merged"])
def test_servers_do_not_share_ids(name: str) -> None:
    ids = [one(name, server_url=url) for url in ("https://github.com", "https://ghe.acme.example", "http://ghe:8080")]
    assert [each.split("/")[0] for each in ids] == ["github.com", "ghe.acme.example", "ghe:8080"]
    assert len({each.partition("/")[2] for each in ids}) == 1


@pytest.mark.parametrize("name", ["push_branch", "deployment_status_success", "pull_request_merged"])
@pytest.mark.parametrize(
    ("services", "ids"),
    [
        ("web", ("build-7",)),
        ("web=Web App", ("build-7",)),
        ("web, api", ("build-7/web", "build-7/api")),
    ],
)
def test_an_id_given_by_hand(name: str, services: str, ids: tuple[str, ...]) -> None:
    given = {"reference-id": "build-7", "service": services, "environment": "eu", "success": "failure"}
    assert resolved(name, given).reference_ids.value == ids


@pytest.mark.parametrize(
    "given",
    [
        {"repository": "acme/Other", "service": "shop", "attribution": "repository"},
        {"merge-commit-shas": "abc1234"},
        {"commit-sha": "abc1234"},
    ],
    ids=str,
)
def test_the_case_of_what_is_given_makes_no_other_deployment(given: dict[str, str]) -> None:
    ours = {"repository", "merge-commit-shas", "commit-sha"}
    upper = {key: text.upper() if key in ours else text for key, text in given.items()}
    for name in ("pull_request_merged", "push_branch"):
        assert one(name, given) == one(name, upper)
        assert one(name, given) != one(name, {"service": "shop"})


def test_the_case_of_the_events_commit_makes_no_other_deployment() -> None:
    changes = {"pull_request.merge_commit_sha": MERGED_41.upper()}
    (found,) = resolved("pull_request_merged", {"commit-sha": MERGED_41}, changes).reference_ids.value
    assert found == one("pull_request_merged")


@pytest.mark.parametrize(
    ("name", "given", "source"),
    [
        ("pull_request_merged", {}, "this event"),
        ("push_branch", {}, "this job"),
        ("push_branch", {"reference-id": "mine"}, "input reference-id"),
    ],
)
def test_what_an_id_is_made_of(name: str, given: dict[str, str], source: str) -> None:
    assert resolved(name, given).reference_ids.source == source


def test_the_id_of_a_row_is_of_what_makes_it_this_deployment() -> None:
    def made(
        repository: str = "acme/shop",
        name: str | None = None,
        environment: str | None = None,
        *,
        succeeded: bool = True,
    ) -> str:
        commits = ["ABC1234", "abc2345", "abc1234"]
        return row_id("2025-01-01T12:05:00Z", repository, Service("web", name), environment, commits, succeeded)

    assert re.fullmatch(r"backfill/2025-01-01T12:05:00Z/[0-9a-f]{16}/web", made())
    assert made() == made("ACME/Shop", "Web App", "")
    assert len({made(), made("acme/other"), made(environment="eu"), made(succeeded=False)}) == 4

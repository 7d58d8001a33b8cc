"""Each row of the contract's event table: what registers a deployment, with which values, and what is skipped, and why."""

from datetime import UTC, datetime
from typing import Any

import pytest

import events
from builders import ABSENT, event, inputs, runtime
from dx_action.deployment.trigger import Skipped, Trigger, decide, may_be_tag
from dx_action.errors import BadEvent
from dx_action.inputs.values import Sourced
from dx_action.runner.event import WorkflowRunEvent
from dx_action.services.service import Service

MERGED_41 = "312c5c6455a5802d9eff8e65fbc68a516dd3a76d"
MERGED_42 = "c89241549856579cbcce0211499667cb1ecc577a"
MERGED_43 = "c24705b4b609848661ff6096b6f66626e8734485"
MERGED_44 = "1239cce527b1443ddcd89e1f8d96d679b2852838"
ON_1X = "1f055707401086dd0d35d6c8eeb986c92b02b38d"
FEATURE = "15f9dafd5d79ab049c6cf1153de1427faf28120b"
SHOP = "https://github.com/acme/shop"
LOG = "https://github.com/acme/deployer/actions/runs/13654730011/job/38168200017"
Services = Sourced[tuple[Service, ...]]


def in_payload(*identifiers: str) -> Services:
    return Sourced(tuple(map(Service, identifiers)), "deployment.payload.service")


CHECKOUT = in_payload("checkout")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def of_pull(number: int, sha: str, pull_id: int) -> Trigger:
    return Trigger(
        Sourced(sha, "pull_request.merge_commit_sha"),
        identity=("pull", str(pull_id)),
        per_job=True,
        page=Sourced(f"{SHOP}/pull/{number}", "pull_request.html_url"),
    )


def of_deployment(sha: str, deployment_id: int, services: Services | None) -> Trigger:
    return Trigger(
        Sourced(sha, "deployment.sha"),
        identity=("deployment", str(deployment_id)),
        page=Sourced(f"{SHOP}/deployments", "the repository's deployments"),
        services=services,
        environment=Sourced("production", "deployment.environment"),
    )


def of_status(sha: str, deployment_id: int, time: str, services: Services | None = CHECKOUT, *, ok: bool) -> Trigger:
    return of_deployment(sha, deployment_id, services)._replace(
        deployed_at=Sourced(at(time), "deployment_status.created_at"),
        success=Sourced(ok, "deployment_status.state"),
        page=Sourced(LOG, "deployment_status.log_url"),
    )


def of_run(sha: str, run_id: int, time: str, attempt: int = 1) -> Trigger:
    return Trigger(
        Sourced(sha, "workflow_run.head_sha"),
        identity=("workflow_run", str(run_id), str(attempt)),
        per_job=True,
        deployed_at=Sourced(at(time), "workflow_run.updated_at"),
        page=Sourced(f"{SHOP}/actions/runs/{run_id}", "workflow_run.html_url"),
    )


RELEASE = Trigger(
    Sourced(MERGED_42, "GITHUB_SHA"),
    identity=("release", "2605100140"),
    per_job=True,
    page=Sourced(f"{SHOP}/releases/tag/v1.4.0", "release.html_url"),
)
TIP_TAKEN = "A `repository_dispatch` event names no commit, so the tip of the default branch is used. Set `commit-sha`."
OTHER_BRANCH = (
    "The pushed branch, gift-cards, is not the default branch, main, and its deployment counts as production. "
    "Set `only-branches` to the branches that are deployed, or `environment` if it is not production."
)


def this_job(sha: str, source: str = "GITHUB_SHA", *warnings: str) -> Trigger:
    return Trigger(Sourced(sha, source), warnings=warnings)


def decided(name: str, given: dict[str, str] | None = None, changes: dict[str, Any] | None = None) -> Trigger | Skipped:
    return decide(event(name, changes), inputs(given), runtime(name))


def skipped(name: str, given: dict[str, str] | None = None, changes: dict[str, Any] | None = None) -> Skipped:
    found = decided(name, given, changes)
    assert isinstance(found, Skipped), found
    return found


def registered(name: str, given: dict[str, str] | None = None, changes: dict[str, Any] | None = None) -> Trigger:
    found = decided(name, given, changes)
    assert isinstance(found, Trigger), str(found)
    return found


REGISTERED: dict[str, Trigger] = {
    "pull_request_merged": of_pull(41, MERGED_41, 2401500041),
    "pull_request_merged_squash": of_pull(42, MERGED_42, 2401500042),
    "pull_request_target_merged": of_pull(43, MERGED_43, 2401500043),
    "pull_request_fork_merged": of_pull(43, MERGED_43, 2401500043),
    "pull_request_fork_deleted": of_pull(44, MERGED_44, 2401500044),
    "push_branch": this_job(MERGED_41, "push.head_commit.id"),
    "push_feature_branch": this_job(FEATURE, "push.head_commit.id", OTHER_BRANCH),
    "push_tag_lightweight": this_job(MERGED_41, "push.head_commit.id"),
    "push_tag_annotated": this_job(MERGED_42, "push.head_commit.id"),
    "push_no_head_commit": this_job(MERGED_44),
    "workflow_call": this_job(MERGED_42, "push.head_commit.id"),
    "deployment_production": of_deployment(MERGED_42, 2251300501, CHECKOUT),
    "deployment_payload_text": of_deployment(MERGED_42, 2251300503, in_payload("payments")),
    "deployment_status_success": of_status(MERGED_42, 2251300501, "2025-03-04T14:07:48Z", ok=True),
    "deployment_status_failure": of_status(MERGED_43, 2251300505, "2025-03-04T15:33:59Z", ok=False),
    "deployment_status_error": of_status(MERGED_44, 2251300506, "2025-03-04T18:01:30Z", ok=False),
    "deployment_status_no_urls": of_status(MERGED_44, 2251300507, "2025-03-05T07:32:41Z", None, ok=True)._replace(
        page=Sourced(f"{SHOP}/deployments", "the repository's deployments"),
    ),
    "workflow_run_success": of_run(MERGED_42, 13654700101, "2025-03-04T14:09:47Z"),
    "workflow_run_tag": of_run(MERGED_42, 13654700106, "2025-03-04T14:26:03Z"),
    "workflow_run_release": of_run(MERGED_42, 13654700107, "2025-03-04T14:46:40Z", 2),
    "release_published": RELEASE,
    "release_released": RELEASE,
    "workflow_dispatch": this_job(MERGED_44),
    "workflow_dispatch_no_inputs": this_job(ON_1X),
    "repository_dispatch": this_job(MERGED_44, "GITHUB_SHA", TIP_TAKEN),
    "schedule": this_job(MERGED_44),
    "page_build": this_job(MERGED_44),
}
SKIPPED: dict[str, tuple[str, str]] = {
    "pull_request_opened": ("was not merged by this event", "github.event.pull_request.merged"),
    "pull_request_closed_unmerged": ("was not merged by this event", "github.event.pull_request.merged"),
    "pull_request_merged_other_base": ("base, release/1.x, is not the default branch, main", "Set `only-branches`"),
    "push_branch_deleted": ("deleted its branch or tag", ""),
    "deployment_staging": ("environment, staging, does not count", "Set `only-environments`"),
    "deployment_transient": ("environment, production-pr-7, does not count", "Set `only-environments`"),
    "deployment_status_staging": ("environment, staging, does not count", "Set `only-environments`"),
    "deployment_status_in_progress": ("status is in_progress, which is not final", "are registered at `success`"),
    "deployment_status_inactive": ("status is inactive, which is not final", "are registered at `success`"),
    "workflow_run_requested": ("has not completed", ""),
    "workflow_run_failure": ("did not succeed", "Set `success`"),
    "workflow_run_pull_request": ("tested a pull request or a merge group", ""),
    "workflow_run_merge_group": ("tested a pull request or a merge group", ""),
    "workflow_run_fork": ("tested a pull request or a merge group", ""),
    "workflow_run_head_repository_deleted": ("tested a pull request or a merge group", ""),
    "workflow_run_feature_branch": ("branch, gift-cards, is not the default branch, main", "Set `only-branches`"),
    "release_draft_created": ("neither published nor released", ""),
    "release_prerelease": ("A draft or a prerelease is not", ""),
}
WITHOUT_A_COMMIT = (
    *("merge_group", "check_run", "check_suite", "status", "create", "delete", "issues", "issue_comment"),
    *("pull_request_review", "pull_request_review_comment"),
)


def test_the_tables_have_every_fixture() -> None:
    assert sorted([*REGISTERED, *SKIPPED, *WITHOUT_A_COMMIT]) == sorted(events.NAMES)


@pytest.mark.parametrize("name", REGISTERED)
def test_registers(name: str) -> None:
    assert registered(name) == REGISTERED[name]


@pytest.mark.parametrize("name", SKIPPED)
def test_skips(name: str) -> None:
    reason, advice = SKIPPED[name]
    found = skipped(name)
    assert reason in found.reason
    assert advice in found.advice
    assert (found.warn, str(found)) == (False, f"{found.reason} {found.advice}".strip())


@pytest.mark.parametrize("name", WITHOUT_A_COMMIT)
def test_skips_without_an_explicit_commit(name: str) -> None:
    found = skipped(name)
    assert f"`{name}`" in found.reason
    assert "does not say which commit was deployed" in found.reason
    assert "Set `commit-sha`" in found.advice
    assert skipped(name, {"attribution": "repository"}) == found
    assert registered(name, {"commit-sha": "abc1234"}).identity == ()


@pytest.mark.parametrize("success", ["cancelled", "skipped"])
@pytest.mark.parametrize("name", ["push_branch", "deployment_status_success", "schedule"])
def test_a_cancelled_or_skipped_job_deployed_nothing(name: str, success: str) -> None:
    assert "the deployment was cancelled or skipped" in skipped(name, {"success": success}).reason


# --- pull requests --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{"action": "labeled"}, {"action": None}, {"pull_request.merged": None}], ids=str)
def test_a_pull_request_counts_only_when_it_is_merged(changes: dict[str, Any]) -> None:
    """A merged one may be labelled, too."""
    assert "was not merged by this event" in skipped("pull_request_merged", changes=changes).reason


@pytest.mark.parametrize("name", ["pull_request_fork_merged", "pull_request_fork_deleted"])
def test_a_fork_without_secrets(name: str) -> None:
    found = skipped(name, {"dx-token": ""})
    assert "comes from a fork, so GitHub passes no secrets to this run" in found.reason
    assert "`push`" in found.advice
    assert "`pull_request_target`" in found.advice
    assert found.warn


@pytest.mark.parametrize(
    ("name", "given", "changes"),
    [
        ("pull_request_fork_merged", {"dx-token": "t"}, {}),
        ("pull_request_fork_merged", {"dx-token": "", "dry-run": "true"}, {}),
        ("pull_request_target_merged", {"dx-token": ""}, {"pull_request.head.repo.full_name": "Codertocat/shop"}),
        ("pull_request_merged", {"dx-token": ""}, {}),
        ("pull_request_merged", {"dx-token": ""}, {"pull_request.head.repo.full_name": "Acme/Shop"}),
        ("pull_request_merged", {"dx-token": ""}, {"repository.full_name": "Acme/Shop"}),
    ],
    ids=["with secrets", "dry run", "pull_request_target", "not a fork", "another case", "another case, too"],
)
def test_no_fork_without_secrets(name: str, given: dict[str, str], changes: dict[str, Any]) -> None:
    assert registered(name, given, changes)


def test_an_unmerged_fork_is_no_warning() -> None:
    assert not skipped("pull_request_fork_merged", {"dx-token": ""}, {"pull_request.merged": False}).warn


# --- only-branches --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "only", "registers"),
    [
        ("pull_request_merged", "main", True),
        ("pull_request_merged", "release/*", False),
        ("pull_request_merged_other_base", "release/*", True),
        ("pull_request_merged_other_base", "main, release/**", True),
        ("pull_request_merged_other_base", "*", False),
        ("pull_request_merged_other_base", "main", False),
        ("push_branch", "main", True),
        ("push_branch", "Main", False),
        ("push_feature_branch", "main", False),
        ("push_feature_branch", "gift-*", True),
        ("push_tag_lightweight", "main", True),
        ("push_tag_annotated", "main", True),
        ("workflow_run_success", "main", True),
        ("workflow_run_success", "release/**", False),
        ("workflow_run_feature_branch", "gift-*", True),
        ("workflow_run_tag", "main", True),
        ("workflow_run_release", "main", True),
        ("workflow_dispatch", "release/**", False),
        ("workflow_dispatch_no_inputs", "release/**", True),
        ("schedule", "release/**", False),
        ("release_published", "main", True),
        ("deployment_production", "release/**", False),
        ("deployment_production", "main", True),
    ],
)
def test_only_branches(name: str, only: str, registers: bool) -> None:
    found = decided(name, {"only-branches": only})
    assert isinstance(found, Trigger) is registers
    if isinstance(found, Skipped):
        assert "does not match `only-branches`" in found.reason
        assert "Add it" in found.advice


def test_a_branch_named_like_a_tag_is_a_branch() -> None:
    assert skipped("push_branch", {"only-branches": "main"}, {"ref": "refs/heads/refs/tags/v1"})


def test_a_push_without_a_ref_takes_the_runners() -> None:
    assert skipped("push_feature_branch", {"only-branches": "main"}, {"ref": None})
    assert registered("push_feature_branch", {"only-branches": "gift-cards"}, {"ref": None})


@pytest.mark.parametrize("name", ["pull_request_merged", "workflow_run_success"])
def test_no_default_branch(name: str) -> None:
    with pytest.raises(BadEvent, match=r"name the default branch, and this one does not\. Set `only-branches`"):
        decided(name, changes={"repository.default_branch": None})
    assert registered(name, {"only-branches": "main"}, {"repository.default_branch": None})


# --- environments ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "production", "transient", "only", "counts"),
    [
        ("live", True, False, "", True),
        ("live", False, False, "", False),
        ("live", None, None, "", False),
        ("production", False, False, "", True),
        ("PROD", None, None, "", True),
        ("prod/eu/1", False, False, "", True),
        ("preprod", False, False, "", False),
        (None, False, False, "", False),
        (None, True, False, "", True),
        ("production", True, True, "", False),
        ("production", True, True, "production", True),
        ("review/7", False, True, "review/*", True),
        ("Live", False, False, "live", True),
        ("eu/live/1", False, False, "eu*1", True),
        ("production", True, False, "live", False),
        ("staging", False, False, "live\nstag*", True),
    ],
)
@pytest.mark.parametrize("name", ["deployment_production", "deployment_status_success"])
def test_environments(
    name: str, environment: str | None, production: bool | None, transient: bool | None, only: str, counts: bool
) -> None:
    changes = {
        "deployment.environment": environment,
        "deployment.production_environment": production,
        "deployment.transient_environment": transient,
    }
    found = decided(name, {"only-environments": only}, changes)
    assert isinstance(found, Trigger) is counts
    if isinstance(found, Skipped):
        why = "match `only-environments`. Add it there" if only else "count as production. Set `only-environments`"
        assert str(found) == (
            f"The deployment's environment, {environment or '(none)'}, does not {why} to register its deployments."
        )


def test_no_environment_is_told() -> None:
    found = skipped("deployment_staging", changes={"deployment.environment": None})
    assert found.reason == "The deployment's environment, (none), does not count as production."


# --- deployments ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["pending", "queued", "in_progress", "inactive", "waiting", ""])
def test_a_status_that_is_not_final(state: str) -> None:
    found = skipped("deployment_status_success", {"success": "true"}, {"deployment_status.state": state})
    assert "which is not final" in found.reason


@pytest.mark.parametrize(
    ("log_url", "target_url", "expected"),
    [
        ("https://a/1", "https://b/2", Sourced("https://a/1", "deployment_status.log_url")),
        ("", "https://b/2", Sourced("https://b/2", "deployment_status.target_url")),
        (None, "https://b/2", Sourced("https://b/2", "deployment_status.target_url")),
        (None, None, Sourced(f"{SHOP}/deployments", "the repository's deployments")),
        ("javascript:alert(1)", "see the log", Sourced(f"{SHOP}/deployments", "the repository's deployments")),
        ("https://a/\ud800", "https://b/ 2", Sourced(f"{SHOP}/deployments", "the repository's deployments")),
    ],
    ids=repr,
)
def test_the_page_of_a_status(log_url: str | None, target_url: str | None, expected: Sourced[str]) -> None:
    changes = {"deployment_status.log_url": log_url, "deployment_status.target_url": target_url}
    assert registered("deployment_status_success", changes=changes).page == expected


def test_the_page_of_a_deployment_on_another_server() -> None:
    run = runtime("deployment_production", server_url="https://ghe.acme.example", repository="someone/else")
    for changes, repository in (({}, "acme/shop"), ({"repository": None}, "someone/else")):
        found = decide(event("deployment_production", changes), inputs(), run)
        assert isinstance(found, Trigger)
        assert found.page == Sourced(
            f"https://ghe.acme.example/{repository}/deployments", "the repository's deployments"
        )


@pytest.mark.parametrize(
    "name", ["pull_request_merged", "workflow_run_success", "release_published"], ids=["pull", "run", "release"]
)
@pytest.mark.parametrize("url", [None, ABSENT, "", "/relative"], ids=["null", "absent", "empty", "relative"])
def test_an_event_without_its_page(name: str, url: object) -> None:
    thing = {"pull_request_merged": "pull_request", "workflow_run_success": "workflow_run"}.get(name, "release")
    assert registered(name, changes={f"{thing}.html_url": url}).page is None


@pytest.mark.parametrize(
    ("payload", "services"),
    [
        ({"service": "web"}, (Service("web"),)),
        ({"service": "web=Web App"}, (Service("web", "Web App"),)),
        ({"service": "web, api"}, (Service("web"), Service("api"))),
        ({"service": {"identifier": "web", "name": "Web App"}}, (Service("web", "Web App"),)),
        ({"service": ["web", {"identifier": "api"}]}, (Service("web"), Service("api"))),
        ('{"service": "web"}', (Service("web"),)),
        ('{"service": ["web", "api"]}', (Service("web"), Service("api"))),
        ({"service": ""}, None),
        ({"service": None}, None),
        ({"service": []}, None),
        ({}, None),
        (None, None),
        ("", None),
        ("web", None),
        ('"web"', None),
        ('{"service": ', None),
        (["service"], None),
        (7, None),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_the_services_of_a_payload(payload: object, services: tuple[Service, ...] | None) -> None:
    found = registered("deployment_production", changes={"deployment.payload": payload})
    assert found.services == (Sourced(services, "deployment.payload.service") if services else None)
    assert found.warnings == ()


@pytest.mark.parametrize(
    "service", [5, True, {"id": "s3cr3t"}, ["web", None], "web=s3cr3t, Inc", " ", "s3cr\x1b3t", "- s3cr3t"], ids=repr
)
def test_services_of_a_payload_that_cannot_be_read_are_passed_over_with_a_warning(service: object) -> None:
    found = registered("deployment_production", changes={"deployment.payload": {"service": service}})
    assert found.services is None
    (warning,) = found.warnings
    assert warning.startswith("The deployment's `payload.service` ")
    assert warning.endswith("It was ignored. Set `service` instead.")
    assert "s3cr3t" not in warning


@pytest.mark.parametrize(
    "payload", ["[" * 100_000, '{"service": "web", "more": ' + "[" * 100 + "]" * 100 + "}"], ids=len
)
def test_a_payload_that_is_nested_too_deeply_is_passed_over_with_a_warning(payload: str) -> None:
    found = registered("deployment_production", changes={"deployment.payload": payload})
    assert found.services is None
    (warning,) = found.warnings
    assert warning == (
        "The deployment's `payload.service` cannot be read, because the payload is nested too deeply. It was ignored. "
        "Set `service` instead."
    )


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("deployment_status_success", "deployment_status.created_at"),
        ("workflow_run_success", "workflow_run.updated_at"),
    ],
)
def test_a_time_that_cannot_be_read(name: str, path: str) -> None:
    with pytest.raises(BadEvent) as caught:
        decided(name, changes={path: "s3cr3t"})
    assert str(caught.value) == f"`{path}` is not a time that can be read."


# --- workflow runs --------------------------------------------------------------------------------------------------

CONCLUSIONS = [
    *("failure", "cancelled", "skipped", "timed_out", "action_required", "neutral", "stale", "startup_failure"),
    None,
]


@pytest.mark.parametrize("conclusion", CONCLUSIONS)
def test_a_run_that_did_not_succeed(conclusion: str | None) -> None:
    changes = {"workflow_run.conclusion": conclusion}
    assert "did not succeed" in skipped("workflow_run_success", changes=changes).reason
    for success in ("true", "false"):
        found = registered("workflow_run_success", {"success": success}, changes)
        assert found == REGISTERED["workflow_run_success"]


@pytest.mark.parametrize("action", ["requested", "in_progress", None])
def test_a_run_that_has_not_completed(action: str | None) -> None:
    assert "has not completed" in skipped("workflow_run_success", {"success": "true"}, {"action": action}).reason


@pytest.mark.parametrize("started_by", ["pull_request", "pull_request_target", "pull_request_review", "merge_group"])
@pytest.mark.parametrize("given", [{}, {"only-branches": "**"}, {"success": "true"}], ids=["", "branches", "success"])
def test_a_run_that_tested(started_by: str, given: dict[str, str]) -> None:
    found = skipped("workflow_run_success", given, {"workflow_run.event": started_by})
    assert "tested a pull request or a merge group" in found.reason


@pytest.mark.parametrize("started_by", ["push", "workflow_dispatch", "schedule", "repository_dispatch", None])
def test_a_run_that_deployed(started_by: str | None) -> None:
    assert registered("workflow_run_success", changes={"workflow_run.event": started_by})


@pytest.mark.parametrize(
    "changes",
    [
        {"workflow_run.head_repository.full_name": "Codertocat/shop"},
        {"workflow_run.head_repository": None},
        {"workflow_run.head_repository": ABSENT},
        {"workflow_run.head_repository.full_name": None},
        {"repository": None},
        {"repository": None, "workflow_run.head_repository": None},
    ],
    ids=["fork", "deleted", "absent", "nameless", "no own", "neither"],
)
def test_a_run_of_another_repository(changes: dict[str, Any]) -> None:
    assert "comes from another repository" in skipped("workflow_run_success", {"only-branches": "**"}, changes).reason


@pytest.mark.parametrize("path", ["repository.full_name", "workflow_run.head_repository.full_name"])
def test_a_repository_in_another_case_is_the_same(path: str) -> None:
    assert registered("workflow_run_success", changes={path: "Acme/Shop"})


@pytest.mark.parametrize(
    ("started_by", "name", "registers"),
    [
        ("push", "v1.4.0", True),
        ("push", "1.4.0", True),
        ("push", "v1.4.0-rc.1+7", True),
        ("push", "refs/tags/anything", True),
        ("release", "anything", True),
        ("push", "the-v1.4.0", False),
        ("push", None, False),
        ("workflow_dispatch", "v1.4.0", True),
        ("workflow_dispatch", "gift-cards", False),
    ],
)
def test_a_run_that_a_tag_or_a_release_started(started_by: str, name: str | None, registers: bool) -> None:
    changes = {"workflow_run.event": started_by, "workflow_run.head_branch": name}
    assert isinstance(decided("workflow_run_success", changes=changes), Trigger) is registers


@pytest.mark.parametrize("attempt", [None, ABSENT], ids=["null", "absent"])
def test_a_run_without_its_attempt_is_the_first(attempt: object) -> None:
    found = registered("workflow_run_release", changes={"workflow_run.run_attempt": attempt})
    assert found.identity == ("workflow_run", "13654700107", "1")


# --- releases and dispatches ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        *(
            ({"action": action}, "neither published nor released")
            for action in ("created", "edited", "prereleased", None)
        ),
        ({"release.draft": True}, "A draft or a prerelease"),
        ({"release.prerelease": True}, "A draft or a prerelease"),
    ],
    ids=str,
)
def test_a_release_that_is_none(changes: dict[str, Any], reason: str) -> None:
    assert reason in skipped("release_published", changes=changes).reason


@pytest.mark.parametrize(
    ("given", "warnings"),
    [
        ({}, (TIP_TAKEN,)),
        ({"commit-sha": "abc1234"}, ()),
        ({"merge-commit-shas": "abc1234"}, ()),
        ({"attribution": "repository"}, ()),
    ],
    ids=str,
)
def test_a_repository_dispatch_warns_where_the_tip_was_taken(given: dict[str, str], warnings: tuple[str, ...]) -> None:
    assert registered("repository_dispatch", given).warnings == warnings


def test_any_other_event_is_this_jobs() -> None:
    run = runtime("schedule", event_name="gollum")
    found = decide(event("page_build", {"build": None}).model_copy(update={"name": "gollum"}), inputs(), run)
    assert found == this_job(MERGED_44)


def test_no_commit_at_all() -> None:
    run = runtime("schedule", sha="")
    assert decide(event("schedule"), inputs(), run) == Trigger(None)


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("release-2025.1", True, True),
        ("v1.2", True, True),
        ("v1.2.3", False, False),
        ("v1.2.3", None, True),
        ("release-2025.1", None, False),
    ],
)
@pytest.mark.parametrize("started_by", ["push", "workflow_dispatch", "schedule", "deployment", None])
def test_a_run_that_a_tag_started_is_told_from_a_branchs(
    started_by: str | None, name: str, known: bool | None, expected: bool
) -> None:
    """A payload has the same field for both, so GitHub is asked; a name like v1.2.3 tells where it does not say."""
    happened = event("workflow_run_tag", {"workflow_run.head_branch": name, "workflow_run.event": started_by})
    asked: list[str] = []

    def is_tag(name: str) -> bool | None:
        asked.append(name)
        return known

    for only in ({}, {"only-branches": "release/**"}):
        found = decide(happened, inputs(only), runtime("workflow_run_tag"), is_tag)
        assert isinstance(found, Trigger) is expected
    assert asked == [name, name]


@pytest.mark.parametrize(
    ("name", "known", "hinted"),
    [("release-7", None, True), ("release-7", False, False), ("v1.2.3", False, False), ("", None, False)],
)
def test_a_run_that_a_tag_may_have_started_says_what_the_look_up_needs(
    name: str, known: bool | None, hinted: bool
) -> None:
    """Without the permission, GitHub does not say whether the name is a tag's, and nothing else shows why it is skipped."""
    happened = event("workflow_run_tag", {"workflow_run.head_branch": name})
    for only in ({}, {"only-branches": "main"}):
        for is_tag in [lambda _: known] if known is not None else [lambda _: None, None]:
            found = decide(happened, inputs(only), runtime("workflow_run_tag"), is_tag)
            assert isinstance(found, Skipped)
            hint = " If it is a tag, grant the job `contents: read`, so that this can be looked up."
            assert str(found).endswith(hint) is hinted
            assert "contents" not in str(found).removesuffix(hint)


@pytest.mark.parametrize(
    ("started_by", "name", "given"),
    [
        ("push", "main", {}),
        ("workflow_dispatch", "release/1.x", {"only-branches": "release/*"}),
        ("release", "v1", {}),
        ("push", "refs/tags/v1", {}),
        ("pull_request", "v1", {}),
        ("pull_request_target", "v1", {}),
        ("merge_group", "v1", {}),
        ("push", None, {}),
        ("workflow_dispatch", "", {"only-branches": "main"}),
    ],
)
def test_github_is_not_asked_for_what_is_told(started_by: str, name: str | None, given: dict[str, str]) -> None:
    def is_tag(name: str) -> bool:
        raise AssertionError(name)

    changes = {"workflow_run.event": started_by, "workflow_run.head_branch": name}
    assert decide(event("workflow_run_success", changes), inputs(given), runtime("workflow_run_success"), is_tag)


@pytest.mark.parametrize(
    ("name", "path", "which"),
    [
        ("workflow_run_success", "workflow_run.head_branch", "The workflow run's branch"),
        ("pull_request_merged", "pull_request.base", "The pull request's base"),
    ],
)
@pytest.mark.parametrize("given", [{}, {"only-branches": "main, release/**"}], ids=["default", "only"])
def test_a_branch_that_is_not_named(name: str, path: str, which: str, given: dict[str, str]) -> None:
    assert str(skipped(name, given, {path: None})) == (
        f'{which} is not named by this event. Set `only-branches: "**"` to register it anyway.'
    )
    assert registered(name, {"only-branches": "**"}, {path: None})


@pytest.mark.parametrize(
    ("given", "counts"),
    [
        ({"operation": "set-pull-services", "pull-number": "7"}, True),
        ({"operation": "set-pull-services", "pull-id": "77"}, True),
        ({"operation": "set-pull-services"}, False),
        ({"pull-number": "7"}, False),
        ({"pull-id": "77"}, False),
    ],
)
def test_an_event_without_a_commit_needs_none_for_a_pull_request_that_is_named(
    given: dict[str, str], counts: bool
) -> None:
    found = decide(event("issue_comment"), inputs(given), runtime("issue_comment"))
    assert isinstance(found, Trigger) is counts


@pytest.mark.parametrize(
    ("started_by", "name", "only", "expected"),
    [
        ("push", "release-7", "", True),
        ("push", "main", "", False),
        ("push", "main", "release/**", True),
        ("push", "release/7", "release/**", False),
        (None, "v1.2.3", "main", True),
        ("push", None, "", False),
        ("push", "", "release/**", False),
        ("push", "refs/tags/v1", "", False),
        ("release", "v1", "", False),
    ],
)
def test_only_a_name_that_no_branch_explains_may_be_a_tag_s(
    started_by: str | None, name: str | None, only: str, expected: bool
) -> None:
    happened = event("workflow_run_tag", {"workflow_run.event": started_by, "workflow_run.head_branch": name})
    assert isinstance(happened, WorkflowRunEvent)
    given = inputs({"only-branches": only} if only else {})
    assert may_be_tag(happened, given) is expected


@pytest.mark.parametrize("repository", [None, {"default_branch": None}])
def test_without_a_default_branch_any_name_may_be_a_tag_s(repository: object) -> None:
    happened = event("workflow_run_tag", {"repository": repository, "workflow_run.head_branch": "main"})
    assert isinstance(happened, WorkflowRunEvent)
    assert may_be_tag(happened, inputs()) is True


def test_what_a_trigger_and_a_skip_are_unless_told_otherwise() -> None:
    assert (Trigger(None).per_job, Trigger(None).identity, Trigger(None).notices) == (False, (), ())
    assert (str(Skipped("Why.")), str(Skipped("Why.", "What."))) == ("Why.", "Why. What.")
    assert not Skipped("Why.").warn

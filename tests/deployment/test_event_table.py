"""The contract's table "Which event says what", row by row and word by word: when an event registers, and with which values."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

import events
from builders import NOW, event, inputs, runtime
from dx_action.deployment.registration import Registration, resolve
from dx_action.deployment.trigger import Skipped
from dx_action.inputs.values import Sourced

MERGED_41 = "312c5c6455a5802d9eff8e65fbc68a516dd3a76d"
MERGED_42 = "c89241549856579cbcce0211499667cb1ecc577a"
MERGED_43 = "c24705b4b609848661ff6096b6f66626e8734485"
MERGED_44 = "1239cce527b1443ddcd89e1f8d96d679b2852838"
FEATURE = "15f9dafd5d79ab049c6cf1153de1427faf28120b"
CLOCK, DEFAULT = ("2025-03-10T09:30:15Z", "the clock"), (True, "the default")
# The row of `merge_group`: only with an explicit `commit-sha`.
NAMES_NO_COMMIT = (
    *("merge_group", "check_run", "check_suite", "status", "create", "delete", "issues", "issue_comment"),
    *("pull_request_review", "pull_request_review_comment"),
)
COMMIT = {"commit-sha": "abc1234"}
PULL, RELEASE = "pull_request.merge_commit_sha", "GITHUB_SHA"
STATUS_AT, RUN_AT = "deployment_status.created_at", "workflow_run.updated_at"
CREATED_AT, STATE = "deployment_status.created_at", "deployment_status.state"


@dataclass(frozen=True)
class Row:
    """One event, and what is registered. `identity` begins the derived id, or ends what comes before this job's digest."""

    name: str
    commit: tuple[str, str]
    identity: str
    deployed_at: tuple[str, str] = CLOCK
    success: tuple[bool, str] = DEFAULT
    given: dict[str, str] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)
    warns: str = ""

    def __str__(self) -> str:
        return " ".join(map(str, filter(None, (self.name, self.given, self.changes))))


JOB = "github.com/job/7/"
RUN_42 = "github.com/workflow_run/13654700101/1/deploy/0/success/"
AT_RUN_42 = ("2025-03-04T14:09:47Z", RUN_AT)
OF_RUN_42 = (MERGED_42, "workflow_run.head_sha")
TIP = "ran at the tip of its branch, which may not be what was deployed. Set `commit-sha` to the deployed commit."


def run_by(started_by: str | None, warns: str = "", **given: str) -> Row:
    changes = {"workflow_run.event": started_by}
    written = {name.replace("_", "-"): text for name, text in given.items()}
    return Row("workflow_run_success", OF_RUN_42, RUN_42, AT_RUN_42, given=written, changes=changes, warns=warns)


REGISTERED: tuple[Row, ...] = (
    # pull_request, pull_request_target: closed and merged, base in `only-branches`.
    Row("pull_request_merged", (MERGED_41, PULL), "github.com/pull/2401500041/deploy/0/success/"),
    Row("pull_request_merged_squash", (MERGED_42, PULL), "github.com/pull/2401500042/deploy/0/success/"),
    Row("pull_request_target_merged", (MERGED_43, PULL), "github.com/pull/2401500043/deploy/0/success/"),
    Row(
        *("pull_request_merged", (MERGED_41, PULL), "github.com/pull/2401500041/deploy/2/failure/"),
        success=(False, "input success"),
        given={"success": "failure", "job-index": "2"},
    ),
    Row(
        *("pull_request_merged_other_base", ("1f055707401086dd0d35d6c8eeb986c92b02b38d", PULL)),
        "github.com/pull/2401500045/deploy/0/success/",
        given={"only-branches": "release/*"},
    ),
    # push: a branch in `only-branches`, or a tag; not a deletion.
    Row("push_branch", (MERGED_41, "push.head_commit.id"), JOB),
    Row("push_branch", (MERGED_41, "push.head_commit.id"), JOB, given={"only-branches": "main"}),
    Row("push_tag_lightweight", (MERGED_41, "push.head_commit.id"), JOB, given={"only-branches": "main"}),
    Row("push_tag_annotated", (MERGED_42, "push.head_commit.id"), JOB),
    Row("push_no_head_commit", (MERGED_44, "GITHUB_SHA"), JOB),
    Row("push_feature_branch", (FEATURE, "push.head_commit.id"), JOB, warns="counts as production"),
    Row("push_feature_branch", (FEATURE, "push.head_commit.id"), JOB, given={"only-branches": "gift-*"}),
    # deployment, deployment_status: the environment counts.
    Row("deployment_production", (MERGED_42, "deployment.sha"), "github.com/deployment/2251300501/success/"),
    Row(
        *("deployment_production", (MERGED_42, "deployment.sha"), "github.com/deployment/2251300501/failure/"),
        success=(False, "input success"),
        given={"success": "false"},
    ),
    Row(
        *("deployment_status_success", (MERGED_42, "deployment.sha"), "github.com/deployment/2251300501/success/"),
        ("2025-03-04T14:07:48Z", CREATED_AT),
        (True, STATE),
    ),
    Row(
        *("deployment_status_failure", (MERGED_43, "deployment.sha"), "github.com/deployment/2251300505/failure/"),
        ("2025-03-04T15:33:59Z", CREATED_AT),
        (False, STATE),
    ),
    Row(
        *("deployment_status_error", (MERGED_44, "deployment.sha"), "github.com/deployment/2251300506/failure/"),
        ("2025-03-04T18:01:30Z", CREATED_AT),
        (False, STATE),
    ),
    Row(
        *("deployment_status_error", (MERGED_44, "deployment.sha"), "github.com/deployment/2251300506/success/"),
        ("2025-03-04T18:01:30Z", CREATED_AT),
        (True, "input success"),
        {"success": "true"},
    ),
    # workflow_run: completed with success, another conclusion only with an explicit `success`.
    run_by("push"),
    run_by("workflow_dispatch"),
    run_by("deployment"),
    run_by(None),
    *(run_by(chain, TIP) for chain in ("workflow_run", "repository_dispatch", "schedule")),
    Row(
        *("workflow_run_failure", (MERGED_43, "workflow_run.head_sha")),
        "github.com/workflow_run/13654700102/1/deploy/0/failure/",
        ("2025-03-04T14:15:07Z", RUN_AT),
        (False, "input success"),
        {"success": "false"},
    ),
    Row(
        *("workflow_run_release", OF_RUN_42, "github.com/workflow_run/13654700107/2/deploy/0/success/"),
        ("2025-03-04T14:46:40Z", RUN_AT),
    ),
    Row(
        *("workflow_run_tag", OF_RUN_42, "github.com/workflow_run/13654700106/1/deploy/0/success/"),
        ("2025-03-04T14:26:03Z", RUN_AT),
        given={"only-branches": "main"},
    ),
    # release: published or released.
    Row("release_published", (MERGED_42, RELEASE), "github.com/release/2605100140/deploy/0/success/"),
    Row("release_released", (MERGED_42, RELEASE), "github.com/release/2605100140/deploy/0/success/"),
    # The row of `merge_group`.
    *(Row(name, ("abc1234", "input commit-sha"), JOB, given=COMMIT) for name in NAMES_NO_COMMIT),
    # workflow_dispatch, repository_dispatch, schedule, any other: always.
    Row("workflow_dispatch", (MERGED_44, "GITHUB_SHA"), JOB),
    Row("schedule", (MERGED_44, "GITHUB_SHA"), JOB),
    Row("page_build", (MERGED_44, "GITHUB_SHA"), JOB),
    Row("repository_dispatch", (MERGED_44, "GITHUB_SHA"), JOB, warns="the tip of the default branch is used"),
    Row("repository_dispatch", ("abc1234", "input commit-sha"), JOB, given=COMMIT),
)
# The event, what is written, what is changed → words of the reason.
SKIPPED: tuple[tuple[str, dict[str, str], dict[str, Any], str], ...] = (
    ("pull_request_opened", {}, {}, "was not merged"),
    ("pull_request_closed_unmerged", {}, {}, "was not merged"),
    ("pull_request_target_merged", {}, {"action": "labeled"}, "was not merged"),
    ("pull_request_merged_other_base", {}, {}, "is not the default branch"),
    ("pull_request_merged", {"only-branches": "release/*"}, {}, "does not match `only-branches`"),
    ("push_branch_deleted", {}, {}, "deleted its branch or tag"),
    ("push_tag_lightweight", {}, {"deleted": True}, "deleted its branch or tag"),
    ("push_feature_branch", {"only-branches": "main"}, {}, "does not match `only-branches`"),
    ("deployment_staging", {}, {}, "does not count as production"),
    ("deployment_status_staging", {}, {}, "does not count as production"),
    ("deployment_transient", {}, {}, "does not count as production"),
    *(
        ("deployment_status_success", {"success": "true"}, {"deployment_status.state": state}, "which is not final")
        for state in ("in_progress", "inactive", "pending", "queued", "waiting")
    ),
    ("workflow_run_requested", {}, {}, "has not completed"),
    ("workflow_run_failure", {}, {}, "did not succeed"),
    ("workflow_run_success", {}, {"workflow_run.conclusion": "cancelled"}, "did not succeed"),
    ("workflow_run_feature_branch", {}, {}, "is not the default branch"),
    (
        "workflow_run_success",
        COMMIT,
        {"workflow_run.head_repository.full_name": "Codertocat/shop"},
        "another repository",
    ),
    *(
        ("workflow_run_success", {}, {"workflow_run.event": started_by}, "tested a pull request or a merge group")
        for started_by in (
            *("pull_request", "pull_request_target", "pull_request_review", "pull_request_review_comment"),
            "merge_group",
        )
    ),
    *(
        ("workflow_run_success", {}, {"workflow_run.event": started_by}, f"was started by `{started_by}`")
        for started_by in ("check_run", "check_suite", "status", "create", "delete", "issues", "issue_comment")
    ),
    ("release_draft_created", {}, {}, "neither published nor released"),
    ("release_published", {}, {"action": "edited"}, "neither published nor released"),
    ("release_published", {}, {"release.draft": True}, "A draft or a prerelease"),
    ("release_prerelease", {}, {}, "A draft or a prerelease"),
    *((name, {}, {}, "does not say which commit was deployed") for name in NAMES_NO_COMMIT),
    *((name, {"attribution": "repository"}, {}, "does not say which commit") for name in NAMES_NO_COMMIT),
)


def outcome(name: str, given: dict[str, str], changes: dict[str, Any]) -> Registration | Skipped:
    written = {"service": "web", "check-run-id": "7"} | given
    return resolve(inputs(written), runtime(name, job="deploy"), event(name, changes), NOW)


def test_the_tables_have_every_event() -> None:
    names = {row.name for row in REGISTERED} | {name for name, *_ in SKIPPED}
    listed = {events.load(name)[0]["GITHUB_EVENT_NAME"] for name in names}
    assert listed == {events.load(name)[0]["GITHUB_EVENT_NAME"] for name in events.NAMES}


@pytest.mark.parametrize("row", REGISTERED, ids=str)
def test_what_an_event_registers(row: Row) -> None:
    found = outcome(row.name, row.given, row.changes)
    assert isinstance(found, Registration), str(found)
    assert found.commit == Sourced(*row.commit)
    assert found.deployed_at == Sourced(*row.deployed_at)
    assert found.success == Sourced(*row.success)
    (reference_id,) = found.reference_ids.value
    if row.identity == JOB:
        assert found.reference_ids.source == "this job"
        assert reference_id.startswith(JOB)
        assert reference_id.endswith("/web")
    else:
        assert found.reference_ids == Sourced((f"{row.identity}web",), "this event")
    assert [row.warns in warning for warning in found.warnings] == [True] * bool(row.warns)


@pytest.mark.parametrize(("name", "given", "changes", "words"), SKIPPED, ids=str)
def test_what_an_event_does_not_register(name: str, given: dict[str, str], changes: dict[str, Any], words: str) -> None:
    found = outcome(name, given, changes)
    assert isinstance(found, Skipped)
    assert words in found.reason
    assert found.advice


@pytest.mark.parametrize("started_by", [*NAMES_NO_COMMIT, "pull_request", "pull_request_target"])
@pytest.mark.parametrize("given", [COMMIT, {"merge-commit-shas": "abc1234"}], ids=str)
def test_a_run_that_names_no_deployed_commit_is_registered_with_an_explicit_one(
    started_by: str, given: dict[str, str]
) -> None:
    found = outcome("workflow_run_success", given, {"workflow_run.event": started_by})
    assert isinstance(found, Registration), str(found)
    assert found.warnings == ()
    assert found.deployed_at == Sourced("2025-03-04T14:09:47Z", RUN_AT)


@pytest.mark.parametrize("started_by", ["workflow_run", "repository_dispatch", "schedule"])
@pytest.mark.parametrize("given", [COMMIT, {"merge-commit-shas": "abc1234"}, {"attribution": "repository"}], ids=str)
def test_a_chain_whose_commit_is_written_does_not_warn(started_by: str, given: dict[str, str]) -> None:
    found = outcome("workflow_run_success", given, {"workflow_run.event": started_by})
    assert isinstance(found, Registration)
    assert found.warnings == ()


@pytest.mark.parametrize("name", ["workflow_run_success", "repository_dispatch"])
def test_a_step_that_registers_nothing_does_not_warn_of_the_tip(name: str) -> None:
    given = {"operation": "set-pull-services", "pull-number": "7"}
    changes = {"workflow_run.event": "schedule"} if name == "workflow_run_success" else {}
    looked: Any = SimpleNamespace(warnings=())
    found = resolve(inputs({"service": "web"} | given), runtime(name), event(name, changes), NOW, lambda *_: looked)
    assert isinstance(found, Registration)
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("environment", "warns"),
    [("", True), ("production", True), ("prod-eu", True), ("PROD", True), ("staging", False), ("preview", False)],
)
def test_a_push_of_another_branch_warns_if_it_counts_as_production(environment: str, warns: bool) -> None:
    found = outcome("push_feature_branch", {"environment": environment}, {})
    assert isinstance(found, Registration)
    warning = (
        "The pushed branch, gift-cards, is not the default branch, main, and its deployment counts as production. "
        "Set `only-branches` to the branches that are deployed, or `environment` if it is not production."
    )
    assert found.warnings == ((warning,) if warns else ())


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("push_feature_branch", {"repository.default_branch": None}),
        ("push_feature_branch", {"repository.default_branch": "gift-cards"}),
        ("push_tag_annotated", {}),
        ("push_branch", {}),
    ],
    ids=str,
)
def test_a_push_that_is_not_known_to_be_of_another_branch_does_not_warn(name: str, changes: dict[str, Any]) -> None:
    found = outcome(name, {}, changes)
    assert isinstance(found, Registration)
    assert found.warnings == ()

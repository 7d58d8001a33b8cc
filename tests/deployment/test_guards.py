"""`only-branches` and `only-environments` as guards: every event that has a branch or an environment is held to them."""

from typing import Any

import pytest

import events
from builders import NOW, event, inputs, runtime
from dx_action.deployment.registration import Registration, resolve
from dx_action.deployment.trigger import Skipped, Trigger, decide
from dx_action.inputs.values import Sourced

MAIN, COMMIT = {"only-branches": "main"}, {"commit-sha": "abc1234"}
NAMES_NO_COMMIT = (
    *("merge_group", "check_run", "check_suite", "status", "create", "delete", "issues", "issue_comment"),
    *("pull_request_review", "pull_request_review_comment"),
)
FEATURE = {"ref": "refs/heads/feature", "ref_name": "feature", "ref_type": "branch"}
TAG = {"ref": "refs/tags/v1", "ref_name": "v1", "ref_type": "tag"}
NO_REF = {"ref": "", "ref_name": "", "ref_type": "branch"}
# The event, what it says, the runner's variables → the branch that is held to the guard: None if the event has none, "" if it does
# not name it.
BRANCHES: dict[str, tuple[str, dict[str, Any], dict[str, str], str | None]] = {
    "a merged pull request": ("pull_request_merged", {}, {}, "main"),
    "of another base": ("pull_request_merged_other_base", {}, {}, "release/1.x"),
    "pull_request_target": ("pull_request_target_merged", {"pull_request.base.ref": "next"}, FEATURE, "next"),
    "a push": ("push_branch", {}, FEATURE, "main"),
    "a push elsewhere": ("push_feature_branch", {}, {}, "gift-cards"),
    "a push without its ref": ("push_feature_branch", {"ref": None}, FEATURE, "feature"),
    "a pushed tag": ("push_tag_annotated", {}, {}, None),
    "a pushed tag without its ref": ("push_tag_annotated", {"ref": None}, {}, None),
    "a deployment": ("deployment_production", {}, {}, "main"),
    "a deployment elsewhere": ("deployment_production", {}, FEATURE, "feature"),
    "a deployed tag": ("deployment_payload_text", {}, {}, None),
    "a deployed commit": ("deployment_production", {}, NO_REF, None),
    "a deployment's status": ("deployment_status_success", {}, FEATURE, "feature"),
    "a status of a deployed commit": ("deployment_status_no_urls", {}, {}, None),
    "a completed run": ("workflow_run_success", {}, FEATURE, "main"),
    "a completed run elsewhere": ("workflow_run_feature_branch", {}, {}, "gift-cards"),
    "a run of a tag": ("workflow_run_tag", {}, {}, None),
    "a run of a release": ("workflow_run_release", {}, {}, None),
    "a release": ("release_published", {}, FEATURE, None),
    "a release, again": ("release_released", {}, {}, None),
    "a merge group": ("merge_group", {}, {}, "main"),
    "a merge group elsewhere": ("merge_group", {"merge_group.base_ref": "refs/heads/next"}, {}, "next"),
    "a merge group without its base": ("merge_group", {"merge_group.base_ref": None}, {}, ""),
    "a check run": ("check_run", {}, {}, "gift-cards"),
    "a check run without a suite": ("check_run", {"check_run.check_suite": None}, {}, ""),
    "a check suite": ("check_suite", {}, {}, "gift-cards"),
    "a check suite without a branch": ("check_suite", {"check_suite.head_branch": None}, {}, ""),
    "a commit's status": ("status", {}, {}, "gift-cards"),
    "a status in no branch": ("status", {"branches": []}, {}, ""),
    "a created branch": ("create", {}, {}, "gift-cards"),
    "a created tag": ("create", {"ref_type": "tag"}, TAG, None),
    "a deleted branch": ("delete", {}, {}, "cart-total"),
    "a deleted tag": ("delete", {"ref_type": "tag"}, {}, None),
    "a review": ("pull_request_review", {"pull_request.base.ref": "next"}, {}, "next"),
    "a review's comment": ("pull_request_review_comment", {}, {}, "main"),
    "an issue": ("issues", {}, FEATURE, "feature"),
    "a comment": ("issue_comment", {}, {}, "main"),
    "by hand": ("workflow_dispatch", {}, {}, "main"),
    "by hand, elsewhere": ("workflow_dispatch", {}, FEATURE, "feature"),
    "by hand, of a tag": ("workflow_dispatch", {}, TAG, None),
    "by hand, of a tag named as a branch": ("workflow_dispatch", {}, TAG | {"ref_name": "main"}, None),
    "by hand, the name alone": ("workflow_dispatch", {}, {"ref": "", "ref_name": "feature"}, "feature"),
    "by hand, an old server": ("workflow_dispatch", {}, FEATURE | {"ref_name": "", "ref_type": ""}, "feature"),
    "by hand, an old server, a tag": ("workflow_dispatch", {}, TAG | {"ref_name": "", "ref_type": ""}, None),
    "by schedule": ("schedule", {}, FEATURE, "feature"),
    "from outside": ("repository_dispatch", {}, FEATURE, "feature"),
    "any other": ("page_build", {}, FEATURE, "feature"),
    "a pull request's merge": ("page_build", {}, {"ref": "refs/pull/7/merge", "ref_name": "7/merge"}, None),
}
branches = pytest.mark.parametrize(("name", "changes", "run", "branch"), BRANCHES.values(), ids=BRANCHES)


def decided(name: str, given: dict[str, str], changes: dict[str, Any], run: dict[str, str]) -> Trigger | Skipped:
    happened = event(name, changes)
    needs = COMMIT if happened.name in NAMES_NO_COMMIT else {}
    return decide(happened, inputs(needs | given), runtime(name, **run), lambda ref: ref.startswith("v"))


@branches
def test_what_matches_registers(name: str, changes: dict[str, Any], run: dict[str, str], branch: str | None) -> None:
    found = decided(name, {"only-branches": f"no-other, {'**' if branch == '' else branch or 'any'}"}, changes, run)
    assert isinstance(found, Trigger), str(found)
    assert bool(found.notices) is (branch is None)


@branches
def test_what_matches_nothing_is_skipped(
    name: str, changes: dict[str, Any], run: dict[str, str], branch: str | None
) -> None:
    found = decided(name, {"only-branches": "no-other"}, changes, run)
    if branch is None:
        assert isinstance(found, Trigger)
        (notice,) = found.notices
        assert notice == (
            f"`only-branches` has no effect here, because this {event(name).name} event is not about a branch. "
            "To limit it, use `if` in the workflow."
        )
    elif not branch:
        assert isinstance(found, Skipped)
        assert str(found) == (
            'The event\'s branch is not named by this event. Set `only-branches: "**"` to register it anyway.'
        )
        assert isinstance(decided(name, {"only-branches": "**"}, changes, run), Trigger)
    else:
        assert isinstance(found, Skipped)
        assert f", {branch}, does not match `only-branches`." in found.reason
        assert found.advice == "Add it to register its deployments."


def test_every_event_has_its_branch_in_the_table() -> None:
    listed = {events.load(name)[0]["GITHUB_EVENT_NAME"] for name, *_ in BRANCHES.values()}
    assert listed == {events.load(name)[0]["GITHUB_EVENT_NAME"] for name in events.NAMES}


@branches
def test_without_the_guard_no_branch_says_anything(
    name: str, changes: dict[str, Any], run: dict[str, str], branch: str | None
) -> None:
    found = decided(name, {}, changes, run)
    assert isinstance(found, Skipped) or found.notices == ()


def test_one_of_several_branches_is_enough() -> None:
    both = {"branches": [{"name": "feature"}, {"name": "main"}, {"name": None}]}
    assert isinstance(decided("status", MAIN, both, {}), Trigger)
    found = decided("status", {"only-branches": "next"}, both, {})
    assert isinstance(found, Skipped)
    assert "feature, main, does not match" in found.reason


def test_the_reason_says_whose_branch_it_is() -> None:
    said = {
        "push_branch": "The pushed branch, main,",
        "deployment_status_success": "The deployed branch, main,",
        "check_suite": "The event's branch, gift-cards,",
        "workflow_dispatch": "The branch of this run, main,",
        "workflow_run_success": "The workflow run's branch, main,",
        "pull_request_merged": "The pull request's base, main,",
    }
    for name, words in said.items():
        found = decided(name, {"only-branches": "no-other"}, {}, {})
        assert isinstance(found, Skipped)
        assert found.reason == f"{words} does not match `only-branches`."


def test_an_environment_that_does_not_count_comes_before_a_branch_that_does_not() -> None:
    found = decided("deployment_staging", {"only-branches": "no-other"}, {}, {})
    assert isinstance(found, Skipped)
    assert "does not count as production" in found.reason


# --- a fork's pull requests -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["pull_request_review", "pull_request_review_comment"])
@pytest.mark.parametrize("repository", ["Codertocat/shop", None])
def test_a_review_of_a_forks_pull_request_has_no_secrets(name: str, repository: str | None) -> None:
    changes = {"pull_request.head.repo": {"full_name": repository} if repository else None}
    found = decided(name, {"dx-token": ""}, changes, {})
    assert isinstance(found, Skipped)
    assert found.warn
    assert "comes from a fork" in found.reason
    for given in ({}, {"dx-token": "", "dry-run": "true"}):
        assert isinstance(decided(name, given, changes, {}), Trigger)
    own: dict[str, Any]
    for own in ({}, {"pull_request": None}):
        assert isinstance(decided(name, {"dx-token": ""}, own, {}), Trigger)


# --- the environment that is sent -----------------------------------------------------------------------------------

NAMED = {"deployment.environment": "Staging EU"}


@pytest.mark.parametrize(
    ("given", "changes", "expected"),
    [
        ({}, {}, None),
        ({"only-environments": "prod*"}, {}, ("production", "deployment.environment")),
        ({"only-environments": "staging*"}, NAMED, ("Staging EU", "deployment.environment")),
        ({"only-environments": "*"}, NAMED, ("Staging EU", "deployment.environment")),
        ({"only-environments": "staging*", "environment": "stage"}, NAMED, ("stage", "input environment")),
        ({"environment": "stage"}, {}, ("stage", "input environment")),
        ({"only-environments": "*"}, {"deployment.environment": None}, None),
        ({"only-environments": "*"}, {"deployment.environment": ""}, None),
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["deployment_production", "deployment_status_success", "deployment_status_failure"])
def test_who_lists_environments_sends_the_events_own(
    name: str, given: dict[str, str], changes: dict[str, Any], expected: tuple[str, str] | None
) -> None:
    found = resolve(inputs(given), runtime(name), event(name, changes), NOW)
    assert isinstance(found, Registration), str(found)
    assert found.environment == (Sourced(*expected) if expected else None)


@pytest.mark.parametrize("name", ["push_branch", "release_published", "workflow_run_success", "schedule"])
def test_an_event_without_an_environment_sends_none(name: str) -> None:
    found = resolve(inputs(only_environments="*"), runtime(name), event(name), NOW)
    assert isinstance(found, Registration)
    assert found.environment is None

"""Owns which events are a deployment, and what each says of it: one function a row of the README's event table. Pure."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from dx_action.errors import BadEvent, InvalidValue
from dx_action.inputs import filters as globs
from dx_action.inputs.filters import counts
from dx_action.inputs.model import Inputs
from dx_action.inputs.times import parse_time
from dx_action.inputs.values import Sourced, is_url, services_in_payload
from dx_action.runner.event import (
    Deployment,
    DeploymentEvent,
    DeploymentStatus,
    DeploymentStatusEvent,
    Event,
    PullRequest,
    PullRequestEvent,
    PushEvent,
    ReleaseEvent,
    WorkflowRunEvent,
)
from dx_action.runner.runtime import Runtime
from dx_action.services.service import Service


@dataclass(frozen=True, slots=True)
class Skipped:
    """Why nothing is registered, and what to change where it should be."""

    reason: str
    advice: str = ""
    warn: bool = False

    def __str__(self) -> str:
        return f"{self.reason} {self.advice}".strip()


@dataclass(frozen=True, slots=True)
class Trigger:
    """What an event says of a deployment.

    `identity` names the event itself, so that handling it again finds what is held already; empty, the deployment is this
    job's own. `per_job`: several jobs and matrix legs may deploy for one such event. `overridable`: inputs given by hand
    may make another deployment of the same event.
    """

    commit: Sourced[str] | None
    identity: tuple[str, ...] = ()
    per_job: bool = False
    overridable: bool = True
    deployed_at: Sourced[datetime] | None = None
    success: Sourced[bool] | None = None
    page: Sourced[str] | None = None
    pull: PullRequest | None = None
    services: Sourced[tuple[Service, ...]] | None = None
    warnings: tuple[str, ...] = ()


def page(url: str | None, source: str) -> Sourced[str] | None:
    """Give the page and its source, or None where there is none that a browser would open."""
    return Sourced(url, source) if url and is_url(url) else None


_TAG = re.compile(r"v?\d+\.\d+\.\d+([-+].*)?")
# A name → whether it is a tag, or None where that cannot be known.
IsTag = Callable[[str], bool | None]
_NAMES_NO_DEPLOYED_COMMIT = {
    *("merge_group", "check_run", "check_suite", "status", "create", "delete", "issues", "issue_comment"),
    *("pull_request_review", "pull_request_review_comment"),
}


def decide(event: Event, inputs: Inputs, runtime: Runtime, is_tag: IsTag | None = None) -> Trigger | Skipped:
    """Say what the event means. `is_tag` looks a name up, where a payload does not say what it names.

    Raises BadEvent where a payload lacks what only it can tell.
    """
    if inputs.success == "skip":
        return Skipped(
            "`success` says that the deployment was cancelled or skipped.", "Only `true` and `false` register one."
        )
    told = inputs.operation == "set-pull-services" and (inputs.pull_number or inputs.pull_id)
    if event.name in _NAMES_NO_DEPLOYED_COMMIT and not (inputs.commit_sha or inputs.merge_commit_shas or told):
        return Skipped(
            f"The event `{event.name}` does not say which commit was deployed.",
            "Give `commit-sha` where this step follows a deployment.",
        )
    page_of_all = f"{runtime.server_url}/{_own(event, runtime)}/deployments"
    match event:
        case PullRequestEvent():
            return _pull_request(event, inputs)
        case PushEvent():
            return _push(event, inputs, runtime)
        case DeploymentStatusEvent():
            return status_reported(event.deployment, event.deployment_status, inputs.only_environments, page_of_all)
        case DeploymentEvent():
            return deployed(event.deployment, inputs.only_environments, page_of_all)
        case WorkflowRunEvent():
            return _workflow_run(event, inputs, is_tag)
        case ReleaseEvent():
            return _release(event, runtime)
    warnings: tuple[str, ...] = ()
    named = inputs.commit_sha or inputs.merge_commit_shas or inputs.attribution == "repository"
    if event.name == "repository_dispatch" and not named:
        warnings = (
            "A `repository_dispatch` event names no commit, so the default branch's tip was taken. Give `commit-sha`.",
        )
    return Trigger(_sha(runtime), warnings=warnings)


def _pull_request(event: PullRequestEvent, inputs: Inputs) -> Trigger | Skipped:
    pull = event.pull_request
    base = (pull.base and pull.base.ref) or ""
    if event.action != "closed" or not pull.merged:
        return Skipped(
            "The pull request was not merged by this event.",
            "Have it run `if: github.event.pull_request.merged`.",
        )
    if skipped := _other_branch("The pull request's base", base, event, inputs):
        return skipped
    if inputs.dx_token is None and event.name == "pull_request" and _from_fork(event) and not inputs.dry_run:
        return Skipped(
            "The pull request came from a fork, and GitHub gives such a run no secrets, so there is no `dx-token`.",
            "Trigger the workflow by `push` to the base branch, or by `pull_request_target`.",
            warn=True,
        )
    return Trigger(
        Sourced(pull.merge_commit_sha, "pull_request.merge_commit_sha") if pull.merge_commit_sha else None,
        identity=("pull", str(pull.id)),
        per_job=True,
        page=page(pull.html_url, "pull_request.html_url"),
        pull=pull,
    )


def _push(event: PushEvent, inputs: Inputs, runtime: Runtime) -> Trigger | Skipped:
    ref = event.ref or runtime.ref
    if event.deleted:
        return Skipped(
            "The push deleted its branch or tag.", "Run the workflow with `if: ${{ !github.event.deleted }}`."
        )
    filtered = inputs.only_branches and not ref.startswith("refs/tags/")
    if filtered and (skipped := _other_branch("The pushed branch", ref.removeprefix("refs/heads/"), event, inputs)):
        return skipped
    commit = Sourced(event.head_commit.id, "push.head_commit.id") if event.head_commit else _sha(runtime)
    return Trigger(commit)


def _workflow_run(event: WorkflowRunEvent, inputs: Inputs, is_tag: IsTag | None) -> Trigger | Skipped:
    run = event.workflow_run
    started_by = run.event or ""
    if event.action != "completed":
        return Skipped("The workflow run has not completed.", "Run this workflow for `types: [completed]`.")
    if run.conclusion != "success" and inputs.success is None:
        return Skipped(
            "The workflow run did not succeed, which mostly means a red test and no deployment.",
            "Set `success` where a failed run is a failed deployment.",
        )
    if started_by.startswith("pull_request") or started_by == "merge_group":
        return Skipped(
            "The workflow run tested a pull request or a merge group, and deployed nothing.",
            "Narrow `on.workflow_run` by `branches`.",
        )
    own, head = (repository and repository.full_name for repository in (event.repository, run.head_repository))
    if not own or not head or own.casefold() != head.casefold():
        return Skipped(
            "The workflow run's code came from another repository.",
            "Register it by a `push` of this repository instead.",
        )
    name = run.head_branch or ""
    by_tag = started_by == "release" or name.startswith("refs/tags/")
    skipped = None if by_tag else _other_branch("The workflow run's branch", name, event, inputs)
    if skipped and not (name and _names_a_tag(name, is_tag)):
        return skipped
    try:
        updated_at = parse_time(run.updated_at)
    except InvalidValue:
        raise BadEvent.of("workflow_run.updated_at", "is not a time that can be read.") from None
    return Trigger(
        Sourced(run.head_sha, "workflow_run.head_sha"),
        identity=("workflow_run", str(run.id), str(run.run_attempt or 1)),
        deployed_at=Sourced(updated_at, "workflow_run.updated_at"),
        page=page(run.html_url, "workflow_run.html_url"),
    )


def _names_a_tag(name: str, is_tag: IsTag | None) -> bool:
    """Tell a tag from a branch. GitHub says so when asked; where it cannot be, a name like v1.2.3 is taken for a tag."""
    known = is_tag(name) if is_tag else None
    return _TAG.fullmatch(name) is not None if known is None else known


def _release(event: ReleaseEvent, runtime: Runtime) -> Trigger | Skipped:
    release = event.release
    if event.action not in ("published", "released"):
        return Skipped(
            "The release was neither published nor released by this event.", "Run the workflow for `types: [released]`."
        )
    if release.draft or release.prerelease:
        return Skipped(
            "A draft or a prerelease is not a deployment to production.", "Run the workflow for `types: [released]`."
        )
    return Trigger(
        _sha(runtime),
        identity=("release", str(release.id)),
        per_job=True,
        page=page(release.html_url, "release.html_url"),
    )


def _other_branch(what: str, branch: str, event: Event, inputs: Inputs) -> Skipped | None:
    """Skip what is on no branch of `only-branches`, or without it not on the default branch."""
    if globs.matches_branch(inputs.only_branches, branch):
        return None
    if not branch:
        advice = 'Write `only-branches: "**"` to register it all the same.'
        return Skipped(f"{what} is not named by this event.", advice)
    if inputs.only_branches:
        return Skipped(f"{what}, {branch}, is not one of `only-branches`.", "Add it to register its deployments.")
    default = event.repository and event.repository.default_branch
    if not default:
        raise BadEvent.of(event.name, "events name the default branch, and this one does not. Set `only-branches`.")
    if branch == default:
        return None
    return Skipped(f"{what}, {branch}, is not the default branch, {default}.", "Set `only-branches` to register it.")


def _from_fork(event: PullRequestEvent) -> bool:
    head, own = event.pull_request.head, event.repository
    full_name = head and head.repo and head.repo.full_name
    return not full_name or not own or full_name.casefold() != (own.full_name or "").casefold()


def _own(event: Event, runtime: Runtime) -> str:
    return (event.repository and event.repository.full_name) or runtime.repository


def _sha(runtime: Runtime) -> Sourced[str] | None:
    return Sourced(runtime.sha, "GITHUB_SHA") if runtime.sha else None


_FINAL = ("success", "failure", "error")


def deployed(deployment: Deployment, only_environments: tuple[str, ...], deployments_page: str) -> Trigger | Skipped:
    """Say what a deployment means. Its identity is its id, whatever inputs say: the history tells no more."""
    if not counts(deployment, only_environments):
        return Skipped(
            f"The deployment's environment, {deployment.environment or '(none)'}, does not count as production.",
            "Set `only-environments` to register its deployments.",
        )
    services, warnings = _services(deployment)
    return Trigger(
        Sourced(deployment.sha, "deployment.sha"),
        identity=("deployment", str(deployment.id)),
        overridable=False,
        page=page(deployments_page, "the repository's deployments"),
        services=services,
        warnings=warnings,
    )


def status_reported(
    deployment: Deployment, status: DeploymentStatus, only_environments: tuple[str, ...], deployments_page: str
) -> Trigger | Skipped:
    """Say what a deployment's status means. Raises BadEvent where its time cannot be read."""
    if status.state not in _FINAL:
        return Skipped(
            f"The deployment status is {status.state}, which is not a final one.",
            "Deployments are registered at `success`, `failure` or `error`.",
        )
    trigger = deployed(deployment, only_environments, deployments_page)
    if isinstance(trigger, Skipped):
        return trigger
    try:
        created_at = parse_time(status.created_at)
    except InvalidValue:
        raise BadEvent.of("deployment_status.created_at", "is not a time that can be read.") from None
    return replace(
        trigger,
        deployed_at=Sourced(created_at, "deployment_status.created_at"),
        success=Sourced(status.state == "success", "deployment_status.state"),
        page=page(status.log_url, "deployment_status.log_url")
        or page(status.target_url, "deployment_status.target_url")
        or trigger.page,
    )


def _services(deployment: Deployment) -> tuple[Sourced[tuple[Service, ...]] | None, tuple[str, ...]]:
    try:
        services = services_in_payload(deployment.payload)
    except InvalidValue as wrong:
        return None, (f"The deployment's `payload.service` {wrong} It was passed over; give `service`.",)
    return (Sourced(services, "deployment.payload.service"), ()) if services else (None, ())

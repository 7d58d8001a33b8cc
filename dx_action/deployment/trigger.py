"""What an event says of a deployment: one function per row of the event table in docs/events.md. Pure."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from dx_action.errors import BadEvent, InvalidValue
from dx_action.inputs.filters import counts, matches_branch
from dx_action.inputs.model import Inputs
from dx_action.inputs.times import parse_time
from dx_action.inputs.values import Sourced, is_url, services_in_payload, sourced
from dx_action.runner.event import (
    DeploymentEvent,
    DeploymentStatusEvent,
    Event,
    PullRequestEvent,
    PushEvent,
    ReleaseEvent,
    Repository,
    WorkflowRunEvent,
)
from dx_action.runner.runtime import Runtime
from dx_action.services.service import Service

# Skipped without an explicit commit. An event that is neither here nor matched by `decide` is registered at GITHUB_SHA.
_NAMES_NO_DEPLOYED_COMMIT = {
    *("merge_group", "check_run", "check_suite", "status", "create", "delete", "issues", "issue_comment"),
    *("pull_request_review", "pull_request_review_comment"),
}
# A name → whether it is a tag, or None if that cannot be looked up.
IsTag = Callable[[str], bool | None]


@dataclass(frozen=True, slots=True)
class Skipped:
    """Why nothing is registered, and what to change if it should be."""

    reason: str
    advice: str = ""
    warn: bool = False

    def __str__(self) -> str:
        return f"{self.reason} {self.advice}".strip()


@dataclass(frozen=True, slots=True)
class Trigger:
    """What an event says of a deployment.

    `identity` names the event itself, so that handling it again makes the same reference ids; without it, they are this
    job's own. `per_job`: several jobs and matrix legs may deploy for one such event. `overridable`: inputs may make another
    deployment of the same event.
    """

    commit: Sourced[str] | None
    identity: tuple[str, ...] = ()
    per_job: bool = False
    overridable: bool = True
    deployed_at: Sourced[datetime] | None = None
    success: Sourced[bool] | None = None
    page: Sourced[str] | None = None
    services: Sourced[tuple[Service, ...]] | None = None
    warnings: tuple[str, ...] = ()


def decide(event: Event, inputs: Inputs, runtime: Runtime, is_tag: IsTag | None = None) -> Trigger | Skipped:
    """Decide what the event means. `is_tag` looks up what the payload of a `workflow_run` leaves open.

    Raises BadEvent if the payload lacks a value that nothing else has.
    """
    if inputs.success == "skip":
        return Skipped(
            "`success` says that the deployment was cancelled or skipped.", "Only a success or a failure is registered."
        )
    names_pull = inputs.operation == "set-pull-services" and (inputs.pull_number or inputs.pull_id)
    named = inputs.commit_sha or inputs.merge_commit_shas or names_pull
    if event.name in _NAMES_NO_DEPLOYED_COMMIT and not named:
        return Skipped(
            f"The event `{event.name}` does not say which commit was deployed.",
            "Set `commit-sha` if this step follows a deployment.",
        )
    match event:
        case PullRequestEvent():
            return _pull_request(event, inputs)
        case PushEvent():
            return _push(event, inputs, runtime)
        case DeploymentStatusEvent():
            return _deployment_status(event, inputs, runtime)
        case DeploymentEvent():
            return _deployment(event, inputs, runtime)
        case WorkflowRunEvent():
            return _workflow_run(event, inputs, is_tag)
        case ReleaseEvent():
            return _release(event, runtime)
    return _other(event, inputs, runtime)


def _pull_request(event: PullRequestEvent, inputs: Inputs) -> Trigger | Skipped:
    pull = event.pull_request
    if event.action != "closed" or not pull.merged:
        return Skipped(
            "The pull request was not merged by this event.",
            "Run the job with `if: github.event.pull_request.merged`.",
        )
    if skipped := _skip_branch("The pull request's base", pull.base.ref if pull.base else None, event, inputs):
        return skipped
    own = _same(pull.head.repo if pull.head else None, event.repository)
    if inputs.dx_token is None and event.name == "pull_request" and not own and not inputs.dry_run:
        return Skipped(
            "The pull request comes from a fork, so GitHub passes no secrets to this run and `dx-token` is empty.",
            "Run the workflow on `push` to the base branch, or on `pull_request_target`.",
            warn=True,
        )
    return Trigger(
        sourced(pull.merge_commit_sha, "pull_request.merge_commit_sha"),
        identity=("pull", str(pull.id)),
        per_job=True,
        page=_page(pull.html_url, "pull_request.html_url"),
    )


def _push(event: PushEvent, inputs: Inputs, runtime: Runtime) -> Trigger | Skipped:
    ref = event.ref or runtime.ref
    if event.deleted:
        return Skipped(
            "The push deleted its branch or tag.", "Run the workflow with `if: ${{ !github.event.deleted }}`."
        )
    filtered = inputs.only_branches and not ref.startswith("refs/tags/")
    if filtered and (skipped := _skip_branch("The pushed branch", ref.removeprefix("refs/heads/"), event, inputs)):
        return skipped
    head = sourced(event.head_commit.id if event.head_commit else "", "push.head_commit.id")
    return Trigger(head or sourced(runtime.sha, "GITHUB_SHA"))


def _deployment(event: DeploymentEvent, inputs: Inputs, runtime: Runtime) -> Trigger | Skipped:
    deployment, repository = event.deployment, f"{runtime.server_url}/{own_repository(event, runtime).value}"
    if not counts(deployment, inputs.only_environments):
        return Skipped(
            f"The deployment's environment, {deployment.environment or '(none)'}, does not count as production.",
            "Set `only-environments` to register its deployments.",
        )
    warnings: tuple[str, ...] = ()
    try:
        services = sourced(services_in_payload(deployment.payload), "deployment.payload.service")
    except InvalidValue as error:
        services = None
        warnings = (f"The deployment's `payload.service` {error} It was ignored. Set `service` instead.",)
    return Trigger(
        Sourced(deployment.sha, "deployment.sha"),
        identity=("deployment", str(deployment.id)),
        overridable=False,  # a backfill has nothing but the deployment to make the same id from
        page=_page(f"{repository}/deployments", "the repository's deployments"),
        services=services,
        warnings=warnings,
    )


def _deployment_status(event: DeploymentStatusEvent, inputs: Inputs, runtime: Runtime) -> Trigger | Skipped:
    status = event.deployment_status
    if status.state not in ("success", "failure", "error"):
        return Skipped(
            f"The deployment status is {status.state}, which is not final.",
            "Deployments are registered at `success`, `failure` or `error`.",
        )
    trigger = _deployment(event, inputs, runtime)
    if isinstance(trigger, Skipped):
        return trigger
    return replace(
        trigger,
        deployed_at=_time(status.created_at, "deployment_status.created_at"),
        success=Sourced(status.state == "success", "deployment_status.state"),
        page=_page(status.log_url, "deployment_status.log_url")
        or _page(status.target_url, "deployment_status.target_url")
        or trigger.page,
    )


def _workflow_run(event: WorkflowRunEvent, inputs: Inputs, is_tag: IsTag | None) -> Trigger | Skipped:
    run = event.workflow_run
    started_by = run.event or ""
    if event.action != "completed":
        return Skipped("The workflow run has not completed.", "Run this workflow for `types: [completed]`.")
    if run.conclusion != "success" and inputs.success is None:
        return Skipped(
            "The workflow run did not succeed, which usually means a failed test and no deployment.",
            "Set `success` if a failed run is a failed deployment.",
        )
    if started_by.startswith("pull_request") or started_by == "merge_group":
        return Skipped(
            "The workflow run tested a pull request or a merge group, and deployed nothing.",
            "Limit `on.workflow_run` with `branches`.",
        )
    if not _same(run.head_repository, event.repository):
        return Skipped(
            "The workflow run's code comes from another repository.",
            "Run the workflow on `push` in this repository instead.",
        )
    name = run.head_branch or ""
    by_tag = started_by == "release" or name.startswith("refs/tags/")
    skipped = None if by_tag else _skip_branch("The workflow run's branch", name, event, inputs)
    if skipped and not (name and _is_tag(name, is_tag)):
        return skipped
    return Trigger(
        Sourced(run.head_sha, "workflow_run.head_sha"),
        identity=("workflow_run", str(run.id), str(run.run_attempt or 1)),
        deployed_at=_time(run.updated_at, "workflow_run.updated_at"),
        page=_page(run.html_url, "workflow_run.html_url"),
    )


def _is_tag(name: str, is_tag: IsTag | None) -> bool:
    """Without an answer, a name like v1.2.3 counts as a tag."""
    known = is_tag(name) if is_tag else None
    return bool(re.fullmatch(r"v?\d+\.\d+\.\d+([-+].*)?", name)) if known is None else known


def _release(event: ReleaseEvent, runtime: Runtime) -> Trigger | Skipped:
    release = event.release
    advice = "Run the workflow for `types: [released]`."
    if event.action not in ("published", "released"):
        return Skipped("The release was neither published nor released by this event.", advice)
    if release.draft or release.prerelease:
        return Skipped("A draft or a prerelease is not a deployment to production.", advice)
    return Trigger(
        sourced(runtime.sha, "GITHUB_SHA"),
        identity=("release", str(release.id)),
        per_job=True,
        page=_page(release.html_url, "release.html_url"),
    )


def _other(event: Event, inputs: Inputs, runtime: Runtime) -> Trigger:
    warning = (
        "A `repository_dispatch` event names no commit, so the tip of the default branch is used. Set `commit-sha`."
    )
    taken = event.name == "repository_dispatch" and not inputs.names_commits
    return Trigger(sourced(runtime.sha, "GITHUB_SHA"), warnings=(warning,) if taken else ())


def _skip_branch(what: str, branch: str | None, event: Event, inputs: Inputs) -> Skipped | None:
    """Skip a branch that `only-branches` does not name; without that input, any but the default branch."""
    if matches_branch(inputs.only_branches, branch or ""):
        return None
    if not branch:
        return Skipped(f"{what} is not named by this event.", 'Set `only-branches: "**"` to register it anyway.')
    if inputs.only_branches:
        return Skipped(f"{what}, {branch}, does not match `only-branches`.", "Add it to register its deployments.")
    default = event.repository and event.repository.default_branch
    if not default:
        raise BadEvent.of(event.name, "events name the default branch, and this one does not. Set `only-branches`.")
    if branch == default:
        return None
    return Skipped(f"{what}, {branch}, is not the default branch, {default}.", "Set `only-branches` to register it.")


def _same(head: Repository | None, own: Repository | None) -> bool:
    """Whether both are named, and alike. A deleted fork has no name."""
    one, other = ((repository and repository.full_name) or "" for repository in (head, own))
    return one.casefold() == other.casefold() != ""


def own_repository(event: Event, runtime: Runtime) -> Sourced[str]:
    """Return the event's own repository; its name may be empty."""
    name = event.repository.full_name if event.repository else ""
    return sourced(name, "repository.full_name") or Sourced(runtime.repository, "GITHUB_REPOSITORY")


def _time(text: str, name: str) -> Sourced[datetime]:
    try:
        return Sourced(parse_time(text), name)
    except InvalidValue:
        raise BadEvent.of(name, "is not a time that can be read.") from None


def _page(url: str | None, source: str) -> Sourced[str] | None:
    """A page that no browser would open is none."""
    return Sourced(url, source) if url and is_url(url) else None

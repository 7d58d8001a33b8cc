"""What an event says of a deployment: one function per row of the event table in docs/events.md. Pure."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from dx_action.errors import BadEvent, InvalidValue
from dx_action.inputs.filters import counts, is_production, matches_branch
from dx_action.inputs.model import Inputs
from dx_action.inputs.times import parse_time
from dx_action.inputs.values import Sourced, is_url, services_in_payload, sourced
from dx_action.runner.event import (
    Branch,
    BranchEvent,
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
from dx_action.text import join_names

# Skipped without an explicit commit. An event that is neither here nor matched by `decide` is registered at GITHUB_SHA.
_NAMES_NO_DEPLOYED_COMMIT = {
    *("merge_group", "check_run", "check_suite", "status", "create", "delete", "issues", "issue_comment"),
    *("pull_request_review", "pull_request_review_comment"),
}
# A run that one of these started ran at the tip of its branch, which need not be what it deployed.
_RUN_AT_THE_TIP = {"workflow_run", "repository_dispatch", "schedule"}
_IF_TAG = "If it is a tag, grant the job `contents: read`, so that this can be looked up."
# A name → whether it is a tag, or None if that cannot be looked up.
IsTag = Callable[[str], bool | None]


class Skipped(NamedTuple):
    """Why nothing is registered, and what to change if it should be."""

    reason: str
    advice: str = ""
    warn: bool = False

    def __str__(self) -> str:
        return f"{self.reason} {self.advice}".strip()


class Trigger(NamedTuple):
    """What an event says of a deployment.

    `identity` names the event itself, so that handling it again makes the same reference ids; without it, they are this
    job's own. `per_job`: several jobs and matrix legs may deploy for one such event. `environment` is what the event names, and
    is sent only if `only-environments` is set.
    """

    commit: Sourced[str] | None
    identity: tuple[str, ...] = ()
    per_job: bool = False
    deployed_at: Sourced[datetime] | None = None
    success: Sourced[bool] | None = None
    page: Sourced[str] | None = None
    services: Sourced[tuple[Service, ...]] | None = None
    environment: Sourced[str] | None = None
    notices: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def decide(event: Event, inputs: Inputs, runtime: Runtime, is_tag: IsTag | None = None) -> Trigger | Skipped:
    """Decide what the event means. `is_tag` looks up what the payload of a `workflow_run` leaves open.

    Raises BadEvent if the payload lacks a value that nothing else has.
    """
    if inputs.success == "skip":
        return Skipped(
            "`success` says that the deployment was cancelled or skipped.", "Only a success or a failure is registered."
        )
    if event.name in _NAMES_NO_DEPLOYED_COMMIT and not _names_deployment(inputs):
        return Skipped(
            f"The event `{event.name}` does not say which commit was deployed.",
            "Set `commit-sha` if this step follows a deployment.",
        )
    match event:
        case PullRequestEvent():
            return _pull_request(event, inputs)
        case WorkflowRunEvent():
            return _workflow_run(event, inputs, is_tag)
        case PushEvent():
            trigger = _push(event, inputs, runtime)
        case DeploymentStatusEvent():
            trigger = _deployment_status(event, inputs, runtime)
        case DeploymentEvent():
            trigger = _deployment(event, inputs, runtime)
        case ReleaseEvent():
            trigger = _release(event, runtime)
        case _:
            trigger = _other(event, inputs, runtime)
    return trigger if isinstance(trigger, Skipped) else _guarded(trigger, event, inputs, runtime)


def _names_deployment(inputs: Inputs) -> bool:
    """Whether inputs say what was deployed, or whose services are set, so that the event need not."""
    names_pull = inputs.operation == "set-pull-services" and (inputs.pull_number or inputs.pull_id)
    return bool(inputs.commit_sha or inputs.merge_commit_shas or names_pull)


def _guarded(trigger: Trigger, event: Event, inputs: Inputs, runtime: Runtime) -> Trigger | Skipped:
    """Hold an event to `only-branches` if it is about a branch."""
    if not inputs.only_branches:
        return trigger
    what, branches = _branches(event, runtime)
    if not branches:
        return _without_branch(trigger, event)
    if any(matches_branch(inputs.only_branches, branch) for branch in branches):
        return trigger
    return _unmatched(what, join_names([*filter(None, branches)]))


def _branches(event: Event, runtime: Runtime) -> tuple[str, tuple[str, ...]]:
    """Return what the event's branches are called in a message, and their names: none for a tag, a commit or a release.

    A name is empty if the event is about a branch that it does not name.
    """
    match event:
        case PushEvent(ref=str(ref)) if ref:
            return "The pushed branch", (ref.removeprefix("refs/heads/"),) if ref.startswith("refs/heads/") else ()
        case PushEvent():
            return "The pushed branch", tuple(filter(None, [runtime.branch]))
        case DeploymentEvent():
            return "The deployed branch", tuple(filter(None, [runtime.branch]))
        case ReleaseEvent() | BranchEvent(ref_type="tag"):
            return "", ()
        case BranchEvent():
            return "The event's branch", event.named or ("",)
    return "The branch of this run", tuple(filter(None, [runtime.branch]))


def _without_branch(trigger: Trigger, event: Event) -> Trigger:
    cure = " To limit it, use `if` in the workflow." if event.name else ""
    notice = f"`only-branches` has no effect here, because {event.called} is not about a branch.{cure}"
    return trigger._replace(notices=(*trigger.notices, notice))


def _pull_request(event: PullRequestEvent, inputs: Inputs) -> Trigger | Skipped:
    pull = event.pull_request
    if event.action != "closed" or not pull.merged:
        return Skipped(
            "The pull request was not merged by this event.",
            "Run the job with `if: github.event.pull_request.merged`.",
        )
    if skipped := _skip_branch("The pull request's base", pull.base.ref if pull.base else None, event, inputs):
        return skipped
    if event.name == "pull_request" and (skipped := _skip_fork(pull.head, event, inputs)):
        return skipped
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
    head = sourced(event.head_commit.id if event.head_commit else "", "push.head_commit.id")
    branch, default = ref.removeprefix("refs/heads/"), event.repository and event.repository.default_branch
    warnings: tuple[str, ...] = ()
    other = ref.startswith("refs/heads/") and default and branch != default and not inputs.only_branches
    if other and inputs.deploys and is_production(inputs.environment or "production"):
        warning = (
            f"The pushed branch, {branch}, is not the default branch, {default}, and its deployment counts as production. "
            "Set `only-branches` to the branches that are deployed, or `environment` if it is not production."
        )
        warnings = (warning,)
    return Trigger(head or sourced(runtime.sha, "GITHUB_SHA"), warnings=warnings)


def _deployment(event: DeploymentEvent, inputs: Inputs, runtime: Runtime) -> Trigger | Skipped:
    deployment, repository = event.deployment, f"{runtime.server_url}/{own_repository(event, runtime).value}"
    if not counts(deployment, inputs.only_environments):
        which = f"The deployment's environment, {deployment.environment or '(none)'},"
        if inputs.only_environments:
            return Skipped(f"{which} does not match `only-environments`.", "Add it there to register its deployments.")
        return Skipped(f"{which} does not count as production.", "Set `only-environments` to register its deployments.")
    warnings: tuple[str, ...] = ()
    try:
        services = sourced(services_in_payload(deployment.payload), "deployment.payload.service")
    except InvalidValue as error:
        services = None
        warnings = (f"The deployment's `payload.service` {error} It was ignored. Set `service` instead.",)
    return Trigger(
        Sourced(deployment.sha, "deployment.sha"),
        identity=("deployment", str(deployment.id)),
        page=_page(f"{repository}/deployments", "the repository's deployments"),
        services=services,
        environment=sourced(deployment.environment, "deployment.environment"),
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
    return trigger._replace(
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
    tested = started_by.startswith("pull_request") or started_by == "merge_group"
    if (tested or started_by in _NAMES_NO_DEPLOYED_COMMIT) and not _names_deployment(inputs):
        return _skip_run(started_by, tested=tested)
    if not _same(run.head_repository, event.repository):
        return Skipped(
            "The workflow run's code comes from another repository.",
            "Run the workflow on `push` in this repository instead.",
        )
    name, by_tag = run.head_branch or "", _is_started_by_tag(event)
    skipped = None if by_tag else _skip_branch("The workflow run's branch", name, event, inputs)
    if skipped and (no_tag := _unless_tag(skipped, name, is_tag)):
        return no_tag
    warnings: tuple[str, ...] = ()
    if started_by in _RUN_AT_THE_TIP and inputs.deploys and not inputs.names_commits:
        warning = (
            f"The workflow run was started by `{started_by}` and ran at the tip of its branch, which may not be what was "
            "deployed. Set `commit-sha` to the deployed commit."
        )
        warnings = (warning,)
    trigger = Trigger(
        Sourced(run.head_sha, "workflow_run.head_sha"),
        identity=("workflow_run", str(run.id), str(run.run_attempt or 1)),
        per_job=True,
        deployed_at=_time(run.updated_at, "workflow_run.updated_at"),
        page=_page(run.html_url, "workflow_run.html_url"),
        warnings=warnings,
    )
    return _without_branch(trigger, event) if inputs.only_branches and (by_tag or skipped) else trigger


def _skip_run(started_by: str, *, tested: bool) -> Skipped:
    if tested:
        return Skipped(
            "The workflow run tested a pull request or a merge group, and deployed nothing.",
            "Limit `on.workflow_run` with `branches`, or set `commit-sha` if it did deploy.",
        )
    return Skipped(
        f"The workflow run was started by `{started_by}`, which does not say which commit was deployed.",
        "Set `commit-sha` if it deployed one.",
    )


def may_be_tag(event: WorkflowRunEvent, inputs: Inputs) -> bool:
    """Whether only a look-up says if a tag started the run, because its name is that of no branch that counts."""
    name = event.workflow_run.head_branch or ""
    default = event.repository.default_branch if event.repository else None
    counting = inputs.only_branches or tuple(filter(None, [default]))
    return name != "" and not _is_started_by_tag(event) and not matches_branch(counting, name)


def _is_started_by_tag(event: WorkflowRunEvent) -> bool:
    """Whether the event itself says that a tag started the run."""
    run = event.workflow_run
    return run.event == "release" or (run.head_branch or "").startswith("refs/tags/")


def _unless_tag(skipped: Skipped, name: str, is_tag: IsTag | None) -> Skipped | None:
    """Return why a run is skipped; None if its name is a tag's. Without an answer, one like v1.2.3 is taken for a tag's."""
    known = is_tag(name) if name and is_tag else None
    if known is not None or not name:
        return None if known else skipped
    tag = re.fullmatch(r"v?\d+\.\d+\.\d+([-+].*)?", name)
    return None if tag else skipped._replace(advice=f"{skipped.advice} {_IF_TAG}")


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


def _other(event: Event, inputs: Inputs, runtime: Runtime) -> Trigger | Skipped:
    reviewed = event.pull_request if isinstance(event, BranchEvent) else None
    if reviewed and (skipped := _skip_fork(reviewed.head, event, inputs)):
        return skipped
    warning = (
        "A `repository_dispatch` event names no commit, so the tip of the default branch is used. Set `commit-sha`."
    )
    taken = event.name == "repository_dispatch" and inputs.deploys and not inputs.names_commits
    return Trigger(sourced(runtime.sha, "GITHUB_SHA"), warnings=(warning,) if taken else ())


def _skip_branch(what: str, branch: str | None, event: Event, inputs: Inputs) -> Skipped | None:
    """Skip a branch that `only-branches` does not name; without that input, any but the default branch."""
    if matches_branch(inputs.only_branches, branch or ""):
        return None
    if not branch or inputs.only_branches:
        return _unmatched(what, branch)
    default = event.repository and event.repository.default_branch
    if not default:
        raise BadEvent.of(event.name, "events name the default branch, and this one does not. Set `only-branches`.")
    if branch == default:
        return None
    return Skipped(f"{what}, {branch}, is not the default branch, {default}.", "Set `only-branches` to register it.")


def _unmatched(what: str, branch: str | None) -> Skipped:
    if not branch:
        return Skipped(f"{what} is not named by this event.", 'Set `only-branches: "**"` to register it anyway.')
    return Skipped(f"{what}, {branch}, does not match `only-branches`.", "Add it to register its deployments.")


def _skip_fork(head: Branch | None, event: Event, inputs: Inputs) -> Skipped | None:
    """Skip a pull request of a fork, to whose runs GitHub passes no secrets."""
    if inputs.dx_token or inputs.dry_run or _same(head.repo if head else None, event.repository):
        return None
    return Skipped(
        "The pull request comes from a fork, so GitHub passes no secrets to this run and `dx-token` is empty.",
        "Run the workflow on `push` to the base branch, or on `pull_request_target`.",
        warn=True,
    )


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

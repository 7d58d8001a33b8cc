"""The event that started the run: its file, read into partial models with only the fields that this action reads.

Whatever GitHub may leave null may be null here. What an event means for a deployment is decided in `deployment.trigger`.
"""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from dx_action.errors import BadEvent
from dx_action.runner.workspace import MEBIBYTE, read_regular
from dx_action.text import DEEPEST, TooDeepError, parse_json

# GitHub's payloads end at 25 MB.
_LARGEST = 32 * MEBIBYTE
_NO_FILE = (
    "names a file that does not exist. A Kubernetes runner without a volume provides it only after another step: "
    "add one before this one, such as actions/checkout."
)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _encodable(cls, data: Any) -> Any:
        """JSON may escape half a character, which no request can carry. A URL with one is dropped when it is used."""
        if not isinstance(data, dict):
            return data
        texts = {name: text for name, text in data.items() if isinstance(text, str) and not text.isascii()}
        return data | {
            name: text.encode(errors="replace").decode() for name, text in texts.items() if not name.endswith("_url")
        }


class Repository(_Model):
    full_name: str | None = None
    default_branch: str | None = None


class Branch(_Model):
    """A pull request's `base` or `head`. `repo` is null if a fork was deleted."""

    ref: str | None = None
    sha: str | None = None
    repo: Repository | None = None


class User(_Model):
    login: str | None = None


class PullRequest(_Model):
    """A pull request. `merge_commit_sha` is the commit on the base branch once it is merged, and a test merge before."""

    id: int
    number: int
    title: str | None = None
    user: User | None = None
    html_url: str | None = None
    merged: bool | None = None
    merged_at: str | None = None
    merge_commit_sha: str | None = None
    changed_files: int | None = None
    base: Branch | None = None
    head: Branch | None = None


class Commit(_Model):
    id: str
    timestamp: str | None = None


class Deployment(_Model):
    """A deployment. `payload` is whatever the deployer put there, an object or JSON text."""

    id: int
    sha: str
    environment: str | None = None
    production_environment: bool | None = None
    transient_environment: bool | None = None
    payload: Any = None
    created_at: str | None = None


class DeploymentStatus(_Model):
    state: str
    created_at: str
    log_url: str | None = None
    target_url: str | None = None


class HeadCommit(_Model):
    """A run's commit, whose id is the run's `head_sha`."""

    timestamp: str | None = None


class WorkflowRun(_Model):
    """Another workflow's run. `head_branch` is a tag's name if a tag started it."""

    id: int
    run_attempt: int | None = None
    event: str | None = None
    conclusion: str | None = None
    head_branch: str | None = None
    head_sha: str
    head_commit: HeadCommit | None = None
    head_repository: Repository | None = None
    updated_at: str
    html_url: str | None = None


class Release(_Model):
    id: int
    draft: bool | None = None
    prerelease: bool | None = None
    html_url: str | None = None


class MergeGroup(_Model):
    """A merge group. `base_ref` is the full name of the branch that it is merged into."""

    base_ref: str | None = None


class CheckSuite(_Model):
    head_branch: str | None = None


class CheckRun(_Model):
    check_suite: CheckSuite | None = None


class ReviewedPull(_Model):
    base: Branch | None = None
    head: Branch | None = None


class StatusBranch(_Model):
    """A branch that contains a status's commit."""

    name: str | None = None


class Event(_Model):
    """Any event, and all that is read of those that do not describe a deployment. `name` is empty if there is none."""

    name: str
    action: str | None = None
    repository: Repository | None = None

    @property
    def called(self) -> str:
        """The event within a sentence. Without a name, nothing but a command line started the run."""
        return f"this {self.name} event" if self.name else "a run outside of GitHub Actions"


class BranchEvent(Event):
    """An event about a branch that does not say which commit was deployed. Each kind has one of these fields."""

    merge_group: MergeGroup | None = None
    check_run: CheckRun | None = None
    check_suite: CheckSuite | None = None
    pull_request: ReviewedPull | None = None
    branches: tuple[StatusBranch, ...] | None = None
    ref: str | None = None
    ref_type: str | None = None

    @property
    def named(self) -> tuple[str, ...]:
        """The branches that the event is about."""
        suite = self.check_suite or (self.check_run and self.check_run.check_suite)
        found = [
            ((self.merge_group and self.merge_group.base_ref) or "").removeprefix("refs/heads/"),
            suite and suite.head_branch,
            self.pull_request and self.pull_request.base and self.pull_request.base.ref,
            self.ref if self.ref_type == "branch" else None,
            *(branch.name for branch in self.branches or ()),
        ]
        return tuple(name for name in found if name)


class PullRequestEvent(Event):
    pull_request: PullRequest


class PushEvent(Event):
    ref: str | None = None
    before: str | None = None
    deleted: bool | None = None
    head_commit: Commit | None = None


class DeploymentEvent(Event):
    deployment: Deployment


class DeploymentStatusEvent(DeploymentEvent):
    deployment_status: DeploymentStatus


class WorkflowRunEvent(Event):
    workflow_run: WorkflowRun


class ReleaseEvent(Event):
    release: Release


_MODELS: dict[str, type[Event]] = {
    "pull_request": PullRequestEvent,
    "pull_request_target": PullRequestEvent,
    "push": PushEvent,
    "deployment": DeploymentEvent,
    "deployment_status": DeploymentStatusEvent,
    "workflow_run": WorkflowRunEvent,
    "release": ReleaseEvent,
    **dict.fromkeys(("merge_group", "check_run", "check_suite", "status", "create", "delete"), BranchEvent),
    **dict.fromkeys(("pull_request_review", "pull_request_review_comment"), BranchEvent),
}


def read_event(name: str, path: str) -> Event:
    """Read the file that the runner wrote for the event. An event of another name is a plain Event.

    Raises BadEvent if the file is missing, is no JSON object, or lacks what every such event has.
    """
    if not name:
        raise BadEvent.of("GITHUB_EVENT_NAME", "is empty. Run the action as a step of a GitHub Actions workflow.")
    try:
        payload = parse_json(read_regular(Path(path), _LARGEST)) if path else None
    except FileNotFoundError:
        raise BadEvent.of("GITHUB_EVENT_PATH", _NO_FILE) from None
    except OSError:
        raise BadEvent.of("GITHUB_EVENT_PATH", "names a file that cannot be read.") from None
    except TooDeepError:
        raise BadEvent.of("GITHUB_EVENT_PATH", f"names a file with more than {DEEPEST} levels of JSON.") from None
    except ValueError:
        raise BadEvent.of("GITHUB_EVENT_PATH", "names a file that is not JSON.") from None
    if not isinstance(payload, dict):
        raise BadEvent.of("GITHUB_EVENT_PATH", "does not name a file with a JSON object.")
    return parse_event(name, payload)


def parse_event(name: str, payload: dict[str, Any]) -> Event:
    """Read a payload as the type of its event. Raises BadEvent."""
    try:
        return _MODELS.get(name, Event).model_validate({**payload, "name": name})
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        places = sorted({".".join(map(str, problem["loc"])) for problem in found})[:5]
        text = f"lacks {', '.join(places)}, or has another type there than GitHub documents."
        raise BadEvent.of(name, text) from None

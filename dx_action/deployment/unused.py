"""The inputs that are written and have no effect on a step: a notice for each. Pure."""

from collections.abc import Callable
from typing import NamedTuple

from dx_action.changes.changeset import needs_changes
from dx_action.deployment.registration import choose_attribution
from dx_action.inputs.model import Inputs, is_written
from dx_action.runner.event import DeploymentEvent, Event


class Unused(NamedTuple):
    """Inputs that have no effect if `when` holds for the step and its event, and why. `{event}` in the text is the event."""

    subjects: tuple[str, ...]
    when: Callable[[Inputs, Event], object]
    text: str


def _compares(inputs: Inputs, event: Event) -> bool:
    """Whether the previous deployment is looked up."""
    return inputs.deploys and not inputs.merge_commit_shas and needs_changes(inputs, event)


def _compares_by_environment(inputs: Inputs, event: Event) -> bool:
    return _compares(inputs, event) and not inputs.since_sha and not inputs.environment


def _by_name_alone(inputs: Inputs, event: Event) -> bool:
    """Whether nothing asks which files changed, because `service` names the services."""
    return bool(inputs.deploys and inputs.service) and not inputs.set_pull_services and not needs_changes(inputs, event)


def _plain(inputs: Inputs) -> bool:
    """Whether the step registers a deployment and is about no pull request."""
    return inputs.deploys and not inputs.set_pull_services


# What RULES rejects is not here, nor what only a dry run does not need.
UNUSED = (
    Unused(
        ("only-environments",),
        lambda inputs, event: (
            not isinstance(event, DeploymentEvent)
            and not _compares_by_environment(inputs, event)
            and not inputs.sets_past
        ),
        "has no effect here, because {event} has no environment. Only `environment` says which one is sent.",
    ),
    Unused(
        ("only-environments",),
        lambda inputs, event: not isinstance(event, DeploymentEvent) and _compares_by_environment(inputs, event),
        "does not limit this step, because {event} has no environment. It only chooses the previous deployment.",
    ),
    Unused(
        ("only-environments",),
        lambda inputs, _: inputs.sets_past,
        "has no effect here, because with `since`, the step is about pull requests, which have no environment.",
    ),
    Unused(
        ("pull-number",),
        lambda inputs, _: _plain(inputs) and not inputs.by_files,
        "has no effect on this deployment. It names the pull request whose services are set, or whose files name the services.",
    ),
    Unused(
        ("pull-number",),
        lambda inputs, _: _plain(inputs) and inputs.by_files and inputs.since_sha,
        "has no effect on this deployment, because `since-sha` says which files changed. Leave one of them out.",
    ),
    Unused(
        ("pull-id",),
        lambda inputs, _: _plain(inputs),
        "has no effect on this deployment. It names the pull request whose services are set: see `set-pull-services`.",
    ),
    Unused(
        ("service-map",),
        _by_name_alone,
        "has no effect here, because `service` names the services. Leave one of them out.",
    ),
    Unused(
        ("services-from",),
        lambda inputs, event: (
            inputs.services_from != "input" and not inputs.service_map and _by_name_alone(inputs, event)
        ),
        "has no effect here, because `service` names the services. Leave one of them out.",
    ),
    Unused(
        ("since-sha",),
        lambda inputs, event: not (inputs.deploys and (inputs.by_files or needs_changes(inputs, event))),
        "has no effect here. It is used if a deployment's services are found by changed files, and for "
        "`attribution: merge-commits`, `show-pull-requests` and `lead-time-metadata: first-commit`.",
    ),
    Unused(
        ("since-sha",),
        lambda inputs, event: not inputs.by_files and needs_changes(inputs, event) and inputs.merge_commit_shas,
        "has no effect here, because `merge-commit-shas` lists what ships. Leave one of them out.",
    ),
    Unused(
        ("commit-sha",),
        lambda inputs, event: (
            _plain(inputs)
            and choose_attribution(inputs).value != "commit"
            and not inputs.by_files
            and (inputs.merge_commit_shas or not needs_changes(inputs, event))
        ),
        "is not sent to DX, because the deployment is not attributed by `commit`.",
    ),
    Unused(
        ("lead-time-metadata",),
        lambda inputs, _: not inputs.wants_commit_time and not inputs.wants_first_commit_time,
        "has no effect here, because `metadata` has the times already.",
    ),
    Unused(
        ("on-conflict",),
        lambda inputs, _: inputs.deploys and inputs.method == "upsert",
        "has no effect here, because `method: upsert` replaces what DX has.",
    ),
    Unused(
        ("max-per-second", "concurrency"),
        lambda inputs, _: inputs.since is None,
        "has no effect here. It limits the many requests of `operation: backfill`, and of `set-pull-services` with `since`.",
    ),
    Unused(
        (
            *("attribution", "merge-commit-shas", "integration-branch", "deployed-at", "environment", "reference-id"),
            *("source-url", "source-name", "metadata", "method", "on-conflict"),
        ),
        lambda inputs, _: inputs.operation == "set-pull-services",
        "has no effect here, because `operation: set-pull-services` registers no deployment.",
    ),
)

UNUSED_IN_BACKFILL = (
    Unused(
        ("only-branches", "only-environments"),
        lambda inputs, _: inputs.backfill_file,
        "has no effect here. It limits what is read from GitHub's history, and `backfill-file` is set.",
    ),
    Unused(
        ("on-conflict",),
        lambda inputs, _: inputs.method == "upsert" and not inputs.backfill_file and not inputs.csv_file,
        "has no effect here, because `method: upsert` replaces what DX has.",
    ),
    Unused(
        ("timeout", "on-conflict", "failed-file", "max-per-second", "concurrency"),
        lambda inputs, _: inputs.csv_file,
        "has no effect here, because `csv-file` is set and nothing is sent to DX.",
    ),
)


def unused_inputs(inputs: Inputs, event: Event) -> tuple[str, ...]:
    """Return a notice for each input that is written and has no effect on this step."""
    return tuple(
        f"`{subject}` {unused.text.format(event=event.called)}"
        for unused in (UNUSED_IN_BACKFILL if inputs.operation == "backfill" else UNUSED)
        for subject in unused.subjects
        if is_written(inputs, subject) and unused.when(inputs, event)
    )

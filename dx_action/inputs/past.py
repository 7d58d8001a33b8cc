"""The rules of steps about the past, `operation: backfill` and `set-pull-services` with `since`, and their window of time. Pure.

They are a module of their own because most runs are about the present.
"""

from datetime import datetime, timedelta

from dx_action.errors import BadInput
from dx_action.inputs.model import Inputs, Rule

_DAYS = 90


def _backfill(inputs: Inputs) -> bool:
    return inputs.operation == "backfill"


def _pulls(inputs: Inputs) -> bool:
    return inputs.operation == "set-pull-services"


RULES = (
    Rule(
        ("until",),
        lambda inputs: _pulls(inputs) and inputs.since is None,
        "ends a window of time, and `since`, which starts it, is missing. Set that as well, or leave this out.",
    ),
    Rule(
        ("pull-number", "pull-id", "commit-sha", "since-sha"),
        lambda inputs: _pulls(inputs) and inputs.since,
        "is about one change, but `since` is set, so the step is about every pull request of a window. Leave one of them out.",
    ),
    Rule(
        ("commit-sha", "merge-commit-shas", "deployed-at", "reference-id"),
        _backfill,
        "is different for each deployment of a backfill. Leave it out.",
    ),
    Rule(
        ("since-sha", "pull-number", "pull-id", "set-pull-services", "replace-pull-services", "show-pull-requests"),
        _backfill,
        "is about one deployment, and a backfill registers many. Leave it out.",
    ),
    Rule(
        ("lead-time-metadata", "extra-metadata"),
        _backfill,
        "is looked up for one deployment, and a backfill registers many. Use `metadata`, or leave this out.",
    ),
    Rule(
        ("service-map",),
        _backfill,
        "finds services by changed files, which a backfill does not look up. Use `service`, or leave this out.",
    ),
    Rule(
        ("services-from",),
        lambda inputs: _backfill(inputs) and inputs.services_from != "input",
        "is not `input`, and a backfill does not look up changed files. Use `service`, or leave this out.",
    ),
    Rule(
        ("attribution",),
        lambda inputs: _backfill(inputs) and (inputs.backfill_file or inputs.attribution == "merge-commits"),
        "follows from the commits that each row of a backfill names. Leave it out.",
    ),
    Rule(
        ("since", "until", "workflow-jobs"),
        lambda inputs: _backfill(inputs) and inputs.backfill_file,
        "is about GitHub's history, but `backfill-file` is set. Leave one of them out.",
    ),
    Rule(
        ("success",),
        lambda inputs: _backfill(inputs) and not inputs.backfill_file,
        "follows from each deployment's status in GitHub's history. Leave it out.",
    ),
)


def window(inputs: Inputs, now: datetime) -> tuple[datetime, datetime]:
    """Return its start and its end. `now` is UTC. Raises BadInput if it ends before it starts."""
    since, until = inputs.since or now - timedelta(days=_DAYS), inputs.until or now
    cure = "Set `since` to a time before `until`"
    if since > until and inputs.since:
        raise BadInput.of("since", f"is after `until`, or after now. {cure}.")
    if since > until:
        raise BadInput.of("until", f"is before `since`. {cure}; its default is {_DAYS} days ago.")
    return since, until

"""The rules of `operation: update` and `operation: delete`, and of `confirm-delete`. Pure.

They are a module of their own because most runs correct nothing.
"""

from collections.abc import Sequence
from typing import Any

from dx_action.inputs.model import Inputs, Rule

# The values of a deployment that an update can change.
CHANGEABLE = (
    *("deployed-at", "service", "repository", "merge-commit-shas", "commit-sha", "integration-branch", "environment"),
    *("success", "source-url", "source-name", "metadata"),
)


def changes(inputs: Inputs) -> dict[str, Any]:
    """Return the values that are written for an update to change, by input name."""
    values = {name: getattr(inputs, name.replace("-", "_")) for name in CHANGEABLE}
    written = {name.replace("_", "-") for name in inputs.model_fields_set}
    return {name: value for name, value in values.items() if name in written and value not in (None, "")}


def rules(inputs: Inputs, others: Sequence[Rule]) -> tuple[Rule, ...]:
    """Return the rules that hold if something is corrected, or beside the others if `confirm-delete` is written."""
    return CORRECTING if inputs.operation in ("update", "delete") else (*others, CONFIRMING)


CORRECTING = (
    Rule(
        (
            *("services-from", "service-map", "attribution", "since-sha", "lead-time-metadata", "extra-metadata"),
            *("only-branches", "only-environments", "set-pull-services", "replace-pull-services", "pull-number"),
            *("pull-id", "show-pull-requests", "method", "on-conflict"),
        ),
        lambda _inputs: True,
        "is about an event or about what it registers. `operation: update` and `delete` correct one deployment by its "
        "`reference-id`, whatever the event. Leave it out.",
    ),
    Rule(
        ("since", "until", "backfill-file", "csv-file", "workflow-jobs"),
        lambda _inputs: True,
        "is only for `operation: backfill`, whose `backfill-file` may also have rows to update or delete. Leave it out.",
    ),
    Rule(
        ("reference-id",),
        lambda inputs: not inputs.reference_id,
        "is missing. Write the id of the deployment, as in the output `reference-id` of the step that registered it.",
        unset=True,
    ),
    Rule(
        ("operation",),
        lambda inputs: inputs.operation == "update" and not changes(inputs),
        "is `update`, but no value to change is written. Write at least one of "
        f"{', '.join(f'`{name}`' for name in CHANGEABLE)}.",
    ),
    Rule(
        ("service",),
        lambda inputs: inputs.operation == "update" and len(inputs.service) > 1,
        "names several services, but a deployment is of one. Name that one.",
    ),
    Rule(
        ("merge-commit-shas",),
        lambda inputs: inputs.operation == "update" and inputs.commit_sha,
        "cannot be combined with `commit-sha`: in DX, each of them clears the other. Leave one of them out.",
    ),
    Rule(
        CHANGEABLE,
        lambda inputs: inputs.operation == "delete",
        "is a value of a deployment, and `operation: delete` takes only its `reference-id`. Leave it out.",
    ),
    Rule(
        ("confirm-delete",),
        lambda inputs: (
            inputs.operation == "delete" and inputs.reference_id and inputs.confirm_delete != inputs.reference_id
        ),
        "is not the same text as `reference-id`. A deletion is permanent: write the id in both.",
        unset=True,
    ),
    Rule(
        ("confirm-delete",),
        lambda inputs: inputs.operation == "update",
        "is only for `operation: delete`, and this step updates. Leave it out.",
    ),
)
CONFIRMING = Rule(
    ("confirm-delete",),
    lambda inputs: not inputs.backfill_file,
    "is only for `operation: delete`, and for a `backfill-file` with rows to delete. Leave it out.",
)

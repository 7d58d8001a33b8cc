"""The outputs of a step: their names and forms, and a limit on their size together. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dx_action.changes.changeset import MergedPull
from dx_action.deployment.calls import Call, Result
from dx_action.deployment.registration import Registration
from dx_action.text import one_line, truncate

# GitHub keeps 1 MB for a whole job. Nobody reads more than a quarter of that from one step.
LARGEST = 256 * 1024
_ROOM = LARGEST - 16 * 1024
# The lists in the order in which they get room, and how much of it each may take. 300 pull requests are 100 KB.
_SMALL = dict.fromkeys(("reference-ids", "services", "merge-commit-shas"), 1 / 8)
LISTS = _SMALL | {"checks": 1 / 2, "pull-requests": 1 / 2, "results": 1, "requests": 1}
# The outcomes of those that are cut first.
_DONE = {"results": ("accepted", "already-registered"), "checks": ("ok", "warning")}
_NAMES = (
    *("status", "reason", "repository", "commit-sha", "deployed-at", "pull-number", "pull-id"),
    *("merge-commit-shas", "services", "reference-ids", "reference-id", "requests", "results"),
    *("rollback", "pull-requests", "checks", "truncated"),
)


def outputs(
    status: str,
    reason: str,
    registration: Registration | None = None,
    calls: Sequence[Call] = (),
    results: Sequence[Result] = (),
    more: Mapping[str, list[Any]] | None = None,
) -> dict[str, str]:
    """Return every output of `action.yml`; unknown ones are empty. `more` are lists that no registration has."""
    values = dict.fromkeys(_NAMES, "") | {
        "status": status,
        "reason": truncate(one_line(reason), 1000),
        "truncated": "false",
    }
    lists: dict[str, list[Any]] = {name: [] for name in LISTS} | {
        "requests": [{"method": call.method, "body": call.json()} for call in calls],
        "results": [_result(result) for result in results],
        **(more or {}),
    }
    if registration:
        shas, ids = registration.merge_commit_shas, registration.reference_ids.value
        lists["merge-commit-shas"] = list(shas.value) if shas else []
        services = registration.services.value or [
            each for pull in registration.pull_services for each in pull.services
        ]
        lists["services"] = list(dict.fromkeys(service.identifier for service in services))
        lists["reference-ids"] = list(ids)
        lists["pull-requests"] = [_pull(pull) for pull in registration.changes.pulls]
        values |= {
            "repository": one_line(registration.repository.value),
            "commit-sha": registration.sha,
            "deployed-at": registration.deployed_at.value,
            "pull-number": str(registration.pull_number or ""),
            "pull-id": str(registration.pull_id or ""),
            "rollback": {None: "", True: "true", False: "false"}[registration.changes.rollback],
            "reference-id": one_line(ids[0]) if len(ids) == 1 else "",
        }
    left = _ROOM - sum(len(text.encode()) for text in values.values())
    for name, share in LISTS.items():
        values[name], cut = _fitting(lists[name], min(left, int(_ROOM * share)))
        if cut and name in _DONE:
            failures_first = sorted(lists[name], key=lambda item: item["outcome"] in _DONE[name])
            values[name], _ = _fitting(failures_first, min(left, int(_ROOM * share)))
        left -= len(values[name].encode())
        if cut:
            values["truncated"] = "true"
    return values


def _fitting(items: list[Any], room: int) -> tuple[str, bool]:
    """Return as many items as the room holds, in order, and whether any was left out."""
    parts: list[str] = []
    used = 2
    for item in items:
        part = json.dumps(item, ensure_ascii=False)
        used += len(part.encode()) + 2
        if used > room:
            return f"[{', '.join(parts)}]", True
        parts.append(part)
    return f"[{', '.join(parts)}]", False


def _pull(pull: MergedPull) -> dict[str, Any]:
    return {
        "number": pull.number,
        "title": truncate(one_line(pull.title), 300),
        "url": one_line(pull.url),
        "author": one_line(pull.author),
        "merged_at": one_line(pull.merged_at),
        "merge_commit_sha": one_line(pull.merge_commit_sha),
    }


def _result(result: Result) -> dict[str, Any]:
    return {
        "method": result.call.method,
        "service": result.call.service,
        "reference_id": result.call.reference_id,
        "outcome": result.outcome,
        "http_status": result.http_status,
        "error": truncate(one_line(truncate(result.error))),
        "message": truncate(one_line(truncate(result.message))),
        "attempts": result.attempts,
    }

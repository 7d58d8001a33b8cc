"""The reading of merged pull requests, and the answer which of them each deployment would be credited with. Pure.

The rules themselves are in dx_action.sandbox.attribution.

A pull request is an object of `repository`, `number`, `base_ref`, `default_branch`, `merge_commit_sha` and `merged_at`, all needed;
`id`, by which setPullServices may name it, and `commits`, the SHAs that belong to it besides. All SHAs are whole. From GitHub:

    gh api --paginate 'repos/{owner}/{repo}/pulls?state=closed' --jq '.[] | select(.merged_at) | {repository: .base.repo.full_name,
      number, id, base_ref: .base.ref, default_branch: .base.repo.default_branch, merge_commit_sha, merged_at}' | jq --slurp
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NoReturn

from dx_action.sandbox import fields
from dx_action.sandbox.attribution import Assignment, Held, MergedPullRequest, Name, attribute, unmatched

_SHA = re.compile(r"[0-9a-fA-F]{40}", re.ASCII)


class PullRequestError(ValueError):
    """Pull requests that cannot be used. The text is a sentence that quotes no value."""


def parse_pull_requests(value: Any) -> tuple[MergedPullRequest, ...]:
    """Read merged pull requests from JSON; those that are made already pass. Raises PullRequestError."""
    if not isinstance(value, list):
        raise PullRequestError("The pull requests must be a JSON array of objects.")
    found: dict[Name, MergedPullRequest] = {}
    for index, item in enumerate(value):
        pull = _parse(item, f"pull_requests[{index}]")
        if pull.name in found:
            first = list(found).index(pull.name)
            raise PullRequestError(f"pull_requests[{index}] is the same pull request as pull_requests[{first}].")
        found[pull.name] = pull
    return tuple(found.values())


def assignment(given: Mapping[str, Any]) -> Assignment:
    """Return the assignment that an accepted call of setPullServices makes."""
    return Assignment(
        services=frozenset(service["identifier"] for service in given["services"]),
        id=given.get("github_pull_id"),
        repository=given.get("repository"),
        number=given.get("pull_number"),
        replace=given["replace"],
    )


def credited(
    deployments: Iterable[Mapping[str, Any]], pulls: Iterable[MergedPullRequest], assignments: Iterable[Assignment]
) -> list[dict[str, Any]]:
    """Return for each deployment the path by which it is attributed, its pull requests, and its commits that match none."""
    known, held = tuple(pulls), [_held(deployment) for deployment in deployments]
    shipped, strange = attribute(known, held, assignments), unmatched(known, held)
    return [
        {
            "reference_id": each.reference_id,
            "repository": each.repository,
            "environment": each.environment,
            "service": each.service,
            "deployed_at": _text(each.deployed_at),
            "path": each.path,
            "pull_requests": [_told(pull) for pull in shipped[each.reference_id]],
            "unmatched": list(strange[each.reference_id]),
        }
        for each in held
    ]


def _held(deployment: Mapping[str, Any]) -> Held:
    return Held(
        reference_id=deployment["reference_id"],
        service=deployment["service"]["identifier"],
        deployed_at=datetime.fromisoformat(deployment["deployed_at"]),
        repository=deployment.get("repository"),
        environment=deployment["environment"],
        commit_sha=deployment.get("commit_sha"),
        merge_commit_shas=tuple(deployment.get("merge_commit_shas", ())),
        integration_branch=deployment.get("integration_branch"),
    )


def _told(pull: MergedPullRequest) -> dict[str, Any]:
    return {
        "repository": pull.repository,
        "number": pull.number,
        "base_ref": pull.base_ref,
        "merge_commit_sha": pull.merge_commit_sha,
        "merged_at": _text(pull.merged_at),
    }


def _parse(item: Any, where: str) -> MergedPullRequest:
    if isinstance(item, MergedPullRequest):
        return item
    if not isinstance(item, Mapping):
        raise PullRequestError(f"{where} must be a JSON object.")
    problems = [f"{where}.{name} is missing." for name in _RULES if name not in {*item, *_OPTIONAL}]
    given: dict[str, Any] = {}
    for name, value in item.items():
        try:
            given[name] = _RULES.get(name, _unknown)(f"{where}.{name}", value)
        except fields.UnfitError as unfit:
            problems.append(str(unfit))
    if problems:
        raise PullRequestError(" ".join(problems))
    return MergedPullRequest(**given)


def _unknown(name: str, _value: Any) -> NoReturn:
    raise fields.UnfitError(f"{name} is not known; a pull request may have {', '.join(_RULES)}.")


def _sha(name: str, value: Any) -> str:
    if not isinstance(value, str) or not _SHA.fullmatch(value):
        raise fields.UnfitError(f"{name} must be a whole commit SHA, 40 hexadecimal digits.")
    return value


def _shas(name: str, value: Any) -> frozenset[str]:
    if not isinstance(value, list):
        raise fields.UnfitError(f"{name} must be a JSON array of texts.")
    return frozenset(_sha(f"{name}[{index}]", item) for index, item in enumerate(value))


def _instant(name: str, value: Any) -> datetime:
    return datetime.fromisoformat(fields.instant(name, value))


def _text(moment: datetime) -> str:
    return fields.instant("", moment.isoformat())


_OPTIONAL = ("id", "commits")
_RULES: dict[str, fields.Rule] = {
    "repository": fields.text,
    "number": fields.number,
    "base_ref": fields.text,
    "default_branch": fields.text,
    "merge_commit_sha": _sha,
    "merged_at": _instant,
    "id": fields.number,
    "commits": _shas,
}

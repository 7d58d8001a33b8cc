"""The rules that DX documents for what each method is sent: which fields it takes, and which of them it needs. Pure.

What is registered already does not matter here, nor do tokens.
"""

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from dx_action.sandbox import fields

METHODS = (
    *("deployments.create", "deployments.upsert", "deployments.update", "deployments.delete"),
    "deployments.setPullServices",
)

# Deeper than any honest metadata, and shallow enough that what reads it cannot run out of stack.
_LEVELS = 100
_DEPLOYMENT: dict[str, fields.Rule] = {
    "reference_id": fields.text,
    "deployed_at": fields.instant,
    "service": fields.service,
    "repository": fields.text,
    "commit_sha": fields.sha,
    "merge_commit_shas": fields.shas,
    "source_url": fields.text,
    "source_name": fields.text,
    "metadata": fields.json_object,
    "integration_branch": fields.text,
    "success": fields.boolean,
    "environment": fields.text,
}
_PULL_SERVICES: dict[str, fields.Rule] = {
    "github_pull_id": fields.number,
    "repository": fields.text,
    "pull_number": fields.number,
    "services": fields.services,
    "replace": fields.boolean,
}


class Refused(Exception):
    """What DX answers instead of doing what it was asked: a code and a sentence."""

    def __init__(self, error: str, message: str, status: int = 422) -> None:
        super().__init__(message)
        self.error = error
        self.message = message
        self.status = status


def parse(body: bytes) -> Any:
    """Read the body strictly as JSON. Raises ValueError."""
    try:
        value = json.loads(body.decode(), parse_constant=_no_constant)
    except RecursionError as error:
        raise ValueError(str(error)) from None
    _bound(value, _LEVELS)
    return value


def json_object(body: bytes) -> dict[str, Any]:
    """Read the body as a JSON object. Raises Refused."""
    try:
        value = parse(body)
    except ValueError:
        raise Refused("invalid_json", "The body could not be parsed as JSON.") from None
    if not isinstance(value, dict):
        raise Refused("invalid_json", "The body must be a JSON object.")
    return value


def deployment(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a deployment that were sent, each in the form in which it is stored. Raises Refused."""
    given = _read(_DEPLOYMENT, body)
    if "commit_sha" in given and "merge_commit_shas" in given:
        raise Refused("invalid_params", "Send commit_sha or merge_commit_shas, not both: each clears the other.")
    return given


def require_deployment(given: Mapping[str, Any]) -> None:
    """Raise Refused if a field is missing without which there is no deployment."""
    missing = [name for name in ("deployed_at", "service") if name not in given]
    if "repository" not in given and "merge_commit_shas" not in given:
        missing.append("repository (or merge_commit_shas)")
    _require(missing)


def require_reference_id(given: Mapping[str, Any]) -> None:
    """Raise Refused if nothing names the deployment to upsert or update."""
    _require([] if "reference_id" in given else ["reference_id"])


def deleted_id(body: Mapping[str, Any]) -> str:
    """Return the id that a deletion names. Raises Refused, for one that is none with a code of its own, as the page has it."""
    if "reference_id" in body:
        try:
            fields.text("reference_id", body["reference_id"])
        except fields.UnfitError as unfit:
            raise Refused("invalid_reference_id", str(unfit)) from None
    given = _read({"reference_id": fields.text}, body)
    require_reference_id(given)
    return str(given["reference_id"])


def pull_services(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of deployments.setPullServices, complete. Raises Refused."""
    given = {"replace": False} | _read(_PULL_SERVICES, body)
    missing = []
    if "github_pull_id" not in given and not {"repository", "pull_number"} <= given.keys():
        missing.append("github_pull_id (or repository and pull_number)")
    if "services" not in given:
        missing.append("services")
    elif not given["services"] and not given["replace"]:
        missing.append("services (an empty list is for replace: true)")
    _require(missing)
    return given


def _require(missing: list[str]) -> None:
    if missing:
        raise Refused("required_params_missing", f"Required and missing: {', '.join(missing)}.")


def _read(rules: Mapping[str, fields.Rule], body: Mapping[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    problems: list[str] = []
    for name, value in body.items():
        try:
            given[name] = rules.get(name, fields.unknown)(name, value)
        except fields.UnfitError as unfit:
            problems.append(str(unfit))
    if problems:
        raise Refused("invalid_params", " ".join(problems))
    return given


def _bound(value: Any, levels: int) -> None:
    if not levels or value in (math.inf, -math.inf):
        raise ValueError(levels)
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _bound(item, levels - 1)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)

"""Owns the previous deployment, as GitHub's history tells it: the newest one that succeeded, of this environment and this service.

DX means by it the same repository, environment and service. Where the history cannot tell, nothing is guessed: the answer is why.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dx_action.changes.changeset import Wanted
from dx_action.errors import InvalidValue
from dx_action.github.client import PER_PAGE, Api
from dx_action.inputs.times import parse_time_or_none
from dx_action.inputs.values import Sourced, services_in_payload
from dx_action.runner.event import Deployment

MOST_PAGES, MOST_TRIED = 3, 10
_HISTORY = "GitHub's deployment history"


@dataclass(frozen=True, slots=True)
class _Past:
    """A deployment of the history, and the services that its payload names."""

    id: int
    sha: str
    services: tuple[str, ...]


def previous_deployments(api: Api, repository: str, wanted: Wanted, run_id: str) -> dict[str, Sourced[str] | str]:
    """Give each service's previously deployed commit, or why it is not known, as the end of a sentence.

    What this run or one of `wanted.runs` made itself, by a job's `environment`, is none. Raises Missing and LookupFailedError.
    """
    runs = [f"/actions/runs/{run}/" for run in (run_id, *wanted.runs) if run]
    past: list[_Past] = []
    found: dict[str, Sourced[str]] = {}
    # Of several services the newest may be one and the same, whose statuses are asked for once.
    tried: dict[int, bool] = {}
    named, cut = bool(wanted.own and _services(wanted.own)), False
    for page in range(1, MOST_PAGES + 1):
        past_page, cut = _page(api, repository, wanted, page)
        past += past_page
        named = named or any(each.services for each in past_page)
        for service in wanted.services:
            if service in found or not (named or wanted.alone):
                continue
            own = [each for each in past if not named or service in each.services][:MOST_TRIED]
            newest = next((each for each in own if _succeeded(api, repository, each, runs, tried)), None)
            if newest:
                found[service] = Sourced(newest.sha, f"{_HISTORY} (deployment {newest.id})")
        if not cut or found.keys() == {*wanted.services}:
            break
    return {
        service: found.get(service) or _why_not(past, service, named=named, alone=wanted.alone, cut=cut)
        for service in wanted.services
    }


def _why_not(past: list[_Past], service: str, *, named: bool, alone: bool, cut: bool) -> str:
    newest = f" among its newest {MOST_PAGES * PER_PAGE}" if cut else ""
    if not past:
        return f"{_HISTORY} has no earlier deployment to this environment{newest}"
    if not named and not alone:
        return f"{_HISTORY} does not say which service was deployed, by a `service` in the payload"
    if sum(not named or service in each.services for each in past) > MOST_TRIED:
        newest = f", of the newest {MOST_TRIED}"
    return f"{_HISTORY} has no earlier deployment of the same service that succeeded{newest}"


def _page(api: Api, repository: str, wanted: Wanted, page: int) -> tuple[list[_Past], bool]:
    """Give a page's deployments of this environment, and whether there may be another page."""
    own = wanted.own
    # A history full of previews would hide what is older than its newest pages.
    filters = {"environment": wanted.environment} if wanted.environment else {}
    nodes: list[dict[str, Any]] = api.get(
        f"/repos/{repository}/deployments", "deployments", per_page=PER_PAGE, page=page, **filters
    )
    found = []
    for node in nodes:
        each = Deployment.model_validate(node)
        if wanted.counts(each) and not _later(each, wanted.until) and not (own and own.id == each.id):
            found.append(_Past(each.id, each.sha, _services(each)))
    return found, len(nodes) == PER_PAGE


def _later(deployment: Deployment, until: str | None) -> bool:
    created, end = parse_time_or_none(deployment.created_at), parse_time_or_none(until)
    return created is not None and end is not None and created > end


def _services(deployment: Deployment) -> tuple[str, ...]:
    try:
        return tuple(service.identifier for service in services_in_payload(deployment.payload))
    except InvalidValue:
        return ()


def _succeeded(api: Api, repository: str, past: _Past, runs: Sequence[str], tried: dict[int, bool]) -> bool:
    """Tell whether it succeeded: GitHub calls it inactive once another replaced it, so that its statuses are asked for."""
    if past.id not in tried:
        statuses = api.get(f"/repos/{repository}/deployments/{past.id}/statuses", "deployments", per_page=PER_PAGE)
        urls = [f"{status.get(name)}/" for status in statuses for name in ("log_url", "target_url")]
        own = any(run in url for url in urls for run in runs)
        tried[past.id] = not own and any(status["state"] == "success" for status in statuses)
    return tried[past.id]

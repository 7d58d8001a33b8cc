"""Owns which of GitHub's deployments a backfill takes: each one's outcomes in the window, as the events that told of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from dx_action.errors import InvalidValue
from dx_action.github.client import Repository
from dx_action.github.deployments import pages
from dx_action.github.errors import UNREADABLE, failure
from dx_action.inputs.times import parse_time
from dx_action.runner import event as runner_event
from dx_action.runner.event import DeploymentStatus, DeploymentStatusEvent

_OUTCOMES = {"success": "success", "failure": "failure", "error": "failure"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """A deployment's outcome, as the event that told of it.

    `log_urls` are those of all the deployment's statuses, `repository` is as GitHub names it today.
    """

    event: DeploymentStatusEvent
    log_urls: tuple[str, ...]
    repository: str


def outcomes(repository: Repository, since: datetime, until: datetime, *, environments: bool) -> Iterator[Outcome]:
    """Give each deployment's first success, and its first failure or error, the newest deployments first.

    It ends at the first page on which all is from before `since`. `environments`: whether each environment is for production, or
    transient, is needed. Raises LookupFailedError.
    """
    known: set[str] = set()
    for page in pages(repository):
        late = False
        for node in page.nodes:
            statuses = page.statuses(node)
            firsts = _firsts(statuses)
            late = late or any(at >= since for at in (_moment(node.created_at), *(at for at, _ in firsts)))
            inside = [status for at, status in firsts if since <= at <= until]
            if not inside or node.id in known:
                continue
            known.add(node.id)
            log_urls = tuple(each.log_url for each in statuses if each.log_url)
            deployment = page.deployment(node, environments=environments)
            # As it is written: a repository that was renamed would else be another than the event's.
            own = page.name if page.name.casefold() == repository.name.casefold() else repository.name
            for status in inside:
                event = DeploymentStatusEvent(
                    name="deployment_status",
                    repository=runner_event.Repository(full_name=own),
                    deployment=deployment,
                    deployment_status=status,
                )
                yield Outcome(event, log_urls, page.name)
        if not late:
            return


def _firsts(statuses: list[DeploymentStatus]) -> list[tuple[datetime, DeploymentStatus]]:
    """Give the first status of each outcome. GitHub lists the newest first, and of one second by that order."""
    timed = [(_moment(each.created_at), each) for each in reversed(statuses) if each.state in _OUTCOMES]
    found: dict[str, tuple[datetime, DeploymentStatus]] = {}
    for at, status in sorted(timed, key=lambda pair: pair[0]):
        found.setdefault(_OUTCOMES[status.state], (at, status))
    return list(found.values())


def _moment(text: str) -> datetime:
    try:
        return parse_time(text)
    except InvalidValue:
        raise failure(UNREADABLE) from None

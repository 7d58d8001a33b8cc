"""The pull requests whose services are set by deployments.setPullServices. Pure, but for `lookups`."""

from dataclasses import dataclass, replace
from typing import Protocol

from dx_action.changes.changeset import (
    ChangeLookups,
    MergedPull,
    PullChange,
    RangeChange,
    before_push,
    pull_change,
)
from dx_action.deployment.trigger import Skipped
from dx_action.errors import BadInput
from dx_action.inputs.model import Inputs
from dx_action.runner.event import Event, PullRequest, PullRequestEvent, PushEvent
from dx_action.services.service import Service


class ServiceLookups(Protocol):
    """The look-ups for what no input and no event says. Each raises ActionError."""

    @property
    def changes(self) -> ChangeLookups:
        """The look-ups for what a deployment ships."""

    def touched(self, change: PullChange | RangeChange) -> tuple[Service, ...]:
        """Return the services whose files the change touches."""

    def merged_by_push(self, before: str | None, after: str, branch: str) -> tuple[MergedPull, ...]:
        """Return the pull requests that a push merged into the branch."""


@dataclass(frozen=True, slots=True)
class PullServices:
    """A pull request, named by its id or else by its number, and the services it touches.

    `others`: it also touches services that this step is not about and that another step may have set. `replace`: services
    that were set before are removed.
    """

    services: tuple[Service, ...]
    pull_id: int | None = None
    pull_number: int | None = None
    others: bool = False
    replace: bool = False

    @property
    def subject(self) -> str:
        """The pull request, as people call it."""
        return f"pull request #{self.pull_number}" if self.pull_number else f"the pull request of id {self.pull_id}"


def assign(
    event: Event, inputs: Inputs, given: tuple[Service, ...], commit: str | None, lookups: ServiceLookups
) -> tuple[PullServices, ...]:
    """Return each pull request with its services: those `given`, else those of its own files.

    Raises BadInput if neither an input nor the event names a pull request, and what `lookups` raises.
    """
    pull = event.pull_request if isinstance(event, PullRequestEvent) else None
    if inputs.pull_number or inputs.pull_id:
        found = [_named(inputs, pull, given, lookups)]
    elif pull:
        found = [PullServices(given or lookups.touched(pull_change(pull)), pull.id, pull.number)]
    elif isinstance(event, PushEvent) and commit and (event.ref or "").startswith("refs/heads/"):
        merged = lookups.merged_by_push(before_push(event), commit, (event.ref or "").removeprefix("refs/heads/"))
        changes = [PullChange(pull.number, pull.base, pull.head, pull.changed_files) for pull in merged]
        found = [
            PullServices(given or lookups.touched(change), pull.id, pull.number)
            for pull, change in zip(merged, changes, strict=True)
        ]
    else:
        raise BadInput.of(
            "pull-number", f"is missing, and this {event.name} event names no pull request of the repository."
        )
    return tuple(replace(pull_services, replace=inputs.replace_pull_services) for pull_services in found)


def only_services(pull_services: tuple[PullServices, ...], services: tuple[Service, ...]) -> tuple[PullServices, ...]:
    """Keep the `services`, if there are any; files say which of them a pull request touches."""
    if not services:
        return pull_services
    kept = []
    for pull in pull_services:
        touched = {service.identifier for service in pull.services}
        left = tuple(service for service in services if service.identifier in touched)
        kept.append(replace(pull, services=left, others=len(left) < len(touched)))
    return tuple(kept)


def changed_only(pull_services: tuple[PullServices, ...]) -> tuple[PullServices, ...]:
    """Leave out pull requests without a service, unless their services in DX are to be removed."""
    return tuple(pull for pull in pull_services if pull.services or (pull.replace and not pull.others))


def nothing_to_send(pull_services: tuple[PullServices, ...], *, deploys: bool) -> Skipped:
    """Return why nothing is sent if there is no service to register, either."""
    if not pull_services and not deploys:
        return Skipped("GitHub found no pull request that this push merged.", "Set `pull-number` to name one.")
    which = "none of the services in `service`" if any(pull.others for pull in pull_services) else "no service"
    return Skipped(
        f"The change touches {which}.", "If it should, add its files to what `services-from` or `service-map` names."
    )


def _named(
    inputs: Inputs, pull: PullRequest | None, given: tuple[Service, ...], lookups: ServiceLookups
) -> PullServices:
    """Prefer the id: a number names a pull request only together with its repository."""
    number, identifier = inputs.pull_number, inputs.pull_id
    if pull and (number in (None, pull.number)) and (identifier in (None, pull.id)):
        number, identifier = pull.number, pull.id
    if given:
        return PullServices(given, identifier, number)
    if number is None:
        raise BadInput.of("pull-number", "is missing: `pull-id` alone does not say which files changed.")
    own = pull if pull and pull.number == number else None
    return PullServices(lookups.touched(pull_change(own) if own else PullChange(number)), identifier, number)

"""Owns which pull requests are to be told which services they touch, by deployments.setPullServices. Pure, but for `lookups`."""

from dataclasses import dataclass, replace
from typing import Protocol

from dx_action.changes.changeset import ChangeLookups, MergedPull, PullChange, RangeChange, before_push, pull_change
from dx_action.deployment.trigger import Skipped
from dx_action.errors import BadInput
from dx_action.inputs.model import Inputs
from dx_action.runner.event import Event, PullRequest, PullRequestEvent, PushEvent
from dx_action.services.service import Service


class ServiceLookups(Protocol):
    """What is to be looked up where no input and no event tells it."""

    @property
    def changes(self) -> ChangeLookups:
        """The look-ups of what a deployment ships."""

    def touched(self, change: PullChange | RangeChange) -> tuple[Service, ...]:
        """Give the services whose files the change touches. Raises ActionError."""

    def merged_by_push(self, before: str | None, after: str, branch: str) -> tuple[MergedPull, ...]:
        """Give the pull requests that a push merged into the branch. Raises ActionError."""


@dataclass(frozen=True, slots=True)
class PullServices:
    """A pull request, by its id or else by its number, and the services it touches.

    `others`: it touches services that this step is not about, and which another one may have told.
    """

    services: tuple[Service, ...]
    pull_id: int | None = None
    pull_number: int | None = None
    others: bool = False

    @property
    def subject(self) -> str:
        """The pull request, as people call it."""
        return f"pull request #{self.pull_number}" if self.pull_number else f"the pull request of id {self.pull_id}"


def assign(
    event: Event, inputs: Inputs, given: tuple[Service, ...], commit: str | None, lookups: ServiceLookups
) -> tuple[PullServices, ...]:
    """Give each pull request its services: those `given`, else those of its own files.

    Raises BadInput where neither an input nor the event names a pull request, and what `lookups` raises.
    """
    pull = event.pull_request if isinstance(event, PullRequestEvent) else None
    if inputs.pull_number or inputs.pull_id:
        return (_named(inputs, pull, given, lookups),)
    if pull:
        return (PullServices(given or lookups.touched(pull_change(pull)), pull.id, pull.number),)
    if isinstance(event, PushEvent) and commit and (event.ref or "").startswith("refs/heads/"):
        merged = lookups.merged_by_push(before_push(event), commit, (event.ref or "").removeprefix("refs/heads/"))
        return tuple(
            PullServices(
                given or lookups.touched(PullChange(each.number, each.base, each.head, each.changed_files)),
                each.id,
                each.number,
            )
            for each in merged
        )
    raise BadInput.of(
        "pull-number", f"is missing, and this {event.name} event names no pull request of the repository."
    )


def of_these(pull_services: tuple[PullServices, ...], services: tuple[Service, ...]) -> tuple[PullServices, ...]:
    """Keep to the services that are given, where some are: files say which of them a pull request touches."""
    if not services:
        return pull_services
    kept = []
    for each in pull_services:
        touched = {service.identifier for service in each.services}
        left = tuple(service for service in services if service.identifier in touched)
        kept.append(replace(each, services=left, others=len(left) < len(touched)))
    return tuple(kept)


def changed_only(pull_services: tuple[PullServices, ...], *, clear: bool) -> tuple[PullServices, ...]:
    """Leave out those without a service; `clear` keeps those that touch none at all, so that DX's list is emptied."""
    return tuple(each for each in pull_services if each.services or (clear and not each.others))


def nothing_to_send(pull_services: tuple[PullServices, ...], *, deploys: bool) -> Skipped:
    """Say why nothing is sent, where there is no service to register, either."""
    if not pull_services and not deploys:
        return Skipped("The push merged no pull request that GitHub knows of.", "Name one by `pull-number`.")
    which = "none of the services in `service`" if any(each.others for each in pull_services) else "no service"
    return Skipped(
        f"The change touches {which}.", "Where it should, add its files to what `services-from` or `service-map` names."
    )


def _named(
    inputs: Inputs, pull: PullRequest | None, given: tuple[Service, ...], lookups: ServiceLookups
) -> PullServices:
    """Use the id where it is known: the number names a pull request only beside its repository."""
    number, identifier = inputs.pull_number, inputs.pull_id
    if pull and (number in (None, pull.number)) and (identifier in (None, pull.id)):
        number, identifier = pull.number, pull.id
    if given:
        return PullServices(given, identifier, number)
    if number is None:
        raise BadInput.of("pull-number", "is missing: `pull-id` alone does not tell which files changed.")
    own = pull if pull and pull.number == number else None
    return PullServices(lookups.touched(pull_change(own) if own else PullChange(number)), identifier, number)

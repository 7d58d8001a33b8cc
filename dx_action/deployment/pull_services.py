"""The pull requests whose services are set by deployments.setPullServices. Pure, but for `lookups`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from dx_action.changes.changeset import (
    ChangeLookups,
    MergedPull,
    PullChange,
    RangeChange,
    before_push,
    named_pull,
    own_pull,
    pull_change,
)
from dx_action.errors import BadInput, Unsaid
from dx_action.inputs.model import Inputs
from dx_action.runner.event import Event, PushEvent
from dx_action.services.service import Service


class ServiceLookups(Protocol):
    """The look-ups for what no input and no event says. Each raises ActionError."""

    @property
    def changes(self) -> ChangeLookups: ...

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the look-ups so far found that a user is to know."""

    def touched(self, change: PullChange | RangeChange) -> tuple[Service, ...]:
        """Return the services whose files the change touches."""

    def touched_by(self, pulls: Sequence[MergedPull]) -> Mapping[int, tuple[Service, ...]]:
        """Return the services whose files each pull request touches, by number."""

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
    def is_sent(self) -> bool:
        """Whether DX is sent it: without a service only if its services in DX are to be removed."""
        return bool(self.services or (self.replace and not self.others))

    @property
    def subject(self) -> str:
        return f"pull request #{self.pull_number}" if self.pull_number else f"the pull request of id {self.pull_id}"


def assign(
    event: Event, inputs: Inputs, given: tuple[Service, ...], commit: str | None, lookups: ServiceLookups
) -> tuple[PullServices, ...]:
    """Return each pull request with its services: those `given`, else those of its own files that `service` lists, if set.

    Raises BadInput if neither an input nor the event names a pull request, and what `lookups` raises.
    """
    own = own_pull(event)
    number, identifier = named_pull(inputs, own)
    if given and (number or identifier):
        found = [PullServices(given, identifier, number)]
    elif number:
        change = pull_change(own) if own and own.number == number else PullChange(number)
        found = [PullServices(lookups.touched(change), identifier, number)]
    elif identifier:
        raise BadInput.of("pull-number", "is missing: `pull-id` alone does not say which files changed.")
    elif isinstance(event, PushEvent) and commit and (event.ref or "").startswith("refs/heads/"):
        merged = lookups.merged_by_push(before_push(event), commit, (event.ref or "").removeprefix("refs/heads/"))
        by_number = {} if given else lookups.touched_by(merged)
        found = [PullServices(given or by_number[pull.number], pull.id, pull.number) for pull in merged]
    else:
        raise Unsaid.of("pull-number", f"is missing, and {event.called} names no pull request of the repository.")
    return tuple(chosen(pull, inputs) for pull in found)


def chosen(pull: PullServices, inputs: Inputs) -> PullServices:
    """Return the pull request with those of its services that `service` lists, if that is set."""
    touched = {service.identifier for service in pull.services}
    services = tuple(service for service in inputs.service or pull.services if service.identifier in touched)
    others = len(services) < len(touched)
    return replace(pull, services=services, others=others, replace=inputs.replace_pull_services)

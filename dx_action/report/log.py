"""The log lines on what will be registered: each value, and where it came from. Pure."""

from collections.abc import Collection, Iterator

from dx_action.changes.changeset import grouped
from dx_action.deployment.registration import DEFAULT, Registration
from dx_action.inputs.values import Sourced
from dx_action.runner.event import Event
from dx_action.text import truncate

# What the end of a job decides.
_AT_THE_END = ("deployed_at", "success", "reference_id")


def foreseen_lines(event: Event, registration: Registration | None) -> tuple[str, ...]:
    """Return the log of the start of `job/`: what would be registered as things are; without it, that takes look-ups."""
    head = "The inputs and the event can be used. Nothing is sent now: the deployment is registered when this job has ended."
    if registration is None:
        return (head, "Its values are looked up at GitHub then.")
    lines = registration_lines(event, registration, _AT_THE_END)
    return (
        head,
        "As things are, its values will be:",
        *lines,
        *(f"Warning: {text}" for text in registration.warnings),
    )


def registration_lines(event: Event, registration: Registration, without: Collection[str] = ()) -> tuple[str, ...]:
    """Return a line for the event and one for each value, aligned, but for those of the names in `without`."""
    if not registration.services.value:
        source = f"  from {registration.services.source}"
        pulls = (line + source for line in _pull_services(registration))
        return (_heading(event), _line("repository", registration.repository), *pulls)
    action = f" ({event.action})" if event.action else ""
    lines = [_line(name, value) for name, value in _values(registration) if value and name not in without]
    return (_heading(event, action), *lines, *_pull_services(registration), *_what_ships(registration))


def _heading(event: Event, action: str = "") -> str:
    return f"Event {event.name}{action}:" if event.name else "The arguments:"


def _line(name: str, value: Sourced[str]) -> str:
    source = " (default)" if value.source == DEFAULT else f"  from {value.source}" if value.source else ""
    return f"  {name:<18} {truncate(value.value, 300)}{source}"


def _values(registration: Registration) -> Iterator[tuple[str, Sourced[str] | None]]:
    services, shas, success = registration.services, registration.merge_commit_shas, registration.success
    sends_commit = registration.attribution.value == "commit" or (
        shas is not None and not all(registration.merge_commits_of(service.identifier) for service in services.value)
    )
    yield "repository", registration.repository
    yield "commit_sha" if sends_commit else "commit (not sent)", registration.commit
    yield "merge_commit_shas", Sourced(", ".join(sha[:12] for sha in shas.value), shas.source) if shas else None
    yield "attribution", Sourced(registration.attribution.value, registration.attribution.source)
    yield "service", Sourced(", ".join(service.identifier for service in services.value), services.source)
    yield "deployed_at", registration.deployed_at
    yield "success", Sourced(str(success.value).lower(), success.source)
    yield "environment", registration.environment
    yield "reference_id", Sourced(", ".join(registration.reference_ids.value), registration.reference_ids.source)
    yield "source_url", registration.source_url
    for found in _looked_up(registration):
        yield "metadata", found


def _looked_up(registration: Registration) -> list[Sourced[str]]:
    """Return what was looked up for `metadata`, once for all services that have the same."""

    def shown(service: str) -> tuple[str, str]:
        found = registration.changes.metadata_of(service)
        values = ", ".join(f"{key} {value.value}".lower() for key, value in found.items())
        return values, ", ".join(dict.fromkeys(value.source for value in found.values()))

    groups = grouped((shown(service.identifier), service.identifier) for service in registration.services.value)
    return [
        Sourced(values, sources if len(groups) == 1 else f"{sources} ({truncate(', '.join(names), 100)})")
        for (values, sources), names in groups.items()
        if values
    ]


def _what_ships(registration: Registration) -> Iterator[str]:
    for service, change_set in registration.changes.by_service.items():
        label, previous = "previous deployment" if change_set.certain else "compared with", change_set.previous
        since = f"; {label}: {previous.value} from {previous.source}" if previous else ""
        yield f"  {truncate(service, 100)}: {change_set.headline(registration.sha)}{since}"


def _pull_services(registration: Registration) -> Iterator[str]:
    for pull in registration.pull_services:
        names = truncate(", ".join(service.identifier for service in pull.services), 300)
        yield f"  {pull.subject}: services {names or 'none'}" + (", replacing all others" if pull.replace else "")

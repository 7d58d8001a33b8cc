"""Owns how the log tells what was found: each value, and where it came from. Pure."""

from dx_action.deployment.registration import Registration
from dx_action.inputs.values import Sourced
from dx_action.runner.event import Event
from dx_action.text import truncate


def found_lines(event: Event, registration: Registration) -> tuple[str, ...]:
    """Give a line for the event and one for each value, aligned."""
    if not registration.services.value:
        repository, source = registration.repository, f"  from {registration.services.source}"
        first = f"  {'repository':<18} {truncate(repository.value, 300)}  from {repository.source}"
        return (f"Event {event.name}:", first, *(line + source for line in _told(registration)))
    shas, attribution = registration.merge_commit_shas, registration.attribution
    sends_commit = attribution.value == "commit" or (
        shas is not None
        and not all(registration.merge_commits_of(each.identifier) for each in registration.services.value)
    )
    rows: list[tuple[str, Sourced[str] | None]] = [
        ("repository", registration.repository),
        ("commit_sha" if sends_commit else "commit (not sent)", registration.commit),
        ("merge_commit_shas", Sourced(", ".join(sha[:12] for sha in shas.value), shas.source) if shas else None),
        ("attribution", Sourced(attribution.value, attribution.source)),
        (
            "service",
            Sourced(", ".join(each.identifier for each in registration.services.value), registration.services.source),
        ),
        ("deployed_at", registration.deployed_at),
        (
            "success",
            Sourced(str(registration.success.value).lower(), registration.success.source)
            if registration.success
            else None,
        ),
        ("environment", registration.environment),
        ("reference_id", Sourced(", ".join(registration.reference_ids.value), registration.reference_ids.source)),
        ("source_url", registration.source_url),
        *(("metadata", found) for found in _times(registration)),
    ]
    action = f" ({event.action})" if event.action else ""
    lines = [f"Event {event.name}{action}:"]
    for name, found in rows:
        if found:
            source = f"  from {found.source}" if found.source else ""
            lines.append(f"  {name:<18} {truncate(found.value, 300)}{source}")
    return (*lines, *_told(registration), *_shipped(registration))


def _times(registration: Registration) -> list[Sourced[str]]:
    """Tell the times of lead time, once for all services that have the same."""
    told: dict[tuple[str, str], list[str]] = {}
    for service in registration.services.value:
        times = registration.changes.lead_times_of(service.identifier)
        values = ", ".join(f"{key} {each.value}" for key, each in times.items())
        sources = ", ".join(dict.fromkeys(each.source for each in times.values()))
        told.setdefault((values, sources), []).append(service.identifier)
    alone = len(told) == 1
    return [
        Sourced(values, sources if alone else f"{sources} ({truncate(', '.join(names), 100)})")
        for (values, sources), names in told.items()
        if values
    ]


def _shipped(registration: Registration) -> list[str]:
    """Tell what each service ships, since when, and what names the one before."""
    lines = []
    for service, each in registration.changes.by_service.items():
        before = "deployed before" if each.certain else "compared with"
        since = f"; {before}: {each.previous.value} from {each.previous.source}" if each.previous else ""
        commit = registration.commit.value if registration.commit else ""
        lines.append(f"  {truncate(service, 100)}: {each.headline(commit)}{since}")
    return lines


def _told(registration: Registration) -> list[str]:
    """Tell which pull requests are to be told which services."""
    lines = []
    for pull in registration.pull_services:
        services = ", ".join(service.identifier for service in pull.services)
        how = "is cleared, then told" if pull.replace else "is told"
        lines.append(f"  {pull.subject} {how} {truncate(services, 300) or 'no service'}")
    return lines

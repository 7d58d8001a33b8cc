"""Owns how the log tells what was found: each value, and where it came from. Pure."""

from dx_action.deployment.plan import lead_times, merge_commits
from dx_action.deployment.registration import Context
from dx_action.inputs.values import Found
from dx_action.runner.event import Event
from dx_action.text import short


def found_lines(event: Event, context: Context) -> tuple[str, ...]:
    """Give a line for the event and one for each value, aligned."""
    if not context.services.value:
        repository, source = context.repository, f"  from {context.services.source}"
        first = f"  {'repository':<18} {short(repository.value, 300)}  from {repository.source}"
        return (f"Event {event.name}:", first, *(line + source for line in _told(context)))
    shas, attribution = context.merge_commit_shas, context.attribution
    sends_commit = attribution == "commit" or (
        shas is not None and not all(merge_commits(context, each) for each in context.services.value)
    )
    rows: list[tuple[str, Found[str] | None]] = [
        ("repository", context.repository),
        ("commit_sha" if sends_commit else "commit (not sent)", context.commit),
        ("merge_commit_shas", Found(", ".join(sha[:12] for sha in shas.value), shas.source) if shas else None),
        ("attribution", Found(attribution, context.attribution_source)),
        ("service", Found(", ".join(each.identifier for each in context.services.value), context.services.source)),
        ("deployed_at", context.deployed_at),
        ("success", Found(str(context.success.value).lower(), context.success.source) if context.success else None),
        ("environment", Found(context.environment, "input environment") if context.environment else None),
        ("reference_id", Found(", ".join(context.reference_ids.value), context.reference_ids.source)),
        ("source_url", context.source_url),
        *(("metadata", found) for found in _times(context)),
    ]
    action = f" ({event.action})" if event.action else ""
    lines = [f"Event {event.name}{action}:"]
    for name, found in rows:
        if found:
            source = f"  from {found.source}" if found.source else ""
            lines.append(f"  {name:<18} {short(found.value, 300)}{source}")
    return (*lines, *_told(context), *_shipped(context))


def _times(context: Context) -> list[Found[str]]:
    """Tell the times of lead time, once for all services that have the same."""
    told: dict[tuple[str, str], list[str]] = {}
    for service in context.services.value:
        times = lead_times(context.shipping, service.identifier)
        values = ", ".join(f"{key} {each.value}" for key, each in times.items())
        sources = ", ".join(dict.fromkeys(each.source for each in times.values()))
        told.setdefault((values, sources), []).append(service.identifier)
    alone = len(told) == 1
    return [
        Found(values, sources if alone else f"{sources} ({short(', '.join(names), 100)})")
        for (values, sources), names in told.items()
        if values
    ]


def _shipped(context: Context) -> list[str]:
    """Tell what each service ships, since when, and what names the one before."""
    lines = []
    for service, each in context.shipping.by_service.items():
        before = "deployed before" if each.certain else "compared with"
        since = f"; {before}: {each.previous.value} from {each.previous.source}" if each.previous else ""
        commit = context.commit.value if context.commit else ""
        lines.append(f"  {short(service, 100)}: {each.headline(commit)}{since}")
    return lines


def _told(context: Context) -> list[str]:
    """Tell which pull requests are to be told which services."""
    how = "is cleared, then told" if context.replace else "is told"
    names = [(each, ", ".join(service.identifier for service in each.services)) for each in context.assignments]
    return [f"  {each.subject} {how} {short(services, 300) or 'no service'}" for each, services in names]

"""The rows of `operation: set-pull-services` with `since`: a call for each pull request that a window of time merged, oldest first.

The services are those of today's map, catalogs or CODEOWNERS. DX groups what it has by the services of today, and hardly any old
commit has a map.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from dx_action.backfill.store import Rows
from dx_action.backfill.tally import PullWindow, Unread
from dx_action.deployment.calls import pull_call, refuse_secrets
from dx_action.deployment.pull_services import PullServices, chosen
from dx_action.github.errors import LASTING
from dx_action.github.lookups import UnreadFilesError
from dx_action.inputs.filters import matches_branch
from dx_action.inputs.model import Inputs
from dx_action.inputs.past import window
from dx_action.inputs.times import iso
from dx_action.secrecy import Secrets
from dx_action.services.service import Service, by_name, space_warnings
from dx_action.text import join_names, one_line, plural

if TYPE_CHECKING:
    from dx_action.github.lookups import Lookups
    from dx_action.github.past_pulls import PastPull, PastPulls

# After so many in succession that GitHub does not answer about, no further one is asked for by itself.
_MOST_UNANSWERED = 3


def rows_from_window(
    inputs: Inputs, repository: str, lookups: "Lookups", now: datetime, say: Callable[[str], None], secrets: Secrets
) -> tuple[Rows, PullWindow]:
    """Return a row for each pull request that is sent, and what else the window has. `now` is UTC.

    Raises BadInput and LookupFailedError.
    """
    since, until = window(inputs, now)
    found = lookups.merged_between(since, until)
    pulls = _counting(found, inputs)
    branches = join_names(inputs.only_branches or [found.default_branch or "the default branch"])
    say(f"Read {plural(len(pulls), 'pull request')} merged into {branches} from {iso(since)} to {iso(until)}")
    if others := len(found.by_number) - len(pulls):
        say(f"  Left out {plural(others, 'pull request')} merged into another branch")
    rows, merged_at, services, unread, none = Rows(), list[datetime](), list[tuple[str, ...]](), list[Unread](), 0
    for past, touched in _touched(pulls, inputs, repository, lookups, say):
        if isinstance(touched, Unread):
            unread.append(touched)
            continue
        pull = chosen(PullServices(touched, past.id, past.change.number), inputs)
        if not pull.is_sent:
            none += 1
            continue
        call = pull_call(pull, repository)
        refuse_secrets([call], None, secrets)
        rows.add(call, past.change.number)
        merged_at.append(past.merged_at)
        services.append(tuple(service.identifier for service in pull.services))
    if none:
        say(f"  {plural(none, 'pull request touches', 'pull requests touch')} no service")
    unread += [Unread(0, since, "GitHub did not return them, as if `github-token` may not read them")] * found.missing
    place = f"into {branches} from {iso(since)} to {iso(until)}"
    return rows, PullWindow(
        repository=repository,
        place=place,
        read=len(pulls),
        merged_at=tuple(merged_at),
        services=tuple(services),
        none=none,
        unread=tuple(unread),
    )


def remarks(inputs: Inputs, repository: str, lookups: "Lookups") -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the warnings and the notices about where the services and the pull requests come from."""
    warnings = (*space_warnings(inputs.service), *lookups.warnings)
    if inputs.service or inputs.services_source != "input":
        return warnings, ()
    name = one_line(by_name(repository).identifier)
    return warnings, (f"`service` is not set, so each pull request counts for {name}, the name of the repository.",)


def _counting(found: "PastPulls", inputs: Inputs) -> "list[PastPull]":
    """Return the pull requests into a branch that counts, oldest first."""
    only = inputs.only_branches
    counting = (
        pull
        for pull in found.by_number.values()
        if (matches_branch(only, pull.base_ref) if only else pull.base_ref == found.default_branch)
    )
    return sorted(counting, key=lambda pull: (pull.merged_at, pull.change.number))


def _touched(
    pulls: "Iterable[PastPull]", inputs: Inputs, repository: str, lookups: "Lookups", say: Callable[[str], None]
) -> "Iterator[tuple[PastPull, tuple[Service, ...] | Unread]]":
    """Yield the services of each pull request, or why its files are not known."""
    if inputs.services_source == "input":
        given = inputs.service or (by_name(repository),)
        yield from ((pull, given) for pull in pulls)
        return
    pulls = tuple(pulls)
    if alone := sum(pull.files is None for pull in pulls):
        say(f"  Asking for the files of {plural(alone, 'pull request')} one by one: they are more than 100, or moved")
    stopped, failed = None, 0
    for pull in pulls:
        if stopped and pull.files is None:
            yield pull, _unread(pull, stopped)
            continue
        try:
            touched = lookups.past_services(pull)
        except UnreadFilesError as error:
            yield pull, _unread(pull, error)
            failed += error.cause is not None and error.cause.kind == "unavailable"
            lasting = error.cause is not None and error.cause.kind in LASTING
            stopped = error if lasting or failed >= _MOST_UNANSWERED else None
            continue
        failed = 0 if pull.files is None else failed
        yield pull, touched


def _unread(pull: "PastPull", error: UnreadFilesError) -> Unread:
    return Unread(pull.change.number, pull.merged_at, str(error), outage=bool(error.cause and error.cause.outage))

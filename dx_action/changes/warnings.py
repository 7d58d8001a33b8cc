"""The warnings and notices about changes: why DX is sent less than was asked for, and what may be wrong. Pure."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from dx_action.changes.changeset import Changes, ChangeSet
from dx_action.inputs.times import parse_time_or_none
from dx_action.text import join_names

# More than a team merges between two deployments, or older than a merged change stays undeployed.
MANY, OLD = 50, timedelta(days=60)


def warnings(changes: Changes, services: Sequence[str], deployed_at: str, *, discovers: bool) -> Iterator[str]:
    """Yield what may make a metric wrong. `discovers`: DX was to be sent discovered merge commits."""
    if discovers:
        for reason, names in (*changes.reasons.items(), *_empty(changes)):
            yield (
                f"{_attributed(names, services)} by commit instead of merge commits, because {reason}. "
                "DX works out the pull requests since the last deployment it knows."
            )
    elif changes.listed:
        for reason, names in _empty(changes):
            yield f"No pull requests are listed{_for(names, services)}, because {reason}."
    for change_set, names in _shipping(changes):
        pulls, oldest = change_set.pulls, change_set.pulls[0]
        if len(pulls) > MANY and change_set.previous:
            yield (
                f"This deployment{_of(names, services)} ships {len(pulls)} pull requests, far more than usual. "
                "Check that it is compared with the right commit; `since-sha` sets it."
            )
        deployed, merged = parse_time_or_none(deployed_at), parse_time_or_none(oldest.merged_at)
        if deployed and merged and deployed - merged > OLD:
            yield (
                f"The oldest pull request that ships{_of(names, services)}, #{oldest.number}, was merged on "
                f"{oldest.merged_at[:10]}. If it was already deployed, that deployment is not in DX and the lead time is wrong."
            )


def notices(changes: Changes, services: Sequence[str], *, discovers: bool) -> Iterator[str]:
    """Yield what explains the attribution, or why what is shown is not certain."""
    if not discovers:
        for reason, names in changes.reasons.items():
            yield f"What ships{_of(names, services)} is not certain, because {reason}."
        return
    for course, reason in (
        ("rollback", "the deployment goes back to an earlier commit"),
        ("redeploy", "the commit was deployed before"),
    ):
        names = tuple(
            name
            for name, change_set in changes.by_service.items()
            if change_set.certain and change_set.course == course
        )
        if names:
            yield f"{_attributed(names, services)} by commit, because {reason} and nothing new ships."


def _empty(changes: Changes) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield why services ship no pull request, for example because commits were pushed to the branch."""
    by_reason: dict[str, list[str]] = {}
    for name, change_set in changes.by_service.items():
        if change_set.certain and change_set.previous and change_set.ships and not change_set.pulls:
            reason = f"no pull request was merged since {change_set.previous.value[:12]}"
            by_reason.setdefault(reason, []).append(name)
    for reason, names in by_reason.items():
        yield reason, tuple(names)


def _shipping(changes: Changes) -> Iterator[tuple[ChangeSet, tuple[str, ...]]]:
    """Yield what ships, once for all services that ship the same."""
    by_pulls: dict[tuple[int, ...], tuple[ChangeSet, list[str]]] = {}
    for name, change_set in changes.by_service.items():
        if change_set.pulls and change_set.ships:
            numbers = tuple(pull.number for pull in change_set.pulls)
            by_pulls.setdefault(numbers, (change_set, []))[1].append(name)
    for change_set, names in by_pulls.values():
        yield change_set, tuple(names)


def _attributed(names: Sequence[str], services: Sequence[str]) -> str:
    if len(names) == len(services):
        return "Attributed"
    noun, verb = ("deployment", "is") if len(names) == 1 else ("deployments", "are")
    return f"The {noun} of {join_names(names)} {verb} attributed"


def _of(names: Sequence[str], services: Sequence[str]) -> str:
    return "" if len(names) == len(services) else f" of {join_names(names)}"


def _for(names: Sequence[str], services: Sequence[str]) -> str:
    return "" if len(names) == len(services) else f" for {join_names(names)}"

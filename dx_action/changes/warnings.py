"""The warnings and notices about changes: why DX is sent less than was asked for, and what may be wrong. Pure."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from dx_action.changes.changeset import Changes, Course, grouped
from dx_action.inputs.times import parse_time_or_none
from dx_action.text import join_names

# More than a team merges between two deployments, or older than a merged change stays undeployed.
MANY, OLD = 50, timedelta(days=60)


def warnings(changes: Changes, services: Sequence[str], deployed_at: str, *, discovers: bool) -> Iterator[str]:
    """Yield what may make a metric wrong. `discovers`: DX was to be sent discovered merge commits."""
    if discovers:
        for reason, names in (*changes.reasons.items(), *_empty(changes).items()):
            yield (
                f"{_attributed(names, services)} by commit instead of merge commits, because {reason}. "
                "DX works out the pull requests since the last deployment it knows."
            )
    elif changes.listed:
        for reason, names in _empty(changes).items():
            yield f"No pull requests are listed{_some('for', names, services)}, because {reason}."
    shipping = grouped(
        ((change_set.pulls, bool(change_set.previous)), name)
        for name, change_set in changes.by_service.items()
        if change_set.pulls and change_set.ships
    )
    for (pulls, compared), names in shipping.items():
        of, oldest = _some("of", names, services), pulls[0]
        if len(pulls) > MANY and compared:
            yield (
                f"This deployment{of} ships {len(pulls)} pull requests, far more than usual. "
                "Check that it is compared with the right commit; `since-sha` sets it."
            )
        deployed, merged = parse_time_or_none(deployed_at), parse_time_or_none(oldest.merged_at)
        if deployed and merged and deployed - merged > OLD:
            yield (
                f"The oldest pull request that ships{of}, #{oldest.number}, was merged on "
                f"{oldest.merged_at[:10]}. If it was already deployed, that deployment is not in DX and the lead time is wrong."
            )


def notices(changes: Changes, services: Sequence[str], *, discovers: bool) -> Iterator[str]:
    """Yield what explains the attribution, or why what is shown is not certain."""
    if not discovers:
        for reason, names in changes.reasons.items():
            yield f"What ships{_some('of', names, services)} is not certain, because {reason}."
        return
    by_course = grouped(
        (change_set.course, name) for name, change_set in changes.by_service.items() if change_set.certain
    )
    reasons: dict[Course, str] = {
        "rollback": "the deployment goes back to an earlier commit",
        "redeploy": "the commit was deployed before",
    }
    for course, reason in reasons.items():
        if course in by_course:
            yield f"{_attributed(by_course[course], services)} by commit, because {reason} and nothing new ships."


def _empty(changes: Changes) -> dict[str, tuple[str, ...]]:
    """Return the services that ship no pull request, by the reason. Commits may have been pushed to the branch."""
    return grouped(
        (f"no pull request was merged since {change_set.previous.value[:12]}", name)
        for name, change_set in changes.by_service.items()
        if change_set.certain and change_set.previous and change_set.ships and not change_set.pulls
    )


def _attributed(names: Sequence[str], services: Sequence[str]) -> str:
    if len(names) == len(services):
        return "Attributed"
    noun, verb = ("deployment", "is") if len(names) == 1 else ("deployments", "are")
    return f"The {noun} of {join_names(names)} {verb} attributed"


def _some(preposition: str, names: Sequence[str], services: Sequence[str]) -> str:
    return "" if len(names) == len(services) else f" {preposition} {join_names(names)}"

"""Owns what is said of what ships beyond the facts: why attribution is by less than was asked for, and what looks wrong. Pure."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from dx_action.changes.changeset import Changes, ChangeSet, MergedPull
from dx_action.inputs.times import parse_time_or_none
from dx_action.text import join_names

# More than a team merges in the days between two deployments, or older than it leaves what is merged.
MANY, OLD = 50, timedelta(days=60)


def warnings(changes: Changes, services: Sequence[str], deployed_at: str, *, discovers: bool) -> Iterator[str]:
    """Give what may make a metric wrong. `discovers`: DX was to be sent the merge commits of what ships."""
    if discovers:
        for why, those in (*changes.reasons.items(), *_empty(changes)):
            yield (
                f"{_of(those, services)} attributed by the commit, not by merge commits: {why}. DX then fills the gap "
                "since the deployment that it knows before."
            )
    elif changes.listed:
        for why, those in _empty(changes):
            yield f"Nothing ships{_for(those, services)} that came by a pull request: {why}."
    for pulls, since, those in _doubtful(changes):
        if len(pulls) > MANY and since:
            yield (
                f"This deployment{_for(those, services)} ships {len(pulls)} pull requests, which is far more than one mostly does. "
                "Check that what was deployed before is found right; `since-sha` sets it."
            )
        oldest = pulls[0]
        deployed, merged = parse_time_or_none(deployed_at), parse_time_or_none(oldest.merged_at)
        if deployed and merged and deployed - merged > OLD:
            yield (
                f"The oldest pull request that ships{_for(those, services)}, #{oldest.number}, was merged on "
                f"{oldest.merged_at[:10]}. Where it was deployed since then, DX was not told, and its lead time is wrong."
            )


def notices(changes: Changes, services: Sequence[str], *, discovers: bool) -> Iterator[str]:
    """Give what explains the rest."""
    if not discovers:
        for why, those in changes.reasons.items():
            yield f"What ships{_for(those, services)} is not known for certain: {why}."
        return
    for course, why in (("rollback", "goes back to"), ("redeploy", "is once more")):
        those = tuple(name for name, each in changes.by_service.items() if each.certain and each.course == course)
        if those:
            yield (
                f"{_of(those, services)} attributed by the commit: the deployment {why} what was deployed before, and "
                "ships nothing new."
            )


def _empty(changes: Changes) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Give those that go on without a pull request, as where commits are pushed to the branch."""
    found: dict[str, list[str]] = {}
    for name, each in changes.by_service.items():
        if each.certain and each.previous and each.course in ("forward", "diverged") and not each.pulls:
            found.setdefault(f"since {each.previous.value[:12]} no pull request of it was merged", []).append(name)
    for why, those in found.items():
        yield why, tuple(those)


def _doubtful(changes: Changes) -> Iterator[tuple[Sequence[MergedPull], bool, tuple[str, ...]]]:
    """Give what goes on, once for all services that ship the same."""
    found: dict[tuple[int, ...], tuple[ChangeSet, list[str]]] = {}
    for name, each in changes.by_service.items():
        if each.pulls and each.course in ("forward", "diverged"):
            found.setdefault(tuple(pull.number for pull in each.pulls), (each, []))[1].append(name)
    for each, those in found.values():
        yield each.pulls, each.previous is not None, tuple(those)


def _of(those: Sequence[str], services: Sequence[str]) -> str:
    if len(those) == len(services):
        return "The deployment is" if len(those) == 1 else "The deployments are"
    return f"The deployment{'s' if len(those) > 1 else ''} of {join_names(those)} {'are' if len(those) > 1 else 'is'}"


def _for(those: Sequence[str], services: Sequence[str]) -> str:
    return "" if len(those) == len(services) else f" of {join_names(those)}"

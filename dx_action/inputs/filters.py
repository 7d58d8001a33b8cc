"""The globs of `only-branches` and `only-environments`, and what they match, in time linear in pattern times text. Pure."""

import re
from collections.abc import Iterable

from dx_action.errors import InvalidValue
from dx_action.inputs.values import parse_texts
from dx_action.runner.event import Deployment
from dx_action.text import slip

# Without `only-environments`: what counts as production by its name alone.
_PRODUCTION = ("prod*",)
# What git forbids in a branch name, except for the star. Two of them have a meaning in GitHub's own filters.
_IN_NO_BRANCH = r"[\x00-\x20\x7f?\[\\~^:]"


def parse_branches(text: str) -> tuple[str, ...]:
    """Read a list of globs. Raises InvalidValue for syntax that only GitHub's filters have: it would match no branch."""
    found = parse_globs(text)
    if any(pattern.startswith("!") for pattern in found):
        raise InvalidValue(
            "has a glob that begins with `!`. Name only the branches that count, as in main or release/**."
        )
    if any(pattern.startswith("refs/") for pattern in found):
        raise InvalidValue("has a glob that begins with `refs/`. Write the name alone, as in main; tags need none.")
    if any(re.search(_IN_NO_BRANCH, pattern) for pattern in found):
        raise InvalidValue(
            "has a glob with a character that a branch name cannot have. "
            "Only `*` and `**` have a meaning, as in release/**; write one glob a line."
        )
    return found


def parse_globs(text: str) -> tuple[str, ...]:
    """Read a list of globs. Raises InvalidValue for one that nobody can have meant: it would skip every deployment."""
    found = parse_texts(text)
    if wrong := next(filter(None, map(slip, found)), None):
        raise InvalidValue(f"has a glob that {wrong[0]}. {wrong[1]}")
    return found


def matches_branch(patterns: Iterable[str], branch: str) -> bool:
    """Return whether a pattern matches the whole branch name: `*` is any text without `/`, `**` any text."""
    return any(_matches(pattern, branch, slash=False) for pattern in patterns)


def matches_environment(patterns: Iterable[str], environment: str) -> bool:
    """Return whether a pattern matches the whole name, in any case: `*` is any text, `/` included."""
    return any(_matches(pattern.casefold(), environment.casefold(), slash=True) for pattern in patterns)


def _matches(pattern: str, text: str, *, slash: bool) -> bool:
    """Walk the text once with the set of places in the pattern that may come next, so that nothing backtracks."""
    tokens = re.findall(r"\*+|[^*]", pattern)
    stars = [place for place, token in enumerate(tokens) if token.startswith("*")]

    def pass_stars(places: set[int]) -> set[int]:
        for place in stars:  # which may stand for nothing
            if place in places:
                places.add(place + 1)
        return places

    places = pass_stars({0})
    for character in text:
        kept = {place for place in stars if place in places and (slash or character != "/" or tokens[place] != "*")}
        places = pass_stars(kept | {place + 1 for place in places if tokens[place : place + 1] == [character]})
    return len(tokens) in places


def counts(deployment: Deployment, only_environments: tuple[str, ...]) -> bool:
    """Return whether the deployment's environment counts as production."""
    name = deployment.environment or ""
    if only_environments:
        return matches_environment(only_environments, name)
    if deployment.transient_environment:
        return False
    return bool(deployment.production_environment) or is_production(name)


def is_production(environment: str) -> bool:
    """Return whether the name alone says that it is production."""
    return matches_environment(_PRODUCTION, environment)

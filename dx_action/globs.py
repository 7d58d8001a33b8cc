"""Owns the globs of `only-branches` and `only-environments`. Pure, and linear in pattern times text."""

from collections.abc import Iterable


def matches_branch(patterns: Iterable[str], branch: str) -> bool:
    """Tell whether a pattern matches the whole branch: `*` any run without `/`, `**` any run."""
    return any(_matches(pattern, branch, slash=False) for pattern in patterns)


def matches_environment(patterns: Iterable[str], environment: str) -> bool:
    """Tell whether a pattern matches the whole name in any case: `*` any run, `/` included."""
    return any(_matches(pattern.casefold(), environment.casefold(), slash=True) for pattern in patterns)


def _matches(pattern: str, text: str, *, slash: bool) -> bool:
    """Walk the text once with the set of places in the pattern that may come next: no backtracking."""
    tokens: list[str] = []
    position = 0
    while position < len(pattern):
        stars = len(pattern) - position - len(pattern[position:].lstrip("*"))
        tokens.append("**" if stars > 1 or (stars and slash) else pattern[position])
        position += stars or 1

    def reach(places: set[int]) -> set[int]:
        for place in sorted(places):
            after = place
            while after < len(tokens) and tokens[after] in ("*", "**"):
                after += 1
                places.add(after)
        return places

    places = reach({0})
    for character in text:
        after: set[int] = set()
        for place in places:
            if place == len(tokens):
                continue
            token = tokens[place]
            if token == "**" or (token == "*" and character != "/"):
                after.add(place)
            elif token == character:
                after.add(place + 1)
        places = reach(after)
    return len(tokens) in places

"""Variables that are named like an input of the action, and are none: slips of the pen, and what is somebody else's. Pure."""

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from dx_action.errors import Problem
from dx_action.text import join_names, one_line, truncate

# As many letters as a slip changes, adds, drops or swaps with the next one.
_SLIP = 2
# The runner itself sets these for a container action; the last one is hidden in `job/`.
_RUNNER = ("INPUT_ARGS", "INPUT_ENTRYPOINT", "INPUT_JOB-STATUS")


class Stranger(NamedTuple):
    """A variable that is no input's. `meant` are the inputs that it may stand for; `same`: it differs from theirs only in case."""

    variable: str
    meant: tuple[str, ...]
    same: bool = False

    @property
    def shown(self) -> str:
        """The name as its author wrote it, if GitHub's runner made the variable of it."""
        name = self.variable if self.same else self.variable.removeprefix("INPUT_").lower()
        return truncate(one_line(name).replace("`", ""), 60)


def strangers(variables: Iterable[str], inputs: Collection[str]) -> Iterator[Stranger]:
    """Yield what each variable is, unless it is the runner's or only another program would take it for an input."""
    ours = {_variable(name): name for name in inputs}
    for variable in variables:
        upper = variable.upper()
        if upper in ours:
            yield Stranger(variable, (ours[upper],), same=True)
        elif variable.startswith("INPUT_") and upper not in _RUNNER:
            yield Stranger(variable, tuple(nearest(variable.removeprefix("INPUT_"), inputs)))


def slips(found: Iterable[Stranger]) -> Iterator[Problem]:
    for stranger in found:
        names = " or ".join(f"`{name}`" for name in stranger.meant)
        if stranger.same:
            text = f"differs from the variable of {names} only in case, and the runner does not write it so. Remove it."
            yield Problem(stranger.shown, text)
        elif names:
            text = (
                f"is not an input of this action: did you mean {names}? If it is a variable of `env:`, rename it there."
            )
            yield Problem(stranger.shown, text)


def unknown(found: Iterable[Stranger]) -> tuple[str, ...]:
    """Return a warning of those that are not like any input."""
    names = [f"`{stranger.shown}`" for stranger in found if not stranger.meant]
    if not names:
        return ()
    what = "is not an input of this action and is" if len(names) == 1 else "are not inputs of this action and are"
    return (f"{join_names(names)} {what} ignored. Check the name, or remove it from `with:` and `env:`.",)


def _variable(name: str) -> str:
    return f"INPUT_{name.upper()}"


def nearest(name: str, inputs: Collection[str]) -> Iterator[str]:
    """Yield the inputs that are the fewest letters away, if at most `_SLIP`. All hyphens together count as one letter."""
    # Authors write `_` for a hyphen, and the runner for a space.
    hyphened = name.lower().replace("_", "-").replace(" ", "-")
    letters = hyphened.replace("-", "")
    distances = {ours: min(_distance(hyphened, ours), _distance(letters, ours.replace("-", "")) + 1) for ours in inputs}
    least = min(distances.values())
    return (ours for ours, distance in distances.items() if distance == least <= _SLIP)


def _distance(one: str, other: str) -> int:
    """Return how many letters are changed, added, dropped or swapped with the next; beyond `_SLIP`, only that it is more."""
    if abs(len(one) - len(other)) > _SLIP:
        return _SLIP + 1
    before, row = list[int](), list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        above, before_that = row, before
        row = [at]
        for place, meant in enumerate(other, 1):
            cost = min(above[place] + 1, row[-1] + 1, above[place - 1] + (letter != meant))
            if at > 1 < place and (letter, one[at - 2]) == (other[place - 2], meant):
                cost = min(cost, before_that[place - 2] + 1)
            row.append(cost)
        before = above
    return row[-1]

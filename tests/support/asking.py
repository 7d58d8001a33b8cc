"""What the tests of the client of GitHub share: a look-up by each of its APIs, its failure, and clocks."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from dx_action.github.client import Repository
from dx_action.github.errors import LookupFailedError
from dx_action.github.graphql import Node, Query, ask
from dx_action.runner.runtime import Clock
from runner import NOW
from scenes import speaking
from stand_in import GitHub

PULL = "pulls/1"
FIELDS = "pullRequest(number: 1) { number }"
EVIL = "::error::evil ##[error]evil github-token"
Ask = Callable[[Repository], Any]


class Numbered(Node):
    """A pull request, as both of GitHub's APIs have it."""

    number: int


class Answered(Node):
    """What GraphQL says of a repository with one."""

    pull_request: Numbered


def rest(api: Repository) -> Any:
    return api.get(PULL, "pull-requests", Numbered).number


def graphql(api: Repository) -> Any:
    return ask(api, Query(FIELDS, "pull-requests"), Answered).pull_request.number


def late(*moments: float) -> Clock:
    """A clock that shows these moments, and then the last for ever."""
    left = list(moments)
    return Clock(lambda: left.pop(0) if len(left) > 1 else left[0], lambda _seconds: None, lambda: NOW, lambda: 0.5)


class Patience:
    """A clock for which waiting takes no time, and which remembers how long it waited."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.clock = Clock(lambda: time.monotonic() + sum(self.waits), self.waits.append, lambda: NOW, lambda: 0.5)


def failure(gh: GitHub, ask: Ask, **how: Any) -> str:
    """Give the sentence of a look-up that fails; no text of GitHub's may be in it, nor the token."""
    with speaking(gh, **how) as api, pytest.raises(LookupFailedError) as failed:
        ask(api)
    (problem,) = failed.value.problems
    assert "evil" not in str(problem)
    assert gh.token not in str(problem).replace("`github-token`", "")
    return str(problem)

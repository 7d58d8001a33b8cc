"""Owns misbehaviour on demand: which request it befalls, and how often. Doing it is the wire's part."""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One misdeed, done to requests whose path matches.

    `path` is a regular expression, searched in `/repos/acme/shop/pulls/1/files` or `/graphql`; `times=None` is for ever;
    `after` so many matching requests. `limit` is a rate limit, `wait` its seconds; `errors` is a GraphQL answer's list;
    `delay` alone makes a slow answer, `hang` is one that never comes, `cut` is half a body. `edit` changes the JSON of the
    right answer, in place or by what it returns.
    """

    path: str = ""
    method: str | None = None
    times: int | None = 1
    after: int = 0
    status: int | None = None
    message: str = "Server Error"
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    limit: Literal["primary", "secondary"] | None = None
    wait: int = 60
    errors: list[dict[str, Any]] | None = None
    delay: float = 0.0
    hang: float = 0.0
    reset: bool = False
    cut: bool = False
    edit: Callable[[Any], Any] | None = None

    def __post_init__(self) -> None:
        if not self.harmful and not self.delay and not self.edit:
            raise ValueError(
                "a fault that does nothing: give a status, a limit, errors, hang, reset, cut, edit or a delay"
            )

    @property
    def harmful(self) -> bool:
        """Say whether it is more than a delay."""
        return any((self.status, self.body, self.limit, self.errors is not None, self.hang, self.reset, self.cut))


@dataclass(slots=True)
class _Turn:
    fault: Fault
    seen: int = 0


class Faults:
    """The misdeeds to come, in order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._script: list[_Turn] = []

    def add(self, fault: Fault) -> None:
        """Misbehave like this, too."""
        with self._lock:
            self._script.append(_Turn(fault))

    def clear(self) -> None:
        """Behave from now on."""
        with self._lock:
            self._script.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Return the misdeed that this request meets, if any."""
        with self._lock:
            for turn in self._script:
                fault, seen = turn.fault, turn.seen
                if fault.method not in (None, method) or not re.search(fault.path, path):
                    continue
                turn.seen += 1
                if seen >= fault.after and (fault.times is None or seen < fault.after + fault.times):
                    return fault
        return None

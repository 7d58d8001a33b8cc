"""The core's values, made as a run makes them: from the runner's variables and an event's file."""

from datetime import UTC, datetime
from typing import Any

import events
from dx_action.deployment.registration import Registration, resolve
from dx_action.deployment.trigger import Skipped
from dx_action.inputs.model import Inputs, read_inputs
from dx_action.runner.event import Event, parse_event
from dx_action.runner.runtime import Runtime, read_runtime

ABSENT = object()  # a change that takes a key out of a payload
CONNECTION = {"dx-host": "acme", "dx-token": "t0ken-0f-the-tests"}
NOW = datetime(2025, 3, 10, 9, 30, 15, 123456, tzinfo=UTC)
Changes = dict[str, Any]


def variables(given: dict[str, str]) -> dict[str, str]:
    """Name inputs as the runner does."""
    return {f"INPUT_{name.upper()}": text for name, text in given.items()}


def inputs(given: dict[str, str] | None = None, **more: str) -> Inputs:
    """Read inputs, by name (`_` for `-` in a keyword); a host and a token are given already."""
    keywords = {name.replace("_", "-"): text for name, text in more.items()}
    return read_inputs(variables(CONNECTION | (given or {}) | keywords))


def runtime(name: str, **changes: str) -> Runtime:
    """Read a fixture's variables, some of them changed."""
    return read_runtime(events.load(name)[0])._replace(**changes)


def payload(name: str, changes: Changes | None = None) -> dict[str, Any]:
    """Read a fixture's payload, changed at dotted paths."""
    found = events.load(name)[1]
    for path, value in (changes or {}).items():
        *parents, last = path.split(".")
        place = found
        for parent in parents:
            place = place[parent]
        if value is ABSENT:
            place.pop(last, None)
        else:
            place[last] = value
    return found


def event(name: str, changes: Changes | None = None) -> Event:
    """Read a fixture's event."""
    return parse_event(events.load(name)[0]["GITHUB_EVENT_NAME"], payload(name, changes))


def resolved(
    name: str, given: dict[str, str] | None = None, changes: Changes | None = None, **run: str
) -> Registration:
    """Resolve what a fixture's event registers. Fails where it is skipped."""
    found = resolve(inputs(given), runtime(name, **run), event(name, changes), NOW)
    assert not isinstance(found, Skipped), str(found)
    return found

"""Owns Backstage's catalog-info.yaml: which components it describes, and which one is nearest to a changed file.

A file belongs to the catalog-info.yaml (no other spelling) in its own folder or, where that has none, the next one up that has one.
The search ends there whatever is in it: one with only a System or a Location gives the files below it no service, as it has none to
give, and one further up would be a guess. So does a scaffolder's skeleton, whose name is a placeholder, `${{ values.name }}`.

Of a document only `kind`, `metadata.name` and `metadata.title` are read; what else it holds is passed over and never expanded.
"""

from collections.abc import Callable, Iterator
from typing import Any

import yaml

from dx_action.errors import InvalidValue
from dx_action.services.service import Ownership, Service, checked, naming, text_of
from dx_action.strict_yaml import yaml_events

CATALOG = "catalog-info.yaml"
LARGEST = 1 << 20


class Catalogs(Ownership):
    """The catalogs of a repository. `read` gives a file or None where there is none, and is called at most once for a path."""

    def __init__(self, read: Callable[[str], bytes | None]) -> None:
        self._read = read
        self._nearest: dict[str, tuple[Service, ...] | None] = {}

    def services_at(self, path: str) -> tuple[Service, ...]:
        """Give the components of the nearest catalog-info.yaml. Raises InvalidValue, and whatever `read` raises."""
        passed: list[str] = []
        folder, found = path, None
        while folder and found is None:
            folder = folder.rpartition("/")[0]
            if folder in self._nearest:
                found = self._nearest[folder]
                break
            passed.append(folder)
            found = self._components(f"{folder}/{CATALOG}" if folder else CATALOG)
        self._nearest.update(dict.fromkeys(passed, found))
        return found or ()

    def _components(self, path: str) -> tuple[Service, ...] | None:
        with naming(path):
            data = self._read(path)
        return None if data is None else parse_catalog(data, path)


def parse_catalog(data: bytes, name: str) -> tuple[Service, ...]:
    """Give the components of a catalog file. Raises InvalidValue, which begins with `name` and tells the line."""
    with naming(name):
        events = yaml_events(text_of(data, LARGEST, "is more than 1 MiB."))
        found: dict[str, Service] = {}
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                service = _component(events)
                if service is not None:
                    found.setdefault(service.identifier, service)
        return tuple(found.values())


def _component(events: Iterator[yaml.Event]) -> Service | None:
    """Read one document: the component, or None where it is of another kind, or empty."""
    first = next(events)
    if isinstance(first, yaml.ScalarEvent) and not first.value:
        return None
    if not isinstance(first, yaml.MappingStartEvent):
        raise InvalidValue(f"has a document that is not a mapping{_line(first)}.")
    kind: Any = None
    metadata: dict[str, yaml.Event] = {}
    start: yaml.Event = first
    for key, value in _entries(events, {"kind", "metadata"}):
        if key == "kind":
            kind = value
            _pass_over(value, events)
        else:
            start = value
            if isinstance(value, yaml.MappingStartEvent):
                for inner, text in _entries(events, {"name", "title"}):
                    metadata[inner] = text
                    _pass_over(text, events)
            else:
                _pass_over(value, events)
    if isinstance(kind, yaml.AliasEvent):
        raise InvalidValue(f"has an alias as `kind`{_line(kind)}. Write the value out.")
    if not isinstance(kind, yaml.ScalarEvent) or kind.value != "Component":
        return None
    return _service(metadata, start)


def _service(metadata: dict[str, yaml.Event], start: yaml.Event) -> Service | None:
    name, title = metadata.get("name"), metadata.get("title")
    for event in (name or start, title):
        if isinstance(event, yaml.AliasEvent):
            raise InvalidValue(f"has an alias in a component's `metadata`{_line(event)}. Write the value out.")
    if not isinstance(name, yaml.ScalarEvent):
        raise InvalidValue(f"has a component without `metadata.name`{_line(name or start)}.")
    if title is not None and not isinstance(title, yaml.ScalarEvent):
        raise InvalidValue(f"has a component whose `metadata.title` is not text{_line(title)}.")
    if "{{" in name.value:
        return None
    try:
        return checked(name.value.strip(), (title.value if title else "").strip() or None)
    except InvalidValue:
        raise InvalidValue(
            f"has a component whose name is blank or has a control character in it{_line(name)}."
        ) from None


def _entries(events: Iterator[yaml.Event], wanted: set[str]) -> Iterator[tuple[str, yaml.Event]]:
    """Give the wanted keys of a mapping that has begun, each with its value's first event, of which the rest is to be taken."""
    seen: set[str] = set()
    for key in events:
        if isinstance(key, yaml.MappingEndEvent):
            return
        _pass_over(key, events)
        value = next(events)
        text = key.value if isinstance(key, yaml.ScalarEvent) else None
        if text not in wanted:
            _pass_over(value, events)
            continue
        if text in seen:
            raise InvalidValue(f"has the same key twice{_line(key)}.")
        seen.add(text)
        yield text, value


def _pass_over(first: yaml.Event, events: Iterator[yaml.Event]) -> None:
    """Take the rest of the node that begins with this event."""
    depth = 0
    event = first
    while True:
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if not depth:
            return
        event = next(events)


def _line(event: yaml.Event) -> str:
    mark: Any = event.start_mark
    return f" (line {mark.line + 1})"

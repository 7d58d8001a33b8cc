"""Owns the service map: YAML that gives each service the patterns of its files. Pure.

payments-service: [services/payments/**, libs/billing/**]
web:
  name: Web App
  paths: [apps/web/**, "!apps/web/**/*.md"]
"""

import re
from collections.abc import Iterable
from typing import Any

from dx_action.errors import InvalidValue
from dx_action.services.patterns import Pattern, PatternLists
from dx_action.services.service import Ownership, Service, checked, naming, text_of
from dx_action.strict_yaml import Where, read_with_lines

LARGEST = 1 << 20
_FORM = "Write `service: [patterns]`, or `service:` with `name` and `paths` below it."
_BARE = re.compile(r"(?:^|[-:\[,{])[ ]*[*!]", re.MULTILINE)


class ServiceMap(Ownership):
    """The services in the map's order, and the patterns of each. A file may belong to several."""

    def __init__(self, services: tuple[Service, ...], patterns: PatternLists) -> None:
        self.services = services
        self._patterns = patterns

    def services_at(self, path: str) -> tuple[Service, ...]:
        """Give the services whose last matching pattern takes the path, in the map's order."""
        return tuple(self.services[number] for number in self._patterns.taking(path))

    def services_of(self, paths: Iterable[str]) -> tuple[Service, ...]:
        """Give the services of all these files, in the map's order."""
        found = {id(numbers): numbers for numbers in map(self._patterns.taking, paths)}
        touched = {number for numbers in found.values() for number in numbers}
        return tuple(self.services[number] for number in sorted(touched))


def parse_service_map(data: bytes | str, name: str) -> ServiceMap:
    """Read a map: a file's bytes, or the text of an input. Raises InvalidValue, which begins with `name` and tells the line."""
    with naming(name):
        text = text_of(
            data, LARGEST, "is more than 1 MiB. Join the patterns of one folder: services/payments/** takes all in it."
        )
        try:
            found, lines = read_with_lines(text)
        except InvalidValue as wrong:
            quotes = " A pattern that begins with `*` or `!` needs quotes." if _BARE.search(text) else ""
            raise InvalidValue(f"{wrong}{quotes}") from None
        if not isinstance(found, dict) or not found:
            raise InvalidValue(f"is not a map of services (line 1). {_FORM}")
        services: dict[str, Service] = {}
        patterns: list[list[Pattern]] = []
        for identifier, entry in found.items():
            service = _service(identifier, entry, lines)
            if service.identifier in services:
                raise InvalidValue(f"has the same service twice (line {lines[identifier,]}). Join their patterns.")
            services[service.identifier] = service
            patterns.append(_patterns((identifier,), entry, lines))
        return ServiceMap(tuple(services.values()), PatternLists(patterns))


def _service(identifier: str, entry: Any, lines: dict[Where, int]) -> Service:
    line = lines[identifier,]
    name = entry.get("name") if isinstance(entry, dict) else None
    if isinstance(entry, dict):
        for key in entry:
            if key not in {"name", "paths"}:
                raise InvalidValue(
                    f"has a service with a key other than `name` and `paths` (line {lines[identifier, key]}). {_FORM}"
                )
        if "paths" not in entry:
            raise InvalidValue(f"has a service without `paths` (line {line}). {_FORM}")
        if "name" in entry and not (isinstance(name, str) and name.strip()):
            raise InvalidValue(f"has a `name` that is not text (line {lines[identifier, 'name']}). Put it in quotes.")
    try:
        return checked(identifier.strip(), (name or "").strip() or None)
    except InvalidValue:
        raise InvalidValue(
            f"has a service whose identifier is blank, or which has a control character in it or its name (line {line})."
        ) from None


def _patterns(where: Where, entry: Any, lines: dict[Where, int]) -> list[Pattern]:
    if isinstance(entry, dict):
        where, entry = (*where, "paths"), entry["paths"]
    if isinstance(entry, str):
        if "," in entry:
            raise InvalidValue(
                f"has a comma in a pattern (line {lines[where]}). Write several patterns as a list, [one, two]."
            )
        entry = [entry]
        lines[*where, 0] = lines[where]
    if not isinstance(entry, list) or not entry:
        raise InvalidValue(f"has a service without patterns (line {lines[where]}). {_FORM}")
    for number, text in enumerate(entry):
        if not isinstance(text, str):
            raise InvalidValue(f"has a pattern that is not text (line {lines[*where, number]}). Put it in quotes.")
    found = [Pattern(text, lines[*where, number]) for number, text in enumerate(entry)]
    if all(pattern.text.startswith("!") for pattern in found):
        raise InvalidValue(
            f'has a service that only leaves files out (line {lines[where]}). Begin with what it has: "**" is all.'
        )
    return found

"""The service map: YAML with the patterns of each service's files. Pure.

payments-service: [services/payments/**, libs/billing/**]
web:
  name: Web App
  paths: [apps/web/**, "!apps/web/**/*.md"]
"""

from collections.abc import Iterable
from typing import Any

from dx_action.errors import InvalidValue
from dx_action.services.patterns import Pattern, PatternLists
from dx_action.services.service import Ownership, Service, flaw, naming, text_of
from dx_action.strict_yaml import Where, read_yaml

LARGEST = 1 << 20
_FORM = "Write `service: [patterns]`, or `service:` with `name` and `paths` below it."


class ServiceMap(Ownership):
    """The services in the map's order, and the patterns of each. A file may belong to several."""

    def __init__(self, services: tuple[Service, ...], patterns: PatternLists) -> None:
        self.services = services
        self._patterns = patterns

    def services_at(self, path: str) -> tuple[Service, ...]:
        """Return the services whose last matching pattern takes the path, in the map's order."""
        return tuple(self.services[number] for number in self._patterns.taking(path))

    def known(self, paths: Iterable[str]) -> tuple[Service, ...]:  # noqa: ARG002 - the map has them all
        return self.services

    def dead(self, paths: Iterable[str]) -> tuple[str, ...]:
        return tuple(f"{pattern.text} (line {pattern.line})" for pattern in self._patterns.unmatched(paths))

    def services_of(self, paths: Iterable[str]) -> tuple[Service, ...]:
        """Return the services of all these files, in the map's order."""
        found = {id(numbers): numbers for numbers in map(self._patterns.taking, paths)}
        touched = {number for numbers in found.values() for number in numbers}
        return tuple(self.services[number] for number in sorted(touched))


def parse_service_map(data: bytes | str, name: str) -> ServiceMap:
    """Read a file's bytes, or the text of an input. Raises InvalidValue, which begins with `name` and has the line."""
    with naming(name):
        cure = "Combine the patterns of a folder: services/payments/** takes everything in it."
        text = text_of(data, LARGEST, f"is larger than 1 MiB. {cure}")
        found, lines = read_yaml(text)
        if not isinstance(found, dict) or not found:
            raise InvalidValue.at(1, "is not a map of services", _FORM)
        services: dict[str, Service] = {}
        patterns: list[list[Pattern]] = []
        for identifier, entry in found.items():
            service = _service(identifier, entry, lines)
            if service.identifier in services:
                raise InvalidValue.at(lines[identifier,], "has the same service twice", "Combine their patterns.")
            services[service.identifier] = service
            patterns.append(_patterns((identifier,), entry, lines))
        return ServiceMap(tuple(services.values()), PatternLists(patterns))


def _service(identifier: str, entry: Any, lines: dict[Where, int]) -> Service:
    line = lines[identifier,]
    name = entry.get("name") if isinstance(entry, dict) else None
    if isinstance(entry, dict):
        for key in entry:
            if key not in {"name", "paths"}:
                what = "has a service with a key other than `name` and `paths`"
                raise InvalidValue.at(lines[identifier, key], what, _FORM)
        if "paths" not in entry:
            raise InvalidValue.at(line, "has a service without `paths`", _FORM)
        if "name" in entry and not (isinstance(name, str) and name.strip()):
            raise InvalidValue.at(lines[identifier, "name"], "has a `name` that is not text", "Put it in quotes.")
    service = Service(identifier.strip(), (name or "").strip() or None)
    if found := flaw(service.identifier, service.name):
        raise InvalidValue.at(line, f"has a service {found[0]}", found[1])
    return service


def _patterns(where: Where, entry: Any, lines: dict[Where, int]) -> list[Pattern]:
    if isinstance(entry, dict):
        where, entry = (*where, "paths"), entry["paths"]
    if isinstance(entry, str):
        if "," in entry:
            cure = "Write several patterns as a list, [one, two]."
            raise InvalidValue.at(lines[where], "has a comma in a pattern", cure)
        entry = [entry]
        lines[*where, 0] = lines[where]
    if not isinstance(entry, list) or not entry:
        raise InvalidValue.at(lines[where], "has a service without patterns", _FORM)
    found = [Pattern(text, lines[*where, number]) for number, text in enumerate(entry)]
    for pattern in found:
        if not isinstance(pattern.text, str):
            raise pattern.wrong("that is not text", "Put it in quotes.")
    if all(pattern.text.startswith("!") for pattern in found):
        cure = 'Begin with what it takes: "**" is everything.'
        raise InvalidValue.at(lines[where], "has a service with nothing but `!` patterns", cure)
    return found

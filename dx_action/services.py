"""Owns what a service is, and how an author or a GitHub deployment's payload names some. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from dx_action.errors import Wrong
from dx_action.lists import items

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_FORM = 'Write identifier or identifier=Display Name, one a line, or JSON: [{"identifier": "web", "name": "Web"}].'


@dataclass(frozen=True, slots=True)
class Service:
    """A service as DX knows it: `identifier` is what deployments, incidents and the catalog share."""

    identifier: str
    name: str | None = None

    def as_json(self) -> dict[str, str]:
        """Give the `service` object of deployments.create."""
        return {"identifier": self.identifier} | ({} if self.name is None else {"name": self.name})


def parse_services(text: str) -> tuple[Service, ...]:
    """Read the `service` input. Raises Wrong."""
    text = text.strip()
    one_line = not text.startswith(("[", "{")) and len(text.splitlines()) == 1
    if one_line and "," in text.partition("=")[2]:
        raise Wrong("has a comma after `=`, which could belong to the name or begin another service. " + _FORM)
    return _distinct(_service(item) for item in items(f"[{text}]" if text.startswith("{") else text))


def payload_services(value: object) -> tuple[Service, ...]:
    """Read the `service` of a deployment's payload: what the input takes, as text or as JSON. Raises Wrong."""
    if isinstance(value, str):
        return parse_services(value)
    return _distinct(_service(item) for item in (value if isinstance(value, list) else [value]))


def _service(item: object) -> Service:
    if isinstance(item, str):
        identifier, equals, name = (part.strip() for part in item.partition("="))
        if equals and not name:
            raise Wrong(f"has a service with nothing after `=`. {_FORM}")
        return _checked(identifier, name or None)
    if isinstance(item, dict) and item.keys() <= {"identifier", "name"}:
        given, shown = item.get("identifier"), item.get("name")
        if isinstance(given, str) and (shown is None or isinstance(shown, str)):
            return _checked(given.strip(), (shown or "").strip() or None)
    raise Wrong(f"has a service that is neither a text nor an object of `identifier` and `name`. {_FORM}")


def _checked(identifier: str, name: str | None) -> Service:
    if not identifier:
        raise Wrong(f"has a service without an identifier. {_FORM}")
    if _CONTROL.search(identifier) or _CONTROL.search(name or ""):
        raise Wrong(f"has a service with a line break or another control character in it. {_FORM}")
    return Service(identifier, name)


def _distinct(found: Iterable[Service]) -> tuple[Service, ...]:
    by_identifier: dict[str, Service] = {}
    for service in found:
        known = by_identifier.setdefault(service.identifier, service)
        if known != service:
            raise Wrong(f"names one service twice with different names. {_FORM}")
    if not by_identifier:
        raise Wrong(f"names no service. {_FORM}")
    return tuple(by_identifier.values())

"""How an author, a payload and a row name services. Pure."""

import json
from collections.abc import Iterable
from typing import Any

from dx_action.errors import InvalidValue
from dx_action.inputs.lists import items
from dx_action.services.service import Service, checked

_FORM = 'Write identifier or identifier=Display Name, one a line, or JSON: [{"identifier": "web", "name": "Web"}].'


def parse_services(text: str) -> tuple[Service, ...]:
    """Read the `service` input. Raises InvalidValue."""
    text = text.strip()
    one_line = not text.startswith(("[", "{")) and len(text.splitlines()) == 1
    if one_line and "," in text.partition("=")[2]:
        raise InvalidValue("has a comma after `=`, which could belong to the name or begin another service. " + _FORM)
    return _distinct(_service(item) for item in items(f"[{text}]" if text.startswith("{") else text))


def payload_services(value: object) -> tuple[Service, ...]:
    """Read the `service` of a deployment's payload: what the input takes, as text or as JSON. Raises InvalidValue."""
    if isinstance(value, str):
        return parse_services(value)
    return _distinct(_service(item) for item in (value if isinstance(value, list) else [value]))


def _service(item: object) -> Service:
    if isinstance(item, str):
        identifier, equals, name = (part.strip() for part in item.partition("="))
        if equals and not name:
            raise InvalidValue(f"has a service with nothing after `=`. {_FORM}")
        return checked(identifier, name or None)
    if isinstance(item, dict) and item.keys() <= {"identifier", "name"}:
        given, shown = item.get("identifier"), item.get("name")
        if isinstance(given, str) and (shown is None or isinstance(shown, str)):
            return checked(given.strip(), (shown or "").strip() or None)
    raise InvalidValue(f"has a service that is neither a text nor an object of `identifier` and `name`. {_FORM}")


def _distinct(found: Iterable[Service]) -> tuple[Service, ...]:
    by_identifier: dict[str, Service] = {}
    for service in found:
        known = by_identifier.setdefault(service.identifier, service)
        if known != service:
            raise InvalidValue(f"names one service twice with different names. {_FORM}")
    if not by_identifier:
        raise InvalidValue(f"names no service. {_FORM}")
    return tuple(by_identifier.values())


def payload_service(payload: Any) -> tuple[Service, ...]:
    """Give the services that a deployment's payload names as `service`: none where it names none. Raises InvalidValue."""
    if isinstance(payload, str):
        try:
            payload = json.loads(payload)
        except (ValueError, RecursionError):
            return ()
    service = payload.get("service") if isinstance(payload, dict) else None
    return payload_services(service) if service else ()

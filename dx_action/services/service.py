"""Owns what a service is, and how an author or a GitHub deployment's payload names some. Pure."""

import re
from dataclasses import dataclass

from dx_action.errors import InvalidValue

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


def checked(identifier: str, name: str | None) -> Service:
    """Give the service. Raises InvalidValue."""
    if not identifier:
        raise InvalidValue(f"has a service without an identifier. {_FORM}")
    if _CONTROL.search(identifier) or _CONTROL.search(name or ""):
        raise InvalidValue(f"has a service with a line break or another control character in it. {_FORM}")
    return Service(identifier, name)

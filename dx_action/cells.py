"""Owns the forms of a row's cells: a text, or in JSON Lines a value of JSON, in the words that the inputs have for them. Pure."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from dx_action import forms
from dx_action.errors import Wrong
from dx_action.metadata import parse_metadata
from dx_action.services import Service, parse_services, payload_services
from dx_action.times import parse_time

T = TypeVar("T")


def text(form: Callable[[str], T]) -> Callable[[object], T]:
    """Read a text by the form of an input. All of these raise Wrong."""

    def read(value: object) -> T:
        if not isinstance(value, str):
            raise Wrong("is not text. Write it in quotes.")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Wrong("is not valid text (UTF-8).") from None
        return form(value.strip())

    return read


line = text(forms.line)
sha = text(forms.sha)
url = text(forms.url)
method = text(forms.chosen("create", "upsert"))


def moment(value: object) -> datetime:
    """Read a time, also as a number."""
    return text(parse_time)(str(value) if _is_number(value) else value)


def number(value: object) -> int:
    """Read a number from one on."""
    return text(forms.number)(str(value) if _is_number(value) else value)


def success(value: object) -> bool:
    """Read whether it succeeded."""
    outcome = text(forms.outcome)(str(value) if isinstance(value, bool) else value)
    if outcome == "skip":
        raise Wrong("says that nothing was deployed. Leave the row out.")
    return outcome == "success"


def flag(value: object) -> bool:
    """Read `true` or `false`."""
    return text(forms.flag)(str(value) if isinstance(value, bool) else value)


def service(value: object) -> Service:
    """Read the one service of a row."""
    found = text(parse_services)(value) if isinstance(value, str) else payload_services(value)
    if len(found) > 1:
        raise Wrong("names several services, and a row is the deployment of one. Write a row for each.")
    return found[0]


def services(value: object) -> tuple[Service, ...]:
    """Read the services of a pull request, which may be none."""
    return payload_services(value) if value else ()


def shas(value: object) -> tuple[str, ...]:
    """Read a list of commits."""
    return text(forms.shas)(json.dumps(value) if isinstance(value, list) else value)


def metadata(value: object) -> dict[str, Any]:
    """Read an object."""
    return text(parse_metadata)(value if isinstance(value, str) else json.dumps(value))


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)

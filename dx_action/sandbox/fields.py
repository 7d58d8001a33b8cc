"""The rule of each kind of field, and the one form in which its value is stored. Pure.

There is a sentence for every value that DX's page forbids. It names the field and never quotes the value.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

Rule = Callable[[str, Any], Any]

_SHA_LENGTH = range(7, 41)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The year 2025 sent as an integer would be half past midnight in 1970, so ten digits are the plausible seconds;
# from twelve digits on a number of seconds would lie after the year 5000.
_FIRST_SECOND, _FIRST_MILLISECOND = 10**8, 10**11
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d([.,]\d+)?)?|\d{8}T\d{4}(\d\d([.,]\d+)?)?)"
    r"(?P<zone>Z|[+-]\d\d(:?\d\d)?)?",
    re.ASCII,
)
_TIME_FORMS = "an ISO-8601 time with its zone (2025-01-01T12:05:00Z), or Unix seconds or milliseconds as an integer"


class UnfitError(Exception):
    """A value breaks its field's rule; the text is the sentence."""


def unknown(name: str, _value: Any) -> NoReturn:
    """The rule of every field that the method does not have."""
    raise UnfitError(f"{name} is not a field of this method.")


def text(name: str, value: Any) -> str:
    """Text that says something."""
    if not isinstance(value, str):
        raise UnfitError(f"{name} must be text.")
    if not value.strip():
        raise UnfitError(f"{name} must not be empty.")
    return value


def boolean(name: str, value: Any) -> bool:
    """A JSON boolean; its name in quotes is the mistake that the page warns of."""
    if isinstance(value, str):
        raise UnfitError(f"{name} must be a JSON boolean: true or false without quotes, not text.")
    if not isinstance(value, bool):
        raise UnfitError(f"{name} must be a JSON boolean.")
    return value


def json_object(name: str, value: Any) -> dict[str, Any]:
    """An object of the caller's own."""
    if not isinstance(value, dict):
        raise UnfitError(f"{name} must be a JSON object.")
    return value


def number(name: str, value: Any) -> int:
    """A number that GitHub gave."""
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise UnfitError(f"{name} must be a positive integer, without quotes.")
    return value


def sha(name: str, value: Any) -> str:
    """A commit's SHA, whole or shortened."""
    if len(text(name, value)) not in _SHA_LENGTH:
        raise UnfitError(f"{name} must be 7 to 40 characters long.")
    return str(value)


def shas(name: str, value: Any) -> list[str]:
    """The commits of one deployment."""
    if not isinstance(value, list):
        raise UnfitError(f"{name} must be a JSON array of texts, not an object or a brace-delimited list.")
    if not value:
        raise UnfitError(f"{name} must have at least one commit SHA.")
    return [sha(f"{name}[{index}]", item) for index, item in enumerate(value)]


def service(name: str, value: Any) -> dict[str, str]:
    """A service by its object, or by one text for both of its fields."""
    if isinstance(value, str):
        return {"identifier": text(name, value), "name": value}
    if not isinstance(value, dict):
        raise UnfitError(f"{name} must be text, or an object with identifier and optional name.")
    if "identifier" not in value:
        raise UnfitError(f"{name}.identifier is missing.")
    rules: dict[str, Rule] = {"identifier": text, "name": text}
    return {key: rules.get(key, unknown)(f"{name}.{key}", item) for key, item in value.items()}


def services(name: str, value: Any) -> list[dict[str, str]]:
    """The services of a pull request."""
    if not isinstance(value, list):
        raise UnfitError(f"{name} must be a JSON array of objects.")
    items = enumerate(value)
    return [service(f"{name}[{index}]", json_object(f"{name}[{index}]", item)) for index, item in items]


def instant(name: str, value: Any) -> str:
    """A time in any accepted form, as text in UTC, so that equal instants are equal values."""
    moment = _moment(name, value)
    unit = "seconds" if not moment.microsecond else "microseconds" if moment.microsecond % 1000 else "milliseconds"
    return moment.isoformat(timespec=unit).replace("+00:00", "Z")


def _moment(name: str, value: Any) -> datetime:
    try:
        if isinstance(value, int) and not isinstance(value, bool) and value >= _FIRST_SECOND:
            return _EPOCH + timedelta(milliseconds=value if value >= _FIRST_MILLISECOND else value * 1000)
        match = _TIME.fullmatch(value.upper()) if isinstance(value, str) else None
        moment = datetime.fromisoformat(match[0]) if match else None
        if match and moment and not match["zone"]:
            raise UnfitError(f"{name} has no time zone; end it with Z or an offset such as +02:00.")
        if moment:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise UnfitError(f"{name} must be {_TIME_FORMS}.")

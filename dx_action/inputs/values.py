"""Owns the forms of single values: a text that an author wrote → the value, or InvalidValue with what to write instead. Pure."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from pydantic import PlainValidator, SecretStr

from dx_action.errors import InvalidValue
from dx_action.inputs.lists import texts, unique
from dx_action.inputs.paths import parse_path
from dx_action.inputs.urls import is_url
from dx_action.services.service import Ownership

_SHA = re.compile(r"[0-9a-fA-F]{7,40}")
_OUTCOMES: dict[str, Literal["success", "failure", "skip"]] = {
    **dict.fromkeys(("true", "success"), "success"),
    **dict.fromkeys(("false", "failure", "error", "timed_out", "startup_failure"), "failure"),
    **dict.fromkeys(("cancelled", "skipped", "neutral", "action_required", "stale"), "skip"),
}


def token(text: str) -> SecretStr:
    """Read an API token: one run of printable ASCII, without the `Bearer ` that may stand before it."""
    text = bare_token(text)
    if not re.fullmatch(r"[\x21-\x7e]+", text):
        raise InvalidValue("has a space, a line break or a character outside ASCII. Store the bare token as a secret.")
    return SecretStr(text)


def bare_token(text: str) -> str:
    """Give a token as it is used: trimmed, without the `Bearer ` that may stand before it."""
    text = text.strip()
    return text[len("Bearer ") :].strip() if text[:7].lower() == "bearer " else text


def flag(text: str) -> bool:
    """Read `true` or `false`."""
    if text.lower() not in ("true", "false"):
        raise InvalidValue("is neither `true` nor `false`.")
    return text.lower() == "true"


def timeout(text: str) -> float:
    """Read a number of seconds."""
    if not re.fullmatch(r"\d{1,5}(\.\d+)?", text, re.ASCII) or not 1 <= float(text) <= 3600:
        raise InvalidValue("is not a number of seconds from 1 to 3600.")
    return float(text)


def rate(text: str) -> float:
    """Read a number of requests a second."""
    if not re.fullmatch(r"\d{1,5}(\.\d{1,3})?", text, re.ASCII):
        raise InvalidValue("is not a number of requests a second, such as 7 or 0.5; 0 sends as fast as it can.")
    return float(text)


def lanes(text: str) -> int:
    """Read a number of requests in flight."""
    if not re.fullmatch(r"[1-9]\d?", text, re.ASCII) or int(text) > 32:
        raise InvalidValue("is not a whole number from 1 to 32.")
    return int(text)


def sha(text: str) -> str:
    """Read a commit id."""
    if not _SHA.fullmatch(text):
        raise InvalidValue("is not a commit id of 7 to 40 hexadecimal digits.")
    return text


def shas(text: str) -> tuple[str, ...]:
    """Read a list of commit ids, each once."""
    found = texts(text)
    if not all(map(_SHA.fullmatch, found)):
        raise InvalidValue(
            'has an item that is not a commit id of 7 to 40 hexadecimal digits. Write ["abc1234", "abc2345"].'
        )
    return unique(found)


def number(text: str) -> int:
    """Read a number from one on."""
    if not re.fullmatch(r"[1-9]\d{0,15}", text, re.ASCII):
        raise InvalidValue("is not a whole number from 1 on.")
    return int(text)


def outcome(text: str) -> Literal["success", "failure", "skip"]:
    """Read whether it succeeded, also as a job's status or result; `skip` means that nothing was deployed."""
    try:
        return _OUTCOMES[text.lower()]
    except KeyError:
        raise InvalidValue(f"is none of {', '.join(f'`{word}`' for word in _OUTCOMES)}.") from None


def url(text: str) -> str:
    """Read a web address."""
    if not is_url(text):
        raise InvalidValue("is not a URL. Write it whole, as in https://argocd.example.com/build/1791.")
    return text


def line(text: str) -> str:
    """Read one plain line."""
    if re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", text):
        raise InvalidValue("has a line break or another control character in it. Write one plain line.")
    return text


def service_map(text: str) -> str | Ownership:
    """Read a map's path, or the map itself where the text has a colon or several lines."""
    if "\n" not in text and ":" not in text:
        return parse_path(text)
    from dx_action.services.map import parse_service_map  # noqa: PLC0415 - most runs have none

    return parse_service_map(text, "as it is written")


def chosen(*words: str) -> Callable[[str], str]:
    """Give a check for one of some words, in any case."""

    def check(text: str) -> str:
        if text.lower() not in words:
            raise InvalidValue(f"is none of {', '.join(f'`{word}`' for word in words)}.")
        return text.lower()

    return check


def word(*words: str) -> PlainValidator:
    """Give the same as pydantic takes it."""
    return PlainValidator(chosen(*words))


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sourced(Generic[T]):
    """A value, and where it came from, as the log tells it."""

    value: T
    source: str

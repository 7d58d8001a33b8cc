"""Misbehaviour as data: what a scripted fault may say, and whose turn it is.

A script is read strictly here, and the bodies that it asks for are made. The handler does the misdeed. Pure but for its lock.
"""

import json
import math
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from http import HTTPStatus
from typing import Any, Literal

from dx_action.sandbox.checks import METHODS

_UNSET: Any = object()
_LONGEST = 86_400
_KINDS = ("status", "reset", "hang", "cut", "redirect", "trickle", "ok")
_WITH_STATUS = ("retry_after", "body", "text", "error", "message")


class FaultError(ValueError):
    """A fault script that cannot be followed; the text is the sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One misdeed: one of status, reset, hang, cut, redirect, trickle and ok, or latency alone."""

    times: int | Literal["forever"] = 1
    method: str | None = None
    latency: float | None = None
    commit: bool = False
    status: int | None = None
    retry_after: str | float | None = None
    body: Literal["json", "html", "empty"] | None = None
    text: str | None = None
    error: str | None = None
    message: str | None = None
    reset: Literal["before", "after"] | None = None
    hang: float | None = None
    cut: bool = False
    redirect: str | None = None
    trickle: float | None = None
    ok: Any = _UNSET

    def __post_init__(self) -> None:
        """Refuse what makes no sense, whether it came from JSON or from Python."""
        given = self._given()
        for name, (fits, sentence) in _RULES.items():
            if name in given and not fits(given[name]):
                raise FaultError(f"{name} {sentence}.")
        kinds = [name for name in _KINDS if name in given]
        if len(kinds) > 1:
            raise FaultError(f"{' and '.join(kinds)} cannot be in one fault; write one fault for each.")
        if not kinds and self.latency is None:
            raise FaultError(f"one of {', '.join(_KINDS)} or latency is needed (latency 0 is a normal answer).")
        for name in _WITH_STATUS:
            if name in given and self.status is None:
                raise FaultError(f"{name} belongs to a fault with status.")
        bodies = [name for name in ("text", "body") if name in given]
        if len(bodies) > 1 or (bodies and self.body != "json" and given.keys() & {"error", "message"}):
            raise FaultError("text, body html, body empty, and error with message exclude each other.")
        if self.commit and self.reset == "before":
            raise FaultError("commit and reset before contradict each other; write reset after.")

    @property
    def kind(self) -> str | None:
        """The misdeed's name; None if the answer is only late."""
        return next((name for name in _KINDS if name in self._given()), None)

    def answer(self) -> tuple[str, bytes]:
        """The content type and the body of a fault with status."""
        if self.text is not None:
            return "text/plain; charset=utf-8", self.text.encode(errors="replace")
        if self.body == "empty":
            return "text/plain; charset=utf-8", b""
        if self.body == "html":
            title = f"{self.status} {phrase(self.status or 0)}"
            page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
            return "text/html; charset=utf-8", page.encode()
        said = {"error": self.error, "message": self.message}
        answer = {"ok": False} | {name: value for name, value in said.items() if value is not None}
        return "application/json", json.dumps(answer).encode()

    def _given(self) -> dict[str, Any]:
        values = {field.name: (getattr(self, field.name), field.default) for field in fields(self)}
        # By type too: to Python True is 1 and False is 0, and neither is a number here.
        return {name: ours for name, (ours, bare) in values.items() if (type(ours), ours) != (type(bare), bare)}


class Script:
    """Faults in their order; each request takes the first that is meant for its method."""

    def __init__(self, faults: Iterable[Fault | Mapping[str, Any]] = ()) -> None:
        self._lock = threading.Lock()
        self._left: list[tuple[Fault, float]] = []
        self.replace(faults)

    def replace(self, faults: Iterable[Fault | Mapping[str, Any]]) -> None:
        """Follow these from now on, whatever is left of the others."""
        left = [(fault, 0 if fault.times == "forever" else fault.times) for fault in parse_faults(list(faults))]
        with self._lock:
            self._left = [(fault, times or math.inf) for fault, times in left]

    def take(self, method: str) -> Fault | None:
        """The fault for this request, used up by one; None for a normal answer."""
        with self._lock:
            for index, (fault, times) in enumerate(self._left):
                if fault.method in (None, method):
                    self._left[index : index + 1] = [(fault, times - 1)] if times > 1 else []
                    return fault
        return None


def parse_faults(value: Any) -> tuple[Fault, ...]:
    """A fault script from JSON; faults that are made already pass."""
    if not isinstance(value, list):
        raise FaultError("The faults must be a JSON array of objects.")
    return tuple(_parse(item, f"faults[{index}]") for index, item in enumerate(value))


def phrase(status: int) -> str:
    """What HTTP calls the status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unnamed"


def _parse(item: Any, where: str) -> Fault:
    if isinstance(item, Fault):
        return item
    if not isinstance(item, Mapping):
        raise FaultError(f"{where} must be a JSON object.")
    for name, value in item.items():
        if name not in _RULES:
            raise FaultError(f"{where}: {name} is not known; a fault may have {', '.join(_RULES)}.")
        if value is None and name != "ok":
            raise FaultError(f"{where}: {name} must not be null.")
    try:
        return Fault(**item)
    except FaultError as error:
        raise FaultError(f"{where}: {error}") from None


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _is_line(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable() and value != ""


_SECONDS = (lambda value: _is_number(value) and 0 <= value <= _LONGEST, f"must be seconds from 0 to {_LONGEST}")
_TEXT = (lambda value: isinstance(value, str), "must be text")
_BOOLEAN = (lambda value: isinstance(value, bool), "must be true or false")
_COUNT = "must be a whole number; 0 or `forever` means without end"
_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "times": (lambda value: value == "forever" or (type(value) is int and value >= 0), _COUNT),
    "method": (lambda value: value in METHODS, f"must be one of {', '.join(METHODS)}"),
    "latency": _SECONDS,
    "commit": _BOOLEAN,
    "status": (lambda value: type(value) is int and 200 <= value <= 599, "must be an integer from 200 to 599"),
    "retry_after": (lambda value: _is_number(value) or _is_line(value), "must be a number or a line of text"),
    "body": (lambda value: value in ("json", "html", "empty"), "must be json, html or empty"),
    "text": _TEXT,
    "error": _TEXT,
    "message": _TEXT,
    "reset": (lambda value: value in ("before", "after"), "must be before or after"),
    "hang": _SECONDS,
    "cut": _BOOLEAN,
    "redirect": (_is_line, "must be a URL"),
    "trickle": _SECONDS,
    "ok": (lambda _value: True, ""),
}

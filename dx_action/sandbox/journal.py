"""The list of what the stand-in received.

Each entry is a request with its status, and contains no token: a single word replaces the Authorization header, and every other
text is masked.
"""

import threading
import time
from collections.abc import Iterable
from typing import Any

from dx_action.sandbox.checks import parse
from dx_action.sandbox.mask import Mask

_SECRET_HEADERS = ("authorization", "proxy-authorization")


class Journal:
    """Requests in the order of their arrival."""

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._start = time.monotonic()
        self._lock = threading.Lock()
        self._entries: list[dict[str, Any]] = []

    def arrived(
        self, verb: str, path: str, headers: Iterable[tuple[str, str]], authorization: str, body: bytes
    ) -> dict[str, Any]:
        """Enter a request; its status stays null until it is answered."""
        shown: dict[str, str] = {}
        for name, value in headers:
            if (lower := name.lower()) not in _SECRET_HEADERS:
                shown[lower] = f"{shown[lower]}, {value}" if lower in shown else value
        try:
            parsed = parse(body)
        except ValueError:
            parsed = None
        entry = {
            "at": round(time.monotonic() - self._start, 6),
            "verb": verb,
            "path": self._mask.text(path),
            "authorization": authorization,
            "headers": self._mask.value(shown),
            "body": self._mask.text(body.decode(errors="replace")),
            "json": self._mask.value(parsed),
            "status": None,
        }
        with self._lock:
            self._entries.append(entry)
        return entry

    def answered(self, entry: dict[str, Any], status: int) -> None:
        """Write down the status that is about to be sent."""
        with self._lock:
            entry["status"] = status

    def requests(self) -> list[dict[str, Any]]:
        """The entries as they are now."""
        with self._lock:
            return [dict(entry) for entry in self._entries]

    def clear(self) -> None:
        """Forget every request."""
        with self._lock:
            self._entries.clear()

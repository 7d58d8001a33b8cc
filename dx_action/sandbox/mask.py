"""The mask that keeps tokens out of everything that is listed. Pure.

A token that is short enough to be part of ordinary text would hide that text, so no stand-in is made with one.
"""

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

_TOKEN = re.compile(r"[!-~]{8,}")
_SHOWN = "***"


def checked_token(token: str) -> str:
    """Return the token. Raises ValueError for one that could be part of ordinary text."""
    if not _TOKEN.fullmatch(token):
        raise ValueError("a token needs at least 8 characters, all printable ASCII without spaces")
    return token


class Mask:
    """Writes *** in place of a token, in the form that it has, that JSON gives it, or a URL."""

    def __init__(self, tokens: Iterable[str]) -> None:
        forms = {form for token in tokens for form in (token, json.dumps(token)[1:-1], quote(token, safe=""))}
        self._forms = sorted(forms, key=len, reverse=True)

    def text(self, text: str) -> str:
        """Return the text without any token."""
        for form in self._forms:
            text = text.replace(form, _SHOWN)
        return text

    def value(self, value: Any) -> Any:
        """Return the JSON value without any token, also in keys."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {self.text(key): self.value(item) for key, item in value.items()}
        return value

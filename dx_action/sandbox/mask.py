"""Keeps tokens out of everything that is listed.

Owns what a token looks like inside other text. A token short enough to be part of ordinary text would blot that
text out, so it is refused where a stand-in is made. Pure.
"""

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

_TOKEN = re.compile(r"[!-~]{8,}")
_SHOWN = "***"


def checked_token(token: str) -> str:
    """The token itself, where it is one that can be told from ordinary text."""
    if not _TOKEN.fullmatch(token):
        raise ValueError("a token needs at least 8 characters, all printable ASCII without spaces")
    return token


class Mask:
    """Writes *** where a token stands, as it is, as JSON writes it, or as a URL does."""

    def __init__(self, tokens: Iterable[str]) -> None:
        forms = {form for token in tokens for form in (token, json.dumps(token)[1:-1], quote(token, safe=""))}
        self._forms = sorted(forms, key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text without any token."""
        for form in self._forms:
            text = text.replace(form, _SHOWN)
        return text

    def value(self, value: Any) -> Any:
        """The JSON value without any token, in keys either."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {self.text(key): self.value(item) for key, item in value.items()}
        return value

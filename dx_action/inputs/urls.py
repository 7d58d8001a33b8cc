"""Owns which texts are web addresses. Pure."""

import re

_URL = re.compile(r"https?://[^\s\x00-\x1f\x7f\ud800-\udfff]+", re.IGNORECASE)


def is_url(text: str) -> bool:
    """Tell whether the text is one whole http or https URL."""
    return _URL.fullmatch(text) is not None

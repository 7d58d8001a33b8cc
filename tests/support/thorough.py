"""How often a test repeats that looks for a counter-example: `make thorough` runs the full number, `make test` a share of it."""

import os

FULL = os.environ.get("THOROUGH") == "1"
_SHARE, _LEAST = 8, 15


def times(full: int) -> int:
    """The number of repetitions: all of them, or an eighth."""
    return full if FULL else max(full // _SHARE, min(full, _LEAST))

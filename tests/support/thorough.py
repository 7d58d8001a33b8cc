"""What takes its time: `make thorough` runs all of it, `make test` a share of the repetitions and none of the large histories."""

import os

import pytest

FULL = os.environ.get("THOROUGH") == "1"
_SHARE, _LEAST = 8, 15
# A test that `make thorough` alone runs.
only_thorough = pytest.mark.thorough


def times(full: int) -> int:
    """The number of repetitions: all of them, or an eighth."""
    return full if FULL else max(full // _SHARE, min(full, _LEAST))

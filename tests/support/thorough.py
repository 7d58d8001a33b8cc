"""What takes its time: `make thorough` runs all of it, `make test` a share of the repetitions and none of the large histories."""

import os

import pytest

FULL = os.environ.get("THOROUGH") == "1"
# `make thorough TIMES=10` repeats ten times as often.
_TIMES = int(os.environ.get("TIMES") or 1)
_SHARE, _LEAST = 8, 15
# A test that `make thorough` alone runs.
only_thorough = pytest.mark.thorough
_schedules = [0]


def times(full: int) -> int:
    """The number of repetitions: all of them, as many times as asked for, or an eighth."""
    return full * _TIMES if FULL else max(full // _SHARE, min(full, _LEAST))


def count_schedule() -> None:
    """Count a schedule that was played to its end."""
    _schedules[0] += 1


def schedules() -> int:
    """The number of schedules that this process has played."""
    return _schedules[0]

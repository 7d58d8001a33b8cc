"""Owns what a cancelled job does to a run: the runner sends SIGINT, and SIGTERM 7.5 seconds later."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from dx_action.errors import Interrupted


@contextmanager
def interruptible() -> Iterator[Callable[[], None]]:
    """Raise Interrupted at the first SIGINT or SIGTERM; from `disarm` on, ignore both. At the end they are as they were.

    It may be raised by the very beginning and end of the `with`, too: only what stands around it is sure to catch it.
    """

    def disarm() -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        disarm()
        raise Interrupted

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, interrupt) for number in numbers]
    try:
        yield disarm
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)

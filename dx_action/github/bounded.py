"""Owns giving up on work that takes too long: the caller's thread waits only so long, whatever the work waits for."""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, work: Callable[[], T]) -> T:
    """Give what the work gives, or raise what it raises; raises TimeoutError after `seconds`. Its thread dies with the process.

    Where no time is left, the work is not begun.
    """
    if seconds <= 0:
        raise TimeoutError
    ends: SimpleQueue[tuple[bool, T | BaseException]] = SimpleQueue()

    def run() -> None:
        try:
            ends.put((True, work()))
        except BaseException as error:  # noqa: BLE001 - the waiting thread raises it
            ends.put((False, error))

    Thread(target=run, daemon=True).start()
    try:
        fine, end = ends.get(timeout=seconds)
    except Empty:
        raise TimeoutError from None
    if isinstance(end, BaseException) and not fine:
        raise end
    return end  # type: ignore[return-value]

"""The order of a backfill: which row goes next, and what a row's end means for the rows after it. Pure.

The deployments of one repository, service and environment go one after the other, oldest first, because DX credits each with what
came after the one before. Calls of setPullServices go before all deployments. Of each row, two numbers are in memory.
"""

from array import array
from collections.abc import Iterator, Sequence
from heapq import heapify, heappop, heappush


class Order:
    """The rows still to be sent, by their index. `times` and `keys` are those of `store.Rows`."""

    def __init__(self, times: Sequence[int], keys: Sequence[int]) -> None:
        ranked = sorted(range(len(times)), key=times.__getitem__)
        ranked.sort(key=lambda index: times[index] != 0)
        self._index = array("I", ranked)
        self._none = len(ranked)
        # By rank: the rank of the next row of the same key.
        self._after = array("I", ranked)
        following: dict[int, int] = {}
        for rank in range(len(ranked) - 1, -1, -1):
            key = keys[ranked[rank]]
            self._after[rank] = following.get(key, self._none)
            following[key] = rank
        self._ready = list(following.values())
        heapify(self._ready)
        self._in_flight: dict[int, int] = {}
        # The lower ranks are the calls that go before all deployments; `_firsts_left` of them have not ended.
        self._firsts = self._firsts_left = sum(not time for time in times)
        self.held_back = 0

    def __iter__(self) -> Iterator[int]:
        """Yield every row in the order in which a single lane would send them."""
        return iter(self._index)

    def take(self) -> int | None:
        """Return the row that goes next, the oldest that may, or None if none may now."""
        if not self._ready or (self._ready[0] >= self._firsts and self._firsts_left):
            return None
        rank = heappop(self._ready)
        index = self._index[rank]
        self._in_flight[index] = rank
        return index

    @property
    def over(self) -> bool:
        """Whether no row can go any more, now or later."""
        return not self._ready and not self._in_flight

    def done(self, index: int, *, go_on: bool) -> None:
        """Record that a row has ended. Without `go_on`, no row that must follow it is sent."""
        rank = self._in_flight.pop(index)
        self._firsts_left -= rank < self._firsts
        following = self._after[rank]
        if go_on:
            if following != self._none:
                heappush(self._ready, following)
            return
        while following != self._none:
            self.held_back += 1
            self._firsts_left -= following < self._firsts
            following = self._after[following]

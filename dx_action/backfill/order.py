"""Owns the order of a backfill: which row may go next, and what a row's end means for those after it. Pure.

The deployments of one repository, service and environment go one after the other, oldest first, for DX credits each with what
came after the one before. Calls of setPullServices go before all deployments. A row is an index; of each, two numbers are held.
"""

from array import array
from collections.abc import Iterator, Sequence
from heapq import heapify, heappop, heappush


class Order:
    """The rows that are still to go. `times` and `keys` are those of `store.Rows`."""

    def __init__(self, times: Sequence[int], keys: Sequence[int]) -> None:
        ranked = sorted(range(len(times)), key=times.__getitem__)
        ranked.sort(key=lambda index: times[index] != 0)
        self._index = array("I", ranked)
        self._none = len(ranked)
        # The rank of the next row of the same key, by rank.
        self._after = array("I", ranked)
        following: dict[int, int] = {}
        for rank in range(len(ranked) - 1, -1, -1):
            key = keys[ranked[rank]]
            self._after[rank] = following.get(key, self._none)
            following[key] = rank
        self._ready = list(following.values())
        heapify(self._ready)
        self._flying: dict[int, int] = {}
        # The ranks below this are the calls that go before all deployments; and how many of them have no end yet.
        self._firsts = self._firsts_left = sum(not time for time in times)
        self.dropped = 0

    def __iter__(self) -> Iterator[int]:
        """Give every row in the order in which one lane would send them."""
        return iter(self._index)

    def take(self) -> int | None:
        """Give the row that goes next, the oldest of those that may; None where none may now."""
        if not self._ready or (self._ready[0] >= self._firsts and self._firsts_left):
            return None
        rank = heappop(self._ready)
        index = self._index[rank]
        self._flying[index] = rank
        return index

    @property
    def over(self) -> bool:
        """Tell whether no row can go any more, now or later."""
        return not self._ready and not self._flying

    def done(self, index: int, *, go_on: bool) -> None:
        """Take note of a row's end. Without `go_on`, none that must follow it is sent."""
        rank = self._flying.pop(index)
        self._firsts_left -= rank < self._firsts
        following = self._after[rank]
        if go_on:
            if following != self._none:
                heappush(self._ready, following)
            return
        while following != self._none:
            self.dropped += 1
            self._firsts_left -= following < self._firsts
            following = self._after[following]

"""The order of a backfill: which row goes next, and what a row's end means for the rows after it. Pure.

The deployments of one repository, service and environment go one after the other, oldest first, because DX credits each with what
came after the one before. Calls of setPullServices go before all deployments, and so do corrections of what no row registers. All
rows of a `reference_id` that is corrected go one after the other, as they stand in the file, at the time of the row that registers
it. Of each row, two numbers are in memory.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush


class Order:
    """The rows still to be sent, by their index. `times`, `keys` and `anchors` are those of `store.Rows`."""

    def __init__(self, times: Sequence[int], keys: Sequence[int], anchors: Mapping[int, int] | None = None) -> None:
        self._anchors = anchors or {}
        self._failed: set[int | None] = set()
        if self._anchors:
            places = [self._anchors.get(index, index) for index in range(len(times))]
            times, keys = [times[place] for place in places], [keys[place] for place in places]
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

    def done(self, index: int, *, go_on: bool, failed: bool) -> None:
        """Record that a row has ended. Without `go_on`, no row that must follow it is sent.

        Once one has `failed`, the later rows of the same `reference_id` are not sent: they would be in another order when the
        failed one is sent again.
        """
        rank = self._in_flight.pop(index)
        self._firsts_left -= rank < self._firsts
        following = self._after[rank]
        if failed and index in self._anchors:
            self._failed.add(self._anchors[index])
        while following != self._none:
            if go_on and self._anchors.get(self._index[following]) not in self._failed:
                heappush(self._ready, following)
                return
            self.held_back += 1
            self._firsts_left -= following < self._firsts
            following = self._after[following]

"""The order of a backfill: which row may go, and what a row's end means for those after it."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dx_action.backfill.order import Order


def drained(order: Order, stops: Sequence[int] = ()) -> list[int]:
    """Send one after the other; after those of `stops`, none that must follow."""
    found = []
    while (index := order.take()) is not None:
        found.append(index)
        order.done(index, go_on=index not in stops, failed=False)
    return found


@pytest.mark.parametrize(
    ("times", "keys", "order"),
    [
        ([], [], []),
        ([7], [0], [0]),
        ([3, 1, 2], [0, 0, 0], [1, 2, 0]),
        ([3, 1, 2], [0, 1, 2], [1, 2, 0]),
        ([5, 5, 5], [0, 0, 1], [0, 1, 2]),
        ([5, 4, 0, 3, 0], [0, 0, 1, 0, 2], [2, 4, 3, 1, 0]),
        ([5, -5, 0], [0, 0, 1], [2, 1, 0]),
    ],
    ids=["none", "one", "oldest first", "over all keys", "ties as in the file", "pull requests first", "before 1970"],
)
def test_what_one_lane_sends(times: list[int], keys: list[int], order: list[int]) -> None:
    assert drained(Order(times, keys)) == list(Order(times, keys)) == order


def test_a_key_is_never_in_flight_twice() -> None:
    order = Order([1, 2, 3, 4], [0, 0, 1, 1])
    assert [order.take(), order.take(), order.take()] == [0, 2, None]
    order.done(2, go_on=True, failed=False)
    assert [order.take(), order.take()] == [3, None]
    order.done(0, go_on=True, failed=False)
    assert order.take() == 1


def test_a_row_waits_for_every_pull_request() -> None:
    order = Order([0, 0, 1], [0, 1, 2])
    assert [order.take(), order.take(), order.take()] == [0, 1, None]
    order.done(0, go_on=True, failed=False)
    assert order.take() is None
    order.done(1, go_on=False, failed=False)
    assert order.take() == 2


def test_pull_requests_that_are_held_back_hold_up_nothing() -> None:
    order = Order([0, 0, 1], [0, 0, 1])
    assert order.take() == 0
    order.done(0, go_on=False, failed=False)
    assert (order.take(), order.held_back) == (2, 1)


@pytest.mark.parametrize(
    ("stops", "sent", "dropped"),
    [([0], [0, 1, 3], 2), ([1], [0, 1, 2, 4], 1), ([4], [0, 1, 2, 3, 4], 0), ([0, 1], [0, 1], 3)],
    ids=["the first", "another key", "the last of its key", "two"],
)
def test_what_is_held_back(stops: list[int], sent: list[int], dropped: int) -> None:
    order = Order([1, 2, 3, 4, 5], [0, 1, 0, 1, 0])
    assert drained(order, stops) == sent
    assert order.held_back == dropped
    assert order.over


def test_it_is_over_once_nothing_is_in_flight() -> None:
    order = Order([1, 2], [0, 0])
    assert not order.over
    order.take()
    assert not order.over
    order.done(0, go_on=False, failed=False)
    assert order.over


@given(
    rows=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3)), max_size=40),
    choices=st.lists(st.tuples(st.booleans(), st.integers(0, 7), st.booleans()), max_size=200),
)
def test_whatever_ends_when(rows: list[tuple[int, int]], choices: list[tuple[bool, int, bool]]) -> None:
    """However many are in flight and however they end: each at most once, in order, one of a key; what is left was held back."""
    times, keys = [time for time, _ in rows], [key for _, key in rows]
    order = Order(times, keys)
    taken: list[int] = []
    flying: list[int] = []
    stopped: set[int] = set()
    for takes, which, go_on in [*choices, *[(True, 0, True), (False, 0, True)] * len(rows)]:
        if takes and (index := order.take()) is not None:
            assert keys[index] not in {keys[other] for other in flying}
            assert keys[index] not in stopped
            if times[index]:
                assert all(times[other] for other in flying)
            taken.append(index)
            flying.append(index)
        elif not takes and flying:
            index = flying.pop(which % len(flying))
            order.done(index, go_on=go_on, failed=False)
            if not go_on:
                stopped.add(keys[index])
    while flying:
        order.done(flying.pop(), go_on=True, failed=False)
        taken += drained(order)
    assert order.over
    assert len(taken) == len(set(taken)) == len(rows) - order.held_back
    for key in set(keys):
        of_key = [index for index in taken if keys[index] == key]
        expected = sorted((index for index in range(len(rows)) if keys[index] == key), key=lambda each: times[each])
        assert of_key == expected[: len(of_key)]
        assert len(of_key) == len(expected) or key in stopped


def test_a_deployment_that_is_held_back_behind_a_pull_request_is_none_of_those_that_go_first() -> None:
    order = Order([0, 5, 6], [0, 0, 1])
    assert order.take() == 0
    order.done(0, go_on=False, failed=False)
    assert (order.take(), order.held_back) == (2, 1)

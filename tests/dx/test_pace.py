"""When a request may start, by a clock that only waiting moves."""

from dataclasses import dataclass, field
from itertools import pairwise
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dx_action.dx.pace import Pace


@dataclass
class Ticking:
    at: float = 100.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds

    def pace(self, per_second: float) -> Pace:
        return Pace(per_second, lambda: self.at, self.sleep)


def starts(clock: Ticking, pace: Pace, count: int, *, takes: float = 0.0) -> list[float]:
    found = []
    for _ in range(count):
        pace.enter()
        found.append(round(clock.at - 100, 6))
        clock.at += takes
    return found


@pytest.mark.parametrize(
    ("per_second", "takes", "expected"),
    [
        (4, 0, [0, 0.25, 0.5, 0.75, 1.0]),
        (4, 0.1, [0, 0.25, 0.5, 0.75, 1.0]),
        (4, 0.4, [0, 0.4, 0.8, 1.2, 1.6]),
        (0.5, 0, [0, 2, 4, 6, 8]),
        (0, 0, [0, 0, 0, 0, 0]),
    ],
)
def test_starts_are_an_interval_apart(per_second: float, takes: float, expected: list[float]) -> None:
    clock = Ticking()
    assert starts(clock, clock.pace(per_second), 5, takes=takes) == expected


def test_time_that_nobody_used_is_not_made_up_for() -> None:
    clock = Ticking()
    pace = clock.pace(10)
    pace.enter()
    clock.at += 60
    assert starts(clock, pace, 3) == [60, 60.1, 60.2]


@pytest.mark.parametrize(("per_second", "expected"), [(0, [5, 5, 5]), (2, [5, 5.5, 6])])
def test_a_pause_is_for_everyone(per_second: float, expected: list[float]) -> None:
    clock = Ticking()
    pace = clock.pace(per_second)
    assert pace.pause(5, 60)
    assert starts(clock, pace, 3) == expected


def test_a_shorter_pause_ends_no_longer_one() -> None:
    clock = Ticking()
    pace = clock.pace(0)
    pace.pause(5, 60)
    pace.pause(1, 60)
    assert starts(clock, pace, 1) == [5]


def test_what_was_waited_is_told() -> None:
    clock = Ticking()
    pace = clock.pace(4)
    assert [pace.enter(), pace.enter()] == [0, 0.25]


def test_a_pause_beyond_patience_is_not_kept() -> None:
    clock = Ticking()
    pace = clock.pace(0)
    assert not pace.pause(61, 60)
    assert starts(clock, pace, 1) == [0]


def test_pauses_without_an_answer_between_them_add_up() -> None:
    clock = Ticking()
    pace = clock.pace(0)
    assert pace.pause(40, 60)
    pace.enter()
    assert not pace.pause(40, 60)
    pace.flow()
    assert pace.pause(40, 60)


def test_who_is_to_stop_is_let_through() -> None:
    clock = Ticking()
    pace = clock.pace(0)
    pace.pause(50, 60)
    assert pace.enter(lambda: True) == 0
    assert clock.slept == []


@given(
    per_second=st.floats(0.5, 50),
    moves=st.lists(st.tuples(st.sampled_from(["enter", "pause", "idle"]), st.floats(0, 3)), max_size=60),
)
def test_no_second_has_more_than_the_rate(per_second: float, moves: list[tuple[str, float]]) -> None:
    clock = Ticking()
    pace = clock.pace(per_second)
    started: list[float] = []
    held_until = 0.0
    for move, seconds in moves:
        if move == "enter":
            pace.enter()
            started.append(clock.at)
            assert clock.at >= held_until - 1e-6
        elif move == "pause":
            pace.pause(seconds, 60)
            pace.flow()
            held_until = max(held_until, clock.at + seconds)
        else:
            clock.at += seconds
    gaps = [after - before for before, after in pairwise(started)]
    assert all(gap >= 1 / per_second - 1e-6 for gap in gaps)


def test_lanes_that_come_at_once_go_one_by_one() -> None:
    clock = Ticking()
    pace = clock.pace(10)
    started: list[float] = []

    def lane() -> None:
        for _ in range(5):
            pace.enter()
            started.append(clock.at)

    lanes = [Thread(target=lane) for _ in range(4)]
    for each in lanes:
        each.start()
    for each in lanes:
        each.join()
    assert len(started) == 20
    assert clock.at == pytest.approx(100 + 19 / 10)

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from linectl.line.grid import Due, Grid


def test_ticks_on_time() -> None:
    grid = Grid(100.0, 0.5)
    assert grid.take(99.0) is None
    assert grid.take(100.0) == Due(0, 100.0, 0, 0)
    assert grid.take(100.0) is None
    assert grid.due_s == 100.5
    assert grid.take(100.5) == Due(1, 100.5, 1, 0)


def test_a_tick_a_little_late_is_made_and_stays_on_the_grid() -> None:
    grid = Grid(0.0, 1.0)
    grid.take(0.0)
    assert grid.take(1.4) == Due(1, 1.0, 1, 0)
    assert grid.due_s == 2.0


def test_ticks_that_passed_are_missed_not_made_up_for() -> None:
    grid = Grid(0.0, 1.0)
    grid.take(0.0)
    assert grid.take(5.1) == Due(5, 5.0, 1, 4)
    assert grid.take(5.1) is None


def test_the_latest_tick_is_missed_too_when_it_is_long_past() -> None:
    grid = Grid(0.0, 1.0)
    grid.take(0.0)
    assert grid.take(5.9) == Due(None, 5.0, 1, 5)
    assert grid.due_s == 6.0
    assert grid.take(6.0) == Due(6, 6.0, 6, 0)


@given(st.lists(st.floats(0.0, 7.0), min_size=1, max_size=40), st.sampled_from([0.1, 0.5, 1.0, 30.0]))
def test_every_tick_is_made_or_missed_exactly_once(pauses: list[float], period_s: float) -> None:
    grid = Grid(3.0, period_s)
    now_s, seen = 3.0, []
    for pause_s in pauses:
        now_s += pause_s
        due = grid.take(now_s)
        if due is not None:
            seen += list(range(due.first_missed, due.first_missed + due.missed))
            seen += [] if due.number is None else [due.number]
    assert seen == list(range(len(seen)))
    assert grid.due_s > now_s - 1e-3

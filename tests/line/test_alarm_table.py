"""The nine states: every pair of state and event, against a grid written down apart from the code."""

from __future__ import annotations

import pytest

from linectl.line.alarms.table import TABLE, next_state
from linectl.model.alarms import HIDDEN, AlarmEvent, AlarmState

LETTERS = dict(zip("ABCDEFGHI", AlarmState, strict=True))
EVENTS = (
    AlarmEvent.RAISE,
    AlarmEvent.CLEAR,
    AlarmEvent.CLEAR_LATCHED,
    AlarmEvent.ACKNOWLEDGE,
    AlarmEvent.RESET,
    AlarmEvent.SHELVE,
    AlarmEvent.UNSHELVE,
    AlarmEvent.SUPPRESS,
    AlarmEvent.UNSUPPRESS,
    AlarmEvent.REMOVE,
    AlarmEvent.RETURN,
)
# A normal, B unacknowledged, C acknowledged, D returned unacknowledged, E latched unacknowledged, F latched
# acknowledged, G shelved, H suppressed by design, I out of service; - makes no sense and is refused.
GRID = """
    raise clear latch ack reset shelve unshelve suppress unsuppress remove return
A   B     A     A     -   -     G      -        H        A          I      -
B   B     D     E     C   -     G      -        H        B          I      -
C   C     A     F     -   -     G      -        H        C          I      -
D   B     D     E     A   -     G      -        H        D          I      -
E   B     E     E     F   -     G      -        H        E          I      -
F   B     F     F     -   A     G      -        H        F          I      -
G   G     G     G     -   -     G      A        G        G          I      -
H   H     H     H     -   -     G      -        H        A          I      -
I   I     I     I     -   -     -      -        I        I          -      A
"""
ROWS = [line.split() for line in GRID.strip().splitlines()[1:]]
PAIRS = [(row[0], event, after) for row in ROWS for event, after in zip(EVENTS, row[1:], strict=True)]


def test_the_grid_has_every_state_and_every_event() -> None:
    assert {state for state, _, _ in PAIRS} == set(LETTERS)
    assert set(EVENTS) == set(AlarmEvent)
    assert len(PAIRS) == len(AlarmState) * len(AlarmEvent)
    assert set(TABLE) == set(AlarmState)


@pytest.mark.parametrize(("state", "event", "after"), PAIRS, ids=str)
def test_each_pair(state: str, event: AlarmEvent, after: str) -> None:
    assert next_state(LETTERS[state], event) == LETTERS.get(after)


def test_nothing_the_plant_does_leads_out_of_a_hidden_state() -> None:
    for state in HIDDEN:
        for event in (AlarmEvent.RAISE, AlarmEvent.CLEAR, AlarmEvent.CLEAR_LATCHED):
            assert next_state(state, event) is state

"""The nine states of ISA-18.2 as a table: state and event give the next state, and nothing else does.

Leaving a hidden state (shelved, suppressed, out of service) always leads to normal; whoever steps then raises again
what stands, so that nothing comes back acknowledged that nobody has seen. What the plant does while an alarm is
hidden leaves it hidden. A pair that is not in the table is an act that makes no sense there, and is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from linectl.model.alarms import AlarmEvent as E
from linectl.model.alarms import AlarmState as S

__all__ = ["TABLE", "next_state"]

_ALWAYS = {E.REMOVE: S.OUT_OF_SERVICE, E.SHELVE: S.SHELVED, E.SUPPRESS: S.SUPPRESSED}

TABLE: Mapping[S, Mapping[E, S]] = MappingProxyType(
    {
        S.NORMAL: {
            **_ALWAYS,
            E.RAISE: S.UNACKNOWLEDGED,
            E.CLEAR: S.NORMAL,
            E.CLEAR_LATCHED: S.NORMAL,
            E.UNSUPPRESS: S.NORMAL,
        },
        S.UNACKNOWLEDGED: {
            **_ALWAYS,
            E.RAISE: S.UNACKNOWLEDGED,
            E.CLEAR: S.RTN_UNACKNOWLEDGED,
            E.CLEAR_LATCHED: S.LATCHED_UNACKNOWLEDGED,
            E.ACKNOWLEDGE: S.ACKNOWLEDGED,
            E.UNSUPPRESS: S.UNACKNOWLEDGED,
        },
        S.ACKNOWLEDGED: {
            **_ALWAYS,
            E.RAISE: S.ACKNOWLEDGED,
            E.CLEAR: S.NORMAL,
            E.CLEAR_LATCHED: S.LATCHED_ACKNOWLEDGED,
            E.UNSUPPRESS: S.ACKNOWLEDGED,
        },
        S.RTN_UNACKNOWLEDGED: {
            **_ALWAYS,
            E.RAISE: S.UNACKNOWLEDGED,
            E.CLEAR: S.RTN_UNACKNOWLEDGED,
            E.CLEAR_LATCHED: S.LATCHED_UNACKNOWLEDGED,
            E.ACKNOWLEDGE: S.NORMAL,
            E.UNSUPPRESS: S.RTN_UNACKNOWLEDGED,
        },
        S.LATCHED_UNACKNOWLEDGED: {
            **_ALWAYS,
            E.RAISE: S.UNACKNOWLEDGED,
            E.CLEAR: S.LATCHED_UNACKNOWLEDGED,
            E.CLEAR_LATCHED: S.LATCHED_UNACKNOWLEDGED,
            E.ACKNOWLEDGE: S.LATCHED_ACKNOWLEDGED,
            E.UNSUPPRESS: S.LATCHED_UNACKNOWLEDGED,
        },
        S.LATCHED_ACKNOWLEDGED: {
            **_ALWAYS,
            E.RAISE: S.UNACKNOWLEDGED,
            E.CLEAR: S.LATCHED_ACKNOWLEDGED,
            E.CLEAR_LATCHED: S.LATCHED_ACKNOWLEDGED,
            E.RESET: S.NORMAL,
            E.UNSUPPRESS: S.LATCHED_ACKNOWLEDGED,
        },
        S.SHELVED: {
            E.REMOVE: S.OUT_OF_SERVICE,
            E.SHELVE: S.SHELVED,  # for another time
            E.UNSHELVE: S.NORMAL,
            E.RAISE: S.SHELVED,
            E.CLEAR: S.SHELVED,
            E.CLEAR_LATCHED: S.SHELVED,
            E.SUPPRESS: S.SHELVED,
            E.UNSUPPRESS: S.SHELVED,
        },
        S.SUPPRESSED: {
            E.REMOVE: S.OUT_OF_SERVICE,
            E.SHELVE: S.SHELVED,
            E.RAISE: S.SUPPRESSED,
            E.CLEAR: S.SUPPRESSED,
            E.CLEAR_LATCHED: S.SUPPRESSED,
            E.SUPPRESS: S.SUPPRESSED,
            E.UNSUPPRESS: S.NORMAL,
        },
        S.OUT_OF_SERVICE: {
            E.RETURN: S.NORMAL,
            E.RAISE: S.OUT_OF_SERVICE,
            E.CLEAR: S.OUT_OF_SERVICE,
            E.CLEAR_LATCHED: S.OUT_OF_SERVICE,
            E.SUPPRESS: S.OUT_OF_SERVICE,
            E.UNSUPPRESS: S.OUT_OF_SERVICE,
        },
    }
)
"""State -> event -> state."""


def next_state(state: S, event: E) -> S | None:
    """Return the state after `event`; None: it makes no sense in `state`."""
    return TABLE[state].get(event)

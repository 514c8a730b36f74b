"""The PackML states of the washer, as tables; numbers of states and commands are those of OPC 30050.

A state that ends in -ing is left by itself after its duration; before that by those commands alone that are listed.
"""

from __future__ import annotations

from enum import IntEnum

__all__ = [
    "AT_REST",
    "COMPLETES",
    "MOVES",
    "OFF",
    "RECIPE_IN",
    "STATE_COMMANDS",
    "WORKING",
    "Command",
    "Mode",
    "State",
]


class State(IntEnum):
    """Machine state in IR1."""

    CLEARING = 1
    STOPPED = 2
    STARTING = 3
    IDLE = 4
    SUSPENDED = 5
    EXECUTE = 6
    STOPPING = 7
    ABORTING = 8
    ABORTED = 9
    HOLDING = 10
    HELD = 11
    UNHOLDING = 12
    SUSPENDING = 13
    UNSUSPENDING = 14
    RESETTING = 15
    COMPLETING = 16
    COMPLETE = 17

    __hash__ = int.__hash__  # asked in tables at each scan; an enumeration's own is slow


class Command(IntEnum):
    """`cmd_code` in HR0: PackML's, and from 100 on the machine's own."""

    RESET = 1
    START = 2
    STOP = 3
    HOLD = 4
    UNHOLD = 5
    SUSPEND = 6
    UNSUSPEND = 7
    ABORT = 8
    CLEAR = 9
    ACKNOWLEDGE = 100
    DRAIN = 101
    SELECT_RECIPE = 102
    SELECT_MODE = 103


class Mode(IntEnum):
    """Unit mode in IR7. In Maintenance the machine runs without bottles, heat or lye; in Manual it does not start."""

    PRODUCE = 1
    MAINTENANCE = 2
    MANUAL = 3


STATE_COMMANDS = frozenset(command for command in Command if command < Command.ACKNOWLEDGE)

_S, _C = State, Command
_STOPPABLE = frozenset(_S) - {_S.STOPPED, _S.STOPPING, _S.ABORTED, _S.ABORTING, _S.CLEARING}
_HOLDABLE = (_S.EXECUTE, _S.STARTING, _S.SUSPENDING, _S.SUSPENDED, _S.UNSUSPENDING, _S.UNHOLDING)

MOVES: dict[tuple[State, Command], State] = {
    (_S.ABORTED, _C.CLEAR): _S.CLEARING,
    (_S.STOPPED, _C.RESET): _S.RESETTING,
    (_S.COMPLETE, _C.RESET): _S.RESETTING,
    (_S.IDLE, _C.START): _S.STARTING,
    (_S.HELD, _C.UNHOLD): _S.UNHOLDING,
    (_S.EXECUTE, _C.SUSPEND): _S.SUSPENDING,
    (_S.SUSPENDED, _C.UNSUSPEND): _S.UNSUSPENDING,
    **{(state, _C.HOLD): _S.HOLDING for state in _HOLDABLE},
    **{(state, _C.STOP): _S.STOPPING for state in _STOPPABLE},
    **{(state, _C.ABORT): _S.ABORTING for state in _S if state not in {_S.ABORTING, _S.ABORTED}},
}
"""(state, command) -> new state; any other pair is refused with result 2."""

COMPLETES: dict[State, tuple[State, float]] = {
    _S.CLEARING: (_S.STOPPED, 2.0),
    _S.RESETTING: (_S.IDLE, 3.0),
    _S.STARTING: (_S.EXECUTE, 12.0),  # a horn sounds 2 s, then the chain runs up
    _S.STOPPING: (_S.STOPPED, 6.0),
    _S.ABORTING: (_S.ABORTED, 1.0),
    _S.HOLDING: (_S.HELD, 5.0),
    _S.UNHOLDING: (_S.EXECUTE, 8.0),
    _S.SUSPENDING: (_S.SUSPENDED, 5.0),
    _S.UNSUSPENDING: (_S.EXECUTE, 8.0),
    _S.COMPLETING: (_S.COMPLETE, 6.0),
}
"""State that completes by itself -> the one it leads to, after how many s of process time (E)."""

OFF = frozenset({_S.STOPPED, _S.STOPPING, _S.ABORTED, _S.ABORTING, _S.CLEARING})
"""States in which nothing heats, doses, rinses or pumps."""

WORKING = frozenset({_S.EXECUTE, _S.STARTING, _S.UNHOLDING, _S.UNSUSPENDING})
"""States in which the chain runs or runs up."""

AT_REST = frozenset({_S.STOPPED, _S.IDLE, _S.COMPLETE})
"""States in which a mode may be selected, and the tanks drained."""

RECIPE_IN = AT_REST | {_S.HELD}
"""States in which a recipe may be selected."""

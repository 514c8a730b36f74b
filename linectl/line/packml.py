"""The states and modes of a machine after PackML, as tables: what each command does in each state, and its names.

Numbers are those of OPC 30050; a machine says its state by them. A state that ends in -ing is left by itself, once its
work is done. Held is for a cause inside the machine, Suspended for one outside (nothing comes in, nothing can go out).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

from linectl.line.reports import Command
from linectl.model.readings import Value
from linectl.words import tr

__all__ = [
    "ENDS_IN",
    "MOVES",
    "SAFE_COMMANDS",
    "STATE_COMMANDS",
    "Mode",
    "State",
    "command_word",
    "goal",
    "mode_name",
    "possible",
    "state_name",
    "state_of",
]


class State(IntEnum):
    """What a machine does."""

    UNDEFINED = 0
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


class Mode(IntEnum):
    """What a machine is for at present."""

    PRODUCE = 1
    MAINTENANCE = 2
    MANUAL = 3


STATE_COMMANDS = (
    Command.RESET,
    Command.START,
    Command.HOLD,
    Command.UNHOLD,
    Command.SUSPEND,
    Command.UNSUSPEND,
    Command.STOP,
    Command.ABORT,
    Command.CLEAR,
)
"""The commands that move a machine from state to state, in the order in which people are told of them."""

SAFE_COMMANDS = frozenset({Command.ABORT, Command.STOP, Command.HOLD})
"""Commands that only ever make a machine calmer: they need nobody's leave."""

_S, _C = State, Command
_RUNNING = (_S.EXECUTE, _S.STARTING, _S.SUSPENDING, _S.SUSPENDED, _S.UNSUSPENDING, _S.UNHOLDING)
_AT_END = frozenset({_S.UNDEFINED, _S.STOPPED, _S.STOPPING, _S.ABORTED, _S.ABORTING, _S.CLEARING})

MOVES: Mapping[tuple[State, Command], State] = MappingProxyType(
    {
        (_S.ABORTED, _C.CLEAR): _S.CLEARING,
        (_S.STOPPED, _C.RESET): _S.RESETTING,
        (_S.COMPLETE, _C.RESET): _S.RESETTING,
        (_S.IDLE, _C.START): _S.STARTING,
        (_S.HELD, _C.UNHOLD): _S.UNHOLDING,
        (_S.EXECUTE, _C.SUSPEND): _S.SUSPENDING,
        (_S.SUSPENDED, _C.UNSUSPEND): _S.UNSUSPENDING,
        **{(state, _C.HOLD): _S.HOLDING for state in _RUNNING},
        **{(state, _C.STOP): _S.STOPPING for state in _S if state not in _AT_END},
        **{(state, _C.ABORT): _S.ABORTING for state in _S if state not in {_S.UNDEFINED, _S.ABORTING, _S.ABORTED}},
    }
)
"""(state, command) -> the state that it leads to; any other pair is not possible."""

ENDS_IN: Mapping[State, State] = MappingProxyType(
    {
        _S.CLEARING: _S.STOPPED,
        _S.STARTING: _S.EXECUTE,
        _S.STOPPING: _S.STOPPED,
        _S.ABORTING: _S.ABORTED,
        _S.HOLDING: _S.HELD,
        _S.UNHOLDING: _S.EXECUTE,
        _S.SUSPENDING: _S.SUSPENDED,
        _S.UNSUSPENDING: _S.EXECUTE,
        _S.RESETTING: _S.IDLE,
        _S.COMPLETING: _S.COMPLETE,
    }
)
"""A state that is left by itself -> the one in which its work ends."""


def state_of(value: Value | None) -> State:
    """Return the state of that number; one that PackML does not know is UNDEFINED."""
    try:
        return State(value)  # type: ignore[arg-type]  # what is no number is refused as one that is not known
    except ValueError:
        return State.UNDEFINED


def possible(state: State) -> tuple[Command, ...]:
    """Return the commands that are possible in `state`."""
    return tuple(command for command in STATE_COMMANDS if (state, command) in MOVES)


def goal(state: State, command: Command) -> State | None:
    """Return where a machine is once `command`, given in `state`, is done; None: it is not possible there."""
    to = MOVES.get((state, command))
    return None if to is None else ENDS_IN.get(to, to)


def command_word(command: Command) -> str:
    """Return what the command is called on the command line and in records; the same in every language."""
    return command.name.lower().replace("_", " ")


def state_name(state: State) -> str:
    """Return what people call a state."""
    return {
        _S.UNDEFINED: tr("unknown"),
        _S.CLEARING: tr("clearing"),
        _S.STOPPED: tr("stopped"),
        _S.STARTING: tr("starting"),
        _S.IDLE: tr("ready to start"),
        _S.SUSPENDED: tr("suspended"),
        _S.EXECUTE: tr("executing"),
        _S.STOPPING: tr("stopping"),
        _S.ABORTING: tr("aborting"),
        _S.ABORTED: tr("aborted"),
        _S.HOLDING: tr("holding"),
        _S.HELD: tr("held"),
        _S.UNHOLDING: tr("leaving hold"),
        _S.SUSPENDING: tr("suspending"),
        _S.UNSUSPENDING: tr("leaving suspension"),
        _S.RESETTING: tr("resetting"),
        _S.COMPLETING: tr("completing"),
        _S.COMPLETE: tr("complete"),
    }[state]


def mode_name(mode: Mode) -> str:
    """Return what people call a mode."""
    return {Mode.PRODUCE: tr("production"), Mode.MAINTENANCE: tr("maintenance"), Mode.MANUAL: tr("manual")}[mode]

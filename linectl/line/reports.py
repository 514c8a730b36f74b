"""How writes and commands ended, and the commands' numbers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from drivers.link import Outcome
from linectl.model.readings import Value

__all__ = ["Command", "CommandReport", "Result", "WriteReport"]


class Command(IntEnum):
    """Commands of the handshake: PackML's numbers (OPC 30050), and from 100 on the line's own."""

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
    DRAIN_TANKS = 101  # of a washer
    SELECT_RECIPE = 102  # one of the PLC's own, by the number in `command_argument`
    SELECT_MODE = 103  # likewise
    FILL = 110
    DRAIN = 111
    DOSE = 112


class Result(IntEnum):
    """The PLC's answer to a command (`ack_result`)."""

    PENDING = 0
    DONE = 1
    STATE = 2
    INTERLOCK = 3
    RANGE = 4
    TOKEN = 5
    UNKNOWN_CODE = 6


@dataclass(frozen=True, slots=True)
class WriteReport:
    """How a write ended, in the tag's unit; `refused_by` is a machine word and empty unless it was refused.

    `refused_by`: unknown_tag, not_writable, lease, range, limit (the zone's), step and rate (too much at once, too
    fast), interlock (or permissive), link (down, or the device given up: nothing was sent), device. Who writes by hand
    may also be refused by arming (not armed, or another is) and soft (unusual, and nobody said that it is meant).
    """

    tag: str
    outcome: Outcome
    asked: Value
    got: Value | None = None
    refused_by: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CommandReport:
    """How a command ended: CONFIRMED (done), REFUSED (with the PLC's result) or UNKNOWN (no end was heard in time)."""

    code: Command
    seq: int
    outcome: Outcome
    result: int = Result.PENDING
    detail: str = ""

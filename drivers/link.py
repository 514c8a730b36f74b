"""The seam under which every wire lives: at most six methods, raw typed values, no tag, no limit, no file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import NamedTuple, Protocol, runtime_checkable

from drivers.wire_tap import DeviceStats, WireTap

__all__ = [
    "Answer",
    "Link",
    "LinkStats",
    "Outcome",
    "Point",
    "Priority",
    "RawReading",
    "RawValue",
    "ReadsAtOnce",
    "WriteResult",
    "reading_of",
]

RawValue = float | int | bool | str | tuple[int, ...]


class Priority(IntEnum):
    """What goes first when several calls wait for one wire (lower first)."""

    STOP = 0
    WRITE = 1
    HEARTBEAT = 2
    READ = 3
    SCAN = 4


@dataclass(frozen=True, slots=True)
class Point:
    """One place on one link, in the link's own words.

    `address` is text that `drivers.addresses` understands:
    Modbus `2/ir10` (unit/table and 0-based address; tables co, di, ir, hr), one bit of a register `2/hr10.3`,
    several registers `2/hr0:3` (a block, or a string of 6 characters), a part of registers that must be read whole
    `2/hr2090:10+2` (2 registers on from 2090, of ten read whole and alone);
    EZO `R` (or `R:1` for the second field of a reply); a balance `weight`; a circulator `bath`, `setpoint`, ...;
    MQTT `sensors/room/climate#temperature` (topic, then the path of a JSON field), a bare topic (a plain number), or
    the name of a sensor of the link's settings in place of the topic.
    `kind` is the raw type: u16, i16, u32, i32, u64, i64, f32, f64, bool, str, block (a tuple of u16), float.
    `readback` says whether a write can be proved by reading the point again (a pulse or a heartbeat cannot).
    `order` is how the bytes of a value of several registers follow each other, A the highest: ABCD, CDAB, BADC, DCBA
    (of four registers likewise: words high first or low first, bytes of each word swapped or not).
    """

    address: str
    kind: str = "u16"
    readback: bool = True
    order: str = "ABCD"

    def __hash__(self) -> int:
        """Return the hash of the address alone: points key every reply, and two of one address are rare."""
        return hash(self.address)


class RawReading(NamedTuple):
    """What a point said: a raw value, or None with a reason. A plain tuple, for one is made per point and reply.

    Reasons: not_connected, timeout, bad_reply, sensor_failure, out_of_service, waiting_for_initial_data, stale.
    `t_request_s` and `t_reply_s` are loop times; for a value that arrived by itself both are its arrival.
    `source_ns` is the device's own time in ns UTC, when it gives one. `fresh_s` is how long (s) after `t_reply_s` the
    value is to be believed, when the link knows (a sensor that publishes by itself, at its own period); else None.
    """

    value: RawValue | None
    reason: str = ""
    detail: str = ""
    t_request_s: float = 0.0
    t_reply_s: float = 0.0
    source_ns: int | None = None
    fresh_s: float | None = None


Answer = RawReading | RawValue | None
"""A reading, or a bare value for one that was taken at this very moment and needs no times; None: there is none yet."""


def reading_of(answer: Answer, now_s: float) -> RawReading:
    """Return the reading that `answer` is at loop time `now_s` (s)."""
    if isinstance(answer, RawReading):
        return answer
    return RawReading(answer, "waiting_for_initial_data" if answer is None else "", "", now_s, now_s)


class Outcome(StrEnum):
    """How a write ended; never "ok" because nothing was heard."""

    CONFIRMED = "confirmed"
    CLAMPED = "clamped"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class WriteResult:
    """A write's end in raw values: what was asked, what the read-back said, and why when they differ.

    `unsent` is true for a refusal by the wire: it was down, or its device given up, and the device heard nothing.
    """

    outcome: Outcome
    asked: RawValue
    got: RawValue | None = None
    detail: str = ""
    unsent: bool = False


@dataclass(slots=True)
class LinkStats:
    """Counters of one link since it was made."""

    requests: int = 0
    replies: int = 0
    timeouts: int = 0
    bad_replies: int = 0
    exceptions: int = 0
    reconnects: int = 0
    dropped: int = 0
    last_error: str = ""
    extra: dict[str, int] = field(default_factory=dict)
    devices: dict[str, DeviceStats] = field(default_factory=dict)


@runtime_checkable
class Link(Protocol):
    """A wire to one device or bus, with one owner task and one outstanding request.

    A link that has been opened comes back by itself after a loss, until it is closed. `tap` shows what went over it.
    """

    tap: WireTap

    async def open(self) -> None:
        """Connect once and start the owner task.

        Raises:
            LinkDown: the first connection failed; the message names the address, and nothing is left running.
        """

    async def close(self) -> None:
        """Disconnect for good; pending calls end as not_connected."""

    async def read(
        self, points: Sequence[Point], *, deadline: float, priority: Priority = Priority.READ
    ) -> Mapping[Point, RawReading]:
        """Return one raw reading per point by `deadline` (loop time, s); wire faults are reasons, never exceptions."""

    async def write(
        self, point: Point, value: RawValue, *, deadline: float, priority: Priority = Priority.WRITE
    ) -> WriteResult:
        """Write a raw value once, check the echo, read it back where the point allows, by `deadline` (loop time, s)."""

    def is_open(self) -> bool:
        """Return whether the wire is connected now."""

    def stats(self) -> LinkStats:
        """Return the link's counters."""


@runtime_checkable
class ReadsAtOnce(Protocol):
    """A `Link` that often need not wait, since no wire lies between: whoever asks it is spared a task of its own."""

    def read_now(self, points: Sequence[Point]) -> Sequence[Answer] | None:
        """Return what `read` would return at once, in the order of `points`.

        None when it would wait, or is not open: then `read` is asked.
        """

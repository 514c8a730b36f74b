"""What went over a wire: the last raw frames, counters per device, and a dump of the frames at each fault."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["DeviceStats", "Direction", "Dump", "Frame", "WireTap"]

FRAMES_KEPT = 200
_DUMPS_KEPT = 20
_SAME_FAULT_S = 10.0  # s; a fault that goes on is dumped once in this time
_BUCKETS_S = tuple(0.000_1 * 2**k for k in range(18))  # 0.1 ms to 13 s, doubling


class Direction(StrEnum):
    """Which way a frame went."""

    SENT = "sent"
    RECEIVED = "received"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Frame:
    """Raw bytes at a loop time (s); `note` says what the wire thought of them (late, crc, dropped, ...)."""

    number: int
    t_s: float
    direction: Direction
    data: bytes
    device: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Dump:
    """The frames that led to a fault of `device` at the loop time `t_s`."""

    t_s: float
    device: str
    why: str
    frames: tuple[Frame, ...]


@dataclass(slots=True)
class DeviceStats:
    """Counters of one device on a wire since the link was made; `buckets` count round trips below 0.1 ms x 2^k."""

    requests: int = 0
    replies: int = 0
    timeouts: int = 0
    crc_errors: int = 0
    bad_replies: int = 0
    exceptions: int = 0
    quarantines: int = 0
    late_frames: int = 0
    dropped: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(_BUCKETS_S) + 1))

    def answered(self, round_trip_s: float) -> None:
        """Count a reply that took `round_trip_s`."""
        self.replies += 1
        index = 0
        while index < len(_BUCKETS_S) and round_trip_s >= _BUCKETS_S[index]:
            index += 1
        self.buckets[index] += 1


class WireTap:
    """Keeps the last 200 frames of a wire, its devices' counters, and up to 20 dumps of faults."""

    def __init__(self) -> None:
        self.frames: deque[Frame] = deque(maxlen=FRAMES_KEPT)
        self.dumps: deque[Dump] = deque(maxlen=_DUMPS_KEPT)
        self.devices: dict[str, DeviceStats] = {}
        self._number = 0
        self._listeners: list[Callable[[Frame], None]] = []
        self._told: dict[tuple[str, str], float] = {}

    def __repr__(self) -> str:
        """Return how much is kept."""
        return f"<WireTap {len(self.frames)} frames, {len(self.dumps)} dumps, {len(self.devices)} devices>"

    def device(self, name: str) -> DeviceStats:
        """Return the counters of the device called `name`, made when it is new."""
        stats = self.devices.get(name)
        if stats is None:
            stats = self.devices[name] = DeviceStats()
        return stats

    def note(self, direction: Direction, data: bytes, t_s: float, *, device: str = "", note: str = "") -> None:
        """Keep a frame that went over the wire at the loop time `t_s`."""
        self._number += 1
        frame = Frame(self._number, t_s, direction, data, device, note)
        self.frames.append(frame)
        for listener in self._listeners:
            listener(frame)

    def mark(self) -> int:
        """Return the number of the newest frame."""
        return self._number

    def since(self, mark: int) -> tuple[Frame, ...]:
        """Return the kept frames that are newer than `mark`."""
        return tuple(frame for frame in self.frames if frame.number > mark)

    def listen(self, listener: Callable[[Frame], None]) -> Callable[[], None]:
        """Call `listener` with each frame from now on; return how to end that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def fault(self, why: str, t_s: float, *, device: str = "") -> None:
        """Keep the frames that led here; a fault that goes on is dumped once in 10 s."""
        told_s = self._told.get((device, why))
        if told_s is not None and t_s - told_s < _SAME_FAULT_S:
            return
        self._told[device, why] = t_s
        self.dumps.append(Dump(t_s, device, why, tuple(self.frames)))

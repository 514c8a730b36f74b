"""What went over a wire: the last raw frames, counters per device, and a dump of the frames at each fault.

A tap sits in every transaction, so a frame is a plain tuple and a round trip one bisection (about half a microsecond
each). Everything kept is bounded: 200 frames and the first 32, 20 dumps, 8 KB of a frame.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

__all__ = ["BUCKETS_S", "FRAMES_KEPT", "FRAME_LIMIT", "DeviceStats", "Direction", "Dump", "Frame", "WireTap"]

FRAMES_KEPT = 200
FRAME_LIMIT = 8192  # bytes kept of one frame; more is cut off, and the frame's note says so
BUCKETS_S = tuple(0.000_1 * 2**k for k in range(18))  # upper ends of the round-trip buckets: 0.1 ms to 13 s, doubling
_OPENING_KEPT = 32  # frames after the wire was first opened, where instruments are asked what they are
_DUMPS_KEPT = 20
_SAME_FAULT_S = 10.0  # s; a fault that goes on is dumped once in this time, and at most 20 faults of all kinds
_FAULTS_KNOWN = 200  # faults of which is known when they were dumped last; beyond it the oldest is forgotten


class Direction(StrEnum):
    """Which way a frame went."""

    SENT = "sent"
    RECEIVED = "received"
    NOTE = "note"


class Frame(NamedTuple):
    """Raw bytes at a loop time (s); `note` says what the wire thought of them (late, crc, dropped, ...)."""

    number: int
    t_s: float
    direction: Direction
    data: bytes
    device: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Dump:
    """The frames that led to a fault of `device` at the loop time `t_s`.

    `opening` holds the first frames that went over the wire, as far as they are not among `frames`: what the device
    said of itself, without which a driver would not talk to it when the dump is played.
    """

    t_s: float
    device: str
    why: str
    frames: tuple[Frame, ...]
    opening: tuple[Frame, ...] = ()


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
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))

    def answered(self, round_trip_s: float) -> None:
        """Count a reply that took `round_trip_s`."""
        self.replies += 1
        self.buckets[bisect_right(BUCKETS_S, round_trip_s)] += 1

    def quantile_s(self, share: float) -> tuple[float, float] | None:
        """Return between which times (s) the round trip lies that `share` (0 to 1) of all did not exceed.

        The bounds of a bucket are all that is known; the last one has no upper end (infinity). None: no reply yet.
        """
        total = sum(self.buckets)
        if total == 0:
            return None
        rank = max(1, math.ceil(share * total))
        index = 0
        while rank > self.buckets[index]:
            rank -= self.buckets[index]
            index += 1
        return _bounds_s(index)

    def as_dict(self) -> dict[str, object]:
        """Return the counters and the round trips for JSON.

        `p50_s` and `p99_s` are [low, high] or null; `round_trips` lists [low, high, count] of each bucket that is not
        empty; a bucket without an upper end has null there.
        """
        told: dict[str, object] = {name: getattr(self, name) for name in self.__slots__ if name != "buckets"}
        told["p50_s"] = _pair(self.quantile_s(0.5))
        told["p99_s"] = _pair(self.quantile_s(0.99))
        told["round_trips"] = [
            [*(_pair(_bounds_s(index)) or ()), count] for index, count in enumerate(self.buckets) if count
        ]
        return told


class WireTap:
    """Keeps the last 200 frames of a wire and its first 32, its devices' counters, and up to 20 dumps of faults.

    `undumped` counts faults of which no dump was made, because the same one or too many others had just been dumped.
    """

    def __init__(self) -> None:
        self.frames: deque[Frame] = deque(maxlen=FRAMES_KEPT)
        self.opening: tuple[Frame, ...] = ()
        self.dumps: deque[Dump] = deque(maxlen=_DUMPS_KEPT)
        self.devices: dict[str, DeviceStats] = {}
        self.undumped = 0
        self._number = 0
        self._listeners: tuple[Callable[[Frame], None], ...] = ()
        self._fault_listeners: tuple[Callable[[Dump], None], ...] = ()
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
        """Keep a frame that went over the wire at the loop time `t_s`; of its bytes at most 8 KB."""
        self._number = number = self._number + 1
        if len(data) > FRAME_LIMIT:
            note = f"{note}, cut from {len(data)} bytes" if note else f"cut from {len(data)} bytes"
            data = data[:FRAME_LIMIT]
        frame = Frame(number, t_s, direction, bytes(data), device, note)  # a bytearray would change under our hands
        self.frames.append(frame)
        if number <= _OPENING_KEPT:
            self.opening += (frame,)
        for listener in self._listeners:
            listener(frame)

    def mark(self) -> int:
        """Return the number of the newest frame."""
        return self._number

    def since(self, mark: int) -> tuple[Frame, ...]:
        """Return the kept frames that are newer than `mark`."""
        return tuple(frame for frame in self.frames if frame.number > mark)

    def listen(self, listener: Callable[[Frame], None]) -> Callable[[], None]:
        """Call `listener` with each frame from now on; return how to end that. It must be quick, and never raise."""
        self._listeners += (listener,)

        def end() -> None:
            self._listeners = tuple(each for each in self._listeners if each is not listener)

        return end

    def on_fault(self, listener: Callable[[Dump], None]) -> Callable[[], None]:
        """Call `listener` with each dump from now on; return how to end that. It must be quick, and never raise."""
        self._fault_listeners += (listener,)

        def end() -> None:
            self._fault_listeners = tuple(each for each in self._fault_listeners if each is not listener)

        return end

    def fault(self, why: str, t_s: float, *, device: str = "") -> None:
        """Keep the frames that led here; a fault that goes on is dumped once in 10 s, and at most 20 of all in 10 s."""
        if not self._is_news((device, why), t_s):
            self.undumped += 1
            return
        frames = tuple(self.frames)
        oldest = frames[0].number if frames else 1
        opening = tuple(frame for frame in self.opening if frame.number < oldest)
        dump = Dump(t_s, device, why, frames, opening)
        self.dumps.append(dump)
        for listener in self._fault_listeners:
            listener(dump)

    def _is_news(self, fault: tuple[str, str], t_s: float) -> bool:
        told_s = self._told.get(fault)
        if told_s is not None and t_s - told_s < _SAME_FAULT_S:
            return False
        if len(self.dumps) == _DUMPS_KEPT and t_s - self.dumps[0].t_s < _SAME_FAULT_S:
            return False
        self._told.pop(fault, None)
        self._told[fault] = t_s
        if len(self._told) > _FAULTS_KNOWN:
            del self._told[next(iter(self._told))]
        return True


def _bounds_s(index: int) -> tuple[float, float]:
    low_s = BUCKETS_S[index - 1] if index else 0.0
    return low_s, BUCKETS_S[index] if index < len(BUCKETS_S) else math.inf


def _pair(bounds_s: tuple[float, float] | None) -> list[float | None] | None:
    if bounds_s is None:
        return None
    low_s, high_s = bounds_s
    return [low_s, high_s if math.isfinite(high_s) else None]

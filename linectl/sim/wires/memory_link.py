"""The link to a device of the rig in this program, and what a driver would report of its troubles.

Without trouble a read is one call of the device. In trouble each exchange that a driver would have meets what it would
meet on the wire, and ends as a driver ends it: `timeout` after the time that it waits, `bad_reply`, `not_connected`, or
an exception's reason. A value that was damaged on its way is never shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from drivers.errors import DeviceFault, LinkDown
from drivers.link import Answer, LinkStats, Outcome, Point, Priority, RawReading, RawValue, WriteResult, reading_of
from drivers.wire_tap import WireTap
from linectl.sim.wires.memory import RigDevice
from linectl.sim.wires.trouble import Asked, Meeting, Reply, Trouble

__all__ = ["DeviceLink"]

_PROBE = bytes(range(0x21, 0x41))  # stands for a reply: what becomes of it becomes of the values
_FOREIGN = b"\0" * len(_PROBE)
_REASONS = {
    **dict.fromkeys((1, 2, 3), "out_of_service"),
    **dict.fromkeys((5, 6), "timeout"),
    **dict.fromkeys((10, 11), "not_connected"),
}  # as drivers.modbus.reader has them; all others are a failure of the device
_UNDONE = (1, 2, 3, 6, 10)  # exceptions after which a write is known not to be carried out
_TRIES = 2  # of an exchange that ended in a broken reply or in exception 4


class DeviceLink:
    """A `Link` to a device of the rig in this program; `down` says whether its wire would be cut now.

    `troubles` are those of each Modbus unit (0: of all that is no Modbus). `timeout_s` is how long a driver waits for a
    reply that does not come.
    """

    def __init__(
        self,
        device: RigDevice,
        name: str,
        down: Callable[[], bool],
        *,
        troubles: Mapping[int, Trouble] | None = None,
        timeout_s: float = 0.5,
    ) -> None:
        self._device = device
        self._name = name
        self._down = down
        self._troubles = dict(troubles or {})
        self._ills = tuple(trouble.ills for trouble in self._troubles.values())
        self._timeout_s = timeout_s
        self._opened = False
        self.tap = WireTap()
        self._stats = LinkStats(devices=self.tap.devices)

    def __repr__(self) -> str:
        """Return the name and whether it is open."""
        return f"<DeviceLink {self._name} {'open' if self.is_open() else 'down'}>"

    async def open(self) -> None:
        """Open.

        Raises:
            LinkDown: the device is cut off.
        """
        if self._down():
            raise LinkDown(f"{self._name} is cut off")
        self._opened = True

    async def close(self) -> None:
        """Close."""
        self._opened = False

    async def read(
        self, points: Sequence[Point], *, deadline: float, priority: Priority = Priority.READ
    ) -> Mapping[Point, RawReading]:
        """Return what the device says of each point: at once, unless something is wrong with the wire."""
        del priority  # there is no queue
        now_s = asyncio.get_running_loop().time()
        answers = self.read_now(points)
        if answers is not None:
            return {point: reading_of(each, now_s) for point, each in zip(points, answers, strict=True)}
        self._stats.requests += 1
        if self.is_open():
            return await self._read_in_trouble(points, deadline)
        return {point: RawReading(None, "not_connected", self._name, now_s, now_s) for point in points}

    def read_now(self, points: Sequence[Point]) -> Sequence[Answer] | None:
        """Return what the device says of each point; None when it is cut off or in trouble."""
        if any(self._ills) or not self.is_open():
            return None
        self._stats.requests += 1
        self._stats.replies += 1
        return self._device.read_all(points)

    async def write(
        self, point: Point, value: RawValue, *, deadline: float, priority: Priority = Priority.WRITE
    ) -> WriteResult:
        """Write, and compare what was asked with what the point holds afterwards."""
        del priority  # there is no queue
        self._stats.requests += 1
        if not self.is_open():
            return WriteResult(Outcome.UNKNOWN, value, None, f"{self._name} is not connected")
        if any(self._ills):
            return await self._write_in_trouble(point, value, deadline)
        self._stats.replies += 1
        return self._written(point, value)

    def is_open(self) -> bool:
        """Return whether calls can succeed now."""
        return self._opened and not self._down()

    def stats(self) -> LinkStats:
        """Return the counters."""
        return self._stats

    def _written(self, point: Point, value: RawValue) -> WriteResult:
        try:
            got = self._device.write(point, value)
        except DeviceFault as fault:
            self._stats.exceptions += 1
            return WriteResult(Outcome.REFUSED, value, None, str(fault))
        same = not point.readback or got == value
        return WriteResult(Outcome.CONFIRMED if same else Outcome.CLAMPED, value, got)

    # in trouble

    def _meet(self, asked: Asked) -> Meeting:
        trouble = self._troubles.get(asked.unit)
        return trouble.meet(asked) if trouble is not None else Trouble(0, self._name).meet(asked)

    async def _read_in_trouble(self, points: Sequence[Point], deadline: float) -> Mapping[Point, RawReading]:
        found: dict[Point, RawReading] = {}
        for asked, together in self._device.exchanges(points):
            for _ in range(_TRIES):
                meeting = self._meet(asked)
                values = () if meeting.silent or meeting.code else self._device.shown(together, meeting)
                reason = await self._ended(meeting, deadline)
                if reason not in {"bad_reply", "sensor_failure"}:
                    break
            now_s = asyncio.get_running_loop().time()
            if reason:
                detail = f"{self._name}: {reason}"
                found |= dict.fromkeys(together, RawReading(None, reason, detail, now_s, now_s))
            else:
                found |= {point: reading_of(each, now_s) for point, each in zip(together, values, strict=True)}
        return found

    async def _write_in_trouble(self, point: Point, value: RawValue, deadline: float) -> WriteResult:
        """Write once; where no proper reply comes the read-back decides, as it does on a wire."""
        meeting = self._meet(self._device.asked(point))
        result = None if meeting.silent or meeting.code else self._written(point, value)
        reason = await self._ended(meeting, deadline)
        doubt = f"{self._name}: {reason}"
        if meeting.code in _UNDONE:
            return WriteResult(Outcome.REFUSED, value, None, doubt)
        if result is not None and not reason:
            return result
        if not point.readback:
            return WriteResult(Outcome.UNKNOWN, value, None, doubt)
        got = (await self._read_in_trouble((point,), deadline))[point].value
        return WriteResult(Outcome.CONFIRMED if got == value else Outcome.UNKNOWN, value, got, doubt)

    async def _ended(self, meeting: Meeting, deadline: float) -> str:
        """Wait as long as a driver waits, count how the exchange ended, and return its reason ("" for a reply)."""
        loop = asyncio.get_running_loop()
        patience_s = max(0.0, min(self._timeout_s, deadline - loop.time()))
        if meeting.silent:
            reason, after_s = "timeout", patience_s
        elif meeting.code:
            reason, after_s = _REASONS.get(meeting.code, "sensor_failure"), 0.0
        else:
            reason, after_s = _outcome(meeting.fate(_PROBE, _FOREIGN), patience_s, meeting.asked.wire != "text")
        if after_s:
            await asyncio.sleep(after_s)
        stats = self._stats
        stats.last_error = f"{self._name}: {reason}" if reason else stats.last_error
        stats.replies += not reason
        stats.exceptions += bool(meeting.code)
        stats.timeouts += reason == "timeout" and not meeting.code
        stats.bad_replies += reason == "bad_reply"
        stats.reconnects += reason == "not_connected" and not meeting.code
        return reason


def _outcome(reply: Reply, patience_s: float, numbered: bool) -> tuple[str, float]:
    """Return what a driver makes of a reply that should be `_PROBE`, and after how many seconds.

    `numbered`: replies say which question they answer, so that one to another question is passed over.
    """
    if reply.close and not reply.pieces:
        return "not_connected", 0.0
    heard, after_s = b"", 0.0
    for delay_s, piece in reply.pieces:
        after_s += delay_s
        if numbered and piece == _FOREIGN:
            continue
        heard += piece
        if len(heard) >= len(_PROBE):
            break
    cut = len(heard) < len(_PROBE) and _PROBE.startswith(heard)
    if cut or after_s > patience_s:
        return "timeout", patience_s
    return ("" if heard.startswith(_PROBE) else "bad_reply"), after_s

"""An Atlas EZO instrument on a serial port: asked for one reading at a time, never written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from drivers.addresses import ezo_field
from drivers.errors import BadReply, DeviceFault, DriverError, LinkDown, ReplyTimeout
from drivers.frames import ezo as frames
from drivers.link import LinkStats, Outcome, Point, Priority, RawReading, RawValue, WriteResult
from drivers.owner import Owner
from drivers.serial_port import SerialPort
from drivers.settings import EzoSettings
from drivers.wire_tap import WireTap

__all__ = ["EzoLink"]

_SILENCES = 2  # unanswered commands in a row, after which the port is closed and opened again
_BACKOFF_S = (0.1, 1.0)  # the first attempts after an unplug, and the longest pause
_RESTARTING = (frames.Code.RESET, frames.Code.READY)


class EzoLink:
    """One EZO circuit as points `R`, `R:1`, ... (the fields of its reading, in its own unit).

    The circuit is made to speak only when asked (`C,0`) and asked what it is (`i`) each time the port is opened, and
    again after it has restarted; until then nothing it says is a reading. A reply that comes too late was measured
    just before it was sent, so that even taken for the next one it is not old.
    """

    def __init__(self, settings: EzoSettings, *, seed: int = 0) -> None:
        self.settings = settings
        self._owner = Owner(
            f"EZO {settings.device} at {settings.port}",
            self._connect,
            self._disconnect,
            backoff_s=_BACKOFF_S,
            seed=seed,
        )
        self._port: SerialPort | None = None
        self._why_down = ""  # why the last attempt to connect failed
        self._silences = 0
        self._overflows = 0
        self._reboots = 0
        self.tap = WireTap()
        self._stats = LinkStats(devices=self.tap.devices)

    def __repr__(self) -> str:
        """Return the port, the device and the state."""
        return f"<EzoLink {self.settings.device} at {self.settings.port} {'open' if self.is_open() else 'closed'}>"

    async def open(self) -> None:
        """Open the port and find the instrument; afterwards the link comes back by itself until it is closed.

        Raises:
            LinkDown: no port, nothing answers, or another instrument; the message names the port and what answered.
        """
        await self._owner.start()

    async def close(self) -> None:
        """Let go of the port for good."""
        await self._owner.stop()

    async def read(
        self, points: Sequence[Point], *, deadline: float, priority: Priority = Priority.READ
    ) -> Mapping[Point, RawReading]:
        """Ask for one reading by `deadline` (loop time, s) and return each point's field of it.

        Reasons: not_connected, timeout, bad_reply, sensor_failure (no probe, or the circuit's own error code).
        """
        fields = [(point, ezo_field(point)) for point in points]
        asked_s = asyncio.get_running_loop().time()
        try:
            values, sent_s, came_s = await self._owner.call(self._measure, deadline=deadline, priority=priority)
        except DriverError as exc:
            detail = f"{exc} ({self._why_down})" if self._why_down else str(exc)
            reading = RawReading(None, self._note(exc), detail, asked_s, asyncio.get_running_loop().time())
            return dict.fromkeys(points, reading)
        return {point: self._reading(values, field, sent_s, came_s) for point, field in fields}

    async def write(
        self,
        point: Point,
        value: RawValue,
        *,
        deadline: float,  # noqa: ARG002  # nothing is sent
        priority: Priority = Priority.WRITE,  # noqa: ARG002  # the same
    ) -> WriteResult:
        """Refuse: an EZO circuit has nothing that linectl writes."""
        return WriteResult(Outcome.REFUSED, value, None, f"{point.address}: EZO readings are read only")

    def is_open(self) -> bool:
        """Return whether the instrument was found and its port has not been lost since."""
        return self._owner.is_open

    def stats(self) -> LinkStats:
        """Return the counters; `dropped` counts bytes nobody had asked for."""
        self._stats.reconnects = self._owner.reconnects
        overflows = self._overflows + (self._port.overflows if self._port is not None else 0)
        self._stats.extra = {"overflows": overflows, "reboots": self._reboots}
        return self._stats

    def _reading(self, values: tuple[float, ...], field: int, sent_s: float, came_s: float) -> RawReading:
        if field >= len(values):
            detail = f"{self.settings.port}: the reading has {len(values)} fields, none with number {field}"
            return RawReading(None, "bad_reply", detail, sent_s, came_s)
        value = values[field]
        if self.settings.device.upper() == "RTD" and value <= frames.NO_PROBE_RTD:
            return RawReading(None, "sensor_failure", f"{self.settings.port}: no probe", sent_s, came_s)
        return RawReading(value, t_request_s=sent_s, t_reply_s=came_s)

    def _note(self, exc: DriverError) -> str:
        """Count a failed reading; return its reason."""
        if not isinstance(exc, LinkDown):  # of those the attempt to connect knows more
            self._stats.last_error = str(exc)
        match exc:
            case ReplyTimeout():
                self._stats.timeouts += 1
                return "timeout"
            case BadReply():
                self._stats.bad_replies += 1
                return "bad_reply"
            case DeviceFault():
                self._stats.exceptions += 1
                return "sensor_failure"
            case _:
                return "not_connected"

    async def _connect(self) -> None:
        try:
            port = SerialPort(self.settings.port, self.settings.baud, on_line=self._heard, on_lost=self._owner.lost)
            try:
                await self._set_up(port)
            except BaseException:
                port.close()
                raise
        except DriverError as exc:
            self._why_down = self._stats.last_error = str(exc)
            raise
        self._port, self._silences, self._why_down = port, 0, ""

    async def _disconnect(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            self._overflows += port.overflows
            port.close()

    def _heard(self, line: bytes) -> None:
        """Set the circuit up again when it says, asked or not, that it has restarted."""
        if line in {b"*RS", b"*RE"} and self._owner.is_open:
            self._reboots += 1
            self._owner.lost()

    async def _set_up(self, port: SerialPort) -> None:
        """Silence the circuit and check what it is.

        Raises:
            LinkDown: it does not answer, it is restarting, or it is not what it should be.
        """
        heard: list[bytes] = []
        try:
            port.write(frames.encode_command("C,0"))
            await self._until(port, _is_ok, heard)
            port.write(frames.encode_command("i"))
            info = await self._until(port, _is_info, heard)
            await self._until(port, _is_ok, heard)
        except TimeoutError as exc:
            said = f"it said {b' '.join(heard[-3:])[:60]!r}" if heard else "nothing answers"
            raise LinkDown(f"{port.path}: no EZO {self.settings.device} there, {said}") from exc
        assert isinstance(info, frames.Info)
        if info.device.upper() != self.settings.device.upper():
            found = f"EZO {info.device} {info.firmware} answered"
            raise LinkDown(f"{port.path}: expected an EZO {self.settings.device}, {found}")

    async def _until(
        self, port: SerialPort, wanted: Callable[[frames.Reply], bool], heard: list[bytes]
    ) -> frames.Reply:
        """Return the first reply that is wanted; readings of a circuit not yet silenced and noise are passed over."""
        async with asyncio.timeout(self.settings.timeout_s):
            while True:
                line = await port.read_line()
                heard.append(line)
                try:
                    reply = frames.parse_reply(line)
                except BadReply:
                    continue
                if reply in _RESTARTING:
                    raise LinkDown(f"{port.path}: the instrument is restarting")
                if wanted(reply):
                    return reply

    async def _measure(self) -> tuple[tuple[float, ...], float, float]:
        """Ask for a reading; return its fields and the loop times (s) of the question and the answer."""
        port, loop = self._port, asyncio.get_running_loop()
        if port is None:
            raise LinkDown(f"{self.settings.port} is not connected")
        self._stats.dropped += port.discard()
        self._stats.requests += 1
        sent_s = loop.time()
        port.write(frames.encode_command(frames.READ))
        try:
            async with asyncio.timeout(self.settings.timeout_s):
                values = _values(await port.read_line(), port.path)
                came_s = loop.time()
                _expect_ok(await port.read_line(), port.path)
        except TimeoutError as exc:
            self._count_silence()
            raise ReplyTimeout(f"{port.path}: no reply within {self.settings.timeout_s:g} s") from exc
        except asyncio.CancelledError:  # the caller's deadline was sooner
            self._count_silence()
            raise
        self._silences = 0
        self._stats.replies += 1
        return values, sent_s, came_s

    def _count_silence(self) -> None:
        self._silences += 1
        if self._silences >= _SILENCES:
            self._owner.lost()


def _is_ok(reply: frames.Reply) -> bool:
    return reply is frames.Code.OK


def _is_info(reply: frames.Reply) -> bool:
    return isinstance(reply, frames.Info)


def _values(line: bytes, path: str) -> tuple[float, ...]:
    reply = _parse(line, path)
    if isinstance(reply, frames.Values):
        return reply.fields
    if isinstance(reply, frames.Code) and reply is not frames.Code.OK:
        raise DeviceFault(f"{path}: the instrument answered {reply}", code=0)
    raise BadReply(f"{path}: expected a reading, not {line[:40]!r}")


def _expect_ok(line: bytes, path: str) -> None:
    if _parse(line, path) is not frames.Code.OK:
        raise BadReply(f"{path}: expected *OK after the reading, not {line[:40]!r}")


def _parse(line: bytes, path: str) -> frames.Reply:
    try:
        return frames.parse_reply(line)
    except BadReply as exc:
        raise BadReply(f"{path}: {exc}") from exc

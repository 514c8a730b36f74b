"""An Atlas EZO circuit (RTD, EC, pH, ...) on a serial line: asked for one reading at a time, never written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from drivers.addresses import ezo_field
from drivers.errors import BadReply, DeviceFault, DriverError, LinkDown, ReplyTimeout
from drivers.frames import ezo as frames
from drivers.instruments.instrument import Instrument
from drivers.lines import LinePort
from drivers.link import Outcome, Point, Priority, RawReading, RawValue, WriteResult
from drivers.settings import EzoSettings, SerialSettings
from drivers.streams import OpenStream, open_stream

__all__ = ["EzoLink"]

T = TypeVar("T")

_RESTARTED = (b"*RS", b"*RE")
_SEVERAL_FIELDS = ("EC", "DO", "D.O.")  # circuits whose readings hold what `O` switches on
_FIRST_FIELD = {"EC": "EC"}  # what `R` must be, where a circuit could give something else first


class EzoLink(Instrument):
    """One EZO circuit as points `R`, `R:1`, ... (the fields of its reading, in its own unit; of an RTD °C).

    Each time the port is opened, and again after the circuit has restarted, it is told to answer with codes (`*OK,1`)
    and only when asked (`C,0`), and asked what it is (`i`), in which scale it measures (RTD: `S,?`) and which fields it
    gives (EC: `O,?`). Until then nothing it says is a reading.
    """

    def __init__(self, settings: EzoSettings, *, seed: int = 0, opener: OpenStream = open_stream) -> None:
        self.settings = settings
        self._outputs: tuple[str, ...] = ()  # names of the fields, where the circuit tells them
        super().__init__(
            f"EZO {settings.device}",
            SerialSettings(settings.port, settings.baud),
            settings.timeout_s,
            terminator=frames.TERMINATOR,
            seed=seed,
            opener=opener,
        )

    async def read(
        self, points: Sequence[Point], *, deadline: float, priority: Priority = Priority.READ
    ) -> Mapping[Point, RawReading]:
        """Ask for one reading by `deadline` (loop time, s) and return each point's field of it.

        Reasons: not_connected, timeout, bad_reply, sensor_failure (no probe, or the circuit's own error code).

        Raises:
            BadAddress: a point is not one of an EZO circuit.
        """
        fields = [(point, ezo_field(point)) for point in points]
        asked_s = asyncio.get_running_loop().time()
        try:
            values, sent_s, came_s = await self._run(self._measure, deadline=deadline, priority=priority)
        except DriverError as exc:
            return dict.fromkeys(points, self._bad(exc, asked_s))
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

    def _reading(self, values: tuple[float, ...], field: int, sent_s: float, came_s: float) -> RawReading:
        if field >= len(values):
            names = f" ({', '.join(self._outputs)})" if self._outputs else ""
            detail = f"{self.settings.port}: the reading has {len(values)} fields{names}, none with number {field}"
            return RawReading(None, "bad_reply", detail, sent_s, came_s)
        value = values[field]
        if self.settings.device.upper() == "RTD" and value <= frames.NO_PROBE_RTD:
            return RawReading(None, "sensor_failure", f"{self.settings.port}: no probe", sent_s, came_s)
        return RawReading(value, t_request_s=sent_s, t_reply_s=came_s)

    def _heard(self, line: bytes) -> bool:
        """Set the circuit up again when it says, asked or not, that it has restarted."""
        if line.strip(b"\n\x00 ") in _RESTARTED and self._owner.is_open:
            self._rebooted()
        return False

    async def _measure(self, port: LinePort) -> tuple[tuple[float, ...], float, float]:
        """Ask for a reading; return its fields and the loop times (s) of the question and the answer."""
        loop, until_s = asyncio.get_running_loop(), self._until_s()
        sent_s = loop.time()
        port.write(frames.encode_command(frames.READ))
        values = await self._hear(port, _values, until_s)
        came_s = loop.time()
        await self._hear(port, _expect_ok, until_s)
        if self._outputs and len(values) != len(self._outputs):
            raise BadReply(
                f"{port.path}: {len(values)} values came of {len(self._outputs)} ({', '.join(self._outputs)})"
            )
        return values, sent_s, came_s

    def _is_name(self, line: bytes) -> bool:
        try:
            return isinstance(frames.parse_reply(line), frames.Info)
        except BadReply:
            return False

    async def _fence(self, port: LinePort) -> None:
        await self._ask_name(port, frames.encode_command("i"), _info)
        await self._hear(port, _expect_ok, self._until_s())

    # finding the circuit

    async def _set_up(self, port: LinePort) -> None:
        heard: list[bytes] = []
        try:
            await self._tell(port, "*OK,1", heard)
            await self._tell(port, "C,0", heard)
            info = await self._ask_name(port, frames.encode_command("i"), _info, heard, self._stop(port))
            await self._await(port, _expect_ok, heard)
        except ReplyTimeout as exc:
            said = f"it said {b' '.join(heard[-3:])[:60]!r}" if heard else "nothing answers"
            raise LinkDown(f"{port.path}: no EZO {self.settings.device} there, {said}") from exc
        self.identity = f"EZO {info.device} {info.firmware}"
        if info.device.upper() != self.settings.device.upper():
            raise LinkDown(f"{port.path}: expected an EZO {self.settings.device}, {self.identity} answered")
        await self._check_scale(port, info.device.upper())
        await self._check_outputs(port, info.device.upper())

    async def _check_scale(self, port: LinePort, device: str) -> None:
        if device != "RTD":
            return
        scale = await self._query(port, "S,?", "S")
        if scale and scale[0].lower() != "c":
            raise LinkDown(f"{port.path}: the EZO RTD measures in {scale[0]!r}: send it S,c once to measure in °C")

    async def _check_outputs(self, port: LinePort, device: str) -> None:
        if device not in _SEVERAL_FIELDS:
            return
        answer = await self._query(port, "O,?", "")
        self._outputs = answer[1:] if answer[:1] == ("O",) else answer  # "?,O,EC,TDS", unlike other answers
        first = _FIRST_FIELD.get(device)
        if first is not None and self._outputs and self._outputs[0] != first:
            raise LinkDown(f"{port.path}: the EZO {device} gives {', '.join(self._outputs)}: send it O,{first},1 once")

    async def _query(self, port: LinePort, command: str, name: str) -> tuple[str, ...]:
        """Return the fields of a query's answer; none when the circuit's firmware does not know the query.

        Raises:
            LinkDown: no answer, or the circuit is restarting.
        """
        port.write(frames.encode_command(command))

        def answer(line: bytes) -> tuple[str, ...]:
            reply = frames.parse_reply(line)
            if reply is frames.Code.UNKNOWN_COMMAND:
                return ()
            if isinstance(reply, frames.Answer) and reply.name in {name, "O"}:
                return reply.fields
            raise BadReply(f"not an answer to {command}: {line[:40]!r}")

        try:
            fields = await self._await(port, answer, [])
            if fields:
                await self._await(port, _expect_ok, [])
        except ReplyTimeout as exc:
            raise LinkDown(f"{port.path}: no answer to {command}") from exc
        return fields

    async def _tell(self, port: LinePort, command: str, heard: list[bytes]) -> None:
        """Send a setting; old firmware may not know it, and says so."""
        port.write(frames.encode_command(command))
        await self._await(port, _ok_or_unknown, heard)

    async def _await(self, port: LinePort, parse: Callable[[bytes], T], heard: list[bytes]) -> T:
        """Return the first reply that `parse` takes; readings of a circuit not yet silenced are passed over."""
        return await self._pass_over(port, parse, self._until_s(), heard, self._stop(port))

    def _stop(self, port: LinePort) -> Callable[[bytes], None]:
        def stop(line: bytes) -> None:
            if line.strip(b"\n\x00 ") in _RESTARTED:
                raise LinkDown(f"{port.path}: the instrument is restarting")

        return stop


def _values(line: bytes) -> tuple[float, ...]:
    reply = frames.parse_reply(line)
    if isinstance(reply, frames.Values):
        return reply.fields
    if isinstance(reply, frames.Code) and reply is not frames.Code.OK:
        raise DeviceFault(f"the instrument answered {reply}", code=int(reply is frames.Code.UNKNOWN_COMMAND))
    raise BadReply(f"expected a reading, not {line[:40]!r}")


def _info(line: bytes) -> frames.Info:
    reply = frames.parse_reply(line)
    if not isinstance(reply, frames.Info):
        raise BadReply(f"expected an answer to i, not {line[:40]!r}")
    return reply


def _expect_ok(line: bytes) -> None:
    if frames.parse_reply(line) is not frames.Code.OK:
        raise BadReply(f"expected *OK, not {line[:40]!r}")


def _ok_or_unknown(line: bytes) -> None:
    if frames.parse_reply(line) not in {frames.Code.OK, frames.Code.UNKNOWN_COMMAND}:
        raise BadReply(f"expected *OK, not {line[:40]!r}")

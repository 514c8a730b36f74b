"""A heating circulator of the IN_PV_00 / OUT_SP_00 family (LAUDA, JULABO): bath temperature, setpoint, on and off.

Which dialect it speaks is found out at each opening (`drivers.frames.circulator` tells them apart and cites the
manuals). A JULABO obeys only in remote mode, which is set at its keypad; after a power failure it stands still until it
is started again. The temperatures are taken for °C: set the display so.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from drivers.addresses import circulator_point
from drivers.errors import BadReply, DeviceFault, DriverError, LinkDown, ReplyTimeout
from drivers.frames import circulator as frames
from drivers.instruments.instrument import Attempt, Instrument
from drivers.lines import EITHER, LinePort
from drivers.link import Outcome, Point, Priority, RawReading, RawValue, WriteResult
from drivers.settings import CirculatorSettings
from drivers.streams import OpenStream, open_stream

__all__ = ["CirculatorLink"]

T = TypeVar("T")

_PROBES = 2  # a JULABO may leave the first question unanswered
_HIGHEST_C = 1000.0  # a setpoint has three digits before the point
_SAME_C = 0.005  # half of the last digit that is sent


class CirculatorLink(Instrument):
    """A circulator as points `bath` and `setpoint` (°C), `running` (bool) and `status` (its own words).

    `setpoint` and `running` can be written; each write is proved by asking for it again, and never repeated.
    """

    def __init__(self, settings: CirculatorSettings, *, seed: int = 0, opener: OpenStream = open_stream) -> None:
        self.settings = settings
        self._commands = frames.LAUDA
        self._free_at_s = 0.0  # a JULABO wants some silence after each command
        super().__init__(
            "circulator",
            settings.serial,
            settings.timeout_s,
            terminator=EITHER,
            seed=seed,
            opener=opener,
        )

    async def read(
        self, points: Sequence[Point], *, deadline: float, priority: Priority = Priority.READ
    ) -> Mapping[Point, RawReading]:
        """Ask for each point by `deadline` (loop time, s), for the status before the bath.

        A fault that the circulator reports stands in the detail of `bath`; when it says that the sensor failed, there
        is no value. Reasons: not_connected, timeout, bad_reply, sensor_failure, out_of_service (no such command).

        Raises:
            BadAddress: a point is not one of a circulator.
        """
        names = [(point, circulator_point(point)) for point in points]
        return {point: await self._read(name, deadline, priority) for point, name in names}

    async def write(
        self, point: Point, value: RawValue, *, deadline: float, priority: Priority = Priority.WRITE
    ) -> WriteResult:
        """Write `setpoint` (°C, two decimals) or `running` once, and ask for it again.

        Clamped: the circulator holds another value than was asked. Refused: it said no, it is in manual mode, or
        nothing was sent. Unknown: no proof by `deadline` (loop time, s).

        Raises:
            BadAddress: the point is not one of a circulator.
        """
        name = circulator_point(point)
        try:
            order, asked = self._order(name, value)
        except ValueError as exc:
            return WriteResult(Outcome.REFUSED, value, None, f"{name}: {exc}")
        attempt = Attempt()
        action = partial(self._write, name, order, asked, attempt)
        try:
            return await self._run(action, deadline=deadline, priority=priority)
        except DriverError as exc:
            return self._not_written(exc, value, attempt)

    # reading

    async def _read(self, name: str, deadline: float, priority: Priority) -> RawReading:
        asked_s = asyncio.get_running_loop().time()
        action = {"bath": self._bath, "status": self._status}.get(name) or partial(self._value, name)
        try:
            return await self._run(action, deadline=deadline, priority=priority)
        except DriverError as exc:
            return self._bad(exc, asked_s)

    async def _bath(self, port: LinePort) -> RawReading:
        status = await self._ask_status(port)
        if status.blind:
            now_s = asyncio.get_running_loop().time()
            return RawReading(None, "sensor_failure", f"{port.path}: {status.text}", now_s, now_s)
        value, sent_s, came_s = await self._ask(port, self._commands.bath, frames.parse_number)
        return RawReading(value, "", status.text if status.fault else "", sent_s, came_s)

    async def _status(self, port: LinePort) -> RawReading:
        sent_s = asyncio.get_running_loop().time()
        status = await self._ask_status(port)
        return RawReading(status.text, "", "", sent_s, asyncio.get_running_loop().time())

    async def _value(self, name: str, port: LinePort) -> RawReading:
        value, sent_s, came_s = await self._held(name, port)
        return RawReading(value, "", "", sent_s, came_s)

    async def _held(self, name: str, port: LinePort) -> tuple[float | bool, float, float]:
        """Return what `setpoint` or `running` is now, and the loop times (s) of question and answer."""
        if name == "setpoint":
            return await self._ask(port, self._commands.setpoint, frames.parse_number)
        switch, sent_s, came_s = await self._ask(port, self._commands.running, frames.parse_switch)
        return switch == self._commands.running_when, sent_s, came_s

    async def _ask_status(self, port: LinePort) -> frames.Status:
        """Return the status; of a LAUDA's fault also which it is."""
        status, _, _ = await self._ask(port, self._commands.status, frames.parse_status)
        if status.fault and self._commands is frames.LAUDA:
            try:
                flags, _, _ = await self._ask(port, "STAT", frames.parse_fault_flags)
            except DeviceFault:  # it cannot tell which
                flags = ()
            return frames.Status(fault=True, blind=False, text=f"{status.text} ({', '.join(flags) or 'not named'})")
        return status

    # writing

    def _order(self, name: str, value: RawValue) -> tuple[str, float | bool]:
        """Return the command that writes `value`, and what the circulator must hold afterwards.

        Raises:
            ValueError: the point cannot be written, or not with this value.
        """
        if name == "running":
            if not isinstance(value, bool):
                raise ValueError(f"only true and false can be written, not {value!r}")
            return self._commands.start if value else self._commands.stop, value
        if name != "setpoint":
            raise ValueError("it is read only")
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"only a temperature in °C can be written, not {value!r}")
        if abs(value) >= _HIGHEST_C:
            raise ValueError(f"{value:g} °C has too many digits for a circulator")
        return self._commands.set_setpoint.format(value), round(float(value), 2)

    async def _write(self, name: str, order: str, asked: float | bool, attempt: Attempt, port: LinePort) -> WriteResult:
        doubt = ""
        await self._pause()
        attempt.sent = True
        port.write(frames.encode_command(order))
        self._silent_for(self._commands.silence_s[0])
        if self._commands.answers_writes:
            try:
                await self._hear(port, frames.parse_ok, self._until_s())
            except (ReplyTimeout, BadReply) as exc:
                doubt = str(exc)
                await port.discard()
                await self._fence(port)
        got, _, _ = await self._held(name, port)
        if math.isclose(got, asked, abs_tol=_SAME_C):
            return WriteResult(Outcome.CONFIRMED, asked, got, doubt)
        if doubt:
            return WriteResult(Outcome.UNKNOWN, asked, got, doubt)
        return await self._differs(asked, got, port)

    async def _differs(self, asked: float | bool, got: float | bool, port: LinePort) -> WriteResult:
        """Return why the circulator does not hold what was asked."""
        status = await self._ask_status(port)
        in_manual = "MANUAL" in status.text
        if status.refused or in_manual:
            hint = ": set it to remote at its keypad" if in_manual else ""
            return WriteResult(Outcome.REFUSED, asked, got, f"{port.path}: {status.text}{hint}")
        return WriteResult(Outcome.CLAMPED, asked, got, status.text if status.fault else "")

    def _reason(self, exc: DriverError) -> str:
        """Return the reason of a reading that ended with `exc`."""
        unknown = isinstance(exc, DeviceFault) and exc.code in frames.UNKNOWN_COMMAND
        return "out_of_service" if unknown else super()._reason(exc)

    # the wire

    async def _ask(self, port: LinePort, command: str, parse: Callable[[bytes], T]) -> tuple[T, float, float]:
        """Return what `command` is answered with, and the loop times (s) of question and answer."""
        loop = asyncio.get_running_loop()
        await self._pause()
        sent_s = loop.time()
        port.write(frames.encode_command(command))
        answer = await self._hear(port, parse, self._until_s())
        self._silent_for(self._commands.silence_s[1])
        return answer, sent_s, loop.time()

    async def _pause(self) -> None:
        left_s = self._free_at_s - asyncio.get_running_loop().time()
        if left_s > 0:
            await asyncio.sleep(left_s)

    def _silent_for(self, silence_s: float) -> None:
        self._free_at_s = asyncio.get_running_loop().time() + silence_s

    def _is_name(self, line: bytes) -> bool:
        try:
            return frames.parse_identity(line) == self.identity or not self.identity
        except (BadReply, DeviceFault):
            return False

    async def _fence(self, port: LinePort) -> None:
        await self._pause()
        await self._ask_name(port, frames.encode_command(self._commands.identity), self._own_name)
        self._silent_for(self._commands.silence_s[1])

    def _own_name(self, line: bytes) -> str:
        name = frames.parse_identity(line)
        if name != self.identity:
            raise BadReply(f"{name!r} is not {self.identity!r}")
        return name

    async def _set_up(self, port: LinePort) -> None:
        heard: list[bytes] = []
        dialect = await self._find_dialect(port, heard)
        self._commands = frames.JULABO if dialect is frames.Dialect.JULABO else frames.LAUDA
        self._silent_for(max(self._commands.silence_s))
        await self._pause()
        command = frames.encode_command(self._commands.identity)
        try:
            self.identity = await self._ask_name(port, command, frames.parse_identity, heard)
        except ReplyTimeout as exc:
            raise LinkDown(f"{port.path}: the {dialect} does not answer {self._commands.identity}") from exc

    async def _find_dialect(self, port: LinePort, heard: list[bytes]) -> frames.Dialect:
        for _ in range(_PROBES):
            port.write(frames.encode_command(frames.PROBE))
            try:
                return await self._pass_over(port, frames.dialect_of, self._until_s(), heard)
            except ReplyTimeout:
                await port.discard()
        said = f"it said {b' '.join(heard[-3:])[:60]!r}" if heard else "nothing answers"
        raise LinkDown(f"{port.path}: no LAUDA or JULABO circulator there, {said}")

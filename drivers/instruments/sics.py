"""A balance that speaks MT-SICS on a serial line: stable and present weights in g, a stream of them, tare and zero.

Weights are net weights in g; what the balance shows in mg or kg is converted, any other unit is refused (a bad reply
that names it), because a weight in pieces or carats is none of ours to guess.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from drivers.addresses import sics_point
from drivers.errors import BadReply, DeviceFault, DriverError, LinkDown, ReplyTimeout
from drivers.frames import sics as frames
from drivers.instruments.instrument import Attempt, Instrument
from drivers.lines import LinePort
from drivers.link import Outcome, Point, Priority, RawReading, RawValue, WriteResult
from drivers.settings import SicsSettings
from drivers.streams import OpenStream, open_stream

__all__ = ["SicsLink"]

_STREAM_FRESH_S = 1.0  # a streamed weight this old is not the present one (balances send 10 to 20 a second)
_COMMANDS = {"tare": frames.TARE, "zero": frames.ZERO}
_REASONS: dict[int, str] = {
    frames.Fault.NOT_EXECUTABLE: "timeout",  # it did not come to rest within its own patience
    frames.Fault.SYNTAX: "out_of_service",
    frames.Fault.LOGICAL: "out_of_service",
    frames.Fault.TRANSMISSION: "bad_reply",
}


class SicsLink(Instrument):
    """A balance as points `weight` (stable), `weight_now`, and the commands `tare` and `zero` (written as True).

    A stable weight is waited for until `stable_s` or the caller's deadline, whichever comes first; then the balance is
    told to give up (`@`). Each time the port is opened `@` ends whatever an earlier program began, and the answer's
    serial number becomes `identity`. `@` neither zeroes nor tares.
    """

    def __init__(self, settings: SicsSettings, *, seed: int = 0, opener: OpenStream = open_stream) -> None:
        self.settings = settings
        self._cancelling = False  # an answer to `@` is expected
        self._on_reading: Callable[[RawReading], None] | None = None  # who wants the stream
        self._streaming = False
        self._streamed: RawReading | None = None
        super().__init__(
            "balance",
            settings.serial,
            settings.timeout_s,
            terminator=frames.TERMINATOR,
            seed=seed,
            opener=opener,
        )

    async def read(
        self, points: Sequence[Point], *, deadline: float, priority: Priority = Priority.READ
    ) -> Mapping[Point, RawReading]:
        """Ask for each weight by `deadline` (loop time, s).

        A present weight that has not come to rest says so in its detail. Reasons: not_connected, timeout (no answer,
        or no rest), bad_reply (also a unit that is not g, mg or kg), sensor_failure (overload, underload, an error of
        the balance), out_of_service (it does not know the command; `tare` and `zero` hold nothing to read).

        Raises:
            BadAddress: a point is not one of a balance.
        """
        names = [(point, sics_point(point)) for point in points]
        return {point: await self._read(name, deadline, priority) for point, name in names}

    async def write(
        self, point: Point, value: RawValue, *, deadline: float, priority: Priority = Priority.WRITE
    ) -> WriteResult:
        """Tare or zero once, when `value` is True: confirmed only when the balance says that it did.

        Refused: it said that it cannot (busy, moving, overload), or nothing was sent. Unknown: no answer came; the
        command is not repeated, and has been cancelled when the balance is next asked.

        Raises:
            BadAddress: the point is not one of a balance.
        """
        name = sics_point(point)
        command = _COMMANDS.get(name)
        if command is None:
            return WriteResult(Outcome.REFUSED, value, None, f"{name}: a weight is read only")
        if value is not True:
            return WriteResult(Outcome.REFUSED, value, None, f"{name}: a command; only true can be written")
        attempt = Attempt()
        try:
            detail = await self._run(
                partial(self._order, command, deadline, attempt), deadline=deadline, priority=priority
            )
        except DriverError as exc:
            return self._not_written(exc, value, attempt)
        return WriteResult(Outcome.CONFIRMED, value, True, detail)

    async def stream(self, on_reading: Callable[[RawReading], None], *, deadline: float) -> None:
        """Let the balance send weights by itself (`SIR`), each given to `on_reading`, until `end_stream`.

        Meanwhile `weight_now` is answered from the stream. Any other exchange interrupts it, and it goes on afterwards,
        also after the link was lost. `on_reading` must be quick. A line polls its tags and needs no stream; a script of
        one's own that wants each weight, such as an uptake over time, has it so::

            link = SicsLink(SicsSettings(SerialSettings("/dev/serial/by-id/usb-METTLER_TOLEDO-if00")))
            await link.open()
            await link.stream(lambda reading: weights.append((reading.t_reply_s, reading.value)), deadline=now_s + 5)
            await asyncio.sleep(60)
            await link.end_stream(deadline=now_s + 70)
            await link.close()

        Raises:
            LinkDown: the balance is not connected.
            ReplyTimeout: the wire was not free by `deadline` (loop time, s).
        """
        self._on_reading = on_reading
        try:
            await self._run(self._nothing, deadline=deadline, priority=Priority.READ)
        except DriverError:
            self._on_reading = None
            raise

    async def end_stream(self, *, deadline: float) -> None:
        """Let the balance be silent again.

        Raises:
            DriverError: it does not answer by `deadline` (loop time, s); it is silenced before the next exchange.
        """
        self._on_reading = None
        await self._run(self._nothing, deadline=deadline, priority=Priority.READ)

    # exchanges

    async def _read(self, name: str, deadline: float, priority: Priority) -> RawReading:
        loop = asyncio.get_running_loop()
        asked_s = loop.time()
        if name in _COMMANDS:
            return RawReading(None, "out_of_service", f"{name}: a command holds nothing to read", asked_s, asked_s)
        last = self._streamed
        if name == "weight_now" and self._streaming and last is not None and asked_s - last.t_reply_s < _STREAM_FRESH_S:
            return last
        stable = name == "weight"
        try:
            return await self._run(partial(self._weigh, stable, deadline), deadline=deadline, priority=priority)
        except DriverError as exc:
            return self._bad(exc, asked_s)

    async def _weigh(self, stable: bool, deadline: float, port: LinePort) -> RawReading:
        loop = asyncio.get_running_loop()
        sent_s = loop.time()
        until_s = self._rest_by_s(deadline) if stable else self._until_s()
        port.write(frames.encode_command(frames.STABLE if stable else frames.NOW))
        weight = await self._hear(port, frames.parse_weight, until_s)
        return _reading(weight, sent_s, loop.time())

    async def _order(self, command: str, deadline: float, attempt: Attempt, port: LinePort) -> str:
        """Carry out `command`; return what is to be said of it."""
        until_s = self._rest_by_s(deadline)
        port.write(frames.encode_command(command))
        attempt.sent = True
        if command == frames.ZERO:
            await self._hear(port, frames.parse_zero, until_s)
            return ""
        tare = await self._hear(port, frames.parse_tare, until_s)
        return f"tare {tare.grams:g} g"

    async def _nothing(self, port: LinePort) -> None:
        """Do nothing on the wire: what matters is done around it."""

    def _rest_by_s(self, deadline: float) -> float:
        """Return until when (loop time, s) the balance may wait for rest."""
        longest_s = asyncio.get_running_loop().time() + self.settings.stable_s + self.settings.timeout_s
        return min(longest_s, deadline)

    # what the balance says by itself

    def _heard(self, line: bytes) -> bool:
        """Take the weights of a stream; set the balance up again when it says unasked that it was switched on."""
        if line.startswith(b"I4 ") and not self._cancelling:
            if self._owner.is_open:
                self._rebooted()
            return True
        if not self._streaming:
            return False
        now_s = asyncio.get_running_loop().time()
        try:
            self._streamed = _reading(frames.parse_weight(line), now_s, now_s)
        except DriverError as exc:
            self._streamed = self._bad(exc, now_s)
        if self._on_reading is not None:
            self._on_reading(self._streamed)
        return True

    def _talks(self) -> bool:
        return self._streaming

    def _resume(self, port: LinePort) -> None:
        if self._on_reading is not None:
            port.write(frames.encode_command(frames.STREAM))
            self._streaming, self._streamed = True, None

    def _reason(self, exc: DriverError) -> str:
        """Return the reason of a reading that ended with `exc`."""
        if isinstance(exc, DeviceFault):
            return _REASONS.get(exc.code, "sensor_failure")
        return super()._reason(exc)

    # the wire

    async def _set_up(self, port: LinePort) -> None:
        self._streaming = False
        heard: list[bytes] = []
        try:
            await self._cancel(port, heard)
        except ReplyTimeout as exc:
            said = f"it said {b' '.join(heard[-3:])[:60]!r}" if heard else "nothing answers"
            raise LinkDown(f"{port.path}: no balance that speaks MT-SICS there, {said}") from exc
        self._resume(port)

    def _is_name(self, line: bytes) -> bool:
        try:
            frames.parse_serial_number(line)
        except (BadReply, DeviceFault):
            return False
        return True

    async def _fence(self, port: LinePort) -> None:
        await self._cancel(port, [])

    async def _cancel(self, port: LinePort, heard: list[bytes]) -> None:
        """End whatever is under way, and wait until the balance says so."""
        self._cancelling, self._streaming = True, False
        try:
            command = frames.encode_command(frames.CANCEL)
            self.identity = await self._ask_name(port, command, frames.parse_serial_number, heard)
        finally:
            self._cancelling = False


def _reading(weight: frames.Weight, sent_s: float, came_s: float) -> RawReading:
    return RawReading(weight.grams, "", "" if weight.stable else "moving", sent_s, came_s)

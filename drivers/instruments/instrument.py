"""What the instruments that speak in lines share: one owner, one question at a time, and no answer taken for another's.

A reply in text seldom names the question it answers. So after any exchange whose end is not known (no answer in time,
an answer that fits nothing) the instrument is first asked who it is: it answers in order, so that once its name comes
back, every older answer is behind us, and is dropped. Names that are still due from earlier such questions are counted:
the name that comes may answer one of those. Those that do not come in a long silence are taken for lost.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from drivers.errors import BadReply, DeviceFault, DriverError, LinkDown, ReplyTimeout
from drivers.lines import LinePort, open_line_port
from drivers.link import LinkStats, Outcome, Priority, RawReading, RawValue, WriteResult
from drivers.owner import Owner
from drivers.settings import SerialSettings
from drivers.streams import OpenStream, open_stream
from drivers.wire_tap import WireTap

__all__ = ["Attempt", "Instrument"]

T = TypeVar("T")

_SILENCES = 2  # unanswered exchanges in a row, after which the port is closed and opened again
_BACKOFF_S = (0.1, 1.5)  # the first attempt after an unplug, and the longest pause: back 2 s after a replug
_SILENCE = 3.0  # timeouts without a line, after which answers that are still due are taken for lost
_PASSED_OVER = 64  # lines dropped at most while the instrument's name is waited for


@dataclass(slots=True)
class Attempt:
    """Whether a write may have been heard by the instrument."""

    sent: bool = False


class Instrument(ABC):
    """The base of a `Link` to one instrument.

    A subclass finds the instrument and makes it fit to use in `_set_up`, asks who it is in `_fence`, and does its work
    in actions run by `_run`. `identity` is what the instrument last said it is.
    """

    def __init__(
        self,
        name: str,
        serial: SerialSettings,
        timeout_s: float,
        *,
        terminator: bytes,
        seed: int = 0,
        opener: OpenStream = open_stream,
    ) -> None:
        self.tap = WireTap()
        self.identity = ""
        self._device = name
        self._serial = serial
        self._timeout_s = timeout_s
        self._terminator = terminator
        self._opener = opener
        self._owner = Owner(
            f"{name} at {serial.port}", self._connect, self._disconnect, backoff_s=_BACKOFF_S, seed=seed, whole=True
        )
        self._port: LinePort | None = None
        self._why_down = ""  # why the last attempt to connect failed
        self._uncertain = False
        self._silences = 0
        self._names_due = 0  # questions who it is that were not answered yet
        self._overflows = 0
        self._reboots = 0
        self._counts = self.tap.device(name)
        self._stats = LinkStats(devices=self.tap.devices)

    def __repr__(self) -> str:
        """Return the instrument, its port and the state."""
        return f"<{type(self).__name__} {self._owner.name} {'open' if self.is_open() else 'closed'}>"

    async def open(self) -> None:
        """Open the port and find the instrument; afterwards the link comes back by itself until it is closed.

        Raises:
            LinkDown: no port, nothing answers, or another instrument; the message names the port and what answered.
        """
        await self._owner.start()

    async def close(self) -> None:
        """Let go of the port for good."""
        await self._owner.stop()

    def is_open(self) -> bool:
        """Return whether the instrument was found and its port has not been lost since."""
        return self._owner.is_open

    def stats(self) -> LinkStats:
        """Return the counters; `dropped` counts bytes nobody had asked for."""
        self._stats.reconnects = self._owner.reconnects
        self._stats.dropped = self._counts.dropped
        overflows = self._overflows + (self._port.overflows if self._port is not None else 0)
        self._stats.extra = {"overflows": overflows, "reboots": self._reboots}
        return self._stats

    # for the subclass to fill in

    @abstractmethod
    async def _set_up(self, port: LinePort) -> None:
        """Find the instrument and set it up.

        Raises:
            LinkDown: it does not answer, it is restarting, or it is not what it should be.
            DriverError: it answers, but not as it should.
        """

    @abstractmethod
    async def _fence(self, port: LinePort) -> None:
        """Ask the instrument who it is, and pass over everything before the answer.

        Raises:
            DriverError: it does not answer so.
        """

    @abstractmethod
    def _is_name(self, line: bytes) -> bool:
        """Return whether `line` answers the question who the instrument is."""

    def _talks(self) -> bool:
        """Return whether the instrument speaks by itself now, and must be silenced by the fence before it is asked."""
        return False

    def _resume(self, port: LinePort) -> None:  # noqa: B027  # most instruments never speak by themselves
        """Let the instrument speak by itself again after an exchange, where that is wanted."""

    def _heard(self, line: bytes) -> bool:  # noqa: ARG002  # for the subclass
        """See a line as it arrives; return True to keep it from whoever waits for one."""
        return False

    def _line_came(self, line: bytes) -> bool:
        if self._names_due and self._is_name(line):
            self._names_due -= 1
            return False
        return self._heard(line)

    # exchanges

    async def _run(self, action: Callable[[LinePort], Awaitable[T]], *, deadline: float, priority: Priority) -> T:
        """Run `action` in its turn on a wire that holds nothing old.

        Raises:
            DriverError: as the owner and the action say.
        """
        return await self._owner.call(partial(self._transact, action), deadline=deadline, priority=priority)

    async def _transact(self, action: Callable[[LinePort], Awaitable[T]]) -> T:
        port, loop = self._port, asyncio.get_running_loop()
        if port is None:
            raise LinkDown(f"{self._serial.port} is not connected")
        if self._uncertain or self._talks():
            await self._settle(port)
        await port.discard()
        self._stats.requests += 1
        self._counts.requests += 1
        self._uncertain = True
        began_s = loop.time()
        try:
            result = await action(port)
        except DriverError as exc:
            self._failed(exc, port)
            if not self._uncertain:
                self._resume(port)
            raise
        self._uncertain, self._silences = False, 0
        self._stats.replies += 1
        self._counts.answered(loop.time() - began_s)
        self._resume(port)
        return result

    async def _settle(self, port: LinePort) -> None:
        """Make sure that no answer of an earlier exchange is still to come."""
        self._counts.quarantines += self._uncertain
        await port.discard()  # a half line would spoil the answer
        try:
            await self._fence(port)
        except DriverError as exc:
            self._failed(exc, port)
            raise
        self._uncertain, self._silences = False, 0

    def _failed(self, exc: DriverError, port: LinePort) -> None:
        """Count how an exchange ended; two silences in a row let the port be opened again."""
        exc.sent = True
        reason = self._reason(exc)
        if isinstance(exc, DeviceFault):
            self._stats.exceptions += 1
            self._counts.exceptions += 1
            self._uncertain = exc.code == 0  # 0: said unasked, the answer may still come
        elif isinstance(exc, ReplyTimeout):
            self._stats.timeouts += 1
            self._counts.timeouts += 1
            self._silences += 1
        elif isinstance(exc, BadReply):
            self._stats.bad_replies += 1
            self._counts.bad_replies += 1
        self._stats.last_error = str(exc)
        if not isinstance(exc, LinkDown):
            self.tap.fault(reason, asyncio.get_running_loop().time(), device=self._device)
        if self._silences >= _SILENCES and not port.lost:
            self._owner.lost(f"{self._silences} questions in a row were not answered")

    async def _hear(self, port: LinePort, parse: Callable[[bytes], T], until_s: float) -> T:
        """Return what the next line says, by `until_s` (loop time, s).

        Raises:
            ReplyTimeout: no line came.
            DriverError: what `parse` raises, the port's name put before it.
        """
        line = port.take_line()
        if line is None:
            try:
                async with asyncio.timeout_at(until_s):
                    line = await port.read_line()
            except TimeoutError as exc:
                raise ReplyTimeout(f"{port.path}: no reply in time") from exc
        try:
            return parse(line)
        except BadReply as exc:
            raise BadReply(f"{port.path}: {exc}") from exc
        except DeviceFault as exc:
            raise DeviceFault(f"{port.path}: {exc}", exc.code) from exc

    async def _ask_name(
        self,
        port: LinePort,
        command: bytes,
        parse: Callable[[bytes], T],
        heard: list[bytes] | None = None,
        stop: Callable[[bytes], None] = lambda _line: None,
    ) -> T:
        """Ask who the instrument is, and return what the answer to this very question says (see the top).

        Raises:
            ReplyTimeout: no answer in time.
            DriverError: what `stop` raises.
        """
        port.write(command)
        self._names_due += 1
        answer = await self._pass_over(port, parse, self._until_s(), heard, stop)
        while self._names_due:
            try:
                answer = await self._pass_over(port, parse, None, heard, stop)
            except ReplyTimeout:
                self._names_due = 0
        return answer

    async def _pass_over(
        self,
        port: LinePort,
        parse: Callable[[bytes], T],
        until_s: float | None,
        heard: list[bytes] | None = None,
        stop: Callable[[bytes], None] = lambda _line: None,
    ) -> T:
        """Return what the first line says that `parse` can read; those before it are dropped, and kept in `heard`.

        `stop` may raise for a line that ends the search.

        Raises:
            ReplyTimeout: no such line came by `until_s` (loop time, s; None: before a long silence).
        """
        said = [] if heard is None else heard
        for _ in range(_PASSED_OVER):
            wait_until_s = self._until_s(_SILENCE) if until_s is None else until_s
            line = await self._hear(port, bytes, wait_until_s)
            said.append(line)
            stop(line)
            try:
                return parse(line)
            except (BadReply, DeviceFault):
                self._counts.late_frames += 1
        raise BadReply(f"{port.path}: {_PASSED_OVER} lines came, and none was an answer")

    def _until_s(self, timeouts: float = 1.0) -> float:
        return asyncio.get_running_loop().time() + timeouts * self._timeout_s

    # results

    def _reason(self, exc: DriverError) -> str:
        """Return the reason of a reading that ended with `exc`."""
        match exc:
            case ReplyTimeout():
                return "timeout"
            case BadReply():
                return "bad_reply"
            case DeviceFault():
                return "sensor_failure"
            case _:
                return "not_connected"

    def _bad(self, exc: DriverError, asked_s: float) -> RawReading:
        detail = f"{exc} ({self._why_down})" if self._why_down else str(exc)
        return RawReading(None, self._reason(exc), detail, asked_s, asyncio.get_running_loop().time())

    def _not_written(self, exc: DriverError, value: RawValue, attempt: Attempt) -> WriteResult:
        """Return how a write ended that `exc` ended: unknown, unless nothing was sent or the instrument said no."""
        said_no = isinstance(exc, DeviceFault) and exc.code != 0
        outcome = Outcome.UNKNOWN if attempt.sent and not said_no else Outcome.REFUSED
        return WriteResult(outcome, value, None, str(exc), unsent=not attempt.sent)

    # the wire

    async def _connect(self) -> None:
        try:
            port = await open_line_port(
                self._serial,
                terminator=self._terminator,
                tap=self.tap,
                device=self._device,
                on_line=self._line_came,
                on_lost=self._owner.lost,
                opener=self._opener,
            )
            try:
                await self._set_up(port)
            except BaseException:
                self._overflows += port.overflows
                port.close()
                raise
        except DriverError as exc:
            self._why_down = self._stats.last_error = str(exc)
            raise
        self._port, self._silences, self._uncertain, self._why_down = port, 0, False, ""

    async def _disconnect(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            self._overflows += port.overflows
            port.close()

    def _rebooted(self) -> None:
        """Set the instrument up again: it said that it restarted."""
        self._reboots += 1
        self._owner.lost("the instrument restarted")

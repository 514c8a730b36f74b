"""The PLC's manners: who owns the line, the heartbeat, the command handshake, and orders that make safe."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from drivers.link import Outcome, Priority
from linectl.clock import Clock
from linectl.errors import DeviceError, Refused
from linectl.line.reports import Command, CommandReport, Result
from linectl.line.watch import Emit
from linectl.line.wire import Wire
from linectl.model.lines import Control, LineDefinition, Tag
from linectl.words import tr

__all__ = ["SCHEMA", "Plc"]

SCHEMA = 1  # the register map that linectl knows

_BEATS_WATCHED = 3  # heartbeats in which a program that keeps the PLC shows itself
_WATCH_S = 0.1  # between two looks at the heartbeat's register
_BEAT_SHARE = 0.8  # of the heartbeat's period: a beat that was not answered by then has given way to the next
_RESEND_S = 2.0  # loop time after which a command that never arrived is sent again, with the same number
_STOP_WITHIN_S = 5.0

NextScan = Callable[[float], Awaitable[None]]


class Plc:
    """The controller of one line, by the tags that `control` names and those beside its heartbeat."""

    def __init__(
        self, definition: LineDefinition, control: Control, wire: Wire, clock: Clock, emit: Emit, next_scan: NextScan
    ) -> None:
        self._tags = definition.tags
        self._name = definition.name
        self._control = control
        self._zone = control.heartbeat.rpartition(".")[0]
        self._wire = wire
        self._clock = clock
        self._emit = emit
        self._next_scan = next_scan
        self._loop = asyncio.get_running_loop()
        self._heartbeat = definition.tags[control.heartbeat]
        self._beats = 0
        self._seq = 0
        self.link = self._heartbeat.link
        self.reserved = {control.heartbeat, control.owner, f"{self._zone}.command"}  # written by this class alone
        self.alarm_word = f"{self._zone}.alarm_word"
        self.refuses = ""  # why nothing may be written at present: another owner, an unknown register map

    def _tag(self, quantity: str) -> Tag | None:
        return self._tags.get(f"{self._zone}.{quantity}")

    # identity and lease

    async def claim(self) -> None:
        """Take the line for this computer, after a look at what answers there.

        Our own token may stand there since our last program was killed, or because another one keeps the PLC at this
        moment, with a store of its own: then its heart beats.

        Raises:
            Refused: another computer or program has the line, or the PLC has a register map of another version.
            DeviceError: it did not answer these questions.
        """
        await self._check_schema()
        owner = await self._read(self._control.owner)
        token = self._control.token
        if owner == token and await self._beats_already():
            raise Refused(
                tr("another program on this computer runs the PLC of {line}: its heart beats").format(line=self._name),
                hint=tr("wait for it to end; its record is in another folder (--data)"),
                code="E-LSE-001",
            )
        if owner not in {0, token}:
            raise Refused(
                tr("{line} is held by the computer with token {owner} (ours is {token})").format(
                    line=self._name, owner=owner, token=token
                ),
                hint=tr("end linectl there; its lease ends 10 s after its last heartbeat"),
                code="E-LSE-001",
            )
        report = await self._wire.write(self._tags[self._control.owner], token)
        if report.outcome is not Outcome.CONFIRMED:
            raise DeviceError(tr("the PLC did not take our token: {detail}").format(detail=report.detail or report.got))
        if self._tag("ack_seq") is not None:
            self._seq = await self._read(f"{self._zone}.ack_seq")

    async def reclaim(self) -> None:
        """After a reboot or a loss: take the line again if it is ours or free. No setpoint is written again."""
        try:
            await self._check_schema()
            owner = await self._read(self._control.owner)
        except (Refused, DeviceError) as error:
            self.refuses = error.message if isinstance(error, Refused) else ""
            return
        self.refuses = ""
        if owner == 0:
            await self._wire.write(self._tags[self._control.owner], self._control.token)

    async def release(self) -> None:
        """Give the line back, if it is ours."""
        reading = await self._wire.read(self._control.owner)
        if reading.value == self._control.token:
            await self._wire.write(self._tags[self._control.owner], 0)

    async def lease(self) -> str:
        """Return why nothing may be written now, empty when the line is ours: read from the PLC, not remembered."""
        if self.refuses:
            return self.refuses
        reading = await self._wire.read(self._control.owner, priority=Priority.WRITE)
        if reading.value is None:
            return tr("the line's owner could not be read ({quality})").format(quality=reading.quality)
        if reading.value == self._control.token:
            return ""
        if reading.value == 0:
            return tr("the PLC has no owner: it restarted, or our lease ended")
        return tr("the line is held by the computer with token {owner}").format(owner=reading.value)

    async def _beats_already(self) -> bool:
        """Return whether somebody writes the heartbeat, which we do not do yet."""
        first = (await self._wire.read(self._control.heartbeat)).value
        end_s = self._loop.time() + _BEATS_WATCHED * self._control.period_s
        while first is not None and self._loop.time() < end_s:
            await asyncio.sleep(_WATCH_S)
            if (await self._wire.read(self._control.heartbeat)).value not in {None, first}:
                return True
        return False

    async def _check_schema(self) -> None:
        if self._tag("schema_version") is None:
            return
        schema = await self._read(f"{self._zone}.schema_version")
        if schema != SCHEMA:
            text = tr("the PLC's register map has version {theirs}, linectl knows version {ours}: nothing is written")
            raise Refused(text.format(theirs=schema, ours=SCHEMA), code="E-LSE-002")

    async def _read(self, name: str) -> int:
        reading = await self._wire.read(name)
        if reading.value is None:
            text = tr("{tag} could not be read: {quality} {detail}")
            raise DeviceError(text.format(tag=name, quality=reading.quality, detail=reading.detail))
        return int(reading.value)

    # heartbeat

    async def beat(self) -> None:
        """Write the next heartbeat; one that is lost is not made up for."""
        self._beats = (self._beats + 1) & 0xFFFF
        within_s = _BEAT_SHARE * self._control.period_s
        await self._wire.write_raw(self._heartbeat, self._beats, within_s=within_s, priority=Priority.HEARTBEAT)

    # commands

    async def command(self, code: Command, within_s: float) -> CommandReport:
        """Give a command and wait until the PLC has ended it, at most `within_s` of process time."""
        seq = self._seq = self._seq % 0xFFFF + 1
        blocked = self.refuses
        if blocked:
            report = CommandReport(code, seq, Outcome.REFUSED, Result.TOKEN, blocked)
        else:
            report = await self._handshake(code, seq, within_s)
        return self._told(report)

    def forbidden(self, code: Command, why: str) -> CommandReport:
        """Tell that a command was not given, and why."""
        return self._told(CommandReport(code, self._seq, Outcome.REFUSED, Result.INTERLOCK, why))

    def _told(self, report: CommandReport) -> CommandReport:
        self._emit(
            "command",
            {
                "code": report.code.name.lower(),
                "seq": report.seq,
                "outcome": str(report.outcome),
                "result": int(report.result),
                "detail": report.detail,
            },
        )
        return report

    async def _handshake(self, code: Command, seq: int, within_s: float) -> CommandReport:
        end_s = self._clock.process_s() + within_s
        sent_s = await self._send(code, seq)
        ack = await self._ack(fresh=True)
        while True:
            acked, result = ack or (None, Result.PENDING)
            if acked == seq and result != Result.PENDING:
                return _ended(code, seq, result)
            if acked == self._seq != seq:
                text = tr("a later command, number {seq}, took its place").format(seq=self._seq)
                return CommandReport(code, seq, Outcome.UNKNOWN, Result.PENDING, text)
            left_s = end_s - self._clock.process_s()
            if left_s <= 0:
                return _unheard(code, seq, within_s, answered=acked == seq)
            if acked not in {None, seq} and self._loop.time() - sent_s > _RESEND_S:
                sent_s = await self._send(code, seq)  # the same number acts once, however often it arrives
            await self._next_scan(left_s / self._clock.speed)
            ack = await self._ack(fresh=False)

    async def _send(self, code: Command, seq: int) -> float:
        tag = self._tag("command")
        if tag is None:
            raise DeviceError(tr("{line} has no tag {zone}.command").format(line=self._name, zone=self._zone))
        priority = Priority.STOP if code in {Command.ABORT, Command.STOP, Command.HOLD} else Priority.WRITE
        await self._wire.write_raw(tag, (code, seq, self._control.token), within_s=1.0, priority=priority)
        return self._loop.time()

    async def _ack(self, *, fresh: bool) -> tuple[int, int] | None:
        """Return the PLC's last sequence number and result, from the wire or from the last scan; None when unread."""
        readings = [
            await self._wire.now(f"{self._zone}.{quantity}", fresh=fresh) for quantity in ("ack_seq", "ack_result")
        ]
        seq, result = (reading.value for reading in readings)
        return None if seq is None or result is None else (int(seq), int(result))

    # safety

    async def order(self, code: Command) -> str:
        """Give a command that makes safe, though nobody may own the PLC; return what hinders, "" when it is done.

        One that is not possible in the PLC's present state is done: it stands there already.
        """
        await self._own_if_free()
        report = await self.command(code, _STOP_WITHIN_S * self._clock.speed)
        if report.outcome is Outcome.CONFIRMED or report.result == Result.STATE:
            return ""
        text = tr("{command}: {outcome} {detail}")
        return text.format(command=code.name.lower(), outcome=report.outcome, detail=report.detail)

    async def _own_if_free(self) -> None:
        reading = await self._wire.read(self._control.owner, priority=Priority.STOP)
        if reading.value == 0:
            await self._wire.write(self._tags[self._control.owner], self._control.token, Priority.STOP)


def _ended(code: Command, seq: int, result: int) -> CommandReport:
    words = {
        Result.STATE: tr("not possible in the present state"),
        Result.INTERLOCK: tr("an interlock stands"),
        Result.RANGE: tr("out of range"),
        Result.TOKEN: tr("the line is not ours"),
        Result.UNKNOWN_CODE: tr("the PLC does not know this command"),
    }
    if result == Result.DONE:
        return CommandReport(code, seq, Outcome.CONFIRMED, result)
    known = next((text for each, text in words.items() if each == result), tr("result {n}").format(n=result))
    return CommandReport(code, seq, Outcome.REFUSED, result, known)


def _unheard(code: Command, seq: int, within_s: float, *, answered: bool) -> CommandReport:
    text = tr("still under way after {s:g} s") if answered else tr("no answer within {s:g} s")
    return CommandReport(code, seq, Outcome.UNKNOWN, Result.PENDING, text.format(s=within_s))

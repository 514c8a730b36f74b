"""One Modbus wire: requests out, checked replies in, over TCP or RTU, with the guard and a breaker for each unit.

pymodbus encodes requests and decodes replies (its PDU classes); the bytes, the frames, the order and the doubts are
ours. A request that went out is waited for to its end, whatever becomes of its caller: the next one finds the wire in
order.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from functools import partial

from pymodbus.exceptions import ModbusException
from pymodbus.pdu import DecodePDU, ModbusPDU

from drivers.errors import BadAddress, BadReply, DeviceFault, DriverError, LinkDown, ReplyTimeout
from drivers.link import LinkStats, Priority
from drivers.modbus.check import check, what_was_asked
from drivers.modbus.framing import Found, Verdict
from drivers.modbus.guard import Guard
from drivers.modbus.pace import Belief
from drivers.modbus.transceiver import Transceiver
from drivers.modbus.units import Unit, Units
from drivers.owner import Owner
from drivers.settings import ModbusRtuSettings, ModbusTcpSettings
from drivers.streams import OpenStream
from drivers.wire_tap import WireTap

__all__ = ["Answer", "ModbusWire"]

_FUNCTIONS = frozenset((1, 2, 3, 4, 5, 6, 8, 15, 16, 22, 23, 43))
_GATEWAY_CODES = (10, 11)  # a gateway does not reach the unit: that is the unit's silence
_LOOPBACK = 8
_HELD = 1.25  # of the longest time lately: the right reply to a request that an older one seemed to answer is here


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply that was checked against its request, and the loop times (s) of sending and of its last byte."""

    reply: ModbusPDU
    t_sent_s: float
    t_reply_s: float


class _Exchange:
    """One request PDU, whether it went out, and whether its unit was heard."""

    __slots__ = ("asked", "heard", "priority", "sent", "unit")

    def __init__(self, unit: int, asked: bytes, priority: Priority) -> None:
        self.unit = unit
        self.asked = asked
        self.priority = priority
        self.sent = self.heard = False


class ModbusWire:
    """A TCP connection or an RTU line with the units on it: one request at a time, the most urgent first.

    A stop waits for the exchange that is on the wire, at most its timeout (twice that when its reply may be a second
    copy, `drivers.modbus.pace`). On RTU a guard keeps the line quiet after anything uncertain
    (`drivers.modbus.guard`), for a stop too: where that is too long, use TCP or hard wire. A unit
    that stays silent is given up for a while (`drivers.breaker`); only a stop is tried nevertheless. `open_stream`
    opens the stream in place of a socket or serial port; it is given `socket://host:port` for TCP.
    """

    def __init__(
        self,
        settings: ModbusTcpSettings | ModbusRtuSettings,
        *,
        seed: int = 0,
        open_stream: OpenStream | None = None,
    ) -> None:
        self.settings = settings
        self.tap = WireTap()
        self._stats = LinkStats(devices=self.tap.devices)
        self._line = line = Transceiver(
            settings,
            self.tap,
            self._stats,
            opener=open_stream,
            on_lost=self._lost,
            on_unasked=self._unasked,
        )
        self._guard = line.guard
        if isinstance(settings, ModbusRtuSettings):
            self.name = f"Modbus RTU {settings.serial.port}"
        else:
            self.name = f"Modbus {settings.host}:{settings.port}"
        self._owner = Owner(
            self.name,
            self._connect,
            line.disconnect,
            backoff_s=(0.1, 1.0 if line.is_socket else 2.0),
            seed=seed,
            whole=True,
            ready_at=line.guard.ready_at if line.guard else None,
        )
        self._units = Units(settings, self.tap, line.silence_s())
        self._draw = random.Random(f"{seed}/{self.name}/nonce")  # noqa: S311  # told apart, not kept secret
        self._decoder = DecodePDU(is_server=False)

    def __repr__(self) -> str:
        """Return the address, the state and the counters that matter."""
        stats = self.stats()
        state = "open" if self.is_open() else "down"
        faults = f"{stats.timeouts} timeouts, {stats.bad_replies} bad replies, {stats.reconnects} reconnects"
        return f"<{self.name} {state}, {stats.replies} replies, {faults}>"

    async def open(self) -> None:
        """Connect, and stay connected until `close`.

        Raises:
            LinkDown: nothing answers at the address.
        """
        await self._owner.start()

    async def close(self) -> None:
        """Disconnect for good; what waits ends as LinkDown."""
        await self._owner.stop()

    def is_open(self) -> bool:
        """Return whether the connection is up."""
        return self._owner.is_open

    def stats(self) -> LinkStats:
        """Return the counters."""
        stats = self._stats
        stats.reconnects = self._owner.reconnects
        for name in ("late_frames", "crc_errors", "quarantines"):
            stats.extra[name] = sum(getattr(device, name) for device in self.tap.devices.values())
        return stats

    async def ask(self, request: ModbusPDU, *, deadline: float, priority: Priority) -> Answer:
        """Send `request` once, in its turn, and return its checked reply by `deadline` (loop time, s).

        Every error says by `sent` whether the unit may have heard the request.

        Raises:
            LinkDown: the wire is not connected, was lost meanwhile, or the unit is given up for now.
            ReplyTimeout: nothing came in time.
            BadReply: what came was damaged, or was no answer to this request.
            DeviceFault: the unit, or a gateway before it, answered with an exception; `code` is its number.
            BadAddress: the request cannot be encoded, or goes to all units at once.
        """
        exchange = _Exchange(request.dev_id, self._encoded(request), priority)
        unit = self._units.of(exchange.unit)
        if unit.breaker.is_open and priority is not Priority.STOP:
            self._refuse_dead(unit)
            priority = Priority.SCAN  # a probe: whoever is known to live goes first
        try:
            return await self._owner.call(partial(self._carry_out, exchange), deadline=deadline, priority=priority)
        except DriverError as error:
            error.sent = exchange.sent
            raise

    def _encoded(self, request: ModbusPDU) -> bytes:
        if request.function_code not in _FUNCTIONS:
            raise BadAddress(f"{self.name}: function {request.function_code} is none of those used here")
        if request.dev_id == 0 and self._guard is not None:
            raise BadAddress(f"{self.name}: unit 0 is all units at once, and none of them answers")
        try:
            return bytes((request.function_code,)) + request.encode()
        except (ValueError, ModbusException) as error:
            raise BadAddress(f"{self.name}: {error}") from error

    def _refuse_dead(self, unit: Unit) -> None:
        now_s = asyncio.get_running_loop().time()
        if unit.breaker.refuses(now_s):
            wait_s = unit.breaker.next_try_s - now_s
            raise LinkDown(f"{self.name}, {unit.name}: {unit.breaker.why}; next try in {wait_s:.2g} s")

    # one exchange, in the owner's task

    async def _carry_out(self, exchange: _Exchange) -> Answer:
        unit = self._units.of(exchange.unit)
        if exchange.priority is not Priority.STOP:
            self._refuse_dead(unit)
        if self._guard is not None and unit.needs_nonce:
            await self._prove_in_step(exchange.unit, unit)
            await asyncio.sleep(max(self._guard.ready_at() - asyncio.get_running_loop().time(), 0.0))
        return await self._exchange(exchange, unit)

    async def _prove_in_step(self, number: int, unit: Unit) -> None:
        """Ask the unit to return a random number: who returns it answers this request and no older one.

        Raises:
            DriverError: it did not; the line is in quarantine again.
        """
        nonce = self._draw.randbytes(2)
        proof = _Exchange(number, bytes((_LOOPBACK, 0, 0)) + nonce, Priority.READ)
        await self._exchange(proof, unit)
        unit.needs_nonce = False

    async def _exchange(self, exchange: _Exchange, unit: Unit) -> Answer:
        """Send the request and return its reply, all doubts dispelled; whatever fails begins a quarantine on RTU."""
        loop = asyncio.get_running_loop()
        t_sent_s = loop.time()
        until_s = t_sent_s + self._line.limit_s(exchange.asked)
        exchange.sent = True
        try:
            found = await self._line.send(unit, exchange.asked, until_s)
            t_reply_s = loop.time()
            if found.unit == exchange.unit:  # even when it is wrong: the unit is there
                self._units.alive(unit, t_reply_s)
                exchange.heard = True
            self._judge(exchange, unit, found)
            if self._guard is not None:
                await self._make_sure(self._guard, exchange, unit, found, t_sent_s, t_reply_s)
        except asyncio.CancelledError:  # by the owner: the wire was lost, or is closed
            self._doubt(unit, "lost", until_s)
            raise
        except TimeoutError as error:
            raise self._timed_out(exchange, unit, until_s - t_sent_s) from error
        except DriverError as error:
            self._failed(exchange, unit, error, until_s)
            raise
        finally:
            self._line.finish()
        return self._answered(unit, found, t_sent_s, t_reply_s)

    def _judge(self, exchange: _Exchange, unit: Unit, found: Found) -> None:
        """Raise unless `found` answers the request."""
        match found.verdict:
            case Verdict.REPLY if found.unit == exchange.unit:
                check(exchange.asked, found.pdu, exchange.unit)
            case Verdict.CRC:
                unit.stats.crc_errors += 1
                raise BadReply(f"{self.name}, {unit.name}: the reply was damaged on its way (CRC)")
            case Verdict.TWO:
                raise BadReply(f"{self.name}, {unit.name}: two different replies came to one request")
            case Verdict.GARBAGE:
                if self._guard is None:
                    self._owner.lost("what came is not Modbus TCP")
                else:
                    unit.stats.crc_errors += 1
                raise BadReply(f"{self.name}, {unit.name}: {len(found.data)} bytes came that are no frame")
            case _:
                raise BadReply(f"{self.name}: {unit.name} was asked, unit {found.unit} answered")

    async def _make_sure(
        self, guard: Guard, exchange: _Exchange, unit: Unit, found: Found, t_sent_s: float, t_reply_s: float
    ) -> None:
        """Raise BadReply when the reply may be a second copy of an older one (`drivers.modbus.pace`)."""
        request, frame = bytes((exchange.unit,)) + exchange.asked, bytes((found.unit,)) + found.pdu
        shape, took_s, came_s = (exchange.asked[0], len(found.data)), t_reply_s - t_sent_s, t_reply_s
        belief = guard.memory.belief(request, frame, t_reply_s)
        if belief is Belief.NO:
            raise BadReply(f"{self.name}, {unit.name}: the reply is the same as one that just came; a second copy?")
        if belief is Belief.HOLD or unit.pace.too_soon(shape, took_s):
            quarantines, limit_s = guard.quarantines, self._line.limit_s(exchange.asked)
            usual_s = unit.pace.slowest_s(shape) or limit_s
            await asyncio.sleep(min(_HELD * usual_s, limit_s) + guard.gap_s)
            came_s = max(t_sent_s + limit_s, t_reply_s)  # were it a copy after all: until a window after that
            if guard.quarantines != quarantines:
                guard.memory.copied(t_reply_s)
                raise BadReply(f"{self.name}, {unit.name}: an older reply came again, then another one")
        unit.pace.took(shape, took_s)
        guard.memory.believed(request, frame, came_s)

    def _answered(self, unit: Unit, found: Found, t_sent_s: float, t_reply_s: float) -> Answer:
        reply_class = self._decoder.lookupPduClass(bytes((found.unit,)) + found.pdu)
        if reply_class is None:
            raise BadReply(f"{self.name}, {unit.name}: function {found.pdu[0]} is not known")
        reply = reply_class()
        reply.decode(found.pdu[1:])
        reply.dev_id = found.unit
        self._stats.replies += 1
        unit.stats.answered(t_reply_s - t_sent_s)
        unit.breaker.answered()
        return Answer(reply, t_sent_s, t_reply_s)

    def _failed(self, exchange: _Exchange, unit: Unit, error: DriverError, expected_by_s: float) -> None:
        """Count an exchange that failed otherwise than by silence; the right reply may come until `expected_by_s`."""
        self._stats.last_error = str(error)
        if isinstance(error, DeviceFault):
            self._doubt(unit, "exception")
            self._faulted(unit, error.code)
            return
        self._doubt(unit, "bad reply" if isinstance(error, BadReply) else "lost", expected_by_s)
        if isinstance(error, BadReply):
            unit.stats.bad_replies += 1
            self._stats.bad_replies += 1
            if exchange.heard:
                unit.breaker.answered()
        else:  # the stream takes nothing any more
            self._owner.lost(str(error))

    def _faulted(self, unit: Unit, code: int) -> None:
        """Count an exception; a gateway that does not reach the unit answers in its place."""
        unit.stats.exceptions += 1
        self._stats.exceptions += 1
        self._stats.replies += 1
        if code in _GATEWAY_CODES:
            now_s = asyncio.get_running_loop().time()
            self._units.give_up(unit, now_s, f"the gateway does not reach it (exception {code})")
        else:
            unit.breaker.answered()

    def _timed_out(self, exchange: _Exchange, unit: Unit, limit_s: float) -> DriverError:
        """Count a silence, or bytes that never made a frame, and return the error to raise."""
        now_s = asyncio.get_running_loop().time()
        self._doubt(unit, "timeout")
        if rest := self._line.finish():
            unit.stats.crc_errors += 1
            unit.stats.bad_replies += 1
            self._stats.bad_replies += 1
            error: DriverError = BadReply(f"{self.name}, {unit.name}: {len(rest)} bytes came that are no whole frame")
        else:
            unit.stats.timeouts += 1
            self._stats.timeouts += 1
            where = f"{self.name}, {unit.name}, {what_was_asked(exchange.asked)}"
            error = ReplyTimeout(f"{where}: no reply within {limit_s:.3g} s")
            if self._units.silent(unit, now_s) and self._line.is_socket:
                self._owner.lost(f"{unit.silences_here} requests in a row were not answered")
        self._stats.last_error = str(error)
        return error

    def _doubt(self, unit: Unit, why: str, expected_by_s: float = float("-inf")) -> None:
        """Keep the frames that led here, and on RTU begin a quarantine."""
        now_s = asyncio.get_running_loop().time()
        self.tap.fault(why, now_s, device=unit.name)
        if self._guard is not None:
            self._guard.doubt(now_s, expected_by_s)
            unit.stats.quarantines += 1
            self._units.doubt()

    def _lost(self, why: str) -> None:
        self._owner.lost(why)

    def _unasked(self, unit: Unit) -> None:
        self._doubt(unit, "bytes that nobody asked for")

    async def _connect(self) -> None:
        await self._line.connect()
        self._units.connected()

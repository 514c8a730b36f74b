"""Reads many points of many units over one Modbus wire: planned, tried again where that helps, and learning as it goes.

What a unit refuses with exception 2 or 3 is asked in halves until the gap or the register that it refuses is known;
later plans keep off it. All that is learned is forgotten when the wire was lost: another map may have been loaded.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest

from drivers.errors import BadReply, DeviceFault, DriverError, ReplyTimeout
from drivers.link import Point, Priority, RawReading
from drivers.modbus.costs import Learner, first_guess
from drivers.modbus.read_plan import Block, Part, Range, Rules, plan
from drivers.modbus.retries import BUSY_CODES, PAUSE_S, tries_after
from drivers.settings import ModbusRtuSettings, UnitSettings

if TYPE_CHECKING:
    from drivers.modbus.wire import Answer, ModbusWire

__all__ = ["Reader"]

_DIVIDED = (2, 3)  # an address, or a length, that the unit does not have: in halves it may have both
_PLANS_KEPT = 64
_CHEAPER = 0.95  # a new plan must be cheaper by so much than the one in use
_REASONS = {
    **dict.fromkeys((1, 2, 3), "out_of_service"),  # the address is wrong for this unit: nobody is sick
    **dict.fromkeys(BUSY_CODES, "timeout"),
    **dict.fromkeys((10, 11), "not_connected"),  # a gateway does not reach the unit
}
_REQUESTS: dict[str, type[ModbusPDU]] = {
    "co": ReadCoilsRequest,
    "di": ReadDiscreteInputsRequest,
    "hr": ReadHoldingRegistersRequest,
    "ir": ReadInputRegistersRequest,
}


@dataclass(slots=True)
class _Unit:
    """What is known of one unit: its settings, its costs, and the ranges that it refused."""

    settings: UnitSettings
    learner: Learner
    refused: dict[str, set[Range]] = field(default_factory=dict)

    def rules(self) -> Rules:
        holes = {table: list(ranges) for table, ranges in self.refused.items()}
        for table, start, end in self.settings.holes:
            holes.setdefault(table, []).append((start, end))
        return Rules(self.learner.costs, self.settings.max_registers, self.settings.max_bits, holes)

    def never(self, block: Block) -> bool:
        """Return whether the settings forbid to read `block`."""
        return any(
            table == block.table and start < block.end and end > block.address
            for table, start, end in self.settings.holes
        )


@dataclass(frozen=True, slots=True)
class _Turn:
    """A block that is still to be read: its request, how often it was asked, and how that ended."""

    block: Block
    request: ModbusPDU
    tries: int = 0
    before: DriverError | None = None
    busy: bool = False


@dataclass(slots=True)
class _Plan:
    """The requests for one set of points, and what is never asked for, with the reason."""

    turns: tuple[_Turn, ...]
    never: tuple[tuple[Block, str], ...]
    epoch: int


class _Call:
    """One call of `read`: its readings so far, the blocks that were asked in halves, and those that came."""

    __slots__ = ("came", "deadline", "divided", "readings")

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.readings: dict[Point, RawReading] = {}
        self.divided: list[tuple[Block, Block]] = []
        self.came: list[Block] = []

    def fail(self, block: Block, reason: str, detail: str, now_s: float) -> None:
        reading = RawReading(None, reason, f"{block}: {detail}", now_s, now_s)
        for part in block.parts:
            self.readings[part.point] = reading


class Reader:
    """Reads points over `wire`."""

    def __init__(self, wire: ModbusWire) -> None:
        self._wire = wire
        self._serial = isinstance(wire.settings, ModbusRtuSettings)
        self._guess = first_guess(wire.settings)
        self._units: dict[int, _Unit] = {}
        self._sick: set[int] = set()
        self._plans: dict[tuple[Point, ...], _Plan] = {}
        self._epoch = 0

    def __repr__(self) -> str:
        """Return the plans kept and what each unit costs."""
        costs = ", ".join(f"unit {unit}: {known.learner!r}" for unit, known in sorted(self._units.items()))
        return f"<Reader {len(self._plans)} plans, {costs or 'nothing learned'}>"

    async def read(self, points: Sequence[Point], deadline: float, priority: Priority) -> dict[Point, RawReading]:
        """Return one raw reading per point; each block has its first try before any has its second.

        Raises:
            BadAddress: a point is not one of Modbus.
        """
        call = _Call(deadline)
        turns: Sequence[_Turn] = self._turns(tuple(points), call)
        while turns:
            again: list[_Turn] = []
            for turn in turns:
                try:
                    answer = await self._wire.ask(turn.request, deadline=deadline, priority=priority)
                except DriverError as error:
                    again += self._failed(turn, error, call)
                else:
                    self._take(turn.block, answer, call)
            turns = again
            if turns and any(turn.busy for turn in turns):
                await asyncio.sleep(PAUSE_S)  # the wire is free meanwhile
        if call.divided:
            self._learn_gaps(call)
        return call.readings

    # plans

    def _turns(self, points: tuple[Point, ...], call: _Call) -> Sequence[_Turn]:
        found = self._planned(points)
        if found.never:
            now_s = asyncio.get_running_loop().time()
            for block, why in found.never:
                call.fail(block, "out_of_service", why, now_s)
        if self._sick:  # who did not answer last time waits until the others have
            return sorted(found.turns, key=lambda turn: turn.block.unit in self._sick)
        return found.turns

    def _planned(self, points: tuple[Point, ...]) -> _Plan:
        known = self._plans.get(points)
        if known is None:
            if len(self._plans) >= _PLANS_KEPT:
                self._plans.clear()
            known = self._plans[points] = self._made(points)
        elif known.epoch != self._epoch:
            made = self._made(points)
            if self._cost_s(made) < _CHEAPER * self._cost_s(known):
                known = self._plans[points] = made
            known.epoch = self._epoch
        return known

    def _made(self, points: tuple[Point, ...]) -> _Plan:
        turns, never = [], []
        for block in plan(points, lambda unit: self._unit(unit).rules()):
            if self._unit(block.unit).never(block):
                never.append((block, "the settings say that it is never read"))
            elif self._serial and block.unit == 0:
                never.append((block, "unit 0 is the broadcast address of a serial line, nobody answers it"))
            else:
                turns.append(_Turn(block, _request(block)))
        return _Plan(tuple(turns), tuple(never), self._epoch)

    def _cost_s(self, made: _Plan) -> float:
        blocks = (turn.block for turn in made.turns)
        return sum(self._unit(block.unit).learner.costs.of(block.span) for block in blocks)

    def _unit(self, unit: int) -> _Unit:
        known = self._units.get(unit)
        if known is None:
            settings: Mapping[int, UnitSettings] = self._wire.settings.units
            known = self._units[unit] = _Unit(settings.get(unit, UnitSettings()), Learner(self._guess))
        return known

    def _forget(self) -> None:
        """Forget what units refused: the wire was lost."""
        for unit in self._units.values():
            if unit.refused:
                unit.refused.clear()
                self._plans.clear()

    # ends of a try

    def _take(self, block: Block, answer: Answer, call: _Call) -> None:
        sent_s, reply_s = answer.t_sent_s, answer.t_reply_s
        reply = answer.reply
        values = reply.bits if block.table in {"co", "di"} else reply.registers
        for part in block.parts:
            call.readings[part.point] = _reading(part, values, sent_s, reply_s)
        if call.divided:
            call.came.append(block)
        if self._sick:
            self._sick.discard(block.unit)
        learner = self._unit(block.unit).learner
        version = learner.version
        learner.saw(block.span, reply_s - sent_s)
        if learner.version != version:
            self._epoch += 1

    def _failed(self, turn: _Turn, error: DriverError, call: _Call) -> list[_Turn]:
        """Return what is to be asked in the next round instead; nothing when the block has failed for good."""
        block, now_s = turn.block, asyncio.get_running_loop().time()
        if isinstance(error, DeviceFault):
            self._sick.discard(block.unit)
            halves = block.divided() if error.code in _DIVIDED else None
            if halves is not None:
                call.divided.append(halves)
                return [_Turn(half, _request(half)) for half in halves]
            if error.code in _DIVIDED:
                self._refuse(block.unit, block.table, (block.address, block.end))
            if error.code in BUSY_CODES and now_s + PAUSE_S < call.deadline:
                return [_Turn(block, turn.request, turn.tries, error, busy=True)]
        elif self._wire.is_open():
            self._sick.add(block.unit)
        else:
            self._forget()
        if turn.tries + 1 < tries_after(error, serial=self._serial) and now_s < call.deadline:
            return [_Turn(block, turn.request, turn.tries + 1, error)]
        if not error.sent and turn.before is not None:
            error = turn.before  # the try that was sent tells more than one that was not
        self._wire.stats().last_error = str(error)
        call.fail(block, _reason(error), str(error), now_s)
        return []

    def _learn_gaps(self, call: _Call) -> None:
        """Remember the gap between two halves that came, each for itself, where both in one request did not."""
        for low, high in call.divided:
            if low in call.came and high in call.came:
                self._refuse(low.unit, low.table, (low.end, max(low.end, high.address)))

    def _refuse(self, unit: int, table: str, ground: Range) -> None:
        """Keep later plans off `ground`; an empty range may be touched on both sides, but not crossed."""
        refused = self._unit(unit).refused.setdefault(table, set())
        if ground not in refused:
            refused.add(ground)
            self._plans.clear()


def _request(block: Block) -> ModbusPDU:
    return _REQUESTS[block.table](dev_id=block.unit, address=block.address, count=block.count)


def _reading(part: Part, values: Sequence[int] | Sequence[bool], sent_s: float, reply_s: float) -> RawReading:
    try:
        value = part.decode(values[part.start : part.end])
    except ValueError as error:
        return RawReading(None, "bad_reply", f"{part.point.address}: {error}", sent_s, reply_s)
    if type(value) is float and not math.isfinite(value):  # how instruments say "failed"
        return RawReading(None, "sensor_failure", f"{part.point.address} holds {value}", sent_s, reply_s)
    return RawReading(value, "", "", sent_s, reply_s)


def _reason(error: DriverError) -> str:
    match error:
        case DeviceFault():
            return _REASONS.get(error.code, "sensor_failure")
        case ReplyTimeout():
            return "timeout"
        case BadReply():
            return "bad_reply"
        case _:
            return "not_connected"

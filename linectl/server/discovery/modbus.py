"""Looking for Modbus units and what can be read of them: functions 1 to 4 and 43 alone, within stated bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest

from drivers.errors import BadReply, DeviceFault, DriverError, LinkDown, ReplyTimeout
from drivers.link import Priority
from drivers.modbus.guard import timeout_s, window_s
from drivers.modbus.identify import identified
from drivers.modbus.wire import ModbusWire
from drivers.settings import ModbusRtuSettings, ModbusTcpSettings
from linectl.errors import Unreachable
from linectl.line.links import what_to_try

__all__ = ["TABLES", "Bounds", "ModbusScan", "Unit", "answering_units", "expected_s", "readable", "scan_modbus"]

Ask = Callable[[ModbusPDU], Awaitable[None]]

TABLES = ("hr", "ir", "co", "di")
_REQUESTS = {
    "co": ReadCoilsRequest,
    "di": ReadDiscreteInputsRequest,
    "hr": ReadHoldingRegistersRequest,
    "ir": ReadInputRegistersRequest,
}
_ABSENT = frozenset({10, 11})  # a gateway says that it does not reach the unit
_NO_FUNCTION = 1
_BLOCK = 64
_REOPEN_S = 1.5  # after silence a TCP wire is dropped and opened again: so long is waited for that
_IDENTITY_S = 2.0
_SHORT_BYTES = (8, 7)  # a read of one register, and its reply
_MANY = 30  # ids that all answer alike: the device does not look at them
_TCP_TIMEOUT_S = 0.3  # a unit of a local network answers in a tenth of it


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a search may ask: requests, and s of loop time; and what it takes of one table of one unit.

    `refusals` is after how many exceptions a table is left (0: never). Each costs an RTU line a quarantine.
    """

    requests: int = 10_000
    seconds: float = 60.0
    refusals: int = 0


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit that answered: its id, how (`values` or `exception 2`), who it says it is, its readable ranges by table.

    A range is its first and last address.
    """

    unit: int
    how: str
    identity: Mapping[str, str] = field(default_factory=dict)
    ranges: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModbusScan:
    """What a search found, what it asked for that, and whether it came to its end within its bounds."""

    settings: ModbusTcpSettings | ModbusRtuSettings
    units: tuple[Unit, ...]
    requests: int
    seconds: float
    complete: bool
    refusals: int = 0

    @property
    def deaf_to_ids(self) -> bool:
        """Whether so many ids answered that the device evidently does not look at them."""
        return len(self.units) >= _MANY and all(unit.how == self.units[0].how for unit in self.units)


class _OutOfBounds(Exception):
    """The search has asked as much as it may."""


class _Asker:
    """Asks one thing at a time, counts, and stops at the bounds."""

    def __init__(self, wire: ModbusWire, bounds: Bounds) -> None:
        self._wire = wire
        self._bounds = bounds
        self._loop = asyncio.get_running_loop()
        self._began_s = self._loop.time()
        self.requests = 0

    @property
    def seconds(self) -> float:
        return self._loop.time() - self._began_s

    async def ask(self, request: ModbusPDU) -> None:
        """Ask once.

        Raises:
            DriverError: what became of it.
            _OutOfBounds: no more may be asked.
        """
        left_s = self._bounds.seconds - self.seconds
        if self.requests >= self._bounds.requests or left_s <= 0:
            raise _OutOfBounds
        await self._until_open()
        self.requests += 1
        deadline = self._loop.time() + max(left_s, 0.1)
        await self._wire.ask(request, deadline=deadline, priority=Priority.SCAN)

    async def _until_open(self) -> None:
        end_s = self._loop.time() + _REOPEN_S
        while not self._wire.is_open() and self._loop.time() < end_s:  # noqa: ASYNC110  # nobody is told
            await asyncio.sleep(0.02)

    async def identity(self, unit: int) -> Mapping[str, str]:
        """Return what the unit says of itself, {} when it does not."""
        self.requests += 1
        await self._until_open()
        try:
            return await identified(self._wire, unit, deadline=self._loop.time() + _IDENTITY_S)
        except DriverError:
            return {}


async def scan_modbus(
    settings: ModbusTcpSettings | ModbusRtuSettings,
    *,
    units: Sequence[int],
    tables: Sequence[str] = TABLES,
    last: int = 127,
    bounds: Bounds = Bounds(),
    on_unit: Callable[[int], None] = lambda _unit: None,
) -> ModbusScan:
    """Return the `units` that answer, who they are, and which addresses up to `last` of `tables` can be read.

    `on_unit` is told each id before it is asked. Nothing is written.

    Raises:
        Unreachable: nothing answers at the address, or the port cannot be opened.
    """
    if isinstance(settings, ModbusTcpSettings):
        settings = replace(settings, timeout_s=min(settings.timeout_s, _TCP_TIMEOUT_S))
    wire = ModbusWire(settings)
    try:
        await wire.open()
    except LinkDown as error:
        raise Unreachable(str(error), hint=what_to_try(settings, str(error))) from error
    try:
        return await _scan(wire, settings, units, tables, last, bounds, on_unit)
    finally:
        await wire.close()


async def _scan(
    wire: ModbusWire,
    settings: ModbusTcpSettings | ModbusRtuSettings,
    units: Sequence[int],
    tables: Sequence[str],
    last: int,
    bounds: Bounds,
    on_unit: Callable[[int], None],
) -> ModbusScan:
    asker = _Asker(wire, bounds)
    found: list[Unit] = []
    complete = True
    try:
        for number in units:
            on_unit(number)
            how = await _answers(asker, number)
            if how:
                found.append(Unit(number, how))
        for index, unit in enumerate(found[:_MANY]):
            found[index] = replace(unit, identity=await asker.identity(unit.unit))
        for index, unit in enumerate(found[:_MANY]):
            on_unit(unit.unit)
            ranges = {
                table: await readable(asker.ask, unit.unit, table, 0, last, refusals=bounds.refusals)
                for table in tables
            }
            found[index] = replace(found[index], ranges={table: each for table, each in ranges.items() if each})
    except _OutOfBounds:
        complete = False
    return ModbusScan(settings, tuple(found), asker.requests, asker.seconds, complete, bounds.refusals)


def expected_s(
    settings: ModbusRtuSettings, units: int, tables: int, last: int, refusals: int = 0
) -> tuple[float, float]:
    """Return how long (s) a search of an RTU line takes: for `units` silent ids, and at most for each that answers.

    Silence costs a timeout and a quarantine, a refusal less; halving `last + 1` addresses that are all refused takes
    twice as many requests, less one.
    """
    fault_s = timeout_s(settings, *_SHORT_BYTES) + window_s(settings)
    asked = 2 * last + 1
    faults = min(asked, refusals) if refusals else asked
    return units * fault_s, (1 + tables * faults) * fault_s


async def answering_units(wire: ModbusWire, units: Sequence[int], bounds: Bounds) -> list[int]:
    """Return those of `units` that answer on an open wire, as far as the bounds allow."""
    asker = _Asker(wire, bounds)
    found: list[int] = []
    with suppress(_OutOfBounds):
        for number in units:
            found += [number] if await _answers(asker, number) else []
    return found


async def _answers(asker: _Asker, unit: int) -> str:
    """Return how the unit answers a read of one register, "" when it does not."""
    try:
        await asker.ask(ReadHoldingRegistersRequest(address=0, count=1, dev_id=unit))
    except DeviceFault as fault:
        return "" if fault.code in _ABSENT else f"exception {fault.code}"
    except DriverError:
        return ""
    return "values"


async def readable(
    ask: Ask, unit: int, table: str, first: int, last: int, *, refusals: int = 0
) -> tuple[tuple[int, int], ...]:
    """Return the ranges (first and last address) from `first` to `last` that can be read, found by halving.

    After so many `refusals` the table is left, with what was found so far (0: never).

    Raises:
        _OutOfBounds: what `ask` raises at its bounds.
    """
    good: list[tuple[int, int]] = []
    refused = 0
    todo = [(start, min(start + _BLOCK - 1, last)) for start in range(last // _BLOCK * _BLOCK, first - 1, -_BLOCK)]
    while todo:
        low, high = todo.pop()
        try:
            await ask(_REQUESTS[table](address=low, count=high - low + 1, dev_id=unit))
        except DeviceFault as fault:
            if fault.code == _NO_FUNCTION:
                return ()
            refused += 1
            if refused == refusals:
                break
            if low < high:
                middle = (low + high) // 2
                todo += [(middle + 1, high), (low, middle)]
        except (ReplyTimeout, BadReply, LinkDown):
            continue
        else:
            good.append((low, high))
    return _joined(good)


def _joined(ranges: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return the ranges with those that touch made one."""
    whole: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if whole and low == whole[-1][1] + 1:
            whole[-1] = (whole[-1][0], high)
        else:
            whole.append((low, high))
    return tuple(whole)

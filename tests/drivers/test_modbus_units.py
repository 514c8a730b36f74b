"""Order, dead units and losses on a Modbus wire: who goes first, who is told what, and who pays for whom."""

from __future__ import annotations

import asyncio

import pytest
from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.file_message import ReadFifoQueueRequest
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, WriteSingleRegisterRequest

from drivers.breaker import Breaker
from drivers.errors import BadAddress, LinkDown, ReplyTimeout
from drivers.link import Priority
from drivers.modbus.wire import ModbusWire
from drivers.settings import ModbusRtuSettings, ModbusTcpSettings
from tests.drivers.hostile_modbus import hostile_server, until
from tests.drivers.modbus_bus import REPLY_S, RTU, TCP, Bus, ask, outcome, rtu, soon, virtually, wired

# order


@pytest.mark.parametrize("is_rtu", [True, False])
def test_a_stop_is_next_on_the_wire_while_200_reads_wait(is_rtu: bool) -> None:
    async def main() -> None:
        bus = Bus(is_rtu=is_rtu)
        wire = await wired(bus)
        scan = [asyncio.create_task(ask(wire, address, priority=Priority.SCAN)) for address in range(200)]
        await until(lambda: len(bus.heard) == 5)
        stop = WriteSingleRegisterRequest(address=9, registers=[0], dev_id=1)
        await wire.ask(stop, deadline=soon(), priority=Priority.STOP)
        assert [pdu[0] for _, _, pdu in bus.heard][:6] == [3] * 5 + [6]
        assert await asyncio.gather(*scan) == [[address, address + 1] for address in range(200)]
        await wire.close()

    virtually(main())


def test_a_stop_overtakes_those_who_wait_for_the_end_of_a_quarantine() -> None:
    async def main() -> None:
        bus = Bus()
        wire = await wired(bus)
        bus.answers = [b""]
        await outcome(ask(wire, 1))
        scan = asyncio.create_task(ask(wire, 2, priority=Priority.SCAN))
        await asyncio.sleep(0.01)
        stop = WriteSingleRegisterRequest(address=9, registers=[0], dev_id=1)
        await wire.ask(stop, deadline=soon(), priority=Priority.STOP)
        assert await scan == [2, 3]
        assert [pdu[0] for _, _, pdu in bus.heard] == [3, 6, 3]
        await wire.close()

    virtually(main())


@pytest.mark.parametrize("is_rtu", [True, False])
def test_a_caller_may_go_away_at_any_moment(is_rtu: bool) -> None:
    """At each turn of the loop and at each ms of the transaction: it ends, its reply is dropped, the next is right."""

    async def main() -> None:
        bus = Bus(is_rtu=is_rtu)
        wire = await wired(bus)
        for turns, pause_s in [(turns, 0.0) for turns in range(20)] + [(0, 0.001 * k) for k in range(12)]:
            caller = asyncio.create_task(ask(wire, 500))
            for _ in range(turns):
                await asyncio.sleep(0)
            await asyncio.sleep(pause_s)
            caller.cancel()
            assert await ask(wire, 600) == [600, 601]
        assert wire.stats().timeouts == wire.stats().bad_replies == wire.stats().reconnects == 0
        assert wire.tap.device("unit 1").quarantines == 0
        assert wire.stats().requests == wire.stats().replies == len(bus.heard)
        await wire.close()

    virtually(main())


@pytest.mark.parametrize("is_rtu", [True, False])
def test_a_deadline_does_not_cut_what_is_on_the_wire(is_rtu: bool) -> None:
    async def main() -> None:
        bus = Bus(is_rtu=is_rtu)
        wire = await wired(bus)
        began_s = soon(0)
        error = await outcome(ask(wire, 500, within_s=0.002))
        assert isinstance(error, ReplyTimeout)
        assert error.sent
        assert soon(0) - began_s == pytest.approx(0.002)
        assert await ask(wire, 600) == [600, 601]
        assert wire.stats().timeouts == 0
        assert wire.tap.device("unit 1").quarantines == 0
        await wire.close()

    virtually(main())


def test_what_was_not_sent_says_so() -> None:
    async def main() -> None:
        bus = Bus()
        wire = await wired(bus)
        busy = asyncio.create_task(ask(wire))
        await asyncio.sleep(0.001)
        late = await outcome(ask(wire, within_s=0.002))
        assert isinstance(late, ReplyTimeout)
        assert not late.sent
        await busy
        odd: list[ModbusPDU] = [
            ReadHoldingRegistersRequest(address=0, count=126, dev_id=1),
            ReadHoldingRegistersRequest(address=0, count=1, dev_id=0),
            ReadFifoQueueRequest(address=0, dev_id=1),
        ]
        for request in odd:
            wrong = await outcome(wire.ask(request, deadline=soon(), priority=Priority.READ))
            assert isinstance(wrong, BadAddress)
            assert not wrong.sent
        await wire.close()
        down = await outcome(ask(wire))
        assert isinstance(down, LinkDown)
        assert not down.sent
        assert len(bus.heard) == 1

    virtually(main())


# units that are dead


async def _scans(bus: Bus, units: tuple[int, ...], settings: ModbusRtuSettings | ModbusTcpSettings) -> tuple[int, int]:
    """Scan `units` for 60 virtual s, back to back; return how many values came, and how many connections were made."""
    wire = await wired(bus, settings)
    values, end_s = 0, soon(60)
    while soon(0) < end_s:
        for unit in units:
            error = await outcome(ask(wire, unit=unit, priority=Priority.SCAN))
            values += error is None
            if isinstance(error, LinkDown):
                await asyncio.sleep(0)
    await wire.close()
    return values, bus.connections


@pytest.mark.parametrize("settings", [RTU, TCP])
@pytest.mark.parametrize("how", ["silent", "gateway"])
def test_a_dead_unit_costs_the_others_next_to_nothing(
    settings: ModbusRtuSettings | ModbusTcpSettings, how: str
) -> None:
    is_rtu = isinstance(settings, ModbusRtuSettings)
    alone, _ = virtually(_scans(Bus(is_rtu=is_rtu, reply_s=0.02), (1, 2, 3, 4), settings))
    for order in ((5, 1, 2, 3, 4), (1, 2, 3, 4, 5)):
        bus = Bus(is_rtu=is_rtu, reply_s=0.02)
        (bus.dead if how == "silent" else bus.behind_gateway).add(5)
        with_dead, connections = virtually(_scans(bus, order, settings))
        assert with_dead >= 0.9 * alone
        assert connections <= 2, "the others keep their connection"


def test_without_a_breaker_it_costs_them_most_of_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of the test above."""
    monkeypatch.setattr(Breaker, "is_open", False)
    bus = Bus(is_rtu=False, reply_s=0.02)
    bus.dead = {5}
    alone, _ = virtually(_scans(Bus(is_rtu=False, reply_s=0.02), (1, 2, 3, 4), TCP))
    with_dead, _ = virtually(_scans(bus, (1, 2, 3, 4, 5), TCP))
    assert with_dead < 0.2 * alone


def test_a_dead_unit_is_named_with_its_next_try_and_comes_back() -> None:
    async def main() -> None:
        bus = Bus(is_rtu=False)
        bus.dead = {5}
        wire = await wired(bus)
        await ask(wire)
        for _ in range(3):
            await outcome(ask(wire, unit=5))
            await ask(wire)
        began_s, frames = soon(0), len(bus.heard)
        error = await outcome(ask(wire, unit=5))
        assert isinstance(error, LinkDown)
        assert not error.sent
        assert "unit 5" in str(error)
        assert "next try in 2 s" in str(error)
        assert soon(0) == began_s
        assert len(bus.heard) == frames
        bus.dead.clear()
        stop = WriteSingleRegisterRequest(address=9, registers=[0], dev_id=5)
        await wire.ask(stop, deadline=soon(), priority=Priority.STOP)  # a stop is tried nevertheless
        assert await ask(wire, unit=5) == [100, 101]
        await wire.close()

    virtually(main())


@pytest.mark.parametrize("settings", [RTU, TCP])
@pytest.mark.parametrize("priority", [Priority.STOP, Priority.WRITE])
def test_a_probe_delays_a_stop_or_a_write_by_one_timeout_at_most(
    settings: ModbusRtuSettings | ModbusTcpSettings, priority: Priority
) -> None:
    async def main() -> None:
        bus = Bus(is_rtu=isinstance(settings, ModbusRtuSettings))
        bus.dead = {5, 6}
        wire = await wired(bus, settings)
        await ask(wire)
        for _ in range(3):
            for unit in (5, 6):
                await outcome(ask(wire, unit=unit))
            await ask(wire)
        await asyncio.sleep(20.0)
        probes = [asyncio.create_task(outcome(ask(wire, unit=unit))) for unit in (5, 6)]
        await asyncio.sleep(0.001)
        began_s, frames = soon(0), len(bus.heard)
        await wire.ask(
            WriteSingleRegisterRequest(address=9, registers=[0], dev_id=1), deadline=soon(), priority=priority
        )
        quarantine_s = settings.window_s if isinstance(settings, ModbusRtuSettings) else 0.0
        assert 0.04 < soon(0) - began_s <= settings.timeout_s + quarantine_s + REPLY_S
        assert bus.heard[frames][2][0] == 6, "the second probe goes after it"
        await asyncio.gather(*probes)
        await wire.close()

    virtually(main())


def test_those_who_wait_for_a_dead_unit_are_told_together() -> None:
    async def main() -> None:
        bus = Bus()
        bus.dead = {5}
        wire = await wired(bus)
        await ask(wire)
        errors = await asyncio.gather(*(outcome(ask(wire, unit=5, priority=Priority.SCAN)) for _ in range(20)))
        assert [type(error) for error in errors] == [ReplyTimeout] * 3 + [LinkDown] * 17
        assert [error.sent for error in errors if error] == [True] * 3 + [False] * 17
        assert len(bus.heard) == 4
        await wire.close()

    virtually(main())


def test_a_half_open_connection_is_dropped_within_a_second() -> None:
    async def main() -> None:
        bus = Bus(is_rtu=False)
        wire = await wired(bus)
        for units in ((1,), (1, 2)):
            for unit in units:
                await ask(wire, unit=unit)
            before, bus.dead, began_s = bus.connections, set(units), soon(0)
            for unit in (units * 2)[:2]:
                assert isinstance(await outcome(ask(wire, unit=unit)), ReplyTimeout)
            assert soon(0) - began_s <= 1.0 + 1e-6
            assert not wire.is_open()
            bus.dead.clear()
            await until(wire.is_open)
            assert soon(0) - began_s <= 1.2
            assert bus.connections == before + 1
            assert await ask(wire) == [100, 101]
        await wire.close()

    virtually(main())


def test_a_unit_that_alone_is_silent_does_not_drop_the_connection_of_the_others() -> None:
    async def main() -> None:
        bus = Bus(is_rtu=False)
        bus.dead = {5}
        wire = await wired(bus)
        await ask(wire)
        assert [type(await outcome(ask(wire, unit=5))) for _ in range(3)] == [ReplyTimeout] * 3
        assert wire.is_open()
        assert await ask(wire) == [100, 101]
        assert bus.connections == 1
        await wire.close()

    virtually(main())


# losses


async def test_a_loss_is_told_at_once_to_all_who_wait() -> None:
    async with hostile_server() as server:
        server.mode = "mute"
        wire = ModbusWire(ModbusTcpSettings("127.0.0.1", server.port, 5.0))
        await wire.open()
        waiting = [asyncio.create_task(outcome(ask(wire, within_s=30))) for _ in range(5)]
        await until(lambda: len(server.heard) == 1)
        began_s = soon(0)
        await server.stop()
        errors = await asyncio.gather(*waiting)
        assert soon(0) - began_s < 0.5  # usually under 1 ms; the aim is 50 ms
        assert {type(error) for error in errors} == {LinkDown}
        assert [error.sent for error in errors if error] == [True, False, False, False, False]
        assert len({id(error) for error in errors}) == 5
        server.mode = ""
        await server.start()
        await until(wire.is_open)
        assert await ask(wire) == [0, 0]
        assert wire.stats().reconnects == 1
        await wire.close()


def test_an_old_connections_bytes_and_death_are_not_the_new_ones() -> None:
    async def main() -> None:
        bus = Bus()
        wire = await wired(bus)
        old_bytes, old_lost = bus.on_bytes, bus.on_lost  # our own double
        bus.on_lost("unplugged")
        assert not wire.is_open()
        await until(wire.is_open)
        quiet = wire.stats().dropped
        old_bytes(rtu(1, bytes((3, 4, 0, 1, 0, 2))))
        old_lost("unplugged, says the old one")
        assert wire.is_open()
        assert wire.stats().dropped == quiet
        assert await ask(wire) == [100, 101]
        await wire.close()

    virtually(main())


def test_a_stream_that_takes_nothing_any_more_is_made_anew() -> None:
    class FullBus(Bus):
        full = False

        def write(self, data: bytes) -> None:
            if self.full:
                raise LinkDown("bus: the device takes no bytes")
            super().write(data)

    async def main() -> None:
        bus = FullBus()
        wire = await wired(bus)
        bus.full = True
        error = await outcome(ask(wire))
        assert isinstance(error, LinkDown)
        assert error.sent
        assert not wire.is_open()
        bus.full = False
        await until(wire.is_open)
        assert await ask(wire) == [100, 101]
        await wire.close()

    virtually(main())

"""Each doubt about a Modbus reply by itself: what is checked, what is counted, and how long the line is left alone."""

from __future__ import annotations

import asyncio

import pytest

from drivers.errors import BadReply, LinkDown, ReplyTimeout
from drivers.link import Priority
from drivers.modbus.check import check
from drivers.settings import ModbusRtuSettings, UnitSettings
from tests.drivers.hostile_modbus import until
from tests.drivers.modbus_bus import REPLY_S, RTU, SERIAL, Bus, ask, outcome, rtu, soon, virtually, wired

TWO = bytes((3, 0, 100, 0, 2))  # two holding registers from 100
RIGHT = bytes((3, 4, 0, 100, 0, 101))


def test_a_reply_that_counts_its_own_bytes_wrongly_is_none() -> None:
    """pymodbus takes it, and gives fewer values than were asked for."""
    check(TWO, RIGHT, 1)
    for told in (0, 2, 3, 5, 8, 255):
        with pytest.raises(BadReply, match=f"{told} told"):
            check(TWO, bytes((3, told)) + RIGHT[2:], 1)

    async def main() -> None:
        bus = Bus(is_rtu=False)
        wire = await wired(bus)
        bus.answers = [bytes((3, 2)) + RIGHT[2:]]
        assert isinstance(await outcome(ask(wire)), BadReply)
        await wire.close()

    virtually(main())


def test_a_damaged_reply_is_counted_as_such() -> None:
    async def main() -> None:
        bus = Bus()
        wire = await wired(bus)
        bus.answers = [b""]
        bus.say(rtu(1, RIGHT)[:-1] + b"\0", REPLY_S)
        error = await outcome(ask(wire))
        assert isinstance(error, BadReply)
        assert "CRC" in str(error)
        device = wire.stats().devices["unit 1"]
        assert (device.crc_errors, device.bad_replies, device.timeouts) == (1, 1, 0)
        assert wire.stats().extra["crc_errors"] == 1
        await wire.close()

    virtually(main())


def test_a_request_that_was_on_the_wire_when_it_was_lost_may_still_be_answered_on_the_next() -> None:
    """A serial server goes on talking to its line while nobody is connected to it."""

    async def main() -> None:
        bus = Bus()
        settings = ModbusRtuSettings(SERIAL, timeout_s=1.0, window_s=0.05)
        wire = await wired(bus, settings)
        bus.answers = [b""]
        asked_s = soon(0)
        waiting = asyncio.create_task(outcome(ask(wire, 7)))
        await asyncio.sleep(0.01)
        bus.on_lost("pulled")
        assert isinstance(await waiting, LinkDown)
        await until(wire.is_open)
        bus.say(rtu(1, bytes((3, 4, 0, 7, 0, 8))), asked_s + settings.timeout_s + 0.04 - soon(0))
        assert await ask(wire, 100) == [100, 101]
        assert bus.heard[-1][0] >= asked_s + settings.timeout_s + settings.window_s
        await wire.close()

    virtually(main())


def test_behind_a_wrong_reply_the_right_one_is_waited_out() -> None:
    """It may come as late as it could have come without the wrong one, and a window later."""

    async def main() -> None:
        bus = Bus()
        settings = ModbusRtuSettings(SERIAL, timeout_s=0.5, window_s=0.05)
        wire = await wired(bus, settings)
        bus.answers = [bytes((4,)) + RIGHT[1:]]
        asked_s = soon(0)
        bus.say(rtu(1, bytes((3, 4, 0, 7, 0, 8))), 0.53)
        assert isinstance(await outcome(ask(wire, 7)), BadReply)
        assert soon(0) - asked_s < settings.timeout_s
        assert await ask(wire, 100) == [100, 101]
        assert bus.heard[-1][0] >= asked_s + settings.timeout_s + settings.window_s
        await wire.close()

    virtually(main())


def test_a_probe_of_a_dead_unit_waits_behind_all_others() -> None:
    async def main() -> list[int]:
        bus = Bus(is_rtu=False)
        bus.dead = {5}
        wire = await wired(bus)
        for _ in range(3):
            await ask(wire)
            await outcome(ask(wire, unit=5))
        await asyncio.sleep(3.0)  # its next try is due
        before = len(bus.heard)
        first = asyncio.create_task(ask(wire))
        await asyncio.sleep(0)
        probe = asyncio.create_task(outcome(ask(wire, unit=5, priority=Priority.WRITE)))
        await asyncio.sleep(0)
        others = [asyncio.create_task(ask(wire, unit=unit, priority=Priority.READ)) for unit in (1, 2)]
        await asyncio.gather(first, probe, *others)
        await wire.close()
        return [unit for _, unit, _ in bus.heard[before:]]

    assert virtually(main()) == [1, 1, 2, 5]


def test_a_copy_of_an_older_reply_is_no_value() -> None:
    """It equals not the reply before, but one some time ago."""

    async def main() -> None:
        bus = Bus(reply_s=0.02)
        wire = await wired(bus)
        for address in range(12):
            await ask(wire, address)
        bus.say(rtu(1, bytes((3, 4, 0, 10, 0, 11))), 0.006)
        assert isinstance(await outcome(ask(wire, 700)), BadReply)
        assert await ask(wire, 800) == [800, 801]
        await wire.close()

    virtually(main())


def test_on_a_new_connection_a_unit_that_was_given_up_is_tried_at_once() -> None:
    async def main() -> None:
        bus = Bus(is_rtu=False)
        bus.dead = {5}
        wire = await wired(bus)
        for _ in range(6):  # the pause grows
            await ask(wire)
            await outcome(ask(wire, unit=5))
            await asyncio.sleep(3.0)
        assert isinstance(await outcome(ask(wire, unit=5)), (ReplyTimeout, LinkDown))
        assert isinstance(await outcome(ask(wire, unit=5)), LinkDown), "it is given up"
        bus.dead.clear()
        bus.on_lost("pulled")
        await until(wire.is_open)
        assert await ask(wire, unit=5) == [100, 101]
        await wire.close()

    virtually(main())


def test_the_line_rests_between_the_nonce_and_the_request() -> None:
    async def main() -> None:
        bus = Bus()
        settings = ModbusRtuSettings(SERIAL, timeout_s=0.05, window_s=0.05, units={1: UnitSettings(nonce=True)})
        wire = await wired(bus, settings)
        assert await ask(wire) == [100, 101]
        (nonce_s, _, nonce), (asked_s, _, pdu) = bus.heard
        assert (nonce[0], pdu[0]) == (8, 3)
        assert asked_s >= nonce_s + REPLY_S + 0.001_75
        await wire.close()

    virtually(main())


def test_bytes_that_wait_in_the_kernel_are_seen_before_anything_is_sent() -> None:
    """A frame that came while nobody looked must not be taken for the reply to what is sent next."""

    async def main() -> None:
        bus = Bus()
        wire = await wired(bus)
        await ask(wire)
        await asyncio.sleep(0.1)
        loop = asyncio.get_running_loop()
        loop.call_soon(lambda: loop.call_soon(bus.on_bytes, rtu(1, bytes((3, 4, 0, 1, 0, 2)))))
        asked_s = soon(0)
        assert await ask(wire) == [100, 101]
        assert bus.heard[-1][0] >= asked_s + RTU.window_s
        await wire.close()

    virtually(main())


def test_the_line_of_these_tests_can_be_hurt() -> None:
    """The negative control: without a window an older connection's reply is taken for the answer."""

    async def main() -> list[int]:
        bus = Bus()
        wire = await wired(bus, ModbusRtuSettings(SERIAL, timeout_s=0.05, window_s=0.000_001))
        bus.say(rtu(1, bytes((3, 4, 0, 1, 0, 2))), REPLY_S / 2)
        values = await ask(wire)
        await wire.close()
        return values

    assert RTU.window_s > REPLY_S
    assert virtually(main()) == [1, 2]

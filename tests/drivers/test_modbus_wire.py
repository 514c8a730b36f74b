"""What the wire under Modbus makes of replies: late, twice, damaged, foreign, over TCP, RTU and a pseudo-terminal."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

import pytest
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest

from benchmarks.wire_guard import COPIES, LATE, MIXED, run, scan_rate, stale_per_million
from benchmarks.wire_noise import leaks, over_a_pty
from drivers.errors import BadReply, DeviceFault, DriverError, ReplyTimeout
from drivers.link import Priority
from drivers.modbus.wire import Answer, ModbusWire
from drivers.settings import UnitSettings
from tests.drivers.hostile_modbus import until
from tests.drivers.modbus_bus import REPLY_S, RTU, Bus, ask, outcome, rtu, soon, virtually, wired

# what a reply is worth


def test_late_replies_are_never_taken_for_another_request() -> None:
    ours = run("linectl", 1500, LATE)
    assert ours.wrong == 0
    assert ours.right >= 1490
    assert ours.counters["late_frames"] >= 10


def test_plain_pymodbus_hands_out_wrong_values_after_one_late_reply() -> None:
    """The negative control of the test above, over the same line."""
    plain = run("pymodbus", 600, LATE)
    assert plain.wrong > 0.5 * 600


def test_nothing_wrong_passes_when_everything_goes_wrong() -> None:
    ours = run("linectl", 4000, replace(MIXED, late=0.04, doubled=0.03, cut=0.03, garbled=0.03, foreign=0.03), seed=2)
    assert ours.wrong == 0
    assert ours.right > 3700
    assert min(ours.counters[name] for name in ("late_frames", "crc_errors", "quarantines", "timeouts")) > 50


@pytest.mark.parametrize("late", [0.0, 0.02])
def test_a_copy_that_comes_during_the_next_request_is_seen_through(late: float) -> None:
    copies = replace(LATE, late=late, doubled=0.02, doubled_within_s=0.03)
    ours, plain = run("linectl", 3000, copies, seed=2), run("pymodbus", 500, copies)
    assert ours.wrong == 0
    assert ours.right >= 2990
    assert plain.wrong > 0.5 * 500


def test_a_copy_is_seen_through_among_all_that_may_go_wrong() -> None:
    assert run("linectl", 4000, COPIES).wrong == 0


def test_blocks_that_do_not_change_are_read_at_the_rate_of_the_line() -> None:
    assert scan_rate((1,), (0, 100, 200)) > 0.95 * scan_rate((1, 2, 3, 4), (0,))


def test_a_copy_is_no_new_value_of_the_only_block() -> None:
    assert stale_per_million(2000) == 0
    assert stale_per_million(2000, (0, 100)) == 0


def test_the_checksum_leaks_under_heavy_noise_only() -> None:
    assert leaks(2000, 1e-4) == 0
    assert leaks(2000, 1e-2) <= 2


async def _in_pieces(reply: bytes) -> list[int]:
    bus = Bus()
    wire = await wired(bus)
    bus.answers = [b""]
    for index, byte in enumerate(reply):
        bus.say(bytes((byte,)), 0.002 + 0.0005 * index)
    try:
        return await ask(wire)
    finally:
        await wire.close()


def test_a_reply_comes_in_drops_and_after_noise() -> None:
    right = rtu(1, bytes((3, 4, 0, 100, 0, 101)))
    assert virtually(_in_pieces(right)) == [100, 101]
    assert virtually(_in_pieces(b"\x00\xff" + right)) == [100, 101]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (bytes((4, 4, 0, 100, 0, 101)), BadReply),
        (bytes((3, 2, 0, 100)), BadReply),
        (bytes((0x83, 4)), DeviceFault),
        (b"", ReplyTimeout),
    ],
)
@pytest.mark.parametrize("is_rtu", [True, False])
def test_what_is_no_answer_is_an_error_and_the_next_one_is_right(
    answer: bytes, error: type[DriverError], is_rtu: bool
) -> None:
    async def main() -> None:
        bus = Bus(is_rtu=is_rtu)
        wire = await wired(bus)
        bus.answers = [answer]
        failed = await outcome(ask(wire, 7))
        assert type(failed) is error
        assert failed.sent
        assert await ask(wire, 8) == [8, 9]
        assert (wire.tap.device("unit 1").quarantines == 1) is is_rtu
        assert wire.tap.dumps[-1].device == "unit 1"
        assert "open" in repr(wire)
        await wire.close()
        assert "down" in repr(wire)

    virtually(main())


def test_garbage_over_tcp_is_a_bad_reply_and_a_new_connection() -> None:
    async def main() -> None:
        bus = Bus(is_rtu=False)
        wire = await wired(bus)
        bus.answers = [b""]
        bus.say(bytes(range(160, 200)), 0.01)
        assert isinstance(await outcome(ask(wire)), BadReply)
        await until(wire.is_open)
        assert await ask(wire) == [100, 101]
        bus.say(bytes(range(160, 200)))
        await asyncio.sleep(0.01)
        assert not wire.is_open(), "also when nothing was asked"
        await until(wire.is_open)
        assert bus.connections == 3
        await wire.close()

    virtually(main())


# the quarantine


def test_nothing_is_sent_in_quarantine_and_what_comes_is_dropped() -> None:
    async def main() -> None:
        bus = Bus()
        wire = await wired(bus)
        bus.answers = [0.085]
        began_s = soon(0)
        assert isinstance(await outcome(ask(wire, 1)), ReplyTimeout)
        assert await ask(wire, 2) == [2, 3]
        assert bus.heard[1][0] - began_s >= RTU.timeout_s + RTU.window_s
        assert wire.tap.device("unit 1").late_frames == 1
        assert [frame.note for frame in wire.tap.frames][1] == "late"
        await wire.close()

    virtually(main())


def test_an_older_connections_reply_is_waited_out() -> None:
    async def main() -> list[int]:
        bus = Bus()
        wire = ModbusWire(RTU, open_stream=bus.open_stream)
        await wire.open()
        bus.say(rtu(1, bytes((3, 4, 0, 1, 0, 2))), REPLY_S / 2)
        values = await ask(wire)
        await wire.close()
        return values

    assert virtually(main()) == [100, 101]


def test_a_frame_that_nobody_asked_for_begins_a_quarantine() -> None:
    async def main() -> None:
        bus = Bus()
        wire = await wired(bus)
        assert await ask(wire, 7) == [7, 8]
        bus.say(rtu(1, bytes((3, 4, 0, 7, 0, 8))))
        await asyncio.sleep(0.001)
        asked_s = soon(0)
        assert await ask(wire, 8) == [8, 9]
        assert bus.heard[-1][0] >= asked_s - 0.001 + RTU.window_s
        assert wire.tap.device("unit 1").quarantines == 1
        await wire.close()

    virtually(main())


async def _polled_with_a_copy() -> tuple[list[int] | None, list[int]]:
    """Read a register whose value changes; the old reply comes again while the second request is out."""
    bus, second = Bus(), None
    wire = await wired(bus)
    old = await ask(wire, 7)
    bus.answers = [bytes((3, 4, 0, 70, 0, 80))]
    bus.say(rtu(1, bytes((3, 4, 0, *old[:1], 0, *old[1:]))), 0.004)
    with contextlib.suppress(BadReply):
        second = await ask(wire, 7)
    bus.answers = [bytes((3, 4, 0, 71, 0, 81))]
    third = await ask(wire, 7)
    await wire.close()
    return second, third


def test_a_copy_of_the_last_poll_is_no_new_value(monkeypatch: pytest.MonkeyPatch) -> None:
    assert virtually(_polled_with_a_copy()) == (None, [71, 81])

    async def believe(*_exchange: object) -> None:
        """Take every reply of the right shape."""

    monkeypatch.setattr(ModbusWire, "_make_sure", believe)  # the negative control
    assert virtually(_polled_with_a_copy())[0] == [7, 8]


def test_two_different_replies_at_once_are_none() -> None:
    async def main() -> None:
        bus = Bus()
        wire = await wired(bus)
        bus.answers = [b""]
        bus.say(rtu(1, bytes((3, 4, 0, 7, 0, 8))) + rtu(1, bytes((3, 4, 0, 9, 0, 10))), 0.003)
        error = await outcome(ask(wire, 9))
        assert isinstance(error, BadReply)
        assert "two different" in str(error)
        assert await ask(wire, 9) == [9, 10]
        await wire.close()

    virtually(main())


async def _beyond_the_window(units: dict[int, UnitSettings]) -> tuple[list[int] | None, Bus]:
    """Read 7, whose reply comes later than anything may, and then 8."""
    bus = Bus()
    wire = await wired(bus, replace(RTU, units=units))
    if units:
        await ask(wire)
    bus.answers = [RTU.timeout_s + RTU.window_s + 0.003]
    await outcome(ask(wire, 7))
    values = None
    for _ in range(3):
        try:
            values = await ask(wire, 8)
            break
        except DriverError as error:
            assert not error.sent  # noqa: PT017  # the request waits behind the nonce
    await wire.close()
    return values, bus


def test_a_nonce_finds_out_a_reply_that_is_later_than_the_window() -> None:
    values, bus = virtually(_beyond_the_window({1: UnitSettings(nonce=True)}))
    assert values == [8, 9]
    nonces = [pdu for _, _, pdu in bus.heard if pdu[0] == 8]
    assert len(nonces) >= 3, "on opening, after the timeout, and again after the late reply"
    assert len(set(nonces)) == len(nonces)


def test_without_a_nonce_such_a_reply_is_taken() -> None:
    """The negative control of the test above, and the limit that the guard states."""
    values, _ = virtually(_beyond_the_window({}))
    assert values == [7, 8]


# a real line


def test_bits_flipped_on_a_real_line_never_make_a_value() -> None:
    noise = over_a_pty(1500)
    assert noise.wrong == 0
    assert noise.damaged > 150
    assert noise.right + noise.failed == 1500
    assert noise.right > 1000


async def _answered_sooner() -> tuple[list[list[int]], int]:
    bus = Bus(reply_s=0.02)
    wire = await wired(bus)
    values = [await ask(wire, address) for address in range(20)]
    bus.reply_s = 0.001
    values += [await ask(wire, address) for address in range(20, 40)]
    await wire.close()
    return values, wire.stats().bad_replies


def test_a_unit_that_gets_faster_is_believed() -> None:
    values, bad = virtually(_answered_sooner())
    assert values == [[address, address + 1] for address in range(40)]
    assert bad == 0


async def _asked_for_equal_values(tries: int, *, copies: bool) -> tuple[list[list[int]], ModbusWire]:
    """Read two places again and again that hold the same, none of them asked twice when it fails."""
    bus, got = Bus(), []
    wire = await wired(bus)
    if copies:
        bus.answers = [bytes((3, 4, 0, 9, 0, 9))]
        await ask(wire, 9)
        bus.say(rtu(1, bytes((3, 4, 0, 9, 0, 9))), 0.001)
        await asyncio.sleep(0.05)
    for number in range(tries):
        bus.answers = [bytes((3, 4, 0, 0, 0, 0))]
        with contextlib.suppress(BadReply):
            got.append(await ask(wire, number % 2))
    await wire.close()
    return got, wire


def test_who_asks_for_equal_values_is_never_doubted() -> None:
    got, wire = virtually(_asked_for_equal_values(20, copies=False))
    assert got == [[0, 0]] * 20
    assert wire.stats().bad_replies == 0


def test_who_asks_for_equal_values_is_doubted_once_on_a_line_that_makes_copies() -> None:
    got, wire = virtually(_asked_for_equal_values(20, copies=True))
    assert got == [[0, 0]] * 19
    assert wire.stats().bad_replies == 1
    assert "same" in wire.stats().last_error


async def _with_a_copy_of(value: int, second: int, *, copy_s: float) -> list[int] | None:
    """Read two places one after the other; the first reply comes again while the second is out."""
    bus, got = Bus(), None
    wire = await wired(bus)
    bus.answers = [bytes((3, 4, 0, value, 0, value))]
    await ask(wire, 1)
    bus.answers = [bytes((3, 4, 0, second, 0, second))]
    bus.say(rtu(1, bytes((3, 4, 0, value, 0, value))), copy_s)
    with contextlib.suppress(BadReply):
        got = await ask(wire, 2)
    await wire.close()
    return got


@pytest.mark.parametrize("copy_s", [0.001, 0.002, 0.003, 0.0045])
def test_a_copy_of_one_place_is_no_value_of_another(copy_s: float) -> None:
    assert virtually(_with_a_copy_of(7, 8, copy_s=copy_s)) in (None, [8, 8])


def test_an_answer_says_when_it_was_asked_and_when_it_came() -> None:
    async def main() -> Answer:
        bus = Bus()
        wire = await wired(bus)
        request = ReadHoldingRegistersRequest(address=1, count=1, dev_id=1)
        answer = await wire.ask(request, deadline=soon(), priority=Priority.READ)
        await wire.close()
        return answer

    answer = virtually(main())
    assert answer.t_reply_s - answer.t_sent_s == pytest.approx(REPLY_S)
    assert answer.reply.dev_id == 1

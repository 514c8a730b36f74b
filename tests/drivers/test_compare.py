"""Two exchanges compared: each difference is found with its frames and times, and nothing is found where none is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.frames.modbus import Request, exception_reply, frame, request_pdu, values_reply
from drivers.frames.modbus_rtu import rtu_frame
from drivers.frames.mqtt_forms import frame_of
from drivers.recordings.compare import Difference, Kind, Listening, compare
from drivers.recordings.exchange import SUFFIX, BadExchange, Exchange, header_of, read_exchange
from drivers.settings import (
    EzoSettings,
    LinkSettings,
    MemorySettings,
    ModbusRtuSettings,
    ModbusTcpSettings,
    MqttSettings,
    SerialSettings,
)
from drivers.wire_tap import Direction, Frame, WireTap

SENT, RECEIVED = Direction.SENT, Direction.RECEIVED
TCP, RTU = ModbusTcpSettings("h"), ModbusRtuSettings(SerialSettings("/dev/none"))
EZO, MQTT = EzoSettings("/dev/none", "RTD"), MqttSettings("h")
FILES = sorted((Path(__file__).parent.parent / "data" / "wires").glob(f"*{SUFFIX}"))

Line = tuple[float, Direction, bytes]


def exchange(settings: LinkSettings, lines: Sequence[Line]) -> Exchange:
    frames = tuple(Frame(number, *line, "dev") for number, line in enumerate(lines, start=1))
    return Exchange(header_of(settings, device="test", firmware="1", date="2026-03-31"), frames)


def polled(*values: Sequence[int], address: int = 10, first: int = 1, delay_s: float = 0.02) -> list[Line]:
    """Return one read a second of as many registers as there are values."""
    lines: list[Line] = []
    for at, registers in enumerate(values):
        read = Request(4, address, len(registers))
        lines += [
            (at, SENT, frame(first + at, 2, request_pdu(read))),
            (at + delay_s, RECEIVED, frame(first + at, 2, values_reply(read, registers))),
        ]
    return lines


def kinds(found: Sequence[Difference]) -> list[Kind]:
    return [each.kind for each in found]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_recording_does_not_differ_from_itself(path: Path) -> None:
    found = read_exchange(path)
    assert compare(found, found) == ()


def test_transaction_numbers_are_no_difference() -> None:
    ours, theirs = polled([450], [451], first=1), polled([450], [451], first=700)
    assert compare(exchange(TCP, ours), exchange(TCP, theirs)) == ()


def test_a_changed_register_is_named_with_frame_and_time_in_both() -> None:
    ours = polled([450, 1000], [451, 1000])
    theirs = [(0.0, SENT, frame(9, 3, request_pdu(Request(3, 0, 1)))), *polled([450, 1000], [452, 1000])]
    (other, found) = compare(exchange(TCP, ours), exchange(TCP, theirs))
    assert (other.kind, other.what) == (Kind.ADDED, "unit 3 read holding registers 0")
    assert (found.kind, found.what) == (Kind.REPLY, "unit 2 read input registers 10..11")
    assert found.text == "ir10 451 -> 452"
    assert (found.frame, found.t_s, found.other_frame, found.other_t_s) == (3, 1.0, 4, 1.0)


def test_without_values_only_what_is_no_value_counts() -> None:
    ours, theirs = polled([450, 1000]), polled([999, 1])
    assert kinds(compare(exchange(TCP, ours), exchange(TCP, theirs))) == [Kind.REPLY]
    assert compare(exchange(TCP, ours), exchange(TCP, theirs), values=False) == ()
    refused = [theirs[0], (0.02, RECEIVED, frame(1, 2, exception_reply(4, 2)))]
    (found,) = compare(exchange(TCP, ours), exchange(TCP, refused), values=False)
    assert "exception 2 (illegal data address)" in found.text


def test_what_only_one_holds_is_missing_or_added() -> None:
    ours, theirs = polled([1], [2], address=10), polled([1], [2], address=20)
    missing, added = compare(exchange(TCP, ours), exchange(TCP, theirs))
    assert (missing.kind, missing.text, missing.frame, missing.other_t_s) == (
        Kind.MISSING,
        "in the first only, 2 times",
        1,
        None,
    )
    assert (added.kind, added.what, added.frame, added.other_frame) == (
        Kind.ADDED,
        "unit 2 read input registers 20",
        0,
        1,
    )


def test_how_often_is_told_once() -> None:
    ours, theirs = polled([1], [2]), polled([1], [2], [3], [4])
    (found,) = compare(exchange(TCP, ours), exchange(TCP, theirs))
    assert (found.kind, found.text) == (Kind.COUNT, "2 times in the first, 4 times in the second")
    assert (found.other_frame, found.other_t_s) == (5, 2.0)
    assert compare(exchange(TCP, ours), exchange(TCP, theirs), values=False) == ()


def test_a_reply_beyond_the_tolerance_is_told_apart() -> None:
    ours, theirs = polled([1], [2]), polled([1], [2], delay_s=0.5)
    assert kinds(compare(exchange(TCP, ours), exchange(TCP, theirs))) == [Kind.TIMING, Kind.TIMING]
    assert compare(exchange(TCP, ours), exchange(TCP, theirs), tolerance_s=0.6) == ()
    (silent,) = compare(exchange(TCP, ours), exchange(TCP, theirs[:3]), tolerance_s=0.6)
    assert (silent.kind, silent.text) == (
        Kind.REPLY,
        "unit 2: 1 register: 0002 in the first, no reply in the second",
    )


def test_a_damaged_rtu_frame_is_a_difference() -> None:
    read = Request(3, 10, 1)
    good = rtu_frame(5, values_reply(read, [7]))
    ours: list[Line] = [(0.0, SENT, rtu_frame(5, request_pdu(read))), (0.03, RECEIVED, good)]
    theirs: list[Line] = [ours[0], (0.03, RECEIVED, good[:-1] + b"\0")]
    (found,) = compare(exchange(RTU, ours), exchange(RTU, theirs))
    assert "CRC bad" in found.text


def test_a_loopback_has_a_random_number_and_no_difference() -> None:
    def looped(number: int) -> list[Line]:
        pdu = rtu_frame(5, request_pdu(Request(8, 0, 1, (number,))))
        return [(0.0, SENT, pdu), (0.01, RECEIVED, pdu)]

    assert compare(exchange(RTU, looped(4711)), exchange(RTU, looped(815))) == ()


def test_lines_of_an_instrument() -> None:
    def said(*readings: bytes) -> list[Line]:
        lines: list[Line] = []
        for at, reading in enumerate(readings):
            lines += [(at, SENT, b"R\r"), (at + 0.6, RECEIVED, reading + b"\r"), (at + 0.61, RECEIVED, b"*OK\r")]
        return lines

    ours, theirs = exchange(EZO, said(b"60.02", b"60.01")), exchange(EZO, said(b"60.02", b"61.5"))
    (found,) = compare(ours, theirs)
    assert (found.what, found.text) == ("R", "60.01<CR>*OK<CR> in the first, 61.5<CR>*OK<CR> in the second")
    assert compare(ours, theirs, values=False) == ()
    assert kinds(compare(ours, exchange(EZO, said(b"60.02", b"*ER")), values=False)) == [Kind.REPLY]


def test_messages_of_sensors() -> None:
    def told(*payloads: bytes) -> list[Line]:
        return [(10.0 * at, RECEIVED, frame_of("hall/a", payload)) for at, payload in enumerate(payloads)]

    ours = exchange(MQTT, told(b'{"t": 20.1}', b'{"t": 20.2}'))
    assert compare(ours, exchange(MQTT, told(b'{"t": 20.1}', b'{"t": 20.9}')), values=False) == ()
    (failed,) = compare(ours, exchange(MQTT, told(b'{"t": 20.1}', b'{"t": null}')), values=False)
    assert (failed.kind, failed.what, failed.frame, failed.t_s) == (Kind.REPLY, "hall/a", 2, 10.0)


def test_different_wires_and_no_wire_are_refused() -> None:
    with pytest.raises(BadExchange, match="modbus_tcp cannot be compared with one of ezo"):
        compare(exchange(TCP, []), exchange(EZO, []))
    memory = exchange(MemorySettings("plc"), [])
    with pytest.raises(BadExchange, match="nothing that could be compared"):
        compare(memory, memory)


def test_a_wire_is_compared_as_it_is_heard() -> None:
    tap = WireTap()
    recorded = exchange(TCP, polled([450], [451]))
    with Listening(tap, recorded.header) as heard:
        for _, direction, data in polled([450], [460], first=99):
            tap.note(direction, data, 1000.0 + tap.mark())
    tap.note(SENT, b"later", 2000.0)  # not heard any more
    (found,) = compare(recorded, heard.exchange, tolerance_s=5)
    assert (found.text, found.other_frame, found.other_t_s) == ("ir10 451 -> 460", 3, 2.0)
    assert repr(heard) == "<Listening 4 frames>"


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=12),
    st.integers(0, 11),
)
def test_one_changed_value_is_one_difference(values: list[int], at: int) -> None:
    ours = polled(*([value] for value in values))
    at %= len(values)
    theirs = polled(*([value + 9 * (k == at)] for k, value in enumerate(values)))
    (found,) = compare(exchange(TCP, ours), exchange(TCP, theirs))
    assert (found.frame, found.text) == (2 * at + 1, f"ir10 {values[at]} -> {values[at] + 9}")


def test_a_torn_recording_is_compared_as_far_as_it_goes() -> None:
    ours = exchange(TCP, polled([1], [2]))
    torn = replace(ours, frames=ours.frames[:2], torn="line 4 is cut off")
    assert kinds(compare(ours, torn)) == [Kind.COUNT]


def test_a_request_with_which_a_recording_ends_is_not_taken_for_one_without_a_reply() -> None:
    ours, theirs = exchange(TCP, polled([1], [2])), exchange(TCP, polled([1], [2])[:-1])
    assert compare(ours, theirs, values=False) == ()
    assert kinds(compare(ours, theirs)) == [Kind.REPLY]
    silent = exchange(TCP, [*polled([1])[:-1], *polled([2], first=2)])  # heard nothing, and went on
    assert kinds(compare(ours, silent, values=False)) == [Kind.REPLY]
    assert kinds(compare(exchange(TCP, polled([1])), exchange(TCP, polled([1])[:-1]), values=False)) == [Kind.REPLY]

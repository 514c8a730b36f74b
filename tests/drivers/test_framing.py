"""Frames cut off a stream: whatever the chunks, the same frames; whatever the noise, none that was not sent."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU

from benchmarks.wire_noise import burst
from drivers.errors import BadReply, DeviceFault
from drivers.modbus import framing
from drivers.modbus.check import check, what_was_asked
from drivers.modbus.framing import LONGEST_RTU, Found, MbapFramer, RtuFramer, Verdict, crc16, reply_size

READ_3 = bytes((3, 0, 10, 0, 3))  # three holding registers from 10
VALUES_3 = bytes((3, 6, 0, 1, 0, 2, 0, 3))


def rtu(unit: int, pdu: bytes) -> bytes:
    body = bytes((unit,)) + pdu
    return body + crc16(body).to_bytes(2, "little")


def mbap(transaction: int, unit: int, pdu: bytes) -> bytes:
    return transaction.to_bytes(2, "big") + b"\0\0" + (len(pdu) + 1).to_bytes(2, "big") + bytes((unit,)) + pdu


def waiting(asked: bytes = READ_3, unit: int = 2) -> RtuFramer:
    framer = RtuFramer()
    framer.frame(unit, asked)
    return framer


def chunked(data: bytes, cuts: list[int]) -> list[bytes]:
    ends = sorted({cut % (len(data) + 1) for cut in cuts} | {len(data)})
    return [data[start:end] for start, end in zip([0, *ends], ends, strict=False) if end > start]


def fed(framer: RtuFramer | MbapFramer, chunks: list[bytes]) -> list[Found]:
    return [found for chunk in chunks for found in framer.feed(chunk)]


def test_a_request_is_framed_as_the_specification_says() -> None:
    assert RtuFramer().frame(1, bytes((3, 0, 0, 0, 10))) == bytes.fromhex("01 03 00 00 00 0a c5 cd")
    framer = MbapFramer()
    assert framer.frame(0x11, bytes((3, 0, 0x6B, 0, 3))) == bytes.fromhex("0001 0000 0006 11 03 006b 0003")
    assert framer.frame(1, READ_3)[:2] == b"\0\2"


@given(st.binary(min_size=1, max_size=LONGEST_RTU))
def test_the_checksum_is_pymodbus_own(data: bytes) -> None:
    assert crc16(data) == int.from_bytes(FramerRTU.compute_CRC(data).to_bytes(2, "big"), "little")


@given(st.lists(st.integers(0, 300), max_size=12), st.binary(max_size=30))
def test_any_chunking_gives_the_same_rtu_reply(cuts: list[int], noise: bytes) -> None:
    """Noise before the reply, as a transceiver makes it, is skipped; noise that forms frames is another test's."""
    noise = bytes(byte for byte in noise if byte != 2)
    found = fed(waiting(), chunked(noise + rtu(2, VALUES_3), cuts))
    assert [(each.verdict, each.pdu, each.skipped) for each in found] == [(Verdict.REPLY, VALUES_3, len(noise))]


@given(st.lists(st.integers(0, 600), max_size=12), st.lists(st.binary(min_size=2, max_size=60), max_size=6))
def test_any_chunking_gives_the_same_tcp_frames(cuts: list[int], pdus: list[bytes]) -> None:
    framer = MbapFramer()
    for _ in range(3):
        framer.frame(1, READ_3)
    stream = b"".join(mbap(number % 5, 7, pdu) for number, pdu in enumerate(pdus))
    found = fed(framer, chunked(stream, cuts))
    assert [(each.unit, each.pdu) for each in found] == [(7, pdu) for pdu in pdus]
    late, foreign, right = Verdict.LATE, Verdict.FOREIGN, Verdict.REPLY
    assert [each.verdict for each in found] == [late, late, late, right, foreign, late][: len(pdus)]


@given(st.binary(max_size=700), st.lists(st.integers(0, 700), max_size=8))
def test_garbage_gives_no_rtu_frame_but_by_a_collision_of_the_checksum(garbage: bytes, cuts: list[int]) -> None:
    framer = waiting()
    for found in fed(framer, chunked(garbage, cuts)):
        if found.verdict in {Verdict.REPLY, Verdict.FOREIGN, Verdict.LATE}:
            assert crc16(bytes((found.unit,)) + found.pdu) == crc16(rtu(found.unit, found.pdu)[:-2])
            assert rtu(found.unit, found.pdu) in garbage
    assert len(framer.give_up()) <= 2 * LONGEST_RTU


@given(st.binary(max_size=700), st.lists(st.integers(0, 700), max_size=8))
def test_garbage_gives_no_tcp_reply_of_a_transaction_that_it_does_not_name(garbage: bytes, cuts: list[int]) -> None:
    framer = MbapFramer()
    framer.frame(1, READ_3)
    for found in fed(framer, chunked(garbage, cuts)):
        if found.verdict is Verdict.REPLY:
            assert found.data[:4] == b"\0\1\0\0"
            assert found.data in garbage


@given(st.integers(0, 2**32))
def test_a_burst_of_16_bits_never_passes(seed: int) -> None:
    found = waiting().feed(burst(rtu(2, VALUES_3), random.Random(seed)))
    assert all(each.verdict is not Verdict.REPLY or len(each.pdu) != len(VALUES_3) for each in found)


@pytest.mark.parametrize(
    ("stream", "verdicts"),
    [
        (rtu(2, VALUES_3) + b"\0", [Verdict.REPLY, Verdict.GARBAGE]),
        (rtu(2, VALUES_3) * 2, [Verdict.REPLY, Verdict.LATE]),
        (rtu(2, VALUES_3) + rtu(2, VALUES_3[:-1] + b"\x09"), [Verdict.TWO, Verdict.LATE]),
        (rtu(2, VALUES_3) + rtu(3, VALUES_3), [Verdict.REPLY, Verdict.FOREIGN]),
        (rtu(3, VALUES_3) + rtu(2, VALUES_3), [Verdict.FOREIGN, Verdict.LATE]),
        (rtu(2, bytes((4,)) + VALUES_3[1:]), [Verdict.FOREIGN]),
        (rtu(2, bytes((3, 2, 0, 7))), [Verdict.REPLY]),  # too short: `check` says so at once
        (rtu(2, bytes((0x83, 2))), [Verdict.REPLY]),
        (rtu(2, VALUES_3)[:-1] + b"\0", [Verdict.CRC]),
        (bytes(2 * LONGEST_RTU + 1), [Verdict.GARBAGE]),
        (rtu(2, READ_3) + rtu(2, VALUES_3), [Verdict.REPLY]),  # an adapter that echoes what we send
        (rtu(2, VALUES_3)[:-1], []),
    ],
)
def test_what_an_rtu_line_brings(stream: bytes, verdicts: list[Verdict]) -> None:
    assert [each.verdict for each in waiting().feed(stream)] == verdicts


def test_a_late_frame_is_recognised_in_pieces() -> None:
    framer = waiting()
    assert framer.give_up() == b""
    late = rtu(2, VALUES_3)
    assert [found.verdict for found in fed(framer, [late[:4], late[4:]])] == [Verdict.GARBAGE, Verdict.LATE]
    assert "done" in repr(framer)
    assert "waiting" in repr(waiting())


def _work_a_byte(noise: bytes, monkeypatch: pytest.MonkeyPatch) -> float:
    """Return over how many bytes a checksum is formed for each byte of `noise` that comes by itself."""
    done = 0

    def counted(data: bytes) -> int:
        nonlocal done
        done += len(data)
        return crc16(data)

    monkeypatch.setattr(framing, "crc16", counted)
    framer = waiting()
    done = 0
    fed(framer, [bytes((byte,)) for byte in noise])
    return done / len(noise)


@pytest.mark.parametrize(
    "noise", [bytes((2, 3)), bytes((2, 3, 4)), bytes((2, 0x83)), bytes((9, 3, 3, 2, 3)), bytes((2, 3, 3, 2, 3, 5))]
)
def test_noise_that_looks_like_replies_costs_the_same_for_each_byte(
    noise: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    short, long = (_work_a_byte((noise * 500)[:size], monkeypatch) for size in (60, 480))
    assert 0 < short <= LONGEST_RTU
    assert long <= 1.5 * short


@pytest.mark.parametrize(
    "asked",
    [
        bytes((5, 0, 1, 0xFF, 0)),
        bytes((6, 0, 1, 0, 9)),
        bytes((15, 0, 1, 0, 3, 1, 5)),
        bytes((16, 0, 1, 0, 1, 2, 0, 9)),
        bytes((22, 0, 1, 0, 0xF2, 0, 0x25)),
        bytes((8, 0, 0, 0xA5, 0x37)),
    ],
)
def test_an_echo_is_framed_and_checked(asked: bytes) -> None:
    echo = asked[:5] if asked[0] in {15, 16} else asked
    (found,) = waiting(asked).feed(rtu(2, echo))
    assert (found.verdict, found.pdu) == (Verdict.REPLY, echo)
    assert reply_size(asked) == len(echo)
    check(asked, echo, 2)
    with pytest.raises(BadReply):
        check(asked, echo[:2] + bytes((echo[2] ^ 1,)) + echo[3:], 2)
    with pytest.raises(BadReply):
        check(asked, echo + b"\0", 2)


IDENTITY = bytes.fromhex("2b 0e 01 83 00 00 02 00 03 41 63 65 01 02 58 31")


def test_an_identification_is_framed_by_its_own_lengths() -> None:
    asked = bytes((43, 14, 1, 0))
    framer = waiting(asked)
    found = fed(framer, [bytes((byte,)) for byte in rtu(2, IDENTITY)])
    assert [(each.verdict, each.pdu) for each in found] == [(Verdict.REPLY, IDENTITY)]
    check(asked, IDENTITY, 2)
    for wrong in (IDENTITY[:-1], IDENTITY + b"\0", IDENTITY[:6] + b"\x09" + IDENTITY[7:], IDENTITY[:3]):
        with pytest.raises(BadReply):
            check(asked, wrong, 2)


WRONG = [  # what was asked, what came: each is of the right unit, whole and undamaged
    (bytes((4, 0, 0, 0, 3)), VALUES_3),
    (READ_3, bytes((3, 2, 0, 7))),
    (bytes((1, 0, 0, 0, 9)), bytes((1, 1, 5))),
    (bytes((16, 0, 1, 0, 2, 4, 0, 1, 0, 2)), bytes((16, 0, 1, 0, 1))),
]


@pytest.mark.parametrize(("asked", "answer"), WRONG)
def test_a_reply_to_something_else_is_none(asked: bytes, answer: bytes) -> None:
    with pytest.raises(BadReply):
        check(asked, answer, 2)


@pytest.mark.parametrize(("asked", "answer"), WRONG)
def test_pymodbus_decodes_a_reply_to_something_else(asked: bytes, answer: bytes) -> None:
    """The negative control of the test above: without `check` each of these is an answer."""
    reply = DecodePDU(is_server=False).decode(answer)
    assert reply is not None
    assert not reply.isError(), asked


def test_an_exception_names_unit_place_and_meaning() -> None:
    with pytest.raises(
        DeviceFault, match=r"unit 2, holding register 10: exception 2 \(illegal data address\)"
    ) as fault:
        check(READ_3, bytes((0x83, 2)), 2)
    assert fault.value.code == 2
    with pytest.raises(BadReply):
        check(READ_3, bytes((0x84, 2)), 2)
    with pytest.raises(BadReply, match="nothing"):
        check(READ_3, b"", 2)
    with pytest.raises(BadReply, match="coil"):
        check(bytes((5, 0, 1, 0xFF, 0)), bytes((5, 0, 1, 0x12, 0)), 2)
    assert what_was_asked(bytes((43, 14, 1, 0))) == "function 43"


def test_a_header_that_is_none_breaks_the_stream_until_it_is_made_anew() -> None:
    framer = MbapFramer()
    framer.frame(1, READ_3)
    assert [each.verdict for each in framer.feed(b"\0\1\0\0\xff\xff\1\3")] == [Verdict.GARBAGE]
    assert [each.verdict for each in framer.feed(mbap(1, 1, VALUES_3))] == [Verdict.GARBAGE]
    framer.reset()
    framer.frame(1, READ_3)
    assert [each.verdict for each in framer.feed(mbap(2, 1, VALUES_3))] == [Verdict.REPLY]
    assert [each.verdict for each in framer.feed(mbap(2, 1, VALUES_3))] == [Verdict.LATE], "a second copy"
    assert "transaction 2" in repr(framer)

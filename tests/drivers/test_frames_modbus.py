"""Modbus frames, both ways, and what does not belong together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import BadReply, DeviceFault
from drivers.frames.modbus import (
    Request,
    bits_of,
    exception_reply,
    frame,
    pack_bits,
    parse_reply,
    parse_request,
    request_pdu,
    split_frames,
    values_reply,
    write_reply,
)
from drivers.frames.modbus_identity import identification_reply

words = st.integers(0, 0xFFFF)
requests = st.one_of(
    st.builds(Request, st.sampled_from([1, 2]), words, st.integers(1, 2000)),
    st.builds(Request, st.sampled_from([3, 4]), words, st.integers(1, 125)),
    st.builds(lambda a, v: Request(5, a, 1, (v,)), words, st.integers(0, 1)),
    st.builds(lambda a, v: Request(6, a, 1, (v,)), words, words),
    st.builds(lambda a, v: Request(15, a, len(v), tuple(v)), words, st.lists(st.integers(0, 1), min_size=1)),
    st.builds(lambda a, v: Request(16, a, len(v), tuple(v)), words, st.lists(words, min_size=1, max_size=120)),
    st.builds(lambda a, v: Request(8, a, len(v), tuple(v)), words, st.lists(words, min_size=1, max_size=125)),
    st.builds(lambda a, v: Request(22, a, 1, v), words, st.tuples(words, words)),
    st.builds(
        lambda a, n, w, v: Request(23, a, n, tuple(v), w),
        words,
        st.integers(1, 125),
        words,
        st.lists(words, min_size=1, max_size=121),
    ),
    st.builds(Request, st.just(43), st.integers(0, 255), st.integers(1, 4)),
)


@given(requests)
def test_a_request_survives_the_wire(request: Request) -> None:
    assert parse_request(request_pdu(request)) == request


@given(requests, st.data())
def test_a_reply_gives_the_values_back(request: Request, data: st.DataObject) -> None:
    if request.function == 43:
        assert parse_reply(request, identification_reply(request.count, request.address, {request.address: b"x"})) == ()
        return
    if request.function > 4 and request.function != 23:
        assert parse_reply(request, write_reply(request)) == ()
        return
    one = st.integers(0, 1) if request.function < 3 else words
    values = tuple(data.draw(st.lists(one, min_size=request.count, max_size=request.count)))
    assert parse_reply(request, values_reply(request, values)) == values


@given(
    st.lists(st.tuples(words, st.integers(0, 255), st.binary(min_size=1, max_size=253)), max_size=4), st.integers(1, 9)
)
def test_frames_are_split_however_the_bytes_arrive(frames: list[tuple[int, int, bytes]], step: int) -> None:
    stream = b"".join(frame(*one) for one in frames)
    buffer, found = bytearray(), []
    for start in range(0, len(stream), step):
        buffer += stream[start : start + step]
        found += split_frames(buffer)
    assert found == frames
    assert not buffer


def test_no_header_is_refused() -> None:
    with pytest.raises(BadReply, match="header"):
        split_frames(bytearray(b"\x00\x01\x00\x07\x00\x06\x01\x03"))


def test_the_fixed_frame_of_the_specification() -> None:
    pdu = bytes.fromhex("03006b0003")  # Modbus application protocol V1.1b3, 6.3: registers 108 to 110
    assert parse_request(pdu) == Request(3, 107, 3)
    assert values_reply(Request(3, 107, 3), (555, 0, 100)) == bytes.fromhex("0306022b00000064")


@pytest.mark.parametrize(
    ("request_", "reply", "error"),
    [
        (Request(3, 0, 2), bytes.fromhex("040400010002"), BadReply),  # another function
        (Request(3, 0, 3), bytes.fromhex("03020007"), BadReply),  # one register where three were asked
        (Request(6, 10, 1, (500,)), bytes.fromhex("06000a01f5"), BadReply),  # another value echoed
        (Request(3, 0, 1), exception_reply(3, 2), DeviceFault),
        (Request(3, 0, 1), b"", BadReply),
        (Request(8, 0, 1, (7,)), bytes.fromhex("0800000008"), BadReply),  # another nonce
        (Request(22, 1, 1, (7, 8)), bytes.fromhex("16000100070009"), BadReply),  # another mask
        (Request(23, 0, 2, (7,), 9), bytes.fromhex("17020001"), BadReply),  # one register where two were asked
        (Request(43, 0, 1), bytes.fromhex("2b0e0201000000"), BadReply),  # another level
        (Request(43, 0, 1), bytes.fromhex("ab01"), DeviceFault),
    ],
)
def test_what_does_not_belong_to_the_request_is_refused(
    request_: Request, reply: bytes, error: type[Exception]
) -> None:
    with pytest.raises(error):
        parse_reply(request_, reply)


@pytest.mark.parametrize(
    "pdu",
    [
        *("", "07", "0300000000", "03000000", "0500010001", "10000000010200", "0f00000001020000"),
        *("08", "0800000a", "08000000", "080000", "1600010002", "160001000200030004", "17000000010000000002"),
        *("170000000100000001030001", "2b", "2b0d0100", "2b0e0000", "2b0e0500", "2b0e010000"),
    ],
)
def test_a_malformed_request_is_refused(pdu: str) -> None:
    with pytest.raises(DeviceFault):
        parse_request(bytes.fromhex(pdu))


@given(st.lists(st.integers(0, 1), min_size=1, max_size=40))
def test_bits(bits: list[int]) -> None:
    assert bits_of(pack_bits(bits), len(bits)) == tuple(bits)


def test_the_fixed_frames_of_the_specification_for_masks_and_read_write() -> None:
    mask = bytes.fromhex("16000400f20025")  # 6.16: register 5, AND 00F2, OR 0025
    assert parse_request(mask) == Request(22, 4, 1, (0xF2, 0x25))
    both = bytes.fromhex("1700030006000e00030600ff00ff00ff")  # 6.17: read 6 from 4, write 3 from 15
    assert parse_request(both) == Request(23, 3, 6, (255, 255, 255), 14)
    told = bytes.fromhex("170c00fe0acd00010003000d00ff")
    assert parse_reply(parse_request(both), told) == (254, 2765, 1, 3, 13, 255)
    assert parse_request(bytes.fromhex("080000a537")) == Request(8, 0, 1, (0xA537,))  # 6.8


@pytest.mark.parametrize(("read", "written", "allowed"), [(125, 121, True), (126, 1, False), (1, 122, False)])
def test_the_limits_of_read_write(read: int, written: int, allowed: bool) -> None:
    pdu = request_pdu(Request(23, 0, read, (0,) * written, 0))
    if allowed:
        assert len(parse_request(pdu).values) == written
    else:
        with pytest.raises(DeviceFault):
            parse_request(pdu)


@pytest.mark.parametrize(("function", "most"), [(1, 2000), (3, 125), (8, 125), (15, 1968), (16, 123)])
def test_the_limits_of_the_specification(function: int, most: int) -> None:
    values = (1,) * most if function > 4 else ()
    assert parse_request(request_pdu(Request(function, 0, most, values))).count == most
    with pytest.raises(DeviceFault) as caught:
        parse_request(request_pdu(Request(function, 0, most + 1, values + values[:1])))
    assert caught.value.code == 3

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
    registers_of,
    request_pdu,
    split_frames,
    value_of,
    values_reply,
    write_reply,
)

words = st.integers(0, 0xFFFF)
requests = st.one_of(
    st.builds(Request, st.sampled_from([1, 2]), words, st.integers(1, 2000)),
    st.builds(Request, st.sampled_from([3, 4]), words, st.integers(1, 125)),
    st.builds(lambda a, v: Request(5, a, 1, (v,)), words, st.integers(0, 1)),
    st.builds(lambda a, v: Request(6, a, 1, (v,)), words, words),
    st.builds(lambda a, v: Request(15, a, len(v), tuple(v)), words, st.lists(st.integers(0, 1), min_size=1)),
    st.builds(lambda a, v: Request(16, a, len(v), tuple(v)), words, st.lists(words, min_size=1, max_size=120)),
)


@given(requests)
def test_a_request_survives_the_wire(request: Request) -> None:
    assert parse_request(request_pdu(request)) == request


@given(requests, st.data())
def test_a_reply_gives_the_values_back(request: Request, data: st.DataObject) -> None:
    if request.function > 4:
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
    ],
)
def test_what_does_not_belong_to_the_request_is_refused(
    request_: Request, reply: bytes, error: type[Exception]
) -> None:
    with pytest.raises(error):
        parse_reply(request_, reply)


@pytest.mark.parametrize(
    "pdu", ["", "07", "0300000000", "03000000", "0500010001", "10000000010200", "0f00000001020000"]
)
def test_a_malformed_request_is_refused(pdu: str) -> None:
    with pytest.raises(DeviceFault):
        parse_request(bytes.fromhex(pdu))


@given(st.lists(st.integers(0, 1), min_size=1, max_size=40))
def test_bits(bits: list[int]) -> None:
    assert bits_of(pack_bits(bits), len(bits)) == tuple(bits)


@given(st.integers(-(2**31), 2**31 - 1))
def test_long_words_come_high_word_first(value: int) -> None:
    high, low = registers_of("i32", value)
    assert (high << 16 | low) == value & 0xFFFFFFFF
    assert value_of("i32", (high, low)) == value


@given(
    st.data(),
    st.sampled_from([("u16", 0, 2**16), ("i16", -(2**15), 2**15), ("u32", 0, 2**32), ("i32", -(2**31), 2**31)]),
)
def test_whole_numbers_come_back_and_the_first_outside_is_refused(
    data: st.DataObject, kind_and_range: tuple[str, int, int]
) -> None:
    kind, low, beyond = kind_and_range
    value = data.draw(st.integers(low, beyond - 1))
    assert value_of(kind, registers_of(kind, value)) == value
    for outside in (low - 1, beyond):
        with pytest.raises(ValueError, match="does not fit"):
            registers_of(kind, outside)
    with pytest.raises(ValueError, match="whole number"):
        registers_of(kind, 0.5)


@pytest.mark.parametrize(("function", "most"), [(1, 2000), (3, 125), (15, 1968), (16, 123)])
def test_the_limits_of_the_specification(function: int, most: int) -> None:
    values = (1,) * most if function > 4 else ()
    assert parse_request(request_pdu(Request(function, 0, most, values))).count == most
    with pytest.raises(DeviceFault) as caught:
        parse_request(request_pdu(Request(function, 0, most + 1, values + values[:1])))
    assert caught.value.code == 3


@given(st.floats(width=32, allow_nan=False))
def test_floats(value: float) -> None:
    assert value_of("f32", registers_of("f32", value)) == value


@pytest.mark.parametrize(
    ("kind", "value"), [("u16", -1), ("i16", 40_000), ("u16", "x"), ("block", (70_000,)), ("block", 3)]
)
def test_what_does_not_fit_is_refused(kind: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"fit|takes"):
        registers_of(kind, value)  # type: ignore[arg-type]  # wrong on purpose

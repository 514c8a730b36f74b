"""RTU frames and identification, both ways, however the bytes come."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pymodbus.framer.rtu import FramerRTU

from drivers.errors import BadReply, DeviceFault
from drivers.frames.modbus import Request, request_pdu
from drivers.frames.modbus_identity import (
    EXTENDED,
    INDIVIDUAL,
    REGULAR,
    identification_reply,
    parse_identification,
)
from drivers.frames.modbus_rtu import RtuRequests, crc16, rtu_frame, silence_s, unframed
from tests.drivers.test_frames_modbus import requests

units = st.integers(0, 247)
objects = st.dictionaries(st.integers(0, 255), st.binary(max_size=244), max_size=12)


def test_the_crc_of_the_specification() -> None:
    assert crc16(b"\x02\x07") == 0x1241  # Modbus over serial line V1.02, 6.2.2: sent as 41 12
    assert rtu_frame(2, b"\x07") == b"\x02\x07\x41\x12"


@given(st.binary(max_size=254))
def test_the_crc_is_the_one_that_others_compute(data: bytes) -> None:
    assert crc16(data).to_bytes(2, "little") == FramerRTU.compute_CRC(data).to_bytes(2, "big")
    assert crc16(data + crc16(data).to_bytes(2, "little")) == 0


@given(units, st.binary(min_size=1, max_size=253))
def test_a_frame_gives_unit_and_pdu_back(unit: int, pdu: bytes) -> None:
    assert unframed(rtu_frame(unit, pdu)) == (unit, pdu)


@given(units, st.binary(min_size=1, max_size=253), st.data())
def test_a_burst_of_up_to_16_bits_is_always_found(unit: int, pdu: bytes, data: st.DataObject) -> None:
    frame = rtu_frame(unit, pdu)
    length = data.draw(st.integers(1, 16))
    pattern = 1 | 1 << length - 1 | data.draw(st.integers(0, (1 << length) - 1))
    shift = data.draw(st.integers(0, 8 * len(frame) - length))
    # a burst in the order of the wire: each character is sent with its lowest bit first
    mirrored = int.from_bytes(bytes(int(f"{byte:08b}"[::-1], 2) for byte in frame), "big") ^ pattern << shift
    hit = bytes(int(f"{byte:08b}"[::-1], 2) for byte in mirrored.to_bytes(len(frame), "big"))
    assert unframed(hit) is None


def _ends_early(frame: bytes) -> bool:
    """Return whether a loopback, whose length nothing tells, is whole by chance before its end (1 in 65536 a byte)."""
    return frame[1] == 8 and any(unframed(frame[:end]) is not None for end in range(8, len(frame)))


@given(st.lists(st.tuples(units, requests), min_size=1, max_size=4), st.integers(1, 40))
def test_requests_are_cut_however_the_bytes_arrive(asked: list[tuple[int, Request]], step: int) -> None:
    frames = [(unit, request_pdu(request)) for unit, request in asked]
    assume(not any(_ends_early(rtu_frame(*one)) for one in frames))
    stream = b"".join(rtu_frame(*one) for one in frames)
    cutter, found = RtuRequests(), []
    for start in range(0, len(stream), step):
        found += cutter.feed(stream[start : start + step])
    found += cutter.silence()
    fits = all(len(pdu) <= 253 for _, pdu in frames)
    assert not fits or found == frames
    assert not cutter.pending


@given(st.lists(st.binary(max_size=600), max_size=5))
@settings(deadline=None)
def test_noise_never_piles_up_and_the_next_request_is_heard(noise: list[bytes]) -> None:
    cutter = RtuRequests()
    for data in noise:
        cutter.feed(data)
        assert cutter.pending <= 256
    cutter.silence()
    assert cutter.pending == 0
    assert cutter.feed(rtu_frame(2, bytes.fromhex("0300000001"))) == [(2, bytes.fromhex("0300000001"))]


def test_a_loopback_that_is_whole_by_chance_before_its_end_is_cut_there() -> None:
    words = (28657, 312, 690, 2759, 78, 9412, 1048, 1334, 130, 46167, 974, 881, 272, 176, 46168, 1094)
    frame = rtu_frame(116, request_pdu(Request(8, 9736, 16, words)))
    assert _ends_early(frame)
    assert RtuRequests().feed(frame[:-1]) == [(116, frame[1:-3])]
    assert not _ends_early(rtu_frame(2, request_pdu(Request(8, 0, 1, (0x1234,)))))


def test_the_silence_of_the_specification() -> None:
    assert silence_s(11 / 9600) == pytest.approx(3.5 * 11 / 9600)
    assert silence_s(11 / 115_200) == 0.00175


@given(objects, st.integers(1, 3))
def test_an_identification_is_told_whole_over_as_many_replies_as_it_takes(told: dict[int, bytes], level: int) -> None:
    wanted = {key: text for key, text in told.items() if key <= {1: 2, 2: 0x7F, 3: 0xFF}[level]}
    heard: dict[int, bytes] = {}
    first: int | None = 0
    replies = 0
    while first is not None:
        pdu = identification_reply(level, first, told)
        assert len(pdu) <= 253
        said = parse_identification(pdu)
        assert said.level == level
        heard.update(said.objects)
        first = said.next_object
        replies += 1
        assert replies <= len(told) + 1
    assert heard == wanted


def test_objects_are_asked_one_by_one() -> None:
    told = {0: b"maker", 0x80: b"own"}
    assert parse_identification(identification_reply(INDIVIDUAL, 0x80, told)).objects == {0x80: b"own"}
    with pytest.raises(DeviceFault) as caught:
        identification_reply(INDIVIDUAL, 5, told)
    assert caught.value.code == 2
    assert parse_identification(identification_reply(EXTENDED, 77, told)).objects == told, "an unknown one starts over"


@pytest.mark.parametrize(
    ("told", "conformity"), [({0: b"a"}, 0x81), ({0: b"a", 5: b"b"}, 0x82), ({0: b"a", 0x90: b"b"}, 0x83)]
)
def test_the_conformity_is_what_is_there(told: Mapping[int, bytes], conformity: int) -> None:
    assert parse_identification(identification_reply(REGULAR, 0, told)).conformity == conformity


def test_a_text_that_no_reply_can_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="244"):
        identification_reply(1, 0, {0: b"x" * 245})


@pytest.mark.parametrize(
    "pdu",
    [
        *("", "2b0e", "2b0d0101000000", "2b0e0101000001", "2b0e01010000010005", "2b0e0101000001000161ff"),
        *("2b0e0101000002000161000162", "2b0e0101330000"),
    ],
)
def test_an_identification_that_contradicts_itself_is_refused(pdu: str) -> None:
    with pytest.raises(BadReply):
        parse_identification(bytes.fromhex(pdu))

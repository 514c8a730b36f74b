"""Frames in words: what a person reads in a trace, and that no bytes break it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.frames.explain import WIRES, explain
from drivers.frames.modbus import Request, exception_reply, frame, request_pdu, values_reply
from drivers.frames.modbus_rtu import rtu_frame
from drivers.frames.mqtt_forms import frame_of
from drivers.wire_tap import Direction, Frame

SENT, RECEIVED, NOTE = Direction.SENT, Direction.RECEIVED, Direction.NOTE


def told(direction: Direction, data: bytes, wire: str, *, device: str = "", note: str = "") -> str:
    return explain(Frame(1, 0.0, direction, data, device, note), wire)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (Request(4, 10, 2), "read input registers 10..11"),
        (Request(3, 7, 1), "read holding registers 7"),
        (Request(1, 0, 8), "read coils 0..7"),
        (Request(5, 3, 1, (1,)), "write coil 3 = on"),
        (Request(6, 100, 1, (0x1234,)), "write register 100 = 1234"),
        (Request(15, 4, 3, (1, 0, 1)), "write coils 4..6 = 101"),
        (Request(16, 4, 2, (1, 0xFFFF)), "write registers 4..5 = 0001 FFFF"),
        (Request(8, 0, 1, (0xBEEF,)), "diagnostics (loopback) BEEF"),
        (Request(22, 5, 1, (0xFF00, 1)), "mask write register 5, AND FF00, OR 0001"),
        (Request(23, 5, 2, (7,), 9), "read and write registers 5..6, written before 9 = 0007"),
        (Request(43, 0, 1), "read device identification (basic) from object 0"),
    ],
)
def test_requests_in_words(request_: Request, words: str) -> None:
    pdu = request_pdu(request_)
    assert told(SENT, frame(17, 2, pdu), "modbus_tcp") == f"unit 2 {words} (transaction 17)"
    assert told(SENT, rtu_frame(2, pdu), "modbus_rtu") == f"unit 2 {words}, CRC good"


@pytest.mark.parametrize(
    ("pdu", "words"),
    [
        (values_reply(Request(4, 10, 2), (0x017F, 0)), "2 registers: 017F 0000"),
        (values_reply(Request(3, 10, 1), (5,)), "1 register: 0005"),
        (values_reply(Request(1, 0, 3), (1, 0, 1)), "8 bits: 10100000"),
        (exception_reply(4, 2), "exception 2 (illegal data address) to read input registers"),
        (exception_reply(3, 11), "exception 11 (gateway target device failed to respond) to read holding registers"),
        (b"\x05\x00\x03\xff\x00", "coil 3 written = on"),
        (b"\x06\x00\x64\x12\x34", "register 100 written = 1234"),
        (b"\x10\x00\x04\x00\x02", "registers 4..5 written"),
        (b"\x08\x00\x00\xbe\xef", "diagnostics (loopback) BEEF"),
        (b"\x2b\x0e\x01\x81\x00\x00\x02\x00\x03abc\x01\x01x", "identification: 0 = abc, 1 = x"),
        (b"\x03\x05\x00", "read holding registers: 05 00"),  # a count that is not that of its bytes is no value
    ],
)
def test_replies_in_words(pdu: bytes, words: str) -> None:
    assert told(RECEIVED, frame(17, 2, pdu), "modbus_tcp") == f"unit 2: {words} (transaction 17)"
    assert told(RECEIVED, rtu_frame(2, pdu), "modbus_rtu") == f"unit 2: {words}, CRC good"


def test_a_flipped_bit_is_a_bad_crc() -> None:
    data = bytearray(rtu_frame(2, values_reply(Request(4, 10, 1), (0x017F,))))
    data[4] ^= 1
    words = told(RECEIVED, bytes(data), "modbus_rtu", note="crc")
    assert words.startswith("CRC bad, ")
    assert "02 04 02 01 7E" in words
    assert words.endswith("[crc]")
    assert "register" not in words


def test_pieces_of_tcp_frames_are_told() -> None:
    whole = frame(1, 2, values_reply(Request(4, 0, 1), (1,)))
    assert told(RECEIVED, whole + whole[:4], "modbus_tcp") == (
        "unit 2: 1 register: 0001 (transaction 1); an unfinished frame of 4 bytes: 00 01 00 00"
    )
    assert told(RECEIVED, b"HTTP/1.1 200", "modbus_tcp").startswith("no Modbus TCP header")


def test_lines_show_their_control_characters() -> None:
    assert told(SENT, b"R\r", "line") == "R<CR>"
    assert told(RECEIVED, b"S S     12.34 g\r\n\xf3\x00", "line") == "S S     12.34 g<CR><LF><F3><NUL>"
    assert told(RECEIVED, b"a" * 1000, "line").endswith("(1000 bytes)")


def test_mqtt_shows_topic_and_payload() -> None:
    payload = '{"temperature": 21.5, "unit": "°C"}'.encode()
    assert told(RECEIVED, frame_of("sensors/room", payload), "mqtt") == f"sensors/room: {payload.decode()}"
    assert told(RECEIVED, frame_of("a", b"\x1b[2J"), "mqtt", note="retained") == "a: <ESC>[2J [retained]"
    assert told(RECEIVED, frame_of("a/\x1b", b""), "mqtt") == "a/<ESC>: empty payload"
    assert told(RECEIVED, b"no zero", "mqtt") == "no zero"


def test_a_note_is_its_text() -> None:
    assert told(NOTE, b"", "modbus_rtu", device="unit 2", note="quarantine 0.3 s") == "unit 2 quarantine 0.3 s"


PDUS = st.builds(lambda function, data: bytes((function,)) + data, st.integers(0, 255), st.binary(max_size=260))
ANY = st.one_of(
    st.binary(max_size=600),
    st.builds(lambda unit, pdu: frame(1, unit, pdu[:250]), st.integers(0, 255), PDUS),
    st.builds(frame_of, st.text(max_size=20).map(lambda text: text.replace("\0", "")), st.binary(max_size=400)),
    st.builds(lambda unit, pdu: rtu_frame(unit, pdu[:250]), st.integers(0, 255), PDUS),
)


@given(data=ANY, wire=st.sampled_from([*WIRES, "smoke signals"]), direction=st.sampled_from(Direction), note=st.text())
def test_no_bytes_break_it(data: bytes, wire: str, direction: Direction, note: str) -> None:
    words = told(direction, data, wire, note=note)
    assert isinstance(words, str)
    if not note:
        assert words.isprintable()  # nothing that could move a terminal's cursor

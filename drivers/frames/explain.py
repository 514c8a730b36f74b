"""A raw frame in words, for a person at a terminal: pure, and content with any bytes.

Names of functions after the Modbus application protocol V1.1b3, section 6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from drivers.errors import BadReply, DeviceFault
from drivers.frames.modbus import Request, exception_text, parse_request, split_frames
from drivers.frames.modbus_rtu import crc16, unframed
from drivers.frames.mqtt_forms import of_frame
from drivers.wire_tap import Direction, Frame

__all__ = ["WIRES", "explain", "shown"]

_SHOWN_WORDS = 64
_SHOWN_BITS = 128
_SHOWN_BYTES = 300
_FUNCTIONS = {
    1: "read coils",
    2: "read discrete inputs",
    3: "read holding registers",
    4: "read input registers",
    5: "write coil",
    6: "write register",
    7: "read exception status",
    8: "diagnostics",
    11: "read event counter",
    15: "write coils",
    16: "write registers",
    17: "report server id",
    22: "mask write register",
    23: "read and write registers",
    24: "read FIFO queue",
    43: "read device identification",
}
_CONTROLS = {0: "NUL", 9: "TAB", 10: "LF", 13: "CR", 17: "XON", 19: "XOFF", 27: "ESC"}
_ON_OFF = {0xFF00: "on", 0: "off"}
_LEVELS = {1: "basic", 2: "regular", 3: "extended", 4: "one object"}


def explain(frame: Frame, wire: str) -> str:
    """Return what `frame` says, on one line; `wire` is modbus_tcp, modbus_rtu, line or mqtt.

    Of any other wire the bytes are shown. Bytes that fit no rule of the wire are shown in hexadecimal with the reason.
    """
    if frame.direction is Direction.NOTE:
        return " ".join(text for text in (frame.device, frame.note, _hex(frame.data)) if text)
    told = WIRES.get(wire, _raw)(frame)
    return f"{told} [{frame.note}]" if frame.note else told


def shown(data: bytes) -> str:
    """Return text with its control characters and all that is no ASCII by name: `R<CR>`, `<F3>`."""
    text = "".join(_character(byte) for byte in data[:_SHOWN_BYTES])
    return text if len(data) <= _SHOWN_BYTES else f"{text}... ({len(data)} bytes)"


def _character(byte: int) -> str:
    if 32 <= byte < 127:
        return chr(byte)
    return f"<{_CONTROLS.get(byte, f'{byte:02X}')}>"


def _hex(data: bytes) -> str:
    text = data[:_SHOWN_BYTES].hex(" ").upper()
    return text if len(data) <= _SHOWN_BYTES else f"{text} ... ({len(data)} bytes)"


def _raw(frame: Frame) -> str:
    return _hex(frame.data) or "no bytes"


def _line(frame: Frame) -> str:
    return shown(frame.data) or "no bytes"


def _mqtt(frame: Frame) -> str:
    try:
        topic, payload = of_frame(frame.data)
    except BadReply:
        return shown(frame.data) or "no bytes"
    try:
        text = payload[:_SHOWN_BYTES].decode()
    except UnicodeDecodeError:
        text = ""
    told = text if text.isprintable() and len(payload) <= _SHOWN_BYTES else shown(payload)
    return f"{topic if topic.isprintable() else shown(topic.encode())}: {told or 'empty payload'}"


def _tcp(frame: Frame) -> str:
    rest = bytearray(frame.data)
    try:
        found = split_frames(rest)
    except BadReply as exc:
        return f"{exc}: {_hex(frame.data)}"
    told = [
        f"{_pdu(unit, pdu, frame.direction)} (transaction {transaction})" for transaction, unit, pdu in found
    ]  # several when a device answered twice in one piece
    if rest:
        told.append(f"an unfinished frame of {len(rest)} bytes: {_hex(bytes(rest))}")
    return "; ".join(told) or "no bytes"


def _rtu(frame: Frame) -> str:
    data = frame.data
    whole = unframed(data)
    if whole is not None:
        return f"{_pdu(*whole, frame.direction)}, CRC good"
    if not data:
        return "no bytes"
    if not 4 <= len(data) <= 256:
        return f"{len(data)} bytes are no frame: {_hex(data)}"
    came, wanted = int.from_bytes(data[-2:], "little"), crc16(data[:-2])
    return f"CRC bad, {came:04X} came and {wanted:04X} is right: {_hex(data)}"


def _pdu(unit: int, pdu: bytes, direction: Direction) -> str:
    if direction is Direction.SENT:
        return f"unit {unit} {_request(pdu)}"
    return f"unit {unit}: {_reply(pdu)}"


def _request(pdu: bytes) -> str:
    try:
        request = parse_request(pdu)
    except DeviceFault:
        name = _FUNCTIONS.get(pdu[0], f"function {pdu[0]}") if pdu else "nothing"
        return f"{name}: {_hex(pdu[1:])}" if len(pdu) > 1 else name
    return f"{_FUNCTIONS[request.function]} {_asked(request)}"


def _asked(request: Request) -> str:
    span = _span(request.address, request.count)
    if request.function <= 4:
        return span
    if request.function == 43:
        return f"({_LEVELS.get(request.count, f'level {request.count}')}) from object {request.address}"
    if request.function == 8:
        return f"({_diagnostic(request.address)}) {_words(request.values)}"
    return f"{span}{_written(request)}"


def _written(request: Request) -> str:
    match request.function:
        case 5:
            return f" = {'on' if request.values[0] else 'off'}"
        case 15:
            return f" = {_bits(request.values)}"
        case 22:
            return f", AND {request.values[0]:04X}, OR {request.values[1]:04X}"
        case 23:
            return f", written before {_span(request.write_address, len(request.values))} = {_words(request.values)}"
        case _:
            return f" = {_words(request.values)}"


def _reply(pdu: bytes) -> str:
    if not pdu:
        return "an empty reply"
    function, data = pdu[0], pdu[1:]
    name = _FUNCTIONS.get(function & 0x7F, f"function {function & 0x7F}")
    if function & 0x80:
        code = data[0] if len(data) == 1 else None
        told = f"{code} ({exception_text(code)})" if code is not None else f"malformed: {_hex(data)}"
        return f"exception {told} to {name}"
    return f"{_said(function, data) or f'{name}: {_hex(data)}'}"


def _said(function: int, data: bytes) -> str:
    """Return what the data of a reply say; empty when they have not the shape of their function."""
    told = ""
    if function in {1, 2, 3, 4, 23}:
        told = _values(function, data)
    elif function in {5, 6, 15, 16} and len(data) == 4:
        told = _echo(function, *_words_of(data))
    elif function == 8 and len(data) >= 2 and len(data) % 2 == 0:
        words = _words_of(data)
        told = f"diagnostics ({_diagnostic(words[0])}) {_words(words[1:])}"
    elif function == 43 and data[:1] == b"\x0e":
        told = _identity(data)
    return told


def _values(function: int, data: bytes) -> str:
    if len(data) < 2 or data[0] != len(data) - 1:
        return ""
    if function in {1, 2}:
        return f"{8 * data[0]} bits: {_bits([byte >> bit & 1 for byte in data[1:] for bit in range(8)])}"
    if data[0] % 2:
        return ""
    return f"{data[0] // 2} register{'s' if data[0] > 2 else ''}: {_words(_words_of(data[1:]))}"


def _echo(function: int, address: int, value: int) -> str:
    if function == 5:
        return f"coil {address} written = {_ON_OFF.get(value, f'{value:04X}')}"
    if function == 6:
        return f"register {address} written = {value:04X}"
    return f"{'coils' if function == 15 else 'registers'} {_span(address, value)} written"


def _diagnostic(number: int) -> str:
    return "loopback" if number == 0 else f"sub-function {number}"


def _identity(data: bytes) -> str:
    """Return the objects of an identification (section 6.21): each with number, length and text."""
    texts, at = [], 6
    while at + 2 <= len(data):
        number, length = data[at], data[at + 1]
        texts.append(f"{number} = {shown(data[at + 2 : at + 2 + length])}")
        at += 2 + length
    return f"identification: {', '.join(texts)}" if texts else ""


def _words_of(data: bytes) -> tuple[int, ...]:
    return tuple(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))


def _words(words: tuple[int, ...]) -> str:
    text = " ".join(f"{word:04X}" for word in words[:_SHOWN_WORDS])
    return text if len(words) <= _SHOWN_WORDS else f"{text} ..."


def _bits(bits: tuple[int, ...] | list[int]) -> str:
    text = "".join(str(bit) for bit in bits[:_SHOWN_BITS])
    return text if len(bits) <= _SHOWN_BITS else f"{text}..."


def _span(address: int, count: int) -> str:
    return f"{address}" if count <= 1 else f"{address}..{address + count - 1}"


WIRES: Mapping[str, Callable[[Frame], str]] = {
    "modbus_tcp": _tcp,
    "modbus_rtu": _rtu,
    "line": _line,
    "mqtt": _mqtt,
}
"""What explains the frames of each kind of wire."""

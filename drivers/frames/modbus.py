"""Modbus TCP frames without I/O: bytes to requests and replies, registers to values.

After the Modbus application protocol V1.1b3 and the TCP implementation guide V1.0b.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from drivers.errors import BadReply, DeviceFault
from drivers.link import RawValue

__all__ = [
    "MAX_BITS",
    "MAX_REGISTERS",
    "Request",
    "bits_of",
    "exception_reply",
    "exception_text",
    "frame",
    "pack_bits",
    "parse_reply",
    "parse_request",
    "registers_of",
    "request_pdu",
    "split_frames",
    "value_of",
    "values_reply",
    "write_reply",
]

MAX_REGISTERS = 125
MAX_BITS = 2000
_MAX_LENGTH = 254  # unit id and PDU
_READ_BITS = (1, 2)
_READ_REGISTERS = (3, 4)
_FORMATS = {"u16": ">H", "i16": ">h", "u32": ">I", "i32": ">i", "f32": ">f"}
_LIMITS = {1: MAX_BITS, 2: MAX_BITS, 3: MAX_REGISTERS, 4: MAX_REGISTERS, 5: 1, 6: 1, 15: 1968, 16: 123}
_EXCEPTIONS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "server device failure",
    5: "acknowledge, still working on it",
    6: "server device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target device failed to respond",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request: what function, from where, how many, and the values of a write (bits as 0 and 1)."""

    function: int
    address: int
    count: int
    values: tuple[int, ...] = ()


def split_frames(buffer: bytearray) -> list[tuple[int, int, bytes]]:
    """Take all whole frames off the front of `buffer`: (transaction, unit, PDU) each.

    Raises:
        BadReply: the header is not Modbus TCP; the connection cannot be trusted any more.
    """
    found: list[tuple[int, int, bytes]] = []
    while len(buffer) >= 7:
        transaction, protocol, length, unit = struct.unpack_from(">HHHB", buffer)
        if protocol != 0 or not 2 <= length <= _MAX_LENGTH:
            raise BadReply(f"no Modbus TCP header: protocol {protocol}, length {length}")
        if len(buffer) < 6 + length:
            break
        found.append((transaction, unit, bytes(buffer[7 : 6 + length])))
        del buffer[: 6 + length]
    return found


def frame(transaction: int, unit: int, pdu: bytes) -> bytes:
    """Return `pdu` behind its Modbus TCP header."""
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu


def parse_request(pdu: bytes) -> Request:
    """Return the request that `pdu` holds, for functions 1-6, 15 and 16.

    Raises:
        DeviceFault: code 1 for another function, 3 for a malformed request.
    """
    if not pdu or pdu[0] not in (1, 2, 3, 4, 5, 6, 15, 16):
        raise DeviceFault(f"function {pdu[:1].hex()} is not served", 1)
    function = pdu[0]
    try:
        address, number = struct.unpack_from(">HH", pdu, 1)
        request = _with_values(function, address, number, pdu)
    except (struct.error, ValueError) as error:
        raise DeviceFault(f"malformed request {pdu.hex()}", 3) from error
    limit = _LIMITS[function]
    if not 1 <= request.count <= limit:
        raise DeviceFault(f"{request.count} values asked, 1 to {limit} allowed", 3)
    return request


def _with_values(function: int, address: int, number: int, pdu: bytes) -> Request:
    if function <= 4:
        _expect(len(pdu) == 5)
        return Request(function, address, number)
    if function == 5:
        _expect(len(pdu) == 5 and number in (0x0000, 0xFF00))
        return Request(function, address, 1, (int(number == 0xFF00),))
    if function == 6:
        _expect(len(pdu) == 5)
        return Request(function, address, 1, (number,))
    size = (number + 7) // 8 if function == 15 else 2 * number
    _expect(len(pdu) == 6 + size and pdu[5] == size)
    data = pdu[6:]
    values = bits_of(data, number) if function == 15 else struct.unpack(f">{number}H", data)
    return Request(function, address, number, tuple(values))


def _expect(condition: bool) -> None:
    if not condition:
        raise ValueError


def request_pdu(request: Request) -> bytes:
    """Return the PDU of `request`."""
    head = struct.pack(">BH", request.function, request.address)
    if request.function <= 4:
        return head + struct.pack(">H", request.count)
    if request.function == 5:
        return head + (b"\xff\x00" if request.values[0] else b"\x00\x00")
    if request.function == 6:
        return head + struct.pack(">H", request.values[0])
    data = pack_bits(request.values) if request.function == 15 else struct.pack(f">{request.count}H", *request.values)
    return head + struct.pack(">HB", request.count, len(data)) + data


def values_reply(request: Request, values: Sequence[int]) -> bytes:
    """Return the PDU that answers the read `request` with `values` (bits or registers)."""
    data = pack_bits(values) if request.function in _READ_BITS else struct.pack(f">{len(values)}H", *values)
    return bytes((request.function, len(data))) + data


def write_reply(request: Request) -> bytes:
    """Return the echo that answers the write `request`."""
    return request_pdu(request)[:5]


def exception_reply(function: int, code: int) -> bytes:
    """Return the PDU that refuses `function` with exception `code`."""
    return bytes((function | 0x80, code))


def exception_text(code: int) -> str:
    """Return what the exception `code` means (Modbus application protocol V1.1b3, section 7)."""
    return _EXCEPTIONS.get(code, "not a standard code")


def parse_reply(request: Request, pdu: bytes) -> tuple[int, ...]:
    """Return the values of the reply to a read (empty for a write), its function, count and echo checked.

    Raises:
        DeviceFault: the device answered with an exception.
        BadReply: the reply does not belong to `request`.
    """
    if pdu[:1] == bytes((request.function | 0x80,)) and len(pdu) == 2:
        raise DeviceFault(f"exception {pdu[1]}", pdu[1])
    if pdu[:1] != bytes((request.function,)):
        raise BadReply(f"function {request.function} was asked, {pdu[:1].hex()} answered")
    if request.function > 4:
        if pdu != write_reply(request):
            raise BadReply(f"the echo {pdu.hex()} is not of what was written")
        return ()
    size = (request.count + 7) // 8 if request.function in _READ_BITS else 2 * request.count
    if len(pdu) != 2 + size or pdu[1] != size:
        raise BadReply(f"{request.count} values were asked, {len(pdu) - 2} bytes answered")
    if request.function in _READ_BITS:
        return bits_of(pdu[2:], request.count)
    return struct.unpack(f">{request.count}H", pdu[2:])


def pack_bits(bits: Sequence[int]) -> bytes:
    """Return bits in bytes, the first bit lowest."""
    packed = bytearray((len(bits) + 7) // 8)
    for index, bit in enumerate(bits):
        if bit:
            packed[index // 8] |= 1 << index % 8
    return bytes(packed)


def bits_of(data: bytes, count: int) -> tuple[int, ...]:
    """Return the first `count` bits of `data`, the lowest first."""
    return tuple(data[index // 8] >> index % 8 & 1 for index in range(count))


def value_of(kind: str, registers: Sequence[int]) -> RawValue:
    """Return what `registers` hold as `kind`, the high word first; a block as a tuple."""
    if kind == "block":
        return tuple(registers)
    if kind == "bool":
        return bool(registers[0])
    if kind == "u16":
        return registers[0]
    (value,) = struct.unpack(_FORMATS[kind], struct.pack(f">{len(registers)}H", *registers))
    return float(value) if kind == "f32" else int(value)


def registers_of(kind: str, value: RawValue) -> tuple[int, ...]:
    """Return the registers (or bit) that hold `value` as `kind`, the high word first.

    Raises:
        ValueError: the value does not fit the kind.
    """
    if kind == "block":
        registers = tuple(value) if isinstance(value, tuple) else ()
        if not registers or not all(0 <= register <= 0xFFFF for register in registers):
            raise ValueError(f"a block takes a tuple of values from 0 to 65535, not {value!r}")
        return registers
    if isinstance(value, (str, tuple)):
        raise ValueError(f"{kind} takes a number, not {value!r}")  # noqa: TRY004  # one error for all that does not fit
    if kind == "bool":
        return (int(bool(value)),)
    if kind != "f32" and not float(value).is_integer():
        raise ValueError(f"{kind} takes a whole number, not {value!r}")
    try:
        packed = struct.pack(_FORMATS[kind], value if kind == "f32" else int(value))
    except (struct.error, OverflowError) as error:
        raise ValueError(f"{value!r} does not fit {kind}") from error
    return struct.unpack(f">{len(packed) // 2}H", packed)

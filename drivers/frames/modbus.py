"""Modbus requests and replies without I/O, and their Modbus TCP frames: what the simulator's server speaks.

After the Modbus application protocol V1.1b3 and the TCP implementation guide V1.0b. Served are functions 1-6, 8, 15,
16, 22, 23 and 43/14; `drivers.frames.modbus_rtu` frames the same PDUs for serial lines.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from drivers.errors import BadReply, DeviceFault
from drivers.frames.modbus_identity import parse_identification

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
    "request_pdu",
    "split_frames",
    "values_reply",
    "write_reply",
]

MAX_REGISTERS = 125
MAX_BITS = 2000
_MAX_LENGTH = 254  # unit id and PDU
_READ_BITS = (1, 2)
_READ_REGISTERS = (3, 4)
_LIMITS = {
    **dict.fromkeys((1, 2), MAX_BITS),
    **dict.fromkeys((3, 4, 23), MAX_REGISTERS),
    **dict.fromkeys((5, 6, 22), 1),
    8: 125,
    15: 1968,
    16: 123,
    43: 4,
}
_MAX_READ_WRITTEN = 121  # registers that function 23 writes
_MEI_IDENTIFICATION = 14
_WORDS_ONLY = (6, 8, 22)  # after the address nothing but words, and the echo is the whole request
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
    """One request: what function, from where, how many, and the values of a write (bits as 0 and 1).

    Function 8: `address` is the sub-function, `values` are the words of data. 22: `values` are the AND and the OR mask.
    23: `values` go to `write_address` on, before `count` registers are read. 43: `address` is the first object asked,
    `count` the level (1 basic, 2 regular, 3 extended, 4 that object alone).
    """

    function: int
    address: int
    count: int
    values: tuple[int, ...] = ()
    write_address: int = 0


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
    """Return the request that `pdu` holds.

    Raises:
        DeviceFault: code 1 for another function, 3 for a malformed request or a count beyond the specification.
    """
    if not pdu or pdu[0] not in _LIMITS or (pdu[0] == 43 and pdu[1:2] not in (b"", b"\x0e")):
        raise DeviceFault(f"function {pdu[:2].hex()} is not served", 1)
    function = pdu[0]
    try:
        request = _special(function, pdu)
    except (struct.error, ValueError) as error:
        raise DeviceFault(f"malformed request {pdu.hex()}", 3) from error
    limit = _LIMITS[function]
    if not 1 <= request.count <= limit:
        raise DeviceFault(f"{request.count} values asked, 1 to {limit} allowed", 3)
    return request


def _special(function: int, pdu: bytes) -> Request:
    """Return the request of a function that has a layout of its own, else what `_with_values` makes of it."""
    if function == 43:
        _, _, level, first = struct.unpack(">BBBB", pdu)
        return Request(43, first, level)
    address, number = struct.unpack_from(">HH", pdu, 1)
    if function == 8:
        _expect(len(pdu) % 2 == 1)
        words = struct.unpack(f">{(len(pdu) - 3) // 2}H", pdu[3:])
        return Request(8, address, len(words), words)
    if function == 22:
        return Request(22, address, 1, struct.unpack(">HH", pdu[3:]))
    if function == 23:
        write_address, written, size = struct.unpack_from(">HHB", pdu, 5)
        _expect(1 <= written <= _MAX_READ_WRITTEN and size == 2 * written and len(pdu) == 10 + size)
        return Request(23, address, number, struct.unpack(f">{written}H", pdu[10:]), write_address)
    return _with_values(function, address, number, pdu)


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
    if request.function == 43:
        return bytes((43, _MEI_IDENTIFICATION, request.count, request.address))
    return struct.pack(">BH", request.function, request.address) + _behind_address(request)


def _behind_address(request: Request) -> bytes:
    if request.function <= 4:
        return struct.pack(">H", request.count)
    if request.function == 5:
        return b"\xff\x00" if request.values[0] else b"\x00\x00"
    data = pack_bits(request.values) if request.function == 15 else _words(request.values)
    if request.function in _WORDS_ONLY:
        return data
    counted = struct.pack(">HB", len(request.values), len(data)) + data
    if request.function == 23:
        return struct.pack(">HH", request.count, request.write_address) + counted
    return counted


def _words(values: Sequence[int]) -> bytes:
    return struct.pack(f">{len(values)}H", *values)


def values_reply(request: Request, values: Sequence[int]) -> bytes:
    """Return the PDU that answers the read `request` with `values` (bits or registers)."""
    data = pack_bits(values) if request.function in _READ_BITS else _words(values)
    return bytes((request.function, len(data))) + data


def write_reply(request: Request) -> bytes:
    """Return the echo that answers the write (or loopback) `request`."""
    pdu = request_pdu(request)
    return pdu if request.function in _WORDS_ONLY else pdu[:5]


def exception_reply(function: int, code: int) -> bytes:
    """Return the PDU that refuses `function` with exception `code`."""
    return bytes((function | 0x80, code))


def exception_text(code: int) -> str:
    """Return what the exception `code` means (Modbus application protocol V1.1b3, section 7)."""
    return _EXCEPTIONS.get(code, "not a standard code")


def parse_reply(request: Request, pdu: bytes) -> tuple[int, ...]:
    """Return the values of the reply to a read (empty for a write), its function, count and echo checked.

    The objects of an identification (43) are what `drivers.frames.modbus_identity.parse_identification` returns.

    Raises:
        DeviceFault: the device answered with an exception.
        BadReply: the reply does not belong to `request`.
    """
    if pdu[:1] == bytes((request.function | 0x80,)) and len(pdu) == 2:
        raise DeviceFault(f"exception {pdu[1]}", pdu[1])
    if pdu[:1] != bytes((request.function,)):
        raise BadReply(f"function {request.function} was asked, {pdu[:1].hex()} answered")
    if request.function == 43:
        if parse_identification(pdu).level != request.count:
            raise BadReply(f"identification level {request.count} was asked, {pdu.hex()} answered")
        return ()
    if request.function > 4 and request.function != 23:
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

"""Modbus frames on a stream, without I/O: bytes in, verdicts out, for TCP (MBAP header) and RTU (CRC).

After the Modbus application protocol V1.1b3, the TCP implementation guide V1.0b (MBAP header) and Modbus over serial
line V1.02 (RTU frame, CRC-16). The length of a reply is computed from the request, so that an RTU frame ends where its
bytes end and not where a pause is guessed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from enum import StrEnum

__all__ = ["LONGEST_RTU", "Found", "MbapFramer", "RtuFramer", "Verdict", "crc16", "reply_size"]

LONGEST_RTU = 256  # bytes of the longest RTU frame (Modbus over serial line V1.02, 2.5.1.2)
_LONGEST_MBAP = 254  # unit id and PDU
_HEADER = struct.Struct(">HHHB")
_COUNTED = frozenset((1, 2, 3, 4, 23))  # their replies say how many bytes follow
_FIXED = {5: 8, 6: 8, 8: 8, 15: 8, 16: 8, 22: 10}  # frame lengths of replies without a byte count
_IDENTIFY = 43


class Verdict(StrEnum):
    """What the framer thinks of the bytes that it cut off."""

    REPLY = "reply"  # whole, undamaged, and of the unit and request that are waited for
    TWO = "two"  # two different ones at once: one of them is old, and nobody can say which
    LATE = "late"  # an answer to an earlier request
    FOREIGN = "foreign"  # whole and undamaged, but nothing that was asked for
    CRC = "crc"  # the length is right, the checksum is not
    GARBAGE = "garbage"  # no frame at all


@dataclass(frozen=True, slots=True)
class Found:
    """Bytes cut off a stream; `pdu` is function and data where they form a frame, `skipped` the noise before it."""

    verdict: Verdict
    data: bytes
    unit: int = -1
    pdu: bytes = b""
    skipped: int = 0


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


_CRC = _crc_table()


def crc16(data: bytes | bytearray | memoryview) -> int:
    """Return the CRC-16 of `data` (polynomial 0xA001 reflected, start 0xFFFF; Modbus over serial line V1.02, 6.2)."""
    crc = 0xFFFF
    table = _CRC
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc


def reply_size(asked: bytes) -> int | None:
    """Return how many bytes the PDU of the right reply to the request PDU `asked` has; None when only it can tell."""
    function = asked[0]
    if function in (1, 2):
        return 2 + (int.from_bytes(asked[3:5], "big") + 7) // 8
    if function in (3, 4, 23):
        return 2 + 2 * int.from_bytes(asked[3:5], "big")
    if function == 8:
        return len(asked)
    if function in _FIXED:
        return _FIXED[function] - 3
    return None


class MbapFramer:
    """Cuts Modbus TCP frames; a transaction number tells which reply belongs to which request.

    A header that cannot be one makes the stream unusable: everything from there on is GARBAGE, and the connection must
    be made anew.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._transaction = 0
        self._waiting = False
        self._broken = False

    def __repr__(self) -> str:
        """Return the transaction and how much waits for its rest."""
        return f"<MbapFramer transaction {self._transaction}, {len(self._buffer)} bytes>"

    def frame(self, unit: int, asked: bytes) -> bytes:
        """Return the request PDU `asked` as a frame with a transaction number of its own, and wait for its reply."""
        self._transaction = self._transaction + 1 & 0xFFFF
        self._waiting = True
        return _HEADER.pack(self._transaction, 0, len(asked) + 1, unit) + asked

    def give_up(self) -> bytes:
        """Wait for nothing any more; return the unfinished bytes, which stay (their rest will come)."""
        self._waiting = False
        return bytes(self._buffer)

    def reset(self) -> None:
        """Begin a new connection."""
        self._buffer.clear()
        self._waiting = self._broken = False

    def feed(self, data: bytes) -> list[Found]:
        """Return what `data` completes, in order; the unit and the reply's contents are not judged here."""
        buffer = self._buffer
        buffer += data
        found: list[Found] = []
        while len(buffer) >= 7 and not self._broken:
            transaction, protocol, length, unit = _HEADER.unpack_from(buffer)
            if protocol != 0 or not 3 <= length <= _LONGEST_MBAP:
                self._broken = True
                break
            end = 6 + length
            if len(buffer) < end:
                return found
            raw = bytes(buffer[:end])
            del buffer[:end]
            found.append(Found(self._judge(transaction), raw, unit, raw[7:]))
        if self._broken and buffer:
            found.append(Found(Verdict.GARBAGE, bytes(buffer)))
            buffer.clear()
        return found

    def _judge(self, transaction: int) -> Verdict:
        if transaction == self._transaction and self._waiting:
            self._waiting = False
            return Verdict.REPLY
        behind = self._transaction - transaction & 0xFFFF
        return Verdict.LATE if behind < 0x8000 else Verdict.FOREIGN


class RtuFramer:
    """Finds the one reply that is waited for among the bytes of an RTU line.

    Noise before the reply is skipped, bytes after it are reported. Offsets are judged from left to right, each only
    when enough bytes are there, so the way the bytes are cut into chunks changes nothing. A frame that begins as the
    reply must (unit, function, byte count) and fails its CRC ends the search: what follows cannot be trusted either.
    No offset is judged twice, so a byte costs at most the checksum of one frame, whatever the noise.
    RTU has no transaction number: a late reply of the right shape looks right. `drivers.modbus.guard` is for that.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._unit = -1
        self._function = 0
        self._size: int | None = None
        self._waiting = False
        self._start = 0  # no frame begins before it: what was looked at once is not looked at again
        self._is_foreign: bool | None = None  # whether a frame of another begins the buffer; None while unknown

    def __repr__(self) -> str:
        """Return what is waited for, and how much is there."""
        state = "waiting for" if self._waiting else "done with"
        return f"<RtuFramer {state} function {self._function} of unit {self._unit}, {len(self._buffer)} bytes>"

    def frame(self, unit: int, asked: bytes) -> bytes:
        """Return the request PDU `asked` as a frame with its CRC, and wait for its reply; older bytes are forgotten."""
        self._clear()
        self._unit, self._function = unit, asked[0]
        size = reply_size(asked)
        self._size = None if size is None else size + 3
        self._waiting = True
        body = bytes((unit,)) + asked
        return body + crc16(body).to_bytes(2, "little")

    def give_up(self) -> bytes:
        """Wait for nothing any more; return and forget the bytes that made no frame."""
        rest = bytes(self._buffer)
        self._clear()
        self._waiting = False
        return rest

    def reset(self) -> None:
        """Begin on a line that was just opened."""
        self.give_up()

    def feed(self, data: bytes) -> list[Found]:
        """Return what `data` completes: the reply and what follows it, or what is wrong with it.

        When nothing is waited for, each chunk is reported as it comes: as LATE when it completes a frame of the shape
        that was waited for last, as FOREIGN when it completes another, else as GARBAGE. The buffer is bounded.
        """
        self._buffer += data
        if not self._waiting:
            return [self._stray(bytes(data))]
        found = self._search()
        if found is None:
            if len(self._buffer) <= 2 * LONGEST_RTU:
                return []
            found = Found(Verdict.GARBAGE, self.give_up())
        self._waiting = False
        rest = bytes(self._buffer)
        if not rest:
            return [found]
        stray = self._stray(rest)
        if found.verdict is Verdict.REPLY and stray.verdict is Verdict.LATE and stray.pdu != found.pdu:
            found = replace(found, verdict=Verdict.TWO)
        return [found, stray]

    def _clear(self) -> None:
        self._buffer.clear()
        self._start, self._is_foreign = 0, None

    def _search(self) -> Found | None:
        """Take the first frame off the buffer, with the noise before it; None while none is whole."""
        buffer = self._buffer
        foreign = self._foreign_at_start()
        if foreign is not None:
            return foreign
        for start in range(self._start, len(buffer) - 1):
            if buffer[start] != self._unit or buffer[start + 1] & 0x7F != self._function:
                continue
            size = self._size_at(start)
            if size == 0:
                continue
            end = start + size
            if end > len(buffer):
                self._start = start
                return None
            if not crc16(memoryview(buffer)[start:end]):
                return self._cut(Verdict.REPLY, start, end)
            if size == self._size:
                return self._cut(Verdict.CRC, start, end)
        self._start = max(len(buffer) - 1, 0)
        return None

    def _size_at(self, start: int) -> int:
        """Return how long the frame is that begins at `start` as our reply does: 0 for none, beyond for unknown yet."""
        buffer, beyond = self._buffer, LONGEST_RTU + len(self._buffer)
        if buffer[start + 1] & 0x80:
            return 5
        if self._function == _IDENTIFY:
            return _identification_size(memoryview(buffer)[start:]) or beyond
        size = self._size
        if size is None:
            return 0
        if self._function not in _COUNTED:
            return size
        if len(buffer) < start + 3:
            return beyond
        told = buffer[start + 2] + 5
        return told if told <= size else 0

    def _foreign_at_start(self) -> Found | None:
        buffer = self._buffer
        if self._is_foreign is False or len(buffer) < 5:
            return None
        is_ours = buffer[0] == self._unit and buffer[1] & 0x7F == self._function
        size = 0 if is_ours else _own_size(buffer)
        if size > len(buffer) or (not size and not is_ours and buffer[1] == _IDENTIFY):
            return None  # not known before the rest is there
        self._is_foreign = size > 0 and not crc16(memoryview(buffer)[:size])
        return self._cut(Verdict.FOREIGN, 0, size) if self._is_foreign else None

    def _cut(self, verdict: Verdict, start: int, end: int) -> Found:
        raw = bytes(self._buffer[start:end])
        del self._buffer[:end]
        self._start, self._is_foreign = 0, None
        return Found(verdict, raw, raw[0], raw[1:-2], start)

    def _stray(self, data: bytes) -> Found:
        """Return what the chunk `data` is, which nobody waits for; it may complete a frame begun earlier."""
        found = self._search()
        if found is None:
            if len(self._buffer) > 2 * LONGEST_RTU:
                self._clear()
            return Found(Verdict.GARBAGE, data)
        if found.verdict is Verdict.CRC:
            return Found(Verdict.GARBAGE, data)
        verdict = Verdict.LATE if found.verdict is Verdict.REPLY else Verdict.FOREIGN
        return Found(verdict, data, found.unit, found.pdu)


def _own_size(frame: bytearray) -> int:
    """Return how long the reply that begins `frame` says it is; 0 when it cannot be one."""
    function = frame[1]
    if function & 0x80:
        return 5
    if function in _COUNTED:
        return frame[2] + 5
    if function == _IDENTIFY:
        return _identification_size(memoryview(frame))
    return _FIXED.get(function, 0)


def _identification_size(frame: memoryview) -> int:
    """Return how long the identification (43/14) is that begins `frame`; 0 while its objects are not all there."""
    if len(frame) < 8:
        return 0
    end = 8
    for _ in range(frame[7]):
        if len(frame) < end + 2:
            return 0
        end += 2 + frame[end + 1]
    return end + 2

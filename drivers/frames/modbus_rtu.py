"""Modbus RTU frames without I/O, as a server hears them: CRC-16, and requests cut out of a stream of bytes.

After "Modbus over serial line" V1.02, section 2.5.1. On a wire silence ends a frame; ptys, USB adapters and gateways
do not keep silences, so the function tells the length here, and silence only clears what no frame came of.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["RtuRequests", "crc16", "rtu_frame", "silence_s", "unframed"]

MAX_FRAME = 256
_MIN_FRAME = 4  # unit, function, CRC
_LOOPBACK = 8  # unit, function, sub-function, one word, CRC
_FIXED = (
    dict.fromkeys(range(1, 7), 5) | dict.fromkeys((7, 11, 12, 17), 1) | {22: 7, 24: 3, 43: 4}
)  # function: bytes of PDU
_COUNTED = {15: 5, 16: 5, 20: 1, 21: 1, 23: 9}  # function: where in its PDU the count of the bytes after it stands


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
        table.append(value)
    return tuple(table)


_CRC = _crc_table()


def crc16(data: bytes) -> int:
    """Return the CRC-16 of `data` (polynomial 0xA001 reflected, preset 0xFFFF); the low byte is sent first."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 0xFF]
    return crc


def rtu_frame(unit: int, pdu: bytes) -> bytes:
    """Return `pdu` between its unit and its CRC."""
    body = bytes((unit,)) + pdu
    return body + crc16(body).to_bytes(2, "little")


def unframed(frame: bytes) -> tuple[int, bytes] | None:
    """Return unit and PDU of a whole frame, or None when it is too short, too long or its CRC is wrong."""
    if not _MIN_FRAME <= len(frame) <= MAX_FRAME or crc16(frame):  # over its own CRC a frame gives 0
        return None
    return frame[0], bytes(frame[1:-2])


def silence_s(character_s: float) -> float:
    """Return the silence that ends a frame, s: 3.5 characters, 1.75 ms at least (section 2.5.1.1)."""
    return max(3.5 * character_s, 0.00175)


@dataclass(slots=True)
class RtuRequests:
    """Cuts requests out of what a server hears; bytes that belong to none are dropped and counted in `noise`."""

    noise: int = 0
    _heard: bytearray = field(default_factory=bytearray)

    @property
    def pending(self) -> int:
        """Bytes that wait for more, or for the silence that ends them."""
        return len(self._heard)

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Return the requests that `data` completes: (unit, PDU) each."""
        self._heard += data
        found = []
        while (end := self._frame_end()) is not None:
            request = unframed(bytes(self._heard[:end]))
            if request is None:
                self._drop(1)  # noise before a request, or a request that noise has hit
            else:
                found.append(request)
                del self._heard[:end]
        if len(self._heard) > MAX_FRAME:
            self._drop(len(self._heard) - MAX_FRAME)
        return found

    def silence(self) -> list[tuple[int, bytes]]:
        """Return what the bytes that wait hold now that the wire is silent, and forget them.

        A function whose length is not known is one frame from silence to silence; a frame may also begin later than
        noise made it seem.
        """
        request = unframed(bytes(self._heard))
        if request is not None:
            self._heard.clear()
            return [request]
        found: list[tuple[int, bytes]] = []
        while self._heard:
            self._drop(1)
            found += self.feed(b"")
        return found

    def _frame_end(self) -> int | None:
        """Return where the frame at the front would end, or None while that is not known."""
        heard = self._heard
        if len(heard) < _MIN_FRAME:
            return None
        function = heard[1]
        if function == 8:  # any number of words, and nothing that tells it
            return _whole(heard)
        size = _FIXED.get(function)
        if size is None:
            at = _COUNTED.get(function)
            if at is None or len(heard) <= 1 + at:
                return None
            size = at + 1 + heard[1 + at]
        return size + 3 if size + 3 <= len(heard) else None

    def _drop(self, count: int) -> None:
        self.noise += count
        del self._heard[:count]


def _whole(heard: bytearray) -> int | None:
    """Return the shortest length from 8 bytes on at which `heard` ends in its own CRC."""
    crc = 0xFFFF
    for length, byte in enumerate(heard[:MAX_FRAME], start=1):
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 0xFF]
        if crc == 0 and length >= _LOOPBACK:
            return length
    return None

"""Modbus device identification (function 43, MEI type 14) without I/O.

After the Modbus application protocol V1.1b3, section 6.21: objects 0 to 2 are basic, 3 to 6 (to 0x7F reserved) regular,
from 0x80 the device's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drivers.errors import BadReply, DeviceFault

__all__ = [
    "BASIC",
    "EXTENDED",
    "INDIVIDUAL",
    "MODEL_NAME",
    "OBJECT_NAMES",
    "PRODUCT_CODE",
    "PRODUCT_NAME",
    "REGULAR",
    "REVISION",
    "VENDOR",
    "Identification",
    "identification_reply",
    "parse_identification",
]

BASIC, REGULAR, EXTENDED, INDIVIDUAL = 1, 2, 3, 4
VENDOR, PRODUCT_CODE, REVISION, VENDOR_URL, PRODUCT_NAME, MODEL_NAME, APPLICATION = range(7)
OBJECT_NAMES = {
    VENDOR: "vendor",
    PRODUCT_CODE: "product code",
    REVISION: "revision",
    VENDOR_URL: "vendor URL",
    PRODUCT_NAME: "product name",
    MODEL_NAME: "model name",
    APPLICATION: "application",
}
_LAST = {BASIC: 0x02, REGULAR: 0x7F, EXTENDED: 0xFF}
_BY_INDIVIDUAL = 0x80  # bit of the conformity: objects can be asked one by one
_ROOM = 253 - 7  # bytes of a PDU behind the head
_ILLEGAL_ADDRESS = 2


@dataclass(frozen=True, slots=True)
class Identification:
    """One reply: level asked, conformity of the device, its objects by id, and where to go on (None at the end)."""

    level: int
    conformity: int
    objects: Mapping[int, bytes]
    next_object: int | None = None


def identification_reply(level: int, first: int, objects: Mapping[int, bytes]) -> bytes:
    """Return the PDU that tells `objects` (ids to texts of at most 244 bytes) at `level` from object `first` on.

    What finds no room in one PDU follows when it is asked from the next object on; a stream asked from an object that
    does not exist starts over.

    Raises:
        DeviceFault: code 2, there is no such object to be told alone.
        ValueError: a text is too long for any reply.
    """
    if any(len(text) + 2 > _ROOM for text in objects.values()):
        raise ValueError(f"an object takes at most {_ROOM - 2} bytes")
    if level == INDIVIDUAL:
        if first not in objects:
            raise DeviceFault(f"no object {first}", _ILLEGAL_ADDRESS)
        wanted = [first]
    else:
        known = [key for key in sorted(objects) if key <= _LAST[level]]
        wanted = known[known.index(first) :] if first in known else known
    told, following = b"", None
    count = 0
    for key in wanted:
        if len(told) + 2 + len(objects[key]) > _ROOM:
            following = key
            break
        told += bytes((key, len(objects[key]))) + objects[key]
        count += 1
    more = (0xFF, following) if following is not None else (0, 0)
    return bytes((43, 14, level, _conformity(objects), *more, count)) + told


def _conformity(objects: Mapping[int, bytes]) -> int:
    highest = max(objects, default=0)
    return _BY_INDIVIDUAL | (BASIC if highest <= _LAST[BASIC] else REGULAR if highest <= _LAST[REGULAR] else EXTENDED)


def parse_identification(pdu: bytes) -> Identification:
    """Return what a reply of function 43/14 says.

    Raises:
        BadReply: it is no such reply, or its lengths contradict each other.
    """
    if len(pdu) < 7 or pdu[:2] != b"\x2b\x0e":
        raise BadReply(f"no identification: {pdu[:16].hex()}")
    level, conformity, more, following, count = pdu[2:7]
    objects: dict[int, bytes] = {}
    at = 7
    for _ in range(count):
        if at + 2 > len(pdu) or at + 2 + pdu[at + 1] > len(pdu):
            raise BadReply(f"an identification of {count} objects ends in its object {len(objects) + 1}")
        objects[pdu[at]] = pdu[at + 2 : at + 2 + pdu[at + 1]]
        at += 2 + pdu[at + 1]
    if at != len(pdu) or len(objects) != count or more not in (0, 0xFF):
        raise BadReply(f"an identification that contradicts itself: {pdu[:16].hex()}")
    return Identification(level, conformity, objects, following if more else None)

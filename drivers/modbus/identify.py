"""Who a Modbus unit is (function 43/14), and whether it hears (function 8): what a search asks for, all read-only."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from pymodbus.pdu.diag_message import ReturnQueryDataRequest
from pymodbus.pdu.mei_message import ReadDeviceInformationRequest, ReadDeviceInformationResponse

from drivers.errors import BadReply, DeviceFault
from drivers.modbus.retries import asked

if TYPE_CHECKING:
    from drivers.modbus.wire import ModbusWire

__all__ = ["identified", "looped_back"]

_BASIC, _REGULAR = 1, 2
_MORE = 0xFF
_MOST_REQUESTS = 16  # a unit that never ends is cut off
# names of the objects, Modbus application protocol V1.1b3, 6.21
_OBJECTS = {
    0: "vendor",
    1: "product_code",
    2: "revision",
    3: "vendor_url",
    4: "product_name",
    5: "model_name",
    6: "user_application",
}


async def identified(wire: ModbusWire, unit: int, *, deadline: float) -> Mapping[str, str]:
    """Return what `unit` says of itself: vendor, product_code, revision, and the regular objects when it has them.

    Bytes that are no printable ASCII stand as question marks. What a unit leaves out is not in the mapping.

    Raises:
        DeviceFault: the unit does not identify itself (exception 1, most often).
        LinkDown, ReplyTimeout, BadReply: as for any request.
    """
    found = await _objects(wire, unit, _BASIC, deadline)
    with suppress(DeviceFault):  # basic identification is all that the protocol demands
        found |= await _objects(wire, unit, _REGULAR, deadline)
    return {_OBJECTS.get(number, f"object_{number}"): _text(data) for number, data in sorted(found.items())}


async def _objects(wire: ModbusWire, unit: int, level: int, deadline: float) -> dict[int, bytes]:
    """Return the objects of one level; a unit that has more than fits one reply is asked on."""
    found: dict[int, bytes] = {}
    start = 0
    for _ in range(_MOST_REQUESTS):
        request = ReadDeviceInformationRequest(read_code=level, object_id=start, dev_id=unit)
        reply = await asked(wire, request, deadline=deadline)
        if not isinstance(reply, ReadDeviceInformationResponse):
            raise BadReply(f"unit {unit}: no identification in the reply")
        for number, data in reply.information.items():
            found[number] = b"".join(data) if isinstance(data, list) else data
        if reply.more_follows != _MORE or reply.next_object_id <= start:
            break
        start = reply.next_object_id
    return found


async def looped_back(wire: ModbusWire, unit: int, data: bytes, *, deadline: float) -> bool:
    """Return whether `unit` sends `data` (two bytes) back as it was.

    Raises:
        DeviceFault: the unit has no loopback.
        LinkDown, ReplyTimeout, BadReply: as for any request; a reply with other data is a BadReply too.
    """
    request = ReturnQueryDataRequest(message=data, dev_id=unit)
    reply = await asked(wire, request, deadline=deadline)
    return getattr(reply, "message", None) == data


def _text(data: bytes) -> str:
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "?" for byte in data.rstrip(b"\0")).strip()

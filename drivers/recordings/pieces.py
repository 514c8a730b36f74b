"""Answers of a recorded Modbus device to requests that its recording does not hold as they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from drivers.errors import BadReply, DeviceFault
from drivers.frames.modbus import Request as ModbusRequest
from drivers.frames.modbus import exception_reply, parse_reply, parse_request, values_reply
from drivers.recordings.dialects import Answered, Dialect, Request

__all__ = ["Guess", "guess"]

_READS = frozenset({1, 2, 3, 4})
_ILLEGAL_ADDRESS, _ILLEGAL_VALUE = 2, 3
_NO_SUCH_UNIT = 11  # what a gateway says of a unit that does not answer


@dataclass(frozen=True, slots=True)
class Guess:
    """A PDU for a request that was not recorded (none: silence), and why it is this one, in words."""

    pdu: bytes
    why: str


def guess(asked: Request, newest: Iterable[Answered], dialect: Dialect, *, gateway: bool) -> Guess:
    """Return what answers `asked`: registers that other replies hold are put together, all else is refused.

    `newest` are what each recorded request would be answered with now. A unit that the recording does not hold is
    silent, or refused as by a `gateway`.
    """
    known = [each for each in newest if each.request.unit == asked.unit and each.request.pdu]
    if not known:
        pdu = exception_reply(asked.pdu[0], _NO_SUCH_UNIT) if gateway and asked.pdu else b""
        return Guess(pdu, f"the recording holds nothing of unit {asked.unit}")
    try:
        request = parse_request(asked.pdu)
    except DeviceFault as fault:
        return Guess(exception_reply(asked.pdu[0] if asked.pdu else 0, fault.code), str(fault))
    if request.function not in _READS:
        same = any(each.request.pdu[:3] == asked.pdu[:3] for each in known)
        code, what = (_ILLEGAL_VALUE, "other values") if same else (_ILLEGAL_ADDRESS, "no such request")
        return Guess(exception_reply(request.function, code), f"the recording holds {what}: refused")
    held = dict(_held(request.function, known, dialect))
    wanted = range(request.address, request.address + request.count)
    if not held.keys() >= set(wanted):
        return Guess(exception_reply(request.function, _ILLEGAL_ADDRESS), "the recording does not hold these: refused")
    return Guess(values_reply(request, [held[at] for at in wanted]), "put together from other recorded replies")


def _held(function: int, known: Iterable[Answered], dialect: Dialect) -> Iterator[tuple[int, int]]:
    """Yield address and value of all that replies to reads of `function` hold."""
    for each in known:
        try:
            request: ModbusRequest = parse_request(each.request.pdu)
            pdu = dialect.pdu_of(b"".join(chunk.data for chunk in each.chunks))
            if request.function == function and pdu is not None:
                yield from enumerate(parse_reply(request, pdu), request.address)
        except (BadReply, DeviceFault):
            continue  # an exception, or what no driver takes

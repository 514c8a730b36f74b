"""How each kind of wire is cut into requests, which request a reply belongs to, and how it fits a request of today."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from drivers.errors import BadReply
from drivers.frames.modbus import frame as tcp_frame
from drivers.frames.modbus import split_frames
from drivers.frames.modbus_rtu import rtu_frame, unframed
from drivers.recordings.exchange import GAP
from drivers.wire_tap import Direction, Frame

__all__ = ["DIALECTS", "Answered", "Chunk", "Cut", "Dialect", "Request", "cut"]

_LOOPBACK = b"\x08\x00\x00"  # function 8, sub-function 0: its data are a random number, and come back
_TOO_LATE = ("late", "dropped")  # how the note begins of bytes that the driver did not take
_LOOKED_BACK = 100  # requests of which a reply may still come


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it is looked up (`key`), with what a reply must take over from it; `data` is all of it."""

    key: bytes
    transaction: int = 0
    unit: int = 0
    pdu: bytes = b""
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes that came `delay_s` after their request; `late` when the driver had given up by then."""

    delay_s: float
    data: bytes
    late: bool = False
    number: int = 0  # of the frame in its recording


@dataclass(slots=True)
class Answered:
    """A request of a recording (frame `number`, at `asked_s`) and all that came after it; nothing, if not answered."""

    request: Request
    asked_s: float
    number: int = 0
    device: str = ""
    chunks: list[Chunk] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Cut:
    """A recording cut into requests with their replies; `greeting` came before any request."""

    greeting: tuple[Chunk, ...]
    answered: tuple[Answered, ...]


class Dialect(Protocol):
    """How one kind of wire is cut into requests, and a recorded reply fitted to a request of today."""

    def requests(self, sent: bytearray) -> list[Request]:
        """Take the whole requests off the front of `sent`."""

    def owners(self, received: bytes, replies: list[Answered]) -> list[tuple[Answered, bytes]]:
        """Return which of the recording's requests so far the bytes answer, each with its part of them."""

    def fitted(self, data: bytes, recorded: Request, asked: Request) -> bytes:
        """Return the recorded bytes as the answer to `asked`."""

    def framed(self, pdu: bytes, asked: Request) -> bytes:
        """Return a PDU of Modbus as the answer to `asked`; nothing on a wire of lines."""

    def pdu_of(self, data: bytes) -> bytes | None:
        """Return the PDU of Modbus in the reply `data`; None when it is no whole frame of it."""


class _Tcp:
    """Modbus TCP: replies find their request by the transaction number, also late and out of order."""

    def requests(self, sent: bytearray) -> list[Request]:
        return [
            Request(_modbus_key(unit, pdu), transaction, unit, pdu, tcp_frame(transaction, unit, pdu))
            for transaction, unit, pdu in split_frames(sent)
        ]

    def owners(self, received: bytes, replies: list[Answered]) -> list[tuple[Answered, bytes]]:
        rest, found = bytearray(received), []
        try:
            for transaction, unit, pdu in split_frames(rest):
                asked = next((each for each in reversed(replies) if each.request.transaction == transaction), None)
                found.append((asked or replies[-1], tcp_frame(transaction, unit, pdu)))
        except BadReply:
            return [(replies[-1], received)]  # no Modbus: as it came
        return [*found, (replies[-1], bytes(rest))] if rest else found

    def fitted(self, data: bytes, recorded: Request, asked: Request) -> bytes:
        if len(data) < 7 or int.from_bytes(data[:2], "big") != recorded.transaction:
            return data  # the device answered something else, and does so again
        pdu = _echoed(data[7:], recorded, asked)
        return tcp_frame(asked.transaction, data[6], pdu)

    def framed(self, pdu: bytes, asked: Request) -> bytes:
        return tcp_frame(asked.transaction, asked.unit, pdu)

    def pdu_of(self, data: bytes) -> bytes | None:
        try:
            found = split_frames(bytearray(data))
        except BadReply:
            return None
        return found[0][2] if found else None


class _Rtu:
    """Modbus RTU: what comes belongs to the last request; a driver sends each request in one piece."""

    def requests(self, sent: bytearray) -> list[Request]:
        data = bytes(sent)
        sent.clear()
        whole = unframed(data)
        if whole is None:
            return [Request(data, data=data)]
        unit, pdu = whole
        return [Request(_modbus_key(unit, pdu), 0, unit, pdu, data)]

    def owners(self, received: bytes, replies: list[Answered]) -> list[tuple[Answered, bytes]]:
        return [(replies[-1], received)]

    def fitted(self, data: bytes, recorded: Request, asked: Request) -> bytes:
        whole = unframed(data)
        if whole is None:
            return data
        return rtu_frame(whole[0], _echoed(whole[1], recorded, asked))

    def framed(self, pdu: bytes, asked: Request) -> bytes:
        return rtu_frame(asked.unit, pdu)

    def pdu_of(self, data: bytes) -> bytes | None:
        whole = unframed(data)
        return None if whole is None else whole[1]


class _Lines:
    """Lines of text: a request is a line, by whatever it ends."""

    def requests(self, sent: bytearray) -> list[Request]:
        found = []
        while (end := _line_end(sent)) is not None:
            line = bytes(sent[:end]).strip(b"\r\n")
            del sent[:end]
            if line:
                found.append(Request(line, data=line))
        return found

    def owners(self, received: bytes, replies: list[Answered]) -> list[tuple[Answered, bytes]]:
        return [(replies[-1], received)]

    def fitted(self, data: bytes, recorded: Request, asked: Request) -> bytes:  # noqa: ARG002  # nothing to fit
        return data

    def framed(self, pdu: bytes, asked: Request) -> bytes:  # noqa: ARG002  # there is no PDU
        return b""

    def pdu_of(self, data: bytes) -> bytes | None:  # noqa: ARG002  # the same
        return None


DIALECTS: Mapping[str, type[Dialect]] = {
    "modbus_tcp": _Tcp,
    "modbus_rtu": _Rtu,
    "ezo": _Lines,
    "sics": _Lines,
    "circulator": _Lines,
}


def cut(frames: Iterable[Frame], dialect: Dialect) -> Cut:
    """Return the requests of a recording in their order, each with what came after it.

    What came where frames are missing from the file belongs to nobody, and is left out.
    """
    greeting: list[Chunk] = []
    answered: list[Answered] = []
    missing = False  # the request of what comes is not in the file
    began_s: float | None = None
    for frame in frames:
        began_s = frame.t_s if began_s is None else began_s
        if frame.direction is Direction.SENT:
            missing = False
            answered += [Answered(each, frame.t_s, frame.number, frame.device) for each in _asked(frame.data, dialect)]
        elif frame.note == GAP:
            missing = True
        elif frame.direction is Direction.RECEIVED and not missing:
            late = frame.note.startswith(_TOO_LATE)
            if not answered:
                greeting.append(Chunk(frame.t_s - began_s, frame.data, late, frame.number))
                continue
            for owner, data in dialect.owners(frame.data, answered[-_LOOKED_BACK:]):
                owner.chunks.append(Chunk(frame.t_s - owner.asked_s, data, late, frame.number))
    return Cut(tuple(greeting), tuple(answered))


def _asked(data: bytes, dialect: Dialect) -> list[Request]:
    try:
        return dialect.requests(bytearray(data))
    except BadReply:
        return []  # nothing that a driver sends


def _modbus_key(unit: int, pdu: bytes) -> bytes:
    """Return what tells a request from others: unit and PDU, of a loopback without its random number."""
    return bytes((unit,)) + (_LOOPBACK if pdu.startswith(_LOOPBACK) else pdu)


def _echoed(pdu: bytes, recorded: Request, asked: Request) -> bytes:
    """Return the recorded reply; a loopback that came back whole comes back with the number of today."""
    return asked.pdu if pdu == recorded.pdu and pdu.startswith(_LOOPBACK) else pdu


def _line_end(data: bytearray) -> int | None:
    ends = [at for at in (data.find(b"\r"), data.find(b"\n")) if at >= 0]
    return min(ends) + 1 if ends else None

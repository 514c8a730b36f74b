"""Recorded exchanges played back: a stream that answers as the recording did, under the real drivers.

Every request that the recording holds is answered with what came after it then: Modbus requests are known by unit and
PDU (a TCP reply gets the transaction number of the request that is made now), lines by their text.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from drivers.errors import BadReply, LinkDown
from drivers.frames.modbus import frame as tcp_frame
from drivers.frames.modbus import split_frames
from drivers.frames.modbus_rtu import rtu_frame, unframed
from drivers.recordings.exchange import GAP, BadExchange, Exchange
from drivers.settings import SerialSettings
from drivers.streams import OnBytes, OnLost, Stream
from drivers.wire_tap import Direction, Frame

__all__ = ["AtEnd", "Replay", "ReplayStream"]

_LOOPBACK = b"\x08\x00\x00"  # function 8, sub-function 0: its data are a random number, and come back
_UNKNOWN_KEPT = 100
_TOO_LATE = ("late", "dropped")  # how the note begins of bytes that the driver did not take


class AtEnd(StrEnum):
    """What a request is answered with when all its recorded replies were given."""

    REPEAT = "repeat"  # the last one again
    SILENCE = "silence"


@dataclass(frozen=True, slots=True)
class _Request:
    """A request as it is looked up (`key`), with what a reply must take over from it."""

    key: bytes
    transaction: int = 0
    unit: int = 0
    pdu: bytes = b""


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Bytes that came `delay_s` after their request; `late` when the driver had given up by then."""

    delay_s: float
    data: bytes
    late: bool = False


@dataclass(slots=True)
class _Reply:
    """All that came after one request of the recording; nothing, when it was not answered."""

    request: _Request
    asked_s: float
    chunks: list[_Chunk] = field(default_factory=list)


class _Dialect(Protocol):
    """How one kind of wire is cut into requests, and a recorded reply fitted to a request of today."""

    def requests(self, sent: bytearray) -> list[_Request]:
        """Take the whole requests off the front of `sent`."""

    def owners(self, received: bytes, replies: list[_Reply]) -> list[tuple[_Reply, bytes]]:
        """Return which of the recording's requests so far the bytes answer, each with its part of them."""

    def fitted(self, data: bytes, recorded: _Request, asked: _Request) -> bytes:
        """Return the recorded bytes as the answer to `asked`."""


class _Tcp:
    """Modbus TCP: replies find their request by the transaction number, also late and out of order."""

    def requests(self, sent: bytearray) -> list[_Request]:
        return [
            _Request(_modbus_key(unit, pdu), transaction, unit, pdu) for transaction, unit, pdu in split_frames(sent)
        ]

    def owners(self, received: bytes, replies: list[_Reply]) -> list[tuple[_Reply, bytes]]:
        rest, found = bytearray(received), []
        try:
            for transaction, unit, pdu in split_frames(rest):
                asked = next((each for each in reversed(replies) if each.request.transaction == transaction), None)
                found.append((asked or replies[-1], tcp_frame(transaction, unit, pdu)))
        except BadReply:
            return [(replies[-1], received)]  # no Modbus: as it came
        return [*found, (replies[-1], bytes(rest))] if rest else found

    def fitted(self, data: bytes, recorded: _Request, asked: _Request) -> bytes:
        if len(data) < 7 or int.from_bytes(data[:2], "big") != recorded.transaction:
            return data  # the device answered something else, and does so again
        pdu = _echoed(data[7:], recorded, asked)
        return tcp_frame(asked.transaction, data[6], pdu)


class _Rtu:
    """Modbus RTU: what comes belongs to the last request; a driver sends each request in one piece."""

    def requests(self, sent: bytearray) -> list[_Request]:
        data = bytes(sent)
        sent.clear()
        whole = unframed(data)
        if whole is None:
            return [_Request(data)]
        unit, pdu = whole
        return [_Request(_modbus_key(unit, pdu), 0, unit, pdu)]

    def owners(self, received: bytes, replies: list[_Reply]) -> list[tuple[_Reply, bytes]]:
        return [(replies[-1], received)]

    def fitted(self, data: bytes, recorded: _Request, asked: _Request) -> bytes:
        whole = unframed(data)
        if whole is None:
            return data
        return rtu_frame(whole[0], _echoed(whole[1], recorded, asked))


class _Lines:
    """Lines of text: a request is a line, by whatever it ends."""

    def requests(self, sent: bytearray) -> list[_Request]:
        found = []
        while (end := _line_end(sent)) is not None:
            line = bytes(sent[:end]).strip(b"\r\n")
            del sent[:end]
            if line:
                found.append(_Request(line))
        return found

    def owners(self, received: bytes, replies: list[_Reply]) -> list[tuple[_Reply, bytes]]:
        return [(replies[-1], received)]

    def fitted(self, data: bytes, recorded: _Request, asked: _Request) -> bytes:  # noqa: ARG002  # nothing to fit
        return data


_DIALECTS: Mapping[str, type[_Dialect]] = {
    "modbus_tcp": _Tcp,
    "modbus_rtu": _Rtu,
    "ezo": _Lines,
    "sics": _Lines,
    "circulator": _Lines,
}


class Replay:
    """A recording as a device that can be opened again and again; it goes on where it was.

    `pace` 0 answers at once (bytes that came too late then are left out), 1 after the recorded delays, 2 after twice
    those. Several replies to the same request are given in their order. A request that the recording does not hold
    is not answered, counted in `unknown_count`, and kept in `unknown` (the last 100).

    Raises:
        BadExchange: the recording is of a link without a stream (MQTT, memory).
    """

    def __init__(self, exchange: Exchange, *, pace: float = 0.0, at_end: AtEnd = AtEnd.REPEAT) -> None:
        kind = exchange.header.kind
        if kind not in _DIALECTS:
            raise BadExchange(f"a recording of {kind} has no requests that could be answered")
        self.dialect = _DIALECTS[kind]()
        self.name = f"replay of {exchange.header.device} {exchange.header.firmware}, {exchange.header.date}"
        self.pace = pace
        self.at_end = at_end
        self.unknown: deque[bytes] = deque(maxlen=_UNKNOWN_KEPT)
        self.unknown_count = 0
        self.greeting: tuple[_Chunk, ...] = ()
        self._replies = self._sorted(exchange.frames)

    def __repr__(self) -> str:
        """Return what is played, how many requests it knows, and how many it did not."""
        return f"<Replay {self.name}: {len(self._replies)} requests known, {self.unknown_count} unknown>"

    async def open_stream(self, settings: SerialSettings, on_bytes: OnBytes, on_lost: OnLost) -> Stream:  # noqa: ARG002  # nothing is reached
        """Return a stream to the recorded device: an `OpenStream` for the drivers."""
        return ReplayStream(self, on_bytes)

    def answer(self, request: _Request) -> tuple[_Chunk, ...]:
        """Return what `request` is answered with this time."""
        replies = self._replies.get(request.key)
        if replies is None:
            self.unknown_count += 1
            self.unknown.append(request.pdu or request.key)
            return ()
        if not replies:
            return ()
        reply = replies[0] if len(replies) == 1 and self.at_end is AtEnd.REPEAT else replies.popleft()
        return tuple(
            _Chunk(chunk.delay_s, self.dialect.fitted(chunk.data, reply.request, request))
            for chunk in reply.chunks
            if self.pace > 0 or not chunk.late
        )

    def _sorted(self, frames: Iterable[Frame]) -> dict[bytes, deque[_Reply]]:
        """Return the recording's replies by request; what came before any request greets whoever opens."""
        replies: list[_Reply] = []
        known: dict[bytes, deque[_Reply]] = {}
        missing = False  # the request of what comes is not in the file
        began_s: float | None = None
        for frame in frames:
            began_s = frame.t_s if began_s is None else began_s
            if frame.direction is Direction.SENT:
                missing = False
                for request in self._requests(frame.data):
                    replies.append(_Reply(request, frame.t_s))
                    known.setdefault(request.key, deque()).append(replies[-1])
            elif frame.note == GAP:
                missing = True
            elif frame.direction is Direction.RECEIVED and not missing:
                self._received(frame, replies, began_s)
        return known

    def _received(self, frame: Frame, replies: list[_Reply], began_s: float) -> None:
        late = frame.note.startswith(_TOO_LATE)
        if not replies:
            self.greeting += (_Chunk(frame.t_s - began_s, frame.data, late),)
            return
        for reply, data in self.dialect.owners(frame.data, replies[-_UNKNOWN_KEPT:]):
            reply.chunks.append(_Chunk(frame.t_s - reply.asked_s, data, late))

    def _requests(self, data: bytes) -> list[_Request]:
        try:
            return self.dialect.requests(bytearray(data))
        except BadReply:
            return []  # nothing that a driver sends


class ReplayStream:
    """An open stream to a recorded device (a `Stream`); made by `Replay.open_stream`."""

    def __init__(self, replay: Replay, on_bytes: OnBytes) -> None:
        self.path = replay.name
        self.lost = ""
        self._replay = replay
        self._on_bytes = on_bytes
        self._sent = bytearray()
        self._loop = asyncio.get_running_loop()
        self._play(replay.greeting)

    def __repr__(self) -> str:
        """Return what is played and whether it is open."""
        return f"<ReplayStream {self.path} {self.lost or 'open'}>"

    def write(self, data: bytes) -> None:
        """Take requests; their answers come after the loop's next round.

        Raises:
            LinkDown: the stream was closed.
        """
        if self.lost:
            raise LinkDown(f"{self.path}: {self.lost}")
        self._sent += data
        try:
            requests = self._replay.dialect.requests(self._sent)
        except BadReply:  # no Modbus TCP: nobody would answer that
            self._sent.clear()
            requests = []
        for request in requests:
            self._play(self._replay.answer(request))

    def close(self) -> None:
        """End; what has not come yet does not come any more."""
        self.lost = self.lost or "closed"

    def _play(self, chunks: tuple[_Chunk, ...], at: int = 0, begun_s: float | None = None) -> None:
        """Give the chunks to the reader, one after the other, each at its time."""
        if at >= len(chunks):
            return
        begun_s = self._loop.time() if begun_s is None else begun_s
        due_s = begun_s + chunks[at].delay_s * self._replay.pace
        if due_s > self._loop.time():
            self._loop.call_at(due_s, self._give, chunks, at, begun_s)
        else:
            self._loop.call_soon(self._give, chunks, at, begun_s)

    def _give(self, chunks: tuple[_Chunk, ...], at: int, begun_s: float) -> None:
        if self.lost:
            return
        self._on_bytes(chunks[at].data)
        self._play(chunks, at + 1, begun_s)


def _modbus_key(unit: int, pdu: bytes) -> bytes:
    """Return what tells a request from others: unit and PDU, of a loopback without its random number."""
    return bytes((unit,)) + (_LOOPBACK if pdu.startswith(_LOOPBACK) else pdu)


def _echoed(pdu: bytes, recorded: _Request, asked: _Request) -> bytes:
    """Return the recorded reply; a loopback that came back whole comes back with the number of today."""
    return asked.pdu if pdu == recorded.pdu and pdu.startswith(_LOOPBACK) else pdu


def _line_end(data: bytearray) -> int | None:
    ends = [at for at in (data.find(b"\r"), data.find(b"\n")) if at >= 0]
    return min(ends) + 1 if ends else None

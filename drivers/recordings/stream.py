"""Recorded exchanges played back: a stream that answers as the recording did, under the real drivers.

Every request that the recording holds is answered with what came after it then: Modbus requests are known by unit and
PDU (a TCP reply gets the transaction number of the request that is made now), lines by their text.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from enum import StrEnum

from drivers.errors import BadReply, LinkDown
from drivers.recordings.dialects import DIALECTS, Answered, Chunk, Request, cut
from drivers.recordings.exchange import BadExchange, Exchange
from drivers.settings import SerialSettings
from drivers.streams import OnBytes, OnLost, Stream

__all__ = ["AtEnd", "Replay", "ReplayStream", "Unknown"]

_UNKNOWN_KEPT = 100

Unknown = Callable[[Request], bytes]
"""What answers a request that the recording does not hold: the bytes of a reply, or none."""


class AtEnd(StrEnum):
    """What a request is answered with when all its recorded replies were given."""

    REPEAT = "repeat"  # the last one again
    SILENCE = "silence"


def _silence(_request: Request) -> bytes:
    return b""


class Replay:
    """A recording as a device that can be opened again and again; it goes on where it was.

    `pace` 0 answers at once (bytes that came too late then are left out), 1 after the recorded delays, 2 after twice
    those. Several replies to the same request are given in their order. A request that the recording does not hold is
    counted in `unknown_count`, kept in `unknown` (the last 100), and answered by what `on_unknown` returns, else not.

    Raises:
        BadExchange: the recording is of a link without a stream (MQTT, memory).
    """

    def __init__(
        self,
        exchange: Exchange,
        *,
        pace: float = 0.0,
        at_end: AtEnd = AtEnd.REPEAT,
        on_unknown: Unknown = _silence,
    ) -> None:
        kind = exchange.header.kind
        if kind not in DIALECTS:
            raise BadExchange(f"a recording of {kind} has no requests that could be answered")
        self.dialect = DIALECTS[kind]()
        self.name = f"replay of {exchange.header.device} {exchange.header.firmware}, {exchange.header.date}"
        self.pace = pace
        self.at_end = at_end
        self.unknown: deque[bytes] = deque(maxlen=_UNKNOWN_KEPT)
        self.unknown_count = 0
        self._on_unknown = on_unknown
        found = cut(exchange.frames, self.dialect)
        self.greeting = found.greeting
        self._replies: dict[bytes, deque[Answered]] = {}
        for each in found.answered:
            self._replies.setdefault(each.request.key, deque()).append(each)

    def __repr__(self) -> str:
        """Return what is played, how many requests it knows, and how many it did not."""
        return f"<Replay {self.name}: {len(self._replies)} requests known, {self.unknown_count} unknown>"

    async def open_stream(self, settings: SerialSettings, on_bytes: OnBytes, on_lost: OnLost) -> Stream:  # noqa: ARG002  # nothing is reached
        """Return a stream to the recorded device: an `OpenStream` for the drivers."""
        return ReplayStream(self, on_bytes)

    def newest(self) -> Iterator[Answered]:
        """Yield what each request of the recording would be answered from now."""
        return (replies[0] for replies in self._replies.values() if replies)

    def answer(self, request: Request) -> tuple[Chunk, ...]:
        """Return what `request` is answered with this time."""
        replies = self._replies.get(request.key)
        if replies is None:
            self.unknown_count += 1
            self.unknown.append(request.pdu or request.key)
            said = self._on_unknown(request)
            return (Chunk(0.0, said),) if said else ()
        if not replies:
            return ()
        reply = replies[0] if len(replies) == 1 and self.at_end is AtEnd.REPEAT else replies.popleft()
        return tuple(
            Chunk(chunk.delay_s, self.dialect.fitted(chunk.data, reply.request, request))
            for chunk in reply.chunks
            if self.pace > 0 or not chunk.late
        )


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

    def _play(self, chunks: tuple[Chunk, ...], at: int = 0, begun_s: float | None = None) -> None:
        """Give the chunks to the reader, one after the other, each at its time."""
        if at >= len(chunks):
            return
        begun_s = self._loop.time() if begun_s is None else begun_s
        due_s = begun_s + chunks[at].delay_s * self._replay.pace
        if due_s > self._loop.time():
            self._loop.call_at(due_s, self._give, chunks, at, begun_s)
        else:
            self._loop.call_soon(self._give, chunks, at, begun_s)

    def _give(self, chunks: tuple[Chunk, ...], at: int, begun_s: float) -> None:
        if self.lost:
            return
        self._on_bytes(chunks[at].data)
        self._play(chunks, at + 1, begun_s)

"""A wire to an instrument that speaks in lines of text: whole lines only, bounded, and everything shown to the tap."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from drivers.errors import LinkDown
from drivers.frames.lines import EITHER, LINE_LIMIT, LineBuffer
from drivers.settings import SerialSettings
from drivers.streams import OpenStream, Stream, open_stream
from drivers.wire_tap import Direction, WireTap

__all__ = ["EITHER", "LINE_LIMIT", "LineBuffer", "LinePort", "open_line_port"]

_WAITING_LINES = 256  # lines kept for a reader that does not come; then the oldest go


class LinePort:
    """An open wire cut into lines; made by `open_line_port`.

    What goes over it is noted in `tap` under the name of the `device`, whose counters hold its bytes, and in `dropped`
    the bytes that nobody had asked for, that were no line, or came too fast.
    """

    def __init__(self, terminator: bytes, tap: WireTap, device: str, on_line: Callable[[bytes], bool] | None) -> None:
        self.path = ""
        self._terminator = terminator or b"\r\n"
        self._tap, self._device = tap, device
        self._stats = tap.device(device)
        self._on_line = on_line
        self._buffer = LineBuffer(terminator)
        self._lines: deque[bytes] = deque()
        self._more = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._stream: Stream | None = None
        self._why = "not opened"

    def __repr__(self) -> str:
        """Return the path and whether the wire lives."""
        return f"<LinePort {self.path} {self.lost or 'open'}>"

    @property
    def lost(self) -> str:
        """Why the wire died; empty while it lives."""
        return self._why if self._stream is None else self._stream.lost

    @property
    def overflows(self) -> int:
        """Lines dropped because they were longer than 4 KB."""
        return self._buffer.overflows

    def write(self, data: bytes) -> None:
        """Send `data`.

        Raises:
            LinkDown: the wire died, or takes nothing any more.
        """
        if self._stream is None:
            raise LinkDown(f"{self.path}: {self._why}")
        self._stream.write(data)
        self._stats.bytes_sent += len(data)
        self._tap.note(Direction.SENT, data, self._loop.time(), device=self._device)

    def take_line(self) -> bytes | None:
        """Return the next whole line without its terminator, None when none is here yet."""
        return self._lines.popleft() if self._lines else None

    async def read_line(self) -> bytes:
        """Return the next whole line without its terminator.

        Raises:
            LinkDown: the wire died.
        """
        while not self._lines:
            if self.lost:
                raise LinkDown(f"{self.path}: {self.lost}")
            self._more.clear()
            await self._more.wait()
        return self._lines.popleft()

    async def discard(self) -> int:
        """Throw away all input that has come so far, a half line too; return how many bytes it was.

        The loop is given two rounds first, so that bytes which wait in the kernel are thrown away as well.
        """
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        count = 0
        while self._lines:
            count += self._drop(self._lines.popleft(), "dropped: nobody had asked")
        if rest := self._buffer.unfinished:
            count += self._drop(rest, "dropped: half a line")
        self._buffer.clear()
        return count

    def close(self) -> None:
        """Let go of the wire; a waiting reader gets LinkDown."""
        if self._stream is not None:
            self._stream.close()
        self._why = "closed"
        self._more.set()

    def attach(self, stream: Stream) -> None:
        """Take the wire that was opened with `feed`."""
        self._stream, self.path = stream, stream.path

    def feed(self, data: bytes) -> None:
        """Take bytes that came."""
        self._stats.bytes_received += len(data)
        overflows, dropped = self._buffer.overflows, self._buffer.dropped
        for line in self._buffer.feed(data):
            self._tap.note(Direction.RECEIVED, line + self._terminator, self._loop.time(), device=self._device)
            if self._on_line is not None and self._on_line(line):
                continue
            if len(self._lines) >= _WAITING_LINES:
                self._drop(self._lines.popleft(), "dropped: too many lines wait")
            self._lines.append(line)
        self._stats.dropped += self._buffer.dropped - dropped
        if self._buffer.overflows != overflows:
            note = f"dropped: no end of line in {LINE_LIMIT} bytes"
            self._tap.note(Direction.NOTE, data[-64:], self._loop.time(), device=self._device, note=note)
        self._more.set()

    def die(self) -> None:
        """Wake a waiting reader: the wire died."""
        self._more.set()

    def _drop(self, data: bytes, note: str) -> int:
        self._stats.dropped += len(data)
        self._tap.note(Direction.NOTE, data, self._loop.time(), device=self._device, note=note)
        return len(data)


async def open_line_port(
    settings: SerialSettings,
    *,
    terminator: bytes = b"\r",
    tap: WireTap | None = None,
    device: str = "",
    on_line: Callable[[bytes], bool] | None = None,
    on_lost: Callable[[str], None] | None = None,
    opener: OpenStream = open_stream,
) -> LinePort:
    """Return an open wire cut into lines that end in `terminator` (CR, CR LF or `EITHER`).

    `on_line` sees each whole line as it arrives, and may keep it from the queue by returning True; `on_lost` is called
    once when the wire dies by itself.

    Raises:
        LinkDown: the wire cannot be opened; the message names it and what to do.
    """
    port = LinePort(terminator, tap or WireTap(), device, on_line)

    def lost(why: str) -> None:
        port.die()
        if on_lost is not None:
            on_lost(why)

    port.attach(await opener(settings, port.feed, lost))
    return port

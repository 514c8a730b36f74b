"""Serial lines on the event loop: a tty opened by pyserial, and the far end of a pseudo-terminal for the simulator.

pyserial opens and configures the port; reading and writing go by `add_reader` and `add_writer` on its file number, so
that a loop whose clock jumps sees them (threads it cannot). Both ends of a pty tell the loop what they sent and
received (`drivers.in_flight`). POSIX only.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import select
import tty
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Self

import serial

from drivers.errors import LinkDown
from drivers.in_flight import in_flight

__all__ = ["LINE_LIMIT", "LineBuffer", "PtyEnd", "SerialPort"]

LINE_LIMIT = 4096  # bytes; no instrument of the line sends a longer line
_CHUNK = 4096
_WAITING_LINES = 256  # lines kept for a reader that does not come; then the oldest go
_UNREAD_LIMIT = 65_536  # bytes kept for a simulator that does not read
_UNSENT_LIMIT = 65_536  # bytes kept for a device that takes nothing


class LineBuffer:
    """Cuts a stream of bytes into lines; a line counts only with its terminator.

    A line longer than `limit` bytes is dropped up to its terminator and counted in `overflows`.
    """

    __slots__ = ("_limit", "_rest", "_skipping", "_terminator", "overflows")

    def __init__(self, terminator: bytes = b"\r", limit: int = LINE_LIMIT) -> None:
        self._terminator = terminator
        self._limit = limit
        self._rest = b""
        self._skipping = False
        self.overflows = 0

    def __repr__(self) -> str:
        """Return the unfinished part and the count of lines that were too long."""
        return f"<LineBuffer {self._rest[:40]!r}, {self.overflows} overflows>"

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that `data` completes, without their terminators."""
        *pieces, rest = (self._rest + data).split(self._terminator)
        lines = []
        for piece in pieces:
            if self._skipping:
                self._skipping = False
            elif len(piece) > self._limit:
                self.overflows += 1
            else:
                lines.append(piece)
        if self._skipping:
            rest = rest[-len(self._terminator) :]  # a terminator of several bytes may come in two parts
        elif len(rest) > self._limit:
            self.overflows += 1
            self._skipping = True
            rest = rest[-len(self._terminator) :]
        self._rest = rest
        return lines

    def clear(self) -> int:
        """Forget the unfinished line; return its length in bytes."""
        length = len(self._rest)
        self._rest, self._skipping = b"", False
        return length


class _End:
    """One end of a serial line: a file number read and written without blocking, its bytes counted on the way."""

    def __init__(self, fd: int, path: str, *, sends_on: str, hears_on: str) -> None:
        self.path = path
        self.lost = ""  # why the wire died; empty while it lives
        self._fd = fd
        self._sends_on, self._hears_on = sends_on, hears_on
        self._unsent = bytearray()
        self._more = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._counter = in_flight()
        if self._counter is not None:
            self._counter.listen(hears_on)
        self._loop.add_reader(fd, self._readable)

    def __repr__(self) -> str:
        """Return the path and whether the wire lives."""
        return f"<{type(self).__name__} {self.path} {self.lost or 'open'}>"

    def write(self, data: bytes) -> None:
        """Send `data`; what the kernel does not take now follows when it can.

        Raises:
            LinkDown: the wire died, or 64 KB wait for a device that takes nothing.
        """
        if self.lost:
            raise LinkDown(f"{self.path}: {self.lost}")
        if len(self._unsent) + len(data) > _UNSENT_LIMIT:
            raise LinkDown(f"{self.path}: the device takes no bytes, {len(self._unsent)} wait")
        self._unsent += data
        self._writable()

    def close(self) -> None:
        """Let go of the wire; a waiting reader gets LinkDown. Bytes on their way are given up."""
        self._die("closed")

    def _writable(self) -> None:
        try:
            count = os.write(self._fd, self._unsent)
        except BlockingIOError:
            count = 0
        except OSError as exc:
            self._die(f"the wire died ({exc.strerror})")
            return
        del self._unsent[:count]
        if self._counter is not None:
            self._counter.sent_if_heard(self._sends_on, count)
        if self._unsent:
            self._loop.add_writer(self._fd, self._writable)
        else:
            self._loop.remove_writer(self._fd)

    def _readable(self) -> None:
        data = self._take()
        if data:
            self._arrived(data)
            self._more.set()

    def _take(self) -> bytes:
        """Read what is there; b"" when nothing is, or when the wire turns out to be dead."""
        try:
            data = os.read(self._fd, _CHUNK)
        except BlockingIOError:
            return b""
        except OSError as exc:  # EIO: the adapter was unplugged, or the pty's other end closed
            self._die(f"the wire died ({exc.strerror})")
            return b""
        if data and self._counter is not None:
            self._counter.received(self._hears_on, len(data))
        if not data and _hung_up(self._fd):  # a tty with VMIN 0 also reads b"" when another reader was first
            self._die("the wire died (hung up)")
        return data

    def _arrived(self, data: bytes) -> None:
        raise NotImplementedError

    async def _wait_for_more(self) -> None:
        if self.lost:
            raise LinkDown(f"{self.path}: {self.lost}")
        self._more.clear()
        await self._more.wait()

    def _die(self, why: str) -> None:
        if self.lost:
            return
        self.lost = why
        self._loop.remove_reader(self._fd)
        self._loop.remove_writer(self._fd)
        self._unsent.clear()
        if self._counter is not None:
            self._counter.forget(self._sends_on)
            self._counter.deafen(self._hears_on)
        self._release()
        self._more.set()

    def _release(self) -> None:
        raise NotImplementedError


class SerialPort(_End):
    """An instrument's port, opened for us alone (8N1); what it says comes as whole lines.

    `on_line` sees each whole line as it arrives, before it is queued; `on_lost` is called once when the wire dies by
    itself. Input that was waiting when the port was opened is thrown away.

    Raises:
        LinkDown: the port is missing, in use by another program, or no tty; the message names it.
    """

    def __init__(
        self,
        path: str,
        baud: int = 9600,
        *,
        terminator: bytes = b"\r",
        on_line: Callable[[bytes], None] | None = None,
        on_lost: Callable[[], None] | None = None,
    ) -> None:
        try:
            # pyserial follows the path at each opening: a link such as /dev/serial/by-id/... survives a replug
            self._port = serial.Serial(path, baud, timeout=0, write_timeout=0, exclusive=True)
        except (serial.SerialException, OSError, ValueError) as exc:
            raise LinkDown(f"cannot open {path}: {_why(exc)}") from exc
        fd = self._port.fileno()
        name = os.ttyname(fd)
        self._lines: deque[bytes] = deque(maxlen=_WAITING_LINES)
        self._buffer = LineBuffer(terminator)
        self._on_line, self._on_lost = on_line, on_lost
        super().__init__(fd, path, sends_on=f"{name}>", hears_on=f"{name}<")
        if self._counter is not None:
            self._counter.forget(self._hears_on)

    @property
    def overflows(self) -> int:
        """Lines dropped because they were longer than 4 KB."""
        return self._buffer.overflows

    async def read_line(self) -> bytes:
        """Return the next whole line without its terminator.

        Raises:
            LinkDown: the wire died.
        """
        while not self._lines:
            await self._wait_for_more()
        return self._lines.popleft()

    def discard(self) -> int:
        """Throw away all input that has come so far, a half line too; return how many bytes and lines' bytes it was."""
        count = 0
        while not self.lost and (data := self._take()):
            self._arrived(data)
        while self._lines:
            count += len(self._lines.popleft())
        return count + self._buffer.clear()

    def _arrived(self, data: bytes) -> None:
        for line in self._buffer.feed(data):
            self._lines.append(line)
            if self._on_line is not None:
                self._on_line(line)

    def _die(self, why: str) -> None:
        alive, by_itself = not self.lost, why != "closed"
        super()._die(why)
        if alive and by_itself and self._on_lost is not None:
            self._on_lost()

    def _release(self) -> None:
        with contextlib.suppress(serial.SerialException, OSError):  # an unplugged adapter may refuse even this
            self._port.close()


class PtyEnd(_End):
    """The instrument's end of a raw pseudo-terminal pair; `path` is the tty that a program opens.

    The pair's own slave is kept open, so that the far end lives on while no program has the port. `close` is an
    unplug: the tty vanishes for the program that has it, and so do links made by `link`.
    """

    def __init__(self) -> None:
        master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(master, False)
        name = os.ttyname(self._slave)
        self._unread = bytearray()
        self._lines: deque[bytes] = deque()
        self._buffer = LineBuffer()
        self._links: list[Path] = []
        self.dropped = 0  # bytes that came while 64 KB were unread
        super().__init__(master, name, sends_on=f"{name}<", hears_on=f"{name}>")

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Unplug."""
        self.close()

    def link(self, path: Path) -> None:
        """Make `path` a symbolic link to the tty, in place of an older link; it goes when the pair is closed."""
        new = path.with_name(f".{path.name}.{os.getpid()}")
        new.unlink(missing_ok=True)
        new.symlink_to(self.path)
        new.replace(path)
        self._links.append(path)

    async def read(self) -> bytes:
        """Return the bytes that have come, at least one.

        Raises:
            LinkDown: the pair was closed.
        """
        while not self._unread:
            await self._wait_for_more()
        data = bytes(self._unread)
        self._unread.clear()
        return data

    async def read_line(self) -> bytes:
        """Return the next line that a CR ended, without the CR.

        Raises:
            LinkDown: the pair was closed.
        """
        while not self._lines:
            self._lines.extend(self._buffer.feed(await self.read()))
        return self._lines.popleft()

    def _arrived(self, data: bytes) -> None:
        if len(self._unread) + len(data) > _UNREAD_LIMIT:
            self.dropped += len(data)
        else:
            self._unread += data

    def _release(self) -> None:
        for path in self._links:
            with contextlib.suppress(OSError):
                if path.is_symlink() and str(path.readlink()) == self.path:  # not one that a newer pair has taken
                    path.unlink()
        os.close(self._fd)
        os.close(self._slave)


def _hung_up(fd: int) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return any(event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))


def _why(exc: Exception) -> str:
    if isinstance(exc, OSError) and exc.errno:
        return f"{os.strerror(exc.errno)}" + (" (another program has it)" if exc.errno == errno.EWOULDBLOCK else "")
    return str(exc)

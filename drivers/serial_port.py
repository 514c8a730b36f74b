"""A tty as a stream of bytes on the event loop, and the far end of a pseudo-terminal for the simulator.

pyserial opens and configures the port; reading and writing go by `add_reader` and `add_writer` on its file number, so
that a loop whose clock jumps sees them (threads it cannot). Both ends of a pty tell the loop what they sent and
received (`drivers.in_flight`). POSIX only: elsewhere `drivers.threaded_port` has the port.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import termios
import tty
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Self

import serial

from drivers.errors import LinkDown
from drivers.frames.lines import LineBuffer
from drivers.in_flight import in_flight
from drivers.port_trouble import why_not_opened
from drivers.settings import SerialSettings

__all__ = ["PtyEnd", "TtyStream"]

_CHUNK = 4096
_UNREAD_LIMIT = 65_536  # bytes kept for a simulator that does not read
_UNSENT_LIMIT = 65_536  # bytes kept for a device that takes nothing


class _End:
    """One end of a serial line: a file number read and written without blocking, its bytes counted on the way."""

    def __init__(self, fd: int, path: str, *, sends_on: str, hears_on: str) -> None:
        self.path = path
        self.lost = ""  # why the wire died; empty while it lives
        self._fd = fd
        self._sends_on, self._hears_on = sends_on, hears_on
        self._unsent = bytearray()
        self._waits = False  # whether the loop tells when more can be sent
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
        if not self.lost:
            if len(self._unsent) + len(data) > _UNSENT_LIMIT:
                raise LinkDown(f"{self.path}: the device takes no bytes, {len(self._unsent)} wait")
            self._unsent += data
            self._writable()
        if self.lost:
            raise LinkDown(f"{self.path}: {self.lost}")

    def close(self) -> None:
        """Let go of the wire. Bytes on their way are given up."""
        self._end("closed")

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
            self._waits = True
            self._loop.add_writer(self._fd, self._writable)
        elif self._waits:
            self._waits = False
            self._loop.remove_writer(self._fd)

    def _readable(self) -> None:
        try:
            data = os.read(self._fd, _CHUNK)
        except BlockingIOError:
            return
        except OSError as exc:  # EIO: the adapter was unplugged, or the pty's other end closed
            self._die(f"the wire died ({exc.strerror})")
            return
        if data:
            if self._counter is not None:
                self._counter.received(self._hears_on, len(data))
            self._arrived(data)
        elif _hung_up(self._fd):  # a tty with VMIN 0 also reads b"" when another reader was first
            self._die("the wire died (hung up)")

    def _die(self, why: str) -> None:
        """Note that the wire died by itself."""
        self._end(why)

    def _end(self, why: str) -> None:
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

    def _arrived(self, data: bytes) -> None:
        raise NotImplementedError

    def _release(self) -> None:
        raise NotImplementedError


class TtyStream(_End):
    """A device's port, opened for us alone; see `drivers.streams.Stream`.

    The path is followed at each opening, so that a link such as `/dev/serial/by-id/...` survives a replug. Input that
    was waiting is thrown away. The lock (flock) keeps out other programs that lock too, not those that do not ask.

    Raises:
        LinkDown: the port is missing, in use, not ours to open, or no tty; the message names it and what to do.
    """

    def __init__(
        self, settings: SerialSettings, on_bytes: Callable[[bytes], None], on_lost: Callable[[str], None]
    ) -> None:
        try:
            self._port = serial.Serial(
                settings.port,
                settings.baud,
                bytesize=settings.bits,
                parity=settings.parity,
                stopbits=settings.stop_bits,
                xonxoff=settings.xonxoff,
                rtscts=settings.rtscts,
                timeout=0,
                write_timeout=0,
                exclusive=True,
            )
        except (serial.SerialException, OSError, ValueError, termios.error) as exc:
            raise LinkDown(f"cannot open {settings.port}: {why_not_opened(settings.port, exc)}") from exc
        fd = self._port.fileno()
        name = os.ttyname(fd)
        self._on_bytes, self._on_lost = on_bytes, on_lost
        super().__init__(fd, settings.port, sends_on=f"{name}>", hears_on=f"{name}<")
        if self._counter is not None:
            self._counter.forget(self._hears_on)

    def _arrived(self, data: bytes) -> None:
        self._on_bytes(data)

    def _die(self, why: str) -> None:
        if not self.lost:
            super()._die(why)
            self._on_lost(why)

    def _release(self) -> None:
        with contextlib.suppress(OSError, termios.error):  # an unplugged adapter may refuse even this
            termios.tcflush(self._fd, termios.TCOFLUSH)  # a close waits for unsent bytes, up to 30 s on Linux
        with contextlib.suppress(serial.SerialException, OSError):
            self._port.close()


class PtyEnd(_End):
    """The instrument's end of a raw pseudo-terminal pair; `path` is the tty that a program opens.

    The pair's own slave is kept open, so that the far end lives on while no program has the port. `close` is an
    unplug: the tty vanishes for the program that has it, and so do links made by `link`.
    """

    def __init__(self, terminator: bytes = b"\r") -> None:
        master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(master, False)
        name = os.ttyname(self._slave)
        self._more = asyncio.Event()
        self._unread = bytearray()
        self._lines: deque[bytes] = deque()
        self._buffer = LineBuffer(terminator)
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
            if self.lost:
                raise LinkDown(f"{self.path}: {self.lost}")
            self._more.clear()
            await self._more.wait()
        data = bytes(self._unread)
        self._unread.clear()
        return data

    async def read_line(self) -> bytes:
        """Return the next whole line (they end in CR, unless told otherwise) without its terminator.

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
        self._more.set()

    def _release(self) -> None:
        self._more.set()
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

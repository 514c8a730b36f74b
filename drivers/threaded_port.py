"""A port that only blocking calls can reach (RFC 2217 servers; serial ports of Windows) as a stream of bytes.

pyserial has the port in two threads of our own, one that opens, reads and closes and one that writes; the event loop
hears of bytes and of losses by `call_soon_threadsafe`. Both queues between loop and threads are bounded. Threads and a
clock that jumps do not go together: this stream is for real time.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable

import serial

from drivers.errors import LinkDown
from drivers.port_trouble import why_not_opened
from drivers.settings import SerialSettings

__all__ = ["ThreadedPort", "open_threaded"]

_READ_S = 0.05  # how long a read waits for its first byte: also how long the thread takes to see that it should end
_WRITER_S = 6.0  # a write to an RFC 2217 server that takes nothing fails by itself after 5 s
_QUEUE_LIMIT = 65_536  # bytes on their way, each direction


class ThreadedPort:
    """A blocking port as a stream; made by `open_threaded`. `dropped` counts bytes that a stuck loop did not take."""

    def __init__(
        self, settings: SerialSettings, on_bytes: Callable[[bytes], None], on_lost: Callable[[str], None]
    ) -> None:
        self.path = settings.port
        self.lost = ""
        self.dropped = 0
        self._settings = settings
        self._on_bytes, self._on_lost = on_bytes, on_lost
        self._loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = self._loop.create_future()
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._untaken = 0  # bytes handed to the loop that it has not taken
        self._unsent = 0
        self._outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=thread_name(self.path), daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        """Return the address and whether the wire lives."""
        return f"<ThreadedPort {self.path} {self.lost or 'open'}>"

    def write(self, data: bytes) -> None:
        """Send `data` by the writing thread.

        Raises:
            LinkDown: the wire died, or 64 KB wait for a device that takes nothing.
        """
        if self.lost:
            raise LinkDown(f"{self.path}: {self.lost}")
        with self._lock:
            if self._unsent + len(data) > _QUEUE_LIMIT:
                raise LinkDown(f"{self.path}: the device takes no bytes, {self._unsent} wait")
            self._unsent += len(data)
        self._outgoing.put(data)

    def close(self) -> None:
        """Let go of the port; its threads end by themselves within moments, and nothing is called any more."""
        self.lost = self.lost or "closed"
        self._ending.set()

    def _run(self) -> None:
        """Open, read and close the port: the life of the reading thread."""
        try:
            port = _open(self._settings)
        except (serial.SerialException, OSError, ValueError, NotImplementedError) as exc:
            self._tell(self._not_opened, f"cannot open {self.path}: {why_not_opened(self.path, exc)}")
            return
        writer = threading.Thread(
            target=self._write_on, args=(port,), name=f"{thread_name(self.path)} out", daemon=True
        )
        writer.start()
        self._tell(self._is_open)
        try:
            while not self._ending.is_set():
                data = port.read(max(1, port.in_waiting))
                if data:
                    self._hand_over(data)
        except (serial.SerialException, OSError, TypeError) as exc:  # TypeError: pyserial, of a port closed meanwhile
            self._tell(self._died, f"the wire died ({exc})")
        finally:
            self._ending.set()
            self._end_writer(port, writer)
            with contextlib.suppress(serial.SerialException, OSError):
                port.close()

    def _write_on(self, port: serial.Serial) -> None:
        """Send what is queued, until told to end: the life of the writing thread."""
        try:
            while (data := self._outgoing.get()) is not None:
                port.write(data)
                with self._lock:
                    self._unsent -= len(data)
        except (serial.SerialException, OSError, TypeError) as exc:
            self._ending.set()
            self._tell(self._died, f"the wire died ({exc})")

    def _end_writer(self, port: serial.Serial, writer: threading.Thread) -> None:
        self._outgoing.put(None)
        cancel = getattr(port, "cancel_write", None)
        if cancel is not None:
            with contextlib.suppress(serial.SerialException, OSError, AttributeError):
                cancel()
        writer.join(_WRITER_S)

    def _hand_over(self, data: bytes) -> None:
        with self._lock:
            if self._untaken + len(data) > _QUEUE_LIMIT:
                self.dropped += len(data)
                return
            self._untaken += len(data)
        self._tell(self._arrived, data)

    def _tell(self, what: Callable[..., None], *args: object) -> None:
        try:
            self._loop.call_soon_threadsafe(what, *args)
        except RuntimeError:  # the loop has ended without closing the port
            self._ending.set()

    def _is_open(self) -> None:
        if not self.opened.done():
            self.opened.set_result(None)

    def _not_opened(self, why: str) -> None:
        self.lost = self.lost or why
        if not self.opened.done():
            self.opened.set_exception(LinkDown(why))

    def _arrived(self, data: bytes) -> None:
        with self._lock:
            self._untaken -= len(data)
        if not self.lost:
            self._on_bytes(data)

    def _died(self, why: str) -> None:
        if not self.lost:
            self.lost = why
            self._on_lost(why)


async def open_threaded(
    settings: SerialSettings,
    on_bytes: Callable[[bytes], None],
    on_lost: Callable[[str], None],
    *,
    within_s: float = 10.0,
) -> ThreadedPort:
    """Return an open port; a thread that still closes the same one is waited for first.

    Raises:
        LinkDown: the port could not be opened within `within_s`; the message names it and what to do.
    """
    opening: ThreadedPort | None = None
    try:
        async with asyncio.timeout(within_s):
            while thread_name(settings.port) in {thread.name for thread in threading.enumerate()}:  # noqa: ASYNC110  # threads tell no loop
                await asyncio.sleep(_READ_S / 5)
            opening = ThreadedPort(settings, on_bytes, on_lost)
            await opening.opened
    except BaseException as exc:
        if opening is not None:
            opening.close()
        if isinstance(exc, TimeoutError):
            raise LinkDown(f"cannot open {settings.port}: no answer within {within_s:g} s") from exc
        raise
    return opening


def thread_name(path: str) -> str:
    """Return the name of the thread that has the port at `path`."""
    return f"port {path}"


def _open(settings: SerialSettings) -> serial.Serial:
    local = "://" not in settings.port
    port: serial.Serial = serial.serial_for_url(
        settings.port,
        do_not_open=True,
        baudrate=settings.baud,
        bytesize=settings.bits,
        parity=settings.parity,
        stopbits=settings.stop_bits,
        xonxoff=settings.xonxoff,
        rtscts=settings.rtscts,
        timeout=_READ_S,
        **({"exclusive": True} if local else {}),
    )
    port.open()
    return port

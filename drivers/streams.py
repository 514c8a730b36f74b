"""A stream of bytes to a device, whatever carries it: a tty, a TCP socket, or a thread that has the port."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Protocol
from urllib.parse import urlsplit

from drivers.errors import LinkDown
from drivers.settings import SerialSettings

__all__ = ["OnBytes", "OnLost", "OpenStream", "Stream", "open_stream", "open_tcp"]

_UNSENT_LIMIT = 65_536  # bytes kept for a device that takes nothing
_EXAMPLE = "socket://10.0.0.5:4001"


class Stream(Protocol):
    """An open wire; bytes that come are given to `on_bytes`, its death by itself is told to `on_lost` once."""

    path: str
    lost: str  # why it died; empty while it lives

    def write(self, data: bytes) -> None:
        """Send `data`.

        Raises:
            LinkDown: the wire died, or takes nothing any more.
        """

    def close(self) -> None:
        """Let go of the wire; `on_lost` is not called."""


OnBytes = Callable[[bytes], None]
OnLost = Callable[[str], None]
OpenStream = Callable[[SerialSettings, OnBytes, OnLost], Awaitable[Stream]]


class _TcpStream(asyncio.Protocol):
    """A TCP socket as a stream."""

    def __init__(self, path: str, on_bytes: OnBytes, on_lost: OnLost) -> None:
        self.path = path
        self.lost = ""
        self.data_received = on_bytes  # type: ignore[method-assign, assignment]  # bytes go straight to their reader
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None

    def __repr__(self) -> str:
        """Return the address and whether the wire lives."""
        return f"<TcpStream {self.path} {self.lost or 'open'}>"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell that the wire died, unless we closed it."""
        if self.lost:
            return
        self.lost = str(exc) if exc else "the other side closed the connection"
        self._on_lost(self.lost)

    def write(self, data: bytes) -> None:
        """Send `data`.

        Raises:
            LinkDown: the wire died, or 64 KB wait for a device that takes nothing.
        """
        if self.lost or self._transport is None:
            raise LinkDown(f"{self.path}: {self.lost or 'not connected'}")
        if self._transport.get_write_buffer_size() > _UNSENT_LIMIT:
            raise LinkDown(f"{self.path}: the device takes no bytes")
        self._transport.write(data)

    def close(self) -> None:
        """Let go of the socket at once."""
        self.lost = self.lost or "closed"
        if self._transport is not None:
            self._transport.abort()


async def open_tcp(host: str, port: int, on_bytes: OnBytes, on_lost: OnLost, *, within_s: float = 2.0) -> Stream:
    """Return an open TCP stream (asyncio sends each write at once: TCP_NODELAY).

    Raises:
        LinkDown: nothing answers there within `within_s`; the message names host and port.
    """
    loop = asyncio.get_running_loop()
    path = f"{host}:{port}"
    try:
        async with asyncio.timeout(within_s):
            _, stream = await loop.create_connection(lambda: _TcpStream(path, on_bytes, on_lost), host, port)
    except TimeoutError as exc:
        raise LinkDown(f"{path}: no connection within {within_s:g} s") from exc
    except OSError as exc:
        number = exc.errno or 0  # asyncio's own text names a call, and a name that is not known has a negative number
        why = os.strerror(number) if number > 0 else exc.strerror or exc
        raise LinkDown(f"{path}: {why}") from exc
    return stream


async def open_stream(settings: SerialSettings, on_bytes: OnBytes, on_lost: OnLost) -> Stream:
    """Return an open stream to a serial line, however its address says it is reached.

    A path (or `COM3`) is a port of this computer, opened for us alone; `socket://host:port` is a serial server that
    passes bytes on over TCP (its own settings rule baud and parity); `rfc2217://host:port` one that can be told them.

    Raises:
        LinkDown: it cannot be opened, or the address is none; the message names it and what to do.
    """
    scheme, separator, _ = settings.port.partition("://")
    if not separator:
        return await _open_local(settings, on_bytes, on_lost)
    if scheme == "socket":
        host, port = _host_and_port(settings.port)
        return await open_tcp(host, port, on_bytes, on_lost)
    if scheme == "rfc2217":
        _host_and_port(settings.port)
        from drivers.threaded_port import open_threaded  # loads pyserial

        return await open_threaded(settings, on_bytes, on_lost)
    raise LinkDown(
        f"{settings.port}: no way to open {scheme}://; expected a port's path, socket://host:port or rfc2217://host:port"
    )


async def _open_local(settings: SerialSettings, on_bytes: OnBytes, on_lost: OnLost) -> Stream:
    try:
        from drivers.serial_port import TtyStream  # loads pyserial
    except ImportError:  # no termios on this computer (Windows): a thread has the port
        from drivers.threaded_port import open_threaded

        return await open_threaded(settings, on_bytes, on_lost)
    return TtyStream(settings, on_bytes, on_lost)


def _host_and_port(address: str) -> tuple[str, int]:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError as exc:
        raise LinkDown(f"{address}: {exc}; expected something like {_EXAMPLE}") from exc
    if not host or port is None:
        raise LinkDown(f"{address}: host or port is missing; expected something like {_EXAMPLE}")
    return host, port

"""A stream of bytes to a device, whatever carries it: a tty, a TCP socket, or a thread that has the port."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from drivers.errors import LinkDown
from drivers.settings import SerialSettings

__all__ = ["OpenStream", "Stream", "open_tcp"]

_UNSENT_LIMIT = 65_536  # bytes kept for a device that takes nothing


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
        raise LinkDown(f"{path}: {exc.strerror or exc}") from exc
    return stream

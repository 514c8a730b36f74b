"""amqtt's broker, made able to hang; loaded only where a broker is started."""

from __future__ import annotations

import asyncio
from typing import Any

from amqtt.broker import Broker

__all__ = ["FreezableBroker"]


class FreezableBroker(Broker):
    """A broker that can stop reading from its clients, and leave new ones waiting."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self._serves = asyncio.Event()
        self._serves.set()
        self._writers: set[asyncio.StreamWriter] = set()

    def freeze(self) -> None:
        """Read nothing any more."""
        self._serves.clear()
        for writer in self._writers:
            _transport(writer).pause_reading()

    def thaw(self) -> None:
        """Read again."""
        self._serves.set()
        for writer in self._writers:
            if not writer.is_closing():
                _transport(writer).resume_reading()

    async def stream_connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
    ) -> None:
        """Serve a client, not before the broker serves at all."""
        self._writers.add(writer)
        try:
            await self._serves.wait()
            await super().stream_connected(reader, writer, listener_name)
        finally:
            self._writers.discard(writer)


def _transport(writer: asyncio.StreamWriter) -> asyncio.ReadTransport:
    transport = writer.transport
    assert isinstance(transport, asyncio.ReadTransport)
    return transport

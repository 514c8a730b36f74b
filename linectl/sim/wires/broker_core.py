"""amqtt's broker, made able to hang; loaded only where a broker is started."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from amqtt.broker import Broker
from amqtt.session import Session

__all__ = ["FreezableBroker"]


class FreezableBroker(Broker):
    """A broker that can stop reading from its clients, and leave new ones waiting."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self._serves = asyncio.Event()
        self._serves.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._ended = False

    async def shutdown(self) -> None:
        """Stop, and drop whoever has connected but not yet said who it is too."""
        self._ended = True
        await super().shutdown()
        for writer in self._writers:
            writer.transport.abort()

    async def add_subscription(self, subscription: tuple[str, int], session: Session) -> int:
        """Grant no more than QoS 0, at which sensors publish: amqtt would send their words at the QoS asked for.

        It would also wait in vain for an acknowledgement that came before it had begun to wait for it.
        """
        topic, _asked = subscription
        granted: int = await super().add_subscription((topic, 0), session)
        return granted

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

    def stream_connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
    ) -> Coroutine[Any, Any, None]:
        """Serve a client; it is known from now on, and not when its task gets its first turn."""
        self._writers.add(writer)
        return self._serve(reader, writer, listener_name)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str) -> None:
        try:
            await self._serves.wait()  # a broker that hangs takes connections
            if not self._ended:
                await super().stream_connected(reader, writer, listener_name)
        finally:
            self._writers.discard(writer)
            writer.transport.abort()


def _transport(writer: asyncio.StreamWriter) -> asyncio.ReadTransport:
    transport = writer.transport
    assert isinstance(transport, asyncio.ReadTransport)
    return transport

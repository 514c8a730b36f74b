"""The MQTT client of the simulated sensors: it sends what they have to say to a broker."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterable

import aiomqtt

from drivers.in_flight import in_flight
from linectl.sim.wires.messages import Message, MessageSource

__all__ = ["MqttPublisher"]

_PAUSE_S = 0.5  # before the broker is tried again
_KEEPALIVE_S = 5


class MqttPublisher:
    """Sends the sensors' messages to a broker, QoS 0, not retained; comes back by itself when the broker was away."""

    def __init__(self, source: MessageSource, host: str, port: int) -> None:
        self._source = source
        self._host, self._port = host, port
        self._task: asyncio.Task[None] | None = None
        self.connected = asyncio.Event()
        self.published = 0

    def __repr__(self) -> str:
        """Return the broker and what was sent."""
        state = "connected" if self.connected.is_set() else "looking for the broker"
        return f"<MqttPublisher {self._host}:{self._port} {state}, {self.published} published>"

    def start(self) -> None:
        """Publish from now on."""
        self._task = asyncio.create_task(self._run(), name="sensors")

    async def stop(self) -> None:
        """Stop publishing."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(aiomqtt.MqttError):
                await self._session()
            self.connected.clear()
            await asyncio.sleep(_PAUSE_S)

    async def _session(self) -> None:
        """Publish until the broker is lost."""
        # paho counts its keepalive by the computer's clock: with a clock that jumps, the broker would give it up
        keepalive_s = _KEEPALIVE_S if in_flight() is None else 0
        async with _connected(aiomqtt.Client(self._host, self._port, keepalive=keepalive_s)) as client:
            self._source.forget()
            self.connected.set()
            sender = asyncio.create_task(self._send_all(client), name="sensors: send")
            try:
                async for _ in client.messages:  # nothing is subscribed: this ends when the connection does
                    pass
            finally:
                sender.cancel()
                await asyncio.gather(sender, return_exceptions=True)

    async def _send_all(self, client: aiomqtt.Client) -> None:
        while True:
            await self._send(client, await self._source.next())

    async def _send(self, client: aiomqtt.Client, messages: Iterable[Message]) -> None:
        for topic, said in messages:
            await client.publish(topic, json.dumps(said))
            self.published += 1


@contextlib.asynccontextmanager
async def _connected(client: aiomqtt.Client) -> AsyncIterator[aiomqtt.Client]:
    """Connect `client` for the time of the block, and leave no socket behind.

    aiomqtt connects in a thread, which must not end behind our back, and leaves its socket open when reading from it
    failed; it has no public way to close it.
    """
    connecting = asyncio.create_task(client.__aenter__())
    try:
        try:
            await asyncio.shield(connecting)
        except asyncio.CancelledError:
            await asyncio.gather(connecting, return_exceptions=True)
            raise
        yield client
    finally:
        client._client.disconnect()  # noqa: SLF001  # see above
        await asyncio.sleep(0)  # aiomqtt ends its housekeeping in the loop's next round

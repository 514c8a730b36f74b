"""What sensors published when they were recorded, published again to a broker at the same intervals."""

from __future__ import annotations

import asyncio
import socket

import aiomqtt

from drivers.in_flight import in_flight
from drivers.recordings.exchange import Exchange
from drivers.recordings.replay import arrivals
from linectl.errors import Unreachable
from linectl.words import tr

__all__ = ["RecordedSensors"]

_WITHIN_S = 5.0
_KEEPALIVE_S = 5  # none in virtual time: paho counts it by the computer's clock
_AT_ONCE = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)  # else the system holds small messages back
_PAUSE_S = 1.0  # at least, before it begins again


class RecordedSensors:
    """Publishes the messages of a recording, QoS 0, each after the recorded time (times `pace`) from the start.

    What the recorded broker had kept (retained) is published as retained, at once. After the last message, when `done`
    is set, it begins again with the first if `again`: whoever comes late hears all of it.
    """

    def __init__(self, exchange: Exchange, host: str, port: int, *, pace: float = 1.0, again: bool = True) -> None:
        self.messages = tuple(arrivals(exchange.frames))
        self.again = again
        self.published = 0
        self.done = asyncio.Event()
        self.lost = ""  # why nothing is published any more; empty while all is well
        self._host, self._port = host, port
        self._pace = pace
        self._connected = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        """Return the broker and how far it is."""
        return f"<RecordedSensors {self._host}:{self._port} {self.published} of {len(self.messages)} published>"

    async def start(self) -> None:
        """Connect, and publish from now on.

        Raises:
            Unreachable: the broker does not answer.
        """
        self._task = asyncio.create_task(self._run(), name="recorded sensors")
        connected = asyncio.create_task(self._connected.wait())
        try:
            await asyncio.wait({connected, self._task}, timeout=_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            connected.cancel()
            await asyncio.gather(connected, return_exceptions=True)
        if not self._connected.is_set():
            raise Unreachable(
                tr("the broker at {host}:{port} does not answer").format(host=self._host, port=self._port)
            )

    async def stop(self) -> None:
        """Stop publishing."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        client = aiomqtt.Client(
            self._host, self._port, keepalive=_KEEPALIVE_S if in_flight() is None else 0, socket_options=_AT_ONCE
        )
        try:
            async with client:
                self._connected.set()
                await self._publish(client)
        except aiomqtt.MqttError as error:
            self.lost = str(error)

    async def _publish(self, client: aiomqtt.Client) -> None:
        await self._publish_once(client)
        self.done.set()
        while self.again and self.messages:
            await asyncio.sleep(max(_PAUSE_S, self._period_s()))
            await self._publish_once(client)

    async def _publish_once(self, client: aiomqtt.Client) -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        for message in self.messages:
            due_s = began_s + message.t_s * self._pace
            if not message.retained and due_s > loop.time():
                await asyncio.sleep(due_s - loop.time())
            await client.publish(message.topic, message.payload, retain=message.retained)
            self.published += 1

    def _period_s(self) -> float:
        """Return what lies between two messages on the average."""
        last_s = self.messages[-1].t_s * self._pace
        return last_s / max(1, len(self.messages) - 1)

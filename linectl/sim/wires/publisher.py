"""The MQTT client of the simulated sensors: it sends what they have to say to a broker."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence

import aiomqtt

from drivers.frames.payload import Json
from drivers.in_flight import in_flight
from linectl.sim.wires.messages import MessageSource, payload_of
from linectl.sim.wires.trouble import Asked, Trouble

__all__ = ["MqttPublisher"]

_PAUSE_S = 0.5  # before the broker is tried again
_KEEPALIVE_S = 5
# else the kernel keeps a message back until the one before is acknowledged, up to 40 ms by the computer's clock: with a
# clock that jumps, hours
_AT_ONCE = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class MqttPublisher:
    """Sends the sensors' messages to a broker, QoS 0; comes back by itself when the broker was away.

    Words of presence are retained, nothing else is. `trouble` is asked at each message.
    """

    def __init__(
        self,
        source: MessageSource,
        host: str,
        port: int,
        *,
        others: Sequence[MessageSource] = (),
        trouble: Trouble | None = None,
    ) -> None:
        self._sources = (source, *others)
        self._host, self._port = host, port
        self._trouble = trouble
        self._task: asyncio.Task[None] | None = None
        self._client: aiomqtt.Client | None = None
        self._late: set[asyncio.Task[None]] = set()
        self._last: dict[str, bytes] = {}
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

    async def retain(self, topic: str, payload: bytes) -> None:
        """Leave `payload` at the broker, to be given to whoever subscribes; an empty one takes it away again.

        Without a broker nothing happens.
        """
        if self._client is not None:
            with contextlib.suppress(aiomqtt.MqttError):
                await self._client.publish(topic, payload, qos=1, retain=True)

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
        client = aiomqtt.Client(self._host, self._port, keepalive=keepalive_s, socket_options=(_AT_ONCE,))
        async with _connected(client) as client:
            for source in self._sources:
                source.forget()
            self._client = client
            self.connected.set()
            senders = [
                asyncio.create_task(self._send_all(client, source), name="sensors: send") for source in self._sources
            ]
            try:
                async for _ in client.messages:  # nothing is subscribed: this ends when the connection does
                    pass
            finally:
                self._client = None
                ending = [*senders, *self._late]
                for task in ending:
                    task.cancel()
                await asyncio.gather(*ending, return_exceptions=True)

    async def _send_all(self, client: aiomqtt.Client, source: MessageSource) -> None:
        while self._client is client:  # a publish that ends as it is cancelled swallows that (wait_for of Python 3.11)
            for topic, said in await source.next():
                await self._send(client, topic, said)

    async def _send(self, client: aiomqtt.Client, topic: str, said: dict[str, Json] | str) -> None:
        payload, retain = payload_of(said), isinstance(said, str)
        if not self._trouble:
            await client.publish(topic, payload, retain=retain)
            self.published += 1
            return
        meeting = self._trouble.meet(Asked("mqtt", text=topic))
        before = self._last.get(topic, payload)
        self._last[topic] = payload
        after_s = 0.0
        for delay_s, piece in () if meeting.silent else meeting.fate(payload, before).pieces:
            after_s += delay_s
            if after_s:
                self._send_later(client, after_s, topic, piece)
            else:
                await client.publish(topic, piece, retain=retain)
                self.published += 1

    def _send_later(self, client: aiomqtt.Client, after_s: float, topic: str, payload: bytes) -> None:
        async def send() -> None:
            await asyncio.sleep(after_s)
            with contextlib.suppress(aiomqtt.MqttError):
                await client.publish(topic, payload)
                self.published += 1

        task = asyncio.create_task(send(), name="sensors: late")
        self._late.add(task)
        task.add_done_callback(self._late.discard)


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

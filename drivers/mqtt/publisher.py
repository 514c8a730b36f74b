"""Telling a broker something: a few messages now and then, none of which anybody may wait for.

The connection is made when there is something to tell, and given back afterwards. What cannot be told waits: of a
retained topic the newest message alone, of the others the last few.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import aiomqtt

from drivers.errors import LinkDown
from drivers.mqtt.broker import connected, in_words
from drivers.mqtt.newest import NewestWins
from drivers.settings import MqttSettings

__all__ = ["MqttPublisher"]

_PAUSE_S = 5.0  # after a broker that was not there
_LEAST_APART_S = 0.2  # between two connections: messages of one moment go together
_WAITING = 32  # messages that are not retained


class MqttPublisher:
    """Publishes to the broker of `settings`; `failed` is told why, once for each time that it could not.

    The client's name gets `-alarms` behind it: two clients of one name throw each other out.
    """

    def __init__(self, settings: MqttSettings, *, failed: Callable[[str], None] = lambda _why: None) -> None:
        name = f"{settings.identifier}-alarms" if settings.identifier else ""
        self._settings = replace(settings, identifier=name, topics=(), sources={})
        self._failed = failed
        self._retained: OrderedDict[str, bytes] = OrderedDict()
        self._waiting: deque[tuple[str, bytes]] = deque(maxlen=_WAITING)
        self._some = asyncio.Event()
        self._told = asyncio.Event()  # nothing waits
        self._told.set()
        self._task: asyncio.Task[None] | None = None
        self._broken = False

    def __repr__(self) -> str:
        """Return the address, and how much waits."""
        waiting = len(self._retained) + len(self._waiting)
        return f"<MqttPublisher mqtt://{self._settings.host}:{self._settings.port}, {waiting} waiting>"

    def open(self) -> None:
        """Begin to publish what is put."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep(), name="mqtt publisher")

    async def close(self, *, within_s: float = 2.0) -> None:
        """Send what waits, as far as it goes within `within_s` s of loop time, and end."""
        task, self._task = self._task, None
        if task is None:
            return
        if not self._broken:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), within_s)
        task.cancel()
        await asyncio.wait({task})

    def put(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Have `payload` published; returns at once."""
        if retain:
            self._retained[topic] = payload
        else:
            self._waiting.append((topic, payload))
        self._some.set()
        self._told.clear()

    async def _keep(self) -> None:
        while True:
            await self._some.wait()
            try:
                await self._send()
                self._broken = False
                await asyncio.sleep(_LEAST_APART_S)
            except (aiomqtt.MqttError, LinkDown, ValueError) as exc:
                if not self._broken:
                    self._broken = True
                    self._failed(in_words(exc, self._settings))
                await asyncio.sleep(_PAUSE_S)

    async def _send(self) -> None:
        """Send all that waits; what was not acknowledged waits on."""
        async with connected(self._settings, NewestWins()) as client:
            while self._waiting or self._retained:
                if self._waiting:
                    topic, payload = self._waiting[0]
                    await client.publish(topic, payload, qos=1)
                    if self._waiting and self._waiting[0] == (topic, payload):
                        self._waiting.popleft()
                    continue
                topic, payload = next(iter(self._retained.items()))
                await client.publish(topic, payload, qos=1, retain=True)
                if self._retained.get(topic) is payload:
                    del self._retained[topic]
            self._some.clear()
            self._told.set()

"""Sensors behind an MQTT broker (MQTT 3.1.1 or 5): a link that listens, and never writes.

The broker is trusted with nothing: a retained message is no sample, an old one is no sample, its acknowledgement is no
delivery, and after a loss every point is not connected until something live has come.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence

import aiomqtt

from drivers.addresses import mqtt_field
from drivers.errors import LinkDown
from drivers.link import LinkStats, Outcome, Point, Priority, RawReading, RawValue, WriteResult
from drivers.mqtt.broker import connected, in_words, subscribe, topic_filters
from drivers.mqtt.inbox import Inbox
from drivers.mqtt.newest import NewestWins
from drivers.settings import MqttSettings
from drivers.wire_tap import WireTap

__all__ = ["MqttLink"]

_PAUSE_S = (0.5, 1.0)  # between two attempts, jittered: a broker that restarts is not stormed
_SLICE = 32  # messages taken in one go before the rest of the program has its turn
_READ_SLICE = 256  # and before a read; more wait in a flood only (some ms), and the topics are taken in turn


class MqttLink:
    """The sensors of one broker as points; a read returns the last live value at once.

    A point is `name#path` of a sensor of the settings, in its form (`drivers.frames.mqtt_forms`), or `topic#path` of a
    topic with JSON, or a bare topic with a number. The time of a reading is the message's arrival; `fresh_s` is how
    long it is to be believed, by the period of the settings or the one learned from what came. A sensor whose last will
    or availability topic says offline is not connected. Writes are refused: linectl sends no commands over MQTT.

    `tap` has each message as a frame (topic, zero byte, payload), its devices are the sensors; `stats` counts in
    `replies` the messages kept and in `extra` the dropped ones by reason.
    """

    def __init__(self, settings: MqttSettings, *, seed: int = 0) -> None:
        self.settings = settings
        self._jitter = random.Random(f"{seed}/{settings.host}:{settings.port}")  # noqa: S311  # spreads pauses
        self.tap = WireTap()
        self._stats = LinkStats(devices=self.tap.devices)
        self._inbox = Inbox(settings.sources, self._stats, self.tap)
        self._queue: NewestWins | None = None
        self._lost_why = ""
        self._task: asyncio.Task[None] | None = None
        self._open = False

    def __repr__(self) -> str:
        """Return the address and the state."""
        return f"<MqttLink {self._address} {'open' if self._open else 'closed'}, {self._inbox!r}>"

    async def open(self) -> None:
        """Connect and subscribe; afterwards the link comes back by itself until it is closed.

        Raises:
            LinkDown: no broker answers there, or it refuses us or a topic; the message names host and port.
        """
        if self._task is not None:
            return
        first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._keep(first), name=f"mqtt {self._address}")
        try:
            await asyncio.wait({first, self._task}, return_when=asyncio.FIRST_COMPLETED)
            await (first if first.done() else self._task)
        except BaseException:
            first.cancel()
            await self.close()
            raise

    async def close(self) -> None:
        """Disconnect for good."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.wait({task})
        self._lost_why = ""

    async def read(
        self,
        points: Sequence[Point],
        *,
        deadline: float,  # noqa: ARG002  # nothing is waited for: the last live value is here or it is not
        priority: Priority = Priority.READ,  # noqa: ARG002  # the same
    ) -> Mapping[Point, RawReading]:
        """Return the last live value of each point, or why there is none."""
        self._stats.requests += 1
        self._take_all(_READ_SLICE)
        now_s = asyncio.get_running_loop().time()
        return {point: self._reading(point, now_s) for point in points}

    async def write(
        self,
        point: Point,
        value: RawValue,
        *,
        deadline: float,  # noqa: ARG002  # nothing is sent
        priority: Priority = Priority.WRITE,  # noqa: ARG002  # the same
    ) -> WriteResult:
        """Refuse: a sensor's topic is not written."""
        return WriteResult(Outcome.REFUSED, value, None, f"{point.address}: MQTT topics are read only")

    def is_open(self) -> bool:
        """Return whether the broker is connected and has granted all topics."""
        return self._open

    def stats(self) -> LinkStats:
        """Return the counters; `replies` counts the messages kept, `extra` the dropped ones by reason."""
        return self._stats

    @property
    def _address(self) -> str:
        return f"mqtt://{self.settings.host}:{self.settings.port}"

    def _reading(self, point: Point, now_s: float) -> RawReading:
        name, path = mqtt_field(point)
        if not self._open:
            return RawReading(None, "not_connected", f"{self._address}: {self._why_closed()}")
        return self._inbox.reading(name, path, point.kind, now_s)

    def _why_closed(self) -> str:
        task = self._task
        if task is not None and task.done() and not task.cancelled() and task.exception() is not None:
            return f"the link broke down: {task.exception()!r}"  # our mistake, which must not look like a broker's
        return self._lost_why or "closed"

    async def _keep(self, first: asyncio.Future[None]) -> None:
        """Stay connected; the first attempt's end is told through `first`."""
        while True:
            try:
                await self._session(first)
            except (aiomqtt.MqttError, LinkDown, ValueError) as exc:  # ValueError: paho, of an impossible host
                self._lost_why = self._stats.last_error = in_words(exc, self.settings)
                if self._open:
                    self.tap.fault("the broker is lost", asyncio.get_running_loop().time())
                if not first.done():
                    first.set_exception(LinkDown(f"{self._address}: {self._lost_why}"))
                    return
            finally:
                self._open = False
                self._queue = None
                self._inbox.forget()
            await asyncio.sleep(self._jitter.uniform(*_PAUSE_S))

    async def _session(self, first: asyncio.Future[None]) -> None:
        """Connect, subscribe and listen until the broker is lost."""
        topics = topic_filters(self.settings)
        queue = NewestWins()
        async with connected(self.settings, queue) as client:
            await subscribe(client, topics)
            self._queue = queue
            self._open = True
            if first.done():
                self._stats.reconnects += 1
            else:
                first.set_result(None)
            async for _ in client.messages:  # says that something waits
                self._take_all(_SLICE)

    def _take_all(self, most: int) -> None:
        """Take what waits, at most so many messages."""
        queue = self._queue
        if queue is None:
            return
        for _ in range(min(most, queue.qsize())):
            self._inbox.take(queue.take())
        if queue.lost:
            self._inbox.overflowed(queue.lost)
            queue.lost = 0

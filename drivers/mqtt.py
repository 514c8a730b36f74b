"""Sensors behind an MQTT broker (MQTT 3.1.1): a link that listens, and never writes.

The broker is trusted with nothing: a retained message is no sample, an old one is no sample, and after a loss every
point is not connected until something live has come.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

import aiomqtt

from drivers.addresses import mqtt_field
from drivers.errors import LinkDown
from drivers.in_flight import in_flight
from drivers.link import LinkStats, Outcome, Point, Priority, RawReading, RawValue, WriteResult
from drivers.mqtt_inbox import Inbox
from drivers.settings import MqttSettings
from drivers.wire_tap import WireTap

__all__ = ["MqttLink"]

_LOG = logging.getLogger(__name__)
_LOG.addHandler(logging.NullHandler())  # a lost broker is told by `stats`, not on somebody's terminal
_PAUSE_S = (0.5, 1.0)  # between two attempts, jittered: a broker that restarts is not stormed
_ANSWER_S = 2.0  # for the broker's answer to a connect or subscribe
_REFUSED_CODE = 0x80  # MQTT 3.1.1, 3.9.3: the return code of a subscription that failed


class MqttLink:
    """The topics of one broker as points `topic#field`; a read returns the last live value at once.

    The time of a reading is the message's arrival; how old it may be is the consumer's business. Writes are refused:
    linectl sends no commands over MQTT.
    """

    def __init__(self, settings: MqttSettings, *, seed: int = 0) -> None:
        self.settings = settings
        self._jitter = random.Random(f"{seed}/{settings.host}:{settings.port}")  # noqa: S311  # spreads pauses
        self._inbox = Inbox()
        self.tap = WireTap()
        self._stats = LinkStats(devices=self.tap.devices)
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

    async def read(
        self,
        points: Sequence[Point],
        *,
        deadline: float,  # noqa: ARG002  # nothing is waited for: the last live value is here or it is not
        priority: Priority = Priority.READ,  # noqa: ARG002  # the same
    ) -> Mapping[Point, RawReading]:
        """Return the last live value of each point, or why there is none."""
        self._stats.requests += 1
        return {point: self._reading(point) for point in points}

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
        self._stats.extra = dict(self._inbox.counts)
        self._stats.dropped = sum(count for why, count in self._inbox.counts.items() if why != "forgotten_topic")
        return self._stats

    @property
    def _address(self) -> str:
        return f"mqtt://{self.settings.host}:{self.settings.port}"

    def _reading(self, point: Point) -> RawReading:
        topic, path = mqtt_field(point)
        if not self._open:
            return RawReading(None, "not_connected", f"{self._address}: {self._stats.last_error or 'closed'}")
        return self._inbox.reading(topic, path, point.kind)

    async def _keep(self, first: asyncio.Future[None]) -> None:
        """Stay connected; the first attempt's end is told through `first`."""
        while True:
            try:
                await self._session(first)
            except (aiomqtt.MqttError, ValueError) as exc:  # ValueError: paho's word for an impossible host
                self._stats.last_error = str(exc) or type(exc).__name__
                if not first.done():
                    first.set_exception(LinkDown(f"{self._address}: {self._stats.last_error}"))
                    return
            finally:
                self._open = False
                self._inbox.forget()
            await asyncio.sleep(self._jitter.uniform(*_PAUSE_S))

    async def _session(self, first: asyncio.Future[None]) -> None:
        """Connect, subscribe and listen until the broker is lost."""
        async with _connected(self._client()) as client:
            granted = await client.subscribe([(topic, 1) for topic in self.settings.topics])
            refused = [
                topic for topic, code in zip(self.settings.topics, granted, strict=True) if code == _REFUSED_CODE
            ]
            if refused:
                raise aiomqtt.MqttError(f"the broker refuses to send {', '.join(refused)}")
            self._open = True
            if first.done():
                self._stats.reconnects += 1
            else:
                first.set_result(None)
            async for _ in client.messages:  # never yields: each message went to the inbox as it arrived
                pass

    def _client(self) -> aiomqtt.Client:
        settings = self.settings
        return aiomqtt.Client(
            settings.host,
            settings.port,
            identifier=settings.identifier or None,
            username=settings.username or None,
            password=settings.password or None,
            keepalive=_keepalive_s(settings),
            timeout=_ANSWER_S,
            logger=_LOG,
            queue_type=_queue_into(self._take),
        )

    def _take(self, message: aiomqtt.Message) -> None:
        now_s = asyncio.get_running_loop().time()
        if self._inbox.take(message.topic.value, message.payload, retained=message.retain, now_s=now_s):
            self._stats.replies += 1


def _keepalive_s(settings: MqttSettings) -> int:
    """Return the keepalive in s; none on a loop whose clock jumps.

    paho times its pings by the computer's clock, a broker in the same jumping loop its patience by the loop's: hours
    would pass for it between two pings. There both live in one process, and neither can hang alone.
    """
    return settings.keepalive_s if in_flight() is None else 0


def _queue_into(take: Callable[[aiomqtt.Message], None]) -> type[asyncio.Queue[aiomqtt.Message]]:
    """Return a queue for aiomqtt that hands each message over at once: bounded, and the newest is never dropped."""

    class Handover(asyncio.Queue[aiomqtt.Message]):
        def put_nowait(self, item: aiomqtt.Message) -> None:
            take(item)

    return Handover


@asynccontextmanager
async def _connected(client: aiomqtt.Client) -> AsyncIterator[aiomqtt.Client]:
    """Connect `client` for the time of the block; its socket is closed whatever happens.

    aiomqtt leaves the socket open when the broker does not answer a connect, when the connecting is cancelled and
    when reading failed; it has no public way to close it, hence paho's `disconnect` below it. A client is used once:
    after a loss aiomqtt takes the old answer to a connect for the new one.
    """
    paho = client._client  # noqa: SLF001  # see above
    paho.connect_timeout = _ANSWER_S
    connecting = asyncio.create_task(client.__aenter__())
    try:
        await _finish(connecting)  # a thread connects: it cannot be cancelled, and must not end behind our back
        yield client
    finally:
        paho.disconnect()
        await asyncio.sleep(0)  # aiomqtt ends its housekeeping task in the loop's next round


async def _finish(task: asyncio.Task[aiomqtt.Client]) -> None:
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        with suppress(aiomqtt.MqttError):
            await task
        raise

"""The rig's MQTT side: room climate every 30 s, and a camera that tells of each bottle's label.

What is published and when is decided without I/O (`Sensors.due`); a publisher sends it to a broker, and the rig
without wires keeps the last message of each topic. A camera frame is taken a tenth of a second of process time after
each whole second, so that what it shows is never taken at the instant at which others read.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, datetime
from math import ceil, floor, pi, sin

import aiomqtt

from drivers.frames.payload import Json
from drivers.in_flight import in_flight
from linectl.clock.wall import Clock
from linectl.sim.plant import noise
from linectl.sim.twin import Twin
from linectl.units import NS_PER_S

__all__ = ["CLIMATE_TOPIC", "Message", "MqttPublisher", "SensorTicker", "Sensors", "label_topic"]

CLIMATE_TOPIC = "sensors/room/climate"
PERIOD_S = 30.0
FRAME_AFTER_S = 0.1
ROOM_SWING_K = 0.5  # the room warms and cools with its heating
ROOM_SWING_S = 7200.0
ROOM_NOISE_K = 0.05
HUMIDITY_NOISE_PCT = 0.3
_PAUSE_S = 0.5  # before the broker is tried again
_KEEPALIVE_S = 5
_SLACK_S = 1e-6

Message = tuple[str, dict[str, Json]]


def label_topic(position: int) -> str:
    """Return the topic of the camera's word on `position` (from 1)."""
    return f"sensors/camera/label/{position}"


class Sensors:
    """What the room's and the camera's electronics say, as a function of the plant and of what they said before."""

    def __init__(self, twin: Twin) -> None:
        self._twin = twin
        self._seq: dict[str, int] = {}
        self._climate_s: float | None = None
        self._labels: dict[int, tuple[bool | None, float]] = {}  # position -> what was said, when (process s)

    def __repr__(self) -> str:
        """Return how many positions are spoken of."""
        return f"<Sensors {len(self._labels)} positions>"

    def forget(self) -> None:
        """Say everything again: the broker is a new one, or was away."""
        self._climate_s = None
        self._labels = dict.fromkeys(self._labels, (None, -PERIOD_S))

    def climate_due_s(self) -> float:
        """Return the process time at which the room's climate is to be said next."""
        return 0.0 if self._climate_s is None else self._climate_s + PERIOD_S

    def busy(self) -> bool:
        """Return whether the camera has something to watch, or a leaving bottle to tell of."""
        return self._twin.occupied or bool(self._labels)

    def due(self, process_s: float, now_ns: int) -> list[Message]:
        """Return what is to be said at `process_s` (the plant was advanced to there), with the wall time `now_ns`."""
        messages: list[Message] = []
        if process_s >= self.climate_due_s() - _SLACK_S:
            self._climate_s = process_s
            messages.append(self._message(CLIMATE_TOPIC, self._climate(process_s), now_ns))
        for position, attached in enumerate(self._twin.attached(), start=1):
            before = self._labels.get(position)
            if self._worth_saying(before, attached, process_s):
                said: dict[str, Json] = {"position": position, "attached": attached}
                messages.append(self._message(label_topic(position), said, now_ns))
                if attached is None:
                    del self._labels[position]
                else:
                    self._labels[position] = (attached, process_s)
        return messages

    @staticmethod
    def _worth_saying(before: tuple[bool | None, float] | None, attached: bool | None, process_s: float) -> bool:
        if before is None:
            return attached is not None
        said, said_s = before
        return said is not attached or process_s - said_s >= PERIOD_S - _SLACK_S

    def _climate(self, process_s: float) -> dict[str, Json]:
        twin, second = self._twin, floor(process_s)
        temperature_c = twin.plant.params.room_c + ROOM_SWING_K * sin(2.0 * pi * second / ROOM_SWING_S)
        humidity_pct = twin.plant.params.humidity_pct
        return {
            "temperature": round(temperature_c + noise(twin.seed, "room", second, ROOM_NOISE_K), 2),
            "humidity": round(humidity_pct + noise(twin.seed, "humidity", second, HUMIDITY_NOISE_PCT), 1),
        }

    def _message(self, topic: str, said: dict[str, Json], now_ns: int) -> Message:
        seq = self._seq[topic] = self._seq.get(topic, 0) + 1
        return topic, {**said, "seq": seq, "ts": _iso(now_ns)}


class SensorTicker:
    """Wakes the sensors: each second while bottles are in, else for the climate alone."""

    def __init__(self, sensors: Sensors, clock: Clock, advance: Callable[[], None]) -> None:
        self.sensors = sensors
        self._clock = clock
        self._advance = advance
        self._hands = asyncio.Event()
        self._taken_s = -1.0  # process time of the last frame

    def bottles_moved(self) -> None:
        """End a long sleep: a bottle went in or out."""
        self._hands.set()

    async def next(self) -> list[Message]:
        """Wait for the next moment at which something may be due; return what is to be said then, perhaps nothing."""
        frame_s = self._next_frame_s()
        if not self.sensors.busy():
            await self._sleep_until_bottles(max(frame_s, self.sensors.climate_due_s()))
            frame_s = self._next_frame_s()
        await self._clock.sleep_until(frame_s)
        self._taken_s = frame_s
        self._advance()
        return self.sensors.due(self._clock.process_s(), self._clock.now_ns())

    def _next_frame_s(self) -> float:
        """Return the process time of the next frame: one due at this very moment counts, unless it was taken."""
        frame_s = ceil(self._clock.process_s() - FRAME_AFTER_S - _SLACK_S) + FRAME_AFTER_S
        return frame_s if frame_s > self._taken_s + _SLACK_S else self._taken_s + 1.0

    async def _sleep_until_bottles(self, process_s: float) -> None:
        """Sleep until `process_s`, or until hands move a bottle."""
        self._hands.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self._clock.loop_s(process_s)):
                await self._hands.wait()


class MqttPublisher:
    """Sends the sensors' messages to a broker, QoS 0, not retained; comes back by itself when the broker was away."""

    def __init__(self, ticker: SensorTicker, host: str, port: int) -> None:
        self._ticker = ticker
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
            self._ticker.sensors.forget()
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
            await self._send(client, await self._ticker.next())

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


def _iso(now_ns: int) -> str:
    seconds, rest_ns = divmod(now_ns, NS_PER_S)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest_ns // 1_000_000:03d}Z"

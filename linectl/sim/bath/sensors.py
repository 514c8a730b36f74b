"""The rig's MQTT side: room climate every 30 s, and a camera that tells of each bottle's label.

What is published and when is decided without I/O (`Sensors.due`); a publisher sends it to a broker, and the rig
without wires keeps the last message of each topic. A camera frame is taken a tenth of a second of process time after
each whole second, so that what it shows is never taken at the instant at which others read.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from math import ceil, floor, pi, sin

from drivers.frames.payload import Json
from linectl.clock.wall import Clock
from linectl.sim.bath.twin import Twin
from linectl.sim.noise import noise
from linectl.sim.wires.messages import Message
from linectl.units import NS_PER_S, s_to_ns

__all__ = ["CLIMATE_TOPIC", "SensorTicker", "Sensors", "label_topic"]

CLIMATE_TOPIC = "sensors/room/climate"
PERIOD_S = 30.0
FRAME_AFTER_S = 0.1
ROOM_SWING_K = 0.5  # the room warms and cools with its heating
ROOM_SWING_S = 7200.0
ROOM_NOISE_K = 0.05
HUMIDITY_NOISE_PCT = 0.3
_SLACK_S = 1e-6


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

    def looks(self) -> bool:
        """Return whether what is said next depends on how far the plant is: the room's climate alone does not."""
        return self.busy() or bool(self._twin.defects)

    def due(self, process_s: float, now_ns: int) -> list[Message]:
        """Return what is to be said at `process_s` (wall time `now_ns`); the plant is there, if any of it `looks`."""
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
        ahead_s = self._twin.defects.shown("sensors.clock", 0.0, self._twin.plant.time_s) or 0.0
        return topic, {**said, "seq": seq, "ts": _iso(now_ns + s_to_ns(ahead_s))}


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

    def forget(self) -> None:
        """Say everything again: the broker is a new one, or was away."""
        self.sensors.forget()

    async def next(self) -> list[Message]:
        """Wait for the next moment at which something may be due; return what is to be said then, perhaps nothing."""
        frame_s = self._next_frame_s()
        if not self.sensors.busy():
            await self._sleep_until_bottles(max(frame_s, self.sensors.climate_due_s()))
            frame_s = self._next_frame_s()
        await self._clock.sleep_until(frame_s)
        self._taken_s = frame_s
        if self.sensors.looks():
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


def _iso(now_ns: int) -> str:
    seconds, rest_ns = divmod(now_ns, NS_PER_S)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest_ns // 1_000_000:03d}Z"

"""A recorded exchange as a link: the real driver, with the recording in place of the device."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from itertools import pairwise
from typing import Any

from drivers.addresses import mqtt_field
from drivers.errors import BadReply, LinkDown
from drivers.frames.mqtt_forms import of_frame
from drivers.frames.payload import SIZE_LIMIT
from drivers.link import Link, LinkStats, Outcome, Point, Priority, RawReading, RawValue, WriteResult
from drivers.mqtt.inbox import Inbox
from drivers.mqtt.newest import Arrival
from drivers.recordings.exchange import Exchange
from drivers.recordings.stream import AtEnd, Replay, ReplayStream
from drivers.settings import LinkSettings, ModbusRtuSettings, MqttSettings
from drivers.wire_tap import Direction, Frame, WireTap

__all__ = ["AtEnd", "Replay", "ReplayLink", "ReplayStream", "arrivals"]

_DRIVERS = {  # module, class, and its word for what opens the wire
    "modbus_tcp": ("drivers.modbus.link", "ModbusLink", "open_stream"),
    "modbus_rtu": ("drivers.modbus.link", "ModbusLink", "open_stream"),
    "ezo": ("drivers.instruments.ezo", "EzoLink", "opener"),
    "sics": ("drivers.instruments.sics", "SicsLink", "opener"),
    "circulator": ("drivers.instruments.circulator", "CirculatorLink", "opener"),
}


class ReplayLink:
    """A `Link` that plays an exchange file through the driver that it was recorded from.

    `settings` replace those of the recording. `pace` 0 answers at once, 1 as the device did; None is 0 for devices that
    are asked, and 1 for sensors that speak by themselves (MQTT), whose messages begin to come when the link is opened.
    What cannot come late needs no long quarantine: at pace 0 an RTU line is given one of a millisecond. `replay` knows
    which requests the recording did not hold; it is None for MQTT.

    Raises:
        BadExchange: the recording is of a link in memory.
    """

    def __init__(
        self,
        exchange: Exchange,
        *,
        settings: LinkSettings | None = None,
        pace: float | None = None,
        at_end: AtEnd = AtEnd.REPEAT,
        seed: int = 0,
    ) -> None:
        self.exchange = exchange
        self.replay: Replay | None = None
        settings = settings or exchange.header.link_settings()
        if isinstance(settings, MqttSettings):
            self._link: Link = _Messages(settings, exchange.frames, 1.0 if pace is None else pace)
        else:
            self.replay = Replay(exchange, pace=pace or 0.0, at_end=at_end)
            self._link = _driver(exchange.header.kind, settings if pace else _in_haste(settings), self.replay, seed)
        self.tap = self._link.tap

    def __repr__(self) -> str:
        """Return the driver's state and what is played to it."""
        return f"<ReplayLink {self.replay or self.exchange.header.device}: {self._link!r}>"

    async def open(self) -> None:
        """Open the driver on the recording.

        Raises:
            LinkDown: the recording does not hold what the driver asks of a device before it trusts it.
        """
        await self._link.open()

    async def close(self) -> None:
        """Close the driver."""
        await self._link.close()

    async def read(
        self, points: Sequence[Point], *, deadline: float, priority: Priority = Priority.READ
    ) -> Mapping[Point, RawReading]:
        """Return what the driver reads from the recording."""
        return await self._link.read(points, deadline=deadline, priority=priority)

    async def write(
        self, point: Point, value: RawValue, *, deadline: float, priority: Priority = Priority.WRITE
    ) -> WriteResult:
        """Return how the write ended that the recording holds; one that it does not hold is not answered."""
        return await self._link.write(point, value, deadline=deadline, priority=priority)

    def is_open(self) -> bool:
        """Return whether the driver has found its device in the recording."""
        return self._link.is_open()

    def stats(self) -> LinkStats:
        """Return the driver's counters."""
        return self._link.stats()


def _driver(kind: str, settings: LinkSettings, replay: Replay, seed: int) -> Link:
    """Return the driver for `kind`, which opens the recording where it would open its wire."""
    module, name, opener = _DRIVERS[kind]
    link: Link = getattr(import_module(module), name)(settings, seed=seed, **{opener: replay.open_stream})
    return link


def _in_haste(settings: Any) -> Any:
    return replace(settings, window_s=0.001, adapter_latency_s=0.0) if type(settings) is ModbusRtuSettings else settings


class _Messages:
    """A `Link` that takes recorded messages into the inbox of the MQTT driver, each at its time since the opening."""

    def __init__(self, settings: MqttSettings, frames: Sequence[Frame], pace: float) -> None:
        self.tap = WireTap()
        self._stats = LinkStats(devices=self.tap.devices)
        self._inbox = Inbox(settings.sources, self._stats, self.tap)
        self._arrivals = list(arrivals(frames))
        self._pace = pace
        self._opened_s = 0.0
        self._open = False
        self._timer: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        """Return the state and what is known."""
        return f"<recorded messages {'open' if self._open else 'closed'}, {self._inbox!r}>"

    async def open(self) -> None:
        if not self._open:
            self._open = True
            self._opened_s = asyncio.get_running_loop().time()
            self._come(0)

    async def close(self) -> None:
        self._open = False
        if self._timer is not None:
            self._timer.cancel()
        self._inbox.forget()

    async def read(
        self,
        points: Sequence[Point],
        *,
        deadline: float,  # noqa: ARG002  # nothing is waited for
        priority: Priority = Priority.READ,  # noqa: ARG002  # the same
    ) -> Mapping[Point, RawReading]:
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
        return WriteResult(Outcome.REFUSED, value, None, f"{point.address}: MQTT topics are read only")

    def is_open(self) -> bool:
        return self._open

    def stats(self) -> LinkStats:
        return self._stats

    def _reading(self, point: Point) -> RawReading:
        name, path = mqtt_field(point)
        if not self._open:
            return RawReading(None, "not_connected", str(LinkDown("the recording is closed")))
        return self._inbox.reading(name, path, point.kind, asyncio.get_running_loop().time())

    def _come(self, at: int) -> None:
        """Take the messages that are due, and wait for the next one."""
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        for number, arrival in enumerate(self._arrivals[at:], at):
            due_s = self._opened_s + arrival.t_s * self._pace
            if due_s > now_s:
                self._timer = loop.call_at(due_s, self._come, number)
                return
            self._inbox.take(replace(arrival, t_s=due_s))
        self._timer = None


def arrivals(frames: Sequence[Frame]) -> Iterator[Arrival]:
    """Yield the recorded messages in the order of their arrival, in which the driver need not have taken them.

    One that concerned several sensors stands there once for each.
    """
    came = sorted((frame for frame in frames if frame.direction is Direction.RECEIVED), key=lambda frame: frame.t_s)
    for before, frame in pairwise((None, *came)):
        assert frame is not None
        again = before is not None and before.device != frame.device
        if again and before is not None and (before.t_s, before.data) == (frame.t_s, frame.data):
            continue
        try:
            topic, payload = of_frame(frame.data)
        except BadReply:
            continue  # nothing that the driver noted
        size = SIZE_LIMIT + 1 if frame.note.startswith("oversize") else len(payload)
        yield Arrival(topic, payload, frame.t_s, frame.note.startswith("retained"), size)

"""What the tests of the MQTT link share: a link on a broker, its readings, and sensors that publish."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol, Self

import aiomqtt

from drivers.link import Point, RawReading
from drivers.mqtt.link import MqttLink
from drivers.settings import MqttSettings

TOPIC = "sensors/room/climate"
TEMPERATURE = Point(f"{TOPIC}#temperature", "float")
LABEL = Point("sensors/camera/label/1#attached", "bool")


class Broker(Protocol):
    host: str
    port: int

    async def start(self) -> None: ...
    def stop(self, how: signal.Signals = ...) -> None: ...
    def freeze(self) -> None: ...
    def thaw(self) -> None: ...


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@asynccontextmanager
async def opened(port: int, **settings: Any) -> AsyncIterator[MqttLink]:
    link = MqttLink(MqttSettings("127.0.0.1", port, **settings))
    await link.open()
    try:
        yield link
    finally:
        await link.close()


async def read(link: MqttLink, point: Point = TEMPERATURE) -> RawReading:
    now = asyncio.get_running_loop().time()
    return (await link.read([point], deadline=now + 0.5))[point]


async def until(
    link: MqttLink, wanted: Callable[[RawReading], bool], within_s: float, point: Point = TEMPERATURE
) -> float:
    """Wait for a reading; return how long it took, in s."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    while not wanted(reading := await read(link, point)):
        assert loop.time() - started < within_s, f"still {reading} after {within_s} s"
        await asyncio.sleep(0.01)
    return loop.time() - started


def says(value: object) -> Callable[[RawReading], bool]:
    return lambda reading: reading.value == value


def lacks(reason: str) -> Callable[[RawReading], bool]:
    return lambda reading: reading.value is None and reading.reason == reason


async def publish(broker: Broker, *payloads: object, topic: str = TOPIC, retain: bool = False) -> None:
    async with aiomqtt.Client(broker.host, broker.port) as client:
        for payload in payloads:
            raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
            await client.publish(topic, raw, qos=1, retain=retain)


@asynccontextmanager
async def sensor(broker: Broker, period_s: float = 0.05) -> AsyncIterator[None]:
    """Publish rising temperatures for ever, whatever becomes of the broker."""

    async def keep_publishing() -> None:
        seq = 0
        while True:
            try:
                async with aiomqtt.Client(broker.host, broker.port, timeout=1) as client:
                    while True:
                        seq += 1
                        await client.publish(TOPIC, json.dumps({"temperature": 20 + seq, "seq": seq}))
                        await asyncio.sleep(period_s)
            except aiomqtt.MqttError:
                await asyncio.sleep(0.05)

    task = asyncio.create_task(keep_publishing())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


class Flood:
    """A publisher as fast as a socket (QoS 0, MQTT 3.1.1 written by hand): the wire's two sides share one process."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(self._broker.host, self._broker.port)
        self._writer.write(
            bytes.fromhex("100e 0004 4d515454 04 02 0000 0002 6666")
        )  # connect "ff", clean, no keepalive
        assert await self._reader.readexactly(4) == bytes.fromhex("20020000")
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self._writer.write(b"\xe0\x00")
        self._writer.close()
        await self._writer.wait_closed()

    async def send(self, topic: str, numbers: range, *, per_s: float) -> None:
        """Publish each number as plain text, in bursts of 10 ms."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        burst = max(1, int(per_s / 100))
        for first in range(0, len(numbers), burst):
            part = numbers[first : first + burst]
            self._writer.write(b"".join(_published(topic, str(number)) for number in part))
            await self._writer.drain()
            await asyncio.sleep(max(0.0, started + (first + burst) / per_s - loop.time()))


def _published(topic: str, text: str) -> bytes:
    body = len(topic).to_bytes(2, "big") + topic.encode() + text.encode()
    assert len(body) < 128
    return b"\x30" + bytes([len(body)]) + body

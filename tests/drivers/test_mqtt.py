"""Sensors behind a real broker: what is fresh, and how soon a loss and a return are noticed."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol

import aiomqtt
import pytest
from amqtt.broker import Broker as EmbeddedBroker

from drivers.errors import BadAddress, LinkDown
from drivers.link import Link, Outcome, Point, RawReading
from drivers.mqtt import MqttLink
from drivers.settings import MqttSettings
from linectl.clock import VirtualTimeLoop

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


async def test_it_is_a_link() -> None:
    link = MqttLink(MqttSettings("127.0.0.1", 1))
    assert isinstance(link, Link)
    assert not link.is_open()
    assert (await read(link)).reason == "not_connected"
    assert repr(link) == "<MqttLink mqtt://127.0.0.1:1 closed, <Inbox 0 topics, {}>>"
    await link.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "", "no.such.host.invalid"])
async def test_without_a_broker_the_address_is_named(host: str) -> None:
    port = free_port()
    link = MqttLink(MqttSettings(host, port))
    with pytest.raises(LinkDown, match=f"mqtt://{host}:{port}"):
        await link.open()
    await link.close()


async def test_a_server_that_never_answers_is_no_broker() -> None:
    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(LinkDown, match=f"mqtt://127.0.0.1:{port}"):
        await MqttLink(MqttSettings("127.0.0.1", port)).open()
    server.close()
    await server.wait_closed()


async def test_closing_in_the_midst_of_connecting_leaves_nothing_behind() -> None:
    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    link = MqttLink(MqttSettings("127.0.0.1", server.sockets[0].getsockname()[1]))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await link.open()
    assert not link.is_open()
    server.close()
    await server.wait_closed()


@pytest.mark.broker
async def test_a_live_message_becomes_a_reading(mosquitto: Broker) -> None:
    async with opened(mosquitto.port) as link:
        assert link.is_open()
        assert (await read(link)).reason == "waiting_for_initial_data"
        before = asyncio.get_running_loop().time()
        await publish(mosquitto, {"temperature": 20.1, "humidity": 48.0, "seq": 1, "ts": "2026-01-01T00:00:01.500Z"})
        await until(link, says(20.1), 5)
        reading = await read(link)
        assert before <= reading.t_reply_s <= asyncio.get_running_loop().time()
        assert reading.t_request_s == reading.t_reply_s
        assert reading.source_ns == 1_767_225_601_500_000_000
        assert (await read(link, Point(f"{TOPIC}#humidity", "float"))).value == 48.0
        assert (await read(link, Point(f"{TOPIC}#pressure", "float"))).reason == "bad_reply"
        assert link.stats().replies == 1


@pytest.mark.broker
async def test_null_is_out_of_service(mosquitto: Broker) -> None:
    async with opened(mosquitto.port, topics=("sensors/camera/#", TOPIC)) as link:
        await publish(mosquitto, {"position": 1, "attached": True, "seq": 1}, topic="sensors/camera/label/1")
        await until(link, says(True), 5, LABEL)
        await publish(mosquitto, {"position": 1, "attached": None, "seq": 2}, topic="sensors/camera/label/1")
        await until(link, lacks("out_of_service"), 5, LABEL)


@pytest.mark.broker
@pytest.mark.fault("F19")
async def test_a_retained_message_is_never_fresh(mosquitto: Broker) -> None:
    await publish(mosquitto, {"temperature": 99.9}, retain=True)
    async with opened(mosquitto.port) as link:
        await until(link, lambda _: link.stats().extra == {"retained": 1}, 5)
        assert lacks("waiting_for_initial_data")(await read(link))
        await publish(mosquitto, {"temperature": 20.5})
        await until(link, says(20.5), 5)


@pytest.mark.broker
async def test_the_same_message_unretained_is_fresh(mosquitto: Broker) -> None:
    async with opened(mosquitto.port) as link:
        await publish(mosquitto, {"temperature": 99.9}, retain=True)  # we were there: it comes to us live
        await until(link, says(99.9), 5)


@pytest.mark.broker
@pytest.mark.fault("F20")
async def test_hostile_payloads_are_dropped_and_counted(mosquitto: Broker) -> None:
    hostile = [
        b'{"temperature": NaN}',
        b'{"temperature": 1e999}',
        b"[" * 2000 + b"]" * 2000,
        b'{"temperature": "\xff\xfe"}',
        b"",
        b'{"temperature": ' + b"9" * 400 + b"}",
    ]
    async with opened(mosquitto.port) as link:
        await publish(mosquitto, {"temperature": 20.5}, *hostile, b'{"temperature": 1' + b" " * 5000 + b"}")
        await until(link, lambda _: link.stats().dropped == 7, 5)
        assert link.stats().extra == {"bad_payload": 6, "oversize": 1}
        assert (await read(link)).value == 20.5


@pytest.mark.broker
@pytest.mark.fault("F21")
async def test_a_flood_ends_with_the_newest_value(mosquitto: Broker) -> None:
    async with opened(mosquitto.port) as link:
        flood = [{"temperature": float(seq), "seq": seq} for seq in range(1, 2001)]
        await publish(mosquitto, *flood, {"temperature": 5.0, "seq": 5})
        await until(link, lambda _: link.stats().extra == {"late": 1}, 20)
        assert (await read(link)).value == 2000.0
        assert link.stats().replies == 2000


@pytest.mark.broker
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.fault("F17")
async def test_a_broker_that_dies_and_comes_back(mosquitto: Broker, how: signal.Signals) -> None:
    async with opened(mosquitto.port) as link, sensor(mosquitto):
        await until(link, lambda reading: reading.value is not None, 5)
        mosquitto.stop(how)
        assert await until(link, lacks("not_connected"), 10) <= 1.0
        assert not link.is_open()
        assert f"mqtt://127.0.0.1:{mosquitto.port}" in (await read(link)).detail
        await asyncio.sleep(1.2)
        assert lacks("not_connected")(await read(link))
        await mosquitto.start()
        await until(link, lambda reading: reading.value is not None, 15)  # usually within 1.1 s
        assert link.stats().reconnects == 1


@pytest.mark.broker
async def test_after_a_loss_the_old_value_is_not_fresh(mosquitto: Broker) -> None:
    async with opened(mosquitto.port) as link:
        await publish(mosquitto, {"temperature": 20.5, "seq": 900})
        await until(link, says(20.5), 5)
        mosquitto.stop()
        await until(link, lacks("not_connected"), 10)
        await mosquitto.start()
        await until(link, lacks("waiting_for_initial_data"), 15)
        await publish(mosquitto, {"temperature": 20.6, "seq": 1})  # the sensor started again too
        await until(link, says(20.6), 5)


@pytest.mark.broker
@pytest.mark.fault("F18")
async def test_a_broker_that_freezes_and_thaws(mosquitto: Broker) -> None:
    async with opened(mosquitto.port, keepalive_s=2) as link, sensor(mosquitto):
        await until(link, lambda reading: reading.value is not None, 5)
        mosquitto.freeze()
        await until(link, lacks("not_connected"), 20)  # usually after twice the keepalive: 4 s
        mosquitto.thaw()
        await until(link, lambda reading: reading.value is not None, 20)


@pytest.mark.broker
async def test_closing_on_a_frozen_broker_does_not_hang(mosquitto: Broker) -> None:
    loop = asyncio.get_running_loop()
    async with opened(mosquitto.port):
        mosquitto.freeze()
        started = loop.time()
    assert loop.time() - started < 5


@pytest.mark.broker
async def test_nothing_is_written(mosquitto: Broker) -> None:
    async with opened(mosquitto.port) as link:
        result = await link.write(TEMPERATURE, 1.0, deadline=0)
        assert result.outcome is Outcome.REFUSED
        assert "read only" in result.detail


@pytest.mark.broker
async def test_a_topic_that_is_no_address_is_the_programs_fault(mosquitto: Broker) -> None:
    async with opened(mosquitto.port) as link:
        with pytest.raises(BadAddress):
            await read(link, Point("#temperature", "float"))


def embedded(port: int) -> EmbeddedBroker:
    listener = {"type": "tcp", "bind": f"127.0.0.1:{port}"}
    plugins = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    return EmbeddedBroker({"listeners": {"default": listener}, "plugins": plugins})


async def soak(hours: float, messages: int) -> tuple[int, float, int]:
    """Listen to an embedded broker on the jumping clock; return messages kept, the last value and the losses."""
    port = free_port()
    broker = embedded(port)
    await broker.start()
    async with opened(port) as link, aiomqtt.Client("127.0.0.1", port, keepalive=0) as client:
        for seq in range(messages):
            await client.publish(TOPIC, json.dumps({"temperature": 20 + seq / 1000, "seq": seq}))
            await asyncio.sleep(hours * 3600 / messages)
        kept, losses = link.stats().replies, link.stats().reconnects
        last = (await read(link)).value
        assert [session.keep_alive for session, _ in broker._sessions.values()] == [0, 0]
    await broker.shutdown()
    assert isinstance(last, float)
    return kept, last, losses


async def test_on_an_ordinary_clock_the_keepalive_is_the_settings() -> None:
    port = free_port()
    broker = embedded(port)
    await broker.start()
    async with opened(port, keepalive_s=7) as link:
        assert [session.keep_alive for session, _ in broker._sessions.values()] == [7]
        await link.close()
        assert not link.is_open()
        await link.open()
        assert link.is_open()
    await broker.shutdown()


def test_an_hour_on_a_jumping_clock_loses_no_message() -> None:
    started = time.monotonic()
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        kept, last, losses = runner.run(soak(hours=1, messages=2400))
    assert (kept, losses) == (2400, 0)
    assert last == pytest.approx(22.399)
    assert time.monotonic() - started < 60  # usually about 1 s

"""Sensors behind a real broker: what is fresh, and how soon a loss and a return are noticed."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import time

import aiomqtt
import pytest
from amqtt.broker import Broker as EmbeddedBroker

from drivers.errors import BadAddress, LinkDown
from drivers.link import Link, Outcome, Point
from drivers.mqtt.link import MqttLink
from drivers.settings import MqttSettings, MqttSource
from linectl.clock import VirtualTimeLoop
from tests.drivers.mqtt_bench import (
    LABEL,
    TEMPERATURE,
    TOPIC,
    Broker,
    free_port,
    lacks,
    opened,
    publish,
    read,
    says,
    sensor,
    until,
)


async def test_it_is_a_link() -> None:
    link = MqttLink(MqttSettings("127.0.0.1", 1))
    assert isinstance(link, Link)
    assert not link.is_open()
    assert (await read(link)).reason == "not_connected"
    assert repr(link) == "<MqttLink mqtt://127.0.0.1:1 closed, <Inbox 0 read, 0 others, {}>>"
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
        try:
            await _reader.read()
        finally:
            writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(LinkDown, match=f"mqtt://127.0.0.1:{port}"):
        await MqttLink(MqttSettings("127.0.0.1", port)).open()
    server.close()
    await server.wait_closed()


async def test_closing_in_the_midst_of_connecting_leaves_nothing_behind() -> None:
    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _reader.read()
        finally:
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


BATH = Point("bath#DS18B20.Temperature", "float")
LIVE = {"DS18B20": {"Temperature": 71.2}, "TempUnit": "C"}


@pytest.mark.broker
async def test_a_sensor_is_away_with_its_last_will_and_waits_for_a_sample_when_it_is_back(mosquitto: Broker) -> None:
    sources = {"bath": MqttSource("bath", "tasmota", 300.0)}
    will = aiomqtt.Will("tele/bath/LWT", "Offline", qos=1, retain=True)
    device = aiomqtt.Client(mosquitto.host, mosquitto.port, will=will)
    await device.__aenter__()
    await device.publish("tele/bath/LWT", "Online", qos=1, retain=True)
    await device.publish("tele/bath/SENSOR", json.dumps(LIVE), qos=1, retain=True)
    async with opened(mosquitto.port, topics=(), sources=sources) as link:
        await until(link, lambda _: link.stats().extra == {"retained": 1}, 5, BATH)
        assert lacks("waiting_for_initial_data")(await read(link, BATH))
        await device.publish("tele/bath/SENSOR", json.dumps(LIVE), qos=1)
        await until(link, says(71.2), 5, BATH)
        assert (await read(link, BATH)).fresh_s == 750.0
        device._client.socket().shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]  # no goodbye: the will is sent
        await until(link, lacks("not_connected"), 5, BATH)
        assert "tele/bath/LWT says offline" in (await read(link, BATH)).detail
        async with opened(mosquitto.port, topics=(), sources=sources) as another:  # retained: away from the beginning
            await until(another, lacks("not_connected"), 5, BATH)
        await publish(mosquitto, b"Online", topic="tele/bath/LWT", retain=True)
        await until(link, lacks("waiting_for_initial_data"), 5, BATH)
        await publish(mosquitto, LIVE, topic="tele/bath/SENSOR")
        await until(link, says(71.2), 5, BATH)
        assert link.tap.devices["bath"].replies > 0
    assert device._disconnected.exception() is not None


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
        assert link.stats().extra == {
            "not_finite": 2,
            "too_deep": 1,
            "bad_utf8": 1,
            "bad_json": 1,
            "bad_number": 1,
            "oversize": 1,
        }
        assert (await read(link)).value == 20.5
        assert link.stats().bad_replies == 7
        assert link.stats().last_error == f"{TOPIC}: 5018 bytes, at most 4096 are read"
        assert link.tap.devices[TOPIC].dropped == 7


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
        (dump,) = link.tap.dumps
        assert dump.why == "the broker is lost"
        assert dump.frames[-1].data.startswith(f'{TOPIC}\0{{"temperature": '.encode())


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


async def slow_sensor() -> list[float | None]:
    """Listen to a sensor of 300 s on the jumping clock; return how long it is believed after each message."""
    port = free_port()
    broker = embedded(port)
    await broker.start()
    believed = []
    point = Point("slow#DS18B20.Temperature", "float")
    async with (
        opened(port, topics=(), sources={"slow": MqttSource("tele/bath/SENSOR")}) as link,
        aiomqtt.Client("127.0.0.1", port, keepalive=0) as client,
    ):
        for count in range(1, 7):
            await client.publish("tele/bath/SENSOR", json.dumps(LIVE))
            while link.stats().replies < count:
                await asyncio.sleep(0.01)
            for _ in range(300):  # the broker has its own patience for what is under way
                await asyncio.sleep(1.0)
            believed.append((await read(link, point)).fresh_s)
    await broker.shutdown()
    return believed


def test_the_period_of_a_sensor_is_learned_from_what_comes() -> None:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        believed = runner.run(slow_sensor())
    assert believed[:2] == [None, None]  # one interval is no period
    assert believed[2:] == pytest.approx([750.0] * 4, rel=0.2)  # the clock jumps while a socket is waited for


def test_an_hour_on_a_jumping_clock_loses_no_message() -> None:
    started = time.monotonic()
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        kept, last, losses = runner.run(soak(hours=1, messages=2400))
    assert (kept, losses) == (2400, 0)
    assert last == pytest.approx(22.399)
    assert time.monotonic() - started < 60  # usually about 1 s

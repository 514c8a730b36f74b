from __future__ import annotations

import asyncio
import json

import aiomqtt
import pytest

from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeLoop
from linectl.sim.bath.physics import BathParams, filled
from linectl.sim.bath.sensors import CLIMATE_TOPIC, Sensors, SensorTicker, label_topic
from linectl.sim.bath.twin import Twin
from linectl.sim.wires.broker import EmbeddedBroker
from linectl.sim.wires.messages import Message
from linectl.sim.wires.publisher import MqttPublisher


def _twin(seed: int = 1) -> Twin:
    params = BathParams()
    return Twin(params, seed, initial=filled(params, temperature_c=80.0, naoh_pct=1.5))


def _watch(twin: Twin, sensors: Sensors, begin: int, end: int) -> list[tuple[int, Message]]:
    said = []
    for second in range(begin, end):
        twin.advance(float(second))
        said += [(second, message) for message in sensors.due(second + 0.1, VIRTUAL_START_NS)]
    return said


def test_the_room_is_told_of_every_thirty_seconds() -> None:
    twin = _twin()
    said = _watch(twin, Sensors(twin), 0, 100)
    assert [second for second, _ in said] == [0, 30, 60, 90]
    assert {topic for _, (topic, _) in said} == {CLIMATE_TOPIC}
    assert [message["seq"] for _, (_, message) in said] == [1, 2, 3, 4]
    assert set(said[0][1][1]) == {"temperature", "humidity", "seq", "ts"}
    assert said[0][1][1]["ts"] == "2026-01-01T00:00:00.000Z"


def test_a_bottle_is_told_of_when_it_comes_changes_every_thirty_seconds_and_once_when_it_goes() -> None:
    twin = _twin()
    sensors = Sensors(twin)
    twin.put(7, 1)
    said = _watch(twin, sensors, 0, 200)
    twin.put(7, 0)
    said += _watch(twin, sensors, 200, 260)
    labels = [(second, message["attached"]) for second, (topic, message) in said if topic == label_topic(7)]
    assert labels[0] == (0, True)
    off = next(second for second, attached in labels if attached is False)
    label = next(k for k, (second, _) in enumerate(labels) if second == off)
    assert [second for second, _ in labels[:label]] == list(range(0, off, 30))
    assert [second for second, _ in labels[label:-1]] == list(range(off, 200, 30))
    assert labels[-1] == (200, None)
    assert [message["seq"] for _, (topic, message) in said if topic == label_topic(7)] == list(
        range(1, len(labels) + 1)
    )
    assert not sensors.busy()


def test_after_forgetting_all_is_said_again() -> None:
    twin = _twin()
    sensors = Sensors(twin)
    twin.put(2, 5)
    _watch(twin, sensors, 0, 5)
    assert _watch(twin, sensors, 5, 10) == []
    sensors.forget()
    assert {topic for _, (topic, _) in _watch(twin, sensors, 10, 11)} == {CLIMATE_TOPIC, label_topic(2)}


def test_what_the_room_says_depends_on_seed_and_time_alone() -> None:
    first, again, other = _twin(), _twin(), _twin(2)
    assert _watch(first, Sensors(first), 0, 100) == _watch(again, Sensors(again), 0, 100)
    assert _watch(first, Sensors(first), 100, 200) != _watch(other, Sensors(other), 100, 200)


def _ticks(seconds: float, *, bottles: bool) -> int:
    async def main() -> int:
        clock = Clock(start_ns=VIRTUAL_START_NS)
        twin = _twin()
        ticker = SensorTicker(Sensors(twin), clock, lambda: twin.advance(clock.process_s()))
        if bottles:
            twin.put(1, 5)
        ticks = 0
        while clock.process_s() < seconds:
            await ticker.next()
            ticks += 1
        return ticks

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main())


def test_an_empty_bath_is_hardly_looked_at() -> None:
    assert _ticks(300.0, bottles=False) == 11
    assert _ticks(300.0, bottles=True) == pytest.approx(300, abs=2)


def test_the_climate_alone_does_not_step_the_bath() -> None:
    async def main() -> int:
        clock, twin = Clock(start_ns=VIRTUAL_START_NS), _twin()
        ticker = SensorTicker(Sensors(twin), clock, lambda: twin.advance(clock.process_s()))
        while clock.process_s() < 100.0:
            await ticker.next()
        return twin.second

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        assert runner.run(main()) == 0


def test_a_bottle_ends_the_long_sleep() -> None:
    async def main() -> float:
        clock = Clock(start_ns=VIRTUAL_START_NS)
        twin = _twin()
        ticker = SensorTicker(Sensors(twin), clock, lambda: twin.advance(clock.process_s()))
        await ticker.next()

        def put() -> None:
            twin.put(1, 5)
            ticker.bottles_moved()

        asyncio.get_running_loop().call_at(12.4, put)
        assert [topic for topic, _ in await ticker.next()] == [label_topic(1)]
        return clock.process_s()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        assert runner.run(main()) == pytest.approx(13.1)


async def test_the_publisher_comes_back_with_everything_when_the_broker_does() -> None:
    broker = EmbeddedBroker()
    await broker.start()
    clock = Clock()
    twin = _twin()
    twin.put(3, 5)
    ticker = SensorTicker(Sensors(twin), clock, lambda: twin.advance(clock.process_s()))
    publisher = MqttPublisher(ticker, broker.host, broker.port)
    publisher.start()
    try:
        assert await _heard(broker) == {CLIMATE_TOPIC, label_topic(3)}
        await broker.stop()
        await asyncio.sleep(0.1)
        assert not publisher.connected.is_set()
        await broker.start()
        assert await _heard(broker) == {CLIMATE_TOPIC, label_topic(3)}
    finally:
        await publisher.stop()
        await broker.stop()


async def _heard(broker: EmbeddedBroker) -> set[str]:
    heard: set[str] = set()
    async with asyncio.timeout(5.0), aiomqtt.Client(broker.host, broker.port) as client:
        await client.subscribe("sensors/#")
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            assert not message.retain
            assert "seq" in json.loads(message.payload)
            heard.add(message.topic.value)
            if len(heard) == 2:
                break
    return heard

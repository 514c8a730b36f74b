"""The hand-over from the broker: bounded, newest wins, every loss counted; beside it aiomqtt's own bounded queue."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import aiomqtt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.link import Point
from drivers.mqtt.newest import PER_TOPIC, WAITING_LIMIT, Arrival, NewestWins
from drivers.settings import MqttSource
from tests.drivers.mqtt_bench import Broker, Flood, opened, read, until

VALUE = Point("flood", "float")


def message(topic: str, number: int, *, size: int = 0) -> aiomqtt.Message:
    return aiomqtt.Message(topic, str(number).encode().ljust(size), 0, False, 0, None)


def taken(queue: NewestWins) -> list[Arrival]:
    return [queue.take() for _ in range(queue.qsize())]


async def test_the_oldest_of_a_topic_goes_and_is_counted_in_the_next() -> None:
    queue = NewestWins()
    for number in range(PER_TOPIC + 10):
        queue.put_nowait(message("fast", number))
    queue.put_nowait(message("slow", 1))
    assert repr(queue) == f"<NewestWins {PER_TOPIC + 1} waiting of 2 topics>"
    got = taken(queue)
    assert [each.topic for each in got[:3]] == ["fast", "slow", "fast"]  # in turn: a flood holds no other topic up
    fast = [each for each in got if each.topic == "fast"]
    assert [int(each.payload) for each in fast] == list(range(10, PER_TOPIC + 10))
    assert [each.lost for each in fast] == [10] + [0] * (PER_TOPIC - 1)
    assert queue.qsize() == 0
    with pytest.raises(asyncio.QueueEmpty):
        queue.take()


async def test_many_topics_are_bounded_too() -> None:
    queue = NewestWins()
    for number in range(WAITING_LIMIT + 100):
        queue.put_nowait(message(f"topic/{number}", number))
    assert queue.qsize() == WAITING_LIMIT
    assert queue.lost == 100
    assert [int(each.payload) for each in taken(queue)] == list(range(100, WAITING_LIMIT + 100))


async def test_of_a_large_payload_the_beginning_waits() -> None:
    queue = NewestWins()
    queue.put_nowait(message("big", 1, size=100_000))
    arrival = queue.take()
    assert (len(arrival.payload), arrival.size) == (4096, 100_000)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 90)), max_size=30))
def test_nothing_goes_uncounted_and_the_newest_is_there(bursts: list[tuple[int, int]]) -> None:
    """Bursts of messages on four topics, after each a few are taken: order kept, losses counted, the newest kept."""

    async def work() -> None:
        queue = NewestWins()
        sent = dict.fromkeys(range(4), 0)
        seen: dict[int, list[Arrival]] = {topic: [] for topic in sent}
        for topic, count in bursts:
            for _ in range(count):
                sent[topic] += 1
                queue.put_nowait(message(str(topic), sent[topic]))
            for _ in range(min(7, queue.qsize())):
                arrival = queue.take()
                seen[int(arrival.topic)].append(arrival)
        for arrival in taken(queue):
            seen[int(arrival.topic)].append(arrival)
        for topic, arrivals in seen.items():
            numbers = [int(arrival.payload) for arrival in arrivals]
            assert numbers == sorted(set(numbers))
            assert len(numbers) + sum(arrival.lost for arrival in arrivals) == sent[topic]
            assert not sent[topic] or numbers[-1] == sent[topic]

    asyncio.run(work())


async def slowly(client: aiomqtt.Client, take: Callable[[aiomqtt.Message], bytes]) -> list[int]:
    """Take messages at 2 ms each until nothing came for a second."""
    got: list[int] = []
    while True:
        try:
            async with asyncio.timeout(1):
                message = await anext(client.messages)
        except TimeoutError:
            return got
        got.append(int(take(message)))
        await asyncio.sleep(0.002)


@pytest.mark.broker
@pytest.mark.fault("F21")
async def test_a_slow_consumer_gets_the_newest_of_a_flood(mosquitto_with: Callable[..., Awaitable[Broker]]) -> None:
    """Two subscribers with room for 64 messages, each slower than the flood: only one of them has the newest."""
    broker = await mosquitto_with("max_queued_messages 0")
    ours = NewestWins()
    queue_type = cast("type[asyncio.Queue[aiomqtt.Message]]", lambda maxsize=0: ours)  # noqa: ARG005  # its own bound
    async with (
        aiomqtt.Client(broker.host, broker.port, queue_type=queue_type) as one,
        aiomqtt.Client(broker.host, broker.port, max_queued_incoming_messages=PER_TOPIC) as other,
    ):
        await one.subscribe("flood")
        await other.subscribe("flood")
        async with Flood(broker) as flood:
            sending = asyncio.create_task(flood.send("flood", range(1, 2001), per_s=4000))
            kept, theirs = await asyncio.gather(
                slowly(one, lambda _: ours.take().payload), slowly(other, lambda message: message.payload)
            )
            await sending
    assert kept[-1] == 2000
    assert len(kept) < 2000
    assert kept == sorted(kept)
    assert theirs[-1] < 2000  # negative control: acknowledged, and thrown away


@pytest.mark.broker
async def test_a_reader_between_the_messages_never_sees_an_older_one_after_a_newer(mosquitto: Broker) -> None:
    seen: list[float] = []
    sources = {"flood": MqttSource("flood", "number")}
    async with opened(mosquitto.port, topics=(), sources=sources) as link, Flood(mosquitto) as flood:
        sending = asyncio.create_task(flood.send("flood", range(1, 501), per_s=2000))
        while not seen or seen[-1] < 500:
            value = (await read(link, VALUE)).value
            if isinstance(value, float):
                seen.append(value)
            await asyncio.sleep(0)
        await sending
        assert link.stats().dropped == 0
    assert len(set(seen)) > 50
    assert seen == sorted(seen)


@pytest.mark.broker
@pytest.mark.fault("F21")
async def test_the_link_keeps_up_with_5000_messages_a_second(
    mosquitto_with: Callable[..., Awaitable[Broker]],
) -> None:
    broker = await mosquitto_with("max_queued_messages 0")  # else a broker drops what a slow reader leaves behind
    sources = {"flood": MqttSource("flood", "number")}
    async with opened(broker.port, topics=(), sources=sources) as link, Flood(broker) as flood:
        await flood.send("flood", range(1, 10_001), per_s=5000)
        await until(link, lambda reading: reading.value == 10_000.0, 20, VALUE)
        stats = link.stats()
        assert stats.replies + stats.dropped == 10_000
        assert stats.dropped == stats.extra.get("overflow", 0)
        assert stats.replies > 1000
        assert len(link.tap.frames) == 200
        reading = await read(link, VALUE)
        assert (reading.value, reading.fresh_s) == (10_000.0, 5.0)

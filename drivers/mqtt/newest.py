"""The hand-over from the broker's socket to us: bounded, and the newest message of a topic always gets through."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from drivers.frames.payload import SIZE_LIMIT

if TYPE_CHECKING:
    import aiomqtt

__all__ = ["PER_TOPIC", "WAITING_LIMIT", "Arrival", "NewestWins"]

PER_TOPIC = 64  # messages of one topic that wait; then the oldest of the topic goes
WAITING_LIMIT = 4096  # of all topics together; then the oldest of the topic whose turn it is goes


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message as it came, at the loop time `t_s`; of a payload over 4 KB (`size` bytes) only the beginning is kept.

    `lost` counts the messages of the same topic that came just before it and had to go for want of room.
    """

    topic: str
    payload: bytes
    t_s: float
    retained: bool = False
    size: int = 0
    lost: int = 0


@dataclass(slots=True)
class _Topic:
    waiting: deque[Arrival] = field(default_factory=deque)
    lost: int = 0


class NewestWins:
    """A queue for aiomqtt (as its `queue_type`) from which `Arrival`s are taken, topic by topic in turn, each in order.

    A queue that is full loses the oldest, never the newest, and counts it: in the `lost` of the next arrival of the
    same topic, or in `lost` of the queue when all that waited of a topic had to go. (aiomqtt's own bounded queue
    discards what comes last, after it was acknowledged: nobody sends it again.)
    """

    def __init__(self) -> None:
        self._topics: OrderedDict[str, _Topic] = OrderedDict()
        self._waiting = 0
        self._some = asyncio.Event()
        self._loop_time = asyncio.get_running_loop().time
        self.lost = 0

    def __repr__(self) -> str:
        """Return how much waits."""
        return f"<NewestWins {self._waiting} waiting of {len(self._topics)} topics>"

    def qsize(self) -> int:
        """Return how many messages wait."""
        return self._waiting

    async def get(self) -> None:
        """Wait until there is something to take, and leave it there: between here and a reader nothing is on its way.

        aiomqtt calls it for its iterator `messages`, which ends when the broker is lost.
        """
        await self._some.wait()

    def put_nowait(self, message: aiomqtt.Message) -> None:
        """Take a message as it arrives."""
        payload, name = message.payload, message.topic.value
        kept = payload if len(payload) <= SIZE_LIMIT else payload[:SIZE_LIMIT]
        topic = self._topics.get(name)
        if topic is None:
            topic = self._topics[name] = _Topic()
        topic.waiting.append(Arrival(name, kept, self._loop_time(), message.retain, len(payload)))
        self._waiting += 1
        self._some.set()
        if len(topic.waiting) > PER_TOPIC:
            self._lose(topic)
        elif self._waiting > WAITING_LIMIT:
            name, oldest = next(iter(self._topics.items()))
            self._lose(oldest)
            if not oldest.waiting:
                del self._topics[name]
                self.lost += oldest.lost

    def take(self) -> Arrival:
        """Take the next message.

        Raises:
            asyncio.QueueEmpty: nothing waits.
        """
        if not self._waiting:
            raise asyncio.QueueEmpty
        name, topic = self._topics.popitem(last=False)
        arrival = topic.waiting.popleft()
        self._waiting -= 1
        if not self._waiting:
            self._some.clear()
        if topic.lost:
            arrival = replace(arrival, lost=topic.lost)
            topic.lost = 0
        if topic.waiting:
            self._topics[name] = topic
        return arrival

    def _lose(self, topic: _Topic) -> None:
        topic.waiting.popleft()
        topic.lost += 1
        self._waiting -= 1

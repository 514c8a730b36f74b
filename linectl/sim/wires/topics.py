"""What a subscriber would hold of the sensors' messages, without a broker: the newest of each topic and sensor."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from drivers.addresses import mqtt_field
from drivers.errors import BadReply
from drivers.frames.mqtt_forms import Said, belongs, part_of, understood
from drivers.frames.payload import BadPayload, Json, decode, field_at, source_time_ns, typed
from drivers.link import Answer, Point, RawReading, RawValue
from drivers.settings import MqttSource
from linectl.sim.wires.messages import Spoken, payload_of
from linectl.sim.wires.trouble import Asked, Meeting, Trouble

__all__ = ["TopicMemory"]


_FRESH_PERIODS, _LEAST_FRESH_S = 2.5, 5.0  # as drivers.mqtt.sensor believes


class _Heard:
    """What is known of one sensor: its parts with their times (its own in ns UTC, the loop's), and if it is there."""

    def __init__(self) -> None:
        self.parts: dict[str, tuple[Json, int | None, float]] = {}
        self.offline = ""

    def take(self, topic: str, said: Said, now_s: float) -> None:
        if said.online is not None:
            self.offline = "" if said.online else topic
            if not said.online:
                self.parts.clear()
        for name, document in said.parts.items():
            below = self.parts[name][0] if said.overlay and name in self.parts else None
            laid = {**below, **document} if isinstance(below, dict) and isinstance(document, dict) else document
            self.parts[name] = (laid, said.source_ns, now_s)


class TopicMemory:
    """The last message of each topic, and of each of `sources` by its name; `trouble` is asked at each message.

    A late, doubled or damaged message is dropped, as a driver drops it.
    """

    def __init__(self, sources: Mapping[str, MqttSource] | None = None, trouble: Trouble | None = None) -> None:
        self._sources = dict(sources or {})
        self._trouble = trouble
        self._last: dict[str, tuple[dict[str, Json], float]] = {}
        self._heard = {name: _Heard() for name in self._sources}
        self._bad: set[str] = set()
        self._before: dict[str, bytes] = {}
        self.deaf = False  # the broker hangs: what is published now is not passed on

    def take(self, messages: Sequence[Spoken], now_s: float) -> None:
        """Keep what was published at loop time `now_s` (s)."""
        if self.deaf:
            return
        for topic, said in messages:
            if self._trouble:
                self._take_in_trouble(self._trouble, topic, payload_of(said))
            else:
                self._take(topic, said, now_s)

    def forget(self) -> None:
        """Forget everything: the broker was lost."""
        self._last.clear()
        self._bad.clear()
        self._heard = {name: _Heard() for name in self._sources}

    def read(self, point: Point) -> Answer:
        """Return the field of the topic's last message; null is out of service."""
        name, path = mqtt_field(point)
        if name in self._sources:
            return self._of_source(name, path, point.kind)
        found = self._last.get(name)
        if found is None:
            return RawReading(None, "bad_reply", f"{name}: damaged") if name in self._bad else None
        said, now_s = found
        return _field(said, path, point.kind, source_time_ns(said), now_s)

    def read_all(self, points: Sequence[Point]) -> Sequence[Answer]:
        """Return what `read` says of each of `points`."""
        return [self.read(point) for point in points]

    def write(self, point: Point, value: RawValue) -> RawValue:
        """Refuse: nothing is written to a sensor's topic."""
        raise ValueError(f"{point.address} is not written (asked: {value})")

    def exchanges(self, points: Sequence[Point]) -> Sequence[tuple[Asked, tuple[Point, ...]]]:
        """Return nothing that could go wrong: messages met their troubles when they came."""
        return [(Asked("mqtt"), tuple(points))]

    def shown(self, points: Sequence[Point], meeting: Meeting) -> Sequence[Answer]:
        """Return what `read` says."""
        del meeting  # see `exchanges`
        return self.read_all(points)

    def asked(self, point: Point) -> Asked:
        """Return the topic."""
        return Asked("mqtt", text=point.address)

    def _of_source(self, name: str, path: tuple[str, ...], kind: str) -> RawReading | None:
        heard = self._heard[name]
        if heard.offline:
            return RawReading(None, "not_connected", f"{heard.offline} says offline")
        part, inside = part_of(self._sources[name].form, path)
        found = heard.parts.get(part)
        if found is None:
            return RawReading(None, "bad_reply", f"{name}: damaged") if name in self._bad else None
        document, source_ns, now_s = found
        period_s = self._sources[name].period_s
        reading = _field(document, inside, kind, source_ns, now_s)
        return reading._replace(fresh_s=max(_FRESH_PERIODS * period_s, _LEAST_FRESH_S)) if period_s else reading

    def _take(self, topic: str, said: dict[str, Json] | str, now_s: float) -> None:
        if isinstance(said, dict) and not self._sources:
            self._last[topic] = (said, now_s)
            return
        self._take_payload(topic, payload_of(said), now_s)

    def _take_payload(self, topic: str, payload: bytes, now_s: float) -> None:
        names = [name for name, source in self._sources.items() if belongs(source, topic)]
        try:
            for name in names:
                self._heard[name].take(topic, understood(self._sources[name], topic, payload), now_s)
            if not names:
                document = decode(payload)
                if isinstance(document, dict) and self._is_newer(topic, document):
                    self._last[topic] = (document, now_s)
        except BadPayload:
            self._bad |= {*names, topic}

    def _is_newer(self, topic: str, document: dict[str, Json]) -> bool:
        before = self._last.get(topic)
        now, then = document.get("seq"), None if before is None else before[0].get("seq")
        return not (isinstance(now, int) and isinstance(then, int)) or now > then

    def _take_in_trouble(self, trouble: Trouble, topic: str, payload: bytes) -> None:
        meeting = trouble.meet(Asked("mqtt", text=topic))
        before, self._before[topic] = self._before.get(topic, payload), payload
        if meeting.silent:
            return
        loop, after_s = asyncio.get_running_loop(), 0.0
        for delay_s, piece in meeting.fate(payload, before).pieces:
            after_s += delay_s
            if after_s:
                loop.call_later(after_s, self._take_payload, topic, piece, loop.time() + after_s)
            else:
                self._take_payload(topic, piece, loop.time())


def _field(document: Json, path: tuple[str, ...], kind: str, source_ns: int | None, now_s: float) -> RawReading:
    try:
        found = field_at(document, path)
        value = None if found is None else typed(found, kind)
    except BadReply as error:
        return RawReading(None, "bad_reply", str(error), now_s, now_s, source_ns)
    return RawReading(value, "out_of_service" if value is None else "", "", now_s, now_s, source_ns)

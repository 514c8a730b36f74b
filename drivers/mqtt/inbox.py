"""What came from a broker, sensor by sensor: who says what, what counts as fresh, and what is dropped and counted."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping

from drivers.frames.mqtt_forms import Said, belongs, frame_of, understood
from drivers.frames.payload import SIZE_LIMIT, BadPayload
from drivers.link import LinkStats, RawReading
from drivers.mqtt.newest import Arrival
from drivers.mqtt.sensor import Sensor
from drivers.settings import MqttSource
from drivers.wire_tap import Direction, WireTap

__all__ = ["TOPICS_LIMIT", "Inbox"]

TOPICS_LIMIT = 1024  # topics remembered that nobody asked for; beyond it the one silent for longest is forgotten
_NUMBER = MqttSource("", "number")
_JSON = MqttSource("", "json")
_BEGINS_A_NUMBER = frozenset(b"+-0123456789 \t\r\n")


class Inbox:
    """The sensors of one broker: those of the settings by name, and every other topic by itself (JSON or a number).

    A message is dropped when it is retained (a broker's memory is not a fresh sample; the word of a last will is taken
    all the same), when its payload is over 4 KB or unsound, or when it is not newer than what is there. `counts` says
    why how many were dropped; each dropped frame has the reason as its note in the tap; a bad payload of a sensor that
    somebody reads is a fault of the tap, at most one in 10 s for each sensor and reason.
    """

    def __init__(
        self,
        sources: Mapping[str, MqttSource] | None = None,
        stats: LinkStats | None = None,
        tap: WireTap | None = None,
    ) -> None:
        self._tap = WireTap() if tap is None else tap
        self._stats = LinkStats(devices=self._tap.devices) if stats is None else stats
        self._sources = dict(sources or {})
        self._read = {name: Sensor(name, source) for name, source in self._sources.items()}
        self._others: OrderedDict[str, Sensor] = OrderedDict()
        self._routes: dict[str, tuple[str, ...]] = {}
        self.counts: Counter[str] = Counter()
        self._stats.extra = self.counts

    def __repr__(self) -> str:
        """Return how many sensors are read, how many other topics are known, and what was dropped."""
        return f"<Inbox {len(self._read)} read, {len(self._others)} others, {dict(self.counts)}>"

    def take(self, arrival: Arrival) -> bool:
        """Take a message; return whether any sensor kept it."""
        if arrival.lost:
            self._overflowed(arrival)
        kept = False
        for sensor in self._sensors(arrival.topic):
            why, detail = self._given(sensor, arrival)
            self._note(sensor, arrival, why, detail)
            kept = kept or not why
        self._stats.replies += kept
        return kept

    def overflowed(self, count: int) -> None:
        """Count messages of topics of which nothing is left that could tell."""
        self._drop("overflow", count)

    def reading(self, name: str, path: tuple[str, ...], kind: str, now_s: float) -> RawReading:
        """Return the field at `path` of the sensor or topic `name` now (loop time, s)."""
        sensor = self._read.get(name)
        if sensor is None:
            known = name in self._others
            sensor = self._read[name] = self._others.pop(name) if known else Sensor(name, MqttSource(name))
        return sensor.reading(path, kind, now_s)

    def forget(self) -> None:
        """Forget all samples: after a loss of the broker nothing is fresh."""
        for sensor in (*self._read.values(), *self._others.values()):
            sensor.lost()

    def _sensors(self, topic: str) -> list[Sensor]:
        """Return whom a message on `topic` concerns: sources, and the topic itself when it is read or no source's."""
        known = self._others.get(topic)
        if known is not None:
            self._others.move_to_end(topic)
            return [known]
        routed = self._routes.get(topic)
        if routed is None:
            routed = tuple(name for name, source in self._sources.items() if belongs(source, topic))
            if routed or topic in self._read:  # few topics: those of the settings, and those that are read
                self._routes[topic] = routed
        found = [self._read[name] for name in routed]
        if topic not in self._sources and topic in self._read:
            found.append(self._read[topic])
        return found or [self._other(topic)]

    def _other(self, topic: str) -> Sensor:
        sensor = self._others[topic] = Sensor(topic, MqttSource(topic))
        if len(self._others) > TOPICS_LIMIT:
            gone, _ = self._others.popitem(last=False)
            self._tap.devices.pop(gone, None)
            self.counts["forgotten_topic"] += 1
        return sensor

    def _given(self, sensor: Sensor, arrival: Arrival) -> tuple[str, str]:
        """Give a message to `sensor`; return why it is dropped ("" when it is not) and what a bad payload has wrong."""
        own_form = sensor.name in self._sources
        if arrival.retained and not own_form:
            return "retained", ""
        try:
            said = _said(sensor.source if own_form else None, arrival)
        except BadPayload as exc:
            if not arrival.retained:
                sensor.spoiled(f"{arrival.topic}: {exc}")
            return exc.reason, str(exc)
        if not arrival.retained:
            return sensor.take(arrival.topic, said, arrival.t_s), ""
        if said.online is None:
            return "retained", ""
        sensor.present(arrival.topic, said.online)
        return "", ""

    def _note(self, sensor: Sensor, arrival: Arrival, why: str, detail: str) -> None:
        """Count a message and show it."""
        frame = frame_of(arrival.topic, arrival.payload)
        device = self._tap.device(sensor.name)
        device.bytes_received += len(frame) - 1 + max(0, arrival.size - len(arrival.payload))
        self._tap.note(Direction.RECEIVED, frame, arrival.t_s, device=sensor.name, note=why)
        if not why:
            device.replies += 1
            return
        device.dropped += 1
        device.late_frames += why == "late"
        self._drop(why)
        if detail:
            device.bad_replies += 1
            self._stats.bad_replies += 1
            self._stats.last_error = f"{arrival.topic}: {detail}"
            if sensor.name in self._read:
                self._tap.fault(f"payload dropped: {why}", arrival.t_s, device=sensor.name)

    def _overflowed(self, arrival: Arrival) -> None:
        self._drop("overflow", arrival.lost)
        for sensor in self._sensors(arrival.topic):
            self._tap.device(sensor.name).dropped += arrival.lost
            if sensor.name in self._read:
                self._tap.fault("messages lost: they came faster than they were taken", arrival.t_s, device=sensor.name)

    def _drop(self, why: str, count: int = 1) -> None:
        self.counts[why] += count
        self._stats.dropped += count


def _said(source: MqttSource | None, arrival: Arrival) -> Said:
    """Return what a message says in the form of `source`, or as it looks: a number, or else JSON."""
    if arrival.size > SIZE_LIMIT:
        raise BadPayload("oversize", f"{arrival.size} bytes, at most {SIZE_LIMIT} are read")
    if source is None:
        source = _NUMBER if arrival.payload[:1] and arrival.payload[0] in _BEGINS_A_NUMBER else _JSON
        if source is _NUMBER and arrival.payload.lstrip()[:1] in {b"{", b"[", b'"'}:
            source = _JSON
    return understood(source, arrival.topic, arrival.payload)

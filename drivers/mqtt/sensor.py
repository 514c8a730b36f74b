"""What one sensor behind a broker has said: its last live samples, whether it is there, and its own period."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from drivers.errors import BadReply
from drivers.frames import payload as frames
from drivers.frames.mqtt_forms import DEFAULT_PERIOD_S, Said, part_of
from drivers.link import RawReading
from drivers.settings import MqttSource

__all__ = ["FRESH_PERIODS", "LATE_S", "LEAST_FRESH_S", "PARTS_LIMIT", "Rhythm", "Sensor"]

LATE_S = 30.0  # s; a lower number this long after a newer one is no late message but a device that started again
FRESH_PERIODS = 2.5  # a value is believed for so many periods of its sensor
LEAST_FRESH_S = 5.0  # s; and for so long at least: a wireless network is late by a second or two
PARTS_LIMIT = 256  # parts of one sensor remembered; beyond it the one that was silent for longest is forgotten
_INTERVALS = 8  # the last ones, from which the period is learned
_ENOUGH = 2  # intervals before a learned period is relied on
_MANY = 4  # intervals from which one that is far too long may be an outage


class Rhythm:
    """The period of something that comes by itself: what the settings say, or else what the last intervals were.

    Learned, it is the longest of the last eight intervals; of four and more the second longest, so that one outage
    does not make an old value believed for longer, and a burst does not make a slow sensor look fast.
    """

    def __init__(self, period_s: float = 0.0, default_s: float = 0.0) -> None:
        self._told_s = period_s
        self._default_s = default_s
        self._intervals_s: deque[float] = deque(maxlen=_INTERVALS)
        self._last_s: float | None = None

    def __repr__(self) -> str:
        """Return for how long a value is believed."""
        return f"<Rhythm fresh for {self.fresh_s()} s>"

    def heard(self, now_s: float) -> None:
        """Take that something came at the loop time `now_s`."""
        if self._last_s is not None:
            self._intervals_s.append(now_s - self._last_s)
        self._last_s = now_s

    def paused(self) -> None:
        """Take that we were deaf or the sensor away: the interval that is under way tells nothing."""
        self._last_s = None

    def fresh_s(self) -> float | None:
        """Return how long after its arrival a value is to be believed, s; None when nothing is known."""
        period_s = self._told_s
        if not period_s and len(self._intervals_s) >= _ENOUGH:
            longest = sorted(self._intervals_s)
            period_s = longest[-2] if len(longest) >= _MANY else longest[-1]
        period_s = period_s or self._default_s
        return max(FRESH_PERIODS * period_s, LEAST_FRESH_S) if period_s else None


@dataclass(slots=True)
class _Part:
    document: frames.Json
    arrived_s: float
    seq: int | None
    source_ns: int | None
    note: str
    whole: bool


class Sensor:
    """The newest live sample of each part of a sensor, in the words of `drivers.frames.mqtt_forms`.

    A sample is dropped when it is not newer than the one that is there. Newer by `seq`: a higher number; without one
    by the device's own time. A lower or equal number is a late or doubled message, unless its own time is later, or
    30 s went by since the newer one: then the device has started again and counts from the beginning. A sensor whose
    last will or availability topic says offline has no value; back online it has one again with its next sample.
    """

    def __init__(self, name: str, source: MqttSource) -> None:
        self.name = name
        self.source = source
        self._parts: dict[str, _Part] = {}
        self._rhythms: dict[str, Rhythm] = {}
        self._offline: set[str] = set()
        self._bad = ""

    def __repr__(self) -> str:
        """Return the name and what is known."""
        return f"<Sensor {self.name} {len(self._parts)} parts{', offline' if self._offline else ''}>"

    def take(self, topic: str, said: Said, now_s: float) -> str:
        """Take what a live message said at the loop time `now_s`; return "" or why it is dropped."""
        if said.online is not None:
            self.present(topic, said.online)
            return ""
        dropped = [self._take_part(name, document, said, now_s) for name, document in said.parts.items()]
        if all(dropped):
            return dropped[0] if dropped else ""
        self._bad = ""
        return ""

    def present(self, topic: str, online: bool) -> None:
        """Take the word of a presence topic, which may be a retained one: a sensor that is away has no value."""
        if online:
            self._offline.discard(topic)
            return
        self._offline.add(topic)
        self.forget()

    def spoiled(self, why: str) -> None:
        """Take that a live message had to be dropped, which tells when there is nothing better to tell."""
        self._bad = why

    def forget(self) -> None:
        """Forget all samples: nothing is fresh. The period is remembered."""
        self._parts.clear()
        self._bad = ""
        for rhythm in self._rhythms.values():
            rhythm.paused()

    def lost(self) -> None:
        """Forget all samples and who is away: the broker is lost, and tells again what it retains."""
        self.forget()
        self._offline.clear()

    def reading(self, path: tuple[str, ...], kind: str, now_s: float) -> RawReading:
        """Return the field at `path` as the raw type `kind`, with its arrival and how long it is to be believed."""
        if self._offline:
            return RawReading(None, "not_connected", f"{min(self._offline)} says offline")
        name, inside = part_of(self.source.form, path)
        part = self._parts.get(name)
        if part is None:
            return self._nothing(f"{name} of {self.name}" if name else self.name)
        fresh_s = self._rhythms[name].fresh_s()
        if self._bad and fresh_s is not None and now_s - part.arrived_s > fresh_s:
            return _reading(part, None, "bad_reply", self._bad)
        try:
            field = frames.field_at(part.document, inside)
            value = None if field is None else frames.typed(field, kind)
        except BadReply as exc:
            reason = "bad_reply" if part.whole else "waiting_for_initial_data"
            return _reading(part, None, reason, f"{self.name}: {exc}")
        if value is None:
            return _reading(part, None, "out_of_service", f"{self.name} says null")
        return _reading(part, value, detail=part.note, fresh_s=fresh_s)

    def _nothing(self, what: str) -> RawReading:
        if self._bad:
            return RawReading(None, "bad_reply", self._bad)
        return RawReading(None, "waiting_for_initial_data", f"nothing live has come on {what}")

    def _take_part(self, name: str, document: frames.Json, said: Said, now_s: float) -> str:
        before = self._parts.pop(name, None)
        part = _Part(document, now_s, said.seq, said.source_ns, said.note, not said.overlay)
        if before is not None:
            if said.overlay:
                part.document, part.whole = _overlaid(before.document, document), before.whole
            why = _why_old(part, before)
            if why:
                self._parts[name] = before
                return why
        self._parts[name] = part  # behind all others: it has spoken last
        self._rhythm(name).heard(now_s)
        if len(self._parts) > PARTS_LIMIT:
            del self._parts[next(iter(self._parts))]
        return ""

    def _rhythm(self, name: str) -> Rhythm:
        rhythm = self._rhythms.pop(name, None)
        if rhythm is None:
            rhythm = Rhythm(self.source.period_s, DEFAULT_PERIOD_S.get(self.source.form, 0.0))
        self._rhythms[name] = rhythm
        if len(self._rhythms) > PARTS_LIMIT:
            del self._rhythms[next(iter(self._rhythms))]
        return rhythm


def _reading(
    part: _Part,
    value: float | bool | str | None,
    reason: str = "",
    detail: str = "",
    fresh_s: float | None = None,
) -> RawReading:
    return RawReading(value, reason, detail, part.arrived_s, part.arrived_s, part.source_ns, fresh_s)


def _overlaid(below: frames.Json, above: frames.Json) -> frames.Json:
    """Return `below` with what `above` says in its place, objects within objects likewise."""
    if not (isinstance(below, Mapping) and isinstance(above, Mapping)):
        return above
    return {**below, **{name: _overlaid(below.get(name), value) for name, value in above.items()}}


def _why_old(part: _Part, before: _Part) -> str:
    """Return "" when `part` is newer than `before`, otherwise what it is: a duplicate, or late."""
    started_again = part.arrived_s - before.arrived_s > LATE_S
    times = part.source_ns is not None and before.source_ns is not None
    later = (part.source_ns or 0) - (before.source_ns or 0) if times else 0
    if part.seq is None or before.seq is None:
        if times and later == 0 and part.document == before.document:
            return "duplicate"
        return "late" if later < 0 and not started_again else ""
    if part.seq > before.seq or later > 0:
        return ""
    if times and later == 0 and part.seq == before.seq:
        return "duplicate"
    if started_again:
        return ""
    return "duplicate" if part.seq == before.seq else "late"

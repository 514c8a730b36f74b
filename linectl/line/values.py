"""The latest reading of every tag, judged at the moment it is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import cast

from drivers.link import Answer, Link, RawReading, RawValue, reading_of
from linectl.clock import Clock
from linectl.line.convert import Decoded, Decoder, decoder, judged
from linectl.line.derive import derived
from linectl.model.lines import LineDefinition, Tag
from linectl.model.readings import GOOD, Reading, Value, bad
from linectl.units import NS_PER_S

__all__ = ["STALE_PERIODS", "UNSCANNED_AGE_S", "Values", "max_age_s"]

STALE_PERIODS = 2.5  # a value older than so many scan periods is stale
UNSCANNED_AGE_S = 2.5  # s; the same for a tag that no scan group reads
_KNOWN = 1000  # computed values remembered
_WITH_TIMES = {RawReading, type(None)}  # types of answers that are no bare value
_new = tuple.__new__  # what a named tuple's own constructor calls, for a reading is made per tag and scan


def max_age_s(tag: Tag, definition: LineDefinition) -> float:
    """Return the age in s (loop time) beyond which a value of `tag` is stale."""
    period = definition.scans.get(tag.scan)
    return UNSCANNED_AGE_S if period is None else STALE_PERIODS * period


class Values:
    """What each tag said last, and when by the loop's clock (s).

    A value is believed for 2.5 periods of its scan, unless its link says for how long (`fresh_s`: a sensor that
    publishes by itself, at a period of its own). Between two scans nobody has looked for a newer one, so that a value
    which was fresh when it was read is believed until the next scan is overdue.
    """

    def __init__(self, definition: LineDefinition, clock: Clock, links: Mapping[str, Link]) -> None:
        self._clock = clock
        self._links = links
        self._link_of = {name: tag.link for name, tag in definition.tags.items()}
        self._loop = asyncio.get_running_loop()
        self._max_age = {name: max_age_s(tag, definition) for name, tag in definition.tags.items()}
        self.decoders: dict[str, Decoder] = {
            name: decoder(tag) for name, tag in definition.tags.items() if tag.point is not None
        }
        now_ns = clock.now_ns()
        waiting = bad("waiting_for_initial_data")
        self.latest = {name: Reading(name, None, waiting, now_ns, now_ns, 0) for name in definition.tags}
        self.arrived = dict.fromkeys(definition.tags, float("-inf"))
        self._began_s = self._loop.time()
        self._believed: dict[str, float] = {}  # s, of those that are not believed for the maximum age of their tag
        self._said: dict[str, Answer] = {}  # a bare value was read at `arrived`
        self._known: dict[tuple[str | Value | None, ...], Decoded] = {}
        self._recalibrated: dict[str, Tag] = {}  # derived tags that are corrected otherwise than when this was made

    def recalibrate(self, tags: Mapping[str, Tag]) -> None:
        """Correct from now on as `tags` say, which differ by their corrections alone."""
        for name, tag in tags.items():
            if tag.point is not None and not tag.counter:  # a counter remembers, and is never corrected
                self.decoders[name] = decoder(tag)
        self._recalibrated = {name: tag for name, tag in tags.items() if tag.derived is not None}
        self._known.clear()

    def made(self, name: str, raw: RawReading, sequence: int, now_s: float, now_ns: int) -> Reading:
        """Return the reading that `raw` is for the tag `name` now (loop time s, wall time ns), and keep it."""
        told, _, _, _, replied_s, source_ns, fresh_s = raw
        max_age_s = self._max_age[name]
        value, quality, detail = judged(raw, self.decoders[name]) if told is None else self.decoders[name](told)
        arrived_s, received_ns = now_s, now_ns
        if told is not None and replied_s < now_s:
            arrived_s = replied_s
            age_s = now_s - arrived_s
            received_ns -= round(age_s * self._clock.speed * NS_PER_S)
            oldest_s = max_age_s if fresh_s is None else fresh_s
            if age_s > oldest_s and value is not None:
                value, quality, detail = None, bad("stale"), f"{age_s:.1f} s old"
        source_ns = received_ns if source_ns is None else source_ns
        reading = _new(Reading, (name, value, quality, source_ns, received_ns, sequence, detail))
        self.latest[name] = reading
        self.arrived[name] = arrived_s
        if fresh_s is None:
            self._believed.pop(name, None)
        else:
            self._believed[name] = max(max_age_s, fresh_s)
        self._said[name] = raw
        return reading

    def all_made(
        self, names: Sequence[str], answers: Sequence[Answer], sequence: int, now_s: float, now_ns: int
    ) -> list[Reading]:
        """Return what `made` returns of each of `answers`, which came together: bare values in one go."""
        if not _WITH_TIMES.isdisjoint(map(type, answers)):
            made = self.made
            return [
                made(name, reading_of(answer, now_s), sequence, now_s, now_ns)
                for name, answer in zip(names, answers, strict=True)
            ]
        decoders = self.decoders
        readings: list[Reading] = [
            _new(Reading, (name, value, quality, now_ns, now_ns, sequence, detail))
            for name, told in zip(names, cast("Sequence[RawValue]", answers), strict=True)
            for value, quality, detail in (decoders[name](told),)
        ]
        self.latest.update(zip(names, readings, strict=True))
        self.arrived.update(dict.fromkeys(names, now_s))
        if not self._believed.keys().isdisjoint(names):
            for name in names:
                self._believed.pop(name, None)
        self._said.update(zip(names, answers, strict=True))
        return readings

    def raw(self, name: str) -> RawReading | None:
        """Return what the wire said last of `name`, before scaling; None before the first answer, and if derived."""
        return reading_of(self._said[name], self.arrived[name]) if name in self._said else None

    def put(self, reading: Reading, arrived_s: float) -> Reading:
        """Keep a reading that was not made from a wire."""
        self.latest[reading.tag] = reading
        self.arrived[reading.tag] = arrived_s
        self._believed.pop(reading.tag, None)
        return reading

    def derived(self, tag: Tag, inputs: Sequence[Reading], sequence: int) -> Reading:
        """Return the reading of a derived tag from its inputs' readings, and keep it; it is as old as the oldest."""
        value, quality, detail = self._computed(self._recalibrated.get(tag.name, tag), inputs)
        source_ns = min([reading.source_time_ns for reading in inputs])
        received_ns = min([reading.received_time_ns for reading in inputs])
        arrived_s = min([self.arrived[reading.tag] for reading in inputs])
        reading = self.put(Reading(tag.name, value, quality, source_ns, received_ns, sequence, detail), arrived_s)
        if value is not None:
            until_s = min([self.arrived[each.tag] + self._believed_as(tag.name, each.tag) for each in inputs])
            self._believed[tag.name] = until_s - arrived_s
        return reading

    def _computed(self, tag: Tag, inputs: Sequence[Reading]) -> Decoded:
        """Return what the law of `tag` makes of its inputs; of good ones it is remembered: wires give few values."""
        for reading in inputs:
            if reading.quality is not GOOD:
                return derived(tag, inputs)
        key = tag.name, *[reading.value for reading in inputs]
        known = self._known.get(key)
        if known is None:
            known = derived(tag, inputs)
            if len(self._known) >= _KNOWN:
                self._known.clear()
            self._known[key] = known
        return known

    def judged(self, name: str) -> Reading:
        """Return the latest reading of `name` as it is to be believed now: lost with its link, or stale by its age."""
        reading = self.latest[name]
        if reading.value is None:
            return reading
        link = self._links.get(self._link_of[name])
        if link is not None and not link.is_open():
            return self._spoiled(reading, "not_connected")
        if self._loop.time() - self.arrived[name] > self._believed.get(name, self._max_age[name]):
            return self._spoiled(reading, "stale")
        return reading

    def age_s(self, name: str) -> float:
        """Return the age of the latest reading of `name` (process time, s); of none, since the start."""
        arrived_s = max(self.arrived[name], self._began_s)
        return max(0.0, (self._loop.time() - arrived_s) * self._clock.speed)

    def aged(self, slept_s: float) -> None:
        """Take that `slept_s` (s) have passed of which the loop's clock knows nothing: all was read so much earlier."""
        self._began_s -= slept_s
        self.arrived = {name: arrived_s - slept_s for name, arrived_s in self.arrived.items()}

    def _believed_as(self, name: str, source: str) -> float:
        """Return how long (s) the derived tag `name` may be made of what `source` says: its own age, or that longer."""
        own_s, longer_s = self._max_age[name], self._believed.get(source, 0.0)
        return max(own_s, longer_s) if longer_s > self._max_age[source] else own_s

    def _spoiled(self, reading: Reading, reason: str) -> Reading:
        times = reading.source_time_ns, reading.received_time_ns
        return Reading(reading.tag, None, bad(reason), *times, reading.sequence, reading.detail)

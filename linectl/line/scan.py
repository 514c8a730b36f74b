"""One scan of a group: every link asked at the same time, each answer taken as it comes, the whole given at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from operator import is_
from typing import Any, NamedTuple

from drivers.errors import DriverError
from drivers.link import Answer, Link, Point, Priority, RawReading, ReadsAtOnce
from linectl.clock import Clock
from linectl.line.values import Values
from linectl.line.watch import Watch
from linectl.model.lines import LineDefinition, Tag
from linectl.model.readings import Quality, Reading, Scan, ScanLayout, bad

__all__ = ["Group", "Scanner", "Tick", "groups", "pulse_of"]

_DEADLINE = 0.9  # of the period, at most of one second: a loss shows before the next tick
_LATE_DEADLINE = 0.4  # the same share, counted from now, for a tick that is made late
_SLOW_S = 2.0  # a group of a shorter period is read again soon enough by itself
_MARGIN_S = 0.05  # after the deadline the scan is given without the link that broke it
_LOST = {"not_connected", "timeout"}


@dataclass(slots=True)
class Part:
    """What one group asks of one link: per point, for which tag and where its reading goes in the scan."""

    link: str
    points: tuple[Point, ...] = ()
    names: tuple[str, ...] = ()
    places: tuple[int, ...] = ()
    qualities: list[Quality | None] = field(default_factory=list)  # as they were told last
    counter: int | None = None  # which of the points is the PLC's own counter
    task: asyncio.Task[None] | None = None  # the question under way


class Computed(NamedTuple):
    """A derived tag of a group: its place in the scan, and that of each input; None: another group reads it."""

    place: int
    tag: Tag
    inputs: tuple[tuple[str, int | None], ...]


@dataclass(slots=True)
class Group:
    """A scan group: its layout, what it asks of each link, and what it computes afterwards."""

    layout: ScanLayout
    parts: list[Part]
    derived: list[Computed]
    index: dict[str, int]
    sequence: int = -1


class Tick(NamedTuple):
    """One tick of a group's grid: its number, its loop time in s, its process and wall time in ns."""

    sequence: int
    at_s: float
    loop_ns: int
    t_ns: int


@dataclass(slots=True)
class _Pending:
    group: Group
    tick: Tick
    readings: list[Reading | None]
    waiting: int
    timer: asyncio.TimerHandle | None = None


def pulse_of(definition: LineDefinition) -> tuple[str, Point] | None:
    """Return the link and the point of the PLC's own counter, by which its program shows that it runs."""
    control = definition.control
    tag = None if control is None else definition.tags[control.plc_counter]
    return None if tag is None or tag.point is None else (tag.link, tag.point)


def groups(definition: LineDefinition) -> list[Group]:
    """Return the scan groups of a line, each with the tags that name it, in the order of the file."""
    found, pulse = [], pulse_of(definition)
    for name, period_s in definition.scans.items():
        tags = [tag for tag in definition.tags.values() if tag.scan == name]
        if not tags:
            continue
        parts: dict[str, Part] = {}
        for number, tag in enumerate(tags):
            if tag.point is not None:
                part = parts.setdefault(tag.link, Part(tag.link))
                if (tag.link, tag.point) == pulse:
                    part.counter = len(part.points)
                part.points += (tag.point,)
                part.names += (tag.name,)
                part.places += (number,)
                part.qualities.append(None)
        layout = ScanLayout(name, period_s, tuple(tag.name for tag in tags))
        index = {tag.name: number for number, tag in enumerate(tags)}
        computed = [
            Computed(number, tag, tuple((each, index.get(each)) for each in tag.derived.inputs))
            for number, tag in enumerate(tags)
            if tag.derived is not None
        ]
        found.append(Group(layout, list(parts.values()), computed, index))
    return found


class Scanner:
    """Makes scans. Links are asked in tasks of their own, so that none waits for another, unless they need not wait.

    `done` is called with each whole scan; `pulse_link` carries the PLC's own counter. A scan is whole when every link
    has answered, at the latest a little after its deadline; a link still busy with an earlier tick is not asked again.
    """

    def __init__(
        self,
        links: Mapping[str, Link],
        clock: Clock,
        values: Values,
        watch: Watch,
        *,
        boot: str,
        pulse_link: str = "",
    ) -> None:
        self._links = links
        self._ready = {name: link for name, link in links.items() if isinstance(link, ReadsAtOnce)}
        self._clock = clock
        self._values = values
        self._watch = watch
        self._boot = boot
        self._pulse_link = pulse_link
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self.done: Callable[[Group, Scan], None] = lambda _group, _scan: None

    def start(self, group: Group, tick: Tick) -> None:
        """Ask every link of `group`; returns at once."""
        group.sequence = tick.sequence
        free = [part for part in group.parts if part.task is None]
        pending = _Pending(group, tick, [None] * len(group.index), len(free))
        if not free:
            self._finish(pending)
            return
        share_s = min(group.layout.period_s, 1.0)
        deadline = max(tick.at_s + _DEADLINE * share_s, self._loop.time() + _LATE_DEADLINE * share_s)
        for part in [part for part in free if not self._at_once(part, pending)]:
            self._ask(part, pending, deadline)
        if pending.waiting:
            pending.timer = self._loop.call_at(deadline + _MARGIN_S, self._finish, pending)
        else:
            self._finish(pending)

    def refresh(self, group: Group, link: str) -> None:
        """Ask `link` out of turn for its share of a slow group: it has just come back, and the next tick is far."""
        if group.layout.period_s < _SLOW_S:
            return
        tick = Tick(group.sequence, self._loop.time(), 0, 0)
        for part in group.parts:
            if part.link == link and part.task is None:
                self._ask(part, _Pending(group, tick, [None] * len(group.index), -1), tick.at_s + _DEADLINE)

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` beside the control loop until `stop`."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """End what is under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _at_once(self, part: Part, pending: _Pending) -> bool:
        """Take the answers of a link that need not be waited for; return whether there were any."""
        link = self._ready.get(part.link)
        try:
            answers = None if link is None else link.read_now(part.points)
        except DriverError:
            answers = None  # `read` tells it as it tells all mistakes
        if answers is None:
            return False
        self._take(part, pending, answers)
        pending.waiting -= 1
        return True

    def _ask(self, part: Part, pending: _Pending, deadline: float) -> None:
        """Ask a free link in a task of its own, which is forgotten where it ends: that costs no turn of the loop."""
        part.task = self._loop.create_task(self._poll(part, pending, deadline))
        self._tasks.add(part.task)

    async def _poll(self, part: Part, pending: _Pending, deadline: float) -> None:
        try:
            answers = await self._links[part.link].read(part.points, deadline=deadline, priority=Priority.SCAN)
        except DriverError as error:  # a point that its link does not understand
            answers = dict.fromkeys(part.points, RawReading(None, "out_of_service", str(error)))
        finally:
            if part.task is not None:
                self._tasks.discard(part.task)
            part.task = None
        self._take(part, pending, _in_order(part.points, answers))
        pending.waiting -= 1
        if pending.waiting == 0:
            self._finish(pending)

    def _take(self, part: Part, pending: _Pending, answers: Sequence[Answer]) -> None:
        """Turn the answers of one link into readings."""
        now_s, now_ns = self._loop.time(), self._clock.now_ns()
        alive = self._answered(part, answers)
        frozen = self._frozen(part, answers, now_s)
        made = self._values.all_made(part.names, answers, pending.tick.sequence, now_s, now_ns)
        if frozen:
            made = [self._freeze(reading, now_s) for reading in made]
        readings = pending.readings
        for place, reading in zip(part.places, made, strict=True):
            readings[place] = reading
        if [reading.quality for reading in made] != part.qualities and alive and not self._watch.is_lost(part.link):
            self._told(part, made)

    def _answered(self, part: Part, answers: Sequence[Answer]) -> bool:
        silent = None
        for answer in answers:
            if not isinstance(answer, RawReading) or answer.value is not None or answer.reason not in _LOST:
                self._watch.answered(part.link, alive=True)
                return True
            silent = answer
        if silent is not None:
            self._watch.answered(part.link, alive=False, reason=silent.reason, detail=silent.detail)
        return False

    def _frozen(self, part: Part, answers: Sequence[Answer], now_s: float) -> bool:
        """Return whether the values of the part's link come from a PLC whose program stands still."""
        if part.link != self._pulse_link:
            return False
        if part.counter is not None:
            counter = answers[part.counter]
            told = counter.value if isinstance(counter, RawReading) else counter
            self._watch.pulse(part.link, told, now_s)
        return self._watch.pulse_lost

    def _freeze(self, reading: Reading, now_s: float) -> Reading:
        times = reading.source_time_ns, reading.received_time_ns
        detail = "the PLC's counter stands still"
        return self._values.put(Reading(reading.tag, None, bad("stale"), *times, reading.sequence, detail), now_s)

    def _told(self, part: Part, made: Sequence[Reading]) -> None:
        for k, reading in enumerate(made):
            if reading.quality is not part.qualities[k]:
                part.qualities[k] = reading.quality
                if not self._watch.pulse_lost:
                    self._watch.sensor(reading.tag, reading.quality, reading.detail)

    def _finish(self, pending: _Pending) -> None:
        """Complete the scan with what came, and give it."""
        if pending.waiting < 0:
            return
        pending.waiting = -1  # an answer that comes later still is the latest value, but of no scan
        if pending.timer is not None:
            pending.timer.cancel()
        group, tick = pending.group, pending.tick
        for computed in group.derived:
            pending.readings[computed.place] = self._derive(computed, pending)
        given = zip(group.layout.tags, pending.readings, strict=True)
        readings = [reading or self._missing(name, tick) for name, reading in given]
        self.done(group, Scan(group.layout, self._boot, tick.sequence, tick.loop_ns, tick.t_ns, tuple(readings)))

    def _derive(self, computed: Computed, pending: _Pending) -> Reading:
        readings, tick = pending.readings, pending.tick
        inputs = [
            self._values.judged(name) if place is None else readings[place] or self._missing(name, tick)
            for name, place in computed.inputs
        ]
        return self._values.derived(computed.tag, inputs, tick.sequence)

    def _missing(self, name: str, tick: Tick) -> Reading:
        """Return the reading of a tag whose link kept no deadline; the last value stays what was last heard."""
        return Reading(name, None, bad("timeout"), tick.t_ns, tick.t_ns, tick.sequence)


def _in_order(points: Sequence[Point], answers: Mapping[Point, RawReading]) -> Sequence[RawReading]:
    """Return `answers` in the order of `points`, in which most links give them."""
    if len(answers) == len(points) and all(map(is_, answers, points)):
        return tuple(answers.values())
    return [answers[point] for point in points]

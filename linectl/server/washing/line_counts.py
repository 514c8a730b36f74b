"""What a line has counted in all: bottles, water, heat and NaOH, over full registers and restarts of PLC and linectl.

A counter is a tag of the line file with `counter: true` and a name of `NAMES`, in the zone of the machine (that of its
heartbeat); rejects for something else than a label are told by `inspector.other_rejects`, where there is such a tag.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta
from types import MappingProxyType

from drivers.link import RawReading
from linectl.line.counters import COUNTER_BITS, Total
from linectl.model.lines import LineDefinition, Tag
from linectl.model.lots import Use
from linectl.model.readings import Reading, Scan, ScanLayout
from linectl.units import NS_PER_S

__all__ = ["NAMES", "SHIFTS", "LineCounts", "shift_began_ns"]

NAMES = ("bottles_in", "bottles_out", "bottles_rejected", "water", "energy", "naoh_dosed")
OTHER_REJECTS = "inspector.other_rejects"
SHIFTS = ("05:00", "13:00", "21:00")
"""When shifts begin, by the local clock."""

_INTO = MappingProxyType(
    {"L": 1.0, "m3": 1000.0, "Wh": 1.0, "kWh": 1000.0, "g": 1.0, "kg": 1000.0, "": 1.0, "count": 1.0}
)
_SHIFT = "shift/"  # what counters stood at when the shift began, kept beside them
_BEGAN = "shift/began"
_LOST = "lost"

Stored = Mapping[str, tuple[int, int]]


class LineCounts:
    """The totals of one line. `take` is called with each scan and costs little when nothing has changed."""

    def __init__(
        self, definition: LineDefinition, zone: str, stored: Stored, *, shifts: tuple[str, ...] = SHIFTS
    ) -> None:
        tags = {name: definition.tags.get(f"{zone}.{name}") for name in NAMES}
        tags["other_rejects"] = definition.tags.get(OTHER_REJECTS)
        self._tags = {name: tag for name, tag in tags.items() if tag is not None and _counts(tag)}
        self._totals = {name: _total(tag, stored.get(tag.name)) for name, tag in self._tags.items()}
        self._heard = dict.fromkeys(self._tags, False)
        self._places: dict[str, list[tuple[str, int]]] = {}
        self._last: dict[str, tuple[object, ...]] = {}
        self._shifts = shifts
        self._base = {name: stored[_SHIFT + name][1] for name in self._tags if _SHIFT + name in stored}
        self.shift_ns = stored.get(_BEGAN, (0, 0))[1]
        self._shift_ends_ns = 0
        self.lost = stored.get(_LOST, (0, 0))[1]

    def __repr__(self) -> str:
        """Return the totals."""
        return f"<LineCounts {', '.join(f'{name} {total.total}' for name, total in self._totals.items())}>"

    @property
    def has_bottles(self) -> bool:
        """Whether the line counts bottles at both ends."""
        return {"bottles_in", "bottles_out"} <= self._tags.keys()

    def take(self, scan: Scan, raw: Callable[[str], RawReading | None]) -> bool:
        """Take what a scan says; return whether any counter moved, or went silent. `raw` tells a tag's own count."""
        group = scan.layout.group
        places = self._places.get(group)
        if places is None:
            places = self._places[group] = self._placed(scan.layout)
        if not places:
            return False
        said = tuple([scan.readings[index].value for _, index in places])
        if said == self._last.get(group):
            return False
        self._last[group] = said
        for name, index in places:
            reading = scan.readings[index]
            told = raw(reading.tag) if reading.value is not None else None
            self._heard[name] = told is not None and type(told.value) is int
            if told is not None and type(told.value) is int:
                self._totals[name].add(told.value)
        return True

    def kept(self) -> dict[str, int]:
        """Return the totals that were kept when counting last ended."""
        return {name: total.total for name, total in self._totals.items() if total.raw is not None}

    def prime(self, latest: Callable[[str], Reading], raw: Callable[[str], RawReading | None]) -> None:
        """Take what the line has read already: the next scan may be a while away."""
        for name, tag in self._tags.items():
            told = raw(tag.name) if latest(tag.name).value is not None else None
            if told is not None and type(told.value) is int:
                self._heard[name] = True
                self._totals[name].add(told.value)

    def total(self, name: str) -> int | None:
        """Return a counter's total by its own counting; None: there is none, or it cannot be read at present."""
        return self._totals[name].total if self._heard.get(name) else None

    def amount(self, name: str, count: int | None) -> float | None:
        """Return `count` of a counter in bottles, L, Wh or g; None where it is in another unit."""
        tag = self._tags.get(name)
        factor = None if tag is None else _INTO.get(tag.unit)
        return None if count is None or tag is None or factor is None else count * tag.scaling.gain * factor

    def use_since(self, then: Mapping[str, float]) -> Use:
        """Return what was used since the totals were those of `then` (by name of the counter)."""
        return Use(*(self._since(name, then) for name in ("water", "energy", "naoh_dosed")))

    def _since(self, name: str, then: Mapping[str, float]) -> float | None:
        total = self.total(name)
        if total is None or name not in then:
            return None
        return self.amount(name, total - round(then[name]))

    def totals(self) -> dict[str, int]:
        """Return the totals of all counters that can be read at present."""
        return {name: total.total for name, total in self._totals.items() if self._heard[name]}

    # the shift

    def shift(self, now_ns: int) -> None:
        """Begin a shift when its time has come, or none is known."""
        if now_ns < self._shift_ends_ns:
            return
        began_ns, self._shift_ends_ns = shift_began_ns(now_ns, self._shifts)
        if self.shift_ns < began_ns:
            self.shift_ns = now_ns
            self._base = self.totals()

    def in_shift(self, name: str) -> float | None:
        """Return what a counter has added since the shift began, in bottles, L, Wh or g."""
        total = self.total(name)
        if total is not None and name not in self._base:
            self._base[name] = total  # it was silent when the shift began
        return None if total is None else self.amount(name, total - self._base[name])

    def stored(self) -> dict[str, tuple[int, int]]:
        """Return all that has to outlast this program."""
        kept = {
            self._tags[name].name: (total.raw or 0, total.total)
            for name, total in self._totals.items()
            if total.raw is not None
        }
        kept |= {_SHIFT + name: (0, total) for name, total in self._base.items()}
        return kept | {_BEGAN: (0, self.shift_ns), _LOST: (0, self.lost)}

    def _placed(self, layout: ScanLayout) -> list[tuple[str, int]]:
        index = {tag: place for place, tag in enumerate(layout.tags)}
        return [(name, index[tag.name]) for name, tag in self._tags.items() if tag.name in index]


def shift_began_ns(now_ns: int, shifts: tuple[str, ...] = SHIFTS) -> tuple[int, int]:
    """Return when the shift of `now_ns` began and when it ends (ns UTC), by the local clock's times of day."""
    now = datetime.fromtimestamp(now_ns / NS_PER_S).astimezone()
    days = [now.date() + timedelta(days=offset) for offset in (-1, 0, 1, 2)]
    begins = sorted(datetime.combine(day, time.fromisoformat(at)).astimezone() for day in days for at in shifts)
    place = bisect_right(begins, now)
    return (round(begins[place - 1].timestamp()) * NS_PER_S, round(begins[place].timestamp()) * NS_PER_S)


def _counts(tag: Tag) -> bool:
    return tag.counter and tag.point is not None and tag.point.kind in COUNTER_BITS


def _total(tag: Tag, stored: tuple[int, int] | None) -> Total:
    assert tag.point is not None
    bits = COUNTER_BITS[tag.point.kind]
    return Total(bits) if stored is None else Total(bits, raw=stored[0], total=stored[1])

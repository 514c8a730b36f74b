"""Who watches a scenario: what happened, in its order, told once and in groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from linectl.model.lines import LineDefinition
from linectl.model.readings import Scan
from linectl.server.simulation.twin_view import TwinView

if TYPE_CHECKING:
    from linectl.sim.faults.engine import FaultEvent

__all__ = ["Happening", "Witness"]

_GROUP_S = 1.0  # the scans of one tick end one after the other
_AGAIN_S = (10.0, 600.0)  # what changes to and fro is told again after this time, doubled each time up to the second
_LIE_LOOKS = 2
_LINE_EVENTS = frozenset({"link_lost", "link_back", "plc_reboot"})


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened, at `t_s` of process time since the scenario began; `what` is a machine word.

    `what`: fault_began, fault_ended, quality, state, alarm_on, alarm_off, warning_on, warning_off, link_lost,
    link_back, plc_reboot, lie_on and lie_off (what is told is not what is true, and is so again), operator, end.
    """

    t_s: float
    what: str
    data: Mapping[str, Any]


@dataclass(slots=True)
class Witness:
    """Notes what happens on one line. `look` gives the plant's truth, `now_s` the time since the scenario began.

    Tags that change alike within a second are one happening; a change that comes and goes is told ever more rarely,
    and `unshown` counts the rest.
    """

    definition: LineDefinition
    look: Callable[[], TwinView]
    now_s: Callable[[], float]
    tell: Callable[[Happening], None]
    happened: list[Happening] = field(default_factory=list)
    unshown: int = 0
    over: bool = False  # what comes afterwards (the line is closed, and goes safe) is none of the story
    _qualities: dict[str, str] = field(default_factory=dict)
    _good: set[str] = field(default_factory=set)  # tags that were good once
    _pending: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    _pending_s: float = 0.0
    _told: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    _seen: TwinView | None = None
    _lies: dict[tuple[str, str], tuple[bool, int]] = field(default_factory=dict)  # told as a lie; looks against that

    @property
    def bad(self) -> list[str]:
        """The tags that could be read and cannot now."""
        return [tag for tag, quality in self._qualities.items() if tag in self._good and quality != "GOOD"]

    def note(self, what: str, **data: Any) -> None:
        """Note that something happened now; what waited to be told with others comes first."""
        self.flush()
        self._add(Happening(self.now_s(), what, data))

    def scan(self, scan: Scan) -> None:
        """Take a scan: whose quality changed, and what has become of the plant meanwhile."""
        if self.over:
            return
        now_s = self.now_s()
        if self._pending and now_s - self._pending_s >= _GROUP_S:
            self.flush()
        for reading in scan.readings:
            quality = str(reading.quality)
            before = self._qualities.get(reading.tag)
            self._qualities[reading.tag] = quality
            if reading.quality.is_good:
                self._good.add(reading.tag)
            if before == quality or (before is None and reading.quality.is_good):
                continue
            if not self._pending:
                self._pending_s = now_s
            link = self.definition.tags[reading.tag].link
            self._pending.setdefault((link, quality), []).append(reading.tag)
        self._look()

    def event(self, kind: str, data: Mapping[str, object]) -> None:
        """Take an event of the line."""
        if kind in _LINE_EVENTS and not self.over:
            self.note(kind, **data)

    def fault(self, event: FaultEvent) -> None:
        """Take that a fault began or ended."""
        self.note(
            f"fault_{event.what}",
            number=event.number,
            kind=event.kind,
            target=event.target,
            why=event.why,
            values=dict(event.values),
        )

    def flush(self) -> None:
        """Tell what waits to be told."""
        pending, self._pending = self._pending, {}
        for (link, quality), tags in pending.items():
            due = [tag for tag in tags if self._is_due((tag, quality), self._pending_s)]
            self.unshown += len(tags) - len(due)
            if due:
                self._add(Happening(self._pending_s, "quality", {"link": link, "quality": quality, "tags": due}))

    def _is_due(self, key: tuple[str, str], now_s: float) -> bool:
        first, longest = _AGAIN_S
        last_s, gap_s = self._told.get(key, (-longest, first))
        if now_s - last_s < gap_s and last_s > -longest:
            return False
        self._told[key] = (now_s, first if now_s - last_s > 2.0 * longest else min(longest, 2.0 * gap_s))
        return True

    def _look(self) -> None:
        before, now = self._seen, self.look()
        self._seen = now
        if before is None or now.process_s == before.process_s:
            return
        self._look_at_lies(now)
        if now.plc_state != before.plc_state:
            self.note("state", before=before.plc_state, now=now.plc_state)
        for what, was, has in (("alarm", before.alarms, now.alarms), ("warning", before.warnings, now.warnings)):
            for name in has:
                if name not in was:
                    self.note(f"{what}_on", alarm=name)
            for name in was:
                if name not in has:
                    self.note(f"{what}_off", alarm=name)

    def _look_at_lies(self, now: TwinView) -> None:
        """Tell of a figure that is not true, or true again, for some looks in a row: noise and lag make single ones."""
        for zone in now.zones:
            for quantity in zone.quantities:
                key = (zone.name, quantity.name)
                is_told, looks = self._lies.get(key, (False, 0))
                looks = looks + 1 if quantity.differs != is_told else 0
                if looks == _LIE_LOOKS:
                    is_told, looks = not is_told, 0
                    told = {"zone": zone.name, "quantity": quantity.name, "unit": quantity.unit}
                    what = "lie_on" if is_told else "lie_off"
                    if self._is_due((what, f"{zone.name}/{quantity.name}"), self.now_s()):
                        self.note(what, **told, true=round(quantity.true, 3), told=_rounded(quantity.told))
                    else:
                        self.unshown += 1
                self._lies[key] = is_told, looks

    def _add(self, happening: Happening) -> None:
        self.happened.append(happening)
        self.tell(happening)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)

"""Watches the heating of a line's zones at each scan; a fault makes the line safe, and stands until it is reset."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from linectl.clock import Clock
from linectl.errors import LinectlError
from linectl.line.heating_watch import OFF, HeatingFault, HeatingLook, HeatingState, follow
from linectl.line.values import Values
from linectl.line.watch import Emit
from linectl.model.lines import Heating, LineDefinition
from linectl.model.readings import Reading, Scan, Value
from linectl.words import decimal, tr

__all__ = ["HeatingGuard", "HeatingTrip"]

_AGAIN_S = 10.0  # process time after which a heater that is still on is switched off again

Read = Callable[[str], Awaitable[Reading]]
Run = Callable[[Coroutine[Any, Any, None]], None]


@dataclass(frozen=True, slots=True)
class HeatingTrip:
    """A latched fault of a zone's heating: seen at `at_ns` (wall time), with the temperature and set point of then."""

    zone: str
    fault: HeatingFault
    at_ns: int
    rule: Heating
    temperature_c: float | None
    setpoint_c: float | None

    @property
    def text(self) -> str:
        """What is wrong, for people, in the language in use."""
        rule = self.rule
        words = {
            HeatingFault.NO_GAIN: tr(
                "{zone} is heated, and gained less than {gain} K in {within} s: see to its breaker and element"
            ),
            HeatingFault.RUNAWAY: tr(
                "{zone} is {now} °C, above its set point of {setpoint} °C, and gets still hotter: "
                "switch its main switch off"
            ),
            HeatingFault.BLIND: tr(
                "{zone} is heated, and nobody could read its temperature for {blind} s: see to its probe"
            ),
            HeatingFault.TOO_LONG: tr("{zone} is heated for longer than {most} h at a stretch: see why it is left on"),
        }
        return words[self.fault].format(
            zone=self.zone,
            gain=decimal(rule.gain_k, 1),
            within=decimal(rule.within_s, 0),
            blind=decimal(rule.blind_s, 0),
            most=decimal(rule.max_on_s / 3600.0, 1),
            now="?" if self.temperature_c is None else decimal(self.temperature_c, 1),
            setpoint="?" if self.setpoint_c is None else decimal(self.setpoint_c, 1),
        )


@dataclass(slots=True)
class _Watched:
    zone: str
    rule: Heating
    group: str
    place: int  # of the temperature in scans of that group
    state: HeatingState = OFF


class HeatingGuard:
    """The heating of all zones that have a rule.

    What no scan reads (a set point, the heater's switch) is known from the last write, and from a look at the start.
    `safe` makes the line safe, `run` runs that beside the scans. `trips` are the latched faults, by zone.
    """

    def __init__(
        self, definition: LineDefinition, values: Values, clock: Clock, emit: Emit, safe: Callable[[], Awaitable[None]]
    ) -> None:
        tags = definition.tags
        rules = {zone.name: zone.heating for zone in definition.zones.values() if zone.heating is not None}
        self._rules = {
            zone: rule
            for zone, rule in rules.items()
            if tags.keys() >= {rule.temperature, rule.setpoint, rule.enable} and definition.control is not None
        }
        self._scanned = {name for name, tag in tags.items() if tag.scan}
        self._values = values
        self._clock = clock
        self._emit = emit
        self._safe = safe
        self._held: dict[str, Value | None] = {}
        self._watched: dict[str, list[_Watched]] = {}
        self._again_s = float("-inf")
        self.trips: dict[str, HeatingTrip] = {}

    def place(self, places: Mapping[str, Mapping[str, int]]) -> None:
        """Take where each scan group has its tags."""
        for zone, rule in self._rules.items():
            found = next(((group, index) for group, index in places.items() if rule.temperature in index), None)
            if found is not None:
                group, index = found
                self._watched.setdefault(group, []).append(_Watched(zone, rule, group, index[rule.temperature]))

    async def look(self, read: Read) -> None:
        """Read what no scan reads: at the start, where a heater may be on, and when the PLC did something by itself."""
        unscanned = {name for rule in self._rules.values() for name in (rule.setpoint, rule.enable)} - self._scanned
        for name in sorted(unscanned):
            self._held[name] = (await read(name)).value

    def wrote(self, tag: str, value: object) -> None:
        """Take what a write left in `tag`; None: nobody knows."""
        if tag in self._held and isinstance(value, bool | int | float):
            self._held[tag] = value

    def see(self, scan: Scan, run: Run) -> None:
        """Take a scan of any group."""
        watched = self._watched.get(scan.layout.group)
        if watched is None:
            return
        for each in watched:
            on = self._now(each.rule.enable)
            if not on and (on is not None or each.state is OFF):
                each.state = OFF
                continue
            reading = scan.readings[each.place]
            temperature = float(reading.value) if reading.value is not None and reading.quality.is_good else None
            setpoint = self._now(each.rule.setpoint)
            look = HeatingLook(
                temperature, None if setpoint is None else float(setpoint), None if on is None else bool(on)
            )
            before, each.state = each.state, follow(each.rule, each.state, look, self._clock.process_s())
            if each.state.fault is None:
                continue
            if each.zone not in self.trips:
                self._trip(each, before, look)
            if self._clock.process_s() >= self._again_s:
                self._again_s = self._clock.process_s() + _AGAIN_S
                run(self._make_safe())

    def reset(self, zones: Collection[str] | None = None) -> tuple[HeatingTrip, ...]:
        """Forget the latched faults of `zones` (None: all) and begin to watch them anew; return what stood."""
        stood = tuple(trip for zone, trip in self.trips.items() if zones is None or zone in zones)
        for trip in stood:
            del self.trips[trip.zone]
        for watched in self._watched.values():
            for each in watched:
                if zones is None or each.zone in zones:
                    each.state = OFF
        return stood

    def _now(self, name: str) -> Value | None:
        if name not in self._scanned:
            return self._held.get(name)
        reading = self._values.latest[name]
        return reading.value if reading.quality.is_good else None

    def _trip(self, each: _Watched, before: HeatingState, look: HeatingLook) -> None:
        fault = each.state.fault
        assert fault is not None
        trip = HeatingTrip(each.zone, fault, self._clock.now_ns(), each.rule, look.temperature_c, look.setpoint_c)
        self.trips[each.zone] = trip
        told = {"temperature_c": look.temperature_c, "setpoint_c": look.setpoint_c, "lowest_c": before.lowest_c}
        self._emit("heating_fault", {"zone": each.zone, "fault": str(fault), "text": trip.text, **told})

    async def _make_safe(self) -> None:
        try:
            await self._safe()
        except LinectlError as error:
            self._emit("safe_not_proved", {"detail": error.message})

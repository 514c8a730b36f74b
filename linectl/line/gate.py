"""What stands between a wish and the wire: tag, range, limits, pace, faults of the heating, the PLC's owner."""

from __future__ import annotations

from collections.abc import Mapping

from linectl.clock import Clock
from linectl.line.heating_guard import HeatingGuard
from linectl.line.limits import Before, pace_of, refusal
from linectl.line.plc import Plc
from linectl.line.wire import Wire
from linectl.model.lines import LineDefinition
from linectl.model.readings import Value

__all__ = ["Gate"]


class Gate:
    """Says why a write may not be made now, in one fixed order; it writes nothing itself."""

    def __init__(
        self,
        definition: LineDefinition,
        wire: Wire,
        plc: Plc | None,
        clock: Clock,
        heating: HeatingGuard,
        safe_values: Mapping[str, Value],
    ) -> None:
        self._definition = definition
        self._wire = wire
        self._plc = plc
        self._clock = clock
        self._heating = heating
        self._safe_values = safe_values
        self._changed_s: dict[str, float] = {}  # process time at which a write reached a tag last

    def passed(self, tag: str) -> None:
        """Take that a write went out to `tag`: its pace counts from now."""
        self._changed_s[tag] = self._clock.process_s()

    async def before(self, tag: str) -> Before:
        """Return what `tag` holds, read now, and how long ago it was written (process time)."""
        changed_s = self._changed_s.get(tag)
        value = (await self._wire.read(tag)).value
        return Before(value, None if changed_s is None else self._clock.process_s() - changed_s)

    async def refusal(self, name: str, value: Value, *, planned: bool) -> tuple[str, str] | None:
        """Return why `value` would not be written to the tag `name` (see `Line.refusal`)."""
        tag, zones = self._definition.tags.get(name), self._definition.zones
        if tag is None:
            return "unknown_tag", ""
        if not tag.writable or (self._plc is not None and name in self._plc.reserved):
            return "not_writable", ""
        refused = refusal(tag, value, zones)
        if refused is None and not planned and pace_of(tag, zones):
            refused = refusal(tag, value, zones, await self.before(name))
        refused = refused or self._heat_refused(name, value)
        if refused is None and self._plc is not None and tag.link == self._plc.link:
            lease = await self._plc.lease()
            refused = ("lease", lease) if lease else None
        return refused

    def _heat_refused(self, name: str, value: Value) -> tuple[str, str] | None:
        """Return why a tag may not leave its safe value: the heating was at fault, and no person has reset that."""
        if not self._heating.trips or self._safe_values.get(name, value) == value:
            return None
        return "interlock", "; ".join(trip.text for trip in self._heating.trips.values())

"""The units on one Modbus wire: who lives, who is given up for now, and whether silence is the connection's fault."""

from __future__ import annotations

from drivers.breaker import Breaker
from drivers.modbus.pace import Pace
from drivers.settings import ModbusRtuSettings, ModbusTcpSettings, UnitSettings
from drivers.wire_tap import WireTap

__all__ = ["Unit", "Units"]

_SILENCES_TO_DROP = 2  # a half-open socket says nothing for ever: two silences in a row and it is dropped
_SILENCES_TO_DOUBT = 4  # ... when another unit lived and is not asked any more, or a drop did not help
_NEVER_S = float("-inf")


class Unit:
    """What the wire knows of one unit; times are loop times."""

    __slots__ = (
        "answered_s",
        "breaker",
        "name",
        "needs_nonce",
        "number",
        "pace",
        "settings",
        "silences_here",
        "silent_s",
        "stats",
        "was_dropped",
    )

    def __init__(self, number: int, settings: UnitSettings, tap: WireTap, cost_s: float) -> None:
        self.number = number
        self.name = f"unit {number}"
        self.settings = settings
        self.stats = tap.device(self.name)
        self.breaker = Breaker(cost_s)
        self.pace = Pace()
        self.needs_nonce = settings.nonce
        self.answered_s = _NEVER_S  # its last answer
        self.silent_s = _NEVER_S  # the first of its silences in a row
        self.silences_here = 0  # in a row, on this connection
        self.was_dropped = False  # the connection was, for its silence, and it has not answered since

    def __repr__(self) -> str:
        """Return the number and the state of its breaker."""
        return f"<Unit {self.number} {self.breaker}>"


class Units:
    """All units that were asked over a wire; a request without an answer costs the wire `cost_s`."""

    def __init__(self, settings: ModbusTcpSettings | ModbusRtuSettings, tap: WireTap, cost_s: float) -> None:
        self._settings = settings
        self._tap = tap
        self._cost_s = cost_s
        self._units: dict[int, Unit] = {}
        self._silent: set[Unit] = set()  # those that did not answer since any unit did

    def __repr__(self) -> str:
        """Return the units."""
        return f"<Units {list(self._units.values())}>"

    def of(self, number: int) -> Unit:
        """Return the unit called `number`, made when it is new."""
        unit = self._units.get(number)
        if unit is None:
            settings = self._settings.units.get(number) or UnitSettings()
            unit = self._units[number] = Unit(number, settings, self._tap, self._cost_s)
        return unit

    def connected(self) -> None:
        """Begin a new connection: each unit may be tried at once."""
        self._silent.clear()
        for unit in self._units.values():
            unit.breaker.try_now()
            unit.silences_here = 0
        self.doubt()

    def doubt(self) -> None:
        """Ask the units for a nonce again, where they know how to return one."""
        for unit in self._units.values():
            unit.needs_nonce = unit.settings.nonce

    def alive(self, unit: Unit, now_s: float) -> None:
        """Note that `unit`, or a gateway in its place, was heard over this connection."""
        unit.answered_s, unit.silences_here, unit.was_dropped = now_s, 0, False
        self._silent.clear()

    def silent(self, unit: Unit, now_s: float) -> bool:
        """Note that `unit` did not answer; return whether a socket should be dropped for it."""
        if not unit.breaker.silences:
            unit.silent_s = now_s
        unit.silences_here += 1
        self._silent.add(unit)
        self.give_up(unit, now_s, f"it did not answer {unit.breaker.silences + 1} times in a row")
        unit.was_dropped |= (half_open := self._is_half_open(unit))
        return half_open

    def give_up(self, unit: Unit, now_s: float, why: str) -> None:
        """Count towards giving `unit` up; the frames that led there are kept."""
        others = (other for other in self._units.values() if other is not unit)
        alone = not any(other.answered_s > unit.silent_s for other in others)
        if unit.breaker.silent(now_s, why, alone=alone):
            self._tap.fault("breaker opened", now_s, device=unit.name)

    def _is_half_open(self, unit: Unit) -> bool:
        """Return whether the silences are the connection's fault rather than the unit's.

        A dead unit behind a gateway must not cost the others their connection. So when another unit answered since
        its first silence, it never is; and while others are known to live, one unit's silence proves nothing until a
        second that lived is silent too, or the first is silent again and again and nobody else is asked.
        """
        others = [other for other in self._units.values() if other is not unit]
        if any(other.answered_s > unit.silent_s for other in others):
            return False
        if sum(each.answered_s > _NEVER_S for each in self._silent) > 1:
            return True
        in_doubt = unit.was_dropped or any(other.answered_s > _NEVER_S for other in others)
        return unit.silences_here >= (_SILENCES_TO_DOUBT if in_doubt else _SILENCES_TO_DROP)

"""The twin of the lab bath: physics, PLC and what hands did, brought to the present together.

Every wire and every in-memory device asks this one object. Process time is wire time times the speed.
"""

from __future__ import annotations

import math

from drivers.frames.ezo import NO_PROBE_RTD
from linectl.sim.bath.broken import driven, seen
from linectl.sim.bath.physics import BathInputs, BathParams, BathState, filled
from linectl.sim.bath.plant import POSITIONS, Plant
from linectl.sim.bath.plc import Plc
from linectl.sim.defects import Defects
from linectl.sim.glue.labels import GLUES
from linectl.sim.noise import noise

__all__ = ["PROBE_NOISE_K", "TAP_WATER_MS_CM", "Twin"]

PROBE_NOISE_K = 0.1
CONTROLLER_NOISE_K = 0.05
CONDUCTIVITY_NOISE = 0.002  # of the reading
TAP_WATER_MS_CM = 0.40  # at 25 °C: what plain water conducts by its own salts
_TAP_WATER_PER_K = 0.02
_IN_WATER_KG = 2.0  # less does not reach the conductivity probe


class Twin:
    """One simulated rig without wires.

    `advance` brings physics and PLC to a wire time (s since the twin was made); all other methods speak of the moment
    that was reached. Noise depends on the seed and the whole second of process time alone.
    """

    def __init__(
        self,
        params: BathParams,
        seed: int,
        *,
        speed: float = 1.0,
        initial: BathState | None = None,
        watchdog_s: float = 2.0,
    ) -> None:
        self.seed = seed
        self.speed = speed
        self.lid_open = False
        self.defects = Defects()
        self._blind = False  # a defect has cut the controller's own probe
        self.plc = Plc(params, watchdog_s=watchdog_s)
        empty = filled(params, temperature_c=params.room_c, level_pct=0.0)
        self.plant = Plant(params, seed, control=self._control, initial=initial if initial is not None else empty)
        self._look(self.plant.state)

    def __repr__(self) -> str:
        """Return the plant and the PLC."""
        return f"<Twin x{self.speed:g} {self.plant!r} {self.plc!r}>"

    def advance(self, now_s: float) -> None:
        """Go to wire time `now_s` s; the watchdog trips at its own moment even when nobody asked in between."""
        deadline_s = self.plc.watchdog_deadline_s()
        if deadline_s is not None and deadline_s <= now_s:
            self._advance(deadline_s)
        self._advance(now_s)

    def temperature_c(self) -> float:
        """Return what the bath probe shows in °C, with a broken wire what its circuit gives instead: -1023."""
        value = self.plant.state.probe_c + self._noise("rtd", PROBE_NOISE_K)
        shown = self.defects.shown("bath.temperature", value, self.plant.time_s) if self.defects else value
        return NO_PROBE_RTD if shown is None else shown

    def controller_c(self) -> float | None:
        """Return what the controller's own probe shows in °C, None when it is broken."""
        shown = self.plc.temperature_c
        if shown is None or "bath.controller_temperature" in self.defects.sensors:
            return shown
        return shown + self._noise("controller", CONTROLLER_NOISE_K)

    def conductivity_us_cm(self) -> float:
        """Return what the conductivity probe shows in µS/cm, with a broken wire 0, as in air."""
        value = self._whole_conductivity_us_cm()
        if not self.defects:
            return value
        shown_ms_cm = self.defects.shown("bath.conductivity", 1e-3 * value, self.plant.time_s)
        return 0.0 if shown_ms_cm is None else 1e3 * max(0.0, shown_ms_cm)

    def _whole_conductivity_us_cm(self) -> float:
        """Return what a whole probe shows: caustic, and the tap water's own salts; 0 in air."""
        state = self.plant.state
        if state.water_kg + state.naoh_kg < _IN_WATER_KG:
            return 0.0
        water = TAP_WATER_MS_CM * (1.0 + _TAP_WATER_PER_K * (state.temperature_c - 25.0))
        # caustic takes up the water's bicarbonate, so the two do not add
        shown = max(water, state.conductivity_ms_cm)
        return 1e3 * shown * (1.0 + self._noise("ec", CONDUCTIVITY_NOISE))

    def glue_codes(self) -> list[int]:
        """Return the glue class of the bottle at each position, 0 where there is none."""
        return [0 if label is None else label.glue for label in self.plant.labels]

    def attached(self) -> list[bool | None]:
        """Return what a camera sees at each position: the label on, off, or None: no bottle."""
        return [None if label is None else label.attached for label in self.plant.labels]

    def put(self, position: int, glue_code: int) -> None:
        """Put a bottle of a glue class into `position` (1-24), or take it out (0); another one there goes out first.

        Asking for what is there already changes nothing, so a repeated write moves no bottle twice.

        Raises:
            ValueError: no such position or glue class.
        """
        before = self.plant.labels[position - 1]
        if glue_code and glue_code not in GLUES:
            raise ValueError(f"no glue class {glue_code}")
        if before is not None and before.glue != glue_code:
            self.plant.take(position)
        if glue_code and (before is None or before.glue != glue_code):
            self.plant.put(position, glue_code)

    @property
    def occupied(self) -> bool:
        """Whether any bottle is in the bath."""
        return self.plant.labels.count(None) < POSITIONS

    @property
    def second(self) -> int:
        """The whole second of process time that was reached."""
        return math.floor(self.plant.time_s)

    def _advance(self, now_s: float) -> None:
        self.plant.advance_to(now_s * self.speed)
        self._look(self.plant.state)
        self.plc.tick(now_s)

    def _control(self, state: BathState, process_s: float) -> BathInputs:
        asked = self.plc.control(self._as_shown(state, process_s), self.plant.dt_s)._replace(lid_open=self.lid_open)
        if not self.defects:
            return asked
        done = driven(asked, self.defects, process_s)
        self.plc.heater_kw = done.heater_kw  # the PLC reads its heater's meter
        return done

    def _look(self, state: BathState) -> None:
        self.plc.see(self._as_shown(state, self.plant.time_s))

    def _as_shown(self, state: BathState, process_s: float) -> BathState:
        """Return the bath as its controller's sensors show it; the controller acts on nothing else."""
        if not self.defects and not self._blind:
            return state
        shown, blind = seen(state, self.defects, process_s, self.plc.params)
        if blind is not self._blind:
            self.plc.probe_fault = self._blind = blind
        return shown

    def _noise(self, device: str, sd: float) -> float:
        return noise(self.seed, device, self.second, sd)

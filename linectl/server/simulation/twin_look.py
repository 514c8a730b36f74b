"""Looking at a simulated plant from above: its truth, and beside it what its PLC and instruments say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from linectl.clock import Clock
from linectl.clock.pace import Pace
from linectl.server.simulation.twin_view import BottleView, FaultView, Quantity, TwinView, ZoneView
from linectl.server.simulation.washer_look import washer_parts
from linectl.sim.bath.physics import level_pct, naoh_pct
from linectl.sim.bath.registers import Alarm
from linectl.sim.bath.twin import Twin
from linectl.sim.glue.labels import GlueClass
from linectl.sim.rig import Rig

__all__ = ["Looker"]

_PROBE_K = 1.0  # lag and noise of a sound probe in a bath that is heated
_LEVEL_PCT = 2.0
_CONDUCTIVITY_SHARE = 0.05
_CONDUCTIVITY_MS_CM = 1.0  # and the tap water's own salts


@dataclass(frozen=True, slots=True)
class Looker:
    """Looks at what a rig has of `plant` (`bath` or `washer`), for the line of that name."""

    rig: Rig
    clock: Clock
    line: str
    plant: str

    def __call__(self, faults: tuple[FaultView, ...] = (), pace: Pace | None = None) -> TwinView:
        """Return how the plant is now, brought to the present first."""
        rig, clock = self.rig, self.clock
        rig.advance()
        parts = washer_parts(rig.washer) if self.plant == "washer" else _bath_parts(rig.twin)
        return TwinView(
            line=self.line,
            plant=self.plant,
            seed=rig.twin.seed,
            speed=clock.speed,
            process_s=clock.process_s(),
            faults=faults,
            **({} if pace is None else _pace_parts(pace)),
            **parts,
        )


def _pace_parts(pace: Pace) -> dict[str, Any]:
    return {
        "late_s": round(pace.late_s, 3),
        "worst_s": round(pace.worst_s, 3),
        "overruns": pace.overruns,
        "held": pace.held,
    }


def _bath_parts(twin: Twin) -> dict[str, Any]:
    labels = [label for label in twin.plant.labels if label is not None]
    bottles = tuple(
        BottleView(place, GlueClass(label.glue).name.lower(), label.attached)
        for place, label in enumerate(twin.plant.labels, start=1)
        if label is not None
    )
    return {
        "plc_state": twin.plc.state.name,
        "owner": twin.plc.owner,
        "alarms": tuple(str(bit.name).lower() for bit in Alarm if bit in twin.plc.alarms),
        "zones": (_bath(twin),),
        "counts": {"bottles": len(labels), "labels_off": sum(not label.attached for label in labels)},
        "bottles": bottles,
    }


def _bath(twin: Twin) -> ZoneView:
    plc, plant = twin.plc, twin.plant
    state, asked = plant.state, plc.setpoints
    level, true_c, true_ms_cm = level_pct(state, plant.params), state.temperature_c, state.conductivity_ms_cm
    doubt_ms_cm = max(_CONDUCTIVITY_MS_CM, _CONDUCTIVITY_SHARE * true_ms_cm)
    shown_ms_cm = 1e-3 * twin.conductivity_us_cm()
    return ZoneView(
        name="bath",
        kind="bath",
        level_pct=level,
        quantities=(
            Quantity("temperature", "°C", true_c, twin.temperature_c(), True, asked.temperature_c, _PROBE_K),
            Quantity("controller", "°C", true_c, twin.controller_c(), True, None, _PROBE_K),
            Quantity("naoh", "%", naoh_pct(state), setpoint=asked.naoh_pct, digits=2),
            Quantity("conductivity", "mS/cm", true_ms_cm, shown_ms_cm, True, tolerance=doubt_ms_cm),
            Quantity("level", "%", level, plc.level_pct, True, tolerance=_LEVEL_PCT),
            Quantity("heater", "kW", plc.heater_kw, digits=2),
            Quantity("setpoint", "°C", asked.temperature_c),
            Quantity("stirrer", "%", asked.stirrer_pct, digits=0),
        ),
        bottles=sum(label is not None for label in plant.labels),
        places=len(plant.labels),
    )

"""How long each bath takes and which must be drained first: heat, volume and flow, before anything is started.

A bath goes down in NaOH only by draining, and under its lid it cools over hours (80 to 50 °C: 6 h for 40 L). The
same rules decide in the run, from what is measured there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite

from linectl.lab.design.baths import PlannedBath
from linectl.lab.design.changeover import ROOM_C, BathState, Change, change, holding_kw, refill_reason
from linectl.lab.plan_text import treatment_text
from linectl.model.experiments import PHASES, Experiment
from linectl.model.lines import Zone
from linectl.model.records import Treatment
from linectl.words import number, tr

__all__ = ["PHASES", "BathState", "BathTimes", "plan", "problems", "refill_reason"]

_LOAD_BOTTLE_S = 10.0
_UNLOAD_BOTTLE_S = 5.0
_BOTTLE_WH_K = 0.131  # a glass bottle of 560 g: 0.47 kJ/K


@dataclass(frozen=True, slots=True)
class BathTimes:
    """The planned seconds of each phase of one bath; `refill` says why it is drained first ("" when it is not).

    Reasons: `start` (nobody knows what is in it), `naoh` (too strong), `cooler` (cooling under the lid would take
    longer than the experiment allows), `faster` (draining, filling and heating is faster than to wait for it).
    `heat` is the time of cooling where the bath must cool. `energy_kwh` is what the bath's own heater gives: to the
    water, to the `bottles`, to the losses under the lid and, while bottles go in and out, without it.
    """

    ord: int
    treatment: Treatment
    refill: str
    phases: Mapping[str, float]
    energy_kwh: float = 0.0
    bottles: int = 0

    @property
    def total_s(self) -> float:
        """The planned seconds of the whole bath."""
        return sum(self.phases.values())


def plan(baths: Sequence[PlannedBath], experiment: Experiment, zone: Zone) -> list[BathTimes]:
    """Return the planned times of `baths` in order, each starting from what the one before leaves behind."""
    found: list[BathTimes] = []
    before: BathState | None = None
    for bath in baths:
        found.append(_times(bath, before, experiment, zone))
        before = BathState(bath.treatment.temperature_c, bath.treatment.naoh_pct)
    return found


def problems(baths: Sequence[PlannedBath], experiment: Experiment, zone: Zone) -> list[str]:
    """Return what physics forbids for `baths`: one sentence for each, with the minutes needed and given."""
    rates = {"fill_l_min": zone.fill_l_min, "drain_l_min": zone.drain_l_min, "heater_kw": zone.heater_kw}
    missing = [name for name, rate in rates.items() if rate <= 0]
    if missing:
        text = tr("zone {zone}: {names} must be above 0 in the line's file")
        return [text.format(zone=zone.name, names=", ".join(missing))]
    found: list[str] = []
    before: BathState | None = None
    for bath in baths:
        found += _too_slow(bath, change(before, bath.treatment, experiment, zone), experiment, zone)
        before = BathState(bath.treatment.temperature_c, bath.treatment.naoh_pct)
    return found


def _times(bath: PlannedBath, before: BathState | None, experiment: Experiment, zone: Zone) -> BathTimes:
    way = change(before, bath.treatment, experiment, zone)
    phases = {
        "drain": way.drain_s,
        "fill": way.fill_s,
        "dose": way.dose_s,
        "heat": way.heat_s,
        "stabilise": experiment.stabilisation.hold_s,
        "load": _LOAD_BOTTLE_S * len(bath.bottles),
        "soak": experiment.soak.cap_s,
        "unload": _UNLOAD_BOTTLE_S * len(bath.bottles),
    }
    energy = _energy_kwh(bath, way, phases, experiment, zone)
    return BathTimes(bath.ord, bath.treatment, way.reason, phases, energy, len(bath.bottles))


def _energy_kwh(
    bath: PlannedBath, way: Change, phases: Mapping[str, float], experiment: Experiment, zone: Zone
) -> float:
    """Return the heat (kWh) of one bath; not finite where it never gets there."""
    if not isfinite(way.heat_kwh):
        return inf
    temperature_c = bath.treatment.temperature_c
    lidded_s, open_s = phases["stabilise"] + phases["soak"], phases["load"] + phases["unload"]
    kept = holding_kw(zone, temperature_c, lid_open=False) * lidded_s
    kept += holding_kw(zone, temperature_c, lid_open=True) * open_s
    warmed_k = max(0.0, temperature_c - experiment.glass.bottle_in_c)
    return way.heat_kwh + kept / 3600.0 + _BOTTLE_WH_K * 1e-3 * warmed_k * len(bath.bottles)


def _too_slow(bath: PlannedBath, way: Change, experiment: Experiment, zone: Zone) -> list[str]:
    stable, start_c, way_s = experiment.stabilisation, way.start_c, way.heat_s
    if way_s + stable.hold_s <= stable.within_s:
        return []
    cooling = start_c > bath.treatment.temperature_c
    place = {"bath": bath.ord, "treatment": treatment_text(bath.treatment), "start": number(start_c)}
    if way_s == inf:
        text = (
            tr("bath {bath} ({treatment}): from {start} °C it never cools so far in a room of {room:g} °C")
            if cooling
            else tr("bath {bath} ({treatment}): from {start} °C the heater of {kw:g} kW never gets so far")
        )
        return [text.format(**place, room=ROOM_C, kw=zone.heater_kw)]
    text = (
        tr("bath {bath} ({treatment}): cooling under the lid from {start} °C takes {way} min; {given} min are given")
        if cooling
        else tr("bath {bath} ({treatment}): heating from {start} °C takes {way} min; {given} min are given")
    )
    hint = tr(" (fresh water comes at {start} °C)").format(start=number(start_c)) if way.reason else ""
    minutes = {"way": f"{(way_s + stable.hold_s) / 60:.0f}", "given": f"{stable.within_s / 60:.0f}"}
    return [text.format(**place, **minutes) + hint]

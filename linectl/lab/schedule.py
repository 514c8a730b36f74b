"""How long each bath takes and which must be drained first: heat, volume and flow, before anything is started.

A bath goes down in NaOH only by draining, and under its lid it cools over hours (80 to 50 °C: 6 h for 40 L). The
same rules decide in the run, from what is measured there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, log

from linectl.lab.design.baths import PlannedBath, trials
from linectl.model.experiments import Experiment
from linectl.model.lines import LineDefinition, Zone
from linectl.model.records import Treatment
from linectl.words import tr

__all__ = ["PHASES", "BathState", "BathTimes", "feasibility", "plan", "problems", "refill_reason", "timeline"]

PHASES = ("drain", "fill", "dose", "heat", "stabilise", "load", "soak", "unload")

ROOM_C = 20.0
NAOH_ABOVE_PCT = 0.1  # a bath that is stronger than wanted by more is drained: half of the ± 0.2 % asked of a dose
_KJ_L_K = 4.1  # heat capacity of a litre of bath (2 % NaOH, 20-80 °C: 4.07 to 4.11 kJ/kg/K)
_LOSS_40_L_KW_K = 0.005  # a lidded lab bath of 40 L loses 5 W/K; others by their surface
_DOSE_G_MIN = 120.0  # of NaOH from a laboratory pump; then the time to stir it in
_STIR_S = 30.0
_LOAD_BOTTLE_S = 10.0
_UNLOAD_BOTTLE_S = 5.0


@dataclass(frozen=True, slots=True)
class BathState:
    """What is in the bath: °C and % NaOH."""

    temperature_c: float
    naoh_pct: float


@dataclass(frozen=True, slots=True)
class BathTimes:
    """The planned seconds of each phase of one bath; `refill` says why it is drained first ("" when it is not).

    Reasons: `start` (nobody knows what is in it), `naoh` (too strong), `cooler` (cooling under the lid would take
    longer than the experiment allows), `faster` (draining, filling and heating is faster than to wait for it).
    `heat` is the time of cooling where the bath must cool.
    """

    ord: int
    treatment: Treatment
    refill: str
    phases: Mapping[str, float]

    @property
    def total_s(self) -> float:
        """The planned seconds of the whole bath."""
        return sum(self.phases.values())

    @property
    def total_min(self) -> float:
        """The planned minutes of the whole bath."""
        return self.total_s / 60.0

    def __str__(self) -> str:
        """Return one line of the timeline, in the language in use."""
        refill = tr("fresh water") if self.refill else tr("same water")
        steps = ", ".join(f"{name} {seconds / 60:.0f}" for name, seconds in self.phases.items() if seconds)
        return tr("bath {ord:2d}: {treatment}, {refill}, {total:.0f} min ({steps})").format(
            ord=self.ord, treatment=self.treatment, refill=refill, total=self.total_min, steps=steps
        )


def timeline(experiment: Experiment, definition: LineDefinition) -> list[BathTimes]:
    """Return the planned times of every bath of `experiment` on the zone of `definition` that it names."""
    zone = definition.zones[experiment.zone]
    return plan(_baths(experiment, zone), experiment, zone)


def feasibility(experiment: Experiment, definition: LineDefinition) -> list[str]:
    """Return what physics forbids in the time given, one sentence each with its minutes; none when all can be done."""
    zone = definition.zones[experiment.zone]
    return problems(_baths(experiment, zone), experiment, zone)


def plan(baths: Sequence[PlannedBath], experiment: Experiment, zone: Zone) -> list[BathTimes]:
    """Return the planned times of `baths` in order, each starting from what the one before leaves behind."""
    found: list[BathTimes] = []
    before: BathState | None = None
    for bath in baths:
        found.append(_times(bath, before, experiment, zone))
        before = BathState(bath.treatment.temperature_c, bath.treatment.naoh_pct)
    return found


def refill_reason(before: BathState | None, treatment: Treatment, experiment: Experiment, zone: Zone) -> str:
    """Return why the bath must be drained and filled for `treatment`, "" when it can be kept (see `BathTimes`)."""
    if before is None:
        return "start"
    if before.naoh_pct > treatment.naoh_pct + NAOH_ABOVE_PCT:
        return "naoh"
    band = experiment.stabilisation.band_c
    if before.temperature_c <= treatment.temperature_c + band:
        return ""
    cooling = _cool_s(zone, before.temperature_c, treatment.temperature_c + band)
    if cooling + experiment.stabilisation.hold_s > experiment.stabilisation.within_s:
        return "cooler"
    fresh = (
        sum(_refill_s(zone))
        + _dose_s(zone, treatment.naoh_pct)
        + _to_temperature_s(zone, zone.fill_temperature_c, treatment, band)
    )
    return "faster" if fresh < cooling else ""


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
        start_c, reason = _start(bath, before, experiment, zone)
        found += _too_slow(bath, start_c, reason, experiment, zone)
        before = BathState(bath.treatment.temperature_c, bath.treatment.naoh_pct)
    return found


def _baths(experiment: Experiment, zone: Zone) -> list[PlannedBath]:
    return trials(experiment, zone.positions) if zone.positions else trials(experiment)


def _times(bath: PlannedBath, before: BathState | None, experiment: Experiment, zone: Zone) -> BathTimes:
    start_c, reason = _start(bath, before, experiment, zone)
    band = experiment.stabilisation.band_c
    drain, fill = _refill_s(zone) if reason else (0.0, 0.0)
    missing_pct = bath.treatment.naoh_pct - (0.0 if reason or before is None else before.naoh_pct)
    phases = {
        "drain": 0.0 if before is None else drain,
        "fill": fill,
        "dose": _dose_s(zone, missing_pct),
        "heat": _to_temperature_s(zone, start_c, bath.treatment, band),
        "stabilise": experiment.stabilisation.hold_s,
        "load": _LOAD_BOTTLE_S * len(bath.bottles),
        "soak": experiment.soak.cap_s,
        "unload": _UNLOAD_BOTTLE_S * len(bath.bottles),
    }
    return BathTimes(bath.ord, bath.treatment, reason, phases)


def _start(bath: PlannedBath, before: BathState | None, experiment: Experiment, zone: Zone) -> tuple[float, str]:
    """Return from which temperature (°C) the bath is heated or cooled, and why it is refilled ("" when not)."""
    reason = refill_reason(before, bath.treatment, experiment, zone)
    return (zone.fill_temperature_c if reason or before is None else before.temperature_c), reason


def _too_slow(bath: PlannedBath, start_c: float, reason: str, experiment: Experiment, zone: Zone) -> list[str]:
    stable = experiment.stabilisation
    way_s = _to_temperature_s(zone, start_c, bath.treatment, stable.band_c)
    if way_s + stable.hold_s <= stable.within_s:
        return []
    cooling = start_c > bath.treatment.temperature_c
    place = {"bath": bath.ord, "treatment": bath.treatment, "start": f"{start_c:g}"}
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
    hint = tr(" (fresh water comes at {start} °C)").format(start=f"{start_c:g}") if reason else ""
    minutes = {"way": f"{(way_s + stable.hold_s) / 60:.0f}", "given": f"{stable.within_s / 60:.0f}"}
    return [text.format(**place, **minutes) + hint]


def _dose_s(zone: Zone, missing_pct: float) -> float:
    """Return the seconds of dosing `missing_pct` % NaOH and stirring it in."""
    return 60.0 * zone.volume_l * 10.0 * missing_pct / _DOSE_G_MIN + _STIR_S if missing_pct > 0 else 0.0


def _refill_s(zone: Zone) -> tuple[float, float]:
    """Return the seconds of draining and of filling."""
    return tuple(  # type: ignore[return-value]  # two by construction
        60.0 * zone.volume_l / rate if rate > 0 else inf for rate in (zone.drain_l_min, zone.fill_l_min)
    )


def _to_temperature_s(zone: Zone, start_c: float, treatment: Treatment, band_c: float) -> float:
    """Return the seconds from `start_c` to the treatment's temperature, by heating or by cooling under the lid."""
    if start_c > treatment.temperature_c + band_c:
        return _cool_s(zone, start_c, treatment.temperature_c + band_c)
    return _heat_s(zone, start_c, treatment.temperature_c) if start_c < treatment.temperature_c else 0.0


def _time_constant_s(zone: Zone) -> tuple[float, float]:
    """Return heat capacity over loss (s) and the loss (kW/K) of the lidded bath."""
    loss = _LOSS_40_L_KW_K * (zone.volume_l / 40.0) ** (2.0 / 3.0)
    return zone.volume_l * _KJ_L_K / loss, loss


def _heat_s(zone: Zone, start_c: float, end_c: float) -> float:
    """Return the seconds of full heater power from `start_c` to `end_c` against the loss; inf when never."""
    tau, loss = _time_constant_s(zone)
    highest = ROOM_C + zone.heater_kw / loss
    return tau * log((highest - start_c) / (highest - end_c)) if end_c < highest else inf


def _cool_s(zone: Zone, start_c: float, end_c: float) -> float:
    """Return the seconds in which the lidded bath cools from `start_c` to `end_c`; inf when never."""
    tau, _ = _time_constant_s(zone)
    return tau * log((start_c - ROOM_C) / (end_c - ROOM_C)) if end_c > ROOM_C else inf

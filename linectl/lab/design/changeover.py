"""From one bath to the next: what must be drained, how long filling, dosing, heating or cooling take, and the heat.

A bath goes down in NaOH only by draining, and under its lid it cools over hours (80 to 50 °C: 6 h for 40 L).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import inf, log

from linectl.model.experiments import Experiment
from linectl.model.lines import Zone
from linectl.model.records import Treatment

__all__ = [
    "NAOH_ABOVE_PCT",
    "ROOM_C",
    "USUAL_BATH",
    "BathState",
    "Change",
    "change",
    "holding_kw",
    "refill_reason",
    "way_s",
]

ROOM_C = 20.0
NAOH_ABOVE_PCT = 0.1  # a bath that is stronger than wanted by more is drained: half of the ± 0.2 % asked of a dose
USUAL_BATH = Zone(
    "bath", "bath", 40.0, positions=24, fill_temperature_c=45.0, heater_kw=3.0, fill_l_min=10.0, drain_l_min=10.0
)
_KJ_L_K = 4.1  # heat capacity of a litre of bath (2 % NaOH, 20-80 °C: 4.07 to 4.11 kJ/kg/K)
_LOSS_40_L_KW_K = 0.005  # a lidded lab bath of 40 L loses 5 W/K; others by their surface
_OPEN_40_L_M2 = 0.20
_OPEN_KW_M2 = ((20.0, 0.0), (50.0, 1.4), (60.0, 2.4), (70.0, 3.8), (80.0, 5.8), (85.0, 7.1))  # open water, room 20 °C
_DOSE_G_MIN = 120.0  # of NaOH from a laboratory pump; then the time to stir it in
_STIR_S = 30.0


@dataclass(frozen=True, slots=True)
class BathState:
    """What is in the bath: °C and % NaOH."""

    temperature_c: float
    naoh_pct: float


@dataclass(frozen=True, slots=True)
class Change:
    """The way to a treatment: `reason` for draining first ("" when the bath is kept), where it starts (°C), seconds.

    `heat_s` is the time of cooling where the bath must cool; `heat_kwh` is the heater's part of the way.
    """

    reason: str
    start_c: float
    drain_s: float
    fill_s: float
    dose_s: float
    heat_s: float
    heat_kwh: float

    @property
    def total_s(self) -> float:
        """Seconds until the bath is at its treatment, not yet stable."""
        return self.drain_s + self.fill_s + self.dose_s + self.heat_s


def refill_reason(before: BathState | None, treatment: Treatment, experiment: Experiment, zone: Zone) -> str:
    """Return why the bath must be drained and filled for `treatment`, "" when it can be kept.

    `start` (nobody knows what is in it), `naoh` (too strong), `cooler` (cooling under the lid would take longer than
    the experiment allows), `faster` (draining, filling and heating is faster than to wait for it).
    """
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
        sum(_refill_s(zone)) + _dose_s(zone, treatment.naoh_pct) + way_s(zone, zone.fill_temperature_c, treatment, band)
    )
    return "faster" if fresh < cooling else ""


def change(before: BathState | None, treatment: Treatment, experiment: Experiment, zone: Zone) -> Change:
    """Return the way of the bath from `before` (None: unknown, filled afresh) to `treatment`."""
    reason = refill_reason(before, treatment, experiment, zone)
    start_c = zone.fill_temperature_c if reason or before is None else before.temperature_c
    drain, fill = _refill_s(zone) if reason else (0.0, 0.0)
    missing_pct = treatment.naoh_pct - (0.0 if reason or before is None else before.naoh_pct)
    heat = way_s(zone, start_c, treatment, experiment.stabilisation.band_c)
    heated = start_c < treatment.temperature_c
    return Change(
        reason=reason,
        start_c=start_c,
        drain_s=0.0 if before is None else drain,
        fill_s=fill,
        dose_s=_dose_s(zone, missing_pct),
        heat_s=heat,
        heat_kwh=zone.heater_kw * heat / 3600.0 if heated else 0.0,
    )


def way_s(zone: Zone, start_c: float, treatment: Treatment, band_c: float) -> float:
    """Return the seconds from `start_c` to the treatment's temperature, by heating or by cooling under the lid."""
    if start_c > treatment.temperature_c + band_c:
        return _cool_s(zone, start_c, treatment.temperature_c + band_c)
    return _heat_s(zone, start_c, treatment.temperature_c) if start_c < treatment.temperature_c else 0.0


def holding_kw(zone: Zone, temperature_c: float, *, lid_open: bool) -> float:
    """Return the heat (kW) that a bath of `zone` at `temperature_c` loses, open (it evaporates) or under its lid."""
    size = float((zone.volume_l / 40.0) ** (2.0 / 3.0))
    if not lid_open:
        return max(0.0, temperature_c - ROOM_C) * _LOSS_40_L_KW_K * size
    return _open_kw_m2(temperature_c) * _OPEN_40_L_M2 * size


def _open_kw_m2(temperature_c: float) -> float:
    points = _OPEN_KW_M2
    if temperature_c <= points[0][0]:
        return 0.0
    for (low, below), (high, above) in pairwise(points):
        if temperature_c <= high:
            return below + (above - below) * (temperature_c - low) / (high - low)
    return points[-1][1]


def _dose_s(zone: Zone, missing_pct: float) -> float:
    """Return the seconds of dosing `missing_pct` % NaOH and stirring it in."""
    return 60.0 * zone.volume_l * 10.0 * missing_pct / _DOSE_G_MIN + _STIR_S if missing_pct > 0 else 0.0


def _refill_s(zone: Zone) -> tuple[float, float]:
    """Return the seconds of draining and of filling."""
    return tuple(  # type: ignore[return-value]  # two by construction
        60.0 * zone.volume_l / rate if rate > 0 else inf for rate in (zone.drain_l_min, zone.fill_l_min)
    )


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

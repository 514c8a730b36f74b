"""What the simulated washer is made of, what is in it, and what acts on it: the types its rooms share.

Everything that belongs to a zone is a tuple over Z0 to Z7, in the order of a bottle's way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["ZONES", "Ledger", "WasherInputs", "WasherParams", "WasherState", "ZoneParams"]

ZONES = 8

Eight = tuple[float, float, float, float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class ZoneParams:
    """One zone: tank, dwell at the rated speed, how its liquid moves and its glass warms."""

    name: str
    kind: str
    volume_l: float
    dwell_s: float
    mech: float = 1.0  # agitation factor of the release law: 1 still, 1.5 gentle, 3 jets
    tau_glass_s: float = 15.0
    heater_kw: float = 0.0
    dosed: bool = False
    pressure_bar: float = 0.0  # of its jets at full pump speed; 0: it has none
    surface_m2: float = 0.0  # liquid that steams into the hood
    walls_w_k: float = 0.0


@dataclass(frozen=True, slots=True)
class WasherParams:
    """The whole machine; a pocket carries one bottle, `row_bottles` of them side by side are a carrier."""

    zones: tuple[ZoneParams, ...]
    rated_b_h: float = 3000.0
    row_bottles: int = 10
    bottle_kj_k: float = 0.470  # 560 g of glass of 0.84 kJ/(kg K)
    film_ml: float = 15.0  # of liquid that a bottle carries over into the next zone: 10 to 20
    fresh_l_min: float = 15.0
    dose_g_min: float = 600.0
    lye_pct: float = 30.0
    heat_recovery: float = 0.5  # share of the outflow's heat that comes back to Z1: 0.4 to 0.6
    room_c: float = 20.0
    humidity_pct: float = 50.0
    mains_c: float = 12.0
    probe_s: float = 10.0  # lag of the PT100s: 8 to 15 s
    conductivity_s: float = 2.0
    ph_s: float = 20.0


class Ledger(NamedTuple):
    """What went in and out since the start, so that the balances can be closed: kJ, kg and kWh-free SI units."""

    heater_kj: float = 0.0
    loss_kj: float = 0.0  # walls, hood and vapour
    glass_kj: float = 0.0  # carried away by bottles, above what they brought
    outflow_kj: float = 0.0  # of liquid that left, above the mains
    water_in_kg: float = 0.0
    water_out_kg: float = 0.0
    vapour_kg: float = 0.0
    naoh_in_kg: float = 0.0
    naoh_out_kg: float = 0.0
    naoh_spent_kg: float = 0.0  # turned to carbonate, or neutralised by soil


class WasherState(NamedTuple):
    """What is in the washer and what its slow sensors show. Free NaOH and carbonate are kept apart: both conduct."""

    temperature_c: Eight
    water_kg: Eight
    naoh_kg: Eight
    carbonate_kg: Eight
    glass_c: Eight  # mean of the bottles in the zone
    probe_c: Eight
    conductivity_ms_cm: Eight  # at the bath's own temperature
    ph_final: float
    screen_kg: float  # fibres and labels on the band screen
    extraction_m_s: float
    pockets: float  # that have passed the infeed since the start
    speed_pockets_min: float
    torque_pct: float
    ledger: Ledger


class WasherInputs(NamedTuple):
    """What acts on the washer during a step."""

    heater_kw: Eight
    dose_g_min: Eight  # NaOH, as lye
    drain_l_min: Eight
    pump: Eight  # share of full speed of each zone's jets or axial pump
    bottles: Eight  # in the zone
    fresh_l_min: float
    fill_l_min: Eight  # of tanks from the mains, at start-up or after a drain
    speed_pockets_min: float  # that the drive asks for
    fed_per_s: float  # bottles that enter
    bottle_in_c: float
    extraction: float  # share of the fan's full speed
    room_c: float
    mains_c: float
    fibre_g_s: float = 0.0  # from labels that come off
    soil_g_s: float = 0.0  # NaOH that soil and labels neutralise
    jammed: bool = False

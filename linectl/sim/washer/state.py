"""What the simulated washer is made of, what is in it, and what acts on it: the types its rooms share.

Everything that belongs to a zone is a tuple over Z0 to Z7, in the order of a bottle's way. Water goes the other way:
mains -> Z7 -> Z6 -> Z5 -> Z4, whose overflow goes in part to Z1 -> Z0 -> drain (heat recovery), the rest to the drain.
The caustic baths Z2 and Z3 stand aside of it: film carried by bottles, lye, fills and drains are all they get and lose.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = [
    "CONDUCTIVITY_ZONES",
    "NONE",
    "ZONES",
    "Eight",
    "Four",
    "Ledger",
    "Since",
    "WasherInputs",
    "WasherParams",
    "WasherState",
    "ZoneParams",
]

ZONES = 8
CONDUCTIVITY_ZONES = (2, 3, 4, 7)
"""The zones with a conductivity cell: both caustic baths, the post-caustic and the final rinse."""

Eight = tuple[float, float, float, float, float, float, float, float]
Four = tuple[float, float, float, float]

NONE: Eight = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
"""Nothing in any zone: the usual fill, drain and dose. The step is quickest when it is given this very tuple."""


@dataclass(frozen=True, slots=True)
class ZoneParams:
    """One zone: tank, dwell at the rated speed, how its liquid moves and its glass warms."""

    name: str
    kind: str
    volume_l: float  # up to its weir
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
    """The whole machine; a pocket carries one bottle, `row_bottles` of them side by side are a carrier.

    The default figures are engineering estimates where `machine` names no source.
    """

    zones: tuple[ZoneParams, ...]
    rated_b_h: float = 3000.0
    row_bottles: int = 10
    bottle_kj_k: float = 0.560 * 0.84  # kg of glass, kJ/(kg K): as of the usual bottle that comes in
    film_ml: float = 15.0  # of liquid that a bottle and its pocket carry over into the next zone: 10 to 20
    fresh_l_min: float = 15.0
    dose_g_min: float = 600.0
    lye_pct: float = 30.0
    dilution_kj_kg: float = 110.0  # heat when 1 kg of NaOH goes from lye to bath strength
    heat_recovery: float = 0.5  # share of the outflow of Z4 that goes through Z1, and leaves its heat there: 0.4 to 0.6
    room_c: float = 20.0
    humidity_pct: float = 50.0
    mains_c: float = 12.0
    mains_bar: float = 4.0
    probe_s: float = 10.0  # lag of the PT100s: 8 to 15 s
    conductivity_s: float = 2.0
    ph_s: float = 20.0
    balance_s: float = 5.0  # the tanks are balanced that often; chain, glass, fan and sensors move at each step
    weir_s: float = 10.0  # what stands above a weir runs off with this time constant
    alkalinity_meq_l: float = 4.5  # of the mains: hard water, as of limestone country
    mains_ph: float = 7.4
    carbonation_pct_week: float = 5.0  # of the free NaOH, by CO2 of air and soil: 2 to 15
    carbonate_share: float = 0.1  # of the NaOH that soil spends: becomes carbonate, the rest soaps and salts
    soil_in_z2: float = 0.7  # share of the soil that is spent in Z2, the rest in Z3
    ramp_pockets_min_s: float = 10.0  # how fast the chain's drive gains or loses speed, in pockets/min per s
    jam_s: float = 0.5  # in which a jam brings the chain to a stand
    torque_s: float = 1.0
    torque_idle_pct: float = 35.0  # of the empty chain at rated speed
    torque_full_pct: float = 30.0  # that a full chain adds
    torque_jam_pct: float = 180.0
    fan_m_s: float = 3.5  # air through the hood's duct at full speed; below 2.0 the fumes are not safe
    fan_s: float = 5.0
    hood_still: float = 0.2  # share of the vapour that leaves although the fan stands
    press_s: float = 120.0  # in which the band carries what is on the screen to the label press
    screen_mbar_kg: float = 25.0  # pressure difference per kg of fibre on the screen at full pump speed
    plans: dict[float, object] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What steps have computed of these figures, by their length (`plan`)."""


class Ledger(NamedTuple):
    """What went in and out since the start, in kJ and kg, so that balances can be closed.

    Heat of water and glass counts from 0 °C. What lye brings is counted as water, NaOH and heat of its own.
    """

    heater_kj: float = 0.0
    loss_kj: float = 0.0  # walls, hood, and all heat of the vapour
    glass_in_kj: float = 0.0
    glass_out_kj: float = 0.0
    inflow_kj: float = 0.0  # of mains water and lye, with the lye's heat of dilution
    outflow_kj: float = 0.0  # of liquid that left by weirs, drains and as film on bottles
    water_in_kg: float = 0.0
    water_out_kg: float = 0.0
    vapour_kg: float = 0.0
    naoh_in_kg: float = 0.0
    naoh_out_kg: float = 0.0
    naoh_spent_kg: float = 0.0  # turned to carbonate, or neutralised by soil
    carbonate_made_kg: float = 0.0
    carbonate_out_kg: float = 0.0


class Since(NamedTuple):
    """What has come to the tanks since their last balance, and what sensors without a lag would show there."""

    elapsed_s: float = 0.0
    heat_kg: Eight = NONE  # from heaters and glass, in kg K: kJ over the heat capacity of water
    film_kg: Eight = NONE  # that bottles took out of each zone
    heater_kj: float = 0.0
    glass_in_kj: float = 0.0
    glass_out_kj: float = 0.0
    fresh_kg: float = 0.0
    fresh_kj: float = 0.0
    soil_kg: float = 0.0
    dry: bool = False  # some tank is all but empty
    cells_ms_cm: Four = (0.0, 0.0, 0.0, 0.0)
    ph: float = 7.0


class WasherState(NamedTuple):
    """What is in the washer and what its slow sensors show. Free NaOH and carbonate are kept apart: both conduct."""

    temperature_c: Eight
    water_kg: Eight
    naoh_kg: Eight
    carbonate_kg: Eight
    glass_c: Eight  # mean of the bottles in the zone
    bottles: Eight  # in each zone at the end of the last step
    probe_c: Eight
    conductivity_ms_cm: Four  # of CONDUCTIVITY_ZONES, at the bath's own temperature
    ph_final: float
    screen_kg: float  # fibres and labels on the band screen
    extraction_m_s: float
    pockets: float  # that have passed the infeed since the start
    speed_pockets_min: float
    torque_pct: float
    ledger: Ledger
    since: Since


class WasherInputs(NamedTuple):
    """What acts on the washer during a step.

    `bottles` are those in each zone when the step ends, `fed_per_s` those that came in during it: what crossed from
    zone to zone and what left follows from both and from what was there before. Rows may jump (10 in one step, none
    in the next eleven) or flow. A bottle of another glass mass counts as its heat capacity over `bottle_kj_k`.
    """

    heater_kw: Eight
    dose_g_min: Eight  # NaOH, as lye
    drain_l_min: Eight
    pump: Eight  # share of full speed of each zone's jets or axial pump
    bottles: Eight
    fresh_l_min: float
    fill_l_min: Eight  # of tanks from the mains, at start-up or after a drain
    speed_pockets_min: float  # that the drive asks for
    fed_per_s: float
    bottle_in_c: float
    extraction: float  # share of the fan's full speed
    room_c: float
    mains_c: float
    fibre_g_s: float = 0.0  # from labels that come off
    soil_g_s: float = 0.0  # NaOH that soil and labels neutralise
    jammed: bool = False
    press: float = 1.0  # share of full speed of band screen and label press; 0: what is on the screen stays

"""The lab bath as a pure step: 40 L of water or caustic, a heater, a stirrer, a lid, taps and a dosing pump.

Energy and mass balances in explicit steps (1 s on the simulated rig); sensor lags are exact for any step. Figures of
`BathParams` marked (E) are engineering estimates of an ordinary laboratory bath.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, expm1, log1p
from typing import NamedTuple

from linectl.laws.naoh import CARBONATE_PER_NAOH, caustic_ms_cm, conductivity_ms_cm
from linectl.laws.water import density_kg_l, heat_capacity_kj_kg_k, latent_heat_kj_kg, surface_loss

__all__ = [
    "BathInputs",
    "BathParams",
    "BathState",
    "filled",
    "level_pct",
    "naoh_pct",
    "step",
    "thermostat",
    "volume_l",
]

_EMPTY_KG = 0.05  # less than this is a film on the bottom: it follows the room, and the heater does not touch it
_BOILING_C = 100.0
_WEEK_S = 7 * 86400.0


@dataclass(frozen=True, slots=True)
class BathParams:
    """What the bath is made of and stands in."""

    capacity_l: float = 40.0
    heater_kw: float = 3.0
    walls_w_k: float = 1.0  # insulated sides and bottom (E)
    lid_w_k: float = 4.0  # through the closed lid (E): 5 W/K in all
    surface_m2: float = 0.20
    lid_leak: float = 0.02  # share of an open surface's vapour that leaves under the lid (E)
    room_c: float = 20.0
    humidity_pct: float = 50.0
    feed_c: float = 15.0  # cold mains; 45 where there is a warm feed
    fill_l_min: float = 10.0  # a 1/2 inch tap (E)
    drain_l_min: float = 10.0  # (E)
    dose_g_min: float = 120.0  # NaOH from the pump: 0.30 L/min of 30 % lye of 1.33 kg/L (E)
    lye_pct: float = 30.0  # the usual strength of soda lye as delivered
    dilution_kj_kg: float = 110.0  # heat when 1 kg of NaOH goes from 30 % to 2 % (E, from heats of solution)
    probe_s: float = 8.0  # lag of the bath probe, a 3 mm Pt100 in stirred water
    controller_s: float = 8.0  # lag of the controller's own probe
    conductivity_s: float = 2.0
    carbonation_pct_week: float = 0.0  # of the free NaOH that CO2 takes: 2 to 15 in a working bath (E); 0: fresh lye
    soil_g_label: float = 0.0  # NaOH that a label, its glue and its soil spend as it comes off: 0.6 in a washer (E)
    carbonate_share: float = 0.1  # of what labels spend: becomes carbonate, the rest soaps and salts (E)
    dry_s: float = 300.0  # lag of an empty bath's probes to the room (E)
    flooded_pct: float = 50.0  # a standing bottle's label is under water from this level on (E)
    bottle_kj_k: float = 0.470  # 560 g of glass of 0.84 kJ/(kg K)
    bottle_c: float = 20.0  # a bottle as it goes in
    tau_glass_s: float = 15.0  # 3.5 mm of glass, flooded: 7 to 25 s


class BathState(NamedTuple):
    """What is in the bath (kg, °C) and what its slow sensors show; a plain tuple, for one is made each step.

    `naoh_kg` is free NaOH: what CO2 and soil took is gone from it, and in part is there as carbonate, which conducts.
    """

    water_kg: float
    naoh_kg: float
    temperature_c: float
    probe_c: float
    controller_c: float
    conductivity_ms_cm: float
    carbonate_kg: float = 0.0


class BathInputs(NamedTuple):
    """What acts on the bath during a step."""

    heater_kw: float = 0.0
    lid_open: bool = False
    stirrer_pct: float = 50.0
    fill_l_min: float = 0.0
    drain_l_min: float = 0.0
    dose_g_min: float = 0.0  # g of NaOH a minute, as lye
    soil_g_s: float = 0.0  # NaOH that soil and labels neutralise


def filled(params: BathParams, *, temperature_c: float, naoh_pct: float = 0.0, level_pct: float = 100.0) -> BathState:
    """Return a bath filled to `level_pct` % with `naoh_pct` % NaOH at `temperature_c` °C, its sensors at rest."""
    mass_kg = params.capacity_l * level_pct * 1e-2 * density_kg_l(naoh_pct, temperature_c)
    naoh_kg = mass_kg * naoh_pct * 1e-2
    reads = conductivity_ms_cm(naoh_pct, temperature_c) if mass_kg > 0.0 else 0.0
    return BathState(mass_kg - naoh_kg, naoh_kg, temperature_c, temperature_c, temperature_c, reads)


def naoh_pct(state: BathState) -> float:
    """Return the content of free NaOH in % by mass; 0 of an empty bath."""
    mass_kg = state.water_kg + state.naoh_kg + state.carbonate_kg
    return 100.0 * state.naoh_kg / mass_kg if mass_kg > 0.0 else 0.0


def volume_l(state: BathState) -> float:
    """Return the volume in L at the bath's temperature."""
    return (state.water_kg + state.naoh_kg + state.carbonate_kg) / density_kg_l(naoh_pct(state), state.temperature_c)


def level_pct(state: BathState, params: BathParams) -> float:
    """Return the level in % of the capacity."""
    return 100.0 * volume_l(state) / params.capacity_l


def thermostat(
    setpoint_c: float, probe_c: float, *, max_w: float = 3000.0, band_k: float = 1.0, bias_w: float = 0.0
) -> float:
    """Return the heater's power in W: proportional, full on `band_k` below the setpoint, never below 0.

    `bias_w` is the power that holds the setpoint (the bath's own loss there); without it the bath settles a little
    below: by 0.1 K under a lid at 80 °C, by 0.4 K open. With a probe that lags 8 s a band of 1 K does not oscillate
    in 40 L.
    """
    return min(max_w, max(0.0, bias_w + max_w * (setpoint_c - probe_c) / band_k))


def step(state: BathState, inputs: BathInputs, dt_s: float, params: BathParams, load_kj: float = 0.0) -> BathState:
    """Return the bath after `dt_s` seconds; `load_kj` is the heat that bottles take up in that time."""
    water, naoh, bath_c, probe_c, controller_c, conductivity, carbonate = state
    if inputs.fill_l_min or inputs.drain_l_min or inputs.dose_g_min:
        water, naoh, carbonate, bath_c = _flows(water, naoh, carbonate, bath_c, inputs, dt_s, params)
    if params.carbonation_pct_week or inputs.soil_g_s:
        naoh, carbonate = _spent(naoh, carbonate, inputs.soil_g_s, dt_s, params)
    mass = water + naoh + carbonate
    if mass < _EMPTY_KG:
        return _dry(
            state._replace(water_kg=water, naoh_kg=naoh, carbonate_kg=carbonate, temperature_c=bath_c), dt_s, params
        )
    content = 100.0 * naoh / mass
    loss_kw, vapour_kg_s = _losses(bath_c, inputs.lid_open, params)
    heat_kj = (inputs.heater_kw - loss_kw) * dt_s - load_kj
    bath_c += heat_kj / (mass * heat_capacity_kj_kg_k(content, bath_c))
    water -= vapour_kg_s * dt_s
    if bath_c > _BOILING_C:
        water -= (bath_c - _BOILING_C) * mass * heat_capacity_kj_kg_k(content, bath_c) / latent_heat_kj_kg(_BOILING_C)
        bath_c = _BOILING_C
    water = max(0.0, water)
    follow = 1.0 - exp(-dt_s / params.probe_s)
    probe_c += follow * (bath_c - probe_c)
    if params.controller_s != params.probe_s:
        follow = 1.0 - exp(-dt_s / params.controller_s)
    controller_c += follow * (bath_c - controller_c)
    shown = caustic_ms_cm(content, 100.0 * carbonate / mass, bath_c) - conductivity
    conductivity += shown * (1.0 - exp(-dt_s / params.conductivity_s))
    return BathState(water, naoh, bath_c, probe_c, controller_c, conductivity, carbonate)


def _losses(bath_c: float, lid_open: bool, params: BathParams) -> tuple[float, float]:
    """Return the heat (kW) and the vapour (kg/s) that leave; a closed lid's 4 W/K contain the heat of its leak."""
    surface_kw, surface_kg = surface_loss(bath_c, params.room_c, params.humidity_pct)
    above_k = bath_c - params.room_c
    if lid_open:
        return params.walls_w_k * 1e-3 * above_k + surface_kw * params.surface_m2, surface_kg * params.surface_m2
    return (params.walls_w_k + params.lid_w_k) * 1e-3 * above_k, surface_kg * params.surface_m2 * params.lid_leak


def _spent(naoh: float, carbonate: float, soil_g_s: float, dt_s: float, params: BathParams) -> tuple[float, float]:
    """Return free NaOH and carbonate (kg) after what CO2 and soil took in the step."""
    by_air = -naoh * expm1(log1p(-params.carbonation_pct_week * 1e-2) * dt_s / _WEEK_S)
    by_soil = min(soil_g_s * 1e-3 * dt_s, naoh - by_air)
    made = CARBONATE_PER_NAOH * (by_air + params.carbonate_share * by_soil)
    return naoh - by_air - by_soil, carbonate + made


def _flows(
    water: float, naoh: float, carbonate: float, bath_c: float, inputs: BathInputs, dt_s: float, params: BathParams
) -> tuple[float, float, float, float]:
    """Return water, NaOH, carbonate (kg) and °C after draining, then filling, then dosing; above full it overflows."""
    minutes = dt_s / 60.0
    if inputs.drain_l_min and water > 0.0:
        mass = water + naoh + carbonate
        kept = max(0.0, 1.0 - inputs.drain_l_min * minutes * density_kg_l(100.0 * naoh / mass, bath_c) / mass)
        water, naoh, carbonate = water * kept, naoh * kept, carbonate * kept
    fed = inputs.fill_l_min * minutes * density_kg_l(0.0, params.feed_c)
    lye_naoh = inputs.dose_g_min * 1e-3 * minutes
    lye_water = lye_naoh * (100.0 / params.lye_pct - 1.0)
    mass, added = water + naoh + carbonate, fed + lye_naoh + lye_water
    if added > 0.0:
        lye_c = params.room_c
        bath_c = (mass * bath_c + fed * params.feed_c + (lye_naoh + lye_water) * lye_c) / (mass + added)
        bath_c += lye_naoh * params.dilution_kj_kg / (4.18 * (mass + added))
        water, naoh = water + fed + lye_water, naoh + lye_naoh
        whole = water + naoh + carbonate
        kept = min(1.0, params.capacity_l * density_kg_l(100.0 * naoh / whole, bath_c) / whole)
        water, naoh, carbonate = water * kept, naoh * kept, carbonate * kept
    return water, naoh, carbonate, bath_c


def _dry(state: BathState, dt_s: float, params: BathParams) -> BathState:
    """Return an empty bath: nothing to heat, its probes drift to the room."""
    follow = 1.0 - exp(-dt_s / params.dry_s)
    room = params.room_c
    temperature, probe, controller = (
        value + follow * (room - value) for value in (state.temperature_c, state.probe_c, state.controller_c)
    )
    shown = state.conductivity_ms_cm * exp(-dt_s / params.conductivity_s)
    return BathState(state.water_kg, state.naoh_kg, temperature, probe, controller, shown, state.carbonate_kg)

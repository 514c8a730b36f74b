"""What gauges and sums show of a washer's state: levels, pressures, flow, the screen's clogging, contents, heat."""

from __future__ import annotations

from linectl.laws.water import density_kg_l
from linectl.sim.washer.chemistry import rinse_naoh_mg_l
from linectl.sim.washer.plan import CP_KJ_KG_K, eight
from linectl.sim.washer.state import Eight, WasherInputs, WasherParams, WasherState

__all__ = [
    "carbonate_pct",
    "final_naoh_mg_l",
    "final_us_cm",
    "heat_kj",
    "heater_kw",
    "level_pct",
    "levels_pct",
    "naoh_pct",
    "pressures_bar",
    "screen_mbar",
]

_DRAWS_AIR_PCT = 20.0  # of the level: from here down a pump loses its pressure
_LOW_KG_L = 0.3  # of water in a tank's volume: with more its level, whatever the lye, is above that
_BLIND_MBAR = 200.0  # on the screen: the axial pump behind it moves nothing


def naoh_pct(state: WasherState) -> Eight:
    """Return the free NaOH of each zone in % by mass."""
    return _pct(state.naoh_kg, state)


def carbonate_pct(state: WasherState) -> Eight:
    """Return the carbonate (Na2CO3) of each zone in % by mass."""
    return _pct(state.carbonate_kg, state)


def _pct(kg: Eight, state: WasherState) -> Eight:
    whole = zip(state.water_kg, state.naoh_kg, state.carbonate_kg, strict=True)
    return eight([100.0 * part / sum(all_kg) for part, all_kg in zip(kg, whole, strict=True)])


def level_pct(state: WasherState, params: WasherParams, zone: int) -> float:
    """Return the level of a zone (0 to 7) in % of the volume up to its weir, at its own temperature."""
    kg = state.water_kg[zone] + state.naoh_kg[zone] + state.carbonate_kg[zone]
    caustic = 100.0 * (state.naoh_kg[zone] + state.carbonate_kg[zone]) / kg
    return 100.0 * kg / (density_kg_l(caustic, state.temperature_c[zone]) * params.zones[zone].volume_l)


def levels_pct(state: WasherState, params: WasherParams) -> Eight:
    """Return the level of each zone in % of the volume up to its weir."""
    return eight([level_pct(state, params, zone) for zone in range(len(params.zones))])


def pressures_bar(state: WasherState, inputs: WasherInputs, params: WasherParams) -> Eight:
    """Return the pressure of each zone's jets or axial pump in bar, 0 where there is none.

    It goes with the square of the pump's speed, falls when the tank runs low and, in Z2, as the screen before the pump
    clogs. The final rinse has no tank: its pump raises what the mains give, and has nothing without fresh water.
    """
    shown = []
    for zone, (own, pump) in enumerate(zip(params.zones, inputs.pump, strict=True)):
        bar = own.pressure_bar * pump * pump
        if own.kind == "final":
            bar *= min(1.0, inputs.fresh_l_min / params.fresh_l_min) ** 2
        elif bar > 0.0 and state.water_kg[zone] < _LOW_KG_L * own.volume_l:
            bar *= min(1.0, max(0.0, level_pct(state, params, zone) / _DRAWS_AIR_PCT))
        if zone == _SCREENED:
            bar *= max(0.0, 1.0 - screen_mbar(state, inputs, params) / _BLIND_MBAR)
        shown.append(bar)
    return eight(shown)


_SCREENED = 2


def screen_mbar(state: WasherState, inputs: WasherInputs, params: WasherParams) -> float:
    """Return the pressure difference over the band screen in mbar: by what lies on it, and the square of the flow."""
    flow = inputs.pump[_SCREENED]
    return params.screen_mbar_kg * state.screen_kg * flow * flow


def heater_kw(inputs: WasherInputs) -> float:
    """Return the power of all heaters in kW."""
    return sum(inputs.heater_kw)


def final_naoh_mg_l(state: WasherState) -> float:
    """Return the NaOH in the final rinse in mg/L: what a titration would find."""
    return rinse_naoh_mg_l(state.water_kg[7], state.naoh_kg[7])


def final_us_cm(state: WasherState) -> float:
    """Return what the cell in the final rinse shows in µS/cm."""
    return 1e3 * state.conductivity_ms_cm[3]


def heat_kj(state: WasherState, params: WasherParams) -> float:
    """Return the heat of liquid and glass in the machine in kJ from 0 °C, as the ledger knows it.

    What has come since the last balance of the tanks (`Since`) is in glass and liquid already, but not in the ledger.
    """
    since = state.since
    liquid = sum(kg * t for kg, t in zip(state.water_kg, state.temperature_c, strict=True)) + sum(since.heat_kg)
    glass = sum(n * t for n, t in zip(state.bottles, state.glass_c, strict=True)) * params.bottle_kj_k
    return liquid * CP_KJ_KG_K + glass - since.heater_kj - since.glass_in_kj + since.glass_out_kj

"""What moves between the zones other than the counter-flow: film on bottles, drains, fills, lye; and the band screen.

These happen in some steps only, so they are an operation of their own before the step's balance (`balance`): liquid
that moves keeps its temperature and what is in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp

from linectl.sim.washer.plan import CP_KJ_KG_K, KG_PER_L, LEFT_KG, Plan, eight
from linectl.sim.washer.state import ZONES, Eight, Ledger, WasherInputs

__all__ = ["Contents", "any_dry", "filmed", "screen_after", "tended"]

_MIN_S = 60.0

Contents = tuple[Eight, Eight, Eight, Eight]
"""Temperature in °C, water, NaOH and carbonate in kg, of each zone."""


def filmed(contents: Contents, film_kg: Eight, ledger: Ledger) -> tuple[Contents, Ledger]:
    """Return the zones and the ledger after bottles took `film_kg` of water out of each zone into the next, or away."""
    (t0, t1, t2, t3, t4, t5, t6, t7), (w0, w1, w2, w3, w4, w5, w6, w7), naoh, carbonate = contents
    n0, n1, n2, n3, n4, n5, n6, n7 = naoh
    c0, c1, c2, c3, c4, c5, c6, c7 = carbonate
    f0, f1, f2, f3, f4, f5, f6, f7 = film_kg
    s0, s1, s2, s3, s4, s5, s6, s7 = f0 / w0, f1 / w1, f2 / w2, f3 / w3, f4 / w4, f5 / w5, f6 / w6, f7 / w7
    m0, m1, m2, m3, m4, m5, m6, m7 = n0 * s0, n1 * s1, n2 * s2, n3 * s3, n4 * s4, n5 * s5, n6 * s6, n7 * s7
    d0, d1, d2, d3, d4, d5, d6, d7 = c0 * s0, c1 * s1, c2 * s2, c3 * s3, c4 * s4, c5 * s5, c6 * s6, c7 * s7
    w1, w2, w3, w4 = w1 + f0 - f1, w2 + f1 - f2, w3 + f2 - f3, w4 + f3 - f4
    w5, w6, w7 = w5 + f4 - f5, w6 + f5 - f6, w7 + f6 - f7
    return (
        (
            t0,
            t1 + (t0 - t1) * f0 / w1,
            t2 + (t1 - t2) * f1 / w2,
            t3 + (t2 - t3) * f2 / w3,
            t4 + (t3 - t4) * f3 / w4,
            t5 + (t4 - t5) * f4 / w5,
            t6 + (t5 - t6) * f5 / w6,
            t7 + (t6 - t7) * f6 / w7,
        ),
        (w0 - f0, w1, w2, w3, w4, w5, w6, w7),
        (n0 - m0, n1 + m0 - m1, n2 + m1 - m2, n3 + m2 - m3, n4 + m3 - m4, n5 + m4 - m5, n6 + m5 - m6, n7 + m6 - m7),
        (c0 - d0, c1 + d0 - d1, c2 + d1 - d2, c3 + d2 - d3, c4 + d3 - d4, c5 + d4 - d5, c6 + d5 - d6, c7 + d6 - d7),
    ), ledger if not f7 else ledger._replace(
        outflow_kj=ledger.outflow_kj + f7 * t7 * CP_KJ_KG_K,
        water_out_kg=ledger.water_out_kg + f7,
        naoh_out_kg=ledger.naoh_out_kg + m7,
        carbonate_out_kg=ledger.carbonate_out_kg + d7,
    )


def any_dry(water_kg: Sequence[float], dry_kg: Eight) -> bool:
    """Tell whether some tank is all but empty."""
    w0, w1, w2, w3, w4, w5, w6, w7 = water_kg
    d0, d1, d2, d3, d4, d5, d6, d7 = dry_kg
    return w0 < d0 or w1 < d1 or w2 < d2 or w3 < d3 or w4 < d4 or w5 < d5 or w6 < d6 or w7 < d7


def tended(contents: Contents, inputs: WasherInputs, plan: Plan, ledger: Ledger) -> tuple[Contents, Ledger, bool]:
    """Return the zones and the ledger after drains, fills and lye, and whether a tank is dry now."""
    tanks = _Tanks(contents, ledger)
    minutes = plan.dt_s / _MIN_S
    for zone in range(ZONES):
        drain_l_min, fill_l_min, dose_g_min = inputs.drain_l_min[zone], inputs.fill_l_min[zone], inputs.dose_g_min[zone]
        if drain_l_min > 0.0:
            most = max(0.0, tanks.water[zone] - LEFT_KG)
            tanks.drain(zone, min(drain_l_min * minutes * KG_PER_L, most))
        if fill_l_min > 0.0 or dose_g_min > 0.0:
            tanks.add(zone, fill_l_min * minutes, dose_g_min * 1e-3 * minutes, inputs, plan)
    return tanks.contents(), tanks.ledger(), any_dry(tanks.water, plan.dry_kg)


class _Tanks:
    """The zones while liquid comes and goes."""

    __slots__ = ("_carbonate", "_ledger", "_naoh", "_temperature", "water")

    def __init__(self, contents: Contents, ledger: Ledger) -> None:
        temperature, water, naoh, carbonate = contents
        self.water = list(water)
        self._temperature, self._naoh, self._carbonate = list(temperature), list(naoh), list(carbonate)
        self._ledger = list(ledger)

    def drain(self, zone: int, kg: float) -> None:
        """Let `kg` of water with all it holds run out of a zone."""
        share = kg / self.water[zone]
        naoh, carbonate = self._naoh[zone] * share, self._carbonate[zone] * share
        self.water[zone] -= kg
        self._naoh[zone] -= naoh
        self._carbonate[zone] -= carbonate
        self._ledger[_OUTFLOW] += kg * self._temperature[zone] * CP_KJ_KG_K
        self._ledger[_WATER_OUT] += kg
        self._ledger[_NAOH_OUT] += naoh
        self._ledger[_CARBONATE_OUT] += carbonate

    def add(self, zone: int, fill_kg: float, naoh_kg: float, inputs: WasherInputs, plan: Plan) -> None:
        """Fill a tank from the mains and dose NaOH into it: lye brings its water and the heat of its dilution."""
        params = plan.params
        lye_kg = naoh_kg * (100.0 / params.lye_pct - 1.0)
        warmth = fill_kg * inputs.mains_c + lye_kg * inputs.room_c + naoh_kg * params.dilution_kj_kg / CP_KJ_KG_K
        there, came_kg = self.water[zone], fill_kg + lye_kg
        self._temperature[zone] = (self._temperature[zone] * there + warmth) / (there + came_kg)
        self.water[zone] = there + came_kg
        self._naoh[zone] += naoh_kg
        self._ledger[_INFLOW] += warmth * CP_KJ_KG_K
        self._ledger[_WATER_IN] += came_kg
        self._ledger[_NAOH_IN] += naoh_kg

    def contents(self) -> Contents:
        return eight(self._temperature), eight(self.water), eight(self._naoh), eight(self._carbonate)

    def ledger(self) -> Ledger:
        return Ledger._make(self._ledger)


_INFLOW, _OUTFLOW, _WATER_IN, _WATER_OUT, _NAOH_IN, _NAOH_OUT, _CARBONATE_OUT = map(
    Ledger._fields.index,
    ("inflow_kj", "outflow_kj", "water_in_kg", "water_out_kg", "naoh_in_kg", "naoh_out_kg", "carbonate_out_kg"),
)


def screen_after(screen_kg: float, fibre_g_s: float, press: float, plan: Plan) -> float:
    """Return what is on the band screen in kg after a step; the band brings it to the press, a still one keeps it."""
    if screen_kg == 0.0 and fibre_g_s == 0.0:
        return 0.0
    caught_kg_s = fibre_g_s * 1e-3
    if press <= 0.0:
        return screen_kg + caught_kg_s * plan.dt_s
    cleared_s = plan.params.press_s / press
    rest_kg = caught_kg_s * cleared_s
    return rest_kg + (screen_kg - rest_kg) * exp(-plan.dt_s / cleared_s)

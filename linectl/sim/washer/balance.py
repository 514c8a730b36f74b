"""The balance of one step: water and its heat, NaOH and carbonate, with the counter-flow of the rinse water.

Unrolled over the zones, which is twice as fast as functions by zone. Heat is counted in kg K, kJ over the heat capacity
of water: what a kg of water holds is then its temperature.
"""

from __future__ import annotations

from linectl.laws.naoh import CARBONATE_PER_NAOH
from linectl.sim.washer.plan import CP_KJ_KG_K, LossTable, Plan
from linectl.sim.washer.state import Eight

__all__ = ["Caustic", "Liquid", "Weirs", "caustic", "liquid"]

Weirs = tuple[float, float, float, float, float, float, float, float, float]
"""What runs over the weirs Z0 to Z7 in a step, and of Z4's what goes to Z1: kg of water. Z2 and Z3 go to the drain."""

Liquid = tuple[Eight, Eight, Weirs, float, float, float, float]
"""Temperatures (°C) and water (kg), the weirs, and of the step: heat of the heaters, heat lost to air, heat that left
with liquid (kJ from 0 °C), water that left and vapour (kg)."""

Caustic = tuple[Eight, Eight, float, float, float, float]
"""NaOH and carbonate (kg), and of the step: NaOH that left, NaOH spent, carbonate made, carbonate that left (kg)."""


def liquid(
    temperature_c: Eight,
    water_kg: Eight,
    heat_kg: Eight,
    fresh_kg: float,
    fresh_c: float,
    tables: tuple[LossTable, ...],
    plan: Plan,
) -> Liquid:
    """Return water and heat after a step.

    `heat_kg` is what heaters and glass gave each zone in kg K, `tables` what hood and walls take (`Plan.losses`).
    """
    (l0, l1, l2, l3, l4, l5, l6, l7), vapour_kg, lost_kj = _lost(temperature_c, tables)
    t0, t1, t2, t3, t4, t5, t6, t7 = temperature_c
    w0, w1, w2, w3, w4, w5, w6, w7 = water_kg
    v0, v1, v2, v3, v4, v5, v6, v7 = vapour_kg
    o0, o1, o2, o3, o4, o5, o6, o7, back = weirs = _over(water_kg, plan)
    w0 += o1 - o0 - v0
    w1 += back - o1 - v1
    w2 -= o2 + v2
    w3 -= o3 + v3
    w4 += o5 - o4 - v4
    w5 += o6 - o5 - v5
    w6 += o7 - o6 - v6
    w7 += fresh_kg - o7 - v7
    q0, q1, q2, q3, q4, q5, q6, q7 = heat_kg
    return (
        (
            t0 + ((t1 - t0) * o1 + q0 - l0) / w0,
            t1 + ((t4 - t1) * back + q1 - l1) / w1,
            t2 + (q2 - l2) / w2,
            t3 + (q3 - l3) / w3,
            t4 + ((t5 - t4) * o5 + q4 - l4) / w4,
            t5 + ((t6 - t5) * o6 + q5 - l5) / w5,
            t6 + ((t7 - t6) * o7 + q6 - l6) / w6,
            t7 + ((fresh_c - t7) * fresh_kg + q7 - l7) / w7,
        ),
        (w0, w1, w2, w3, w4, w5, w6, w7),
        weirs,
        lost_kj,
        (o0 * t0 + o2 * t2 + o3 * t3 + (o4 - back) * t4) * CP_KJ_KG_K,
        o0 + o2 + o3 + o4 - back,
        v0 + v1 + v2 + v3 + v4 + v5 + v6 + v7,
    )


def _lost(temperature_c: Eight, tables: tuple[LossTable, ...]) -> tuple[Eight, Eight, float]:
    """Return what hood and walls take of each zone: heat in kg K, vapour in kg; and both as heat in kJ."""
    t0, t1, t2, t3, t4, t5, t6, t7 = temperature_c
    d0, d1, d2, d3, d4, d5, d6, d7 = tables
    a, b, r = d0[int(t0)]
    l0 = a + b * t0
    v0 = l0 * r
    a, b, r = d1[int(t1)]
    l1 = a + b * t1
    v1 = l1 * r
    a, b, r = d2[int(t2)]
    l2 = a + b * t2
    v2 = l2 * r
    a, b, r = d3[int(t3)]
    l3 = a + b * t3
    v3 = l3 * r
    a, b, r = d4[int(t4)]
    l4 = a + b * t4
    v4 = l4 * r
    a, b, r = d5[int(t5)]
    l5 = a + b * t5
    v5 = l5 * r
    a, b, r = d6[int(t6)]
    l6 = a + b * t6
    v6 = l6 * r
    a, b, r = d7[int(t7)]
    l7 = a + b * t7
    v7 = l7 * r
    lost_kg = l0 + l1 + l2 + l3 + l4 + l5 + l6 + l7
    lost_kg = lost_kg + v0 * t0 + v1 * t1 + v2 * t2 + v3 * t3 + v4 * t4 + v5 * t5 + v6 * t6 + v7 * t7
    return (l0, l1, l2, l3, l4, l5, l6, l7), (v0, v1, v2, v3, v4, v5, v6, v7), lost_kg * CP_KJ_KG_K


def _over(water_kg: Eight, plan: Plan) -> Weirs:
    w0, w1, w2, w3, w4, w5, w6, w7 = water_kg
    f0, f1, f2, f3, f4, f5, f6, f7 = plan.full_kg
    share = plan.weir
    over4 = (w4 - f4) * share if w4 > f4 else 0.0
    return (
        (w0 - f0) * share if w0 > f0 else 0.0,
        (w1 - f1) * share if w1 > f1 else 0.0,
        (w2 - f2) * share if w2 > f2 else 0.0,
        (w3 - f3) * share if w3 > f3 else 0.0,
        over4,
        (w5 - f5) * share if w5 > f5 else 0.0,
        (w6 - f6) * share if w6 > f6 else 0.0,
        (w7 - f7) * share if w7 > f7 else 0.0,
        over4 * plan.recovery,
    )


def caustic(water_kg: Eight, naoh_kg: Eight, carbonate_kg: Eight, weirs: Weirs, soil_kg: float, plan: Plan) -> Caustic:
    """Return NaOH and carbonate after a step, `water_kg` being the water that held them as it began.

    CO2 takes its share of the caustic baths' NaOH, soil what it needs: part of either becomes carbonate.
    """
    w0, w1, w2, w3, w4, w5, w6, w7 = water_kg
    n0, n1, n2, n3, n4, n5, n6, n7 = naoh_kg
    c0, c1, c2, c3, c4, c5, c6, c7 = carbonate_kg
    o0, o1, o2, o3, o4, o5, o6, o7, back = weirs
    o0, o1, o4, o5, o6, o7, back = o0 / w0, o1 / w1, o4 / w4, o5 / w5, o6 / w6, o7 / w7, back / w4
    lost_naoh, lost_carbonate = n0 * o0 + n4 * (o4 - back), c0 * o0 + c4 * (o4 - back)
    if o2 or o3:
        o2, o3 = o2 / w2, o3 / w3
        lost_naoh, lost_carbonate = lost_naoh + n2 * o2 + n3 * o3, lost_carbonate + c2 * o2 + c3 * o3
        n2, n3, c2, c3 = n2 - n2 * o2, n3 - n3 * o3, c2 - c2 * o2, c3 - c3 * o3
    params = plan.params
    air2, air3 = n2 * plan.carbonated, n3 * plan.carbonated
    soil2 = soil_kg * params.soil_in_z2
    soil3 = soil_kg - soil2
    soil2, soil3 = min(soil2, n2 - air2), min(soil3, n3 - air3)
    made2 = (air2 + soil2 * params.carbonate_share) * CARBONATE_PER_NAOH
    made3 = (air3 + soil3 * params.carbonate_share) * CARBONATE_PER_NAOH
    return (
        (
            n0 + n1 * o1 - n0 * o0,
            n1 + n4 * back - n1 * o1,
            n2 - air2 - soil2,
            n3 - air3 - soil3,
            n4 + n5 * o5 - n4 * o4,
            n5 + n6 * o6 - n5 * o5,
            n6 + n7 * o7 - n6 * o6,
            n7 - n7 * o7,
        ),
        (
            c0 + c1 * o1 - c0 * o0,
            c1 + c4 * back - c1 * o1,
            c2 + made2,
            c3 + made3,
            c4 + c5 * o5 - c4 * o4,
            c5 + c6 * o6 - c5 * o5,
            c6 + c7 * o7 - c6 * o6,
            c7 - c7 * o7,
        ),
        lost_naoh,
        air2 + air3 + soil2 + soil3,
        made2 + made3,
        lost_carbonate,
    )

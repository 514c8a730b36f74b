"""The glass: bottles that stand in a zone, and bottles that pass.

The bottles of a zone are two numbers: how many, and how far their mean is from the liquid. One that enters `x` K away
is `x e^(-age/tau)` away at its age, so at a constant flow the mean of a dwell of d time constants is
`x (1 - e^-d)/d` away, and the one that leaves `d e^-d/(1 - e^-d)` times that mean. The two numbers reproduce this
steady state of plug flow exactly at any step length, and whatever the flow does, glass and liquid gain what the other
loses.
"""

from __future__ import annotations

from typing import NamedTuple, cast

from linectl.sim.washer.plan import Plan
from linectl.sim.washer.state import NONE, ZONES, Eight

__all__ = ["Glass", "passing", "standing"]

_NO_BOTTLE = 1e-9


class Glass(NamedTuple):
    """The bottles after a step, and what they gave and took in it."""

    mean_c: Eight
    heat_kg: Eight  # that has come to the liquid of each zone, in kg K
    film_kg: Eight  # taken out of each zone
    out_k: float  # bottles that left times their °C


def standing(
    glass_c: Eight, temperature_c: Eight, bottles: Eight, heat_kg: Eight, heater_kw: Eight, plan: Plan
) -> Glass:
    """Return the glass after a step in which no bottle moved from zone to zone.

    `heat_kg` is what has come to each zone's liquid before; what the glass and the heaters give comes on top of it.
    """
    t0, t1, t2, t3, t4, t5, t6, t7 = temperature_c
    g0, g1, g2, g3, g4, g5, g6, g7 = glass_c
    n0, n1, n2, n3, n4, n5, n6, n7 = bottles
    h0, h1, h2, h3, h4, h5, h6, h7 = heat_kg
    q0, q1, q2, q3, q4, q5, q6, q7 = heater_kw
    r0, r1, r2, r3, r4, r5, r6, r7 = plan.reached
    kg, per_kw = plan.bottle_kg, plan.per_kw
    d0, d1, d2, d3 = (t0 - g0) * r0, (t1 - g1) * r1, (t2 - g2) * r2, (t3 - g3) * r3
    d4, d5, d6, d7 = (t4 - g4) * r4, (t5 - g5) * r5, (t6 - g6) * r6, (t7 - g7) * r7
    return tuple.__new__(
        Glass,
        (
            (g0 + d0, g1 + d1, g2 + d2, g3 + d3, g4 + d4, g5 + d5, g6 + d6, g7 + d7),
            (
                h0 + q0 * per_kw - d0 * n0 * kg,
                h1 + q1 * per_kw - d1 * n1 * kg,
                h2 + q2 * per_kw - d2 * n2 * kg,
                h3 + q3 * per_kw - d3 * n3 * kg,
                h4 + q4 * per_kw - d4 * n4 * kg,
                h5 + q5 * per_kw - d5 * n5 * kg,
                h6 + q6 * per_kw - d6 * n6 * kg,
                h7 + q7 * per_kw - d7 * n7 * kg,
            ),
            NONE,
            0.0,
        ),
    )


def passing(
    glass_c: Eight,
    temperature_c: Eight,
    before: Eight,
    bottles: Eight,
    came: float,
    came_c: float,
    outlets: Eight,
    heat_kg: Eight,
    heater_kw: Eight,
    plan: Plan,
) -> Glass:
    """Return the glass after a step in which `came` bottles of `came_c` °C entered and others moved on.

    `before` and `bottles` are those in each zone as the step begins and ends: the rest follows by counting.
    """
    kg = plan.bottle_kg
    reached, settled, film_kg = plan.reached, plan.settled, plan.film_kg
    mean_c, warmed_kg, _, _ = standing(glass_c, temperature_c, before, heat_kg, heater_kw, plan)
    after, heat, film = list(mean_c), list(warmed_kg), [0.0] * ZONES
    for zone, (n, n_after) in enumerate(zip(before, bottles, strict=True)):
        if came == 0.0 and n == n_after:
            continue
        goes = came + n - n_after
        if -_NO_BOTTLE < goes < _NO_BOTTLE:
            goes = 0.0
            if came == 0.0:
                continue
        liquid_c = temperature_c[zone]
        above_k = glass_c[zone] - liquid_c
        kelvins, entering = n * above_k, came * (came_c - liquid_c)  # bottles times K above the liquid
        if n_after < _NO_BOTTLE:
            leaving, stay = kelvins + entering, 0.0
            after[zone] = liquid_c
        else:
            leaving = goes * outlets[zone] * (above_k if n > _NO_BOTTLE else came_c - liquid_c)
            stay = kelvins * (1.0 - reached[zone]) + (entering - leaving) * settled[zone]
            after[zone] = liquid_c + stay / n_after
        heat[zone] += (entering - leaving - stay + kelvins * (1.0 - reached[zone])) * kg
        if goes > 0.0:
            film[zone] = goes * film_kg[zone]
        came, came_c = goes, liquid_c + leaving / goes if goes else liquid_c
    return Glass(cast("Eight", tuple(after)), cast("Eight", tuple(heat)), cast("Eight", tuple(film)), came * came_c)

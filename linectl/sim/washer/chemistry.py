"""What conductivity cells and the pH probe of the final rinse see of NaOH and carbonate."""

from __future__ import annotations

from linectl.laws.naoh import caustic_ms_cm, conductivity_ms_cm
from linectl.sim.washer.plan import RINSE_ROWS_PER_MG, RINSE_TOP_MG_L, Plan
from linectl.sim.washer.state import Eight

__all__ = ["rinse", "rinse_naoh_mg_l", "seen"]

_MG_PER_KG = 1e6


def seen(
    temperature_c: Eight, water_kg: Eight, naoh_kg: Eight, carbonate_kg: Eight, plan: Plan
) -> tuple[float, float, float, float, float]:
    """Return what the cells in Z2, Z3, Z4 and the final rinse (mS/cm) and its pH probe would show without their lags.

    Carbonate conducts too, about a third of what the NaOH did that it was made of: the more a bath has taken up,
    the more its conductivity overstates the free NaOH.
    """
    _, _, t2, t3, t4, _, _, t7 = temperature_c
    _, _, w2, w3, w4, _, _, w7 = water_kg
    _, _, n2, n3, n4, _, _, n7 = naoh_kg
    _, _, c2, c3, c4, _, _, c7 = carbonate_kg
    final, ph = rinse(w7, n7, c7, t7, plan)
    per2, per3, per4 = 100.0 / (w2 + n2 + c2), 100.0 / (w3 + n3 + c3), 100.0 / (w4 + n4 + c4)
    return (
        caustic_ms_cm(n2 * per2, c2 * per2, t2),
        caustic_ms_cm(n3 * per3, c3 * per3, t3),
        caustic_ms_cm(n4 * per4, c4 * per4, t4),
        final,
        ph,
    )


def rinse_naoh_mg_l(water_kg: float, naoh_kg: float) -> float:
    """Return the NaOH in the final rinse in mg/L."""
    return naoh_kg / water_kg * _MG_PER_KG


def rinse(
    water_kg: float, naoh_kg: float, carbonate_kg: float, temperature_c: float, plan: Plan
) -> tuple[float, float]:
    """Return the conductivity (mS/cm) and the pH of the final rinse: the mains' own salts and what NaOH makes of them.

    Up to 400 mg/L by the ions of the water's carbonate system at infinite dilution, above by the law of NaOH alone.
    """
    mg_l = naoh_kg / water_kg * _MG_PER_KG
    if mg_l < RINSE_TOP_MG_L:
        a, b, c, d = plan.rinse[int(mg_l * RINSE_ROWS_PER_MG)]
        ms_cm, ph = a + b * mg_l, c + d * mg_l
    else:
        a, b, _, _ = plan.rinse[-1]
        ms_cm = a + b * RINSE_TOP_MG_L + conductivity_ms_cm(mg_l * 1e-4, 25.0)
        ms_cm -= conductivity_ms_cm(RINSE_TOP_MG_L * 1e-4, 25.0)
        ph = plan.water.ph_with(mg_l)
    if carbonate_kg:
        ms_cm += caustic_ms_cm(0.0, 100.0 * carbonate_kg / water_kg, 25.0)
    return ms_cm * (1.0 + 0.02 * (temperature_c - 25.0)), ph

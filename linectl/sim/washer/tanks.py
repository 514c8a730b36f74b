"""The tanks, balanced every few seconds with all that came to them since, and what the sensors in them would show."""

from __future__ import annotations

from linectl.sim.washer.balance import caustic, liquid
from linectl.sim.washer.chemistry import seen
from linectl.sim.washer.hydraulics import Contents, any_dry, filmed
from linectl.sim.washer.plan import CP_KJ_KG_K, Plan
from linectl.sim.washer.state import NONE, Ledger, Since

__all__ = ["balanced", "first_look"]


def balanced(
    contents: Contents, since: Since, fan_m_s: float, room_c: float, plan: Plan, ledger: Ledger
) -> tuple[Contents, Ledger, Since]:
    """Return the tanks and the ledger after the time of `plan`, and a fresh `Since`."""
    params = plan.params
    if since.film_kg is not NONE:
        contents, ledger = filmed(contents, since.film_kg, ledger)
    temperature_c, water_kg, naoh_kg, carbonate_kg = contents
    still = params.hood_still
    hood = still + (1.0 - still) * fan_m_s / params.fan_m_s
    fresh_kg, fresh_kj = since.fresh_kg, since.fresh_kj
    fresh_c = fresh_kj / (fresh_kg * CP_KJ_KG_K) if fresh_kg > 0.0 else 0.0
    tables = (plan.dried(water_kg) if since.dry else plan).losses(room_c, hood)
    warm_c, wet_kg, weirs, lost_kj, out_kj, out_kg, vapour_kg = liquid(
        temperature_c, water_kg, since.heat_kg, fresh_kg, fresh_c, tables, plan
    )
    naoh_kg, carbonate_kg, naoh_out, spent, made, carbonate_out = caustic(
        water_kg, naoh_kg, carbonate_kg, weirs, since.soil_kg, plan
    )
    heater, loss, glass_in, glass_out, inflow, outflow, water_in, water_out, vapour, n_in, n_out, used, c, gone = ledger
    ledger = tuple.__new__(
        Ledger,
        (
            heater + since.heater_kj,
            loss + lost_kj,
            glass_in + since.glass_in_kj,
            glass_out + since.glass_out_kj,
            inflow + fresh_kj,
            outflow + out_kj,
            water_in + fresh_kg,
            water_out + out_kg,
            vapour + vapour_kg,
            n_in,
            n_out + naoh_out,
            used + spent,
            c + made,
            gone + carbonate_out,
        ),
    )
    contents = warm_c, wet_kg, naoh_kg, carbonate_kg
    return contents, ledger, first_look(contents, plan)


def first_look(contents: Contents, plan: Plan) -> Since:
    """Return a `Since` of no time: nothing has come yet, the sensors see what is there."""
    cell2, cell3, cell4, cell7, ph = seen(*contents, plan)
    dry = any_dry(contents[1], plan.dry_kg)
    cells = cell2, cell3, cell4, cell7
    return tuple.__new__(Since, (0.0, NONE, NONE, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, dry, cells, ph))

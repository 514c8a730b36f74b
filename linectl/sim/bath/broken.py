"""What is broken at the simulated bath: what its controller's sensors show, and what its drives make of its orders."""

from __future__ import annotations

from linectl.sim.bath.physics import BathInputs, BathParams, BathState, level_pct
from linectl.sim.defects import Defects

__all__ = ["driven", "seen"]

_LEAST_PCT = 0.01  # of level: below it the share of what is in the bath means nothing


def seen(state: BathState, defects: Defects, process_s: float, params: BathParams) -> tuple[BathState, bool]:
    """Return the bath as the controller's own sensors show it at `process_s`, and whether its probe's wire is broken.

    A level that lies makes the controller believe in more or less liquid of the same strength.
    """
    shown_c = defects.shown("bath.controller_temperature", state.controller_c, process_s)
    blind = shown_c is None
    shown = state if shown_c is None else state._replace(controller_c=shown_c)
    if "bath.level" not in defects.sensors:
        return shown, blind
    true_pct = level_pct(state, params)
    level = defects.shown("bath.level", true_pct, process_s) or 0.0  # a broken wire shows an empty bath: the safe way
    if true_pct < _LEAST_PCT:
        return shown._replace(water_kg=params.capacity_l * 1e-2 * max(0.0, level)), blind
    share = max(0.0, level) / true_pct
    return shown._replace(water_kg=state.water_kg * share, naoh_kg=state.naoh_kg * share), blind


def driven(asked: BathInputs, defects: Defects, process_s: float) -> BathInputs:
    """Return what acts on the bath at `process_s` when its controller asked for `asked`."""

    def done(drive: str, value: float) -> float:
        return max(0.0, defects.done(drive, value, process_s))

    return asked._replace(
        heater_kw=done("heater.bath", asked.heater_kw),
        stirrer_pct=done("pump.bath", asked.stirrer_pct),
        fill_l_min=done("valve.fill", asked.fill_l_min),
        drain_l_min=done("valve.drain", asked.drain_l_min),
        dose_g_min=done("dosing.bath", asked.dose_g_min),
    )

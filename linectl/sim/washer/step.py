"""The washer as a pure step: the same state, inputs, step length and machine always give the same next state.

Chain, glass, fan and sensors move at each step, by exact lags. The tanks, which hold minutes, are balanced every
`balance_s` with all that came to them since (`tanks`): in that time none moves by more than 0.1 K. What leaves one zone
enters the next, so the contents change by what the ledger says and no more, and a balance closes to rounding.
"""

from __future__ import annotations

from linectl.sim.washer.drive import speed_after, torque_after
from linectl.sim.washer.hydraulics import screen_after, tended
from linectl.sim.washer.plan import CP_KJ_KG_K, LEFT_KG, eight, plan_of
from linectl.sim.washer.state import NONE, Eight, Four, Ledger, Since, WasherInputs, WasherParams, WasherState
from linectl.sim.washer.tanks import balanced, first_look
from linectl.sim.washer.thermal import passing, standing

__all__ = ["start", "step"]


def start(
    params: WasherParams,
    *,
    temperature_c: Eight | float | None = None,
    naoh_pct: Eight = NONE,
    carbonate_pct: Eight = NONE,
    level_pct: Eight | float = 100.0,
    bottles: Eight = NONE,
    bottle_c: Eight | float | None = None,
) -> WasherState:
    """Return a washer at rest: tanks filled to `level_pct` % of their weirs, sensors at what they see, the chain still.

    One figure stands for all zones; temperatures are the room's unless given, and bottles have that of their zone.

    Raises:
        ValueError: not eight zones.
    """
    plan = plan_of(params, 1.0)
    warm = _each(params.room_c if temperature_c is None else temperature_c)
    levels = zip(plan.full_kg, _each(level_pct), strict=True)
    water = eight([max(LEFT_KG, full * pct * 1e-2) for full, pct in levels])
    naoh, carbonate = [], []
    for kg, of_naoh, of_carbonate in zip(water, naoh_pct, carbonate_pct, strict=True):
        whole = kg / (1.0 - (of_naoh + of_carbonate) * 1e-2)
        naoh.append(whole * of_naoh * 1e-2)
        carbonate.append(whole * of_carbonate * 1e-2)
    glass = warm if bottle_c is None else _each(bottle_c)
    since = first_look((warm, water, eight(naoh), eight(carbonate)), plan)
    return WasherState(
        temperature_c=warm,
        water_kg=water,
        naoh_kg=eight(naoh),
        carbonate_kg=eight(carbonate),
        glass_c=glass,
        bottles=bottles,
        probe_c=warm,
        conductivity_ms_cm=since.cells_ms_cm,
        ph_final=since.ph,
        screen_kg=0.0,
        extraction_m_s=0.0,
        pockets=0.0,
        speed_pockets_min=0.0,
        torque_pct=0.0,
        ledger=Ledger(),
        since=since,
    )


def _each(value: Eight | float) -> Eight:
    return eight([value] * 8) if isinstance(value, float | int) else value


def step(state: WasherState, inputs: WasherInputs, dt_s: float, params: WasherParams) -> WasherState:
    """Return the washer `dt_s` seconds later.

    Raises:
        ValueError: a machine of not eight zones, or a step that is not above 0 s.
    """
    plan = plan_of(params, dt_s)
    temp, water, naoh, carbonate, glass, before, probe, shown, ph, screen, fan, pockets, was, torque, *_ = state
    ledger, since = state.ledger, state.since
    heaters, dose, drain, _, bottles, fresh, fill, asked, fed, came_c, blown, room_c, mains_c, *_ = inputs
    jammed = inputs.jammed
    elapsed, heat, films, heater_kj, in_kj, out_kj, fresh_kg, fresh_kj, soil_kg, dry, cells, true_ph = since
    if dry:
        plan = plan.dried(water)
        heaters = eight([kw * hot for kw, hot in zip(heaters, plan.hot, strict=True)])
    speed = speed_after(was, asked, jammed, plan)
    if fed == 0.0 and bottles == before:
        glass, heat, _, _ = standing(glass, temp, bottles, heat, heaters, plan)
    else:
        outlets = plan.outlets(speed)
        glass, heat, film, gone = passing(
            glass, temp, before, bottles, fed * dt_s, came_c, outlets, heat, heaters, plan
        )
        films = film if films is NONE else eight([a + b for a, b in zip(films, film, strict=True)])
        in_kj += fed * dt_s * came_c * params.bottle_kj_k
        out_kj += gone * params.bottle_kj_k
    came_kg, elapsed = fresh * dt_s / 60.0, elapsed + dt_s
    heater_kj += sum(heaters) * dt_s
    soil_kg += inputs.soil_g_s * dt_s * 1e-3
    fresh_kg, fresh_kj = fresh_kg + came_kg, fresh_kj + came_kg * mains_c * CP_KJ_KG_K
    come = elapsed, heat, films, heater_kj, in_kj, out_kj, fresh_kg, fresh_kj, soil_kg, dry, cells, true_ph
    since = tuple.__new__(Since, come)
    aside = dose is not NONE or drain is not NONE or fill is not NONE
    if aside or elapsed >= plan.balance_s:
        contents = temp, water, naoh, carbonate
        contents, ledger, since = balanced(contents, since, fan, room_c, plan_of(params, elapsed), ledger)
        if aside:
            contents, ledger, dry = tended(contents, inputs, plan, ledger)
            since = since._replace(dry=dry)
        temp, water, naoh, carbonate = contents
    probe = _probes(probe, temp, plan.probe)
    shown = _cells(shown, cells, plan.conductivity)
    ph += plan.ph * (true_ph - ph)
    screen = screen_after(screen, inputs.fibre_g_s, inputs.press, plan)
    fan += plan.fan * (blown * params.fan_m_s - fan)
    pockets += (was + speed) * dt_s / 120.0
    torque = torque_after(torque, speed, asked, sum(bottles), jammed, plan)
    after = (temp, water, naoh, carbonate, glass, bottles, probe, shown, ph, screen, fan, pockets, speed, torque)
    return tuple.__new__(WasherState, (*after, ledger, since))


def _cells(shown: Four, true: Four, follow: float) -> Four:
    a, b, c, d = shown
    e, f, g, h = true
    return a + follow * (e - a), b + follow * (f - b), c + follow * (g - c), d + follow * (h - d)


def _probes(shown_c: Eight, true_c: Eight, follow: float) -> Eight:
    p0, p1, p2, p3, p4, p5, p6, p7 = shown_c
    t0, t1, t2, t3, t4, t5, t6, t7 = true_c
    return (
        p0 + follow * (t0 - p0),
        p1 + follow * (t1 - p1),
        p2 + follow * (t2 - p2),
        p3 + follow * (t3 - p3),
        p4 + follow * (t4 - p4),
        p5 + follow * (t5 - p5),
        p6 + follow * (t6 - p6),
        p7 + follow * (t7 - p7),
    )

"""The PLC's loops as plain functions: heat, lye, fills, pumps, and its own idea of the NaOH.

The estimate of NaOH is the PLC's own: conductivity brought to 25 °C by one constant, 1.70 % per K, and a parabola
through 1 and 2 %. It is right to about 1 % up to 2 % and 80 °C, carbonate counts as NaOH, and so it differs from
what a computer with the full law makes of the same probe.
"""

from __future__ import annotations

from linectl.sim.washer.seen import Three
from linectl.sim.washer.state import NONE, Eight, WasherParams

__all__ = ["COMPENSATION_PER_K", "Heat", "dose_g_min", "estimated_naoh_pct", "fills"]

COMPENSATION_PER_K = 0.0170
_PER_MS_CM, _PER_MS_CM_2 = 0.017430, 2.2194e-5
_BAND_K = 3.0
_RESET_S = 600.0
_DOSE_FROM_PCT = 0.01
_FILL_BELOW_PCT, _FILL_TO_PCT = 93.0, 97.0  # cold water stands at 98.5 % of a tank's weir by volume
FILL_L_MIN = 40.0
_FILLED = ((1, 0), (2, 1), (3, 2))  # zone, its place among the levels


def estimated_naoh_pct(conductivity_ms_cm: float, temperature_c: float, per_k: float = COMPENSATION_PER_K) -> float:
    """Return the NaOH in % that the PLC makes of a conductivity in mS/cm at `temperature_c`, never below 0."""
    at_25 = conductivity_ms_cm / max(0.2, 1.0 + per_k * (temperature_c - 25.0))
    return max(0.0, at_25 * (_PER_MS_CM + _PER_MS_CM_2 * at_25))


def dose_g_min(naoh_pct: float, setpoint_pct: float, most_g_min: float, before_g_min: float) -> float:
    """Return the lye pump's rate in g NaOH a minute: from 0.01 % below the setpoint it runs until that is reached."""
    below = setpoint_pct - naoh_pct
    runs = below > _DOSE_FROM_PCT or (before_g_min > 0.0 and below > 0.0)
    return most_g_min if runs else 0.0


class Heat:
    """A PI controller for each heated zone: full power 3 K below the setpoint, reset in 600 s, no wind-up."""

    def __init__(self, params: WasherParams) -> None:
        self._zones = [
            (k, zone.heater_kw, zone.heater_kw / _BAND_K) for k, zone in enumerate(params.zones) if zone.heater_kw
        ]
        self._held_kw = [0.0] * len(params.zones)

    def kw(self, setpoint_c: Eight, shown_c: Eight, forbidden: frozenset[int], dt_s: float) -> Eight:
        """Return the power of each zone in kW; zones in `forbidden` get none."""
        power, held = [0.0] * 8, self._held_kw
        for zone, most, gain in self._zones:
            wanted = setpoint_c[zone]
            if wanted <= 0.0 or zone in forbidden:
                held[zone] = 0.0
                continue
            error = wanted - shown_c[zone]
            base = held[zone]
            if -_BAND_K < error < _BAND_K:
                base += gain * error * dt_s / _RESET_S
                if not 0.0 <= base <= most:
                    base = 0.0 if base < 0.0 else most
                held[zone] = base
            kw = base + gain * error
            if kw >= most:
                power[zone] = most
            elif kw > 0.0:
                power[zone] = kw
        a, b, c, d, e, f, g, h = power
        return a, b, c, d, e, f, g, h

    def forget(self) -> None:
        """Begin again: the heat was off."""
        self._held_kw = [0.0] * len(self._held_kw)


def fills(level_pct: Three, before: Eight) -> Eight:
    """Return the inflow of each tank in L/min: from 93 % down a tank is filled up to 97 %; `before` is what flowed."""
    if not (any(before) or min(level_pct) < _FILL_BELOW_PCT):
        return NONE
    low = [
        (zone, FILL_L_MIN)
        for zone, k in _FILLED
        if level_pct[k] < _FILL_BELOW_PCT or (before[zone] and level_pct[k] < _FILL_TO_PCT)
    ]
    if not low:
        return NONE
    flow = [0.0] * 8
    for zone, l_min in low:
        flow[zone] = l_min
    a, b, c, d, e, f, g, h = flow
    return a, b, c, d, e, f, g, h

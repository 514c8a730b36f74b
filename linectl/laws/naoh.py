"""Conductivity of NaOH solution and its inverse.

McCleskey, J. Chem. Eng. Data 56 (2011) 317-327: molar conductivity from 5 to 90 °C, here with the true molarity
(density after Laliberté and Cooper). `conductivity_ms_cm` is a polynomial for speed, fitted to `mccleskey_ms_cm`:
within 0.2 % of it from 0.1 to 4 % and 15 to 90 °C, within 0.5 % down to 0.01 %.
"""

from __future__ import annotations

from math import sqrt

from linectl.laws.water import density_kg_l

__all__ = ["HIGHEST_PCT", "LOWEST_PCT", "conductivity_ms_cm", "mccleskey_ms_cm", "naoh_pct"]

LOWEST_PCT = 0.01
HIGHEST_PCT = 4.0
_MOLAR_MASS = 39.997  # g/mol of NaOH
_HALVINGS = 48  # of 4 %: finer than any reading


def mccleskey_ms_cm(naoh_pct: float, temperature_c: float) -> float:
    """Return the conductivity in mS/cm of `naoh_pct` % NaOH by mass at `temperature_c` °C, by McCleskey's law."""
    t, w = temperature_c, naoh_pct * 1e-2
    root = sqrt(1000.0 * w / (_MOLAR_MASS * (1.0 - w)))
    dilute = (0.006936 * t + 3.872) * t + 148.3
    slope = (0.01018 * t + 0.67421) * t + 56.76
    molar = dilute - slope * root / (1.0 + 0.2 * root)
    return molar * density_kg_l(naoh_pct, t) * w * 1000.0 / _MOLAR_MASS


def conductivity_ms_cm(naoh_pct: float, temperature_c: float) -> float:
    """Return the conductivity in mS/cm of `naoh_pct` % NaOH at `temperature_c` °C, by the fast polynomial."""
    w, t = naoh_pct, temperature_c
    first = (8.8426e-4 * t + 0.991408) * t + 36.6402
    middle = (-1.03247e-3 * t - 0.0838992) * t - 6.50357
    second = (3.78137e-5 * t + 0.0133867) * t + 0.596525
    return w * (first + sqrt(w) * middle + w * second)


def naoh_pct(conductivity: float, temperature_c: float) -> float | None:
    """Return the NaOH content in % by mass that conducts `conductivity` mS/cm at `temperature_c` °C.

    None outside 0.01-4 %, where the law does not hold (plain water conducts by its own salts), and outside 5-90 °C.
    Carbonate conducts too: a bath that took up CO2 or soil reads too high.
    """
    if not 5.0 <= temperature_c <= 90.0:
        return None
    low, high = LOWEST_PCT, HIGHEST_PCT
    if not conductivity_ms_cm(low, temperature_c) <= conductivity <= conductivity_ms_cm(high, temperature_c):
        return None
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if conductivity_ms_cm(middle, temperature_c) < conductivity:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)

"""Conductivity of NaOH solution and its inverse.

McCleskey, J. Chem. Eng. Data 56 (2011) 317-327: molar conductivity from 5 to 90 °C, here with the true molarity
(density after Laliberté and Cooper). `conductivity_ms_cm` is a polynomial for speed, fitted to `mccleskey_ms_cm`:
within 0.2 % of it from 0.1 to 4 % and 15 to 90 °C, within 0.5 % down to 0.01 %.
"""

from __future__ import annotations

from math import sqrt

from linectl.laws.water import density_kg_l

__all__ = [
    "CARBONATE_PER_NAOH",
    "HIGHEST_PCT",
    "LOWEST_PCT",
    "caustic_ms_cm",
    "conductivity_ms_cm",
    "mccleskey_ms_cm",
    "naoh_pct",
]

LOWEST_PCT = 0.01
HIGHEST_PCT = 4.0
_MOLAR_MASS = 39.997  # g/mol of NaOH
CARBONATE_PER_NAOH = 105.988 / (2.0 * _MOLAR_MASS)
"""kg of Na2CO3 that 1 kg of NaOH becomes when it takes up CO2."""
_SECANTS = 40  # the Illinois rule needs about seven
_ENOUGH = 1e-12  # of the conductivity: finer than any reading


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
    return caustic_ms_cm(naoh_pct, 0.0, temperature_c)


def caustic_ms_cm(naoh_pct: float, carbonate_pct: float, temperature_c: float) -> float:
    """Return the conductivity in mS/cm of `naoh_pct` % free NaOH with `carbonate_pct` % Na2CO3 beside it.

    What carbonate adds is an estimate for caustic of 0.5 to 2.5 % NaOH. Na2CO3 alone conducts about 13 mS/cm at 1 % and
    23 at 2 % and 20 °C (CRC Handbook): among the ions of the caustic 1 % adds about 11, and 2.1 % of that more per K.
    """
    w, t = naoh_pct, temperature_c
    first = (8.8426e-4 * t + 0.991408) * t + 36.6402
    middle = (-1.03247e-3 * t - 0.0838992) * t - 6.50357
    second = (3.78137e-5 * t + 0.0133867) * t + 0.596525
    return w * (first + sqrt(w) * middle + w * second) + carbonate_pct * (6.4 + 0.23 * t)


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
    under = conductivity_ms_cm(low, temperature_c) - conductivity
    over = conductivity_ms_cm(high, temperature_c) - conductivity
    kept = 0  # which bound stayed last time: -1 the lower, 1 the upper one
    for _ in range(_SECANTS):
        content = high if over == under else low - under * (high - low) / (over - under)
        off = conductivity_ms_cm(content, temperature_c) - conductivity
        if abs(off) <= _ENOUGH * conductivity:
            break
        if off < 0.0:
            low, under, over, kept = content, off, over * (0.5 if kept == 1 else 1.0), 1
        else:
            high, over, under, kept = content, off, under * (0.5 if kept == -1 else 1.0), -1
    return content

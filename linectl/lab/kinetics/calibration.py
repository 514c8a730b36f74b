"""What calibrations leave open of a release time: offsets of the bath's probe and of the NaOH, as terms of their own.

An offset common to all baths shifts ln t at the asked point by d ln t/dT = -E/(R T^2) and, with ln t falling by
n ln(c + 0.1), by d ln t/dc = -n/(c + 0.1). A standard uncertainty u (k = 1) thus adds z_conf u |d ln t| to the distance
of a one-sided bound; the parts are independent, so they are combined as the root of the sum of their squares (GUM,
JCGM 100:2008, 5.1). What is not known is left out and told, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import exp, hypot, log

from scipy.special import ndtri

from linectl.lab.kinetics.fit import ReleaseFit
from linectl.lab.kinetics.formula import CAUSTIC_ZERO_PCT
from linectl.lab.results import Estimate, SensorDoubt
from linectl.laws.arrhenius import GAS_CONSTANT_KJ_MOL_K
from linectl.units import kelvin

__all__ = ["NAOH", "SAMPLING", "TEMPERATURE", "calibration_terms", "with_calibration"]

SAMPLING = "sampling"
TEMPERATURE = "temperature_calibration"
NAOH = "naoh_calibration"
_METHOD = "{method}+calibration"  # combined as the root of the sum of squares


def calibration_terms(
    fit: ReleaseFit, doubt: SensorDoubt, *, temp_c: float, naoh_pct: float, conf: float
) -> dict[str, float]:
    """Return how far on ln t a one-sided bound at `conf` is moved by each calibration that is known.

    NaOH has no term where it was not varied: its effect is not known then.
    """
    z, found = float(ndtri(conf)), {}
    if doubt.temperature_k is not None:
        slope = fit.energy / (GAS_CONSTANT_KJ_MOL_K * kelvin(temp_c) ** 2)
        found[TEMPERATURE] = z * doubt.temperature_k * abs(slope)
    if doubt.naoh_pct is not None and fit.has_caustic:
        slope = fit.value("caustic") / (naoh_pct + CAUSTIC_ZERO_PCT)
        found[NAOH] = z * doubt.naoh_pct * abs(slope)
    return found


def with_calibration(
    estimate: Estimate, fit: ReleaseFit, doubt: SensorDoubt, *, temp_c: float, naoh_pct: float
) -> Estimate:
    """Return the release time `estimate` with both bounds widened by what calibrations leave open at its point.

    Its `terms` are the distances on ln t of the upper bound (of the lower one, where there is no upper).
    """
    if estimate.value is None or (estimate.lower is None and estimate.upper is None):
        return estimate
    more = calibration_terms(fit, doubt, temp_c=temp_c, naoh_pct=naoh_pct, conf=estimate.conf)
    above = None if estimate.upper is None else log(estimate.upper / estimate.value)
    below = None if estimate.lower is None else log(estimate.value / estimate.lower)
    sampling = above if above is not None else below
    assert sampling is not None
    return replace(
        estimate,
        upper=None if above is None else estimate.value * exp(_combined(above, more)),
        lower=None if below is None else estimate.value * exp(-_combined(below, more)),
        method=_METHOD.format(method=estimate.method) if more else estimate.method,
        terms={SAMPLING: sampling, **more},
    )


def _combined(sampling: float, more: Mapping[str, float]) -> float:
    """Return the distance of all parts together; a bound on the estimate's other side is moved by theirs alone."""
    return hypot(sampling, *more.values()) if sampling > 0 else sampling + hypot(*more.values())

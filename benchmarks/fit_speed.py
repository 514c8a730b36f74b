"""How fast the kinetics fits are, beside lifelines on the same rows, in the same process."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linectl.lab.kinetics.fit import fit_aft

__all__ = ["measure"]

Array = NDArray[np.float64]
_SIZES = (200, 2000)


def measure() -> list[dict[str, Any]]:
    """Return one record per number of bottles: our seconds, lifelines' seconds, and their ratio."""
    found = []
    for size in _SIZES:
        lo, hi, design = _bottles(size)
        ours, ours_fit = _best(lambda: fit_aft(lo, hi, design, _NAMES, "weibull"), repeats=7)  # noqa: B023  # called at once
        theirs, theirs_fit = _best(lambda: _lifelines(lo, hi, design), repeats=3)  # noqa: B023  # called at once
        difference = float(np.max(np.abs(ours_fit.params[:-1] - theirs_fit)))
        if difference > 1e-3:
            msg = f"the two do not fit the same model: coefficients differ by {difference:.2g}"
            raise RuntimeError(msg)
        found.append(
            {
                "name": f"Weibull fit of {size} bottles",
                "value": ours,
                "unit": "s",
                "reference": "lifelines",
                "reference_value": theirs,
                "ratio": ours / theirs,
            }
        )
    return found


_NAMES = ("b0", "E", "caustic", "glue", "agitation")


def _bottles(count: int) -> tuple[Array, Array, Array]:
    """Return rows looked at each 15 s for 20 min: Weibull, shape 1.8, E 80 kJ/mol, four temperatures."""
    draw = np.random.default_rng(7)
    kelvin = draw.choice([50.0, 60.0, 70.0, 80.0], count) + 273.15
    inverse = (1 / kelvin - 1 / 333.15) / 8.314462618e-3
    covariates = [np.log((draw.choice([0.5, 1.5], count) + 0.1) / 1.6), draw.integers(0, 2, count), draw.random(count)]
    design = np.column_stack([np.ones(count), inverse, *covariates])
    middle = design @ np.array([5.5, 80.0, -0.3, 0.4, -0.2])
    times = np.exp(middle + np.log(draw.exponential(size=count)) / 1.8)
    lo = np.minimum(15.0 * np.floor(times / 15.0), 1200.0)
    return lo, np.where(lo < 1200.0, lo + 15.0, np.inf), design


def _lifelines(lo: Array, hi: Array, design: Array) -> Array:
    with warnings.catch_warnings():  # its own dependencies complain of each other
        warnings.simplefilter("ignore")
        import pandas as pd
        from lifelines import WeibullAFTFitter

        rows = pd.DataFrame(design[:, 1:], columns=list(_NAMES[1:]))
        rows["lo"], rows["hi"] = lo, hi
        fitter = WeibullAFTFitter()
        fitter.fit_interval_censoring(rows, lower_bound_col="lo", upper_bound_col="hi")
    names = ["Intercept", *_NAMES[1:]]
    return np.array([float(fitter.params_["lambda_", name]) for name in names])


def _best(work: Callable[[], Any], *, repeats: int) -> tuple[float, Any]:
    """Return the shortest of `repeats` durations in s (the first run, which imports, is not counted) and the result."""
    work()
    durations = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = work()
        durations.append(time.perf_counter() - start)
    return min(durations), result


if __name__ == "__main__":
    for record in measure():
        print(
            f"{record['name']}: {record['value'] * 1e3:.2f} ms, {1 / record['ratio']:.0f} times faster than lifelines"
        )

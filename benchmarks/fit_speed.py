"""How fast the kinetics fits are: plain ones beside lifelines on the same rows, and those on measured bath traces.

The last size, 200,000 bottles in drifting baths, also says how far the activation energy comes out from the truth, with
the traces and with each bath's set-point taken for its temperature.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linectl.lab.kinetics.data import BathTrace, ReleaseData, ReleaseRecord
from linectl.lab.kinetics.fit import ReleaseFit, fit_aft, fit_release
from linectl.lab.kinetics.trace import NO_LAG, LaggedBath, TraceDose
from linectl.model.experiments import Glass

__all__ = ["drifting_baths", "measure"]

Array = NDArray[np.float64]
_SIZES = (200, 2000)
_AIM_S = {200: 0.02, 2000: 0.3}
_MANY = 200_000
_ENERGY = 80.0  # kJ/mol, the truth of every simulated bottle
_LN_SCALE, _SIGMA = 5.4806, 0.5556
_CHECKS_S = np.arange(15.0, 1200.1, 15.0)
_COLD = Glass(tau_glass_s=15.0, bottle_in_c=20.0)


def measure() -> list[dict[str, Any]]:
    """Return one record per number of bottles: our seconds beside lifelines' or, on traces, beside the aim.

    The last record is the error of the activation energy on drifting baths beside that from their set-points.
    """
    return [_plain(size) for size in _SIZES] + [_traced(size) for size in _SIZES] + [_drifting()]


def _plain(size: int) -> dict[str, Any]:
    lo, hi, design = _bottles(size)
    ours, ours_fit = _best(lambda: fit_aft(lo, hi, design, _NAMES, "weibull"), repeats=7)
    theirs, theirs_fit = _best(lambda: _lifelines(lo, hi, design), repeats=3)
    difference = float(np.max(np.abs(ours_fit.params[:-1] - theirs_fit)))
    if difference > 1e-3:
        msg = f"the two do not fit the same model: coefficients differ by {difference:.2g}"
        raise RuntimeError(msg)
    return {
        "name": f"Weibull fit of {size} bottles",
        "value": ours,
        "unit": "s",
        "reference": "lifelines",
        "reference_value": theirs,
        "ratio": ours / theirs,
    }


def _traced(size: int) -> dict[str, Any]:
    """Time a fit of bottles in baths of 20, put in one every 3 s, cold, with the trace of each bath."""
    data = drifting_baths(size, 20, seed=7, every_s=3.0, glass=_COLD)
    seconds, fit = _best(lambda: _fitted(replace(data), _COLD), repeats=5)  # the dose of the same data is kept
    return {
        "name": f"Weibull fit of {size} bottles on traces",
        "value": seconds,
        "unit": "s",
        "reference": "aim",
        "reference_value": _AIM_S[size],
        "ratio": seconds / _AIM_S[size],
        "baths": fit.n_baths,
    }


def _drifting() -> dict[str, Any]:
    data = drifting_baths(_MANY, 200, seed=7)
    seconds, fit = _best(lambda: _fitted(replace(data), NO_LAG), repeats=1)
    levels = {row.bath: row.temperature_c for row in data.records}
    held = replace(data, traces=tuple(BathTrace.constant(levels[bath], 1300.0) for bath in data.baths))
    error, from_levels = (abs(found.energy - _ENERGY) for found in (fit, _fitted(held, NO_LAG)))
    return {
        "name": f"error of E, {_MANY} bottles on traces",
        "value": error,
        "unit": "kJ/mol",
        "reference": "set-points for the traces",
        "reference_value": from_levels,
        "ratio": error / from_levels,
        "seconds": seconds,
        "baths": fit.n_baths,
    }


def _fitted(data: ReleaseData, glass: Glass) -> ReleaseFit:
    fit = fit_release(data, "weibull", glass=glass)
    if isinstance(fit, ReleaseFit):
        return fit
    msg = f"{fit.code}: {fit.detail}"
    raise RuntimeError(msg)


def drifting_baths(count: int, per_bath: int, *, seed: int, every_s: float = 0.0, glass: Glass = NO_LAG) -> ReleaseData:
    """Return `count` bottles in baths of `per_bath`, put in one every `every_s` s, looked at each 15 s for 20 min.

    Each bath falls by 4 K as it is loaded and recovers, drifts by up to 3 K and ripples; its stamps are 10 s apart. The
    truth is Weibull with E 80 kJ/mol.
    """
    draw = np.random.default_rng(seed)
    records: list[ReleaseRecord] = []
    traces = {}
    for number in range(count // per_bath):
        name, level_c = f"{number:04d}", float(draw.choice([50.0, 55.0, 60.0, 65.0, 70.0]))
        t_s = np.arange(0.0, 1300.0 + every_s * per_bath, 10.0)
        drift = draw.uniform(-3.0, 3.0) * t_s / t_s[-1] + 0.3 * np.sin(t_s / draw.uniform(15.0, 40.0))
        traces[name] = BathTrace(t_s, level_c - 4.0 * np.exp(-t_s / 120.0) + drift)
        inserted_s = every_s * np.arange(per_bath, dtype=np.float64)
        limit = _LN_SCALE + _SIGMA * np.log(draw.standard_exponential(per_bath))
        seen = _seen(LaggedBath(traces[name], glass), inserted_s, limit)
        records += [
            ReleaseRecord(f"{name}-{k}", name, "glue", lo, hi, 1.5, level_c, 1.5, at)
            for k, (lo, hi, at) in enumerate(zip(*seen, inserted_s.tolist(), strict=True))
        ]
    return ReleaseData.from_records(records, traces)


def _seen(bath: LaggedBath, inserted_s: Array, limit: Array) -> tuple[list[float], list[float]]:
    """Return when each label was last seen on and first seen off, its ln dose at release being `limit`."""
    starts, group = np.unique(inserted_s, return_inverse=True)
    dose = TraceDose()
    who = np.repeat(np.arange(starts.size), _CHECKS_S.size)
    dose.add_all(bath, starts, who, np.tile(_CHECKS_S, starts.size), np.zeros(starts.size, dtype=np.intp))
    log = dose.values(_ENERGY).reshape(starts.size, -1)[group]
    looks = np.concatenate([[0.0], _CHECKS_S, [math.inf]])
    still_on = (log < limit[:, None]).sum(axis=1)
    return looks[still_on].tolist(), looks[still_on + 1].tolist()


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
            f"{record['name']}: {record['value']:.4g} {record['unit']}, "
            f"{1 / record['ratio']:.3g} times less than {record['reference']}"
            + (f"; {record['seconds']:.2f} s" if "seconds" in record else "")
        )

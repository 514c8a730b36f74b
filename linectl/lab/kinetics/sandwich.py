"""Standard errors that hold when the bottles of a bath are alike: the cluster sandwich, summed by bath.

A^-1 B A^-1 with A minus the Hessian and B the sum over baths of the outer product of a bath's score (Liang & Zeger
1986). The small-sample factor is CR1, G/(G-1) (N-1)/(N-p). Few baths are the limit: intervals use t with G - 3
degrees of freedom, and there are none with 3 baths or fewer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from linectl.lab.kinetics.codes import Code
from linectl.lab.kinetics.fit import ReleaseFit
from linectl.lab.kinetics.likelihood import CURVATURE_UNIT, ENERGY_UNIT, Model
from linectl.lab.kinetics.row_terms import row_terms
from linectl.lab.results import Estimate

__all__ = ["cluster_covariance", "cluster_interval", "degrees_of_freedom", "parameter_units"]

Array = NDArray[np.float64]
_BATH_PARAMETERS = 3  # time scale, E and NaOH are learnt from baths, not from bottles


def parameter_units(model: Model) -> Array:
    """Return the size of the solver's unit of each parameter in the reported unit."""
    back = np.ones(model.size)
    after = model.columns + model.energies
    back[model.columns : after] = ENERGY_UNIT
    if model.has_curvature:
        back[after] = CURVATURE_UNIT
    return back


def degrees_of_freedom(fit: ReleaseFit) -> int:
    """Return those of t for a cluster-robust interval: baths less 3."""
    return fit.n_baths - _BATH_PARAMETERS


def cluster_covariance(fit: ReleaseFit, *, small_sample: bool = True) -> Array:
    """Return the covariance of `fit.params` with baths as clusters; `small_sample` False leaves the CR1 factor out."""
    rows = row_terms(fit.model, fit.theta).score * fit.model.weights[:, None]
    scores = np.zeros((fit.n_baths, fit.theta.size))
    np.add.at(scores, fit.row_bath, rows)
    half = scores @ (fit.cov / parameter_units(fit.model)[:, None])
    found = np.asarray(half.T @ half)
    if not small_sample:
        return found
    baths, bottles = fit.n_baths, fit.n_bottles
    return found * (baths / max(baths - 1, 1)) * ((bottles - 1) / (bottles - fit.theta.size))


def cluster_interval(fit: ReleaseFit, name: str, conf: float = 0.95) -> Estimate:
    """Return the parameter called `name` with its two-sided cluster-robust interval, None where there is none."""
    if name not in fit.names:
        return Estimate(None, conf=conf, method="cluster", reason=Code.SINGLE_CAUSTIC)
    k, df = fit.names.index(name), degrees_of_freedom(fit)
    value, unit = float(fit.params[k]), fit.units[k]
    if df < 1:
        return Estimate(value, conf=conf, method="cluster", unit=unit, reason=Code.FEW_BATHS)
    reach = float(stdtrit(df, 0.5 + conf / 2) * np.sqrt(cluster_covariance(fit)[k, k]))
    return Estimate(value, value - reach, value + reach, conf, "cluster", unit)

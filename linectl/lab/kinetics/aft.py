"""Plain accelerated failure times: covariates as given, no trace. The core under the fits of label release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from linectl.errors import ConfigError
from linectl.lab.kinetics.distributions import Distribution, family
from linectl.lab.kinetics.likelihood import FixedTimes, Model
from linectl.lab.kinetics.solver import inverse, maximise
from linectl.lab.kinetics.start import least_squares_start
from linectl.words import tr

__all__ = ["AftFit", "fit_aft"]

Array = NDArray[np.float64]
Index = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class AftFit:
    """ln t = x'b + sigma W: `params` are b in the order of `names`, then ln sigma; `cov` belongs to them."""

    dist: Distribution
    names: tuple[str, ...]
    params: Array
    cov: Array
    loglik: float
    converged: bool
    newton_decrement: float
    iterations: int

    @property
    def se(self) -> Array:
        """Standard errors of `params`."""
        return np.sqrt(np.diag(self.cov))

    @property
    def sigma(self) -> float:
        """The scale of ln t (1/shape of a Weibull)."""
        return float(np.exp(self.params[-1]))

    def log_quantile(self, x: ArrayLike, p: float) -> tuple[float, float]:
        """Return ln t_p at covariates `x` and its standard error by the delta method."""
        w = self.dist.quantile(p)
        gradient = np.append(np.asarray(x, dtype=np.float64), self.sigma * w)
        value = float(gradient[:-1] @ self.params[:-1] + gradient[-1])
        return value, float(np.sqrt(gradient @ self.cov @ gradient))


def fit_aft(
    lo: ArrayLike,
    hi: ArrayLike,
    X: ArrayLike,  # noqa: N803  # the design matrix goes by its usual name
    names: Sequence[str],
    dist: str,
    weights: ArrayLike | None = None,
) -> AftFit:
    """Fit ln t = X b + sigma W to rows (lo, hi], by maximum likelihood.

    lo = 0 left-censored, hi = inf right-censored, lo = hi exact; (0, inf] says nothing and adds nothing. `X` holds
    the intercept's column too, if one is wanted; its columns may be badly scaled. `weights` are counts.

    Raises:
        ConfigError: rows that cannot be used, or columns that depend on each other.
    """
    low, high = np.asarray(lo, dtype=np.float64), np.asarray(hi, dtype=np.float64)
    design = np.asarray(X, dtype=np.float64)
    counts = np.ones_like(low) if weights is None else np.asarray(weights, dtype=np.float64)
    _refuse_rows(low, high, design, names, counts)
    low, high, design, counts = _collapsed(low, high, design, counts)
    basis, back = _orthogonal(design, counts, names)
    times, lower, upper = _ends(low, high)
    model = Model.of(family(dist), basis, counts, (lower, upper), FixedTimes(np.log(times)), energy=False)
    best = maximise(model.evaluate, least_squares_start(model))
    matrix = np.eye(design.shape[1] + 1)
    matrix[:-1, :-1] = back
    return AftFit(
        dist=model.dist,
        names=(*names, "ln_sigma"),
        params=matrix @ best.theta,
        cov=matrix @ inverse(-best.at.hessian) @ matrix.T,
        loglik=best.at.value,
        converged=best.converged,
        newton_decrement=best.decrement,
        iterations=best.iterations,
    )


_MANY = 5000  # rows; below it a fit is faster than looking for equal rows
_FEW_LEVELS = 0.02  # of the rows: a column with more values than that does not collapse


def _collapsed(low: Array, high: Array, design: Array, counts: Array) -> tuple[Array, Array, Array, Array]:
    """Return the distinct rows with their counts, where there are many rows of few levels."""
    if low.size < _MANY:
        return low, high, design, counts
    key = np.zeros(low.size, dtype=np.int64)
    for column in (low, high, *design.T):
        levels, number = np.unique(column, return_inverse=True)
        if levels.size > _FEW_LEVELS * low.size:
            return low, high, design, counts
        key = np.unique(key * levels.size + number, return_inverse=True)[1]
    _, first, number = np.unique(key, return_index=True, return_inverse=True)
    return low[first], high[first], design[first], np.asarray(np.bincount(number, counts), dtype=np.float64)


def _ends(low: Array, high: Array) -> tuple[Array, Index, Index]:
    known = np.concatenate([low, high])
    times = np.unique(known[(known > 0) & np.isfinite(known)])
    lower = np.where(low > 0, np.searchsorted(times, low), -1).astype(np.intp)
    upper = np.where(np.isfinite(high), np.searchsorted(times, high), -1).astype(np.intp)
    return times, lower, upper


def _refuse_rows(low: Array, high: Array, design: Array, names: Sequence[str], counts: Array) -> None:
    if design.ndim != 2 or design.shape != (low.size, len(names)) or not low.shape == high.shape == counts.shape:
        raise ConfigError(tr("lo, hi, weights and the columns of X must have one entry per row, one name per column"))
    bad = ~((low >= 0) & (high >= low) & (high > 0) & np.isfinite(low) & (counts > 0))
    if bad.any():
        rows = ", ".join(str(k + 1) for k in np.flatnonzero(bad)[:10])
        raise ConfigError(tr("rows {rows}: need 0 <= lo <= hi, hi > 0 and a count above 0").format(rows=rows))


def _orthogonal(design: Array, counts: Array, names: Sequence[str]) -> tuple[Array, Array]:
    """Return columns of unit information that span the same space, and the matrix that leads back."""
    scale = np.sqrt((counts[:, None] * design**2).sum(axis=0))
    if (scale == 0).any():
        raise ConfigError(tr("column {name} is zero everywhere").format(name=names[int(np.argmin(scale))]))
    triangle = np.linalg.qr(np.sqrt(counts)[:, None] * design / scale, mode="r")
    weak = np.abs(np.diag(triangle)) < 1e-11
    if weak.any():
        name = names[int(np.flatnonzero(weak)[0])]
        raise ConfigError(tr("column {name} depends on the columns before it").format(name=name))
    back = np.linalg.inv(triangle) * np.sqrt(counts.sum()) / scale[:, None]
    return design @ back, back

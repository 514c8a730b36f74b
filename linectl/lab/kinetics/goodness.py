"""What a fit cannot explain: release curves beside the family's, residuals, and labels that should long be off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from linectl.lab.kinetics.data import ReleaseData
from linectl.lab.kinetics.distributions import Distribution
from linectl.lab.kinetics.fit import ReleaseFit
from linectl.lab.kinetics.formula import Layout
from linectl.lab.kinetics.redraw import Redraw
from linectl.lab.kinetics.row_terms import row_terms
from linectl.lab.kinetics.solver import maximise
from linectl.lab.kinetics.trace import dose_of
from linectl.lab.kinetics.turnbull import Turnbull, turnbull

__all__ = ["CellDistance", "Goodness", "PPPoints", "gof", "unexplained_stuck"]

Array = NDArray[np.float64]
Index = NDArray[np.intp]
_CHANCE = 0.01  # that a fit without a plateau would leave even one such label on
_ROUGH = 1e-3  # Kuhn-Tucker excess for replicates: moves a distance by about as much
_MOST_FAILED = 0.05
_FAR = 1e3  # z beyond which every share is 0 or 1


@dataclass(frozen=True, slots=True)
class CellDistance:
    """One cell (°C, % NaOH, glue): the largest distance between Turnbull's curve and the fit's, and its chance."""

    temperature_c: float
    naoh_pct: float
    glue: str
    n_bottles: int
    distance: float
    p: float | None


@dataclass(frozen=True, slots=True, eq=False)
class PPPoints:
    """All cells on the axis of equivalent time.

    The fit's share off at both ends of each of Turnbull's intervals (`model_from`, `model_to`), and Turnbull's share
    before and after it.
    """

    model_from: Array
    model_to: Array
    share_before: Array
    share_after: Array


@dataclass(frozen=True, slots=True, eq=False)
class Goodness:
    """How far a fit is from its bottles.

    `distance` is the largest of the cells', `p` the chance of as much over all cells (each weighed by the root of its
    bottles) if the fit were the truth, None when too many of the `replicates` failed. Cox-Snell residuals lie in
    (`residual_lo`, `residual_hi`], one line per bottle, and are unit exponential under the fit.
    """

    distance: float
    p: float | None
    cells: tuple[CellDistance, ...]
    pp: PPPoints
    residual_lo: Array
    residual_hi: Array
    replicates: int
    failed: int
    seed: int


def gof(
    fit: ReleaseFit,
    data: ReleaseData,
    *,
    replicates: int = 199,
    seed: int = 0,
    checks: Mapping[str, Sequence[float]] | None = None,
) -> Goodness:
    """Compare `fit` with the bottles `data` that it was fitted to.

    The chances come from a parametric bootstrap: every bottle is drawn anew from the fit, seen at the `checks` of its
    bath (s of bath time, by bath; None: as far as the intervals tell), refitted, and its distances taken again.

    Raises:
        ValueError: the data are not those of the fit.
    """
    if len(data) != fit.n_bottles:
        msg = f"{len(data)} bottles, but the fit is of {fit.n_bottles}"
        raise ValueError(msg)
    cells, number = _cells(data)
    sizes = np.bincount(number, minlength=len(cells))
    low, high = _observed(fit, data)
    says = _Curve(fit.model.dist, fit.releasing_share)
    found = _distances(says, low, high, number, len(cells))
    again, failed = _replicated(fit, data, (number, len(cells)), (replicates, seed), checks)
    usable = again.shape[0] > 0 and failed <= _MOST_FAILED * replicates
    root = np.sqrt(sizes)
    chances = [_chance(found[k], again[:, k]) if usable else None for k in range(len(cells))]
    return Goodness(
        distance=float(found.max()),
        p=_chance(float((found * root).max()), (again * root).max(axis=1)) if usable else None,
        cells=tuple(
            CellDistance(*cell, int(size), float(distance), p)
            for cell, size, distance, p in zip(cells, sizes, found, chances, strict=True)
        ),
        pp=_points(says, low, high),
        residual_lo=_residual(says, low),
        residual_hi=_residual(says, high),
        replicates=replicates,
        failed=failed,
        seed=seed,
    )


def _chance(found: float, again: Array) -> float:
    return float((1 + (again >= found - 1e-12).sum()) / (1 + again.size))


def _cells(data: ReleaseData) -> tuple[list[tuple[float, float, str]], Index]:
    keys = [(row.temperature_c, row.naoh_pct, row.glue) for row in data.records]
    cells = sorted(set(keys))
    where = {cell: k for k, cell in enumerate(cells)}
    return cells, np.array([where[key] for key in keys], dtype=np.intp)


def _observed(fit: ReleaseFit, data: ReleaseData) -> tuple[Array, Array]:
    """Return z of every bottle's ends under the fit, infinite where open."""
    layout = Layout.of(data, fit.formula)
    dose, lower, upper = dose_of(data, fit.glass, layout.row_glue if fit.formula.glue_energy else None)
    sigmas = np.exp(fit.theta[-fit.model.sigmas :])
    sigma = sigmas[layout.row_warmth] if sigmas.size > 1 else sigmas[0]
    centre = layout.columns @ fit.theta[: fit.model.columns]
    return _standardised(fit.model.log_dose(fit.theta, dose).value, (lower, upper), centre, sigma)


def _standardised(log: Array, ends: tuple[Index, Index], centre: Array, sigma: Array | float) -> tuple[Array, Array]:
    low = np.where(ends[0] >= 0, log[ends[0]], -np.inf)
    high = np.where(ends[1] >= 0, log[ends[1]], np.inf)
    return (low - centre) / sigma, (high - centre) / sigma


class _Curve(NamedTuple):
    """The share off by z that a fit says: pi times the family's."""

    dist: Distribution
    releasing: float

    def at(self, z: Array) -> Array:
        return np.where(np.isposinf(z), 1.0, self.releasing * self.dist.cdf(np.clip(z, -_FAR, _FAR)))


def _curve(low: Array, high: Array, *, rough: bool) -> Turnbull:
    # the axis must begin at 0 for Turnbull: e^z does, and its order is that of z
    ends = np.exp(np.clip(low, -700, 700)), np.exp(np.minimum(high, 700))
    lo, hi = np.where(np.isneginf(low), 0.0, ends[0]), np.where(np.isposinf(high), np.inf, ends[1])
    return turnbull(lo, hi, enough=_ROUGH) if rough else turnbull(lo, hi)


def _compared(says: _Curve, curve: Turnbull) -> tuple[Array, Array, Array, Array]:
    with np.errstate(divide="ignore"):
        start, end = says.at(np.log(curve.left)), says.at(np.log(curve.right))
    after = np.minimum(np.cumsum(curve.mass), 1.0)
    return start, end, after - curve.mass, after


def _distances(says: _Curve, low: Array, high: Array, number: Index, count: int, *, rough: bool = False) -> Array:
    found = np.empty(count)
    for k in range(count):
        mine = number == k
        start, end, before, after = _compared(says, _curve(low[mine], high[mine], rough=rough))
        found[k] = max(np.abs(before - start).max(), np.abs(after - end).max())
    return found


def _points(says: _Curve, low: Array, high: Array) -> PPPoints:
    return PPPoints(*_compared(says, _curve(low, high, rough=True)))


def _residual(says: _Curve, z: Array) -> Array:
    """Return -ln of the share still on at `z`."""
    with np.errstate(divide="ignore"):
        return np.where(np.isposinf(z), np.inf, -np.log(1 - says.at(np.where(np.isposinf(z), 0.0, z))) + 0.0)


def _replicated(
    fit: ReleaseFit,
    data: ReleaseData,
    cells: tuple[Index, int],
    repeats: tuple[int, int],
    checks: Mapping[str, Sequence[float]] | None,
) -> tuple[Array, int]:
    """Return the distances of each replicate that could be refitted (a line each), and how many could not."""
    redraw, rng = Redraw(fit, data, checks), np.random.default_rng(repeats[1])
    found = []
    for _ in range(repeats[0]):
        seen = redraw.draw(rng)
        best = maximise(seen.model.evaluate, fit.theta, limited=fit.model.sigmas + int(fit.model.has_cure))
        if not best.converged:
            continue
        says = _Curve(fit.model.dist, fit.model.released_share(best.theta))
        centre = redraw.columns @ best.theta[: fit.model.columns]
        log = seen.model.log_dose(best.theta).value
        ends = _standardised(log, (seen.lower, seen.upper), centre, redraw.sigma_at(best.theta))
        found.append(_distances(says, *ends, *cells, rough=True))
    return np.array(found).reshape(len(found), cells[1]), repeats[0] - len(found)


def unexplained_stuck(fit: ReleaseFit) -> int:
    """Return how many labels were still on where the fit leaves none on, by the chance of 1 % over all its bottles.

    Such labels stretch sigma, for the fit has no share that never comes off; a count above 0 says that the release
    time of 99 % of all labels may not exist. It is no test of a plateau that is not yet reached.
    """
    model, rows = fit.model, fit.model.right.row
    if not rows.size:
        return 0
    log_share_on = row_terms(model, fit.theta).value[rows]
    return int(model.weights[rows][log_share_on < np.log(_CHANCE / fit.n_bottles)].sum())

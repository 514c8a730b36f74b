"""Bottles of one bath are alike: a random intercept u ~ N(0, omega^2) of ln t for each bath.

The likelihood of a bath is the integral of its rows' over u, by adaptive Gauss-Hermite quadrature (15 nodes around the
mode of the integrand, for all baths at once; Pinheiro & Bates 1995). With u = omega v and v standard normal, omega = 0
is an inner point of the formula, and the gradient is that of the complete data averaged over the nodes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray

from linectl.lab.kinetics.fit import ReleaseFit
from linectl.lab.kinetics.likelihood import Curvature, Model, Rows
from linectl.lab.kinetics.row_terms import row_terms
from linectl.lab.kinetics.sandwich import parameter_units
from linectl.lab.kinetics.solver import inverse, maximise
from linectl.lab.kinetics.trace import InterpolatedDose

__all__ = ["NODES", "BathEffectFit", "BathModel", "BathOptimum", "fit_bath_effect", "half_chi2", "integrate_baths"]

Array = NDArray[np.float64]
Index = NDArray[np.intp]
NODES = 15
_POINTS, _WEIGHTS = hermegauss(NODES)
_START = 0.2
_BOUNDARY = 1e-4  # an omega below this share of sigma is 0
_MODE_ROUNDS = 25
_DIFFERENCE = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class BathEffectFit:
    """A fit with a random intercept for each bath.

    `params` are those of the plain fit's `names`, in the same units, `theta` the same in the solver's; `omega` is the
    standard deviation of ln t between baths. `cov` belongs to (params, omega). With omega = 0 (`boundary`) all is as
    in the plain fit, and the line of omega in `cov` is 0: it has no standard error there. `lr` is twice the gain in
    log-likelihood, `p_value` that of omega = 0 under half chi2(0) + half chi2(1). `bath_shift` is each bath's most
    probable intercept.
    """

    names: tuple[str, ...]
    params: Array
    theta: Array
    omega: float
    cov: Array
    loglik: float
    lr: float
    p_value: float
    converged: bool
    boundary: bool
    bath_shift: Array

    def value(self, name: str) -> float:
        """Return the parameter called `name`."""
        return float(self.params[self.names.index(name)])

    def se(self, name: str) -> float:
        """Return the standard error of the parameter called `name`, or of "omega"."""
        k = len(self.names) if name == "omega" else self.names.index(name)
        return float(np.sqrt(self.cov[k, k]))


def fit_bath_effect(fit: ReleaseFit) -> BathEffectFit:
    """Fit again with a random intercept for each bath, from the plain `fit`."""
    width = float(np.clip(8 * fit.se("E"), 10.0, 40.0))
    model = replace(fit.model, dose=InterpolatedDose(fit.dose, fit.energy, width))
    plain = -fit.model.evaluate(fit.theta).hessian
    best = integrate_baths(BathModel.of(model, fit.row_bath, fit.n_baths), fit.theta, fit.loglik, plain)
    back = parameter_units(fit.model)
    cov = np.zeros((back.size + 1, back.size + 1))
    found = inverse(best.information)
    cov[: found.shape[0], : found.shape[0]] = found
    scale = np.append(back, 1.0)
    lr = max(0.0, 2 * (best.loglik - fit.loglik))
    return BathEffectFit(
        names=fit.names,
        params=best.theta * back,
        theta=best.theta,
        omega=best.omega,
        cov=cov * np.outer(scale, scale),
        loglik=best.loglik,
        lr=lr,
        p_value=half_chi2(lr),
        converged=best.converged,
        boundary=best.boundary,
        bath_shift=best.modes,
    )


class BathOptimum(NamedTuple):
    """Where the likelihood is greatest: theta in the solver's units, omega, and minus the Hessian of both.

    `boundary`: at omega = 0, where `information` is that of theta alone.
    """

    theta: Array
    omega: float
    loglik: float
    information: Array
    modes: Array
    converged: bool
    boundary: bool


@dataclass(slots=True, eq=False)
class BathModel:
    """`model` with an intercept for each bath; `row_bath` numbers the bath of each row of its design.

    `modes` remembers where the integrands are highest, so that the next search begins there.
    """

    model: Model
    row_bath: Index
    n_baths: int
    modes: Array

    @classmethod
    def of(cls, model: Model, row_bath: Index, n_baths: int) -> BathModel:
        """Return the model with all modes at 0."""
        return cls(model, row_bath, n_baths, np.zeros(n_baths))

    def evaluate(self, both: Array) -> Curvature:
        """Return log-likelihood, score and Hessian at (theta, omega); the Hessian by differences of the score."""
        nodes, spread = self._nodes(both)
        value, score = self._score(both, nodes, spread)
        hessian = np.empty((both.size, both.size))
        for k in range(both.size):
            step = np.zeros(both.size)
            step[k] = _DIFFERENCE
            above, below = (self._score(both + side * step, nodes, spread)[1] for side in (1.0, -1.0))
            hessian[k] = (above - below) / (2 * _DIFFERENCE)
        return Curvature(value, score, 0.5 * (hessian + hessian.T))

    def rise(self, theta: Array) -> float:
        """Return the derivative of the log-likelihood by omega^2 at omega = 0."""
        terms = row_terms(self.model, theta)
        return 0.5 * float((self.by_bath(terms.slope) ** 2 + self.by_bath(terms.bend)).sum())

    def by_bath(self, rows: Array) -> Array:
        """Return the sums of `rows` (n, ...), times their counts, over each bath."""
        weighted = self.model.weights.reshape(-1, *[1] * (rows.ndim - 1)) * rows
        total = np.zeros((self.n_baths, *rows.shape[1:]))
        np.add.at(total, self.row_bath, weighted)
        return total

    def _nodes(self, both: Array) -> tuple[Array, Array]:
        """Return the nodes v (node, bath) around each bath's mode, and the width of its integrand."""
        theta, omega = both[:-1], float(both[-1])
        modes = np.clip(np.where(np.isfinite(self.modes), self.modes, 0.0), -8.0, 8.0)
        for _ in range(_MODE_ROUNDS):
            terms = row_terms(self.model, theta, omega * modes[self.row_bath])
            curve = 1.0 - omega**2 * np.minimum(self.by_bath(terms.bend), 0.0)
            step = (omega * self.by_bath(terms.slope) - modes) / curve
            modes = modes + np.clip(step, -1.0, 1.0)
            if not np.abs(step).max() > 1e-6:
                break
        self.modes = modes
        spread = 1.0 / np.sqrt(curve)
        return modes + _POINTS[:, None] * spread, spread

    def _score(self, both: Array, nodes: Array, spread: Array) -> tuple[float, Array]:
        theta, omega = both[:-1], float(both[-1])
        tiled = _tiled(self.model, NODES)
        terms = row_terms(tiled, theta, (omega * nodes[:, self.row_bath]).ravel())
        shape = (NODES, self.model.design.shape[0])
        value, slope = (self._sums(part.reshape(shape)) for part in (terms.value, terms.slope))
        score = self._sums(terms.score.reshape(*shape, -1))
        log_weight = (np.log(_WEIGHTS) + 0.5 * _POINTS**2 - 0.5 * np.log(2 * np.pi))[:, None] + np.log(spread)
        parts = log_weight + value - 0.5 * nodes**2
        top = parts.max(axis=0)
        share = np.exp(parts - top)
        whole = share.sum(axis=0)
        share /= whole
        by_theta = (share[..., None] * score).sum(axis=(0, 1))
        by_omega = float((share * nodes * slope).sum())
        return float((top + np.log(whole)).sum()), np.append(by_theta, by_omega)

    def _sums(self, rows: Array) -> Array:
        """Return the sums over each bath of rows (node, row, ...), shape (node, bath, ...)."""
        return np.moveaxis(self.by_bath(np.moveaxis(rows, 1, 0)), 0, 1)


def integrate_baths(bath_model: BathModel, theta: Array, loglik: float, information: Array) -> BathOptimum:
    """Return the maximum over (theta, omega), from the fit `theta` (its `loglik`, minus Hessian) without baths.

    Where the likelihood falls from omega = 0 on, that is the maximum.
    """
    here = BathOptimum(theta, 0.0, loglik, information, np.zeros(bath_model.n_baths), converged=True, boundary=True)
    if bath_model.rise(theta) <= 0:
        return here
    best = maximise(bath_model.evaluate, np.append(theta, _START))
    omega, sigma = abs(float(best.theta[-1])), math.exp(float(best.theta[-2]))
    if omega < _BOUNDARY * sigma or (best.converged and best.at.value < loglik):
        return here
    modes = omega * bath_model.modes * np.sign(best.theta[-1])
    flip = np.ones(best.theta.size)
    flip[-1] = np.sign(best.theta[-1])
    found = -best.at.hessian * np.outer(flip, flip)
    return BathOptimum(best.theta[:-1], omega, best.at.value, found, modes, best.converged, boundary=False)


def half_chi2(lr: float) -> float:
    """Return the p-value of a likelihood ratio under half chi2(0) + half chi2(1): a variance on its boundary."""
    return 1.0 if lr <= 0 else 0.5 * math.erfc(math.sqrt(lr / 2))


def _tiled(model: Model, times: int) -> Model:
    n = model.design.shape[0]

    def rows(part: Rows) -> Rows:
        shift = np.repeat(np.arange(times, dtype=np.intp) * n, part.row.size)
        return Rows(np.tile(part.row, times) + shift, np.tile(part.lower, times), np.tile(part.upper, times))

    return replace(
        model,
        design=np.tile(model.design, (times, 1)),
        weights=np.tile(model.weights, times),
        left=rows(model.left),
        right=rows(model.right),
        interval=rows(model.interval),
        exact=rows(model.exact),
        row_class=None if model.row_class is None else np.tile(model.row_class, times),
        sigma_design=None if model.sigma_design is None else np.tile(model.sigma_design, (times, 1)),
    )

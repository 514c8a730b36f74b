"""Log-likelihood of censored release times with its analytic score and Hessian.

z = (ln tau(E) - x'b)/sigma + shift, theta = (b, [E / 10 kJ/mol], ln sigma). Without a dose that depends on E (plain
accelerated failure times) E is no parameter. `shift` and `target` serve profiles: with the log dose of the asked time
taken off and shift = w_p, the quantile at the asked point is held fixed and needs no intercept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from linectl.lab.kinetics.distributions import Distribution, Terms
from linectl.lab.kinetics.trace import Dose, LogDose

__all__ = ["ENERGY_UNIT", "Curvature", "FixedTimes", "Model", "Rows"]

Array = NDArray[np.float64]
Index = NDArray[np.intp]
ENERGY_UNIT = 10.0  # kJ/mol per unit of the solver's parameter: keeps the information matrix well scaled


class Curvature(NamedTuple):
    """Log-likelihood, score and Hessian at one theta."""

    value: float
    score: Array
    hessian: Array


class FixedTimes:
    """Ends whose log times do not depend on an activation energy."""

    def __init__(self, log_times: Array) -> None:
        zero = np.zeros_like(log_times)
        self._log = LogDose(log_times, zero, zero)

    def log(self, energy: float) -> LogDose:
        """Return the log times, whatever `energy`."""
        del energy
        return self._log


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one kind: their numbers in the design matrix and the numbers of their ends."""

    row: Index
    lower: Index
    upper: Index

    @classmethod
    def split(cls, lower: Index, upper: Index) -> tuple[Rows, Rows, Rows, Rows]:
        """Return the left, right, interval and exact rows of end numbers, -1 where a side is open."""
        exact = (lower >= 0) & (lower == upper)
        kinds = (
            (lower < 0) & (upper >= 0),
            (lower >= 0) & (upper < 0),
            (lower >= 0) & (upper >= 0) & ~exact,
            exact,
        )
        left, right, interval, at = (np.flatnonzero(kind).astype(np.intp) for kind in kinds)
        return (
            cls(left, lower[left], upper[left]),
            cls(right, lower[right], upper[right]),
            cls(interval, lower[interval], upper[interval]),
            cls(at, lower[at], upper[at]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A likelihood ready to be evaluated. `design` has one line per row; `weights` are counts."""

    dist: Distribution
    design: Array
    weights: Array
    left: Rows
    right: Rows
    interval: Rows
    exact: Rows
    dose: Dose
    has_energy: bool
    shift: float = 0.0
    target: Dose | None = None

    @classmethod
    def of(
        cls, dist: Distribution, design: Array, weights: Array, ends: tuple[Index, Index], dose: Dose, *, energy: bool
    ) -> Model:
        """Return the model of rows with end numbers `ends` (lower, upper), -1 where a side is open."""
        left, right, interval, exact = Rows.split(*ends)
        return cls(dist, design, weights, left, right, interval, exact, dose, energy)

    @property
    def size(self) -> int:
        """The number of parameters."""
        return int(self.design.shape[1]) + int(self.has_energy) + 1

    def through(self, target: Dose, point: Array, shift: float) -> Model:
        """Return this model without its intercept (column 0), made to pass W = `shift` at `target` and `point`."""
        return replace(self, design=self.design[:, 1:] - point[1:], target=target, shift=shift)

    def evaluate(self, theta: Array) -> Curvature:
        """Return log-likelihood, score and Hessian at `theta`; not finite where the model cannot be evaluated."""
        with np.errstate(all="ignore"):  # far from the optimum terms overflow; the solver turns back from those
            return self._evaluate(theta)

    def _evaluate(self, theta: Array) -> Curvature:
        columns = self.design.shape[1]
        energy = ENERGY_UNIT * float(theta[columns]) if self.has_energy else 0.0
        times = self._times(energy)
        total = _Sum(self.size)
        ends = _Ends(times, self.design @ theta[:columns], float(theta[-1]), self)
        for rows, upper_side in ((self.left, True), (self.right, False)):
            if rows.row.size:
                end = rows.upper if upper_side else rows.lower
                z, jacobian, bend = ends.at(rows.row, end)
                terms = self.dist.left(z) if upper_side else self.dist.right(z)
                total.add(self.weights[rows.row], terms, jacobian, bend)
        if self.interval.row.size:
            self._add_interval(total, ends)
        if self.exact.row.size:
            self._add_exact(total, ends, float(theta[-1]), times)
        return total.finish()

    def _times(self, energy: float) -> LogDose:
        times = self.dose.log(energy)
        if self.target is None:
            return times
        asked = self.target.log(energy)
        return LogDose(times.value - asked.value, times.first - asked.first, times.second - asked.second)

    def _add_interval(self, total: _Sum, ends: _Ends) -> None:
        rows = self.interval
        low, low_jacobian, low_bend = ends.at(rows.row, rows.lower)
        high, high_jacobian, high_bend = ends.at(rows.row, rows.upper)
        terms = self.dist.interval(low, high)
        weights = self.weights[rows.row]
        total.add(weights, Terms(terms.value, terms.lower, terms.lower2), low_jacobian, low_bend)
        total.add(weights, Terms(np.zeros_like(low), terms.upper, terms.upper2), high_jacobian, high_bend)
        cross = low_jacobian.T @ ((weights * terms.cross)[:, None] * high_jacobian)
        total.hessian += cross + cross.T

    def _add_exact(self, total: _Sum, ends: _Ends, log_sigma: float, times: LogDose) -> None:
        # exact times come without a trace only (data.py refuses them there): d ln tau / dt is then 1/t
        rows = self.exact
        z, jacobian, bend = ends.at(rows.row, rows.upper)
        weights = self.weights[rows.row]
        total.add(weights, self.dist.exact(z), jacobian, bend)
        total.value -= float(weights @ (log_sigma + times.value[rows.upper]))
        total.extra_log_sigma -= float(weights.sum())


class _Ends:
    """z, its gradient by theta and the curvature of ln dose by E, at chosen ends."""

    def __init__(self, times: LogDose, linear: Array, log_sigma: float, model: Model) -> None:
        self._times, self._linear, self._model = times, linear, model
        self._sigma = np.exp(log_sigma)

    def at(self, row: Index, end: Index) -> tuple[Array, Array, Array]:
        model, sigma = self._model, self._sigma
        standard = (self._times.value[end] - self._linear[row]) / sigma
        columns = model.design.shape[1]
        jacobian = np.empty((row.size, model.size))
        jacobian[:, :columns] = model.design[row] / -sigma
        if model.has_energy:
            jacobian[:, columns] = self._times.first[end] * (ENERGY_UNIT / sigma)
        jacobian[:, -1] = -standard
        return standard + model.shift, jacobian, self._times.second[end] * (ENERGY_UNIT**2 / sigma)


class _Sum:
    """The running sums of a log-likelihood, and the terms of the Hessian that rest on the score."""

    def __init__(self, size: int) -> None:
        self.value = 0.0
        self.score = np.zeros(size)
        self.hessian = np.zeros((size, size))
        self.bend = 0.0
        self.extra_log_sigma = 0.0

    def add(self, weights: Array, terms: Terms, jacobian: Array, bend: Array) -> None:
        first = weights * terms.first
        self.value += float(weights @ terms.value)
        self.score += first @ jacobian
        self.hessian += jacobian.T @ ((weights * terms.second)[:, None] * jacobian)
        self.bend += float(first @ bend)

    def finish(self) -> Curvature:
        """Return the sums with the curvature of z: d2z/(d theta d ln sigma) = -dz/d theta, d2z/dE2 = D2/sigma."""
        self.hessian[:-1, -1] -= self.score[:-1]
        self.hessian[-1, :-1] -= self.score[:-1]
        self.hessian[-1, -1] -= self.score[-1]
        if self.bend:  # only a dose bends z, and E is then the parameter before ln sigma
            self.hessian[-2, -2] += self.bend
        self.score[-1] += self.extra_log_sigma
        return Curvature(self.value, self.score, self.hessian)

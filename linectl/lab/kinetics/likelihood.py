"""Log-likelihood of censored release times with its analytic score and Hessian.

z = (ln tau(E) - x'b - offset)/sigma + shift, theta = (b, [E / 10 kJ/mol, more of E by class], [curvature / 1000],
[logit pi], ln sigma of each class). Without a dose that depends on E (plain accelerated failure times) E is no
parameter. `shift` and `target` serve profiles: with the log dose of the asked time taken off and shift = w_p, the
quantile at the asked point is held fixed and needs no intercept. pi is the share of labels that can release at all
(a cure model, Farewell 1982): a label still on is one that cannot, or one that has not yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from linectl.lab.kinetics.distributions import Distribution, Terms
from linectl.lab.kinetics.rows import Rows
from linectl.lab.kinetics.trace import Dose, FixedTimes, LogDose

__all__ = ["CURVATURE_UNIT", "ENERGY_UNIT", "Curvature", "End", "FixedTimes", "Model", "Part", "Rows"]

Array = NDArray[np.float64]
Index = NDArray[np.intp]
ENERGY_UNIT = 10.0  # kJ/mol per unit of the solver's parameter: keeps the information matrix well scaled
CURVATURE_UNIT = 1000.0  # (kJ/mol)^2 likewise


class Curvature(NamedTuple):
    """Log-likelihood, score and Hessian at one theta."""

    value: float
    score: Array
    hessian: Array


class End(NamedTuple):
    """One side of some rows: first and second derivative by z, dz/dtheta (n, p), and the dose at that end."""

    first: Array
    second: Array
    jacobian: Array
    number: Index


class Part(NamedTuple):
    """The terms of the rows of one kind. `cross` is the mixed derivative by the two z of an interval.

    With a share that cannot release: derivatives by logit pi, of which `mixed` is the one by logit pi and z.
    `direct` is what depends on theta otherwise than through z (exact rows): its gradient (n, p).
    """

    row: Index
    value: Array
    ends: tuple[End, ...]
    cross: Array | None = None
    cure_first: Array | None = None
    cure_second: Array | None = None
    mixed: Array | None = None
    direct: Array | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A likelihood ready to be evaluated. `design` has one line per row; `weights` are counts.

    `energy_design` (classes, parameters) makes the energy of each class of rows out of the energy parameters and
    `row_class` is the class of each row; `sigma_design` (rows, sigmas) makes each row's ln sigma. None: one for all.
    """

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
    energy_design: Array | None = None
    row_class: Index | None = None
    has_curvature: bool = False
    has_cure: bool = False
    sigma_design: Array | None = None

    @classmethod
    def of(
        cls, dist: Distribution, design: Array, weights: Array, ends: tuple[Index, Index], dose: Dose, *, energy: bool
    ) -> Model:
        """Return the model of rows with end numbers `ends` (lower, upper), -1 where a side is open."""
        left, right, interval, exact = Rows.split(*ends)
        return cls(dist, design, weights, left, right, interval, exact, dose, energy)

    @property
    def columns(self) -> int:
        """The number of coefficients of x'b; the first energy, if any, is the parameter after them."""
        return int(self.design.shape[1])

    @property
    def energies(self) -> int:
        """The number of energy parameters."""
        if not self.has_energy:
            return 0
        return 1 if self.energy_design is None else int(self.energy_design.shape[1])

    @property
    def sigmas(self) -> int:
        """The number of ln sigma, which are the last parameters."""
        return 1 if self.sigma_design is None else int(self.sigma_design.shape[1])

    @property
    def size(self) -> int:
        """The number of parameters."""
        return self.columns + self.energies + int(self.has_curvature) + int(self.has_cure) + self.sigmas

    def through(self, target: Dose, point: Array, shift: float) -> Model:
        """Return this model without its intercept (column 0), made to pass W = `shift` at `target` and `point`.

        Raises:
            ValueError: a share that cannot release, several sigmas or several energies: then W at the asked point is
                no constant, or the asked dose no common one.
        """
        if self.has_cure or self.sigmas > 1 or self.energies > 1:
            msg = "a quantile can be held fixed with one sigma, one energy and no share that cannot release only"
            raise ValueError(msg)
        return replace(self, design=self.design[:, 1:] - point[1:], target=target, shift=shift)

    def log_dose(self, theta: Array, dose: Dose | None = None) -> LogDose:
        """Return the log dose at every end of `dose` (None: of this model's) for the energies in `theta`."""
        dose = self.dose if dose is None else dose
        if not self.has_energy:
            return dose.log(0.0)
        first = self.columns
        numbers = ENERGY_UNIT * theta[first : first + self.energies]
        energy = float(numbers[0]) if self.energy_design is None else self.energy_design @ numbers
        bend = CURVATURE_UNIT * float(theta[first + self.energies]) if self.has_curvature else None
        return dose.log(energy, bend)

    def released_share(self, theta: Array) -> float:
        """Return pi, the share of labels that can release; 1 without that parameter."""
        return 1.0 if not self.has_cure else float(1 / (1 + np.exp(-theta[-self.sigmas - 1])))

    def evaluate(self, theta: Array) -> Curvature:
        """Return log-likelihood, score and Hessian at `theta`; not finite where the model cannot be evaluated."""
        with np.errstate(all="ignore"):  # far from the optimum terms overflow; the solver turns back from those
            state = _State(self, theta, None)
            total = _Sum(state)
            for part in state.parts():
                total.add(part)
            return total.finish()

    def parts(self, theta: Array, offset: Array | None = None) -> Iterator[tuple[Part, Array | float]]:
        """Yield the terms of each kind of rows, unweighted, with the sigma of those rows.

        `offset` (one per row) is added to x'b.
        """
        state = _State(self, theta, offset)
        for part in state.parts():
            yield part, state.sigma_of(part.row)


class _State:
    """A model at one theta: dose, linear predictor, sigma and pi."""

    def __init__(self, model: Model, theta: Array, offset: Array | None) -> None:
        self.model = model
        self.linear = model.design @ theta[: model.columns]
        if offset is not None:
            self.linear = self.linear + offset
        self.dose = model.log_dose(theta)
        self.held = self.dose if model.target is None else self.dose.less(model.log_dose(theta, model.target))
        shapes = model.sigma_design
        self.sigma = np.exp(theta[-1]) if shapes is None else np.exp(shapes @ theta[-model.sigmas :])
        self.pi = model.released_share(theta)
        self.theta = theta

    def sigma_of(self, row: Index) -> Array | float:
        """Return sigma of the rows numbered `row`: one number when there is one."""
        return self.sigma if self.model.sigma_design is None else self.sigma[row]

    def parts(self) -> Iterator[Part]:
        model, dist = self.model, self.model.dist
        if model.left.row.size:
            yield self._released(model.left.row, model.left.upper, dist.left)
        if model.right.row.size:
            yield self._still_on()
        if model.interval.row.size:
            yield self._between()
        if model.exact.row.size:
            yield self._at()

    def _z(self, row: Index, end: Index) -> tuple[Array, Array]:
        """Return z at an end and its gradient by theta."""
        model, sigma = self.model, self.sigma_of(row)
        standard = (self.held.value[end] - self.linear[row]) / sigma
        columns, p = model.columns, model.size
        jacobian = np.empty((row.size, p))
        column_sigma = sigma if model.sigma_design is None else np.asarray(sigma)[:, None]
        np.divide(model.design[row], -column_sigma, out=jacobian[:, :columns])
        after = columns + model.energies
        if model.has_energy:
            self._by_energy(jacobian[:, columns:after], row, self.held.first[end] / sigma)
        if model.has_curvature:
            assert self.held.curve is not None
            jacobian[:, after] = self.held.curve[end] * (CURVATURE_UNIT / sigma)
        if model.has_cure:
            jacobian[:, p - model.sigmas - 1] = 0.0
        if model.sigma_design is None:
            np.negative(standard, out=jacobian[:, -1])
        else:
            jacobian[:, p - model.sigmas :] = model.sigma_design[row] * -standard[:, None]
        return standard + model.shift, jacobian

    def _by_energy(self, out: Array, row: Index, slope: Array) -> None:
        model = self.model
        if model.energy_design is None or model.row_class is None:
            np.multiply(slope, ENERGY_UNIT, out=out[:, 0])
        else:
            np.multiply(model.energy_design[model.row_class[row]], (slope * ENERGY_UNIT)[:, None], out=out)

    def _released(self, row: Index, number: Index, terms_of: Callable[[Array], Terms]) -> Part:
        z, jacobian = self._z(row, number)
        terms = terms_of(z)
        return self._can(row, terms.value, (End(terms.first, terms.second, jacobian, number),))

    def _can(self, row: Index, value: Array, ends: tuple[End, ...], cross: Array | None = None) -> Part:
        """Return the terms of rows that were seen to release."""
        if not self.model.has_cure:
            return Part(row, value, ends, cross)
        pi = self.pi
        one = np.ones_like(value)
        return Part(row, value + np.log(pi), ends, cross, (1 - pi) * one, -pi * (1 - pi) * one, 0.0 * one)

    def _still_on(self) -> Part:
        rows = self.model.right
        z, jacobian = self._z(rows.row, rows.lower)
        terms = self.model.dist.right(z)
        if not self.model.has_cure:
            return Part(rows.row, terms.value, (End(terms.first, terms.second, jacobian, rows.lower),))
        pi = self.pi
        releasing = pi * np.exp(terms.value)
        either = (1 - pi) + releasing
        share = releasing / either  # of those still on: how many can release
        spread = share * (1 - share)
        end = End(share * terms.first, share * terms.second + spread * terms.first**2, jacobian, rows.lower)
        value = np.log(either)
        return Part(rows.row, value, (end,), None, share - pi, spread - pi * (1 - pi), spread * terms.first)

    def _between(self) -> Part:
        rows = self.model.interval
        low, low_jacobian = self._z(rows.row, rows.lower)
        high, high_jacobian = self._z(rows.row, rows.upper)
        terms = self.model.dist.interval(low, high)
        ends = (
            End(terms.lower, terms.lower2, low_jacobian, rows.lower),
            End(terms.upper, terms.upper2, high_jacobian, rows.upper),
        )
        return self._can(rows.row, terms.value, ends, terms.cross)

    def _at(self) -> Part:
        """Return the terms of exact rows: the density of t, so with ln(d ln tau/dt), which depends on E."""
        rows, model = self.model.exact, self.model
        z, jacobian = self._z(rows.row, rows.upper)
        terms, end = model.dist.exact(z), rows.upper
        direct = np.zeros_like(jacobian)
        direct[:, model.size - model.sigmas :] = -1.0 if model.sigma_design is None else -model.sigma_design[rows.row]
        rate = -self.dose.value[end]
        if model.has_energy:
            rate = rate + self._rate(direct, rows.row, end)
        value = terms.value - np.log(self.sigma_of(rows.row)) + rate
        part = self._can(rows.row, value, (End(terms.first, terms.second, jacobian, end),))
        return part._replace(direct=direct)

    def _rate(self, direct: Array, row: Index, end: Index) -> Array:
        """Return ln of the dose's rate at exact ends; fill its gradient into `direct`."""
        model, dose = self.model, self.dose
        assert dose.u is not None
        u, first = dose.u[end], model.columns
        after = first + model.energies
        numbers = ENERGY_UNIT * self.theta[first:after]
        self._by_energy(direct[:, first:after], row, u - dose.first[end])
        if model.energy_design is None or model.row_class is None:
            energy = numbers[0]
        else:
            energy = (model.energy_design @ numbers)[model.row_class[row]]
        rate: Array = energy * u
        if model.has_curvature:
            assert dose.curve is not None
            direct[:, after] = CURVATURE_UNIT * (u**2 - dose.curve[end])
            rate = rate + CURVATURE_UNIT * self.theta[after] * u**2
        return rate


class _Sum:
    """The running sums of a log-likelihood, and the terms of the Hessian that rest on the score."""

    def __init__(self, state: _State) -> None:
        model = state.model
        self.state, self.model = state, model
        self.value = 0.0
        self.score = np.zeros(model.size)
        self.direct = np.zeros(model.size)
        self.hessian = np.zeros((model.size, model.size))
        self.by_sigma = np.zeros((model.sigmas, model.size))

    def add(self, part: Part) -> None:
        model = self.model
        weights = model.weights[part.row]
        self.value += float(weights @ part.value)
        for end in part.ends:
            self._add_end(part.row, weights, end)
        if part.cross is not None:
            low, high = part.ends
            cross = low.jacobian.T @ ((weights * part.cross)[:, None] * high.jacobian)
            self.hessian += cross + cross.T
        if part.cure_first is not None:
            self._add_cure(weights, part)
        if part.direct is not None:
            self.direct += weights @ part.direct
            if model.has_energy:
                self._bend(part.row, -weights, part.ends[0].number, self.state.dose)

    def _add_end(self, row: Index, weights: Array, end: End) -> None:
        model, state = self.model, self.state
        first = weights * end.first
        self.score += first @ end.jacobian
        self.hessian += end.jacobian.T @ ((weights * end.second)[:, None] * end.jacobian)
        if model.sigma_design is not None:
            self.by_sigma += model.sigma_design[row].T @ (first[:, None] * end.jacobian)
        if model.has_energy:
            self._bend(row, first / state.sigma_of(row), end.number, state.held)

    def _add_cure(self, weights: Array, part: Part) -> None:
        assert part.cure_first is not None
        assert part.cure_second is not None
        assert part.mixed is not None
        at = self.model.size - self.model.sigmas - 1
        self.direct[at] += float(weights @ part.cure_first)
        self.hessian[at, at] += float(weights @ part.cure_second)
        both = (weights * part.mixed) @ part.ends[0].jacobian
        self.hessian[at] += both
        self.hessian[:, at] += both

    def _bend(self, row: Index, first: Array, end: Index, dose: LogDose) -> None:
        """Add the second derivatives of ln dose, each row's weighted by `first`."""
        model = self.model
        at, after = model.columns, model.columns + model.energies
        second = first * dose.second[end] * ENERGY_UNIT**2
        classes = None if model.energy_design is None or model.row_class is None else model.row_class[row]
        if classes is None or model.energy_design is None:
            self.hessian[at, at] += second.sum()
        else:
            chosen = model.energy_design[classes]
            self.hessian[at:after, at:after] += chosen.T @ (second[:, None] * chosen)
        if not model.has_curvature:
            return
        assert dose.cross is not None
        assert dose.curve2 is not None
        mixed = first * dose.cross[end] * (ENERGY_UNIT * CURVATURE_UNIT)
        line = np.atleast_1d(mixed.sum()) if classes is None else mixed @ model.energy_design[classes]  # type: ignore[index]  # classes come with a design
        self.hessian[at:after, after] += line
        self.hessian[after, at:after] += line
        self.hessian[after, after] += CURVATURE_UNIT**2 * float(first @ dose.curve2[end])

    def finish(self) -> Curvature:
        """Return the sums with the curvature of z by ln sigma: d2z/(d theta d ln sigma) = -dz/d theta."""
        sigmas = self.model.sigmas
        if self.model.sigma_design is None:
            self.by_sigma[0] = self.score
        self.hessian[-sigmas:] -= self.by_sigma
        self.hessian[:-sigmas, -sigmas:] -= self.by_sigma[:, :-sigmas].T
        return Curvature(self.value, self.score + self.direct, self.hessian)

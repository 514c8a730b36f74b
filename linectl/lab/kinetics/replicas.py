"""Many simulated screenings fitted at once: every replicate is a line of the arrays, Newton walks them all together.

The model is that of `likelihood` for bottles that were checked on a grid of times: theta = (b, E / 10 kJ/mol, ln
sigma). Each bath may have an intercept u of a given precision 1/omega^2 (a penalty): the mode of (theta, u) is found
together, and as bottles of different baths do not meet, the intercepts are eliminated bath by bath.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from linectl.lab.kinetics.distributions import Distribution
from linectl.lab.kinetics.likelihood import ENERGY_UNIT

__all__ = ["Batch", "DoseTable", "Evaluator", "Refits", "Terms", "refit"]

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Flags = NDArray[np.bool_]
_ENOUGH = 1e-6  # Newton decrement: an error of a thousandth of a standard error
_ROUNDS = 25
_AT_ONCE = 8000  # bottles of all replicates walked together: their arrays stay in the processor's cache
_LONGEST = 1.0  # of a step in ln sigma
_WILD = 1e6  # a correlation beyond this is overflow
_FLAT = -1e-4  # a log-likelihood so near 0: every interval is certain, and sigma has gone to 0


@dataclass(frozen=True, slots=True, eq=False)
class DoseTable:
    """Log doses as Chebyshev series in E: `coefficients` has a line per end, E (kJ/mol) = centre + half_width * x."""

    coefficients: Array
    centre: float
    half_width: float

    def series(self, energy: Array) -> Array:
        """Return what turns coefficients into ln dose and its two derivatives by E, shape (degree, 3, energies)."""
        x, count = (energy - self.centre) / self.half_width, self.coefficients.shape[1]
        table = np.zeros((max(count, 2), 3, x.size))
        table[0, 0] = 1.0
        table[1, 0], table[1, 1] = x, 1.0
        twice = 2 * x
        for k in range(2, count):
            last = table[k - 1]
            table[k] = twice * last - table[k - 2]
            table[k, 1] += 2 * last[0]
            table[k, 2] += 4 * last[1]
        return np.asarray(table[:count] * self.half_width ** -np.arange(3.0)[:, None])

    def at(self, energy: Array) -> Array:
        """Return the log dose of every end at each energy (kJ/mol), shape (energies, ends)."""
        return np.asarray(self.series(energy)[:, 0].T @ self.coefficients.T)


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Replicates of one plan: `lower` and `upper` (replicate, bottle) number the ends in `table`, -1 where open.

    `bath` numbers each bottle's bath, `precision` (replicate) is 1/omega^2; infinite: no bath effect.
    """

    dist: Distribution
    design: Array
    table: DoseTable
    bath: Index
    baths: int
    lower: Index
    upper: Index
    precision: Array

    def some(self, which: Index) -> Batch:
        """Return the replicates numbered `which`."""
        plan = (self.dist, self.design, self.table, self.bath, self.baths)
        return Batch(*plan, self.lower[which], self.upper[which], self.precision[which])


class Terms(NamedTuple):
    """Penalised log-likelihood of each replicate with its derivatives at (theta, u).

    `information` (replicate, p, p) is minus the Hessian by theta; `bath_score` and `bath_information` (replicate,
    bath) belong to u, the penalty among them; `cross` (replicate, bath, p) is the mixed derivative, not its negative.
    """

    value: Array
    score: Array
    information: Array
    bath_score: Array
    bath_information: Array
    cross: Array


class Refits(NamedTuple):
    """Each replicate's mode (theta, u) with the terms there; `good` where the search converged."""

    theta: Array
    shift: Array
    terms: Terms
    good: Flags


class Evaluator:
    """The penalised log-likelihood of every replicate, ready to be evaluated."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        has_low, has_up = batch.lower >= 0, batch.upper >= 0
        self._interval = np.flatnonzero(has_low & has_up)
        self._left = np.flatnonzero(~has_low & has_up)
        self._right = np.flatnonzero(has_low & ~has_up)
        ends = np.stack([np.maximum(batch.lower, 0), np.maximum(batch.upper, 0)])
        self._coefficients = np.ascontiguousarray(np.moveaxis(batch.table.coefficients[ends], -1, 2))
        design, member = batch.design, np.eye(batch.baths)[batch.bath]
        bottles = design.shape[0]
        self._sums = np.concatenate([member, design], axis=1)
        by_bath = (member[:, :, None] * design[:, None, :]).reshape(bottles, -1)
        squares = (design[:, :, None] * design[:, None, :]).reshape(bottles, -1)
        self._squares = np.concatenate([member, by_bath, squares], axis=1)
        self._free = np.isfinite(batch.precision)[:, None]
        self._precision = np.where(self._free, batch.precision[:, None], 1.0)

    def __call__(self, theta: Array, shift: Array) -> Terms:
        """Return the terms at theta (replicate, p), in the solver's units, and shift (replicate, bath)."""
        with np.errstate(all="ignore"):  # far from the optimum terms overflow; the caller turns back from those
            return self._evaluate(theta, shift)

    def _evaluate(self, theta: Array, shift: Array) -> Terms:
        batch, columns = self.batch, self.batch.design.shape[1]
        sigma = np.exp(theta[:, -1])[:, None]
        series = batch.table.series(ENERGY_UNIT * theta[:, columns])
        log = np.ascontiguousarray(series.transpose(2, 1, 0)) @ self._coefficients
        linear = theta[:, :columns] @ batch.design.T + shift[:, batch.bath]
        z, slope = (log[:, :, 0] - linear) / sigma, log[:, :, 1] * (ENERGY_UNIT / sigma)
        first, second, mixed, value = self._rows(z)
        score, hessian, bath = self._summed(first, _Bends(second, mixed), (slope, z), sigma)
        hessian[:, :-1, -1] -= score[:, :-1]
        hessian[:, -1, :] -= score
        hessian[:, columns, columns] += (first * log[:, :, 2]).sum(axis=(0, 2)) * ENERGY_UNIT**2 / sigma[:, 0]
        pull = np.where(self._free, self._precision * shift, 0.0)
        return Terms(
            value=value - 0.5 * (pull * shift).sum(axis=1),
            score=score,
            information=-hessian,
            bath_score=np.where(self._free, bath[..., 0] - pull, 0.0),
            bath_information=bath[..., 1] + self._precision,
            cross=np.where(self._free[:, :, None], bath[..., 2:], 0.0),
        )

    def _summed(
        self, first: Array, bends: _Bends, ends: tuple[Array, Array], sigma: Array
    ) -> tuple[Array, Array, Array]:
        """Return score and J'hJ by theta, and for each bath: slope and information of u, its mixed terms with theta.

        The ends' z fall by x/sigma and rise with E by `slope`, with ln sigma by -z: no array has a place per bottle,
        end and parameter.
        """
        (slope, z), count, baths = ends, sigma.shape[0], self.batch.baths
        columns = self.batch.design.shape[1]
        by_slope, by_z = bends.times(slope), bends.times(z)
        whole = np.stack([first.sum(axis=0), by_slope.sum(axis=0), by_z.sum(axis=0)]) / sigma
        of_baths, of_columns = np.split(whole @ self._sums, [baths], axis=2)
        squares = ((bends.ends.sum(axis=0) + 2 * bends.mixed) / sigma**2) @ self._squares
        score, hessian = np.empty((count, columns + 2)), np.empty((count, columns + 2, columns + 2))
        score[:, :columns] = -of_columns[0]
        score[:, columns], score[:, -1] = (first * slope).sum(axis=(0, 2)), -(first * z).sum(axis=(0, 2))
        hessian[:, :columns, :columns] = squares[:, -columns * columns :].reshape(count, columns, columns)
        hessian[:, :columns, columns] = hessian[:, columns, :columns] = -of_columns[1]
        hessian[:, :columns, -1] = hessian[:, -1, :columns] = of_columns[2]
        hessian[:, columns, columns] = (slope * by_slope).sum(axis=(0, 2))
        hessian[:, columns, -1] = hessian[:, -1, columns] = -(slope * by_z).sum(axis=(0, 2))
        hessian[:, -1, -1] = (z * by_z).sum(axis=(0, 2))
        bath = np.empty((count, baths, columns + 4))
        bath[..., 0], bath[..., 1] = -of_baths[0], -squares[:, :baths]
        bath[..., 2:-2] = squares[:, baths : -columns * columns].reshape(count, baths, columns)
        bath[..., -2], bath[..., -1] = -of_baths[1], of_baths[2] + of_baths[0]
        return score, hessian, bath

    def _rows(self, z: Array) -> tuple[Array, Array, Array, Array]:
        """Return first and second derivatives by the lower and upper z, the mixed ones, and each replicate's value."""
        shape, dist = z.shape[1:], self.batch.dist
        size = shape[0] * shape[1]
        first, second, mixed, value = np.zeros((2, size)), np.zeros((2, size)), np.zeros(size), np.zeros(size)
        flat = z.reshape(2, -1)
        for rows, side in ((self._left, 1), (self._right, 0)):
            terms = dist.left(flat[1, rows]) if side else dist.right(flat[0, rows])
            value[rows], first[side, rows], second[side, rows] = terms
        rows = self._interval
        inner = dist.interval(flat[0, rows], flat[1, rows])
        value[rows], mixed[rows] = inner.value, inner.cross
        first[0, rows], first[1, rows] = inner.lower, inner.upper
        second[0, rows], second[1, rows] = inner.lower2, inner.upper2
        return first.reshape(z.shape), second.reshape(z.shape), mixed.reshape(shape), value.reshape(shape).sum(axis=1)


class _Bends(NamedTuple):
    """Second derivatives by the lower and the upper z, `ends` (2, replicate, bottle), and by both, `mixed`."""

    ends: Array
    mixed: Array

    def times(self, part: Array) -> Array:
        """Return the matrix of second derivatives of each bottle, times `part` (2, replicate, bottle)."""
        return np.asarray(self.ends * part + self.mixed * part[::-1])


def refit(batch: Batch, theta: Array, shift: Array) -> Refits:
    """Return the mode of every replicate, all from `theta` (p) and `shift` (bath)."""
    count, bottles = batch.lower.shape
    size = max(1, _AT_ONCE // max(bottles, 1))
    parts = [_walked(batch.some(np.arange(k, min(k + size, count))), theta, shift) for k in range(0, count, size)]
    if len(parts) == 1:
        return parts[0]
    terms = Terms(*(np.concatenate(each) for each in zip(*(part.terms for part in parts), strict=True)))
    thetas, shifts, good = (np.concatenate(each) for each in zip(*(part[:2] + part[3:] for part in parts), strict=True))
    return Refits(thetas, shifts, terms, good)


def _walked(batch: Batch, theta: Array, shift: Array) -> Refits:
    search = _Search(batch, theta, shift)
    for _ in range(_ROUNDS):
        if not search.move():
            break
    return Refits(search.theta, search.shift, search.terms, search.good)


class _Search:
    """A Newton search of all replicates; those that have converged drop out of the arrays."""

    def __init__(self, batch: Batch, theta: Array, shift: Array) -> None:
        count = batch.lower.shape[0]
        self.batch, self.active = batch, np.arange(count)
        self.theta, self.shift = np.tile(theta, (count, 1)), np.tile(shift, (count, 1))
        self.good = np.zeros(count, dtype=bool)
        self.evaluate = Evaluator(batch)
        self.at = self.evaluate(self.theta, self.shift)
        self.terms = Terms(*(np.array(part) for part in self.at))
        self.best = self.at.value
        self.step = np.zeros_like(self.theta), np.zeros_like(self.shift)

    def move(self) -> bool:
        """Take one step; return whether any replicate is still under way."""
        fell = ~(self.at.value >= self.best - 1e-9 * (1 + np.abs(self.best)))  # True for NaN as well
        by_theta, by_shift, decrement = _newton(self.at)
        done = ~fell & (np.abs(decrement) < _ENOUGH)
        self._keep(done, decrement >= 0)
        self.best = np.where(fell, self.best, self.at.value)
        back = fell[:, None]  # a step too far is taken back by half
        moves = np.where(back, -0.5 * self.step[0], by_theta), np.where(back, -0.5 * self.step[1], by_shift)
        self.step = np.where(back, 0.5 * self.step[0], by_theta), np.where(back, 0.5 * self.step[1], by_shift)
        self.theta[self.active[~done]] += moves[0][~done]
        self.shift[self.active[~done]] += moves[1][~done]
        if done.all():
            return False
        if done.mean() > 0.3:
            rest = np.flatnonzero(~done)
            self.active, self.best = self.active[rest], self.best[rest]
            self.step = self.step[0][rest], self.step[1][rest]
            self.evaluate = Evaluator(self.batch.some(self.active))
        self.at = self.evaluate(self.theta[self.active], self.shift[self.active])
        return True

    def _keep(self, done: Flags, uphill: Flags) -> None:
        self.good[self.active[done]] = (uphill & (self.at.value < _FLAT))[done]
        for kept, new in zip(self.terms, self.at, strict=True):
            kept[self.active[done]] = new[done]


def _newton(at: Terms) -> tuple[Array, Array, Array]:
    """Return each replicate's step in theta and u, no longer than it may be, and its Newton decrement."""
    with np.errstate(all="ignore"):  # a replicate that overflowed gets no step
        return _eliminated(at)


def _eliminated(at: Terms) -> tuple[Array, Array, Array]:
    size = at.score.shape[1]
    inverse = 1.0 / at.bath_information
    held = at.information - at.cross.transpose(0, 2, 1) @ (inverse[:, :, None] * at.cross)
    wanted = at.score + ((inverse * at.bath_score)[:, None, :] @ at.cross)[:, 0]
    usable = np.isfinite(at.value) & np.isfinite(held).all(axis=(1, 2)) & np.isfinite(wanted).all(axis=1)
    held = np.where(usable[:, None, None], held, np.eye(size))
    wanted = np.where(usable[:, None], wanted, 0.0)
    scale = np.sqrt(np.abs(np.diagonal(held, axis1=1, axis2=2)) + 1e-12)
    scaled = held / (scale[:, :, None] * scale[:, None, :])
    usable &= (np.abs(scaled) < _WILD).all(axis=(1, 2))
    scaled = np.where(usable[:, None, None], scaled, np.eye(size))
    lowest = np.linalg.eigvalsh(scaled)[:, 0]
    more = np.where(lowest > 1e-8, 0.0, 0.1 - lowest)
    step = np.linalg.solve(scaled + more[:, None, None] * np.eye(size), (wanted / scale)[..., None])[..., 0] / scale
    bath_step = inverse * (at.bath_score + (at.cross @ step[..., None])[..., 0])
    bath_step = np.where(usable[:, None], bath_step, 0.0)
    reach = np.minimum(1.0, _LONGEST / np.maximum(np.abs(step[:, -1]), 1e-300))[:, None]
    score = np.where(usable[:, None], at.score, 0.0)
    bath_score = np.where(usable[:, None], at.bath_score, 0.0)
    gain = (score * step).sum(axis=1) + (bath_score * bath_step).sum(axis=1)
    return step * reach, bath_step * reach, np.where(usable & (more == 0), gain, np.nan)

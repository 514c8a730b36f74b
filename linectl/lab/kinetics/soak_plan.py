"""The plan behind some data: every bottle with all times at which it was or would have been looked at, and its dose.

New data are simulated on it, and fitted again, so a thinned temperature record serves as well as the whole one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linectl.lab.kinetics.data import HOLD_S, BathTrace, ReleaseData, ReleaseRecord
from linectl.lab.kinetics.distributions import Distribution
from linectl.lab.kinetics.fit import ReleaseFit
from linectl.lab.kinetics.formula import Layout
from linectl.lab.kinetics.likelihood import ENERGY_UNIT
from linectl.lab.kinetics.replicas import Batch, DoseTable
from linectl.lab.kinetics.trace import LaggedBath, TraceDose, inverse_u

__all__ = ["SoakPlan", "can_simulate", "chebyshev_table", "check_grids"]

Array = NDArray[np.float64]
Index = NDArray[np.intp]
_THIN_S = 5.0  # stamps of a simulated bath's temperature
_POLE = 40.0  # kJ/mol from the real axis to the nearest singularity of ln dose(E) with a cold bottle
_DIGITS = 14.0  # ln of the accuracy of ln dose, 1e-6
_MOST_NODES = 40
_SMALL = 1e-8  # coefficients below are left out: a bath without lag at constant temperature needs two
_BATH_SD = 0.3  # between baths, for the range of E only
_RANGE_SE, _LEAST_RANGE, _MOST_RANGE = 6.0, 15.0, 90.0  # standard errors, kJ/mol
_APART = 1e4  # more than any ln dose: keeps the grids of bottles apart on one axis
_DRAWS = {
    "weibull": lambda draw, shape: np.log(draw.standard_exponential(shape)),
    "lognormal": lambda draw, shape: draw.standard_normal(shape),
    "loglogistic": lambda draw, shape: draw.logistic(size=shape),
}


@dataclass(frozen=True, slots=True, eq=False)
class SoakPlan:
    """Bottles (design, bath, group) and groups of bottles that went in and were looked at together.

    Group g's ends are `first[g]` to `first[g + 1]` of `table`. `lower` and `upper` are the ends between which each
    bottle was seen to release, -1 where open: the data as they were observed.
    """

    dist: Distribution
    design: Array
    bath: Index
    baths: int
    group: Index
    first: Index
    table: DoseTable
    lower: Index
    upper: Index

    @classmethod
    def of(cls, fit: ReleaseFit, data: ReleaseData) -> SoakPlan:
        """Return the plan of `data`, the rows that `fit` was made of.

        Raises:
            ValueError: the fit cannot be simulated, see `can_simulate`.
        """
        if not can_simulate(fit):
            msg = "only fits with one energy, one sigma, no curvature, plateau or exact times are simulated"
            raise ValueError(msg)
        grids = check_grids(data)
        keys = [(int(b), float(t), g.tobytes()) for b, t, g in zip(data.bath, data.inserted_at_s, grids, strict=True)]
        number = {key: k for k, key in enumerate(dict.fromkeys(keys))}
        group = np.array([number[key] for key in keys], dtype=np.intp)
        leaders = [int(np.flatnonzero(group == k)[0]) for k in range(len(number))]
        sizes = [grids[i].size for i in leaders]
        first = np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)
        lower, upper = (_numbers(ends, grids, first[group]) for ends in (data.lo_s, data.hi_s))
        return cls(
            dist=fit.model.dist,
            design=Layout.of(data, fit.formula).columns,
            bath=data.bath,
            baths=len(data.baths),
            group=group,
            first=first,
            table=_table(fit, data, leaders, grids),
            lower=lower,
            upper=upper,
        )

    def observed(self, precision: Array) -> Batch:
        """Return the data as they were, once for each of `precision` (1/omega^2)."""
        times = (precision.size, 1)
        return self._batch(np.tile(self.lower, times), np.tile(self.upper, times), precision)

    def simulate(self, draw: np.random.Generator, theta: Array, omega: Array, world: Index, precision: float) -> Batch:
        """Return a replicate for each entry of `world`, which numbers the lines of `theta` and `omega` to draw from."""
        count, columns = world.size, self.design.shape[1]
        shift = draw.standard_normal((count, self.baths)) * omega[world][:, None]
        spread = _DRAWS[self.dist.name](draw, (count, self.group.size)) * np.exp(theta[world, -1])[:, None]
        resistance = theta[world, :columns] @ self.design.T + shift[:, self.bath] + spread
        offset = np.arange(self.first.size - 1) * _APART
        of_end = np.repeat(offset, np.diff(self.first))
        number = np.empty(resistance.shape, dtype=np.intp)
        log_dose = self.table.at(ENERGY_UNIT * theta[:, columns])
        limited = np.clip(resistance, -0.4 * _APART, 0.4 * _APART) + offset[self.group]
        for k in np.unique(world):
            mine = world == k
            number[mine] = np.searchsorted(log_dose[k] + of_end, limited[mine])
        first, last = self.first[self.group], self.first[self.group + 1]
        lower, upper = np.where(number > first, number - 1, -1), np.where(number < last, number, -1)
        return self._batch(lower, upper, np.full(count, precision))

    def _batch(self, lower: Index, upper: Index, precision: Array) -> Batch:
        return Batch(self.dist, self.design, self.table, self.bath, self.baths, lower, upper, precision)


def can_simulate(fit: ReleaseFit) -> bool:
    """Return whether `fit` has one energy, one sigma, no curvature and no plateau, and no row known exactly."""
    model = fit.model
    plain = model.energies == 1 and model.sigmas == 1 and not model.has_curvature and not model.has_cure
    return plain and not model.exact.row.size


def check_grids(data: ReleaseData) -> list[Array]:
    """Return all check times of each bottle, s from its insertion, as far as its bath's temperature is known.

    Where the records do not tell them, the checks are taken to be regular: at the usual distance of the data, in the
    phase of the bottle's own, to the last one of any bottle.
    """
    widths = (data.hi_s - data.lo_s)[np.isfinite(data.hi_s)]
    step = float(np.median(widths)) if widths.size else float(data.lo_s.max())
    still_on = data.lo_s[np.isinf(data.hi_s)]
    last = float(still_on.max()) if still_on.size else float(data.hi_s.max())
    return [
        _grid(row, float(lo), float(hi), (step, last), float(data.traces[bath].t_s[-1]) + HOLD_S)
        for row, lo, hi, bath in zip(data.records, data.lo_s, data.hi_s, data.bath, strict=True)
    ]


def _grid(row: ReleaseRecord, lo: float, hi: float, usual: tuple[float, float], until_s: float) -> Array:
    seen = [t for t in (lo, hi) if 0 < t < np.inf]
    if row.checks_s:
        times = np.asarray(row.checks_s, dtype=np.float64)
    else:
        step, last = usual
        own = seen[-1]
        times = own + step * np.arange(-np.floor(own / step), np.floor(max(last - own, 0.0) / step) + 1)
    inside = times[(times > 1e-6) & (times <= until_s - row.inserted_at_s)]
    if np.isinf(hi) and lo < row.lo_s:  # its record ends before its checks do
        inside = inside[inside <= lo]
    merged = np.union1d(inside, seen)
    wide = np.append(True, np.diff(merged) > 1e-6)
    return np.asarray(merged[wide | np.isin(merged, seen)])


def _numbers(ends: Array, grids: list[Array], first: Index) -> Index:
    known = (ends > 0) & np.isfinite(ends)
    places = [int(np.searchsorted(grid, t)) if ok else 0 for grid, t, ok in zip(grids, ends, known, strict=True)]
    return np.where(known, first + np.array(places, dtype=np.intp), -1)


def _table(fit: ReleaseFit, data: ReleaseData, leaders: list[int], grids: list[Array]) -> DoseTable:
    u = inverse_u(np.array([data.records[i].temperature_c for i in np.unique(data.bath, return_index=True)[1]]))
    between = _BATH_SD / (max(float(u.std()), 1e-3) * np.sqrt(u.size))
    width = float(np.clip(_RANGE_SE * np.hypot(fit.se("E"), between), _LEAST_RANGE, _MOST_RANGE))
    baths = [LaggedBath(_thin(trace), fit.glass) for trace in data.traces]
    dose = TraceDose()
    for i in leaders:
        dose.add(baths[data.bath[i]], float(data.inserted_at_s[i]), grids[i])
    return chebyshev_table(dose, fit.energy, width)


def chebyshev_table(dose: TraceDose, centre: float, half_width: float) -> DoseTable:
    """Return the ends of `dose` as Chebyshev series in E, good to 1e-6 over `centre` +- `half_width` kJ/mol."""
    rho = _POLE / half_width + np.hypot(1.0, _POLE / half_width)
    nodes = int(np.clip(np.ceil(_DIGITS / np.log(rho)) + 3, 6, _MOST_NODES))
    angle = (np.arange(nodes) + 0.5) * np.pi / nodes
    values = np.stack([dose.values(centre + half_width * float(x)) for x in np.cos(angle)])
    basis = np.cos(np.outer(np.arange(nodes), angle)) * (2.0 / nodes)
    basis[0] *= 0.5
    coefficients = (basis @ values).T
    needed = np.flatnonzero(np.abs(coefficients).max(axis=0) > _SMALL)
    return DoseTable(np.ascontiguousarray(coefficients[:, : int(needed[-1]) + 1]), centre, half_width)


def _thin(trace: BathTrace) -> BathTrace:
    """Return the means of a trace over pieces of `_THIN_S`, its first and last stamp as they are."""
    piece = np.floor((trace.t_s - trace.t_s[0]) / _THIN_S)
    if piece.size < 4 or np.diff(trace.t_s).mean() >= _THIN_S:
        return trace
    _, place, count = np.unique(piece, return_inverse=True, return_counts=True)
    t_s = np.bincount(place, trace.t_s) / count
    temp_c = np.bincount(place, trace.temp_c) / count
    ends = (trace.t_s[0] < t_s[0], trace.t_s[-1] > t_s[-1])
    return BathTrace(
        np.concatenate([trace.t_s[:1][: int(ends[0])], t_s, trace.t_s[-1:][: int(ends[1])]]),
        np.concatenate([temp_c[:1][: int(ends[0])], temp_c, temp_c[-1:][: int(ends[1])]]),
    )

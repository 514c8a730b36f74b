"""The same bottles once more: release times drawn from a fit, seen at the checks that their baths had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from linectl.lab.kinetics.data import ReleaseData
from linectl.lab.kinetics.distributions import Distribution
from linectl.lab.kinetics.fit import ReleaseFit
from linectl.lab.kinetics.formula import Layout
from linectl.lab.kinetics.likelihood import Model
from linectl.lab.kinetics.trace import Dose, InterpolatedDose, LaggedBath, TraceDose, grouped

__all__ = ["Redraw", "Seen", "check_times"]

Array = NDArray[np.float64]
Index = NDArray[np.intp]
_SAME_S = 1e-6
_HOLE = 1.5  # times the usual interval: a check that no bottle's interval happens to end at


class Seen:
    """Where each bottle's release lies among the ends of a dose (lower, upper; -1 open), and the model of them all."""

    def __init__(self, lower: Index, upper: Index, model: Model) -> None:
        self.lower, self.upper, self.model = lower, upper, model


class Redraw:
    """A fit's bottles in their baths, ready to be drawn again. `checks` (s of bath time, by bath) where known."""

    def __init__(self, fit: ReleaseFit, data: ReleaseData, checks: Mapping[str, Sequence[float]] | None = None) -> None:
        layout = Layout.of(data, fit.formula)
        kind = layout.row_glue if fit.formula.glue_energy else None
        self.fit, self.columns = fit, layout.columns
        self.group, first = grouped(data, kind)
        self._kind, self._warmth = layout.row_glue, layout.row_warmth
        dose = self._looked(data, first, kind, check_times(data) if checks is None else checks)
        self.dose = _quick(fit, dose)
        log = np.append(fit.model.log_dose(fit.theta, dose).value, np.inf)
        self._log = log[self.ends]
        signature = np.column_stack([self.columns, self._kind, self._warmth])
        self._signature = np.unique(signature, axis=0, return_inverse=True)[1].ravel()
        self.sigma = self.sigma_at(fit.theta)

    def _looked(
        self, data: ReleaseData, first: Index, kind: Index | None, checks: Mapping[str, Sequence[float]]
    ) -> TraceDose:
        """Integrate the dose at every check of every group; `ends` holds their numbers, -1 after the last."""
        dose, lines = TraceDose(), []
        inserted, bath = data.inserted_at_s[first], data.bath[first]
        for k, (name, trace) in enumerate(zip(data.baths, data.traces, strict=True)):
            mine = np.flatnonzero(bath == k)
            times = np.asarray(checks[name], dtype=np.float64) - inserted[mine][:, None]
            who, column = np.nonzero(times > _SAME_S)
            kinds = np.zeros(mine.size, dtype=np.intp) if kind is None else kind[first][mine]
            numbers = dose.add_all(LaggedBath(trace, self.fit.glass), inserted[mine], who, times[who, column], kinds)
            lines += np.split(numbers, np.flatnonzero(np.diff(who)) + 1)
        self.ends = np.full((len(lines), max(line.size for line in lines)), -1, dtype=np.intp)
        for line, numbers in zip(self.ends, lines, strict=True):
            line[: numbers.size] = numbers
        return dose

    def sigma_at(self, theta: Array) -> Array | float:
        """Return sigma of every bottle for `theta`."""
        sigmas = np.exp(theta[-self.fit.model.sigmas :])
        return sigmas[self._warmth] if sigmas.size > 1 else float(sigmas[0])

    def draw(self, rng: np.random.Generator) -> Seen:
        """Return what would have been seen of the bottles in a world that is the fit."""
        fit, n = self.fit, self.columns.shape[0]
        limit = self.columns @ fit.theta[: fit.model.columns] + self.sigma * _standard(fit.model.dist, rng, n)
        limit[rng.random(n) >= fit.releasing_share] = np.inf
        ends, log = self.ends[self.group], self._log[self.group]
        still_on = ((log < limit[:, None]) & (ends >= 0)).sum(axis=1)
        each = np.arange(n)
        lower = np.where(still_on > 0, ends[each, still_on - 1], -1)
        padded = np.column_stack([ends, np.full(n, -1)])
        upper = padded[each, still_on]
        return Seen(lower, upper, self._model(lower, upper))

    def _model(self, lower: Index, upper: Index) -> Model:
        key = ((lower + 1) * (int(upper.max()) + 2) + upper + 1) * (int(self._signature.max()) + 1) + self._signature
        _, first, counts = np.unique(key, return_index=True, return_counts=True)
        model, like = self.fit.model, self.fit.formula
        plain = Model.of(
            model.dist,
            self.columns[first],
            counts.astype(np.float64),
            (lower[first], upper[first]),
            self.dose,
            energy=True,
        )
        return replace(
            plain,
            energy_design=model.energy_design,
            row_class=self._kind[first] if like.glue_energy else None,
            has_curvature=model.has_curvature,
            has_cure=model.has_cure,
            sigma_design=np.eye(model.sigmas)[self._warmth[first]] if model.sigmas > 1 else None,
        )


def check_times(data: ReleaseData) -> dict[str, tuple[float, ...]]:
    """Return when each bath was looked at (s of bath time), as far as the bottles' intervals tell.

    An interval's ends are checks; between them checks at the usual distance are supposed, and after the last one of
    a bath in which every label came off, as long as in the longest soak.
    """
    finite = np.isfinite(data.hi_s)
    widths = (data.hi_s - data.lo_s)[finite & (data.hi_s > data.lo_s)]
    usual = float(np.median(widths)) if widths.size else np.inf
    first = np.full(len(data.baths), np.inf)
    np.minimum.at(first, data.bath, data.inserted_at_s)
    last = np.where(finite, data.hi_s, data.lo_s) + data.inserted_at_s
    longest = float((last - first[data.bath]).max())
    found = {}
    for k, name in enumerate(data.baths):
        rows = data.bath == k
        ends = np.concatenate([data.lo_s[rows], data.hi_s[rows]])
        inserted = np.concatenate([data.inserted_at_s[rows]] * 2)
        known = (ends > 0) & np.isfinite(ends)
        times = _distinct(ends[known] + inserted[known])
        until = times[-1] if not finite[rows].all() else max(times[-1], first[k] + longest)
        found[name] = tuple(_filled(np.concatenate([[first[k]], times]), usual, until)[1:])
    return found


def _filled(times: Array, usual: float, until: float) -> list[float]:
    found = [float(times[0])]
    for time in [*times[1:].tolist(), until]:
        count = max(1, round((time - found[-1]) / usual)) if time - found[-1] > _HOLE * usual else 1
        if time > found[-1]:
            found += np.linspace(found[-1], time, count + 1)[1:].tolist()
    return found


def _distinct(times: Array) -> Array:
    times = np.sort(times)
    return np.asarray(times[np.append([True], np.diff(times) > _SAME_S)])


def _quick(fit: ReleaseFit, dose: TraceDose) -> Dose:
    """Return the dose by interpolation in E, where one E is all it depends on."""
    if fit.model.energies > 1 or fit.model.has_curvature:
        return dose
    return InterpolatedDose(dose, fit.energy, float(np.clip(8 * fit.se("E"), 10.0, 40.0)))


def _standard(dist: Distribution, rng: np.random.Generator, n: int) -> Array:
    if dist.name == "weibull":
        return np.asarray(np.log(rng.standard_exponential(n)))
    return np.asarray(rng.standard_normal(n) if dist.name == "lognormal" else rng.logistic(size=n))

"""When the data cannot tell what a formula asks: a machine word and its detail instead of a number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linectl.lab.kinetics.codes import Code
from linectl.lab.kinetics.data import ReleaseData
from linectl.lab.kinetics.formula import Layout
from linectl.lab.kinetics.solver import Optimum
from linectl.words import tr

__all__ = ["NotFitted", "bath_means", "refused", "unfinished"]

Array = NDArray[np.float64]
_MIN_TEMPERATURE_SPAN_K = 2.0
_RELEASED_PER_PARAMETER = 2
_PERFECT = 1e-4  # a log-likelihood so near 0 means that every interval is certain: sigma has gone to 0
_WORST_CONDITION = 1e10
_DEPENDENT = 1e-9
_FEW = 5000  # bottles; beyond, looking for equal lines costs more than it saves


@dataclass(frozen=True, slots=True)
class NotFitted:
    """Why there is no fit: a machine word and its detail."""

    code: Code
    detail: str = ""


def bath_means(data: ReleaseData) -> Array:
    """Return the mean temperature (°C) of each bath while bottles stood in it."""
    last = np.where(np.isfinite(data.hi_s), data.hi_s, data.lo_s) + data.inserted_at_s
    starts, ends = np.full(len(data.baths), np.inf), np.full(len(data.baths), -np.inf)
    np.minimum.at(starts, data.bath, data.inserted_at_s)
    np.maximum.at(ends, data.bath, last)
    means = []
    for trace, start, end in zip(data.traces, starts.tolist(), ends.tolist(), strict=True):
        inner = trace.t_s[(trace.t_s > start) & (trace.t_s < end)]
        t_s = np.concatenate([[start], inner, [end]])
        means.append(np.trapezoid(np.interp(t_s, trace.t_s, trace.temp_c), t_s) / (end - start))
    return np.array(means)


def refused(data: ReleaseData, layout: Layout, means_c: Array) -> NotFitted | None:
    """Return why `layout` cannot be fitted to `data` (bath means `means_c` in °C), None when it can be tried."""
    released = np.isfinite(data.hi_s)
    if not released.any():
        return NotFitted(Code.ALL_CENSORED, tr("0 of {n} labels came off").format(n=len(data)))
    if np.ptp(means_c) < _MIN_TEMPERATURE_SPAN_K:
        return NotFitted(Code.SINGLE_TEMPERATURE, f"{means_c.min():.1f}..{means_c.max():.1f} °C")
    return (
        _too_few(layout, int(released.sum()), len(data))
        or _glue_without_end(data, layout, released)
        or _too_few_temperatures(data, layout, means_c, released)
        or _dependent(layout)
    )


def unfinished(best: Optimum, condition: float) -> NotFitted | None:
    """Return why the optimum that was reached is no fit, None when it is one."""
    if best.at.value > -_PERFECT:
        return NotFitted(Code.SEPARATION, tr("every interval is certain: shorter check intervals are needed"))
    if not best.converged:
        return NotFitted(Code.NOT_CONVERGED, tr("after {n} iterations").format(n=best.iterations))
    if condition > _WORST_CONDITION:
        return NotFitted(Code.ILL_CONDITIONED, f"{condition:.2g}")
    return None


def _too_few(layout: Layout, released: int, n: int) -> NotFitted | None:
    parameters = len(layout.names)
    needed = _RELEASED_PER_PARAMETER * parameters
    if released >= needed:
        return None
    text = tr("{released} of {n} labels came off; {needed} are needed for {parameters} parameters")
    return NotFitted(Code.FEW_RELEASED, text.format(released=released, n=n, needed=needed, parameters=parameters))


def _glue_without_end(data: ReleaseData, layout: Layout, released: NDArray[np.bool_]) -> NotFitted | None:
    """A glue of which no label came off, or every one at its first check, has no time ratio."""
    for k, glue in enumerate(layout.glues if layout.formula.glue else ()):
        mine = layout.row_glue == k
        if not released[mine].any():
            return NotFitted(Code.ALL_CENSORED, glue)
        if (data.lo_s[mine] == 0).all():
            return NotFitted(Code.SEPARATION, tr("{glue}: every label was off at its first check").format(glue=glue))
    return None


def _too_few_temperatures(
    data: ReleaseData, layout: Layout, means_c: Array, released: NDArray[np.bool_]
) -> NotFitted | None:
    formula = layout.formula
    if formula.curvature and _distinct(means_c[np.unique(data.bath)]) < 3:
        return NotFitted(Code.SINGLE_TEMPERATURE, tr("a curvature needs three temperatures"))
    for k, glue in enumerate(layout.glues if formula.glue_energy else ()):
        if _distinct(means_c[np.unique(data.bath[(layout.row_glue == k) & released])]) < 2:
            return NotFitted(Code.SINGLE_TEMPERATURE, glue)
    for k, warmth in enumerate(layout.warmths_c if formula.sigma_by_temperature else ()):
        mine = layout.row_warmth == k
        if not (released & (data.lo_s > 0))[mine].any():
            text = tr("{warmth:g} °C: no label came off between two checks")
            return NotFitted(Code.SEPARATION, text.format(warmth=warmth))
    return None


def _distinct(means_c: Array) -> int:
    """Return how many temperatures there are at least 2 K apart, counted from the coolest."""
    count, last = 0, -np.inf
    for mean in np.sort(means_c):
        if mean - last >= _MIN_TEMPERATURE_SPAN_K:
            count, last = count + 1, float(mean)
    return count


def _dependent(layout: Layout) -> NotFitted | None:
    """A factor of one level, or one that was only changed together with those before it, has no coefficient."""
    lines = np.unique(layout.columns, axis=0) if len(layout.columns) < _FEW else layout.columns
    for name, column in zip(layout.coefficients[1:], lines.T[1:], strict=True):
        if np.ptp(column) == 0:
            return NotFitted(Code.SINGLE_CAUSTIC if name == "caustic" else Code.SINGLE_LEVEL, name)
    scale = np.sqrt((lines**2).sum(axis=0))
    for count in range(2, lines.shape[1] + 1):
        triangle = np.asarray(np.linalg.qr(lines[:, :count] / scale[:count], mode="r"))
        if len(lines) < count or abs(triangle[-1, -1]) < _DEPENDENT:
            return NotFitted(Code.CONFOUNDED, layout.coefficients[count - 1])
    return None

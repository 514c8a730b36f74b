"""A sensor's curve out of its calibration points, and how uncertain a corrected reading then is.

The curve y = f(x) gives the corrected value y of a reading x: an offset (degree 0), offset and gain (1), or a
polynomial (2, 3), by least squares of the reference values r at the mean readings x. It is linear in the references,
y(x) = sum L_i(x) r_i, by which their uncertainties go into it.

Uncertainty after JCGM 100:2008 (GUM), each part as a standard uncertainty (k = 1) in the tag's unit, where it is
largest between the lowest and the highest point:

    u_reference   = max u(r_i)                      one reference serves all points: it is not averaged (5.2.2)
    u_scatter^2   = max_x sum L_i(x)^2 (f'(x_i) s_i)^2 / n_i      s_i of n_i independent readings (4.2.3)
    u_fit^2       = max_x sum L_i(x)^2 s_f^2,  s_f^2 = sum e_i^2 / (m - p)    of m points and p coefficients (H.3)
    u_resolution  = max f' d / sqrt(12)             d the least step of the reading (F.2.2.1)
    u^2           = u_reference^2 + u_scatter^2 + u_fit^2 + u_resolution^2    (5.1.2)
    nu            = u^4 / sum(u_j^4 / nu_j)         Welch-Satterthwaite (G.4.1), k from table G.2 at 95.45 %

With as many coefficients as points nothing is left to judge the fit by: u_fit is 0 and that is told. What a sensor
drifts until its next calibration is not in it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from linectl.model.calibrations import Budget, CalPoint, Curve

__all__ = ["HIGHEST_DEGREE", "CannotFit", "Fitted", "coverage", "fitted", "gain_of"]

HIGHEST_DEGREE = 3
_GRID = 50  # places between the lowest and the highest point at which the uncertainty is computed
_ALIKE = 1e-9
_T = ((1, 13.97), (2, 4.53), (3, 3.31), (4, 2.87), (5, 2.65), (6, 2.52), (7, 2.43), (8, 2.37), (9, 2.32), (10, 2.28))
_T_ABOVE = ((11, 2.25), (12, 2.23), (15, 2.18), (20, 2.13), (30, 2.09), (50, 2.05), (100, 2.025))


class CannotFit(ValueError):
    """The points do not carry the curve asked for; `kind` is few | alike | falls."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Fitted:
    """A curve with what is left over at each point (reference minus corrected reading), and its uncertainty.

    `r_squared` is None where the references do not differ, or no point is to spare.
    """

    curve: Curve
    residuals: tuple[float, ...]
    r_squared: float | None
    budget: Budget


def coverage(dof: float) -> float:
    """Return the factor k of a 95.45 % interval at `dof` degrees of freedom (GUM, table G.2, the next lower row)."""
    k = 0.0
    for row, factor in (*_T, *_T_ABOVE):
        if dof + _ALIKE >= row or not k:
            k = factor
    return 2.0 if dof > 200 else k  # 2.013 and less


def fitted(points: Sequence[CalPoint], degree: int, *, resolution: float) -> Fitted:
    """Return the curve of `degree` through `points` by least squares; `resolution` is the least step of a reading.

    Raises:
        CannotFit: too few points, readings that are alike, or a curve that does not rise.
    """
    if len(points) < degree + 1:
        raise CannotFit("few")
    low, high = min(each.reading for each in points), max(each.reading for each in points)
    middle, half = (low + high) / 2.0, (high - low) / 2.0 or 1.0

    def basis(x: float) -> list[float]:
        scaled = (x - middle) / half
        return [scaled**power for power in range(degree + 1)]

    targets = [each.reference for each in points]
    if degree == 0:  # an offset: the gain stays 1
        targets = [each.reference - each.reading for each in points]
    rows = [basis(each.reading) for each in points]
    inverse = _inverse([[sum(row[a] * row[b] for row in rows) for b in range(degree + 1)] for a in range(degree + 1)])

    def weights(x: float) -> list[float]:
        """Return by how much the value at x moves with each point's reference."""
        at = basis(x)
        half_way = [sum(at[a] * inverse[a][b] for a in range(degree + 1)) for b in range(degree + 1)]
        return [sum(half_way[b] * row[b] for b in range(degree + 1)) for row in rows]

    moments = [sum(row[b] * target for row, target in zip(rows, targets, strict=True)) for b in range(degree + 1)]
    scaled = [sum(inverse[a][b] * moments[b] for b in range(degree + 1)) for a in range(degree + 1)]
    coefficients = (scaled[0], 1.0) if degree == 0 else tuple(_unscaled(scaled, middle, half))
    curve = Curve(coefficients, low, high)
    if not curve.rises():
        raise CannotFit("falls")
    residuals = tuple(each.reference - curve(each.reading) for each in points)
    budget = _budget(points, curve, residuals, weights, spare=len(points) - degree - 1, resolution=resolution)
    return Fitted(curve, residuals, _r_squared(points, residuals, len(points) - degree - 1), budget)


def gain_of(point: CalPoint, *, resolution: float) -> Fitted:
    """Return the gain that takes the reading of `point` to its reference: of what is 0 at 0, as a content is.

    Raises:
        CannotFit: the reading or its reference is not above 0.
    """
    if point.reading <= 0.0 or point.reference <= 0.0:
        raise CannotFit("falls")
    factor = point.reference / point.reading
    curve = Curve((0.0, factor), point.reading, point.reading)
    budget = _budget([point], curve, (0.0,), lambda _x: [1.0], spare=0, resolution=resolution)
    return Fitted(curve, (0.0,), None, budget)


def _budget(
    points: Sequence[CalPoint],
    curve: Curve,
    residuals: Sequence[float],
    weights: Callable[[float], list[float]],
    *,
    spare: int,
    resolution: float,
) -> Budget:
    places = [curve.low + (curve.high - curve.low) * k / _GRID for k in range(_GRID + 1)]
    shares = [weights(x) for x in places]
    noise = [(curve.slope(each.reading) * each.scatter) ** 2 / each.effective for each in points]
    left = sum(each * each for each in residuals) / spare if spare else 0.0
    scatter = math.sqrt(max(sum(w * w * n for w, n in zip(row, noise, strict=True)) for row in shares))
    fit = math.sqrt(max(sum(w * w for w in row) for row in shares) * left)
    reference = max(each.u for each in points)
    step = max(curve.slope(x) for x in places) * resolution / math.sqrt(12.0)
    u = math.hypot(reference, scatter, fit, step)
    of_scatter = max(1.0, sum(each.effective - 1.0 for each in points))
    loose = (scatter**4 / of_scatter) + (fit**4 / spare if spare else 0.0)
    dof = u**4 / loose if loose > 0.0 else math.inf
    return Budget(reference, scatter, fit, step, u, dof, coverage(dof))


def _r_squared(points: Sequence[CalPoint], residuals: Sequence[float], spare: int) -> float | None:
    mean = sum(each.reference for each in points) / len(points)
    whole = sum((each.reference - mean) ** 2 for each in points)
    if not spare or whole == 0.0:
        return None
    return 1.0 - sum(each * each for each in residuals) / whole


def _inverse(matrix: list[list[float]]) -> list[list[float]]:
    """Return the inverse of a small matrix by elimination.

    Raises:
        CannotFit: it has none: readings are alike.
    """
    size = len(matrix)
    rows = [[*row, *(1.0 if k == n else 0.0 for k in range(size))] for n, row in enumerate(matrix)]
    for column in range(size):
        best = max(range(column, size), key=lambda n: abs(rows[n][column]))
        if abs(rows[best][column]) < _ALIKE:
            raise CannotFit("alike")
        rows[column], rows[best] = rows[best], rows[column]
        pivot = rows[column][column]
        rows[column] = [each / pivot for each in rows[column]]
        for n in range(size):
            if n != column:
                factor = rows[n][column]
                rows[n] = [a - factor * b for a, b in zip(rows[n], rows[column], strict=True)]
    return [row[size:] for row in rows]


def _unscaled(scaled: Sequence[float], middle: float, half: float) -> list[float]:
    """Return the coefficients in powers of x of a polynomial in (x - middle) / half."""
    found = [0.0] * len(scaled)
    power = [1.0]  # ((x - middle) / half)^k in powers of x
    for coefficient in scaled:
        for n, each in enumerate(power):
            found[n] += coefficient * each
        power = [
            ((power[n - 1] if n else 0.0) - (middle * power[n] if n < len(power) else 0.0)) / half
            for n in range(len(power) + 1)
        ]
    return found

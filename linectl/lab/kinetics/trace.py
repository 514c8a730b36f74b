"""From a bath's measured temperature to the dose a label has had: equivalent soak time at 60 °C.

The glue line follows the bath through the glass, tau T' = T_bath - T, from the bottle's own temperature as it goes in.
For a bath that is linear between its stamps that lag is solved exactly. The dose is the integral of exp(E u(T)),
u = -(1/R)(1/T - 1/333.15 K), by 3-point Gauss-Legendre on segments of at most 5 K, with its first and second
derivatives by E. A dose is integrated per bottle: bottles of one bath go in one after the other, and cold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from linectl.lab.kinetics.data import BathTrace, ReleaseData
from linectl.laws.arrhenius import GAS_CONSTANT_KJ_MOL_K, REFERENCE_C
from linectl.model.experiments import Glass
from linectl.units import ZERO_CELSIUS_K, kelvin

__all__ = ["NO_LAG", "Dose", "InterpolatedDose", "LaggedBath", "LogDose", "TraceDose", "dose_of", "inverse_u"]

Array = NDArray[np.float64]
NO_LAG = Glass(tau_glass_s=0.0, bottle_in_c=REFERENCE_C)
_SPLIT_K = 5.0  # a longer steep segment breaks 3 points: 50 K at E 80 is wrong by 5e-4
_MAX_PIECES = 16
_GAUSS = np.array([-np.sqrt(0.6), 0.0, np.sqrt(0.6)])
_WEIGHT = np.array([5.0, 8.0, 5.0]) / 18.0  # for a segment of unit length
_TRANSIENT = np.concatenate([np.arange(0.25, 8.0, 0.25), np.arange(8.0, 41.0)])  # in units of tau; e^-40 is nothing
_POLE = (
    40.0  # kJ/mol: ln dose(E) has its nearest complex singularity about so far from the real axis with a cold bottle
)


def inverse_u(temp_c: Array) -> Array:
    """Return u = -(1/R)(1/T - 1/Tref) in mol/kJ at `temp_c` (°C); 0 at 60 °C, positive above."""
    return -(1.0 / (temp_c + ZERO_CELSIUS_K) - 1.0 / kelvin(REFERENCE_C)) / GAS_CONSTANT_KJ_MOL_K


class LogDose(NamedTuple):
    """Natural log of the dose (s at 60 °C) at each end, and its first and second derivative by E (mol/kJ)."""

    value: Array
    first: Array
    second: Array


class Dose(Protocol):
    """Whatever tells the log dose at a fixed list of ends."""

    def log(self, energy: float) -> LogDose:
        """Return the log doses for an activation energy of `energy` kJ/mol."""


class LaggedBath:
    """A bath as the glass sees it; the glue line of a bottle that went in at any time follows by superposition."""

    def __init__(self, trace: BathTrace, glass: Glass) -> None:
        self.t_s, self.temp_c = trace.t_s, trace.temp_c
        self.tau_s, self.bottle_in_c = glass.tau_glass_s, glass.bottle_in_c
        self._slope = np.append(np.diff(self.temp_c) / np.diff(self.t_s), 0.0)  # held after the last stamp
        self._lag = self._behind()

    def _behind(self) -> Array:
        """Return how far a glass that began at the bath's temperature lies above the lagged ramp at each stamp."""
        lag = np.zeros_like(self.t_s)
        if self.tau_s <= 0:
            return lag
        decay = np.exp(-np.diff(self.t_s) / self.tau_s).tolist()
        kinks = (self._slope * self.tau_s).tolist()
        values, above = [kinks[0]], kinks[0]
        for k, factor in enumerate(decay):
            above = above * factor + (kinks[k + 1] - kinks[k])
            values.append(above)
        return np.array(values)

    def glass(self, t_s: Array) -> Array:
        """Return the temperature (°C) at `t_s` of a glass that has always stood in this bath."""
        k = np.maximum(np.searchsorted(self.t_s, t_s, side="right") - 1, 0)
        since = np.maximum(t_s - self.t_s[k], 0.0)  # before the first stamp its value is held
        bath: Array = self.temp_c[k] + self._slope[k] * since
        if self.tau_s <= 0:
            return bath
        return np.asarray(bath - self._slope[k] * self.tau_s + self._lag[k] * np.exp(-since / self.tau_s))

    def label(self, inserted_at_s: float, after_s: Array) -> Array:
        """Return the glue line's temperature (°C) `after_s` after the bottle went in at `inserted_at_s`."""
        around = self.glass(inserted_at_s + after_s)
        if self.tau_s <= 0:
            return around
        cold = self.bottle_in_c - self.glass(np.array([inserted_at_s]))[0]
        return np.asarray(around + cold * np.exp(-after_s / self.tau_s))

    def grid(self, inserted_at_s: float, ends_s: Array) -> Array:
        """Return the nodes (s from insertion, 0 first) between which the glue line's temperature is smooth and flat."""
        last = ends_s[-1]
        stamps = self.t_s - inserted_at_s
        nodes = np.unique(np.concatenate([[0.0], ends_s, stamps, _TRANSIENT * self.tau_s]))
        nodes = nodes[(nodes >= 0) & (nodes <= last)]
        change = np.abs(np.diff(self.label(inserted_at_s, nodes))) / _SPLIT_K
        length = np.diff(nodes) / self.tau_s if self.tau_s > 0 else np.ones(nodes.size - 1)
        pieces = np.ceil(np.maximum(change, np.minimum(length, _MAX_PIECES))).astype(np.intp)
        pieces = np.maximum(pieces, 1)
        if pieces.max(initial=1) == 1:
            return np.asarray(nodes)
        place = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        step = np.repeat(np.diff(nodes) / pieces, pieces)
        return np.append(np.repeat(nodes[:-1], pieces) + place * step, last)


class TraceDose:
    """Exact log doses at the ends of several bottles: `add` them all, then `log(E)`."""

    def __init__(self) -> None:
        self._u: list[Array] = []
        self._w: list[Array] = []
        self._sizes: list[int] = []
        self._groups: list[int] = []
        self._flat: tuple[Array, Array, NDArray[np.intp]] | None = None
        self._cells: tuple[NDArray[np.intp], NDArray[np.intp]] | None = None

    def add(self, bath: LaggedBath, inserted_at_s: float, ends_s: Array) -> NDArray[np.intp]:
        """Take a bottle with its check times (s from insertion, increasing, above 0); return its ends' numbers."""
        nodes = bath.grid(inserted_at_s, ends_s)
        width = np.diff(nodes)
        middle = 0.5 * (nodes[1:] + nodes[:-1])
        points = (middle[:, None] + 0.5 * width[:, None] * _GAUSS).ravel()
        self._u.append(inverse_u(bath.label(inserted_at_s, points)))
        self._w.append((width[:, None] * _WEIGHT).ravel())
        cuts = np.searchsorted(nodes, ends_s) * 3
        first = len(self._sizes)
        self._sizes += np.diff(cuts, prepend=0).tolist()
        self._groups.append(len(ends_s))
        self._flat = None
        return np.arange(first, first + len(ends_s), dtype=np.intp)

    def log(self, energy: float) -> LogDose:
        """Return the log doses for an activation energy of `energy` kJ/mol."""
        u, w, starts = self._arrays()
        k = np.exp(energy * u)
        k *= w
        dose = self._cumulate(np.add.reduceat(k, starts))
        k *= u
        first = self._cumulate(np.add.reduceat(k, starts)) / dose
        k *= u
        second = self._cumulate(np.add.reduceat(k, starts)) / dose - first**2
        return LogDose(np.log(dose), first, second)

    def values(self, energy: float) -> Array:
        """Return the log doses alone, at a third of the cost."""
        u, w, starts = self._arrays()
        return np.asarray(np.log(self._cumulate(np.add.reduceat(w * np.exp(energy * u), starts))))

    def _arrays(self) -> tuple[Array, Array, NDArray[np.intp]]:
        if self._flat is None:
            sizes = np.array(self._sizes, dtype=np.intp)
            self._flat = np.concatenate(self._u), np.concatenate(self._w), np.cumsum(sizes) - sizes
            counts = np.array(self._groups, dtype=np.intp)
            row = np.repeat(np.arange(counts.size), counts)
            self._cells = row, np.arange(row.size) - np.repeat(np.cumsum(counts) - counts, counts)
        return self._flat

    def _cumulate(self, pieces: Array) -> Array:
        assert self._cells is not None
        row, column = self._cells
        table = np.zeros((row[-1] + 1, column.max() + 1))
        table[row, column] = pieces
        return np.asarray(np.cumsum(table, axis=1)[row, column])


class InterpolatedDose:
    """The same log doses by Chebyshev interpolation in E around `centre` (kJ/mol); exact outside.

    So many nodes are used that the error stays near 1e-13. Profiles evaluate it hundreds of times.
    """

    def __init__(self, exact: TraceDose, centre: float, half_width: float) -> None:
        self.exact, self.centre, self.half_width = exact, centre, half_width
        rho = _POLE / half_width + np.hypot(1.0, _POLE / half_width)
        self.nodes = int(np.clip(np.ceil(31.0 / np.log(rho)) + 4, 10, 48))
        angle = (np.arange(self.nodes) + 0.5) * np.pi / self.nodes
        values = np.stack([exact.values(centre + half_width * x) for x in np.cos(angle)])
        basis = np.cos(np.outer(np.arange(self.nodes), angle)) * (2.0 / self.nodes)
        basis[0] *= 0.5
        self._coefficients = (basis @ values).T.copy()

    def log(self, energy: float) -> LogDose:
        """Return the log doses for an activation energy of `energy` kJ/mol."""
        x = (energy - self.centre) / self.half_width
        if abs(x) > 1:
            return self.exact.log(energy)
        value, first, second = (self._coefficients @ _chebyshev(x, self.nodes)).T
        return LogDose(value, first / self.half_width, second / self.half_width**2)


def _chebyshev(x: float, count: int) -> Array:
    """Return T_k(x), T_k'(x), T_k''(x) for k < `count`, one k a row."""
    table = [(1.0, 0.0, 0.0), (x, 1.0, 0.0)]
    for _ in range(count - 2):
        (a0, a1, a2), (b0, b1, b2) = table[-2:]
        table.append((2 * x * b0 - a0, 2 * b0 + 2 * x * b1 - a1, 4 * b1 + 2 * x * b2 - a2))
    return np.array(table)


def dose_of(data: ReleaseData, glass: Glass) -> tuple[TraceDose, NDArray[np.intp], NDArray[np.intp]]:
    """Return the dose at every check that bounds a release, and each row's end numbers (lo, hi), -1 where none."""
    dose = TraceDose()
    baths = [LaggedBath(trace, glass) for trace in data.traces]
    lower = np.full(len(data), -1, dtype=np.intp)
    upper = np.full(len(data), -1, dtype=np.intp)
    for rows in _groups(data):
        times = np.concatenate([data.lo_s[rows], data.hi_s[rows]])
        ends = np.unique(times[(times > 0) & np.isfinite(times)])
        numbers = dose.add(baths[data.bath[rows[0]]], float(data.inserted_at_s[rows[0]]), ends)
        for times, target in ((data.lo_s[rows], lower), (data.hi_s[rows], upper)):
            known = (times > 0) & np.isfinite(times)
            target[np.asarray(rows)[known]] = numbers[np.searchsorted(ends, times[known])]
    return dose, lower, upper


def _groups(data: ReleaseData) -> Sequence[list[int]]:
    found: dict[tuple[int, float], list[int]] = {}
    for row, key in enumerate(zip(data.bath.tolist(), data.inserted_at_s.tolist(), strict=True)):
        found.setdefault(key, []).append(row)
    return list(found.values())

"""From a bath's measured temperature to the dose a label has had: equivalent soak time at 60 °C.

The glue line follows the bath through the glass, tau T' = T_bath - T, from the bottle's own temperature as it goes in.
For a bath that is linear between its stamps that lag is solved exactly. The dose is the integral of exp(E u(T)),
u = -(1/R)(1/T - 1/333.15 K), by 3-point Gauss-Legendre on segments of at most 5 K, with its first and second
derivatives by E. A dose is integrated per bottle: bottles of one bath go in one after the other, and cold.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from linectl.lab.kinetics.data import BathTrace, ReleaseData
from linectl.laws.arrhenius import GAS_CONSTANT_KJ_MOL_K, REFERENCE_C
from linectl.model.experiments import Glass
from linectl.units import ZERO_CELSIUS_K, kelvin

__all__ = [
    "NO_LAG",
    "Dose",
    "FixedTimes",
    "InterpolatedDose",
    "LaggedBath",
    "LogDose",
    "Segments",
    "TraceDose",
    "dose_of",
    "grouped",
    "inverse_u",
]

Array = NDArray[np.float64]
Index = NDArray[np.intp]
NO_LAG = Glass(tau_glass_s=0.0, bottle_in_c=REFERENCE_C)
_SPLIT_K = 5.0  # a longer steep segment breaks 3 points: 50 K at E 80 is wrong by 5e-4
_MAX_PIECES = 16
_GAUSS = np.array([-np.sqrt(0.6), 0.0, np.sqrt(0.6)])
_WEIGHT = np.array([5.0, 8.0, 5.0]) / 18.0  # for a segment of unit length
_TRANSIENT = np.concatenate([np.arange(0.25, 8.0, 0.25), np.arange(8.0, 41.0)])  # in units of tau; e^-40 is nothing
_REMEMBERED = 4  # doses: one glue's bottles are fitted by several families and formulas, one after the other
_POLE = (
    40.0  # kJ/mol: ln dose(E) has its nearest complex singularity about so far from the real axis with a cold bottle
)


def inverse_u(temp_c: Array) -> Array:
    """Return u = -(1/R)(1/T - 1/Tref) in mol/kJ at `temp_c` (°C); 0 at 60 °C, positive above."""
    return -(1.0 / (temp_c + ZERO_CELSIUS_K) - 1.0 / kelvin(REFERENCE_C)) / GAS_CONSTANT_KJ_MOL_K


class LogDose(NamedTuple):
    """Natural log of the dose (s at 60 °C) at each end, and its first and second derivative by E (mol/kJ).

    With a curvature q, the rate being exp(E u + q u^2): its derivatives by q, by E and q, and twice by q. `u`
    (mol/kJ) is that of the temperature at each end, which exact times need.
    """

    value: Array
    first: Array
    second: Array
    curve: Array | None = None
    cross: Array | None = None
    curve2: Array | None = None
    u: Array | None = None

    def less(self, other: LogDose) -> LogDose:
        """Return the difference to `other` (one end, or as many), derivatives with it; `u` stays."""
        curve, cross, curve2 = (
            None if mine is None or theirs is None else mine - theirs
            for mine, theirs in zip(self[3:6], other[3:6], strict=True)
        )
        straight = (self.value - other.value, self.first - other.first, self.second - other.second)
        return LogDose(*straight, curve, cross, curve2, self.u)


class Dose(Protocol):
    """Whatever tells the log dose at a fixed list of ends."""

    def log(self, energy: float | Array, curvature: float | None = None) -> LogDose:
        """Return the log doses for an activation energy of `energy` kJ/mol, or one for each class of bottles.

        `curvature` ((kJ/mol)^2) is that of ln rate over u; with a number its derivatives are told too.
        """


class FixedTimes:
    """Ends whose log times do not depend on an activation energy."""

    def __init__(self, log_times: Array) -> None:
        zero = np.zeros_like(log_times)
        self._log = LogDose(log_times, zero, zero)

    def log(self, energy: float | Array, curvature: float | None = None) -> LogDose:
        """Return the log times, whatever `energy` and `curvature`."""
        del energy, curvature
        return self._log


class Segments(NamedTuple):
    """Quadrature points of several bottles in turn: u and weight (s), so many for each end, and u at the ends."""

    u: Array
    weight: Array
    per_end: Index
    end_u: Array


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
        return self._labels(np.array([inserted_at_s]), np.zeros(after_s.size, dtype=np.intp), after_s)

    def _labels(self, inserted_at_s: Array, who: Index, after_s: Array) -> Array:
        around = self.glass(inserted_at_s[who] + after_s)
        if self.tau_s <= 0:
            return around
        cold = self.bottle_in_c - self.glass(inserted_at_s)
        return np.asarray(around + cold[who] * np.exp(-after_s / self.tau_s))

    def segments(self, inserted_at_s: Array, who: Index, ends_s: Array) -> Segments:
        """Cut the time of several bottles where the glue line's temperature is smooth and flat in between.

        `who` numbers the bottle (of `inserted_at_s`) that each end `ends_s` (s from insertion, above 0, increasing for
        each bottle) belongs to; every bottle has an end.
        """
        after, owner, is_end = self._nodes(inserted_at_s, who, ends_s)
        temps = self._labels(inserted_at_s, owner, after)
        inner = np.flatnonzero(owner[1:] == owner[:-1])
        start, width, owner, closes = after[inner], np.diff(after)[inner], owner[inner], is_end[inner + 1]
        change = np.abs(np.diff(temps)[inner]) / _SPLIT_K
        length = width / self.tau_s if self.tau_s > 0 else 1.0
        pieces = np.maximum(np.ceil(np.maximum(change, np.minimum(length, _MAX_PIECES))).astype(np.intp), 1)
        if pieces.max() > 1:
            total = np.cumsum(pieces)
            place = np.arange(total[-1]) - np.repeat(total - pieces, pieces)
            width = np.repeat(width / pieces, pieces)
            start = np.repeat(start, pieces) + place * width
            closes = np.repeat(closes, pieces) & (np.repeat(pieces, pieces) == place + 1)
            owner = np.repeat(owner, pieces)
        points = ((start + 0.5 * width)[:, None] + 0.5 * width[:, None] * _GAUSS).ravel()
        u = inverse_u(self._labels(inserted_at_s, np.repeat(owner, 3), points))
        per_end = 3 * np.diff(np.flatnonzero(closes) + 1, prepend=0)
        end_u = inverse_u(self._labels(inserted_at_s, who, ends_s))
        return Segments(u, (width[:, None] * _WEIGHT).ravel(), per_end, end_u)

    def _nodes(self, inserted_at_s: Array, who: Index, ends_s: Array) -> tuple[Array, Index, NDArray[np.bool_]]:
        """Return the times to cut at, ordered by bottle, whose they are, and which of them are ends."""
        count = inserted_at_s.size
        last = np.zeros(count)
        last[who] = ends_s  # the last one of each stays
        fixed = np.concatenate([[0.0], _TRANSIENT * self.tau_s if self.tau_s > 0 else []])
        within = np.hstack([np.tile(fixed, (count, 1)), self.t_s - inserted_at_s[:, None]])
        owner, column = np.nonzero((within >= 0) & (within <= last[:, None]))
        after = np.concatenate([within[owner, column], ends_s])
        owner = np.concatenate([owner, who])
        is_end = np.arange(after.size) >= after.size - ends_s.size
        order = np.lexsort((is_end, after, owner))
        after, owner, is_end = after[order], owner[order], is_end[order]
        kept = np.append((np.diff(after) != 0) | (np.diff(owner) != 0), [True])  # of equal ones the end, which is last
        return after[kept], owner[kept], is_end[kept]


class TraceDose:
    """Exact log doses at the ends of several bottles: `add` them all, then `log(E)`."""

    def __init__(self) -> None:
        self._parts: list[Segments] = []
        self._groups: list[Index] = []
        self._kinds: list[Index] = []
        self._ends = 0
        self._flat: tuple[Array, Array, Index] | None = None
        self._cells: tuple[Index, Index] | None = None
        self._last: tuple[tuple[bytes, float | None], LogDose] | None = None

    def add(self, bath: LaggedBath, inserted_at_s: float, ends_s: Array, kind: int = 0) -> Index:
        """Take a bottle with its check times (s from insertion, increasing, above 0); return its ends' numbers.

        `kind` is the class of the bottle, for energies that differ by class.
        """
        one = np.zeros(len(ends_s), dtype=np.intp)
        return self.add_all(bath, np.array([inserted_at_s]), one, ends_s, np.array([kind], dtype=np.intp))

    def add_all(self, bath: LaggedBath, inserted_at_s: Array, who: Index, ends_s: Array, kinds: Index) -> Index:
        """Take the bottles of one bath; `who` (rising) says whose each end is. Return the ends' numbers."""
        self._parts.append(bath.segments(inserted_at_s, who, ends_s))
        self._groups.append(np.bincount(who, minlength=inserted_at_s.size))
        self._kinds.append(kinds)
        self._flat = self._last = None
        first, self._ends = self._ends, self._ends + len(ends_s)
        return np.arange(first, self._ends, dtype=np.intp)

    def log(self, energy: float | Array, curvature: float | None = None) -> LogDose:
        """Return the log doses for `energy` kJ/mol (one, or one per class) and a curvature of ln rate over u."""
        key = (np.asarray(energy, dtype=np.float64).tobytes(), curvature)
        if self._last is None or self._last[0] != key:  # rows are often asked for at one theta and many offsets
            self._last = key, self._integrated(energy, curvature)
        return self._last[1]

    def _integrated(self, energy: float | Array, curvature: float | None) -> LogDose:
        u, w, starts = self._arrays()
        energy_each = energy if isinstance(energy, float) else self._each(np.asarray(energy, dtype=np.float64))
        k = np.exp(energy_each * u if curvature is None else (energy_each + curvature * u) * u)
        k *= w
        dose = self._cumulate(np.add.reduceat(k, starts))
        moments = []
        for _ in range(2 if curvature is None else 4):
            k *= u
            moments.append(self._cumulate(np.add.reduceat(k, starts)) / dose)
        first, square = moments[:2]
        found = LogDose(np.log(dose), first, square - first**2, u=self.end_u())
        if curvature is None:
            return found
        return found._replace(curve=square, cross=moments[2] - first * square, curve2=moments[3] - square**2)

    def _each(self, energies: Array) -> Array:
        """Return the energy at each point, from one per class."""
        of_end = np.repeat(energies[np.concatenate(self._kinds)], np.concatenate(self._groups))
        return np.repeat(of_end, np.concatenate([part.per_end for part in self._parts]))

    def values(self, energy: float) -> Array:
        """Return the log doses alone, at a third of the cost."""
        u, w, starts = self._arrays()
        return np.asarray(np.log(self._cumulate(np.add.reduceat(w * np.exp(energy * u), starts))))

    @property
    def ends(self) -> int:
        """How many ends were added."""
        return self._ends

    def end_u(self) -> Array:
        """Return u (mol/kJ) of the label's temperature at each end."""
        return np.concatenate([part.end_u for part in self._parts])

    def _arrays(self) -> tuple[Array, Array, Index]:
        if self._flat is None:
            sizes = np.concatenate([part.per_end for part in self._parts])
            u, weight = (np.concatenate([part[k] for part in self._parts]) for k in (0, 1))
            self._flat = u, weight, np.cumsum(sizes) - sizes
            counts = np.concatenate(self._groups)
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
        self._coefficients = _series(exact, exact.ends, centre, half_width, self.nodes)

    def log(self, energy: float | Array, curvature: float | None = None) -> LogDose:
        """Return the log doses for an activation energy of `energy` kJ/mol; exact with classes or a curvature."""
        if curvature is not None or not isinstance(energy, float):
            return self.exact.log(energy, curvature)
        x = (energy - self.centre) / self.half_width
        if abs(x) > 1:
            return self.exact.log(energy)
        value, first, second = (self._coefficients @ _chebyshev(x, self.nodes)).T
        return LogDose(value, first / self.half_width, second / self.half_width**2, u=self.exact.end_u())


@lru_cache(maxsize=_REMEMBERED)
def _series(exact: TraceDose, ends: int, centre: float, half_width: float, nodes: int) -> Array:
    """Return the coefficients of the ends' log doses; kept, for one fit is profiled and integrated over its baths."""
    angle = (np.arange(nodes) + 0.5) * np.pi / nodes
    values = np.stack([exact.values(centre + half_width * x) for x in np.cos(angle)])
    assert values.shape[1] == ends
    basis = np.cos(np.outer(np.arange(nodes), angle)) * (2.0 / nodes)
    basis[0] *= 0.5
    found = (basis @ values).T.copy()
    found.flags.writeable = False
    return np.asarray(found)


def _chebyshev(x: float, count: int) -> Array:
    """Return T_k(x), T_k'(x), T_k''(x) for k < `count`, one k a row."""
    table = [(1.0, 0.0, 0.0), (x, 1.0, 0.0)]
    for _ in range(count - 2):
        (a0, a1, a2), (b0, b1, b2) = table[-2:]
        table.append((2 * x * b0 - a0, 2 * b0 + 2 * x * b1 - a1, 4 * b1 + 2 * x * b2 - a2))
    return np.array(table)


def dose_of(data: ReleaseData, glass: Glass, kind: Index | None = None) -> tuple[TraceDose, Index, Index]:
    """Return the dose at every check that bounds a release, and each row's end numbers (lo, hi), -1 where none.

    `kind` is the class of each bottle, where classes have an energy each. The last doses without classes are kept:
    several formulas are fitted to the same bottles.
    """
    return _dose_of(data, glass) if kind is None else _integrable(data, glass, kind)


@lru_cache(maxsize=_REMEMBERED)
def _dose_of(data: ReleaseData, glass: Glass) -> tuple[TraceDose, Index, Index]:
    return _integrable(data, glass, None)


def _integrable(data: ReleaseData, glass: Glass, kind: Index | None) -> tuple[TraceDose, Index, Index]:
    group, first = grouped(data, kind)
    times, owner = np.concatenate([data.lo_s, data.hi_s]), np.concatenate([group, group])
    known = (times > 0) & np.isfinite(times)
    order = np.flatnonzero(known)[np.lexsort((times[known], owner[known]))]
    times, owner = times[order], owner[order]
    new = np.append([True], (np.diff(times) != 0) | (np.diff(owner) != 0))
    numbers = np.full(2 * len(data), -1, dtype=np.intp)
    numbers[order] = np.cumsum(new) - 1
    times, owner = times[new], owner[new]
    dose, kinds = TraceDose(), np.zeros(first.size, dtype=np.intp) if kind is None else kind[first]
    bath, inserted = data.bath[first], data.inserted_at_s[first]
    for k, trace in enumerate(data.traces):
        low, high = np.searchsorted(bath, [k, k + 1])
        ends = slice(*np.searchsorted(owner, [low, high]))
        dose.add_all(LaggedBath(trace, glass), inserted[low:high], owner[ends] - low, times[ends], kinds[low:high])
    return dose, numbers[: len(data)], numbers[len(data) :]


def grouped(data: ReleaseData, kind: Index | None = None) -> tuple[Index, Index]:
    """Return the number of each row's bath, insertion and class, ordered by bath, and one row of each such group."""
    insertion = np.unique(data.inserted_at_s, return_inverse=True)[1]
    key = data.bath * (int(insertion.max()) + 1) + insertion
    if kind is not None:
        key = key * (int(kind.max()) + 1) + kind
    _, first, group = np.unique(key, return_index=True, return_inverse=True)
    return group.astype(np.intp), first.astype(np.intp)

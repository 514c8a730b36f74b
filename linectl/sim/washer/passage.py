"""A row of bottles on its way through the washer: its glass, the dose of its labels, its hygiene.

The bottles of a row share the liquid around them, so they share one way; it is worked out from the history in one go
when somebody asks or when the row leaves. In each short piece the liquid is constant: the glass follows it exactly with
its lag, and rates are taken at the middle of the piece.

    glass:  T' = (T_zone - T)/tau          dose:  D' = quickness / t50(T, C, mech)          (linectl.sim.glue.labels)
    F and A0 as in linectl.laws.hygiene, by the glass's own temperature

A bottle that came in warmer than the mean of its row keeps exp(-t/tau) of the difference: counted for shocks to its
glass, left out of its dose (5 K at the infeed change no glue's dose by more than 0.15 %).
"""

from __future__ import annotations

from bisect import bisect_right
from copy import copy
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import inf, log
from typing import TYPE_CHECKING, NamedTuple

from linectl.laws.arrhenius import GAS_CONSTANT_KJ_MOL_K, REFERENCE_C
from linectl.laws.hygiene import COLI, SPORES, Hygiene, Kill, heat_rate
from linectl.sim.glue.labels import CAUSTIC_FLOOR_PCT, CAUSTIC_REFERENCE_PCT, MECH_ORDER, Glue
from linectl.sim.glue.lots import Lot
from linectl.sim.glue.release import Draws, release_times
from linectl.sim.washer.history import History, Stretch
from linectl.units import ZERO_CELSIUS_K, kelvin

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Indices = NDArray[np.intp]

__all__ = ["Group", "Jumps", "Row", "dose_rate", "lagged"]

_STRETCH = 500.0  # lags after which a fresh start keeps exp() within its range
_S_PER_MIN = 60.0
_WATER_PCT = 1e-9  # NaOH below which nothing is killed


@dataclass(slots=True, eq=False)
class Group:
    """Bottles of one lot in one row: the first one's number in the lot, and arrays of one figure a bottle.

    `limit` is the dose at which a label comes off, `inlet_k` by how much its bottle came in warmer than the row's mean,
    `released_s` when it came off, infinite while it is on. `draws` hold what chance decides at the exit.
    """

    lot: Lot
    law: Glue
    first: int
    draws: Draws
    inlet_k: Array
    limit: Array
    released_s: Array
    dose: float = 0.0
    off: int = 0  # labels that have come off

    @property
    def count(self) -> int:
        """How many bottles it has."""
        return int(self.limit.size)


class Jumps(NamedTuple):
    """The row's glass meets the liquid of `zone`, `step_k` warmer than itself (negative: colder); arrays.

    `kept` is the share of a bottle's own difference at the infeed that is left by then.
    """

    zone: Indices
    step_k: Array
    kept: Array


@dataclass(slots=True, eq=False)
class Row:
    """A carrier: bottles side by side in the pockets from `pocket` on, known up to `known_s` of process time.

    `entered_s` are the times at which it went into each zone so far.
    """

    pocket: int
    entered_s: list[float]
    groups: list[Group]
    glass_c: float
    known_s: float
    bottles: int = field(init=False)
    kept: float = 1.0
    spores_min: float = 0.0
    coli_min: float = 0.0
    a0_s: float = 0.0
    met: list[Jumps] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.bottles = sum(group.count for group in self.groups)

    def copy(self) -> Row:
        """Return a row that can be followed without this one noticing."""
        entered_s, groups, met = list(self.entered_s), [copy(group) for group in self.groups], list(self.met)
        return replace(self, entered_s=entered_s, groups=groups, met=met)

    @property
    def hygiene(self) -> Hygiene:
        """The hygiene sums up to `known_s`."""
        return Hygiene(self.spores_min, self.coli_min, self.a0_s)

    @property
    def jumps(self) -> Jumps:
        """The steps of its glass so far."""
        import numpy as np

        if len(self.met) == 1:
            return self.met[0]
        zone, step_k, kept = (np.concatenate(part) for part in zip(*self.met, strict=True))
        return Jumps(zone, step_k, kept)

    def zone_at(self, at_s: float) -> int:
        """Return the number of the zone in which it was at a process time (s)."""
        return bisect_right(self.entered_s, at_s) - 1

    def follow(self, history: History, to_s: float) -> float:
        """Work out its way up to `to_s`; return the paper (g) of the labels that came off on it.

        Raises:
            IndexError: the history does not hold it.
        """
        if to_s <= self.known_s:
            return 0.0
        first = self.zone_at(self.known_s)
        stretch = history.stretch(first, [self.known_s, *self.entered_s[first + 1 :], to_s])
        glass_c, decay = lagged(stretch, self.glass_c)
        self._count_jumps(stretch, glass_c, decay)
        middle_c = _middles(stretch, glass_c)
        self._clean(stretch, middle_c)
        self.kept *= float(decay[-1])
        self.glass_c = float(glass_c[-1])
        self.known_s = to_s
        return sum(_take_up(group, stretch, middle_c) for group in self.groups)

    def _count_jumps(self, stretch: Stretch, glass_c: Array, decay: Array) -> None:
        new = 0 if self.known_s == self.entered_s[stretch.zones[0]] else 1  # the first zone may have been met before
        starts = stretch.starts[new:]
        step_k = stretch.temperature_c[starts] - glass_c[starts]
        self.met.append(Jumps(stretch.zones[new:], step_k, self.kept * decay[starts]))

    def _clean(self, stretch: Stretch, middle_c: Array) -> None:
        spores_s, coli_s, a0_s = _killed(stretch, middle_c)
        self.spores_min += spores_s / _S_PER_MIN
        self.coli_min += coli_s / _S_PER_MIN
        self.a0_s += a0_s


def lagged(stretch: Stretch, start_c: float) -> tuple[Array, Array]:
    """Return the glass's temperature (°C) at each edge, and what is left there of a difference at the start (share).

    The exact answer of T' = (T_zone - T)/tau for a liquid that is constant in each piece.
    """
    import numpy as np

    lags = np.zeros(stretch.edge_s.size)
    stretch.lags.cumsum(out=lags[1:])
    glass_c = np.empty(lags.size)
    glass_c[0] = start_c
    first = 0
    while first < lags.size - 1:
        last = lags.size - 1
        passed = lags if first == 0 else lags[first:] - lags[first]
        if passed[-1] > _STRETCH:
            last = max(first + 1, first + int(passed.searchsorted(_STRETCH, "right")) - 1)
            passed = np.minimum(passed[: last + 1 - first], _STRETCH)
        grown = np.exp(passed)
        gained = ((grown[1:] - grown[:-1]) * stretch.temperature_c[first:last]).cumsum()
        glass_c[first + 1 : last + 1] = (glass_c[first] + gained) / grown[1:]
        first = last
    return glass_c, np.exp(-lags)


def dose_rate(law: Glue, quickness: float, stretch: Stretch, glass_c: Array) -> Array:
    """Return the dose per s in each piece of a label at `glass_c` (°C): 1/t50 of the law times `quickness`."""
    import numpy as np

    caustic = np.log((CAUSTIC_FLOOR_PCT + stretch.naoh_pct) / (CAUSTIC_FLOOR_PCT + CAUSTIC_REFERENCE_PCT))
    warmer = 1.0 / kelvin(REFERENCE_C) - 1.0 / (glass_c + ZERO_CELSIUS_K)
    log_rate = (
        (log(quickness) - log(law.t60_s))
        + law.caustic_order * caustic
        + MECH_ORDER * stretch.log_mech
        + (law.ea_kj_mol / GAS_CONSTANT_KJ_MOL_K) * warmer
    )
    rate = np.exp(log_rate)
    return rate if law.opens_at_c == -inf else np.where(glass_c >= law.opens_at_c, rate, 0.0)


def _middles(stretch: Stretch, glass_c: Array) -> Array:
    import numpy as np

    half = np.exp(-0.5 * stretch.lags)
    return np.asarray(stretch.temperature_c + (glass_c[:-1] - stretch.temperature_c) * half)


def _take_up(group: Group, stretch: Stretch, middle_c: Array) -> float:
    """Add the dose of a stretch to a group, note which labels came off and when; return their paper in g."""
    import numpy as np

    taken = dose_rate(group.law, group.lot.quickness, stretch, middle_c) * stretch.dt_s
    dose = np.full(taken.size + 1, group.dose)
    dose[1:] += taken.cumsum()
    off_s = release_times(group.limit, stretch.edge_s, dose)
    now = np.isfinite(off_s)
    came_off = int(np.count_nonzero(now))
    if came_off:
        group.released_s = np.where(now, off_s, group.released_s)
        group.off += came_off
    group.dose = float(dose[-1])
    return came_off * group.lot.label_g


def _killed(stretch: Stretch, glass_c: Array) -> tuple[float, float, float]:
    """Return the sums of the rates of spores, coli and A0 over a stretch in s: exp(a + b ln C + c T), all at once."""
    import numpy as np

    strength = np.log(np.maximum(stretch.naoh_pct, _WATER_PCT))
    at_zero, by_strength, by_degree = _kills()
    rates = np.exp(by_strength * strength + by_degree * glass_c + at_zero)
    spores_s, coli_s, a0_s = (rates @ stretch.dt_s).tolist()
    return spores_s, coli_s, a0_s


def _log_kill(kill: Kill) -> tuple[float, float, float]:
    return log(kill.rate(1.0, 0.0)), kill.order, log(kill.theta) / 10.0


@lru_cache(maxsize=1)
def _kills() -> Array:
    """Return a, b and c of the three as columns."""
    import numpy as np

    return np.array(_KILLS)[:, :, None]


_KILLS = tuple(zip(_log_kill(SPORES), _log_kill(COLI), (log(heat_rate(0.0)), 0.0, log(10.0) / 10.0), strict=True))

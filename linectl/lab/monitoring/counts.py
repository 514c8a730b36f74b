"""How many bottles of a lot an inspector rejects when a share of all labels stays on, and lots differ.

Bottles of one lot are alike: their labels were printed, stored and washed together. ln t of a lot is shifted by
u ~ N(0, lot_sd²) as that of a bath is (`linectl.lab.confirmation.clusters`), so its share of labels on is p(u), what
the camera rejects is m p(u) + f (1 - p(u)), and the count of rejects is a mixture of binomials.

`spread` is the most that lots may differ by. Lots that are more alike keep the promise as well, and small counts lot
after lot are likelier among them: whoever asks whether a count speaks against the promise compares it with the nearest
of them (`kept_by`), from lots all alike to lots that differ as much as they may.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from math import lgamma, log

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from linectl.lab.confirmation.clusters import BathSpread
from linectl.model.washing import Inspector

__all__ = ["Expected", "LotCount", "chances", "log_chances", "mixed"]

Array = NDArray[np.float64]
_TINY = 1e-300
_RARE = 1e-13  # kinds of lots that are rarer are left out
_PARTS = (1.0, 2 / 3, 1 / 3, 1 / 6, 0.0)  # of the spread: between two of them counts hardly differ
_ROWS = 250  # counts that are worked out at once: memory stays small


@dataclass(frozen=True, slots=True)
class LotCount:
    """One wash lot as the inspector saw it: `rejects` of `bottles`; `ended_ns` when the last came out (ns UTC).

    `recipe` is what it was washed by; "" when nobody wrote it down.
    """

    id: str
    glue: str
    bottles: int
    rejects: int
    ended_ns: int
    recipe: str = ""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a GO lets one expect of a glue on the line.

    `stuck` is the upper end: the largest share of labels on at the exit that the GO leaves room for, on average over
    lots. Lots differ as `spread` says: `sigma` of ln t within a lot, `bath_sd` between lots. `inspector` is how often
    the camera errs. `removal` and `corner_lower` are the figures behind `stuck`: what was shown in the bath, and the
    lower bound of the share released at the recipe's edge (None: no recipe was computed).
    """

    stuck: float
    spread: BathSpread
    inspector: Inspector
    removal: float = 0.99
    corner_lower: float | None = None

    @classmethod
    def of(
        cls, removal: float, corner_lower: float | None, spread: BathSpread, inspector: Inspector | None = None
    ) -> Expected:
        """Return what follows from a GO: a label comes off if it can at all, and if the recipe's edge is enough."""
        stuck = 1.0 - removal * (1.0 if corner_lower is None else corner_lower)
        return cls(stuck, spread, inspector or Inspector(), removal, corner_lower)

    def kept_by(self) -> tuple[Expected, ...]:
        """Return glues that just keep the promise: with lots that differ as much as they may, and ever less."""
        return _kept_by(self)

    def rejected(self, stuck: float) -> float:
        """Return the share that the inspector rejects when `stuck` of all labels are on."""
        return stuck * (1.0 - self.inspector.misses) + (1.0 - stuck) * self.inspector.false_rejects

    def stuck_of(self, rejected: float) -> float:
        """Return the share of labels on at which the inspector rejects `rejected`, between 0 and 1."""
        seen = 1.0 - self.inspector.misses - self.inspector.false_rejects
        return min(1.0, max(0.0, (rejected - self.inspector.false_rejects) / seen))


def log_chances(rejects: int, bottles: int, stuck: float, expected: Expected) -> float:
    """Return the log chance of so many `rejects` in a lot of `bottles` when `stuck` stays on on average."""
    on, off, weights = _logs(stuck, expected)
    each = rejects * on + (bottles - rejects) * off
    most = float(each.max())
    choose = lgamma(bottles + 1.0) - lgamma(rejects + 1.0) - lgamma(bottles - rejects + 1.0)
    return choose + most + log(float(weights @ np.exp(each - most)))


def chances(bottles: int, stuck: float, expected: Expected) -> Array:
    """Return the chance of each count of rejects in a lot of `bottles` when `stuck` stays on on average."""
    on, off, weights = _logs(stuck, expected)
    counts = np.arange(bottles + 1.0)
    choose = gammaln(bottles + 1.0) - gammaln(counts + 1.0) - gammaln(bottles - counts + 1.0)
    found = np.empty(bottles + 1)
    for begin in range(0, bottles + 1, _ROWS):
        some = slice(begin, begin + _ROWS)
        x = counts[some, None]
        found[some] = np.exp(choose[some, None] + x * on + (bottles - x) * off) @ weights
    return found


@lru_cache(maxsize=256)
def mixed(stuck: float, expected: Expected) -> tuple[Array, Array]:
    """Return the share rejected in each kind of lot, and how often there is one."""
    shares, weights = expected.spread.shares(stuck)
    if shares.size > 1:  # every other one will do: between two, the count of a lot hardly changes
        shares, weights = shares[::2], weights[::2]
        kept = weights > _RARE
        shares, weights = shares[kept], weights[kept] / weights[kept].sum()
    inspector = expected.inspector
    rejected = shares * (1.0 - inspector.misses) + (1.0 - shares) * inspector.false_rejects
    return np.clip(rejected, _TINY, 1.0 - 1e-16), weights


@lru_cache(maxsize=256)
def _logs(stuck: float, expected: Expected) -> tuple[Array, Array, Array]:
    shares, weights = mixed(stuck, expected)
    return np.log(shares), np.log1p(-shares), weights


@lru_cache(maxsize=64)
def _kept_by(expected: Expected) -> tuple[Expected, ...]:
    most = expected.spread.bath_sd
    sds = dict.fromkeys(most * part for part in _PARTS)
    return tuple(replace(expected, spread=replace(expected.spread, bath_sd=sd)) for sd in sds)

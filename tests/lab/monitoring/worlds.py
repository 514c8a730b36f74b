"""Washing lines for the chart's tests: lots of which a share of labels stays on, alike or not, through a camera."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from linectl.lab.confirmation.clusters import BathSpread
from linectl.lab.monitoring.counts import Expected, LotCount, mixed
from linectl.model.washing import Inspector

SPREAD = BathSpread(0.35, 0.3, 1)
CAMERA = Inspector(misses=0.005, false_rejects=0.003)
ONE_IN_100 = Expected(0.01, SPREAD, CAMERA)

Draw = Callable[[np.random.Generator], float]


def shares_of(stuck: float, expected: Expected = ONE_IN_100) -> Draw:
    """Return how the share rejected of a lot is drawn when `stuck` stays on and lots differ as expected."""
    shares, weights = mixed(stuck, expected)
    return lambda rng: float(rng.choice(shares, p=weights))


def washed(rng: np.random.Generator, draw: Draw, sizes: Sequence[int], *, first: int = 0) -> list[LotCount]:
    """Return lots of `sizes` bottles, one after the other."""
    return [
        LotCount(f"L{first + k}", "g", bottles, int(rng.binomial(bottles, draw(rng))), (first + k + 1) * 1000)
        for k, bottles in enumerate(sizes)
    ]

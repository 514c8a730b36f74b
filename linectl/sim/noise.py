"""Noise as a pure function of what it belongs to."""

from __future__ import annotations

import random
from functools import lru_cache

__all__ = ["noise"]

_DRAW = random.Random(0)  # noqa: S311  # a simulation, no secret


@lru_cache(maxsize=256)  # a second is asked for by several wires; drawing anew costs ten times the look-up
def noise(seed: int, device: str, k: int, sd: float) -> float:
    """Return the `device`'s noise in whole second `k` of process time: normal, mean 0, standard deviation `sd`.

    A pure function, so that a device read twice in a second, or not at all, disturbs no other reading of the run.
    """
    _DRAW.seed(f"{seed}/{device}/{k}")  # as a new `Random` would begin, which seeds itself twice
    return _DRAW.gauss(0.0, sd)

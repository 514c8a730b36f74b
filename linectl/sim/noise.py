"""Noise as a pure function of what it belongs to."""

from __future__ import annotations

import random
from functools import lru_cache
from math import cos, log, sin, sqrt, tau

__all__ = ["noise", "noises"]

_DRAW = random.Random(0)  # noqa: S311  # a simulation, no secret


def noises(key: str, count: int) -> list[float]:
    """Return `count` draws of a normal distribution, mean 0 and standard deviation 1, by `key` alone.

    They are those of `random.Random(key).gauss(0.0, 1.0)` (Box and Muller's), made here by pairs, which costs a third.
    """
    _DRAW.seed(key)
    draw = _DRAW.random
    drawn: list[float] = []
    for _ in range((count + 1) // 2):
        angle = draw() * tau
        radius = sqrt(-2.0 * log(1.0 - draw()))
        drawn += cos(angle) * radius, sin(angle) * radius
    return drawn[:count]


@lru_cache(maxsize=256)  # a second is asked for by several wires; drawing anew costs ten times the look-up
def noise(seed: int, device: str, k: int, sd: float) -> float:
    """Return the `device`'s noise in whole second `k` of process time: normal, mean 0, standard deviation `sd`.

    A pure function, so that a device read twice in a second, or not at all, disturbs no other reading of the run.
    """
    _DRAW.seed(f"{seed}/{device}/{k}")  # as a new `Random` would begin, which seeds itself twice
    return _DRAW.gauss(0.0, sd)

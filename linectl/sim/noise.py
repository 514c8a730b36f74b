"""Noise as a pure function of what it belongs to."""

from __future__ import annotations

import random

__all__ = ["noise"]


def noise(seed: int, device: str, k: int, sd: float) -> float:
    """Return the `device`'s noise in whole second `k` of process time: normal, mean 0, standard deviation `sd`.

    A pure function, so that a device read twice in a second, or not at all, disturbs no other reading of the run.
    """
    return random.Random(f"{seed}/{device}/{k}").gauss(0.0, sd)  # noqa: S311  # a simulation, no secret

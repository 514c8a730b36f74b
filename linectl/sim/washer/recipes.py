"""The recipes in the PLC's memory: setpoints by number, and the clamps that every setpoint goes through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from linectl.sim.washer.seen import Two
from linectl.sim.washer.state import NONE, Eight

__all__ = ["HIGHEST_C", "HIGHEST_NAOH_PCT", "RECIPES", "RECIPE_NUMBERS", "SPEED_B_H", "Recipe", "Setpoints", "clamped"]

HIGHEST_C = 85.0
HIGHEST_NAOH_PCT = 3.0
SPEED_B_H = (500.0, 3500.0)
RECIPE_NUMBERS = range(32)


@dataclass(frozen=True, slots=True)
class Setpoints:
    """What was asked for, after the clamps: °C by zone (0: not heated), % NaOH of Z2 and Z3, bottles an hour."""

    temperature_c: Eight = NONE
    naoh_pct: Two = (0.0, 0.0)
    speed_b_h: float = 0.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe and its name."""

    name: str
    setpoints: Setpoints


RECIPES: Mapping[int, Recipe] = MappingProxyType(
    {
        1: Recipe(
            "A: 80 °C, 1.5 %",
            Setpoints((0.0, 45.0, 62.0, 80.0, 60.0, 50.0, 38.0, 0.0), (1.5, 1.5), 3000.0),
        ),
        2: Recipe(
            "80 °C, 2.0 %",
            Setpoints((0.0, 45.0, 62.0, 80.0, 60.0, 50.0, 38.0, 0.0), (1.5, 2.0), 3000.0),
        ),
        3: Recipe(
            "70 °C, 2.0 %",
            Setpoints((0.0, 45.0, 60.0, 70.0, 58.0, 48.0, 36.0, 0.0), (2.0, 2.0), 3000.0),
        ),
    }
)
"""Recipe number -> recipe; A is the reference of re-use networks, the others keep the hygiene meter at its edges."""


def clamped(value: float, low: float, high: float) -> float:
    """Return `value`, or the limit that it passed: without a word, only the read-back tells."""
    return low if value < low else min(value, high)

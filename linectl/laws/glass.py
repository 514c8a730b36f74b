"""What a bottle's glass bears when it goes at once from its own temperature into a bath of another.

A glassmaker (Vetropack) guarantees 42 K, by the test of ASTM C149; used and scuffed bottles bear less: 35 K upward and
30 K downward are engineering estimates (cooling puts the skin in tension, which is worse). From 25 K on it is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["COOLING", "HEATING", "Shock", "ShockLevel", "StepLimit", "hottest_bath_c", "shock"]


class ShockLevel(StrEnum):
    """How far a step of temperature goes, worst last."""

    FINE = "fine"
    WARN = "warn"  # said
    BLOCK = "block"  # refused
    HARD = "hard"  # beyond what new glass is guaranteed for


@dataclass(frozen=True, slots=True)
class StepLimit:
    """Limits of an immediate step in K: above `warn_k` it is said, above `block_k` refused, `hard_k` breaks glass."""

    warn_k: float
    block_k: float
    hard_k: float

    def level(self, step_k: float) -> ShockLevel:
        """Return the level of a step of `step_k` K, its direction left out."""
        size = abs(step_k)
        if size > self.hard_k:
            return ShockLevel.HARD
        if size > self.block_k:
            return ShockLevel.BLOCK
        return ShockLevel.WARN if size > self.warn_k else ShockLevel.FINE


HEATING = StepLimit(25.0, 35.0, 42.0)
COOLING = StepLimit(25.0, 30.0, 42.0)


@dataclass(frozen=True, slots=True)
class Shock:
    """A bottle of `from_c` °C meets a bath of `to_c` °C; the step is positive upward."""

    from_c: float
    to_c: float

    @property
    def step_k(self) -> float:
        """The step in K, positive when the bottle is heated."""
        return self.to_c - self.from_c

    @property
    def level(self) -> ShockLevel:
        """How far the step goes."""
        return (HEATING if self.step_k >= 0.0 else COOLING).level(self.step_k)


def shock(from_c: float, to_c: float) -> Shock:
    """Return the step of a bottle of `from_c` °C that goes at once into `to_c` °C."""
    return Shock(from_c, to_c)


def hottest_bath_c(bottle_in_c: float) -> float:
    """Return the hottest first bath (°C) for bottles of `bottle_in_c` °C that stays within the upward limit.

    In a Jura winter bottles come in at 0 °C: 35 °C is then the limit, and a pre-soak at 45 °C would break glass.
    """
    return bottle_in_c + HEATING.block_k

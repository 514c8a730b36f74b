"""A ramp: the values of a set point on its way from one to another, and when each is written. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Ramp", "ramp"]

_EVERY_S = 10.0  # between two steps, where the instrument's resolution allows it


@dataclass(frozen=True, slots=True)
class Ramp:
    """From `start` to `target` in the tag's unit, `per_min` a minute, in steps of `size`."""

    start: float
    target: float
    per_min: float
    size: float

    @property
    def lasts_s(self) -> float:
        """How long it takes, s of process time."""
        return abs(self.target - self.start) / self.per_min * 60.0

    def steps(self) -> Iterator[tuple[float, float]]:
        """Return each step: how long after the one before it is due (s), and its value; the last is the target.

        No step is larger than its wait allows, so that a ramp at the highest rate of a tag is never too fast for it.
        """
        sign, whole = math.copysign(1.0, self.target - self.start), abs(self.target - self.start)
        count = max(0, math.ceil(whole / self.size - 1e-9))
        done = 0.0
        for number in range(1, count + 1):
            after = whole if number == count else number * self.size
            value = self.target if number == count else self.start + sign * after
            yield (after - done) / self.per_min * 60.0, value
            done = after


def ramp(start: float, target: float, per_min: float, resolution: float = 0.0) -> Ramp:
    """Return the ramp from `start` to `target`; `resolution` is the smallest change that the device can keep (0: any).

    Raises:
        ValueError: the rate is not above 0.
    """
    if not (per_min > 0.0 and math.isfinite(per_min)):
        msg = f"a ramp needs a rate above 0 a minute, not {per_min}"
        raise ValueError(msg)
    wanted = per_min * _EVERY_S / 60.0
    size = max(1, math.floor(wanted / resolution + 1e-9)) * resolution if resolution > 0.0 else wanted
    return Ramp(start, target, per_min, size)

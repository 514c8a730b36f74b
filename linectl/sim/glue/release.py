"""Release in bulk: what each label withstands, and when a common history of exposure takes it off.

All bottles of a row share their exposure; what differs is the dose each label withstands, exp(sigma z), or that it
never lets go. So the time off is the inverse of one cumulative curve: exact, and a million a second.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from linectl.sim.glue.labels import Glue

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["BLOCK", "Draws", "draw_bottles", "limits", "release_times"]

BLOCK = 1024  # bottles whose chances are drawn at once


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """What chance gives to bottles, arrays of one figure a bottle.

    `resistance` and `inlet` are standard normal, the others uniform in [0, 1): whether the label `never` comes off,
    how it comes off (`mode`), how much shock its glass bears (`strength`), what the camera makes of it (`camera`).
    """

    resistance: Array
    inlet: Array
    never: Array
    mode: Array
    strength: Array
    camera: Array

    def part(self, first: int, count: int) -> Draws:
        """Return the draws of `count` bottles from `first` on."""
        some = slice(first, first + count)
        return Draws(
            self.resistance[some],
            self.inlet[some],
            self.never[some],
            self.mode[some],
            self.strength[some],
            self.camera[some],
        )


def draw_bottles(seed: int, lot: str, block: int) -> Draws:
    """Return the draws of the bottles `block` x 1024 to `block` x 1024 + 1023 of a lot: of these three alone."""
    import numpy as np

    digest = hashlib.sha256(f"{seed}/lot/{lot}/{block}".encode()).digest()
    source = np.random.default_rng(int.from_bytes(digest[:16], "big"))
    normal = source.standard_normal((2, BLOCK))
    even = source.random((4, BLOCK))
    return Draws(normal[0], normal[1], even[0], even[1], even[2], even[3])


def limits(glue: Glue, draws: Draws) -> Array:
    """Return the dose at which each label comes off; infinite: never."""
    import numpy as np

    return np.where(draws.never < glue.p_never, np.inf, np.exp(glue.sigma * draws.resistance))


def release_times(limit: Array, time_s: Array, dose: Array) -> Array:
    """Return when (s) the cumulative `dose` at `time_s` reaches each `limit`: infinite where it does not.

    Arrays: `limit` (bottles,), `time_s` and `dose` (points,), both rising; between points the dose rises evenly. A
    label whose limit lies below the first dose was off before: its time is -inf.
    """
    import numpy as np

    return np.interp(limit, dose, time_s, left=-np.inf, right=np.inf)

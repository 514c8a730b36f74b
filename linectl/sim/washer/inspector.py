"""The camera at the outfeed, and the count of what became of each lot.

It rejects a bottle with more than a share of its label area still covered, and is wrong now and then. No plant has
published how often: the rates are engineering estimates and belong to the washer's parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from linectl.errors import ConfigError
from linectl.words import number, tr

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Counts", "Inspector", "LotTally"]


@dataclass(frozen=True, slots=True)
class Inspector:
    """Rejects what has more than `limit_pct` of its label area covered.

    `false_accept` is the share of dirty bottles that it lets pass, `false_reject` of clean ones that it throws out.

    Raises:
        ConfigError: a share outside 0 to 0.5, or a limit outside 0 to 100 %.
    """

    limit_pct: float = 1.0
    false_accept: float = 0.005
    false_reject: float = 0.003

    def __post_init__(self) -> None:
        for name, value, high in (
            ("limit_pct", self.limit_pct, 100.0),
            ("false_accept", self.false_accept, 0.5),
            ("false_reject", self.false_reject, 0.5),
        ):
            if not 0.0 <= value <= high:
                text = tr("inspector: {name} {value} is outside 0 to {high} (engineering estimate)")
                raise ConfigError(text.format(name=name, value=number(value), high=number(high)))

    def dirty(self, residue_pct: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which bottles deserve to be rejected."""
        return residue_pct > self.limit_pct

    def rejects(self, residue_pct: NDArray[np.float64], camera: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which bottles it rejects; `camera` is a number in [0, 1) for each, drawn once for the bottle."""
        import numpy as np

        return np.where(self.dirty(residue_pct), camera >= self.false_accept, camera < self.false_reject)


@dataclass(slots=True)
class Counts:
    """Bottles since the start: `fed` = inside + `out` + `rejected` + `broken`; `out` are those accepted."""

    fed: int = 0
    out: int = 0
    rejected: int = 0
    broken: int = 0

    @property
    def inside(self) -> int:
        """Bottles in the washer; one that broke counts until its pocket comes out empty."""
        return self.fed - self.out - self.rejected - self.broken


@dataclass(slots=True)
class LotTally(Counts):
    """What became of one lot: of the bottles that came out whole, labels off at the exit and the inspector's errors.

    `passed_hygiene` counts those over the floor of F or A0.
    """

    released: int = 0
    false_accepts: int = 0
    false_rejects: int = 0
    passed_hygiene: int = 0

    @property
    def judged(self) -> int:
        """Bottles that came out whole."""
        return self.out + self.rejected

    @property
    def released_share(self) -> float | None:
        """The share of whole bottles whose label was off at the exit; None before the first."""
        return self.released / self.judged if self.judged else None

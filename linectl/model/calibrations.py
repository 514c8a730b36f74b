"""What is known of a sensor's trueness: its standard uncertainty after calibration, and until when that holds.

A calibration made with linectl is a record of its own: the points, the curve that corrects readings, its uncertainty,
who made it and when. Records are never changed; one of them is active, or none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Budget", "CalPoint", "Calibration", "Calibrations", "Curve", "Method", "Policy", "Record", "TitratedSample"]

_NEWTON = 60  # steps; a curve that rises needs about six
Method = str  # comparison | titration
Policy = str  # block | warn | ignore


@dataclass(frozen=True, slots=True)
class Curve:
    """How a reading x is corrected: c0 + c1 x + c2 x² + ..., in the tag's unit.

    `low` and `high` are the least and the highest reading of the points that it was made from. Beyond them a curve of
    degree 2 or more goes on straight, as steep as it ends: a polynomial runs away outside its points.
    """

    coefficients: tuple[float, ...]
    low: float
    high: float

    def __call__(self, reading: float) -> float:
        """Return the corrected value of `reading`."""
        if len(self.coefficients) <= 2:  # straight anyway
            return self._at(reading)
        inside = min(max(reading, self.low), self.high)
        return self._at(inside) + self.slope(inside) * (reading - inside)

    def slope(self, reading: float) -> float:
        """Return by how much the corrected value rises per unit of the reading at `reading`."""
        x = min(max(reading, self.low), self.high)
        total = 0.0
        for power in range(len(self.coefficients) - 1, 0, -1):
            total = total * x + power * self.coefficients[power]
        return total

    def before(self, value: float) -> float:
        """Return the reading that this curve, which rises, corrects to `value`."""
        x = value
        for _ in range(_NEWTON):
            step = (self(x) - value) / self.slope(x)
            x -= step
            if abs(step) <= 1e-12 * max(1.0, abs(x)):
                break
        return x

    def rises(self) -> bool:
        """Return whether a higher reading is a higher value, everywhere."""
        steps = 200
        span = self.high - self.low
        return all(self.slope(self.low + span * k / steps) > 0.0 for k in range(steps + 1))

    def _at(self, reading: float) -> float:
        total = 0.0
        for coefficient in reversed(self.coefficients):
            total = total * reading + coefficient
        return total


@dataclass(frozen=True, slots=True)
class Calibration:
    """One sensor's calibration: `u` is its standard uncertainty (k = 1) in `unit`; dates as YYYY-MM-DD.

    `version` and `sha256` name the record that is active, with the `curve` by which readings are corrected; version 0
    is what the calibration file of the line says, which corrects nothing.
    """

    tag: str
    u: float
    unit: str
    done: str
    due: str
    by: str = ""
    method: str = ""
    certificate: str = ""
    version: int = 0
    sha256: str = ""
    curve: Curve | None = None


@dataclass(frozen=True, slots=True)
class Calibrations:
    """One file of calibrations: by tag, with the SHA-256 of the file."""

    name: str
    sensors: Mapping[str, Calibration]
    sha256: str


@dataclass(frozen=True, slots=True)
class CalPoint:
    """One point, in the tag's unit: the reference's value and standard uncertainty, and what the sensor read there.

    `reading` is the mean of `count` readings before any correction, `scatter` their standard deviation, `effective`
    how many independent ones they are worth; `found` is what linectl showed, corrected by what was active then.
    """

    reference: float
    u: float
    reading: float
    scatter: float = 0.0
    count: int = 1
    effective: float = 1.0
    found: float | None = None


@dataclass(frozen=True, slots=True)
class TitratedSample:
    """One titration: volumes in mL; `total_ml` is the acid down to methyl orange, None when it stopped at pH 8.3.

    `naoh_pct` is the free NaOH that it gives, in % by mass.
    """

    sample_ml: float
    acid_ml: float
    normality: float
    total_ml: float | None
    naoh_pct: float


@dataclass(frozen=True, slots=True)
class Budget:
    """The standard uncertainties (k = 1) of a corrected reading, in the tag's unit, where they are largest.

    `u` is all of them together, `dof` its effective degrees of freedom, `k` the factor of its 95 % interval.
    """

    reference: float
    scatter: float
    fit: float
    resolution: float
    u: float
    dof: float = math.inf
    k: float = 2.0


@dataclass(frozen=True, slots=True)
class Record:
    """One calibration as it was made; `sha256` is that of its file, "" before it is written.

    `made` is ISO 8601 with offset, `due` YYYY-MM-DD. A titration has its samples beside its one point.
    """

    line: str
    tag: str
    version: int
    unit: str
    method: Method
    by: str
    made: str
    due: str
    certificate: str
    note: str
    simulated: bool
    curve: Curve
    budget: Budget
    r_squared: float | None
    points: tuple[CalPoint, ...]
    samples: tuple[TitratedSample, ...] = field(default=())
    sha256: str = ""

    @property
    def degree(self) -> int:
        """The degree of the curve: 0 an offset, 1 offset and gain (a titration: a gain alone)."""
        if len(self.curve.coefficients) == 2 and self.curve.coefficients[1] == 1.0:
            return 0
        return len(self.curve.coefficients) - 1

    def calibration(self) -> Calibration:
        """Return what runs and verdicts need of it."""
        return Calibration(
            tag=self.tag,
            u=self.budget.u,
            unit=self.unit,
            done=self.made[:10],
            due=self.due,
            by=self.by,
            method=self.method,
            certificate=self.certificate,
            version=self.version,
            sha256=self.sha256,
            curve=self.curve,
        )

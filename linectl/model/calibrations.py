"""What is known of a sensor's trueness: its standard uncertainty after calibration, and until when that holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Calibration", "Calibrations"]


@dataclass(frozen=True, slots=True)
class Calibration:
    """One sensor's calibration: `u` is its standard uncertainty (k = 1) in `unit`; dates as YYYY-MM-DD."""

    tag: str
    u: float
    unit: str
    done: str
    due: str
    by: str = ""
    method: str = ""


@dataclass(frozen=True, slots=True)
class Calibrations:
    """One file of calibrations: by tag, with the SHA-256 of the file."""

    name: str
    sensors: Mapping[str, Calibration]
    sha256: str

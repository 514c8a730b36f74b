"""Past trials as read from a spreadsheet."""

from __future__ import annotations

from dataclasses import dataclass

from linectl.errors import Problem

__all__ = ["ImportedBath", "ImportedBottle", "ImportedTrials"]


@dataclass(frozen=True, slots=True)
class ImportedBottle:
    """One row: times in s since this bottle went in, `hi_s` None when the label was still on at `lo_s`."""

    label: str
    glue: str
    bath: str
    lo_s: float
    hi_s: float | None
    inserted_s: float
    position: int  # 0: not told
    line: int


@dataclass(frozen=True, slots=True)
class ImportedBath:
    """One bath: °C (the mean of its trace, when it has one), NaOH %, which repeat, trace as (s, °C) points."""

    name: str
    temperature_c: float
    naoh_pct: float
    replicate: int
    trace: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class ImportedTrials:
    """A file of past trials that can be used; `warnings` say what its reader should ask its author."""

    file: str
    file_hash: str
    text: str
    baths: tuple[ImportedBath, ...]
    bottles: tuple[ImportedBottle, ...]
    warnings: tuple[Problem, ...] = ()

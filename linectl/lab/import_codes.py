"""Stable codes of what can be wrong with a file of past trials; `docs/import.md` explains each with its remedy."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["ImportCode"]


class ImportCode(StrEnum):
    """One kind of mistake or doubt; never renamed, never reused."""

    SEVERAL = "E-DAT-001"  # the error as a whole, when its problems are of several kinds
    UNREADABLE = "E-DAT-002"
    COLUMNS = "E-DAT-003"
    UNIT = "E-DAT-004"
    VALUE = "E-DAT-005"
    CHECKS_OUT_OF_ORDER = "E-DAT-006"
    NEVER_LOOKED = "E-DAT-007"
    DUPLICATE_BOTTLE = "E-DAT-008"
    BATH_DISAGREES = "E-DAT-009"
    DROPPED = "E-DAT-010"
    NONE_STILL_ON = "E-DAT-011"  # a warning
    ONE_TEMPERATURE = "E-DAT-012"  # a warning
    FAHRENHEIT = "E-DAT-013"
    TEMPERATURE = "E-DAT-014"
    NAOH = "E-DAT-015"
    TRACE_UNREADABLE = "E-DAT-016"
    TRACE_OUT_OF_ORDER = "E-DAT-017"
    TRACE_GAP = "E-DAT-018"  # a warning
    TRACE_SHORT = "E-DAT-019"  # a warning
    UNKNOWN_GLUE = "E-DAT-020"
    TIME_UNIT = "E-DAT-021"

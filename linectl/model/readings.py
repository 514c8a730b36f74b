"""What a tag said, how far it can be trusted, and when."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

__all__ = ["BAD_REASONS", "GOOD", "Level", "Quality", "Reading", "Scan", "ScanLayout", "bad", "uncertain"]

Value = float | int | bool


class Level(IntEnum):
    """OPC UA's three levels, in the codes of historians (top two bits of the quality byte)."""

    BAD = 0
    UNCERTAIN = 64
    GOOD = 192


BAD_REASONS = (
    "not_connected",
    "sensor_failure",
    "out_of_range",
    "stale",
    "waiting_for_initial_data",
    "out_of_service",
    "substituted",
    "timeout",
    "bad_reply",
)
"""Reasons in the order of their codes: reason number k (from 1) is the low six bits of the quality byte."""


@dataclass(frozen=True, slots=True)
class Quality:
    """How far a reading can be trusted: a level, and for any but GOOD a reason of `BAD_REASONS`."""

    level: Level
    reason: str = ""

    @property
    def byte(self) -> int:
        """The level and the reason in one byte, as the store keeps them."""
        return self.level + (BAD_REASONS.index(self.reason) + 1 if self.reason else 0)

    @property
    def is_good(self) -> bool:
        """Whether the level is GOOD."""
        return self.level is Level.GOOD

    @classmethod
    def from_byte(cls, byte: int) -> Quality:
        """Return the quality that `byte` (0-255) stands for."""
        code = byte & 0x3F
        return cls(Level(byte & 0xC0), BAD_REASONS[code - 1] if code else "")

    def __str__(self) -> str:
        """Return the level, and the reason after a slash: `BAD/not_connected`."""
        return f"{self.level.name}/{self.reason}" if self.reason else self.level.name


GOOD = Quality(Level.GOOD)
_BAD = {reason: Quality(Level.BAD, reason) for reason in BAD_REASONS}
_UNCERTAIN = {reason: Quality(Level.UNCERTAIN, reason) for reason in BAD_REASONS}


def bad(reason: str) -> Quality:
    """Return the BAD quality for `reason`, a word of `BAD_REASONS`."""
    return _BAD[reason]


def uncertain(reason: str) -> Quality:
    """Return the UNCERTAIN quality for `reason`, a word of `BAD_REASONS`."""
    return _UNCERTAIN[reason]


class Reading(NamedTuple):
    """One value of a tag in the tag's unit; `value` is None, never a stand-in, when quality is BAD.

    A plain tuple, for one is made per tag and scan.
    """

    tag: str
    value: Value | None
    quality: Quality
    source_time_ns: int  # when the device says, else when its reply arrived
    received_time_ns: int
    sequence: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ScanLayout:
    """The tags of one scan group, in the order in which its scans hold them."""

    group: str
    period_s: float
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scan:
    """All readings of one tick of a scan group.

    `sequence` counts ticks (a missed one is skipped and leaves a hole), `loop_ns` is the tick's process time and
    `t_ns` its wall time; `boot` names the start of the program that made it.
    """

    layout: ScanLayout
    boot: str
    sequence: int
    loop_ns: int
    t_ns: int
    readings: tuple[Reading, ...]

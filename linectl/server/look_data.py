"""What a tag says as data: how a server tells it, and how whoever asked has it again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from drivers.link import RawReading, RawValue
from linectl.model.lines import LineDefinition
from linectl.model.readings import GOOD, Level, Quality, Reading
from linectl.server.as_data import reading_as_data
from linectl.server.commissioning import Look

__all__ = ["look_as_data", "look_of"]


def look_as_data(look: Look) -> dict[str, Any]:
    """Return what a tag says for machines: its reading, raw value and age; a block's value is its registers."""
    data = reading_as_data(look.tag, look.reading)
    if look.registers:
        data |= {"value": list(look.registers), "quality": "GOOD", "reason": "", "detail": ""}
    raw = None if look.raw is None else _plain(look.raw.value)
    why = "" if look.raw is None else look.raw.reason
    return {**data, "raw": raw, "raw_reason": why, "age_s": round(look.age_s, 3)}


def look_of(definition: LineDefinition, told: Mapping[str, Any]) -> Look:
    """Return what `look_as_data` told of a tag of `definition`."""
    level, reason = Level[told["quality"]], str(told["reason"])
    raw = tuple(told["raw"]) if isinstance(told["raw"], list) else told["raw"]
    registers = isinstance(told["value"], list)
    reading = Reading(
        told["tag"],
        None if registers else told["value"],
        GOOD if level is Level.GOOD else Quality(level, reason),
        _ns(told["source_time"]),
        _ns(told["received_time"]),
        told["sequence"],
        told["detail"],
    )
    said = None if raw is None and definition.tags[told["tag"]].point is None else RawReading(raw, told["raw_reason"])
    return Look(definition.tags[told["tag"]], reading, said, told["age_s"])


def _ns(time: str) -> int:
    return round(datetime.fromisoformat(time).timestamp() * 1_000_000) * 1000


def _plain(raw: RawValue | None) -> object:
    if isinstance(raw, float) and not math.isfinite(raw):
        return str(raw)
    return list(raw) if isinstance(raw, tuple) else raw

"""Times and readings as data for machines: ISO 8601 with offset, a missing value null with its reason."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, overload

from linectl.model.lines import Tag
from linectl.model.readings import Reading

__all__ = ["iso", "reading_as_data"]


@overload
def iso(time_ns: int) -> str: ...
@overload
def iso(time_ns: None) -> None: ...
def iso(time_ns: int | None) -> str | None:
    """Return a wall time (ns UTC) in ISO 8601 with milliseconds and offset; None for none."""
    return None if time_ns is None else datetime.fromtimestamp(time_ns / 1e9, UTC).isoformat(timespec="milliseconds")


def reading_as_data(tag: Tag, reading: Reading) -> dict[str, Any]:
    """Return a reading for machines; a missing value is null, with its reason."""
    return {
        "tag": reading.tag,
        "value": reading.value,
        "unit": tag.unit,
        "quality": reading.quality.level.name,
        "reason": reading.quality.reason,
        "detail": reading.detail,
        "source_time": iso(reading.source_time_ns),
        "received_time": iso(reading.received_time_ns),
        "sequence": reading.sequence,
    }

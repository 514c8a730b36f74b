"""Tags and what they say, as words for people and as data for machines."""

from __future__ import annotations

from typing import Any

from drivers.link import RawReading
from linectl.line.links import address_of
from linectl.line.reason_words import reason_text
from linectl.line.typed import value_text
from linectl.model.lines import LineDefinition, Tag
from linectl.model.readings import Quality
from linectl.words import decimal, number, tr

__all__ = [
    "age_text",
    "quality_text",
    "raw_text",
    "tag_as_data",
    "tag_row",
    "value_text",
]

_MINUTE_S, _HOUR_S = 60, 3600


def raw_text(raw: RawReading | None) -> str:
    """Return a raw value as the wire gave it."""
    if raw is None or raw.value is None:
        return "-"
    return " ".join(map(str, raw.value)) if isinstance(raw.value, tuple) else str(raw.value)


def age_text(age_s: float) -> str:
    """Return an age in the unit that fits it."""
    if age_s < _MINUTE_S:
        return tr("{s} s").format(s=decimal(age_s))
    if age_s < _HOUR_S:
        return tr("{min} min").format(min=round(age_s / _MINUTE_S))
    return tr("{h} h").format(h=round(age_s / _HOUR_S))


def quality_text(quality: Quality) -> str:
    """Return what a quality means, for people: `good`, or why not."""
    return reason_text(quality.reason)


def tag_row(definition: LineDefinition, tag: Tag) -> list[str]:
    """Return the cells of a tag in `tags ls`: name, unit, address, kind, rights, scaling, range, scan, device."""
    point = tag.point
    if tag.derived is not None:
        where, kind = f"{tag.derived.law}({', '.join(tag.derived.inputs)})", "-"
    else:
        assert point is not None
        where = f"{tag.link} {point.address}"
        kind = point.kind if point.order == "ABCD" else f"{point.kind} {point.order}"
    scan = tr("{group}, {s} s").format(group=tag.scan, s=number(definition.scans[tag.scan])) if tag.scan else "-"
    rights = tr("write") if tag.writable else tr("read")
    return [tag.name, tag.unit or "-", where, kind, rights, _scaling(tag), _range(tag), scan, tag.device or "-"]


def _scaling(tag: Tag) -> str:
    scaling = tag.scaling
    gain = "" if scaling.gain == 1.0 else f"× {number(scaling.gain)}"
    offset = "" if scaling.offset == 0.0 else f"{'+' if scaling.offset > 0 else '-'} {number(abs(scaling.offset))}"
    return f"{gain} {offset}".strip() or "-"


def _range(tag: Tag) -> str:
    if tag.low is None and tag.high is None:
        return "-"
    return f"{'' if tag.low is None else number(tag.low)}..{'' if tag.high is None else number(tag.high)}"


def tag_as_data(definition: LineDefinition, tag: Tag) -> dict[str, Any]:
    """Return a tag for machines."""
    point, settings = tag.point, definition.links.get(tag.link)
    return {
        "tag": tag.name,
        "unit": tag.unit,
        "description": tag.description,
        "label": tag.label,
        "link": tag.link or None,
        "link_address": None if settings is None else address_of(settings),
        "address": None if point is None else point.address,
        "kind": None if point is None else point.kind,
        "order": None if point is None else point.order,
        "derived": None if tag.derived is None else {"law": tag.derived.law, "inputs": list(tag.derived.inputs)},
        "gain": tag.scaling.gain,
        "offset": tag.scaling.offset,
        "low": tag.low,
        "high": tag.high,
        "writable": tag.writable,
        "scan": tag.scan or None,
        "period_s": definition.scans.get(tag.scan),
        "device": tag.device or None,
        "type": tag.dtype,
    }

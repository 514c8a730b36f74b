"""The doctor's look at instruments that are described by files: does each say what a sound one says?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from linectl.model.devices import Device, Expectation
from linectl.model.lines import LineDefinition, Tag
from linectl.server.doctor_finding import Finding
from linectl.server.doctor_tags import Said, judge_expectation

__all__ = ["judge_devices", "name_of", "with_expectations"]


def name_of(device: Device, wanted: Expectation) -> str:
    """Return the name of the tag by which an expectation is read."""
    return f"doctor.{device.name}.{wanted.point}"


def with_expectations(definition: LineDefinition) -> LineDefinition:
    """Return the line with a tag for each thing that its instruments are expected to say."""
    extra = {
        name_of(device, wanted): _tag(device, wanted)
        for device in definition.devices.values()
        for wanted in device.definition.expectations
    }
    return replace(definition, tags={**definition.tags, **extra})


def _tag(device: Device, wanted: Expectation) -> Tag:
    """Return a tag without a range of its own: the expectation judges."""
    point = device.definition.points[wanted.point]
    return Tag(
        name_of(device, wanted),
        point.unit,
        link=device.link,
        point=device.point(wanted.point),
        scaling=point.scaling,
        dtype=point.dtype,
        device=device.name,
        device_point=wanted.point,
    )


def judge_devices(definition: LineDefinition, said: Mapping[str, Said]) -> Iterator[Finding]:
    """Give what instruments say otherwise than they should; those whose wire or unit is deaf are told elsewhere."""
    for device in definition.devices.values():
        for wanted in device.definition.expectations:
            each = said.get(name_of(device, wanted))
            if each is not None:
                yield from judge_expectation(device, wanted, each)

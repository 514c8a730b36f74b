"""The doctor's look at instruments that are described by files: does each say what a sound one says?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from linectl.model.devices import Device, Expectation
from linectl.model.lines import LineDefinition, Tag
from linectl.server.doctor.finding import Finding, Level, Place
from linectl.server.doctor.tags import Said, judge_expectation
from linectl.words import tr

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
        found = [(wanted, said.get(name_of(device, wanted))) for wanted in device.definition.expectations]
        heard = [(wanted, each) for wanted, each in found if each is not None]
        if heard and all(each.reading.quality.reason == "out_of_service" for _, each in heard):
            yield _another(device, heard[0][1])
            continue
        for wanted, each in heard:
            yield from judge_expectation(device, wanted, each)


def _another(device: Device, said: Said) -> Finding:
    """Return the finding on a unit that has none of the registers of the instrument it should be."""
    text = tr("{device}: unit {unit} has none of the registers of {kind}: it is another instrument")
    what = text.format(device=device.name, unit=device.unit, kind=device.definition.name)
    do = tr("have two units been exchanged? `linectl scan modbus` tells who each is")
    return Finding(Level.ERROR, "devices", "another_instrument", what, do, Place("", said.place.address, said.file))

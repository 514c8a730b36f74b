"""The doctor's look at the PLC: is it the one that linectl knows, is it free, and does its program run?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

from linectl.line.line import Line
from linectl.line.plc import SCHEMA
from linectl.model.lines import Control, LineDefinition
from linectl.server.doctor.finding import Finding, Level, Place
from linectl.words import tr

__all__ = ["judge_plc"]

_ROOM = "plc"
_MOVES_WITHIN_S = 3.0  # the PLC's own counter moves once a second
_LOOK_AGAIN_S = 0.4


async def judge_plc(
    line: Line, definition: LineDefinition, control: Control, places: Mapping[str, str]
) -> AsyncIterator[Finding]:
    """Give what keeps linectl from writing to this PLC; a tag that cannot be read is told elsewhere."""
    schema = f"{control.heartbeat.rpartition('.')[0]}.schema_version"
    if schema in line.definition.tags:
        version = (await line.read(schema)).value
        if version is not None and version != SCHEMA:
            text = tr("the PLC's register map has version {theirs}, linectl knows version {ours}: nothing is written")
            do = tr("is this the PLC of this line? Two addresses may have been exchanged")
            what = text.format(theirs=version, ours=SCHEMA)
            yield Finding(Level.ERROR, _ROOM, "plc_identity", what, do, _place(definition, schema, places))
    owner = (await line.read(control.owner)).value
    if owner not in {None, 0, control.token}:
        what = tr("the computer with token {owner} holds the PLC (ours is {token})")
        do = tr("end linectl there; its lease ends 10 s after its last heartbeat")
        text = what.format(owner=owner, token=control.token)
        yield Finding(Level.WARNING, _ROOM, "plc_owner", text, do, _place(definition, control.owner, places))
    if await _stands_still(line, control.plc_counter):
        what = tr("the PLC's own counter stands still: its network answers, its program does not run")
        do = tr("put the PLC to RUN, and look at its fault lamp")
        place = _place(definition, control.plc_counter, places)
        yield Finding(Level.ERROR, _ROOM, "plc_counter", what, do, place)


def _place(definition: LineDefinition, name: str, places: Mapping[str, str]) -> Place:
    tag = definition.tags[name]
    address = "" if tag.point is None else f"{tag.link} {tag.point.address}"
    return Place(name, address, places.get(name, ""))


async def _stands_still(line: Line, counter: str) -> bool:
    loop = asyncio.get_running_loop()
    first = (await line.read(counter)).value
    end_s = loop.time() + _MOVES_WITHIN_S
    while first is not None and loop.time() < end_s:
        await asyncio.sleep(_LOOK_AGAIN_S)
        if (await line.read(counter)).value != first:
            return False
    return first is not None

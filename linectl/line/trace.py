"""One tag followed from the wire to its value: frames, registers, raw value, reading, and the other word orders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from drivers.addresses import modbus_address
from drivers.errors import BadAddress
from drivers.link import Link, Point, Priority, RawReading
from drivers.wire_tap import Frame
from linectl.errors import ConfigError
from linectl.line.wire import Wire
from linectl.model.lines import Tag
from linectl.model.readings import Reading
from linectl.words import tr

__all__ = ["Trace", "block_of", "traced"]

_TABLES = frozenset({"hr", "ir"})


@dataclass(frozen=True, slots=True)
class Trace:
    """A tag, what its wire said, its registers as they stood there (empty where it has none), and the frames."""

    tag: Tag
    reading: Reading
    raw: RawReading
    registers: tuple[int, ...]
    frames: tuple[Frame, ...]


def block_of(point: Point) -> Point | None:
    """Return the registers of `point` as a block of the same place; None where it has no registers."""
    try:
        address = modbus_address(point)
    except BadAddress:
        return None
    if address.table not in _TABLES:
        return None
    first, count = address.whole or (address.address, address.count)
    part = f"+{address.address - first}" if address.whole else ""
    where = f"{address.unit}/{address.table}{first}:{count}{part}"
    return replace(point, address=where, kind="block", order="ABCD")


async def traced(tag: Tag, wire: Wire, links: Mapping[str, Link]) -> Trace:
    """Return the trace of `tag` (see `Line.trace`); its value and its registers come from the same reply."""
    if tag.point is None or tag.derived is not None:
        inputs = ", ".join(tag.derived.inputs) if tag.derived is not None else ""
        raise ConfigError(
            tr("{tag} is derived from {inputs}: it has no wire of its own").format(tag=tag.name, inputs=inputs)
        )
    block = block_of(tag.point)
    points = (tag.point,) if block is None or block == tag.point else (tag.point, block)
    tap = links[tag.link].tap
    mark = tap.mark()
    answers = await wire.ask(tag, points, priority=Priority.READ)
    raw = answers[tag.point]
    registers = () if block is None else _registers(answers[points[-1]], modbus_address(tag.point).count)
    return Trace(tag, wire.take(tag, raw), raw, registers, tap.since(mark))


def _registers(raw: RawReading, count: int) -> tuple[int, ...]:
    return raw.value[:count] if isinstance(raw.value, tuple) else ()

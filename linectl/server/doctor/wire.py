"""The doctor's questions to the wires: every tag once, its registers where it has some, and who else is there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from drivers.errors import DriverError
from drivers.frames.mqtt_forms import DEFAULT_PERIOD_S
from drivers.link import Point
from drivers.modbus.wire import ModbusWire
from drivers.settings import LinkSettings, ModbusRtuSettings, ModbusTcpSettings, MqttSettings
from linectl.clock import Clock
from linectl.line.line import Line
from linectl.line.values import STALE_PERIODS, UNSCANNED_AGE_S
from linectl.line.word_orders import guesses
from linectl.server.commissioning import look
from linectl.server.discovery.modbus import Bounds, answering_units
from linectl.server.doctor.tags import Said

__all__ = ["ask_all", "units_there"]

_BOUNDS = Bounds(requests=300, seconds=12.0)
_UNITS = (*range(1, 248), 0, 255)
_AGAIN_S = 0.2


async def ask_all(line: Line, clock: Clock, places: Mapping[str, str], wait_s: float) -> list[Said]:
    """Return what each tag of an open line says; topics that are silent are listened to for `wait_s`."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    by_itself = [name for name, tag in line.definition.tags.items() if _publishes(line, tag.link)]
    waiting = [name for name in by_itself if line.definition.tags[name].link not in line.unopened]
    while waiting and loop.time() - began_s < wait_s:
        await asyncio.sleep(_AGAIN_S)
        waiting = [name for name in waiting if (await line.read(name)).value is None]
    retained = _retained(line)
    waited_s = loop.time() - began_s
    return [
        await _said(line, name, clock, places, waited_s, only_retained=name in retained)
        for name, tag in line.definition.tags.items()
        if tag.point is not None
    ]


async def _said(
    line: Line, name: str, clock: Clock, places: Mapping[str, str], waited_s: float, *, only_retained: bool
) -> Said:
    now = look(line, name, clock)
    if now.reading.quality.reason in {"timeout", "not_connected"} and now.tag.link not in line.unopened:
        await line.read(name)  # once more: one late answer is no fault
        now = look(line, name, clock)
    registers: tuple[int, ...] = ()
    if guesses(now.tag, (0, 0, 0, 0)[: _width(now.tag.point.kind if now.tag.point else "")]):
        registers = (await line.trace(name)).registers if now.tag.link not in line.unopened else ()
    return Said(
        now.tag, now.reading, now.raw, registers, places.get(name, ""), waited_s, _patience_s(line, name), only_retained
    )


def _width(kind: str) -> int:
    return {"u16": 1, "i16": 1, "u64": 4, "i64": 4, "f64": 4}.get(kind, 2)


def _patience_s(line: Line, name: str) -> float:
    """Return the silence, s, after which a tag is stale: by the period of its sensor, else of its scan."""
    tag = line.definition.tags[name]
    period_s = _own_period_s(line.definition.links.get(tag.link), tag.point) or line.definition.scans.get(tag.scan)
    return UNSCANNED_AGE_S if period_s is None else STALE_PERIODS * period_s


def _own_period_s(settings: LinkSettings | None, point: Point | None) -> float:
    """Return how often, s, a sensor behind a broker says that it publishes; 0 where nothing says so."""
    if point is None or not isinstance(settings, MqttSettings):
        return 0.0
    source = settings.sources.get(point.address.partition("#")[0])
    return 0.0 if source is None else source.period_s or DEFAULT_PERIOD_S.get(source.form, 0.0)


def _publishes(line: Line, link: str) -> bool:
    return isinstance(line.definition.links.get(link), MqttSettings)


def _retained(line: Line) -> set[str]:
    """Return the tags whose topic came as a retained message, as far back as the links' frames go."""
    found = set()
    for name, tag in line.definition.tags.items():
        link = line.link_of(name)
        if tag.point is None or link is None or not _publishes(line, tag.link):
            continue
        sensor = tag.point.address.partition("#")[0]  # a topic, or the name of a source
        if any(frame.note == "retained" and frame.device == sensor for frame in link.tap.frames):
            found.add(name)
    return found


async def units_there(settings: LinkSettings) -> list[int]:
    """Return the Modbus units that answer on a wire that nobody has open, within 300 requests and 12 s."""
    if not isinstance(settings, ModbusTcpSettings | ModbusRtuSettings):
        return []
    wire = ModbusWire(settings)
    try:
        await wire.open()
        return await answering_units(wire, _UNITS, _BOUNDS)
    except DriverError:
        return []
    finally:
        await wire.close()

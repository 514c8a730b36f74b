"""A line on the simulated rig: its real wires in this process, or another process's by its line file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from drivers.link import Link, Outcome, Point
from drivers.settings import MqttSettings
from linectl.clock import Clock
from linectl.config.scenario_file import absent, machines_of
from linectl.errors import ConfigError, DeviceError
from linectl.lab.soak import camera_tag
from linectl.line.line import Line
from linectl.line.links import build_link
from linectl.model.lines import LineDefinition
from linectl.sim.bath.operator import Hands, SimulatedOperator
from linectl.sim.rig import EXTRAS, Rig
from linectl.words import tr

__all__ = ["SimulatedLine", "connect", "hands_of", "serve"]

HANDS = "hands"
BATH = "bath"
_REACH_WITHIN_S = 2.0
_FILL_C = 45.0  # warm feed


@dataclass(frozen=True, slots=True)
class SimulatedLine:
    """A rig that is up, the line that describes its wires, and its links when it has none (in memory)."""

    definition: LineDefinition
    rig: Rig
    links: Mapping[str, Link] | None


def connect(definition: LineDefinition, rig: Rig, speed: float) -> LineDefinition:
    """Return `definition` with the addresses at which `rig` answers; only a lab bath has hands."""
    if BATH not in definition.zones:
        links = {name: rig.settings.get(name, link) for name, link in definition.links.items()}
        return replace(definition, links=links, simulated=True, speed=speed)
    links = {**definition.links, **rig.settings}
    return replace(definition, links=links, simulated=True, hands=HANDS, speed=speed)


@asynccontextmanager
async def serve(
    definition: LineDefinition,
    clock: Clock,
    *,
    seed: int,
    wires: bool = True,
    initial: Mapping[str, float] | None = None,
    port: int = 0,
) -> AsyncIterator[SimulatedLine]:
    """Run a rig for the time of the block; terminals are free ones of this machine, and so is Modbus' port if it is 0.

    Raises:
        Unreachable: the port is taken.
        ConfigError: `initial` names something unknown or of a machine that is not there, or a figure out of its range.
    """
    _must_be_there(definition, initial or {})
    with TemporaryDirectory(prefix="linectl-rig-") as folder:
        bath = definition.zones.get(BATH)
        fill_c = _FILL_C if bath is None else bath.fill_temperature_c
        rig = Rig(
            clock,
            seed=seed,
            initial=initial or {},
            directory=Path(folder),
            wires=wires,
            extra=_extras(definition),
            fill_temperature_c=fill_c,
            port=port,
        )
        async with rig:
            links = None if wires else rig.links()
            yield SimulatedLine(connect(definition, rig, clock.speed), rig, links)


def _must_be_there(definition: LineDefinition, initial: Mapping[str, float]) -> None:
    """Refuse a start of a machine that the line has not: it would be taken, and nobody would see it.

    Raises:
        ConfigError: with the figure and what the line has.
    """
    machines = machines_of(definition)
    for name in initial:
        if absent(name, machines):
            text = tr("{line} cannot start with {name}: it has: {machines}")
            raise ConfigError(text.format(line=definition.name, name=name, machines=", ".join(machines)))


def _extras(definition: LineDefinition) -> set[str]:
    """Return what the line asks for beyond what every rig has: links, and sensors behind its broker."""
    asked = set(definition.links)
    for settings in definition.links.values():
        if isinstance(settings, MqttSettings):
            asked |= settings.sources.keys()
    return asked.intersection(EXTRAS)


@asynccontextmanager
async def hands_of(
    definition: LineDefinition,
    clock: Clock,
    *,
    line: Line,
    simulate_as: Mapping[str, str],
    links: Mapping[str, Link] | None = None,
    seed: int = 0,
) -> AsyncIterator[SimulatedOperator]:
    """Give a simulated operator: hands through the link that the line names, eyes through its label camera."""
    link = links[HANDS] if links else build_link(definition.links[definition.hands])
    await link.open()

    async def put(place: int, code: int) -> None:
        deadline = asyncio.get_running_loop().time() + _REACH_WITHIN_S
        result = await link.write(Point(f"9/hr{place - 1}"), code, deadline=deadline)
        if result.outcome is not Outcome.CONFIRMED:
            raise DeviceError(tr("the simulated operator's hands failed: {detail}").format(detail=result.detail))

    async def look() -> list[bool | None]:
        positions = range(1, definition.zones[BATH].positions + 1)
        seen = [line.reading(camera_tag(position)).value for position in positions]
        return [None if value is None else bool(value) for value in seen]

    try:
        yield SimulatedOperator(clock, Hands(put, look=look), simulate_as=simulate_as, seed=seed)
    finally:
        await link.close()

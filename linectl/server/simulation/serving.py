"""A simulated line that is up: on its wires, with its faults, and with the socket by which others ask of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from linectl.clock import Clock
from linectl.clock.pace import PaceMeter
from linectl.config.scenario_file import machines_of
from linectl.errors import Refused
from linectl.model.faults import FaultOrder
from linectl.model.lines import LineDefinition
from linectl.server.simulation.control import SimControl
from linectl.server.simulation.host import SimHost
from linectl.server.simulation.simulated import serve
from linectl.server.simulation.twin_look import Looker
from linectl.sim.faults.engine import FaultEngine, FaultEvent
from linectl.sim.glue.lots import Lot
from linectl.words import number, tr

__all__ = ["Serving", "Up", "serving"]

_JUDGED_AFTER_S = 1.0  # of wire time: ten ticks


@dataclass(frozen=True, slots=True)
class Serving:
    """What is to be served: a line, from which state and seed, and the faults of its timeline (until `duration_s`)."""

    definition: LineDefinition
    seed: int
    speed: float = 1.0
    initial: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    faults: tuple[FaultOrder, ...] = ()
    duration_s: float | None = None
    lots: tuple[Lot, ...] = ()
    port: int = 0
    data: Path | None = None


@dataclass(frozen=True, slots=True)
class Up:
    """A line that is up: with its addresses, what it answers, and the endpoint file of its control socket."""

    definition: LineDefinition
    host: SimHost
    control: Path


@asynccontextmanager
async def serving(
    wanted: Serving, *, stop: asyncio.Event, on_event: Callable[[FaultEvent], None] | None = None
) -> AsyncIterator[Up]:
    """Serve a simulated line for the time of the block, or until `stop`, which the control socket sets too.

    Raises:
        ConfigError: it cannot start so, or a fault of the timeline cannot be done on it.
        Unreachable: a port is taken, or the broker does not answer.
        Refused: this computer cannot hold the speed.
    """
    clock = Clock(speed=wanted.speed)
    definition = wanted.definition
    async with AsyncExitStack() as stack:
        up = await stack.enter_async_context(
            serve(definition, clock, seed=wanted.seed, initial=wanted.initial, port=wanted.port)
        )
        machines = machines_of(definition)
        looker = Looker(up.rig, clock, definition.name, "washer" if "washer" in machines else "bath")
        looker()  # a washer comes into being when it is first asked for: a start that cannot be is told now
        for lot in wanted.lots:
            up.rig.washer.feed(lot)
        meter = await stack.enter_async_context(PaceMeter(clock, up.rig.advance))
        await _must_hold(meter, wanted.speed)
        engine = await stack.enter_async_context(FaultEngine(up.rig, clock, on_event=on_event, machines=machines))
        host = SimHost(looker, engine, meter, stop, machines)
        control = await stack.enter_async_context(SimControl(definition.name, host.ops(), data=wanted.data))
        for order in wanted.faults:
            engine.add(order)
        if wanted.duration_s is not None:
            end = asyncio.create_task(_mend(engine, clock, wanted.duration_s), name="end of the timeline")
            stack.push_async_callback(_cancelled, end)
        yield Up(up.definition, host, control.file)


async def _must_hold(meter: PaceMeter, speed: float) -> None:
    """Refuse a speed that this computer cannot hold, before anybody relies on it."""
    if speed <= 1.0:
        return
    pace = await meter.settled(_JUDGED_AFTER_S)
    if not pace.held:
        raise Refused(
            tr("this computer cannot hold the speed x{speed}: the plant alone takes {busy} % of the time").format(
                speed=number(speed), busy=round(100.0 * pace.busy)
            ),
            hint=tr(
                "it would hold about x{highest}; or use virtual time (linectl sim scenario, linectl run --sim)"
            ).format(highest=number(float(f"{pace.highest:.1g}"))),
            code="E-SIM-008",
        )


async def _mend(engine: FaultEngine, clock: Clock, duration_s: float) -> None:
    await clock.sleep(duration_s)
    engine.clear_all()


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

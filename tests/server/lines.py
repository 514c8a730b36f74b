"""A simulated bath with whoever holds it, in memory: in virtual time for what happens, in real time for sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeLoop
from linectl.config.files import find_file
from linectl.config.load import load_line
from linectl.server.line_server import LineServer
from linectl.server.serving import Served, served
from linectl.server.simulation.simulated import serve
from linectl.server.submitting import Submitted
from linectl.sim.rig import Rig

__all__ = ["held", "in_virtual_time", "up"]

T = TypeVar("T")
Held = tuple[LineServer, Rig]


@asynccontextmanager
async def held(
    folder: Path, *, line: str = "simulated", speed: float | None = None, records: bool = False
) -> AsyncIterator[Held]:
    """Hold a simulated line in memory; without a speed in virtual time."""
    clock = Clock(start_ns=VIRTUAL_START_NS) if speed is None else Clock(speed=speed)
    definition = load_line(find_file(Path(f"{line}.yaml"), folder="config"))
    async with (
        serve(definition, clock, seed=1, wires=False) as rig,
        LineServer(
            rig.definition, clock, folder / "line.db", boot="b", links=rig.links, records=records, holder="Zoé"
        ) as server,
    ):
        yield server, rig.rig


def in_virtual_time(folder: Path, act: Callable[[LineServer, Rig], Awaitable[T]]) -> T:
    """Return what `act` returns on a simulated bath."""

    async def main() -> T:
        async with held(folder) as (server, rig):
            return await act(server, rig)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main())


@asynccontextmanager
async def up(folder: Path, *, speed: float = 20.0) -> AsyncIterator[tuple[LineServer, Served]]:
    """Serve a simulated bath over the local API."""
    async with (
        held(folder, speed=speed, records=True) as (server, _rig),
        Submitted(server, folder) as submitted,
        served(server, submitted.operations(), operator="Zoé", data=folder) as found,
    ):
        yield server, found

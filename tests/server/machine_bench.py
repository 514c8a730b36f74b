"""A washer's machine room on the twin, in virtual time, through the line's real register map in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeLoop
from linectl.config.files import find_file
from linectl.config.load import load_line
from linectl.line.interlocks import InterlockState, State, Trip
from linectl.model.people import Who
from linectl.server.line_server import LineServer
from linectl.server.simulation.simulated import serve
from linectl.server.washing.machine import Machine
from linectl.server.washing.machine_args import CommandArgs, RecipeArgs
from linectl.sim.glue.lots import Lot as Bottles
from linectl.sim.rig import Rig
from linectl.sim.washer.plc import WasherPlc
from linectl.store.reader import StoreReader

__all__ = ["LEA", "Bench", "on_a_washer"]

WARM: Mapping[str, float] = {"washer.recipe": 1}
LEA = Who("Léa", "watch")


@dataclass
class FakeRun:
    """A run under way, as the machine knows it."""

    run_id: str = ""
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def would_lose(self) -> str:
        return f"run {self.run_id}, bath 3 of 8"

    def abort(self, *, who: str = "", why: str = "") -> None:
        self.asked.append(("abort", who, why))
        self.run_id = ""

    async def hold(self, *, who: str = "", why: str = "") -> None:
        self.asked.append(("hold", who, why))

    async def resume(self, *, who: str = "") -> None:
        self.asked.append(("resume", who, ""))


@dataclass
class Bench:
    """The twin and the server that holds its line; what a test says of the machine's surroundings."""

    rig: Rig
    clock: Clock
    server: LineServer
    forbidden: list[str] = field(default_factory=list)  # permissives that are missing beside the line's own
    run: FakeRun = field(default_factory=FakeRun)
    trips: list[str] | None = None  # in place of those of the line's guard

    def __post_init__(self) -> None:
        self._surround()

    @property
    def machine(self) -> Machine:
        machine = self.server.machine
        assert machine is not None
        return machine

    @property
    def plc(self) -> WasherPlc:
        return self.rig.washer.plc

    def _surround(self) -> None:
        machine, guard = self.machine, self.server.guard
        assert guard is not None
        honest = machine._commanding._refusing

        async def refusing(what: str) -> list[str]:
            return [*self.forbidden, *await honest(what)]

        machine._commanding._refusing = refusing
        machine._runs = self.run
        machine.lots._rules_state = lambda: guard.state if self.trips is None else self._tripped(self.trips)

    @staticmethod
    def _tripped(names: list[str]) -> State:
        return State(0.0, {name: InterlockState(0.0, Trip(0.0, 0.0)) for name in names})

    async def restart(self, gap_s: float = 0.0) -> None:
        """End the machine's room and make a new one, as a new start of linectl does; nobody counts for `gap_s`."""
        assert self.server.store is not None
        self.machine.close()
        self.server.line._scan_listeners.remove(self.machine.scan)
        await self.clock.sleep(gap_s)
        await self.stored()
        self.server.machine = self.server._made_machine(self.server.store)
        self.machine.open(StoreReader(self.server.store_file))
        self._surround()

    async def stored(self) -> StoreReader:
        """Return a reader of all that was handed to the store so far: in virtual time nothing else brings it there."""
        assert self.server.store is not None
        await self.server.store.put_lots([], {})
        return StoreReader(self.server.store_file)

    def section(self) -> dict[str, Any]:
        told = self.machine.section()
        assert told is not None
        return told

    def value(self, tag: str) -> float:
        reading = self.server.line.reading(tag)
        assert reading.value is not None, reading
        return float(reading.value)

    async def until(self, seen: Callable[[], bool], within_s: float = 120.0) -> None:
        began_s = self.clock.process_s()
        while not seen():
            assert self.clock.process_s() - began_s < within_s, f"not seen within {within_s} s"
            await self.clock.sleep(0.5)

    async def permitted(self, tag: str, within_s: float = 120.0) -> None:
        began_s = self.clock.process_s()
        while await self.server.line.permit(tag, True):
            assert self.clock.process_s() - began_s < within_s, f"not permitted within {within_s} s"
            await self.clock.sleep(0.5)

    async def on(self, *tags: str) -> None:
        """Switch tags on, once nothing stands against it."""
        for tag in tags:
            await self.permitted(tag)
            report = await self.server.write(tag, True, who="Léa")
            assert str(report.outcome) == "confirmed", report

    async def start(self) -> None:
        """Reset the machine, switch water and heat on, start it, dose, and let bottles in."""
        await self.machine.reset(CommandArgs(), LEA)
        await self.on("washer.fresh_valve", "washer.heater_enable")
        assert (await self.machine.start(CommandArgs(), LEA))["outcome"] == "confirmed"
        await self.on("washer.caustic_dose_enable", "washer.feed_enable")

    async def wash(self, *lots: Bottles) -> None:
        """Set the recipe, start the machine, and let bottles in."""
        for lot in lots:
            self.rig.washer.feed(lot)
        await self.machine.recipe(RecipeArgs("reference_80c"), LEA)
        await self.start()

    async def empty(self) -> None:
        """Wait until the last bottle is out, and the machine says that it is complete."""
        await self.server.write("washer.feed_enable", False, who="Léa")
        await self.until(lambda: bool(self.section()["state"] == "complete"), 1200.0)


def on_a_washer(folder: Path, act: Callable[[Bench], Awaitable[None]], *, initial: Mapping[str, float] = WARM) -> None:
    """Run `act` on a bench whose store is in `folder`."""

    async def main() -> None:
        clock = Clock(start_ns=VIRTUAL_START_NS)
        definition = load_line(find_file("simulated_washer", folder="config"))
        async with AsyncExitStack() as stack:
            up = await stack.enter_async_context(serve(definition, clock, seed=3, wires=False, initial=initial))
            server = LineServer(up.definition, clock, folder / "line.db", boot="t", links=up.links)
            await stack.enter_async_context(server)
            await clock.sleep(6.0)  # contacts are read each 5 s
            await act(Bench(up.rig, clock, server))

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())

"""Playing a scenario: a timeline of faults on a simulated line, with the real application on it, in virtual time.

The line is opened, scanned, written and closed by the same `LineServer` that runs experiments; the rig is in memory,
where a seed gives the same story byte for byte, or on wires of this machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeLoop
from linectl.config.files import find_file
from linectl.config.load import load_line
from linectl.config.scenario_file import machines_of
from linectl.model.faults import Scenario
from linectl.model.readings import Value
from linectl.server.line_server import LineServer
from linectl.server.scenario.stage import hold_bath, start_washer
from linectl.server.scenario.witness import Happening, Witness
from linectl.server.simulation.host import fault_views
from linectl.server.simulation.simulated import SimulatedLine, serve
from linectl.server.simulation.twin_look import Looker
from linectl.server.simulation.twin_view import TwinView
from linectl.server.washing.recipes import find_recipe
from linectl.sim.faults.engine import FaultEngine
from linectl.sim.faults.feasible import lots_of

__all__ = ["Happened", "play", "play_in_virtual_time"]

_BEGINS_S = 60.0  # of process time: whatever its wires took to connect, a scenario begins then
_MENDED_WITHIN_S = 60.0  # after its end all is mended; so long the line may need to come back

Tell = Callable[[Happening], None]


@dataclass(frozen=True, slots=True)
class Happened:
    """What a scenario came to: all that happened in its order, and the plant at its end.

    `unshown` counts what was not told one by one, because it came and went too often.
    """

    scenario: Scenario
    seed: int
    happenings: tuple[Happening, ...]
    end: TwinView
    unshown: int

    def count(self, what: str) -> int:
        """Return how often something happened."""
        return sum(each.what == what for each in self.happenings)


def play_in_virtual_time(scenario: Scenario, *, seed: int, wires: bool, tell: Tell) -> Happened:
    """Play `scenario` on a loop whose clock jumps (see `play`)."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(play(scenario, seed=seed, wires=wires, tell=tell))


async def play(scenario: Scenario, *, seed: int, wires: bool = False, tell: Tell) -> Happened:
    """Play `scenario` and `tell` each happening as it comes.

    Raises:
        ConfigError: its line file, or an order that this line cannot carry out.
        DeviceError: the application could not make the line ready, or could not prove at the end that it is safe.
    """
    definition = load_line(find_file(scenario.line, beside=scenario.source or None, folder="config"))
    clock = Clock(start_ns=VIRTUAL_START_NS)
    with TemporaryDirectory(prefix="linectl-scenario-") as folder:
        async with serve(definition, clock, seed=seed, wires=wires, initial=scenario.initial) as up:
            server = LineServer(up.definition, clock, Path(folder) / "scenario.db", boot=f"seed-{seed}", links=up.links)
            async with server:
                return await _on(server, up, scenario, seed, tell)


async def _on(server: LineServer, up: SimulatedLine, scenario: Scenario, seed: int, tell: Tell) -> Happened:
    clock, line = server.clock, server.line
    begin_s = max(_BEGINS_S, clock.process_s())
    machines = machines_of(server.definition)

    looker = Looker(up.rig, clock, server.definition.name, "washer" if "washer" in machines else "bath")
    witness = Witness(server.definition, looker, lambda: round(clock.process_s() - begin_s, 3), tell)
    engine = FaultEngine(up.rig, clock, machines=machines, on_event=witness.fault)
    for lot in lots_of(scenario):
        up.rig.washer.feed(lot)
    written = await _made_ready(server, scenario)
    await clock.sleep_until(begin_s)
    if written:
        witness.note("operator", written=written)
    line.on_scan(witness.scan)
    line.on_event(witness.event)
    try:
        await engine.run(scenario)
        witness.note("end")
        await _come_back(witness, clock)
    finally:
        await engine.stop()
        witness.over = True
    return Happened(scenario, seed, tuple(witness.happened), looker(fault_views(engine)), witness.unshown)


async def _made_ready(server: LineServer, scenario: Scenario) -> dict[str, Value]:
    """Do what an operator does: start the washer with the scenario's recipe, hold the bath."""
    if scenario.recipe:
        recipe, washer = find_recipe(scenario.recipe)
        return await start_washer(server.line, server.clock, recipe, washer)
    return await hold_bath(server.line, scenario.initial)


async def _come_back(witness: Witness, clock: Clock) -> None:
    """Wait until every tag is good again that was before, at most so long as a link may need."""
    end_s = clock.process_s() + _MENDED_WITHIN_S
    while witness.bad and clock.process_s() < end_s:
        await clock.sleep(1.0)
    witness.flush()

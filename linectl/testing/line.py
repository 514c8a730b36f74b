"""The simulated line of one test: opened before it, driven from it, closed after it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from drivers.settings import LinkSettings
from linectl.clock import VIRTUAL_START_NS, Clock
from linectl.config.dump import dump_line
from linectl.config.files import find_file
from linectl.config.load import load_line
from linectl.config.scenario_file import machines_of
from linectl.errors import ConfigError, Refused
from linectl.line.links import address_of
from linectl.model.faults import Scenario
from linectl.model.lines import LineDefinition
from linectl.model.readings import Reading
from linectl.server.bench import Bench
from linectl.server.line_server import LineServer
from linectl.server.places import store_path
from linectl.server.scenario.stage import start_washer
from linectl.server.scripts import given_line, run_script
from linectl.server.simulation.simulated import SimulatedLine, serve
from linectl.server.washing.recipes import find_recipe
from linectl.sim.faults.engine import FaultEngine
from linectl.sim.faults.feasible import lots_of
from linectl.sim.rig import Rig
from linectl.sim.washer.twin import WasherTwin
from linectl.testing.asked import Asked
from linectl.testing.line_faults import LineFaults, playing, scenario_of
from linectl.testing.loop_thread import LoopThread
from linectl.words import tr

__all__ = ["LineInTest", "ServedLine"]

P = ParamSpec("P")
T = TypeVar("T")

_USUAL = "simulated"


class LineInTest:
    """A simulated line in virtual time, of one seed, with a store in the folder of the test.

    Time passes while `run`, `wait` or `script` are under way, and stands still between: nothing happens behind the
    test's back. `bench` is what a script is given by `linectl.open_line`, `rig` the simulated devices, `faults` what
    breaks them. A coroutine test that has the fixture runs in the line's time as a whole, and awaits the bench itself.

    Raises:
        ConfigError: no such line or scenario, or a start value that the rig does not know.
        Refused: the line is a real one.
    """

    virtual = True

    def __init__(self, asked: Asked, *, seed: int, folder: Path, beside: Path) -> None:
        self.asked = asked
        self.folder = folder
        self._beside = beside
        self.scenario = scenario_of(asked.scenario, beside) if asked.scenario else None
        self.seed = seed
        name = asked.line or (self.scenario.line if self.scenario else "") or _USUAL
        self.line_source = find_file(name, beside=beside, folder="config")
        self._definition = load_line(self.line_source)
        if not self._definition.simulated:
            raise Refused(tr("the line {name} is real: a test takes a simulated one").format(name=name))
        self._open = AsyncExitStack()
        self._up: SimulatedLine | None = None
        self._clock: Clock | None = None
        self._bench: Bench | None = None
        self._faults: LineFaults | None = None
        self.loop_thread = LoopThread(virtual=self.virtual)
        try:
            self.loop_thread.do(self._start())
            if self.virtual:
                self.loop_thread.do(self._start_bench())
            if self.scenario is not None:
                self.loop_thread.do(self._start_scenario(self.scenario))
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        """Return the line, its seed and how far its clock is."""
        return f"<{type(self).__name__} {self.definition.name}, seed {self.seed}, at {self.time_s:.1f} s>"

    @property
    def definition(self) -> LineDefinition:
        """The line, with the addresses at which its devices answer."""
        return self._definition if self._up is None else self._up.definition

    @property
    def rig(self) -> Rig:
        """The simulated devices."""
        assert self._up is not None, "the line is closed"
        return self._up.rig

    @property
    def washer(self) -> WasherTwin:
        """The simulated washer: its truth, beside what its PLC says."""
        return self.rig.washer

    @property
    def clock(self) -> Clock:
        """The line's clock."""
        assert self._clock is not None, "the line is closed"
        return self._clock

    @property
    def time_s(self) -> float:
        """Process time since the line was opened, s."""
        return 0.0 if self._clock is None else self._clock.process_s()

    @property
    def bench(self) -> Bench:
        """The line as a script has it; its coroutines are awaited in `run`, or by a coroutine test."""
        if self._bench is None:
            self.loop_thread.do(self._start_bench())
        assert self._bench is not None
        return self._bench

    @property
    def faults(self) -> LineFaults:
        """What breaks the line's devices, and the log of it."""
        if self._faults is None:
            self.loop_thread.do(self._start_faults())
        assert self._faults is not None
        return self._faults

    @property
    def faults_used(self) -> LineFaults | None:
        """The same, when the test or a scenario has used it."""
        return self._faults

    @property
    def store_file(self) -> Path:
        """The store of the line's runs."""
        return store_path(self.definition, self.folder, virtual=self.virtual)

    def run(
        self, work: Callable[Concatenate[Bench, P], Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Await `work(bench, *args)` in the line's time and return its result; what it raises is raised here."""
        __tracebackhide__ = True
        return self.drive(work(self.bench, *args, **kwargs))

    def drive(self, main: Coroutine[Any, Any, T]) -> T:
        """Await `main` in the line's time and return its result."""
        __tracebackhide__ = True
        return self.loop_thread.do(main)

    def wait(self, process_s: float) -> None:
        """Let `process_s` seconds of process time pass."""
        self.drive(self.clock.sleep(process_s))

    def reading(self, tag: str) -> Reading:
        """Return the latest reading of `tag`, judged now."""
        bench = self.bench
        return self.loop_thread.call(lambda: bench.line.reading(tag))

    def script(self, what: str | Path | Callable[[], Coroutine[Any, Any, T]]) -> T | None:
        """Run a script on this line: its file (beside the test, or as `linectl run` finds it), or its `main` function.

        `linectl.open_line` gives the script this line, whatever seed it names. Return what the function returns;
        of a file, None.

        Raises:
            ConfigError: there is no such file.
            Refused: the script opens another line.
        """
        __tracebackhide__ = True
        assert self.bench is not None  # opened before the script asks
        with given_line(self):
            if callable(what):
                return self.drive(what())
            run_script(
                find_file(what, beside=self._beside, folder="experiments"),
                sim=self.virtual,
                seed=self.seed,
                data=self.folder,
            )
            return None

    def close(self) -> None:
        """Close the line and end its loop."""
        try:
            self.loop_thread.do(self._stop())
        finally:
            self.loop_thread.close()

    # how, in the loop's thread

    async def _start(self) -> None:
        speed = 1.0 if self.virtual else self.asked.speed
        self._clock = Clock(start_ns=VIRTUAL_START_NS if self.virtual else None, speed=speed)
        initial = {**(self.scenario.initial if self.scenario else {}), **self.asked.initial}
        wires = self.asked.wires or not self.virtual
        self._up = await self._open.enter_async_context(
            serve(self._definition, self._clock, seed=self.seed, wires=wires, initial=initial)
        )

    async def _start_bench(self) -> None:
        assert self._up is not None, "the line is closed"
        up = self._up
        definition = up.definition if self.virtual else replace(up.definition, store="")
        server = LineServer(definition, self.clock, self.store_file, boot=f"test-{self.seed}", links=up.links)
        await self._open.enter_async_context(server)
        self._bench = Bench(server, seed=self.seed, data=self.folder, links=up.links, answers=self.asked.answers)

    async def _start_scenario(self, scenario: Scenario) -> None:
        """Feed the scenario's bottles, run its recipe, and begin its timeline."""
        for lot in lots_of(scenario):
            self.rig.washer.feed(lot)
        if scenario.recipe:
            if self._bench is None:
                await self._start_bench()
            recipe, washer = find_recipe(scenario.recipe)
            await start_washer(self.bench.line, self.clock, recipe, washer)
        await self._start_faults()

    async def _start_faults(self) -> None:
        engine = FaultEngine(self.rig, self.clock, machines=machines_of(self.definition))
        await self._open.enter_async_context(playing(engine, self.scenario))
        self._faults = LineFaults(engine, self.loop_thread)

    async def _stop(self) -> None:
        await self._open.aclose()
        self._bench = None


class ServedLine(LineInTest):
    """A simulated line on loopback wires in real time, for programs that talk to devices.

    Modbus TCP, serial ports (pseudo-terminals) and an MQTT broker stand at `address(link)`; `line_file` is the line
    with these addresses, for `linectl` in another process. It lives in a thread of its own and goes on while the test
    does something else. The bench connects when it is first asked for.
    """

    virtual = False

    def address(self, link: str) -> str:
        """Return where the device of `link` answers: `host:port`, or the path of its port.

        Raises:
            ConfigError: the line has no such link.
        """
        return address_of(self.settings(link))

    def settings(self, link: str) -> LinkSettings:
        """Return how to reach the device of `link`, as its driver takes it.

        Raises:
            ConfigError: the line has no such link.
        """
        found = self.definition.links.get(link)
        if found is None:
            known = ", ".join(self.definition.links)
            raise ConfigError(
                tr("{line} has no link {link}").format(line=self.definition.name, link=link),
                hint=tr("its links: {links}").format(links=known),
            )
        return found

    @property
    def line_file(self) -> Path:
        """The line as a file, with the addresses of today."""
        path = self.folder / f"{self.definition.name}.served.yaml"
        if not path.exists():
            path.write_text(dump_line(replace(self.definition, store="")), encoding="utf-8")
        return path

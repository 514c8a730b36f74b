"""The application on a simulated line whose parts are broken on purpose: what each test of a fault needs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeLoop
from linectl.config.files import find_file
from linectl.config.load import load_line
from linectl.config.plant_files import load_recipe, load_washer
from linectl.config.scenario_file import machines_of
from linectl.line.line import Line
from linectl.model.faults import FaultOrder
from linectl.model.readings import Level, Scan
from linectl.server.scenario.stage import start_washer
from linectl.server.simulation.simulated import serve
from linectl.sim.faults.engine import FaultEngine
from linectl.sim.glue.lots import Lot
from linectl.sim.rig import Rig

WARM: Mapping[str, float] = {"bath.temperature": 60.0, "bath.naoh": 1.5}
WARMED_UP_S = 33.0  # the slowest sensors speak each 30 s

SIMULATED = load_line(find_file("simulated", folder="config"))
WASHER = load_line(find_file("simulated_washer", folder="config"))
MACHINE = load_washer(find_file("washer", folder="config"))
RECIPE = load_recipe(find_file("reference_80c", folder="config/recipes"), MACHINE)


@dataclass
class Bench:
    """A rig, the application's line on it, and the engine that breaks things."""

    rig: Rig
    clock: Clock
    line: Line
    engine: FaultEngine
    scans: list[Scan] = field(default_factory=list)
    events: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        await self.clock.sleep(seconds)

    def value(self, tag: str) -> float:
        """Return the value of a tag that is GOOD."""
        reading = self.line.reading(tag)
        assert reading.quality.is_good, reading
        assert reading.value is not None
        return float(reading.value)

    def quality(self, tag: str) -> str:
        """Return level and reason; a BAD reading has no value."""
        reading = self.line.reading(tag)
        assert (reading.value is None) is (reading.quality.level is Level.BAD), reading
        return str(reading.quality)

    def bit(self, number: int, word: str = "bath.alarm_word") -> bool:
        """Return one bit of an alarm word."""
        return bool(int(self.value(word)) >> number & 1)

    def told(self, kind: str) -> list[Mapping[str, object]]:
        """Return what the line told under this name."""
        return [data for name, data in self.events if name == kind]

    def good(self, tag: str, since: int = 0) -> list[float]:
        """Return all GOOD values that scans gave of a tag, from the scan `since` on."""
        found = []
        for scan in self.scans[since:]:
            for reading in scan.readings:
                if reading.tag == tag and reading.quality.is_good:
                    assert reading.value is not None
                    found.append(float(reading.value))
        return found

    def qualities(self, tag: str, since: int = 0) -> set[str]:
        """Return all qualities that scans gave of a tag, from the scan `since` on."""
        return {str(each.quality) for scan in self.scans[since:] for each in scan.readings if each.tag == tag}

    async def until(self, seen: Callable[[], bool], within_s: float = 60.0) -> float:
        """Wait, in steps of a tenth of a second, until something is seen; return how long it took."""
        began_s = self.clock.process_s()
        while not seen():
            assert self.clock.process_s() - began_s < within_s, f"not seen within {within_s} s"
            await self.clock.sleep(0.1)
        return self.clock.process_s() - began_s

    async def bad(self, tag: str, quality: str, within_s: float = 30.0) -> float:
        """Wait until a tag has this quality; return how long it took."""
        return await self.until(lambda: self.quality(tag) == quality, within_s)

    def all_good(self) -> set[str]:
        """Return the tags that are GOOD now; of those that always have something to say."""
        tags = [name for name in self.line.definition.tags if not name.startswith("inspector.")]
        return {name for name in tags if self.line.reading(name).quality.is_good}


Act = Callable[[Bench], Awaitable[None]]


@dataclass(frozen=True)
class Case:
    """One kind of fault: what is ordered, what the application shows of it, and what else holds once it is mended."""

    order: FaultOrder
    shows: Act
    mended: Act | None = None
    wires: bool = False
    initial: Mapping[str, float] = field(default_factory=lambda: WARM)
    washer: bool = False
    before: Act | None = None  # what is done before it begins


def on_a_line(act: Act, *, wires: bool = False, initial: Mapping[str, float] = WARM, washer: bool = False) -> None:
    """Run `act` with the application on a simulated bath (or washer), on a clock that jumps."""

    async def main() -> None:
        clock = Clock(start_ns=VIRTUAL_START_NS)
        definition = WASHER if washer else SIMULATED
        async with (
            serve(definition, clock, seed=3, wires=wires, initial=initial) as up,
            Line(up.definition, clock, links=up.links, boot="test") as line,
            FaultEngine(up.rig, clock, machines=machines_of(definition)) as engine,
        ):
            bench = Bench(up.rig, clock, line, engine)
            line.on_scan(bench.scans.append)
            line.on_event(lambda kind, data: bench.events.append((kind, data)))
            await act(bench)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())


async def start_washing(bench: Bench) -> None:
    """Start the washer as an operator does, with bottles at its infeed, and let the first of them in."""
    bench.rig.washer.feed(Lot("bench", 3000))
    await start_washer(bench.line, bench.clock, RECIPE, MACHINE)
    await bench.until(lambda: bench.value("washer.bottles_in") > 0, 120.0)
    await bench.sleep(60.0)


def prove(case: Case) -> None:
    """Break what the case says, see what the application shows, mend it, and see that all is as it was."""

    async def act(bench: Bench) -> None:
        await bench.sleep(WARMED_UP_S)
        if case.before is not None:
            await case.before(bench)
        before = bench.all_good()
        number = bench.engine.add(case.order)
        await case.shows(bench)
        if any(each.number == number for each in bench.engine.standing()):
            bench.engine.clear(number)
        await bench.engine.settled()
        with contextlib.suppress(AssertionError):
            await bench.until(lambda: before <= bench.all_good(), 90.0)
        lost = before - bench.all_good()
        assert not lost, sorted(lost)
        if case.mended is not None:
            await case.mended(bench)
        assert not bench.rig.twin.defects
        assert not any(each.ills for each in bench.rig.troubles.values())
        assert [each.what for each in bench.engine.log] == ["began", "ended"]
        assert {each.kind for each in bench.engine.log} == {case.order.kind}

    on_a_line(act, wires=case.wires, initial=case.initial, washer=case.washer)

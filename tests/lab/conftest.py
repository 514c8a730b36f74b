"""A laboratory in memory for the tests of experiments: rig, line, store and operator on a clock that jumps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from drivers.link import Point
from drivers.memory import MemoryLink
from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeLoop
from linectl.config.files import find_file
from linectl.config.load import load_line
from linectl.lab.runner import Runner
from linectl.line.line import Line
from linectl.model.experiments import Decision, Experiment, Soak
from linectl.model.prompts import Answer, Prompt, Prompter
from linectl.model.records import Bottle, Event
from linectl.sim.bath.operator import Hands, SimulatedOperator
from linectl.sim.rig import Rig
from linectl.store.reader import StoreReader
from linectl.store.store import Store, open_store
from linectl.units import NS_PER_S

CAMERA_S = 1.2  # the camera's frame is that much older than a look, at most; the plant's own step is 1 s
LINE_FILE = find_file("simulated", folder="config")
BASE = Experiment(
    name="two_baths",
    question="?",
    temperatures_c=(60.0, 70.0),
    naoh_pct=(1.5,),
    glues=("casein", "pvoh"),
    replicates=1,
    bottles_per_glue=3,
    seed=5,
    soak=Soak(cap_s=300.0, check_s=15.0),
    decision=Decision(0.99, 0.95, 300.0, (60.0,), (1.5,)),
    text="name: two_baths",
)


@dataclass
class Laboratory:
    """Everything one test needs, and what it saw."""

    rig: Rig
    line: Line
    store: Store
    clock: Clock
    file: Path
    links: dict[str, MemoryLink]
    prompter: Prompter
    prompts: list[Prompt] = field(default_factory=list)
    # serial of the bottle, in the order of putting in -> process time of the first whole second with its label off
    released_s: dict[int, float] = field(default_factory=dict)

    async def ask(self, prompt: Prompt) -> Answer:
        """Answer as the operator does, and keep the question."""
        self.prompts.append(prompt)
        return await self.prompter.ask(prompt)

    def runner(self, experiment: Experiment, **options: Any) -> Runner:
        return Runner(self.line, self.store, self, self.clock, experiment, operator="test", seed=3, **options)

    def reader(self) -> StoreReader:
        return StoreReader(self.file)

    def events(self, run: str, kind: str) -> list[Event]:
        return [event for event in self.reader().events(run) if event.kind == kind]

    def heater_is_off(self) -> bool:
        self.rig.advance()
        return not self.rig.plc.heater_enable and self.rig.plc.heater_kw == 0.0

    def process_s(self, ns: int) -> float:
        """Return the process time of a stamp."""
        return float(self.clock.process_s() - (self.clock.now_ns() - ns) / NS_PER_S)

    def assert_brackets_the_truth(self, bottles: list[Bottle]) -> None:
        """Every interval holds the moment at which the plant let the label go."""
        for serial, bottle in enumerate(bottles, start=1):
            released = self.released_s.get(serial)
            assert bottle.last_attached_ns is not None
            last = self.process_s(bottle.last_attached_ns)
            if bottle.first_detached_ns is None:
                assert released is None or released > last - CAMERA_S, bottle
                continue
            assert released is not None, bottle
            assert last - CAMERA_S <= released <= self.process_s(bottle.first_detached_ns), bottle

    async def until(self, seen: Callable[[], bool]) -> None:
        """Wait, second by second, until something is seen."""
        while not seen():  # what is waited for is in a file, or in the plant
            await asyncio.sleep(1.0)

    async def phase(self, run: str, phase: str) -> None:
        """Wait until the run has announced `phase`."""
        await self.until(lambda: any(event.data["phase"] == phase for event in self.events(run, "phase")))

    async def watch_truth(self) -> None:
        while True:
            await self.clock.sleep_until(int(self.clock.process_s()) + 1.05)
            self.rig.advance()
            for label in self.rig.plant.labels:
                if label is not None and not label.attached:
                    self.released_s.setdefault(label.serial, self.rig.plant.time_s)


@asynccontextmanager
async def _laboratory(folder: Path, seed: int, feed_c: float = 58.0) -> AsyncIterator[Laboratory]:
    clock = Clock(start_ns=VIRTUAL_START_NS)
    read = load_line(LINE_FILE)
    zones = {name: replace(zone, fill_temperature_c=feed_c) for name, zone in read.zones.items()}
    definition = replace(read, zones=zones)
    async with Rig(clock, seed=seed, directory=folder, wires=False, fill_temperature_c=feed_c) as rig:
        # the rig's devices behind the public fake, which can be told to fail
        links = {name: MemoryLink(link._device, name) for name, link in rig.links().items()}  # type: ignore[attr-defined]
        store = open_store(folder / "store.db", line="simulated", virtual=True, tags=definition.tags)
        await store.open()
        hands = links["hands"]
        await hands.open()

        async def put(position: int, code: int) -> None:
            await hands.write(Point(f"9/hr{position - 1}"), code, deadline=clock.process_s() + 1.0)

        async def look() -> list[bool | None]:
            rig.advance()
            return rig.twin.attached()

        operator = SimulatedOperator(clock, Hands(put, look=look))
        try:
            async with Line(definition, clock, links=links, boot="test") as line:
                lab = Laboratory(rig, line, store, clock, folder / "store.db", links, operator)
                truth = asyncio.create_task(lab.watch_truth())
                try:
                    yield lab
                finally:
                    truth.cancel()
                    await asyncio.gather(truth, return_exceptions=True)
        finally:
            await hands.close()
            await store.close()


Act = Callable[[Laboratory], Awaitable[None]]


@pytest.fixture
def in_laboratory(tmp_path: Path) -> Callable[..., None]:
    """Run a test's coroutine in a laboratory on virtual time."""

    def run(act: Act, *, seed: int = 3, feed_c: float = 58.0) -> None:
        async def main() -> None:
            async with _laboratory(tmp_path, seed, feed_c) as lab:
                await act(lab)

        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(main())

    return run


@pytest.fixture
def two_baths() -> Experiment:
    return BASE

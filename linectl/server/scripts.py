"""R&D scripts: `open_line` gives a line ready for soaks, `run` picks the event loop."""

from __future__ import annotations

import asyncio
import runpy
import uuid
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeLoop
from linectl.config.files import find_file
from linectl.config.load import load_line
from linectl.errors import Refused
from linectl.lab.runner import RunOutcome
from linectl.line.line import Line
from linectl.model.experiments import Decision, Experiment, Soak
from linectl.model.prompts import Prompter
from linectl.model.records import Bottle
from linectl.server.line_server import LineServer
from linectl.server.logs import quiet_libraries
from linectl.server.places import note_last_run, store_path
from linectl.server.simulated import hands_of, serve
from linectl.store.reader import StoreReader
from linectl.words import tr

__all__ = ["Bench", "SoakResult", "open_line", "run", "run_script"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Session:
    """What `linectl run PATH.py` said on the command line."""

    sim: bool
    seed: int | None
    data: Path | None


_session: ContextVar[_Session | None] = ContextVar("session", default=None)


@dataclass(frozen=True, slots=True)
class SoakResult:
    """One soak: its run in the store, how it ended, and its bottles with their intervals of release."""

    outcome: RunOutcome
    bottles: tuple[Bottle, ...]

    def released(self) -> int:
        """Return how many labels were seen off."""
        return sum(bottle.first_detached_ns is not None for bottle in self.bottles)


class Bench:
    """A line opened for a script: `line` reads and writes tags, `soak` carries out one bath and keeps its record."""

    def __init__(self, server: LineServer, prompter: Prompter, seed: int, data: Path | None) -> None:
        self._server = server
        self._prompter = prompter
        self._seed = seed
        self._data = data

    @property
    def line(self) -> Line:
        """The open line: `line.reading("bath.temperature")`."""
        return self._server.line

    async def soak(
        self,
        glues: Sequence[str],
        *,
        temperature_c: float,
        naoh_pct: float = 1.5,
        cap_s: float = 600.0,
        check_s: float = 15.0,
        bottles_per_glue: int = 4,
    ) -> SoakResult:
        """Fill, dose, heat, stabilise, load, soak and unload one bath; a run of its own in the store.

        Raises:
            Refused: a limit of the line, or an order that physics forbids.
        """
        experiment = Experiment(
            name=f"soak at {temperature_c:g} °C",
            question="",
            temperatures_c=(temperature_c,),
            naoh_pct=(naoh_pct,),
            glues=tuple(glues),
            replicates=1,
            bottles_per_glue=bottles_per_glue,
            seed=self._seed,
            soak=Soak(cap_s, check_s),
            decision=Decision(0.99, 0.95, cap_s, (temperature_c,), (naoh_pct,)),
        )
        outcome = await self._server.run(experiment, self._prompter, operator="script", seed=self._seed)
        note_last_run(outcome.run_id, self._server.store_file, self._data)
        reader = StoreReader(self._server.store_file)
        return SoakResult(outcome, tuple(reader.bottles(outcome.run_id)))


@asynccontextmanager
async def open_line(name: str = "simulated", *, seed: int = 1, data: Path | None = None) -> AsyncIterator[Bench]:
    """Open the line of the file `name` for the time of the block; in virtual time on a rig of its own.

    Raises:
        ConfigError: there is no such file, or it is wrong.
        Unreachable: a device of the line does not answer.
        Refused: another program holds the line.
    """
    session = _session.get()
    if session is not None:
        seed, data = (seed if session.seed is None else session.seed), session.data or data
    virtual = isinstance(asyncio.get_running_loop(), VirtualTimeLoop)
    definition = load_line(find_file(name, folder="config"))
    if virtual and not definition.simulated:
        raise Refused(tr("the line {name} is real: it cannot run in virtual time").format(name=name))
    async with AsyncExitStack() as stack:
        clock = Clock(start_ns=VIRTUAL_START_NS if virtual else None, speed=1.0)
        if virtual:
            up = await stack.enter_async_context(serve(definition, clock, seed=seed))
            definition = up.definition
        file = store_path(definition, data, virtual=virtual)
        boot = f"seed-{seed}-{uuid.uuid4().hex[:8]}"
        server = await stack.enter_async_context(LineServer(definition, clock, file, boot=boot))
        hands = hands_of(definition, clock, line=server.line, simulate_as={})
        prompter: Prompter = await stack.enter_async_context(hands)
        yield Bench(server, prompter, seed, data)


def run(main: Coroutine[Any, Any, T], *, sim: bool | None = None) -> T:
    """Run a script's `main()` and return its result: in virtual time with `sim`, else on the computer's clock.

    Left out, `sim` is what `linectl run PATH.py [--sim]` says, and False when the script is run by Python itself.
    """
    quiet_libraries()
    session = _session.get()
    if sim is None:
        sim = session.sim if session is not None else False
    with asyncio.Runner(loop_factory=VirtualTimeLoop if sim else None) as runner:
        return runner.run(main)


def run_script(file: Path, *, sim: bool, seed: int | None, data: Path | None) -> None:
    """Run the script `file` as `linectl run` does.

    Raises:
        ConfigError: there is no such file.
    """
    path = find_file(file, folder="experiments")
    token = _session.set(_Session(sim, seed, data))
    try:
        runpy.run_path(str(path), run_name="__main__")
    finally:
        _session.reset(token)

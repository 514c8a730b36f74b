"""R&D scripts: `open_line` gives a line ready for soaks, `run` picks the event loop."""

from __future__ import annotations

import asyncio
import runpy
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeLoop
from linectl.config.files import find_file
from linectl.config.load import load_line
from linectl.errors import Refused
from linectl.server.bench import Bench, Replies
from linectl.server.line_server import LineServer
from linectl.server.logs import quiet_libraries
from linectl.server.places import store_path
from linectl.server.simulation.simulated import serve
from linectl.words import tr

__all__ = ["GivenLine", "given_line", "open_line", "run", "run_script"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Session:
    """What `linectl run PATH.py` said on the command line."""

    sim: bool
    seed: int | None
    data: Path | None


class GivenLine(Protocol):
    """A line that is open already, and the loop that drives it."""

    @property
    def bench(self) -> Bench:
        """What a script that opens the line is given."""

    def drive(self, main: Coroutine[Any, Any, T]) -> T:
        """Await `main` in the line's loop and return its result."""


_session: ContextVar[_Session | None] = ContextVar("session", default=None)
_given: ContextVar[GivenLine | None] = ContextVar("given", default=None)


@contextmanager
def given_line(line: GivenLine) -> Iterator[None]:
    """Let `open_line` give `line`, and `run` drive its loop, for the time of the block: a script under test."""
    token = _given.set(line)
    try:
        yield
    finally:
        _given.reset(token)


@asynccontextmanager
async def open_line(
    name: str | Path = "simulated",
    *,
    seed: int = 1,
    data: str | Path | None = None,
    answers: Replies | None = None,
    memory: bool = False,
) -> AsyncIterator[Bench]:
    """Open the line of the file `name` for the time of the block; in virtual time on a rig of its own.

    `answers` answers the questions of its runs (see `Replies`); the operator of the simulated line does what they
    leave. `data` is the folder of the store (else the line's own, in virtual time the user's state folder). `memory`
    leaves out the wires of the rig: a little faster, and bit for bit the same from the same seed.

    Raises:
        ConfigError: there is no such file, or it is wrong.
        Unreachable: a device of the line does not answer.
        Refused: another program holds the line.
    """
    folder = None if data is None else Path(data)
    session = _session.get()
    if session is not None:
        seed, folder = (seed if session.seed is None else session.seed), session.data or folder
    given = _given.get()
    if given is not None:
        yield _same_line(name, given.bench)
        return
    virtual = isinstance(asyncio.get_running_loop(), VirtualTimeLoop)
    definition = load_line(find_file(name, folder="config"))
    if virtual and not definition.simulated:
        raise Refused(tr("the line {name} is real: it cannot run in virtual time").format(name=name))
    async with AsyncExitStack() as stack:
        clock = Clock(start_ns=VIRTUAL_START_NS if virtual else None, speed=definition.speed if not virtual else 1.0)
        links = None
        if virtual:
            up = await stack.enter_async_context(serve(definition, clock, seed=seed, wires=not memory))
            definition, links = up.definition, up.links
        file = store_path(definition, folder, virtual=virtual)
        boot = f"seed-{seed}-{uuid.uuid4().hex[:8]}"
        server = await stack.enter_async_context(LineServer(definition, clock, file, boot=boot, links=links))
        yield Bench(server, seed=seed, data=folder, links=links, answers=answers)


def run(main: Coroutine[Any, Any, T], *, sim: bool | None = None) -> T:
    """Run a script's `main()` and return its result: in virtual time with `sim`, else on the computer's clock.

    Left out, `sim` is what `linectl run PATH.py [--sim]` says, and False when the script is run by Python itself.
    """
    quiet_libraries()
    given = _given.get()
    if given is not None:
        return given.drive(main)
    session = _session.get()
    if sim is None:
        sim = session.sim if session is not None else False
    with asyncio.Runner(loop_factory=VirtualTimeLoop if sim else None) as runner:
        return runner.run(main)


def _same_line(name: str | Path, bench: Bench) -> Bench:
    """Return `bench`, when it is the line that a script asks for by `name`."""
    wanted, there = load_line(find_file(name, folder="config")).name, bench.line.definition.name
    if wanted != there:
        raise Refused(
            tr("the script opens the line {wanted}, its test has {there}").format(wanted=wanted, there=there),
            hint=tr("say so above the test: @pytest.mark.line(line={name})").format(name=repr(str(name))),
        )
    return bench


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

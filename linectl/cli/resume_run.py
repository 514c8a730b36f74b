"""Carrying out `linectl resume`: the run is found first, then its clock is set going again, then its line is opened."""

from __future__ import annotations

import asyncio
import math
import uuid
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from linectl.cli import questions, run_attached
from linectl.cli.operator import operator_name
from linectl.cli.run_experiment import (
    BY_HAND,
    TWICE_WITHIN_S,
    VIRTUAL_START_S,
    listen_for_interrupts,
    simulate_as,
    tell,
)
from linectl.cli.run_keys import Keys
from linectl.cli.terminal import ProgressLine, TerminalFace
from linectl.clock import Clock, VirtualTimeLoop
from linectl.config.answers_file import load_answers
from linectl.config.files import find_file
from linectl.config.load import load_line
from linectl.errors import LinectlError, Refused
from linectl.lab.answers import AnswersFace
from linectl.lab.outcome import RunOutcome
from linectl.model.answers import Answers
from linectl.model.lines import LineDefinition
from linectl.server.api.endpoint import Endpoint
from linectl.server.finding import find_if_up
from linectl.server.line_server import LineServer
from linectl.server.logs import quiet_libraries
from linectl.server.places import last_run, note_last_run, store_path
from linectl.server.resuming import KilledRun, abandon, close_by_rule, find_killed, leave_of, take_up
from linectl.store.reader import StoreReader
from linectl.words import tr

__all__ = ["Request", "carry_out"]


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asks for; `speed` None means virtual time (with `sim`)."""

    run: str
    line: Path | None
    sim: bool
    speed: float | None
    memory: bool
    answers: Path | None
    yes: bool
    abandon: bool
    quiet: bool
    data: Path | None
    as_json: bool

    @property
    def virtual(self) -> bool:
        """Whether the run's clock jumps."""
        return self.sim and self.speed is None


def carry_out(request: Request) -> int:
    """Find the run, take it up or close it, tell how it ended, and return the exit code.

    Where its line is served, its server does so, and this terminal follows.
    """
    quiet_libraries()
    endpoint = None if request.sim else _served(request)
    if endpoint is not None:
        return run_attached.follow(_handed(request), endpoint)
    definition = _line(request)
    answers = None if request.answers is None else load_answers(find_file(request.answers, folder="experiments"))
    with asyncio.Runner(loop_factory=VirtualTimeLoop if request.virtual else None) as runner:
        outcome = runner.run(_resume(request, definition, answers))
    return tell(outcome, as_json=request.as_json)


def _served(request: Request) -> Endpoint | None:
    """Return where the run's line is served, as far as it is known here whose run it is; None: nowhere."""
    if request.line is not None:
        return find_if_up(request.data, load_line(find_file(request.line, folder="config")).name)
    try:
        last = last_run(request.data)
        name = StoreReader(last.store).run(last.run if request.run == "last" else request.run).line
    except LinectlError:  # a server under another user notes its runs for itself
        name = ""
    return find_if_up(request.data, name)


def _handed(request: Request) -> run_attached.Handed:
    answers = request.answers
    named = "" if answers is None else str(Path(find_file(answers, folder="experiments")).resolve())
    args = {"run": request.run, "unasked": request.yes, "abandon": request.abandon, "answers": named}
    return run_attached.Handed("run_take_up", args, quiet=request.quiet, as_json=request.as_json)


def _line(request: Request) -> LineDefinition:
    """Return the line that --line names, the simulated one with --sim, else that of the run's own name."""
    if request.line is not None:
        return load_line(find_file(request.line, folder="config"))
    if request.sim:
        return load_line(find_file("simulated", folder="config"))
    last = last_run(request.data)
    run = StoreReader(last.store).run(last.run if request.run == "last" else request.run)
    if run.simulated:
        raise Refused(
            tr("run {run} was made on a simulated line: say which").format(run=run.id),
            hint=tr("--line FILE for a rig that is still up, --sim for a new one"),
        )
    return load_line(find_file(run.line, folder="config"))


def _store(request: Request, definition: LineDefinition) -> Path:
    """Return the store of the run.

    Raises:
        Refused: the run stands in the simulated line's other store: with --speed where it was made without, or so.
    """
    file, other = (store_path(definition, request.data, virtual=v) for v in (request.virtual, not request.virtual))
    if not request.sim or not other.is_file():
        return file
    meant = last_run(request.data).store.resolve() == other.resolve() if request.run == "last" else not file.is_file()
    if meant:
        hint = (
            tr("it was made with --speed: say --speed here too")
            if request.virtual
            else tr("it was made in virtual time: leave out --speed")
        )
        raise Refused(tr("the run is not in {file} but in {other}").format(file=file, other=other), hint=hint)
    return file


async def _resume(request: Request, definition: LineDefinition, answers: Answers | None) -> RunOutcome:
    file = _store(request, definition)
    killed = await find_killed(file, definition, request.run)
    note_last_run(killed.point.run.id, file, request.data)
    if request.abandon:
        return await abandon(killed, definition, operator_name())
    if killed.must_close:
        return await close_by_rule(killed, definition)
    return await _on_line(request, definition, killed, answers)


async def _on_line(
    request: Request, definition: LineDefinition, killed: KilledRun, answers: Answers | None
) -> RunOutcome:
    run = killed.point.run
    clock = _clock(request, killed)
    seed = 1 if run.seed is None else run.seed
    links = None
    async with AsyncExitStack() as stack:
        if request.sim:
            from linectl.server.simulation.simulated import serve

            up = await stack.enter_async_context(serve(definition, clock, seed=seed, wires=not request.memory))
            definition, links = up.definition, up.links
        boot = f"seed-{seed}" if request.virtual else uuid.uuid4().hex[:12]
        server = LineServer(definition, clock, killed.file, boot=boot, links=links)
        await stack.enter_async_context(server)
        screen = stack.enter_context(ProgressLine(quiet=request.quiet))
        hands = None
        if definition.hands:
            from linectl.server.simulation.simulated import hands_of

            known_as = simulate_as(killed.experiment, definition)
            hands = await stack.enter_async_context(
                hands_of(definition, clock, line=server.line, simulate_as=known_as, links=links, seed=seed)
            )
        if answers is not None:
            leave = leave_of(answers, frozenset() if hands is None else BY_HAND)
            server.desk.attach(AnswersFace(answers, clock, leave=leave))
        if hands is not None:
            server.desk.attach(hands)
        elif questions.somebody_there():
            face = TerminalFace(clock, screen, operator_name())
            server.desk.attach(face)
            stack.enter_context(Keys(server, face, screen, operator_name()))
        if request.virtual:
            await clock.sleep_until(VIRTUAL_START_S)
        listen_for_interrupts(server, math.inf if request.virtual else TWICE_WITHIN_S)
        return await take_up(
            server,
            killed,
            operator=operator_name(),
            same_plant=not request.sim,
            unasked=request.yes,
            on_progress=screen.show,
        )


def _clock(request: Request, killed: KilledRun) -> Clock:
    """Return a clock on which the run's time goes on: a virtual one where it stood, a faster one where it would be."""
    point = killed.point
    if request.virtual:
        return Clock(start_ns=point.last_ns)
    computer = Clock()
    if point.run.speed == 1.0:
        return computer
    # never before what is stored, even when the journal has not told when the first clock began
    return Clock(start_ns=max(point.last_ns, point.wall_ns(computer.now_ns())), speed=point.run.speed)

"""Experiments that faces hand in to a served line: checked, started, and carried out whoever goes away meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, suppress
from contextvars import Context
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from drivers.link import Link
from linectl.config.answers_file import load_answers
from linectl.config.load import load_experiment
from linectl.errors import ConfigError, Refused, StoreError
from linectl.lab.answers import AnswersFace, check_answers
from linectl.lab.asking import blind_names, expected
from linectl.lab.design.baths import POSITIONS, trials
from linectl.lab.outcome import RunOutcome
from linectl.model.answers import Answers
from linectl.model.experiments import Experiment
from linectl.model.people import Role
from linectl.model.prompts import Answer, Prompt, Prompter
from linectl.server.api.listener import Request
from linectl.server.api.operations import Nothing, Operation
from linectl.server.calibration_dates import day_of, refuse_overdue
from linectl.server.line_server import LineServer
from linectl.server.places import note_last_run
from linectl.server.results.planning import make_plan
from linectl.server.resuming import (
    KilledRun,
    close_here,
    interrupted_run,
    killed_run,
    leave_of,
    must_be_behind,
    take_up,
)
from linectl.server.scheduling import KIND, Due, Schedule, lost_of
from linectl.server.simulation.simulated import hands_of
from linectl.server.start_times import next_start
from linectl.store.reader import StoreReader
from linectl.units import NS_PER_S
from linectl.words import tr

__all__ = ["BY_HAND", "Submitted"]

BY_HAND = frozenset({"load_bottle", "unload", "lid"})  # what a simulated operator does, and no file


@dataclass(frozen=True, slots=True)
class Handed:
    """An experiment's file on this machine, and one with answers to its questions (absolute paths)."""

    file: str
    answers: str = ""


@dataclass(frozen=True, slots=True)
class HandedForLater:
    """An experiment's file on this machine, when it is to start (06:30; 2026-11-24 06:30), and a file with answers."""

    file: str
    at: str
    answers: str = ""


@dataclass(frozen=True, slots=True)
class TakenUp:
    """A run whose program died ("last", an id or its beginning), and a file with answers.

    `unasked`: its bath is given up without asking. `abandon`: the run is closed for good.
    """

    run: str = "last"
    unasked: bool = False
    abandon: bool = False
    answers: str = ""


class Submitted:
    """Runs what is handed in, one at a time, for the time of an `async with` block.

    Questions of a run wait for a face; on a simulated line its operator moves the bottles. `new_plant`: the simulated
    plant was started with the server, so that no bath of an earlier run is in it.
    """

    def __init__(
        self,
        server: LineServer,
        data: Path | None,
        *,
        links: Mapping[str, Link] | None = None,
        seed: int = 0,
        new_plant: bool = False,
    ) -> None:
        self._server = server
        self._data = data
        self._links = links
        self._seed = seed
        self._new_plant = new_plant
        self._task: asyncio.Task[RunOutcome] | None = None
        self._one = asyncio.Lock()
        self._open = AsyncExitStack()
        self.schedule = Schedule(server.clock, self._start_due, server.tell)

    async def __aenter__(self) -> Self:
        """Let questions wait for whoever answers them over the local API."""
        self._open.callback(self._server.desk.attach(_Patient()))
        self._server.schedule = self.schedule
        reader = await asyncio.to_thread(StoreReader, self._server.store_file)
        lost = lost_of(await asyncio.to_thread(reader.last_of, KIND))
        if lost is not None:
            self.schedule.lost(lost)
        await self._look_back()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the run under way, which whoever ends the line has asked to end; one to come is given up."""
        self.schedule.close()
        if self._task is not None:
            await asyncio.wait([self._task])
        await self._open.aclose()

    def operations(self) -> tuple[Operation, ...]:
        """Return what may be asked."""
        return (
            Operation("run_start", Role.OPERATE, Handed, self._run_start, "Start an experiment.", once=True),
            Operation(
                *("run_schedule", Role.OPERATE, HandedForLater, self._run_schedule),
                doc="Hand in an experiment that starts at a time to come; it lives as long as this server.",
                once=True,
            ),
            Operation(
                *("run_take_up", Role.OPERATE, TakenUp, self._run_take_up),
                doc="Take up a run whose program died, or close it for good; heat is asked for.",
                once=True,
            ),
            Operation(
                "run_outcome", Role.VIEW, Nothing, self._run_outcome, "Wait for the run's end; tell how it ended."
            ),
        )

    async def _run_start(self, args: Handed, request: Request) -> Any:
        return {"run": await self._start(args, request.who.operator, lambda: None)}

    async def _run_take_up(self, args: TakenUp, request: Request) -> Any:
        """Begin to take it up; what must be asked waits for a face, and how it ends is told by run_outcome."""
        server, who = self._server, request.who.operator
        async with self._one:
            self._must_be_free()
            killed = await asyncio.to_thread(killed_run, server.store_file, args.run)
            answers = await asyncio.to_thread(load_answers, _absolute(args.answers)) if args.answers else None
            must_be_behind(killed, server.clock.now_ns())
            if args.abandon or killed.must_close:
                work = close_here(server, killed, who=who, abandoned=args.abandon)
            else:
                work = self._take_up(killed, answers, who, unasked=args.unasked)
            self._begin(self._and_look_back(work))
        return {"run": killed.point.run.id}

    async def _run_schedule(self, args: HandedForLater, request: Request) -> Any:
        """Check the run as if it were to start now, but for what only then can be told; then wait for its time."""
        schedule = self.schedule
        schedule.must_be_free()
        at_ns = next_start(args.at, schedule.now_ns())
        experiment, _ = await asyncio.to_thread(self._prepared, Handed(args.file, args.answers))
        late = refuse_overdue(self._server.definition, day_of(at_ns))
        who, asked_ns = request.who.operator, self._server.clock.now_ns()
        schedule.put(Due(experiment.name, args.file, args.answers, at_ns, who, asked_ns))
        return {"scheduled": schedule.section(), "in_s": round((at_ns - schedule.now_ns()) / NS_PER_S), "warning": late}

    async def _start_due(self, due: Due, begun: Callable[[], None]) -> str:
        """Start what was handed in for now, once nothing stands against it.

        Raises:
            LinectlError: it cannot be run so, a run is under way, or an interlock stands.
        """
        guard = self._server.guard
        standing = [*(trip.text for trip in self._server.line.heating_trips.values())]
        if guard is not None and (why := guard.standing_text()):
            standing.append(why)
        if standing:
            text = tr("an interlock stands: {why}").format(why="; ".join(standing))
            raise Refused(text, hint=tr("see to the cause, then reset it"), code="E-ILK-002")
        return await self._start(Handed(due.file, due.answers), due.who, begun)

    async def _start(self, args: Handed, operator: str, begun: Callable[[], None]) -> str:
        """Check what was handed in, start it, and return its id; `begun` is called before its first record."""
        async with self._one:
            self._must_be_free()
            experiment, answers = await asyncio.to_thread(self._prepared, args)
            started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            task = self._begin(self._and_look_back(self._run(experiment, answers, operator, started)))
        begun()
        either: set[asyncio.Future[Any]] = {started, task}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not started.done():
            task.result()
        self.schedule.told()
        return await started

    def _must_be_free(self) -> None:
        if self._task is not None and not self._task.done():
            raise Refused(
                tr("a run is under way: {run}").format(run=self._server.run_id or "-"),
                hint=tr("wait for its end, or end it: linectl cancel"),
                code="E-RUN-008",
            )

    def _begin(self, work: Coroutine[Any, Any, RunOutcome]) -> asyncio.Task[RunOutcome]:
        """Carry out `work` whoever goes away: in a context of its own, so that it speaks the server's language."""
        self._task = asyncio.get_running_loop().create_task(work, name="run", context=Context())
        self._task.add_done_callback(lambda task: task.cancelled() or task.exception())  # perhaps nobody asks for it
        return self._task

    async def _and_look_back(self, work: Coroutine[Any, Any, RunOutcome]) -> RunOutcome:
        self._server.interrupted = None
        try:
            return await work
        finally:
            await self._look_back()

    async def _look_back(self) -> None:
        """Look whether the last run waits to be taken up."""
        server = self._server
        with suppress(StoreError):  # of a store that cannot be read more is told elsewhere
            found = await asyncio.to_thread(interrupted_run, server.store_file, server.definition.name)
            server.interrupted = found

    async def _run_outcome(self, _args: Nothing, _request: Request) -> Any:
        if self._task is None:
            raise Refused(tr("nothing is running"), code="E-RUN-006")
        await asyncio.wait([self._task])
        outcome = self._task.result()
        return asdict(outcome) | {"exit_code": outcome.exit_code}

    def _prepared(self, args: Handed) -> tuple[Experiment, Answers | None]:
        """Return what was handed in, checked; in a thread, for it takes longer than a heartbeat may wait.

        Raises:
            LinectlError: it cannot be run so.
        """
        experiment = load_experiment(_absolute(args.file))
        answers = load_answers(_absolute(args.answers)) if args.answers else None
        refusal = make_plan(experiment, self._server.definition).refusal
        if refusal is not None:
            raise refusal
        if answers is not None:
            self._check(experiment, answers)
        return experiment, answers

    def _check(self, experiment: Experiment, answers: Answers) -> None:
        definition = self._server.definition
        zone = definition.zones[experiment.zone]
        lid = f"{zone.name}.lid_closed" in definition.tags
        check_answers(answers, list(expected(experiment, trials(experiment, zone.positions or POSITIONS), lid=lid)))

    async def _run(
        self, experiment: Experiment, answers: Answers | None, operator: str, started: asyncio.Future[str]
    ) -> RunOutcome:
        server, definition = self._server, self._server.definition

        def on_start(run: str) -> None:
            note_last_run(run, server.store_file, self._data)
            if not started.done():
                started.set_result(run)

        async with AsyncExitStack() as stack:
            hands = await self._hands(experiment, stack)
            if answers is not None:
                face = AnswersFace(answers, server.clock, leave=BY_HAND if hands is not None else ())
                stack.callback(server.desk.attach(face))
            seed = self._seed if definition.simulated else None
            return await server.run(experiment, hands, operator=operator, seed=seed, on_start=on_start)

    async def _take_up(self, killed: KilledRun, answers: Answers | None, operator: str, *, unasked: bool) -> RunOutcome:
        server = self._server
        note_last_run(killed.point.run.id, server.store_file, self._data)
        async with AsyncExitStack() as stack:
            hands = await self._hands(killed.experiment, stack)
            if answers is not None:
                leave = leave_of(answers, frozenset() if hands is None else BY_HAND)
                stack.callback(server.desk.attach(AnswersFace(answers, server.clock, leave=leave)))
            if hands is not None:
                stack.callback(server.desk.attach(hands))
            return await take_up(server, killed, operator=operator, same_plant=not self._new_plant, unasked=unasked)

    async def _hands(self, experiment: Experiment, stack: AsyncExitStack) -> Prompter | None:
        """Return who moves the bottles of a simulated line; None: people do."""
        server = self._server
        if not server.definition.hands:
            return None
        known_as = _known_as(experiment, server)
        return await stack.enter_async_context(
            hands_of(
                server.definition,
                server.clock,
                line=server.line,
                simulate_as=known_as,
                links=self._links,
                seed=self._seed,
            )
        )


class _Patient:
    """A face that never answers by itself: its questions wait for `PromptDesk.answer`."""

    async def ask(self, prompt: Prompt) -> Answer | None:  # noqa: ARG002  # a face's signature
        """Wait until the question is closed."""
        await asyncio.Event().wait()
        return None


def _known_as(experiment: Experiment, server: LineServer) -> dict[str, str]:
    """Return the class that each glue behaves like in the simulator, for the codes of a blind experiment too."""
    positions = server.definition.zones[experiment.zone].positions or POSITIONS
    codes = blind_names(experiment, trials(experiment, positions))
    known = dict(experiment.simulate_as)
    return known | {code: known.get(glue, glue) for code, glue in codes.items()}


def _absolute(name: str) -> Path:
    """Return the file `name`, which the client has found: this process may stand in another folder.

    Raises:
        ConfigError: it is no absolute path.
    """
    path = Path(name)
    if not path.is_absolute():
        raise ConfigError(tr("{file} is no absolute path").format(file=name), code="E-API-004")
    return path

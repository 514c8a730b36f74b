"""Experiments that faces hand in to a served line: checked, started, and carried out whoever goes away meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from contextvars import Context
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from drivers.link import Link
from linectl.config.answers_file import load_answers
from linectl.config.load import load_experiment
from linectl.errors import ConfigError, Refused
from linectl.lab.answers import AnswersFace, check_answers
from linectl.lab.asking import blind_names, expected
from linectl.lab.design.baths import POSITIONS, trials
from linectl.lab.outcome import RunOutcome
from linectl.model.answers import Answers
from linectl.model.experiments import Experiment
from linectl.model.people import Role
from linectl.model.prompts import Answer, Prompt
from linectl.server.api.listener import Request
from linectl.server.api.operations import Nothing, Operation
from linectl.server.calibration_dates import day_of, refuse_overdue
from linectl.server.line_server import LineServer
from linectl.server.places import note_last_run
from linectl.server.results.planning import make_plan
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


class Submitted:
    """Runs what is handed in, one at a time, for the time of an `async with` block.

    Questions of a run wait for a face; on a simulated line its operator moves the bottles.
    """

    def __init__(
        self, server: LineServer, data: Path | None, *, links: Mapping[str, Link] | None = None, seed: int = 0
    ) -> None:
        self._server = server
        self._data = data
        self._links = links
        self._seed = seed
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
                "run_outcome", Role.VIEW, Nothing, self._run_outcome, "Wait for the run's end; tell how it ended."
            ),
        )

    async def _run_start(self, args: Handed, request: Request) -> Any:
        return {"run": await self._start(args, request.who.operator, lambda: None)}

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
            if self._task is not None and not self._task.done():
                raise Refused(
                    tr("a run is under way: {run}").format(run=self._server.run_id or "-"),
                    hint=tr("wait for its end, or end it: linectl cancel"),
                    code="E-RUN-008",
                )
            experiment, answers = await asyncio.to_thread(self._prepared, args)
            started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            work = self._run(experiment, answers, operator, started)
            # a context of its own: the run speaks the server's language, not that of whoever handed it in
            self._task = asyncio.get_running_loop().create_task(work, name="run", context=Context())
        begun()
        either: set[asyncio.Future[Any]] = {started, self._task}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not started.done():
            self._task.result()
        self.schedule.told()
        return await started

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
            hands = None
            if definition.hands:
                hands = await stack.enter_async_context(
                    hands_of(
                        definition,
                        server.clock,
                        line=server.line,
                        simulate_as=_known_as(experiment, server),
                        links=self._links,
                        seed=self._seed,
                    )
                )
            if answers is not None:
                face = AnswersFace(answers, server.clock, leave=BY_HAND if hands is not None else ())
                stack.callback(server.desk.attach(face))
            seed = self._seed if definition.simulated else None
            return await server.run(experiment, hands, operator=operator, seed=seed, on_start=on_start)


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

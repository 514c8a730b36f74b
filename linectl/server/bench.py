"""A line opened for a script: whole experiments, one bath of them, single soaks; commands and questions on the way."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from drivers.link import Link
from linectl.clock import Clock
from linectl.errors import Refused
from linectl.lab.answers import AnswersFace, check_answers, check_covered
from linectl.lab.asking import blind_names, expected
from linectl.lab.commands import Commands
from linectl.lab.control import Control
from linectl.lab.design.baths import POSITIONS, trials
from linectl.lab.desk import Face
from linectl.lab.outcome import RunOutcome
from linectl.lab.progress import Progress
from linectl.line.line import Line
from linectl.model.answers import Answers, Preset
from linectl.model.experiments import Decision, Design, DesignKind, Experiment, PlannedTreatment, Soak
from linectl.model.prompts import Answer, Prompt, Prompter
from linectl.model.records import Bottle
from linectl.server.line_server import LineServer
from linectl.server.places import note_last_run
from linectl.server.results.planning import make_plan
from linectl.server.results.pooling import pool_of
from linectl.server.results.studies import Runs
from linectl.server.simulation.simulated import hands_of
from linectl.store.reader import StoreReader
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.lab.kinetics.data import ReleaseData

__all__ = ["BY_HAND", "Bench", "Replies", "RunResult", "Value"]

BY_HAND = frozenset({"load_bottle", "unload", "lid"})  # what a simulated operator does, and no script
Value = bool | float | str | tuple[int, ...]
Reply = Callable[[Prompt], Value | Awaitable[Value | None] | None]
Replies = Mapping[str, Value] | Reply
"""Answers to the questions of a run: by question id (or glob of ids), or a function, async or not (None: no answer)."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """A run that has ended: how, its place in the store, and its bottles with their intervals of release."""

    outcome: RunOutcome
    runs: Runs
    bottles: tuple[Bottle, ...]

    def released(self) -> int:
        """Return how many labels were seen off."""
        return sum(bottle.first_detached_ns is not None for bottle in self.bottles)

    def release_data(self) -> ReleaseData:
        """Return the bottles as intervals with the measured temperature of their baths (see `Runs.release_data`)."""
        return self.runs.release_data()


@dataclass(frozen=True, slots=True)
class _ScriptFace:
    """A script's own function as a face of the desk; `leave` are tasks that a simulated operator's hands do."""

    answer: Reply
    clock: Clock
    leave: frozenset[str]

    async def ask(self, prompt: Prompt) -> Answer | None:
        """Return what the function says; None leaves the question to others."""
        if prompt.task in self.leave:
            return None
        asked_ns = self.clock.now_ns()
        said = self.answer(prompt)
        given: Value | None = await said if inspect.isawaitable(said) else said
        if given is None:
            return None
        return Answer(prompt.id, given, "script", "script", asked_ns, self.clock.now_ns())


class Bench(Commands):
    """A line opened for a script by `open_line`.

    `run` carries out an experiment, `bath` one bath of it, `soak` a bath of the script's own; each is a run in the
    store. While one is under way (in a task of its own) `pause`, `hold`, `resume`, `next`, `skip`, `note` and
    `deviation` act on it.
    """

    def __init__(
        self,
        server: LineServer,
        *,
        seed: int,
        data: Path | None,
        links: Mapping[str, Link] | None = None,
        answers: Replies | None = None,
    ) -> None:
        self._server = server
        self._seed = seed
        self._data = data
        self._links = links
        self._answers = answers
        self._made: list[str] = []

    @property
    def line(self) -> Line:
        """The open line: `line.reading("bath.temperature")`."""
        return self._server.line

    @property
    def made(self) -> Runs:
        """All runs that were made on this bench so far, as one body of data.

        Raises:
            Refused: there is none yet, or they contradict each other.
        """
        if not self._made:
            raise Refused(tr("no run was made on this bench yet"))
        return self._runs(*self._made)

    def hours(self) -> float:
        """Return the hours of the line's own clock since it was opened (simulated hours in virtual time)."""
        return self._server.clock.process_s() / 3600

    def live(self) -> Control:
        """Return the control of the run under way.

        Raises:
            Refused: nothing is running.
        """
        return self._server.live()

    async def run(self, experiment: Experiment, *, on_progress: Callable[[Progress], None] | None = None) -> RunResult:
        """Carry out `experiment` to its end, or to where a stop, a fault or its policy ends it (see the outcome).

        Raises:
            Refused: a limit of the line, or an order that physics forbids; nothing was started.
            ConfigError: an answer that its question does not take.
            NotConfirmed: a question that nobody can answer.
        """
        definition = self._server.definition
        refusal = make_plan(experiment, definition).refusal
        if refusal is not None:
            raise refusal
        seed = self._seed if definition.simulated else None
        async with self._operator(experiment) as hands:
            face = self._face(experiment, by_hand=hands is not None)
            detach = None if face is None else self._server.desk.attach(face)
            try:
                outcome = await self._server.run(
                    experiment, hands, operator="script", seed=seed, on_progress=on_progress, on_start=self._started
                )
            finally:
                if detach is not None:
                    detach()
        runs = self._runs(outcome.run_id)
        return RunResult(outcome, runs, runs.bottles())

    async def bath(
        self, experiment: Experiment, *, temperature_c: float, naoh_pct: float, soak_s: float | None = None
    ) -> RunResult:
        """Carry out one bath of `experiment` at a treatment of the script's choice (°C, %), soaked `soak_s` at most.

        It asks what the experiment asks, so that such runs can be taken together (`made`).

        Raises:
            Refused: a limit of the line, or what physics forbids.
        """
        cap_s = experiment.soak.cap_s if soak_s is None else soak_s
        note = f"# One bath of it, chosen by a script: {temperature_c:g} °C, {naoh_pct:g} % NaOH, {cap_s:g} s.\n"
        text = note + experiment.text if experiment.text else ""
        one = replace(
            experiment,
            temperatures_c=(temperature_c,),
            naoh_pct=(naoh_pct,),
            design=Design(
                DesignKind.TABLE,
                table=(PlannedTreatment(temperature_c, naoh_pct),),
                prior=experiment.design.prior,
            ),
            replicates=1,
            glues_per_bath=None,
            seed=experiment.seed + len(self._made),
            soak=replace(experiment.soak, cap_s=cap_s),
            text=text,
            file_hash=hashlib.sha256(text.encode()).hexdigest(),
        )
        return await self.run(one)

    async def soak(
        self,
        glues: Sequence[str],
        *,
        temperature_c: float,
        naoh_pct: float = 1.5,
        cap_s: float = 600.0,
        check_s: float = 15.0,
        bottles_per_glue: int = 4,
    ) -> RunResult:
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
        return await self.run(experiment)

    # how

    @asynccontextmanager
    async def _operator(self, experiment: Experiment) -> AsyncIterator[Prompter | None]:
        """Give the simulated operator of a simulated line, who knows the experiment's glues; nobody on a real one."""
        server = self._server
        if not server.definition.hands:
            yield None
            return
        known_as = self._known_as(experiment)
        async with hands_of(
            server.definition,
            server.clock,
            line=server.line,
            simulate_as=known_as,
            links=self._links,
            seed=self._seed,
        ) as hands:
            yield hands

    def _started(self, run: str) -> None:
        self._made.append(run)
        note_last_run(run, self._server.store_file, self._data)

    def _runs(self, *names: str) -> Runs:
        reader = StoreReader(self._server.store_file)
        return Runs(pool_of(reader, [reader.run(name) for name in names]))

    def _known_as(self, experiment: Experiment) -> dict[str, str]:
        """Return as what the simulator treats each glue, by the names and codes that its operator is told."""
        positions = self._server.definition.zones[experiment.zone].positions or POSITIONS
        known = dict(experiment.simulate_as)
        codes = blind_names(experiment, trials(experiment, positions))
        return known | {code: known.get(glue, glue) for code, glue in codes.items()}

    def _face(self, experiment: Experiment, *, by_hand: bool) -> Face | None:
        leave = BY_HAND if by_hand else frozenset[str]()
        if callable(self._answers):
            return _ScriptFace(self._answers, self._server.clock, leave)
        zone = self._server.definition.zones[experiment.zone]
        lid = f"{zone.name}.lid_closed" in self._server.definition.tags
        prompts = list(expected(experiment, trials(experiment, zone.positions or POSITIONS), lid=lid))
        answers = None
        if self._answers is not None:
            presets = tuple(Preset(pattern, value, 1, 1) for pattern, value in self._answers.items())
            answers = Answers("script", presets, "answers")
            check_answers(answers, prompts)
        if not by_hand:
            check_covered(prompts, answers)
        return None if answers is None else AnswersFace(answers, self._server.clock, leave=leave)

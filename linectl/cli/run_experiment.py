"""Carrying out `linectl run EXPERIMENT`: checks first, then the loop, the rig or the line, and the two Ctrl+C."""

from __future__ import annotations

import asyncio
import math
import signal
import uuid
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click

from linectl.cli import questions, run_attached, run_detached, run_sheet
from linectl.cli.experiment_plan import WORKING_DAY_H, line_of, make_plan, show, warn
from linectl.cli.operator import operator_name
from linectl.cli.output import emit, explained_by
from linectl.cli.run_keys import Keys
from linectl.cli.terminal import ProgressLine, TerminalFace
from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeLoop, wall_ns
from linectl.config.answers_file import load_answers
from linectl.config.files import find_file
from linectl.config.load import load_experiment
from linectl.lab.answers import AnswersFace, check_answers, check_covered
from linectl.lab.asking import blind_names, expected
from linectl.lab.design.baths import POSITIONS, trials
from linectl.lab.outcome import RunOutcome
from linectl.lab.report.terms import ending
from linectl.model.answers import Answers
from linectl.model.experiments import Experiment
from linectl.model.lines import LineDefinition
from linectl.model.prompts import Prompter
from linectl.server.calibration_dates import day_of, refuse_overdue
from linectl.server.finding import find_if_up
from linectl.server.line_server import LineServer
from linectl.server.logs import quiet_libraries
from linectl.server.places import note_last_run, store_path
from linectl.server.serving import served
from linectl.server.start_times import must_be_a_time
from linectl.words import tr

__all__ = [
    "BY_HAND",
    "TWICE_WITHIN_S",
    "VIRTUAL_START_S",
    "Request",
    "carry_out",
    "listen_for_interrupts",
    "simulate_as",
    "tell",
]

TWICE_WITHIN_S = 10.0
BY_HAND = frozenset({"load_bottle", "unload", "lid"})  # what a simulated operator does, and no file
VIRTUAL_START_S = 10.0  # whatever its wires took to connect, a virtual run starts then: same seed, same records


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asks for; `speed` None means virtual time (with `sim`)."""

    file: Path
    line: Path | None
    sim: bool
    seed: int | None
    speed: float | None
    memory: bool
    dry_run: bool
    quiet: bool
    data: Path | None
    as_json: bool
    answers: Path | None = None
    no_input: bool = False
    sheet: bool = False
    at: str = ""
    detach: bool = False

    @property
    def virtual(self) -> bool:
        """Whether the run's clock jumps."""
        return self.sim and self.speed is None


def carry_out(request: Request) -> int:
    """Check everything, run, tell how it ended, and return the exit code.

    With `at` it is checked now, and once more as its time has come.
    """
    quiet_libraries()
    if request.at:
        must_be_a_time(request.at)
    experiment = load_experiment(find_file(request.file, folder="experiments"))
    definition = line_of(experiment, request.file, request.line, sim=request.sim)
    found = make_plan(experiment, definition)
    if request.dry_run:
        return show(found, as_json=request.as_json, day_h=WORKING_DAY_H)
    if found.refusal is not None:
        raise found.refusal
    warn(found, notes=False)
    late = refuse_overdue(definition, day_of(VIRTUAL_START_NS if request.virtual else wall_ns()))
    if late:
        click.echo(tr("warning: {text}").format(text=late), err=True)
    if request.sheet:
        run_sheet.check_sheet(virtual=request.virtual)
    answers = _covered(request, experiment, definition)
    endpoint = None if request.sim else find_if_up(request.data, definition.name)
    if endpoint is not None and (request.at or request.detach):
        return run_detached.hand_in(request, endpoint)
    if request.detach:
        raise run_detached.nobody_serves(definition)
    if request.at:
        run_detached.wait(request.at)
        return carry_out(replace(request, at=""))
    if endpoint is not None:
        return run_attached.carry_out(request, endpoint)
    loop_factory = VirtualTimeLoop if request.virtual else None
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        outcome = runner.run(_run(request, experiment, definition, answers))
    return tell(outcome, as_json=request.as_json)


def _covered(request: Request, experiment: Experiment, definition: LineDefinition) -> Answers | None:
    """Return the answers file of the request, once every question of the run has somebody to answer it.

    Raises:
        ConfigError: the file is wrong, or gives answers that its questions do not take.
        NotConfirmed: a question that neither the file nor a default covers, and nobody is there.
    """
    zone = definition.zones[experiment.zone]
    lid = f"{zone.name}.lid_closed" in definition.tags
    prompts = list(expected(experiment, trials(experiment, zone.positions or POSITIONS), lid=lid))
    answers = None if request.answers is None else load_answers(find_file(request.answers, folder="experiments"))
    if answers is not None:
        check_answers(answers, prompts)
    simulated = request.sim or bool(definition.hands)
    if not simulated and (request.no_input or not questions.somebody_there()):
        check_covered(prompts, answers)
    return answers


async def _run(
    request: Request, experiment: Experiment, definition: LineDefinition, answers: Answers | None
) -> RunOutcome:
    seed = experiment.seed if request.seed is None else request.seed
    speed = (request.speed or 1.0) if request.sim else definition.speed
    clock = Clock(start_ns=VIRTUAL_START_NS if request.virtual else None, speed=speed)
    links = None
    async with AsyncExitStack() as stack:
        if request.sim:
            from linectl.server.simulation.simulated import serve

            up = await stack.enter_async_context(serve(definition, clock, seed=seed, wires=not request.memory))
            definition, links = up.definition, up.links
        file = store_path(definition, request.data, virtual=request.virtual)
        boot = f"seed-{seed}" if request.virtual else uuid.uuid4().hex[:12]
        server = LineServer(definition, clock, file, boot=boot, links=links, holder=operator_name())
        await stack.enter_async_context(server)
        hands = None
        if definition.hands:
            from linectl.server.simulation.simulated import hands_of

            known_as = simulate_as(experiment, definition)
            hands = await stack.enter_async_context(
                hands_of(definition, clock, line=server.line, simulate_as=known_as, links=links, seed=seed)
            )
        if answers is not None:
            server.desk.attach(AnswersFace(answers, clock, leave=BY_HAND if hands is not None else ()))
        if request.virtual:
            await clock.sleep_until(VIRTUAL_START_S)
        else:  # other terminals may look, answer and stop; in virtual time nobody could follow
            await stack.enter_async_context(served(server, operator=operator_name(), data=request.data))
        listen_for_interrupts(server, math.inf if request.virtual else TWICE_WITHIN_S)
        if request.sheet:
            return await _with_sheet(request, server, experiment, hands, file)
        screen = stack.enter_context(ProgressLine(quiet=request.quiet))
        if not request.no_input and questions.somebody_there():
            face = TerminalFace(clock, screen, operator_name())
            if hands is None:
                server.desk.attach(face)
            stack.enter_context(Keys(server, face, screen, operator_name()))
        return await server.run(
            experiment,
            hands,
            operator=operator_name(),
            seed=seed if request.sim else None,
            on_progress=screen.show,
            on_start=lambda run: note_last_run(run, file, request.data),
        )


async def _with_sheet(
    request: Request, server: LineServer, experiment: Experiment, hands: Prompter | None, file: Path
) -> RunOutcome:
    """Run with the observation sheet on this terminal; simulated hands move bottles, but look at none."""
    who = operator_name()
    zone = server.definition.zones[experiment.zone]
    sheet = run_sheet.sheet_for(server, zone.positions or POSITIONS, who)
    if hands is not None:
        server.desk.attach(run_sheet.OnlyTasks(hands, BY_HAND))
    run = server.run(
        experiment,
        operator=who,
        seed=(experiment.seed if request.seed is None else request.seed) if request.sim else None,
        on_progress=sheet.show,
        on_start=lambda run: note_last_run(run, file, request.data),
    )
    return await run_sheet.run_beside(sheet, run)


def simulate_as(experiment: Experiment, definition: LineDefinition) -> dict[str, str]:
    """Return the class that each glue behaves like in the simulator, for the codes of a blind experiment too."""
    positions = definition.zones[experiment.zone].positions or POSITIONS
    codes = blind_names(experiment, trials(experiment, positions))
    known = dict(experiment.simulate_as)
    return known | {code: known.get(glue, glue) for code, glue in codes.items()}


def listen_for_interrupts(server: LineServer, twice_within_s: float) -> None:
    """First Ctrl+C: stop at the next safe point; a second soon after: at once. SIGTERM: at once.

    `twice_within_s` is loop time; in virtual time hours pass between two presses, and every second one counts.
    """
    loop = asyncio.get_running_loop()
    asked_at: list[float] = []

    def interrupt() -> None:
        if asked_at and loop.time() - asked_at[-1] <= twice_within_s:
            server.abort()
            return
        asked_at.append(loop.time())
        server.cancel()
        click.echo(tr("\nstopping at the next safe point; Ctrl+C again within 10 s stops at once"), err=True)

    loop.add_signal_handler(signal.SIGINT, interrupt)
    loop.add_signal_handler(signal.SIGTERM, server.abort)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)  # a closed terminal does not end a run


def tell(outcome: RunOutcome, *, as_json: bool) -> int:
    """Print how a run ended and return the command's exit code."""
    if as_json:
        emit("run", asdict(outcome))
        return outcome.exit_code
    text = tr("run {run}: {status}, {baths} baths").format(
        run=outcome.run_id, status=ending(outcome.exit_status), baths=outcome.baths_done
    )
    flagged = tr("{n} of them flagged: see the events of the run").format(n=outcome.flagged) if outcome.flagged else ""
    more = explained_by(outcome.code) if outcome.code else ""
    for line in (text, flagged, outcome.reason, outcome.hint, more):
        if line:
            click.echo(line, err=True)
    return outcome.exit_code

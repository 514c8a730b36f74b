"""Carrying out `linectl run EXPERIMENT`: checks first, then the loop, the rig or the line, and the two Ctrl+C."""

from __future__ import annotations

import asyncio
import math
import signal
import uuid
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from linectl.cli.output import emit
from linectl.cli.terminal import ProgressLine, TerminalPrompter, operator_name
from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeLoop
from linectl.config.files import find_file
from linectl.config.load import load_experiment, load_line
from linectl.errors import ConfigError
from linectl.lab.runner import RunOutcome
from linectl.lab.schedule import feasibility, timeline
from linectl.line.limits import check_limits
from linectl.model.experiments import Experiment
from linectl.model.lines import LineDefinition
from linectl.model.prompts import Prompter
from linectl.server.line_server import LineServer
from linectl.server.logs import quiet_libraries
from linectl.server.places import note_last_run, store_path
from linectl.words import tr

__all__ = ["Request", "carry_out"]

_TWICE_WITHIN_S = 10.0
_VIRTUAL_START_S = 10.0  # whatever its wires took to connect, a virtual run starts then: same seed, same records


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

    @property
    def virtual(self) -> bool:
        """Whether the run's clock jumps."""
        return self.sim and self.speed is None


def carry_out(request: Request) -> int:
    """Check everything, run, tell how it ended, and return the exit code."""
    quiet_libraries()
    experiment = load_experiment(find_file(request.file, folder="experiments"))
    definition = _definition(request, experiment)
    warnings = check_limits(experiment, definition)
    for warning in warnings:
        click.echo(tr("warning: {text}").format(text=warning), err=True)
    problems = feasibility(experiment, definition)
    if request.dry_run:
        return _dry_run(request, experiment, definition, problems)
    if problems:
        raise ConfigError("\n".join(problems), hint=tr("see the timeline: linectl run FILE --dry-run"))
    loop_factory = VirtualTimeLoop if request.virtual else None
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        outcome = runner.run(_run(request, experiment, definition))
    return _tell(request, outcome)


def _definition(request: Request, experiment: Experiment) -> LineDefinition:
    if request.line is not None:
        definition = load_line(find_file(request.line, folder="config"))
    else:
        name = Path("simulated.yaml" if request.sim else f"{experiment.line}.yaml")
        definition = load_line(find_file(name, beside=request.file, folder="config"))
    return definition


def _dry_run(request: Request, experiment: Experiment, definition: LineDefinition, problems: list[str]) -> int:
    steps = timeline(experiment, definition)
    if request.as_json:
        emit("timeline", {"problems": problems, "baths": [asdict(step) for step in steps]})
    else:
        for step in steps:
            click.echo(str(step))
        click.echo(tr("total: {hours:.1f} h").format(hours=sum(step.total_min for step in steps) / 60))
        for problem in problems:
            click.echo(problem, err=True)
    return ConfigError.exit_code if problems else 0


async def _run(request: Request, experiment: Experiment, definition: LineDefinition) -> RunOutcome:
    seed = experiment.seed if request.seed is None else request.seed
    speed = (request.speed or 1.0) if request.sim else definition.speed
    clock = Clock(start_ns=VIRTUAL_START_NS if request.virtual else None, speed=speed)
    links = None
    async with AsyncExitStack() as stack:
        if request.sim:
            from linectl.server.simulated import serve

            up = await stack.enter_async_context(serve(definition, clock, seed=seed, wires=not request.memory))
            definition, links = up.definition, up.links
        file = store_path(definition, request.data, virtual=request.virtual)
        boot = f"seed-{seed}" if request.virtual else uuid.uuid4().hex[:12]
        server = LineServer(definition, clock, file, boot=boot, links=links)
        await stack.enter_async_context(server)
        prompter: Prompter = TerminalPrompter(clock)
        if definition.hands:
            from linectl.server.simulated import hands_of

            hands = hands_of(definition, clock, line=server.line, simulate_as=experiment.simulate_as, links=links)
            prompter = await stack.enter_async_context(hands)
        if request.virtual:
            await clock.sleep_until(_VIRTUAL_START_S)
        _listen_for_interrupts(server, math.inf if request.virtual else _TWICE_WITHIN_S)
        with ProgressLine(quiet=request.quiet) as progress:
            outcome = await server.run(
                experiment,
                prompter,
                operator=operator_name(),
                seed=seed if request.sim else None,
                on_progress=progress.show,
            )
    note_last_run(outcome.run_id, file, request.data)
    return outcome


def _listen_for_interrupts(server: LineServer, twice_within_s: float) -> None:
    """First Ctrl+C: stop at the next safe point; a second soon after: at once. SIGTERM: at once.

    `twice_within_s` is loop time; in virtual time hours pass between two presses, and every second one counts.
    """
    loop = asyncio.get_running_loop()
    asked_at: list[float] = []

    def interrupt() -> None:
        if asked_at and loop.time() - asked_at[-1] <= twice_within_s:
            server.stop_now()
            return
        asked_at.append(loop.time())
        server.request_stop()
        click.echo(tr("\nstopping at the next safe point; Ctrl+C again within 10 s stops at once"), err=True)

    loop.add_signal_handler(signal.SIGINT, interrupt)
    loop.add_signal_handler(signal.SIGTERM, server.stop_now)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)  # a closed terminal does not end a run


def _tell(request: Request, outcome: RunOutcome) -> int:
    if request.as_json:
        emit("run", asdict(outcome))
        return outcome.exit_code
    text = tr("run {run}: {status}, {baths} baths").format(
        run=outcome.run_id, status=outcome.exit_status, baths=outcome.baths_done
    )
    for line in (text, outcome.reason, outcome.hint):
        if line:
            click.echo(line, err=True)
    return outcome.exit_code

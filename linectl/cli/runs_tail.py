"""`linectl runs tail`: follow a run under way to its end, from any terminal; Ctrl+C leaves it to itself."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from linectl.cli.options import common, run_argument
from linectl.cli.output import emit
from linectl.cli.sim_options import ended_by
from linectl.errors import LinectlError
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.cli.terminal import ProgressLine
    from linectl.model.records import Run
    from linectl.server.results.finished import FinishedRun

__all__ = ["command", "exit_code_of"]

_LOOK_S = 1.0
_DETACHED = 130


@click.command("tail", help=tr("Follow RUN (else the last one) until it ends, and end with its exit code."))
@run_argument
@common
def command(run: str, data: Path | None, as_json: bool) -> int:
    """Show where the run stands as it goes on; what has ended is told at once."""
    import asyncio

    from linectl.cli.terminal import ProgressLine
    from linectl.server.results.finished import find_run

    found = find_run(run, data)
    with ProgressLine(quiet=as_json) as screen:
        ended = asyncio.run(_followed(found, data, screen))
    if ended is None:
        text = tr("\nleft: the run {run} goes on. linectl status, linectl pause, linectl cancel")
        click.echo(text.format(run=found.run.id), err=True)
        return _DETACHED
    _tell(found, ended, as_json=as_json)
    return exit_code_of(ended)


def exit_code_of(run: Run) -> int:
    """Return the exit code with which the command that ended `run` ended: 0, 8 (a person did), 5 (a fault did)."""
    from linectl.model.records import ExitStatus

    return {ExitStatus.SUCCESS: 0, ExitStatus.ABORT: 8}.get(run.exit_status or ExitStatus.FAIL, 5)


async def _followed(found: FinishedRun, data: Path | None, screen: ProgressLine) -> Run | None:
    """Return the run as it ended, or as the death of its program left it; None: the person has left before."""
    import asyncio

    stop = asyncio.Event()
    ended_by(stop)
    while not stop.is_set():
        run = found.reader.run(found.run.id)
        if run.exit_status is not None or found.reader.interrupted(run):
            return found.reader.run(run.id)  # asked again: its end may have come between the two looks
        where = await asyncio.to_thread(_where, found, data)
        screen.show_line(*where)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _LOOK_S)
    return None


def _where(found: FinishedRun, data: Path | None) -> tuple[int, str]:
    """Return the number of the bath and where the run stands: as its server says, else by its baths in the store."""
    from linectl.cli.run_attached import progress_line
    from linectl.server.finding import connect

    with suppress(LinectlError), connect(data, found.run.line) as server:
        told: dict[str, Any] | None = server.call("status", sections=["run"])["run"]
        if told is not None and told["id"] == found.run.id:
            return progress_line(told)
    trials = found.reader.trials(found.run.id)
    done = sum(trial.ended_ns is not None for trial in trials)
    return done + 1, tr("{done} of {n} baths done").format(done=done, n=len(trials))


def _tell(found: FinishedRun, run: Run, *, as_json: bool) -> None:
    from linectl.cli.run_told import as_data, ended
    from linectl.lab.report.terms import ending
    from linectl.tui.styled import printable

    trials = found.reader.trials(run.id)
    done = sum(trial.ended_ns is not None for trial in trials)
    if as_json:
        interrupted = run.exit_status is None or run.state == "interrupted"
        emit("run_tail", {**as_data(run), "interrupted": interrupted, "baths_done": done, "baths": len(trials)})
        return
    how = ending(run.exit_status) if run.exit_status is not None and run.state != "interrupted" else ended(run)
    text = tr("run {run}: {status}, {baths} baths")
    click.echo(text.format(run=run.id, status=how, baths=done))
    if run.reason:
        click.echo(printable(run.reason))

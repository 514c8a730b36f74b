"""`linectl run --sheet`: the observation sheet on this terminal for the time of a run."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

from linectl.cli.run_commands import RunCommands
from linectl.errors import NotConfirmed
from linectl.lab.desk import Face
from linectl.lab.outcome import RunOutcome
from linectl.model.prompts import Answer, Prompt, Prompter
from linectl.server.line_server import LineServer
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.tui.sheet import ObservationSheet

__all__ = ["OnlyTasks", "check_sheet", "run_beside", "sheet_for"]


class OnlyTasks(Face):
    """Lets a prompter answer some tasks and leaves the rest to others."""

    def __init__(self, prompter: Prompter, tasks: frozenset[str]) -> None:
        self._prompter = prompter
        self._tasks = tasks

    def ask(self, prompt: Prompt) -> Coroutine[None, None, Answer | None]:
        """Answer `prompt` if its task is one of those."""
        return self._ask(prompt)

    async def _ask(self, prompt: Prompt) -> Answer | None:
        return await self._prompter.ask(prompt) if prompt.task in self._tasks else None


def check_sheet(*, virtual: bool) -> None:
    """Say beforehand why there can be no sheet.

    Raises:
        click.UsageError: textual is not installed, or the run's clock jumps.
        NotConfirmed: there is no terminal.
    """
    if find_spec("textual") is None:
        raise click.UsageError(tr("the sheet needs textual: pip install 'linectl[tui]'"))
    if virtual:
        raise click.UsageError(tr("nobody is quick enough for a clock that jumps: give --speed with --sheet"))
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise NotConfirmed(tr("the sheet needs a terminal"), hint=tr("without one, give --answers FILE"))


def sheet_for(server: LineServer, positions: int, who: str) -> ObservationSheet:
    """Return the sheet of a bath with so many positions, whose commands steer the run."""
    from linectl.tui.sheet import ObservationSheet

    sheet = ObservationSheet(server.desk, range(1, positions + 1), who=who, interrupt=server.cancel)
    sheet.command = RunCommands(server, who, sheet.say).take
    return sheet


async def run_beside(sheet: ObservationSheet, run: Coroutine[None, None, RunOutcome]) -> RunOutcome:
    """Show `sheet` while `run` goes on; the run does not end with the screen, the screen ends with the run."""
    screen = asyncio.create_task(sheet.run_async())
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, sheet.exit)  # a closed terminal: the run goes on
    try:
        await sheet.shown.wait()
        return await run
    finally:
        sheet.exit()
        await asyncio.gather(screen, return_exceptions=True)

"""The run that may have a machine: what it says to the machine's commands, which are then commands to the run."""

from __future__ import annotations

from typing import Protocol

from linectl.errors import Refused
from linectl.line.packml import command_word
from linectl.line.reports import Command
from linectl.words import tr

__all__ = ["Runs", "must_be_free_of_runs"]


class Runs(Protocol):
    """Whoever knows the run under way; `run_id` is empty when there is none."""

    @property
    def run_id(self) -> str:
        """The id of the run under way."""

    def would_lose(self) -> str:
        """Return what ending the run now would lose."""

    def abort(self, *, who: str = "", why: str = "") -> None:
        """End the run at once; nothing when there is none."""

    async def hold(self, *, who: str = "", why: str = "") -> None:
        """Switch the heater off now and let the run wait for a person."""

    async def resume(self, *, who: str = "") -> None:
        """Let the run go on."""


def must_be_free_of_runs(runs: Runs, command: Command) -> None:
    """Look whether a run has the machine: it would not know what is done to it.

    Raises:
        Refused: one has (E-MCH-001).
    """
    if runs.run_id:
        text = tr("{command}: run {run} has the machine").format(command=command_word(command), run=runs.run_id)
        hint = tr("its commands: linectl hold, unhold, pause, cancel, abort")
        raise Refused(text, hint=hint, code="E-MCH-001")

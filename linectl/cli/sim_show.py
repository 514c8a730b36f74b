"""`linectl sim show`: the picture of the simulated line that is up, live, or once in plain text."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linectl.cli.options import common
from linectl.cli.sim_options import which
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.server.simulation.twin_view import TwinView

__all__ = ["check_picture", "command", "print_once"]

_PLAIN_COLUMNS = 100


@click.command("show", help=tr("Show the simulated line that is up: what is true beside what its PLC says."))
@click.option("--plain", is_flag=True, help=tr("once, as text: no terminal and no textual needed"))
@which
@common
def command(plain: bool, which: str, data: Path | None, as_json: bool) -> int:
    """Look, once or until the person closes the picture."""
    from linectl.cli.output import emit
    from linectl.server.simulation.client import connect_to_sim
    from linectl.server.simulation.twin_view import view_of

    if not (plain or as_json):
        check_picture(tr("for one look as text: linectl sim show --plain"))
    with connect_to_sim(data, which) as sim:

        def look() -> TwinView:
            return view_of(sim.call("state"))

        if as_json:
            emit("sim_state", sim.call("state"))
        elif plain:
            print_once(look)
        else:
            from linectl.tui.twin_picture import TwinPicture

            TwinPicture(look).run()
    return 0


def print_once(look: Callable[[], TwinView]) -> None:
    """Print one look as plain text."""
    from linectl.tui.styled import plain
    from linectl.tui.twin_drawing import draw

    columns = shutil.get_terminal_size((_PLAIN_COLUMNS, 40)).columns
    click.echo(plain(draw(look(), max(columns, 74), 200)))


def check_picture(instead: str) -> None:
    """Say beforehand why there can be no picture, and what to do `instead`.

    Raises:
        click.UsageError: textual is not installed, or this is no terminal.
    """
    if find_spec("textual") is None:
        text = tr("the picture needs textual: pip install 'linectl[tui]'")
        raise click.UsageError(f"{text}; {instead}")
    if not (sys.stdin.isatty() and sys.stderr.isatty()):  # textual draws on standard error
        raise click.UsageError(tr("the picture needs a terminal; {instead}").format(instead=instead))

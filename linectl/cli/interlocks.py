"""`linectl interlocks`: what is tripped, what may not start now, and taking a trip back."""

from __future__ import annotations

from pathlib import Path

import click

from linectl.cli.asking import asking, of_line
from linectl.cli.list_first import ListFirst
from linectl.cli.output import emit
from linectl.words import tr

__all__ = ["command"]


@click.group("interlocks", cls=ListFirst, help=tr("Show what is tripped and what may not start now; reset a trip."))
def command() -> None:
    """Hold `ls` and `reset`."""


@command.command("ls", help=tr("List trips, and permissives that are missing."))
@of_line
def ls(line: str, data: Path | None, as_json: bool) -> int:
    """List what stands."""
    with asking(data, line) as server:
        found = server.call("status", sections=["interlocks"])["interlocks"]
    if as_json:
        emit("interlocks", found)
        return 0
    from linectl.cli.status_text import interlock_lines

    click.echo("\n".join(interlock_lines(found)) or tr("nothing is tripped, nothing is missing"))
    return 0


@command.command("reset", help=tr("Take back the trips NAMES (none: all) whose causes are gone."))
@click.argument("names", nargs=-1)
@of_line
def reset(names: tuple[str, ...], line: str, data: Path | None, as_json: bool) -> int:
    """Reset trips."""
    with asking(data, line) as server:
        told = server.call("interlock_reset", names=list(names))
    if as_json:
        emit("interlock_reset", told)
    else:
        click.echo(tr("reset: {names}").format(names=", ".join(told["reset"]) or tr("nothing was tripped")))
    return 0

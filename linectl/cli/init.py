"""`linectl init`: a folder for a new site, with all that comes with linectl to begin from."""

from __future__ import annotations

from pathlib import Path

import click

from linectl.cli.options import common
from linectl.cli.output import emit
from linectl.words import ntr, tr

__all__ = ["command"]


@click.command("init", help=tr("Copy the lines, interlocks and experiments that come with linectl into DIR."))
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=True))
@common
def command(folder: Path, data: Path | None, as_json: bool) -> int:  # noqa: ARG001  # --data is common to all verbs
    """Copy, and say what to do next."""
    from linectl.config.site import copy_out

    made = copy_out(folder)
    if as_json:
        emit("init", {"folder": str(folder), "files": [str(path) for path in made]})
        return 0
    text = ntr("{folder}: {n} file, yours from now on", "{folder}: {n} files, yours from now on", len(made))
    click.echo(text.format(folder=folder, n=len(made)))
    for what, line in _next(folder):
        click.echo(f"  {line:<48}  {what}")
    return 0


def _next(folder: Path) -> list[tuple[str, str]]:
    """Return what to do next: what it is for, and the line to type."""
    return [
        (tr("linectl finds the files of the folder in which it is called"), f"cd {folder}"),
        (tr("each file says what is wrong with it, and where"), "linectl config check config/simulated.yaml"),
        (tr("a whole experiment, without equipment"), "linectl run glue_screening --sim"),
        (tr("a line of your own begins as a copy of one"), "cp config/lab_rig.yaml config/hall.yaml"),
        (tr("addresses, tags and limits; checked before it counts"), "linectl config edit config/hall.yaml"),
        (tr("what answers on its wires, and what does not"), "linectl doctor hall"),
    ]

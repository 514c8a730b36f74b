"""`linectl config`: check a line or experiment file."""

from __future__ import annotations

from pathlib import Path

import click

from linectl.cli.complete import any_file
from linectl.cli.options import common
from linectl.cli.output import emit
from linectl.words import tr

__all__ = ["command"]


@click.group("config", help=tr("Check a line or experiment file."))
def command() -> None:
    """Hold `check`."""


@command.command("check", help=tr("Check FILE; every mistake is named as file:line:column."))
@click.argument("file", type=click.Path(path_type=Path), shell_complete=any_file)
@common
def check(file: Path, data: Path | None, as_json: bool) -> int:  # noqa: ARG001  # --data is common to all verbs
    """Load the file, and say what it is."""
    from linectl.config.load import load_any
    from linectl.model.faults import Scenario

    loaded = load_any(file)
    if isinstance(loaded, Scenario):
        from linectl.sim.faults.feasible import check_feasible

        check_feasible(loaded)
    kind = type(loaded).__name__.replace("Definition", "").lower()
    if as_json:
        emit("config_check", {"file": str(file), "kind": kind, "name": loaded.name})
    else:
        click.echo(tr("{file}: a sound {kind}, {name}").format(file=file, kind=kind, name=loaded.name))
        for note in getattr(loaded, "unverified", ()):
            click.echo(tr("  not verified: {note}").format(note=note))
    return 0

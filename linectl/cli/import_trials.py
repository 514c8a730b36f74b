"""`linectl import`: past trials from a spreadsheet."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from linectl.cli.options import common
from linectl.cli.output import emit
from linectl.cli.terminal import operator_name
from linectl.words import tr

__all__ = ["command"]


@click.command("import", help=tr("Take in past trials from FILE.csv, one row per bottle."))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@common
def command(file: Path, data: Path | None, as_json: bool) -> int:
    """Check the file, store its trials as a run, and say what came in."""
    from linectl.lab.import_csv import read_trials
    from linectl.server.past_trials import keep

    trials = read_trials(file)
    for warning in trials.warnings:
        click.echo(str(warning), err=True)
    run = asyncio.run(keep(trials, data, operator=operator_name()))
    bottles, baths = len(trials.bottles), len(trials.baths)
    if as_json:
        emit("import", {"run": run, "bottles": bottles, "baths": baths})
    else:
        click.echo(tr("run {run}: {bottles} bottles in {baths} baths").format(run=run, bottles=bottles, baths=baths))
        click.echo(tr("next: linectl fit, linectl report"))
    return 0

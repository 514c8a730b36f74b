"""`linectl import`: past trials from a spreadsheet, or a run that was exported."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from linectl.cli.operator import operator_name
from linectl.cli.options import common
from linectl.cli.output import emit
from linectl.words import tr

__all__ = ["command"]


@click.command(
    "import", help=tr("Take in past trials from FILE.csv, one row per bottle, or a run from an export (folder or zip).")
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--glues", help=tr("the glues there are, with commas between: any other in the file is refused"))
@click.option("--temperature-unit", type=click.Choice(["c", "f"]), help=tr("what the file's temperatures are in"))
@click.option("--time-unit", type=click.Choice(["s", "min", "h"]), help=tr("what the file's times are in"))
@common
def command(
    file: Path,
    glues: str | None,
    temperature_unit: str | None,
    time_unit: str | None,
    data: Path | None,
    as_json: bool,
) -> int:
    """Check the file, store its trials as a run, and say what came in."""
    from linectl.store.export.restore import is_archive

    if is_archive(file):
        return _take_back(file, data, as_json=as_json)
    from linectl.lab.import_csv import Units, read_trials
    from linectl.server.results.past_trials import keep

    known = None if glues is None else [glue.strip() for glue in glues.split(",") if glue.strip()]
    trials = read_trials(file, glues=known, units=Units(temperature_unit or "", time_unit or ""))
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


def _take_back(place: Path, data: Path | None, *, as_json: bool) -> int:
    from linectl.server.results.exports import take_back
    from linectl.server.results.finished import find_run

    run, complete = asyncio.run(take_back(place, data, by=operator_name()))
    reader = find_run("last", data).reader
    bottles, baths = len(reader.bottles(run.id)), len(reader.trials(run.id))
    if as_json:
        emit("import", {"run": run.id, "bottles": bottles, "baths": baths, "complete": complete})
        return 0
    click.echo(tr("run {run}: {bottles} bottles in {baths} baths").format(run=run.id, bottles=bottles, baths=baths))
    if not complete:
        click.echo(tr("this run has no end: it was interrupted, or was exported while it went on"), err=True)
    click.echo(tr("next: linectl fit, linectl report"))
    return 0

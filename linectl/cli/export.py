"""`linectl export`: a run's data as CSV files."""

from __future__ import annotations

from pathlib import Path

import click

from linectl.cli.options import common, run_argument
from linectl.cli.output import emit
from linectl.words import tr

__all__ = ["command"]


@click.command("export", help=tr("Write the data of RUN as CSV files in a folder."))
@run_argument
@click.option("--format", "form", type=click.Choice(["csv"]), default="csv", show_default=True)
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), help=tr("folder (else the run's id)"))
@click.option("--overwrite", is_flag=True, help=tr("replace files of an earlier export"))
@common
def command(run: str, form: str, to: Path | None, overwrite: bool, data: Path | None, as_json: bool) -> int:  # noqa: ARG001  # one format so far
    """Write the files and list them."""
    from linectl.server.finished import find_run
    from linectl.store.export import export_csv

    found = find_run(run, data)
    files = export_csv(found.reader, found.run.id, to or Path(found.run.id), overwrite=overwrite)
    if as_json:
        emit("export", {"run": found.run.id, "files": [str(file) for file in files]})
    else:
        for file in files:
            click.echo(str(file))
    return 0

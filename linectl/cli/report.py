"""`linectl report`: one self-contained HTML file."""

from __future__ import annotations

from pathlib import Path

import click

from linectl.cli.options import common, question, run_argument
from linectl.cli.output import emit
from linectl.words import tr

__all__ = ["command"]


@click.command("report", help=tr("Write the report of RUN as one HTML file, in the language of --lang."))
@run_argument
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help=tr("file (else report-RUN.html)"))
@question
@common
def command(
    run: str, output: Path | None, soak_s: float | None, tau_glass_s: float | None, data: Path | None, as_json: bool
) -> int:
    """Write it and say where."""
    from linectl.server.finished import Asked, find_run, write_report

    found = find_run(run, data)
    target = write_report(found, output or Path(f"report-{found.run.id}.html"), Asked(soak_s, tau_glass_s))
    if as_json:
        emit("report", {"run": found.run.id, "file": str(target), "bytes": target.stat().st_size})
    else:
        click.echo(str(target))
    return 0

"""`linectl lot import`: past wash lots from a spreadsheet."""

from __future__ import annotations

from pathlib import Path

import click

from linectl.cli.options import common
from linectl.cli.output import emit
from linectl.words import ntr, tr

__all__ = ["command"]


@click.command(
    "import", help=tr("Take in past lots from FILE.csv: lot, glue, bottles, rejected, washed; they are charted too.")
)
@click.argument("file", type=click.Path(path_type=Path))
@common
def command(file: Path, data: Path | None, as_json: bool) -> int:
    """Check the file, keep its lots, and say what came in."""
    from linectl.cli.operator import operator_name
    from linectl.server.washing.lot_import import keep_lots, read_lots

    by = operator_name()
    taken = keep_lots(file, read_lots(file, by=by), data, by=by)
    if as_json:
        emit("lot_import", {"new": taken.new, "known": taken.known, "store": str(taken.store)})
        return 0
    text = ntr(
        "{count} lot taken in, {known} known already", "{count} lots taken in, {known} known already", len(taken.new)
    )
    click.echo(text.format(count=len(taken.new), known=len(taken.known)))
    click.echo(tr("next: linectl chart"))
    return 0

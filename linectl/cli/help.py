"""`linectl help`: exit codes."""

from __future__ import annotations

from pathlib import Path

import click

from linectl.cli.options import common
from linectl.cli.output import emit, table
from linectl.words import tr

__all__ = ["command"]


@click.command("help", help=tr("Explain the exit codes."))
@click.argument("topic", default="exit-codes", type=click.Choice(["exit-codes"]))
@common
def command(topic: str, data: Path | None, as_json: bool) -> int:  # noqa: ARG001  # one topic; --data is common
    """Print the table of exit codes."""
    rows = [
        ["0", tr("done")],
        ["1", tr("internal error")],
        ["2", tr("wrong use of the command")],
        ["3", tr("a file is invalid")],
        ["4", tr("line, port or broker unreachable")],
        ["5", tr("fault of a device, a wire or the store")],
        ["6", tr("refused: limit, interlock, state or lease")],
        ["7", tr("not confirmed, or nobody to answer")],
        ["8", tr("run ended by a person")],
        ["9", tr("verdict --check: every glue is NO-GO")],
        ["10", tr("--check: it is so (files differ)")],
        ["11", tr("verdict --check: more bottles are needed, or the line has disproved a GO")],
        ["130", tr("Ctrl+C")],
    ]
    if as_json:
        emit("help", {"exit_codes": {row[0]: row[1] for row in rows}})
        return 0
    click.echo(table([tr("code"), tr("meaning")], rows))
    return 0

"""`linectl report`: one self-contained HTML file."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path

import click

from linectl.cli.options import common, question, runs_argument
from linectl.cli.output import emit
from linectl.words import decimal, tr

__all__ = ["command"]


@click.command(
    "report",
    help=tr("Write the report of RUN, or of several runs as one body of data, as one HTML file, in --lang."),
)
@runs_argument
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help=tr("file (else report-RUN.html); usb: or usb:NAME for a stick"),
)
@click.option("--for", "maker", default="", help=tr("the glues of this maker and the reference, no trace of others"))
@question
@common
def command(
    runs: tuple[str, ...],
    output: Path | None,
    maker: str,
    soak_s: float | None,
    tau_glass_s: float | None,
    data: Path | None,
    as_json: bool,
) -> int:
    """Write it; say where on standard output, and its size and the time it took beside it."""
    from linectl.server.results.finished import Asked, find_pool
    from linectl.server.results.reporting import report_name, write_pool_report

    with closing(asyncio.new_event_loop()) as loop:  # for its time alone
        began_s = loop.time()
        pool = find_pool(runs, data, maker=maker)
        asked = Asked(soak_s, tau_glass_s)
        if output is not None and str(output).startswith("usb:"):
            from linectl.cli.to_stick import left_on_stick

            def write(folder: Path) -> list[Path]:
                return [write_pool_report(pool, folder / report_name(pool), asked)]

            (target,) = left_on_stick(output, write, "", overwrite=True, quiet=True).files
            click.echo(tr("read back and found whole: the stick may be pulled out"), err=True)
        else:
            target = write_pool_report(pool, output or Path(report_name(pool)), asked)
        took_s, size = loop.time() - began_s, target.stat().st_size
    if as_json:
        told = {"run": pool.runs[0].id, "runs": [run.id for run in pool.runs], "file": str(target), "bytes": size}
        emit("report", told | {"seconds": round(took_s, 3)})
    else:
        click.echo(str(target))
        click.echo(tr("{size} kB in {took} s").format(size=decimal(size / 1000, 0), took=decimal(took_s)), err=True)
    return 0

"""`linectl export`: a run as files that other tools open, and that `linectl import` takes back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from linectl.cli.options import common, run_argument
from linectl.cli.output import emit
from linectl.words import tr

if TYPE_CHECKING:
    from datetime import tzinfo

__all__ = ["command"]

FORMS = ("csv", "dir", "zip", "parquet", "jsonl", "suitcase-jsonl")  # as in linectl.store.export.archive, not loaded


@click.command("export", help=tr("Write RUN as files for other tools: tables, event documents, or both in a zip."))
@run_argument
@click.option(
    *("--format", "form"),
    type=click.Choice(FORMS),
    default="csv",
    show_default=True,
    help=tr(
        "csv: tables; parquet: tables; jsonl: documents for bluesky and tiled; suitcase-jsonl: for databroker; "
        "dir, zip: tables and documents, in a folder or one file"
    ),
)
@click.option(
    *("--to", "-o"),
    "target",
    type=click.Path(path_type=Path),
    help=tr("folder, or for zip a file (else the run's id); usb: or usb:NAME for a stick"),
)
@click.option("--excel-fr", is_flag=True, help=tr("tables for a French Excel: semicolons, decimal comma, local time"))
@click.option("--timezone", help=tr("local time of --excel-fr, such as Europe/Paris (else this machine's)"))
@click.option("--for", "maker", default="", help=tr("the glues of this maker and the reference, no trace of others"))
@click.option("--with-report", "report", is_flag=True, help=tr("put report.html with it"))
@click.option("--close", is_flag=True, help=tr("end the documents of a run that still goes on"))
@click.option("--overwrite", is_flag=True, help=tr("replace files of an earlier export"))
@common
def command(
    run: str,
    form: str,
    target: Path | None,
    excel_fr: bool,
    timezone: str | None,
    maker: str,
    report: bool,
    close: bool,
    overwrite: bool,
    data: Path | None,
    as_json: bool,
) -> int:
    """Write the files and list them."""
    from linectl.server.results.exports import write_export
    from linectl.server.results.finished import find_run
    from linectl.store.export.archive import Options, safe_name

    if excel_fr and form not in {"csv", "dir", "zip"}:
        raise click.UsageError(tr("--excel-fr goes with --format csv, dir or zip"))
    zone = None if timezone is None else _zone(timezone)
    found = find_run(run, data)
    name = safe_name(found.run.id)
    options = Options(form, excel_fr=excel_fr, zone=zone, close=close, overwrite=overwrite)
    if target is not None and str(target).startswith("usb:"):
        from linectl.cli.to_stick import left_on_stick

        def write(folder: Path) -> list[Path]:
            return write_export(found, _place(folder / name, form, name), options, maker=maker, report=report)

        into = "" if form == "zip" else name
        carried = left_on_stick(target, write, into, overwrite=overwrite, quiet=as_json)
        if as_json:
            stick = {"name": carried.stick.name, "folder": str(carried.stick.folder), "bytes": carried.bytes}
            emit("export", {"run": found.run.id, "files": [str(file) for file in carried.files], "stick": stick})
        return 0
    files = write_export(found, _place(target, form, name), options, maker=maker, report=report)
    if as_json:
        emit("export", {"run": found.run.id, "files": [str(file) for file in files]})
    else:
        for file in files:
            click.echo(str(file))
    return 0


def _place(target: Path | None, form: str, name: str) -> Path:
    """Return the folder, or for a zip the file: `target` itself when it ends in .zip, else in that folder."""
    if form != "zip":
        return target or Path(name)
    if target is not None and target.suffix.lower() == ".zip" and not target.is_dir():
        return target
    return (target or Path()) / f"{name}.zip"


def _zone(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise click.BadParameter(tr("no time zone {name} on this machine").format(name=name)) from error

"""`linectl lot`: wash lots begun, ended, looked at, set aside, released and delivered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from linectl.cli import lot_import
from linectl.cli.asking import asking, of_line
from linectl.cli.complete import glues, lots
from linectl.cli.list_first import ListFirst
from linectl.cli.output import emit
from linectl.words import tr

__all__ = ["command"]

_DUE = 10  # exit code of --check when it is true

reason_option = click.option("--reason", default="", help=tr("why; kept in the record"))


@click.group(
    "lot", cls=ListFirst, help=tr("Wash lots: begin and end one, look at them, set bottles aside and release them.")
)
def command() -> None:
    """Hold the verbs of lots."""


command.add_command(lot_import.command)


@command.command("start", help=tr("Begin a lot with the next bottle that goes in."))
@click.argument("name", default="")
@click.option("--grower", required=True, help=tr("whose bottles"))
@click.option("--bottle", required=True, help=tr("bottle model"))
@click.option(
    "--glue",
    required=True,
    shell_complete=glues,
    help=tr("glue of the labels: permanent, casein, dextrin, starch, pvoh, psa, unknown, or a glue's name"),
)
@click.option("--glue-lot", default="", help=tr("the maker's lot of the glue"))
@click.option("--note", default="", help=tr("anything else worth knowing"))
@reason_option
@of_line
def start(
    name: str,
    grower: str,
    bottle: str,
    glue: str,
    glue_lot: str,
    note: str,
    reason: str,
    line: str,
    data: Path | None,
    as_json: bool,
) -> int:
    """Begin a lot."""
    told = {"name": name, "grower": grower, "bottle": bottle, "glue": glue, "glue_lot": glue_lot, "note": note}
    return _asked("lot_start", {**told, "reason": reason}, line, data, as_json=as_json)


@command.command("end", help=tr("End the lot that goes in (NAME, if given) with the last bottle that went in."))
@click.argument("name", default="", shell_complete=lots)
@reason_option
@of_line
def end(name: str, reason: str, line: str, data: Path | None, as_json: bool) -> int:
    """End a lot."""
    return _asked("lot_end", {"name": name, "reason": reason}, line, data, as_json=as_json)


@command.command("quarantine", help=tr("Set bottles of the lot NAME aside; this needs --reason."))
@click.argument("name", shell_complete=lots)
@click.option("--first", type=click.IntRange(min=1), default=1, show_default=True, help=tr("first bottle, as it left"))
@click.option("--last", type=click.IntRange(min=1), help=tr("last bottle (else to the end of the lot)"))
@reason_option
@of_line
def quarantine(
    name: str, first: int, last: int | None, reason: str, line: str, data: Path | None, as_json: bool
) -> int:
    """Set bottles aside."""
    args = {"name": name, "first": first, "last": last, "reason": reason}
    return _asked("lot_quarantine", args, line, data, as_json=as_json)


@command.command("release", help=tr("Release the bottles of NAME that are set aside; this needs --reason."))
@click.argument("name", shell_complete=lots)
@reason_option
@of_line
def release(name: str, reason: str, line: str, data: Path | None, as_json: bool) -> int:
    """Release bottles."""
    return _asked("lot_release", {"name": name, "reason": reason}, line, data, as_json=as_json)


@command.command("deliver", help=tr("Note that the bottles of NAME have left the plant: its date is no more watched."))
@click.argument("name", shell_complete=lots)
@reason_option
@of_line
def deliver(name: str, reason: str, line: str, data: Path | None, as_json: bool) -> int:
    """Note a delivery."""
    return _asked("lot_deliver", {"name": name, "reason": reason}, line, data, as_json=as_json)


@command.command("ls", help=tr("List the wash lots, the newest first; with or without a server."))
@click.option("--check", is_flag=True, help=tr("exit 10 when a washed lot must be used within --days"))
@click.option(
    "--days", type=click.FloatRange(min=0), default=30.0, show_default=True, help=tr("days before the reuse-by date")
)
@click.option("-n", "--limit", type=click.IntRange(min=0), default=50, show_default=True, help=tr("so many; 0: all"))
@of_line
def ls(check: bool, days: float, limit: int, line: str, data: Path | None, as_json: bool) -> int:
    """List lots; with --check those alone that are due."""
    from linectl.cli.lot_text import lots_table

    found = _found("lots", {"limit": limit, "due_days": days if check else None}, line, data)
    if as_json:
        emit("lots", found)
    elif found:
        click.echo(lots_table(found))
    else:
        click.echo(tr("no lot must be used within {days:g} days").format(days=days) if check else tr("no lots yet"))
    return _DUE if check and found else 0


@command.command("show", help=tr("Show the wash lot NAME (last: the newest); with or without a server."))
@click.argument("name", default="last", shell_complete=lots)
@of_line
def show(name: str, line: str, data: Path | None, as_json: bool) -> int:
    """Show a lot."""
    found = _found("lot", {"name": name}, line, data)
    return _tell("lot", found, as_json=as_json)


def _asked(op: str, args: dict[str, Any], line: str, data: Path | None, *, as_json: bool) -> int:
    with asking(data, line) as server:
        told = server.ask(op, args)
    return _tell("lot", told, as_json=as_json)


def _tell(schema: str, lot: dict[str, Any], *, as_json: bool) -> int:
    if as_json:
        emit(schema, lot)
        return 0
    from linectl.cli.lot_text import lot_lines

    click.echo("\n".join(lot_lines(lot)))
    return 0


def _found(op: str, args: dict[str, Any], line: str, data: Path | None) -> Any:
    """Return what the line's server says; where nobody serves it, what its store holds."""
    from linectl.errors import Unreachable

    try:
        with asking(data, line) as server:
            return server.ask(op, args)
    except Unreachable:
        from linectl.server.washing.kept_lots import lot_kept, lots_kept

    if op == "lot":
        return lot_kept(data, line, args["name"])
    return lots_kept(data, line, limit=args["limit"], due_days=args["due_days"])

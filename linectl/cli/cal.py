"""`linectl cal`: calibrate a sensor; list, show and choose its calibrations; say which are due."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from linectl.cli import cal_run
from linectl.cli.cal_run import line_option, load
from linectl.cli.complete import tags
from linectl.cli.list_first import ListFirst
from linectl.cli.options import common
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.model.lines import LineDefinition

__all__ = ["command"]

_DUE = 10


def _must_be_known(definition: LineDefinition, sensor: str) -> None:
    """Refuse a sensor that the line has not ("" names none)."""
    from linectl.server.commissioning import known_tag

    if sensor:
        known_tag(definition, sensor)


@click.group(
    "cal", cls=ListFirst, help=tr("Calibrate sensors; list, show and choose their calibrations; say which are due.")
)
def command() -> None:
    """Hold the verbs of calibrations."""


command.add_command(cal_run.command)


@command.command("ls", help=tr("List the calibrations of SENSOR, or of all sensors, and which of them are active."))
@click.argument("sensor", default="", shell_complete=tags)
@line_option
@common
def ls(sensor: str, line: Path | None, data: Path | None, as_json: bool) -> int:
    """List the records, oldest first, and the sensors that only the calibration file knows."""
    from linectl.cli.cal_text import declared_row, list_row, record_as_data
    from linectl.cli.output import emit, table
    from linectl.server.calibration_book import CalibrationBook

    definition = load(line, data)
    _must_be_known(definition, sensor)
    book = CalibrationBook(definition, data)
    active = {tag: chosen.version for tag, chosen in book.active().items()}
    records = [each for tag in ([sensor] if sensor else book.tags()) for each in book.records(tag)]
    declared = [each for each in definition.calibrations.values() if not each.version and sensor in {"", each.tag}]
    if as_json:
        told = [record_as_data(each, active=active.get(each.tag) == each.version) for each in records]
        known = [
            {"tag": each.tag, "u": each.u, "unit": each.unit, "done": each.done, "due": each.due} for each in declared
        ]
        emit("cal_ls", {"line": definition.name, "folder": str(book.folder), "records": told, "declared": known})
        return 0
    rows = [list_row(each, active=active.get(each.tag) == each.version) for each in records]
    heads = [tr("sensor"), tr("number"), tr("state"), tr("made"), tr("due"), tr("u (k = 1)"), tr("kind"), tr("by")]
    click.echo(table(heads, [*rows, *map(declared_row, declared)]))
    return 0


@command.command("show", help=tr("Show a calibration of SENSOR: points, curve, uncertainty, who; else the active one."))
@click.argument("sensor", shell_complete=tags)
@click.argument("version", type=click.IntRange(min=1), required=False)
@line_option
@common
def show(sensor: str, version: int | None, line: Path | None, data: Path | None, as_json: bool) -> int:
    """Show one record."""
    from linectl.cli.cal_text import record_as_data, record_text
    from linectl.cli.output import emit
    from linectl.server.calibration_book import CalibrationBook

    definition = load(line, data)
    _must_be_known(definition, sensor)
    book = CalibrationBook(definition, data)
    chosen = book.active().get(sensor)
    record = book.active_record(sensor) if version is None else book.record(sensor, version)
    active = chosen is not None and chosen.version == record.version
    if as_json:
        emit("cal_show", record_as_data(record, active=active))
        return 0
    head = tr("calibration {version} ({state}), SHA-256 {sha256}")
    state = tr("active") if active else tr("not active")
    click.echo(head.format(version=record.version, state=state, sha256=record.sha256[:12]))
    click.echo(record_text(record))
    return 0


@command.command("activate", help=tr("Make calibration VERSION of SENSOR the active one; 0: none, uncorrected."))
@click.argument("sensor", shell_complete=tags)
@click.argument("version", type=click.IntRange(min=0))
@line_option
@click.option("-y", "--yes", is_flag=True, help=tr("do not ask"))
@click.option("--reason", default="", help=tr("why, for the audit trail"))
@common
def activate(
    sensor: str, version: int, line: Path | None, yes: bool, reason: str, data: Path | None, as_json: bool
) -> int:
    """Ask, change it, and tell the audit trail."""
    from linectl.cli.cal_activate import carry_out

    return carry_out(load(line, data), sensor, version, yes=yes, reason=reason, data=data, as_json=as_json)


@command.command("due", help=tr("Say until when calibrations hold; with --check end with 10 when one is due."))
@click.argument("sensor", default="", shell_complete=tags)
@line_option
@click.option("--check", is_flag=True, help=tr("end with 10 when one is overdue, or due within --within days"))
@click.option("--within", "within_days", type=click.IntRange(0, 3650), default=30, help=tr("days ahead (30)"))
@common
def due(sensor: str, line: Path | None, check: bool, within_days: int, data: Path | None, as_json: bool) -> int:
    """List what is due, the most urgent first."""
    from linectl.cli.cal_text import due_as_data, due_state
    from linectl.cli.output import emit, table
    from linectl.clock import wall_ns
    from linectl.server.calibration_dates import day_of, due_dates

    definition = load(line, data)
    _must_be_known(definition, sensor)
    found = [each for each in due_dates(definition, day_of(wall_ns())) if sensor in {"", each.calibration.tag}]
    urgent = any(due_state(each, within_days)[0] != "ok" for each in found)
    if as_json:
        sensors = [due_as_data(each, within_days) for each in found]
        policy = definition.calibration_policy
        emit("cal_due", {"line": definition.name, "policy": policy, "urgent": urgent, "sensors": sensors})
    elif found:
        rows = [[each.calibration.tag, each.calibration.due, due_state(each, within_days)[1]] for each in found]
        click.echo(table([tr("sensor"), tr("due"), tr("state")], rows))
    else:
        click.echo(tr("no calibration is known of {what}").format(what=sensor or definition.name))
    return _DUE if check and urgent else 0

"""`linectl cal activate`: shown what changes, asked, changed, told to the audit trail."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from linectl.cli.cal_asking import asked, one_thing
from linectl.cli.cal_text import curve_text
from linectl.cli.operator import operator_name
from linectl.cli.output import emit
from linectl.cli.questions import somebody_there
from linectl.errors import NotConfirmed
from linectl.lab.answers import yes_or_no
from linectl.model.lines import LineDefinition
from linectl.server.calibrating import sensor_of
from linectl.server.calibrating_served import served_line
from linectl.server.calibration_book import CalibrationBook
from linectl.words import tr

__all__ = ["carry_out"]


def carry_out(
    definition: LineDefinition, sensor: str, version: int, *, yes: bool, reason: str, data: Path | None, as_json: bool
) -> int:
    """Make calibration `version` of `sensor` active (0: none), and return the exit code.

    Raises:
        NotConfirmed: the answer is no, or nobody is there.
        Refused: there is no such record, it is active already, or another process has the line.
        StoreError: the disk or the store failed.
    """
    tag = sensor_of(definition, sensor)
    book = CalibrationBook(definition, data)
    record = book.record(sensor, version) if version else None
    before = book.active().get(sensor)
    if not yes:
        _confirm(
            sensor,
            None if before is None else before.version,
            version,
            "x" if record is None else curve_text(record.curve),
        )
    served = served_line(definition, data, operator_name())
    with one_thing():
        if served is None:
            asyncio.run(book.activate(tag.name, version, who=operator_name(), why=reason))
        else:
            served.ready(sensor)
            served.activate(sensor, version, why=reason)
    old = 0 if before is None else before.version
    if as_json:
        emit("cal_activate", {"tag": sensor, "old": old, "new": version})
    else:
        done = tr("{tag}: calibration {version} is active")
        none = tr("{tag}: no calibration is active, its readings are uncorrected")
        click.echo((done if version else none).format(tag=sensor, version=version))
    return 0


def _confirm(sensor: str, before: int | None, version: int, curve: str) -> None:
    if not somebody_there():
        raise NotConfirmed(
            tr("nobody is at the terminal to confirm"), hint=tr("say it again with --yes if you are sure")
        )
    text = tr("{tag}: calibration {new} ({curve}) in place of {old}. Change it? [y/N] ")
    question = text.format(tag=sensor, new=version or tr("none"), curve=curve, old=before or tr("none"))
    if not yes_or_no(asked(question)):
        raise NotConfirmed(tr("nothing was changed"))

"""`linectl tags write`: armed, asked, written once as every write goes, read back, told."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from drivers.link import Outcome
from linectl.cli.output import complaint, emit, envelope
from linectl.cli.tags_text import quality_text, value_of_text, value_text
from linectl.errors import DeviceError, LinectlError, NotConfirmed, Refused, Unreachable
from linectl.lab.answers import yes_or_no
from linectl.line.limits import doubt
from linectl.line.line import WriteReport
from linectl.model.lines import LineDefinition, Tag
from linectl.model.readings import Value
from linectl.server.commissioning import Look, known_tag, look_at, site, write_tag
from linectl.words import tr

__all__ = ["Wanted", "carry_out"]

_HEATER_OFF = "heater_enable"
_REFUSED_CODES = {  # by `refused_by` of a report; "link" has a remedy of its own
    "unknown_tag": "E-WRT-UNKNOWN_TAG",
    "not_writable": "E-WRT-NOT_WRITABLE",
    "lease": "E-WRT-LEASE",
    "range": "E-WRT-RANGE",
    "limit": "E-WRT-LIMIT",
    "step": "E-WRT-STEP",
    "rate": "E-WRT-RATE",
    "soft": "E-WRT-SOFT",
    "interlock": "E-WRT-INTERLOCK",
    "arming": "E-ARM-001",
    "device": "E-WRT-DEVICE",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    tag: str
    text: str
    arm: bool
    yes: bool
    sim: bool
    seed: int
    reason: str = ""


def carry_out(definition: LineDefinition, wanted: Wanted, data: Path | None, *, as_json: bool) -> int:
    """Check, ask, write, and say how it ended; return the exit code: 0, 4 (unsent), 5 (clamped, unknown), 6 (refused).

    Raises:
        ConfigError: no such tag, or not its kind of value.
        Refused: not armed, read-only, or the line is not ours.
        NotConfirmed: answered no, or there is nobody to ask.
    """
    tag = known_tag(definition, wanted.tag)
    value = value_of_text(tag, wanted.text)
    if not tag.writable:
        raise Refused(
            tr("{tag} is read-only").format(tag=tag.name),
            hint=tr("`linectl tags ls {file}` shows which tags may be written").format(file=definition.source),
        )
    if not wanted.arm:
        raise Refused(
            tr("nothing was written: writing must be armed"),
            hint=tr("say it again with --arm: linectl tags write {file} {tag} {value} --arm").format(
                file=definition.source, tag=tag.name, value=wanted.text
            )
            + (" --sim" if wanted.sim else ""),
            code="E-ARM-001",
        )
    if not wanted.yes:
        _confirm(definition, tag, value, wanted, data)
    report = asyncio.run(_write(definition, tag, value, wanted, data))
    return _tell(definition, tag, report, as_json=as_json)


async def _write(definition: LineDefinition, tag: Tag, value: Value, wanted: Wanted, data: Path | None) -> WriteReport:
    from linectl.cli.operator import operator_name

    async with site(definition, sim=wanted.sim, data=data, seed=wanted.seed) as at:
        return await write_tag(at, tag.name, value, who=operator_name(), why=wanted.reason)


def _confirm(definition: LineDefinition, tag: Tag, value: Value, wanted: Wanted, data: Path | None) -> None:
    """Ask the person at the terminal, who is told what the tag says now; no line is open while they think.

    Raises:
        NotConfirmed: the answer is no, or nobody is there.
    """
    from linectl.cli.run_keys import somebody_there

    if not somebody_there():
        raise NotConfirmed(
            tr("nobody is at the terminal to confirm the write"), hint=tr("say it again with --yes if you are sure")
        )
    now = asyncio.run(_now(definition, tag, wanted, data))
    says = f"{value_text(tag, now.reading.value)} {tag.unit}" if now.is_good else quality_text(now.reading.quality)
    wants = f"{value_text(tag, value)} {tag.unit}".strip()
    unusual = doubt(tag, value, definition.zones)
    if unusual:
        click.echo(unusual, err=True)
    text = tr("{tag} now: {now}. Write {value}? [y/N] ")
    click.echo(text.format(tag=tag.name, now=says.strip(), value=wants), nl=False, err=True)
    if not yes_or_no(sys.stdin.readline()):
        raise NotConfirmed(tr("nothing was written"))


async def _now(definition: LineDefinition, tag: Tag, wanted: Wanted, data: Path | None) -> Look:
    async with site(definition, sim=wanted.sim, data=data, seed=wanted.seed) as at:
        (now,) = await look_at(at, [tag.name], wait_s=0.0, patient=True)
    return now


def _tell(definition: LineDefinition, tag: Tag, report: WriteReport, *, as_json: bool) -> int:
    error = _error(tag, report, definition.source)
    if as_json:
        data = _as_data(tag, report)
        if error is None:
            emit("tags_write", data)
        else:
            click.echo(envelope("tags_write", data, error))
    if error is not None:
        click.echo(complaint(error), err=True)
    elif not as_json:
        text = tr("{tag}: confirmed, {value} {unit}").format(
            tag=tag.name, value=value_text(tag, report.asked if report.got is None else report.got), unit=tag.unit
        )
        click.echo(text.rstrip())
    if report.outcome is not Outcome.REFUSED and _is_of_the_plc(definition, tag):
        click.echo(tr("the line was given back: its heater is off"), err=True)
    return 0 if error is None else error.exit_code


def _is_of_the_plc(definition: LineDefinition, tag: Tag) -> bool:
    control = definition.control
    if control is None:
        return False
    heartbeat = definition.tags[control.heartbeat]
    heater = f"{control.heartbeat.rpartition('.')[0]}.{_HEATER_OFF}"
    return heartbeat.link == tag.link and heater in definition.tags


def _error(tag: Tag, report: WriteReport, file: str) -> LinectlError | None:
    """Return what is told of a write that did not end as asked, None for one that did."""
    match report.outcome:
        case Outcome.CONFIRMED:
            return None
        case Outcome.REFUSED if report.refused_by == "link":
            text = tr("{tag}: nothing was sent, the wire does not reach it").format(tag=tag.name)
            hint = tr("see why: linectl doctor {file}").format(file=file)
            return Unreachable(_with(text, report), hint=hint, code="E-WRT-LINK")
        case Outcome.REFUSED:
            text = tr("{tag}: refused by {by}").format(tag=tag.name, by=_refused_by(report.refused_by))
            return Refused(_with(text, report), code=_REFUSED_CODES.get(report.refused_by, ""))
        case Outcome.CLAMPED:
            asked, got = value_text(tag, report.asked), value_text(tag, report.got)
            text = tr("{tag}: the device kept {got} {unit} where {asked} {unit} was asked")
            message = text.format(tag=tag.name, got=got, asked=asked, unit=tag.unit)
            hint = tr("the device has a limit of its own there: it is set on the device, not in the line file")
            return DeviceError(_with(message, report), hint=hint, code="E-WRT-CLAMPED")
        case _:
            text = tr("{tag}: nobody knows whether it was written").format(tag=tag.name)
            hint = tr("read it: linectl tags read {file} {tag}").format(file=file, tag=tag.name)
            return DeviceError(_with(text, report), hint=hint, code="E-WRT-UNKNOWN")


def _with(text: str, report: WriteReport) -> str:
    return tr("{what}: {text}").format(what=text, text=report.detail) if report.detail else text


def _refused_by(word: str) -> str:
    words = {
        "not_writable": tr("its definition (linectl alone writes it, or nobody)"),
        "lease": tr("the PLC's owner"),
        "range": tr("its range"),
        "limit": tr("the limit of its zone"),
        "step": tr("the largest step of one write"),
        "rate": tr("the fastest that it may change"),
        "soft": tr("its warning limit"),
        "interlock": tr("an interlock or permissive"),
        "arming": tr("arming"),
        "device": tr("the device"),
    }
    return words.get(word, word)


def _as_data(tag: Tag, report: WriteReport) -> dict[str, Any]:
    return {
        "tag": report.tag,
        "outcome": str(report.outcome),
        "asked": report.asked,
        "got": report.got,
        "unit": tag.unit,
        "refused_by": report.refused_by or None,
        "detail": report.detail,
    }

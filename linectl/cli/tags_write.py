"""`linectl tags write`: armed, asked, written once as every write goes, read back, told."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from drivers.link import Outcome
from linectl.cli.output import complaint, envelope
from linectl.cli.tags_text import quality_text, value_text
from linectl.cli.write_told import Told, error_of, told_of, words_of
from linectl.errors import NotConfirmed, Refused
from linectl.lab.answers import yes_or_no
from linectl.line.limits import doubt
from linectl.line.line import WriteReport
from linectl.line.typed import value_of_text
from linectl.model.lines import LineDefinition, Tag
from linectl.model.readings import BAD_REASONS, Value, bad
from linectl.server.commissioning import Look, known_tag, look_at, site, write_tag
from linectl.server.finding import find_if_up
from linectl.words import tr

__all__ = ["Wanted", "carry_out"]

_ANSWER_WITHIN_S = 30.0
_HEATER_OFF = "heater_enable"


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
    server = None if wanted.sim else find_if_up(data, definition.name)
    if server is not None:
        return _through(definition, tag, value, wanted, data, as_json=as_json)
    if not wanted.yes:
        _confirm(definition, tag, value, lambda: _now(definition, tag, wanted, data))
    report = asyncio.run(_write(definition, tag, value, wanted, data))
    return _tell(definition, tag, report, as_json=as_json)


def _through(
    definition: LineDefinition, tag: Tag, value: Value, wanted: Wanted, data: Path | None, *, as_json: bool
) -> int:
    """Write through the server that holds the line: armed for this write alone, if nobody else is."""
    from linectl.cli.operator import operator_name
    from linectl.server.finding import connect

    with connect(data, definition.name, operator=operator_name()) as server:
        if not wanted.yes:
            _confirm(definition, tag, value, lambda: _says(tag, server.call("read", names=[tag.name])[0]))
        asked = {"tag": tag.name, "value": value, "why": wanted.reason, "arm": True, "sure": True}
        found = server.ask("set", asked, within_s=_ANSWER_WITHIN_S, key=uuid.uuid4().hex)
    kept = {key: found[key] for key in ("tag", "outcome", "asked", "got", "unit", "refused_by", "detail")}
    told = told_of(found, definition.source)
    return _say(told, {**kept, "refused_by": kept["refused_by"] or None}, as_json=as_json)


def _says(tag: Tag, reading: Mapping[str, Any]) -> str:
    """Return what a server read of `tag` now, as people read it."""
    if reading["value"] is not None:
        return f"{value_text(tag, reading['value'])} {tag.unit}"
    return quality_text(bad(reading["reason"]) if reading["reason"] in BAD_REASONS else bad("not_connected"))


async def _write(definition: LineDefinition, tag: Tag, value: Value, wanted: Wanted, data: Path | None) -> WriteReport:
    from linectl.cli.operator import operator_name

    async with site(definition, sim=wanted.sim, data=data, seed=wanted.seed) as at:
        return await write_tag(at, tag.name, value, who=operator_name(), why=wanted.reason)


def _confirm(definition: LineDefinition, tag: Tag, value: Value, now: Callable[[], str]) -> None:
    """Ask the person at the terminal, who is told what the tag says now; no line is open while they think.

    Raises:
        NotConfirmed: the answer is no, or nobody is there.
    """
    from linectl.cli.questions import somebody_there, typed_line

    if not somebody_there():
        raise NotConfirmed(
            tr("nobody is at the terminal to confirm the write"), hint=tr("say it again with --yes if you are sure")
        )
    says = now()
    wants = f"{value_text(tag, value)} {tag.unit}".strip()
    unusual = doubt(tag, value, definition.zones)
    if unusual:
        click.echo(unusual, err=True)
    text = tr("{tag} now: {now}. Write {value}? [y/N] ")
    click.echo(text.format(tag=tag.name, now=says.strip(), value=wants), nl=False, err=True)
    if not yes_or_no(typed_line()):
        raise NotConfirmed(tr("nothing was written"))


def _now(definition: LineDefinition, tag: Tag, wanted: Wanted, data: Path | None) -> str:
    """Return what `tag` says now, as people read it."""

    async def read() -> Look:
        async with site(definition, sim=wanted.sim, data=data, seed=wanted.seed) as at:
            (now,) = await look_at(at, [tag.name], wait_s=0.0, patient=True)
        return now

    look = asyncio.run(read())
    return f"{value_text(tag, look.reading.value)} {tag.unit}" if look.is_good else quality_text(look.reading.quality)


def _tell(definition: LineDefinition, tag: Tag, report: WriteReport, *, as_json: bool) -> int:
    code = _say(_told(tag, report, definition.source), _as_data(tag, report), as_json=as_json)
    if report.outcome is not Outcome.REFUSED and _is_of_the_plc(definition, tag):
        click.echo(tr("the line was given back: its heater is off"), err=True)
    return code


def _say(told: Told, data: Mapping[str, Any], *, as_json: bool) -> int:
    error = error_of(told)
    if as_json:
        click.echo(envelope("tags_write", data, error))
    if error is not None:
        click.echo(complaint(error), err=True)
    elif not as_json:
        click.echo(words_of(told))
    return 0 if error is None else error.exit_code


def _told(tag: Tag, report: WriteReport, file: str) -> Told:
    def shown(value: Value | None) -> str:
        return "" if value is None else f"{value_text(tag, value)} {tag.unit}".rstrip()

    return Told(
        report.tag,
        str(report.outcome),
        shown(report.asked),
        shown(report.got),
        refused_by=report.refused_by,
        detail=report.detail,
        line=file,
    )


def _is_of_the_plc(definition: LineDefinition, tag: Tag) -> bool:
    control = definition.control
    if control is None:
        return False
    heartbeat = definition.tags[control.heartbeat]
    heater = f"{control.heartbeat.rpartition('.')[0]}.{_HEATER_OFF}"
    return heartbeat.link == tag.link and heater in definition.tags


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

"""`linectl plot`: the curves of a run on this terminal: what was measured, what was asked for, gaps as gaps."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linectl.cli.complete import runs, stored_tags
from linectl.cli.history import braille_shown
from linectl.cli.options import common
from linectl.cli.pipes import quiet_end
from linectl.cli.sim_options import DURATION
from linectl.errors import Refused
from linectl.units import NS_PER_S
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.cli.curves import Curve
    from linectl.model.records import Run
    from linectl.store.reader import Group, StoreReader

__all__ = ["command"]

_WIDTH, _HEIGHT = 78, 14
_MEASURED = ".temperature"


@click.command("plot", help=tr("Plot tags of RUN (else the last one) on this terminal: temperature and setpoint."))
@click.argument("run", default="last", shell_complete=runs)
@click.argument("tags", metavar="[TAG]...", nargs=-1, shell_complete=stored_tags)
@click.option("--last", "last_s", type=DURATION, help=tr("only the last of it, such as 10m"))
@common
def command(run: str, tags: tuple[str, ...], last_s: float | None, data: Path | None, as_json: bool) -> int:
    """Draw the curves, one panel for each unit."""
    from linectl.cli.output import emit
    from linectl.server.results.finished import find_run

    found = find_run(run, data)
    width = min(shutil.get_terminal_size((_WIDTH + 1, 24)).columns - 1, _WIDTH) if sys.stdout.isatty() else _WIDTH
    curves = _curves(found.reader, found.run, tags, last_s, width)
    if as_json:
        emit("plot", {"run": found.run.id, "curves": [_as_data(curve) for curve in curves]})
        return 0
    with quiet_end():
        click.echo(_title(found.run))
        for panel in _panels(curves):
            _draw(panel, width)
    return 0


def _curves(reader: StoreReader, run: Run, tags: Sequence[str], last_s: float | None, width: int) -> list[Curve]:
    """Return the curves of `tags` (none: the usual ones), thinned to a terminal of `width` cells.

    Raises:
        Refused: a tag was not recorded in the run, or nothing was.
    """
    from linectl.cli.curves import Curve, dots_of

    groups = reader.groups(run.id)
    units = {tag.name: tag.unit for group in groups for tag in group.tags}
    names = list(dict.fromkeys(tags)) or _usual(units, _zone(run))
    _must_be_there(run, names, units)
    since_ns, until_ns = _span(reader, run, groups)
    if last_s is not None:
        since_ns = max(since_ns, until_ns - round(last_s * NS_PER_S))
    curves = {name: Curve(name, units[name], since_ns, until_ns, dots_of(width)) for name in names}
    for group in groups:
        wanted = [tag.name for tag in group.tags if tag.name in curves]
        if wanted:
            _fill(curves, reader, run, group, wanted)
    asked_for = None if tags else _asked_for(reader, run, next(iter(curves.values())))
    return [*curves.values(), *([asked_for] if asked_for is not None else [])]


def _asked_for(reader: StoreReader, run: Run, beside: Curve) -> Curve | None:
    """Return the temperatures that the baths of `run` were to have, beside what was measured; None: of another unit."""
    from linectl.cli.curves import Curve

    if beside.unit != "°C" or run.kind == "import":
        return None
    curve = Curve(tr("asked for"), beside.unit, beside.since_ns, beside.until_ns, beside.dots)
    for trial in reader.trials(run.id):
        if trial.started_ns is None:
            continue
        begin_ns = max(trial.started_ns, beside.since_ns)
        end_ns = min(trial.ended_ns or beside.until_ns, beside.until_ns)
        for t_ns in (begin_ns, end_ns) if begin_ns < end_ns else ():
            curve.take(t_ns, trial.treatment.temperature_c, boot=str(trial.ord), far_ns=1 << 62)
    return curve if curve.count else None


def _fill(curves: dict[str, Curve], reader: StoreReader, run: Run, group: Group, wanted: list[str]) -> None:
    far_ns = round(max(2.5 * (group.period_s or 60.0), 1.0) * NS_PER_S)
    for block in reader.blocks(run.id, group.name, tags=wanted):
        for name, values in zip(block.tags, block.values, strict=True):
            for t_ns, value in zip(block.t_ns, values, strict=True):
                curves[name].take(t_ns, value, boot=block.boot, far_ns=far_ns)


def _usual(units: dict[str, str], zone: str) -> list[str]:
    """Return the temperature of the zone that was run; where it was not recorded, what was recorded first."""
    wanted = f"{zone}{_MEASURED}"
    return [wanted] if wanted in units else [name for name in units if name.endswith(_MEASURED)][:1] or list(units)[:1]


def _zone(run: Run) -> str:
    """Return the zone that the experiment of `run` works with; past trials and scripts name none."""
    found = re.search(r"^zone:\s*([A-Za-z_]\w*)", run.definition, re.MULTILINE)
    return found[1] if found else "bath"


def _must_be_there(run: Run, names: Sequence[str], units: dict[str, str]) -> None:
    if not units:
        raise Refused(
            tr("no values were recorded in the run {run}").format(run=run.id),
            hint=tr("past trials from a file have none, unless the file holds a trace of the bath"),
            code="E-HIS-002",
        )
    missing = [name for name in names if name not in units]
    if missing:
        import difflib

        near = difflib.get_close_matches(missing[0], units, n=3, cutoff=0.5) or list(units)[:6]
        text = tr("{tag} was not recorded in the run {run}; there are: {tags}")
        raise Refused(
            text.format(tag=", ".join(missing), run=run.id, tags=", ".join(near)),
            hint=tr("of the line beside its runs: linectl history TAG"),
            code="E-HIS-001",
        )


def _span(reader: StoreReader, run: Run, groups: Sequence[Group]) -> tuple[int, int]:
    """Return from when to when (ns UTC) the run has values: its own times, or for one under way its last scan."""
    since_ns, until_ns = run.started_ns, run.ended_ns
    if until_ns is None or run.kind == "import":
        first = last = None
        for group in groups:
            for block in reader.blocks(run.id, group.name, tags=[]):
                first = min(block.t_ns[0], block.t_ns[0] if first is None else first)
                last = max(block.t_ns[-1], block.t_ns[-1] if last is None else last)
        if first is not None and last is not None:
            return first, last + 1
    return since_ns, max(since_ns + NS_PER_S, until_ns or 0)


def _panels(curves: Sequence[Curve]) -> list[list[Curve]]:
    """Return the curves by unit, no more in one panel than can be told apart."""
    from linectl.cli.curves import STROKES

    panels: list[list[Curve]] = []
    for curve in curves:
        room = next((each for each in panels if each[0].unit == curve.unit and len(each) < len(STROKES)), None)
        if room is None:
            panels.append([curve])
        else:
            room.append(curve)
    return panels


def _draw(curves: Sequence[Curve], width: int) -> None:
    from linectl.cli.curves import panel

    lines = panel(curves, width, _HEIGHT, braille=braille_shown())
    encoding = sys.stdout.encoding or "utf-8"
    click.echo("\n".join(lines).encode(encoding, "replace").decode(encoding))


def _title(run: Run) -> str:
    from linectl.cli.run_told import ended
    from linectl.tui.styled import printable

    told = tr("run {run}: {of} on {line}, {ended}")
    return printable(told.format(run=run.id, of=run.ref, line=run.line, ended=ended(run)))


def _as_data(curve: Curve) -> dict[str, object]:
    """Return a curve for machines: of each column its first time and its least and greatest value."""
    from linectl.server.as_data import iso

    step_ns = (curve.until_ns - curve.since_ns) / curve.dots
    points = [
        {
            "time": iso(curve.since_ns + round(x * step_ns)),
            "first": each.first,
            "low": each.low,
            "high": each.high,
            "last": each.last,
            "joined": each.joined,
        }
        for x, each in sorted(curve.columns.items())
    ]
    return {"tag": curve.name, "unit": curve.unit, "since": iso(curve.since_ns), "until": iso(curve.until_ns)} | {
        "values": curve.count,
        "thinned": points,
    }

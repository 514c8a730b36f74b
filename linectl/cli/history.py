"""`linectl history`: what one tag of a line was, as recorded: a curve and rows on a terminal, all values elsewhere."""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from linectl.cli.asked_span import since_of, since_option, until_of, until_option
from linectl.cli.asking import of_line
from linectl.cli.complete import stored_tags
from linectl.cli.pipes import quiet_end
from linectl.cli.sim_options import DURATION
from linectl.units import NS_PER_S
from linectl.words import decimal, number, tr

if TYPE_CHECKING:
    from linectl.cli.history_rows import Bucket, Gap
    from linectl.model.readings import Value
    from linectl.store.history import HistoryReader, Piece, Sample

__all__ = ["braille_shown", "command"]

_USUAL = "10m"
_ROWS = 20  # below a curve
_LARGE = 1e7  # beyond, decimals say nothing
_WIDTH, _HEIGHT = 78, 14


@click.command("history", help=tr("Show what TAG was, as recorded: the last 10 minutes, or --since; gaps as gaps."))
@click.argument("tag", shell_complete=stored_tags)
@since_option
@until_option
@click.option("--every", "every_s", type=DURATION, help=tr("one row for so long (30s, 5m); 0: every value"))
@of_line
def command(
    tag: str, since: str, until: str, every_s: float | None, line: str, data: Path | None, as_json: bool
) -> int:
    """Print the values of one tag."""
    from linectl.server.results.recorded import store_of
    from linectl.store.history import HistoryReader

    reader = HistoryReader(store_of(line, data))
    reader.must_know(tag)
    asked = _asked(reader, tag, since, until, every_s)
    with quiet_end():
        if as_json:
            _as_json(asked)
        elif sys.stdout.isatty():
            _on_terminal(asked)
        else:
            _in_pipe(asked)
    return 0


@dataclass(frozen=True, slots=True)
class _Asked:
    reader: HistoryReader
    tag: str
    unit: str
    pieces: list[Piece]
    since_ns: int
    until_ns: int
    every_s: float | None

    def samples(self) -> Iterator[Sample]:
        return self.reader.samples(self.tag, self.pieces, self.since_ns, self.until_ns)

    def told(self) -> Iterator[Sample | Gap]:
        from linectl.cli.history_rows import gaps_told

        return gaps_told(self.samples(), self.since_ns, self.until_ns)

    def rows(self, every_s: float | None) -> Iterator[Sample | Bucket | Gap]:
        from linectl.cli.history_rows import bucketed

        return bucketed(self.told(), every_s, _midnight_ns(self.since_ns)) if every_s else self.told()


def _asked(reader: HistoryReader, tag: str, since: str, until: str, every_s: float | None) -> _Asked:
    """Return what is asked for; without --since the last minutes that were recorded."""
    from linectl.clock import wall_ns

    pieces = reader.pieces(tag)
    last_ns = max((piece.t1_ns for piece in pieces), default=0)
    now_ns = max(wall_ns(), last_ns)  # a simulated line in quick motion is ahead of the computer's clock
    if since:
        from_ns = since_of(since, now_ns)
    else:
        end_ns = until_of(until, 0, now_ns) if until else last_ns
        from_ns = max(since_of(_USUAL, end_ns), min((piece.t0_ns for piece in pieces), default=0))
    to_ns = until_of(until, from_ns, now_ns) if until else now_ns if since else last_ns + 1
    if to_ns <= from_ns:
        raise click.UsageError(tr("--since {since} is not in the past").format(since=since))
    return _Asked(reader, tag, reader.unit_of(tag), pieces, from_ns, to_ns, every_s)


# on a terminal


def _on_terminal(asked: _Asked) -> None:
    from linectl.cli.curves import Curve, dots_of, panel
    from linectl.cli.history_rows import round_step_s

    width = min(shutil.get_terminal_size().columns - 1, _WIDTH)
    curve = Curve(asked.tag, asked.unit, asked.since_ns, asked.until_ns, dots_of(width))
    for sample in asked.samples():
        curve.take(sample.t_ns, sample.value, boot=sample.boot, far_ns=sample.far_ns)
    if not curve.count:
        _nothing(asked)
        return
    click.echo("\n".join(panel([curve], width, _HEIGHT, braille=braille_shown())) + "\n")
    every_s = asked.every_s
    if every_s is None and curve.count > _ROWS:
        every_s = round_step_s((asked.until_ns - asked.since_ns) / NS_PER_S, _ROWS)
    _table(asked, every_s, curve.digits())
    if every_s:
        text = tr("{count} values, one row for {step}; every value: --every 0")
        click.echo(text.format(count=curve.count, step=_length(every_s)))


def _table(asked: _Asked, every_s: float | None, digits: int) -> None:
    """Print rows as they come: their widths are known beforehand, and so is how many decimals are worth a look."""
    from linectl.cli.history_rows import Gap

    stamp = _Stamp(asked.since_ns, asked.until_ns, fine=not every_s)
    heads = _heads(asked.unit, thinned=bool(every_s))
    widths = [stamp.width, *(max(10, len(head)) for head in heads[1:-1])]

    def row(cells: list[str]) -> str:
        first, *rest = cells
        told = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest[:-1], widths[1:], strict=True))]
        return "  ".join([*told, rest[-1]]).rstrip()

    click.echo(row(heads))
    for each in asked.rows(every_s):
        click.echo(_gap_text(each, stamp) if isinstance(each, Gap) else row(_cells(each, stamp, digits)))


def _heads(unit: str, *, thinned: bool) -> list[str]:
    of_unit = f" {unit}" if unit else ""
    if thinned:
        return [tr("from"), *(f"{name}{of_unit}" for name in (tr("last"), tr("least"), tr("most"))), tr("quality")]
    return [tr("time"), f"{tr('value')}{of_unit}", tr("quality")]


def _cells(each: Sample | Bucket, stamp: _Stamp, digits: int) -> list[str]:
    from linectl.line.reason_words import reason_text
    from linectl.store.history import Sample

    if isinstance(each, Sample):
        return [stamp.text(each.t_ns), _value(each.value, digits), reason_text(each.quality.reason)]
    told = reason_text("")
    if each.doubtful:
        told = tr("{doubtful} of {count}: {reason}").format(
            doubtful=each.doubtful, count=each.count, reason=reason_text(each.quality.reason)
        )
    if each.missing_ns:
        told += ", " + tr("{length} not recorded").format(length=_length(each.missing_ns / NS_PER_S))
    return [stamp.text(each.t_ns), *(_value(value, digits) for value in (each.last, each.low, each.high)), told]


def _gap_text(gap: Gap, stamp: _Stamp) -> str:
    begin, end = stamp.text(gap.since_ns), stamp.text(gap.until_ns)
    if gap.until_ns < gap.since_ns:
        return tr("── another start of linectl, from {time} on ──").format(time=end)
    length = _length((gap.until_ns - gap.since_ns) / NS_PER_S)
    if gap.restarted:
        text = tr("── {begin} to {end}: nothing recorded ({length}), then linectl was started again ──")
    else:
        text = tr("── {begin} to {end}: nothing recorded ({length}) ──")
    return text.format(begin=begin, end=end, length=length)


def _nothing(asked: _Asked) -> None:
    """Say that there is nothing, and when there was something last."""
    stamp = _Stamp(0, asked.until_ns, fine=False)
    text = tr("nothing was recorded of {tag} from {begin} to {end}")
    click.echo(text.format(tag=asked.tag, begin=stamp.text(asked.since_ns), end=stamp.text(asked.until_ns)), err=True)
    last_ns = max((piece.t1_ns for piece in asked.pieces), default=None)
    if last_ns is not None:
        text = tr("recorded from {begin} to {end}, in\n{store}")
        begin = stamp.text(min(piece.t0_ns for piece in asked.pieces))
        click.echo(text.format(begin=begin, end=stamp.text(last_ns), store=asked.reader.path), err=True)


# elsewhere


def _in_pipe(asked: _Asked) -> None:
    from linectl.cli.history_rows import Bucket, Gap
    from linectl.line.reason_words import reason_text

    heads = [tr("time"), tr("value"), tr("unit"), tr("quality")]
    thinned = [tr("from"), tr("last"), tr("unit"), tr("quality"), tr("least"), tr("most"), tr("count")]
    sys.stdout.write("\t".join(thinned if asked.every_s else heads) + "\n")
    told = False
    for each in asked.rows(asked.every_s):
        told = True
        if isinstance(each, Gap):
            until = _iso(each.until_ns)
            cells = [
                _iso(each.since_ns),
                "-",
                asked.unit or "-",
                tr("nothing recorded until {time}").format(time=until),
            ]
        else:
            value = each.last if isinstance(each, Bucket) else each.value
            cells = [_iso(each.t_ns), _value(value), each.unit or "-", reason_text(each.quality.reason)]
        if isinstance(each, Bucket):
            cells += [_value(each.low), _value(each.high), str(each.count)]
        sys.stdout.write("\t".join(cells) + "\n")
    if not told:
        _nothing(asked)


def _as_json(asked: _Asked) -> None:
    """Write the envelope value by value: however long the time is, it is never held as a whole."""
    from linectl.cli.output import envelope

    head = {
        "tag": asked.tag,
        "unit": asked.unit,
        "store": str(asked.reader.path),
        "since": _iso(asked.since_ns),
        "until": _iso(asked.until_ns),
        "every_s": asked.every_s or None,
        "gaps": "?",
        "values": "?",
    }
    before, _, after = envelope("history", head).rpartition('"gaps": "?", "values": "?"')
    gaps: list[Gap] = []
    sys.stdout.write(f'{before}"values": [')
    for at, row in enumerate(_data_rows(asked, gaps)):
        sys.stdout.write((", " if at else "") + json.dumps(row, ensure_ascii=False, allow_nan=False))
    told = [{"from": _iso(gap.since_ns), "until": _iso(gap.until_ns), "restarted": gap.restarted} for gap in gaps]
    sys.stdout.write(f'], "gaps": {json.dumps(told)}{after}\n')


def _data_rows(asked: _Asked, gaps: list[Gap]) -> Iterator[dict[str, Any]]:
    """Yield values for machines; gaps are put into `gaps`."""
    from linectl.cli.history_rows import Bucket, Gap

    for each in asked.rows(asked.every_s):
        if isinstance(each, Gap):
            gaps.append(each)
            continue
        value = each.last if isinstance(each, Bucket) else each.value
        row: dict[str, Any] = {"time": _iso(each.t_ns), "value": _finite(value), "unit": each.unit}
        row |= {"quality": each.quality.level.name, "reason": each.quality.reason}
        if isinstance(each, Bucket):
            row |= {"low": _finite(each.low), "high": _finite(each.high), "count": each.count}
            row |= {"doubtful": each.doubtful, "missing_s": each.missing_ns / NS_PER_S}
        yield row


# words


class _Stamp:
    """Times for people: with the date where it is not today's everywhere, with tenths where each value is told."""

    def __init__(self, since_ns: int, until_ns: int, *, fine: bool) -> None:
        from linectl.clock import wall_ns
        from linectl.server.asked_times import local

        days = {local(each).date() for each in (since_ns, until_ns, wall_ns())}
        self._form = "%H:%M:%S" if len(days) == 1 else "%Y-%m-%d %H:%M:%S"
        self._fine = fine
        self.width = len(self.text(until_ns))

    def text(self, t_ns: int) -> str:
        moment = _local(t_ns)
        tenths = f"{decimal(0.0)[1]}{moment.microsecond // 100_000}" if self._fine else ""
        return f"{moment:{self._form}}{tenths}"


def _local(t_ns: int) -> datetime:
    from linectl.server.asked_times import local

    return local(t_ns)


def _midnight_ns(t_ns: int) -> int:
    return round(_local(t_ns).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()) * NS_PER_S


def _iso(t_ns: int) -> str:
    return _local(t_ns).isoformat(timespec="milliseconds")


def _value(value: Value | None, digits: int | None = None) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return tr("yes") if value else tr("no")
    if digits is not None and isinstance(value, float) and abs(value) < _LARGE:
        return decimal(value, digits)
    return str(value) if isinstance(value, int) else number(float(f"{value:.6g}"))


def _finite(value: Value | None) -> Value | str | None:
    """Return a value that JSON can hold: what is not finite as its name."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _length(seconds: float) -> str:
    from linectl.words.durations import duration_text

    return duration_text(seconds) if seconds >= 1 else tr("{s} s").format(s=decimal(seconds))


def braille_shown() -> bool:
    """Return whether this terminal has braille dots: the Linux console's own font has none."""
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    return os.environ.get("TERM") != "linux" and encoding.startswith("utf")

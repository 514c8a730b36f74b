"""`linectl log`: what happened on a line and in its runs, out of its store; -f goes on as it happens."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from linectl.cli.asked_span import since_of, since_option, until_of, until_option
from linectl.cli.asking import of_line
from linectl.cli.complete import runs
from linectl.cli.output import emit, envelope
from linectl.cli.pipes import nobody_reads, quiet_end
from linectl.cli.sim_options import ended_by
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.lab.report.levels import Level
    from linectl.store.journal import JournalReader, Numbered

__all__ = ["command"]

_USUAL = 50
_LOOK_S = 0.5  # a store's own commits come no more often
_LEVELS = ("info", "warning", "error")
_MARKS = ("  ", "! ", "!!")


@click.command("log", help=tr("Show what happened on the line and in its runs, oldest first; -f follows."))
@click.option("-f", "--follow", is_flag=True, help=tr("go on with what happens, until Ctrl+C"))
@click.option("-n", "count", type=click.IntRange(min=0), help=tr("the last so many (50; with --since all)"))
@click.option("--level", type=click.Choice(_LEVELS), default="info", show_default=True, help=tr("this, and worse"))
@click.option("--run", "run", default="", shell_complete=runs, help=tr("of this run alone"))
@since_option
@until_option
@of_line
def command(
    follow: bool,
    count: int | None,
    level: str,
    run: str,
    since: str,
    until: str,
    line: str,
    data: Path | None,
    as_json: bool,
) -> int:
    """Tell the journal."""
    if follow and until:
        raise click.UsageError(tr("--until has an end, --follow has none"))
    asked = _asked(run, level, line, data)
    first = asked.entries(count, *_span(asked.reader, since, until))
    with quiet_end():
        if follow:
            import asyncio

            asyncio.run(_follow(asked, first, _Printed(as_json=as_json)))
        elif as_json:
            _as_json(asked.reader.path, first)
        else:
            printed = _Printed()
            for each in first:
                printed.show(each)
            if not printed.count:
                click.echo(tr("nothing of the kind is in {store}").format(store=asked.reader.path), err=True)
    return 0


def _as_json(store: Path, entries: Iterable[Numbered]) -> None:
    """Write the envelope entry by entry: however many there are, they are never held as a whole."""
    head = envelope("log", {"store": str(store), "entries": "?"})
    before, _, after = head.rpartition('"entries": "?"')
    sys.stdout.write(f'{before}"entries": [')
    for at, each in enumerate(entries):
        sys.stdout.write((", " if at else "") + json.dumps(_as_data(each), ensure_ascii=False, allow_nan=False))
    sys.stdout.write(f"]{after}\n")


@dataclass(frozen=True, slots=True)
class _Asked:
    reader: JournalReader
    run: str
    level: Level

    def entries(self, count: int | None, since_ns: int, until_ns: int | None) -> list[Numbered] | Iterator[Numbered]:
        """Return the entries in their order: the last `count`, or all since a time that was named."""
        if count is None and since_ns:
            return self.worth(self.reader.after(0, run=self.run, since_ns=since_ns, until_ns=until_ns))
        found: list[Numbered] = []
        wanted = _USUAL if count is None else count
        for each in self.worth(self.reader.backwards(run=self.run, until_ns=until_ns)):
            if len(found) >= wanted:
                break
            if each.event.ts_ns >= since_ns:
                found.append(each)
        return found[::-1]

    def worth(self, entries: Iterable[Numbered]) -> Iterator[Numbered]:
        """Yield those that ask for as much as was said."""
        from linectl.lab.report.levels import level_of

        return (each for each in entries if level_of(each.event) >= self.level)


def _asked(run: str, level: str, line: str, data: Path | None) -> _Asked:
    from linectl.lab.report.levels import Level
    from linectl.server.results.recorded import store_of
    from linectl.store.journal import JournalReader

    if not run:
        return _Asked(JournalReader(store_of(line, data)), "", Level(_LEVELS.index(level)))
    from linectl.server.results.finished import find_run

    found = find_run(run, data)
    return _Asked(JournalReader(found.reader.path), found.run.id, Level(_LEVELS.index(level)))


def _span(reader: JournalReader, since: str, until: str) -> tuple[int, int | None]:
    """Return from when to when (ns UTC); what a simulated line in quick motion wrote may be ahead of this clock."""
    from linectl.clock import wall_ns

    if not (since or until):
        return 0, None
    last = next(reader.backwards(), None)
    now_ns = max(wall_ns(), 0 if last is None else last.event.ts_ns)
    since_ns = since_of(since, now_ns) if since else 0
    return since_ns, until_of(until, since_ns, now_ns) if until else None


async def _follow(asked: _Asked, first: Iterable[Numbered], printed: _Printed) -> None:
    """Print `first`, then what is written after, until Ctrl+C, or nobody reads any more."""
    import asyncio

    stop = asyncio.Event()
    ended_by(stop)
    number = asked.reader.last_number()
    for each in first:
        printed.show(each)
        number = max(number, each.number)
    sys.stdout.flush()
    while not (stop.is_set() or nobody_reads()):
        try:
            await asyncio.wait_for(stop.wait(), _LOOK_S)
        except TimeoutError:
            for each in asked.reader.after(number, run=asked.run):
                number = each.number
                for shown in asked.worth([each]):
                    printed.show(shown)
            sys.stdout.flush()


@dataclass(slots=True)
class _Printed:
    """Entries as lines for people, as columns in a pipe, or one object each for machines."""

    as_json: bool = False
    count: int = 0
    _day: date | None = None
    _columns: int = field(default_factory=lambda: shutil.get_terminal_size().columns if sys.stdout.isatty() else 0)

    def show(self, each: Numbered) -> None:
        """Print one entry."""
        self.count += 1
        if self.as_json:
            emit("log_entry", _as_data(each))
        elif self._columns:
            sys.stdout.write(self._lines(each) + "\n")
        else:
            level, text, who = _words(each)
            cells = [_time(each), _LEVELS[level], text, who or "-", each.event.run or "-"]
            sys.stdout.write("\t".join(cells) + "\n")

    def _lines(self, each: Numbered) -> str:
        from linectl.server.asked_times import local

        moment = local(each.event.ts_ns)
        level, text, who = _words(each)
        head = f"{moment:%H:%M:%S} {_MARKS[level]} "
        told = text + (f"  ({who})" if who else "")
        lines = textwrap.wrap(told, max(20, self._columns - len(head))) or [""]
        day = [] if moment.date() == self._day else [f"── {moment:%Y-%m-%d} ──"]
        self._day = moment.date()
        return "\n".join([*day, head + lines[0], *(" " * len(head) + line for line in lines[1:])])


def _words(each: Numbered) -> tuple[Level, str, str]:
    """Return the level of an entry, what it says, and who: on one line, with nothing that a terminal would obey."""
    from linectl.lab.report.journal_words import in_words
    from linectl.lab.report.levels import level_of
    from linectl.lab.report.told import text_of
    from linectl.tui.styled import printable

    event = each.event
    return level_of(event), printable(in_words(event)), printable(text_of(event.data.get("who")))


def _time(each: Numbered) -> str:
    from linectl.server.asked_times import local

    return local(each.event.ts_ns).isoformat(timespec="milliseconds")


def _as_data(each: Numbered) -> dict[str, Any]:
    """Return an entry for machines: the same in all languages."""
    from linectl.lab.report.levels import level_of

    event = each.event
    return {
        "number": each.number,
        "time": _time(each),
        "kind": event.kind,
        "level": _LEVELS[level_of(event)],
        "who": event.data.get("who"),
        "run": event.run or None,
        "data": dict(event.data),
    }

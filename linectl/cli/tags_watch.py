"""`linectl tags watch`: a table that rewrites itself on a terminal, one line a change in a pipe or as JSON."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass

from drivers.settings import MqttSettings
from linectl.cli.output import emit, table
from linectl.cli.tags_tables import fitted, headings, row
from linectl.cli.tags_text import quality_text, value_text
from linectl.line.line import Line
from linectl.server.commissioning import Look, Site, look, looking, reopening
from linectl.server.look_data import look_as_data
from linectl.words import tr

__all__ = ["Changes", "Screen", "Ways", "carry_out"]


@dataclass(frozen=True, slots=True)
class Ways:
    """How tags are read: `ask` whoever serves the line (None: nobody does), or over its wires at `where`."""

    ask: Callable[[], list[Look] | None]
    where: AbstractAsyncContextManager[Site]


async def carry_out(
    ways: Ways,
    names: Sequence[str],
    *,
    period_s: float,
    for_s: float | None,
    as_json: bool,
) -> None:
    """Show `names` until Ctrl+C, SIGTERM, or the time is over."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    work = asyncio.create_task(_watch(ways, names, period_s, as_json=as_json))
    over = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([work, over], timeout=for_s, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            work.result()
    finally:
        for task in (work, over):
            task.cancel()
        with suppress(asyncio.CancelledError):
            await work
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def _watch(ways: Ways, names: Sequence[str], period_s: float, *, as_json: bool) -> None:
    show: Screen | Changes = Screen() if sys.stdout.isatty() and not as_json else Changes(as_json=as_json)
    while (looks := await asyncio.to_thread(ways.ask)) is not None:
        show.show(looks, {})
        await asyncio.sleep(period_s)
    await _watch_wires(ways.where, names, period_s, show)


async def _watch_wires(
    where: AbstractAsyncContextManager[Site], names: Sequence[str], period_s: float, show: Screen | Changes
) -> None:
    loop = asyncio.get_running_loop()
    async with where as at, looking(at, names, period_s=period_s, patient=True) as line, reopening(line):
        known = [name for name in names if name in line.definition.tags]
        due_s = loop.time()
        while True:
            await _take_what_came(line, known)
            show.show([look(line, name, at.clock) for name in known], line.unopened)
            due_s = max(due_s + period_s, loop.time())
            await asyncio.sleep(due_s - loop.time())


async def _take_what_came(line: Line, names: Sequence[str]) -> None:
    """Read what publishes by itself: its link has it already, and a scan of its slow group is far away."""
    for name in names:
        settings = line.definition.links.get(line.definition.tags[name].link)
        if isinstance(settings, MqttSettings):
            await line.read(name)


def _unopened(link: str, why: str) -> str:
    return tr("{link} did not open, and is tried again: {why}").format(link=link, why=why)


class Changes:
    """Prints a line for each tag whose value or quality has changed, the first time for every tag."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._last: dict[str, tuple[object, ...]] = {}
        self._unopened: dict[str, str] = {}

    def show(self, looks: Sequence[Look], unopened: Mapping[str, str]) -> None:
        """Print what is new; why a link did not open goes to standard error."""
        for name, why in unopened.items():
            if self._unopened.get(name) != why:
                sys.stderr.write(_unopened(name, why) + "\n")
        self._unopened = dict(unopened)
        for each in looks:
            now = (value_text(each.tag, each.reading.value), each.registers, each.reading.quality)
            if self._last.get(each.tag.name) == now:
                continue
            self._last[each.tag.name] = now
            if self._as_json:
                emit("reading", look_as_data(each))
            else:
                moment = str(look_as_data(each)["received_time"])
                cells = [moment, each.tag.name, now[0], each.tag.unit or "-", quality_text(each.reading.quality)]
                sys.stdout.write("\t".join(cells) + "\n")
        sys.stdout.flush()


class Screen:
    """A table that is written over itself."""

    def __init__(self) -> None:
        self._height = 0

    def show(self, looks: Sequence[Look], unopened: Mapping[str, str]) -> None:
        """Write the table over the last one, cut to the terminal; last what did not open, and how to end."""
        size = shutil.get_terminal_size()
        lines = table(headings(), [row(each) for each in looks]).splitlines()
        below = [*(_unopened(name, why) for name, why in unopened.items()), tr("Ctrl+C ends")]
        room = max(size.lines - 1 - len(below), 1)
        shown = [*fitted(lines, size.columns, room), *fitted(below, size.columns, len(below))]
        up = f"\x1b[{self._height}A" if self._height else ""
        sys.stdout.write("\r" + up + "".join(f"{line}\x1b[K\n" for line in shown) + "\x1b[J")
        sys.stdout.flush()
        self._height = len(shown)

"""`linectl watch`: the dashboard on this terminal, or what changes as lines or as data."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from linectl.cli.asking import line_name, of_line
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.tui.watch.plain import Teller
    from linectl.tui.watch.served import ServedFeed

__all__ = ["command"]

_PAGES = ("all", "values", "trend", "alarms", "run", "journal")


@click.command("watch", help=tr("Watch the line on this terminal; read-only until armed (w)."))
@click.option("--write", is_flag=True, help=tr("armed from the start, for five minutes"))
@click.option("--plain", is_flag=True, help=tr("one line a change: for a serial console or a pipe"))
@click.option("--page", type=click.Choice(_PAGES), default="all", show_default=True, help=tr("one part alone"))
@click.option("--for", "for_s", type=click.FloatRange(min=0, min_open=True), help=tr("end by itself after so many s"))
@of_line
def command(
    write: bool, plain: bool, page: str, for_s: float | None, line: str, data: Path | None, as_json: bool
) -> int:
    """Watch until the person leaves, Ctrl+C, or the time is over."""
    from linectl.server.finding import find

    screen = not (plain or as_json)
    if write and not screen:
        raise click.UsageError(tr("--write is for the screen: a list of changes writes nothing"))
    if screen and for_s is not None:
        raise click.UsageError(tr("--for is for --plain and --json: the screen stays until it is left"))
    if screen:
        _check_screen()
    find(data, line_name(line))  # told before anything is drawn
    try:
        asyncio.run(_watch(data, line_name(line), page, for_s, write=write, screen=screen, as_json=as_json))
    except BrokenPipeError:  # whoever read has seen enough; click would end with 1
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes at its end
    return 0


def _check_screen() -> None:
    """Say beforehand why there can be no screen.

    Raises:
        click.UsageError: textual is not installed, or this is no terminal.
    """
    instead = tr("for one line a change: linectl watch --plain")
    if find_spec("textual") is None:
        text = tr("the dashboard needs textual: pip install 'linectl[tui]'")
        raise click.UsageError(f"{text}; {instead}")
    if not (sys.stdin.isatty() and sys.stderr.isatty()):  # textual draws on standard error
        raise click.UsageError(tr("the dashboard needs a terminal; {instead}").format(instead=instead))


@asynccontextmanager
async def _following(data: Path | None, line: str) -> AsyncIterator[ServedFeed]:
    """Follow the line for the time of the block; it has told its whole state when this begins.

    Raises:
        Unreachable: it does not.
    """
    from linectl.cli.operator import operator_name
    from linectl.server.api.stream import Watcher
    from linectl.server.finding import find
    from linectl.tui.watch.served import ServedFeed

    watcher = Watcher(lambda: find(data, line), operator=operator_name(), face="watch")
    feed = ServedFeed(watcher)
    await watcher.start()
    try:
        await feed.first()
        yield feed
    finally:
        await watcher.stop()


async def _watch(
    data: Path | None, line: str, page: str, for_s: float | None, *, write: bool, screen: bool, as_json: bool
) -> None:
    async with _following(data, line) as feed:
        if screen:
            await _on_screen(feed, page, write=write)
        else:
            await _until_ended(_in_lines(feed, page, as_json=as_json), for_s)


def _now() -> datetime:
    from linectl.clock import wall_ns
    from linectl.units import NS_PER_S

    return datetime.fromtimestamp(wall_ns() / NS_PER_S, UTC).astimezone()


async def _on_screen(feed: ServedFeed, page: str, *, write: bool) -> None:
    from linectl.tui.watch.app import Watch
    from linectl.tui.watch.sight import Page

    loop = asyncio.get_running_loop()
    braille = os.environ.get("TERM") != "linux"  # the console's own font has none
    watch = Watch(feed, now=_now, loop_s=loop.time, page=Page(page), write=write, braille=braille)
    for number in (signal.SIGTERM, signal.SIGHUP):  # the line goes on; the terminal is given back as it was
        loop.add_signal_handler(number, watch.exit)
    await watch.run_async()


async def _in_lines(feed: ServedFeed, page: str, *, as_json: bool) -> None:
    from linectl.tui.watch.plain import AsData, AsLines, follow
    from linectl.tui.watch.sight import Page

    teller: Teller = AsData(_write_data) if as_json else AsLines(_write_line)
    await follow(feed, teller, now=_now, loop_s=asyncio.get_running_loop().time, page=Page(page))


async def _until_ended(work: Coroutine[Any, Any, None], for_s: float | None) -> None:
    """Work until Ctrl+C, SIGTERM, or so many s: ending a list of changes is no failure."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    working, ending = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait([working, ending], timeout=for_s, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
    finally:
        for task in (working, ending):
            task.cancel()
        with suppress(asyncio.CancelledError, OSError):
            await working


def _write_line(text: str) -> None:
    """Write a line as the terminal can show it: a serial console has few letters."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding) + "\n")
    sys.stdout.flush()


def _write_data(data: dict[str, Any]) -> None:
    from linectl.cli.output import emit

    emit("watch", data)
    sys.stdout.flush()

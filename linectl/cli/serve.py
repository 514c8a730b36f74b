"""`linectl serve`: hold a line for good and answer everybody who asks of it."""

from __future__ import annotations

import asyncio
import signal
import uuid
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linectl.cli.complete import lines
from linectl.cli.options import common
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.model.lines import LineDefinition
    from linectl.model.people import Role
    from linectl.server.line_server import LineServer
    from linectl.server.serving import Served

__all__ = ["command"]


@click.command("serve", help=tr("Hold the LINE until Ctrl+C: scan, guard, record, run; other commands ask it."))
@click.argument("line", type=click.Path(path_type=Path), shell_complete=lines)
@click.option("--sim", is_flag=True, help=tr("on the simulated plant, started here"))
@click.option("--speed", type=click.FloatRange(min=0, min_open=True, max=1000), default=1.0, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help=tr("seed of the simulated plant"))
@click.option(
    "--share", multiple=True, metavar="ROLE=GROUP", help=tr("let a GROUP of this computer view, operate or research")
)
@common
def command(
    line: Path, sim: bool, speed: float, seed: int, share: tuple[str, ...], data: Path | None, as_json: bool
) -> int:
    """Serve until interrupted."""
    from linectl.config.files import find_file
    from linectl.config.load import load_line
    from linectl.server.logs import quiet_libraries

    if speed != 1.0 and not sim:
        raise click.BadParameter(tr("only a simulated line can go faster (--sim)"), param_hint="--speed")
    quiet_libraries()
    definition = load_line(find_file(line, folder="config"))
    shares = dict(map(_share, share))
    asyncio.run(_serve(definition, _Face(as_json=as_json), data, sim=sim, speed=speed, seed=seed, shares=shares))
    return 0


def _share(text: str) -> tuple[Role, int]:
    """Return the role and the number of the group that `text` names."""
    import grp

    from linectl.model.people import Role

    name, _, group = text.partition("=")
    try:
        return Role(name), grp.getgrnam(group).gr_gid
    except ValueError:
        wrong = tr("there is no role {name}; there are: {known}").format(name=name, known=", ".join(Role))
    except KeyError:
        wrong = tr("this computer has no group {name}").format(name=group or "-")
    raise click.BadParameter(wrong, param_hint="--share")


class _Face:
    """Tells what becomes of the served line. A terminal that is closed does not end it."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json

    def up(self, found: Served, definition: LineDefinition) -> None:
        """Tell that the line is served, and how to speak to it."""
        endpoint = found.endpoint
        if self._as_json:
            told = {"line": endpoint.line, "pid": endpoint.pid, "endpoint": str(found.file), "port": endpoint.port}
            self._json(told)
            return
        self._say(tr("{line} is served (process {pid}); Ctrl+C ends it").format(line=endpoint.line, pid=endpoint.pid))
        if definition.interlocks is None:
            self._say(tr("it has no interlocks: its file names none (interlocks: FILE)"))
        self._say(tr("look at it: linectl status, linectl watch"))

    def lost(self, due: Mapping[str, object] | None) -> None:
        """Tell of a run that was to start, and went with the server before this one."""
        if due is not None and not self._as_json:
            from linectl.cli.status_text import scheduled_lines

            self._say("\n".join(scheduled_lines(due)))

    def interrupted(self, lost: Mapping[str, object] | None) -> None:
        """Tell of a run that was interrupted, and how it is taken up."""
        if lost is not None and not self._as_json:
            from linectl.cli.status_text import interrupted_lines

            self._say("\n".join(interrupted_lines(lost)))

    def down(self) -> None:
        """Tell that it is over."""
        if not self._as_json:
            self._say(tr("the line was given back: its heater is off"))

    def _json(self, told: dict[str, object]) -> None:
        from linectl.cli.output import envelope

        self._say(envelope("serve", told))

    @staticmethod
    def _say(text: str) -> None:
        with suppress(OSError):
            click.echo(text)


def _end_by_signals(server: LineServer, stop: asyncio.Event) -> None:
    """End the line at Ctrl+C, its run first: at its next safe point, at once when asked again, or by a kill.

    A terminal that is closed ends nothing: the run under way goes on.
    """
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        close()
        if not server.run_id or stop.is_set():
            server.abort()
        else:
            server.cancel()
            with suppress(OSError):
                click.echo(tr("\nstopping at the next safe point; Ctrl+C again within 10 s stops at once"), err=True)
        stop.set()

    def close() -> None:
        """Give the run to come up as lost with this server, which the next one tells; not as aborted by a person."""
        if server.schedule is not None:
            server.schedule.close()

    def killed() -> None:
        close()
        server.abort()
        stop.set()

    loop.add_signal_handler(signal.SIGINT, interrupt)
    loop.add_signal_handler(signal.SIGTERM, killed)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)


def _start_ns(store: Path, pace: float) -> int | None:
    """Return where the clock of a line that runs faster than time goes on; None: at the computer's.

    Its record is ahead of the computer's clock, and must not go back.
    """
    from linectl.clock import wall_ns
    from linectl.store.reader import StoreReader

    if pace == 1.0 or not store.is_file():
        return None
    last_ns = StoreReader(store).last_ns()
    return last_ns if last_ns is not None and last_ns > wall_ns() else None


async def _serve(
    definition: LineDefinition,
    face: _Face,
    data: Path | None,
    *,
    sim: bool,
    speed: float,
    seed: int,
    shares: Mapping[Role, int],
) -> None:
    from linectl.cli.operator import operator_name
    from linectl.clock import Clock
    from linectl.line.narrow import with_settings
    from linectl.server.glue_watch import GlueWatch
    from linectl.server.line_server import LineServer
    from linectl.server.line_state import interrupted_as_data
    from linectl.server.name_keeper import NameKeeper
    from linectl.server.places import store_path
    from linectl.server.serving import served
    from linectl.server.submitting import Submitted

    stop = asyncio.Event()
    store = store_path(definition, data)
    pace = speed if sim else definition.speed
    clock, links = Clock(start_ns=_start_ns(store, pace), speed=pace), None
    async with AsyncExitStack() as stack:
        if sim:
            from linectl.server.simulation.simulated import serve

            up = await stack.enter_async_context(serve(definition, clock, seed=seed))
            definition, links = up.definition, up.links
        definition = with_settings(definition)
        who = operator_name()
        boot = uuid.uuid4().hex[:12]
        server = LineServer(definition, clock, store, boot=boot, links=links, records=True, holder=who)
        await stack.enter_async_context(server)
        await stack.enter_async_context(GlueWatch(server))
        await stack.enter_async_context(NameKeeper(server))
        submitted = await stack.enter_async_context(Submitted(server, data, links=links, seed=seed, new_plant=sim))
        found = await stack.enter_async_context(
            served(server, submitted.operations(), operator=who, data=data, shares=shares)
        )
        _end_by_signals(server, stop)
        face.up(found, definition)
        face.lost(submitted.schedule.section())
        face.interrupted(interrupted_as_data(server))
        await stop.wait()
    face.down()

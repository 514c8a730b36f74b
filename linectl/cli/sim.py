"""`linectl sim up`: the simulated rig on real wires, in real time, for another process."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from pathlib import Path

import click

from linectl.cli.options import common
from linectl.words import tr

__all__ = ["command"]


@click.group("sim", help=tr("Serve the simulated rig on real wires."))
def command() -> None:
    """Hold `up`."""


@command.command("up", help=tr("Serve the simulated bath in real time until Ctrl+C."))
@click.option("--speed", type=click.FloatRange(min=0, min_open=True, max=100), default=1.0, show_default=True)
@click.option("--initial", multiple=True, metavar="TAG=VALUE", help=tr("start state, such as bath.temperature=60"))
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--write-config", type=click.Path(path_type=Path, dir_okay=False), help=tr("line file to write"))
@common
def up(
    speed: float,
    initial: tuple[str, ...],
    seed: int,
    write_config: Path | None,
    data: Path | None,  # noqa: ARG001  # --data is common to all verbs
    as_json: bool,  # noqa: ARG001  # the same
) -> int:
    """Serve until interrupted."""
    start = dict(map(_pair, initial))
    asyncio.run(_serve(speed, start, seed, write_config))
    return 0


def _pair(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name, float(value.replace(",", "."))
    except ValueError:
        raise click.BadParameter(
            tr("expected TAG=NUMBER, not {text}").format(text=text), param_hint="--initial"
        ) from None


async def _serve(speed: float, initial: Mapping[str, float], seed: int, write_config: Path | None) -> None:
    from linectl.clock import Clock
    from linectl.config.dump import dump_line
    from linectl.config.files import find_file
    from linectl.config.load import load_line
    from linectl.line.links import address_of
    from linectl.server.logs import quiet_libraries
    from linectl.server.simulated import serve

    quiet_libraries()

    definition = load_line(find_file(Path("simulated.yaml"), folder="config"))
    clock = Clock(speed=speed)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serve(definition, clock, seed=seed, initial=initial) as rig:
        if write_config is not None:
            part = write_config.with_name(write_config.name + ".part")
            part.write_text(dump_line(rig.definition), encoding="utf-8")
            part.replace(write_config)
        for name, settings in rig.definition.links.items():
            click.echo(f"{name}: {address_of(settings)}")
        if write_config is not None:
            click.echo(tr("line file: {file}").format(file=write_config))
        click.echo(tr("the rig is up; Ctrl+C ends it"))
        await stop.wait()
    click.echo(tr("the rig is down"))

"""`linectl record`: what goes over one wire, written to a file that the drivers can play back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import click

from linectl.cli.complete import lines
from linectl.cli.options import common
from linectl.words import tr

__all__ = ["command"]


@click.command(
    "record", help=tr("Record what goes over the wire LINK of LINE, until Ctrl+C; its tags are read meanwhile.")
)
@click.argument("line", type=click.Path(path_type=Path), shell_complete=lines)
@click.argument("link")
@click.option("--device", default="", help=tr("what stands on the device's plate (else the link's name)"))
@click.option("--firmware", default="unknown", help=tr("its firmware"))
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path(),
    help=tr("where the file goes (here)"),
)
@click.option("--period", "period_s", type=click.FloatRange(0.1, 60), default=1.0, help=tr("between two reads, s (1)"))
@click.option("--for", "for_s", type=click.FloatRange(min=0, min_open=True), help=tr("end by itself after so many s"))
@click.option("--sim", is_flag=True, help=tr("on a simulated rig of its own: no equipment is touched"))
@common
def command(
    line: Path,
    link: str,
    device: str,
    firmware: str,
    folder: Path,
    period_s: float,
    for_s: float | None,
    sim: bool,
    data: Path | None,
    as_json: bool,
) -> int:
    """Record, and say what is in the file and how each device on the wire did."""
    from drivers.recordings.recorder import Recorder
    from drivers.wire_tap import DeviceStats
    from linectl.cli.output import emit
    from linectl.cli.wire_text import counters_text
    from linectl.config.files import find_file
    from linectl.config.load import load_line
    from linectl.server.commissioning import site
    from linectl.server.logs import quiet_libraries
    from linectl.server.wire_recording import Subject, record_wire, tags_on

    quiet_libraries()
    definition = load_line(find_file(line, folder="config"))
    tags_on(definition, link)

    async def work() -> tuple[Recorder, Mapping[str, DeviceStats]]:
        with _Stop() as stop:
            async with site(definition, sim=sim, data=data) as at:
                subject = Subject(link, device or link, firmware)
                return await record_wire(at, subject, folder, period_s=period_s, stop=stop, for_s=for_s)

    found, devices = asyncio.run(work())
    told = {"file": str(found.path), "frames": found.frames, "bytes": found.size_bytes, "full": found.is_full}
    if as_json:
        emit("record", {**told, "devices": {name: stats.as_dict() for name, stats in devices.items()}})
        return 0
    click.echo(tr("{file}: {frames} frames, {bytes} bytes").format(**told))
    click.echo(counters_text(devices))
    if found.is_full:
        click.echo(tr("the file is full: the recording ended by itself"))
    return 0


class _Stop:
    """An event that Ctrl+C or SIGTERM sets, for the time of a block."""

    def __enter__(self) -> asyncio.Event:
        import signal

        event, loop = asyncio.Event(), asyncio.get_running_loop()
        self._numbers = (signal.SIGINT, signal.SIGTERM)
        with suppress(NotImplementedError):  # Windows: there Ctrl+C ends the loop, and the file is closed as well
            for number in self._numbers:
                loop.add_signal_handler(number, event.set)
        return event

    def __exit__(self, *_exc: object) -> None:
        loop = asyncio.get_running_loop()
        with suppress(NotImplementedError):
            for number in self._numbers:
                loop.remove_signal_handler(number)

"""`linectl sim replay`: a recording of a wire, served as the device that it was made of."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from linectl.cli.options import common
from linectl.cli.sim_options import ended_by
from linectl.words import decimal, ntr, tr

if TYPE_CHECKING:
    from drivers.recordings.compare import Difference
    from drivers.recordings.exchange import Exchange
    from linectl.server.recordings.device import ServedRecording, Where

__all__ = ["command"]

_NO_UNIT = "the recording holds nothing of unit "  # as the driver says it, with the unit's number


@click.command(
    "replay",
    help=tr("Serve the recording FILE as a device until Ctrl+C; what is asked and is not in it is told."),
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--port", type=click.IntRange(0, 65_535), help=tr("TCP port to serve it on (0, or none: a free one)"))
@click.option("--tty", type=click.Path(path_type=Path), help=tr("link to the pseudo-terminal of a serial device"))
@click.option(
    "--pace", type=click.FloatRange(min=0), default=1.0, help=tr("1: as recorded, 0: at once, 2: half as fast")
)
@click.option("--broker", metavar="HOST:PORT", help=tr("broker that runs already, for sensors (else one of its own)"))
@common
def command(
    file: Path,
    port: int | None,
    tty: Path | None,
    pace: float,
    broker: str | None,
    data: Path | None,  # noqa: ARG001  # --data is common to all verbs
    as_json: bool,
) -> int:
    """Serve until interrupted."""
    from linectl.server.logs import quiet_libraries
    from linectl.server.recordings.device import Where
    from linectl.server.recordings.files import opened_recording

    quiet_libraries()
    where = Where(port=port, tty=tty, broker=None if broker is None else _address(broker))
    asyncio.run(_serve(opened_recording(file), where, pace, _Face(as_json=as_json)))
    return 0


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isdigit() and int(port) <= 65_535):
        raise click.BadParameter(tr("expected HOST:PORT, not {text}").format(text=text), param_hint="--broker")
    return host, int(port)


class _Face:
    """Where it is told what becomes of a served recording: lines for people, or JSON lines for programs."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json

    def up(self, served: ServedRecording) -> None:
        header = served.exchange.header
        frames = len(served.exchange.frames)
        if self._as_json:
            addresses = list(served.addresses)
            self._json("sim_replay", {"device": header.device, "link": header.kind, "addresses": addresses})
            return
        told = ntr("{n} frame", "{n} frames", frames).format(n=frames)
        what = f"{header.device} {header.firmware}".rstrip()
        self._say(tr("{what}: {text}").format(what=f"{what}, {header.date}", text=told))
        self._say("\n".join(served.addresses))
        self._say(tr("the recording is served; Ctrl+C ends it"))

    def difference(self, found: Difference) -> None:
        if self._as_json:
            data = {"event": "difference", "kind": str(found.kind), "what": found.what, "text": found.text}
            self._json("sim_event", {**data, "frame": found.other_frame, "t_s": found.other_t_s})
        else:
            when = tr("{time} s  frame {frame}").format(
                time=f"{decimal(found.other_t_s or 0.0, 3):>9}", frame=found.other_frame
            )
            self._say(f"{when}  " + tr("{what}: {text}").format(what=found.what, text=_why(found.text)))

    def down(self, served: ServedRecording) -> None:
        count = len(served.differences)
        if self._as_json:
            self._json("sim_event", {"event": "down", "differences": count})
        else:
            text = ntr("{n} request was not in the recording", "{n} requests were not in the recording", count)
            self._say(text.format(n=count))

    def _say(self, text: str) -> None:
        with suppress(OSError):  # a closed terminal does not end the device
            click.echo(text)

    def _json(self, schema: str, data: Mapping[str, Any]) -> None:
        from linectl.cli.output import envelope

        with suppress(OSError):
            sys.stdout.write(envelope(schema, data) + "\n")
            sys.stdout.flush()


def _why(text: str) -> str:
    """Return in the person's language what a recorded device does with a request that was not recorded."""
    unit = text.removeprefix(_NO_UNIT)
    if unit != text:
        return tr("the recording holds nothing of unit {unit}").format(unit=unit)
    return {
        "the recording does not hold it: no reply": tr("the recording does not hold it: no reply"),
        "the recording does not hold these: refused": tr("the recording does not hold these: refused"),
        "the recording holds other values: refused": tr("the recording holds other values: refused"),
        "the recording holds no such request: refused": tr("the recording holds no such request: refused"),
        "put together from other recorded replies": tr("put together from other recorded replies"),
    }.get(text, text)


async def _serve(exchange: Exchange, where: Where, pace: float, face: _Face) -> None:
    from linectl.server.recordings.device import serve_recording

    stop = asyncio.Event()
    ended_by(stop)
    async with serve_recording(exchange, where, pace=pace, on_difference=face.difference) as served:
        face.up(served)
        await stop.wait()
        face.down(served)

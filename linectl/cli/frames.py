"""`linectl frames`: a recording of a wire, or the frames of a fault, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from linectl.cli.options import common
from linectl.words import decimal, ntr, tr

if TYPE_CHECKING:
    from drivers.recordings.exchange import Exchange
    from drivers.wire_tap import Frame

__all__ = ["command"]


@click.command(
    "frames", help=tr("Show in words what FILE holds: a recording, or the frames of a fault; of a folder, each file.")
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--last", type=click.IntRange(min=1), help=tr("only so many frames, the last ones"))
@click.option(
    "--against",
    type=click.Path(path_type=Path, dir_okay=False),
    help=tr("compare FILE with this other recording of the wire; ends with 5 when they differ"),
)
@click.option(
    "--tolerance",
    "tolerance_s",
    type=click.FloatRange(min=0),
    default=0.25,
    help=tr("sooner or later by so much, s (0.25)"),
)
@click.option(
    "--shape", is_flag=True, help=tr("values, and how often, may differ, as those of a process that goes on do")
)
@common
def command(
    file: Path,
    last: int | None,
    against: Path | None,
    tolerance_s: float,
    shape: bool,
    data: Path | None,  # noqa: ARG001  # --data is common to all verbs
    as_json: bool,
) -> int:
    """Read, and tell each frame, or each difference; a damaged file ends with 3."""
    from linectl.cli.output import emit

    if against is not None:
        from linectl.cli.frames_against import tell_differences

        return tell_differences(file, against, tolerance_s=tolerance_s, values=not shape, as_json=as_json, last=last)
    found = [(path, _read(path)) for path in _files(file)]
    if as_json:
        emit("frames", {"files": [_as_data(path, exchange, last) for path, exchange in found]})
    else:
        click.echo("\n\n".join("\n".join(_as_text(path, exchange, last)) for path, exchange in found))
    return 0


def _files(file: Path) -> Sequence[Path]:
    """Return the file, or the exchange files of the folder, by name.

    Raises:
        ConfigError: the folder holds none.
    """
    from drivers.recordings.exchange import SUFFIX
    from linectl.errors import ConfigError

    if not file.is_dir():
        return [file]
    found = sorted(file.glob(f"*{SUFFIX}"))
    if not found:
        raise ConfigError(
            tr("{folder} holds no file of frames (*{suffix})").format(folder=file, suffix=SUFFIX),
            hint=tr("make one with: linectl record LINE LINK"),
        )
    return found


def _read(path: Path) -> Exchange:
    from linectl.server.recordings.files import opened_recording

    return opened_recording(path)


def _chosen(exchange: Exchange, last: int | None) -> Sequence[Frame]:
    return exchange.frames if last is None else exchange.frames[-last:]


def _as_text(path: Path, exchange: Exchange, last: int | None) -> Iterator[str]:
    from drivers.frames.explain import explain
    from drivers.wire_tap import Direction

    words = {Direction.SENT: tr("sent"), Direction.RECEIVED: tr("received"), Direction.NOTE: tr("note")}
    wide = max(map(len, words.values()))
    header, count = exchange.header, len(exchange.frames)
    told = header.fault or f"{header.device} {header.firmware}, {header.date}"
    yield f"{path.name} - {told}, {ntr('{n} frame', '{n} frames', count).format(n=count)}"
    for frame in _chosen(exchange, last):
        time = f"{decimal(frame.t_s, 3):>9}"
        yield f"{time} s  {words[frame.direction]:{wide}}  {explain(frame, header.kind)}".rstrip()
    if exchange.torn:
        yield tr("the end is cut off: {why}").format(why=exchange.torn)
    elif not exchange.ended:
        yield tr("the program that wrote it was killed: there may have been more")


def _as_data(path: Path, exchange: Exchange, last: int | None) -> dict[str, Any]:
    from drivers.frames.explain import explain

    header = exchange.header
    return {
        "file": str(path),
        "link": header.kind,
        "device": header.device,
        "firmware": header.firmware,
        "date": header.date,
        "simulated": header.simulated,
        "fault": header.fault or None,
        "comment": header.comment,
        "ended": exchange.ended or None,
        "torn": exchange.torn or None,
        "frames_in_file": len(exchange.frames),
        "frames": [
            {
                "t_s": frame.t_s,
                "direction": str(frame.direction),
                "device": frame.device,
                "data": frame.data.hex(" "),
                "note": frame.note,
                "text": explain(frame, header.kind),
            }
            for frame in _chosen(exchange, last)
        ],
    }

"""Two recordings of a wire compared, for people and for machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from linectl.words import decimal, ntr, tr

if TYPE_CHECKING:
    from drivers.recordings.compare import Difference

__all__ = ["tell_differences"]

_DIFFERENT = 5


def tell_differences(
    first: Path, second: Path, *, tolerance_s: float, values: bool, as_json: bool, last: int | None
) -> int:
    """Compare two files and print how they differ; return the exit code: 0 when they do not, else 5.

    Raises:
        ConfigError: one of them is no recording, or they are of different kinds of wire.
    """
    from drivers.recordings.compare import compare
    from drivers.recordings.exchange import BadExchange
    from linectl.cli.output import emit
    from linectl.errors import ConfigError
    from linectl.server.recordings.files import opened_recording

    try:
        found = compare(opened_recording(first), opened_recording(second), tolerance_s=tolerance_s, values=values)
    except BadExchange as error:
        raise ConfigError(str(error), hint=tr("compare two recordings of the same wire")) from error
    shown = found if last is None else found[-last:]
    if as_json:
        emit("frames_against", {"first": str(first), "second": str(second), "differences": list(map(_as_data, shown))})
    else:
        click.echo("\n".join(_as_text(first, second, shown, len(found))))
    return _DIFFERENT if found else 0


def _as_data(difference: Difference) -> dict[str, Any]:
    return asdict(difference)


def _as_text(first: Path, second: Path, shown: Sequence[Difference], count: int) -> Iterator[str]:
    words = {
        "missing": tr("missing"),
        "added": tr("added"),
        "reply": tr("reply"),
        "count": tr("count"),
        "timing": tr("timing"),
    }
    wide = max(map(len, words.values()))
    yield tr("first: {file}").format(file=first.name)
    yield tr("second: {file}").format(file=second.name)
    for each in shown:
        yield f"{words[each.kind]:{wide}}  {each.what}"
        yield f"{'':{wide}}  {each.text}"
        yield f"{'':{wide}}  {_where(each)}"
    yield ntr("{n} difference", "{n} differences", count).format(n=count) if count else tr("no difference")


def _where(difference: Difference) -> str:
    places = []
    if difference.t_s is not None:
        place = tr("first: frame {frame} at {time} s")
        places.append(place.format(frame=difference.frame, time=decimal(difference.t_s, 3)))
    if difference.other_t_s is not None:
        place = tr("second: frame {frame} at {time} s")
        places.append(place.format(frame=difference.other_frame, time=decimal(difference.other_t_s, 3)))
    return ", ".join(places)

"""Results to a USB stick: made on this computer first, so that it is known whether they fit, then carried over."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from linectl.server.results.carrying import Carried, carry
from linectl.server.results.sticks import megabytes, stick_of
from linectl.words import tr

__all__ = ["left_on_stick"]


def left_on_stick(
    target: Path, write: Callable[[Path], Sequence[Path]], into: str, *, overwrite: bool, quiet: bool
) -> Carried:
    """Let `write` make its files, carry them to the folder `into` of the stick that `target` names, and say so.

    Raises:
        Refused: there is no stick, several, a read-only or a full one (see `stick_of`, `carry`).
        StoreError: it cannot be written.
    """
    stick = stick_of(target)  # before hours are spent on what nobody can take away
    with tempfile.TemporaryDirectory(prefix="linectl-") as folder:
        carried = carry(write(Path(folder)), stick, into, overwrite=overwrite)
    if not quiet:
        for file in carried.files:
            click.echo(str(file))
        text = tr("{size} MB written, read back and found whole: the stick {name} may be pulled out")
        click.echo(text.format(size=megabytes(carried.bytes), name=stick.name), err=True)
    return carried

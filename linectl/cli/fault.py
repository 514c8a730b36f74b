"""A mistake of the program itself, told as any other error; what its authors need is kept in a file."""

from __future__ import annotations

import os
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

from linectl.cli.flags import wants_json
from linectl.errors import LinectlError
from linectl.words import tr

__all__ = ["TRACEBACK", "told"]

TRACEBACK = "LINECTL_TRACEBACK"
"""The environment variable with which a mistake shows itself at once, for whoever works on the program."""

_KEPT = 10  # files; more say nothing new


def told(error: Exception, argv: list[str]) -> int:
    """Tell that the program failed at `argv`, where the details are, and return the exit code 1.

    Raises:
        Exception: `error` itself, with `LINECTL_TRACEBACK` in the environment.
    """
    if os.environ.get(TRACEBACK):
        raise error
    from linectl.cli.output import complaint, envelope

    what = f"{type(error).__name__}: {error}".splitlines()[0]
    message = tr("a mistake of the program itself: {what}").format(what=what)
    ours = LinectlError(message, hint=_hint(_keep(error, argv)))
    if wants_json(argv):
        sys.stdout.write(envelope("error", None, ours) + "\n")
    sys.stderr.write(complaint(ours) + "\n")
    return ours.exit_code


def _hint(file: Path | None) -> str:
    line = tr("a line that is served, and its run, go on: linectl status")
    if file is None:
        return line
    return "\n".join((line, tr("report it with this file, it holds no secret: {file}").format(file=file)))


def _keep(error: Exception, argv: list[str]) -> Path | None:
    """Write where it happened into the state folder; None: that is not possible either. Values are left out."""
    from linectl.cli.verbs import VERBS
    from linectl.cli.version import installed
    from linectl.clock import wall_ns
    from linectl.server.places import state_folder
    from linectl.units import NS_PER_S

    now = datetime.fromtimestamp(wall_ns() // NS_PER_S, UTC)
    verb = next((word for word in argv if word in VERBS), "")
    text = f"linectl {installed()}, Python {sys.version.split()[0]}, {now:%Y-%m-%d %H:%M:%SZ}: linectl {verb}\n"
    text += "".join(traceback.format_tb(error.__traceback__)) + type(error).__name__ + "\n"
    folder = state_folder() / "mistakes"
    file = folder / f"{now:%Y%m%dT%H%M%S}.txt"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in sorted(folder.glob("*.txt"))[: -_KEPT + 1]:
            old.unlink()
        file.write_text(text, encoding="utf-8")
    except OSError:
        return None
    return file

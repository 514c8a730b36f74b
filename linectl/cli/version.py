"""Which linectl this is, told at once: nothing is imported that the interpreter has not loaded by itself."""

from __future__ import annotations

import os
import sys

__all__ = ["installed", "told_at_once"]

_BEFORE, _AFTER = "linectl-", ".dist-info"


def installed() -> str:
    """Return the version that is installed.

    It stands in the name of the folder that every installer leaves beside the packages. `importlib.metadata` reads it
    from there too, but takes four times as long as the interpreter to start, and is asked only when there is none.
    """
    for place in sys.path:
        try:
            names = os.listdir(place or ".")  # noqa: PTH208  # pathlib takes as long as all of this
        except OSError:
            continue
        found = [name for name in names if name.startswith(_BEFORE) and name.endswith(_AFTER)]
        if len(found) == 1:
            return found[0][len(_BEFORE) : -len(_AFTER)]
        if found:  # left by an installation that was cut off
            break
    from importlib.metadata import version

    return version("linectl")


def told_at_once() -> bool:
    """Print the version; false when that was not to be had so simply, and the command line has to tell why."""
    if sys.stdout is None:  # closed by whoever started us
        return True
    try:
        sys.stdout.write(f"linectl {installed()}\n")
        sys.stdout.flush()
    except OSError:
        return False
    return True

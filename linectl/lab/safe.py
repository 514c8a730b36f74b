"""The end of every run: the heater off, and that proved, or the record says that it is not."""

from __future__ import annotations

import asyncio

from linectl.errors import LinectlError
from linectl.lab.journal import Journal
from linectl.line.line import Line

__all__ = ["make_safe"]

_WITHIN_S = 15.0  # loop time for proving that the heater is off
_AGAIN_S = 0.5


async def make_safe(line: Line, journal: Journal) -> None:
    """Switch the heater off, and keep what could not be proved.

    Tried again for longer than the controller's own watchdog takes (2 s): a wire that comes back meanwhile must not
    find the heater on.
    """
    problem = ""
    try:
        async with asyncio.timeout(_WITHIN_S):
            while True:
                problem = await _attempt(line)
                if not problem:
                    break
                await asyncio.sleep(_AGAIN_S)
    except TimeoutError:
        journal.note("safe_not_proved", {"detail": problem or "no answer"})
    else:
        journal.note("safe", {"heater": "off"})


async def _attempt(line: Line) -> str:
    """Try once; return what hinders, "" when it is proved."""
    try:
        await line.safe()
    except LinectlError as error:
        return error.message or error.code
    return ""

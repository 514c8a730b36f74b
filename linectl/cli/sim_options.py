"""What the verbs of `linectl sim` share: which simulated line is meant, and durations as people write them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from linectl.words import tr

__all__ = ["DURATION", "clock_text", "seconds_of", "which"]

F = TypeVar("F", bound=Callable[..., Any])

which = click.option(
    "--sim", "which", default="", metavar="LINE|PID", help=tr("which one, where several simulated lines are up")
)

_UNITS = {"": 1.0, "s": 1.0, "min": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:[.,]\d+)?) ?(s|min|h)?", re.ASCII)


def seconds_of(text: str) -> float:
    """Return the seconds that `text` says: `20`, `20s`, `1.5min`, `2 h`, `1h30min`.

    Raises:
        ValueError: it says none.
    """
    rest, total_s = text.strip(), 0.0
    while rest:
        found = _DURATION.match(rest)
        if found is None:
            raise ValueError(text)
        total_s += float(found[1].replace(",", ".")) * _UNITS[found[2] or ""]
        rest = rest[found.end() :].strip()
    if not text.strip():
        raise ValueError(text)
    return total_s


class _Duration(click.ParamType[float]):
    """A duration of process time."""

    name = "DURATION"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds."""
        if isinstance(value, float):
            return value
        try:
            return seconds_of(str(value))
        except ValueError:
            self.fail(tr("expected a duration such as 20s, 5min or 1h30min, not {text}").format(text=value), param, ctx)


DURATION = _Duration()


def clock_text(process_s: float) -> str:
    """Return a process time as hours, minutes and seconds."""
    whole = int(process_s)
    return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"

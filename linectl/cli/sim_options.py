"""What the verbs of `linectl sim` share: which simulated line is meant, and durations as people write them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from linectl.words import tr

if TYPE_CHECKING:
    import asyncio

__all__ = ["DURATION", "NAMED_DURATION", "clock_text", "ended_by", "pairs", "seconds_of", "which"]

F = TypeVar("F", bound=Callable[..., Any])

which = click.option(
    "--sim", "which", default="", metavar="LINE|PID", help=tr("which one, where several simulated lines are up")
)

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:[.,]\d+)?) ?(s|min|m|h)?", re.ASCII)


def seconds_of(text: str) -> float:
    """Return the seconds that `text` says: `20`, `20s`, `1.5min`, `30m`, `2 h`, `1h30min`.

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
    """A duration of process time. One that is `named` says its unit: 30 alone may be meant as minutes."""

    name = "DURATION"

    def __init__(self, *, named: bool = False) -> None:
        self._named = named

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds."""
        if isinstance(value, float):
            return value
        bare = str(value).strip()
        if self._named and bare.replace(",", "").replace(".", "").isdigit():
            self.fail(tr("{text} of what? say the unit: {text}s, {text}m or {text}h").format(text=bare), param, ctx)
        try:
            return seconds_of(bare)
        except ValueError:
            self.fail(tr("expected a duration such as 20s, 5min or 1h30min, not {text}").format(text=value), param, ctx)


DURATION = _Duration()
NAMED_DURATION = _Duration(named=True)


def pairs(words: Iterable[str], expected: str) -> dict[str, str]:
    """Return the NAME=VALUE of a command line by name; `expected` is what each word should be.

    Raises:
        click.UsageError: a word is none, or a name is given twice.
    """
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = (part.strip() for part in word.partition("="))
        if not (name and equals):
            raise click.UsageError(tr("expected {expected}, not {text}").format(expected=expected, text=word))
        if name in found:
            raise click.UsageError(tr("{name} is given twice").format(name=name))
        found[name] = value
    return found


def ended_by(stop: asyncio.Event) -> None:
    """Set `stop` when this process is to end: Ctrl+C, a kill, or its terminal closed (unless nohup keeps it)."""
    import asyncio
    import signal

    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop.set)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        return
    terminals = [descriptor for descriptor in range(3) if os.isatty(descriptor)]

    def hung_up(_number: int, _frame: object) -> None:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in terminals:  # a picture that cannot be written any more would hang in its last words
            os.dup2(nowhere, descriptor)
        os.close(nowhere)
        loop.call_soon_threadsafe(stop.set)

    signal.signal(signal.SIGHUP, hung_up)  # at once, not in its turn: a SIGCONT comes next, and textual writes again


def clock_text(process_s: float) -> str:
    """Return a process time as hours, minutes and seconds."""
    whole = int(process_s)
    return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"

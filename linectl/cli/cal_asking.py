"""What is asked while somebody calibrates; Ctrl+C ends it, but for the moment in which what was accepted is kept."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import click

from linectl.cli.cal_points import decimal_of
from linectl.cli.questions import typed_line
from linectl.errors import NotConfirmed
from linectl.words import tr

__all__ = ["asked", "asked_number", "one_thing"]


def asked(question: str) -> str:
    """Return the line that the person at the terminal types.

    Raises:
        NotConfirmed: the terminal was closed.
    """
    click.echo(question, nl=False, err=True)
    line = typed_line()
    if not line:
        click.echo("", err=True)
        raise NotConfirmed(tr("the terminal was closed: nothing was kept"))
    return line.strip()


def asked_number(question: str, *, positive: bool = True) -> float:
    """Return the number that the person at the terminal types, asked again until it is one."""
    while True:
        text = asked(question)
        try:
            value = decimal_of(text)
        except ValueError:
            click.echo(tr("{text} is no number, such as 62,5").format(text=repr(text)), err=True)
            continue
        if value > 0.0 or not positive:
            return value
        click.echo(tr("{text} must be above 0").format(text=text), err=True)


@contextmanager
def one_thing() -> Iterator[None]:
    """Let Ctrl+C wait for the end of the block: what was accepted is written as a whole."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

"""Questions to the person at the terminal, where a verb asks one by itself."""

from __future__ import annotations

import os
import select
import sys

from linectl.errors import NotConfirmed
from linectl.words import tr

__all__ = ["agreed", "must_be_somebody", "somebody_there", "typed_line"]

_BREATH_S = 0.2


def somebody_there() -> bool:
    """Return whether a person can be asked here: a terminal at both ends, with this program in its foreground."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except OSError:  # a terminal that is not this program's own
        return True


def must_be_somebody(hint: str) -> None:
    """Refuse to go on where nobody can be asked; `hint` says what to do then.

    Raises:
        NotConfirmed: there is no terminal, or this program is in its background.
    """
    if not somebody_there():
        raise NotConfirmed(tr("nobody is at the terminal"), hint=hint)


def typed_line() -> str:
    """Return the line that is typed next, with its end; empty where the terminal was closed.

    At a terminal it is waited for in short breaths: a Ctrl+C between the question and the system's own wait would
    else be kept until Enter.
    """
    while sys.stdin.isatty() and not select.select([sys.stdin], [], [], _BREATH_S)[0]:
        pass
    return sys.stdin.readline()


def agreed(question: str, *, default: bool) -> bool:
    """Ask until the answer is yes or no, in French or English; a bare return is `default`.

    Raises:
        NotConfirmed: the terminal was closed.
    """
    from linectl.lab.answers import yes_or_no

    while True:
        sys.stderr.write(f"{question} {tr('[Y/n]') if default else tr('[y/N]')} ")
        sys.stderr.flush()
        line = typed_line()
        if not line:
            raise NotConfirmed(tr("the terminal was closed before an answer: {question}").format(question=question))
        said = default if not line.strip() else yes_or_no(line)
        if said is not None:
            return said

"""A reader that has seen enough: `linectl log | head` ends silently."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["nobody_reads", "quiet_end"]


@contextmanager
def quiet_end() -> Iterator[None]:
    """Write for the time of the block; it ends where nobody reads any more, without a complaint.

    click would end with 1, and the interpreter would complain when it flushes at its end.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        _into_nothing()


def nobody_reads() -> bool:
    """Return whether whoever read standard output has closed the pipe; asked while there is nothing to write."""
    with suppress(OSError, ValueError, AttributeError):
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    return False


def _into_nothing() -> None:
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

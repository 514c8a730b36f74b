"""A line that somebody types on the screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Entry"]


@dataclass(slots=True)
class Entry:
    """A line that is being typed. `done` takes it and returns why it cannot be, "" when it is closed with it."""

    asking: str
    done: Callable[[str], str]
    typed: str = ""
    live: Callable[[str], None] | None = None  # told at each key

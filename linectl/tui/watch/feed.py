"""Where the dashboard's data come from: the one nested dict of the line's server, and its operations."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any, Protocol

__all__ = ["SILENCE_S", "Feed", "items", "moment", "number", "section", "text"]

SILENCE_S = 1.6  # without a sign of life; with the period of drawing a dead server is told within 2 s


class Feed(Protocol):
    """A client of the line's server that keeps the line's state up to date, and comes back by itself.

    `state` holds the sections (line, machine, armed, links, tags, values, run, prompts, alarms, interlocks, journal);
    a section is replaced whole when it changes, of `values` the readings that changed.
    """

    @property
    def state(self) -> Mapping[str, Any]:
        """The line's state as last heard."""

    @property
    def heard_s(self) -> float | None:
        """When the server was last heard (loop time, s), if only by a sign of life; None before the first time."""

    @property
    def lost_why(self) -> str:
        """Why the server cannot be reached now, for people; "" while there is a connection."""

    def changes(self) -> AsyncIterator[str]:
        """Give the name of each section that has changed, as it changes, for ever; over reconnections too."""

    async def call(self, op: str, /, **args: Any) -> Mapping[str, Any]:
        """Ask the server for an operation and return what it says.

        Raises:
            LinectlError: it was refused, or the server cannot be reached.
        """


def section(state: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a section, empty where there is none."""
    found = state.get(name)
    return found if isinstance(found, Mapping) else {}


def items(state: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return the entries of a list, none where there is no list."""
    found = state.get(name)
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list | tuple) else []


def number(value: object) -> float | None:
    """Return a number as float; None for anything else, True and False too."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def text(value: object) -> str:
    """Return a text, empty where there is none."""
    return value if isinstance(value, str) else "" if value is None else str(value)


def moment(value: object) -> datetime | None:
    """Return a time of ISO 8601 with offset; None where there is none."""
    try:
        return datetime.fromisoformat(value).astimezone() if isinstance(value, str) and value else None
    except ValueError:
        return None

"""What faces may ask of the alarms, as data: the arguments of each operation."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "Acknowledge",
    "Comment",
    "FiguresOf",
    "History",
    "ListAlarms",
    "OutOfService",
    "Reset",
    "Shelve",
    "Unshelve",
]


@dataclass(frozen=True, slots=True)
class ListAlarms:
    """The alarms that ask for somebody or are put aside; with `all`, every one, the normal and diagnostic ones too."""

    all: bool = False


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Acknowledge the alarms `ids`, and with `all_low` all of priority 3; there is no "all" for the others."""

    ids: tuple[str, ...] = ()
    all_low: bool = False
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Reset:
    """Reset latched alarms whose cause is gone and that were acknowledged."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shelve:
    """Put alarms aside for `for_s` s, for a `reason`."""

    ids: tuple[str, ...]
    for_s: float
    reason: str


@dataclass(frozen=True, slots=True)
class Unshelve:
    """Take shelved alarms back before their time."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OutOfService:
    """Take an alarm out of service for a `reason`, until `back` puts it in service again."""

    id: str
    reason: str = ""
    back: bool = False


@dataclass(frozen=True, slots=True)
class Comment:
    """Say something about an alarm, for whoever comes next."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class History:
    """What happened to the alarms, newest first: at most `limit` steps, of the alarm `id` alone when it is given."""

    limit: int = 100
    id: str = ""


@dataclass(frozen=True, slots=True)
class FiguresOf:
    """The figures of the last `hours`."""

    hours: float = 24.0

"""What the operations of a machine take; each is the schema of one operation of the local API."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "CommandArgs",
    "EndLot",
    "LotArgs",
    "LotsArgs",
    "ModeArgs",
    "NoArgs",
    "QuarantineArgs",
    "RecipeArgs",
    "StartLot",
    "StopArgs",
]

WITHIN_S = 60.0  # in which every command of a machine ends, as a rule


@dataclass(frozen=True, slots=True)
class NoArgs:
    """Nothing."""


@dataclass(frozen=True, slots=True)
class CommandArgs:
    """A command: why, how long its end is waited for (s); `dry_run` says whether it is possible."""

    reason: str = ""
    within_s: float = WITHIN_S
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class StopArgs:
    """A stop; `confirmed`: a person was told what it loses, and said yes."""

    reason: str = ""
    within_s: float = WITHIN_S
    confirmed: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class ModeArgs:
    """A mode: produce, maintenance or manual; `confirmed`: a person was told what that loses, and said yes."""

    mode: str
    reason: str = ""
    confirmed: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class RecipeArgs:
    """A recipe's name or file; `dry_run` says which values it would write."""

    recipe: str
    reason: str = ""
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class StartLot:
    """A lot that begins: whose bottles, which model, which glue; `name` "" takes the day and a number."""

    grower: str
    bottle: str
    glue: str
    glue_lot: str = ""
    name: str = ""
    note: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class EndLot:
    """The end of the lot that goes in; `name`, if given, must be its name."""

    name: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LotArgs:
    """A lot by its name; "last" is the newest."""

    name: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LotsArgs:
    """Which lots: the newest `limit`, 0 for all; `due_days`: those alone that must be used within so many days."""

    limit: int = 50
    due_days: float | None = None


@dataclass(frozen=True, slots=True)
class QuarantineArgs:
    """Bottles of a lot to set aside, numbered as they came out; `last` None: to its end."""

    name: str
    reason: str = ""
    first: int = 1
    last: int | None = None

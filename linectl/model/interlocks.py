"""Interlocks and permissives of a line as data, with the cases that prove them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from linectl.model.conditions import Condition
from linectl.model.readings import Value

__all__ = [
    "COMMANDS",
    "Case",
    "Expected",
    "Given",
    "Interlock",
    "Interlocks",
    "Permissive",
    "Place",
    "Step",
    "TripPolicy",
    "Untrusted",
]

COMMANDS = ("reset", "start", "unhold", "unsuspend", "fill", "drain", "dose")
"""Commands of a machine that a permissive may allow; stop, hold and abort need nobody's leave."""

Place = tuple[str, int, int]
"""Where something stands: file, line and column, from 1."""


class TripPolicy(StrEnum):
    """What a trip asks for; the later ones contain the earlier."""

    IGNORE = "ignore"  # shown and kept, nothing is done: its reason stands in the file
    HOLD = "hold"  # the machine or the run freezes where it is and waits for a person
    SAFE = "safe"  # the line's declared safe state: no heat, no dosing, no feed
    ABORT = "abort"  # safe at once, and the run is over

    @property
    def rank(self) -> int:
        """Return how much it asks for, 0 for nothing."""
        return list(TripPolicy).index(self)


@dataclass(frozen=True, slots=True)
class Interlock:
    """What ends a running action: `when` (as written in `text`) has lasted `delay_s` s, or may have.

    A `latched` trip stays until a person resets it with its cause gone. `reason` says why an ignored one is. `message`
    is what people read, by language.
    """

    name: str
    when: Condition
    text: str
    action: TripPolicy
    delay_s: float = 0.0
    latched: bool = True
    reason: str = ""
    message: Mapping[str, str] = field(default_factory=dict, hash=False)
    place: Place = field(default=("", 1, 1), compare=False)


@dataclass(frozen=True, slots=True)
class Permissive:
    """What must hold (`needs`, as written in `text`) before something starts.

    `allows` names commands of `COMMANDS` and tags that may then be switched on or written. `message` is what people
    read when it is missing, by language.
    """

    name: str
    needs: Condition
    text: str
    allows: tuple[str, ...]
    message: Mapping[str, str] = field(default_factory=dict, hash=False)
    place: Place = field(default=("", 1, 1), compare=False)


class Untrusted(StrEnum):
    """What a case may give for a reading in place of a value."""

    BAD = "bad"
    UNCERTAIN = "uncertain"  # the value before it, which nobody vouches for
    STALE = "stale"  # the value before it, too old
    MISSING = "missing"  # no reading at all


Given = Value | Untrusted


@dataclass(frozen=True, slots=True)
class Expected:
    """What must be so after a step; None: not looked at.

    `trips` are all interlocks that are tripped, `lost` all permissives that do not hold, `first_out` what tripped
    first, `action` what is asked for, "none" for nothing.
    """

    trips: frozenset[str] | None = None
    lost: frozenset[str] | None = None
    first_out: frozenset[str] | None = None
    action: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """At `at_s` s from the case's start: readings that change, perhaps a person's reset, and what must then be so."""

    at_s: float
    given: Mapping[str, Given] = field(default_factory=dict, hash=False)
    reset: bool = False
    expected: Expected = Expected()
    place: Place = field(default=("", 1, 1), compare=False)


@dataclass(frozen=True, slots=True)
class Case:
    """One test: steps in time, from the file's normal readings on."""

    name: str
    steps: tuple[Step, ...]
    place: Place = field(default=("", 1, 1), compare=False)


@dataclass(frozen=True, slots=True)
class Interlocks:
    """The interlocks and permissives of `line`, as read from a file.

    `stale_s` is the age in s from which a reading of each tag they name counts as none. `normal` are the readings of
    an ordinary day from which the cases start.
    """

    name: str
    line: str
    interlocks: Mapping[str, Interlock]
    permissives: Mapping[str, Permissive] = field(default_factory=dict)
    stale_s: Mapping[str, float] = field(default_factory=dict)
    normal: Mapping[str, Given] = field(default_factory=dict)
    cases: tuple[Case, ...] = ()
    description: str = ""
    source: str = ""
    file_hash: str = ""

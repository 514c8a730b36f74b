"""What the doctor finds: how bad, what and where, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Finding", "Level", "Place", "exit_code", "worst"]


class Level(StrEnum):
    """How bad: a note asks for nothing, with a warning the line can run, with an error it cannot."""

    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a finding belongs: a tag, its address on the wire, and where a file says so (file:line)."""

    tag: str = ""
    address: str = ""
    file: str = ""

    def __str__(self) -> str:
        """Return the parts that are known: `bath.temperature, 2/ir10, line.yaml:67`."""
        return ", ".join(part for part in (self.tag, self.address, self.file) if part)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be.

    `room` says which check found it, `code` is a machine word; `exit_code` is what `doctor` ends with for an error.
    """

    level: Level
    room: str
    code: str
    what: str
    do: str = ""
    place: Place = Place()
    exit_code: int = 5


def worst(findings: Iterable[Finding]) -> Level | None:
    """Return the worst level among `findings`, None when there is none."""
    order = list(Level)
    return max((finding.level for finding in findings), key=order.index, default=None)


def exit_code(findings: Iterable[Finding]) -> int:
    """Return 0 when there is no error, else the first cause's: 3 the file, 4 a wire, 5 a device, 6 a holder."""
    return min((finding.exit_code for finding in findings if finding.level is Level.ERROR), default=0)

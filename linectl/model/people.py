"""Who asks something of a line, through which face, and what they may."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Role", "Who"]


class Role(StrEnum):
    """What somebody may do; the later ones contain the earlier."""

    VIEW = "view"  # look
    OPERATE = "operate"  # run the line: commands, writes within limits, alarms, questions
    RESEARCH = "research"  # run experiments, give a GO to the line, release a lot
    SERVICE = "service"  # calibrate, take alarms out of service, take the line from somebody

    @property
    def rank(self) -> int:
        """Return how much it may, 0 for the least."""
        return list(Role).index(self)

    def may(self, needed: Role) -> bool:
        """Return whether this role contains `needed`."""
        return self.rank >= needed.rank


@dataclass(frozen=True, slots=True)
class Who:
    """A person (`operator`) at a face: cli, watch, web, script."""

    operator: str
    face: str = "cli"
    role: Role = Role.SERVICE

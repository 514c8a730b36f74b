"""What is told of one error code."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Explanation"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """One code: what it means, what it usually comes from, what to do, and one command to copy.

    `exit_code` is what the command line ends with; 0 for a doubt that is told beside the result. In `command`, words
    in capitals stand for what is meant (LINE, FILE, RUN, TAG, VALUE). Codes and commands are the same in all languages.
    """

    code: str
    exit_code: int
    meaning: str
    causes: str
    remedy: str
    command: str

    @property
    def family(self) -> str:
        """The letters between the dashes: `CFG` of E-CFG-001."""
        return self.code.split("-")[1]

"""Questions that a run asks a person, whichever face answers them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

__all__ = ["Answer", "Prompt", "PromptKind", "Prompter"]


class PromptKind(StrEnum):
    """What kind of answer is asked for."""

    CONFIRM = "confirm"
    NUMBER = "number"
    CHOICE = "choice"
    TEXT = "text"
    POSITIONS = "positions"  # a list of bath positions, possibly empty


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question. `text` is for people, in the language in use; `task` and `facts` say the same to a machine.

    Tasks: `load_bottle` (facts: position, bottle, glue), `unload` (positions), `check` (positions still attached),
    `lid` (open: bool).
    """

    id: str
    kind: PromptKind
    text: str
    task: str
    facts: Mapping[str, object] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered (bool, float, str or a tuple of positions), by whom, through which face, and when."""

    prompt_id: str
    value: bool | float | str | tuple[int, ...]
    who: str
    face: str
    asked_ns: int
    answered_ns: int


class Prompter(Protocol):
    """Whoever answers: a terminal, an answers file, a simulated operator."""

    async def ask(self, prompt: Prompt) -> Answer:
        """Return the answer to `prompt`, however long it takes a person."""

"""Questions that a run asks a person, whichever face answers them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

__all__ = ["Answer", "Look", "Prompt", "PromptKind", "Prompter"]


class PromptKind(StrEnum):
    """What kind of answer is asked for."""

    CONFIRM = "confirm"
    NUMBER = "number"
    CHOICE = "choice"
    TEXT = "text"
    PHOTO = "photo"  # the path of a picture file
    POSITIONS = "positions"  # a list of bath positions, possibly empty


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question. `text` is for people, in the language in use; `task` and `facts` say the same to a machine.

    Tasks: `load_bottle` (facts: position, bottle, glue), `unload` (positions), `check` (positions still attached),
    `lid` (open: bool), `score` (position, bottle), `covariate` (name, per), `question` (phase), `crash` (see resume).
    After `timeout_s` (loop time) without an answer `default` is taken; without a default the question waits.
    `second` asks for another person than the one who answers usually.
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
    timeout_s: float | None = None
    default: bool | float | str | tuple[int, ...] | None = None
    second: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """What a person saw at one position, and when (ns UTC)."""

    attached: bool
    at_ns: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered (bool, float, str or a tuple of positions), by whom, through which face, and when.

    A face that takes labels one by one gives `looks` to a `check`: positions that are not in it were not looked at.
    `corrections` are answers taken back before they counted: (position, attached, at_ns), kept in the record.
    """

    prompt_id: str
    value: bool | float | str | tuple[int, ...]
    who: str
    face: str
    asked_ns: int
    answered_ns: int
    looks: Mapping[int, Look] | None = None
    corrections: tuple[tuple[int, bool, int], ...] = ()


class Prompter(Protocol):
    """Whoever answers: a terminal, an answers file, a simulated operator."""

    async def ask(self, prompt: Prompt) -> Answer:
        """Return the answer to `prompt`, however long it takes a person."""

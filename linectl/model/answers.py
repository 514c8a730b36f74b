"""Answers given beforehand, for runs that nobody sits beside."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

__all__ = ["Answers", "Preset"]


@dataclass(frozen=True, slots=True)
class Preset:
    """One line of an answers file: the value for every question whose id fits `pattern`, and where it stands."""

    pattern: str
    value: bool | float | str | tuple[int, ...]
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Answers:
    """An answers file: `name` is who answers in the record. The first pattern that fits a question's id wins."""

    name: str
    presets: tuple[Preset, ...]
    source: str = ""

    def find(self, prompt_id: str) -> Preset | None:
        """Return the first line that fits `prompt_id`, None when none does."""
        return next((preset for preset in self.presets if fnmatchcase(prompt_id, preset.pattern)), None)

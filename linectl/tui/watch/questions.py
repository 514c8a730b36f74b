"""The questions of a run as the server tells them, and how each kind is put to a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from linectl.model.prompts import Prompt, PromptKind
from linectl.tui.styled import printable
from linectl.tui.watch.feed import number, section, text
from linectl.words import number as short_number
from linectl.words import tr

__all__ = ["asking", "prompt_of"]


def prompt_of(told: Mapping[str, Any]) -> Prompt:
    """Return a question from what the server tells of it; one of a kind that is not known is answered with text."""
    kinds = {str(kind): kind for kind in PromptKind}
    facts = dict(section(told, "facts"))
    if isinstance(facts.get("positions"), list):
        facts["positions"] = tuple(facts["positions"])
    options = told.get("options")
    return Prompt(
        id=text(told.get("id")),
        kind=kinds.get(text(told.get("kind")), PromptKind.TEXT),
        text=printable(text(told.get("text"))),
        task=text(told.get("task")),
        facts=facts,
        options=tuple(map(str, options)) if isinstance(options, list | tuple) else (),
        low=number(told.get("low")),
        high=number(told.get("high")),
        unit=text(told.get("unit")),
        timeout_s=number(told.get("timeout_s")),
    )


def asking(prompt: Prompt) -> str:
    """Return a question with what may be answered."""
    return f"{prompt.text} {_wanted(prompt)}".strip()


def _wanted(prompt: Prompt) -> str:
    match prompt.kind:
        case PromptKind.CONFIRM:
            return tr("[y/n]")
        case PromptKind.NUMBER:
            return _range(prompt)
        case PromptKind.CHOICE:
            return "[" + "  ".join(f"{k} {option}" for k, option in enumerate(prompt.options, 1)) + "]"
        case PromptKind.POSITIONS:
            return tr("[positions, such as 3 7 12; Enter alone: none]")
        case PromptKind.PHOTO:
            return tr("[path of the picture]")
        case _:
            return ""


def _range(prompt: Prompt) -> str:
    low = "" if prompt.low is None else short_number(prompt.low)
    high = "" if prompt.high is None else short_number(prompt.high)
    limits = f"{low}…{high}" if low or high else ""
    return f"[{limits} {prompt.unit}]".replace("[ ", "[").replace(" ]", "]") if limits or prompt.unit else ""

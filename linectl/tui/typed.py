"""What a person types as the answer to a question, in French or English."""

from __future__ import annotations

from linectl.lab.answers import yes_or_no
from linectl.model.prompts import Prompt, PromptKind

__all__ = ["typed_value"]


def typed_value(prompt: Prompt, text: str) -> bool | float | str | tuple[int, ...] | None:
    """Return what `text` answers, None when it does not fit the kind of question; a choice may be given by number."""
    match prompt.kind:
        case PromptKind.CONFIRM:
            return yes_or_no(text) if text else True
        case PromptKind.NUMBER:
            try:
                return float(text.replace(",", "."))
            except ValueError:
                return None
        case PromptKind.CHOICE:
            return _choice(prompt.options, text)
        case PromptKind.POSITIONS:
            words = text.replace(",", " ").split()
            return tuple(map(int, words)) if all(word.isdecimal() for word in words) else None
        case _:
            return text


def _choice(options: tuple[str, ...], text: str) -> str:
    """Return the option that is meant: the word itself (one of them may be a figure), else its number from 1."""
    if text in options or not text.isdecimal():
        return text
    return options[int(text) - 1] if 0 < int(text) <= len(options) else text

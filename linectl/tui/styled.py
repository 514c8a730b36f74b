"""Lines of styled text, for a screen or for plain print: what the pictures of the terminal are made of. Pure.

Grey is normal. Priorities are fills, never colours of text: as text they could not be read on the grey ground.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from enum import StrEnum

__all__ = [
    "STYLES",
    "Line",
    "Mood",
    "cells_of",
    "cut",
    "fill",
    "fit",
    "grey",
    "plain",
    "printable",
    "shorten",
    "width_of",
]

_STUCK = "\u00a0\u202f"


class Mood(StrEnum):
    """What a piece of text says by its colour."""

    NORMAL = "normal"
    QUIET = "quiet"
    STRONG = "strong"
    LIQUID = "liquid"  # text in a tank, below the level
    ALARM = "alarm"  # priority 1
    WARNING = "warning"  # priority 2
    FAULT = "fault"  # priority 3
    UNSEEN = "unseen"  # the word "not acknowledged": beside an open question the only thing that blinks
    SHELVED = "shelved"
    LIE = "lie"
    FORCED = "forced"  # a value that a person or a program has put in the place of the sensor's
    CHOSEN = "chosen"
    STALE = "stale"  # hatched: never looks like a value
    ARMED = "armed"
    TITLE = "title"


STYLES = {
    Mood.NORMAL: "",
    Mood.QUIET: "dim",
    Mood.STRONG: "bold",
    Mood.LIQUID: "on #3d454b",
    Mood.ALARM: "bold white on #d40000",
    Mood.WARNING: "black on #e07000",
    Mood.FAULT: "#222222 on #d8b400",
    Mood.UNSEEN: "bold blink",
    Mood.SHELVED: "white on #7a4fa0",
    Mood.LIE: "bold black on #9ab8d8",
    Mood.FORCED: "bold #9ab8d8",
    Mood.CHOSEN: "black on #c8c8c8",
    Mood.STALE: "#8a8a8a",
    Mood.ARMED: "bold black on #9ab8d8",
    Mood.TITLE: "#9a9a9a",
}

Line = tuple[tuple[str, Mood], ...]


def plain(lines: Iterable[Line]) -> str:
    """Return lines without their colours."""
    return "\n".join("".join(text for text, _ in line).rstrip() for line in lines)


def cells_of(text: str) -> int:
    """Return how many cells of a terminal `text` takes: wide letters two, accents that combine none."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(char: str) -> int:
    return 0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1


def width_of(line: Line) -> int:
    """Return how many cells of a terminal `line` takes."""
    return sum(cells_of(text) for text, _ in line)


def cut(line: Line, width: int) -> Line:
    """Return `line` without what stands beyond `width` cells."""
    found: list[tuple[str, Mood]] = []
    for text, mood in line:
        if width <= 0:
            break
        kept = _head(text, width)
        found.append((kept, mood))
        width -= cells_of(text)
    return tuple(found)


def shorten(line: Line, width: int) -> Line:
    """Return `line` cut to `width` cells, with `…` at its end where words are lost."""
    found = cut(line, width)
    if not found or width_of(found) < width or cells_of("".join(text for text, _ in line).rstrip()) <= width:
        return found
    text, mood = found[-1]
    return (*found[:-1], (_head(text, cells_of(text) - 1) + "…", mood))


def _head(text: str, width: int) -> str:
    if cells_of(text) <= width:
        return text
    while text and cells_of(text) > width:
        text = text[: max(width, len(text) // 2)] if cells_of(text) > 2 * width else text[:-1]
    return text.ljust(width - cells_of(text) + len(text))


def fit(text: str, width: int) -> str:
    """Return `text` in exactly `width` cells: filled with blanks, or cut with a `…`."""
    wide = cells_of(text)
    if wide <= width:
        return text + " " * (width - wide)
    return _head(text, width - 1) + "…" if width > 0 else ""


def fill(line: Line, width: int) -> Line:
    """Return `line` in exactly `width` cells."""
    wide = width_of(line)
    return cut(line, width) if wide >= width else (*line, (" " * (width - wide), Mood.NORMAL))


def grey(line: Line) -> Line:
    """Return `line` without its colours: what is shown is of before."""
    return tuple((text, Mood.QUIET) for text, _ in line)


def printable(text: str) -> str:
    """Return `text` on one line, without what a terminal would obey: notes and messages come from outside.

    Blanks at which no line breaks, as French has them, stay.
    """
    return "".join(char if char.isprintable() or char in _STUCK else " " for char in text)

"""What keys on the observation sheet mean: one key, a number or a bar code per position. Pure; no screen, no clock.

Keys of a number pad: `+` still on, `-` off, for the position under the cursor or the one typed before; `*` says that
all that are left were looked at and are still on; `/` takes the last look back; a number or a bar code ended by Enter
means what `.` has chosen (off, unless changed). A bar code begins with a letter: until Enter, all keys belong to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["Mark", "Marks", "Taken"]


class Mark(StrEnum):
    """What the sheet shows of one position."""

    EMPTY = "empty"
    DUE = "due"  # asked for in the open check, not looked at yet
    ATTACHED = "attached"
    OFF = "off"
    WAITING = "waiting"  # holds a bottle, no check is open


@dataclass(frozen=True, slots=True)
class Taken:
    """What a key did: looks to take (position, attached; None takes it back), or why it was refused (machine word)."""

    looks: tuple[tuple[int, bool | None], ...] = ()
    refused: str = ""  # unknown | not_due | nothing_to_undo | no_check


NOTHING = Taken()
_MOVES = {"up": -1, "left": -1, "down": 1, "right": 1}
_ANSWERS = {"+", "-", "*", "/", "enter"}


@dataclass(slots=True)
class Marks:
    """The state behind the sheet: bottles by position, the open check, the cursor, what is typed so far.

    `bottles` names each position's bottle (its bar code). Positions whose label was seen off in an earlier check stay
    off and are not asked for again.
    """

    bottles: Mapping[int, str] = field(default_factory=dict)
    due: tuple[int, ...] = ()
    seen: dict[int, bool] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)
    cursor: int | None = None
    typed: str = ""
    scan_means_off: bool = True
    history: list[int] = field(default_factory=list)

    @property
    def left(self) -> tuple[int, ...]:
        """The positions asked for and not looked at yet."""
        return tuple(position for position in self.due if position not in self.seen)

    def open(self, due: Sequence[int]) -> None:
        """Begin a check of the positions `due`; what was typed before it is forgotten."""
        self.due = tuple(sorted(due))
        self.seen.clear()
        self.history.clear()
        self.typed = ""
        self.cursor = self.due[0] if self.due else None

    def close(self) -> None:
        """End the check: labels seen off are gone for good."""
        self.gone |= {position for position, attached in self.seen.items() if not attached}
        self.open(())

    def mark(self, position: int) -> Mark:
        """Return what is shown at `position`."""
        if position in self.seen:
            return Mark.ATTACHED if self.seen[position] else Mark.OFF
        if position in self.due:
            return Mark.DUE
        if position in self.gone:
            return Mark.OFF
        return Mark.WAITING if position in self.bottles else Mark.EMPTY

    def key(self, key: str) -> Taken:
        """Take one key: a character, or "enter", "backspace", "escape", "up", "down", "left", "right"."""
        if key in _MOVES and not self._in_code:
            self._move(_MOVES[key])
        elif key == "escape":
            self.typed = ""
        elif key == "backspace":
            self.typed = self.typed[:-1]
        elif len(key) == 1 and (key.isalnum() or self._in_code):
            self.typed += key
        elif key == ".":
            self.scan_means_off = not self.scan_means_off
        elif key in _ANSWERS:
            return self._answer(key)
        return NOTHING

    @property
    def _in_code(self) -> bool:
        """Whether a bar code is being read: it may hold + and -."""
        return self.typed[:1].isalpha()

    def _answer(self, key: str) -> Taken:
        if not self.due:
            self.typed = ""
            return Taken(refused="no_check")
        if key == "/":
            return self._undo()
        if key == "*":
            return self._take([(position, True) for position in self.left])
        if key == "enter" and not self.typed:
            return NOTHING
        position = self._position()
        if position not in self.due:
            return Taken(refused="unknown" if position is None else "not_due")
        return self._take([(position, key == "+" if key in {"+", "-"} else not self.scan_means_off)])

    def _position(self) -> int | None:
        """Return the position that was typed or scanned, else the one under the cursor."""
        typed, self.typed = self.typed, ""
        if not typed:
            return self.cursor
        if typed.isdigit():
            return int(typed) if int(typed) in self.bottles else None
        by_code = {code.casefold(): position for position, code in self.bottles.items()}
        return by_code.get(typed.casefold())

    def _take(self, looks: list[tuple[int, bool]]) -> Taken:
        for position, attached in looks:
            self.seen[position] = attached
            self.history.append(position)
        left = self.left
        last = looks[-1][0] if looks else self.cursor or 0
        self.cursor = next((position for position in left if position > last), left[0] if left else None)
        return Taken(tuple(looks))

    def _undo(self) -> Taken:
        if not self.history:
            return Taken(refused="nothing_to_undo")
        position = self.history.pop()
        self.seen.pop(position, None)
        self.history = [each for each in self.history if each != position]
        self.cursor = position
        return Taken(((position, None),))

    def _move(self, by: int) -> None:
        if self.due:
            index = self.due.index(self.cursor) if self.cursor in self.due else -by
            self.cursor = self.due[(index + by) % len(self.due)]

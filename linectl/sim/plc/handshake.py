"""The command handshake: a code with a number and a token goes in, that number and a result come out.

A wire may lose an answer, so a host repeats a command it heard nothing of. The number makes that safe: a repeated one
never acts again, it is answered with the stored result.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from enum import IntEnum

__all__ = ["REMEMBERED", "Handshake", "Key", "Result"]

REMEMBERED = 8
"""Commands whose results are kept for a repetition."""

Key = tuple[int, int]
"""Whose command it was and its number: token, seq."""


class Result(IntEnum):
    """`ack_result`: how the command in `ack_seq` ended."""

    PENDING = 0
    DONE = 1
    STATE = 2
    INTERLOCK = 3
    RANGE = 4
    TOKEN = 5
    UNKNOWN = 6


class Handshake:
    """The last command, its answer, and the results of those before it."""

    def __init__(self) -> None:
        self.command = (0, 0, 0)
        self.ack_seq, self.ack_result = 0, Result.PENDING
        self._results: OrderedDict[Key, Result] = OrderedDict()

    def __repr__(self) -> str:
        """Return the last answer."""
        return f"<Handshake {self.ack_seq}: {self.ack_result.name.lower()}>"

    def take(self, code: int, seq: int, token: int, *, owner: int, act: Callable[[int, Key], Result]) -> None:
        """Take a command: `act` on it once, if its token is the `owner`'s, and answer it.

        `act` may return PENDING and tell the end later (`end`).
        """
        self.command = (code, seq, token)
        if token == 0 or token != owner:
            self.ack_seq, self.ack_result = seq, Result.TOKEN
            return
        key = (token, seq)
        if key not in self._results:
            self._results[key] = Result.PENDING
            while len(self._results) > REMEMBERED:
                self._results.popitem(last=False)
            self._results[key] = act(code, key)
        self.ack_seq, self.ack_result = seq, self._results[key]

    def end(self, key: Key, result: Result) -> None:
        """Tell how a command that was pending ended."""
        if key in self._results:
            self._results[key] = result
        if self.ack_seq == key[1]:  # else a later command was answered there; a repetition tells this one's end
            self.ack_result = result

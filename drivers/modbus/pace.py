"""How fast a unit answers, so that a reply which comes too soon is not believed.

An adapter or gateway may deliver a reply twice. A second copy that comes while the next request of the same shape is
out looks like its answer, and from then on each reply belongs to the request before. Two things betray it: it comes
sooner than the unit ever answered, or it is byte for byte the reply before.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Before", "Pace", "Shape"]

_SOONER = 0.9  # of the shortest time known; what the loop and the adapter add varies
_SLACK_S = 0.002
_LEARNT = 8  # replies of a shape, before the shortest time of them means anything
_FORGET = 0.9  # how much of the longest time is kept when shorter ones follow

Shape = tuple[int, int]
"""Function and length (bytes) of a reply: a second copy can only be mistaken for one of its own shape."""


class Before(NamedTuple):
    """The exchange before: its raw reply, how many quarantines there had been, and until when a copy may come."""

    reply: bytes
    quarantines: int
    copy_until_s: float  # loop time


class Pace:
    """The shortest and the recent longest time (s) from a request to its reply, by the reply's shape."""

    __slots__ = ("_count", "_fastest_s", "_slowest_s")

    def __init__(self) -> None:
        self._count: dict[Shape, int] = {}
        self._fastest_s: dict[Shape, float] = {}
        self._slowest_s: dict[Shape, float] = {}

    def __repr__(self) -> str:
        """Return the bounds."""
        return f"<Pace fastest {self._fastest_s}, slowest {self._slowest_s}>"

    def too_soon(self, shape: Shape, took_s: float) -> bool:
        """Return whether no reply of this shape was ever nearly as fast, of eight at least."""
        if self._count.get(shape, 0) < _LEARNT:
            return False
        return took_s < _SOONER * self._fastest_s[shape] - _SLACK_S

    def slowest_s(self, shape: Shape) -> float:
        """Return how long (s) such a reply takes at the longest, as far as is known: 0 when nothing is."""
        return self._slowest_s.get(shape, 0.0)

    def took(self, shape: Shape, took_s: float) -> None:
        """Note that a believed reply took `took_s`."""
        self._count[shape] = self._count.get(shape, 0) + 1
        self._fastest_s[shape] = min(self._fastest_s.get(shape, took_s), took_s)
        self._slowest_s[shape] = max(took_s, _FORGET * self._slowest_s.get(shape, 0.0))

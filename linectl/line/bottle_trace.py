"""Bottles followed by counting: which ones came out while a machine's whole length last passed.

A chain's speed changes, so no wall clock tells which bottle is where. Bottles keep their order: what went in as number
n comes out as number n less those that were lost inside before it (broken ones, which no counter at the outfeed sees).
"""

from __future__ import annotations

from collections import deque

__all__ = ["BottleTrace"]

_KEPT = 20_000  # pairs of counts, some days of them; a machine's length is some hundreds


class BottleTrace:
    """What was counted at infeed and outfeed, for as long as a bottle inside may ask.

    `capacity` is how many bottles the machine holds, `final` how many of these stand in its last zone; 0: not known.
    """

    def __init__(self, *, capacity: int = 0, final: int = 0) -> None:
        self.capacity = capacity
        self.final = final
        self._counts: deque[tuple[int, int]] = deque(maxlen=_KEPT)
        self._exit = 0  # the number, by the infeed's count, of the bottle that came out last

    def __repr__(self) -> str:
        """Return what was counted last."""
        return f"<BottleTrace {self._counts[-1] if self._counts else 'empty'}>"

    def note(self, went_in: int, came_out: int, lost: int) -> None:
        """Take the counts of this moment; `lost` bottles went in before those inside and never came out."""
        counts, self._exit = self._counts, came_out + lost
        counts.append((went_in, came_out))
        while len(counts) > 1 and counts[1][0] < self._exit:  # kept: the last before the bottle at the exit went in
            counts.popleft()

    def left_since_transit(self) -> int:
        """Return which bottle, by the outfeed's count, was the first to leave while the last machine length passed.

        Where counting began later than that, as many bottles are taken as the machine holds; all, if nobody knows.
        """
        if not self._counts:
            return 1
        (first_in, out_then), (_, out_now) = self._counts[0], self._counts[-1]
        if first_in < self._exit:
            return out_then + 1
        return max(1, min(out_then, out_now - self.capacity) + 1) if self.capacity else 1

    def in_final(self, went_in: int, came_out: int, lost: int) -> int:
        """Return how many bottles may be in the last zone now; all that are inside where its length is not known."""
        inside = max(0, went_in - came_out - lost)
        return min(inside, self.final) if self.final else inside

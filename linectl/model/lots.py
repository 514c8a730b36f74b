"""Wash lots: bottles of one grower, one model and one glue that went through the washer together.

Bottles are told apart by counting, never by the clock: the chain's speed changes, and stands. Numbers of bottles begin
with 1 for the first bottle of the lot, in the order in which they come out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

__all__ = ["GLUES", "UNKNOWN", "Lot", "LotState", "Quarantine", "Use", "doubtful", "extended", "without"]

UNKNOWN = "unknown"

GLUES = ("permanent", "casein", "dextrin", "starch", "pvoh", "psa", UNKNOWN)
"""Known words for what holds the labels of a lot, the most usual first; a glue by its own name is as good."""


class LotState(StrEnum):
    """Where a lot stands; whether bottles of it are in quarantine is told apart from that."""

    WASHING = "washing"  # its bottles go in
    LEAVING = "leaving"  # no more go in, the last ones are inside
    WASHED = "washed"  # the last one has come out
    DELIVERED = "delivered"  # they have left the plant


@dataclass(frozen=True, slots=True)
class Use:
    """What was used: water (L), heat (Wh), NaOH (g); None: nothing on this line measures it, or it was lost."""

    water_l: float | None = None
    energy_wh: float | None = None
    naoh_g: float | None = None


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Bottles `first` to `last` of a lot, set aside because of `reason` (a machine word) until a person releases them.

    `last` None: all that follow, for its cause goes on. `lot` "" stands for bottles that belong to none: their numbers
    are those of the line's own count of bottles out. `told` is the reason as people read it.
    """

    id: int
    lot: str
    reason: str
    first: int
    last: int | None
    since_ns: int
    by: str
    told: str = ""
    released_ns: int | None = None
    released_by: str = ""
    release_reason: str = ""

    @property
    def stands(self) -> bool:
        """Whether nobody has released it."""
        return self.released_ns is None


@dataclass(frozen=True, slots=True)
class Lot:
    """One wash lot. Times are ns UTC, `ended_ns` when the last bottle went in, `washed_ns` when the last came out.

    Bottles that were washed keep clean until `reuse_by_ns`; after that they are washed again. `delivered_ns` is when
    they left the plant.

    `glue` is a word of `GLUES` or a glue's name, `glue_lot` that of its maker. `recipe`, `recipe_hash`, `verdict` and
    `verdict_hash` are what the machine was set to when the lot began, and the verdict on which that rests ("": set by
    hand, or nobody knows).

    `bottles_seen` came out whole, past the inspector; `rejected` of them were thrown out, `label_rejects` of these for
    what was left of a label (None: this inspector does not tell, or could not be heard). `used` is what the machine
    took between begin and end. `marks` are the line's counters at the lot's bounds, by which its bottles are found.
    """

    name: str
    grower: str
    bottle: str
    glue: str
    started_ns: int
    started_by: str
    glue_lot: str = ""
    note: str = ""
    recipe: str = ""
    recipe_hash: str = ""
    verdict: str = ""
    verdict_hash: str = ""
    ended_ns: int | None = None
    ended_by: str = ""
    washed_ns: int | None = None
    reuse_by_ns: int | None = None
    delivered_ns: int | None = None
    delivered_by: str = ""
    bottles_in: int = 0
    bottles_seen: int = 0
    rejected: int = 0
    label_rejects: int | None = None
    used: Use = Use()
    marks: Mapping[str, float] = field(default_factory=dict, hash=False)
    quarantines: tuple[Quarantine, ...] = ()

    @property
    def state(self) -> LotState:
        """Where it stands."""
        if self.ended_ns is None:
            return LotState.WASHING
        if self.washed_ns is None:
            return LotState.LEAVING
        return LotState.WASHED if self.delivered_ns is None else LotState.DELIVERED

    @property
    def other_rejects(self) -> int | None:
        """Rejected for something else than their label; None when the inspector does not tell them apart."""
        return None if self.label_rejects is None else max(0, self.rejected - self.label_rejects)

    @property
    def quarantined(self) -> bool:
        """Whether any of its bottles is set aside now."""
        return any(each.stands for each in self.quarantines)


def doubtful(lot: Lot) -> int:
    """Return how many bottles of `lot` are set aside now, each counted once."""
    most = max(lot.bottles_seen, 0)
    spans = sorted((each.first, most if each.last is None else each.last) for each in lot.quarantines if each.stands)
    count, upto = 0, 0
    for first, last in spans:
        count += max(0, last - max(first - 1, upto))
        upto = max(upto, last)
    return count


def extended(known: tuple[Quarantine, ...], reason: str, first: int, last: int) -> tuple[Quarantine, ...] | None:
    """Return `known` with the standing one of `reason` that meets these bottles reaching to `last`; None: none does."""
    for each in known:
        if each.reason == reason and each.stands and each.last is not None and each.first <= first <= each.last + 1:
            longer = replace(each, last=max(each.last, last))
            return tuple(longer if other is each else other for other in known)
    return None


def without(spans: list[tuple[int, int]], part: tuple[int, int]) -> list[tuple[int, int]]:
    """Return `spans` without `part`."""
    pieces = [piece for low, high in spans for piece in ((low, min(high, part[0] - 1)), (max(low, part[1] + 1), high))]
    return [piece for piece in pieces if piece[0] <= piece[1]]

"""A wash lot as data that faces and files show: its counts, its label result with the exact interval, its dates."""

from __future__ import annotations

from typing import Any

from linectl.model.lots import Lot, LotState, Quarantine, doubtful
from linectl.server.as_data import iso
from linectl.units import NS_PER_S

__all__ = ["CONFIDENCE", "DUE_DAYS", "due_days", "exact_interval", "is_due", "lot_told"]

CONFIDENCE = 0.95
DUE_DAYS = 30.0
"""So long before a washed lot must be used, people are told."""

_DAY_NS = 86_400 * NS_PER_S


def exact_interval(hits: int, of: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the two-sided exact (Clopper-Pearson) interval of a share of which `hits` in `of` were seen.

    Raises:
        ValueError: there are no such counts.
    """
    if not 0 <= hits <= of or of == 0:
        msg = f"{hits} of {of} is no share"
        raise ValueError(msg)
    from scipy.special import betaincinv  # 0.2 s to load: whoever lists lots does not wait for it

    tail = (1.0 - confidence) / 2.0
    low = 0.0 if hits == 0 else float(betaincinv(hits, of - hits + 1, tail))
    high = 1.0 if hits == of else float(betaincinv(hits + 1, of - hits, 1.0 - tail))
    return low, high


def due_days(lot: Lot, now_ns: int) -> float | None:
    """Return how many days are left to use the washed lot (negative: it is over); None: no date, or delivered."""
    if lot.reuse_by_ns is None or lot.state is not LotState.WASHED:
        return None
    return (lot.reuse_by_ns - now_ns) / _DAY_NS


def is_due(lot: Lot, now_ns: int, within_days: float = DUE_DAYS) -> bool:
    """Tell whether a washed lot must be used within so many days, or should have been."""
    left = due_days(lot, now_ns)
    return left is not None and left <= within_days


def lot_told(lot: Lot, now_ns: int, *, interval: bool = False) -> dict[str, Any]:
    """Return a lot as data that JSON can hold: times ISO 8601, shares of 1; `interval` adds that of label rejects."""
    told: dict[str, Any] = {
        **{name: getattr(lot, name) for name in _PLAIN},
        "state": lot.state.value,
        **{name: iso(getattr(lot, f"{name}_ns")) for name in _TIMES},
        **{name: getattr(lot, name) for name in _COUNTS},
        "other_rejects": lot.other_rejects,
        "label_share": _share(lot),
        "used": {name: getattr(lot.used, name) for name in _USED},
        "per_bottle": {name: _each(getattr(lot.used, name), lot.bottles_in) for name in _USED},
        "quarantined": lot.quarantined,
        "doubtful": doubtful(lot),
        "quarantines": [_aside(each) for each in lot.quarantines],
        "days_left": _rounded(due_days(lot, now_ns)),
        "due": is_due(lot, now_ns),
    }
    if interval and lot.label_rejects is not None and lot.bottles_seen:
        low, high = exact_interval(lot.label_rejects, lot.bottles_seen)
        told["label_interval"] = {"low": low, "high": high, "confidence": CONFIDENCE}
    return told


_PLAIN = (
    *("name", "grower", "bottle", "glue", "glue_lot", "note", "recipe", "recipe_hash", "verdict", "verdict_hash"),
    *("started_by", "ended_by", "delivered_by"),
)
_TIMES = ("started", "ended", "washed", "reuse_by", "delivered")
_COUNTS = ("bottles_in", "bottles_seen", "rejected", "label_rejects")
_USED = ("water_l", "energy_wh", "naoh_g")


def _aside(each: Quarantine) -> dict[str, Any]:
    told = {name: getattr(each, name) for name in ("id", "reason", "told", "first", "last", "by", "stands")}
    freed = {"released_by": each.released_by, "release_reason": each.release_reason}
    return {**told, "since": iso(each.since_ns), "released": iso(each.released_ns), **freed}


def _share(lot: Lot) -> float | None:
    return None if lot.label_rejects is None or not lot.bottles_seen else lot.label_rejects / lot.bottles_seen


def _each(amount: float | None, bottles: int) -> float | None:
    return None if amount is None or not bottles else amount / bottles


def _rounded(days: float | None) -> float | None:
    return None if days is None else round(days, 1)

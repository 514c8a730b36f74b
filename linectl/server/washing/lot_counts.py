"""Which of the line's counts belong to which lot: pure functions of the counters' totals.

A lot's bottles are those that went in between its begin and its end. They come out later, behind those of the lot
before; by the outfeed's count they are numbers `out0` + 1 to `out1`. Rejects are counted between these two, not
between begin and end. A row that two lots share is told apart by its share of bottles. Where nobody counted as one
lot followed the other (linectl was not running), such a share says little: label rejects of both are then not known.

What the inspector rejects for something else than a label comes from its own counter, which speaks every half minute
or so: it is taken away from the PLC's exact count of rejects. So a late word of it moves a bottle or two of hundreds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from linectl.model.lots import Lot, Use

__all__ = ["Totals", "begin_marks", "end_marks", "followed", "is_out", "span"]

Totals = Mapping[str, int]
"""The totals of the line's counters that could be read at some moment."""

_BLIND = 30  # bottles that came out between two counts: more is no row of a washer, but a time without anybody
_USED = ("water", "energy", "naoh_dosed")


def begin_marks(now: Totals, lost: int) -> dict[str, float]:
    """Return the marks of a lot whose first bottle is the next that goes in; `lost` ones of before never come out."""
    marks: dict[str, float] = {"in0": now["bottles_in"], "out0": now["bottles_in"] - lost}
    return marks | {name: now[name] for name in _USED if name in now}


def end_marks(lot: Lot, now: Totals, lost: int) -> dict[str, float]:
    """Return the marks of a lot whose last bottle is the last that went in."""
    return {**lot.marks, "out1": max(lot.marks["out0"], now["bottles_in"] - lost)}


def span(lot: Lot) -> tuple[int, int | None]:
    """Return the first and the last bottle of the lot by the outfeed's count; None: its last one has yet to go in."""
    last = lot.marks.get("out1")
    return round(lot.marks["out0"]) + 1, None if last is None else round(last)


def is_out(lot: Lot, now: Totals) -> bool:
    """Tell whether the last bottle of the lot has come out."""
    return "out1" in lot.marks and now["bottles_out"] >= lot.marks["out1"]


def followed(lot: Lot, before: Totals, now: Totals, used: Use) -> Lot:
    """Return `lot` with its counts as of `now`; `before` are the totals a moment ago, `used` what went since its begin.

    Counters that cannot be read leave what they counted as it was.
    """
    if "bottles_in" not in now or "bottles_out" not in now:
        return lot
    marks, out = dict(lot.marks), now["bottles_out"]
    rejected, label = lot.rejected, lot.label_rejects
    if "bottles_rejected" in now:
        if out > marks["out0"] and "rej0" not in marks:
            marks |= _at(marks["out0"], before, now, "0")
        if is_out(lot, now) and "rej1" not in marks:
            marks |= _at(marks["out1"], before, now, "1")
            if "other_rejects" in now and not _is_blind(before, now):
                marks["other1"] = now["other_rejects"]
        rejected, label = _rejects(marks, now)
    seen = max(0, round(min(out, marks.get("out1", out)) - marks["out0"]))
    still = lot.ended_ns is None
    return replace(
        lot,
        marks=marks,
        bottles_in=now["bottles_in"] - round(marks["in0"]) if still else lot.bottles_in,
        bottles_seen=seen,
        rejected=min(rejected, seen),
        label_rejects=None if label is None else min(label, rejected, seen),
        used=used if still else lot.used,
    )


def _at(bound: float, before: Totals, now: Totals, which: str) -> dict[str, float]:
    """Return what the counters of rejects stood at when bottle number `bound` came out."""
    out0, out1 = before.get("bottles_out", now["bottles_out"]), now["bottles_out"]
    rejected0 = before.get("bottles_rejected", now["bottles_rejected"])
    share = min(1.0, max(0.0, (bound - out0) / (out1 - out0))) if out1 > out0 else 1.0
    marks: dict[str, float] = {f"rej{which}": round(rejected0 + share * (now["bottles_rejected"] - rejected0))}
    if "other_rejects" in before and not _is_blind(before, now):
        marks[f"other{which}"] = before["other_rejects"]
    return marks


def _is_blind(before: Totals, now: Totals) -> bool:
    return now["bottles_out"] - before.get("bottles_out", now["bottles_out"]) > _BLIND


def _rejects(marks: Mapping[str, float], now: Totals) -> tuple[int, int | None]:
    """Return how many bottles of the lot were rejected, and how many of these for their label (None: nobody tells)."""
    if "rej0" not in marks:
        return 0, None if "other_rejects" not in now else 0
    rejected = round(marks.get("rej1", now["bottles_rejected"]) - marks["rej0"])
    other1 = marks.get("other1") if "rej1" in marks else now.get("other_rejects")
    if other1 is None or "other0" not in marks:
        return rejected, None
    return rejected, max(0, rejected - round(other1 - marks["other0"]))

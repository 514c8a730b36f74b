"""What a line has counted, over wraps and restarts; which of it belongs to a lot; what a share may be."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from math import comb

import pytest

from drivers.link import RawReading
from linectl.config.files import find_file
from linectl.config.load import load_line
from linectl.model.lots import Lot, Use
from linectl.model.readings import GOOD, Reading, Scan, ScanLayout, bad
from linectl.server.washing.line_counts import LineCounts, shift_began_ns
from linectl.server.washing.lot_counts import begin_marks, end_marks, followed, is_out, span
from linectl.server.washing.lot_told import exact_interval

LINE = load_line(find_file("simulated_washer", folder="config"))
TAGS = ("washer.bottles_in", "washer.bottles_out", "washer.bottles_rejected", "washer.water", "washer.energy")
LAYOUT = ScanLayout("fast", 1.0, TAGS)
SLOW = ScanLayout("slow", 30.0, ("hall.temperature", "inspector.other_rejects"))
FULL = 1 << 32


class Wires:
    """Scans of raw counts, as the line would make them."""

    def __init__(self, counts: LineCounts) -> None:
        self.counts = counts
        self._raw: dict[str, int] = {}

    def say(self, *raws: int | None, layout: ScanLayout = LAYOUT) -> bool:
        told = dict(zip(layout.tags, raws, strict=False))
        self._raw |= {tag: raw for tag, raw in told.items() if raw is not None}
        readings = tuple(
            Reading(tag, told.get(tag), GOOD if told.get(tag) is not None else bad("timeout"), 0, 0, 0)
            for tag in layout.tags
        )
        return self.counts.take(Scan(layout, "b", 0, 0, 0, readings), lambda tag: RawReading(self._raw[tag]))


def test_totals_go_on_over_a_full_register_and_a_restart_of_linectl() -> None:
    wires = Wires(LineCounts(LINE, "washer", {}))
    wires.say(FULL - 5, FULL - 20, 3, 1000, 50)
    wires.say(4, FULL - 10, 3, 1010, 60)
    assert wires.counts.totals()["bottles_in"] == FULL + 4
    again = Wires(LineCounts(LINE, "washer", wires.counts.stored()))
    assert again.counts.totals() == {}, "nothing was read yet"
    again.say(10, 2, 4, 1020, 70)
    assert again.counts.totals()["bottles_in"] == FULL + 10
    assert again.counts.totals()["bottles_out"] == FULL + 2


def test_a_counter_that_cannot_be_read_is_unknown_and_not_nought() -> None:
    wires = Wires(LineCounts(LINE, "washer", {}))
    wires.say(10, 5, 0, 100, 20)
    assert wires.counts.use_since({"water": 50, "energy": 10}) == Use(5.0, 10.0, None)
    assert wires.say(11, 5, 0, None, 20)
    assert wires.counts.use_since({"water": 50, "energy": 10}) == Use(None, 10.0, None)
    assert "water" not in wires.counts.totals()
    wires.say(11, 5, 0, 130, 20)
    assert wires.counts.use_since({"water": 50}) == Use(8.0, None, None)


def test_a_scan_that_says_the_same_again_changes_nothing() -> None:
    wires = Wires(LineCounts(LINE, "washer", {}))
    assert wires.say(1, 1, 0, 5, 5)
    assert not wires.say(1, 1, 0, 5, 5)
    assert not wires.say(None, 4, layout=ScanLayout("other", 1.0, ("hall.temperature", "z1.level")))


def ns(text: str) -> int:
    return round(datetime.fromisoformat(text).astimezone().timestamp()) * 10**9


def test_a_shift_begins_at_its_hour_and_counts_from_there() -> None:
    assert shift_began_ns(ns("2026-03-04T12:59:59")) == (ns("2026-03-04T05:00"), ns("2026-03-04T13:00"))
    assert shift_began_ns(ns("2026-03-04T13:00"))[0] == ns("2026-03-04T13:00")
    assert shift_began_ns(ns("2026-03-04T02:00")) == (ns("2026-03-03T21:00"), ns("2026-03-04T05:00"))
    wires = Wires(LineCounts(LINE, "washer", {}))
    wires.say(100, 90, 2, 1000, 50)
    wires.counts.shift(ns("2026-03-04T12:00"))
    wires.say(160, 150, 3, 1600, 80)
    wires.counts.shift(ns("2026-03-04T12:30"))
    assert (wires.counts.in_shift("bottles_out"), wires.counts.in_shift("water")) == (60.0, 60.0)
    again = Wires(LineCounts(LINE, "washer", wires.counts.stored()))
    again.say(170, 160, 3, 1700, 85)
    again.counts.shift(ns("2026-03-04T12:40"))
    assert again.counts.in_shift("bottles_out") == 70.0, "a restart begins no shift"
    again.counts.shift(ns("2026-03-04T13:00:01"))
    assert again.counts.in_shift("bottles_out") == 0.0


LOT = Lot("L", "g", "b", "casein", 1, "Léa", marks=begin_marks({"bottles_in": 100, "bottles_out": 40}, 0))


def totals(went_in: int, out: int, rejected: int, other: int | None = 0) -> dict[str, int]:
    told = {"bottles_in": went_in, "bottles_out": out, "bottles_rejected": rejected}
    return told if other is None else told | {"other_rejects": other}


def test_a_lot_counts_its_own_bottles_at_both_ends() -> None:
    assert span(LOT) == (101, None)
    first = followed(LOT, totals(100, 40, 4), totals(150, 90, 9), Use(5.0))
    assert (first.bottles_in, first.bottles_seen, first.rejected) == (50, 0, 0), "those are of the lot before"
    ended = replace(first, ended_ns=2, marks=end_marks(first, totals(150, 90, 9), 0))
    assert span(ended) == (101, 150)
    shared = followed(ended, totals(160, 95, 9), totals(170, 105, 19), Use(9.0))
    assert (shared.bottles_in, shared.used.water_l) == (50, 5.0), "nothing counts after its end"
    assert (shared.bottles_seen, shared.rejected) == (5, 5), "of a row of ten that two lots share, its half"
    blind = followed(shared, totals(170, 105, 19, 0), totals(200, 155, 50, 6), Use())
    assert (blind.bottles_seen, blind.label_rejects) == (50, None), "nobody counted as its last bottles came out"
    late = followed(shared, totals(190, 145, 40, 6), totals(200, 155, 50, 6), Use())
    assert is_out(late, totals(200, 155, 50))
    assert (late.bottles_seen, late.rejected) == (50, 31)
    assert late.label_rejects == 25
    again = followed(late, totals(300, 255, 90, 9), totals(310, 265, 99, 9), Use())
    assert again == late, "what comes later is not its"


def test_an_inspector_that_was_not_heard_leaves_label_rejects_unknown() -> None:
    dumb = followed(LOT, totals(100, 95, 4, None), totals(200, 120, 9, None), Use())
    assert (dumb.rejected > 0, dumb.label_rejects) == (True, None)
    heard_late = followed(dumb, totals(200, 120, 9, None), totals(220, 140, 12, 3), Use())
    assert heard_late.label_rejects is None, "what it stood at when the lot came out nobody knows"
    waiting = followed(LOT, totals(100, 40, 4, None), totals(110, 60, 4, None), Use())
    assert waiting.label_rejects is None
    in_time = followed(waiting, totals(190, 100, 4, 2), totals(200, 120, 9, 3), Use())
    assert in_time.label_rejects == 4


def test_counters_that_are_silent_leave_what_was_counted() -> None:
    counted = followed(LOT, totals(100, 90, 4), totals(200, 150, 9), Use())
    assert followed(counted, totals(200, 150, 9), {}, Use()) == counted


def upper(hits: int, of: int, share: float) -> float:
    return sum(comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(hits + 1))


@pytest.mark.parametrize(("hits", "of"), [(0, 299), (3, 1200), (14, 1199), (600, 601), (5, 5), (1, 2)])
def test_the_interval_is_exact(hits: int, of: int) -> None:
    low, high = exact_interval(hits, of)
    assert low <= hits / of <= high
    if hits < of:
        assert upper(hits, of, high) == pytest.approx(0.025, rel=1e-6)
    if hits:
        assert 1 - upper(hits - 1, of, low) == pytest.approx(0.025, rel=1e-6)
    assert (low == 0.0) is (hits == 0)
    assert (high == 1.0) is (hits == of)


def test_no_bottles_have_no_share() -> None:
    with pytest.raises(ValueError, match="0 of 0"):
        exact_interval(0, 0)

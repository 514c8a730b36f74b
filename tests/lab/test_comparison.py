from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from linectl.errors import Refused
from linectl.lab.comparison import compare_glues
from linectl.lab.confirmation.sequential import LookWord
from linectl.lab.kinetics.data import BathTrace, ReleaseData, ReleaseRecord
from linectl.lab.kinetics.trace import NO_LAG

TEMPERATURES_C = (60.0, 70.0, 65.0)


def soaked(faster: float, *, baths: int = 10, seed: int = 1, apart: bool = False) -> ReleaseData:
    """Both glues in every bath (or each in baths of its own), the new one `faster` times as fast as the reference."""
    draw = np.random.default_rng(seed)
    rows = []
    for bath in range(baths):
        temp_c = TEMPERATURES_C[bath % 3]
        middle = math.log(250.0) - 0.05 * (temp_c - 60.0) + 0.2 * draw.standard_normal()
        for glue, shift in (("known", 0.0), ("new", -math.log(faster))):
            for bottle in range(5):
                lo = 15.0 * math.floor(min(math.exp(middle + shift + 0.35 * draw.standard_normal()), 1200.0) / 15.0)
                hi = lo + 15.0 if lo < 1200.0 else math.inf
                name = f"{bath:02d}{glue}" if apart else f"{bath:02d}"
                rows.append(ReleaseRecord(f"{bath}-{glue}-{bottle}", name, glue, lo, hi, 1.5, temp_c, 1.5))
    return ReleaseData.from_records(rows, {row.bath: BathTrace.constant(row.temperature_c, 1300.0) for row in rows})


def test_a_faster_glue_is_told_before_all_baths_are_soaked() -> None:
    found = compare_glues(soaked(1.7), "new", "known", glass=NO_LAG)
    last = found.looks[-1]
    assert last.look is not None
    assert (last.look.word, last.baths < 10) == (LookWord.FASTER, True)
    ratio = last.ratio
    assert ratio.lower is not None
    assert ratio.upper is not None
    assert ratio.lower < 1 / 1.7 < ratio.upper < 1.0
    assert [look.bottles for look in found.looks] == [10 * look.baths for look in found.looks]


def test_the_same_glue_by_two_names_is_not_told_faster() -> None:
    for seed in (1, 2, 3):
        words = [
            look.look.word
            for look in compare_glues(soaked(1.0, seed=seed), "new", "known", glass=NO_LAG).looks
            if look.look
        ]
        assert words[-1] in {LookWord.FUTILE, LookWord.NOT_SHOWN}


def test_a_comparison_that_is_under_way_says_go_on_or_ends() -> None:
    found = compare_glues(soaked(1.25, baths=4), "new", "known", glass=NO_LAG, planned_baths=10)
    assert [look.baths for look in found.looks] == [2, 4]
    assert found.plan.fractions == pytest.approx((0.2, 0.4, 0.6, 0.8, 1.0))


def test_a_look_at_which_too_little_came_off_ends_nothing() -> None:
    data = soaked(1.7)
    slow = [replace(row, lo_s=1200.0, hi_s=math.inf) if row.bath in data.baths[:2] else row for row in data.records]
    found = compare_glues(
        ReleaseData.from_records(slow, dict(zip(data.baths, data.traces, strict=True))), "new", "known", glass=NO_LAG
    )
    assert found.looks[0].ratio.value is None
    assert found.looks[0].ratio.reason
    assert found.looks[0].look is None
    assert len(found.looks) > 1


@pytest.mark.parametrize(
    ("glue", "reference", "looks", "message"),
    [("other", "known", 5, "two glues of the run"), ("new", "new", 5, "two glues"), ("new", "known", 11, "11 looks")],
)
def test_what_cannot_be_compared_is_refused(glue: str, reference: str, looks: int, message: str) -> None:
    with pytest.raises(Refused, match=message):
        compare_glues(soaked(1.0), glue, reference, glass=NO_LAG, looks=looks)


def test_glues_that_share_no_bath_are_refused() -> None:
    with pytest.raises(Refused, match="share no bath"):
        compare_glues(soaked(1.0, apart=True), "new", "known", glass=NO_LAG)

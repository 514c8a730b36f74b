from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from linectl.lab.decision import Count, Standing, asked_points, count_stuck, decide
from linectl.lab.kinetics.codes import Code
from linectl.lab.kinetics.data import BathTrace, ReleaseData, ReleaseRecord
from linectl.lab.results import Estimate, PointBound, VerdictWord
from linectl.model.experiments import Decision

ASKED = Decision(removal=0.99, confidence=0.95, soak_s=600.0, temperatures_c=(60.0, 70.0, 80.0), naoh_pct=(1.5,))
NONE = Estimate(None, reason="ALL_CENSORED")


def bottles(*ends: tuple[float, float], temperature_c: float = 80.0, naoh_pct: float = 1.5) -> ReleaseData:
    rows = [
        ReleaseRecord(f"b{k}", "A", "g", lo, hi, naoh_pct, temperature_c, naoh_pct) for k, (lo, hi) in enumerate(ends)
    ]
    return ReleaseData.from_records(rows, {"A": BathTrace.constant(temperature_c, 2000.0)})


def baths(count: int) -> ReleaseData:
    """Two labels that came off in each of `count` baths."""
    rows = [ReleaseRecord(f"b{k}", f"{k % count}", "g", 45.0, 60.0, 1.5, 80.0, 1.5) for k in range(2 * count)]
    return ReleaseData.from_records(rows, {f"{k}": BathTrace.constant(80.0, 2000.0) for k in range(count)})


SOME = baths(8)


def bounds(*by_point: Sequence[tuple[float, float, float] | None], extrapolated: bool = False) -> list[PointBound]:
    """One entry per asked temperature: (lower, value, upper) of lognormal and Weibull, None where there is none."""
    return [
        PointBound(
            temperature_c,
            1.5,
            {
                family: NONE if b is None else Estimate(b[1], b[0], b[2], unit="s", extrapolated=extrapolated)
                for family, b in zip(("lognormal", "weibull"), pair, strict=True)
            },
        )
        for temperature_c, pair in zip(ASKED.temperatures_c, by_point, strict=True)
    ]


FAST, SLOW, OPEN = (100.0, 200.0, 300.0), (700.0, 800.0, 900.0), (400.0, 500.0, 700.0)


def test_a_candidate_passes_at_the_coolest_asked_point_that_passes() -> None:
    verdict = decide(ASKED, bounds((OPEN, FAST), (FAST, (90.0, 210.0, 580.0)), (FAST, FAST)), SOME)
    assert (verdict.word, verdict.reason) == (VerdictWord.CANDIDATE, "passes")
    assert (verdict.temperature_c, verdict.naoh_pct, verdict.bound_s, verdict.soak_s) == (70.0, 1.5, 580.0, 600.0)


def test_an_estimate_that_passes_without_its_bound_means_more_bottles() -> None:
    verdict = decide(ASKED, bounds((OPEN, OPEN), (OPEN, OPEN), (OPEN, OPEN)), SOME)
    assert (verdict.word, verdict.reason) == (VerdictWord.MORE_BOTTLES, "open")
    assert (verdict.temperature_c, verdict.bound_s) == (80.0, 700.0)


def test_one_family_alone_makes_no_candidate() -> None:
    for pair in ((FAST, OPEN), (FAST, None), (FAST, (100.0, 200.0, 600.1))):
        assert decide(ASKED, bounds(pair, pair, pair), SOME).word is VerdictWord.MORE_BOTTLES
    edge = (FAST, (100.0, 200.0, 600.0))
    assert decide(ASKED, bounds(edge, edge, edge), SOME).word is VerdictWord.CANDIDATE


def test_an_extrapolated_bound_decides_nothing() -> None:
    pairs = [(FAST, FAST)] * 3
    assert decide(ASKED, bounds(*pairs, extrapolated=True), SOME).word is VerdictWord.MORE_BOTTLES
    beyond = [(SLOW, SLOW)] * 3
    assert decide(ASKED, bounds(*beyond, extrapolated=True), SOME).word is VerdictWord.MORE_BOTTLES


def test_beyond_the_soak_at_the_hottest_point_in_both_families_is_no_go() -> None:
    verdict = decide(ASKED, bounds((SLOW, SLOW), (SLOW, SLOW), (SLOW, (650.0, 700.0, 800.0))), SOME)
    assert (verdict.word, verdict.reason) == (VerdictWord.NO_GO, "beyond_cap")
    assert (verdict.temperature_c, verdict.bound_s) == (80.0, 650.0)


def test_beyond_the_soak_in_one_family_or_at_a_cooler_point_is_not_no_go() -> None:
    assert decide(ASKED, bounds((SLOW, SLOW), (SLOW, SLOW), (SLOW, OPEN)), SOME).word is VerdictWord.MORE_BOTTLES
    assert decide(ASKED, bounds((SLOW, SLOW), (SLOW, SLOW), (FAST, FAST)), SOME).word is VerdictWord.CANDIDATE


def test_nothing_released_through_the_soak_at_the_hottest_point_is_no_go_without_a_time() -> None:
    nothing = bounds(*[(None, None)] * 3)
    verdict = decide(ASKED, nothing, bottles(*[(900.0, math.inf)] * 12))
    assert (verdict.word, verdict.reason, verdict.bound_s) == (VerdictWord.NO_GO, "nothing_released", None)


def test_nothing_released_in_a_soak_cut_short_or_too_cool_is_no_verdict() -> None:
    nothing = bounds(*[(None, None)] * 3)
    for data in (bottles(*[(120.0, math.inf)] * 12), bottles(*[(900.0, math.inf)] * 12, temperature_c=60.0)):
        verdict = decide(ASKED, nothing, data)
        assert (verdict.word, verdict.reason) == (VerdictWord.MORE_BOTTLES, "not_fitted")


def test_too_few_releases_for_a_fit_are_judged_by_counting() -> None:
    nothing = bounds(*[(None, None)] * 3)
    two_off = [(45.0, 60.0)] * 2
    verdict = decide(ASKED, nothing, bottles(*two_off, *[(900.0, math.inf)] * 10))
    assert (verdict.word, verdict.reason) == (VerdictWord.NO_GO, "beyond_cap")
    verdict = decide(ASKED, nothing, bottles(*[(45.0, 60.0)] * 11, (900.0, math.inf)))
    assert verdict.word is VerdictWord.MORE_BOTTLES


@pytest.mark.parametrize(("bottles_", "stuck"), [(24, 2), (48, 3), (59, 3), (96, 4), (124, 4), (299, 7), (473, 10)])
def test_the_stuck_labels_that_prove_failure(bottles_: int, stuck: int) -> None:
    # the published counts for 99 % removal, one-sided 95 %
    assert Count(bottles_, stuck).proves_failure(0.99, 0.95)
    assert not Count(bottles_, stuck - 1).proves_failure(0.99, 0.95)


def test_the_count_takes_the_asked_cell_only_and_a_release_across_the_end_as_in_time() -> None:
    data = bottles((580.0, 610.0), (540.0, 615.0), (900.0, math.inf), (300.0, math.inf), (30.0, 45.0))
    assert count_stuck(data, 80.0, (1.5,), 600.0) == Count(4, 2)
    assert count_stuck(data, 60.0, (1.5,), 600.0) == Count(0, 0)
    assert count_stuck(data, 80.0, (0.0,), 600.0) == Count(0, 0)
    assert not Count(0, 0).proves_failure(0.99, 0.95)


def test_the_asked_points_are_in_the_order_of_preference() -> None:
    decision = Decision(0.99, 0.95, 600.0, (80.0, 60.0), (1.5, 0.5))
    assert asked_points(decision) == [(60.0, 0.5), (60.0, 1.5), (80.0, 0.5), (80.0, 1.5)]


def test_fewer_than_eight_baths_make_no_candidate_and_say_how_many_bottles() -> None:
    passing = bounds(*[(FAST, FAST)] * 3)
    verdict = decide(ASKED, passing, baths(7))
    assert (verdict.word, verdict.hinders, verdict.bottles_needed) == (VerdictWord.MORE_BOTTLES, (Code.FEW_BATHS,), 2)
    assert decide(ASKED, passing, baths(8)).word is VerdictWord.CANDIDATE


def test_a_plateau_makes_no_candidate_and_counts_against_the_glue() -> None:
    passing, standing = bounds(*[(FAST, FAST)] * 3), Standing(plateau=True)
    verdict = decide(ASKED, passing, SOME, standing)
    assert (verdict.word, verdict.hinders) == (VerdictWord.MORE_BOTTLES, (Code.PLATEAU,))
    none = [PointBound(t, 1.5, {"lognormal": Estimate(None, reason=Code.PLATEAU)}) for t in ASKED.temperatures_c]
    stuck = bottles(*[(45.0, 60.0)] * 22, *[(900.0, math.inf)] * 2)
    assert decide(ASKED, none, stuck, standing).word is VerdictWord.NO_GO
    one = decide(ASKED, none, bottles(*[(45.0, 60.0)] * 23, (900.0, math.inf)), standing)
    assert (one.word, one.reason) == (VerdictWord.MORE_BOTTLES, "plateau")
    assert one.bottles_needed is not None


def test_a_family_that_is_clearly_worse_does_not_hinder() -> None:
    pair = (FAST, OPEN)
    points = bounds(pair, pair, pair)
    assert decide(ASKED, points, SOME, Standing({"lognormal": 100.0, "weibull": 110.0})).word is VerdictWord.CANDIDATE
    near = decide(ASKED, points, SOME, Standing({"lognormal": 100.0, "weibull": 109.9}))
    assert (near.word, near.hinders) == (VerdictWord.MORE_BOTTLES, (Code.FAMILY_UNDECIDED,))
    assert (
        decide(ASKED, points, SOME, Standing({"weibull": 100.0, "lognormal": 111.0})).word is not VerdictWord.CANDIDATE
    )


def test_more_bottles_says_how_many_by_the_room_that_is_left_and_where_the_interval_is_widest() -> None:
    reach = math.exp(0.4)
    wide = (500.0 / reach, 500.0, 500.0 * reach)
    room = math.log(600.0 / 500.0)
    verdict = decide(ASKED, bounds((OPEN, OPEN), (wide, wide), (OPEN, OPEN)), SOME)
    assert (verdict.where_c, verdict.where_naoh_pct) == (70.0, 1.5)
    best = (math.log(700.0 / 500.0) / room) ** 2
    assert verdict.bottles_needed == 2 * math.ceil(16 * (best - 1) / 2)


def test_no_number_of_bottles_makes_up_for_a_calibration() -> None:
    terms = {"sampling": 0.1, "temperature_calibration": 0.2}
    estimate = Estimate(500.0, 400.0, 500.0 * math.exp(math.hypot(0.1, 0.2)), unit="s", terms=terms)
    points = [PointBound(80.0, 1.5, {"lognormal": estimate, "weibull": estimate})]
    verdict = decide(ASKED, points, SOME)
    assert (verdict.word, verdict.bottles_needed) == (VerdictWord.MORE_BOTTLES, None)

from __future__ import annotations

from math import exp, inf

import numpy as np
import pytest
from scipy import stats

from benchmarks.bottles_speed import BOTTLES, release_a_shift
from linectl.sim.glue.labels import GLUES, GlueClass, new_label
from linectl.sim.glue.release import BLOCK, draw_bottles, limits, release_times

PSA = GLUES[GlueClass.PSA]


def test_draws_belong_to_seed_lot_and_number_alone() -> None:
    first, again = draw_bottles(3, "a/0", 1), draw_bottles(3, "a/0", 1)
    assert np.array_equal(first.resistance, again.resistance)
    others = [draw_bottles(3, "a/0", 2), draw_bottles(3, "b/0", 1), draw_bottles(4, "a/0", 1)]
    for other in others:
        assert abs(np.corrcoef(first.resistance, other.resistance)[0, 1]) < 0.15
    part = first.part(BLOCK - 4, 10)
    assert part.resistance.size == 4
    assert np.array_equal(part.camera, first.camera[-4:])


def test_chances_are_what_they_say() -> None:
    blocks = [draw_bottles(1, "ks/0", block) for block in range(100)]
    for name in ("resistance", "inlet"):
        assert stats.kstest(np.concatenate([getattr(b, name) for b in blocks]), "norm").pvalue > 0.001
    for name in ("never", "mode", "strength", "camera"):
        assert stats.kstest(np.concatenate([getattr(b, name) for b in blocks]), "uniform").pvalue > 0.001


def test_limits_are_those_of_the_bath_s_labels() -> None:
    bulk = limits(PSA, draw_bottles(1, "a/0", 0))
    one_by_one = np.array([new_label(1, k, int(GlueClass.PSA)).limit for k in range(1, 2001)])
    assert stats.ks_2samp(bulk[np.isfinite(bulk)], one_by_one[np.isfinite(one_by_one)]).pvalue > 0.001


def test_a_label_comes_off_when_its_dose_is_reached() -> None:
    time_s, dose = np.array([10.0, 20.0, 30.0]), np.array([1.0, 1.5, 4.0])
    times = release_times(np.array([0.9, 1.0, 1.25, 4.0, 4.1, inf]), time_s, dose)
    assert times.tolist() == [-inf, 10.0, 15.0, 30.0, inf, inf]


def test_a_shift_of_bottles_takes_a_moment() -> None:
    released, took_s = release_a_shift(1)
    assert released.size == BOTTLES == 96_000
    assert np.isfinite(released).mean() == pytest.approx(1.0 - PSA.p_never, abs=0.002)
    assert took_s < 10.0  # ten times what is promised
    median = float(np.median(released))
    assert float(np.quantile(released[np.isfinite(released)], 0.975)) / median < exp(PSA.sigma * 2.2)

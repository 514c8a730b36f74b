"""The count of rejects in a lot: sums to one, knows the camera, and grows with the share of labels on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import betabinom, binom

from linectl.lab.confirmation.clusters import BathSpread
from linectl.lab.monitoring.counts import Expected, chances, log_chances
from linectl.model.washing import Inspector
from tests.lab.monitoring.worlds import CAMERA, ONE_IN_100, SPREAD

COUNTS = np.arange(301.0)


def test_without_spread_and_errors_it_is_a_binomial() -> None:
    plain = Expected(0.02, BathSpread(0.35, 0.0, 1), Inspector())
    assert chances(300, 0.02, plain) == pytest.approx(binom.pmf(COUNTS, 300, 0.02), rel=1e-9)


@pytest.mark.parametrize("stuck", [0.001, 0.01, 0.2])
def test_chances_sum_to_one_and_have_the_mean_that_the_camera_makes_of_it(stuck: float) -> None:
    found = chances(300, stuck, ONE_IN_100)
    assert found.sum() == pytest.approx(1.0, abs=1e-9)
    assert np.exp(log_chances(7, 300, stuck, ONE_IN_100)) == pytest.approx(found[7], rel=1e-9)
    rejected = stuck * 0.995 + (1 - stuck) * 0.003
    assert float(found @ COUNTS) / 300 == pytest.approx(rejected, rel=1e-6)
    assert ONE_IN_100.stuck_of(ONE_IN_100.rejected(stuck)) == pytest.approx(stuck)


def test_lots_that_differ_spread_the_count_as_a_beta_binomial_of_their_correlation_does() -> None:
    clean = replace(ONE_IN_100, inspector=Inspector())
    found = chances(300, 0.01, clean)
    variance = float(found @ (COUNTS - 3.0) ** 2)
    both = 1.0 / SPREAD.correlation(0.01) - 1.0
    assert variance == pytest.approx(betabinom(300, 0.01 * both, 0.99 * both).var(), rel=1e-6)
    assert variance > 20 * binom(300, 0.01).var()


@pytest.mark.parametrize("bath_sd", [0.0, 0.1, 0.3, 0.8])
@pytest.mark.parametrize("inspector", [Inspector(), CAMERA, Inspector(0.2, 0.05)])
def test_more_rejects_always_speak_for_a_larger_share(bath_sd: float, inspector: Inspector) -> None:
    expected = Expected(0.01, BathSpread(0.35, bath_sd, 1), inspector)
    for less, more in ((0.002, 0.01), (0.01, 0.05), (0.05, 0.5)):
        ratio = [log_chances(x, 300, more, expected) - log_chances(x, 300, less, expected) for x in range(301)]
        assert (np.diff(ratio) > -1e-9).all()


def test_the_nearest_glue_that_keeps_its_promise_has_lots_alike_or_not() -> None:
    sds = [kept.spread.bath_sd for kept in ONE_IN_100.kept_by()]
    assert (sds[0], sds[-1], len(sds)) == (0.3, 0.0, 5)
    assert {kept.stuck for kept in ONE_IN_100.kept_by()} == {0.01}
    assert len(replace(ONE_IN_100, spread=replace(SPREAD, bath_sd=0.0)).kept_by()) == 1


def test_a_go_leaves_room_for_what_neither_the_bath_nor_the_edge_ruled_out() -> None:
    assert Expected.of(0.99, None, SPREAD).stuck == pytest.approx(0.01)
    assert Expected.of(0.99, 0.97, SPREAD).stuck == pytest.approx(1 - 0.99 * 0.97)
    assert Expected.of(0.99, 0.97, SPREAD, CAMERA).inspector == CAMERA

"""How far a fit is from its bottles: found where it is wrong, not where it is right."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np
import pytest

from linectl.lab.kinetics.data import BathTrace, ReleaseData, ReleaseRecord
from linectl.lab.kinetics.fit import ReleaseFit, fit_release
from linectl.lab.kinetics.formula import Formula
from linectl.lab.kinetics.goodness import Goodness, gof, unexplained_stuck
from linectl.lab.kinetics.redraw import Redraw, check_times
from linectl.lab.kinetics.trace import NO_LAG
from linectl.model.experiments import Glass

GLASS = Glass(tau_glass_s=15.0, bottle_in_c=20.0)
Screening = Callable[[int], ReleaseData]


class Soaked(Protocol):
    def soaked(self, seed: int) -> ReleaseData: ...


World = Callable[..., Soaked]


def fitted(data: ReleaseData, formula: Formula | None = None, glass: Glass = NO_LAG) -> ReleaseFit:
    fit = fit_release(data, "lognormal", glass=glass, formula=formula or Formula())
    assert isinstance(fit, ReleaseFit), fit
    return fit


def judged(data: ReleaseData, formula: Formula | None = None, glass: Glass = NO_LAG) -> Goodness:
    return gof(fitted(data, formula, glass), data, replicates=39, seed=1)


def test_a_right_fit_is_let_be_and_a_bent_line_found(world: World) -> None:
    right, bent = world().soaked(2), world(curvature=4000.0).soaked(2)
    good, bad = judged(right), judged(bent)
    assert good.p is not None
    assert bad.p is not None
    assert good.p > 0.1
    assert bad.p == pytest.approx(1 / 40)
    assert bad.distance > 2 * good.distance
    assert good.failed == 0
    mended = judged(bent, Formula(curvature=True))
    assert mended.p is not None
    assert mended.p > 0.05


def test_stuck_labels_are_found_and_with_their_share_explained(world: World) -> None:
    data = world(stuck=0.08, bottles=16).soaked(3)
    plain, cured = judged(data), judged(data, Formula(cure=True))
    assert plain.p is not None
    assert cured.p is not None
    assert plain.p < 0.05 < cured.p
    assert unexplained_stuck(fitted(data, Formula(cure=True))) == 0


def test_the_same_seed_gives_the_same_chances(world: World) -> None:
    data = world(bottles=8, baths_each=1).soaked(1)
    fit = fitted(data)
    first, again, other = (gof(fit, data, replicates=20, seed=seed) for seed in (1, 1, 2))
    assert first.cells == again.cells
    assert first.cells != other.cells
    assert [cell.distance for cell in first.cells] == [cell.distance for cell in other.cells]


def test_every_cell_is_told_and_the_points_are_shares(screening: Screening) -> None:
    data = screening(1).of_glue("pvoh")
    found = gof(fitted(data, glass=GLASS), data, replicates=5)
    assert [(cell.temperature_c, cell.naoh_pct) for cell in found.cells] == list(data.cells)
    assert sum(cell.n_bottles for cell in found.cells) == len(data)
    assert found.distance == max(cell.distance for cell in found.cells)
    for shares in (found.pp.model_from, found.pp.model_to, found.pp.share_before, found.pp.share_after):
        assert ((shares >= 0) & (shares <= 1 + 1e-12)).all()
    assert (found.pp.model_from <= found.pp.model_to).all()
    assert np.abs(found.pp.share_after - found.pp.model_to).max() < 0.15


def test_residuals_are_unit_exponential_under_the_fit(world: World) -> None:
    found = judged(world(exact=True, bottles=40).soaked(4))
    np.testing.assert_array_equal(found.residual_lo, found.residual_hi)
    assert found.residual_lo.mean() == pytest.approx(1.0, abs=0.05)
    assert np.mean(found.residual_lo > math.log(2)) == pytest.approx(0.5, abs=0.06)
    seen = judged(world(stuck=0.1, bottles=8).soaked(4), Formula(cure=True))
    assert (seen.residual_lo <= seen.residual_hi).all()
    assert np.isinf(seen.residual_hi).any()


def test_drawn_again_the_bottles_are_those_of_the_fit(world: World) -> None:
    data = world(naoh_pct=(0.5, 1.5), energies=(60.0, 70.0)).soaked(5)
    fit = fitted(data, Formula(glue=True, glue_energy=True))
    redraw, rng = Redraw(fit, data), np.random.default_rng(1)
    values = []
    for _ in range(30):
        seen = redraw.draw(rng)
        assert seen.model.weights.sum() == len(data)
        here = seen.model.evaluate(fit.theta)
        values.append(here.score @ np.linalg.solve(-here.hessian, here.score))
    # the score test of the truth is chi-squared with as many degrees of freedom as parameters
    assert np.mean(values) == pytest.approx(fit.theta.size, abs=2.5)


def _row(lo_s: float, hi_s: float, at: float = 0.0) -> ReleaseRecord:
    return ReleaseRecord("b", "A", "g", lo_s, hi_s, 1.5, 60.0, 1.5, at)


def test_checks_are_told_by_the_intervals_and_between_them_supposed() -> None:
    traces = {"A": BathTrace.constant(60.0, 900.0), "B": BathTrace.constant(60.0, 900.0)}
    rows = [_row(0.0, 20.0), _row(17.0, 37.0, 3.0), _row(60.0, 80.0), replace(_row(140.0, math.inf), bath="B")]
    found = check_times(ReleaseData.from_records(rows, traces))
    assert found["A"] == pytest.approx((20.0, 40.0, 60.0, 80.0, 100.0, 120.0, 140.0))
    assert found["B"][-1] == 140.0


def test_other_bottles_than_the_fits_are_refused(world: World) -> None:
    fit = fitted(world().soaked(1))
    with pytest.raises(ValueError, match="the fit is of 360"):
        gof(fit, world(bottles=8).soaked(1))

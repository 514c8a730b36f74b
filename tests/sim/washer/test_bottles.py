from __future__ import annotations

from math import inf

import numpy as np
import pytest

from benchmarks.study_line import params_of, pass_lot, recipes, state_of, washer
from linectl.errors import ConfigError
from linectl.sim.glue.lots import Lot, Paper, own_glue
from linectl.sim.washer.bottles import Fate, Mode, breakage, residue_pct
from linectl.sim.washer.chain import Chain
from linectl.sim.washer.inspector import Inspector

RECIPE = recipes()["reference_80c"]
PARAMS = params_of(washer(), RECIPE)
STATE = state_of(RECIPE)
STUCK = own_glue("stuck", t60_s=100.0, ea_kj_mol=40.0, caustic_order=0.3, sigma=0.3, p_never=1.0)


def test_breakage_goes_with_the_jump_and_cooling_is_worse() -> None:
    assert breakage(35.0) == pytest.approx(1e-4, rel=1e-3)
    assert breakage(-30.0) == pytest.approx(1e-4, rel=1e-3)
    assert breakage(42.0, used=False) == breakage(-42.0, used=False) == pytest.approx(1e-4, rel=1e-3)
    assert breakage(20.0) < 1e-6
    assert 0.005 < breakage(55.0) < 0.02
    steps = [breakage(float(k)) for k in range(100)]
    assert steps == sorted(steps)
    assert breakage(-45.0) > breakage(45.0) > breakage(45.0, used=False)


@pytest.mark.parametrize(("inlet_c", "z0_c"), [(-15.0, 55.0), (0.0, 55.0)])
def test_cold_bottles_break_as_often_as_the_law_says(inlet_c: float, z0_c: float) -> None:
    hot = STATE._replace(temperature_c=(z0_c, *STATE.temperature_c[1:]))
    chain = pass_lot(PARAMS, hot, Lot("a", 6000, inlet_c=inlet_c), seed=2)
    expected = 6000 * breakage(z0_c - inlet_c)
    assert chain.counts.broken == pytest.approx(expected, abs=4.0 * expected**0.5)
    assert chain.counts.broken > 20
    broken = [b for b in chain.passed() if b.fate is Fate.BROKEN]
    assert {b.broke_in for b in broken} == {0}
    assert all(b.worst_step_k == pytest.approx(z0_c - inlet_c) for b in broken)
    tally = chain.tallies["a"]
    assert tally.judged == 6000 - tally.broken
    calm = pass_lot(PARAMS, STATE, Lot("a", 3000), seed=2)
    assert calm.counts.broken <= 2  # the control


def test_a_bottle_s_own_temperature_decides_its_shock() -> None:
    chain = pass_lot(PARAMS, STATE, Lot("a", 200, inlet_c=0.0, inlet_spread_k=8.0), seed=3)
    steps_k = np.array([b.worst_step_k for b in chain.passed()])
    assert steps_k.max() - steps_k.min() > 10.0
    cold = steps_k > 25.0
    assert 0.0 < cold.mean() < 1.0


def test_residue_washes_off_with_its_time_constant() -> None:
    left = residue_pct(np.array([0.0, 60.0, 120.0, inf]), 120.0, 4.0, 60.0)
    assert left.tolist() == pytest.approx([4.0 * np.exp(-2), 4.0 * np.exp(-1), 4.0, 100.0])


def test_the_inspector_errs_as_often_as_stated() -> None:
    inspector = Inspector(limit_pct=1.0, false_accept=0.1, false_reject=0.05)
    dirty = Chain(PARAMS, 5, inspector=inspector)
    dirty.feed(Lot("dirty", 3000, "stuck", own=STUCK))
    dirty.feed(Lot("clean", 3000, "casein"))
    for k in range(1, 140):
        dirty.advance(k * 50.0, k * 60.0, STATE, True, 60.0)
    bad, good = dirty.tallies["dirty"], dirty.tallies["clean"]
    assert bad.released == 0
    assert bad.out == bad.false_accepts == pytest.approx(300, abs=60)
    assert bad.rejected == 3000 - bad.out - bad.broken
    assert good.false_accepts <= 3
    assert good.false_rejects == pytest.approx(150, abs=45)
    assert good.rejected - good.false_rejects <= 20
    thrown = [b for b in dirty.passed() if b.fate is Fate.REJECTED]
    assert all(b.residue_pct <= 1.0 or b.mode is Mode.ON or b.released for b in thrown)


@pytest.mark.parametrize("figure", ["limit_pct", "false_accept", "false_reject"])
def test_an_inspector_that_cannot_be_is_refused(figure: str) -> None:
    with pytest.raises(ConfigError, match=f"inspector: {figure}"):
        Inspector(**{figure: -0.1})
    with pytest.raises(ConfigError):
        Inspector(**{figure: 101.0})


WHOLE = {Paper.HIGH_WET_STRENGTH: (0.65, 0.95), Paper.MEDIUM_WET_STRENGTH: (0.1, 0.6)}


@pytest.mark.parametrize("paper", WHOLE)
def test_paper_decides_how_labels_come_off(paper: Paper) -> None:
    least, most = WHOLE[paper]
    chain = pass_lot(PARAMS, STATE, Lot("a", 1000, "casein", paper=paper), seed=1)
    off = [b for b in chain.passed() if b.released]
    whole = sum(b.mode is Mode.WHOLE for b in off) / len(off)
    assert least < whole < most
    assert {b.released_in for b in off} <= {1, 2, 3}
    assert all(b.mode is Mode.ON for b in chain.passed() if not b.released)

from __future__ import annotations

from math import exp, inf, sin

import numpy as np
import pytest
from scipy import stats

from benchmarks.study_line import params_of, pass_lot, recipes, shown, state_of, washer
from linectl.lab.transfer.passage import cleanliness, entry_temperatures, glass_check
from linectl.laws.hygiene import Sample, meter
from linectl.model.washing import Corner, pocket_way
from linectl.sim.glue.labels import GLUES, Glue, GlueClass, LabelState, soak, t50_s
from linectl.sim.glue.lots import Lot, own_glue
from linectl.sim.glue.release import Draws, draw_bottles, limits
from linectl.sim.washer.history import FULL_PUMPS, History
from linectl.sim.washer.passage import Group, Row
from linectl.sim.washer.state import Eight, WasherState

RECIPE = recipes()["reference_80c"]
WASHER = washer()
PARAMS = params_of(WASHER, RECIPE)
STATE = state_of(RECIPE)


def group(glue: Glue, draws: Draws, lot: Lot | None = None) -> Group:
    count = draws.resistance.size
    lot = lot if lot is not None else Lot("a", count)
    return Group(lot, glue, 1, draws, np.zeros(count), limits(glue, draws), np.full(count, inf))


def many(count: int, seed: int) -> Draws:
    blocks = [draw_bottles(seed, "ks/0", k) for k in range(-(-count // 1024))]
    parts = (np.concatenate([getattr(b, name) for b in blocks])[:count] for name in Draws.__dataclass_fields__)
    return Draws(*parts)


def soaked(glue: Glue, count: int, seed: int, *, temperature_c: float = 80.0) -> Group:
    """Return `count` bottles that stood in Z3 at constant conditions until nearly all that can were off."""
    history = History(PARAMS)
    temperatures: Eight = (20.0, 20.0, 20.0, temperature_c, 20.0, 20.0, 20.0, 20.0)
    state = STATE._replace(temperature_c=temperatures)
    end_s = 40.0 * t50_s(glue, temperature_c, 1.5, 3.0)
    history.record(0.0, end_s, state, FULL_PUMPS)
    bottles = group(glue, many(count, seed))
    Row(0, [-3.0, -2.0, -1.0, 0.0], [bottles], temperature_c, 0.0).follow(history, end_s)
    return bottles


@pytest.mark.parametrize("code", [GlueClass.CASEIN, GlueClass.PVOH, GlueClass.PSA])
def test_release_times_follow_the_law_they_are_drawn_from(code: GlueClass) -> None:
    glue, count = GLUES[code], 100_000
    bottles = soaked(glue, count, seed=20260101)
    off = np.isfinite(bottles.released_s)
    never = count - int(np.count_nonzero(off))
    assert stats.binomtest(never, count, glue.p_never).pvalue > 0.001
    median_s = t50_s(glue, 80.0, 1.5, 3.0)
    law = stats.lognorm(s=glue.sigma, scale=median_s)
    assert stats.kstest(bottles.released_s[off], law.cdf).pvalue > 0.001
    wrong = stats.lognorm(s=1.03 * glue.sigma, scale=median_s)  # the control: a spread 3 % off is found out
    assert stats.kstest(bottles.released_s[off], wrong.cdf).pvalue < 0.001


def varying(second: int) -> WasherState:
    """Return a washer whose baths swing, whose caustic thins and whose hot zone fails for a while."""
    temperatures = list(STATE.temperature_c)
    temperatures[2] += 3.0 * sin(second / 40.0)
    temperatures[3] += 2.0 * sin(second / 90.0) - (25.0 if 400 <= second < 460 else 0.0)
    naoh = [kg * (1.0 - second / 4000.0) for kg in STATE.naoh_kg]
    a, b, c, d, e, f, g, h = temperatures
    p, q, r, s, t, u, v, w = naoh
    return STATE._replace(temperature_c=(a, b, c, d, e, f, g, h), naoh_kg=(p, q, r, s, t, u, v, w))


@pytest.mark.parametrize("name", ["casein", "psa"])
def test_a_varying_history_gives_what_brute_force_gives(name: str) -> None:
    lot = Lot("a", 200, name, age=1.2, coverage=0.8)
    history, end_s = History(PARAMS), 900
    states = [varying(second) for second in range(end_s)]
    for second, state in enumerate(states):
        history.record(float(second), second + 1.0, state, FULL_PUMPS)
    entered_s = [3.4, 33.4, 123.4, 303.4]
    bottles = group(lot.law, many(200, 5), lot)
    row = Row(0, entered_s[:3], [bottles], 15.0, entered_s[0])
    row.follow(history, 260.0)  # in two goes, as when the chain stands for long
    row.entered_s.append(entered_s[3])
    row.follow(history, 899.5)
    expected = _brute(lot, bottles.limit, entered_s, states, 899.5)
    both = np.isfinite(expected)
    assert np.array_equal(both, np.isfinite(bottles.released_s))
    assert np.count_nonzero(both) > 100
    apart_s = np.abs(expected[both] - bottles.released_s[both])
    assert np.quantile(apart_s, 0.95) < 0.3
    assert apart_s.max() < 2.0  # in the dip, where a whole second is worth a hundredth of one
    assert row.glass_c == pytest.approx(varying(899).temperature_c[3], abs=0.5)


def test_a_way_in_many_goes_is_the_way_in_one() -> None:
    history, end_s = History(PARAMS), 600.0
    for second in range(int(end_s)):
        history.record(float(second), second + 1.0, STATE, FULL_PUMPS)
    entered_s = [0.0, 30.0, 120.0, 300.0]
    lot = Lot("a", 50)
    rows = [Row(0, list(entered_s), [group(lot.law, many(50, 5), lot)], 15.0, 0.0) for _ in range(2)]
    rows[0].follow(history, end_s)
    for at_s in (10.0, 40.0, 200.0, end_s):
        rows[1].entered_s[:] = [begin_s for begin_s in entered_s if begin_s <= at_s]
        rows[1].follow(history, at_s)
    one, other = rows
    assert other.jumps.zone.tolist() == one.jumps.zone.tolist() == [0, 1, 2, 3]
    assert other.jumps.step_k == pytest.approx(one.jumps.step_k, abs=1e-6)
    assert other.jumps.kept == pytest.approx(one.jumps.kept, abs=1e-9)
    assert one.jumps.kept.tolist() == pytest.approx([exp(-at_s / 15.0) for at_s in entered_s])
    assert other.glass_c == pytest.approx(one.glass_c)
    assert other.hygiene.f_min == pytest.approx(one.hygiene.f_min, rel=5e-3)
    assert other.groups[0].dose == pytest.approx(one.groups[0].dose, rel=5e-3)


def _brute(lot: Lot, limit: np.ndarray, entered_s: list[float], states: list[WasherState], end_s: float) -> np.ndarray:
    """Return release times by the bath's own step of a twentieth of a second."""
    dt_s, code = 0.05, int(lot.law.code or 0)
    off_s, glass_c, dose = np.full(limit.size, inf), 15.0, 0.0
    for k in range(round((end_s - entered_s[0]) / dt_s)):
        now_s = entered_s[0] + k * dt_s
        zone = sum(at_s <= now_s + 1e-9 for at_s in entered_s) - 1
        state = states[int(now_s + 1e-9)]
        liquid = state.water_kg[zone] + state.naoh_kg[zone]
        label = LabelState(code, 1, inf, glass_c)
        (after,), _ = soak(
            [label],
            state.temperature_c[zone],
            100.0 * state.naoh_kg[zone] / liquid,
            dt_s,
            mech=PARAMS.zones[zone].mech,
        )
        assert after is not None
        glass_c, dose = after.glass_c, dose + after.dose * lot.quickness
        off_s = np.where((off_s == inf) & (limit <= dose), now_s + dt_s, off_s)
    return off_s


def test_a_bottle_s_way_is_the_one_that_the_forecast_computes() -> None:
    """Two codes that know nothing of each other agree on temperatures, hygiene and shocks."""
    chain = pass_lot(PARAMS, STATE, Lot("a", 10, inlet_c=15.0), seed=1)
    bottle = chain.passed()[-1]
    stays = pocket_way(WASHER, RECIPE)
    told = cleanliness(WASHER, RECIPE, Corner.NOMINAL).bottle
    assert bottle.f_min == pytest.approx(told.f_min, rel=2e-3)
    assert bottle.a0_s == pytest.approx(told.a0_s, rel=2e-3)
    assert bottle.glass_out_c == pytest.approx(entry_temperatures(stays, 15.0)[-1], abs=1e-6)
    check = glass_check(WASHER, RECIPE, 15.0)
    assert bottle.worst_step_k == pytest.approx(max((s.step_k for _, s in check.steps), key=abs), abs=1e-6)


def test_hygiene_is_that_of_the_law() -> None:
    history = History(PARAMS)
    history.record(0.0, 300.0, STATE, FULL_PUMPS)
    row = Row(0, [-3.0, -2.0, -1.0, 0.0], [group(GLUES[1], many(1, 1))], 80.0, 0.0)
    row.follow(history, 300.0)
    law = meter([Sample(300.0, 80.0, 1.5)])
    assert row.hygiene.f_min == pytest.approx(law.f_min, rel=1e-9)
    assert row.hygiene.coli_min == pytest.approx(law.coli_min, rel=1e-9)
    assert row.hygiene.a0_s == pytest.approx(300.0, rel=1e-9)


def test_plain_water_kills_nothing_and_a_closed_glue_waits() -> None:
    history = History(PARAMS)
    history.record(0.0, 3000.0, STATE._replace(naoh_kg=(0.0,) * 8, temperature_c=(44.0,) * 8), FULL_PUMPS)
    glue = own_glue("x", t60_s=60.0, ea_kj_mol=40.0, caustic_order=0.1, sigma=0.1, p_never=0.0, opens_at_c=45.0)
    closed = group(glue, many(5, 1))
    row = Row(0, [0.0], [closed], 44.0, 0.0)
    row.follow(history, 3000.0)
    assert row.hygiene.f_min < 1e-9
    assert closed.dose == 0.0


def test_the_history_refuses_what_it_does_not_hold() -> None:
    history = History(PARAMS)
    for second in range(10):
        history.record(float(second), second + 1.0, warmed(second), FULL_PUMPS)
    history.forget(5.0)
    assert len(history) == 5
    for at_s in ([4.0, 8.0], [6.0, 11.0]):
        with pytest.raises(IndexError, match="the history does not hold"):
            history.stretch(0, at_s)
    assert history.stretch(0, [5.0, 8.0]).dt_s.sum() == pytest.approx(3.0)


def warmed(second: int) -> WasherState:
    return STATE._replace(temperature_c=(40.0 + second,) * 8)


def anew(kg: Eight) -> Eight:
    a, b, c, d, e, f, g, h = kg
    return a, b, c, d, e, f, g, h


def test_what_stays_as_it_was_is_kept_once() -> None:
    """A tank's balance lasts for seconds: the way through a few long steps is that through many short ones."""
    short, long = History(PARAMS), History(PARAMS)
    states, slow = [warmed(k) for k in range(4)], (0.5,) * 8
    for second in range(80):
        state, pump = states[second // 20], FULL_PUMPS if second < 30 else slow
        long.record(float(second), second + 1.0, state, pump)
        short.record(float(second), second + 1.0, state._replace(naoh_kg=anew(state.naoh_kg)), pump)
    assert (len(long), len(short)) == (5, 80)
    few, many_steps = long.stretch(0, [2.0, 33.0, 79.0]), short.stretch(0, [2.0, 33.0, 79.0])
    for figures in ("edge_s", "temperature_c", "naoh_pct", "log_mech"):
        assert np.array_equal(getattr(few, figures), getattr(many_steps, figures)), figures
    assert len(set(few.temperature_c)) == 4


def test_old_and_varnished_labels_come_off_as_the_law_has_it() -> None:
    """Doses of one way are as their quickness: the share off follows by the law's own distribution."""
    new, aged = (shown("psa", "cooler", 4000, 3, aged=old) for old in (False, True))
    sigma = GLUES[GlueClass.PSA].sigma
    shift = stats.norm.ppf(new.share()) - stats.norm.ppf(aged.share())
    assert shift * sigma == pytest.approx(-np.log(0.5 / 1.3), abs=0.08)
    assert exp(shift) > 1.0

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from math import inf, isfinite

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.bottles_speed import chain_second_us
from benchmarks.study_line import params_of, pass_lot, recipes, state_of, washer
from linectl.sim.glue.labels import GLUES, GlueClass
from linectl.sim.glue.lots import CLAVELIN_62CL, Lot
from linectl.sim.washer.bottles import Fate
from linectl.sim.washer.chain import KEPT, Chain
from linectl.sim.washer.machine import reference_machine
from linectl.sim.washer.state import Eight, WasherState

RECIPE = recipes()["reference_80c"]
PARAMS = params_of(washer(), RECIPE)
STATE = state_of(RECIPE)
RATED = PARAMS.rated_b_h / 3600.0  # pockets per s


def balanced(chain: Chain) -> bool:
    counts = chain.counts
    inside = int(sum(chain.occupancy()))
    tallied = [sum(getattr(t, name) for t in chain.tallies.values()) for name in ("fed", "out", "rejected", "broken")]
    return (
        counts.fed == inside + counts.out + counts.rejected + counts.broken
        and counts.inside == inside == sum(row.bottles for row in chain.inside())
        and tallied == [counts.fed, counts.out, counts.rejected, counts.broken]
    )


def run(chain: Chain, until_s: int, *, state: WasherState = STATE, step_s: float = 1.0, speed: float = 1.0) -> None:
    steps = round((until_s - max(chain.process_s, 0.0)) / step_s)
    start_s, pockets = max(chain.process_s, 0.0), chain.pockets
    for k in range(1, steps + 1):
        chain.advance(pockets + k * step_s * RATED * speed, start_s + k * step_s, state, True, step_s)


def test_the_reference_machine_is_the_washer_of_the_configuration() -> None:
    mine = [(z.name, z.kind, z.dwell_s, z.mech, z.tau_glass_s) for z in reference_machine().zones]
    assert mine == [(z.name, z.kind, z.dwell_s, z.mech, z.tau_glass_s) for z in PARAMS.zones]


def test_dwells_at_the_rated_speed_are_the_recipe_s() -> None:
    chain = pass_lot(PARAMS, STATE, Lot("a", 30), seed=1)
    for bottle in chain.passed():
        times_s = [*bottle.entered_s, bottle.left_s]
        dwells_s = [b - a for a, b in pairwise(times_s)]
        assert dwells_s == pytest.approx([phase.dwell_s for phase in RECIPE.phases], abs=1e-6)


def test_a_slower_chain_soaks_longer() -> None:
    chain = Chain(PARAMS, 1)
    chain.feed(Lot("a", 10))
    run(chain, 1500, speed=0.5)
    last = chain.passed()[-1]
    assert last.left_s - last.entered_s[0] == pytest.approx(2 * RECIPE.cycle_s, abs=1e-6)


def test_three_thousand_an_hour_pass_in_the_order_of_their_pockets() -> None:
    chain = Chain(PARAMS, 1)
    chain.feed(Lot("a", 5000, "psa"))
    run(chain, 3600, step_s=5.0)
    assert chain.counts.fed == pytest.approx(3000, abs=PARAMS.row_bottles)
    assert chain.counts.inside == pytest.approx(604, abs=PARAMS.row_bottles)
    assert balanced(chain)
    passed = chain.passed()
    assert len(passed) == KEPT
    pockets = [bottle.pocket for bottle in passed]
    assert pockets == list(range(pockets[0], pockets[0] + KEPT))
    assert [b.number for b in passed] == [pocket + 1 for pocket in pockets]
    tally = chain.tallies["a"]
    kept = [b for b in passed if b.fate is not Fate.BROKEN]
    assert tally.released_share == pytest.approx(sum(b.released for b in kept) / len(kept), abs=0.02)


@pytest.mark.parametrize("step_s", [0.3, 7.0, 60.0])
def test_long_and_short_steps_show_the_same(step_s: float) -> None:
    lot = Lot("a", 300, "psa", inlet_spread_k=3.0)
    fine, coarse = (pass_lot(PARAMS, STATE, lot, seed=4, step_s=step) for step in (1.0, step_s))
    assert fine.counts == coarse.counts
    for one, other in zip(fine.passed(), coarse.passed(), strict=True):
        assert one.entered_s == pytest.approx(other.entered_s, abs=1e-6)
        assert (one.pocket, one.number, one.fate, one.mode) == (other.pocket, other.number, other.fate, other.mode)
        assert isfinite(one.release_s) == isfinite(other.release_s)
        if isfinite(one.release_s):
            assert one.release_s == pytest.approx(other.release_s, abs=1e-4)
        assert one.f_min == pytest.approx(other.f_min, rel=1e-6)


RUNS = st.lists(
    st.tuples(
        st.integers(1, 400),  # steps
        st.sampled_from([0.0, 0.3, 1.0, 1.17]),  # of the rated speed
        st.booleans(),
        st.sampled_from([0.5, 1.0, 4.0]),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=25, deadline=None)
@given(RUNS, st.lists(st.integers(1, 900), min_size=1, max_size=4), st.integers(0, 99))
def test_no_bottle_is_lost_or_made_whatever_the_chain_does(
    runs: list[tuple[int, float, bool, float]], counts: list[int], seed: int
) -> None:
    chain, pockets, now_s = Chain(PARAMS, seed), 0.0, 0.0
    for k, count in enumerate(counts):
        chain.feed(Lot(f"lot {k}", count, ("casein", "psa")[k % 2], inlet_c=-10.0, inlet_spread_k=5.0))
    for steps, speed, feeding, step_s in runs:
        for _ in range(steps):
            pockets, now_s = pockets + speed * RATED * step_s, now_s + step_s
            before = chain.counts.fed
            chain.advance(pockets, now_s, STATE, feeding, step_s)
            assert chain.fed == chain.counts.fed - before
            assert feeding or not chain.fed
        assert balanced(chain)
    assert chain.counts.fed + chain.waiting_bottles == sum(counts)
    order = [row.pocket for row in chain.inside()]
    assert order == sorted(order)
    for row in chain.inside():
        assert row.entered_s == sorted(row.entered_s)
        assert len(row.entered_s) == 1 + max(k for k in range(8) if _begins(k) <= pockets - row.pocket + 1e-9)


def _begins(zone: int) -> float:
    return sum(z.dwell_s for z in PARAMS.zones[:zone]) * RATED


def test_rows_carry_several_lots_and_a_lot_may_come_twice() -> None:
    chain = Chain(PARAMS, 1)
    for lot in (Lot("a", 13, "casein"), Lot("b", 4, "psa", model=CLAVELIN_62CL), Lot("a", 13, "casein")):
        chain.feed(lot)
    run(chain, 60)
    assert [[g.lot.name for g in row.groups] for row in chain.inside()] == [["a"], ["a", "b", "a"], ["a"]]
    assert chain.bottle_kj_k == pytest.approx((26 * 0.4704 + 4 * 0.4368) / 30)
    run(chain, 1000)
    assert chain.counts.inside == 0
    assert chain.bottle_kj_k == PARAMS.bottle_kj_k
    assert chain.tallies["a"].fed == 26
    first, second = ([b.release_s - b.entered_s[0] for b in chain.passed() if b.lot == "a"][k::13][:2] for k in (0, 1))
    assert first[0] != pytest.approx(first[1], abs=1e-3)  # the second time these are other bottles
    assert len(second) == 2


def test_chance_belongs_to_the_bottle_not_to_what_ran_before() -> None:
    alone, after = Chain(PARAMS, 9), Chain(PARAMS, 9)
    after.feed(Lot("before", 50))
    for chain in (alone, after):
        chain.feed(Lot("a", 50, "psa"))
        run(chain, 1500, step_s=5.0)
    shown = [[b.release_s - b.entered_s[0] for b in c.passed() if b.lot == "a"] for c in (alone, after)]
    assert shown[0] == pytest.approx(shown[1], abs=1e-4)


def test_a_step_that_goes_back_is_refused() -> None:
    chain = Chain(PARAMS, 1)
    chain.advance(10.0, 10.0, STATE, False)
    for pockets, at_s in ((9.0, 11.0), (11.0, 9.0)):
        with pytest.raises(ValueError, match="the chain stands at 10"):
            chain.advance(pockets, at_s, STATE, False)


def test_cold_bottles_and_a_wrong_lot_come_in_when_they_are_told_to() -> None:
    chain = Chain(PARAMS, 1)
    chain.feed(Lot("a", 30, "casein", inlet_c=15.0))
    chain.advance(5.0, 6.0, STATE, True)
    chain.inlet_offset_k, chain.glue_instead = -15.0, GLUES[GlueClass.PERMANENT]
    assert chain.inlet_c == 0.0
    chain.advance(15.0, 18.0, STATE, True)
    chain.inlet_offset_k, chain.glue_instead = 0.0, None
    run(chain, 1000)
    shares = [sum(b.released for b in chain.passed()[k : k + 10]) / 10 for k in (0, 10, 20)]
    assert shares == [1.0, 0.0, 1.0]
    assert [b.worst_step_k for b in chain.passed()[10:20]] == pytest.approx([32.5] * 10)  # 0 °C into Z0
    assert all(abs(b.worst_step_k) < 25.0 for b in chain.passed()[:10])


def test_a_chain_that_stands_for_three_days_stays_small_and_forgets_nothing() -> None:
    chain = Chain(PARAMS, 1)
    chain.feed(Lot("a", 100, "permanent"))
    run(chain, 300)
    kept = chain.pockets
    for k in range(1, 72 * 60 + 1):
        chain.advance(kept, 300.0 + 60.0 * k, STATE, True, 60.0)
    stood = next(row for row in chain.inside() if row.zone_at(chain.process_s) == 2)
    assert stood.glass_c == pytest.approx(62.5, abs=1e-6)
    assert stood.known_s == chain.process_s
    run(chain, round(chain.process_s) + 1000)
    passed = chain.passed()
    hot = [b for b in passed if b.entered_s[3] - b.entered_s[2] > 1e5]
    assert 0 < len(hot) < 100
    assert all(b.released for b in hot if b.release_s < inf)
    assert sum(b.released for b in hot) > 0.3 * len(hot)
    assert balanced(chain)


def test_the_history_stays_bounded_while_the_chain_stands() -> None:
    chain = Chain(PARAMS, 1)
    chain.feed(Lot("a", 1000))
    run(chain, 100)
    longest, kept = 0, chain.pockets
    for second in range(101, 12_000):
        chain.advance(kept, float(second), STATE, True)
        longest = max(longest, len(chain._history))
    assert longest < 4300


def test_looking_inside_changes_nothing() -> None:
    quiet, watched = Chain(PARAMS, 1), Chain(PARAMS, 1)
    for chain in (quiet, watched):
        chain.feed(Lot("a", 200, "psa"))
        for second in range(1, 1001):
            chain.advance(second * RATED, float(second), STATE, True)
            if chain is watched and second % 37 == 0:
                chain.inside()
    assert quiet.passed() == watched.passed()
    assert quiet.take_fibre_g() == watched.take_fibre_g()


def test_paper_and_soil_are_handed_over_once() -> None:
    chain = pass_lot(PARAMS, STATE, Lot("a", 100, "casein"), seed=1)
    released = chain.tallies["a"].released
    assert chain.take_fibre_g() == pytest.approx(released * 1.04)
    assert chain.take_soil_g() == pytest.approx(60.0)
    assert chain.take_fibre_g() == chain.take_soil_g() == 0.0


def test_pumps_that_stand_do_not_stir() -> None:
    lot = Lot("a", 400, "psa")
    still = Chain(PARAMS, 1)
    still.feed(lot)
    for k in range(1, 100):
        still.advance(k * 20 * RATED, k * 20.0, STATE, True, 20.0, pump=(0.0,) * 8)
    stirred = pass_lot(PARAMS, STATE, lot, seed=1).tallies["a"].released_share
    calm = still.tallies["a"].released_share
    assert calm is not None
    assert stirred is not None
    assert calm < stirred - 0.05


@pytest.mark.parametrize(("hottest_c", "passed"), [(80.0, 100), (40.0, 0)])
def test_hygiene_is_counted_lot_by_lot(hottest_c: float, passed: int) -> None:
    warm: Eight = tuple(min(hottest_c, celsius) for celsius in STATE.temperature_c)  # type: ignore[assignment]  # eight
    chain = pass_lot(PARAMS, STATE._replace(temperature_c=warm), Lot("a", 100), seed=1)
    tally = chain.tallies["a"]
    assert (tally.judged, tally.passed_hygiene) == (100, passed)


def test_a_second_of_the_chain_costs_little() -> None:
    assert chain_second_us(1, 1500) < 200.0  # about ten times the usual


@pytest.mark.parametrize("row_bottles", [1, 40])
def test_a_carrier_may_be_narrow_or_wide(row_bottles: int) -> None:
    chain = pass_lot(replace(PARAMS, row_bottles=row_bottles), STATE, Lot("a", 100), seed=1)
    assert chain.counts.fed == 100
    assert balanced(chain)
    assert [bottle.number for bottle in chain.passed()] == list(range(1, 101))


def test_an_entry_at_the_very_end_of_a_step_is_held_by_the_history() -> None:
    assert 0.3 + (0.9 - 0.3) > 0.9
    chain = Chain(PARAMS, 1)
    chain.feed(Lot("a", 40))
    chain.advance(5.0, 0.3, STATE, True)
    chain.advance(10.0, 0.9, STATE, True)
    first = chain.inside()[-1]
    assert first.pocket == 10
    assert first.entered_s == [0.9]
    run(chain, 1000)
    assert chain.counts.inside == 0
    assert balanced(chain)

"""What is told against a figure, each beside data of which it must not be told."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from linectl.lab.analysis import analyse, judge
from linectl.lab.bound_engine import BoundEngine, OnDemand, Replicas
from linectl.lab.fitted import Fitted
from linectl.lab.glue_bounds import GlueBounds
from linectl.lab.glue_warnings import data_warnings, glue_warnings
from linectl.lab.kinetics.codes import Code
from linectl.lab.kinetics.data import ReleaseData
from linectl.lab.kinetics.fit import fit_families
from linectl.lab.kinetics.goodness import gof
from linectl.lab.kinetics.trace import NO_LAG
from linectl.lab.report.sentences import verdict_lines
from linectl.lab.results import Estimate, SensorDoubt, VerdictWord
from linectl.model.experiments import Decision

DECISION = Decision(0.99, 0.95, 900.0, (60.0,), (1.5,))
KNOWN = SensorDoubt(0.1, 0.02)

World = Callable[..., Any]


def named(data: ReleaseData, lot: Callable[[int], str] = lambda _: "") -> ReleaseData:
    """Return the bottles as those of one glue, each of the `lot` of its row's number."""
    changed = [replace(row, glue="a", lot=lot(number)) for number, row in enumerate(data.records)]
    return ReleaseData.from_records(changed, dict(zip(data.baths, data.traces, strict=True)))


def told_of(data: ReleaseData) -> set[str]:
    """Return what is told of one glue's tests."""
    return {warning.code for warning in glue_warnings(Fitted(data, NO_LAG), (), (), {}, DECISION)}


def test_lots_that_differ_are_told(world: World) -> None:
    two = world(energies=(60.0, 60.0)).soaked(1)  # b is 1.35 times slower than a
    lots = named(two, lambda k: two.records[k].glue)
    one = world().soaked(1)
    alike = named(one, lambda k: f"L{k % 2}")
    assert Code.LOTS_DIFFER in told_of(lots)
    assert Code.LOTS_DIFFER not in told_of(alike)
    assert "lots" in Fitted(alike, NO_LAG).tests
    assert "lots" not in Fitted(one, NO_LAG).tests


def test_a_bent_line_and_a_spread_that_varies_are_told(world: World) -> None:
    plain = told_of(world().soaked(1))
    assert not plain & {Code.CURVED, Code.SIGMA_VARIES}
    assert Code.CURVED in told_of(world(curvature=4000.0).soaked(1))
    sigma = {50.0: 0.2, 55.0: 0.2, 60.0: 0.4, 65.0: 0.6, 70.0: 0.6}
    assert Code.SIGMA_VARIES in told_of(world(sigma=sigma).soaked(1))


def test_a_family_that_fits_poorly_is_told(world: World) -> None:
    mixed = world(energies=(60.0,) * 6, sigma=0.15, bottles=48).soaked(1)
    ends = {"a", "f"}  # f is 4.5 times slower: two humps that no family of one has
    humps = named(mixed.where([row.glue in ends for row in mixed.records]))
    for data, told in ((humps, True), (world().soaked(1), False)):
        fitted = Fitted(data, NO_LAG)
        goodness = {fitted.family: gof(fitted.fits[fitted.family], data, replicates=19, seed=1)}
        codes = {warning.code for warning in glue_warnings(fitted, (), (), goodness, DECISION)}
        assert (Code.POOR_FIT in codes) is told


def test_baths_without_naoh_and_sensors_without_calibration_are_told(world: World) -> None:
    data = world(bottles=2).soaked(1)
    assert not {w.code for w in data_warnings(data, KNOWN)} & {Code.CAUSTIC_ZERO, Code.NO_CALIBRATION}
    plain = world(bottles=2, naoh_pct=(0.0, 1.5)).soaked(1)
    (told,) = [w for w in data_warnings(plain, KNOWN) if w.code == Code.CAUSTIC_ZERO]
    assert "00, 02" in told.detail
    for doubt, detail in ((SensorDoubt(), "bath temperature, NaOH"), (SensorDoubt(temperature_k=0.1), "NaOH")):
        (told,) = [w for w in data_warnings(data, doubt) if w.code == Code.NO_CALIBRATION]
        assert told.detail == detail


def test_the_coolest_temperature_says_when_it_is_an_end(world: World) -> None:
    engine = BoundEngine(Fitted(world().soaked(1), NO_LAG), Replicas(49, 1, 0.2))

    def coolest(soak_s: float) -> Estimate:
        (found,) = GlueBounds(engine, replace(DECISION, soak_s=soak_s), KNOWN).coolest()
        return found.by_family["lognormal"]

    assert (coolest(1e5).reason, coolest(1e5).value) == (Code.COOLEST_TESTED, 50.0)
    assert (coolest(20.0).reason, coolest(20.0).value) == (Code.NOT_WITHIN, None)
    between = coolest(600.0)
    assert between.reason == ""
    assert 50.0 < (between.value or 0.0) < 70.0


def test_baths_that_do_not_differ_have_a_spread_of_nothing_with_its_reason(
    soaked: Callable[[int, int, float], ReleaseData],
) -> None:
    alike = next(
        data for data in (soaked(seed, 9, 0.0) for seed in range(9)) if Fitted(data, NO_LAG).bath("lognormal").boundary
    )
    for data, reason in ((alike, Code.BATHS_ALIKE), (soaked(1, 12, 0.6), "")):
        (glue,) = analyse(data, decision=DECISION, glass=NO_LAG, replicates=19).glues
        found = glue.bath_sd["lognormal"]
        assert (found.reason, found.value == 0.0) == (reason, bool(reason))


@cache
def few(soaked: Callable[[int, int, float], ReleaseData], baths: int) -> ReleaseData:
    return soaked(2, baths, 0.1)


def test_a_glue_barred_by_few_baths_alone_is_told_so(soaked: Callable[[int, int, float], ReleaseData]) -> None:
    long = replace(DECISION, soak_s=3000.0)
    judged = judge(few(soaked, 6), decision=long, glass=NO_LAG, replicates=99)
    verdict = judged.glues[0].verdict
    assert (verdict.word, verdict.hinders) == (VerdictWord.MORE_BOTTLES, (Code.FEW_BATHS,))
    line = verdict_lines(judged)[0]
    assert "within the 50.0 min asked, but no candidate: fewer than 8 baths" in line
    short = judge(few(soaked, 6), decision=replace(DECISION, soak_s=700.0), glass=NO_LAG, replicates=99)
    assert "not yet within" in verdict_lines(short)[0]
    enough = judge(few(soaked, 9), decision=long, glass=NO_LAG, replicates=99)
    assert "but no candidate" not in verdict_lines(enough)[0]


def test_verdicts_alone_are_those_of_the_whole_analysis(screening: Callable[[int], ReleaseData]) -> None:
    data = screening(1)
    parts = data.where([row.glue in {"casein", "starch", "permanent"} for row in data.records])
    asked = Decision(0.99, 0.95, 900.0, (60.0, 80.0), (1.5,))
    alone = judge(parts, decision=asked, glass=NO_LAG, replicates=49)
    whole = analyse(parts, decision=asked, glass=NO_LAG, replicates=49)
    assert [(each.glue, each.verdict, each.n_bottles) for each in alone.glues] == [
        (each.glue, each.verdict, each.n_bottles) for each in whole.glues
    ]
    assert len({each.verdict.word for each in alone.glues}) == 3


def test_another_question_asks_no_fit_again(
    soaked: Callable[[int, int, float], ReleaseData], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = soaked(5, 9, 0.1)
    made: list[str] = []

    def counted(*args: Any, **options: Any) -> Any:
        made.append("fit")
        return fit_families(*args, **options)

    monkeypatch.setattr("linectl.lab.fitted.fit_families", counted)
    first = analyse(data, decision=DECISION, glass=NO_LAG, replicates=29)
    assert made
    made.clear()
    again = analyse(data, decision=replace(DECISION, soak_s=400.0, temperatures_c=(55.0,)), glass=NO_LAG, replicates=29)
    assert not made
    assert again.glues[0].points[0].by_family != first.glues[0].points[0].by_family
    analyse(data, decision=DECISION, glass=replace(NO_LAG, tau_glass_s=9.0), replicates=29)  # other glass: other fits
    assert made


def test_what_is_made_on_demand_is_made_once_and_travels_as_a_dict() -> None:
    made: list[str] = []

    def make(family: str) -> Estimate:
        made.append(family)
        return Estimate(1.0)

    found = OnDemand(("lognormal", "weibull"), make)
    assert list(found) == ["lognormal", "weibull"]
    assert "lognormal" in found
    assert not made
    assert found["weibull"] == found["weibull"] == Estimate(1.0)
    assert made == ["weibull"]
    assert found.get("loglogistic") is None
    assert pickle.loads(pickle.dumps(found)) == {"lognormal": Estimate(1.0), "weibull": Estimate(1.0)}
    assert made == ["weibull", "lognormal"]

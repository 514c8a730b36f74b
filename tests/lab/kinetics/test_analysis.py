"""The whole way from bottles to verdicts, on simulated screenings of which the truth is known."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from linectl.lab.analysis import analyse, to_json
from linectl.lab.glue_warnings import data_warnings
from linectl.lab.kinetics.codes import Code
from linectl.lab.kinetics.data import ReleaseData
from linectl.lab.results import Analysis, GlueResult, SensorDoubt, VerdictWord
from linectl.model.experiments import Decision, Glass

Screening = Callable[[int], ReleaseData]
GLASS = Glass(tau_glass_s=15.0, bottle_in_c=20.0)
DECISION = Decision(0.99, 0.95, 900.0, (60.0, 70.0, 80.0), (1.5,))


@pytest.fixture
def analysis(screening: Screening) -> Analysis:
    return _analysis(screening)


@cache
def _analysis(screening: Screening) -> Analysis:
    return analysed(screening(1))


def analysed(data: ReleaseData, decision: Decision = DECISION) -> Analysis:
    """Return the analysis with fewer replicates than people get: bounds are not what is tested here."""
    return analyse(data, decision=decision, glass=GLASS, runs=("r1",), simulated=True, replicates=99)


def of(analysis: Analysis, glue: str) -> GlueResult:
    return next(result for result in analysis.glues if result.glue == glue)


def test_a_screening_ends_in_a_verdict_per_glue(analysis: Analysis) -> None:
    words = {result.glue: result.verdict.word for result in analysis.glues}
    assert words["starch"] is VerdictWord.CANDIDATE
    assert words["permanent"] is VerdictWord.NO_GO
    assert of(analysis, "starch").verdict.temperature_c == 60.0


def test_a_label_stuck_for_good_makes_no_candidate(analysis: Analysis) -> None:
    result = of(analysis, "casein")
    assert (result.n_right, result.verdict.word) == (4, VerdictWord.MORE_BOTTLES)
    assert Code.PLATEAU in result.verdict.hinders
    assert {e.reason for point in result.points for e in point.by_family.values()} == {Code.PLATEAU}
    assert 0.005 < (result.never_share["lognormal"].value or 0.0) < 0.02


def test_a_glue_that_hardly_releases_has_reasons_and_no_numbers(analysis: Analysis) -> None:
    result = of(analysis, "permanent")
    assert not result.fits
    estimates = [
        *result.activation_energy.values(),
        *result.caustic_order.values(),
        *(estimate for point in result.points for estimate in point.by_family.values()),
    ]
    assert len(estimates) == 10
    assert all(e.value is None and e.lower is None and e.upper is None and e.reason for e in estimates)
    assert result.warnings[0].code in {Code.ALL_CENSORED, Code.FEW_RELEASED}


def test_energy_with_and_without_the_lag_of_the_glass(analysis: Analysis) -> None:
    result = of(analysis, "casein")
    with_lag, without = result.activation_energy["lognormal"], result.activation_energy_no_lag["lognormal"]
    assert with_lag.lower is not None
    assert with_lag.upper is not None
    assert without.upper is not None
    assert with_lag.lower < 45.0 < with_lag.upper
    assert without.upper < 45.0


def test_counts_and_cells_hold_every_bottle_once(analysis: Analysis) -> None:
    for result in analysis.glues:
        assert result.n_left + result.n_interval + result.n_right == result.n_bottles == 96
        assert sum(cell.n_bottles for cell in result.cells) == 96
        assert len(result.cells) == 8
        for cell in result.cells:
            assert sum(cell.mass) == pytest.approx(1.0)
    assert all(math.isinf(hi) for cell in of(analysis, "permanent").cells[:1] for hi in cell.hi)


def test_the_record_is_plain_json_with_null_for_what_is_not_known(analysis: Analysis) -> None:
    text = json.dumps(to_json(analysis), allow_nan=False)
    again = json.loads(text)
    glues = {glue["glue"]: glue for glue in again["glues"]}
    assert glues["permanent"]["verdict"]["word"] == "no_go"
    assert glues["permanent"]["points"][0]["release_time"]["weibull"]["value"] is None
    assert glues["permanent"]["points"][0]["release_time"]["weibull"]["reason"]
    assert glues["casein"]["activation_energy"]["lognormal"]["method"] == "wald"
    assert again["data_hash"] == analysis.data.sha256()
    assert set(again["versions"]) == {"linectl", "numpy", "scipy"}
    assert None in [hi for cell in glues["permanent"]["cells"] for hi in cell["hi_s"]]


def test_the_same_data_give_the_same_record(screening: Screening, analysis: Analysis) -> None:
    again = analysed(screening(1).of_glue("psa"))
    told = to_json(analysis)["glues"]
    assert isinstance(told, list)
    assert to_json(again)["glues"] == [glue for glue in told if glue["glue"] == "psa"]


def test_few_baths_one_naoh_and_points_outside_are_told(screening: Screening) -> None:
    data = screening(1).of_glue("starch")
    cells = [cell for cell in data.cells if cell[1] == 1.5]
    rows = [row for row in data.records if (row.temperature_c, row.naoh_pct) in cells and int(row.bath) % 2]
    part = ReleaseData.from_records(rows, dict(zip(data.baths, data.traces, strict=True)))
    hot = replace(DECISION, temperatures_c=(60.0, 90.0))
    result = analysed(part, hot).glues[0]
    codes = {warning.code for warning in result.warnings}
    assert {Code.FEW_BATHS, Code.SINGLE_CAUSTIC, Code.EXTRAPOLATED} <= codes
    assert result.points[1].by_family["weibull"].extrapolated
    assert result.caustic_order["lognormal"].value is None


def test_labels_that_no_fit_explains_are_told(screening: Screening) -> None:
    data = screening(3).of_glue("starch")
    traces = dict(zip(data.baths, data.traces, strict=True))
    stuck = [
        replace(row, lo_s=1190.0, hi_s=math.inf) if row.temperature_c == 80.0 and number % 24 == 0 else row
        for number, row in enumerate(sorted(data.records, key=lambda row: row.temperature_c))
    ]
    for rows, told in ((stuck, True), ([row for row in data.records if math.isfinite(row.hi_s)], False)):
        found = analysed(ReleaseData.from_records(rows, traces)).glues[0]
        assert (Code.PLATEAU in {warning.code for warning in found.warnings}) is told


def test_temperatures_in_the_order_of_the_day_are_told(screening: Screening) -> None:
    data = screening(1).of_glue("starch")
    warm = {row.bath: row.temperature_c for row in data.records}
    by_temperature = sorted(data.baths, key=lambda bath: warm[bath])
    traces = dict(zip(data.baths, data.traces, strict=True))
    sorted_data = ReleaseData.from_records(data.records, {bath: traces[bath] for bath in by_temperature})
    for each, told in ((data, False), (sorted_data, True)):
        codes = [warning.code for warning in data_warnings(each, SensorDoubt())]
        assert (Code.TEMP_TIME_CONFOUNDED in codes) is told


def test_turnbull_and_family_agree_where_there_are_bottles(analysis: Analysis) -> None:
    from linectl.lab.kinetics.intervals import share_off

    result = of(analysis, "pvoh")
    cell = next(c for c in result.cells if (c.temperature_c, c.naoh_pct) == (60.0, 1.5))
    median = cell.right[int(np.searchsorted(np.cumsum(cell.mass), 0.5))]
    assert 0.2 < share_off(result.fits["lognormal"], 60.0, 1.5, np.array([median]))[0] < 0.8

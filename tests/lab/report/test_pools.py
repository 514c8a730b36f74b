"""Several runs as one body of data, and runs that are still blind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from linectl.errors import Refused
from linectl.lab.design.loading import blind_codes
from linectl.lab.report.page import Subject, render
from linectl.lab.report.record import gather
from linectl.lab.results import Analysis
from linectl.server.results import pooling
from linectl.server.results.pooling import Asked, Pool, analyse_pool, experiment_of, pool_of
from linectl.store.reader import StoreReader

NAMES = ("zementit", "gripfix", "casein")
Recorded = Callable[..., StoreReader]


def pooled(reader: StoreReader, **options: str) -> Pool:
    return pool_of(reader, reader.runs(), **options)


def subject_of(pool: Pool, analysis: Analysis) -> Subject:
    pairs = zip(pool.runs, pool.experiments, strict=True)
    records = [gather(pool.reader, run, experiment) for run, experiment in pairs]
    return Subject(records, analysis, codes=pool.codes, names=pool.names)


@pytest.fixture
def told() -> Any:
    """The kind of run that `recorded` writes."""
    import sys

    return next(module.Told for module in sys.modules.values() if hasattr(module, "Told") and hasattr(module, "TEXT"))


def test_two_runs_are_one_body_of_data(recorded: Recorded, told: Any) -> None:
    reader = recorded(told(bottles=2), told(run="R2", seed=9, bottles=2, name="again"))
    pool = pooled(reader)
    analysis = analyse_pool(pool)
    assert analysis.runs == ("R1", "R2")
    assert [result.n_bottles for result in analysis.glues] == [24, 24, 24]
    assert len(analysis.data.baths) == 12
    page = render(subject_of(pool, analysis))
    assert "three_glues, again" in page
    assert page.count("<h3>Run R1</h3>") == page.count("<h3>Run R2</h3>") == 5
    assert "2 runs are analysed as one body of data" in page


@pytest.mark.parametrize(
    ("other", "what"),
    [
        ({"soak": 300}, "the soak is 420 s in R1 and 300 s in R2"),
        ({"line": "line2"}, "line is simulated in R1 and line2 in R2"),
        ({"simulated": False}, "simulated is yes in R1 and no in R2"),
    ],
)
def test_runs_that_contradict_each_other_are_refused(
    recorded: Recorded, told: Any, other: dict[str, object], what: str
) -> None:
    reader = recorded(told(bottles=1, temperatures="60, 70"), told(run="R2", bottles=1, temperatures="60, 70", **other))
    with pytest.raises(Refused, match=what):
        analyse_pool(pooled(reader))


def test_a_question_asked_of_both_settles_their_own(recorded: Recorded, told: Any) -> None:
    reader = recorded(
        told(bottles=1, temperatures="60, 70"), told(run="R2", bottles=1, temperatures="60, 70", soak=300)
    )
    decision, _ = pooling._question(pooled(reader), Asked(soak_s=360.0))
    assert decision.soak_s == 360.0


def test_a_run_named_twice_is_refused(recorded: Recorded, told: Any) -> None:
    reader = recorded(told(bottles=1, temperatures="60, 70"))
    with pytest.raises(Refused, match="twice"):
        pool_of(reader, [*reader.runs(), *reader.runs()])


def test_a_blind_run_shows_codes_everywhere_until_it_is_complete(recorded: Recorded, told: Any) -> None:
    reader = recorded(told(bottles=2, blind=True, done=False, name="casein_or_gripfix"))
    pool = pooled(reader)
    analysis = analyse_pool(pool)
    experiment = experiment_of(reader.runs()[0])
    assert experiment is not None
    codes = blind_codes(experiment)
    assert sorted(result.glue for result in analysis.glues) == sorted(codes.values())
    page = render(subject_of(pool, analysis))
    assert [name for name in (*NAMES, "Acme", "Umbrella") if name in page.lower() or name in page] == []
    assert all(code in page for code in codes.values())
    with pytest.raises(Refused, match="blind"):
        pooled(reader, maker="Acme")


def test_then_names_stand_with_their_codes(recorded: Recorded, told: Any) -> None:
    reader = recorded(told(bottles=2, blind=True))
    pool = pooled(reader)
    analysis = analyse_pool(pool)
    experiment = experiment_of(reader.runs()[0])
    assert experiment is not None
    page = render(subject_of(pool, analysis))
    for glue, code in blind_codes(experiment).items():
        assert f"{glue} ({code})" in page
    assert "codes opened" in page


def test_a_blind_run_is_not_pooled_with_an_open_one(recorded: Recorded, told: Any) -> None:
    first = told(bottles=1, temperatures="60, 70", blind=True, done=False)
    reader = recorded(first, replace(first, run="R2", blind=False))
    with pytest.raises(Refused, match="cannot be pooled"):
        pooled(reader)


def test_calibrations_of_all_runs_enter_the_bounds(recorded: Recorded, told: Any) -> None:
    doubt = pooling._doubt(pooled(recorded(told(bottles=1, temperatures="60, 70"))))
    assert (doubt.temperature_k, doubt.naoh_pct) == (0.15, None)

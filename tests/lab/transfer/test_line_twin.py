"""What the lab foretells of the washer, and what the simulated washer then shows; benchmarks/study_line.py has more."""

from __future__ import annotations

import pytest

from benchmarks.study_line import Cell, Shown, recipes, shown
from linectl.lab.results import Analysis
from linectl.lab.transfer.forecast import Flow, Release, forecast
from linectl.model.washing import Corner, Washer

BOTTLES = 10_000


FLOWS = (Flow.WITHOUT, Flow.ASSUMED)


def told(screening: Analysis, washer: Washer, recipe: str, glue: str) -> dict[Flow, tuple[Release, Cell]]:
    results = [result for result in screening.glues if result.glue == glue]
    (found,) = forecast(results, washer, recipes()[recipe], draws=500).glues
    cells = {}
    for flow in FLOWS:
        release = found.at(Corner.NOMINAL, flow)
        assert release is not None
        assert release.value is not None
        assert release.lower is not None
        cells[flow] = release, Cell(glue, recipe, flow, release.value, 0.0, release.lower, found.never_upper or 0.0)
    return cells


@pytest.mark.parametrize("recipe", ["reference_80c", "reference_80c_2pct", "cooler"])
@pytest.mark.parametrize("glue", ["casein", "psa"])
def test_the_washer_keeps_the_bound_that_the_lab_stated(
    screening: Analysis, washer: Washer, recipe: str, glue: str
) -> None:
    seen = shown(glue, recipe, BOTTLES, 7)
    for flow, (release, cell) in told(screening, washer, recipe, glue).items():
        assert cell.keeps(seen)
        assert cell.keeps_all(seen)
        if flow is Flow.ASSUMED and recipe != "reference_80c_2pct":  # NaOH beyond what was tested earns no credit
            value = release.by_family["lognormal"].value
            assert value == pytest.approx(seen.share(), abs=0.06)


def test_labels_that_the_lab_never_saw_break_the_bound(screening: Analysis, washer: Washer) -> None:
    aged = shown("psa", "reference_80c", 2000, 7, aged=True)
    for _, cell in told(screening, washer, "reference_80c", "psa").values():
        assert not cell.keeps_all(aged)


def test_a_bound_is_broken_by_more_than_chance_alone() -> None:
    assert Shown(9890, 10_000, 10_000).keeps(0.99, every=True)
    assert not Shown(9850, 10_000, 10_000).keeps(0.99, every=True)

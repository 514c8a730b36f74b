from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from linectl.errors import Refused
from linectl.lab.design.baths import trials
from linectl.lab.design.fractions import aliases
from linectl.model.experiments import Decision, Design, DesignKind, Experiment, Soak
from linectl.model.records import Treatment

HALF = Experiment(
    name="half",
    question="?",
    temperatures_c=(60.0, 80.0),
    naoh_pct=(0.0, 1.5),
    agitation_pct=(20.0, 80.0),
    glues=("casein",),
    replicates=1,
    bottles_per_glue=4,
    seed=7,
    soak=Soak(cap_s=600.0, check_s=15.0),
    decision=Decision(0.99, 0.95, 600.0, (60.0,), (1.5,)),
    design=Design(DesignKind.FRACTIONAL),
)


def plan(experiment: Experiment) -> list[Treatment]:
    return [bath.treatment for bath in trials(experiment)]


def test_a_regular_half_names_its_aliases() -> None:
    half = plan(HALF)
    assert len(set(half)) == 4
    for factor in ("temperature_c", "naoh_pct", "agitation_pct"):
        assert set(Counter(getattr(treatment, factor) for treatment in half).values()) == {2}
    found = aliases(half)
    assert {(alias.first, alias.second) for alias in found} == {
        (("temperature",), ("naoh", "agitation")),
        (("naoh",), ("temperature", "agitation")),
        (("agitation",), ("temperature", "naoh")),
    }
    assert all(alias.full for alias in found)


def test_the_second_replicate_is_the_other_half_and_nothing_is_aliased_then() -> None:
    both = plan(replace(HALF, replicates=2))
    assert len(set(both)) == 8
    assert aliases(both) == ()
    assert aliases(plan(replace(HALF, design=Design()))) == ()


def test_mixed_levels_get_a_subset_that_tells_every_level_apart() -> None:
    mixed = replace(HALF, temperatures_c=(50.0, 60.0, 70.0, 80.0))
    chosen = plan(mixed)
    assert len(set(chosen)) == 8
    assert set(Counter(treatment.temperature_c for treatment in chosen).values()) == {2}
    assert set(Counter(treatment.naoh_pct for treatment in chosen).values()) == {4}
    assert not [alias for alias in aliases(chosen) if len(alias.second) == 1]
    assert chosen == plan(mixed)


@pytest.mark.parametrize(
    ("levels", "fraction"),
    [({"agitation_pct": ()}, 2), ({}, 4), ({"temperatures_c": (50.0, 60.0, 70.0)}, 4)],
    ids=["half of two factors", "quarter of three", "too few for the levels"],
)
def test_a_fraction_that_cannot_tell_factors_apart_is_refused(
    levels: dict[str, tuple[float, ...]], fraction: int
) -> None:
    design = Design(DesignKind.FRACTIONAL, fraction=fraction)
    with pytest.raises(Refused, match="could not be told apart"):
        plan(replace(HALF, design=design, **levels))  # type: ignore[arg-type]  # levels of one factor


def test_factors_that_go_together_in_a_table_are_told() -> None:
    table = [Treatment(50.0, 0.0), Treatment(60.0, 0.5), Treatment(70.0, 1.5), Treatment(80.0, 1.0)]
    (together,) = (alias for alias in aliases(table) if len(alias.second) == 1)
    assert (together.first, together.second) == (("temperature",), ("naoh",))
    assert together.correlation == pytest.approx(0.8)
    assert aliases(table[:2])[0].full

from __future__ import annotations

from dataclasses import replace

import pytest

from linectl.errors import Refused
from linectl.line.limits import check_limits, refusal
from linectl.model.experiments import Decision, Experiment, Soak
from tests.line.benches import definition

EXPERIMENT = Experiment(
    name="x",
    question="?",
    temperatures_c=(50.0, 80.0),
    naoh_pct=(0.0, 1.5),
    glues=("casein", "psa"),
    replicates=1,
    bottles_per_glue=12,
    seed=1,
    soak=Soak(1200, 15),
    decision=Decision(0.99, 0.95, 900, (80.0,), (1.5,)),
)


def test_an_experiment_within_the_limits() -> None:
    assert check_limits(EXPERIMENT, definition()) == []


def test_above_warn_is_said() -> None:
    warnings = check_limits(replace(EXPERIMENT, temperatures_c=(50.0, 86.0), naoh_pct=(2.7,)), definition())
    assert warnings == [
        "86.0 °C is above the warning limit of bath.setpoint, 85.0 °C",
        "2.7 % is above the warning limit of bath.naoh_setpoint, 2.5 %",
    ]


def test_beyond_block_is_refused_with_value_limit_and_tag() -> None:
    with pytest.raises(Refused) as caught:
        check_limits(replace(EXPERIMENT, temperatures_c=(50.0, 88.5, 95.0), naoh_pct=(3.5,)), definition())
    assert caught.value.message.splitlines() == [
        "88.5 °C is beyond the limit of bath.setpoint, 88.0 °C",
        "95.0 °C is beyond the limit of bath.setpoint, 88.0 °C",
        "3.5 % is beyond the limit of bath.naoh_setpoint, 3.0 %",
    ]
    assert caught.value.exit_code == 6


def test_a_level_beyond_the_tags_own_range_is_refused() -> None:
    with pytest.raises(Refused, match=r"120\.0 is outside the range of bath\.setpoint"):
        check_limits(replace(EXPERIMENT, temperatures_c=(120.0,)), definition())


def test_too_many_bottles_and_an_unknown_zone_are_refused() -> None:
    with pytest.raises(Refused, match="26 bottles a bath, but bath has 24 positions"):
        check_limits(replace(EXPERIMENT, bottles_per_glue=13), definition())
    with pytest.raises(Refused, match="no zone `jets`"):
        check_limits(replace(EXPERIMENT, zone="jets"), definition())


@pytest.mark.parametrize(("value", "why"), [(88.0, None), (88.1, "limit"), (-1.0, "range"), (1e9, "range")])
def test_a_single_write(value: float, why: str | None) -> None:
    line = definition()
    found = refusal(line.tags["bath.setpoint"], value, line.zones)
    assert (found and found[0]) == why

from __future__ import annotations

import pytest

from linectl.laws.glass import ShockLevel, hottest_bath_c, shock


@pytest.mark.parametrize(
    ("step_k", "level"),
    [
        (25, "fine"),
        (25.1, "warn"),
        (35, "warn"),
        (35.1, "block"),
        (42, "block"),
        (42.1, "hard"),
        (-25, "fine"),
        (-25.1, "warn"),
        (-30, "warn"),
        (-30.1, "block"),
        (-42, "block"),
        (-42.1, "hard"),
    ],
)
def test_levels_of_a_step(step_k: float, level: str) -> None:
    assert shock(0.0, step_k).level is ShockLevel(level)


def test_cooling_is_judged_harder_than_heating() -> None:
    assert shock(20, 52).level is ShockLevel.WARN
    assert shock(52, 20).level is ShockLevel.BLOCK


def test_a_winter_bottle_breaks_in_a_pre_soak_that_a_warm_one_bears() -> None:
    assert shock(0.0, 45.0).level is ShockLevel.HARD
    assert shock(15.0, 45.0).level is ShockLevel.WARN
    assert shock(0.0, hottest_bath_c(0.0)).level is ShockLevel.WARN
    assert shock(0.0, hottest_bath_c(0.0) + 0.1).level is ShockLevel.BLOCK

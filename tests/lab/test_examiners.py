from __future__ import annotations

import pytest

from linectl.lab.examiners import Agreement, agreement
from linectl.model.records import Check


def checks(both_on: int, first_on: int, second_on: int, both_off: int) -> list[Check]:
    """Checks of two examiners with a given table of what they saw."""
    table = [(True, True)] * both_on + [(True, False)] * first_on + [(False, True)] * second_on
    table += [(False, False)] * both_off
    found: list[Check] = []
    for number, (one, other) in enumerate(table):
        found.append(Check("r", 1, f"b{number}", 100, 101, one))
        found.append(Check("r", 1, f"b{number}", 100, 104, other, "bert"))
    return found


def test_kappa_of_a_worked_table() -> None:
    found = agreement(checks(20, 5, 10, 15))  # p_o = 0.7, p_e = 0.5 * 0.6 + 0.5 * 0.4 = 0.5
    assert (found.n, found.agreed) == (50, 35)
    assert found.share == pytest.approx(0.7)
    assert found.kappa == pytest.approx(0.4)


def test_what_was_seen_by_one_alone_is_no_pair() -> None:
    lone = [Check("r", 1, "x", 100, 101, True), Check("r", 1, "y", 100, 104, True, "bert")]
    missed = [Check("r", 1, "z", 100, None, None), Check("r", 1, "z", 100, 104, True, "bert")]
    assert agreement(lone + missed) == Agreement(0, 0, None, None)


def test_no_kappa_where_chance_explains_all() -> None:
    assert agreement(checks(8, 0, 0, 0)) == Agreement(8, 8, 1.0, None)

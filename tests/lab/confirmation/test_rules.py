"""Confirmation rules: bottles, risks and chances to pass, against exact published figures and simulated draws."""

from __future__ import annotations

import numpy as np
import pytest

from linectl.errors import ConfigError
from linectl.lab.confirmation.clusters import BathSpread, clustered_chance, honest_rule
from linectl.lab.confirmation.rules import (
    RULES,
    bottles_needed,
    failure_proved,
    parse_rule,
    pass_chance,
    upper_bound,
)

WALKED = "299/0->473/1->628/2"  # one plan after the other: what must not be done


@pytest.mark.parametrize(
    ("confidence", "wanted"),
    [(0.90, [230, 388, 531, 667]), (0.95, [299, 473, 628, 773]), (0.99, [459, 662, 838, 1001])],
)
def test_bottles_for_99_percent_are_the_exact_binomial_numbers(confidence: float, wanted: list[int]) -> None:
    assert [bottles_needed(stuck, 0.99, confidence) for stuck in range(4)] == wanted


def test_bottles_for_lower_shares() -> None:
    assert [bottles_needed(stuck, 0.98, 0.95) for stuck in range(3)] == [149, 236, 313]
    assert [bottles_needed(stuck, 0.95, 0.95) for stuck in range(3)] == [59, 93, 124]


@pytest.mark.parametrize("text", RULES)
def test_every_offered_rule_errs_in_at_most_5_percent(text: str) -> None:
    assert pass_chance(parse_rule(text), 0.01) <= 0.05 + 1e-4
    assert pass_chance(parse_rule(text), 0.01) > 0.049  # and gives nothing away


def test_walking_from_plan_to_plan_errs_in_9_percent() -> None:
    assert pass_chance(parse_rule("299/0->473/1"), 0.01) == pytest.approx(0.0756, abs=5e-5)
    assert pass_chance(parse_rule(WALKED), 0.01) == pytest.approx(0.0934, abs=1e-4)


@pytest.mark.parametrize(
    ("text", "at_999", "at_997"),
    [
        ("299/0", 0.741, 0.407),
        ("473/1", 0.918, 0.585),
        ("628/2", 0.974, 0.708),
        ("368/0->497/1", 0.916, 0.580),
        ("408/0->548/1->672/2", 0.973, 0.699),
        ("353/0->559/1->742/2", 0.969, 0.676),
    ],
)
def test_chances_of_good_glues(text: str, at_999: float, at_997: float) -> None:
    rule = parse_rule(text)
    assert pass_chance(rule, 0.001) == pytest.approx(at_999, abs=6e-4)
    assert pass_chance(rule, 0.003) == pytest.approx(at_997, abs=6e-4)


def test_a_chain_by_draws_agrees_with_the_exact_chance() -> None:
    rule = parse_rule("368/0->497/1")
    stuck = np.random.default_rng(7).random((20_000, rule.bottles)) < 0.004
    first, all_of_them = stuck[:, :368].sum(axis=1), stuck.sum(axis=1)
    passed = float(((first == 0) | (all_of_them <= 1)).mean())
    assert passed == pytest.approx(pass_chance(rule, 0.004), abs=0.012)


def test_bounds_are_clopper_and_pearsons() -> None:
    found = [1 - upper_bound(n, stuck, 0.95) for n, stuck in ((299, 0), (473, 1), (628, 2), (59, 0), (24, 0))]
    assert found == pytest.approx([0.9900, 0.9900, 0.9900, 0.9505, 0.8827], abs=1e-4)


@pytest.mark.parametrize(
    ("bottles", "stuck"), [(24, 2), (48, 3), (59, 3), (96, 4), (124, 4), (299, 7), (473, 10), (628, 12)]
)
def test_counts_that_make_no_go_certain(bottles: int, stuck: int) -> None:
    assert failure_proved(bottles, stuck, 0.99, 0.95)
    assert not failure_proved(bottles, stuck - 1, 0.99, 0.95)


@pytest.mark.parametrize("text", ["", "628", "628-2", "2/628", "473/1->299/0", "473/1->628/1", "299/0 473/1"])
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is no rule"):
        parse_rule(text)


# baths that differ


def test_without_bath_spread_the_chance_is_binomial() -> None:
    for text in RULES:
        spread = BathSpread(0.35, 0.0, 20)
        assert clustered_chance(parse_rule(text), 0.01, spread) == pytest.approx(pass_chance(parse_rule(text), 0.01))


def test_a_plain_rule_errs_too_often_when_baths_differ_and_the_honest_one_does_not() -> None:
    spread = BathSpread(0.35, 0.3, 20)
    plain = parse_rule("628/2")
    assert clustered_chance(plain, 0.01, spread) > 0.15  # the control: three times what the rule says
    honest = honest_rule(plain, spread, removal=0.99, confidence=0.95)
    assert clustered_chance(honest, 0.01, spread) <= 0.05
    assert honest.bottles % 20 == 0
    one_less = parse_rule(f"{honest.bottles - 20}/2")
    assert clustered_chance(one_less, 0.01, spread) > 0.05  # and not one bath too many
    assert clustered_chance(honest, 0.001, spread) > 0.90


def test_the_clustered_chance_agrees_with_simulated_baths() -> None:
    spread, rule = BathSpread(0.35, 0.3, 20), parse_rule("620/2")
    draw = np.random.default_rng(11)
    margin = 2.326347874 * np.hypot(0.35, 0.3)  # 1 % of all labels beyond it
    baths = draw.normal(0, 0.3, (4000, 31))
    stuck = (baths[:, :, None] + draw.normal(0, 0.35, (4000, 31, 20)) > margin).sum(axis=(1, 2))
    assert float((stuck <= 2).mean()) == pytest.approx(clustered_chance(rule, 0.01, spread), abs=0.02)


def test_fewer_bottles_in_more_baths_need_fewer_bottles() -> None:
    found = [
        honest_rule(parse_rule("473/1"), BathSpread(0.35, 0.3, per_bath), removal=0.99, confidence=0.95).bottles
        for per_bath in (5, 10, 20)
    ]
    assert found == sorted(found)
    assert found[0] < found[-1]


def test_baths_that_differ_beyond_measure_prove_nothing() -> None:
    with pytest.raises(ValueError, match="differ too much"):
        honest_rule(parse_rule("299/0"), BathSpread(0.05, 3.0, 60), removal=0.99, confidence=0.95)

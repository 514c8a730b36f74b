"""How often does a confirmation say GO to a glue that is not worth it, and to one that is?

In each world a glue is made that removes just 99 % of its labels at the point (any GO is false), then one that removes
99.95 % (a GO is right). The rule is drawn up as `linectl confirm register` does: for baths that differ by 0.3 in ln t,
baths cooler by 1.645 standard uncertainties of the probe. Once more with the rule as if labels were independent: the
negative control.

    python -m benchmarks.study_confirmation --confirmations 400 --seed 1

Ends with 1 when a world's false GO exceeds 5 %, or its rightful GO stays below 90 %, by more than the simulation error.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from math import ceil, sqrt

import numpy as np

from benchmarks.worlds import WORLDS, World
from linectl.lab.confirmation.clusters import BathSpread, honest_rule
from linectl.lab.confirmation.rules import Rule, parse_rule
from linectl.server.results.confirming import DEFAULT_BATH_SD

POINT = (60.0, 1.5, 900.0)  # °C, % NaOH, s
REMOVAL, GOOD = 0.99, 0.9995
CONFIDENCE = 0.95
PER_BATH = 20
PROBE_U_K = 0.15


@dataclass(frozen=True, slots=True)
class Plan:
    """A rule with the K by which its baths are set below the point."""

    rule: Rule
    cooler_k: float


def confirmed(world: World, plan: Plan, rng: np.random.Generator) -> bool:
    """Run one confirmation of `world` in a lab of its own and tell whether the rule passes."""
    temperature_c, naoh_pct, soak_s = POINT
    offset_k = rng.normal(0.0, world.probe_sd) if world.probe_sd else 0.0
    shifts = world.lots(rng)[np.arange(PER_BATH) % 2]
    stuck, bottles = 0, 0
    for stage in plan.rule.stages:
        while bottles < stage.bottles:
            times = world.times(rng, temperature_c - plan.cooler_k + offset_k, naoh_pct, shifts)
            stuck += int((times > soak_s).sum())
            bottles += PER_BATH
            if stuck > plan.rule.stages[-1].stuck_allowed:
                return False
        if stuck <= stage.stuck_allowed:
            return True
    return False


def made(world: World, removal: float) -> World:
    """Return `world` with a glue that removes `removal` at the point; in the plateau all others never come off."""
    if world.name == "plateau":
        stuck = (1.0 - removal) * 0.98  # nearly all of what stays on stays for good
        return replace(world, never=stuck).set_to(removal, *POINT)
    return world.set_to(removal, *POINT)


def plans(rule: str) -> dict[str, Plan]:
    """Return the plan as it is registered, and as it must not be."""
    spread = BathSpread(0.35, DEFAULT_BATH_SD, PER_BATH)
    honest = honest_rule(parse_rule(rule), spread, removal=REMOVAL, confidence=CONFIDENCE)
    return {"registered": Plan(honest, ceil(164.5 * PROBE_U_K) / 100), "as if independent": Plan(parse_rule(rule), 0.0)}


def share(world: World, plan: Plan, count: int, seed: int) -> float:
    """Return the share of `count` confirmations that pass."""
    return sum(confirmed(world, plan, np.random.default_rng([seed, k])) for k in range(count)) / count


def main() -> int:
    """Print the study."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--confirmations", type=int, default=400)
    parser.add_argument("--rule", default="628/2")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    chosen = plans(asked.rule)
    error = sqrt(0.05 * 0.95 / asked.confirmations)
    print(f"rule {asked.rule}, registered as {chosen['registered'].rule}; {asked.confirmations} confirmations a cell,")
    print(f"simulation error of 5 %: {100 * error:.1f} %\n")
    print(f"{'world':<18} {'false GO':>9} {'rightful GO':>12} {'false GO, as if independent':>29}")
    wrong = 0
    for number, world in enumerate(WORLDS):
        seed = asked.seed * 1000 + number
        false = share(made(world, REMOVAL), chosen["registered"], asked.confirmations, seed)
        right = share(made(world, GOOD), chosen["registered"], asked.confirmations, seed + 500)
        control = share(made(world, REMOVAL), chosen["as if independent"], asked.confirmations, seed)
        print(f"{world.name:<18} {100 * false:>8.1f}% {100 * right:>11.1f}% {100 * control:>28.1f}%")
        wrong += false > 0.05 + 2 * error or right < 0.90 - 2 * sqrt(0.09 / asked.confirmations)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())

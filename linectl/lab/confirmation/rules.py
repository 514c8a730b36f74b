"""Confirmation rules: how many bottles, how many labels may stick, and what chance each rule gives to whom.

A rule is a chain of stages (bottles in all, stuck allowed in all). The glue passes at the first stage at which no more
labels stuck than allowed; it fails as soon as the last stage's allowance is exceeded. Everything is exact: binomial
for independent labels, and a mixture of binomials per bath where baths differ (`clusters`). 299/0, 473/1 and 628/2
each err in 5 % when one label in a hundred sticks; walking from one to the next errs in 9.3 %, and is no rule here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, bdtrc, betaincinv, gammaln

from linectl.errors import ConfigError
from linectl.words import tr

__all__ = [
    "RULES",
    "Rule",
    "Stage",
    "bottles_needed",
    "chain_chance",
    "failure_proved",
    "parse_rule",
    "pass_chance",
    "upper_bound",
]

Array = NDArray[np.float64]
StuckIn = Callable[[int], Array]
_RULE = re.compile(r"\s*(\d+)\s*/\s*(\d+)\s*")


@dataclass(frozen=True, slots=True)
class Stage:
    """Bottles and stuck labels in all, from the first bottle of the first stage."""

    bottles: int
    stuck_allowed: int


@dataclass(frozen=True, slots=True)
class Rule:
    """Stages in order, each with more bottles and a larger allowance than the one before."""

    stages: tuple[Stage, ...]

    def __str__(self) -> str:
        """Return the rule as it is written: `628/2`, `368/0->497/1`."""
        return "->".join(f"{stage.bottles}/{stage.stuck_allowed}" for stage in self.stages)

    @property
    def bottles(self) -> int:
        """The bottles of the last stage."""
        return self.stages[-1].bottles


RULES = ("299/0", "473/1", "628/2", "368/0->497/1", "408/0->548/1->672/2", "353/0->559/1->742/2")


def parse_rule(text: str) -> Rule:
    """Return the rule that `text` writes, `bottles/stuck` with `->` (or `→`) between stages.

    Raises:
        ConfigError: no rule, or stages that do not grow.
    """
    parts = [_RULE.fullmatch(part) for part in text.replace("→", "->").split("->")]
    stages = tuple(Stage(int(part[1]), int(part[2])) for part in parts if part is not None)
    grows = all(a.bottles < b.bottles and a.stuck_allowed < b.stuck_allowed for a, b in pairwise(stages))
    if None in parts or not stages or not grows or any(stage.stuck_allowed >= stage.bottles for stage in stages):
        raise ConfigError(
            tr("{text!r} is no rule: write bottles/stuck allowed, with -> between stages that grow").format(text=text),
            hint=tr("for example {rules}").format(rules=", ".join(RULES)),
        )
    return Rule(stages)


def pass_chance(rule: Rule, stuck_share: float) -> float:
    """Return the chance that a glue of which `stuck_share` of all labels stick passes `rule`, labels independent."""
    return chain_chance(rule, lambda bottles: _binomial(bottles, stuck_share, rule.stages[-1].stuck_allowed))


def chain_chance(rule: Rule, stuck_in: StuckIn) -> float:
    """Return the chance to pass, `stuck_in(n)` giving the chances of 0, 1, ... stuck labels in n further bottles."""
    going = np.array([1.0])  # chance of each count of stuck labels, stage not passed yet
    passed, before = 0.0, 0
    for stage in rule.stages:
        going = np.convolve(going, stuck_in(stage.bottles - before))[: rule.stages[-1].stuck_allowed + 1]
        passed += float(going[: stage.stuck_allowed + 1].sum())
        going[: stage.stuck_allowed + 1] = 0.0
        before = stage.bottles
    return passed


def bottles_needed(stuck_allowed: int, removal: float, confidence: float) -> int:
    """Return the fewest bottles that show `removal` at `confidence` with `stuck_allowed` labels stuck (exact)."""
    low, high = stuck_allowed + 1, stuck_allowed + 2
    while not _shows(high, stuck_allowed, removal, confidence):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _shows(middle, stuck_allowed, removal, confidence) else (middle, high)
    return low if _shows(low, stuck_allowed, removal, confidence) else high


def upper_bound(bottles: float, stuck: float, confidence: float) -> float:
    """Return the upper one-sided bound of the stuck share (Clopper & Pearson 1934); effective counts may be broken."""
    if stuck >= bottles:
        return 1.0
    return float(betaincinv(stuck + 1.0, bottles - stuck, confidence))


def failure_proved(bottles: int, stuck: int, removal: float, confidence: float) -> bool:
    """Tell whether so many stuck labels rule out `removal`: a better glue would show them too seldom."""
    return stuck > 0 and float(bdtrc(stuck - 1, bottles, 1.0 - removal)) <= 1.0 - confidence


def _shows(bottles: int, stuck: int, removal: float, confidence: float) -> bool:
    return float(bdtr(stuck, bottles, 1.0 - removal)) <= 1.0 - confidence


def _binomial(bottles: int, share: float, up_to: int) -> Array:
    counts = np.arange(min(bottles, up_to) + 1, dtype=np.float64)
    if share <= 0:
        return np.where(counts == 0, 1.0, 0.0)
    choose = gammaln(bottles + 1) - gammaln(counts + 1) - gammaln(bottles - counts + 1)
    return np.asarray(np.exp(choose + counts * np.log(share) + (bottles - counts) * np.log1p(-share)))

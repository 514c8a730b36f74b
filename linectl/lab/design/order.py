"""The order of the baths: drawn within blocks, never one in which a factor runs with time, cheap where that is asked.

Depletion, drift and learning run with time. An order in which temperature, NaOH or agitation correlates with it by
more than 0.5 is drawn again. An economical experiment draws, within each block, among the cheapest part of many random
orders; cheap means little draining, heating and cooling in the usual 40 L bath, so that the same file gives the same
order on every line.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from random import Random
from statistics import StatisticsError, correlation

from linectl.lab.design.changeover import USUAL_BATH, BathState, change
from linectl.lab.design.loading import drawn
from linectl.model.experiments import Experiment
from linectl.model.lines import Zone
from linectl.model.records import Treatment
from linectl.words import tr

__all__ = ["CHEAPEST", "CONFOUNDED", "DRAWS", "confounding", "ordered", "preparation_s", "restriction"]

CONFOUNDED = 0.5  # |correlation| of a factor with time above which drift would pass for its effect
DRAWS = 500
CHEAPEST = 0.2  # of the random orders of a block, one of this share is taken
_ATTEMPTS = 100

Block = list[Treatment]


def ordered(blocks: Sequence[Block], experiment: Experiment) -> list[Block]:
    """Return the blocks, each in the order in which its baths are run; as given when nothing is randomised.

    Where no order of so few baths is free of confounding, the least confounded one that was drawn is returned.
    """
    if not experiment.randomised:
        return [list(block) for block in blocks]
    lots = _Economical(blocks, experiment) if experiment.economical else _Plain(blocks, experiment)
    best, least = lots.draw(0), 2.0
    for attempt in range(_ATTEMPTS):
        order = best if attempt == 0 else lots.draw(attempt)
        found = confounding([treatment for block in order for treatment in block])
        if found <= CONFOUNDED:
            return order
        if found < least - 1e-12:
            best, least = order, found
    return best


def confounding(treatments: Sequence[Treatment]) -> float:
    """Return the largest |correlation| of temperature, NaOH or agitation with the order; 0 where none varies."""
    factors = (
        [treatment.temperature_c for treatment in treatments],
        [treatment.naoh_pct for treatment in treatments],
        [treatment.agitation_pct or 0.0 for treatment in treatments],
    )
    return max(_with_time(levels) for levels in factors)


def preparation_s(treatments: Sequence[Treatment], experiment: Experiment, zone: Zone = USUAL_BATH) -> float:
    """Return the seconds of draining, filling, dosing, heating and cooling for baths in this order."""
    total, before = 0.0, None
    for treatment in treatments:
        total += change(before, treatment, experiment, zone).total_s
        before = BathState(treatment.temperature_c, treatment.naoh_pct)
    return total


def restriction(experiment: Experiment) -> str:
    """Return in words how the order was drawn, with the restriction that an economical order is under."""
    if not experiment.randomised:
        return tr("in the order of the file, not randomised: drift passes for an effect")
    if not experiment.economical:
        return tr("drawn at random within each block; again, if a factor went with time (correlation above 0.5)")
    text = tr(
        "drawn within each block among the cheapest {share:.0f} % of {draws} random orders; again, if a factor went "
        "with time (correlation above 0.5)"
    )
    return text.format(share=100 * CHEAPEST, draws=DRAWS)


def _with_time(levels: Sequence[float]) -> float:
    if len(set(levels)) < 2:
        return 0.0
    try:
        return abs(correlation(levels, range(len(levels))))
    except StatisticsError:
        return 0.0


class _Plain:
    """Every order of a block is as likely as any other."""

    def __init__(self, blocks: Sequence[Block], experiment: Experiment) -> None:
        self._blocks, self._seed = blocks, experiment.seed

    def draw(self, attempt: int) -> list[Block]:
        again = f"/{attempt}" if attempt else ""
        return [
            drawn(block, f"{self._seed}/order/{number}{again}") for number, block in enumerate(self._blocks, start=1)
        ]


class _Economical:
    """The orders of a block that cost little from where the block before it ended."""

    def __init__(self, blocks: Sequence[Block], experiment: Experiment) -> None:
        self._experiment = experiment
        self._cost: dict[tuple[Treatment | None, Treatment], float] = {}
        self._orders = []
        for number, block in enumerate(blocks, start=1):
            orders = [drawn(block, f"{experiment.seed}/economical/{number}/{k}") for k in range(DRAWS)]
            self._orders.append([(self._along(order), order) for order in orders])

    def draw(self, attempt: int) -> list[Block]:
        lot = Random(f"{self._experiment.seed}/economical/{attempt}")  # noqa: S311  # repeatable, not secret
        before: Treatment | None = None
        found: list[Block] = []
        for orders in self._orders:
            ranked = sorted(
                (cost + self._change_s(before, order[0]), number) for number, (cost, order) in enumerate(orders)
            )
            number = lot.choice(ranked[: round(CHEAPEST * len(ranked))])[1]
            found.append(list(orders[number][1]))
            before = found[-1][-1]
        return found

    def _along(self, order: Block) -> float:
        return sum(self._change_s(first, second) for first, second in pairwise(order))

    def _change_s(self, before: Treatment | None, after: Treatment) -> float:
        if (before, after) not in self._cost:
            state = None if before is None else BathState(before.temperature_c, before.naoh_pct)
            self._cost[before, after] = change(state, after, self._experiment, USUAL_BATH).total_s
        return self._cost[before, after]

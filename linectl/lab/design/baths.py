"""From an experiment to its baths: full factorial, replicates as blocks, order and positions drawn from the seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from linectl.errors import Refused
from linectl.model.experiments import Experiment
from linectl.model.records import Treatment
from linectl.words import tr

__all__ = ["POSITIONS", "PlannedBath", "PlannedBottle", "trials"]

POSITIONS = 24  # of the lab bath, when the line's file does not say

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class PlannedBottle:
    """One bottle of one bath: `label` is unique in the run, `position` counts from 1."""

    label: str
    position: int
    glue: str


@dataclass(frozen=True, slots=True)
class PlannedBath:
    """One treatment applied once. `ord` counts from 1 in the order of the run; bottles stand in loading order."""

    ord: int
    treatment: Treatment
    replicate: int
    block: str
    bottles: tuple[PlannedBottle, ...]


def trials(experiment: Experiment, positions: int = POSITIONS) -> list[PlannedBath]:
    """Return the baths of `experiment` in the order in which they are run, for a bath of `positions` positions.

    A replicate is a complete block (every treatment once), shuffled within itself: depletion, drift and learning,
    which run with time, then fall on all treatments alike. Every bath holds all glues; a bottle's position and its
    turn to go in are drawn too. The same experiment gives the same baths, whatever else is random.

    Raises:
        Refused: the bath has fewer positions than the experiment has bottles.
    """
    bottles = len(experiment.glues) * experiment.bottles_per_glue
    if bottles > positions:
        raise Refused(
            tr("{bottles} bottles a bath, but the bath has {positions} positions").format(
                bottles=bottles, positions=positions
            ),
            hint=tr("lower bottles_per_glue, or split the glues over two experiments"),
        )
    baths: list[PlannedBath] = []
    for replicate in range(1, experiment.replicates + 1):
        for treatment in _block(experiment, replicate):
            order = len(baths) + 1
            load = _load(experiment, order, positions)
            baths.append(PlannedBath(order, treatment, replicate, f"R{replicate}", load))
    return baths


def _block(experiment: Experiment, replicate: int) -> list[Treatment]:
    cells = [Treatment(temperature, naoh) for temperature in experiment.temperatures_c for naoh in experiment.naoh_pct]
    return _drawn(cells, f"{experiment.seed}/order/{replicate}") if experiment.randomised else cells


def _load(experiment: Experiment, order: int, positions: int) -> tuple[PlannedBottle, ...]:
    """Return the bottles of bath `order`, in the order in which they go in."""
    glues = [glue for glue in experiment.glues for _ in range(experiment.bottles_per_glue)]
    places = _drawn(range(1, positions + 1), f"{experiment.seed}/positions/{order}")
    turns = _drawn(list(zip(places, glues, strict=False)), f"{experiment.seed}/turns/{order}")
    return tuple(PlannedBottle(f"T{order:02d}-P{place:02d}", place, glue) for place, glue in turns)


def _drawn(items: Sequence[_T], seed: str) -> list[_T]:
    drawn = list(items)
    Random(seed).shuffle(drawn)  # noqa: S311  # a design is drawn to be repeatable, not secret
    return drawn

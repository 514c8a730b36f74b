"""Which treatments an experiment soaks, in blocks, for every kind of design."""

from __future__ import annotations

from itertools import product

from linectl.errors import Refused
from linectl.lab.design.fractions import fraction_blocks
from linectl.model.experiments import DesignKind, Experiment, PlannedTreatment
from linectl.model.records import Treatment
from linectl.words import tr

__all__ = ["cells", "centre", "treatment_blocks"]

Block = list[Treatment]


def treatment_blocks(experiment: Experiment) -> list[Block]:
    """Return the baths' treatments in blocks (one per replicate), not yet in order and without the centre baths.

    Raises:
        Refused: the design cannot be made of the levels and baths given.
    """
    design, replicates = experiment.design, experiment.replicates
    every = cells(experiment)
    if design.kind is DesignKind.TABLE:
        if not design.table:
            raise Refused(tr("a design by table needs at least one treatment in its table"))
        return [[_planned(line) for line in design.table] for _ in range(replicates)]
    if design.kind is DesignKind.FRACTIONAL:
        return fraction_blocks(every, design.fraction, replicates, experiment.seed)
    if design.kind is DesignKind.FACTORIAL:
        return [list(every) for _ in range(replicates)]
    return _dealt(_optimal(experiment, every), replicates)


def cells(experiment: Experiment) -> list[Treatment]:
    """Return every combination of temperature, NaOH and, where the experiment names its levels, agitation."""
    stirrer = experiment.agitation_pct or (None,)
    levels = product(experiment.temperatures_c, experiment.naoh_pct, stirrer)
    return [Treatment(*combination) for combination in levels]


def centre(experiment: Experiment) -> tuple[Treatment, int] | None:
    """Return the repeated treatment and how many baths have it, None without one."""
    found = experiment.design.centre
    return None if found is None or found.baths < 1 else (_planned(found.treatment), found.baths)


def _planned(line: PlannedTreatment) -> Treatment:
    return Treatment(line.temperature_c, line.naoh_pct, line.agitation_pct)


def _optimal(experiment: Experiment, every: Block) -> Block:
    """Return the baths of a c-optimal or compromise design, in the order of the cells."""
    from linectl.lab.design.optimal import whole_baths
    from linectl.lab.design.shares import optimal_shares

    design = experiment.design
    baths = len(every) * experiment.replicates if design.baths is None else design.baths
    shares = optimal_shares(experiment, every)
    if design.kind is DesignKind.COMPROMISE:
        shares = design.share * shares + (1.0 - design.share) / len(every)
    levels = [(cell.temperature_c, cell.naoh_pct, cell.agitation_pct) for cell in every]
    try:
        counts = whole_baths(shares, baths, levels)
    except ValueError as error:
        needed = max(len(experiment.temperatures_c), len(experiment.naoh_pct), len(experiment.agitation_pct))
        raise Refused(
            tr("{baths} baths cannot hold every level once").format(baths=baths),
            hint=tr("at least {needed} baths are needed, or fewer levels").format(needed=needed),
        ) from error
    return [cell for cell, count in zip(every, counts, strict=True) for _ in range(count)]


def _dealt(baths: Block, blocks: int) -> list[Block]:
    """Return the baths dealt out in turn, so that every block holds the like of every other."""
    dealt = [baths[number::blocks] for number in range(blocks)]
    return [block for block in dealt if block]

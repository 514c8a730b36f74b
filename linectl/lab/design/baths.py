"""From an experiment to its baths: treatments by its design, order, glues, positions and codes drawn from its seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from linectl.errors import Refused
from linectl.lab.design.loading import blind_codes, drawn, glues_in_turn, varieties
from linectl.lab.design.order import ordered
from linectl.lab.design.treatments import centre, treatment_blocks
from linectl.model.experiments import Experiment
from linectl.model.records import Treatment
from linectl.words import tr

__all__ = ["CENTRE", "POSITIONS", "PlannedBath", "PlannedBottle", "trials"]

POSITIONS = 24  # of the lab bath, when the line's file does not say
CENTRE = "C"  # the block of the centre baths


@dataclass(frozen=True, slots=True)
class PlannedBottle:
    """One bottle of one bath: `label` is unique in the run, `position` counts from 1.

    `factors` are its levels of the bottle factors; `code` stands for its glue in a blind experiment, else "".
    """

    label: str
    position: int
    glue: str
    factors: Mapping[str, str] = field(default_factory=dict)
    code: str = ""


@dataclass(frozen=True, slots=True)
class PlannedBath:
    """One treatment applied once. `ord` counts from 1 in the order of the run; bottles stand in loading order.

    `replicate` counts how often the treatment has stood in the run's blocks (centre baths by themselves, block "C").
    """

    ord: int
    treatment: Treatment
    replicate: int
    block: str
    bottles: tuple[PlannedBottle, ...]


def trials(experiment: Experiment, positions: int = POSITIONS) -> list[PlannedBath]:
    """Return the baths of `experiment` in the order in which they are run, for a bath of `positions` positions.

    A replicate is a block, shuffled within itself: depletion, drift and learning, which run with time, then fall on
    all treatments alike. Every bath holds all glues, or some in turn and the reference; a bottle's position and its
    turn to go in are drawn too. Centre baths stand at the start, in the middle and at the end. The same experiment
    gives the same baths, whatever else is random.

    Raises:
        Refused: the bath has fewer positions than the experiment has bottles, or the design cannot be made.
    """
    bottles = experiment.bottles_per_bath
    if bottles > positions:
        raise Refused(
            tr("{bottles} bottles a bath, but the bath has {positions} positions").format(
                bottles=bottles, positions=positions
            ),
            hint=tr("lower bottles_per_glue, or split the glues over two experiments"),
        )
    run = _run(experiment)
    glues = glues_in_turn(experiment, [treatment for treatment, _, _ in run])
    codes = blind_codes(experiment) if experiment.blind else {}
    return [
        PlannedBath(number, treatment, replicate, block, _load(experiment, number, positions, standing, codes))
        for number, ((treatment, replicate, block), standing) in enumerate(zip(run, glues, strict=True), start=1)
    ]


def _run(experiment: Experiment) -> list[tuple[Treatment, int, str]]:
    """Return treatment, replicate and block of each bath in the order of the run."""
    stood: Counter[Treatment] = Counter()
    run: list[tuple[Treatment, int, str]] = []
    for number, block in enumerate(ordered(treatment_blocks(experiment), experiment), start=1):
        for treatment in block:
            stood[treatment] += 1
            run.append((treatment, stood[treatment], f"R{number}"))
    repeated = centre(experiment)
    if repeated is None:
        return run
    treatment, count = repeated
    places = [0.5] if count == 1 else [k / (count - 1) for k in range(count)]
    before = len(run)
    for k in reversed(range(count)):  # from the end: what is put in does not move the places before it
        run.insert(round(places[k] * before), (treatment, k + 1, CENTRE))
    return run


def _load(
    experiment: Experiment, order: int, positions: int, glues: tuple[str, ...], codes: Mapping[str, str]
) -> tuple[PlannedBottle, ...]:
    """Return the bottles of bath `order`, in the order in which they go in."""
    standing = [one for one in varieties(experiment, glues) for _ in range(experiment.bottles_per_glue)]
    places = drawn(range(1, positions + 1), f"{experiment.seed}/positions/{order}")
    turns = drawn(list(zip(places, standing, strict=False)), f"{experiment.seed}/turns/{order}")
    return tuple(
        PlannedBottle(f"T{order:02d}-P{place:02d}", place, one.glue, one.factors, codes.get(one.glue, ""))
        for place, one in turns
    )

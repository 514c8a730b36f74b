"""What becomes of a bottle at the exit: its label, what is left of it, its glass, the inspector's word.

All figures here are engineering estimates; none is published.

- A label that is on covers all of its area. Once off, glue is left on `residue_pct` of the area and washes off with the
  time constant `residue_tau_s` of its lot.
- Paper comes off whole, torn or pulped in shares that depend on its wet strength and on whether jets tore it off.
- Glass has a strength, drawn once for each bottle in units of what `linectl.laws.glass` lets used glass (35 K up, 30 K
  down) or new glass (42 K) be exposed to: P(strength < x) = 1 - exp(-1e-4 x^10), a Weibull law. One used bottle in ten
  thousand breaks at the limit, one in a hundred at 55 K up, half at 85 K. It breaks in the first zone whose liquid is
  further from its own temperature, and its pocket comes out empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from math import exp, isfinite
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from linectl.laws.glass import COOLING, HEATING
from linectl.sim.glue.lots import Paper
from linectl.sim.washer.inspector import Inspector
from linectl.sim.washer.passage import Group, Row
from linectl.sim.washer.state import WasherParams

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["Fate", "Mode", "PassedBottle", "Verdict", "bottles_of", "breakage", "judge", "residue_pct"]

NOWHERE = -1
_AT_LIMIT = 1e-4  # of the bottles break at the limit
_MODULUS = 10.0
_JETS = 2.0  # agitation from which a label is torn off rather than floats off
_MODES: Mapping[tuple[Paper, bool], tuple[float, float]] = MappingProxyType(
    {  # shares whole, and whole or torn, of what comes off in calm liquid and under jets
        (Paper.HIGH_WET_STRENGTH, False): (0.92, 0.99),
        (Paper.HIGH_WET_STRENGTH, True): (0.70, 0.95),
        (Paper.MEDIUM_WET_STRENGTH, False): (0.55, 0.80),
        (Paper.MEDIUM_WET_STRENGTH, True): (0.20, 0.55),
    }
)


class Mode(StrEnum):
    """How the label came off."""

    ON = "on"  # it did not
    WHOLE = "whole"
    TORN = "torn"
    PULPED = "pulped"


class Fate(StrEnum):
    """Where the bottle went."""

    OUT = "out"
    REJECTED = "rejected"
    BROKEN = "broken"


class PassedBottle(NamedTuple):
    """A bottle that has left, the truth that no sensor sees included.

    `number` counts from 1 in its lot; `pocket` from the start of the chain. `entered_s` are its entries into the zones
    in process time, `release_s` when the label came off (infinite: not), in zone `released_in` (-1: none).
    `worst_step_k` is the largest jump of its glass, `broke_in` the zone where it broke (-1: none).
    """

    pocket: int
    lot: str
    number: int
    model: str
    glue: str
    entered_s: tuple[float, ...]
    left_s: float
    release_s: float
    released_in: int
    mode: Mode
    residue_pct: float
    f_min: float
    a0_s: float
    glass_out_c: float
    worst_step_k: float
    broke_in: int
    fate: Fate

    @property
    def released(self) -> bool:
        """Whether its label was off at the exit."""
        return isfinite(self.release_s)


def breakage(step_k: float, *, used: bool = True) -> float:
    """Return the share of bottles that break when their glass meets liquid `step_k` warmer (negative: colder)."""
    limit_k = _limits(used)[0 if step_k >= 0.0 else 1]
    severity: float = abs(step_k) / limit_k
    return 1.0 - exp(-_AT_LIMIT * severity**_MODULUS)


def residue_pct(release_s: Array, left_s: float, at_release_pct: float, tau_s: float) -> Array:
    """Return the share of the label area (%) still covered at `left_s`: 100 while the label is on."""
    import numpy as np

    return np.where(np.isfinite(release_s), at_release_pct * np.exp((release_s - left_s) / tau_s).clip(max=1.0), 100.0)


class Verdict(NamedTuple):
    """Of the bottles of one group: how many broke; of the others how many were rejected, released, judged wrongly."""

    bottles: int
    broken: int
    rejected: int
    released: int
    false_accepts: int
    false_rejects: int


def judge(group: Group, row: Row, inspector: Inspector) -> Verdict:
    """Return what became of the bottles of `group` when its row left: by lists, for they are ten at most."""
    residue = _residue(group, row)
    rejected: list[bool] = inspector.rejects(residue, group.draws.camera).tolist()
    dirty: list[bool] = inspector.dirty(residue).tolist()
    released_s: list[float] = group.released_s.tolist()
    whole = [True] * len(dirty)
    if _may_break(group, row):
        whole = (_broke_in(group, row) == NOWHERE).tolist()
    thrown = released = false_accepts = false_rejects = 0
    for is_whole, is_dirty, is_rejected, release_s in zip(whole, dirty, rejected, released_s, strict=True):
        if is_whole:
            thrown += is_rejected
            released += isfinite(release_s)
            false_accepts += is_dirty and not is_rejected
            false_rejects += is_rejected and not is_dirty
    return Verdict(len(whole), whole.count(False), thrown, released, false_accepts, false_rejects)


def bottles_of(row: Row, params: WasherParams, inspector: Inspector) -> Iterator[PassedBottle]:
    """Yield the bottles of a row that has left, in the order of their pockets."""
    pocket = row.pocket
    for group in row.groups:
        yield from _told(group, pocket, row, params, inspector)
        pocket += group.count


def _told(group: Group, pocket: int, row: Row, params: WasherParams, inspector: Inspector) -> Iterator[PassedBottle]:
    lot, hygiene, entered_s = group.lot, row.hygiene, tuple(row.entered_s)
    residue = _residue(group, row)
    columns = (
        group.released_s,
        group.draws.mode,
        residue,
        inspector.rejects(residue, group.draws.camera),
        _worst_k(group, row),
        _broke_in(group, row),
        row.glass_c + row.kept * group.inlet_k,
    )
    each = zip(*(column.tolist() for column in columns), strict=True)
    for k, (release_s, chance, left_pct, thrown, step_k, broke, glass_c) in enumerate(each):
        zone = row.zone_at(release_s) if isfinite(release_s) else NOWHERE
        yield PassedBottle(
            pocket=pocket + k,
            lot=lot.name,
            number=group.first + k,
            model=lot.model.name,
            glue=lot.glue,
            entered_s=entered_s,
            left_s=row.known_s,
            release_s=release_s,
            released_in=zone,
            mode=_mode(lot.paper, zone, chance, params),
            residue_pct=left_pct,
            f_min=hygiene.f_min,
            a0_s=hygiene.a0_s,
            glass_out_c=glass_c,
            worst_step_k=step_k,
            broke_in=broke,
            fate=Fate.BROKEN if broke != NOWHERE else Fate.REJECTED if thrown else Fate.OUT,
        )


def _residue(group: Group, row: Row) -> Array:
    return residue_pct(group.released_s, row.known_s, group.lot.residue_pct, group.lot.residue_tau_s)


def _may_break(group: Group, row: Row) -> bool:
    """Tell whether the weakest bottle might not bear the largest jump, whatever its own temperature: seldom."""
    spread_k: float = max(map(abs, group.inlet_k.tolist()))  # of few figures Python finds the largest sooner
    up_k, down_k = _limits(group.lot.used)
    step_k: list[float] = row.jumps.step_k.tolist()
    severity: float = max((max(step_k) + spread_k) / up_k, (spread_k - min(step_k)) / down_k)
    weakest: float = min(group.draws.strength.tolist())
    return weakest < 1.0 - exp(-_AT_LIMIT * severity**_MODULUS)


def _steps_k(group: Group, row: Row) -> Array:
    """Return the jumps of the glass in K, zones x bottles."""
    import numpy as np

    return row.jumps.step_k[:, None] - np.outer(row.jumps.kept, group.inlet_k)


def _worst_k(group: Group, row: Row) -> Array:
    import numpy as np

    steps_k = _steps_k(group, row)
    return np.asarray(np.take_along_axis(steps_k, np.abs(steps_k).argmax(axis=0)[None, :], axis=0)[0])


def _broke_in(group: Group, row: Row) -> NDArray[np.intp]:
    """Return the zone in which each bottle broke, -1 for none."""
    import numpy as np

    steps_k = _steps_k(group, row)
    up_k, down_k = _limits(group.lot.used)
    severity = np.where(steps_k >= 0.0, steps_k / up_k, steps_k / -down_k)
    strength = (-np.log1p(-group.draws.strength) / _AT_LIMIT) ** (1.0 / _MODULUS)
    breaks = severity > strength
    return np.where(breaks.any(axis=0), row.jumps.zone[breaks.argmax(axis=0)], NOWHERE)


def _limits(used: bool) -> tuple[float, float]:
    return (HEATING.block_k, COOLING.block_k) if used else (HEATING.hard_k, COOLING.hard_k)


def _mode(paper: Paper, zone: int, chance: float, params: WasherParams) -> Mode:
    if zone == NOWHERE:
        return Mode.ON
    whole, not_pulped = _MODES[paper, params.zones[zone].mech >= _JETS]
    return Mode.WHOLE if chance < whole else Mode.TORN if chance < not_pulped else Mode.PULPED

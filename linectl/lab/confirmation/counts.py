"""From a run's bottles to the counts of a confirmation: off within the soak, stuck, or not watched to its end.

A label that came off between two looks of which the later lies beyond the soak counts as stuck: the unfavourable
reading. A bottle that was taken out, or whose bath ended early, before the soak was over and with its label on is not
counted at all, and said.
"""

from __future__ import annotations

from collections.abc import Sequence

from linectl.lab.confirmation.evaluate import Bath
from linectl.model.confirmations import Confirmation
from linectl.model.records import Bottle, Trial
from linectl.units import NS_PER_S

__all__ = ["bath_counts", "bottle_outcome"]

_LOOK_SLACK_S = 1.0  # a look planned for the soak's end is made a moment before or after it
_PIECES = "pulped"


def bottle_outcome(bottle: Bottle, soak_s: float) -> bool | None:
    """Return whether the label of `bottle` stuck through `soak_s`; None when it was not watched so long."""
    if bottle.first_detached_ns is not None:
        return (bottle.first_detached_ns - bottle.inserted_ns) / NS_PER_S > soak_s + _LOOK_SLACK_S
    seen_ns = bottle.inserted_ns if bottle.last_attached_ns is None else bottle.last_attached_ns
    return True if (seen_ns - bottle.inserted_ns) / NS_PER_S >= soak_s - _LOOK_SLACK_S else None


def bath_counts(run_id: str, trials: Sequence[Trial], bottles: Sequence[Bottle], present: Confirmation) -> list[Bath]:
    """Return the baths of a run that held bottles of the confirmation's glue, in their order."""
    found: list[Bath] = []
    for trial in trials:
        mine = [b for b in bottles if b.trial == trial.ord and b.glue == present.glue]
        outcomes = [bottle_outcome(bottle, present.soak_s) for bottle in mine]
        counted = [bottle for bottle, outcome in zip(mine, outcomes, strict=True) if outcome is not None]
        if not mine:
            continue
        scored = [bottle for bottle in counted if bottle.residue_pct is not None]
        lots = sorted({str(bottle.factors.get("lot", "")) for bottle in mine})
        found.append(
            Bath(
                run=run_id,
                trial=trial.ord,
                bottles=len(counted),
                stuck=sum(outcome is True for outcome in outcomes),
                scored=len(scored),
                residue=sum((b.residue_pct or 0.0) > present.residue_max_pct for b in scored),
                pulped=sum(bottle.mode == _PIECES for bottle in scored),
                unwatched=len(mine) - len(counted),
                lots=tuple(lot for lot in lots if lot),
            )
        )
    return found

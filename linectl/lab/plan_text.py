"""Treatments of a plan as people read them, in the language in use."""

from __future__ import annotations

from linectl.model.records import Treatment
from linectl.words import number, tr

__all__ = ["treatment_text"]


def treatment_text(treatment: Treatment) -> str:
    """Return `60 °C, 1.5 %` (French: `60 °C, 1,5 %`), and the stirrer where the experiment varies it."""
    text = tr("{temperature} °C, {naoh} %").format(
        temperature=number(treatment.temperature_c), naoh=number(treatment.naoh_pct)
    )
    if treatment.agitation_pct is None:
        return text
    return text + tr(", stirrer {percent} %").format(percent=number(treatment.agitation_pct))

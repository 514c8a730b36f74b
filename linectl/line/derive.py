"""Tags computed from other tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from linectl.laws.naoh import HIGHEST_PCT, LOWEST_PCT, naoh_pct
from linectl.line.convert import Decoded
from linectl.model.lines import Tag
from linectl.model.readings import GOOD, Reading, bad
from linectl.words import number, tr, with_comma

__all__ = ["LAWS", "derived"]

LAWS: Mapping[str, Callable[[float, float], float | None]] = {"naoh_conductivity": naoh_pct}
"""By name, the laws of two inputs: a value, or None outside the law's own range."""

_INPUT_UNITS = {"naoh_conductivity": ("mS/cm", "°C")}
_HOLDS = {"naoh_conductivity": f"{LOWEST_PCT:g}-{HIGHEST_PCT:g} % NaOH, 5-90 °C"}


def derived(tag: Tag, inputs: Sequence[Reading]) -> Decoded:
    """Return the value of a derived tag from its inputs' readings.

    An input that is not good gives its own quality: of a missing temperature no NaOH is computed.
    """
    assert tag.derived is not None
    for reading in inputs:
        if reading.value is None:
            return None, reading.quality, reading.tag
    first, second = (float(reading.value or 0.0) for reading in inputs)
    value = LAWS[tag.derived.law](first, second)
    if value is None:
        return None, bad("out_of_range"), _outside(tag.derived.law, inputs)
    if (tag.low is not None and value < tag.low) or (tag.high is not None and value > tag.high):
        return None, bad("out_of_range"), f"{value:g} {tag.unit}"
    if tag.correction is not None:
        value = tag.correction(value)
    worst = min((reading.quality for reading in inputs), key=lambda quality: quality.level)
    return value, GOOD if worst.is_good else worst, ""


def _outside(law: str, inputs: Sequence[Reading]) -> str:
    """Return that the inputs are outside what the law holds for, with their values."""
    units = _INPUT_UNITS[law]
    values = ", ".join(
        f"{each.tag} {number(float(each.value or 0.0))} {unit}" for each, unit in zip(inputs, units, strict=True)
    )
    return tr("{values}: outside the range of the law {law} ({range})").format(
        values=values, law=law, range=with_comma(_HOLDS[law])
    )

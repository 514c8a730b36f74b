"""The same registers read in each byte order, and which of them a sound instrument could have meant. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite

from drivers.frames.registers import value_of
from drivers.link import RawValue
from linectl.line.convert import decoder
from linectl.model.lines import Tag
from linectl.model.readings import Value

__all__ = ["ORDERS", "Guess", "guesses", "likely_order"]

ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
_WIDE = frozenset({"u32", "i32", "u64", "i64", "f32", "f64"})
_NARROW = frozenset({"u16", "i16"})
_FLOATS = frozenset({"f32", "f64"})
_TINY = 1e-6
"""Share of the range below which a float other than 0 is the bits of something else: swapped words of a usual number
give an exponent far from it (71.3 with its words swapped is -1.6e-23, inside any range that holds 0)."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What the registers mean in `order`: raw, in the tag's unit (None: no number), and whether that is plausible.

    `plausible` is None where the tag has no low and high to judge by.
    """

    order: str
    raw: RawValue
    value: Value | None
    plausible: bool | None


def guesses(tag: Tag, registers: Sequence[int]) -> list[Guess]:
    """Return the readings of `registers` in the orders that make a difference, the tag's own first; [] for no number.

    One register has two orders (its bytes), more have four.
    """
    point = tag.point
    if point is None or not registers or point.kind not in _WIDE | _NARROW:
        return []
    orders = ORDERS if point.kind in _WIDE else ("ABCD", "BADC")
    own = point.order if point.order in orders else "ABCD"
    return [_guess(tag, registers, order) for order in sorted(orders, key=lambda order: order != own)]


def likely_order(tag: Tag, registers: Sequence[int]) -> str:
    """Return the one order that is plausible where the tag's own is not; "" when there is no such one."""
    own, *others = guesses(tag, registers) or [Guess("", 0, None, None)]
    if own.plausible is not False or own.raw in tag.scaling.bad_raw:
        return ""  # a code by which the device says "sensor fault" was read right
    fitting = {guess.value: guess.order for guess in reversed(others) if guess.plausible}
    return next(iter(fitting.values())) if len(fitting) == 1 else ""


def _guess(tag: Tag, registers: Sequence[int], order: str) -> Guess:
    assert tag.point is not None
    raw = value_of(tag.point.kind, registers, order)
    value = decoder(replace(tag, low=None, high=None))(raw)[0]
    return Guess(order, raw, value, _plausible(tag, value))


def _plausible(tag: Tag, value: Value | None) -> bool | None:
    if tag.low is None or tag.high is None:
        return None
    if value is None or not isfinite(value) or not tag.low <= value <= tag.high:
        return False
    assert tag.point is not None
    return tag.point.kind not in _FLOATS or value == 0 or abs(value) >= _TINY * (tag.high - tag.low)

"""Values of tags as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from linectl.tui.styled import printable
from linectl.tui.watch.feed import number
from linectl.words import decimal, tr
from linectl.words import number as short_number

__all__ = ["decimals_of", "figure"]


def figure(value: object, info: Mapping[str, Any]) -> str:
    """Return a value without its unit: the name of a state, yes or no, else a number with the tag's decimals."""
    if value is None:
        return "–"
    named = _state(value, info)
    if named:
        return named
    if isinstance(value, bool):
        return tr("yes") if value else tr("no")
    known = number(value)
    if known is None:
        return printable(str(value))
    decimals = decimals_of(info)
    return short_number(float(f"{known:.6g}")) if decimals is None else decimal(known, decimals)


def decimals_of(info: Mapping[str, Any]) -> int | None:
    """Return with how many decimals the tag is shown, None when that is not said."""
    found = number(info.get("decimals"))
    return None if found is None else max(0, int(found))


def _state(value: object, info: Mapping[str, Any]) -> str:
    """Return the name of the state that a value stands for; "" without names."""
    states = info.get("states")
    if not isinstance(states, Mapping) or not isinstance(value, int | float):
        return ""
    key = str(int(value))
    return printable(str(states[key])) if key in states else ""

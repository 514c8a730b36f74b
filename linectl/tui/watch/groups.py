"""Tags that are many of one kind (`label.p01` to `label.p24`): one row of marks, in place of a screen of yes and no."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from linectl.tui.styled import Line, Mood
from linectl.tui.watch.feed import section, text

__all__ = ["FEWEST", "grouped", "marks"]

FEWEST = 6
_NUMBERED = re.compile(r"(.*[a-z_])(\d+)")
_YES, _NO, _NONE = "▮", "▯", "·"


def grouped(state: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the rows of the values: each tag by itself, numbered contacts together under `label.p01…24`."""
    stems: dict[str, list[str]] = {}
    for name, info in section(state, "tags").items():
        found = _NUMBERED.fullmatch(name)
        if found and not info.get("unit") and not info.get("writable") and _is_contact(state, name, info):
            stems.setdefault(found[1], []).append(name)
    together = {name: names for names in stems.values() if len(names) >= FEWEST for name in names}
    rows: dict[str, list[str]] = {}
    for name in section(state, "tags"):
        names = together.get(name, [name])
        rows[_title(names)] = names
    return rows


def _is_contact(state: Mapping[str, Any], name: str, info: Mapping[str, Any]) -> bool:
    value = section(section(state, "values"), name).get("value")
    return text(info.get("dtype")) == "bool" or isinstance(value, bool)


def _title(names: list[str]) -> str:
    """Return `label.p01…24` for many, the name itself for one."""
    found = _NUMBERED.fullmatch(names[-1])
    return names[0] if len(names) == 1 or found is None else f"{names[0]}…{found[2]}"


def marks(state: Mapping[str, Any], names: list[str], *, dead: bool) -> Line:
    """Return a mark for each contact: `▮` yes, `▯` no, `·` not known or not there."""
    values = section(state, "values")
    shown = ""
    for name in names:
        reading = section(values, name)
        known = None if dead or text(reading.get("quality")).upper() == "BAD" else reading.get("value")
        shown += _NONE if not isinstance(known, bool) else _YES if known else _NO
    return ((shown, Mood.NORMAL),)

"""The values: where each stands between its limits, how much it is, how old; hatched when it cannot be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from linectl.line.reason_words import reason_text
from linectl.tui.styled import Line, Mood, cells_of, cut, fill, fit, printable
from linectl.tui.watch.alarm_words import MOODS, SHAPES, listed, priority_of, state_of
from linectl.tui.watch.feed import number, section, text
from linectl.tui.watch.figures import figure
from linectl.tui.watch.groups import grouped, marks
from linectl.tui.watch.sight import Sight, short
from linectl.words import tr

__all__ = ["in_order", "stale_why", "table", "window"]

Piece = tuple[str, Mood]
_ACTIVE = {"unacknowledged", "acknowledged"}
_HATCH = "▒"
_PERIODS, _WAY_S = 2.5, 1.0
_FIGURE, _UNIT, _AGE, _MARK = 7, 6, 5, 3
_INNER = 11  # cells between the ends of a bar; the normal band takes the middle third


def in_order(sight: Sight) -> list[str]:
    """Return the rows that the filter lets through (a tag each, or a group).

    Measured ones with a normal band come first, then other quantities, contacts and states, last bare counters.
    """
    tags = section(sight.state, "tags")
    wanted = sight.filter.lower()
    rows = grouped(sight.state)
    found = [row for row, names in rows.items() if any(wanted in _said(name, tags[name]) for name in names)]
    return sorted(found, key=lambda row: _rank(tags[rows[row][0]]))  # within each, the line file's own order


def _said(name: str, info: Mapping[str, Any]) -> str:
    return f"{name} {info.get('description', '')} {info.get('label', '')}".lower()


def _rank(info: Mapping[str, Any]) -> int:
    banded = not info.get("writable") and any(
        number(info.get(key)) is not None for key in ("normal_low", "normal_high")
    )
    told = info.get("states") or text(info.get("dtype")) == "bool"
    return 0 if banded else 1 if info.get("unit") else 2 if told else 3


def table(sight: Sight, width: int, height: int) -> list[Line]:
    """Return at most `height` rows of `width` cells round the chosen tag; how many are not shown is said."""
    names = in_order(sight)
    if not names:
        nothing = tr("no tag fits the filter") if sight.filter else tr("no values yet")
        return [fill(((f" {nothing}", Mood.QUIET),), width)]
    if height < 1:
        return []
    alarmed = _alarmed(sight.state)
    first, last = window(names, sight.chosen, height)
    groups = grouped(sight.state)
    rows = [
        _row(sight, name, alarmed.get(name), width)
        if len(groups[name]) == 1
        else _group(sight, name, groups[name], width)
        for name in names[first:last]
    ]
    hidden = [*names[:first], *names[last:]]
    return [*rows, fill(_hidden(sight, hidden, alarmed), width)] if hidden else rows


def window(names: Sequence[str], chosen: str, height: int) -> tuple[int, int]:
    """Return from where to where `names` are shown in `height` rows; one row is left to say what is not shown."""
    if len(names) <= height:
        return 0, len(names)
    room = max(0, height - 1)
    at = names.index(chosen) if chosen in names else 0
    first = min(max(0, at - room + 1), len(names) - room)
    return first, first + room


def _hidden(sight: Sight, names: Sequence[str], alarmed: Mapping[str, int]) -> Line:
    """Return how many tags stand above and below, and how many of them are not as they should be."""
    wrong = sum(name in alarmed or bool(_lacks(sight, name)) for name in names)
    pieces: list[Piece] = [(" " + tr("↑↓ {n} more").format(n=len(names)), Mood.QUIET)]
    if wrong:
        pieces.append(("  " + tr("{n} of them abnormal").format(n=wrong), Mood.STRONG))
    return tuple(pieces)


def _lacks(sight: Sight, name: str) -> bool:
    """Whether a value is missed: what is not there, or was never asked for, is not."""
    reading = section(section(sight.state, "values"), name)
    absent = text(reading.get("reason")) in {"out_of_service", "waiting_for_initial_data"}
    return bool(reading) and not absent and bool(stale_why(sight, name))


def _group(sight: Sight, name: str, names: list[str], width: int) -> Line:
    """Return a row of marks for many contacts."""
    cursor = "▶" if name == sight.chosen else " "
    room = _label_width(width)
    marked = marks(sight.state, names, dead=sight.dead)
    return fill(((cursor + fit(name, room) + " ", Mood.NORMAL), *marked), width)


def _inner(width: int) -> int:
    return _INNER if width >= 54 else 7


def _label_width(width: int) -> int:
    return width - 2 - (_inner(width) + 3) - _FIGURE - _UNIT - _AGE - _MARK


def _alarmed(state: Mapping[str, Any]) -> dict[str, int]:
    """Return the highest priority of what stands at each tag."""
    found: dict[str, int] = {}
    for alarm in listed(state):
        if state_of(alarm) in _ACTIVE:
            tag = text(alarm.get("tag"))
            found[tag] = min(priority_of(alarm), found.get(tag, 4))
    return found


def stale_why(sight: Sight, name: str) -> str:
    """Return why the value of a tag cannot be trusted, for people; "" when it can."""
    reading = section(section(sight.state, "values"), name)
    if not reading:
        return reason_text("waiting_for_initial_data")
    if sight.dead:
        return reason_text("stale")
    if text(reading.get("quality")).upper() == "BAD" or reading.get("value") is None:
        return reason_text(text(reading.get("reason")) or "not_connected")
    most = _most_s(section(section(sight.state, "tags"), name))
    return reason_text("stale") if most is not None and sight.ages.get(name, 0.0) > most else ""


def _most_s(info: Mapping[str, Any]) -> float | None:
    """Return how old a value may be, s: what the line says, else as the server judges it and a moment on the way."""
    most, period = number(info.get("max_age_s")), number(info.get("period_s"))
    return most if most is not None or period is None else _PERIODS * period + _WAY_S


def _row(sight: Sight, name: str, priority: int | None, width: int) -> Line:
    info = section(section(sight.state, "tags"), name)
    reading = section(section(sight.state, "values"), name)
    inner, label_width = _inner(width), _label_width(width)
    cursor = "▶" if name == sight.chosen else " "
    why = stale_why(sight, name)
    label: Piece = (cursor + fit(printable(name), label_width) + " ", Mood.STRONG if priority else Mood.NORMAL)
    body = _hatched(why, inner) if why else _value(reading, info, inner)
    never = text(reading.get("reason")) == "waiting_for_initial_data"
    age = short(sight.ages[name]) if name in sight.ages and not (sight.dead or never) else ""
    mark: Piece = (f" {SHAPES[priority]}", MOODS[priority]) if priority else ("", Mood.NORMAL)
    return fill((label, *body, (age.rjust(_AGE), Mood.QUIET), mark), width)


def _hatched(why: str, inner: int) -> Line:
    """Return what stands in place of a value that is not one: never the last value as if it were fresh."""
    room = inner + 3 + _FIGURE + _UNIT
    words = f" {why} "
    ends = max(2, room - cells_of(words) - 3)
    left = ends // 2
    return cut(
        (
            (_HATCH * left, Mood.STALE),
            (words, Mood.STRONG),
            (_HATCH * (ends - left) + " ", Mood.STALE),
            ("? ", Mood.STRONG),
        ),
        room,
    )


def _value(reading: Mapping[str, Any], info: Mapping[str, Any], inner: int) -> Line:
    value = reading.get("value")
    unit = text(reading.get("unit")) or text(info.get("unit"))
    shown = figure(value, info)
    doubtful = text(reading.get("quality")).upper() not in {"", "GOOD"}
    reason = text(reading.get("reason"))
    forced = reason == "substituted"
    mood = Mood.FORCED if forced else Mood.NORMAL
    end = f" {printable(unit)}"
    if doubtful:
        end = f" {printable(unit)} ?" if not forced else f" {printable(unit)} M"
    gauge = _bar(value, info, inner)
    if gauge is None:  # a state has no scale: its name may take the bar's place
        return ((fit(shown, inner + 3 + _FIGURE).rstrip().rjust(inner + 3 + _FIGURE), mood), (fit(end, _UNIT), mood))
    return ((gauge + " ", Mood.QUIET), (shown.rjust(_FIGURE), mood), (fit(end, _UNIT), mood))


def _bar(value: object, info: Mapping[str, Any], inner: int) -> str | None:
    """Return where the value stands: `▕···┃·█··┃···▏`, between the marks it is normal; None without a scale."""
    known = number(value)
    low, high = number(info.get("normal_low")), number(info.get("normal_high"))
    scale = _scale(low, high, number(info.get("low")), number(info.get("high")))
    if known is None or scale is None:
        return None
    first, last = scale
    cells = ["·"] * inner
    for limit in (low, high):
        if limit is not None:
            cells[_place(limit, first, last, inner)] = "┃"
    cells[_place(known, first, last, inner)] = "█"
    return f"▕{''.join(cells)}▏"


def _scale(
    normal_low: float | None, normal_high: float | None, low: float | None, high: float | None
) -> tuple[float, float] | None:
    """Return what the ends of a bar stand for: three bands wide round a normal band, else the instrument's range."""
    if normal_low is not None and normal_high is not None and normal_high > normal_low:
        band = normal_high - normal_low
        return normal_low - band, normal_high + band
    return (low, high) if low is not None and high is not None and high > low else None


def _place(value: float, low: float, high: float, inner: int) -> int:
    return min(inner - 1, max(0, int((value - low) / (high - low) * inner)))

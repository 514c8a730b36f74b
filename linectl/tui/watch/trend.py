"""The trend of one tag over the last ten minutes: a curve, its limits as dashed lines, gaps where nothing was known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from linectl.tui.styled import Line, Mood, cut, fill, fit, printable
from linectl.tui.watch.alarm_words import SHAPES, listed, priority_of, state_of
from linectl.tui.watch.braille import Canvas
from linectl.tui.watch.feed import number, section, text
from linectl.tui.watch.figures import decimals_of, figure
from linectl.tui.watch.sight import Point, Sight
from linectl.words import tr

__all__ = ["WINDOW_S", "heading", "plot"]

WINDOW_S = 600.0
_GAP_S = 65.0  # two values farther apart are not joined: the slowest scans are half a minute
_AXIS = 7
_NEAR = 0.1  # of an instrument's range: a limit so near is always shown
_LEAST = 16  # columns of a curve


def heading(sight: Sight) -> str:
    """Return the tag, its unit, and how much time the curve shows."""
    unit = text(section(section(sight.state, "tags"), sight.chosen).get("unit"))
    title = " ".join(word for word in (printable(sight.chosen), printable(unit)) if word)
    return f"{title}  {tr('{n} min').format(n=round(WINDOW_S * sight.speed / 60))}"


def plot(sight: Sight, width: int, height: int) -> list[Line]:
    """Return the curve and the time axis: `height` lines of `width` cells."""
    info = section(section(sight.state, "tags"), sight.chosen)
    rows = height - 1
    known = [value for _, value in sight.trend if value is not None]
    if not known or rows < 2 or width < _AXIS + 3 + _LEAST:
        empty = tr("no trend yet") if sight.chosen else tr("no tag is chosen")
        return _filled([((f"  {empty}", Mood.QUIET),)], width, height)
    limits = _near(_limits(sight.state, sight.chosen, info), known, info)
    low, high = _range([*known, *(limit for limit, _ in limits)], info)
    return _filled([*_curve(sight, limits, (low, high), width, rows), _times(sight, width)], width, height)


def _filled(lines: list[Line], width: int, height: int) -> list[Line]:
    blank: Line = (("", Mood.NORMAL),)
    return [fill(line, width) for line in (*lines, *[blank] * (height - len(lines)))][:height]


def _limits(state: Mapping[str, Any], name: str, info: Mapping[str, Any]) -> list[tuple[float, str]]:
    """Return the limits of a tag with their names: its normal band, and those of the alarms that stand at it."""
    found: dict[float, str] = {}
    for key in ("normal_low", "normal_high"):
        limit = number(info.get(key))
        if limit is not None:
            found[limit] = tr("limit")
    for alarm in listed(state):
        limit = number(alarm.get("limit"))
        if text(alarm.get("tag")) == name and limit is not None and state_of(alarm) != "normal":
            found[limit] = f"{SHAPES[priority_of(alarm)]}"
    return sorted(found.items())


def _near(limits: list[tuple[float, str]], known: Sequence[float], info: Mapping[str, Any]) -> list[tuple[float, str]]:
    """Return the limits that leave something of the curve: one that is far away would make it a straight line."""
    low, high = min(known), max(known)
    first, last = number(info.get("low")), number(info.get("high"))
    reach = 3.0 * max(high - low, _least(info))
    if first is not None and last is not None:
        reach = max(reach, _NEAR * (last - first))
    return [(limit, name) for limit, name in limits if low - reach <= limit <= high + reach]


def _least(info: Mapping[str, Any]) -> float:
    """Return how much the axis spans at least, in the tag's unit: ten of its last digit."""
    digits = decimals_of(info)
    return float(10.0 ** (1 - (1 if digits is None else digits)))


def _range(values: Sequence[float], info: Mapping[str, Any]) -> tuple[float, float]:
    """Return what the axis spans: all values and limits with some room, and never so little that noise fills it."""
    low, high = min(values), max(values)
    room = max(_least(info) - (high - low), 0.1 * (high - low)) / 2
    return low - room, high + room


def _curve(
    sight: Sight, limits: list[tuple[float, str]], span: tuple[float, float], width: int, rows: int
) -> list[Line]:
    low, high = span
    columns = width - _AXIS - 3
    canvas = Canvas(columns, rows)
    for piece in _pieces(sight.trend):
        canvas.line([(_x(at, columns), _y(value, low, high, rows)) for at, value in piece])
    dashed = {_y(limit, low, high, rows) // 4: name for limit, name in limits}
    ticks = _ticks(low, high, rows, section(section(sight.state, "tags"), sight.chosen), dict(limits))
    lines: list[Line] = []
    for row in range(rows):
        name = dashed.get(row)
        text_of = canvas.row(row, braille=sight.braille, empty=" " if name is None else "╌")
        if name:
            text_of = _named(text_of, name)
        lines.append(
            (
                (ticks.get(row, "").rjust(_AXIS), Mood.QUIET),
                (" ┤" if row in ticks else " │", Mood.QUIET),
                (text_of, Mood.QUIET if sight.dead else Mood.NORMAL),
            )
        )
    return lines


def _named(row: str, name: str) -> str:
    """Return a dashed row with the limit's name at its left end, unless the curve is there."""
    label = f"╌{name}╌"
    return label + row[len(label) :] if row.startswith("╌" * len(label)) else row


def _pieces(points: Sequence[Point]) -> list[list[tuple[float, float]]]:
    """Return the parts of a curve between its gaps."""
    pieces: list[list[tuple[float, float]]] = []
    last: float | None = None
    for at, value in points:
        if value is None:
            last = None
            continue
        if last is None or at - last > _GAP_S:
            pieces.append([])
        pieces[-1].append((at, value))
        last = at
    return pieces


def _x(at_s: float, columns: int) -> int:
    return round((1.0 + at_s / WINDOW_S) * (2 * columns - 1))


def _y(value: float, low: float, high: float, rows: int) -> int:
    return round((high - value) / (high - low) * (4 * rows - 1))


def _ticks(low: float, high: float, rows: int, info: Mapping[str, Any], limits: Mapping[float, str]) -> dict[int, str]:
    """Return the figures of the axis by row: those of the limits, then of ends and middle where there is room."""
    found: dict[int, str] = {}
    digits = decimals_of(info)
    shown = {**info, "decimals": 1 if digits is None else digits, "states": None}
    for value in (*limits, high, low, (low + high) / 2):
        row = min(rows - 1, max(0, _y(value, low, high, rows) // 4))
        if not {row - 1, row, row + 1} & found.keys():
            found[row] = fit(figure(value, shown), _AXIS).strip()
    return found


def _times(sight: Sight, width: int) -> Line:
    """Return the times under the curve: at its left end, in the middle, now."""
    columns = width - _AXIS - 3
    row = [" "] * (columns + 2)
    shares = (0.0, 0.5, 1.0) if columns < 48 else (0.0, 0.25, 0.5, 0.75, 1.0)
    for share in shares:
        at = sight.now - timedelta(seconds=WINDOW_S * sight.speed * (1 - share))
        begin = min(max(0, round(share * columns) - 2), columns - 5)
        row[begin : begin + 5] = f"{at:%H:%M}"
    return cut(((" " * (_AXIS + 2) + "".join(row), Mood.QUIET),), width)

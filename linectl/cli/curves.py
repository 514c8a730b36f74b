"""Curves for a terminal: braille dots, an axis with figures and unit, local times below, gaps left as gaps.

Memory is as wide as the picture, not as long as the record: of each column the first, least, greatest and last value
are kept (Jugel et al., M4, PVLDB 7(10), 2014), so that no peak is lost.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from linectl.model.readings import Value
from linectl.server.asked_times import local
from linectl.tui.watch.braille import Canvas
from linectl.units import NS_PER_S
from linectl.words import decimal, language, number, tr

__all__ = ["STROKES", "Curve", "dots_of", "panel", "zone_text"]

_AXIS = 9  # cells of the figures at the left
_LEAST_WIDTH, _LEAST_HEIGHT = 30, 4
STROKES = ("━━━━", "━ ━ ", "╺ ╺ ")
"""How curves of one panel are told apart: unbroken, dashed, dotted."""
_SHOWN = ((1, 1), (6, 3), (4, 1))  # of so many dots the first so many are drawn
_STEPS_S = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200),
    *(86_400, 172_800, 604_800, 1_209_600, 2_592_000, 7_776_000, 31_536_000),
)


@dataclass(slots=True)
class _Column:
    first: float
    low: float
    high: float
    last: float
    joined: bool  # to the column before


class Curve:
    """One tag between two wall times (ns UTC), thinned to `dots` columns while its values pass."""

    def __init__(self, name: str, unit: str, since_ns: int, until_ns: int, dots: int) -> None:
        self.name, self.unit = name, unit
        self.since_ns, self.until_ns, self.dots = since_ns, max(until_ns, since_ns + 1), dots
        self.columns: dict[int, _Column] = {}
        self.count = 0
        self._last_ns: int | None = None
        self._boot = ""
        self._broken = True

    def take(self, t_ns: int, value: Value | None, *, boot: str, far_ns: int) -> None:
        """Take a value; None, another start, or more than `far_ns` since the one before leaves a gap."""
        self.count += 1
        last_ns, self._last_ns = self._last_ns, t_ns
        if last_ns is None or boot != self._boot or not 0 <= t_ns - last_ns <= far_ns:
            self._broken = True
        self._boot = boot
        if value is None or not math.isfinite(value) or not self.since_ns <= t_ns <= self.until_ns:
            self._broken = True
            return
        self._keep(float(value), min(self.dots - 1, self.x_of(t_ns)))
        self._broken = False

    def _keep(self, value: float, x: int) -> None:
        column = self.columns.get(x)
        if column is None:
            self.columns[x] = _Column(value, value, value, value, not self._broken)
            return
        column.low, column.high, column.last = min(column.low, value), max(column.high, value), value

    def digits(self) -> int:
        """Return how many decimals tell its values apart: a hundredth of what they span."""
        span = max((each.high for each in self.columns.values()), default=0.0)
        span -= min((each.low for each in self.columns.values()), default=0.0)
        return min(4, max(0, math.ceil(-math.log10(span / 100)))) if 0.0 < span < math.inf else 1

    def x_of(self, t_ns: int) -> int:
        """Return the column of a time."""
        return (t_ns - self.since_ns) * self.dots // (self.until_ns - self.since_ns)


def panel(curves: Sequence[Curve], width: int, height: int, *, braille: bool = True) -> list[str]:
    """Return curves of one unit as `height` lines of at most `width` cells: names, curve, times, title of the times."""
    width, height = max(width, _LEAST_WIDTH), max(height, _LEAST_HEIGHT)
    first, columns, rows = curves[0], width - _AXIS - 2, height - 3
    names = [curve.name if len(curves) == 1 else f"{STROKES[at]} {curve.name}" for at, curve in enumerate(curves)]
    title = f"{first.unit:>{_AXIS}}  {'   '.join(names)}"
    known = [bound for curve in curves for each in curve.columns.values() for bound in (each.low, each.high)]
    if not known:
        return [title[:width], tr("nothing recorded").rjust(_AXIS + 2 + len(tr("nothing recorded")))]
    low, high, ticks = _ticks(min(known), max(known), rows)
    pictures = [_drawn(curve, at, columns, rows, (low, high)) for at, curve in enumerate(curves)]
    lines = [title[:width]]
    for row in range(rows):
        mark = ticks.get(row)
        cells = _merged([each.row(row, braille=braille) for each in pictures])
        lines.append(f"{'' if mark is None else mark:>{_AXIS}} {'│' if mark is None else '┤'}{cells}".rstrip())
    times, step_s = _times(first, columns)
    return [*lines, " " * (_AXIS + 2) + times, " " * (_AXIS + 2) + _time_title(first, step_s)]


def dots_of(width: int) -> int:
    """Return how many columns of dots a panel of `width` cells has."""
    return 2 * (max(width, _LEAST_WIDTH) - _AXIS - 2)


def zone_text(moment: datetime) -> str:
    """Return by which clock the times here go: `local time, UTC+01:00`."""
    return tr("local time, UTC{offset}").format(offset=f"{moment:%z}"[:3] + ":" + f"{moment:%z}"[3:5])


def _drawn(curve: Curve, at: int, columns: int, rows: int, span: tuple[float, float]) -> Canvas:
    canvas, (low, high) = Canvas(columns, rows), span
    of, shown = _SHOWN[at]

    def y(value: float) -> int:
        return round((high - value) / (high - low) * (4 * rows - 1))

    last: tuple[int, int] | None = None
    for x, each in sorted(curve.columns.items()):
        points = [(x, y(each.high)), (x, y(each.low))]
        if each.joined and last is not None:
            points = [last, (x, y(each.first)), *points]
        if of == 1:
            canvas.line(points)
        else:
            for dot_x, dot_y in _dots(points):
                if dot_x % of < shown:
                    canvas.dot(dot_x, dot_y)
        last = x, y(each.last)
    return canvas


def _dots(points: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    found = list(points[:1])
    for (x0, y0), (x1, y1) in pairwise(points):
        steps = max(abs(x1 - x0), abs(y1 - y0), 1)
        found += [(round(x0 + (x1 - x0) * k / steps), round(y0 + (y1 - y0) * k / steps)) for k in range(1, steps + 1)]
    return found


def _merged(rows: Sequence[str]) -> str:
    """Return rows of cells laid over each other."""
    return "".join(_over(cells) for cells in zip(*rows, strict=True))


def _over(cells: Sequence[str]) -> str:
    dots = 0
    for cell in cells:
        if cell != " " and not "\u2800" <= cell <= "\u28ff":
            return cell
        dots |= 0 if cell == " " else ord(cell) - 0x2800
    return chr(0x2800 + dots) if dots else " "


def _ticks(low: float, high: float, rows: int) -> tuple[float, float, dict[int, str]]:
    """Return what the axis spans, and its round figures by row."""
    if high - low < 1e-9 * max(1.0, abs(high)):
        room = max(0.5, abs(high) * 0.01)
        low, high = low - room, high + room
    step = _nice((high - low) / max(2, rows // 2))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    low, high = min(low, first * step), max(high, last * step)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    found: dict[int, str] = {}
    for value in (k * step for k in range(first, last + 1)):
        row = min(rows - 1, round((high - value) / (high - low) * (4 * rows - 1)) // 4)
        found.setdefault(row, _figure(value, digits))
    return low, high, found


def _figure(value: float, digits: int) -> str:
    text = decimal(value + 0.0, digits) if digits <= 6 and abs(value) < 1e7 else number(value)
    return text[:_AXIS]


def _nice(step: float) -> float:
    """Return the next round step: 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next((nice * power for nice in (1, 2, 5) if step <= nice * power * (1 + 1e-9)), 10 * power)


def _times(curve: Curve, columns: int) -> tuple[str, float]:
    """Return the line of times at round moments, each under its column, and the step between them in s."""
    span_s = (curve.until_ns - curve.since_ns) / NS_PER_S
    widest = 8 if span_s < 600 else 5
    most = max(1, columns // (widest + 4))
    step_s = next((step for step in _STEPS_S if span_s / step <= most), _STEPS_S[-1])
    row = [" "] * columns
    end = 0
    for moment in _moments(local(curve.since_ns), local(curve.until_ns), step_s):
        text = _moment(moment, step_s)
        at = curve.x_of(round(moment.timestamp()) * NS_PER_S) // 2
        if end <= at <= columns - len(text):
            row[at : at + len(text)] = text
            end = at + len(text) + 1
    return "".join(row).rstrip(), step_s


def _moments(since: datetime, until: datetime, step_s: int) -> list[datetime]:
    """Return the round local times between two."""
    day_s = 86_400
    found: list[datetime] = []
    if step_s < day_s:
        midnight = since.replace(hour=0, minute=0, second=0, microsecond=0)
        at_s = math.ceil((since - midnight).total_seconds() / step_s) * step_s
        moment = midnight + timedelta(seconds=at_s)
    else:
        moment = since.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    while moment <= until and len(found) < 100:
        found.append(moment)
        moment += timedelta(seconds=step_s)
    return found


def _moment(moment: datetime, step_s: float) -> str:
    if step_s >= 86_400:
        return f"{moment:%d/%m}" if language() == "fr" else f"{moment:%m-%d}"
    return f"{moment:%H:%M}" if step_s >= 60 else f"{moment:%H:%M:%S}"


def _time_title(curve: Curve, step_s: float) -> str:
    since, until = local(curve.since_ns), local(curve.until_ns)
    days = f"{since:%Y-%m-%d}" if since.date() == until.date() else f"{since:%Y-%m-%d} – {until:%Y-%m-%d}"
    what = tr("date") if step_s >= 86_400 else tr("time of day")
    return f"{what}, {days} ({zone_text(since)})"

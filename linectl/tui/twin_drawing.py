"""How the picture of a simulated plant is laid out: lines of styled text, for a screen or for plain print. Pure.

Grey is normal. What is abnormal is marked by shape, by colour and in words: `▲` an alarm, `◆` a warning, `●` a fault
that stands, `≠` where what the PLC says is not what is true.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest

from linectl.server.simulation.twin_view import FaultView, Quantity, TwinView, ZoneView
from linectl.tui.styled import Line, Mood, cut
from linectl.tui.twin_words import alarm_words, fault_words, refusal_words, words
from linectl.words import decimal, tr

__all__ = ["draw"]


_NARROWEST, _WIDEST = 8, 14
_BAR_REACH_K = 5.0  # to both sides of the setpoint


def draw(view: TwinView, width: int, height: int) -> list[Line]:
    """Return the picture of `view`, at most `height` lines of at most `width` characters."""
    body = _washer(view, width) if view.plant == "washer" else _bath(view)
    foot = [*_machine(view, width), *_counts(view, width)]
    room = height - len(body) - len(foot) - len(view.standing) - 2  # a screen has few lines for alarms
    top = [_head(view), *_alarm_bar(view, width, max(1, room)), *body, *foot]
    return [cut(line, width) for line in (*top, *_faults(view, height - len(top)))][:height]


# head, counts and faults


def _clock(process_s: float) -> str:
    hours, rest = divmod(int(process_s), 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"


def _head(view: TwinView) -> Line:
    clock = _clock(view.process_s)
    seed = tr("seed {seed}").format(seed=view.seed)
    left = f" {view.line}  {clock}  x{decimal(view.speed, 0 if view.speed >= 1 else 2)}  "
    state = view.plc_state.upper()
    right = tr("owner {token}").format(token=view.owner) if view.owner else tr("no owner")
    pieces = [(left, Mood.STRONG), (state, Mood.STRONG)]
    if not view.held:
        late = tr("speed not held: {late} s late").format(late=decimal(view.late_s))
        pieces.append((f"  ◆ {late} ", Mood.WARNING))
    pieces.append((f"  {right}  {seed}", Mood.QUIET))
    if view.held and view.overruns:
        late = tr("late {times} times, {worst} s at most").format(times=view.overruns, worst=decimal(view.worst_s))
        pieces.append((f"  {late}", Mood.QUIET))
    return tuple(pieces)


def _alarm_bar(view: TwinView, width: int, room: int) -> list[Line]:
    """Return the alarms and warnings in at most `room` lines; how many found no room there is told."""
    cells = [(f"▲ {alarm_words(each)}", Mood.ALARM) for each in view.alarms]
    cells += [(f"◆ {alarm_words(each)}", Mood.WARNING) for each in view.warnings if each not in view.alarms]
    lines = _wrapped(cells or [(tr("no alarm"), Mood.QUIET)], width)
    if len(lines) <= room:
        return lines
    told = _wrapped(cells, width - len(f"+{len(cells)}"))[:room]
    more = len(cells) - sum(mood is not Mood.NORMAL for line in told for _, mood in line)
    return [*told[:-1], (*told[-1], (f"+{more}", Mood.STRONG))]


def _machine(view: TwinView, width: int) -> list[Line]:
    """Return the figures of the whole machine; what is told is added where it is not what is true."""
    cells: list[tuple[str, Mood]] = []
    for each in view.machine:
        told = "?" if each.told is None else decimal(each.told, each.digits)
        lie = f"≠{told}" if each.differs else ""
        cells.append((f"{words(each.name)} {_figure(each.true, each)}{lie}", Mood.LIE if lie else Mood.NORMAL))
    return _wrapped(cells, width)


def _wrapped(cells: Iterable[tuple[str, Mood]], width: int) -> list[Line]:
    """Return cells in lines of at most `width`."""
    lines: list[list[tuple[str, Mood]]] = []
    used = width
    for text, mood in cells:
        if used + len(text) + 3 > width:
            lines.append([(" ", Mood.NORMAL)])
            used = 1
        lines[-1] += [(text, mood), ("   ", Mood.NORMAL)]
        used += len(text) + 3
    return [tuple(line) for line in lines]


def _counts(view: TwinView, width: int) -> list[Line]:
    cells = [(f"{words(name)} {_short(value)}", Mood.NORMAL) for name, value in view.counts.items()]
    if view.refused:
        cells.append((tr("no feed: {why}").format(why=refusal_words(view.refused)), Mood.QUIET))
    return _wrapped(cells, width)


def _faults(view: TwinView, room: int) -> list[Line]:
    told = [each for each in view.faults if each.state == "standing"]
    others = [each for each in view.faults if each.state != "standing"]
    legend = tr("= is what the PLC says, ≠ is where that is not true") if view.plant == "washer" else ""
    heading = tr("{n} standing").format(n=len(told))
    lines: list[Line] = [((f" {tr('faults')} ", Mood.STRONG), (f"{heading}     {legend}".rstrip(), Mood.QUIET))]
    for each in (*told, *others):
        mark, mood = ("●", Mood.FAULT) if each.state == "standing" else ("○", Mood.QUIET)
        what = f"{each.number} {each.kind} {each.target}".rstrip()
        since = f" {words(each.state)}{_when(each)}  {fault_words(each.state, each.kind, each.values, each.text)}"
        lines.append(((f" {mark} {what} ", mood), (since, Mood.QUIET)))
    return lines[: max(0, room)]


def _when(fault: FaultView) -> str:
    """Return since when it stands, until when it waits, or when it ended."""
    forms = {"standing": tr(" since {time}"), "waiting": tr(" until {time}"), "ended": tr(" at {time}")}
    time_s = fault.until_s if fault.state == "ended" else fault.since_s
    return "" if time_s is None else forms[fault.state].format(time=_clock(time_s))


def _short(value: float) -> str:
    return f"{value:.0f}" if value == round(value) else decimal(value)


# the washer: eight tanks side by side, the chain above them


def _washer(view: TwinView, width: int) -> list[Line]:
    wide = max(_NARROWEST, min(_WIDEST, (width - 1) // max(1, len(view.zones)) - 1))
    columns = [_tank(zone, wide) for zone in view.zones]
    edge = [(f"{'─' * wide}┬" if zone is not view.zones[-1] else "─" * wide) for zone in view.zones]
    lines: list[Line] = [_chain(view, wide), ((f"┌{''.join(edge)}┐", Mood.QUIET),)]
    for row in zip_longest(*columns, fillvalue=(" " * wide, Mood.NORMAL)):
        pieces: list[tuple[str, Mood]] = [("│", Mood.QUIET)]
        for cell in row:
            pieces += [cell, ("│", Mood.QUIET)]
        lines.append(tuple(pieces))
    bottom = "".join(edge).replace("┬", "┴")
    return [*lines, ((f"└{bottom}┘", Mood.QUIET),)]


def _chain(view: TwinView, wide: int) -> Line:
    """Draw the chain: a mark for each carrier with bottles, as dense as its zone is full, moving with the carriers."""
    shift = int(view.carriers)
    text = ""
    for zone in view.zones:
        share = zone.bottles / zone.places if zone.places else 0.0
        for _ in range(wide + 1):
            number = len(text) - shift
            full = number % 2 == 0 and (number // 2 * 0.618) % 1.0 < share
            text += "▮" if full else "·"
    return ((f" {text[:-1]}", Mood.NORMAL), ("▶", Mood.QUIET))


def _tank(zone: ZoneView, wide: int) -> list[tuple[str, Mood]]:
    inner: list[tuple[str, Mood]] = []
    inner += _quantity(zone.quantity("temperature"), wide)
    inner += _quantity(zone.quantity("naoh") or zone.quantity("ph"), wide)[:2]
    level = zone.quantity("level")
    inner.append(_told_in_one(level, tr("lvl"), wide))
    inner.append(_told_in_one(zone.quantity("pressure"), "", wide))
    heat = zone.quantity("heater")
    inner.append((_fit("" if heat is None else _figure(heat.true, heat), wide), Mood.NORMAL))
    inner.append((_fit(f"{zone.bottles} ▮" if zone.places else "", wide), Mood.NORMAL))
    wet = round(zone.level_pct / 100.0 * len(inner))
    filled = [
        (text, Mood.LIQUID if mood is Mood.NORMAL and row >= len(inner) - wet else mood)
        for row, (text, mood) in enumerate(inner)
    ]
    return [(_fit(zone.name.upper(), wide), Mood.STRONG), (_fit(words(zone.kind), wide), Mood.QUIET), *filled]


def _quantity(quantity: Quantity | None, wide: int) -> list[tuple[str, Mood]]:
    """Return truth, what the PLC says, and the bar round the setpoint."""
    if quantity is None:
        return [(" " * wide, Mood.NORMAL)] * 3
    told = (" " * wide, Mood.NORMAL)
    if quantity.is_told:
        mark = "≠" if quantity.differs else "="
        said = "?" if quantity.told is None else decimal(quantity.told, quantity.digits)
        told = (_fit(f"{mark}{said}", wide), Mood.LIE if quantity.differs else Mood.NORMAL)
    return [(_fit(_figure(quantity.true, quantity), wide), Mood.NORMAL), told, (_bar(quantity, wide), Mood.NORMAL)]


def _told_in_one(quantity: Quantity | None, name: str, wide: int) -> tuple[str, Mood]:
    if quantity is None:
        return " " * wide, Mood.NORMAL
    digits = 0 if quantity.unit == "%" else quantity.digits
    true = decimal(quantity.true, digits)
    if not quantity.differs:
        text = f"{name} {true} {quantity.unit}".strip()
        return _fit(text if len(text) <= wide else f"{name} {true}{quantity.unit}", wide), Mood.NORMAL
    said = "?" if quantity.told is None else decimal(quantity.told, digits)
    return _fit(f"{true}≠{said}", wide), Mood.LIE


def _bar(quantity: Quantity, wide: int) -> str:
    """Return where the value stands beside its setpoint, `|`; blank without one."""
    if not quantity.setpoint:
        return " " * wide
    inner = wide - 2
    middle = inner // 2
    at = middle + round((quantity.true - quantity.setpoint) / _BAR_REACH_K * middle)
    cells = ["·"] * inner
    cells[middle] = "┃"
    cells[min(max(at, 0), inner - 1)] = "█"
    return f"▕{''.join(cells)}▏"


def _figure(value: float, quantity: Quantity) -> str:
    if quantity.unit == "pH":
        return f"pH {decimal(value, quantity.digits)}"
    return f"{decimal(value, quantity.digits)} {quantity.unit}"


def _fit(text: str, wide: int) -> str:
    return text[:wide].center(wide)


# the bath: one tank, its places beside it

_BATH_WIDE = 40
_PLACES_IN_ROW = 6


def _bath(view: TwinView) -> list[Line]:
    zone = view.zones[0]
    left = [_bath_row(each) for each in zone.quantities]
    wet = round(zone.level_pct / 100.0 * len(left))
    left = [
        (text, Mood.LIQUID if mood is Mood.NORMAL and row >= len(left) - wet else mood)
        for row, (text, mood) in enumerate(left)
    ]
    heading = f"{'':16}{tr('true'):>11}{tr('told'):>11} "[:_BATH_WIDE].ljust(_BATH_WIDE)
    lines: list[Line] = [((f"┌{'─' * _BATH_WIDE}┐", Mood.QUIET),), _walls((heading, Mood.QUIET))]
    lines += [_walls(each) for each in left]
    lines.append(((f"└{'─' * _BATH_WIDE}┘", Mood.QUIET),))
    blank: Line = ((" " * (_BATH_WIDE + 2), Mood.NORMAL),)
    return [(*tank, ("   ", Mood.NORMAL), *grid) for tank, grid in zip_longest(lines, _places(view), fillvalue=blank)]


def _walls(inner: tuple[str, Mood]) -> Line:
    return (("│", Mood.QUIET), inner, ("│", Mood.QUIET))


def _bath_row(quantity: Quantity) -> tuple[str, Mood]:
    said = ""
    if quantity.is_told:
        said = "?" if quantity.told is None else _figure(quantity.told, quantity)
        said = f"{'≠ ' if quantity.differs else ''}{said}"
    text = f" {words(quantity.name):15}{_figure(quantity.true, quantity):>11}{said:>12}"
    return text[:_BATH_WIDE].ljust(_BATH_WIDE), Mood.LIE if quantity.differs else Mood.NORMAL


def _places(view: TwinView) -> list[Line]:
    """Return the places of a bath in rows of six: label on, off, or no bottle."""
    marks = {each.place: "▮" if each.attached else "▯" for each in view.bottles}
    last = max(view.zones[0].places, max(marks, default=0))
    rows = [range(first, min(first + _PLACES_IN_ROW, last + 1)) for first in range(1, last + 1, _PLACES_IN_ROW)]
    lines: list[Line] = [
        tuple((f"{place:3} {marks.get(place, '·')}", Mood.NORMAL if place in marks else Mood.QUIET) for place in row)
        for row in rows
    ]
    legend = tr("▮ label on   ▯ off   · no bottle")
    return [*lines, (), ((legend, Mood.QUIET),)]
